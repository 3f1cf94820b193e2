#include "core/usage.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

TEST(Usage, charges_add_up_per_group_and_per_user) {
    Usage u(30 * day);
    u.advance(0);
    u.charge(1, 10, 0, 3600);
    u.charge(1, 11, 0, 7200);
    u.charge(2, 10, 0, 1800);
    EXPECT_DOUBLE_EQ(u.group_hours(1), 3);
    EXPECT_DOUBLE_EQ(u.user_hours(1, 10), 1);
    EXPECT_DOUBLE_EQ(u.user_hours(1, 11), 2);
    EXPECT_DOUBLE_EQ(u.group_hours(2), 0.5);
    EXPECT_DOUBLE_EQ(u.user_hours(2, 11), 0);
    EXPECT_DOUBLE_EQ(u.group_hours(3), 0);
}

TEST(Usage, a_charge_leaves_the_window_with_its_bucket) {
    Usage u(day, hour);
    u.advance(0);
    u.charge(1, 1, 30 * minute, 3600);
    u.advance(day + hour - 1);
    EXPECT_DOUBLE_EQ(u.group_hours(1), 1);
    u.advance(day + hour);
    EXPECT_EQ(u.group(1), 0);
    EXPECT_EQ(u.user(1, 1), 0);
}

TEST(Usage, time_never_goes_backwards) {
    Usage u(day, hour);
    u.advance(10 * day);
    u.charge(1, 1, 10 * day, 3600);
    u.advance(0);
    u.charge(1, 1, day, 3600); // as old as it was before
    EXPECT_DOUBLE_EQ(u.group_hours(1), 1);
}

TEST(Usage, a_charge_older_than_the_window_is_forgotten_at_once) {
    Usage u(day, hour);
    u.advance(3 * day);
    u.charge(1, 1, day, 3600);
    EXPECT_EQ(u.group(1), 0);
}

TEST(Usage, a_charge_before_the_epoch_falls_into_its_own_bucket) {
    Usage u(day, hour);
    u.advance(-10 * day);
    u.charge(1, 1, -10 * day - 1, 3600);
    u.advance(-9 * day - 1);
    EXPECT_DOUBLE_EQ(u.group_hours(1), 1);
    u.advance(-9 * day);
    EXPECT_EQ(u.group(1), 0);
}

TEST(Usage, a_shorter_window_forgets_at_once) {
    Usage u(30 * day);
    u.advance(0);
    u.charge(1, 1, 0, 3600);
    u.advance(10 * day);
    EXPECT_DOUBLE_EQ(u.group_hours(1), 1);
    u.set_window(5 * day);
    EXPECT_EQ(u.group(1), 0);
}

TEST(Usage, nothing_is_left_of_a_thousand_odd_charges_after_the_window) {
    std::mt19937 random(7);
    Usage u(day);
    for (int i = 0; i < 1000; ++i) {
        u.advance(i * minute);
        u.charge(1, static_cast<UserId>(random() % 5), i * minute, 0.1 * static_cast<double>(random() % 100'000));
    }
    EXPECT_GT(u.group(1), 0);
    u.advance(3 * day);
    EXPECT_EQ(u.group(1), 0);
    for (UserId user = 0; user < 5; ++user) EXPECT_EQ(u.user(1, user), 0);
}

} // namespace
