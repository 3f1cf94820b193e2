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

-- bodies that are parsed once, and not under the search_path of whoever reads a view
--include 20-library.sql
--include 32-arrays.sql
--include 41-executor-functions.sql
--include 50-views.sql
--include 50-words.sql
CREATE OR REPLACE FUNCTION rcq_private.found(kind text, reason text, message text, data jsonb) RETURNS rcq_private.finding
LANGUAGE sql IMMUTABLE RETURN ROW(kind, reason, message, data)::rcq_private.finding;
--include 51-explain-runs.sql
--include 53-efficiency.sql
CREATE OR REPLACE FUNCTION rcq_private.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE RETURN pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
CREATE OR REPLACE FUNCTION rcq_private.json_types(of regtype) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN of = ANY ('{integer,bigint,numeric}'::regtype[]) THEN 'number' WHEN of = 'boolean'::regtype THEN 'boolean'
                WHEN of = 'interval'::regtype THEN 'string or number' WHEN of = 'text[]'::regtype THEN 'array'
                WHEN of = 'jsonb'::regtype THEN 'object, array, string, number or boolean' ELSE 'string' END;

SELECT rcq_private.definitions_changed();
