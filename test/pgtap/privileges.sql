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
SELECT is(pg_temp.callable('rcq_user'), 'cancel explain explain_submit hold logs logs_raw release set_priority submit submit_many', 'functions that people can call');
SELECT is(pg_temp.callable('rcq_admin'), 'add_group add_user adopt cancel cancel_reservation create_executor_login drain_executor explain explain_submit hold logs logs_raw pause release reserve resume resume_executor set set_concurrency_limit set_consumable set_gpu_billing set_group set_priority set_user submit submit_many',
          'functions that administrators can call');
SELECT is(pg_temp.callable('rcq_executor'), 'executor_drain executor_log executor_sign_off executor_sync register_executor', 'functions that executors can call');
SELECT is(pg_temp.callable('regress_node_a'), pg_temp.callable('rcq_executor'), 'the login of an executor can call no other');

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
SELECT throws_ok(format('SELECT * FROM rcq.%I', v), '42501', NULL, 'nor read rcq.' || v) FROM unnest(ARRAY['jobs', 'queue', 'runs', 'executors', 'groups', 'users', 'group_usage', 'settings', 'scheduler', 'consumables', 'concurrency_limits', 'reservations', 'gpu_billing']) v;
SELECT throws_ok(format('SELECT * FROM rcq_private.%I', v), '42501', NULL, 'nor rcq_private.' || v) FROM unnest(ARRAY['job', 'live', 'command', 'users', 'executor', 'log']) v;
SELECT throws_ok('SELECT rcq_private.end_runs(1, NULL)', '42501', NULL, 'nor call what its functions are built on');
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
SELECT is((SELECT kind FROM rcq.executor_sync(2, 1, 0, '{1000}', NULL, NULL, 0) WHERE kind <> 'ack'), 'kill', 'nor pretend to hold');
SELECT is_empty($$SELECT FROM rcq.executor_sync(2, 1, 0, NULL, NULL, '[{"job_id": 1, "token": 1000, "cpu_seconds": 1e9}]', 0)$$, 'nor give usage to');
RESET ROLE;
SELECT is((SELECT status || COALESCE(cpu_seconds::text, '') FROM rcq.jobs WHERE id = 1), 'running', 'the run goes on untouched');
SELECT is((SELECT count(*) FROM rcq.logs(1)), 0::bigint, 'and nothing was written to it');

-- people
SET ROLE regress_ann;
SELECT lives_ok($$SELECT rcq.submit('true', priority => 6)$$, 'a user submits up to her own priority limit');
SELECT throws_ok($$SELECT rcq.submit('true', priority => 7)$$, 'RC005', NULL, 'not above it');
SELECT throws_ok($$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "priority": 7}]')$$, 'RC005', NULL, 'not in a list either');
SELECT throws_ok('SELECT rcq.set_priority(2, 7)', 'RC005', NULL, 'not later');
SELECT lives_ok('SELECT rcq.set_priority(2, 1)', 'below it she may');
SELECT throws_ok(format('SELECT rcq.%s', c), '42501', NULL, 'a user cannot call rcq.' || c) FROM unnest(ARRAY['register_executor(''h'', ''{}'', NULL, 1, 1)', 'executor_sync(1, 1, 0, NULL, NULL, NULL, 9)',
    'executor_log(1, 1, NULL, NULL, NULL, NULL, NULL)', 'executor_drain(1, 1, NULL)', 'executor_sign_off(1, 1)', 'add_group(''g'')', 'set_group(''default'', 1000000)', 'add_user(''regress_ann'')',
    'set_user(''regress_ann'', max_priority => 10)', 'create_executor_login(''x'')', 'drain_executor(''regress_node_a'')', 'resume_executor(''regress_node_a'')', 'set(''lease'', ''1 s'')', 'adopt()', 'set_consumable(''licence'', 1)', 'set_concurrency_limit(''key'', 1)', 'set_gpu_billing(''a100'', 1)', 'reserve(''2100-01-01'', ''2100-01-02'')', 'cancel_reservation(1)', 'pause(''why'')', 'resume()']) c;
SELECT throws_ok(format('%s rcq.jobs %s', split_part(c, '/', 1), split_part(c, '/', 2)), NULL, NULL, 'nor ' || split_part(c, '/', 1) || ' a view') FROM unnest(ARRAY['UPDATE/SET priority = 10', 'DELETE FROM/', 'INSERT INTO/(id) VALUES (1)']) c;
SELECT throws_ok($$UPDATE rcq.groups SET quota_cpu_hours = 1e9$$, '42501', NULL, 'nor raise the quota through a view that could be updated');
SELECT throws_ok($$UPDATE rcq_private.users SET is_admin = true$$, '42501', NULL, 'nor make herself an administrator');
SELECT throws_ok('CREATE TABLE rcq.squat ()', '42501', NULL, 'nor create in schema rcq');

-- administrators are those of this database
RESET ROLE; SET ROLE regress_member;
SELECT throws_ok(format('SELECT rcq.%s', c), 'RC005', NULL, 'a member of rcq_admin whom this database does not know as administrator cannot call rcq.' || c) FROM unnest(ARRAY['add_group(''g'')', 'set_group(''default'', 1000000)',
    'add_user(''regress_ann'')', 'set_user(''regress_member'', is_admin => true)', 'create_executor_login(''x'')', 'drain_executor(''regress_node_a'')', 'resume_executor(''regress_node_a'')', 'set(''lease'', ''1 s'')', 'adopt()', 'set_consumable(''licence'', 1)', 'set_concurrency_limit(''key'', 1)', 'set_gpu_billing(''a100'', 1)', 'reserve(''2100-01-01'', ''2100-01-02'')', 'cancel_reservation(1)', 'pause(''why'')', 'resume()']) c;
RESET ROLE; SET ROLE regress_admin;
SELECT lives_ok(format('SELECT rcq.%s', c), 'an administrator can call rcq.' || c) FROM unnest(ARRAY['add_group(''g'')', 'set_group(''default'', 1000000)', 'set_user(''regress_ann'', max_priority => 7)',
    'drain_executor(''regress_node_a'')', 'resume_executor(''regress_node_a'')', 'set(''lease'', ''40 s'')', 'adopt()', 'set_consumable(''licence'', 1)', 'set_concurrency_limit(''key'', 1)', 'set_gpu_billing(''a100'', 1)', 'reserve(''2100-01-01'', ''2100-01-02'')', 'cancel_reservation(1)', 'pause(''why'')', 'resume()']) c;
SELECT lives_ok('SELECT rcq.set_priority(2, 10)', 'and change the job of a user beyond that user''s limit');
SELECT is((SELECT changed_by FROM rcq.settings WHERE name = 'lease'), 'regress_admin', 'what they change is signed');
SELECT lives_ok($$SELECT rcq.create_executor_login('regress_node_c', 'secret')$$, 'they make logins without being allowed to create roles');
RESET ROLE;
SELECT ok(pg_has_role('regress_node_c', 'rcq_executor', 'USAGE') AND NOT pg_has_role('regress_node_c', 'rcq_user', 'USAGE'), 'which are executors and nothing else');
SELECT throws_ok($$SELECT rcq.create_executor_login('regress_ann')$$, 'RC006', NULL, 'the role of a user is not turned into an executor');

SELECT * FROM finish();
ROLLBACK;
