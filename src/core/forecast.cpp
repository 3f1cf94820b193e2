#include "forecast.hpp"
#include <algorithm>

namespace rcq::core {
namespace {

bool waits_for_resources(Reason reason) {
    return reason == Reason::priority || reason == Reason::resources || reason == Reason::reserved ||
           reason == Reason::maintenance;
}

} // namespace

Forecast::Forecast(const Cluster& cluster, std::span<const RankedJob> ranked, Micros now)
    : now_(now), hosts_(cluster.hosts().all()), holdings_(cluster.holdings()), windows_(cluster.windows()),
      promises_({hosts_, holdings_, windows_}, now) {
    waiting_.reserve(ranked.size());
    std::map<Shape, Outlook> outlooks;
    for (const RankedJob& r : ranked) {
        if (!waits_for_resources(r.reason)) continue;
        const std::optional<Job> job = cluster.find_job(r.job);
        if (!job) continue;
        const auto [known, fresh] = outlooks.try_emplace(job->shape);
        if (fresh) known->second = look_out(cluster, job->shape);
        const Outlook& outlook = known->second;
        if (outlook.reason != Reason::resources) continue;
        auto plan_s = cluster.plan_seconds(job->user, job->estimate, job->time_limit);
        if (!plan_s) {
            const Group* group = cluster.find_group(job->group);
            plan_s = default_plan_seconds(group ? *group : Group{}, cluster.settings());
        }
        waiting_.push_back(
            {job->id, lane_key(lane_spec(*job)), &*shapes_.insert(outlook.shape).first, job->group, *plan_s});
    }
}

// The cached times only grow, as promises are added and none is taken away: what comes out on top with a time that
// still holds is the earliest of all.
Start Forecast::start_of(const Waiting& waiting) {
    const Ask ask{waiting.shape, waiting.group, waiting.plan_s};
    const auto [it, fresh] = candidates_.try_emplace(Kind{waiting.shape, waiting.group, waiting.plan_s});
    Candidates& candidates = it->second;
    if (fresh)
        for (const auto& [id, host] : hosts_)
            if (serves(host, *waiting.shape))
                candidates.push({now_, fitness(*host.executor, host.executor->capacity), id});
    while (!candidates.empty()) {
        Candidate best = candidates.top();
        if (best.not_before == never) break;
        candidates.pop();
        const Micros at = promises_.earliest_on(best.id, ask);
        const bool holds = at == best.not_before;
        best.not_before = at;
        candidates.push(best);
        if (holds) return {best.id, at};
    }
    return {};
}

bool Forecast::go_on(const std::function<bool()>& out_of_time) {
    for (; next_ < waiting_.size(); ++next_) {
        if (out_of_time()) return false;
        const Waiting& waiting = waiting_[next_];
        const Start start = start_of(waiting);
        if (start.at == never) continue;
        promises_.reserve(start, {waiting.shape, waiting.group, waiting.plan_s});
        starts_.push_back({waiting.job, start.at});
        LanePace& pace = paces_[waiting.lane_key];
        ++pace.jobs;
        pace.last_start = std::max(pace.last_start, start.at);
    }
    return true;
}

} // namespace rcq::core
