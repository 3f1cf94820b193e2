// How a job stands, as rcq.job_states says, and what that is for whoever waits for it.
#pragma once
#include "client/database.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rcq::client {

struct JobState {
    std::int64_t id = 0;
    std::string label; // as whoever asks calls it: "42", "41_7"
    std::string status;
    std::string reason; // may be empty, as all texts below
    std::optional<int> exit_code;
    std::optional<int> signal;
    int attempt = 0;
    std::string executor;
    std::optional<int> progress; // percent
    std::string progress_message;
    std::string message;
    std::optional<double> ran_s; // since its last start, until now or its end

    [[nodiscard]] bool ended() const { return status == "completed" || status == "failed" || status == "cancelled"; }
    [[nodiscard]] bool running() const { return status == "running"; }
};

// A job that is asked about.
struct AskedJob {
    std::int64_t id = 0;
    std::string label;
};

std::vector<std::int64_t> ids_of(const std::vector<AskedJob>& jobs);

// What store::job_states of these jobs has answered. Throws Failure (unknown_job) when some of them are not there, or
// not the caller's to see.
std::vector<JobState> job_states(const database::Result& result, const std::vector<AskedJob>& jobs);

// What a shell would make of the end of this job: its own exit code, 128 + N after a signal; 5 when it failed or was
// cancelled without either.
int exit_code_of(const JobState& job);
// The first that is not 0, in their order.
int exit_code_of(const std::vector<JobState>& jobs);

// "completed after 3m12s", "failed with exit code 2 after 5s", "failed (timeout): ran longer than 4h", "cancelled"
std::string end_text(const JobState& job);

// "job 41", "jobs 41, 42", "jobs 41, 42, 43, 44, 45 and 12 more": for messages.
std::string jobs_text(const std::vector<AskedJob>& jobs);

} // namespace rcq::client
