\echo Use "ALTER EXTENSION rcq UPDATE TO '0.5'" to load this file. \quit

-- From 0.4 to what a fresh 0.5 has. `make` puts in the pieces that are named by --include, see expand.awk.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Everybody waits at the door: what calls read first is locked first, so that those under way can end. One that crosses
-- our locks all the same finds out before we do, and is refused in our stead; that is most often a sync, which its
-- executor repeats.
SET LOCAL deadlock_timeout TO '1min';
LOCK TABLE rcq_private.home, rcq_private.setting_definition, rcq_private.setting, rcq_private.users, rcq_private.executor, rcq_private.groups,
    rcq_private.job, rcq_private.live, rcq_private.outcome, rcq_private.run, rcq_private.command, rcq_private.log, rcq_private.usage;

--include 01-http-roles.sql

-- lists of one's unfinished jobs, newest first
DROP INDEX rcq_private.live_user;
CREATE INDEX live_user ON rcq_private.live (user_id, job_id);
-- 21-history-partitions.sql says what partitions are indexed by: those that are there get what is new
--include 21-history-partitions.sql
DO $$
DECLARE
    i record;
BEGIN
    FOR i IN SELECT pg_catalog.format('%s_p%s', h.parent, p.first_id) AS part, h.suffix, h.definition
               FROM rcq_private.history_partition p, rcq_private.history_indexes() h WHERE h.suffix OPERATOR(pg_catalog.=) ANY ('{unsuccessful,user_unsuccessful}') LOOP
        EXECUTE pg_catalog.format('CREATE INDEX %I ON rcq_private.%I %s', i.part || '_' || i.suffix, i.part, i.definition);
    END LOOP;
END $$;

DROP FUNCTION rcq_private.parse_requests(jsonb);
--include 30-submit.sql
--include 80-rest-answers.sql
--include 82-rest-jobs.sql
--include 82-rest-submit.sql
--include 83-rest-queue.sql
--include 84-rest-admin.sql

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
--include 90-grants.sql
SELECT rcq_private.definitions_changed();
