// The processes of a run, found from outside: when its supervisor died without ending them, or cannot be told.
#pragma once
#include "executor/process_snapshot.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

// What is known of a run whose processes are looked for.
struct Trace {
    std::string run_dir;          // RCQ_RUN_DIR of its job
    uid_t user = 0;               // that the job runs as
    pid_t session = 0;            // of the job, when it is known for certain, else 0
    std::uint64_t not_before = 0; // its processes were started since then (ProcessStat::start_ticks)
};

struct Leftovers {
    std::vector<pid_t> processes; // without zombies
    bool certain = true;          // there are no processes of that user that could be the run's but hide it
};

// The processes that belong to the run: their environment names it, or they are in the session of one that belongs to
// it or its children, whatever their own environment says.
Leftovers leftovers_of(ProcessSnapshot& snapshot, const Trace& run);

// The supervisor of a run's directory: it works there, or is an ancestor of a process of the job. 0: there is none to
// be found.
pid_t supervisor_of(ProcessSnapshot& snapshot, const std::string& directory);

} // namespace rcq::executor
