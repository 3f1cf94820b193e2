// What a placement becomes when it is carried out.
#pragma once
#include "core/plan.hpp"

namespace rcq::core {

inline Run run_of(const Job& job, const Placement& placement, Micros placed_at, std::optional<Micros> claimed_at = {}) {
    Run r;
    r.job = job.id;
    r.executor = placement.executor;
    r.group = job.group;
    r.user = job.user;
    r.resources = placement.granted;
    r.consumables = job.shape.consumables;
    r.gpu_slot = placement.gpu_slot;
    r.preemptible = job.preemptible;
    r.concurrency_key = job.concurrency_key;
    r.array = job.array;
    r.array_throttle = job.array_throttle;
    r.placed_at = placed_at;
    r.claimed_at = claimed_at;
    r.estimate = job.estimate;
    r.time_limit = job.time_limit;
    return r;
}

} // namespace rcq::core
