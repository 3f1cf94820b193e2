#include "matcher.hpp"
#include <algorithm>

namespace rcq::core {
namespace {

bool takes_jobs(const Executor& e, const Resources& free) {
    return e.accepting && !e.draining && free.cpu_cores > 0 && free.memory_mib > 0 && free.gpu_milli >= 0;
}

bool by_fitness(const Hole& hole, const Fitness& fitness) { return hole.fitness < fitness; }

} // namespace

void Holes::add(const Executor& executor, const Resources& free) {
    if (!takes_jobs(executor, free)) return;
    const Fitness f = fitness(executor, free);
    holes_.insert(std::lower_bound(holes_.begin(), holes_.end(), f, by_fitness), Hole{f, free, &executor});
}

void Holes::remove(const Executor& executor, const Resources& free) {
    const Fitness f = fitness(executor, free);
    const auto it = std::lower_bound(holes_.begin(), holes_.end(), f, by_fitness);
    if (it != holes_.end() && it->fitness == f) holes_.erase(it);
}

const Hole* Holes::best(const Shape& shape) const {
    auto it = std::lower_bound(holes_.begin(), holes_.end(), least_fitness_for(shape.need), by_fitness);
    for (; it != holes_.end(); ++it)
        if (shape.need.fits_in(it->free) && has_features(it->executor->features, shape.features)) return &*it;
    return nullptr;
}

void Holes::take(const Hole* hole, const Resources& amount) {
    auto it = holes_.begin() + (hole - holes_.data());
    Hole left = *it;
    left.free -= amount;
    left.fitness = fitness(*left.executor, left.free);
    if (!takes_jobs(*left.executor, left.free)) {
        holes_.erase(it);
        return;
    }
    // What is left is fitter than before: it moves towards the front, and the ones it passes move up by one.
    const auto place = std::lower_bound(holes_.begin(), it, left.fitness, by_fitness);
    std::move_backward(place, it, it + 1);
    *place = left;
}

Reason why_not(std::span<const Executor* const> executors, const Shape& shape) {
    if (executors.empty()) return Reason::no_executor;
    bool any_draining = false;
    bool any_offline = false;
    for (const Executor* e : executors) {
        if (!shape.need.fits_in(e->capacity) || !has_features(e->features, shape.features)) continue;
        if (e->draining)
            any_draining = true;
        else if (e->accepting)
            return Reason::resources;
        else
            any_offline = true;
    }
    if (any_offline) return Reason::no_executor;
    return any_draining ? Reason::drained : Reason::never_fits;
}

} // namespace rcq::core
