#include "core/priority.hpp"
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

TEST(Priority, the_final_priority_is_the_product_of_base_multiplier_and_boost) {
    EXPECT_DOUBLE_EQ(rank(10, 1.10, 1, 2.0, 0, 1).final, 22.0);
    EXPECT_DOUBLE_EQ(rank(10, 1.10, 0.5, 2.0, 0, 1).final, 11.0);
}
TEST(Priority, equal_priorities_go_by_age_and_then_by_id) {
    EXPECT_TRUE(goes_before(rank(10, 1, 1, 2, 0, 1), rank(10, 1, 1, 1, 0, 2)));
    EXPECT_TRUE(goes_before(rank(10, 1, 1, 1, 5, 9), rank(10, 1, 1, 1, 6, 1)));
    EXPECT_TRUE(goes_before(rank(10, 1, 1, 1, 5, 1), rank(10, 1, 1, 1, 5, 9)));
    EXPECT_FALSE(goes_before(rank(10, 1, 1, 1, 5, 1), rank(10, 1, 1, 1, 5, 1)));
}

} // namespace
