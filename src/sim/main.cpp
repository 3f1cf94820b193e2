#include "gpu_command.hpp"

int main(int argc, char** argv) {
    CLI::App app("Replays workload traces through the scheduling core of rcq", "rcq-sim");
    app.require_subcommand(1);
    int exit_code = 0;
    rcq::sim::add_gpu_command(app, exit_code);
    CLI11_PARSE(app, argc, argv);
    return exit_code;
}
