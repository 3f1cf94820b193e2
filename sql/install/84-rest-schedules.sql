-- Routes of schedules: their owner's, and for administrators everybody's.

-- Of one user, or (NULL) of all.
CREATE FUNCTION rcq_private.schedules_answer(user_id integer) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.list_answer('schedules', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s) || pg_catalog.jsonb_build_object('next_fire', rcq_private.rfc3339(s.next_fire),
                   'last_fire', rcq_private.rfc3339(s.last_fire), 'created_at', rcq_private.rfc3339(s.created_at)) ORDER BY s.id)
          FROM rcq.schedules s JOIN rcq_private.schedule o ON o.id = s.id WHERE schedules_answer.user_id IS NULL OR o.user_id = schedules_answer.user_id))
$$;

CREATE FUNCTION rcq_private.rest_list_schedules(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request);
    RETURN rcq_private.schedules_answer(rcq_private.caller_id());
END $$;

CREATE FUNCTION rcq_private.rest_admin_schedules(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.schedules_answer(NULL);
END $$;

CREATE FUNCTION rcq_private.rest_create_schedule(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'cron', 'script', 'timezone', 'missed', 'overlap', 'options');
    new_id := rcq.schedule(rcq_private.text_field(request, 'name'), rcq_private.text_field(request, 'cron'), rcq_private.text_field(request, 'script'),
        COALESCE(rcq_private.text_field(request, 'timezone'), 'UTC'), COALESCE(rcq_private.text_field(request, 'missed'), 'once'),
        COALESCE(rcq_private.text_field(request, 'overlap'), 'allow'), COALESCE(NULLIF(request -> 'options', 'null'), '{}'));
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.jsonb_build_object('message', 'Schedule created successfully', 'schedule_id', new_id);
END $$;

-- user_name: whose it is, for administrators.
CREATE FUNCTION rcq_private.rest_delete_schedule(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'user_name'), rcq.unschedule(request ->> 'name', rcq_private.text_field(request, 'user_name'));
    RETURN pg_catalog.jsonb_build_object('message', 'Schedule deleted successfully', 'name', request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_pause_schedule(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'user_name'), rcq.pause_schedule(request ->> 'name', rcq_private.text_field(request, 'user_name'));
    RETURN pg_catalog.jsonb_build_object('message', 'Schedule paused successfully', 'name', request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_resume_schedule(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'user_name'), rcq.resume_schedule(request ->> 'name', rcq_private.text_field(request, 'user_name'));
    RETURN pg_catalog.jsonb_build_object('message', 'Schedule resumed successfully', 'name', request ->> 'name');
END $$;

-- --- the routes

CREATE FUNCTION rcq_rest.list_schedules(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_schedules(bytea) IS 'GET /api/schedules: your schedules, with their next and last fire. 200';
CREATE FUNCTION rcq_rest.create_schedule(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.create_schedule(bytea) IS 'POST /api/schedules: a schedule of yours. Body: name, cron, script, timezone (UTC unless given), missed, overlap, options, as the arguments of rcq.schedule. 201; 400, 403, 409 (there is one of that name)';
CREATE FUNCTION rcq_rest.delete_schedule(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.delete_schedule(bytea) IS 'DELETE /api/schedules/{name}: ends a schedule; jobs it submitted stay. Body: user_name (administrators, for that of somebody else). 200; 404, 409';
CREATE FUNCTION rcq_rest.pause_schedule(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.pause_schedule(bytea) IS 'POST /api/schedules/{name}/pause: no job is submitted until it is resumed. Body: user_name. 200; 404, 409';
CREATE FUNCTION rcq_rest.resume_schedule(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.resume_schedule(bytea) IS 'POST /api/schedules/{name}/resume: goes on with the next fire. Body: user_name. 200; 404, 409';
CREATE FUNCTION rcq_rest.admin_schedules(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_schedules(bytea) IS 'GET /api/admin/schedules: the schedules of all users. 200; 403';
