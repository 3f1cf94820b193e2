-- Failed runs are followed by others as the retry policy says; runs are requeued by hand; ended jobs are submitted anew.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben');
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 1);

-- an exit code that is on the list, with a delay that doubles; then one that is not
SET ROLE regress_ann;
SELECT rcq.submit('job 1', max_retries => 5, retry_on => '{75,oom}', retry_delay => '2 hours', retry_backoff => 'exponential');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(1, 'exit_code', 75));
SET ROLE regress_ann;
SELECT status, attempt FROM rcq.jobs WHERE id = 1;
RESET ROLE;
SELECT eligible_at - clock_timestamp() BETWEEN '119 minutes' AND '2 hours' AS in_two_hours, failures FROM rcq_private.live;
-- it is not started before, and rcq.requeue is not for that
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT rcq.requeue(1)');
RESET ROLE;
UPDATE rcq_private.live SET eligible_at = clock_timestamp() RETURNING rcq_private.touched(job_id);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(1, 'exit_code', 75));
RESET ROLE;
SELECT eligible_at - clock_timestamp() BETWEEN '239 minutes' AND '4 hours' AS in_four_hours, failures FROM rcq_private.live;
UPDATE rcq_private.live SET eligible_at = clock_timestamp() RETURNING rcq_private.touched(job_id);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(1, 'exit_code', 1));
SET ROLE regress_ann;
SELECT status, reason, exit_code, attempt FROM rcq.jobs WHERE id = 1;
SELECT attempt, status, exit_code FROM rcq.runs WHERE job_id = 1 ORDER BY attempt;

-- an end that is not on the list: no retry, though there are some left
SELECT rcq.submit('job 2', max_retries => 5, retry_on => '{oom}');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(2, 'timeout'));
SET ROLE regress_ann;
SELECT status, reason, attempt FROM rcq.jobs WHERE id = 2;

-- out of memory: more of it next time, which is what is placed, told and charged; then no more retries
SELECT rcq.submit('job 3', memory_gb => 1.5, max_retries => 1, retry_memory_factor => 2.25);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(3, 'oom'));
SELECT * FROM t.take();
SELECT s.body->>'memory_mib' AS mib FROM t.process p, rcq.executor_sync(p.executor, 1, 0, NULL, NULL, NULL, 1) s WHERE p.name = 'regress_node_a' AND s.kind = 'start';
RESET ROLE;
SELECT memory_mib, memory_raised, granted_memory_mib FROM rcq_private.live;
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(3, 'oom'));
SET ROLE regress_ann;
SELECT status, reason, memory_gb, granted_memory_gb, attempt FROM rcq.jobs WHERE id = 3;
RESET ROLE;
SELECT o.granted_memory_mib, round((u.gb_seconds / u.core_seconds)::numeric, 2) AS gb FROM rcq_private.outcome o, LATERAL (SELECT * FROM rcq_private.usage ORDER BY at DESC LIMIT 1) u WHERE o.job_id = 3;
-- memory that would leave the range stays in it
SELECT rcq.submit('job 4', memory_gb => 4, max_retries => 9, retry_memory_factor => 100);
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
UPDATE rcq_private.live SET memory_mib = 2000000000 WHERE job_id = 4;
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(4, 'oom'));
RESET ROLE;
SELECT memory_mib, memory_raised FROM rcq_private.live WHERE job_id = 4;
SELECT rcq.cancel(4);

-- requeue: an assigned one at once, a running one when its executor confirms; its waiting goes on, nothing is counted
SET ROLE regress_ann;
SELECT rcq.submit('job 5', max_retries => 0);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 5)$$);
SELECT rcq.requeue(5);
SELECT t.wait($$(SELECT status = 'assigned' AND attempt = 2 FROM rcq.jobs WHERE id = 5)$$);
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
SELECT eligible_at AS before FROM rcq_private.live \gset
SET ROLE regress_ann;
SELECT rcq.requeue(5);
SELECT rcq.requeue(5);
RESET ROLE;
SELECT t.wait($$EXISTS (SELECT FROM rcq_private.command WHERE kind = 'cancel')$$);
SET ROLE regress_node_a;
SELECT * FROM t.sync();
SELECT * FROM t.sync(t.ended(5, 'cancelled'));
RESET ROLE;
SELECT eligible_at = :'before' AS waits_on, failures, losses, preempted, requeue_requested_at FROM rcq_private.live;
SELECT kind FROM rcq_private.command WHERE kind = 'cancel';
SELECT attempt, reason FROM rcq_private.run WHERE job_id = 5;
SET ROLE regress_node_a;
SELECT * FROM t.take();
-- one that succeeds meanwhile is completed
SET ROLE regress_ann;
SELECT rcq.requeue(5);
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(5));
SET ROLE regress_ann;
SELECT status, attempt FROM rcq.jobs WHERE id = 5;
-- one that is to be cancelled is cancelled, whatever came first
SELECT rcq.submit('job 6');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SET ROLE regress_ann;
SELECT rcq.requeue(6), rcq.cancel(6);
SELECT * FROM t.errors('SELECT rcq.requeue(6)', 'SELECT rcq.requeue(5)', 'SELECT rcq.requeue(99)', 'SELECT rcq.requeue(NULL)');
SET ROLE regress_ben;
SELECT * FROM t.errors('SELECT rcq.requeue(6)');
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(6, 'cancelled'));
SET ROLE regress_ann;
SELECT status FROM rcq.jobs WHERE id = 6;

-- submitted anew: everything that was asked for, but what made it wait
SELECT rcq.submit('job 7', 2, 1.5, 0, 3, '4 hours', 3, 2, 'seven', '/tmp', '{"A": "b"}', cpu_cores_min => 1, exclusive => true, preemptible => true,
    concurrency_key => 'k', requeue => false, on_disconnect => 'kill', begin_time => clock_timestamp() + interval '1 hour', deadline => clock_timestamp() + interval '2 hours', idempotency_key => 'once',
    project => 'p', tags => '{x,y}', external_id => '00000000-0000-0000-0000-000000000007', retry_on => '{oom,75}', retry_delay => '90 s',
    retry_backoff => 'exponential', retry_max_delay => '1 hour', retry_jitter => 0.25, retry_memory_factor => 1.5) AS id;
SELECT * FROM t.errors('SELECT * FROM rcq.resubmit(ARRAY[1,7])', 'SELECT * FROM rcq.resubmit(ARRAY[1,99])', 'SELECT * FROM rcq.resubmit(ARRAY[NULL::bigint])');
SELECT rcq.cancel(7);
SELECT * FROM rcq.resubmit(ARRAY[7]);
RESET ROLE;
SELECT count(*) AS differ, array_agg(k.key ORDER BY k.key) FROM rcq_private.job a, rcq_private.job b, LATERAL jsonb_each(to_jsonb(a)) k
 WHERE a.id = 7 AND b.id = 8 AND k.value IS DISTINCT FROM to_jsonb(b) -> k.key;
SELECT begin_time, deadline, idempotency_key, retry FROM rcq_private.job WHERE id = 8;
SET ROLE regress_ann;
SELECT rcq.cancel(8);
-- in the order that was given, each once; nothing when the list is empty
SELECT * FROM rcq.resubmit(ARRAY[2,1,2]);
SELECT * FROM rcq.resubmit('{}');
-- others' are unknown; administrators submit them for their owners
SET ROLE regress_ben;
SELECT rcq.submit('job 11');
SELECT * FROM t.errors('SELECT * FROM rcq.resubmit(ARRAY[1])');
SELECT rcq.cancel(11);
RESET ROLE;
SELECT * FROM rcq.resubmit(ARRAY[11,3]);
SELECT id, user_name, script FROM rcq.jobs WHERE id > 11 ORDER BY id;

-- failed jobs: what nobody submitted anew
SET ROLE regress_ann;
SELECT rcq.cancel(id) FROM rcq.jobs WHERE status IN ('pending', 'assigned') AND user_name = 'regress_ann' ORDER BY id;
SELECT count(*) FROM rcq.dead_jobs;
SELECT rcq.submit('a', name => 'night', project => 'p'), rcq.submit('b', name => 'night'), rcq.submit('c');
SET ROLE regress_ben;
SELECT rcq.cancel(13);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(14, 'exit_code', 4));
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(15, 'signal', NULL, '{"signal": 11}'));
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(16, 'oom', NULL, '{"message": "too much"}'));
SET ROLE regress_ann;
SELECT id, name, user_name, reason, exit_code, signal, message, attempts, executor, project, ended_at > clock_timestamp() - interval '1 minute' AS just_now FROM rcq.dead_jobs ORDER BY id;
SET ROLE regress_ben;
SELECT count(*) FROM rcq.dead_jobs;
SELECT rcq.resubmit_failed();
RESET ROLE;
SELECT id, user_name FROM rcq.dead_jobs ORDER BY id;
SET ROLE regress_ann;
SELECT rcq.resubmit_failed(since => clock_timestamp()), rcq.resubmit_failed(reason => 'timeout'), rcq.resubmit_failed(name => 'night', project => 'q');
SELECT rcq.resubmit_failed(name => 'night', reason => 'signal');
SELECT id FROM rcq.dead_jobs ORDER BY id;
SELECT rcq.resubmit_failed();
SELECT rcq.resubmit_failed();
SELECT id FROM rcq.dead_jobs ORDER BY id;
RESET ROLE;
SELECT job_id, new_job_id FROM rcq_private.resubmission WHERE job_id > 13 ORDER BY job_id;
-- what is in the way of a submission is in the way of this one; nothing is stored then
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT rcq.resubmit_failed_tasks(1)', 'SELECT rcq.resubmit_failed_tasks(99)');
RESET ROLE;
SELECT rcq.set_user('regress_ann', max_priority => 2);
SELECT count(*) AS before FROM rcq_private.job \gset
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT * FROM rcq.resubmit(ARRAY[14,15])');
RESET ROLE;
SELECT count(*) = :before AS nothing_stored FROM rcq_private.job;
-- an array: exactly the tasks that failed, with the same throttle
SELECT rcq.set_user('regress_ann', max_priority => 10);
CREATE FUNCTION t.index_of(task bigint) RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT array_index FROM rcq_private.job WHERE id = task';
CREATE PROCEDURE t.run_tasks(tasks integer, failing integer[]) LANGUAGE plpgsql AS $$
DECLARE
    task bigint;
BEGIN
    FOR n IN 1 .. tasks LOOP
        SELECT k.job INTO task FROM t.take() k;
        COMMIT;
        PERFORM FROM t.sync(t.ended(task, 'exit_code', CASE WHEN t.index_of(task) = ANY (failing) THEN 3 ELSE 0 END));
        COMMIT;
    END LOOP;
END $$;
SELECT rcq.cancel(id) FROM rcq.jobs WHERE status IN ('pending', 'assigned') ORDER BY id;
SET ROLE regress_ann;
SELECT rcq.submit('task', "array" => '0-14:2%3', name => 'tasks') AS id \gset
SET ROLE regress_node_a;
CALL t.run_tasks(1, '{0}');
SET ROLE regress_ann;
SELECT code FROM t.errors(format('SELECT * FROM rcq.resubmit(ARRAY[%s])', :id), format('SELECT rcq.resubmit_failed_tasks(%s)', :id), format('SELECT rcq.requeue(%s)', :id));
SET ROLE regress_node_a;
CALL t.run_tasks(7, '{4,6,8,14}');
SET ROLE regress_ann;
SELECT t.wait(format('(SELECT status = ''failed'' FROM rcq.jobs WHERE id = %s)', :id));
SELECT id = :id AS whole, array_index, reason, exit_code FROM rcq.dead_jobs ORDER BY array_index NULLS FIRST;
SELECT regexp_replace(message, '[0-9]+ ', '# ') AS message FROM t.errors(format('SELECT * FROM rcq.resubmit(ARRAY[%s])', (SELECT min(id) FROM rcq.dead_jobs WHERE array_id = :id)));
SELECT rcq.resubmit_failed_tasks(:id) AS again \gset
SELECT indices, throttle, size FROM rcq.arrays WHERE id = :again;
SELECT count(*) FROM rcq.dead_jobs;
SET ROLE regress_node_a;
CALL t.run_tasks(5, '{8}');
SET ROLE regress_ann;
SELECT t.wait(format('(SELECT status = ''failed'' FROM rcq.jobs WHERE id = %s)', :again));
-- in bulk it is the same
SELECT rcq.resubmit_failed(name => 'tasks');
SELECT indices, throttle, size FROM rcq.arrays WHERE id > :again;
SET ROLE regress_node_a;
CALL t.run_tasks(1, '{}');
SET ROLE regress_ann;
SELECT t.wait('(SELECT status = ''completed'' FROM rcq.jobs WHERE id = (SELECT max(id) FROM rcq.arrays))');
SELECT code, regexp_replace(message, '[0-9]+', '#') AS message FROM t.errors(format('SELECT rcq.resubmit_failed_tasks(%s)', (SELECT max(id) FROM rcq.arrays)));
RESET ROLE;
-- a report may carry a result, which is kept when the job completes
SELECT rcq.cancel(id) FROM rcq.jobs WHERE status IN ('pending', 'assigned') ORDER BY id;
SELECT rcq.submit('with a result') AS id \gset
SET ROLE regress_node_a;
SELECT job = :id AS it FROM t.take();
SELECT kind, body FROM t.sync(t.ended(:id, more => '{"result": {"sum": 6}}'));
RESET ROLE;
SELECT result FROM rcq_private.outcome WHERE job_id = :id;
-- what is one's own is found by index
CREATE FUNCTION t.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
-- among many that failed long ago
BEGIN;
INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status)
SELECT 900000 + i, '2019-01-01', u.id, 1, 5, 1, 'failed' FROM generate_series(1, 5000) i, rcq.users u WHERE u.role_name = 'regress_ann';
ANALYZE rcq_private.outcome;
SET ROLE regress_ann;
SET enable_seqscan = off;
SELECT count(*) > 0 AS by_user_and_time FROM t.plan('SELECT id FROM rcq.dead_jobs WHERE ended_at > ''2020-01-01''') p WHERE p ~ 'Index Cond: .*user_id = .*ended_at > ';
ROLLBACK;
\i :end
