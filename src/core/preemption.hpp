// Which runs to stop so that a job can start at once.
#pragma once
#include "cluster.hpp"
#include <functional>

namespace rcq::core {

// The preemptible runs of one executor whose end makes room for the shape now: of all executors the choice that loses
// the least work (core-seconds done), and no more runs than needed. Empty: no choice helps, or none is needed. Runs
// that are being stopped already count as gone. `is_open` says whether the job may use an executor now, as far as
// windows go. A run may be stopped when it has run for preempt_after and its job was preempted less than
// max_preemptions times.
std::vector<JobId> choose_victims(const Cluster& cluster, const Shape& shape, Micros now,
                                  const std::function<bool(ExecutorId)>& is_open);

} // namespace rcq::core
