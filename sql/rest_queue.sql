-- The routes that show the queue, groups, executors and schedules: whole to whom they belong, others without what they are.
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
CREATE FUNCTION t.seen(input text) RETURNS TABLE (line text) LANGUAGE sql AS $$
    SELECT concat_ws(' ', q ->> 'position', COALESCE(q ->> 'id', '-'), COALESCE(q ->> 'user', '-'), COALESCE(q ->> 'name', '-'), q ->> 'group', q ->> 'own', q ->> 'cpu_cores', q ->> 'memory_gb', q ->> 'reason',
                     (q ->> 'final_priority')::numeric > 0, (q ->> 'waiting_s')::numeric >= 0) FROM json_array_elements(rcq_rest.list_queue(convert_to(input, 'UTF8')) -> 'queue') q $$;
GRANT USAGE ON SCHEMA t TO PUBLIC;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben'), t.node('regress_node_a');
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' '
SET ROLE regress_ann;
SELECT rcq.submit('secret of ann', priority => 9, name => 'of ann');
RESET ROLE;
SET ROLE regress_ben;
SELECT rcq.submit('secret of ben', priority => 5, name => 'of ben');
SELECT t.wait($$(SELECT count(*) = 2 FROM json_array_elements(rcq_rest.list_queue('') -> 'queue'))$$);
-- each sees their own jobs whole, administrators all of them
SELECT * FROM t.seen('');
RESET ROLE;
SET ROLE regress_ann;
SELECT rcq_rest.list_queue('')::text ~ 'ben';
RESET ROLE;
SELECT q ->> 'id', q ->> 'user', q ->> 'own' FROM json_array_elements(rcq_rest.list_queue('') -> 'queue') q;
SELECT json_array_length(rcq_rest.list_queue('limit=1') -> 'queue'), rcq_rest.list_queue('offset=1') #>> '{queue,0,position}', rcq_rest.list_queue('offset=5')::text;
SELECT * FROM t.rest('list_queue', 'limit=0', 'limit=1001', 'offset=x', 'status=pending');

-- groups and executors, for everybody
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 2, memory_gb => 4);
RESET ROLE;
SET ROLE regress_ann;
SELECT g ->> 'name', g ->> 'fair_share', g ->> 'pending_jobs' IS NOT NULL FROM json_array_elements(rcq_rest.list_groups('') -> 'groups') g;
SELECT e ->> 'name', e ->> 'cpu_cores', e ->> 'memory_gb', e ? 'info' FROM jsonb_array_elements(rcq_rest.list_executors('')::jsonb -> 'executors') e;
SELECT * FROM t.rest('list_executors', 'x=1');
SELECT * FROM t.rest('list_groups', 'x=1');

-- schedules
SELECT * FROM t.rest('create_schedule', '{"name": "nightly", "cron": "0 3 * * *", "script": "true", "options": {"cpu_cores": 2}}', '{"name": "nightly", "cron": "nonsense", "script": "true"}', '{"name": "n2", "cron": "@hourly", "options": []}',
    '{"name": "n2", "cron": "@hourly", "script": "true", "missed": "maybe"}', '{"name": 5, "cron": "@hourly"}', '{"name": "n3", "cron": "@hourly", "script": "true", "more": 1}');
SELECT s ->> 'name', s ->> 'cron', s ->> 'state', s ->> 'user', s ->> 'next_fire' ~ 'T03:00:00.000000Z$' FROM json_array_elements(rcq_rest.list_schedules('') -> 'schedules') s;
SELECT * FROM t.rest('pause_schedule', '{"name": "nightly"}', '{"name": "other"}');
SELECT s ->> 'name', s ->> 'state' FROM json_array_elements(rcq_rest.list_schedules('') -> 'schedules') s;
SELECT * FROM t.rest('resume_schedule', '{"name": "nightly"}');
RESET ROLE;
SET ROLE regress_ben;
SELECT * FROM t.rest('list_schedules', '', 'a=b');
SELECT status FROM t.rest('delete_schedule', '{"name": "nightly"}');
SELECT * FROM t.rest('admin_schedules', '');
RESET ROLE;
SELECT s ->> 'name', s ->> 'user' FROM json_array_elements(rcq_rest.admin_schedules('') -> 'schedules') s;
SET ROLE regress_ann;
SELECT * FROM t.rest('delete_schedule', '{"name": "nightly"}', '{"name": "nightly"}');
RESET ROLE;
\pset format aligned
\pset tuples_only off
\i :end
