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

-- Options beside the basic ones: what check_request does not know. RC001 for the first fault.
CREATE FUNCTION rcq_private.check_options(requests rcq_private.request[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r record;
    wrong text[]; -- message, hint
    now_ timestamptz := pg_catalog.clock_timestamp();
    farthest timestamptz := now_ + interval '10 years';
    ends CONSTANT text[] := '{exit_code,signal,timeout,oom,disk_quota,spawn_error,bad_result}';
BEGIN
    FOR r IN SELECT q.*, e.bad AS bad_end, t.bad AS bad_tag
               FROM unnest(requests) WITH ORDINALITY q
               LEFT JOIN LATERAL (SELECT pg_catalog.min(x) AS bad FROM unnest(q.retry_on) x
                                   WHERE x IS NULL OR NOT (x = ANY (ends) OR x ~ '^[0-9]{1,3}$' AND x::integer BETWEEN 1 AND 255)) e ON true
               LEFT JOIN LATERAL (SELECT pg_catalog.min(x) AS bad FROM unnest(q.tags) x WHERE x !~ '^[^[:cntrl:]]{1,100}$') t ON true LOOP
        wrong := CASE
            WHEN r.begin_time IS NOT NULL AND r.begin_time > farthest OR r.begin_time = '-infinity' THEN
                ARRAY[pg_catalog.format('begin_time %s is more than 10 years ahead, or no time', r.begin_time), 'Leave it out to start as soon as possible.']
            WHEN r.deadline <= now_ THEN
                ARRAY[pg_catalog.format('deadline %s has passed', r.deadline), 'The job must have ended by its deadline: give one in the future.']
            WHEN r.deadline > farthest THEN
                ARRAY[pg_catalog.format('deadline %s is more than 10 years ahead', r.deadline), 'Leave it out for a job without a deadline.']
            WHEN r.deadline <= r.begin_time THEN
                ARRAY[pg_catalog.format('deadline %s is not after begin_time %s', r.deadline, r.begin_time), 'The job must have time to run between the two.']
            WHEN r.on_dependency_failed NOT IN ('fail', 'wait') THEN
                ARRAY[pg_catalog.format('on_dependency_failed cannot be "%s"', pg_catalog.left(r.on_dependency_failed, 100)), 'fail: the job fails at once when a dependency can never be met; wait: it goes on waiting.']
            WHEN pg_catalog.cardinality(r.retry_on) = 0 OR r.retry_on IS NOT NULL AND (r.bad_end IS NOT NULL OR pg_catalog.array_position(r.retry_on, NULL) IS NOT NULL) THEN
                ARRAY[pg_catalog.format('retry_on: "%s" is no end of a run', pg_catalog.left(COALESCE(r.bad_end, ''), 100)), 'Give ' || pg_catalog.array_to_string(ends, ', ') || ', or exit codes 1 to 255, as a list of texts; leave it out to run again after every failure.']
            WHEN pg_catalog.date_part('epoch', r.retry_delay) NOT BETWEEN 0 AND 31536000 THEN
                ARRAY[pg_catalog.format('retry_delay %s is outside 0 to 1 year', r.retry_delay), 'Write it as ''30 seconds'' or ''5 min''.']
            WHEN pg_catalog.date_part('epoch', r.retry_max_delay) NOT BETWEEN 0 AND 31536000 THEN
                ARRAY[pg_catalog.format('retry_max_delay %s is outside 0 to 1 year', r.retry_max_delay), 'Write it as ''1 hour''.']
            WHEN r.retry_backoff NOT IN ('fixed', 'exponential') THEN
                ARRAY[pg_catalog.format('retry_backoff cannot be "%s"', pg_catalog.left(r.retry_backoff, 100)), 'fixed: retry_delay every time; exponential: doubled every time, up to retry_max_delay.']
            WHEN NOT r.retry_jitter BETWEEN 0 AND 1 THEN
                ARRAY[pg_catalog.format('retry_jitter %s is outside 0 to 1', r.retry_jitter), '0.1 lengthens or shortens each delay by up to a tenth.']
            WHEN NOT r.retry_memory_factor BETWEEN 1 AND 100 THEN
                ARRAY[pg_catalog.format('retry_memory_factor %s is outside 1 to 100', r.retry_memory_factor), '2 doubles the memory for the attempt after one that ran out of it.']
            WHEN r.idempotency_key !~ '^[^[:cntrl:]]+$' OR pg_catalog.octet_length(r.idempotency_key) > 200 THEN
                ARRAY['idempotency_key is empty, longer than 200 bytes or has control characters', 'Leave it out for a job without one.']
            WHEN r.project !~ '^[^[:cntrl:]]+$' OR pg_catalog.octet_length(r.project) > 200 THEN
                ARRAY['project is empty, longer than 200 bytes or has control characters', 'Leave it out for a job without one.']
            WHEN pg_catalog.cardinality(r.tags) > 32 OR r.bad_tag IS NOT NULL OR pg_catalog.array_position(r.tags, NULL) IS NOT NULL THEN
                ARRAY[pg_catalog.format('tags: %s', CASE WHEN r.bad_tag IS NULL THEN 'more than 32, or NULL among them' ELSE pg_catalog.format('"%s" is empty, longer than 100 characters or has control characters', pg_catalog.left(r.bad_tag, 100)) END),
                      'Give up to 32 texts of 1 to 100 characters.'] END;
        IF wrong IS NOT NULL THEN
            PERFORM rcq_private.fail('RC001', CASE WHEN pg_catalog.cardinality(requests) > 1 THEN pg_catalog.format('job %s of the list: ', r.ordinality) ELSE '' END || wrong[1], wrong[2]);
        END IF;
    END LOOP;
END $$;

-- Whether there is anything for check_options to look at.
CREATE FUNCTION rcq_private.has_option(r rcq_private.request) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT r.begin_time IS NOT NULL OR r.deadline IS NOT NULL OR r.retry_on IS NOT NULL OR r.tags IS NOT NULL OR r.retry_delay IS NOT NULL OR r.retry_max_delay IS NOT NULL
        OR r.retry_jitter IS NOT NULL OR r.retry_memory_factor IS NOT NULL OR r.retry_backoff IS NOT NULL OR r.on_dependency_failed IS NOT NULL
        OR r.idempotency_key IS NOT NULL OR r.project IS NOT NULL
$$;

-- How a job is run again after a failure, as it is stored; NULL when the request says nothing about it.
CREATE FUNCTION rcq_private.retry_policy(r rcq_private.request) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NULLIF(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'on', (SELECT pg_catalog.jsonb_agg(DISTINCT x) FROM unnest(r.retry_on) x WHERE x !~ '^[0-9]'),
        'exit_codes', (SELECT pg_catalog.jsonb_agg(DISTINCT x::integer) FROM unnest(r.retry_on) x WHERE x ~ '^[0-9]'),
        'delay_s', pg_catalog.date_part('epoch', r.retry_delay), 'backoff', r.retry_backoff,
        'max_delay_s', pg_catalog.date_part('epoch', r.retry_max_delay), 'jitter', r.retry_jitter,
        'memory_factor', r.retry_memory_factor)), '{}')
$$;

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

-- The one way in: checks every request, then stores all of them or none. Ids come back in the order of the requests.
-- edges: dependencies between these very jobs. A request whose idempotency key was used before gives the id of that job.
CREATE FUNCTION rcq_private.enqueue_for(caller rcq_private.users, requests rcq_private.request[], from_schedule integer DEFAULT NULL,
                                        edges rcq_private.edge[] DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    bulk boolean := pg_catalog.cardinality(requests) > 1;
    now_ timestamptz;
    setting record;
    has_type boolean;
    has_array boolean;
    has_dependency boolean;
    has_key boolean;
    has_option boolean;
    names_something boolean;
    fresh bigint;
    one rcq_private.request;
    default_limit interval;
    -- by place in the list; NULL throughout when no request has such a thing
    given bigint[];           -- id that an idempotency key stands for; then of every job
    last_id bigint;
    known boolean[];          -- the job of that key is there already, or comes earlier in the list
    specs text[];             -- of arrays
    sizes integer[];
    throttles integer[];
    wanted rcq_private.wanted_dependency[];
    unmet integer[];
BEGIN
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

    -- most jobs are plain: what they do not use costs them nothing
    IF bulk THEN
        SELECT pg_catalog.bool_or(r.type IS NOT NULL OR r.payload IS NOT NULL), pg_catalog.bool_or(r."array" IS NOT NULL),
               pg_catalog.bool_or(r.depends_on IS NOT NULL), pg_catalog.bool_or(r.idempotency_key IS NOT NULL), pg_catalog.bool_or(rcq_private.has_option(r)),
               pg_catalog.bool_or(r.features IS NOT NULL OR r.constraints IS NOT NULL OR r.gpu_type IS NOT NULL OR r.consumables IS NOT NULL)
          INTO has_type, has_array, has_dependency, has_key, has_option, names_something FROM unnest(requests) r;
    ELSE
        one := requests[1];
        has_type := one.type IS NOT NULL OR one.payload IS NOT NULL;
        has_array := one."array" IS NOT NULL;
        has_dependency := one.depends_on IS NOT NULL;
        has_key := one.idempotency_key IS NOT NULL;
        has_option := rcq_private.has_option(one);
        names_something := one.features IS NOT NULL OR one.constraints IS NOT NULL OR one.gpu_type IS NOT NULL OR one.consumables IS NOT NULL;
    END IF;
    IF has_type THEN
        requests := rcq_private.apply_type(requests);
    END IF;
    IF names_something OR has_type THEN
        PERFORM rcq_private.check_names(requests);
    END IF;
    IF has_option OR has_type THEN
        PERFORM rcq_private.check_options(requests);
    END IF;
    IF has_array THEN
        SELECT pg_catalog.array_agg(s.canonical ORDER BY r.ordinality), pg_catalog.array_agg(s.size ORDER BY r.ordinality), pg_catalog.array_agg(s.throttle ORDER BY r.ordinality)
          INTO specs, sizes, throttles
          FROM unnest(requests) WITH ORDINALITY r LEFT JOIN LATERAL rcq_private.array_spec(r."array") s ON r."array" IS NOT NULL;
    END IF;
    IF has_dependency THEN
        SELECT pg_catalog.array_agg(w) INTO wanted FROM rcq_private.wanted_dependencies(caller.id, requests) w;
    END IF;
    IF has_key THEN
        SELECT pg_catalog.array_agg(k.job_id ORDER BY r.ordinality),
               pg_catalog.array_agg(k.job_id IS NOT NULL AND (NOT k.fresh OR r.again > 1) ORDER BY r.ordinality)
          INTO given, known
          FROM (SELECT q.idempotency_key, q.ordinality, pg_catalog.row_number() OVER (PARTITION BY q.idempotency_key ORDER BY q.ordinality) AS again
                  FROM unnest(requests) WITH ORDINALITY q) r
          LEFT JOIN rcq_private.claim_keys(caller.id, ARRAY(SELECT q.idempotency_key FROM unnest(requests) q)) k ON k.key = r.idempotency_key;
    END IF;
    -- what a key stands for already is not submitted again, and fits any limit
    fresh := pg_catalog.cardinality(requests);
    IF has_key THEN
        fresh := fresh - (SELECT pg_catalog.count(*) FROM unnest(known) k WHERE k);
    END IF;
    IF fresh > 0 AND (setting.max_pending > 0 OR setting.submit_rate > 0) THEN
        PERFORM rcq_private.check_limits(caller, fresh, setting.max_pending, setting.submit_rate);
    END IF;
    -- partitions are made before the statement that needs them, and that one has used the tables
    given := rcq_private.draw_job_ids(given, pg_catalog.cardinality(requests));
    last_id := given[pg_catalog.cardinality(given)];
    IF has_key THEN
        SELECT pg_catalog.max(g) INTO last_id FROM unnest(given) g;
    END IF;
    IF last_id >= rcq_private.partitioned_to() THEN
        PERFORM rcq_private.ensure_partitions(last_id);
    END IF;

    IF edges IS NOT NULL OR wanted IS NOT NULL THEN
        -- each once: an idempotency key may stand for a job that depends_on names as well
        SELECT pg_catalog.array_agg(ROW(d.place, d.on_id, d.kind)::rcq_private.wanted_dependency) INTO wanted
          FROM (SELECT w.place, w.on_id, w.kind FROM unnest(wanted) w UNION SELECT e.job_place, given[e.on_place], e.kind FROM unnest(edges) e) d
         WHERE NOT COALESCE(known[d.place], false);
        SELECT pg_catalog.array_agg(COALESCE(n.unmet, 0) ORDER BY p.place) INTO unmet
          FROM pg_catalog.generate_series(1, pg_catalog.cardinality(requests)) p(place)
          LEFT JOIN (SELECT w.place, pg_catalog.count(*)::integer AS unmet FROM unnest(wanted) w GROUP BY w.place) n ON n.place = p.place;
    END IF;

    fresh := rcq_private.count_submissions(fresh);
    now_ := pg_catalog.clock_timestamp();
    WITH asked AS MATERIALIZED (
        SELECT given[r.ordinality] AS id, COALESCE(known[r.ordinality], false) AS is_known, r.*,
               rcq_private.check_request(
                   CASE WHEN bulk THEN r.ordinality END, r.script, COALESCE(r.cpu_cores, 1), COALESCE(r.memory_gb, 1),
                   COALESCE(r.gpu_count, 0), r.estimated_hours, pg_catalog.date_part('epoch', COALESCE(r.time_limit, default_limit)),
                   COALESCE(r.priority, 5), COALESCE(r.max_retries, 0), r.name, r.workdir, r.env, r.features,
                   COALESCE(r.on_disconnect, 'continue'), r.cpu_cores_min, r.gpu_type, r.constraints, r.consumables,
                   r.concurrency_key, caller.max_priority, setting.max_script, setting.max_limit) AS memory_mib
          FROM unnest(requests) WITH ORDINALITY r
    ), stored AS (
        INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority,
                                     max_retries, requeue, kill_on_disconnect, estimate, time_limit, name, workdir, features, env, script,
                                     cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key,
                                     array_spec, array_size, begin_time, deadline, depends_on, wait_if_unmet, retry, idempotency_key,
                                     project, tags, external_id, schedule_id, type, payload)
        SELECT a.id, now_, caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
               COALESCE(a.priority, 5), COALESCE(a.max_retries, 0), COALESCE(a.requeue, true),
               COALESCE(a.on_disconnect, 'continue') = 'kill', pg_catalog.make_interval(secs => a.estimated_hours * 3600),
               COALESCE(a.time_limit, default_limit), a.name, a.workdir, rcq_private.feature_list(a.features), a.env, a.script,
               a.cpu_cores_min, rcq_private.constraint_text(a.gpu_type), rcq_private.constraint_text(a.constraints),
               rcq_private.whole_amounts(a.consumables), COALESCE(a.exclusive, false), COALESCE(a.preemptible, false), a.concurrency_key,
               specs[a.ordinality], sizes[a.ordinality], a.begin_time, a.deadline, a.depends_on, COALESCE(a.on_dependency_failed, 'fail') = 'wait',
               CASE WHEN has_option OR has_type THEN rcq_private.retry_policy(requests[a.ordinality]) END, a.idempotency_key,
               a.project, rcq_private.feature_list(a.tags), a.external_id, from_schedule, a.type, a.payload
          FROM asked a WHERE NOT a.is_known
    )
    INSERT INTO rcq_private.live (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, planned_s, max_retries,
                                       requeue, features, held, priority, eligible_at,
                                       cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key, time_limit_s,
                                       array_throttle, deadline, payload_bytes, unmet, tasks_waiting)
    SELECT rcq_private.touched(a.id), caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
           pg_catalog.ceil(COALESCE(a.estimated_hours * 3600, pg_catalog.date_part('epoch', COALESCE(a.time_limit, default_limit))))::integer,
           COALESCE(a.max_retries, 0), COALESCE(a.requeue, true), rcq_private.feature_list(a.features),
           COALESCE(a.hold, false), COALESCE(a.priority, 5), GREATEST(now_, a.begin_time),
           a.cpu_cores_min, rcq_private.constraint_text(a.gpu_type), rcq_private.constraint_text(a.constraints),
           rcq_private.whole_amounts(a.consumables), COALESCE(a.exclusive, false), COALESCE(a.preemptible, false), a.concurrency_key,
           pg_catalog.ceil(pg_catalog.date_part('epoch', COALESCE(a.time_limit, default_limit)))::integer,
           throttles[a.ordinality], a.deadline, pg_catalog.pg_column_size(a.payload), COALESCE(unmet[a.ordinality], 0), sizes[a.ordinality]
      FROM asked a WHERE NOT a.is_known;
    IF has_array THEN
        INSERT INTO rcq_private.array (job_id, user_id, size, throttle, waiting)
        SELECT i.id, caller.id, sizes[i.place], throttles[i.place], pg_catalog.int4multirange(pg_catalog.int4range(0, sizes[i.place]))
          FROM unnest(given) WITH ORDINALITY i(id, place) WHERE sizes[i.place] IS NOT NULL AND NOT COALESCE(known[i.place], false);
    END IF;
    IF wanted IS NOT NULL THEN
        INSERT INTO rcq_private.dependency (job_id, on_id, kind) SELECT given[w.place], w.on_id, w.kind FROM unnest(wanted) w;
    END IF;
    IF bulk THEN
        RETURN QUERY SELECT g FROM unnest(given) g;
    ELSE
        RETURN NEXT given[1];
    END IF;
END $$;

-- The same for the user who acts. What comes over HTTP is recorded with where it came from; over SQL, where it is faster
-- than that would be, the job is the record.
CREATE FUNCTION rcq_private.enqueue(requests rcq_private.request[], edges rcq_private.edge[] DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller rcq_private.users;
    last_before bigint;
    ids bigint[];
    new_ids bigint[];
BEGIN
    SELECT * INTO STRICT caller FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    IF session_user = 'rcq_authenticator' THEN
        last_before := COALESCE(pg_catalog.pg_sequence_last_value('rcq_private.job_id'), 0);
        ids := ARRAY(SELECT rcq_private.enqueue_for(caller, requests, NULL, edges));
        -- a request that is repeated with its idempotency key submits nothing
        new_ids := ARRAY(SELECT i FROM unnest(ids) i WHERE i > last_before);
        IF new_ids <> '{}' THEN
            PERFORM rcq_private.record_change('job.submit', 'job', rcq_private.id_ranges(new_ids));
        END IF;
        RETURN QUERY SELECT i FROM unnest(ids) i;
    ELSE
        RETURN QUERY SELECT rcq_private.enqueue_for(caller, requests, NULL, edges);
    END IF;
END $$;

CREATE FUNCTION rcq.submit(
    script text, cpu_cores integer DEFAULT 1, memory_gb numeric DEFAULT 1, gpu_count integer DEFAULT 0,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, priority integer DEFAULT 5,
    max_retries integer DEFAULT 0, name text DEFAULT NULL, workdir text DEFAULT NULL, env jsonb DEFAULT NULL,
    features text[] DEFAULT NULL, hold boolean DEFAULT false, requeue boolean DEFAULT true,
    on_disconnect text DEFAULT 'continue', cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT false,
    preemptible boolean DEFAULT false, concurrency_key text DEFAULT NULL, "array" text DEFAULT NULL,
    depends_on text DEFAULT NULL, begin_time timestamptz DEFAULT NULL, deadline timestamptz DEFAULT NULL,
    idempotency_key text DEFAULT NULL, project text DEFAULT NULL, tags text[] DEFAULT NULL, external_id uuid DEFAULT NULL,
    on_dependency_failed text DEFAULT 'fail', retry_on text[] DEFAULT NULL, retry_delay interval DEFAULT NULL,
    retry_backoff text DEFAULT NULL, retry_max_delay interval DEFAULT NULL, retry_jitter numeric DEFAULT NULL,
    retry_memory_factor numeric DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
BEGIN
    SELECT q INTO STRICT id FROM rcq_private.enqueue(ARRAY[ROW(script, cpu_cores, rcq_private.as_float(memory_gb), gpu_count,
        rcq_private.as_float(estimated_hours), time_limit, priority, max_retries, name, workdir, env, features, hold,
        requeue, on_disconnect, cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible,
        concurrency_key, "array", depends_on, begin_time, deadline, idempotency_key, project, tags, external_id,
        NULLIF(on_dependency_failed, 'fail'), retry_on, retry_delay, retry_backoff, retry_max_delay, rcq_private.as_float(retry_jitter),
        rcq_private.as_float(retry_memory_factor), NULL, NULL)::rcq_private.request]) q;
    RETURN id;
END $$;
COMMENT ON FUNCTION rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
    integer, text, text, jsonb, boolean, boolean, text, text, text, timestamptz, timestamptz, text, text, text[], uuid, text, text[], interval, text, interval, numeric, numeric) IS
'Submits a job and returns its id. script: run under /bin/sh, or by its #! line; cpu_cores, gpu_count: whole; memory_gb: 1 GB = 2^30 bytes; estimated_hours: for planning; time_limit: the job is killed when it is over; priority 1-10, 10 = soonest; max_retries: after failures; workdir: absolute, on the executor''s host, NULL = a directory of its own; env: {"NAME": "value"}; features: the executor must offer all; hold: wait for rcq.release; requeue: run again when its executor is lost; on_disconnect: continue or kill when the executor loses the database; cpu_cores_min: as few cores will do; gpu_type: models that will do, a100 or a100|h100; constraints: expression over features, avx512&(ssd|nvme)&!shared; consumables: what it takes of named amounts, {"licence": 1}; exclusive: nothing else runs on the host; preemptible: may be stopped and run again later; concurrency_key: jobs with the same key are limited together; "array": many tasks in one job, 1-1000:2%50 = indices 1, 3, .. 999, at most 50 at a time ($RCQ_ARRAY_INDEX; the name is a word of SQL: write it in double quotes); depends_on: afterok:41,afterany:42:43 (also after, afternotok, aftercorr, singleton); on_dependency_failed: fail or wait when that can never be met; begin_time: not before; deadline: must have ended by then; idempotency_key: the same key gives the same job; project, tags, external_id: to find it again; retry_on: after which ends it is run again (exit_code, signal, timeout, oom, disk_quota, spawn_error, bad_result, or exit codes), NULL = all; retry_delay, retry_backoff (fixed, exponential), retry_max_delay, retry_jitter (0-1): when; retry_memory_factor: memory after an attempt that ran out of it. Errors: RC001, RC002 (dependency on no job of yours), RC004, RC005, RC007 (too many jobs of yours), RC010';

-- Which JSON types a field of a request may have, by the type of its column.
CREATE FUNCTION rcq_private.request_fields(OUT name text, OUT expected text) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.attname::text, CASE WHEN a.attname IN ('env', 'consumables') THEN 'object' WHEN a.attname = 'payload' THEN 'object, array, string, number or boolean'
           WHEN a.atttypid IN ('integer'::regtype, 'double precision'::regtype) THEN 'number' WHEN a.atttypid = 'interval'::regtype THEN 'string or number'
           WHEN a.atttypid = 'boolean'::regtype THEN 'boolean' WHEN a.atttypid = 'text[]'::regtype THEN 'array' ELSE 'string' END
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'rcq_private.request'::regclass AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- The same as one object. Not as changeable as it looks: it changes when the extension does, and is worked out once in a
-- session, instead of for every job.
CREATE FUNCTION rcq_private.request_types() RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT pg_catalog.jsonb_object_agg(f.name, f.expected) FROM rcq_private.request_fields() f $$;

-- The first field of a job whose value is not of the type of its column.
CREATE FUNCTION rcq_private.misfit(job jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    field record;
BEGIN
    FOR field IN SELECT f.key, f.value FROM pg_catalog.jsonb_each(job) f LOOP
        BEGIN
            PERFORM pg_catalog.jsonb_populate_record(NULL::rcq_private.request, pg_catalog.jsonb_build_object(field.key, field.value));
        EXCEPTION WHEN data_exception THEN
            RETURN field.key;
        END;
    END LOOP;
    RETURN 'a field';
END $$;

-- Requests from a JSON array of objects; RC001 for the first that is not one, naming it by its place, if it is not single.
CREATE FUNCTION rcq_private.parse_requests(jobs jsonb, single boolean DEFAULT false) RETURNS rcq_private.request[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT jsonb := rcq_private.request_types();
    hint CONSTANT text := 'Fields are the arguments of rcq.submit under their names: texts, numbers, booleans; intervals as "4h" or seconds, times as "2030-01-31T08:00:00Z", env and consumables as objects, features, tags and retry_on as arrays of texts.';
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
            CASE WHEN single THEN CASE WHEN wrong.expected IS NULL THEN pg_catalog.format('a job has no field "%s"', pg_catalog.left(wrong.key, 100))
                                       ELSE pg_catalog.format('%s is not of type %s', wrong.key, wrong.expected) END
                 WHEN wrong.key IS NULL THEN pg_catalog.format('job %s of the list is not an object', wrong.n)
                 WHEN wrong.expected IS NULL THEN pg_catalog.format('job %s of the list has an unknown field "%s"', wrong.n, pg_catalog.left(wrong.key, 100))
                 ELSE pg_catalog.format('job %s of the list: %s is not of type %s', wrong.n, wrong.key, wrong.expected) END,
            hint);
    END IF;
    BEGIN
        SELECT pg_catalog.array_agg(r) INTO requests FROM pg_catalog.jsonb_populate_recordset(NULL::rcq_private.request, jobs) r; -- in their order
    EXCEPTION WHEN data_exception THEN
        PERFORM rcq_private.fail('RC001', CASE WHEN single THEN rcq_private.misfit(jobs -> 0) ELSE 'a field of a job' END || ' has the wrong type: ' || SQLERRM, hint);
    END;
    RETURN requests;
END $$;

-- A long list is not to be spilled to disk on its way.
CREATE FUNCTION rcq.submit_many(jobs jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' AS $$
DECLARE
    requests CONSTANT rcq_private.request[] := rcq_private.parse_requests(jobs);
BEGIN
    IF requests IS NOT NULL THEN
        RETURN QUERY SELECT rcq_private.enqueue(requests);
    END IF;
END $$;
COMMENT ON FUNCTION rcq.submit_many(jsonb) IS
'Submits a JSON array of jobs, all or none; fields as the arguments of rcq.submit, or type and payload as those of rcq.submit_task. Returns their ids in the order of the array. Errors: RC001 (naming the job by its place in the list), RC002, RC004, RC005, RC007, RC010';
