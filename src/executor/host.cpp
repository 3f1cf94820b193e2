#include "executor/host.hpp"

#include "executor/gpu_detection.hpp"
#include "executor/host_facts.hpp"
#include "executor/option_checks.hpp"
#include "executor/slurm_partition.hpp"

#include <algorithm>
#include <cmath>
#include <unistd.h>

namespace rcq::executor {

namespace {

std::string find_nvidia_smi() {
    for (const char* path : {"/usr/bin/nvidia-smi", "/usr/local/bin/nvidia-smi", "/usr/local/nvidia/bin/nvidia-smi"}) {
        if (access(path, X_OK) == 0) return path;
    }
    return {};
}

GpuList ask(const Options& options) {
    auto limit_ms = static_cast<std::uint64_t>(std::llround(options.health_timeout_s * 1000));
    return gpu_list_of(run_program(gpu_query_arguments(options.gpu_query), limit_ms));
}

// The GPUs that are offered; those without a type that is offered become remarks.
std::vector<Gpu> find_gpus(Options& options, std::vector<std::string>& remarks) {
    if (options.gpu_query.empty()) options.gpu_query = find_nvidia_smi();
    GpuList list;
    if (!options.gpu_query.empty()) {
        list = ask(options);
        if (!list.error.empty()) option_mistake("--gpus auto: " + options.gpu_query + ": " + list.error);
    } else {
        list.gpus = find_amd_gpus("");
        options.gpus_amd = !list.gpus.empty();
    }
    GpuChoice choice = choose_gpus(list.gpus);
    for (const Gpu& gpu : choice.left_out) {
        remarks.push_back("GPU " + gpu.id + " is not offered: it is a " + gpu.type + ", and the others are " +
                          choice.offered.front().type);
    }
    if (choice.offered.empty()) remarks.emplace_back("--gpus auto: no GPU was found");
    return choice.offered;
}

} // namespace

std::vector<std::string> prepare_host(Options& options) {
    std::vector<std::string> remarks;
    if (options.backend == "slurm") {
        prepare_slurm(options);
        return remarks;
    }
    std::vector<Gpu> gpus;
    if (options.gpus_auto) {
        gpus = find_gpus(options, remarks);
        options.capacity.gpu_count = static_cast<int>(gpus.size());
        options.capacity.gpu_type = gpus.empty() ? "" : gpus.front().type;
        for (const Gpu& gpu : gpus) options.gpu_ids.push_back(gpu.id);
    } else {
        for (int i = 0; i < options.capacity.gpu_count; ++i) {
            Gpu gpu;
            gpu.id = options.gpu_ids.empty() ? std::to_string(i) : options.gpu_ids[static_cast<std::size_t>(i)];
            gpu.type = options.capacity.gpu_type;
            gpus.push_back(std::move(gpu));
        }
    }
    HostFacts facts = detect_host_facts(options.hostname);
    options.info = host_info(facts, gpus, options.kill_grace_s);
    if (options.detect) {
        for (std::string& feature : host_features(facts, gpus)) options.features.push_back(std::move(feature));
        std::sort(options.features.begin(), options.features.end());
        options.features.erase(std::unique(options.features.begin(), options.features.end()), options.features.end());
    }
    return remarks;
}

} // namespace rcq::executor
