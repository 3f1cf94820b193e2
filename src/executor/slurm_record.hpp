// What the Slurm back end keeps in the directory of a run:
//
//   slurm.sh    the batch script
//   slurm       number of the run's job in Slurm, once sbatch has answered
//   slurm.log   what the batch script had to complain about
//   started     a directory: the permission to start the run, which can be had once. mkdir is atomic on every file
//               system, shared ones included, so of all who try - the batch script, the same script when Slurm starts
//               the job a second time, the script of a job that was submitted twice, and the executor when it gives the
//               run up - exactly one succeeds. A lock would not do: locks of directories are not shared over NFS, and
//               they end with their holder.
#pragma once
#include "rundir/end.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace rcq::executor {

inline constexpr const char* slurm_script_file = "slurm.sh";
inline constexpr const char* slurm_job_file = "slurm";
inline constexpr const char* slurm_log_file = "slurm.log";
inline constexpr const char* slurm_start_dir = "started";

// All of them throw std::system_error, which names the file; files are replaced atomically.
void write_batch_script(const std::string& run_path);
void write_slurm_job(const std::string& run_path, std::int64_t id);
void write_run_end(const std::string& run_path, const rundir::End& end);

// False: the run has been started, or was given up, before.
bool take_start(const std::string& run_path);

// Nothing when the file is missing.
std::optional<std::int64_t> read_slurm_job(const std::string& run_path);
std::optional<rundir::End> read_run_end(const std::string& run_path);
std::string read_slurm_log(const std::string& run_path); // its first line

} // namespace rcq::executor
