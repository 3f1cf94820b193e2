#include "core/run_end.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

RunFacts ended(RunEnd end, int exit_code = 0) {
    RunFacts facts;
    facts.reported = end;
    facts.exit_code = exit_code;
    facts.max_losses = 3;
    return facts;
}

std::optional<double> never_asked(RunEnd end) {
    ADD_FAILURE() << "asked about " << word(end);
    return std::nullopt;
}

std::string told(const RunVerdict& verdict) {
    std::string text(word(verdict.status));
    if (const auto reason = verdict.reason()) text += " " + std::string(word(*reason));
    return text;
}

TEST(RunEnd, executors_report_ends_by_their_words_and_nothing_else) {
    for (const auto* known : {"exit_code", "signal", "timeout", "oom", "disk_quota", "spawn_error", "not_started",
                              "cancelled", "bad_result"}) {
        ASSERT_TRUE(reported_end(known)) << known;
        EXPECT_EQ(word(*reported_end(known)), known);
    }
    for (const auto* unknown : {"executor_lost", "preempted", "requeued", "deadline", "exploded", "", "Signal"})
        EXPECT_FALSE(reported_end(unknown)) << unknown;
}

TEST(RunEnd, a_success_counts_whatever_was_asked_for) {
    RunFacts facts = ended(RunEnd::exit_code, 0);
    EXPECT_EQ(told(judge(facts, never_asked)), "completed");
    facts.cancel_requested = facts.requeue_requested = facts.preempt_requested = facts.deadline_passed = true;
    EXPECT_EQ(told(judge(facts, never_asked)), "completed");
}

TEST(RunEnd, a_cancelled_run_ends_its_job_however_it_ended) {
    for (const RunEnd end : {RunEnd::cancelled, RunEnd::signal, RunEnd::timeout}) {
        RunFacts facts = ended(end);
        facts.cancel_requested = facts.requeue_requested = true;
        facts.max_retries = 5;
        EXPECT_EQ(told(judge(facts, never_asked)), "cancelled");
        EXPECT_EQ(judge(facts, never_asked).end, end);
    }
    RunFacts lost = ended(RunEnd::executor_lost);
    lost.cancel_requested = true;
    EXPECT_EQ(told(judge(lost, never_asked)), "cancelled executor_lost");
}

TEST(RunEnd, what_was_asked_for_comes_before_what_became_of_it) {
    RunFacts facts = ended(RunEnd::oom);
    facts.preempt_requested = true;
    EXPECT_EQ(judge(facts, never_asked).end, RunEnd::preempted);
    EXPECT_EQ(told(judge(facts, never_asked)), "pending");
    facts.requeue_requested = true;
    EXPECT_EQ(judge(facts, never_asked).end, RunEnd::requeued);
    facts.reported = RunEnd::executor_lost;
    EXPECT_EQ(judge(facts, never_asked).end, RunEnd::executor_lost);
}

TEST(RunEnd, a_lost_run_is_followed_by_another_as_often_as_the_setting_says) {
    RunFacts facts = ended(RunEnd::executor_lost);
    facts.losses = 2;
    EXPECT_EQ(told(judge(facts, never_asked)), "pending executor_lost");
    facts.losses = 3;
    EXPECT_EQ(told(judge(facts, never_asked)), "failed executor_lost");
    facts.losses = 0;
    facts.requeue = false;
    EXPECT_EQ(told(judge(facts, never_asked)), "failed executor_lost");
    facts.reported = RunEnd::not_started; // its host's fault: again, whatever the job says
    EXPECT_EQ(told(judge(facts, never_asked)), "pending not_started");
    facts.losses = 3;
    EXPECT_EQ(told(judge(facts, never_asked)), "failed not_started");
}

TEST(RunEnd, what_an_executor_ends_unasked_is_lost) {
    EXPECT_EQ(judge(ended(RunEnd::cancelled), never_asked).end, RunEnd::executor_lost);
    EXPECT_TRUE(judge(ended(RunEnd::cancelled), never_asked).lost());
}

TEST(RunEnd, a_run_that_is_killed_at_the_deadline_fails_its_job) {
    RunFacts facts = ended(RunEnd::timeout);
    facts.max_retries = 5;
    facts.deadline_passed = true;
    EXPECT_EQ(told(judge(facts, never_asked)), "failed deadline");
    facts.reported = RunEnd::oom;
    EXPECT_EQ(told(judge(facts, [](RunEnd) { return std::optional(1.0); })), "pending");
}

TEST(RunEnd, a_failure_is_followed_by_another_run_while_retries_are_left_and_the_policy_wants_it) {
    RunFacts facts = ended(RunEnd::exit_code, 7);
    EXPECT_EQ(told(judge(facts, never_asked)), "failed exit_code");
    facts.max_retries = 2;
    facts.failures = 1;
    const RunVerdict again = judge(facts, [](RunEnd) { return std::optional(30.0); });
    EXPECT_EQ(told(again), "pending");
    EXPECT_EQ(again.retry_after, 30.0);
    EXPECT_EQ(told(judge(facts, [](RunEnd) { return std::optional<double>(); })), "failed exit_code");
    facts.failures = 2;
    EXPECT_EQ(told(judge(facts, never_asked)), "failed exit_code");
}

bool again(const RetryPolicy& policy, RunEnd end, int exit_code = 0) {
    return policy.delay(end, exit_code, 0, 0.5).has_value();
}

TEST(RetryPolicy, says_after_which_ends) {
    RetryPolicy every, oom, codes, both;
    oom.ends = {{"oom"}};
    codes.exit_codes = {75, 111};
    both.ends = {{"signal"}};
    both.exit_codes = {75};
    EXPECT_TRUE(again(every, RunEnd::exit_code, 1) && again(every, RunEnd::oom) && again(every, RunEnd::signal));
    EXPECT_TRUE(again(oom, RunEnd::oom));
    EXPECT_FALSE(again(oom, RunEnd::exit_code, 1) || again(oom, RunEnd::signal));
    EXPECT_TRUE(again(codes, RunEnd::exit_code, 75) && again(codes, RunEnd::exit_code, 111));
    EXPECT_FALSE(again(codes, RunEnd::exit_code, 1) || again(codes, RunEnd::oom, 75));
    EXPECT_TRUE(again(both, RunEnd::signal) && again(both, RunEnd::exit_code, 75));
    EXPECT_FALSE(again(both, RunEnd::exit_code, 1) || again(both, RunEnd::oom));
    codes.ends = {{"exit_code"}};
    EXPECT_TRUE(again(codes, RunEnd::exit_code, 1)) << "every exit code";
}

TEST(RetryPolicy, delays_are_fixed_or_doubled_and_bounded) {
    RetryPolicy policy;
    const auto after = [&](int failures) { return *policy.delay(RunEnd::oom, 0, failures, 0.5); };
    EXPECT_EQ(after(0), 0);
    policy.delay_s = 30;
    EXPECT_EQ(after(1000), 30);
    policy.exponential = true;
    EXPECT_EQ(after(0), 30);
    EXPECT_EQ(after(1), 60);
    EXPECT_EQ(after(2), 120);
    EXPECT_EQ(after(1000), 31'536'000) << "never longer than a year";
    policy.max_delay_s = 100;
    EXPECT_EQ(after(2), 100);
    policy.max_delay_s = 10;
    EXPECT_EQ(after(0), 10);
}

TEST(RetryPolicy, jitter_lengthens_and_shortens_by_so_much_at_most) {
    RetryPolicy policy;
    policy.delay_s = 10;
    policy.jitter = 0.5;
    EXPECT_EQ(*policy.delay(RunEnd::oom, 0, 0, 0), 5);
    EXPECT_EQ(*policy.delay(RunEnd::oom, 0, 0, 0.5), 10);
    EXPECT_EQ(*policy.delay(RunEnd::oom, 0, 0, 1), 15);
}

} // namespace
