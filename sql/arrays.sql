-- Array jobs: one row for all tasks; tasks become jobs of their own when they may be placed, or when somebody names one.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
\set QUIET on
CREATE EXTENSION rcq;
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben');
CREATE FUNCTION t.counts(job bigint) RETURNS text LANGUAGE sql AS $$
    -- whether a waiting task has its row already depends on the scheduler's pace
    SELECT format('%s waiting, %s held, %s assigned, %s running, %s completed, %s failed, %s cancelled', waiting + pending, held, assigned, running, completed, failed, cancelled)
      FROM rcq.arrays WHERE id = job $$;

-- what is no array
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', "array" => '1-0')$$,
    $$SELECT rcq.submit('true', "array" => '1-10%0')$$,
    $$SELECT rcq.submit('true', "array" => '1-1000000000000')$$,
    $$SELECT rcq.submit('true', "array" => '')$$,
    $$SELECT rcq.submit('true', "array" => 'a-b')$$,
    $$SELECT rcq.submit('true', "array" => '1-10:0')$$,
    $$SELECT rcq.submit('true', "array" => '-1')$$);
SELECT count(*) FROM rcq.jobs;

-- one row, whatever the number of tasks; nothing fits here, so one task stands for all in the queue
SELECT rcq.submit('echo $RCQ_ARRAY_INDEX', "array" => '1-1000000:2%50', name => 'sweep', tags => '{b,a,b}') AS job \gset
SELECT status, array_spec, array_size, name, tags FROM rcq.jobs WHERE id = :job;
SELECT t.wait(format($$(SELECT pending = 1 AND waiting = 499999 FROM rcq.arrays WHERE id = %s)$$, :job));
SELECT indices, throttle, size, t.counts(id) FROM rcq.arrays;
SELECT t.wait(format($$(SELECT reason = 'no_executor' FROM rcq.jobs WHERE array_id = %s)$$, :job));
SELECT id = :job AS is_array, script, array_index, reason, tags FROM rcq.jobs WHERE :job IN (id, array_id) ORDER BY id;
SELECT index, job_id IS NOT NULL AS has_row, status FROM rcq.tasks(:job, '1-9');
SELECT count(*) FROM rcq.tasks(:job, '999001-1000000');
SELECT * FROM t.errors(
    format($$SELECT rcq.tasks(%s, '2')$$, :job), format($$SELECT rcq.tasks(%s, 'x')$$, :job), $$SELECT rcq.tasks(4711)$$,
    format($$SELECT rcq.cancel(%s, '2000000')$$, :job), format($$SELECT rcq.task(%s, 2)$$, :job), format($$SELECT rcq.task(%s, NULL)$$, :job));

-- one task, a range, all: held, released, cancelled
SELECT rcq.hold(:job, '11-19');
SELECT t.counts(:job);
SELECT * FROM t.errors(format($$SELECT rcq.hold(%s, '11-19')$$, :job), format($$SELECT rcq.release(%s, '101')$$, :job));
SELECT rcq.release(:job, '15');
SELECT index, status, reason FROM rcq.tasks(:job, '9-17') WHERE index > 1;
SELECT rcq.cancel(:job, '21-99');
SELECT rcq.cancel(:job, '11');
SELECT t.counts(:job);
SELECT status, count(*) FROM rcq.tasks(:job, '11-101') GROUP BY 1 ORDER BY 1;
SELECT rcq.hold(:job);
SELECT t.counts(:job);
SELECT * FROM t.errors(format($$SELECT rcq.hold(%s)$$, :job));
SELECT rcq.release(:job);
SELECT cycles + 2 AS enough FROM rcq.scheduler \gset
SELECT t.wait(format('(SELECT cycles >= %s FROM rcq.scheduler)', :enough));
SELECT t.counts(:job);
-- a task that is named gets a row of its own, and keeps it
SELECT rcq.task(:job, 999999) AS task \gset
SELECT rcq.task(:job, 999999) = :task AS same, (SELECT status || ' ' || array_index FROM rcq.jobs WHERE id = :task) AS found;
SELECT rcq.set_priority(:task, 9);
SELECT priority FROM rcq.jobs WHERE id = :task;
SELECT rcq.task(:job, 21) AS withdrawn \gset
SELECT status FROM rcq.jobs WHERE id = :withdrawn;
SELECT rcq.set_array_throttle(:job, 7);
SELECT throttle FROM rcq.arrays WHERE id = :job;
SELECT code, regexp_replace(message, 'job [0-9]+', 'job N') AS message, hint FROM t.errors(format($$SELECT rcq.set_array_throttle(%s, 0)$$, :job), format($$SELECT rcq.set_array_throttle(%s, 1)$$, :task), format($$SELECT rcq.cancel(%s, '1')$$, :task));

-- other people's arrays do not exist
SET ROLE regress_ben;
SELECT count(*) FROM rcq.arrays;
SELECT * FROM t.errors(format($$SELECT rcq.tasks(%s)$$, :job), format($$SELECT rcq.task(%s, 1)$$, :job), format($$SELECT rcq.cancel(%s, '1')$$, :job),
                       format($$SELECT rcq.set_array_throttle(%s, 1)$$, :job));
RESET ROLE;

-- the rest is cancelled, and the array has ended
SELECT rcq.cancel(:job);
SELECT t.wait(format($$(SELECT status = 'cancelled' FROM rcq.jobs WHERE id = %s)$$, :job));
SELECT t.counts(:job);
SELECT message FROM rcq.jobs WHERE id = :job;
SELECT * FROM t.errors(format($$SELECT rcq.cancel(%s, '1')$$, :job));

-- tasks are placed in the order of their indices, no more at a time than the throttle says, and counted as they end
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8);
RESET ROLE;
SET ROLE regress_ann;
SELECT rcq.submit('task', "array" => '0-5%3', max_retries => 0) AS job \gset
RESET ROLE;
SELECT :job AS base \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(3);
RESET ROLE;
SELECT t.wait(format($$(SELECT status = 'running' FROM rcq.jobs WHERE id = %s)$$, :job));
-- what runs is the tasks, not the array
SELECT running_jobs, running_cores FROM rcq.group_usage WHERE group_name = 'default';
SELECT t.counts(:job);
SELECT array_index, status, reason FROM rcq.jobs WHERE array_id = :job ORDER BY 1;
SELECT t.wait(format($$(SELECT bool_or(reason = 'array_throttle') FROM rcq.explain(%s) WHERE kind = 'blocker')$$, rcq.task(:job, 5)));
SELECT kind, reason, regexp_replace(message, '(array |throttle.)[0-9]+', '\1N', 'g') FROM rcq.explain(rcq.task(:job, 5)) WHERE reason IN ('array_throttle', 'raise_throttle');
SELECT id AS t0 FROM rcq.jobs WHERE array_id = :job AND array_index = 0 \gset
SELECT id AS t1 FROM rcq.jobs WHERE array_id = :job AND array_index = 1 \gset
SELECT id AS t2 FROM rcq.jobs WHERE array_id = :job AND array_index = 2 \gset
SET ROLE regress_node_a;
SELECT kind, body FROM t.sync(t.ended(:t0) || t.ended(:t1, 'exit_code', 3));
SELECT count(*) FROM t.take(2);
RESET ROLE;
SELECT t.counts(:job);
SELECT rcq.cancel(:job, '2');
SELECT id AS t3 FROM rcq.jobs WHERE array_id = :job AND array_index = 3 \gset
SELECT id AS t5 FROM rcq.jobs WHERE array_id = :job AND array_index = 5 \gset
SET ROLE regress_node_a;
SELECT kind, body FROM t.sync(t.ended(:t2, 'cancelled') || t.ended(:t3) || t.ended(:t5));
SELECT count(*) FROM t.take(1);
RESET ROLE;
SELECT id AS t4 FROM rcq.jobs WHERE array_id = :job AND array_index = 4 \gset
SET ROLE regress_node_a;
SELECT kind, body FROM t.sync(t.ended(:t4));
RESET ROLE;
SELECT t.wait(format($$(SELECT status = 'failed' FROM rcq.jobs WHERE id = %s)$$, :job));
SELECT status, reason, message FROM rcq.jobs WHERE id = :job;
SELECT t.counts(:job);
SELECT index, status, reason, exit_code FROM rcq.tasks(:job);
SELECT count(*) FROM rcq_private.live;
SELECT count(*) FROM rcq_private.array_end;

-- tasks are nobody's submissions: an array is one of them, whatever becomes of its tasks
SELECT rcq.set('submit_rate_per_user', '4');
SELECT rcq.add_user('regress_cat');
SET ROLE regress_cat;
SELECT rcq.submit('wide', "array" => '1-100', cpu_cores => 64) AS job \gset
SELECT count(rcq.task(:job, i)) FROM generate_series(1, 10) i;
SELECT count(rcq.submit('x', hold => true)) FROM generate_series(1, 3);
SELECT code FROM t.errors($$SELECT rcq.submit('one too many')$$);
RESET ROLE;
SELECT rcq.set('submit_rate_per_user', '0');

-- an array on hold: a task that is named waits with it, and one that is released leaves the others on hold
SELECT rcq.submit('true', "array" => '1-6', hold => true) AS job \gset
SELECT rcq.task(:job, 2) AS named \gset
SELECT t.wait(format($$(SELECT reason = 'held' FROM rcq.jobs WHERE id = %s)$$, :named));
SELECT t.counts(:job);
SELECT rcq.release(:job, '2,4');
SELECT t.wait(format($$(SELECT bool_and(status = 'assigned') FROM rcq.tasks(%s, '2,4'))$$, :job));
SELECT index, status, reason FROM rcq.tasks(:job) WHERE status = 'pending';
SELECT t.counts(:job);
SELECT * FROM t.errors(format($$SELECT rcq.release(%s, '4')$$, :job));
SELECT rcq.release(:job);
SELECT t.wait(format($$(SELECT assigned = 6 FROM rcq.arrays WHERE id = %s)$$, :job));
SELECT rcq.cancel(:job);
SELECT t.wait(format($$(SELECT status = 'cancelled' FROM rcq.jobs WHERE id = %s)$$, :job));
\i :end
