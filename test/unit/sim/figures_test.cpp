#include "swf_text.hpp"

#include "sim/figures.hpp"

#include <gtest/gtest.h>

namespace rcq::sim {
namespace {

using core::hour;
using core::second;

TEST(Figures, slowdown_is_bounded_by_ten_seconds_and_by_one) {
    EXPECT_DOUBLE_EQ(bounded_slowdown(90 * second, 10 * second), 10);
    EXPECT_DOUBLE_EQ(bounded_slowdown(98 * second, 2 * second), 10) << "a run shorter than ten seconds counts as ten";
    EXPECT_DOUBLE_EQ(bounded_slowdown(0, 2 * second), 1) << "2 / 10 is less than one";
    EXPECT_DOUBLE_EQ(bounded_slowdown(0, hour), 1);
}

TEST(Figures, nearest_rank_is_a_value_of_the_list) {
    std::vector<int> values;
    for (int i = 1; i <= 100; ++i) values.push_back(i);
    EXPECT_EQ(nearest_rank(values, 0.95), 95);
    EXPECT_EQ(nearest_rank(values, 1.0), 100);
    EXPECT_EQ(nearest_rank(values, 0.001), 1);
    EXPECT_EQ(nearest_rank(std::vector<int>{3, 5, 9}, 0.5), 5);
}

TEST(Figures, jain_is_one_when_all_fare_alike_and_one_in_n_when_one_has_everything) {
    EXPECT_DOUBLE_EQ(jain_index({4, 4, 4}), 1);
    EXPECT_DOUBLE_EQ(jain_index({1e9, 1e-9, 1e-9, 1e-9}), 0.25);
    EXPECT_DOUBLE_EQ(jain_index({1, 3}), 0.8);
}

// Two users on four processors: 10 h on all, then one waits 10 h for his 5 h and the other 15 h for 10 h on two.
TEST(Figures, are_those_of_a_schedule_worked_out_by_hand) {
    const Trace trace = trace_of("1 0 -1 36000 4 -1 -1 4 -1 -1 1 1\n2 0 -1 18000 4 -1 -1 4 -1 -1 1 1\n"
                                 "3 0 -1 36000 2 -1 -1 2 -1 -1 1 2\n",
                                 4);
    const Figures f = measure(trace, {0, 10 * hour, 15 * hour});
    EXPECT_EQ(f.jobs, 3U);
    EXPECT_EQ(f.users, 2U);
    EXPECT_DOUBLE_EQ(f.bsld_mean, (1 + 3 + 2.5) / 3);
    EXPECT_DOUBLE_EQ(f.bsld_user_mean, (2 + 2.5) / 2);
    EXPECT_DOUBLE_EQ(f.wait_mean_h, 25.0 / 3);
    EXPECT_DOUBLE_EQ(f.wait_p95_h, 15);
    EXPECT_DOUBLE_EQ(f.wait_max_h, 15);
    EXPECT_DOUBLE_EQ(f.makespan_h, 25);
    EXPECT_DOUBLE_EQ(f.utilisation, 80.0 / 100);
    EXPECT_DOUBLE_EQ(f.jain, 4.5 * 4.5 / (2 * (4 + 6.25)));
}

} // namespace
} // namespace rcq::sim
