-- What PostgREST finds in schema rcq_api and describes at its root: nothing without a comment, nothing that schema rcq has
-- and that was forgotten here, nothing that differs from it, and no error that PostgREST would make worse.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();
CREATE ROLE regress_ann; CREATE ROLE regress_admin;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_admin', is_admin => true);

CREATE TEMP VIEW api AS SELECT p.*, p.oid::regprocedure::text AS called, s.oid AS original FROM pg_proc p LEFT JOIN pg_proc s ON s.proname = p.proname AND s.pronamespace = 'rcq'::regnamespace
  WHERE p.pronamespace = 'rcq_api'::regnamespace;
CREATE TEMP VIEW described AS
    SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) AS type, col_description(c.oid, a.attnum) AS comment, c.relnamespace::regnamespace::text AS schema
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relnamespace IN ('rcq'::regnamespace, 'rcq_api'::regnamespace) AND c.relkind = 'v';

-- comments, which are the descriptions
SELECT isnt(obj_description('rcq_api'::regnamespace, 'pg_namespace'), NULL, 'the schema has a comment');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'rcq_api'::regnamespace AND obj_description(oid, 'pg_class') IS NULL$$, 'every view has a comment');
SELECT is_empty($$SELECT called FROM api WHERE obj_description(oid, 'pg_proc') IS NULL$$, 'every function has a comment');
SELECT is_empty($$SELECT relname FROM pg_class a WHERE relnamespace = 'rcq_api'::regnamespace
                     AND obj_description(oid, 'pg_class') IS DISTINCT FROM (SELECT obj_description(s.oid, 'pg_class') FROM pg_class s WHERE s.relnamespace = 'rcq'::regnamespace AND s.relname = a.relname)$$,
    'that of every view is that of the view of the same name in schema rcq');
SELECT is_empty($$SELECT called FROM api WHERE obj_description(oid, 'pg_proc') !~ ('^(The body is one JSON object.*\. )?' || regexp_replace(obj_description(original, 'pg_proc'), '([^a-zA-Z0-9 ])', '\\\1', 'g') || '$')$$,
    'that of every function is that of the function of the same name in schema rcq');

-- views
SELECT results_eq($$SELECT relname, attname, attnum, type, comment FROM described WHERE schema = 'rcq_api' ORDER BY relname, attnum$$,
                  $$SELECT relname, attname, attnum, type, comment FROM described WHERE schema = 'rcq' AND relname <> 'inbox' ORDER BY relname, attnum$$, 'every view of schema rcq that has something to read is served, with the same columns and their comments');
SELECT set_eq($$SELECT relname::text FROM pg_class WHERE relnamespace = 'rcq_api'::regnamespace$$,
              '{api_tokens,arrays,audit,concurrency_limits,consumables,dead_jobs,dependencies,efficiency,executors,gpu_billing,group_usage,groups,history,jobs,queue,reservations,runs,schedule_history,scheduler,schedules,settings,types,user_efficiency,users}'::text[], 'they are these');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'rcq_api'::regnamespace AND NOT (relkind = 'v' AND reloptions = '{security_invoker=true}')$$, 'each of them runs with the rights of its reader');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'rcq_api'::regnamespace AND pg_relation_is_updatable(oid, true) <> 0$$, 'none of them can be written to, whatever anybody is granted');
SELECT is_empty($$SELECT c.relname, r.rolname FROM pg_class c, (VALUES ('rcq_user'), ('rcq_admin'), ('regress_ann'), ('regress_admin')) r(rolname) WHERE c.relnamespace = 'rcq_api'::regnamespace
                     AND NOT (has_table_privilege(r.rolname, c.oid, 'SELECT') AND NOT has_table_privilege(r.rolname, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                              AND NOT has_any_column_privilege(r.rolname, c.oid, 'INSERT, UPDATE, REFERENCES'))$$, 'people and administrators may read every view and do nothing else with it');

-- functions
CREATE TEMP TABLE not_served (name text, why text);
INSERT INTO not_served VALUES
    ('add_user', 'makes a SQL role a user: over HTTP people register, or an administrator adds them by their e-mail address'),
    ('create_executor_login', 'makes a SQL role, whose password belongs neither into a log nor through a proxy'),
    ('adopt', 'is for whoever copied the database, and has SQL at hand'),
    ('add_http_user', 'takes a password, which the routes /api/auth/register and /api/admin/users keep out of logs'),
    ('set_password', 'the same: /api/auth/password and /api/admin/users/{id}/password'),
    ('create_api_token', 'returns a secret: /api/auth/tokens'),
    ('revoke_api_token', 'belongs to that: /api/auth/tokens/{id}'),
    ('rotate_jwt_secret', 'is /api/admin/rotate-secret'),
    ('set_http_password', 'is the password of PostgREST itself'),
    ('http_pre_request', 'is called by PostgREST before every request'),
    ('metrics', 'is /metrics');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'rcq'::regnamespace AND (has_function_privilege('rcq_user', p.oid, 'EXECUTE') OR has_function_privilege('rcq_admin', p.oid, 'EXECUTE'))
                     AND p.proname NOT IN (SELECT proname FROM api) AND p.proname NOT IN (SELECT name FROM not_served)$$, 'every function of schema rcq that people or administrators may call is served, or listed here with the reason why not');
SELECT is_empty($$SELECT name FROM not_served WHERE name IN (SELECT proname FROM api) OR NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'rcq'::regnamespace AND proname = name)$$, 'what is listed is there, and not served');
SELECT is_empty($$SELECT called FROM api WHERE original IS NULL$$, 'nothing is served that schema rcq does not have');
SELECT is_empty($$SELECT proname FROM api GROUP BY proname HAVING count(*) > 1$$, 'no name stands for two functions');
SELECT is_empty($$SELECT a.called, r.rolname FROM api a, (VALUES ('rcq_user'), ('rcq_admin')) r(rolname) WHERE has_function_privilege(r.rolname, a.oid, 'EXECUTE') <> has_function_privilege(r.rolname, a.original, 'EXECUTE')$$,
    'each may be called by those who may call that of schema rcq');
SELECT is_empty($$SELECT a.called, x.grantee::regrole FROM api a, aclexplode(COALESCE(a.proacl, acldefault('f', a.proowner))) x WHERE x.grantee NOT IN (a.proowner, 'rcq_user'::regrole, 'rcq_admin'::regrole)$$, 'and by nobody else');
SELECT is_empty($$SELECT called FROM api WHERE prosecdef$$, 'each runs with the rights of its caller');
SELECT is_empty($$SELECT called FROM api WHERE NOT 'search_path=pg_catalog, pg_temp' = ANY (COALESCE(proconfig, '{}'))$$, 'each pins its search path');
SELECT set_eq($$SELECT proname::text FROM api WHERE pronargs = 1 AND proargtypes[0] = 'json'::regtype AND COALESCE(proargnames[1], '') = ''$$, '{submit,submit_many,submit_task,submit_graph,explain_submit}'::text[], 'those with many arguments take one JSON value without a name');
SELECT is_empty($$SELECT called FROM api WHERE proname NOT IN ('submit', 'submit_many', 'submit_task', 'submit_graph', 'explain_submit') AND pg_get_function_arguments(oid) <> pg_get_function_arguments(original)$$, 'the others take the arguments of schema rcq, with the same defaults');
SELECT is_empty($$SELECT called FROM api WHERE pg_get_function_result(oid) <> pg_get_function_result(original) AND proname <> 'logs_raw'$$, 'all return the same');
SELECT is((SELECT prorettype::regtype::text FROM api WHERE proname = 'logs_raw'), 'rcq_api."application/octet-stream"', 'but for bytes, which are sent as they are');
SELECT is_empty($$SELECT oid::regtype FROM pg_type WHERE typnamespace = 'rcq_api'::regnamespace AND typtype = 'd' AND (obj_description(oid, 'pg_type') IS NULL OR (typname, typbasetype) NOT IN (('application/octet-stream', 'bytea'::regtype), ('body', 'json'::regtype)))$$, 'that type has a comment, and so has that of bodies');
SELECT set_eq($$SELECT proname::text FROM api WHERE provolatile <> 'v'$$, '{tasks,jobs_tagged,logs,logs_raw,log_chunks,job_states,queue_page,queue_counts,ended_jobs,explain,explain_submit,cron_preview}'::text[], 'those that only read can be called by GET');

-- errors: PostgREST repeats 40001 and 40P01 for ever, and has a status for the rest only where it is told one
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE body text; head text; state text;
BEGIN
    EXECUTE call;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, body = MESSAGE_TEXT, head = PG_EXCEPTION_DETAIL;
    RETURN CASE WHEN state = 'PGRST' THEN concat_ws(' ', head::json->>'status', head::json->'headers'->>'Retry-After', body::json->>'code', body::json->>'message') ELSE concat_ws(' ', state, body) END;
END $$;
SET ROLE regress_ann;
SELECT rcq_api.submit('{"script": "true", "cpu_cores": 2, "time_limit": "4h", "tags": ["a"], "memory_gb": null}') AS job, rcq.submit('true', cpu_cores => 2, time_limit => '4h', tags => '{a}') AS same \gset
SELECT results_eq(format('SELECT script, cpu_cores, memory_gb, time_limit, tags, priority, requeue, on_disconnect FROM rcq_api.jobs WHERE id = %s', :job),
                  format('SELECT script, cpu_cores, memory_gb, time_limit, tags, priority, requeue, on_disconnect FROM rcq.jobs WHERE id = %s', :same), 'what is left out or null of a job is as in SQL');
SELECT is(rcq_api.submit_task('{"type": "add_numbers", "payload": {"numbers": [1]}}'), :same + 1::bigint, 'a typed job is submitted');
SELECT is(ARRAY(SELECT rcq_api.submit_many('{"jobs": [{"script": "true"}, {"script": "false", "priority": 3}]}')), ARRAY[:same + 2, :same + 3]::bigint[], 'as are a list of jobs');
SELECT results_eq($$SELECT key FROM rcq_api.submit_graph('{"graph": [{"key": "a", "script": "true"}, {"key": "b", "needs": ["a"], "script": "true"}]}')$$, '{a,b}'::text[], 'and a graph');
SELECT is((SELECT count(*) FROM rcq_api.explain_submit('{"script": "true"}') WHERE kind = 'blocker'), (SELECT count(*) FROM rcq.explain_submit('true') WHERE kind = 'blocker'), 'a dry run says the same as in SQL');
SELECT is((SELECT array_agg(id ORDER BY id) FROM rcq_api.jobs_tagged('a') id), ARRAY[:job, :same]::bigint[], 'jobs are found by their tags');
SELECT is(rcq_api.cancel(:job), 'cancelled', 'a job is cancelled');
SELECT is(pg_temp.answer(format('SELECT rcq_api.%s', c[1])), c[2], c[1]) FROM (VALUES
    (ARRAY['submit(NULL)', 'RC001 the body is not a JSON object']), (ARRAY['submit_task(format(''{"payload": [1%s]}'', repeat('', 1'', 500000))::json)', 'RC001 the body has more than 500000 JSON values']), (ARRAY['submit(''[]'')', 'RC001 the body is not a JSON object']),
    (ARRAY['submit(''{"script": "true", "cpu": 1}'')', 'RC001 unknown field "cpu"']), (ARRAY['submit(''{"script": "true", "cpu": null}'')', 'RC001 unknown field "cpu"']),
    (ARRAY['submit(''{"script": "true", "cpu_cores": "1"}'')', 'RC001 cpu_cores is not of type number']), (ARRAY['submit(''{"script": 1}'')', 'RC001 script is not of type string']),
    (ARRAY['submit(''{"script": "true", "hold": 1}'')', 'RC001 hold is not of type boolean']), (ARRAY['submit(''{"script": "true", "tags": "a"}'')', 'RC001 tags is not of type array']),
    (ARRAY['submit(''{"script": "true", "type": "add_numbers"}'')', 'RC001 unknown field "type"']), (ARRAY['submit_task(''{"payload": {}}'')', 'RC001 type is NULL']),
    (ARRAY['explain_submit(''{"script": "true", "array": "1-2"}'')', 'RC001 unknown field "array"']), (ARRAY['submit(''{"script": "true", "time_limit": "soon"}'')', '22007 invalid input syntax for type interval: "soon"']),
    (ARRAY['submit_many(''{"jobs": {}}'')', 'RC001 jobs is not a JSON array']), (ARRAY['submit_graph(''{}'')', 'RC001 graph is not a JSON array']), (ARRAY['cancel(4711)', '404 RC002 there is no job 4711 of yours']), (ARRAY['logs(4711)', '404 RC002 there is no job 4711 of yours']), (ARRAY['explain(4711)', '404 RC002 there is no job 4711 of yours'])) v(c);
SELECT is(pg_temp.answer(format('SELECT rcq_api.cancel(%s)', :job)), format('409 RC003 job %s has already ended: cancelled', :job), 'a conflict is 409');
SELECT matches(pg_temp.answer('SELECT rcq_api.set(''lease'', ''1 s'')'), '^42501 ', 'what is for administrators is not for others');
RESET ROLE;
SELECT rcq.set('submit_rate_per_user', '1');
SET ROLE regress_ann;
SELECT matches(pg_temp.answer('SELECT rcq_api.submit(''{"script": "true"}'')'), '^429 10 RC007 ', 'too many is 429, and when to come again is said');
RESET ROLE;
SET ROLE regress_admin;
SELECT is(pg_temp.answer('SELECT rcq_api.set(''no_such'', ''1'')'), '404 RC002 there is no setting "no_such"', 'what is not there is 404');
SELECT is(pg_temp.answer('SELECT rcq_api.add_group(''default'')'), '409 RC006 there is a group "default" already', 'what is there already is 409');
SELECT is(rcq_api.set('lease', '40 s')::text, '', 'an administrator changes a setting');
RESET ROLE;

-- the whole surface, with what it calls replaced by what fails
CREATE FUNCTION pg_temp.fail_with(code text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE f record;
BEGIN
    FOR f IN SELECT DISTINCT s.oid, s.proname, s.proretset FROM api JOIN pg_proc s ON s.oid = original LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION rcq.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.proname, pg_get_function_arguments(f.oid), pg_get_function_result(f.oid),
                       format('BEGIN RAISE EXCEPTION USING ERRCODE = %L, MESSAGE = %L, HINT = %L; END', code, E'a\r\nSet-Cookie: "s"', 'why'));
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.answers() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT DISTINCT pg_temp.answer(format('SELECT * FROM rcq_api.%I(%s)', proname, CASE WHEN provariadic <> 0 THEN '''a''' WHEN proargnames IS NULL OR proargnames[1] = '' THEN '''{}''' ELSE
        (SELECT string_agg('NULL::' || t::regtype, ', ') FROM unnest(proargtypes) t) END)) FROM api $$;
SELECT pg_temp.fail_with('40001');
SELECT results_eq('SELECT pg_temp.answers()', ARRAY['409 RC004 somebody else is changing the same just now'], 'no function lets 40001 out');
SELECT pg_temp.fail_with('40P01');
SELECT results_eq('SELECT pg_temp.answers()', ARRAY['409 RC004 somebody else is changing the same just now'], 'nor 40P01');
SELECT pg_temp.fail_with('57014');
SELECT results_eq('SELECT pg_temp.answers()', ARRAY[E'503 57014 a\r\nSet-Cookie: "s"'], 'one that takes too long is 503; what the message has in it stays in the body');
SELECT pg_temp.fail_with('25006');
SELECT set_config('request.method', 'POST', true);
SELECT results_eq('SELECT pg_temp.answers()', ARRAY['403 25006 this token may only read'], 'who may only read may not change anything');
SELECT set_config('request.method', 'GET', true);
SELECT results_eq('SELECT pg_temp.answers()', ARRAY[E'25006 a\r\nSet-Cookie: "s"'], 'what is not changed by GET is left to PostgREST, which says that the method is wrong');
SELECT pg_temp.fail_with('RC010');
SELECT results_eq('SELECT pg_temp.answers()', ARRAY[E'403 RC010 a\r\nSet-Cookie: "s"'], 'who is no user may not');
SELECT pg_temp.fail_with('RC001');
SELECT results_eq('SELECT pg_temp.answers()', ARRAY[E'RC001 a\r\nSet-Cookie: "s"'], 'what PostgREST answers with 400 by itself is left as it is');

SELECT * FROM finish();
ROLLBACK;
