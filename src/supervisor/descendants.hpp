// The processes below this one. As a subreaper the supervisor is the parent of every orphan, so nothing of a run can
// leave its tree, whatever sessions it makes.
#pragma once
#include "rundir/process_stat.hpp"

#include <vector>

namespace rcq::supervisor {

// A process that is forked meanwhile may be missed.
std::vector<rundir::ProcessStat> list_descendants();

// Sends the signal to the process groups of all descendants: a group gets it at once, so no fork inside of one escapes.
// True when there was a living one.
bool signal_descendants(int signal);

} // namespace rcq::supervisor
