#include "generate_command.hpp"

#include "arguments.hpp"
#include "generate.hpp"

#include <cstdio>

namespace rcq::sim {

void add_generate_command(CLI::App& app) {
    const auto model = std::make_shared<WorkloadModel>();
    CLI::App* generate =
        app.add_subcommand("generate", "Write a synthetic trace, the same for the same seed, to standard output");
    generate->footer(
        "Example: rcq-sim generate --jobs 50000 --load 0.9 | rcq-sim swf - --policy quota --backfill easy");
    generate->option_defaults()->always_capture_default();
    generate->add_option("--jobs", model->jobs, "number of jobs")->check(between(1, 1e7))->type_name("N");
    generate->add_option("--processors", model->processors, "size of the machine")
        ->check(between(1, 1e6))
        ->type_name("N");
    generate->add_option("--users", model->users, "number of users; the first submit most")
        ->check(between(1, 1e6))
        ->type_name("N");
    generate->add_option("--seed", model->seed, "same seed, same trace")->check(between(0, 9e15))->type_name("N");
    generate->add_option("--load", model->load, "processor time asked for, as a share of what the machine has")
        ->check(between(0.01, 100))
        ->type_name("X");
    generate->callback([model] { std::fputs(generate_swf(*model).c_str(), stdout); });
}

} // namespace rcq::sim
