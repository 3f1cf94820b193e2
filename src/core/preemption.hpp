// Which runs to stop so that a job can start at once.
#pragma once
#include "cluster.hpp"
#include <functional>
#include <span>

namespace rcq::core {

// The preemptible runs of one executor whose end makes room for the shape now: of all executors the choice that loses
// little work (core-seconds done; runs that lose the most are spared first), and no more runs than needed. Empty: no
// choice helps, or none is needed. Runs that are being stopped already count as gone; those in `placed`, which the
// cluster does not know yet, as there. `may_use` says whether the job may use an executor now, but for what is free
// there. A run may be stopped when it has run for preempt_after and its job was preempted less than max_preemptions
// times.
std::vector<JobId> choose_victims(const Cluster& cluster, const Shape& shape, Micros now, std::span<const Run> placed,
                                  const std::function<bool(const Executor&)>& may_use);

} // namespace rcq::core
