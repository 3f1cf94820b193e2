-- Routes for administrators: what there is, how much of it is used, and changing it.

-- Calls the function rcq.NAME with arguments by name, each of them of the type that the function wants; first: its first
-- argument. RC001 for an argument that it does not have, or that is of the wrong type. Returns what it returns.
CREATE FUNCTION rcq_private.call_by_name(name text, first text, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[];
    types oid[];
    type text;
    argument record;
    list text := '$2';
    answer jsonb;
BEGIN
    SELECT p.proargnames[2 : p.pronargs], ARRAY(SELECT a.t FROM unnest(p.proargtypes) WITH ORDINALITY a(t, n) WHERE a.n > 1 ORDER BY a.n) INTO STRICT names, types
      FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'rcq'::regnamespace AND p.proname = call_by_name.name;
    PERFORM rcq_private.check_fields(arguments, VARIADIC names);
    FOR argument IN SELECT a.key, a.value FROM pg_catalog.jsonb_each(arguments) a LOOP
        type := pg_catalog.format_type(types[pg_catalog.array_position(names, argument.key)], NULL);
        BEGIN
            EXECUTE pg_catalog.format('SELECT ($1 %s %L)::%s', CASE WHEN type = 'jsonb' THEN '->' ELSE '->>' END, argument.key, type) USING arguments;
        EXCEPTION WHEN data_exception THEN
            PERFORM rcq_private.fail('RC001', pg_catalog.format('%s cannot be %s', argument.key, pg_catalog.left(argument.value::text, 100)), pg_catalog.format('It is of type %s.', type));
        END;
        list := list || pg_catalog.format(', %I => ($1 %s %L)::%s', argument.key, CASE WHEN type = 'jsonb' THEN '->' ELSE '->>' END, argument.key, type);
    END LOOP;
    EXECUTE pg_catalog.format('SELECT pg_catalog.to_jsonb(r) FROM rcq.%I(%s) r', name, list) INTO answer USING arguments, first;
    RETURN answer;
END $$;

-- A change with NULL where something is to be taken away, in the words of rcq.set_group and rcq.set_user: switches says which of
-- their arguments does that. The limits go together there, so those that stay are given again; kept: the row as it is.
CREATE FUNCTION rcq_private.with_switches(change jsonb, switches jsonb, kept jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    limits CONSTANT text[] := ARRAY(SELECT k FROM unnest('{max_jobs,max_cores,max_gpus,max_pending}'::text[]) k WHERE kept ? k); -- groups have no max_pending
    field text;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.jsonb_each(change) c WHERE c.key = ANY (limits) AND c.value = 'null') THEN
        change := pg_catalog.jsonb_strip_nulls((SELECT COALESCE(pg_catalog.jsonb_object_agg(k.key, k.value), '{}') FROM pg_catalog.jsonb_each(kept) k WHERE k.key = ANY (limits))) || change;
        change := COALESCE((SELECT pg_catalog.jsonb_object_agg(c.key, c.value) FROM pg_catalog.jsonb_each(change) c WHERE NOT (c.key = ANY (limits) AND c.value = 'null')), '{}') || '{"no_limits": true}';
    END IF;
    FOR field IN SELECT c.key FROM pg_catalog.jsonb_each(change) c WHERE c.value = 'null' LOOP
        IF NOT switches ? field THEN
            PERFORM rcq_private.fail('RC001', field || ' cannot be null', 'Leave it out to keep it as it is.');
        END IF;
        change := change - field || pg_catalog.jsonb_build_object(switches ->> field, true);
    END LOOP;
    RETURN change;
END $$;

CREATE FUNCTION rcq_private.rest_admin_executors(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.executors_answer(true);
END $$;

CREATE FUNCTION rcq_private.rest_admin_drain_executor(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    RETURN pg_catalog.jsonb_build_object('message', 'Executor drained successfully', 'name', request ->> 'name')
        || rcq_private.call_by_name('drain_executor', request ->> 'name', pg_catalog.jsonb_strip_nulls(request - 'name'));
END $$;

CREATE FUNCTION rcq_private.rest_admin_resume_executor(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'name'), rcq.resume_executor(request ->> 'name');
    RETURN pg_catalog.json_build_object('message', 'Executor resumed successfully', 'name', request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_admin_groups(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer json;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    SELECT pg_catalog.json_agg(x ORDER BY x.name) INTO answer FROM (
        SELECT g.id, g.name, g.priority, g.quota_cpu_hours, g.quota_mode, pg_catalog.date_part('epoch', g.default_estimate) AS default_estimate_s, g.open, g.parent, g.shares,
               g.max_jobs, g.max_cores, g.max_gpus, g.paused, rcq_private.rfc3339(g.created_at) AS created_at FROM rcq.groups g) x;
    RETURN pg_catalog.json_build_object('groups', COALESCE(answer, '[]'), 'count', COALESCE(pg_catalog.json_array_length(answer), 0));
END $$;

CREATE FUNCTION rcq_private.rest_admin_add_group(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id jsonb;
BEGIN
    PERFORM rcq_private.require_admin();
    new_id := rcq_private.call_by_name('add_group', rcq_private.text_field(request, 'name'), pg_catalog.jsonb_strip_nulls(request - 'name'));
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.json_build_object('message', 'Group added successfully', 'group_id', new_id);
END $$;

CREATE FUNCTION rcq_private.rest_admin_set_group(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target CONSTANT bigint := rcq_private.whole_field(request, 'id', 0, 2147483647);
    kept rcq_private.groups;
BEGIN
    PERFORM rcq_private.require_admin();
    SELECT * INTO kept FROM rcq_private.groups g WHERE g.id = target;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no group %s', target), 'GET /api/admin/groups lists them.');
    END IF;
    PERFORM rcq_private.call_by_name('set_group', kept.name, rcq_private.with_switches(request - 'id', '{"quota_cpu_hours": "no_quota", "parent": "no_parent"}', pg_catalog.to_jsonb(kept)));
    RETURN pg_catalog.json_build_object('message', 'Group changed successfully', 'group_id', target);
END $$;

-- A user's group is named over HTTP by its id, as registering does.
CREATE FUNCTION rcq_private.with_group_name(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted CONSTANT bigint := rcq_private.whole_field(request, 'group_id', 0, 2147483647);
    found_name text;
BEGIN
    IF wanted IS NULL THEN RETURN request - 'group_id'; END IF;
    SELECT g.name INTO found_name FROM rcq_private.groups g WHERE g.id = wanted;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('there is no group %s', wanted), 'GET /api/admin/groups lists them.');
    END IF;
    RETURN request - 'group_id' || pg_catalog.jsonb_build_object('group_name', found_name);
END $$;

CREATE FUNCTION rcq_private.rest_admin_users(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := rcq_private.whole_field(request, 'limit', 1, 1000, 1000);
    after CONSTANT integer := rcq_private.whole_field(request, 'after', 0, 2147483647, 0);
    answer jsonb;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'limit', 'after');
    SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(u) || pg_catalog.jsonb_build_object('created_at', rcq_private.rfc3339(u.created_at)) ORDER BY u.id) INTO answer
      FROM (SELECT * FROM rcq.users v WHERE v.id > after ORDER BY v.id LIMIT most) u;
    RETURN pg_catalog.json_build_object('users', COALESCE(answer, '[]'), 'count', COALESCE(pg_catalog.jsonb_array_length(answer), 0));
END $$;

-- With a password: somebody who comes over HTTP, known by e-mail address; else somebody with an SQL role.
CREATE FUNCTION rcq_private.rest_admin_add_user(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id jsonb;
BEGIN
    PERFORM rcq_private.require_admin();
    request := rcq_private.with_group_name(request);
    IF NOT request ? 'password' AND request ->> 'role_name' IS NULL THEN
        PERFORM rcq_private.fail('RC001', 'a user needs email and password, or role_name', 'With email and password they come over HTTP; role_name is that of an SQL role.');
    END IF;
    new_id := CASE WHEN request ? 'password' THEN rcq_private.call_by_name('add_http_user', rcq_private.text_field(request, 'email'), pg_catalog.jsonb_strip_nulls(request - 'email'))
                   ELSE rcq_private.call_by_name('add_user', rcq_private.text_field(request, 'role_name'), pg_catalog.jsonb_strip_nulls(request - 'role_name')) END;
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.json_build_object('message', 'User added successfully', 'user_id', new_id);
END $$;

CREATE FUNCTION rcq_private.rest_admin_set_user(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target CONSTANT bigint := rcq_private.whole_field(request, 'id', 0, 2147483647);
    kept rcq_private.users;
BEGIN
    PERFORM rcq_private.require_admin();
    SELECT * INTO kept FROM rcq_private.users u WHERE u.id = target;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no user %s', target), 'GET /api/admin/users lists them.');
    END IF;
    PERFORM rcq_private.call_by_name('set_user', COALESCE(kept.role_name, kept.email), rcq_private.with_switches(rcq_private.with_group_name(request - 'id'), '{"unix_user": "no_unix_user", "disabled": "enable"}', pg_catalog.to_jsonb(kept)));
    RETURN pg_catalog.json_build_object('message', 'User changed successfully', 'user_id', target);
END $$;

CREATE FUNCTION rcq_private.rest_admin_usage(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    groups json;
    users json;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    SELECT pg_catalog.json_agg(g ORDER BY g.group_name) INTO groups FROM rcq.group_usage g;
    SELECT pg_catalog.json_agg(x ORDER BY x.cpu_hours DESC, x.user_id) INTO users FROM (
        SELECT s.user_id, COALESCE(u.role_name, u.email) AS "user", pg_catalog.round((pg_catalog.sum(s.core_seconds) / 3600)::numeric, 4) AS cpu_hours,
               pg_catalog.round((pg_catalog.sum(s.gb_seconds) / 3600)::numeric, 4) AS gb_hours, pg_catalog.round((pg_catalog.sum(s.gpu_seconds) / 3600)::numeric, 4) AS gpu_hours
          FROM rcq_private.usage s JOIN rcq_private.users u ON u.id = s.user_id, rcq_private.usage_window() w WHERE s.at > w.begins GROUP BY s.user_id, u.role_name, u.email) x;
    RETURN pg_catalog.json_build_object('window_begins', (SELECT rcq_private.rfc3339(w.begins) FROM rcq_private.usage_window() w), 'groups', COALESCE(groups, '[]'), 'users', COALESCE(users, '[]'));
END $$;

CREATE FUNCTION rcq_private.rest_admin_settings(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer json;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    SELECT pg_catalog.json_agg(x ORDER BY x.name) INTO answer FROM (
        SELECT s.name, s.value, s.default_value, s.unit, s.type, s.allowed, s.description, rcq_private.rfc3339(s.changed_at) AS changed_at, s.changed_by FROM rcq.settings s) x;
    RETURN pg_catalog.json_build_object('settings', answer, 'count', pg_catalog.json_array_length(answer));
END $$;

CREATE FUNCTION rcq_private.rest_admin_set_setting(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'name', 'value');
    IF NOT request ? 'value' OR pg_catalog.jsonb_typeof(request -> 'value') IN ('object', 'array') THEN
        PERFORM rcq_private.fail('RC001', 'there is no value to set', 'Give {"value": ...}, null goes back to the default.');
    END IF;
    PERFORM rcq.set(request ->> 'name', request ->> 'value');
    RETURN pg_catalog.json_build_object('message', 'Setting changed successfully', 'name', request ->> 'name', 'value', (SELECT s.value FROM rcq.settings s WHERE s.name = request ->> 'name'));
END $$;

CREATE FUNCTION rcq_private.rest_admin_schedules(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.schedules_answer(NULL);
END $$;

CREATE FUNCTION rcq_private.rest_admin_pause(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'reason', 'group', 'executor'),
            rcq.pause(rcq_private.text_field(request, 'reason'), rcq_private.text_field(request, 'group'), rcq_private.text_field(request, 'executor'));
    RETURN pg_catalog.json_build_object('message', 'Paused successfully');
END $$;

CREATE FUNCTION rcq_private.rest_admin_resume(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'group', 'executor'),
            rcq.resume(rcq_private.text_field(request, 'group'), rcq_private.text_field(request, 'executor'));
    RETURN pg_catalog.json_build_object('message', 'Resumed successfully');
END $$;

CREATE FUNCTION rcq_rest.admin_executors(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_executors(bytea) IS 'GET /api/admin/executors';
CREATE FUNCTION rcq_rest.admin_drain_executor(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_drain_executor(bytea) IS 'POST /api/admin/executors/{name}/drain';
CREATE FUNCTION rcq_rest.admin_resume_executor(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_resume_executor(bytea) IS 'POST /api/admin/executors/{name}/resume';
CREATE FUNCTION rcq_rest.admin_groups(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_groups(bytea) IS 'GET /api/admin/groups';
CREATE FUNCTION rcq_rest.admin_add_group(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_add_group(bytea) IS 'POST /api/admin/groups';
CREATE FUNCTION rcq_rest.admin_set_group(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_set_group(bytea) IS 'PATCH /api/admin/groups/{id}';
CREATE FUNCTION rcq_rest.admin_users(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_users(bytea) IS 'GET /api/admin/users';
CREATE FUNCTION rcq_rest.admin_add_user(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_add_user(bytea) IS 'POST /api/admin/users';
CREATE FUNCTION rcq_rest.admin_set_user(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_set_user(bytea) IS 'PATCH /api/admin/users/{id}';
CREATE FUNCTION rcq_rest.admin_usage(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_usage(bytea) IS 'GET /api/admin/usage';
CREATE FUNCTION rcq_rest.admin_settings(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_settings(bytea) IS 'GET /api/admin/settings';
CREATE FUNCTION rcq_rest.admin_set_setting(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_set_setting(bytea) IS 'PUT /api/admin/settings/{name}';
CREATE FUNCTION rcq_rest.admin_schedules(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_schedules(bytea) IS 'GET /api/admin/schedules';
CREATE FUNCTION rcq_rest.admin_pause(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_pause(bytea) IS 'POST /api/admin/pause';
CREATE FUNCTION rcq_rest.admin_resume(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_resume(bytea) IS 'POST /api/admin/resume';
