-- What people do with their jobs after submitting: cancel, hold, release, change priority, run again.

-- The caller's live row of a job, locked; RC002 when there is none that the caller may see, RC003 when it has ended, with
-- this hint (%s = its id), or when it was restored from a dump and not yet resumed.
CREATE FUNCTION rcq_private.lock_live(job bigint, once_ended text DEFAULT 'See it with SELECT * FROM rcq.jobs WHERE id = %s.') RETURNS rcq_private.live
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller integer := rcq_private.caller_id();
    admin boolean := rcq_private.caller_is_admin();
    found_live rcq_private.live;
    ended text;
BEGIN
    SELECT * INTO found_live FROM rcq_private.live l
     WHERE l.job_id = job AND (l.user_id = caller OR admin) FOR UPDATE;
    IF FOUND THEN RETURN found_live; END IF;
    SELECT o.status INTO ended FROM rcq_private.outcome o WHERE o.job_id = job AND (o.user_id = caller OR admin);
    IF FOUND THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s has already ended: %s', job, ended),
            pg_catalog.format(once_ended, job));
    END IF;
    IF EXISTS (SELECT FROM rcq_private.job j WHERE j.id = job AND (j.user_id = caller OR admin)) THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s comes from a dump and is not queued', job),
            pg_catalog.format('An administrator can queue it, rcq.resume_restored, and you can cancel it: SELECT rcq.cancel(%s).', job));
    END IF;
    PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')),
            'List your jobs with SELECT id, status FROM rcq.jobs.');
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.raise_busy(job);
END $$;

-- Adds to the audit log that somebody did this to a job, or to these tasks of an array.
CREATE FUNCTION rcq_private.record_job_change(verb text, job bigint, tasks text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.record_change('job.' || verb, 'job', job::text, NULL,
        CASE WHEN tasks IS NOT NULL THEN pg_catalog.jsonb_build_object('tasks', pg_catalog.left(tasks, 2000)) END);
END $$;

-- RC003 for a selection of tasks of a job that has none.
CREATE FUNCTION rcq_private.refuse_tasks(job bigint, tasks text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tasks IS NOT NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is no array job', job), 'Leave out tasks.');
    END IF;
END $$;

-- Cancels jobs whose live rows the caller has locked: those that have not started end here, the others are asked to.
-- Returns whether any runs on.
CREATE FUNCTION rcq_private.cancel_live(jobs bigint[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    some_run boolean;
BEGIN
    WITH row AS MATERIALIZED (
        SELECT l.* FROM unnest(jobs) k(id) JOIN rcq_private.live l ON l.job_id = k.id
    ), asked AS (
        UPDATE rcq_private.live l SET cancel_requested_at = COALESCE(l.cancel_requested_at, pg_catalog.clock_timestamp())
          FROM row r WHERE l.job_id = r.job_id AND r.claimed_at IS NOT NULL
    ), ended AS (
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status)
        SELECT r.job_id, pg_catalog.clock_timestamp(), r.user_id, r.group_id, r.priority, r.attempt, 'cancelled' FROM row r WHERE r.claimed_at IS NULL
    ), commands AS (
        DELETE FROM rcq_private.command c USING row r WHERE r.claimed_at IS NULL AND c.executor_id = r.executor_id AND c.seq = r.command_seq
    ), dependencies AS (
        DELETE FROM rcq_private.dependency d USING row r WHERE r.claimed_at IS NULL AND r.unmet > 0 AND d.job_id = r.job_id
    ), of_arrays AS (
        INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled)
        SELECT r.array_id, 0, 0, pg_catalog.count(*) FROM row r WHERE r.claimed_at IS NULL AND r.array_id IS NOT NULL GROUP BY r.array_id
    ), removed AS (
        DELETE FROM rcq_private.live l USING row r WHERE l.job_id = r.job_id AND r.claimed_at IS NULL
    )
    SELECT pg_catalog.bool_or(r.claimed_at IS NOT NULL) INTO some_run FROM row r;
    PERFORM rcq_private.touched(k) FROM unnest(jobs) k;
    RETURN COALESCE(some_run, false);
END $$;

CREATE FUNCTION rcq.cancel(job bigint, tasks text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    restored CONSTANT boolean := rcq_private.cancel_if_restored(job, tasks);
    l rcq_private.live;
    answer text;
BEGIN
    IF NOT restored THEN l := rcq_private.lock_live(job); END IF;
    IF restored THEN
        answer := 'cancelled';
    ELSIF l.tasks_waiting IS NOT NULL THEN
        answer := rcq_private.cancel_array(job, tasks);
    ELSE
        PERFORM rcq_private.refuse_tasks(job, tasks);
        answer := CASE WHEN rcq_private.cancel_live(ARRAY[job]) THEN 'cancelling' ELSE 'cancelled' END;
    END IF;
    PERFORM rcq_private.record_job_change('cancel', job, tasks);
    RETURN answer;
END $$;
COMMENT ON FUNCTION rcq.cancel(bigint, text) IS
'Cancels a job. Pending or not yet started: ended at once, returns cancelled. Running: its executor is told to end it (TERM, grace, KILL), returns cancelling; it is cancelled when the executor confirms. tasks: of an array job, only those with these indices (7 or 1-10,20). Errors: RC001, RC002, RC003 (has ended, no array job, or tasks of one that was restored from a dump and not yet resumed), RC004 (locked)';

-- Takes back the placements of jobs that have not started, whose live rows the caller has locked.
CREATE FUNCTION rcq_private.take_back(jobs bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM rcq_private.command c USING unnest(jobs) k(id), rcq_private.live l WHERE l.job_id = k.id AND c.executor_id = l.executor_id AND c.seq = l.command_seq;
    UPDATE rcq_private.live l
       SET executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL, granted_cores = NULL, granted_memory_mib = NULL, granted_gpus = NULL
      FROM unnest(jobs) k(id) WHERE l.job_id = k.id AND l.placed_at IS NOT NULL;
    PERFORM rcq_private.touched(k.id) FROM unnest(jobs) k(id);
END $$;

-- Holds or releases jobs that are not running, whose live rows the caller has locked; one that was placed is taken back.
CREATE FUNCTION rcq_private.hold_live(jobs bigint[], hold boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM rcq_private.take_back(jobs);
    UPDATE rcq_private.live l
       SET held = hold, eligible_at = CASE WHEN hold THEN l.eligible_at ELSE GREATEST(l.eligible_at, pg_catalog.clock_timestamp()) END
      FROM unnest(jobs) k(id) WHERE l.job_id = k.id;
END $$;

CREATE FUNCTION rcq.hold(job bigint, tasks text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF l.tasks_waiting IS NOT NULL THEN
        PERFORM rcq_private.hold_array(job, tasks, true);
    ELSE
        PERFORM rcq_private.refuse_tasks(job, tasks);
        IF l.claimed_at IS NOT NULL THEN
            PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is running and cannot be held', job),
                'Cancel it, or wait for its end.');
        END IF;
        PERFORM rcq_private.hold_live(ARRAY[job], true);
    END IF;
    PERFORM rcq_private.record_job_change('hold', job, tasks);
END $$;
COMMENT ON FUNCTION rcq.hold(bigint, text) IS
'Keeps a job from being started until rcq.release. Of an array job: all tasks that have not started, or those that the indices in tasks name (7 or 1-10,20). Errors: RC001, RC002, RC003 (running or ended), RC004';

CREATE FUNCTION rcq.release(job bigint, tasks text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF l.tasks_waiting IS NOT NULL THEN
        PERFORM rcq_private.hold_array(job, tasks, false);
    ELSE
        PERFORM rcq_private.refuse_tasks(job, tasks);
        IF NOT l.held THEN
            PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is not held', job));
        END IF;
        PERFORM rcq_private.hold_live(ARRAY[job], false);
    END IF;
    PERFORM rcq_private.record_job_change('release', job, tasks);
END $$;
COMMENT ON FUNCTION rcq.release(bigint, text) IS
'Lets a held job be started; its waiting counts from now. Of an array job: all its held tasks, or those that tasks names. Errors: RC001, RC002, RC003 (not held or ended), RC004';

-- RC001 for what is no priority, RC005 for one that is above the caller's own limit.
CREATE FUNCTION rcq_private.check_priority(priority integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own_limit integer;
BEGIN
    IF priority IS NULL OR priority NOT BETWEEN 1 AND 10 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('priority %s is outside 1 to 10', COALESCE(priority::text, 'NULL')),
            '10 is soonest, 5 the default.');
    END IF;
    SELECT u.max_priority INTO own_limit FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    IF check_priority.priority > own_limit AND NOT rcq_private.caller_is_admin() THEN
        PERFORM rcq_private.fail('RC005', pg_catalog.format('priority %s is above your limit of %s', priority, own_limit),
            'An administrator can raise your limit.');
    END IF;
END $$;

CREATE FUNCTION rcq.set_priority(job bigint, priority integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    PERFORM rcq_private.check_priority(priority);
    IF l.tasks_waiting IS NOT NULL THEN
        PERFORM rcq_private.touched(t.job_id) FROM rcq_private.lock_tasks(job, NULL) t;
        UPDATE rcq_private.live x SET priority = set_priority.priority WHERE x.array_id = job;
    END IF;
    UPDATE rcq_private.live SET priority = set_priority.priority WHERE job_id = job;
    PERFORM rcq_private.touched(job),
            rcq_private.record_change('job.priority', 'job', job::text, pg_catalog.jsonb_build_object('priority', l.priority), pg_catalog.jsonb_build_object('priority', priority));
END $$;
COMMENT ON FUNCTION rcq.set_priority(bigint, integer) IS
'Changes the priority (1-10, 10 = soonest) of a job that has not ended. Errors: RC001, RC002, RC003, RC004, RC005 (above your limit)';

-- Puts placed jobs back whose live rows the caller has locked, and which are not being cancelled: those that have not
-- started at once, the others when their executors have ended them.
CREATE FUNCTION rcq_private.requeue_live(jobs bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM rcq_private.take_back(ARRAY(SELECT l.job_id FROM unnest(jobs) k(id) JOIN rcq_private.live l ON l.job_id = k.id WHERE l.claimed_at IS NULL));
    UPDATE rcq_private.live l SET requeue_requested_at = pg_catalog.clock_timestamp()
      FROM unnest(jobs) k(id) WHERE l.job_id = k.id AND l.claimed_at IS NOT NULL AND l.requeue_requested_at IS NULL;
    PERFORM rcq_private.touched(k.id) FROM unnest(jobs) k(id);
END $$;

CREATE FUNCTION rcq.requeue(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job, 'Submit it anew with SELECT * FROM rcq.resubmit(ARRAY[%s]).');
BEGIN
    IF l.tasks_waiting IS NOT NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is an array job', job), 'Requeue its tasks.');
    ELSIF l.cancel_requested_at IS NOT NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is being cancelled', job),
            pg_catalog.format('Once it has ended, submit it anew with SELECT * FROM rcq.resubmit(ARRAY[%s]).', job));
    ELSIF l.placed_at IS NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is pending and runs as soon as it can', job),
            pg_catalog.format('See what it waits for with SELECT * FROM rcq.explain(%s).', job));
    END IF;
    PERFORM rcq_private.requeue_live(ARRAY[job]), rcq_private.record_job_change('requeue', job);
    RETURN CASE WHEN l.claimed_at IS NULL THEN 'pending' ELSE 'requeueing' END;
END $$;
COMMENT ON FUNCTION rcq.requeue(bigint) IS
'Puts a job that was placed back into the queue, without counting a failure; its waiting counts from where it did. Not yet started: at once, returns pending. Running: its executor is told to end it (TERM, grace, KILL), returns requeueing; it is pending again when the executor confirms, and completed if it succeeds before that. Errors: RC002, RC003 (pending, being cancelled, an array job, has ended), RC004 (locked)';
