// Rejected values in messages to people.
#pragma once
#include <string>
#include <string_view>

namespace rcq::core {

bool is_control(char c);

// The value in double quotes, for a message: at most 64 bytes of it, and nothing that could garble a terminal or a log.
// Valid UTF-8 stays so.
std::string quoted(std::string_view s);

} // namespace rcq::core
