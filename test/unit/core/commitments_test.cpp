#include "core/commitments.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

TEST(Commitments, a_run_counts_its_whole_plan_from_placement_to_the_end_of_the_plan) {
    Commitments c;
    c.advance(0);
    c.put(1, {1, 10}, 2000, 3600, std::nullopt); // 2 cores, 1 h, not claimed
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 2);
    c.advance(10 * hour);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 2);
    c.put(1, {1, 10}, 2000, 3600, 10 * hour); // claimed
    c.advance(10 * hour + 30 * minute);
    EXPECT_DOUBLE_EQ(billed_hours(c.user(1, 10)), 2);
    c.advance(11 * hour);
    EXPECT_DOUBLE_EQ(billed_hours(c.user(1, 10)), 2);
}

TEST(Commitments, a_run_past_its_plan_counts_what_it_has_used_and_plans_nothing_more) {
    Commitments c;
    c.advance(0);
    c.put(1, {1, 10}, 2000, 3600, 0);
    c.advance(3 * hour);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 6);
    c.put(2, {1, 10}, 1000, 3600, 0); // past its plan when it is put
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 9);
    c.drop(1);
    EXPECT_DOUBLE_EQ(billed_hours(c.group(1)), 3);
    c.drop(2);
    EXPECT_EQ(c.group(1), 0);
    EXPECT_EQ(c.user(1, 10), 0);
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
            c.put(job, k.owner, k.rate, k.planned_s, k.claimed);
            known[job] = k;
        }
        for (GroupId g = 0; g < 3; ++g) {
            Billed group_sum = 0;
            for (UserId u = 0; u < 3; ++u) {
                Billed user_sum = 0;
                for (const auto& [id, k] : known) {
                    if (k.owner != Member{g, u}) continue;
                    const auto elapsed = k.claimed ? now / second - *k.claimed / second : 0;
                    user_sum += k.rate * std::max(elapsed, k.planned_s);
                }
                ASSERT_EQ(c.user(g, u), user_sum) << "step " << step;
                group_sum += user_sum;
            }
            ASSERT_EQ(c.group(g), group_sum) << "step " << step;
        }
    }
}

} // namespace
