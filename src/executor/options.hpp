// Command line, environment and configuration file of the executor. The command line wins over the environment, which
// wins over the file.
#pragma once
#include "executor/capacity.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace rcq::executor {

struct Options {
    std::string dsn; // empty: the environment of libpq alone
    std::string hostname;
    Capacity capacity;
    std::vector<std::string> features;
    std::string state_dir;
    std::vector<std::string> workdir_allow; // absolute, without symbolic links or a trailing slash
    int max_runs = 10000;
    double poll_s = 5;
    bool listen = true;
    double kill_grace_s = 5;
    double drain_timeout_s = 0; // 0: wait without end
    double keep_outputs_days = 30;
    std::string log_level = "info";
    bool check = false;
    bool status = false;
    std::string program_dir; // where this program lies, with no trailing slash; empty: not known

    // Containment of runs.
    std::string supervisor_program; // absolute path of rcq-supervisor
    std::string cgroup = "auto"; // auto, off, required, or the absolute path of a cgroup that belongs to the executor
    bool cpu_affinity = true;    // runs are bound to the cores they were granted
    std::vector<std::string> allow_users; // started as root: unix users, or @groups of them, that jobs may run as
    std::string default_user;             // started as root: unix user of people who have none; empty: refused
    double run_quota_gb = 0;              // of one run's directory; 0: none
    double min_free_gb = 1;               // of the file system of the state directory; less: nothing new is run
    double log_limit_gb = 1;              // of one run's log file; 0: none
    int max_open_files = 0;               // of a job's process; 0: as the executor was started with
    int max_processes = 0;                // of a job's user, or of its cgroup; 0: no limit
    double max_core_gb = 0;               // of a core file

    // Hooks: absolute paths of programs; empty: none.
    std::string prolog;
    std::string epilog;
    double hook_timeout_s = 60;
    std::string health_check;
    double health_interval_s = 60;
    double health_timeout_s = 10;

    std::string status_file; // what this process is doing, as JSON; default: status.json in the state directory

    // GPUs beyond their number and type.
    std::vector<std::string> gpu_ids; // what CUDA_VISIBLE_DEVICES calls them: UUIDs, or empty for indices from 0
    std::string gpu_query;            // program that lists GPUs as nvidia-smi does; asked again for their health
    bool gpus_auto = false;           // their number, type and ids are found out (host.hpp)
    bool gpus_amd = false;            // found in sysfs: jobs get ROCR_VISIBLE_DEVICES as well

    // Facts of the host.
    bool detect = true; // adds them to the features
    std::string info;   // JSON object for the registration; empty until prepare_host (host.hpp)

    std::string backend = "process";        // or slurm; then these count
    std::string slurm_partition;            // empty until prepare_slurm: the cluster's default
    std::string slurm_bin_dir;              // of sbatch and the others; empty until prepare_slurm: found by PATH
    std::vector<std::string> slurm_options; // further ones of sbatch: --account=physics
    bool cores_given = false;               // of the capacity; what is not given is asked of the partition
    bool memory_given = false;
    bool gpus_given = false;
};

// Ends the process early: --help (0), --version (0), or a mistake (1). `what()` is the text to print.
class OptionsExit : public std::runtime_error {
public:
    OptionsExit(int code, const std::string& text) : std::runtime_error(text), code(code) {}
    int code;
};

// Every value is checked as far as it can be without looking at the host. Throws OptionsExit.
Options parse_options(int argc, const char* const* argv);

} // namespace rcq::executor
