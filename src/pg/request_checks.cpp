#include "request_checks.hpp"

#include "../core/request_options.hpp"
#include "../protocol/words.hpp"
#include "arrays.hpp"
#include "json.hpp"
#include "script_directives.hpp"
#include "values.hpp"

extern "C" {
#include "utils/numeric.h"
}

namespace rcq::pg {

namespace {

// Pairs of a JSON object. `read` turns a value into what is wanted of it, or nothing when it is of the wrong kind;
// that, and anything but an object, is RC001.
template <class Value, class Read>
std::vector<std::pair<std::string, Value>> object_of(Datum value, const char* field, const char* content,
                                                     const char* hint, const Place& place, Read read) {
    Jsonb* json = call([&] { return DatumGetJsonbP(value); });
    if (auto pairs = json_pairs<Value>(json, read)) return std::move(*pairs);
    constexpr int shown = 100;
    const char* written = call([&] {
        char* all = JsonbToCString(nullptr, &json->root, VARSIZE(json));
        all[pg_mbcharcliplen(all, static_cast<int>(strlen(all)), shown)] = '\0';
        return all;
    });
    throw SqlError(protocol::error::bad_request,
                   place.text() + field + " is not an object of " + content + ": " + written, hint);
}

std::optional<std::string> as_text(const JsonbValue& value) {
    switch (value.type) {
    case jbvString:
        return std::string(value.val.string.val, static_cast<std::size_t>(value.val.string.len));
    case jbvBool:
        return value.val.boolean ? "true" : "false";
    case jbvNumeric:
        return call(
            [&] { return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric))); });
    default:
        return std::nullopt;
    }
}

[[noreturn]] void refuse(const core::Violation& violation, const Request& request, const Place& place) {
    throw SqlError(violation.kind == core::Violation::Kind::not_permitted ? protocol::error::not_permitted
                                                                          : protocol::error::bad_request,
                   place.text() + place_of_directive(request, violation.field) + violation.message, violation.hint);
}

std::vector<std::optional<std::string>> texts_or_nulls(Datum array) {
    const Elements elements = elements_of(array);
    std::vector<std::optional<std::string>> texts;
    for (int k = 0; k < elements.count; k++) {
        if (elements.nulls[k])
            texts.emplace_back();
        else
            texts.emplace_back(call([&] { return TextDatumGetCString(elements.data[k]); }));
    }
    return texts;
}

} // namespace

std::string Place::text() const {
    if (number == 0) return {};
    return row ? "row " + std::to_string(number) + ": " : "job " + std::to_string(number) + " of the list: ";
}

double seconds(const Request& request, request::Field field) {
    return call([&] {
        const Datum epoch = PointerGetDatum(cstring_to_text("epoch"));
        return DatumGetFloat8(DirectFunctionCall2(interval_part, epoch, request[field]));
    });
}

std::vector<std::pair<std::string, double>> consumables_of(const Request& request, const Place& place) {
    if (!request.has(request::consumables)) return {};
    return object_of<double>(request[request::consumables], "consumables", "names and amounts",
                             R"(Write it as {"name": 1, ...}.)", place, json_number);
}

void check_request(const Request& asked, std::optional<double> time_limit_s, const core::RequestLimits& limits,
                   const Place& place) {
    const auto line = [&](request::Field field) -> std::optional<std::string_view> {
        if (!asked.has(field)) return std::nullopt;
        return asked.string(field);
    };
    core::JobRequest request;
    if (asked.has(request::script)) request.script = asked.string(request::script);
    request.cpu_cores = asked.integer(request::cpu_cores, 1);
    request.memory_gb = asked.real(request::memory_gb, 1);
    request.gpu_count = asked.integer(request::gpu_count, 0);
    if (asked.has(request::estimated_hours)) request.estimated_hours = asked.real(request::estimated_hours, 0);
    request.time_limit_s = time_limit_s;
    request.priority = priority_of(asked, static_cast<int32>(limits.max_priority));
    request.max_retries = asked.integer(request::max_retries, 0);
    request.name = line(request::name);
    request.workdir = line(request::workdir);
    if (asked.has(request::env))
        request.env = object_of<std::string>(asked[request::env], "env", "names and texts",
                                             R"(Write it as {"NAME": "value", ...}.)", place, as_text);
    if (asked.has(request::features)) request.features = texts_of(asked[request::features]);
    if (asked.has(request::on_disconnect)) request.on_disconnect = asked.string(request::on_disconnect);
    if (asked.has(request::cpu_cores_min)) request.cpu_cores_min = asked.integer(request::cpu_cores_min, 0);
    request.gpu_type = line(request::gpu_type);
    request.constraints = line(request::constraints);
    request.consumables = consumables_of(asked, place);
    request.concurrency_key = line(request::concurrency_key);
    if (const std::optional<core::Violation> violation = core::check(request, limits)) refuse(*violation, asked, place);
}

void check_options(const Request& asked, TimestampTz now, const Place& place) {
    const auto line = [&](request::Field field) -> std::optional<std::string_view> {
        if (!asked.has(field)) return std::nullopt;
        return asked.string(field);
    };
    const auto texts = [&](request::Field field) -> std::optional<core::JobOptions::Texts> {
        if (!asked.has(field)) return std::nullopt;
        return texts_or_nulls(asked[field]);
    };
    const auto number = [&](request::Field field) -> std::optional<double> {
        if (!asked.has(field)) return std::nullopt;
        return asked.real(field, 0);
    };
    core::JobOptions options;
    if (asked.has(request::begin_time)) options.begin_time = DatumGetTimestampTz(asked[request::begin_time]);
    if (asked.has(request::deadline)) options.deadline = DatumGetTimestampTz(asked[request::deadline]);
    options.on_dependency_failed = line(request::on_dependency_failed);
    options.retry_on = texts(request::retry_on);
    if (asked.has(request::retry_delay)) options.retry_delay_s = seconds(asked, request::retry_delay);
    if (asked.has(request::retry_max_delay)) options.retry_max_delay_s = seconds(asked, request::retry_max_delay);
    options.retry_backoff = line(request::retry_backoff);
    options.retry_jitter = number(request::retry_jitter);
    options.retry_memory_factor = number(request::retry_memory_factor);
    options.idempotency_key = line(request::idempotency_key);
    options.project = line(request::project);
    options.tags = texts(request::tags);
    const auto written = [&](const char* field) -> std::string {
        int at = 0;
        while (strcmp(request::columns[at].name, field) != 0) at++;
        const Oid type = request::columns[at].type;
        const Datum value = asked[static_cast<request::Field>(at)];
        return call([&] {
            Oid output;
            bool varlena;
            getTypeOutputInfo(type, &output, &varlena);
            return OidOutputFunctionCall(output, value);
        });
    };
    if (const auto violation = core::check_options(options, now, written)) refuse(*violation, asked, place);
}

std::optional<Datum> retry_policy(const Request& asked) {
    if ((asked.given() & retry_fields) == 0) return std::nullopt;
    JsonbParseState* state = nullptr;
    const auto push = [&](JsonbIteratorToken token, JsonbValue* value) {
        return call([&] { return pushJsonbValue(&state, token, value); });
    };
    const auto push_text = [&](JsonbIteratorToken token, std::string_view text) {
        JsonbValue value;
        value.type = jbvString;
        value.val.string.len = static_cast<int>(text.size());
        value.val.string.val = call([&] { return pnstrdup(text.data(), text.size()); });
        push(token, &value);
    };
    const auto push_number = [&](JsonbIteratorToken token, double number) { // as JSON writes it: 0.1
        JsonbValue value;
        value.type = jbvNumeric;
        value.val.numeric = call([&] {
            const Datum text = DirectFunctionCall1(float8out, Float8GetDatum(number));
            return DatumGetNumeric(
                DirectFunctionCall3(numeric_in, text, ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
        });
        push(token, &value);
    };
    const auto number = [&](const char* name, double value) {
        push_text(WJB_KEY, name);
        push_number(WJB_VALUE, value);
    };
    push(WJB_BEGIN_OBJECT, nullptr);
    if (asked.has(request::retry_on)) {
        std::set<std::string> ends;
        std::set<int> codes;
        for (const std::string& end : texts_of(asked[request::retry_on])) {
            if (end[0] >= '0' && end[0] <= '9')
                codes.insert(std::stoi(end));
            else
                ends.insert(end);
        }
        if (!ends.empty()) {
            push_text(WJB_KEY, "on");
            push(WJB_BEGIN_ARRAY, nullptr);
            for (const std::string& end : ends) push_text(WJB_ELEM, end);
            push(WJB_END_ARRAY, nullptr);
        }
        if (!codes.empty()) {
            push_text(WJB_KEY, "exit_codes");
            push(WJB_BEGIN_ARRAY, nullptr);
            for (const int code : codes) push_number(WJB_ELEM, code);
            push(WJB_END_ARRAY, nullptr);
        }
    }
    if (asked.has(request::retry_delay)) number("delay_s", seconds(asked, request::retry_delay));
    if (asked.has(request::retry_backoff)) {
        push_text(WJB_KEY, "backoff");
        push_text(WJB_VALUE, asked.string(request::retry_backoff));
    }
    if (asked.has(request::retry_max_delay)) number("max_delay_s", seconds(asked, request::retry_max_delay));
    if (asked.has(request::retry_jitter)) number("jitter", asked.real(request::retry_jitter, 0));
    if (asked.has(request::retry_memory_factor)) number("memory_factor", asked.real(request::retry_memory_factor, 0));
    JsonbValue* object = push(WJB_END_OBJECT, nullptr);
    return call([&] { return JsonbPGetDatum(JsonbValueToJsonb(object)); });
}

} // namespace rcq::pg
