-- Routes that show the queue, groups and executors to everybody, and schedules to whom they belong.

CREATE FUNCTION rcq_private.ranked_jobs(skip integer, at_most integer) RETURNS bigint[]
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_ranked_jobs';
COMMENT ON FUNCTION rcq_private.ranked_jobs(integer, integer) IS 'Ids of the first 1,000 pending jobs in rank, when the scheduler last published';

-- Of jobs of others it shows what they take from the cluster, and neither what they are nor whose.
CREATE FUNCTION rcq_private.rest_list_queue(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    most CONSTANT integer := rcq_private.whole_field(request, 'limit', 1, 1000, 50);
    skip CONSTANT integer := rcq_private.whole_field(request, 'offset', 0, 1000000, 0);
    answer json;
BEGIN
    PERFORM rcq_private.check_fields(request, 'limit', 'offset');
    SELECT pg_catalog.json_agg(q ORDER BY q."position") INTO answer FROM (
        SELECT COALESCE(p."position", skip + k.n) AS "position", CASE WHEN w.shown THEN l.job_id END AS id, CASE WHEN w.shown THEN j.name END AS name,
               CASE WHEN w.shown THEN COALESCE(u.role_name, u.email) END AS "user", g.name AS "group", w.mine AS own,
               l.cpu_cores, rcq_private.memory_gb(l.memory_mib) AS memory_gb, l.gpu_count, p.reason,
               pg_catalog.round(p.final_priority::numeric, 3) AS final_priority, p.base_priority, pg_catalog.round(p.fair_share::numeric, 3) AS fair_share,
               pg_catalog.round(p.wait_boost::numeric, 4) AS wait_boost, CASE WHEN w.shown THEN l.priority::integer END AS priority,
               CASE WHEN w.shown THEN rcq_private.rfc3339(j.submitted_at) END AS submitted_at,
               GREATEST(pg_catalog.round(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - l.eligible_at)), 0) AS waiting_s,
               rcq_private.rfc3339(p.expected_start) AS expected_start, p.approximate,
               CASE WHEN w.shown THEN l.array_id END AS array_id, CASE WHEN w.shown THEN j.array_index END AS array_index, CASE WHEN w.shown THEN l.tasks_waiting END AS tasks_waiting
          FROM unnest(rcq_private.ranked_jobs(skip, most)) WITH ORDINALITY k(id, n), LATERAL (SELECT * FROM rcq_private.live l WHERE l.job_id = k.id AND l.placed_at IS NULL OFFSET 0) l,
               LATERAL (SELECT j.name, j.submitted_at, j.array_index FROM rcq_private.job j WHERE j.id = l.job_id OFFSET 0) j, rcq_private.users u, rcq_private.groups g,
               LATERAL (SELECT l.user_id = caller AS mine, l.user_id = caller OR admin AS shown) w,
               LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
                   l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key,
                   COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, GREATEST(l.failures, l.losses)) p
         WHERE u.id = l.user_id AND g.id = l.group_id) q;
    RETURN pg_catalog.json_build_object('queue', COALESCE(answer, '[]'), 'count', COALESCE(pg_catalog.json_array_length(answer), 0),
                                        'pending', (SELECT s.pending FROM rcq_private.scheduler_state() s));
END $$;

CREATE FUNCTION rcq_private.rest_list_groups(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer json;
BEGIN
    PERFORM rcq_private.caller_id(), rcq_private.check_fields(request);
    SELECT pg_catalog.json_agg(g ORDER BY g.name) INTO answer FROM (
        SELECT u.group_id AS id, u.group_name AS name, u.priority, u.quota_cpu_hours, u.quota_mode, u.cpu_hours, u.gpu_hours, u.billed_hours, u.planned_hours,
               u.quota_used_percent, u.fair_share, u.running_jobs, u.running_cores, u.pending_jobs
          FROM rcq.group_usage u) g;
    RETURN pg_catalog.json_build_object('groups', COALESCE(answer, '[]'), 'count', COALESCE(pg_catalog.json_array_length(answer), 0));
END $$;

-- Executors as the routes show them; what their process said of the host is for administrators.
CREATE FUNCTION rcq_private.executors_answer(with_info boolean) RETURNS json
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer jsonb;
BEGIN
    SELECT pg_catalog.jsonb_agg(CASE WHEN with_info THEN pg_catalog.to_jsonb(x) ELSE pg_catalog.to_jsonb(x) - 'info' END ORDER BY x.name) INTO answer FROM (
        SELECT e.id, e.name, e.hostname, e.status, e.reason, e.runs, e.cpu_cores, e.cpu_cores_used, e.memory_gb, e.memory_gb_used, e.gpu_count, e.gpu_count_used, e.gpu_type, e.features,
               rcq_private.rfc3339(e.last_seen) AS last_seen, rcq_private.rfc3339(e.registered_at) AS registered_at, rcq_private.rfc3339(e.drain_at) AS drain_at, e.drain_mode, e.info
          FROM rcq.executors e) x;
    RETURN pg_catalog.json_build_object('executors', COALESCE(answer, '[]'), 'count', COALESCE(pg_catalog.jsonb_array_length(answer), 0));
END $$;

CREATE FUNCTION rcq_private.rest_list_executors(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.caller_id(), rcq_private.check_fields(request);
    RETURN rcq_private.executors_answer(false);
END $$;

-- Schedules of one user, or (NULL) of everybody.
CREATE FUNCTION rcq_private.schedules_answer(of_user integer) RETURNS json
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer json;
BEGIN
    SELECT pg_catalog.json_agg(x ORDER BY x.name, x."user") INTO answer FROM (
        SELECT v.id, v.name, v.user_name AS "user", v.cron, v.timezone, v.missed, v.overlap, v.state, rcq_private.rfc3339(v.next_fire) AS next_fire, rcq_private.rfc3339(v.last_fire) AS last_fire,
               v.last_job, v.last_outcome, v.error, v.options, rcq_private.rfc3339(v.created_at) AS created_at
          FROM rcq.schedules v JOIN rcq_private.schedule s ON s.id = v.id WHERE of_user IS NULL OR s.user_id = of_user) x;
    RETURN pg_catalog.json_build_object('schedules', COALESCE(answer, '[]'), 'count', COALESCE(pg_catalog.json_array_length(answer), 0));
END $$;

CREATE FUNCTION rcq_private.rest_list_schedules(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request);
    RETURN rcq_private.schedules_answer(rcq_private.caller_id());
END $$;

CREATE FUNCTION rcq_private.rest_create_schedule(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'cron', 'script', 'timezone', 'missed', 'overlap', 'options');
    IF pg_catalog.jsonb_typeof(request -> 'options') <> 'object' THEN
        PERFORM rcq_private.fail('RC001', 'options is no object', 'Write it as {"cpu_cores": 2, ...}, with the fields of a job.');
    END IF;
    new_id := rcq.schedule(rcq_private.text_field(request, 'name'), rcq_private.text_field(request, 'cron'), rcq_private.text_field(request, 'script'),
        COALESCE(rcq_private.text_field(request, 'timezone'), 'UTC'), COALESCE(rcq_private.text_field(request, 'missed'), 'once'),
        COALESCE(rcq_private.text_field(request, 'overlap'), 'allow'), COALESCE(request -> 'options', '{}'));
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.json_build_object('message', 'Schedule created successfully', 'schedule_id', new_id, 'name', request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_delete_schedule(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'user'), rcq.unschedule(rcq_private.text_field(request, 'name'), rcq_private.text_field(request, 'user'));
    RETURN pg_catalog.json_build_object('message', 'Schedule deleted successfully', 'name', request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_pause_schedule(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'user'), rcq.pause_schedule(rcq_private.text_field(request, 'name'), rcq_private.text_field(request, 'user'));
    RETURN pg_catalog.json_build_object('message', 'Schedule paused successfully', 'name', request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_resume_schedule(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'user'), rcq.resume_schedule(rcq_private.text_field(request, 'name'), rcq_private.text_field(request, 'user'));
    RETURN pg_catalog.json_build_object('message', 'Schedule resumed successfully', 'name', request ->> 'name');
END $$;

CREATE FUNCTION rcq_rest.list_queue(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_queue(bytea) IS 'GET /api/queue';
CREATE FUNCTION rcq_rest.list_groups(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_groups(bytea) IS 'GET /api/groups';
CREATE FUNCTION rcq_rest.list_executors(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_executors(bytea) IS 'GET /api/executors';
CREATE FUNCTION rcq_rest.list_schedules(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_schedules(bytea) IS 'GET /api/schedules';
CREATE FUNCTION rcq_rest.create_schedule(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.create_schedule(bytea) IS 'POST /api/schedules';
CREATE FUNCTION rcq_rest.delete_schedule(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.delete_schedule(bytea) IS 'DELETE /api/schedules/{name}';
CREATE FUNCTION rcq_rest.pause_schedule(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.pause_schedule(bytea) IS 'POST /api/schedules/{name}/pause';
CREATE FUNCTION rcq_rest.resume_schedule(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.resume_schedule(bytea) IS 'POST /api/schedules/{name}/resume';
