-- Graphs of jobs that depend on each other, submitted in one call.

-- What the jobs of a graph need, list by list: the place of the job, the kind of dependency, the keys. A list under no kind
-- has kind NULL when it is no list.
CREATE FUNCTION rcq_private.graph_needs(graph jsonb, OUT place integer, OUT kind text, OUT keys jsonb) RETURNS SETOF record
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.n::integer, k.kind, k.keys
      FROM pg_catalog.jsonb_array_elements(graph) WITH ORDINALITY e(job, n),
           LATERAL (SELECT e.job -> 'needs' AS needs, pg_catalog.jsonb_typeof(e.job -> 'needs') AS type) j,
           LATERAL (SELECT CASE WHEN j.type = 'array' THEN 'afterok' END AS kind, j.needs AS keys WHERE j.type NOT IN ('object', 'null')
                    UNION ALL SELECT o.key, o.value FROM pg_catalog.jsonb_each(CASE WHEN j.type = 'object' THEN j.needs ELSE '{}' END) o) k
$$;

-- The dependencies within a graph, whose jobs have these keys; RC001 for the first that cannot be.
CREATE FUNCTION rcq_private.graph_edges(graph jsonb, names text[]) RETURNS rcq_private.edge[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kinds CONSTANT text[] := '{after,afterany,afterok,afternotok,aftercorr}';
    max_edges CONSTANT integer := 1000000;
    total bigint;
    wrong record;
    edges rcq_private.edge[];
    cycle integer[];
BEGIN
    SELECT names[n.place] AS name, n.kind INTO wrong FROM rcq_private.graph_needs(graph) n
     WHERE n.kind IS NULL OR n.kind <> ALL (kinds) OR pg_catalog.jsonb_typeof(n.keys) <> 'array' OR pg_catalog.jsonb_path_exists(n.keys, 'strict $[*] ? (@.type() != "string")')
     ORDER BY n.place LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('job "%s" of the graph: needs %sis no list of keys', wrong.name, CASE WHEN wrong.kind <> 'afterok' THEN pg_catalog.format('has "%s", which ', pg_catalog.left(wrong.kind, 100)) ELSE '' END),
            'Write needs as ["a", "b"], which means afterok, or as {"afterok": ["a"], "afterany": ["b"]}; kinds are ' || pg_catalog.array_to_string(kinds, ', ') || '.');
    END IF;
    SELECT pg_catalog.sum(pg_catalog.jsonb_array_length(n.keys)) INTO total FROM rcq_private.graph_needs(graph) n;
    IF total > max_edges THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('the graph has %s dependencies, allowed are %s', total, max_edges), 'Let jobs wait for one job that waits for the others.');
    END IF;
    WITH place AS MATERIALIZED (
        SELECT k.name, k.n::integer AS n FROM unnest(names) WITH ORDINALITY k(name, n)
    ), need AS MATERIALIZED (
        SELECT DISTINCT n.place, x.key, n.kind FROM rcq_private.graph_needs(graph) n, LATERAL pg_catalog.jsonb_array_elements_text(n.keys) x(key)
    )
    SELECT pg_catalog.array_agg(ROW(d.place, p.n, d.kind)::rcq_private.edge) AS edges, pg_catalog.min(ARRAY[names[d.place], d.key]) FILTER (WHERE p.n IS NULL) AS unknown,
           pg_catalog.min(d.key) FILTER (WHERE p.n = d.place) AS itself
      INTO wrong FROM need d LEFT JOIN place p ON p.name = d.key;
    IF wrong.unknown IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('job "%s" of the graph needs "%s", and no job of the graph has that key', wrong.unknown[1], pg_catalog.left(wrong.unknown[2], 200)),
            'Keys are compared byte by byte; a job outside the graph is named by its id in depends_on.');
    ELSIF wrong.itself IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('job "%s" of the graph needs itself', wrong.itself), 'A job can only wait for others.');
    END IF;
    edges := wrong.edges;
    cycle := rcq_private.find_cycle(pg_catalog.cardinality(names), ARRAY(SELECT e.job_place FROM unnest(edges) e), ARRAY(SELECT e.on_place FROM unnest(edges) e));
    IF cycle IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', 'jobs of the graph wait for each other: ' || (SELECT pg_catalog.string_agg(names[c.place], ' -> ' ORDER BY c.n) FROM unnest(cycle[:10]) WITH ORDINALITY c(place, n))
                || CASE WHEN pg_catalog.cardinality(cycle) > 10 THEN pg_catalog.format(' -> ... (%s jobs)', pg_catalog.cardinality(cycle)) ELSE '' END || ' -> ' || names[cycle[1]],
            'a -> b means that a needs b; take away one of these needs.');
    END IF;
    RETURN edges;
END $$;

CREATE FUNCTION rcq.submit_graph(graph jsonb) RETURNS TABLE (key text, job_id bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    max_jobs CONSTANT integer := 100000;
    hint CONSTANT text := 'Write it as [{"key": "a", "script": "..."}, {"key": "b", "needs": ["a"], "script": "..."}]; a key is a text of 1 to 200 bytes.';
    names text[];
    wrong record;
    requests rcq_private.request[];
    edges rcq_private.edge[];
BEGIN
    IF graph IS NULL OR pg_catalog.jsonb_typeof(graph) <> 'array' THEN
        PERFORM rcq_private.fail('RC001', 'graph is not a JSON array', hint);
    END IF;
    IF pg_catalog.jsonb_array_length(graph) > max_jobs THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('the graph has %s jobs, allowed are %s', pg_catalog.jsonb_array_length(graph), max_jobs), 'Submit it in parts: depends_on names jobs that are there already.');
    END IF;
    SELECT e.n, CASE WHEN pg_catalog.jsonb_typeof(e.j) <> 'object' THEN 'is not an object' WHEN NOT e.j ? 'key' THEN 'has no key' ELSE 'has a key that is no text of 1 to 200 bytes' END AS fault INTO wrong
      FROM pg_catalog.jsonb_array_elements(graph) WITH ORDINALITY e(j, n)
     WHERE pg_catalog.jsonb_typeof(e.j) <> 'object' OR pg_catalog.jsonb_typeof(e.j -> 'key') IS DISTINCT FROM 'string' OR pg_catalog.octet_length(e.j ->> 'key') NOT BETWEEN 1 AND 200
     ORDER BY e.n LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('job %s of the graph %s', wrong.n, wrong.fault), hint);
    END IF;
    SELECT k.name, k.what INTO wrong
      FROM (SELECT e.j ->> 'key' AS name, 'the key' AS what, e.n FROM pg_catalog.jsonb_array_elements(graph) WITH ORDINALITY e(j, n)
            UNION ALL SELECT e.j ->> 'idempotency_key', 'the idempotency_key', e.n FROM pg_catalog.jsonb_array_elements(graph) WITH ORDINALITY e(j, n)) k
     WHERE k.name IS NOT NULL GROUP BY k.name, k.what HAVING pg_catalog.count(*) > 1 ORDER BY pg_catalog.min(k.n) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('two jobs of the graph have %s "%s"', wrong.what, pg_catalog.left(wrong.name, 200)), 'Each key may stand for one job only.');
    END IF;
    names := ARRAY(SELECT e.j ->> 'key' FROM pg_catalog.jsonb_array_elements(graph) WITH ORDINALITY e(j, n) ORDER BY e.n);
    edges := rcq_private.graph_edges(graph, names);
    requests := rcq_private.parse_requests((SELECT COALESCE(pg_catalog.jsonb_agg(e.j - 'key' - 'needs' ORDER BY e.n), '[]') FROM pg_catalog.jsonb_array_elements(graph) WITH ORDINALITY e(j, n)));
    SELECT names[e.job_place] AS job, names[e.on_place] AS needed INTO wrong FROM unnest(edges) e
     WHERE e.kind = 'aftercorr' AND (SELECT s.canonical FROM rcq_private.array_spec((requests[e.job_place])."array") s)
                     IS DISTINCT FROM (SELECT COALESCE(s.canonical, 'none') FROM rcq_private.array_spec((requests[e.on_place])."array") s) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('job "%s" of the graph needs "%s" by aftercorr, which is between two array jobs of the same indices', wrong.job, wrong.needed),
            'Give both the same indices in "array", or depend on the whole of the other one with afterok.');
    END IF;
    IF requests IS NOT NULL THEN
        RETURN QUERY SELECT names[i.n], i.id FROM rcq_private.enqueue(requests, edges) WITH ORDINALITY i(id, n);
    END IF;
END $$;
COMMENT ON FUNCTION rcq.submit_graph(jsonb) IS
'Submits jobs that depend on each other, all or none: a JSON array of jobs with the fields of rcq.submit_many, each with a "key" of its own and with what it "needs": ["a", "b"] (keys of jobs that must complete before it: afterok) or {"afterok": ["a"], "afterany": ["b"]} (also after, afternotok, aftercorr); depends_on names jobs outside the graph. Returns the id of each key in the order of the array. At most 100,000 jobs and 1,000,000 dependencies. Errors: RC001 (also for a cycle, which it names), RC002, RC004, RC005, RC007, RC010';
