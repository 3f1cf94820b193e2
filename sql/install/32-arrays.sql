-- Array jobs. One row of job and live stands for all tasks; a task gets rows of its own when it may be placed soon, or when
-- somebody does something to it alone. Whoever changes the sets of an array holds the lock on its live row.

CREATE FUNCTION rcq_private.range_size(ranges int4multirange) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT COALESCE(pg_catalog.sum(pg_catalog.upper(r) - pg_catalog.lower(r)), 0)::integer FROM unnest(ranges) r);

-- The first `count` positions, which are in the first `count` ranges: no others are looked at.
CREATE FUNCTION rcq_private.first_positions(ranges int4multirange, count integer) RETURNS int4multirange
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(pg_catalog.range_agg(pg_catalog.int4range(pg_catalog.lower(r.r), LEAST(pg_catalog.upper(r.r), pg_catalog.lower(r.r) + count - r.before))), '{}')
      FROM (SELECT r, COALESCE(pg_catalog.sum(pg_catalog.upper(r) - pg_catalog.lower(r)) OVER (ORDER BY r ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::integer AS before FROM (SELECT unnest(ranges) AS r LIMIT count) u) r
     WHERE r.before < count
$$;

-- Rows for the tasks at these positions, which the caller has taken out of the array's sets. Their order is that of the
-- positions, their age that of the array; while it waits for other jobs, so do they.
CREATE FUNCTION rcq_private.make_tasks(arrays bigint[], positions int4multirange[], hold boolean, OUT array_id bigint, OUT job_id bigint) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ids CONSTANT bigint[] := rcq_private.new_job_ids((SELECT COALESCE(pg_catalog.sum(rcq_private.range_size(p)), 0)::integer FROM unnest(positions) p));
BEGIN
    RETURN QUERY
    WITH task AS MATERIALIZED (
        SELECT ids[pg_catalog.row_number() OVER (ORDER BY t.array_id, t."position")] AS id, t.*
          FROM (SELECT a.array_id, p AS "position" FROM unnest(arrays, positions) a(array_id, ranges), unnest(a.ranges) r,
                       LATERAL pg_catalog.generate_series(pg_catalog.lower(r), pg_catalog.upper(r) - 1) p) t
    ), stored AS (
        INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue,
                                     kill_on_disconnect, estimate, time_limit, name, script, cpu_cores_min, gpu_type, constraints, consumables,
                                     exclusive, preemptible, concurrency_key, array_id, array_index, deadline, retry, project, tags, schedule_id, type)
        SELECT t.id, j.submitted_at, j.user_id, j.group_id, j.cpu_cores, j.memory_mib, j.gpu_count, j.priority, j.max_retries, j.requeue,
               j.kill_on_disconnect, j.estimate, j.time_limit, j.name, '', j.cpu_cores_min, j.gpu_type, j.constraints, j.consumables,
               j.exclusive, j.preemptible, j.concurrency_key, t.array_id, rcq_private.array_index(j.array_spec, t."position"), j.deadline, j.retry,
               j.project, j.tags, j.schedule_id, j.type
          FROM task t JOIN rcq_private.job j ON j.id = t.array_id
    )
    INSERT INTO rcq_private.live AS l (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, planned_s, max_retries, requeue, features,
                                       held, priority, eligible_at, cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible,
                                       concurrency_key, time_limit_s, array_id, array_throttle, deadline, payload_bytes, unmet)
    SELECT t.id, p.user_id, p.group_id, p.cpu_cores, p.memory_mib, p.gpu_count, p.planned_s, p.max_retries, p.requeue, p.features,
           hold, p.priority, p.eligible_at, p.cpu_cores_min, p.gpu_type, p.constraints, p.consumables, p.exclusive, p.preemptible,
           p.concurrency_key, p.time_limit_s, t.array_id, p.array_throttle, p.deadline, p.payload_bytes, p.unmet
      FROM task t JOIN rcq_private.live p ON p.job_id = t.array_id
    RETURNING l.array_id, l.job_id;
END $$;

-- The next tasks of arrays that may start, at most so many of each. An array that somebody holds the lock of is left out.
CREATE FUNCTION rcq_private.materialise(arrays bigint[], counts integer[], OUT array_id bigint, OUT job_id bigint) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    locked bigint[];
    numbers integer[];
    taken bigint[];
    positions int4multirange[];
BEGIN
    -- a statement of its own: what waits is read by the next one, as whoever held the lock before has left it
    SELECT pg_catalog.array_agg(h.job_id), pg_catalog.array_agg(h.count) INTO locked, numbers
      FROM (SELECT l.job_id, k.count FROM unnest(arrays, counts) k(array_id, count) JOIN rcq_private.live l ON l.job_id = k.array_id
             WHERE l.tasks_waiting > 0 AND NOT l.held AND l.unmet = 0 ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED) h;
    WITH first AS MATERIALIZED (
        SELECT a.job_id, rcq_private.first_positions(a.waiting, k.count) AS positions FROM unnest(locked, numbers) k(job_id, count) JOIN rcq_private.array a ON a.job_id = k.job_id
    ), remaining AS (
        UPDATE rcq_private.array a SET waiting = a.waiting - f.positions FROM first f WHERE a.job_id = f.job_id
    ), counted AS (
        UPDATE rcq_private.live l SET tasks_waiting = l.tasks_waiting - rcq_private.range_size(f.positions) FROM first f WHERE l.job_id = f.job_id
    )
    SELECT pg_catalog.array_agg(f.job_id), pg_catalog.array_agg(f.positions) INTO taken, positions FROM first f;
    RETURN QUERY SELECT t.array_id, t.job_id FROM rcq_private.make_tasks(taken, positions, false) t;
END $$;

-- Ids of the tasks at these positions, ascending by index; those that have no row get one: on hold if they or the whole
-- array were, ended if they were withdrawn. Busy (RC004) when somebody holds the array, RC003 when it was
-- restored from a dump and not yet resumed.
CREATE FUNCTION rcq_private.materialise_tasks(array_id bigint, positions int4multirange) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_variable
DECLARE
    a rcq_private.array;
    j rcq_private.job;
    whole_held boolean;
    ids bigint[];
BEGIN
    BEGIN
        SELECT l.held INTO whole_held FROM rcq_private.live l WHERE l.job_id = array_id FOR UPDATE;
        SELECT * INTO STRICT a FROM rcq_private.array x WHERE x.job_id = array_id FOR UPDATE;
    EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
        PERFORM rcq_private.raise_busy(array_id);
    END;
    SELECT * INTO STRICT j FROM rcq_private.job x WHERE x.id = array_id;
    IF whole_held IS NULL AND (a.waiting + a.held) && positions THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('array job %s comes from a dump and is not queued', array_id),
            'Its tasks get rows of their own when an administrator has queued it: rcq.resume_restored.');
    END IF;
    IF (a.waiting + a.held + a.withdrawn) && positions THEN
        UPDATE rcq_private.array x SET waiting = x.waiting - positions, held = x.held - positions, withdrawn = x.withdrawn - positions WHERE x.job_id = array_id;
        UPDATE rcq_private.live l SET tasks_waiting = rcq_private.range_size(a.waiting - positions) WHERE l.job_id = array_id;
        PERFORM rcq_private.touched(t.job_id) FROM rcq_private.make_tasks(ARRAY[array_id], ARRAY[a.waiting * positions], whole_held) t;
        PERFORM rcq_private.touched(t.job_id) FROM rcq_private.make_tasks(ARRAY[array_id], ARRAY[a.held * positions], true) t;
        ids := rcq_private.new_job_ids(rcq_private.range_size(a.withdrawn * positions));
        WITH withdrawn AS (
            INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue,
                                         kill_on_disconnect, name, script, array_id, array_index, project, tags, type)
            SELECT ids[pg_catalog.row_number() OVER (ORDER BY p)], j.submitted_at, j.user_id, j.group_id, j.cpu_cores, j.memory_mib, j.gpu_count, j.priority, j.max_retries,
                   j.requeue, j.kill_on_disconnect, j.name, '', j.id, rcq_private.array_index(j.array_spec, p), j.project, j.tags, j.type
              FROM unnest(a.withdrawn * positions) r, LATERAL pg_catalog.generate_series(pg_catalog.lower(r), pg_catalog.upper(r) - 1) p
            RETURNING id)
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status)
        SELECT w.id, pg_catalog.clock_timestamp(), j.user_id, j.group_id, j.priority, 0, 'cancelled' FROM withdrawn w;
        PERFORM rcq_private.touched(array_id);
    END IF;
    RETURN QUERY
    SELECT t.id FROM rcq_private.job t, LATERAL rcq_private.array_positions(j.array_spec, t.array_index::text) p("position")
     WHERE t.array_id = array_id AND p."position"::int4multirange <@ positions ORDER BY t.array_index;
END $$;

-- Adds up what ended; arrays whose tasks have all ended end, and are returned. For the scheduler alone.
CREATE FUNCTION rcq_private.fold_arrays(arrays bigint[]) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    locked bigint[];
BEGIN
    SELECT pg_catalog.array_agg(k.job_id) INTO locked
      FROM (SELECT l.job_id FROM unnest(arrays) a(id) JOIN rcq_private.live l ON l.job_id = a.id ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED) k;
    WITH gone AS (
        DELETE FROM rcq_private.array_end e USING unnest(locked) a(id) WHERE e.array_id = a.id RETURNING e.*
    )
    UPDATE rcq_private.array a SET completed = a.completed + s.completed, failed = a.failed + s.failed, cancelled = a.cancelled + s.cancelled
      FROM (SELECT g.array_id, pg_catalog.sum(g.completed)::integer AS completed, pg_catalog.sum(g.failed)::integer AS failed, pg_catalog.sum(g.cancelled)::integer AS cancelled
              FROM gone g GROUP BY g.array_id) s
     WHERE a.job_id = s.array_id;
    RETURN QUERY
    WITH complete AS MATERIALIZED (
        SELECT a.* FROM unnest(locked) k(id) JOIN rcq_private.array a ON a.job_id = k.id WHERE a.completed + a.failed + a.cancelled = a.size
    ), removed AS (
        DELETE FROM rcq_private.live l USING complete c WHERE l.job_id = c.job_id RETURNING l.*
    ), ended AS (
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, placed_at, claimed_at, status, reason, message)
        SELECT r.job_id, pg_catalog.clock_timestamp(), r.user_id, r.group_id, r.priority, 0, r.placed_at, r.claimed_at,
               CASE WHEN c.failed > 0 OR s.too_late THEN 'failed' WHEN c.cancelled > 0 THEN 'cancelled' ELSE 'completed' END,
               CASE WHEN s.too_late THEN 'deadline' WHEN c.failed > 0 THEN 'tasks_failed' END,
               CASE WHEN c.failed + c.cancelled > 0 THEN pg_catalog.format('%s of %s tasks completed, %s failed, %s cancelled', c.completed, c.size, c.failed, c.cancelled) END
          FROM removed r JOIN complete c ON c.job_id = r.job_id,
               LATERAL (SELECT c.cancelled > 0 AND COALESCE(r.deadline <= pg_catalog.clock_timestamp(), false) AS too_late) s
    ), forgotten AS (
        DELETE FROM rcq_private.dependency d USING complete c WHERE d.job_id = c.job_id
    )
    SELECT c.job_id FROM complete c;
END $$;

-- A task of these arrays has started; those that somebody holds are returned by the next call.
CREATE FUNCTION rcq_private.start_arrays(arrays bigint[], now_ timestamptz) RETURNS SETOF bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE rcq_private.live l SET placed_at = now_, claimed_at = now_
      FROM (SELECT l.job_id FROM unnest(arrays) a(id) JOIN rcq_private.live l ON l.job_id = a.id AND l.claimed_at IS NULL ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED) k
     WHERE l.job_id = k.job_id RETURNING l.job_id
$$;

-- What people do with arrays: the whole of one, or the tasks that a selection of indices names.

-- Positions that a selection names, NULL for all.
CREATE FUNCTION rcq_private.selected(of_array bigint, tasks text) RETURNS int4multirange
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.array_positions(j.array_spec, tasks)::int4multirange FROM rcq_private.job j WHERE j.id = of_array
$$;

-- Live rows of the tasks at these positions (NULL = all), locked in ascending order.
CREATE FUNCTION rcq_private.lock_tasks(array_id bigint, positions int4multirange) RETURNS SETOF rcq_private.live
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    RETURN QUERY
    SELECT l.* FROM rcq_private.live l
     WHERE l.array_id = array_id
       AND (positions IS NULL OR (SELECT rcq_private.array_positions(a.array_spec, t.array_index::text)::int4multirange <@ positions
                                    FROM rcq_private.job t JOIN rcq_private.job a ON a.id = t.array_id WHERE t.id = l.job_id))
     ORDER BY l.job_id FOR UPDATE OF l;
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.raise_busy(array_id);
END $$;

-- positions: of the tasks, NULL for all; named: how they were named.
CREATE FUNCTION rcq_private.cancel_tasks(array_id bigint, positions int4multirange, named text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    a rcq_private.array;
    gone int4multirange;
    found_tasks bigint[];
    running boolean;
BEGIN
    SELECT * INTO STRICT a FROM rcq_private.array x WHERE x.job_id = array_id FOR UPDATE;
    gone := (a.waiting + a.held) * COALESCE(positions, a.waiting + a.held);
    found_tasks := CASE WHEN positions <@ (a.waiting + a.held) THEN '{}' ELSE ARRAY(SELECT t.job_id FROM rcq_private.lock_tasks(array_id, positions) t) END;
    IF pg_catalog.isempty(gone) AND found_tasks = '{}' THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('tasks %s of array job %s have all ended', COALESCE(named, 'of all indices'), array_id),
            pg_catalog.format('See them with SELECT * FROM rcq.tasks(%s).', array_id));
    END IF;
    UPDATE rcq_private.array x SET waiting = x.waiting - gone, held = x.held - gone, withdrawn = x.withdrawn + gone, cancelled = x.cancelled + rcq_private.range_size(gone)
     WHERE x.job_id = array_id;
    UPDATE rcq_private.live l SET tasks_waiting = rcq_private.range_size(a.waiting - gone) WHERE l.job_id = array_id;
    running := rcq_private.cancel_live(found_tasks);
    PERFORM rcq_private.touched(array_id);
    RETURN CASE WHEN running THEN 'cancelling' ELSE 'cancelled' END;
END $$;

CREATE FUNCTION rcq_private.cancel_array(array_id bigint, tasks text) RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.cancel_tasks(array_id, rcq_private.selected(array_id, tasks), tasks)
$$;

-- Puts tasks on hold, or releases them: without a selection (NULL) also those that have no row yet, present and to come. When
-- some of an array that is on hold as a whole are released, the others stay on hold one by one.
CREATE FUNCTION rcq_private.hold_tasks(array_id bigint, positions int4multirange, hold boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    a rcq_private.array;
    moved int4multirange;
    whole_held boolean;
    parent_changed boolean;
    found_tasks bigint[];
BEGIN
    SELECT * INTO STRICT a FROM rcq_private.array x WHERE x.job_id = array_id FOR UPDATE;
    -- tasks that run on are left alone, as are those that have what is wanted
    found_tasks := CASE WHEN positions <@ (a.waiting + a.held) THEN '{}'
                        ELSE ARRAY(SELECT t.job_id FROM rcq_private.lock_tasks(array_id, positions) t WHERE t.claimed_at IS NULL AND t.held <> hold) END;
    SELECT l.held INTO STRICT whole_held FROM rcq_private.live l WHERE l.job_id = array_id;
    parent_changed := positions IS NULL AND whole_held <> hold;
    IF whole_held AND NOT hold THEN
        a.held := a.held + a.waiting;
        a.waiting := '{}';
    END IF;
    moved := CASE WHEN positions IS NULL THEN CASE WHEN hold THEN '{}' ELSE a.held END WHEN hold THEN a.waiting * positions ELSE a.held * positions END;
    IF found_tasks = '{}' AND pg_catalog.isempty(moved) AND NOT parent_changed THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('no task of array job %s that was named %s', array_id, CASE WHEN hold THEN 'is waiting' ELSE 'is held' END),
            pg_catalog.format('See them with SELECT * FROM rcq.tasks(%s).', array_id));
    END IF;
    IF hold THEN
        a.waiting := a.waiting - moved;
        a.held := a.held + moved;
    ELSE
        a.waiting := a.waiting + moved;
        a.held := a.held - moved;
    END IF;
    UPDATE rcq_private.array x SET waiting = a.waiting, held = a.held WHERE x.job_id = array_id;
    -- before the array, so that tasks that have a row keep their place before those that have none
    PERFORM rcq_private.hold_live(found_tasks, hold);
    UPDATE rcq_private.live l
       SET tasks_waiting = rcq_private.range_size(a.waiting), held = hold AND (whole_held OR positions IS NULL),
           eligible_at = CASE WHEN NOT hold AND positions IS NULL THEN GREATEST(l.eligible_at, pg_catalog.clock_timestamp()) ELSE l.eligible_at END
     WHERE l.job_id = array_id;
    PERFORM rcq_private.touched(array_id);
END $$;

CREATE FUNCTION rcq_private.hold_array(array_id bigint, tasks text, hold boolean) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.hold_tasks(array_id, rcq_private.selected(array_id, tasks), hold)
$$;

CREATE FUNCTION rcq.set_array_throttle("array" bigint, throttle integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live("array");
BEGIN
    IF throttle NOT BETWEEN 1 AND 1000000 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('throttle %s is outside 1 to 1000000', throttle), 'NULL = no limit on the tasks that run at a time.');
    END IF;
    IF l.tasks_waiting IS NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is no array job', "array"), 'Only array jobs have a throttle; see rcq.set_concurrency_limit for others.');
    END IF;
    PERFORM rcq_private.touched(t.job_id) FROM rcq_private.lock_tasks("array", NULL) t;
    UPDATE rcq_private.live x SET array_throttle = throttle WHERE x.job_id = "array" OR x.array_id = "array";
    PERFORM rcq_private.touched("array"),
            rcq_private.record_change('job.throttle', 'job', "array"::text, pg_catalog.jsonb_build_object('throttle', l.array_throttle), pg_catalog.jsonb_build_object('throttle', throttle));
END $$;
COMMENT ON FUNCTION rcq.set_array_throttle(bigint, integer) IS
'Changes how many tasks of an array may be placed and running at a time (NULL = no limit); what runs goes on. Errors: RC001, RC002, RC003 (no array, or ended), RC004';

-- Reading

CREATE FUNCTION rcq_private.array_counts(array_id bigint, OUT waiting integer, OUT held integer, OUT pending bigint, OUT assigned bigint, OUT running bigint,
    OUT completed bigint, OUT failed bigint, OUT cancelled bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.range_size(a.waiting), rcq_private.range_size(a.held) + t.held, t.pending, t.assigned, t.running,
           a.completed + e.completed, a.failed + e.failed, a.cancelled + e.cancelled
      FROM rcq_private.array a,
           LATERAL (SELECT COALESCE(pg_catalog.sum(e.completed), 0) AS completed, COALESCE(pg_catalog.sum(e.failed), 0) AS failed, COALESCE(pg_catalog.sum(e.cancelled), 0) AS cancelled
                      FROM rcq_private.array_end e WHERE e.array_id = a.job_id) e,
           LATERAL (SELECT pg_catalog.count(*) FILTER (WHERE l.placed_at IS NULL AND l.held)::integer AS held, pg_catalog.count(*) FILTER (WHERE l.placed_at IS NULL AND NOT l.held) AS pending,
                           pg_catalog.count(*) FILTER (WHERE l.placed_at IS NOT NULL AND l.claimed_at IS NULL) AS assigned, pg_catalog.count(l.claimed_at) AS running
                      FROM rcq_private.live l WHERE l.array_id = a.job_id) t
     WHERE a.job_id = array_counts.array_id $$;

-- Tasks that have no row and are on hold one by one. Run by readers of views, which show them the array; they cannot call
-- it themselves, nor the next one.
CREATE FUNCTION rcq_private.tasks_held(array_id bigint) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN pg_catalog.isempty(a.held) THEN 0 ELSE rcq_private.range_size(a.held) END FROM rcq_private.array a WHERE a.job_id = tasks_held.array_id $$;

-- Why the tasks of an array that have no row wait. The scheduler knows of none of them while as many run as the throttle
-- allows; where all that are left are on hold one by one, that is why.
CREATE FUNCTION rcq_private.waiting_reason(array_id bigint) RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN l.tasks_waiting = 0 AND rcq_private.tasks_held(l.job_id) > 0 THEN 'held'
                WHEN p.reason = 'priority' AND l.array_throttle IS NOT NULL
                     AND EXISTS (SELECT FROM rcq_private.live t WHERE t.array_id = l.job_id AND t.placed_at IS NOT NULL OFFSET l.array_throttle - 1) THEN 'array_throttle'
                ELSE p.reason END
      FROM rcq_private.live l,
           LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
               l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key,
               l.job_id, l.array_throttle, l.unmet, GREATEST(l.failures, l.losses)) p
     WHERE l.job_id = waiting_reason.array_id $$;

CREATE VIEW rcq.arrays WITH (security_invoker = true) AS
SELECT a.job_id AS id, j.name, j.user_id, j.array_spec AS indices, l.array_throttle AS throttle, a.size, c.waiting, c.held, c.pending, c.assigned, c.running,
       c.completed, c.failed, c.cancelled, j.submitted_at
  FROM rcq_private.array a JOIN rcq_private.job j ON j.id = a.job_id LEFT JOIN rcq_private.live l ON l.job_id = a.job_id, rcq_private.array_counts(a.job_id) c;
COMMENT ON VIEW rcq.arrays IS 'Array jobs you may see, with the number of their tasks in each state';
COMMENT ON COLUMN rcq.arrays.waiting IS 'Tasks that have no row in rcq.jobs yet; pending are those that have';
COMMENT ON COLUMN rcq.arrays.held IS 'Tasks on hold one by one, or all that have a row when the whole array is';

CREATE FUNCTION rcq.tasks("array" bigint, tasks text DEFAULT NULL)
RETURNS TABLE (index integer, job_id bigint, status text, reason text, started_at timestamptz, ended_at timestamptz, executor text, attempt integer, exit_code integer, message text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    j rcq_private.job;
    a rcq_private.array;
    wanted int4multirange;
BEGIN
    SELECT * INTO j FROM rcq_private.job x WHERE x.id = "array" AND (x.user_id = caller OR rcq_private.caller_is_admin());
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE("array"::text, 'NULL')), 'List your arrays with SELECT * FROM rcq.arrays.');
    END IF;
    IF j.array_spec IS NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is no array job', "array"), 'See it with SELECT * FROM rcq.jobs.');
    END IF;
    SELECT * INTO STRICT a FROM rcq_private.array x WHERE x.job_id = j.id;
    wanted := COALESCE(rcq_private.array_positions(j.array_spec, tasks)::int4multirange, pg_catalog.int4multirange(pg_catalog.int4range(0, a.size)));
    RETURN QUERY
    SELECT r.index, r.job_id, r.status, r.reason, r.started_at, r.ended_at, r.executor, r.attempt, r.exit_code, r.message
      FROM (SELECT rcq_private.array_index(j.array_spec, p) AS index, NULL::bigint AS job_id, s.status, s.reason, NULL::timestamptz AS started_at, NULL::timestamptz AS ended_at,
                   NULL::text AS executor, 0 AS attempt, NULL::integer AS exit_code, NULL::text AS message
              FROM (VALUES (a.waiting, 'pending', CASE WHEN EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = j.id) THEN rcq_private.waiting_reason(j.id) ELSE 'restored' END),
                           (a.held, 'pending', 'held'), (a.withdrawn, 'cancelled', NULL)) s(positions, status, reason),
                   LATERAL unnest(s.positions * wanted) r, LATERAL pg_catalog.generate_series(pg_catalog.lower(r), pg_catalog.upper(r) - 1) p
            UNION ALL
            SELECT x.array_index, x.id, x.status, x.reason, x.started_at, x.ended_at, x.executor, x.attempt, x.exit_code, x.message
              FROM rcq.jobs x
             WHERE x.array_id = j.id AND (tasks IS NULL OR rcq_private.array_positions(j.array_spec, x.array_index::text)::int4multirange <@ wanted)) r
     ORDER BY r.index;
END $$;
COMMENT ON FUNCTION rcq.tasks(bigint, text) IS
'Tasks of an array job by index, all or those of a selection (7 or 1-10,20-30:5); job_id is NULL until a task has a row of its own in rcq.jobs, where it is addressed like any job. Errors: RC001, RC002, RC003 (no array job), RC010';

CREATE FUNCTION rcq.task("array" bigint, index integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    j rcq_private.job;
BEGIN
    SELECT * INTO j FROM rcq_private.job x WHERE x.id = "array" AND x.array_spec IS NOT NULL AND (x.user_id = caller OR rcq_private.caller_is_admin());
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no array job %s of yours', COALESCE("array"::text, 'NULL')), 'List your arrays with SELECT * FROM rcq.arrays.');
    END IF;
    IF index IS NULL THEN
        PERFORM rcq_private.fail('RC001', 'index is NULL', pg_catalog.format('The array has the indices %s.', pg_catalog.left(j.array_spec, 100)));
    END IF;
    RETURN rcq_private.task_row("array", index);
END $$;
COMMENT ON FUNCTION rcq.task(bigint, integer) IS
'The job id of one task of an array, which has a row of its own in rcq.jobs from then on: for rcq.logs, rcq.explain, rcq.set_priority and all else that takes a job. Errors: RC001 (malformed index), RC002 (no such array or task, or not known any more), RC003 (restored from a dump and not yet resumed), RC004, RC010';
