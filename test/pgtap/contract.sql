-- What people, programs and the manual rely on: views with their columns, functions with argument names and defaults; and
-- what no later change may forget: comments, pinned search paths, nothing for PUBLIC, row security on every table.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT rcq_private.ensure_partitions(1); -- what is true of every table is true of partitions
SELECT no_plan();

CREATE FUNCTION pg_temp.columns(view_name name) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
      FROM pg_attribute a WHERE a.attrelid = ('rcq.' || quote_ident(view_name))::regclass AND a.attnum > 0 AND NOT a.attisdropped $$;
CREATE FUNCTION pg_temp.signature(function_name name) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(pg_get_function_arguments(p.oid) || ' -> ' || pg_get_function_result(p.oid), ' | ' ORDER BY p.oid)
      FROM pg_proc p WHERE p.pronamespace = 'rcq'::regnamespace AND p.proname = function_name $$;
CREATE TEMP VIEW function AS SELECT p.*, p.oid::regprocedure::text AS called FROM pg_proc p WHERE p.pronamespace IN ('rcq'::regnamespace, 'rcq_private'::regnamespace);
CREATE TEMP VIEW base_table AS SELECT c.* FROM pg_class c WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relkind IN ('r', 'p');

-- the surface
SELECT is((SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'rcq'::regnamespace AND relkind <> 'c'),
    'api_tokens, arrays, audit, concurrency_limits, consumables, dead_jobs, dependencies, executors, gpu_billing, group_usage, groups, history, inbox, jobs, queue, reservations, runs, schedule_history, scheduler, schedules, settings, types, users', 'schema rcq holds these views and nothing else');
SELECT is(pg_temp.columns('audit'), 'id bigint, at timestamp with time zone, user_id integer, actor text, action text, kind text, object text, old jsonb, new jsonb, via text, address text, request_id text', 'columns of rcq.audit');
SELECT is(pg_temp.columns('api_tokens'), 'id integer, user_name text, name text, scope text, state text, created_at timestamp with time zone, expires_at timestamp with time zone, revoked_at timestamp with time zone, user_id integer', 'columns of rcq.api_tokens');
SELECT is(pg_temp.columns('arrays'), 'id bigint, name text, user_id integer, indices text, throttle integer, size integer, waiting integer, held integer, pending bigint, assigned bigint, running bigint, completed bigint, failed bigint, cancelled bigint, submitted_at timestamp with time zone', 'columns of rcq.arrays');
SELECT is(pg_temp.columns('concurrency_limits'), 'key text, max_jobs integer, in_use bigint', 'columns of rcq.concurrency_limits');
SELECT is(pg_temp.columns('consumables'), 'name text, executor text, total bigint, in_use bigint', 'columns of rcq.consumables');
SELECT is(pg_temp.columns('dead_jobs'), 'id bigint, name text, user_name text, reason text, exit_code integer, signal integer, message text, attempts integer, ended_at timestamp with time zone, executor text, project text, array_id bigint, array_index integer, user_id integer', 'columns of rcq.dead_jobs');
SELECT is(pg_temp.columns('dependencies'), 'job_id bigint, kind text, on_job bigint, on_status text', 'columns of rcq.dependencies');
SELECT is(pg_temp.columns('executors'), 'id integer, name text, hostname text, status text, reason text, runs bigint, cpu_cores integer, cpu_cores_used bigint, memory_gb numeric, memory_gb_used numeric, gpu_count integer, gpu_count_used bigint, features text[], last_seen timestamp with time zone, registered_at timestamp with time zone, gpu_type text, drain_at timestamp with time zone, drain_mode text, info jsonb', 'columns of rcq.executors');
SELECT is(pg_temp.columns('gpu_billing'), 'gpu_type text, per_hour double precision', 'columns of rcq.gpu_billing');
SELECT is(pg_temp.columns('group_usage'), 'group_id integer, group_name text, priority integer, quota_cpu_hours double precision, quota_mode text, cpu_hours numeric, gpu_hours numeric, billed_hours numeric, planned_hours numeric, quota_used_percent numeric, fair_share numeric, running_jobs bigint, running_cores bigint, pending_jobs bigint', 'columns of rcq.group_usage');
SELECT is(pg_temp.columns('groups'), 'id integer, name text, priority integer, quota_cpu_hours double precision, quota_mode text, default_estimate interval, open boolean, created_at timestamp with time zone, parent text, shares double precision, max_jobs integer, max_cores integer, max_gpus integer, paused text', 'columns of rcq.groups');
SELECT is(pg_temp.columns('history'), 'first_id bigint, last_id bigint, jobs bigint, size text, state text, closed_at timestamp with time zone, kept_until timestamp with time zone, logs_kept_until timestamp with time zone, logs_dropped boolean, prune_waiting_since timestamp with time zone', 'columns of rcq.history');
SELECT is(pg_temp.columns('jobs'), 'id bigint, status text, reason text, user_name text, group_name text, name text, script text, cpu_cores integer, memory_gb numeric, gpu_count integer, priority integer, submitted_at timestamp with time zone, started_at timestamp with time zone, ended_at timestamp with time zone, executor text, attempt integer, exit_code integer, signal integer, cpu_seconds real, peak_memory_gb numeric, message text, output jsonb, estimate interval, time_limit interval, max_retries integer, workdir text, env jsonb, features text[], requeue boolean, on_disconnect text, user_id integer, group_id integer, executor_id integer, cpu_cores_min integer, gpu_type text, constraints text, consumables jsonb, exclusive boolean, preemptible boolean, concurrency_key text, granted_cores integer, granted_memory_gb numeric, granted_gpus integer, array_spec text, array_size integer, array_id bigint, array_index integer, begin_time timestamp with time zone, deadline timestamp with time zone, depends_on text, retry jsonb, idempotency_key text, project text, tags text[], external_id uuid, schedule_id integer, schedule_name text, type text, payload jsonb, result jsonb', 'columns of rcq.jobs');
SELECT is(pg_temp.columns('queue'), 'position integer, id bigint, user_name text, group_name text, name text, cpu_cores integer, memory_gb numeric, gpu_count integer, reason text, final_priority numeric, base_priority integer, fair_share numeric, wait_boost numeric, priority integer, submitted_at timestamp with time zone, eligible_at timestamp with time zone, waiting interval, expected_start timestamp with time zone, approximate boolean, forecast_at timestamp with time zone, reserved_executor text, reserved_start timestamp with time zone, array_id bigint, array_index integer, tasks_waiting integer', 'columns of rcq.queue');
SELECT is(pg_temp.columns('reservations'), 'id integer, executor text, group_name text, starts_at timestamp with time zone, ends_at timestamp with time zone, state text, reason text, created_by text, created_at timestamp with time zone', 'columns of rcq.reservations');
SELECT is(pg_temp.columns('runs'), 'job_id bigint, attempt integer, executor text, status text, reason text, placed_at timestamp with time zone, started_at timestamp with time zone, ended_at timestamp with time zone, exit_code integer, signal integer, cpu_seconds real, peak_memory_gb numeric, message text, output jsonb, granted_cores integer, granted_memory_gb numeric, granted_gpus integer', 'columns of rcq.runs');
SELECT is(pg_temp.columns('schedule_history'), 'schedule_name text, due_at timestamp with time zone, at timestamp with time zone, job_id bigint, outcome text, message text, user_name text', 'columns of rcq.schedule_history');
SELECT is(pg_temp.columns('scheduler'), 'pid integer, state text, started_at timestamp with time zone, last_cycle_at timestamp with time zone, cycles bigint, placements bigint, pending bigint, running bigint, last_error text, paused text, paused_since timestamp with time zone, paused_by text', 'columns of rcq.scheduler');
SELECT is(pg_temp.columns('schedules'), 'name text, user_name text, cron text, timezone text, missed text, overlap text, state text, next_fire timestamp with time zone, last_fire timestamp with time zone, last_job bigint, last_outcome text, error text, options jsonb, created_at timestamp with time zone, id integer', 'columns of rcq.schedules');
SELECT is(pg_temp.columns('settings'), 'name text, value text, default_value text, unit text, type text, allowed text, description text, changed_at timestamp with time zone, changed_by text', 'columns of rcq.settings');
SELECT is(pg_temp.columns('types'), 'name text, description text, command text, payload_schema jsonb, defaults jsonb, limits jsonb', 'columns of rcq.types');
SELECT is(pg_temp.columns('users'), 'id integer, role_name text, email text, group_name text, is_admin boolean, max_priority integer, created_at timestamp with time zone, shares double precision, max_jobs integer, max_cores integer, max_gpus integer, max_pending integer, unix_user text, disabled text', 'columns of rcq.users');
SELECT is((SELECT string_agg(proname, ', ' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'rcq'::regnamespace),
    'add_group, add_http_user, add_user, adopt, cancel, cancel_reservation, create_api_token, create_executor_login, cron_preview, drain_executor, drop_type, executor_drain, executor_log, executor_log_position, executor_sign_off, executor_sync, explain, explain_submit, hold, http_pre_config, http_pre_request, jobs_tagged, logs, logs_raw, metrics, next_fires, pause, pause_schedule, prune_audit, prune_history, register_executor, register_type, release, requeue, reserve, resubmit, resubmit_failed, resubmit_failed_tasks, resume, resume_executor, resume_restored, resume_schedule, revoke_api_token, rotate_jwt_secret, schedule, set, set_array_throttle, set_concurrency_limit, set_consumable, set_gpu_billing, set_group, set_http_password, set_password, set_priority, set_user, submit, submit_graph, submit_many, submit_task, task, tasks, unschedule', 'schema rcq holds these functions, none of them overloaded');
SELECT is(pg_temp.signature('add_group'), 'name text, quota_cpu_hours numeric DEFAULT NULL::numeric, priority integer DEFAULT 5, quota_mode text DEFAULT ''soft''::text, default_estimate interval DEFAULT NULL::interval, open boolean DEFAULT false, parent text DEFAULT NULL::text, shares numeric DEFAULT 1, max_jobs integer DEFAULT NULL::integer, max_cores integer DEFAULT NULL::integer, max_gpus integer DEFAULT NULL::integer -> integer', 'signature of rcq.add_group');
SELECT is(pg_temp.signature('add_http_user'), 'email text, password text, group_name text DEFAULT ''default''::text, is_admin boolean DEFAULT false -> integer', 'signature of rcq.add_http_user');
SELECT is(pg_temp.signature('add_user'), 'role_name text, group_name text DEFAULT ''default''::text, is_admin boolean DEFAULT false, max_priority integer DEFAULT 10, email text DEFAULT NULL::text, shares numeric DEFAULT 1, max_jobs integer DEFAULT NULL::integer, max_cores integer DEFAULT NULL::integer, max_gpus integer DEFAULT NULL::integer, max_pending integer DEFAULT NULL::integer, unix_user text DEFAULT NULL::text -> integer', 'signature of rcq.add_user');
SELECT is(pg_temp.signature('adopt'), ' -> void', 'signature of rcq.adopt');
SELECT is(pg_temp.signature('cancel'), 'job bigint, tasks text DEFAULT NULL::text -> text', 'signature of rcq.cancel');
SELECT is(pg_temp.signature('cancel_reservation'), 'id integer -> void', 'signature of rcq.cancel_reservation');
SELECT is(pg_temp.signature('create_api_token'), 'name text, scope text DEFAULT ''submit''::text, expires_in interval DEFAULT ''90 days''::interval -> text', 'signature of rcq.create_api_token');
SELECT is(pg_temp.signature('create_executor_login'), 'name text, password text DEFAULT NULL::text -> text', 'signature of rcq.create_executor_login');
SELECT is(pg_temp.signature('cron_preview'), 'cron text, timezone text DEFAULT ''UTC''::text, count integer DEFAULT 10, after timestamp with time zone DEFAULT now() -> SETOF timestamp with time zone', 'signature of rcq.cron_preview');
SELECT is(pg_temp.signature('drain_executor'), 'name text, reason text DEFAULT ''drained by an administrator''::text, mode text DEFAULT ''finish''::text, at timestamp with time zone DEFAULT NULL::timestamp with time zone, OUT requeued bigint, OUT running_on bigint -> record', 'signature of rcq.drain_executor');
SELECT is(pg_temp.signature('drop_type'), 'name text -> void', 'signature of rcq.drop_type');
SELECT is(pg_temp.signature('executor_drain'), 'executor integer, incarnation bigint, reason text, until_resumed boolean DEFAULT false -> void', 'signature of rcq.executor_drain');
SELECT is(pg_temp.signature('executor_log'), 'executor integer, incarnation bigint, job_ids bigint[], tokens bigint[], seqs bigint[], streams text[], chunks bytea[] -> bigint[]', 'signature of rcq.executor_log');
SELECT is(pg_temp.signature('executor_log_position'), 'executor integer, incarnation bigint, job_ids bigint[], tokens bigint[] -> TABLE(token bigint, next_seq bigint, bytes bigint)', 'signature of rcq.executor_log_position');
SELECT is(pg_temp.signature('executor_sign_off'), 'executor integer, incarnation bigint -> void', 'signature of rcq.executor_sign_off');
SELECT is(pg_temp.signature('executor_sync'), 'executor integer, incarnation bigint, acked_seq bigint, live_tokens bigint[], finished jsonb, usage jsonb, max_new integer -> TABLE(kind text, seq bigint, job_id bigint, token bigint, body jsonb)', 'signature of rcq.executor_sync');
SELECT is(pg_temp.signature('explain'), 'job bigint -> TABLE(kind text, reason text, message text, data jsonb)', 'signature of rcq.explain');
SELECT is(split_part(pg_temp.signature('explain_submit'), ' -> ', 1), split_part(split_part(pg_temp.signature('submit'), ' -> ', 1), ', "array" ', 1), 'rcq.explain_submit takes what rcq.submit takes before its argument "array"');
SELECT is(split_part(pg_temp.signature('explain_submit'), ' -> ', 2), split_part(pg_temp.signature('explain'), ' -> ', 2), 'and answers as rcq.explain');
SELECT is(pg_temp.signature('hold'), 'job bigint, tasks text DEFAULT NULL::text -> void', 'signature of rcq.hold');
SELECT is(pg_temp.signature('http_pre_config'), ' -> void', 'signature of rcq.http_pre_config');
SELECT is(pg_temp.signature('http_pre_request'), ' -> void', 'signature of rcq.http_pre_request');
SELECT is(pg_temp.signature('jobs_tagged'), 'VARIADIC tags text[] -> SETOF bigint', 'signature of rcq.jobs_tagged');
SELECT is(pg_temp.signature('logs'), 'job bigint, attempt integer DEFAULT NULL::integer, after bigint DEFAULT 0, OUT seq bigint, OUT at timestamp with time zone, INOUT stream text DEFAULT NULL::text, OUT line text -> SETOF record', 'signature of rcq.logs');
SELECT is(pg_temp.signature('logs_raw'), 'job bigint, attempt integer DEFAULT NULL::integer, stream text DEFAULT NULL::text -> bytea', 'signature of rcq.logs_raw');
SELECT is(pg_temp.signature('metrics'), ' -> text', 'signature of rcq.metrics');
SELECT is(pg_temp.signature('next_fires'), 'name text, count integer DEFAULT 10, user_name text DEFAULT NULL::text -> SETOF timestamp with time zone', 'signature of rcq.next_fires');
SELECT is(pg_temp.signature('pause'), 'reason text, group_name text DEFAULT NULL::text, executor text DEFAULT NULL::text -> void', 'signature of rcq.pause');
SELECT is(pg_temp.signature('pause_schedule'), 'name text, user_name text DEFAULT NULL::text -> void', 'signature of rcq.pause_schedule');
SELECT is(pg_temp.signature('prune_audit'), 'older_than interval -> bigint', 'signature of rcq.prune_audit');
SELECT is(pg_temp.signature('prune_history'), 'older_than interval DEFAULT NULL::interval -> integer', 'signature of rcq.prune_history');
SELECT is(pg_temp.signature('register_executor'), 'hostname text, capacity jsonb, features text[], incarnation bigint, protocol integer -> jsonb', 'signature of rcq.register_executor');
SELECT is(pg_temp.signature('register_type'), 'name text, command text, payload_schema jsonb DEFAULT ''{}''::jsonb, defaults jsonb DEFAULT ''{}''::jsonb, limits jsonb DEFAULT ''{}''::jsonb, description text DEFAULT NULL::text -> void', 'signature of rcq.register_type');
SELECT is(pg_temp.signature('release'), 'job bigint, tasks text DEFAULT NULL::text -> void', 'signature of rcq.release');
SELECT is(pg_temp.signature('requeue'), 'job bigint -> text', 'signature of rcq.requeue');
SELECT is(pg_temp.signature('reserve'), 'starts_at timestamp with time zone, ends_at timestamp with time zone, executor text DEFAULT NULL::text, group_name text DEFAULT NULL::text, reason text DEFAULT NULL::text -> integer', 'signature of rcq.reserve');
SELECT is(pg_temp.signature('resubmit'), 'jobs bigint[] -> TABLE(job_id bigint, new_job_id bigint)', 'signature of rcq.resubmit');
SELECT is(pg_temp.signature('resubmit_failed'), 'since timestamp with time zone DEFAULT ''-infinity''::timestamp with time zone, reason text DEFAULT NULL::text, name text DEFAULT NULL::text, project text DEFAULT NULL::text -> bigint', 'signature of rcq.resubmit_failed');
SELECT is(pg_temp.signature('resubmit_failed_tasks'), 'job bigint -> bigint', 'signature of rcq.resubmit_failed_tasks');
SELECT is(pg_temp.signature('resume'), 'group_name text DEFAULT NULL::text, executor text DEFAULT NULL::text -> void', 'signature of rcq.resume');
SELECT is(pg_temp.signature('resume_executor'), 'name text -> void', 'signature of rcq.resume_executor');
SELECT is(pg_temp.signature('resume_restored'), 'jobs bigint[] DEFAULT NULL::bigint[] -> bigint', 'signature of rcq.resume_restored');
SELECT is(pg_temp.signature('resume_schedule'), 'name text, user_name text DEFAULT NULL::text -> void', 'signature of rcq.resume_schedule');
SELECT is(pg_temp.signature('revoke_api_token'), 'id integer -> void', 'signature of rcq.revoke_api_token');
SELECT is(pg_temp.signature('rotate_jwt_secret'), 'keep interval DEFAULT ''00:00:00''::interval -> void', 'signature of rcq.rotate_jwt_secret');
SELECT is(pg_temp.signature('schedule'), 'name text, cron text, script text DEFAULT NULL::text, timezone text DEFAULT ''UTC''::text, missed text DEFAULT ''once''::text, overlap text DEFAULT ''allow''::text, options jsonb DEFAULT ''{}''::jsonb -> integer', 'signature of rcq.schedule');
SELECT is(pg_temp.signature('set'), 'name text, value text -> void', 'signature of rcq.set');
SELECT is(pg_temp.signature('set_array_throttle'), '"array" bigint, throttle integer -> void', 'signature of rcq.set_array_throttle');
SELECT is(pg_temp.signature('set_concurrency_limit'), 'key text, max_jobs integer -> void', 'signature of rcq.set_concurrency_limit');
SELECT is(pg_temp.signature('set_consumable'), 'name text, total bigint, executor text DEFAULT NULL::text -> void', 'signature of rcq.set_consumable');
SELECT is(pg_temp.signature('set_gpu_billing'), 'gpu_type text, per_hour numeric -> void', 'signature of rcq.set_gpu_billing');
SELECT is(pg_temp.signature('set_group'), 'name text, quota_cpu_hours numeric DEFAULT NULL::numeric, priority integer DEFAULT NULL::integer, quota_mode text DEFAULT NULL::text, default_estimate interval DEFAULT NULL::interval, open boolean DEFAULT NULL::boolean, no_quota boolean DEFAULT false, parent text DEFAULT NULL::text, shares numeric DEFAULT NULL::numeric, max_jobs integer DEFAULT NULL::integer, max_cores integer DEFAULT NULL::integer, max_gpus integer DEFAULT NULL::integer, no_parent boolean DEFAULT false, no_limits boolean DEFAULT false -> void', 'signature of rcq.set_group');
SELECT is(pg_temp.signature('set_http_password'), 'password text -> void', 'signature of rcq.set_http_password');
SELECT is(pg_temp.signature('set_password'), 'name text, password text -> void', 'signature of rcq.set_password');
SELECT is(pg_temp.signature('set_priority'), 'job bigint, priority integer -> void', 'signature of rcq.set_priority');
SELECT is(pg_temp.signature('set_user'), 'name text, group_name text DEFAULT NULL::text, is_admin boolean DEFAULT NULL::boolean, max_priority integer DEFAULT NULL::integer, shares numeric DEFAULT NULL::numeric, max_jobs integer DEFAULT NULL::integer, max_cores integer DEFAULT NULL::integer, max_gpus integer DEFAULT NULL::integer, max_pending integer DEFAULT NULL::integer, no_limits boolean DEFAULT false, unix_user text DEFAULT NULL::text, no_unix_user boolean DEFAULT false, email text DEFAULT NULL::text, disabled text DEFAULT NULL::text, enable boolean DEFAULT false -> void', 'signature of rcq.set_user');
SELECT is(pg_temp.signature('submit'), 'script text, cpu_cores integer DEFAULT NULL::integer, memory_gb numeric DEFAULT NULL::numeric, gpu_count integer DEFAULT NULL::integer, estimated_hours numeric DEFAULT NULL::numeric, time_limit interval DEFAULT NULL::interval, priority integer DEFAULT NULL::integer, max_retries integer DEFAULT NULL::integer, name text DEFAULT NULL::text, workdir text DEFAULT NULL::text, env jsonb DEFAULT NULL::jsonb, features text[] DEFAULT NULL::text[], hold boolean DEFAULT NULL::boolean, requeue boolean DEFAULT NULL::boolean, on_disconnect text DEFAULT NULL::text, cpu_cores_min integer DEFAULT NULL::integer, gpu_type text DEFAULT NULL::text, constraints text DEFAULT NULL::text, consumables jsonb DEFAULT NULL::jsonb, exclusive boolean DEFAULT NULL::boolean, preemptible boolean DEFAULT NULL::boolean, concurrency_key text DEFAULT NULL::text, "array" text DEFAULT NULL::text, depends_on text DEFAULT NULL::text, begin_time timestamp with time zone DEFAULT NULL::timestamp with time zone, deadline timestamp with time zone DEFAULT NULL::timestamp with time zone, idempotency_key text DEFAULT NULL::text, project text DEFAULT NULL::text, tags text[] DEFAULT NULL::text[], external_id uuid DEFAULT NULL::uuid, on_dependency_failed text DEFAULT NULL::text, retry_on text[] DEFAULT NULL::text[], retry_delay interval DEFAULT NULL::interval, retry_backoff text DEFAULT NULL::text, retry_max_delay interval DEFAULT NULL::interval, retry_jitter numeric DEFAULT NULL::numeric, retry_memory_factor numeric DEFAULT NULL::numeric -> bigint', 'signature of rcq.submit');
SELECT is(pg_temp.signature('submit_graph'), 'graph jsonb -> TABLE(key text, job_id bigint)', 'signature of rcq.submit_graph');
SELECT is(pg_temp.signature('submit_many'), 'jobs jsonb -> SETOF bigint', 'signature of rcq.submit_many');
SELECT is(pg_temp.signature('submit_task'), 'type text, payload jsonb DEFAULT ''{}''::jsonb, cpu_cores integer DEFAULT NULL::integer, memory_gb numeric DEFAULT NULL::numeric, gpu_count integer DEFAULT NULL::integer, estimated_hours numeric DEFAULT NULL::numeric, time_limit interval DEFAULT NULL::interval, priority integer DEFAULT NULL::integer, max_retries integer DEFAULT NULL::integer, name text DEFAULT NULL::text, workdir text DEFAULT NULL::text, env jsonb DEFAULT NULL::jsonb, features text[] DEFAULT NULL::text[], hold boolean DEFAULT NULL::boolean, requeue boolean DEFAULT NULL::boolean, on_disconnect text DEFAULT NULL::text, cpu_cores_min integer DEFAULT NULL::integer, gpu_type text DEFAULT NULL::text, constraints text DEFAULT NULL::text, consumables jsonb DEFAULT NULL::jsonb, exclusive boolean DEFAULT NULL::boolean, preemptible boolean DEFAULT NULL::boolean, concurrency_key text DEFAULT NULL::text, depends_on text DEFAULT NULL::text, begin_time timestamp with time zone DEFAULT NULL::timestamp with time zone, deadline timestamp with time zone DEFAULT NULL::timestamp with time zone, idempotency_key text DEFAULT NULL::text, project text DEFAULT NULL::text, tags text[] DEFAULT NULL::text[], external_id uuid DEFAULT NULL::uuid, on_dependency_failed text DEFAULT NULL::text, retry_on text[] DEFAULT NULL::text[], retry_delay interval DEFAULT NULL::interval, retry_backoff text DEFAULT NULL::text, retry_max_delay interval DEFAULT NULL::interval, retry_jitter numeric DEFAULT NULL::numeric, retry_memory_factor numeric DEFAULT NULL::numeric -> bigint', 'signature of rcq.submit_task');
SELECT is(pg_temp.signature('task'), '"array" bigint, index integer -> bigint', 'signature of rcq.task');
SELECT is(pg_temp.signature('tasks'), '"array" bigint, tasks text DEFAULT NULL::text -> TABLE(index integer, job_id bigint, status text, reason text, started_at timestamp with time zone, ended_at timestamp with time zone, executor text, attempt integer, exit_code integer, message text)', 'signature of rcq.tasks');
SELECT is(pg_temp.signature('unschedule'), 'name text, user_name text DEFAULT NULL::text -> void', 'signature of rcq.unschedule');

-- what every object has
SELECT is_empty($$SELECT called FROM function WHERE pronamespace = 'rcq'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL$$, 'every function in schema rcq has a comment');
SELECT is_empty($$SELECT called FROM function WHERE pronamespace = 'rcq'::regnamespace AND prorettype <> 'trigger'::regtype
                     AND obj_description(oid, 'pg_proc') !~ 'Errors?: (RC0[0-9]{2}|none)'$$, 'the comment of every function in schema rcq names its errors');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'rcq'::regnamespace AND relkind = 'v' AND obj_description(oid, 'pg_class') IS NULL$$, 'every view in schema rcq has a comment');
SELECT is_empty($$SELECT relname FROM base_table WHERE obj_description(oid, 'pg_class') IS NULL$$, 'every table has a comment');
SELECT is_empty($$SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rcq%' AND obj_description(oid, 'pg_namespace') IS NULL$$, 'every schema has a comment');

SELECT is_empty($$SELECT called FROM function WHERE prosecdef AND NOT 'search_path=pg_catalog, pg_temp' = ANY (COALESCE(proconfig, '{}'))$$, 'every SECURITY DEFINER function pins its search path to pg_catalog, pg_temp');
SELECT is_empty($$SELECT called FROM function WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql') AND NOT 'search_path=pg_catalog, pg_temp' = ANY (COALESCE(proconfig, '{}'))$$,
    'every PL/pgSQL function pins its search path');
SELECT is_empty($$SELECT called FROM function WHERE EXISTS (SELECT FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0)$$, 'no function can be called by PUBLIC');
SELECT is_empty($$SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rcq%' AND EXISTS (SELECT FROM aclexplode(COALESCE(nspacl, acldefault('n', nspowner))) a WHERE a.grantee = 0 OR a.privilege_type = 'CREATE' AND a.grantee <> nspowner)$$,
    'PUBLIC cannot use the schemas, and nobody but their owner can create in them');
SELECT is_empty($$SELECT nspname FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = 'rcq_private' AND a.grantee <> nspowner$$, 'nobody is granted anything on schema rcq_private');
SELECT is_empty($$SELECT relname FROM base_table WHERE NOT relrowsecurity OR NOT relforcerowsecurity$$, 'row security is on and forced on every table');
SELECT is_empty($$SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace IN ('rcq'::regnamespace, 'rcq_private'::regnamespace)
                     AND a.grantee <> c.relowner AND (a.privilege_type <> 'SELECT' OR c.relkind = 'S' OR a.grantee = 0)
                     AND (c.oid, a.privilege_type) <> ('rcq.inbox'::regclass, 'INSERT')$$, 'no table, view or sequence grants more than SELECT to anybody, but that jobs are submitted by INSERT into rcq.inbox, and none anything to PUBLIC');
SELECT is((SELECT string_agg(a.grantee::regrole || ' ' || a.privilege_type, ', ' ORDER BY a.grantee::regrole::text) FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = 'rcq.inbox'::regclass AND a.grantee <> c.relowner),
    'rcq_admin INSERT, rcq_user INSERT', 'rcq.inbox can be inserted into and not read');
SELECT results_eq($$SELECT attname::text, atttypid::regtype FROM pg_attribute WHERE attrelid = 'rcq.inbox'::regclass AND attnum > 0 ORDER BY attnum$$,
                  $$SELECT attname::text, atttypid::regtype FROM pg_attribute WHERE attrelid = 'rcq_private.request'::regclass AND attnum > 0 ORDER BY attnum$$, 'rcq.inbox has the columns of a request');
SELECT is((SELECT string_agg(name, ',') FROM rcq_private.request_fields()),
    (SELECT string_agg(attname::text, ',' ORDER BY attnum) COLLATE "C" FROM pg_attribute WHERE attrelid = 'rcq_private.request'::regclass AND attnum > 0),
    'and so has what the library knows of one');
SELECT is_empty($$SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace IN ('rcq'::regnamespace, 'rcq_private'::regnamespace) AND a.grantee = 'rcq_executor'::regrole$$,
    'executors can read no table and no view');
SELECT is_empty($$SELECT relname FROM base_table WHERE has_table_privilege('rcq_user', oid, 'SELECT') AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = base_table.oid)$$, 'every table that people can read has a policy');
SELECT is_empty($$SELECT relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relnamespace = 'rcq_private'::regnamespace AND p.polcmd <> 'r'$$, 'no policy lets anybody write');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'rcq'::regnamespace AND relkind = 'v' AND NOT 'security_invoker=true' = ANY (COALESCE(reloptions, '{}'))$$,
    'every view runs with the rights of its reader');
SELECT is_empty($$SELECT rolname FROM pg_roles WHERE rolname IN ('rcq_user', 'rcq_admin', 'rcq_executor') AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)$$, 'the roles of rcq can do nothing by themselves');
SELECT is_empty($$SELECT relname FROM base_table WHERE relpersistence <> 'p'$$, 'every table is logged');
SELECT is_empty($$SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('rcq_private.job'::regclass, 'rcq_private.live'::regclass, 'rcq_private.outcome'::regclass, 'rcq_private.run'::regclass,
                      'rcq_private.log'::regclass, 'rcq_private.usage'::regclass, 'rcq_private.command'::regclass)$$, 'no foreign key on the hot path');
SELECT is((SELECT string_agg(indexrelid::regclass::text, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'rcq_private.live'::regclass), 'rcq_private.live_array, rcq_private.live_pkey, rcq_private.live_user', 'indexes of the live table');
-- columns of a condition or an expression are what the index depends on; one that takes the whole row depends on the table
SELECT is_empty($$SELECT i.indexrelid::regclass, a.attname
                    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('job_id', 'user_id', 'array_id')
                   WHERE i.indrelid = 'rcq_private.live'::regclass
                     AND (a.attnum = ANY (i.indkey) OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                              AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid IN (0, a.attnum)))$$,
    'none of them mentions a column that changes, as a key, in a condition or in an expression, so that every state change is a heap-only update');

-- the dump: definitions, specifications, outcomes and usage are in it; live rows, commands and whose database this is never are
SELECT set_eq($$SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'rcq'$$,
    ARRAY['rcq_private.groups', 'rcq_private.groups_id_seq', 'rcq_private.users', 'rcq_private.users_id_seq', 'rcq_private.setting', 'rcq_private.executor', 'rcq_private.executor_id_seq',
          'rcq_private.consumable', 'rcq_private.concurrency_limit', 'rcq_private.reservation', 'rcq_private.reservation_id_seq', 'rcq_private.paused', 'rcq_private.gpu_billing',
          'rcq_private.job_id', 'rcq_private.history_partition', 'rcq_private.usage', 'rcq_private."array"', 'rcq_private.array_end', 'rcq_private.dependency', 'rcq_private.idempotency',
          'rcq_private.resubmission', 'rcq_private.audit', 'rcq_private.audit_id_seq', 'rcq_private.task_type', 'rcq_private.schedule', 'rcq_private.schedule_id_seq', 'rcq_private.fire',
          'rcq_private.credential', 'rcq_private.api_token', 'rcq_private.api_token_id_seq'], 'what pg_dump keeps besides the partitions');

-- history: pg_dump takes partitions for tables like any other, with their indexes, so they must not be the extension's
SELECT is((SELECT string_agg(relname, ', ' ORDER BY relname) FROM base_table WHERE relkind = 'p'), 'job, log, outcome, run', 'partitioned tables');
SELECT is_empty($$SELECT indexrelid::regclass FROM pg_index WHERE indrelid IN (SELECT oid FROM base_table WHERE relkind = 'p')$$, 'they have no indexes, which a restore would make twice');
SELECT is((SELECT string_agg(relname, ', ' ORDER BY relname) FROM base_table WHERE relispartition), 'job_p0, log_p0, outcome_p0, run_p0', 'their partitions');
SELECT is_empty($$SELECT c.relname FROM base_table c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' WHERE c.relispartition$$, 'no partition is a member of the extension');
SELECT is_empty($$SELECT c.relname, a.privilege_type FROM base_table c, aclexplode(c.relacl) a WHERE c.relispartition AND a.grantee <> c.relowner$$, 'nobody is granted anything on a partition');
SELECT is((SELECT count(*) FROM pg_index i JOIN base_table c ON c.oid = i.indrelid WHERE c.relispartition), (SELECT count(*) FROM rcq_private.history_indexes()), 'partitions have the indexes that are listed');

SELECT * FROM finish();
ROLLBACK;
