-- t.wait, alone, for tests that go to another database.
CREATE SCHEMA t;
GRANT USAGE ON SCHEMA t TO PUBLIC;

CREATE FUNCTION t.wait(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '20 s';
    holds boolean;
BEGIN
    LOOP
        PERFORM pg_stat_clear_snapshot();
        EXECUTE 'SELECT ' || condition INTO holds;
        IF holds THEN RETURN 'yes'; END IF;
        IF clock_timestamp() > deadline THEN RETURN 'no, not within 20 s'; END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;
