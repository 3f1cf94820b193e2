#include "usage.hpp"

namespace rcq::core {
namespace {

// Entries that come back to zero go: an owner without usage costs nothing.
template <typename Map, typename Key> void take_away(Map& sums, const Key& key, Billed amount) {
    const auto it = sums.find(key);
    if ((it->second -= amount) == 0) sums.erase(it);
}

template <typename Map, typename Key> Billed look_up(const Map& sums, const Key& key) {
    const auto it = sums.find(key);
    return it == sums.end() ? 0 : it->second;
}

} // namespace

void Usage::charge(GroupId group, UserId user, Micros at, double billed_core_seconds) {
    const Billed amount = billed_from_core_seconds(billed_core_seconds);
    const auto bucket = floor_div(at, bucket_);
    if (amount == 0 || expired(bucket)) return;
    buckets_[bucket][{group, user}] += amount;
    groups_[group] += amount;
    users_[{group, user}] += amount;
}

void Usage::advance(Micros now) {
    if (now > now_) now_ = now;
    while (!buckets_.empty() && expired(buckets_.begin()->first)) {
        for (const auto& [member, amount] : buckets_.begin()->second) {
            take_away(groups_, member.group, amount);
            take_away(users_, member, amount);
        }
        buckets_.erase(buckets_.begin());
    }
}

void Usage::set_window(Micros window) {
    window_ = window;
    advance(now_);
}

Billed Usage::group(GroupId group) const { return look_up(groups_, group); }
Billed Usage::user(GroupId group, UserId user) const { return look_up(users_, Member{group, user}); }

} // namespace rcq::core
