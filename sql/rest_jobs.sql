-- The routes of jobs: submitting, reading, listing, changing, output; each status that they can have; whose jobs are whose.
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
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben'), t.node('regress_node_a');
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' '

-- submitting: 201; what is wrong is named, by its field and its limits
SET ROLE regress_ann;
SELECT * FROM t.rest('submit_job', '{"script": "echo one", "cpu_cores": 2, "memory_gb": 1.5, "gpu_count": 0, "estimated_hours": 0.5, "priority": 7}',
    '{"type": "add_numbers", "payload": {"numbers": [1, 2]}, "name": "sum", "project": "p", "tags": ["x", "y"], "time_limit": "2h", "env": {"A": "b"}, "idempotency_key": "k"}',
    '{"type": "add_numbers", "payload": {"numbers": [1, 2]}, "idempotency_key": "k"}');
SELECT * FROM t.rest('submit_job', '', '{"script": ""}', '{"script": 5}', '{"script": "x", "cpu_cores": 0}', '{"script": "x", "cpu_cores": 1.5}', '{"script": "x", "cpu_cores": "2"}', '{"script": "x", "memory_gb": 1e300}',
    '{"script": "x", "priority": 11}', '{"script": "x", "cpus": 1}', '{"script": "x", "deadline": "soon"}', '{"script": "x", "estimated_hours": -1}', '{"script": "x", "depends_on": "afterok:99"}',
    '{"type": "nothing"}', '{"type": "add_numbers", "payload": {"numbers": ["1"]}}', '[{"script": "x"}]');
SELECT * FROM t.rest('submit_jobs', '{"jobs": [{"script": "a"}, {"script": "b"}]}', '{"jobs": []}', '{"jobs": [{"script": "a"}, {"script": "b", "priority": 0}]}', '{"jobs": {}}', '{}', '{"job": []}');

-- one job: the fields that every client knows come first; those of others are not there
SELECT (json_each(rcq_rest.get_job('id=1'))).key;
SELECT key, value FROM json_each(rcq_rest.get_job('id=2')) WHERE key IN ('status', 'worker_id', 'started_at', 'user', 'group', 'type', 'payload', 'tags', 'project', 'time_limit_s', 'env', 'script');
SELECT * FROM t.rest('get_job', 'id=99', 'id=x', 'id=99999999999999999999', '', 'id=1&more=2');
SET ROLE regress_ben;
SELECT * FROM t.rest('get_job', 'id=1');
SELECT * FROM t.rest('cancel_job', '{"id": 1}');
SELECT * FROM t.rest('job_logs', 'id=1');
SELECT * FROM t.rest('job_runs', 'id=1');
SELECT * FROM t.rest('explain_job', 'id=1');
SELECT * FROM t.rest('list_jobs', '', 'user=regress_ann', 'group=default');
RESET ROLE;
SELECT status FROM t.rest('get_job', 'id=1');
-- who is no user has no routes
SET ROLE regress_cat;
SELECT rcq_rest.list_jobs('');
RESET ROLE;

-- changes
SET ROLE regress_ann;
SELECT * FROM t.rest('change_job', '{"id": 1, "priority": 9}', '{"id": 1}', '{"id": 1, "priority": 0}', '{"id": 1, "script": "x", "priority": 1}');
SELECT * FROM t.rest('hold_job', '{"id": 1}', '{"id": 1, "tasks": "1"}');
SELECT * FROM t.rest('release_job', '{"id": 1}', '{"id": 1}', '{"id": 1, "tasks": 5}');
SELECT * FROM t.rest('requeue_job', '{"id": 1}');
SELECT * FROM t.rest('resubmit_job', '{"id": 1}');
SELECT * FROM t.rest('cancel_job', '{"id": 2}', '{"id": 2}', '{"id": 1, "tasks": "1"}', '{"id": 1, "more": 1}');
SELECT status, body ~ '"resubmitted" : 2, "status" : "pending"' FROM t.rest('resubmit_job', '{"id": 2}');
SELECT status, json_array_length(body::json -> 'findings') > 0 FROM t.rest('explain_job', 'id=1');
RESET ROLE;

-- a run: its executor, its output, its end
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 2);
SELECT job FROM t.take();
SELECT t.log(1, 1, 'stdout', 'one' || E'\ntwo\n'::bytea), t.log(1, 3, 'stderr', '\x62616400ff0a'::bytea), t.log(1, 4, 'stdout', E'four\n'::bytea);
RESET ROLE;
SET ROLE regress_ann;
SELECT key, value FROM json_each(rcq_rest.get_job('id=1')) WHERE key IN ('status', 'reason', 'worker_id', 'executor', 'attempt');
SELECT key, value::text ~ '^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"$' AS is_rfc3339 FROM json_each(rcq_rest.get_job('id=1')) WHERE key IN ('submitted_at', 'started_at', 'completed_at');
SELECT body::json -> 'count', body::json #>> '{jobs,0,status}', body::json #>> '{jobs,0,worker_id}' FROM t.rest('list_jobs', 'status=running');
BEGIN;
SELECT rcq_rest.job_logs('id=1');
SELECT current_setting('response.headers');
SELECT rcq_rest.job_logs('id=1&after=1&limit=1');
SELECT current_setting('response.headers');
SELECT rcq_rest.job_logs('id=1&after=2&stream=stdout&attempt=1');
SELECT current_setting('response.headers');
SELECT rcq_rest.job_logs('id=1&after=4');
SELECT current_setting('response.headers');
COMMIT;
SELECT * FROM t.rest('job_logs', 'id=1&stream=all', 'id=1&limit=0', 'id=1&limit=10001', 'id=1&after=-1', 'id=1&attempt=0', 'id=1&follow=1');
SELECT * FROM t.rest('cancel_job', '{"id": 1}');
SELECT value FROM json_each(rcq_rest.get_job('id=1')) WHERE key IN ('status', 'reason');
RESET ROLE;
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled'));
RESET ROLE;
SET ROLE regress_ann;
SELECT key, value FROM json_each(rcq_rest.get_job('id=1')) WHERE key IN ('status', 'worker_id', 'attempt');
SELECT body::json #>> '{runs,0,executor}', body::json #>> '{runs,0,status}', body::json ->> 'count' FROM t.rest('job_runs', 'id=1');
BEGIN;
SELECT rcq_rest.job_logs('id=1&after=3');
SELECT current_setting('response.headers');
COMMIT;

-- lists: newest first, by status, in pages; an unknown status is an error
SELECT s.status, r.status, r.body::json ->> 'count', (SELECT string_agg(j ->> 'id', ' ') FROM json_array_elements(r.body::json -> 'jobs') j) FROM unnest('{pending,running,completed,failed,cancelled}'::text[]) s(status), t.rest('list_jobs', 'status=' || s.status) r;
SELECT (SELECT string_agg(j ->> 'id', ' ') FROM json_array_elements(r.body::json -> 'jobs') j), r.body::json ->> 'next_before' FROM t.rest('list_jobs', '', 'limit=2', 'limit=2&before=6', 'limit=2&offset=1', 'offset=100', 'project=p', 'name=sum', 'tag=y', 'tag=y&status=pending', 'project=p&status=cancelled', 'project=q', 'name=sum&status=running') r;
SELECT * FROM t.rest('list_jobs', 'status=done', 'status=assigned', 'limit=0', 'limit=1001', 'limit=x', 'offset=-1', 'before=0', 'page=2', 'user=regress_ben');
RESET ROLE;
SELECT r.status, (SELECT string_agg(j ->> 'user', ' ') FROM json_array_elements(r.body::json -> 'jobs') j) FROM t.rest('list_jobs', 'user=regress_ann&limit=1', 'user=regress_ben', 'group=default&limit=2', 'status=cancelled', 'status=failed', 'user=nobody', 'group=nobody') r;

-- all states, as everybody and as one: found by whichever way
SELECT bool_and(COALESCE(rcq_private.newest_jobs(u, s, 100, 10, 0), '{}') = ARRAY(SELECT v.id FROM rcq.jobs v WHERE replace(v.status, 'assigned', 'pending') = COALESCE(s, replace(v.status, 'assigned', 'pending')) AND v.user_id = COALESCE(u, v.user_id) ORDER BY v.id DESC)), count(*)
  FROM unnest('{pending,running,completed,failed,cancelled,NULL}'::text[]) s, (SELECT id FROM rcq.users UNION ALL SELECT NULL) x(u);
\pset format aligned
\pset tuples_only off
\i :end
