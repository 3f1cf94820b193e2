#include "holdings.hpp"

namespace rcq::core {
namespace {

void add(Held& held, const Run& run, std::int64_t sign) {
    held.jobs += sign;
    held.cores += sign * run.resources.cpu_cores;
    held.gpu_milli += sign * run.resources.gpu_milli;
}

template <typename Map, typename Key> void add(Map& map, const Key& key, const Run& run, int sign) {
    const auto it = map.try_emplace(key).first;
    add(it->second, run, sign);
    if (it->second == Held{}) map.erase(it);
}

template <typename Map, typename Key> void count_one(Map& map, const Key& key, int sign) {
    const auto it = map.try_emplace(key, 0).first;
    if ((it->second += sign) == 0) map.erase(it);
}

template <typename Map, typename Key> auto value_of(const Map& map, const Key& key) {
    const auto it = map.find(key);
    return it == map.end() ? typename Map::mapped_type{} : it->second;
}

} // namespace

bool within(const Limits& limits, const Held& held, const Resources& more) {
    return (!limits.jobs || held.jobs + 1 <= *limits.jobs) &&
           (!limits.cores || held.cores + more.cpu_cores <= *limits.cores) &&
           (!limits.gpus || held.gpu_milli + more.gpu_milli <= std::int64_t{*limits.gpus} * 1000);
}

Limits limits_of_group(const Group& group, const Settings& settings) {
    Limits limits = group.limits;
    if (!limits.jobs && settings.max_jobs_per_group > 0) limits.jobs = settings.max_jobs_per_group;
    return limits;
}

Limits limits_of_user(const User& user, const Settings& settings) {
    Limits limits = user.limits;
    if (!limits.jobs && settings.max_jobs_per_user > 0) limits.jobs = settings.max_jobs_per_user;
    return limits;
}

void Holdings::count(const Run& run, int sign) {
    add(cluster_, run, sign);
    add(groups_, run.group, run, sign);
    add(users_, run.user, run, sign);
    if (!run.concurrency_key.empty()) count_one(keys_, run.concurrency_key, sign);
    if (run.array != 0 && run.array_throttle > 0) count_one(arrays_, run.array, sign);
}

void Holdings::take(const Run& run, const Release<Resources>& release) {
    count(run, 1);
    for (const auto& [name, amount] : run.consumables) {
        Stock& stock = stocks_[name];
        stock.taken += amount;
        stock.releases.insert(release_of(amount, release));
    }
}

void Holdings::give_back(const Run& run, const Release<Resources>& release) {
    count(run, -1);
    for (const auto& [name, amount] : run.consumables) {
        const auto it = stocks_.find(name);
        it->second.taken -= amount;
        it->second.releases.erase(release_of(amount, release));
        if (!it->second.total && it->second.taken == 0) stocks_.erase(it);
    }
}

void Holdings::retime(const Run& run, const Release<Resources>& from, const Release<Resources>& to) {
    for (const auto& [name, amount] : run.consumables)
        move_release(stocks_.at(name).releases, release_of(amount, from), release_of(amount, to));
}

Held Holdings::of_group(GroupId id) const { return value_of(groups_, id); }
Held Holdings::of_user(UserId id) const { return value_of(users_, id); }
std::int64_t Holdings::jobs_of_key(const std::string& key) const { return value_of(keys_, key); }
std::int64_t Holdings::tasks_of_array(JobId array) const { return value_of(arrays_, array); }

std::optional<std::int32_t> Holdings::key_limit(const std::string& key) const {
    const auto it = key_limits_.find(key);
    return it == key_limits_.end() ? std::nullopt : std::optional(it->second);
}

const Stock* Holdings::find_stock(std::string_view name) const {
    const auto it = stocks_.find(name);
    return it == stocks_.end() || !it->second.total ? nullptr : &it->second;
}

void Holdings::set_stocks(const Consumables& totals) {
    for (auto it = stocks_.begin(); it != stocks_.end();) {
        it->second.total.reset();
        it = it->second.taken == 0 ? stocks_.erase(it) : std::next(it);
    }
    for (const auto& [name, total] : totals) stocks_[name].total = total;
}

} // namespace rcq::core
