#include "core/estimates.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

TEST(Estimates, a_user_who_estimates_too_short_is_corrected_by_the_median_after_five_runs) {
    Estimates e;
    for (const Micros actual : {10, 20, 30, 400}) e.record(1, 10, actual);
    EXPECT_EQ(e.correction(1), 1);
    e.record(1, 10, 25);
    EXPECT_DOUBLE_EQ(e.correction(1), 2.5);
    e.record(1, 10, 15);
    EXPECT_DOUBLE_EQ(e.correction(1), 2.25);
    EXPECT_EQ(e.correction(2), 1);
}

TEST(Estimates, a_user_who_estimates_too_long_is_left_alone) {
    Estimates e;
    for (int i = 0; i < 10; ++i) e.record(1, 10 * hour, hour);
    EXPECT_EQ(e.correction(1), 1);
}

TEST(Estimates, runs_without_an_estimate_are_no_samples) {
    Estimates e;
    for (int i = 0; i < 10; ++i) {
        e.record(1, 0, hour);
        e.record(1, hour, -1);
    }
    for (int i = 0; i < 4; ++i) e.record(1, hour, 2 * hour);
    EXPECT_EQ(e.correction(1), 1);
    e.record(1, hour, 2 * hour);
    EXPECT_EQ(e.correction(1), 2);
}

TEST(Estimates, the_last_thirty_two_runs_count_and_no_others) {
    std::mt19937 random(3);
    Estimates e;
    std::vector<double> all;
    for (int i = 0; i < 500; ++i) {
        const Micros estimate = 1 + static_cast<Micros>(random() % 1000);
        const Micros actual = static_cast<Micros>(random() % 3000);
        e.record(1, estimate, actual);
        all.push_back(static_cast<double>(actual) / static_cast<double>(estimate));
        std::vector<double> last(all.end() - std::min<std::ptrdiff_t>(32, std::ssize(all)), all.end());
        std::sort(last.begin(), last.end());
        const double median = (last[(last.size() - 1) / 2] + last[last.size() / 2]) / 2;
        ASSERT_DOUBLE_EQ(e.correction(1), last.size() < 5 ? 1 : std::max(1.0, median)) << i;
    }
}

TEST(RunTimes, the_next_run_is_expected_to_take_the_mean_of_the_last_two) {
    RunTimes r;
    r.record(1, 100);
    EXPECT_EQ(r.predict(1), std::nullopt);
    r.record(2, 7);
    r.record(1, 300);
    EXPECT_EQ(r.predict(1), 200);
    r.record(1, 500);
    EXPECT_EQ(r.predict(1), 400);
    EXPECT_EQ(r.predict(2), std::nullopt);
    EXPECT_EQ(r.predict(3), std::nullopt);
}

} // namespace
