-- Output of runs: any bytes go in, lines of valid text come out, and what is sent twice is stored once.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT rcq.add_user('regress_ann');
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register();
SET ROLE regress_ann;
SELECT rcq.submit('job 1', max_retries => 1);
-- not started: no output, and that is no error
SELECT * FROM rcq.logs(1);
SELECT rcq.logs_raw(1);
SET ROLE regress_node_a;
SELECT * FROM t.take();

-- two streams; lines are numbered over both; the last one has no newline yet
SELECT t.log(1, 1, 'stdout', E'one\ntwo\n');
SELECT t.log(1, 3, 'stderr', E'oops\n');
SELECT t.log(1, 4, 'stdout', E'\n');
SELECT t.log(1, 5, 'stdout', E'half a li');
-- bytes: NUL, Latin-1, a cut and an overlong UTF-8 sequence, a surrogate; and text that is fine
SELECT t.log(1, 6, 'stderr', '\x6100620a'), t.log(1, 7, 'stderr', '\x66fc720a'), t.log(1, 8, 'stderr', '\xe2820ac080610a'), t.log(1, 10, 'stderr', '\xeda0800a'),
       t.log(1, 11, 'stdout', convert_to(E'für 日本 \U0001F600\r\n', 'UTF8'));
SET ROLE regress_ann;
SELECT seq, stream, line FROM rcq.logs(1);
SELECT bool_and(at BETWEEN started_at AND clock_timestamp()) AS dated FROM rcq.logs(1), rcq.jobs;

-- from a line on, of one stream, both
SELECT seq, stream, line FROM rcq.logs(1, after => 8);
SELECT seq, line FROM rcq.logs(1, after => 1, stream => 'stdout');
SELECT seq, line FROM rcq.logs(1, stream => 'stderr', after => 9);
SELECT count(*) FROM rcq.logs(1, after => 11);
SELECT count(*) FROM rcq.logs(1, after => NULL);
-- byte for byte
SELECT rcq.logs_raw(1, stream => 'stderr');
SELECT convert_from(rcq.logs_raw(1, stream => 'stdout'), 'UTF8') = E'one\ntwo\n\nhalf a lifür 日本 \U0001F600\r\n' AS same;

-- sent again: stored once, whatever comes along
SET ROLE regress_node_a;
SELECT t.log(1, 1, 'stdout', E'one\ntwo\n');
SET ROLE regress_ann;
SELECT count(*), min(line) FILTER (WHERE seq = 1) AS first FROM rcq.logs(1);

-- a batch of several chunks; stale tokens come back and their chunks are dropped
SET ROLE regress_node_a;
SELECT executor, incarnation FROM t.process \gset
SELECT token FROM t.token \gset
SELECT rcq.executor_log(:executor, :incarnation, '{1,1,1,99}', ARRAY[:token, :token, 5, 6], '{12,13,14,1}', '{stdout,stdout,stdout,stderr}',
                        ARRAY[E'twelve\n', E'thirteen\n', E'never\n', E'never\n']::bytea[]);
SELECT rcq.executor_log(:executor, :incarnation, '{}', '{}', '{}', '{}', '{}'), rcq.executor_log(:executor, :incarnation, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM t.errors(
    format('SELECT rcq.executor_log(%s, %s, %L, %L, %L, %L, %L)', :executor, :incarnation, '{1}', '{1}', '{0}', '{stdout}', '{x}'),
    format('SELECT rcq.executor_log(%s, %s, %L, %L, %L, %L, %L)', :executor, :incarnation, '{1}', '{1}', '{1}', '{stdin}', '{x}'),
    format('SELECT rcq.executor_log(%s, %s, %L, %L, %L, %L, %L)', :executor, :incarnation, '{1}', '{1}', '{1}', '{stdout}', '{NULL}'),
    format('SELECT rcq.executor_log(%s, %s, %L, %L, %L, %L, %L)', :executor, :incarnation, '{1,2}', '{1}', '{1}', '{stdout}', '{x}'),
    format('SELECT rcq.executor_log(%s, %s, %L, %L, %L, %L, ARRAY[repeat(%L, 1048577)::bytea])', :executor, :incarnation, '{1}', '{1}', '{1}', '{stdout}', 'x'));
SET ROLE regress_ann;
SELECT seq, line FROM rcq.logs(1, after => 11);

-- the attempts of a job have outputs of their own; the latest one that was started is shown
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, exit_code => 1));
-- after the end nothing is taken any more
SELECT t.log(1, 14, 'stdout', E'too late\n');
SET ROLE regress_ann;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs)$$);
SELECT count(*) AS of_the_first FROM rcq.logs(1);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT t.log(1, 1, 'stdout', E'second\n');
SELECT t.log(1, 14, 'stdout', E'too late\n', of_attempt => 1);
SET ROLE regress_ann;
SELECT seq, line FROM rcq.logs(1);
SELECT count(*) FROM rcq.logs(1, attempt => 1);
SELECT seq, line FROM rcq.logs(1, attempt => 2);
SELECT count(*) FROM rcq.logs(1, attempt => 3);
SELECT rcq.logs_raw(1), length(rcq.logs_raw(1, attempt => 1)), rcq.logs_raw(1, 3);

-- followed: in chunks as they came, from the latest attempt on, or from the first, after a place in it, so many bytes and never none
SELECT attempt, seq, stream, bytes, ended FROM rcq.log_chunks(1);
SELECT attempt, seq, stream, length(bytes), ended FROM rcq.log_chunks(1, 0, 0);
SELECT attempt, seq, stream, bytes, ended FROM rcq.log_chunks(1, 0, 0, max_bytes => 1);
SELECT attempt, seq, stream, bytes, ended FROM rcq.log_chunks(1, 1, 1, max_bytes => 6);
SELECT attempt, seq, stream, bytes, ended FROM rcq.log_chunks(1, 1, 12);
SELECT * FROM rcq.log_chunks(1, 2, 1);
SELECT * FROM rcq.log_chunks(1, 3, 0);
SELECT string_agg(bytes, '') = rcq.logs_raw(1, 1) AS same FROM rcq.log_chunks(1, 0, 0) WHERE attempt = 1;
-- until the job is over
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1));
SET ROLE regress_ann;
SELECT attempt, seq, stream, bytes, ended FROM rcq.log_chunks(1, 1, 12);
SELECT attempt, seq, stream, bytes, ended FROM rcq.log_chunks(1, 2, 1);
SELECT attempt, seq, stream, bytes, ended FROM rcq.log_chunks(1, 1, 12, max_bytes => 1);
SELECT rcq.submit('never', hold => true), rcq.cancel(2);
SELECT * FROM rcq.log_chunks(2);
SELECT * FROM t.errors('SELECT rcq.log_chunks(1, max_bytes => 0)', 'SELECT rcq.log_chunks(1, max_bytes => 16777217)', 'SELECT rcq.log_chunks(1, max_bytes => NULL)',
                       'SELECT rcq.log_chunks(99)', 'SELECT rcq.log_chunks(NULL)');
-- whose it is
SELECT * FROM t.errors('SELECT * FROM rcq.logs(99)', 'SELECT rcq.logs_raw(99)', 'SELECT * FROM rcq.logs(NULL)');
RESET ROLE;
SELECT rcq.add_user('regress_ben');
SELECT seq, line FROM rcq.logs(1);
SET ROLE regress_ben;
SELECT * FROM t.errors('SELECT * FROM rcq.logs(1)', 'SELECT rcq.logs_raw(1)', 'SELECT rcq.log_chunks(1)');
\i :end
