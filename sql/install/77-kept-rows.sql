-- What jobs, usage and history name stays there, for everybody.
CREATE FUNCTION rcq_private.refuse_removal() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.fail('RC003', pg_catalog.format('rows of %s are not removed', TG_TABLE_NAME), 'Jobs, usage and history name them. A user is shut out by rcq.set_user, a host by rcq.drain_executor.');
END $$;
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON rcq_private.groups FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.refuse_removal();
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON rcq_private.users FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.refuse_removal();
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON rcq_private.executor FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.refuse_removal();
