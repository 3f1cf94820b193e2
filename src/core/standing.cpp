#include "standing.hpp"
#include "multifactor.hpp"
#include <algorithm>

namespace rcq::core {

Standing::Standing(const Cluster& cluster, Shares& shares, Micros now)
    : cluster_(cluster), settings_(cluster.settings()), now_(now), quota_scale_(cluster.usage().quota_scale()),
      shares_(settings_.policy == Policy::multifactor || settings_.policy == Policy::fairtree ? &shares : nullptr) {
    if (shares_) shares_->follow(cluster);
    if (settings_.weight_size > 0)
        for (const auto& [id, host] : cluster.hosts().all())
            if (host.executor) capacity_ += host.executor->capacity;
    lanes.reserve(cluster.lanes().all().size());
    for (const auto& [spec, lane] : cluster.lanes().all())
        if (!lane.waiting.empty()) add_lane(lane);
    for (const UserStanding& u : users) {
        bool waits = false;
        for (std::size_t l = u.first_lane; l < u.end_lane; ++l) waits = waits || lanes[l].next;
        // Users with runs are counted already. One whose jobs may not start yet takes no share from the others.
        GroupStanding& g = groups[u.group];
        if (waits && !cluster.commitments().has_runs(g.group.id, u.id)) ++g.active_users;
    }
    heap_room_.resize(lanes.size() + users.size());
    for (UserStanding& u : users) u.open = IndexHeap(heap_room_.data() + u.first_lane);
    for (GroupStanding& g : groups) g.open = IndexHeap(heap_room_.data() + lanes.size() + g.first_user);
    if (settings_.policy == Policy::quota)
        for (GroupStanding& g : groups) set_factors(g);
    else if (shares_)
        refresh_shares();
}

// Lanes come ordered by group and user, so a new owner is one that differs from the last.
void Standing::add_lane(const Lane& lane) {
    const Usage& used = cluster_.usage();
    const Commitments& committed = cluster_.commitments();
    const LaneSpec& spec = lane.spec;
    if (groups.empty() || groups.back().group.id != spec.group) {
        GroupStanding& g = groups.emplace_back();
        if (const Group* known = cluster_.find_group(spec.group)) g.group = *known;
        g.group.id = spec.group;
        const Billed planned = committed.group(spec.group);
        g.usage = used.group(spec.group);
        g.booked = g.usage + planned;
        if (settings_.count_planned) g.usage += planned;
        g.active_users = committed.users_with_runs(spec.group);
        g.held = cluster_.holdings().of_group(spec.group);
        g.limits = limits_of_group(g.group, settings_);
        g.first_user = g.end_user = users.size();
    }
    GroupStanding& g = groups.back();
    if (g.first_user == g.end_user || users.back().id != spec.user) {
        ++g.end_user;
        UserStanding& u = users.emplace_back();
        u.group = groups.size() - 1;
        u.id = spec.user;
        u.usage = used.user(spec.group, spec.user);
        if (settings_.count_planned) u.usage += committed.user(spec.group, spec.user);
        u.held = cluster_.holdings().of_user(spec.user);
        const auto known = cluster_.users().find(spec.user);
        u.limits = limits_of_user(known == cluster_.users().end() ? User{} : known->second, settings_);
        u.first_lane = lanes.size();
    }
    LaneStanding& l = lanes.emplace_back();
    l.lane = &lane;
    l.user = users.size() - 1;
    l.shape = &spec.shape;
    l.rate = billed_rate(spec.shape.need, spec.shape.gpu_type, settings_);
    l.base = spec.priority + g.group.priority;
    if (settings_.weight_size > 0) l.size = size_factor(spec.shape.need, capacity_);
    l.oldest = lane.waiting.first();
    move_to(l, l.oldest);
    users.back().end_lane = lanes.size();
    if (!spec.concurrency_key.empty() && cluster_.holdings().key_limit(spec.concurrency_key))
        keys_.try_emplace(spec.concurrency_key, cluster_.holdings().jobs_of_key(spec.concurrency_key));
    if (spec.array_throttle > 0) arrays_.try_emplace(spec.array, cluster_.holdings().tasks_of_array(spec.array));
}

void Standing::refresh_shares() {
    for (UserStanding& u : users) u.factor = shares_->factor({groups[u.group].group.id, u.id}, settings_);
}

bool Standing::refresh(GroupStanding& group) {
    if (!settings_.count_planned) return false; // placements use nothing yet
    if (shares_) refresh_shares();
    if (settings_.policy == Policy::quota) set_factors(group);
    return shares_ != nullptr;
}

void Standing::set_factors(GroupStanding& g) {
    g.multiplier = fair_share_multiplier(g.group.quota_cpu_hours, hours(g.usage), settings_);
    for (std::size_t i = g.first_user; i < g.end_user; ++i) {
        UserStanding& u = users[i];
        u.factor = user_factor(static_cast<double>(g.usage), g.active_users, static_cast<double>(u.usage), settings_);
    }
}

// --- what stands against a start

void Standing::close(LaneStanding& lane, Reason reason) {
    lane.next = nullptr;
    lane.reason = reason;
}

void Standing::pass_over(LaneStanding& lane, const LaneEntry* following, Reason reason) {
    lane.reason = reason;
    move_to(lane, following);
}

void Standing::move_to(LaneStanding& lane, const LaneEntry* entry) {
    while (entry && placed.count(entry->id) != 0) entry = lane.lane->waiting.after(*entry);
    if (entry && is_eligible(*entry))
        lane.next = entry;
    else // nothing more may start: what is left was passed over, or its time has not come
        close(lane, lane.oldest && is_eligible(*lane.oldest) ? lane.reason : Reason::begin_time);
}

Billed Standing::quota_left(const GroupStanding& g) const {
    return billed_from_hours(*g.group.quota_cpu_hours / quota_scale_) - g.booked;
}

const std::int64_t* Standing::jobs_of_key(const LaneStanding& lane) const {
    if (keys_.empty() || lane.lane->spec.concurrency_key.empty()) return nullptr;
    const auto it = keys_.find(lane.lane->spec.concurrency_key);
    return it == keys_.end() ? nullptr : &it->second;
}

bool Standing::is_throttled(const LaneStanding& lane) const {
    const LaneSpec& spec = lane.lane->spec;
    return spec.array_throttle > 0 && arrays_.at(spec.array) >= spec.array_throttle;
}

bool Standing::may_start(LaneStanding& lane) {
    const UserStanding& user = users[lane.user];
    const GroupStanding& group = groups[user.group];
    if (group.group.paused) {
        close(lane, Reason::paused);
        return false;
    }
    if (is_throttled(lane)) {
        close(lane, Reason::array_throttle);
        return false;
    }
    const std::int64_t* key_jobs = jobs_of_key(lane);
    if ((key_jobs && *key_jobs >= *cluster_.holdings().key_limit(lane.lane->spec.concurrency_key)) ||
        !within(group.limits, group.held, lane.shape->need) || !within(user.limits, user.held, lane.shape->need)) {
        close(lane, Reason::limit);
        return false;
    }
    if (!group.group.hard_quota || !group.group.quota_cpu_hours) return true;
    PlanBound bound;
    bound.default_s = default_plan_s(lane);
    const Billed left = quota_left(group);
    if (left < 0)
        bound.limit_s = -1; // over it already: nothing, not even what costs nothing
    else if (lane.rate > 0)
        bound.limit_s = left / lane.rate;
    if (bound.admits(*lane.next)) return true;
    pass_over(lane, lane.lane->waiting.next_within(*lane.next, bound), Reason::quota);
    return false;
}

Affordable Standing::affordable(const LaneStanding& lane, const Resources& granted, std::string_view gpu_type) const {
    const UserStanding& user = users[lane.user];
    const GroupStanding& group = groups[user.group];
    if (!within(group.limits, group.held, granted) || !within(user.limits, user.held, granted))
        return {0, Reason::limit};
    const BilledRate rate = billed_rate(granted, gpu_type, settings_);
    if (!group.group.hard_quota || !group.group.quota_cpu_hours || rate == 0) return {never, Reason::none};
    return {std::clamp<Billed>(quota_left(group) / rate, 0, never / second) * second, Reason::quota};
}

void Standing::place(LaneStanding& lane, const LaneEntry& entry, const Resources& granted, std::string_view gpu_type) {
    UserStanding& user = users[lane.user];
    GroupStanding& group = groups[user.group];
    const Billed cost = billed_rate(granted, gpu_type, settings_) * plan_s(lane, entry);
    group.booked += cost;
    if (settings_.count_planned) {
        group.usage += cost;
        user.usage += cost;
        if (shares_) shares_->add({group.group.id, user.id}, static_cast<double>(cost));
    }
    for (UserStanding& everywhere : users) { // a person may be in more than one group
        if (everywhere.id != user.id) continue;
        everywhere.held.jobs += 1;
        everywhere.held.cores += granted.cpu_cores;
        everywhere.held.gpu_milli += granted.gpu_milli;
    }
    group.held.jobs += 1;
    group.held.cores += granted.cpu_cores;
    group.held.gpu_milli += granted.gpu_milli;
    if (const auto key = keys_.find(lane.lane->spec.concurrency_key); key != keys_.end()) ++key->second;
    if (lane.lane->spec.array_throttle > 0) ++arrays_.at(lane.lane->spec.array);
    placed.insert(entry.id);
    ++lane.placed;
    const bool was_next = lane.next && lane.next->id == entry.id;
    if (lane.oldest->id == entry.id) { // else the oldest was passed over, and stays
        do lane.oldest = lane.lane->waiting.after(*lane.oldest);
        while (lane.oldest && placed.count(lane.oldest->id) != 0);
    }
    if (was_next) move_to(lane, lane.lane->waiting.after(*lane.next));
}

// --- ranks

Rank Standing::rank_in_user(const LaneStanding& lane, const LaneEntry& entry) const {
    const double own = own_priority(lane.base, lane.size, now_ - entry.eligible_at, settings_);
    return {own, own, own, entry.eligible_at, entry.id};
}

Rank Standing::rank_of(const LaneStanding& lane, const LaneEntry& entry) const {
    const double own = own_priority(lane.base, lane.size, now_ - entry.eligible_at, settings_);
    return rank(own, owners_of(lane), entry.eligible_at, entry.id, settings_);
}

Factors Standing::factors_of(const LaneStanding& lane, const LaneEntry& entry) const {
    return factors(lane.base, lane.size, now_ - entry.eligible_at, owners_of(lane), settings_);
}

} // namespace rcq::core
