-- What somebody prepares who knows the names that rcq uses: roles, schemas, functions, operators, places for tables. It is refused
-- when the extension is made, or does not matter.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
BEGIN;
SELECT no_plan();
CREATE ROLE regress_mallory; CREATE ROLE regress_ann;

-- before CREATE EXTENSION: roles are those of the whole server, and may be there from another database
CREATE EXTENSION rcq;
DROP EXTENSION rcq;
CREATE FUNCTION pg_temp.made_after(preparation text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE preparation;
    CREATE EXTENSION rcq;
    RETURN 'made';
END $$;
SELECT is(pg_temp.made_after('SELECT'), 'made', 'roles that another database has left are taken over');
DROP EXTENSION rcq;
SELECT throws_ok(format('SELECT pg_temp.made_after(%L)', p), 'RC006', NULL, 'a role that somebody armed is not taken over: ' || p) FROM unnest(ARRAY['ALTER ROLE rcq_user LOGIN', 'ALTER ROLE rcq_executor CREATEROLE', 'GRANT pg_read_all_data TO rcq_user',
    'GRANT regress_mallory TO rcq_admin', 'ALTER ROLE rcq_anon LOGIN', 'ALTER ROLE rcq_authenticator SUPERUSER', 'GRANT pg_monitor TO rcq_authenticator', 'GRANT rcq_authenticator TO regress_mallory']) p;
SELECT throws_ok(format('SELECT pg_temp.made_after(%L)', 'CREATE SCHEMA ' || s || ' AUTHORIZATION regress_mallory'), '42P06', NULL, 'nor a schema: ' || s) FROM unnest('{rcq,rcq_private,rcq_api,rcq_rest}'::text[]) s;

-- Functions and operators before those of PostgreSQL, that note when somebody else's rights are theirs.
CREATE SCHEMA lair AUTHORIZATION regress_mallory;
CREATE SEQUENCE lair.caught;
GRANT ALL ON lair.caught TO PUBLIC;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
CREATE FUNCTION lair.note() RETURNS void LANGUAGE sql AS $$ SELECT pg_catalog.nextval('lair.caught') WHERE current_user OPERATOR(pg_catalog.<>) 'regress_ann'::pg_catalog.name $$;
DO $$
DECLARE
    f record;
BEGIN
    -- the real one is what they answer with: nothing else goes wrong
    FOR f IN SELECT p.oid, p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, p.pronargs, p.proretset
               FROM pg_proc p
              WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.provariadic = 0
                AND p.proname = ANY ('{clock_timestamp,now,date_part,date_trunc,make_interval,length,octet_length,lower,left,btrim,cardinality,jsonb_typeof,jsonb_object_keys,jsonb_each,array_to_string,string_to_array,
                    sha256,convert_to,to_jsonb,isfinite,nextval,unnest,generate_series,to_regclass,pg_notify,quote_ident,trim_scale,round,div,replace,strpos,split_part}')
                AND NOT EXISTS (SELECT FROM unnest(p.proargmodes) m WHERE m <> 'i') LOOP
        EXECUTE format('CREATE FUNCTION lair.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.proname, f.arguments, f.result,
            format('BEGIN PERFORM lair.note(); %s pg_catalog.%I(%s); %s END', CASE WHEN f.proretset THEN 'RETURN QUERY SELECT * FROM' WHEN f.result = 'void' THEN 'PERFORM' ELSE 'RETURN' END, f.proname,
                   (SELECT string_agg('$' || n, ', ' ORDER BY n) FROM generate_series(1, f.pronargs) n), CASE WHEN f.proretset THEN 'RETURN;' ELSE '' END));
    END LOOP;
    FOR f IN SELECT o.oid, o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result, o.oprcode
               FROM pg_operator o
              WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprleft <> 0 AND o.oprname = ANY ('{=,<>,<,>,<=,>=,+,-,*,||,->,->>,?,@>,~}')
                AND o.oprleft = ANY ('{integer,bigint,text,name,jsonb,timestamptz,interval,oid,boolean,smallint,double precision}'::regtype[])
                AND o.oprright = ANY ('{integer,bigint,text,name,jsonb,timestamptz,interval,oid,boolean,smallint,double precision}'::regtype[]) LOOP
        EXECUTE format('CREATE FUNCTION lair.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'operator_' || f.oid, f.l, f.r, f.result,
            format('BEGIN PERFORM lair.note(); RETURN $1 OPERATOR(pg_catalog.%s) $2; END', f.oprname));
        EXECUTE format('CREATE OPERATOR lair.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = lair.%I)', f.oprname, f.l, f.r, 'operator_' || f.oid);
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.called() RETURNS boolean LANGUAGE sql SET search_path = pg_catalog AS $$ SELECT is_called FROM lair.caught $$;
SELECT ok(NOT pg_temp.called(), 'a trap is laid');
SET LOCAL search_path = lair, pg_catalog, public;
SELECT length('a') \g /dev/null
RESET search_path;
SELECT ok(pg_temp.called(), 'and works');
SELECT setval('lair.caught', 1, false) \g /dev/null

SET LOCAL search_path = lair, pg_catalog, public;
CREATE EXTENSION rcq;
RESET search_path;
SELECT ok(NOT pg_temp.called(), 'CREATE EXTENSION does not fall into it');
SELECT rcq.add_user('regress_ann', is_admin => true, email => 'ann@example.org') \g /dev/null
SELECT rcq.create_executor_login('regress_node_a') \g /dev/null
SELECT rcq.set('password_cost', '4') \g /dev/null

-- whatever a user calls
SET ROLE regress_ann;
SET LOCAL search_path = lair, pg_catalog, public;
SELECT rcq.submit('true', features => NULL, idempotency_key => 'key', tags => '{a}', env => '{"A": "b"}', retry_on => '{oom}') AS job \gset
SELECT rcq.submit('true', "array" => '1-9', depends_on => 'afterany:' || :job) AS many \gset
SELECT rcq.submit_many('[{"script": "true", "time_limit": "4h"}]') \g /dev/null
SELECT rcq.submit_task('reverse_string', '{"text": "abc"}') \g /dev/null
SELECT * FROM rcq.submit_graph('[{"key": "a", "script": "true"}, {"key": "b", "needs": ["a"], "script": "true"}]') \g /dev/null
INSERT INTO rcq.inbox (script) VALUES ('true');
SELECT rcq.hold(:job), rcq.release(:job), rcq.set_priority(:job, 9), rcq.update_job(:job, memory_gb => 2, time_limit => '1 h', deadline => now() + interval '1 day', clear => '{estimated_hours}'), rcq.set_array_throttle(:many, 2), rcq.task(:many, 2), rcq.schedule('nightly', '@daily', 'true'), rcq.pause_schedule('nightly') \g /dev/null
SELECT * FROM rcq.explain(:job) \g /dev/null
SELECT * FROM rcq.change_jobs('hold', name => '%', tags => '{a}', status => '{pending}', reason => 'held', project => 'p', submitted_before => now(), dry_run => false) \g /dev/null
SELECT * FROM rcq.change_jobs('set_priority', ids => ARRAY[:job, :many], priority => 7, dry_run => false) \g /dev/null
SELECT FROM rcq.efficiency, rcq.user_efficiency;
SELECT * FROM rcq.explain_submit('true') \g /dev/null
SELECT * FROM rcq.tasks(:many) \g /dev/null
SELECT * FROM rcq.logs(:job) \g /dev/null
SELECT rcq.cancel(:many, '3-4'), rcq.cancel(:job) \g /dev/null
SELECT * FROM rcq.resubmit(ARRAY[:job]) \g /dev/null
SELECT rcq.create_api_token('program'), rcq.add_group('g'), rcq.set_group('g', max_jobs => 3), rcq.set('lease', '40 s'), rcq.set_user('regress_ann', max_jobs => 7), rcq.set_password('regress_ann', 'correct horse'), rcq.metrics() \g /dev/null
SELECT rcq.set_consumable('licence', 4), rcq.reserve(now() + interval '1 hour', now() + interval '2 hours'), rcq.pause('why'), rcq.resume(), rcq.register_type('t', 'true'), rcq.prune_history('90 days'), rcq.prune_audit('90 days') \g /dev/null
SELECT rcq_rest.list_jobs('limit=3&name=a'), rcq_rest.list_queue(''), rcq_rest.list_groups(''), rcq_rest.admin_stats(''), rcq_rest.admin_usage(''), rcq_rest.admin_audit(''), rcq_rest.get_job('id=1') \g /dev/null
DO $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT schemaname, viewname FROM pg_views WHERE schemaname IN ('rcq', 'rcq_api') AND viewname <> 'inbox' LOOP
        EXECUTE format('SELECT * FROM %I.%I', v.schemaname, v.viewname);
    END LOOP;
END $$;
RESET search_path;
RESET ROLE;
SELECT ok(NOT pg_temp.called(), 'nothing that runs with the rights of the owner falls into it');
SELECT ok((SELECT count(*) >= 8 FROM rcq_private.live), 'all of that was done');

-- Nor does what runs with the rights of whoever reads or asks: views and what they call, with the rows of above, and the
-- questions of rcq.psql. (The statements of the command rcq: test/client/test_traps.py.)
\ir ../sql/traps.sql
\ir ../../deploy/psql/rcq.psql
CREATE TEMP TABLE asked AS
SELECT 'SELECT * FROM ' || v.schemaname || '.' || v.viewname AS statement, 'near' AS path FROM pg_views v WHERE v.schemaname IN ('rcq', 'rcq_api') AND v.viewname <> 'inbox'
UNION ALL
SELECT replace(replace(replace(rtrim(q, E';\n'), ':''since''', '''1 day'''), ':''idle_after''', '''1 minute'''), ':job', '0'), 'over, pg_catalog, near'
  FROM unnest(ARRAY[:'health', :'pending', :'queue', :'why', :'blocked_by', :'usage', :'shares', :'limits', :'hosts', :'sick', :'maintenance', :'top', :'slow', :'stuck', :'failures', :'inefficient', :'schedules',
                    :'changes', :'questions']) q;
SELECT is((SELECT count(*)::integer FROM asked WHERE path <> 'near'), (SELECT count(*)::integer FROM regexp_matches(:'questions', ''':\w+''', 'g')), 'all questions are asked');
GRANT SELECT ON asked TO regress_ann;
CREATE FUNCTION pg_temp.fault(statement text) RETURNS text LANGUAGE plpgsql SET search_path = near AS $$ BEGIN EXECUTE statement; RETURN 'none'; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END $$;
CREATE FUNCTION pg_temp.strict_fault(statement text) RETURNS text LANGUAGE plpgsql SET search_path = over, pg_catalog, near AS $$ BEGIN EXECUTE statement; RETURN 'none'; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END $$;
SELECT is(pg_temp.fault('SELECT id / 1.5 FROM rcq.jobs'), 'none', 'a statement of a superuser is not refused');
SELECT is((SELECT is_called FROM near.caught), true, 'and its trap works');
SELECT setval('near.caught', 1, false) \g /dev/null
SET ROLE regress_ann;
SELECT matches(pg_temp.fault('SELECT id / 1.5 FROM rcq.jobs WHERE false'), 'permission denied for function', 'those of others fail before their first row');
SELECT matches(pg_temp.strict_fault('SELECT count(*) FROM rcq.jobs'), 'permission denied for aggregate count', 'where they call what they do not name in full');
SELECT is(CASE path WHEN 'near' THEN pg_temp.fault(statement) ELSE pg_temp.strict_fault(statement) END, 'none', 'means nothing that others have made: ' || left(btrim(statement, E'\n'), 60)) FROM asked;
RESET ROLE;
SELECT is(pg_temp.fault(statement), 'none', 'nor of a superuser: ' || left(btrim(statement, E'\n'), 60)) FROM asked;
SELECT ok(NOT (SELECT is_called FROM near.caught), 'nothing was caught');

-- pgcrypto may be in a schema of somebody else, who adds to it what a call could mean as well
ALTER EXTENSION pgcrypto SET SCHEMA lair;
CREATE FUNCTION lair.crypt(varchar, varchar) RETURNS text LANGUAGE sql AS $$ SELECT lair.note(); SELECT $2 $$;
CREATE FUNCTION lair.gen_salt(text, bigint) RETURNS text LANGUAGE sql AS $$ SELECT lair.note(); SELECT 'salt' $$;
SELECT lives_ok($$SELECT rcq.set_password('regress_ann', 'battery staple')$$, 'a password is hashed');
SELECT is((rcq_private.try_password('ann@example.org', p)).user_id IS NOT NULL, p = 'battery staple', 'and compared: ' || p) FROM unnest('{correct horse,battery staple}'::text[]) p;
SELECT ok(NOT pg_temp.called(), 'by pgcrypto and nobody else');

-- where and how a part of the history is made, which the first job of it does, is not for its user to choose
SET CONSTRAINTS ALL IMMEDIATE; -- a table with pending checks cannot be dropped
DROP EXTENSION rcq;
CREATE EXTENSION rcq;
CREATE ACCESS METHOD regress_am TYPE TABLE HANDLER heap_tableam_handler;
SELECT rcq.add_user('regress_ann') \g /dev/null
SET ROLE regress_ann;
SET LOCAL default_tablespace = pg_global;
SET LOCAL default_table_access_method = regress_am;
SELECT lives_ok($$SELECT rcq.submit('true')$$, 'a job is stored, whatever tablespace its session prefers');
RESET ROLE;
SELECT is((SELECT string_agg(DISTINCT a.amname || c.reltablespace, ' ') FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.relname ~ '^(job|outcome|run|log)_p0$'), 'heap0', 'in that of the database');

SELECT * FROM finish();
ROLLBACK;
