// Text of others on a terminal: nothing in it may move the cursor, and its width is known.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::client {

// The text with everything escaped that is not to be seen: control characters as \n, \t, \x1b and so on, bytes that are
// no UTF-8 as \xff, marks that turn the direction of writing as \u202e. A backslash stays one.
std::string safe_text(std::string_view text);

// Where the first byte stands that is no part of a character; nothing: all of it is UTF-8.
std::optional<std::size_t> invalid_utf8(std::string_view text);

// JSON in which what a terminal would take for a command or a change of direction is written as \uXXXX: the same JSON.
std::string safe_json(std::string_view document);

// The columns that safe text takes on a terminal: two for wide characters, none for combining ones.
int display_width(std::string_view safe);

// The text in at most `width` columns (1 or more); what was cut ends in "~".
std::string cut_to_width(std::string_view safe, int width);

// The text in lines of at most `width` columns, broken at blanks; a word that is wider stands alone. At least one line.
std::vector<std::string> in_lines(std::string_view safe, int width);

} // namespace rcq::client
