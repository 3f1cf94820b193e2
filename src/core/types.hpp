// The words of the scheduling core: identifiers, resources, jobs, runs, executors, groups.
// Plain values; nothing here knows a clock, a database or another value.
#pragma once
#include "constraint.hpp"
#include "features.hpp"
#include <compare>
#include <cstdint>
#include <map>
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

// Whole amounts of named things that are counted besides cores, memory and GPUs: licences, scratch disks. By name.
using Consumables = std::map<std::string, std::int64_t, std::less<>>;

// What a job needs from one executor.
struct Shape {
    Resources need;
    std::int32_t min_cores = 0; // moldable: fewer cores will do where no executor has as many as wanted; 0 = no
    std::string gpu_type;       // model; empty = any, several are separated by '|'
    Constraint constraint;      // on the executor's features
    Consumables consumables;    // of the executor, or of the cluster where that has some of the name
    bool exclusive = false;     // wants its executor alone, and takes all of it
    friend auto operator<=>(const Shape&, const Shape&) = default;
};

// A pending job.
struct Job {
    JobId id = 0;
    GroupId group = 0;
    UserId user = 0;
    std::int32_t priority = 5; // the user's choice, 1 to 10, 10 = soonest
    Shape shape;
    bool preemptible = false;        // may be stopped and requeued for a job that is not
    std::string concurrency_key;     // jobs of one key are limited together; empty: none
    JobId array = 0;                 // the array that it is a task of; 0: none
    std::int32_t array_throttle = 0; // most tasks of that array that are runs at one time; 0: no limit
    Micros eligible_at = 0;          // waiting counts from here; one to come: not before. Never minus infinity
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
    Resources resources; // granted: for an exclusive job all that its executor has
    Consumables consumables;
    std::int32_t gpu_slot = -1; // the device of a share; see GpuRoom
    bool preemptible = false;
    std::string concurrency_key;
    JobId array = 0; // see Job, as the next
    std::int32_t array_throttle = 0;
    Micros placed_at = 0;
    std::optional<Micros> claimed_at; // none: assigned, not yet taken by its executor
    std::optional<Micros> estimate;
    std::optional<Micros> time_limit;
    bool cancelling = false;    // asked to stop, not yet confirmed: still holds its capacity
    bool preempting = false;    // asked to stop for another job
    std::int32_t preempted = 0; // how often the job has been, this time not counted
    friend bool operator==(const Run&, const Run&) = default;
};

struct Executor {
    ExecutorId id = 0;
    Resources capacity;
    std::string gpu_type; // model of its GPUs; empty: unknown
    Features features;
    Consumables consumables;
    bool accepting = true; // registered and online
    bool draining = false; // an administrator wants it empty
    friend bool operator==(const Executor&, const Executor&) = default;
};

// On placed and running jobs together; none: no limit.
struct Limits {
    std::optional<std::int32_t> jobs;
    std::optional<std::int32_t> cores;
    std::optional<std::int32_t> gpus;
    friend bool operator==(const Limits&, const Limits&) = default;
};

struct Group {
    GroupId id = 0;
    GroupId parent = 0;                    // 0 = none; see the policies multifactor and fairtree
    double shares = 1;                     // of what its parent gets, against those of its siblings; >= 0
    std::int32_t priority = 5;             // set by administrators, 1 to 10
    std::optional<double> quota_cpu_hours; // billed CPU-hours per window; none: no quota, multiplier 1
    bool hard_quota = false;               // true: nothing is placed that would exceed the quota
    std::optional<Micros> default_estimate;
    Limits limits;
    bool paused = false; // nothing of it is placed
    friend bool operator==(const Group&, const Group&) = default;
};

// A person. Jobs of users that nobody put count as of one with these defaults.
struct User {
    UserId id = 0;
    GroupId group = 0;
    double shares = 1; // of what the group gets, against those of the group's other users; >= 0
    Limits limits;
    friend bool operator==(const User&, const User&) = default;
};

// A time in which executors are promised to one group, or to nobody: a maintenance. Jobs that would not be over when it
// begins are not started; what runs there goes on.
struct Window {
    std::int32_t id = 0;
    std::optional<ExecutorId> executor; // none: all
    std::optional<GroupId> group;       // who may use them; none: nobody
    Micros from = 0;
    Micros until = 0; // exclusive; never: for good
    friend bool operator==(const Window&, const Window&) = default;
};

// Rounds towards minus infinity; `step` > 0.
constexpr std::int64_t floor_div(std::int64_t value, std::int64_t step) {
    return value / step - (value % step < 0 ? 1 : 0);
}

} // namespace rcq::core
