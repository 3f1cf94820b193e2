// The Standard Workload Format of the Parallel Workloads Archive (Feitelson et al.): one job a line, 18 numbers,
// -1 = unknown, and a header in lines that begin with ';'.
//
// Logs come from everywhere, so nothing in a file is trusted: a line that cannot be used is left out and counted by its
// reason, whatever it holds.
#pragma once
#include "core/types.hpp"
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace rcq::sim {

// Why a line stands for no job of the replay.
enum class Skip {
    too_few_fields,   // fewer than the five up to the processors
    not_a_number,     // one of the 18 fields
    out_of_range,     // no such job can be: a negative submit time, a run of more than ten years, 10^300 processors
    duplicate_number, // of a job above; logs repeat a job once for every time that it was swapped out
    no_run_time,      // unknown, zero or negative
    no_processors,    // unknown, zero or negative
    too_large         // more processors than the machine has
};
inline constexpr std::array all_skips = {Skip::too_few_fields,   Skip::not_a_number, Skip::out_of_range,
                                         Skip::duplicate_number, Skip::no_run_time,  Skip::no_processors,
                                         Skip::too_large};
std::string_view name(Skip skip);

// Lines left out, by reason.
struct SkipCounts {
    std::array<std::size_t, all_skips.size()> counts{};
    std::size_t& operator[](Skip skip) { return counts[static_cast<std::size_t>(skip)]; }
    std::size_t operator[](Skip skip) const { return counts[static_cast<std::size_t>(skip)]; }
    std::size_t total() const;
};

// A usable line, by the conventions of the archive's users: processors are those used, else those requested.
struct SwfJob {
    std::int64_t number = 0;
    core::Micros submit = 0;               // 0 to 317 years
    core::Micros run = 0;                  // above 0, at most ten years
    std::optional<core::Micros> requested; // above 0, at most ten years: longer requests count as that
    std::int32_t processors = 0;           // above 0
    std::int64_t user = -1;                // -1: unknown
};

class SwfParser {
public:
    // One line of the file, without its end.
    void add_line(std::string_view line);

    std::vector<SwfJob> jobs;                    // in the order of the file
    std::optional<std::int32_t> max_processors;  // header field MaxProcs, if above 0
    std::optional<std::int64_t> unix_start_time; // header field UnixStartTime, if above 0
    SkipCounts skipped;

private:
    void add_header(std::string_view line);
    void add_job(std::string_view line);

    std::unordered_set<std::int64_t> numbers_;
};

} // namespace rcq::sim
