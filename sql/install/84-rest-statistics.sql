-- Statistics of the whole queue, for administrators: from what is counted and published, so that they cost the same however
-- many jobs there are.

CREATE FUNCTION rcq_private.ended_counts(OUT status text, OUT jobs bigint) RETURNS SETOF record
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_ended_counts';
COMMENT ON FUNCTION rcq_private.ended_counts() IS 'How many jobs that had run ended in which way since the server started';

CREATE FUNCTION rcq_private.group_counts(OUT group_id integer, OUT pending bigint, OUT held bigint, OUT assigned bigint, OUT running bigint, OUT oldest timestamptz) RETURNS SETOF record
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_group_counts';
COMMENT ON FUNCTION rcq_private.group_counts() IS 'What the scheduler last published of every group with jobs; oldest: since when the one that has waited longest waits; group 0: all groups beyond the first 1,024';

-- What the newest 10,000 jobs show of the last hour, and of how long those of each group waited that started in it. Older
-- jobs that ended in it do not count: looking at all of them would cost more the more there are.
CREATE FUNCTION rcq_private.last_hour(OUT ended bigint, OUT waits jsonb) RETURNS record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH newest AS MATERIALIZED (
        SELECT j.id, j.group_id, j.submitted_at, j.begin_time FROM rcq_private.job j ORDER BY j.id DESC LIMIT 10000
    ), seen AS MATERIALIZED (
        SELECT n.*, COALESCE(o.claimed_at, l.claimed_at) AS claimed_at, o.ended_at
          FROM newest n LEFT JOIN rcq_private.outcome o ON o.job_id = n.id LEFT JOIN rcq_private.live l ON l.job_id = n.id
    ), waited AS (
        SELECT s.group_id, pg_catalog.count(*) AS started,
               pg_catalog.percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY pg_catalog.date_part('epoch', s.claimed_at - GREATEST(s.submitted_at, s.begin_time))) AS s
          FROM seen s WHERE s.claimed_at > pg_catalog.clock_timestamp() - interval '1 hour' GROUP BY s.group_id
    )
    SELECT (SELECT pg_catalog.count(*) FROM seen s WHERE s.ended_at > pg_catalog.clock_timestamp() - interval '1 hour'),
           (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('group_id', w.group_id, 'group_name', rcq_private.group_name(w.group_id), 'started', w.started,
                       'median_s', pg_catalog.round(w.s[1]::numeric, 3), 'p90_s', pg_catalog.round(w.s[2]::numeric, 3)) ORDER BY w.group_id) FROM waited w)
$$;

CREATE FUNCTION rcq_private.rest_admin_stats(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    jobs jsonb;
    groups jsonb;
    hour record;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    SELECT pg_catalog.jsonb_build_object('pending', COALESCE(pg_catalog.sum(c.pending), 0), 'held', COALESCE(pg_catalog.sum(c.held), 0),
               'assigned', COALESCE(pg_catalog.sum(c.assigned), 0), 'running', COALESCE(pg_catalog.sum(c.running), 0),
               'oldest_waiting_since', rcq_private.rfc3339(pg_catalog.min(c.oldest))),
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('group_id', NULLIF(c.group_id, 0), 'group_name', COALESCE(rcq_private.group_name(c.group_id), 'other'),
               'pending', c.pending, 'held', c.held, 'assigned', c.assigned, 'running', c.running, 'oldest_waiting_since', rcq_private.rfc3339(c.oldest)) ORDER BY c.group_id)
      INTO jobs, groups FROM rcq_private.group_counts() c;
    hour := rcq_private.last_hour();
    RETURN pg_catalog.jsonb_build_object(
        'jobs', jobs || (SELECT pg_catalog.jsonb_object_agg(e.status, e.jobs) FROM rcq_private.ended_counts() e)
                     || pg_catalog.jsonb_build_object('ended_since', rcq_private.rfc3339(pg_catalog.pg_postmaster_start_time())),
        'groups', COALESCE(groups, '[]'),
        'throughput', pg_catalog.jsonb_build_object('ended_last_hour', hour.ended, 'per_minute', pg_catalog.round(hour.ended / 60.0, 2)),
        'waits_last_hour', COALESCE(hour.waits, '[]'),
        'utilisation', (SELECT pg_catalog.jsonb_build_object('executors', pg_catalog.count(*), 'online', pg_catalog.count(*) FILTER (WHERE e.status <> 'offline'),
                'cpu_cores', COALESCE(pg_catalog.sum(e.cpu_cores), 0), 'cpu_cores_used', COALESCE(pg_catalog.sum(e.cpu_cores_used), 0),
                'memory_gb', COALESCE(pg_catalog.sum(e.memory_gb), 0), 'memory_gb_used', COALESCE(pg_catalog.sum(e.memory_gb_used), 0),
                'gpu_count', COALESCE(pg_catalog.sum(e.gpu_count), 0), 'gpu_count_used', COALESCE(pg_catalog.sum(e.gpu_count_used), 0))
             FROM rcq.executors e WHERE e.status <> 'offline' OR e.runs > 0),
        'scheduler', (SELECT pg_catalog.jsonb_build_object('state', s.state, 'last_cycle_at', rcq_private.rfc3339(s.last_cycle_at), 'cycles', s.cycles, 'placements', s.placements,
                'paused', s.paused, 'last_error', s.last_error) FROM rcq.scheduler s));
END $$;

CREATE FUNCTION rcq_rest.admin_stats(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_stats(bytea) IS 'GET /api/admin/stats: jobs by state and group, ends of jobs that had run since the server started, throughput and waits of the last hour (by the newest 10,000 jobs), use of the executors, the scheduler. 200; 403';
