// `rcq-sim gpu`: how many GPUs of a traced cluster get allocated.
#pragma once
#include <CLI/CLI.hpp>

namespace rcq::sim {

// Adds the command to the program. When it has run, exit_code is 0, or 2 for input that is of no use (told on stderr).
void add_gpu_command(CLI::App& app, int& exit_code);

} // namespace rcq::sim
