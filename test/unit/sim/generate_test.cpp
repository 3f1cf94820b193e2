#include "swf_text.hpp"

#include "sim/generate.hpp"
#include "sim/usage_error.hpp"

#include <bit>
#include <gtest/gtest.h>

namespace rcq::sim {
namespace {

TEST(Generator, makes_the_same_trace_of_the_same_seed) {
    const WorkloadModel model{500, 64, 10, 42, 0.8};
    EXPECT_EQ(generate_swf(model), generate_swf(model));
    WorkloadModel other = model;
    other.seed = 43;
    EXPECT_NE(generate_swf(model), generate_swf(other));
}

TEST(Generator, makes_lines_of_which_every_one_is_used) {
    for (const std::int32_t processors : {1, 2, 7, 1000}) {
        const Trace trace = trace_of(generate_swf({2000, processors, 20, 1, 0.7}));
        EXPECT_EQ(trace.jobs.size(), 2000U);
        EXPECT_EQ(trace.skipped.total(), 0U);
        EXPECT_EQ(trace.out_of_order, 0U);
        EXPECT_EQ(trace.processors, processors);
        EXPECT_LE(trace.users, 20);
    }
    EXPECT_EQ(trace_of(generate_swf({1, 4, 1, 1, 1})).jobs.size(), 1U);
}

TEST(Generator, meets_the_load_it_is_asked_for) {
    for (const double load : {0.3, 0.8, 2.0}) {
        const Trace trace = trace_of(generate_swf({3000, 100, 30, 7, load}));
        double area = 0;
        for (const TraceJob& job : trace.jobs) area += static_cast<double>(job.run) * job.processors;
        const auto span = static_cast<double>(trace.jobs.back().submit - trace.jobs.front().submit);
        EXPECT_NEAR(area / (span * 100), load, load * 1e-4);
    }
}

TEST(Generator, makes_what_logs_have_in_common) {
    const Trace trace = trace_of(generate_swf({20'000, 128, 40, 5, 0.8}));
    std::size_t powers = 0;
    std::size_t exact = 0;
    std::size_t by_day = 0;
    std::vector<std::size_t> of_user(40);
    for (const TraceJob& job : trace.jobs) {
        powers += std::has_single_bit(static_cast<unsigned>(job.processors)) ? 1 : 0;
        exact += job.run == job.requested ? 1 : 0;
        const auto hour = job.submit / core::hour % 24;
        by_day += hour >= 8 && hour < 20 ? 1 : 0;
        ++of_user[static_cast<std::size_t>(job.user)];
    }
    const auto all = static_cast<double>(trace.jobs.size());
    EXPECT_GT(static_cast<double>(powers) / all, 0.75) << "most sizes are powers of two";
    EXPECT_LT(static_cast<double>(exact) / all, 0.2) << "most requests are too long";
    EXPECT_GT(static_cast<double>(by_day) / all, 0.65) << "most jobs come by day";
    std::sort(of_user.rbegin(), of_user.rend());
    EXPECT_NEAR(static_cast<double>(of_user[0]) / static_cast<double>(of_user[1]), 2, 0.3) << "Zipf's law";
}

TEST(Generator, refuses_what_would_take_centuries) {
    EXPECT_THROW(generate_swf({2'000'000, 1, 1, 1, 0.01}), UsageError);
}

} // namespace
} // namespace rcq::sim
