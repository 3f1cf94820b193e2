// Jobs in words, as several subcommands show them, out of rows of rcq.jobs and its like.
#pragma once
#include "client/json.hpp"
#include "client/table.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rcq::client {

// "failed (oom)"
std::string status_text(const Json& job);
Colour status_colour(std::string_view status);

// "8 CPUs, 32 GB, 1 GPU (a100)"
std::string request_text(const Json& job);

// Of a row of rcq.arrays: "10 of 100 completed, 2 failed, 8 running, 80 waiting"
std::string task_counts_text(const Json& array);

// The elements of an array of texts: "avx512, nvme"
std::string list_text(const Json& object, const char* key);

// "3.5 GB"; empty stays empty.
std::string with_unit(const std::string& number, std::string_view unit);

// "3.5 GB", "4 MB"
std::string memory_text(double gb);
// "0.3s" where whole seconds say little, else as short_duration().
std::string short_cpu_time(double seconds);
// Files that a run has left: "loss.csv (12 kB), model.bin (1.5 GB) and 3 more in /var/lib/rcq-executor/..."
std::string output_text(const Json& output);

// Between two times as the server writes them; an end that is not there is now. Nothing without a begin.
std::optional<double> seconds_between(const std::string& begin, const std::string& end);

} // namespace rcq::client
