\echo Use "CREATE EXTENSION rcq" to load this file. \quit

-- Every name below is qualified; nothing in this script may depend on the installer's search_path.
SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE SCHEMA rcq;
COMMENT ON SCHEMA rcq IS 'Research compute queue: functions and views for people and executors';
CREATE SCHEMA rcq_private;
COMMENT ON SCHEMA rcq_private IS 'Research compute queue: tables and helpers, no stable interface';

-- Roles are cluster-wide: made when absent, taken over only when nobody could have armed them, never dropped.
DO $$
DECLARE
    wanted text;
    existing record;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['rcq_user', 'rcq_admin', 'rcq_executor'] LOOP
        SELECT r.oid, r.rolcanlogin OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
               OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member OPERATOR(pg_catalog.=) r.oid) AS armed
          INTO existing FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) wanted;
        IF NOT FOUND THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB', wanted);
        ELSIF existing.armed THEN
            RAISE EXCEPTION USING ERRCODE = 'RC006',
                MESSAGE = pg_catalog.format('role "%s" exists and is not a plain NOLOGIN role without memberships', wanted),
                HINT = 'rcq needs this name for a role of its own: rename or strip the existing role, then CREATE EXTENSION again.';
        END IF;
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA rcq TO rcq_user, rcq_admin, rcq_executor;
