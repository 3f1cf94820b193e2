-- Cancel, hold, release and set_priority in every state a job can be in.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben', max_priority => 6);
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 1); -- one job at a time fits

-- held and pending
SET ROLE regress_ann;
SELECT rcq.submit('job 1', hold => true);
SELECT status, reason FROM rcq.jobs WHERE id = 1;
SELECT rcq.release(1);
SELECT * FROM t.errors('SELECT rcq.release(1)');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 1)$$);

-- assigned: hold takes the placement back; it is placed again, as a new attempt, after the release alone
SELECT rcq.hold(1);
SELECT status, reason, executor, attempt FROM rcq.jobs WHERE id = 1;
SELECT rcq.hold(1);
SELECT rcq.submit('job 2');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 2)$$);
SELECT id, position, reason FROM rcq.queue;
-- assigned: cancel ends it at once, and its place goes to the next
SELECT rcq.cancel(2);
SELECT status, reason, started_at, executor, attempt FROM rcq.jobs WHERE id = 2;
SELECT rcq.release(1);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 1)$$);
SELECT attempt FROM rcq.jobs WHERE id = 1;

-- pending: the rank follows set_priority
SELECT rcq.submit('job 3'), rcq.submit('job 4', priority => 6);
SELECT t.wait($$ARRAY(SELECT id FROM rcq.queue WHERE position IS NOT NULL ORDER BY position) = '{4,3}'$$);
SELECT rcq.set_priority(3, 7);
SELECT t.wait($$ARRAY(SELECT id FROM rcq.queue WHERE position IS NOT NULL ORDER BY position) = '{3,4}'$$);
SELECT id, position, priority, base_priority, reason FROM rcq.queue;
-- pending: cancel ends it at once
SELECT rcq.cancel(4);
SELECT status, reason, attempt FROM rcq.jobs WHERE id = 4;

-- running
SET ROLE regress_node_a;
SELECT * FROM t.take();
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT rcq.hold(1)', 'SELECT rcq.release(1)');
SELECT rcq.set_priority(1, 9);
SELECT status, priority FROM rcq.jobs WHERE id = 1;
SELECT rcq.cancel(1);
SELECT status, reason FROM rcq.jobs WHERE id = 1;
-- asking twice is asking once
SELECT rcq.cancel(1);
RESET ROLE;
SELECT t.wait($$EXISTS (SELECT FROM rcq_private.command WHERE kind = 'cancel')$$);
SET ROLE regress_node_a;
SELECT * FROM t.sync(max_new => 5);
SELECT * FROM t.sync(max_new => 5);
-- capacity is held until the executor confirms
SET ROLE regress_ann;
SELECT id, status FROM rcq.jobs WHERE id IN (1, 3) ORDER BY id;
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled'));
SELECT * FROM t.take();
SET ROLE regress_ann;
SELECT id, status, reason, exit_code, attempt FROM rcq.jobs ORDER BY id;

-- a job that ends well before it learns of its cancel is completed; one that fails is cancelled, and not retried
SELECT rcq.cancel(3);
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(3));
SET ROLE regress_ann;
SELECT rcq.submit('job 5', max_retries => 3);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SET ROLE regress_ann;
SELECT rcq.cancel(5);
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(5, 'signal', more => '{"signal": 15}'));
SET ROLE regress_ann;
SELECT id, status, reason, exit_code, signal FROM rcq.jobs WHERE id IN (3, 5) ORDER BY id;

-- ended: nothing can be done any more
SELECT * FROM t.errors('SELECT rcq.cancel(3)', 'SELECT rcq.hold(3)', 'SELECT rcq.release(3)', 'SELECT rcq.set_priority(3, 5)',
                       'SELECT rcq.cancel(5)', 'SELECT rcq.cancel(4)');
-- no such job, not a number in range, and a job of somebody else looks as if it were not there
SELECT rcq.submit('job 6', hold => true);
SELECT * FROM t.errors('SELECT rcq.cancel(99)', 'SELECT rcq.cancel(NULL)', 'SELECT rcq.hold(NULL)', 'SELECT rcq.release(NULL)', 'SELECT rcq.set_priority(NULL, 5)',
                       'SELECT rcq.set_priority(6, 0)', 'SELECT rcq.set_priority(6, 11)', 'SELECT rcq.set_priority(6, NULL)');
SET ROLE regress_ben;
SELECT * FROM t.errors('SELECT rcq.cancel(6)', 'SELECT rcq.cancel(3)', 'SELECT rcq.hold(6)', 'SELECT rcq.release(6)', 'SELECT rcq.set_priority(6, 5)');
SELECT rcq.submit('job 7', hold => true, priority => 6);
SELECT * FROM t.errors('SELECT rcq.set_priority(7, 7)');
SELECT rcq.set_priority(7, 1);
-- an administrator may do all of it with the jobs of others
RESET ROLE;
SELECT rcq.set_priority(7, 10), rcq.release(7), rcq.hold(7), rcq.cancel(7);
SELECT id, status, priority FROM rcq.jobs WHERE id = 7;

-- rolled back, wholly or to a savepoint, nothing was done
BEGIN;
SELECT rcq.cancel(6);
SAVEPOINT s;
SELECT rcq.submit('never');
ROLLBACK TO s;
SELECT count(*) FROM rcq.jobs WHERE script = 'never';
ROLLBACK;
SELECT status, reason FROM rcq.jobs WHERE id = 6;
BEGIN;
SAVEPOINT s;
SELECT rcq.release(6);
ROLLBACK TO s;
SELECT rcq.set_priority(6, 2);
COMMIT;
SELECT status, reason, priority FROM rcq.jobs WHERE id = 6;
SELECT count(*) FROM rcq_private.command WHERE kind = 'start';
\i :end
