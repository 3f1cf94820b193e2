-- Drains of executors by an administrator: what runs goes on or is requeued, now or at a time that is planned; and what
-- an executor says about its host.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a'), t.node('regress_node_b');
CREATE VIEW t.state AS SELECT name, status, reason, drain_mode, CASE WHEN drain_at > now() THEN 'planned' WHEN drain_at IS NOT NULL THEN 'begun' END AS at FROM rcq.executors ORDER BY name;

-- info is any object, kept and shown as it is; without it there is none
SET ROLE regress_node_a;
SELECT rcq.register_executor('host', '{"cpu_cores": 1, "memory_mib": 1024, "info": {"kernel": "6.1", "gpus": [{"uuid": "GPU-1", "memory_mib": 40960}]}}', NULL, 1, 1) ->> 'name' AS name;
RESET ROLE;
SELECT info FROM rcq.executors WHERE name = 'regress_node_a';
SET ROLE regress_node_a;
SELECT * FROM t.errors(
    $$SELECT rcq.register_executor('host', '{"cpu_cores": 1, "memory_mib": 1024, "info": "6.1"}', NULL, 1, 1)$$,
    $$SELECT rcq.register_executor('host', '{"cpu_cores": 1, "memory_mib": 1024, "info": null}', NULL, 1, 1)$$,
    $$SELECT rcq.register_executor('host', jsonb_build_object('cpu_cores', 1, 'memory_mib', 1024, 'info', jsonb_build_object('k', repeat('x', 65528))), NULL, 1, 1)$$);
SELECT rcq.register_executor('host', jsonb_build_object('cpu_cores', 1, 'memory_mib', 1024, 'info', jsonb_build_object('k', repeat('x', 65527))), NULL, 1, 1) ->> 'name' AS name;
RESET ROLE;
SELECT octet_length(info::text) FROM rcq.executors WHERE name = 'regress_node_a';
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 3);
RESET ROLE;
SELECT info FROM rcq.executors WHERE name = 'regress_node_a';

SELECT * FROM t.errors($$SELECT rcq.drain_executor('regress_node_a', 'why', 'kill')$$, $$SELECT rcq.drain_executor('regress_node_a', 'why', NULL)$$,
    $$SELECT rcq.drain_executor('regress_node_a', at => 'infinity')$$, $$SELECT rcq.drain_executor('nobody', mode => 'requeue')$$, $$SELECT rcq.drain_executor('nobody', at => now() + interval '1 hour')$$);

-- finish: what runs goes on, what was placed waits again
SELECT rcq.submit('job 1'), rcq.submit('job 2', requeue => false);
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
RESET ROLE;
SELECT rcq.submit('job 3');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 3)$$);
SELECT * FROM rcq.drain_executor('regress_node_a', 'new disk');
SELECT t.wait($$(SELECT reason = 'drained' FROM rcq.queue WHERE id = 3)$$);
SELECT * FROM t.state WHERE name = 'regress_node_a';
SELECT id, status, reason FROM rcq.jobs ORDER BY id;

-- requeue: what runs is sent back to the queue, but for what must not run again
SELECT * FROM rcq.drain_executor('regress_node_a', 'new mainboard', 'requeue');
SELECT * FROM t.state WHERE name = 'regress_node_a';
SELECT t.wait($$(SELECT reason = 'requeueing' FROM rcq.jobs WHERE id = 1)$$);
SET ROLE regress_node_a;
SELECT kind, job FROM t.sync();
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled'));
RESET ROLE;
SELECT id, status, reason FROM rcq.jobs ORDER BY id;
SELECT job_id, attempt, status FROM rcq.runs ORDER BY job_id, attempt;
-- it ends when an administrator says so, and jobs start again
SELECT rcq.resume_executor('regress_node_a');
SELECT * FROM t.state WHERE name = 'regress_node_a';
SET ROLE regress_node_a;
SELECT * FROM t.take(2) ORDER BY job;
RESET ROLE;
SELECT id, status, reason FROM rcq.jobs ORDER BY id;
-- what succeeds in the meantime has succeeded; what is being cancelled is no affair of a drain
SELECT rcq.cancel(3);
SELECT * FROM rcq.drain_executor('regress_node_a', mode => 'requeue');
SELECT t.wait($$(SELECT reason = 'requeueing' FROM rcq.jobs WHERE id = 1)$$);
SELECT * FROM rcq.drain_executor('regress_node_a', mode => 'requeue');
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1) || t.ended(3, 'cancelled')) ORDER BY kind, job;
RESET ROLE;
SELECT id, status, reason FROM rcq.jobs ORDER BY id;
SELECT rcq.resume(executor => 'regress_node_a');

-- planned: until then only what is planned to end before it is placed there
SELECT * FROM rcq.drain_executor('regress_node_a', 'new firmware', 'requeue', now() + interval '2 hours');
SELECT * FROM t.state WHERE name = 'regress_node_a';
SELECT rcq.submit('job 4', estimated_hours => 3), rcq.submit('job 5', estimated_hours => 1);
SELECT t.wait($$(SELECT reason = 'maintenance' FROM rcq.queue WHERE id = 4)$$);
SELECT regexp_replace(message, '(from) .* (on )', '\1 <time> \2') FROM rcq.explain(4) WHERE kind = 'blocker';
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
SELECT id, status, reason FROM rcq.jobs WHERE id >= 4 ORDER BY id;
-- a later plan replaces an earlier one, also for now; once begun it is not planned any more
SELECT * FROM rcq.drain_executor('regress_node_a', 'old firmware', 'finish', now() + interval '4 hours');
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
SELECT * FROM t.state WHERE name = 'regress_node_a';
SELECT * FROM rcq.drain_executor('regress_node_a', 'smoke', at => now() - interval '1 hour');
SELECT * FROM t.state WHERE name = 'regress_node_a';
SELECT * FROM t.errors($$SELECT rcq.drain_executor('regress_node_a', at => now() + interval '1 hour')$$);
SELECT rcq.resume_executor('regress_node_a');

-- when its time comes the scheduler carries it out, also one that was started in the meantime
SELECT * FROM rcq.drain_executor('regress_node_a', 'new firmware', 'requeue', clock_timestamp() + interval '2 seconds');
SELECT pid AS old FROM rcq.scheduler \gset
SELECT pg_terminate_backend(:old);
SELECT t.wait(format($$(SELECT pid <> %s AND state = 'running' FROM rcq.scheduler)$$, :old));
SELECT t.wait($$(SELECT reason = 'requeueing' FROM rcq.jobs WHERE id = 4)$$);
SELECT * FROM t.state WHERE name = 'regress_node_a';
SELECT id, status, reason FROM rcq.jobs WHERE id IN (2, 4, 5) ORDER BY id;
SELECT drain_at <= (SELECT max(requeue_requested_at) FROM rcq_private.live) AS "not before its time" FROM rcq.executors WHERE name = 'regress_node_a';
-- a new process changes nothing about it
SET ROLE regress_node_a;
SELECT t.register(incarnation => 2, cpu_cores => 3);
RESET ROLE;
SELECT * FROM t.state WHERE name = 'regress_node_a';
-- and a drain that is only planned leaves the executor to its own one
SELECT rcq.resume_executor('regress_node_a');
SELECT * FROM rcq.drain_executor('regress_node_a', 'firmware', at => now() + interval '1 hour');
SET ROLE regress_node_a;
SELECT rcq.executor_drain((SELECT executor FROM t.process WHERE name = 'regress_node_a'), 2, 'little free disk');
RESET ROLE;
SELECT * FROM t.state WHERE name = 'regress_node_a';
SELECT rcq.resume_executor('regress_node_a');
SELECT * FROM t.state WHERE name = 'regress_node_a';
\i :end
