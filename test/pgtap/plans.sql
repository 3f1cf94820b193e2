-- Hot statements stay keyed. Not one of the functions that people and executors call, and none of the scheduler's own
-- statements, may read live, command, job, run, outcome or log from end to end: not on empty tables, not on small ones
-- whose statistics make that look cheap, not on a full one, analysed or not. PostgreSQL itself counts sequential scans,
-- whatever statement they come from, so nothing here repeats the text of a statement, and nothing can be forgotten.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
DROP EXTENSION IF EXISTS rcq;
DROP SCHEMA IF EXISTS plans CASCADE;
DROP ROLE IF EXISTS regress_node_a;
CREATE EXTENSION rcq;
CREATE SCHEMA plans;
GRANT USAGE ON SCHEMA plans TO PUBLIC;
SELECT rcq.create_executor_login('regress_node_a', 'secret') IS NOT NULL AS made \g /dev/null
ALTER TABLE rcq_private.live SET (autovacuum_enabled = off);
SELECT rcq_private.ensure_partitions(1) \g /dev/null
ALTER TABLE rcq_private.job_p0 SET (autovacuum_enabled = off);
ALTER TABLE rcq_private.command SET (autovacuum_enabled = off);
CREATE TABLE plans.hot AS SELECT oid, relname, 0::bigint AS scans FROM pg_class WHERE oid IN ('rcq_private.live'::regclass, 'rcq_private.command'::regclass, 'rcq_private.job_p0'::regclass,
    'rcq_private.run_p0'::regclass, 'rcq_private.outcome_p0'::regclass, 'rcq_private.log_p0'::regclass);

-- Claims one run; the sync itself is the poll.
CREATE PROCEDURE plans.claim(INOUT job bigint, INOUT token bigint, INOUT acked bigint) LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '20 s';
BEGIN
    LOOP
        SELECT s.job_id, s.token INTO job, token FROM rcq.executor_sync(1, 1, acked, NULL, NULL, NULL, 1) s WHERE s.kind = 'start';
        COMMIT;
        EXIT WHEN job IS NOT NULL;
        IF clock_timestamp() > deadline THEN RAISE EXCEPTION 'nothing was placed within 20 s'; END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    SELECT COALESCE(max(s.seq), acked) INTO acked FROM rcq.executor_sync(1, 1, acked, ARRAY[token], NULL, NULL, 1) s WHERE s.kind = 'ack';
    COMMIT;
END $$;

-- Reports an end, again while the scheduler holds the row.
CREATE PROCEDURE plans.report(job bigint, token bigint, acked bigint, how jsonb) LANGUAGE plpgsql AS $$
DECLARE
    deadline CONSTANT timestamptz := clock_timestamp() + interval '20 s';
    answer text;
BEGIN
    LOOP
        SELECT s.body ->> 'answer' INTO answer
          FROM rcq.executor_sync(1, 1, acked, NULL, jsonb_build_array(how || jsonb_build_object('job_id', job, 'token', token)), NULL, 0) s WHERE s.kind = 'answer';
        COMMIT;
        EXIT WHEN answer IS DISTINCT FROM 'retry';
        IF clock_timestamp() > deadline THEN RAISE EXCEPTION 'the report was not taken within 20 s'; END IF;
    END LOOP;
END $$;

-- Everything that can happen to a job, each in a transaction of its own.
CREATE PROCEDURE plans.work() LANGUAGE plpgsql AS $$
DECLARE
    boss CONSTANT text := session_user;
    deadline CONSTANT timestamptz := clock_timestamp() + interval '20 s';
    j bigint; k bigint; token bigint; acked bigint := 0;
BEGIN
    PERFORM set_config('role', 'regress_node_a', false);
    PERFORM rcq.register_executor('host', '{"cpu_cores": 1, "memory_mib": 1024}', NULL, 1, 1);
    COMMIT;
    FOR way IN 1..4 LOOP
        PERFORM set_config('role', boss, false);
        j := rcq.submit('hot', max_retries => 1, requeue => true);
        COMMIT;
        PERFORM rcq.set_priority(j, 10); COMMIT;
        PERFORM rcq.hold(j); COMMIT;
        PERFORM rcq.release(j); COMMIT;
        PERFORM set_config('role', 'regress_node_a', false);
        k := NULL;
        CALL plans.claim(k, token, acked);
        PERFORM rcq.executor_log(1, 1, ARRAY[k], ARRAY[token], '{1}', '{stdout}', '{x}'); COMMIT;
        PERFORM rcq.executor_log_position(1, 1, ARRAY[k], ARRAY[token]); COMMIT;
        PERFORM rcq.executor_progress(1, 1, ARRAY[k], ARRAY[token], '{50}', '{x}'); COMMIT;
        PERFORM rcq.executor_progress(1, 1, ARRAY[k], ARRAY[token], '{51}', '{NULL}'); COMMIT;
        PERFORM rcq.executor_sync(1, 1, acked, ARRAY[token], NULL, jsonb_build_array(jsonb_build_object('job_id', k, 'token', token, 'cpu_seconds', 1)), 0); COMMIT;
        IF way = 1 THEN -- completed in spite of a drain, reported twice
            PERFORM set_config('role', boss, false);
            PERFORM rcq.drain_executor('regress_node_a', mode => 'requeue'); COMMIT;
            LOOP
                PERFORM set_config('enable_seqscan', 'off', true);
                EXIT WHEN (SELECT l.requeue_requested_at IS NOT NULL FROM rcq_private.live l WHERE l.job_id = k);
                IF clock_timestamp() > deadline THEN RAISE EXCEPTION 'the run was not requeued within 20 s'; END IF;
                COMMIT;
                PERFORM pg_sleep(0.02);
            END LOOP;
            PERFORM rcq.resume_executor('regress_node_a'); COMMIT;
            PERFORM set_config('role', 'regress_node_a', false);
            CALL plans.report(k, token, acked, '{"end": "exit_code", "exit_code": 0}');
            CALL plans.report(k, token, acked, '{"end": "exit_code", "exit_code": 0}');
            PERFORM set_config('role', boss, false);
            PERFORM rcq.logs(k), rcq.logs_raw(k), rcq.log_chunks(k), rcq.log_chunks(k, 0, 0), rcq.job_states(ARRAY[j, k]), rcq_private.forget_progress(); COMMIT;
            BEGIN
                PERFORM rcq.cancel(k);
            EXCEPTION WHEN SQLSTATE 'RC003' THEN NULL;
            END;
            COMMIT;
        ELSIF way = 2 THEN -- failed, retried, cancelled while it runs
            CALL plans.report(k, token, acked, '{"end": "oom"}');
            k := NULL;
            CALL plans.claim(k, token, acked);
            PERFORM set_config('role', boss, false);
            PERFORM rcq.cancel(k); COMMIT;
            PERFORM set_config('role', 'regress_node_a', false);
            CALL plans.report(k, token, acked, '{"end": "cancelled"}');
        ELSE -- lost to a listing, cancelled when it waits again
            PERFORM rcq.executor_sync(1, 1, acked, '{}', NULL, NULL, 0); COMMIT;
            PERFORM set_config('role', boss, false);
            PERFORM rcq.cancel(k); COMMIT;
        END IF;
    END LOOP;
    -- a run whose executor signs off is given up by the scheduler, a placement nobody may claim is taken back by it
    PERFORM set_config('role', boss, false);
    j := rcq.submit('hot'); COMMIT;
    PERFORM set_config('role', 'regress_node_a', false);
    k := NULL;
    CALL plans.claim(k, token, acked);
    PERFORM rcq.executor_sign_off(1, 1); COMMIT;
    PERFORM set_config('role', boss, false);
    -- not before the executor may come back: it would be taken for holding the run still
    WHILE (SELECT s.running > 0 FROM rcq.scheduler s) LOOP
        IF clock_timestamp() > deadline THEN RAISE EXCEPTION 'the run was not given up within 20 s'; END IF;
        COMMIT;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;

-- The scheduler counts for itself until it ends: so it is ended, and PostgreSQL's sums are complete. However often that is
-- done, the next one is there soon, because the last one worked.
CREATE PROCEDURE plans.settle() LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '10 s';
    old_pid integer := (SELECT s.pid FROM rcq.scheduler s);
    old_start timestamptz := (SELECT s.started_at FROM rcq.scheduler s);
BEGIN
    PERFORM pg_stat_force_next_flush(); COMMIT;
    PERFORM pg_terminate_backend(old_pid); COMMIT;
    LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN (SELECT s.pid IS NOT NULL AND s.pid <> old_pid AND s.started_at > old_start FROM rcq.scheduler s);
        IF clock_timestamp() > deadline THEN RAISE EXCEPTION 'the scheduler did not come back within 10 s'; END IF;
        COMMIT;
        PERFORM pg_sleep(0.02);
    END LOOP;
    COMMIT;
END $$;
CREATE PROCEDURE plans.begin_counting() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    UPDATE plans.hot h SET scans = pg_stat_get_numscans(h.oid); COMMIT;
END $$;
CREATE FUNCTION plans.scanned(situation text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    RETURN QUERY SELECT is(pg_stat_get_numscans(h.oid) - h.scans, 0::bigint, format('%s: no sequential scan of %s', situation, h.relname)) FROM plans.hot h ORDER BY h.relname;
END $$;

DO $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '20 s';
BEGIN
    WHILE (SELECT state <> 'running' FROM rcq.scheduler) AND clock_timestamp() < deadline LOOP PERFORM pg_sleep(0.02); END LOOP;
END $$;
SELECT plan(31);

SELECT pg_stat_force_next_flush() \g /dev/null
CALL plans.begin_counting();
CALL plans.work();
CALL plans.settle();
SELECT plans.scanned('empty and never analysed');

-- with the plans that this session has cached, and with new ones
ANALYZE rcq_private.live; ANALYZE rcq_private.command; ANALYZE rcq_private.job; ANALYZE rcq_private.run; ANALYZE rcq_private.outcome; ANALYZE rcq_private.log;
SELECT pg_stat_force_next_flush() \g /dev/null
CALL plans.begin_counting();
CALL plans.work();
DISCARD PLANS;
CALL plans.work();
CALL plans.settle();
SELECT plans.scanned('a few rows, analysed');

-- full: jobs that wait for ever
SELECT pg_stat_force_next_flush() \g /dev/null
CALL plans.begin_counting();
SELECT count(*) FROM (SELECT jsonb_agg(jsonb_build_object('script', 'true', 'hold', i % 2 = 0, 'cpu_cores', 1000)) AS jobs FROM generate_series(1, 100000) i GROUP BY i / 10000) s, rcq.submit_many(s.jobs) \g /dev/null
DISCARD PLANS;
CALL plans.work();
CALL plans.settle();
SELECT plans.scanned('100,000 rows, not analysed since there were a few');

ANALYZE rcq_private.live; ANALYZE rcq_private.command; ANALYZE rcq_private.job;
SELECT pg_stat_force_next_flush() \g /dev/null
CALL plans.begin_counting();
DISCARD PLANS;
CALL plans.work();
CALL plans.settle();
SELECT plans.scanned('100,000 rows, analysed');

-- that the counters count
SELECT pg_stat_force_next_flush() \g /dev/null
CALL plans.begin_counting();
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
SELECT count(*) FROM rcq_private.live WHERE held \g /dev/null
RESET ALL;
CALL plans.settle();
SELECT is(pg_stat_get_numscans('rcq_private.live'::regclass) - (SELECT scans FROM plans.hot WHERE relname = 'live'), 1::bigint, 'a sequential scan would have been counted');
SELECT is((SELECT count(*) FROM rcq.jobs WHERE script = 'hot' AND status IN ('running', 'assigned')), 0::bigint, 'and no run is left over');
SELECT is((SELECT count(*) FROM rcq_private.command c WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = c.job_id)), 0::bigint, 'no command without its job');
SELECT is((SELECT count(*) FROM rcq_private.live l FULL JOIN rcq_private.outcome o USING (job_id) FULL JOIN rcq_private.job j ON j.id = job_id WHERE (l.job_id IS NULL) = (o.job_id IS NULL) OR j.id IS NULL), 0::bigint,
          'every job is alive or has ended, and never both');
SELECT is((SELECT pending FROM rcq.scheduler), (SELECT count(*) FROM rcq_private.live WHERE placed_at IS NULL), 'the scheduler knows all of them');
SELECT is((SELECT running FROM rcq.scheduler), (SELECT count(*) FROM rcq_private.live WHERE placed_at IS NOT NULL), 'and no run that is not there');
SELECT is((SELECT last_error FROM rcq.scheduler), NULL, 'and has had no error');
SELECT * FROM finish();

DROP EXTENSION rcq CASCADE;
DROP SCHEMA plans CASCADE;
DROP ROLE regress_node_a;
