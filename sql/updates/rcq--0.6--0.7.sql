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

--include 34-schedules.sql

SELECT rcq_private.definitions_changed();
