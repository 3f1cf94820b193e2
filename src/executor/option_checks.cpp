#include "executor/option_checks.hpp"

#include "executor/accounts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <grp.h>
#include <pwd.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

// As the database wants features and models of GPUs.
bool is_word(std::string_view text) {
    auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    auto fine = [&](char c) { return letter(c) || c == '_' || c == '.' || c == ':' || c == '-'; };
    return !text.empty() && text.size() <= 63 && letter(text.front()) && std::all_of(text.begin(), text.end(), fine);
}

void check_word(const char* option, const std::string& word) {
    if (is_word(word)) return;
    option_mistake(std::string(option) + ": \"" + word +
                   "\" is not a word of at most 63 of a-z, 0-9, _ . : - that begins with a letter or digit");
}

void check_absolute(const char* option, const std::string& path) {
    if (!path.empty() && path.front() != '/') {
        option_mistake(std::string(option) + ": \"" + path + "\" is not an absolute path");
    }
}

void normalise(std::string& path) {
    path = std::filesystem::path(path).lexically_normal().string();
    while (path.size() > 1 && path.back() == '/') path.pop_back();
}

// Symbolic links are resolved where the directory exists, so that the check inside the child compares like with like.
std::string canonical_prefix(const std::string& text) {
    check_absolute("--workdir-allow", text);
    if (text.empty()) option_mistake("--workdir-allow: a directory without a name");
    std::filesystem::path path(text);
    std::error_code error;
    std::filesystem::path resolved = std::filesystem::weakly_canonical(path, error);
    std::string result = error ? text : resolved.string();
    normalise(result);
    return result;
}

void check_gpus(Options& options) {
    Capacity& capacity = options.capacity;
    if (options.gpus_auto) {
        if (!options.gpu_ids.empty()) option_mistake("--gpu-ids: with --gpus auto they are found out; leave one away");
        if (!capacity.gpu_type.empty()) option_mistake("--gpu-type: with --gpus auto it is found out; leave one away");
        return;
    }
    const std::vector<std::string>& ids = options.gpu_ids;
    if (!ids.empty() && static_cast<int>(ids.size()) != capacity.gpu_count) {
        option_mistake("--gpu-ids: " + std::to_string(ids.size()) + " ids for " + std::to_string(capacity.gpu_count) +
                       " GPUs: give --gpus the same number");
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i].empty() || ids[i].find_first_of(", \t\n") != std::string::npos) {
            option_mistake("--gpu-ids: \"" + ids[i] + "\" is no id of a GPU");
        }
        if (std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i), ids[i]) !=
            ids.begin() + static_cast<std::ptrdiff_t>(i)) {
            option_mistake("--gpu-ids: \"" + ids[i] + "\" is there twice");
        }
    }
    if (!capacity.gpu_type.empty() && capacity.gpu_count == 0) {
        option_mistake("--gpu-type: there are no GPUs; give their number with --gpus");
    }
    if (!capacity.gpu_type.empty()) check_word("--gpu-type", capacity.gpu_type);
    if (!options.gpu_query.empty() && ids.empty()) {
        option_mistake("--gpu-query: give --gpus auto, or the --gpu-ids whose health it is asked for");
    }
}

std::string program_problem(const std::string& option, const std::string& path) {
    struct stat facts {};
    if (stat(path.c_str(), &facts) != 0) return option + ": " + path + ": " + std::strerror(errno);
    if (!S_ISREG(facts.st_mode)) return option + ": " + path + " is no file";
    if (access(path.c_str(), X_OK) != 0) return option + ": " + path + " cannot be executed: " + std::strerror(errno);
    if (geteuid() == 0 && (facts.st_uid != 0 || (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        return option + ": " + path + " runs as root, but others can change it: chown root and chmod go-w";
    }
    return {};
}

void check_accounts(const Options& options, std::vector<std::string>& problems) {
    if (options.allow_users.empty()) {
        problems.emplace_back("--allow-users: started as root, the executor runs jobs as the unix users of those who "
                              "submit them: name the users, or @groups of them, that this is allowed for; or start it "
                              "as a user of its own");
    }
    auto check_user = [&](const char* option, const std::string& name) {
        const passwd* user = getpwnam(name.c_str()); // NOLINT(concurrency-mt-unsafe): one thread
        if (user == nullptr) {
            problems.push_back(std::string(option) + ": there is no unix user \"" + name + "\"");
        } else if (user->pw_uid == 0) {
            problems.push_back(std::string(option) + ": \"" + name + "\" is root, as whom no job runs");
        }
    };
    for (const std::string& name : options.allow_users) {
        if (!name.starts_with('@')) {
            check_user("--allow-users", name);
        } else if (getgrnam(name.c_str() + 1) == nullptr) { // NOLINT(concurrency-mt-unsafe): one thread
            problems.push_back("--allow-users: there is no unix group \"" + name.substr(1) + "\"");
        }
    }
    if (options.default_user.empty()) return;
    try {
        (void)Accounts(options.allow_users, options.default_user).resolve("");
    } catch (const AccountError& error) {
        problems.push_back(std::string("--default-user: ") + error.what());
    }
}

void check_slurm(const Options& options) {
    if (options.backend != "slurm") {
        if (!options.slurm_partition.empty()) option_mistake("--slurm-partition: only --backend slurm has partitions");
        if (!options.slurm_options.empty()) option_mistake("--slurm-option: only --backend slurm has a use for it");
        if (!options.slurm_bin_dir.empty()) option_mistake("--slurm-bin-dir: only --backend slurm has a use for it");
        return;
    }
    check_absolute("--slurm-bin-dir", options.slurm_bin_dir);
    if (options.gpus_auto) option_mistake("--gpus auto: with --backend slurm the partition says what there is");
    for (const std::string& option : options.slurm_options) {
        if (!option.starts_with("--")) {
            option_mistake("--slurm-option: \"" + option + "\" is no option of sbatch like --account=physics");
        }
    }
}

} // namespace

void option_mistake(const std::string& text) { throw OptionsExit(1, "rcq-executor: " + text); }

void check_values(Options& options) {
    std::sort(options.features.begin(), options.features.end());
    options.features.erase(std::unique(options.features.begin(), options.features.end()), options.features.end());
    for (const std::string& feature : options.features) check_word("--features", feature);
    for (std::string& prefix : options.workdir_allow) prefix = canonical_prefix(prefix);
    if (options.hostname.empty()) option_mistake("--hostname: empty");

    if (options.state_dir.empty()) option_mistake("--state-dir: there is no home directory; name a directory");
    check_absolute("--state-dir", options.state_dir);
    normalise(options.state_dir);
    if (options.status_file.empty()) options.status_file = options.state_dir + "/status.json";
    if (options.supervisor_program.empty()) options.supervisor_program = options.program_dir + "/rcq-supervisor";
    check_absolute("--status-file", options.status_file);
    check_absolute("--supervisor", options.supervisor_program);
    check_absolute("--prolog", options.prolog);
    check_absolute("--epilog", options.epilog);
    check_absolute("--health-check", options.health_check);
    check_absolute("--gpu-query", options.gpu_query);

    if (options.cgroup != "auto" && options.cgroup != "off" && options.cgroup != "required" &&
        !options.cgroup.starts_with('/')) {
        option_mistake("--cgroup: \"" + options.cgroup +
                       "\" is none of auto, off, required, and no absolute path of a cgroup");
    }
    for (const std::string& name : options.allow_users) {
        if (name.empty() || name == "@") option_mistake("--allow-users: an empty name");
    }
    check_gpus(options);
    check_slurm(options);
}

std::vector<std::string> host_problems(const Options& options) {
    std::vector<std::string> problems;
    const std::pair<const char*, const std::string&> programs[] = {{"--supervisor", options.supervisor_program},
                                                                   {"--prolog", options.prolog},
                                                                   {"--epilog", options.epilog},
                                                                   {"--health-check", options.health_check},
                                                                   {"--gpu-query", options.gpu_query}};
    for (const auto& [option, path] : programs) {
        std::string problem = path.empty() ? "" : program_problem(option, path);
        if (!problem.empty()) problems.push_back(problem);
    }
    if (geteuid() == 0 && options.backend == "process") check_accounts(options, problems);
    return problems;
}

} // namespace rcq::executor
