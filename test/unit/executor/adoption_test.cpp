// What an executor finds when it starts, and how it learns of the end of what it has found.
#include "executor/log_watch.hpp"
#include "executor/process_backend.hpp"
#include "executor/remover.hpp"
#include "executor/run_directory.hpp"
#include "executor/state_directory.hpp"
#include "no_descriptors.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"
#include "temporary_directory.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <sys/file.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {
namespace {

namespace fs = std::filesystem;

rundir::Launch launch_of(std::int64_t token) {
    rundir::Launch launch;
    launch.job_id = 1;
    launch.token = token;
    launch.arguments = {"/bin/true"};
    return launch;
}

class Adoption : public ::testing::Test {
protected:
    Adoption() {
        uv_loop_init(&loop_);
        fs::create_directories(state() + "/runs/1-1-7/job");
    }
    ~Adoption() override {
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }
    [[nodiscard]] std::string state() const { return directory_.path() + "/state"; }
    [[nodiscard]] std::string run() const { return state() + "/runs/1-1-7"; }
    void write_launch() const { std::ofstream(run() + "/" + rundir::launch_file) << encode(launch_of(7)); }
    // Runs the loop until the condition holds or the time is over.
    bool turn(const std::function<bool()>& condition, int ms = 5000) {
        Timer tick(&loop_, [] {});
        tick.start(1, 5);
        const std::int64_t until = rundir::boottime_ms() + ms;
        while (rundir::boottime_ms() < until && !condition()) uv_run(&loop_, UV_RUN_ONCE);
        return condition();
    }

    uv_loop_t loop_{};
    TemporaryDirectory directory_;
};

// What a process without descriptors does; a sanitizer needs some itself.
using AdoptionWithoutDescriptors = Adoption;

TEST_F(AdoptionWithoutDescriptors, a_run_whose_lock_cannot_be_looked_at_is_not_lost) {
    const int lock = open(run().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(flock(lock, LOCK_EX), 0);
    ProcessBackend backend(&loop_, "/no/such/program");
    int ended = 0;
    backend.set_events({nullptr, [&ended](std::int64_t) { ++ended; }, nullptr});
    backend.adopt({1, 7, run()}, launch_of(7));
    {
        const NoDescriptors none;
        EXPECT_FALSE(turn([&ended] { return ended > 0; }, 300));
    }
    EXPECT_FALSE(turn([&ended] { return ended > 0; }, 300)) << "it is held";
    close(lock);
    EXPECT_TRUE(turn([&ended] { return ended > 0; }));
}

TEST_F(AdoptionWithoutDescriptors, a_lost_run_is_not_over_while_nobody_knows_what_is_left_of_it) {
    ProcessBackend backend(&loop_, "/no/such/program");
    int ended = 0;
    backend.set_events({nullptr, [&ended](std::int64_t) { ++ended; }, nullptr});
    const int lock = open(run().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(flock(lock, LOCK_EX), 0);
    backend.adopt({1, 7, run()}, launch_of(7));
    EXPECT_FALSE(turn([&ended] { return ended > 0; }, 100));
    close(lock);
    {
        const NoDescriptors none;
        EXPECT_FALSE(turn([&ended] { return ended > 0; }, 300));
    }
    EXPECT_TRUE(turn([&ended] { return ended > 0; }));
}

TEST_F(Adoption, of_a_run_before_the_last_boot_nothing_is_looked_for) {
    ProcessBackend backend(&loop_, "/no/such/program");
    int ended = 0;
    backend.set_events({nullptr, [&ended](std::int64_t) { ++ended; }, nullptr});
    rundir::Launch launch = launch_of(7);
    launch.boot = "another";
    const pid_t left = fork(); // a process with that environment, which only a scan would find
    if (left == 0) {
        const std::string variable = "RCQ_RUN_DIR=" + run() + "/job";
        execle("/bin/sleep", "sleep", "1000", nullptr,
               std::array{variable.c_str(), static_cast<const char*>(nullptr)}.data());
        _exit(1);
    }
    backend.adopt({1, 7, run()}, launch);
    EXPECT_TRUE(turn([&ended] { return ended > 0; }));
    EXPECT_EQ(waitpid(left, nullptr, WNOHANG), 0) << "nobody has killed it";
    kill(left, SIGKILL);
    waitpid(left, nullptr, 0);
}

TEST_F(AdoptionWithoutDescriptors, a_state_directory_that_cannot_be_read_is_not_an_empty_one) {
    write_launch();
    Remover remover(&loop_);
    const StateDirectory directory(state(), false);
    {
        const NoDescriptors none;
        EXPECT_THROW((void)directory.find_runs(remover), std::runtime_error);
    }
    EXPECT_EQ(directory.find_runs(remover).size(), 1U);
    fs::remove(run() + "/" + rundir::launch_file);
    fs::create_directory(run() + "/" + rundir::launch_file);
    EXPECT_THROW((void)directory.find_runs(remover), std::runtime_error) << "is not to be read";
}

TEST_F(Adoption, nothing_is_removed_under_a_supervisor_that_cannot_be_ended) {
    std::ofstream(run() + "/" + rundir::launch_file) << "nonsense";
    const int lock = open(run().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(flock(lock, LOCK_EX), 0);
    Remover remover(&loop_);
    const StateDirectory directory(state(), false);
    EXPECT_THROW((void)directory.find_runs(remover), std::runtime_error);
    EXPECT_TRUE(remover.idle());
    EXPECT_TRUE(fs::exists(run() + "/job"));
    close(lock);
    EXPECT_TRUE(directory.find_runs(remover).empty());
    remover.finish();
    EXPECT_FALSE(fs::exists(run()));
}

TEST_F(Adoption, what_an_ended_run_left_is_kept_apart_under_the_path_that_was_told) {
    write_launch();
    std::ofstream(run() + "/" + rundir::log_file) << "text";
    fs::create_directories(run() + "/job/out");
    std::ofstream(run() + "/job/out/file") << "data";
    std::ofstream(run() + "/job/script") << "exit 0";
    Remover remover(&loop_);
    const StateDirectory directory(state(), false);
    const RunDirectory ended(run());
    EXPECT_TRUE(ended.collect_outputs().any);
    ended.announce();
    EXPECT_TRUE(fs::exists(ended.kept_output_path() + "/file")) << "before";
    EXPECT_TRUE(fs::exists(ended.kept_log_path()));
    ended.tidy(remover, true);
    remover.finish();
    EXPECT_FALSE(fs::exists(run()));
    EXPECT_FALSE(fs::is_symlink(ended.kept_path()));
    EXPECT_TRUE(fs::exists(ended.kept_output_path() + "/file")) << "afterwards";
    EXPECT_TRUE(fs::exists(ended.kept_log_path()));
    EXPECT_FALSE(fs::exists(ended.kept_path() + "/job/script"));
    EXPECT_TRUE(directory.find_runs(remover).empty());
}

TEST_F(AdoptionWithoutDescriptors, outputs_that_cannot_be_looked_at_are_not_none) {
    fs::create_directories(run() + "/job/out");
    std::ofstream(run() + "/job/out/file") << "data";
    const RunDirectory ended(run());
    {
        const NoDescriptors none;
        EXPECT_THROW((void)ended.collect_outputs(), std::system_error);
        double age_s = 0;
        EXPECT_THROW((void)ended.read_end(age_s), std::system_error);
    }
    EXPECT_TRUE(ended.collect_outputs().any);
}

TEST_F(Adoption, a_log_that_began_among_too_many_events_is_followed) {
    int grown = 0;
    LogWatch watch(&loop_, [&grown](std::int64_t) { ++grown; });
    watch.add(7, run());
    for (int i = 0; i < 20'000; ++i) {                                    // beyond fs.inotify.max_queued_events
        const std::string path = run() + "/file" + std::to_string(i % 2); // else they are merged
        close(open(path.c_str(), O_CREAT | O_WRONLY, 0600));
        unlink(path.c_str());
    }
    const std::string index = run() + "/" + rundir::index_file;
    std::ofstream(index) << "begin";
    EXPECT_TRUE(turn([&grown] { return grown > 0; })) << "anything may have happened";
    grown = 0;
    EXPECT_FALSE(turn([&grown] { return grown > 0; }, 100));
    std::ofstream(index, std::ios::app) << "more";
    EXPECT_TRUE(turn([&grown] { return grown > 0; }));
}

} // namespace
} // namespace rcq::executor
