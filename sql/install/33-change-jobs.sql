-- What can be done to one job, done to all that a filter selects: set by set, whatever their number.

-- Positions of the tasks of an array that have no row, or of those of them alone that wait for this reason.
CREATE FUNCTION rcq_private.rowless_tasks(array_id bigint, reason text) RETURNS int4multirange
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN rowless_tasks.reason IS NULL OR (NOT pg_catalog.isempty(a.waiting) AND rowless_tasks.reason = rcq_private.waiting_reason(a.job_id)) THEN a.waiting ELSE '{}' END
         + CASE WHEN rowless_tasks.reason IS NULL OR rowless_tasks.reason = 'held' THEN a.held ELSE '{}' END
      FROM rcq_private.array a WHERE a.job_id = rowless_tasks.array_id
$$;

-- The unfinished jobs that a filter selects of those that the caller may change: arrays apart, which stand for their tasks;
-- and arrays that it does not select, but of which it selects tasks that wait and have no row (rowless_tasks).
-- among: no others than these. Conditions are put together of what is given alone, so that each is planned for what it is.
CREATE FUNCTION rcq_private.select_jobs(filter jsonb, among bigint[], with_arrays boolean, OUT plain bigint[], OUT arrays bigint[], OUT rowless bigint[]) RETURNS record
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    -- as in rcq.jobs and rcq.queue
    status CONSTANT text := $x$CASE WHEN l.placed_at IS NULL THEN 'pending' WHEN l.claimed_at IS NULL THEN 'assigned' ELSE 'running' END$x$;
    reason CONSTANT text := $x$CASE WHEN l.placed_at IS NULL AND l.tasks_waiting IS NOT NULL THEN rcq_private.waiting_reason(l.job_id) WHEN l.placed_at IS NULL THEN (SELECT p.reason FROM rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores,
            l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at, l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key,
            COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, GREATEST(l.failures, l.losses)) p)
        WHEN l.claimed_at IS NULL THEN NULL WHEN l.cancel_requested_at IS NOT NULL THEN 'cancelling'
        WHEN l.preempt_requested_at IS NOT NULL THEN 'preempting' WHEN l.requeue_requested_at IS NOT NULL THEN 'requeueing' END$x$;
    conditions text[] := CASE WHEN among IS NULL THEN '{}' ELSE '{l.job_id = ANY ($2)}' END;
    -- what a started array is not, and its waiting tasks are
    state CONSTANT text[] := pg_catalog.array_remove(ARRAY[
        CASE WHEN filter ? 'status' THEN status || ' = ANY (ARRAY(SELECT pg_catalog.jsonb_array_elements_text($1 -> ''status'')))' END,
        CASE WHEN filter ? 'reason' THEN 'COALESCE(' || reason || ' = $1 ->> ''reason'', false)' END], NULL);
    selected CONSTANT text := COALESCE(NULLIF(pg_catalog.array_to_string(state, ' AND '), ''), 'true');
    tasks_too CONSTANT boolean := with_arrays AND state <> '{}' AND COALESCE(filter -> 'status' ? 'pending', true);
BEGIN
    conditions := conditions || pg_catalog.array_remove(ARRAY[
        CASE WHEN NOT with_arrays THEN 'l.tasks_waiting IS NULL' END,
        CASE WHEN NOT rcq_private.caller_is_admin() THEN 'l.user_id = rcq_private.caller_id()' END,
        CASE WHEN filter ? 'ids' THEN 'l.job_id = ANY (ARRAY(SELECT i::bigint FROM pg_catalog.jsonb_array_elements_text($1 -> ''ids'') i))' END,
        CASE WHEN filter ? 'user_name' THEN 'l.user_id = (SELECT u.id FROM rcq_private.users u WHERE COALESCE(u.role_name, u.email) = $1 ->> ''user_name'')' END,
        CASE WHEN filter ? 'group_name' THEN 'l.group_id = (SELECT g.id FROM rcq_private.groups g WHERE g.name = $1 ->> ''group_name'')' END,
        CASE WHEN filter ? 'name' THEN 'j.name LIKE $1 ->> ''name''' END,
        CASE WHEN filter ? 'project' THEN 'j.project = $1 ->> ''project''' END,
        CASE WHEN filter ? 'tags' THEN 'j.tags @> ARRAY(SELECT pg_catalog.jsonb_array_elements_text($1 -> ''tags'') COLLATE "C")' END,
        CASE WHEN filter ? 'submitted_before' THEN 'j.submitted_at < ($1 ->> ''submitted_before'')::timestamptz' END,
        CASE WHEN filter ? 'submitted_after' THEN 'j.submitted_at > ($1 ->> ''submitted_after'')::timestamptz' END,
        CASE WHEN tasks_too THEN pg_catalog.format('CASE WHEN %s THEN true WHEN l.tasks_waiting IS NULL THEN false ELSE NOT pg_catalog.isempty(rcq_private.rowless_tasks(l.job_id, $1 ->> ''reason'')) END', selected)
             WHEN state <> '{}' THEN selected END], NULL);
    EXECUTE 'SELECT COALESCE(pg_catalog.array_agg(s.job_id) FILTER (WHERE s.whole IS NULL), ''{}''), COALESCE(pg_catalog.array_agg(s.job_id) FILTER (WHERE s.whole), ''{}''),'
        || ' COALESCE(pg_catalog.array_agg(s.job_id) FILTER (WHERE NOT s.whole), ''{}'') FROM (SELECT l.job_id, CASE WHEN l.tasks_waiting IS NOT NULL THEN '
        || CASE WHEN tasks_too THEN selected ELSE 'true' END || ' END AS whole FROM rcq_private.live l' || CASE WHEN filter ?| '{name,project,tags,submitted_before,submitted_after}' THEN ' JOIN rcq_private.job j ON j.id = l.job_id' ELSE '' END
        || COALESCE(' WHERE ' || NULLIF(pg_catalog.array_to_string(conditions, ' AND '), ''), '') || ') s'
       INTO plain, arrays, rowless USING filter, among;
    IF arrays <> '{}' THEN
        plain := ARRAY(SELECT p FROM unnest(plain) p EXCEPT SELECT t FROM rcq_private.tasks_of(arrays) t);
    END IF;
END $$;

-- Unfinished tasks of arrays that have a row.
CREATE FUNCTION rcq_private.tasks_of(arrays bigint[]) RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT l.job_id FROM unnest(arrays) a(id) JOIN rcq_private.live l ON l.array_id = a.id
$$;

-- Locks live rows in ascending order of ids; returns those that are still there. Waits for whoever holds one, two seconds
-- altogether however many hold some; then does without those that are held.
CREATE FUNCTION rcq_private.lock_jobs(jobs bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET lock_timeout = '2s' AS $$
DECLARE
    all_of_them bigint := (SELECT pg_catalog.count(*) FROM rcq_private.live l WHERE l.job_id = ANY (jobs));
    locked bigint[];
    began timestamptz;
    each refcursor;
BEGIN
    BEGIN
        locked := ARRAY(SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = ANY (jobs) ORDER BY l.job_id FOR UPDATE SKIP LOCKED);
        IF pg_catalog.cardinality(locked) >= all_of_them THEN RETURN locked; END IF;
        -- in order, and so without what it has of those that come later
        RAISE EXCEPTION USING ERRCODE = 'lock_not_available';
    EXCEPTION WHEN lock_not_available THEN
        began := pg_catalog.clock_timestamp();
    END;
    BEGIN
        OPEN each FOR SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = ANY (jobs) ORDER BY l.job_id FOR UPDATE;
        LOOP
            MOVE NEXT FROM each;
            EXIT WHEN NOT FOUND;
            PERFORM pg_catalog.set_config('lock_timeout', GREATEST(2000 - 1000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - began), 1)::integer::text, true);
        END LOOP;
        CLOSE each;
        RETURN ARRAY(SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = ANY (jobs) ORDER BY l.job_id FOR UPDATE SKIP LOCKED);
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        NULL;
    END;
    RETURN ARRAY(SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = ANY (jobs) ORDER BY l.job_id FOR UPDATE SKIP LOCKED);
END $$;

-- Those of these arrays, which the caller has locked, of which all tasks that have a row are its own to change. It waits for
-- none of them: what has become a task since `locked` is locked here, or is somebody else's.
CREATE FUNCTION rcq_private.lock_whole(arrays bigint[], locked bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    strange CONSTANT bigint[] := ARRAY(SELECT t FROM rcq_private.tasks_of(arrays) t EXCEPT SELECT unnest(locked));
    ours CONSTANT bigint[] := ARRAY(SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = ANY (strange) ORDER BY l.job_id FOR UPDATE SKIP LOCKED);
BEGIN
    RETURN ARRAY(SELECT unnest(arrays) EXCEPT SELECT l.array_id FROM rcq_private.live l WHERE l.job_id = ANY (strange) AND l.job_id <> ALL (ours));
END $$;

-- Does it to jobs that are no arrays, whose live rows the caller has locked; returns to how many.
CREATE FUNCTION rcq_private.change_plain_jobs(action text, jobs bigint[], new_priority integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    -- what it would not change is left alone
    concerned CONSTANT bigint[] := ARRAY(
        SELECT l.job_id FROM unnest(jobs) k(id) JOIN rcq_private.live l ON l.job_id = k.id
         WHERE CASE action WHEN 'cancel' THEN l.cancel_requested_at IS NULL WHEN 'hold' THEN l.claimed_at IS NULL AND NOT l.held WHEN 'release' THEN l.claimed_at IS NULL AND l.held
                           WHEN 'set_priority' THEN l.priority <> new_priority
                           WHEN 'requeue' THEN l.placed_at IS NOT NULL AND l.cancel_requested_at IS NULL AND l.requeue_requested_at IS NULL END);
BEGIN
    CASE action
        WHEN 'cancel' THEN PERFORM rcq_private.cancel_live(concerned);
        WHEN 'hold', 'release' THEN PERFORM rcq_private.hold_live(concerned, action = 'hold');
        WHEN 'requeue' THEN PERFORM rcq_private.requeue_live(concerned);
        WHEN 'set_priority' THEN
            UPDATE rcq_private.live l SET priority = new_priority FROM unnest(concerned) k(id) WHERE l.job_id = k.id;
            PERFORM rcq_private.touched(k) FROM unnest(concerned) k;
    END CASE;
    RETURN pg_catalog.cardinality(concerned);
END $$;

-- Does it to an array job, whose live row the caller has locked, and those of its tasks; returns whether there was anything
-- to do and nobody in the way.
CREATE FUNCTION rcq_private.change_array(action text, array_id bigint, new_priority integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_variable
DECLARE
    changed integer;
BEGIN
    CASE action
        WHEN 'cancel' THEN PERFORM rcq_private.cancel_array(array_id, NULL);
        WHEN 'hold', 'release' THEN PERFORM rcq_private.hold_array(array_id, NULL, action = 'hold');
        WHEN 'set_priority' THEN
            PERFORM rcq_private.touched(t.job_id) FROM rcq_private.lock_tasks(array_id, NULL) t;
            UPDATE rcq_private.live l SET priority = new_priority WHERE (l.job_id = array_id OR l.array_id = array_id) AND l.priority <> new_priority;
            GET DIAGNOSTICS changed = ROW_COUNT;
            PERFORM rcq_private.touched(array_id);
            RETURN changed > 0;
    END CASE;
    RETURN true;
EXCEPTION WHEN SQLSTATE 'RC003' OR SQLSTATE 'RC004' THEN
    RETURN false;
END $$;

-- The same for the tasks of an array that have no row, or of those of them that wait for this reason. They have the priority
-- of the array's row, all of them.
CREATE FUNCTION rcq_private.change_rowless(action text, array_id bigint, reason text, new_priority integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_variable
DECLARE
    positions CONSTANT int4multirange := rcq_private.rowless_tasks(array_id, reason);
BEGIN
    CASE action
        WHEN 'cancel' THEN PERFORM rcq_private.cancel_tasks(array_id, positions, 'that wait');
        WHEN 'hold', 'release' THEN PERFORM rcq_private.hold_tasks(array_id, positions, action = 'hold');
        WHEN 'set_priority' THEN
            UPDATE rcq_private.live l SET priority = new_priority WHERE l.job_id = array_id AND l.priority <> new_priority;
            IF NOT FOUND THEN RETURN false; END IF;
            PERFORM rcq_private.touched(array_id);
    END CASE;
    RETURN true;
EXCEPTION WHEN SQLSTATE 'RC003' OR SQLSTATE 'RC004' THEN
    RETURN false;
END $$;

-- The filter as it was given, or the error for what it cannot be. It is no longer than what it is compared with can be, as
-- the audit log keeps it.
CREATE FUNCTION rcq_private.check_filter(ids bigint[], status text[], reason text, user_name text, group_name text, name text, project text, tags text[],
    submitted_before timestamptz, submitted_after timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    filter CONSTANT jsonb := pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('ids', pg_catalog.array_remove(ids, NULL), 'status', status, 'reason', reason, 'user_name', user_name,
        'group_name', group_name, 'name', name, 'project', project, 'tags', tags, 'submitted_before', submitted_before, 'submitted_after', submitted_after));
    wrong text;
    most integer;
BEGIN
    IF filter = '{}' THEN
        PERFORM rcq_private.fail('RC001', 'there is no filter, so every job would be meant',
            'Say which: ids, status, reason, user_name, group_name, name (LIKE pattern), project, tags, submitted_before, submitted_after; name => ''%'' means all that have a name, status => ''{pending}'' all that are pending.');
    END IF;
    SELECT COALESCE(pg_catalog.left(s, 100), 'NULL') INTO wrong FROM unnest(status) s WHERE s IS NULL OR s NOT IN ('pending', 'assigned', 'running') LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('status cannot be "%s"', wrong), 'Only what has not ended can be changed: pending, assigned, running.');
    END IF;
    IF pg_catalog.cardinality(status) > 3 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('status has %s elements', pg_catalog.cardinality(status)), 'Name each of pending, assigned, running once.');
    END IF;
    SELECT t.what, t.most INTO wrong, most
      FROM (VALUES ('reason', reason, 63), ('name', name, 1000), ('project', project, 200)) t(what, value, most) WHERE pg_catalog.length(t.value) > t.most LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('%s is longer than %s characters', wrong, most), 'A name and a project have up to 200 bytes, and a reason is a word.');
    END IF;
    IF pg_catalog.cardinality(tags) > 32 OR EXISTS (SELECT FROM unnest(tags) t WHERE pg_catalog.length(t) > 100) THEN
        PERFORM rcq_private.fail('RC001', 'there are more than 32 tags, or one of them is longer than 100 characters', 'No job has such tags, and a job is meant that has all of them.');
    END IF;
    IF pg_catalog.array_position(tags, NULL) IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', 'a tag is NULL', 'Give texts; a job is meant that has all of them.');
    END IF;
    IF name ~ '(^|[^\\])(\\\\)*\\$' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('name "%s" ends with a backslash that escapes nothing', pg_catalog.left(name, 100)),
            'It is a pattern as of LIKE: % is any text, _ any character, \ makes the next one mean itself.');
    END IF;
    IF submitted_before <= submitted_after THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('submitted_before %s is not after submitted_after %s', submitted_before, submitted_after),
            'Jobs are meant that were submitted between the two.');
    END IF;
    IF group_name IS NOT NULL AND NOT EXISTS (SELECT FROM rcq_private.groups g WHERE g.name = group_name) THEN
        PERFORM rcq_private.raise_unknown('group', group_name, (SELECT pg_catalog.string_agg(g.name, ', ' ORDER BY g.name) FROM rcq_private.groups g));
    END IF;
    IF user_name IS NOT NULL AND NOT rcq_private.caller_is_admin() AND user_name <> rcq_private.user_name(rcq_private.caller_id()) THEN
        PERFORM rcq_private.fail('RC005', 'only administrators of this queue change jobs of others', 'Leave out user_name.');
    ELSIF user_name IS NOT NULL AND NOT EXISTS (SELECT FROM rcq_private.users u WHERE COALESCE(u.role_name, u.email) = user_name) THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no user "%s"', pg_catalog.left(user_name, 100)), 'Name one as rcq.jobs does: SELECT role_name, email FROM rcq.users.');
    END IF;
    RETURN filter;
END $$;

CREATE FUNCTION rcq.change_jobs(INOUT action text, ids bigint[] DEFAULT NULL, status text[] DEFAULT NULL, reason text DEFAULT NULL, user_name text DEFAULT NULL,
    group_name text DEFAULT NULL, name text DEFAULT NULL, project text DEFAULT NULL, tags text[] DEFAULT NULL, submitted_before timestamptz DEFAULT NULL,
    submitted_after timestamptz DEFAULT NULL, priority integer DEFAULT NULL, dry_run boolean DEFAULT true, OUT matched bigint, OUT changed bigint) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
#variable_conflict use_variable
DECLARE
    actions CONSTANT text[] := '{cancel,hold,release,set_priority,requeue}';
    filter CONSTANT jsonb := rcq_private.check_filter(ids, status, reason, user_name, group_name, name, project, tags, submitted_before, submitted_after);
    selected record;
    locked bigint[];
BEGIN
    IF action IS NULL OR action <> ALL (actions) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('action cannot be "%s"', COALESCE(pg_catalog.left(action, 100), 'NULL')),
            'It is one of ' || pg_catalog.array_to_string(actions, ', ') || '.');
    ELSIF action = 'set_priority' THEN
        PERFORM rcq_private.check_priority(priority);
    ELSIF priority IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('priority is given, but the action is %s', action), 'It is the new priority of set_priority, and no filter.');
    END IF;
    selected := rcq_private.select_jobs(filter, NULL, action <> 'requeue');
    matched := pg_catalog.cardinality(selected.plain) + pg_catalog.cardinality(selected.arrays) + pg_catalog.cardinality(selected.rowless);
    changed := 0;
    IF COALESCE(dry_run, true) OR matched = 0 THEN RETURN; END IF;
    BEGIN
        locked := rcq_private.lock_jobs(selected.plain || selected.arrays || selected.rowless || ARRAY(SELECT t FROM rcq_private.tasks_of(selected.arrays) t));
        -- what has become of them meanwhile; a task whose array is held by somebody else is left with it, and an array with its task
        selected := rcq_private.select_jobs(filter, ARRAY(SELECT unnest(locked) INTERSECT SELECT unnest(selected.plain || selected.arrays || selected.rowless)), action <> 'requeue');
        IF selected.arrays <> '{}' THEN selected.arrays := rcq_private.lock_whole(selected.arrays, locked); END IF;
    EXCEPTION WHEN serialization_failure THEN
        PERFORM rcq_private.fail('RC004', 'some of these jobs were changed since this transaction began', 'Try again in a new transaction.');
    END;
    changed := rcq_private.change_plain_jobs(action, selected.plain, priority)
             + (SELECT pg_catalog.count(*) FROM unnest(selected.arrays) a WHERE rcq_private.change_array(action, a, priority))
             + (SELECT pg_catalog.count(*) FROM unnest(selected.rowless) a WHERE rcq_private.change_rowless(action, a, reason, priority));
    IF changed = 0 THEN RETURN; END IF;
    PERFORM rcq_private.record_change('job.' || CASE action WHEN 'set_priority' THEN 'priority' ELSE action END, 'job', COALESCE(rcq_private.id_ranges(selected.plain || selected.arrays || selected.rowless), ''), NULL,
        pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('filter', filter || CASE WHEN filter ? 'ids' THEN pg_catalog.jsonb_build_object('ids', COALESCE(rcq_private.id_ranges(ids), '')) ELSE '{}' END, 'priority', priority, 'matched', matched, 'changed', changed)));
END $$;
COMMENT ON FUNCTION rcq.change_jobs(text, bigint[], text[], text, text, text, text, text, text[], timestamptz, timestamptz, integer, boolean) IS
'Does the same to all unfinished jobs that every given filter selects: action cancel, hold, release, set_priority (priority: the new one) or requeue, each as the function of that name. ids; status: pending, assigned, running; reason: as rcq.jobs and rcq.queue show it; user_name: for administrators; group_name; name: a pattern as of LIKE; project; tags: has all of them; submitted_before, submitted_after. An array job stands for its tasks, but for requeue, which takes tasks alone; where status and reason fit the tasks of it that wait and not the array itself (status pending of one that has started), those are meant, which count as one match beside those that have a row of their own (all that have none have one priority). matched: how many were selected; changed: of how many something was changed: not of those that it could not be done to, that were so already, or that somebody else held (of an array one task is enough) for longer than 2 s. dry_run (default): counts what matches and changes nothing. Errors: RC001 (no filter, or one that cannot be), RC002 (no such user or group), RC004, RC005 (priority above your limit; jobs of others)';
