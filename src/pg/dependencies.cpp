#include "dependencies.hpp"

namespace rcq::pg {

namespace {

constexpr std::size_t max_jobs_per_cycle = 2000;

// Takes at most so many out of a set.
std::vector<core::JobId> take(std::unordered_set<core::JobId>& set, std::size_t most) {
    std::vector<core::JobId> taken;
    taken.reserve(std::min(most, set.size()));
    while (taken.size() < most && !set.empty()) taken.push_back(set.extract(set.begin()).value());
    return taken;
}

} // namespace

void Dependencies::saw(const store::LiveRow& row) {
    const core::JobId id = row.job.id;
    if (row.claimed_at) started(id);
    if (row.unmet == 0)
        blocked_.erase(id);
    else if (blocked_.insert(id).second)
        fresh_.insert(id);
}

void Dependencies::started(core::JobId job) {
    const auto known = awaited_.find(job);
    if (known == awaited_.end() || known->second) return;
    known->second = true;
    changed_.insert(job);
}

void Dependencies::ended(core::JobId job, core::JobId array) {
    blocked_.erase(job);
    fresh_.erase(job);
    if (awaited_.erase(job) > 0 || followed_.count(array) > 0) changed_.insert(job);
    followed_.erase(job);
}

std::vector<core::JobId> Dependencies::ids_in(core::JobId first, core::JobId last) const {
    std::vector<core::JobId> ids;
    for (auto it = blocked_.lower_bound(first); it != blocked_.end() && *it <= last; ++it) ids.push_back(*it);
    for (auto it = awaited_.lower_bound(first); it != awaited_.end() && it->first <= last; ++it)
        ids.push_back(it->first);
    return ids;
}

std::vector<core::JobId> Dependencies::settle(TimestampTz now, TimestampTz tick) {
    if (is_retry_due(tick)) {
        changed_.merge(retry_changed_);
        fresh_.merge(retry_fresh_);
        retry_changed_.clear();
        retry_fresh_.clear();
    }
    const store::SettledDependencies settled =
        store::settle_dependencies(take(changed_, max_jobs_per_cycle), take(fresh_, max_jobs_per_cycle), now);
    for (const core::JobId job : settled.awaited) awaited_.try_emplace(job, false);
    followed_.insert(settled.followed.begin(), settled.followed.end());
    if (!has_retries()) retries_since_ = tick;
    retry_fresh_.insert(settled.later.begin(), settled.later.end());
    // without any progress it is held by somebody
    const bool progress = !settled.released.empty() || !settled.ended.empty();
    (progress ? changed_ : retry_changed_).insert(settled.again.begin(), settled.again.end());
    std::vector<core::JobId> jobs = settled.released;
    for (const core::JobId job : settled.ended) {
        awaited_.erase(job); // what followed from it is settled, or in `again`
        jobs.push_back(job);
    }
    return jobs;
}

} // namespace rcq::pg
