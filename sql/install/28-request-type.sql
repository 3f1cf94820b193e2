-- A job as asked for, before it is checked. Field names are those of rcq.submit, submit_many and all others that submit.

CREATE TYPE rcq_private.request AS (
    script text, cpu_cores integer, memory_gb double precision, gpu_count integer, estimated_hours double precision,
    time_limit interval, priority integer, max_retries integer, name text, workdir text, env jsonb, features text[],
    hold boolean, requeue boolean, on_disconnect text, cpu_cores_min integer, gpu_type text, constraints text,
    consumables jsonb, exclusive boolean, preemptible boolean, concurrency_key text,
    "array" text, depends_on text, begin_time timestamptz, deadline timestamptz, idempotency_key text, project text,
    tags text[], external_id uuid, on_dependency_failed text, retry_on text[], retry_delay interval, retry_backoff text,
    retry_max_delay interval, retry_jitter double precision, retry_memory_factor double precision,
    type text, payload jsonb);
COMMENT ON TYPE rcq_private.request IS 'A job as asked for; NULL means the default';

-- A dependency between two jobs of one submission, by their places in it.
CREATE TYPE rcq_private.edge AS (job_place integer, on_place integer, kind text);
COMMENT ON TYPE rcq_private.edge IS 'Within one submission: the job at job_place depends on that at on_place';

-- What a job of a submission is to wait for, by its place in the submission; on_id as in rcq_private.dependency.
CREATE TYPE rcq_private.wanted_dependency AS (place integer, on_id bigint, kind text);
COMMENT ON TYPE rcq_private.wanted_dependency IS 'A dependency of the job at this place of a submission on a job that is there already';
