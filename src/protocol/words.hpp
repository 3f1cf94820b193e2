// Words that the server side and the executor side share: version, channel, ends of runs, error codes.
// Includes neither postgres.h nor libpq. The protocol itself: docs/reference/executor-protocol.md
#pragma once
#include <string>
#include <string_view>

namespace rcq::protocol {

inline constexpr int version = 1;

// How a run ended, as an executor reports it.
namespace run_end {
inline constexpr std::string_view exit_code = "exit_code";     // ended by itself; 0 is success
inline constexpr std::string_view signal = "signal";           // killed by a signal that rcq did not send
inline constexpr std::string_view timeout = "timeout";         // killed at its time limit
inline constexpr std::string_view oom = "oom";                 // killed at its memory limit
inline constexpr std::string_view disk_quota = "disk_quota";   // killed because its directory grew too large
inline constexpr std::string_view spawn_error = "spawn_error"; // never started: missing workdir, no such interpreter
inline constexpr std::string_view not_started = "not_started"; // the host could not start it; the job waits again
inline constexpr std::string_view cancelled = "cancelled";     // killed because the server asked for it
inline constexpr std::string_view bad_result = "bad_result";   // ended with 0, but its result is no JSON or too large
} // namespace run_end

// Kinds of rows in the answer of rcq.executor_sync.
namespace sync_row {
inline constexpr std::string_view answer = "answer";
inline constexpr std::string_view start = "start";
inline constexpr std::string_view cancel = "cancel";
inline constexpr std::string_view kill = "kill";
inline constexpr std::string_view ack = "ack";
inline constexpr std::string_view terms = "terms";
} // namespace sync_row

// What the server says to one reported end.
namespace answer {
inline constexpr std::string_view ok = "ok";           // recorded now
inline constexpr std::string_view already = "already"; // recorded before; the earlier answer was lost
inline constexpr std::string_view stale = "stale";     // the run is no longer the job's live one; nothing changed
inline constexpr std::string_view retry = "retry";     // the row was locked; report it again
} // namespace answer

// SQLSTATE class RC: every error that rcq raises itself. The manual page is docs/reference/errors.md
namespace error {
inline constexpr std::string_view bad_request = "RC001";   // an argument is out of range or malformed
inline constexpr std::string_view not_found = "RC002";     // no such job, group, user, executor, setting (or not yours)
inline constexpr std::string_view wrong_state = "RC003";   // the state of the job or executor does not allow this
inline constexpr std::string_view busy = "RC004";          // the row is locked by somebody else; try again
inline constexpr std::string_view not_permitted = "RC005"; // administrators only, or above your own limit
inline constexpr std::string_view already_exists = "RC006"; // a group, user, executor of that name exists
inline constexpr std::string_view limit_reached =
    "RC007"; // a limit on your jobs: pending at a time, submitted per minute
inline constexpr std::string_view unknown_role = "RC010";     // the SQL role is no user of rcq
inline constexpr std::string_view not_preloaded = "RC011";    // rcq is not in shared_preload_libraries
inline constexpr std::string_view no_executor_role = "RC020"; // the SQL role is no executor
inline constexpr std::string_view replaced = "RC021";         // another process has registered this executor since
inline constexpr std::string_view version_mismatch = "RC022"; // protocol version not supported
inline constexpr std::string_view malformed_report = "RC023"; // malformed report, capacity or log batch
} // namespace error

inline std::string executor_channel(int executor_id) { return "rcq_executor_" + std::to_string(executor_id); }

} // namespace rcq::protocol
