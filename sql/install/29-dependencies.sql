-- What a submission says about the jobs that its jobs wait for.

CREATE FUNCTION rcq_private.parse_dependencies(place bigint, depends_on text, OUT kind text, OUT job_id bigint, OUT task_index integer) RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_parse_dependencies';
COMMENT ON FUNCTION rcq_private.parse_dependencies(bigint, text) IS 'The dependencies that a text names (afterok:41,afterany:42:43_7,singleton), each once; RC001 when malformed (place names the job in a bulk)';

CREATE FUNCTION rcq_private.find_cycle(nodes integer, from_nodes integer[], to_nodes integer[]) RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_find_cycle';
COMMENT ON FUNCTION rcq_private.find_cycle(integer, integer[], integer[]) IS 'Nodes (numbered from 1) of one cycle of a graph in their order; NULL when it has none';

-- A dependency as it is written, by the place of its job in the submission.
CREATE TYPE rcq_private.named_dependency AS (place integer, kind text, job_id bigint, task_index integer);

-- The id of the task of an array with this index, which has a row of its own from then on. RC002 when it has no row any more:
-- its part of the history may have been dropped before that of its array.
CREATE FUNCTION rcq_private.task_row(of_array bigint, index integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint := (SELECT t.id FROM rcq_private.job t WHERE t.array_id = of_array AND t.array_index = index);
BEGIN
    IF id IS NULL THEN
        id := (SELECT t FROM rcq_private.materialise_tasks(of_array, rcq_private.selected(of_array, index::text)) t);
    END IF;
    IF id IS NULL THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('task %s of array job %s is not known any more', index, of_array),
            'It has ended, and its part of the history was dropped; see SELECT * FROM rcq.arrays for how many tasks have ended how.');
    END IF;
    RETURN id;
END $$;

-- Dependencies of requests on jobs that are there: the caller's, or anybody's when the caller is an administrator. RC001
-- and RC002 for the first that cannot be, with nothing changed but rows for tasks that are named alone.
CREATE FUNCTION rcq_private.wanted_dependencies(caller integer, requests rcq_private.request[]) RETURNS SETOF rcq_private.wanted_dependency
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    admin CONSTANT boolean := (SELECT u.is_admin FROM rcq_private.users u WHERE u.id = caller);
    named rcq_private.named_dependency[];
    wrong record;
    prefix text;
BEGIN
    SELECT pg_catalog.array_agg(ROW(r.place, d.kind, d.job_id, d.task_index)::rcq_private.named_dependency ORDER BY r.place) INTO named
      FROM (SELECT q.ordinality::integer AS place, q.depends_on FROM unnest(requests) WITH ORDINALITY q WHERE q.depends_on IS NOT NULL) r,
           LATERAL rcq_private.parse_dependencies(CASE WHEN pg_catalog.cardinality(requests) > 1 THEN r.place END, r.depends_on) d;
    SELECT n.*, j.id IS NULL AS missing, j.array_spec, r."array", r.name INTO wrong
      FROM unnest(named) n
      CROSS JOIN LATERAL (SELECT (requests[n.place])."array", (requests[n.place]).name) r
      LEFT JOIN rcq_private.job j ON j.id = n.job_id AND (j.user_id = caller OR admin)
     WHERE CASE n.kind WHEN 'singleton' THEN r.name IS NULL
                       WHEN 'aftercorr' THEN j.id IS NULL OR j.array_spec IS NULL OR r."array" IS NULL
                                             OR j.array_spec <> (SELECT s.canonical FROM rcq_private.array_spec(r."array") s)
                       ELSE j.id IS NULL OR n.task_index IS NOT NULL AND j.array_spec IS NULL END
     ORDER BY n.place LIMIT 1;
    IF FOUND THEN
        prefix := CASE WHEN pg_catalog.cardinality(requests) > 1 THEN pg_catalog.format('job %s of the list: ', wrong.place) ELSE '' END;
        IF wrong.kind = 'singleton' THEN
            PERFORM rcq_private.fail('RC001', prefix || 'depends_on has singleton, and the job has no name', 'A singleton waits for all earlier jobs of yours of the same name: give it one.');
        ELSIF wrong.missing THEN
            PERFORM rcq_private.fail('RC002', prefix || pg_catalog.format('there is no job %s of yours to depend on', wrong.job_id), 'List your jobs with SELECT id, status FROM rcq.jobs.');
        ELSIF wrong.kind <> 'aftercorr' OR wrong.array_spec IS NULL THEN
            PERFORM rcq_private.fail('RC001', prefix || pg_catalog.format('depends_on names a task of job %s, or its tasks by aftercorr, and job %s is no array job', wrong.job_id, wrong.job_id),
                'Name the job alone, as in afterok:' || wrong.job_id || '.');
        ELSE
            PERFORM rcq_private.fail('RC001', prefix || pg_catalog.format('aftercorr:%s is between two array jobs of the same indices, and these are %s and %s', wrong.job_id,
                    pg_catalog.left(wrong.array_spec, 100), COALESCE(pg_catalog.left(wrong."array", 100), 'no array')),
                'Give the job the same indices, or depend on the whole of the other one with afterok.');
        END IF;
    END IF;
    RETURN QUERY
    SELECT DISTINCT n.place, CASE WHEN n.task_index IS NULL THEN COALESCE(n.job_id, 0) ELSE rcq_private.task_row(n.job_id, n.task_index) END, n.kind FROM unnest(named) n;
END $$;
