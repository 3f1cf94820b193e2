// Runs as the core knows them, by what the scheduler reads and by what it has just placed.
#pragma once
#include "../core/plan.hpp"
#include "store.hpp"

namespace rcq::pg {

inline core::Run to_run(const store::LiveRow& row) {
    const core::Job& job = row.job;
    core::Run run;
    run.job = job.id;
    run.executor = row.executor;
    run.group = job.group;
    run.user = job.user;
    run.resources = row.granted;
    run.consumables = job.shape.consumables;
    run.preemptible = job.preemptible;
    run.concurrency_key = job.concurrency_key;
    run.array = job.array;
    run.array_throttle = job.array_throttle;
    run.placed_at = row.placed_at;
    if (row.claimed_at) run.claimed_at = *row.claimed_at;
    run.estimate = job.estimate;
    run.time_limit = job.time_limit;
    run.cancelling = row.cancelling || row.requeueing;
    run.preempting = row.preempting;
    run.preempted = row.preempted;
    return run;
}

inline core::Run to_run(const core::Job& job, const core::Placement& placement, TimestampTz now) {
    store::LiveRow row;
    row.job = job;
    row.executor = placement.executor;
    row.granted = placement.granted;
    row.placed_at = now;
    core::Run run = to_run(row);
    run.gpu_slot = placement.gpu_slot;
    return run;
}

} // namespace rcq::pg
