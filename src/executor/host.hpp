// Options meet the host: what is to be found out is found out, and what the options need is looked for.
#pragma once
#include "executor/options.hpp"

#include <string>
#include <vector>

namespace rcq::executor {

// Finds GPUs if asked to, adds features of the host, fills `info`. Returns remarks: what was found and not used. Throws
// OptionsExit: GPUs were to be found and the program that lists them fails.
std::vector<std::string> prepare_host(Options& options);

} // namespace rcq::executor
