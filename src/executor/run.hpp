// One run of a job, from its start to its end.
//
//   queued -> running -> ended
//
// queued: claimed, waits for its turn to be started. running: its supervisor lives, or what it left behind is being
// ended. ended: nothing of it lives; waits for its log and its report to be answered. A run that cannot be started, or
// is cancelled while queued, goes straight to ended. What an earlier executor started begins as running.
#pragma once
#include "executor/job_spec.hpp"
#include "executor/launch_plan.hpp"
#include "executor/log_reader.hpp"
#include "executor/run_directory.hpp"
#include "rundir/progress.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace rcq::executor {

enum class RunState : std::uint8_t { queued, running, ended };

// What is reported of an ended run.
struct RunEnd {
    std::string kind; // a word of protocol::run_end
    std::optional<int> exit_code;
    std::optional<int> signal;
    double cpu_seconds = 0;
    std::int64_t peak_memory_mib = 0;
    std::int64_t ended_at_ms = 0; // boottime
    std::string message;
    std::string host_fault; // why nothing more should be run on this host
    Outputs outputs;
    std::int64_t result_bytes = 0; // size of the result, which stays in the run directory until it is reported; 0: none
};

class Run {
public:
    Run(std::int64_t job_id, std::int64_t token, const std::string& runs_dir, JobSpec spec);
    // One that an earlier executor started.
    Run(const rundir::Launch& launch, const std::string& path, Grants grants);

    void started(uid_t owner, Grants grants);
    // Ends a run that was not started.
    void end_unstarted(std::string_view kind, const std::string& message);
    // Its supervisor is gone: picks up what it left. Throws std::system_error when that cannot be read now.
    void collect_end();

    [[nodiscard]] std::int64_t job_id() const { return job_id_; }
    [[nodiscard]] std::int64_t token() const { return token_; }
    [[nodiscard]] RunState state() const { return state_; }
    [[nodiscard]] const JobSpec& spec() const { return *spec_; } // only while queued
    [[nodiscard]] RunDirectory& directory() { return directory_; }
    [[nodiscard]] LogReader& log() { return log_; }
    [[nodiscard]] RunEnd& end() { return end_; }
    [[nodiscard]] uid_t owner() const { return owner_; }
    [[nodiscard]] Grants release_grants() { return std::exchange(grants_, {}); }

    bool forgotten = false;                   // neither log nor report; removed once nothing of it lives
    bool log_position_known = true;           // how much of its log the server has
    bool reportable = false;                  // ended, and all of its log has arrived
    bool end_counted = false;                 // the books of the table
    std::string cancel_message;               // why this executor cancelled it
    std::int64_t usage_sent_ms = 0;           // boottime of the start, then of the last usage report
    std::string cgroup;                       // made for it; empty: none
    std::string log_place;                    // named to those who look for what the database does not hold of its log
    rundir::FileStamp progress_stamp;         // of the file when it was looked at last
    std::optional<rundir::Progress> progress; // what it said last of how far it is
    int refusals = 0;                         // how often the server called the report malformed

private:
    void take_over(const rundir::End& end, double age_s);
    void log_end() const;

    std::int64_t job_id_;
    std::int64_t token_;
    RunState state_ = RunState::queued;
    std::unique_ptr<JobSpec> spec_;
    RunDirectory directory_;
    LogReader log_;
    uid_t owner_;
    Grants grants_;
    RunEnd end_;
};

} // namespace rcq::executor
