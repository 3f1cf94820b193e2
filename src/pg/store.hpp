// Everything the scheduler reads from and writes to the tables: what every job takes part in by key (store_*.cpp), the
// rest in the only SQL text of the server process besides the look-up of callers (identity.cpp). All functions run
// inside a Transaction, with a Sight: the reading ones show what that does.
#pragma once
#include "../core/cluster.hpp"
#include "shared.hpp"
#include "table.hpp"

namespace rcq::pg::store {

// A job that has not ended.
struct LiveRow {
    core::Job job; // as it is while pending
    int64 token = 0;
    core::ExecutorId executor = 0; // 0 = pending
    TimestampTz placed_at = 0;
    std::optional<TimestampTz> claimed_at;
    bool cancelling = false;
    bool preempting = false;
    bool requeueing = false;
    bool may_requeue = false;            // when it is lost with its executor, or that is drained
    std::optional<TimestampTz> deadline; // at which it is to be expired; the deadline of a run is its executor's affair
    core::Resources granted;             // what the run holds
    int32 preempted = 0;                 // times, this one not counted
    int32 unmet = 0;                     // dependencies
    std::optional<int32> tasks_waiting;  // of an array job, which is itself never placed
};

struct ExecutorRow {
    core::ExecutorId id = 0;
    core::Resources capacity;
    std::string gpu_type;
    core::Features features;
    core::Consumables consumables;
    bool registered = false;             // has a process that did not sign off
    bool draining = false;               // now, or:
    std::optional<TimestampTz> drain_at; // nothing runs beyond it
    bool drain_requeues = false;         // the drain takes back what runs there
};

struct Definitions {
    core::Settings settings;
    double claim_timeout_s = 0, lease_s = 0, lost_after_s = 0;
    int32 predict_depth = 0;
    bool paused = false; // the cluster
    std::vector<core::Group> groups;
    std::vector<core::User> users;
    std::vector<core::Window> windows; // those that are not over
    std::map<std::string, int32> concurrency_limits;
    core::Consumables consumables; // of the cluster
    std::vector<ExecutorRow> executors;
    std::optional<TimestampTz> next_fire; // of the schedules
};

// Use of resources that is settled, in resource-seconds.
struct Used {
    core::GroupId group = 0;
    core::UserId user = 0;
    TimestampTz since = 0, at = 0;
    double core_s = 0, gb_s = 0, gpu_s = 0;
    std::string gpu_type;
};

// How long a run took that ended by itself, against what its owner had estimated.
struct Duration {
    core::UserId user = 0;
    core::Micros estimate = 0, actual = 0;
};

struct Placing {
    core::Job job; // as it was planned
    core::ExecutorId executor = 0;
    int64 token = 0;
    core::Resources granted;
    bool done = false; // carried out
};

struct RunKey {
    int64 job = 0;
    int64 token = 0;
};

// A run that is no more, and what was known of it.
struct EndedRun {
    int64 job = 0;
    int64 token = 0;
    core::GroupId group = 0;
    core::UserId user = 0;
    core::JobId array = 0; // that its job is a task of
    core::Resources granted;
    std::string gpu_type;           // of its executor
    bool may_have_estimate = false; // else its job has none
};

// Locks out DROP EXTENSION until the transaction ends; InvalidOid when there is no extension.
Oid lock_extension();
// Why this library must not schedule here (version, adopted copy), with a hint; empty when it may.
std::string reason_to_idle();

Definitions read_definitions();

// Live rows in the order of their ids.
class LiveRows {
public:
    explicit LiveRows(const Sight& sight);
    using Each = std::function<void(LiveRow&&)>;
    // Those whose id lies in the range.
    void in(const JobRange& range, const Each& each);
    // Where a step of so many rows from `first` on ends that looks at `entries` of the index at most: at a greater id,
    // or at the greatest there is. Nothing: there is none.
    std::optional<int64> last_of(int64 first, int rows, int entries);

private:
    LiveRow convert(const FoundRow& row);
    const core::Constraint& constraint_of(const FoundRow& row);

    const Table table_;
    Scan scan_;
    MemoryContext scratch_; // goes with the transaction
    std::string known_features_, known_constraints_;
    core::Constraint known_constraint_;
};

// Settled usage that ended not earlier than `since`.
void read_usage(TimestampTz since, const std::function<void(const Used&)>& each);
// What the given runs were charged, if they have ended and were not lost; and how long they took, if they had an
// estimate and were not ended by anybody.
void read_charges(const Sight& sight, const std::vector<EndedRun>& runs,
                  const std::function<void(const EndedRun&, const Used&)>& each,
                  const std::function<void(const Duration&)>& took);
// Of the jobs that ended last, oldest first.
void read_durations(const std::function<void(const Duration&)>& took);

// As the parameters of rcq_private.settle_dependencies().
struct SettledDependencies {
    std::vector<int64> released, ended, awaited, followed, later, again;
};
// Decides what is known by now about dependencies on jobs that have changed, and about those of fresh jobs. Rows that
// somebody holds are left for later.
SettledDependencies settle_dependencies(const std::vector<int64>& changed, const std::vector<int64>& fresh,
                                        TimestampTz now);

// Whether the next `count` job ids have partitions; makes what is missing unless somebody else makes partitions in a
// transaction that is open. To be asked before jobs are stored, which would wait for that transaction, and fail.
bool partitions_ready(int32 count);

// Submits the jobs of all schedules that are due; when the next one is.
std::optional<TimestampTz> fire_schedules(TimestampTz now);

// Makes rows for the next tasks of arrays, at most so many of each; arrays that somebody holds are left out.
void materialise(const std::vector<int64>& arrays, const std::vector<int32>& counts,
                 const std::function<void(core::JobId array, core::JobId task)>& each);
// Adds up what tasks ended of these arrays, and ends the arrays that are through: those. Rows that somebody holds are
// left out.
std::vector<int64> fold_arrays(const std::vector<int64>& arrays);
// Marks arrays as started; returns those, rows that somebody holds left out.
std::vector<int64> start_arrays(const std::vector<int64>& arrays, TimestampTz now);

// Places pending jobs, in ascending order of ids; rows that somebody holds or changed are left out, and jobs that ask
// for something else by now than they were planned with.
void place(Sight& sight, std::vector<Placing>& placings, TimestampTz now);
// Takes placements back that were not claimed; rows that somebody holds are left out.
void unplace(Sight& sight, const std::vector<RunKey>& runs);
// Of these jobs (tasks of arrays) that have not started, lets those start sooner that wait only because a clock that
// was ahead has written when they may; rows that somebody holds are left out.
void correct_delays(Sight& sight, const std::vector<int64>& jobs, TimestampTz now);
// Ends claimed runs as lost with their executor.
void lose(core::ExecutorId executor, const std::vector<RunKey>& runs);
// Ends jobs that have not started by their deadline, and withdraws the waiting tasks of arrays; rows that somebody
// holds are left out. Returns the jobs that ended.
std::vector<int64> expire(const std::vector<int64>& jobs);
// Tells executors to end runs so that other jobs can start; as send_cancels().
std::vector<int64> send_preemptions(const std::vector<RunKey>& runs, TimestampTz now);
// Tells executors to cancel runs, once per run; rows that somebody holds are left out. Returns the jobs that were told.
std::vector<int64> send_cancels(const std::vector<RunKey>& runs);
// Tells executors to end runs so that their jobs wait again; as send_cancels().
std::vector<int64> send_requeues(const std::vector<RunKey>& runs, TimestampTz now);
// Whether the server's queue of notifications has room for ours.
bool may_notify();

// The history, see sql/install/70-history.sql; each in a transaction of its own.
bool settle_restore();
bool extend_history(); // by one partition, if it is needed
void close_history();
struct HistoryPart {
    int64 first, last; // job ids
    bool whole;        // else its logs alone
};
std::vector<HistoryPart> history_due();
bool may_drop_history(const HistoryPart& part); // opens it again when live jobs are in it
void drop_history(const HistoryPart& part);
void history_waits(const HistoryPart& part);
// Deletes what runs that are over have said of how far they were.
void forget_progress();

} // namespace rcq::pg::store
