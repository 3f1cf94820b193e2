#include "gpu_command.hpp"
#include "gpu_replay.hpp"
#include "gpu_trace.hpp"
#include "usage_error.hpp"
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

namespace rcq::sim {
namespace {

constexpr std::array demands{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130}; // per cent of the GPUs

struct Options {
    std::string nodes;
    std::string pods;
    int runs = 10;
    std::uint64_t seed = 1;
    bool gpu_nodes_only = false;
    bool json = false;
};

// All runs of one way to place.
class Runs {
public:
    void add(Allocation run) { runs_.push_back(std::move(run)); }
    std::vector<double> at(int demand) const {
        const auto index =
            static_cast<std::size_t>(std::find(demands.begin(), demands.end(), demand) - demands.begin());
        std::vector<double> values;
        for (const Allocation& run : runs_) values.push_back(run.percent[index]);
        return values;
    }
    double mean_at(int demand) const {
        const std::vector<double> values = at(demand);
        return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    }
    double least_at(int demand) const {
        const std::vector<double> values = at(demand);
        return *std::min_element(values.begin(), values.end());
    }

private:
    std::vector<Allocation> runs_;
};

struct Report {
    std::size_t nodes = 0;
    std::size_t pods = 0;
    std::int64_t gpus = 0;
    std::size_t classes = 0;
    Runs fitness;
    Runs best_fit;
    Skipped skipped_nodes;
    Skipped skipped_pods;
};

Report run(const Options& options) {
    Nodes nodes = read_nodes(options.nodes);
    const Pods pods = read_pods(options.pods);
    if (options.gpu_nodes_only)
        std::erase_if(nodes.executors, [](const core::Executor& e) { return e.capacity.gpu_milli == 0; });
    const std::int64_t all = gpu_milli_of(nodes.executors);
    if (all == 0) throw UsageError(options.nodes + " has no GPUs");
    const auto expected = std::make_shared<const core::Workload>(workload_of(pods.shapes));

    Report report;
    report.nodes = nodes.executors.size();
    report.pods = pods.shapes.size();
    report.gpus = all / core::GpuRoom::device;
    report.classes = expected->classes().size();
    report.skipped_nodes = nodes.skipped;
    report.skipped_pods = pods.skipped;
    for (int i = 0; i < options.runs; ++i) {
        const std::int64_t most = (all * demands.back() + 99) / 100;
        const auto arrivals = random_arrivals(pods.shapes, most, options.seed + static_cast<std::uint64_t>(i));
        if (!arrivals) throw UsageError(options.pods + " asks for too few GPUs to fill the cluster");
        report.fitness.add(replay(nodes.executors, pods.shapes, *arrivals, demands, expected));
        report.best_fit.add(replay(nodes.executors, pods.shapes, *arrivals, demands, nullptr));
    }
    return report;
}

void print_json(const Options& options, const Report& report) {
    nlohmann::ordered_json by_demand = nlohmann::ordered_json::array();
    for (const int demand : demands)
        by_demand.push_back({{"demand", demand},
                             {"gpu_allocated", report.fitness.mean_at(demand)},
                             {"best_fit", report.best_fit.mean_at(demand)}});
    const nlohmann::ordered_json out{{"nodes", report.nodes},
                                     {"gpus", report.gpus},
                                     {"pods", report.pods},
                                     {"workload_classes", report.classes},
                                     {"runs", options.runs},
                                     {"seed", options.seed},
                                     {"gpu_allocated_at_100", report.fitness.mean_at(100)},
                                     {"gpu_allocated_at_100_min", report.fitness.least_at(100)},
                                     {"gpu_allocated_at_100_runs", report.fitness.at(100)},
                                     {"best_fit_at_100", report.best_fit.mean_at(100)},
                                     {"best_fit_at_100_min", report.best_fit.least_at(100)},
                                     {"best_fit_at_100_runs", report.best_fit.at(100)},
                                     {"by_demand", std::move(by_demand)},
                                     {"skipped", {{"nodes", report.skipped_nodes}, {"pods", report.skipped_pods}}}};
    std::cout << out.dump(2) << '\n';
}

void print_skipped(const char* file, const Skipped& skipped) {
    for (const auto& [reason, count] : skipped)
        std::printf("%s: %zu rows left out (%s)\n", file, count, reason.c_str());
}

void print_table(const Options& options, const Report& report) {
    std::printf("%zu nodes, %lld GPUs, %zu pods, %zu classes expected, %d runs\n", report.nodes,
                static_cast<long long>(report.gpus), report.pods, report.classes, options.runs);
    print_skipped("nodes", report.skipped_nodes);
    print_skipped("pods", report.skipped_pods);
    std::printf("\nGPUs allocated when arrivals have asked for so many, mean of the runs, in per cent of all:\n"
                "%8s %10s %10s\n",
                "demand", "allocated", "best fit");
    for (const int demand : demands)
        std::printf("%8d %10.2f %10.2f\n", demand, report.fitness.mean_at(demand), report.best_fit.mean_at(demand));
    std::printf("\nruns at 100:\n%8s %10s %10s\n", "run", "allocated", "best fit");
    const std::vector<double> ours = report.fitness.at(100);
    const std::vector<double> best_fit = report.best_fit.at(100);
    for (std::size_t i = 0; i < ours.size(); ++i) std::printf("%8zu %10.2f %10.2f\n", i + 1, ours[i], best_fit[i]);
    std::printf("%8s %10.2f %10.2f\n", "min", report.fitness.least_at(100), report.best_fit.least_at(100));
    std::printf("\ngpu_allocated_at_100 %.2f\n", report.fitness.mean_at(100));
}

} // namespace

void add_gpu_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("gpu", "Replay a GPU trace: how many GPUs of its cluster get allocated");
    command->add_option("nodes", options->nodes, "Nodes: CSV with cpu_milli, memory_mib, gpu, model; may be gzipped")
        ->required();
    command
        ->add_option("pods", options->pods,
                     "Pods: CSV with cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec; may be gzipped")
        ->required();
    command->add_option("--runs", options->runs, "Random orders of arrival to replay")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    command->add_option("--seed", options->seed, "Seed of the first order; each further run adds 1")
        ->capture_default_str();
    command->add_flag("--gpu-nodes-only", options->gpu_nodes_only, "Leave out nodes without GPUs");
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options] {
        const Report report = run(*options);
        options->json ? print_json(*options, report) : print_table(*options, report);
    });
}

} // namespace rcq::sim
