-- What runs and users made of what they were granted.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben');
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8, memory_gb => 16);
SET ROLE regress_ann;
SELECT rcq.submit('job 1', cpu_cores => 4, memory_gb => 8, name => 'half', max_retries => 1);
SET ROLE regress_node_a;
SELECT * FROM t.take();
-- as if it had waited for a minute, and run for 100 s
RESET ROLE;
UPDATE rcq_private.live SET claimed_at = clock_timestamp() - interval '100 s', placed_at = clock_timestamp() - interval '100 s';
UPDATE rcq_private.job SET submitted_at = clock_timestamp() - interval '160 s';
SET ROLE regress_node_a;
SELECT * FROM t.sync(usage => (SELECT jsonb_build_array(jsonb_build_object('job_id', 1, 'token', k.token, 'cpu_seconds', 100, 'peak_memory_mib', 2048)) FROM t.token k WHERE k.job = 1));
\set shown 'SELECT job_id, attempt > 1 AS again, name, executor, status, reason, round(extract(epoch FROM queue_time) / 10) * 10 AS queued, round(extract(epoch FROM execution_time) / 10) * 10 AS ran, round(extract(epoch FROM total_time) / 10) * 10 AS total, cpu_cores, memory_gb, gpu_count, cpu_seconds, round(cpu_efficiency) AS cpu, peak_memory_gb, memory_efficiency AS memory FROM rcq.efficiency ORDER BY job_id, attempt'
SET ROLE regress_ann;
:shown;
SELECT * FROM rcq.user_efficiency;
-- it fails, and is run again with what is asked for then
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, exit_code => 1, more => '{"cpu_seconds": 200, "peak_memory_mib": 4096}'));
SET ROLE regress_ann;
SELECT rcq.hold(1);
SELECT rcq.update_job(1, cpu_cores => 1, memory_gb => 16);
SELECT rcq.release(1);
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
RESET ROLE;
UPDATE rcq_private.live SET claimed_at = clock_timestamp() - interval '50 s';
UPDATE rcq_private.run SET ended_at = clock_timestamp() - interval '60 s', claimed_at = clock_timestamp() - interval '160 s';
UPDATE rcq_private.job SET submitted_at = clock_timestamp() - interval '220 s';
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, more => '{"cpu_seconds": 50, "peak_memory_mib": 8192}'));
SET ROLE regress_ann;
:shown;
-- (200 + 50) of (4 x 100 + 1 x 50) core-seconds; (4 x 100 + 8 x 50) of (8 x 100 + 16 x 50) GB-seconds
SELECT user_name, group_name, jobs, runs, round(core_hours, 3) AS core_hours, gpu_hours, round(cpu_efficiency) AS cpu, round(memory_efficiency) AS memory, until - since BETWEEN '159 s' AND '170 s' AS in_time FROM rcq.user_efficiency;
-- a run that nothing was measured of, one that was cancelled before it started, and an array, which is no run
SELECT rcq.submit('job 2'), rcq.submit('job 3', hold => true), rcq.submit('array', "array" => '1-2');
SELECT rcq.cancel(3);
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(3);
SELECT * FROM t.sync(finished => t.ended(2));
SET ROLE regress_ann;
SELECT job_id, array_index, status, cpu_efficiency, memory_efficiency FROM rcq.efficiency WHERE job_id > 1 ORDER BY job_id;
SELECT jobs, runs, round(cpu_efficiency) AS cpu FROM rcq.user_efficiency;
-- others see nothing of it, administrators all
SET ROLE regress_ben;
SELECT count(*) FROM rcq.efficiency;
SELECT count(*) FROM rcq.user_efficiency;
RESET ROLE;
SELECT count(*) FROM rcq.efficiency;
SELECT user_name, runs FROM rcq.user_efficiency;
-- what is asked about one job reads that job
SET enable_seqscan = off;
CREATE FUNCTION t.scans(query text) RETURNS TABLE (scan text) LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ ' Scan' THEN scan := regexp_replace(btrim(line, ' ->'), '_p\d+', '_pN', 'g'); RETURN NEXT; END IF;
    END LOOP;
END $$;
SELECT count(*) FILTER (WHERE scan ~ 'Seq Scan') AS whole_tables, count(*) FILTER (WHERE scan ~ 'Index') > 5 AS by_index FROM t.scans('SELECT * FROM rcq.efficiency WHERE job_id = 1');

\i :end
