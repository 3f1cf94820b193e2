// What is promised during one plan or forecast: to reservations of blocked jobs, to jobs that have just been placed,
// and to the windows of administrators. Answers how long a hole may be used, and when a job that waits can start.
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

// What promises are made of; must outlive them and stay as it is.
struct Scene {
    const std::unordered_map<ExecutorId, Host>& hosts;
    const Holdings& holdings;
    const std::vector<Window>& windows;
};

// The executor is in service and has what the shape asks for.
bool serves(const Host& host, const Shape& shape);

class Promises {
public:
    Promises(const Scene& scene, Micros now) : scene_(scene), now_(now) {}

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
    // The same on one executor that serves the shape; never, if not before `give_up`.
    Micros earliest_on(ExecutorId id, const Ask& ask, Micros give_up = never);
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

    const Window* conflict(ExecutorId executor, GroupId group, Micros from, Micros length) const;
    HostTimeline make_timeline(ExecutorId id, const Host& host) const;
    HostTimeline& timeline(ExecutorId id, const Host& host);
    // Of the cluster, if that has some of the name, else of the host.
    ConsumableTimeline& consumable(const Host& host, const std::string& name);
    const ConsumableTimeline* find_consumable(ExecutorId executor, const std::string& name) const; // null: untouched
    std::int64_t left_now(ExecutorId executor, const std::string& name) const;
    Micros agree(const Host& host, HostTimeline& timeline, const Ask& ask, Micros give_up);

    Scene scene_;
    Micros now_;
    std::unordered_map<ExecutorId, HostTimeline> timelines_; // of executors with reservations
    std::unordered_map<ExecutorId, std::vector<Placed>> placed_;
    std::map<std::string, ConsumableTimeline, std::less<>> stocks_;
    std::map<std::pair<ExecutorId, std::string>, ConsumableTimeline> own_; // of executors
    std::set<std::string> promised_names_;                                 // names of consumables in reservations
};

} // namespace rcq::core
