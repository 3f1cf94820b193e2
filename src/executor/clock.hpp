// Time as the executor counts it: CLOCK_BOOTTIME, which goes on while the machine sleeps and never jumps.
#pragma once
#include <cstdint>
#include <ctime>

namespace rcq::executor {

inline std::int64_t boottime_ms() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

} // namespace rcq::executor
