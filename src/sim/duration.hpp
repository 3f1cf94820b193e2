// Lengths of time as people write them: 7d, 72h, 30m, 90s, 1.5h; a bare number counts seconds.
#pragma once
#include "core/types.hpp"
#include <string>
#include <string_view>

namespace rcq::sim {

// 0 to 100 years. Throws UsageError naming the text and the form expected.
core::Micros parse_duration(std::string_view text);

// In the largest unit that leaves a whole number: "7d", "90m", "0s".
std::string format_duration(core::Micros duration);

inline double in_hours(core::Micros duration) {
    return static_cast<double>(duration) / static_cast<double>(core::hour);
}
inline double in_seconds(core::Micros duration) {
    return static_cast<double>(duration) / static_cast<double>(core::second);
}

} // namespace rcq::sim
