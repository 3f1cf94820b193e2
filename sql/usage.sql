-- What ended runs leave: preempted ones go back to the queue, what was granted is what is charged; and how much of it
-- counts in each kind of window.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8, memory_gb => 64, gpu_count => 4, gpu_type => 'a100');
RESET ROLE;

-- a start says what was granted, and so do the views
SELECT rcq.submit('job 1', cpu_cores => 4, memory_gb => 8, gpu_count => 2);
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
UPDATE rcq_private.live SET granted_cores = 2, granted_memory_mib = 2048, granted_gpus = 1, claimed_at = claimed_at - interval '20 minutes', placed_at = placed_at - interval '20 minutes' WHERE job_id = 1;
SET ROLE regress_node_a;
SELECT b->'cpu_cores' AS cores, b->'memory_mib' AS memory, b->'gpu_count' AS gpus, b ? 'gpu_type' AS has_type FROM t.body(1) b;
RESET ROLE;
UPDATE rcq_private.job SET gpu_type = 'a100' WHERE id = 1;
SET ROLE regress_node_a;
SELECT t.body(1)->'gpu_type' AS gpu_type;
RESET ROLE;
SELECT cpu_cores, granted_cores, granted_memory_gb, granted_gpus, gpu_type, exclusive, preemptible FROM rcq.jobs WHERE id = 1;
SELECT cpu_cores_used, memory_gb_used, gpu_count_used FROM rcq.executors;
SELECT cpu_hours BETWEEN 0.6666 AND 0.7 AS two_cores_for_20_minutes, running_cores FROM rcq.group_usage;

-- a run that was to be preempted and was ended goes back as if it had never failed, but it has cost what it used
UPDATE rcq_private.live SET preempt_requested_at = clock_timestamp(), eligible_at = '2020-01-01' WHERE job_id = 1;
SELECT status, reason FROM rcq.jobs WHERE id = 1;
INSERT INTO rcq_private.command SELECT executor_id, nextval('rcq_private.command_seq'), job_id, token, 'cancel' FROM rcq_private.live;
SELECT rcq.drain_executor('regress_node_a');
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled')) WHERE kind = 'answer';
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled'));
RESET ROLE;
SELECT attempt, failures, losses, preempted, preempt_requested_at, granted_cores, granted_memory_mib, granted_gpus, token, eligible_at = '2020-01-01' AS kept FROM rcq_private.live;
SELECT attempt, status, reason, granted_cores, granted_memory_gb, granted_gpus FROM rcq.runs;
SELECT count(*) FROM rcq_private.command;
SELECT at - since > '20 minutes' AS since_claim, round(core_seconds / 2400) AS cores, round(gb_seconds / 2400) AS gb, round(gpu_seconds / 1200) AS gpus, gpu_type FROM rcq_private.usage;

-- success is success, the owner's cancel is a cancel, and a lost executor is a loss, whatever else was asked for
SELECT rcq.cancel(1), rcq.resume_executor('regress_node_a');
SELECT rcq.submit('job 2', max_retries => 3), rcq.submit('job 3'), rcq.submit('job 4'), rcq.submit('job 5');
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(4);
RESET ROLE;
UPDATE rcq_private.live SET preempt_requested_at = clock_timestamp();
SELECT rcq.cancel(3), rcq.drain_executor('regress_node_a');
SELECT id, reason FROM rcq.jobs WHERE status = 'running' ORDER BY id;
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(2) || t.ended(3, 'signal', more => '{"signal": 15}') || t.ended(4, 'exit_code', 143)) WHERE kind = 'answer' ORDER BY job;
SELECT count(*) FROM t.sync(listed => '{}') WHERE kind = 'start';
RESET ROLE;
SELECT id, status, exit_code, signal FROM rcq.jobs WHERE id BETWEEN 2 AND 5 ORDER BY id;
SELECT job_id, status, reason FROM rcq.runs WHERE job_id IN (4, 5) ORDER BY job_id;
SELECT job_id, failures, losses, preempted, preempt_requested_at FROM rcq_private.live ORDER BY job_id;
SELECT rcq.cancel(4), rcq.cancel(5);

-- hold takes a placement back, and with it what was granted
SELECT rcq.submit('job 6');
UPDATE rcq_private.live SET executor_id = 1, token = 6, command_seq = nextval('rcq_private.command_seq'), placed_at = clock_timestamp(), granted_cores = 1, granted_memory_mib = 1, granted_gpus = 0 WHERE job_id = 6;
SELECT rcq.hold(6);
SELECT granted_cores, granted_memory_mib, granted_gpus, placed_at FROM rcq_private.live;
SELECT rcq.cancel(6), rcq.resume_executor('regress_node_a');

-- short runs of a report share a row, longer ones have their own
TRUNCATE rcq_private.usage;
SELECT rcq.submit_many('[{"script": "job 7"}, {"script": "job 8"}, {"script": "job 9"}, {"script": "job 10"}]');
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(4);
RESET ROLE;
UPDATE rcq_private.live SET claimed_at = claimed_at - CASE job_id WHEN 7 THEN interval '1 minute' WHEN 8 THEN interval '2 minutes' WHEN 9 THEN interval '10 minutes' ELSE interval '1 hour' END;
SET ROLE regress_node_a;
SELECT count(*) FROM t.sync(finished => t.ended(7) || t.ended(8) || t.ended(9) || t.ended(10)) WHERE body = 'ok';
RESET ROLE;
SELECT date_trunc('minute', at - since) AS span, round(core_seconds / 60) AS core_minutes FROM rcq_private.usage ORDER BY since DESC;

-- windows: a use of 10 core-hours over 10 hours, half of it in the window
TRUNCATE rcq_private.usage;
SELECT rcq.set_gpu_billing('a100', 100), rcq.set('billing_gpu_hour', '10'), rcq.set('billing_cpu_hour', '2'), rcq.set('billing_gb_hour', '1');
INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds)
VALUES (clock_timestamp() - interval '245 hours', clock_timestamp() - interval '235 hours', 1, 1, 36000, 0, 0);
SELECT rcq.set('fairshare_window_length', '240 hours');
SELECT round(cpu_hours, 2) AS cpu_hours, round(billed_hours, 2) AS billed_hours FROM rcq.group_usage;
-- all of it, nothing of it
SELECT rcq.set('fairshare_window_length', '250 hours');
SELECT cpu_hours FROM rcq.group_usage;
SELECT rcq.set('fairshare_window_length', '230 hours');
SELECT cpu_hours FROM rcq.group_usage;
-- rows of version 0.1 say only when the use had ended
UPDATE rcq_private.usage SET since = NULL;
SELECT rcq.set('fairshare_window_length', '240 hours');
SELECT cpu_hours FROM rcq.group_usage;

-- months are those of UTC, wherever the session is
SELECT rcq.set('fairshare_window', 'month');
UPDATE rcq_private.usage SET since = m - interval '3 hours', at = m + interval '1 hour' FROM date_trunc('month', clock_timestamp(), 'UTC') m;
SELECT cpu_hours FROM rcq.group_usage;
SET timezone = 'Pacific/Auckland';
SELECT cpu_hours FROM rcq.group_usage;
RESET timezone;

-- half-lives: 1 hour used at once, 0 and 2 of them ago; a month of 730 hours is what steady use adds up to
SELECT rcq.set('fairshare_window', 'half_life'), rcq.set('fairshare_half_life', '100 hours');
TRUNCATE rcq_private.usage;
INSERT INTO rcq_private.usage VALUES (clock_timestamp(), 1, 1, 3600, 0, 0);
SELECT abs(cpu_hours - 730 * ln(2.0) / 100) < 0.001 AS whole FROM rcq.group_usage;
UPDATE rcq_private.usage SET at = clock_timestamp() - interval '200 hours';
SELECT abs(cpu_hours - 730 * ln(2.0) / 100 / 4) < 0.001 AS quarter FROM rcq.group_usage;
-- one core for the last 100 hours: half of a core for ever; for 5000 hours: all of it, whether it was one run or many
UPDATE rcq_private.usage SET since = clock_timestamp() - interval '100 hours', at = clock_timestamp(), core_seconds = 360000;
SELECT round(cpu_hours, 1) AS cpu_hours FROM rcq.group_usage;
UPDATE rcq_private.usage SET since = clock_timestamp() - interval '5000 hours', core_seconds = 18000000;
SELECT round(cpu_hours, 1) AS cpu_hours FROM rcq.group_usage;
TRUNCATE rcq_private.usage;
INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds)
SELECT n - i * interval '1 hour', n - (i - 1) * interval '1 hour', 1, 1, 3600, 0, 0 FROM clock_timestamp() n, generate_series(1, 5000) i;
SELECT round(cpu_hours, 1) AS cpu_hours FROM rcq.group_usage;
-- the shortest half-life against a use of many years
SELECT rcq.set('fairshare_half_life', '1 min');
UPDATE rcq_private.usage SET since = at - interval '20 years';
SELECT cpu_hours < 1 AS next_to_nothing FROM rcq.group_usage;

-- GPUs are billed by their model, also of past runs
SELECT rcq.set('fairshare_window', NULL);
TRUNCATE rcq_private.usage;
INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds, gpu_type)
SELECT n - interval '2 hours', n - interval '1 hour', 1, 1, 3600, 7200, 3600, m FROM clock_timestamp() n, unnest(ARRAY['a100', 'h100', NULL]) m;
SELECT cpu_hours, gpu_hours, billed_hours FROM rcq.group_usage;
-- and what runs is
TRUNCATE rcq_private.usage;
SELECT rcq.submit('job 11', gpu_count => 2, memory_gb => 4, estimated_hours => 3);
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
UPDATE rcq_private.live SET claimed_at = claimed_at - interval '1 hour';
SELECT round(cpu_hours, 2) AS cpu_hours, round(gpu_hours, 2) AS gpu_hours, round(billed_hours / 206, 2) AS billed_by_206, round(planned_hours / 206, 2) AS planned_by_206, running_jobs FROM rcq.group_usage;
-- what is planned counts in the multiplier, unless it is not to
SELECT rcq.set_group('default', quota_cpu_hours => 309), rcq.set('fairshare_cap', '10');
SELECT round(fair_share, 2) AS fair_share FROM rcq.group_usage;
SELECT rcq.set('count_planned_usage', 'off');
SELECT round(fair_share, 2) AS fair_share FROM rcq.group_usage;
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(11)) WHERE kind = 'answer';
\i :end
