#include "retry_policies.hpp"

#include "json.hpp"

namespace rcq::pg {

namespace {

std::optional<JsonbValue> field(Jsonb* object, std::string_view key) {
    JsonbValue value;
    const auto length = static_cast<int>(key.size());
    const bool found =
        call([&] { return getKeyJsonValueFromContainer(&object->root, key.data(), length, &value) != nullptr; });
    return found ? std::optional(value) : std::nullopt;
}

std::optional<double> number(Jsonb* object, std::string_view key) {
    const std::optional<JsonbValue> value = field(object, key);
    return value ? json_number(*value) : std::nullopt;
}

std::string_view string(const JsonbValue& value) {
    if (value.type != jbvString) return {};
    return {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
}

// Calls f with each element of a list; whether there is one.
template <class Each> bool each(Jsonb* object, std::string_view key, Each f) {
    const std::optional<JsonbValue> list = field(object, key);
    if (!list || list->type != jbvBinary) return false;
    JsonbContainer* container = list->val.binary.data;
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(container); });
    JsonbValue item;
    for (;;) {
        const JsonbIteratorToken token = call([&] { return JsonbIteratorNext(&iterator, &item, true); });
        if (token == WJB_DONE) return true;
        if (token == WJB_ELEM) f(item);
    }
}

} // namespace

core::RetryPolicy retry_policy(Jsonb* stored) {
    core::RetryPolicy policy;
    if (!stored) return policy;
    std::set<std::string, std::less<>> ends;
    if (each(stored, "on", [&](const JsonbValue& item) { ends.emplace(string(item)); })) policy.ends = std::move(ends);
    std::set<int> codes;
    const bool by_code = each(stored, "exit_codes", [&](const JsonbValue& item) {
        if (const std::optional<double> code = json_number(item)) codes.insert(static_cast<int>(*code));
    });
    if (by_code) policy.exit_codes = std::move(codes);
    policy.delay_s = number(stored, "delay_s").value_or(0);
    if (const auto backoff = field(stored, "backoff")) policy.exponential = string(*backoff) == "exponential";
    policy.max_delay_s = number(stored, "max_delay_s");
    policy.jitter = number(stored, "jitter").value_or(0);
    policy.memory_factor = number(stored, "memory_factor").value_or(1);
    return policy;
}

} // namespace rcq::pg
