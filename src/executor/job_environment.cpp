#include "executor/job_environment.hpp"

#include "executor/gpu_grants.hpp"

#include <algorithm>
#include <pwd.h>
#include <string_view>
#include <unistd.h>

namespace rcq::executor {

std::vector<std::string> inherited_environment(const char* const* environment) {
    std::vector<std::string> kept;
    bool home = false;
    bool lang = false;
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        std::string_view variable = *environment;
        bool is_home = variable.starts_with("HOME=/");
        bool is_lang = variable.starts_with("LANG=");
        if (!is_home && !is_lang && !variable.starts_with("LC_")) continue;
        home = home || is_home;
        lang = lang || is_lang;
        kept.emplace_back(variable);
    }
    if (!home) {
        const passwd* entry = getpwuid(geteuid()); // NOLINT(concurrency-mt-unsafe): one thread
        kept.push_back(std::string("HOME=") + (entry != nullptr && entry->pw_dir != nullptr ? entry->pw_dir : "/"));
    }
    if (!lang) kept.emplace_back("LANG=C.UTF-8");
    return kept;
}

namespace {

class Variables {
public:
    void add(std::string_view name, const std::string& value) {
        std::string variable;
        variable.reserve(name.size() + 1 + value.size());
        variable.append(name).append("=").append(value);
        list.push_back(std::move(variable));
    }
    std::vector<std::string> list;
};

} // namespace

std::vector<std::string> run_environment(const JobEnvironmentInput& input) {
    const JobSpec& spec = *input.spec;
    Variables variables;
    variables.add("RCQ_JOB_ID", std::to_string(input.job_id));
    variables.add("RCQ_ATTEMPT", std::to_string(spec.attempt));
    variables.add("RCQ_JOB_NAME", spec.name);
    variables.add("RCQ_CPU_CORES", std::to_string(spec.cpu_cores));
    variables.add("RCQ_MEMORY_MIB", std::to_string(spec.memory_mib));
    variables.add("RCQ_GPU_COUNT", std::to_string(spec.gpu_count));
    variables.add("RCQ_RUN_DIR", input.run_dir);
    variables.add("RCQ_OUTPUT_DIR", input.output_dir);
    variables.add("RCQ_RESULT", input.result_path);
    variables.add("RCQ_PROGRESS", input.progress_path);
    if (!spec.type.empty()) variables.add("RCQ_JOB_TYPE", spec.type);
    if (spec.payload) variables.add("RCQ_PAYLOAD", input.payload_path);
    if (spec.array_id) {
        variables.add("RCQ_ARRAY_ID", std::to_string(*spec.array_id));
        variables.add("RCQ_ARRAY_INDEX", std::to_string(spec.array_index));
        variables.add("RCQ_ARRAY_SIZE", std::to_string(spec.array_size));
    }
    const std::string gpus = gpu_list(input.gpus, input.gpu_ids);
    variables.add("CUDA_VISIBLE_DEVICES", gpus);
    variables.add("ROCR_VISIBLE_DEVICES", gpus);
    return std::move(variables.list);
}

std::vector<std::string> job_environment(const JobEnvironmentInput& input, const std::vector<std::string>& inherited) {
    Variables variables{inherited};
    if (input.account != nullptr) {
        std::erase_if(variables.list, [](const std::string& variable) { return variable.starts_with("HOME="); });
        variables.add("HOME", input.account->home);
        variables.add("USER", input.account->name);
        variables.add("LOGNAME", input.account->name);
    }
    variables.add("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin" +
                              (input.program_dir.empty() ? std::string() : ":" + input.program_dir));
    variables.add("TMPDIR", input.run_dir);
    variables.add("OMP_NUM_THREADS", std::to_string(input.spec->cpu_cores));
    for (std::string& variable : run_environment(input)) variables.list.push_back(std::move(variable));
    for (const auto& [name, value] : input.spec->env) {
        const std::string prefix = name + "=";
        std::erase_if(variables.list, [&prefix](const std::string& variable) { return variable.starts_with(prefix); });
        variables.list.push_back(prefix + value);
    }
    return std::move(variables.list);
}

} // namespace rcq::executor
