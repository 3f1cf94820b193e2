// Replays a trace through the scheduling core: the same Cluster and plan() as in the database, driven by events.
//
// The machine is one executor with the processors as its cores. At each instant at which something happens, first all
// jobs end whose time it is, then all arrive that are submitted, then plan() decides what starts.
#pragma once
#include "replay_options.hpp"
#include "trace.hpp"
#include <functional>

namespace rcq::sim {

// Time that the core took for each decision: Cluster::advance() and plan(), in microseconds.
struct CycleTimes {
    std::size_t count = 0;
    double mean_us = 0;
    double p99_us = 0; // nearest rank
    double max_us = 0;
};

struct Replay {
    std::vector<core::Micros> starts; // of each job of the trace, in its order
    CycleTimes cycles;
    double seconds = 0; // of wall-clock time for the whole replay
};

// Called now and then with the number of jobs that have ended and of all; empty: never.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

// Throws UsageError for options that the core does not know, std::logic_error if the core leaves a job unplaced for
// ever or places one that it cannot.
Replay replay(const Trace& trace, const ReplayOptions& options, const Progress& progress = {});

} // namespace rcq::sim
