// A group that submits more than the machine can do in a week does not keep one that submits a little from its share.
#include "runs.hpp"
#include <gtest/gtest.h>
#include <queue>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

constexpr GroupId flooding = 1, steady = 2;

// 100 cores, jobs of one core and one hour that end when they said. Event by event: something arrives or ends, and a
// plan follows.
class Burst {
public:
    Burst() : cluster(settings()) {
        Executor e;
        e.id = 1;
        e.capacity = {100, 1'000'000, 0};
        cluster.put_executor(e);
        for (const GroupId id : {flooding, steady}) {
            Group g;
            g.id = id;
            g.quota_cpu_hours = 1000; // a group without a past goes before one that has used more than a tenth of it
            cluster.put_group(g);
        }
    }

    void run(Micros until) {
        for (int i = 0; i < 20'000; ++i) submit(flooding, 0);
        Micros next_arrival = 0;
        while (true) {
            const Micros next_end = ends.empty() ? INT64_MAX : ends.top().first;
            const Micros now = std::min(next_arrival, next_end);
            if (now >= until) break;
            busy_core_time += static_cast<Micros>(cluster.run_count()) * (now - last);
            last = now;
            for (; !ends.empty() && ends.top().first == now; ends.pop()) end(ends.top().second, now);
            if (now == next_arrival) {
                submit(steady, now);
                next_arrival += hour / 10;
            }
            cluster.advance(now);
            start(now);
        }
    }

    Micros busy_core_time = 0;
    Micros last = 0;
    Micros steady_waited = 0, longest_wait = 0;
    std::size_t steady_started = 0, flooding_started = 0;
    Cluster cluster;

private:
    static Settings settings() {
        Settings s;
        s.policy = Policy::quota;
        s.fairshare_cap = 10;
        s.guard_scope = GuardScope::group;
        s.count_planned = true;
        s.backfill = Backfill::easy;
        return s;
    }

    void submit(GroupId group, Micros now) {
        Job j;
        j.id = next_id++;
        j.group = group;
        j.user = group * 10;
        j.shape.need = {1, 1024, 0};
        j.eligible_at = now;
        j.estimate = hour;
        cluster.put_job(j);
    }

    void start(Micros now) {
        Budget budget;
        budget.report = false;
        for (const Placement& p : plan(cluster, state, now, budget).placements) {
            const Job j = *cluster.find_job(p.job);
            cluster.put_run(run_of(j, p, now, now));
            ends.emplace(now + hour, j.id);
            if (j.group == flooding) {
                ++flooding_started;
                continue;
            }
            ++steady_started;
            steady_waited += now - j.eligible_at;
            longest_wait = std::max(longest_wait, now - j.eligible_at);
        }
    }

    void end(JobId id, Micros now) {
        const core::Run r = *cluster.find_run(id);
        cluster.drop_run(id);
        cluster.charge({r.group, r.user}, 3600, now - hour, now);
    }

    PlanState state;
    JobId next_id = 1;
    using End = std::pair<Micros, JobId>;
    std::priority_queue<End, std::vector<End>, std::greater<>> ends;
};

TEST(Burst, twenty_thousand_jobs_of_one_group_do_not_keep_another_from_its_share) {
    Burst burst;
    burst.run(7 * day);
    EXPECT_GT(burst.steady_started, 7U * 24 * 10 - 30);
    const double mean = static_cast<double>(burst.steady_waited) / static_cast<double>(burst.steady_started);
    EXPECT_LT(mean, static_cast<double>(2 * hour));
    EXPECT_LT(burst.longest_wait, 4 * hour);
    // and the other one's work goes on
    EXPECT_GT(burst.cluster.counts(flooding).pending, 0U);
    EXPECT_GT(static_cast<double>(burst.busy_core_time) / static_cast<double>(burst.last), 95.0);
    EXPECT_GT(burst.flooding_started, 7U * 24 * 85);
}

} // namespace
