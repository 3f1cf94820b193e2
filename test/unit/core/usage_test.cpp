#include "core/usage.hpp"
#include <gtest/gtest.h>
#include <limits>
#include <numbers>

using namespace rcq::core;

namespace {

constexpr UsageWindow rolling(Micros length) { return {WindowKind::rolling, length, 0}; }
constexpr UsageWindow half_life(Micros length) { return {WindowKind::half_life, length, 0}; }
constexpr UsageWindow month_since_1970{WindowKind::month, 0, 0};
constexpr Member alice{1, 10}, bob{1, 11}, carol{2, 10};

double group_hours(const Usage& u, GroupId group) { return billed_hours(u.group(group)); }
double user_hours(const Usage& u, Member m) { return billed_hours(u.user(m.group, m.user)); }

TEST(Usage, charges_add_up_per_group_per_user_and_in_total) {
    Usage u(rolling(30 * day));
    u.advance(10 * hour);
    u.charge(alice, 1000, 9 * hour, 10 * hour);
    u.charge(bob, 500, 0, 4 * hour);
    u.charge_at(carol, 10 * hour, 1800);
    EXPECT_DOUBLE_EQ(group_hours(u, 1), 3);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 1);
    EXPECT_DOUBLE_EQ(user_hours(u, bob), 2);
    EXPECT_DOUBLE_EQ(group_hours(u, 2), 0.5);
    EXPECT_DOUBLE_EQ(user_hours(u, {2, 11}), 0);
    EXPECT_DOUBLE_EQ(group_hours(u, 3), 0);
    EXPECT_DOUBLE_EQ(billed_hours(u.total()), 3.5);
}

TEST(Usage, a_run_uses_its_rate_while_time_passes) {
    Usage u(rolling(30 * day));
    u.advance(hour);
    u.start(alice, 2000, 0);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 2);
    u.advance(hour + 1);
    EXPECT_EQ(u.user(1, 10), 2 * 3600 * 1000); // not yet another whole unit
    u.advance(hour + 500);
    EXPECT_EQ(u.user(1, 10), 2 * 3600 * 1000 + 1);
    u.advance(4 * hour);
    EXPECT_DOUBLE_EQ(group_hours(u, 1), 8);
}

TEST(Usage, a_forgotten_run_leaves_no_trace_and_an_ended_one_what_it_used) {
    for (const UsageWindow& window : {rolling(day), half_life(day), month_since_1970}) {
        Usage u(window);
        u.advance(0);
        u.charge(bob, 1000, -hour, 0);
        u.start(alice, 2000, -30 * minute);
        u.advance(20 * hour + 17);
        const Billed with_run = u.user(1, 10);
        EXPECT_GT(with_run, 0);
        u.forget(alice, 2000, -30 * minute);
        EXPECT_EQ(u.user(1, 10), 0);
        EXPECT_EQ(u.group(1), u.user(1, 11));
        u.charge(alice, 2000, -30 * minute, 20 * hour + 17);
        EXPECT_EQ(u.user(1, 10), with_run);
    }
}

TEST(Usage, a_charge_leaves_a_rolling_window_with_its_slot) {
    Usage u(rolling(day), hour);
    u.advance(0);
    u.charge_at(alice, 30 * minute, 3600);
    u.advance(day + hour - 1);
    EXPECT_DOUBLE_EQ(group_hours(u, 1), 1);
    u.advance(day + hour);
    EXPECT_EQ(u.group(1), 0);
    EXPECT_EQ(u.user(1, 10), 0);
}

TEST(Usage, a_long_run_leaves_a_rolling_window_piece_by_piece_and_counts_the_window_while_it_lasts) {
    Usage u(rolling(day), hour);
    u.advance(10 * day);
    u.start(alice, 1000, 0);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 24);
    u.advance(20 * day);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 24);
    u.forget(alice, 1000, 0);
    EXPECT_EQ(u.user(1, 10), 0);
    u.charge(alice, 1000, 0, 20 * day);
    u.advance(20 * day + 6 * hour);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 18);
    u.advance(21 * day);
    EXPECT_EQ(u.user(1, 10), 0);
    EXPECT_EQ(u.total(), 0);
}

TEST(Usage, time_never_goes_backwards) {
    Usage u(rolling(day), hour);
    u.advance(10 * day);
    u.start(alice, 1000, 10 * day - hour);
    u.advance(0);
    u.charge_at(alice, day, 3600); // as old as it was before
    EXPECT_DOUBLE_EQ(group_hours(u, 1), 1);
}

TEST(Usage, a_step_to_come_counts_when_its_time_has_come) {
    for (const UsageWindow& window : {rolling(day), half_life(1000 * day), month_since_1970}) {
        Usage u(window);
        u.advance(0);
        u.start(alice, 1000, hour);
        u.charge(bob, 1000, -hour, 2 * hour);
        EXPECT_EQ(u.user(1, 10), 0);
        EXPECT_LE(user_hours(u, bob), 1);
        u.advance(90 * minute);
        EXPECT_NEAR(user_hours(u, alice), 0.5, 1e-3);
        u.advance(3 * hour);
        EXPECT_NEAR(user_hours(u, alice), 2, 1e-3);
        EXPECT_NEAR(user_hours(u, bob), window.kind == WindowKind::month ? 2 : 3, 1e-2); // January 1970 began at 0
        u.start(carol, 1000, 5 * hour);
        u.forget(carol, 1000, 5 * hour);
        u.advance(6 * hour);
        EXPECT_EQ(u.group(2), 0);
    }
}

TEST(Usage, what_was_loaded_before_the_first_instant_counts_from_it) {
    for (const UsageWindow& window : {rolling(day), half_life(day), month_since_1970}) {
        Usage early(window), late(window);
        const auto load = [](Usage& u) {
            u.start(alice, 1000, 20'000 * day);
            u.charge(bob, 300, 20'000 * day, 20'000 * day + hour);
            u.charge_at(carol, 20'000 * day, 77);
        };
        load(early);
        EXPECT_EQ(early.total(), 0);
        early.advance(20'001 * day);
        late.advance(20'001 * day);
        load(late);
        EXPECT_GT(early.group(1), 0);
        EXPECT_GT(early.group(2), 0);
        EXPECT_EQ(early.group(1), late.group(1));
        EXPECT_EQ(early.group(2), late.group(2));
    }
}

TEST(Usage, a_charge_before_the_epoch_falls_into_its_own_slot) {
    Usage u(rolling(day), hour);
    u.advance(-10 * day);
    u.charge_at(alice, -10 * day - 1, 3600);
    u.advance(-9 * day - 1);
    EXPECT_DOUBLE_EQ(group_hours(u, 1), 1);
    u.advance(-9 * day);
    EXPECT_EQ(u.group(1), 0);
}

TEST(Usage, nonsense_charges_are_ignored) {
    Usage u(rolling(day));
    u.advance(day);
    u.charge(alice, 1000, hour, hour);
    u.charge(alice, 1000, hour, 0);
    u.charge_at(alice, 0, -1);
    u.charge_at(alice, 0, std::numeric_limits<double>::quiet_NaN());
    u.start(alice, 0, 0);
    EXPECT_EQ(u.total(), 0);
}

TEST(Usage, a_shorter_rolling_window_forgets_at_once_and_a_longer_one_grows_from_there) {
    Usage u(rolling(30 * day));
    u.advance(0);
    u.start(alice, 1000, 0);
    u.charge_at(bob, 0, 3600);
    u.advance(10 * day);
    EXPECT_FALSE(u.set_window(rolling(5 * day)));
    EXPECT_EQ(u.user(1, 11), 0);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 5 * 24);
    EXPECT_FALSE(u.set_window(rolling(30 * day)));
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 5 * 24);
    u.advance(20 * day);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 15 * 24);
}

TEST(Usage, any_other_change_of_the_window_forgets_everything) {
    Usage u(rolling(30 * day));
    u.advance(100 * day);
    for (const UsageWindow& window : {half_life(day), half_life(2 * day), month_since_1970,
                                      UsageWindow{WindowKind::month, 0, 10'957}, rolling(day)}) {
        u.start(alice, 1000, 99 * day);
        u.charge(bob, 1000, 99 * day, 101 * day);
        EXPECT_TRUE(u.set_window(window));
        EXPECT_EQ(u.total(), 0);
        u.start(alice, 1000, 100 * day - hour);
        EXPECT_NEAR(group_hours(u, 1), 1, 0.02);
        EXPECT_FALSE(u.set_window(window));
        EXPECT_NEAR(group_hours(u, 1), 1, 0.02);
    }
}

TEST(Usage, a_month_begins_at_nothing_and_counts_only_the_part_of_a_run_that_lies_in_it) {
    const Micros march_2024 = (19'723 + 31 + 29) * day; // 2024-01-01 is day 19723; 2024 is a leap year
    Usage u(month_since_1970);
    u.advance(march_2024 - 1);
    u.charge(bob, 1000, march_2024 - 29 * day - hour, march_2024 - 28 * day); // an hour of January
    u.start(alice, 1000, march_2024 - 40 * day);
    EXPECT_EQ(u.user(1, 11), 24 * 3600 * 1000);
    EXPECT_EQ(u.user(1, 10), 29 * 24 * 3600 * 1000LL - 1);
    u.advance(march_2024);
    EXPECT_EQ(u.total(), 0);
    u.advance(march_2024 + 2 * hour);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 2);
    u.forget(alice, 1000, march_2024 - 40 * day);
    u.charge(alice, 1000, march_2024 - 40 * day, march_2024 + hour);
    EXPECT_DOUBLE_EQ(user_hours(u, alice), 1);
}

TEST(Usage, a_decaying_use_is_halved_every_half_life) {
    Usage u(half_life(7 * day));
    u.advance(0);
    u.charge_at(alice, 0, 3600);
    EXPECT_EQ(u.group(1), 3'600'000);
    u.advance(7 * day);
    EXPECT_EQ(u.group(1), 1'800'000);
    u.charge_at(alice, -7 * day, 3600);
    EXPECT_EQ(u.group(1), 1'800'000 + 900'000);
    u.advance(10'000 * day);
    EXPECT_EQ(u.group(1), 0);
}

TEST(Usage, a_decaying_use_is_as_exact_after_thousands_of_half_lives) {
    Usage u(half_life(hour));
    u.advance(0);
    u.start(bob, 1000, 0);
    for (int i = 1; i <= 50; ++i) {
        const Micros now = i * 700 * hour + i;
        u.advance(now);
        u.charge_at(alice, now, 3600);
        ASSERT_EQ(u.user(1, 10), 3'600'000);
        ASSERT_NEAR(user_hours(u, bob), 1 / std::numbers::ln2, 1e-6);
        u.advance(now + 3 * hour);
        ASSERT_EQ(u.user(1, 10), 450'000);
    }
    u.forget(bob, 1000, 0);
    EXPECT_EQ(u.user(1, 11), 0);
}

TEST(Usage, a_decaying_use_at_a_constant_rate_tends_to_a_month_of_it_by_the_quota_scale) {
    Usage u(half_life(7 * day));
    u.advance(0);
    u.start(alice, 8000, 0);
    u.advance(7 * day);
    const double half = group_hours(u, 1);
    u.advance(700 * day);
    EXPECT_NEAR(group_hours(u, 1), 2 * half, 1e-6);
    EXPECT_NEAR(group_hours(u, 1) * u.quota_scale(), 8 * 730, 1e-6);
    EXPECT_EQ(Usage(rolling(day)).quota_scale(), 1);
    EXPECT_EQ(Usage(month_since_1970).quota_scale(), 1);
}

} // namespace
