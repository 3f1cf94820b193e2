-- Options in #RCQ lines of a script: what they come to on every way in, what wins, what is refused and where.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
\set QUIET on
CREATE EXTENSION rcq;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben', max_priority => 6);
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8, memory_gb => 64, gpu_count => 2, features => '{avx512,nvme}', gpu_type => 'a100');
RESET ROLE;
-- The latest job.
CREATE FUNCTION t.last() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT max(id) FROM rcq_private.job';
-- A script of these directives.
CREATE FUNCTION t.script(VARIADIC directives text[]) RETURNS text LANGUAGE sql AS
    $$SELECT E'#!/bin/sh\n' || string_agg('#RCQ ' || d, E'\n') || E'\necho\n' FROM unnest(directives) d$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC;
SET ROLE regress_ann;
\set QUIET off

-- all of them, in all forms
\pset expanded on
SELECT rcq.submit(t.script('-c 4 --cpu-cores-min=2 --memory 32G -g1 --gpu-type "a100" # half a host', '-t 1-12:00:00 --estimate=90m -p 7 -J "train it" --workdir=/data',
    '--env A=1 --env "B=two words"', '--features avx512 --features nvme --constraints avx512|nvme', '--hold --exclusive --preemptible --no-requeue', '--begin=2031-01-01T00:00:00Z --deadline "2032-01-01 00:00+00"',
    '-a 1-10:3%2 --after singleton --on-dependency-failed=wait', '--max-retries=3 --retry-on=oom,75 --retry-delay 30s --retry-backoff=exponential --retry-max-delay=1h --retry-jitter=0.1 --retry-memory-factor=2',
    '--on-disconnect kill --concurrency-key k --project genome --tag run=7 --tag "blast, all"')) AS job \gset
SELECT cpu_cores, cpu_cores_min, memory_gb, gpu_count, gpu_type, time_limit, estimate, priority, name, workdir, env, features, constraints, reason, exclusive, preemptible, requeue, begin_time, deadline,
       array_spec, array_size, depends_on, max_retries, retry, on_disconnect, concurrency_key, project, tags FROM rcq.jobs WHERE id = :job;
\pset expanded off
RESET ROLE;
SELECT held, array_throttle FROM rcq_private.live WHERE job_id = :job;
SELECT wait_if_unmet FROM rcq_private.job WHERE id = :job;
SET ROLE regress_ann;

-- none: the defaults, as without a script that says something
SELECT rcq.submit('true') AS job \gset
SELECT cpu_cores, memory_gb, gpu_count, priority, max_retries, requeue, on_disconnect, exclusive, preemptible, name, env FROM rcq.jobs WHERE id = :job;
SELECT rcq.submit(E'#!/bin/sh\necho start\n#RCQ --cpu-cores=7 --nonsense\ncat <<END\n#RCQ --memory=7\nEND\n') AS job \gset
SELECT cpu_cores, memory_gb FROM rcq.jobs WHERE id = :job;
SELECT rcq.submit(E' #RCQ --nonsense\n##RCQ --nonsense\n#RCQ\n#RCQ--nonsense\n#rcq --nonsense\ntrue') AS job \gset
SELECT cpu_cores, memory_gb FROM rcq.jobs WHERE id = :job;
SELECT rcq.submit(E'#!/bin/sh\r\n#RCQ -c 2\r\n#RCQ --hold\r\ntrue\r\n') AS job \gset
SELECT cpu_cores, reason FROM rcq.jobs WHERE id = :job;

-- what the call says wins, also when it is the default; of fields with several values all of it; NULL says nothing
SELECT rcq.submit(t.script('-c 4 -m 32 --hold --no-requeue --max-retries=2 --env A=1 --priority=9 --on-disconnect=kill'), cpu_cores => 1, memory_gb => NULL, hold => false, env => '{"B": "2"}', priority => 5,
    on_disconnect => 'continue', max_retries => 0) AS job \gset
SELECT cpu_cores, memory_gb, reason IS NOT DISTINCT FROM 'held' AS held, requeue, env, priority, on_disconnect, max_retries FROM rcq.jobs WHERE id = :job;

-- every way in
SELECT count(*) FROM rcq.submit_many(jsonb_build_array(jsonb_build_object('script', t.script('-c 3 -m 2'), 'cpu_cores', 5), jsonb_build_object('script', t.script('-c 3 -m 2'), 'name', 'b', 'memory_gb', NULL)));
SELECT cpu_cores, memory_gb, name FROM rcq.jobs WHERE id > t.last() - 2 ORDER BY id;
SELECT key FROM rcq.submit_graph(jsonb_build_array(jsonb_build_object('key', 'a', 'script', t.script('-c 3 --array=1-3 --hold')),
    jsonb_build_object('key', 'b', 'script', t.script('--array=1-3 --hold'), 'needs', '{"aftercorr": ["a"]}'::jsonb))) ORDER BY key;
SELECT cpu_cores, array_spec FROM rcq.jobs WHERE id > t.last() - 2 ORDER BY id;
INSERT INTO rcq.inbox (script, cpu_cores) VALUES (t.script('-c 3 -m 2'), NULL), (t.script('-c 3 -m 2'), 4), ('true', 5);
SELECT cpu_cores, memory_gb FROM rcq.jobs WHERE id > t.last() - 3 ORDER BY id;
SELECT rcq_rest.submit_job(convert_to(jsonb_build_object('script', t.script('-c 3 --name="by http"'), 'memory_gb', 4)::text, 'UTF8')) IS NOT NULL AS answered, current_setting('response.status') AS status;
SELECT cpu_cores, memory_gb, name FROM rcq.jobs WHERE id = t.last();
SELECT rcq_rest.submit_jobs(convert_to(jsonb_build_object('jobs', jsonb_build_array(jsonb_build_object('script', t.script('-c 3'))))::text, 'UTF8')) IS NOT NULL AS answered, current_setting('response.status') AS status;
SELECT cpu_cores FROM rcq.jobs WHERE id = t.last();
SELECT message FROM rcq.explain_submit(t.script('-c 3 --hold --begin=2031-01-01T00:00:00Z')) WHERE kind = 'state' OR reason IN ('held', 'begin_time') ORDER BY 1;
SELECT message FROM rcq.explain_submit(t.script('-c 3 -m 1000')) WHERE reason = 'never_fits';
SELECT rcq.schedule('nightly', '@daily', t.script('-c 3 -m 2'), options => '{"memory_gb": 5}') > 0 AS scheduled;
RESET ROLE;
UPDATE rcq_private.schedule s SET next_at = '2040-01-01 00:00Z', anchor = '2039-12-31 00:00Z';
SELECT rcq_private.fire_due('2040-01-01 00:00:01Z') IS NOT NULL AS served;
SET ROLE regress_ann;
SELECT cpu_cores, memory_gb, schedule_name FROM rcq.jobs WHERE id = t.last();
-- a typed job has no script; its payload is none
SELECT rcq.submit_task('reverse_string', '{"text": "#RCQ --cpu-cores=7"}') AS job \gset
SELECT cpu_cores FROM rcq.jobs WHERE id = :job;
-- times from now, also elsewhere
SELECT rcq.submit(t.script('--begin=now+2h --deadline="now+3 days"')) AS job \gset
SELECT begin_time - submitted_at BETWEEN '119 min' AND '2 h' AS in_two_hours, deadline - submitted_at BETWEEN '71 h' AND '3 days' AS in_three_days FROM rcq.jobs WHERE id = :job;
SELECT rcq.submit_many('[{"script": "x", "begin_time": "now+2h"}]') AS job \gset
SELECT begin_time - submitted_at BETWEEN '119 min' AND '2 h' AS in_two_hours FROM rcq.jobs WHERE id = :job;

-- submitted anew it is what it came to, whatever the script says
SELECT rcq.submit(t.script('-c 4 -m 8 --after singleton --hold --begin=2031-01-01T00:00:00Z --max-retries=2 --priority=8 -J again'), cpu_cores => 2) AS job \gset
SELECT rcq.cancel(:job);
SELECT new_job_id AS again FROM rcq.resubmit(ARRAY[:job]) \gset
SELECT cpu_cores, memory_gb, depends_on, begin_time, max_retries, priority, name, reason IS NOT DISTINCT FROM 'held' AS held, script = t.script('-c 4 -m 8 --after singleton --hold --begin=2031-01-01T00:00:00Z --max-retries=2 --priority=8 -J again') AS as_it_was
  FROM rcq.jobs WHERE id = :again;

-- what is refused, by its line
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT * FROM t.errors($$SELECT rcq.submit(t.script('-c 2', '--cpu-core=8'))$$, $$SELECT rcq.submit(t.script('--mem=4G'))$$, $$SELECT rcq.submit(t.script('--frobnicate'))$$, $$SELECT rcq.submit(t.script('-c'))$$,
    $$SELECT rcq.submit(t.script('-c 8 -m 3X'))$$, $$SELECT rcq.submit(t.script('-c 8', '-m 1', '--cpu-cores=8'))$$, $$SELECT rcq.submit(t.script('--name="open'))$$, $$SELECT rcq.submit(t.script('cpu-cores=8'))$$,
    $$SELECT rcq.submit(t.script('--time-limit=90'))$$, $$SELECT rcq.submit(t.script('--idempotency-key=k'))$$, $$SELECT rcq.submit(t.script('--external-id=5f6a0c0e-0000-4000-8000-000000000001'))$$,
    $$SELECT rcq.submit(t.script('--script=true'))$$, $$SELECT rcq.submit(t.script('--user=regress_ben'))$$, $$SELECT rcq.submit(t.script('--type=add_numbers'))$$, $$SELECT rcq.submit(t.script('--array=10-1'))$$,
    $$SELECT rcq.submit(t.script('--after=41'))$$, $$SELECT rcq.submit(t.script('--begin="when it is nice"'))$$, $$SELECT rcq.submit(t.script('--begin=now+soon'))$$,
    $$SELECT rcq.submit(t.script('--env A=1', '--env A=2'))$$, $$SELECT rcq.submit(t.script('--hold true'))$$);
-- what the rules of a submission refuse, too: where a directive says it, and not where the call does
SELECT * FROM t.errors($$SELECT rcq.submit(t.script('-m 1', '-c 0'))$$, $$SELECT rcq.submit(t.script('-c 2'), cpu_cores => 0)$$, $$SELECT rcq.submit(t.script('-p 11'))$$, $$SELECT rcq.submit(t.script('--workdir=here'))$$,
    $$SELECT rcq.submit(t.script('--env RCQ_X=1'))$$, $$SELECT rcq.submit(t.script('--env 1=1'))$$, $$SELECT rcq.submit(t.script('--constraints="avx512&"'))$$, $$SELECT rcq.submit(t.script('--gpu-type=a100'))$$, $$SELECT rcq.submit(t.script('--retry-on=bad_luck'))$$,
    $$SELECT rcq.submit(t.script('--deadline=2001-01-01T00:00:00Z'))$$, $$SELECT rcq.submit(t.script('--tag', '-c 0'))$$, $$SELECT rcq.submit(t.script('--features=moon'))$$, $$SELECT rcq.submit(t.script('--consumable=moon'))$$,
    $$SELECT rcq.submit(t.script('--after=ok:999999999'))$$);
-- in lists the job is named, too
SELECT * FROM t.errors($$SELECT rcq.submit_many(jsonb_build_array(jsonb_build_object('script', 'true'), jsonb_build_object('script', t.script('-c 1', '--cpu-core=8'))))$$,
    $$SELECT rcq.submit_many(jsonb_build_array(jsonb_build_object('script', 'true'), jsonb_build_object('script', t.script('-c 1', '-m 0'))))$$,
    $$SELECT rcq.submit_graph(jsonb_build_array(jsonb_build_object('key', 'a', 'script', 'true'), jsonb_build_object('key', 'b', 'script', t.script('-c 0'))))$$,
    $$INSERT INTO rcq.inbox (script) VALUES ('true'), (t.script('--nonsense'))$$, $$INSERT INTO rcq.inbox (script) VALUES ('true'), (t.script('-c 0'))$$, $$INSERT INTO rcq.inbox (script) VALUES (t.script('-c 0'))$$,
    $$SELECT rcq.schedule('s', '@daily', t.script('-c 0'))$$, $$SELECT rcq.schedule('s', '@daily', t.script('--after=singleton'))$$, $$SELECT rcq.schedule('s', '@daily', t.script('--begin=now+1h'))$$,
    $$SELECT rcq.schedule('s', '@daily', t.script('--deadline=now+1h'))$$, $$SELECT rcq.schedule('s', '@daily', t.script('--cpu-core=8'))$$,
    $$SELECT * FROM rcq.explain_submit(t.script('--cpu-core=8'))$$, $$SELECT * FROM rcq.explain_submit(t.script('-c 0'))$$, $$SELECT * FROM rcq.explain_submit(t.script('--retry-jitter=2'))$$);
-- a script has the rights of who submits it
RESET ROLE;
SET ROLE regress_ben;
SELECT * FROM t.errors($$SELECT rcq.submit(t.script('--priority=7'))$$, format($$SELECT rcq.submit(t.script('--after=ok:%s'))$$, 1));
RESET ROLE;
-- over HTTP: 400, and nothing is stored
CREATE FUNCTION t.rest(route text, body jsonb) RETURNS TABLE (status text, answer text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT rcq_rest.%I($1)', route) INTO answer USING convert_to(body::text, 'UTF8');
    status := current_setting('response.status');
    RETURN NEXT;
END $$;
SELECT t.last() AS before \gset
SELECT * FROM t.rest('submit_job', jsonb_build_object('script', t.script('-c 1', '--cpu-core=8')));
SELECT * FROM t.rest('submit_jobs', jsonb_build_object('jobs', jsonb_build_array(jsonb_build_object('script', 'true'), jsonb_build_object('script', t.script('-m lots')))));
SELECT t.last() = :before AS nothing_stored;
-- as many as there may be, and as far as they may stand
SELECT * FROM t.errors($$SELECT rcq.submit(string_agg(format(E'#RCQ --env=A%s=1\n', n), '') || 'true') FROM generate_series(1, 257) n$$,
    $$SELECT rcq.submit(repeat(E'#\n', 40000) || E'#RCQ -c 2\ntrue')$$);
\i :end
