#include "pending_answer.hpp"

#include "guc.hpp"

namespace rcq::pg {

namespace {

core::LaneSpec lane_of(PendingColumns&& columns) {
    core::LaneSpec spec{columns.group_id, columns.user_id, columns.priority, false, {}, 0, 0, {}};
    spec.preemptible = columns.preemptible;
    spec.concurrency_key = columns.concurrency_key;
    if (columns.array_throttle) {
        spec.array = columns.array_id.value_or(columns.job_id);
        spec.array_throttle = *columns.array_throttle;
    }
    spec.shape = make_shape(std::move(columns.shape));
    return spec;
}

// What keeps a job from being considered at all; none: the scheduler says why it waits.
core::Reason parked(const PendingColumns& columns, TimestampTz now) {
    if (columns.held) return core::Reason::held;
    if (columns.unmet > 0) return core::Reason::dependency;
    if (columns.eligible_at <= now) return core::Reason::none;
    return columns.failures > 0 ? core::Reason::retry : core::Reason::begin_time;
}

} // namespace

PendingState pending_answer(PendingColumns&& columns) {
    const DatabaseSlot* slot = own_slot();
    const TimestampTz now = GetCurrentTimestamp();
    const core::Reason outside = parked(columns, now);
    PendingState state;
    if (slot) {
        const int64 job_id = columns.job_id;
        const TimestampTz eligible_at = columns.eligible_at;
        state = published_state(*slot, job_id, core::lane_key(lane_of(std::move(columns))), eligible_at, now);
    }
    if (outside != core::Reason::none)
        state.reason = outside;
    else if (!slot && RecoveryInProgress())
        state.reason = core::Reason::none;
    else if (!guc::enabled || !slot || slot->state != SlotState::running)
        state.reason = core::Reason::paused;
    if (outside != core::Reason::none) state.position = 0;
    if (outside != core::Reason::none || state.reason == core::Reason::paused) state.expected_start.reset();
    return state;
}

} // namespace rcq::pg
