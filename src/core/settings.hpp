// Every coefficient of the scheduler, with its unit and its range. The core trusts the ranges: whoever lets people
// change a setting checks it.
#pragma once
#include "types.hpp"
#include "usage_window.hpp"

namespace rcq::core {

enum class GuardScope {
    job,  // every job that waited too long is lifted, oldest first
    group // one job per group at a time, its oldest, and the next one not before guard_spacing has passed
};

// What orders pending jobs; see priority.hpp.
enum class Policy { quota, multifactor, fairtree, fifo };

enum class Backfill {
    none,        // nobody passes a job that waits for resources
    easy,        // the first job that waits for resources holds a reservation, which nobody may delay
    depth,       // as easy, for the first backfill_depth jobs
    conservative // every job that waits for resources holds one
};

enum class BackfillOrder {
    rank,    // by rank, as without backfill
    shortest // least planned duration first
};

struct Settings {
    Policy policy = Policy::quota;
    double fairshare_cap = 2.0;        // most a multiplier can be; >= fairshare_floor
    double fairshare_floor = 0.01;     // least a multiplier can be; > 0
    double wait_boost_per_hour = 0.01; // added to the boost per hour of waiting; >= 0
    UsageWindow usage_window;          // what of the past counts
    bool count_planned = true;         // what runs are still planned to use counts as used
    bool correct_estimates = true; // a user's estimates are stretched by what that user's jobs took longer in the past
    Micros max_wait = 72 * hour;   // a job waiting longer is lifted before all others; 0 = never
    GuardScope guard_scope = GuardScope::group;
    Micros guard_spacing = 10 * minute; // least time between two lifted starts of one group; >= 0
    bool user_fairness = true;          // share fairly between the users of a group, too (policy quota)

    // Weights of the policies multifactor and fairtree; >= 0
    double weight_age = 1;
    double weight_fair_share = 1;
    double weight_priority = 1;
    double weight_size = 0;
    Micros max_age = 7 * day;     // waiting counts up to here; > 0
    double fairshare_damping = 1; // greater: usage matters less; > 0

    Backfill backfill = Backfill::easy;
    std::int32_t backfill_depth = 100; // reservations of Backfill::depth; >= 1
    BackfillOrder backfill_order = BackfillOrder::rank;
    Micros default_estimate = 1 * hour; // planned duration of a job that says nothing; > 0

    // Billed CPU-hours per hour of one core, one GB (2^30 bytes), one GPU; >= 0
    double bill_per_cpu_hour = 1.0;
    double bill_per_gb_hour = 0.0;
    double bill_per_gpu_hour = 0.0;
    std::map<std::string, double, std::less<>> bill_per_gpu_type; // instead of bill_per_gpu_hour, by model

    // Placed and running jobs; 0 = no limit
    std::int32_t max_concurrent_jobs = 0; // of the whole cluster
    std::int32_t max_jobs_per_group = 0;  // where the group has no limit of its own
    std::int32_t max_jobs_per_user = 0;   // where the user has no limit of their own

    bool preemption = true;
    Micros preempt_after = 0;         // least run time before a run is preempted
    std::int32_t max_preemptions = 3; // a job preempted so often is not preempted again
    friend bool operator==(const Settings&, const Settings&) = default;
};

} // namespace rcq::core
