// Options of a submission that stand in its script:
//
//   #!/bin/sh
//   #RCQ --cpu-cores=8 --memory 32G -t 4h     # several in a line; a word that begins with # ends them
//   #RCQ --name="train, epoch 4" --hold
//   python3 train.py
//
// A directive is a line that begins with #RCQ and a space or a tab, before the first line that is neither blank nor a
// comment. Words are separated by spaces and tabs; within '...' everything is as it is, within "..." a backslash goes
// before " and \. Lines end with a line feed, or carriage return and line feed. Pure.
#pragma once
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rcq::core {

inline constexpr std::string_view directive_mark = "#RCQ";
inline constexpr std::size_t max_directive_bytes = 65'536; // of a script: beyond, a directive is an error
inline constexpr std::size_t max_directive_options = 256;  // of a script, repeated ones included

struct Directives {
    struct Value {
        std::string json; // as of set_option()
        int line = 0;     // of the script, counted from 1: where the field was last said
    };
    std::map<std::string, Value, std::less<>> fields; // of a request
};

// A directive that is malformed: an unknown option, one that may not stand in a script, a missing, superfluous or
// malformed value, an option that is given twice.
class DirectiveError : public std::runtime_error {
public:
    DirectiveError(int line, const std::string& message, std::string hint);
    int line() const { return line_; } // counted from 1
    const std::string& hint() const { return hint_; }

private:
    int line_;
    std::string hint_;
};

// "line 3 of the script: "
std::string place_in_script(int line);

// Whether read_directives() could find any; fast also in a script full of comments, which has # everywhere.
inline bool may_have_directives(std::string_view script) {
    return script.find("RCQ ") != std::string_view::npos || script.find("RCQ\t") != std::string_view::npos;
}

// What all directives of a script say together; throws DirectiveError for the first that is malformed, whose what()
// begins with place_in_script(). O(script).
Directives read_directives(std::string_view script);

} // namespace rcq::core
