-- Who may do what. Nothing is left to PUBLIC; tables are read through row security and written by functions alone.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rcq, rcq_private, rcq_api, rcq_rest FROM PUBLIC;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['groups', 'users', 'setting_definition', 'setting', 'job', 'live', 'outcome', 'run', 'log', 'usage', 'executor', 'command', 'home',
                                'consumable', 'concurrency_limit', 'reservation', 'paused', 'gpu_billing',
                                'array', 'array_end', 'dependency', 'idempotency',
                                'schedule', 'fire', 'history_partition', 'restored',
                                'credential', 'api_token', 'jwt_secret', 'login_failure', 'progress'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['job', 'live', 'outcome', 'run', 'log', 'array', 'idempotency',
                                'schedule', 'fire', 'restored', 'progress'] LOOP
        EXECUTE pg_catalog.format('CREATE POLICY own ON rcq_private.%I FOR SELECT TO rcq_user, rcq_admin USING (user_id = (SELECT rcq_private.caller_id()) OR (SELECT rcq_private.caller_is_admin()))', t);
        EXECUTE pg_catalog.format('GRANT SELECT ON rcq_private.%I TO rcq_user, rcq_admin', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['groups', 'setting_definition', 'setting', 'executor', 'consumable', 'concurrency_limit', 'reservation', 'paused', 'gpu_billing', 'history_partition'] LOOP
        EXECUTE pg_catalog.format('CREATE POLICY everyone ON rcq_private.%I FOR SELECT TO rcq_user, rcq_admin USING (true)', t);
        EXECUTE pg_catalog.format('GRANT SELECT ON rcq_private.%I TO rcq_user, rcq_admin', t);
    END LOOP;
END $$;
ALTER TABLE rcq_private.resubmission ENABLE ROW LEVEL SECURITY;
ALTER TABLE rcq_private.resubmission FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON rcq_private.resubmission FOR SELECT TO rcq_user, rcq_admin USING (user_id = (SELECT rcq_private.caller_id()) OR (SELECT rcq_private.caller_is_admin()));
GRANT SELECT ON rcq_private.resubmission TO rcq_user, rcq_admin;
GRANT SELECT ON rcq.dead_jobs TO rcq_user, rcq_admin;
GRANT EXECUTE ON FUNCTION rcq.requeue(bigint), rcq.resubmit(bigint[]), rcq.resubmit_failed_tasks(bigint),
    rcq.resubmit_failed(timestamptz, text, text, text) TO rcq_user, rcq_admin;
CREATE POLICY own ON rcq_private.users FOR SELECT TO rcq_user, rcq_admin USING (id = (SELECT rcq_private.caller_id()) OR (SELECT rcq_private.caller_is_admin()));
GRANT SELECT ON rcq_private.users TO rcq_user, rcq_admin;

GRANT SELECT ON rcq.jobs, rcq.queue, rcq.runs, rcq.efficiency, rcq.user_efficiency, rcq.executors, rcq.groups, rcq.users, rcq.group_usage, rcq.settings, rcq.scheduler,
    rcq.consumables, rcq.concurrency_limits, rcq.reservations, rcq.gpu_billing TO rcq_user, rcq_admin;
GRANT SELECT ON rcq.arrays TO rcq_user, rcq_admin;
GRANT SELECT ON rcq.schedules, rcq.schedule_history TO rcq_user, rcq_admin;
GRANT SELECT ON rcq.history TO rcq_user, rcq_admin;

-- helpers that the views and policies call with the reader's rights
GRANT EXECUTE ON FUNCTION rcq_private.caller_id(), rcq_private.caller_is_admin(), rcq_private.first_visible_user(), rcq_private.last_visible_user(), rcq_private.executor_seen(integer),
    rcq_private.pending_state(bigint, integer, integer, integer, integer, integer, integer, text[], boolean, timestamptz,
                              integer, text, text, jsonb, boolean, boolean, text, bigint, integer, integer, integer),
    rcq_private.scheduler_state(), rcq_private.memory_gb(integer), rcq_private.user_name(integer), rcq_private.group_name(integer),
    rcq_private.executor_name(integer), rcq_private.executor_load(integer), rcq_private.usage_by_group(), rcq_private.setting_text(text),
    rcq_private.consumable_use(integer, text), rcq_private.concurrency_use(text),
    rcq_private.constraint_accepts(text, text[]), rcq_private.array_counts(bigint), rcq_private.tasks_held(bigint), rcq_private.waiting_reason(bigint), rcq_private.schedule_name(integer),
    rcq_private.history_size(bigint), rcq_private.array_of(bigint), rcq_private.percent_used(double precision, double precision), rcq_private.array_progress(bigint)
    TO rcq_user, rcq_admin;

GRANT EXECUTE ON FUNCTION
    rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
               integer, text, text, jsonb, boolean, boolean, text, text, text, timestamptz, timestamptz, text, text, text[], uuid, text, text[],
               interval, text, interval, numeric, numeric),
    rcq.submit_many(jsonb), rcq.cancel(bigint, text), rcq.hold(bigint, text), rcq.release(bigint, text), rcq.set_priority(bigint, integer),
    rcq.update_job(bigint, integer, numeric, integer, numeric, interval, timestamptz, integer, integer, text, text[]),
    rcq.change_jobs(text, bigint[], text[], text, text, text, text, text, text[], timestamptz, timestamptz, integer, boolean),
    rcq.set_array_throttle(bigint, integer), rcq.tasks(bigint, text), rcq.task(bigint, integer), rcq.jobs_tagged(text[]),
    rcq.queue_page(integer, text[], text, text, boolean), rcq.queue_counts(text, text, boolean), rcq.ended_jobs(integer, text[], text, text, text, boolean),
    rcq.logs(bigint, integer, bigint, text), rcq.logs_raw(bigint, integer, text), rcq.log_chunks(bigint, integer, bigint, integer), rcq.job_states(bigint[]), rcq.explain(bigint),
    rcq.explain_submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
                       integer, text, text, jsonb, boolean, boolean, text)
    TO rcq_user, rcq_admin;

GRANT EXECUTE ON FUNCTION
    rcq.schedule(text, text, text, text, text, text, jsonb), rcq.unschedule(text, text), rcq.pause_schedule(text, text), rcq.resume_schedule(text, text),
    rcq.next_fires(text, integer, text), rcq.cron_preview(text, text, integer, timestamptz)
    TO rcq_user, rcq_admin;

GRANT EXECUTE ON FUNCTION
    rcq.add_group(text, numeric, integer, text, interval, boolean, text, numeric, integer, integer, integer),
    rcq.set_group(text, numeric, integer, text, interval, boolean, boolean, text, numeric, integer, integer, integer, boolean, boolean),
    rcq.add_user(text, text, boolean, integer, text, numeric, integer, integer, integer, integer, text),
    rcq.set_user(text, text, boolean, integer, numeric, integer, integer, integer, integer, boolean, text, boolean, text, text, boolean),
    rcq.create_executor_login(text, text), rcq.drain_executor(text, text, text, timestamptz), rcq.resume_executor(text), rcq.set(text, text), rcq.adopt(),
    rcq.set_consumable(text, bigint, text), rcq.set_concurrency_limit(text, integer), rcq.set_gpu_billing(text, numeric),
    rcq.reserve(timestamptz, timestamptz, text, text, text), rcq.cancel_reservation(integer), rcq.pause(text, text, text), rcq.resume(text, text),
    rcq.prune_history(interval), rcq.resume_restored(bigint[])
    TO rcq_admin;

GRANT EXECUTE ON FUNCTION
    rcq.register_executor(text, jsonb, text[], bigint, integer), rcq.executor_sync(integer, bigint, bigint, bigint[], jsonb, jsonb, integer),
    rcq.executor_log(integer, bigint, bigint[], bigint[], bigint[], text[], bytea[]), rcq.executor_log_position(integer, bigint, bigint[], bigint[]), rcq.executor_drain(integer, bigint, text, boolean),
    rcq.executor_sign_off(integer, bigint), rcq.executor_progress(integer, bigint, bigint[], bigint[], integer[], bytea[])
    TO rcq_executor;

ALTER TABLE rcq_private.audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE rcq_private.audit FORCE ROW LEVEL SECURITY;
CREATE POLICY administrators ON rcq_private.audit FOR SELECT TO rcq_user, rcq_admin USING ((SELECT rcq_private.caller_is_admin()));
GRANT SELECT ON rcq_private.audit, rcq.audit TO rcq_user, rcq_admin;
GRANT EXECUTE ON FUNCTION rcq.metrics(), rcq.prune_audit(interval) TO rcq_admin;
-- The web server sends no token to these. In a session of SQL, which cannot be rcq_anon, guesses at passwords could be rolled back,
-- and the lock of a login kept.
GRANT EXECUTE ON FUNCTION rcq_rest.register(bytea), rcq_rest.login(bytea), rcq_rest.metrics(bytea) TO rcq_anon;
GRANT EXECUTE ON FUNCTION rcq_rest.health(bytea) TO rcq_anon, rcq_user, rcq_admin;
GRANT EXECUTE ON FUNCTION rcq_rest.may_read_metrics(bytea), rcq_rest.admin_audit(bytea) TO rcq_user, rcq_admin;

CREATE POLICY own ON rcq_private.dependency FOR SELECT TO rcq_user, rcq_admin USING (EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = dependency.job_id));
GRANT SELECT ON rcq_private.dependency, rcq.dependencies TO rcq_user, rcq_admin;
GRANT EXECUTE ON FUNCTION rcq.submit_graph(jsonb) TO rcq_user, rcq_admin;

-- identity over HTTP
GRANT USAGE ON SCHEMA rcq TO rcq_authenticator;
GRANT EXECUTE ON FUNCTION rcq.http_pre_config() TO rcq_authenticator;
GRANT EXECUTE ON FUNCTION rcq.http_pre_request() TO rcq_anon, rcq_user, rcq_admin;
GRANT SELECT ON rcq.api_tokens TO rcq_user, rcq_admin;
GRANT EXECUTE ON FUNCTION rcq_private.visible_api_tokens(), rcq.create_api_token(text, text, interval), rcq.revoke_api_token(integer) TO rcq_user, rcq_admin;
GRANT EXECUTE ON FUNCTION rcq.set_password(text, text), rcq.add_http_user(text, text, text, boolean), rcq.set_http_password(text), rcq.rotate_jwt_secret(interval) TO rcq_admin;
GRANT EXECUTE ON FUNCTION rcq_rest.refresh(bytea), rcq_rest.logout(bytea), rcq_rest.change_password(bytea), rcq_rest.me(bytea),
    rcq_rest.list_tokens(bytea), rcq_rest.create_token(bytea), rcq_rest.revoke_token(bytea), rcq_rest.admin_reset_password(bytea), rcq_rest.admin_rotate_secret(bytea)
    TO rcq_user, rcq_admin;

-- Over HTTP everybody may do what they may do in SQL: functions of schema rcq_api are granted to those who may call that
-- of the same name in schema rcq.
GRANT SELECT ON ALL TABLES IN SCHEMA rcq_api TO rcq_user, rcq_admin;
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT a.oid::pg_catalog.regprocedure AS called, r.name AS role_name
               FROM pg_catalog.pg_proc a JOIN pg_catalog.pg_proc s ON s.proname OPERATOR(pg_catalog.=) a.proname AND s.pronamespace OPERATOR(pg_catalog.=) 'rcq'::pg_catalog.regnamespace,
                    pg_catalog.unnest('{rcq_user,rcq_admin}'::text[]) r(name)
              WHERE a.pronamespace OPERATOR(pg_catalog.=) 'rcq_api'::pg_catalog.regnamespace AND pg_catalog.has_function_privilege(r.name, s.oid, 'EXECUTE') LOOP
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %I', f.called, f.role_name);
    END LOOP;
END $$;

-- routes of the REST interface: those that only administrators may use look themselves
GRANT EXECUTE ON FUNCTION rcq_rest.get_job(bytea), rcq_rest.list_jobs(bytea), rcq_rest.job_logs(bytea), rcq_rest.job_runs(bytea), rcq_rest.explain_job(bytea),
    rcq_rest.submit_job(bytea), rcq_rest.submit_jobs(bytea), rcq_rest.cancel_job(bytea), rcq_rest.change_job(bytea), rcq_rest.hold_job(bytea),
    rcq_rest.release_job(bytea), rcq_rest.requeue_job(bytea), rcq_rest.resubmit_job(bytea),
    rcq_rest.list_queue(bytea), rcq_rest.list_groups(bytea), rcq_rest.list_executors(bytea), rcq_rest.list_schedules(bytea), rcq_rest.create_schedule(bytea),
    rcq_rest.delete_schedule(bytea), rcq_rest.pause_schedule(bytea), rcq_rest.resume_schedule(bytea), rcq_rest.admin_stats(bytea), rcq_rest.admin_executors(bytea),
    rcq_rest.admin_drain_executor(bytea), rcq_rest.admin_resume_executor(bytea), rcq_rest.admin_groups(bytea), rcq_rest.admin_add_group(bytea), rcq_rest.admin_set_group(bytea),
    rcq_rest.admin_users(bytea), rcq_rest.admin_add_user(bytea), rcq_rest.admin_set_user(bytea), rcq_rest.admin_usage(bytea), rcq_rest.admin_settings(bytea),
    rcq_rest.admin_set_setting(bytea), rcq_rest.admin_schedules(bytea), rcq_rest.admin_pause(bytea), rcq_rest.admin_resume(bytea)
    TO rcq_user, rcq_admin;

-- What pg_dump keeps: definitions, specifications, outcomes, usage. Never live rows, commands, or whose database this is.
-- The partitions of job, outcome, run and log are no members of the extension and dumped as any other table. What
-- CREATE EXTENSION makes by itself is dumped as well, where people may change it (78-restored-rows.sql).
SELECT pg_catalog.pg_extension_config_dump('rcq_private.groups', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.groups_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.users', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.users_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.setting', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.executor', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.executor_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.consumable', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.concurrency_limit', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.reservation', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.reservation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.paused', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.gpu_billing', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.job_id', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.history_partition', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.usage', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.array', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.array_end', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.dependency', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.idempotency', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.schedule', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.schedule_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.fire', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.resubmission', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.audit', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.audit_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.credential', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.api_token', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.api_token_id_seq', '');

SELECT rcq_private.activate();
