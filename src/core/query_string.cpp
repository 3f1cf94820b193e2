#include "query_string.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace rcq::core {

namespace {

std::optional<unsigned> hexadecimal(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

std::optional<std::string> decoded(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            bytes += text[i] == '+' ? ' ' : text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const auto high = hexadecimal(text[i + 1]), low = hexadecimal(text[i + 2]);
        if (!high || !low) return std::nullopt;
        bytes += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return bytes;
}

// The characters of a JSON text for which `counts`.
template <class Counts> std::size_t count_outside_strings(std::string_view json, Counts counts) {
    std::size_t count = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); i++) {
        if (in_string && json[i] == '\\')
            i++;
        else if (json[i] == '"')
            in_string = !in_string;
        else if (!in_string && counts(json[i]))
            count++;
    }
    return count;
}

} // namespace

std::variant<QueryParameters, std::string> parse_query(std::string_view query) {
    QueryParameters parameters;
    std::unordered_set<std::string> names;
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) return "parameter \"" + std::string(part) + "\" has no value";
        auto name = decoded(part.substr(0, equals)), value = decoded(part.substr(equals + 1));
        if (!name || !value) return "in \"" + std::string(part) + "\", a % is not followed by two hexadecimal digits";
        if (name->empty()) return "parameter \"" + std::string(part) + "\" has no name";
        if (!names.insert(*name).second) return "parameter " + std::string(part.substr(0, equals)) + " is given twice";
        parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return parameters;
}

std::size_t count_json_members(std::string_view json) {
    return count_outside_strings(json, [](char c) { return c == ':'; });
}

std::size_t count_json_values(std::string_view json) {
    return count_outside_strings(json, [](char c) { return c == ',' || c == ':' || c == '[' || c == '{'; });
}

} // namespace rcq::core
