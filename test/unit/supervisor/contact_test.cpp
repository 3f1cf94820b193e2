// The loss of contact: nothing of a run may live when the server can start it elsewhere.
#include "run.hpp"

namespace rcq::supervisor {
namespace {

class RunWithoutContact : public testing::Test {
protected:
    // The last contact, so long ago, of an executor whose server waits for lost_after_ms.
    void contact(std::int64_t age_ms, std::int64_t lost_after_ms) {
        run.launch.contact_file = run.at("contact");
        at_ms = rundir::boottime_ms() - age_ms;
        ASSERT_TRUE(rundir::write_contact(run.launch.contact_file.c_str(), {at_ms, lost_after_ms}));
    }
    void job(const std::string& script) { run.launch.arguments[2] = script; }
    void start_and_wait_for_job() {
        run.start();
        ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    }
    static bool pass(std::int64_t moment_ms) {
        return wait_until([&] { return rundir::boottime_ms() >= moment_ms; });
    }

    const std::string stubborn = "trap '' TERM; touch ready; while :; do sleep 0.01; done";
    TestRun run;
    std::int64_t at_ms = 0;
};

TEST_F(RunWithoutContact, the_job_is_asked_to_end) {
    job("exec " + unique_sleep(4));
    contact(0, 4000);
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_EQ(end.signal, SIGTERM);
    EXPECT_TRUE(end.message.starts_with("no contact with the server for ")) << end.message;
    // A margin of a quarter, and half of the time to clean up.
    EXPECT_GE(end.ended_ms, at_ms + 1000);
    EXPECT_LT(end.ended_ms, at_ms + 3000);
}

TEST_F(RunWithoutContact, a_job_that_does_not_end_is_dead_before_the_server_may_start_it_elsewhere) {
    job("(setsid " + unique_sleep(5) + " &); " + stubborn);
    run.launch.kill_grace_ms = 60'000;
    contact(0, 4000);
    const rundir::End end = run.run();
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_GE(end.ended_ms, at_ms + 3000);
    EXPECT_LT(end.ended_ms, at_ms + 4000);
    EXPECT_TRUE(nobody_runs(unique_sleep(5)));
}

TEST_F(RunWithoutContact, the_moment_is_kept_between_the_looks_of_each_second) {
    job("exec " + unique_sleep(6));
    run.launch.kill_grace_ms = 300;
    contact(0, 2000);
    const rundir::End end = run.run();
    EXPECT_EQ(end.signal, SIGTERM) << "at the next look it would be too late for that";
    EXPECT_GE(end.ended_ms, at_ms + 1200);
    EXPECT_LT(end.ended_ms, at_ms + 1500);
}

TEST_F(RunWithoutContact, the_margin_is_at_most_two_seconds) {
    job(stubborn);
    contact(0, 600'000);
    start_and_wait_for_job();
    contact(596'500, 600'000);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_GE(end.ended_ms, at_ms + 598'000);
    EXPECT_LT(end.ended_ms, at_ms + 600'000);
}

TEST_F(RunWithoutContact, after_a_sleep_of_the_host_only_what_is_left_of_the_time_counts) {
    job(stubborn);
    run.launch.kill_grace_ms = 60'000;
    contact(0, 600'000);
    start_and_wait_for_job();
    run.signal(SIGSTOP); // for the supervisor the same as a host that sleeps
    contact(5000, 8000);
    run.signal(SIGCONT);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_GE(end.ended_ms, at_ms + 6000);
    EXPECT_LT(end.ended_ms, at_ms + 8000);
}

TEST_F(RunWithoutContact, after_a_sleep_of_the_host_longer_than_the_limit_the_job_is_killed_at_once) {
    job("trap 'touch asked' TERM; touch ready; while :; do sleep 0.01; done");
    run.launch.kill_grace_ms = 60'000;
    contact(0, 600'000);
    start_and_wait_for_job();
    run.signal(SIGSTOP);
    contact(600'000, 300'000);
    run.signal(SIGCONT);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_TRUE(end.message.starts_with("no contact with the server for 60")) << end.message;
    EXPECT_FALSE(run.has("job/asked"));
}

TEST_F(RunWithoutContact, the_grace_time_of_a_cancel_is_cut_short) {
    job(stubborn);
    run.launch.kill_grace_ms = 600'000;
    contact(0, 600'000);
    start_and_wait_for_job();
    run.signal(SIGTERM);
    contact(0, 2000);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_EQ(end.message, "cancelled") << "the first reason stays";
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_LT(end.ended_ms, at_ms + 2000);
}

TEST_F(RunWithoutContact, contact_just_before_the_moment_keeps_the_job) {
    job("touch ready; while ! [ -e go ]; do sleep 0.01; done");
    contact(0, 6000);
    const std::int64_t begin_ms = at_ms;
    start_and_wait_for_job();
    contact(0, 600'000);
    EXPECT_LT(at_ms, begin_ms + 1500) << "the job would have been asked to end then";
    ASSERT_TRUE(pass(begin_ms + 2500));
    std::ofstream(run.at("job/go")) << "";
    EXPECT_EQ(run.wait().kind, "exit_code");
}

TEST_F(RunWithoutContact, contact_that_goes_on_keeps_the_job) {
    job("while ! [ -e go ]; do sleep 0.01; done");
    contact(0, 1600);
    const std::int64_t begin_ms = at_ms;
    run.start();
    ASSERT_TRUE(wait_until([&] {
        contact(0, 1600);
        return at_ms > begin_ms + 3500;
    }));
    std::ofstream(run.at("job/go")) << "";
    EXPECT_EQ(run.wait().kind, "exit_code");
}

TEST_F(RunWithoutContact, as_long_as_it_is_not_known_how_long_the_server_waits_the_job_goes_on) {
    job("while ! [ -e go ]; do sleep 0.01; done");
    contact(600'000, 0);
    run.start();
    ASSERT_TRUE(pass(rundir::boottime_ms() + 1500));
    std::ofstream(run.at("job/go")) << "";
    EXPECT_EQ(run.wait().kind, "exit_code");
}

TEST_F(RunWithoutContact, a_job_that_would_be_too_late_does_not_begin) {
    job("touch started; exec " + unique_sleep(7));
    run.launch.prolog = run.script("prolog", "touch \"$RCQ_RUN_DIR/prolog\"");
    contact(10'000, 8000);
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_TRUE(end.message.starts_with("no contact with the server for 10 s")) << end.message;
    EXPECT_EQ(end.host_fault, "");
    EXPECT_FALSE(run.has("job/started"));
    EXPECT_FALSE(run.has("job/prolog"));
}

TEST_F(RunWithoutContact, a_prolog_is_ended_like_a_job) {
    job("touch started");
    run.launch.prolog = run.script("prolog", "trap '' TERM; while :; do sleep 0.01; done");
    contact(0, 2000);
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_LT(end.ended_ms, at_ms + 2000);
    EXPECT_FALSE(run.has("job/started"));
}

} // namespace
} // namespace rcq::supervisor
