#include "replay.hpp"

#include "core/plan.hpp"
#include "duration.hpp"
#include "figures.hpp"
#include "settings.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <queue>
#include <stdexcept>

namespace rcq::sim {
namespace {

using core::JobId;
using core::Micros;
using Stopwatch = std::chrono::steady_clock;

constexpr core::ExecutorId machine = 1;
constexpr std::size_t jobs_per_progress = 512;

double seconds_since(Stopwatch::time_point begin) {
    return std::chrono::duration<double>(Stopwatch::now() - begin).count();
}

class Replayer {
public:
    Replayer(const Trace& trace, const ReplayOptions& options, const Progress& progress)
        : trace_(trace), options_(options), progress_(progress), cluster_(core_settings(options)) {
        budget_.report = false;
        result_.starts.resize(trace.jobs.size());
        add_machine();
        add_owners();
    }

    Replay run() {
        const auto begin = Stopwatch::now();
        while (submitted_ < trace_.jobs.size() || !ends_.empty()) {
            const Micros now = next_event();
            end_jobs(now);
            submit_jobs(now);
            schedule(now);
        }
        if (cluster_.pending_count() != 0)
            throw std::logic_error(std::to_string(cluster_.pending_count()) + " jobs were never placed");
        result_.seconds = seconds_since(begin);
        sum_up_cycles();
        return std::move(result_);
    }

private:
    struct End {
        Micros at;
        std::size_t job; // index into the trace
        bool operator>(const End& other) const { return std::tie(at, job) > std::tie(other.at, other.job); }
    };

    // Ids follow the order of the trace, which is how the core breaks ties.
    static JobId id_of(std::size_t job) { return static_cast<JobId>(job) + 1; }
    static std::size_t index_of(JobId id) { return static_cast<std::size_t>(id) - 1; }

    // First come, first served asks nobody who he is, and fewer lanes are faster.
    bool one_owner() const { return options_.policy == Policy::fifo; }
    core::GroupId owner_of(std::int32_t user) const { return one_owner() ? 1 : user + 1; }

    // An executor without free memory takes nothing, so there is some that no job asks for.
    void add_machine() {
        core::Executor executor;
        executor.id = machine;
        executor.capacity = {trace_.processors, 1, 0};
        cluster_.put_executor(executor);
    }

    // Every user is a group; the quotas are all of the machine for a month of 730 hours, in equal parts.
    void add_owners() {
        if (one_owner()) return;
        for (std::int32_t user = 0; user < trace_.users; ++user) {
            core::Group group;
            group.id = owner_of(user);
            group.quota_cpu_hours = trace_.processors * 730.0 / trace_.users;
            cluster_.put_group(group);
            core::User owner;
            owner.id = owner.group = group.id;
            cluster_.put_user(owner);
        }
    }

    Micros next_event() const {
        if (submitted_ == trace_.jobs.size()) return ends_.top().at;
        const Micros arrival = trace_.jobs[submitted_].submit;
        return ends_.empty() ? arrival : std::min(arrival, ends_.top().at);
    }

    void end_jobs(Micros now) {
        for (; !ends_.empty() && ends_.top().at == now; ends_.pop()) {
            const std::size_t index = ends_.top().job;
            const TraceJob& job = trace_.jobs[index];
            cluster_.drop_run(id_of(index));
            const core::GroupId owner = owner_of(job.user);
            cluster_.charge({owner, owner}, job.processors * in_seconds(job.run), now - job.run, now);
            run_times_.record(job.user, job.run);
            if (++ended_ % jobs_per_progress == 0 && progress_) progress_(ended_, trace_.jobs.size());
        }
    }

    void submit_jobs(Micros now) {
        for (; submitted_ < trace_.jobs.size() && trace_.jobs[submitted_].submit == now; ++submitted_) {
            const TraceJob& job = trace_.jobs[submitted_];
            core::Job pending;
            pending.id = id_of(submitted_);
            pending.group = owner_of(job.user);
            pending.user = pending.group;
            pending.shape.need.cpu_cores = job.processors;
            pending.eligible_at = now;
            pending.estimate = job.requested;
            if (options_.predict == Predict::last2)
                pending.estimate = std::min(job.requested, run_times_.predict(job.user).value_or(job.requested));
            pending.time_limit = job.requested;
            cluster_.put_job(pending);
        }
    }

    void schedule(Micros now) {
        if (cluster_.pending_count() == 0) return;
        const auto begin = Stopwatch::now();
        cluster_.advance(now);
        const core::Plan plan = core::plan(cluster_, state_, now, budget_);
        cycle_us_.push_back(static_cast<float>(seconds_since(begin) * 1e6));
        for (const core::Placement& placement : plan.placements) start(placement, now);
    }

    void start(const core::Placement& placement, Micros now) {
        const auto job = cluster_.find_job(placement.job);
        if (!job || placement.executor != machine) throw std::logic_error("a placement of no pending job");
        core::Run run;
        run.job = job->id;
        run.executor = machine;
        run.group = job->group;
        run.user = job->user;
        run.resources = placement.granted;
        run.placed_at = now;
        run.claimed_at = now;
        run.estimate = job->estimate;
        run.time_limit = job->time_limit;
        cluster_.put_run(run);
        if (cluster_.free_of(machine)->cpu_cores < 0) throw std::logic_error("more placed than the machine has");
        const std::size_t index = index_of(placement.job);
        result_.starts[index] = now;
        ends_.push({now + trace_.jobs[index].run, index});
    }

    void sum_up_cycles() {
        CycleTimes& cycles = result_.cycles;
        cycles.count = cycle_us_.size();
        cycles.mean_us = std::accumulate(cycle_us_.begin(), cycle_us_.end(), 0.0) / static_cast<double>(cycles.count);
        std::sort(cycle_us_.begin(), cycle_us_.end());
        cycles.p99_us = nearest_rank(cycle_us_, 0.99);
        cycles.max_us = cycle_us_.back();
    }

    const Trace& trace_;
    const ReplayOptions& options_;
    const Progress& progress_;
    core::Cluster cluster_;
    core::PlanState state_;
    core::Budget budget_;
    core::RunTimes run_times_;
    std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
    std::size_t submitted_ = 0;
    std::size_t ended_ = 0;
    std::vector<float> cycle_us_;
    Replay result_;
};

} // namespace

Replay replay(const Trace& trace, const ReplayOptions& options, const Progress& progress) {
    return Replayer(trace, options, progress).run();
}

} // namespace rcq::sim
