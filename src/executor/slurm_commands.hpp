// The command lines of Slurm's clients that the back end runs, and the reading of what they print.
#pragma once
#include "executor/backend.hpp"
#include "executor/program.hpp"
#include "rundir/launch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::executor {

struct SlurmSite {
    std::string bin_dir; // where sbatch and the others lie
    std::string partition;
    std::vector<std::string> options; // further options of sbatch, as given by the administrator
    std::string supervisor;           // absolute path of rcq-supervisor on the nodes
};

// What one run asks of Slurm.
struct SlurmRequest {
    int cpu_cores = 1;
    std::int64_t memory_mib = 0;
    int gpu_count = 0;
    std::int64_t minutes = 0; // 0: the limit of the partition
};

// The limit of Slurm is later than the supervisor's own, so that the supervisor ends a run that is too long, with its
// grace time, its epilog and its report.
SlurmRequest slurm_request(const rundir::Launch& launch);

// Name of a run's job in Slurm. Tokens are drawn at random from 63 bits, so that a job of this name is that run's and
// no other's, whatever Slurm has done with its numbers.
std::string slurm_job_name(std::int64_t token);
std::optional<std::int64_t> token_of_job_name(std::string_view name);

std::vector<std::string> sbatch_command(const SlurmSite& site, const SlurmRequest& request, const RunPlace& place);

// The number of the new job in what `sbatch --parsable` printed ("17" or "17;cluster").
std::optional<std::int64_t> parse_sbatch(std::string_view output);

// False: Slurm could not be asked, or its answer was lost. A client that failed all the same was refused.
bool slurm_answered(const ProgramEnd& end);

// The part of what a client said that tells something: the last line, without "sbatch: error: ".
std::string slurm_message(std::string_view output);

// All jobs of this user in the partition, the ended ones that Slurm still knows included.
std::vector<std::string> squeue_command(const SlurmSite& site);

struct SlurmJob {
    std::int64_t id = 0;
    std::int64_t token = 0;
    std::string state;  // RUNNING
    std::string reason; // why it waits or how it ended, for people
};

// The jobs that are runs of rcq; others are skipped.
std::vector<SlurmJob> parse_squeue(std::string_view output);

enum class SlurmSignal {
    terminate, // SIGTERM to the supervisor
    interrupt, // SIGINT to the supervisor
    end,       // Slurm ends the job by itself: TERM, KillWait, KILL; a waiting one is removed
};

// Changes nothing when the job of that number has another name.
std::vector<std::string> scancel_command(const SlurmSite& site, std::int64_t id, std::int64_t token,
                                         SlurmSignal signal);

} // namespace rcq::executor
