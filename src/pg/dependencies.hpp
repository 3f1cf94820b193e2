// Jobs that wait for others, in the scheduler: which jobs they wait for, and what has become known of those since it
// was last settled. A cache like the rest of the scheduler's state; what it finds out is written by the store.
#pragma once
#include "store.hpp"

namespace rcq::pg {

class Dependencies {
public:
    // A live row, as it is now.
    void saw(const store::LiveRow& row);
    // A job or an array has started.
    void started(core::JobId job);
    // There is no live row of this id any more; array: the one that it was a task of, or 0.
    void ended(core::JobId job, core::JobId array);
    // Jobs that wait, and that are waited for, whose id lies in a range; in no order.
    std::vector<core::JobId> ids_in(core::JobId first, core::JobId last) const;

    // Whether there is something to settle at once.
    bool any() const { return !changed_.empty() || !fresh_.empty(); }
    // Whether rows that somebody held are to be tried again; times by a clock that nobody sets.
    bool is_retry_due(TimestampTz tick) const { return has_retries() && tick - retries_since_ >= retry_interval; }
    bool has_retries() const { return !retry_changed_.empty() || !retry_fresh_.empty(); }

    // Settles part of it, so that a cycle stays short; what is released waits from now on. Returns the jobs whose rows
    // have changed, or are gone, by that.
    std::vector<core::JobId> settle(TimestampTz now, TimestampTz tick);

    static constexpr TimestampTz retry_interval = 1'000'000;

private:
    std::set<core::JobId> blocked_;            // wait, as far as is known
    std::map<core::JobId, bool> awaited_;      // waited for -> has started, as far as is known
    std::unordered_set<core::JobId> followed_; // arrays whose tasks are waited for one by one
    std::unordered_set<core::JobId> changed_,
        fresh_; // to be settled: have started or ended; wait for what is not known
    std::unordered_set<core::JobId> retry_changed_, retry_fresh_;
    TimestampTz retries_since_ = 0;
};

} // namespace rcq::pg
