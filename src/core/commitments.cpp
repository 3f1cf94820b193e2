#include "commitments.hpp"
#include <algorithm>

namespace rcq::core {
namespace {

// Products with absolute times do not fit 64 bits, but the differences that leave this file do: unsigned arithmetic
// wraps around and back.
std::uint64_t base(BilledRate rate, std::int64_t claimed_s) {
    return static_cast<std::uint64_t>(rate) * static_cast<std::uint64_t>(claimed_s);
}

} // namespace

Billed Commitments::Sum::at(std::int64_t now_s) const {
    return planned + static_cast<Billed>(base(past_rate, now_s) - past_base);
}

void Commitments::Sum::add(const Entry& e) {
    ++runs;
    if (e.past_plan) {
        past_rate += e.rate;
        past_base += base(e.rate, *e.claimed_s);
    } else {
        planned += e.rate * e.planned_s;
    }
}

void Commitments::Sum::take(const Entry& e) {
    --runs;
    if (e.past_plan) {
        past_rate -= e.rate;
        past_base -= base(e.rate, *e.claimed_s);
    } else {
        planned -= e.rate * e.planned_s;
    }
}

void Commitments::count(const Entry& entry) {
    groups_[entry.owner.group].add(entry);
    auto& user = users_[entry.owner];
    if (user.runs == 0) ++group_users_[entry.owner.group];
    user.add(entry);
}

void Commitments::uncount(const Entry& entry) {
    const auto group = groups_.find(entry.owner.group);
    group->second.take(entry);
    if (group->second.runs == 0) groups_.erase(group);

    const auto user = users_.find(entry.owner);
    user->second.take(entry);
    if (user->second.runs != 0) return;
    users_.erase(user);
    const auto members = group_users_.find(entry.owner.group);
    if (--members->second == 0) group_users_.erase(members);
}

void Commitments::put(JobId job, Member owner, BilledRate rate, std::int64_t planned_s,
                      std::optional<Micros> claimed_at) {
    drop(job);
    Entry entry{owner, rate, planned_s, std::nullopt, false};
    if (claimed_at) entry.claimed_s = floor_div(*claimed_at, second);
    entry.past_plan = is_past(entry);
    if (entry.claimed_s && !entry.past_plan) ends_.emplace(*entry.claimed_s + planned_s, job);
    count(entry);
    entries_.emplace(job, entry);
}

void Commitments::drop(JobId job) {
    const auto it = entries_.find(job);
    if (it == entries_.end()) return;
    const Entry& entry = it->second;
    if (entry.claimed_s && !entry.past_plan) ends_.erase({*entry.claimed_s + entry.planned_s, job});
    uncount(entry);
    entries_.erase(it);
}

void Commitments::clear() {
    entries_.clear();
    ends_.clear();
    groups_.clear();
    group_users_.clear();
    users_.clear();
}

void Commitments::advance(Micros now) {
    now_s_ = std::max(now_s_, floor_div(now, second));
    while (!ends_.empty() && ends_.begin()->first < now_s_) {
        Entry& entry = entries_.at(ends_.begin()->second);
        uncount(entry);
        entry.past_plan = true;
        count(entry);
        ends_.erase(ends_.begin());
    }
}

Billed Commitments::group(GroupId group) const {
    const auto it = groups_.find(group);
    return it == groups_.end() ? 0 : it->second.at(now_s_);
}

Billed Commitments::user(GroupId group, UserId user) const {
    const auto it = users_.find({group, user});
    return it == users_.end() ? 0 : it->second.at(now_s_);
}

std::size_t Commitments::users_with_runs(GroupId group) const {
    const auto it = group_users_.find(group);
    return it == group_users_.end() ? 0 : it->second;
}

} // namespace rcq::core
