-- Submitting jobs.

-- RC001 for the first name that no executor has ever had. What is malformed passes: check_request says what is wrong.
CREATE FUNCTION rcq_private.check_names(requests rcq_private.request[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unknown text;
BEGIN
    SELECT f INTO unknown FROM unnest(requests) r, unnest(r.features || rcq_private.constraint_wants(r.constraints)) f
     WHERE NOT EXISTS (SELECT FROM rcq_private.executor e WHERE f = ANY (e.features)) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('no executor has ever offered the feature "%s"', pg_catalog.left(unknown, 100)),
            'Known features: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT f, ', ' ORDER BY f)
                   FROM rcq_private.executor e, unnest(e.features) f), 'none') || '.');
    END IF;
    SELECT g INTO unknown FROM unnest(requests) r, unnest(rcq_private.constraint_wants(r.gpu_type)) g
     WHERE r.gpu_count > 0 AND NOT EXISTS (SELECT FROM rcq_private.executor e WHERE e.gpu_type = g) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('no executor has ever had a GPU of type "%s"', unknown),
            'Known types: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT e.gpu_type, ', ' ORDER BY e.gpu_type)
                   FROM rcq_private.executor e), 'none') || '.');
    END IF;
    SELECT c.name INTO unknown
      FROM unnest(requests) r,
           pg_catalog.jsonb_object_keys(CASE WHEN pg_catalog.jsonb_typeof(r.consumables) = 'object' THEN r.consumables END) AS c(name)
     WHERE NOT EXISTS (SELECT FROM rcq_private.consumable k WHERE k.name = c.name) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('no executor has ever had the consumable "%s"', pg_catalog.left(unknown, 100)),
            'Known consumables: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT k.name, ', ' ORDER BY k.name)
                   FROM rcq_private.consumable k), 'none') || '.');
    END IF;
END $$;

-- Amounts as whole numbers without a fraction of zeros; NULL when there are none.
CREATE FUNCTION rcq_private.whole_amounts(consumables jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_object_agg(c.name, c.amount::numeric::bigint) FROM pg_catalog.jsonb_each_text(consumables) AS c(name, amount)
$$;

CREATE FUNCTION rcq_private.check_options(requests rcq_private.request[]) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_check_options';
COMMENT ON FUNCTION rcq_private.check_options(rcq_private.request[]) IS 'Raises RC001 for the first request whose options beside the basic ones, which check_request() knows, cannot be';

-- The jobs that these keys stand for, each with whether it is new: whoever comes first with a key decides, and whoever
-- comes at the same time waits for that. Keys are taken in order, so that two lists of them cannot block each other.
CREATE FUNCTION rcq_private.claim_keys(caller integer, keys text[], OUT key text, OUT job_id bigint, OUT fresh boolean) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
    new_keys text[];
BEGIN
    WITH claimed AS (
        INSERT INTO rcq_private.idempotency AS i (user_id, key, job_id)
        SELECT caller, k.key, pg_catalog.nextval('rcq_private.job_id')
          FROM (SELECT DISTINCT k COLLATE "C" AS key FROM unnest(keys) k WHERE k IS NOT NULL ORDER BY 1) k
        ON CONFLICT DO NOTHING RETURNING i.key)
    SELECT pg_catalog.array_agg(c.key) INTO new_keys FROM claimed c;
    RETURN QUERY
    SELECT i.key, i.job_id, i.key = ANY (COALESCE(new_keys, '{}')) FROM rcq_private.idempotency i
     WHERE i.user_id = caller AND i.key = ANY (keys);
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.fail('RC004', 'another transaction with the same idempotency key is open, or came after this one had begun',
        'Try again in a moment, in a new transaction: then the job of the first one is found.');
END $$;

CREATE FUNCTION rcq_private.with_directives(requests rcq_private.request[]) RETURNS rcq_private.request[]
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_with_directives';
COMMENT ON FUNCTION rcq_private.with_directives(rcq_private.request[]) IS 'Requests with what the #RCQ lines of their scripts say and they do not; RC001 for the first that is malformed';

-- The one way in: checks every request, then stores all of them or none. Ids come back in the order of the requests.
-- edges: dependencies between these very jobs. A request whose idempotency key was used before gives the id of that job.
CREATE FUNCTION rcq_private.enqueue_for(caller rcq_private.users, requests rcq_private.request[], from_schedule integer DEFAULT NULL,
                                        edges rcq_private.edge[] DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_enqueue_for';
COMMENT ON FUNCTION rcq_private.enqueue_for(rcq_private.users, rcq_private.request[], integer, rcq_private.edge[]) IS 'Submits jobs of a user, all or none';

-- The same for the user who acts. What comes over HTTP is recorded with where it came from; over SQL, where it is faster
-- than that would be, the job is the record.
CREATE FUNCTION rcq_private.enqueue(requests rcq_private.request[], edges rcq_private.edge[] DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_enqueue';
COMMENT ON FUNCTION rcq_private.enqueue(rcq_private.request[], rcq_private.edge[]) IS 'Submits jobs of the user who acts, all or none';

-- Submitting costs no statement of SQL as long as a job is plain: rights are those of the caller, and what rare jobs need
-- of SQL the library does as the owner of the tables.
CREATE FUNCTION rcq.submit(
    script text, cpu_cores integer DEFAULT NULL, memory_gb numeric DEFAULT NULL, gpu_count integer DEFAULT NULL,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, priority integer DEFAULT NULL,
    max_retries integer DEFAULT NULL, name text DEFAULT NULL, workdir text DEFAULT NULL, env jsonb DEFAULT NULL,
    features text[] DEFAULT NULL, hold boolean DEFAULT NULL, requeue boolean DEFAULT NULL,
    on_disconnect text DEFAULT NULL, cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT NULL,
    preemptible boolean DEFAULT NULL, concurrency_key text DEFAULT NULL, "array" text DEFAULT NULL,
    depends_on text DEFAULT NULL, begin_time timestamptz DEFAULT NULL, deadline timestamptz DEFAULT NULL,
    idempotency_key text DEFAULT NULL, project text DEFAULT NULL, tags text[] DEFAULT NULL, external_id uuid DEFAULT NULL,
    on_dependency_failed text DEFAULT NULL, retry_on text[] DEFAULT NULL, retry_delay interval DEFAULT NULL,
    retry_backoff text DEFAULT NULL, retry_max_delay interval DEFAULT NULL, retry_jitter numeric DEFAULT NULL,
    retry_memory_factor numeric DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_submit';
COMMENT ON FUNCTION rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
    integer, text, text, jsonb, boolean, boolean, text, text, text, timestamptz, timestamptz, text, text, text[], uuid, text, text[], interval, text, interval, numeric, numeric) IS
'Submits a job and returns its id. script: run under /bin/sh, or by its #! line; what is NULL, an option in a line #RCQ --cpu-cores=8 of the script says, else it is 1 cpu_cores, 1 memory_gb, 0 gpu_count, 0 max_retries, hold false, requeue true, on_disconnect continue, not exclusive, not preemptible, on_dependency_failed fail; cpu_cores, gpu_count: whole; memory_gb: 1 GB = 2^30 bytes; estimated_hours: for planning; time_limit: the job is killed when it is over; priority 1-10, 10 = soonest, NULL = 5, or the most that you may where that is less; max_retries: after failures; workdir: absolute, on the executor''s host, NULL = a directory of its own; env: {"NAME": "value"}; features: the executor must offer all; hold: wait for rcq.release; requeue: run again when its executor is lost; on_disconnect: continue or kill when the executor loses the database; cpu_cores_min: as few cores will do; gpu_type: models that will do, a100 or a100|h100; constraints: expression over features, avx512&(ssd|nvme)&!shared; consumables: what it takes of named amounts, {"licence": 1}; exclusive: nothing else runs on the host; preemptible: may be stopped and run again later; concurrency_key: jobs with the same key are limited together; "array": many tasks in one job, 1-1000:2%50 = indices 1, 3, .. 999, at most 50 at a time ($RCQ_ARRAY_INDEX; the name is a word of SQL: write it in double quotes); depends_on: afterok:41,afterany:42:43 (also after, afternotok, aftercorr, singleton); on_dependency_failed: fail or wait when that can never be met; begin_time: not before; deadline: must have ended by then; idempotency_key: the same key gives the same job; project, tags, external_id: to find it again; retry_on: after which ends it is run again (exit_code, signal, timeout, oom, disk_quota, spawn_error, bad_result, or exit codes), NULL = all; retry_delay, retry_backoff (fixed, exponential), retry_max_delay, retry_jitter (0-1): when; retry_memory_factor: memory after an attempt that ran out of it. Errors: RC001, RC002 (dependency on no job of yours), RC004, RC005, RC007 (too many jobs of yours), RC010';

CREATE FUNCTION rcq.submit_task(
    type text, payload jsonb DEFAULT '{}', cpu_cores integer DEFAULT NULL, memory_gb numeric DEFAULT NULL,
    gpu_count integer DEFAULT NULL, estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL,
    priority integer DEFAULT NULL, max_retries integer DEFAULT NULL, name text DEFAULT NULL, workdir text DEFAULT NULL,
    env jsonb DEFAULT NULL, features text[] DEFAULT NULL, hold boolean DEFAULT NULL, requeue boolean DEFAULT NULL,
    on_disconnect text DEFAULT NULL, cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT NULL,
    preemptible boolean DEFAULT NULL, concurrency_key text DEFAULT NULL, depends_on text DEFAULT NULL,
    begin_time timestamptz DEFAULT NULL, deadline timestamptz DEFAULT NULL, idempotency_key text DEFAULT NULL,
    project text DEFAULT NULL, tags text[] DEFAULT NULL, external_id uuid DEFAULT NULL,
    on_dependency_failed text DEFAULT NULL, retry_on text[] DEFAULT NULL, retry_delay interval DEFAULT NULL,
    retry_backoff text DEFAULT NULL, retry_max_delay interval DEFAULT NULL, retry_jitter numeric DEFAULT NULL,
    retry_memory_factor numeric DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_submit_task';
COMMENT ON FUNCTION rcq.submit_task(text, jsonb, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean,
    text, integer, text, text, jsonb, boolean, boolean, text, text, timestamptz, timestamptz, text, text, text[], uuid, text, text[], interval, text, interval,
    numeric, numeric) IS
'Submits a job of a type (view rcq.types) with a JSON payload and returns its id; its result is in rcq.jobs. The other arguments are those of rcq.submit; what is not given, the type says. Errors: RC001 (no such type; a payload that does not fit it; more than it allows), RC002, RC004, RC005, RC007, RC010';
GRANT EXECUTE ON FUNCTION rcq.submit_task(text, jsonb, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean,
    text, integer, text, text, jsonb, boolean, boolean, text, text, timestamptz, timestamptz, text, text, text[], uuid, text, text[], interval, text, interval,
    numeric, numeric) TO rcq_user, rcq_admin;

CREATE FUNCTION rcq_private.request_fields(OUT name text, OUT expected text) RETURNS SETOF record
LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'rcq_request_fields';
COMMENT ON FUNCTION rcq_private.request_fields() IS 'Fields of a request with the JSON types that each may have';

CREATE FUNCTION rcq_private.parse_requests(jobs jsonb, single boolean DEFAULT false) RETURNS rcq_private.request[]
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_parse_requests';
COMMENT ON FUNCTION rcq_private.parse_requests(jsonb, boolean) IS 'Requests from a JSON array of objects, NULL when it is empty; RC001 for the first that is not one, naming it by its place, if it is not single';

CREATE FUNCTION rcq.submit_many(jobs jsonb) RETURNS SETOF bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_submit_many';
COMMENT ON FUNCTION rcq.submit_many(jsonb) IS
'Submits a JSON array of jobs, all or none; fields as the arguments of rcq.submit, or type and payload as those of rcq.submit_task. What an object does not give, #RCQ lines of its script say. Returns their ids in the order of the array. Errors: RC001 (naming the job by its place in the list), RC002, RC004, RC005, RC007, RC010';
