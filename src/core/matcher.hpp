// Which executor a job goes to, and why it goes to none.
#pragma once
#include "fitness.hpp"
#include "states.hpp"
#include <limits>
#include <memory>
#include <span>

namespace rcq::core {

// What is free on one executor that takes new jobs.
struct Hole {
    Fitness fitness;
    Resources free;
    GpuRoom gpus; // free.gpu_milli by device
    const Executor* executor = nullptr;
    Workload::ClassSet hosted = 0; // classes of the workload that the executor can host
    std::int64_t usable = 0;       // Workload::usable of all this
};

// All holes, fittest first: a sorted array, because the plan works on a copy of it and copying an array is the cheapest
// thing there is. Executors that can take no job at all (offline, draining, without a free core or free memory, more
// promised than they have) are not in it. The executors must outlive it.
class Holes {
public:
    // What rule 2 of the fitness expects from now on; null: nothing. Cost: holes x classes, unless it is equal to what
    // was expected before.
    void expect(std::shared_ptr<const Workload> workload);

    // Adds the executor with so much free, unless it can take no job. It must not be in. `gpus` is free.gpu_milli by
    // device.
    void add(const Executor& executor, const Resources& free, const GpuRoom& gpus);
    // Removes the executor that was added with these same values; nothing happens if it was not.
    void remove(const Executor& executor, const Resources& free);

    // The fittest of the holes that can take the shape and that accept(const Hole&) does not turn down; null: none.
    // Valid until the next change. Only holes that are fitter than those before them are shown to `accept`.
    template <typename Accept> const Hole* best(const Shape& shape, Accept accept) const;
    const Hole* best(const Shape& shape) const {
        return best(shape, [](const Hole&) { return true; });
    }

    // Takes what the shape takes (taken_by()) out of a hole that best() returned for it. Returns the slot of the GPU
    // that it shares, or GpuRoom::no_slot.
    int take(const Hole* hole, const Shape& shape);

    std::span<const Hole> all() const { return holes_; }

private:
    std::vector<Hole>::const_iterator first_for(const Resources& need) const;
    bool is_alike(const Hole& a, const Hole& b) const;
    // How much less is usable of the hole when it has taken the shape in the way that costs least.
    std::int64_t loss(const Hole& hole, const Shape& shape) const;

    std::vector<Hole> holes_;
    std::shared_ptr<const Workload> workload_; // null: nothing is expected
};

// The hole can take the shape now.
bool can_take(const Hole& hole, const Shape& shape);

template <typename Accept> const Hole* Holes::best(const Shape& shape, Accept accept) const {
    const Hole* best = nullptr;
    const Hole* last = nullptr; // whose loss was computed last: holes in the same state are neighbours
    std::int64_t last_loss = 0;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (auto it = first_for(shape.need); it != holes_.end() && least > 0; ++it) {
        if (!can_take(*it, shape)) continue;
        std::int64_t hole_loss = 0; // the least there is: the first such hole ends the search
        if (workload_ && it->fitness.has_gpus) {
            if (!last || !is_alike(*it, *last)) last_loss = loss(*it, shape);
            last = &*it;
            hole_loss = last_loss;
        }
        if (hole_loss >= least || !accept(*it)) continue;
        best = &*it;
        least = hole_loss;
    }
    return best;
}

// Why a shape that no hole takes waits, from what executors could hold if they were empty:
//   never_fits   no registered executor, drained and offline ones included, is large enough and has what it asks for
//   drained      all that could hold it are being drained
//   no_executor  all others that could hold it are offline, or nothing is registered
//   resources    some executor in service takes it when enough is freed
Reason why_not(std::span<const Executor* const> executors, const Shape& shape);

} // namespace rcq::core
