// Supervisors that are forked by the nursery: children of this process like any other.
#include "executor/process_backend.hpp"
#include "executor/run_directory.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"
#include "temporary_directory.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace rcq::executor {
namespace {

class NurseryTest : public ::testing::Test {
protected:
    NurseryTest() { uv_loop_init(&loop_); }
    ~NurseryTest() override {
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }

    void follow(ProcessBackend& backend) {
        backend.set_events({nullptr, [this](std::int64_t token) { ended_.push_back(token); },
                            [this](std::int64_t token, const HostFault&) { not_started_.push_back(token); }});
    }
    [[nodiscard]] std::string path(std::int64_t token) const {
        return directory_.path() + "/1-1-" + std::to_string(token);
    }
    void start(ProcessBackend& backend, std::int64_t token, const std::string& script) {
        std::filesystem::create_directories(path(token) + "/job");
        rundir::Launch launch;
        launch.job_id = 1;
        launch.token = token;
        launch.arguments = {"/bin/sh", "-c", script};
        launch.workdir = path(token) + "/job";
        std::ofstream(path(token) + "/" + rundir::launch_file) << encode(launch);
        const DirectoryLock lock(open(path(token).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_EQ(flock(lock.fd(), LOCK_EX | LOCK_NB), 0);
        backend.start({1, token, path(token)}, launch, lock.fd());
    }
    std::optional<rundir::End> end_of(std::int64_t token) {
        double age_s = 0;
        return RunDirectory(path(token)).read_end(age_s);
    }
    bool turn(const std::function<bool()>& condition) {
        Timer tick(&loop_, [] {});
        tick.start(1, 5);
        const std::int64_t until = rundir::boottime_ms() + 20'000;
        while (rundir::boottime_ms() < until && !condition()) uv_run(&loop_, UV_RUN_ONCE);
        return condition();
    }
    bool has_ended(std::int64_t token) {
        return turn([&] { return std::find(ended_.begin(), ended_.end(), token) != ended_.end(); });
    }
    // The child of this process that is no supervisor of a run.
    static pid_t nursery() {
        std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
        for (pid_t pid = 0; children >> pid;) {
            std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
            std::string arguments;
            std::getline(file, arguments);
            std::error_code none;
            const bool in_run = std::filesystem::exists(
                std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/cwd", none) / "job");
            if (arguments.find("--nursery") != std::string::npos && !in_run) return pid;
        }
        return 0;
    }

    uv_loop_t loop_{};
    TemporaryDirectory directory_;
    std::vector<std::int64_t> ended_;
    std::vector<std::int64_t> not_started_;
};

TEST_F(NurseryTest, a_supervisor_is_a_child_of_the_executor) {
    ProcessBackend backend(&loop_, RCQ_SUPERVISOR);
    follow(backend);
    start(backend, 7, "read line < ../go; exit 3");
    ASSERT_EQ(mkfifo((path(7) + "/go").c_str(), 0600), 0);
    std::optional<rundir::Status> status;
    ASSERT_TRUE(turn([&] {
        status = rundir::read_status(AT_FDCWD, (path(7) + "/" + rundir::status_file).c_str());
        return status.has_value();
    }));
    const auto supervisor = rundir::read_process_stat(status->supervisor);
    ASSERT_TRUE(supervisor);
    EXPECT_EQ(supervisor->parent, getpid());
    EXPECT_EQ(supervisor->session, status->supervisor);
    EXPECT_EQ(supervisor->start_ticks, status->supervisor_start_ticks);
    EXPECT_NE(nursery(), 0);
    EXPECT_EQ(lock_state(path(7)), LockState::held);
    backend.terminate(7); // the job waits for its line
    EXPECT_TRUE(has_ended(7));
    EXPECT_EQ(end_of(7)->kind, "cancelled");
    EXPECT_EQ(lock_state(path(7)), LockState::free);
}

TEST_F(NurseryTest, many_runs_at_once_end_once_each) {
    ProcessBackend backend(&loop_, RCQ_SUPERVISOR);
    follow(backend);
    for (std::int64_t token = 1; token <= 40; ++token) start(backend, token, "exit " + std::to_string(token));
    ASSERT_TRUE(turn([&] { return ended_.size() >= 40; }));
    std::sort(ended_.begin(), ended_.end());
    for (std::int64_t token = 1; token <= 40; ++token) {
        EXPECT_EQ(ended_[static_cast<std::size_t>(token - 1)], token);
        EXPECT_EQ(end_of(token)->exit_code, token);
    }
    EXPECT_TRUE(not_started_.empty());
}

TEST_F(NurseryTest, a_run_is_ended_that_is_cancelled_before_its_supervisor_is_known) {
    ProcessBackend backend(&loop_, RCQ_SUPERVISOR);
    follow(backend);
    start(backend, 7, "sleep 1000");
    backend.terminate(7);
    EXPECT_TRUE(has_ended(7));
    EXPECT_EQ(end_of(7)->kind, "cancelled");
}

TEST_F(NurseryTest, another_one_follows_one_that_was_killed) {
    ProcessBackend backend(&loop_, RCQ_SUPERVISOR);
    follow(backend);
    start(backend, 7, "exit 0");
    ASSERT_TRUE(has_ended(7));
    const pid_t first = nursery();
    ASSERT_GT(first, 0);
    kill(first, SIGKILL);
    start(backend, 8, "exit 4");
    ASSERT_TRUE(has_ended(8));
    if (!end_of(8)) { // asked in the moment of its death, the first one took the request with it
        start(backend, 9, "exit 4");
        ASSERT_TRUE(has_ended(9));
    }
    EXPECT_EQ(end_of(end_of(8) ? 8 : 9)->exit_code, 4);
    EXPECT_NE(nursery(), first);
}

TEST_F(NurseryTest, a_request_that_it_took_with_it_is_a_lost_run) {
    ProcessBackend backend(&loop_, RCQ_SUPERVISOR);
    follow(backend);
    start(backend, 7, "exit 0");
    ASSERT_TRUE(has_ended(7));
    const pid_t first = nursery();
    ASSERT_GT(first, 0);
    kill(first, SIGSTOP);
    ASSERT_TRUE(turn([&] { return rundir::read_process_stat(first)->state == 'T'; }));
    start(backend, 8, "exit 0");
    kill(first, SIGKILL);
    EXPECT_TRUE(has_ended(8));
    EXPECT_FALSE(end_of(8));
    EXPECT_EQ(std::count(ended_.begin(), ended_.end(), 8), 1);
}

TEST_F(NurseryTest, it_ends_with_the_executor_and_does_before_what_it_was_asked_for) {
    pid_t left = 0;
    {
        ProcessBackend backend(&loop_, RCQ_SUPERVISOR);
        follow(backend);
        start(backend, 7, "exit 0");
        ASSERT_TRUE(has_ended(7));
        left = nursery();
        ASSERT_GT(left, 0);
        kill(left, SIGSTOP);
        start(backend, 8, "exit 5");
    }
    kill(left, SIGCONT);
    EXPECT_TRUE(turn([&] { return end_of(8).has_value(); }));
    EXPECT_EQ(end_of(8)->exit_code, 5);
    int status = -1;
    EXPECT_EQ(waitpid(left, &status, 0), left);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    while (waitpid(-1, nullptr, 0) > 0) { // the supervisor, which nobody waits for
    }
}

TEST_F(NurseryTest, a_program_that_is_not_there_is_a_lasting_fault_of_the_host) {
    ProcessBackend backend(&loop_, directory_.path() + "/none");
    follow(backend);
    try {
        start(backend, 7, "exit 0");
        FAIL();
    } catch (const HostFault& fault) {
        EXPECT_TRUE(fault.lasting());
        EXPECT_NE(std::string(fault.what()).find("cannot start the supervisor"), std::string::npos);
    }
}

} // namespace
} // namespace rcq::executor
