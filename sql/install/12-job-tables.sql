-- Unfinished jobs (live), and usage. Access on the hot path is by key; no index mentions a column that changes, so that
-- every state change of a live row is a heap-only update. The choice and its figures: docs/explanation/physical-shape.md

CREATE SEQUENCE rcq_private.job_id AS bigint;

-- One narrow row per unfinished job. Status follows from it: placed_at NULL = pending, claimed_at NULL = assigned,
-- else running.
CREATE TABLE rcq_private.live (
    job_id        bigint PRIMARY KEY,
    user_id       integer NOT NULL,
    group_id      integer NOT NULL,
    cpu_cores     integer NOT NULL,
    memory_mib    integer NOT NULL,
    gpu_count     integer NOT NULL,
    planned_s     integer,
    max_retries   smallint NOT NULL,
    requeue       boolean NOT NULL,
    features      text[] COLLATE "C",
    cpu_cores_min integer,
    gpu_type      text COLLATE "C",
    constraints   text COLLATE "C",
    consumables   jsonb,
    exclusive     boolean NOT NULL DEFAULT false,
    preemptible   boolean NOT NULL DEFAULT false,
    concurrency_key text COLLATE "C",
    time_limit_s  integer,
    array_id      bigint,
    array_throttle integer,
    deadline      timestamptz,
    payload_bytes integer,
    -- from here on columns change
    held          boolean NOT NULL DEFAULT false,
    priority      smallint NOT NULL,
    failures      smallint NOT NULL DEFAULT 0,
    losses        smallint NOT NULL DEFAULT 0,
    attempt       integer NOT NULL DEFAULT 0,
    executor_id   integer,
    eligible_at   timestamptz NOT NULL,
    token         bigint,
    command_seq   bigint,
    placed_at     timestamptz,
    claimed_at    timestamptz,
    claimed_by    bigint,
    cancel_requested_at timestamptz,
    peak_memory_mib integer,
    cpu_seconds   real,
    granted_cores integer,
    granted_memory_mib integer,
    granted_gpus  integer,
    preempt_requested_at timestamptz,
    preempted     smallint NOT NULL DEFAULT 0,
    unmet         integer NOT NULL DEFAULT 0,
    tasks_waiting integer,
    memory_raised boolean NOT NULL DEFAULT false,
    requeue_requested_at timestamptz,
    log_full      boolean NOT NULL DEFAULT false
) WITH (fillfactor = 33, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0.2, vacuum_truncate = off);
COMMENT ON TABLE rcq_private.live IS 'State of jobs that have not ended';
COMMENT ON COLUMN rcq_private.live.planned_s IS 'Seconds: estimate, else time limit; NULL when the job states neither';
COMMENT ON COLUMN rcq_private.live.time_limit_s IS 'Seconds, which no plan exceeds; NULL = none';
COMMENT ON COLUMN rcq_private.live.claimed_by IS 'Incarnation of the executor process that claimed the run';
COMMENT ON COLUMN rcq_private.live.granted_cores IS 'What the placement granted, as granted_memory_mib and granted_gpus, where it is not what was asked for; NULL = as asked, or not placed';
COMMENT ON COLUMN rcq_private.live.preempt_requested_at IS 'When the scheduler asked the executor to end this run for another job';
COMMENT ON COLUMN rcq_private.live.preempted IS 'How often a run of the job was ended for another job';
COMMENT ON COLUMN rcq_private.live.array_throttle IS 'Of a throttled array and its tasks: how many of them may be placed and running at once';
COMMENT ON COLUMN rcq_private.live.payload_bytes IS 'Size of a typed job''s payload as it is stored';
COMMENT ON COLUMN rcq_private.live.unmet IS 'Dependencies that the job still waits for (rows of rcq_private.dependency)';
COMMENT ON COLUMN rcq_private.live.tasks_waiting IS 'Of an array job: tasks that have no row of their own yet and may get one; such a row is never placed itself, and counts as running (placed_at, claimed_at) once a task of it has started. NULL = no array job';
COMMENT ON COLUMN rcq_private.live.memory_raised IS 'Whether memory_mib is more than what was asked for, after an attempt ran out of memory';
COMMENT ON COLUMN rcq_private.live.losses IS 'How often a run of the job was lost with its executor, or could not be started by it';
COMMENT ON COLUMN rcq_private.live.requeue_requested_at IS 'When somebody asked for this run to be ended and the job to be run again';
COMMENT ON COLUMN rcq_private.live.log_full IS 'Whether so much output of this run is stored that no more is taken';
-- The owner of a job and its array never change, so these indexes leave every state change heap-only.
CREATE INDEX live_user ON rcq_private.live (user_id, job_id);
CREATE INDEX live_array ON rcq_private.live (array_id) WHERE array_id IS NOT NULL;

CREATE TABLE rcq_private.usage (
    at            timestamptz NOT NULL,
    group_id      integer NOT NULL,
    user_id       integer NOT NULL,
    core_seconds  double precision NOT NULL,
    gb_seconds    double precision NOT NULL,
    gpu_seconds   double precision NOT NULL,
    since         timestamptz,
    gpu_type      text COLLATE "C"
);
COMMENT ON TABLE rcq_private.usage IS 'Usage of ended runs by what they were granted: one row per run of ten minutes or more, one per user and report for all shorter ones; lost runs, and those that were never started, are not charged';
COMMENT ON COLUMN rcq_private.usage.since IS 'Begin of the use, which ended at `at`; NULL = not recorded (version 0.1), as if all of it had been at its end';
COMMENT ON COLUMN rcq_private.usage.gpu_type IS 'Model of the executor''s GPUs, by which gpu_seconds are billed';
CREATE INDEX usage_at ON rcq_private.usage USING brin (at);
