// What all runs together hold: counts against the limits of cluster, groups, users, concurrency keys and arrays, and
// the consumables that the cluster has.
#pragma once
#include "settings.hpp"
#include "timeline.hpp"
#include <unordered_map>

namespace rcq::core {

// Of runs, assigned ones included.
struct Held {
    std::int64_t jobs = 0;
    std::int64_t cores = 0;
    std::int64_t gpu_milli = 0;
    friend bool operator==(const Held&, const Held&) = default;
};

// Held and what one more job would add stay within the limits.
bool within(const Limits& limits, const Held& held, const Resources& more);

// The group's or user's own limits, completed by the general ones.
Limits limits_of_group(const Group& group, const Settings& settings);
Limits limits_of_user(const User& user, const Settings& settings);

// A consumable that is counted for the whole cluster.
struct Stock {
    std::optional<std::int64_t> total; // none: executors have it, each its own
    std::int64_t taken = 0;
    Timeline<Count>::Releases releases;
};

class Holdings {
public:
    void take(const Run& run, const Release<Resources>& release);
    // Exactly what take() took.
    void give_back(const Run& run, const Release<Resources>& release);

    // The same run gives back what it holds at another time.
    void retime(const Run& run, const Release<Resources>& from, const Release<Resources>& to);

    Held of_cluster() const { return cluster_; }
    Held of_group(GroupId id) const;
    Held of_user(UserId id) const;
    std::int64_t jobs_of_key(const std::string& key) const;
    // Of an array with a throttle; those of others are not counted.
    std::int64_t tasks_of_array(JobId array) const;

    // The most jobs of each key that may run at one time; keys that are not in it have no limit.
    void set_key_limits(const std::map<std::string, std::int32_t>& most_jobs) { key_limits_ = most_jobs; }
    std::optional<std::int32_t> key_limit(const std::string& key) const;

    // What the cluster has of each consumable; of what is not in it, executors have their own.
    void set_stocks(const Consumables& totals);
    // Null: the cluster has none of this name; executors may.
    const Stock* find_stock(std::string_view name) const;

private:
    void count(const Run& run, int sign);

    Held cluster_;
    std::unordered_map<GroupId, Held> groups_;
    std::unordered_map<UserId, Held> users_;
    std::unordered_map<std::string, std::int64_t> keys_;
    std::unordered_map<JobId, std::int64_t> arrays_;
    std::map<std::string, std::int32_t> key_limits_;
    std::map<std::string, Stock, std::less<>> stocks_;
};

} // namespace rcq::core
