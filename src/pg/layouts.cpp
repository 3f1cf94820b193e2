#include "layouts.hpp"

namespace rcq::pg {

namespace live {
namespace {
constexpr const char* names[] = {"job_id",
                                 "user_id",
                                 "group_id",
                                 "cpu_cores",
                                 "memory_mib",
                                 "gpu_count",
                                 "planned_s",
                                 "max_retries",
                                 "requeue",
                                 "features",
                                 "cpu_cores_min",
                                 "gpu_type",
                                 "constraints",
                                 "consumables",
                                 "exclusive",
                                 "preemptible",
                                 "concurrency_key",
                                 "time_limit_s",
                                 "array_id",
                                 "array_throttle",
                                 "deadline",
                                 "payload_bytes",
                                 "held",
                                 "priority",
                                 "failures",
                                 "losses",
                                 "attempt",
                                 "executor_id",
                                 "eligible_at",
                                 "token",
                                 "command_seq",
                                 "placed_at",
                                 "claimed_at",
                                 "claimed_by",
                                 "cancel_requested_at",
                                 "peak_memory_mib",
                                 "cpu_seconds",
                                 "granted_cores",
                                 "granted_memory_mib",
                                 "granted_gpus",
                                 "preempt_requested_at",
                                 "preempted",
                                 "unmet",
                                 "tasks_waiting",
                                 "memory_raised",
                                 "requeue_requested_at",
                                 "log_full"};
static_assert(std::size(names) == log_full + 1);
} // namespace
const Layout layout{"live", names};
} // namespace live

namespace job {
namespace {
constexpr const char* names[] = {"id",
                                 "submitted_at",
                                 "user_id",
                                 "group_id",
                                 "cpu_cores",
                                 "memory_mib",
                                 "gpu_count",
                                 "priority",
                                 "max_retries",
                                 "requeue",
                                 "kill_on_disconnect",
                                 "estimate",
                                 "time_limit",
                                 "name",
                                 "workdir",
                                 "features",
                                 "env",
                                 "script",
                                 "cpu_cores_min",
                                 "gpu_type",
                                 "constraints",
                                 "consumables",
                                 "exclusive",
                                 "preemptible",
                                 "concurrency_key",
                                 "array_spec",
                                 "array_size",
                                 "array_id",
                                 "array_index",
                                 "begin_time",
                                 "deadline",
                                 "depends_on",
                                 "wait_if_unmet",
                                 "retry",
                                 "idempotency_key",
                                 "project",
                                 "tags",
                                 "external_id",
                                 "schedule_id",
                                 "type",
                                 "payload"};
static_assert(std::size(names) == payload + 1);
} // namespace
const Layout layout{"job", names};
} // namespace job

namespace outcome {
namespace {
constexpr const char* names[] = {"job_id",       "ended_at",   "user_id",       "group_id",
                                 "priority",     "attempt",    "executor_id",   "exit_code",
                                 "placed_at",    "claimed_at", "token",         "peak_memory_mib",
                                 "cpu_seconds",  "signal",     "status",        "reason",
                                 "message",      "output",     "granted_cores", "granted_memory_mib",
                                 "granted_gpus", "result"};
static_assert(std::size(names) == result + 1);
} // namespace
const Layout layout{"outcome", names};
} // namespace outcome

namespace superseded {
namespace {
constexpr const char* names[] = {
    "job_id",     "attempt", "user_id",   "executor_id",     "ended_at",           "placed_at",
    "claimed_at", "token",   "exit_code", "peak_memory_mib", "cpu_seconds",        "signal",
    "reason",     "message", "output",    "granted_cores",   "granted_memory_mib", "granted_gpus"};
static_assert(std::size(names) == granted_gpus + 1);
} // namespace
const Layout layout{"run", names};
} // namespace superseded

namespace command {
namespace {
constexpr const char* names[] = {"executor_id", "seq", "job_id", "token", "kind"};
static_assert(std::size(names) == kind + 1);
} // namespace
const Layout layout{"command", names};
} // namespace command

namespace array_end {
namespace {
constexpr const char* names[] = {"array_id", "completed", "failed", "cancelled"};
static_assert(std::size(names) == cancelled + 1);
} // namespace
const Layout layout{"array_end", names};
} // namespace array_end

namespace progress {
namespace {
constexpr const char* names[] = {"job_id", "user_id", "token", "percent", "message", "at"};
static_assert(std::size(names) == at + 1);
} // namespace
const Layout layout{"progress", names};
} // namespace progress

namespace executor {
namespace {
constexpr const char* names[] = {"id", "name", "incarnation", "gpu_type"};
static_assert(std::size(names) == gpu_type + 1);
} // namespace
const Layout layout{"executor", names};
} // namespace executor

namespace usage {
namespace {
constexpr const char* names[] = {"at",         "group_id",    "user_id", "core_seconds",
                                 "gb_seconds", "gpu_seconds", "since",   "gpu_type"};
static_assert(std::size(names) == gpu_type + 1);
} // namespace
const Layout layout{"usage", names};
} // namespace usage

} // namespace rcq::pg
