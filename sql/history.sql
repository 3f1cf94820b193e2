-- The parts of the history: how they are made, closed and dropped; and jobs that come from a dump.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann');
CREATE VIEW t.history AS SELECT first_id, last_id, state, kept_until IS NULL AS for_ever, logs_dropped, prune_waiting_since IS NULL AS not_waiting FROM rcq.history;
CREATE VIEW t.tables AS
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds, (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes, c.relrowsecurity AND c.relforcerowsecurity AS secured
  FROM pg_class c WHERE c.relispartition AND c.relnamespace = 'rcq_private'::regnamespace;
CREATE FUNCTION t.held(count integer) RETURNS SETOF bigint LANGUAGE sql AS $$
    SELECT rcq.submit_many((SELECT jsonb_agg(jsonb_build_object('script', 'true', 'hold', true)) FROM generate_series(1, count))) $$;

-- none before the first job; the size counts for those that are made from then on
SELECT * FROM rcq.history;
SELECT rcq.set('history_partition_jobs', '1000');
SELECT rcq.submit('true', hold => true, idempotency_key => 'first');
SELECT rcq_private.definitions_changed(); -- has the scheduler look at once
SELECT t.wait($$(SELECT count(*) = 11 FROM t.history)$$);
SELECT * FROM t.history;
SELECT * FROM t.tables WHERE relname ~ '_p(0|10000)$' ORDER BY relname;
SELECT rcq.set('history_partition_jobs', '2000');
SELECT min(h), max(h) FROM t.held(1500) h;
SELECT rcq_private.definitions_changed();
SELECT t.wait($$EXISTS (SELECT FROM t.history WHERE first_id = 11000 AND last_id = 12999)$$);

-- the scheduler makes the next one when half of the newest is taken, or fewer than 10,000 ids are left
SELECT rcq.set('history_partition_jobs', '30000');
SELECT setval('rcq_private.job_id', 3000), rcq_private.definitions_changed();
SELECT t.wait($$EXISTS (SELECT FROM t.history WHERE first_id = 13000 AND last_id = 42999)$$);
SELECT setval('rcq_private.job_id', 28000), rcq.set('history_partition_jobs', '1000');
SELECT t.wait($$EXISTS (SELECT FROM t.history WHERE first_id = 43000 AND last_id = 43999)$$);

-- it asks before it stores jobs itself
SELECT rcq_private.partitions_ready(10000), count(*) FROM t.history;
BEGIN;
SELECT rcq_private.partitions_ready(16000);
SELECT count(*) FROM t.history;
ROLLBACK;

-- a submission that is rolled back takes its partitions with it
BEGIN;
LOCK TABLE ONLY rcq_private.job IN SHARE UPDATE EXCLUSIVE MODE; -- the scheduler makes none meanwhile
SELECT setval('rcq_private.job_id', 45000);
SELECT count(*) FROM t.held(1);
SELECT count(*) FROM t.history;
SELECT setval('rcq_private.job_id', 28000);
ROLLBACK;
SELECT count(*) FROM t.history;

-- one that reads jobs itself cannot make them, and stores nothing
SELECT setval('rcq_private.job_id', 60000) \g /dev/null
SELECT * FROM t.errors($$SELECT rcq.submit('true', hold => true) FROM rcq.jobs WHERE id = (SELECT 1)$$);
SELECT rcq.set('history_partition_jobs', '100000');
SELECT rcq.submit('true', hold => true, name => 'later');

-- one that was closed although live jobs are in it, of a transaction that was open then, is opened again, and loses nothing
BEGIN;
UPDATE rcq_private.history_partition SET closed_at = now(), prune_asked = true WHERE first_id = 0;
INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled) VALUES (1, 1, 0, 0);
SELECT rcq_private.drop_history(0, true);
SELECT state, (SELECT count(*) FROM rcq_private.idempotency) AS keys, (SELECT count(*) FROM rcq_private.array_end) AS ends FROM t.history WHERE first_id = 0;
ROLLBACK;

-- closed are those whose jobs have all ended; a look-up by id reads one partition of each table
SELECT count(*) FROM (SELECT rcq.cancel(id) FROM rcq.jobs WHERE id < 1000 OR id BETWEEN 3000 AND 8999) c;
SELECT status, count(*) FROM rcq.jobs GROUP BY status ORDER BY status;
SELECT rcq.prune_history('1 hour');
SELECT first_id, state FROM t.history;
CREATE FUNCTION t.partitions_read(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT string_agg(DISTINCT n #>> '{}', ', ') FROM jsonb_path_query(plan, '$.** ? (@."Actual Loops" > 0)."Relation Name" ? (@ like_regex "_p[0-9]+$")') n);
END $$;
SELECT t.partitions_read('SELECT * FROM rcq.jobs WHERE id = 5');
SET plan_cache_mode = force_generic_plan;
PREPARE job(bigint) AS SELECT * FROM rcq.jobs WHERE id = $1;
SELECT t.partitions_read('EXECUTE job(5)');
RESET plan_cache_mode;

-- who may ask for what
SELECT * FROM t.errors($$SELECT rcq.prune_history()$$, $$SELECT rcq.prune_history('-1 day')$$, $$SELECT rcq.prune_history('11 years')$$, $$SELECT rcq.set('history_partition_jobs', '999')$$);
SET SESSION AUTHORIZATION regress_ann;
SELECT * FROM t.errors($$SELECT rcq.prune_history('0')$$, $$SELECT rcq.resume_restored()$$, $$SELECT count(*) FROM rcq_private.job_p0$$, $$SELECT rcq_private.drop_history(0, true)$$);
SELECT first_id, state FROM rcq.history WHERE first_id = 0;
SELECT count(*) FROM rcq.jobs;
SET SESSION AUTHORIZATION regress_boss;

-- logs go first when their time is over, the rest when it is asked for; the key of a dropped job may be used again
SELECT t.wait($$(SELECT closed_at < clock_timestamp() - interval '1 s' FROM rcq.history WHERE first_id = 0)$$);
SELECT rcq.set('log_retention', '1 s');
SELECT t.wait($$(SELECT logs_dropped FROM t.history WHERE first_id = 0)$$);
SELECT rcq.set('log_retention', NULL);
SELECT relname FROM t.tables WHERE relname LIKE '%\_p0' ORDER BY relname;
SELECT count(*) FROM rcq.logs(1);
SELECT count(*) FROM rcq_private.idempotency;
SELECT rcq.prune_history('0') > 0 AS asked;
SELECT t.wait($$NOT EXISTS (SELECT FROM t.history WHERE first_id = 0)$$);
SELECT count(*) FROM t.tables WHERE relname LIKE '%\_p0';
SELECT count(*) FROM rcq_private.idempotency;
SELECT count(*) FROM rcq.jobs WHERE id = 1;
SELECT rcq.submit('true', hold => true, idempotency_key => 'first') > 1 AS anew;
SELECT last_error FROM rcq.scheduler;

-- As after a restore: jobs without live rows in partitions that are older than the extension here. They wait, and keep
-- their partition open, until an administrator says which are to be run.
SELECT rcq.submit('true', "array" => '1-9:2%2', hold => true) AS "array" \gset
SELECT rcq.submit('true', "array" => '1-2', depends_on => 'afterany:1001') AS follower \gset
SELECT rcq.task(:follower, 2) AS task_of_follower \gset
BEGIN;
DELETE FROM rcq_private.live;
UPDATE rcq_private.array SET waiting = '{[2,5)}' WHERE job_id = :array;
INSERT INTO rcq_private.run (job_id, attempt, user_id, executor_id, ended_at, placed_at, claimed_at, token, reason)
SELECT 1001, a, 1, 1, now(), now(), now(), a, CASE a WHEN 1 THEN 'exit_code' ELSE 'executor_lost' END FROM generate_series(1, 2) a;
INSERT INTO rcq_private.log (job_id, attempt, seq, user_id, lines, at, stream, data) VALUES (1001, 3, 1, 1, 1, now(), 'stdout', 'x');
UPDATE rcq_private.home SET since = clock_timestamp();
SELECT rcq_private.definitions_changed(); -- has the scheduler look at once
COMMIT;
SELECT t.wait($$(SELECT count(*) > 0 FROM rcq_private.restored)$$);
SELECT * FROM t.errors($$SELECT rcq.resume_restored('{1}')$$, $$SELECT rcq.resume_restored('{1001,NULL}')$$);
SELECT status, reason, count(*) FROM rcq.jobs WHERE status = 'pending' GROUP BY status, reason;
SELECT rcq_private.close_history();
SELECT first_id, state FROM rcq.history WHERE first_id IN (1000, 44000);
SELECT rcq.resume_restored(ARRAY[1001, 1002, :array, :follower]);
SELECT job_id, attempt, failures, losses, tasks_waiting IS NOT NULL AS is_array, array_throttle FROM rcq_private.live WHERE job_id <= :array ORDER BY job_id;
SELECT array_id IS NOT NULL AS is_task, unmet FROM rcq_private.live WHERE :follower IN (job_id, array_id) ORDER BY job_id;
SELECT status, message, count(*) FROM rcq.jobs WHERE id > 1000 AND status = 'cancelled' AND message IS NOT NULL GROUP BY status, message;
SELECT rcq.resume_restored();
SELECT count(*) FROM rcq_private.restored;
SELECT t.wait($$(SELECT reason = 'no_executor' FROM rcq.jobs WHERE id = 1001)$$);
SELECT last_error FROM rcq.scheduler;

-- the part with ended tasks of an array is kept until the array has ended; its tasks may be dropped before it
SELECT rcq.submit('true', "array" => '1-3', hold => true) AS parent \gset
SELECT setval('rcq_private.job_id', max(last_id)) AS before FROM rcq_private.history_partition \gset
SELECT rcq.task(:parent, 1) AS child \gset
SELECT rcq.cancel(:child);
SELECT setval('rcq_private.job_id', max(last_id)) FROM rcq_private.history_partition \g /dev/null
SELECT rcq.submit('true', hold => true) > :child AS later;
SELECT rcq_private.close_history();
SELECT state FROM rcq.history WHERE :child BETWEEN first_id AND last_id;
SELECT rcq.cancel(:parent);
SELECT t.wait(format($$(SELECT status = 'cancelled' FROM rcq.jobs WHERE id = %s)$$, :parent));
SELECT rcq.prune_history('0') > 0 AS asked;
SELECT t.wait(format($$NOT EXISTS (SELECT FROM rcq.history WHERE %s BETWEEN first_id AND last_id)$$, :child));
SELECT completed, failed, cancelled FROM rcq.arrays WHERE id = :parent;
SELECT code, replace(message, :'parent', 'N') AS message, hint FROM t.errors(format('SELECT rcq.task(%s, 1)', :parent), format($$SELECT rcq.submit('true', depends_on => 'afterok:%s_1')$$, :parent));
SELECT last_error FROM rcq.scheduler;
\i :end
