// What is left of a run whose supervisor died without ending it.
#pragma once
#include "rundir/process_stat.hpp"

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

// The value of RCQ_RUN_DIR in the environment that a process was started with; empty when there is none to read.
std::string run_dir_of_process(pid_t pid);

// All processes of the host, zombies included.
std::vector<rundir::ProcessStat> list_processes();

// Of these processes the ones that belong to the run with this RCQ_RUN_DIR: their environment names it, or they are in
// the session of one that belongs to it or its children, whatever their own environment says. `session` is the job's
// when it is known for certain, else 0. Without zombies.
std::vector<pid_t> processes_of_run(const std::vector<rundir::ProcessStat>& processes, const std::string& run_dir,
                                    pid_t session,
                                    const std::function<std::string(pid_t)>& run_dir_of = run_dir_of_process);

} // namespace rcq::executor
