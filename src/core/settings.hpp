// Every coefficient of the scheduler, with its unit and its range. The core trusts the ranges: whoever lets people
// change a setting checks it.
#pragma once
#include "types.hpp"
#include <functional>
#include <map>

namespace rcq::core {

enum class GuardScope {
    job,  // every job that waited too long is lifted, oldest first
    group // one job per group at a time, its oldest, and the next one not before guard_spacing has passed
};

struct Settings {
    double fairshare_cap = 2.0;        // most a multiplier can be; >= fairshare_floor
    double fairshare_floor = 0.01;     // least a multiplier can be; > 0
    double wait_boost_per_hour = 0.01; // added to the boost per hour of waiting; >= 0
    Micros usage_window = 30 * day;    // usage older than this is forgotten; > 0
    Micros max_wait = 72 * hour;       // a job waiting longer is lifted before all others; 0 = never
    GuardScope guard_scope = GuardScope::group;
    Micros guard_spacing = 10 * minute; // least time between two lifted starts of one group; >= 0
    bool user_fairness = true;          // share fairly between the users of a group, too
    Micros default_estimate = 1 * hour; // planned duration of a job that says nothing; > 0

    // Billed CPU-hours per hour of one core, one GB (2^30 bytes), one GPU; >= 0
    double bill_per_cpu_hour = 1.0;
    double bill_per_gb_hour = 0.0;
    double bill_per_gpu_hour = 0.0;
    std::map<std::string, double, std::less<>> bill_per_gpu_type; // instead of bill_per_gpu_hour, for GPUs of a type

    // Policy multifactor: a priority is the sum of its factors, each times its weight, >= 0. Policy fairtree: the same,
    // with the fair-share factor of its ranking.
    double weight_age = 1.0;
    double weight_fair_share = 1.0;
    double weight_priority = 1.0;
    double weight_size = 0.0;
    Micros max_age = 7 * day;       // a job that waited so long has the whole age factor; > 0
    double fairshare_damping = 1.0; // the higher, the less usage beyond the share counts; > 0

    std::int32_t max_concurrent_jobs = 0; // runs in the whole cluster, assigned ones included; 0 = capacity decides
    friend bool operator==(const Settings&, const Settings&) = default;
};

} // namespace rcq::core
