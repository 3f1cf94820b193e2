// Committed usage: what placed and running jobs have cost so far and are still planned to cost, per group and user.
//
// One run counts rate x max(elapsed, planned) : its whole plan until it is past it, then what it really uses. Elapsed
// runs from the claim, in whole seconds of the clock, and is 0 before. Sums are kept, not computed: a run inside its
// plan is a constant, a run past its plan grows with its rate, and it changes from one to the other once.
#pragma once
#include "usage.hpp"
#include <set>

namespace rcq::core {

class Commitments {
public:
    // Adds or replaces the run of a job. `planned_s` > 0.
    void put(JobId job, Member owner, BilledRate rate, std::int64_t planned_s, std::optional<Micros> claimed_at);
    void drop(JobId job);
    void clear();

    // Moves on to `now`; an earlier one changes nothing. Cost: the runs that went past their plan.
    void advance(Micros now);

    // At the time last advanced to.
    Billed group(GroupId group) const;
    Billed user(GroupId group, UserId user) const;

    // Users of the group with at least one run, and whether this one has.
    std::size_t users_with_runs(GroupId group) const;
    bool has_runs(GroupId group, UserId user) const { return users_.count({group, user}) != 0; }

private:
    struct Entry {
        Member owner;
        BilledRate rate;
        std::int64_t planned_s;
        std::optional<std::int64_t> claimed_s;
        bool past_plan;
    };
    struct Sum {
        std::size_t runs = 0;
        Billed planned = 0;          // of runs inside their plan
        BilledRate past_rate = 0;    // of runs past it
        std::uint64_t past_base = 0; // sum of rate x claim time, modulo 2^64: only differences are used
        Billed at(std::int64_t now_s) const;
        void add(const Entry& entry);
        void take(const Entry& entry);
    };
    bool is_past(const Entry& e) const { return e.claimed_s && now_s_ - *e.claimed_s > e.planned_s; }
    void count(const Entry& entry);
    void uncount(const Entry& entry);

    std::int64_t now_s_ = INT64_MIN / 2;
    std::unordered_map<JobId, Entry> entries_;
    std::set<std::pair<std::int64_t, JobId>> ends_; // claimed runs inside their plan, by the second their plan ends
    std::unordered_map<GroupId, Sum> groups_;
    std::unordered_map<GroupId, std::size_t> group_users_;
    std::unordered_map<Member, Sum, MemberHash> users_;
};

} // namespace rcq::core
