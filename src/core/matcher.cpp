#include "matcher.hpp"
#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

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
    const GpuRoom& gpus = hole.gpus;
    if (!workload) return {GpuRoom(gpus).take(milli), 0};
    const Workload::ClassSet able = hole.hosted & workload->fitting(hole.free - shape.need);
    const std::int64_t whole = workload->usable_whole(able, gpus.whole_free());
    std::int64_t usable = whole; // if nothing were taken of the devices
    Choice best{GpuRoom::no_slot, 0};
    std::int64_t best_change = std::numeric_limits<std::int64_t>::min();
    std::int32_t best_room = 0;
    const auto consider = [&](int slot, std::int32_t room, std::int64_t change) {
        if (change < best_change || (change == best_change && room >= best_room)) return;
        best.slot = slot;
        best_change = change;
        best_room = room;
    };
    for (std::uint32_t slots = gpus.used_slots(); slots != 0; slots &= slots - 1) {
        const int slot = std::countr_zero(slots);
        const std::int32_t room = gpus.room_at(slot);
        const std::int64_t now = workload->usable_shared(able, room);
        usable += now;
        if (room >= milli) consider(slot, room, workload->usable_shared(able, room - milli) - now);
    }
    if (const int slot = gpus.unused_slot(); slot != GpuRoom::no_slot)
        consider(slot, GpuRoom::device,
                 workload->usable_whole(able, gpus.whole_free() - 1) +
                     workload->usable_shared(able, GpuRoom::device - milli) - whole);
    best.usable = usable + best_change;
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
    for (Hole& hole : holes_) assess(hole);
}

void Holes::assess(Hole& hole) const {
    hole.hosted = workload_ && hole.fitness.has_gpus ? workload_->hosted_by(*hole.executor) : 0;
    hole.usable = usable_of(workload_.get(), hole);
}

void Holes::add(const Executor& executor, const Resources& free, const GpuRoom& gpus) {
    if (!takes_jobs(executor, free)) return;
    Hole hole{fitness(executor, free), free, gpus, &executor, 0, 0};
    assess(hole);
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
    std::int64_t left = 0;
    if (shares_a_device(shape)) {
        left = choose_device(workload_.get(), hole, shape).usable;
    } else {
        GpuRoom gpus = hole.gpus;
        gpus.take(shape.need.gpu_milli);
        left = workload_->usable(hole.hosted, hole.free - shape.need, gpus);
    }
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
