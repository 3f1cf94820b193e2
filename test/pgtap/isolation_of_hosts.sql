-- What the login of one executor can do to the rest when its host is in wrong hands: nothing but lie about its own runs.
-- It knows everything here that it could ever learn: numbers, incarnations and tokens of others.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();
CREATE ROLE regress_ann;
SELECT rcq.add_user('regress_ann', email => 'ann@example.org', unix_user => 'ann');
SELECT rcq.create_executor_login('regress_node_a', 'password of a') IS NOT NULL AND rcq.create_executor_login('regress_node_b', 'password of b') IS NOT NULL AS made \g /dev/null

-- three jobs: one runs on a, one is placed there, one ran there; b has nothing
SET ROLE regress_ann;
SELECT rcq.submit('secret of ann', name => 'job ' || n, env => '{"TOKEN": "secret of ann"}') FROM generate_series(1, 3) n;
RESET ROLE;
UPDATE rcq_private.live SET executor_id = 1, token = job_id + 1000, command_seq = job_id, placed_at = clock_timestamp(), attempt = 1 WHERE job_id IN (1, 3);
INSERT INTO rcq_private.command VALUES (1, 1, 1, 1001, 'start'), (1, 3, 3, 1003, 'start');
SET SESSION AUTHORIZATION regress_node_a;
SELECT lives_ok($$SELECT rcq.register_executor('host-a', '{"cpu_cores": 8, "memory_mib": 8192, "info": {"kernel": "of a"}}', NULL, 11, 1)$$, 'the first executor registers');
SELECT is((SELECT string_agg(job_id::text, ' ' ORDER BY job_id) FROM rcq.executor_sync(1, 11, 0, NULL, NULL, NULL, 9) WHERE kind = 'start'), '1 3', 'and claims two runs');
SELECT is(rcq.executor_log(1, 11, '{1}', '{1001}', '{1}', '{stdout}', '{output of ann}'), '{}', 'writes output');
SELECT is((SELECT body ->> 'answer' FROM rcq.executor_sync(1, 11, 3, NULL, '[{"job_id": 3, "token": 1003, "end": "exit_code", "exit_code": 0}]', NULL, 0)), 'ok', 'and ends one of them');
RESET SESSION AUTHORIZATION;
UPDATE rcq_private.live SET executor_id = 1, token = 1002, command_seq = 4, placed_at = clock_timestamp(), attempt = 1 WHERE job_id = 2;
INSERT INTO rcq_private.command VALUES (1, 4, 2, 1002, 'start');
CREATE TEMP VIEW everything AS
SELECT (SELECT string_agg(l::text, E'\n' ORDER BY l.job_id) FROM rcq_private.live l) AS live, (SELECT string_agg(o::text, E'\n' ORDER BY o.job_id) FROM rcq_private.outcome o) AS outcomes,
       (SELECT string_agg(r::text, E'\n' ORDER BY r.job_id) FROM rcq_private.run r) AS runs, (SELECT string_agg(g::text, E'\n' ORDER BY g.job_id, g.seq) FROM rcq_private.log g) AS logs,
       (SELECT string_agg(c::text, E'\n' ORDER BY c.seq) FROM rcq_private.command c) AS commands, (SELECT e::text FROM rcq_private.executor e WHERE e.id = 1) AS executor,
       (SELECT string_agg(u::text, E'\n' ORDER BY u.at) FROM rcq_private.usage u) AS usage, (SELECT string_agg(j::text, E'\n' ORDER BY j.id) FROM rcq_private.job j) AS jobs;
CREATE TEMP TABLE before AS SELECT * FROM everything;

SET SESSION AUTHORIZATION regress_node_b;
SELECT lives_ok($$SELECT rcq.register_executor('host-b', '{"cpu_cores": 8, "memory_mib": 8192}', NULL, 22, 1)$$, 'the second executor registers');

-- it is nobody else (to log in as another takes the password of that one)
SELECT throws_ok(format('SET ROLE %I', r), '42501', NULL, 'it cannot become ' || r) FROM unnest('{regress_node_a,regress_ann,rcq_user,rcq_admin,postgres}'::name[]) r;
SELECT throws_ok(format('ALTER ROLE %s', c), '42501', NULL, 'nor ALTER ROLE ' || c) FROM unnest(ARRAY['regress_node_a PASSWORD ''known''', 'regress_node_a SET search_path TO evil', 'regress_node_b SUPERUSER', 'regress_node_b CREATEROLE', 'regress_node_b BYPASSRLS', 'regress_node_b CONNECTION LIMIT -1']) c;
SELECT throws_ok(format('GRANT %s', c), '42501', NULL, 'nor GRANT ' || c) FROM unnest(ARRAY['rcq_user TO regress_node_b', 'rcq_admin TO regress_node_b', 'rcq_executor TO regress_ann', 'regress_node_a TO regress_node_b']) c;
SELECT is(rcq.register_executor('host-a', '{"cpu_cores": 8, "memory_mib": 8192}', NULL, 22, 1) ->> 'executor', '2', 'whatever host and incarnation it names, it registers as itself');
SELECT is(rcq.register_executor('host-b', '{"cpu_cores": 8, "memory_mib": 8192}', NULL, 11, 1) ->> 'executor', '2', 'also with the incarnation of another');

-- it reads nothing
SELECT throws_ok(format('SELECT FROM %s', c.oid::regclass), '42501', NULL, 'it cannot read ' || c.oid::regclass)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('rcq', 'rcq_private') AND c.relkind IN ('r', 'p', 'v', 'm', 'S');
SELECT throws_ok('SELECT FROM pg_authid', '42501', NULL, 'nor the passwords of roles');
SELECT is_empty($$SELECT FROM pg_stats WHERE schemaname IN ('rcq', 'rcq_private')$$, 'nor statistics of what is in tables');
SELECT is_empty($$SELECT FROM pg_stat_activity WHERE usename IS DISTINCT FROM current_user AND query NOT IN ('', '<insufficient privilege>')$$, 'nor what others are executing, of which PostgreSQL shows no more than that they are connected');
SELECT throws_ok($$SELECT pg_read_file('postgresql.conf')$$, '42501', NULL, 'nor files of the server');
SELECT throws_ok('SHOW hba_file', '42501', NULL, 'nor where the server keeps who may log in');

-- it calls nothing but the seven functions of executors
SELECT set_eq($$SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('rcq', 'rcq_private') AND has_function_privilege(p.oid, 'EXECUTE')$$,
    '{executor_drain,executor_log,executor_log_position,executor_progress,executor_sign_off,executor_sync,register_executor}'::text[], 'it can call what executors call and nothing else');
SELECT throws_ok(format('SELECT rcq.%s', c), '42501', NULL, 'it cannot call rcq.' || c) FROM unnest(ARRAY['submit(''true'')', 'cancel(1)', 'hold(2)', 'release(2)', 'requeue(1)', 'set_priority(2, 10)', 'update_job(2, cpu_cores => 1)', 'change_jobs(''cancel'', name => ''%'')', 'logs(1)', 'explain(1)', 'tasks(1)',
    'drain_executor(''regress_node_a'')', 'resume_executor(''regress_node_b'')', 'create_executor_login(''regress_node_c'')', 'set_user(''regress_ann'', unix_user => ''root'')', 'set(''lost_after'', ''1 s'')']) c;
SELECT throws_ok('CREATE TABLE public.squat ()', '42501', NULL, 'nor leave anything behind in the database');
SELECT throws_ok('CREATE FUNCTION rcq.executor_sync() RETURNS void LANGUAGE sql AS $f$ $f$', '42501', NULL, 'nor put functions in the way of others');

-- it does not speak for another, with the right incarnation and the right tokens
SELECT throws_ok(format('SELECT * FROM rcq.%s', c), 'RC020', NULL, 'for another executor it cannot call rcq.' || c) FROM unnest(ARRAY[
    'executor_sync(1, 11, 0, NULL, NULL, NULL, 9)', 'executor_sync(1, 11, 0, ''{}'', NULL, NULL, 0)', 'executor_sync(1, 11, 4, ''{1001}'', ''[{"job_id": 1, "token": 1001, "end": "exit_code", "exit_code": 0}]'', NULL, 0)',
    'executor_log(1, 11, ''{1}'', ''{1001}'', ''{2}'', ''{stdout}'', ''{forged}'')', 'executor_log_position(1, 11, ''{1}'', ''{1001}'')', 'executor_progress(1, 11, ''{1}'', ''{1001}'', ''{50}'', ''{forged}'')', 'executor_drain(1, 11, ''forged'')', 'executor_drain(1, 11, NULL)', 'executor_drain(1, 11, ''forged'', true)', 'executor_sign_off(1, 11)']) c;
SELECT throws_ok('SELECT * FROM rcq.executor_sync(1, 12, 0, NULL, NULL, NULL, 9)', 'RC020', 'role "regress_node_b" is not executor 1', 'nor guess what process another one is');
SELECT throws_ok('SELECT * FROM rcq.executor_sync(99, 11, 0, NULL, NULL, NULL, 9)', 'RC020', 'role "regress_node_b" is not executor 99', 'nor which executors there are');

-- in its own name it has no runs of others
SELECT is_empty('SELECT * FROM rcq.executor_sync(2, 11, 0, NULL, NULL, NULL, 9)', 'it is offered no run of another');
SELECT set_eq($$SELECT kind, token, body FROM rcq.executor_sync(2, 11, 0, '{1001,1002,1003,4711}', NULL, NULL, 9) WHERE kind <> 'terms'$$, $$SELECT 'kill', t, NULL::jsonb FROM unnest('{1001,1002,1003,4711}'::bigint[]) t$$,
    'tokens of others that it lists, running, placed or ended, are to be killed as one that there never was');
SELECT set_eq($$SELECT job_id, body ->> 'answer' FROM rcq.executor_sync(2, 11, 0, NULL, (SELECT jsonb_agg(jsonb_build_object('job_id', j, 'token', 1000 + j, 'end', 'exit_code', 'exit_code', 0)) FROM unnest('{1,2,3,4711}'::integer[]) j), NULL, 9)$$,
    $$SELECT j, 'stale' FROM unnest('{1,2,3,4711}'::bigint[]) j$$, 'reports about them are stale as one about no job');
SELECT is_empty($$SELECT * FROM rcq.executor_sync(2, 11, 0, NULL, NULL, '[{"job_id": 1, "token": 1001, "cpu_seconds": 1e6, "peak_memory_mib": 1}]', 0)$$, 'usage of them is not taken');
SELECT set_eq($$SELECT unnest(rcq.executor_log(2, 11, '{1,2,3}', '{1001,1002,1003}', '{2,1,2}', '{stdout,stdout,stdout}', '{forged,forged,forged}'))$$, '{1001,1002,1003}'::bigint[], 'nor output');
SELECT set_eq($$SELECT unnest(rcq.executor_progress(2, 11, '{1,2,3}', '{1001,1002,1003}', '{50,50,50}', '{forged,forged,forged}'))$$, '{1001,1002,1003}'::bigint[], 'nor how far they are');
SELECT is_empty($$SELECT * FROM rcq.executor_log_position(2, 11, '{1,2,3}', '{1001,1002,1003}')$$, 'and it is not told how much of it there is');
SELECT lives_ok($$SELECT rcq.executor_drain(2, 11, 'forged'), rcq.executor_drain(2, 11, NULL), rcq.executor_drain(2, 11, 'forged', true), rcq.executor_sign_off(2, 11)$$, 'it may drain itself and sign off');
SELECT throws_ok(format('SELECT rcq.register_executor(%s)', c), 'RC023', 'malformed registration', 'it cannot fill the table of executors by ' || c) FROM unnest(ARRAY['repeat(''h'', 256), ''{"cpu_cores": 1, "memory_mib": 1}'', NULL, 1, 1',
    '''h'', ''{"cpu_cores": 1, "memory_mib": 1}'', array_fill(''f''::text, ''{1001}''), 1, 1', '''h'', jsonb_build_object(''cpu_cores'', 1, ''memory_mib'', 1, ''info'', jsonb_build_object(''k'', repeat(''i'', 65536))), NULL, 1, 1']) c;
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT * FROM everything', 'SELECT * FROM before', 'all of that has changed nothing about the other executor, its runs and their output');
SELECT is((SELECT string_agg(s::text, ' ') FROM rcq.executors s WHERE s.status <> 'offline' AND s.id = 2), NULL, 'but of itself');

-- what a host may store of its own runs is bounded
INSERT INTO rcq_private.log (job_id, attempt, seq, user_id, lines, at, stream, data) SELECT 1, 1, 1000 + n, 2, 1, clock_timestamp(), 'stdout', convert_to(repeat('a', 1048575), 'UTF8') FROM generate_series(1, 65) n;
SET SESSION AUTHORIZATION regress_node_a;
SELECT is(rcq.executor_log(1, 11, '{1}', '{1001}', '{2000}', '{stdout}', ARRAY[convert_to(repeat('a', 1048575), 'UTF8')]), '{1001}'::bigint[], 'output of a run is not taken any more when 64 MiB of it are stored');
SELECT throws_ok($$SELECT rcq.executor_log(1, 11, '{1}', '{1001}', '{2000}', '{stdout}', ARRAY[convert_to(repeat('a', 1048577), 'UTF8')])$$, 'RC023', NULL, 'nor more than 1 MiB at a time');
RESET SESSION AUTHORIZATION;

-- nor does somebody make it more than an executor by mistake
SELECT throws_ok($$SELECT rcq.add_user('regress_node_b')$$, 'RC001', 'role "regress_node_b" cannot be a user: it is the login of an executor', 'the login of an executor cannot be made a user');

SELECT * FROM finish();
ROLLBACK;
