// rcq_private.check_request(): validation of a submitted job by src/core/request.
#include "../core/request.hpp"

#include "../protocol/words.hpp"
#include "guard.hpp"

namespace rcq::pg {

namespace {

std::string_view text_argument(FunctionCallInfo fcinfo, int i) {
    const text* value = call([&] { return PG_GETARG_TEXT_PP(i); });
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

std::vector<std::string> texts_argument(FunctionCallInfo fcinfo, int i) {
    if (PG_ARGISNULL(i)) return {};
    struct Elements {
        Datum* data;
        bool* nulls;
        int count;
    };
    const Elements elements = call([&] {
        Elements e;
        deconstruct_array(PG_GETARG_ARRAYTYPE_P(i), TEXTOID, -1, false, TYPALIGN_INT, &e.data, &e.nulls, &e.count);
        return e;
    });
    std::vector<std::string> result;
    for (int k = 0; k < elements.count; k++) {
        if (elements.nulls[k]) {
            result.emplace_back(); // refused by the check as an empty name
            continue;
        }
        const text* value = call([&] { return DatumGetTextPP(elements.data[k]); });
        result.emplace_back(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
    }
    return result;
}

} // namespace

} // namespace rcq::pg

RCQ_FUNCTION(rcq_check_request) {
    using namespace rcq;
    using namespace rcq::pg;
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
    std::vector<std::string> names = texts_argument(fcinfo, 11), values = texts_argument(fcinfo, 12);
    for (std::size_t i = 0; i < names.size() && i < values.size(); i++)
        request.env.emplace_back(std::move(names[i]), std::move(values[i]));
    request.features = texts_argument(fcinfo, 13);
    if (!PG_ARGISNULL(14)) request.on_disconnect = text_argument(fcinfo, 14);
    core::RequestLimits limits;
    limits.max_priority = PG_GETARG_INT32(15);
    limits.max_script_bytes = PG_GETARG_INT32(16);
    if (!PG_ARGISNULL(17)) limits.max_time_limit_s = PG_GETARG_FLOAT8(17);

    if (const std::optional<core::Violation> violation = core::check(request, limits)) {
        std::string message = violation->message;
        if (!PG_ARGISNULL(0)) message = "job " + std::to_string(PG_GETARG_INT64(0)) + " of the list: " + message;
        throw SqlError(violation->kind == core::Violation::Kind::not_permitted ? protocol::error::not_permitted
                                                                               : protocol::error::bad_request,
                       message, violation->hint);
    }
    PG_RETURN_INT32(static_cast<int32>(core::memory_mib(request.memory_gb)));
}
