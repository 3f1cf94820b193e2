-- Routes that read jobs: one, many, its output, its runs, why it waits.

-- A job as the routes show it: first the fields that every client of such queues knows, then what a list has as well, then
-- what belongs to one job alone; times are RFC 3339 in UTC.
CREATE FUNCTION rcq_private.rest_get_job(request jsonb) RETURNS json
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_rest_get_job';
COMMENT ON FUNCTION rcq_private.rest_get_job(jsonb) IS 'The job that the path names';

CREATE FUNCTION rcq_private.jobs_answer(ids bigint[]) RETURNS json
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_jobs_answer';
COMMENT ON FUNCTION rcq_private.jobs_answer(bigint[]) IS 'Those of these jobs that there are, in this order and whosever they are, as a list of the routes shows them';

-- RC002 unless the caller may see the job that the path names; its id.
CREATE FUNCTION rcq_private.visible_job(request jsonb) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    job CONSTANT bigint := rcq_private.job_field(request);
BEGIN
    PERFORM FROM rcq_private.job j WHERE j.id = job AND (j.user_id = rcq_private.caller_id() OR rcq_private.caller_is_admin());
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', job), 'GET /api/jobs lists those that there are.');
    END IF;
    RETURN job;
END $$;

-- Ids of jobs, newest first: of one user (NULL = of everybody), with this status (NULL = any), older than before_id. Each way
-- goes by an index that has them in this order; what it passes over is bounded by what runs, or is rare. That of one user is
-- a range of (user, id): were it an equation, the planner could as well go through the jobs of everybody.
CREATE FUNCTION rcq_private.newest_jobs(of_user integer, wanted text, before_id bigint, wanted_count bigint, skip bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    looked_at CONSTANT bigint := 1000 + skip;
    ids bigint[];
    lowest bigint;
BEGIN
    IF wanted IS NULL AND of_user IS NULL THEN
        RETURN ARRAY(SELECT j.id FROM rcq_private.job j WHERE j.id < before_id ORDER BY j.id DESC LIMIT wanted_count OFFSET skip);
    ELSIF wanted IS NULL THEN
        RETURN ARRAY(SELECT j.id FROM rcq_private.job j WHERE j.user_id >= of_user AND (j.user_id, j.id) < (of_user, before_id) ORDER BY j.user_id DESC, j.id DESC LIMIT wanted_count OFFSET skip);
    ELSIF wanted = 'pending' THEN
        -- those that were restored are few, or nothing else is there
        RETURN ARRAY(SELECT k.id FROM (
            (SELECT l.job_id AS id FROM rcq_private.live l WHERE of_user IS NULL AND l.job_id < before_id AND l.claimed_at IS NULL ORDER BY l.job_id DESC LIMIT wanted_count + skip)
            UNION ALL
            (SELECT l.job_id FROM rcq_private.live l WHERE l.user_id >= of_user AND (l.user_id, l.job_id) < (of_user, before_id) AND l.claimed_at IS NULL ORDER BY l.user_id DESC, l.job_id DESC LIMIT wanted_count + skip)
            UNION ALL
            (SELECT r.job_id FROM rcq_private.restored r WHERE (of_user IS NULL OR r.user_id = of_user) AND r.job_id < before_id ORDER BY r.job_id DESC LIMIT wanted_count + skip)
            ) k ORDER BY k.id DESC LIMIT wanted_count OFFSET skip);
    ELSIF wanted = 'running' THEN -- one start command each
        RETURN ARRAY(SELECT l.job_id FROM (SELECT c.job_id, c.token FROM rcq_private.command c WHERE c.kind = 'start' AND c.job_id < before_id ORDER BY c.job_id DESC OFFSET 0) c
                       JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
                      WHERE l.claimed_at IS NOT NULL AND (of_user IS NULL OR l.user_id = of_user) ORDER BY c.job_id DESC LIMIT wanted_count OFFSET skip);
    ELSIF wanted = 'failed' AND of_user IS NULL THEN
        RETURN ARRAY(SELECT o.job_id FROM rcq_private.outcome o WHERE o.status = 'failed' AND o.job_id < before_id ORDER BY o.job_id DESC LIMIT wanted_count OFFSET skip);
    ELSIF wanted = 'cancelled' AND of_user IS NULL THEN
        RETURN ARRAY(SELECT o.job_id FROM rcq_private.outcome o WHERE o.status = 'cancelled' AND o.job_id < before_id ORDER BY o.job_id DESC LIMIT wanted_count OFFSET skip);
    ELSIF wanted = 'failed' THEN
        RETURN ARRAY(SELECT o.job_id FROM rcq_private.outcome o WHERE o.user_id >= of_user AND (o.user_id, o.job_id) < (of_user, before_id) AND o.status = 'failed'
                      ORDER BY o.user_id DESC, o.job_id DESC LIMIT wanted_count OFFSET skip);
    ELSIF wanted = 'cancelled' THEN
        RETURN ARRAY(SELECT o.job_id FROM rcq_private.outcome o WHERE o.user_id >= of_user AND (o.user_id, o.job_id) < (of_user, before_id) AND o.status = 'cancelled'
                      ORDER BY o.user_id DESC, o.job_id DESC LIMIT wanted_count OFFSET skip);
    ELSIF of_user IS NULL THEN
        RETURN ARRAY(SELECT o.job_id FROM rcq_private.outcome o WHERE o.job_id < before_id AND o.status = 'completed' ORDER BY o.job_id DESC LIMIT wanted_count OFFSET skip);
    END IF;
    -- Completed jobs of one user have no index of their own, which every completed job would pay for: they are among the
    -- newest that ended, or else among the jobs of the user.
    SELECT pg_catalog.array_agg(n.job_id) FILTER (WHERE n.user_id = of_user AND n.status = 'completed'), pg_catalog.min(n.job_id) INTO ids, lowest
      FROM (SELECT o.job_id, o.user_id, o.status FROM rcq_private.outcome o WHERE o.job_id < before_id ORDER BY o.job_id DESC LIMIT looked_at) n;
    IF COALESCE(pg_catalog.cardinality(ids), 0) < wanted_count + skip THEN
        ids := ids || ARRAY(SELECT j.id FROM rcq_private.job j
                             WHERE j.user_id >= of_user AND (j.user_id, j.id) < (of_user, lowest) AND EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = j.id AND o.status = 'completed' OFFSET 0)
                             ORDER BY j.user_id DESC, j.id DESC LIMIT wanted_count + skip - COALESCE(pg_catalog.cardinality(ids), 0));
    END IF;
    RETURN ids[skip + 1 : skip + wanted_count];
END $$;

-- The same with further conditions, which are as different as their plans.
CREATE FUNCTION rcq_private.filtered_jobs(of_user integer, of_group integer, wanted text, of_project text, of_name text, with_tag text, before_id bigint, wanted_count bigint, skip bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    ids bigint[];
BEGIN
    EXECUTE 'SELECT ARRAY(SELECT j.id FROM rcq_private.job j WHERE j.id < $7'
        || CASE WHEN of_user IS NOT NULL THEN ' AND j.user_id = $1' ELSE '' END || CASE WHEN of_group IS NOT NULL THEN ' AND j.group_id = $2' ELSE '' END
        || CASE WHEN of_project IS NOT NULL THEN ' AND j.project = $4' ELSE '' END || CASE WHEN of_name IS NOT NULL THEN ' AND j.name = $5' ELSE '' END
        || CASE WHEN with_tag IS NOT NULL THEN ' AND j.tags @> ARRAY[$6] COLLATE "C"' ELSE '' END
        || CASE WHEN wanted IN ('completed', 'failed', 'cancelled') THEN ' AND EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = j.id AND o.status = $3)'
                WHEN wanted = 'running' THEN ' AND EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = j.id AND l.claimed_at IS NOT NULL)'
                WHEN wanted = 'pending' THEN ' AND (EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = j.id AND l.claimed_at IS NULL) OR EXISTS (SELECT FROM rcq_private.restored r WHERE r.job_id = j.id))'
                ELSE '' END
        || ' ORDER BY j.id DESC LIMIT $8 OFFSET $9)'
       INTO ids USING of_user, of_group, wanted, of_project, of_name, with_tag, before_id, wanted_count, skip;
    RETURN ids;
END $$;

-- The user that a filter names by name or e-mail address, as the group: for administrators.
CREATE FUNCTION rcq_private.user_filter(request jsonb) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    IF NOT rcq_private.caller_is_admin() THEN
        IF request ?| '{user,group}' THEN
            PERFORM rcq_private.fail('RC005', 'only administrators may ask for the jobs of others', 'Leave out user and group: the jobs are yours.');
        END IF;
        RETURN rcq_private.caller_id();
    END IF;
    IF NOT request ? 'user' THEN RETURN NULL; END IF;
    SELECT u.id INTO found_id FROM rcq_private.users u WHERE u.role_name = request ->> 'user' OR u.email = pg_catalog.lower(request ->> 'user') ORDER BY u.role_name = request ->> 'user' DESC LIMIT 1;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('there is no user "%s"', pg_catalog.left(request ->> 'user', 100)), 'GET /api/admin/users lists them.');
    END IF;
    RETURN found_id;
END $$;

CREATE FUNCTION rcq_private.rest_list_jobs(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    of_user CONSTANT integer := rcq_private.user_filter(request);
    wanted CONSTANT text := request ->> 'status';
    most CONSTANT integer := rcq_private.whole_field(request, 'limit', 1, 1000, 50);
    skip CONSTANT integer := rcq_private.whole_field(request, 'offset', 0, 1000000, 0);
    before_id CONSTANT bigint := rcq_private.whole_field(request, 'before', 1, 999999999999999999, 999999999999999999);
    of_group integer;
    ids bigint[];
    answer json;
BEGIN
    PERFORM rcq_private.check_fields(request, 'status', 'limit', 'offset', 'before', 'project', 'name', 'tag', 'user', 'group');
    IF wanted NOT IN ('pending', 'running', 'completed', 'failed', 'cancelled') THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('status cannot be "%s"', pg_catalog.left(wanted, 100)), 'It is one of pending, running, completed, failed, cancelled.');
    END IF;
    IF request ? 'group' THEN
        SELECT g.id INTO of_group FROM rcq_private.groups g WHERE g.name = request ->> 'group';
        IF NOT FOUND THEN
            PERFORM rcq_private.fail('RC001', pg_catalog.format('there is no group "%s"', pg_catalog.left(request ->> 'group', 100)), 'GET /api/groups lists them.');
        END IF;
    END IF;
    -- one more than asked for tells whether there are more
    IF request ?| '{group,project,name,tag}' THEN
        ids := rcq_private.filtered_jobs(of_user, of_group, wanted, request ->> 'project', request ->> 'name', request ->> 'tag', before_id, most + 1, skip);
    ELSE
        ids := rcq_private.newest_jobs(of_user, wanted, before_id, most + 1, skip);
    END IF;
    answer := rcq_private.jobs_answer(COALESCE(ids[1 : most], '{}'));
    IF pg_catalog.cardinality(ids) > most THEN
        RETURN pg_catalog.json_build_object('jobs', answer, 'count', most, 'next_before', ids[most]);
    END IF;
    RETURN pg_catalog.json_build_object('jobs', answer, 'count', COALESCE(pg_catalog.cardinality(ids), 0));
END $$;

CREATE FUNCTION rcq_private.rest_job_logs(request jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    max_bytes CONSTANT integer := 4194304;
    job CONSTANT bigint := rcq_private.visible_job(request);
    most CONSTANT integer := rcq_private.whole_field(request, 'limit', 1, 10000, 1000);
    after CONSTANT bigint := rcq_private.whole_field(request, 'after', 0, 999999999999999999, 0);
    wanted CONSTANT text := request ->> 'stream';
    latest integer;
    shown integer;
    ended boolean;
    last_seq bigint := after;
    bytes bigint := 0;
    lines text[] := '{}';
    r record;
BEGIN
    PERFORM rcq_private.check_fields(request, 'id', 'after', 'limit', 'attempt', 'stream');
    IF wanted NOT IN ('stdout', 'stderr') THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('stream cannot be "%s"', pg_catalog.left(wanted, 100)), 'It is stdout or stderr; leave it out for both.');
    END IF;
    -- before the lines: whoever reads on until this is true, and through all attempts, has all of them
    ended := EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = job);
    latest := COALESCE(rcq_private.log_attempt(job, NULL), 0);
    shown := COALESCE(rcq_private.whole_field(request, 'attempt', 1, 2147483647)::integer, latest);
    -- a chunk may end within a line, which the next one goes on with
    FOR r IN SELECT g.seq + k.n - 1 AS seq, k.line || CASE WHEN k.n < g.lines OR w.ended THEN E'\n' ELSE '' END AS line
               FROM rcq_private.log g, LATERAL (SELECT pg_catalog.substr(g.data, pg_catalog.octet_length(g.data)) = '\x0a' AS ended OFFSET 0) w,
                    unnest(rcq_private.log_lines(g.data)) WITH ORDINALITY k(line, n)
              WHERE g.job_id = job AND g.attempt = shown AND (wanted IS NULL OR g.stream = wanted) AND g.seq + k.n - 1 > after
                -- from the chunk on that has the next line
                AND g.seq >= COALESCE((SELECT x.seq FROM rcq_private.log x WHERE x.job_id = job AND x.attempt = shown AND x.seq <= after + 1 ORDER BY x.seq DESC LIMIT 1), 0)
              ORDER BY g.seq, k.n LIMIT most LOOP
        EXIT WHEN bytes + pg_catalog.octet_length(r.line) > max_bytes AND bytes > 0;
        lines := lines || r.line;
        last_seq := r.seq;
        bytes := bytes + pg_catalog.octet_length(r.line);
    END LOOP;
    PERFORM rcq_private.set_header('X-Rcq-Next-After', last_seq::text), rcq_private.set_header('X-Rcq-Ended', ended::text), rcq_private.set_header('X-Rcq-Attempt', latest::text);
    RETURN pg_catalog.array_to_string(lines, '');
END $$;

CREATE FUNCTION rcq_private.rest_job_runs(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
    runs json;
BEGIN
    PERFORM rcq_private.check_fields(request, 'id');
    SELECT pg_catalog.json_agg(r ORDER BY r.attempt) INTO runs FROM (
        SELECT r.attempt, r.executor, r.status, r.reason, rcq_private.rfc3339(r.placed_at) AS placed_at, rcq_private.rfc3339(r.started_at) AS started_at,
               rcq_private.rfc3339(r.ended_at) AS ended_at, r.exit_code, r.signal, r.cpu_seconds, r.peak_memory_gb, r.message, r.output,
               r.granted_cores, r.granted_memory_gb, r.granted_gpus
          FROM rcq.runs r WHERE r.job_id = job) r;
    RETURN pg_catalog.json_build_object('job_id', job, 'runs', COALESCE(runs, '[]'), 'count', COALESCE(pg_catalog.json_array_length(runs), 0));
END $$;

CREATE FUNCTION rcq_private.rest_explain_job(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
BEGIN
    PERFORM rcq_private.check_fields(request, 'id');
    RETURN pg_catalog.json_build_object('job_id', job, 'findings', (SELECT pg_catalog.json_agg(e) FROM rcq.explain(job) e));
END $$;

CREATE FUNCTION rcq_rest.get_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.get_job(bytea) IS 'GET /api/jobs/{id}';
CREATE FUNCTION rcq_rest.list_jobs(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_jobs(bytea) IS 'GET /api/jobs';
CREATE FUNCTION rcq_rest.job_logs(bytea) RETURNS rcq_rest."text/plain" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_text';
COMMENT ON FUNCTION rcq_rest.job_logs(bytea) IS 'GET /api/jobs/{id}/logs';
CREATE FUNCTION rcq_rest.job_runs(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.job_runs(bytea) IS 'GET /api/jobs/{id}/runs';
CREATE FUNCTION rcq_rest.explain_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.explain_job(bytea) IS 'GET /api/jobs/{id}/explain';
