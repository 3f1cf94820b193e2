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
