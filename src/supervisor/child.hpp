// Starts a process: the job's first one, with all that the run grants and forbids it, or a prolog or epilog.
#pragma once
#include "rundir/launch.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::supervisor {

// Where on its way to exec a child failed.
enum class ChildStage : std::int32_t { fork = 1, cgroup, setup, cores, user, workdir, outside, exec };

struct ChildFailure { // smaller than PIPE_BUF: written in one piece
    ChildStage stage = ChildStage::fork;
    std::int32_t error = 0;
};

struct ChildPlan {
    std::vector<char*> arguments; // ended by a null pointer, as is the next
    std::vector<char*> environment;
    int out = -1;
    int err = -1;
    int failures = -1; // gets a ChildFailure; closed by exec
    int cgroup = -1;
    bool processes_bounded = false;      // by the cgroup: the job gets no limit on the processes of its user
    const rundir::Launch* job = nullptr; // limits, cores, user, workdir of a job; null: a prolog or epilog has none
};

// The pid, or -1 with errno. A child that cannot execute ends with 127 and leaves a failure.
pid_t start_child(const ChildPlan& plan);

// Pointers to the strings and a null pointer.
std::vector<char*> pointers(const std::vector<std::string>& strings);

// Whether another start may succeed.
enum class Blame {
    job,      // it asks for what cannot be: no
    host,     // not here
    shortage, // later
};
Blame blame(ChildFailure failure);

// What the user is told of a job that could not be started.
std::string failure_text(const rundir::Launch& launch, ChildFailure failure);

} // namespace rcq::supervisor
