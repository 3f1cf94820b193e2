-- Pages of jobs for people, by what the scheduler published and by indexes: their cost is that of the page.

-- Whose jobs a list shows: of one user, or (NULL) of everybody.
CREATE FUNCTION rcq_private.listed_user(user_name text, mine boolean) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    found_id integer;
BEGIN
    IF user_name IS NOT NULL THEN
        SELECT u.id INTO found_id FROM rcq_private.users u WHERE u.role_name = user_name OR u.email = pg_catalog.lower(user_name) ORDER BY u.role_name = user_name DESC LIMIT 1;
        IF found_id IS DISTINCT FROM caller AND NOT rcq_private.caller_is_admin() THEN
            PERFORM rcq_private.fail('RC005', 'only administrators may ask for the jobs of others', 'Leave the user out: the jobs are yours.');
        ELSIF found_id IS NULL THEN
            PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no user "%s"', pg_catalog.left(user_name, 100)), 'SELECT * FROM rcq.users lists them.');
        END IF;
        RETURN found_id;
    END IF;
    RETURN CASE WHEN mine OR NOT rcq_private.caller_is_admin() THEN caller END;
END $$;

-- NULL for NULL.
CREATE FUNCTION rcq_private.listed_group(group_name text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT g.id INTO found_id FROM rcq_private.groups g WHERE g.name = group_name;
    IF found_id IS NULL AND group_name IS NOT NULL THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no group "%s"', pg_catalog.left(group_name, 100)), 'SELECT * FROM rcq.groups lists them.');
    END IF;
    RETURN found_id;
END $$;

CREATE FUNCTION rcq_private.check_listed(status text[], known text[], at_most integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text;
BEGIN
    SELECT s INTO wrong FROM unnest(status) s WHERE s <> ALL (known) OR s IS NULL;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('status cannot be "%s"', COALESCE(pg_catalog.left(wrong, 100), 'NULL')), 'It is of ' || pg_catalog.array_to_string(known, ', ') || '.');
    ELSIF at_most < 1 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('at_most is %s', at_most), 'It is 1 or more.');
    END IF;
END $$;

-- Ids of placed jobs, longest running first. There is a start command for each, so they are as many as the hosts can hold.
CREATE FUNCTION rcq_private.placed_jobs(of_user integer, of_group integer, claimed boolean) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY(SELECT l.job_id FROM rcq_private.command c, LATERAL (SELECT * FROM rcq_private.live x WHERE x.job_id = c.job_id AND x.token = c.token OFFSET 0) l
                  WHERE c.kind = 'start' AND (l.claimed_at IS NOT NULL) = claimed AND (of_user IS NULL OR l.user_id = of_user) AND (of_group IS NULL OR l.group_id = of_group)
                  ORDER BY l.claimed_at, l.placed_at, l.job_id) $$;

-- Ids of jobs that wait, in the order in which they are considered: those that the scheduler ranked, and if that is not
-- enough others. Of those the published factors are looked up for no more than are wanted and 1,000, the first by their own
-- priority and age, so that a look at one's jobs behind those of others costs little. With them arrays of which tasks wait
-- that have no row of their own, or are on hold so.
CREATE FUNCTION rcq_private.waiting_jobs(of_user integer, of_group integer, at_most integer) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    ids bigint[];
BEGIN
    ids := ARRAY(SELECT l.job_id FROM unnest(rcq_private.ranked_jobs(0, 1000)) WITH ORDINALITY k(id, n),
                        LATERAL (SELECT x.job_id, x.user_id, x.group_id FROM rcq_private.live x WHERE x.job_id = k.id AND x.placed_at IS NULL OFFSET 0) l
                  WHERE (of_user IS NULL OR l.user_id = of_user) AND (of_group IS NULL OR l.group_id = of_group) ORDER BY k.n LIMIT at_most);
    IF pg_catalog.cardinality(ids) >= at_most THEN RETURN ids; END IF;
    RETURN ids || ARRAY(SELECT l.job_id
                          FROM (SELECT * FROM rcq_private.live x
                                 WHERE (x.placed_at IS NULL OR x.tasks_waiting > 0 OR (x.tasks_waiting = 0 AND rcq_private.tasks_held(x.job_id) > 0))
                                   AND x.user_id BETWEEN COALESCE(of_user, -2147483648) AND COALESCE(of_user, 2147483647)
                                   AND (of_group IS NULL OR x.group_id = of_group) AND x.job_id NOT IN (SELECT unnest(ids))
                                 ORDER BY x.priority DESC, x.eligible_at, x.job_id LIMIT at_most::bigint + 1000) l,
                               LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
                                   l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key,
                                   COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, GREATEST(l.failures, l.losses)) p
                         ORDER BY p."position" NULLS LAST, p.final_priority DESC NULLS LAST, l.eligible_at, l.job_id LIMIT at_most - pg_catalog.cardinality(ids));
END $$;

CREATE FUNCTION rcq.queue_page(at_most integer DEFAULT 100, statuses text[] DEFAULT NULL, of_user text DEFAULT NULL, of_group text DEFAULT NULL, mine boolean DEFAULT false)
RETURNS TABLE (id bigint, array_id bigint, array_index integer, status text, reason text, user_name text, group_name text, name text, cpu_cores integer, memory_gb numeric,
    gpu_count integer, priority integer, "position" integer, final_priority numeric, submitted_at timestamptz, started_at timestamptz, executor text,
    expected_start timestamptz, approximate boolean, tasks_waiting integer, tasks_held integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    whose CONSTANT integer := rcq_private.listed_user(of_user, COALESCE(mine, false));
    in_group CONSTANT integer := rcq_private.listed_group(of_group);
    wanted CONSTANT text[] := COALESCE(statuses, '{running,assigned,pending}');
    most CONSTANT integer := COALESCE(at_most, 2147483647);
    ids bigint[] := '{}';
BEGIN
    PERFORM rcq_private.check_listed(wanted, '{running,assigned,pending}', most);
    IF 'running' = ANY (wanted) THEN ids := rcq_private.placed_jobs(whose, in_group, true); END IF;
    IF 'assigned' = ANY (wanted) THEN ids := ids || rcq_private.placed_jobs(whose, in_group, false); END IF;
    ids := ids[1 : most];
    IF 'pending' = ANY (wanted) AND pg_catalog.cardinality(ids) < most THEN
        ids := ids || rcq_private.waiting_jobs(whose, in_group, most - pg_catalog.cardinality(ids));
    END IF;
    RETURN QUERY
    SELECT l.job_id, l.array_id, j.array_index, CASE WHEN s.waits THEN 'pending' WHEN l.claimed_at IS NULL THEN 'assigned' ELSE 'running' END,
           CASE WHEN l.tasks_waiting IS NOT NULL THEN rcq_private.waiting_reason(l.job_id) WHEN s.waits THEN p.reason WHEN l.claimed_at IS NULL THEN NULL WHEN l.cancel_requested_at IS NOT NULL THEN 'cancelling'
                WHEN l.preempt_requested_at IS NOT NULL THEN 'preempting' WHEN l.requeue_requested_at IS NOT NULL THEN 'requeueing' END,
           rcq_private.user_name(l.user_id), rcq_private.group_name(l.group_id), j.name, COALESCE(l.granted_cores, l.cpu_cores),
           rcq_private.memory_gb(COALESCE(l.granted_memory_mib, l.memory_mib)), COALESCE(l.granted_gpus, l.gpu_count), l.priority::integer, p."position",
           pg_catalog.round(p.final_priority::numeric, 3), j.submitted_at, CASE WHEN NOT s.waits THEN l.claimed_at END, CASE WHEN NOT s.waits THEN rcq_private.executor_name(l.executor_id) END,
           pg_catalog.date_trunc('seconds', p.expected_start), p.approximate, l.tasks_waiting, CASE WHEN l.tasks_waiting IS NOT NULL THEN rcq_private.tasks_held(l.job_id) END
      FROM unnest(ids) WITH ORDINALITY k(id, n), LATERAL (SELECT * FROM rcq_private.live x WHERE x.job_id = k.id OFFSET 0) l,
           LATERAL (SELECT x.name, x.submitted_at, x.array_index FROM rcq_private.job x WHERE x.id = k.id OFFSET 0) j,
           LATERAL (SELECT l.placed_at IS NULL OR l.tasks_waiting IS NOT NULL AS waits) s LEFT JOIN
           LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
               l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key,
               COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, GREATEST(l.failures, l.losses)) p ON s.waits
     ORDER BY k.n;
END $$;
COMMENT ON FUNCTION rcq.queue_page(integer, text[], text, text, boolean) IS
'The jobs you may see that have not ended: what runs, longest first, what is assigned, then what waits in the order in which it is considered, an array with the tasks of it that have no row of their own (tasks_waiting, and tasks_held on hold one by one). at_most: rows; statuses: of running, assigned, pending; of_user: for administrators; mine: your own alone. The first 1,000 ranked jobs cost no look at the others; columns as in rcq.jobs and rcq.queue, what was granted in the place of what was asked for. Errors: RC001, RC002 (no such user or group), RC005 (jobs of others), RC010';

CREATE FUNCTION rcq.queue_counts(of_user text DEFAULT NULL, of_group text DEFAULT NULL, mine boolean DEFAULT false, OUT running bigint, OUT assigned bigint, OUT pending bigint) RETURNS record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    whose CONSTANT integer := rcq_private.listed_user(of_user, COALESCE(mine, false));
    in_group CONSTANT integer := rcq_private.listed_group(of_group);
BEGIN
    running := pg_catalog.cardinality(rcq_private.placed_jobs(whose, in_group, true));
    assigned := pg_catalog.cardinality(rcq_private.placed_jobs(whose, in_group, false));
    -- of an array what has no row yet, of which there is more than can be counted
    SELECT COALESCE(pg_catalog.sum(CASE WHEN l.tasks_waiting IS NULL THEN 1 ELSE l.tasks_waiting + rcq_private.tasks_held(l.job_id) END), 0) INTO pending FROM rcq_private.live l
     WHERE (l.placed_at IS NULL OR l.tasks_waiting IS NOT NULL) AND l.user_id BETWEEN COALESCE(whose, -2147483648) AND COALESCE(whose, 2147483647) AND (in_group IS NULL OR l.group_id = in_group);
END $$;
COMMENT ON FUNCTION rcq.queue_counts(text, text, boolean) IS
'How many jobs that you may see have not ended, each task of an array counted; arguments as those of rcq.queue_page. Errors: RC002 (no such user or group), RC005 (jobs of others), RC010';

CREATE FUNCTION rcq.ended_jobs(at_most integer DEFAULT 25, statuses text[] DEFAULT NULL, of_user text DEFAULT NULL, of_group text DEFAULT NULL, named text DEFAULT NULL, mine boolean DEFAULT false)
RETURNS TABLE (id bigint, array_id bigint, array_index integer, status text, reason text, user_name text, group_name text, name text, cpu_cores integer, memory_gb numeric, gpu_count integer,
    executor text, attempt integer, exit_code integer, signal integer, submitted_at timestamptz, started_at timestamptz, ended_at timestamptz, cpu_seconds real, peak_memory_gb numeric, message text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    whose CONSTANT integer := rcq_private.listed_user(of_user, COALESCE(mine, false));
    in_group CONSTANT integer := rcq_private.listed_group(of_group);
    wanted CONSTANT text[] := COALESCE(statuses, '{completed,failed,cancelled}');
    most CONSTANT integer := COALESCE(at_most, 100000);
    newest CONSTANT bigint := 999999999999999999;
    ids bigint[];
BEGIN
    PERFORM rcq_private.check_listed(wanted, '{completed,failed,cancelled}', most);
    ids := ARRAY(SELECT k.id FROM unnest(wanted) s,
                        unnest(CASE WHEN in_group IS NULL AND named IS NULL THEN rcq_private.newest_jobs(whose, s, newest, most, 0)
                                    ELSE rcq_private.filtered_jobs(whose, in_group, s, NULL, named, NULL, newest, most, 0) END) k(id)
                  ORDER BY k.id DESC LIMIT most);
    RETURN QUERY
    SELECT j.id, j.array_id, j.array_index, j.status, j.reason, j.user_name, j.group_name, j.name, j.cpu_cores, j.memory_gb, j.gpu_count, j.executor, j.attempt, j.exit_code, j.signal,
           j.submitted_at, j.started_at, j.ended_at, j.cpu_seconds, j.peak_memory_gb, j.message
      FROM rcq.jobs j WHERE j.id = ANY (ids) ORDER BY j.id DESC;
END $$;
COMMENT ON FUNCTION rcq.ended_jobs(integer, text[], text, text, text, boolean) IS
'The jobs you may see that have ended, newest (by id) first; columns as in rcq.jobs. at_most: rows; statuses: of completed, failed, cancelled; of_user: for administrators; named: of this name; mine: your own alone. Errors: RC001, RC002 (no such user or group), RC005 (jobs of others), RC010';
