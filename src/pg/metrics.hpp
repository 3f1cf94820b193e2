// What /metrics tells, as it lies in shared memory: counts since the server started, and what the scheduler last said
// of its queue. Whatever is read here costs the same however many jobs there are.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

enum class Counter : int {
    submitted,   // jobs; an array is one
    completed,   // jobs that ended so with a run, as failed and cancelled
    failed,      //
    cancelled,   //
    retried,     // runs that failed and are followed by another one, as the next four
    lost,        // given up with their executor
    not_started, // their executor could not start them
    requeued,    // somebody wanted it
    preempted,   // for another job
    log_bytes,   // of output that executors sent
    leases_lost, // executors that fell silent
    count,
};
constexpr int counters = static_cast<int>(Counter::count);

// How often something took how long, in seconds: a cell for each upper bound and one for what is above the last.
template <std::size_t N> struct HistogramBounds {
    double seconds[N];
    static constexpr std::size_t cells = N + 1;
    constexpr std::size_t cell_of(double value) const {
        std::size_t cell = 0;
        while (cell < N && value > seconds[cell]) cell++;
        return cell;
    }
};
inline constexpr HistogramBounds<12> cycle_bounds{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}};
inline constexpr HistogramBounds<14> wait_bounds{
    {0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 43200, 86400, 259200}};
inline constexpr HistogramBounds<14> run_bounds{
    {0.1, 1, 5, 15, 60, 300, 900, 3600, 7200, 14400, 43200, 86400, 259200, 604800}};

template <std::size_t Cells> struct Histogram {
    pg_atomic_uint64 cell[Cells];
    pg_atomic_uint64 microseconds; // sum
};

template <std::size_t N, std::size_t Cells>
void observe(Histogram<Cells>& histogram, const HistogramBounds<N>& bounds, double seconds) {
    static_assert(Cells == N + 1);
    const double least = std::max(seconds, 0.0);
    pg_atomic_fetch_add_u64(&histogram.cell[bounds.cell_of(least)], 1);
    pg_atomic_fetch_add_u64(&histogram.microseconds, static_cast<int64>(least * 1e6));
}

// Requests over HTTP by route and status, in a table that is filled from both without a lock: a cell belongs to the
// first who sets its key.
struct RequestCell {
    pg_atomic_uint64 key;   // 0 = free
    pg_atomic_uint32 named; // route and status can be read
    int32 status;
    char route[64];
    pg_atomic_uint64 requests;
};

struct GroupGauges {
    int32 group; // 0 = all that have no place of their own
    int64 pending, held, assigned, running;
    TimestampTz oldest; // eligible_at of the job that has waited longest; 0 = none waits
};

enum class HostStatus : int { idle, busy, draining, offline, count };
struct HostGauges {
    int64 executors;
    int64 cpu_cores, memory_mib, gpus;
    int64 cpu_cores_used, memory_mib_used;
    double gpus_used; // shares count as such
};

// What the scheduler last published.
struct Gauges {
    static constexpr int max_groups = 1024;
    static constexpr int max_reasons = 32;
    bool paused;
    int32 groups;
    GroupGauges group[max_groups + 1];
    int64 reason[max_reasons]; // waiting jobs by core::Reason
    HostGauges hosts[static_cast<int>(HostStatus::count)];
};

struct Metrics {
    static constexpr int max_requests = 512;
    pg_atomic_uint64 counter[counters];
    Histogram<cycle_bounds.cells> cycles;
    Histogram<wait_bounds.cells> waits;
    Histogram<run_bounds.cells> runs;
    RequestCell request[max_requests];
    pg_atomic_uint64 further_requests; // for which the table had no room
    pg_atomic_uint64 limit_hits[3];    // by HttpLimit
    Gauges gauges;                     // under the slot's publish_lock
};

// Nothing has been counted. Once more for a slot that another database takes.
void clear_metrics(Metrics& metrics);

} // namespace rcq::pg
