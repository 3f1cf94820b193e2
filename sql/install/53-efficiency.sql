-- What runs made of what they were granted. As rcq.runs, each branch finds the run and its job by key.

-- The part of a grant that was used, in percent; NULL where nothing was measured, or nothing granted.
CREATE FUNCTION rcq_private.percent_used(used double precision, granted double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN granted > 0 THEN pg_catalog.round((100 * used / granted)::numeric, 1) END;

CREATE VIEW rcq.efficiency WITH (security_invoker = true) AS
SELECT r.job_id, r.attempt, rcq_private.user_name(r.user_id) AS user_name, rcq_private.group_name(r.group_id) AS group_name, r.name, r.array_id, r.array_index,
       rcq_private.executor_name(r.executor_id) AS executor, r.status, r.reason, r.claimed_at AS started_at, r.ended_at,
       r.claimed_at - w.since AS queue_time, w.until - r.claimed_at AS execution_time, w.until - w.since AS total_time,
       r.cores AS cpu_cores, rcq_private.memory_gb(r.memory_mib) AS memory_gb, r.gpus AS gpu_count, r.cpu_seconds,
       rcq_private.percent_used(r.cpu_seconds, r.cores * pg_catalog.date_part('epoch', w.until - r.claimed_at)) AS cpu_efficiency,
       rcq_private.memory_gb(r.peak_memory_mib) AS peak_memory_gb, rcq_private.percent_used(r.peak_memory_mib, r.memory_mib) AS memory_efficiency,
       r.user_id, r.group_id
  FROM (
    SELECT l.job_id, l.attempt, j.user_id, j.group_id, j.name, j.array_id, j.array_index, l.executor_id, 'running'::text AS status, NULL::text AS reason,
           l.claimed_at, NULL::timestamptz AS ended_at, l.cpu_seconds, l.peak_memory_mib, COALESCE(l.granted_cores, l.cpu_cores) AS cores,
           COALESCE(l.granted_memory_mib, l.memory_mib) AS memory_mib, COALESCE(l.granted_gpus, l.gpu_count) AS gpus, j.submitted_at, j.begin_time
      FROM rcq_private.live l JOIN rcq_private.job j ON j.id = l.job_id WHERE l.claimed_at IS NOT NULL AND l.tasks_waiting IS NULL
    UNION ALL
    SELECT o.job_id, o.attempt, j.user_id, j.group_id, j.name, j.array_id, j.array_index, o.executor_id, o.status, o.reason,
           o.claimed_at, o.ended_at, o.cpu_seconds, o.peak_memory_mib, COALESCE(o.granted_cores, j.cpu_cores),
           COALESCE(o.granted_memory_mib, j.memory_mib), COALESCE(o.granted_gpus, j.gpu_count), j.submitted_at, j.begin_time
      FROM rcq_private.outcome o JOIN rcq_private.job j ON j.id = o.job_id WHERE o.executor_id IS NOT NULL AND o.claimed_at IS NOT NULL
    UNION ALL
    SELECT r.job_id, r.attempt, j.user_id, j.group_id, j.name, j.array_id, j.array_index, r.executor_id,
           CASE WHEN r.reason = 'executor_lost' THEN 'lost' WHEN r.reason IN ('not_started', 'preempted', 'requeued') THEN r.reason ELSE 'failed' END, r.reason,
           r.claimed_at, r.ended_at, r.cpu_seconds, r.peak_memory_mib, COALESCE(r.granted_cores, j.cpu_cores),
           COALESCE(r.granted_memory_mib, j.memory_mib), COALESCE(r.granted_gpus, j.gpu_count), j.submitted_at, j.begin_time
      FROM rcq_private.run r JOIN rcq_private.job j ON j.id = r.job_id) r,
       LATERAL (SELECT GREATEST(r.submitted_at, r.begin_time,
                                CASE WHEN r.attempt > 1 THEN (SELECT pg_catalog.max(b.ended_at) FROM rcq_private.run b WHERE b.job_id = r.job_id AND b.attempt < r.attempt) END) AS since,
                       COALESCE(r.ended_at, pg_catalog.clock_timestamp()) AS until) w;
COMMENT ON VIEW rcq.efficiency IS 'Every run that has started of the jobs you may see: how long it waited and ran, and what it made of the cores and the memory that it was granted';
COMMENT ON COLUMN rcq.efficiency.queue_time IS 'From the submission, the begin time or the end of the run before, whichever was last, to the start; being held and waiting for other jobs count';
COMMENT ON COLUMN rcq.efficiency.execution_time IS 'From the start to the end; of a running job until now';
COMMENT ON COLUMN rcq.efficiency.total_time IS 'queue_time and execution_time together';
COMMENT ON COLUMN rcq.efficiency.cpu_cores IS 'Granted, as memory_gb and gpu_count';
COMMENT ON COLUMN rcq.efficiency.cpu_efficiency IS 'cpu_seconds in percent of cpu_cores x execution_time; more than 100 where runs are not bound to their cores; NULL = not measured';
COMMENT ON COLUMN rcq.efficiency.memory_efficiency IS 'peak_memory_gb in percent of memory_gb; NULL = not measured';

-- The last 1,000 jobs of each user: so the cost is bounded by the number of users, whatever the history.
CREATE VIEW rcq.user_efficiency WITH (security_invoker = true) AS
SELECT rcq_private.user_name(u.id) AS user_name, rcq_private.group_name(j.group_id) AS group_name, pg_catalog.count(DISTINCT j.id) AS jobs, pg_catalog.count(*) AS runs,
       pg_catalog.round((pg_catalog.sum(k.core_s) / 3600)::numeric, 4) AS core_hours, pg_catalog.round((pg_catalog.sum(k.gpu_s) / 3600)::numeric, 4) AS gpu_hours,
       rcq_private.percent_used(pg_catalog.sum(r.cpu_seconds), pg_catalog.sum(k.core_s) FILTER (WHERE r.cpu_seconds IS NOT NULL)) AS cpu_efficiency,
       rcq_private.percent_used(pg_catalog.sum(r.peak_memory_mib * k.ran_s), pg_catalog.sum(k.mib_s) FILTER (WHERE r.peak_memory_mib IS NOT NULL)) AS memory_efficiency,
       pg_catalog.min(r.claimed_at) AS since, pg_catalog.max(r.ended_at) AS until, u.id AS user_id, j.group_id
  FROM rcq_private.users u,
       LATERAL (SELECT b.id, b.group_id, b.cpu_cores, b.memory_mib, b.gpu_count FROM rcq_private.job b WHERE b.user_id = u.id ORDER BY b.user_id DESC, b.id DESC LIMIT 1000) j,
       LATERAL (SELECT o.claimed_at, o.ended_at, o.cpu_seconds, o.peak_memory_mib, o.granted_cores, o.granted_memory_mib, o.granted_gpus
                  FROM rcq_private.outcome o WHERE o.job_id = j.id AND o.executor_id IS NOT NULL AND o.claimed_at IS NOT NULL
                UNION ALL
                SELECT b.claimed_at, b.ended_at, b.cpu_seconds, b.peak_memory_mib, b.granted_cores, b.granted_memory_mib, b.granted_gpus
                  FROM rcq_private.run b WHERE b.job_id = j.id) r,
       LATERAL (SELECT e.ran_s, COALESCE(r.granted_cores, j.cpu_cores) * e.ran_s AS core_s, COALESCE(r.granted_gpus, j.gpu_count) * e.ran_s AS gpu_s,
                       COALESCE(r.granted_memory_mib, j.memory_mib) * e.ran_s AS mib_s FROM pg_catalog.date_part('epoch', r.ended_at - r.claimed_at) e(ran_s)) k
 GROUP BY u.id, j.group_id;
COMMENT ON VIEW rcq.user_efficiency IS 'What you, or for administrators everybody, made of what was granted: over the ended runs of the last 1,000 jobs of each user, tasks of arrays counted as jobs, apart by the group that they were submitted in';
COMMENT ON COLUMN rcq.user_efficiency.core_hours IS 'Granted cores x time, over these runs';
COMMENT ON COLUMN rcq.user_efficiency.cpu_efficiency IS 'CPU time in percent of granted cores x time over all these runs together, so that long and wide ones count for more; those without a measurement are left out';
COMMENT ON COLUMN rcq.user_efficiency.memory_efficiency IS 'Peak memory in percent of granted memory, weighed by granted memory x time';
COMMENT ON COLUMN rcq.user_efficiency.since IS 'When the first of these runs started';
COMMENT ON COLUMN rcq.user_efficiency.until IS 'When the last of them ended';
