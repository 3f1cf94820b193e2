// A run in a cgroup of its own. What a cgroup with controllers limits is tested in test/vm.
#include "refused_calls.hpp"
#include "run.hpp"

namespace rcq::supervisor {
namespace {

// A new cgroup below the first mount of version 2 that can be written; empty: there is none.
std::string make_cgroup() {
    std::ifstream mounts("/proc/self/mounts");
    std::string device;
    std::string path;
    std::string type;
    for (std::string rest; mounts >> device >> path >> type && std::getline(mounts, rest);) {
        const std::string cgroup = path + "/rcq-test-" + std::to_string(getpid());
        if (type == "cgroup2" && mkdir(cgroup.c_str(), 0755) == 0) return cgroup;
    }
    return {};
}

class RunInCgroup : public testing::Test {
protected:
    void SetUp() override {
        cgroup_ = make_cgroup();
        if (cgroup_.empty()) GTEST_SKIP() << "no cgroup of version 2 can be made here";
    }
    void TearDown() override { rmdir(cgroup_.c_str()); }
    std::string cgroup_;
};

TEST_F(RunInCgroup, the_job_is_born_in_it_and_it_is_removed_at_the_end) {
    TestRun run("grep ^0:: /proc/self/cgroup");
    run.launch.cgroup = cgroup_;
    EXPECT_EQ(run.run().exit_code, 0);
    EXPECT_TRUE(cgroup_.ends_with(run.out().substr(3, run.out().size() - 4))) << run.out();
    EXPECT_FALSE(std::filesystem::exists(cgroup_));
}

TEST_F(RunInCgroup, a_job_that_the_kernel_does_not_let_be_born_in_it_enters_it_by_itself) {
    for (int error : {ENOSYS, EINVAL, EPERM}) {
        mkdir(cgroup_.c_str(), 0755);
        TestRun run("cat /proc/self/cgroup");
        run.launch.cgroup = cgroup_;
        run.before_exec = [error] { refuse_call(SYS_clone3, error); };
        const rundir::End end = run.run();
        EXPECT_EQ(end.exit_code, 0) << end.message;
        EXPECT_NE(run.out().find("0::/"), std::string::npos);
        EXPECT_NE(run.out().find("/rcq-test-" + std::to_string(getpid()) + "\n"), std::string::npos) << run.out();
        EXPECT_FALSE(std::filesystem::exists(cgroup_));
    }
}

TEST_F(RunInCgroup, prolog_and_epilog_are_not_in_it) {
    TestRun run("true");
    run.launch.cgroup = cgroup_;
    run.launch.prolog = run.launch.epilog = run.script("hook", "grep ^0:: /proc/self/cgroup");
    run.run();
    EXPECT_NE(run.err(), "");
    EXPECT_EQ(run.err().find("rcq-test"), std::string::npos) << run.err();
}

TEST_F(RunInCgroup, its_cpu_time_is_the_run_s) {
    TestRun run("exec python3 -c 'import time\nwhile time.process_time() < 0.2: pass'");
    run.launch.cgroup = cgroup_;
    const rundir::End end = run.run();
    EXPECT_GE(end.cpu_us, 200'000);
    EXPECT_GT(end.peak_kib, 0) << "without the memory controller by looks at the processes";
}

TEST_F(RunInCgroup, what_comes_into_it_from_outside_of_the_run_ends_with_it) {
    TestRun run("while ! [ -e go ]; do sleep 0.01; done");
    run.launch.cgroup = cgroup_;
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.status().leader > 0; }));
    const pid_t stranger = fork();
    if (stranger == 0) {
        for (;;) pause();
    }
    std::ofstream(cgroup_ + "/cgroup.procs") << stranger;
    std::ofstream(run.at("job/go")) << "";
    run.wait();
    int status = 0;
    EXPECT_EQ(waitpid(stranger, &status, WNOHANG), stranger);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    kill(stranger, SIGKILL);
    EXPECT_FALSE(std::filesystem::exists(cgroup_));
}

TEST_F(RunInCgroup, cgroups_that_the_job_made_below_it_are_removed) {
    TestRun run("mkdir -p '" + cgroup_ + "/a/b' && echo $$ > '" + cgroup_ + "/a/b/cgroup.procs'; (setsid " +
                unique_sleep(40) + " &); exit 0");
    run.launch.cgroup = cgroup_;
    EXPECT_EQ(run.run().exit_code, 0);
    EXPECT_EQ(run.err(), "");
    EXPECT_TRUE(nobody_runs(unique_sleep(40)));
    EXPECT_FALSE(std::filesystem::exists(cgroup_));
}

} // namespace
} // namespace rcq::supervisor
