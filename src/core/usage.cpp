#include "usage.hpp"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace rcq::core {
namespace {

// After so many half-lives what decays is expressed by a newer origin: powers of two, so nothing is rounded.
constexpr int origin_half_lives = 32;

double half_lives(Micros from, Micros to, Micros half_life) {
    return (static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(half_life);
}

// h/ln2 in seconds: how long a use must go on at its rate to add up to what it comes to in the end.
double steady_seconds(Micros half_life) {
    return static_cast<double>(half_life) / static_cast<double>(second) / std::numbers::ln2;
}

template <typename Map, typename Key> auto find_or_null(const Map& map, const Key& key) {
    const auto it = map.find(key);
    return it == map.end() ? nullptr : &it->second;
}

} // namespace

Usage::Usage(UsageWindow window, Micros slot) : window_(window), slot_(slot) {}

std::int64_t Usage::slot_of(Micros time) const {
    return window_.kind == WindowKind::month ? month_of(time, window_.epoch_day) : floor_div(time, slot_);
}

Micros Usage::slot_start(std::int64_t slot) const {
    return window_.kind == WindowKind::month ? month_start(slot, window_.epoch_day) : slot * slot_;
}

// --- steps

void Usage::charge(Member member, BilledRate rate, Micros from, Micros to) {
    if (from >= to) return;
    step(member, from, {0, rate});
    step(member, to, {0, -rate});
}

void Usage::charge_at(Member member, Micros at, double billed_core_seconds) {
    step(member, at, {static_cast<BilledWork>(billed_from_core_seconds(billed_core_seconds)) * second, 0});
}

void Usage::step(Member member, Micros at, Step step) {
    if (step == Step{}) return;
    if (at <= now_) {
        apply(member, at, step);
        return;
    }
    const auto it = coming_.try_emplace({at, member}).first;
    it->second.once += step.once;
    it->second.rate += step.rate;
    if (it->second == Step{}) coming_.erase(it);
}

void Usage::apply(Member member, Micros at, Step step) {
    if (decays()) {
        const double once = static_cast<double>(step.once) / static_cast<double>(second);
        const double steady = static_cast<double>(step.rate) * steady_seconds(window_.length);
        const double decaying = (once - steady) * std::exp2(half_lives(origin_, at, window_.length));
        change(member, [&](Account& account) {
            account.rate += step.rate;
            account.decaying += decaying;
        });
    } else if (at < start_) {
        if (step.rate == 0) return;
        change(member, [&](Account& account) {
            account.rate += step.rate;
            account.start_rate += step.rate;
        });
    } else {
        const Step line{step.once - static_cast<BilledWork>(step.rate) * at, step.rate};
        collect(member, at, line);
        change(member, [&](Account& account) {
            account.rate += line.rate;
            account.base += line.once;
        });
    }
}

// Steps of a slot that cancel each other go.
void Usage::collect(Member member, Micros at, Step step) {
    const auto slot = slots_.try_emplace(slot_of(at)).first;
    const auto entry = slot->second.try_emplace(member).first;
    entry->second.once += step.once;
    entry->second.rate += step.rate;
    if (entry->second != Step{}) return;
    slot->second.erase(entry);
    if (slot->second.empty()) slots_.erase(slot);
}

// The one way to change accounts: a user's, the group's and the sum of all. One without use and without runs goes; a
// decaying amount of less than half a unit is none, be it the rest of a large one or of rounding.
template <typename Change> void Usage::change(Member member, Change change) {
    const auto [user, inserted] = users_.try_emplace(member);
    const auto group = groups_.try_emplace(member.group).first;
    if (inserted) ++group->second.members;
    change(user->second);
    change(group->second);
    change(total_);
    if (!user->second.is_empty() || (decays() && decayed_amount(user->second) >= 0.5)) return;
    users_.erase(user);
    if (--group->second.members == 0) groups_.erase(group);
    if (users_.empty()) total_ = {};
}

// --- time

void Usage::advance(Micros now) {
    if (now <= now_) return;
    now_ = now;
    pass_time();
    while (!coming_.empty() && coming_.begin()->first.first <= now_) {
        const auto [key, step] = *coming_.begin();
        coming_.erase(coming_.begin());
        apply(key.second, key.first, step);
    }
}

void Usage::pass_time() {
    if (now_ == INT64_MIN) return;
    if (decays())
        renew_origin();
    else
        pass_slots();
}

void Usage::pass_slots() {
    const Micros first = window_.kind == WindowKind::month ? now_ : now_ - window_.length;
    start_ = std::max(start_, slot_start(slot_of(first)));
    while (!slots_.empty() && slot_start(slots_.begin()->first) < start_) {
        for (const auto& [member, passed] : slots_.begin()->second)
            change(member, [&step = passed](Account& account) {
                account.base -= step.once;
                account.start_rate += step.rate;
            });
        slots_.erase(slots_.begin());
    }
}

void Usage::renew_origin() {
    const double passed = std::floor(half_lives(origin_, now_, window_.length));
    const bool renews = !users_.empty() && passed >= origin_half_lives;
    if (users_.empty())
        origin_ = now_;
    else if (renews)
        origin_ += static_cast<Micros>(passed) * window_.length;
    decay_ = std::exp2(-half_lives(origin_, now_, window_.length));
    if (!renews) return;

    const int halvings = static_cast<int>(std::min(passed, 1e6));
    std::vector<Member> members;
    for (auto& [member, account] : users_) {
        account.decaying = std::ldexp(account.decaying, -halvings);
        members.push_back(member);
    }
    for (auto& [id, account] : groups_) account.decaying = std::ldexp(account.decaying, -halvings);
    total_.decaying = std::ldexp(total_.decaying, -halvings);
    for (const Member& member : members) change(member, [](Account&) {}); // lets go who has nothing left
}

bool Usage::set_window(UsageWindow window) {
    if (window == window_) return false;
    const bool keeps = window.kind == WindowKind::rolling && window_.kind == WindowKind::rolling;
    window_ = window;
    if (!keeps) {
        coming_.clear();
        users_.clear();
        groups_.clear();
        slots_.clear();
        total_ = {};
        start_ = INT64_MIN;
    }
    pass_time();
    return !keeps;
}

// --- amounts

double Usage::decayed_amount(const Account& account) const {
    return static_cast<double>(account.rate) * steady_seconds(window_.length) + account.decaying * decay_;
}

Billed Usage::amount(const Account& account) const {
    if (decays()) return std::llround(std::max(decayed_amount(account), 0.0));
    const BilledWork work = account.base + static_cast<BilledWork>(account.rate) * now_ -
                            static_cast<BilledWork>(account.start_rate) * start_;
    return static_cast<Billed>(std::max<BilledWork>(work, 0) / second);
}

Billed Usage::group(GroupId group) const {
    const Account* account = find_or_null(groups_, group);
    return account ? amount(*account) : 0;
}

Billed Usage::user(GroupId group, UserId user) const {
    const Account* account = find_or_null(users_, Member{group, user});
    return account ? amount(*account) : 0;
}

double Usage::quota_scale() const {
    constexpr double month_seconds = 730.0 * 3600.0;
    return decays() ? month_seconds / steady_seconds(window_.length) : 1.0;
}

} // namespace rcq::core
