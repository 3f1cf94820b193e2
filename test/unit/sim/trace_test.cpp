#include "swf_text.hpp"

#include "sim/usage_error.hpp"

#include <gmock/gmock.h>

namespace rcq::sim {
namespace {

using core::second;
using testing::HasSubstr;
using testing::StartsWith;

std::string complaint(const std::string& text, std::optional<std::int32_t> processors) {
    try {
        trace_of(text, processors);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

TEST(Trace, jobs_are_sorted_by_submit_time_and_number) {
    const Trace trace = trace_of("5 20 -1 1 1\n9 10 -1 1 1\n3 10 -1 1 1\n4 20 -1 1 1\n", 8);
    std::vector<std::int64_t> numbers;
    for (const TraceJob& job : trace.jobs) numbers.push_back(job.number);
    EXPECT_EQ(numbers, (std::vector<std::int64_t>{3, 9, 4, 5}));
    EXPECT_EQ(trace.out_of_order, 1U);
}

TEST(Trace, jobs_larger_than_the_machine_are_left_out) {
    const Trace trace = trace_of("; MaxProcs: 100\n1 0 -1 1 8\n2 0 -1 1 9\n", 8);
    EXPECT_EQ(trace.processors, 8) << "what is asked for wins over the header";
    EXPECT_EQ(trace.jobs.size(), 1U);
    EXPECT_EQ(trace.skipped[Skip::too_large], 1U);
}

TEST(Trace, runs_are_cut_at_the_requested_time_which_is_the_run_time_when_unknown) {
    const Trace trace = trace_of("1 0 -1 50 1 -1 -1 1 30\n2 0 -1 50 1 -1 -1 1 -1\n", 1);
    EXPECT_EQ(trace.jobs[0].run, 30 * second);
    EXPECT_EQ(trace.jobs[1].requested, 50 * second);
}

TEST(Trace, users_are_numbered_as_they_come_and_unknown_ones_are_one) {
    const Trace trace = trace_of("1 0 -1 1 1 -1 -1 1 1 -1 1 70\n2 1 -1 1 1\n3 2 -1 1 1 -1 -1 1 1 -1 1 -1\n"
                                 "4 3 -1 1 1 -1 -1 1 1 -1 1 70\n",
                                 1);
    EXPECT_EQ(trace.users, 2);
    EXPECT_EQ(trace.jobs[0].user, 0);
    EXPECT_EQ(trace.jobs[1].user, 1);
    EXPECT_EQ(trace.jobs[2].user, 1);
    EXPECT_EQ(trace.jobs[3].user, 0);
}

TEST(Trace, a_limit_keeps_the_first_jobs_and_their_users) {
    const Trace trace = make_trace(parse("1 9 -1 1 1 -1 -1 1 1 -1 1 1\n2 0 -1 1 1 -1 -1 1 1 -1 1 2\n"), 1, 1, "test");
    ASSERT_EQ(trace.jobs.size(), 1U);
    EXPECT_EQ(trace.jobs[0].number, 2);
    EXPECT_EQ(trace.users, 1);
}

TEST(Trace, without_a_size_of_the_machine_or_a_usable_job_it_says_what_to_do) {
    EXPECT_THAT(complaint("1 0 -1 1 1\n", std::nullopt), HasSubstr("add --processors"));
    EXPECT_THAT(complaint("; MaxProcs: 8\n", std::nullopt), HasSubstr("it has no lines of jobs"));
    EXPECT_THAT(complaint("1 0 -1 1 9\nx\n", 8), StartsWith("test has no usable job"));
    EXPECT_THAT(complaint("1 0 -1 1 9\nx\n", 8), HasSubstr("not_a_number 1, too_large 1"));
    EXPECT_THAT(complaint("", 8), HasSubstr("it has no lines of jobs"));
}

TEST(Trace, requests_that_no_clock_could_hold_together_are_refused) {
    std::string text;
    for (int i = 0; i < 25'001; ++i) text += std::to_string(i) + " 0 -1 1 1 -1 -1 1 1e12\n";
    EXPECT_THAT(complaint(text, 1), HasSubstr("250,000 years"));
}

} // namespace
} // namespace rcq::sim
