-- How jobs are, asked by key, and how far they say they are: of the run that goes on, never of the one before.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben'), rcq.add_user('regress_cat', is_admin => true);
SELECT t.node('regress_node_a');
-- What the acting executor says of the job's latest run, or of an earlier one.
CREATE FUNCTION t.progress(job bigint, percent integer, message bytea DEFAULT NULL, of_attempt integer DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT CASE rcq.executor_progress(p.executor, p.incarnation, ARRAY[k.job], ARRAY[k.token], ARRAY[percent], ARRAY[message]) WHEN '{}' THEN 'taken' ELSE 'stale' END
      FROM t.process p, t.token k WHERE p.name = current_user AND k.executor = current_user AND k.job = progress.job AND (of_attempt IS NULL OR k.attempt = of_attempt)
     ORDER BY k.attempt DESC LIMIT 1 $$;
-- job_states says what rcq.jobs says.
CREATE FUNCTION t.states(VARIADIC ids bigint[]) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN count(*) = 0 THEN 'same' ELSE 'differs: ' || string_agg(d::text, ', ') END
      FROM ((SELECT * FROM rcq.job_states(ids) EXCEPT SELECT id, status, reason, exit_code, signal, attempt, executor, started_at, ended_at, progress, progress_message, message FROM rcq.jobs WHERE id = ANY (ids))
            UNION ALL
            (SELECT id, status, reason, exit_code, signal, attempt, executor, started_at, ended_at, progress, progress_message, message FROM rcq.jobs WHERE id = ANY (ids) EXCEPT SELECT * FROM rcq.job_states(ids))) d $$;
GRANT USAGE ON SCHEMA t TO PUBLIC;

-- pending, of all kinds
SET ROLE regress_ann;
SELECT rcq.submit('job 1', max_retries => 2), rcq.submit('job 2', hold => true), rcq.submit('job 3', "array" => '1-4', hold => true);
SELECT t.wait($$(SELECT reason = 'no_executor' FROM rcq.jobs WHERE id = 1)$$);
SELECT id, status, reason, attempt, progress FROM rcq.job_states('{3,1,2,99,NULL,1}');
SELECT t.states(1, 2, 3);
SELECT * FROM rcq.job_states('{}');
SELECT * FROM rcq.job_states(NULL);
-- running
RESET ROLE;
SET ROLE regress_node_a;
SELECT t.register();
SELECT * FROM t.take();
SET ROLE regress_ann;
SELECT id, status, reason, attempt, executor, started_at < clock_timestamp() AS began, ended_at, progress, progress_message FROM rcq.job_states('{1}');
-- what it says, in the place of what it said before
SET ROLE regress_node_a;
SELECT t.progress(1, 10);
SET ROLE regress_ann;
SELECT id, progress, progress_message FROM rcq.job_states('{1}');
SELECT t.states(1);
SET ROLE regress_node_a;
SELECT t.progress(1, 40, 'epoch 4'), t.progress(1, 41, convert_to('für 日本', 'UTF8'));
SET ROLE regress_ann;
SELECT progress, progress_message, t.states(1) FROM rcq.jobs WHERE id = 1;
-- any bytes become a line of text
SET ROLE regress_node_a;
SELECT t.progress(1, 42, '\x66fc720a6d6f7265');
SET ROLE regress_ann;
SELECT progress, progress_message FROM rcq.jobs WHERE id = 1;
-- the last one of a job in a call counts; the same again writes nothing
SET ROLE regress_node_a;
SELECT executor, incarnation FROM t.process \gset
SELECT token FROM t.token \gset
SELECT rcq.executor_progress(:executor, :incarnation, '{1,1,99,2}', ARRAY[:token, :token, 5, :token], '{50,51,52,53}', '{a,b,c,d}') = ARRAY[5, :token]::bigint[] AS stale;
SET ROLE regress_ann;
SELECT progress, progress_message FROM rcq.jobs WHERE id = 1;
RESET ROLE;
SELECT at AS stored, xmin AS by FROM rcq_private.progress \gset
SET ROLE regress_node_a;
SELECT t.progress(1, 51, 'b');
RESET ROLE;
SELECT at = :'stored' AND xmin = :'by' AS untouched FROM rcq_private.progress;
SET ROLE regress_node_a;
SELECT rcq.executor_progress(:executor, :incarnation, NULL, NULL, NULL, NULL), rcq.executor_progress(:executor, :incarnation, '{}', '{}', '{}', '{}');
SELECT * FROM t.errors(
    format('SELECT rcq.executor_progress(%s, %s, %L, %L, %L, %L)', :executor, :incarnation, '{1}', '{1}', '{101}', '{NULL}'),
    format('SELECT rcq.executor_progress(%s, %s, %L, %L, %L, %L)', :executor, :incarnation, '{1}', '{1}', '{-1}', '{NULL}'),
    format('SELECT rcq.executor_progress(%s, %s, %L, %L, %L, %L)', :executor, :incarnation, '{1}', '{1}', '{NULL}', '{NULL}'),
    format('SELECT rcq.executor_progress(%s, %s, %L, %L, %L, %L)', :executor, :incarnation, '{1}', '{1}', '{1,2}', '{NULL}'),
    format('SELECT rcq.executor_progress(%s, %s, %L, %L, %L, ARRAY[repeat(%L, 1001)::bytea])', :executor, :incarnation, '{1}', '{1}', '{1}', 'x'),
    format('SELECT rcq.executor_progress(%s, 4711, %L, %L, %L, %L)', :executor, '{1}', '{1}', '{1}', '{NULL}'));
-- whose it is
SET ROLE regress_ben;
SELECT * FROM rcq.job_states('{1,2,3}');
SET ROLE regress_cat;
SELECT id, progress FROM rcq.job_states('{1,2,3}');
SET ROLE regress_node_a;
SELECT * FROM t.errors('SELECT * FROM rcq.job_states(''{1}'')');

-- an attempt begins with nothing said, and the one before says nothing more
SELECT * FROM t.sync(finished => t.ended(1, exit_code => 3));
SELECT t.progress(1, 60);
SET ROLE regress_ann;
SELECT progress, progress_message FROM rcq.jobs WHERE id = 1;
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT t.progress(1, 60, of_attempt => 1);
SET ROLE regress_ann;
SELECT status, attempt, progress, progress_message, t.states(1) FROM rcq.jobs WHERE id = 1;
SET ROLE regress_node_a;
SELECT t.progress(1, 5, 'again');
SET ROLE regress_ann;
SELECT progress, progress_message, t.states(1) FROM rcq.jobs WHERE id = 1;
SELECT rcq.cancel(1);
SELECT status, reason, progress FROM rcq.job_states('{1}');
-- what has ended
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, 'oom', more => '{"message": "too much"}'));
SET ROLE regress_ann;
SELECT id, status, reason, exit_code, signal, attempt, executor, ended_at > started_at AS ended, progress, progress_message, message FROM rcq.job_states('{1}');
SELECT t.states(1);
-- the scheduler deletes what was said by runs that are over, and nothing else
RESET ROLE;
SELECT count(*) BETWEEN 0 AND 1 AS at_most_one FROM rcq_private.progress;
SELECT rcq_private.forget_progress();
SELECT count(*) FROM rcq_private.progress;

-- an array: how many of its tasks have ended
SET ROLE regress_ann;
SELECT rcq.release(3);
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(4);
SET ROLE regress_ann;
SELECT array_agg(job_id ORDER BY index) AS task FROM rcq.tasks(3) \gset
SELECT t.wait($$(SELECT status = 'running' FROM rcq.jobs WHERE id = 3)$$);
SELECT status, progress, t.states(3) FROM rcq.job_states('{3}');
SET ROLE regress_node_a;
SELECT t.progress((:'task'::bigint[])[1], 99, 'task 1');
SELECT (SELECT count(*) FROM t.sync(finished => t.ended(j))) AS answered FROM unnest((:'task'::bigint[])[2:4]) j;
RESET ROLE;
SELECT rcq_private.forget_progress();
SELECT percent FROM rcq_private.progress;
SET ROLE regress_ann;
SELECT s.status, s.progress, s.progress_message FROM rcq.job_states(3 || :'task'::bigint[]) WITH ORDINALITY s ORDER BY s.ordinality;
SELECT status, progress FROM rcq.jobs WHERE id = 3;
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended((:'task'::bigint[])[1], exit_code => 1));
SET ROLE regress_ann;
SELECT t.wait($$(SELECT status = 'failed' FROM rcq.jobs WHERE id = 3)$$);
SELECT status, reason, progress, progress_message, message FROM rcq.job_states('{3}');
SELECT t.states(VARIADIC 3 || :'task'::bigint[]);

-- restored from a dump
RESET ROLE;
DELETE FROM rcq_private.live WHERE job_id = 2;
INSERT INTO rcq_private.restored SELECT 2, j.user_id, 7 FROM rcq_private.job j WHERE id = 2;
SET ROLE regress_ann;
SELECT id, status, reason, attempt, started_at, progress FROM rcq.job_states('{2}');
SELECT t.states(2);
SET ROLE regress_ben;
SELECT * FROM rcq.job_states('{2}');
\i :end
