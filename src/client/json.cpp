#include "client/json.hpp"

#include "client/failure.hpp"

#include <nlohmann/json.hpp>

namespace rcq::client {

Json parse_json(std::string_view text) {
    Json value = Json::parse(text, nullptr, false);
    if (value.is_discarded())
        throw Failure(ExitCode::refused, "the server's answer is no JSON: " + std::string(text.substr(0, 200)));
    return value;
}

std::string text_of(const Json& object, const char* key) {
    const auto member = object.find(key);
    if (member == object.end() || member->is_null()) return {};
    return member->is_string() ? member->get<std::string>() : member->dump();
}

std::optional<double> number_of(const Json& object, const char* key) {
    const auto member = object.find(key);
    if (member == object.end() || !member->is_number()) return std::nullopt;
    return member->get<double>();
}

bool is_null(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member == object.end() || member->is_null();
}

} // namespace rcq::client
