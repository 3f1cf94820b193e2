// When pending jobs are expected to start: a simulation of the time to come by what is planned now.
//
// The jobs are taken in rank order, and each gets the earliest start that the planned ends of runs and the jobs before
// it leave, as conservative backfill would give it. Nobody else is expected to submit anything, and ranks are expected
// to stay. Jobs that wait for something else than resources (a limit, a quota, a pause, an executor) get no start.
// Cost: O(jobs x log executors), and O(executors) once for every shape and planned duration; it can be done in parts.
#pragma once
#include "plan.hpp"
#include "promises.hpp"
#include <queue>
#include <span>

namespace rcq::core {

struct ExpectedStart {
    JobId job = 0;
    Micros at = 0;
};

// How a lane fares in the forecast: for its jobs behind those that were looked at.
struct LanePace {
    std::size_t jobs = 0;  // of the lane, with an expected start
    Micros last_start = 0; // the latest of those
};

class Forecast {
public:
    // Copies what it needs: the cluster may go on changing. `ranked` as plan() reports it.
    Forecast(const Cluster& cluster, std::span<const RankedJob> ranked, Micros now);
    Forecast(const Forecast&) = delete; // inner parts point at each other
    Forecast& operator=(const Forecast&) = delete;

    // Goes on until it has finished (true) or is out of time; asked before every job.
    bool go_on(const std::function<bool()>& out_of_time);

    Micros made_at() const { return now_; }
    const std::vector<ExpectedStart>& starts() const { return starts_; }                // in rank order
    const std::unordered_map<std::uint64_t, LanePace>& paces() const { return paces_; } // by lane_key()

private:
    struct Waiting {
        JobId job;
        std::uint64_t lane_key;
        const Shape* shape;
        GroupId group;
        std::int64_t plan_s;
    };
    struct Candidate { // an executor, and a time before which the shape cannot start there
        Micros not_before;
        Fitness fitness;
        ExecutorId id;
        bool operator>(const Candidate& other) const {
            return std::tie(not_before, fitness) > std::tie(other.not_before, other.fitness);
        }
    };
    using Candidates = std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>>;
    using Kind = std::tuple<const Shape*, GroupId, std::int64_t>; // jobs of one kind start alike

    Start start_of(const Waiting& waiting);

    Micros now_;
    std::unordered_map<ExecutorId, Host> hosts_;
    Holdings holdings_;
    std::vector<Window> windows_;
    std::set<Shape> shapes_;
    std::vector<Waiting> waiting_; // in rank order
    std::size_t next_ = 0;
    std::map<Kind, Candidates> candidates_;
    Promises promises_;
    std::vector<ExpectedStart> starts_;
    std::unordered_map<std::uint64_t, LanePace> paces_;
};

} // namespace rcq::core
