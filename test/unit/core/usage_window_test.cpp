#include "core/usage_window.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

TEST(UsageWindow, months_follow_the_calendar_day_by_day_over_eight_centuries) {
    constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    std::int64_t first_day = -25'567; // 1900-01-01
    for (std::int64_t month = 1900 * 12; month < 2700 * 12; ++month) {
        const Micros start = first_day * day;
        ASSERT_EQ(month_start(month, 0), start) << month;
        ASSERT_EQ(month_of(start, 0), month);
        ASSERT_EQ(month_of(start - 1, 0), month - 1);
        first_day += lengths[month % 12] + (month % 12 == 1 && is_leap(month / 12) ? 1 : 0);
        ASSERT_EQ(month_of(first_day * day - 1, 0), month);
    }
}

TEST(UsageWindow, an_epoch_of_its_own_shifts_the_months) {
    const std::int64_t january_2000 = 2000 * 12;
    EXPECT_EQ(month_start(january_2000, 10'957), 0);
    EXPECT_EQ(month_of(0, 10'957), january_2000);
    EXPECT_EQ(month_of(-1, 10'957), january_2000 - 1);
    EXPECT_EQ(month_start(january_2000 + 2, 10'957), (31 + 29) * day);
}

TEST(UsageWindow, years_before_the_first_have_months_too) {
    for (const std::int64_t month : {-1, -12, -13, 0, 11}) EXPECT_EQ(month_of(month_start(month, 0), 0), month);
    EXPECT_EQ(month_start(0, 0) - month_start(-1, 0), 31 * day);
}

} // namespace
