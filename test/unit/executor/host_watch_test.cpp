#include "executor/host_watch.hpp"
#include "executor/program.hpp"
#include "executor/status_report.hpp"
#include "rundir/status.hpp"
#include "temporary_directory.hpp"

#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace rcq::executor {
namespace {

using ::testing::HasSubstr;

// A loop that turns until a condition holds, or fails the test after ten seconds.
class Turns {
public:
    Turns() { uv_loop_init(&loop_); }
    ~Turns() {
        uv_run(&loop_, UV_RUN_DEFAULT); // lets the handles be closed
        EXPECT_EQ(uv_loop_close(&loop_), 0) << "something is left on the loop";
    }
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    uv_loop_t* loop() { return &loop_; }

    [[nodiscard]] bool until(const std::function<bool()>& condition) {
        Timer tick(&loop_, [] {});
        tick.start(5, 5);
        for (std::int64_t end = rundir::boottime_ms() + 10'000; rundir::boottime_ms() < end;) {
            if (condition()) return true;
            uv_run(&loop_, UV_RUN_ONCE);
        }
        return condition();
    }

private:
    uv_loop_t loop_{};
};

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool alive(const std::string& pid) { return !pid.empty() && kill(std::stoi(pid), 0) == 0; }

TEST(Program, tells_how_it_ended_and_what_it_said) {
    TemporaryDirectory directory;
    ProgramEnd end =
        run_program({directory.program("p", "echo; echo ' disk sda is failing '; echo more >&2; exit 3")}, 5000);
    EXPECT_EQ(end.exit_code, 3);
    EXPECT_FALSE(end.ok());
    EXPECT_EQ(end.first_line(), "disk sda is failing");
    EXPECT_EQ(end.describe(), "exit code 3: disk sda is failing");
    EXPECT_THAT(end.output, HasSubstr("more"));
    EXPECT_TRUE(run_program({directory.program("q", "exit 0")}, 5000).ok());
    EXPECT_EQ(run_program({directory.program("r", "kill -9 $$")}, 5000).describe(), "ended by signal 9");
    EXPECT_EQ(run_program({directory.path() + "/none"}, 5000).exit_code, 127);
}

TEST(Program, keeps_no_more_than_64_kib_of_its_output) {
    TemporaryDirectory directory;
    ProgramEnd end = run_program({directory.program("p", "head -c 1000000 /dev/zero | tr '\\0' x")}, 20'000);
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(end.output.size(), 65536);
    EXPECT_EQ(end.first_line().size(), 200);
}

TEST(Program, gets_signals_as_a_fresh_process_and_no_secrets) {
    TemporaryDirectory directory;
    setenv("PGPASSWORD", "secret", 1);                // NOLINT(concurrency-mt-unsafe)
    setenv("RCQ_EXECUTOR_DSN", "password=secret", 1); // NOLINT(concurrency-mt-unsafe)
    auto before = signal(SIGHUP, SIG_IGN);
    ProgramEnd end = run_program({directory.program("p", "env; kill -HUP $$; sleep 60")}, 9000);
    (void)signal(SIGHUP, before);
    unsetenv("PGPASSWORD");       // NOLINT(concurrency-mt-unsafe)
    unsetenv("RCQ_EXECUTOR_DSN"); // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(end.exit_code, 128 + SIGHUP);
    EXPECT_THAT(end.output, HasSubstr("PATH="));
    EXPECT_THAT(end.output, ::testing::Not(HasSubstr("secret")));
}

TEST(Program, is_killed_with_its_group_at_its_time_limit) {
    TemporaryDirectory directory;
    std::string pid_file = directory.path() + "/pid";
    std::int64_t begin = rundir::boottime_ms();
    ProgramEnd end =
        run_program({directory.program("p", "sleep 600 & echo $! > " + pid_file + "; echo waiting; wait")}, 300);
    EXPECT_LT(rundir::boottime_ms() - begin, 60'000);
    EXPECT_TRUE(end.timed_out);
    EXPECT_FALSE(end.ok());
    EXPECT_EQ(end.describe(), "no end within its time limit: waiting");
    std::string pid = text_of(pid_file);
    Turns turns;
    EXPECT_TRUE(turns.until([&] {
        return !alive(pid) ||
               text_of("/proc/" + std::to_string(std::stoi(pid)) + "/stat").find(") Z") != std::string::npos;
    }));
}

TEST(Program, is_killed_when_nobody_wants_it_any_more) {
    TemporaryDirectory directory;
    std::string pid_file = directory.path() + "/pid";
    Turns turns;
    {
        Program program(turns.loop(), {directory.program("p", "echo $$ > " + pid_file + "; sleep 600")}, 600'000,
                        [](const ProgramEnd&) { FAIL() << "nobody asked"; });
        ASSERT_TRUE(turns.until([&] { return text_of(pid_file).ends_with('\n'); }));
    }
    EXPECT_FALSE(alive(text_of(pid_file)));
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "it was waited for";
}

TEST(DiskGuard, ends_a_tenth_above_where_it_began) {
    DiskGuard guard(10);
    EXPECT_FALSE(guard.look(10.5, "/x"));
    EXPECT_EQ(*guard.look(9.9, "/x"), "less than 10 GB free in /x (min-free-gb)");
    EXPECT_TRUE(guard.look(10.5, "/x"));
    EXPECT_FALSE(guard.look(11.1, "/x"));
    EXPECT_FALSE(guard.look(10.5, "/x"));
}

class HostWatchTest : public testing::Test {
protected:
    HostWatchTest() {
        options_.state_dir = directory_.path();
        options_.min_free_gb = 0;
        options_.health_interval_s = 0.02;
        options_.health_timeout_s = 5;
    }

    std::unique_ptr<HostWatch> started() {
        HostWatch::Events events;
        events.condition_changed = [this](const std::optional<std::string>& reason) { told_.push_back(reason); };
        events.gpus_changed = [this](const std::vector<bool>& faulty) { faulty_.push_back(faulty); };
        auto watch = std::make_unique<HostWatch>(turns_.loop(), options_, events);
        watch->start();
        return watch;
    }
    [[nodiscard]] bool told(std::size_t times) {
        return turns_.until([&] { return told_.size() >= times; });
    }

    TemporaryDirectory directory_;
    Turns turns_;
    Options options_;
    std::vector<std::optional<std::string>> told_;
    std::vector<std::vector<bool>> faulty_;
};

TEST_F(HostWatchTest, tells_of_a_health_check_that_fails_and_of_its_recovery_once_each) {
    std::string bad = directory_.file("bad", "");
    std::string count = directory_.path() + "/count";
    options_.health_check =
        directory_.program("check", "echo >> " + count + "; [ ! -e " + bad + " ] || { echo disk sda; exit 2; }");
    auto watch = started();
    ASSERT_TRUE(told(1));
    EXPECT_EQ(told_[0], "health check failed: exit code 2: disk sda");
    EXPECT_EQ(watch->condition(), told_[0]);
    std::size_t runs = text_of(count).size();
    ASSERT_TRUE(turns_.until([&] { return text_of(count).size() >= runs + 3; }));
    EXPECT_EQ(told_.size(), 1) << "the same condition is told once";
    std::filesystem::remove(bad);
    ASSERT_TRUE(told(2));
    EXPECT_EQ(told_[1], std::nullopt);
}

TEST_F(HostWatchTest, a_health_check_that_hangs_is_a_condition) {
    options_.health_timeout_s = 0.2;
    options_.health_check = directory_.program("check", "echo looking; sleep 600");
    auto watch = started();
    ASSERT_TRUE(told(1));
    EXPECT_EQ(told_[0], "health check failed: no end within its time limit: looking");
}

TEST_F(HostWatchTest, a_health_check_that_is_gone_is_a_condition) {
    options_.health_check = directory_.path() + "/none";
    auto watch = started();
    ASSERT_TRUE(told(1));
    EXPECT_THAT(*told_[0], HasSubstr("cannot be started"));
}

TEST_F(HostWatchTest, too_little_room_is_a_condition_from_the_start) {
    options_.min_free_gb = 1e9;
    auto watch = started();
    ASSERT_EQ(told_.size(), 1);
    EXPECT_THAT(*told_[0], HasSubstr("less than 1e+09 GB free in " + directory_.path()));
}

TEST_F(HostWatchTest, several_conditions_are_one_reason) {
    options_.min_free_gb = 1e9;
    options_.health_check = directory_.program("check", "exit 1");
    auto watch = started();
    ASSERT_TRUE(told(2));
    EXPECT_THAT(*told_[1], HasSubstr("GB free"));
    EXPECT_THAT(*told_[1], HasSubstr("; health check failed: exit code 1"));
}

TEST_F(HostWatchTest, a_gpu_that_vanishes_is_named_and_comes_back) {
    std::string list = directory_.file("list", "0, GPU-a, Tesla T4, 16384\n1, GPU-b, Tesla T4, 16384\n");
    options_.gpu_query = directory_.program("smi", "cat " + list);
    options_.gpu_ids = {"GPU-a", "GPU-b"};
    options_.capacity.gpu_count = 2;
    auto watch = started();
    (void)directory_.file("new", "0, GPU-a, Tesla T4, 16384\n");
    std::filesystem::rename(directory_.path() + "/new", list);
    ASSERT_TRUE(told(1));
    EXPECT_EQ(told_[0], "GPU GPU-b: is gone");
    EXPECT_EQ(faulty_.back(), (std::vector<bool>{false, true}));
    (void)directory_.file("new", "0, GPU-a, Tesla T4, [Unknown Error]\n1, GPU-b, Tesla T4, 16384\n");
    std::filesystem::rename(directory_.path() + "/new", list);
    ASSERT_TRUE(told(2));
    EXPECT_EQ(told_[1], "GPU GPU-a: [Unknown Error]");
    (void)directory_.file("new", "0, GPU-a, Tesla T4, 16384\n1, GPU-b, Tesla T4, 16384\n");
    std::filesystem::rename(directory_.path() + "/new", list);
    ASSERT_TRUE(told(3));
    EXPECT_EQ(told_[2], std::nullopt);
    EXPECT_EQ(faulty_.back(), (std::vector<bool>{false, false}));
}

TEST_F(HostWatchTest, gpus_that_cannot_be_asked_are_not_granted) {
    options_.gpu_query = directory_.program("smi", "echo driver mismatch; exit 18");
    options_.gpu_ids = {"GPU-a", "GPU-b"};
    options_.capacity.gpu_count = 2;
    auto watch = started();
    ASSERT_TRUE(told(1));
    EXPECT_EQ(told_[0], "the GPUs cannot be asked: exit code 18: driver mismatch");
    EXPECT_EQ(faulty_.back(), (std::vector<bool>{true, true}));
}

class StatusFileTest : public testing::Test {
protected:
    StatusFileTest() : path_(directory_.path() + "/status.json") {
        report_.name = "node-a";
        report_.executor = 3;
        report_.connected = true;
        report_.connected_changed_ms = rundir::boottime_ms();
        report_.runs = {{"running", 2}};
        report_.cores = 8;
        report_.free_cores = 6;
    }
    nlohmann::json written() { return nlohmann::json::parse(text_of(path_), nullptr, false); }

    TemporaryDirectory directory_;
    std::string path_;
    Turns turns_;
    StatusReport report_;
};

TEST_F(StatusFileTest, says_what_the_process_is_doing_and_is_written_on_change) {
    {
        StatusFile file(turns_.loop(), path_, [this] { return report_; });
        EXPECT_EQ(read_status_file(path_).exit_code, status_not_running);
        file.start();
        EXPECT_EQ(written()["name"], "node-a");
        EXPECT_EQ(written()["runs"]["running"], 2);
        EXPECT_EQ(written()["free_cpu_cores"], 6);
        EXPECT_EQ(written()["drain_reason"], nullptr);
        EXPECT_EQ(written()["pid"], getpid());
        EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0644));
        StatusAnswer answer = read_status_file(path_);
        EXPECT_EQ(answer.exit_code, status_connected);
        EXPECT_THAT(answer.text, HasSubstr("\"name\": \"node-a\""));

        report_.connected = false;
        report_.drain_reason = "health check failed";
        file.changed();
        ASSERT_TRUE(turns_.until([&] { return written()["draining"] == true; }));
        EXPECT_EQ(written()["drain_reason"], "health check failed");
        EXPECT_EQ(read_status_file(path_).exit_code, status_unconnected);
    }
    EXPECT_FALSE(std::filesystem::exists(path_)) << "gone with the process";
}

TEST_F(StatusFileTest, of_a_process_that_is_gone_or_stuck_is_told_from_one_that_runs) {
    auto status = nlohmann::json::parse(encode_status(report_));
    status["start_ticks"] = status["start_ticks"].get<std::int64_t>() - 1; // the pid is somebody else's now
    StatusAnswer gone = read_status_file(directory_.file("gone", status.dump()));
    EXPECT_EQ(gone.exit_code, status_not_running);
    EXPECT_THAT(gone.text, HasSubstr("is gone"));

    status = nlohmann::json::parse(encode_status(report_));
    status["written_ms"] = rundir::boottime_ms() - 100'000;
    StatusAnswer stuck = read_status_file(directory_.file("stuck", status.dump()));
    EXPECT_EQ(stuck.exit_code, status_unconnected);
    EXPECT_THAT(stuck.text, HasSubstr("nothing written for 10"));

    EXPECT_EQ(read_status_file(directory_.file("other", "[]")).exit_code, status_not_running);
}

TEST_F(StatusFileTest, that_cannot_be_written_stops_nothing) {
    StatusFile file(turns_.loop(), directory_.path() + "/none/status.json", [this] { return report_; });
    file.start();
    file.changed();
    EXPECT_TRUE(turns_.until([] { return true; }));
}

} // namespace
} // namespace rcq::executor
