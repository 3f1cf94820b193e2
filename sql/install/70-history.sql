-- How long history is kept, and what becomes of unfinished jobs when a database is restored from a dump. The scheduler
-- calls these functions in this order, each in a transaction of its own. It never waits long for a lock of somebody else.

-- Whether a partition is as rcq_private.attach_history leaves it; pg_restore makes indexes and row security last.
CREATE FUNCTION rcq_private.is_complete(p rcq_private.history_partition) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.bool_and(EXISTS (
               SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
                WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relname = pg_catalog.format('%s_p%s', h.parent, p.first_id)
                  AND x.relname = pg_catalog.format('%s_p%s_%s', h.parent, p.first_id, h.suffix) AND i.indisvalid AND c.relrowsecurity AND c.relforcerowsecurity))
      FROM rcq_private.history_indexes() h WHERE NOT (p.logs_dropped AND h.parent = 'log')
$$;

-- Finds the jobs that a restored dump has left without live row and outcome, once. False while the restore is under way.
CREATE FUNCTION rcq_private.settle_restore() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms'
SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on AS $$
DECLARE
    born CONSTANT timestamptz := (SELECT h.since FROM rcq_private.home h);
BEGIN
    IF NOT EXISTS (SELECT FROM rcq_private.history_partition p WHERE p.made_at < born) THEN
        RETURN true;
    END IF;
    IF EXISTS (SELECT FROM rcq_private.history_partition p WHERE NOT rcq_private.is_complete(p)) THEN
        RETURN false;
    END IF;
    UPDATE rcq_private.home SET since = '-infinity' WHERE since = born;
    IF FOUND THEN
        INSERT INTO rcq_private.restored (job_id, user_id, priority)
        SELECT j.id, j.user_id, j.priority
          FROM (SELECT pg_catalog.min(p.first_id) AS first_id FROM rcq_private.history_partition p WHERE p.closed_at IS NULL) f
          JOIN rcq_private.job j ON j.id >= f.first_id
         WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = j.id)
           AND NOT EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = j.id);
    END IF;
    RETURN true;
END $$;

-- Makes the next partition when half of the newest one is taken, or when fewer than 10,000 ids have one; false when none
-- is needed. The first one is never made here: it may be about to come from a dump.
CREATE FUNCTION rcq_private.extend_history() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    newest rcq_private.history_partition;
    is_needed boolean := false;
BEGIN
    SELECT * INTO newest FROM rcq_private.history_partition p ORDER BY p.first_id DESC LIMIT 1;
    IF FOUND THEN
        SELECT s.last_value > LEAST(newest.first_id + (newest.last_id - newest.first_id) / 2, newest.last_id - 10000) INTO is_needed FROM rcq_private.job_id s;
    END IF;
    IF is_needed THEN
        PERFORM rcq_private.add_partitions(newest.last_id + 1);
    END IF;
    RETURN is_needed;
END $$;

-- Notes which partitions will not change any more, and are not needed for what goes on: an array that has not ended needs
-- those of its tasks that have. A transaction that is still open may have a job in one all the same;
-- that is found when the partition is to be dropped.
CREATE FUNCTION rcq_private.close_history() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
    UPDATE rcq_private.history_partition p SET closed_at = pg_catalog.clock_timestamp()
     WHERE p.closed_at IS NULL AND p.last_id < (SELECT s.last_value FROM rcq_private.job_id s)
       AND NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id BETWEEN p.first_id AND p.last_id)
       AND NOT EXISTS (SELECT FROM rcq_private.restored r WHERE r.job_id BETWEEN p.first_id AND p.last_id)
       AND NOT EXISTS (SELECT FROM rcq_private.array a JOIN rcq_private.live l ON l.job_id = a.job_id
                        WHERE EXISTS (SELECT FROM rcq_private.job j WHERE j.array_id = a.job_id AND j.id BETWEEN p.first_id AND p.last_id))
$$;

-- The partitions whose time is over, whole or their logs alone.
CREATE FUNCTION rcq_private.history_due(OUT first_id bigint, OUT last_id bigint, OUT whole boolean) RETURNS SETOF record
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.first_id, p.last_id, w.whole
      FROM rcq_private.history_partition p,
           (SELECT NULLIF(rcq_private.setting_text('history_retention')::double precision, 0) AS history_s,
                   NULLIF(rcq_private.setting_text('log_retention')::double precision, 0) AS log_s) s,
           LATERAL (SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.closed_at) AS closed_s) k,
           LATERAL (SELECT p.prune_asked OR COALESCE(k.closed_s >= s.history_s, false) AS whole) w
     WHERE p.closed_at IS NOT NULL AND (w.whole OR NOT p.logs_dropped AND k.closed_s >= s.log_s)
     ORDER BY p.first_id
$$;

-- Deletes what other tables keep of these jobs.
CREATE FUNCTION rcq_private.tidy_history(first_id bigint, last_id bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
    DELETE FROM rcq_private.idempotency i USING rcq_private.job j
     WHERE j.id BETWEEN tidy_history.first_id AND tidy_history.last_id AND j.idempotency_key IS NOT NULL
       AND i.user_id = j.user_id AND i.key = j.idempotency_key AND i.job_id = j.id;
    DELETE FROM rcq_private.array_end a WHERE a.array_id BETWEEN tidy_history.first_id AND tidy_history.last_id;
    DELETE FROM rcq_private.array a WHERE a.job_id BETWEEN tidy_history.first_id AND tidy_history.last_id;
    DELETE FROM rcq_private.dependency d WHERE d.job_id BETWEEN tidy_history.first_id AND tidy_history.last_id;
    DELETE FROM rcq_private.resubmission r WHERE r.job_id BETWEEN tidy_history.first_id AND tidy_history.last_id;
$$;

-- Takes the locks that dropping a partition, or its logs alone, takes, and gives up after 100 ms in which somebody reads
-- it: everybody who comes later would wait behind us. False when the partition must stay: what was stored late, by a
-- transaction that was still open when it was closed, opens it again.
CREATE FUNCTION rcq_private.may_drop_history(first_id bigint, whole boolean) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    p rcq_private.history_partition;
    parent text;
BEGIN
    SELECT * INTO STRICT p FROM rcq_private.history_partition h WHERE h.first_id = may_drop_history.first_id FOR UPDATE;
    FOREACH parent IN ARRAY '{job,outcome,run,log}'::text[] LOOP
        CONTINUE WHEN parent <> 'log' AND NOT whole OR parent = 'log' AND p.logs_dropped;
        EXECUTE pg_catalog.format('LOCK TABLE ONLY rcq_private.%I, rcq_private.%I IN ACCESS EXCLUSIVE MODE', parent, pg_catalog.format('%s_p%s', parent, p.first_id));
    END LOOP;
    IF EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id BETWEEN p.first_id AND p.last_id) THEN
        UPDATE rcq_private.history_partition h SET closed_at = NULL, prune_asked = false, waiting_since = NULL WHERE h.first_id = p.first_id;
        RETURN false;
    END IF;
    RETURN true;
END $$;

-- Drops a partition with what other tables keep of its jobs, or its logs alone, if it may be dropped. Nobody can store a
-- job in it from before the look for live ones until it is gone; while other tables are tidied, everybody can read it and
-- store jobs elsewhere.
CREATE FUNCTION rcq_private.drop_history(first_id bigint, whole boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET client_min_messages = warning AS $$
DECLARE
    p rcq_private.history_partition;
BEGIN
    SELECT * INTO STRICT p FROM rcq_private.history_partition h WHERE h.first_id = drop_history.first_id FOR UPDATE;
    IF whole THEN
        EXECUTE pg_catalog.format('LOCK TABLE ONLY rcq_private.%I IN SHARE MODE', pg_catalog.format('job_p%s', p.first_id));
        IF NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id BETWEEN p.first_id AND p.last_id) THEN
            PERFORM rcq_private.tidy_history(p.first_id, p.last_id);
        END IF;
    END IF;
    IF NOT rcq_private.may_drop_history(p.first_id, whole) THEN
        RETURN;
    END IF;
    EXECUTE 'DROP TABLE ' || (SELECT pg_catalog.string_agg(pg_catalog.format('rcq_private.%I', pg_catalog.format('%s_p%s', t.parent, p.first_id)), ', ')
                                FROM unnest('{job,outcome,run,log}'::text[]) t(parent)
                               WHERE CASE WHEN t.parent = 'log' THEN NOT p.logs_dropped ELSE whole END);
    IF whole THEN
        DELETE FROM rcq_private.history_partition h WHERE h.first_id = p.first_id;
    ELSE
        UPDATE rcq_private.history_partition h SET logs_dropped = true, waiting_since = NULL WHERE h.first_id = p.first_id;
    END IF;
END $$;

-- Notes that a partition could not be dropped.
CREATE FUNCTION rcq_private.history_waits(first_id bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
    UPDATE rcq_private.history_partition p SET waiting_since = pg_catalog.clock_timestamp()
     WHERE p.first_id = history_waits.first_id AND p.waiting_since IS NULL
$$;

CREATE FUNCTION rcq_private.history_size(first_id bigint, OUT jobs bigint, OUT bytes numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.max(NULLIF(c.reltuples, -1)::bigint) FILTER (WHERE n.parent = 'job'), pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid))
      FROM unnest('{job,outcome,run,log}'::text[]) n(parent)
      JOIN pg_catalog.pg_class c ON c.relnamespace = 'rcq_private'::regnamespace AND c.relname = pg_catalog.format('%s_p%s', n.parent, history_size.first_id) $$;

CREATE VIEW rcq.history WITH (security_invoker = true) AS
SELECT p.first_id, p.last_id, z.jobs, pg_catalog.pg_size_pretty(z.bytes) AS size, CASE WHEN p.closed_at IS NULL THEN 'open' ELSE 'closed' END AS state, p.closed_at,
       CASE WHEN p.prune_asked THEN p.closed_at ELSE p.closed_at + pg_catalog.make_interval(secs => s.history_s) END AS kept_until,
       CASE WHEN NOT p.logs_dropped THEN LEAST(CASE WHEN p.prune_asked THEN p.closed_at ELSE p.closed_at + pg_catalog.make_interval(secs => s.history_s) END,
                                               p.closed_at + pg_catalog.make_interval(secs => s.log_s)) END AS logs_kept_until,
       p.logs_dropped, p.waiting_since AS prune_waiting_since
  FROM rcq_private.history_partition p, rcq_private.history_size(p.first_id) z,
       (SELECT NULLIF(rcq_private.setting_text('history_retention')::double precision, 0) AS history_s,
               NULLIF(rcq_private.setting_text('log_retention')::double precision, 0) AS log_s) s
 ORDER BY p.first_id;
COMMENT ON VIEW rcq.history IS 'The parts that history is kept and dropped in, each a range of job ids';
COMMENT ON COLUMN rcq.history.jobs IS 'Estimate by the statistics of the last ANALYZE; NULL = none yet';
COMMENT ON COLUMN rcq.history.state IS 'open: jobs in it have not ended, or there is room for more; closed';
COMMENT ON COLUMN rcq.history.kept_until IS 'When it is dropped, by the setting history_retention; NULL = not known yet, or never';
COMMENT ON COLUMN rcq.history.logs_kept_until IS 'When the output of its jobs is dropped, by log_retention if that is sooner; NULL = not known yet, never, or dropped already';
COMMENT ON COLUMN rcq.history.prune_waiting_since IS 'Since when dropping it waits for somebody who reads it: see pg_stat_activity for old transactions';

CREATE FUNCTION rcq.prune_history(older_than interval DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    retention CONSTANT double precision := COALESCE(pg_catalog.date_part('epoch', older_than), NULLIF(rcq_private.setting_text('history_retention')::double precision, 0));
    asked integer;
BEGIN
    PERFORM rcq_private.require_admin();
    IF retention IS NULL OR retention < 0 OR retention > 315360000 THEN
        PERFORM rcq_private.fail('RC001', CASE WHEN older_than IS NULL THEN 'history is kept for ever (setting history_retention)' ELSE pg_catalog.format('older_than %s is outside 0 to 10 years', older_than) END,
            'Say what may go: rcq.prune_history(''90 days'').');
    END IF;
    PERFORM rcq_private.close_history();
    UPDATE rcq_private.history_partition p SET prune_asked = true
     WHERE p.closed_at <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => retention);
    GET DIAGNOSTICS asked = ROW_COUNT;
    PERFORM rcq_private.definitions_changed(),
            rcq_private.record_change('history.prune', 'history', '', NULL, pg_catalog.jsonb_build_object('older_than_s', retention, 'parts', asked));
    RETURN asked;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM rcq_private.fail('RC004', 'somebody else is changing the history', 'Try again in a moment.');
END $$;
COMMENT ON FUNCTION rcq.prune_history(interval) IS
'Has the scheduler drop, at once, what was closed longer ago than this (NULL = than the setting history_retention); returns how many parts of rcq.history these are. Errors: RC001, RC004, RC005';

-- Jobs of these ids as they are queued for the first time, but for what their attempts so far have used up.
CREATE FUNCTION rcq_private.requeue_restored(ids bigint[]) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO rcq_private.live AS l (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, planned_s, max_retries, requeue, features,
                                       cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key, time_limit_s, array_id, array_throttle, deadline,
                                       payload_bytes, priority, eligible_at, attempt, failures, losses, preempted, unmet, tasks_waiting)
    SELECT j.id, j.user_id, j.group_id, j.cpu_cores, j.memory_mib, j.gpu_count,
           pg_catalog.ceil(pg_catalog.date_part('epoch', COALESCE(j.estimate, j.time_limit)))::integer, j.max_retries, j.requeue, COALESCE(j.features, a.features),
           j.cpu_cores_min, j.gpu_type, j.constraints, j.consumables, j.exclusive, j.preemptible, j.concurrency_key,
           pg_catalog.ceil(pg_catalog.date_part('epoch', j.time_limit))::integer, j.array_id, y.throttle, j.deadline,
           pg_catalog.pg_column_size(COALESCE(j.payload, a.payload)), j.priority, GREATEST(pg_catalog.clock_timestamp(), j.begin_time),
           -- output of an attempt that was under way is kept apart from that of the next one
           GREATEST(r.attempt, (SELECT pg_catalog.max(g.attempt) FROM rcq_private.log g WHERE g.job_id = j.id), 0),
           r.failures, r.losses, r.preempted, (SELECT pg_catalog.count(*) FROM rcq_private.dependency d WHERE d.job_id = COALESCE(j.array_id, j.id)), -- tasks wait with their array
          
           CASE WHEN j.array_size IS NOT NULL THEN rcq_private.range_size(y.waiting) END
      FROM unnest(ids) i JOIN rcq_private.job j ON j.id = i LEFT JOIN rcq_private.job a ON a.id = j.array_id
      LEFT JOIN rcq_private.array y ON y.job_id = COALESCE(j.array_id, j.id),
           LATERAL (SELECT pg_catalog.max(r.attempt) AS attempt, pg_catalog.count(*) FILTER (WHERE r.reason NOT IN ('executor_lost', 'not_started', 'preempted', 'requeued')) AS failures,
                           pg_catalog.count(*) FILTER (WHERE r.reason IN ('executor_lost', 'not_started')) AS losses, pg_catalog.count(*) FILTER (WHERE r.reason = 'preempted') AS preempted
                      FROM rcq_private.run r WHERE r.job_id = j.id) r
    RETURNING rcq_private.touched(l.job_id)
$$;

-- Ends jobs of these ids that are not to be run again. Tasks that have no row yet go with their array.
CREATE FUNCTION rcq_private.cancel_restored(ids bigint[], message text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled)
    SELECT j.array_id, 0, 0, pg_catalog.count(*) FROM unnest(ids) i JOIN rcq_private.job j ON j.id = i WHERE j.array_id IS NOT NULL GROUP BY j.array_id;
    UPDATE rcq_private.array a SET withdrawn = a.withdrawn + a.waiting + a.held, waiting = '{}', held = '{}',
           cancelled = a.cancelled + rcq_private.range_size(a.waiting + a.held)
      FROM unnest(ids) i WHERE a.job_id = i;
    DELETE FROM rcq_private.dependency d USING unnest(ids) i WHERE d.job_id = i;
    INSERT INTO rcq_private.outcome AS o (job_id, ended_at, user_id, group_id, priority, attempt, status, message)
    SELECT j.id, pg_catalog.clock_timestamp(), j.user_id, j.group_id, j.priority, 0, 'cancelled', cancel_restored.message
      FROM unnest(ids) i JOIN rcq_private.job j ON j.id = i RETURNING rcq_private.touched(o.job_id);
$$;

-- Cancels a job of the caller that was restored and not yet resumed; an array with all its tasks, which wait with it. False
-- when it is none.
CREATE FUNCTION rcq_private.cancel_if_restored(job bigint, tasks text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    gone bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM rcq_private.restored r WHERE r.job_id = job AND (r.user_id = caller OR admin)) THEN
        RETURN false;
    ELSIF tasks IS NOT NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s comes from a dump and is not queued: tasks of it cannot be cancelled alone', job),
            'Cancel the whole of it, or have an administrator queue it first: rcq.resume_restored.');
    END IF;
    WITH deleted AS (
        DELETE FROM rcq_private.restored r
         WHERE r.job_id = job OR r.job_id IN (SELECT t.id FROM rcq_private.job t WHERE t.array_id = job) RETURNING r.job_id
    )
    SELECT pg_catalog.array_agg(d.job_id) INTO gone FROM deleted d;
    -- none: they were resumed, or left out, while we waited
    PERFORM rcq_private.cancel_restored(gone, NULL);
    RETURN COALESCE(job = ANY (gone), false);
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    PERFORM rcq_private.raise_busy(job);
END $$;

CREATE FUNCTION rcq.resume_restored(jobs bigint[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    unknown bigint;
    resumed bigint[];
    left_out bigint[];
BEGIN
    PERFORM rcq_private.require_admin();
    IF NOT rcq_private.settle_restore() THEN
        PERFORM rcq_private.fail('RC004', 'the restore of this database is not complete', 'Call it again when pg_restore has ended.');
    END IF;
    LOCK TABLE rcq_private.restored IN SHARE ROW EXCLUSIVE MODE;
    SELECT i INTO unknown FROM unnest(jobs) i WHERE i IS NULL OR NOT EXISTS (SELECT FROM rcq_private.restored r WHERE r.job_id = i) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('job %s is none that was restored', COALESCE(unknown::text, 'NULL')),
            'List them with SELECT id FROM rcq.jobs WHERE status = ''pending'' AND reason = ''restored''.');
    END IF;
    WITH gone AS (DELETE FROM rcq_private.restored r RETURNING r.job_id)
    SELECT pg_catalog.array_agg(j.id) FILTER (WHERE c.chosen), pg_catalog.array_agg(j.id) FILTER (WHERE NOT c.chosen) INTO resumed, left_out
      FROM gone g JOIN rcq_private.job j ON j.id = g.job_id,
           LATERAL (SELECT jobs IS NULL OR j.id = ANY (jobs) OR COALESCE(j.array_id = ANY (jobs), false) AS chosen) c;
    PERFORM rcq_private.cancel_restored(left_out, 'not resumed after a restore'), rcq_private.requeue_restored(resumed),
            rcq_private.record_change('job.resume_restored', 'job', rcq_private.id_ranges(resumed), NULL, pg_catalog.jsonb_build_object('cancelled', rcq_private.id_ranges(left_out)));
    RETURN COALESCE(pg_catalog.cardinality(resumed), 0);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM rcq_private.fail('RC004', 'somebody else resumes the restored jobs', 'Look again when their transaction has ended.');
END $$;
COMMENT ON FUNCTION rcq.resume_restored(bigint[]) IS
'After a restore: queues the jobs that had not ended when the dump was taken again, and returns how many these are; an array with all its tasks. NULL = all of them; those that are not listed are cancelled. Errors: RC002 (a job that is none of them), RC004, RC005';
