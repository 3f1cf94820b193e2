-- The executor protocol: registration, claims, lost answers, listings, losses, retries, leases. No executor process is
-- needed: this session speaks for them.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a'), t.node('regress_node_b');

-- a login alone is no capacity
SELECT name, hostname, status, cpu_cores, last_seen, registered_at FROM rcq.executors ORDER BY name;
SELECT * FROM t.errors($$SELECT rcq.drain_executor('nobody')$$, $$SELECT rcq.resume_executor(NULL)$$);
-- who is no executor cannot register; versions must agree; capacity must make sense
SELECT * FROM t.errors('SELECT t.register()');
SET ROLE regress_node_a;
SELECT * FROM t.errors('SELECT t.register(protocol => 2)', 'SELECT t.register(protocol => 0)', 'SELECT t.register(protocol => NULL)');
SELECT code, message FROM t.errors(
    'SELECT t.register(cpu_cores => -1)', 'SELECT t.register(cpu_cores => 100001)', 'SELECT t.register(memory_gb => -1)', 'SELECT t.register(gpu_count => 10001)',
    'SELECT t.register(features => ARRAY[NULL]::text[])', 'SELECT t.register(gpu_type => ''A 100'')', $$SELECT t.register(features => '{Upper}')$$, 'SELECT t.register(incarnation => NULL)',
    $$SELECT rcq.register_executor('h', NULL, NULL, 1, 1)$$, $$SELECT rcq.register_executor('h', '[]', NULL, 1, 1)$$, $$SELECT rcq.register_executor('h', '{}', NULL, 1, 1)$$,
    $$SELECT rcq.register_executor('h', '{"cpu_cores": "many", "memory_mib": 1}', NULL, 1, 1)$$, $$SELECT rcq.register_executor('h', '{"cpu_cores": 1, "memory_mib": 1e30}', NULL, 1, 1)$$,
    $$SELECT rcq.register_executor(NULL, '{"cpu_cores": 1, "memory_mib": 1}', NULL, 1, 1)$$);
-- somebody spoke, but there is no capacity yet
RESET ROLE;
SELECT status, last_seen IS NOT NULL AS seen, registered_at FROM rcq.executors WHERE name = 'regress_node_a';
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 2, memory_gb => 4, gpu_count => 1, features => '{gpu,avx2,gpu}', gpu_type => 'a100-40gb');
-- sync: of one's own executor alone, with sound arguments
SELECT executor AS a FROM t.process WHERE name = 'regress_node_a' \gset
SELECT * FROM t.errors(
    format('SELECT rcq.executor_sync(%s, 1, 0, NULL, NULL, NULL, 0)', :a + 1),
    'SELECT rcq.executor_sync(99, 1, 0, NULL, NULL, NULL, 0)', format('SELECT rcq.executor_sync(%s, 2, 0, NULL, NULL, NULL, 0)', :a),
    format('SELECT rcq.executor_sync(%s, NULL, 0, NULL, NULL, NULL, 0)', :a));
-- the fence cannot be passed by leaving out whose call it is
SELECT code LIKE 'RC02_' AS refused FROM t.errors('SELECT rcq.executor_sync(NULL, 1, 0, NULL, NULL, NULL, 0)', 'SELECT rcq.executor_sync(NULL, NULL, 0, NULL, NULL, NULL, 0)');
SELECT code FROM t.errors(
    format('SELECT rcq.executor_sync(%s, 1, NULL, NULL, NULL, NULL, 0)', :a),
    'SELECT t.sync(finished => ''{}'')', 'SELECT t.sync(finished => ''[{}]'')', 'SELECT t.sync(finished => ''[1]'')',
    $$SELECT t.sync(finished => '[{"job_id": 1, "token": 1, "end": "exploded"}]')$$, $$SELECT t.sync(finished => '[{"job_id": 1, "token": 1, "end": "exit_code"}]')$$,
    $$SELECT t.sync(finished => '[{"job_id": "one", "token": 1, "end": "oom"}]')$$, $$SELECT t.sync(finished => '[{"job_id": 1, "token": 1, "end": "oom", "cpu_seconds": "NaN?"}]')$$);
RESET ROLE;
SELECT name, hostname, status, reason, runs, cpu_cores, memory_gb, gpu_count, gpu_type, features FROM rcq.executors WHERE hostname IS NOT NULL;

-- capacity and features decide what is placed
SELECT rcq.submit('job 1', cpu_cores => 2, gpu_count => 1, features => '{gpu}', requeue => false), rcq.submit('job 2', cpu_cores => 3), rcq.submit('job 3', memory_gb => 4, priority => 4);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 1)$$), t.wait($$ARRAY(SELECT reason FROM rcq.queue ORDER BY id) = '{never_fits,resources}'$$);
SELECT name, status, runs, cpu_cores_used, memory_gb_used, gpu_count_used FROM rcq.executors WHERE name = 'regress_node_a';

SET ROLE regress_node_a;
-- no room at all, or less: nothing is offered, and that is no error
SELECT * FROM t.sync(max_new => 0);
SELECT * FROM t.sync(max_new => NULL);
SELECT * FROM t.sync(max_new => -1);
SELECT code FROM t.errors($$SELECT t.sync(usage => '{}')$$, $$SELECT t.sync(usage => '[{"job_id": "one"}]')$$);

-- a lost answer: the same start is offered again until it is acknowledged, and the run is one
SELECT kind, seq, token FROM rcq.executor_sync(:a, 1, 0, NULL, NULL, NULL, 5) WHERE kind = 'start' \gset first_
SELECT kind, seq = :first_seq AS same_command, token = :first_token AS same_token, body->>'attempt' AS attempt, body->>'script' AS script FROM rcq.executor_sync(:a, 1, 0, '{}', NULL, NULL, 5);
SELECT count(*) FROM rcq.executor_sync(:a, 1, :first_seq, ARRAY[:first_token], NULL, NULL, 5) WHERE kind <> 'terms';
INSERT INTO t.token VALUES ('regress_node_a', 1, 1, :first_token);
UPDATE t.process SET acked = :first_seq;
RESET ROLE;
SELECT status, attempt FROM rcq.jobs WHERE id = 1;
SELECT count(*) AS runs FROM rcq.runs;
-- what a start says
SET ROLE regress_node_a;
SELECT jsonb_pretty(t.body(1));

-- reports: recorded once; what was never there is stale
SELECT t.ended(1) AS report \gset
SELECT * FROM t.sync(finished => :'report');
SELECT * FROM t.sync(finished => :'report');
SELECT * FROM t.sync(finished => jsonb_set(:'report', '{0,token}', '4711'));
SELECT * FROM t.sync(finished => '[{"job_id": 99, "token": 1, "end": "oom"}]');
SELECT * FROM t.take();
-- several in one call, and one of them twice
SELECT * FROM t.sync(finished => t.ended(3) || t.ended(3) || '[{"job_id": 2, "token": 5, "end": "oom"}]') ORDER BY job, body;
RESET ROLE;
SELECT id, status, exit_code, attempt FROM rcq.jobs ORDER BY id;
SELECT rcq.cancel(2);

-- how runs end, and retries
SELECT rcq.submit('job 4', max_retries => 1), rcq.submit('job 5');
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
SELECT * FROM t.sync(finished => t.ended(4, exit_code => 3, more => '{"message": "no luck"}') || t.ended(5, 'oom', more => '{"peak_memory_mib": 1024, "signal": 9}')) ORDER BY job;
SELECT * FROM t.take();
-- the first attempt is history: whatever is said about it
SELECT * FROM t.sync(finished => t.ended(4, of_attempt => 1));
SELECT * FROM t.sync(finished => t.ended(4, 'timeout'));
RESET ROLE;
SELECT id, status, reason, exit_code, signal, peak_memory_gb, attempt, message FROM rcq.jobs WHERE id IN (4, 5) ORDER BY id;
SELECT job_id, attempt, status, reason, exit_code, message FROM rcq.runs WHERE job_id IN (4, 5) ORDER BY job_id, attempt;
SELECT rcq.submit('job 6'), rcq.submit('job 7');
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
SELECT * FROM t.sync(finished => t.ended(6, 'spawn_error', more => '{"message": "no such directory"}') || t.ended(7, 'signal', more => '{"signal": 11, "ended_ago_s": 3600}')) ORDER BY job;
RESET ROLE;
SELECT id, status, reason, exit_code, signal, message, ended_at >= started_at AS in_order FROM rcq.jobs WHERE id IN (6, 7) ORDER BY id;

-- a second process: the first is told so; what it ran and the second does not list was lost and is run again
SELECT rcq.submit('job 8'), rcq.submit('job 9', requeue => false);
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
SELECT t.register(incarnation => 2, cpu_cores => 2, memory_gb => 4);
SELECT * FROM t.errors('SELECT t.sync(as_incarnation => 1)');
SELECT * FROM t.sync(listed => '{}');
RESET ROLE;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 8)$$);
SELECT job_id, attempt, status, reason, message FROM rcq.runs WHERE job_id IN (8, 9) ORDER BY job_id, attempt;
SELECT id, status, reason FROM rcq.jobs WHERE id = 9;
SET ROLE regress_node_a;
SELECT * FROM t.take();
-- the third process takes over the run that the second one started
SELECT t.register(incarnation => 3, cpu_cores => 2, memory_gb => 4);
SELECT * FROM t.sync(listed => '{8}');
SELECT * FROM t.sync(finished => t.ended(8));
-- tokens the server does not know, any more or at all, are to be killed
SELECT * FROM t.sync(listed => '{8}');
SELECT kind, token FROM rcq.executor_sync(:a, 3, 0, '{4711}', NULL, NULL, 0);
-- ended and not yet answered is listed as well: answered, not killed
RESET ROLE;
SELECT rcq.submit('job 10');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(10), listed => '{10}');
RESET ROLE;
SELECT id, status, reason, attempt FROM rcq.jobs WHERE id IN (8, 9, 10) ORDER BY id;
-- losses are not charged
SELECT count(*) FROM rcq_private.usage u JOIN rcq_private.outcome o ON o.ended_at = u.at WHERE o.reason = 'executor_lost';

-- a run that its executor ended without being asked was lost with it
SELECT rcq.submit('job 11');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(11, 'cancelled'));
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(11));
RESET ROLE;
SELECT job_id, attempt, status, reason FROM rcq.runs WHERE job_id = 11 ORDER BY attempt;

-- drain and resume by an administrator: what runs goes on, nothing new comes
SELECT rcq.submit('job 12');
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
SELECT rcq.drain_executor('regress_node_a', 'new disk');
SELECT name, status, reason, runs FROM rcq.executors WHERE name = 'regress_node_a';
SELECT rcq.submit('job 13');
SELECT t.wait($$(SELECT reason = 'drained' FROM rcq.queue WHERE id = 13)$$);
-- not even a new process ends that drain
SET ROLE regress_node_a;
SELECT t.register(incarnation => 4, cpu_cores => 2, memory_gb => 4);
SELECT * FROM t.sync(finished => t.ended(12));
RESET ROLE;
SELECT status, reason FROM rcq.executors WHERE name = 'regress_node_a';
SELECT rcq.resume_executor('regress_node_a');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 13)$$);
-- a drain that the process asked for gives back what it did not claim, and ends with a new process
SET ROLE regress_node_a;
SELECT rcq.executor_drain(:a, 4, 'SIGTERM');
RESET ROLE;
SELECT t.wait($$(SELECT reason = 'drained' FROM rcq.queue WHERE id = 13)$$);
SELECT status, reason FROM rcq.executors WHERE name = 'regress_node_a';
SET ROLE regress_node_a;
SELECT t.register(incarnation => 4, cpu_cores => 2, memory_gb => 4);
SELECT * FROM t.errors(format('SELECT rcq.executor_drain(%s, 3, NULL)', :a), format('SELECT rcq.executor_sign_off(%s, 3)', :a));
RESET ROLE;
SELECT status FROM rcq.executors WHERE name = 'regress_node_a';
SET ROLE regress_node_a;
SELECT rcq.executor_sign_off(:a, 4);
RESET ROLE;
SELECT status FROM rcq.executors WHERE name = 'regress_node_a';
SET ROLE regress_node_a;
SELECT t.register(incarnation => 5, cpu_cores => 1, memory_gb => 4);
SELECT * FROM t.take();
RESET ROLE;
SELECT status, reason, runs FROM rcq.executors WHERE name = 'regress_node_a';

-- who signs off in the middle of a run has lost it
SET ROLE regress_node_a;
SELECT rcq.executor_sign_off(:a, 5);
RESET ROLE;
SELECT t.wait($$(SELECT status = 'pending' FROM rcq.jobs WHERE id = 13)$$);
SELECT job_id, status, reason, message FROM rcq.runs WHERE job_id = 13;
SELECT rcq.cancel(13);

-- a placement that nobody claims goes elsewhere
SELECT rcq.set('claim_timeout', '1 s');
SET ROLE regress_node_a;
SELECT t.register(incarnation => 6, cpu_cores => 1, memory_gb => 4);
RESET ROLE;
SELECT rcq.submit('job 14');
SELECT t.wait($$(SELECT attempt >= 2 FROM rcq.jobs WHERE id = 14)$$);
-- the first attempt was never started: no run, no token
SELECT count(*) FROM rcq_private.run WHERE job_id = 14;
SELECT rcq.set('claim_timeout', NULL);
SET ROLE regress_node_a;
SELECT job FROM t.take();
SELECT * FROM t.sync(finished => t.ended(14));

-- silent for the lease: offline, nothing new is placed; silent for longer: its runs are given up, and their late reports change nothing
RESET ROLE;
SELECT rcq.submit('job 15'), rcq.submit('job 16', requeue => false);
SET ROLE regress_node_a;
SELECT t.register(incarnation => 6, cpu_cores => 2, memory_gb => 4);
SELECT * FROM t.take(2) ORDER BY job;
RESET ROLE;
SELECT rcq.set('lease', '1 s'), rcq.set('lost_after', '3 s');
SELECT t.wait($$(SELECT status = 'offline' FROM rcq.executors WHERE name = 'regress_node_a')$$);
SELECT id, status FROM rcq.jobs WHERE id IN (15, 16) ORDER BY id;
SELECT t.wait($$(SELECT count(*) = 2 FROM rcq.jobs WHERE id IN (15, 16) AND status IN ('pending', 'failed'))$$);
SELECT t.wait($$(SELECT reason = 'no_executor' FROM rcq.queue WHERE id = 15)$$);
SELECT id, status, reason, attempt, message FROM rcq.jobs WHERE id IN (15, 16) ORDER BY id;
SELECT rcq.set('lost_after', NULL), rcq.set('lease', NULL);
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(15, of_attempt => 1) || t.ended(16), listed => '{15,16}') ORDER BY job;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(15, of_attempt => 2));
RESET ROLE;
SELECT id, status, reason, exit_code, attempt FROM rcq.jobs WHERE id IN (15, 16) ORDER BY id;
SELECT job_id, attempt, status, reason, exit_code FROM rcq.runs WHERE job_id IN (15, 16) ORDER BY job_id, attempt;

-- more losses than max_losses end a job
SELECT rcq.set('max_losses', '1');
SELECT rcq.submit('job 17');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(17, 'cancelled'));
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(17, 'cancelled'));
RESET ROLE;
SELECT status, reason, attempt FROM rcq.jobs WHERE id = 17;

-- no run is left, and no command
SELECT (SELECT count(*) FROM rcq_private.live) AS live, (SELECT count(*) FROM rcq_private.command) AS commands;
\i :end
