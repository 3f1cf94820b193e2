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

std::vector<std::string> job_environment(const JobEnvironmentInput& input, const std::vector<std::string>& inherited) {
    const JobSpec& spec = *input.spec;
    std::vector<std::string> variables = inherited;
    variables.reserve(inherited.size() + 20 + spec.env.size());
    auto add = [&variables](std::string_view name, const std::string& value) {
        std::string variable;
        variable.reserve(name.size() + 1 + value.size());
        variable.append(name).append("=").append(value);
        variables.push_back(std::move(variable));
    };
    if (input.account != nullptr) {
        std::erase_if(variables, [](const std::string& variable) { return variable.starts_with("HOME="); });
        add("HOME", input.account->home);
        add("USER", input.account->name);
        add("LOGNAME", input.account->name);
    }
    add("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin" +
                    (input.program_dir.empty() ? std::string() : ":" + input.program_dir));
    add("TMPDIR", input.run_dir);
    add("RCQ_JOB_ID", std::to_string(input.job_id));
    add("RCQ_ATTEMPT", std::to_string(spec.attempt));
    add("RCQ_JOB_NAME", spec.name);
    add("RCQ_CPU_CORES", std::to_string(spec.cpu_cores));
    add("RCQ_MEMORY_MIB", std::to_string(spec.memory_mib));
    add("RCQ_GPU_COUNT", std::to_string(spec.gpu_count));
    add("RCQ_RUN_DIR", input.run_dir);
    add("RCQ_OUTPUT_DIR", input.output_dir);
    add("RCQ_RESULT", input.result_path);
    if (!spec.type.empty()) add("RCQ_JOB_TYPE", spec.type);
    if (spec.payload) add("RCQ_PAYLOAD", input.payload_path);
    if (spec.array_id) {
        add("RCQ_ARRAY_ID", std::to_string(*spec.array_id));
        add("RCQ_ARRAY_INDEX", std::to_string(spec.array_index));
        add("RCQ_ARRAY_SIZE", std::to_string(spec.array_size));
    }
    add("OMP_NUM_THREADS", std::to_string(spec.cpu_cores));
    const std::string gpus = gpu_list(input.gpus, input.gpu_ids);
    add("CUDA_VISIBLE_DEVICES", gpus);
    add("ROCR_VISIBLE_DEVICES", gpus);
    for (const auto& [name, value] : spec.env) {
        std::string prefix = name + "=";
        std::erase_if(variables, [&prefix](const std::string& variable) { return variable.starts_with(prefix); });
        variables.push_back(prefix + value);
    }
    return variables;
}

} // namespace rcq::executor
