// The specification of a job, decoded from the body of a `start` row.
#pragma once
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rcq::executor {

struct JobSpec {
    std::int64_t attempt = 1;
    std::string name;
    std::string user;
    std::string group;
    std::string unix_user; // as whom an executor that was started as root runs it; empty: not said
    std::string script;
    std::optional<std::string> workdir;
    std::vector<std::pair<std::string, std::string>> env;
    int cpu_cores = 1;
    std::int64_t memory_mib = 0; // 0: no limit
    int gpu_count = 0;
    std::optional<double> time_limit_s;
    bool kill_on_disconnect = false;
    std::string type;                     // of a typed job
    std::optional<std::string> payload;   // of a typed job: JSON text; not in the body, see SyncRow
    std::optional<std::int64_t> array_id; // of a task: its array, with its index and how many tasks there are
    std::int64_t array_index = 0;
    std::int64_t array_size = 0;
};

class SpecError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Throws SpecError, which names the offending field.
JobSpec decode_job_spec(std::string_view body);

} // namespace rcq::executor
