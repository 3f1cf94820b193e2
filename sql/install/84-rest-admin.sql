-- Routes for administrators: what there is, what it is used for, and what they change about it. Each is a thin layer over
-- the functions and views of schema rcq.

CREATE FUNCTION rcq_private.ended_counts(OUT status text, OUT jobs bigint) RETURNS SETOF record
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_ended_counts';
COMMENT ON FUNCTION rcq_private.ended_counts() IS 'How many jobs ended in which way since the server started';

CREATE FUNCTION rcq_private.group_counts(OUT group_id integer, OUT pending bigint, OUT held bigint, OUT assigned bigint, OUT running bigint, OUT oldest timestamptz) RETURNS SETOF record
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_group_counts';
COMMENT ON FUNCTION rcq_private.group_counts() IS 'What the scheduler last published of every group with jobs; oldest: since when the one that has waited longest waits; group 0: all groups beyond the first 1,024';

-- Arguments of a function from the fields of a request, as text: a field that is missing is none, null stays null.
CREATE FUNCTION rcq_private.boolean_field(request jsonb, field text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_catalog.jsonb_typeof(request -> field) NOT IN ('boolean', 'null') THEN
        PERFORM rcq_private.fail('RC001', field || ' is neither true nor false');
    END IF;
    RETURN (request ->> field)::boolean;
END $$;

CREATE FUNCTION rcq_private.number_field(request jsonb, field text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_catalog.jsonb_typeof(request -> field) NOT IN ('number', 'null') THEN
        PERFORM rcq_private.fail('RC001', field || ' is no number');
    END IF;
    RETURN (request ->> field)::numeric;
END $$;

CREATE FUNCTION rcq_private.integer_field(request jsonb, field text) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(request -> field) = 'number' THEN rcq_private.whole_field(request, field, -2147483648, 2147483647)
                ELSE rcq_private.number_field(request, field) END::integer
$$;

-- A duration, as "4h", "2 days" or in seconds.
CREATE FUNCTION rcq_private.interval_field(request jsonb, field text) RETURNS interval
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_catalog.jsonb_typeof(request -> field) NOT IN ('string', 'number', 'null') THEN
        PERFORM rcq_private.fail('RC001', field || ' is no duration', 'Write it as "4h", or in seconds.');
    END IF;
    RETURN (request ->> field)::interval;
EXCEPTION WHEN data_exception THEN
    PERFORM rcq_private.fail('RC001', pg_catalog.format('%s cannot be "%s"', field, pg_catalog.left(request ->> field, 100)), 'Write it as "4h", or in seconds.');
END $$;

-- Whether a field was given as null, which takes away what was there.
CREATE FUNCTION rcq_private.is_null_field(request jsonb, field text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT COALESCE(pg_catalog.jsonb_typeof(request -> field) = 'null', false) $$;

CREATE FUNCTION rcq_private.list_answer(name text, items jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object(name, COALESCE(items, '[]'), 'count', pg_catalog.jsonb_array_length(COALESCE(items, '[]')))
$$;

-- --- what there is

CREATE FUNCTION rcq_private.executors_answer() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.list_answer('executors', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(e) || pg_catalog.jsonb_build_object('last_seen', rcq_private.rfc3339(e.last_seen),
                   'registered_at', rcq_private.rfc3339(e.registered_at), 'drain_at', rcq_private.rfc3339(e.drain_at)) ORDER BY e.name) FROM rcq.executors e))
$$;

CREATE FUNCTION rcq_private.rest_list_executors(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request);
    RETURN rcq_private.executors_answer();
END $$;

CREATE FUNCTION rcq_private.rest_admin_executors(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.executors_answer();
END $$;

-- Usage and fair share of every group.
CREATE FUNCTION rcq_private.usage_answer() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.list_answer('groups', (SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(u) ORDER BY u.group_id) FROM rcq.group_usage u))
$$;

CREATE FUNCTION rcq_private.rest_list_groups(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request);
    RETURN rcq_private.usage_answer();
END $$;

CREATE FUNCTION rcq_private.rest_admin_usage(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.usage_answer();
END $$;

CREATE FUNCTION rcq_private.rest_admin_groups(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.list_answer('groups', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(g) || pg_catalog.jsonb_build_object('created_at', rcq_private.rfc3339(g.created_at)) ORDER BY g.id) FROM rcq.groups g));
END $$;

CREATE FUNCTION rcq_private.rest_admin_users(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.list_answer('users', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(u) || pg_catalog.jsonb_build_object('created_at', rcq_private.rfc3339(u.created_at)) ORDER BY u.id) FROM rcq.users u));
END $$;

CREATE FUNCTION rcq_private.rest_admin_settings(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    RETURN rcq_private.list_answer('settings', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s) || pg_catalog.jsonb_build_object('changed_at', rcq_private.rfc3339(s.changed_at)) ORDER BY s.name) FROM rcq.settings s));
END $$;

-- What the newest 10,000 jobs show of the last hour, and of how long those of each group waited that started in it. Older
-- jobs that ended in it do not count: looking at all of them would cost more the more there are.
CREATE FUNCTION rcq_private.last_hour(OUT ended bigint, OUT waits jsonb) RETURNS record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH newest AS MATERIALIZED (
        SELECT j.id, j.group_id, j.submitted_at, j.begin_time FROM rcq_private.job j ORDER BY j.id DESC LIMIT 10000
    ), seen AS MATERIALIZED (
        SELECT n.*, COALESCE(o.claimed_at, l.claimed_at) AS claimed_at, o.ended_at
          FROM newest n LEFT JOIN rcq_private.outcome o ON o.job_id = n.id LEFT JOIN rcq_private.live l ON l.job_id = n.id
    ), waited AS (
        SELECT s.group_id, pg_catalog.count(*) AS started,
               pg_catalog.percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY pg_catalog.date_part('epoch', s.claimed_at - GREATEST(s.submitted_at, s.begin_time))) AS s
          FROM seen s WHERE s.claimed_at > pg_catalog.clock_timestamp() - interval '1 hour' GROUP BY s.group_id
    )
    SELECT (SELECT pg_catalog.count(*) FROM seen s WHERE s.ended_at > pg_catalog.clock_timestamp() - interval '1 hour'),
           (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('group_id', w.group_id, 'group_name', rcq_private.group_name(w.group_id), 'started', w.started,
                       'median_s', pg_catalog.round(w.s[1]::numeric, 3), 'p90_s', pg_catalog.round(w.s[2]::numeric, 3)) ORDER BY w.group_id) FROM waited w)
$$;

CREATE FUNCTION rcq_private.rest_admin_stats(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    jobs jsonb;
    groups jsonb;
    hour record;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request);
    SELECT pg_catalog.jsonb_build_object('pending', COALESCE(pg_catalog.sum(c.pending), 0), 'held', COALESCE(pg_catalog.sum(c.held), 0),
               'assigned', COALESCE(pg_catalog.sum(c.assigned), 0), 'running', COALESCE(pg_catalog.sum(c.running), 0),
               'oldest_waiting_since', rcq_private.rfc3339(pg_catalog.min(c.oldest))),
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('group_id', NULLIF(c.group_id, 0), 'group_name', COALESCE(rcq_private.group_name(c.group_id), 'other'),
               'pending', c.pending, 'held', c.held, 'assigned', c.assigned, 'running', c.running, 'oldest_waiting_since', rcq_private.rfc3339(c.oldest)) ORDER BY c.group_id)
      INTO jobs, groups FROM rcq_private.group_counts() c;
    hour := rcq_private.last_hour();
    RETURN pg_catalog.jsonb_build_object(
        'jobs', jobs || (SELECT pg_catalog.jsonb_object_agg(e.status, e.jobs) FROM rcq_private.ended_counts() e)
                     || pg_catalog.jsonb_build_object('ended_since', rcq_private.rfc3339(pg_catalog.pg_postmaster_start_time())),
        'groups', COALESCE(groups, '[]'),
        'throughput', pg_catalog.jsonb_build_object('ended_last_hour', hour.ended, 'per_minute', pg_catalog.round(hour.ended / 60.0, 2)),
        'waits_last_hour', COALESCE(hour.waits, '[]'),
        'utilisation', (SELECT pg_catalog.jsonb_build_object('executors', pg_catalog.count(*), 'online', pg_catalog.count(*) FILTER (WHERE e.status <> 'offline'),
                'cpu_cores', COALESCE(pg_catalog.sum(e.cpu_cores), 0), 'cpu_cores_used', COALESCE(pg_catalog.sum(e.cpu_cores_used), 0),
                'memory_gb', COALESCE(pg_catalog.sum(e.memory_gb), 0), 'memory_gb_used', COALESCE(pg_catalog.sum(e.memory_gb_used), 0),
                'gpu_count', COALESCE(pg_catalog.sum(e.gpu_count), 0), 'gpu_count_used', COALESCE(pg_catalog.sum(e.gpu_count_used), 0))
             FROM rcq.executors e WHERE e.status <> 'offline' OR e.runs > 0),
        'scheduler', (SELECT pg_catalog.jsonb_build_object('state', s.state, 'last_cycle_at', rcq_private.rfc3339(s.last_cycle_at), 'cycles', s.cycles, 'placements', s.placements,
                'paused', s.paused, 'last_error', s.last_error) FROM rcq.scheduler s));
END $$;

-- --- what is changed

CREATE FUNCTION rcq_private.rest_admin_drain_executor(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    drained record;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'name', 'reason', 'mode', 'at');
    drained := rcq.drain_executor(request ->> 'name', COALESCE(rcq_private.text_field(request, 'reason'), 'drained by an administrator'),
        COALESCE(rcq_private.text_field(request, 'mode'), 'finish'), rcq_private.text_field(request, 'at')::timestamptz);
    RETURN pg_catalog.jsonb_build_object('message', 'Executor is being drained', 'executor', request ->> 'name', 'requeued', drained.requeued, 'running_on', drained.running_on);
END $$;

CREATE FUNCTION rcq_private.rest_admin_resume_executor(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'name'), rcq.resume_executor(request ->> 'name');
    RETURN pg_catalog.jsonb_build_object('message', 'Executor takes jobs again', 'executor', request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_admin_add_group(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
BEGIN
    PERFORM rcq_private.require_admin(),
            rcq_private.check_fields(request, 'name', 'quota_cpu_hours', 'priority', 'quota_mode', 'default_estimate', 'open', 'parent', 'shares', 'max_jobs', 'max_cores', 'max_gpus');
    new_id := rcq.add_group(rcq_private.text_field(request, 'name'), rcq_private.number_field(request, 'quota_cpu_hours'), rcq_private.integer_field(request, 'priority'),
        rcq_private.text_field(request, 'quota_mode'), rcq_private.interval_field(request, 'default_estimate'), rcq_private.boolean_field(request, 'open'),
        rcq_private.text_field(request, 'parent'), rcq_private.number_field(request, 'shares'), rcq_private.integer_field(request, 'max_jobs'),
        rcq_private.integer_field(request, 'max_cores'), rcq_private.integer_field(request, 'max_gpus'));
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.jsonb_build_object('message', 'Group added successfully', 'group_id', new_id);
END $$;

-- The name of the group that a path names by its id.
CREATE FUNCTION rcq_private.group_field(request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_name text;
BEGIN
    SELECT g.name INTO found_name FROM rcq.groups g WHERE g.id::text = request ->> 'id';
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no group %s', pg_catalog.left(request ->> 'id', 100)), 'A group is named by its id, a number.');
    END IF;
    RETURN found_name;
END $$;

-- null takes away a quota or a parent; of limits it takes away one, and those that stand beside it stay.
CREATE FUNCTION rcq_private.rest_admin_set_group(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    group_name CONSTANT text := rcq_private.group_field(request);
    now_ record;
    no_limits CONSTANT boolean := rcq_private.is_null_field(request, 'max_jobs') OR rcq_private.is_null_field(request, 'max_cores') OR rcq_private.is_null_field(request, 'max_gpus');
BEGIN
    PERFORM rcq_private.require_admin(),
            rcq_private.check_fields(request, 'id', 'quota_cpu_hours', 'priority', 'quota_mode', 'default_estimate', 'open', 'parent', 'shares', 'max_jobs', 'max_cores', 'max_gpus');
    SELECT * INTO now_ FROM rcq.groups g WHERE g.name = group_name;
    PERFORM rcq.set_group(group_name, rcq_private.number_field(request, 'quota_cpu_hours'), rcq_private.integer_field(request, 'priority'), rcq_private.text_field(request, 'quota_mode'),
        rcq_private.interval_field(request, 'default_estimate'), rcq_private.boolean_field(request, 'open'), rcq_private.is_null_field(request, 'quota_cpu_hours'),
        rcq_private.text_field(request, 'parent'), rcq_private.number_field(request, 'shares'),
        CASE WHEN request ? 'max_jobs' THEN rcq_private.integer_field(request, 'max_jobs') ELSE now_.max_jobs END,
        CASE WHEN request ? 'max_cores' THEN rcq_private.integer_field(request, 'max_cores') ELSE now_.max_cores END,
        CASE WHEN request ? 'max_gpus' THEN rcq_private.integer_field(request, 'max_gpus') ELSE now_.max_gpus END,
        rcq_private.is_null_field(request, 'parent'), no_limits);
    RETURN pg_catalog.jsonb_build_object('message', 'Group changed successfully', 'group_id', (request ->> 'id')::integer);
END $$;

CREATE FUNCTION rcq_private.rest_admin_add_user(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'email', 'password', 'group_id', 'is_admin');
    new_id := rcq.add_http_user(rcq_private.text_field(request, 'email'), rcq_private.text_field(request, 'password'),
        rcq_private.group_field(pg_catalog.jsonb_build_object('id', COALESCE(rcq_private.integer_field(request, 'group_id'), 1))), rcq_private.boolean_field(request, 'is_admin'));
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.jsonb_build_object('message', 'User added successfully', 'user_id', new_id);
END $$;

-- null takes away a limit (those beside it stay), the account of jobs, or the reason why the user is disabled.
CREATE FUNCTION rcq_private.rest_admin_set_user(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ record;
    no_limits CONSTANT boolean := rcq_private.is_null_field(request, 'max_jobs') OR rcq_private.is_null_field(request, 'max_cores') OR rcq_private.is_null_field(request, 'max_gpus')
                                  OR rcq_private.is_null_field(request, 'max_pending');
BEGIN
    PERFORM rcq_private.require_admin(),
            rcq_private.check_fields(request, 'id', 'group_id', 'is_admin', 'max_priority', 'shares', 'max_jobs', 'max_cores', 'max_gpus', 'max_pending', 'unix_user', 'email', 'disabled');
    SELECT * INTO now_ FROM rcq.users u WHERE u.id::text = request ->> 'id';
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no user %s', pg_catalog.left(request ->> 'id', 100)), 'A user is named by the id, a number.');
    END IF;
    PERFORM rcq.set_user(COALESCE(now_.role_name, now_.email),
        CASE WHEN request ? 'group_id' THEN rcq_private.group_field(pg_catalog.jsonb_build_object('id', rcq_private.integer_field(request, 'group_id'))) END,
        rcq_private.boolean_field(request, 'is_admin'), rcq_private.integer_field(request, 'max_priority'), rcq_private.number_field(request, 'shares'),
        CASE WHEN request ? 'max_jobs' THEN rcq_private.integer_field(request, 'max_jobs') ELSE now_.max_jobs END,
        CASE WHEN request ? 'max_cores' THEN rcq_private.integer_field(request, 'max_cores') ELSE now_.max_cores END,
        CASE WHEN request ? 'max_gpus' THEN rcq_private.integer_field(request, 'max_gpus') ELSE now_.max_gpus END,
        CASE WHEN request ? 'max_pending' THEN rcq_private.integer_field(request, 'max_pending') ELSE now_.max_pending END,
        no_limits, rcq_private.text_field(request, 'unix_user'), rcq_private.is_null_field(request, 'unix_user'),
        rcq_private.text_field(request, 'email'), rcq_private.text_field(request, 'disabled'), rcq_private.is_null_field(request, 'disabled'));
    RETURN pg_catalog.jsonb_build_object('message', 'User changed successfully', 'user_id', (request ->> 'id')::integer);
END $$;

-- The value of a setting may be written as text, number or boolean; null is its default.
CREATE FUNCTION rcq_private.rest_admin_set_setting(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'name', 'value');
    IF NOT request ? 'value' OR pg_catalog.jsonb_typeof(request -> 'value') IN ('object', 'array') THEN
        PERFORM rcq_private.fail('RC001', 'value is missing, or neither text, number, boolean nor null', 'Send {"value": ...}; null restores the default.');
    END IF;
    PERFORM rcq.set(request ->> 'name', request ->> 'value');
    RETURN (SELECT pg_catalog.jsonb_build_object('message', 'Setting changed successfully', 'name', s.name, 'value', s.value) FROM rcq.settings s WHERE s.name = request ->> 'name');
END $$;

CREATE FUNCTION rcq_private.rest_admin_pause(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'reason', 'group_name', 'executor'),
            rcq.pause(rcq_private.text_field(request, 'reason'), rcq_private.text_field(request, 'group_name'), rcq_private.text_field(request, 'executor'));
    RETURN pg_catalog.jsonb_build_object('message', 'Paused successfully');
END $$;

CREATE FUNCTION rcq_private.rest_admin_resume(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'group_name', 'executor'),
            rcq.resume(rcq_private.text_field(request, 'group_name'), rcq_private.text_field(request, 'executor'));
    RETURN pg_catalog.jsonb_build_object('message', 'Resumed successfully');
END $$;

-- --- the routes

CREATE FUNCTION rcq_rest.list_executors(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_executors(bytea) IS 'GET /api/executors: the hosts, as rcq.executors. 200';
CREATE FUNCTION rcq_rest.list_groups(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_groups(bytea) IS 'GET /api/groups: usage and fair share of every group, as rcq.group_usage. 200';
CREATE FUNCTION rcq_rest.admin_stats(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_stats(bytea) IS 'GET /api/admin/stats: jobs by state and group, ends since the server started, throughput and waits of the last hour (by the newest 10,000 jobs), use of the executors, the scheduler. 200; 403';
CREATE FUNCTION rcq_rest.admin_executors(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_executors(bytea) IS 'GET /api/admin/executors: the hosts, as rcq.executors. 200; 403';
CREATE FUNCTION rcq_rest.admin_drain_executor(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_drain_executor(bytea) IS 'POST /api/admin/executors/{name}/drain: as rcq.drain_executor. Body: reason, mode (finish, requeue), at. 200 with requeued and running_on; 400, 403, 404, 409';
CREATE FUNCTION rcq_rest.admin_resume_executor(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_resume_executor(bytea) IS 'POST /api/admin/executors/{name}/resume: ends its drains. 200; 403, 404';
CREATE FUNCTION rcq_rest.admin_groups(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_groups(bytea) IS 'GET /api/admin/groups: the groups, as rcq.groups. 200; 403';
CREATE FUNCTION rcq_rest.admin_add_group(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_add_group(bytea) IS 'POST /api/admin/groups: as rcq.add_group. 201 with group_id; 400, 403, 404 (no such parent), 409';
CREATE FUNCTION rcq_rest.admin_set_group(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_set_group(bytea) IS 'PATCH /api/admin/groups/{id}: changes what is given, as rcq.set_group; null takes away a quota, a parent or a limit. 200; 400, 403, 404';
CREATE FUNCTION rcq_rest.admin_users(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_users(bytea) IS 'GET /api/admin/users: the people, as rcq.users. 200; 403';
CREATE FUNCTION rcq_rest.admin_add_user(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_add_user(bytea) IS 'POST /api/admin/users: somebody who logs in over HTTP. Body: email, password, group_id (1 unless given), is_admin. 201 with user_id; 400, 403, 404 (no such group), 409';
CREATE FUNCTION rcq_rest.admin_set_user(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_set_user(bytea) IS 'PATCH /api/admin/users/{id}: changes what is given, as rcq.set_user; disabled is the reason; null takes away a limit, unix_user or disabled. 200; 400, 403, 404, 409';
CREATE FUNCTION rcq_rest.admin_usage(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_usage(bytea) IS 'GET /api/admin/usage: usage and fair share of every group, as rcq.group_usage. 200; 403';
CREATE FUNCTION rcq_rest.admin_settings(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_settings(bytea) IS 'GET /api/admin/settings: as rcq.settings. 200; 403';
CREATE FUNCTION rcq_rest.admin_set_setting(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_set_setting(bytea) IS 'PUT /api/admin/settings/{name}: as rcq.set. Body: value (text, number, boolean; null = the default). 200; 400, 403, 404';
CREATE FUNCTION rcq_rest.admin_pause(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_pause(bytea) IS 'POST /api/admin/pause: as rcq.pause. Body: reason, group_name, executor. 200; 400, 403, 404';
CREATE FUNCTION rcq_rest.admin_resume(bytea) RETURNS json LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_resume(bytea) IS 'POST /api/admin/resume: as rcq.resume. Body: group_name, executor. 200; 400, 403, 404';
