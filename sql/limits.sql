-- What administrators limit: the tree of groups, limits of groups and users, countable resources, concurrency keys,
-- reservations, pauses, the price of GPUs. Who has what in use.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a'), t.node('regress_node_b');

-- a tree of groups with shares and limits; nothing becomes part of itself
SELECT rcq.add_group('science'), rcq.add_group('physics', parent => 'science', shares => 2.5, max_jobs => 10, max_cores => 100, max_gpus => 0),
       rcq.add_group('optics', parent => 'physics', shares => NULL);
SELECT name, parent, shares, max_jobs, max_cores, max_gpus, paused FROM rcq.groups ORDER BY id;
SELECT * FROM t.errors($$SELECT rcq.set_group('science', parent => 'science')$$, $$SELECT rcq.set_group('science', parent => 'optics')$$,
    $$SELECT rcq.set_group('science', parent => 'nobody')$$, $$SELECT rcq.add_group('chemistry', parent => 'nobody')$$);
SELECT code, message FROM t.errors($$SELECT rcq.set_group('optics', shares => -1)$$, $$SELECT rcq.set_group('optics', shares => 'NaN')$$, $$SELECT rcq.add_group('chemistry', shares => 1e10)$$,
    $$SELECT rcq.set_group('optics', max_jobs => -1)$$, $$SELECT rcq.add_group('chemistry', max_cores => -1)$$, $$SELECT rcq.set_group('optics', max_gpus => -5)$$);
-- what is not given stays; a limit is removed only by name, and a new one may be given with it
SELECT rcq.set_group('physics', shares => 0), rcq.set_group('physics', priority => 6), rcq.set_group('physics', no_limits => true, max_cores => 50);
SELECT rcq.set_group('optics', no_parent => true), rcq.set_group('science', parent => 'optics');
SELECT name, priority, parent, shares, max_jobs, max_cores, max_gpus FROM rcq.groups ORDER BY id;

-- users alike
SELECT rcq.add_user('regress_ann', 'physics', shares => 3, max_jobs => 5, max_cores => 50, max_gpus => 1, max_pending => 100), rcq.add_user('regress_ben', shares => NULL);
SELECT code, message FROM t.errors($$SELECT rcq.add_user('regress_cat', max_pending => -1)$$, $$SELECT rcq.set_user('regress_ann', max_jobs => -1)$$, $$SELECT rcq.set_user('regress_ann', shares => -0.5)$$);
SET client_min_messages = warning; -- a member already
SELECT rcq.set_user('regress_ann', no_limits => true, max_jobs => 7, shares => 1.5);
SELECT role_name, shares, max_jobs, max_cores, max_gpus, max_pending FROM rcq.users ORDER BY id;
SET ROLE regress_ann;
SELECT role_name, shares, max_jobs FROM rcq.users;
RESET ROLE;

-- countable resources, of the cluster and of one executor
SELECT rcq.set_consumable('licence-x', 5), rcq.set_consumable('licence-x', 10), rcq.set_consumable('scratch_gb', 2000, 'regress_node_a'), rcq.set_consumable('gone', 1), rcq.set_consumable('gone', NULL);
SELECT rcq.set_consumable('never-there', NULL), rcq.set_concurrency_limit('never-there', NULL), rcq.set_gpu_billing('never-there', NULL);
SELECT * FROM t.errors($$SELECT rcq.set_consumable('Licence', 1)$$, $$SELECT rcq.set_consumable(NULL, 1)$$, $$SELECT rcq.set_consumable('x', -1)$$, $$SELECT rcq.set_consumable('x', 1, 'nowhere')$$);
SELECT rcq.set_concurrency_limit('license server A', 2), rcq.set_concurrency_limit('none', 0), rcq.set_concurrency_limit('db', 1), rcq.set_concurrency_limit('db', 3);
SELECT * FROM t.errors($$SELECT rcq.set_concurrency_limit('', 1)$$, $$SELECT rcq.set_concurrency_limit(E'two\nlines', 1)$$, $$SELECT rcq.set_concurrency_limit('x', -1)$$, $$SELECT rcq.set_concurrency_limit(NULL, 1)$$);
SELECT * FROM rcq.consumables ORDER BY name, executor;
SELECT * FROM rcq.concurrency_limits ORDER BY key;
-- of one name there is one kind
SELECT * FROM t.errors($$SELECT rcq.set_consumable('licence-x', 4, 'regress_node_a')$$, $$SELECT rcq.set_consumable('scratch_gb', 4)$$);
SELECT rcq.set_consumable('licence-x', NULL, 'regress_node_a'), rcq.set_consumable('scratch_gb', 1000, 'regress_node_b');
-- in use is what placed runs hold
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 2);
RESET ROLE;
SELECT rcq.submit('job 1'), rcq.submit('job 2'), rcq.submit('job 3');
UPDATE rcq_private.live SET consumables = '{"licence-x": 3, "scratch_gb": 100}', concurrency_key = 'db';
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(2);
RESET ROLE;
SELECT * FROM rcq.consumables ORDER BY name, executor;
SELECT * FROM rcq.concurrency_limits ORDER BY key;
SET ROLE regress_ann;
SELECT * FROM rcq.consumables ORDER BY name, executor;
RESET ROLE;

-- reservations
SELECT rcq.reserve(clock_timestamp() + interval '1 day', clock_timestamp() + interval '2 days', reason => 'new switch'),
       rcq.reserve(clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 hour', 'regress_node_a', 'physics', 'course'),
       rcq.reserve(clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 hour', group_name => 'optics');
UPDATE rcq_private.reservation SET ends_at = clock_timestamp() WHERE id = 3;
SELECT id, executor, group_name, state, reason, created_by, ends_at - starts_at > '0' AS lasts FROM rcq.reservations ORDER BY id;
SELECT code, regexp_replace(message, ' at .*', ' at ...') AS message, hint FROM t.errors(
    $$SELECT rcq.reserve('2100-01-02', '2100-01-01')$$, $$SELECT rcq.reserve('2100-01-01', '2100-01-01')$$, $$SELECT rcq.reserve('2001-01-01', '2001-01-02')$$,
    $$SELECT rcq.reserve(NULL, '2100-01-01')$$, $$SELECT rcq.reserve('2100-01-01', NULL)$$, $$SELECT rcq.reserve(now(), 'infinity')$$, $$SELECT rcq.reserve('-infinity', '2100-01-01')$$,
    $$SELECT rcq.reserve('2100-01-01', '2100-01-02', 'nowhere')$$, $$SELECT rcq.reserve('2100-01-01', '2100-01-02', group_name => 'nobody')$$, $$SELECT rcq.cancel_reservation(99)$$, $$SELECT rcq.cancel_reservation(NULL)$$);
SELECT rcq.cancel_reservation(1), rcq.cancel_reservation(3);
SELECT id FROM rcq.reservations;

-- pauses: of the cluster, a group, an executor, each on its own
SELECT rcq.pause('too hot'), rcq.pause('still too hot'), rcq.pause(NULL, group_name => 'physics'), rcq.pause('new disk', executor => 'regress_node_b');
SELECT paused, paused_by, paused_since BETWEEN clock_timestamp() - interval '1 min' AND clock_timestamp() AS just_now FROM rcq.scheduler;
SELECT name, paused FROM rcq.groups WHERE paused IS NOT NULL;
SELECT name, reason FROM rcq.executors WHERE reason IS NOT NULL;
SELECT * FROM t.errors($$SELECT rcq.pause('x', 'physics', 'regress_node_a')$$, $$SELECT rcq.resume('physics', 'regress_node_a')$$, $$SELECT rcq.pause('x', 'nobody')$$, $$SELECT rcq.resume(executor => 'nowhere')$$);
SET ROLE regress_ann;
SELECT paused FROM rcq.scheduler;
RESET ROLE;
SELECT rcq.resume();
SELECT paused, paused_since, paused_by FROM rcq.scheduler;
SELECT rcq.resume(), rcq.resume('physics'), rcq.resume(executor => 'regress_node_b');
SELECT (SELECT count(*) FROM rcq.groups WHERE paused IS NOT NULL) AS groups, (SELECT count(*) FROM rcq.executors WHERE reason IS NOT NULL) AS executors;

-- the price of GPUs
SELECT rcq.set_gpu_billing('a100', 10), rcq.set_gpu_billing('h100-80gb', 25.5), rcq.set_gpu_billing('a100', 12), rcq.set_gpu_billing('old', 1), rcq.set_gpu_billing('old', NULL);
SELECT * FROM rcq.gpu_billing ORDER BY gpu_type;
SELECT * FROM t.errors($$SELECT rcq.set_gpu_billing('A100', 1)$$, $$SELECT rcq.set_gpu_billing('a100', -1)$$, $$SELECT rcq.set_gpu_billing('a100', 'NaN')$$, $$SELECT rcq.set_gpu_billing('a100', 1e7)$$);
\i :end
