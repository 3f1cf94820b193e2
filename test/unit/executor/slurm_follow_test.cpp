#include "executor/slurm_follow.hpp"

#include <csignal>
#include <functional>
#include <gtest/gtest.h>

namespace rcq::executor {
namespace {

using Kind = SlurmRun::Step::Kind;

// A run of which facts and lists are told second by second.
class FollowedRun : public ::testing::Test {
protected:
    void SetUp() override {
        run.submitting = true;
        run.note_submission(12, now);
        look();
    }

    void look() { run.note_facts(facts, now); }
    void list(const std::string& state, const std::string& reason = "None") {
        run.note_list(SlurmJob{12, 4711, state, reason}, now, now);
    }
    void list_without() { run.note_list(std::nullopt, now, now); }
    Kind next() { return run.next(now).kind; }
    void pass(std::int64_t seconds, const std::function<void()>& each_second) {
        for (; seconds > 0; --seconds) {
            now += 1000;
            look();
            each_second();
        }
    }
    void start() {
        facts.started = true;
        facts.status_changed_ns = 1;
    }
    rundir::End ended(const std::string& kind) {
        rundir::End end;
        end.kind = kind;
        return end;
    }

    std::int64_t now = 1'000'000;
    RunFacts facts;
    SlurmRun run{{.job_id = 7, .token = 4711, .path = "/shared/7-1-4711"}, {}};
};

TEST(SlurmPhaseOf, knows_who_waits_and_who_is_over) {
    EXPECT_EQ(slurm_phase("PENDING"), SlurmPhase::waiting);
    EXPECT_EQ(slurm_phase("CONFIGURING"), SlurmPhase::alive);
    EXPECT_EQ(slurm_phase("RUNNING"), SlurmPhase::alive);
    EXPECT_EQ(slurm_phase("COMPLETING"), SlurmPhase::alive);
    EXPECT_EQ(slurm_phase("A_STATE_OF_TOMORROW"), SlurmPhase::alive) << "what is not known is not called over";
    for (const char* state :
         {"COMPLETED", "FAILED", "NODE_FAIL", "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "PREEMPTED"}) {
        EXPECT_EQ(slurm_phase(state), SlurmPhase::over) << state;
    }
}

TEST_F(FollowedRun, waits_while_it_waits_or_runs_in_slurm) {
    pass(100, [&] { list("PENDING", "Resources"); });
    EXPECT_EQ(next(), Kind::wait);
    start();
    pass(100, [&] { list("RUNNING"); });
    EXPECT_EQ(next(), Kind::wait) << "even when its supervisor is silent: the host may hang, and Slurm decides";
}

TEST_F(FollowedRun, is_settled_by_the_end_that_its_supervisor_wrote) {
    start();
    list("RUNNING");
    facts.end = ended("exit_code");
    look();
    EXPECT_EQ(next(), Kind::settle) << "whatever Slurm says";
}

TEST_F(FollowedRun, is_not_ended_while_slurm_is_away) {
    start();
    list("RUNNING");
    pass(1000, [] {});
    EXPECT_EQ(next(), Kind::wait);
}

TEST_F(FollowedRun, is_lost_when_its_node_failed_and_its_supervisor_fell_silent) {
    start();
    pass(3, [&] { list("RUNNING"); });
    pass(10, [&] { list("NODE_FAIL"); });
    EXPECT_EQ(next(), Kind::wait) << "the supervisor may go on without slurmd";
    pass(10, [&] { list("NODE_FAIL"); });
    EXPECT_EQ(next(), Kind::conclude);
    EXPECT_EQ(run.next(now).end.kind, "cancelled");
    EXPECT_EQ(run.next(now).end.message, "Slurm job 12: NODE_FAIL");
}

TEST_F(FollowedRun, goes_on_without_slurm_as_long_as_its_supervisor_gives_signs_of_life) {
    start();
    list("RUNNING");
    pass(300, [&] {
        ++facts.status_changed_ns;
        list_without();
    });
    EXPECT_EQ(next(), Kind::wait);
    pass(300, [&] {
        ++facts.status_changed_ns;
        list("PENDING", "launch failed requeued held");
    });
    EXPECT_EQ(next(), Kind::wait) << "a slurmctld that was killed wants to start it again";
    pass(20, [&] { list_without(); });
    EXPECT_EQ(next(), Kind::conclude);
    EXPECT_EQ(run.next(now).end.kind, "cancelled");
}

TEST_F(FollowedRun, is_submitted_again_when_slurm_forgot_it_before_it_began) {
    pass(2, [&] { list_without(); });
    EXPECT_EQ(next(), Kind::wait) << "it must be missing for a while";
    pass(6, [&] { list_without(); });
    EXPECT_EQ(next(), Kind::submit);
    run.note_submission(13, now);
    EXPECT_EQ(next(), Kind::wait);
}

TEST_F(FollowedRun, is_not_submitted_for_ever) {
    for (int i = 0; i < 4; ++i) {
        pass(10, [&] { list_without(); });
        ASSERT_EQ(next(), Kind::submit) << i;
        run.note_submission(13 + i, now);
    }
    pass(10, [&] { list_without(); });
    EXPECT_EQ(next(), Kind::give_up);
    EXPECT_EQ(run.next(now).end.kind, "spawn_error");
}

TEST_F(FollowedRun, believes_no_list_that_was_asked_for_before_its_job_was_there) {
    run.note_list(std::nullopt, now - 1, now);
    pass(60, [&] { run.note_list(std::nullopt, 999'999, now); });
    EXPECT_EQ(next(), Kind::wait);
}

TEST_F(FollowedRun, is_looked_for_when_the_answer_of_sbatch_was_lost) {
    run.note_submission(std::nullopt, now);
    EXPECT_EQ(next(), Kind::wait);
    now += 1;
    run.note_list(SlurmJob{99, 4711, "PENDING", "Resources"}, now, now);
    EXPECT_EQ(run.id, 99);
    EXPECT_EQ(next(), Kind::wait);
}

TEST_F(FollowedRun, is_submitted_when_the_answer_of_sbatch_was_lost_and_there_is_no_job) {
    run.note_submission(std::nullopt, now);
    now += 1;
    list_without();
    EXPECT_EQ(next(), Kind::submit);
}

TEST_F(FollowedRun, is_given_up_when_slurm_will_never_start_it) {
    pass(2, [&] { list("PENDING", "PartitionConfig"); });
    EXPECT_EQ(next(), Kind::wait) << "the reason may pass";
    pass(6, [&] { list("PENDING", "PartitionConfig"); });
    EXPECT_EQ(next(), Kind::give_up);
    EXPECT_EQ(run.next(now).end.kind, "spawn_error");
    EXPECT_EQ(run.next(now).end.message, "Slurm does not start job 12: PartitionConfig");
}

TEST_F(FollowedRun, is_a_spawn_error_when_its_job_failed_before_the_supervisor_began) {
    pass(10, [&] { list("FAILED", "NonZeroExitCode"); });
    EXPECT_EQ(next(), Kind::give_up);
    EXPECT_EQ(run.next(now).end.kind, "spawn_error");
    facts.started = true; // but rcq-supervisor could not be executed
    pass(1, [&] { list("FAILED", "NonZeroExitCode"); });
    EXPECT_EQ(next(), Kind::conclude);
    EXPECT_EQ(run.next(now).end.kind, "spawn_error");
}

TEST_F(FollowedRun, is_cancelled_at_once_before_it_began) {
    list("PENDING");
    run.intent = RunIntent::terminate;
    EXPECT_EQ(next(), Kind::give_up);
    EXPECT_EQ(run.next(now).end.kind, "cancelled");
}

TEST_F(FollowedRun, is_signalled_while_it_runs_and_again_until_it_has_ended) {
    start();
    look();
    list("RUNNING");
    EXPECT_EQ(run.signal_due(now), std::nullopt);
    run.intent = RunIntent::terminate;
    EXPECT_EQ(run.signal_due(now), SlurmSignal::terminate);
    EXPECT_EQ(run.signal_due(now + 1000), std::nullopt);
    EXPECT_EQ(run.signal_due(now + 10'000), SlurmSignal::terminate);
    run.intent = RunIntent::kill;
    EXPECT_EQ(run.signal_due(now + 10'001), SlurmSignal::interrupt) << "a stronger wish goes out at once";
    EXPECT_EQ(run.signal_due(now + 21'000), SlurmSignal::end) << "the supervisor does not answer";
}

TEST_F(FollowedRun, is_not_signalled_when_slurm_does_not_run_it) {
    start();
    look();
    list("PENDING");
    run.intent = RunIntent::terminate;
    EXPECT_EQ(run.signal_due(now), std::nullopt);
}

// The end that a supervisor writes when Slurm ends the job by itself, and what Slurm says of it later.
TEST_F(FollowedRun, lets_slurm_tell_why_it_was_ended_when_nobody_here_asked_for_it) {
    start();
    list("RUNNING");
    facts.end = ended("cancelled");
    look();
    EXPECT_EQ(next(), Kind::wait) << "Slurm will say why";
    list("TIMEOUT", "TimeLimit");
    EXPECT_EQ(next(), Kind::correct);
    EXPECT_EQ(run.next(now).end.kind, "timeout");
}

TEST_F(FollowedRun, is_out_of_memory_when_slurm_killed_it_for_that) {
    start();
    facts.end = ended("signal");
    facts.end->signal = SIGKILL;
    look();
    list("OUT_OF_MEMORY");
    EXPECT_EQ(next(), Kind::correct);
    EXPECT_EQ(run.next(now).end.kind, "oom");
    EXPECT_EQ(run.next(now).end.signal, SIGKILL);
}

TEST_F(FollowedRun, is_a_timeout_of_slurm_also_when_the_job_was_faster_than_its_supervisor) {
    start();
    list("RUNNING");
    facts.end = ended("signal");
    facts.end->signal = SIGTERM;
    look();
    EXPECT_EQ(next(), Kind::wait);
    list("TIMEOUT", "TimeLimit");
    EXPECT_EQ(run.next(now).end.kind, "timeout");
    facts.end = ended("exit_code");
    facts.end->exit_code = 143;
    look();
    EXPECT_EQ(run.next(now).end.kind, "timeout");
    list("COMPLETED");
    EXPECT_EQ(next(), Kind::settle) << "the job ended so by itself";
}

TEST_F(FollowedRun, does_not_wait_for_slurms_reason_for_ever) {
    start();
    list("RUNNING");
    facts.end = ended("cancelled");
    pass(11, [&] {});
    EXPECT_EQ(next(), Kind::settle);
}

TEST_F(FollowedRun, keeps_the_supervisors_word_for_a_cancel_that_was_asked_for) {
    start();
    list("RUNNING");
    run.intent = RunIntent::terminate;
    facts.end = ended("cancelled");
    look();
    list("CANCELLED");
    EXPECT_EQ(next(), Kind::settle);
}

} // namespace
} // namespace rcq::executor
