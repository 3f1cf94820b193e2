// What people are told of a pending job: what the scheduler last published of it, and what keeps it from being
// considered.
#pragma once
#include "publishing.hpp"
#include "shapes.hpp"

namespace rcq::pg {

// Columns of rcq_private.live.
struct PendingColumns {
    int64 job_id = 0;
    int32 group_id = 0, user_id = 0, priority = 0;
    ShapeColumns shape;
    bool held = false, preemptible = false;
    TimestampTz eligible_at = 0;
    std::string_view concurrency_key;
    std::optional<int64> array_id;
    std::optional<int32> array_throttle;
    int32 unmet = 0, failures = 0; // failures: more than 0 when a run of it failed or was lost
};

// As published, without a position or expected start where the job is not considered. No reason on a standby, which
// does not know what the scheduler of the primary makes of it.
PendingState pending_answer(PendingColumns&& columns);

} // namespace rcq::pg
