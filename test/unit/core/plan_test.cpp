#include "plan_story.hpp"

using namespace rcq::core;
namespace core = rcq::core;

namespace {

TEST_F(PlanTest, an_empty_cluster_plans_nothing) {
    EXPECT_EQ(placed(), Ids{});
    EXPECT_TRUE(last.complete);
    EXPECT_TRUE(last.lanes.empty());
    EXPECT_TRUE(last.ranked.empty());
}

TEST_F(PlanTest, the_job_of_the_highest_priority_goes_first) {
    host(1, 3);
    Job a = one(1, 1), b = one(2, 1), d = one(3, 1);
    a.priority = 5, b.priority = 9, d.priority = 7;
    for (const Job& j : {a, b, d}) c.put_job(j);
    EXPECT_EQ(placed(), (Ids{2, 3, 1}));
}

TEST_F(PlanTest, the_group_priority_adds_to_the_job_priority) {
    host(1, 1);
    Group& g = group(2);
    g.priority = 8;
    c.put_group(g);
    submit(1, 1, 1);
    submit(2, 2);
    EXPECT_EQ(placed(), Ids{2});
    EXPECT_DOUBLE_EQ(last.ranked.at(0).factors.base, 10);
}

TEST_F(PlanTest, inside_a_lane_the_longest_waiting_job_goes_first_so_nobody_starves) {
    host(1, 1);
    for (JobId id = 1; id <= 5; ++id) submit(id, 1, static_cast<double>(10 - id));
    Ids order;
    for (int cycle = 0; cycle < 5; ++cycle) {
        const Ids ids = placed();
        ASSERT_EQ(ids.size(), 1U);
        order.push_back(ids[0]);
        c.drop_job(ids[0]);
        submit(100 + cycle, 1); // new ones keep coming
    }
    EXPECT_EQ(order, (Ids{1, 2, 3, 4, 5}));
}

TEST_F(PlanTest, a_burst_of_one_group_does_not_take_everything) {
    host(1, 100);
    group(1, 50);
    group(2, 50);
    for (JobId id = 1; id <= 1000; ++id) submit(id, 1, 1);
    for (JobId id = 1001; id <= 2000; ++id) submit(id, 2, 0.5);
    std::size_t first = 0;
    for (JobId id : placed()) first += id <= 1000 ? 1U : 0U;
    EXPECT_NEAR(static_cast<double>(first), 50, 3);
    EXPECT_EQ(last.placements.size(), 100U);
}

TEST_F(PlanTest, what_runs_already_counts_before_it_is_settled) {
    host(1, 100);
    group(1, 50);
    group(2, 50);
    for (JobId id = 1; id <= 60; ++id) submit(id, 1);
    placed();
    apply();
    EXPECT_EQ(c.run_count(), 60U);
    for (JobId id = 100; id < 200; ++id) submit(id, 1, 1);
    for (JobId id = 200; id < 300; ++id) submit(id, 2);
    const Ids ids = placed();
    ASSERT_EQ(ids.size(), 40U);
    for (JobId id : ids) EXPECT_GE(id, 200);
}

TEST_F(PlanTest, settled_usage_lowers_a_group_below_one_that_used_nothing) {
    host(1, 1);
    group(1, 100);
    group(2, 100);
    use(1, 200, now - day);
    submit(1, 1, 10);
    submit(2, 2);
    EXPECT_EQ(placed(), Ids{2});
    EXPECT_DOUBLE_EQ(last.ranked.at(0).factors.multiplier, 0.5);
    EXPECT_DOUBLE_EQ(last.ranked.at(0).factors.boost, 1.1);
    EXPECT_NEAR(last.ranked.at(0).factors.priority, 10 * 0.5 * 1.1, 1e-12);
}

TEST_F(PlanTest, users_of_one_group_share_it) {
    host(1, 40);
    for (JobId id = 1; id <= 1000; ++id) {
        Job j = one(id, 1, 1);
        j.user = id <= 900 ? 1 : 2; // one floods, the other does not
        c.put_job(j);
    }
    std::size_t second = 0;
    for (JobId id : placed()) second += id > 900 ? 1U : 0U;
    EXPECT_NEAR(static_cast<double>(second), 20, 1);
    settings().user_fairness = false;
    use_settings();
    second = 0;
    for (JobId id : placed()) second += id > 900 ? 1U : 0U;
    EXPECT_EQ(second, 0U);
}

TEST_F(PlanTest, a_lane_that_does_not_fit_is_skipped_and_others_go_on) {
    host(1, 4);
    submit(1, 1, 50, 3);
    submit(2, 1, 40, 3);
    submit(3, 2, 0, 1);
    EXPECT_EQ(placed(), (Ids{1, 3}));
    EXPECT_EQ(reason_of(1), Reason::resources);
    EXPECT_EQ(last.lanes.at(0).count, 1U);
    EXPECT_EQ(last.lanes.at(0).oldest_eligible_at, now - 40 * hour);
}

TEST_F(PlanTest, each_reason_for_not_fitting_is_told_apart) {
    submit(1, 1);
    placed();
    EXPECT_EQ(reason_of(1), Reason::no_executor);
    host(1, 4);
    submit(2, 2, 0, 99);
    submit(3, 3, 0, 8);
    submit(4, 4, 0, 16);
    submit(5, 5, 0, 3);
    submit(6, 5, 0, 3);
    Executor offline = host_of(2, 8);
    offline.accepting = false;
    c.put_executor(offline);
    Executor drained = host_of(3, 16);
    drained.draining = true;
    c.put_executor(drained);
    placed();
    EXPECT_EQ(reason_of(2), Reason::never_fits);
    EXPECT_EQ(reason_of(3), Reason::no_executor);
    EXPECT_EQ(reason_of(4), Reason::drained);
    EXPECT_EQ(reason_of(5), Reason::resources);
    EXPECT_EQ(state.outlooks.size(), 4U);
    host(4, 200); // a remembered reason goes with the executors it was for
    EXPECT_EQ(placed().size(), 6U);
}

TEST_F(PlanTest, a_held_job_is_not_placed_and_in_no_lane) {
    host(1, 4);
    Job j = one(1, 1, 100);
    j.held = true;
    c.put_job(j);
    EXPECT_EQ(placed(), Ids{});
    EXPECT_TRUE(last.lanes.empty());
    j.held = false;
    c.put_job(j);
    EXPECT_EQ(placed(), Ids{1});
}

TEST_F(PlanTest, a_job_is_not_placed_before_its_time) {
    host(1, 4);
    submit(1, 1, -1);
    EXPECT_EQ(placed(), Ids{});
    EXPECT_EQ(reason_of(1), Reason::begin_time);
    EXPECT_TRUE(last.ranked.empty());
    EXPECT_EQ(placed({}, now + hour), Ids{1});
}

TEST_F(PlanTest, a_run_that_is_being_cancelled_still_holds_its_capacity) {
    host(1, 1);
    submit(1, 1);
    placed();
    apply();
    core::Run r = *c.find_run(1);
    r.cancelling = true;
    c.put_run(r);
    submit(2, 1);
    EXPECT_EQ(placed(), Ids{});
    c.drop_run(1);
    EXPECT_EQ(placed(), Ids{2});
}

TEST_F(PlanTest, an_overbooked_executor_gets_nothing) {
    host(1, 8);
    submit(1, 1, 0, 8);
    placed();
    apply();
    host(1, 4);
    submit(2, 1);
    EXPECT_EQ(placed(), Ids{});
    EXPECT_EQ(reason_of(1), Reason::resources);
}

TEST_F(PlanTest, a_hard_quota_blocks_what_would_exceed_it_and_a_soft_one_does_not) {
    host(1, 100);
    Group& g = group(1, 3);
    for (JobId id = 1; id <= 5; ++id) submit(id, 1);
    EXPECT_EQ(placed().size(), 5U);
    g.hard_quota = true;
    c.put_group(g);
    EXPECT_EQ(placed(), (Ids{1, 2, 3})); // one hour each: exactly the quota
    EXPECT_EQ(reason_of(1), Reason::quota);
    EXPECT_EQ(last.lanes.at(0).count, 2U);
    apply();
    EXPECT_EQ(placed(), Ids{});
}

TEST_F(PlanTest, a_job_too_long_for_the_quota_does_not_block_the_shorter_ones_behind_it) {
    host(1, 100);
    Group& g = group(1, 3);
    g.hard_quota = true;
    c.put_group(g);
    Job longer = one(1, 1, 10);
    longer.estimate = 100 * hour;
    c.put_job(longer);
    submit(2, 1, 9);
    submit(3, 1, 8);
    EXPECT_EQ(placed(), (Ids{2, 3}));
    EXPECT_EQ(reason_of(1), Reason::quota);
    EXPECT_EQ(last.lanes.at(0).count, 1U);
    EXPECT_EQ(last.lanes.at(0).oldest_eligible_at, now - 10 * hour);
    EXPECT_EQ(last.ranked.at(0).job, 1);
}

TEST_F(PlanTest, a_group_over_its_hard_quota_gets_nothing_even_for_free) {
    host(1, 100);
    settings().bill_per_cpu_hour = 0;
    use_settings();
    Group& g = group(1, 3);
    g.hard_quota = true;
    c.put_group(g);
    submit(1, 1);
    EXPECT_EQ(placed(), Ids{1});
    use(1, 4);
    EXPECT_EQ(placed(), Ids{});
    EXPECT_EQ(reason_of(1), Reason::quota);
}

TEST_F(PlanTest, the_limit_on_running_jobs_counts_runs_and_placements) {
    host(1, 100);
    settings().max_concurrent_jobs = 3;
    use_settings();
    submit(1, 1);
    placed();
    apply();
    for (JobId id = 2; id <= 9; ++id) submit(id, 1);
    EXPECT_EQ(placed(), (Ids{2, 3}));
    EXPECT_EQ(reason_of(1), Reason::limit);
    EXPECT_TRUE(last.complete);
}

TEST_F(PlanTest, no_more_tasks_of_an_array_run_than_its_throttle_allows) {
    group(1);
    host(1, 20);
    for (JobId id = 1; id <= 6; ++id) {
        Job task = one(id, 1, 10 - static_cast<double>(id));
        task.array = 50;
        task.array_throttle = 3;
        if (id == 2) task.priority = 9; // a lane of its own: the array is one
        c.put_job(task);
    }
    submit(7, 1);
    EXPECT_EQ(placed(), (Ids{2, 1, 3, 7}));
    EXPECT_EQ(reason_of(1), Reason::array_throttle);
    apply();
    EXPECT_EQ(placed(), Ids{});
    EXPECT_EQ(reason_of(1), Reason::array_throttle);
    c.drop(1);
    EXPECT_EQ(placed(), Ids{4});
}

TEST_F(PlanTest, a_throttled_array_stands_in_nobodys_way) {
    host(1, 4);
    for (JobId id = 1; id <= 3; ++id) {
        Job task = one(id, 1, 10, 2);
        task.array = 50;
        task.array_throttle = 1;
        c.put_job(task);
    }
    submit(4, 2, 0, 2);
    EXPECT_EQ(placed(), (Ids{1, 4}));
    EXPECT_TRUE(last.reservations.empty()); // the next task waits for its throttle, not for room
}

TEST_F(PlanTest, the_budget_ends_a_plan_and_the_next_one_goes_on) {
    host(1, 100);
    for (JobId id = 1; id <= 5; ++id) submit(id, 1, static_cast<double>(10 - id));
    EXPECT_EQ(placed(most(2)), (Ids{1, 2}));
    EXPECT_FALSE(last.complete);
    EXPECT_EQ(reason_of(1), Reason::priority);
    EXPECT_EQ(last.ranked.at(0).job, 3);
    apply();
    int asked = 0;
    Budget budget;
    budget.out_of_time = [&] { return ++asked > 2; };
    EXPECT_EQ(placed(budget), Ids{3});
    EXPECT_FALSE(last.complete);
    apply();
    EXPECT_EQ(placed(), (Ids{4, 5}));
    EXPECT_TRUE(last.complete);
}

} // namespace
