// Statuses of a job, the one table of legal transitions between them, and the reasons that explain a status.
// The names are the words that SQL, HTTP and the manual use.
#pragma once
#include <optional>
#include <span>
#include <string_view>

namespace rcq::core {

enum class Status { pending, assigned, running, completed, failed, cancelled };

enum class Reason {
    none,
    // pending
    priority,       // others go first
    resources,      // fits once something is freed
    reserved,       // the capacity is promised to somebody else
    dependency,     // waits for another job
    begin_time,     // may not start yet
    held,           // by its owner or an administrator
    retry,          // waits before its next attempt
    array_throttle, // enough tasks of its array are running
    quota,          // its group's hard quota
    limit,          // a limit on running jobs
    maintenance,    // would run into a maintenance window
    drained,        // fits only executors that are being drained
    paused,         // the cluster or the group is paused
    no_executor,    // nothing registered, or fits only executors that are offline
    never_fits,     // larger than every registered executor, or wants features that none has
    restored,       // came back with a dump of the database and waits for rcq.resume_restored
    // running
    cancelling, // asked to stop, not yet confirmed
    preempting, // asked to stop for another job
    requeueing, // asked to stop, and to wait again
    // failed
    exit_code,
    signal,
    timeout,
    oom,
    disk_quota, // its directory grew beyond what the executor allows
    deadline,
    executor_lost,
    not_started, // no executor could start it
    dependency_failed,
    spawn_error,
    bad_result,   // the result that the job wrote is not JSON
    tasks_failed, // tasks of the array failed
};

struct Transition {
    Status from;
    Status to;
};

// All legal transitions; everything that is not in it is illegal, staying included.
std::span<const Transition> transitions();

bool may_become(Status from, Status to);

// No transition leads out of it.
bool is_final(Status status);

std::string_view name(Status status);
std::string_view name(Reason reason); // empty for none

std::optional<Status> status_from(std::string_view name);
std::optional<Reason> reason_from(std::string_view name);

// The status that a reason explains; nothing for Reason::none.
std::optional<Status> status_of(Reason reason);

std::span<const Status> all_statuses();
std::span<const Reason> all_reasons(); // without none

} // namespace rcq::core
