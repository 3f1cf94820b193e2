// What SQL asks of requests, and of the constraints in them.
#include "../core/constraint.hpp"
#include "../core/types.hpp"

#include "arrays.hpp"
#include "request_checks.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

// Of the expression in argument 0; a malformed one is none.
std::optional<core::Constraint> constraint_argument(FunctionCallInfo fcinfo) {
    auto parsed = core::Constraint::parse(text_argument(fcinfo, 0));
    if (auto* constraint = std::get_if<core::Constraint>(&parsed)) return std::move(*constraint);
    return std::nullopt;
}

} // namespace

} // namespace rcq::pg

// (place in a list or NULL, script, cpu_cores, memory_gb, gpu_count, estimated_hours, time limit in seconds, priority,
// max_retries, name, workdir, env, features, on_disconnect, cpu_cores_min, gpu_type, constraints, consumables,
// concurrency_key, the user's greatest priority, max_script_bytes, max_time_limit in seconds) -> memory in MiB
RCQ_FUNCTION(rcq_check_request) {
    using namespace rcq;
    using namespace rcq::pg;
    require_arguments(fcinfo, 22);
    constexpr std::pair<int, request::Field> fields[] = {{1, request::script},          {2, request::cpu_cores},
                                                         {3, request::memory_gb},       {4, request::gpu_count},
                                                         {5, request::estimated_hours}, {7, request::priority},
                                                         {8, request::max_retries},     {9, request::name},
                                                         {10, request::workdir},        {11, request::env},
                                                         {12, request::features},       {13, request::on_disconnect},
                                                         {14, request::cpu_cores_min},  {15, request::gpu_type},
                                                         {16, request::constraints},    {17, request::consumables},
                                                         {18, request::concurrency_key}};
    Datum values[request::fields];
    bool nulls[request::fields];
    std::fill_n(nulls, int{request::fields}, true);
    for (const auto& [argument, field] : fields) {
        nulls[field] = PG_ARGISNULL(argument);
        values[field] = PG_GETARG_DATUM(argument);
    }
    const Request request(values, nulls);
    core::RequestLimits limits;
    limits.max_priority = PG_GETARG_INT32(19);
    limits.max_script_bytes = PG_GETARG_INT32(20);
    if (!PG_ARGISNULL(21)) limits.max_time_limit_s = PG_GETARG_FLOAT8(21);
    check_request(request, PG_ARGISNULL(6) ? std::nullopt : std::optional(PG_GETARG_FLOAT8(6)), limits,
                  {PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0), false});
    PG_RETURN_INT32(static_cast<int32>(core::memory_mib(request.real(request::memory_gb, 1))));
}

// (requests): error RC001 for the first whose options cannot be
RCQ_FUNCTION(rcq_check_options) {
    using namespace rcq::pg;
    if (PG_ARGISNULL(0)) PG_RETURN_VOID();
    const std::vector<Request> requests = requests_of(PG_GETARG_DATUM(0));
    const TimestampTz now = GetCurrentTimestamp();
    for (std::size_t k = 0; k < requests.size(); k++)
        check_options(requests[k], now, {requests.size() > 1 ? static_cast<int64>(k) + 1 : 0, false});
    PG_RETURN_VOID();
}

// -> rows (name, JSON types) of the fields of a request
RCQ_FUNCTION(rcq_request_fields) {
    using namespace rcq::pg;
    call([&] { InitMaterializedSRF(fcinfo, 0); });
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    for (const request::Column& column : request::columns) {
        Datum values[] = {text_datum(column.name), text_datum(column.expected)};
        bool nulls[] = {false, false};
        call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values, nulls); });
    }
    return Datum{0};
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
