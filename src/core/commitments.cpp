#include "commitments.hpp"
#include <algorithm>

namespace rcq::core {

std::optional<Micros> Commitments::Entry::turn() const {
    if (!claimed_at || phase == Phase::past_plan) return std::nullopt;
    return phase == Phase::unclaimed ? *claimed_at : plan_end();
}

void Commitments::Sum::change(const Entry& e, int sign) {
    runs += static_cast<std::size_t>(sign);
    if (e.phase == Phase::past_plan) return;
    const Micros until = e.phase == Phase::unclaimed ? e.planned_s * second : e.plan_end();
    base += static_cast<BilledWork>(e.rate) * until * sign;
    if (e.phase == Phase::inside_plan) rate += e.rate * sign;
}

Billed Commitments::Sum::at(Micros now) const {
    return static_cast<Billed>((base - static_cast<BilledWork>(rate) * now + second - 1) / second);
}

Commitments::Phase Commitments::phase_of(const Entry& e) const {
    if (!e.claimed_at || *e.claimed_at > now_) return Phase::unclaimed;
    return e.plan_end() > now_ ? Phase::inside_plan : Phase::past_plan;
}

void Commitments::count(const Entry& entry) {
    groups_[entry.owner.group].change(entry, 1);
    auto& user = users_[entry.owner];
    if (user.runs == 0) ++group_users_[entry.owner.group];
    user.change(entry, 1);
}

void Commitments::uncount(const Entry& entry) {
    const auto group = groups_.find(entry.owner.group);
    group->second.change(entry, -1);
    if (group->second.runs == 0) groups_.erase(group);

    const auto user = users_.find(entry.owner);
    user->second.change(entry, -1);
    if (user->second.runs != 0) return;
    users_.erase(user);
    const auto members = group_users_.find(entry.owner.group);
    if (--members->second == 0) group_users_.erase(members);
}

void Commitments::put(JobId job, Member owner, BilledRate rate, std::int64_t planned_s,
                      std::optional<Micros> claimed_at) {
    drop(job);
    Entry entry{owner, rate, planned_s, claimed_at, Phase::unclaimed};
    entry.phase = phase_of(entry);
    if (const auto turn = entry.turn()) turns_.emplace(*turn, job);
    count(entry);
    entries_.emplace(job, entry);
}

void Commitments::drop(JobId job) {
    const auto it = entries_.find(job);
    if (it == entries_.end()) return;
    if (const auto turn = it->second.turn()) turns_.erase({*turn, job});
    uncount(it->second);
    entries_.erase(it);
}

void Commitments::clear() {
    entries_.clear();
    turns_.clear();
    groups_.clear();
    group_users_.clear();
    users_.clear();
}

void Commitments::advance(Micros now) {
    now_ = std::max(now_, now);
    while (!turns_.empty() && turns_.begin()->first <= now_) {
        const JobId job = turns_.begin()->second;
        turns_.erase(turns_.begin());
        Entry& entry = entries_.at(job);
        uncount(entry);
        entry.phase = phase_of(entry);
        if (const auto turn = entry.turn()) turns_.emplace(*turn, job);
        count(entry);
    }
}

Billed Commitments::group(GroupId group) const {
    const auto it = groups_.find(group);
    return it == groups_.end() ? 0 : it->second.at(now_);
}

Billed Commitments::user(GroupId group, UserId user) const {
    const auto it = users_.find({group, user});
    return it == users_.end() ? 0 : it->second.at(now_);
}

std::size_t Commitments::users_with_runs(GroupId group) const {
    const auto it = group_users_.find(group);
    return it == group_users_.end() ? 0 : it->second;
}

} // namespace rcq::core
