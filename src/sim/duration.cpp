#include "duration.hpp"

#include "usage_error.hpp"

#include <charconv>
#include <cmath>
#include <utility>

namespace rcq::sim {

core::Micros parse_duration(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    core::Micros scale = 0;
    if (unit.empty() || unit == "s") scale = core::second;
    if (unit == "m") scale = core::minute;
    if (unit == "h") scale = core::hour;
    if (unit == "d") scale = core::day;
    const double length = number * static_cast<double>(scale);
    constexpr double most = 36'525.0 * static_cast<double>(core::day);
    if (error != std::errc() || scale == 0 || !std::isfinite(length) || length < 0 || length > most)
        throw UsageError("\"" + std::string(text) +
                         "\" is no length of time up to 100 years: write 90s, 30m, 72h or 7d");
    return std::llround(length);
}

std::string format_duration(core::Micros duration) {
    for (const auto& [unit, name] :
         {std::pair{core::day, "d"}, {core::hour, "h"}, {core::minute, "m"}, {core::second, "s"}})
        if (duration % unit == 0 && (duration >= unit || unit == core::second))
            return std::to_string(duration / unit) + name;
    return std::to_string(in_seconds(duration)) + "s";
}

} // namespace rcq::sim
