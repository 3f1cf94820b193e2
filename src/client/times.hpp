// Times and durations as people read them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rcq::client {

// Seconds since 1970 of a time as the server writes it into JSON (2026-11-22T10:01:07.123+01:00); nothing for what is
// no such time, as infinity.
std::optional<double> parse_time(std::string_view text);

// In the time zone of whoever calls (TZ): "10:01:07" within a day of now, else "2026-11-22 10:01"; what cannot be read
// stays as it is.
std::string short_time(std::string_view text, double now);
// "2026-11-22 10:01:07"
std::string long_time(std::string_view text);

// 7 -> "7s", 90 -> "1m30s", 14400 -> "4h00m", 200000 -> "2d07h"; below 0 as 0.
std::string short_duration(double seconds);

// "04:00:00", "1 day 02:00:00" as the server writes an interval, in the form above; what is none stays as it is.
std::string interval_text(std::string_view text);

// The time zone of whoever calls, as the server may know it: Europe/Berlin, or what TZ says. Empty: nobody knows.
std::string time_zone();

double now_s();
double monotonic_s(); // of a clock that nobody sets

} // namespace rcq::client
