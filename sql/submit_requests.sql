-- What a job may ask for beyond cores, memory and GPUs: fewer cores if need be, models of GPU, an expression over features,
-- named amounts, a host of its own, to be preempted, a key that limits it together with others.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a'), t.node('regress_node_b');
SET ROLE regress_node_a;
SELECT t.register(features => '{avx2, avx512, ssd}');
SET ROLE regress_node_b;
SELECT t.register(features => '{avx2, nvme}');
RESET ROLE;
UPDATE rcq_private.executor SET gpu_type = CASE name WHEN 'regress_node_a' THEN 'a100' ELSE 'h100' END;
INSERT INTO rcq_private.consumable VALUES (1, 'matlab', 4), (1, 'scratch_gb', 500), (2, 'matlab', 2);

-- all of it is stored for the job and for its life; expressions are canonical, amounts are whole, keys are in order
CREATE FUNCTION t.asked(id bigint) RETURNS TABLE (cpu_cores_min integer, gpu_type text, constraints text, consumables jsonb, exclusive boolean, preemptible boolean, concurrency_key text)
LANGUAGE sql AS $$
    SELECT cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key FROM rcq_private.job WHERE job.id = asked.id
    INTERSECT
    SELECT cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key FROM rcq_private.live WHERE job_id = asked.id
$$;
SELECT a.* FROM rcq.submit('true', hold => true) id, t.asked(id) a;
SELECT a.* FROM rcq.submit('true', hold => true, cpu_cores => 8, cpu_cores_min => 2, gpu_count => 1, gpu_type => 'h100 | a100|h100', constraints => 'ssd|( nvme&!(avx512|ssd) )',
                           consumables => '{"scratch_gb": 100.0, "matlab": 1e0}', exclusive => true, preemptible => true, concurrency_key => 'Zenodo Übertragung') id, t.asked(id) a;
SELECT a.* FROM rcq.submit_many('[{"script": "true", "hold": true},
    {"script": "true", "hold": true, "cpu_cores": 4, "cpu_cores_min": 4, "gpu_count": 2, "gpu_type": "a100", "constraints": "avx2", "consumables": {"matlab": 2}, "exclusive": true, "preemptible": true, "concurrency_key": "k"},
    {"script": "true", "hold": true, "cpu_cores_min": null, "gpu_type": null, "constraints": null, "consumables": null, "exclusive": null, "preemptible": null, "concurrency_key": null},
    {"script": "true", "hold": true, "consumables": {}, "exclusive": false, "preemptible": false}]') WITH ORDINALITY s(id, n), t.asked(id) a ORDER BY n;
-- the longest of everything
SELECT a.cpu_cores_min, length(a.concurrency_key) AS key, length(a.constraints) AS constraints, a.consumables
  FROM rcq.submit('true', hold => true, cpu_cores => 100000, cpu_cores_min => 100000, concurrency_key => repeat('k', 200),
                  constraints => repeat('(', 50) || '!nothing_like_this' || repeat(')', 50) || repeat(' ', 882), consumables => '{"matlab": 1000000000}') id, t.asked(id) a;

-- what is refused
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', cpu_cores => 4, cpu_cores_min => 5)$$,
    $$SELECT rcq.submit('true', cpu_cores_min => 0)$$,
    $$SELECT rcq.submit('true', gpu_type => 'a100')$$,
    $$SELECT rcq.submit('true', gpu_count => 1, gpu_type => '')$$,
    $$SELECT rcq.submit('true', gpu_count => 1, gpu_type => 'A100')$$,
    $$SELECT rcq.submit('true', gpu_count => 1, gpu_type => 'a100,h100')$$,
    $$SELECT rcq.submit('true', gpu_count => 1, gpu_type => 'a100&h100')$$,
    $$SELECT rcq.submit('true', gpu_count => 1, gpu_type => 'a100|v100')$$,
    $$SELECT rcq.submit('true', concurrency_key => '')$$,
    $$SELECT rcq.submit('true', concurrency_key => repeat('k', 201))$$,
    $$SELECT rcq.submit('true', concurrency_key => E'a\tb')$$);
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', constraints => '')$$,
    $$SELECT rcq.submit('true', constraints => 'avx2 &')$$,
    $$SELECT rcq.submit('true', constraints => 'avx2 nvme')$$,
    $$SELECT rcq.submit('true', constraints => '(avx2')$$,
    $$SELECT rcq.submit('true', constraints => 'AVX2')$$,
    $$SELECT rcq.submit('true', constraints => 'é')$$,
    $$SELECT rcq.submit('true', constraints => repeat('(', 51) || 'avx2' || repeat(')', 51))$$,
    $$SELECT rcq.submit('true', constraints => repeat('(', 1000000))$$,
    $$SELECT rcq.submit('true', constraints => 'avx2|tape')$$,
    $$SELECT rcq.submit('true', constraints => '!(avx2|!tape)')$$);
SELECT * FROM t.errors(
    $$SELECT rcq.submit('true', consumables => '["matlab"]')$$,
    $$SELECT rcq.submit('true', consumables => '1')$$,
    $$SELECT rcq.submit('true', consumables => 'null')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": "1"}')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": null}')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": {"a": 1}}')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": 0}')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": -1}')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": 1.5}')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": 1e400}')$$,
    $$SELECT rcq.submit('true', consumables => '{"matlab": 1000000001}')$$,
    $$SELECT rcq.submit('true', consumables => '{"Matlab": 1}')$$,
    $$SELECT rcq.submit('true', consumables => '{"ansys": 1}')$$);
SELECT * FROM t.errors(
    $$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "constraints": "avx2&"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "constraints": "tape"}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "consumables": {"matlab": true}}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"script": "true", "cpu_cores_min": 2}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "consumables": [1]}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "exclusive": "yes"}]')$$);
\pset format aligned
\pset tuples_only off

-- the expression, for views
SELECT c, rcq_private.constraint_accepts(c, '{ssd,avx2}') AS ssd_and_avx2, rcq_private.constraint_accepts(c, '{}') AS nothing, rcq_private.constraint_accepts(c, NULL) AS unknown
  FROM unnest(ARRAY['avx2&ssd', 'avx2&nvme', '!avx2|nvme', 'avx2&', NULL]) c;
SELECT rcq_private.constraint_text('b&a&b'), rcq_private.constraint_text('a&'), rcq_private.constraint_wants('!(a|!b)&c'), rcq_private.feature_list('{b,a,b}'), rcq_private.feature_list('{}');
\i :end
