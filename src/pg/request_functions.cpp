// rcq_private.check_request(): validation of a submitted job by src/core/request; and what SQL asks of its constraints.
#include "../core/constraint.hpp"
#include "../core/request.hpp"
#include "../core/types.hpp"

#include "../protocol/words.hpp"
#include "arrays.hpp"
#include "json.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

// "job 3 of the list: " in a bulk, where argument 0 is its place.
std::string place(FunctionCallInfo fcinfo) {
    return PG_ARGISNULL(0) ? std::string() : "job " + std::to_string(PG_GETARG_INT64(0)) + " of the list: ";
}

// Pairs of the JSON object in argument i, none when it is NULL. `read` turns a value into what is wanted of it, or
// nothing when it is of the wrong kind; that, and anything but an object, is RC001.
template <class Value, class Read>
std::vector<std::pair<std::string, Value>> object_argument(FunctionCallInfo fcinfo, int i, const char* field,
                                                           const char* content, const char* hint, Read read) {
    if (PG_ARGISNULL(i)) return {};
    Jsonb* json = call([&] { return PG_GETARG_JSONB_P(i); });
    if (auto pairs = json_pairs<Value>(json, read)) return std::move(*pairs);
    constexpr int shown = 100;
    const char* written = call([&] {
        char* all = JsonbToCString(nullptr, &json->root, VARSIZE(json));
        all[pg_mbcharcliplen(all, static_cast<int>(strlen(all)), shown)] = '\0';
        return all;
    });
    throw SqlError(protocol::error::bad_request,
                   place(fcinfo) + field + " is not an object of " + content + ": " + written, hint);
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

// Of the expression in argument 0; a malformed one is none.
std::optional<core::Constraint> constraint_argument(FunctionCallInfo fcinfo) {
    auto parsed = core::Constraint::parse(text_argument(fcinfo, 0));
    if (auto* constraint = std::get_if<core::Constraint>(&parsed)) return std::move(*constraint);
    return std::nullopt;
}

} // namespace

} // namespace rcq::pg

RCQ_FUNCTION(rcq_check_request) {
    using namespace rcq;
    using namespace rcq::pg;
    require_arguments(fcinfo, 22);
    core::JobRequest request;
    if (!PG_ARGISNULL(1)) request.script = text_argument(fcinfo, 1);
    request.cpu_cores = PG_GETARG_INT32(2);
    request.memory_gb = PG_GETARG_FLOAT8(3);
    request.gpu_count = PG_GETARG_INT32(4);
    if (!PG_ARGISNULL(5)) request.estimated_hours = PG_GETARG_FLOAT8(5);
    if (!PG_ARGISNULL(6)) request.time_limit_s = PG_GETARG_FLOAT8(6);
    request.priority = PG_GETARG_INT32(7);
    request.max_retries = PG_GETARG_INT32(8);
    if (!PG_ARGISNULL(9)) request.name = text_argument(fcinfo, 9);
    if (!PG_ARGISNULL(10)) request.workdir = text_argument(fcinfo, 10);
    request.env = object_argument<std::string>(fcinfo, 11, "env", "names and texts",
                                               R"(Write it as {"NAME": "value", ...}.)", as_text);
    request.features = texts_argument(fcinfo, 12);
    if (!PG_ARGISNULL(13)) request.on_disconnect = text_argument(fcinfo, 13);
    if (!PG_ARGISNULL(14)) request.cpu_cores_min = PG_GETARG_INT32(14);
    if (!PG_ARGISNULL(15)) request.gpu_type = text_argument(fcinfo, 15);
    if (!PG_ARGISNULL(16)) request.constraints = text_argument(fcinfo, 16);
    request.consumables = object_argument<double>(fcinfo, 17, "consumables", "names and amounts",
                                                  R"(Write it as {"name": 1, ...}.)", json_number);
    if (!PG_ARGISNULL(18)) request.concurrency_key = text_argument(fcinfo, 18);
    core::RequestLimits limits;
    limits.max_priority = PG_GETARG_INT32(19);
    limits.max_script_bytes = PG_GETARG_INT32(20);
    if (!PG_ARGISNULL(21)) limits.max_time_limit_s = PG_GETARG_FLOAT8(21);

    if (const std::optional<core::Violation> violation = core::check(request, limits))
        throw SqlError(violation->kind == core::Violation::Kind::not_permitted ? protocol::error::not_permitted
                                                                               : protocol::error::bad_request,
                       place(fcinfo) + violation->message, violation->hint);
    PG_RETURN_INT32(static_cast<int32>(core::memory_mib(request.memory_gb)));
}

// (features) -> the same sorted and without duplicates, NULL when there are none
RCQ_FUNCTION(rcq_feature_list) {
    using namespace rcq;
    core::Features features = pg::texts_argument(fcinfo, 0);
    core::sort_features(features);
    if (features.empty()) PG_RETURN_NULL();
    return pg::texts_datum(features);
}

RCQ_FUNCTION(rcq_constraint_text) {
    using namespace rcq::pg;
    if (const auto constraint = constraint_argument(fcinfo)) return text_datum(constraint->text());
    PG_RETURN_NULL();
}

RCQ_FUNCTION(rcq_constraint_wants) {
    using namespace rcq::pg;
    if (const auto constraint = constraint_argument(fcinfo)) return texts_datum(constraint->wanted_names());
    PG_RETURN_NULL();
}

// (constraint, features) -> whether it accepts them; no constraint accepts everything
RCQ_FUNCTION(rcq_constraint_accepts) {
    using namespace rcq;
    using namespace rcq::pg;
    if (PG_ARGISNULL(0)) PG_RETURN_BOOL(true);
    const auto constraint = constraint_argument(fcinfo);
    if (!constraint) PG_RETURN_NULL();
    core::Features features = texts_argument(fcinfo, 1);
    core::sort_features(features);
    PG_RETURN_BOOL(constraint->accepts(features));
}
