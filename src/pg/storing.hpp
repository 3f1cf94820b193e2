// Rows of new jobs, from requests that were checked.
#pragma once
#include "submission.hpp"

namespace rcq::pg {

// What was found out about a request beside what it says.
struct NewJob {
    int64 id = 0;       // 0 = not yet drawn
    bool known = false; // its idempotency key stands for a job that is there, or comes earlier: nothing is stored
    int32 unmet = 0;    // dependencies that it waits for
    // of an array job
    std::string array_spec;
    int32 array_size = 0;
    std::optional<int32> array_throttle;
};

// time_limit_s: of jobs that state none.
void store_jobs(const Submission& submission, std::span<const NewJob> jobs, std::optional<double> time_limit_s);

// The seconds of the request's time limit, or of that which jobs get that state none.
std::optional<double> time_limit_of(const Request& request, std::optional<double> otherwise);

} // namespace rcq::pg
