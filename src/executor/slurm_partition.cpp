#include "executor/slurm_partition.hpp"

#include "executor/option_checks.hpp"
#include "executor/program.hpp"
#include "executor/slurm_clients.hpp"
#include "executor/words.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::uint64_t sinfo_limit_ms = 120'000;

std::string_view take(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

std::int64_t number(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value); // as far as it is one: "4+" is 4
    return value;
}

// "gpu:a100:4(S:0-1),gpu:2,licence:3"
void add_gres(std::string_view list, SlurmPartition& partition, bool& mixed) {
    while (!list.empty()) {
        const std::size_t detail = list.find('(');
        std::size_t end = list.find(',');
        if (detail < end) end = list.find(',', list.find(')', detail));
        std::string_view entry = list.substr(0, std::min({end, detail, list.size()}));
        list.remove_prefix(end >= list.size() ? list.size() : end + 1);
        if (take(entry, ':') != "gpu") continue;
        const std::size_t colon = entry.rfind(':');
        std::string type = colon == std::string_view::npos ? "" : squeezed_word(entry.substr(0, colon));
        const int count = static_cast<int>(number(colon == std::string_view::npos ? entry : entry.substr(colon + 1)));
        if (partition.gpu_count > 0 && type != partition.gpu_type) mixed = true;
        partition.gpu_type = std::move(type);
        partition.gpu_count += count;
    }
}

// The directory of sbatch, by PATH.
std::string find_clients() {
    const char* path = getenv("PATH"); // NOLINT(concurrency-mt-unsafe): one thread
    std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
    while (!rest.empty()) {
        std::string directory(take(rest, ':'));
        if (directory.starts_with('/') && access((directory + "/sbatch").c_str(), X_OK) == 0) return directory;
    }
    option_mistake("--backend slurm: there is no sbatch in PATH: install Slurm's client programs, or name their "
                   "directory with --slurm-bin-dir");
}

} // namespace

std::vector<std::string> sinfo_command(const SlurmSite& site) {
    std::vector<std::string> command = {site.bin_dir + "/sinfo", "--noheader", "--Node", "--format=%P|%c|%m|%G"};
    if (!site.partition.empty()) command.push_back("--partition=" + site.partition);
    return command;
}

std::optional<SlurmPartition> parse_sinfo(std::string_view output, const std::string& name) {
    SlurmPartition partition;
    bool mixed = false;
    while (!output.empty()) {
        std::string_view line = take(output, '\n');
        std::string_view found = take(line, '|');
        const bool standard = found.ends_with('*');
        if (standard) found.remove_suffix(1);
        if (line.empty() || (name.empty() ? !standard : found != name)) continue;
        partition.name = found;
        ++partition.nodes;
        const int cores = static_cast<int>(number(take(line, '|')));
        partition.cpu_cores += cores;
        partition.node_cores = std::max(partition.node_cores, cores);
        partition.memory_mib += number(take(line, '|'));
        add_gres(line, partition, mixed);
    }
    if (mixed) partition.gpu_type.clear();
    if (partition.nodes == 0) return std::nullopt;
    return partition;
}

SlurmSite slurm_site(const Options& options) {
    return {options.slurm_bin_dir, options.slurm_partition, options.slurm_options, options.supervisor_program};
}

void prepare_slurm(Options& options) {
    if (options.slurm_bin_dir.empty()) options.slurm_bin_dir = find_clients();
    const ProgramEnd answer = run_program(sinfo_command(slurm_site(options)), sinfo_limit_ms,
                                          {.environment = slurm_environment(environ), .output_limit = 64U << 20});
    if (!answer.ok()) option_mistake("--backend slurm: sinfo: " + answer.describe());
    const auto partition = parse_sinfo(answer.output, options.slurm_partition);
    if (!partition && options.slurm_partition.empty()) {
        option_mistake("--backend slurm: the cluster has no default partition: name one with --slurm-partition");
    }
    if (!partition) {
        option_mistake("--slurm-partition: there is no partition \"" + options.slurm_partition +
                       "\" with nodes in it; sinfo lists them");
    }
    options.slurm_partition = partition->name;
    if (!options.cores_given) options.capacity.cpu_cores = partition->cpu_cores;
    if (!options.memory_given) options.capacity.memory_mib = partition->memory_mib;
    if (!options.gpus_given) {
        options.capacity.gpu_count = partition->gpu_count;
        options.capacity.gpu_type = partition->gpu_type;
    }
    options.gpu_ids.clear(); // Slurm names them, on the node
    options.cgroup = "off";
    options.cpu_affinity = false;
    options.detect = false;
    const nlohmann::ordered_json info = {
        {"slurm",
         {{"partition", partition->name}, {"nodes", partition->nodes}, {"largest_node_cores", partition->node_cores}}}};
    options.info = info.dump();
}

} // namespace rcq::executor
