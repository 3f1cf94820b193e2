// From what the server says of a run, and what this executor grants it, to what its supervisor is told.
#pragma once
#include "executor/accounts.hpp"
#include "executor/job_spec.hpp"
#include "executor/options.hpp"
#include "executor/run_directory.hpp"
#include "rundir/launch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rcq::executor {

// The same for all runs of this process.
struct LaunchSettings {
    const Options* options = nullptr;
    std::string contact_file;
    std::vector<std::string> inherited_environment;
};

struct Grants {
    std::vector<int> gpus;
    std::vector<int> cpus; // empty: not bound
};

rundir::Launch plan_launch(std::int64_t job_id, std::int64_t token, const JobSpec& spec,
                           const RunDirectory& directory, const Grants& grants, const Account* account,
                           const LaunchSettings& settings);

} // namespace rcq::executor
