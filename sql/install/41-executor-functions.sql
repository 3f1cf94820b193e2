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

-- As above; RC020 unless it is this executor, RC021 unless this process is the registered one.
CREATE FUNCTION rcq_private.own_executor(executor integer, incarnation bigint) RETURNS rcq_private.executor
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own rcq_private.executor := rcq_private.executor_of_role();
BEGIN
    IF executor IS NULL OR incarnation IS NULL THEN
        PERFORM rcq_private.fail('RC023', 'executor and incarnation must be given', 'Pass what rcq.register_executor answered.');
    END IF;
    IF own.id <> executor THEN
        PERFORM rcq_private.fail('RC020', pg_catalog.format('role "%s" is not executor %s', rcq_private.outer_role(), executor),
            'Pass the number that rcq.register_executor answered.');
    END IF;
    IF own.incarnation IS DISTINCT FROM own_executor.incarnation THEN
        PERFORM rcq_private.fail('RC021', pg_catalog.format('another process has registered executor "%s" since', own.name),
            'One process per executor: stop the other one, or give it a login of its own.');
    END IF;
    RETURN own;
END $$;

-- How features, GPU models and countable resources are written.
CREATE FUNCTION rcq_private.is_word(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT word ~ '^[a-z0-9][a-z0-9_.:-]{0,62}$' $$;

-- How often an executor must be heard of, and when its runs are given up.
CREATE FUNCTION rcq_private.executor_terms() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object('lease_seconds', rcq_private.setting_text('lease')::double precision,
        'lost_after_seconds', rcq_private.setting_text('lost_after')::double precision)
$$;

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
        'channel', 'rcq_executor_' || own.id) || rcq_private.executor_terms();
END $$;
COMMENT ON FUNCTION rcq.register_executor(text, jsonb, text[], bigint, integer) IS
'For executors: registers this process with its capacity ({"cpu_cores", "memory_mib", "gpu_count", "gpu_type", "info"}, the last three optional; info: any facts of the host, at most 64 kB) and features. Errors: RC020, RC022, RC023';

-- Reports of ended runs from their JSON. What a host says about files is cut, so that none fills the database with it.
CREATE FUNCTION rcq_private.parse_reports(finished jsonb) RETURNS rcq_private.run_report[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reports rcq_private.run_report[];
    wrong bigint;
BEGIN
    SELECT pg_catalog.array_agg(ROW(f.job_id, f.token, f."end", f.exit_code, f.signal, f.cpu_seconds, f.peak_memory_mib,
               pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => LEAST(GREATEST(COALESCE(f.ended_ago_s, 0), 0), 31536000)),
               pg_catalog.left(f.message, 1000),
               CASE WHEN f.output_dir IS NOT NULL THEN pg_catalog.jsonb_build_object('dir', pg_catalog.left(f.output_dir, 4096), 'files',
                   COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', pg_catalog.left(k.name, 1000), 'bytes', k.bytes))
                               FROM (SELECT x.name, x.bytes FROM pg_catalog.jsonb_to_recordset(f.files) AS x(name text, bytes bigint) LIMIT 100) k), '[]')) END, f.result)::rcq_private.run_report),
           pg_catalog.count(*) FILTER (WHERE f.job_id IS NULL OR f.token IS NULL OR f."end" IS NULL
               OR f."end" NOT IN ('exit_code', 'signal', 'timeout', 'oom', 'disk_quota', 'spawn_error', 'not_started', 'cancelled', 'bad_result')
               OR (f."end" = 'exit_code' AND f.exit_code IS NULL))
      INTO reports, wrong
      FROM pg_catalog.jsonb_to_recordset(finished) AS f(job_id bigint, token bigint, "end" text, exit_code integer, signal integer,
           cpu_seconds real, peak_memory_mib integer, ended_ago_s double precision, message text, output_dir text, files jsonb, result jsonb);
    IF wrong > 0 THEN
        PERFORM rcq_private.fail('RC023', pg_catalog.format('%s of the reports lack job_id, token or a known end', wrong));
    END IF;
    RETURN reports;
EXCEPTION WHEN data_exception THEN
    PERFORM rcq_private.fail('RC023', 'malformed report: ' || SQLERRM);
END $$;

-- What a start tells the executor: the job, with what its placement granted, and no more time than its deadline leaves.
-- common: the job itself, or of a task its array, where what all tasks have in common stands.
CREATE FUNCTION rcq_private.start_body(j rcq_private.job, common rcq_private.job, l rcq_private.live) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object('attempt', l.attempt, 'name', j.name,
        'user', (SELECT COALESCE(u.role_name, u.email) FROM rcq_private.users u WHERE u.id = j.user_id),
        'group', (SELECT g.name FROM rcq_private.groups g WHERE g.id = j.group_id),
        'script', common.script, 'workdir', common.workdir, 'env', COALESCE(common.env, '{}'), 'cpu_cores', COALESCE(l.granted_cores, j.cpu_cores),
        'memory_mib', COALESCE(l.granted_memory_mib, l.memory_mib), 'gpu_count', COALESCE(l.granted_gpus, j.gpu_count),
        'time_limit_s', LEAST(pg_catalog.date_part('epoch', j.time_limit),
                              CASE WHEN l.deadline IS NOT NULL THEN GREATEST(pg_catalog.date_part('epoch', l.deadline - pg_catalog.now()), 1) END),
        'on_disconnect', CASE WHEN j.kill_on_disconnect THEN 'kill' ELSE 'continue' END)
        || CASE WHEN j.gpu_type IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('gpu_type', j.gpu_type) END
        || CASE WHEN common.type IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('type', common.type, 'payload', common.payload) END
        || CASE WHEN j.array_id IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('array_id', j.array_id, 'array_index', j.array_index, 'array_size', common.array_size) END
        || COALESCE((SELECT pg_catalog.jsonb_build_object('unix_user', u.unix_user) FROM rcq_private.users u WHERE u.id = j.user_id AND u.unix_user IS NOT NULL), '{}')
$$;

CREATE FUNCTION rcq.executor_sync(executor integer, incarnation bigint, acked_seq bigint, live_tokens bigint[], finished jsonb,
                                  usage jsonb, max_new integer)
RETURNS TABLE (kind text, seq bigint, job_id bigint, token bigint, body jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
    now_ timestamptz := pg_catalog.clock_timestamp();
    reports rcq_private.run_report[];
    offered rcq_private.command[];
    lost rcq_private.run_report[];
    ack bigint;
    room integer := LEAST(GREATEST(COALESCE(max_new, 0), 0), 1000);
    payload_room bigint := 67108864; -- bytes of payloads in one answer, exceeded by at most one payload
    left_out boolean;
    known bigint[];
BEGIN
    IF acked_seq IS NULL THEN
        PERFORM rcq_private.fail('RC023', 'acked_seq is NULL',
            'Pass 0 after every reconnect.');
    END IF;
    PERFORM rcq_private.heartbeat(own.id);

    IF live_tokens IS NOT NULL THEN
        -- settings may have changed since it registered
        RETURN QUERY SELECT 'terms', NULL::bigint, NULL::bigint, NULL::bigint, rcq_private.executor_terms();
    END IF;

    IF finished IS NOT NULL THEN
        reports := rcq_private.parse_reports(finished);
        IF reports IS NOT NULL THEN
            RETURN QUERY SELECT 'answer', NULL::bigint, e.job_id, e.token, pg_catalog.jsonb_build_object('answer', e.answer)
                           FROM rcq_private.end_runs(own.id, reports) e;
        END IF;
    END IF;

    IF usage IS NOT NULL THEN
        BEGIN
        UPDATE rcq_private.live l SET cpu_seconds = u.cpu_seconds, peak_memory_mib = u.peak_memory_mib
          FROM (SELECT h.job_id, r.cpu_seconds, r.peak_memory_mib
                  FROM pg_catalog.jsonb_to_recordset(usage) AS r(job_id bigint, token bigint, cpu_seconds real, peak_memory_mib integer)
                  JOIN rcq_private.live h ON h.job_id = r.job_id AND h.token = r.token AND h.executor_id = own.id
                 ORDER BY h.job_id FOR UPDATE OF h SKIP LOCKED) u
         WHERE l.job_id = u.job_id;
        EXCEPTION WHEN data_exception THEN
            PERFORM rcq_private.fail('RC023', 'malformed usage: ' || SQLERRM);
        END;
    END IF;

    IF live_tokens IS NOT NULL THEN
        -- A claimed run that its executor does not hold is lost, unless this very process claimed it and has not
        -- acknowledged the command: then the answer was lost on the way and the run is offered again below.
        SELECT pg_catalog.array_agg(ROW(l.job_id, l.token, 'executor_lost', NULL, NULL, NULL, NULL, NULL, 'not known to its executor any more', NULL, NULL)::rcq_private.run_report)
          INTO lost
          FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
         WHERE c.executor_id = own.id AND c.kind = 'start' AND l.claimed_at IS NOT NULL AND l.token <> ALL (live_tokens)
           AND (l.claimed_by <> own.incarnation OR c.seq <= acked_seq);
        IF lost IS NOT NULL THEN
            PERFORM FROM rcq_private.end_runs(own.id, lost);
        END IF;
        known := ARRAY(SELECT l.token FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
                        WHERE c.executor_id = own.id AND c.kind = 'start' AND l.claimed_at IS NOT NULL)
                 || ARRAY(SELECT r.token FROM unnest(reports) r);
        RETURN QUERY
        SELECT 'kill', NULL::bigint, NULL::bigint, t, NULL::jsonb FROM unnest(live_tokens) t WHERE t <> ALL (known);
    END IF;

    -- Commands in order, as far as there is room for new runs. The claim is the lock on the live row; a row that
    -- somebody else holds is left out, acknowledged never, and so offered again.
    SELECT pg_catalog.array_agg(o ORDER BY o.seq) INTO offered
      FROM (SELECT * FROM rcq_private.command c WHERE c.executor_id = own.id AND c.seq > acked_seq
             ORDER BY c.seq LIMIT room + 1000) o;
    IF offered IS NULL THEN RETURN; END IF;

    SELECT payload_room - COALESCE(pg_catalog.sum(l.payload_bytes), 0) INTO payload_room
      FROM unnest(offered) o JOIN rcq_private.live l ON l.job_id = o.job_id AND l.token = o.token
     WHERE o.kind = 'start' AND l.claimed_by = own.incarnation AND (live_tokens IS NULL OR o.token <> ALL (live_tokens));
    WITH locked AS MATERIALIZED (
        -- the limit counts what could be locked, so that a row that somebody holds keeps nobody else waiting
        SELECT l.job_id, l.payload_bytes, o.seq FROM unnest(offered) o JOIN rcq_private.live l ON l.job_id = o.job_id AND l.token = o.token
         WHERE o.kind = 'start' AND l.claimed_by IS NULL AND (live_tokens IS NULL OR o.token <> ALL (live_tokens))
         ORDER BY o.seq LIMIT room FOR UPDATE OF l SKIP LOCKED
    ), fitting AS MATERIALIZED (
        SELECT k.job_id FROM (SELECT k.job_id, pg_catalog.sum(k.payload_bytes) OVER (ORDER BY k.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                                FROM locked k) k WHERE COALESCE(k.before, 0) < payload_room
    ), claimed AS (
        UPDATE rcq_private.live l SET claimed_at = now_, claimed_by = own.incarnation
          FROM fitting k WHERE l.job_id = k.job_id RETURNING rcq_private.touched_quietly(l.job_id)
    )
    SELECT (SELECT pg_catalog.count(*) FROM claimed) BETWEEN 1 AND (SELECT pg_catalog.count(*) FROM locked) - 1 INTO left_out;

    -- What this process has claimed, now or by an earlier call whose answer it has not acknowledged.
    RETURN QUERY
    SELECT 'start', o.seq, o.job_id, o.token, rcq_private.start_body(j, common, l)
      FROM unnest(offered) o
      JOIN rcq_private.live l ON l.job_id = o.job_id AND l.token = o.token
      JOIN rcq_private.job j ON j.id = o.job_id
      JOIN rcq_private.job common ON common.id = COALESCE(j.array_id, j.id)
     WHERE o.kind = 'start' AND l.claimed_by = own.incarnation AND (live_tokens IS NULL OR o.token <> ALL (live_tokens))
     ORDER BY o.seq;
    RETURN QUERY
    SELECT 'cancel', o.seq, o.job_id, o.token, NULL::jsonb FROM unnest(offered) o WHERE o.kind = 'cancel' ORDER BY o.seq;

    -- Acknowledged is what lies before the first start that was left out.
    SELECT pg_catalog.min(o.seq) - 1 INTO ack
      FROM unnest(offered) o JOIN rcq_private.live l ON l.job_id = o.job_id AND l.token = o.token
     WHERE o.kind = 'start' AND l.claimed_by IS NULL;
    ack := COALESCE(ack, offered[pg_catalog.cardinality(offered)].seq);
    IF ack > acked_seq OR left_out THEN
        RETURN QUERY SELECT 'ack', ack, NULL::bigint, NULL::bigint, CASE WHEN left_out THEN '{"more": true}'::jsonb END;
    END IF;
END $$;
COMMENT ON FUNCTION rcq.executor_sync(integer, bigint, bigint, bigint[], jsonb, jsonb, integer) IS
'For executors: heartbeat, reports of ended runs, and new commands in one round trip. Errors: RC020, RC021, RC023';

CREATE FUNCTION rcq.executor_log(executor integer, incarnation bigint, job_ids bigint[], tokens bigint[], seqs bigint[], streams text[], chunks bytea[])
RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
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
    PERFORM rcq_private.lock_output(own.id, false);
    PERFORM rcq_private.own_executor(executor, incarnation);
    -- How much of a run is stored is counted once per MiB that comes, on the average, and so costs next to nothing: a chunk
    -- has it counted by a chance as great as the chunk. What is full stays full.
    counted := ARRAY(SELECT k.job_id FROM unnest(job_ids, chunks) AS k(job_id, chunk) WHERE pg_catalog.octet_length(k.chunk) + 24 > pg_catalog.random() * 1048576);
    IF counted <> '{}' THEN
        UPDATE rcq_private.live l SET log_full = true
          FROM (SELECT h.job_id FROM unnest(job_ids, tokens) AS k(job_id, token)
                  JOIN rcq_private.live h ON h.job_id = k.job_id AND h.token = k.token AND h.executor_id = own.id
                 WHERE k.job_id = ANY (counted) AND NOT h.log_full
                   AND (SELECT pg_catalog.sum(pg_catalog.octet_length(g.data) + 24) FROM rcq_private.log g WHERE g.job_id = h.job_id AND g.attempt = h.attempt) > enough
                   FOR UPDATE OF h SKIP LOCKED) f
         WHERE l.job_id = f.job_id;
    END IF;
    INSERT INTO rcq_private.log (job_id, attempt, seq, user_id, lines, at, stream, data)
    SELECT l.job_id, l.attempt, k.seq, l.user_id, pg_catalog.cardinality(rcq_private.log_lines(k.chunk)), pg_catalog.clock_timestamp(), k.stream, k.chunk
      FROM unnest(job_ids, tokens, seqs, streams, chunks) AS k(job_id, token, seq, stream, chunk)
      JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own.id AND NOT l.log_full
     WHERE pg_catalog.octet_length(k.chunk) > 0
    ON CONFLICT DO NOTHING;
    SELECT pg_catalog.array_agg(DISTINCT k.token) INTO stale
      FROM unnest(job_ids, tokens) AS k(job_id, token)
     WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own.id AND NOT l.log_full);
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
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
BEGIN
    IF pg_catalog.cardinality(job_ids) IS DISTINCT FROM pg_catalog.cardinality(tokens) THEN
        PERFORM rcq_private.fail('RC023', 'job_ids and tokens differ in length', 'Two arrays of one length.');
    END IF;
    -- what the process before this one has sent may be under way still
    PERFORM rcq_private.lock_output(own.id, true);
    RETURN QUERY
    SELECT l.token, COALESCE(g.next_seq, 1), COALESCE(g.bytes, 0)
      FROM unnest(job_ids, tokens) AS k(job_id, token)
      JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own.id,
           LATERAL (SELECT pg_catalog.max(s.seq + s.lines) AS next_seq, pg_catalog.sum(pg_catalog.octet_length(s.data)) AS bytes
                      FROM rcq_private.log s WHERE s.job_id = l.job_id AND s.attempt = l.attempt) g;
END $$;
COMMENT ON FUNCTION rcq.executor_log_position(integer, bigint, bigint[], bigint[]) IS
'For executors: how much output of each of these runs is stored, in bytes, and the number of the line that follows; runs that are not live here are left out. Errors: RC020, RC021, RC023';

CREATE FUNCTION rcq.executor_drain(executor integer, incarnation bigint, reason text, until_resumed boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
    why CONSTANT text := pg_catalog.left(reason, 200);
BEGIN
    IF until_resumed THEN
        IF why IS NULL THEN
            PERFORM rcq_private.fail('RC023', 'a drain until it is resumed needs a reason', 'An administrator ends it: rcq.resume_executor.');
        END IF;
        -- one that an administrator has ordered stays as it is; one that was only planned has come
        UPDATE rcq_private.executor e SET drained = why, drain_at = NULL, drain_requeues = false
         WHERE e.id = own.id AND (e.drained IS NULL OR e.drain_at > pg_catalog.clock_timestamp());
    ELSE
        UPDATE rcq_private.executor e SET leaving = why WHERE e.id = own.id;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.executor_drain(integer, bigint, text, boolean) IS
'For executors: place nothing more here; a reason of NULL ends what an earlier call ordered, but no drain of an administrator. until_resumed: as if an administrator had ordered it, until rcq.resume_executor; replaces one that is only planned. Errors: RC020, RC021, RC023 (until_resumed without a reason)';

CREATE FUNCTION rcq.executor_sign_off(executor integer, incarnation bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
BEGIN
    UPDATE rcq_private.executor e SET signed_off = true WHERE e.id = own.id;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.executor_sign_off(integer, bigint) IS 'For executors: last call of a process that ends in order. Errors: RC020, RC021';
