#include "cluster.hpp"
#include <algorithm>
#include <utility>

namespace rcq::core {

Cluster::Cluster(const Settings& settings) : settings_(settings), usage_(settings.usage_window) {}

void Cluster::set_settings(const Settings& settings) {
    settings_ = settings;
    usage_.set_window(settings.usage_window);
    recommit(std::nullopt); // rates and default plans may have changed
}

void Cluster::advance(Micros now) {
    usage_.advance(now);
    commitments_.advance(now);
}

// --- groups

void Cluster::put_group(const Group& group) {
    const Group* known = find_group(group.id);
    const bool same_plans = known && known->default_estimate == group.default_estimate;
    groups_.insert_or_assign(group.id, group);
    if (!same_plans) recommit(group.id);
}

void Cluster::drop_group(GroupId id) {
    if (groups_.erase(id) != 0) recommit(id);
}

const Group* Cluster::find_group(GroupId id) const {
    const auto it = groups_.find(id);
    return it == groups_.end() ? nullptr : &it->second;
}

// --- executors

// The one way to change a host: its hole is taken out by its old values and put back by its new ones.
template <typename Change> void Cluster::change_host(ExecutorId id, Change change) {
    Host& host = hosts_[id];
    if (host.executor) holes_.remove(*host.executor, host.free());
    change(host);
    if (host.executor)
        holes_.add(*host.executor, host.free(), GpuRoom(host.free().gpu_milli));
    else if (host.runs.empty())
        hosts_.erase(id);
}

void Cluster::put_executor(const Executor& executor) {
    Executor sorted = executor;
    sort_features(sorted.features);
    if (const Executor* known = find_executor(executor.id); known && *known == sorted) return;
    change_host(executor.id, [&](Host& host) { host.executor = std::move(sorted); });
    ++executors_version_;
}

void Cluster::drop_executor(ExecutorId id) {
    if (!find_executor(id)) return;
    change_host(id, [](Host& host) { host.executor.reset(); });
    ++executors_version_;
}

const Executor* Cluster::find_executor(ExecutorId id) const {
    const auto it = hosts_.find(id);
    return it == hosts_.end() || !it->second.executor ? nullptr : &*it->second.executor;
}

std::vector<const Executor*> Cluster::executors() const {
    std::vector<const Executor*> all;
    all.reserve(hosts_.size());
    for (const auto& [id, host] : hosts_)
        if (host.executor) all.push_back(&*host.executor);
    return all;
}

std::vector<JobId> Cluster::runs_of(ExecutorId id) const {
    const auto it = hosts_.find(id);
    return it == hosts_.end() ? std::vector<JobId>{} : it->second.runs;
}

std::optional<Resources> Cluster::free_of(ExecutorId id) const {
    if (!find_executor(id)) return std::nullopt;
    return hosts_.at(id).free();
}

// --- pending jobs

LaneEntry Cluster::lane_entry(JobId id, const Pending& pending) {
    return {pending.eligible_at, id, own_plan_seconds(pending.estimate, pending.time_limit)};
}

void Cluster::put_job(const Job& job) {
    drop(job.id);
    Shape shape = job.shape;
    sort_features(shape.features);
    Lane& lane = lanes_.open(job.group, job.user, job.priority, shape);
    const Pending pending{&lane, job.eligible_at, job.estimate, job.time_limit, job.held};
    if (job.held)
        ++lane.held;
    else
        lane.waiting.insert(lane_entry(job.id, pending));
    jobs_.emplace(job.id, pending);
    change_counts(job.group, [&](Counts& c) {
        ++c.pending;
        c.held += job.held ? 1 : 0;
    });
}

void Cluster::drop_job(JobId id) {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) return;
    const Pending pending = it->second;
    jobs_.erase(it);
    if (pending.held)
        --pending.lane->held;
    else
        pending.lane->waiting.erase(lane_entry(id, pending));
    change_counts(pending.lane->id.group, [&](Counts& c) {
        --c.pending;
        c.held -= pending.held ? 1 : 0;
    });
    lanes_.close_if_empty(*pending.lane);
}

std::optional<Job> Cluster::find_job(JobId id) const {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) return std::nullopt;
    const Pending& p = it->second;
    const LaneId& key = p.lane->id;
    return Job{id, key.group, key.user, key.priority, key.shape, p.eligible_at, p.estimate, p.time_limit, p.held};
}

// --- runs

void Cluster::put_run(const Run& run) {
    drop(run.job);
    runs_.emplace(run.job, run);
    change_host(run.executor, [&](Host& host) {
        host.taken += run.resources;
        host.runs.insert(std::lower_bound(host.runs.begin(), host.runs.end(), run.job), run.job);
    });
    commit(run);
    count_run(run, true);
}

void Cluster::drop_run(JobId id) {
    const auto it = runs_.find(id);
    if (it == runs_.end()) return;
    const Run run = it->second;
    runs_.erase(it);
    change_host(run.executor, [&](Host& host) {
        host.taken -= run.resources;
        host.runs.erase(std::lower_bound(host.runs.begin(), host.runs.end(), id));
    });
    commitments_.drop(id);
    count_run(run, false);
}

void Cluster::drop(JobId id) {
    drop_job(id);
    drop_run(id);
}

const Run* Cluster::find_run(JobId id) const {
    const auto it = runs_.find(id);
    return it == runs_.end() ? nullptr : &it->second;
}

std::vector<JobId> Cluster::ids_in(JobId first, JobId last) const {
    std::vector<JobId> ids;
    if (first > last) return ids;
    for (auto it = jobs_.lower_bound(first); it != jobs_.end() && it->first <= last; ++it) ids.push_back(it->first);
    const auto pending = static_cast<std::ptrdiff_t>(ids.size());
    for (auto it = runs_.lower_bound(first); it != runs_.end() && it->first <= last; ++it) ids.push_back(it->first);
    std::inplace_merge(ids.begin(), ids.begin() + pending, ids.end());
    return ids;
}

// --- usage

void Cluster::charge(GroupId group, UserId user, Micros at, double billed_core_seconds) {
    usage_.charge(group, user, at, billed_core_seconds);
}

void Cluster::commit(const Run& run) {
    auto planned_s = own_plan_seconds(run.estimate, run.time_limit);
    if (!planned_s) {
        const Group* group = find_group(run.group);
        planned_s = default_plan_seconds(group ? *group : Group{}, settings_);
    }
    commitments_.put(run.job, {run.group, run.user}, billed_rate(run.resources, settings_), *planned_s, run.claimed_at);
}

void Cluster::recommit(std::optional<GroupId> group) {
    for (const auto& [id, run] : runs_)
        if (!group || run.group == *group) commit(run);
}

// --- counts

template <typename Change> void Cluster::change_counts(GroupId group, Change change) {
    Counts& counts = counts_[group];
    change(counts);
    if (counts == Counts{}) counts_.erase(group);
}

void Cluster::count_run(const Run& run, bool add) {
    change_counts(run.group, [&](Counts& c) {
        const auto step = [add](std::size_t& count) { add ? ++count : --count; };
        step(run.claimed_at ? c.running : c.assigned);
        if (run.cancelling) step(c.cancelling);
    });
}

Counts Cluster::counts(GroupId group) const {
    const auto it = counts_.find(group);
    return it == counts_.end() ? Counts{} : it->second;
}

} // namespace rcq::core
