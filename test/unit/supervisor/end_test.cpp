// How runs end: by themselves, by signals, limits and the loss of contact; and that nothing of them is left.
#include "run.hpp"

namespace rcq::supervisor {
namespace {

TEST(RunEnd, tells_the_exit_code) {
    TestRun run("exit 3");
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "exit_code");
    EXPECT_EQ(end.exit_code, 3);
    EXPECT_FALSE(end.signal);
    EXPECT_EQ(end.message, "");
    EXPECT_EQ(end.host_fault, "");
    EXPECT_EQ(end.boot, rundir::boot_id());
    EXPECT_LE(end.ended_ms, rundir::boottime_ms());
    EXPECT_GT(end.ended_ms, rundir::boottime_ms() - 20'000);
    EXPECT_GT(end.cpu_us, 0);
    EXPECT_GT(end.peak_kib, 0);
    EXPECT_FALSE(run.has("end.tmp"));
    EXPECT_FALSE(run.has("log")) << "there was no output";
    EXPECT_FALSE(run.locked());
}

TEST(RunEnd, tells_the_signal_that_killed_the_job) {
    TestRun run("kill -SEGV $$");
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "signal");
    EXPECT_EQ(end.signal, SIGSEGV);
    EXPECT_EQ(end.message, "killed by signal 11 (Segmentation fault)");
}

TEST(RunEnd, cancel_lets_the_job_clean_up) {
    TestRun run("trap 'echo cleaned up; exit 5' TERM; touch ready; while :; do sleep 0.01; done");
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_EQ(end.message, "cancelled");
    EXPECT_EQ(end.exit_code, 5);
    EXPECT_EQ(run.out(), "cleaned up\n");
}

TEST(RunEnd, cancel_reaches_a_stopped_job) {
    TestRun run("trap 'exit 6' TERM; touch ready; kill -STOP $$; while :; do sleep 0.01; done");
    run.launch.kill_grace_ms = 15'000;
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait().exit_code, 6);
}

TEST(RunEnd, a_job_that_ignores_cancel_is_killed_after_the_grace_time) {
    TestRun run("trap '' TERM; touch ready; " + unique_sleep(1) + "; " + unique_sleep(1));
    run.launch.kill_grace_ms = 300;
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    const std::int64_t cancelled_ms = rundir::boottime_ms();
    run.signal(SIGTERM);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_GE(end.ended_ms, cancelled_ms + 300);
    EXPECT_TRUE(nobody_runs(unique_sleep(1)));
}

TEST(RunEnd, a_second_signal_kills_at_once) {
    TestRun run("trap '' TERM; touch ready; while :; do sleep 0.01; done");
    run.launch.kill_grace_ms = 600'000;
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    run.signal(SIGINT);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_EQ(end.signal, SIGKILL);
}

TEST(RunEnd, signals_that_are_not_meant_for_it_leave_the_run_alone) {
    TestRun run("while ! [ -e go ]; do sleep 0.01; done");
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.status().leader > 0; }));
    for (int number : {SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2}) run.signal(number);
    std::ofstream(run.at("job/go")) << "";
    EXPECT_EQ(run.wait().kind, "exit_code");
}

TEST(RunEnd, the_time_limit_ends_the_job) {
    TestRun run(unique_sleep(2));
    run.launch.time_limit_ms = 1000;
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "timeout");
    EXPECT_EQ(end.message, "time limit of 1 s reached");
    EXPECT_GE(end.ended_ms, run.status().started_ms + 1000);
}

TEST(RunEnd, the_first_reason_stays) {
    TestRun run("trap '' TERM; touch ready; while :; do sleep 0.01; done");
    run.launch.time_limit_ms = 1500;
    run.launch.kill_grace_ms = 3000;
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "cancelled");
    EXPECT_GT(end.ended_ms, run.status().started_ms + 1500) << "the time limit was reached, too";
}

TEST(RunEnd, a_job_that_takes_more_memory_than_granted_is_killed) {
    TestRun run("exec python3 -c 'import time; x = bytearray(64 << 20); time.sleep(99)'");
    run.launch.memory_mib = 32;
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "oom");
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_TRUE(end.message.starts_with("memory limit reached: ")) << end.message;
    EXPECT_TRUE(end.message.ends_with(" MiB used, 32 MiB granted")) << end.message;
    EXPECT_GT(end.peak_kib, 32 * 1024);
}

TEST(RunEnd, the_memory_of_all_processes_counts) {
    const std::string hold = "python3 -c 'import time; x = bytearray(24 << 20); time.sleep(99)'";
    TestRun run(hold + " & (setsid " + hold + " &) ; wait");
    run.launch.memory_mib = 40;
    EXPECT_EQ(run.run().kind, "oom");
}

TEST(RunEnd, a_directory_that_grows_beyond_its_quota_ends_the_job) {
    TestRun run("mkdir -p a/b; head -c 3000000 /dev/zero > a/b/one; exec " + unique_sleep(3));
    run.launch.quota_mib = 2;
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "disk_quota");
    EXPECT_EQ(end.message, "disk quota reached: 2 MiB in the run's directory, 2 MiB allowed");
}

TEST(RunEnd, only_what_is_in_the_directory_counts_for_the_quota) {
    TestRun run("ln -s /usr all; head -c 1500000 /dev/zero > one; for i in 1 2 3 4; do ln one $i; done; "
                "while ! [ -e go ]; do sleep 0.01; done");
    run.launch.quota_mib = 2;
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.status().leader > 0; }));
    const std::int64_t begin = run.status().started_ms;
    ASSERT_TRUE(wait_until([&] { return rundir::boottime_ms() > begin + 2500; })); // two walks
    std::ofstream(run.at("job/go")) << "";
    EXPECT_EQ(run.wait().kind, "exit_code");
}

TEST(RunEnd, daemons_do_not_survive_the_job) {
    TestRun run("(setsid sh -c '" + unique_sleep(5) + " & " + unique_sleep(5) + " &' &) ; sleep 0.05; exit 0");
    const rundir::End end = run.run();
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_TRUE(nobody_runs(unique_sleep(5)));
}

TEST(RunEnd, processes_that_fork_all_the_time_do_not_survive_the_job) {
    // Each of these ends after it has made its successor, in a session of its own.
    TestRun run("cat > hop.py <<'EOF'\n"
                "import os\n"
                "open('hopping' + '" +
                std::to_string(getpid()) +
                "', 'w')\n"
                "while True:\n"
                "    if os.fork(): os._exit(0)\n"
                "    os.setsid()\n"
                "EOF\n"
                "for i in 1 2 3; do python3 hop.py hop" +
                std::to_string(getpid()) +
                " & done\n"
                "while ! [ -e hopping" +
                std::to_string(getpid()) + " ]; do sleep 0.01; done; exit 0");
    run.run();
    EXPECT_TRUE(nobody_runs("hop" + std::to_string(getpid())));
}

TEST(RunEnd, a_fork_bomb_does_not_survive_cancel) {
    TestRun run("cat > bomb.py <<'EOF'\n"
                "import os, time, sys\n"
                "for i in range(7): os.fork()\n"
                "open('exploded', 'w')\n"
                "time.sleep(999)\n"
                "EOF\n"
                "exec python3 bomb.py bomb" +
                std::to_string(getpid()));
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/exploded"); }));
    run.signal(SIGINT);
    EXPECT_EQ(run.wait().kind, "cancelled");
    EXPECT_TRUE(nobody_runs("bomb" + std::to_string(getpid())));
}

TEST(RunEnd, children_of_threads_get_the_time_to_clean_up) {
    TestRun run;
    std::ofstream(run.at("job/threads.py")) << R"(
import os, signal, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def child():
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.execlp("sh", "sh", "-c", "trap 'touch cleaned; exit' TERM; touch ready; while :; do sleep 0.01; done")
    time.sleep(99)
threading.Thread(target=child, daemon=True).start()
while not os.path.exists("cleaned"): time.sleep(0.01)
)";
    run.launch.arguments = {"/usr/bin/env", "python3", "threads.py"};
    run.launch.kill_grace_ms = 10'000;
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait().kind, "cancelled");
    EXPECT_TRUE(run.has("job/cleaned"));
}

TEST(RunEnd, cpu_time_of_all_processes_counts) {
    const std::string burn = "python3 -c 'import time\nwhile time.process_time() < 0.3: pass'";
    TestRun run(burn + " & " + burn + "; wait");
    EXPECT_GE(run.run().cpu_us, 600'000);
}

TEST(RunEnd, a_broken_launch_file_is_a_spawn_error) {
    TestRun run;
    std::ofstream(run.at("launch")) << "token";
    run.start_as_it_is();
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "spawn_error");
    EXPECT_EQ(end.message, "the launch file is cut short");
}

TEST(RunEnd, an_end_that_the_disk_does_not_take_is_tried_again) {
    TestRun run("exit 4");
    mkdir(run.at("end.tmp").c_str(), 0700); // nothing can be written under that name
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.status().leader > 0 && kill(run.status().leader, 0) != 0; }));
    EXPECT_FALSE(run.has("end"));
    rmdir(run.at("end.tmp").c_str());
    EXPECT_EQ(run.wait().exit_code, 4);
}

} // namespace
} // namespace rcq::supervisor
