-- What becomes of the due times of schedules (34-schedules.sql).

-- The jobs of a schedule that have not ended, the oldest first; at most so many (NULL = all). An array job is one job.
CREATE FUNCTION rcq_private.open_jobs(s rcq_private.schedule, most integer) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY(SELECT j.id FROM rcq_private.job j JOIN rcq_private.live l ON l.job_id = j.id
                  WHERE j.schedule_id = s.id AND j.id >= s.open_from AND j.array_id IS NULL ORDER BY j.id LIMIT most)
$$;

-- Cancels jobs as rcq.cancel does. RC004 at once when somebody holds one of them: the scheduler waits for nobody.
CREATE FUNCTION rcq_private.cancel_jobs(jobs bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    array_job bigint;
BEGIN
    BEGIN
        PERFORM FROM rcq_private.live l WHERE l.job_id = ANY (jobs) OR l.array_id = ANY (jobs) ORDER BY l.job_id FOR UPDATE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        PERFORM rcq_private.raise_busy(jobs[1]);
    END;
    FOR array_job IN SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = ANY (jobs) AND l.tasks_waiting IS NOT NULL LOOP
        BEGIN
            PERFORM rcq_private.cancel_array(array_job, NULL);
        EXCEPTION WHEN SQLSTATE 'RC003' THEN NULL; -- its last task has ended, the scheduler has yet to say so of the array
        END;
    END LOOP;
    PERFORM rcq_private.cancel_live(ARRAY(SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = ANY (jobs) AND l.tasks_waiting IS NULL ORDER BY l.job_id));
END $$;

-- Serves one due time of a schedule whose row is locked, and records what became of it. False when that must wait because
-- somebody holds what it needs: then nothing was done.
CREATE FUNCTION rcq_private.fire(s rcq_private.schedule, due timestamptz, now_ timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner rcq_private.users;
    earlier bigint[];
    job bigint;
    outcome text := 'submitted';
    message text;
BEGIN
    SELECT * INTO STRICT owner FROM rcq_private.users u WHERE u.id = s.user_id;
    IF owner.role_name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = owner.role_name) THEN
        PERFORM rcq_private.fail('RC010', pg_catalog.format('the role "%s", whose schedule this is, does not exist any more', owner.role_name));
    END IF;
    IF owner.disabled IS NOT NULL THEN
        PERFORM rcq_private.fail('RC005', pg_catalog.format('the account of its owner is disabled: %s', owner.disabled));
    END IF;
    IF NOT rcq_private.try_lock_submissions(owner.id) THEN RETURN false; END IF;
    IF s.overlap <> 'allow' THEN
        earlier := rcq_private.open_jobs(s, CASE s.overlap WHEN 'skip' THEN 1 END);
    END IF;
    IF s.overlap = 'skip' AND earlier <> '{}' THEN
        outcome := 'skipped_overlap';
        message := pg_catalog.format('job %s has not ended', earlier[1]);
    ELSE
        IF earlier <> '{}' THEN
            PERFORM rcq_private.cancel_jobs(earlier);
            outcome := 'replaced';
            message := 'cancelled: ' || pg_catalog.left(pg_catalog.array_to_string(earlier, ', '), 1000);
        END IF;
        job := rcq_private.enqueue_for(owner, rcq_private.parse_requests(pg_catalog.jsonb_build_array(s.request)), s.id);
        UPDATE rcq_private.schedule x SET error = NULL WHERE x.id = s.id AND x.error IS NOT NULL;
    END IF;
    IF s.overlap <> 'allow' THEN
        UPDATE rcq_private.schedule x SET open_from = COALESCE(earlier[1], job) WHERE x.id = s.id;
    END IF;
    INSERT INTO rcq_private.fire (schedule_id, user_id, due_at, at, job_id, outcome, message) VALUES (s.id, s.user_id, due, now_, job, outcome, message);
    RETURN true;
EXCEPTION
    WHEN SQLSTATE 'RC004' OR lock_not_available OR serialization_failure OR deadlock_detected THEN
        RETURN false;
    WHEN OTHERS THEN
        message := pg_catalog.left(SQLSTATE || ': ' || SQLERRM, 1000);
        UPDATE rcq_private.schedule x SET error = message WHERE x.id = s.id;
        INSERT INTO rcq_private.fire (schedule_id, user_id, due_at, at, outcome, message) VALUES (s.id, s.user_id, due, now_, 'failed', message);
        RETURN true;
END $$;

-- Serves the due times up to now of one schedule, whose row is locked: at most 1000 of them, and none that must wait because
-- somebody holds what it needs. Returns whether there is more to do at once.
CREATE FUNCTION rcq_private.fire_schedule(s rcq_private.schedule, now_ timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := 1000;
    in_time_from CONSTANT timestamptz := now_ - interval '1 minute'; -- what was due before that is late
    due timestamptz := s.next_at;
    after timestamptz;
    served integer := 0;
    busy boolean := false;
BEGIN
    WHILE due <= now_ AND served < most LOOP
        after := due;
        IF due < in_time_from AND s.missed <> 'all' THEN
            after := in_time_from - interval '1 microsecond';
        END IF;
        IF due < in_time_from AND s.missed = 'skip' THEN
            INSERT INTO rcq_private.fire (schedule_id, user_id, due_at, at, outcome, message)
            VALUES (s.id, s.user_id, due, now_, 'skipped_missed', pg_catalog.format('missed by %s s', pg_catalog.round(pg_catalog.date_part('epoch', now_ - due))));
        ELSIF NOT rcq_private.fire(s, due, now_) THEN
            busy := true;
            EXIT;
        END IF;
        served := served + 1;
        due := rcq_private.cron_next(s.cron, s.timezone, s.anchor, after);
    END LOOP;
    UPDATE rcq_private.schedule x SET next_at = due WHERE x.id = s.id;
    DELETE FROM rcq_private.fire f
     WHERE f.schedule_id = s.id AND f.due_at < (SELECT g.due_at FROM rcq_private.fire g WHERE g.schedule_id = s.id ORDER BY g.due_at DESC OFFSET 999 LIMIT 1);
    RETURN NOT busy AND COALESCE(due <= now_, false);
END $$;

-- Serves schedules that are due and not paused, no more than let placements wait for a moment; called by the scheduler, in a
-- transaction of its own. Returns when the next one is due, NULL when none ever is: up to now when there is more to do at once.
-- What somebody else holds is left for a second later.
CREATE FUNCTION rcq_private.fire_due(now_ timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    enough CONSTANT bigint := 200; -- due times
    s rcq_private.schedule;
    served bigint := 0;
    more boolean := false;
BEGIN
    FOR s IN SELECT * FROM rcq_private.schedule x WHERE x.next_at <= now_ AND x.paused_since IS NULL ORDER BY x.next_at, x.id FOR UPDATE SKIP LOCKED LOOP
        EXIT WHEN served >= enough;
        BEGIN
            more := rcq_private.fire_schedule(s, now_) OR more;
            -- those that must wait do not keep others waiting
            served := served + (SELECT pg_catalog.count(*) FROM rcq_private.fire f WHERE f.schedule_id = s.id AND f.due_at >= s.next_at AND f.at = now_);
        EXCEPTION WHEN OTHERS THEN -- a zone that the server does not know any more: the rest goes on
            UPDATE rcq_private.schedule x SET error = pg_catalog.left(SQLSTATE || ': ' || SQLERRM, 1000), next_at = now_ + interval '1 hour' WHERE x.id = s.id;
        END;
    END LOOP;
    IF more OR served >= enough THEN RETURN now_; END IF;
    RETURN LEAST((SELECT pg_catalog.min(x.next_at) FROM rcq_private.schedule x WHERE x.next_at > now_ AND x.paused_since IS NULL),
                 (SELECT now_ + interval '1 second' FROM rcq_private.schedule x WHERE x.next_at <= now_ AND x.paused_since IS NULL LIMIT 1));
END $$;
