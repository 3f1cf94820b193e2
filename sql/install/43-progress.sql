-- How far runs say they are: executors bring it (rcq.jobs and rcq.job_states show it).

CREATE FUNCTION rcq.executor_progress(executor integer, incarnation bigint, job_ids bigint[], tokens bigint[], percents integer[], messages bytea[])
RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    own CONSTANT integer := rcq_private.own_executor(executor, incarnation);
    n CONSTANT integer := COALESCE(pg_catalog.cardinality(tokens), 0);
    stale bigint[];
BEGIN
    IF n > 10000 OR n <> COALESCE(pg_catalog.cardinality(job_ids), 0) OR n <> COALESCE(pg_catalog.cardinality(percents), 0)
       OR n <> COALESCE(pg_catalog.cardinality(messages), 0)
       OR EXISTS (SELECT FROM unnest(percents, messages) AS k(percent, message)
                   WHERE k.percent IS NULL OR k.percent NOT BETWEEN 0 AND 100 OR pg_catalog.octet_length(k.message) > 1000) THEN
        PERFORM rcq_private.fail('RC023', 'malformed progress',
            'Four arrays of one length, 10000 at most; percent from 0 to 100, messages of at most 1000 bytes or NULL.');
    END IF;
    INSERT INTO rcq_private.progress AS p (job_id, user_id, token, percent, message, at)
    SELECT DISTINCT ON (l.job_id) l.job_id, l.user_id, l.token, k.percent, (rcq_private.log_lines(k.message))[1], pg_catalog.clock_timestamp()
      FROM unnest(job_ids, tokens, percents, messages) WITH ORDINALITY AS k(job_id, token, percent, message, place)
      JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own AND l.claimed_at IS NOT NULL
     ORDER BY l.job_id, k.place DESC
    ON CONFLICT (job_id) DO UPDATE SET token = EXCLUDED.token, percent = EXCLUDED.percent, message = EXCLUDED.message, at = EXCLUDED.at
     WHERE (p.token, p.percent, p.message) IS DISTINCT FROM (EXCLUDED.token, EXCLUDED.percent, EXCLUDED.message);
    SELECT pg_catalog.array_agg(DISTINCT k.token) INTO stale
      FROM unnest(job_ids, tokens) AS k(job_id, token)
     WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own);
    RETURN COALESCE(stale, '{}');
END $$;
COMMENT ON FUNCTION rcq.executor_progress(integer, bigint, bigint[], bigint[], integer[], bytea[]) IS
'For executors: how far runs are, in percent, each with a line of text or NULL, which takes the place of what was said before; returns the tokens that are not live (any more). Errors: RC020, RC021, RC023';

-- Of the runs that are over. The scheduler calls it every ten seconds; it reads what has been said since, and of what runs.
CREATE FUNCTION rcq_private.forget_progress() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET enable_seqscan = off AS $$
    DELETE FROM rcq_private.progress p WHERE NOT COALESCE((SELECT l.token = p.token FROM rcq_private.live l WHERE l.job_id = p.job_id), false)
$$;

CREATE FUNCTION rcq_private.array_progress(array_id bigint) RETURNS integer
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_array_progress';
COMMENT ON FUNCTION rcq_private.array_progress(bigint) IS 'Percent of the tasks of an array that have ended, rounded down; NULL when it is none';
