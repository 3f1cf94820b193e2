// Replays the arrivals of a GPU trace on its cluster, in random order, and counts how many of the GPUs get allocated.
//
// The experiment of Weng et al., USENIX ATC 2023: the pods of the trace arrive once each in random order, then random
// ones of them again, until they have asked for a given part of the cluster's GPUs. Each is placed at once or turned
// away for good; none ends. Turned-away ones count as arrived.
#pragma once
#include "core/matcher.hpp"
#include <memory>

namespace rcq::sim {

// Indices of shapes in the order of arrival. Stops with the first arrival that brings the sum of GPUs asked for to
// `gpu_milli`. Equal seeds give equal orders everywhere. None: the shapes ask for so little of the GPUs that it would
// take more than max_arrivals to get there.
inline constexpr std::size_t max_arrivals = 10'000'000;
std::optional<std::vector<std::size_t>> random_arrivals(std::span<const core::Shape> shapes, std::int64_t gpu_milli,
                                                        std::uint64_t seed);

struct Allocation {
    std::vector<double> percent; // of all GPUs of the cluster, for each of the demands
    std::size_t turned_away = 0; // pods
};

// Places the arrivals by the fitness function, with that workload expected (null: best fit alone). `demands` ascend, in
// per cent of the cluster's GPUs; each is measured after the arrival that brings the sum asked for to it. The cluster
// must have GPUs, and `arrivals` must reach the last demand.
Allocation replay(std::span<const core::Executor> executors, std::span<const core::Shape> shapes,
                  std::span<const std::size_t> arrivals, std::span<const int> demands,
                  std::shared_ptr<const core::Workload> expected);

// All shapes, each counted once.
core::Workload workload_of(std::span<const core::Shape> shapes);

// Sum of the GPUs of all executors, in thousandths.
std::int64_t gpu_milli_of(std::span<const core::Executor> executors);

} // namespace rcq::sim
