// What the scheduler tells the views, by way of shared memory.
#pragma once
#include "../core/forecast.hpp"
#include "../core/plan.hpp"
#include "shared.hpp"

namespace rcq::pg {

void publish_plan(DatabaseSlot& slot, const core::Plan& plan, const core::Settings& settings, bool paused);
void publish_forecast(DatabaseSlot& slot, const core::Forecast& forecast);

// What was last published about a pending job.
struct PendingState {
    int32 position = 0; // 0 = not among the ranked
    bool known = false; // its lane was published; else only the reservation and a start may be
    core::Reason reason = core::Reason::priority;
    core::Factors factors;
    std::optional<TimestampTz> expected_start;
    bool approximate = false;    // by the pace of its lane, as the forecast did not reach it
    TimestampTz forecast_at = 0; // age of the forecast; 0: none was made
    int32 reserved_executor = 0; // 0 = no reservation
    TimestampTz reserved_start = 0;
};
PendingState published_state(const DatabaseSlot& slot, int64 job_id, uint64 lane_key, TimestampTz eligible_at,
                             TimestampTz now);

} // namespace rcq::pg
