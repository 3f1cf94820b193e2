-- Who may do what: people submit and manage, administrators administer this database, executors speak their protocol, each
-- for itself.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();
CREATE ROLE regress_ann; CREATE ROLE regress_member; CREATE ROLE regress_admin;
SELECT rcq.add_user('regress_ann', max_priority => 6), rcq.add_user('regress_member'), rcq.add_user('regress_admin', is_admin => true);
GRANT rcq_admin TO regress_member;
SELECT rcq.create_executor_login('regress_node_a'), rcq.create_executor_login('regress_node_b');

-- the surface, function by function: who is granted what, and nothing is forgotten
CREATE FUNCTION pg_temp.callable(role_name name) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = 'rcq'::regnamespace AND has_function_privilege(role_name, p.oid, 'EXECUTE') $$;
SELECT is(pg_temp.callable('rcq_user'), 'cancel change_jobs create_api_token cron_preview ended_jobs explain explain_submit hold http_pre_request job_states jobs_tagged log_chunks logs logs_raw next_fires pause_schedule queue_counts queue_page release requeue resubmit resubmit_failed resubmit_failed_tasks resume_schedule revoke_api_token schedule set_array_throttle set_priority submit submit_graph submit_many submit_task task tasks unschedule update_job',
          'functions that people can call');
SELECT is(pg_temp.callable('rcq_admin'), 'add_group add_http_user add_user adopt cancel cancel_reservation change_jobs create_api_token create_executor_login cron_preview drain_executor drop_type ended_jobs explain explain_submit hold http_pre_request job_states jobs_tagged log_chunks logs logs_raw metrics next_fires pause pause_schedule prune_audit prune_history queue_counts queue_page register_type release requeue reserve resubmit resubmit_failed resubmit_failed_tasks resume resume_executor resume_restored resume_schedule revoke_api_token rotate_jwt_secret schedule set set_array_throttle set_concurrency_limit set_consumable set_gpu_billing set_group set_http_password set_password set_priority set_user submit submit_graph submit_many submit_task task tasks unschedule update_job',
          'functions that administrators can call');
SELECT is(pg_temp.callable('rcq_executor'), 'executor_drain executor_log executor_log_position executor_progress executor_sign_off executor_sync register_executor', 'functions that executors can call');
SELECT is(pg_temp.callable('regress_node_a'), pg_temp.callable('rcq_executor'), 'the login of an executor can call no other');
-- what the views and policies call with the reader's rights, which is out of reach by name: nobody may use the schema
CREATE FUNCTION pg_temp.granted(role_name name) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(DISTINCT p.proname, ' ' ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = 'rcq_private'::regnamespace AND has_function_privilege(role_name, p.oid, 'EXECUTE') $$;
SELECT is(pg_temp.granted(r), 'array_counts array_of array_progress caller_id caller_is_admin check_body concurrency_use constraint_accepts consumable_use executor_load executor_name executor_seen first_visible_user group_name history_size last_visible_user memory_gb pending_state percent_used schedule_name scheduler_state setting_text tasks_held usage_by_group user_name visible_api_tokens waiting_reason',
          'helpers of views that ' || r || ' may run') FROM unnest('{rcq_user,rcq_admin}'::name[]) r;
SELECT is(pg_temp.granted('rcq_executor'), NULL, 'executors may run none');
SELECT is_empty($$SELECT p.oid::regprocedure, a.grantee::regrole FROM pg_proc p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
                   WHERE p.pronamespace = 'rcq_private'::regnamespace AND a.grantee NOT IN (p.proowner, 'rcq_user'::regrole, 'rcq_admin'::regrole)$$, 'nobody else but the owner may run what is in schema rcq_private');
SELECT ok(NOT has_schema_privilege(r, 'rcq_private', 'USAGE'), r || ' cannot call it by name') FROM unnest('{rcq_user,rcq_admin,rcq_executor,rcq_anon,rcq_authenticator}'::name[]) r;

-- executors
SELECT ok(rolcanlogin AND NOT rolsuper AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolbypassrls AND rolconnlimit = 4, 'the login of an executor is a plain one') FROM pg_roles WHERE rolname = 'regress_node_a';
SET ROLE regress_node_a;
SELECT lives_ok($$SELECT rcq.register_executor('host', '{"cpu_cores": 8, "memory_mib": 8192}', NULL, 1, 1)$$, 'an executor registers');
SELECT throws_ok($$SELECT rcq.submit('true')$$, '42501', NULL, 'it cannot submit');
SELECT throws_ok('SELECT rcq.cancel(1)', '42501', NULL, 'nor cancel');
SELECT throws_ok('SELECT * FROM rcq.logs(1)', '42501', NULL, 'nor read output');
SELECT throws_ok('SELECT rcq.explain(1)', '42501', NULL, 'nor ask why a job waits');
SELECT throws_ok($$SELECT rcq.explain_submit('true')$$, '42501', NULL, 'nor what would become of one');
SELECT throws_ok($$SELECT rcq.set('lease', '1 day')$$, '42501', NULL, 'nor change settings');
SELECT throws_ok($$SELECT rcq.resume_executor('regress_node_a')$$, '42501', NULL, 'nor end its own drain');
SELECT throws_ok(format('SELECT * FROM rcq.%I', relname), '42501', NULL, 'nor read rcq.' || relname) FROM pg_class WHERE relnamespace = 'rcq'::regnamespace AND relkind = 'v';
SELECT throws_ok(format('SELECT * FROM rcq_private.%I', relname), '42501', NULL, 'nor rcq_private.' || relname) FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'rcq_private') AND relkind IN ('r', 'p');
SELECT throws_ok('SELECT rcq_private.expire(NULL)', '42501', NULL, 'nor call what its functions are built on');
SELECT throws_ok('SELECT rcq_private.heartbeat(2)', '42501', NULL, 'nor keep another one alive');
RESET ROLE; SET ROLE regress_node_b;
SELECT lives_ok($$SELECT rcq.register_executor('host', '{"cpu_cores": 8, "memory_mib": 8192}', NULL, 1, 1)$$, 'another one registers');
SELECT throws_ok('SELECT rcq.executor_sync(1, 1, 0, NULL, NULL, NULL, 9)', 'RC020', NULL, 'it cannot sync for the first');
SELECT throws_ok($$SELECT rcq.executor_log(1, 1, '{}', '{}', '{}', '{}', '{}')$$, 'RC020', NULL, 'nor send its output');
SELECT throws_ok($$SELECT rcq.executor_drain(1, 1, 'gone')$$, 'RC020', NULL, 'nor drain it');
SELECT throws_ok('SELECT rcq.executor_sign_off(1, 1)', 'RC020', NULL, 'nor sign it off');
RESET ROLE;
-- nor end or write to its runs, whose tokens it may have learnt
SELECT rcq.submit('job of node a');
UPDATE rcq_private.live SET executor_id = 1, token = 1000, command_seq = 1, placed_at = clock_timestamp(), attempt = 1 WHERE job_id = 1;
INSERT INTO rcq_private.command VALUES (1, 1, 1, 1000, 'start');
SET ROLE regress_node_a;
SELECT is((SELECT count(*) FROM rcq.executor_sync(1, 1, 0, NULL, NULL, NULL, 9) WHERE kind = 'start'), 1::bigint, 'the first one claims a run');
RESET ROLE; SET ROLE regress_node_b;
SELECT is((SELECT body->>'answer' FROM rcq.executor_sync(2, 1, 0, NULL, '[{"job_id": 1, "token": 1000, "end": "exit_code", "exit_code": 0}]', NULL, 0) WHERE kind = 'answer'), 'stale', 'which the other cannot end');
SELECT is(rcq.executor_log(2, 1, '{1}', '{1000}', '{1}', '{stdout}', '{forged}'), '{1000}'::bigint[], 'nor write to');
SELECT is((SELECT kind FROM rcq.executor_sync(2, 1, 0, '{1000}', NULL, NULL, 0) WHERE kind NOT IN ('ack', 'terms')), 'kill', 'nor pretend to hold');
SELECT is_empty($$SELECT FROM rcq.executor_sync(2, 1, 0, NULL, NULL, '[{"job_id": 1, "token": 1000, "cpu_seconds": 1e9}]', 0)$$, 'nor give usage to');
RESET ROLE;
SELECT is((SELECT status || COALESCE(cpu_seconds::text, '') FROM rcq.jobs WHERE id = 1), 'running', 'the run goes on untouched');
SELECT is((SELECT count(*) FROM rcq.logs(1)), 0::bigint, 'and nothing was written to it');

-- people
SET ROLE regress_ann;
SELECT throws_ok(format('SELECT rcq_rest.%s(%L)', f, '{"email": "ben@example.org", "password": "a guess"}'), '42501', NULL, 'nobody guesses at passwords where what is counted can be rolled back: ' || f) FROM unnest('{login,register}'::text[]) f;
SELECT throws_ok('SELECT rcq_rest.metrics($$$$)', '42501', NULL, 'nor reads by a route what is for administrators');
SELECT lives_ok($$SELECT rcq.submit('true', priority => 6)$$, 'a user submits up to her own priority limit');
SELECT throws_ok($$SELECT rcq.submit('true', priority => 7)$$, 'RC005', NULL, 'not above it');
SELECT throws_ok($$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "priority": 7}]')$$, 'RC005', NULL, 'not in a list either');
SELECT throws_ok('SELECT rcq.set_priority(2, 7)', 'RC005', NULL, 'not later');
SELECT lives_ok('SELECT rcq.set_priority(2, 1)', 'below it she may');
SELECT throws_ok(format('SELECT * FROM rcq.%s', c), 'RC005', NULL, 'nor by rcq.' || c) FROM unnest(ARRAY['submit_task(''reverse_string'', ''{"text": ""}'', priority => 7)', 'submit_graph(''[{"key": "a", "script": "true", "priority": 7}]'')',
    'schedule(''nightly'', ''@daily'', ''true'', options => ''{"priority": 7}'')', 'explain_submit(''true'', priority => 7)']) c;
SELECT throws_ok(format('SELECT rcq.%s', c), '42501', NULL, 'a user cannot call rcq.' || c) FROM unnest(ARRAY['register_executor(''h'', ''{}'', NULL, 1, 1)', 'executor_sync(1, 1, 0, NULL, NULL, NULL, 9)',
    'executor_log(1, 1, NULL, NULL, NULL, NULL, NULL)', 'executor_log_position(1, 1, NULL, NULL)', 'executor_drain(1, 1, NULL)', 'executor_sign_off(1, 1)', 'add_group(''g'')', 'set_group(''default'', 1000000)', 'add_user(''regress_ann'')',
    'set_user(''regress_ann'', max_priority => 10)', 'create_executor_login(''x'')', 'drain_executor(''regress_node_a'')', 'resume_executor(''regress_node_a'')', 'set(''lease'', ''1 s'')', 'adopt()', 'set_consumable(''licence'', 1)', 'set_concurrency_limit(''key'', 1)', 'set_gpu_billing(''a100'', 1)', 'reserve(''2100-01-01'', ''2100-01-02'')', 'cancel_reservation(1)', 'pause(''why'')', 'resume()', 'register_type(''t'', ''true'')', 'drop_type(''t'')', 'prune_history(''1 day'')', 'resume_restored()']) c;
SELECT throws_ok(format('%s rcq.jobs %s', split_part(c, '/', 1), split_part(c, '/', 2)), NULL, NULL, 'nor ' || split_part(c, '/', 1) || ' a view') FROM unnest(ARRAY['UPDATE/SET priority = 10', 'DELETE FROM/', 'INSERT INTO/(id) VALUES (1)']) c;
SELECT throws_ok($$UPDATE rcq.groups SET quota_cpu_hours = 1e9$$, '42501', NULL, 'nor raise the quota through a view that could be updated');
SELECT throws_ok($$UPDATE rcq_private.users SET is_admin = true$$, '42501', NULL, 'nor make herself an administrator');
SELECT throws_ok('CREATE TABLE rcq.squat ()', '42501', NULL, 'nor create in schema rcq');
SELECT throws_ok(format('SELECT * FROM rcq_private.%I', relname), '42501', NULL, 'nor read rcq_private.' || relname) FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'rcq_private') AND relkind IN ('r', 'p');

-- what is hers is nobody else's: an array, a job that failed, one that waits for it, a schedule
SELECT rcq.submit('true', "array" => '1-3', tags => '{hers}') AS array, rcq.submit('false', tags => '{hers}', idempotency_key => 'hers') AS failed \gset
SELECT rcq.submit('true', depends_on => 'afterok:' || :failed) AS waiting, rcq.schedule('hers', '@daily', 'true') AS schedule \gset
RESET ROLE;
WITH gone AS (DELETE FROM rcq_private.live WHERE job_id = :failed RETURNING *)
INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status, reason) SELECT job_id, clock_timestamp(), user_id, group_id, priority, 1, 'failed', 'exit_code' FROM gone;
INSERT INTO rcq_private.fire (schedule_id, user_id, due_at, at, outcome) SELECT id, user_id, now(), now(), 'skipped_missed' FROM rcq_private.schedule;
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE sql AS $$
    SELECT format('arrays %s, dead_jobs %s, dependencies %s, schedules %s, schedule_history %s, tagged %s', (SELECT count(*) FROM rcq.arrays), (SELECT count(*) FROM rcq.dead_jobs),
                  (SELECT count(*) FROM rcq.dependencies), (SELECT count(*) FROM rcq.schedules), (SELECT count(*) FROM rcq.schedule_history), (SELECT count(*) FROM rcq.jobs_tagged('hers'))) $$;
SET ROLE regress_ann;
SELECT is(pg_temp.seen(), 'arrays 1, dead_jobs 1, dependencies 1, schedules 1, schedule_history 1, tagged 2', 'she sees what is hers');
RESET ROLE; SET ROLE regress_member;
SELECT is(pg_temp.seen(), 'arrays 0, dead_jobs 0, dependencies 0, schedules 0, schedule_history 0, tagged 0', 'others see nothing of it');
SELECT throws_ok(format('SELECT * FROM rcq.%s', c), 'RC002', NULL, 'to others it is not there: rcq.' || c) FROM unnest(ARRAY[format('cancel(%s, ''1'')', :array), format('hold(%s)', :array), format('release(%s)', :array), format('set_array_throttle(%s, 1)', :array),
    format('tasks(%s)', :array), format('task(%s, 1)', :array), format('requeue(%s)', :waiting), format('resubmit(ARRAY[%s])', :failed), format('resubmit_failed_tasks(%s)', :array),
    format('submit(''true'', depends_on => ''afterany:%s'')', :array), 'unschedule(''hers'', ''regress_ann'')', 'pause_schedule(''hers'', ''regress_ann'')', 'resume_schedule(''hers'', ''regress_ann'')', 'next_fires(''hers'', 1, ''regress_ann'')']) c;
SELECT is(rcq.resubmit_failed(), 0::bigint, 'nothing of it is submitted anew with what is theirs');
SELECT ok(rcq.submit('true', idempotency_key => 'hers') > :waiting, 'nor does her key give her job');

-- administrators are those of this database
RESET ROLE; SET ROLE regress_member;
SELECT throws_ok(format('SELECT rcq.%s', c), 'RC005', NULL, 'a member of rcq_admin whom this database does not know as administrator cannot call rcq.' || c) FROM unnest(ARRAY['add_group(''g'')', 'set_group(''default'', 1000000)',
    'add_user(''regress_ann'')', 'set_user(''regress_member'', is_admin => true)', 'create_executor_login(''x'')', 'drain_executor(''regress_node_a'')', 'resume_executor(''regress_node_a'')', 'set(''lease'', ''1 s'')', 'adopt()', 'set_consumable(''licence'', 1)', 'set_concurrency_limit(''key'', 1)', 'set_gpu_billing(''a100'', 1)', 'reserve(''2100-01-01'', ''2100-01-02'')', 'cancel_reservation(1)', 'pause(''why'')', 'resume()', 'register_type(''t'', ''true'')', 'drop_type(''t'')', 'prune_history(''1 day'')', 'resume_restored()']) c;
RESET ROLE; SET ROLE regress_admin;
SELECT lives_ok(format('SELECT rcq.%s', c), 'an administrator can call rcq.' || c) FROM unnest(ARRAY['add_group(''g'')', 'set_group(''default'', 1000000)', 'set_user(''regress_ann'', max_priority => 7)',
    'drain_executor(''regress_node_a'')', 'resume_executor(''regress_node_a'')', 'set(''lease'', ''40 s'')', 'adopt()', 'set_consumable(''licence'', 1)', 'set_concurrency_limit(''key'', 1)', 'set_gpu_billing(''a100'', 1)', 'reserve(''2100-01-01'', ''2100-01-02'')', 'cancel_reservation(1)', 'pause(''why'')', 'resume()', 'register_type(''t'', ''true'')', 'drop_type(''t'')', 'prune_history(''1 day'')', 'resume_restored()']) c;
SELECT lives_ok('SELECT rcq.set_priority(2, 10)', 'and change the job of a user beyond that user''s limit');
SELECT is(pg_temp.seen(), 'arrays 1, dead_jobs 1, dependencies 1, schedules 1, schedule_history 1, tagged 2', 'and see what others have');
SELECT lives_ok(format('SELECT rcq.%s', c), 'and change it by rcq.' || c) FROM unnest(ARRAY[format('set_array_throttle(%s, 1)', :array), format('hold(%s, ''1'')', :array), format('release(%s, ''1'')', :array), format('cancel(%s)', :array), format('task(%s, 2)', :array),
    'pause_schedule(''hers'', ''regress_ann'')', 'resume_schedule(''hers'', ''regress_ann'')', 'unschedule(''hers'', ''regress_ann'')']) c;
SELECT new_job_id AS anew FROM rcq.resubmit(ARRAY[:failed]) \gset
SELECT is((SELECT user_name FROM rcq.jobs WHERE id = :anew), 'regress_ann', 'what they submit anew is its owner''s');
SELECT is((SELECT changed_by FROM rcq.settings WHERE name = 'lease'), 'regress_admin', 'what they change is signed');
SELECT lives_ok($$SELECT rcq.create_executor_login('regress_node_c', 'secret')$$, 'they make logins without being allowed to create roles');
RESET ROLE;
SELECT ok(pg_has_role('regress_node_c', 'rcq_executor', 'USAGE') AND NOT pg_has_role('regress_node_c', 'rcq_user', 'USAGE'), 'which are executors and nothing else');
SELECT throws_ok($$SELECT rcq.create_executor_login('regress_ann')$$, 'RC006', NULL, 'the role of a user is not turned into an executor');
SELECT throws_ok($$SELECT rcq.create_executor_login('pg_monitor')$$, 'RC006', 'role "pg_monitor" exists and is no executor login', 'nor any other');
GRANT rcq_executor TO regress_ann; -- as another database's queue may have
SELECT throws_ok($$SELECT rcq.create_executor_login('regress_ann')$$, 'RC006', 'role "regress_ann" is a user, and cannot be an executor', 'not even one that is an executor elsewhere');

-- passwords of roles: statements that set them, which may be logged and counted, have what the server stores
CREATE FUNCTION pg_temp.told(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; context text;
BEGIN
    PERFORM set_config('transaction_read_only', 'on', true);
    EXECUTE call USING 'battery staple'::text;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(' ', message, detail, context);
END $$;
SELECT rcq.create_executor_login('regress_node_d', 'correct horse'), rcq.set_http_password('correct horse') \g /dev/null
SELECT ok(rolpassword ~ '^SCRAM-SHA-256\$', rolname || ' has a password as the server keeps it') FROM pg_authid WHERE rolname IN ('regress_node_d', 'rcq_authenticator');
SELECT rcq.set_http_password(NULL) \g /dev/null
SELECT ok(told ~ 'SCRAM-SHA-256' AND told !~ 'battery staple', 'nor does an error show it: ' || regexp_replace(told, 'SCRAM.*', ''))
  FROM unnest(ARRAY['SELECT rcq.set_http_password($1)', 'SELECT rcq.create_executor_login(''regress_node_e'', $1)']) c, pg_temp.told(c) told;

-- schedules are served by the scheduler, in whose time everybody's jobs wait
SET ROLE regress_ann;
SELECT rcq.schedule('more', '@hourly', 'true') \g /dev/null
RESET ROLE;
INSERT INTO rcq_private.schedule (user_id, name, cron, timezone, request, missed, overlap, anchor, next_at)
SELECT s.user_id, 'of many ' || n, '@every 1s', 'UTC', '{"script": "true", "hold": true}', 'once', 'allow', now() - interval '1 hour', now() - interval '1 hour' FROM rcq_private.schedule s, generate_series(1, 999) n WHERE s.name = 'more';
SET ROLE regress_ann;
SELECT throws_ok($$SELECT rcq.schedule('one-more', '@daily', 'true')$$, 'RC007', 'you have 1000 schedules', 'no user has more than so many schedules');
SELECT lives_ok($$SELECT rcq.schedule('more', '@daily', 'true')$$, 'but may change one');
RESET ROLE;
SELECT ok(rcq_private.fire_due(now()) <= now(), 'there is more to do');
SELECT is((SELECT count(DISTINCT schedule_id) || ' ' || count(*) FROM rcq_private.fire), '4 248', 'the scheduler serves no more of them than so many in one go');
DELETE FROM rcq_private.schedule WHERE name ~ 'more|of many';

-- a task shows what its array has, which is read from a table that nobody reads by name
SET ROLE regress_ann;
SELECT rcq.submit('true', "array" => '1-3', env => '{"A": "b"}') AS another \gset
SELECT rcq.task(:another, 2) AS task \gset
SELECT is((SELECT concat_ws(' ', script, array_index, env) FROM rcq.jobs WHERE id = :task), 'true 2 {"A": "b"}', 'a task shows the script and the environment of its array');
RESET ROLE; SET ROLE regress_member;
SELECT is_empty(format('SELECT FROM rcq.jobs WHERE id IN (%s, %s)', :another, :task), 'to its owner');
RESET ROLE;

-- the priority of a job that states none
SELECT rcq.set_user('regress_member', max_priority => 3) \g /dev/null
SET ROLE regress_member;
SELECT rcq.submit('true') AS one, rcq.submit_task('reverse_string', '{"text": ""}') AS typed \gset
SELECT m AS listed FROM rcq.submit_many('[{"script": "true"}]') m \gset
SELECT is((SELECT string_agg(priority::text, ' ') FROM rcq.jobs WHERE id IN (:one, :typed, :listed)), '3 3 3', 'who may not have 5 gets the most that is theirs');
SELECT throws_ok($$SELECT rcq.submit('true', priority => 5)$$, 'RC005', NULL, 'and is told when they ask for more');
SELECT isnt_empty($$SELECT FROM rcq.explain_submit('true')$$, 'trying it out is the same');
RESET ROLE;

-- whoever comes over HTTP, and has not said who they are
CREATE TEMP VIEW ours AS SELECT oid, nspname, nspacl, nspowner FROM pg_namespace WHERE nspname LIKE 'rcq%';
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace WHERE has_function_privilege('rcq_anon', p.oid, 'EXECUTE')
                     AND format('%s.%s', n.nspname, p.proname) <> ALL ('{rcq.http_pre_request,rcq_rest.register,rcq_rest.login,rcq_rest.health,rcq_rest.metrics}')$$, 'rcq_anon may call what lets people in and says whether all is well, and nothing else');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
                     AND (has_table_privilege('rcq_anon', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege('rcq_anon', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))$$, 'it can read and write no table and no view');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('rcq_anon', c.oid, 'USAGE, SELECT, UPDATE') END$$, 'and use no sequence');
SELECT set_eq($$SELECT nspname::text FROM ours WHERE has_schema_privilege('rcq_anon', oid, 'USAGE')$$, '{rcq,rcq_rest}'::text[], 'it finds the pre-request and the routes, but neither views nor functions of schema rcq_api');
SET ROLE rcq_anon;
SELECT throws_ok(format('SELECT * FROM rcq_api.%I', relname), '42501', NULL, 'it cannot read rcq_api.' || relname) FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'rcq_api') AND relkind = 'v';
SELECT throws_ok($$SELECT rcq_api.submit('{"script": "true"}')$$, '42501', NULL, 'nor submit');
RESET ROLE;

-- PostgREST, before it has become somebody
SELECT ok(NOT rolinherit AND NOT rolsuper AND NOT rolbypassrls AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolreplication, 'rcq_authenticator has no rights but to become others') FROM pg_roles WHERE rolname = 'rcq_authenticator';
SELECT set_eq($$SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'rcq_authenticator'::regrole$$, '{rcq_anon,rcq_user,rcq_admin}'::text[], 'which are these');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege('rcq_authenticator', c.oid, 'SELECT, INSERT, UPDATE, DELETE')$$, 'it can read and write nothing itself');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace WHERE has_function_privilege('rcq_authenticator', p.oid, 'EXECUTE') AND format('%s.%s', n.nspname, p.proname) <> 'rcq.http_pre_config'$$,
    'and call nothing but what hands it its configuration');

-- nobody is everybody
SELECT is_empty($$SELECT nspname FROM ours, aclexplode(COALESCE(nspacl, acldefault('n', nspowner))) a WHERE a.grantee = 0$$, 'PUBLIC cannot use any of the schemas');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0$$, 'nor call any function');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN ours n ON n.oid = c.relnamespace, aclexplode(c.relacl) a WHERE a.grantee = 0$$, 'nor read any table or view');
SELECT is_empty($$SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN ours n ON n.oid = c.relnamespace, aclexplode(a.attacl) x WHERE x.grantee = 0$$, 'nor any column');

-- views are read
SELECT is_empty($$SELECT c.oid::regclass, r.rolname FROM pg_class c JOIN ours n ON n.oid = c.relnamespace, pg_roles r WHERE c.relkind = 'v' AND r.rolname ~ '^(rcq|regress)_'
                     AND (has_table_privilege(r.rolname, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege(r.rolname, c.oid, 'INSERT, UPDATE, REFERENCES'))
                     AND c.oid <> 'rcq.inbox'::regclass$$, 'nobody may write to a view');
SELECT is_empty($$SELECT r.rolname FROM pg_roles r WHERE r.rolname ~ '^(rcq|regress)_'
                     AND (has_table_privilege(r.rolname, 'rcq.inbox', 'SELECT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege(r.rolname, 'rcq.inbox', 'SELECT, UPDATE, REFERENCES')
                          OR has_table_privilege(r.rolname, 'rcq.inbox', 'INSERT') <> (pg_has_role(r.rolname, 'rcq_user', 'USAGE') OR pg_has_role(r.rolname, 'rcq_admin', 'USAGE')))$$,
    'but rcq.inbox, into which those insert who may submit');
SET ROLE regress_admin;
SELECT throws_ok(format('DELETE FROM rcq_api.%I', relname), NULL, NULL, 'not even an administrator deletes from rcq_api.' || relname) FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'rcq_api') AND relkind = 'v';
SELECT throws_ok('UPDATE rcq_api.gpu_billing SET per_hour = 0', NULL, NULL, 'nor changes one that is as simple as can be');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
