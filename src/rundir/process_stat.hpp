// What /proc tells of one process.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>

namespace rcq::rundir {

struct ProcessStat {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    char state = '?';
    std::int64_t threads = 0;
    std::uint64_t start_ticks = 0; // since boot
    std::uint64_t cpu_ticks = 0;   // own and of waited-for children
};

// The content of /proc/PID/stat; nothing when it is not one.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

// Nothing when the process is gone.
std::optional<ProcessStat> read_process_stat(pid_t pid);

// Resident minus shared memory in KiB, 0 when the process is gone.
std::int64_t private_memory_kib(pid_t pid);

std::int64_t ticks_to_us(std::uint64_t ticks);

} // namespace rcq::rundir
