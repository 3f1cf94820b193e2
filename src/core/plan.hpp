// One scheduling decision: which pending jobs start now, where, and why the others wait.
//
// The rule, as if every job were looked at again after every placement:
//   1. A job is open if it is not held, its eligible_at has come, and nothing blocks it: the limit on running jobs, its
//      group's hard quota (usage + this job's plan > quota), no executor with room and features.
//   2. Of the open jobs, the oldest lifted one goes first. Lifted are jobs that have waited longer than max_wait. Scope
//      `job`: all of them. Scope `group`: of each group only its oldest open one, and only if the group's last lifted
//      start is at least guard_spacing ago.
//   3. Otherwise the job of the highest priority (goes_before()) goes first.
//   4. It goes to the fittest executor. Its planned use counts as its group's and its user's from then on.
// Blocked stays blocked until the end of the plan: capacity and quota only shrink in between. So lanes are dropped
// whole, and the cost is O(owners + lanes + executors + placements x (log n + users of the group + holes looked at)),
// whatever the number of pending jobs.
#pragma once
#include "cluster.hpp"
#include "priority.hpp"
#include <functional>

namespace rcq::core {

// What lasts from one plan to the next. It may be lost: a lifted job may then start sooner than the spacing.
struct PlanState {
    // Last start by the guard, per group. Who could not carry out a lifted placement may erase the group's entry.
    std::unordered_map<GroupId, Micros> last_lifted;

    // Why shapes fit nowhere, as long as the executors stay the same. Only a memory: clearing it changes nothing. It
    // belongs to one Cluster: with another one, start from a new PlanState that takes over last_lifted alone.
    struct ShapeHash {
        std::size_t operator()(const Shape& shape) const { return lane_key(0, 0, 0, shape); }
    };
    std::unordered_map<Shape, Reason, ShapeHash> misfits;
    std::uint64_t misfits_version = 0; // executors_version() they belong to
};

struct Budget {
    std::size_t max_placements = SIZE_MAX;
    std::function<bool()> out_of_time; // asked before every placement; empty: never
    std::size_t max_ranked = 1000;     // length of Plan::ranked
};

struct Placement {
    JobId job = 0;
    ExecutorId executor = 0;
    bool lifted = false; // by the starvation guard
    friend bool operator==(const Placement&, const Placement&) = default;
};

// A lane in which jobs are left.
struct LaneReport {
    std::uint64_t lane_key = 0;
    GroupId group = 0;
    UserId user = 0;
    double base = 0;       // job priority + group priority
    double multiplier = 1; // after the placements; group and user together
    double user_factor = 1;
    Reason reason = Reason::priority; // what stopped the lane; priority: the budget did
    std::size_t count = 0;            // jobs left
    Micros oldest_eligible_at = 0;    // of those
};

struct RankedJob {
    JobId job = 0;
    std::size_t position = 0;         // 1 = next
    Factors factors;                  // after the placements
    Reason reason = Reason::priority; // its lane's
    bool lifted = false;
};

struct Plan {
    std::vector<Placement> placements; // in rank order
    std::vector<LaneReport> lanes;     // by group, user, priority; held jobs are in none
    std::vector<RankedJob> ranked;     // eligible jobs left, in the order of rules 2 and 3, blocked or not
    bool complete = true;              // false: the budget ended it, plan again after carrying this out
};

// `now` is the time the cluster was last advanced to, or somewhat later. Changes nothing but `state`.
Plan plan(const Cluster& cluster, PlanState& state, Micros now, const Budget& budget = {});

} // namespace rcq::core
