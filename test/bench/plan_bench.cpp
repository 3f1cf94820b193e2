// How long one plan() takes: 1,000,000 pending jobs in 1,000 lanes, 1,000 executors that are full but for what 100
// ended runs have freed, 100 placements. Prints the median of 30. An argument sets another number of jobs.
#include "core/plan.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    using namespace rcq::core;
    const std::int64_t jobs = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
    Cluster cluster;
    for (int group = 1; group <= 100; group++) cluster.put_group({group, 5, 1000.0, false, {}});
    for (int executor = 1; executor <= 1000; executor++)
        cluster.put_executor({executor, {16, 65536, 0}, {}, true, false});
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
    PlanState state;
    Micros now = jobs + hour;
    cluster.advance(now);
    for (const Placement& placement : plan(cluster, state, now).placements) {
        const Job job = *cluster.find_job(placement.job);
        cluster.put_run({job.id, placement.executor, job.group, job.user, job.shape.need, now, now, {}, {}, false});
    }
    std::vector<double> times;
    std::size_t placed = 0;
    for (int round = 0; round < 30; round++) {
        std::vector<JobId> ended;
        for (ExecutorId executor = 1 + round; ended.size() < 100; executor += 7) {
            const std::vector<JobId> runs = cluster.runs_of(1 + executor % 1000);
            if (!runs.empty()) ended.push_back(runs.front());
            if (!runs.empty()) cluster.drop_run(runs.front());
        }
        now += minute;
        cluster.advance(now);
        Budget budget;
        budget.max_placements = 100;
        const auto begin = std::chrono::steady_clock::now();
        const Plan result = plan(cluster, state, now, budget);
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
        placed += result.placements.size();
        for (const Placement& placement : result.placements) {
            const Job job = *cluster.find_job(placement.job);
            cluster.put_run({job.id, placement.executor, job.group, job.user, job.shape.need, now, now, {}, {}, false});
        }
    }
    std::sort(times.begin(), times.end());
    std::printf("plan_1m %.3f ms\nplan_1m_placements %.1f per plan\n", times[times.size() / 2],
                static_cast<double>(placed) / 30);
}
