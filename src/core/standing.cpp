#include "standing.hpp"

namespace rcq::core {

Standing::Standing(const Cluster& cluster, Micros now) : settings_(cluster.settings()), now_(now) {
    const Usage& settled = cluster.usage();
    const Commitments& committed = cluster.commitments();
    // Lanes come ordered by group and user, so a new owner is one that differs from the last.
    for (const auto& [id, lane] : cluster.lanes().all()) {
        if (lane.waiting.empty()) continue;
        if (groups.empty() || groups.back().group.id != id.group) {
            GroupStanding& g = groups.emplace_back();
            if (const Group* known = cluster.find_group(id.group)) g.group = *known;
            g.group.id = id.group;
            g.usage = settled.group(id.group) + committed.group(id.group);
            g.active_users = committed.users_with_runs(id.group);
            g.first_user = g.end_user = users.size();
        }
        GroupStanding& g = groups.back();
        if (g.first_user == g.end_user || users.back().id != id.user) {
            ++g.end_user;
            UserStanding& u = users.emplace_back();
            u.group = groups.size() - 1;
            u.id = id.user;
            u.usage = settled.user(id.group, id.user) + committed.user(id.group, id.user);
            u.first_lane = lanes.size();
        }
        LaneStanding& l = lanes.emplace_back();
        l.lane = &lane;
        l.user = users.size() - 1;
        l.rate = billed_rate(id.shape.need, {}, settings_);
        l.base = id.priority + g.group.priority;
        l.oldest = lane.waiting.first();
        move_to(l, l.oldest);
        users.back().end_lane = lanes.size();
    }
    for (const UserStanding& u : users) {
        bool waits = false;
        for (std::size_t l = u.first_lane; l < u.end_lane; ++l) waits = waits || lanes[l].next;
        // Users with runs are counted already. One whose jobs may not start yet takes no share from the others.
        GroupStanding& g = groups[u.group];
        if (waits && !committed.has_runs(g.group.id, u.id)) ++g.active_users;
    }
    for (GroupStanding& g : groups) refresh(g);
}

void Standing::refresh(GroupStanding& g) {
    g.multiplier = fair_share_multiplier(g.group.quota_cpu_hours, billed_hours(g.usage), settings_);
    for (std::size_t i = g.first_user; i < g.end_user; ++i) {
        UserStanding& u = users[i];
        u.factor = user_factor(static_cast<double>(g.usage), g.active_users, static_cast<double>(u.usage), settings_);
    }
}

void Standing::close(LaneStanding& lane, Reason reason) {
    lane.next = nullptr;
    lane.reason = reason;
}

void Standing::move_to(LaneStanding& lane, const LaneEntry* entry) {
    if (entry && is_eligible(*entry)) {
        lane.next = entry;
        return;
    }
    // Nothing more may start. What is left was passed over for its quota, or its time has not come.
    close(lane, lane.oldest && is_eligible(*lane.oldest) ? Reason::quota : Reason::begin_time);
}

PlanBound Standing::quota_bound(const LaneStanding& lane) const {
    const GroupStanding& g = group_of(lane);
    PlanBound bound;
    bound.default_s = default_plan_seconds(g.group, settings_);
    const Billed left = billed_from_hours(*g.group.quota_cpu_hours) - g.usage;
    if (left < 0)
        bound.limit_s = -1; // over it already: nothing, not even what costs nothing
    else if (lane.rate > 0)
        bound.limit_s = left / lane.rate;
    return bound;
}

bool Standing::check_quota(LaneStanding& lane) {
    const Group& group = group_of(lane).group;
    if (!group.hard_quota || !group.quota_cpu_hours) return true;
    const PlanBound bound = quota_bound(lane);
    if (bound.admits(*lane.next)) return true;
    move_to(lane, lane.lane->waiting.next_within(*lane.next, bound));
    return false;
}

void Standing::place(LaneStanding& lane) {
    UserStanding& user = users[lane.user];
    GroupStanding& group = groups[user.group];
    const LaneEntry* entry = lane.next;
    const auto planned_s = entry->own_plan_s.value_or(default_plan_seconds(group.group, settings_));
    group.usage += lane.rate * planned_s;
    user.usage += lane.rate * planned_s;
    placed.insert(entry->id);
    ++lane.placed;
    const LaneEntry* following = lane.lane->waiting.after(*entry);
    if (lane.oldest == entry) lane.oldest = following; // else the oldest was passed over, and stays
    move_to(lane, following);
}

Rank Standing::rank_in_user(const LaneStanding& lane, const LaneEntry& entry) const {
    return rank(lane.base, wait_time_boost(now_ - entry.eligible_at, settings_), 1, 1, entry.eligible_at, entry.id);
}

Rank Standing::rank_of(const LaneStanding& lane, const LaneEntry& entry) const {
    const double boost = wait_time_boost(now_ - entry.eligible_at, settings_);
    const UserStanding& user = users[lane.user];
    return rank(lane.base, boost, user.factor, groups[user.group].multiplier, entry.eligible_at, entry.id);
}

Factors Standing::factors_of(const LaneStanding& lane, const LaneEntry& entry) const {
    const UserStanding& user = users[lane.user];
    Factors f;
    f.base = lane.base;
    f.user_factor = user.factor;
    f.multiplier = groups[user.group].multiplier * user.factor;
    f.boost = wait_time_boost(now_ - entry.eligible_at, settings_);
    f.priority = rank_of(lane, entry).final;
    return f;
}

} // namespace rcq::core
