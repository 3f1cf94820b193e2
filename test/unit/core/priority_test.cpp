#include "core/priority.hpp"
#include <cmath>
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

const Settings settings;

TEST(Priority, ninety_percent_of_the_quota_used_multiplies_by_1_11) {
    EXPECT_NEAR(fair_share_multiplier(1000, 900, settings), 1.11, 0.005);
}
TEST(Priority, a_quarter_of_the_quota_used_multiplies_by_the_cap) {
    EXPECT_DOUBLE_EQ(fair_share_multiplier(1000, 250, settings), 2.0);
}
TEST(Priority, no_usage_multiplies_by_the_cap) { EXPECT_DOUBLE_EQ(fair_share_multiplier(1000, 0, settings), 2.0); }
TEST(Priority, no_quota_multiplies_by_one) {
    EXPECT_DOUBLE_EQ(fair_share_multiplier(std::nullopt, 0, settings), 1);
    EXPECT_DOUBLE_EQ(fair_share_multiplier(std::nullopt, 1e9, settings), 1);
}
TEST(Priority, a_quota_of_zero_multiplies_by_the_floor_even_without_usage) {
    EXPECT_DOUBLE_EQ(fair_share_multiplier(0, 0, settings), 0.01);
    EXPECT_DOUBLE_EQ(fair_share_multiplier(0, 5, settings), 0.01);
}
TEST(Priority, usage_far_over_the_quota_multiplies_by_the_floor) {
    EXPECT_DOUBLE_EQ(fair_share_multiplier(1, 1e6, settings), 0.01);
}
TEST(Priority, a_larger_cap_is_used_up_to_its_value) {
    Settings s;
    s.fairshare_cap = 10;
    EXPECT_DOUBLE_EQ(fair_share_multiplier(1000, 250, s), 4.0);
    EXPECT_DOUBLE_EQ(fair_share_multiplier(1000, 10, s), 10.0);
}

TEST(Priority, ten_hours_of_waiting_boost_by_1_10) {
    EXPECT_DOUBLE_EQ(wait_time_boost(10 * hour, settings), 1.10);
    EXPECT_DOUBLE_EQ(wait_time_boost(0, settings), 1.0);
    EXPECT_DOUBLE_EQ(wait_time_boost(30 * minute, settings), 1.005);
}
TEST(Priority, a_time_to_come_boosts_by_nothing) { EXPECT_DOUBLE_EQ(wait_time_boost(-hour, settings), 1.0); }

TEST(Priority, a_user_at_or_below_an_equal_share_keeps_the_full_factor) {
    EXPECT_DOUBLE_EQ(user_factor(100, 2, 50, settings), 1);
    EXPECT_DOUBLE_EQ(user_factor(100, 2, 10, settings), 1);
    EXPECT_DOUBLE_EQ(user_factor(100, 2, 0, settings), 1);
}
TEST(Priority, a_user_above_an_equal_share_loses_down_to_one_half) {
    EXPECT_DOUBLE_EQ(user_factor(100, 2, 80, settings), 0.625);
    EXPECT_DOUBLE_EQ(user_factor(100, 4, 100, settings), 0.5);
}
TEST(Priority, the_only_active_user_keeps_the_full_factor) { EXPECT_DOUBLE_EQ(user_factor(100, 1, 100, settings), 1); }
TEST(Priority, user_fairness_can_be_switched_off) {
    Settings s;
    s.user_fairness = false;
    EXPECT_DOUBLE_EQ(user_factor(100, 4, 100, s), 1);
}

Settings with(Policy policy) {
    Settings s;
    s.policy = policy;
    return s;
}

TEST(Priority, the_final_priority_is_the_product_of_base_multiplier_and_boost) {
    const double own = own_priority(10, 0, 10 * hour, settings);
    EXPECT_DOUBLE_EQ(own, 11.0);
    EXPECT_DOUBLE_EQ(rank(own, {2.0, 1}, 0, 1, settings).final, 22.0);
    EXPECT_DOUBLE_EQ(rank(own, {2.0, 0.5}, 0, 1, settings).final, 11.0);
    const Factors f = factors(10, 0.7, 10 * hour, {2.0, 0.5}, settings);
    EXPECT_DOUBLE_EQ(f.base, 10);
    EXPECT_DOUBLE_EQ(f.multiplier, 1);
    EXPECT_DOUBLE_EQ(f.user_factor, 0.5);
    EXPECT_DOUBLE_EQ(f.boost, 1.1);
    EXPECT_DOUBLE_EQ(f.priority, 11.0);
}

TEST(Priority, the_policies_of_shares_add_weighted_factors_up) {
    for (const Policy policy : {Policy::multifactor, Policy::fairtree}) {
        Settings s = with(policy);
        s.weight_age = 1000;
        s.weight_fair_share = 2000;
        s.weight_priority = 40;
        s.weight_size = 8;
        s.max_age = 10 * hour;
        // half the age, base 10 of 20, a quarter of the cluster, fair share 0.75; the group's multiplier is none of it
        const double own = own_priority(10, 0.25, 5 * hour, s);
        EXPECT_DOUBLE_EQ(own, 500 + 20 + 2);
        EXPECT_DOUBLE_EQ(rank(own, {7, 0.75}, 0, 1, s).final, 500 + 20 + 2 + 1500);
        EXPECT_DOUBLE_EQ(own_priority(10, 0.25, 50 * hour, s), 1000 + 20 + 2);
        const Factors f = factors(10, 0.25, 5 * hour, {7, 0.75}, s);
        EXPECT_DOUBLE_EQ(f.multiplier, 0.75);
        EXPECT_DOUBLE_EQ(f.boost, 0.5);
        EXPECT_DOUBLE_EQ(f.priority, 2022);
    }
}

TEST(Priority, first_in_first_out_knows_age_alone) {
    const Settings s = with(Policy::fifo);
    const auto at = [&](double base, Micros eligible_at, JobId id) {
        return rank(own_priority(base, 1, 100 * hour - eligible_at, s), {2, 2}, eligible_at, id, s);
    };
    EXPECT_DOUBLE_EQ(at(20, 0, 1).final, 0);
    EXPECT_TRUE(goes_before(at(2, 1, 9), at(20, 2, 1)));
    EXPECT_TRUE(goes_before(at(2, 1, 1), at(20, 1, 9)));
}

TEST(Priority, equal_priorities_go_by_age_and_then_by_id) {
    const auto at = [](double own, Micros eligible_at, JobId id) { return rank(own, {}, eligible_at, id, settings); };
    EXPECT_TRUE(goes_before(at(2, 9, 9), at(1, 0, 1)));
    EXPECT_TRUE(goes_before(at(1, 5, 9), at(1, 6, 1)));
    EXPECT_TRUE(goes_before(at(1, 5, 1), at(1, 5, 9)));
    EXPECT_FALSE(goes_before(at(1, 5, 1), at(1, 5, 1)));
}

TEST(Priority, what_rounding_makes_equal_is_still_ordered_as_inside_its_owner) {
    const double a = 1, b = std::nextafter(1.0, 2.0); // b is more, though not after the multiplication
    const Rank x = rank(a, {1, 0.7}, 0, 1, settings), y = rank(b, {1, 0.7}, 1, 2, settings);
    EXPECT_GE(y.final, x.final);
    EXPECT_TRUE(goes_before(y, x));
    const Rank v = rank(a, {1e-300, 1e-10}, 0, 1, settings), u = rank(b, {1e-300, 1e-10}, 1, 2, settings);
    EXPECT_TRUE(goes_before(u, v));
}

} // namespace
