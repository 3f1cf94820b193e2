-- The routes of administrators: nobody else may use one; what they change is changed, what is wrong is named.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
-- What a route answers, with times as T.
CREATE FUNCTION t.rest(route text, VARIADIC inputs text[]) RETURNS TABLE (status text, body text) LANGUAGE plpgsql AS $$
DECLARE
    i text;
BEGIN
    FOREACH i IN ARRAY inputs LOOP
        EXECUTE format('SELECT rcq_rest.%I($1)', route) INTO body USING convert_to(i, 'UTF8');
        body := regexp_replace(body, '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z', 'T', 'g');
        status := current_setting('response.status');
        RETURN NEXT;
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA t TO PUBLIC;
SELECT rcq.add_user('regress_ann'), t.node('regress_node_a');
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' '
-- each of them, by somebody who is none
SET ROLE regress_ann;
SELECT p.proname, r.status, r.body FROM pg_proc p, t.rest(p.proname, '') r WHERE p.pronamespace = 'rcq_rest'::regnamespace AND p.proname ~ '^admin_(?!audit|reset_password|rotate_secret)' ORDER BY p.proname COLLATE "C";
RESET ROLE;

-- groups
SELECT * FROM t.rest('admin_add_group', '{"name": "physics", "quota_cpu_hours": 100, "max_jobs": 5, "max_cores": 50, "default_estimate": "2 hours"}', '{"name": "physics"}', '{"name": "a b"}', '{"name": "x", "quota": 1}', '{"name": "x", "max_jobs": "many"}', '{}');
SELECT * FROM t.rest('admin_set_group', '{"id": 2, "priority": 8, "max_jobs": null, "quota_cpu_hours": null}', '{"id": 2, "max_gpus": 3, "max_cores": null}', '{"id": 2, "priority": null}', '{"id": 2, "priority": 11}', '{"id": 99, "priority": 1}', '{"id": "x"}', '{"id": 2, "colour": 1}');
SELECT g - 'created_at' FROM jsonb_array_elements(rcq_rest.admin_groups('')::jsonb -> 'groups') g;

-- users
SELECT * FROM t.rest('admin_add_user', '{"role_name": "regress_ben", "group_name": "physics", "max_priority": 6}', '{"role_name": "regress_ben"}', '{"role_name": "nobody_at_all"}', '{"role_name": "regress_cat", "group_name": "nowhere"}');
SELECT * FROM t.rest('admin_set_user', '{"id": 3, "max_pending": 10, "max_cores": 4, "unix_user": "ben"}', '{"id": 3, "max_cores": null, "unix_user": null}', '{"id": 3, "is_admin": "maybe"}', '{"id": 99}');
SELECT status FROM t.rest('admin_set_user', '{"id": 3, "password": "x"}');
SELECT u ->> 'id', u ->> 'role_name', u ->> 'group_name', u ->> 'max_pending', u ->> 'max_cores', u ->> 'unix_user' FROM jsonb_array_elements(rcq_rest.admin_users('')::jsonb -> 'users') u;
SELECT rcq_rest.admin_users('after=1&limit=1') #>> '{users,0,id}';

-- settings
SELECT * FROM t.rest('admin_set_setting', '{"name": "lease", "value": "45 s"}', '{"name": "policy", "value": "fifo"}', '{"name": "fairshare_cap", "value": 5}', '{"name": "user_fairness", "value": false}', '{"name": "lease", "value": null}',
    '{"name": "lease"}', '{"name": "lease", "value": []}', '{"name": "lease", "value": "-1"}');
SELECT status FROM t.rest('admin_set_setting', '{"name": "nothing", "value": 1}');
SELECT s ->> 'name', s ->> 'value' FROM json_array_elements(rcq_rest.admin_settings('') -> 'settings') s WHERE s ->> 'changed_by' IS NOT NULL;

-- executors and pauses
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 2, memory_gb => 4, gpu_count => 1);
RESET ROLE;
SELECT e ->> 'name', e ->> 'status', e ? 'info' FROM jsonb_array_elements(rcq_rest.admin_executors('')::jsonb -> 'executors') e;
SELECT * FROM t.rest('admin_drain_executor', '{"name": "regress_node_a", "reason": "disk"}', '{"name": "nobody"}', '{"name": "regress_node_a", "mode": "slowly"}', '{"name": "regress_node_a", "at": "whenever"}', '{"name": "regress_node_a", "why": "x"}');
SELECT e ->> 'name', e ->> 'status', e ->> 'reason' FROM jsonb_array_elements(rcq_rest.admin_executors('')::jsonb -> 'executors') e;
SELECT * FROM t.rest('admin_resume_executor', '{"name": "regress_node_a"}');
SELECT * FROM t.rest('admin_pause', '{"reason": "move"}', '{"group": "nowhere"}', '{"group": 5}');
SELECT rcq_rest.admin_stats('') #>> '{scheduler,paused}';
SELECT * FROM t.rest('admin_resume', '{}', '{"reason": "x"}');

-- statistics and usage
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.submit('waits', hold => true), rcq.cancel(rcq.submit('ended'));
SELECT t.wait($$(SELECT (rcq_rest.admin_stats('') #>> '{jobs,held}')::integer = 1)$$);
SELECT s -> 'jobs' #- '{ended_since}', s -> 'groups', s #> '{throughput,ended_last_hour}', s -> 'waits_last_hour', s -> 'utilisation' FROM (SELECT rcq_rest.admin_stats('')::jsonb) x(s);
SELECT s #>> '{scheduler,state}', (s #>> '{scheduler,cycles}')::integer > 0, s #>> '{jobs,ended_since}' IS NOT NULL FROM (SELECT rcq_rest.admin_stats('')::jsonb) x(s);
SELECT u -> 'users', u #>> '{groups,0,group_name}', u ->> 'window_begins' IS NOT NULL FROM (SELECT rcq_rest.admin_usage('')::jsonb) x(u);
SELECT p.proname, r.status, r.body FROM unnest('{admin_stats,admin_usage,admin_groups,admin_settings,admin_executors,admin_users,admin_schedules}'::text[]) p(proname), t.rest(p.proname, 'x=1') r;
\pset format aligned
\pset tuples_only off
\i :end
