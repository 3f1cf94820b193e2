// What a person may ask for beside the basics of request.hpp: times, retries, keys and tags. Pure.
#pragma once
#include "request.hpp"

#include <functional>

namespace rcq::core {

// Options of a job as submitted; what was not said is none. Moments are microseconds of any one epoch, the least and
// the greatest number stand for -infinity and infinity.
struct JobOptions {
    using Texts = std::vector<std::optional<std::string>>; // none = NULL
    std::optional<std::int64_t> begin_time;                // not -infinity, at most 10 years ahead
    std::optional<std::int64_t> deadline;                  // in the future, at most 10 years ahead, after begin_time
    std::optional<std::string_view> on_dependency_failed;  // fail or wait
    std::optional<Texts> retry_on;                         // not empty; words of is_retry_end()
    std::optional<double> retry_delay_s;                   // 0 to a year
    std::optional<double> retry_max_delay_s;               // 0 to a year
    std::optional<std::string_view> retry_backoff;         // fixed or exponential
    std::optional<double> retry_jitter;                    // 0 to 1
    std::optional<double> retry_memory_factor;             // 1 to 100
    std::optional<std::string_view> idempotency_key;       // 1 to 200 bytes, no control characters
    std::optional<std::string_view> project;               // 1 to 200 bytes, no control characters
    std::optional<Texts> tags;                             // at most 32, of 1 to 100 characters, none of them control
};

// Whether retry_on may name this end of a run: a word, or an exit code from 1 to 255.
bool is_retry_end(std::string_view end);

// The first violation in the order in which the options are checked; none if all is well. written(field) is the value
// of a time, an interval or a number as messages show it.
std::optional<Violation> check_options(const JobOptions& options, std::int64_t now,
                                       const std::function<std::string(const char* field)>& written);

} // namespace rcq::core
