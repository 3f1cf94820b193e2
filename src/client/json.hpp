// What the server answered, read.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace rcq::client {

using Json = nlohmann::ordered_json;

// Throws Failure when it is none.
Json parse_json(std::string_view text);

// The member as people read it: a text as it is, numbers and the rest as in JSON; empty when it is null or not there.
std::string text_of(const Json& object, const char* key);
std::optional<double> number_of(const Json& object, const char* key);
bool is_null(const Json& object, const char* key); // or not there

} // namespace rcq::client
