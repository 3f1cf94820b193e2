// What is submitted: a script out of a file, or out of a command.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace rcq::client {

// The text of a file, "-" for stdin. Throws Failure (misused): it cannot be read, is empty, or is no text.
std::string read_script(const std::string& path);

// What marks options of another queue among the comments that a script begins with, "#SBATCH"; empty: there are none,
// or it has options of ours as well.
std::string foreign_directives(std::string_view script);

// A script that does what a shell does with these words, each as it stands.
std::string script_of_command(const std::vector<std::string>& words);

// The program without its directories, as a job's name.
std::string name_of_command(const std::vector<std::string>& words);

// As a shell reads it as one word again.
std::string shell_word(std::string_view text);

} // namespace rcq::client
