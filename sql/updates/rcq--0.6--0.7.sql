\echo Use "ALTER EXTENSION rcq UPDATE TO '0.7'" to load this file. \quit

-- From 0.6 to what a fresh 0.7 has. `make` puts in the pieces that are named by --include, see expand.awk.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Everybody waits at the door: what calls read first is locked first, so that those under way can end. One that crosses
-- our locks all the same finds out before we do, and is refused in our stead; that is most often a sync, which its
-- executor repeats.
SET LOCAL deadlock_timeout TO '1min';
LOCK TABLE rcq_private.home, rcq_private.setting_definition, rcq_private.setting, rcq_private.users, rcq_private.executor, rcq_private.groups,
    rcq_private.job, rcq_private.live, rcq_private.outcome, rcq_private.run, rcq_private.command, rcq_private.log, rcq_private.usage;

-- no foreign keys between tables that a dump takes along
ALTER TABLE rcq_private.groups DROP CONSTRAINT groups_parent_id_fkey;
ALTER TABLE rcq_private.users DROP CONSTRAINT users_group_id_fkey;
ALTER TABLE rcq_private.reservation DROP CONSTRAINT reservation_executor_id_fkey, DROP CONSTRAINT reservation_group_id_fkey;
ALTER TABLE rcq_private.credential DROP CONSTRAINT credential_user_id_fkey;
ALTER TABLE rcq_private.api_token DROP CONSTRAINT api_token_user_id_fkey;
ALTER TABLE rcq_private.schedule DROP CONSTRAINT schedule_user_id_fkey;
ALTER TABLE rcq_private.fire DROP CONSTRAINT fire_schedule_id_fkey;
--include 77-kept-rows.sql
REVOKE ALL ON FUNCTION rcq_private.refuse_removal() FROM PUBLIC;

--include 34-schedules.sql

-- bodies that are parsed once, and not under the search_path of whoever reads a view; tasks of arrays that wait without a row of their own: in lists, by their reason, and in what is done to many
DROP FUNCTION rcq_private.select_jobs(jsonb, bigint[], boolean);
DROP FUNCTION rcq_api.queue_page(integer, text[], text, text, boolean), rcq.queue_page(integer, text[], text, text, boolean);
--include 20-library.sql
--include 32-arrays.sql
--include 33-change-jobs.sql
--include 41-executor-functions.sql
--include 50-views.sql
--include 50-words.sql
CREATE OR REPLACE FUNCTION rcq_private.found(kind text, reason text, message text, data jsonb) RETURNS rcq_private.finding
LANGUAGE sql IMMUTABLE RETURN ROW(kind, reason, message, data)::rcq_private.finding;
--include 51-explain-runs.sql
--include 53-efficiency.sql
--include 54-job-lists.sql
CREATE OR REPLACE FUNCTION rcq_private.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE RETURN pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
REVOKE ALL ON FUNCTION rcq_private.tasks_held(bigint), rcq_private.waiting_reason(bigint), rcq_private.cancel_tasks(bigint, int4multirange, text),
    rcq_private.hold_tasks(bigint, int4multirange, boolean), rcq_private.rowless_tasks(bigint, text), rcq_private.select_jobs(jsonb, bigint[], boolean),
    rcq_private.lock_whole(bigint[], bigint[]), rcq_private.change_rowless(text, bigint, text, integer), rcq.queue_page(integer, text[], text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rcq_private.tasks_held(bigint), rcq_private.waiting_reason(bigint), rcq.queue_page(integer, text[], text, text, boolean) TO rcq_user, rcq_admin;

-- what of that is served over HTTP: the column of the view, the comments
CREATE OR REPLACE VIEW rcq_api.queue WITH (security_invoker = true) AS SELECT v.* FROM rcq.queue v, (SELECT) read_only;
DO $$
DECLARE
    described record;
BEGIN
    FOR described IN SELECT c.relname, a.attname, pg_catalog.col_description(c.oid, a.attnum) AS text, pg_catalog.obj_description(c.oid, 'pg_class') AS of_view
                       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) ANY ('{tasks_held,pending_jobs}')
                      WHERE c.relnamespace OPERATOR(pg_catalog.=) 'rcq'::pg_catalog.regnamespace AND c.relname OPERATOR(pg_catalog.=) ANY ('{queue,group_usage}') LOOP
        EXECUTE pg_catalog.format('COMMENT ON VIEW rcq_api.%I IS %L', described.relname, described.of_view);
        EXECUTE pg_catalog.format('COMMENT ON COLUMN rcq_api.%I.%I IS %L', described.relname, described.attname, described.text);
    END LOOP;
END $$;

-- functions over HTTP that take a whole body look at it before it is made jsonb: all are made anew from those of schema rcq
DO $$
DECLARE
    f pg_catalog.regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) 'rcq_api'::pg_catalog.regnamespace LOOP
        EXECUTE pg_catalog.format('DROP FUNCTION %s', f);
    END LOOP;
END $$;
DROP DOMAIN rcq_api."application/octet-stream";
--include 87-api-functions.sql
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rcq_private, rcq_api FROM PUBLIC;
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT a.oid::pg_catalog.regprocedure AS called, r.name AS role_name
               FROM pg_catalog.pg_proc a JOIN pg_catalog.pg_proc s ON s.proname OPERATOR(pg_catalog.=) a.proname AND s.pronamespace OPERATOR(pg_catalog.=) 'rcq'::pg_catalog.regnamespace,
                    pg_catalog.unnest('{rcq_user,rcq_admin}'::text[]) r(name)
              WHERE a.pronamespace OPERATOR(pg_catalog.=) 'rcq_api'::pg_catalog.regnamespace AND pg_catalog.has_function_privilege(r.name, s.oid, 'EXECUTE') LOOP
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %I', f.called, f.role_name);
    END LOOP;
END $$;

SELECT rcq_private.definitions_changed();
