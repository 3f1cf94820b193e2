// What a person may ask for: validation of a submitted job, before anything is stored.
// Pure; the same answer in a SQL function, behind HTTP and in a test.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rcq::core {

// A job as submitted. Views are read during check() only.
struct JobRequest {
    std::string_view script;                 // not blank, no NUL byte, at most RequestLimits::max_script_bytes
    std::int64_t cpu_cores = 1;              // 1 to 100000
    double memory_gb = 1;                    // above 0, at most 2^31 - 1 MiB; 1 GB = 2^30 bytes
    std::int64_t gpu_count = 0;              // 0 to 10000
    std::optional<double> estimated_hours;   // above 0, at most 87600 (10 years), at most the time limit
    std::optional<double> time_limit_s;      // above 0, at most 10 years, at most the site's maximum
    std::int64_t priority = 5;               // 1 to 10, at most the user's own limit
    std::int64_t max_retries = 0;            // 0 to 1000
    std::optional<std::string_view> name;    // 1 to 200 bytes, no control characters
    std::optional<std::string_view> workdir; // absolute, at most 4096 bytes, no component ".."
    std::vector<std::pair<std::string, std::string>> env; // [A-Za-z_][A-Za-z0-9_]*, not RCQ_*; at most 128 KiB in all
    std::vector<std::string> features;                    // each is_feature_name(), at most 32
    std::string_view on_disconnect = "continue";          // or "kill"
    std::optional<std::int64_t> cpu_cores_min;            // fewer cores that will do; 1 to cpu_cores
    std::optional<std::string_view> gpu_type;             // models that will do, joined by |; only with gpu_count > 0
    std::optional<std::string_view> constraints;          // see Constraint::parse()
    std::vector<std::pair<std::string, double>> consumables; // names as of features, 1 to 10^9, whole; at most 16
    std::optional<std::string_view> concurrency_key;         // 1 to 200 bytes, no control characters
};

// What the site and the person's account allow.
struct RequestLimits {
    std::int64_t max_script_bytes = 1 << 20;
    std::int64_t max_priority = 10;         // of this user; 1 to 10
    std::optional<double> max_time_limit_s; // longest time limit that may be asked for; none: 10 years
};

struct Violation {
    enum class Kind {
        invalid,      // nobody may ask for this
        not_permitted // somebody else may: above this user's own limit
    };
    Kind kind = Kind::invalid;
    std::string field;   // name of the argument
    std::string message; // what is wrong, with the value and the allowed range
    std::string hint;    // what to do about it
};

// The first violation, in the order of JobRequest's fields; none if all is well.
std::optional<Violation> check(const JobRequest& request, const RequestLimits& limits);

// GB (2^30 bytes) in MiB, rounded up to the next whole one; the argument within JobRequest::memory_gb's range.
std::int64_t memory_mib(double gb);

} // namespace rcq::core
