// The environment of a job: a short list of its own, never the executor's.
#pragma once
#include "executor/accounts.hpp"
#include "executor/job_spec.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rcq::executor {

struct JobEnvironmentInput {
    std::int64_t job_id = 0;
    const JobSpec* spec = nullptr;
    const Account* account = nullptr; // the user it runs as; null: as this executor
    std::string run_dir;
    std::string output_dir;
    std::vector<int> gpus;
    std::vector<std::string> gpu_ids; // what they are called; empty: by their indexes
    std::string payload_path;         // passed on when the job has a payload
    std::string result_path;
    std::string progress_path;
    std::string program_dir; // where this executor's program lies: last on the PATH; empty: not known
};

// What of the executor's own environment a job may see: HOME, LANG, LC_*. Taken once at the start.
std::vector<std::string> inherited_environment(const char* const* environment);

// What names the run and its GPUs, as "NAME=value" strings: nothing that the user set.
std::vector<std::string> run_environment(const JobEnvironmentInput& input);

// "NAME=value" strings in the order inherited, rcq's own, the job's; a later one replaces an earlier one of its name.
std::vector<std::string> job_environment(const JobEnvironmentInput& input, const std::vector<std::string>& inherited);

} // namespace rcq::executor
