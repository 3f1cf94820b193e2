-- Types of jobs: a name for a command that takes a JSON payload and gives a JSON result.

CREATE TABLE rcq_private.task_type (
    name        text COLLATE "C" NOT NULL,
    shipped     boolean NOT NULL DEFAULT false,
    command     text NOT NULL,
    payload_schema jsonb NOT NULL,
    defaults    jsonb NOT NULL,
    limits      jsonb NOT NULL,
    description text,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (name, shipped)
);
COMMENT ON TABLE rcq_private.task_type IS 'Types of jobs. A type of the same name that an administrator registered stands before one that came with rcq';
COMMENT ON COLUMN rcq_private.task_type.defaults IS 'Options of rcq.submit for jobs that do not give them';
COMMENT ON COLUMN rcq_private.task_type.limits IS 'The most that a job may ask for: cpu_cores, memory_gb, gpu_count, time_limit, and payload_mb (2^20 bytes)';
ALTER TABLE rcq_private.task_type ENABLE ROW LEVEL SECURITY;
ALTER TABLE rcq_private.task_type FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone ON rcq_private.task_type FOR SELECT TO rcq_user, rcq_admin USING (true);
GRANT SELECT ON rcq_private.task_type TO rcq_user, rcq_admin;
-- those that came with rcq come with it again
SELECT pg_catalog.pg_extension_config_dump('rcq_private.task_type', 'WHERE NOT shipped');

CREATE VIEW rcq.types WITH (security_invoker = true) AS
SELECT DISTINCT ON (t.name) t.name, t.description, t.command, t.payload_schema, t.defaults, t.limits
  FROM rcq_private.task_type t ORDER BY t.name, t.shipped;
COMMENT ON VIEW rcq.types IS 'Types of jobs for rcq.submit_task: what each does, what its payload looks like, what it gets when nothing is said, the most it may ask for';
GRANT SELECT ON rcq.types TO rcq_user, rcq_admin;

CREATE FUNCTION rcq_private.check_schema(schema jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_check_schema';
COMMENT ON FUNCTION rcq_private.check_schema(jsonb) IS 'What is malformed in a payload_schema; NULL when nothing is';

CREATE FUNCTION rcq_private.check_payload(schema jsonb, payload jsonb, max_bytes bigint) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_check_payload';
COMMENT ON FUNCTION rcq_private.check_payload(jsonb, jsonb, bigint) IS 'Where a payload violates its schema or exceeds max_bytes as compact JSON text; NULL when it does not';

-- The most that a payload of such a type may have, in MB.
CREATE FUNCTION rcq_private.payload_limit(limits jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT COALESCE((limits ->> 'payload_mb')::numeric, 64) $$;

-- A request that asks for no more than a type allows, or RC001; place is put before what is wrong.
CREATE FUNCTION rcq_private.within_limits(r rcq_private.request, limits jsonb, place text) RETURNS rcq_private.request
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    max_time CONSTANT interval := (limits ->> 'time_limit')::interval;
    option text;
    asked text;
    allowed text;
BEGIN
    SELECT a.name, a.asked, limits ->> a.name INTO option, asked, allowed
      FROM (VALUES ('cpu_cores', r.cpu_cores::numeric), ('memory_gb', r.memory_gb::numeric), ('gpu_count', r.gpu_count::numeric)) AS a(name, asked)
     WHERE a.asked > (limits ->> a.name)::numeric LIMIT 1;
    IF option IS NULL AND r.time_limit > max_time THEN
        option := 'time_limit'; asked := r.time_limit::text; allowed := max_time::text;
    END IF;
    IF option IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('%s%s is %s, and jobs of this type may have at most %s', place, option, asked, allowed),
            'Ask for less; an administrator can raise the limits of a type with rcq.register_type.');
    END IF;
    -- what is left to the defaults of rcq is limited, too
    r.memory_gb := COALESCE(r.memory_gb, LEAST((limits ->> 'memory_gb')::double precision, 1));
    IF max_time IS NOT NULL THEN
        r.time_limit := COALESCE(r.time_limit, LEAST(max_time, pg_catalog.make_interval(secs => NULLIF(rcq_private.setting_text('default_time_limit')::double precision, 0))));
    END IF;
    RETURN r;
END $$;

-- A request with what its type says about it: script, options, and a payload that was checked. RC001 when it does not fit.
CREATE FUNCTION rcq_private.typed(r rcq_private.request, place text) RETURNS rcq_private.request
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t rcq_private.task_type;
    payload CONSTANT jsonb := COALESCE(r.payload, '{}');
    wrong text;
BEGIN
    IF r.type IS NULL THEN
        PERFORM rcq_private.fail('RC001', place || 'there is a payload, but no type', 'A payload is for a job of a type: rcq.submit_task(type, payload).');
    END IF;
    IF r.script IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', place || 'there are both a type and a script', 'A job of a type runs the command of its type: leave out the script.');
    END IF;
    SELECT * INTO t FROM rcq_private.task_type k WHERE k.name = r.type ORDER BY k.shipped LIMIT 1;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('%sthere is no type of job "%s"', place, pg_catalog.left(r.type, 100)),
            'Known types: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT k.name, ', ' ORDER BY k.name) FROM rcq_private.task_type k), 'none') || '.');
    END IF;
    wrong := rcq_private.check_payload(t.payload_schema, payload, (rcq_private.payload_limit(t.limits) * 1048576)::bigint);
    IF wrong IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('%spayload of type "%s": %s', place, t.name, wrong),
            pg_catalog.format('What it must look like: SELECT payload_schema FROM rcq.types WHERE name = ''%s''.', t.name));
    END IF;
    r.payload := NULL; -- may be large: kept out of what follows
    r := pg_catalog.jsonb_populate_record(r, t.defaults - ARRAY(SELECT pg_catalog.jsonb_object_keys(pg_catalog.jsonb_strip_nulls(pg_catalog.to_jsonb(r)))));
    r := rcq_private.within_limits(r, t.limits, place);
    r.script := t.command;
    r.payload := payload;
    RETURN r;
END $$;

-- The requests with what their types say about them; a fault names its place in a list of several.
CREATE FUNCTION rcq_private.apply_type(requests rcq_private.request[]) RETURNS rcq_private.request[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r rcq_private.request;
    applied rcq_private.request[] := '{}';
BEGIN
    FOREACH r IN ARRAY requests LOOP
        IF r.type IS NOT NULL OR r.payload IS NOT NULL THEN
            r := rcq_private.typed(r, CASE WHEN pg_catalog.cardinality(requests) > 1
                                           THEN pg_catalog.format('job %s of the list: ', pg_catalog.cardinality(applied) + 1) ELSE '' END);
        END IF;
        applied := applied || r;
    END LOOP;
    RETURN applied;
END $$;

-- Which options a type may set; RC001 for the first default or limit that makes no sense.
CREATE FUNCTION rcq_private.check_type(command text, defaults jsonb, limits jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options CONSTANT text[] := '{cpu_cores,cpu_cores_min,memory_gb,gpu_count,gpu_type,estimated_hours,time_limit,priority,max_retries,name,workdir,env,features,constraints,consumables,exclusive,preemptible,concurrency_key,requeue,on_disconnect,project,tags,retry_on,retry_delay,retry_backoff,retry_max_delay,retry_jitter,retry_memory_factor}';
    bounded CONSTANT text[] := '{cpu_cores,memory_gb,gpu_count,time_limit,payload_mb}';
    wrong record;
    r rcq_private.request;
BEGIN
    SELECT k.key, f.expected INTO wrong
      FROM pg_catalog.jsonb_each(defaults) k LEFT JOIN rcq_private.request_fields() f ON f.name = k.key AND f.name = ANY (options)
     WHERE f.name IS NULL OR pg_catalog.strpos(f.expected, pg_catalog.jsonb_typeof(k.value)) = 0 LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', CASE WHEN wrong.expected IS NULL THEN pg_catalog.format('defaults: "%s" is no option that a type can set', pg_catalog.left(wrong.key, 100))
                                               ELSE pg_catalog.format('defaults: %s is not of type %s', wrong.key, wrong.expected) END,
            'Options: ' || pg_catalog.array_to_string(options, ', ') || '.');
    END IF;
    SELECT k.key INTO wrong FROM pg_catalog.jsonb_each(limits) k
     WHERE NOT (k.key = ANY (bounded) AND (pg_catalog.jsonb_typeof(k.value) = 'number' OR k.key = 'time_limit' AND pg_catalog.jsonb_typeof(k.value) = 'string')) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('limits: "%s" is no limit, or not a number', pg_catalog.left(wrong.key, 100)),
            'Limits: cpu_cores, memory_gb, gpu_count, payload_mb (numbers), time_limit ("4h" or seconds).');
    END IF;
    BEGIN
        r := pg_catalog.jsonb_populate_record(NULL::rcq_private.request, defaults);
        r := rcq_private.within_limits(r, limits, 'defaults: ');
    EXCEPTION WHEN data_exception THEN
        PERFORM rcq_private.fail('RC001', 'a default or limit has the wrong type: ' || SQLERRM, 'Options as rcq.submit takes them; time_limit "4h" or seconds.');
    END;
    IF (limits ->> 'cpu_cores')::numeric < 1 OR (limits ->> 'memory_gb')::numeric <= 0 OR (limits ->> 'gpu_count')::numeric < 0
       OR (limits ->> 'time_limit')::interval <= interval '0' OR rcq_private.payload_limit(limits) NOT BETWEEN 0 AND 256 THEN
        PERFORM rcq_private.fail('RC001', 'a limit is outside its range', 'cpu_cores from 1, memory_gb and time_limit above 0, gpu_count from 0, payload_mb 0 to 256.');
    END IF;
    PERFORM rcq_private.check_options(ARRAY[r]),
            rcq_private.check_request(NULL, command, COALESCE(r.cpu_cores, 1), COALESCE(r.memory_gb, 1), COALESCE(r.gpu_count, 0), r.estimated_hours,
                pg_catalog.date_part('epoch', r.time_limit), COALESCE(r.priority, 5), COALESCE(r.max_retries, 0), r.name, r.workdir, r.env, r.features,
                COALESCE(r.on_disconnect, 'continue'), r.cpu_cores_min, r.gpu_type, r.constraints, r.consumables, r.concurrency_key, 10,
                rcq_private.setting_text('max_script_bytes')::integer, NULL);
END $$;

CREATE FUNCTION rcq.register_type(name text, command text, payload_schema jsonb DEFAULT '{}', defaults jsonb DEFAULT '{}', limits jsonb DEFAULT '{}',
                                  description text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema CONSTANT jsonb := COALESCE(payload_schema, '{}');
    wrong text;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_word('a type of job', name);
    IF command IS NULL OR pg_catalog.btrim(command) = '' THEN
        PERFORM rcq_private.fail('RC001', 'command is empty', 'It is run as a job''s script is: under /bin/sh, or by its #! line.');
    END IF;
    wrong := rcq_private.check_schema(schema);
    IF wrong IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', 'payload_schema: ' || wrong,
            'Keywords: type, properties, required, additionalProperties, items, minItems, maxItems, minLength, maxLength, minimum, maximum, enum.');
    END IF;
    IF pg_catalog.jsonb_typeof(COALESCE(defaults, '{}')) <> 'object' OR pg_catalog.jsonb_typeof(COALESCE(limits, '{}')) <> 'object' THEN
        PERFORM rcq_private.fail('RC001', 'defaults or limits is not a JSON object', 'Write them as {"cpu_cores": 4, "memory_gb": 2}.');
    END IF;
    PERFORM rcq_private.check_type(command, COALESCE(defaults, '{}'), COALESCE(limits, '{}'));
    INSERT INTO rcq_private.task_type AS t (name, command, payload_schema, defaults, limits, description)
    VALUES (register_type.name, register_type.command, schema, COALESCE(register_type.defaults, '{}'), COALESCE(register_type.limits, '{}'), register_type.description)
    ON CONFLICT ON CONSTRAINT task_type_pkey DO UPDATE
       SET command = EXCLUDED.command, payload_schema = EXCLUDED.payload_schema, defaults = EXCLUDED.defaults, limits = EXCLUDED.limits, description = EXCLUDED.description;
END $$;
COMMENT ON FUNCTION rcq.register_type(text, text, jsonb, jsonb, jsonb, text) IS
'Makes a type of job, or replaces it for jobs submitted from now on. command: run as a script is, finds its payload in the file $RCQ_PAYLOAD and writes its result into $RCQ_RESULT; payload_schema: what a payload must look like (JSON Schema: type, properties, required, additionalProperties, items, minItems, maxItems, minLength, maxLength, minimum, maximum, enum); defaults: options of rcq.submit for jobs that do not give them; limits: the most that a job may ask for, {"cpu_cores": 16, "memory_gb": 8, "gpu_count": 0, "time_limit": "1h", "payload_mb": 64}. Administrators only. Errors: RC001, RC005';

CREATE FUNCTION rcq.drop_type(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    DELETE FROM rcq_private.task_type t
     WHERE t.name = drop_type.name AND t.shipped = (SELECT pg_catalog.bool_and(k.shipped) FROM rcq_private.task_type k WHERE k.name = drop_type.name);
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('type of job', name, (SELECT pg_catalog.string_agg(DISTINCT t.name, ', ' ORDER BY t.name) FROM rcq_private.task_type t));
    END IF;
END $$;
COMMENT ON FUNCTION rcq.drop_type(text) IS
'Removes a type of job; where it replaced one that came with rcq, that one is back. Jobs already submitted stay as they are. Administrators only. Errors: RC002, RC005';
GRANT EXECUTE ON FUNCTION rcq.register_type(text, text, jsonb, jsonb, jsonb, text), rcq.drop_type(text) TO rcq_admin;
