-- What a submission can say beside resources: keys, tags, times, retries; and what is wrong with it.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
\set QUIET on
CREATE EXTENSION rcq;
SET timezone = 'UTC';
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben');

SELECT * FROM t.errors(
    $$SELECT rcq.submit('x', begin_time => '2100-01-01 00:00+00')$$,
    $$SELECT rcq.submit('x', begin_time => '-infinity')$$,
    $$SELECT rcq.submit('x', deadline => '2020-01-01 00:00+00')$$,
    $$SELECT rcq.submit('x', deadline => 'infinity')$$,
    $$SELECT rcq.submit('x', on_dependency_failed => 'maybe')$$,
    $$SELECT rcq.submit('x', retry_on => '{}')$$,
    $$SELECT rcq.submit('x', retry_on => '{exit_code,bad_luck}')$$,
    $$SELECT rcq.submit('x', retry_on => '{256}')$$,
    $$SELECT rcq.submit('x', retry_on => '{NULL}')$$,
    $$SELECT rcq.submit('x', retry_delay => '-1 s')$$,
    $$SELECT rcq.submit('x', retry_max_delay => '2 years')$$,
    $$SELECT rcq.submit('x', retry_backoff => 'linear')$$,
    $$SELECT rcq.submit('x', retry_jitter => 1.5)$$,
    $$SELECT rcq.submit('x', retry_memory_factor => 0.5)$$,
    $$SELECT rcq.submit('x', retry_memory_factor => 1e300)$$,
    $$SELECT rcq.submit('x', idempotency_key => '')$$,
    $$SELECT rcq.submit('x', idempotency_key => repeat('k', 201))$$,
    $$SELECT rcq.submit('x', project => E'a\nb')$$,
    $$SELECT rcq.submit('x', tags => '{ok,""}')$$,
    $$SELECT rcq.submit('x', tags => array_fill('t'::text, ARRAY[33]))$$,
    $$SELECT rcq.submit('x', external_id => 'no uuid')$$,
    $$SELECT rcq.submit('x', begin_time => 'when it is nice')$$,
    $$SELECT rcq.submit_many('[{"script": "x"}, {"script": "x", "retry_backoff": "never"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "x", "tags": "a"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "x", "begin_time": 5}]')$$,
    $$SELECT rcq.submit_many('[{"script": "x", "array": "1-"}]')$$);
SELECT count(*) FROM rcq.jobs;

-- all that can be said comes back
SELECT rcq.submit('x', hold => true, begin_time => '2126-01-01 00:00+00'::timestamptz - interval '95 years', deadline => '2032-01-01 00:00+00', project => 'genome', tags => '{run-7,blast}',
    external_id => '5f6a0c0e-0000-4000-8000-000000000001', idempotency_key => 'k1', retry_on => '{oom,75,signal,7}', retry_delay => '30 s', retry_backoff => 'exponential',
    retry_max_delay => '1 h', retry_jitter => 0.1, retry_memory_factor => 2, max_retries => 3) AS job \gset
SELECT begin_time, deadline, project, tags, external_id, idempotency_key, retry FROM rcq.jobs WHERE id = :job;
SELECT id = :job AS found FROM rcq.jobs WHERE project = 'genome';
SELECT id = :job AS found FROM rcq.jobs WHERE external_id = '5f6a0c0e-0000-4000-8000-000000000001';
SELECT id = :job AS found FROM rcq.jobs WHERE id IN (SELECT rcq.jobs_tagged('blast', 'run-7'));
SELECT count(*) FROM rcq.jobs_tagged('blast', 'run-8');
SET ROLE regress_ann;
SELECT count(*) FROM rcq.jobs_tagged('blast');
RESET ROLE;

-- waiting for its time: not placed, and says so
SELECT rcq.release(:job);
SELECT reason FROM rcq.jobs WHERE id = :job;
SELECT reason, message ~ '^It may not start before 2031-' AS says_when FROM rcq.explain(:job) WHERE kind = 'blocker' AND reason = 'begin_time';
-- a time that has passed is no reason to wait
SELECT rcq.submit('x', begin_time => '2001-01-01 00:00+00') AS early \gset
SELECT t.wait(format($$(SELECT reason = 'no_executor' FROM rcq.jobs WHERE id = %s)$$, :early));
-- a job is given away when its time has come, and not before
SELECT rcq.submit('soon', begin_time => clock_timestamp() + interval '1.5 s') AS soon \gset
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8);
SELECT job = :early AS the_early_one, attempt FROM t.take(1);
SELECT job = :soon AS the_one_whose_time_has_come FROM t.take(1);
RESET ROLE;
SELECT started_at >= begin_time AS not_before, started_at < begin_time + interval '10 s' AS soon_after FROM rcq.jobs WHERE id = :soon;

-- the same key is the same job: of one user, in one list, after its end
SELECT rcq.submit('another script', idempotency_key => 'k1') = :job AS same;
SELECT count(*), count(DISTINCT j) FROM rcq.submit_many('[{"script": "a", "idempotency_key": "k2"}, {"script": "b"}, {"script": "c", "idempotency_key": "k2"}, {"script": "d", "idempotency_key": "k1"}]') j;
SELECT script FROM rcq.jobs WHERE idempotency_key = 'k2' OR script IN ('b', 'c', 'd') ORDER BY 1;
SET ROLE regress_ann;
SELECT rcq.submit('of ann', idempotency_key => 'k1', hold => true) <> :job AS another;
RESET ROLE;
BEGIN;
SELECT count(*) FROM rcq.submit('rolled back', idempotency_key => 'k3');
ROLLBACK;
SELECT rcq.submit('stored', idempotency_key => 'k3') AS k3 \gset
SELECT script FROM rcq.jobs WHERE id = :k3;
SELECT rcq.cancel(:k3), rcq.submit('after its end', idempotency_key => 'k3') = :k3 AS same;
-- whoever lost the answer finds the job, even at the limit of pending jobs
SELECT rcq.set_user('regress_ann', max_pending => 1);
SET ROLE regress_ann;
SELECT rcq.submit('of ann again', idempotency_key => 'k1') = (SELECT id FROM rcq.jobs WHERE idempotency_key = 'k1') AS same;
SELECT * FROM t.errors($$SELECT rcq.submit('another', idempotency_key => 'k9')$$, $$SELECT rcq.submit_many('[{"script": "x", "idempotency_key": "k1"}, {"script": "y"}]')$$);
RESET ROLE;
-- an array under a key is stored once
SELECT rcq.submit('x', "array" => '1-3', idempotency_key => 'k4') = rcq.submit('x', "array" => '1-3', idempotency_key => 'k4') AS same;
SELECT count(*) FROM rcq_private.array;
\i :end
