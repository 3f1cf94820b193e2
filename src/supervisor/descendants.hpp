// The processes below this one. As a subreaper the supervisor is the parent of every orphan, so nothing of a run can
// leave its tree, whatever sessions it makes.
#pragma once
#include "rundir/process_stat.hpp"

#include <vector>

namespace rcq::supervisor {

// A process that is forked meanwhile may be missed. Costs what the run is large, not what the host is busy.
std::vector<rundir::ProcessStat> list_descendants();

// The same from all processes of the host, for a kernel that tells nobody's children (CONFIG_PROC_CHILDREN).
std::vector<rundir::ProcessStat> search_descendants();

// Sends the signal to the process groups of all descendants: a group gets it at once, so no fork inside of one escapes.
void signal_descendants(int signal);

} // namespace rcq::supervisor
