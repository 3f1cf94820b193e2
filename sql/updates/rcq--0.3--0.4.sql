\echo Use "ALTER EXTENSION rcq UPDATE TO '0.4'" to load this file. \quit

-- From 0.3 to what a fresh 0.4 has. `make` puts in the pieces that are named by --include, see expand.awk.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Everybody waits at the door: what calls read first is locked first, so that those under way can end. One that crosses
-- our locks all the same finds out before we do, and is refused in our stead; that is most often a sync, which its
-- executor repeats.
SET LOCAL deadlock_timeout TO '1min';
LOCK TABLE rcq_private.home, rcq_private.setting_definition, rcq_private.setting, rcq_private.users, rcq_private.executor, rcq_private.groups,
    rcq_private.job, rcq_private.live, rcq_private.outcome, rcq_private.run, rcq_private.command, rcq_private.log, rcq_private.usage;

ALTER TABLE rcq_private.users
    ADD COLUMN unix_user text COLLATE "C";
ALTER TABLE rcq_private.executor
    ADD COLUMN info jsonb,
    ADD COLUMN drain_at timestamptz,
    ADD COLUMN drain_requeues boolean NOT NULL DEFAULT false;
ALTER TABLE rcq_private.live
    ADD COLUMN log_full boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rcq_private.users.unix_user IS 'Account that jobs of the user run as where an executor may choose; NULL = the executor''s default';
COMMENT ON COLUMN rcq_private.live.losses IS 'How often a run of the job was lost with its executor, or could not be started by it';
COMMENT ON COLUMN rcq_private.live.log_full IS 'Whether so much output of this run is stored that no more is taken';
COMMENT ON TABLE rcq_private.run IS 'Attempts that ended without ending their job (retried, preempted, lost or never started); rows never change';
COMMENT ON TABLE rcq_private.usage IS 'Usage of ended runs by what they were granted: one row per run of ten minutes or more, one per user and report for all shorter ones; lost runs, and those that were never started, are not charged';
COMMENT ON COLUMN rcq_private.executor.drained IS 'Reason of a drain that an administrator ordered, or the executor until it is resumed; lasts until rcq.resume_executor';
UPDATE rcq_private.setting_definition d
   SET description = 'How often a job is run again after its executor was lost or could not start it, before it fails as executor_lost or not_started'
 WHERE d.name OPERATOR(pg_catalog.=) 'max_losses';
COMMENT ON COLUMN rcq_private.executor.info IS 'Facts of the host as its process registered them';
COMMENT ON COLUMN rcq_private.executor.drain_at IS 'When the administrator''s drain begins; NULL = it has begun';
COMMENT ON COLUMN rcq_private.executor.drain_requeues IS 'Whether that drain sends back to the queue what runs there';

-- Functions whose arguments or results change, and those of types that their piece makes.
DROP FUNCTION rcq.add_user(text, text, boolean, integer, text, numeric, integer, integer, integer, integer);
DROP FUNCTION rcq.set_user(text, text, boolean, integer, numeric, integer, integer, integer, integer, boolean);
DROP FUNCTION rcq_private.set_drained(text, text);
DROP FUNCTION rcq.drain_executor(text, text);
DROP FUNCTION rcq.executor_drain(integer, bigint, text);
DROP FUNCTION rcq_private.parse_reports(jsonb);
DROP FUNCTION rcq_private.end_runs(integer, rcq_private.run_report[]);
DROP TYPE rcq_private.run_report;
DROP FUNCTION rcq_private.explain_dependencies(rcq_private.live);
DROP FUNCTION rcq_private.explain_gates(rcq_private.live);
DROP FUNCTION rcq_private.explain_capacity(rcq_private.live, rcq_private.executor_verdict[], boolean, text);
DROP FUNCTION rcq_private.explain_rank(rcq_private.live, rcq_private.executor_verdict[], record, text[]);
DROP FUNCTION rcq_private.explain_pending(rcq_private.live, rcq_private.finding[]);
DROP FUNCTION rcq_private.explain_run(rcq_private.job, rcq_private.live, rcq_private.outcome);
DROP FUNCTION rcq_private.executor_verdicts(rcq_private.live);
DROP FUNCTION rcq_private.free_by_plan(rcq_private.live, rcq_private.executor_verdict[]);
DROP FUNCTION rcq_private.found(text, text, text, jsonb);
DROP TYPE rcq_private.finding;
DROP TYPE rcq_private.executor_verdict;

--include 20-library.sql of 0.4 582 730
--include 30-submit.sql of 0.4 1131 1548
--include 40-runs.sql of 0.4 3145 3346
--include 41-executor-functions.sql of 0.4 3347 3696
--include 50-views.sql of 0.4 3747 4045
--include 51-explain-facts.sql of 0.4 4046 4227
--include 51-explain.sql of 0.4 4228 4781
--include 60-admin.sql of 0.4 4815 5134
--include 70-history.sql of 0.4 5291 5552

-- 90-grants.sql makes all of them but that of 35-typed-jobs.sql.
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT o.polname, c.relname FROM pg_catalog.pg_policy o JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) o.polrelid
              WHERE c.relnamespace OPERATOR(pg_catalog.=) 'rcq_private'::pg_catalog.regnamespace AND c.relname OPERATOR(pg_catalog.<>) 'task_type' LOOP
        EXECUTE pg_catalog.format('DROP POLICY %I ON rcq_private.%I', p.polname, p.relname);
    END LOOP;
END $$;
--include 90-grants.sql of 0.4 5553 5669
SELECT rcq_private.definitions_changed();
