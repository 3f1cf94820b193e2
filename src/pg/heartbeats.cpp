#include "heartbeats.hpp"

#include "guard.hpp"
#include "guc.hpp"
#include "monotonic.hpp"

namespace rcq::pg {

namespace {

// Open addressing by executor id; entries are never freed, ids are never reused. Claiming an entry is one atomic
// exchange, so no lock is needed.
Heartbeat* find(const DatabaseSlot& slot, int32 executor_id, bool claim) {
    const auto id = static_cast<uint32>(executor_id);
    const auto size = static_cast<uint32>(guc::max_executors);
    for (uint32 probe = 0; probe < size; probe++) {
        Heartbeat& entry = slot.heartbeats[(id + probe) % size];
        uint32 present = pg_atomic_read_u32(&entry.executor_id);
        if (present == id) return &entry;
        if (present != 0) continue;
        if (!claim) return nullptr;
        if (pg_atomic_compare_exchange_u32(&entry.executor_id, &present, id) || present == id) return &entry;
    }
    return nullptr;
}

} // namespace

void record_heartbeat(DatabaseSlot& slot, int32 executor_id) {
    Heartbeat* entry = find(slot, executor_id, true);
    if (!entry) return;
    pg_atomic_write_u64(&entry->seen, static_cast<uint64>(GetCurrentTimestamp()));
    pg_atomic_write_u64(&entry->tick, static_cast<uint64>(monotonic()));
}

void record_acknowledged(DatabaseSlot& slot, int32 executor_id, int64 seq) {
    Heartbeat* entry = find(slot, executor_id, false);
    const auto acked = static_cast<uint64>(seq);
    if (!entry || pg_atomic_read_u64(&entry->acked_seq) == acked) return;
    pg_atomic_write_u64(&entry->acked_at, static_cast<uint64>(GetCurrentTimestamp()));
    pg_atomic_write_u64(&entry->acked_seq, acked);
}

TimestampTz heartbeat_of(const DatabaseSlot& slot, int32 executor_id) {
    Heartbeat* entry = find(slot, executor_id, false);
    return entry ? static_cast<TimestampTz>(pg_atomic_read_u64(&entry->tick)) : 0;
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_heartbeat) {
    rcq::pg::DatabaseSlot* slot = rcq::pg::own_slot();
    if (slot) rcq::pg::record_heartbeat(*slot, PG_GETARG_INT32(0));
    PG_RETURN_VOID();
}

RCQ_FUNCTION(rcq_executor_seen) {
    const rcq::pg::DatabaseSlot* slot = rcq::pg::own_slot();
    rcq::pg::Heartbeat* entry = slot ? rcq::pg::find(*slot, PG_GETARG_INT32(0), false) : nullptr;
    const uint64 seen = entry ? pg_atomic_read_u64(&entry->seen) : 0;
    if (seen == 0) PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(static_cast<TimestampTz>(seen));
}

// (executor, seq) -> when the executor said that it has this command, at the latest; NULL = it has not
RCQ_FUNCTION(rcq_acknowledged) {
    const rcq::pg::DatabaseSlot* slot = rcq::pg::own_slot();
    rcq::pg::Heartbeat* entry = slot ? rcq::pg::find(*slot, PG_GETARG_INT32(0), false) : nullptr;
    if (!entry || static_cast<int64>(pg_atomic_read_u64(&entry->acked_seq)) < PG_GETARG_INT64(1)) PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(static_cast<TimestampTz>(pg_atomic_read_u64(&entry->acked_at)));
}
