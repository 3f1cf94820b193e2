// What the scheduler publishes for /metrics: its queue by group, why jobs wait, its executors by status.
#pragma once
#include "../core/plan.hpp"
#include "shared.hpp"
#include "store.hpp"

namespace rcq::pg {

// Cost: groups, lanes of the plan (whose report it must have) and executors.
void publish_gauges(DatabaseSlot& slot, const core::Cluster& cluster, const core::Plan& plan,
                    const std::map<core::ExecutorId, store::ExecutorRow>& executors, bool paused);

} // namespace rcq::pg
