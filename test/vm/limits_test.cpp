// Runs in a cgroup that has limits. Needs root and version 2 of cgroups with the controllers cpu, memory and pids under
// /sys/fs/cgroup: a virtual machine (test/vm/run.sh).
#include "run.hpp"

namespace rcq::supervisor {
namespace {

class RunWithLimits : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(mkdir(cgroup_.c_str(), 0755), 0) << strerror(errno); }
    void TearDown() override { EXPECT_FALSE(std::filesystem::exists(cgroup_)) << "the supervisor removes it"; }

    void set(const std::string& file, const std::string& value) const {
        std::ofstream stream(cgroup_ + "/" + file);
        stream << value << std::flush;
        ASSERT_TRUE(stream.good()) << file;
    }
    [[nodiscard]] std::int64_t get(const std::string& file, const std::string& key = "") const {
        std::istringstream text(read_file(cgroup_ + "/" + file));
        std::string word;
        while (!key.empty() && text >> word && word != key) {
        }
        std::int64_t number = -1;
        text >> number;
        return number;
    }
    void grant_memory(TestRun& run, std::int64_t mib) const {
        set("memory.max", std::to_string(mib << 20));
        run.launch.cgroup = cgroup_;
        run.launch.cgroup_memory = true;
        run.launch.memory_mib = mib;
    }

    const std::string cgroup_ = "/sys/fs/cgroup/rcq-test";
};

TEST_F(RunWithLimits, a_job_killed_at_its_memory_limit_ends_as_oom_with_its_peak) {
    TestRun run("exec tail /dev/zero"); // keeps all it reads
    grant_memory(run, 48);
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "oom");
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_EQ(end.message, "memory limit reached: 48 MiB used, 48 MiB granted");
    EXPECT_GT(end.peak_kib, 47 * 1024);
    EXPECT_LE(end.peak_kib, 48 * 1024);
}

TEST_F(RunWithLimits, a_job_that_fails_because_a_child_was_killed_ends_as_oom) {
    TestRun run("tail /dev/zero");
    grant_memory(run, 32);
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "oom");
    EXPECT_EQ(end.exit_code, 128 + SIGKILL);
}

TEST_F(RunWithLimits, a_job_that_survives_the_end_of_a_child_at_the_limit_is_no_oom) {
    TestRun run("tail /dev/zero; exit 0");
    grant_memory(run, 32);
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "exit_code");
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_GT(end.peak_kib, 31 * 1024);
}

TEST_F(RunWithLimits, a_job_that_is_killed_with_all_its_processes_ends_as_oom) {
    TestRun run("trap '' TERM; " + unique_sleep(60) + " & tail /dev/zero; wait; exit 0");
    grant_memory(run, 32);
    set("memory.oom.group", "1");
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "oom");
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_TRUE(nobody_runs(unique_sleep(60)));
}

TEST_F(RunWithLimits, a_failure_within_the_memory_limit_is_no_oom) {
    TestRun run("exit 1");
    grant_memory(run, 32);
    EXPECT_EQ(run.run().kind, "exit_code");
}

TEST_F(RunWithLimits, cancel_before_the_memory_limit_stays_the_reason) {
    TestRun run("trap 'tail /dev/zero; exit 1' TERM; touch ready; while :; do sleep 0.01; done");
    grant_memory(run, 32);
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait().kind, "cancelled");
}

TEST_F(RunWithLimits, status_tells_what_the_cgroup_counts) {
    TestRun run("head -c 20000000 /dev/zero > /dev/shm/held; while ! [ -e go ]; do sleep 0.05; done");
    grant_memory(run, 64);
    run.start();
    EXPECT_TRUE(wait_until([&] { return run.status().memory_kib > 19'000 && run.status().cpu_us > 0; }));
    EXPECT_GE(run.status().peak_kib, run.status().memory_kib);
    unlink("/dev/shm/held");
    std::ofstream(run.at("job/go")) << "";
    EXPECT_EQ(run.wait().kind, "exit_code");
}

TEST_F(RunWithLimits, a_fork_bomb_is_held_and_nothing_of_it_is_left) {
    TestRun run("bomb() { bomb | bomb & }; bomb; while :; do sleep 0.1; done");
    set("pids.max", "40");
    run.launch.cgroup = cgroup_;
    run.start();
    EXPECT_TRUE(wait_until([&] { return get("pids.events", "max") > 100; }));
    EXPECT_LE(get("pids.current"), 40);
    run.signal(SIGINT);
    EXPECT_EQ(run.wait().kind, "cancelled");
    EXPECT_FALSE(std::filesystem::exists(cgroup_));
    EXPECT_TRUE(nobody_runs("bomb()"));
}

TEST_F(RunWithLimits, a_limit_on_the_processes_of_the_cgroup_is_the_only_one) {
    TestRun run("ulimit -p");
    set("pids.max", "40");
    run.launch.cgroup = cgroup_;
    run.launch.max_processes = 40;
    run.run();
    EXPECT_NE(run.out(), "40\n") << "of all processes of the user";
}

TEST_F(RunWithLimits, without_a_limit_of_the_cgroup_the_processes_of_the_user_are_limited) {
    TestRun run("ulimit -p");
    run.launch.cgroup = cgroup_;
    run.launch.max_processes = 40;
    run.run();
    EXPECT_EQ(run.out(), "40\n");
}

TEST_F(RunWithLimits, a_job_for_which_there_is_no_process_just_now_is_not_started) {
    TestRun run("true");
    set("pids.max", "0");
    run.launch.cgroup = cgroup_;
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.message, "cannot start a process: Resource temporarily unavailable");
    EXPECT_EQ(end.host_fault, "");
}

TEST_F(RunWithLimits, processes_in_sessions_of_their_own_are_killed_with_the_cgroup) {
    TestRun run("for i in 1 2 3 4 5; do (setsid sh -c '" + unique_sleep(61) + " & " + unique_sleep(61) +
                "' &); done; while [ $(wc -l < " + cgroup_ + "/cgroup.procs) -lt 12 ]; do sleep 0.05; done; exit 0");
    run.launch.cgroup = cgroup_;
    EXPECT_EQ(run.run().exit_code, 0);
    EXPECT_TRUE(nobody_runs(unique_sleep(61)));
}

TEST_F(RunWithLimits, cpu_time_is_held_to_what_is_granted) {
    TestRun run("while :; do :; done");
    set("cpu.max", "20000 100000");
    run.launch.cgroup = cgroup_;
    run.launch.time_limit_ms = 2000;
    run.start();
    EXPECT_TRUE(wait_until([&] { return get("cpu.stat", "nr_throttled") > 5; }));
    const rundir::End end = run.wait();
    EXPECT_EQ(end.kind, "timeout");
    EXPECT_GT(end.cpu_us, 100'000);
    EXPECT_LT(end.cpu_us, 1'000'000);
}

} // namespace
} // namespace rcq::supervisor
