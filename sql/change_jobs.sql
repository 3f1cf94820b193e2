-- The same done to many jobs that a filter selects.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_group('bio');
SELECT rcq.add_user('regress_ann', 'bio', max_priority => 7), rcq.add_user('regress_ben');
SELECT t.node('regress_node_a');
SET ROLE regress_ann;
SELECT rcq.submit('a', name => 'align-1', project => 'p', tags => '{x,y}'), rcq.submit('a', name => 'align-2', tags => '{x}'), rcq.submit('a', name => 'fold_1', project => 'p'), rcq.submit('a', hold => true);
SET ROLE regress_ben;
SELECT rcq.submit('b', name => 'align-9', project => 'p', tags => '{x,y}');

-- counting alone changes nothing
SET ROLE regress_ann;
SELECT * FROM rcq.change_jobs('cancel', name => 'align-%');
SELECT count(*) FROM rcq.jobs WHERE status = 'pending';
-- each filter, and several together; nobody's jobs but one's own
SELECT 'ids' AS filter, matched FROM rcq.change_jobs('hold', ids => '{1,3,5,77,NULL}') UNION ALL
SELECT 'no ids', matched FROM rcq.change_jobs('hold', ids => '{}') UNION ALL
SELECT 'status', matched FROM rcq.change_jobs('hold', status => '{pending}') UNION ALL
SELECT 'another status', matched FROM rcq.change_jobs('hold', status => '{assigned,running}') UNION ALL
SELECT 'reason', matched FROM rcq.change_jobs('hold', reason => 'held') UNION ALL
SELECT 'user', matched FROM rcq.change_jobs('hold', user_name => 'regress_ann') UNION ALL
SELECT 'group', matched FROM rcq.change_jobs('hold', group_name => 'bio') UNION ALL
SELECT 'another group', matched FROM rcq.change_jobs('hold', group_name => 'default') UNION ALL
SELECT 'name', matched FROM rcq.change_jobs('hold', name => 'fold\_1') UNION ALL
SELECT 'no name', matched FROM rcq.change_jobs('hold', name => '') UNION ALL
SELECT 'project', matched FROM rcq.change_jobs('hold', project => 'p') UNION ALL
SELECT 'tag', matched FROM rcq.change_jobs('hold', tags => '{x}') UNION ALL
SELECT 'tags', matched FROM rcq.change_jobs('hold', tags => '{y,x}') UNION ALL
SELECT 'before', matched FROM rcq.change_jobs('hold', submitted_before => 'infinity') UNION ALL
SELECT 'after', matched FROM rcq.change_jobs('hold', submitted_after => clock_timestamp()) UNION ALL
SELECT 'several', matched FROM rcq.change_jobs('hold', project => 'p', name => 'align%', status => '{pending}');
RESET ROLE;
SELECT 'all' AS filter, matched FROM rcq.change_jobs('hold', name => '%') UNION ALL
SELECT 'user', matched FROM rcq.change_jobs('hold', user_name => 'regress_ben');

-- what cannot be meant is refused
SET ROLE regress_ann;
SELECT code, message FROM t.errors('SELECT rcq.change_jobs(''cancel'')', 'SELECT rcq.change_jobs(''cancel'', dry_run => false)', 'SELECT rcq.change_jobs(''delete'', name => ''%'')', 'SELECT rcq.change_jobs(NULL, name => ''%'')',
    'SELECT rcq.change_jobs(''cancel'', status => ''{failed}'')', 'SELECT rcq.change_jobs(''cancel'', status => ''{NULL}'')', 'SELECT rcq.change_jobs(''cancel'', tags => ''{x,NULL}'')', 'SELECT rcq.change_jobs(''cancel'', name => ''a\'')',
    'SELECT rcq.change_jobs(''cancel'', submitted_before => ''2020-01-01 UTC'', submitted_after => ''2020-01-01 UTC'') IS NULL', 'SELECT rcq.change_jobs(''cancel'', group_name => ''nobody'')',
    'SELECT rcq.change_jobs(''cancel'', user_name => ''regress_ben'')', 'SELECT rcq.change_jobs(''cancel'', user_name => ''nobody'')', 'SELECT rcq.change_jobs(''set_priority'', name => ''%'')',
    'SELECT rcq.change_jobs(''set_priority'', name => ''%'', priority => 11)', 'SELECT rcq.change_jobs(''set_priority'', name => ''%'', priority => 8)', 'SELECT rcq.change_jobs(''hold'', name => ''%'', priority => 5)');
RESET ROLE;
SELECT * FROM t.errors('SELECT rcq.change_jobs(''cancel'', user_name => ''nobody'')');
-- text of a filter is never text of a statement
SET ROLE regress_ann;
SELECT * FROM rcq.change_jobs('hold', name => $$' OR true --$$, reason => $$x'); SELECT 1; --$$, project => $$'$$, dry_run => false);

-- done: what is so already does not count as changed
SELECT * FROM rcq.change_jobs('hold', status => '{pending}', dry_run => false);
SELECT * FROM rcq.change_jobs('hold', status => '{pending}', dry_run => false);
SELECT id, reason FROM rcq.jobs ORDER BY id;
SELECT * FROM rcq.change_jobs('set_priority', ids => '{1,2}', priority => 7, dry_run => false);
SELECT * FROM rcq.change_jobs('set_priority', name => '%', priority => 7, dry_run => false);
SELECT id, priority FROM rcq.jobs ORDER BY id;
SELECT * FROM rcq.change_jobs('release', reason => 'held', name => 'align-_', dry_run => false);
SELECT * FROM rcq.change_jobs('requeue', name => '%', dry_run => false);

-- assigned and running ones
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 2);
SELECT * FROM t.take();
SET ROLE regress_ann;
SELECT t.wait($$ARRAY(SELECT status FROM rcq.jobs WHERE id < 3 ORDER BY id) = '{running,assigned}'$$);
SELECT * FROM rcq.change_jobs('hold', ids => '{1,2,3}', dry_run => false);
SELECT id, status, reason FROM rcq.jobs ORDER BY id;
SELECT * FROM rcq.change_jobs('requeue', ids => '{1,2,3}', dry_run => false);
SELECT * FROM rcq.change_jobs('requeue', ids => '{1,2,3}', dry_run => false);
SELECT id, status, reason FROM rcq.jobs ORDER BY id;
SELECT * FROM rcq.change_jobs('cancel', name => '%', dry_run => false);
SELECT * FROM rcq.change_jobs('cancel', name => '%', dry_run => false);
SELECT id, status, reason FROM rcq.jobs ORDER BY id;
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled'));

-- an array stands for its tasks
RESET ROLE;
SELECT rcq.cancel(5);
SET ROLE regress_ann;
SELECT rcq.submit('array', name => 'many', "array" => '1-100') AS many, rcq.submit('c', name => 'many') AS one \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
SET ROLE regress_ann;
SELECT * FROM rcq.change_jobs('set_priority', name => 'many', priority => 3, dry_run => false);
SELECT DISTINCT priority FROM rcq.jobs WHERE array_id = :many OR id = :many;
SELECT * FROM rcq.change_jobs('hold', name => 'many', dry_run => false);
SELECT * FROM rcq.change_jobs('hold', name => 'many', dry_run => false);
SELECT waiting + pending + held AS not_started, running FROM rcq.arrays WHERE id = :many;
SELECT * FROM rcq.change_jobs('requeue', name => 'many', status => '{running}', dry_run => false);
SELECT reason, count(*) FROM rcq.jobs WHERE array_id = :many AND status = 'running' GROUP BY reason;
SELECT * FROM rcq.change_jobs('cancel', name => 'many', dry_run => false);
SELECT waiting, held, pending, running, cancelled FROM rcq.arrays WHERE id = :many;

-- what its throttle keeps of a started array is pending: those tasks alone are meant, held one by one or not
RESET ROLE;
CREATE FUNCTION t.tasks(job bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', n, status, reason), ', ' ORDER BY status, reason) FROM (SELECT status, reason, count(*) AS n FROM rcq.tasks(job) GROUP BY 1, 2) t $$;
SET ROLE regress_ann;
SELECT rcq.submit('throttled', name => 'slow', "array" => '1-20%1') AS slow \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
SET ROLE regress_ann;
SELECT t.wait(format($$(SELECT status = 'running' FROM rcq.jobs WHERE id = %s)$$, :slow));
SELECT rcq.hold(:slow, '19-20');
SELECT t.wait(format($$(SELECT reason = 'array_throttle' FROM rcq.queue WHERE id = %s)$$, :slow));
SELECT 'pending' AS filter, matched FROM rcq.change_jobs('cancel', name => 'slow', status => '{pending}') UNION ALL
SELECT 'running', matched FROM rcq.change_jobs('cancel', ids => ARRAY[:slow], status => '{running}') UNION ALL
SELECT 'both', matched FROM rcq.change_jobs('cancel', ids => ARRAY[:slow], status => '{pending,running}') UNION ALL
SELECT 'neither', matched FROM rcq.change_jobs('cancel', ids => ARRAY[:slow]) UNION ALL
SELECT 'array_throttle', matched FROM rcq.change_jobs('cancel', ids => ARRAY[:slow], reason => 'array_throttle') UNION ALL
SELECT 'held', matched FROM rcq.change_jobs('cancel', ids => ARRAY[:slow], reason => 'held') UNION ALL
SELECT 'priority', matched FROM rcq.change_jobs('cancel', ids => ARRAY[:slow], reason => 'priority') UNION ALL
SELECT 'running and held', matched FROM rcq.change_jobs('cancel', ids => ARRAY[:slow], reason => 'held', status => '{running}') UNION ALL
SELECT 'requeue', matched FROM rcq.change_jobs('requeue', ids => ARRAY[:slow], status => '{pending}');
SELECT t.tasks(:slow);
SELECT * FROM rcq.change_jobs('cancel', ids => ARRAY[:slow], reason => 'held', dry_run => false);
SELECT t.tasks(:slow);
SELECT * FROM rcq.change_jobs('hold', name => 'slow', status => '{pending}', dry_run => false);
SELECT * FROM rcq.change_jobs('hold', ids => ARRAY[:slow], status => '{pending}', dry_run => false);
SELECT t.tasks(:slow), (SELECT concat_ws(' ', status, reason, tasks_waiting, tasks_held) FROM rcq.queue_page() WHERE id = :slow) AS queue;
SELECT * FROM rcq.change_jobs('release', reason => 'held', ids => ARRAY[:slow], dry_run => false);
SELECT * FROM rcq.change_jobs('set_priority', ids => ARRAY[:slow], status => '{pending}', priority => 6, dry_run => false);
SELECT priority, (SELECT priority FROM rcq.jobs WHERE array_id = :slow) AS of_the_task FROM rcq.queue WHERE id = :slow;
SELECT * FROM rcq.change_jobs('cancel', name => 'slow', status => '{pending}', dry_run => false);
SELECT t.tasks(:slow);
SET ROLE regress_node_a;
SELECT t.sync(finished => t.ended((SELECT max(job) FROM t.token)));
SET ROLE regress_ann;
SELECT t.wait(format($$(SELECT status = 'cancelled' FROM rcq.jobs WHERE id = %s)$$, :slow));
SELECT t.tasks(:slow);

-- no filter is longer than what it is compared with
SELECT * FROM t.errors('SELECT rcq.change_jobs(''hold'', name => repeat(''%'', 1001))', 'SELECT rcq.change_jobs(''hold'', project => repeat(''p'', 201))', 'SELECT rcq.change_jobs(''hold'', reason => repeat(''r'', 64))',
    'SELECT rcq.change_jobs(''hold'', status => array_fill(''pending''::text, ARRAY[4]))', 'SELECT rcq.change_jobs(''hold'', tags => array_fill(''x''::text, ARRAY[33]))', 'SELECT rcq.change_jobs(''hold'', tags => ARRAY[repeat(''x'', 101)])');
SELECT matched FROM rcq.change_jobs('hold', name => repeat('%', 1000), project => repeat('p', 200), reason => repeat('r', 63), status => '{pending,assigned,running}', tags => array_fill(repeat('x', 100), ARRAY[32]));

-- the same below /rest
SELECT * FROM rcq_api.change_jobs('hold', ids => '{1,2}');
SELECT rcq_api.update_job(rcq.submit('d', hold => true), memory_gb => 2);

-- recorded once, with the filter, where something was changed
RESET ROLE;
SELECT action, CASE WHEN action <> 'job.update' THEN object END AS object, actor, old, new FROM rcq.audit WHERE action LIKE 'job.%' ORDER BY id;

\i :end
