-- The protocol that executors speak: docs/reference/executor-protocol.md

-- The executor that the acting role is, or RC020.
CREATE FUNCTION rcq_private.executor_of_role() RETURNS rcq_private.executor
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own rcq_private.executor;
BEGIN
    SELECT * INTO own FROM rcq_private.executor e WHERE e.name = rcq_private.outer_role();
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC020', pg_catalog.format('role "%s" is not an executor', rcq_private.outer_role()),
            'An administrator makes the login of an executor: SELECT rcq.create_executor_login(''<name>'').');
    END IF;
    RETURN own;
END $$;

CREATE FUNCTION rcq_private.own_executor(executor integer, incarnation bigint) RETURNS integer
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_own_executor';
COMMENT ON FUNCTION rcq_private.own_executor(integer, bigint) IS 'The executor that the acting role is; RC020 unless it is this one, RC021 unless this process is the registered one';

-- How features, GPU models and countable resources are written.
CREATE FUNCTION rcq_private.is_word(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN word ~ '^[a-z0-9][a-z0-9_.:-]{0,62}$';

CREATE FUNCTION rcq_private.executor_terms() RETURNS text
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_executor_terms';
COMMENT ON FUNCTION rcq_private.executor_terms() IS 'How often an executor must be heard of, and when its runs are given up, as JSON';

CREATE FUNCTION rcq.register_executor(hostname text, capacity jsonb, features text[], incarnation bigint, protocol integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own rcq_private.executor := rcq_private.executor_of_role();
    cores bigint; memory bigint; gpus bigint; model text;
BEGIN
    PERFORM rcq_private.heartbeat(own.id); -- whatever becomes of the rest, it is there
    IF protocol IS DISTINCT FROM 1 THEN
        PERFORM rcq_private.fail('RC022', pg_catalog.format('protocol version %s is not supported', COALESCE(protocol::text, 'NULL')),
            'This server speaks version 1: install the rcq-executor that goes with it.');
    END IF;
    BEGIN
        SELECT c.cpu_cores, c.memory_mib, COALESCE(c.gpu_count, 0), c.gpu_type INTO cores, memory, gpus, model
          FROM pg_catalog.jsonb_to_record(capacity) AS c(cpu_cores bigint, memory_mib bigint, gpu_count bigint, gpu_type text);
    EXCEPTION WHEN data_exception THEN
        cores := NULL;
    END;
    IF cores IS NULL OR memory IS NULL OR cores NOT BETWEEN 0 AND 100000 OR memory NOT BETWEEN 0 AND 2147483647
       OR gpus NOT BETWEEN 0 AND 10000 OR incarnation IS NULL OR hostname IS NULL OR pg_catalog.length(hostname) > 255 OR pg_catalog.cardinality(features) > 1000
       OR NOT rcq_private.is_word(COALESCE(model, 'unknown'))
       OR pg_catalog.jsonb_typeof(capacity -> 'info') <> 'object' OR pg_catalog.octet_length((capacity -> 'info')::text) > 65536
       OR EXISTS (SELECT FROM unnest(features) f WHERE f IS NULL OR NOT rcq_private.is_word(f)) THEN
        PERFORM rcq_private.fail('RC023', 'malformed registration',
            'hostname (at most 255 characters), incarnation and capacity {"cpu_cores": 0-100000, "memory_mib": 0-2147483647, "gpu_count": 0-10000} are needed; features (at most 1000) and "gpu_type" are lower-case words, "info" is an object of at most 64 kB.');
    END IF;
    UPDATE rcq_private.executor e
       SET hostname = register_executor.hostname, cpu_cores = cores, memory_mib = memory, gpu_count = gpus, gpu_type = model, info = capacity -> 'info',
           features = ARRAY(SELECT DISTINCT f COLLATE "C" FROM unnest(register_executor.features) f ORDER BY 1),
           incarnation = register_executor.incarnation, registered_at = pg_catalog.clock_timestamp(), signed_off = false,
           leaving = CASE WHEN e.incarnation = register_executor.incarnation THEN e.leaving END
     WHERE e.id = own.id;
    PERFORM rcq_private.definitions_changed();
    RETURN pg_catalog.jsonb_build_object('executor', own.id, 'name', own.name, 'protocol', 1,
        'channel', 'rcq_executor_' || own.id,
        'server_start', (pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint) || rcq_private.executor_terms()::jsonb;
END $$;
COMMENT ON FUNCTION rcq.register_executor(text, jsonb, text[], bigint, integer) IS
'For executors: registers this process with its capacity ({"cpu_cores", "memory_mib", "gpu_count", "gpu_type", "info"}, the last three optional; info: any facts of the host, at most 64 kB) and features. Errors: RC020, RC022, RC023';

CREATE FUNCTION rcq.executor_sync(executor integer, incarnation bigint, acked_seq bigint, live_tokens bigint[], finished jsonb,
                                  usage jsonb, max_new integer)
RETURNS TABLE (kind text, seq bigint, job_id bigint, token bigint, body jsonb)
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_executor_sync';
COMMENT ON FUNCTION rcq.executor_sync(integer, bigint, bigint, bigint[], jsonb, jsonb, integer) IS
'For executors: heartbeat, reports of ended runs, and new commands in one round trip. Errors: RC020, RC021, RC023';

CREATE FUNCTION rcq.executor_log(executor integer, incarnation bigint, job_ids bigint[], tokens bigint[], seqs bigint[], streams text[], chunks bytea[])
RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    own CONSTANT integer := rcq_private.own_executor(executor, incarnation);
    n integer := COALESCE(pg_catalog.cardinality(chunks), 0);
    bytes bigint := (SELECT COALESCE(pg_catalog.sum(pg_catalog.octet_length(k)), 0) FROM unnest(chunks) k);
    enough CONSTANT bigint := 67108864; -- bytes of one run, four times what an executor sends; 24 for the row of each chunk
    counted bigint[];
    stale bigint[];
BEGIN
    IF n <> COALESCE(pg_catalog.cardinality(job_ids), 0) OR n <> COALESCE(pg_catalog.cardinality(tokens), 0)
       OR n <> COALESCE(pg_catalog.cardinality(seqs), 0) OR n <> COALESCE(pg_catalog.cardinality(streams), 0)
       OR EXISTS (SELECT FROM unnest(seqs, streams, chunks) AS k(seq, stream, chunk)
                   WHERE k.seq IS NULL OR k.seq NOT BETWEEN 1 AND 1000000000000 OR k.stream IS NULL OR k.stream NOT IN ('stdout', 'stderr') OR k.chunk IS NULL)
       OR bytes > 1048576 THEN
        PERFORM rcq_private.fail('RC023', 'malformed log batch',
            'Five arrays of one length, seq from 1, stream stdout or stderr, at most 1 MiB together.');
    END IF;
    bytes := rcq_private.count_log_bytes(bytes);
    -- a new process that has asked how much is stored must not find more later: from here on it waits for us, or we are
    -- the one that was replaced
    PERFORM rcq_private.lock_output(own, false);
    PERFORM rcq_private.own_executor(executor, incarnation);
    -- How much of a run is stored is counted once per MiB that comes, on the average, and so costs next to nothing: a chunk
    -- has it counted by a chance as great as the chunk. What is full stays full.
    counted := ARRAY(SELECT k.job_id FROM unnest(job_ids, chunks) AS k(job_id, chunk) WHERE pg_catalog.octet_length(k.chunk) + 24 > pg_catalog.random() * 1048576);
    IF counted <> '{}' THEN
        UPDATE rcq_private.live l SET log_full = true
          FROM (SELECT h.job_id FROM unnest(job_ids, tokens) AS k(job_id, token)
                  JOIN rcq_private.live h ON h.job_id = k.job_id AND h.token = k.token AND h.executor_id = own
                 WHERE k.job_id = ANY (counted) AND NOT h.log_full
                   AND (SELECT pg_catalog.sum(pg_catalog.octet_length(g.data) + 24) FROM rcq_private.log g WHERE g.job_id = h.job_id AND g.attempt = h.attempt) > enough
                   FOR UPDATE OF h SKIP LOCKED) f
         WHERE l.job_id = f.job_id;
    END IF;
    INSERT INTO rcq_private.log (job_id, attempt, seq, user_id, lines, at, stream, data)
    SELECT l.job_id, l.attempt, k.seq, l.user_id, pg_catalog.cardinality(rcq_private.log_lines(k.chunk)), pg_catalog.clock_timestamp(), k.stream, k.chunk
      FROM unnest(job_ids, tokens, seqs, streams, chunks) AS k(job_id, token, seq, stream, chunk)
      JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own AND NOT l.log_full
     WHERE pg_catalog.octet_length(k.chunk) > 0
    ON CONFLICT DO NOTHING;
    SELECT pg_catalog.array_agg(DISTINCT k.token) INTO stale
      FROM unnest(job_ids, tokens) AS k(job_id, token)
     WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own AND NOT l.log_full);
    RETURN COALESCE(stale, '{}');
END $$;
COMMENT ON FUNCTION rcq.executor_log(integer, bigint, bigint[], bigint[], bigint[], text[], bytea[]) IS
'For executors: appends chunks of output; returns the tokens whose output is not taken (any more): they are not live, or about 64 MiB are stored. Errors: RC020, RC021, RC023';

CREATE FUNCTION rcq.executor_log_position(executor integer, incarnation bigint, job_ids bigint[], tokens bigint[])
RETURNS TABLE (token bigint, next_seq bigint, bytes bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    own CONSTANT integer := rcq_private.own_executor(executor, incarnation);
BEGIN
    IF pg_catalog.cardinality(job_ids) IS DISTINCT FROM pg_catalog.cardinality(tokens) THEN
        PERFORM rcq_private.fail('RC023', 'job_ids and tokens differ in length', 'Two arrays of one length.');
    END IF;
    -- what the process before this one has sent may be under way still
    PERFORM rcq_private.lock_output(own, true);
    RETURN QUERY
    SELECT l.token, COALESCE(g.next_seq, 1), COALESCE(g.bytes, 0)
      FROM unnest(job_ids, tokens) AS k(job_id, token)
      JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own,
           LATERAL (SELECT pg_catalog.max(s.seq + s.lines) AS next_seq, pg_catalog.sum(pg_catalog.octet_length(s.data)) AS bytes
                      FROM rcq_private.log s WHERE s.job_id = l.job_id AND s.attempt = l.attempt) g;
END $$;
COMMENT ON FUNCTION rcq.executor_log_position(integer, bigint, bigint[], bigint[]) IS
'For executors: how much output of each of these runs is stored, in bytes, and the number of the line that follows; runs that are not live here are left out. Errors: RC020, RC021, RC023';

CREATE FUNCTION rcq.executor_drain(executor integer, incarnation bigint, reason text, until_resumed boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own CONSTANT integer := rcq_private.own_executor(executor, incarnation);
    why CONSTANT text := pg_catalog.left(reason, 200);
BEGIN
    IF until_resumed THEN
        IF why IS NULL THEN
            PERFORM rcq_private.fail('RC023', 'a drain until it is resumed needs a reason', 'An administrator ends it: rcq.resume_executor.');
        END IF;
        -- one that an administrator has ordered stays as it is; one that was only planned has come
        UPDATE rcq_private.executor e SET drained = why, drain_at = NULL, drain_requeues = false
         WHERE e.id = own AND (e.drained IS NULL OR e.drain_at > pg_catalog.clock_timestamp());
    ELSE
        UPDATE rcq_private.executor e SET leaving = why WHERE e.id = own;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.executor_drain(integer, bigint, text, boolean) IS
'For executors: place nothing more here; a reason of NULL ends what an earlier call ordered, but no drain of an administrator. until_resumed: as if an administrator had ordered it, until rcq.resume_executor; replaces one that is only planned. Errors: RC020, RC021, RC023 (until_resumed without a reason)';

CREATE FUNCTION rcq.executor_sign_off(executor integer, incarnation bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own CONSTANT integer := rcq_private.own_executor(executor, incarnation);
BEGIN
    UPDATE rcq_private.executor e SET signed_off = true WHERE e.id = own;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.executor_sign_off(integer, bigint) IS 'For executors: last call of a process that ends in order. Errors: RC020, RC021';
