// What a job costs its group: billed use in whole units, and how long a job is planned to run.
//
// Use is counted in thousandths of a billed core-second, as integers: sums that are kept up to date by adding and
// taking away for months must come back to exactly zero, which floating point would not.
#pragma once
#include "settings.hpp"
#include <string_view>

namespace rcq::core {

using Billed = std::int64_t;     // thousandths of a billed core-second
using BilledRate = std::int64_t; // thousandths of a billed core

// A rate times microseconds, for sums that must not be rounded on the way: 30 days of a big cluster do not fit 64 bits.
__extension__ using BilledWork = __int128;

inline constexpr double billed_per_hour = 3600.0 * 1000.0; // of one billed core

inline double billed_hours(Billed amount) { return static_cast<double>(amount) / billed_per_hour; }

// The nearest whole amount; what is not finite, negative or out of range is brought into range.
Billed billed_from_core_seconds(double core_seconds);

// A group's quota as an amount.
Billed billed_from_hours(double cpu_hours);

// What so many cores, GB and GPUs of a type cost together, in billed cores; of core-seconds, GB-seconds and GPU-seconds
// the billed core-seconds. A type without a weight of its own costs as any GPU; "" is no type.
double billed_cores(double cores, double gb, double gpus, std::string_view gpu_type, const Settings& settings);

// What these resources cost per second; 0 or more.
BilledRate billed_rate(const Resources& resources, std::string_view gpu_type, const Settings& settings);

// The planned duration that a job brings itself: its estimate, else its time limit, in seconds, rounded up, at least 1
// and at most 10 years. None if it has neither.
std::optional<std::int64_t> own_plan_seconds(std::optional<Micros> estimate, std::optional<Micros> time_limit);

// The planned duration of a job that brings none: the group's default, else the settings'. Same unit and range.
std::int64_t default_plan_seconds(const Group& group, const Settings& settings);

} // namespace rcq::core
