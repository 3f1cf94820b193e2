// Which tasks of waiting arrays must be jobs of their own now.
//
// An array of many tasks is one waiting entry, and a task becomes a job (a pending one, in a lane) when it may be
// placed. Before every plan an array must have so many pending tasks that the plan places as many as it would if all
// were there, else somebody of a lower rank would go first; and their number must be bounded by the cluster.
//
// The rule, for arrays whose time has come and that are not blocked: the plan can place at most as many tasks of one
// shape as fit into what is free, and one more is needed that waits in their stead: it keeps the place in the queue,
// holds the reservation, carries reason and forecast (as many of these as there are reservations, where backfill makes
// backfill_depth of them; with conservative backfill too, so that tasks further back hold none). Arrays whose tasks
// share a lane and the planned duration are one queue for the plan: they share the number in the order of (eligible_at,
// id). An array with a throttle needs no more than that leaves it, reservations aside. What is told of its user to the
// cluster (Cluster::put_user) must be told without regard to this.
#pragma once
#include "cluster.hpp"

namespace rcq::core {

struct WaitingArray {
    JobId id = 0;
    Job like;                 // as its tasks will be; their ids ascend, `id` and `held` mean nothing
    std::int64_t waiting = 0; // tasks that are no jobs yet
    bool blocked = false;     // held, or depends on something: no task may start
};

enum class TaskState {
    pending, // and neither held nor dependent on something
    placed   // assigned or running
};

// So many tasks of the array are to become jobs.
struct Demand {
    JobId array = 0;
    std::int32_t count = 0;
    friend bool operator==(const Demand&, const Demand&) = default;
};

// Every put inserts or replaces, every drop of something unknown does nothing; arrays and tasks may come in any order.
class ArrayFeed {
public:
    void put(const WaitingArray& array);
    void drop(JobId array); // its tasks stay

    // A job is a task of the array, in this state. `eligible_at` is the task's own: one that waits since later than its
    // array, as for a retry, comes behind the tasks that are no jobs yet, and does not count for them.
    void task(JobId task, JobId array, TaskState state, Micros eligible_at);
    // The job is neither pending nor placed any more, or it may not start.
    void task_gone(JobId task);

    // What a plan at `now` needs, by ascending id of the arrays, at most `most` tasks in all: when it is so many, ask
    // again when they are jobs, before planning. Cost: arrays that wait, and executors with something free for each of
    // their shapes; nothing when nothing has changed since it found nothing to do.
    std::vector<Demand> demand(const Cluster& cluster, Micros now, std::int32_t most);

    // Arrays with tasks that are no jobs yet.
    std::size_t arrays() const { return waiting_arrays_; }
    // The first time after `now` at which tasks of an array may become jobs that are not blocked; none: there is none.
    std::optional<Micros> next_due(Micros now) const;

private:
    // Tasks that are one queue for the plan.
    struct Queue {
        LaneSpec lane;
        std::optional<Micros> estimate;
        std::optional<Micros> time_limit;
        friend auto operator<=>(const Queue&, const Queue&) = default;
    };
    using Place = std::pair<Micros, JobId>; // eligible_at, array
    using Queues = std::map<Queue, std::set<Place>>;
    struct Array {
        std::optional<WaitingArray> definition;
        std::map<Micros, std::int64_t> pending; // tasks by eligible_at
        std::int64_t placed = 0;
        Queues::iterator queue; // where it is, if defined
        std::int64_t pending_in_turn() const;
    };
    struct Task {
        JobId array;
        TaskState state;
        Micros eligible_at;
    };
    // What the answer depends on beside the arrays.
    struct Seen {
        std::uint64_t free;
        std::uint64_t capacity;
        std::int64_t spare;
        friend bool operator==(const Seen&, const Seen&) = default;
    };

    void count(const Task& task, int sign);
    void leave_queue(Array& array);
    void forget_if_empty(JobId array);

    std::unordered_map<JobId, Array> arrays_;
    std::unordered_map<JobId, Task> tasks_;
    Queues queues_;
    std::multiset<Micros> times_; // eligible_at of arrays that wait and are not blocked
    std::size_t waiting_arrays_ = 0;
    std::optional<Seen> satisfied_;         // by which nothing was to do; none: something has changed since
    std::optional<Micros> satisfied_until_; // when the next array's time comes; none: never
};

} // namespace rcq::core
