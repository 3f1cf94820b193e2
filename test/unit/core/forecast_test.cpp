#include "core/forecast.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

constexpr Micros now = 1000 * hour;

Executor executor(ExecutorId id, std::int32_t cores) {
    Executor e;
    e.id = id;
    e.capacity = {cores, 1 << 20, 0};
    return e;
}

Job job(JobId id, std::int32_t cores, Micros estimate, UserId user = 1) {
    Job j;
    j.id = id;
    j.group = 1;
    j.user = user;
    j.shape.need = {cores, 1, 0};
    j.eligible_at = now - hour + id;
    j.estimate = estimate;
    return j;
}

Run run(JobId id, ExecutorId where, std::int32_t cores, Micros estimate) {
    Run r;
    r.job = id;
    r.executor = where;
    r.group = r.user = 1;
    r.resources = {cores, 1, 0};
    r.placed_at = now;
    r.claimed_at = now;
    r.estimate = estimate;
    return r;
}

Settings fifo(Backfill backfill = Backfill::easy) {
    Settings settings;
    settings.policy = Policy::fifo;
    settings.backfill = backfill;
    settings.max_wait = 0;
    return settings;
}

Plan look(const Cluster& cluster, std::size_t placements = 0) {
    PlanState state;
    Budget budget;
    budget.max_placements = placements;
    return plan(cluster, state, now, budget);
}

std::map<JobId, Micros> starts_of(const Forecast& forecast) {
    std::map<JobId, Micros> starts;
    for (const ExpectedStart& start : forecast.starts()) starts[start.job] = start.at;
    return starts;
}

bool never_out_of_time() { return false; }

TEST(Forecast, jobs_start_in_rank_order_as_runs_and_those_before_them_end) {
    Cluster cluster(fifo());
    cluster.put_executor(executor(1, 4));
    cluster.put_run(run(100, 1, 4, hour));
    cluster.put_job(job(1, 4, 2 * hour));
    cluster.put_job(job(2, 2, hour));
    cluster.put_job(job(3, 2, hour));
    cluster.put_job(job(4, 4, hour));
    cluster.advance(now);
    Forecast forecast(cluster, look(cluster).ranked, now);
    EXPECT_TRUE(forecast.go_on(never_out_of_time));
    const std::map<JobId, Micros> expected{
        {1, now + hour}, {2, now + 3 * hour}, {3, now + 3 * hour}, {4, now + 4 * hour}};
    EXPECT_EQ(starts_of(forecast), expected);
    EXPECT_EQ(forecast.made_at(), now);
}

TEST(Forecast, can_be_made_in_parts_while_the_cluster_goes_on_changing) {
    Cluster cluster(fifo());
    cluster.put_executor(executor(1, 4));
    cluster.put_run(run(100, 1, 4, hour));
    for (JobId id = 1; id <= 20; ++id) cluster.put_job(job(id, 1 + static_cast<std::int32_t>(id) % 4, hour));
    cluster.advance(now);
    const Plan seen = look(cluster);
    Forecast whole(cluster, seen.ranked, now);
    EXPECT_TRUE(whole.go_on(never_out_of_time));
    Forecast parts(cluster, seen.ranked, now);
    int slices = 0;
    for (bool done = false; !done; ++slices) {
        int jobs = 0;
        done = parts.go_on([&] { return jobs++ == 3; });
        cluster.drop_run(100);
        cluster.drop_job(slices + 1);
        cluster.drop_executor(1);
    }
    EXPECT_EQ(slices, 7);
    EXPECT_EQ(starts_of(parts), starts_of(whole));
}

TEST(Forecast, who_waits_for_something_else_than_resources_has_no_start) {
    Settings settings = fifo();
    settings.max_jobs_per_user = 1;
    Cluster cluster(settings);
    cluster.put_executor(executor(1, 4));
    cluster.put_run(run(100, 1, 1, hour));
    cluster.put_job(job(1, 1, hour));    // the user's limit
    cluster.put_job(job(2, 8, hour, 2)); // never fits
    cluster.put_job(job(3, 4, hour, 3)); // waits for the run
    cluster.advance(now);
    Forecast forecast(cluster, look(cluster, SIZE_MAX).ranked, now);
    EXPECT_TRUE(forecast.go_on(never_out_of_time));
    EXPECT_EQ(starts_of(forecast), (std::map<JobId, Micros>{{3, now + hour}}));
}

TEST(Forecast, keeps_out_of_maintenance_windows_and_of_consumables_in_use) {
    Cluster cluster(fifo());
    cluster.put_executor(executor(1, 4));
    cluster.set_windows({{1, {}, {}, now + hour, now + 3 * hour}});
    cluster.set_consumables({{"licence", 1}});
    cluster.put_job(job(1, 1, 2 * hour));
    Job licensed = job(2, 1, 10 * minute);
    licensed.shape.consumables = {{"licence", 1}};
    cluster.put_job(licensed);
    licensed.id = 3;
    licensed.eligible_at += 1;
    cluster.put_job(licensed);
    cluster.advance(now);
    Forecast forecast(cluster, look(cluster).ranked, now);
    EXPECT_TRUE(forecast.go_on(never_out_of_time));
    EXPECT_EQ(starts_of(forecast), (std::map<JobId, Micros>{{1, now + 3 * hour}, {2, now}, {3, now + 10 * minute}}));
}

TEST(Forecast, lanes_have_the_pace_of_their_jobs_that_were_reached) {
    Cluster cluster(fifo());
    cluster.put_executor(executor(1, 1));
    for (JobId id = 1; id <= 10; ++id) cluster.put_job(job(id, 1, hour));
    cluster.advance(now);
    Plan seen = look(cluster);
    seen.ranked.resize(4);
    Forecast forecast(cluster, seen.ranked, now);
    EXPECT_TRUE(forecast.go_on(never_out_of_time));
    ASSERT_EQ(forecast.paces().size(), 1U);
    const LanePace& pace = forecast.paces().begin()->second;
    EXPECT_EQ(forecast.paces().begin()->first, seen.lanes[0].lane_key);
    EXPECT_EQ(pace.jobs, 4U);
    EXPECT_EQ(pace.last_start, now + 3 * hour);
}

// Conservative backfill promises every job the earliest start that those before it leave, and that is what a forecast
// is. With several executors the two may differ: what starts now goes to the fittest hole, what starts later to the
// executor that would be fittest if it were empty.
TEST(Forecast, agrees_with_the_promises_of_conservative_backfill) {
    std::size_t compared = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 random(seed);
        const auto draw = [&](int least, int most) { return std::uniform_int_distribution(least, most)(random); };
        Cluster cluster(fifo(Backfill::conservative));
        cluster.put_executor(executor(1, draw(2, 8)));
        for (JobId id = 100; id < 100 + draw(0, 8); ++id) {
            const std::int32_t free = cluster.free_of(1)->cpu_cores;
            if (free > 0) cluster.put_run(run(id, 1, draw(1, free), draw(1, 9) * hour));
        }
        for (JobId id = 1; id <= 12; ++id) cluster.put_job(job(id, draw(1, 6), draw(1, 9) * hour));
        cluster.advance(now);
        Forecast forecast(cluster, look(cluster).ranked, now);
        ASSERT_TRUE(forecast.go_on(never_out_of_time));
        const std::map<JobId, Micros> starts = starts_of(forecast);
        const Plan decided = look(cluster, SIZE_MAX);
        for (const Placement& placement : decided.placements) EXPECT_EQ(starts.at(placement.job), now) << seed;
        for (const Reservation& reservation : decided.reservations)
            EXPECT_EQ(starts.at(reservation.job), reservation.start) << seed;
        compared += decided.reservations.size();
    }
    EXPECT_GT(compared, 200U);
}

} // namespace
