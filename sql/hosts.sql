-- Executors in production: accounts of users, disk quotas, what is stored of a run's output, drains of a host itself.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a'), t.node('regress_node_b');
SET ROLE regress_node_a;
SELECT t.register();
SELECT executor AS a FROM t.process WHERE name = 'regress_node_a' \gset

-- the account of a user goes with each of their runs, from the next start on
RESET ROLE;
SELECT rcq.add_user('regress_ann', unix_user => 'ann'), rcq.add_user('regress_ben');
SELECT role_name, unix_user FROM rcq.users ORDER BY id;
CREATE FUNCTION t.positions(jobs bigint[]) RETURNS TABLE (job bigint, next_seq bigint, bytes bigint) LANGUAGE sql AS $$
    SELECT k.job, p.next_seq, p.bytes
      FROM t.process m, rcq.executor_log_position(m.executor, m.incarnation, jobs, ARRAY(SELECT (SELECT k.token FROM t.token k WHERE k.job = j ORDER BY k.attempt DESC LIMIT 1) FROM unnest(jobs) j)) p
      JOIN t.token k USING (token) WHERE m.name = current_user ORDER BY k.job $$;
CREATE FUNCTION t.account() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    me t.process;
    body jsonb;
BEGIN
    SELECT * INTO STRICT me FROM t.process p WHERE p.name = current_user;
    FOR k IN 1 .. 1000 LOOP
        SELECT s.body INTO body FROM rcq.executor_sync(me.executor, me.incarnation, me.acked, NULL, NULL, NULL, 1) s WHERE s.kind = 'start';
        IF FOUND THEN RETURN COALESCE(body ->> 'unix_user', 'the default'); END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;
SET ROLE regress_ann;
SELECT rcq.submit('job 1', max_retries => 5);
SET ROLE regress_node_a;
SELECT t.account();
RESET ROLE;
SELECT rcq.set_user('regress_ann', max_priority => 7);
SET ROLE regress_node_a;
SELECT t.account() AS "what is offered again says the same";
RESET ROLE;
SELECT rcq.set_user('regress_ann', unix_user => '_ann-2');
SET ROLE regress_node_a;
SELECT t.account();
RESET ROLE;
SELECT rcq.set_user('regress_ann', no_unix_user => true);
SELECT role_name, max_priority, unix_user FROM rcq.users ORDER BY id;
SET ROLE regress_node_a;
SELECT t.account();
RESET ROLE;
SELECT * FROM t.errors($$SELECT rcq.set_user('regress_ann', unix_user => 'root')$$, $$SELECT rcq.set_user('regress_ann', unix_user => '')$$,
    $$SELECT rcq.set_user('regress_ann', unix_user => '0')$$, $$SELECT rcq.set_user('regress_ann', unix_user => E'ann\n')$$, $$SELECT rcq.set_user('regress_ann', unix_user => 'ann@lab')$$,
    $$SELECT rcq.set_user('regress_ann', unix_user => repeat('a', 33))$$, $$SELECT rcq.add_user('regress_cat', unix_user => 'Cat')$$);
SET ROLE regress_node_a;
SELECT * FROM t.sync(max_new => 1);

-- a run that filled its disk quota fails its job, or is run again where that is asked for
SELECT * FROM t.sync(finished => t.ended(1, 'disk_quota', more => '{"message": "job/ grew beyond 10 GiB"}'));
SELECT * FROM t.take();
RESET ROLE;
SELECT attempt, status, reason, message FROM rcq.runs WHERE job_id = 1 ORDER BY attempt;
SELECT rcq.cancel(1), rcq.submit('job 2', max_retries => 1, retry_on => '{disk_quota}');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled') || t.ended(2, 'disk_quota')) ORDER BY job;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(2, 'disk_quota'));
RESET ROLE;
SELECT id, status, reason FROM rcq.jobs ORDER BY id;

-- where a new process goes on with the output of runs: behind what is stored; nothing is said about other runs
SELECT rcq.submit('job 3'), rcq.submit('job 4');
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
SELECT t.log(3, 1, 'stdout', 'one'), t.log(3, 1, 'stdout', 'again'), t.log(3, 2, 'stderr', E'two\nthree\n'), t.log(3, 4, 'stdout', '\xff00');
SELECT * FROM t.positions('{3,4}');
SELECT t.register(incarnation => 2);
SELECT * FROM t.positions('{3,4,2}');
SELECT * FROM rcq.executor_log_position(:a, 2, NULL, NULL);
SELECT * FROM rcq.executor_log_position(:a, 2, '{3,4}', (SELECT array_agg(token + 1) FROM t.token WHERE job IN (3, 4)));
SELECT * FROM t.errors(format('SELECT * FROM rcq.executor_log_position(%s, 1, NULL, NULL)', :a), format('SELECT * FROM rcq.executor_log_position(%s, 2, ''{3}'', NULL)', :a),
    format('SELECT * FROM rcq.executor_log_position(%s, 2, ''{3}'', ''{1,2}'')', :a));
SET ROLE regress_node_b;
SELECT t.register(cpu_cores => 0);
SELECT count(*) AS "positions of runs of another executor" FROM t.process m, rcq.executor_log_position(m.executor, 1, '{3,4}', (SELECT array_agg(token ORDER BY job) FROM t.token WHERE job IN (3, 4))) WHERE m.name = 'regress_node_b';
SET ROLE regress_node_a;
SELECT * FROM t.sync(listed => '{3,4}', finished => t.ended(3) || t.ended(4)) ORDER BY kind, job;
SELECT count(*) AS "positions of runs that have ended" FROM t.positions('{3,4}');

-- a drain that the process asked for ends when it says so; that of an administrator stays
SELECT rcq.executor_drain(:a, 2, 'little free disk');
RESET ROLE;
SELECT status, reason FROM rcq.executors WHERE name = 'regress_node_a';
SELECT rcq.submit('job 5');
SELECT t.wait($$(SELECT reason = 'drained' FROM rcq.queue WHERE id = 5)$$);
SET ROLE regress_node_a;
SELECT rcq.executor_drain(:a, 2, NULL);
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(5));
SELECT rcq.executor_drain(:a, 2, 'failed health check');
RESET ROLE;
SELECT rcq.drain_executor('regress_node_a', 'new disk');
SET ROLE regress_node_a;
SELECT rcq.executor_drain(:a, 2, NULL);
RESET ROLE;
SELECT status, reason FROM rcq.executors WHERE name = 'regress_node_a';
-- an administrator ends both
SET ROLE regress_node_a;
SELECT rcq.executor_drain(:a, 2, 'failed prolog');
RESET ROLE;
SELECT rcq.resume_executor('regress_node_a');
SELECT status, reason FROM rcq.executors WHERE name = 'regress_node_a';

-- a new process keeps the runs of the old one that it lists, and loses the others; it has acknowledged nothing, so that it
-- is offered what was placed or told meanwhile, but no run that it holds
SET ROLE regress_node_a;
SELECT t.register(incarnation => 3);
RESET ROLE;
SELECT rcq.submit('job 6'), rcq.submit('job 7');
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
RESET ROLE;
SELECT rcq.submit('job 8');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 8)$$);
UPDATE t.process SET acked = (SELECT max(seq) - 1 FROM rcq_private.command) WHERE name = 'regress_node_a';
-- of job 8 the old process has claimed, and never got the answer
SET ROLE regress_node_a;
SELECT kind, job_id AS job FROM t.process p, rcq.executor_sync(p.executor, 3, p.acked, NULL, NULL, NULL, 1) WHERE p.name = 'regress_node_a' AND kind = 'start';
RESET ROLE;
SELECT rcq.submit('job 9'), rcq.cancel(6);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 9) AND EXISTS (SELECT FROM rcq_private.command WHERE kind = 'cancel' AND job_id = 6)$$);
SET ROLE regress_node_a;
SELECT t.register(incarnation => 4);
SELECT * FROM t.errors(format('SELECT * FROM rcq.executor_sync(%s, 3, 0, NULL, NULL, NULL, 9)', :a));
SELECT kind, job FROM t.sync(listed => '{6,7}', max_new => 1) ORDER BY kind, job;
RESET ROLE;
SELECT job_id, attempt, status, reason FROM rcq.runs WHERE job_id BETWEEN 6 AND 9 AND ended_at IS NOT NULL;
SELECT id, status, reason FROM rcq.jobs WHERE id IN (6, 7, 9) ORDER BY id;
SELECT l.job_id, l.claimed_by FROM rcq_private.live l WHERE l.claimed_at IS NOT NULL ORDER BY l.job_id;
-- listed again they stay its own, and it reports their ends
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT kind, job, body FROM t.sync(listed => '{6,7,8,9}', finished => t.ended(6, 'cancelled') || t.ended(7)) ORDER BY kind, job;
-- what it does not list any more is lost, whoever claimed it
SELECT kind, job FROM t.sync(listed => '{8}');
RESET ROLE;
SELECT job_id, attempt, status, reason FROM rcq.runs WHERE job_id BETWEEN 6 AND 9 AND ended_at IS NOT NULL ORDER BY job_id, attempt;
\i :end
