// Settled usage: what ended runs have cost each group and each user, in a rolling window.
//
// Kept up to date by adding a charge when it is made and taking it away when it leaves the window; never added up
// again from history. Charges are collected in buckets of time, and a bucket is forgotten as a whole, at the instant
// when its last possible charge is as old as the window. So a charge counts for at least the window and for at most
// one bucket longer.
#pragma once
#include "billing.hpp"
#include <map>
#include <unordered_map>

namespace rcq::core {

// A user as a member of a group: usage does not follow a person who changes groups.
struct Member {
    GroupId group = 0;
    UserId user = 0;
    friend auto operator<=>(const Member&, const Member&) = default;
};
struct MemberHash {
    std::size_t operator()(const Member& m) const {
        const auto high = static_cast<std::uint64_t>(static_cast<std::uint32_t>(m.group));
        return std::hash<std::uint64_t>()(high << 32 | static_cast<std::uint32_t>(m.user));
    }
};

class Usage {
public:
    // Ten minutes against a window of 30 days is one part in 4320, and keeps the number of entries small.
    // Both above 0.
    explicit Usage(Micros window, Micros bucket = 10 * minute) : window_(window), bucket_(bucket) {}

    // Adds a use that ended at `at`. Older than the window: forgotten at once. Not positive or not finite: ignored.
    void charge(GroupId group, UserId user, Micros at, double billed_core_seconds);

    // Forgets what has left the window. Time never goes backwards: an earlier `now` changes nothing.
    void advance(Micros now);

    // A shorter window takes effect at once. A longer one cannot bring back what was forgotten: load again.
    void set_window(Micros window);

    Billed group(GroupId group) const;
    Billed user(GroupId group, UserId user) const;
    double group_hours(GroupId group_id) const { return billed_hours(group(group_id)); }
    double user_hours(GroupId group_id, UserId user_id) const { return billed_hours(user(group_id, user_id)); }

private:
    bool expired(std::int64_t bucket) const { return (bucket + 1) * bucket_ <= now_ - window_; }

    Micros window_;
    Micros bucket_;
    Micros now_ = INT64_MIN / 2; // so that now_ - window_ stays in range before the first advance()
    std::map<std::int64_t, std::unordered_map<Member, Billed, MemberHash>> buckets_; // by time / bucket_
    std::unordered_map<GroupId, Billed> groups_;
    std::unordered_map<Member, Billed, MemberHash> users_;
};

} // namespace rcq::core
