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

-- the same below /rest
SELECT * FROM rcq_api.change_jobs('hold', ids => '{1,2}');
SELECT rcq_api.update_job(rcq.submit('d', hold => true), memory_gb => 2);

-- recorded once, with the filter
RESET ROLE;
SELECT action, CASE WHEN action <> 'job.update' THEN object END AS object, actor, old, new FROM rcq.audit WHERE action LIKE 'job.%' ORDER BY id;

\i :end
