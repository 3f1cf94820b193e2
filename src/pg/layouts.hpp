// The columns of the tables that are read and written by key (table.hpp).
#pragma once
#include "table.hpp"

namespace rcq::pg {

namespace live {
enum Column : int {
    job_id,
    user_id,
    group_id,
    cpu_cores,
    memory_mib,
    gpu_count,
    planned_s,
    max_retries,
    requeue,
    features,
    cpu_cores_min,
    gpu_type,
    constraints,
    consumables,
    exclusive,
    preemptible,
    concurrency_key,
    time_limit_s,
    array_id,
    array_throttle,
    deadline,
    payload_bytes,
    held,
    priority,
    failures,
    losses,
    attempt,
    executor_id,
    eligible_at,
    token,
    command_seq,
    placed_at,
    claimed_at,
    claimed_by,
    cancel_requested_at,
    peak_memory_mib,
    cpu_seconds,
    granted_cores,
    granted_memory_mib,
    granted_gpus,
    preempt_requested_at,
    preempted,
    unmet,
    tasks_waiting,
    memory_raised,
    requeue_requested_at,
    log_full
};
extern const Layout layout;
} // namespace live

namespace job {
enum Column : int {
    id,
    submitted_at,
    user_id,
    group_id,
    cpu_cores,
    memory_mib,
    gpu_count,
    priority,
    max_retries,
    requeue,
    kill_on_disconnect,
    estimate,
    time_limit,
    name,
    workdir,
    features,
    env,
    script,
    cpu_cores_min,
    gpu_type,
    constraints,
    consumables,
    exclusive,
    preemptible,
    concurrency_key,
    array_spec,
    array_size,
    array_id,
    array_index,
    begin_time,
    deadline,
    depends_on,
    wait_if_unmet,
    retry,
    idempotency_key,
    project,
    tags,
    external_id,
    schedule_id,
    type,
    payload
};
extern const Layout layout;
} // namespace job

namespace outcome {
enum Column : int {
    job_id,
    ended_at,
    user_id,
    group_id,
    priority,
    attempt,
    executor_id,
    exit_code,
    placed_at,
    claimed_at,
    token,
    peak_memory_mib,
    cpu_seconds,
    signal,
    status,
    reason,
    message,
    output,
    granted_cores,
    granted_memory_mib,
    granted_gpus,
    result
};
extern const Layout layout;
} // namespace outcome

// Attempts that ended without ending their job.
namespace superseded {
enum Column : int {
    job_id,
    attempt,
    user_id,
    executor_id,
    ended_at,
    placed_at,
    claimed_at,
    token,
    exit_code,
    peak_memory_mib,
    cpu_seconds,
    signal,
    reason,
    message,
    output,
    granted_cores,
    granted_memory_mib,
    granted_gpus
};
extern const Layout layout; // rcq_private.run
} // namespace superseded

namespace command {
enum Column : int { executor_id, seq, job_id, token, kind };
extern const Layout layout;
} // namespace command

namespace array_end {
enum Column : int { array_id, completed, failed, cancelled };
extern const Layout layout;
} // namespace array_end

// How far runs have said they are.
namespace progress {
enum Column : int { job_id, user_id, token, percent, message, at };
extern const Layout layout;
} // namespace progress

namespace executor {
enum Column : int { id, name, incarnation, gpu_type };
extern const Layout layout;
} // namespace executor

namespace usage {
enum Column : int { at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds, since, gpu_type };
extern const Layout layout;
} // namespace usage

} // namespace rcq::pg
