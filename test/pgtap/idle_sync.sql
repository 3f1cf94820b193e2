-- A heartbeat with nothing to say is a read: no transaction id, no WAL, whether the executor is idle or has runs that go on. So is
-- what programs ask that follow jobs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
DROP EXTENSION IF EXISTS rcq;
DROP SCHEMA IF EXISTS idle CASCADE;
DROP ROLE IF EXISTS regress_node_a;
CREATE EXTENSION rcq;
CREATE SCHEMA idle;
GRANT USAGE ON SCHEMA idle TO PUBLIC;
SELECT rcq.create_executor_login('regress_node_a', 'secret') IS NOT NULL AS made \g /dev/null

-- What a call costs: its transaction id, if it was given one, and the bytes of WAL that it wrote. It is made twice, because
-- the first one plans, and may clean up pages of catalogs that it reads.
CREATE FUNCTION idle.cost(call text, OUT xid xid8, OUT wal bigint) LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    FOR n IN 1 .. 2 LOOP
        EXECUTE format('EXPLAIN (ANALYZE, WAL, FORMAT JSON) SELECT * FROM rcq.%s', call) INTO plan;
    END LOOP;
    xid := pg_current_xact_id_if_assigned();
    wal := (plan #>> '{0,Plan,WAL Bytes}')::bigint;
END $$;
CREATE PROCEDURE idle.claim(INOUT token bigint, INOUT acked bigint) LANGUAGE plpgsql AS $$
DECLARE
    deadline CONSTANT timestamptz := clock_timestamp() + interval '20 s';
BEGIN
    LOOP
        SELECT max(s.token) FILTER (WHERE s.kind = 'start'), max(s.seq) FILTER (WHERE s.kind = 'ack') INTO token, acked FROM rcq.executor_sync(1, 1, 0, NULL, NULL, NULL, 1) s;
        COMMIT;
        EXIT WHEN token IS NOT NULL;
        IF clock_timestamp() > deadline THEN RAISE EXCEPTION 'nothing was placed within 20 s'; END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;

SET ROLE regress_node_a;
SELECT rcq.register_executor('host', '{"cpu_cores": 1, "memory_mib": 1024}', NULL, 1, 1) IS NOT NULL AS registered \g /dev/null
SELECT count(*) FROM rcq.executor_sync(1, 1, 0, NULL, NULL, NULL, 100) \g /dev/null
SELECT xid IS NULL AND wal = 0 AS idle FROM idle.cost('executor_sync(1, 1, 0, NULL, NULL, NULL, 100)') \gset
SELECT xid IS NULL AND wal = 0 AS empty_list FROM idle.cost('executor_sync(1, 1, 0, ''{}'', NULL, NULL, 100)') \gset
SELECT xid IS NULL AND wal = 0 AS foreign_token FROM idle.cost('executor_sync(1, 1, 0, ''{4711}'', NULL, NULL, 100)') \gset
SELECT array_agg(kind ORDER BY kind) AS answered FROM rcq.executor_sync(1, 1, 0, '{4711}', NULL, NULL, 100) \gset
SELECT xid IS NOT NULL AND wal > 0 AS drain_counts FROM idle.cost('executor_drain(1, 1, NULL)') \gset
RESET ROLE;
SELECT last_seen AS before FROM rcq.executors \gset
SELECT rcq.submit('true') AS job \gset
SET ROLE regress_node_a;
CALL idle.claim(NULL, NULL) \gset
SELECT rcq.executor_log(1, 1, ARRAY[:job], ARRAY[:token], '{1}', '{stdout}', '{line}') = '{}' AS taken \g /dev/null
SELECT count(*) FROM rcq.executor_sync(1, 1, :acked, ARRAY[:token], NULL, NULL, 100) \g /dev/null
SELECT xid IS NULL AND wal = 0 AS running FROM idle.cost(format('executor_sync(1, 1, %s, NULL, NULL, NULL, 0)', :acked)) \gset
SELECT xid IS NULL AND wal = 0 AS listed FROM idle.cost(format('executor_sync(1, 1, %s, ARRAY[%s], NULL, NULL, 0)', :acked, :token)) \gset
SELECT xid IS NULL AND wal = 0 AS position FROM idle.cost(format('executor_log_position(1, 1, ARRAY[%s], ARRAY[%s])', :job, :token)) \gset
SELECT rcq.executor_progress(1, 1, ARRAY[:job], ARRAY[:token], '{50}', '{half}') = '{}' AS taken \g /dev/null
SELECT xid IS NULL AND wal = 0 AS running_on FROM idle.cost(format('executor_sync(1, 1, %s, NULL, NULL, NULL, 0)', :acked)) \gset
RESET ROLE;
SELECT xid IS NULL AND wal = 0 AS polled FROM idle.cost(format('job_states(ARRAY[%s]::bigint[])', :job)) \gset
SELECT xid IS NULL AND wal = 0 AS followed FROM idle.cost(format('log_chunks(%s)', :job)) \gset
SELECT last_seen AS after FROM rcq.executors \gset

SELECT plan(12);
SELECT ok(:'drain_counts', 'a call that writes is told by its transaction id and its WAL');
SELECT ok(:'idle', 'an idle executor''s sync has neither');
SELECT ok(:'empty_list', 'nor has one that lists no run');
SELECT ok(:'foreign_token', 'nor one that is told to kill what it lists');
SELECT is(:'answered'::text, '{kill,terms}', 'which is all that it is told, besides its terms');
SELECT ok(:'running', 'nor one of an executor whose run goes on');
SELECT ok(:'listed', 'nor one that lists it');
SELECT ok(:'position', 'nor the question how much of its output is stored');
SELECT ok(:'running_on', 'nor one of an executor whose run has said how far it is');
SELECT ok(:'polled', 'nor does whoever asks how a job is write anything');
SELECT ok(:'followed', 'nor whoever follows its output');
SELECT cmp_ok(:'after'::timestamptz, '>', :'before'::timestamptz, 'the heartbeat counts all the same');
SELECT * FROM finish();

SET client_min_messages = error;
DROP SCHEMA idle CASCADE;
DROP EXTENSION rcq CASCADE;
DROP ROLE regress_node_a;
