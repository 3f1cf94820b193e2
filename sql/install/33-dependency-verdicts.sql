-- What has become of what jobs wait for.

-- Verdicts on all dependencies of these jobs (fresh), and on those of other jobs on these (changed) that are not open: at
-- most so many of the latter, whose rows are read no further. What can never be met is left out when the job waits all the
-- same. The tasks of an array that follow those of another one (aftercorr) are not dealt with here, but that no task can
-- follow one of which none completed.
CREATE FUNCTION rcq_private.judge_dependencies(changed bigint[], fresh bigint[], at_most integer) RETURNS SETOF rcq_private.dependency_verdict
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH candidate AS NOT MATERIALIZED (
        SELECT d.job_id, d.on_id, d.kind, true AS is_fresh FROM unnest(fresh) f(id) JOIN rcq_private.dependency d ON d.job_id = f.id
        UNION ALL
        SELECT d.job_id, d.on_id, d.kind, false FROM unnest(changed) c(id) JOIN rcq_private.dependency d ON d.on_id = c.id
         WHERE d.kind = 'after' OR NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = c.id)
    ), judged AS NOT MATERIALIZED (
        SELECT c.*, o.status,
               CASE WHEN l.job_id IS NOT NULL THEN CASE WHEN c.kind = 'after' AND (l.claimed_at IS NOT NULL OR l.failures + l.losses + l.preempted > 0) THEN 'met' ELSE 'open' END
                    WHEN c.kind = 'singleton' THEN 'look'
                    -- neither live nor ended: restored from a dump, and not yet resumed
                    WHEN o.job_id IS NULL AND EXISTS (SELECT FROM rcq_private.job j WHERE j.id = c.on_id) THEN 'open'
                    WHEN c.kind IN ('after', 'afterany') THEN 'met'
                    WHEN c.kind = 'afternotok' THEN CASE WHEN o.status IN ('failed', 'cancelled') THEN 'met' ELSE 'never' END
                    WHEN o.status = 'completed' THEN CASE c.kind WHEN 'afterok' THEN 'met' ELSE 'open' END
                    WHEN c.kind = 'aftercorr' AND EXISTS (SELECT FROM rcq_private.array a WHERE a.job_id = c.on_id AND a.completed > 0) THEN 'open'
                    ELSE 'never' END AS verdict
          FROM candidate c
          LEFT JOIN rcq_private.live l ON l.job_id = c.on_id
          LEFT JOIN rcq_private.outcome o ON l.job_id IS NULL AND o.job_id = c.on_id
    ), kept AS NOT MATERIALIZED (
        SELECT j.* FROM judged j WHERE j.verdict <> 'never' OR NOT (SELECT w.wait_if_unmet FROM rcq_private.job w WHERE w.id = j.job_id)
    )
    SELECT k.job_id, k.on_id, k.kind, k.verdict, k.status FROM kept k WHERE k.is_fresh
    UNION
    (SELECT k.job_id, k.on_id, k.kind, k.verdict, k.status FROM kept k WHERE NOT k.is_fresh AND k.verdict <> 'open' LIMIT at_most)
$$;

-- What has become of the predecessors of tasks that follow others: of the tasks named by changed (tasks that ended), and of
-- all that are left of the arrays in whole. At most so many tasks are judged; when so many are, there may be more. What
-- needs nothing done is left out: tasks that wait all the same, and those that start with the rest of their array.
CREATE FUNCTION rcq_private.judge_corresponding(changed bigint[], whole bigint[], at_most integer, OUT arrays rcq_private.corresponding_array[], OUT judged integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_variable
BEGIN
    arrays := ARRAY(
        SELECT ROW(k.id, x.on_id, x.label, j.wait_if_unmet, j.begin_time, j.array_spec, x.withdrawn, x.unknown, x.all_ended, x.all_completed, '{}', '{}')::rcq_private.corresponding_array
          FROM (SELECT d.job_id AS id FROM unnest(changed) c(id) JOIN rcq_private.job t ON t.id = c.id JOIN rcq_private.dependency d ON d.on_id = t.array_id AND d.kind = 'aftercorr'
                UNION SELECT w.id FROM unnest(whole) w(id)) k
          JOIN rcq_private.job j ON j.id = k.id AND j.array_spec IS NOT NULL,
               LATERAL (SELECT pg_catalog.min(d.on_id) AS on_id, 'aftercorr:' || pg_catalog.string_agg(d.on_id::text, ':' ORDER BY d.on_id) AS label,
                               pg_catalog.range_agg(y.withdrawn) AS withdrawn, pg_catalog.range_intersect_agg(y.waiting + y.held) AS unknown,
                               pg_catalog.bool_and(EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = d.on_id)) AS all_ended, pg_catalog.bool_and(y.completed = y.size) AS all_completed
                          FROM rcq_private.dependency d JOIN rcq_private.array y ON y.job_id = d.on_id WHERE d.job_id = k.id AND d.kind = 'aftercorr') x
         WHERE x.on_id IS NOT NULL AND NOT EXISTS (SELECT FROM rcq_private.dependency d WHERE d.job_id = k.id AND d.kind <> 'aftercorr')
         ORDER BY k.id);
    WITH candidate AS NOT MATERIALIZED (
        SELECT b.job_id, t.array_index FROM unnest(changed) c(id) JOIN rcq_private.job t ON t.id = c.id JOIN rcq_private.dependency d ON d.on_id = t.array_id AND d.kind = 'aftercorr'
          JOIN unnest(arrays) b ON b.job_id = d.job_id
        UNION ALL
        SELECT b.job_id, t.array_index FROM unnest(whole) w(id) JOIN unnest(arrays) b ON b.job_id = w.id JOIN rcq_private.live l ON l.array_id = b.job_id AND l.unmet > 0
          JOIN rcq_private.job t ON t.id = l.job_id
        UNION ALL
        SELECT b.job_id, rcq_private.array_index(b.array_spec, p."position") FROM unnest(whole) w(id) JOIN unnest(arrays) b ON b.job_id = w.id
          JOIN rcq_private.array a ON a.job_id = b.job_id, unnest(a.waiting + a.held - b.unknown - b.withdrawn) r,
               LATERAL (SELECT pg_catalog.generate_series(pg_catalog.lower(r), pg_catalog.upper(r) - 1) AS "position") p
         WHERE NOT (b.all_ended AND b.all_completed)
    ), verdict AS MATERIALIZED (
        SELECT k.job_id, g.good, rcq_private.array_positions(b.array_spec, k.array_index::text)::int4multirange AS positions
          FROM candidate k JOIN unnest(arrays) b ON b.job_id = k.job_id,
               LATERAL (SELECT pg_catalog.bool_or(COALESCE(o.status <> 'completed', false)) AS lost, pg_catalog.bool_and(COALESCE(o.status = 'completed', false)) AS good
                          FROM rcq_private.dependency d LEFT JOIN rcq_private.job t ON t.array_id = d.on_id AND t.array_index = k.array_index
                          LEFT JOIN rcq_private.outcome o ON o.job_id = t.id WHERE d.job_id = k.job_id AND d.kind = 'aftercorr') g
         WHERE CASE WHEN b.wait_if_unmet THEN g.good WHEN b.all_ended THEN g.lost ELSE g.good OR g.lost END LIMIT at_most
    )
    SELECT pg_catalog.array_agg(ROW(b.job_id, b.on_id, b.label, b.wait_if_unmet, b.begin_time, b.array_spec, b.withdrawn, b.unknown, b.all_ended, b.all_completed,
                                    COALESCE(v.good, '{}'), COALESCE(v.lost, '{}'))::rcq_private.corresponding_array ORDER BY b.job_id),
           (SELECT pg_catalog.count(*) FROM verdict)::integer
      INTO arrays, judged
      FROM unnest(arrays) b
      LEFT JOIN (SELECT q.job_id, pg_catalog.range_agg(q.positions) FILTER (WHERE q.good) AS good, pg_catalog.range_agg(q.positions) FILTER (WHERE NOT q.good) AS lost
                   FROM verdict q GROUP BY q.job_id) v ON v.job_id = b.job_id;
END $$;
