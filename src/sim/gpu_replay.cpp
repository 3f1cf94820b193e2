#include "gpu_replay.hpp"
#include <numeric>
#include <random>

namespace rcq::sim {
namespace {

// Uniform from 0 to n - 1. The standard's distributions and shuffle may differ between libraries, the engine may not.
std::size_t draw(std::mt19937_64& random, std::size_t n) {
    const std::uint64_t limit = std::mt19937_64::max() - std::mt19937_64::max() % n;
    while (true)
        if (const std::uint64_t value = random(); value < limit) return static_cast<std::size_t>(value % n);
}

} // namespace

std::optional<std::vector<std::size_t>> random_arrivals(std::span<const core::Shape> shapes, std::int64_t gpu_milli,
                                                        std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::size_t> order(shapes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[draw(random, n)]);
    std::int64_t asked = 0;
    for (std::size_t i = 0; asked < gpu_milli; ++i) {
        if (i == max_arrivals || shapes.empty()) return std::nullopt;
        if (i == order.size()) order.push_back(draw(random, shapes.size()));
        asked += shapes[order[i]].need.gpu_milli;
        if (asked >= gpu_milli) order.resize(i + 1);
    }
    return order;
}

Allocation replay(std::span<const core::Executor> executors, std::span<const core::Shape> shapes,
                  std::span<const std::size_t> arrivals, std::span<const int> demands,
                  std::shared_ptr<const core::Workload> expected) {
    core::Holes holes;
    holes.expect(std::move(expected));
    for (const core::Executor& e : executors) holes.add(e, e.capacity, core::GpuRoom(e.capacity.gpu_milli));
    const std::int64_t all = gpu_milli_of(executors);
    std::int64_t asked = 0;
    std::int64_t allocated = 0;
    Allocation result;
    auto demand = demands.begin();
    for (const std::size_t arrival : arrivals) {
        const core::Shape& shape = shapes[arrival];
        asked += shape.need.gpu_milli;
        if (const core::Hole* hole = holes.best(shape)) {
            holes.take(hole, shape);
            allocated += shape.need.gpu_milli;
        } else {
            ++result.turned_away;
        }
        for (; demand != demands.end() && asked * 100 >= all * *demand; ++demand)
            result.percent.push_back(100.0 * static_cast<double>(allocated) / static_cast<double>(all));
    }
    return result;
}

core::Workload workload_of(std::span<const core::Shape> shapes) {
    std::vector<core::Workload::Counted> jobs;
    jobs.reserve(shapes.size());
    for (const core::Shape& shape : shapes) jobs.push_back({shape, 1});
    return core::Workload(std::move(jobs));
}

std::int64_t gpu_milli_of(std::span<const core::Executor> executors) {
    std::int64_t sum = 0;
    for (const core::Executor& e : executors) sum += e.capacity.gpu_milli;
    return sum;
}

} // namespace rcq::sim
