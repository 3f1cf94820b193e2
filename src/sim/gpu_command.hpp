// `rcq-sim gpu`: how many GPUs of a traced cluster get allocated.
#pragma once
#include <CLI/CLI.hpp>

namespace rcq::sim {

// Runs when the arguments are parsed; throws UsageError.
void add_gpu_command(CLI::App& app);

} // namespace rcq::sim
