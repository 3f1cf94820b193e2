// What is promised during one plan: to reservations of blocked jobs, to jobs that the plan has just placed, and to the
// windows of administrators. Answers how long a hole may be used, and when a job that waits can start.
// Internal to the plan.
#pragma once
#include "cluster.hpp"

namespace rcq::core {

// What asks for a place.
struct Ask {
    const Shape* shape = nullptr;
    GroupId group = 0;
    std::int64_t plan_s = 0;
    Micros length() const { return plan_s * second; }
};

struct Start {
    ExecutorId executor = 0;
    Micros at = never;
};

class Promises {
public:
    Promises(const Cluster& cluster, Micros now) : cluster_(cluster), now_(now) {}

    // So much of the consumables is left now, for a job on this hole. What was false once stays so.
    bool has_consumables(const Hole& hole, const Shape& shape) const;
    // How long the shape may run on this hole from now on; never: for good. 0: not now. Holes change when something is
    // placed, so what was 0 once stays so.
    Micros lasts(const Hole& hole, const Ask& ask) const;

    // Somebody may use the executor all that time, as far as windows go.
    bool is_open(ExecutorId executor, GroupId group, Micros from, Micros length) const {
        return !conflict(executor, group, from, length);
    }

    // What is promised is not touched, whatever is free on the executor while the ask runs there from now on.
    bool delays_nothing(ExecutorId executor, const Ask& ask) const;

    // The ask has been placed: these resources are taken for its planned duration.
    void place(ExecutorId executor, const Ask& ask, const Resources& granted);

    // The first time and the place at which the ask can start, after all that is promised already; at = never when it
    // can start nowhere in service.
    Start earliest(const Ask& ask);
    // The run will be asked to stop: what it holds is free within a second.
    void stop(const Run& run);
    // Promises what earliest() found, or what stopped runs leave.
    void reserve(const Start& start, const Ask& ask);

private:
    struct Placed {
        Resources granted;
        Micros length;
    };
    using HostTimeline = Timeline<Resources>;
    using ConsumableTimeline = Timeline<Count>;
    // A consumable of one executor.
    struct Own {
        ConsumableTimeline::Releases releases;
        ConsumableTimeline timeline;
        Own(const Count& free, ConsumableTimeline::Releases&& of_runs, Micros now)
            : releases(std::move(of_runs)), timeline(free, releases, now) {}
        Own(Own&&) = delete; // the timeline points at the releases
    };

    const Window* conflict(ExecutorId executor, GroupId group, Micros from, Micros length) const;
    HostTimeline make_timeline(ExecutorId id, const Host& host) const;
    HostTimeline& timeline(ExecutorId id, const Host& host);
    // Of the cluster, if that has some of the name, else of the host.
    ConsumableTimeline& consumable(const Host& host, const std::string& name);
    const ConsumableTimeline* find_consumable(ExecutorId executor, const std::string& name) const; // null: untouched
    std::int64_t left_now(ExecutorId executor, const std::string& name) const;
    Micros earliest_on(const Host& host, HostTimeline& timeline, const Ask& ask, Micros give_up);

    const Cluster& cluster_;
    Micros now_;
    std::unordered_map<ExecutorId, HostTimeline> timelines_; // of executors with reservations
    std::unordered_map<ExecutorId, std::vector<Placed>> placed_;
    std::map<std::string, ConsumableTimeline, std::less<>> stocks_;
    std::map<std::pair<ExecutorId, std::string>, Own> own_;
    std::set<std::string> promised_names_; // names of consumables in reservations
};

} // namespace rcq::core
