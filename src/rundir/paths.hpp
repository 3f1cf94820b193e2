// The directory of a run, in which executor and supervisor meet: who writes which file. The supervisor outlives the
// executor, so everything that a later executor must know of a run stands here.
//
//   RUNS/JOB-ATTEMPT-TOKEN/   made and locked (flock) by the executor; the supervisor inherits the lock, so a locked
//                             directory has a supervisor, whatever became of the executor
//     launch      what is to be run (launch.hpp); written by the executor before the start
//     status      pids and usage while it runs (status.hpp); written by the supervisor
//     log         all output in its order; written by the supervisor
//     log.index   where of `log` a piece of which stream begins (log_index.hpp); written by the supervisor
//     end         how the run ended (end.hpp); written by the supervisor as `end.tmp`, then renamed
//     job/        RCQ_RUN_DIR, the only part that belongs to the job: script, payload, result, progress, out/
#pragma once

namespace rcq::rundir {

inline constexpr const char* launch_file = "launch";
inline constexpr const char* status_file = "status";
inline constexpr const char* log_file = "log";
inline constexpr const char* index_file = "log.index";
inline constexpr const char* end_file = "end";
inline constexpr const char* end_draft = "end.tmp";
inline constexpr const char* job_dir = "job";
inline constexpr const char* script_file = "job/script";
inline constexpr const char* payload_file = "job/payload";
inline constexpr const char* result_file = "job/result";
inline constexpr const char* progress_file = "job/progress"; // progress.hpp
inline constexpr const char* output_dir = "job/out";

// The descriptor of the run's directory, open and locked, that a supervisor is started with.
inline constexpr int directory_fd = 3;

} // namespace rcq::rundir
