// What the scheduler published, for the views: state of pending jobs, state of the scheduler itself.
#include "../core/lanes.hpp"
#include "../core/priority.hpp"
#include "../core/states.hpp"
#include "arrays.hpp"
#include "guc.hpp"
#include "shared.hpp"

namespace rcq::pg {

namespace {

struct PendingState {
    int32 position = 0; // 0 = not among the ranked
    bool known = false; // the lane was published
    PublishedLane lane{};
    double wait_boost_per_hour = 0;
    core::Reason reason = core::Reason::priority;
};

PendingState look_up(const DatabaseSlot& slot, int64 job_id, uint64 lane_key) {
    PendingState state;
    LockGuard guard(slot.publish_lock, LW_SHARED);
    const Published& published = slot.published;
    state.wait_boost_per_hour = published.wait_boost_per_hour;
    const PublishedLane* lanes_end = published.lane + published.lanes;
    const PublishedLane* lane = std::lower_bound(published.lane, lanes_end, lane_key,
                                                 [](const PublishedLane& a, uint64 key) { return a.key < key; });
    if (lane != lanes_end && lane->key == lane_key) {
        state.known = true;
        state.lane = *lane;
        state.reason = static_cast<core::Reason>(lane->reason);
    }
    const PublishedRank* ranks_end = published.rank + published.ranks;
    const PublishedRank* rank = std::lower_bound(published.rank, ranks_end, job_id,
                                                 [](const PublishedRank& a, int64 id) { return a.job_id < id; });
    if (rank != ranks_end && rank->job_id == job_id) state.position = rank->position;
    return state;
}

TupleDesc result_type(FunctionCallInfo fcinfo) {
    return call([&] {
        TupleDesc desc;
        if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "return type must be a row type");
        return BlessTupleDesc(desc);
    });
}

} // namespace

} // namespace rcq::pg

// (job_id, group_id, user_id, priority, cpu_cores, memory_mib, gpu_count, features, held, eligible_at)
// -> (position, base_priority, fair_share, wait_boost, final_priority, reason)
RCQ_FUNCTION(rcq_pending_state) {
    using namespace rcq;
    using namespace rcq::pg;
    const DatabaseSlot* slot = own_slot();
    const bool held = PG_GETARG_BOOL(8);
    core::Shape shape{{PG_GETARG_INT32(4), PG_GETARG_INT32(5), PG_GETARG_INT32(6) * 1000}, texts_argument(fcinfo, 7)};
    PendingState state;
    if (slot)
        state = look_up(*slot, PG_GETARG_INT64(0),
                        core::lane_key(PG_GETARG_INT32(1), PG_GETARG_INT32(2), PG_GETARG_INT32(3), shape));
    if (held)
        state.reason = core::Reason::held;
    else if (!guc::enabled || !slot || slot->state != SlotState::running)
        state.reason = core::Reason::paused;

    Datum values[6] = {};
    bool nulls[6] = {true, true, true, true, true, false};
    if (state.position > 0 && !held) {
        values[0] = Int32GetDatum(state.position);
        nulls[0] = false;
    }
    if (state.known) {
        core::Settings settings;
        settings.wait_boost_per_hour = state.wait_boost_per_hour;
        const double boost =
            held ? 1.0 : core::wait_time_boost(GetCurrentTimestamp() - PG_GETARG_TIMESTAMPTZ(9), settings);
        values[1] = Int32GetDatum(state.lane.base_priority);
        values[2] = Float8GetDatum(state.lane.fair_share);
        values[3] = Float8GetDatum(boost);
        values[4] = Float8GetDatum(state.lane.base_priority * state.lane.fair_share * boost);
        std::fill(nulls + 1, nulls + 5, false);
    }
    const TupleDesc desc = result_type(fcinfo);
    const std::string reason(core::name(state.reason));
    return call([&] {
        values[5] = CStringGetTextDatum(reason.c_str());
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
        "no scheduler: more databases than rcq.max_databases, or the launcher has not come to this one yet";
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
