// One run of a job, from its start to its end.
//
//   queued -> running -> draining -> ended
//
// queued: claimed, waits for its turn to be started. running: its first process lives. draining: that process ended;
// what it left behind is killed and the pipes are read out, at most for a second. ended: waits for its log and its
// report to be answered. A run that cannot be started, or is cancelled while queued, goes straight to ended.
#pragma once
#include "executor/job_spec.hpp"
#include "executor/log_pump.hpp"
#include "executor/loop.hpp"
#include "executor/run_directory.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace rcq::executor {

class Run;
class Spawner;
struct Options;

// What a run needs from the supervisor that holds it.
class RunHost {
public:
    virtual ~RunHost() = default;
    virtual uv_loop_t* loop() = 0;
    virtual const Options& options() = 0;
    virtual Spawner& spawner() = 0;
    virtual LogMemory& log_memory() = 0;
    virtual const std::string& runs_dir() = 0;
    virtual const std::string& boot() = 0;
    virtual const std::vector<std::string>& inherited_environment() = 0;
    virtual void signal_tree(Run& run, int signal) = 0; // every living process of the run
    virtual bool kill_left_behind(Run& run) = 0;        // after the first process ended; true when any was left
    virtual void run_log_grown(Run& run) = 0;
    virtual void run_ended(Run& run) = 0;
};

enum class RunState { queued, running, draining, ended };

// What is reported of an ended run.
struct RunEnd {
    std::string kind; // a word of protocol::run_end
    std::optional<int> exit_code;
    std::optional<int> signal;
    double cpu_seconds = 0;
    std::int64_t peak_memory_mib = 0;
    std::int64_t ended_at_ms = 0; // boottime
    std::string message;
    Outputs outputs;
    std::int64_t result_bytes = 0; // size of the result, which stays in the run directory until it is reported; 0: none
};

class Run {
public:
    Run(RunHost& host, std::int64_t job_id, std::int64_t token, JobSpec spec);

    void start(std::vector<int> gpus);
    void refuse(const std::string& message); // ends as spawn_error without a start

    // TERM, the grace time, KILL; the first reason stays. Nothing for a run that is no longer running.
    void terminate(std::string_view kind, const std::string& message);
    // KILL at once.
    void kill(std::string_view kind, const std::string& message);
    // KILL at once, and neither logs nor a report.
    void kill_and_forget();

    void leader_exited(int status, const rusage& usage);
    void sample(std::int64_t memory_kib, double cpu_seconds, bool outside_session);

    [[nodiscard]] std::int64_t job_id() const { return job_id_; }
    [[nodiscard]] std::int64_t token() const { return token_; }
    [[nodiscard]] const JobSpec& spec() const { return spec_; }
    [[nodiscard]] RunState state() const { return state_; }
    [[nodiscard]] bool alive() const { return state_ == RunState::running || state_ == RunState::draining; }
    [[nodiscard]] bool forgotten() const { return forgotten_; }
    [[nodiscard]] pid_t leader() const { return leader_; }
    [[nodiscard]] bool has_outside_members() const { return outside_members_; }
    [[nodiscard]] std::vector<int> release_gpus() { return std::exchange(gpus_, {}); }
    [[nodiscard]] const RunDirectory& directory() const { return directory_; }
    [[nodiscard]] LogPump& log() { return log_; }
    [[nodiscard]] RunEnd& end() { return end_; }
    [[nodiscard]] double cpu_seconds() const { return cpu_seconds_; }
    [[nodiscard]] std::int64_t peak_memory_mib() const { return (peak_kib_ + 1023) / 1024; }

    std::int64_t usage_sent_ms = 0; // boottime of the start, then of the last usage report
    bool end_counted = false;       // the supervisor's books
    int refusals = 0;               // how often the server called the report malformed

private:
    void launch();
    void signalled(std::string_view kind, const std::string& message);
    void keep_killing();
    void drain();
    void finish();
    void describe_end();
    void check_result();
    [[nodiscard]] std::string spawn_failure_text(int stage, int error) const;

    RunHost& host_;
    std::int64_t job_id_;
    std::int64_t token_;
    JobSpec spec_;
    RunState state_ = RunState::queued;
    bool forgotten_ = false;
    bool outside_members_ = false;
    pid_t leader_ = 0;
    std::vector<int> gpus_;
    RunDirectory directory_;
    LogPump log_;
    std::string interpreter_line_;
    std::string intended_kind_; // why the executor itself ends the run
    std::string intended_message_;
    int status_ = 0;
    double cpu_seconds_ = 0;
    std::int64_t peak_kib_ = 0;
    std::int64_t own_kib_at_start_ = 0;
    std::int64_t drain_deadline_ms_ = 0;
    std::optional<Timer> limit_timer_;
    std::optional<Timer> kill_timer_;
    std::optional<Timer> drain_timer_;
    RunEnd end_;
};

} // namespace rcq::executor
