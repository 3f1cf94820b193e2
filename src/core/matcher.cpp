#include "matcher.hpp"
#include <algorithm>

namespace rcq::core {
namespace {

bool takes_jobs(const Executor& e, const Resources& free) {
    return e.accepting && !e.draining && free.cpu_cores > 0 && free.memory_mib > 0 && free.gpu_milli >= 0;
}

bool by_fitness(const Hole& hole, const Fitness& fitness) { return hole.fitness < fitness; }

bool shares_a_device(const Shape& shape) {
    return !shape.exclusive && shape.need.gpu_milli > 0 && shape.need.gpu_milli < GpuRoom::device;
}

struct Choice {
    int slot;
    std::int64_t usable; // of the hole afterwards
};

// Of the devices that a shape below one GPU can share, the one that leaves the most usable; of equal ones the tightest.
Choice choose_device(const Workload* workload, const Hole& hole, const Shape& shape) {
    const std::int32_t milli = shape.need.gpu_milli;
    GpuRoom after = hole.gpus;
    if (!workload) return {after.take(milli), 0};
    const Resources left = hole.free - shape.need;
    Choice best{GpuRoom::no_slot, -1};
    std::int32_t best_room = 0;
    const auto consider = [&](int slot, std::int32_t room) {
        after = hole.gpus;
        after.take_at(milli, slot);
        const std::int64_t usable = workload->usable(hole.hosted, left, after);
        if (usable < best.usable || (usable == best.usable && room >= best_room)) return;
        best = {slot, usable};
        best_room = room;
    };
    const auto shared = hole.gpus.shared();
    for (int slot = 0; slot < GpuRoom::max_shared; ++slot) {
        const std::int16_t room = shared[static_cast<std::size_t>(slot)];
        const auto before = shared.first(static_cast<std::size_t>(slot));
        if (room >= milli && std::find(before.begin(), before.end(), room) == before.end()) consider(slot, room);
    }
    if (const int slot = hole.gpus.unused_slot(); slot != GpuRoom::no_slot) consider(slot, GpuRoom::device);
    return best;
}

std::int64_t usable_of(const Workload* workload, const Hole& hole) {
    return workload ? workload->usable(hole.hosted, hole.free, hole.gpus) : 0;
}

// What is left of the hole, and the slot of the GPU that the shape shares.
std::pair<Hole, int> without(const Workload* workload, const Hole& hole, const Shape& shape) {
    Hole left = hole;
    const Resources& taken = taken_by(shape, *hole.executor);
    left.free -= taken;
    left.fitness = fitness(*left.executor, left.free);
    int slot = GpuRoom::no_slot;
    if (shares_a_device(shape)) {
        const Choice choice = choose_device(workload, hole, shape);
        slot = choice.slot;
        left.gpus.take_at(taken.gpu_milli, slot);
        left.usable = choice.usable;
    } else {
        if (shape.exclusive)
            left.gpus = GpuRoom();
        else
            left.gpus.take(taken.gpu_milli);
        left.usable = usable_of(workload, left);
    }
    return {left, slot};
}

} // namespace

void Holes::expect(std::shared_ptr<const Workload> workload) {
    if (workload && workload->empty()) workload = nullptr;
    if (workload == workload_ || (workload && workload_ && *workload == *workload_)) return;
    workload_ = std::move(workload);
    for (Hole& hole : holes_) {
        hole.hosted = workload_ ? workload_->hosted_by(*hole.executor) : 0;
        hole.usable = usable_of(workload_.get(), hole);
    }
}

void Holes::add(const Executor& executor, const Resources& free, const GpuRoom& gpus) {
    if (!takes_jobs(executor, free)) return;
    Hole hole{fitness(executor, free), free, gpus, &executor, 0, 0};
    if (workload_ && hole.fitness.has_gpus) {
        hole.hosted = workload_->hosted_by(executor);
        hole.usable = usable_of(workload_.get(), hole);
    }
    holes_.insert(std::lower_bound(holes_.begin(), holes_.end(), hole.fitness, by_fitness), hole);
}

void Holes::remove(const Executor& executor, const Resources& free) {
    const Fitness f = fitness(executor, free);
    const auto it = std::lower_bound(holes_.begin(), holes_.end(), f, by_fitness);
    if (it != holes_.end() && it->fitness == f) holes_.erase(it);
}

std::vector<Hole>::const_iterator Holes::first_for(const Resources& need) const {
    return std::lower_bound(holes_.begin(), holes_.end(), least_fitness_for(need), by_fitness);
}

bool Holes::is_alike(const Hole& a, const Hole& b) const {
    return a.free == b.free && a.gpus == b.gpus && a.hosted == b.hosted;
}

Holes::Cost Holes::cost_of(const Hole& hole, const Shape& shape, Cost enough) const {
    if (shape.exclusive) return hole.usable; // takes all there is, in whatever ratio
    const Cost mismatch = workload_->mismatch(shape.need, hole.free);
    if (mismatch >= enough || hole.usable == 0) return mismatch;
    const std::int64_t left = shares_a_device(shape) ? choose_device(workload_.get(), hole, shape).usable
                                                     : without(workload_.get(), hole, shape).first.usable;
    return mismatch + hole.usable - left;
}

int Holes::take(const Hole* hole, const Shape& shape) {
    auto it = holes_.begin() + (hole - holes_.data());
    const auto [left, slot] = without(workload_.get(), *it, shape);
    if (!takes_jobs(*left.executor, left.free)) {
        holes_.erase(it);
        return slot;
    }
    // What is left is fitter than before: it moves towards the front, and the ones it passes move up by one.
    const auto place = std::lower_bound(holes_.begin(), it, left.fitness, by_fitness);
    std::move_backward(place, it, it + 1);
    *place = left;
    return slot;
}

bool can_take(const Hole& hole, const Shape& shape) {
    return shape.need.fits_in(hole.free) && (!shape.exclusive || hole.free == hole.executor->capacity) &&
           hole.gpus.fits(shape.need.gpu_milli) && can_host(*hole.executor, shape);
}

Reason why_not(std::span<const Executor* const> executors, const Shape& shape) {
    if (executors.empty()) return Reason::no_executor;
    bool any_draining = false;
    bool any_offline = false;
    for (const Executor* e : executors) {
        if (!is_large_enough(*e, shape) || !can_host(*e, shape)) continue;
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
