#include "core/billing.hpp"
#include <gtest/gtest.h>
#include <limits>

using namespace rcq::core;

namespace {

TEST(Billing, a_core_hour_is_one_billed_hour_by_default) {
    const BilledRate rate = billed_rate({1, 1024, 1000}, "", {});
    EXPECT_EQ(rate, 1000);
    EXPECT_DOUBLE_EQ(billed_hours(rate * 3600), 1.0);
}

TEST(Billing, memory_and_gpus_count_by_their_weights) {
    Settings s;
    s.bill_per_gb_hour = 0.25;
    s.bill_per_gpu_hour = 10;
    // 4 cores + 8 GB x 0.25 + 2.5 GPUs x 10
    EXPECT_EQ(billed_rate({4, 8192, 2500}, "", s), 31'000);
}

TEST(Billing, a_type_of_gpu_with_a_weight_of_its_own_costs_that_and_others_what_any_gpu_costs) {
    Settings s;
    s.bill_per_gpu_hour = 10;
    s.bill_per_gpu_type["h100"] = 40;
    s.bill_per_gpu_type["t4"] = 0;
    EXPECT_EQ(billed_rate({1, 0, 500}, "h100", s), 21'000);
    EXPECT_EQ(billed_rate({1, 0, 500}, "t4", s), 1'000);
    EXPECT_EQ(billed_rate({1, 0, 500}, "a100", s), 6'000);
    EXPECT_EQ(billed_rate({1, 0, 500}, "", s), 6'000);
    EXPECT_EQ(billed_rate({1, 0, 0}, "h100", s), 1'000);
}

TEST(Billing, amounts_of_seconds_are_weighted_as_rates_are) {
    Settings s;
    s.bill_per_gb_hour = 0.25;
    s.bill_per_gpu_type["h100"] = 40;
    EXPECT_DOUBLE_EQ(billed_cores(100, 400, 10, "h100", s), 600);
}

TEST(Billing, hours_and_core_seconds_meet_in_the_same_unit) {
    EXPECT_EQ(billed_from_hours(2), billed_from_core_seconds(7200));
    EXPECT_DOUBLE_EQ(billed_hours(billed_from_hours(2.5)), 2.5);
}

TEST(Billing, nonsense_amounts_are_brought_into_range) {
    EXPECT_EQ(billed_from_core_seconds(-1), 0);
    EXPECT_EQ(billed_from_core_seconds(std::numeric_limits<double>::quiet_NaN()), 0);
    EXPECT_GT(billed_from_core_seconds(std::numeric_limits<double>::infinity()), 0);
}

TEST(Billing, a_job_is_planned_by_its_estimate_before_its_limit_in_whole_seconds) {
    EXPECT_EQ(own_plan_seconds(90 * second, hour), 90);
    EXPECT_EQ(own_plan_seconds(std::nullopt, hour), 3600);
    EXPECT_EQ(own_plan_seconds(second + 1, std::nullopt), 2);
    EXPECT_EQ(own_plan_seconds(1, std::nullopt), 1);
    EXPECT_FALSE(own_plan_seconds(std::nullopt, std::nullopt));
}

TEST(Billing, a_job_that_says_nothing_is_planned_by_its_group_before_the_settings) {
    Group g;
    EXPECT_EQ(default_plan_seconds(g, {}), 3600);
    g.default_estimate = 10 * minute;
    EXPECT_EQ(default_plan_seconds(g, {}), 600);
}

} // namespace
