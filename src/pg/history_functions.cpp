// Job ids and the partitions that take them.
#include "guard.hpp"
#include "job_ids.hpp"
#include "relations.hpp"

int64 rcq::pg::partitioned_to() {
    return call([]() -> int64 {
        Relation table = table_open(relation_id("job"), AccessShareLock);
        const PartitionDesc partitions = RelationGetPartitionDesc(table, true);
        const PartitionBoundInfo bounds = partitions->boundinfo;
        const int64 end = partitions->nparts > 0 ? DatumGetInt64(bounds->datums[bounds->ndatums - 1][0]) : 0;
        table_close(table, AccessShareLock);
        return end;
    });
}

RCQ_FUNCTION(rcq_partitioned_to) { PG_RETURN_INT64(rcq::pg::partitioned_to()); }

// (given, count): count ids, in the place of each NULL of given a new one
RCQ_FUNCTION(rcq_draw_job_ids) {
    using namespace rcq::pg;
    return call([&] {
        constexpr int most = 10'000'000;
        const int count = PG_GETARG_INT32(1);
        if (count < 0 || count > most)
            ereport(ERROR,
                    (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%d job ids cannot be drawn at once", count)));
        Datum* given = nullptr;
        bool* absent = nullptr;
        int length = 0;
        if (!PG_ARGISNULL(0))
            deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE, &given, &absent,
                              &length);
        const Oid sequence = relation_id("job_id");
        auto* ids = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(Max(count, 1))));
        for (int k = 0; k < count; k++) {
            CHECK_FOR_INTERRUPTS();
            ids[k] = k < length && !absent[k] ? given[k] : Int64GetDatum(nextval_internal(sequence, false));
        }
        return PointerGetDatum(construct_array(ids, count, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
    });
}
