#include "core/commitments.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

TEST(Commitments, a_run_counts_its_whole_plan_until_the_claim_and_then_what_is_left_of_it) {
    Commitments c;
    c.advance(0);
    c.put(1, {1, 10}, 2000, 3600, std::nullopt); // 2 cores, 1 h, not claimed
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 2);
    c.advance(10 * hour);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 2);
    c.put(1, {1, 10}, 2000, 3600, 10 * hour); // claimed
    c.advance(10 * hour + 30 * minute);
    EXPECT_DOUBLE_EQ(billed_hours(c.user(1, 10)), 1);
    c.advance(11 * hour - 1);
    EXPECT_EQ(c.user(1, 10), 1); // a part of a unit
    c.advance(11 * hour);
    EXPECT_EQ(c.user(1, 10), 0);
}

TEST(Commitments, a_run_past_its_plan_plans_nothing_more_but_is_still_a_run) {
    Commitments c;
    c.advance(0);
    c.put(1, {1, 10}, 2000, 3600, 0);
    c.advance(3 * hour);
    EXPECT_EQ(c.group(1), 0);
    EXPECT_TRUE(c.has_runs(1, 10));
    c.put(2, {1, 10}, 1000, 3600, 0); // past its plan when it is put
    c.put(3, {1, 10}, 1000, 3600, 3 * hour);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 1);
    c.drop(1);
    c.drop(2);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 1);
    c.drop(3);
    EXPECT_EQ(c.group(1), 0);
    EXPECT_FALSE(c.has_runs(1, 10));
}

TEST(Commitments, a_claim_to_come_is_one_not_made_yet) {
    Commitments c;
    c.advance(0);
    c.put(1, {1, 10}, 1000, 3600, hour);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 1);
    c.advance(hour + 15 * minute);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 0.75);
    c.advance(2 * hour);
    EXPECT_EQ(c.group(1), 0);
}

TEST(Commitments, with_usage_each_run_counts_once_and_the_sum_stands_still_inside_its_plan) {
    Commitments c;
    Usage u({WindowKind::rolling, 30 * day, 0});
    c.advance(0);
    u.advance(0);
    c.put(1, {1, 10}, 1234, 3600, 77);
    u.start({1, 10}, 1234, 77);
    for (Micros now = 0; now < hour + 77; now += 7'654'321) {
        c.advance(now);
        u.advance(now);
        ASSERT_EQ(c.user(1, 10) + u.user(1, 10), 1234 * 3600) << now;
    }
    c.advance(2 * hour + 77);
    u.advance(2 * hour + 77);
    EXPECT_EQ(c.user(1, 10) + u.user(1, 10), 1234 * 7200);
}

TEST(Commitments, users_with_runs_are_counted_per_group) {
    Commitments c;
    c.put(1, {1, 10}, 1, 1, std::nullopt);
    c.put(2, {1, 10}, 1, 1, std::nullopt);
    c.put(3, {1, 11}, 1, 1, std::nullopt);
    EXPECT_EQ(c.users_with_runs(1), 2U);
    c.drop(1);
    EXPECT_TRUE(c.has_runs(1, 10));
    c.drop(2);
    c.drop(2);
    EXPECT_FALSE(c.has_runs(1, 10));
    EXPECT_EQ(c.users_with_runs(1), 1U);
    c.clear();
    EXPECT_EQ(c.users_with_runs(1), 0U);
}

TEST(Commitments, kept_sums_equal_sums_made_afresh_after_any_history) {
    struct Known {
        Member owner;
        BilledRate rate;
        std::int64_t planned_s;
        std::optional<Micros> claimed;
    };
    std::mt19937 random(11);
    const auto draw = [&](std::int64_t n) { return static_cast<std::int64_t>(random()) % n; };
    Commitments c;
    std::map<JobId, Known> known;
    Micros now = 1'700'000'000 * second;
    c.advance(now);
    for (int step = 0; step < 5000; ++step) {
        now += draw(100 * second);
        c.advance(now);
        const JobId job = draw(50);
        if (draw(3) == 0) {
            c.drop(job);
            known.erase(job);
        } else {
            Known k{{static_cast<GroupId>(draw(3)), static_cast<UserId>(draw(3))}, draw(5000), 1 + draw(1000), {}};
            if (draw(4) != 0) k.claimed = now - draw(2000 * second);
            if (draw(8) == 0) k.claimed = now + draw(100 * second);
            c.put(job, k.owner, k.rate, k.planned_s, k.claimed);
            known[job] = k;
        }
        const auto afresh = [&](auto mine) {
            BilledWork sum = 0;
            for (const auto& [id, k] : known) {
                if (!mine(k.owner)) continue;
                const Micros elapsed = k.claimed ? std::max<Micros>(now - *k.claimed, 0) : 0;
                sum += static_cast<BilledWork>(k.rate) * std::max<Micros>(k.planned_s * second - elapsed, 0);
            }
            return static_cast<Billed>((sum + second - 1) / second);
        };
        for (GroupId g = 0; g < 3; ++g) {
            ASSERT_EQ(c.group(g), afresh([&](Member m) { return m.group == g; })) << "step " << step;
            for (UserId u = 0; u < 3; ++u)
                ASSERT_EQ(c.user(g, u), afresh([&](Member m) { return m == Member{g, u}; })) << "step " << step;
        }
    }
}

} // namespace
