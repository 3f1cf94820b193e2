#include "priority.hpp"
#include "multifactor.hpp"
#include <algorithm>
#include <tuple>

namespace rcq::core {

double fair_share_multiplier(std::optional<double> quota_hours, double usage_hours, const Settings& settings) {
    if (!quota_hours) return 1.0;
    if (*quota_hours <= 0) return settings.fairshare_floor;
    if (usage_hours <= 0) return settings.fairshare_cap;
    return std::clamp(*quota_hours / usage_hours, settings.fairshare_floor, settings.fairshare_cap);
}

double wait_time_boost(Micros waited, const Settings& settings) {
    if (waited <= 0) return 1.0;
    return 1.0 + static_cast<double>(waited) / static_cast<double>(hour) * settings.wait_boost_per_hour;
}

double user_factor(double group_usage, std::size_t active_users, double user_usage, const Settings& settings) {
    if (!settings.user_fairness || active_users <= 1 || user_usage <= 0) return 1.0;
    return std::clamp(group_usage / static_cast<double>(active_users) / user_usage, 0.5, 1.0);
}

double own_priority(double base, double size, Micros waited, const Settings& settings) {
    switch (settings.policy) {
    case Policy::quota:
        return base * wait_time_boost(waited, settings);
    case Policy::multifactor:
    case Policy::fairtree:
        return settings.weight_age * age_factor(waited, settings.max_age) +
               settings.weight_priority * priority_factor(base) + settings.weight_size * size;
    case Policy::fifo:
        break;
    }
    return 0;
}

Rank rank(double own_priority, const OwnerFactors& owners, Micros eligible_at, JobId id, const Settings& settings) {
    // Multiplication and addition round monotonically: each level orders what is below it the same before and after.
    Rank r{own_priority, own_priority, own_priority, eligible_at, id};
    switch (settings.policy) {
    case Policy::quota:
        r.in_group = own_priority * owners.user;
        r.final = r.in_group * owners.group;
        break;
    case Policy::multifactor:
    case Policy::fairtree:
        r.final = r.in_group = own_priority + settings.weight_fair_share * owners.user;
        break;
    case Policy::fifo:
        break;
    }
    return r;
}

bool goes_before(const Rank& a, const Rank& b) {
    return std::tie(b.final, b.in_group, b.in_user, a.eligible_at, a.id) <
           std::tie(a.final, a.in_group, a.in_user, b.eligible_at, b.id);
}

Factors factors(double base, double size, Micros waited, const OwnerFactors& owners, const Settings& settings) {
    Factors f;
    f.base = base;
    f.priority = rank(own_priority(base, size, waited, settings), owners, 0, 0, settings).final;
    switch (settings.policy) {
    case Policy::quota:
        f.user_factor = owners.user;
        f.multiplier = owners.group * owners.user;
        f.boost = wait_time_boost(waited, settings);
        break;
    case Policy::multifactor:
    case Policy::fairtree:
        f.multiplier = owners.user;
        f.boost = age_factor(waited, settings.max_age);
        break;
    case Policy::fifo:
        break;
    }
    return f;
}

} // namespace rcq::core
