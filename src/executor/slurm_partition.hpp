// What a partition of Slurm has to offer as one executor.
#pragma once
#include "executor/options.hpp"
#include "executor/slurm_commands.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::executor {

struct SlurmPartition {
    std::string name;
    int nodes = 0;
    int cpu_cores = 0; // of all nodes together, whatever their state
    std::int64_t memory_mib = 0;
    int gpu_count = 0;
    std::string gpu_type; // empty: none, several, or not known
    int node_cores = 0;   // of the largest node: no run can have more
};

std::vector<std::string> sinfo_command(const SlurmSite& site);

// Of the named partition, or, when the name is empty, of the cluster's default. Nothing: there is none.
std::optional<SlurmPartition> parse_sinfo(std::string_view output, const std::string& name);

// Before the loop runs: finds Slurm's programs, asks for the partition, sets what was not given of the capacity, and
// switches off what belongs to this host alone: it runs no job. Throws OptionsExit.
void prepare_slurm(Options& options);

SlurmSite slurm_site(const Options& options);

} // namespace rcq::executor
