#include "executor/capacity.hpp"

#include <algorithm>
#include <cctype>
#include <climits>
#include <fstream>
#include <iterator>
#include <memory>
#include <sched.h>
#include <unistd.h>

namespace rcq::executor {

int detect_cpu_cores() {
    // A fixed cpu_set_t ends at 1,024 CPUs; the kernel answers EINVAL to a set that is too small.
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        auto release = [](cpu_set_t* set) { CPU_FREE(set); };
        std::unique_ptr<cpu_set_t, decltype(release)> set(CPU_ALLOC(static_cast<std::size_t>(cpus)), release);
        std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
        if (set && sched_getaffinity(0, bytes, set.get()) == 0) return std::max(1, CPU_COUNT_S(bytes, set.get()));
    }
    return 1;
}

std::int64_t parse_meminfo_total_mib(std::string_view meminfo) {
    constexpr std::string_view key = "MemTotal:";
    std::size_t at = meminfo.find(key);
    if (at == std::string_view::npos) return 0;
    std::int64_t kib = 0;
    for (char c : meminfo.substr(at + key.size())) {
        if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
            kib = kib * 10 + (c - '0');
        } else if (kib > 0 || c == '\n') {
            break;
        }
    }
    return kib / 1024;
}

std::int64_t memory_after_reserve(std::int64_t total_mib) {
    std::int64_t reserve = std::clamp<std::int64_t>(total_mib / 20, 512, 4096);
    return std::max<std::int64_t>(total_mib - reserve, 64);
}

std::int64_t detect_memory_mib() {
    std::ifstream file("/proc/meminfo");
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return memory_after_reserve(parse_meminfo_total_mib(text));
}

std::string detect_hostname() {
    char name[HOST_NAME_MAX + 1] = {};
    if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
    return name;
}

} // namespace rcq::executor
