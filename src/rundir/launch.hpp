// What a supervisor is to run and within which bounds; also what a later executor must know to take the run over.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace rcq::rundir {

struct Launch {
    std::int64_t job_id = 0;
    std::int64_t attempt = 1;
    std::int64_t token = 0;

    std::vector<std::string> arguments;   // of the job; the first one is the path to execute
    std::vector<std::string> environment; // NAME=VALUE
    std::string workdir;
    std::vector<std::string> workdir_allow; // not empty: after chdir the real path must lie inside one of these

    std::int64_t time_limit_ms = 0; // from the start of the job; 0: none
    std::int64_t kill_grace_ms = 5000;
    std::int64_t memory_mib = 0; // 0: no limit
    std::int64_t quota_mib = 0;  // of the job's directory; 0: none
    std::int64_t log_limit = 0;  // bytes of log and index together; output beyond is counted and dropped; 0: none
    std::string contact_file;    // not empty: the run ends when the executor had no contact for too long (status.hpp)

    std::string cgroup;         // absolute path of the run's own cgroup (version 2); empty: none
    bool cgroup_memory = false; // the cgroup enforces memory_mib; else the supervisor watches it
    std::vector<int> cpus;      // cores the job may use; empty: all
    int cpu_cores = 1;          // how many it was granted

    bool switch_user = false; // the rest of this paragraph counts
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;

    std::int64_t max_open_files = 0; // RLIMIT_NOFILE; 0: as inherited
    std::int64_t max_processes = 0;  // RLIMIT_NPROC, of the user, unless pids.max bounds the cgroup; 0: as inherited
    std::int64_t max_core_bytes = 0; // RLIMIT_CORE

    std::string prolog; // program that runs as the executor's user before the job, and must end with 0; empty: none
    std::string epilog; // the same after the job and all of its processes
    std::int64_t hook_limit_ms = 60'000;
    std::vector<std::string> hook_environment; // NAME=VALUE for both: no variable that a user set

    // For the executor that takes the run over.
    std::string interpreter; // of the script's first line, for messages
    std::vector<int> gpus;   // indices of the GPUs that the run holds
    std::string boot;        // boot_id() of the start
    std::string log_place;   // HOST:PATH of the whole log, as the log in the database names it
};

class LaunchError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A sequence of names and values, each ended by a zero byte; a list repeats its name. No value may contain a zero byte:
// LaunchError, which names the field.
std::string encode(const Launch& launch);

// Names that are not known are skipped, so that an older supervisor's directory can be read by a newer executor and the
// other way round. Throws LaunchError: cut short, not a number, no token or no arguments.
Launch decode_launch(std::string_view bytes);

} // namespace rcq::rundir
