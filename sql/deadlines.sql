-- A job that has not ended by its deadline fails: one that runs is killed by its executor, the others end here.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann');
SELECT t.node('regress_node_a');

-- pending, held, delayed; those without a deadline wait on
SET ROLE regress_ann;
SELECT rcq.submit('job 1', deadline => clock_timestamp() + interval '300 ms'), rcq.submit('job 2', hold => true, deadline => clock_timestamp() + interval '200 ms'),
       rcq.submit('job 3', deadline => clock_timestamp() + interval '1 hour'), rcq.submit('job 4', begin_time => clock_timestamp() + interval '100 ms', deadline => clock_timestamp() + interval '400 ms'), rcq.submit('job 5');
SELECT t.wait($$(SELECT count(*) = 3 FROM rcq.jobs WHERE status = 'failed')$$);
SELECT id, status, reason, message, attempt, started_at FROM rcq.jobs WHERE status <> 'pending' ORDER BY id;
RESET ROLE;
SELECT j.id, o.ended_at - j.deadline BETWEEN '0' AND '2 s' AS in_time FROM rcq_private.job j JOIN rcq_private.outcome o ON o.job_id = j.id ORDER BY j.id;
SET ROLE regress_ann;
SELECT id FROM rcq.jobs WHERE status = 'pending' ORDER BY id;
SELECT id, reason FROM rcq.dead_jobs ORDER BY id;
SELECT rcq.cancel(3), rcq.cancel(5);

-- assigned and not claimed: its place is free for the next one, its command gone
RESET ROLE;
SELECT rcq.set('claim_timeout', '1 h');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 1);
SET ROLE regress_ann;
SELECT rcq.submit('job 6', deadline => clock_timestamp() + interval '1500 ms');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 6)$$);
SELECT rcq.submit('job 7');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 7)$$);
SELECT status, reason, attempt, executor FROM rcq.jobs WHERE id = 6;
RESET ROLE;
SELECT job_id, kind FROM rcq_private.command;
SELECT rcq.cancel(7);

-- running: it is told to take no longer than until the deadline, or its time limit, at least a second
SELECT rcq.submit('job 8', deadline => clock_timestamp() + interval '1 hour'), rcq.submit('job 9', deadline => clock_timestamp() + interval '1 hour', time_limit => '10 min'),
       rcq.submit('job 10', time_limit => '10 min');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT round((t.body(8)->>'time_limit_s')::numeric, -1) AS seconds;
RESET ROLE;
UPDATE rcq_private.live SET deadline = clock_timestamp() - interval '1 hour' WHERE job_id = 8;
SET ROLE regress_node_a;
SELECT t.body(8)->'time_limit_s' AS seconds;
SELECT * FROM t.sync(t.ended(8));
SELECT * FROM t.take();
SELECT t.body(9)->'time_limit_s' AS seconds;
SELECT * FROM t.sync(t.ended(9));
SELECT * FROM t.take();
SELECT t.body(10)->'time_limit_s' AS seconds;
SELECT * FROM t.sync(t.ended(10));
RESET ROLE;

-- a timeout before the deadline is one, and is retried; at the deadline it is the end, whatever retries are left
SELECT rcq.submit('job 11', max_retries => 5, deadline => clock_timestamp() + interval '1500 ms') AS id;
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(11, 'timeout', NULL, '{"message": "time limit of 1 s reached"}'));
SELECT * FROM t.take();
RESET ROLE;
SELECT t.wait($$(SELECT deadline < clock_timestamp() FROM rcq_private.job WHERE id = 11)$$);
-- its executor has the say while it runs
SELECT status FROM rcq.jobs WHERE id = 11;
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(11, 'timeout', NULL, '{"message": "time limit of 1 s reached"}'));
RESET ROLE;
SELECT status, reason, message, attempt FROM rcq.jobs WHERE id = 11;
SELECT attempt, status, reason FROM rcq.runs WHERE job_id = 11 ORDER BY attempt;

-- a failure whose next run would come too late: it fails when the deadline passes
SELECT rcq.submit('job 12', max_retries => 5, retry_delay => '1 hour', deadline => clock_timestamp() + interval '1500 ms') AS id;
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(12, 'exit_code', 1));
RESET ROLE;
SELECT status FROM rcq.jobs WHERE id = 12;
SELECT t.wait($$(SELECT status = 'failed' FROM rcq.jobs WHERE id = 12)$$);
SELECT reason, attempt FROM rcq.jobs WHERE id = 12;

-- many at once, one of them held by somebody: the others go on, and that one when it is let go
SELECT count(rcq.submit('one of many', hold => true, deadline => clock_timestamp() + interval '1 hour')) FROM generate_series(1, 3000);
WITH sooner AS (UPDATE rcq_private.live SET deadline = clock_timestamp() + interval '2 s' RETURNING rcq_private.touched(job_id)) SELECT count(*) FROM sooner;
BEGIN;
SELECT FROM rcq_private.live WHERE job_id = (SELECT min(job_id) FROM rcq_private.live) FOR UPDATE;
SELECT t.wait($$(SELECT count(*) = 1 FROM rcq_private.live)$$);
COMMIT;
SELECT t.wait($$(SELECT count(*) = 0 FROM rcq_private.live)$$);
SELECT reason, count(*) FROM rcq.jobs WHERE script = 'one of many' GROUP BY reason;

-- a call about what is not due, or not there, does nothing
SELECT rcq.submit('later', hold => true, deadline => clock_timestamp() + interval '1 hour') AS id \gset
SELECT rcq_private.expire(ARRAY[:id, 1, 987654321]), rcq_private.expire('{}'), rcq_private.expire(NULL);
SELECT status FROM rcq.jobs WHERE id = :id;
SELECT rcq.cancel(:id) IS NOT NULL;
-- tasks of arrays are counted; an array's waiting ones are withdrawn
BEGIN;
INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue, kill_on_disconnect, script, array_spec, array_size, array_id, array_index)
SELECT 900000 + n, clock_timestamp(), 1, 1, 1, 1, 0, 5, 0, true, false, '', CASE n WHEN 0 THEN '0-9' END, CASE n WHEN 0 THEN 10 END, CASE WHEN n > 0 THEN 900000 END, n - 1 FROM generate_series(0, 2) n;
INSERT INTO rcq_private.array (job_id, user_id, size, waiting, held) VALUES (900000, 1, 10, '{[2,6),[8,10)}', '{[7,8)}');
INSERT INTO rcq_private.live (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, max_retries, requeue, priority, eligible_at, array_id, tasks_waiting, deadline, held)
SELECT 900000 + n, 1, 1, 1, 1, 0, 0, true, 5, clock_timestamp(), CASE WHEN n > 0 THEN 900000 END, CASE n WHEN 0 THEN 6 END, clock_timestamp() - interval '1 s', n > 0 FROM generate_series(0, 2) n;
SELECT rcq_private.expire(ARRAY[900000, 900001, 900002]);
SELECT array_id, sum(completed) AS completed, sum(failed) AS failed, sum(cancelled) AS cancelled FROM rcq_private.array_end GROUP BY array_id;
SELECT waiting, held, withdrawn FROM rcq_private.array;
SELECT job_id, tasks_waiting FROM rcq_private.live;
SELECT job_id, status, reason FROM rcq_private.outcome WHERE job_id >= 900000 ORDER BY job_id;
ROLLBACK;
-- an array whose deadline comes while a task of it runs: nothing more is started, and it ends when that one has
SELECT rcq.submit('a task', "array" => '1-100', deadline => clock_timestamp() + interval '2 s') AS id \gset
SET ROLE regress_node_a;
SELECT job IS NOT NULL AS runs, job AS task FROM t.take() \gset
RESET ROLE;
SELECT t.wait(format('(SELECT waiting + held + pending + assigned = 0 FROM rcq_private.array_counts(%s))', :id));
SELECT status, (SELECT count(*) FROM rcq.tasks(:id) k WHERE k.status = 'running') AS running FROM rcq.jobs WHERE id = :id;
SET ROLE regress_node_a;
SELECT kind, body FROM t.sync(t.ended(:task, 'timeout'));
RESET ROLE;
SELECT t.wait(format('(SELECT status NOT IN (''pending'', ''running'') FROM rcq.jobs WHERE id = %s)', :id));
SELECT status, ended_at - deadline BETWEEN '0' AND '10 s' AS in_time FROM rcq.jobs WHERE id = :id;
SELECT DISTINCT status, reason FROM rcq.tasks(:id) ORDER BY 1;
SELECT size, completed, failed > 0 AS some_failed, failed + cancelled AS ended FROM rcq_private.array WHERE job_id = :id;
\i :end
