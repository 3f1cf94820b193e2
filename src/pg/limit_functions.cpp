#include "limits.hpp"

#include "guard.hpp"
#include "relations.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

// What a user's row in the counted column says: it counts, it does not, or it ends the count.
enum class Verdict { counts, passes, ends };

// A person with more tasks than this after the last own submission has submitted nothing for a while.
constexpr int64 most_passed = 100'000;

// Counts a user's rows, latest first, by the index of the table that begins with user_id and is named <table>_user;
// `at_most` ends the count, too. Rows in which the column `passed_if` (if there is one) is not NULL pass. False when
// the count has ended.
template <class Judge>
bool count_rows(Oid table_id, const char* column_name, const char* passed_if, int32 user_id, int64 at_most,
                int64& counted, Judge judge) {
    return call([&] {
        Relation table = table_open(table_id, AccessShareLock);
        const char* index_name = psprintf("%s_user", RelationGetRelationName(table));
        Relation index = index_open(relation_id(index_name), AccessShareLock);
        const AttrNumber judged = column_number(table_id, column_name);
        const AttrNumber passes =
            passed_if ? get_attnum(RelationGetRelid(table), passed_if) : static_cast<AttrNumber>(InvalidAttrNumber);
        int64 passed = 0;
        ScanKeyData key;
        ScanKeyInit(&key, column_number(table_id, "user_id"), BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(user_id));
        Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
        SysScanDesc scan = systable_beginscan_ordered(table, index, snapshot, 1, &key);
        bool goes_on = true;
        while (goes_on && counted < at_most) {
            HeapTuple row = systable_getnext_ordered(scan, BackwardScanDirection);
            if (!HeapTupleIsValid(row)) break;
            bool null = true;
            if (passes != InvalidAttrNumber) heap_getattr(row, passes, RelationGetDescr(table), &null);
            if (!null) {
                if (++passed > most_passed) goes_on = false;
                continue;
            }
            const Datum value = heap_getattr(row, judged, RelationGetDescr(table), &null);
            const Verdict verdict = judge(value, null);
            if (verdict == Verdict::ends) goes_on = false;
            if (verdict == Verdict::counts) counted++;
        }
        systable_endscan_ordered(scan);
        UnregisterSnapshot(snapshot);
        index_close(index, AccessShareLock);
        table_close(table, AccessShareLock);
        return goes_on && counted < at_most;
    });
}

// The partitions of a table, that of the greatest ids first.
std::span<const Oid> partitions_backwards(const char* table_name) {
    struct Found {
        Oid* oids;
        int count;
    };
    const Oid whole = call([&] { return relation_id(table_name); });
    if (call([&] { return get_rel_relkind(whole); }) != RELKIND_PARTITIONED_TABLE) refuse_old_sql();
    const Found found = call([&] {
        Relation table = table_open(whole, AccessShareLock);
        const PartitionDesc partitions = RelationGetPartitionDesc(table, true);
        const int count = partitions->nparts;
        Found f{static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<Size>(Max(count, 1)))), count};
        for (int k = 0; k < count; k++) f.oids[k] = partitions->oids[count - 1 - k];
        table_close(table, NoLock); // none of them is dropped before our transaction ends
        return f;
    });
    return {found.oids, static_cast<std::size_t>(found.count)};
}

void tag_of(LOCKTAG& tag, int32 user_id) {
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, relation_id("users"), static_cast<Oid>(user_id), 0);
}

} // namespace

// No advisory lock, because anybody may take those.
void lock_submissions(int32 user_id) {
    call([&] { LockDatabaseObject(relation_id("users"), static_cast<Oid>(user_id), 0, ExclusiveLock); });
}

bool try_lock_submissions(int32 user_id) {
    return call([&] {
        LOCKTAG tag;
        tag_of(tag, user_id);
        return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
    });
}

int64 count_pending(int32 user_id, int64 at_most) {
    const auto pending = [](Datum, bool unplaced) { return unplaced ? Verdict::counts : Verdict::passes; };
    const Oid live = call([] { return relation_id("live"); });
    int64 counted = 0;
    count_rows(live, "placed_at", nullptr, user_id, at_most, counted, pending);
    return counted;
}

int64 count_submitted(int32 user_id, TimestampTz since, int64 at_most) {
    const auto late = [since](Datum submitted_at, bool) {
        return DatumGetTimestampTz(submitted_at) > since ? Verdict::counts : Verdict::ends;
    };
    int64 counted = 0;
    for (const Oid partition : partitions_backwards("job"))
        // tasks of arrays are rows that nobody submitted
        if (!count_rows(partition, "submitted_at", "array_id", user_id, at_most, counted, late)) break;
    return counted;
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_lock_submissions) {
    rcq::pg::lock_submissions(PG_GETARG_INT32(0));
    PG_RETURN_VOID();
}

RCQ_FUNCTION(rcq_try_lock_submissions) { return BoolGetDatum(rcq::pg::try_lock_submissions(PG_GETARG_INT32(0))); }

// (user_id, at_most)
RCQ_FUNCTION(rcq_count_pending) { PG_RETURN_INT64(rcq::pg::count_pending(PG_GETARG_INT32(0), PG_GETARG_INT64(1))); }

// (user_id, since, at_most)
RCQ_FUNCTION(rcq_count_submitted) {
    PG_RETURN_INT64(rcq::pg::count_submitted(PG_GETARG_INT32(0), PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_INT64(2)));
}
