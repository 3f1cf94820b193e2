#include "cluster.hpp"
#include <algorithm>
#include <cmath>
#include <utility>

namespace rcq::core {
namespace {

// The two are one run that holds the same, at another point of its life.
bool holds_alike(const Run& a, const Run& b) {
    return a.executor == b.executor && a.group == b.group && a.user == b.user && a.resources == b.resources &&
           a.gpu_slot == b.gpu_slot && a.concurrency_key == b.concurrency_key && a.array == b.array &&
           a.array_throttle == b.array_throttle && a.consumables == b.consumables;
}

} // namespace

Cluster::Cluster(const Settings& settings) : usage_(settings.usage_window) { set_settings(settings); }

void Cluster::set_settings(const Settings& settings) {
    const bool plans_alike = settings.correct_estimates == settings_.correct_estimates;
    settings_ = settings;
    if (!plans_alike) plan_pending_again();
    lanes_.order_by_plan(settings.backfill_order == BackfillOrder::shortest);
    rebook([](const Run&) { return true; }, [&] { usage_.set_window(settings.usage_window); });
}

void Cluster::advance(Micros now) {
    usage_.advance(now);
    commitments_.advance(now);
    lanes_.advance(now);
    if (expected_at_ && now - *expected_at_ < minute) return;
    expected_at_ = now;
    expect_jobs();
}

// GPUs are handed out with regard to what the jobs that wait and run ask of them.
void Cluster::expect_jobs() {
    std::map<Shape, std::int64_t> counts;
    for (const auto& [shape, use] : lanes_.shapes())
        if (shape.need.gpu_milli > 0) counts[shape] += static_cast<std::int64_t>(use.jobs);
    for (const auto& [id, booked] : runs_) {
        if (booked.run.resources.gpu_milli == 0) continue;
        Shape shape;
        shape.need = booked.run.resources;
        ++counts[shape];
    }
    std::vector<Workload::Counted> jobs;
    jobs.reserve(counts.size());
    for (const auto& [shape, count] : counts) jobs.push_back({shape, count});
    hosts_.expect(std::make_shared<const Workload>(std::move(jobs)));
}

// --- groups, users and what is defined beside them

void Cluster::put_group(const Group& group) {
    const Group* known = find_group(group.id);
    const bool same_plans = known && known->default_estimate == group.default_estimate;
    if (known && *known == group) return;
    groups_.insert_or_assign(group.id, group);
    ++members_version_;
    if (!same_plans) rebook([&](const Run& run) { return run.group == group.id; }, [] {});
}

void Cluster::drop_group(GroupId id) {
    if (groups_.erase(id) == 0) return;
    ++members_version_;
    rebook([&](const Run& run) { return run.group == id; }, [] {});
}

void Cluster::put_user(const User& user) {
    const auto known = users_.find(user.id);
    if (known != users_.end() && known->second == user) return;
    if (known != users_.end() && known->second.group != user.group) strangers_.insert({known->second.group, user.id});
    users_.insert_or_assign(user.id, user);
    ++members_version_;
}

const Group* Cluster::find_group(GroupId id) const {
    const auto it = groups_.find(id);
    return it == groups_.end() ? nullptr : &it->second;
}

void Cluster::set_windows(std::vector<Window> windows) {
    windows_ = std::move(windows);
    std::erase_if(windows_, [](const Window& w) { return w.until <= w.from; });
    std::sort(windows_.begin(), windows_.end(), [](const Window& a, const Window& b) { return a.from < b.from; });
}

void Cluster::set_concurrency_limits(const std::map<std::string, std::int32_t>& most_jobs) {
    holdings_.set_key_limits(most_jobs);
}

void Cluster::set_consumables(const Consumables& totals) {
    holdings_.set_stocks(totals);
    ++definitions_;
}

// --- executors

void Cluster::put_executor(const Executor& executor) {
    Executor sorted = executor;
    sort_features(sorted.features);
    const Executor* known = find_executor(executor.id);
    const bool same_bill = known && known->gpu_type == executor.gpu_type;
    if (hosts_.put(sorted) && !same_bill) rebook([&](const Run& run) { return run.executor == executor.id; }, [] {});
}

void Cluster::drop_executor(ExecutorId id) { hosts_.drop(id); }

const Executor* Cluster::find_executor(ExecutorId id) const {
    const Host* host = hosts_.find(id);
    return host && host->executor ? &*host->executor : nullptr;
}

std::optional<Resources> Cluster::free_of(ExecutorId id) const {
    if (!find_executor(id)) return std::nullopt;
    return hosts_.find(id)->free();
}

std::vector<JobId> Cluster::runs_of(ExecutorId id) const {
    const Host* host = hosts_.find(id);
    return host ? host->runs : std::vector<JobId>{};
}

// --- pending jobs

std::optional<std::int64_t> Cluster::plan_seconds(UserId user, std::optional<Micros> estimate,
                                                  std::optional<Micros> time_limit) const {
    if (estimate && settings_.correct_estimates) {
        const double stretched = static_cast<double>(*estimate) * estimates_.correction(user);
        estimate =
            stretched < static_cast<double>(std::int64_t{10} * 366 * day) ? static_cast<Micros>(stretched) : *estimate;
        if (time_limit) estimate = std::min(*estimate, std::max(*time_limit, Micros{1}));
    }
    return own_plan_seconds(estimate, time_limit);
}

void Cluster::put_job(const Job& job) {
    drop(job.id);
    const auto user = users_.find(job.user);
    if ((user == users_.end() || user->second.group != job.group) && strangers_.insert({job.group, job.user}).second)
        ++members_version_;
    Lane& lane = lanes_.open(lane_spec(job));
    const Pending pending{&lane,        {job.eligible_at, job.id, plan_seconds(job.user, job.estimate, job.time_limit)},
                          job.estimate, job.time_limit,
                          job.array,    job.array_throttle,
                          job.held};
    if (job.held)
        ++lane.held;
    else
        lanes_.insert(lane, pending.entry);
    jobs_.emplace(job.id, pending);
    change_counts(job.group, [&](Counts& c) {
        ++c.pending;
        c.held += job.held ? 1 : 0;
    });
}

void Cluster::plan_pending_again() {
    for (auto& [id, pending] : jobs_) {
        const auto own_plan_s = plan_seconds(pending.lane->spec.user, pending.estimate, pending.time_limit);
        if (own_plan_s == pending.entry.own_plan_s) continue;
        if (!pending.held) lanes_.erase(*pending.lane, pending.entry);
        pending.entry.own_plan_s = own_plan_s;
        if (!pending.held) lanes_.insert(*pending.lane, pending.entry);
    }
}

void Cluster::drop_job(JobId id) {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) return;
    const Pending pending = it->second;
    jobs_.erase(it);
    if (pending.held)
        --pending.lane->held;
    else
        lanes_.erase(*pending.lane, pending.entry);
    change_counts(pending.lane->spec.group, [&](Counts& c) {
        --c.pending;
        c.held -= pending.held ? 1 : 0;
    });
    lanes_.close_if_empty(*pending.lane);
}

std::optional<Job> Cluster::find_job(JobId id) const {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) return std::nullopt;
    const Pending& p = it->second;
    const LaneSpec& spec = p.lane->spec;
    return Job{id,
               spec.group,
               spec.user,
               spec.priority,
               spec.shape,
               spec.preemptible,
               spec.concurrency_key,
               p.array,
               p.array_throttle,
               p.entry.eligible_at,
               p.estimate,
               p.time_limit,
               p.held};
}

// --- runs

Cluster::Booked Cluster::book(const Run& run) const {
    auto planned_s = plan_seconds(run.user, run.estimate, run.time_limit);
    if (!planned_s) {
        const Group* group = find_group(run.group);
        planned_s = default_plan_seconds(group ? *group : Group{}, settings_);
    }
    const Micros started = run.claimed_at.value_or(run.placed_at);
    Booked booked{run, {started + *planned_s * second, run.job, run.resources, started, {}}, *planned_s, 0};
    if (run.time_limit) booked.release.killed_at = later(started, *run.time_limit);
    if (run.cancelling || run.preempting) // asked to stop: over at any moment
        booked.release.at = *(booked.release.killed_at = started);
    const Executor* executor = find_executor(run.executor);
    booked.rate = billed_rate(run.resources, executor ? executor->gpu_type : std::string_view(), settings_);
    return booked;
}

void Cluster::enter(const Booked& booked) {
    const Run& run = booked.run;
    const Member owner{run.group, run.user};
    hosts_.take(run, booked.release);
    holdings_.take(run, booked.release);
    commitments_.put(run.job, owner, booked.rate, booked.planned_s, run.claimed_at);
    if (run.claimed_at) usage_.start(owner, booked.rate, *run.claimed_at);
}

void Cluster::remove(const Booked& booked) {
    const Run& run = booked.run;
    hosts_.give_back(run, booked.release);
    holdings_.give_back(run, booked.release);
    commitments_.drop(run.job);
    if (run.claimed_at) usage_.forget({run.group, run.user}, booked.rate, *run.claimed_at);
}

// Books the runs anew that a change of settings or definitions concerns.
template <typename Concerned, typename Between> void Cluster::rebook(Concerned concerned, Between between) {
    for (const auto& [id, booked] : runs_)
        if (concerned(booked.run)) remove(booked);
    between();
    for (auto& [id, booked] : runs_) {
        if (!concerned(booked.run)) continue;
        booked = book(booked.run);
        enter(booked);
    }
}

void Cluster::put_run(const Run& run) {
    if (const auto known = runs_.find(run.job); known != runs_.end() && holds_alike(known->second.run, run)) {
        Booked& booked = known->second; // usual: it was claimed
        const Booked before = std::exchange(booked, book(run));
        const Member owner{run.group, run.user};
        hosts_.retime(run, before.release, booked.release);
        holdings_.retime(run, before.release, booked.release);
        commitments_.put(run.job, owner, booked.rate, booked.planned_s, run.claimed_at);
        if (before.run.claimed_at) usage_.forget(owner, before.rate, *before.run.claimed_at);
        if (run.claimed_at) usage_.start(owner, booked.rate, *run.claimed_at);
        count_run(before.run, false);
        count_run(run, true);
        return;
    }
    drop(run.job);
    const Booked& booked = runs_.emplace(run.job, book(run)).first->second;
    enter(booked);
    count_run(run, true);
}

void Cluster::drop_run(JobId id) {
    const auto it = runs_.find(id);
    if (it == runs_.end()) return;
    const Booked booked = std::move(it->second);
    runs_.erase(it);
    remove(booked);
    count_run(booked.run, false);
}

void Cluster::drop(JobId id) {
    drop_job(id);
    drop_run(id);
}

const Run* Cluster::find_run(JobId id) const {
    const auto it = runs_.find(id);
    return it == runs_.end() ? nullptr : &it->second.run;
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

void Cluster::charge(Member owner, double billed_core_seconds, Micros from, Micros until) {
    const double seconds = static_cast<double>(until - from) / second;
    if (seconds < 1)
        usage_.charge_at(owner, until, billed_core_seconds);
    else
        usage_.charge(owner, static_cast<BilledRate>(std::llround(billed_core_seconds / seconds * 1000)), from, until);
}

// --- counts

template <typename Change> void Cluster::change_counts(GroupId group, Change change) {
    Counts& counts = counts_[group];
    change(counts);
    if (counts == Counts{}) counts_.erase(group);
}

void Cluster::count_run(const Run& run, bool add) {
    if (run.preemptible) add ? ++preemptible_runs_ : --preemptible_runs_;
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
