-- Jobs that wait for other jobs: every kind, what can never be met, graphs, errors, the view and the explanation.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben');
SELECT t.node('regress_node_a');
-- what a job waits for is looked at by the scheduler: polled
CREATE FUNCTION t.status(ids bigint[], expected text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '20 s';
    found_ text;
BEGIN
    LOOP
        SELECT string_agg(concat_ws('/', j.status, CASE WHEN j.status <> 'pending' OR j.reason IN ('dependency', 'held', 'begin_time') THEN j.reason END), ' ' ORDER BY j.id) INTO found_ FROM rcq.jobs j WHERE j.id = ANY (ids);
        IF found_ = expected OR clock_timestamp() > deadline THEN RETURN found_; END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;

-- waits until a job, perhaps a held one, waits for no other job
CREATE FUNCTION t.free(id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT t.wait(format('NOT EXISTS (SELECT FROM rcq.dependencies WHERE job_id = %s)', id))
$$;

-- every kind, on a job that starts, and fails
SET ROLE regress_ann;
SELECT rcq.submit('job 1'), rcq.submit('job 2', depends_on => 'after:1', hold => true), rcq.submit('job 3', depends_on => 'afterany:1', hold => true),
       rcq.submit('job 4', depends_on => 'afterok:1', hold => true), rcq.submit('job 5', depends_on => 'afternotok:1', hold => true),
       rcq.submit('job 6', depends_on => 'afterok:1', on_dependency_failed => 'wait', hold => true);
SELECT * FROM rcq.dependencies ORDER BY job_id;
SELECT t.wait($$(SELECT reason = 'no_executor' FROM rcq.jobs WHERE id = 1)$$);
SELECT id, status, reason, depends_on FROM rcq.jobs ORDER BY id;
SELECT count(*) FROM rcq.queue WHERE position IS NOT NULL;
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8);
SELECT * FROM t.take();
SET ROLE regress_ann;
SELECT t.free(2);
SELECT job_id, kind, on_job, on_status FROM rcq.dependencies ORDER BY job_id;
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(1, exit_code => 3));
SET ROLE regress_ann;
SELECT t.status('{1,4}', 'failed/exit_code failed/dependency_failed');
SELECT id, message FROM rcq.jobs WHERE id = 4;
SELECT * FROM rcq.dependencies;
SELECT message, data->>'on_status' AS on_status FROM rcq.explain(6) WHERE reason IN ('dependency', 'cancel');
SELECT rcq.cancel(id) FROM rcq.jobs WHERE status = 'pending' ORDER BY id;
SELECT * FROM rcq.dependencies;

-- jobs that have ended already: job 1 failed, job 2 was cancelled
SELECT rcq.submit('job 7', depends_on => 'after:1,afterany:1:2,afternotok:1:2', hold => true), rcq.submit('job 8', depends_on => 'afterok:1:2'), rcq.submit('job 9', depends_on => 'afterok:8');
SELECT t.free(7), t.status('{8,9}', 'failed/dependency_failed failed/dependency_failed');
SELECT id, message FROM rcq.jobs WHERE id IN (8, 9) ORDER BY id;
SELECT rcq.cancel(7);

-- a job that was released starts; its waiting counts from then, and not before its begin
SELECT rcq.submit('job 10'), rcq.submit('job 11', depends_on => 'afterok:10'), rcq.submit('job 12', depends_on => 'afterany:10', begin_time => clock_timestamp() + interval '1 hour');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(t.ended(10));
SELECT * FROM t.take();
SET ROLE regress_ann;
RESET ROLE;
SELECT j.id, l.eligible_at > o.ended_at AS after_the_end, l.eligible_at > clock_timestamp() + interval '59 min' AS at_its_begin
  FROM rcq.jobs j, rcq_private.live l, rcq_private.outcome o WHERE j.id IN (11, 12) AND l.job_id = j.id AND o.job_id = 10 ORDER BY 1;
SET ROLE regress_ann;
SELECT t.status('{12}', 'pending/begin_time');
SELECT rcq.cancel(12), rcq.cancel(11);
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(11));

-- singletons: one after the other, per user and name
SET ROLE regress_ann;
SELECT rcq.submit('job 13', name => 'nightly', depends_on => 'singleton', hold => true), rcq.submit('job 14', name => 'nightly', depends_on => 'singleton', hold => true),
       rcq.submit('job 15', name => 'other', depends_on => 'singleton', hold => true), rcq.submit('job 16', name => 'nightly', depends_on => 'singleton', hold => true);
SELECT t.wait($$(SELECT array_agg(on_job ORDER BY job_id) = '{13,14}' FROM rcq.dependencies)$$);
SELECT rcq.cancel(14);
SELECT t.wait($$(SELECT array_agg(on_job ORDER BY job_id) = '{13}' FROM rcq.dependencies)$$);
SELECT rcq.cancel(13);
SELECT t.free(16);
SELECT rcq.cancel(15), rcq.cancel(16);

-- a job that waits is cancelled, and what waits for it follows; a chain fails in one go
SELECT rcq.submit('job 17', hold => true), rcq.submit('job 18', depends_on => 'afterok:17'), rcq.submit('job 19', depends_on => 'afterok:18'), rcq.submit('job 20', depends_on => 'afternotok:19', hold => true);
SELECT rcq.cancel(18);
SELECT t.status('{17,18,19}', 'pending/held cancelled failed/dependency_failed'), t.free(20);
SELECT message FROM rcq.jobs WHERE id = 19;
SELECT rcq.cancel(20);

-- why it waits
SELECT rcq.submit('job 21', depends_on => 'afterok:17');
SELECT kind, reason, message, data FROM rcq.explain(21) WHERE reason IN ('dependency', 'release', 'cancel');
SET ROLE regress_ben;
SELECT * FROM rcq.dependencies;
SET ROLE regress_ann;
SELECT rcq.cancel(17);
SELECT t.status('{21}', 'failed/dependency_failed');

-- array jobs: whole, by task, task by task
SELECT rcq.submit('job 22', "array" => '1-3'), rcq.submit('job 23', depends_on => 'afterok:22', hold => true), rcq.submit('job 24', depends_on => 'after:22', hold => true),
       rcq.submit('job 25', "array" => '1-3', depends_on => 'aftercorr:22');
SELECT rcq.submit('waits for one task', depends_on => 'afterok:22_2', hold => true) AS of_task \gset
SELECT kind, on_job = rcq.task(22, 2) AS on_the_task FROM rcq.dependencies WHERE job_id = :of_task;
SELECT rcq.task(22, 1) AS t1, rcq.task(22, 2) AS t2, rcq.task(22, 3) AS t3 \gset
SET ROLE regress_node_a;
SELECT attempt FROM t.take(3);
SET ROLE regress_ann;
SELECT t.free(24);
SELECT kind, on_job, on_status FROM rcq.dependencies WHERE job_id IN (23, 25) ORDER BY job_id;
SET ROLE regress_node_a;
SELECT answer.body FROM t.sync(t.ended(:t2)) AS answer;
SELECT attempt FROM t.take(1); -- task 2 of job 25
SET ROLE regress_ann;
SELECT t.free(:of_task);
SELECT index, status, reason FROM rcq.tasks(25);
SET ROLE regress_node_a;
SELECT answer.body FROM t.sync(t.ended(:t1, exit_code => 1)) AS answer;
SET ROLE regress_ann;
SELECT t.wait($$(SELECT status = 'failed' FROM rcq.tasks(25, '1'))$$);
SELECT index, status, reason, message FROM rcq.tasks(25, '1');
SET ROLE regress_node_a;
SELECT answer.body FROM t.sync(t.ended(:t3)) AS answer;
SELECT attempt FROM t.take(1); -- task 3 of job 25
SET ROLE regress_ann;
SELECT t.status('{22,23}', 'failed/tasks_failed failed/dependency_failed');
SELECT message FROM rcq.jobs WHERE id = 23;
SELECT index, status, reason FROM rcq.tasks(25);
SELECT rcq.submit('an array that fails as a whole', "array" => '1-4', depends_on => 'afterok:23') AS lost \gset
SELECT t.status(ARRAY[:lost], 'failed/dependency_failed');
SELECT size, waiting, completed, failed, cancelled FROM rcq.arrays WHERE id = :lost;
-- a task that was made by itself waits with its array
SELECT rcq.submit('blocked array', "array" => '1-4', depends_on => 'afterok:24') AS blocked \gset
SELECT rcq.task(:blocked, 2) AS early \gset
SELECT t.status(ARRAY[:early], 'pending/dependency');
SELECT replace(message, :'blocked', 'A') AS message FROM rcq.explain(:early) WHERE reason IN ('dependency', 'cancel');
SELECT rcq.cancel(24);
SELECT t.status(ARRAY[:blocked, :early], 'failed/dependency_failed failed/dependency_failed');
SELECT size, waiting, completed, failed, cancelled FROM rcq.arrays WHERE id = :blocked;
SELECT rcq.cancel(:of_task);
-- tasks on hold follow theirs, too, when they are released: here task 2, while task 3 waits for ever
SELECT rcq.submit('predecessors', "array" => '1-3', hold => true) AS first \gset
SELECT rcq.submit('followers', "array" => '1-3', depends_on => 'aftercorr:' || :first, on_dependency_failed => 'wait') AS second \gset
SELECT rcq.hold(:second, '2');
SELECT rcq.release(:first, '1-2');
SET ROLE regress_node_a;
SELECT job AS t1 FROM t.take(2) ORDER BY job LIMIT 1 \gset
SELECT answer.body FROM t.sync(t.ended(:t1) || t.ended(:t1 + 1)) AS answer;
SELECT job AS f1 FROM t.take(1) \gset
SELECT answer.body FROM t.sync(t.ended(:f1)) AS answer;
SET ROLE regress_ann;
SELECT rcq.cancel(:first);
SELECT t.status(ARRAY[:first], 'cancelled');
RESET ROLE;
SELECT cycles + 2 AS enough FROM rcq.scheduler \gset
SELECT t.wait(format('(SELECT cycles >= %s FROM rcq.scheduler)', :enough));
SET ROLE regress_ann;
SELECT index, status, reason FROM rcq.tasks(:second) WHERE index <> 2 ORDER BY index;
SELECT rcq.release(:second, '2');
SET ROLE regress_node_a;
SELECT job AS f2 FROM t.take(1) \gset
SELECT answer.body FROM t.sync(t.ended(:f2)) AS answer;
SET ROLE regress_ann;
SELECT index, status, reason FROM rcq.tasks(:second) ORDER BY index;
SELECT rcq.cancel(:second);
-- a task that was made by itself waits for the begin of its array
SELECT rcq.submit('predecessor', hold => true) AS before \gset
SELECT rcq.submit('late array', "array" => '1-4', depends_on => 'afterany:' || :before, begin_time => clock_timestamp() + interval '1 hour') AS late \gset
SELECT rcq.task(:late, 2) AS early \gset
SELECT rcq.cancel(:before);
SELECT t.status(ARRAY[:late, :early], 'pending/begin_time pending/begin_time');
SELECT rcq.cancel(:late);

-- graphs
SELECT count(*) AS jobs_before FROM rcq.jobs \gset
SELECT job_id - min(job_id) OVER () AS n, key FROM rcq.submit_graph('[
    {"key": "a", "script": "a", "hold": true}, {"key": "b", "script": "b", "needs": ["a"]}, {"key": "c", "script": "c", "needs": {"afterok": ["a"], "afterany": ["a"]}},
    {"key": "d", "script": "d", "needs": ["b", "c", "b"], "depends_on": "afternotok:1"}]') ORDER BY job_id;
SELECT max(id) AS d FROM rcq.jobs \gset
SELECT t.wait($$(SELECT count(*) = 5 FROM rcq.dependencies)$$);
SELECT job_id - :d AS job, kind, on_job - :d AS on_job FROM rcq.dependencies ORDER BY 1, 2, 3;
SELECT rcq.cancel(:d - 3);
SELECT t.status(ARRAY[:d - 2, :d - 1, :d], 'failed/dependency_failed failed/dependency_failed failed/dependency_failed');
SELECT count(*) - :jobs_before AS more FROM rcq.jobs;
-- a key that stands for a job that is there, which is also named as such: one dependency
SELECT rcq.submit('there already', hold => true, idempotency_key => 'there') AS there \gset
SELECT key, job_id = :there AS is_there FROM rcq.submit_graph(format('[
    {"key": "a", "script": "a", "idempotency_key": "there"},
    {"key": "b", "script": "b", "needs": {"afterany": ["a"]}, "depends_on": "afterany:%1$s,after:%1$s"}]', :there)::jsonb);
SELECT kind, on_job = :there AS on_there FROM rcq.dependencies WHERE on_job = :there ORDER BY kind;
SELECT rcq.cancel(:there);
SET ROLE regress_node_a;
SELECT job AS b FROM t.take(1) \gset
SELECT answer.body FROM t.sync(t.ended(:b)) AS answer;
SET ROLE regress_ann;

-- what is refused, with nothing stored
SET ROLE regress_ben;
SELECT rcq.submit('ben''s job', hold => true) AS bens \gset
SELECT set_config('t.bens', :'bens', false);
SET ROLE regress_ann;
SELECT code, replace(message, current_setting('t.bens'), 'N') AS message, hint FROM t.errors(
    $$SELECT rcq.submit('x', depends_on => 'afterok:' || current_setting('t.bens'))$$,
    $$SELECT rcq.submit('x', depends_on => 'afterok:999999')$$,
    $$SELECT rcq.submit_many('[{"script": "x"}, {"script": "x", "depends_on": "afterok:999999"}]')$$,
    $$SELECT rcq.submit('x', depends_on => 'afterok:1?afterok:2')$$,
    $$SELECT rcq.submit_many('[{"script": "x"}, {"script": "x", "depends_on": "before:1"}]')$$,
    $$SELECT rcq.submit('x', depends_on => '')$$,
    $$SELECT rcq.submit('x', depends_on => 'singleton')$$,
    $$SELECT rcq.submit('x', depends_on => 'afterok:1_7')$$,
    $$SELECT rcq.submit('x', depends_on => 'afterok:22_7')$$,
    $$SELECT rcq.submit('x', depends_on => 'aftercorr:1', "array" => '1-3')$$,
    $$SELECT rcq.submit('x', depends_on => 'aftercorr:22')$$,
    $$SELECT rcq.submit('x', depends_on => 'aftercorr:22', "array" => '1-4')$$,
    $$SELECT rcq.submit_graph(NULL)$$,
    $$SELECT rcq.submit_graph('{"a": 1}')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x"}, 7]')$$,
    $$SELECT rcq.submit_graph('[{"script": "x"}]')$$,
    $$SELECT rcq.submit_graph('[{"key": 7, "script": "x"}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "", "script": "x"}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x"}, {"key": "a", "script": "x"}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "idempotency_key": "i"}, {"key": "b", "script": "x", "idempotency_key": "i"}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "needs": "b"}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "needs": [1]}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "needs": {"before": ["b"]}}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "needs": {"afterany": "b"}}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "needs": ["b"]}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "needs": ["a"]}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "needs": ["b"]}, {"key": "b", "script": "x", "needs": {"after": ["c"]}}, {"key": "c", "script": "x", "needs": ["a"]}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x", "array": "1-3"}, {"key": "b", "script": "x", "array": "1-4", "needs": {"aftercorr": ["a"]}}]')$$,
    $$SELECT rcq.submit_graph('[{"key": "a", "script": "x"}, {"key": "b", "script": "x", "colour": "red"}]')$$,
    $$SELECT rcq.submit_graph((SELECT jsonb_agg('{"key": "a"}'::jsonb) FROM generate_series(1, 100001)))$$,
    $$SELECT rcq.submit_graph((SELECT jsonb_build_array(jsonb_build_object('key', 'a', 'script', 'x', 'needs', jsonb_agg('b'::text))) FROM generate_series(1, 1000001)))$$);
SELECT count(*) - :jobs_before AS more FROM rcq.jobs;
SELECT count(*) FROM rcq.submit_graph('[]');
-- administrators may name any job
RESET ROLE;
SELECT rcq.submit('of the administrator', depends_on => 'afterany:' || :bens) AS mine \gset
SELECT kind, on_job = :bens AS on_bens, on_status FROM rcq.dependencies WHERE job_id = :mine;
\i :end
