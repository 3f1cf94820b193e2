-- Jobs of a type: what payloads are taken and refused, what a type says about its jobs, what an executor is handed and
-- what it hands back.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT rcq.set('max_time_limit', '2 h');
SELECT name, defaults, limits FROM rcq.types ORDER BY name;

-- a typed job has the command of its type, its options, and its payload
SELECT rcq.submit_task('large_array_sum', '{"numbers": [1, 2.50, 1e3]}', hold => true, name => 'sum', cpu_cores_min => 2);
SELECT type, script, payload, name, cpu_cores, cpu_cores_min FROM rcq_private.job WHERE id = 1;
SELECT payload_bytes = pg_column_size(payload) AS size_is_kept FROM rcq_private.live JOIN rcq_private.job ON id = job_id;
SELECT j.type, j.payload, j.result FROM rcq.jobs j WHERE id = 1;
SELECT rcq.submit_many('[{"type": "reverse_string", "payload": {"text": "abc"}, "hold": true}, {"script": "true", "hold": true}]');

-- what is refused
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT * FROM t.errors(
    $$SELECT rcq.submit_task('add_number', '{"numbers": []}')$$,
    $$SELECT rcq.submit_task(NULL)$$,
    $$SELECT rcq.submit_task('add_numbers')$$,
    $$SELECT rcq.submit_task('add_numbers', NULL)$$,
    $$SELECT rcq.submit_task('add_numbers', '[1, 2]')$$,
    $$SELECT rcq.submit_task('add_numbers', '7')$$,
    $$SELECT rcq.submit_task('add_numbers', '{"numbers": [1, 2')$$,
    $$SELECT rcq.submit_task('add_numbers', '{"numbers": "1, 2"}')$$,
    $$SELECT rcq.submit_task('add_numbers', '{"numbers": [1, 2, 3, "4"]}')$$,
    $$SELECT rcq.submit_task('add_numbers', '{"numbers": [1, [2], 3]}')$$,
    $$SELECT rcq.submit_task('add_numbers', '{"numbers": [1, null]}')$$,
    $$SELECT rcq.submit_task('add_numbers', '{"numbers": [], "a name": 1}')$$,
    $$SELECT rcq.submit_task('reverse_string', '{"text": true}')$$,
    $$SELECT rcq.submit_task('resize_image', '{"image": "", "width": 100}')$$,
    $$SELECT rcq.submit_task('resize_image', '{"image": "Zg==", "width": 0}')$$,
    $$SELECT rcq.submit_task('resize_image', '{"image": "Zg==", "width": 10001}')$$,
    $$SELECT rcq.submit_task('resize_image', '{"image": "Zg==", "width": 10.5}')$$,
    $$SELECT rcq.submit_task('resize_image', '{"image": "Zg==", "format": "tiff"}')$$,
    $$SELECT rcq.submit_many('[{"script": "true"}, {"type": "add_numbers", "payload": {"numbers": {}}}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "type": "add_numbers", "payload": {"numbers": []}}]')$$,
    $$SELECT rcq.submit_many('[{"script": "true", "payload": {"numbers": []}}]')$$,
    $$SELECT rcq.submit_task('large_array_sum', '{"numbers": []}', cpu_cores_min => 5)$$);
\pset format aligned
\pset tuples_only off
SELECT count(*) AS jobs FROM rcq_private.job;

-- the schema language
CREATE FUNCTION t.check(schema jsonb, VARIADIC payloads jsonb[]) RETURNS TABLE (payload jsonb, violation text) LANGUAGE sql AS $$
    SELECT p, rcq_private.check_payload(schema, p, 1000) FROM unnest(payloads) p $$;
SELECT * FROM t.check('{}', '{}', 'null', '[1, {"a": []}]');
SELECT * FROM t.check('{"type": "integer", "minimum": -2, "maximum": 3}', '-2', '3.0', '3.5', '-3', '4', '1e30', '"x"', 'false', '[]');
SELECT * FROM t.check('{"type": "string", "minLength": 2, "maxLength": 3}', '"äö"', '"ä"', '"äöüß"', '""', '5', 'null');
SELECT * FROM t.check('{"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "boolean"}}', '[true]', '[]', '[true, false, true]', '[true, 0]', '{}');
SELECT * FROM t.check('{"enum": [1, "one", null, true]}', '1.0', '"one"', 'null', 'true', '2', '"two"', '[]', '{}');
SELECT * FROM t.check('{"type": "object", "required": ["a"], "additionalProperties": false, "properties": {"a": {}, "b": {"type": "object", "properties": {"c": {"items": {"items": {"type": "null"}}}}}}}',
    '{"a": 1}', '{"b": {}}', '{"a": [], "c": 1}', '{"a": 1, "b": {"c": [[null], [null, null, 5]]}}', '{"a": 1, "b": {"c": 5, "more": {"deep": [1]}}}', '{"a": 1, "b": 2}');
-- keywords of one type leave values of other types alone
SELECT * FROM t.check('{"minimum": 5, "minLength": 5, "minItems": 5, "required": ["a"]}', '4', '"four"', '[4]', '{}', 'true', 'null');
SELECT rcq_private.check_payload('{}', ('"' || repeat('a', 998) || '"')::jsonb, 1000) AS fits, rcq_private.check_payload('{}', ('"' || repeat('a', 999) || '"')::jsonb, 1000) AS too_large,
       rcq_private.check_payload('{}', to_jsonb(repeat(E'\u0001', 200)), 1000) AS escapes_count;
SELECT rcq_private.check_payload('{}', (repeat('[', 1000) || repeat(']', 1000))::jsonb, 10000) AS deep, rcq_private.check_payload('{}', (repeat('[', 1001) || repeat(']', 1001))::jsonb, 10000) AS too_deep;
SELECT rcq_private.check_payload('{}', '{"a": [1e999]}', 10000) AS long, rcq_private.check_payload('{}', '{"a": [1, 1e1000]}', 10000) AS too_long;
SELECT left(rcq_private.check_payload('{"items": {"type": "string"}}', jsonb_build_array('a', jsonb_build_object(repeat('key', 100), 1)), 10000), 100);
SELECT s AS schema, rcq_private.check_schema(s) AS fault FROM unnest(ARRAY['{}', '[]', '7', '{"type": "text"}', '{"type": ["string", "null"]}', '{"$ref": "#"}', '{"properties": []}',
    '{"properties": {"a": {"pattern": "x"}}}', '{"properties": {"a": 7}}', '{"items": [{}]}', '{"items": {"items": {"minItems": -1}}}', '{"maxLength": 1.5}', '{"maximum": "9"}', '{"required": "a"}',
    '{"required": [1]}', '{"additionalProperties": {}}', '{"enum": []}', '{"enum": [[1]]}', '{"enum": "a"}']::jsonb[]) s;
SELECT rcq_private.check_schema((repeat('{"items": ', 31) || '{}' || repeat('}', 31))::jsonb) AS nested, right(rcq_private.check_schema((repeat('{"items": ', 32) || '{}' || repeat('}', 32))::jsonb), 40) AS too_nested;

-- types of one's own: defaults fill what a job does not say, limits hold whoever says it
SELECT rcq.register_type('render', E'#!/usr/bin/python3\nprint()', '{"required": ["scene"]}',
    '{"cpu_cores": 8, "memory_gb": 4, "time_limit": "30 min", "max_retries": 2, "priority": 3, "env": {"A": "1"}, "requeue": false, "tags": ["film"]}',
    '{"cpu_cores": 16, "memory_gb": 8, "gpu_count": 0, "time_limit": 3600, "payload_mb": 0.001}', 'Renders a scene');
SELECT * FROM rcq.types WHERE name = 'render';
CREATE FUNCTION t.asked(id bigint) RETURNS TABLE (cpu_cores integer, memory_mib integer, time_limit interval, max_retries smallint, priority smallint, env jsonb, requeue boolean, tags text[], script text)
LANGUAGE sql AS $$ SELECT cpu_cores, memory_mib, time_limit, max_retries, priority, env, requeue, tags::text[], script FROM rcq_private.job WHERE job.id = asked.id $$;
SELECT a.* FROM rcq.submit_task('render', '{"scene": 1}', hold => true) id, t.asked(id) a;
SELECT a.* FROM rcq.submit_task('render', '{"scene": 1}', hold => true, cpu_cores => 16, memory_gb => 8, time_limit => '1 h', max_retries => 0, env => '{"B": "2"}', requeue => true) id, t.asked(id) a;
-- a limit also bounds what nobody says
SELECT rcq.register_type('small', 'true', limits => '{"memory_gb": 0.5, "time_limit": "1 min"}');
SELECT a.memory_mib, a.time_limit FROM rcq.submit_task('small', hold => true) id, t.asked(id) a;
\pset format unaligned
\pset tuples_only on
SELECT * FROM t.errors(
    $$SELECT rcq.submit_task('render', '{}')$$,
    $$SELECT rcq.submit_task('render', '{"scene": 1}', cpu_cores => 17)$$,
    $$SELECT rcq.submit_task('render', '{"scene": 1}', memory_gb => 8.5)$$,
    $$SELECT rcq.submit_task('render', '{"scene": 1}', gpu_count => 1)$$,
    $$SELECT rcq.submit_task('render', '{"scene": 1}', time_limit => '61 min')$$,
    $$SELECT rcq.submit_task('render', jsonb_build_object('scene', repeat('x', 2000)))$$,
    $$SELECT rcq.submit_many('[{"type": "render", "payload": {"scene": 1}}, {"type": "render", "payload": {"scene": 1}, "gpu_count": 1}]')$$);
SELECT * FROM t.errors(
    $$SELECT rcq.register_type('Render', 'true')$$,
    $$SELECT rcq.register_type(NULL, 'true')$$,
    $$SELECT rcq.register_type('a', ' ')$$,
    $$SELECT rcq.register_type('a', NULL)$$,
    $$SELECT rcq.register_type('a', 'true', '{"typ": "object"}')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '{"script": "x"}')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '{"cpu_cores": "4"}')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '{"cpu_cores": 0}')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '{"cpu_cores": 1.5}')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '{"time_limit": "soon"}')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '{"retry_backoff": "linear"}')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '[]')$$,
    $$SELECT rcq.register_type('a', 'true', defaults => '{"cpu_cores": 4}', limits => '{"cpu_cores": 2}')$$,
    $$SELECT rcq.register_type('a', 'true', limits => '{"cores": 2}')$$,
    $$SELECT rcq.register_type('a', 'true', limits => '{"cpu_cores": "2"}')$$,
    $$SELECT rcq.register_type('a', 'true', limits => '{"cpu_cores": 0}')$$,
    $$SELECT rcq.register_type('a', 'true', limits => '{"payload_mb": 257}')$$,
    $$SELECT rcq.register_type('a', 'true', limits => '{"time_limit": "soon"}')$$,
    $$SELECT rcq.drop_type('nothing')$$);
\pset format aligned
\pset tuples_only off
SELECT count(*) AS types FROM rcq.types;

-- one that came with rcq can be replaced and is there again when the other one goes
SELECT rcq.register_type('add_numbers', 'exit 1');
SELECT rcq.register_type('add_numbers', 'exit 2');
SELECT command FROM rcq.types WHERE name = 'add_numbers';
SELECT rcq.drop_type('add_numbers');
SELECT command FROM rcq.types WHERE name = 'add_numbers';
SELECT rcq.drop_type('add_numbers'), rcq.drop_type('small');
SELECT name FROM rcq.types ORDER BY name;

-- users submit, and change nothing
SELECT rcq.add_user('regress_ann', 'default');
SET ROLE regress_ann;
SELECT rcq.submit_task('reverse_string', '{"text": "ann"}', hold => true) > 0 AS submitted;
SELECT count(*) FROM rcq.types;
\pset format unaligned
\pset tuples_only on
SELECT code, message FROM t.errors($$SELECT rcq.register_type('a', 'true')$$, $$SELECT rcq.drop_type('render')$$, $$SELECT rcq_private.apply_type('{}')$$, $$DELETE FROM rcq_private.task_type$$);
\pset format aligned
\pset tuples_only off
RESET ROLE;

-- what an executor is handed, and what it hands back
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8);
RESET ROLE;
TRUNCATE rcq_private.job, rcq_private.live;
SELECT rcq_private.definitions_changed();
SELECT rcq.submit_task('reverse_string', '{"text": "abc"}') AS job \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
SELECT t.body(:job) - '{user,attempt}'::text[] AS body;
SELECT kind, body FROM t.sync(finished => t.ended(:job, more => '{"result": {"text": "cba"}}'));
RESET ROLE;
SELECT status, result FROM rcq.jobs WHERE id = :job;
SELECT rcq.submit_task('reverse_string', '{"text": "abc"}') AS job \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
SELECT kind, body FROM t.sync(finished => t.ended(:job, 'bad_result', more => '{"exit_code": 0, "message": "the result is not JSON"}'));
RESET ROLE;
SELECT status, reason, exit_code, message, result FROM rcq.jobs WHERE id = :job;

-- one answer carries so many bytes of payloads and says that more wait; the others follow
SELECT count(rcq.submit_task('reverse_string', jsonb_build_object('text', repeat(n::text, 24000000)), memory_gb => 0.1)) FROM generate_series(1, 5) n;
SELECT t.wait($$(SELECT count(*) = 5 FROM rcq_private.live WHERE placed_at IS NOT NULL)$$);
CREATE FUNCTION t.answer(further bigint) RETURNS TABLE (kind text, runs bigint, more boolean) LANGUAGE sql AS $$
    SELECT s.kind, count(*), bool_or(s.body ->> 'more' = 'true') FROM t.process p, rcq.executor_sync(p.executor, p.incarnation, p.acked + further, NULL, NULL, NULL, 10) s
     WHERE p.name = current_user GROUP BY s.kind ORDER BY s.kind $$;
SET ROLE regress_node_a;
SELECT * FROM t.answer(0);
-- the answer was lost: the same again, and nothing more
SELECT * FROM t.answer(0);
SELECT * FROM t.answer(3);
SELECT * FROM t.answer(5);
RESET ROLE;
\i :end
