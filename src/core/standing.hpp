// Where everybody stands during one plan: the working copy of groups, users and lanes that placements change.
// Internal to the plan: plan.cpp walks it, ranking.cpp reports from it.
#pragma once
#include "cluster.hpp"
#include "priority.hpp"
#include <unordered_set>

namespace rcq::core {

struct LaneStanding {
    const Lane* lane = nullptr;
    std::size_t user = 0;              // index into Standing::users
    BilledRate rate = 0;               // of its shape
    double base = 0;                   // job priority + group priority
    const LaneEntry* next = nullptr;   // first job that may still be placed; null: the lane is closed
    const LaneEntry* oldest = nullptr; // first job left, passed over or not; null: none
    std::size_t placed = 0;
    Reason reason = Reason::priority; // why it is closed
    Rank rank;                        // of next, among the lanes of its user
};

struct UserStanding {
    std::size_t group = 0; // index into Standing::groups
    UserId id = 0;
    Billed usage = 0; // settled and committed, this plan's placements included
    double factor = 1;
    std::size_t first_lane = 0; // its lanes are lanes[first_lane] up to lanes[end_lane], exclusive
    std::size_t end_lane = 0;
    std::vector<std::size_t> open; // the open ones of those, a heap by rank; made by the ranking
    Rank rank;                     // of its best lane, inside the group
};

struct GroupStanding {
    Group group;
    Billed usage = 0;
    std::size_t active_users = 0; // with a run or an eligible job
    double multiplier = 1;
    std::size_t first_user = 0; // its users are users[first_user] up to users[end_user], exclusive
    std::size_t end_user = 0;
    std::vector<std::size_t> open; // of those with a lane still open, a heap by rank; made by the ranking
    Rank rank;                     // of its best user
};

class Standing {
public:
    // Cost: groups, users and lanes with waiting jobs.
    Standing(const Cluster& cluster, Micros now);

    std::vector<GroupStanding> groups; // ascending by id, as are the users of a group
    std::vector<UserStanding> users;
    std::vector<LaneStanding> lanes;
    std::unordered_set<JobId> placed;

    GroupStanding& group_of(const LaneStanding& lane) { return groups[users[lane.user].group]; }
    const GroupStanding& group_of(const LaneStanding& lane) const { return groups[users[lane.user].group]; }

    // Moves lane.next over jobs that exceed their group's hard quota. False if it moved (or the lane closed).
    bool check_quota(LaneStanding& lane);

    void close(LaneStanding& lane, Reason reason);

    // lane.next has been placed: books its plan and moves on. Factors are those before until refresh().
    void place(LaneStanding& lane);

    // The group's multiplier and its users' factors by their present usage.
    void refresh(GroupStanding& group);

    // Without the shared factors, which may change while a user's lanes stay in the same order.
    Rank rank_in_user(const LaneStanding& lane, const LaneEntry& entry) const;
    Rank rank_of(const LaneStanding& lane, const LaneEntry& entry) const;
    Factors factors_of(const LaneStanding& lane, const LaneEntry& entry) const;

    bool has_waited_too_long(const LaneEntry& entry) const {
        return settings_.max_wait > 0 && now_ - entry.eligible_at > settings_.max_wait;
    }
    bool is_eligible(const LaneEntry& entry) const { return entry.eligible_at <= now_; }

private:
    PlanBound quota_bound(const LaneStanding& lane) const;
    void move_to(LaneStanding& lane, const LaneEntry* entry);

    const Settings& settings_;
    Micros now_;
};

} // namespace rcq::core
