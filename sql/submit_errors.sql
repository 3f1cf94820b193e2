-- Every request that cannot be fulfilled is refused with SQLSTATE class RC, says what is wrong and what is allowed, and
-- leaves nothing behind.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '

-- resources
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', cpu_cores => -1)$$,
    $$SELECT rcq.submit('true', cpu_cores => 0)$$,
    $$SELECT rcq.submit('true', cpu_cores => 100001)$$,
    $$SELECT rcq.submit('true', cpu_cores => 2147483647)$$,
    $$SELECT rcq.submit('true', memory_gb => 0)$$,
    $$SELECT rcq.submit('true', memory_gb => -0.5)$$,
    $$SELECT rcq.submit('true', memory_gb => 2097152)$$,
    $$SELECT rcq.submit('true', memory_gb => 1e9)$$,
    $$SELECT rcq.submit('true', memory_gb => 'NaN')$$,
    $$SELECT rcq.submit('true', memory_gb => 'Infinity')$$,
    $$SELECT rcq.submit('true', gpu_count => -1)$$,
    $$SELECT rcq.submit('true', gpu_count => 10001)$$);

-- script, name, directory
SELECT * FROM t.errors(
    $$SELECT rcq.submit('')$$,
    $$SELECT rcq.submit(E' \n\t ')$$,
    $$SELECT rcq.submit(NULL)$$,
    $$SELECT rcq.submit(repeat('x', 1048577))$$,
    $$SELECT rcq.submit('true', name => '')$$,
    $$SELECT rcq.submit('true', name => repeat('n', 201))$$,
    $$SELECT rcq.submit('true', name => E'two\nlines')$$,
    $$SELECT rcq.submit('true', workdir => '')$$,
    $$SELECT rcq.submit('true', workdir => 'data/run')$$,
    $$SELECT rcq.submit('true', workdir => '/data/../etc')$$,
    $$SELECT rcq.submit('true', workdir => '/' || repeat('d', 4096))$$);

-- times, priority, retries, disconnection
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', estimated_hours => 0)$$,
    $$SELECT rcq.submit('true', estimated_hours => -1)$$,
    $$SELECT rcq.submit('true', estimated_hours => 1e9)$$,
    $$SELECT rcq.submit('true', time_limit => '0')$$,
    $$SELECT rcq.submit('true', time_limit => '-1 hour')$$,
    $$SELECT rcq.submit('true', time_limit => '100 years')$$,
    $$SELECT rcq.submit('true', time_limit => '1 hour', estimated_hours => 1.5)$$,
    $$SELECT rcq.submit('true', priority => 0)$$,
    $$SELECT rcq.submit('true', priority => 11)$$,
    $$SELECT rcq.submit('true', max_retries => -1)$$,
    $$SELECT rcq.submit('true', max_retries => 1001)$$,
    $$SELECT rcq.submit('true', on_disconnect => 'wait')$$);

-- environment
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', env => '["A", "B"]')$$,
    $$SELECT rcq.submit('true', env => '"A=1"')$$,
    $$SELECT rcq.submit('true', env => 'null')$$,
    $$SELECT rcq.submit('true', env => '{"A": null}')$$,
    $$SELECT rcq.submit('true', env => '{"A": {"B": "C"}}')$$,
    $$SELECT rcq.submit('true', env => '{"A": [1]}')$$,
    $$SELECT rcq.submit('true', env => '{"A": []}')$$,
    $$SELECT rcq.submit('true', env => '{"": "x"}')$$,
    $$SELECT rcq.submit('true', env => '{"1A": "x"}')$$,
    $$SELECT rcq.submit('true', env => '{"A B": "x"}')$$,
    $$SELECT rcq.submit('true', env => '{"RCQ_JOB_ID": "1"}')$$,
    $$SELECT rcq.submit('true', env => jsonb_build_object('A', repeat('x', 131072)))$$);

-- features
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', features => '{gpu-a100}')$$,
    $$SELECT rcq.submit('true', features => ARRAY[NULL]::text[])$$);
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(features => '{avx2, scratch}');
RESET ROLE;
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', features => '{avx2, gpu-a100}')$$,
    $$SELECT rcq.submit('true', features => '{AVX2}')$$,
    $$SELECT rcq.submit('true', features => array_fill('avx2'::text, ARRAY[33]))$$);

-- limits that administrators set: script size, time, priority of a user, a default time limit
SELECT rcq.set('max_script_bytes', '10'), rcq.set('max_time_limit', '2 hours'), rcq.set('default_time_limit', '1 hour');
SELECT rcq.add_user('regress_ann', max_priority => 7);
SET ROLE regress_ann;
SELECT * FROM t.errors(
    $$SELECT rcq.submit('eleven char')$$,
    $$SELECT rcq.submit('true', time_limit => '3 hours')$$,
    $$SELECT rcq.submit('true', estimated_hours => 1.5)$$,
    $$SELECT rcq.submit('true', priority => 8)$$);
RESET ROLE;
SELECT rcq.set('max_script_bytes', NULL), rcq.set('max_time_limit', NULL), rcq.set('default_time_limit', NULL);

-- a list of jobs is refused as a whole, and the job at fault is named by its place
SELECT * FROM t.errors(
    $$SELECT rcq.submit_many(NULL)$$,
    $$SELECT rcq.submit_many('null')$$,
    $$SELECT rcq.submit_many('{"script": "true"}')$$,
    $$SELECT rcq.submit_many('["true"]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, null]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "cores": 2}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "cpu_cores": 0}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"name": "no script"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "priority": 11}]')$$);
-- wrong types
SELECT * FROM t.errors(
    $$SELECT rcq.submit_many('[{"script": "true", "cpu_cores": "two"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "cpu_cores": 1.5}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "cpu_cores": true}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "cpu_cores": 3000000000}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "memory_gb": [1]}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "memory_gb": 1e300}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "time_limit": "soon"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "features": "avx2"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "hold": "maybe"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "env": "A=1"}]')$$);
-- texts are texts: an object is no script
SELECT code FROM t.errors(
    $$SELECT rcq.submit_many('[{"script": {"command": "true"}}]')$$,
    $$SELECT rcq.submit_many('[{"script": ["true"]}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "name": {"first": "x"}}]')$$);
SELECT count(*) AS jobs_of_an_empty_list FROM rcq.submit_many('[]');

-- groups and users that are not there, or are there already
SELECT * FROM t.errors(
    $$SELECT rcq.add_user('regress_ben', 'no such group')$$,
    $$SELECT rcq.add_user('regress_nobody')$$,
    $$SELECT rcq.add_user(NULL)$$,
    $$SELECT rcq.add_user('regress_ann')$$,
    $$SELECT rcq.add_user('regress_ben', max_priority => 11)$$,
    $$SELECT rcq.set_user('regress_ben', max_priority => 3)$$,
    $$SELECT rcq.set_user('regress_ann', group_name => 'no such group')$$,
    $$SELECT rcq.add_group('default')$$,
    $$SELECT rcq.add_group('')$$,
    $$SELECT rcq.add_group(NULL)$$,
    $$SELECT rcq.add_group('two words')$$,
    $$SELECT rcq.add_group('g', quota_cpu_hours => -1)$$,
    $$SELECT rcq.add_group('g', quota_cpu_hours => 'NaN')$$,
    $$SELECT rcq.add_group('g', quota_mode => 'strict')$$,
    $$SELECT rcq.add_group('g', priority => 0)$$,
    $$SELECT rcq.add_group('g', default_estimate => '0')$$,
    $$SELECT rcq.set_group('no such group', priority => 5)$$,
    $$SELECT rcq.create_executor_login('regress_node_a')$$,
    $$SELECT rcq.create_executor_login('regress_ann')$$,
    $$SELECT rcq.create_executor_login('a b')$$);

-- nothing was left behind, and ids go up in the order of submission, within a list in the order of the list
SELECT (SELECT count(*) FROM rcq_private.job) AS jobs, (SELECT count(*) FROM rcq_private.live) AS live,
       (SELECT count(*) FROM rcq_private.groups) AS groups, (SELECT count(*) FROM rcq_private.users) AS users;
SELECT rcq.submit('one', hold => true) AS one \gset
SELECT count(*) AS ids, bool_and(id > :one) AS later, bool_and(id = first_id + n - 1) AS in_order
  FROM (SELECT id, n, min(id) OVER () AS first_id
          FROM rcq.submit_many((SELECT jsonb_agg(jsonb_build_object('script', 'number ' || i, 'hold', true) ORDER BY i) FROM generate_series(1, 500) i)) WITH ORDINALITY s(id, n)) s;
SELECT bool_and(script = 'number ' || (id - :one)) AS every_script_has_its_id FROM rcq.jobs WHERE id > :one;

-- NULL means the default; what is at the edge of a range is accepted
SELECT rcq.submit('true', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS id \gset
\pset format aligned
\pset tuples_only off
SELECT cpu_cores, memory_gb, gpu_count, estimate, time_limit, priority, max_retries, name, workdir, env, features, requeue, on_disconnect FROM rcq.jobs WHERE id = :id;
SELECT rcq.submit('true', 100000, 2097151.999, 10000, 87600, '87600 hours', 10, 1000, repeat('n', 200), '/' || repeat('d', 4095), '{"_a1": "", "B": 1, "C": true}',
                  '{scratch,avx2,avx2}', true, false, 'kill') AS id \gset
SELECT cpu_cores, memory_gb, gpu_count, estimate, time_limit, priority, max_retries, length(name), length(workdir), env, features, requeue, on_disconnect
  FROM rcq.jobs WHERE id = :id;
SELECT rcq.submit('true', cpu_cores => 1, memory_gb => 0.0001, hold => true) AS id \gset
SELECT cpu_cores, memory_gb FROM rcq.jobs WHERE id = :id;
SELECT rcq.submit_many('[{"script": "true", "time_limit": 90, "hold": true}]') AS id \gset
SELECT time_limit FROM rcq.jobs WHERE id = :id;
\i :end
