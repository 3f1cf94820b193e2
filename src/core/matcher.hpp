// Which executor a job goes to, and why it goes to none.
#pragma once
#include "fitness.hpp"
#include "states.hpp"
#include <span>

namespace rcq::core {

// What is free on one executor that takes new jobs.
struct Hole {
    Fitness fitness;
    Resources free;
    const Executor* executor = nullptr;
};

// All holes, fittest first: a sorted array, because the plan works on a copy of it and copying an array is the cheapest
// thing there is. Executors that can take no job at all (offline, draining, without a free core or free memory, more
// promised than they have) are not in it. The executors must outlive it.
class Holes {
public:
    // Adds the executor with so much free, unless it can take no job. It must not be in.
    void add(const Executor& executor, const Resources& free);
    // Removes the executor that was added with these same values; nothing happens if it was not.
    void remove(const Executor& executor, const Resources& free);

    // The fittest hole for a shape; null: none. Valid until the next change.
    const Hole* best(const Shape& shape) const;

    // Takes `amount` out of a hole that best() returned.
    void take(const Hole* hole, const Resources& amount);

    std::span<const Hole> all() const { return holes_; }

private:
    std::vector<Hole> holes_;
};

// Why a shape that no hole takes waits, from what executors could hold if they were empty:
//   never_fits   no registered executor, drained and offline ones included, is large enough and has the features
//   drained      all that could hold it are being drained
//   no_executor  all others that could hold it are offline, or nothing is registered
//   resources    some executor in service takes it when enough is freed
Reason why_not(std::span<const Executor* const> executors, const Shape& shape);

} // namespace rcq::core
