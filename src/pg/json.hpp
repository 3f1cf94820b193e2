// JSON objects between SQL and C++.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

// Names and values of a JSON object; none when it is not an object, or `read` finds one of its values to be of the
// wrong kind (and returns nothing).
template <class Value, class Read>
std::optional<std::vector<std::pair<std::string, Value>>> json_pairs(Jsonb* json, Read read) {
    std::vector<std::pair<std::string, Value>> pairs;
    if (!JB_ROOT_IS_OBJECT(json)) return std::nullopt;
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(&json->root); });
    JsonbValue item;
    std::string key;
    for (;;) {
        const JsonbIteratorToken token = call([&] { return JsonbIteratorNext(&iterator, &item, true); });
        if (token == WJB_DONE) return pairs;
        if (token == WJB_KEY) key.assign(item.val.string.val, static_cast<std::size_t>(item.val.string.len));
        if (token != WJB_VALUE) continue;
        std::optional<Value> value = read(item);
        if (!value) return std::nullopt;
        pairs.emplace_back(key, std::move(*value));
    }
}

inline std::optional<double> json_number(const JsonbValue& value) {
    if (value.type != jbvNumeric) return std::nullopt;
    return call([&] {
        return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
    });
}

// {"name": whole amount}, as jobs store what they want of consumables; what is not of this form counts as nothing.
inline std::map<std::string, int64, std::less<>> json_amounts(Jsonb* json) {
    std::map<std::string, int64, std::less<>> amounts;
    if (const auto pairs = json_pairs<double>(json, json_number))
        for (const auto& [name, amount] : *pairs) amounts[name] = static_cast<int64>(amount);
    return amounts;
}

} // namespace rcq::pg
