// What a job is started with, and starts that fail.
#include "refused_calls.hpp"
#include "run.hpp"

#include <pwd.h>
#include <sched.h>

namespace rcq::supervisor {
namespace {

// The line of a file like /proc/self/status that begins with the name, without the name.
std::string line_of(const std::string& text, const std::string& name) {
    const std::size_t at = text.find(name);
    if (at == std::string::npos) return {};
    const std::string line = text.substr(at + name.size(), text.find('\n', at) - at - name.size());
    const std::size_t value = line.find_first_not_of(" \t");
    return value == std::string::npos ? std::string() : line.substr(value);
}

const passwd& nobody() {
    const passwd* entry = getpwnam("nobody");
    EXPECT_NE(entry, nullptr);
    return *entry;
}

void run_as_nobody(rundir::Launch& launch) {
    launch.switch_user = true;
    launch.uid = nobody().pw_uid;
    launch.gid = nobody().pw_gid;
    launch.groups = {nobody().pw_gid};
}

TEST(RunStart, the_job_gets_three_descriptors_and_no_other) {
    TestRun run("for i in $(seq 0 99); do [ -L /proc/$$/fd/$i ] && echo $i; done; readlink /proc/$$/fd/0");
    run.run();
    EXPECT_EQ(run.out(), "0\n1\n2\n/dev/null\n");
}

TEST(RunStart, the_job_gets_its_environment_and_nothing_else) {
    TestRun run;
    setenv("RCQ_TEST_OF_THE_EXECUTOR", "secret", 1);
    run.launch.arguments = {"/usr/bin/env"};
    run.launch.environment = {"ONE=1", "TWO=a b\nc"};
    run.run();
    EXPECT_EQ(run.out(), "ONE=1\nTWO=a b\nc\n");
}

TEST(RunStart, the_job_is_the_leader_of_a_session_and_may_gain_no_privileges) {
    TestRun run("cat /proc/$$/stat /proc/self/status /proc/$$/oom_score_adj; umask; ulimit -c");
    run.run();
    const std::string out = run.out();
    const auto stat = out.substr(0, out.find('\n'));
    const std::string pid = out.substr(0, out.find(' '));
    EXPECT_TRUE(stat.starts_with(pid + " (sh) ")) << stat;
    EXPECT_NE(stat.find(" " + std::to_string(run.status().supervisor) + " " + pid + " " + pid + " "), std::string::npos)
        << stat;
    EXPECT_EQ(line_of(out, "NoNewPrivs:"), "1");
    // but for the two that are glibc's own, which posix_spawn leaves ignored
    constexpr unsigned long long internal = 3ULL << 31U;
    EXPECT_EQ(std::stoull(line_of(out, "SigIgn:"), nullptr, 16) & ~internal, 0U);
    EXPECT_EQ(line_of(out, "SigBlk:"), "0000000000000000");
    EXPECT_TRUE(out.ends_with("500\n0022\n0\n")) << out;
}

TEST(RunStart, limits_are_set) {
    TestRun run("ulimit -n; ulimit -p; ulimit -c");
    run.launch.max_open_files = 77;
    run.launch.max_processes = 4000;
    run.launch.max_core_bytes = 1024;
    run.run();
    EXPECT_EQ(run.out(), "77\n4000\n2\n");
}

TEST(RunStart, the_job_stays_on_its_cores) {
    TestRun run("grep Cpus_allowed_list /proc/$$/status");
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int last = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) last = CPU_ISSET(cpu, &allowed) ? cpu : last;
    run.launch.cpus = {last};
    run.run();
    EXPECT_EQ(line_of(run.out(), "Cpus_allowed_list:"), std::to_string(last));
}

TEST(RunStart, cores_that_the_host_has_not_are_a_fault_of_the_host) {
    TestRun run("true");
    run.launch.cpus = {8000};
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.message, "cannot use cores 8000: Invalid argument");
    EXPECT_EQ(end.host_fault, end.message);
}

TEST(RunStart, status_tells_who_runs) {
    TestRun run("while ! [ -e go ]; do :; done");
    const std::int64_t before = rundir::boottime_ms();
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.status().cpu_us > 0 && run.status().memory_kib > 0; }));
    const rundir::Status status = run.status();
    EXPECT_EQ(status.supervisor, run.pid());
    EXPECT_EQ(kill(status.leader, 0), 0);
    EXPECT_GE(status.started_ms, before);
    EXPECT_GT(status.supervisor_start_ticks, 0U);
    EXPECT_TRUE(run.locked());
    std::ofstream(run.at("job/go")) << "";
    run.wait();
}

TEST(RunStart, the_run_outlives_who_started_it) {
    TestRun run("while ! [ -e go ]; do sleep 0.01; done; exit 9");
    // The supervisor is a grandchild, and its parent ends at once.
    run.wrapper = {"/bin/sh", "-c", "\"$0\" & exit 0"};
    run.start();
    run.wait_for_starter();
    ASSERT_TRUE(wait_until([&] { return run.status().leader > 0; }));
    EXPECT_TRUE(run.locked());
    std::ofstream(run.at("job/go")) << "";
    ASSERT_TRUE(wait_until([&] { return !run.locked(); }));
    EXPECT_EQ(run.end().exit_code, 9);
}

TEST(RunStart, the_job_dies_with_its_supervisor) {
    TestRun run("echo ready; exec " + unique_sleep(20));
    if (geteuid() == 0) run_as_nobody(run.launch); // a change of the user clears what ties them
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.log() == "ready\n"; }));
    const pid_t leader = run.status().leader;
    run.signal(SIGKILL);
    EXPECT_TRUE(wait_until([&] { return kill(leader, 0) != 0; }));
    EXPECT_FALSE(run.has("end"));
}

TEST(RunStart, a_workdir_that_is_missing_is_named) {
    TestRun run("true");
    run.launch.workdir = "/no/such/directory";
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "spawn_error");
    EXPECT_EQ(end.message, "cannot enter workdir \"/no/such/directory\": No such file or directory");
    EXPECT_FALSE(end.exit_code);
}

TEST(RunStart, a_workdir_outside_of_what_is_allowed_is_refused) {
    TestRun run("true");
    const std::string link = run.at("job/link");
    symlink("/usr", link.c_str());
    run.launch.workdir = link; // resolves to somewhere else
    run.launch.workdir_allow = {run.at("job"), "/us"};
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "spawn_error");
    EXPECT_EQ(end.message,
              "workdir \"" + link + "\" is not allowed here: --workdir-allow lists " + run.at("job") + ", /us");
}

TEST(RunStart, a_workdir_inside_of_what_is_allowed_is_entered) {
    TestRun run("pwd");
    run.launch.workdir = "/usr/share";
    run.launch.workdir_allow = {"/opt", "/usr"};
    run.run();
    EXPECT_EQ(run.out(), "/usr/share\n");
}

TEST(RunStart, an_interpreter_that_is_missing_is_named) {
    TestRun run;
    run.launch.arguments = {run.script("job/script", "")};
    std::ofstream(run.at("job/script")) << "#!/no/such/interpreter -x\n";
    run.launch.interpreter = "/no/such/interpreter -x";
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "spawn_error");
    EXPECT_EQ(end.message, "cannot execute \"" + run.at("job/script") +
                               "\" with interpreter \"/no/such/interpreter -x\": No such file or directory");
}

TEST(RunStart, an_interpreter_of_a_megabyte_does_not_make_the_end_too_long_to_be_read) {
    TestRun run;
    run.launch.arguments = {run.script("job/script", "")};
    std::ofstream(run.at("job/script")) << "#!/no/such/interpreter\n";
    run.launch.interpreter = std::string(1 << 20, '/');
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "spawn_error");
    EXPECT_TRUE(end.message.starts_with("cannot execute ")) << end.message;
    EXPECT_LT(std::filesystem::file_size(run.at("end")), 64U << 10);
}

TEST(RunStart, a_program_that_is_missing_is_named) {
    TestRun run;
    run.launch.arguments = {"/no/such/program"};
    EXPECT_EQ(run.run().message, "cannot execute \"/no/such/program\": No such file or directory");
}

TEST(RunStart, a_cgroup_that_is_missing_is_a_fault_of_the_host) {
    TestRun run("true");
    run.launch.cgroup = "/sys/fs/cgroup/no-such-cgroup";
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.message, "cannot use cgroup \"/sys/fs/cgroup/no-such-cgroup\": No such file or directory");
    EXPECT_EQ(end.host_fault, end.message);
}

TEST(RunStart, a_process_that_cannot_be_set_up_is_a_fault_of_the_host) {
    TestRun run("true");
    run.before_exec = [] { refuse_call(SYS_prlimit64, EPERM); };
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.message, "cannot set up the process: Operation not permitted");
    EXPECT_EQ(end.host_fault, end.message);
}

TEST(RunStart, a_host_that_has_no_more_processes_just_now_is_not_at_fault) {
    TestRun run("true");
    run.before_exec = [] { refuse_call(SYS_clone, EAGAIN); };
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.message, "cannot start a process: Resource temporarily unavailable");
    EXPECT_EQ(end.host_fault, "");
    EXPECT_FALSE(end.exit_code);
}

TEST(RunStart, a_supervisor_that_gets_no_pipes_did_not_start_the_job) {
    TestRun run("true");
    run.before_exec = [] { refuse_call(SYS_pipe2, EMFILE); };
    const rundir::End end = run.run();
    EXPECT_EQ(end.kind, "not_started");
    EXPECT_EQ(end.message, "cannot start a process: Too many open files");
    EXPECT_EQ(end.host_fault, "");
}

TEST(RunStart, the_job_runs_as_the_user_it_is_for) {
    TestRun run("id -u; id -g; id -G; grep -E '^(Uid|Gid|CapEff):' /proc/$$/status; touch mine");
    run_as_nobody(run.launch);
    const rundir::End end = run.run();
    if (geteuid() != 0) {
        EXPECT_EQ(end.kind, "spawn_error");
        EXPECT_TRUE(end.message.starts_with("cannot run as user ")) << end.message;
        return;
    }
    const std::string uid = std::to_string(nobody().pw_uid);
    const std::string gid = std::to_string(nobody().pw_gid);
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_TRUE(run.out().starts_with(uid + "\n" + gid + "\n" + gid + "\n")) << run.out();
    EXPECT_EQ(line_of(run.out(), "Uid:"), uid + "\t" + uid + "\t" + uid + "\t" + uid);
    EXPECT_EQ(line_of(run.out(), "Gid:"), gid + "\t" + gid + "\t" + gid + "\t" + gid);
    EXPECT_EQ(line_of(run.out(), "CapEff:"), "0000000000000000");
    EXPECT_TRUE(run.has("job/mine"));
}

TEST(RunStart, a_job_never_runs_as_root_by_switching_to_it) {
    for (int which = 0; which < 3; ++which) {
        TestRun run("id");
        run_as_nobody(run.launch);
        if (which == 0) run.launch.uid = 0;
        if (which == 1) run.launch.gid = 0;
        if (which == 2) run.launch.groups.push_back(0);
        const rundir::End end = run.run();
        EXPECT_EQ(end.kind, "spawn_error");
        EXPECT_TRUE(end.message.ends_with(": a job never runs as root")) << end.message;
    }
}

TEST(RunStart, a_job_of_another_user_is_ended_like_any_other) {
    TestRun run("(setsid " + unique_sleep(21) + " &); touch ready; exec " + unique_sleep(21));
    if (geteuid() == 0) run_as_nobody(run.launch);
    run.start();
    ASSERT_TRUE(wait_until([&] { return run.has("job/ready"); }));
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait().kind, "cancelled");
    EXPECT_TRUE(nobody_runs(unique_sleep(21)));
}

} // namespace
} // namespace rcq::supervisor
