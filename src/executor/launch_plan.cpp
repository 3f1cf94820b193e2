#include "executor/launch_plan.hpp"

#include "executor/job_environment.hpp"

#include "rundir/cut.hpp"

#include <cmath>
#include <string_view>

namespace rcq::executor {

namespace {

constexpr std::size_t longest_interpreter = 255; // of a first line the kernel itself reads no more

constexpr double gib = 1024.0 * 1024 * 1024;

std::int64_t milliseconds(double seconds) { return static_cast<std::int64_t>(std::ceil(seconds * 1000)); }

} // namespace

rundir::Launch plan_launch(std::int64_t job_id, std::int64_t token, const JobSpec& spec, const RunDirectory& directory,
                           const Grants& grants, const Account* account, const LaunchSettings& settings) {
    const Options& options = *settings.options;
    rundir::Launch launch;
    launch.job_id = job_id;
    launch.attempt = spec.attempt;
    launch.token = token;
    if (has_interpreter_line(spec.script)) {
        launch.interpreter =
            rundir::cut(std::string_view(spec.script).substr(2, spec.script.find('\n') - 2), longest_interpreter);
    } else {
        launch.arguments.emplace_back("/bin/sh");
    }
    launch.arguments.push_back(directory.script_path());
    const JobEnvironmentInput environment{job_id,
                                          &spec,
                                          account,
                                          directory.job_path(),
                                          directory.output_path(),
                                          grants.gpus,
                                          options.gpu_ids,
                                          directory.payload_path(),
                                          directory.result_path(),
                                          directory.progress_path(),
                                          options.program_dir};
    launch.environment = job_environment(environment, settings.inherited_environment);
    launch.workdir = spec.workdir.value_or(directory.job_path());
    if (spec.workdir) launch.workdir_allow = options.workdir_allow;
    if (spec.time_limit_s) launch.time_limit_ms = milliseconds(*spec.time_limit_s);
    launch.kill_grace_ms = milliseconds(options.kill_grace_s);
    launch.memory_mib = spec.memory_mib;
    launch.quota_mib = static_cast<std::int64_t>(std::ceil(options.run_quota_gb * 1024));
    launch.log_limit = static_cast<std::int64_t>(options.log_limit_gb * gib);
    if (spec.kill_on_disconnect) launch.contact_file = settings.contact_file;
    launch.cpus = grants.cpus;
    launch.cpu_cores = spec.cpu_cores;
    launch.gpus = grants.gpus;
    if (account != nullptr) {
        launch.switch_user = true;
        launch.uid = account->uid;
        launch.gid = account->gid;
        launch.groups = account->groups;
    }
    launch.max_open_files = options.max_open_files;
    launch.max_processes = options.max_processes;
    launch.max_core_bytes = static_cast<std::int64_t>(options.max_core_gb * gib);
    launch.prolog = options.prolog;
    launch.epilog = options.epilog;
    // A hook may run as root where the job does not, so no variable that the user set for the job, such as LD_PRELOAD
    // or a CUDA_VISIBLE_DEVICES of their own, may reach it.
    if (!options.prolog.empty() || !options.epilog.empty()) launch.hook_environment = run_environment(environment);
    launch.hook_limit_ms = milliseconds(options.hook_timeout_s);
    return launch;
}

} // namespace rcq::executor
