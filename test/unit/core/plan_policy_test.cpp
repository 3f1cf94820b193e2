#include "plan_story.hpp"
#include <cmath>

using namespace rcq::core;

namespace {

class PolicyTest : public PlanTest {
protected:
    enum : GroupId { A = 1, B, C, D, E, F, outside };

    void account(GroupId id, GroupId parent, double shares) {
        Group g;
        g.id = id;
        g.parent = parent;
        g.shares = shares;
        c.put_group(g);
    }
    void member(UserId id, GroupId group_id, double part_used, double waited_h) {
        User u;
        u.id = id;
        u.group = group_id;
        c.put_user(u);
        if (part_used > 0) c.charge({group_id, id}, part_used * 3.6e6, now - hour, now);
        Job j = one(id, group_id, waited_h);
        j.user = id;
        c.put_job(j);
    }
    // "Multifactor Priority Plugin", Slurm documentation: who has which shares, and has used which part of the machine.
    void five_users() {
        account(A, 0, 40), account(D, 0, 60), account(B, A, 30), account(C, A, 10), account(E, D, 25),
            account(F, D, 35);
        member(1, B, 0.2, 1);
        member(2, C, 0.25, 2);
        member(3, C, 0, 3);
        member(4, E, 0.25, 4);
        member(5, F, 0, 5);
        c.charge({outside, 99}, 0.3 * 3.6e6, now - hour, now); // the rest
        settings().weight_age = settings().weight_priority = 0;
        settings().max_wait = 0;
        settings().user_fairness = false;
    }
    Ids order(Policy policy) {
        settings().policy = policy;
        use_settings();
        placed();
        Ids ids;
        for (const RankedJob& r : last.ranked) ids.push_back(r.job);
        return ids;
    }
    double factor_of(JobId id) const {
        for (const RankedJob& r : last.ranked)
            if (r.job == id) return r.factors.multiplier;
        return -1;
    }
};

TEST_F(PolicyTest, the_five_users_of_the_slurm_documentation_stand_as_printed_there) {
    five_users();
    EXPECT_EQ(order(Policy::multifactor), (Ids{5, 4, 1, 3, 2}));
    EXPECT_NEAR(factor_of(1), 0.408479, 5e-7);
    EXPECT_NEAR(factor_of(2), 0.022097, 5e-7);
    EXPECT_NEAR(factor_of(3), 0.125000, 5e-7);
    EXPECT_NEAR(factor_of(4), 0.500000, 5e-7);
    EXPECT_NEAR(factor_of(5), 0.749154, 5e-7);
    // D stands better than A, F than E, B than C, user 3 than 2
    EXPECT_EQ(order(Policy::fairtree), (Ids{5, 4, 1, 3, 2}));
    EXPECT_DOUBLE_EQ(factor_of(5), 1);
    EXPECT_DOUBLE_EQ(factor_of(1), 0.6);
    EXPECT_DOUBLE_EQ(factor_of(2), 0.2);
}

TEST_F(PolicyTest, the_ranking_is_the_order_of_starts) {
    for (const Policy policy : {Policy::multifactor, Policy::fairtree}) {
        c.drop_executor(1);
        five_users();
        settings().count_planned = false;
        const Ids ranked = order(policy);
        host(1, 5);
        EXPECT_EQ(placed(), ranked);
    }
}

TEST_F(PolicyTest, a_policy_switched_at_run_time_takes_effect_at_the_next_plan) {
    five_users();
    const Ids by_age{5, 4, 3, 2, 1}, by_shares{5, 4, 1, 3, 2};
    EXPECT_EQ(order(Policy::fifo), by_age);
    EXPECT_EQ(order(Policy::multifactor), by_shares);
    Group g;
    g.id = B;
    g.quota_cpu_hours = 1e6;
    c.put_group(g); // the only one with a quota, hardly used
    EXPECT_EQ(order(Policy::quota), (Ids{1, 5, 4, 3, 2}));
    account(B, A, 30);
    EXPECT_EQ(order(Policy::fairtree), by_shares);
    EXPECT_EQ(order(Policy::fifo), by_age);
}

TEST_F(PolicyTest, what_a_plan_places_counts_for_the_shares_of_the_next_job) {
    host(1, 40);
    settings().policy = Policy::multifactor;
    settings().weight_age = 0;
    use_settings();
    account(A, 0, 3);
    account(B, 0, 1);
    for (JobId id = 1; id <= 100; ++id) {
        submit(id, A, 0);
        submit(1000 + id, B, 1);
    }
    std::size_t of_a = 0;
    for (const JobId id : placed()) of_a += id < 1000 ? 1U : 0U;
    EXPECT_NEAR(static_cast<double>(of_a), 30, 1);
}

TEST_F(PolicyTest, a_user_who_moves_to_another_group_keeps_waiting_jobs_in_the_old_one) {
    User u;
    u.id = 100;
    u.group = A;
    c.put_user(u);
    submit(1, A);
    u.group = B;
    c.put_user(u);
    for (const Policy policy : {Policy::multifactor, Policy::fairtree}) EXPECT_EQ(order(policy), Ids{1});
}

TEST_F(PolicyTest, groups_in_a_circle_zero_shares_and_zero_quotas_harm_nobody) {
    for (const Policy policy : {Policy::quota, Policy::multifactor, Policy::fairtree, Policy::fifo}) {
        settings().policy = policy;
        settings().fairshare_damping = 1e-9;
        use_settings();
        host(1, 3);
        account(A, B, 1), account(B, C, 0), account(C, A, 1), account(D, D, 0);
        for (JobId id = 1; id <= 4; ++id) submit(id, static_cast<GroupId>(id), static_cast<double>(id));
        Group zero;
        zero.id = E;
        zero.quota_cpu_hours = 0;
        c.put_group(zero);
        submit(5, E, 0.5);
        EXPECT_EQ(placed().size(), 3U);
        EXPECT_EQ(last.ranked.size(), 2U);
        for (const RankedJob& r : last.ranked) EXPECT_TRUE(std::isfinite(r.factors.priority));
        zero.hard_quota = true;
        c.put_group(zero);
        host(1, 9);
        EXPECT_EQ(placed().size(), 4U); // a hard quota of nothing is nothing
    }
}

TEST_F(PolicyTest, absurd_values_are_planned_like_others) {
    settings().backfill = Backfill::conservative;
    settings().max_wait = 1;
    use_settings();
    Executor huge = host_of(1, 1);
    huge.capacity = {INT32_MAX, INT32_MAX, 1'000'000'000};
    c.put_executor(huge);
    Executor nothing = host_of(2, 0);
    nothing.capacity = {};
    c.put_executor(nothing);
    Job all = one(1, 1);
    all.shape.need = {INT32_MAX, INT32_MAX, 1'000'000'000};
    all.estimate = 10LL * 365 * day;
    c.put_job(all);
    Job ancient = one(2, 2);
    ancient.eligible_at = -200'000'000'000'000'000; // some thousand years ago
    ancient.shape.need.cpu_cores = INT32_MAX;
    ancient.estimate = INT64_MAX; // longer than any plan can be
    c.put_job(ancient);
    submit(3, 3, 0, INT32_MAX);
    EXPECT_EQ(placed(), Ids{2});
    ASSERT_EQ(last.reservations.size(), 0U); // nothing fits any more that a promise could hold back
    c.drop_job(2);
    EXPECT_EQ(placed(), Ids{1});
    apply(now);
    EXPECT_EQ(c.free_of(1), Resources{});
    EXPECT_EQ(placed({}, now + 9LL * 365 * day), Ids{});
    c.drop_run(1);
    EXPECT_EQ(c.free_of(1), huge.capacity);
}

} // namespace
