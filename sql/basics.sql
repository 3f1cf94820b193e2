-- From CREATE EXTENSION to a completed job, with an executor that is this session.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);

-- the installing role administers the queue; group 1 is open
SELECT id, role_name, email, group_name, is_admin, max_priority FROM rcq.users;
SELECT id, name, priority, quota_cpu_hours, quota_mode, open FROM rcq.groups;
-- a user, a group with a quota, an executor's login
SELECT rcq.add_group('physics', quota_cpu_hours => 100);
SELECT rcq.add_user('regress_ann', 'physics');
SELECT t.node('regress_node_a');

-- nothing to run on yet
SET ROLE regress_ann;
SELECT rcq.submit('echo hello', name => 'first', cpu_cores => 2, memory_gb => 1.5, time_limit => '1 hour');
SELECT t.wait($$(SELECT position = 1 AND reason = 'no_executor' FROM rcq.queue WHERE id = 1)$$);
SELECT position, id, user_name, group_name, name, cpu_cores, memory_gb, gpu_count, reason, base_priority, fair_share, wait_boost, priority FROM rcq.queue;
SELECT id, status, reason, user_name, group_name, name, script, cpu_cores, memory_gb, started_at, ended_at, executor, attempt FROM rcq.jobs;

-- an executor comes
SET ROLE regress_node_a;
SELECT rcq.register_executor('node-a.example.org', '{"cpu_cores": 4, "memory_mib": 8192}', NULL, 77, 1) - 'server_start' AS register_executor;
SELECT t.register(incarnation => 77);
SELECT * FROM t.take();

SET ROLE regress_ann;
SELECT id, status, reason, executor, attempt, started_at >= submitted_at AS in_order, ended_at FROM rcq.jobs;
SELECT count(*) FROM rcq.queue;
SELECT name, status, runs, cpu_cores, cpu_cores_used, memory_gb, memory_gb_used, gpu_count, gpu_count_used, features FROM rcq.executors;
SELECT group_name, quota_cpu_hours, running_jobs, running_cores, pending_jobs, cpu_hours < 1 AS hardly_used, planned_hours BETWEEN 1.9 AND 2 AS about_2_planned, fair_share FROM rcq.group_usage ORDER BY group_id;

-- output and usage while it runs
SET ROLE regress_node_a;
SELECT t.log(1, 1, 'stdout', E'hello\nwor');
SELECT t.log(1, 3, 'stderr', E'oh\n');
SELECT * FROM t.sync(usage => (t.ended(1)->0) - 'end' - 'exit_code' || '{"cpu_seconds": 0.5, "peak_memory_mib": 512}' || '[]');
SET ROLE regress_ann;
SELECT seq, stream, line FROM rcq.logs(1);
SELECT cpu_seconds, peak_memory_gb FROM rcq.jobs;

-- the end
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, more => '{"cpu_seconds": 1.25, "peak_memory_mib": 768, "output_dir": "/data/1", "files": [{"name": "a.txt", "bytes": 3}]}'));
SET ROLE regress_ann;
SELECT status, reason, exit_code, signal, cpu_seconds, peak_memory_gb, message, output, ended_at >= started_at AS in_order FROM rcq.jobs;
SELECT job_id, attempt, executor, status, reason, exit_code, placed_at <= started_at AND started_at <= ended_at AS in_order FROM rcq.runs;
SELECT seq, stream, line FROM rcq.logs(1);
SELECT name, status, runs, cpu_cores_used FROM rcq.executors;
SELECT group_name, running_jobs, running_cores, pending_jobs, planned_hours, cpu_hours < 1 AS hardly_used FROM rcq.group_usage ORDER BY group_id;
-- usage is cores times the time from claim to end
RESET ROLE;
SELECT count(*), bool_and(abs(u.core_seconds - 2 * extract(epoch FROM o.ended_at - o.claimed_at)) < 1e-6) AS exact
  FROM rcq_private.usage u, rcq_private.outcome o;
-- nothing remains of the run among the living
SELECT (SELECT count(*) FROM rcq_private.live) AS live, (SELECT count(*) FROM rcq_private.command) AS commands;
SELECT state, pid IS NOT NULL AS has_pid, placements, pending, running, last_error FROM rcq.scheduler;
\i :end
