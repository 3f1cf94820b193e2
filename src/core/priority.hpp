// The policy `quota`, the default:
//
//     final priority = base x fair-share multiplier x wait-time boost
//     base           = job priority + group priority
//     multiplier     = clamp(quota / usage, floor, cap) x user factor
//     boost          = 1 + hours waited x wait_boost_per_hour
//
// 90 % of the quota used: 1.11; 25 %: 2.0, the cap; nothing: 2.0. Ten hours waited: 1.10.
#pragma once
#include "settings.hpp"

namespace rcq::core {

// Everything that a final priority was made of, for people to read.
struct Factors {
    double base = 0;        // 2 to 20
    double multiplier = 1;  // group and user together, floor / 2 to cap
    double user_factor = 1; // the part of it that compares users of one group, 0.5 to 1
    double boost = 1;       // 1 or more
    double priority = 0;    // base x multiplier x boost
    friend bool operator==(const Factors&, const Factors&) = default;
};

// Quota and usage in billed CPU-hours of one window; usage includes what is still planned. No quota: 1. Quota 0: floor.
double fair_share_multiplier(std::optional<double> quota_hours, double usage_hours, const Settings& settings);

// Grows without bound with the time since the job became eligible; 1 for a time to come.
double wait_time_boost(Micros waited, const Settings& settings);

// clamp(an active user's equal share of the group's usage / this user's usage, 0.5, 1). 1 for a user without usage,
// for the only active user, and with user_fairness off. Usages in one unit, whichever.
double user_factor(double group_usage, std::size_t active_users, double user_usage, const Settings& settings);

// Where a job stands. Jobs of one user are ordered by in_user, users of one group by in_group, groups by final, so
// that a change of a shared factor moves its owner only. Rounding may make two different products equal, so the
// smaller ones break ties before age and id do: this keeps the three levels and one flat sort in the same order.
struct Rank {
    double final = 0;    // in_group x group multiplier
    double in_group = 0; // in_user x user factor
    double in_user = 0;  // base x boost
    Micros eligible_at = 0;
    JobId id = 0;
};

Rank rank(double base, double boost, double user_factor, double group_multiplier, Micros eligible_at, JobId id);

// Strict total order: `a` starts before `b`.
bool goes_before(const Rank& a, const Rank& b);

} // namespace rcq::core
