-- Views for people. They run with the caller's rights, so that row security shows everyone their own jobs and
-- administrators all of them. What row security leaves of the unfinished ones is a range of users as well, which an
-- index finds: nobody's look at the queue reads the jobs of everybody.

CREATE FUNCTION rcq_private.memory_gb(mib integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.trim_scale(pg_catalog.round(mib / 1024.0, 3));

CREATE FUNCTION rcq_private.user_name(user_id integer) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_user_name';
COMMENT ON FUNCTION rcq_private.user_name(integer) IS 'SQL role or else e-mail address of a user';
CREATE FUNCTION rcq_private.group_name(group_id integer) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_group_name';
COMMENT ON FUNCTION rcq_private.group_name(integer) IS 'Name of a group';
CREATE FUNCTION rcq_private.executor_name(executor_id integer) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_executor_name';
COMMENT ON FUNCTION rcq_private.executor_name(integer) IS 'Name of an executor';

CREATE FUNCTION rcq_private.schedule_name(schedule_id integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.name FROM rcq_private.schedule s WHERE s.id = schedule_id $$;

-- The row of the array that a task is part of, or of a job that was restored, for whom row security would show it.
-- A function, because a subselect for each of its columns would be planned for every partition, and counted as if each row
-- were a task.
CREATE FUNCTION rcq_private.array_of(array_id bigint) RETURNS rcq_private.job
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM rcq_private.job j
     WHERE j.id = array_of.array_id
       AND CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = rcq_private.outer_role() AND (r.rolsuper OR r.rolbypassrls)) THEN true
                ELSE j.user_id = rcq_private.caller_id() OR rcq_private.caller_is_admin() END $$;

-- What is live, and what has ended in each of three ways, as joins of their own: whatever a condition on a job makes of the
-- order, the planner finds the other row of a job by its key. Of a join with the union of all states it could not, and would
-- read that union once for each job. A literal status drops branches, and finds what failed and what was cancelled by
-- their indexes. Each branch is planned for every partition, so there is none more: what is live says itself how it does,
-- and of the restored, which there seldom are, a function reads the job. Of what is over, too, the index by user finds what
-- is one's own; functions that the planner can call tell it whether that is little or all.
CREATE VIEW rcq.jobs WITH (security_invoker = true) AS
SELECT s.id, s.status, s.reason, rcq_private.user_name(s.user_id) AS user_name, rcq_private.group_name(s.group_id) AS group_name,
       s.name, CASE WHEN s.array_id IS NULL THEN s.script ELSE (rcq_private.array_of(s.array_id)).script END AS script, s.cpu_cores, rcq_private.memory_gb(s.memory_mib) AS memory_gb, s.gpu_count, s.priority_now::integer AS priority,
       s.submitted_at, s.started_at, s.ended_at, rcq_private.executor_name(s.executor_id) AS executor, s.attempt, s.exit_code,
       s.signal, s.cpu_seconds, rcq_private.memory_gb(s.peak_memory_mib) AS peak_memory_gb, s.message, s.output,
       s.estimate, s.time_limit, s.max_retries::integer,
       CASE WHEN s.array_id IS NULL THEN s.workdir ELSE (rcq_private.array_of(s.array_id)).workdir END AS workdir,
       CASE WHEN s.array_id IS NULL THEN s.env ELSE (rcq_private.array_of(s.array_id)).env END AS env,
       CASE WHEN s.array_id IS NULL THEN s.features ELSE (rcq_private.array_of(s.array_id)).features END AS features, s.requeue,
       CASE WHEN s.kill_on_disconnect THEN 'kill' ELSE 'continue' END AS on_disconnect, s.user_id, s.group_id, s.executor_id,
       s.cpu_cores_min, s.gpu_type, s.constraints, s.consumables, s.exclusive, s.preemptible, s.concurrency_key,
       s.granted_cores, rcq_private.memory_gb(s.granted_memory_mib) AS granted_memory_gb, s.granted_gpus,
       s.array_spec, s.array_size, s.array_id, s.array_index, s.begin_time, s.deadline, s.depends_on, s.retry, s.idempotency_key,
       s.project, s.tags, s.external_id, s.schedule_id, rcq_private.schedule_name(s.schedule_id) AS schedule_name, s.type,
       CASE WHEN s.array_id IS NULL THEN s.payload ELSE (rcq_private.array_of(s.array_id)).payload END AS payload, s.result,
       CASE WHEN s.array_size IS NULL THEN s.progress ELSE rcq_private.array_progress(s.id) END AS progress, s.progress_message
  FROM (
    SELECT j.*, CASE WHEN l.placed_at IS NULL THEN 'pending' WHEN l.claimed_at IS NULL THEN 'assigned' ELSE 'running' END::text AS status,
           CASE WHEN l.placed_at IS NULL THEN p.reason WHEN l.claimed_at IS NULL THEN NULL WHEN l.cancel_requested_at IS NOT NULL THEN 'cancelling'
                WHEN l.preempt_requested_at IS NOT NULL THEN 'preempting' WHEN l.requeue_requested_at IS NOT NULL THEN 'requeueing' END AS reason,
           l.priority AS priority_now, l.claimed_at AS started_at, NULL::timestamptz AS ended_at, l.executor_id, l.attempt, NULL::integer AS exit_code,
           NULL::integer AS signal, l.cpu_seconds, l.peak_memory_mib, NULL::text AS message, NULL::jsonb AS output, l.granted_cores,
           l.granted_memory_mib, l.granted_gpus, NULL::jsonb AS result,
           CASE WHEN l.claimed_at IS NOT NULL THEN (SELECT g.percent FROM rcq_private.progress g WHERE g.job_id = l.job_id AND g.token = l.token) END::integer AS progress,
           CASE WHEN l.claimed_at IS NOT NULL THEN (SELECT g.message FROM rcq_private.progress g WHERE g.job_id = l.job_id AND g.token = l.token) END AS progress_message
      FROM rcq_private.live l JOIN rcq_private.job j ON j.id = l.job_id, LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores,
               l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
               l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key,
               COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, GREATEST(l.failures, l.losses)) p
     WHERE l.user_id BETWEEN (SELECT rcq_private.first_visible_user()) AND (SELECT rcq_private.last_visible_user())
    UNION ALL
    SELECT j.*, 'completed', o.reason, o.priority, o.claimed_at, o.ended_at, o.executor_id, o.attempt, o.exit_code, o.signal,
           o.cpu_seconds, o.peak_memory_mib, o.message, o.output, o.granted_cores, o.granted_memory_mib, o.granted_gpus, o.result, NULL, NULL
      FROM rcq_private.outcome o JOIN rcq_private.job j ON j.id = o.job_id WHERE o.status = 'completed' AND j.user_id BETWEEN rcq_private.first_visible_user() AND rcq_private.last_visible_user()
    UNION ALL
    SELECT j.*, 'failed', o.reason, o.priority, o.claimed_at, o.ended_at, o.executor_id, o.attempt, o.exit_code, o.signal,
           o.cpu_seconds, o.peak_memory_mib, o.message, o.output, o.granted_cores, o.granted_memory_mib, o.granted_gpus, o.result, NULL, NULL
      FROM rcq_private.outcome o JOIN rcq_private.job j ON j.id = o.job_id WHERE o.status = 'failed' AND o.user_id BETWEEN rcq_private.first_visible_user() AND rcq_private.last_visible_user()
    UNION ALL
    SELECT j.*, 'cancelled', o.reason, o.priority, o.claimed_at, o.ended_at, o.executor_id, o.attempt, o.exit_code, o.signal,
           o.cpu_seconds, o.peak_memory_mib, o.message, o.output, o.granted_cores, o.granted_memory_mib, o.granted_gpus, o.result, NULL, NULL
      FROM rcq_private.outcome o JOIN rcq_private.job j ON j.id = o.job_id WHERE o.status = 'cancelled' AND o.user_id BETWEEN rcq_private.first_visible_user() AND rcq_private.last_visible_user()
    UNION ALL
    SELECT j.*, 'pending', 'restored', r.priority, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM rcq_private.restored r, LATERAL rcq_private.array_of(r.job_id) j
  ) s;
COMMENT ON VIEW rcq.jobs IS 'Every job you may see, live or ended: what was asked for, its status and reason, its last run';
COMMENT ON COLUMN rcq.jobs.status IS 'pending, assigned (placed, not yet started), running, completed, failed, cancelled';
COMMENT ON COLUMN rcq.jobs.reason IS 'Pending: what it waits for (priority, resources, held, dependency, begin_time, retry, array_throttle, quota, limit, drained, no_executor, never_fits, ...); running: cancelling, preempting, requeueing; failed: exit_code, signal, timeout, oom, disk_quota, deadline, executor_lost, not_started, dependency_failed, spawn_error, bad_result, tasks_failed';
COMMENT ON COLUMN rcq.jobs.memory_gb IS '1 GB = 2^30 bytes';
COMMENT ON COLUMN rcq.jobs.granted_cores IS 'Cores of its last run, as granted_memory_gb and granted_gpus, where they are not what was asked for';
COMMENT ON COLUMN rcq.jobs.array_spec IS 'Of an array job: indices of its array_size tasks; a task has array_id and array_index, and a row of its own once it may be placed soon (all of them: rcq.tasks)';
COMMENT ON COLUMN rcq.jobs.retry IS 'What is run again, and when; NULL = every failure at once, as often as max_retries says';
COMMENT ON COLUMN rcq.jobs.result IS 'What a completed job wrote to $RCQ_RESULT';
COMMENT ON COLUMN rcq.jobs.progress IS 'Percent: of a running job what it said last (rcq-job progress), with progress_message; of an array the tasks that have ended. NULL = nothing said';
COMMENT ON COLUMN rcq.jobs.output IS 'Directory of $RCQ_OUTPUT_DIR on the executor''s host and its files';

-- Sorted before the rest of a job is looked up, by key: a page costs no more of these look-ups than it has rows.
CREATE VIEW rcq.queue WITH (security_invoker = true) AS
SELECT s."position", s.job_id AS id, rcq_private.user_name(s.user_id) AS user_name, rcq_private.group_name(s.group_id) AS group_name, j.name,
       s.cpu_cores, rcq_private.memory_gb(s.memory_mib) AS memory_gb, s.gpu_count,
       CASE WHEN s.tasks_waiting IS NULL THEN s.reason ELSE rcq_private.waiting_reason(s.job_id) END AS reason,
       pg_catalog.round(s.final_priority::numeric, 3) AS final_priority, s.base_priority,
       pg_catalog.round(s.fair_share::numeric, 3) AS fair_share, pg_catalog.round(s.wait_boost::numeric, 4) AS wait_boost,
       s.priority::integer, j.submitted_at, s.eligible_at, pg_catalog.date_trunc('seconds', pg_catalog.clock_timestamp() - s.eligible_at) AS waiting,
       pg_catalog.date_trunc('seconds', s.expected_start) AS expected_start, s.approximate, pg_catalog.date_trunc('seconds', s.forecast_at) AS forecast_at,
       rcq_private.executor_name(s.reserved_executor) AS reserved_executor, pg_catalog.date_trunc('seconds', s.reserved_start) AS reserved_start,
       s.array_id, j.array_index, s.tasks_waiting, CASE WHEN s.tasks_waiting IS NOT NULL THEN rcq_private.tasks_held(s.job_id) END AS tasks_held
  FROM (SELECT l.job_id, l.user_id, l.group_id, l.cpu_cores, l.memory_mib, l.gpu_count, l.priority, l.eligible_at, l.array_id, l.tasks_waiting, p.*
          FROM rcq_private.live l,
               LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
                   l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key,
                   COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, GREATEST(l.failures, l.losses)) p
         WHERE (l.placed_at IS NULL OR l.tasks_waiting > 0 OR (l.tasks_waiting = 0 AND rcq_private.tasks_held(l.job_id) > 0))
           AND l.user_id BETWEEN (SELECT rcq_private.first_visible_user()) AND (SELECT rcq_private.last_visible_user())
         ORDER BY p."position" NULLS LAST, p.final_priority DESC NULLS LAST, l.eligible_at, l.job_id) s,
       LATERAL (SELECT j.name, j.submitted_at, j.array_index FROM rcq_private.job j WHERE j.id = s.job_id OFFSET 0) j
 ORDER BY s."position" NULLS LAST, s.final_priority DESC NULLS LAST, s.eligible_at, s.job_id;
COMMENT ON VIEW rcq.queue IS 'Pending jobs you may see in the order in which they are considered, with the factors of their priority and the reason of their waiting; an array that has started as well, for its tasks that have no row of their own';
COMMENT ON COLUMN rcq.queue."position" IS 'Rank among all pending jobs of the cluster when the scheduler last published (first 1,000)';
COMMENT ON COLUMN rcq.queue.tasks_waiting IS 'Of an array job: tasks that have no row of their own yet, and stand behind those that have';
COMMENT ON COLUMN rcq.queue.tasks_held IS 'Of an array job: tasks that have no row of their own and are on hold one by one; the reason is that of the others, where there are any';
COMMENT ON COLUMN rcq.queue.expected_start IS 'When the job is expected to start by what is planned now, if nothing else is submitted; NULL when it waits for something else than resources';
COMMENT ON COLUMN rcq.queue.approximate IS 'The forecast did not reach the job (predict_depth): by the pace of the jobs like it that it did reach';
COMMENT ON COLUMN rcq.queue.forecast_at IS 'When expected_start was computed';
COMMENT ON COLUMN rcq.queue.reserved_executor IS 'Where the job, as one of the first, is promised a start, at reserved_start; nothing behind it may delay that';
COMMENT ON COLUMN rcq.queue.final_priority IS 'base_priority x fair_share x wait_boost';
COMMENT ON COLUMN rcq.queue.fair_share IS 'Multiplier of the group (quota / usage, within floor and cap) times the factor of the user inside the group';

CREATE FUNCTION rcq.jobs_tagged(VARIADIC tags text[]) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT j.id FROM rcq_private.job j WHERE j.tags @> jobs_tagged.tags COLLATE "C" AND (j.user_id = rcq_private.caller_id() OR rcq_private.caller_is_admin()) $$;
COMMENT ON FUNCTION rcq.jobs_tagged(text[]) IS
'Ids of the jobs you may see that have all of these tags, by an index: SELECT * FROM rcq.jobs WHERE id = ANY (ARRAY(SELECT rcq.jobs_tagged(''blast'', ''run-7''))). Errors: RC010';

CREATE VIEW rcq.runs WITH (security_invoker = true) AS
SELECT l.job_id, l.attempt, rcq_private.executor_name(l.executor_id) AS executor,
       CASE WHEN l.claimed_at IS NULL THEN 'assigned' ELSE 'running' END AS status, NULL::text AS reason, l.placed_at, l.claimed_at AS started_at,
       NULL::timestamptz AS ended_at, NULL::integer AS exit_code, NULL::integer AS signal, l.cpu_seconds,
       rcq_private.memory_gb(l.peak_memory_mib) AS peak_memory_gb, NULL::text AS message, NULL::jsonb AS output,
       l.granted_cores, rcq_private.memory_gb(l.granted_memory_mib) AS granted_memory_gb, l.granted_gpus
  FROM rcq_private.live l WHERE l.placed_at IS NOT NULL AND l.tasks_waiting IS NULL
UNION ALL
SELECT o.job_id, o.attempt, rcq_private.executor_name(o.executor_id), o.status, o.reason, o.placed_at, o.claimed_at, o.ended_at, o.exit_code,
       o.signal, o.cpu_seconds, rcq_private.memory_gb(o.peak_memory_mib), o.message, o.output,
       o.granted_cores, rcq_private.memory_gb(o.granted_memory_mib), o.granted_gpus
  FROM rcq_private.outcome o WHERE o.executor_id IS NOT NULL
UNION ALL
SELECT r.job_id, r.attempt, rcq_private.executor_name(r.executor_id), CASE WHEN r.reason = 'executor_lost' THEN 'lost' WHEN r.reason IN ('not_started', 'preempted', 'requeued') THEN r.reason ELSE 'failed' END, r.reason,
       r.placed_at, r.claimed_at, r.ended_at, r.exit_code, r.signal, r.cpu_seconds, rcq_private.memory_gb(r.peak_memory_mib), r.message, r.output,
       r.granted_cores, rcq_private.memory_gb(r.granted_memory_mib), r.granted_gpus
  FROM rcq_private.run r;
COMMENT ON VIEW rcq.runs IS 'Every attempt of every job you may see: where, when, how it ended, what it used';

CREATE FUNCTION rcq_private.executor_load(executor_id integer, OUT runs bigint, OUT cpu_cores bigint, OUT memory_mib bigint, OUT gpu_count bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.count(l.job_id), COALESCE(pg_catalog.sum(COALESCE(l.granted_cores, l.cpu_cores)), 0),
           COALESCE(pg_catalog.sum(COALESCE(l.granted_memory_mib, l.memory_mib)), 0), COALESCE(pg_catalog.sum(COALESCE(l.granted_gpus, l.gpu_count)), 0)
      FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
     WHERE c.executor_id = executor_load.executor_id AND c.kind = 'start' $$;

CREATE VIEW rcq.executors WITH (security_invoker = true) AS
SELECT e.id, e.name, e.hostname,
       CASE WHEN e.signed_off OR e.registered_at IS NULL OR s.seen IS NULL OR s.seen < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => rcq_private.setting_text('lease')::double precision) THEN 'offline'
            WHEN COALESCE(e.drain_at <= pg_catalog.clock_timestamp(), e.drained IS NOT NULL) OR e.leaving IS NOT NULL THEN 'draining'
            WHEN u.runs > 0 THEN 'busy' ELSE 'idle' END AS status,
       CASE WHEN e.drain_at > pg_catalog.clock_timestamp() THEN COALESCE(e.leaving, e.drained) ELSE COALESCE(e.drained, e.leaving) END AS reason, u.runs, e.cpu_cores, u.cpu_cores AS cpu_cores_used,
       rcq_private.memory_gb(e.memory_mib) AS memory_gb, rcq_private.memory_gb(u.memory_mib::integer) AS memory_gb_used,
       e.gpu_count, u.gpu_count AS gpu_count_used, e.features, s.seen AS last_seen, e.registered_at, e.gpu_type,
       e.drain_at, CASE WHEN e.drained IS NOT NULL THEN CASE WHEN e.drain_requeues THEN 'requeue' ELSE 'finish' END END AS drain_mode, e.info
  FROM rcq_private.executor e, rcq_private.executor_seen(e.id) s(seen), rcq_private.executor_load(e.id) u;
COMMENT ON VIEW rcq.executors IS 'Hosts: status (idle, busy, draining, offline), capacity, what is in use, last heartbeat';
COMMENT ON COLUMN rcq.executors.reason IS 'Why it is being drained, or will be at drain_at';
COMMENT ON COLUMN rcq.executors.drain_at IS 'When a drain begins, or began, that was planned; NULL otherwise';
COMMENT ON COLUMN rcq.executors.drain_mode IS 'Of an administrator''s drain: finish (what runs goes on) or requeue';
COMMENT ON COLUMN rcq.executors.info IS 'Facts of the host as its executor registered them: kernel, CPU model, GPUs, versions';

CREATE VIEW rcq.groups WITH (security_invoker = true) AS
SELECT g.id, g.name, g.priority::integer, g.quota_cpu_hours, g.quota_mode, g.default_estimate, g.open, g.created_at,
       rcq_private.group_name(g.parent_id) AS parent, g.shares, g.max_jobs, g.max_cores, g.max_gpus, g.paused
  FROM rcq_private.groups g;
COMMENT ON VIEW rcq.groups IS 'Research groups with priority (1-10) and quota (billed CPU-hours per usage window), their place in the tree of groups, limits on what is placed of them, and the reason of a pause';

CREATE VIEW rcq.users WITH (security_invoker = true) AS
SELECT u.id, u.role_name, u.email, g.name AS group_name, u.is_admin, u.max_priority::integer, u.created_at, u.shares, u.max_jobs, u.max_cores, u.max_gpus, u.max_pending, u.unix_user, u.disabled
  FROM rcq_private.users u JOIN rcq_private.groups g ON g.id = u.group_id;
COMMENT ON VIEW rcq.users IS 'People; everyone sees their own row, administrators all';

-- The usage window in force: when it begins, and its half-life in seconds where usage decays. What is older than 60
-- half-lives weighs less than 10^-18.
CREATE FUNCTION rcq_private.usage_window(OUT now_ timestamptz, OUT begins timestamptz, OUT half_life_s double precision)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.now_, CASE k.kind WHEN 'month' THEN pg_catalog.date_trunc('month', n.now_, 'UTC')
                               WHEN 'half_life' THEN n.now_ - pg_catalog.make_interval(secs => 60 * k.half_life_s)
                               ELSE n.now_ - pg_catalog.make_interval(secs => k.length_s) END,
           CASE WHEN k.kind = 'half_life' THEN k.half_life_s END
      FROM pg_catalog.clock_timestamp() n(now_),
           (SELECT rcq_private.setting_text('fairshare_window') AS kind, rcq_private.setting_text('fairshare_window_length')::double precision AS length_s,
                   rcq_private.setting_text('fairshare_half_life')::double precision AS half_life_s) k $$;

-- Which part of a use that was spread evenly over since to until counts: what lies in the window; or, where usage
-- decays, the mean of 2^(-age / half-life), scaled so that steady use adds up to that of a month of 730 hours. One
-- expression, so that it becomes part of the queries that sum up a million uses.
CREATE FUNCTION rcq_private.window_weight(since timestamptz, until timestamptz, now_ timestamptz, begins timestamptz, half_life_s double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN half_life_s IS NULL THEN
                     CASE WHEN until <= begins THEN 0 WHEN since >= begins THEN 1
                          ELSE pg_catalog.date_part('epoch', until - begins) / pg_catalog.date_part('epoch', until - since) END
                ELSE 730 * 3600 * pg_catalog.ln(2::double precision) / half_life_s * pg_catalog.power(2::double precision, - pg_catalog.date_part('epoch', now_ - until) / half_life_s)
                     * CASE WHEN until <= since THEN 1
                            ELSE (1 - pg_catalog.power(2::double precision, - LEAST(pg_catalog.date_part('epoch', until - since) / half_life_s, 100)))
                                 / (pg_catalog.date_part('epoch', until - since) / half_life_s * pg_catalog.ln(2::double precision)) END END;

-- Usage and load of every group, from the log of ended runs and the live runs; over all jobs, so it runs as owner.
CREATE FUNCTION rcq_private.usage_by_group(OUT group_id integer, OUT cpu_hours double precision, OUT gpu_hours double precision, OUT billed_hours double precision,
    OUT planned_hours double precision, OUT running_jobs bigint, OUT running_cores bigint, OUT pending_jobs bigint) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH w AS MATERIALIZED (
        SELECT u.*, rcq_private.setting_text('billing_cpu_hour')::double precision AS cpu, rcq_private.setting_text('billing_gb_hour')::double precision AS gb,
               rcq_private.setting_text('billing_gpu_hour')::double precision AS gpu, rcq_private.setting_text('default_estimate')::double precision AS estimate_s
          FROM rcq_private.usage_window() u
    ), placed AS (
        SELECT l.group_id, l.claimed_at, COALESCE(l.granted_cores, l.cpu_cores) AS cores, COALESCE(l.granted_memory_mib, l.memory_mib) / 1024.0 AS gb,
               COALESCE(l.granted_gpus, l.gpu_count) AS gpus, e.gpu_type, COALESCE(l.planned_s, pg_catalog.date_part('epoch', g.default_estimate)) AS planned_s,
               COALESCE(pg_catalog.date_part('epoch', w.now_ - l.claimed_at), 0) AS ran_s
          FROM rcq_private.live l JOIN rcq_private.groups g ON g.id = l.group_id LEFT JOIN rcq_private.executor e ON e.id = l.executor_id, w
         WHERE l.placed_at IS NOT NULL AND l.tasks_waiting IS NULL
    ), uses AS (
        SELECT s.group_id, COALESCE(s.since, s.at) AS since, s.at AS until, s.core_seconds AS core_s, s.gb_seconds AS gb_s, s.gpu_seconds AS gpu_s, s.gpu_type
          FROM rcq_private.usage s WHERE s.at > (SELECT w.begins FROM w)
        UNION ALL
        SELECT p.group_id, p.claimed_at, w.now_, p.cores * p.ran_s, p.gb * p.ran_s, p.gpus * p.ran_s, p.gpu_type FROM placed p, w WHERE p.claimed_at IS NOT NULL
    ), used AS (
        SELECT u.group_id, pg_catalog.sum(u.core_s * k.part) AS core_s, pg_catalog.sum(u.gpu_s * k.part) AS gpu_s,
               pg_catalog.sum((u.core_s * w.cpu + u.gb_s * w.gb + u.gpu_s * COALESCE(b.per_hour, w.gpu)) * k.part) AS billed_s
          FROM uses u LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = u.gpu_type, w,
               LATERAL (SELECT rcq_private.window_weight(u.since, u.until, w.now_, w.begins, w.half_life_s) AS part) k
         GROUP BY u.group_id
    ), planned AS (
        SELECT p.group_id, pg_catalog.count(*) AS jobs, pg_catalog.sum(p.cores) AS cores,
               pg_catalog.sum((p.cores * w.cpu + p.gb * w.gb + p.gpus * COALESCE(b.per_hour, w.gpu)) * GREATEST(COALESCE(p.planned_s, w.estimate_s) - p.ran_s, 0))
               -- where usage decays, of the same scale as what was used (window_weight)
               * COALESCE(pg_catalog.max(730 * 3600 * pg_catalog.ln(2::double precision) / w.half_life_s), 1) AS billed_s
          FROM placed p LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = p.gpu_type, w
         GROUP BY p.group_id
    ), pending AS (
        SELECT l.group_id, pg_catalog.sum(CASE WHEN l.tasks_waiting IS NULL THEN 1 ELSE l.tasks_waiting + rcq_private.tasks_held(l.job_id) END)::bigint AS jobs
          FROM rcq_private.live l WHERE l.placed_at IS NULL OR l.tasks_waiting IS NOT NULL GROUP BY l.group_id
    )
    SELECT g.id, COALESCE(u.core_s, 0) / 3600, COALESCE(u.gpu_s, 0) / 3600, COALESCE(u.billed_s, 0) / 3600, COALESCE(r.billed_s, 0) / 3600,
           COALESCE(r.jobs, 0), COALESCE(r.cores, 0), COALESCE(p.jobs, 0)
      FROM rcq_private.groups g LEFT JOIN used u ON u.group_id = g.id LEFT JOIN planned r ON r.group_id = g.id LEFT JOIN pending p ON p.group_id = g.id $$;

CREATE VIEW rcq.group_usage WITH (security_invoker = true) AS
SELECT g.id AS group_id, g.name AS group_name, g.priority::integer, g.quota_cpu_hours, g.quota_mode,
       pg_catalog.round(u.cpu_hours::numeric, 4) AS cpu_hours, pg_catalog.round(u.gpu_hours::numeric, 4) AS gpu_hours,
       pg_catalog.round(u.billed_hours::numeric, 4) AS billed_hours, pg_catalog.round(u.planned_hours::numeric, 4) AS planned_hours,
       pg_catalog.round((100 * u.billed_hours / NULLIF(g.quota_cpu_hours, 0))::numeric, 1) AS quota_used_percent,
       pg_catalog.round(CASE WHEN g.quota_cpu_hours IS NULL THEN 1
            WHEN g.quota_cpu_hours = 0 THEN w.floor
            WHEN c.hours <= g.quota_cpu_hours / w.cap THEN w.cap
            ELSE GREATEST(g.quota_cpu_hours / c.hours, w.floor) END::numeric, 3) AS fair_share,
       u.running_jobs, u.running_cores, u.pending_jobs
  FROM rcq_private.groups g JOIN rcq_private.usage_by_group() u ON u.group_id = g.id,
       (SELECT rcq_private.setting_text('fairshare_cap')::double precision AS cap, rcq_private.setting_text('fairshare_floor')::double precision AS floor,
               rcq_private.setting_text('count_planned_usage') = '1' AS count_planned) w,
       LATERAL (SELECT u.billed_hours + CASE WHEN w.count_planned THEN u.planned_hours ELSE 0 END AS hours) c;
COMMENT ON VIEW rcq.group_usage IS 'Usage of every group in the fair-share window (setting fairshare_window), what its placed jobs are still planned to use, and the multiplier that follows in policy quota';
COMMENT ON COLUMN rcq.group_usage.cpu_hours IS 'In the window, as gpu_hours and billed_hours; with fairshare_window = half_life decayed, and scaled to a month';
COMMENT ON COLUMN rcq.group_usage.pending_jobs IS 'Each task of an array counted, as in running_jobs';
COMMENT ON COLUMN rcq.group_usage.planned_hours IS 'What placed jobs are still planned to use, billed; with fairshare_window = half_life on the same scale as billed_hours';

-- The runs that hold something, one per start command, as bounded as the capacity of the executors.
CREATE FUNCTION rcq_private.consumable_use(executor_id integer, name text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(pg_catalog.sum((l.consumables ->> name)::bigint), 0)::bigint
      FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
     WHERE c.kind = 'start' AND (consumable_use.executor_id = 0 OR c.executor_id = consumable_use.executor_id) AND l.consumables ? name $$;

CREATE VIEW rcq.consumables WITH (security_invoker = true) AS
SELECT c.name, rcq_private.executor_name(c.executor_id) AS executor, c.total, rcq_private.consumable_use(c.executor_id, c.name) AS in_use
  FROM rcq_private.consumable c;
COMMENT ON VIEW rcq.consumables IS 'Licences and other countable resources (executor NULL = of the whole cluster), and how many of them placed and running jobs hold';

CREATE FUNCTION rcq_private.concurrency_use(key text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.count(*) FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
     WHERE c.kind = 'start' AND l.concurrency_key = key $$;

CREATE VIEW rcq.concurrency_limits WITH (security_invoker = true) AS
SELECT c.key, c.max_jobs, rcq_private.concurrency_use(c.key) AS in_use FROM rcq_private.concurrency_limit c;
COMMENT ON VIEW rcq.concurrency_limits IS 'How many jobs may be placed and running at once under a concurrency key, and how many are';

CREATE VIEW rcq.reservations WITH (security_invoker = true) AS
SELECT r.id, rcq_private.executor_name(r.executor_id) AS executor, rcq_private.group_name(r.group_id) AS group_name, r.starts_at, r.ends_at,
       CASE WHEN r.starts_at > t.now_ THEN 'upcoming' WHEN r.ends_at > t.now_ THEN 'active' ELSE 'over' END AS state, r.reason, r.created_by, r.created_at
  FROM rcq_private.reservation r, pg_catalog.clock_timestamp() t(now_);
COMMENT ON VIEW rcq.reservations IS 'Times in which an executor (NULL = all) is kept for a group (NULL = for nobody: maintenance)';
COMMENT ON COLUMN rcq.reservations.state IS 'upcoming, active, over';

CREATE VIEW rcq.gpu_billing WITH (security_invoker = true) AS
SELECT b.gpu_type, b.per_hour FROM rcq_private.gpu_billing b;
COMMENT ON VIEW rcq.gpu_billing IS 'Billed hours per GPU-hour of the models that do not go by the setting billing_gpu_hour';

CREATE VIEW rcq.settings WITH (security_invoker = true) AS
SELECT d.name, COALESCE(s.value, d.default_value) AS value, d.default_value, d.unit, d.type,
       CASE d.type WHEN 'choice' THEN pg_catalog.array_to_string(d.choices, ', ') WHEN 'boolean' THEN 'on, off'
            WHEN 'duration' THEN pg_catalog.format('%s to %s', pg_catalog.make_interval(secs => d.minimum), pg_catalog.make_interval(secs => d.maximum))
            ELSE pg_catalog.format('%s to %s', d.minimum, d.maximum) END AS allowed,
       d.description, s.changed_at, s.changed_by
  FROM rcq_private.setting_definition d LEFT JOIN rcq_private.setting s ON s.name = d.name;
COMMENT ON VIEW rcq.settings IS 'Settings of this database''s queue; change them with rcq.set(name, value)';

CREATE VIEW rcq.scheduler WITH (security_invoker = true) AS
SELECT s.pid, s.state, s.started_at, s.last_cycle_at, s.cycles, s.placements, s.pending, s.running, s.last_error,
       p.reason AS paused, p.since AS paused_since, p.by AS paused_by
  FROM rcq_private.scheduler_state() s LEFT JOIN rcq_private.paused p ON true;
COMMENT ON VIEW rcq.scheduler IS 'State of this database''s scheduler worker: pid, state, last cycle, counts, last error; and who paused the cluster, why';
