#include "priority.hpp"
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

Rank rank(double base, double boost, double user_factor, double group_multiplier, Micros eligible_at, JobId id) {
    // Multiplication rounds monotonically: in_user orders the jobs of a user the same before and after.
    const double in_user = base * boost;
    const double in_group = in_user * user_factor;
    return {in_group * group_multiplier, in_group, in_user, eligible_at, id};
}

bool goes_before(const Rank& a, const Rank& b) {
    return std::tie(b.final, b.in_group, b.in_user, a.eligible_at, a.id) <
           std::tie(a.final, a.in_group, a.in_user, b.eligible_at, b.id);
}

} // namespace rcq::core
