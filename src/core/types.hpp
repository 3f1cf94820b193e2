// The words of the scheduling core: identifiers, resources, jobs, runs, executors, groups.
// Plain values; nothing here knows a clock, a database or another value.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rcq::core {

// A point in time or a length of time, in microseconds. Any epoch will do as long as one program uses only one.
using Micros = std::int64_t;

inline constexpr Micros second = 1'000'000;
inline constexpr Micros minute = 60 * second;
inline constexpr Micros hour = 60 * minute;
inline constexpr Micros day = 24 * hour;

using JobId = std::int64_t;
using ExecutorId = std::int32_t;
using GroupId = std::int32_t;
using UserId = std::int32_t;

// An amount of what an executor has and a job takes. Amounts of jobs and capacities are never negative; what is free
// of an executor can be, when it came back smaller than what still runs on it.
struct Resources {
    std::int32_t cpu_cores = 0;
    std::int64_t memory_mib = 0; // 1 MiB = 2^20 bytes
    std::int32_t gpu_milli = 0;  // thousandths of a GPU

    // Every component of this is at most that of `room`.
    bool fits_in(const Resources& room) const {
        return cpu_cores <= room.cpu_cores && memory_mib <= room.memory_mib && gpu_milli <= room.gpu_milli;
    }
    Resources& operator+=(const Resources& other) {
        cpu_cores += other.cpu_cores;
        memory_mib += other.memory_mib;
        gpu_milli += other.gpu_milli;
        return *this;
    }
    Resources& operator-=(const Resources& other) {
        cpu_cores -= other.cpu_cores;
        memory_mib -= other.memory_mib;
        gpu_milli -= other.gpu_milli;
        return *this;
    }
    friend Resources operator+(Resources a, const Resources& b) { return a += b; }
    friend Resources operator-(Resources a, const Resources& b) { return a -= b; }
    friend auto operator<=>(const Resources&, const Resources&) = default;
};

// Names of properties of a host ("avx512", "gpu:a100"), sorted and without duplicates. See sort_features().
using Features = std::vector<std::string>;

// What a job needs from one executor.
struct Shape {
    Resources need;
    Features features;      // every one must be among the executor's
    std::string gpu_type{}; // models that will do, separated by '|'; empty: any
    bool exclusive = false; // wants the executor for itself: only where nothing is taken, and takes all of it
    friend auto operator<=>(const Shape&, const Shape&) = default;
};

// A pending job.
struct Job {
    JobId id = 0;
    GroupId group = 0;
    UserId user = 0;
    std::int32_t priority = 5; // the user's choice, 1 to 10, 10 = soonest
    Shape shape;
    Micros eligible_at = 0; // waiting counts from here; one to come: not before. Never minus infinity
    std::optional<Micros> estimate;
    std::optional<Micros> time_limit;
    bool held = false; // by its owner or an administrator: waits outside all lanes
    friend bool operator==(const Job&, const Job&) = default;
};

// A job placed on an executor. It holds its resources from placement until it is dropped.
struct Run {
    JobId job = 0;
    ExecutorId executor = 0;
    GroupId group = 0;
    UserId user = 0;
    Resources resources;
    Micros placed_at = 0;
    std::optional<Micros> claimed_at; // none: assigned, not yet taken by its executor
    std::optional<Micros> estimate;
    std::optional<Micros> time_limit;
    bool cancelling = false; // asked to stop, not yet confirmed: still holds its capacity
    friend bool operator==(const Run&, const Run&) = default;
};

struct Executor {
    ExecutorId id = 0;
    Resources capacity;
    Features features;
    bool accepting = true;  // registered and online
    bool draining = false;  // an administrator wants it empty
    std::string gpu_type{}; // model of its GPUs; empty: unknown
    friend bool operator==(const Executor&, const Executor&) = default;
};

struct Group {
    GroupId id = 0;
    std::int32_t priority = 5;             // set by administrators, 1 to 10
    std::optional<double> quota_cpu_hours; // billed CPU-hours per window; none: no quota, multiplier 1
    bool hard_quota = false;               // true: nothing is placed that would exceed the quota
    std::optional<Micros> default_estimate;
    friend bool operator==(const Group&, const Group&) = default;
};

// Sorts and removes duplicates; cheap when there is nothing to do.
void sort_features(Features& features);

// Both sorted: every one of `wanted` is among `offered`.
bool has_features(const Features& offered, const Features& wanted);

// Rounds towards minus infinity; `step` > 0.
constexpr std::int64_t floor_div(std::int64_t value, std::int64_t step) {
    return value / step - (value % step < 0 ? 1 : 0);
}

} // namespace rcq::core
