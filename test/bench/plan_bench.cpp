// How long one plan() takes: pending jobs in 1,000 lanes, executors that are full but for what 100 ended runs have
// freed, 100 placements; policy quota, EASY backfill. Prints the median of 30 plans with 1,000 executors, with a
// million jobs and with a hundred thousand, how long the million take to load, and the time of a forecast of 10,000
// starts. Then how much longer a plan takes when a million jobs whose time has not come wait in the same lanes as a
// hundred thousand others.
// --quick leaves out what takes seconds. --1m-10k and --10m-10k: instead, a million or ten million jobs pending and
// 10,000 executors, and the memory that they take. Each line is `name value unit`.
#include "core/forecast.hpp"
#include "core/plan.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/resource.h>

namespace {

using namespace rcq::core;
using Stopwatch = std::chrono::steady_clock;

double ms_since(Stopwatch::time_point begin) {
    return std::chrono::duration<double, std::milli>(Stopwatch::now() - begin).count();
}

void fill(Cluster& cluster, std::int64_t jobs, int executors = 1000) {
    for (int id = 1; id <= 100; id++) {
        Group group;
        group.id = id;
        group.quota_cpu_hours = 1000.0;
        cluster.put_group(group);
    }
    for (int id = 1; id <= executors; id++) {
        Executor executor;
        executor.id = id;
        executor.capacity = {16, 65536, 0};
        cluster.put_executor(executor);
    }
    for (std::int64_t id = 1; id <= jobs; id++) {
        const int lane = static_cast<int>(id % 1000);
        Job job;
        job.id = id;
        job.group = 1 + lane % 100;
        job.user = 1 + lane;
        job.shape.need = {1 + lane % 4, 1024, 0};
        job.eligible_at = id;
        cluster.put_job(job);
    }
}

// Jobs of the same lanes, whose time comes long after every plan.
void delay(Cluster& cluster, std::int64_t jobs) {
    constexpr std::int64_t first_id = 10'000'000;
    for (std::int64_t i = 1; i <= jobs; i++) {
        Job job = *cluster.find_job(1 + i % 1000);
        job.id = first_id + i;
        job.eligible_at = 365 * day + i;
        cluster.put_job(job);
    }
}

void start(Cluster& cluster, const std::vector<Placement>& placements, Micros now) {
    for (const Placement& placement : placements) {
        const Job job = *cluster.find_job(placement.job);
        Run run;
        run.job = job.id;
        run.executor = placement.executor;
        run.group = job.group;
        run.user = job.user;
        run.resources = placement.granted;
        run.placed_at = now;
        run.claimed_at = now;
        cluster.put_run(run);
    }
}

// A cluster that goes on from plan to plan.
struct Going {
    Cluster cluster;
    PlanState state;
    Micros now = 1'000'000 + hour;
    std::vector<double> times; // of plans, in ms
    double placed = 0;
    std::size_t running = 0;
    int executors = 1000;

    // Fills the executors.
    void begin() {
        cluster.advance(now);
        for (;;) {
            const Plan result = plan(cluster, state, now);
            if (result.placements.empty()) break;
            start(cluster, result.placements, now);
            running += result.placements.size();
        }
    }

    // A hundred runs end, and a plan uses what they leave.
    void go_on(int round) {
        std::size_t ended = 0;
        for (ExecutorId executor = 1 + round; ended < 100; executor += 7) {
            const std::vector<JobId> runs = cluster.runs_of(1 + executor % executors);
            if (runs.empty()) continue;
            cluster.drop_run(runs.front());
            ++ended;
        }
        now += minute;
        cluster.advance(now);
        Budget budget;
        budget.max_placements = 100;
        const auto begin = Stopwatch::now();
        const Plan result = plan(cluster, state, now, budget);
        times.push_back(ms_since(begin));
        placed += static_cast<double>(result.placements.size());
        start(cluster, result.placements, now);
    }

    double median() {
        std::sort(times.begin(), times.end());
        return times[times.size() / 2];
    }
};

constexpr int rounds = 30;

// Turn by turn, so that both see the same machine.
double ratio_with_delayed_jobs() {
    Going without, with;
    fill(without.cluster, 100'000);
    fill(with.cluster, 100'000);
    delay(with.cluster, 1'000'000);
    for (Going* going : {&without, &with}) going->begin();
    for (int round = 0; round < rounds; round++)
        for (Going* going : {&without, &with}) going->go_on(round);
    return with.median() / without.median();
}

double memory_mib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

void large(std::int64_t jobs, const char* name) {
    const double before = memory_mib();
    Going going;
    going.executors = 10'000;
    const auto loading = Stopwatch::now();
    fill(going.cluster, jobs, going.executors);
    const double load = ms_since(loading);
    going.begin();
    for (int round = 0; round < rounds; round++) going.go_on(round);
    std::printf("plan_%s_10k %.3f ms\nplan_%s_10k_running %zu jobs\nload_%s_10k %.0f ms\nmemory_%s_10k %.0f MiB\n",
                name, going.median(), name, going.running, name, load, name, memory_mib() - before);
}

void million(bool quick) {
    double of_fewer = 0;
    for (const std::int64_t jobs : {100'000, 1'000'000}) {
        Going going;
        const auto begin = Stopwatch::now();
        fill(going.cluster, jobs);
        const double load = ms_since(begin);
        going.begin();
        for (int round = 0; round < rounds; round++) going.go_on(round);
        const double each = going.median();
        if (of_fewer == 0) {
            of_fewer = each;
            continue;
        }
        std::printf("plan_1m %.3f ms\nplan_1m_placements %.1f per plan\nplan_growth %.2f ratio\nload_1m %.0f ms\n",
                    each, going.placed / rounds, each / of_fewer, load);
        if (quick) return;
        Budget budget;
        budget.max_ranked = 10'000;
        budget.max_placements = 0;
        const auto ranking = Stopwatch::now();
        const Plan ranked = plan(going.cluster, going.state, going.now, budget);
        std::printf("rank_10k %.2f ms\n", ms_since(ranking));
        const auto forecasting = Stopwatch::now();
        Forecast forecast(going.cluster, ranked.ranked, going.now);
        forecast.go_on([] { return false; });
        std::printf("forecast_10k %.1f ms\n", ms_since(forecasting));
    }
}

} // namespace

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "";
    if (std::strcmp(what, "--1m-10k") == 0) {
        large(1'000'000, "1m");
    } else if (std::strcmp(what, "--10m-10k") == 0) {
        large(10'000'000, "10m");
    } else {
        const bool quick = std::strcmp(what, "--quick") == 0;
        million(quick);
        if (!quick) std::printf("plan_delayed_1m %.2f ratio\n", ratio_with_delayed_jobs());
    }
    return 0;
}
