// The fitness function: of the executors that can take a job, the one with the least fitness gets it.
//
// Best fit: the smallest hole that is large enough, so that large holes stay for large jobs. Hosts without GPUs come
// first and few free GPUs before many, so that GPUs stay for GPU jobs. The value depends on the executor alone, not on
// the job: what a job takes is the same everywhere, so what is left orders as what is there. This lets one sorted list
// serve every job.
#pragma once
#include "types.hpp"

namespace rcq::core {

// A core weighs as much as this much memory: the usual ratio of general-purpose hosts.
inline constexpr std::int64_t mib_per_core = 4096;

// Size of an amount of cores and memory, in MiB. If a fits in b, hole_size(a) <= hole_size(b).
inline std::int64_t hole_size(const Resources& r) { return r.cpu_cores * mib_per_core + r.memory_mib; }

struct Fitness {
    bool has_gpus = false;
    std::int32_t gpu_free = 0; // thousandths
    std::int64_t size = 0;     // hole_size of what is free
    ExecutorId id = 0;         // makes the choice deterministic
    friend auto operator<=>(const Fitness&, const Fitness&) = default;
};

inline Fitness fitness(const Executor& executor, const Resources& free) {
    return {executor.capacity.gpu_milli > 0, free.gpu_milli, hole_size(free), executor.id};
}

// No executor that can take `need` is less fit than this.
inline Fitness least_fitness_for(const Resources& need) {
    return {need.gpu_milli > 0, need.gpu_milli, hole_size(need), INT32_MIN};
}

} // namespace rcq::core
