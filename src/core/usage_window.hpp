// Which part of the past counts as usage, and the calendar months of a clock with an epoch of its own.
#pragma once
#include "types.hpp"

namespace rcq::core {

enum class WindowKind {
    rolling,  // the last `length`
    month,    // the calendar month in UTC, so far
    half_life // everything, each use halved every `length`
};

struct UsageWindow {
    WindowKind kind = WindowKind::rolling;
    Micros length = 30 * day; // of a rolling window, or the half-life; > 0. A month has its own
    // For months: the day whose midnight is time 0, in days since 1970-01-01. PostgreSQL's 2000-01-01 is day 10957.
    std::int32_t epoch_day = 0;
    friend bool operator==(const UsageWindow&, const UsageWindow&) = default;
};

// The calendar month of a time, as months since January of the year 0. Years -32767 to 32767 of the proleptic
// Gregorian calendar; leap seconds do not exist, as in PostgreSQL and POSIX.
std::int64_t month_of(Micros time, std::int32_t epoch_day);

// The first instant of a month so numbered.
Micros month_start(std::int64_t month, std::int32_t epoch_day);

} // namespace rcq::core
