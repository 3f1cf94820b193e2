-- What rcq.explain goes by: executors and placed jobs as they are for one job, usage of its group, the published rank.
-- No more of the pending jobs is looked at than the scheduler published (1,000).

CREATE TYPE rcq_private.finding AS (kind text, reason text, message text, data jsonb);

CREATE FUNCTION rcq_private.found(kind text, reason text, message text, data jsonb) RETURNS rcq_private.finding
LANGUAGE sql IMMUTABLE RETURN ROW(kind, reason, message, data)::rcq_private.finding;

-- lacks: what the executor would not have even when empty; short: what it has too little of at the moment; words as of
-- rcq_private.requirements. closed_*: the first reservation for others, or drain to come, that the job would run into.
CREATE TYPE rcq_private.executor_verdict AS (
    executor_id integer, name text, status text, why text, runs bigint, cpu_cores integer, memory_mib integer, gpu_count integer,
    free_cores bigint, free_memory_mib bigint, free_gpus bigint, lacks text[], short text[],
    closed_from timestamptz, closed_until timestamptz, closed_for text, closed_why text);

CREATE FUNCTION rcq_private.published_plan(OUT ranked bigint[], OUT reserved_jobs bigint[], OUT reserved_executors integer[], OUT reserved_starts timestamptz[])
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_published_plan';
COMMENT ON FUNCTION rcq_private.published_plan() IS 'Pending jobs in the order of their rank (first 1,000), and the starts that are promised, as the scheduler last published them';

-- What is so

-- Seconds that the job is planned to take: what it states, else the default.
CREATE FUNCTION rcq_private.plan_seconds(planned_s integer, group_id integer) RETURNS double precision
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(planned_s, (SELECT pg_catalog.date_part('epoch', g.default_estimate) FROM rcq_private.groups g WHERE g.id = group_id),
                    rcq_private.setting_text('default_estimate')::double precision) $$;

-- Placed and running jobs with what they were granted. Joined row by row, because the live table is as long as the queue.
CREATE FUNCTION rcq_private.placed_runs(OUT job_id bigint, OUT executor_id integer, OUT user_id integer, OUT group_id integer, OUT concurrency_key text, OUT consumables jsonb,
    OUT cpu_cores integer, OUT memory_mib integer, OUT gpu_count integer, OUT claimed_at timestamptz, OUT ends_at timestamptz) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH d AS MATERIALIZED (SELECT pg_catalog.clock_timestamp() AS now_, rcq_private.setting_text('default_estimate')::double precision AS estimate_s)
    SELECT l.job_id, l.executor_id, l.user_id, l.group_id, l.concurrency_key, l.consumables, COALESCE(l.granted_cores, l.cpu_cores),
           COALESCE(l.granted_memory_mib, l.memory_mib), COALESCE(l.granted_gpus, l.gpu_count), l.claimed_at,
           GREATEST(COALESCE(l.claimed_at, l.placed_at) + pg_catalog.make_interval(secs => COALESCE(l.planned_s, pg_catalog.date_part('epoch', g.default_estimate), d.estimate_s)), d.now_)
      FROM d, rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token JOIN rcq_private.groups g ON g.id = l.group_id
     WHERE c.kind = 'start' $$;

-- The cores that a job is placed with: of a moldable one as many as can be had on some executor.
CREATE FUNCTION rcq_private.wanted_cores(l rcq_private.live) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(pg_catalog.max(LEAST(l.cpu_cores, e.cpu_cores)), l.cpu_cores) FROM rcq_private.executor e
     WHERE l.cpu_cores_min IS NOT NULL AND e.cpu_cores >= l.cpu_cores_min AND e.memory_mib >= l.memory_mib AND e.gpu_count >= l.gpu_count AND e.features @> COALESCE(l.features, '{}')
       AND (l.gpu_type IS NULL OR e.gpu_type = ANY (pg_catalog.string_to_array(l.gpu_type, '|'))) AND rcq_private.constraint_accepts(l.constraints, e.features) $$;

-- The job with the cores that it would be placed with, and with a plan where it states none.
CREATE FUNCTION rcq_private.as_planned(l rcq_private.live) RETURNS rcq_private.live
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    l.cpu_cores := rcq_private.wanted_cores(l);
    l.planned_s := rcq_private.plan_seconds(l.planned_s, l.group_id);
    RETURN l;
END $$;

-- What the job asks for besides a size, word by word.
CREATE FUNCTION rcq_private.requirements(l rcq_private.live, OUT word text, OUT phrase text, OUT field text, OUT value jsonb) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'feature ' || f, 'the feature ' || f, 'features', pg_catalog.to_jsonb(f) FROM unnest(l.features) f
    UNION ALL SELECT 'constraints', 'the constraint ' || l.constraints, 'constraints', pg_catalog.to_jsonb(l.constraints) WHERE l.constraints IS NOT NULL
    UNION ALL SELECT 'gpu_type', 'the GPU type ' || l.gpu_type, 'gpu_type', pg_catalog.to_jsonb(l.gpu_type) WHERE l.gpu_type IS NOT NULL
    UNION ALL SELECT 'consumable ' || c.name, pg_catalog.format('%s of the consumable %s', c.amount, c.name), 'consumables', pg_catalog.jsonb_build_object(c.name, c.amount::bigint)
      FROM pg_catalog.jsonb_each_text(l.consumables) AS c(name, amount)
    UNION ALL SELECT 'exclusive', 'exclusive use', 'exclusive', 'true' WHERE l.exclusive $$;

-- Every executor that has ever registered, as it is for this job.
CREATE FUNCTION rcq_private.executor_verdicts(l rcq_private.live) RETURNS SETOF rcq_private.executor_verdict
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    WITH used AS MATERIALIZED (
        SELECT r.executor_id, pg_catalog.count(*) AS runs, pg_catalog.sum(r.cpu_cores) AS cores, pg_catalog.sum(r.memory_mib) AS mib, pg_catalog.sum(r.gpu_count) AS gpus FROM rcq_private.placed_runs() r GROUP BY r.executor_id
    ), stock AS MATERIALIZED ( -- the consumables it asks for that are not the whole cluster's
        SELECT 'consumable ' || c.name AS word, c.name, c.amount::bigint AS amount FROM pg_catalog.jsonb_each_text(l.consumables) AS c(name, amount)
         WHERE NOT EXISTS (SELECT FROM rcq_private.consumable k WHERE k.executor_id = 0 AND k.name = c.name)
    ), host AS (
        SELECT e.*, COALESCE(u.runs, 0) AS runs, e.cpu_cores - COALESCE(u.cores, 0) AS free_cores, e.memory_mib - COALESCE(u.mib, 0) AS free_mib, e.gpu_count - COALESCE(u.gpus, 0) AS free_gpus,
               s.seen IS NOT NULL AND NOT e.signed_off AND s.seen >= n.now_ - pg_catalog.make_interval(secs => n.lease_s) AS online, n.now_
          FROM (SELECT pg_catalog.clock_timestamp() AS now_, rcq_private.setting_text('lease')::double precision AS lease_s) n,
               rcq_private.executor e LEFT JOIN used u ON u.executor_id = e.id, rcq_private.executor_seen(e.id) s(seen)
         WHERE e.cpu_cores IS NOT NULL
    )
    SELECT h.id, h.name, CASE WHEN NOT h.online THEN 'offline' WHEN COALESCE(h.drain_at <= h.now_, h.drained IS NOT NULL) OR h.leaving IS NOT NULL THEN 'draining' ELSE 'ready' END,
           CASE WHEN h.drain_at > h.now_ THEN h.leaving ELSE COALESCE(h.drained, h.leaving) END,
           h.runs, h.cpu_cores, h.memory_mib, h.gpu_count, h.free_cores, h.free_mib, h.free_gpus,
           pg_catalog.array_remove(ARRAY[CASE WHEN h.cpu_cores < l.cpu_cores THEN 'cpu_cores' END, CASE WHEN h.memory_mib < l.memory_mib THEN 'memory_gb' END,
                   CASE WHEN h.gpu_count < l.gpu_count THEN 'gpu_count' END, CASE WHEN NOT h.gpu_type = ANY (pg_catalog.string_to_array(l.gpu_type, '|')) OR (l.gpu_type IS NOT NULL AND h.gpu_type IS NULL) THEN 'gpu_type' END,
                   CASE WHEN NOT rcq_private.constraint_accepts(l.constraints, h.features) THEN 'constraints' END], NULL)
               || ARRAY(SELECT 'feature ' || f FROM unnest(l.features) f WHERE f <> ALL (h.features))
               || ARRAY(SELECT s.word FROM stock s LEFT JOIN rcq_private.consumable k ON k.executor_id = h.id AND k.name = s.name WHERE COALESCE(k.total, 0) < s.amount),
           pg_catalog.array_remove(ARRAY[CASE WHEN h.free_cores < l.cpu_cores THEN 'cpu_cores' END, CASE WHEN h.free_mib < l.memory_mib THEN 'memory_gb' END,
                   CASE WHEN h.free_gpus < l.gpu_count THEN 'gpu_count' END, CASE WHEN l.exclusive AND h.runs > 0 THEN 'exclusive' END], NULL)
               || ARRAY(SELECT s.word FROM stock s LEFT JOIN rcq_private.consumable k ON k.executor_id = h.id AND k.name = s.name
                         WHERE COALESCE(k.total, 0) - rcq_private.consumable_use(h.id, s.name) < s.amount),
           w.starts_at, w.ends_at, rcq_private.group_name(w.group_id), w.reason
      FROM host h LEFT JOIN LATERAL (
           SELECT r.* FROM (SELECT v.starts_at, v.ends_at, v.group_id, v.reason FROM rcq_private.reservation v WHERE v.executor_id IS NULL OR v.executor_id = h.id
                            UNION ALL SELECT h.drain_at, 'infinity', NULL, h.drained WHERE h.drain_at IS NOT NULL) r
            WHERE r.group_id IS DISTINCT FROM l.group_id AND r.ends_at > h.now_ AND r.starts_at < h.now_ + pg_catalog.make_interval(secs => l.planned_s)
            ORDER BY r.starts_at LIMIT 1) w ON true
     ORDER BY h.name $$;

-- Billed hours of a group in the usage window, and what its placed jobs are still planned to use.
CREATE FUNCTION rcq_private.group_hours(of_group integer, OUT used double precision, OUT planned double precision)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH w AS MATERIALIZED (
        SELECT u.*, rcq_private.setting_text('billing_cpu_hour')::double precision AS cpu, rcq_private.setting_text('billing_gb_hour')::double precision AS gb,
               rcq_private.setting_text('billing_gpu_hour')::double precision AS gpu FROM rcq_private.usage_window() u
    ), run AS MATERIALIZED (
        SELECT r.claimed_at, GREATEST(pg_catalog.date_part('epoch', r.ends_at - COALESCE(r.claimed_at, w.now_)), 0) AS whole_s, GREATEST(pg_catalog.date_part('epoch', w.now_ - r.claimed_at), 0) AS ran_s,
               r.cpu_cores * w.cpu + r.memory_mib / 1024.0 * w.gb + r.gpu_count * COALESCE(b.per_hour, w.gpu) AS rate
          FROM w, rcq_private.placed_runs() r JOIN rcq_private.executor e ON e.id = r.executor_id LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = e.gpu_type WHERE r.group_id = of_group
    )
    SELECT (COALESCE((SELECT pg_catalog.sum((s.core_seconds * w.cpu + s.gb_seconds * w.gb + s.gpu_seconds * COALESCE(b.per_hour, w.gpu))
                                 * rcq_private.window_weight(COALESCE(s.since, s.at), s.at, w.now_, w.begins, w.half_life_s))
                        FROM rcq_private.usage s LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = s.gpu_type WHERE s.group_id = of_group AND s.at > w.begins), 0)
            + COALESCE((SELECT pg_catalog.sum(r.rate * r.ran_s * rcq_private.window_weight(r.claimed_at, w.now_, w.now_, w.begins, w.half_life_s)) FROM run r WHERE r.ran_s > 0), 0)) / 3600,
           COALESCE((SELECT pg_catalog.sum(r.rate * GREATEST(r.whole_s - COALESCE(r.ran_s, 0), 0)) FROM run r), 0) / 3600
      FROM w $$;

-- Billed hours that one hour of the job costs its group.
CREATE FUNCTION rcq_private.billed_rate(l rcq_private.live) RETURNS double precision
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT l.cpu_cores * rcq_private.setting_text('billing_cpu_hour')::double precision + l.memory_mib / 1024.0 * rcq_private.setting_text('billing_gb_hour')::double precision
           + l.gpu_count * COALESCE((SELECT b.per_hour FROM rcq_private.gpu_billing b WHERE b.gpu_type = l.gpu_type), rcq_private.setting_text('billing_gpu_hour')::double precision) $$;

-- When so many billed hours of a group will have left the usage window, if nothing is added; NULL: not by time alone.
CREATE FUNCTION rcq_private.usage_leaves(of_group integer, hours double precision, used double precision) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE k.kind
        WHEN 'month' THEN CASE WHEN hours <= used THEN (pg_catalog.date_trunc('month', pg_catalog.clock_timestamp() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC' END
        WHEN 'half_life' THEN CASE WHEN hours < used THEN pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => rcq_private.setting_text('fairshare_half_life')::double precision
                                                                                                                   * pg_catalog.ln(used / (used - hours)) / pg_catalog.ln(2::double precision)) END
        ELSE (SELECT pg_catalog.min(s.at) + pg_catalog.make_interval(secs => rcq_private.setting_text('fairshare_window_length')::double precision)
                FROM (SELECT s.at, pg_catalog.sum(s.core_seconds * c.cpu + s.gb_seconds * c.gb + s.gpu_seconds * COALESCE(b.per_hour, c.gpu)) OVER (ORDER BY s.at, s.ctid) / 3600 AS gone
                        FROM rcq_private.usage s LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = s.gpu_type,
                             (SELECT rcq_private.setting_text('billing_cpu_hour')::double precision AS cpu, rcq_private.setting_text('billing_gb_hour')::double precision AS gb,
                                     rcq_private.setting_text('billing_gpu_hour')::double precision AS gpu) c
                       WHERE s.group_id = of_group AND s.at > (SELECT w.begins FROM rcq_private.usage_window() w)) s
               WHERE s.gone >= hours) END
      FROM (SELECT rcq_private.setting_text('fairshare_window') AS kind) k $$;

-- When enough of one executor in service is free by the plans of what runs there, others left aside; NULL: not foreseeable.
CREATE FUNCTION rcq_private.free_by_plan(l rcq_private.live, v rcq_private.executor_verdict[]) RETURNS timestamptz
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.min(x.ends_at)
      FROM (SELECT r.ends_at, e.free_cores + pg_catalog.sum(r.cpu_cores) OVER w >= l.cpu_cores AND e.free_memory_mib + pg_catalog.sum(r.memory_mib) OVER w >= l.memory_mib
                   AND e.free_gpus + pg_catalog.sum(r.gpu_count) OVER w >= l.gpu_count AND (NOT l.exclusive OR pg_catalog.count(*) OVER w = e.runs) AS fits
              FROM unnest(v) e JOIN rcq_private.placed_runs() r ON r.executor_id = e.executor_id
             WHERE e.status = 'ready' AND e.lacks = '{}' AND e.closed_from IS NULL
            WINDOW w AS (PARTITION BY r.executor_id ORDER BY r.ends_at, r.job_id ROWS UNBOUNDED PRECEDING)) x
     WHERE x.fits $$;

-- The published rank, with what each of its jobs has; joined row by row, as placed_runs().
CREATE FUNCTION rcq_private.ranked_jobs(OUT "position" bigint, OUT job_id bigint, OUT user_id integer, OUT group_id integer, OUT priority integer, OUT cpu_cores integer, OUT memory_mib integer,
    OUT gpu_count integer, OUT final_priority double precision, OUT expected_start timestamptz) RETURNS SETOF record
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT k."position", l.job_id, l.user_id, l.group_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, p.final_priority, p.expected_start
      FROM rcq_private.published_plan() q, unnest(q.ranked) WITH ORDINALITY k(job_id, "position") JOIN rcq_private.live l ON l.job_id = k.job_id AND l.placed_at IS NULL,
           LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at, l.cpu_cores_min, l.gpu_type,
               l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key, COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, l.failures) p $$;
