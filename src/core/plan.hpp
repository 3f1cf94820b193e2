// One scheduling decision: which pending jobs start now, where, what is promised to those that wait, and why they wait.
//
// The rule, as if every job were looked at again after every placement:
//   1. A job is open if it is not held, its eligible_at has come, and nothing of its owner's blocks it: a pause, the
//      throttle of its array, a limit of its group, user or concurrency key, its group's hard quota (usage + this job's
//      plan > quota). A limit or quota that only some executors exceed, for what they grant or cost, closes only these
//      to it.
//   2. Of the open jobs, one that others were preempted for, or an older one of its lane, goes first if it starts now
//      where they were. If it would start there within a second, as soon as the last of those has gone, that is
//      promised to it before anybody is looked at, and it is promised nothing else later: so what the first ones leave
//      goes to nobody else, and not back to them. Then the oldest lifted one: lifted are jobs that have waited longer
//      than max_wait. Scope `job`: all of them. Scope `group`: of each group only its oldest open one, and only if the
//      group's last lifted start is at least guard_spacing ago.
//   3. Otherwise the job of the highest priority (goes_before()) goes first.
//   4. It starts if some executor takes it now without delaying a promise: on the fittest of these (fitness.hpp). Its
//      planned use counts as its group's and its user's from then on.
//   5. If it has to wait for resources, backfill decides. none: no job after it starts, unless it is only a window of
//      administrators that it waits for. easy, depth, conservative: as long as promises are left (1, backfill_depth,
//      any number), it is promised the earliest start that the planned ends of runs, windows and earlier promises
//      allow, of equal ones on the executor that would be fittest if it were empty; nothing that starts after it may
//      delay that. Without a promise left it is passed over. A job that fits no executor in service is passed over
//      without a promise. What a run past its plan holds is planned to be free at overdue_end(), what one that was
//      asked to stop holds within a second; of GPUs the sum counts, not the device. Runs that are preempted for it
//      (preemption.hpp) count as asked, and the promise is for what they leave.
//   6. backfill_order shortest: once all promises are made, the job of the least planned duration goes first, of equal
//      ones the oldest.
// Blocked stays blocked until the end of the plan: capacity, limits and quota only shrink in between. So lanes are
// dropped whole, and jobs that are too long for what is left of a hole are skipped in one step. Promises that hold back
// nobody, as nothing starts after them, may be left out, unless runs could be preempted for the first of them. The cost
// is O(owners + lanes + executors + placements x (log n + users of the group + holes looked at) + promises x what is
// promised before), whatever the number of pending jobs.
#pragma once
#include "outlook.hpp"
#include "priority.hpp"
#include "shares.hpp"
#include <functional>

namespace rcq::core {

// What lasts from one plan to the next. It may be lost: a lifted job may then start sooner than the spacing, and room
// that was made for a job may go to another. See also take_back().
struct PlanState {
    // Last start by the guard, per group.
    std::unordered_map<GroupId, Micros> last_lifted;

    // Jobs that runs were preempted for, where, and until when the room that this makes is kept for them.
    struct KeptRoom {
        ExecutorId executor = 0;
        Micros until = 0;
    };
    std::map<JobId, KeptRoom> preemptors;

    // The rest is only a memory: clearing it changes nothing. It belongs to one Cluster: with another one, start from a
    // new PlanState that takes over the above alone.
    Shares shares;
    // What executors could ever do for a shape, as long as they stay the same.
    std::map<Shape, Outlook> outlooks;
    std::uint64_t outlooks_version = 0; // Cluster::outlook_version() they belong to
};

struct Budget {
    std::size_t max_placements = SIZE_MAX;
    std::function<bool()> out_of_time; // asked before every placement; empty: never
    std::function<bool()> no_promises; // asked before every promise: true ends promising, not the plan; empty: never
    bool report = true;                // fill in Plan::lanes and Plan::ranked
    std::size_t max_ranked = 1000;     // length of Plan::ranked
};

struct Placement {
    JobId job = 0;
    ExecutorId executor = 0;
    Resources granted;          // fewer cores than wanted, or all that the executor has
    std::int32_t gpu_slot = -1; // see Run
    bool lifted = false;        // by the starvation guard
    JobId kept_for = 0;         // the room was kept for this job, until then; 0: for none
    Micros kept_until = 0;
    friend bool operator==(const Placement&, const Placement&) = default;
};

// The earliest start of a job that waits for resources, by what is planned now.
struct Reservation {
    JobId job = 0;
    ExecutorId executor = 0;
    Micros start = 0;
    friend bool operator==(const Reservation&, const Reservation&) = default;
};

// A run to stop, so that a job with a reservation can start.
struct Preemption {
    JobId run = 0;
    JobId for_job = 0;
    friend bool operator==(const Preemption&, const Preemption&) = default;
};

// A lane in which jobs are left.
struct LaneReport {
    std::uint64_t lane_key = 0;
    GroupId group = 0;
    UserId user = 0;
    double base = 0;       // job priority + group priority
    double size = 0;       // see size_factor(); 0 if that does not count
    double multiplier = 1; // after the placements; see Factors
    double user_factor = 1;
    Reason reason = Reason::priority; // what stopped the lane; priority: the budget did
    std::size_t count = 0;            // jobs left
    Micros oldest_eligible_at = 0;    // of those
    Micros newest_eligible_at = 0;
};

struct RankedJob {
    JobId job = 0;
    std::size_t position = 0;         // 1 = next
    Factors factors;                  // after the placements
    Reason reason = Reason::priority; // its lane's
    bool lifted = false;
};

struct Plan {
    std::vector<Placement> placements;     // in rank order
    std::vector<Reservation> reservations; // in the order in which they were made
    std::vector<Preemption> preemptions;
    std::vector<LaneReport> lanes;  // by group, user, priority; held jobs are in none
    std::vector<RankedJob> ranked;  // eligible jobs left, in the order of rules 2 and 3, blocked or not
    bool complete = true;           // false: the budget ended it, plan again after carrying this out
    std::optional<Micros> next_due; // the first eligible_at to come, of jobs that are not held; none: all have come
};

// `now` is the time the cluster was last advanced to, or somewhat later: jobs whose time comes in between may be left
// to the next plan. Changes nothing but `state`.
Plan plan(const Cluster& cluster, PlanState& state, Micros now, const Budget& budget = {});

// The placement of a job of this group was not carried out: what it changed in the state is as it was before.
void take_back(PlanState& state, const Placement& placement, GroupId group);

} // namespace rcq::core
