// The file `end` of a run: how it ended, as the supervisor saw it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rcq::rundir {

struct End {
    std::string kind; // a word of protocol::run_end, never bad_result (the executor looks at results)
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::string message;
    std::int64_t cpu_us = 0;
    std::int64_t peak_kib = 0;    // 0: not known
    std::int64_t ended_ms = 0;    // CLOCK_BOOTTIME of the job's end
    std::string boot;             // boot_id() then
    std::int64_t log_dropped = 0; // bytes of output beyond the limit of the log, or that the disk did not take
    std::string host_fault;       // not empty: prolog or epilog failed; nothing more should be run on this host
};

// Lines `name=value`, with \n and \\ in values escaped. Texts are cut to 4 kB, so that all of it stays below 64 kB,
// which is as much as a reader takes.
std::string encode(const End& end);

// Nothing when there is no kind: a file that a crash of the host left empty.
std::optional<End> decode_end(std::string_view text);

} // namespace rcq::rundir
