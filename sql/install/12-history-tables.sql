-- What is kept of jobs: what was submitted (job), how it ended (outcome), superseded attempts (run), output (log). Rows
-- never change. All four are partitioned by job id at the same boundaries, so that old history is dropped table by table.
--
-- A partition is no member of the extension, and there is none before the first job (rcq_private.ensure_partitions): only
-- so does pg_dump write partitions down, with their rows, and can they be made again beside what CREATE EXTENSION made.
-- For the same reason indexes belong to the partitions alone (rcq_private.history_indexes): a partition that is attached
-- to a table with indexes is given its own at once, and those in the dump are then one too many. Ids are unique all the
-- same, for no two partitions take the same one.

CREATE TABLE rcq_private.job (
    id            bigint NOT NULL,
    submitted_at  timestamptz NOT NULL,
    user_id       integer NOT NULL,
    group_id      integer NOT NULL,
    cpu_cores     integer NOT NULL,
    memory_mib    integer NOT NULL,
    gpu_count     integer NOT NULL,
    priority      smallint NOT NULL,
    max_retries   smallint NOT NULL,
    requeue       boolean NOT NULL,
    kill_on_disconnect boolean NOT NULL,
    estimate      interval,
    time_limit    interval,
    name          text COLLATE "C",
    workdir       text COLLATE "C",
    features      text[] COLLATE "C",
    env           jsonb,
    script        text NOT NULL,
    cpu_cores_min integer,
    gpu_type      text COLLATE "C",
    constraints   text COLLATE "C",
    consumables   jsonb,
    exclusive     boolean NOT NULL DEFAULT false,
    preemptible   boolean NOT NULL DEFAULT false,
    concurrency_key text COLLATE "C",
    array_spec    text COLLATE "C",
    array_size    integer,
    array_id      bigint,
    array_index   integer,
    begin_time    timestamptz,
    deadline      timestamptz,
    depends_on    text COLLATE "C",
    wait_if_unmet boolean NOT NULL DEFAULT false,
    retry         jsonb,
    idempotency_key text COLLATE "C",
    project       text COLLATE "C",
    tags          text[] COLLATE "C",
    external_id   uuid,
    schedule_id   integer,
    type          text COLLATE "C",
    payload       jsonb
) PARTITION BY RANGE (id);
COMMENT ON TABLE rcq_private.job IS 'What was submitted; rows are changed by rcq.update_job alone, before they run';
COMMENT ON COLUMN rcq_private.job.cpu_cores_min IS 'Fewest cores that will do (moldable job); NULL = cpu_cores';
COMMENT ON COLUMN rcq_private.job.consumables IS 'Named countable resources, {"name": whole amount}';
COMMENT ON COLUMN rcq_private.job.array_spec IS 'Of an array job: the indices of its array_size tasks, canonical, without throttle';
COMMENT ON COLUMN rcq_private.job.array_id IS 'Of a task: the array job that it is part of, with array_index. Its script, env, workdir, features and payload are those of the array''s row and not repeated here';
COMMENT ON COLUMN rcq_private.job.wait_if_unmet IS 'Whether the job goes on waiting when a dependency can never be met any more, instead of failing';
COMMENT ON COLUMN rcq_private.job.retry IS 'What is run again and when: {"on": [ends], "exit_codes": [..], "delay_s", "backoff", "max_delay_s", "jitter", "memory_factor"}; NULL = every failure, at once';

CREATE TABLE rcq_private.outcome (
    job_id        bigint NOT NULL,
    ended_at      timestamptz NOT NULL,
    user_id       integer NOT NULL,
    group_id      integer NOT NULL,
    priority      smallint NOT NULL,
    attempt       integer NOT NULL,
    executor_id   integer,
    exit_code     integer,
    placed_at     timestamptz,
    claimed_at    timestamptz,
    token         bigint,
    peak_memory_mib integer,
    cpu_seconds   real,
    signal        integer,
    status        text COLLATE "C" NOT NULL,
    reason        text COLLATE "C",
    message       text,
    output        jsonb,
    granted_cores integer,
    granted_memory_mib integer,
    granted_gpus  integer,
    result        jsonb
) PARTITION BY RANGE (job_id);
COMMENT ON TABLE rcq_private.outcome IS 'How a job ended, with the run that ended it (executor_id NULL when it ended unplaced); rows never change';

CREATE TABLE rcq_private.run (
    job_id        bigint NOT NULL,
    attempt       integer NOT NULL,
    user_id       integer NOT NULL,
    executor_id   integer NOT NULL,
    ended_at      timestamptz NOT NULL,
    placed_at     timestamptz NOT NULL,
    claimed_at    timestamptz NOT NULL,
    token         bigint NOT NULL,
    exit_code     integer,
    peak_memory_mib integer,
    cpu_seconds   real,
    signal        integer,
    reason        text COLLATE "C" NOT NULL,
    message       text,
    output        jsonb,
    granted_cores integer,
    granted_memory_mib integer,
    granted_gpus  integer
) PARTITION BY RANGE (job_id);
COMMENT ON TABLE rcq_private.run IS 'Attempts that ended without ending their job (retried, preempted, lost or never started); rows do not change, but that rcq.update_job writes down what they were granted where the job said so until then';

CREATE TABLE rcq_private.log (
    job_id     bigint NOT NULL,
    attempt    integer NOT NULL,
    seq        bigint NOT NULL,
    user_id    integer NOT NULL,
    lines      integer NOT NULL,
    at         timestamptz NOT NULL,
    stream     text COLLATE "C" NOT NULL,
    data       bytea NOT NULL
) PARTITION BY RANGE (job_id);
COMMENT ON TABLE rcq_private.log IS 'Output of runs in chunks of whole lines; seq is the number of the first line';

CREATE TABLE rcq_private.history_partition (
    first_id      bigint PRIMARY KEY,
    last_id       bigint NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    closed_at     timestamptz,
    logs_dropped  boolean NOT NULL DEFAULT false,
    prune_asked   boolean NOT NULL DEFAULT false,
    waiting_since timestamptz
);
COMMENT ON TABLE rcq_private.history_partition IS 'Which ids the partitions of job, outcome, run and log take; their tables are named after the first one, job_p0';
COMMENT ON COLUMN rcq_private.history_partition.closed_at IS 'When it was found that all its jobs have ended and no other one will be stored in it';
COMMENT ON COLUMN rcq_private.history_partition.prune_asked IS 'Whether an administrator asked for it to be dropped, whatever the settings say';
COMMENT ON COLUMN rcq_private.history_partition.waiting_since IS 'When it was first tried in vain to drop it: somebody was reading it';

CREATE TABLE rcq_private.restored (
    job_id   bigint PRIMARY KEY,
    user_id  integer NOT NULL,
    priority smallint NOT NULL
);
COMMENT ON TABLE rcq_private.restored IS 'Jobs that were unfinished when the dump was taken that this database was restored from, until rcq.resume_restored';
