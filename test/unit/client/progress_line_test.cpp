// The line of `rcq wait`, and what the ends of jobs are for a shell.
#include "client/progress_line.hpp"
#include "client/text.hpp"

#include <gtest/gtest.h>

using namespace rcq::client;

namespace {

JobState job(const std::string& status) {
    JobState state;
    state.id = 42;
    state.label = "42";
    state.status = status;
    state.attempt = 1;
    return state;
}

JobState running(int percent) {
    JobState state = job("running");
    state.executor = "node1";
    state.progress = percent;
    state.progress_message = "epoch 4";
    state.ran_s = 192;
    return state;
}

JobState failed(std::optional<int> exit_code, std::optional<int> signal) {
    JobState state = job("failed");
    state.reason = signal ? "signal" : "exit_code";
    state.exit_code = exit_code;
    state.signal = signal;
    return state;
}

} // namespace

TEST(ProgressLine, a_running_job_has_a_bar) {
    EXPECT_EQ(progress_line({{running(45)}, 200, {}}, 100, false),
              "job 42 running on node1 [#########-----------]  45 % 3m12s, epoch 4");
}

TEST(ProgressLine, a_pending_job_says_why_and_when_it_starts) {
    JobState pending = job("pending");
    pending.reason = "resources";
    EXPECT_EQ(progress_line({{pending}, 12, 3600}, 100, false),
              "job 42 pending (resources) expected to start in 1h00m, waited 12s");
    pending.attempt = 2;
    EXPECT_EQ(progress_line({{pending}, 12, {}}, 0, false), "job 42 pending (resources) attempt 2, waited 12s");
}

TEST(ProgressLine, several_jobs_are_one_bar_of_their_mean) {
    EXPECT_EQ(progress_line({{job("completed"), running(50), failed(1, {}), job("pending")}, 5, {}}, 0, false),
              "2 of 4 jobs ended [############--------]  62 % 1 not well, 1 running, 1 waiting, 5s");
}

TEST(ProgressLine, it_is_never_wider_than_the_terminal_and_harmless) {
    JobState state = running(45);
    state.progress_message = "\x1b[2J\xff" + std::string(300, 'x');
    for (int width = 1; width < 120; ++width) {
        const std::string line = progress_line({{state}, 5, {}}, width, false);
        EXPECT_LE(display_width(line), width);
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
    }
}

TEST(JobState, exit_codes_are_those_of_a_shell) {
    EXPECT_EQ(exit_code_of(job("completed")), 0);
    EXPECT_EQ(exit_code_of(failed(7, {})), 7);
    EXPECT_EQ(exit_code_of(failed({}, 9)), 137);
    EXPECT_EQ(exit_code_of(failed({}, {})), 5);
    EXPECT_EQ(exit_code_of(failed(0, {})), 5); // its result was bad
    EXPECT_EQ(exit_code_of(job("cancelled")), 5);
    EXPECT_EQ(exit_code_of({job("completed"), failed(7, {}), failed(3, {})}), 7);
}

TEST(JobState, ends_are_told_in_words) {
    JobState timeout = failed({}, 15);
    timeout.reason = "timeout";
    timeout.ran_s = 5;
    timeout.message = "ran longer than 5 s";
    EXPECT_EQ(end_text(timeout), "failed (timeout) after 5s: ran longer than 5 s");
    EXPECT_EQ(end_text(failed(2, {})), "failed with exit code 2");
    EXPECT_EQ(end_text(failed({}, 9)), "failed by signal 9");
    EXPECT_EQ(end_text(job("completed")), "completed");
}
