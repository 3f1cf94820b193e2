// Jobs as people name them: 42, a task 41_7, several tasks 41_1-10,20.
#pragma once
#include "client/database.hpp"
#include "client/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::client {

struct JobName {
    std::int64_t id = 0;
    std::string tasks; // indices of an array's tasks; empty: the job itself
    std::string text;  // as it was written
};

// Throws Failure (misused).
JobName parse_job_name(std::string_view text);
std::vector<JobName> parse_job_names(const std::vector<std::string>& texts);

// The id of the one job that the name means; a task that has none gets one. Throws Refusal, and Failure (misused) for
// several tasks.
std::int64_t job_id(Database& database, const JobName& name);

// Of an answer that has id, array_id and array_index: "42" or "41_7".
std::string job_label(const Json& row);

} // namespace rcq::client
