// What a plan says about the jobs it did not place. Internal to the plan.
#pragma once
#include "plan.hpp"
#include "standing.hpp"

namespace rcq::core {

// Of every lane with jobs left.
std::vector<LaneReport> report_lanes(const Standing& standing);

// The first `count` eligible jobs left, in rank order. Merges the lanes lazily: O(lanes + count x log n).
std::vector<RankedJob> rank_jobs(const Standing& standing, const Settings& settings, const PlanState& state, Micros now,
                                 std::size_t count);

// The group's last lifted start is long enough ago, or lifts are not spaced.
bool may_lift(const PlanState& state, GroupId group, const Settings& settings, Micros now);

} // namespace rcq::core
