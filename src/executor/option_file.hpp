// The configuration file: lines `name = value` with the names of the command line's options.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::executor {

struct FileEntry {
    int line = 0;
    std::string name;
    std::vector<std::string> values;
};

// What is wrong, with the path and the line.
class OptionFileError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The part of TOML that options need: `name = value` and `name = [value, value]`, over several lines when need be; a
// value is a bare word (also true, false, a number), "quoted" with \" \\ \n \t, or 'literal'. # begins a comment,
// outside of quotes. No sections. Throws OptionFileError; `path` is for its message.
std::vector<FileEntry> parse_option_file(std::string_view text, const std::string& path);

// Reads and parses. Refused: a file that somebody else than root and this process' user owns or can write, and one that
// gives a password and that everybody can read. /dev/null has no entries.
std::vector<FileEntry> read_option_file(const std::string& path);

} // namespace rcq::executor
