-- What a host can do wrong: not start what it was given, break down until somebody looks, store more than anybody needs;
-- and what it is told when settings change.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register();
SELECT executor AS a FROM t.process \gset

-- a run that the host could not start waits again, whatever requeue and max_retries say, as long as before and uncharged
RESET ROLE;
SELECT rcq.submit('job 1', requeue => false);
SELECT eligible_at AS before FROM rcq_private.live \gset
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT t.ended(1, 'not_started', more => '{"message": "the prolog failed"}') AS report \gset
SELECT * FROM t.sync(finished => :'report');
SELECT * FROM t.sync(finished => :'report');
RESET ROLE;
SELECT failures, losses, preempted, eligible_at = :'before' AS waits_as_long FROM rcq_private.live;
SELECT attempt, status, reason, message, ended_at IS NOT NULL AS ended FROM rcq.runs WHERE reason IS NOT NULL;
SELECT count(*) AS charged FROM rcq_private.usage;
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(1));
RESET ROLE;
SELECT status, reason, attempt FROM rcq.jobs WHERE id = 1;
SELECT count(*) AS charged FROM rcq_private.usage;

-- but not for ever: counted with what was lost
SELECT rcq.set('max_losses', '2');
SELECT rcq.submit('job 2', max_retries => 5, retry_on => '{spawn_error}');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(2, 'not_started'));
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(2, 'cancelled'));
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(2, 'not_started', more => '{"message": "no space left"}'));
RESET ROLE;
SELECT attempt, status, reason, message FROM rcq.runs WHERE job_id = 2 ORDER BY attempt;
SELECT reason, regexp_replace(message, ' at .* after .*: its', ' at <time>: its') AS message FROM rcq.explain(2);
SELECT reason, message FROM rcq.dead_jobs;
SELECT count(*) AS charged FROM rcq_private.usage;
SELECT rcq.set('max_losses', NULL);
-- no end that a policy can name
SELECT * FROM t.errors($$SELECT rcq.submit('true', retry_on => '{not_started}')$$);

-- one that was to be cancelled is cancelled, one that was to be requeued is requeued
SELECT rcq.submit('job 3'), rcq.submit('job 4');
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
RESET ROLE;
SELECT rcq.cancel(3), rcq.requeue(4);
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(3, 'not_started') || t.ended(4, 'not_started')) ORDER BY job;
RESET ROLE;
SELECT job_id, status, reason FROM rcq.runs WHERE job_id IN (3, 4) AND reason IS NOT NULL ORDER BY job_id;
SELECT status FROM rcq.jobs WHERE id = 3;
SELECT losses FROM rcq_private.live WHERE job_id = 4;
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(4));

-- a drain until it is resumed: neither the process nor its successor ends it
SELECT rcq.executor_drain(:a, 1, 'failed prolog', until_resumed => true);
SELECT rcq.executor_drain(:a, 1, NULL);
SELECT t.register(incarnation => 2);
RESET ROLE;
SELECT status, reason, drain_mode FROM rcq.executors;
-- that of an administrator stays
SELECT rcq.resume_executor('regress_node_a');
SELECT status, reason, drain_mode FROM rcq.executors;
SELECT * FROM rcq.drain_executor('regress_node_a', 'new disk', 'requeue');
SET ROLE regress_node_a;
SELECT rcq.executor_drain(:a, 2, 'failed prolog', true);
RESET ROLE;
SELECT status, reason, drain_mode FROM rcq.executors;
SELECT rcq.resume_executor('regress_node_a');
-- but for one that has not begun
SELECT * FROM rcq.drain_executor('regress_node_a', 'new firmware', 'requeue', now() + interval '1 hour');
SET ROLE regress_node_a;
SELECT rcq.executor_drain(:a, 2, 'failed prolog', true);
RESET ROLE;
SELECT status, reason, drain_mode, drain_at FROM rcq.executors;
SELECT rcq.submit('job 5');
SELECT t.wait($$(SELECT reason = 'drained' FROM rcq.queue WHERE id = 5)$$);
SELECT rcq.resume_executor('regress_node_a');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.errors(format('SELECT rcq.executor_drain(%s, 2, NULL, true)', :a));
-- what is not asked to stay ends as before
SELECT rcq.executor_drain(:a, 2, 'little free disk', until_resumed => NULL);
SELECT rcq.executor_drain(:a, 2, NULL);
RESET ROLE;
SELECT status FROM rcq.executors;

-- the answer to a list begins with the terms as they are now
SELECT rcq.set('lease', '17 s'), rcq.set('lost_after', '170 s');
SET ROLE regress_node_a;
SELECT kind, body FROM rcq.executor_sync(:a, 2, 0, '{4711}', t.ended(5), NULL, 0);
SELECT count(*) AS "without a list" FROM rcq.executor_sync(:a, 2, 0, NULL, NULL, NULL, 0) WHERE kind = 'terms';
RESET ROLE;
SELECT rcq.set('lease', NULL), rcq.set('lost_after', NULL);

-- names of files are cut, and their number
SELECT rcq.submit('job 6'), rcq.submit('job 7');
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
SELECT * FROM t.sync(finished => t.ended(6, more => jsonb_build_object('output_dir', repeat('d', 4097), 'files',
    (SELECT jsonb_agg(jsonb_build_object('name', n || repeat('x', 1000), 'bytes', n, 'more', 'x')) FROM generate_series(1, 101) n))));
SELECT * FROM t.errors(format('SELECT t.sync(finished => t.ended(7, more => %L))', '{"output_dir": "/d", "files": "a.txt"}'), format('SELECT t.sync(finished => t.ended(7, more => %L))', '{"output_dir": "/d", "files": ["a.txt"]}'));
SELECT * FROM t.sync(finished => t.ended(7, more => '{"output_dir": "/d", "files": [{"name": "b", "bytes": 2}, {"name": "a", "bytes": 1}]}'));
RESET ROLE;
SELECT length(output ->> 'dir') AS dir, jsonb_array_length(output -> 'files') AS files, output -> 'files' -> 99 ->> 'bytes' AS last, length(output -> 'files' -> 99 ->> 'name') AS name,
       (SELECT count(*) FROM jsonb_object_keys(output -> 'files' -> 0)) AS keys FROM rcq.jobs WHERE id = 6;
SELECT output FROM rcq.jobs WHERE id = 7;

-- of the output of one run so much is stored and no more, in pieces of whatever size; of the next one as much again
SELECT rcq.submit('job 8'), rcq.submit('job 9');
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
SELECT count(*) AS mib FROM generate_series(1, 70) n WHERE t.log(8, n, 'stdout', repeat('x', 1048576)::bytea) = 'taken';
SELECT count(*) AS taken FROM generate_series(101, 200) n WHERE t.log(8, n, 'stdout', 'y') = 'taken';
SELECT t.log(9, 1, 'stdout', 'z');
RESET ROLE;
SELECT octet_length(rcq.logs_raw(8)) / 1048576 AS mib, octet_length(rcq.logs_raw(9)) AS bytes;
SELECT rcq.requeue(8);
-- told before it reports the end: else the order may come between a report that must be repeated and the next
SELECT t.wait($$EXISTS (SELECT FROM rcq_private.command c WHERE c.job_id = 8 AND c.kind = 'cancel')$$);
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(8, 'cancelled') || t.ended(9)) ORDER BY job;
SELECT * FROM t.take();
SELECT t.log(8, 1, 'stdout', 'z');
SELECT * FROM t.sync(finished => t.ended(8));
\i :end
