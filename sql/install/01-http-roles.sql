-- Who comes over HTTP, and what they see: PostgREST logs in as rcq_authenticator, which has no rights but to become
-- rcq_anon (nobody yet), rcq_user or rcq_admin. Roles are cluster-wide and treated as those of 00-header.sql.

DO $$
DECLARE
    wanted text;
    existing record;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['rcq_anon', 'rcq_authenticator'] LOOP
        -- the authenticator may log in (rcq.set_http_password), and be a member of the three that it becomes
        SELECT r.oid, r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
               OR r.rolcanlogin AND wanted OPERATOR(pg_catalog.=) 'rcq_anon'
               OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                           WHERE m.member OPERATOR(pg_catalog.=) r.oid
                             AND NOT (wanted OPERATOR(pg_catalog.=) 'rcq_authenticator'
                                      AND m.roleid OPERATOR(pg_catalog.=) ANY (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname OPERATOR(pg_catalog.=) ANY ('{rcq_anon,rcq_user,rcq_admin}'))))
               -- whoever is in the authenticator could be everybody
               OR wanted OPERATOR(pg_catalog.=) 'rcq_authenticator' AND EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid OPERATOR(pg_catalog.=) r.oid) AS armed
          INTO existing FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) wanted;
        IF NOT FOUND THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB', wanted);
        ELSIF existing.armed THEN
            RAISE EXCEPTION USING ERRCODE = 'RC006',
                MESSAGE = pg_catalog.format('role "%s" exists and is not a plain role without memberships and members', wanted),
                HINT = 'rcq needs this name for a role of its own: rename or strip the existing role, then try again.';
        END IF;
    END LOOP;
    SET LOCAL client_min_messages = warning;
    GRANT rcq_anon, rcq_user, rcq_admin TO rcq_authenticator;
    ALTER ROLE rcq_authenticator NOINHERIT;
    -- parameters of its statements are what people send, with their passwords and tokens: not for the server's log
    ALTER ROLE rcq_authenticator SET log_parameter_max_length TO 0;
    ALTER ROLE rcq_authenticator SET log_parameter_max_length_on_error TO 0;
END $$;

CREATE SCHEMA rcq_api;
COMMENT ON SCHEMA rcq_api IS 'Research compute queue over HTTP: views are read, functions change; see /rest for its description';
CREATE SCHEMA rcq_rest;
COMMENT ON SCHEMA rcq_rest IS 'One function per route of the REST interface (/api), called by the web server in front of PostgREST alone';

GRANT USAGE ON SCHEMA rcq, rcq_rest TO rcq_anon;
GRANT USAGE ON SCHEMA rcq_api, rcq_rest TO rcq_user, rcq_admin;
