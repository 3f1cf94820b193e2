-- Making, changing and looking at schedules. What is done when they are due: 35-fires.sql

CREATE FUNCTION rcq_private.cron_next(expression text, timezone text, anchor timestamptz, after timestamptz) RETURNS timestamptz
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_cron_next';
COMMENT ON FUNCTION rcq_private.cron_next(text, text, timestamptz, timestamptz) IS 'When a cron expression is due next, strictly after a time; NULL outside the years 1 to 9999. RC001 when it is malformed';

CREATE FUNCTION rcq_private.cron_check(expression text, timezone text) RETURNS void
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_cron_check';
COMMENT ON FUNCTION rcq_private.cron_check(text, text) IS 'RC001 when the cron expression or the name of the time zone is malformed';

-- The next times of an expression.
CREATE FUNCTION rcq_private.cron_times(cron text, timezone text, anchor timestamptz, after timestamptz, count integer) RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    due timestamptz := after;
BEGIN
    IF count IS NULL OR count NOT BETWEEN 1 AND 1000 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('count %s is outside 1 to 1000', COALESCE(count::text, 'NULL')));
    END IF;
    FOR i IN 1 .. count LOOP
        due := rcq_private.cron_next(cron, timezone, anchor, due);
        EXIT WHEN due IS NULL;
        RETURN NEXT due;
    END LOOP;
END $$;

CREATE FUNCTION rcq.cron_preview(cron text, timezone text DEFAULT 'UTC', count integer DEFAULT 10, after timestamptz DEFAULT pg_catalog.now()) RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_cron(cron, timezone);
    RETURN QUERY SELECT rcq_private.cron_times(cron, timezone, after, after, count);
END $$;
COMMENT ON FUNCTION rcq.cron_preview(text, text, integer, timestamptz) IS
'The next times at which a schedule with this cron expression would submit a job, after a time (periods of @every count from there); for trying an expression out. Errors: RC001';

CREATE FUNCTION rcq_private.require_cron(cron text, timezone text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cron IS NULL OR timezone IS NULL THEN
        PERFORM rcq_private.fail('RC001', CASE WHEN cron IS NULL THEN 'cron is NULL' ELSE 'timezone is NULL' END,
            'A schedule has a cron expression, as in 30 6 * * MON-FRI, and the name of a time zone, as in Europe/Berlin or UTC.');
    END IF;
    PERFORM rcq_private.cron_check(cron, timezone);
END $$;

-- The request that a schedule submits, from script and options; RC001 and whatever else a submission answers when it is not valid.
CREATE FUNCTION rcq_private.schedule_request(owner rcq_private.users, script text, options jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked jsonb := COALESCE(options, '{}');
    request rcq_private.request;
    refused text;
    message text;
    hint text;
BEGIN
    IF pg_catalog.jsonb_typeof(asked) <> 'object' THEN
        PERFORM rcq_private.fail('RC001', 'options is not a JSON object', 'Write it as {"cpu_cores": 4, "time_limit": "2h"}.');
    END IF;
    SELECT k INTO refused FROM pg_catalog.jsonb_object_keys(asked) k WHERE k IN ('depends_on', 'idempotency_key', 'begin_time', 'deadline') LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('a schedule cannot have the option %s', refused),
            'It would be the same for every job of the schedule; the jobs are submitted when they are due.');
    END IF;
    IF script IS NOT NULL THEN
        IF asked ? 'script' THEN
            PERFORM rcq_private.fail('RC001', 'the script is given twice', 'Give it as the argument or among the options.');
        END IF;
        asked := asked || pg_catalog.jsonb_build_object('script', script);
    END IF;
    BEGIN
        request := (rcq_private.parse_requests(pg_catalog.jsonb_build_array(asked)))[1];
    EXCEPTION WHEN SQLSTATE 'RC001' THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
        PERFORM rcq_private.fail('RC001', pg_catalog.replace(message, 'job 1 of the list', 'options'), hint);
    END;
    refused := CASE WHEN request.depends_on IS NOT NULL THEN '--after' WHEN request.begin_time IS NOT NULL THEN '--begin' WHEN request.deadline IS NOT NULL THEN '--deadline' END;
    IF refused IS NOT NULL THEN -- in the script
        PERFORM rcq_private.fail('RC001', pg_catalog.format('the script of a schedule cannot have the option %s', refused),
            'It would be the same for every job of the schedule; the jobs are submitted when they are due.');
    END IF;
    -- one submission that is taken back at once tells everything that a submission would; how many jobs wait at this
    -- moment says nothing about later ones
    owner.max_pending := 0;
    BEGIN
        PERFORM rcq_private.enqueue_for(owner, ARRAY[request]);
        RAISE SQLSTATE 'RCDRY';
    EXCEPTION WHEN SQLSTATE 'RCDRY' THEN NULL;
    END;
    RETURN asked;
END $$;

CREATE FUNCTION rcq.schedule(name text, cron text, script text DEFAULT NULL, timezone text DEFAULT 'UTC', missed text DEFAULT 'once',
                             overlap text DEFAULT 'allow', options jsonb DEFAULT '{}') RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    most CONSTANT integer := 1000;
    owner rcq_private.users;
    asked jsonb;
    now_ CONSTANT timestamptz := pg_catalog.clock_timestamp();
    start CONSTANT timestamptz := pg_catalog.date_trunc('second', now_);
    schedule_id integer;
BEGIN
    SELECT * INTO STRICT owner FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    PERFORM rcq_private.check_name('a schedule', name), rcq_private.require_cron(cron, timezone);
    IF missed IS NULL OR missed NOT IN ('skip', 'once', 'all') THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('missed cannot be "%s"', COALESCE(pg_catalog.left(missed, 100), 'NULL')),
            'For times that were missed, skip submits nothing, once one job for all of them, all one job for each.');
    END IF;
    IF overlap IS NULL OR overlap NOT IN ('allow', 'skip', 'replace') THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('overlap cannot be "%s"', COALESCE(pg_catalog.left(overlap, 100), 'NULL')),
            'While an earlier job of the schedule has not ended, allow submits another one, skip does not, replace cancels the earlier one.');
    END IF;
    asked := rcq_private.schedule_request(owner, script, options);
    -- the scheduler serves them while everybody else's jobs wait
    PERFORM FROM rcq_private.users u WHERE u.id = owner.id FOR NO KEY UPDATE;
    IF (SELECT pg_catalog.count(*) FILTER (WHERE x.name = schedule.name) = 0 AND pg_catalog.count(*) >= most FROM rcq_private.schedule x WHERE x.user_id = owner.id) THEN
        PERFORM rcq_private.fail('RC007', pg_catalog.format('you have %s schedules', most), 'Remove one: rcq.unschedule.');
    END IF;
    INSERT INTO rcq_private.schedule AS s (user_id, name, cron, timezone, request, missed, overlap, anchor, next_at)
    VALUES (owner.id, schedule.name, schedule.cron, schedule.timezone, asked, schedule.missed, schedule.overlap, start,
            rcq_private.cron_next(schedule.cron, schedule.timezone, start, now_))
    ON CONFLICT ON CONSTRAINT schedule_name DO UPDATE
       SET cron = EXCLUDED.cron, timezone = EXCLUDED.timezone, request = EXCLUDED.request, missed = EXCLUDED.missed, overlap = EXCLUDED.overlap,
           -- who repeats a definition does not begin the period anew
           anchor = CASE WHEN s.cron = EXCLUDED.cron THEN s.anchor ELSE EXCLUDED.anchor END,
           next_at = rcq_private.cron_next(EXCLUDED.cron, EXCLUDED.timezone, CASE WHEN s.cron = EXCLUDED.cron THEN s.anchor ELSE EXCLUDED.anchor END, now_)
    RETURNING s.id INTO schedule_id;
    PERFORM rcq_private.definitions_changed();
    RETURN schedule_id;
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.raise_busy_schedule(name);
END $$;
COMMENT ON FUNCTION rcq.schedule(text, text, text, text, text, text, jsonb) IS
'Submits a job at every time that a cron expression names, and returns the id of the schedule; one of yours with this name is changed (it keeps id, history and pause). cron: minute hour day-of-month month day-of-week, with seconds in front if wanted, or @hourly, @daily, @weekly, @monthly, @yearly, @every 1h30m; timezone: its clocks count; missed: times that were missed by more than a minute: skip, once (one job for all), all; overlap: while an earlier job of it has not ended: allow, skip, replace (cancel the earlier one); options: further arguments of rcq.submit, {"cpu_cores": 4, "time_limit": "2h"}, or type and payload; what they do not say, #RCQ lines of the script do. Errors: RC001, RC004, RC005, RC007, RC010';

CREATE FUNCTION rcq_private.raise_busy_schedule(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.fail('RC004', pg_catalog.format('schedule "%s" is being changed by somebody else', name),
            'Try again in a moment; an open transaction may hold it (see pg_stat_activity).');
END $$;

-- The schedule of that name, locked: the caller's, or for administrators that of any user.
CREATE FUNCTION rcq_private.lock_schedule(schedule text, user_name text) RETURNS rcq_private.schedule
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    found_schedule rcq_private.schedule;
BEGIN
    SELECT s.* INTO found_schedule FROM rcq_private.schedule s
     WHERE s.name = schedule
       AND s.user_id = CASE WHEN user_name IS NULL THEN caller
                            ELSE (SELECT u.id FROM rcq_private.users u WHERE COALESCE(u.role_name, u.email) = user_name AND (u.id = caller OR admin)) END
       FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', CASE WHEN user_name IS NULL THEN pg_catalog.format('there is no schedule "%s" of yours', COALESCE(pg_catalog.left(schedule, 100), 'NULL'))
                ELSE pg_catalog.format('there is no schedule "%s" of user "%s", or it is not yours', COALESCE(pg_catalog.left(schedule, 100), 'NULL'), pg_catalog.left(user_name, 100)) END,
            'List them with SELECT name, user_name FROM rcq.schedules; administrators name the owner of somebody else''s with user_name.');
    END IF;
    RETURN found_schedule;
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.raise_busy_schedule(schedule);
END $$;

CREATE FUNCTION rcq.unschedule(name text, user_name text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    s CONSTANT rcq_private.schedule := rcq_private.lock_schedule(name, user_name);
BEGIN
    DELETE FROM rcq_private.schedule x WHERE x.id = s.id;
    DELETE FROM rcq_private.fire f WHERE f.schedule_id = s.id;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.unschedule(text, text) IS
'Removes a schedule and its history; jobs that it has submitted go on. user_name: whose it is, for administrators; NULL = yours. Errors: RC002, RC004, RC010';

CREATE FUNCTION rcq.pause_schedule(name text, user_name text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    s CONSTANT rcq_private.schedule := rcq_private.lock_schedule(name, user_name);
BEGIN
    UPDATE rcq_private.schedule x SET paused_since = COALESCE(x.paused_since, pg_catalog.clock_timestamp()) WHERE x.id = s.id;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.pause_schedule(text, text) IS
'Submits nothing more for a schedule until rcq.resume_schedule; jobs that it has submitted go on. user_name: whose it is, for administrators; NULL = yours. Errors: RC002, RC004, RC010';

CREATE FUNCTION rcq.resume_schedule(name text, user_name text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    s CONSTANT rcq_private.schedule := rcq_private.lock_schedule(name, user_name);
BEGIN
    UPDATE rcq_private.schedule x SET paused_since = NULL, next_at = rcq_private.cron_next(x.cron, x.timezone, x.anchor, pg_catalog.clock_timestamp())
     WHERE x.id = s.id AND x.paused_since IS NOT NULL;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.resume_schedule(text, text) IS
'Ends the pause of a schedule; times that were due meanwhile are not made up for. user_name: whose it is, for administrators; NULL = yours. Errors: RC002, RC004, RC010';

CREATE FUNCTION rcq.next_fires(name text, count integer DEFAULT 10, user_name text DEFAULT NULL) RETURNS SETOF timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    s CONSTANT rcq_private.schedule := rcq_private.lock_schedule(name, user_name);
BEGIN
    RETURN QUERY SELECT rcq_private.cron_times(s.cron, s.timezone, s.anchor, pg_catalog.clock_timestamp(), count);
END $$;
COMMENT ON FUNCTION rcq.next_fires(text, integer, text) IS
'The next times at which a schedule submits a job; of a paused one, those at which it would. user_name: whose it is, for administrators; NULL = yours. Errors: RC001, RC002, RC004, RC010';
