// Job ids and the partitions that take them.
#include "guard.hpp"
#include "relations.hpp"

// The bound at which the newest partition of job ends, by what is committed now; 0 when there is none.
RCQ_FUNCTION(rcq_partitioned_to) {
    using namespace rcq::pg;
    PG_RETURN_INT64(call([]() -> int64 {
        Relation table = table_open(relation_id("job"), AccessShareLock);
        const PartitionDesc partitions = RelationGetPartitionDesc(table, true);
        const PartitionBoundInfo bounds = partitions->boundinfo;
        const int64 end = partitions->nparts > 0 ? DatumGetInt64(bounds->datums[bounds->ndatums - 1][0]) : 0;
        table_close(table, AccessShareLock);
        return end;
    }));
}

// (given, count): count ids, in the place of each NULL of given a new one
RCQ_FUNCTION(rcq_draw_job_ids) {
    using namespace rcq::pg;
    return call([&] {
        const int count = PG_GETARG_INT32(1);
        Datum* given = nullptr;
        bool* absent = nullptr;
        int length = 0;
        if (!PG_ARGISNULL(0))
            deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE, &given, &absent,
                              &length);
        const Oid sequence = relation_id("job_id");
        auto* ids = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(Max(count, 1))));
        for (int k = 0; k < count; k++)
            ids[k] = k < length && !absent[k] ? given[k] : Int64GetDatum(nextval_internal(sequence, false));
        return PointerGetDatum(construct_array(ids, count, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
    });
}
