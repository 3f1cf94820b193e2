-- Reading the output of jobs.

-- The attempt to show when none is asked for: the latest one that was started. RC002 unless the caller may see the job.
CREATE FUNCTION rcq_private.log_attempt(job bigint, attempt integer) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller integer := rcq_private.caller_id();
    latest integer;
BEGIN
    PERFORM FROM rcq_private.job j WHERE j.id = job AND (j.user_id = caller OR rcq_private.caller_is_admin());
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')),
            'List your jobs with SELECT id, status FROM rcq.jobs.');
    END IF;
    IF attempt IS NOT NULL THEN RETURN attempt; END IF;
    SELECT pg_catalog.max(a.attempt) INTO latest FROM (
        SELECT l.attempt FROM rcq_private.live l WHERE l.job_id = job AND l.claimed_at IS NOT NULL
        UNION ALL SELECT o.attempt FROM rcq_private.outcome o WHERE o.job_id = job AND o.claimed_at IS NOT NULL
        UNION ALL SELECT r.attempt FROM rcq_private.run r WHERE r.job_id = job) a;
    RETURN latest;
END $$;

-- The output columns are seq, at, stream, line: stream is INOUT because a name may stand only once.
CREATE FUNCTION rcq.logs(job bigint, attempt integer DEFAULT NULL, after bigint DEFAULT 0,
                         OUT seq bigint, OUT at timestamptz, INOUT stream text DEFAULT NULL, OUT line text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    shown integer := rcq_private.log_attempt(job, attempt);
    wanted CONSTANT text := stream;
BEGIN
    RETURN QUERY
    SELECT g.seq + k.n - 1, g.at, g.stream::text, k.line
      FROM rcq_private.log g, unnest(rcq_private.log_lines(g.data)) WITH ORDINALITY k(line, n)
     WHERE g.job_id = job AND g.attempt = shown AND g.seq + g.lines - 1 > COALESCE(after, 0)
       AND g.seq + k.n - 1 > COALESCE(after, 0) AND (wanted IS NULL OR g.stream = wanted)
     ORDER BY g.seq, k.n;
END $$;
COMMENT ON FUNCTION rcq.logs(bigint, integer, bigint, text) IS
'Output lines of a job: attempt NULL = the latest started one; after: only lines numbered above it (follow by passing the last seq seen); stream: stdout, stderr or NULL for both. Bytes that are no text show as U+FFFD. Error: RC002';

CREATE FUNCTION rcq.logs_raw(job bigint, attempt integer DEFAULT NULL, stream text DEFAULT NULL) RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    shown integer := rcq_private.log_attempt(job, attempt);
BEGIN
    RETURN (SELECT COALESCE(pg_catalog.string_agg(g.data, ''::bytea ORDER BY g.seq), ''::bytea) FROM rcq_private.log g
             WHERE g.job_id = job AND g.attempt = shown AND (logs_raw.stream IS NULL OR g.stream = logs_raw.stream));
END $$;
COMMENT ON FUNCTION rcq.logs_raw(bigint, integer, text) IS 'Output of a job byte for byte; arguments as rcq.logs. Error: RC002';

CREATE FUNCTION rcq.log_chunks(job_id bigint, after_attempt integer DEFAULT NULL, after_seq bigint DEFAULT NULL, max_bytes integer DEFAULT 262144)
RETURNS TABLE (attempt integer, seq bigint, stream text, bytes bytea, ended boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    latest CONSTANT integer := rcq_private.log_attempt(job_id, NULL);
    from_attempt CONSTANT integer := COALESCE(after_attempt, latest, 0);
    from_seq CONSTANT bigint := COALESCE(after_seq, 0);
    over CONSTANT boolean := NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = log_chunks.job_id)
                             AND NOT EXISTS (SELECT FROM rcq_private.restored r WHERE r.job_id = log_chunks.job_id);
    room bigint := max_bytes;
    g record;
BEGIN
    IF max_bytes IS NULL OR max_bytes NOT BETWEEN 1 AND 16777216 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('max_bytes %s is outside 1 to 16777216', COALESCE(max_bytes::text, 'NULL')));
    END IF;
    attempt := from_attempt;
    seq := from_seq;
    FOR g IN SELECT k.attempt, k.seq, k.stream, k.data FROM rcq_private.log k
              WHERE k.job_id = log_chunks.job_id AND (k.attempt, k.seq) > (from_attempt, from_seq) ORDER BY k.attempt, k.seq LOOP
        IF bytes IS NOT NULL THEN
            ended := false;
            RETURN NEXT;
        END IF;
        attempt := g.attempt;
        seq := g.seq;
        stream := g.stream;
        bytes := g.data;
        room := room - pg_catalog.octet_length(bytes);
        IF room <= 0 THEN
            -- whether it is the last one is found out when more is asked for
            ended := false;
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
    IF bytes IS NOT NULL OR over THEN
        bytes := COALESCE(bytes, '');
        ended := over;
        RETURN NEXT;
    END IF;
END $$;
COMMENT ON FUNCTION rcq.log_chunks(bigint, integer, bigint, integer) IS
'Output of a job as it was stored, in order, to be followed: the chunks after the one at (after_attempt, after_seq), the last that was seen (NULL, NULL = from the beginning of the latest attempt that was started; 0, 0 = from that of the first), until max_bytes (1 to 16777216) are reached, at least one. ended, in the last row: the job is over and nothing will follow; when nothing was left, that row is empty and has no stream. No row: nothing more yet. Errors: RC001, RC002, RC010';
