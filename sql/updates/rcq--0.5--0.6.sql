\echo Use "ALTER EXTENSION rcq UPDATE TO '0.6'" to load this file. \quit

-- From 0.5 to what a fresh 0.6 has. `make` puts in the pieces that are named by --include, see expand.awk.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Everybody waits at the door: what calls read first is locked first, so that those under way can end. One that crosses
-- our locks all the same finds out before we do, and is refused in our stead; that is most often a sync, which its
-- executor repeats.
SET LOCAL deadlock_timeout TO '1min';
LOCK TABLE rcq_private.home, rcq_private.setting_definition, rcq_private.setting, rcq_private.users, rcq_private.executor, rcq_private.groups,
    rcq_private.job, rcq_private.live, rcq_private.outcome, rcq_private.run, rcq_private.command, rcq_private.log, rcq_private.usage;

-- What runs come to, and what executors are told, the library itself works out.
DROP FUNCTION rcq.executor_sync(integer, bigint, bigint, bigint[], jsonb, jsonb, integer);
DROP FUNCTION rcq_private.end_runs(integer, rcq_private.run_report[]);
DROP FUNCTION rcq_private.parse_reports(jsonb);
DROP TYPE rcq_private.run_report;
DROP FUNCTION rcq_private.retry_delay(jsonb, text, integer, integer), rcq_private.start_body(rcq_private.job, rcq_private.job, rcq_private.live),
    rcq_private.count_ends(text[], text[], double precision[]), rcq_private.touched_quietly(bigint), rcq_private.own_executor(integer, bigint), rcq_private.executor_terms();

-- when a cancel was written; what the library adds, starts, says nothing of it
ALTER TABLE rcq_private.command ADD COLUMN written_at timestamptz;
ALTER TABLE rcq_private.command ALTER COLUMN written_at SET DEFAULT pg_catalog.clock_timestamp();
COMMENT ON COLUMN rcq_private.command.written_at IS 'Of a cancel, which is written in SQL; NULL = a start, which the library writes when it places the run';
COMMENT ON TABLE rcq_private.job IS 'What was submitted; rows are changed by rcq.update_job alone, before they run';
COMMENT ON TABLE rcq_private.run IS 'Attempts that ended without ending their job (retried, preempted, lost or never started); rows do not change, but that rcq.update_job writes down what they were granted where the job said so until then';

DELETE FROM rcq_private.setting_definition;
--include 15-setting-definitions.sql of 0.6 514 569

--include 19-progress-table.sql of 0.6 701 716
--include 20-library.sql of 0.6 717 889
--include 21-history-partitions.sql of 0.6 890 1009
-- what the library does
DROP FUNCTION rcq_private.check_limits(rcq_private.users, bigint, bigint, bigint), rcq_private.has_option(rcq_private.request),
    rcq_private.retry_policy(rcq_private.request), rcq_private.request_types(), rcq_private.misfit(jsonb);
--include 30-submit.sql of 0.6 1298 1433
--include 31-control.sql of 0.6 1434 1656
--include 31-update-job.sql of 0.6 1657 1804
--include 32-arrays.sql of 0.6 1805 2155
--include 33-change-jobs.sql of 0.6 2156 2333
--include 33-dependency-verdicts.sql of 0.6 2659 2738
--include 34-resubmit.sql of 0.6 2739 2888
--include 34-schedules.sql of 0.6 2930 3137
--include 35-fires.sql of 0.6 3138 3273
--include 36-inbox.sql of 0.6 3401 3425
--include 40-runs.sql of 0.6 3426 3474
--include 41-executor-functions.sql of 0.6 3475 3653
--include 42-logs.sql of 0.6 3654 3748
--include 43-progress.sql of 0.6 3749 3791
--include 50-views.sql of 0.6 3792 4101
--include 51-explain-runs.sql of 0.6 4284 4377
--include 51-explain.sql of 0.6 4378 4904
--include 53-efficiency.sql of 0.6 4938 5002
--include 53-job-states.sql of 0.6 5003 5010
--include 54-job-lists.sql of 0.6 5011 5168
--include 60-admin.sql of 0.6 5169 5515
--include 64-passwords.sql of 0.6 5672 5889
--include 64-tokens.sql of 0.6 5890 6028
DROP FUNCTION rcq_private.cancel_restored(bigint[]);
--include 70-history.sql of 0.6 6029 6319
--include 75-audit-retention.sql of 0.6 6320 6352
--include 75-recording.sql of 0.6 6383 6391
--include 76-audit-rows.sql of 0.6 6392 6431
--include 77-definition-triggers.sql of 0.6 6486 6506
--include 78-restored-rows.sql of 0.6 6507 6534

-- routes return another type
DO $$
DECLARE
    f pg_catalog.regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) 'rcq_rest'::pg_catalog.regnamespace LOOP
        EXECUTE pg_catalog.format('DROP FUNCTION %s', f);
    END LOOP;
END $$;
DROP DOMAIN rcq_rest."text/plain";
DROP VIEW rcq_private.rest_job;
--include 80-rest-answers.sql of 0.6 6535 6618
--include 81-rest-auth.sql of 0.6 6619 6809
--include 82-rest-jobs.sql of 0.6 6810 7037
--include 82-rest-submit.sql of 0.6 7038 7136
--include 83-rest-queue.sql of 0.6 7137 7281
--include 84-rest-admin.sql of 0.6 7282 7542
--include 84-rest-statistics.sql of 0.6 7543 7604
--include 85-rest-observe.sql of 0.6 7605 7737

-- views and functions over HTTP are made anew from those of schema rcq
DO $$
DECLARE
    v pg_catalog.regclass;
BEGIN
    FOR v IN SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) 'rcq_api'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) 'v' LOOP
        EXECUTE pg_catalog.format('DROP VIEW %s', v);
    END LOOP;
END $$;
--include 86-api-views.sql of 0.6 7738 7762
DO $$
DECLARE
    f pg_catalog.regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) 'rcq_api'::pg_catalog.regnamespace LOOP
        EXECUTE pg_catalog.format('DROP FUNCTION %s', f);
    END LOOP;
END $$;
DROP DOMAIN rcq_api."application/octet-stream";
--include 87-api-functions.sql of 0.6 7763 7868

-- 90-grants.sql makes all policies but that of 35-typed-jobs.sql
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT o.polname, c.relname FROM pg_catalog.pg_policy o JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) o.polrelid
              WHERE c.relnamespace OPERATOR(pg_catalog.=) 'rcq_private'::pg_catalog.regnamespace AND c.relname OPERATOR(pg_catalog.<>) 'task_type' LOOP
        EXECUTE pg_catalog.format('DROP POLICY %I ON rcq_private.%I', p.polname, p.relname);
    END LOOP;
END $$;
--include 90-grants.sql of 0.6 7869 8043
--include 95-postgrest.sql of 0.6 8044 8046
SELECT rcq_private.definitions_changed();
