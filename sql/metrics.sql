-- What monitoring reads: counts of what was committed, the state of the queue by group, executors by status.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_group('physics'), rcq.add_user('regress_ann', 'physics');
-- the samples, as numbers by name and labels
CREATE FUNCTION t.samples() RETURNS TABLE (sample text, value double precision) LANGUAGE sql AS $$
    SELECT m[1], m[2]::double precision FROM string_to_table(rcq.metrics(), E'\n') l, regexp_match(l, '^([^#].*) (\S+)$') m WHERE m IS NOT NULL $$;
-- counts since here, as the server has had other queues before
CREATE TABLE t.base AS SELECT * FROM t.samples() WHERE sample ~ '_(total|count|bucket|sum)($|\{)';
CREATE FUNCTION t.value(wanted text) RETURNS double precision LANGUAGE sql AS $$
    SELECT s.value - COALESCE((SELECT b.value FROM t.base b WHERE b.sample = wanted), 0) FROM t.samples() s WHERE s.sample = wanted $$;

-- every family has a help and a type, once, and its samples follow; no sample comes twice
CREATE VIEW t.lines AS SELECT l, n FROM string_to_table(rcq.metrics(), E'\n') WITH ORDINALITY x(l, n) WHERE l <> '';
SELECT substring(l FROM '# TYPE (\S+ \S+)') AS family FROM t.lines WHERE l LIKE '# TYPE %' ORDER BY n;
SELECT count(*) FROM t.lines WHERE l LIKE '# HELP %' HAVING count(*) <> (SELECT count(*) FROM t.lines WHERE l LIKE '# TYPE %');
SELECT l FROM t.lines WHERE l !~ '^# (HELP [a-z_]+ \S.*|TYPE [a-z_]+ (counter|gauge|histogram))$' AND l !~ '^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+$';
SELECT sample FROM t.samples() GROUP BY 1 HAVING count(*) > 1;
SELECT t.value('rcq_up'), t.value('rcq_paused'), t.value('rcq_scheduler_last_cycle_age_seconds') < 10;

-- submissions count when they are committed, whatever was rolled back on the way
SET ROLE regress_ann;
SELECT rcq.submit('job 1');
BEGIN;
SELECT rcq.submit('never');
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT rcq.submit('never');
ROLLBACK TO a;
SELECT rcq.submit('job 4');
SAVEPOINT b;
SELECT count(*) FROM rcq.submit_many('[{"script": "job 5"}, {"script": "job 6"}]');
SAVEPOINT c;
SELECT rcq.submit('never');
ROLLBACK TO c;
RELEASE b;
COMMIT;
SELECT rcq.submit('job 8', hold => true, idempotency_key => 'once'), rcq.submit('job 8', idempotency_key => 'once');
RESET ROLE;
SELECT t.value('rcq_submissions_total');

-- the queue by group: no executor, then one
SELECT t.wait($$(SELECT t.value('rcq_jobs{group="physics",state="pending"}') = 4 AND t.value('rcq_jobs{group="physics",state="held"}') = 1)$$), t.value('rcq_jobs{group="physics",state="held"}') AS held, t.value('rcq_jobs{group="default",state="pending"}') AS others;
SELECT t.value('rcq_waiting_jobs{reason="no_executor"}'), t.value('rcq_queue_oldest_wait_seconds{group="physics"}') BETWEEN 0.001 AND 60 AS waits, t.value('rcq_queue_oldest_wait_seconds{group="default"}') AS others;
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 2, gpu_count => 1);
RESET ROLE;
SELECT t.wait($$(SELECT t.value('rcq_jobs{group="physics",state="assigned"}') = 2)$$), t.value('rcq_jobs{group="physics",state="pending"}') AS pending;
SELECT sample, value FROM t.samples() WHERE sample LIKE 'rcq_executor%{status="busy"}';
SELECT t.value('rcq_placements_total'), t.value('rcq_job_wait_seconds_count'), t.value('rcq_job_wait_seconds_bucket{le="+Inf"}');

-- ends by how they ended, and what is run again
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(2);
SELECT t.log(1, 1, 'stdout', 'twenty bytes of that\012');
SELECT * FROM t.sync(t.ended(1) || t.ended(4, 'exit_code', 3));
SELECT count(*) FROM t.take(2);
RESET ROLE;
SELECT t.wait($$(SELECT t.value('rcq_jobs{group="physics",state="running"}') = 2)$$);
SELECT rcq.cancel(5), rcq.requeue(6);
SET ROLE regress_node_a;
SELECT * FROM t.sync(t.ended(5, 'cancelled') || t.ended(6, 'cancelled'));
RESET ROLE;
SELECT rcq.submit('fails once', max_retries => 1) AS id \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(2);
SELECT count(*) FROM t.sync(t.ended(6, 'not_started') || t.ended(:id, 'oom'));
RESET ROLE;
SELECT sample, t.value(sample) FROM t.samples() WHERE sample ~ '^(jobs_executed_total|rcq_run|rcq_log)';
SELECT t.value('job_execution_duration_seconds_count'), t.value('job_execution_duration_seconds_bucket{le="604800"}');
-- cells of a histogram add up
SELECT bool_and(ordered) FROM (SELECT value >= lag(value, 1, 0) OVER (ORDER BY n) AS ordered
  FROM (SELECT row_number() OVER () AS n, s.* FROM t.samples() s) x WHERE sample LIKE 'job_execution_duration_seconds_bucket%') o;
SELECT t.value('rcq_scheduler_cycle_duration_seconds_count') <= t.value('rcq_scheduler_cycles_total'), t.value('rcq_scheduler_cycle_duration_seconds_sum') > 0;

-- an executor falls silent
SELECT rcq.set('lease', '1 s'), rcq.set('lost_after', '2 s');
SELECT t.wait($$(SELECT t.value('rcq_executors{status="offline"}') = 1)$$), t.value('rcq_executor_leases_lost_total'), t.value('rcq_executors{status="idle"}');
SELECT rcq.submit('waits'), rcq.pause('move');
SELECT t.wait($$(SELECT t.value('rcq_paused') = 1)$$), t.value('rcq_waiting_jobs{reason="paused"}') > 0;

-- for administrators
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT rcq.metrics()');
RESET ROLE;
\i :end
