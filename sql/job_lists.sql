-- Pages of jobs: what has not ended, in the order in which it is considered, and what has.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_group('bio');
SELECT rcq.add_user('regress_ann', 'bio'), rcq.add_user('regress_ben');
SET ROLE regress_ann;
SELECT rcq.submit('a', name => 'low', priority => 2), rcq.submit('a', name => 'high', priority => 9), rcq.submit('a', name => 'held', hold => true), rcq.submit('a', name => 'gone');
SELECT rcq.cancel(4);
SET ROLE regress_ben;
SELECT rcq.submit('b', name => 'other'), rcq.submit('b', name => 'gone');
SELECT rcq.cancel(6);
SET ROLE regress_ann;
SELECT rcq.submit('a', name => 'many', "array" => '1-5');
RESET ROLE;
SELECT t.wait($$(SELECT count(*) = 4 AND count(array_index) = 1 FROM rcq.queue WHERE "position" IS NOT NULL)$$);

-- one's own, and for administrators all; an array counts for its tasks
SELECT id, array_index, status, reason, user_name, group_name, name, priority, tasks_waiting FROM rcq.queue_page() WHERE array_index IS NULL;
SELECT * FROM rcq.queue_counts();
SET ROLE regress_ann;
SELECT count(DISTINCT user_name), count(*) FILTER (WHERE name = 'other') AS others FROM rcq.queue_page();
SELECT * FROM rcq.queue_counts();
SELECT name FROM rcq.queue_page(at_most => 1);
SELECT id, status, user_name, name, ended_at IS NOT NULL AS ended FROM rcq.ended_jobs();
RESET ROLE;

-- filters
SELECT id, name FROM rcq.queue_page(of_user => 'regress_ben');
SELECT id, name FROM rcq.queue_page(of_group => 'default');
SELECT id, name FROM rcq.queue_page(mine => true);
SELECT id, name FROM rcq.queue_page(statuses => '{running,assigned}');
SELECT * FROM rcq.queue_counts(of_user => 'regress_ben');
SELECT * FROM rcq.queue_counts(of_group => 'bio', mine => true);
SELECT id, user_name FROM rcq.ended_jobs();
SELECT id, user_name FROM rcq.ended_jobs(of_user => 'regress_ben', statuses => '{cancelled}');
SELECT id, user_name FROM rcq.ended_jobs(named => 'gone', at_most => 1);
SELECT id, user_name FROM rcq.ended_jobs(of_group => 'bio', statuses => '{failed,completed}');

-- tasks of an array that are on hold one by one are there and counted
SELECT rcq.hold(7, '4-5');
SELECT id, status, reason, tasks_waiting, tasks_held FROM rcq.queue_page() WHERE id = 7;
SELECT id, reason, tasks_waiting, tasks_held FROM rcq.queue WHERE id = 7;
SELECT * FROM rcq.queue_counts();
SELECT group_name, running_jobs, pending_jobs FROM rcq.group_usage ORDER BY 1;
-- also when they are all that is left of one that has started
SELECT rcq.hold(1), rcq.hold(2), rcq.hold(5);
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register();
SELECT count(*) FROM t.take(3);
RESET ROLE;
SELECT t.wait($$(SELECT status = 'running' FROM rcq.jobs WHERE id = 7)$$);
SELECT array_id, id = 7 AS "array", status, reason, tasks_waiting, tasks_held FROM rcq.queue_page() WHERE 7 IN (id, array_id);
SELECT id, reason, tasks_waiting, tasks_held FROM rcq.queue WHERE 7 IN (id, array_id);
SELECT * FROM rcq.queue_counts();
SELECT group_name, running_jobs, pending_jobs FROM rcq.group_usage ORDER BY 1;
SET ROLE regress_ben;
SELECT count(*) FROM rcq.queue WHERE id = 7;
RESET ROLE;
SELECT rcq.cancel(7, '4-5');
SELECT count(*) FROM rcq.queue WHERE id = 7;
SELECT count(*) FROM rcq.queue_page() WHERE id = 7;

-- what is refused
SELECT rcq.queue_page(statuses => '{done}');
SELECT rcq.queue_page(statuses => '{NULL}');
SELECT rcq.queue_page(at_most => 0);
SELECT rcq.queue_page(of_user => 'nobody');
SELECT rcq.queue_counts(of_group => 'nowhere');
SELECT rcq.ended_jobs(statuses => '{pending}');
SET ROLE regress_ann;
SELECT rcq.queue_page(of_user => 'regress_ben');
SELECT rcq.ended_jobs(of_user => 'nobody');
SELECT count(*) > 0 AS own_by_name FROM rcq.queue_page(of_user => 'regress_ann');

\i :end
