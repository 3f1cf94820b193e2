// Where everybody stands during one plan: the working copy of groups, users and lanes that placements change.
// Internal to the plan: plan.cpp walks it, ranking.cpp reports from it.
#pragma once
#include "cluster.hpp"
#include "priority.hpp"
#include "shares.hpp"
#include <unordered_set>

namespace rcq::core {

// A heap of indices in a piece of a common array: thousands of them are made for every plan.
class IndexHeap {
public:
    IndexHeap() = default;
    explicit IndexHeap(std::size_t* room) : begin_(room), end_(room) {}
    std::size_t* begin() { return begin_; }
    std::size_t* end() { return end_; }
    bool empty() const { return begin_ == end_; }
    std::size_t front() const { return *begin_; }
    std::size_t back() const { return *(end_ - 1); }
    void push_back(std::size_t index) { *end_++ = index; }
    void pop_back() { --end_; }
    void clear() { end_ = begin_; }

private:
    std::size_t* begin_ = nullptr;
    std::size_t* end_ = nullptr;
};

struct LaneStanding {
    const Lane* lane = nullptr;
    std::size_t user = 0;              // index into Standing::users
    const Shape* shape = nullptr;      // what is asked for now: with fewer cores than wanted, if that must do
    BilledRate rate = 0;               // of its shape; the executor's kind of GPU may change it
    double base = 0;                   // job priority + group priority
    double size = 0;                   // see size_factor()
    const LaneEntry* next = nullptr;   // first job that may still be placed; null: the lane is closed
    const LaneEntry* oldest = nullptr; // first job left, passed over or not; null: none
    std::size_t placed = 0;
    bool unexplained = false;         // closed because it fits nowhere, and nobody has looked why
    Reason reason = Reason::priority; // why it is closed, or why jobs of it were passed over
    Rank rank;                        // of next, among the lanes of its user
};

struct UserStanding {
    std::size_t group = 0; // index into Standing::groups
    UserId id = 0;
    Billed usage = 0; // that ranks: used, and what is planned if the settings count it; placements of this plan as well
    double factor = 1; // OwnerFactors::user
    Held held;         // of the user in all groups, placements of this plan included
    Limits limits;
    std::size_t first_lane = 0; // its lanes are lanes[first_lane] up to lanes[end_lane], exclusive
    std::size_t end_lane = 0;
    IndexHeap open; // the open ones of those, by rank; made by the ranking
    Rank rank;      // of its best lane, inside the group
};

struct GroupStanding {
    Group group;
    Billed usage = 0;             // as a user's
    Billed booked = 0;            // used and planned, whatever the settings: what a hard quota is compared with
    std::size_t active_users = 0; // with a run or an eligible job
    double multiplier = 1;        // OwnerFactors::group
    Held held;
    Limits limits;
    std::size_t first_user = 0; // its users are users[first_user] up to users[end_user], exclusive
    std::size_t end_user = 0;
    IndexHeap open; // of those with a lane still open, by rank; made by the ranking
    Rank rank;      // of its best user
};

struct Affordable {
    Micros length = 0;            // never: for good
    Reason reason = Reason::none; // what ends it
};

class Standing {
public:
    // Cost: groups, users and lanes with waiting jobs.
    Standing(const Cluster& cluster, Shares& shares, Micros now);

    std::vector<GroupStanding> groups; // ascending by id, as are the users of a group
    std::vector<UserStanding> users;
    std::vector<LaneStanding> lanes;
    std::unordered_set<JobId> placed;

    GroupStanding& group_of(const LaneStanding& lane) { return groups[users[lane.user].group]; }
    const GroupStanding& group_of(const LaneStanding& lane) const { return groups[users[lane.user].group]; }
    OwnerFactors owners_of(const LaneStanding& lane) const {
        return {group_of(lane).multiplier, users[lane.user].factor};
    }

    // Planned duration of a job of this lane, in seconds.
    std::int64_t plan_s(const LaneStanding& lane, const LaneEntry& entry) const {
        return entry.own_plan_s.value_or(default_plan_s(lane));
    }
    std::int64_t default_plan_s(const LaneStanding& lane) const {
        return default_plan_seconds(group_of(lane).group, settings_);
    }

    // Closes the lane if a limit or a pause stands against its next job, or moves it on over jobs that exceed their
    // group's hard quota. True if the next job may be placed as far as that goes.
    bool may_start(LaneStanding& lane);
    // How long limits and the hard quota allow these granted resources, for shapes whose grant or price depends on the
    // executor.
    Affordable affordable(const LaneStanding& lane, const Resources& granted, std::string_view gpu_type) const;

    void close(LaneStanding& lane, Reason reason);
    // lane.next waits for this reason, but `following` may still be placed; null: none may.
    void pass_over(LaneStanding& lane, const LaneEntry* following, Reason reason);

    // `entry` has been placed: books its plan. lane.next moves on if it was that.
    void place(LaneStanding& lane, const LaneEntry& entry, const Resources& granted, std::string_view gpu_type);

    // The factors of a group, and of the users in it, by their present usage. True if those of others may have changed,
    // too.
    bool refresh(GroupStanding& group);

    Rank rank_of(const LaneStanding& lane, const LaneEntry& entry) const;
    Rank rank_in_user(const LaneStanding& lane, const LaneEntry& entry) const; // without the factors of its owners
    Factors factors_of(const LaneStanding& lane, const LaneEntry& entry) const;

    bool has_waited_too_long(const LaneEntry& entry) const {
        return settings_.max_wait > 0 && now_ - entry.eligible_at > settings_.max_wait;
    }
    bool is_eligible(const LaneEntry& entry) const { return entry.eligible_at <= now_; }

private:
    void add_lane(const Lane& lane);
    void move_to(LaneStanding& lane, const LaneEntry* entry);
    void set_factors(GroupStanding& group);
    void refresh_shares();
    double hours(Billed amount) const { return billed_hours(amount) * quota_scale_; }
    Billed quota_left(const GroupStanding& group) const;
    const std::int64_t* jobs_of_key(const LaneStanding& lane) const;
    bool is_throttled(const LaneStanding& lane) const;

    const Cluster& cluster_;
    const Settings& settings_;
    Micros now_;
    double quota_scale_;
    Resources capacity_;                                    // of the cluster, if size counts
    Shares* shares_;                                        // null: the policy knows none
    std::vector<std::size_t> heap_room_;                    // of users' lanes, then of groups' users
    std::map<std::string, std::int64_t, std::less<>> keys_; // placed and running jobs of the keys with a limit
    std::unordered_map<JobId, std::int64_t> arrays_;        // placed and running tasks of the arrays with a throttle
};

} // namespace rcq::core
