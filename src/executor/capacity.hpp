// What this host offers: detected, then overridden by options.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace rcq::executor {

struct Capacity {
    int cpu_cores = 1;
    std::int64_t memory_mib = 1024;
    int gpu_count = 0;
    std::string gpu_type; // model; empty: unknown
};

// CPUs that this process may run on (scheduler affinity), at least 1.
int detect_cpu_cores();

// MemTotal of a /proc/meminfo text in MiB, or 0 when it is not there.
std::int64_t parse_meminfo_total_mib(std::string_view meminfo);

// Memory to offer out of a total: what remains after 5 %, at least 512 MiB and at most 4 GiB, kept for the system.
std::int64_t memory_after_reserve(std::int64_t total_mib);

std::int64_t detect_memory_mib();

std::string detect_hostname();

} // namespace rcq::executor
