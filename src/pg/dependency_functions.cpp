// What SQL asks of dependencies: what a text of them says, whether a graph has a cycle.
#include "../core/dependency_spec.hpp"
#include "../core/graph.hpp"

#include "../protocol/words.hpp"
#include "guard.hpp"

namespace rcq::pg {

namespace {

// Of argument i; it must not have NULLs.
std::span<const int32> integers_argument(FunctionCallInfo fcinfo, int i) {
    const ArrayType* array = call([&] {
        const ArrayType* a = PG_GETARG_ARRAYTYPE_P(i);
        if (ARR_NDIM(a) > 1 || ARR_HASNULL(a)) elog(ERROR, "argument %d is no list of integers", i + 1);
        return a;
    });
    const int count = call([&] { return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)); });
    return {reinterpret_cast<const int32*>(ARR_DATA_PTR(array)), static_cast<std::size_t>(count)};
}

} // namespace

} // namespace rcq::pg

// (place in a bulk or NULL, text) -> set of (kind, job_id, task_index); RC001 when malformed
RCQ_FUNCTION(rcq_parse_dependencies) {
    using namespace rcq;
    using namespace rcq::pg;
    if (PG_ARGISNULL(1)) throw std::invalid_argument("no text of dependencies");
    const text* written = call([&] { return PG_GETARG_TEXT_PP(1); });
    const auto parsed = core::parse_dependencies({VARDATA_ANY(written), VARSIZE_ANY_EXHDR(written)});
    if (const auto* error = std::get_if<core::DependencyError>(&parsed)) {
        const std::string place = PG_ARGISNULL(0) ? "" : "job " + std::to_string(PG_GETARG_INT64(0)) + " of the list: ";
        throw SqlError(protocol::error::bad_request, place + "depends_on: " + error->message, error->hint);
    }
    call([&] { InitMaterializedSRF(fcinfo, 0); });
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    for (const core::Dependency& dependency : std::get<std::vector<core::Dependency>>(parsed)) {
        const std::string_view kind = core::name(dependency.kind);
        call([&] {
            Datum values[] = {PointerGetDatum(cstring_to_text_with_len(kind.data(), static_cast<int>(kind.size()))),
                              Int64GetDatum(dependency.job), Int32GetDatum(dependency.task.value_or(0))};
            bool nulls[] = {false, false, !dependency.task.has_value()};
            tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
        });
    }
    PG_RETURN_NULL();
}

// (nodes, from, to) -> the nodes of a cycle, numbered from 1 as in from and to; NULL when there is none
RCQ_FUNCTION(rcq_find_cycle) {
    using namespace rcq;
    using namespace rcq::pg;
    const int32 nodes = PG_GETARG_INT32(0);
    const std::span<const int32> from = integers_argument(fcinfo, 1), to = integers_argument(fcinfo, 2);
    if (nodes < 0 || from.size() != to.size()) throw std::invalid_argument("no graph");
    std::vector<core::Arc> arcs;
    arcs.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); i++) {
        if (from[i] < 1 || from[i] > nodes || to[i] < 1 || to[i] > nodes)
            throw std::invalid_argument("an arc of the graph leads nowhere");
        arcs.push_back({static_cast<uint32>(from[i] - 1), static_cast<uint32>(to[i] - 1)});
    }
    const std::vector<uint32> cycle = core::find_cycle(static_cast<uint32>(nodes), arcs);
    if (cycle.empty()) PG_RETURN_NULL();
    return call([&] {
        auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * cycle.size()));
        for (std::size_t i = 0; i < cycle.size(); i++) values[i] = Int32GetDatum(static_cast<int32>(cycle[i]) + 1);
        return PointerGetDatum(
            construct_array(values, static_cast<int>(cycle.size()), INT4OID, sizeof(int32), true, TYPALIGN_INT));
    });
}
