\echo Use "ALTER EXTENSION rcq UPDATE TO '0.2'" to load this file. \quit

-- From 0.1 to what a fresh 0.2 has. `make` puts in the pieces that are named by --include, see expand.awk.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Everybody waits at the door: what calls read first is locked first, so that those under way can end. One that crosses
-- our locks all the same finds out before we do, and is refused in our stead; that is most often a sync, which its
-- executor repeats.
SET LOCAL deadlock_timeout TO '1min';
LOCK TABLE rcq_private.home, rcq_private.setting_definition, rcq_private.setting, rcq_private.users, rcq_private.executor, rcq_private.groups,
    rcq_private.job, rcq_private.live, rcq_private.outcome, rcq_private.run, rcq_private.command, rcq_private.log, rcq_private.usage;

ALTER TABLE rcq_private.groups
    ADD COLUMN parent_id integer REFERENCES rcq_private.groups (id),
    ADD COLUMN shares double precision NOT NULL DEFAULT 1 CHECK (shares >= 0 AND shares < 'Infinity'),
    ADD COLUMN max_jobs integer CHECK (max_jobs >= 0),
    ADD COLUMN max_cores integer CHECK (max_cores >= 0),
    ADD COLUMN max_gpus integer CHECK (max_gpus >= 0),
    ADD COLUMN paused text;
ALTER TABLE rcq_private.users
    ADD COLUMN shares double precision NOT NULL DEFAULT 1 CHECK (shares >= 0 AND shares < 'Infinity'),
    ADD COLUMN max_jobs integer CHECK (max_jobs >= 0),
    ADD COLUMN max_cores integer CHECK (max_cores >= 0),
    ADD COLUMN max_gpus integer CHECK (max_gpus >= 0),
    ADD COLUMN max_pending integer CHECK (max_pending >= 0);
ALTER TABLE rcq_private.executor
    ADD COLUMN gpu_type text COLLATE "C";
ALTER TABLE rcq_private.job
    ADD COLUMN cpu_cores_min integer,
    ADD COLUMN gpu_type text COLLATE "C",
    ADD COLUMN constraints text COLLATE "C",
    ADD COLUMN consumables jsonb,
    ADD COLUMN exclusive boolean NOT NULL DEFAULT false,
    ADD COLUMN preemptible boolean NOT NULL DEFAULT false,
    ADD COLUMN concurrency_key text COLLATE "C";
ALTER TABLE rcq_private.live
    ADD COLUMN cpu_cores_min integer,
    ADD COLUMN gpu_type text COLLATE "C",
    ADD COLUMN constraints text COLLATE "C",
    ADD COLUMN consumables jsonb,
    ADD COLUMN exclusive boolean NOT NULL DEFAULT false,
    ADD COLUMN preemptible boolean NOT NULL DEFAULT false,
    ADD COLUMN concurrency_key text COLLATE "C",
    ADD COLUMN time_limit_s integer,
    ADD COLUMN granted_cores integer,
    ADD COLUMN granted_memory_mib integer,
    ADD COLUMN granted_gpus integer,
    ADD COLUMN preempt_requested_at timestamptz,
    ADD COLUMN preempted smallint NOT NULL DEFAULT 0;
UPDATE rcq_private.live l SET time_limit_s = pg_catalog.ceil(pg_catalog.date_part('epoch', j.time_limit))
  FROM rcq_private.job j WHERE j.id OPERATOR(pg_catalog.=) l.job_id AND j.time_limit IS NOT NULL;
CREATE INDEX live_user ON rcq_private.live (user_id);
ALTER TABLE rcq_private.outcome
    ADD COLUMN granted_cores integer,
    ADD COLUMN granted_memory_mib integer,
    ADD COLUMN granted_gpus integer;
ALTER TABLE rcq_private.run
    ADD COLUMN granted_cores integer,
    ADD COLUMN granted_memory_mib integer,
    ADD COLUMN granted_gpus integer;
ALTER TABLE rcq_private.usage
    ADD COLUMN since timestamptz,
    ADD COLUMN gpu_type text COLLATE "C";

COMMENT ON COLUMN rcq_private.groups.parent_id IS 'The group that this one is part of, NULL = top; never in a circle';
COMMENT ON COLUMN rcq_private.groups.shares IS 'Part of the parent''s share, relative to its other groups (policies multifactor and fairtree)';
COMMENT ON COLUMN rcq_private.groups.max_jobs IS 'Placed and running jobs of the group, as max_cores and max_gpus; NULL = no limit of its own';
COMMENT ON COLUMN rcq_private.groups.paused IS 'Reason why nothing of this group is placed; NULL = not paused';
COMMENT ON COLUMN rcq_private.users.shares IS 'Part of the group''s share, relative to its other members (policies multifactor and fairtree)';
COMMENT ON COLUMN rcq_private.users.max_jobs IS 'Placed and running jobs of the user, as max_cores and max_gpus; NULL = the settings decide';
COMMENT ON COLUMN rcq_private.users.max_pending IS 'Pending jobs of the user; 0 = no limit, NULL = the setting max_pending_per_user decides';
COMMENT ON COLUMN rcq_private.job.cpu_cores_min IS 'Fewest cores that will do (moldable job); NULL = cpu_cores';
COMMENT ON COLUMN rcq_private.job.consumables IS 'Named countable resources, {"name": whole amount}';
COMMENT ON COLUMN rcq_private.live.time_limit_s IS 'Seconds, which no plan exceeds; NULL = none';
COMMENT ON COLUMN rcq_private.live.granted_cores IS 'What the placement granted, as granted_memory_mib and granted_gpus, where it is not what was asked for; NULL = as asked, or not placed';
COMMENT ON COLUMN rcq_private.live.preempt_requested_at IS 'When the scheduler asked the executor to end this run for another job';
COMMENT ON COLUMN rcq_private.live.preempted IS 'How often a run of the job was ended for another job';
COMMENT ON TABLE rcq_private.run IS 'Attempts that ended without ending their job (retried, preempted or lost); rows never change';
COMMENT ON TABLE rcq_private.usage IS 'Usage of ended runs by what they were granted: one row per run of ten minutes or more, one per user and report for all shorter ones; lost runs are not charged';
COMMENT ON COLUMN rcq_private.usage.since IS 'Begin of the use, which ended at `at`; NULL = not recorded (version 0.1), as if all of it had been at its end';
COMMENT ON COLUMN rcq_private.usage.gpu_type IS 'Model of the executor''s GPUs, by which gpu_seconds are billed';
COMMENT ON COLUMN rcq_private.executor.gpu_type IS 'Model of its GPUs as its process registered it; NULL = unknown';

-- fairshare_window was the length of the rolling window, and is its kind now
UPDATE rcq_private.setting SET name = 'fairshare_window_length' WHERE name = 'fairshare_window';
DELETE FROM rcq_private.setting_definition;

-- Functions whose arguments or results change, and the types that they are made of.
DROP FUNCTION rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text);
DROP FUNCTION rcq_private.enqueue(rcq_private.request[]);
DROP FUNCTION rcq_private.check_request(bigint, text, integer, double precision, integer, double precision, double precision, integer,
    integer, text, text, text[], text[], text[], text, integer, integer, double precision);
DROP TYPE rcq_private.request;
DROP FUNCTION rcq_private.parse_reports(jsonb);
DROP FUNCTION rcq_private.end_runs(integer, rcq_private.run_report[]);
DROP TYPE rcq_private.run_report;
DROP FUNCTION rcq_private.start_body(rcq_private.job, integer);
DROP FUNCTION rcq.add_group(text, numeric, integer, text, interval, boolean);
DROP FUNCTION rcq.set_group(text, numeric, integer, text, interval, boolean, boolean);
DROP FUNCTION rcq.add_user(text, text, boolean, integer, text);
DROP FUNCTION rcq.set_user(text, text, boolean, integer);

-- What else limits placements: countable resources, concurrency keys, reservations, pauses; and what GPUs cost.

CREATE TABLE rcq_private.consumable (
    executor_id integer NOT NULL DEFAULT 0,
    name        text COLLATE "C" NOT NULL,
    total       bigint NOT NULL CHECK (total >= 0),
    PRIMARY KEY (executor_id, name)
);
COMMENT ON TABLE rcq_private.consumable IS 'Licences and other named resources that are counted, of one executor or (executor_id 0) of the whole cluster';

CREATE TABLE rcq_private.concurrency_limit (
    key      text COLLATE "C" PRIMARY KEY,
    max_jobs integer NOT NULL CHECK (max_jobs >= 0)
);
COMMENT ON TABLE rcq_private.concurrency_limit IS 'How many placed and running jobs may share a concurrency key; keys without a row are not limited';

CREATE TABLE rcq_private.reservation (
    id          integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    executor_id integer REFERENCES rcq_private.executor (id),
    group_id    integer REFERENCES rcq_private.groups (id),
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    reason      text,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CHECK (starts_at < ends_at)
);
COMMENT ON TABLE rcq_private.reservation IS 'Times in which executors are kept for one group, or free of jobs';
COMMENT ON COLUMN rcq_private.reservation.executor_id IS 'NULL = all executors';
COMMENT ON COLUMN rcq_private.reservation.group_id IS 'Who may use them; NULL = nobody (maintenance)';

CREATE TABLE rcq_private.paused (
    reason text NOT NULL,
    since  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    by     text NOT NULL
);
COMMENT ON TABLE rcq_private.paused IS 'One row while nothing is placed in the whole cluster';
CREATE UNIQUE INDEX paused_once ON rcq_private.paused ((true));

CREATE TABLE rcq_private.gpu_billing (
    gpu_type text COLLATE "C" PRIMARY KEY,
    per_hour double precision NOT NULL CHECK (per_hour >= 0 AND per_hour < 'Infinity')
);
COMMENT ON TABLE rcq_private.gpu_billing IS 'Weight of one allocated GPU of a model for one hour in usage; other models are billed by the setting billing_gpu_hour';
-- Every setting there is, with its range and meaning.

INSERT INTO rcq_private.setting_definition (name, type, default_value, minimum, maximum, choices, unit, description) VALUES
('backfill', 'choice', 'easy', NULL, NULL, ARRAY['none', 'easy', 'depth', 'conservative'], NULL, 'Which blocked jobs have a reservation that jobs behind them may not delay: none; the first; the first backfill_depth; all'),
('backfill_depth', 'integer', '100', 1, 100000, NULL, 'jobs', 'Blocked jobs with a reservation (backfill = depth)'),
('backfill_order', 'choice', 'rank', NULL, NULL, ARRAY['rank', 'shortest'], NULL, 'In which order jobs are tried in the holes before reservations: by rank, or the shortest first'),
('billing_cpu_hour', 'number', '1', 0, 1000000, NULL, 'billed hours per CPU-hour', 'Weight of one allocated CPU core for one hour in usage'),
('billing_gb_hour', 'number', '0', 0, 1000000, NULL, 'billed hours per GB-hour', 'Weight of one allocated GB of memory for one hour in usage'),
('billing_gpu_hour', 'number', '0', 0, 1000000, NULL, 'billed hours per GPU-hour', 'Weight of one allocated GPU for one hour in usage, where rcq.set_gpu_billing says nothing about its model'),
('claim_timeout', 'duration', '10 seconds', 1, 3600, NULL, NULL, 'A placement not claimed by its executor within this time returns to the queue'),
('correct_estimates', 'boolean', 'on', NULL, NULL, NULL, NULL, 'Whether estimates of people whose jobs usually run longer than they say are stretched for planning, by the median of their own ratios'),
('count_planned_usage', 'boolean', 'on', NULL, NULL, NULL, NULL, 'Whether what placed jobs are still planned to use counts as usage of their group, so that one burst cannot take the whole cluster'),
('default_estimate', 'duration', '1 hour', 1, 315360000, NULL, NULL, 'Planned duration of a job that states neither estimate nor time limit, in a group without a default of its own'),
('default_time_limit', 'duration', '0', 0, 315360000, NULL, NULL, 'Time limit of jobs that state none; 0 = none'),
('fairshare_cap', 'number', '2.0', 1, 1000, NULL, 'factor', 'Greatest fair-share multiplier; busy clusters use 10'),
('fairshare_damping', 'number', '1', 0.001, 1000, NULL, 'factor', 'Policy multifactor: the fair-share factor is 2^(-(part of all usage / part of all shares) / this); larger forgives more'),
('fairshare_floor', 'number', '0.01', 0.000001, 1, NULL, 'factor', 'Least fair-share multiplier'),
('fairshare_half_life', 'duration', '7 days', 60, 31536000, NULL, NULL, 'Usage counts half after this time (fairshare_window = half_life); the sum is scaled by 730 hours x ln 2 / this, so that steady use counts as in a month'),
('fairshare_window', 'choice', 'rolling', NULL, NULL, ARRAY['rolling', 'month', 'half_life'], NULL, 'Which usage counts: that of the last fairshare_window_length, that of the calendar month (UTC), or all of it, halved every fairshare_half_life'),
('fairshare_window_length', 'duration', '30 days', 3600, 31622400, NULL, NULL, 'Usage counts for this long (fairshare_window = rolling)'),
('guard_scope', 'choice', 'group', NULL, NULL, ARRAY['group', 'job'], NULL, 'Whom the starvation guard lifts: every job past max_wait, or one job per group at a time'),
('guard_spacing', 'duration', '10 minutes', 0, 86400, NULL, NULL, 'Least time between two lifted starts of one group (guard_scope = group)'),
('lease', 'duration', '30 seconds', 1, 86400, NULL, NULL, 'An executor silent for longer is offline: nothing new is placed on it'),
('lost_after', 'duration', '5 minutes', 1, 604800, NULL, NULL, 'Runs of an executor silent for longer are fenced and their jobs requeued'),
('max_age', 'duration', '7 days', 1, 315360000, NULL, NULL, 'Policy multifactor: waiting beyond this time counts no more'),
('max_concurrent_jobs', 'integer', '0', 0, 10000000, NULL, 'jobs', 'Placed and running jobs of the whole cluster; 0 = capacity alone decides'),
('max_jobs_per_group', 'integer', '0', 0, 10000000, NULL, 'jobs', 'Placed and running jobs of a group that has no max_jobs of its own; 0 = no limit'),
('max_jobs_per_user', 'integer', '0', 0, 10000000, NULL, 'jobs', 'Placed and running jobs of a user who has no max_jobs of their own; 0 = no limit'),
('max_losses', 'integer', '10', 0, 1000, NULL, 'runs', 'How often a job is run again after its executor was lost, before it fails as executor_lost'),
('max_pending_per_user', 'integer', '0', 0, 10000000, NULL, 'jobs', 'Pending jobs of a user who has no max_pending of their own; a submission beyond it is refused; 0 = no limit'),
('max_preemptions', 'integer', '3', 0, 1000, NULL, 'runs', 'A job that was preempted so often is not preempted again'),
('max_script_bytes', 'integer', '1048576', 1, 104857600, NULL, 'bytes', 'Greatest size of a job script'),
('max_time_limit', 'duration', '0', 0, 315360000, NULL, NULL, 'Greatest time limit a job may ask for; 0 = none'),
('max_wait', 'duration', '72 hours', 0, 315360000, NULL, NULL, 'Starvation guard: a job eligible for longer ranks before all others; 0 = off'),
('policy', 'choice', 'quota', NULL, NULL, ARRAY['quota', 'multifactor', 'fairtree', 'fifo'], NULL, 'How pending jobs are ranked: quota = priority x fair share of the quota x waiting; multifactor = weighted sum of age, fair share, priority and size; fairtree = level by level through the tree of groups; fifo = by age alone'),
('predict_depth', 'integer', '10000', 0, 10000, NULL, 'jobs', 'Pending jobs, from the first in rank, whose start is predicted; 0 = none'),
('preempt_after', 'duration', '0', 0, 31536000, NULL, NULL, 'Least time that a preemptible run is left running before it may be preempted'),
('preemption', 'boolean', 'on', NULL, NULL, NULL, NULL, 'Whether runs of preemptible jobs are ended and requeued when that lets a job with a reservation start at once'),
('submit_rate_per_user', 'integer', '0', 0, 10000000, NULL, 'jobs per minute', 'Submissions of one user; what is faster is refused; 0 = no limit'),
('user_fairness', 'boolean', 'on', NULL, NULL, NULL, NULL, 'Whether people of one group share its rank by their own usage'),
('wait_boost_per_hour', 'number', '0.01', 0, 100, NULL, 'factor per hour', 'Growth of a job''s priority with each hour of waiting'),
('weight_age', 'number', '1', 0, 1000000000, NULL, 'weight', 'Policy multifactor: weight of the waiting time, which counts 0 to 1 and is full at max_age'),
('weight_fair_share', 'number', '1', 0, 1000000000, NULL, 'weight', 'Policy multifactor: weight of the fair-share factor, 0 to 1'),
('weight_priority', 'number', '1', 0, 1000000000, NULL, 'weight', 'Policy multifactor: weight of the priorities of job and group, which count 0 to 1 together'),
('weight_size', 'number', '0', 0, 1000000000, NULL, 'weight', 'Policy multifactor: weight of the part of the cluster that the job asks for, 0 to 1');

UPDATE rcq_private.setting_definition d SET parsed = rcq_private.setting_value(d, d.default_value);
-- Functions of the library that the SQL below is built on.

CREATE OR REPLACE FUNCTION rcq_private.outer_role() RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_outer_role';
COMMENT ON FUNCTION rcq_private.outer_role() IS 'The role that acts: SET ROLE or the login role, also inside SECURITY DEFINER functions';

CREATE OR REPLACE FUNCTION rcq_private.caller_id() RETURNS integer
LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'rcq_caller_id';
COMMENT ON FUNCTION rcq_private.caller_id() IS 'The id of the user who acts; error RC010 when the role is no user of rcq';

CREATE OR REPLACE FUNCTION rcq_private.caller_is_admin() RETURNS boolean
LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'rcq_caller_is_admin';
COMMENT ON FUNCTION rcq_private.caller_is_admin() IS 'Whether the user who acts administers this database''s queue';

CREATE OR REPLACE FUNCTION rcq_private.touched(job_id bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_touched';
COMMENT ON FUNCTION rcq_private.touched(bigint) IS 'Tells the scheduler at commit that this job changed, and wakes it; returns its argument';

CREATE OR REPLACE FUNCTION rcq_private.touched_quietly(job_id bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_touched_quietly';
COMMENT ON FUNCTION rcq_private.touched_quietly(bigint) IS 'As touched(), but the scheduler may learn of it at its next cycle';

CREATE OR REPLACE FUNCTION rcq_private.definitions_changed() RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_definitions_changed';
COMMENT ON FUNCTION rcq_private.definitions_changed() IS 'Tells the scheduler at commit to read settings, groups and executors again';

CREATE OR REPLACE FUNCTION rcq_private.activate() RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_activate';
COMMENT ON FUNCTION rcq_private.activate() IS 'Asks the launcher at commit to start this database''s scheduler';

CREATE OR REPLACE FUNCTION rcq_private.heartbeat(executor_id integer) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_heartbeat';
COMMENT ON FUNCTION rcq_private.heartbeat(integer) IS 'Records in shared memory that this executor was heard of';

CREATE OR REPLACE FUNCTION rcq_private.executor_seen(executor_id integer) RETURNS timestamptz
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_executor_seen';
COMMENT ON FUNCTION rcq_private.executor_seen(integer) IS 'Last heartbeat since the server started, or NULL';

CREATE OR REPLACE FUNCTION rcq_private.check_request(
    ordinal bigint, script text, cpu_cores integer, memory_gb double precision, gpu_count integer,
    estimated_hours double precision, time_limit_s double precision, priority integer, max_retries integer, name text,
    workdir text, env jsonb, features text[], on_disconnect text, cpu_cores_min integer, gpu_type text, constraints text,
    consumables jsonb, concurrency_key text,
    own_max_priority integer, max_script_bytes integer, max_time_limit_s double precision) RETURNS integer
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_check_request';
COMMENT ON FUNCTION rcq_private.check_request(bigint, text, integer, double precision, integer, double precision,
    double precision, integer, integer, text, text, jsonb, text[], text, integer, text, text, jsonb, text, integer, integer,
    double precision)
    IS 'Raises RC001 or RC005 for the first fault of a request (ordinal names it in a bulk); returns its memory in MiB';

CREATE OR REPLACE FUNCTION rcq_private.feature_list(features text[]) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_feature_list';
COMMENT ON FUNCTION rcq_private.feature_list(text[]) IS 'The features sorted and without duplicates; NULL when there are none';

CREATE OR REPLACE FUNCTION rcq_private.constraint_text("constraint" text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_constraint_text';
COMMENT ON FUNCTION rcq_private.constraint_text(text) IS 'A constraint as it is stored: canonical; NULL when malformed';

CREATE OR REPLACE FUNCTION rcq_private.constraint_wants("constraint" text) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_constraint_wants';
COMMENT ON FUNCTION rcq_private.constraint_wants(text) IS 'Features that a constraint mentions without negating them; NULL when malformed';

CREATE OR REPLACE FUNCTION rcq_private.constraint_accepts("constraint" text, features text[]) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_constraint_accepts';
COMMENT ON FUNCTION rcq_private.constraint_accepts(text, text[]) IS 'Whether an executor with these features meets the constraint (NULL: every one does); NULL when malformed';

CREATE OR REPLACE FUNCTION rcq_private.lock_submissions(user_id integer) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_lock_submissions';
COMMENT ON FUNCTION rcq_private.lock_submissions(integer) IS 'Until the transaction ends, others wait here for the same user';

CREATE OR REPLACE FUNCTION rcq_private.count_pending(user_id integer, at_most bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_count_pending';
COMMENT ON FUNCTION rcq_private.count_pending(integer, bigint) IS 'Pending jobs of a user at this moment, in every isolation level';

CREATE OR REPLACE FUNCTION rcq_private.count_submitted(user_id integer, since timestamptz, at_most bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_count_submitted';
COMMENT ON FUNCTION rcq_private.count_submitted(integer, timestamptz, bigint) IS 'Jobs that a user submitted after a time, at this moment, in every isolation level';

CREATE OR REPLACE FUNCTION rcq_private.log_lines(data bytea) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_log_lines';
COMMENT ON FUNCTION rcq_private.log_lines(bytea) IS 'Lines of a log chunk; bytes that are no text become U+FFFD';

CREATE OR REPLACE FUNCTION rcq_private.pending_state(
    job_id bigint, group_id integer, user_id integer, priority integer, cpu_cores integer, memory_mib integer,
    gpu_count integer, features text[], held boolean, eligible_at timestamptz, cpu_cores_min integer, gpu_type text,
    constraints text, consumables jsonb, exclusive boolean, preemptible boolean, concurrency_key text,
    OUT "position" integer, OUT base_priority integer, OUT fair_share double precision, OUT wait_boost double precision,
    OUT final_priority double precision, OUT reason text, OUT expected_start timestamptz, OUT approximate boolean,
    OUT forecast_at timestamptz, OUT reserved_executor integer, OUT reserved_start timestamptz)
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_pending_state';
COMMENT ON FUNCTION rcq_private.pending_state(bigint, integer, integer, integer, integer, integer, integer, text[], boolean, timestamptz,
    integer, text, text, jsonb, boolean, boolean, text)
    IS 'What the scheduler last published about a pending job: rank (first 1,000), factors, reason, expected start (approximate behind the first predict_depth jobs) and when that was computed, reservation';

CREATE OR REPLACE FUNCTION rcq_private.scheduler_state(
    OUT pid integer, OUT state text, OUT started_at timestamptz, OUT last_cycle_at timestamptz, OUT cycles bigint,
    OUT placements bigint, OUT pending bigint, OUT running bigint, OUT last_error text)
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_scheduler_state';
COMMENT ON FUNCTION rcq_private.scheduler_state() IS 'State of this database''s scheduler worker';

CREATE OR REPLACE FUNCTION rcq_private.fail(code text, message text, hint text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_fail';
COMMENT ON FUNCTION rcq_private.fail(text, text, text) IS 'Raises an error that is complete in itself, without the SQL context that would hide it';

-- Numbers of any size as double precision, so that the check that follows can name the allowed range.
CREATE OR REPLACE FUNCTION rcq_private.as_float(value numeric) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value BETWEEN -1e15 AND 1e15 THEN value::double precision
                WHEN value < 0 THEN '-Infinity'::double precision
                WHEN value IS NOT NULL THEN 'Infinity'::double precision END
$$;

-- RC004 for whatever tells that somebody else holds the row.
CREATE OR REPLACE FUNCTION rcq_private.raise_busy(job bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.fail('RC004', pg_catalog.format('job %s is being changed by somebody else', job),
            'Try again in a moment; an open transaction may hold it (see pg_stat_activity).');
END $$;

CREATE OR REPLACE FUNCTION rcq_private.require_admin() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT rcq_private.caller_is_admin() THEN
        PERFORM rcq_private.fail('RC005', 'only administrators of this queue may do this',
            'An administrator can make you one: SELECT rcq.set_user(''<role>'', is_admin => true).');
    END IF;
END $$;
-- Submitting jobs.

CREATE TYPE rcq_private.request AS (
    script text, cpu_cores integer, memory_gb double precision, gpu_count integer, estimated_hours double precision,
    time_limit interval, priority integer, max_retries integer, name text, workdir text, env jsonb, features text[],
    hold boolean, requeue boolean, on_disconnect text, cpu_cores_min integer, gpu_type text, constraints text,
    consumables jsonb, exclusive boolean, preemptible boolean, concurrency_key text);
COMMENT ON TYPE rcq_private.request IS 'A job as asked for; NULL means the default';

-- RC001 for the first name that no executor has ever had. What is malformed passes: check_request says what is wrong.
CREATE OR REPLACE FUNCTION rcq_private.check_names(requests rcq_private.request[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unknown text;
BEGIN
    SELECT f INTO unknown FROM unnest(requests) r, unnest(r.features || rcq_private.constraint_wants(r.constraints)) f
     WHERE NOT EXISTS (SELECT FROM rcq_private.executor e WHERE f = ANY (e.features)) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('no executor has ever offered the feature "%s"', pg_catalog.left(unknown, 100)),
            'Known features: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT f, ', ' ORDER BY f)
                   FROM rcq_private.executor e, unnest(e.features) f), 'none') || '.');
    END IF;
    SELECT g INTO unknown FROM unnest(requests) r, unnest(rcq_private.constraint_wants(r.gpu_type)) g
     WHERE r.gpu_count > 0 AND NOT EXISTS (SELECT FROM rcq_private.executor e WHERE e.gpu_type = g) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('no executor has ever had a GPU of type "%s"', unknown),
            'Known types: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT e.gpu_type, ', ' ORDER BY e.gpu_type)
                   FROM rcq_private.executor e), 'none') || '.');
    END IF;
    SELECT c.name INTO unknown
      FROM unnest(requests) r,
           pg_catalog.jsonb_object_keys(CASE WHEN pg_catalog.jsonb_typeof(r.consumables) = 'object' THEN r.consumables END) AS c(name)
     WHERE NOT EXISTS (SELECT FROM rcq_private.consumable k WHERE k.name = c.name) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('no executor has ever had the consumable "%s"', pg_catalog.left(unknown, 100)),
            'Known consumables: ' || COALESCE((SELECT pg_catalog.string_agg(DISTINCT k.name, ', ' ORDER BY k.name)
                   FROM rcq_private.consumable k), 'none') || '.');
    END IF;
END $$;

-- RC007 when so many more jobs would exceed a limit of the user. Submissions of one user wait for each other from here
-- on, so that the limits are exact; a transaction that keeps the others waiting for 2 s makes them RC004.
CREATE OR REPLACE FUNCTION rcq_private.check_limits(caller rcq_private.users, more bigint, max_pending bigint, submit_rate bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    count bigint;
BEGIN
    BEGIN
        PERFORM rcq_private.lock_submissions(caller.id);
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        PERFORM rcq_private.fail('RC004', 'another transaction of yours that submitted jobs is still open',
            'Your jobs are limited, so they are counted one transaction at a time: end the other one, or try again in a moment.');
    END;
    IF max_pending > 0 THEN
        count := rcq_private.count_pending(caller.id, max_pending);
        IF count + more > max_pending THEN
            PERFORM rcq_private.fail('RC007', pg_catalog.format('pending jobs of yours: %s; %s more would exceed your limit of %s', count, more, max_pending),
                pg_catalog.format('Submit fewer, wait until some have started, or cancel some. An administrator can raise the limit: %s.',
                    CASE WHEN caller.max_pending IS NULL THEN 'the setting max_pending_per_user' ELSE 'max_pending of your user' END));
        END IF;
    END IF;
    IF submit_rate > 0 THEN
        count := rcq_private.count_submitted(caller.id, pg_catalog.clock_timestamp() - interval '1 minute', submit_rate);
        IF count + more > submit_rate THEN
            PERFORM rcq_private.fail('RC007', pg_catalog.format('jobs that you submitted within the last minute: %s; %s more would exceed the limit of %s per minute', count, more, submit_rate),
                'Submit fewer, or wait a minute. An administrator can raise the limit: the setting submit_rate_per_user.');
        END IF;
    END IF;
END $$;

-- Amounts as whole numbers without a fraction of zeros; NULL when there are none.
CREATE OR REPLACE FUNCTION rcq_private.whole_amounts(consumables jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_object_agg(c.name, c.amount::numeric::bigint) FROM pg_catalog.jsonb_each_text(consumables) AS c(name, amount)
$$;

-- The one way in: checks every request, then stores all of them or none. Ids come back in the order of the requests.
CREATE OR REPLACE FUNCTION rcq_private.enqueue(requests rcq_private.request[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    caller rcq_private.users;
    bulk boolean := pg_catalog.cardinality(requests) > 1;
    now_ timestamptz;
    setting record;
    default_limit interval;
    names_something boolean;
BEGIN
    SELECT * INTO STRICT caller FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    SELECT pg_catalog.max(v.value) FILTER (WHERE v.name = 'max_script_bytes')::integer AS max_script,
           NULLIF(pg_catalog.max(v.value) FILTER (WHERE v.name = 'default_time_limit')::double precision, 0) AS default_limit,
           NULLIF(pg_catalog.max(v.value) FILTER (WHERE v.name = 'max_time_limit')::double precision, 0) AS max_limit,
           pg_catalog.max(v.value) FILTER (WHERE v.name = 'max_pending_per_user')::bigint AS max_pending,
           pg_catalog.max(v.value) FILTER (WHERE v.name = 'submit_rate_per_user')::bigint AS submit_rate
      INTO setting
      FROM (SELECT d.name, COALESCE(s.parsed, d.parsed) AS value
              FROM rcq_private.setting_definition d LEFT JOIN rcq_private.setting s ON s.name = d.name
             WHERE d.name = ANY ('{max_script_bytes,default_time_limit,max_time_limit,max_pending_per_user,submit_rate_per_user}')) v;
    default_limit := pg_catalog.make_interval(secs => setting.default_limit);
    setting.max_pending := COALESCE(caller.max_pending, setting.max_pending);

    SELECT pg_catalog.bool_or(r.features IS NOT NULL OR r.constraints IS NOT NULL OR r.gpu_type IS NOT NULL OR r.consumables IS NOT NULL)
      INTO names_something FROM unnest(requests) r;
    IF names_something THEN
        PERFORM rcq_private.check_names(requests);
    END IF;
    IF setting.max_pending > 0 OR setting.submit_rate > 0 THEN
        PERFORM rcq_private.check_limits(caller, pg_catalog.cardinality(requests), setting.max_pending, setting.submit_rate);
    END IF;

    now_ := pg_catalog.clock_timestamp();
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT pg_catalog.nextval('rcq_private.job_id') AS id, r.*,
               rcq_private.check_request(
                   CASE WHEN bulk THEN r.ordinality END, r.script, COALESCE(r.cpu_cores, 1), COALESCE(r.memory_gb, 1),
                   COALESCE(r.gpu_count, 0), r.estimated_hours, pg_catalog.date_part('epoch', COALESCE(r.time_limit, default_limit)),
                   COALESCE(r.priority, 5), COALESCE(r.max_retries, 0), r.name, r.workdir, r.env, r.features,
                   COALESCE(r.on_disconnect, 'continue'), r.cpu_cores_min, r.gpu_type, r.constraints, r.consumables,
                   r.concurrency_key, caller.max_priority, setting.max_script, setting.max_limit) AS memory_mib
          FROM (SELECT * FROM unnest(requests) WITH ORDINALITY q ORDER BY q.ordinality) r
    ), stored AS (
        INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority,
                                     max_retries, requeue, kill_on_disconnect, estimate, time_limit, name, workdir, features, env, script,
                                     cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key)
        SELECT a.id, now_, caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
               COALESCE(a.priority, 5), COALESCE(a.max_retries, 0), COALESCE(a.requeue, true),
               COALESCE(a.on_disconnect, 'continue') = 'kill', pg_catalog.make_interval(secs => a.estimated_hours * 3600),
               COALESCE(a.time_limit, default_limit), a.name, a.workdir, rcq_private.feature_list(a.features), a.env, a.script,
               a.cpu_cores_min, rcq_private.constraint_text(a.gpu_type), rcq_private.constraint_text(a.constraints),
               rcq_private.whole_amounts(a.consumables), COALESCE(a.exclusive, false), COALESCE(a.preemptible, false), a.concurrency_key
          FROM asked a
    )
    INSERT INTO rcq_private.live AS l (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, planned_s, max_retries,
                                       requeue, features, held, priority, eligible_at,
                                       cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key, time_limit_s)
    SELECT a.id, caller.id, caller.group_id, COALESCE(a.cpu_cores, 1), a.memory_mib, COALESCE(a.gpu_count, 0),
           pg_catalog.ceil(COALESCE(a.estimated_hours * 3600, pg_catalog.date_part('epoch', COALESCE(a.time_limit, default_limit))))::integer,
           COALESCE(a.max_retries, 0), COALESCE(a.requeue, true), rcq_private.feature_list(a.features),
           COALESCE(a.hold, false), COALESCE(a.priority, 5), now_,
           a.cpu_cores_min, rcq_private.constraint_text(a.gpu_type), rcq_private.constraint_text(a.constraints),
           rcq_private.whole_amounts(a.consumables), COALESCE(a.exclusive, false), COALESCE(a.preemptible, false), a.concurrency_key,
           pg_catalog.ceil(pg_catalog.date_part('epoch', COALESCE(a.time_limit, default_limit)))::integer
      FROM asked a
    RETURNING rcq_private.touched(l.job_id);
END $$;

CREATE OR REPLACE FUNCTION rcq.submit(
    script text, cpu_cores integer DEFAULT 1, memory_gb numeric DEFAULT 1, gpu_count integer DEFAULT 0,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, priority integer DEFAULT 5,
    max_retries integer DEFAULT 0, name text DEFAULT NULL, workdir text DEFAULT NULL, env jsonb DEFAULT NULL,
    features text[] DEFAULT NULL, hold boolean DEFAULT false, requeue boolean DEFAULT true,
    on_disconnect text DEFAULT 'continue', cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT false,
    preemptible boolean DEFAULT false, concurrency_key text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
BEGIN
    SELECT q INTO STRICT id FROM rcq_private.enqueue(ARRAY[ROW(script, cpu_cores, rcq_private.as_float(memory_gb), gpu_count,
        rcq_private.as_float(estimated_hours), time_limit, priority, max_retries, name, workdir, env, features, hold,
        requeue, on_disconnect, cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible,
        concurrency_key)::rcq_private.request]) q;
    RETURN id;
END $$;
COMMENT ON FUNCTION rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
    integer, text, text, jsonb, boolean, boolean, text) IS
'Submits a job and returns its id. script: run under /bin/sh, or by its #! line; cpu_cores, gpu_count: whole; memory_gb: 1 GB = 2^30 bytes; estimated_hours: for planning; time_limit: the job is killed when it is over; priority 1-10, 10 = soonest; max_retries: after failures; workdir: absolute, on the executor''s host, NULL = a directory of its own; env: {"NAME": "value"}; features: the executor must offer all; hold: wait for rcq.release; requeue: run again when its executor is lost; on_disconnect: continue or kill when the executor loses the database; cpu_cores_min: as few cores will do; gpu_type: models that will do, a100 or a100|h100; constraints: expression over features, avx512&(ssd|nvme)&!shared; consumables: what it takes of named amounts, {"licence": 1}; exclusive: nothing else runs on the host; preemptible: may be stopped and run again later; concurrency_key: jobs with the same key are limited together. Errors: RC001, RC004, RC005, RC007 (too many jobs of yours), RC010';

CREATE OR REPLACE FUNCTION rcq.submit_many(jobs jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT jsonb := '{"script": "string", "cpu_cores": "number", "memory_gb": "number", "gpu_count": "number",
        "estimated_hours": "number", "time_limit": "string or number", "priority": "number", "max_retries": "number",
        "name": "string", "workdir": "string", "env": "object", "features": "array", "hold": "boolean",
        "requeue": "boolean", "on_disconnect": "string", "cpu_cores_min": "number", "gpu_type": "string",
        "constraints": "string", "consumables": "object", "exclusive": "boolean", "preemptible": "boolean",
        "concurrency_key": "string"}';
    hint CONSTANT text := 'Fields: script, name, workdir, on_disconnect, gpu_type, constraints, concurrency_key (texts), cpu_cores, cpu_cores_min, memory_gb, gpu_count, estimated_hours, priority, max_retries (numbers), time_limit ("4h" or seconds), env ({"NAME": "value"}), features (array of texts), consumables ({"name": 1}), hold, requeue, exclusive, preemptible (booleans).';
    requests rcq_private.request[];
    wrong record;
BEGIN
    IF jobs IS NULL OR pg_catalog.jsonb_typeof(jobs) <> 'array' THEN
        PERFORM rcq_private.fail('RC001', 'jobs is not a JSON array',
            'Write it as [{"script": "...", "cpu_cores": 1}, ...].');
    END IF;
    SELECT e.n, k.key, known ->> k.key AS expected INTO wrong
      FROM pg_catalog.jsonb_array_elements(jobs) WITH ORDINALITY e(j, n)
      LEFT JOIN LATERAL pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(e.j) = 'object' THEN e.j ELSE '{}' END) k(key, value)
             ON NOT COALESCE(pg_catalog.strpos(known ->> k.key, pg_catalog.jsonb_typeof(k.value)) > 0
                             OR (pg_catalog.jsonb_typeof(k.value) = 'null' AND known ? k.key), false)
     WHERE k.key IS NOT NULL OR pg_catalog.jsonb_typeof(e.j) <> 'object' LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001',
            CASE WHEN wrong.key IS NULL THEN pg_catalog.format('job %s of the list is not an object', wrong.n)
                 WHEN wrong.expected IS NULL THEN pg_catalog.format('job %s of the list has an unknown field "%s"', wrong.n, pg_catalog.left(wrong.key, 100))
                 ELSE pg_catalog.format('job %s of the list: %s is not of type %s', wrong.n, wrong.key, wrong.expected) END,
            hint);
    END IF;
    BEGIN
        SELECT pg_catalog.array_agg(ROW(r.script, r.cpu_cores, rcq_private.as_float(r.memory_gb), r.gpu_count,
                   rcq_private.as_float(r.estimated_hours), r.time_limit, r.priority, r.max_retries, r.name, r.workdir,
                   r.env, r.features, r.hold, r.requeue, r.on_disconnect, r.cpu_cores_min, r.gpu_type, r.constraints,
                   r.consumables, r.exclusive, r.preemptible, r.concurrency_key)::rcq_private.request ORDER BY r.ordinality)
          INTO requests
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(jobs) AS (script text, cpu_cores integer, memory_gb numeric,
                   gpu_count integer, estimated_hours numeric, time_limit interval, priority integer, max_retries integer,
                   name text, workdir text, env jsonb, features text[], hold boolean, requeue boolean, on_disconnect text,
                   cpu_cores_min integer, gpu_type text, constraints text, consumables jsonb, exclusive boolean,
                   preemptible boolean, concurrency_key text))
               WITH ORDINALITY r;
    EXCEPTION WHEN data_exception THEN
        PERFORM rcq_private.fail('RC001', 'a field of a job has the wrong type: ' || SQLERRM, hint);
    END;
    IF requests IS NOT NULL THEN
        RETURN QUERY SELECT rcq_private.enqueue(requests);
    END IF;
END $$;
COMMENT ON FUNCTION rcq.submit_many(jsonb) IS
'Submits a JSON array of jobs, all or none; fields as the arguments of rcq.submit. Returns their ids in the order of the array. Errors: RC001 (naming the job by its place in the list), RC004, RC005, RC007, RC010';
-- What people do with their jobs after submitting: cancel, hold, release, change priority.

-- The caller's live row of a job, locked; RC002 when there is none that the caller may see, RC003 when it has ended.
CREATE OR REPLACE FUNCTION rcq_private.lock_live(job bigint) RETURNS rcq_private.live
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller integer := rcq_private.caller_id();
    admin boolean := rcq_private.caller_is_admin();
    found_live rcq_private.live;
    ended text;
BEGIN
    SELECT * INTO found_live FROM rcq_private.live l
     WHERE l.job_id = job AND (l.user_id = caller OR admin) FOR UPDATE;
    IF FOUND THEN RETURN found_live; END IF;
    SELECT o.status INTO ended FROM rcq_private.outcome o WHERE o.job_id = job AND (o.user_id = caller OR admin);
    IF FOUND THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s has already ended: %s', job, ended),
            pg_catalog.format('See it with SELECT * FROM rcq.jobs WHERE id = %s.', job));
    END IF;
    PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')),
            'List your jobs with SELECT id, status FROM rcq.jobs.');
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.raise_busy(job);
END $$;

CREATE OR REPLACE FUNCTION rcq.cancel(job bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF l.claimed_at IS NOT NULL THEN
        UPDATE rcq_private.live SET cancel_requested_at = COALESCE(cancel_requested_at, pg_catalog.clock_timestamp())
         WHERE job_id = job;
    ELSE
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status)
        VALUES (job, pg_catalog.clock_timestamp(), l.user_id, l.group_id, l.priority, l.attempt, 'cancelled');
        DELETE FROM rcq_private.command c WHERE c.executor_id = l.executor_id AND c.seq = l.command_seq;
        DELETE FROM rcq_private.live WHERE job_id = job;
    END IF;
    PERFORM rcq_private.touched(job);
    RETURN CASE WHEN l.claimed_at IS NULL THEN 'cancelled' ELSE 'cancelling' END;
END $$;
COMMENT ON FUNCTION rcq.cancel(bigint) IS
'Cancels a job. Pending or not yet started: ended at once, returns cancelled. Running: its executor is told to end it (TERM, grace, KILL), returns cancelling; it is cancelled when the executor confirms. Errors: RC002, RC003 (has ended), RC004 (locked)';

CREATE OR REPLACE FUNCTION rcq.hold(job bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF l.claimed_at IS NOT NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is running and cannot be held', job),
            'Cancel it, or wait for its end.');
    END IF;
    DELETE FROM rcq_private.command c WHERE c.executor_id = l.executor_id AND c.seq = l.command_seq;
    UPDATE rcq_private.live SET held = true, executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL,
           granted_cores = NULL, granted_memory_mib = NULL, granted_gpus = NULL
     WHERE job_id = job;
    PERFORM rcq_private.touched(job);
END $$;
COMMENT ON FUNCTION rcq.hold(bigint) IS 'Keeps a job from being started until rcq.release. Errors: RC002, RC003 (running or ended), RC004';

CREATE OR REPLACE FUNCTION rcq.release(job bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
BEGIN
    IF NOT l.held THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is not held', job));
    END IF;
    UPDATE rcq_private.live SET held = false, eligible_at = pg_catalog.clock_timestamp() WHERE job_id = job;
    PERFORM rcq_private.touched(job);
END $$;
COMMENT ON FUNCTION rcq.release(bigint) IS 'Lets a held job be started; its waiting counts from now. Errors: RC002, RC003 (not held or ended), RC004';

CREATE OR REPLACE FUNCTION rcq.set_priority(job bigint, priority integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    l rcq_private.live := rcq_private.lock_live(job);
    own_limit integer;
BEGIN
    IF priority IS NULL OR priority NOT BETWEEN 1 AND 10 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('priority %s is outside 1 to 10', COALESCE(priority::text, 'NULL')),
            '10 is soonest, 5 the default.');
    END IF;
    SELECT u.max_priority INTO own_limit FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    IF set_priority.priority > own_limit AND NOT rcq_private.caller_is_admin() THEN
        PERFORM rcq_private.fail('RC005', pg_catalog.format('priority %s is above your limit of %s', priority, own_limit),
            'An administrator can raise your limit.');
    END IF;
    UPDATE rcq_private.live SET priority = set_priority.priority WHERE job_id = job;
    PERFORM rcq_private.touched(job);
END $$;
COMMENT ON FUNCTION rcq.set_priority(bigint, integer) IS
'Changes the priority (1-10, 10 = soonest) of a job that has not ended. Errors: RC001, RC002, RC003, RC004, RC005 (above your limit)';
-- The end of runs: one statement for any number of them, used by reports of executors and by the scheduler for lost runs.

-- How a run ended, as reported; end_ is one of the protocol's words or 'executor_lost'.
CREATE TYPE rcq_private.run_report AS (
    job_id bigint, token bigint, end_ text, exit_code integer, signal integer, cpu_seconds real, peak_memory_mib integer,
    ended_at timestamptz, message text, output jsonb);

-- Answers each report: ok, already, stale, retry. The rows it changes are locked in ascending job id; a row that
-- somebody else holds is skipped and answered retry. A run that was to be preempted and did not succeed in the meantime
-- goes back to the queue, charged, and as if it had never failed; one that its executor lost is lost all the same.
CREATE OR REPLACE FUNCTION rcq_private.end_runs(executor_id integer, reports rcq_private.run_report[])
RETURNS TABLE (job_id bigint, token bigint, answer text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    max_losses integer := rcq_private.setting_text('max_losses')::integer;
    now_ timestamptz := pg_catalog.clock_timestamp();
    done_ids bigint[];
    done_tokens bigint[];
    told_ids bigint[];
    first_seq bigint;
BEGIN
    WITH reported AS (
        SELECT DISTINCT ON (r.token) r.* FROM unnest(reports) r ORDER BY r.token
    ), held AS MATERIALIZED (
        SELECT l.job_id, l.user_id, l.group_id, l.priority, l.attempt, l.executor_id, l.token, l.command_seq, l.placed_at,
               l.claimed_at, l.granted_cores, l.granted_memory_mib, l.granted_gpus, COALESCE(l.granted_cores, l.cpu_cores) AS cores,
               COALESCE(l.granted_memory_mib, l.memory_mib) / 1024.0 AS gb, COALESCE(l.granted_gpus, l.gpu_count) AS gpus,
               l.cancel_requested_at IS NOT NULL AS cancelling, l.cancel_requested_at IS NOT NULL OR l.preempt_requested_at IS NOT NULL AS told,
               l.requeue AND l.losses < max_losses AS may_be_lost, l.failures < l.max_retries AS may_fail,
               CASE WHEN l.cancel_requested_at IS NOT NULL OR r.end_ = 'executor_lost' OR r.end_ = 'exit_code' AND r.exit_code = 0 THEN r.end_
                    WHEN l.preempt_requested_at IS NOT NULL THEN 'preempted'
                    -- a run that its executor ended unasked (a drain that ran out of time) was lost, not cancelled
                    WHEN r.end_ = 'cancelled' THEN 'executor_lost'
                    ELSE r.end_ END AS end_,
               r.exit_code, r.signal, COALESCE(r.cpu_seconds, l.cpu_seconds) AS cpu_seconds,
               COALESCE(r.peak_memory_mib, l.peak_memory_mib) AS peak_memory_mib, r.message, r.output,
               GREATEST(LEAST(r.ended_at, now_), l.claimed_at) AS ended_at
          FROM reported r
          JOIN rcq_private.live l ON l.job_id = r.job_id AND l.token = r.token AND l.executor_id = end_runs.executor_id
         WHERE l.claimed_at IS NOT NULL
         ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED
    ), ended AS MATERIALIZED (
        SELECT h.*, CASE WHEN h.end_ = 'exit_code' AND h.exit_code = 0 THEN 'completed'
                         WHEN h.cancelling THEN 'cancelled'
                         WHEN h.end_ = 'preempted' THEN 'pending'
                         WHEN h.end_ = 'executor_lost' AND h.may_be_lost THEN 'pending'
                         WHEN h.end_ <> 'executor_lost' AND h.may_fail THEN 'pending'
                         ELSE 'failed' END AS status,
               pg_catalog.date_part('epoch', h.ended_at - h.claimed_at) AS ran_s
          FROM held h
    ), outcomes AS (
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, executor_id, exit_code, placed_at,
                                         claimed_at, token, peak_memory_mib, cpu_seconds, signal, status, reason, message, output,
                                         granted_cores, granted_memory_mib, granted_gpus)
        SELECT e.job_id, e.ended_at, e.user_id, e.group_id, e.priority, e.attempt, e.executor_id, e.exit_code, e.placed_at,
               e.claimed_at, e.token, e.peak_memory_mib, e.cpu_seconds, e.signal, e.status,
               CASE WHEN e.status = 'failed' OR e.end_ = 'executor_lost' THEN e.end_ END, e.message, e.output,
               e.granted_cores, e.granted_memory_mib, e.granted_gpus
          FROM ended e WHERE e.status <> 'pending'
    ), removed AS (
        DELETE FROM rcq_private.live l USING ended e WHERE l.job_id = e.job_id AND e.status <> 'pending'
    ), superseded AS (
        INSERT INTO rcq_private.run (job_id, attempt, user_id, executor_id, ended_at, placed_at, claimed_at, token, exit_code,
                                     peak_memory_mib, cpu_seconds, signal, reason, message, output,
                                     granted_cores, granted_memory_mib, granted_gpus)
        SELECT e.job_id, e.attempt, e.user_id, e.executor_id, e.ended_at, e.placed_at, e.claimed_at, e.token, e.exit_code,
               e.peak_memory_mib, e.cpu_seconds, e.signal, e.end_, e.message, e.output,
               e.granted_cores, e.granted_memory_mib, e.granted_gpus
          FROM ended e WHERE e.status = 'pending'
    ), requeued AS (
        UPDATE rcq_private.live l
           SET executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL, claimed_at = NULL, claimed_by = NULL,
               cpu_seconds = NULL, peak_memory_mib = NULL, granted_cores = NULL, granted_memory_mib = NULL, granted_gpus = NULL,
               preempt_requested_at = NULL,
               failures = l.failures + CASE WHEN e.end_ IN ('executor_lost', 'preempted') THEN 0 ELSE 1 END,
               losses = l.losses + CASE WHEN e.end_ = 'executor_lost' THEN 1 ELSE 0 END,
               preempted = l.preempted + CASE WHEN e.end_ = 'preempted' THEN 1 ELSE 0 END,
               eligible_at = CASE WHEN e.end_ IN ('executor_lost', 'preempted') THEN l.eligible_at ELSE now_ END
          FROM ended e WHERE l.job_id = e.job_id AND e.status = 'pending'
    ), commands AS (
        DELETE FROM rcq_private.command c USING ended e WHERE c.executor_id = e.executor_id AND c.seq = e.command_seq
    ), charged AS (
        -- short runs share a row, which blurs their times by less than anybody can tell in a window of days
        INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds, gpu_type)
        SELECT pg_catalog.min(e.claimed_at), pg_catalog.max(e.ended_at), e.group_id, e.user_id, pg_catalog.sum(e.cores * e.ran_s),
               pg_catalog.sum(e.gb * e.ran_s), pg_catalog.sum(e.gpus * e.ran_s),
               (SELECT x.gpu_type FROM rcq_private.executor x WHERE x.id = end_runs.executor_id)
          FROM ended e WHERE e.end_ <> 'executor_lost' GROUP BY e.group_id, e.user_id, CASE WHEN e.ran_s >= 600 THEN e.job_id END
    )
    SELECT pg_catalog.array_agg(rcq_private.touched(e.job_id)), pg_catalog.array_agg(e.token),
           pg_catalog.array_agg(e.job_id) FILTER (WHERE e.told), pg_catalog.min(e.command_seq) FILTER (WHERE e.told)
      INTO done_ids, done_tokens, told_ids, first_seq FROM ended e;
    IF told_ids IS NOT NULL THEN
        -- what told the executor to end them; in a statement of its own, which sees a command that was sent just before
        -- the rows were locked above
        DELETE FROM rcq_private.command c
         WHERE c.executor_id = end_runs.executor_id AND c.seq > first_seq AND c.kind = 'cancel' AND c.job_id = ANY (told_ids);
    END IF;
    RETURN QUERY SELECT d.job_id, d.token, 'ok' FROM unnest(done_ids, done_tokens) d(job_id, token);
    IF pg_catalog.cardinality(done_ids) = pg_catalog.cardinality(reports) THEN RETURN; END IF;

    -- What found no live run: reported before, or replaced, or locked by somebody.
    RETURN QUERY
    SELECT r.job_id, r.token,
           CASE WHEN EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = r.job_id AND l.token = r.token
                              AND l.executor_id = end_runs.executor_id AND l.claimed_at IS NOT NULL) THEN 'retry'
                WHEN EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = r.job_id AND o.token = r.token AND o.reason IS DISTINCT FROM 'executor_lost')
                  OR EXISTS (SELECT FROM rcq_private.run u WHERE u.job_id = r.job_id AND u.token = r.token AND u.reason <> 'executor_lost') THEN 'already'
                ELSE 'stale' END
      FROM unnest(reports) r
     WHERE r.token <> ALL (COALESCE(done_tokens, '{}'));
END $$;
-- The protocol that executors speak: docs/reference/executor-protocol.md

-- The executor that the acting role is, or RC020.
CREATE OR REPLACE FUNCTION rcq_private.executor_of_role() RETURNS rcq_private.executor
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own rcq_private.executor;
BEGIN
    SELECT * INTO own FROM rcq_private.executor e WHERE e.name = rcq_private.outer_role();
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC020', pg_catalog.format('role "%s" is not an executor', rcq_private.outer_role()),
            'An administrator makes the login of an executor: SELECT rcq.create_executor_login(''<name>'').');
    END IF;
    RETURN own;
END $$;

-- As above; RC020 unless it is this executor, RC021 unless this process is the registered one.
CREATE OR REPLACE FUNCTION rcq_private.own_executor(executor integer, incarnation bigint) RETURNS rcq_private.executor
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own rcq_private.executor := rcq_private.executor_of_role();
BEGIN
    IF executor IS NULL OR incarnation IS NULL THEN
        PERFORM rcq_private.fail('RC023', 'executor and incarnation must be given', 'Pass what rcq.register_executor answered.');
    END IF;
    IF own.id <> executor THEN
        PERFORM rcq_private.fail('RC020', pg_catalog.format('role "%s" is not executor %s', rcq_private.outer_role(), executor),
            'Pass the number that rcq.register_executor answered.');
    END IF;
    IF own.incarnation IS DISTINCT FROM own_executor.incarnation THEN
        PERFORM rcq_private.fail('RC021', pg_catalog.format('another process has registered executor "%s" since', own.name),
            'One process per executor: stop the other one, or give it a login of its own.');
    END IF;
    RETURN own;
END $$;

-- How features, GPU models and countable resources are written.
CREATE OR REPLACE FUNCTION rcq_private.is_word(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT word ~ '^[a-z0-9][a-z0-9_.:-]{0,62}$' $$;

CREATE OR REPLACE FUNCTION rcq.register_executor(hostname text, capacity jsonb, features text[], incarnation bigint, protocol integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own rcq_private.executor := rcq_private.executor_of_role();
    cores bigint; memory bigint; gpus bigint; model text;
BEGIN
    PERFORM rcq_private.heartbeat(own.id); -- whatever becomes of the rest, it is there
    IF protocol IS DISTINCT FROM 1 THEN
        PERFORM rcq_private.fail('RC022', pg_catalog.format('protocol version %s is not supported', COALESCE(protocol::text, 'NULL')),
            'This server speaks version 1: install the rcq-executor that goes with it.');
    END IF;
    BEGIN
        SELECT c.cpu_cores, c.memory_mib, COALESCE(c.gpu_count, 0), c.gpu_type INTO cores, memory, gpus, model
          FROM pg_catalog.jsonb_to_record(capacity) AS c(cpu_cores bigint, memory_mib bigint, gpu_count bigint, gpu_type text);
    EXCEPTION WHEN data_exception THEN
        cores := NULL;
    END;
    IF cores IS NULL OR memory IS NULL OR cores NOT BETWEEN 0 AND 100000 OR memory NOT BETWEEN 0 AND 2147483647
       OR gpus NOT BETWEEN 0 AND 10000 OR incarnation IS NULL OR hostname IS NULL
       OR NOT rcq_private.is_word(COALESCE(model, 'unknown'))
       OR EXISTS (SELECT FROM unnest(features) f WHERE f IS NULL OR NOT rcq_private.is_word(f)) THEN
        PERFORM rcq_private.fail('RC023', 'malformed registration',
            'hostname, incarnation and capacity {"cpu_cores": 0-100000, "memory_mib": 0-2147483647, "gpu_count": 0-10000} are needed; features and "gpu_type" are lower-case words.');
    END IF;
    UPDATE rcq_private.executor e
       SET hostname = register_executor.hostname, cpu_cores = cores, memory_mib = memory, gpu_count = gpus, gpu_type = model,
           features = ARRAY(SELECT DISTINCT f COLLATE "C" FROM unnest(register_executor.features) f ORDER BY 1),
           incarnation = register_executor.incarnation, registered_at = pg_catalog.clock_timestamp(), signed_off = false,
           leaving = CASE WHEN e.incarnation = register_executor.incarnation THEN e.leaving END
     WHERE e.id = own.id;
    PERFORM rcq_private.definitions_changed();
    RETURN pg_catalog.jsonb_build_object('executor', own.id, 'name', own.name, 'protocol', 1,
        'channel', 'rcq_executor_' || own.id, 'lease_seconds', rcq_private.setting_text('lease')::double precision,
        'lost_after_seconds', rcq_private.setting_text('lost_after')::double precision);
END $$;
COMMENT ON FUNCTION rcq.register_executor(text, jsonb, text[], bigint, integer) IS
'For executors: registers this process with its capacity ({"cpu_cores", "memory_mib", "gpu_count", "gpu_type"}, the last two optional) and features. Errors: RC020, RC022, RC023';

-- Reports of ended runs from their JSON.
CREATE OR REPLACE FUNCTION rcq_private.parse_reports(finished jsonb) RETURNS rcq_private.run_report[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reports rcq_private.run_report[];
    wrong bigint;
BEGIN
    SELECT pg_catalog.array_agg(ROW(f.job_id, f.token, f."end", f.exit_code, f.signal, f.cpu_seconds, f.peak_memory_mib,
               pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => LEAST(GREATEST(COALESCE(f.ended_ago_s, 0), 0), 31536000)),
               pg_catalog.left(f.message, 1000),
               CASE WHEN f.output_dir IS NOT NULL THEN pg_catalog.jsonb_build_object('dir', f.output_dir, 'files', COALESCE(f.files, '[]')) END)::rcq_private.run_report),
           pg_catalog.count(*) FILTER (WHERE f.job_id IS NULL OR f.token IS NULL OR f."end" IS NULL
               OR f."end" NOT IN ('exit_code', 'signal', 'timeout', 'oom', 'spawn_error', 'cancelled')
               OR (f."end" = 'exit_code' AND f.exit_code IS NULL))
      INTO reports, wrong
      FROM pg_catalog.jsonb_to_recordset(finished) AS f(job_id bigint, token bigint, "end" text, exit_code integer, signal integer,
           cpu_seconds real, peak_memory_mib integer, ended_ago_s double precision, message text, output_dir text, files jsonb);
    IF wrong > 0 THEN
        PERFORM rcq_private.fail('RC023', pg_catalog.format('%s of the reports lack job_id, token or a known end', wrong));
    END IF;
    RETURN reports;
EXCEPTION WHEN data_exception THEN
    PERFORM rcq_private.fail('RC023', 'malformed report: ' || SQLERRM);
END $$;

-- What a start tells the executor: the job, with what its placement granted.
CREATE OR REPLACE FUNCTION rcq_private.start_body(j rcq_private.job, l rcq_private.live) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object('attempt', l.attempt, 'name', j.name,
        'user', (SELECT COALESCE(u.role_name, u.email) FROM rcq_private.users u WHERE u.id = j.user_id),
        'group', (SELECT g.name FROM rcq_private.groups g WHERE g.id = j.group_id),
        'script', j.script, 'workdir', j.workdir, 'env', COALESCE(j.env, '{}'), 'cpu_cores', COALESCE(l.granted_cores, j.cpu_cores),
        'memory_mib', COALESCE(l.granted_memory_mib, j.memory_mib), 'gpu_count', COALESCE(l.granted_gpus, j.gpu_count),
        'time_limit_s', pg_catalog.date_part('epoch', j.time_limit),
        'on_disconnect', CASE WHEN j.kill_on_disconnect THEN 'kill' ELSE 'continue' END)
        || CASE WHEN j.gpu_type IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('gpu_type', j.gpu_type) END
$$;

CREATE OR REPLACE FUNCTION rcq.executor_sync(executor integer, incarnation bigint, acked_seq bigint, live_tokens bigint[], finished jsonb,
                                  usage jsonb, max_new integer)
RETURNS TABLE (kind text, seq bigint, job_id bigint, token bigint, body jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
    now_ timestamptz := pg_catalog.clock_timestamp();
    reports rcq_private.run_report[];
    offered rcq_private.command[];
    claims bigint;
    lost rcq_private.run_report[];
    ack bigint;
    room integer := LEAST(GREATEST(COALESCE(max_new, 0), 0), 1000);
    known bigint[];
BEGIN
    IF acked_seq IS NULL THEN
        PERFORM rcq_private.fail('RC023', 'acked_seq is NULL',
            'Pass 0 after every reconnect.');
    END IF;
    PERFORM rcq_private.heartbeat(own.id);

    IF finished IS NOT NULL THEN
        reports := rcq_private.parse_reports(finished);
        IF reports IS NOT NULL THEN
            RETURN QUERY SELECT 'answer', NULL::bigint, e.job_id, e.token, pg_catalog.jsonb_build_object('answer', e.answer)
                           FROM rcq_private.end_runs(own.id, reports) e;
        END IF;
    END IF;

    IF usage IS NOT NULL THEN
        BEGIN
        UPDATE rcq_private.live l SET cpu_seconds = u.cpu_seconds, peak_memory_mib = u.peak_memory_mib
          FROM (SELECT h.job_id, r.cpu_seconds, r.peak_memory_mib
                  FROM pg_catalog.jsonb_to_recordset(usage) AS r(job_id bigint, token bigint, cpu_seconds real, peak_memory_mib integer)
                  JOIN rcq_private.live h ON h.job_id = r.job_id AND h.token = r.token AND h.executor_id = own.id
                 ORDER BY h.job_id FOR UPDATE OF h SKIP LOCKED) u
         WHERE l.job_id = u.job_id;
        EXCEPTION WHEN data_exception THEN
            PERFORM rcq_private.fail('RC023', 'malformed usage: ' || SQLERRM);
        END;
    END IF;

    IF live_tokens IS NOT NULL THEN
        -- A claimed run that its executor does not hold is lost, unless this very process claimed it and has not
        -- acknowledged the command: then the answer was lost on the way and the run is offered again below.
        SELECT pg_catalog.array_agg(ROW(l.job_id, l.token, 'executor_lost', NULL, NULL, NULL, NULL, NULL, 'not known to its executor any more', NULL)::rcq_private.run_report)
          INTO lost
          FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
         WHERE c.executor_id = own.id AND c.kind = 'start' AND l.claimed_at IS NOT NULL AND l.token <> ALL (live_tokens)
           AND (l.claimed_by <> own.incarnation OR c.seq <= acked_seq);
        IF lost IS NOT NULL THEN
            PERFORM FROM rcq_private.end_runs(own.id, lost);
        END IF;
        known := ARRAY(SELECT l.token FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
                        WHERE c.executor_id = own.id AND c.kind = 'start' AND l.claimed_at IS NOT NULL)
                 || ARRAY(SELECT r.token FROM unnest(reports) r);
        RETURN QUERY
        SELECT 'kill', NULL::bigint, NULL::bigint, t, NULL::jsonb FROM unnest(live_tokens) t WHERE t <> ALL (known);
    END IF;

    -- Commands in order, as far as there is room for new runs. The claim is the lock on the live row; a row that
    -- somebody else holds is left out, acknowledged never, and so offered again.
    SELECT pg_catalog.array_agg(o ORDER BY o.seq) INTO offered
      FROM (SELECT * FROM rcq_private.command c WHERE c.executor_id = own.id AND c.seq > acked_seq
             ORDER BY c.seq LIMIT room + 1000) o;
    IF offered IS NULL THEN RETURN; END IF;

    WITH locked AS MATERIALIZED (
        -- the limit counts what could be locked, so that a row that somebody holds keeps nobody else waiting
        SELECT l.job_id FROM unnest(offered) o JOIN rcq_private.live l ON l.job_id = o.job_id AND l.token = o.token
         WHERE o.kind = 'start' AND l.claimed_by IS NULL AND (live_tokens IS NULL OR o.token <> ALL (live_tokens))
         ORDER BY o.seq LIMIT room FOR UPDATE OF l SKIP LOCKED
    ), claimed AS (
        UPDATE rcq_private.live l SET claimed_at = now_, claimed_by = own.incarnation
          FROM locked k WHERE l.job_id = k.job_id RETURNING rcq_private.touched_quietly(l.job_id)
    )
    SELECT pg_catalog.count(*) INTO claims FROM claimed;

    -- What this process has claimed, now or by an earlier call whose answer it has not acknowledged.
    RETURN QUERY
    SELECT 'start', o.seq, o.job_id, o.token, rcq_private.start_body(j, l)
      FROM unnest(offered) o
      JOIN rcq_private.live l ON l.job_id = o.job_id AND l.token = o.token
      JOIN rcq_private.job j ON j.id = o.job_id
     WHERE o.kind = 'start' AND l.claimed_by = own.incarnation AND (live_tokens IS NULL OR o.token <> ALL (live_tokens))
     ORDER BY o.seq;
    RETURN QUERY
    SELECT 'cancel', o.seq, o.job_id, o.token, NULL::jsonb FROM unnest(offered) o WHERE o.kind = 'cancel' ORDER BY o.seq;

    -- Acknowledged is what lies before the first start that was left out.
    SELECT pg_catalog.min(o.seq) - 1 INTO ack
      FROM unnest(offered) o JOIN rcq_private.live l ON l.job_id = o.job_id AND l.token = o.token
     WHERE o.kind = 'start' AND l.claimed_by IS NULL;
    ack := COALESCE(ack, offered[pg_catalog.cardinality(offered)].seq);
    IF ack > acked_seq THEN
        RETURN QUERY SELECT 'ack', ack, NULL::bigint, NULL::bigint, NULL::jsonb;
    END IF;
END $$;
COMMENT ON FUNCTION rcq.executor_sync(integer, bigint, bigint, bigint[], jsonb, jsonb, integer) IS
'For executors: heartbeat, reports of ended runs, and new commands in one round trip. Errors: RC020, RC021, RC023';

CREATE OR REPLACE FUNCTION rcq.executor_log(executor integer, incarnation bigint, job_ids bigint[], tokens bigint[], seqs bigint[], streams text[], chunks bytea[])
RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
    n integer := COALESCE(pg_catalog.cardinality(chunks), 0);
    stale bigint[];
BEGIN
    IF n <> COALESCE(pg_catalog.cardinality(job_ids), 0) OR n <> COALESCE(pg_catalog.cardinality(tokens), 0)
       OR n <> COALESCE(pg_catalog.cardinality(seqs), 0) OR n <> COALESCE(pg_catalog.cardinality(streams), 0)
       OR EXISTS (SELECT FROM unnest(seqs, streams, chunks) AS k(seq, stream, chunk)
                   WHERE k.seq IS NULL OR k.seq NOT BETWEEN 1 AND 1000000000000 OR k.stream IS NULL OR k.stream NOT IN ('stdout', 'stderr') OR k.chunk IS NULL)
       OR (SELECT pg_catalog.sum(pg_catalog.octet_length(k)) FROM unnest(chunks) k) > 1048576 THEN
        PERFORM rcq_private.fail('RC023', 'malformed log batch',
            'Five arrays of one length, seq from 1, stream stdout or stderr, at most 1 MiB together.');
    END IF;
    INSERT INTO rcq_private.log (job_id, attempt, seq, user_id, lines, at, stream, data)
    SELECT l.job_id, l.attempt, k.seq, l.user_id, pg_catalog.cardinality(rcq_private.log_lines(k.chunk)), pg_catalog.clock_timestamp(), k.stream, k.chunk
      FROM unnest(job_ids, tokens, seqs, streams, chunks) AS k(job_id, token, seq, stream, chunk)
      JOIN rcq_private.live l ON l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own.id
     WHERE pg_catalog.octet_length(k.chunk) > 0
    ON CONFLICT DO NOTHING;
    SELECT pg_catalog.array_agg(DISTINCT k.token) INTO stale
      FROM unnest(job_ids, tokens) AS k(job_id, token)
     WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = k.job_id AND l.token = k.token AND l.executor_id = own.id);
    RETURN COALESCE(stale, '{}');
END $$;
COMMENT ON FUNCTION rcq.executor_log(integer, bigint, bigint[], bigint[], bigint[], text[], bytea[]) IS
'For executors: appends chunks of output; returns the tokens that are no longer live. Errors: RC020, RC021, RC023';

CREATE OR REPLACE FUNCTION rcq.executor_drain(executor integer, incarnation bigint, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
BEGIN
    UPDATE rcq_private.executor e SET leaving = COALESCE(pg_catalog.left(reason, 200), 'drained by its process') WHERE e.id = own.id;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.executor_drain(integer, bigint, text) IS 'For executors: place nothing more here. Errors: RC020, RC021';

CREATE OR REPLACE FUNCTION rcq.executor_sign_off(executor integer, incarnation bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    own CONSTANT rcq_private.executor := rcq_private.own_executor(executor, incarnation);
BEGIN
    UPDATE rcq_private.executor e SET signed_off = true WHERE e.id = own.id;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.executor_sign_off(integer, bigint) IS 'For executors: last call of a process that ends in order. Errors: RC020, RC021';
-- Reading the output of jobs.

-- The attempt to show when none is asked for: the latest one that was started. RC002 unless the caller may see the job.
CREATE OR REPLACE FUNCTION rcq_private.log_attempt(job bigint, attempt integer) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller integer := rcq_private.caller_id();
    latest integer;
BEGIN
    PERFORM FROM rcq_private.job j WHERE j.id = job AND (j.user_id = caller OR rcq_private.caller_is_admin());
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')),
            'List your jobs with SELECT id, status FROM rcq.jobs.');
    END IF;
    IF attempt IS NOT NULL THEN RETURN attempt; END IF;
    SELECT pg_catalog.max(a.attempt) INTO latest FROM (
        SELECT l.attempt FROM rcq_private.live l WHERE l.job_id = job AND l.claimed_at IS NOT NULL
        UNION ALL SELECT o.attempt FROM rcq_private.outcome o WHERE o.job_id = job AND o.claimed_at IS NOT NULL
        UNION ALL SELECT r.attempt FROM rcq_private.run r WHERE r.job_id = job) a;
    RETURN latest;
END $$;

-- The output columns are seq, at, stream, line: stream is INOUT because a name may stand only once.
CREATE OR REPLACE FUNCTION rcq.logs(job bigint, attempt integer DEFAULT NULL, after bigint DEFAULT 0,
                         OUT seq bigint, OUT at timestamptz, INOUT stream text DEFAULT NULL, OUT line text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    shown integer := rcq_private.log_attempt(job, attempt);
    wanted CONSTANT text := stream;
BEGIN
    RETURN QUERY
    SELECT g.seq + k.n - 1, g.at, g.stream::text, k.line
      FROM rcq_private.log g, unnest(rcq_private.log_lines(g.data)) WITH ORDINALITY k(line, n)
     WHERE g.job_id = job AND g.attempt = shown AND g.seq + g.lines - 1 > COALESCE(after, 0)
       AND g.seq + k.n - 1 > COALESCE(after, 0) AND (wanted IS NULL OR g.stream = wanted)
     ORDER BY g.seq, k.n;
END $$;
COMMENT ON FUNCTION rcq.logs(bigint, integer, bigint, text) IS
'Output lines of a job: attempt NULL = the latest started one; after: only lines numbered above it (follow by passing the last seq seen); stream: stdout, stderr or NULL for both. Bytes that are no text show as U+FFFD. Error: RC002';

CREATE OR REPLACE FUNCTION rcq.logs_raw(job bigint, attempt integer DEFAULT NULL, stream text DEFAULT NULL) RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    shown integer := rcq_private.log_attempt(job, attempt);
BEGIN
    RETURN (SELECT COALESCE(pg_catalog.string_agg(g.data, ''::bytea ORDER BY g.seq), ''::bytea) FROM rcq_private.log g
             WHERE g.job_id = job AND g.attempt = shown AND (logs_raw.stream IS NULL OR g.stream = logs_raw.stream));
END $$;
COMMENT ON FUNCTION rcq.logs_raw(bigint, integer, text) IS 'Output of a job byte for byte; arguments as rcq.logs. Error: RC002';
-- Views for people. They run with the caller's rights, so that row security shows everyone their own jobs and
-- administrators all of them.

CREATE OR REPLACE FUNCTION rcq_private.memory_gb(mib integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT pg_catalog.trim_scale(pg_catalog.round(mib / 1024.0, 3)) $$;

CREATE OR REPLACE FUNCTION rcq_private.user_name(user_id integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(u.role_name, u.email) FROM rcq_private.users u WHERE u.id = user_id $$;
CREATE OR REPLACE FUNCTION rcq_private.group_name(group_id integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.name FROM rcq_private.groups g WHERE g.id = group_id $$;
CREATE OR REPLACE FUNCTION rcq_private.executor_name(executor_id integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.name FROM rcq_private.executor e WHERE e.id = executor_id $$;

-- One branch per status, each with a literal status, so that a condition on status drops the other branches.
CREATE OR REPLACE VIEW rcq.jobs WITH (security_invoker = true) AS
SELECT j.id, s.status, s.reason, rcq_private.user_name(j.user_id) AS user_name, rcq_private.group_name(j.group_id) AS group_name,
       j.name, j.script, j.cpu_cores, rcq_private.memory_gb(j.memory_mib) AS memory_gb, j.gpu_count, s.priority::integer,
       j.submitted_at, s.started_at, s.ended_at, rcq_private.executor_name(s.executor_id) AS executor, s.attempt, s.exit_code,
       s.signal, s.cpu_seconds, rcq_private.memory_gb(s.peak_memory_mib) AS peak_memory_gb, s.message, s.output,
       j.estimate, j.time_limit, j.max_retries::integer, j.workdir, j.env, j.features, j.requeue,
       CASE WHEN j.kill_on_disconnect THEN 'kill' ELSE 'continue' END AS on_disconnect, j.user_id, j.group_id, s.executor_id,
       j.cpu_cores_min, j.gpu_type, j.constraints, j.consumables, j.exclusive, j.preemptible, j.concurrency_key,
       s.granted_cores, rcq_private.memory_gb(s.granted_memory_mib) AS granted_memory_gb, s.granted_gpus
  FROM rcq_private.job j JOIN (
    SELECT l.job_id, 'pending'::text AS status, p.reason, l.priority, NULL::timestamptz AS started_at, NULL::timestamptz AS ended_at,
           NULL::integer AS executor_id, l.attempt, NULL::integer AS exit_code, NULL::integer AS signal, NULL::real AS cpu_seconds,
           NULL::integer AS peak_memory_mib, NULL::text AS message, NULL::jsonb AS output, NULL::integer AS granted_cores,
           NULL::integer AS granted_memory_mib, NULL::integer AS granted_gpus
      FROM rcq_private.live l, LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores,
               l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
               l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key) p
     WHERE l.placed_at IS NULL
    UNION ALL
    SELECT l.job_id, 'assigned', NULL, l.priority, NULL, NULL, l.executor_id, l.attempt, NULL, NULL, NULL, NULL, NULL, NULL,
           l.granted_cores, l.granted_memory_mib, l.granted_gpus
      FROM rcq_private.live l WHERE l.placed_at IS NOT NULL AND l.claimed_at IS NULL
    UNION ALL
    SELECT l.job_id, 'running', CASE WHEN l.cancel_requested_at IS NOT NULL THEN 'cancelling' WHEN l.preempt_requested_at IS NOT NULL THEN 'preempting' END, l.priority, l.claimed_at, NULL,
           l.executor_id, l.attempt, NULL, NULL, l.cpu_seconds, l.peak_memory_mib, NULL, NULL, l.granted_cores, l.granted_memory_mib, l.granted_gpus
      FROM rcq_private.live l WHERE l.claimed_at IS NOT NULL
    UNION ALL
    SELECT o.job_id, 'completed', o.reason, o.priority, o.claimed_at, o.ended_at, o.executor_id, o.attempt, o.exit_code, o.signal,
           o.cpu_seconds, o.peak_memory_mib, o.message, o.output, o.granted_cores, o.granted_memory_mib, o.granted_gpus
      FROM rcq_private.outcome o WHERE o.status = 'completed'
    UNION ALL
    SELECT o.job_id, 'failed', o.reason, o.priority, o.claimed_at, o.ended_at, o.executor_id, o.attempt, o.exit_code, o.signal,
           o.cpu_seconds, o.peak_memory_mib, o.message, o.output, o.granted_cores, o.granted_memory_mib, o.granted_gpus
      FROM rcq_private.outcome o WHERE o.status = 'failed'
    UNION ALL
    SELECT o.job_id, 'cancelled', o.reason, o.priority, o.claimed_at, o.ended_at, o.executor_id, o.attempt, o.exit_code, o.signal,
           o.cpu_seconds, o.peak_memory_mib, o.message, o.output, o.granted_cores, o.granted_memory_mib, o.granted_gpus
      FROM rcq_private.outcome o WHERE o.status = 'cancelled'
  ) s ON s.job_id = j.id;
COMMENT ON VIEW rcq.jobs IS 'Every job you may see, live or ended: what was asked for, its status and reason, its last run';
COMMENT ON COLUMN rcq.jobs.status IS 'pending, assigned (placed, not yet started), running, completed, failed, cancelled';
COMMENT ON COLUMN rcq.jobs.reason IS 'Pending: what it waits for (priority, resources, held, quota, limit, drained, no_executor, never_fits, ...); running: cancelling, preempting; failed: exit_code, signal, timeout, oom, executor_lost, spawn_error';
COMMENT ON COLUMN rcq.jobs.memory_gb IS '1 GB = 2^30 bytes';
COMMENT ON COLUMN rcq.jobs.granted_cores IS 'Cores of its last run, as granted_memory_gb and granted_gpus, where they are not what was asked for';
COMMENT ON COLUMN rcq.jobs.output IS 'Directory of $RCQ_OUTPUT_DIR on the executor''s host and its files';

CREATE OR REPLACE VIEW rcq.queue WITH (security_invoker = true) AS
SELECT p."position", l.job_id AS id, rcq_private.user_name(l.user_id) AS user_name, rcq_private.group_name(l.group_id) AS group_name, j.name,
       l.cpu_cores, rcq_private.memory_gb(l.memory_mib) AS memory_gb, l.gpu_count, p.reason,
       pg_catalog.round(p.final_priority::numeric, 3) AS final_priority, p.base_priority,
       pg_catalog.round(p.fair_share::numeric, 3) AS fair_share, pg_catalog.round(p.wait_boost::numeric, 4) AS wait_boost,
       l.priority::integer, j.submitted_at, l.eligible_at, pg_catalog.date_trunc('seconds', pg_catalog.clock_timestamp() - l.eligible_at) AS waiting,
       pg_catalog.date_trunc('seconds', p.expected_start) AS expected_start, p.approximate, pg_catalog.date_trunc('seconds', p.forecast_at) AS forecast_at,
       rcq_private.executor_name(p.reserved_executor) AS reserved_executor, pg_catalog.date_trunc('seconds', p.reserved_start) AS reserved_start
  FROM rcq_private.live l JOIN rcq_private.job j ON j.id = l.job_id,
       LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at,
               l.cpu_cores_min, l.gpu_type, l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key) p
 WHERE l.placed_at IS NULL
 ORDER BY p."position" NULLS LAST, p.final_priority DESC NULLS LAST, l.eligible_at, l.job_id;
COMMENT ON VIEW rcq.queue IS 'Pending jobs you may see in the order in which they are considered, with the factors of their priority and the reason of their waiting';
COMMENT ON COLUMN rcq.queue."position" IS 'Rank among all pending jobs of the cluster when the scheduler last published (first 1,000)';
COMMENT ON COLUMN rcq.queue.expected_start IS 'When the job is expected to start by what is planned now, if nothing else is submitted; NULL when it waits for something else than resources';
COMMENT ON COLUMN rcq.queue.approximate IS 'The forecast did not reach the job (predict_depth): by the pace of the jobs like it that it did reach';
COMMENT ON COLUMN rcq.queue.forecast_at IS 'When expected_start was computed';
COMMENT ON COLUMN rcq.queue.reserved_executor IS 'Where the job, as one of the first, is promised a start, at reserved_start; nothing behind it may delay that';
COMMENT ON COLUMN rcq.queue.final_priority IS 'base_priority x fair_share x wait_boost';
COMMENT ON COLUMN rcq.queue.fair_share IS 'Multiplier of the group (quota / usage, within floor and cap) times the factor of the user inside the group';

CREATE OR REPLACE VIEW rcq.runs WITH (security_invoker = true) AS
SELECT l.job_id, l.attempt, rcq_private.executor_name(l.executor_id) AS executor,
       CASE WHEN l.claimed_at IS NULL THEN 'assigned' ELSE 'running' END AS status, NULL::text AS reason, l.placed_at, l.claimed_at AS started_at,
       NULL::timestamptz AS ended_at, NULL::integer AS exit_code, NULL::integer AS signal, l.cpu_seconds,
       rcq_private.memory_gb(l.peak_memory_mib) AS peak_memory_gb, NULL::text AS message, NULL::jsonb AS output,
       l.granted_cores, rcq_private.memory_gb(l.granted_memory_mib) AS granted_memory_gb, l.granted_gpus
  FROM rcq_private.live l WHERE l.placed_at IS NOT NULL
UNION ALL
SELECT o.job_id, o.attempt, rcq_private.executor_name(o.executor_id), o.status, o.reason, o.placed_at, o.claimed_at, o.ended_at, o.exit_code,
       o.signal, o.cpu_seconds, rcq_private.memory_gb(o.peak_memory_mib), o.message, o.output,
       o.granted_cores, rcq_private.memory_gb(o.granted_memory_mib), o.granted_gpus
  FROM rcq_private.outcome o WHERE o.executor_id IS NOT NULL
UNION ALL
SELECT r.job_id, r.attempt, rcq_private.executor_name(r.executor_id), CASE r.reason WHEN 'executor_lost' THEN 'lost' WHEN 'preempted' THEN 'preempted' ELSE 'failed' END, r.reason,
       r.placed_at, r.claimed_at, r.ended_at, r.exit_code, r.signal, r.cpu_seconds, rcq_private.memory_gb(r.peak_memory_mib), r.message, r.output,
       r.granted_cores, rcq_private.memory_gb(r.granted_memory_mib), r.granted_gpus
  FROM rcq_private.run r;
COMMENT ON VIEW rcq.runs IS 'Every attempt of every job you may see: where, when, how it ended, what it used';

CREATE OR REPLACE FUNCTION rcq_private.executor_load(executor_id integer, OUT runs bigint, OUT cpu_cores bigint, OUT memory_mib bigint, OUT gpu_count bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.count(l.job_id), COALESCE(pg_catalog.sum(COALESCE(l.granted_cores, l.cpu_cores)), 0),
           COALESCE(pg_catalog.sum(COALESCE(l.granted_memory_mib, l.memory_mib)), 0), COALESCE(pg_catalog.sum(COALESCE(l.granted_gpus, l.gpu_count)), 0)
      FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
     WHERE c.executor_id = executor_load.executor_id AND c.kind = 'start' $$;

CREATE OR REPLACE VIEW rcq.executors WITH (security_invoker = true) AS
SELECT e.id, e.name, e.hostname,
       CASE WHEN e.signed_off OR s.seen IS NULL OR s.seen < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => rcq_private.setting_text('lease')::double precision) THEN 'offline'
            WHEN e.drained IS NOT NULL OR e.leaving IS NOT NULL THEN 'draining'
            WHEN u.runs > 0 THEN 'busy' ELSE 'idle' END AS status,
       COALESCE(e.drained, e.leaving) AS reason, u.runs, e.cpu_cores, u.cpu_cores AS cpu_cores_used,
       rcq_private.memory_gb(e.memory_mib) AS memory_gb, rcq_private.memory_gb(u.memory_mib::integer) AS memory_gb_used,
       e.gpu_count, u.gpu_count AS gpu_count_used, e.features, s.seen AS last_seen, e.registered_at, e.gpu_type
  FROM rcq_private.executor e, rcq_private.executor_seen(e.id) s(seen), rcq_private.executor_load(e.id) u;
COMMENT ON VIEW rcq.executors IS 'Hosts: status (idle, busy, draining, offline), capacity, what is in use, last heartbeat';

CREATE OR REPLACE VIEW rcq.groups WITH (security_invoker = true) AS
SELECT g.id, g.name, g.priority::integer, g.quota_cpu_hours, g.quota_mode, g.default_estimate, g.open, g.created_at,
       rcq_private.group_name(g.parent_id) AS parent, g.shares, g.max_jobs, g.max_cores, g.max_gpus, g.paused
  FROM rcq_private.groups g;
COMMENT ON VIEW rcq.groups IS 'Research groups with priority (1-10) and quota (billed CPU-hours per usage window), their place in the tree of groups, limits on what is placed of them, and the reason of a pause';

CREATE OR REPLACE VIEW rcq.users WITH (security_invoker = true) AS
SELECT u.id, u.role_name, u.email, g.name AS group_name, u.is_admin, u.max_priority::integer, u.created_at, u.shares, u.max_jobs, u.max_cores, u.max_gpus, u.max_pending
  FROM rcq_private.users u JOIN rcq_private.groups g ON g.id = u.group_id;
COMMENT ON VIEW rcq.users IS 'People; everyone sees their own row, administrators all';

-- The usage window in force: when it begins, and its half-life in seconds where usage decays. What is older than 60
-- half-lives weighs less than 10^-18.
CREATE OR REPLACE FUNCTION rcq_private.usage_window(OUT now_ timestamptz, OUT begins timestamptz, OUT half_life_s double precision)
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
CREATE OR REPLACE FUNCTION rcq_private.window_weight(since timestamptz, until timestamptz, now_ timestamptz, begins timestamptz, half_life_s double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN half_life_s IS NULL THEN
                     CASE WHEN until <= begins THEN 0 WHEN since >= begins THEN 1
                          ELSE pg_catalog.date_part('epoch', until - begins) / pg_catalog.date_part('epoch', until - since) END
                ELSE 730 * 3600 * pg_catalog.ln(2::double precision) / half_life_s * pg_catalog.power(2::double precision, - pg_catalog.date_part('epoch', now_ - until) / half_life_s)
                     * CASE WHEN until <= since THEN 1
                            ELSE (1 - pg_catalog.power(2::double precision, - LEAST(pg_catalog.date_part('epoch', until - since) / half_life_s, 100)))
                                 / (pg_catalog.date_part('epoch', until - since) / half_life_s * pg_catalog.ln(2::double precision)) END END $$;

-- Usage and load of every group, from the log of ended runs and the live runs; over all jobs, so it runs as owner.
CREATE OR REPLACE FUNCTION rcq_private.usage_by_group(OUT group_id integer, OUT cpu_hours double precision, OUT gpu_hours double precision, OUT billed_hours double precision,
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
         WHERE l.placed_at IS NOT NULL
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
        SELECT l.group_id, pg_catalog.count(*) AS jobs FROM rcq_private.live l WHERE l.placed_at IS NULL GROUP BY l.group_id
    )
    SELECT g.id, COALESCE(u.core_s, 0) / 3600, COALESCE(u.gpu_s, 0) / 3600, COALESCE(u.billed_s, 0) / 3600, COALESCE(r.billed_s, 0) / 3600,
           COALESCE(r.jobs, 0), COALESCE(r.cores, 0), COALESCE(p.jobs, 0)
      FROM rcq_private.groups g LEFT JOIN used u ON u.group_id = g.id LEFT JOIN planned r ON r.group_id = g.id LEFT JOIN pending p ON p.group_id = g.id $$;

CREATE OR REPLACE VIEW rcq.group_usage WITH (security_invoker = true) AS
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
COMMENT ON COLUMN rcq.group_usage.planned_hours IS 'What placed jobs are still planned to use, billed; with fairshare_window = half_life on the same scale as billed_hours';

-- The runs that hold something, one per start command, as bounded as the capacity of the executors.
CREATE OR REPLACE FUNCTION rcq_private.consumable_use(executor_id integer, name text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(pg_catalog.sum((l.consumables ->> name)::bigint), 0)::bigint
      FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
     WHERE c.kind = 'start' AND (consumable_use.executor_id = 0 OR c.executor_id = consumable_use.executor_id) AND l.consumables ? name $$;

CREATE OR REPLACE VIEW rcq.consumables WITH (security_invoker = true) AS
SELECT c.name, rcq_private.executor_name(c.executor_id) AS executor, c.total, rcq_private.consumable_use(c.executor_id, c.name) AS in_use
  FROM rcq_private.consumable c;
COMMENT ON VIEW rcq.consumables IS 'Licences and other countable resources (executor NULL = of the whole cluster), and how many of them placed and running jobs hold';

CREATE OR REPLACE FUNCTION rcq_private.concurrency_use(key text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.count(*) FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
     WHERE c.kind = 'start' AND l.concurrency_key = key $$;

CREATE OR REPLACE VIEW rcq.concurrency_limits WITH (security_invoker = true) AS
SELECT c.key, c.max_jobs, rcq_private.concurrency_use(c.key) AS in_use FROM rcq_private.concurrency_limit c;
COMMENT ON VIEW rcq.concurrency_limits IS 'How many jobs may be placed and running at once under a concurrency key, and how many are';

CREATE OR REPLACE VIEW rcq.reservations WITH (security_invoker = true) AS
SELECT r.id, rcq_private.executor_name(r.executor_id) AS executor, rcq_private.group_name(r.group_id) AS group_name, r.starts_at, r.ends_at,
       CASE WHEN r.starts_at > t.now_ THEN 'upcoming' WHEN r.ends_at > t.now_ THEN 'active' ELSE 'over' END AS state, r.reason, r.created_by, r.created_at
  FROM rcq_private.reservation r, pg_catalog.clock_timestamp() t(now_);
COMMENT ON VIEW rcq.reservations IS 'Times in which an executor (NULL = all) is kept for a group (NULL = for nobody: maintenance)';
COMMENT ON COLUMN rcq.reservations.state IS 'upcoming, active, over';

CREATE OR REPLACE VIEW rcq.gpu_billing WITH (security_invoker = true) AS
SELECT b.gpu_type, b.per_hour FROM rcq_private.gpu_billing b;
COMMENT ON VIEW rcq.gpu_billing IS 'Billed hours per GPU-hour of the models that do not go by the setting billing_gpu_hour';

CREATE OR REPLACE VIEW rcq.settings WITH (security_invoker = true) AS
SELECT d.name, COALESCE(s.value, d.default_value) AS value, d.default_value, d.unit, d.type,
       CASE d.type WHEN 'choice' THEN pg_catalog.array_to_string(d.choices, ', ') WHEN 'boolean' THEN 'on, off'
            WHEN 'duration' THEN pg_catalog.format('%s to %s', pg_catalog.make_interval(secs => d.minimum), pg_catalog.make_interval(secs => d.maximum))
            ELSE pg_catalog.format('%s to %s', d.minimum, d.maximum) END AS allowed,
       d.description, s.changed_at, s.changed_by
  FROM rcq_private.setting_definition d LEFT JOIN rcq_private.setting s ON s.name = d.name;
COMMENT ON VIEW rcq.settings IS 'Settings of this database''s queue; change them with rcq.set(name, value)';

CREATE OR REPLACE VIEW rcq.scheduler WITH (security_invoker = true) AS
SELECT s.pid, s.state, s.started_at, s.last_cycle_at, s.cycles, s.placements, s.pending, s.running, s.last_error,
       p.reason AS paused, p.since AS paused_since, p.by AS paused_by
  FROM rcq_private.scheduler_state() s LEFT JOIN rcq_private.paused p ON true;
COMMENT ON VIEW rcq.scheduler IS 'State of this database''s scheduler worker: pid, state, last cycle, counts, last error; and who paused the cluster, why';
-- What rcq.explain goes by: executors and placed jobs as they are for one job, usage of its group, the published rank.
-- No more of the pending jobs is looked at than the scheduler published (1,000).

CREATE TYPE rcq_private.finding AS (kind text, reason text, message text, data jsonb);

CREATE OR REPLACE FUNCTION rcq_private.found(kind text, reason text, message text, data jsonb) RETURNS rcq_private.finding
LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(kind, reason, message, data)::rcq_private.finding $$;

-- lacks: what the executor would not have even when empty; short: what it has too little of at the moment; words as of
-- rcq_private.requirements. closed_*: the first reservation for others that the job would run into.
CREATE TYPE rcq_private.executor_verdict AS (
    executor_id integer, name text, status text, why text, runs bigint, cpu_cores integer, memory_mib integer, gpu_count integer,
    free_cores bigint, free_memory_mib bigint, free_gpus bigint, lacks text[], short text[],
    closed_from timestamptz, closed_until timestamptz, closed_for text, closed_why text);

CREATE OR REPLACE FUNCTION rcq_private.published_plan(OUT ranked bigint[], OUT reserved_jobs bigint[], OUT reserved_executors integer[], OUT reserved_starts timestamptz[])
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_published_plan';
COMMENT ON FUNCTION rcq_private.published_plan() IS 'Pending jobs in the order of their rank (first 1,000), and the starts that are promised, as the scheduler last published them';

-- Texts

CREATE OR REPLACE FUNCTION rcq_private.time_text(at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT pg_catalog.to_char(at, 'YYYY-MM-DD HH24:MI:SS TZ') $$;

CREATE OR REPLACE FUNCTION rcq_private.duration_text(seconds double precision) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN s >= 86400 THEN pg_catalog.format('%s day%s ', pg_catalog.div(s, 86400), CASE WHEN s >= 172800 THEN 's' END) ELSE '' END
           || pg_catalog.to_char(pg_catalog.make_interval(secs => (s % 86400)::double precision), 'HH24:MI:SS')
      FROM (SELECT pg_catalog.round(GREATEST(seconds, 0))::numeric) d(s) $$;

CREATE OR REPLACE FUNCTION rcq_private.size_text(cpu_cores bigint, memory_mib bigint, gpu_count bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.format('%s core%s, %s GB%s', cpu_cores, CASE WHEN cpu_cores <> 1 THEN 's' END, rcq_private.memory_gb(memory_mib::integer),
        CASE WHEN gpu_count > 0 THEN pg_catalog.format(', %s GPU%s', gpu_count, CASE WHEN gpu_count <> 1 THEN 's' END) END) $$;

CREATE OR REPLACE FUNCTION rcq_private.size_data(cpu_cores bigint, memory_mib bigint, gpu_count bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.jsonb_build_object('cpu_cores', cpu_cores, 'memory_gb', rcq_private.memory_gb(memory_mib::integer), 'gpu_count', gpu_count) $$;

-- The first five of these names, and how many there are besides.
CREATE OR REPLACE FUNCTION rcq_private.names_text(names text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.array_to_string(names[1:5], ', ') || CASE WHEN pg_catalog.cardinality(names) > 5 THEN pg_catalog.format(' and %s more', pg_catalog.cardinality(names) - 5) ELSE '' END $$;

-- What is so

-- Seconds that the job is planned to take: what it states, else the default.
CREATE OR REPLACE FUNCTION rcq_private.plan_seconds(planned_s integer, group_id integer) RETURNS double precision
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(planned_s, (SELECT pg_catalog.date_part('epoch', g.default_estimate) FROM rcq_private.groups g WHERE g.id = group_id),
                    rcq_private.setting_text('default_estimate')::double precision) $$;

-- Placed and running jobs with what they were granted. Joined row by row, because the live table is as long as the queue.
CREATE OR REPLACE FUNCTION rcq_private.placed_runs(OUT job_id bigint, OUT executor_id integer, OUT user_id integer, OUT group_id integer, OUT concurrency_key text, OUT consumables jsonb,
    OUT cpu_cores integer, OUT memory_mib integer, OUT gpu_count integer, OUT claimed_at timestamptz, OUT ends_at timestamptz) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH d AS MATERIALIZED (SELECT pg_catalog.clock_timestamp() AS now_, rcq_private.setting_text('default_estimate')::double precision AS estimate_s)
    SELECT l.job_id, l.executor_id, l.user_id, l.group_id, l.concurrency_key, l.consumables, COALESCE(l.granted_cores, l.cpu_cores),
           COALESCE(l.granted_memory_mib, l.memory_mib), COALESCE(l.granted_gpus, l.gpu_count), l.claimed_at,
           GREATEST(COALESCE(l.claimed_at, l.placed_at) + pg_catalog.make_interval(secs => COALESCE(l.planned_s, pg_catalog.date_part('epoch', g.default_estimate), d.estimate_s)), d.now_)
      FROM d, rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token JOIN rcq_private.groups g ON g.id = l.group_id
     WHERE c.kind = 'start' $$;

-- The cores that a job is placed with: of a moldable one as many as can be had on some executor.
CREATE OR REPLACE FUNCTION rcq_private.wanted_cores(l rcq_private.live) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(pg_catalog.max(LEAST(l.cpu_cores, e.cpu_cores)), l.cpu_cores) FROM rcq_private.executor e
     WHERE l.cpu_cores_min IS NOT NULL AND e.cpu_cores >= l.cpu_cores_min AND e.memory_mib >= l.memory_mib AND e.gpu_count >= l.gpu_count AND e.features @> COALESCE(l.features, '{}')
       AND (l.gpu_type IS NULL OR e.gpu_type = ANY (pg_catalog.string_to_array(l.gpu_type, '|'))) AND rcq_private.constraint_accepts(l.constraints, e.features) $$;

-- The job with the cores that it would be placed with, and with a plan where it states none.
CREATE OR REPLACE FUNCTION rcq_private.as_planned(l rcq_private.live) RETURNS rcq_private.live
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    l.cpu_cores := rcq_private.wanted_cores(l);
    l.planned_s := rcq_private.plan_seconds(l.planned_s, l.group_id);
    RETURN l;
END $$;

-- What the job asks for besides a size, word by word.
CREATE OR REPLACE FUNCTION rcq_private.requirements(l rcq_private.live, OUT word text, OUT phrase text, OUT field text, OUT value jsonb) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'feature ' || f, 'the feature ' || f, 'features', pg_catalog.to_jsonb(f) FROM unnest(l.features) f
    UNION ALL SELECT 'constraints', 'the constraint ' || l.constraints, 'constraints', pg_catalog.to_jsonb(l.constraints) WHERE l.constraints IS NOT NULL
    UNION ALL SELECT 'gpu_type', 'the GPU type ' || l.gpu_type, 'gpu_type', pg_catalog.to_jsonb(l.gpu_type) WHERE l.gpu_type IS NOT NULL
    UNION ALL SELECT 'consumable ' || c.name, pg_catalog.format('%s of the consumable %s', c.amount, c.name), 'consumables', pg_catalog.jsonb_build_object(c.name, c.amount::bigint)
      FROM pg_catalog.jsonb_each_text(l.consumables) AS c(name, amount)
    UNION ALL SELECT 'exclusive', 'exclusive use', 'exclusive', 'true' WHERE l.exclusive $$;

-- Every executor that has ever registered, as it is for this job.
CREATE OR REPLACE FUNCTION rcq_private.executor_verdicts(l rcq_private.live) RETURNS SETOF rcq_private.executor_verdict
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    WITH used AS MATERIALIZED (
        SELECT r.executor_id, pg_catalog.count(*) AS runs, pg_catalog.sum(r.cpu_cores) AS cores, pg_catalog.sum(r.memory_mib) AS mib, pg_catalog.sum(r.gpu_count) AS gpus FROM rcq_private.placed_runs() r GROUP BY r.executor_id
    ), stock AS MATERIALIZED ( -- the consumables it asks for that are not the whole cluster's
        SELECT 'consumable ' || c.name AS word, c.name, c.amount::bigint AS amount FROM pg_catalog.jsonb_each_text(l.consumables) AS c(name, amount)
         WHERE NOT EXISTS (SELECT FROM rcq_private.consumable k WHERE k.executor_id = 0 AND k.name = c.name)
    ), host AS (
        SELECT e.*, COALESCE(u.runs, 0) AS runs, e.cpu_cores - COALESCE(u.cores, 0) AS free_cores, e.memory_mib - COALESCE(u.mib, 0) AS free_mib, e.gpu_count - COALESCE(u.gpus, 0) AS free_gpus,
               s.seen IS NOT NULL AND NOT e.signed_off AND s.seen >= n.now_ - pg_catalog.make_interval(secs => n.lease_s) AS online, n.now_
          FROM (SELECT pg_catalog.clock_timestamp() AS now_, rcq_private.setting_text('lease')::double precision AS lease_s) n,
               rcq_private.executor e LEFT JOIN used u ON u.executor_id = e.id, rcq_private.executor_seen(e.id) s(seen)
         WHERE e.cpu_cores IS NOT NULL
    )
    SELECT h.id, h.name, CASE WHEN NOT h.online THEN 'offline' WHEN h.drained IS NOT NULL OR h.leaving IS NOT NULL THEN 'draining' ELSE 'ready' END, COALESCE(h.drained, h.leaving),
           h.runs, h.cpu_cores, h.memory_mib, h.gpu_count, h.free_cores, h.free_mib, h.free_gpus,
           pg_catalog.array_remove(ARRAY[CASE WHEN h.cpu_cores < l.cpu_cores THEN 'cpu_cores' END, CASE WHEN h.memory_mib < l.memory_mib THEN 'memory_gb' END,
                   CASE WHEN h.gpu_count < l.gpu_count THEN 'gpu_count' END, CASE WHEN NOT h.gpu_type = ANY (pg_catalog.string_to_array(l.gpu_type, '|')) OR (l.gpu_type IS NOT NULL AND h.gpu_type IS NULL) THEN 'gpu_type' END,
                   CASE WHEN NOT rcq_private.constraint_accepts(l.constraints, h.features) THEN 'constraints' END], NULL)
               || ARRAY(SELECT 'feature ' || f FROM unnest(l.features) f WHERE f <> ALL (h.features))
               || ARRAY(SELECT s.word FROM stock s LEFT JOIN rcq_private.consumable k ON k.executor_id = h.id AND k.name = s.name WHERE COALESCE(k.total, 0) < s.amount),
           pg_catalog.array_remove(ARRAY[CASE WHEN h.free_cores < l.cpu_cores THEN 'cpu_cores' END, CASE WHEN h.free_mib < l.memory_mib THEN 'memory_gb' END,
                   CASE WHEN h.free_gpus < l.gpu_count THEN 'gpu_count' END, CASE WHEN l.exclusive AND h.runs > 0 THEN 'exclusive' END], NULL)
               || ARRAY(SELECT s.word FROM stock s LEFT JOIN rcq_private.consumable k ON k.executor_id = h.id AND k.name = s.name
                         WHERE COALESCE(k.total, 0) - rcq_private.consumable_use(h.id, s.name) < s.amount),
           w.starts_at, w.ends_at, rcq_private.group_name(w.group_id), w.reason
      FROM host h LEFT JOIN LATERAL (
           SELECT r.* FROM rcq_private.reservation r
            WHERE (r.executor_id IS NULL OR r.executor_id = h.id) AND r.group_id IS DISTINCT FROM l.group_id AND r.ends_at > h.now_ AND r.starts_at < h.now_ + pg_catalog.make_interval(secs => l.planned_s)
            ORDER BY r.starts_at LIMIT 1) w ON true
     ORDER BY h.name $$;

-- Billed hours of a group in the usage window, and what its placed jobs are still planned to use.
CREATE OR REPLACE FUNCTION rcq_private.group_hours(of_group integer, OUT used double precision, OUT planned double precision)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH w AS MATERIALIZED (
        SELECT u.*, rcq_private.setting_text('billing_cpu_hour')::double precision AS cpu, rcq_private.setting_text('billing_gb_hour')::double precision AS gb,
               rcq_private.setting_text('billing_gpu_hour')::double precision AS gpu FROM rcq_private.usage_window() u
    ), run AS MATERIALIZED (
        SELECT r.claimed_at, GREATEST(pg_catalog.date_part('epoch', r.ends_at - COALESCE(r.claimed_at, w.now_)), 0) AS whole_s, GREATEST(pg_catalog.date_part('epoch', w.now_ - r.claimed_at), 0) AS ran_s,
               r.cpu_cores * w.cpu + r.memory_mib / 1024.0 * w.gb + r.gpu_count * COALESCE(b.per_hour, w.gpu) AS rate
          FROM w, rcq_private.placed_runs() r JOIN rcq_private.executor e ON e.id = r.executor_id LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = e.gpu_type WHERE r.group_id = of_group
    )
    SELECT (COALESCE((SELECT pg_catalog.sum((s.core_seconds * w.cpu + s.gb_seconds * w.gb + s.gpu_seconds * COALESCE(b.per_hour, w.gpu))
                                 * rcq_private.window_weight(COALESCE(s.since, s.at), s.at, w.now_, w.begins, w.half_life_s))
                        FROM rcq_private.usage s LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = s.gpu_type WHERE s.group_id = of_group AND s.at > w.begins), 0)
            + COALESCE((SELECT pg_catalog.sum(r.rate * r.ran_s * rcq_private.window_weight(r.claimed_at, w.now_, w.now_, w.begins, w.half_life_s)) FROM run r WHERE r.ran_s > 0), 0)) / 3600,
           COALESCE((SELECT pg_catalog.sum(r.rate * GREATEST(r.whole_s - COALESCE(r.ran_s, 0), 0)) FROM run r), 0) / 3600
      FROM w $$;

-- Billed hours that one hour of the job costs its group.
CREATE OR REPLACE FUNCTION rcq_private.billed_rate(l rcq_private.live) RETURNS double precision
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT l.cpu_cores * rcq_private.setting_text('billing_cpu_hour')::double precision + l.memory_mib / 1024.0 * rcq_private.setting_text('billing_gb_hour')::double precision
           + l.gpu_count * COALESCE((SELECT b.per_hour FROM rcq_private.gpu_billing b WHERE b.gpu_type = l.gpu_type), rcq_private.setting_text('billing_gpu_hour')::double precision) $$;

-- When so many billed hours of a group will have left the usage window, if nothing is added; NULL: not by time alone.
CREATE OR REPLACE FUNCTION rcq_private.usage_leaves(of_group integer, hours double precision, used double precision) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE k.kind
        WHEN 'month' THEN CASE WHEN hours <= used THEN (pg_catalog.date_trunc('month', pg_catalog.clock_timestamp() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC' END
        WHEN 'half_life' THEN CASE WHEN hours < used THEN pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => rcq_private.setting_text('fairshare_half_life')::double precision
                                                                                                                   * pg_catalog.ln(used / (used - hours)) / pg_catalog.ln(2::double precision)) END
        ELSE (SELECT pg_catalog.min(s.at) + pg_catalog.make_interval(secs => rcq_private.setting_text('fairshare_window_length')::double precision)
                FROM (SELECT s.at, pg_catalog.sum(s.core_seconds * c.cpu + s.gb_seconds * c.gb + s.gpu_seconds * COALESCE(b.per_hour, c.gpu)) OVER (ORDER BY s.at, s.ctid) / 3600 AS gone
                        FROM rcq_private.usage s LEFT JOIN rcq_private.gpu_billing b ON b.gpu_type = s.gpu_type,
                             (SELECT rcq_private.setting_text('billing_cpu_hour')::double precision AS cpu, rcq_private.setting_text('billing_gb_hour')::double precision AS gb,
                                     rcq_private.setting_text('billing_gpu_hour')::double precision AS gpu) c
                       WHERE s.group_id = of_group AND s.at > (SELECT w.begins FROM rcq_private.usage_window() w)) s
               WHERE s.gone >= hours) END
      FROM (SELECT rcq_private.setting_text('fairshare_window') AS kind) k $$;

-- When enough of one executor in service is free by the plans of what runs there, others left aside; NULL: not foreseeable.
CREATE OR REPLACE FUNCTION rcq_private.free_by_plan(l rcq_private.live, v rcq_private.executor_verdict[]) RETURNS timestamptz
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.min(x.ends_at)
      FROM (SELECT r.ends_at, e.free_cores + pg_catalog.sum(r.cpu_cores) OVER w >= l.cpu_cores AND e.free_memory_mib + pg_catalog.sum(r.memory_mib) OVER w >= l.memory_mib
                   AND e.free_gpus + pg_catalog.sum(r.gpu_count) OVER w >= l.gpu_count AND (NOT l.exclusive OR pg_catalog.count(*) OVER w = e.runs) AS fits
              FROM unnest(v) e JOIN rcq_private.placed_runs() r ON r.executor_id = e.executor_id
             WHERE e.status = 'ready' AND e.lacks = '{}' AND e.closed_from IS NULL
            WINDOW w AS (PARTITION BY r.executor_id ORDER BY r.ends_at, r.job_id ROWS UNBOUNDED PRECEDING)) x
     WHERE x.fits $$;

-- The published rank, with what each of its jobs has; joined row by row, as placed_runs().
CREATE OR REPLACE FUNCTION rcq_private.ranked_jobs(OUT "position" bigint, OUT job_id bigint, OUT user_id integer, OUT group_id integer, OUT priority integer, OUT cpu_cores integer, OUT memory_mib integer,
    OUT gpu_count integer, OUT final_priority double precision, OUT expected_start timestamptz) RETURNS SETOF record
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT k."position", l.job_id, l.user_id, l.group_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, p.final_priority, p.expected_start
      FROM rcq_private.published_plan() q, unnest(q.ranked) WITH ORDINALITY k(job_id, "position") JOIN rcq_private.live l ON l.job_id = k.job_id AND l.placed_at IS NULL,
           LATERAL rcq_private.pending_state(l.job_id, l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at, l.cpu_cores_min, l.gpu_type,
               l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key) p $$;
-- Why a job does not start: everything that stands against it at once, in sentences for people and in numbers for
-- programs. One analysis over a row of `live`, which for a job that was not submitted yet is made up and never stored.

-- What no free capacity would help against: held, begin time, no scheduler, pauses, limits, a hard quota.
CREATE OR REPLACE FUNCTION rcq_private.explain_gates(l rcq_private.live) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    g rcq_private.groups;
    u rcq_private.users;
    s record;
    held record;
    hours record;
    needed double precision;
    room double precision;
    frees timestamptz;
BEGIN
    SELECT * INTO STRICT g FROM rcq_private.groups WHERE id = l.group_id;
    SELECT * INTO STRICT u FROM rcq_private.users WHERE id = l.user_id;
    IF l.held THEN
        RETURN NEXT rcq_private.found('blocker', 'held', 'It is held, and waits until it is released.', '{}');
        RETURN NEXT rcq_private.found('change', 'release', CASE WHEN l.job_id IS NULL THEN 'Submit it without hold.' ELSE pg_catalog.format('Release it: SELECT rcq.release(%s).', l.job_id) END,
                     pg_catalog.jsonb_build_object('call', 'SELECT rcq.release(' || l.job_id || ')'));
    END IF;
    IF l.eligible_at > pg_catalog.clock_timestamp() THEN
        RETURN NEXT rcq_private.found('blocker', 'begin_time', pg_catalog.format('It may not start before %s.', rcq_private.time_text(l.eligible_at)), pg_catalog.jsonb_build_object('eligible_at', l.eligible_at));
    END IF;
    SELECT * INTO s FROM rcq_private.scheduler_state();
    IF s.state <> 'running' THEN
        RETURN NEXT rcq_private.found('blocker', 'scheduler', pg_catalog.format('The scheduler of this database places nothing now: %s%s.', s.state, ', ' || s.last_error),
                     pg_catalog.jsonb_build_object('state', s.state, 'last_error', s.last_error));
    END IF;
    FOR s IN SELECT p.reason, p.since, p.by AS who FROM rcq_private.paused p LOOP
        RETURN NEXT rcq_private.found('blocker', 'paused', pg_catalog.format('The whole cluster is paused since %s: %s.', rcq_private.time_text(s.since), s.reason),
                     pg_catalog.jsonb_build_object('scope', 'cluster', 'reason', s.reason, 'since', s.since, 'by', s.who));
        RETURN NEXT rcq_private.found('change', 'resume', 'Wait for the end of the pause, or ask an administrator for it: SELECT rcq.resume().', pg_catalog.jsonb_build_object('call', 'SELECT rcq.resume()'));
    END LOOP;
    IF g.paused IS NOT NULL THEN
        RETURN NEXT rcq_private.found('blocker', 'paused', pg_catalog.format('Group %s is paused: %s.', g.name, g.paused), pg_catalog.jsonb_build_object('scope', 'group', 'name', g.name, 'reason', g.paused));
        RETURN NEXT rcq_private.found('change', 'resume', pg_catalog.format('Wait for the end of the pause, or ask an administrator for it: SELECT rcq.resume(%L).', g.name),
                     pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.resume(%L)', g.name)));
    END IF;

    SELECT pg_catalog.count(*) AS jobs, pg_catalog.count(*) FILTER (WHERE r.group_id = g.id) AS group_jobs, pg_catalog.count(*) FILTER (WHERE r.user_id = u.id) AS user_jobs,
           pg_catalog.count(*) FILTER (WHERE r.concurrency_key = l.concurrency_key) AS key_jobs,
           COALESCE(pg_catalog.sum(r.cpu_cores) FILTER (WHERE r.group_id = g.id), 0) AS group_cores, COALESCE(pg_catalog.sum(r.gpu_count) FILTER (WHERE r.group_id = g.id), 0) AS group_gpus,
           COALESCE(pg_catalog.sum(r.cpu_cores) FILTER (WHERE r.user_id = u.id), 0) AS user_cores, COALESCE(pg_catalog.sum(r.gpu_count) FILTER (WHERE r.user_id = u.id), 0) AS user_gpus
      INTO held FROM rcq_private.placed_runs() r;
    FOR s IN
        SELECT x.*, x.scope || COALESCE(' ' || x.name, '') AS whose, x.used + x.needed AS enough
          FROM (VALUES ('user', COALESCE(u.role_name, u.email), 'max_jobs', COALESCE(u.max_jobs, NULLIF(rcq_private.setting_text('max_jobs_per_user')::integer, 0)), held.user_jobs, 1,
                         CASE WHEN u.max_jobs IS NULL THEN 'rcq.set(''max_jobs_per_user'', %2$L)' ELSE 'rcq.set_user(%1$L, max_jobs => %2$s)' END, NULL),
                       ('user', COALESCE(u.role_name, u.email), 'max_cores', u.max_cores, held.user_cores, l.cpu_cores, 'rcq.set_user(%1$L, max_cores => %2$s)', 'cpu_cores'),
                       ('user', COALESCE(u.role_name, u.email), 'max_gpus', u.max_gpus, held.user_gpus, l.gpu_count, 'rcq.set_user(%1$L, max_gpus => %2$s)', 'gpu_count'),
                       ('group', g.name, 'max_jobs', COALESCE(g.max_jobs, NULLIF(rcq_private.setting_text('max_jobs_per_group')::integer, 0)), held.group_jobs, 1,
                         CASE WHEN g.max_jobs IS NULL THEN 'rcq.set(''max_jobs_per_group'', %2$L)' ELSE 'rcq.set_group(%1$L, max_jobs => %2$s)' END, NULL),
                       ('group', g.name, 'max_cores', g.max_cores, held.group_cores, l.cpu_cores, 'rcq.set_group(%1$L, max_cores => %2$s)', 'cpu_cores'),
                       ('group', g.name, 'max_gpus', g.max_gpus, held.group_gpus, l.gpu_count, 'rcq.set_group(%1$L, max_gpus => %2$s)', 'gpu_count'),
                       ('key', l.concurrency_key, 'max_jobs', (SELECT c.max_jobs FROM rcq_private.concurrency_limit c WHERE c.key = l.concurrency_key), held.key_jobs, 1, 'rcq.set_concurrency_limit(%1$L, %2$s)', NULL),
                       ('cluster', NULL, 'max_concurrent_jobs', NULLIF(rcq_private.setting_text('max_concurrent_jobs')::integer, 0), held.jobs, 1, 'rcq.set(''max_concurrent_jobs'', %2$L)', NULL))
               x(scope, name, limit_name, value, used, needed, call, field)
         WHERE x.used + x.needed > x.value LOOP
        RETURN NEXT rcq_private.found('blocker', 'limit', CASE WHEN s.needed > s.value THEN pg_catalog.format('It needs %s, and %s of %s is %s: it never starts under this limit.', s.needed, s.limit_name, s.whose, s.value)
                ELSE pg_catalog.format('It needs %s more, and of %s of %s %s of %s are in use.', s.needed, s.limit_name, s.whose, s.used, s.value) END,
            pg_catalog.jsonb_build_object('scope', s.scope, 'name', s.name, 'limit', s.limit_name, 'value', s.value, 'used', s.used, 'needed', s.needed));
        IF s.field IS NOT NULL AND s.value > s.used THEN
            RETURN NEXT rcq_private.found('change', 'smaller', pg_catalog.format('With %s = %s instead of %s it would stay within %s of %s.', s.field, s.value - s.used, s.needed, s.limit_name, s.whose),
                         pg_catalog.jsonb_build_object(s.field, s.value - s.used));
        END IF;
        RETURN NEXT rcq_private.found('change', 'raise_limit', pg_catalog.format('Ask an administrator to raise %s of %s (%s of %s in use): SELECT %s.', s.limit_name, s.whose, s.used, s.value, pg_catalog.format(s.call, s.name, s.enough)),
                     pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT ' || s.call, s.name, s.enough)));
    END LOOP;

    IF g.quota_mode = 'hard' AND g.quota_cpu_hours IS NOT NULL THEN
        SELECT * INTO hours FROM rcq_private.group_hours(g.id);
        needed := rcq_private.billed_rate(l) * l.planned_s / 3600;
        room := g.quota_cpu_hours - hours.used - hours.planned;
        IF needed > room THEN
            frees := rcq_private.usage_leaves(g.id, needed - room, hours.used);
            RETURN NEXT rcq_private.found('blocker', 'quota', pg_catalog.format('It is planned to use %s billed hours; the hard quota of group %s is %s, of which %s are used and %s planned.%s', pg_catalog.round(needed::numeric, 2), g.name,
                    g.quota_cpu_hours, pg_catalog.round(hours.used::numeric, 2), pg_catalog.round(hours.planned::numeric, 2),
                    CASE WHEN needed > g.quota_cpu_hours THEN ' It is more than the whole quota.' ELSE ' Enough of it is free again about ' || rcq_private.time_text(frees) || '.' END),
                pg_catalog.jsonb_build_object('scope', 'group', 'name', g.name, 'quota', g.quota_cpu_hours, 'used', pg_catalog.round(hours.used::numeric, 4), 'planned', pg_catalog.round(hours.planned::numeric, 4),
                    'needed', pg_catalog.round(needed::numeric, 4), 'frees_at', CASE WHEN needed <= g.quota_cpu_hours THEN frees END));
            IF room > 0 AND l.planned_s * room / needed >= 1 THEN
                RETURN NEXT rcq_private.found('change', 'shorter', pg_catalog.format('With a planned time of at most %s instead of %s it would stay within the quota.', rcq_private.duration_text(pg_catalog.floor(l.planned_s * room / needed)),
                        rcq_private.duration_text(l.planned_s)), pg_catalog.jsonb_build_object('planned_s', pg_catalog.floor(l.planned_s * room / needed), 'instead_of_s', l.planned_s));
            END IF;
            RETURN NEXT rcq_private.found('change', 'raise_quota', pg_catalog.format('Ask an administrator to raise the quota: SELECT rcq.set_group(%L, quota_cpu_hours => %s).', g.name, pg_catalog.ceil(g.quota_cpu_hours + needed - room)),
                         pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.set_group(%L, quota_cpu_hours => %s)', g.name, pg_catalog.ceil(g.quota_cpu_hours + needed - room))));
        END IF;
    END IF;
END $$;

-- Capacity: what no executor has, what none has free, what reservations and promises keep; and the least that would have
-- to be otherwise. `blocked`: something else keeps the job from starting already. `said`: the scheduler's last reason.
CREATE OR REPLACE FUNCTION rcq_private.explain_capacity(l rcq_private.live, v rcq_private.executor_verdict[], blocked boolean, said text) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n record;
    r record;
    best record;
    needed CONSTANT text := rcq_private.size_text(l.cpu_cores, l.memory_mib, l.gpu_count);
    needs CONSTANT jsonb := rcq_private.size_data(l.cpu_cores, l.memory_mib, l.gpu_count);
    sizes CONSTANT text[] := '{cpu_cores,memory_gb,gpu_count}';
    shortest double precision;
    clear boolean := true;
BEGIN
    SELECT pg_catalog.count(*) AS total, pg_catalog.count(*) FILTER (WHERE e.lacks = '{}') AS capable,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready'), '{}') AS ready,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'offline'), '{}') AS offline,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'draining'), '{}') AS draining,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready' AND e.closed_from IS NOT NULL), '{}') AS closed,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NULL), '{}') AS fits,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NOT NULL), '{}') AS fits_closed,
           pg_catalog.max(e.cpu_cores) AS most_cores, pg_catalog.max(e.memory_mib) AS most_mib, pg_catalog.max(e.gpu_count) AS most_gpus
      INTO n FROM unnest(v) e;

    FOR r IN
        SELECT k.name, k.total, c.amount::bigint AS amount, k.total - rcq_private.consumable_use(0, k.name) AS free
          FROM pg_catalog.jsonb_each_text(l.consumables) AS c(name, amount) JOIN rcq_private.consumable k ON k.executor_id = 0 AND k.name = c.name
         ORDER BY k.name LOOP
        IF r.free >= r.amount THEN CONTINUE; END IF;
        clear := false;
        SELECT pg_catalog.jsonb_object_agg(h.name, h.amount) AS by_group, pg_catalog.string_agg(h.amount || ' by group ' || h.name, ', ' ORDER BY h.name) AS words INTO best
          FROM (SELECT rcq_private.group_name(x.group_id) AS name, pg_catalog.sum((x.consumables ->> r.name)::bigint) AS amount FROM rcq_private.placed_runs() x WHERE x.consumables ? r.name GROUP BY 1) h;
        RETURN NEXT rcq_private.found('blocker', CASE WHEN r.total < r.amount THEN 'never_fits' ELSE 'consumable' END,
            CASE WHEN r.total < r.amount THEN pg_catalog.format('It needs %s of the consumable %s, and the cluster has %s in all.', r.amount, r.name, r.total)
                 ELSE pg_catalog.format('It needs %s of the consumable %s, and %s of %s are free; the others are held: %s.', r.amount, r.name, r.free, r.total, best.words) END,
            pg_catalog.jsonb_build_object('consumable', r.name, 'needed', r.amount, 'free', r.free, 'total', r.total, 'held_by_group', best.by_group));
        IF r.free > 0 THEN
            RETURN NEXT rcq_private.found('change', 'smaller', pg_catalog.format('%s instead of %s of the consumable %s are free now.', r.free, r.amount, r.name), pg_catalog.jsonb_build_object('consumables', pg_catalog.jsonb_build_object(r.name, r.free)));
        END IF;
    END LOOP;

    IF n.total = 0 THEN
        RETURN NEXT rcq_private.found('blocker', 'no_executor', 'No executor has registered yet.', '{"executors": 0}');
        RETURN;
    ELSIF n.capable = 0 THEN
        SELECT pg_catalog.jsonb_object_agg(w.word, w.offers) AS offers, pg_catalog.string_agg(pg_catalog.format('%s: %s', w.phrase, w.offers), ', ' ORDER BY w.offers, w.word) AS words INTO r
          FROM (SELECT q.word, q.phrase, (SELECT pg_catalog.count(*) FROM unnest(v) e WHERE q.word <> ALL (e.lacks)) AS offers
                  FROM (VALUES ('cpu_cores', pg_catalog.format('%s core%s', l.cpu_cores, CASE WHEN l.cpu_cores <> 1 THEN 's' END)), ('memory_gb', pg_catalog.format('%s GB of memory', rcq_private.memory_gb(l.memory_mib))),
                               ('gpu_count', pg_catalog.format('%s GPU%s', l.gpu_count, CASE WHEN l.gpu_count <> 1 THEN 's' END))
                        UNION ALL SELECT w.word, w.phrase FROM rcq_private.requirements(l) w) q(word, phrase)) w
         WHERE w.offers < n.total;
        RETURN NEXT rcq_private.found('blocker', 'never_fits', pg_catalog.format('No executor could hold it even when empty. Of %s in all, so many have what it asks for: %s. The most that one has is %s.', n.total, r.words, rcq_private.size_text(n.most_cores, n.most_mib, n.most_gpus)),
            pg_catalog.jsonb_build_object('needed', needs, 'executors', n.total, 'offers', r.offers, 'largest', rcq_private.size_data(n.most_cores, n.most_mib, n.most_gpus)));
    ELSIF n.ready = '{}' THEN
        IF n.offline <> '{}' THEN
            RETURN NEXT rcq_private.found('blocker', 'no_executor', pg_catalog.format('Executors that could hold it but are offline: %s.', rcq_private.names_text(n.offline)),
                pg_catalog.jsonb_build_object('needed', needs, 'could_hold', n.capable, 'offline', n.offline));
        END IF;
        IF n.draining <> '{}' THEN
            RETURN NEXT rcq_private.found('blocker', 'drained', pg_catalog.format('Executors that could hold it but take nothing new, because they are being drained: %s.', rcq_private.names_text(n.draining)),
                pg_catalog.jsonb_build_object('needed', needs, 'could_hold', n.capable, 'draining', n.draining,
                    'reasons', (SELECT pg_catalog.jsonb_object_agg(e.name, e.why) FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'draining')));
            RETURN NEXT rcq_private.found('change', 'resume', pg_catalog.format('Ask an administrator to let an executor take jobs again: SELECT rcq.resume_executor(%L).', n.draining[1]),
                pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.resume_executor(%L)', n.draining[1])));
        END IF;
    ELSIF n.fits = '{}' THEN
        IF n.fits_closed <> '{}' OR n.closed = n.ready THEN
            SELECT e.* INTO best FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'ready' AND e.closed_from IS NOT NULL ORDER BY (e.short = '{}') DESC, e.closed_from DESC, e.name LIMIT 1;
            RETURN NEXT rcq_private.found('blocker', 'maintenance', pg_catalog.format('Planned to take %s, it would run into a time that is reserved for %s, from %s to %s%s; executors: %s.', rcq_private.duration_text(l.planned_s),
                    COALESCE('group ' || best.closed_for, 'maintenance'), rcq_private.time_text(best.closed_from), rcq_private.time_text(best.closed_until), ' (' || best.closed_why || ')', rcq_private.names_text(n.closed)),
                pg_catalog.jsonb_build_object('planned_s', l.planned_s, 'executor', best.name, 'starts_at', best.closed_from, 'ends_at', best.closed_until, 'group', best.closed_for, 'why', best.closed_why, 'executors', n.closed));
            IF best.short = '{}' AND best.closed_from > pg_catalog.clock_timestamp() + interval '1 minute' THEN
                shortest := (pg_catalog.floor(pg_catalog.date_part('epoch', best.closed_from - pg_catalog.clock_timestamp()) / 60) * 60);
                RETURN NEXT rcq_private.found('change', 'shorter', pg_catalog.format('With a planned time (estimated_hours, else time_limit) of at most %s instead of %s it would start on executor %s before %s.',
                        rcq_private.duration_text(shortest), rcq_private.duration_text(l.planned_s), best.name, rcq_private.time_text(best.closed_from)),
                    pg_catalog.jsonb_build_object('planned_s', shortest, 'instead_of_s', l.planned_s, 'executor', best.name));
            END IF;
        END IF;
        SELECT e.* INTO best FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'ready' AND (e.closed_from IS NULL OR n.closed = n.ready) AND e.short <> '{}'
         ORDER BY GREATEST(l.cpu_cores - e.free_cores, 0) / l.cpu_cores::numeric + GREATEST(l.memory_mib - e.free_memory_mib, 0) / l.memory_mib::numeric
                  + GREATEST(l.gpu_count - e.free_gpus, 0) / GREATEST(l.gpu_count, 1)::numeric, pg_catalog.cardinality(e.short), e.name LIMIT 1;
        IF FOUND THEN
            RETURN NEXT rcq_private.found('blocker', 'resources', pg_catalog.format('It needs %s%s%s. Executors that could hold it: %s in service%s%s%s. None has enough free now; the nearest is %s with %s free of %s, too little of: %s.',
                    needed, CASE WHEN l.exclusive THEN ' and the executor alone' END, (SELECT pg_catalog.string_agg(' and ' || w.phrase, '') FROM rcq_private.requirements(l) w WHERE w.field <> 'exclusive'),
                    pg_catalog.cardinality(n.ready), ', ' || NULLIF(pg_catalog.cardinality(n.offline), 0) || ' offline', ', ' || NULLIF(pg_catalog.cardinality(n.draining), 0) || ' being drained',
                    ', ' || NULLIF(pg_catalog.cardinality(n.closed), 0) || ' kept by reservations', best.name,
                    rcq_private.size_text(GREATEST(best.free_cores, 0), GREATEST(best.free_memory_mib, 0), GREATEST(best.free_gpus, 0)), rcq_private.size_text(best.cpu_cores, best.memory_mib, best.gpu_count),
                    pg_catalog.array_to_string(best.short, ', ')),
                pg_catalog.jsonb_build_object('needed', needs, 'could_hold', n.capable, 'in_service', pg_catalog.cardinality(n.ready), 'offline', n.offline, 'draining', n.draining, 'reserved', n.closed,
                    'best', pg_catalog.jsonb_build_object('executor', best.name, 'free', rcq_private.size_data(GREATEST(best.free_cores, 0), GREATEST(best.free_memory_mib, 0), GREATEST(best.free_gpus, 0)),
                        'total', rcq_private.size_data(best.cpu_cores, best.memory_mib, best.gpu_count), 'short', best.short, 'runs', best.runs)));
        END IF;
    ELSIF clear AND NOT blocked AND said IS NOT NULL THEN
        SELECT x.name, pg_catalog.min(x.starts) AS starts INTO best
          FROM (SELECT e.name, p.starts FROM rcq_private.published_plan() q, unnest(q.reserved_jobs, q.reserved_executors, q.reserved_starts) AS p(job_id, executor_id, starts)
                  JOIN unnest(v) e ON e.executor_id = p.executor_id WHERE e.name = ANY (n.fits) AND p.job_id <> l.job_id AND p.starts > pg_catalog.clock_timestamp()) x
         GROUP BY x.name ORDER BY 2 DESC, 1 LIMIT 1;
        IF said = 'reserved' THEN
            RETURN NEXT rcq_private.found('blocker', 'reserved', pg_catalog.format('It would fit now (%s), but the room is promised to jobs before it, and, planned to take %s, it would delay one of them%s.', rcq_private.names_text(n.fits),
                    rcq_private.duration_text(l.planned_s), ' (on ' || best.name || ' from ' || rcq_private.time_text(best.starts) || ')'),
                pg_catalog.jsonb_build_object('fits', n.fits, 'planned_s', l.planned_s, 'promised_on', best.name, 'promised_from', best.starts));
            IF best.starts > pg_catalog.clock_timestamp() + interval '1 minute' THEN
                shortest := (pg_catalog.floor(pg_catalog.date_part('epoch', best.starts - pg_catalog.clock_timestamp()) / 60) * 60);
                RETURN NEXT rcq_private.found('change', 'shorter', pg_catalog.format('With a planned time (estimated_hours, else time_limit) of at most %s instead of %s it could start on executor %s before that.',
                        rcq_private.duration_text(shortest), rcq_private.duration_text(l.planned_s), best.name),
                    pg_catalog.jsonb_build_object('planned_s', shortest, 'instead_of_s', l.planned_s, 'executor', best.name));
            END IF;
        ELSIF said IN ('priority', 'resources') THEN
            RETURN NEXT rcq_private.found('blocker', 'priority', pg_catalog.format('It fits now (%s) and waits for its turn: jobs before it go first, or the scheduler has not come to it yet.', rcq_private.names_text(n.fits)),
                pg_catalog.jsonb_build_object('fits', n.fits));
        ELSE
            RETURN NEXT rcq_private.found('blocker', said, pg_catalog.format('The scheduler last named this reason: %s. What it goes by has changed since, or was corrected by it, as the planned time of people whose jobs run longer than they say.', said),
                pg_catalog.jsonb_build_object('fits', n.fits));
        END IF;
    END IF;

    IF n.fits <> '{}' THEN RETURN; END IF;
    -- the executor that the job has to shrink least for: now, or if none could ever hold it, when empty
    SELECT e.name, n.capable = 0 AS empty, LEAST(l.cpu_cores, c.cores) AS cores, LEAST(l.memory_mib, c.mib) AS mib, LEAST(l.gpu_count, c.gpus) AS gpus INTO best
      FROM unnest(v) e, LATERAL (SELECT CASE WHEN n.capable = 0 THEN e.cpu_cores ELSE e.free_cores END, CASE WHEN n.capable = 0 THEN e.memory_mib ELSE e.free_memory_mib END,
                                        CASE WHEN n.capable = 0 THEN e.gpu_count ELSE e.free_gpus END) c(cores, mib, gpus)
     WHERE e.lacks <@ sizes AND (n.capable = 0 OR (e.status = 'ready' AND e.closed_from IS NULL AND e.short <@ sizes)) AND c.cores > 0 AND c.mib > 0 AND (l.gpu_count = 0 OR c.gpus > 0)
     ORDER BY GREATEST(l.cpu_cores - c.cores, 0) / l.cpu_cores::numeric + GREATEST(l.memory_mib - c.mib, 0) / l.memory_mib::numeric + GREATEST(l.gpu_count - c.gpus, 0) / GREATEST(l.gpu_count, 1)::numeric, e.name LIMIT 1;
    IF FOUND THEN
        RETURN NEXT rcq_private.found('change', 'smaller', pg_catalog.format('With %s instead of %s executor %s could hold it%s.', rcq_private.size_text(best.cores, best.mib, best.gpus), needed, best.name,
                CASE WHEN best.empty THEN ', when enough of it is free' ELSE ' now' END),
            rcq_private.size_data(best.cores, best.mib, best.gpus) || pg_catalog.jsonb_build_object('executor', best.name, 'now', NOT best.empty));
    END IF;
    -- each requirement that is the only thing in the way
    FOR r IN
        SELECT q.*, w.now_, w.ever FROM rcq_private.requirements(l) q,
               LATERAL (SELECT pg_catalog.array_agg(e.name) FILTER (WHERE e.status = 'ready' AND e.closed_from IS NULL AND e.short <@ ARRAY[q.word]) AS now_,
                               pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = ARRAY[q.word]) AS ever FROM unnest(v) e WHERE e.lacks <@ ARRAY[q.word]) w
         WHERE w.now_ IS NOT NULL OR (n.capable = 0 AND w.ever IS NOT NULL) ORDER BY w.now_ IS NULL, q.word LOOP
        RETURN NEXT rcq_private.found('change', 'without', CASE WHEN r.now_ IS NOT NULL THEN pg_catalog.format('Without %s it would fit now: %s.', r.phrase, rcq_private.names_text(r.now_))
                ELSE pg_catalog.format('Without %s executors could hold it when enough of them is free: %s.', r.phrase, rcq_private.names_text(r.ever)) END,
            pg_catalog.jsonb_build_object('field', r.field, 'value', r.value, 'executors', COALESCE(r.now_, r.ever), 'now', r.now_ IS NOT NULL));
    END LOOP;
END $$;

-- The place of the job in the queue, what it is made of, who is before it, when it is expected to start. Nothing is told
-- of the jobs of others but how many of each group there are. p: its pending_state; blockers: reasons that were found.
CREATE OR REPLACE FUNCTION rcq_private.explain_rank(l rcq_private.live, v rcq_private.executor_verdict[], p record, blockers text[]) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    policy CONSTANT text := rcq_private.setting_text('policy');
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    g rcq_private.groups;
    hours record;
    ranked record;
    ahead record;
    base integer;
    fair double precision;
    boost double precision;
    final double precision;
    place bigint := p."position";
    top integer;
    formula text;
    starts timestamptz;
    how text;
    fits_now CONSTANT boolean := EXISTS (SELECT FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NULL);
BEGIN
    SELECT * INTO STRICT g FROM rcq_private.groups WHERE id = l.group_id;
    base := COALESCE(p.base_priority, l.priority + g.priority);
    fair := p.fair_share;
    boost := p.wait_boost;
    final := p.final_priority;
    IF fair IS NULL AND policy = 'quota' THEN -- no such job waits: the group's own multiplier
        IF g.quota_cpu_hours IS NULL THEN
            fair := 1;
        ELSE
            SELECT h.used + CASE WHEN rcq_private.setting_text('count_planned_usage') = '1' THEN h.planned ELSE 0 END AS used INTO hours FROM rcq_private.group_hours(g.id) h;
            fair := CASE WHEN g.quota_cpu_hours = 0 THEN rcq_private.setting_text('fairshare_floor')::double precision
                         WHEN hours.used <= g.quota_cpu_hours / rcq_private.setting_text('fairshare_cap')::double precision THEN rcq_private.setting_text('fairshare_cap')::double precision
                         ELSE GREATEST(g.quota_cpu_hours / hours.used, rcq_private.setting_text('fairshare_floor')::double precision) END;
        END IF;
        boost := 1;
        final := base * fair * boost;
    END IF;
    IF l.job_id IS NULL THEN
        SELECT 1 + pg_catalog.count(*) FILTER (WHERE r.final_priority >= final OR final IS NULL) AS place INTO ranked FROM rcq_private.ranked_jobs() r;
        place := ranked.place;
    END IF;

    formula := CASE WHEN policy = 'fifo' THEN 'by the time of waiting alone' WHEN final IS NULL THEN NULL
        WHEN policy = 'quota' THEN pg_catalog.format('priority %s = base %s (job %s + group %s) x fair share %s x waiting %s', pg_catalog.round(final::numeric, 3), base, l.priority, base - l.priority,
                              pg_catalog.round(fair::numeric, 3), pg_catalog.round(boost::numeric, 4))
        ELSE pg_catalog.format('priority %s = %s x age %s + %s x fair share %s + %s x priority %s (job %s + group %s)%s', pg_catalog.round(final::numeric, 4), rcq_private.setting_text('weight_age'),
                 pg_catalog.round(boost::numeric, 4), rcq_private.setting_text('weight_fair_share'), pg_catalog.round(fair::numeric, 4), rcq_private.setting_text('weight_priority'), pg_catalog.round(base / 20.0, 3), l.priority, base - l.priority,
                 CASE WHEN rcq_private.setting_text('weight_size')::double precision > 0 THEN ' + ' || rcq_private.setting_text('weight_size') || ' x size' END) END;
    SELECT COALESCE(pg_catalog.jsonb_object_agg(x.name, x.jobs), '{}') AS by_group, pg_catalog.string_agg(pg_catalog.format('%s of group %s', x.jobs, x.name), ', ' ORDER BY x.jobs DESC, x.name) AS words,
           COALESCE(pg_catalog.sum(x.jobs), 0) AS jobs INTO ahead
      FROM (SELECT rcq_private.group_name(r.group_id) AS name, pg_catalog.count(*) AS jobs FROM rcq_private.ranked_jobs() r WHERE r."position" < place OR place IS NULL GROUP BY 1) x;
    SELECT s.pending AS total, COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', r.job_id, 'position', r."position", 'group', rcq_private.group_name(r.group_id), 'priority', r.priority,
               'final_priority', pg_catalog.round(r.final_priority::numeric, 3)) ORDER BY r."position")
               FROM (SELECT * FROM rcq_private.ranked_jobs() r WHERE (r."position" < place OR place IS NULL) AND (admin OR r.user_id = caller) ORDER BY r."position" LIMIT 5) r), '[]') AS jobs
      INTO ranked FROM rcq_private.scheduler_state() s;
    RETURN NEXT rcq_private.found('rank', policy,
        CASE WHEN l.held THEN 'While it is held it has no place in the queue' WHEN l.job_id IS NULL THEN pg_catalog.format('It would be about number %s of %s', place, ranked.total + 1)
             WHEN place IS NOT NULL THEN pg_catalog.format('It is number %s of %s in the queue', place, ranked.total)
             WHEN ahead.jobs >= 1000 THEN pg_catalog.format('It is behind the first %s of %s in the queue', ahead.jobs, ranked.total) ELSE 'It has no place in the queue yet' END
        || COALESCE(': ' || formula, '; the factors of its priority are not known yet') || '.'
        || CASE WHEN ahead.words IS NOT NULL AND NOT l.held AND (place > 1 OR ahead.jobs >= 1000) THEN pg_catalog.format(' Before it: %s.', ahead.words) ELSE '' END,
        pg_catalog.jsonb_build_object('position', CASE WHEN NOT l.held THEN place END, 'pending', ranked.total, 'base_priority', base, 'job_priority', l.priority, 'group_priority', base - l.priority,
            'fair_share', pg_catalog.round(fair::numeric, 4), 'wait_boost', pg_catalog.round(boost::numeric, 4), 'final_priority', pg_catalog.round(final::numeric, 4), 'formula', formula,
            'ahead_by_group', CASE WHEN NOT l.held AND (place IS NOT NULL OR ahead.jobs >= 1000) THEN ahead.by_group ELSE '{}' END, 'ahead', CASE WHEN NOT l.held AND (place IS NOT NULL OR ahead.jobs >= 1000) THEN ranked.jobs ELSE '[]' END));

    -- predicted start
    starts := p.expected_start;
    how := CASE WHEN p.approximate THEN 'approximate' ELSE 'exact' END;
    IF starts IS NULL AND p.reserved_start IS NOT NULL THEN
        starts := p.reserved_start;
        how := 'exact';
    ELSIF NOT blockers <@ '{resources,reserved,priority,consumable,maintenance}'::text[] THEN
        starts := NULL;
    ELSIF l.job_id IS NULL AND fits_now AND (place = 1 OR (SELECT q.reserved_jobs = '{}' FROM rcq_private.published_plan() q)) THEN
        starts := pg_catalog.clock_timestamp();
        how := CASE WHEN place = 1 THEN 'exact' ELSE 'approximate' END;
    ELSIF starts IS NULL THEN
        how := 'approximate';
        IF l.job_id IS NULL THEN -- as late as the last job before it that asks for no less
            SELECT pg_catalog.max(r.expected_start) INTO starts FROM rcq_private.ranked_jobs() r
             WHERE r."position" < place AND r.cpu_cores >= l.cpu_cores AND r.memory_mib >= l.memory_mib AND r.gpu_count >= l.gpu_count;
        END IF;
        starts := COALESCE(starts, CASE WHEN NOT fits_now THEN rcq_private.free_by_plan(l, v) END);
    END IF;
    IF starts IS NULL THEN
        RETURN NEXT rcq_private.found('expect', 'unknown', 'When it will start cannot be said, because it waits for something that has no planned time, or because nothing was computed yet.', '{}');
    ELSE
        RETURN NEXT rcq_private.found('expect', how, pg_catalog.format('It is expected to start %s%s.%s', CASE WHEN starts <= pg_catalog.clock_timestamp() + interval '1 second' THEN 'at once' ELSE 'at ' || rcq_private.time_text(starts) END,
                CASE how WHEN 'approximate' THEN ', approximately' ELSE ', if nothing else is submitted and all runs keep to their plans' END,
                ' Executor ' || rcq_private.executor_name(p.reserved_executor) || ' is promised to it from ' || rcq_private.time_text(p.reserved_start) || '.'),
            pg_catalog.jsonb_build_object('expected_start', starts, 'in_s', pg_catalog.round(GREATEST(pg_catalog.date_part('epoch', starts - pg_catalog.clock_timestamp()), 0)), 'approximate', how = 'approximate',
                'age_s', CASE WHEN p.expected_start IS NOT NULL THEN pg_catalog.round(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.forecast_at)) END,
                'reserved_executor', rcq_private.executor_name(p.reserved_executor), 'reserved_start', p.reserved_start));
    END IF;

    SELECT CASE WHEN admin THEN 10 ELSE u.max_priority END INTO top FROM rcq_private.users u WHERE u.id = caller;
    IF blockers <@ '{resources,reserved,priority,consumable}'::text[] AND policy <> 'fifo' AND l.priority < top AND (place > 1 OR ahead.jobs >= 1000) THEN
        RETURN NEXT rcq_private.found('change', 'priority', pg_catalog.format('With priority %s instead of %s%s its base priority would be %s instead of %s.', top, l.priority,
                ' (SELECT rcq.set_priority(' || l.job_id || ', ' || top || '))', base + top - l.priority, base),
            pg_catalog.jsonb_build_object('priority', top, 'base_priority', base + top - l.priority, 'call', 'SELECT rcq.set_priority(' || l.job_id || ', ' || top || ')'));
    END IF;
END $$;

-- All findings of a pending job but its state; or all of one that was not submitted (job_id NULL): `refused` is what its
-- submission would meet.
CREATE OR REPLACE FUNCTION rcq_private.explain_pending(l rcq_private.live, refused rcq_private.finding[] DEFAULT '{}') RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
    v rcq_private.executor_verdict[];
    gates rcq_private.finding[];
    capacity rcq_private.finding[];
    blockers text[];
BEGIN
    SELECT * INTO p FROM rcq_private.pending_state(COALESCE(l.job_id, 0), l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at, l.cpu_cores_min, l.gpu_type,
        l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key);
    l := rcq_private.as_planned(l);
    v := ARRAY(SELECT e FROM rcq_private.executor_verdicts(l) e);
    gates := ARRAY(SELECT f FROM rcq_private.explain_gates(l) f);
    blockers := ARRAY(SELECT f.reason FROM unnest(gates) f WHERE f.kind = 'blocker');
    capacity := ARRAY(SELECT f FROM rcq_private.explain_capacity(l, v, blockers <> '{}', CASE WHEN l.job_id IS NOT NULL THEN p.reason END) f);
    blockers := blockers || ARRAY(SELECT f.reason FROM unnest(capacity) f WHERE f.kind = 'blocker');
    IF l.job_id IS NULL THEN
        RETURN NEXT rcq_private.found('state', 'not_submitted', pg_catalog.format('The request is valid, and was not submitted: %s, planned to take %s.', rcq_private.size_text(l.cpu_cores, l.memory_mib, l.gpu_count),
                rcq_private.duration_text(l.planned_s)),
            rcq_private.size_data(l.cpu_cores, l.memory_mib, l.gpu_count) || pg_catalog.jsonb_build_object('planned_s', l.planned_s)
            || (SELECT pg_catalog.jsonb_build_object('fits_now', COALESCE(pg_catalog.jsonb_agg(e.name) FILTER (WHERE e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NULL), '[]'),
                                                     'fits_ever', COALESCE(pg_catalog.jsonb_agg(e.name), '[]')) FROM unnest(v) e WHERE e.lacks = '{}'));
    END IF;
    RETURN QUERY
        SELECT f.kind, f.reason, f.message, pg_catalog.jsonb_strip_nulls(f.data)
          FROM unnest(refused || gates || capacity || ARRAY(SELECT f FROM rcq_private.explain_rank(l, v, p, blockers) f)) WITH ORDINALITY f(kind, reason, message, data, n)
         ORDER BY pg_catalog.array_position('{blocker,rank,expect,change}'::text[], f.kind), f.n;
END $$;

-- How it stands with a job that is placed, running or ended.
CREATE OR REPLACE FUNCTION rcq_private.explain_run(j rcq_private.job, l rcq_private.live, o rcq_private.outcome) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    host CONSTANT text := rcq_private.executor_name(COALESCE(l.executor_id, o.executor_id));
    ends timestamptz;
    killed timestamptz;
BEGIN
    IF l.claimed_at IS NOT NULL THEN
        ends := l.claimed_at + pg_catalog.make_interval(secs => rcq_private.plan_seconds(l.planned_s, l.group_id));
        killed := l.claimed_at + j.time_limit;
        RETURN NEXT rcq_private.found('state', 'running', pg_catalog.format('Job %s has been running on executor %s since %s%s%s%s.', j.id, host, rcq_private.time_text(l.claimed_at),
                ', and is planned to end at ' || rcq_private.time_text(ends), ', its time limit is over at ' || rcq_private.time_text(killed),
                CASE WHEN l.cancel_requested_at IS NOT NULL THEN '; it is being cancelled' WHEN l.preempt_requested_at IS NOT NULL THEN '; it is being stopped for another job, and will run again' END),
            pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('executor', host, 'started_at', l.claimed_at, 'planned_end', ends, 'time_limit_end', killed, 'attempt', l.attempt,
                'cancelling', l.cancel_requested_at IS NOT NULL, 'preempting', l.preempt_requested_at IS NOT NULL)));
    ELSIF l.placed_at IS NOT NULL THEN
        RETURN NEXT rcq_private.found('state', 'assigned', pg_catalog.format('Job %s was given to executor %s at %s, which has not started it yet; unless it does within %s, the job is given elsewhere.', j.id, host,
                rcq_private.time_text(l.placed_at), rcq_private.duration_text(rcq_private.setting_text('claim_timeout')::double precision)),
            pg_catalog.jsonb_build_object('executor', host, 'placed_at', l.placed_at, 'attempt', l.attempt));
    ELSE
        RETURN NEXT rcq_private.found('state', o.status, pg_catalog.format('Job %s %s%s at %s%s%s.', j.id, CASE o.status WHEN 'completed' THEN 'completed' WHEN 'cancelled' THEN 'was cancelled' ELSE 'failed' END, ' on executor ' || host,
                rcq_private.time_text(o.ended_at), ' after ' || rcq_private.duration_text(pg_catalog.date_part('epoch', o.ended_at - o.claimed_at)),
                CASE o.reason WHEN 'exit_code' THEN ': it ended with exit code ' || o.exit_code WHEN 'signal' THEN ': it was ended by signal ' || COALESCE(o.signal::text, 'unknown') WHEN 'timeout' THEN ': its time limit was over'
                     WHEN 'oom' THEN ': it needed more memory than it had asked for, ' || rcq_private.memory_gb(j.memory_mib) || ' GB' WHEN 'executor_lost' THEN ': its executor was lost'
                     WHEN 'spawn_error' THEN ': it could not be started' ELSE ': ' || o.reason END || COALESCE(' (' || o.message || ')', '')),
            pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('reason', o.reason, 'executor', host, 'started_at', o.claimed_at, 'ended_at', o.ended_at, 'attempt', o.attempt, 'exit_code', o.exit_code, 'signal', o.signal,
                'peak_memory_gb', rcq_private.memory_gb(o.peak_memory_mib), 'message', o.message)));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION rcq.explain(job bigint) RETURNS TABLE (kind text, reason text, message text, data jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    j rcq_private.job;
    l rcq_private.live;
    o rcq_private.outcome;
BEGIN
    SELECT * INTO j FROM rcq_private.job x WHERE x.id = job AND (x.user_id = caller OR admin);
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')), 'List your jobs with SELECT id, status FROM rcq.jobs.');
    END IF;
    SELECT * INTO l FROM rcq_private.live x WHERE x.job_id = job;
    IF NOT FOUND THEN
        SELECT * INTO o FROM rcq_private.outcome x WHERE x.job_id = job;
    END IF;
    IF l.job_id IS NULL OR l.placed_at IS NOT NULL THEN
        RETURN QUERY SELECT f.* FROM rcq_private.explain_run(j, l, o) f;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'state', 'pending', pg_catalog.format('Job %s is pending since %s (%s): %s, planned to take %s%s.', j.id, rcq_private.time_text(l.eligible_at),
                   rcq_private.duration_text(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - l.eligible_at)), rcq_private.size_text(l.cpu_cores, l.memory_mib, l.gpu_count),
                   rcq_private.duration_text(rcq_private.plan_seconds(l.planned_s, l.group_id)), '; attempts so far: ' || NULLIF(l.attempt, 0)),
               rcq_private.size_data(l.cpu_cores, l.memory_mib, l.gpu_count) || pg_catalog.jsonb_build_object('submitted_at', j.submitted_at, 'eligible_at', l.eligible_at,
                   'waiting_s', pg_catalog.round(GREATEST(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - l.eligible_at), 0)),
                   'planned_s', rcq_private.plan_seconds(l.planned_s, l.group_id), 'attempt', l.attempt)
        UNION ALL
        SELECT f.* FROM rcq_private.explain_pending(l) f;
END $$;
COMMENT ON FUNCTION rcq.explain(bigint) IS
'Says why a job is where it is, one finding a row: state (what it does, or how it ended), and of a pending job every blocker at once, its rank (place, factors, who is before it), when it is expected to start, and changes that would let it start or start sooner. message: for people; data: the numbers, for programs. Errors: RC002, RC010';

CREATE OR REPLACE FUNCTION rcq.explain_submit(
    script text, cpu_cores integer DEFAULT 1, memory_gb numeric DEFAULT 1, gpu_count integer DEFAULT 0,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, priority integer DEFAULT 5,
    max_retries integer DEFAULT 0, name text DEFAULT NULL, workdir text DEFAULT NULL, env jsonb DEFAULT NULL,
    features text[] DEFAULT NULL, hold boolean DEFAULT false, requeue boolean DEFAULT true,
    on_disconnect text DEFAULT 'continue', cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT false,
    preemptible boolean DEFAULT false, concurrency_key text DEFAULT NULL)
RETURNS TABLE (kind text, reason text, message text, data jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    caller rcq_private.users;
    l rcq_private.live;
    asked rcq_private.request := ROW(script, cpu_cores, rcq_private.as_float(memory_gb), gpu_count, rcq_private.as_float(estimated_hours), time_limit, priority, max_retries, name, workdir, env,
        features, hold, requeue, on_disconnect, cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key)::rcq_private.request;
    limit_ CONSTANT interval := COALESCE(time_limit, pg_catalog.make_interval(secs => NULLIF(rcq_private.setting_text('default_time_limit')::double precision, 0)));
    max_pending bigint;
    submit_rate CONSTANT bigint := rcq_private.setting_text('submit_rate_per_user')::bigint;
    count bigint;
    refused rcq_private.finding[] := '{}';
BEGIN
    SELECT * INTO STRICT caller FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    PERFORM rcq_private.check_names(ARRAY[asked]);
    l.memory_mib := rcq_private.check_request(NULL, script, COALESCE(cpu_cores, 1), COALESCE(asked.memory_gb, 1), COALESCE(gpu_count, 0), asked.estimated_hours, pg_catalog.date_part('epoch', limit_),
        COALESCE(priority, 5), COALESCE(max_retries, 0), name, workdir, env, features, COALESCE(on_disconnect, 'continue'), cpu_cores_min, gpu_type, constraints, consumables, concurrency_key,
        caller.max_priority, rcq_private.setting_text('max_script_bytes')::integer, NULLIF(rcq_private.setting_text('max_time_limit')::double precision, 0));
    l.user_id := caller.id;
    l.group_id := caller.group_id;
    l.cpu_cores := COALESCE(cpu_cores, 1);
    l.gpu_count := COALESCE(gpu_count, 0);
    l.planned_s := pg_catalog.ceil(COALESCE(asked.estimated_hours * 3600, pg_catalog.date_part('epoch', limit_)));
    l.features := rcq_private.feature_list(features);
    l.cpu_cores_min := cpu_cores_min;
    l.gpu_type := rcq_private.constraint_text(gpu_type);
    l.constraints := rcq_private.constraint_text(constraints);
    l.consumables := rcq_private.whole_amounts(consumables);
    l.exclusive := COALESCE(exclusive, false);
    l.preemptible := COALESCE(preemptible, false);
    l.concurrency_key := concurrency_key;
    l.held := COALESCE(hold, false);
    l.priority := COALESCE(priority, 5);
    l.eligible_at := pg_catalog.clock_timestamp();

    max_pending := COALESCE(caller.max_pending, rcq_private.setting_text('max_pending_per_user')::bigint);
    IF max_pending > 0 THEN
        count := rcq_private.count_pending(caller.id, max_pending);
        IF count >= max_pending THEN
            refused := refused || rcq_private.found('blocker', 'max_pending', pg_catalog.format('It would be refused now (RC007): %s of your jobs are pending, and your limit is %s.', count, max_pending),
                pg_catalog.jsonb_build_object('limit', 'max_pending', 'value', max_pending, 'used', count, 'needed', 1, 'error', 'RC007'));
        END IF;
    END IF;
    IF submit_rate > 0 THEN
        count := rcq_private.count_submitted(caller.id, pg_catalog.clock_timestamp() - interval '1 minute', submit_rate);
        IF count >= submit_rate THEN
            refused := refused || rcq_private.found('blocker', 'submit_rate', pg_catalog.format('It would be refused now (RC007): you submitted %s jobs within the last minute, and the limit is %s.', count, submit_rate),
                pg_catalog.jsonb_build_object('limit', 'submit_rate_per_user', 'value', submit_rate, 'used', count, 'needed', 1, 'error', 'RC007'));
        END IF;
    END IF;
    RETURN QUERY SELECT f.* FROM rcq_private.explain_pending(l, refused) f;
END $$;
COMMENT ON FUNCTION rcq.explain_submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
    integer, text, text, jsonb, boolean, boolean, text) IS
'Says what would become of a job with these arguments, those of rcq.submit, without submitting it: whether it is valid (errors as of rcq.submit), where it fits now or ever, what would block or refuse it, with which priority it would begin, when it would start; rows as of rcq.explain. Errors: RC001, RC005, RC010';
-- What administrators do with groups, users, executors and settings.

-- Raises RC002 with the names there are.
CREATE OR REPLACE FUNCTION rcq_private.raise_unknown(kind text, wanted text, known text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no %s "%s"', kind, COALESCE(pg_catalog.left(wanted, 100), 'NULL')),
            pg_catalog.format('There are: %s.', COALESCE(pg_catalog.left(known, 1000), 'none')));
END $$;

CREATE OR REPLACE FUNCTION rcq_private.group_id(group_name text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT g.id INTO found_id FROM rcq_private.groups g WHERE g.name = group_name;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('group', group_name, (SELECT pg_catalog.string_agg(g.name, ', ' ORDER BY g.name) FROM rcq_private.groups g));
    END IF;
    RETURN found_id;
END $$;

CREATE OR REPLACE FUNCTION rcq_private.check_name(kind text, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name IS NULL OR name !~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('"%s" cannot be the name of %s', COALESCE(pg_catalog.left(name, 100), 'NULL'), kind),
            '1 to 63 letters, digits, "_", "." and "-", beginning with a letter, a digit or "_".');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION rcq_private.check_group(quota_cpu_hours numeric, quota_mode text, priority integer, default_estimate interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text := CASE
        WHEN NOT (quota_cpu_hours >= 0 AND quota_cpu_hours <= 1e12) THEN 'quota_cpu_hours is outside 0 to 10^12 (billed CPU-hours per usage window; NULL = none)'
        WHEN quota_mode NOT IN ('soft', 'hard') THEN 'quota_mode is neither soft nor hard'
        WHEN priority NOT BETWEEN 1 AND 10 THEN 'priority is outside 1 to 10'
        WHEN NOT (default_estimate > interval '0' AND default_estimate <= interval '10 years') THEN 'default_estimate is outside 0 to 10 years' END;
BEGIN
    IF wrong IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', wrong);
    END IF;
END $$;

-- The share of a group or user and what limits it; max_pending is of users alone.
CREATE OR REPLACE FUNCTION rcq_private.check_share(shares numeric, max_jobs integer, max_cores integer, max_gpus integer, max_pending integer DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    negative text;
BEGIN
    IF NOT (shares >= 0 AND shares <= 1e9) THEN
        PERFORM rcq_private.fail('RC001', 'shares is outside 0 to 10^9');
    END IF;
    SELECT l.name INTO negative FROM (VALUES ('max_jobs', max_jobs), ('max_cores', max_cores), ('max_gpus', max_gpus), ('max_pending', max_pending)) l(name, value) WHERE l.value < 0;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('%s is negative', negative), 'A limit is removed with no_limits => true.');
    END IF;
END $$;

-- The id of the group that is to be the parent of another; RC001 when that one would become a part of itself. Until the
-- end of the transaction nobody else makes one a parent.
CREATE OR REPLACE FUNCTION rcq_private.parent_id(child integer, parent text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted integer := rcq_private.group_id(parent);
BEGIN
    LOCK TABLE rcq_private.groups IN SHARE ROW EXCLUSIVE MODE;
    IF child IN (WITH RECURSIVE up(id) AS (SELECT wanted UNION SELECT g.parent_id FROM rcq_private.groups g JOIN up ON up.id = g.id) SELECT up.id FROM up) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('group "%s" cannot be the parent: it is the group itself or a part of it', parent),
            'Take the parent out of this group first: rcq.set_group(..., no_parent => true).');
    END IF;
    RETURN wanted;
END $$;

CREATE OR REPLACE FUNCTION rcq.add_group(name text, quota_cpu_hours numeric DEFAULT NULL, priority integer DEFAULT 5, quota_mode text DEFAULT 'soft',
                              default_estimate interval DEFAULT NULL, open boolean DEFAULT false, parent text DEFAULT NULL, shares numeric DEFAULT 1,
                              max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL, max_gpus integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
    new_parent integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_name('a group', name),
            rcq_private.check_group(quota_cpu_hours, quota_mode, priority, default_estimate),
            rcq_private.check_share(shares, max_jobs, max_cores, max_gpus);
    IF parent IS NOT NULL THEN new_parent := rcq_private.group_id(parent); END IF;
    INSERT INTO rcq_private.groups AS g (name, quota_cpu_hours, priority, quota_mode, default_estimate, open, parent_id, shares, max_jobs, max_cores, max_gpus)
    VALUES (add_group.name, add_group.quota_cpu_hours, COALESCE(add_group.priority, 5), COALESCE(add_group.quota_mode, 'soft'),
            add_group.default_estimate, COALESCE(add_group.open, false), new_parent, COALESCE(add_group.shares, 1),
            add_group.max_jobs, add_group.max_cores, add_group.max_gpus)
    ON CONFLICT DO NOTHING RETURNING g.id INTO new_id;
    IF new_id IS NULL THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('there is a group "%s" already', name),
            'Change it with rcq.set_group.');
    END IF;
    PERFORM rcq_private.definitions_changed();
    RETURN new_id;
END $$;
COMMENT ON FUNCTION rcq.add_group(text, numeric, integer, text, interval, boolean, text, numeric, integer, integer, integer) IS
'Makes a research group and returns its id. quota_cpu_hours: billed CPU-hours per usage window, NULL = none; priority 1-10; quota_mode: soft (over quota ranks lower) or hard (over quota waits); default_estimate: planned duration of jobs that state none; open: people may register into it; parent: the group it is part of, NULL = top; shares: its part of the parent''s share, relative to its neighbours (policies multifactor, fairtree); max_jobs, max_cores, max_gpus: most of it placed and running at once, NULL = no limit of its own, 0 = none. Errors: RC001, RC002, RC005, RC006';

CREATE OR REPLACE FUNCTION rcq.set_group(name text, quota_cpu_hours numeric DEFAULT NULL, priority integer DEFAULT NULL, quota_mode text DEFAULT NULL,
                              default_estimate interval DEFAULT NULL, open boolean DEFAULT NULL, no_quota boolean DEFAULT false, parent text DEFAULT NULL,
                              shares numeric DEFAULT NULL, max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL, max_gpus integer DEFAULT NULL,
                              no_parent boolean DEFAULT false, no_limits boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_id integer;
    new_parent integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_group(quota_cpu_hours, quota_mode, priority, default_estimate),
            rcq_private.check_share(shares, max_jobs, max_cores, max_gpus);
    changed_id := rcq_private.group_id(name);
    IF parent IS NOT NULL THEN new_parent := rcq_private.parent_id(changed_id, parent); END IF;
    UPDATE rcq_private.groups g
       SET quota_cpu_hours = CASE WHEN no_quota THEN NULL ELSE COALESCE(set_group.quota_cpu_hours, g.quota_cpu_hours) END,
           priority = COALESCE(set_group.priority, g.priority), quota_mode = COALESCE(set_group.quota_mode, g.quota_mode),
           default_estimate = COALESCE(set_group.default_estimate, g.default_estimate), open = COALESCE(set_group.open, g.open),
           parent_id = COALESCE(new_parent, CASE WHEN NOT no_parent THEN g.parent_id END),
           shares = COALESCE(set_group.shares, g.shares), max_jobs = COALESCE(set_group.max_jobs, CASE WHEN NOT no_limits THEN g.max_jobs END),
           max_cores = COALESCE(set_group.max_cores, CASE WHEN NOT no_limits THEN g.max_cores END),
           max_gpus = COALESCE(set_group.max_gpus, CASE WHEN NOT no_limits THEN g.max_gpus END)
     WHERE g.id = changed_id;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_group(text, numeric, integer, text, interval, boolean, boolean, text, numeric, integer, integer, integer, boolean, boolean) IS
'Changes what is given of a group, effective at the next cycle. no_quota => true removes its quota, no_parent => true takes it to the top, no_limits => true removes those of max_jobs, max_cores and max_gpus that are not given. Errors: RC001 (also for a group that would be part of itself), RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.add_user(role_name text, group_name text DEFAULT 'default', is_admin boolean DEFAULT false, max_priority integer DEFAULT 10,
                             email text DEFAULT NULL, shares numeric DEFAULT 1, max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL,
                             max_gpus integer DEFAULT NULL, max_pending integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_share(shares, max_jobs, max_cores, max_gpus, max_pending);
    IF role_name IS NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = role_name) THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no SQL role "%s"', COALESCE(role_name, 'NULL')),
            pg_catalog.format('Make it first: CREATE ROLE %I LOGIN.', COALESCE(role_name, 'name')));
    END IF;
    IF role_name ~ '^(rcq_|pg_)' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('role "%s" cannot be a user: everybody in it would be', role_name),
            'Make a login role for each person.');
    END IF;
    IF max_priority NOT BETWEEN 1 AND 10 THEN
        PERFORM rcq_private.fail('RC001', 'max_priority is outside 1 to 10');
    END IF;
    INSERT INTO rcq_private.users AS u (role_name, email, group_id, is_admin, max_priority, shares, max_jobs, max_cores, max_gpus, max_pending)
    VALUES (add_user.role_name, pg_catalog.lower(add_user.email), rcq_private.group_id(group_name), COALESCE(add_user.is_admin, false), COALESCE(add_user.max_priority, 10),
            COALESCE(add_user.shares, 1), add_user.max_jobs, add_user.max_cores, add_user.max_gpus, add_user.max_pending)
    ON CONFLICT DO NOTHING RETURNING u.id INTO new_id;
    IF new_id IS NULL THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('role "%s" or its e-mail address is a user already', role_name),
            'Change it with rcq.set_user.');
    END IF;
    PERFORM rcq_private.grant_roles(role_name, is_admin), rcq_private.definitions_changed();
    RETURN new_id;
END $$;
COMMENT ON FUNCTION rcq.add_user(text, text, boolean, integer, text, numeric, integer, integer, integer, integer) IS
'Makes a SQL role a user of rcq, in one group, and grants it rcq_user (rcq_admin to administrators). max_priority: the highest job priority they may ask for; shares: their part of the group''s share, relative to its other members (policies multifactor, fairtree); max_jobs, max_cores, max_gpus: most of theirs placed and running at once, 0 = none, max_pending: most waiting, 0 = no limit; NULL = as the settings say. Errors: RC001, RC002, RC005, RC006';

CREATE OR REPLACE FUNCTION rcq_private.grant_roles(role_name text, is_admin boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE pg_catalog.format('GRANT rcq_user TO %I', role_name);
    IF is_admin THEN
        EXECUTE pg_catalog.format('GRANT rcq_admin TO %I', role_name);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION rcq.set_user(role_name text, group_name text DEFAULT NULL, is_admin boolean DEFAULT NULL, max_priority integer DEFAULT NULL,
                             shares numeric DEFAULT NULL, max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL, max_gpus integer DEFAULT NULL,
                             max_pending integer DEFAULT NULL, no_limits boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_group integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_share(shares, max_jobs, max_cores, max_gpus, max_pending);
    IF max_priority NOT BETWEEN 1 AND 10 THEN
        PERFORM rcq_private.fail('RC001', 'max_priority is outside 1 to 10');
    END IF;
    IF group_name IS NOT NULL THEN new_group := rcq_private.group_id(group_name); END IF;
    UPDATE rcq_private.users u SET group_id = COALESCE(new_group, u.group_id), is_admin = COALESCE(set_user.is_admin, u.is_admin),
           max_priority = COALESCE(set_user.max_priority, u.max_priority), shares = COALESCE(set_user.shares, u.shares),
           max_jobs = COALESCE(set_user.max_jobs, CASE WHEN NOT no_limits THEN u.max_jobs END),
           max_cores = COALESCE(set_user.max_cores, CASE WHEN NOT no_limits THEN u.max_cores END),
           max_gpus = COALESCE(set_user.max_gpus, CASE WHEN NOT no_limits THEN u.max_gpus END),
           max_pending = COALESCE(set_user.max_pending, CASE WHEN NOT no_limits THEN u.max_pending END)
     WHERE u.role_name = set_user.role_name;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('user', role_name, (SELECT pg_catalog.string_agg(u.role_name, ', ' ORDER BY u.role_name) FROM rcq_private.users u));
    END IF;
    PERFORM rcq_private.grant_roles(role_name, is_admin), rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_user(text, text, boolean, integer, numeric, integer, integer, integer, integer, boolean) IS
'Changes what is given of a user; jobs already submitted stay with the group they were submitted for. no_limits => true removes those of max_jobs, max_cores, max_gpus and max_pending that are not given. Errors: RC001, RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.create_executor_login(name text, password text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    secret text := COALESCE(password, pg_catalog.replace(pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text, '-', ''));
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_name('an executor', name);
    IF EXISTS (SELECT FROM rcq_private.executor e WHERE e.name = create_executor_login.name) THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('there is an executor "%s" already', name),
            pg_catalog.format('Give its login a new password with ALTER ROLE %I PASSWORD ..., or choose another name.', name));
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = name) THEN
        -- roles are cluster-wide: a login that another database's queue made for this executor may serve here too
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles e ON e.oid = m.roleid AND e.rolname = 'rcq_executor'
                         JOIN pg_catalog.pg_roles r ON r.oid = m.member WHERE r.rolname = name) THEN
            PERFORM rcq_private.fail('RC006', pg_catalog.format('role "%s" exists and is no executor login', name),
            'Choose another name.');
        END IF;
        secret := NULL;
    ELSE
        EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS CONNECTION LIMIT 4 PASSWORD %L IN ROLE rcq_executor', name, secret);
    END IF;
    INSERT INTO rcq_private.executor (name) VALUES (create_executor_login.name);
    PERFORM rcq_private.definitions_changed();
    RETURN secret;
END $$;
COMMENT ON FUNCTION rcq.create_executor_login(text, text) IS
'Makes the login role of an executor and returns its password (a random one unless given; NULL when the role existed as an executor login). Errors: RC001, RC005, RC006';

CREATE OR REPLACE FUNCTION rcq_private.set_drained(name text, reason text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    UPDATE rcq_private.executor e SET drained = reason WHERE e.name = set_drained.name;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('executor', name, (SELECT pg_catalog.string_agg(e.name, ', ' ORDER BY e.name) FROM rcq_private.executor e));
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;

CREATE OR REPLACE FUNCTION rcq.drain_executor(name text, reason text DEFAULT 'drained by an administrator') RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.set_drained(name, COALESCE(reason, 'drained by an administrator')) $$;
COMMENT ON FUNCTION rcq.drain_executor(text, text) IS 'Places nothing more on an executor; what runs there goes on. Errors: RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.resume_executor(name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT rcq_private.set_drained(name, NULL) $$;
COMMENT ON FUNCTION rcq.resume_executor(text) IS 'Ends the drain of an executor. Errors: RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.set(name text, value text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    def rcq_private.setting_definition;
BEGIN
    PERFORM rcq_private.require_admin();
    SELECT * INTO def FROM rcq_private.setting_definition d WHERE d.name = "set".name;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('setting', name, (SELECT pg_catalog.string_agg(d.name, ', ' ORDER BY d.name) FROM rcq_private.setting_definition d));
    END IF;
    IF value IS NULL THEN
        DELETE FROM rcq_private.setting s WHERE s.name = "set".name;
    ELSE
        INSERT INTO rcq_private.setting AS s (name, value, parsed, changed_by)
        VALUES ("set".name, "set".value, rcq_private.setting_value(def, "set".value), rcq_private.outer_role())
        ON CONFLICT ON CONSTRAINT setting_pkey DO UPDATE
           SET value = EXCLUDED.value, parsed = EXCLUDED.parsed, changed_by = EXCLUDED.changed_by, changed_at = pg_catalog.clock_timestamp();
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set(text, text) IS
'Changes a setting (see rcq.settings), effective at the next cycle; NULL = back to the default. Errors: RC001 (naming what is allowed), RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.adopt() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    UPDATE rcq_private.home h SET system_identifier = c.system_identifier, database_oid = d.oid
      FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database();
    PERFORM rcq_private.activate();
END $$;
COMMENT ON FUNCTION rcq.adopt() IS
'Lets the scheduler work in a database that is a copy of another (CREATE DATABASE ... TEMPLATE, pg_upgrade): its queue is run here from now on. Error: RC005';
-- What administrators do with countable resources, concurrency limits, reservations, pauses and the price of GPUs.

CREATE OR REPLACE FUNCTION rcq_private.executor_id(executor text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT e.id INTO found_id FROM rcq_private.executor e WHERE e.name = executor;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('executor', executor, (SELECT pg_catalog.string_agg(e.name, ', ' ORDER BY e.name) FROM rcq_private.executor e));
    END IF;
    RETURN found_id;
END $$;

CREATE OR REPLACE FUNCTION rcq_private.check_word(kind text, word text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF word IS NULL OR NOT rcq_private.is_word(word) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('"%s" cannot be the name of %s', COALESCE(pg_catalog.left(word, 100), 'NULL'), kind),
            '1 to 63 lower-case letters, digits, "_", ".", ":" and "-", beginning with a letter or a digit.');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION rcq.set_consumable(name text, total bigint, executor text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner integer := 0;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_word('a countable resource', name);
    IF total < 0 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('total is %s, and cannot be negative', total), 'NULL removes the resource.');
    END IF;
    IF executor IS NOT NULL THEN owner := rcq_private.executor_id(executor); END IF;
    IF total IS NOT NULL AND EXISTS (SELECT FROM rcq_private.consumable c WHERE c.name = set_consumable.name AND (c.executor_id = 0) <> (owner = 0)) THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format(CASE owner WHEN 0 THEN 'executors have "%s", each its own' ELSE 'the cluster has "%s" as a whole' END, name),
            'A resource is counted either for the whole cluster or on each executor: remove the one first (total NULL), or choose another name.');
    END IF;
    IF total IS NULL THEN
        DELETE FROM rcq_private.consumable c WHERE c.executor_id = owner AND c.name = set_consumable.name;
    ELSE
        INSERT INTO rcq_private.consumable AS c (executor_id, name, total) VALUES (owner, set_consumable.name, set_consumable.total)
        ON CONFLICT ON CONSTRAINT consumable_pkey DO UPDATE SET total = EXCLUDED.total;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_consumable(text, bigint, text) IS
'Says how many of a countable resource (licences, scratch disks) there are, on one executor or (NULL) in the whole cluster, but not both under one name; a total of NULL removes it. What runs keeps what it holds. Errors: RC001, RC002, RC005, RC006';

CREATE OR REPLACE FUNCTION rcq.set_concurrency_limit(key text, max_jobs integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    IF key IS NULL OR key !~ '^[^[:cntrl:]]{1,200}$' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('"%s" cannot be a concurrency key', COALESCE(pg_catalog.left(key, 100), 'NULL')),
            '1 to 200 characters on one line.');
    END IF;
    IF max_jobs < 0 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('max_jobs is %s, and cannot be negative', max_jobs), 'NULL removes the limit.');
    END IF;
    IF max_jobs IS NULL THEN
        DELETE FROM rcq_private.concurrency_limit c WHERE c.key = set_concurrency_limit.key;
    ELSE
        INSERT INTO rcq_private.concurrency_limit AS c (key, max_jobs) VALUES (set_concurrency_limit.key, set_concurrency_limit.max_jobs)
        ON CONFLICT ON CONSTRAINT concurrency_limit_pkey DO UPDATE SET max_jobs = EXCLUDED.max_jobs;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_concurrency_limit(text, integer) IS
'Limits how many jobs with this concurrency key may be placed and running at once, whoever submitted them; 0 = none, NULL removes the limit. Errors: RC001, RC005';

CREATE OR REPLACE FUNCTION rcq.reserve(starts_at timestamptz, ends_at timestamptz, executor text DEFAULT NULL, group_name text DEFAULT NULL, reason text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
    reserved_executor integer;
    reserved_group integer;
BEGIN
    PERFORM rcq_private.require_admin();
    IF starts_at IS NULL OR ends_at IS NULL OR NOT pg_catalog.isfinite(starts_at) OR NOT pg_catalog.isfinite(ends_at) THEN
        PERFORM rcq_private.fail('RC001', 'a reservation needs a begin and an end', 'To stop without an end: rcq.pause or rcq.drain_executor.');
    ELSIF ends_at <= starts_at THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('the reservation ends at %s, not after its begin at %s', ends_at, starts_at));
    ELSIF ends_at <= pg_catalog.clock_timestamp() THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('the reservation lies in the past: it ends at %s', ends_at));
    END IF;
    IF executor IS NOT NULL THEN reserved_executor := rcq_private.executor_id(executor); END IF;
    IF group_name IS NOT NULL THEN reserved_group := rcq_private.group_id(group_name); END IF;
    INSERT INTO rcq_private.reservation AS r (executor_id, group_id, starts_at, ends_at, reason, created_by)
    VALUES (reserved_executor, reserved_group, reserve.starts_at, reserve.ends_at, pg_catalog.left(reserve.reason, 1000), rcq_private.outer_role())
    RETURNING r.id INTO new_id;
    PERFORM rcq_private.definitions_changed();
    RETURN new_id;
END $$;
COMMENT ON FUNCTION rcq.reserve(timestamptz, timestamptz, text, text, text) IS
'Keeps an executor (NULL = all) for a group (NULL = for nobody: maintenance) from starts_at to ends_at, and returns the id of the reservation: nothing else is placed that is planned to run into it; what runs there goes on. Errors: RC001, RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.cancel_reservation(id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    DELETE FROM rcq_private.reservation r WHERE r.id = cancel_reservation.id;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no reservation %s', COALESCE(id::text, 'NULL')), 'List them with SELECT * FROM rcq.reservations.');
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.cancel_reservation(integer) IS 'Removes a reservation, whether to come, active or over. Errors: RC002, RC005';

-- Pauses (with a reason) or resumes (reason NULL) the cluster, a group or an executor.
CREATE OR REPLACE FUNCTION rcq_private.set_paused(reason text, group_name text, executor text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    IF group_name IS NOT NULL AND executor IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', 'give a group or an executor, not both', 'Call once for each.');
    ELSIF executor IS NOT NULL THEN
        PERFORM rcq_private.set_drained(executor, reason);
    ELSIF group_name IS NOT NULL THEN
        UPDATE rcq_private.groups g SET paused = reason WHERE g.id = rcq_private.group_id(group_name);
    ELSIF reason IS NULL THEN
        DELETE FROM rcq_private.paused;
    ELSE
        INSERT INTO rcq_private.paused AS p (reason, by) VALUES (set_paused.reason, rcq_private.outer_role())
        ON CONFLICT ((true)) DO UPDATE SET reason = EXCLUDED.reason, since = EXCLUDED.since, by = EXCLUDED.by;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;

CREATE OR REPLACE FUNCTION rcq.pause(reason text, group_name text DEFAULT NULL, executor text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.set_paused(COALESCE(pg_catalog.left(reason, 1000), 'paused by an administrator'), group_name, executor) $$;
COMMENT ON FUNCTION rcq.pause(text, text, text) IS
'Places nothing more in the whole cluster, of one group, or on one executor (as rcq.drain_executor), until rcq.resume; what runs goes on, and jobs are accepted. Errors: RC001 (group and executor together), RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.resume(group_name text DEFAULT NULL, executor text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT rcq_private.set_paused(NULL, group_name, executor) $$;
COMMENT ON FUNCTION rcq.resume(text, text) IS
'Ends the pause of the cluster, of a group, or of an executor; each of them on its own. Errors: RC001 (group and executor together), RC002, RC005';

CREATE OR REPLACE FUNCTION rcq.set_gpu_billing(gpu_type text, per_hour numeric) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_word('a GPU model', gpu_type);
    IF NOT (per_hour >= 0 AND per_hour <= 1e6) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('per_hour is %s, allowed is 0 to 1000000', per_hour), 'NULL goes back to the setting billing_gpu_hour.');
    END IF;
    IF per_hour IS NULL THEN
        DELETE FROM rcq_private.gpu_billing b WHERE b.gpu_type = set_gpu_billing.gpu_type;
    ELSE
        INSERT INTO rcq_private.gpu_billing AS b (gpu_type, per_hour) VALUES (set_gpu_billing.gpu_type, set_gpu_billing.per_hour)
        ON CONFLICT ON CONSTRAINT gpu_billing_pkey DO UPDATE SET per_hour = EXCLUDED.per_hour;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_gpu_billing(text, numeric) IS
'Says how many hours one hour of a GPU of this model is billed; NULL = as the setting billing_gpu_hour. Counts for past use in the window, too. Errors: RC001, RC005';

-- No view reads them any more.
DROP FUNCTION rcq_private.group_usage();
DROP FUNCTION rcq_private.pending_state(bigint, integer, integer, integer, integer, integer, integer, text[], boolean, timestamptz);

DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT o.polname, c.relname FROM pg_catalog.pg_policy o JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) o.polrelid
              WHERE c.relnamespace OPERATOR(pg_catalog.=) 'rcq_private'::pg_catalog.regnamespace LOOP
        EXECUTE pg_catalog.format('DROP POLICY %I ON rcq_private.%I', p.polname, p.relname);
    END LOOP;
END $$;
-- Who may do what. Nothing is left to PUBLIC; tables are read through row security and written by functions alone.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rcq, rcq_private FROM PUBLIC;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['groups', 'users', 'setting_definition', 'setting', 'job', 'live', 'outcome', 'run', 'log', 'usage', 'executor', 'command', 'home',
                                'consumable', 'concurrency_limit', 'reservation', 'paused', 'gpu_billing'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['job', 'live', 'outcome', 'run', 'log'] LOOP
        EXECUTE pg_catalog.format('CREATE POLICY own ON rcq_private.%I FOR SELECT TO rcq_user, rcq_admin USING (user_id = (SELECT rcq_private.caller_id()) OR (SELECT rcq_private.caller_is_admin()))', t);
        EXECUTE pg_catalog.format('GRANT SELECT ON rcq_private.%I TO rcq_user, rcq_admin', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['groups', 'setting_definition', 'setting', 'executor', 'consumable', 'concurrency_limit', 'reservation', 'paused', 'gpu_billing'] LOOP
        EXECUTE pg_catalog.format('CREATE POLICY everyone ON rcq_private.%I FOR SELECT TO rcq_user, rcq_admin USING (true)', t);
        EXECUTE pg_catalog.format('GRANT SELECT ON rcq_private.%I TO rcq_user, rcq_admin', t);
    END LOOP;
END $$;
CREATE POLICY own ON rcq_private.users FOR SELECT TO rcq_user, rcq_admin USING (id = (SELECT rcq_private.caller_id()) OR (SELECT rcq_private.caller_is_admin()));
GRANT SELECT ON rcq_private.users TO rcq_user, rcq_admin;

GRANT SELECT ON rcq.jobs, rcq.queue, rcq.runs, rcq.executors, rcq.groups, rcq.users, rcq.group_usage, rcq.settings, rcq.scheduler,
    rcq.consumables, rcq.concurrency_limits, rcq.reservations, rcq.gpu_billing TO rcq_user, rcq_admin;

-- helpers that the views and policies call with the reader's rights
GRANT EXECUTE ON FUNCTION rcq_private.caller_id(), rcq_private.caller_is_admin(), rcq_private.executor_seen(integer),
    rcq_private.pending_state(bigint, integer, integer, integer, integer, integer, integer, text[], boolean, timestamptz,
                              integer, text, text, jsonb, boolean, boolean, text),
    rcq_private.scheduler_state(), rcq_private.memory_gb(integer), rcq_private.user_name(integer), rcq_private.group_name(integer),
    rcq_private.executor_name(integer), rcq_private.executor_load(integer), rcq_private.usage_by_group(), rcq_private.setting_text(text),
    rcq_private.consumable_use(integer, text), rcq_private.concurrency_use(text),
    rcq_private.constraint_accepts(text, text[])
    TO rcq_user, rcq_admin;

GRANT EXECUTE ON FUNCTION
    rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
               integer, text, text, jsonb, boolean, boolean, text),
    rcq.submit_many(jsonb), rcq.cancel(bigint), rcq.hold(bigint), rcq.release(bigint), rcq.set_priority(bigint, integer),
    rcq.logs(bigint, integer, bigint, text), rcq.logs_raw(bigint, integer, text), rcq.explain(bigint),
    rcq.explain_submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
                       integer, text, text, jsonb, boolean, boolean, text)
    TO rcq_user, rcq_admin;

GRANT EXECUTE ON FUNCTION
    rcq.add_group(text, numeric, integer, text, interval, boolean, text, numeric, integer, integer, integer),
    rcq.set_group(text, numeric, integer, text, interval, boolean, boolean, text, numeric, integer, integer, integer, boolean, boolean),
    rcq.add_user(text, text, boolean, integer, text, numeric, integer, integer, integer, integer),
    rcq.set_user(text, text, boolean, integer, numeric, integer, integer, integer, integer, boolean),
    rcq.create_executor_login(text, text), rcq.drain_executor(text, text), rcq.resume_executor(text), rcq.set(text, text), rcq.adopt(),
    rcq.set_consumable(text, bigint, text), rcq.set_concurrency_limit(text, integer), rcq.set_gpu_billing(text, numeric),
    rcq.reserve(timestamptz, timestamptz, text, text, text), rcq.cancel_reservation(integer), rcq.pause(text, text, text), rcq.resume(text, text)
    TO rcq_admin;

GRANT EXECUTE ON FUNCTION
    rcq.register_executor(text, jsonb, text[], bigint, integer), rcq.executor_sync(integer, bigint, bigint, bigint[], jsonb, jsonb, integer),
    rcq.executor_log(integer, bigint, bigint[], bigint[], bigint[], text[], bytea[]), rcq.executor_drain(integer, bigint, text),
    rcq.executor_sign_off(integer, bigint)
    TO rcq_executor;

-- What pg_dump keeps: definitions, specifications, outcomes, usage. Never live rows, commands, or whose database this is.
SELECT pg_catalog.pg_extension_config_dump('rcq_private.groups', 'WHERE id <> 1');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.groups_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.users', 'WHERE id <> 1');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.users_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.setting', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.executor', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.executor_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.consumable', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.concurrency_limit', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.reservation', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.reservation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.paused', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.gpu_billing', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.job', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.job_id', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.outcome', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.run', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.log', '');
SELECT pg_catalog.pg_extension_config_dump('rcq_private.usage', '');

SELECT rcq_private.activate();
SELECT rcq_private.definitions_changed();
