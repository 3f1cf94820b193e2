// The executor as a whole: the event loop with everything on it, from start to exit code.
#pragma once
#include "executor/options.hpp"

#include <string>
#include <vector>

namespace rcq::executor {

// Runs until drained, refused or replaced; returns the exit code. `inherited` is what jobs see of our environment.
int run_executor(const Options& options, std::vector<std::string> inherited);

} // namespace rcq::executor
