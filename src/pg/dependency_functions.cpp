// What SQL asks of the dependencies of a job: src/core/dependency_spec.
#include "../core/dependency_spec.hpp"

#include "../protocol/words.hpp"
#include "values.hpp"

// (place in a bulk or NULL, text) -> rows (kind, job_id or NULL, task_index or NULL)
RCQ_FUNCTION(rcq_parse_dependencies) {
    using namespace rcq;
    using namespace rcq::pg;
    const auto parsed = core::parse_dependencies(text_argument(fcinfo, 1));
    if (const auto* error = std::get_if<core::DependencyError>(&parsed)) {
        const std::string place = PG_ARGISNULL(0) ? "" : "job " + std::to_string(PG_GETARG_INT64(0)) + " of the list: ";
        throw SqlError(protocol::error::bad_request, place + error->message, error->hint);
    }
    call([&] { InitMaterializedSRF(fcinfo, 0); });
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    for (const core::Dependency& d : std::get<std::vector<core::Dependency>>(parsed)) {
        Datum values[3] = {text_datum(core::name(d.kind)), Int64GetDatum(d.job),
                           Int32GetDatum(d.task_index.value_or(0))};
        bool nulls[3] = {false, d.job == 0, !d.task_index};
        call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values, nulls); });
    }
    return Datum{0};
}
