// Committed usage: what placed and running jobs are still planned to use, per group and user. What they have used so
// far is Usage's: the two together count each run once, and their sum stays the same until a run is past its plan.
//
// One run counts rate x max(planned - elapsed, 0); elapsed runs from the claim and is 0 before. Sums are kept, not
// computed: a run is a constant until it is claimed, falls with its rate inside its plan, and is nothing after it.
#pragma once
#include "usage.hpp"
#include <set>

namespace rcq::core {

class Commitments {
public:
    // Adds or replaces the run of a job. `planned_s` > 0. A claim to come (of a clock ahead of ours) is one not made.
    void put(JobId job, Member owner, BilledRate rate, std::int64_t planned_s, std::optional<Micros> claimed_at);
    void drop(JobId job);
    void clear();

    // Moves on to `now`; an earlier one changes nothing. Cost: the runs that reached their claim or went past their
    // plan.
    void advance(Micros now);

    // At the time last advanced to. Parts of a unit count as a whole one: they are those that Usage cuts off.
    Billed group(GroupId group) const;
    Billed user(GroupId group, UserId user) const;

    // Users of the group with at least one run, and whether this one has.
    std::size_t users_with_runs(GroupId group) const;
    bool has_runs(GroupId group, UserId user) const { return users_.count({group, user}) != 0; }

private:
    enum class Phase { unclaimed, inside_plan, past_plan };
    struct Entry {
        Member owner;
        BilledRate rate;
        std::int64_t planned_s;
        std::optional<Micros> claimed_at;
        Phase phase;
        Micros plan_end() const { return *claimed_at + planned_s * second; }
        // When the phase changes next; none: not by time.
        std::optional<Micros> turn() const;
    };
    struct Sum {
        std::size_t runs = 0;
        BilledWork base = 0; // planned = base - rate x now
        BilledRate rate = 0; // of runs inside their plan
        void change(const Entry& entry, int sign);
        Billed at(Micros now) const;
    };
    Phase phase_of(const Entry& entry) const;
    void count(const Entry& entry);
    void uncount(const Entry& entry);

    Micros now_ = INT64_MIN;
    std::unordered_map<JobId, Entry> entries_;
    std::set<std::pair<Micros, JobId>> turns_; // of all entries that have one
    std::unordered_map<GroupId, Sum> groups_;
    std::unordered_map<GroupId, std::size_t> group_users_;
    std::unordered_map<Member, Sum, MemberHash> users_;
};

} // namespace rcq::core
