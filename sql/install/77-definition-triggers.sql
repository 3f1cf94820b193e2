-- What backends keep in memory of definitions, they forget when one of these tables was changed, by whomever.

CREATE FUNCTION rcq_private.note_definitions() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'rcq_definitions_trigger';
COMMENT ON FUNCTION rcq_private.note_definitions() IS 'Makes every session read definitions again once this transaction has committed';

-- fired always, whatever session_replication_role is
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['groups', 'users', 'setting_definition', 'setting', 'credential', 'api_token', 'jwt_secret'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER definitions BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON rcq_private.%I
            FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.note_definitions()', t);
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I ENABLE ALWAYS TRIGGER definitions', t);
    END LOOP;
END $$;
-- the rest of its columns say how an executor does, and change with that
CREATE TRIGGER definitions BEFORE INSERT OR UPDATE OF id, name, features, gpu_type OR DELETE OR TRUNCATE ON rcq_private.executor
    FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.note_definitions();
ALTER TABLE rcq_private.executor ENABLE ALWAYS TRIGGER definitions;
