-- What administrators do with countable resources, concurrency limits, reservations, pauses and the price of GPUs.

CREATE FUNCTION rcq_private.executor_id(executor text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT e.id INTO found_id FROM rcq_private.executor e WHERE e.name = executor;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('executor', executor, (SELECT pg_catalog.string_agg(e.name, ', ' ORDER BY e.name) FROM rcq_private.executor e));
    END IF;
    RETURN found_id;
END $$;

CREATE FUNCTION rcq_private.check_word(kind text, word text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF word IS NULL OR NOT rcq_private.is_word(word) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('"%s" cannot be the name of %s', COALESCE(pg_catalog.left(word, 100), 'NULL'), kind),
            '1 to 63 lower-case letters, digits, "_", ".", ":" and "-", beginning with a letter or a digit.');
    END IF;
END $$;

CREATE FUNCTION rcq.set_consumable(name text, total bigint, executor text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner integer := 0;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_word('a countable resource', name);
    IF total < 0 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('total is %s, and cannot be negative', total), 'NULL removes the resource.');
    END IF;
    IF executor IS NOT NULL THEN owner := rcq_private.executor_id(executor); END IF;
    IF total IS NOT NULL AND EXISTS (SELECT FROM rcq_private.consumable c WHERE c.name = set_consumable.name AND (c.executor_id = 0) <> (owner = 0)) THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format(CASE owner WHEN 0 THEN 'executors have "%s", each its own' ELSE 'the cluster has "%s" as a whole' END, name),
            'A resource is counted either for the whole cluster or on each executor: remove the one first (total NULL), or choose another name.');
    END IF;
    IF total IS NULL THEN
        DELETE FROM rcq_private.consumable c WHERE c.executor_id = owner AND c.name = set_consumable.name;
    ELSE
        INSERT INTO rcq_private.consumable AS c (executor_id, name, total) VALUES (owner, set_consumable.name, set_consumable.total)
        ON CONFLICT ON CONSTRAINT consumable_pkey DO UPDATE SET total = EXCLUDED.total;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_consumable(text, bigint, text) IS
'Says how many of a countable resource (licences, scratch disks) there are, on one executor or (NULL) in the whole cluster, but not both under one name; a total of NULL removes it. What runs keeps what it holds. Errors: RC001, RC002, RC005, RC006';

CREATE FUNCTION rcq.set_concurrency_limit(key text, max_jobs integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    IF key IS NULL OR key !~ '^[^[:cntrl:]]{1,200}$' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('"%s" cannot be a concurrency key', COALESCE(pg_catalog.left(key, 100), 'NULL')),
            '1 to 200 characters on one line.');
    END IF;
    IF max_jobs < 0 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('max_jobs is %s, and cannot be negative', max_jobs), 'NULL removes the limit.');
    END IF;
    IF max_jobs IS NULL THEN
        DELETE FROM rcq_private.concurrency_limit c WHERE c.key = set_concurrency_limit.key;
    ELSE
        INSERT INTO rcq_private.concurrency_limit AS c (key, max_jobs) VALUES (set_concurrency_limit.key, set_concurrency_limit.max_jobs)
        ON CONFLICT ON CONSTRAINT concurrency_limit_pkey DO UPDATE SET max_jobs = EXCLUDED.max_jobs;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_concurrency_limit(text, integer) IS
'Limits how many jobs with this concurrency key may be placed and running at once, whoever submitted them; 0 = none, NULL removes the limit. Errors: RC001, RC005';

CREATE FUNCTION rcq.reserve(starts_at timestamptz, ends_at timestamptz, executor text DEFAULT NULL, group_name text DEFAULT NULL, reason text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
    reserved_executor integer;
    reserved_group integer;
BEGIN
    PERFORM rcq_private.require_admin();
    IF starts_at IS NULL OR ends_at IS NULL OR NOT pg_catalog.isfinite(starts_at) OR NOT pg_catalog.isfinite(ends_at) THEN
        PERFORM rcq_private.fail('RC001', 'a reservation needs a begin and an end', 'To stop without an end: rcq.pause or rcq.drain_executor.');
    ELSIF ends_at <= starts_at THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('the reservation ends at %s, not after its begin at %s', ends_at, starts_at));
    ELSIF ends_at <= pg_catalog.clock_timestamp() THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('the reservation lies in the past: it ends at %s', ends_at));
    END IF;
    IF executor IS NOT NULL THEN reserved_executor := rcq_private.executor_id(executor); END IF;
    IF group_name IS NOT NULL THEN reserved_group := rcq_private.group_id(group_name); END IF;
    INSERT INTO rcq_private.reservation AS r (executor_id, group_id, starts_at, ends_at, reason, created_by)
    VALUES (reserved_executor, reserved_group, reserve.starts_at, reserve.ends_at, pg_catalog.left(reserve.reason, 1000), rcq_private.user_name(rcq_private.caller_id()))
    RETURNING r.id INTO new_id;
    PERFORM rcq_private.definitions_changed();
    RETURN new_id;
END $$;
COMMENT ON FUNCTION rcq.reserve(timestamptz, timestamptz, text, text, text) IS
'Keeps an executor (NULL = all) for a group (NULL = for nobody: maintenance) from starts_at to ends_at, and returns the id of the reservation: nothing else is placed that is planned to run into it; what runs there goes on. Errors: RC001, RC002, RC005';

CREATE FUNCTION rcq.cancel_reservation(id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    DELETE FROM rcq_private.reservation r WHERE r.id = cancel_reservation.id;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no reservation %s', COALESCE(id::text, 'NULL')), 'List them with SELECT * FROM rcq.reservations.');
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.cancel_reservation(integer) IS 'Removes a reservation, whether to come, active or over. Errors: RC002, RC005';

-- Pauses (with a reason) or resumes (reason NULL) the cluster, a group or an executor.
CREATE FUNCTION rcq_private.set_paused(reason text, group_name text, executor text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    IF group_name IS NOT NULL AND executor IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', 'give a group or an executor, not both', 'Call once for each.');
    ELSIF executor IS NOT NULL THEN
        PERFORM rcq_private.set_drained(executor, reason);
    ELSIF group_name IS NOT NULL THEN
        UPDATE rcq_private.groups g SET paused = reason WHERE g.id = rcq_private.group_id(group_name);
    ELSIF reason IS NULL THEN
        DELETE FROM rcq_private.paused;
    ELSE
        INSERT INTO rcq_private.paused AS p (reason, by) VALUES (set_paused.reason, rcq_private.user_name(rcq_private.caller_id()))
        ON CONFLICT ((true)) DO UPDATE SET reason = EXCLUDED.reason, since = EXCLUDED.since, by = EXCLUDED.by;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;

CREATE FUNCTION rcq.pause(reason text, group_name text DEFAULT NULL, executor text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.set_paused(COALESCE(pg_catalog.left(reason, 1000), 'paused by an administrator'), group_name, executor) $$;
COMMENT ON FUNCTION rcq.pause(text, text, text) IS
'Places nothing more in the whole cluster, of one group, or on one executor (as rcq.drain_executor), until rcq.resume; what runs goes on, and jobs are accepted. Errors: RC001 (group and executor together), RC002, RC005';

CREATE FUNCTION rcq.resume(group_name text DEFAULT NULL, executor text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT rcq_private.set_paused(NULL, group_name, executor) $$;
COMMENT ON FUNCTION rcq.resume(text, text) IS
'Ends the pause of the cluster, of a group, or of an executor; each of them on its own. Errors: RC001 (group and executor together), RC002, RC005';

CREATE FUNCTION rcq.set_gpu_billing(gpu_type text, per_hour numeric) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_word('a GPU model', gpu_type);
    IF NOT (per_hour >= 0 AND per_hour <= 1e6) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('per_hour is %s, allowed is 0 to 1000000', per_hour), 'NULL goes back to the setting billing_gpu_hour.');
    END IF;
    IF per_hour IS NULL THEN
        DELETE FROM rcq_private.gpu_billing b WHERE b.gpu_type = set_gpu_billing.gpu_type;
    ELSE
        INSERT INTO rcq_private.gpu_billing AS b (gpu_type, per_hour) VALUES (set_gpu_billing.gpu_type, set_gpu_billing.per_hour)
        ON CONFLICT ON CONSTRAINT gpu_billing_pkey DO UPDATE SET per_hour = EXCLUDED.per_hour;
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_gpu_billing(text, numeric) IS
'Says how many hours one hour of a GPU of this model is billed; NULL = as the setting billing_gpu_hour. Counts for past use in the window, too. Errors: RC001, RC005';
