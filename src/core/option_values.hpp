// Values of options as people write them (src/core/submit_options), as JSON text. Each throws OptionError, whose
// message begins with `subject` ("--memory"), when the value is malformed.
#pragma once
#include <string>
#include <string_view>

namespace rcq::core {

std::string json_string(std::string_view text);

std::string integer_json(std::string_view subject, std::string_view value);
std::string number_json(std::string_view subject, std::string_view value);
std::string memory_json(std::string_view subject, std::string_view value);
std::string duration_json(std::string_view subject, std::string_view value); // seconds
std::string hours_json(std::string_view subject, std::string_view value);
bool flag_value(std::string_view subject, std::string_view value);
std::string array_json(std::string_view subject, std::string_view value);
std::string dependency_json(std::string_view subject, std::string_view value);

// `gathered` is the JSON array or object of the values so far, or empty; what it is with this value, too.
std::string with_items(std::string_view subject, std::string_view gathered, std::string_view value);
std::string with_variable(std::string_view subject, std::string_view gathered, std::string_view value);
std::string with_amount(std::string_view subject, std::string_view gathered, std::string_view value);

} // namespace rcq::core
