-- What runs with the rights of the owner of the tables, who may start it, and what of the library others may run. Whatever is new
-- here must have been looked at by somebody who asked what a user, an executor or somebody without a token could make of it; only
-- then does it belong on one of these lists.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();
CREATE TEMP VIEW ours AS SELECT p.*, n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('rcq', 'rcq_private', 'rcq_api', 'rcq_rest');
-- names, and after each the roles but the owner that may execute it
CREATE FUNCTION pg_temp.listed(schema name, definer boolean, language text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(o.proname || COALESCE(': ' || g.roles, ''), ', ' ORDER BY o.proname)
      FROM ours o JOIN pg_language l ON l.oid = o.prolang,
           LATERAL (SELECT string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ' ' ORDER BY a.grantee::regrole::text) AS roles
                      FROM aclexplode(COALESCE(o.proacl, acldefault('f', o.proowner))) a WHERE a.grantee <> o.proowner) g
     WHERE o.nspname = listed.schema AND CASE WHEN definer THEN o.prosecdef ELSE NOT o.prosecdef AND l.lanname = listed.language AND g.roles IS NOT NULL END $$;

SELECT is(pg_temp.listed('rcq', true, NULL), 'add_group: rcq_admin, add_http_user: rcq_admin, add_user: rcq_admin, adopt: rcq_admin, cancel: rcq_admin rcq_user, cancel_reservation: rcq_admin, change_jobs: rcq_admin rcq_user, create_api_token: rcq_admin rcq_user, create_executor_login: rcq_admin, cron_preview: rcq_admin rcq_user, drain_executor: rcq_admin, drop_type: rcq_admin, ended_jobs: rcq_admin rcq_user, executor_drain: rcq_executor, executor_log: rcq_executor, executor_log_position: rcq_executor, executor_progress: rcq_executor, executor_sign_off: rcq_executor, explain: rcq_admin rcq_user, explain_submit: rcq_admin rcq_user, hold: rcq_admin rcq_user, http_pre_config: rcq_authenticator, http_pre_request: rcq_admin rcq_anon rcq_user, jobs_tagged: rcq_admin rcq_user, log_chunks: rcq_admin rcq_user, logs: rcq_admin rcq_user, logs_raw: rcq_admin rcq_user, metrics: rcq_admin, next_fires: rcq_admin rcq_user, pause: rcq_admin, pause_schedule: rcq_admin rcq_user, prune_audit: rcq_admin, prune_history: rcq_admin, queue_counts: rcq_admin rcq_user, queue_page: rcq_admin rcq_user, register_executor: rcq_executor, register_type: rcq_admin, release: rcq_admin rcq_user, requeue: rcq_admin rcq_user, reserve: rcq_admin, resubmit: rcq_admin rcq_user, resubmit_failed: rcq_admin rcq_user, resubmit_failed_tasks: rcq_admin rcq_user, resume: rcq_admin, resume_executor: rcq_admin, resume_restored: rcq_admin, resume_schedule: rcq_admin rcq_user, revoke_api_token: rcq_admin rcq_user, rotate_jwt_secret: rcq_admin, schedule: rcq_admin rcq_user, set: rcq_admin, set_array_throttle: rcq_admin rcq_user, set_concurrency_limit: rcq_admin, set_consumable: rcq_admin, set_gpu_billing: rcq_admin, set_group: rcq_admin, set_http_password: rcq_admin, set_password: rcq_admin, set_priority: rcq_admin rcq_user, set_user: rcq_admin, submit_graph: rcq_admin rcq_user, task: rcq_admin rcq_user, tasks: rcq_admin rcq_user, unschedule: rcq_admin rcq_user, update_job: rcq_admin rcq_user', 'functions that run with the rights of the owner are these');
SELECT is(pg_temp.listed('rcq_private', true, NULL), 'array_counts: rcq_admin rcq_user, array_of: rcq_admin rcq_user, concurrency_use: rcq_admin rcq_user, consumable_use: rcq_admin rcq_user, executor_load: rcq_admin rcq_user, history_size: rcq_admin rcq_user, last_hour, rest_admin_add_group, rest_admin_add_user, rest_admin_audit, rest_admin_drain_executor, rest_admin_executors, rest_admin_groups, rest_admin_pause, rest_admin_reset_password, rest_admin_resume, rest_admin_resume_executor, rest_admin_rotate_secret, rest_admin_schedules, rest_admin_set_group, rest_admin_set_setting, rest_admin_set_user, rest_admin_settings, rest_admin_stats, rest_admin_usage, rest_admin_users, rest_cancel_job, rest_change_job, rest_change_password, rest_create_schedule, rest_create_token, rest_delete_schedule, rest_explain_job, rest_health, rest_hold_job, rest_job_logs, rest_job_runs, rest_list_executors, rest_list_groups, rest_list_jobs, rest_list_queue, rest_list_schedules, rest_list_tokens, rest_login, rest_logout, rest_may_read_metrics, rest_me, rest_metrics, rest_pause_schedule, rest_refresh, rest_register, rest_release_job, rest_requeue_job, rest_resubmit_job, rest_resume_schedule, rest_revoke_token, rest_submit_jobs, schedule_name: rcq_admin rcq_user, tasks_held: rcq_admin rcq_user, usage_by_group: rcq_admin rcq_user, visible_api_tokens: rcq_admin rcq_user, waiting_reason: rcq_admin rcq_user', 'and, called by them, by views and by routes, these');
SELECT is(pg_temp.listed(s, true, NULL), NULL, 'none is in ' || s) FROM unnest('{rcq_api,rcq_rest}'::name[]) s;
SELECT is(pg_temp.listed('rcq', false, 'c'), 'executor_sync: rcq_executor, job_states: rcq_admin rcq_user, submit: rcq_admin rcq_user, submit_many: rcq_admin rcq_user, submit_task: rcq_admin rcq_user', 'what others than the owner may run of the library is this');
SELECT is(pg_temp.listed('rcq_private', false, 'c'), 'array_progress: rcq_admin rcq_user, caller_id: rcq_admin rcq_user, caller_is_admin: rcq_admin rcq_user, check_body: rcq_admin rcq_user, constraint_accepts: rcq_admin rcq_user, executor_name: rcq_admin rcq_user, executor_seen: rcq_admin rcq_user, first_visible_user: rcq_admin rcq_user, group_name: rcq_admin rcq_user, last_visible_user: rcq_admin rcq_user, pending_state: rcq_admin rcq_user, scheduler_state: rcq_admin rcq_user, setting_text: rcq_admin rcq_user, user_name: rcq_admin rcq_user', 'and, in views and policies, this');
SELECT is((SELECT string_agg(DISTINCT o.prosrc, ', ' ORDER BY o.prosrc) FROM ours o WHERE o.nspname = 'rcq_rest'), 'rcq_answer_body, rcq_answer_query, rcq_answer_text', 'and, as routes, these');
SELECT is((SELECT string_agg(o.proname, ' ') FROM ours o WHERE o.nspname = 'rcq_private' AND o.prosecdef AND o.proname NOT LIKE 'rest\_%' AND has_function_privilege('rcq_user', o.oid, 'EXECUTE')
            AND o.prosrc ~ '\m(INSERT|UPDATE|DELETE|EXECUTE)\M'), NULL, 'none of what views run with the rights of the owner writes');

-- locks that anybody can take would be taken by those who want to be in the way
CREATE ROLE regress_ann;
SELECT rcq.add_user('regress_ann'), rcq.set('max_pending_per_user', '100'), rcq.set('submit_rate_per_user', '100') \g /dev/null
SET ROLE regress_ann;
SELECT rcq.submit('true', idempotency_key => 'key') AS job \gset
SELECT rcq.cancel(:job), rcq.schedule('nightly', '@daily', 'true') \g /dev/null
RESET ROLE;
SELECT rcq_private.lock_login('ann@example.org'), rcq_private.lock_output(1, true) \g /dev/null
SELECT ok(count(*) FILTER (WHERE locktype = 'object' AND classid IN ('rcq_private.users'::regclass, 'rcq_private.login_failure'::regclass)) >= 2 AND count(*) FILTER (WHERE locktype = 'advisory') = 0, 'rcq takes no lock that anybody can take')
  FROM pg_locks WHERE pid = pg_backend_pid();

SELECT * FROM finish();
ROLLBACK;
