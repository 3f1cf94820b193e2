-- Making the partitions of job, outcome, run and log.

CREATE FUNCTION rcq_private.partitioned_to() RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_partitioned_to';
COMMENT ON FUNCTION rcq_private.partitioned_to() IS 'The least job id for which there is no partition yet, at this moment in every isolation level';

CREATE FUNCTION rcq_private.draw_job_ids(given bigint[], count integer) RETURNS bigint[]
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_draw_job_ids';
COMMENT ON FUNCTION rcq_private.draw_job_ids(bigint[], integer) IS 'So many job ids: those that are given, and new ones in the place of each NULL';

-- What every partition is indexed by; names are those of the partition and the suffix.
CREATE FUNCTION rcq_private.history_indexes(OUT parent text, OUT suffix text, OUT definition text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    VALUES ('job', 'pkey', 'PRIMARY KEY (id)'),
           ('job', 'user', '(user_id, id)'),
           ('job', 'name', '(user_id, name, id) WHERE name IS NOT NULL'),
           ('job', 'project', '(project, id) WHERE project IS NOT NULL'),
           ('job', 'external', '(external_id) WHERE external_id IS NOT NULL'),
           ('job', 'tags', 'USING gin (tags) WHERE tags IS NOT NULL'),
           ('job', 'array', '(array_id, array_index) WHERE array_id IS NOT NULL'),
           ('job', 'schedule', '(schedule_id, id) WHERE schedule_id IS NOT NULL'),
           ('outcome', 'pkey', 'PRIMARY KEY (job_id)'),
           ('outcome', 'failed', $i$(user_id, ended_at) WHERE status = 'failed'$i$),
           ('outcome', 'all_failed', $i$(job_id) WHERE status = 'failed'$i$),
           ('outcome', 'all_cancelled', $i$(job_id) WHERE status = 'cancelled'$i$),
           ('outcome', 'user_failed', $i$(user_id, job_id) WHERE status = 'failed'$i$),
           ('outcome', 'user_cancelled', $i$(user_id, job_id) WHERE status = 'cancelled'$i$),
           ('run', 'pkey', 'PRIMARY KEY (job_id, attempt)'),
           ('log', 'pkey', 'PRIMARY KEY (job_id, attempt, seq)')
$$;

-- Makes what is not there yet of the tables for these ids and attaches them, which locks out other changes of the
-- parents but no reading and writing.
CREATE FUNCTION rcq_private.attach_history(first_id bigint, last_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text;
    part text;
    i record;
BEGIN
    FOREACH kind IN ARRAY '{job,outcome,run,log}'::text[] LOOP
        part := pg_catalog.format('%s_p%s', kind, first_id);
        IF pg_catalog.to_regclass('rcq_private.' || part) IS NULL THEN
            EXECUTE pg_catalog.format('CREATE TABLE rcq_private.%I (LIKE rcq_private.%I INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)', part, kind);
        END IF;
        FOR i IN SELECT h.definition, part || '_' || h.suffix AS name FROM rcq_private.history_indexes() h WHERE h.parent = kind LOOP
            CONTINUE WHEN pg_catalog.to_regclass('rcq_private.' || i.name) IS NOT NULL;
            EXECUTE pg_catalog.format(CASE WHEN i.definition ~ '^PRIMARY KEY' THEN 'ALTER TABLE rcq_private.%2$I ADD CONSTRAINT %1$I %3$s' ELSE 'CREATE INDEX %1$I ON rcq_private.%2$I %3$s' END, i.name, part, i.definition);
        END LOOP;
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
        EXECUTE pg_catalog.format('COMMENT ON TABLE rcq_private.%I IS %L', part, pg_catalog.format('Partition of rcq_private.%s: jobs %s to %s', kind, first_id, last_id));
        EXECUTE pg_catalog.format('ALTER TABLE rcq_private.%I ATTACH PARTITION rcq_private.%I FOR VALUES FROM (%s) TO (%s)', kind, part, first_id, last_id + 1);
    END LOOP;
    INSERT INTO rcq_private.history_partition (first_id, last_id) VALUES (attach_history.first_id, attach_history.last_id);
END $$;

-- Makes partitions until there is one for this id, each as wide as the setting says now, or wider where that would be more
-- than 50: all of them are locked until the transaction ends, and the server has room for so many locks only. Whoever else
-- wants to waits for the lock, and then finds them. They are made as the owner, and so not where and how the session of a
-- user would have it.
CREATE FUNCTION rcq_private.add_partitions(up_to bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning SET default_tablespace = '' SET default_table_access_method = heap AS $$
DECLARE
    no_more CONSTANT bigint := 9223372036854775806;
    next_id bigint;
    size bigint;
BEGIN
    LOCK TABLE ONLY rcq_private.job IN SHARE UPDATE EXCLUSIVE MODE;
    next_id := rcq_private.partitioned_to();
    size := GREATEST(rcq_private.setting_text('history_partition_jobs')::double precision::bigint, (up_to - next_id) / 50 + 1);
    WHILE next_id <= LEAST(up_to, no_more) LOOP
        PERFORM rcq_private.attach_history(next_id, LEAST(no_more - size, next_id - 1) + size);
        next_id := rcq_private.partitioned_to();
    END LOOP;
END $$;

-- The same for whoever is about to store jobs up to this id, in their own transaction: that of the first job, and one
-- that stores more than the scheduler has made room for (rcq_private.extend_history).
CREATE FUNCTION rcq_private.ensure_partitions(up_to bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    IF up_to >= rcq_private.partitioned_to() THEN
        PERFORM rcq_private.add_partitions(up_to);
    END IF;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM rcq_private.fail('RC004', 'another transaction that stored the first jobs of a new part of the history is still open',
        'Try again in a moment; an open transaction may hold it (see pg_stat_activity).');
WHEN object_in_use THEN
    PERFORM rcq_private.fail('RC004', 'a new part of the history is needed, which cannot be made while this statement reads it',
        'Try again in a moment, or submit in a statement that does not read rcq.jobs.');
END $$;

-- Whether there are partitions for the next `count` ids, for the scheduler, whose cycle must neither wait nor fail: what is
-- missing is made if that can be done at once. False while somebody else makes partitions, which may take until the end
-- of their transaction.
CREATE FUNCTION rcq_private.partitions_ready(count integer) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '1ms' AS $$
DECLARE
    last_id CONSTANT bigint := (SELECT s.last_value + partitions_ready.count FROM rcq_private.job_id s);
BEGIN
    IF last_id >= rcq_private.partitioned_to() THEN
        BEGIN
            PERFORM rcq_private.add_partitions(last_id);
        EXCEPTION WHEN lock_not_available OR deadlock_detected OR object_in_use THEN
            RETURN false;
        END;
    END IF;
    RETURN true;
END $$;

-- So many new job ids, all of which can be stored: for those who store jobs beside rcq_private.enqueue_for. To be called
-- in a statement of its own before the one that stores them.
CREATE FUNCTION rcq_private.new_job_ids(count integer) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids CONSTANT bigint[] := rcq_private.draw_job_ids(NULL, count);
BEGIN
    PERFORM rcq_private.ensure_partitions(ids[count]);
    RETURN ids;
END $$;
