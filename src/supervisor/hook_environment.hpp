// What a prolog or epilog gets of the job's environment. It may run as root where the job does not, so nothing that a
// user can choose for the job, such as LD_PRELOAD or BASH_ENV, may reach it.
#pragma once
#include <string>
#include <vector>

namespace rcq::supervisor {

// The variables RCQ_* and those that name the run's GPUs, and a PATH.
std::vector<std::string> hook_environment(const std::vector<std::string>& job);

} // namespace rcq::supervisor
