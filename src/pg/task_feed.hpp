// Arrays in the scheduler: which of their tasks are to get rows of their own, which arrays have started, which may have
// ended. A cache like the rest of the scheduler's state; what it decides is written by the store.
#pragma once
#include "../core/array_feed.hpp"
#include "store.hpp"

namespace rcq::pg {

class TaskFeed {
public:
    // A live row of an array job, as it is now. Returns its tasks when they ask for something else than was known:
    // those that were made of it since must be read again.
    std::vector<core::JobId> saw_array(const store::LiveRow& row);
    // A live row of a task.
    void saw_task(const store::LiveRow& row);
    // The scheduler has placed this task.
    void placed(const core::Job& task) { feed_.task(task.id, task.array, core::TaskState::placed, task.eligible_at); }
    // A run of a task of this array (0: of none) has started, and may have ended before it was ever seen to go on.
    void has_run(core::JobId array);
    // There is no live row of this id any more.
    void gone(core::JobId id);
    // Arrays and tasks whose id lies in a range.
    std::vector<core::JobId> ids_in(core::JobId first, core::JobId last) const;
    // The array that a job is a task of, or 0.
    core::JobId array_of(core::JobId job) const;

    struct Settled {
        std::vector<core::JobId> started, ended; // arrays
    };
    // Counts what ended, ends arrays whose tasks all have, marks those that have started.
    Settled settle(TimestampTz now);
    // Makes rows for as many tasks as the next plan could place, `most` at most, and puts them into the cluster.
    // Returns how many: none while there is no partition for so many ids and somebody else is making one.
    std::size_t materialise(core::Cluster& cluster, TimestampTz now, int32 most);
    // Whether any array has tasks without a row.
    bool has_waiting() const { return feed_.arrays() > 0; }
    // When tasks of an array may start next that may not yet.
    std::optional<TimestampTz> next_due(TimestampTz now) const { return feed_.next_due(now); }

private:
    struct Array {
        core::WaitingArray waiting;
        bool started = false;
    };
    core::ArrayFeed feed_;
    std::map<core::JobId, Array> arrays_;
    std::map<core::JobId, core::JobId> array_of_; // of tasks
    std::set<core::JobId> to_fold_, to_start_;
};

} // namespace rcq::pg
