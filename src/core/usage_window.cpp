#include "usage_window.hpp"
#include <chrono>

namespace rcq::core {

std::int64_t month_of(Micros time, std::int32_t epoch_day) {
    const std::chrono::days days(floor_div(time, day) + epoch_day);
    const std::chrono::year_month_day date{std::chrono::sys_days(days)};
    return static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month())) - 1;
}

Micros month_start(std::int64_t month, std::int32_t epoch_day) {
    const auto year = floor_div(month, 12);
    const std::chrono::year_month_day first{std::chrono::year(static_cast<int>(year)),
                                            std::chrono::month(static_cast<unsigned>(month - year * 12) + 1),
                                            std::chrono::day(1)};
    return (std::chrono::sys_days(first).time_since_epoch().count() - epoch_day) * day;
}

} // namespace rcq::core
