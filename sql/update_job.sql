-- What a job asks for is changed before it starts: what may be, what it is checked against, what follows it.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben'), rcq.set('max_time_limit', '10 h');
SELECT t.node('regress_node_a');
SELECT t.node('regress_node_b');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 4, memory_gb => 8);
\set asked 'SELECT cpu_cores, memory_gb, gpu_count, estimate, time_limit, deadline IS NOT NULL AS has_deadline, max_retries, cpu_cores_min, gpu_type FROM rcq.jobs WHERE id ='

-- a pending job: each part by itself, the rest stays
SET ROLE regress_ann;
SELECT rcq.submit('job 1', cpu_cores => 8, memory_gb => 2, estimated_hours => 2, time_limit => '3 h');
SELECT t.wait($$(SELECT reason = 'never_fits' FROM rcq.jobs WHERE id = 1)$$);
SELECT rcq.update_job(1, memory_gb => 2.5, max_retries => 2);
:asked 1;
SELECT rcq.update_job(1, estimated_hours => 0.5, deadline => clock_timestamp() + interval '1 year');
SELECT rcq.update_job(1, time_limit => '2 h', estimated_hours => 1.5);
:asked 1;
RESET ROLE;
SELECT cpu_cores, memory_mib, planned_s, time_limit_s, max_retries FROM rcq_private.live;
-- to be without
SET ROLE regress_ann;
SELECT rcq.update_job(1, clear => '{estimated_hours}');
RESET ROLE;
SELECT planned_s, time_limit_s FROM rcq_private.live;
SET ROLE regress_ann;
SELECT rcq.update_job(1, clear => '{time_limit,deadline}');
:asked 1;
-- the scheduler follows: what is said of the lane of jobs like it is said of the lane that it is in now
SELECT rcq.update_job(1, cpu_cores => 6);
SELECT t.wait($$(SELECT reason = 'never_fits' FROM rcq.jobs WHERE id = 1)$$);
-- now it fits
SELECT rcq.update_job(1, cpu_cores => 3, cpu_cores_min => 2);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 1)$$);
RESET ROLE;
SELECT action, kind, object, actor, old - 'deadline' AS old, new - 'deadline' AS new, COALESCE(old, new) ? 'deadline' AS also_deadline FROM rcq.audit WHERE action LIKE 'job.%' ORDER BY id;

-- assigned: the placement is taken back, and made anew by what is asked for now
SET ROLE regress_ann;
SELECT rcq.update_job(1, cpu_cores => 2, clear => '{cpu_cores_min}');
SELECT t.wait($$(SELECT status = 'assigned' AND attempt = 2 FROM rcq.jobs WHERE id = 1)$$);
SELECT rcq.update_job(1, memory_gb => 3, time_limit => '30 min');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT b->'cpu_cores' AS cores, b->'memory_mib' AS mib, b->'time_limit_s' AS limit_s FROM t.body(1) b;
-- running and ended
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT rcq.update_job(1, memory_gb => 4)');
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, exit_code => 1));
-- it has retries: pending again, and what its first run had been granted is kept with that run
SET ROLE regress_ann;
SELECT rcq.hold(1);
SELECT rcq.update_job(1, cpu_cores => 4, memory_gb => 1);
SELECT attempt, granted_cores, granted_memory_gb FROM rcq.runs WHERE job_id = 1;
SELECT rcq.cancel(1);
SELECT * FROM t.errors('SELECT rcq.update_job(1, memory_gb => 4)');

-- what cannot be submitted cannot be had this way either
SELECT rcq.submit('job 2', estimated_hours => 2, time_limit => '3 h', gpu_count => 9, begin_time => clock_timestamp() + interval '1 year');
SELECT code, regexp_replace(message, '[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:.]+ \d{4} P[SD]T', 'T', 'g') AS message FROM t.errors('SELECT rcq.update_job(2)', 'SELECT rcq.update_job(2, clear => ''{}'')', 'SELECT rcq.update_job(2, cpu_cores => 0)', 'SELECT rcq.update_job(2, cpu_cores => 100001)',
    'SELECT rcq.update_job(2, memory_gb => 0)', 'SELECT rcq.update_job(2, memory_gb => ''NaN'')', 'SELECT rcq.update_job(2, memory_gb => 1e300)', 'SELECT rcq.update_job(2, gpu_count => -1)',
    'SELECT rcq.update_job(2, estimated_hours => 4)', 'SELECT rcq.update_job(2, time_limit => ''1 h'')', 'SELECT rcq.update_job(2, time_limit => ''11 h'')', 'SELECT rcq.update_job(2, time_limit => ''-1 s'')',
    'SELECT rcq.update_job(2, max_retries => 1001)', 'SELECT rcq.update_job(2, max_retries => -1)', 'SELECT rcq.update_job(2, max_retries => 2000000000)', 'SELECT rcq.update_job(2, cpu_cores_min => 2)',
    'SELECT rcq.update_job(2, deadline => ''2000-01-01'')', 'SELECT rcq.update_job(2, deadline => ''infinity'')', 'SELECT rcq.update_job(2, deadline => clock_timestamp() + interval ''1 month'')', 'SELECT rcq.update_job(2, gpu_type => ''a100'')',
    'SELECT rcq.update_job(2, gpu_type => ''a&b'')', 'SELECT rcq.update_job(2, gpu_count => 0, gpu_type => ''a100'')', 'SELECT rcq.update_job(2, clear => ''{script}'')',
    'SELECT rcq.update_job(2, time_limit => ''4 h'', clear => ''{time_limit}'')', 'SELECT rcq.update_job(NULL, cpu_cores => 1)', 'SELECT rcq.update_job(77, cpu_cores => 1)');
SET ROLE regress_ben;
SELECT * FROM t.errors('SELECT rcq.update_job(2, cpu_cores => 1)');
-- an older, longer limit stays allowed while something else is changed
RESET ROLE;
SELECT rcq.set('max_time_limit', '1 h'), rcq.set('default_time_limit', '50 min');
SELECT rcq.update_job(2, gpu_count => 1, max_retries => 1);
-- an administrator may change it, within what holds for all; without a limit it gets the default one
SELECT * FROM t.errors('SELECT rcq.update_job(2, time_limit => ''2 h'')', 'SELECT rcq.update_job(2, clear => ''{time_limit}'')');
SELECT rcq.update_job(2, clear => '{time_limit,estimated_hours}');
:asked 2;
SELECT rcq.cancel(2), rcq.set('max_time_limit', NULL), rcq.set('default_time_limit', NULL);

-- a job of a type stays within what its type allows
SELECT rcq.register_type('small', 'true', limits => '{"cpu_cores": 2, "time_limit": "1h"}');
SET ROLE regress_ann;
SELECT rcq.submit_task('small', hold => true, estimated_hours => 0.2) AS typed \gset
SELECT code, message FROM t.errors(format('SELECT rcq.update_job(%s, cpu_cores => 3)', :typed), format('SELECT rcq.update_job(%s, time_limit => ''2 h'')', :typed));
SELECT rcq.update_job(:typed, cpu_cores => 2, time_limit => '30 min'), rcq.update_job(:typed, clear => '{time_limit}');
:asked :typed;
SELECT rcq.cancel(:typed);

-- arrays: tasks that have no row, and those that wait with the array's own values; a task that was changed keeps that
SELECT rcq.submit('array', memory_gb => 8, cpu_cores => 4, "array" => '1-6') AS tasks \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
SET ROLE regress_ann;
SELECT rcq.task(:tasks, 5) AS fifth \gset
SELECT rcq.update_job(:fifth, memory_gb => 5);
SELECT t.wait(format('(SELECT count(*) >= 3 FROM rcq.jobs WHERE array_id = %s)', :tasks));
SELECT rcq.update_job(:tasks, memory_gb => 6, cpu_cores => 3);
SELECT memory_gb, cpu_cores, array_size FROM rcq.jobs WHERE id = :tasks;
SELECT array_index, status, memory_gb, cpu_cores FROM rcq.jobs WHERE array_id = :tasks ORDER BY array_index;
SELECT count(*) FROM (SELECT rcq.task(:tasks, i) FROM generate_series(1, 6) i) made;
SELECT array_index, status, memory_gb, cpu_cores FROM rcq.jobs WHERE array_id = :tasks ORDER BY array_index;
RESET ROLE;
SELECT object = :'tasks' AS of_array, old, new FROM rcq.audit ORDER BY id DESC LIMIT 1;
-- a task that runs cannot be changed, nor an array without any task left to change
SET ROLE regress_ann;
SELECT code, message ~ 'running' AS runs FROM t.errors(format('SELECT rcq.update_job(rcq.task(%s, 1), memory_gb => 1)', :tasks));
SELECT rcq.update_job(t.job_id, memory_gb => 4) FROM rcq.tasks(:tasks, '2-6') t;
SELECT code, replace(message, :'tasks', 'N') AS message, hint FROM t.errors(format('SELECT rcq.update_job(%s, memory_gb => 1)', :tasks));
SELECT rcq.cancel(:tasks);

-- a placement that was planned for other values than the row has is not applied: here for a change that the scheduler is not told of
SET ROLE regress_node_a;
SELECT count(*) FROM t.sync(finished => t.ended((SELECT job FROM t.token ORDER BY job DESC LIMIT 1), 'cancelled'));
SET ROLE regress_ann;
SELECT rcq.submit('before', cpu_cores => 4) AS before \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
SET ROLE regress_ann;
SELECT rcq.submit('stale', cpu_cores => 4, time_limit => '2 h') AS stale \gset
SELECT t.wait(format('(SELECT reason = ''resources'' FROM rcq.jobs WHERE id = %s)', :stale));
BEGIN;
RESET ROLE;
UPDATE rcq_private.live SET cpu_cores = 2 WHERE job_id = :stale;
SET ROLE regress_node_a;
SELECT kind, body FROM t.sync(finished => t.ended(:before));
COMMIT;
RESET ROLE;
SELECT t.wait(format('(SELECT placed_at IS NOT NULL FROM rcq_private.live WHERE job_id = %s)', :stale));
SELECT cpu_cores, granted_cores FROM rcq_private.live WHERE job_id = :stale;

\i :end
