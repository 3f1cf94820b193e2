// Query strings of URLs (application/x-www-form-urlencoded): a=1&b=two+words%21.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rcq::core {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// Names and values in their order, as bytes: nothing says that they are text. Or what is wrong: a part without '=', an
// empty or repeated name, a '%' that two hexadecimal digits do not follow. Empty parts (a=1&&b=2) count as nothing.
std::variant<QueryParameters, std::string> parse_query(std::string_view query);

// How many members all objects of a valid JSON text have together, those of the same name each counted.
std::size_t count_json_members(std::string_view json);

// How many values and names a JSON text has, which says what it costs to read: its commas, colons and opening brackets
// outside of strings. Of what is no JSON, any number.
std::size_t count_json_values(std::string_view json);

} // namespace rcq::core
