// `rcq-sim swf`: replays a trace and reports.
#pragma once
#include <CLI/CLI.hpp>

namespace rcq::sim {

// Runs when the arguments are parsed; throws UsageError. Leaves the exit code alone when all is well.
void add_swf_command(CLI::App& app);

} // namespace rcq::sim
