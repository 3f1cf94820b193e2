#include "executor/slurm_commands.hpp"

#include "executor/slurm_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace rcq::executor {

namespace {

constexpr std::string_view name_prefix = "rcq-";
constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t slack_ms = 2 * minute_ms; // Slurm counts in minutes, and looks about twice a minute

// What the clients say when slurmctld, munged or the network between is down, slow or restarting.
constexpr std::array<std::string_view, 12> unreachable_words = {
    "Unable to contact slurm controller",
    "Socket timed out",
    "Zero Bytes were transmitted or received",
    "Unexpected message received",
    "Communication connection failure",
    "Transport endpoint is not connected",
    "Connection refused",
    "Connection reset",
    "Resource temporarily unavailable",
    "standby mode",
    "temporarily unable to accept job",
    "uthentication", // "Protocol authentication error", "Invalid authentication credential": munged is down
};

std::string program(const SlurmSite& site, const char* name) { return site.bin_dir + "/" + name; }

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::string_view take_field(std::string_view& line) {
    const std::size_t end = std::min(line.find('|'), line.size());
    std::string_view field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return field;
}

} // namespace

SlurmRequest slurm_request(const rundir::Launch& launch) {
    SlurmRequest request;
    request.cpu_cores = std::max(1, launch.cpu_cores);
    request.memory_mib = launch.memory_mib;
    request.gpu_count = static_cast<int>(launch.gpus.size());
    if (launch.time_limit_ms > 0) {
        const std::int64_t hooks =
            (launch.prolog.empty() ? 0 : launch.hook_limit_ms) + (launch.epilog.empty() ? 0 : launch.hook_limit_ms);
        const std::int64_t longest = launch.time_limit_ms + launch.kill_grace_ms + hooks + slack_ms;
        request.minutes = (longest + minute_ms - 1) / minute_ms;
    }
    return request;
}

std::string slurm_job_name(std::int64_t token) { return std::string(name_prefix) + std::to_string(token); }

std::optional<std::int64_t> token_of_job_name(std::string_view name) {
    if (!name.starts_with(name_prefix)) return std::nullopt;
    return number(name.substr(name_prefix.size()));
}

std::vector<std::string> sbatch_command(const SlurmSite& site, const SlurmRequest& request, const RunPlace& place) {
    // All of its environment, because anything less makes the node run a login shell of the user for each job, and hold
    // the job for ever when that fails. The back end gives sbatch an environment with nothing in it.
    std::vector<std::string> command = {program(site, "sbatch"),
                                        "--parsable",
                                        "--job-name=" + slurm_job_name(place.token),
                                        "--partition=" + site.partition,
                                        "--no-requeue",
                                        "--export=ALL",
                                        "--chdir=/",
                                        "--input=/dev/null",
                                        "--output=/dev/null",
                                        "--error=/dev/null",
                                        "--nodes=1",
                                        "--ntasks=1",
                                        "--cpus-per-task=" + std::to_string(request.cpu_cores)};
    if (request.memory_mib > 0) command.push_back("--mem=" + std::to_string(request.memory_mib) + "M");
    if (request.minutes > 0) command.push_back("--time=" + std::to_string(request.minutes));
    if (request.gpu_count > 0) command.push_back("--gres=gpu:" + std::to_string(request.gpu_count));
    command.insert(command.end(), site.options.begin(), site.options.end());
    command.push_back(place.path + "/" + slurm_script_file);
    command.push_back(place.path);
    command.push_back(site.supervisor);
    return command;
}

std::optional<std::int64_t> parse_sbatch(std::string_view output) {
    while (!output.empty()) { // warnings come before it
        const std::string_view line = take_line(output);
        if (const auto id = number(line.substr(0, line.find(';')))) return id;
    }
    return std::nullopt;
}

bool slurm_answered(const ProgramEnd& end) {
    if (end.ok()) return true;
    // Not started, killed at its time limit or by somebody.
    if (end.timed_out || end.exit_code < 0 || end.exit_code > 128) return false;
    return std::none_of(unreachable_words.begin(), unreachable_words.end(),
                        [&](std::string_view word) { return end.output.find(word) != std::string::npos; });
}

std::string slurm_message(std::string_view output) {
    std::string_view last;
    while (!output.empty()) {
        const std::string_view line = take_line(output);
        if (!line.empty()) last = line;
    }
    const std::string_view mark = "error: ";
    const std::size_t at = last.find(mark);
    return std::string(at == std::string_view::npos ? last : last.substr(at + mark.size()));
}

std::vector<std::string> squeue_command(const SlurmSite& site) {
    // The name comes last: it is the only field that may hold anything, in jobs that are not ours.
    return {program(site, "squeue"),         "--noheader",          "--me", "--states=all",
            "--partition=" + site.partition, "--format=%i|%T|%r|%j"};
}

std::vector<SlurmJob> parse_squeue(std::string_view output) {
    std::vector<SlurmJob> jobs;
    while (!output.empty()) {
        std::string_view line = take_line(output);
        const std::optional<std::int64_t> id = number(take_field(line));
        const std::string_view state = take_field(line);
        const std::string_view reason = take_field(line);
        const std::optional<std::int64_t> token = token_of_job_name(line);
        if (id && token) jobs.push_back({*id, *token, std::string(state), std::string(reason)});
    }
    return jobs;
}

std::vector<std::string> scancel_command(const SlurmSite& site, std::int64_t id, std::int64_t token,
                                         SlurmSignal signal) {
    std::vector<std::string> command = {program(site, "scancel"), "--name=" + slurm_job_name(token)};
    if (signal == SlurmSignal::terminate) command.insert(command.end(), {"--batch", "--signal=TERM"});
    if (signal == SlurmSignal::interrupt) command.insert(command.end(), {"--batch", "--signal=INT"});
    command.push_back(std::to_string(id));
    return command;
}

} // namespace rcq::executor
