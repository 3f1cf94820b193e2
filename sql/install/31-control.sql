-- What people do with their jobs after submitting: cancel, hold, release, change priority, run again.

-- The caller's live row of a job, locked; RC002 when there is none that the caller may see, RC003 when it has ended, with
-- this hint (%s = its id).
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
    PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')),
            'List your jobs with SELECT id, status FROM rcq.jobs.');
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.raise_busy(job);
END $$;

CREATE FUNCTION rcq.cancel(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF l.claimed_at IS NOT NULL THEN
        UPDATE rcq_private.live SET cancel_requested_at = COALESCE(cancel_requested_at, pg_catalog.clock_timestamp())
         WHERE job_id = job;
    ELSE
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status)
        VALUES (job, pg_catalog.clock_timestamp(), l.user_id, l.group_id, l.priority, l.attempt, 'cancelled');
        DELETE FROM rcq_private.command c WHERE c.executor_id = l.executor_id AND c.seq = l.command_seq;
        DELETE FROM rcq_private.live WHERE job_id = job;
        IF l.array_id IS NOT NULL THEN
            INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled) VALUES (l.array_id, 0, 0, 1);
        END IF;
    END IF;
    PERFORM rcq_private.touched(job);
    RETURN CASE WHEN l.claimed_at IS NULL THEN 'cancelled' ELSE 'cancelling' END;
END $$;
COMMENT ON FUNCTION rcq.cancel(bigint) IS
'Cancels a job. Pending or not yet started: ended at once, returns cancelled. Running: its executor is told to end it (TERM, grace, KILL), returns cancelling; it is cancelled when the executor confirms. Errors: RC002, RC003 (has ended), RC004 (locked)';

CREATE FUNCTION rcq.hold(job bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF l.claimed_at IS NOT NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is running and cannot be held', job),
            'Cancel it, or wait for its end.');
    END IF;
    DELETE FROM rcq_private.command c WHERE c.executor_id = l.executor_id AND c.seq = l.command_seq;
    UPDATE rcq_private.live SET held = true, executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL,
           granted_cores = NULL, granted_memory_mib = NULL, granted_gpus = NULL
     WHERE job_id = job;
    PERFORM rcq_private.touched(job);
END $$;
COMMENT ON FUNCTION rcq.hold(bigint) IS 'Keeps a job from being started until rcq.release. Errors: RC002, RC003 (running or ended), RC004';

CREATE FUNCTION rcq.release(job bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF NOT l.held THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is not held', job));
    END IF;
    UPDATE rcq_private.live SET held = false, eligible_at = pg_catalog.clock_timestamp() WHERE job_id = job;
    PERFORM rcq_private.touched(job);
END $$;
COMMENT ON FUNCTION rcq.release(bigint) IS 'Lets a held job be started; its waiting counts from now. Errors: RC002, RC003 (not held or ended), RC004';

CREATE FUNCTION rcq.set_priority(job bigint, priority integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
    own_limit integer;
BEGIN
    IF priority IS NULL OR priority NOT BETWEEN 1 AND 10 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('priority %s is outside 1 to 10', COALESCE(priority::text, 'NULL')),
            '10 is soonest, 5 the default.');
    END IF;
    SELECT u.max_priority INTO own_limit FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    IF set_priority.priority > own_limit AND NOT rcq_private.caller_is_admin() THEN
        PERFORM rcq_private.fail('RC005', pg_catalog.format('priority %s is above your limit of %s', priority, own_limit),
            'An administrator can raise your limit.');
    END IF;
    UPDATE rcq_private.live SET priority = set_priority.priority WHERE job_id = job;
    PERFORM rcq_private.touched(job);
END $$;
COMMENT ON FUNCTION rcq.set_priority(bigint, integer) IS
'Changes the priority (1-10, 10 = soonest) of a job that has not ended. Errors: RC001, RC002, RC003, RC004, RC005 (above your limit)';

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
    ELSIF l.claimed_at IS NULL THEN
        DELETE FROM rcq_private.command c WHERE c.executor_id = l.executor_id AND c.seq = l.command_seq;
        UPDATE rcq_private.live SET executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL,
               granted_cores = NULL, granted_memory_mib = NULL, granted_gpus = NULL
         WHERE job_id = job;
    ELSE
        UPDATE rcq_private.live SET requeue_requested_at = COALESCE(requeue_requested_at, pg_catalog.clock_timestamp())
         WHERE job_id = job;
    END IF;
    PERFORM rcq_private.touched(job);
    RETURN CASE WHEN l.claimed_at IS NULL THEN 'pending' ELSE 'requeueing' END;
END $$;
COMMENT ON FUNCTION rcq.requeue(bigint) IS
'Puts a job that was placed back into the queue, without counting a failure; its waiting counts from where it did. Not yet started: at once, returns pending. Running: its executor is told to end it (TERM, grace, KILL), returns requeueing; it is pending again when the executor confirms, and completed if it succeeds before that. Errors: RC002, RC003 (pending, being cancelled, an array job, has ended), RC004 (locked)';
