// What orders pending jobs, by policy.
//
//   quota        priority = base x fair-share multiplier x wait-time boost
//                base       = job priority + group priority
//                multiplier = clamp(quota / usage, floor, cap) x user factor
//                boost      = 1 + hours waited x wait_boost_per_hour
//                90 % of the quota used: 1.11; 25 %: 2.0, the cap; nothing: 2.0. Ten hours waited: 1.10.
//   multifactor  priority = weighted sum of age, fair share 2^(-usage/shares), base and size; see multifactor.hpp
//   fairtree     the same sum, with the user's rank in the fair tree as its fair share; see fair_tree.hpp
//   fifo         all are equal: age alone decides
#pragma once
#include "settings.hpp"

namespace rcq::core {

// Everything that a final priority was made of, for people to read.
struct Factors {
    double base = 0;        // job priority + group priority, 2 to 20
    double multiplier = 1;  // quota: of group and user, floor / 2 to cap. multifactor, fairtree: fair share, 0 to 1
    double user_factor = 1; // quota: the part of it that compares users of one group, 0.5 to 1
    double boost = 1;       // quota: 1 or more. multifactor, fairtree: age, 0 to 1
    double priority = 0;    // of all of it, as above
    friend bool operator==(const Factors&, const Factors&) = default;
};

// Quota and usage in billed CPU-hours of one window; usage includes what is still planned. No quota: 1. Quota 0: floor.
double fair_share_multiplier(std::optional<double> quota_hours, double usage_hours, const Settings& settings);

// Grows without bound with the time since the job became eligible; 1 for a time to come.
double wait_time_boost(Micros waited, const Settings& settings);

// clamp(an active user's equal share of the group's usage / this user's usage, 0.5, 1). 1 for a user without usage,
// for the only active user, and with user_fairness off. Usages in one unit, whichever.
double user_factor(double group_usage, std::size_t active_users, double user_usage, const Settings& settings);

// What the owners of a job bring to its priority.
struct OwnerFactors {
    double group = 1; // quota: multiplier
    double user = 1;  // quota: user factor. multifactor, fairtree: fair share
};

// A job's place before its owners' factors are applied; within one lane it grows with waiting, or stays.
//   base  job priority + group priority
//   size  see size_factor()
double own_priority(double base, double size, Micros waited, const Settings& settings);

// Where a job stands. Jobs of one user are ordered by in_user, users of one group by in_group, groups by final, so
// that a change of a shared factor moves its owner only. Rounding may make two different values equal, so the smaller
// ones break ties before age and id do: this keeps the three levels and one flat sort in the same order.
struct Rank {
    double final = 0;
    double in_group = 0;
    double in_user = 0; // own_priority()
    Micros eligible_at = 0;
    JobId id = 0;
};

Rank rank(double own_priority, const OwnerFactors& owners, Micros eligible_at, JobId id, const Settings& settings);

// Strict total order: `a` starts before `b`.
bool goes_before(const Rank& a, const Rank& b);

Factors factors(double base, double size, Micros waited, const OwnerFactors& owners, const Settings& settings);

} // namespace rcq::core
