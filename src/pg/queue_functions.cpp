// What the scheduler published, for the views: state of pending jobs, state of the scheduler itself.
#include "pending_answer.hpp"

#include "arrays.hpp"
#include "guc.hpp"
#include "values.hpp"

// (job_id, group_id, user_id, priority, cpu_cores, memory_mib, gpu_count, features, held, eligible_at, cpu_cores_min,
// gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key, array_id, array_throttle, unmet,
// failures)
// -> (position, base_priority, fair_share, wait_boost, final_priority, reason, expected_start, approximate,
// forecast_at, reserved_executor, reserved_start)
RCQ_FUNCTION(rcq_pending_state) {
    using namespace rcq;
    using namespace rcq::pg;
    require_arguments(fcinfo, 21);
    PendingColumns columns;
    columns.job_id = PG_GETARG_INT64(0);
    columns.group_id = PG_GETARG_INT32(1);
    columns.user_id = PG_GETARG_INT32(2);
    columns.priority = PG_GETARG_INT32(3);
    columns.shape.cpu_cores = PG_GETARG_INT32(4);
    columns.shape.memory_mib = PG_GETARG_INT32(5);
    columns.shape.gpu_count = PG_GETARG_INT32(6);
    columns.shape.features = texts_argument(fcinfo, 7);
    columns.held = PG_GETARG_BOOL(8);
    columns.eligible_at = PG_GETARG_TIMESTAMPTZ(9);
    if (!PG_ARGISNULL(10)) columns.shape.cpu_cores_min = PG_GETARG_INT32(10);
    columns.shape.gpu_type = text_argument(fcinfo, 11);
    columns.shape.constraints = text_argument(fcinfo, 12);
    if (!PG_ARGISNULL(13)) columns.shape.consumables = json_amounts(call([&] { return PG_GETARG_JSONB_P(13); }));
    columns.shape.exclusive = PG_GETARG_BOOL(14);
    columns.preemptible = PG_GETARG_BOOL(15);
    columns.concurrency_key = text_argument(fcinfo, 16);
    columns.array_id = PG_GETARG_INT64(17);
    if (!PG_ARGISNULL(18)) columns.array_throttle = PG_GETARG_INT32(18);
    columns.unmet = PG_GETARG_INT32(19);
    columns.failures = PG_GETARG_INT32(20);
    const PendingState state = pending_answer(std::move(columns));

    Datum values[11] = {};
    bool nulls[11];
    std::fill(std::begin(nulls), std::end(nulls), true);
    const auto set = [&](int i, Datum value) {
        values[i] = value;
        nulls[i] = false;
    };
    if (state.position > 0) set(0, Int32GetDatum(state.position));
    if (state.known) {
        set(1, Int32GetDatum(static_cast<int32>(state.factors.base)));
        set(2, Float8GetDatum(state.factors.multiplier));
        set(3, Float8GetDatum(state.factors.boost));
        set(4, Float8GetDatum(state.factors.priority));
    }
    if (state.expected_start) {
        set(6, TimestampTzGetDatum(*state.expected_start));
        set(7, BoolGetDatum(state.approximate));
        set(8, TimestampTzGetDatum(state.forecast_at));
    }
    if (state.reserved_executor != 0) {
        set(9, Int32GetDatum(state.reserved_executor));
        set(10, TimestampTzGetDatum(state.reserved_start));
    }
    const TupleDesc desc = result_type(fcinfo);
    const std::string reason(core::name(state.reason));
    return call([&] {
        if (!reason.empty()) set(5, CStringGetTextDatum(reason.c_str()));
        return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
    });
}

// -> (pid, state, started_at, last_cycle_at, cycles, placements, pending, running, last_error)
RCQ_FUNCTION(rcq_scheduler_state) {
    using namespace rcq::pg;
    const DatabaseSlot* slot = own_slot();
    const TupleDesc desc = result_type(fcinfo);
    Datum values[9] = {};
    bool nulls[9];
    std::fill(std::begin(nulls), std::end(nulls), true);
    char error[sizeof slot->last_error] = "";
    std::string state =
        RecoveryInProgress()
            ? "standby: what is scheduled is known to the primary alone"
            : "no scheduler: more databases than rcq.max_databases, or the launcher has not come to this one yet";
    if (slot) {
        {
            LockGuard guard(shared->registry_lock, LW_SHARED);
            state = guc::enabled || slot->state != SlotState::running ? name(slot->state) : "disabled";
            if (slot->pid != 0) {
                values[0] = Int32GetDatum(slot->pid);
                nulls[0] = false;
            }
        }
        LockGuard guard(slot->publish_lock, LW_SHARED);
        const int64 numbers[] = {slot->started_at, slot->last_cycle_at, slot->cycles,
                                 slot->placements, slot->pending,       slot->running};
        for (int i = 0; i < 6; i++) {
            values[2 + i] = Int64GetDatum(numbers[i]);
            nulls[2 + i] = i < 2 && numbers[i] == 0;
        }
        strlcpy(error, slot->last_error, sizeof error);
        if (error[0] != '\0' && state == "running") state = "failing";
    }
    nulls[1] = false;
    nulls[8] = error[0] == '\0';
    return call([&] {
        values[1] = CStringGetTextDatum(state.c_str());
        values[8] = CStringGetTextDatum(error);
        return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
    });
}

// (skip, at_most) -> ids of the jobs that were published with a rank, first in rank first
RCQ_FUNCTION(rcq_ranked_jobs) {
    using namespace rcq::pg;
    std::vector<PublishedRank> ranks;
    ranks.reserve(Published::max_ranks); // no allocation, which may throw, while the lock is held
    if (const DatabaseSlot* slot = own_slot()) {
        LockGuard guard(slot->publish_lock, LW_SHARED);
        ranks.assign(slot->published.rank, slot->published.rank + slot->published.ranks);
    }
    std::sort(ranks.begin(), ranks.end(),
              [](const PublishedRank& a, const PublishedRank& b) { return a.position < b.position; });
    const auto skip = std::min(ranks.size(), static_cast<std::size_t>(std::max(PG_GETARG_INT32(0), 0)));
    const auto count = std::min(ranks.size() - skip, static_cast<std::size_t>(std::max(PG_GETARG_INT32(1), 0)));
    std::vector<Datum> ids;
    ids.reserve(count);
    for (std::size_t i = skip; i < skip + count; i++) ids.push_back(Int64GetDatum(ranks[i].job_id));
    Datum* data = ids.data();
    return call([&] {
        return PointerGetDatum(
            construct_array(data, static_cast<int>(count), INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
    });
}
