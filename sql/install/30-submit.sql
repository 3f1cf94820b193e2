-- Submitting jobs.

CREATE TYPE rcq_private.request AS (
    script text, cpu_cores integer, memory_gb double precision, gpu_count integer, estimated_hours double precision,
    time_limit interval, priority integer, max_retries integer, name text, workdir text, env jsonb, features text[],
    hold boolean, requeue boolean, on_disconnect text, cpu_cores_min integer, gpu_type text, constraints text,
    consumables jsonb, exclusive boolean, preemptible boolean, concurrency_key text);
COMMENT ON TYPE rcq_private.request IS 'A job as asked for; NULL means the default';

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

-- RC007 when so many more jobs would exceed a limit of the user. Submissions of one user wait for each other from here
-- on, so that the limits are exact; a transaction that keeps the others waiting for 2 s makes them RC004.
CREATE FUNCTION rcq_private.check_limits(caller rcq_private.users, more bigint, max_pending bigint, submit_rate bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    count bigint;
BEGIN
    BEGIN
        PERFORM rcq_private.lock_submissions(caller.id);
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        PERFORM rcq_private.fail('RC004', 'another transaction of yours that submitted jobs is still open',
            'Your jobs are limited, so they are counted one transaction at a time: end the other one, or try again in a moment.');
    END;
    IF max_pending > 0 THEN
        count := rcq_private.count_pending(caller.id, max_pending);
        IF count + more > max_pending THEN
            PERFORM rcq_private.fail('RC007', pg_catalog.format('pending jobs of yours: %s; %s more would exceed your limit of %s', count, more, max_pending),
                pg_catalog.format('Submit fewer, wait until some have started, or cancel some. An administrator can raise the limit: %s.',
                    CASE WHEN caller.max_pending IS NULL THEN 'the setting max_pending_per_user' ELSE 'max_pending of your user' END));
        END IF;
    END IF;
    IF submit_rate > 0 THEN
        count := rcq_private.count_submitted(caller.id, pg_catalog.clock_timestamp() - interval '1 minute', submit_rate);
        IF count + more > submit_rate THEN
            PERFORM rcq_private.fail('RC007', pg_catalog.format('jobs that you submitted within the last minute: %s; %s more would exceed the limit of %s per minute', count, more, submit_rate),
                'Submit fewer, or wait a minute. An administrator can raise the limit: the setting submit_rate_per_user.');
        END IF;
    END IF;
END $$;

-- Amounts as whole numbers without a fraction of zeros; NULL when there are none.
CREATE FUNCTION rcq_private.whole_amounts(consumables jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_object_agg(c.name, c.amount::numeric::bigint) FROM pg_catalog.jsonb_each_text(consumables) AS c(name, amount)
$$;

-- The one way in: checks every request, then stores all of them or none. Ids come back in the order of the requests.
CREATE FUNCTION rcq_private.enqueue(requests rcq_private.request[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    caller rcq_private.users;
    bulk boolean := pg_catalog.cardinality(requests) > 1;
    now_ timestamptz;
    setting record;
    default_limit interval;
    names_something boolean;
BEGIN
    SELECT * INTO STRICT caller FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    SELECT pg_catalog.max(v.value) FILTER (WHERE v.name = 'max_script_bytes')::integer AS max_script,
           NULLIF(pg_catalog.max(v.value) FILTER (WHERE v.name = 'default_time_limit')::double precision, 0) AS default_limit,
           NULLIF(pg_catalog.max(v.value) FILTER (WHERE v.name = 'max_time_limit')::double precision, 0) AS max_limit,
           pg_catalog.max(v.value) FILTER (WHERE v.name = 'max_pending_per_user')::bigint AS max_pending,
           pg_catalog.max(v.value) FILTER (WHERE v.name = 'submit_rate_per_user')::bigint AS submit_rate
      INTO setting
      FROM (SELECT d.name, COALESCE(s.parsed, d.parsed) AS value
              FROM rcq_private.setting_definition d LEFT JOIN rcq_private.setting s ON s.name = d.name
             WHERE d.name = ANY ('{max_script_bytes,default_time_limit,max_time_limit,max_pending_per_user,submit_rate_per_user}')) v;
    default_limit := pg_catalog.make_interval(secs => setting.default_limit);
    setting.max_pending := COALESCE(caller.max_pending, setting.max_pending);

    SELECT pg_catalog.bool_or(r.features IS NOT NULL OR r.constraints IS NOT NULL OR r.gpu_type IS NOT NULL OR r.consumables IS NOT NULL)
      INTO names_something FROM unnest(requests) r;
    IF names_something THEN
        PERFORM rcq_private.check_names(requests);
    END IF;
    IF setting.max_pending > 0 OR setting.submit_rate > 0 THEN
        PERFORM rcq_private.check_limits(caller, pg_catalog.cardinality(requests), setting.max_pending, setting.submit_rate);
    END IF;

    now_ := pg_catalog.clock_timestamp();
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT pg_catalog.nextval('rcq_private.job_id') AS id, r.*,
               rcq_private.check_request(
                   CASE WHEN bulk THEN r.ordinality END, r.script, COALESCE(r.cpu_cores, 1), COALESCE(r.memory_gb, 1),
                   COALESCE(r.gpu_count, 0), r.estimated_hours, pg_catalog.date_part('epoch', COALESCE(r.time_limit, default_limit)),
                   COALESCE(r.priority, 5), COALESCE(r.max_retries, 0), r.name, r.workdir, r.env, r.features,
                   COALESCE(r.on_disconnect, 'continue'), r.cpu_cores_min, r.gpu_type, r.constraints, r.consumables,
                   r.concurrency_key, caller.max_priority, setting.max_script, setting.max_limit) AS memory_mib
          FROM (SELECT * FROM unnest(requests) WITH ORDINALITY q ORDER BY q.ordinality) r
    ), stored AS (
        INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority,
                                     max_retries, requeue, kill_on_disconnect, estimate, time_limit, name, workdir, features, env, script,
                                     cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key)
        SELECT a.id, now_, caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
               COALESCE(a.priority, 5), COALESCE(a.max_retries, 0), COALESCE(a.requeue, true),
               COALESCE(a.on_disconnect, 'continue') = 'kill', pg_catalog.make_interval(secs => a.estimated_hours * 3600),
               COALESCE(a.time_limit, default_limit), a.name, a.workdir, rcq_private.feature_list(a.features), a.env, a.script,
               a.cpu_cores_min, rcq_private.constraint_text(a.gpu_type), rcq_private.constraint_text(a.constraints),
               rcq_private.whole_amounts(a.consumables), COALESCE(a.exclusive, false), COALESCE(a.preemptible, false), a.concurrency_key
          FROM asked a
    )
    INSERT INTO rcq_private.live AS l (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, planned_s, max_retries,
                                       requeue, features, held, priority, eligible_at,
                                       cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key, time_limit_s)
    SELECT a.id, caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
           pg_catalog.ceil(COALESCE(a.estimated_hours * 3600, pg_catalog.date_part('epoch', COALESCE(a.time_limit, default_limit))))::integer,
           COALESCE(a.max_retries, 0), COALESCE(a.requeue, true), rcq_private.feature_list(a.features),
           COALESCE(a.hold, false), COALESCE(a.priority, 5), now_,
           a.cpu_cores_min, rcq_private.constraint_text(a.gpu_type), rcq_private.constraint_text(a.constraints),
           rcq_private.whole_amounts(a.consumables), COALESCE(a.exclusive, false), COALESCE(a.preemptible, false), a.concurrency_key,
           pg_catalog.ceil(pg_catalog.date_part('epoch', COALESCE(a.time_limit, default_limit)))::integer
      FROM asked a
    RETURNING rcq_private.touched(l.job_id);
END $$;

CREATE FUNCTION rcq.submit(
    script text, cpu_cores integer DEFAULT 1, memory_gb numeric DEFAULT 1, gpu_count integer DEFAULT 0,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, priority integer DEFAULT 5,
    max_retries integer DEFAULT 0, name text DEFAULT NULL, workdir text DEFAULT NULL, env jsonb DEFAULT NULL,
    features text[] DEFAULT NULL, hold boolean DEFAULT false, requeue boolean DEFAULT true,
    on_disconnect text DEFAULT 'continue', cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT false,
    preemptible boolean DEFAULT false, concurrency_key text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
BEGIN
    SELECT q INTO STRICT id FROM rcq_private.enqueue(ARRAY[ROW(script, cpu_cores, rcq_private.as_float(memory_gb), gpu_count,
        rcq_private.as_float(estimated_hours), time_limit, priority, max_retries, name, workdir, env, features, hold,
        requeue, on_disconnect, cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible,
        concurrency_key)::rcq_private.request]) q;
    RETURN id;
END $$;
COMMENT ON FUNCTION rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
    integer, text, text, jsonb, boolean, boolean, text) IS
'Submits a job and returns its id. script: run under /bin/sh, or by its #! line; cpu_cores, gpu_count: whole; memory_gb: 1 GB = 2^30 bytes; estimated_hours: for planning; time_limit: the job is killed when it is over; priority 1-10, 10 = soonest; max_retries: after failures; workdir: absolute, on the executor''s host, NULL = a directory of its own; env: {"NAME": "value"}; features: the executor must offer all; hold: wait for rcq.release; requeue: run again when its executor is lost; on_disconnect: continue or kill when the executor loses the database; cpu_cores_min: as few cores will do; gpu_type: models that will do, a100 or a100|h100; constraints: expression over features, avx512&(ssd|nvme)&!shared; consumables: what it takes of named amounts, {"licence": 1}; exclusive: nothing else runs on the host; preemptible: may be stopped and run again later; concurrency_key: jobs with the same key are limited together. Errors: RC001, RC004, RC005, RC007 (too many jobs of yours), RC010';

CREATE FUNCTION rcq.submit_many(jobs jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT jsonb := '{"script": "string", "cpu_cores": "number", "memory_gb": "number", "gpu_count": "number",
        "estimated_hours": "number", "time_limit": "string or number", "priority": "number", "max_retries": "number",
        "name": "string", "workdir": "string", "env": "object", "features": "array", "hold": "boolean",
        "requeue": "boolean", "on_disconnect": "string", "cpu_cores_min": "number", "gpu_type": "string",
        "constraints": "string", "consumables": "object", "exclusive": "boolean", "preemptible": "boolean",
        "concurrency_key": "string"}';
    hint CONSTANT text := 'Fields: script, name, workdir, on_disconnect, gpu_type, constraints, concurrency_key (texts), cpu_cores, cpu_cores_min, memory_gb, gpu_count, estimated_hours, priority, max_retries (numbers), time_limit ("4h" or seconds), env ({"NAME": "value"}), features (array of texts), consumables ({"name": 1}), hold, requeue, exclusive, preemptible (booleans).';
    requests rcq_private.request[];
    wrong record;
BEGIN
    IF jobs IS NULL OR pg_catalog.jsonb_typeof(jobs) <> 'array' THEN
        PERFORM rcq_private.fail('RC001', 'jobs is not a JSON array',
            'Write it as [{"script": "...", "cpu_cores": 1}, ...].');
    END IF;
    SELECT e.n, k.key, known ->> k.key AS expected INTO wrong
      FROM pg_catalog.jsonb_array_elements(jobs) WITH ORDINALITY e(j, n)
      LEFT JOIN LATERAL pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(e.j) = 'object' THEN e.j ELSE '{}' END) k(key, value)
             ON NOT COALESCE(pg_catalog.strpos(known ->> k.key, pg_catalog.jsonb_typeof(k.value)) > 0
                             OR (pg_catalog.jsonb_typeof(k.value) = 'null' AND known ? k.key), false)
     WHERE k.key IS NOT NULL OR pg_catalog.jsonb_typeof(e.j) <> 'object' LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001',
            CASE WHEN wrong.key IS NULL THEN pg_catalog.format('job %s of the list is not an object', wrong.n)
                 WHEN wrong.expected IS NULL THEN pg_catalog.format('job %s of the list has an unknown field "%s"', wrong.n, pg_catalog.left(wrong.key, 100))
                 ELSE pg_catalog.format('job %s of the list: %s is not of type %s', wrong.n, wrong.key, wrong.expected) END,
            hint);
    END IF;
    BEGIN
        SELECT pg_catalog.array_agg(ROW(r.script, r.cpu_cores, rcq_private.as_float(r.memory_gb), r.gpu_count,
                   rcq_private.as_float(r.estimated_hours), r.time_limit, r.priority, r.max_retries, r.name, r.workdir,
                   r.env, r.features, r.hold, r.requeue, r.on_disconnect, r.cpu_cores_min, r.gpu_type, r.constraints,
                   r.consumables, r.exclusive, r.preemptible, r.concurrency_key)::rcq_private.request ORDER BY r.ordinality)
          INTO requests
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(jobs) AS (script text, cpu_cores integer, memory_gb numeric,
                   gpu_count integer, estimated_hours numeric, time_limit interval, priority integer, max_retries integer,
                   name text, workdir text, env jsonb, features text[], hold boolean, requeue boolean, on_disconnect text,
                   cpu_cores_min integer, gpu_type text, constraints text, consumables jsonb, exclusive boolean,
                   preemptible boolean, concurrency_key text))
               WITH ORDINALITY r;
    EXCEPTION WHEN data_exception THEN
        PERFORM rcq_private.fail('RC001', 'a field of a job has the wrong type: ' || SQLERRM, hint);
    END;
    IF requests IS NOT NULL THEN
        RETURN QUERY SELECT rcq_private.enqueue(requests);
    END IF;
END $$;
COMMENT ON FUNCTION rcq.submit_many(jsonb) IS
'Submits a JSON array of jobs, all or none; fields as the arguments of rcq.submit. Returns their ids in the order of the array. Errors: RC001 (naming the job by its place in the list), RC004, RC005, RC007, RC010';
