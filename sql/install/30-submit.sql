-- Submitting jobs.

CREATE TYPE rcq_private.request AS (
    script text, cpu_cores integer, memory_gb double precision, gpu_count integer, estimated_hours double precision,
    time_limit interval, priority integer, max_retries integer, name text, workdir text, env jsonb, features text[],
    hold boolean, requeue boolean, on_disconnect text);
COMMENT ON TYPE rcq_private.request IS 'A job as asked for; NULL means the default';

-- The one way in: checks every request, then stores all of them or none. Ids come back in the order of the requests.
CREATE FUNCTION rcq_private.enqueue(requests rcq_private.request[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    caller rcq_private.users;
    bulk boolean := pg_catalog.cardinality(requests) > 1;
    now_ timestamptz := pg_catalog.clock_timestamp();
    max_script integer := rcq_private.setting_text('max_script_bytes')::integer;
    default_limit interval := pg_catalog.make_interval(secs => NULLIF(rcq_private.setting_text('default_time_limit')::double precision, 0));
    max_limit double precision := NULLIF(rcq_private.setting_text('max_time_limit')::double precision, 0);
    unknown text;
BEGIN
    SELECT * INTO STRICT caller FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();

    SELECT f INTO unknown FROM unnest(requests) r, unnest(r.features) f
     WHERE r.features IS NOT NULL AND NOT EXISTS (SELECT FROM rcq_private.executor e WHERE f = ANY (e.features)) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('no executor has ever offered the feature "%s"', pg_catalog.left(unknown, 100)),
            'Known features: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT f, ', ' ORDER BY f)
                   FROM rcq_private.executor e, unnest(e.features) f), 'none') || '.');
    END IF;
    SELECT pg_catalog.left(r.env::text, 100) INTO unknown FROM unnest(requests) r
     WHERE r.env IS NOT NULL AND (pg_catalog.jsonb_typeof(r.env) <> 'object'
        OR r.env @? 'strict $.* ? (@.type() == "object" || @.type() == "array" || @.type() == "null")') LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('env is not an object of names and texts: %s', unknown),
            'Write it as {"NAME": "value", ...}.');
    END IF;

    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT pg_catalog.nextval('rcq_private.job_id') AS id, r.*,
               rcq_private.check_request(
                   CASE WHEN bulk THEN r.ordinality END, r.script, COALESCE(r.cpu_cores, 1), COALESCE(r.memory_gb, 1),
                   COALESCE(r.gpu_count, 0), r.estimated_hours, pg_catalog.date_part('epoch', COALESCE(r.time_limit, default_limit)),
                   COALESCE(r.priority, 5), COALESCE(r.max_retries, 0), r.name, r.workdir,
                   CASE WHEN r.env IS NOT NULL THEN ARRAY(SELECT k FROM pg_catalog.jsonb_each_text(r.env) AS e(k, v)) END,
                   CASE WHEN r.env IS NOT NULL THEN ARRAY(SELECT v FROM pg_catalog.jsonb_each_text(r.env) AS e(k, v)) END,
                   r.features, COALESCE(r.on_disconnect, 'continue'), caller.max_priority, max_script, max_limit) AS memory_mib
          FROM (SELECT * FROM unnest(requests) WITH ORDINALITY q ORDER BY q.ordinality) r
    ), stored AS (
        INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority,
                                     max_retries, requeue, kill_on_disconnect, estimate, time_limit, name, workdir, features, env, script)
        SELECT a.id, now_, caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
               COALESCE(a.priority, 5), COALESCE(a.max_retries, 0), COALESCE(a.requeue, true),
               COALESCE(a.on_disconnect, 'continue') = 'kill', pg_catalog.make_interval(secs => a.estimated_hours * 3600),
               COALESCE(a.time_limit, default_limit), a.name, a.workdir,
               CASE WHEN pg_catalog.cardinality(a.features) > 0 THEN ARRAY(SELECT DISTINCT f COLLATE "C" FROM unnest(a.features) f ORDER BY 1) END,
               a.env, a.script
          FROM asked a
    )
    INSERT INTO rcq_private.live AS l (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, planned_s, max_retries,
                                       requeue, features, held, priority, eligible_at)
    SELECT a.id, caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
           pg_catalog.ceil(COALESCE(a.estimated_hours * 3600, pg_catalog.date_part('epoch', COALESCE(a.time_limit, default_limit))))::integer,
           COALESCE(a.max_retries, 0), COALESCE(a.requeue, true),
           CASE WHEN pg_catalog.cardinality(a.features) > 0 THEN ARRAY(SELECT DISTINCT f COLLATE "C" FROM unnest(a.features) f ORDER BY 1) END,
           COALESCE(a.hold, false), COALESCE(a.priority, 5), now_
      FROM asked a
    RETURNING rcq_private.touched(l.job_id);
END $$;

CREATE FUNCTION rcq.submit(
    script text, cpu_cores integer DEFAULT 1, memory_gb numeric DEFAULT 1, gpu_count integer DEFAULT 0,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, priority integer DEFAULT 5,
    max_retries integer DEFAULT 0, name text DEFAULT NULL, workdir text DEFAULT NULL, env jsonb DEFAULT NULL,
    features text[] DEFAULT NULL, hold boolean DEFAULT false, requeue boolean DEFAULT true,
    on_disconnect text DEFAULT 'continue') RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
BEGIN
    SELECT q INTO STRICT id FROM rcq_private.enqueue(ARRAY[ROW(script, cpu_cores, rcq_private.as_float(memory_gb), gpu_count,
        rcq_private.as_float(estimated_hours), time_limit, priority, max_retries, name, workdir, env, features, hold,
        requeue, on_disconnect)::rcq_private.request]) q;
    RETURN id;
END $$;
COMMENT ON FUNCTION rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text) IS
'Submits a job and returns its id. script: run under /bin/sh, or by its #! line; cpu_cores, gpu_count: whole; memory_gb: 1 GB = 2^30 bytes; estimated_hours: for planning; time_limit: the job is killed when it is over; priority 1-10, 10 = soonest; max_retries: after failures; workdir: absolute, on the executor''s host, NULL = a directory of its own; env: {"NAME": "value"}; features: the executor must offer all; hold: wait for rcq.release; requeue: run again when its executor is lost; on_disconnect: continue or kill when the executor loses the database. Errors: RC001, RC005, RC010';

CREATE FUNCTION rcq.submit_many(jobs jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT jsonb := '{"script": "string", "cpu_cores": "number", "memory_gb": "number", "gpu_count": "number",
        "estimated_hours": "number", "time_limit": "string or number", "priority": "number", "max_retries": "number",
        "name": "string", "workdir": "string", "env": "object", "features": "array", "hold": "boolean",
        "requeue": "boolean", "on_disconnect": "string"}';
    hint CONSTANT text := 'Fields: script, name, workdir, on_disconnect (texts), cpu_cores, memory_gb, gpu_count, estimated_hours, priority, max_retries (numbers), time_limit ("4h" or seconds), env ({"NAME": "value"}), features (array of texts), hold, requeue (booleans).';
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
                   r.env, r.features, r.hold, r.requeue, r.on_disconnect)::rcq_private.request ORDER BY r.ordinality)
          INTO requests
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(jobs) AS (script text, cpu_cores integer, memory_gb numeric,
                   gpu_count integer, estimated_hours numeric, time_limit interval, priority integer, max_retries integer,
                   name text, workdir text, env jsonb, features text[], hold boolean, requeue boolean, on_disconnect text))
               WITH ORDINALITY r;
    EXCEPTION WHEN data_exception THEN
        PERFORM rcq_private.fail('RC001', 'a field of a job has the wrong type: ' || SQLERRM, hint);
    END;
    IF requests IS NOT NULL THEN
        RETURN QUERY SELECT rcq_private.enqueue(requests);
    END IF;
END $$;
COMMENT ON FUNCTION rcq.submit_many(jsonb) IS
'Submits a JSON array of jobs, all or none; fields as the arguments of rcq.submit. Returns their ids in the order of the array. Errors: RC001 (naming the job by its place in the list), RC005, RC010';
