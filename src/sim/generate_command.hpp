// `rcq-sim generate`: writes a synthetic trace to standard output.
#pragma once
#include <CLI/CLI.hpp>

namespace rcq::sim {

// Runs when the arguments are parsed; throws UsageError.
void add_generate_command(CLI::App& app);

} // namespace rcq::sim
