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
    using Cost = std::int64_t; // in the unit of Workload::usable
    std::vector<Hole>::const_iterator first_for(const Resources& need) const;
    void assess(Hole& hole) const; // by the workload: hosted and usable
    bool is_alike(const Hole& a, const Hole& b) const;
    // Rule 2, for a hole that can take the shape. May stop at any value that is no less than `enough`.
    Cost cost_of(const Hole& hole, const Shape& shape, Cost enough) const;

    std::vector<Hole> holes_;
    std::shared_ptr<const Workload> workload_; // null: nothing is expected
};

// The hole can take the shape now.
bool can_take(const Hole& hole, const Shape& shape);

template <typename Accept> const Hole* Holes::best(const Shape& shape, Accept accept) const {
    const Hole* best = nullptr;
    Cost least = std::numeric_limits<Cost>::max();
    const Hole* last = nullptr; // whose cost was computed last: holes in the same state are neighbours
    Cost last_cost = 0;
    for (auto it = first_for(shape.need); it != holes_.end() && least > 0; ++it) {
        if (!can_take(*it, shape)) continue;
        Cost cost = 0; // the least there is: the first such hole ends the search
        if (workload_ && it->fitness.has_gpus) {
            if (!last || !is_alike(*it, *last)) last_cost = cost_of(*it, shape, least);
            last = &*it;
            cost = last_cost;
        }
        if (cost >= least || !accept(*it)) continue;
        best = &*it;
        least = cost;
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
