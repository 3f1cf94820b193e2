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

--include 14-limit-tables.sql of 0.2 358 401
--include 15-setting-definitions.sql of 0.2 402 448
--include 20-library.sql of 0.2 449 576
--include 30-submit.sql of 0.2 577 795
--include 31-control.sql of 0.2 796 890
--include 40-runs.sql of 0.2 891 1005
--include 41-executor-functions.sql of 0.2 1006 1276
--include 42-logs.sql of 0.2 1277 1326
--include 50-views.sql of 0.2 1327 1587
--include 51-explain-facts.sql of 0.2 1588 1767
--include 51-explain.sql of 0.2 1768 2267
--include 60-admin.sql of 0.2 2268 2546
--include 61-limits.sql of 0.2 2547 2702

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
--include 90-grants.sql of 0.2 2703 2787
SELECT rcq_private.definitions_changed();
