// Shared memory: one slot per database that has a scheduler. A slot carries what backends tell the scheduler (which
// jobs changed, heartbeats of executors) and what the scheduler tells backends (its state, what it knows of the queue).
// Nothing here is truth: the tables are, and a scheduler that starts rebuilds everything from them.
#pragma once
#include "metrics.hpp"
#include "prelude.hpp"

namespace rcq::pg {

enum class SlotState : int {
    free = 0, // no database
    wanted,   // the launcher shall start a scheduler
    starting, // asked for, not yet connected
    running,  // scheduling
    idle,     // connected but not scheduling: version mismatch, or a copy that was not adopted (see last_error)
    absent,   // the database has no extension, or is being dropped or copied: start nothing
    failed,   // ended unexpectedly: the launcher starts it again
};
const char* name(SlotState state);

struct JobRange {
    int64 first, last; // inclusive
};

// What changed since the scheduler last looked: a superset of job ids, to be read again from the tables.
struct Changes {
    static constexpr int capacity = 4096;
    bool definitions; // settings, groups, users or executors changed
    int count;
    JobRange ranges[capacity];
};

// What is published of one lane, found by its key.
struct PublishedLane {
    uint64 key;
    double fair_share; // core::Factors::multiplier
    double size;       // core::LaneReport::size
    int32 base_priority;
    int32 reason; // core::Reason
    int64 jobs;
    TimestampTz oldest, newest; // eligible_at of its first and last job
};

struct PublishedRank {
    int64 job_id;
    int32 position;
};

// A job that is promised a start, by what is planned now.
struct PublishedReservation {
    int64 job_id;
    int32 executor;
    TimestampTz start;
};

// What final priorities are computed with; as in core::Settings.
struct PublishedWeights {
    int32 policy;
    double wait_boost_per_hour, weight_age, weight_fair_share, weight_priority, weight_size;
    int64 max_age;
};

struct Published {
    static constexpr int max_lanes = 4096;
    static constexpr int max_ranks = 1000;
    static constexpr int max_reservations = 100;
    PublishedWeights weights;
    int32 lanes;        // sorted by key
    int32 ranks;        // sorted by job_id
    int32 reservations; // in the order in which they were made
    PublishedLane lane[max_lanes];
    PublishedRank rank[max_ranks];
    PublishedReservation reservation[max_reservations];
};

struct PublishedStart {
    int64 job_id;
    TimestampTz at;
};

// How many jobs of a lane have an expected start, and the latest of these.
struct PublishedPace {
    uint64 lane_key;
    int64 jobs;
    TimestampTz last_start;
};

// The last finished forecast.
struct PublishedForecast {
    static constexpr int max_starts = 10000;
    TimestampTz made_at; // 0: none was made
    int32 starts;        // sorted by job_id
    int32 paces;         // sorted by lane_key
    PublishedStart start[max_starts];
    PublishedPace pace[Published::max_lanes];
};

struct Heartbeat {
    pg_atomic_uint32 executor_id; // 0 = free
    pg_atomic_uint64 seen;        // TimestampTz, for people
    pg_atomic_uint64 tick;        // the same by monotonic(), for leases
    pg_atomic_uint64 acked_seq;   // of the last command that it says it has
    pg_atomic_uint64 acked_at;    // TimestampTz, when it first said that
};

struct DatabaseSlot {
    // under the registry lock
    Oid database;
    SlotState state;
    int pid;
    bool activated; // the extension was made while a scheduler was connected
    // read without a lock when waking: stale values cost one needless SetLatch
    pg_atomic_uint32 scheduler; // proc number + 1 of the scheduler, 0 = none
    pg_atomic_uint32 woken;     // 1 = its latch has been set since it last looked
    // raised by every commit that changed what backends keep in memory (definitions_cache.hpp)
    pg_atomic_uint64 definitions;
    // under change_lock
    LWLock* change_lock;
    Changes changes;
    // under publish_lock
    LWLock* publish_lock;
    TimestampTz started_at, last_cycle_at;
    int64 cycles, placements, pending, running;
    char last_error[512];
    Published published;
    PublishedForecast forecast;
    Metrics metrics;       // counts take no lock, gauges publish_lock
    Heartbeat* heartbeats; // rcq.max_executors entries
};

struct Shared {
    LWLock* registry_lock;
    pg_atomic_uint32 launcher; // proc number + 1
    pg_atomic_uint32 unserved; // 1 = the extension was made in a database that there was no slot for
    uint64 claims;             // of slots, ever
    DatabaseSlot slots[FLEXIBLE_ARRAY_MEMBER];
};

// nullptr when rcq is not in shared_preload_libraries.
extern Shared* shared;

void install_shared_memory_hooks();

// Error RC011: there is no shared memory, because the library was not preloaded.
[[noreturn]] void refuse_unloaded();

// This database's slot, or -1. With `claim`, a free one is taken when there is none yet.
int find_slot(Oid database, bool claim);
// As above, with error RC011 when the library was not preloaded.
DatabaseSlot* own_slot();

void free_slot(Oid database);
void wake_process(pg_atomic_uint32& proc_number_plus_one);

// LWLock for a C++ scope. Never held over anything that can throw a PgError.
class LockGuard {
public:
    LockGuard(LWLock* lock, LWLockMode mode) : lock_(lock) { LWLockAcquire(lock_, mode); }
    ~LockGuard() { LWLockRelease(lock_); }
    LockGuard(const LockGuard&) = delete;
    LockGuard& operator=(const LockGuard&) = delete;

private:
    LWLock* lock_;
};

} // namespace rcq::pg
