// Prolog and epilog.
#include "run.hpp"

namespace rcq::supervisor {
namespace {

TEST(RunHooks, run_around_the_job) {
    TestRun run("cat order; echo job >> order; (sleep 0.3; echo late >> order) & exit 0");
    run.launch.prolog = run.script("prolog", "echo prolog > \"$RCQ_RUN_DIR/order\"");
    run.launch.epilog = run.script("epilog", "echo epilog >> \"$RCQ_RUN_DIR/order\"; sleep 0.5");
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "exit_code");
    EXPECT_EQ(end.host_fault, "");
    EXPECT_EQ(run.out(), "prolog\n");
    EXPECT_EQ(read_file(run.at("job/order")), "prolog\njob\nepilog\n");
}

TEST(RunHooks, write_into_the_log_of_the_run) {
    TestRun run("echo job");
    run.launch.prolog = run.script("prolog", "echo one; echo two >&2");
    run.launch.epilog = run.script("epilog", "printf three");
    run.run();
    EXPECT_EQ(run.log(), "one\ntwo\njob\nthree");
    EXPECT_EQ(run.err(), "one\ntwo\nthree");
}

TEST(RunHooks, get_nothing_that_a_user_can_choose) {
    TestRun run("true");
    run.launch.environment = {"LD_LIBRARY_PATH=/evil", "BASH_ENV=/evil", "PATH=/evil", "RCQ_JOB_ID=1",
                              "CUDA_VISIBLE_DEVICES=9"};
    run.launch.hook_environment = {"RCQ_JOB_ID=1", "CUDA_VISIBLE_DEVICES=0"};
    run.launch.prolog = run.script("prolog", "/usr/bin/env | /usr/bin/sort");
    run.run();
    EXPECT_EQ(run.err(), "CUDA_VISIBLE_DEVICES=0\n"
                         "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=" +
                             run.at("").substr(0, run.at("").size() - 1) + "\nRCQ_JOB_ID=1\n");
}

TEST(RunHooks, run_as_the_executor_where_the_job_does_not) {
    TestRun run("id -u");
    if (geteuid() == 0) {
        run.launch.switch_user = true;
        run.launch.uid = run.launch.gid = 65534;
    }
    run.launch.prolog = run.script("prolog", "id -u");
    run.run();
    EXPECT_EQ(run.err(), std::to_string(geteuid()) + "\n");
}

TEST(RunHooks, a_prolog_that_fails_keeps_the_job_from_starting) {
    TestRun run("touch started");
    run.launch.prolog = run.script("prolog", "exit 3");
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.message, "prolog \"" + run.launch.prolog + "\" ended with exit code 3");
    EXPECT_EQ(end.host_fault, end.message);
    EXPECT_FALSE(end.exit_code);
    EXPECT_FALSE(run.has("job/started"));
    EXPECT_EQ(run.status().leader, 0);
    EXPECT_GT(end.ended_ms, 0);
}

TEST(RunHooks, a_prolog_that_is_missing_is_named) {
    TestRun run("true");
    run.launch.prolog = "/no/such/prolog";
    EXPECT_EQ(run.run().host_fault, "prolog \"/no/such/prolog\" cannot be executed: No such file or directory");
}

TEST(RunHooks, a_prolog_that_takes_too_long_is_killed_with_all_it_started) {
    TestRun run("touch started");
    run.launch.prolog = run.script("prolog", "setsid " + unique_sleep(30) + " & exec " + unique_sleep(30));
    run.launch.hook_limit_ms = 500;
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.host_fault, "prolog \"" + run.launch.prolog + "\" reached its time limit of 500 ms");
    EXPECT_TRUE(nobody_runs(unique_sleep(30)));
    EXPECT_FALSE(run.has("job/started"));
}

TEST(RunHooks, cancel_while_the_prolog_runs_is_no_fault_of_the_host) {
    TestRun run("touch started");
    run.launch.prolog = run.script("prolog", "touch \"$RCQ_RUN_DIR/ready\"; exec " + unique_sleep(31));
    run.launch.epilog = run.script("epilog", "touch \"$RCQ_RUN_DIR/epilog\"");
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_EQ(end.host_fault, "");
    EXPECT_FALSE(run.has("job/started"));
    EXPECT_TRUE(run.has("job/epilog"));
}

TEST(RunHooks, an_epilog_that_fails_is_a_fault_of_the_host_but_not_of_the_job) {
    TestRun run("exit 2");
    run.launch.epilog = run.script("epilog", "kill -KILL $$");
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "exit_code");
    EXPECT_EQ(end.exit_code, 2);
    EXPECT_EQ(end.host_fault, "epilog \"" + run.launch.epilog + "\" was killed by signal 9 (Killed)");
}

TEST(RunHooks, while_the_epilog_runs_the_number_of_the_job_s_session_is_no_more_told) {
    TestRun run("exit 0");
    run.launch.epilog = run.script("epilog", "touch \"$RCQ_RUN_DIR/ready\"\n"
                                             "while ! [ -e \"$RCQ_RUN_DIR/go\" ]; do sleep 0.01; done");
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    EXPECT_EQ(run.status().leader, 0);
    EXPECT_GT(run.status().started_ms, 0);
    std::ofstream(run.at("job/go")) << "";
    EXPECT_EQ(run.wait().exit_code, 0);
}

TEST(RunHooks, cancel_does_not_end_the_epilog) {
    TestRun run("exit 0");
    run.launch.epilog = run.script("epilog", "touch \"$RCQ_RUN_DIR/ready\"\n"
                                             "while ! [ -e \"$RCQ_RUN_DIR/go\" ]; do sleep 0.01; done");
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    run.signal(SIGINT);
    std::ofstream(run.at("job/go")) << "";
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "exit_code");
    EXPECT_EQ(end.host_fault, "");
}

} // namespace
} // namespace rcq::supervisor
