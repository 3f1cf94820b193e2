#include "executor/job_spec.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace rcq::executor {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& field, const std::string& reason) {
    throw SpecError("start specification: " + field + " " + reason);
}

const json* find(const json& object, const char* field) {
    auto found = object.find(field);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_or_empty(const json& object, const char* field) {
    const json* value = find(object, field);
    if (value == nullptr) return {};
    if (!value->is_string()) refuse(field, "is not a string");
    auto text = value->get<std::string>();
    if (text.find('\0') != std::string::npos) refuse(field, "contains a zero byte");
    return text;
}

std::int64_t integer(const json& object, const char* field, std::int64_t fallback, std::int64_t least,
                     std::int64_t greatest) {
    const json* value = find(object, field);
    if (value == nullptr) return fallback;
    if (!value->is_number_integer()) refuse(field, "is not an integer");
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        refuse(field, "is out of range");
    }
    auto number = value->get<std::int64_t>();
    if (number < least || number > greatest) refuse(field, "is out of range");
    return number;
}

void decode_env(const json& object, JobSpec& spec) {
    const json* env = find(object, "env");
    if (env == nullptr) return;
    if (!env->is_object()) refuse("env", "is not an object");
    for (const auto& [key, value] : env->items()) {
        if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos) {
            refuse("env", "has a key that is no variable name");
        }
        if (!value.is_string()) refuse("env." + key, "is not a string");
        auto text = value.get<std::string>();
        if (text.find('\0') != std::string::npos) refuse("env." + key, "contains a zero byte");
        spec.env.emplace_back(key, std::move(text));
    }
}

} // namespace

JobSpec decode_job_spec(std::string_view body) {
    json object = json::parse(body, nullptr, false);
    if (object.is_discarded()) throw SpecError("start specification: malformed JSON");
    if (!object.is_object()) throw SpecError("start specification: not a JSON object");

    JobSpec spec;
    spec.attempt = integer(object, "attempt", 1, 0, INT64_MAX);
    spec.name = text_or_empty(object, "name");
    spec.user = text_or_empty(object, "user");
    spec.group = text_or_empty(object, "group");
    spec.unix_user = text_or_empty(object, "unix_user");
    if (find(object, "script") == nullptr) refuse("script", "is missing");
    spec.script = text_or_empty(object, "script");
    if (find(object, "workdir") != nullptr) spec.workdir = text_or_empty(object, "workdir");
    decode_env(object, spec);
    spec.cpu_cores = static_cast<int>(integer(object, "cpu_cores", 1, 1, 1 << 20));
    spec.memory_mib = integer(object, "memory_mib", 0, 0, std::int64_t{1} << 40);
    spec.gpu_count = static_cast<int>(integer(object, "gpu_count", 0, 0, 1 << 16));
    if (const json* limit = find(object, "time_limit_s"); limit != nullptr) {
        if (!limit->is_number()) refuse("time_limit_s", "is not a number");
        auto seconds = limit->get<double>();
        if (!std::isfinite(seconds) || seconds <= 0 || seconds > 1e10) refuse("time_limit_s", "is out of range");
        spec.time_limit_s = seconds;
    }
    std::string on_disconnect = text_or_empty(object, "on_disconnect");
    if (!on_disconnect.empty() && on_disconnect != "continue" && on_disconnect != "kill") {
        refuse("on_disconnect", "is neither continue nor kill");
    }
    spec.kill_on_disconnect = on_disconnect == "kill";
    spec.type = text_or_empty(object, "type");
    if (find(object, "array_id") != nullptr) {
        spec.array_id = integer(object, "array_id", 0, 1, INT64_MAX);
        spec.array_index = integer(object, "array_index", 0, 0, INT64_MAX);
        spec.array_size = integer(object, "array_size", 0, 0, INT64_MAX);
    }
    return spec;
}

} // namespace rcq::executor
