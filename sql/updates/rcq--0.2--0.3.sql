\echo Use "ALTER EXTENSION rcq UPDATE TO '0.3'" to load this file. \quit

-- From 0.2 to what a fresh 0.3 has. `make` puts in the pieces that are named by --include, see expand.awk.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Everybody waits at the door: what calls read first is locked first, so that those under way can end. One that crosses
-- our locks all the same finds out before we do, and is refused in our stead; that is most often a sync, which its
-- executor repeats.
SET LOCAL deadlock_timeout TO '1min';
LOCK TABLE rcq_private.home, rcq_private.setting_definition, rcq_private.setting, rcq_private.users, rcq_private.executor, rcq_private.groups,
    rcq_private.job, rcq_private.live, rcq_private.outcome, rcq_private.run, rcq_private.command, rcq_private.log, rcq_private.usage;

ALTER TABLE rcq_private.job
    ADD COLUMN array_spec text COLLATE "C",
    ADD COLUMN array_size integer,
    ADD COLUMN array_id bigint,
    ADD COLUMN array_index integer,
    ADD COLUMN begin_time timestamptz,
    ADD COLUMN deadline timestamptz,
    ADD COLUMN depends_on text COLLATE "C",
    ADD COLUMN wait_if_unmet boolean NOT NULL DEFAULT false,
    ADD COLUMN retry jsonb,
    ADD COLUMN idempotency_key text COLLATE "C",
    ADD COLUMN project text COLLATE "C",
    ADD COLUMN tags text[] COLLATE "C",
    ADD COLUMN external_id uuid,
    ADD COLUMN schedule_id integer,
    ADD COLUMN type text COLLATE "C",
    ADD COLUMN payload jsonb;
ALTER TABLE rcq_private.live
    ADD COLUMN array_id bigint,
    ADD COLUMN array_throttle integer,
    ADD COLUMN deadline timestamptz,
    ADD COLUMN payload_bytes integer,
    ADD COLUMN unmet integer NOT NULL DEFAULT 0,
    ADD COLUMN tasks_waiting integer,
    ADD COLUMN memory_raised boolean NOT NULL DEFAULT false,
    ADD COLUMN requeue_requested_at timestamptz;
CREATE INDEX live_array ON rcq_private.live (array_id) WHERE array_id IS NOT NULL;
ALTER TABLE rcq_private.outcome
    ADD COLUMN result jsonb;
ALTER TABLE rcq_private.home
    ADD COLUMN since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp();

-- The tables of ended jobs become the first partitions of what takes their names: no members of the extension, without
-- grants and policies, named and commented as rcq_private.attach_history does it.
DO $$
DECLARE
    kind text;
    part text;
    r record;
BEGIN
    FOREACH kind IN ARRAY ARRAY['job', 'outcome', 'run', 'log'] LOOP
        part := kind || '_p0';
        FOR r IN SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_description d ON d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND d.objoid OPERATOR(pg_catalog.=) a.attrelid AND d.objsubid OPERATOR(pg_catalog.=) a.attnum
                  WHERE a.attrelid OPERATOR(pg_catalog.=) ('rcq_private.' || kind)::pg_catalog.regclass AND a.attnum OPERATOR(pg_catalog.>) 0 LOOP
            EXECUTE pg_catalog.format('COMMENT ON COLUMN rcq_private.%I.%I IS NULL', kind, r.attname);
        END LOOP;
        EXECUTE pg_catalog.format('REVOKE ALL ON rcq_private.%I FROM rcq_user, rcq_admin', kind);
        EXECUTE pg_catalog.format('ALTER EXTENSION rcq DROP TABLE rcq_private.%I', kind);
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I RENAME TO %I', kind, part);
        EXECUTE pg_catalog.format('ALTER INDEX rcq_private.%I RENAME TO %I', kind || '_pkey', part || '_pkey');
    END LOOP;
    ALTER INDEX rcq_private.job_user RENAME TO job_p0_user;
END $$;
--include 12-history-tables.sql of 0.3 145 284

COMMENT ON COLUMN rcq_private.live.array_throttle IS 'Of a throttled array and its tasks: how many of them may be placed and running at once';
COMMENT ON COLUMN rcq_private.live.payload_bytes IS 'Size of a typed job''s payload as it is stored';
COMMENT ON COLUMN rcq_private.live.unmet IS 'Dependencies that the job still waits for (rows of rcq_private.dependency)';
COMMENT ON COLUMN rcq_private.live.tasks_waiting IS 'Of an array job: tasks that have no row of their own yet and may get one; such a row is never placed itself, and counts as running (placed_at, claimed_at) once a task of it has started. NULL = no array job';
COMMENT ON COLUMN rcq_private.live.memory_raised IS 'Whether memory_mib is more than what was asked for, after an attempt ran out of memory';
COMMENT ON COLUMN rcq_private.live.requeue_requested_at IS 'When somebody asked for this run to be ended and the job to be run again';
COMMENT ON COLUMN rcq_private.home.since IS 'When the extension was made here: partitions that are older come from a dump. -infinity when they have been looked through for unfinished jobs';

-- 90-grants.sql makes all of them.
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT o.polname, c.relname FROM pg_catalog.pg_policy o JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) o.polrelid
              WHERE c.relnamespace OPERATOR(pg_catalog.=) 'rcq_private'::pg_catalog.regnamespace LOOP
        EXECUTE pg_catalog.format('DROP POLICY %I ON rcq_private.%I', p.polname, p.relname);
    END LOOP;
END $$;

DELETE FROM rcq_private.setting_definition;

-- Functions whose arguments or results change, and the types that they are made of.
DROP FUNCTION rcq.submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
    integer, text, text, jsonb, boolean, boolean, text);
DROP FUNCTION rcq_private.enqueue(rcq_private.request[]);
DROP FUNCTION rcq_private.check_names(rcq_private.request[]);
DROP TYPE rcq_private.request;
DROP FUNCTION rcq_private.parse_reports(jsonb);
DROP FUNCTION rcq_private.end_runs(integer, rcq_private.run_report[]);
DROP TYPE rcq_private.run_report;
DROP FUNCTION rcq_private.start_body(rcq_private.job_p0, rcq_private.live);
DROP FUNCTION rcq_private.found(text, text, text, jsonb);
DROP FUNCTION rcq_private.executor_verdicts(rcq_private.live);
DROP FUNCTION rcq_private.free_by_plan(rcq_private.live, rcq_private.executor_verdict[]);
DROP FUNCTION rcq_private.explain_gates(rcq_private.live);
DROP FUNCTION rcq_private.explain_capacity(rcq_private.live, rcq_private.executor_verdict[], boolean, text);
DROP FUNCTION rcq_private.explain_rank(rcq_private.live, rcq_private.executor_verdict[], record, text[]);
DROP FUNCTION rcq_private.explain_pending(rcq_private.live, rcq_private.finding[]);
DROP FUNCTION rcq_private.explain_run(rcq_private.job_p0, rcq_private.live, rcq_private.outcome_p0);
DROP TYPE rcq_private.finding;
DROP TYPE rcq_private.executor_verdict;
DROP FUNCTION rcq_private.lock_live(bigint);
DROP FUNCTION rcq.cancel(bigint);
DROP FUNCTION rcq.hold(bigint);
DROP FUNCTION rcq.release(bigint);

--include 15-setting-definitions.sql of 0.3 465 514
--include 16-job-relations.sql of 0.3 515 570
--include 20-library.sql of 0.3 571 715
--include 21-history-partitions.sql of 0.3 716 827
--include 28-request-type.sql of 0.3 828 847
--include 29-dependencies.sql of 0.3 848 917
--include 29-types.sql of 0.3 918 1115
--include 30-submit.sql of 0.3 1116 1533
--include 31-control.sql of 0.3 1534 1713
--include 32-arrays.sql of 0.3 1714 2057
--include 33-dependencies.sql of 0.3 2058 2459
--include 34-resubmit.sql of 0.3 2460 2603
--include 34-schedules.sql of 0.3 2604 2966
--include 35-graphs.sql of 0.3 2967 3072
--include 35-typed-jobs.sql of 0.3 3073 3129
--include 40-runs.sql of 0.3 3130 3330
--include 41-executor-functions.sql of 0.3 3331 3613
--include 42-logs.sql of 0.3 3614 3663
--include 50-views.sql of 0.3 3664 3957
--include 51-explain-facts.sql of 0.3 3958 4137
--include 51-explain.sql of 0.3 4138 4690
--include 52-dead-jobs.sql of 0.3 4691 4703
--include 52-schedule-views.sql of 0.3 4704 4723
--include 60-admin.sql of 0.3 4724 5002
--include 61-limits.sql of 0.3 5003 5158
--include 70-history.sql of 0.3 5159 5420

-- No view reads it any more.
DROP FUNCTION rcq_private.pending_state(bigint, integer, integer, integer, integer, integer, integer, text[], boolean, timestamptz,
    integer, text, text, jsonb, boolean, boolean, text);

-- The first partition takes all ids so far, and reaches to the next boundary.
SELECT rcq_private.attach_history(0, (s.last_value OPERATOR(pg_catalog./) 1000000 OPERATOR(pg_catalog.+) 1) OPERATOR(pg_catalog.*) 1000000 OPERATOR(pg_catalog.-) 1) FROM rcq_private.job_id s;

--include 90-grants.sql of 0.3 5421 5537
SELECT rcq_private.definitions_changed();
