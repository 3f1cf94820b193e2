-- Dependencies while jobs wait: what is met, and what never can be. Submission adds the rows of a job, its cancellation takes
-- them away; all else is done by the scheduler, which learns of every start and end. Tasks of an array have no rows of
-- their own: while their array waits, so do they.

-- Of each of these singletons, the latest job before it of the same user and name that has not ended; NULL when there is
-- none. Tasks are left out: their array lives as long as they do. A job draws its id before it commits, so that a singleton
-- of a larger id may have been let go by then: it is waited for, too. One that still waits is not, so that no two wait for
-- each other.
CREATE FUNCTION rcq_private.singletons_before(jobs bigint[], OUT job_id bigint, OUT before_id bigint) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH me AS MATERIALIZED (
        SELECT j.id, j.user_id, j.name FROM rcq_private.job j WHERE j.id = ANY (jobs)
    ), least AS MATERIALIZED (
        SELECT l.user_id, pg_catalog.min(l.job_id) AS id FROM rcq_private.live l WHERE l.user_id IN (SELECT m.user_id FROM me m) GROUP BY l.user_id
    )
    SELECT m.id, COALESCE((SELECT j.id FROM rcq_private.job j
                            WHERE j.user_id = m.user_id AND j.name = m.name AND j.id < m.id AND j.id >= s.id AND j.array_id IS NULL
                              AND EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = j.id)
                            ORDER BY j.id DESC LIMIT 1),
                          (SELECT j.id FROM rcq_private.job j
                            WHERE j.user_id = m.user_id AND j.name = m.name AND j.id > m.id AND j.array_id IS NULL AND j.depends_on ~ 'singleton'
                              AND EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = j.id)
                              AND NOT EXISTS (SELECT FROM rcq_private.dependency d WHERE d.job_id = j.id AND d.kind = 'singleton')
                            ORDER BY j.id LIMIT 1))
      FROM me m LEFT JOIN least s ON s.user_id = m.user_id
$$;

CREATE TYPE rcq_private.dependency_verdict AS (job_id bigint, on_id bigint, kind text, verdict text, status text);
COMMENT ON TYPE rcq_private.dependency_verdict IS 'What is to be done with a dependency: met, never, look (a singleton whose job before it is to be looked up) or open; status: how the job before it ended';

-- How people write a job that others depend on: 41, or 41_7 for a task.
CREATE FUNCTION rcq_private.job_label(id bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE((SELECT j.array_id || '_' || j.array_index FROM rcq_private.job j WHERE j.id = job_label.id AND j.array_id IS NOT NULL), job_label.id::text)
$$;

-- Ends pending jobs that the caller has locked: they wait for what can never be. What an array has left is withdrawn.
CREATE FUNCTION rcq_private.end_unmet(jobs bigint[], messages text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH removed AS (
        DELETE FROM rcq_private.live l USING unnest(jobs, messages) k(id, message) WHERE l.job_id = k.id RETURNING l.*, k.message
    ), outcomes AS (
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status, reason, message)
        SELECT r.job_id, pg_catalog.clock_timestamp(), r.user_id, r.group_id, r.priority, r.attempt, 'failed', 'dependency_failed', r.message FROM removed r
    ), dependencies AS (
        DELETE FROM rcq_private.dependency d USING unnest(jobs) k(id) WHERE d.job_id = k.id
    ), counted AS (
        DELETE FROM rcq_private.array_end e USING removed r WHERE r.tasks_waiting IS NOT NULL AND e.array_id = r.job_id RETURNING e.*
    ), withdrawn AS (
        UPDATE rcq_private.array a
           SET withdrawn = a.withdrawn + a.waiting + a.held, waiting = '{}', held = '{}', completed = a.completed + n.completed,
               failed = a.failed + n.failed + (SELECT pg_catalog.count(*) FROM removed t WHERE t.array_id = a.job_id)::integer,
               cancelled = a.cancelled + n.cancelled + rcq_private.range_size(a.waiting + a.held)
          FROM removed r,
               LATERAL (SELECT COALESCE(pg_catalog.sum(c.completed), 0)::integer AS completed, COALESCE(pg_catalog.sum(c.failed), 0)::integer AS failed,
                               COALESCE(pg_catalog.sum(c.cancelled), 0)::integer AS cancelled FROM counted c WHERE c.array_id = r.job_id) n
         WHERE r.tasks_waiting IS NOT NULL AND a.job_id = r.job_id
    )
    INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled)
    SELECT rcq_private.touched(x.array_id), 0, x.failed, 0
      FROM (SELECT r.array_id, pg_catalog.count(*) AS failed FROM removed r WHERE r.array_id IS NOT NULL AND r.array_id <> ALL (jobs) GROUP BY r.array_id) x;
END $$;

-- Ends what needs jobs that have just failed, what needs that, and so on: at most so many, and none when somebody holds
-- one of them. Arrays, what may go on waiting, and other kinds of dependencies are left to settle_dependencies.
CREATE FUNCTION rcq_private.end_chains(failed bigint[], at_most integer) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    jobs bigint[];
    messages text[];
    locked bigint[];
BEGIN
    WITH RECURSIVE chain AS (
        SELECT d.job_id, d.on_id FROM unnest(failed) k(id) JOIN rcq_private.dependency d ON d.on_id = k.id AND d.kind = 'afterok'
          JOIN rcq_private.job j ON j.id = d.job_id AND NOT j.wait_if_unmet AND j.array_spec IS NULL
        UNION
        SELECT d.job_id, d.on_id FROM chain c JOIN rcq_private.dependency d ON d.on_id = c.job_id AND d.kind = 'afterok'
          JOIN rcq_private.job j ON j.id = d.job_id AND NOT j.wait_if_unmet AND j.array_spec IS NULL
    )
    SELECT pg_catalog.array_agg(x.job_id), pg_catalog.array_agg(pg_catalog.format('afterok:%s: job %1$s failed', rcq_private.job_label(x.on_id))) INTO jobs, messages
      FROM (SELECT c.job_id, pg_catalog.min(c.on_id) AS on_id FROM (SELECT * FROM chain LIMIT at_most) c GROUP BY c.job_id) x;
    SELECT pg_catalog.array_agg(h.job_id) INTO locked
      FROM (SELECT l.job_id FROM unnest(jobs) k(id) JOIN rcq_private.live l ON l.job_id = k.id ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED) h;
    IF pg_catalog.cardinality(locked) IS DISTINCT FROM pg_catalog.cardinality(jobs) OR jobs IS NULL THEN
        RETURN '{}';
    END IF;
    PERFORM rcq_private.end_unmet(jobs, messages);
    RETURN jobs;
END $$;

-- Lets these tasks, which waited with their array, start when it may; returns those that somebody holds.
CREATE FUNCTION rcq_private.release_tasks(tasks bigint[], OUT released bigint[], OUT later bigint[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH locked AS MATERIALIZED (
        SELECT l.job_id, l.array_id FROM unnest(tasks) k(id) JOIN rcq_private.live l ON l.job_id = k.id WHERE l.unmet > 0 ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED
    ), changed AS (
        UPDATE rcq_private.live l SET unmet = 0, eligible_at = b.eligible_at FROM locked k JOIN rcq_private.live b ON b.job_id = k.array_id
         WHERE l.job_id = k.job_id RETURNING l.job_id
    )
    SELECT COALESCE(pg_catalog.array_agg(c.job_id), '{}') INTO released FROM changed c;
    later := ARRAY(SELECT l.job_id FROM unnest(tasks) k(id) JOIN rcq_private.live l ON l.job_id = k.id WHERE l.unmet > 0);
END $$;

CREATE TYPE rcq_private.corresponding_array AS (
    job_id bigint, on_id bigint, label text, wait_if_unmet boolean, begin_time timestamptz, array_spec text,
    withdrawn int4multirange, unknown int4multirange, all_ended boolean, all_completed boolean, good int4multirange, lost int4multirange);
COMMENT ON TYPE rcq_private.corresponding_array IS 'An array whose tasks follow those of others; on_id: one of those. Positions: withdrawn from one of those, made in none of them yet (unknown), completed in all of them (good), lost in one of them';

-- Arrays whose tasks follow those of other arrays (aftercorr), as far as nothing else keeps the whole of them waiting: tasks
-- whose predecessors have completed start on their own, those that have lost one fail, about so many of each at a time.
-- changed: tasks and arrays that ended; looked_at: arrays of which all tasks are to be looked at; again: arrays that have
-- ended, perhaps in part, and of which more is to be told by the next call.
-- Hash joins are on: making tasks compares many rows of a table whose size the planner may not know yet.
CREATE FUNCTION rcq_private.settle_corresponding(changed bigint[], looked_at bigint[], now_ timestamptz, at_most integer, OUT released bigint[], OUT ended bigint[], OUT later bigint[], OUT again bigint[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = on SET enable_mergejoin = off AS $$
DECLARE
    whole CONSTANT bigint[] := ARRAY(
        SELECT d.job_id FROM unnest(changed) c(id) JOIN rcq_private.dependency d ON d.on_id = c.id AND d.kind = 'aftercorr'
        UNION SELECT d.job_id FROM unnest(looked_at) b(id) JOIN rcq_private.dependency d ON d.job_id = b.id AND d.kind = 'aftercorr');
    single CONSTANT bigint[] := ARRAY(
        SELECT t.id FROM unnest(changed) c(id) JOIN rcq_private.job t ON t.id = c.id AND t.array_id IS NOT NULL
         WHERE EXISTS (SELECT FROM rcq_private.dependency d WHERE d.on_id = t.array_id AND d.kind = 'aftercorr'));
    found_arrays rcq_private.corresponding_array[];
    judged integer;
    b rcq_private.corresponding_array;
    a rcq_private.array;
    complete boolean;
    made bigint[];
    doomed bigint[];
    locked bigint[];
    failing int4multirange;
    blocked record;
BEGIN
    released := '{}'; ended := '{}'; later := '{}'; again := '{}';
    IF whole = '{}' AND single = '{}' THEN RETURN; END IF;
    SELECT k.arrays, k.judged INTO STRICT found_arrays, judged FROM rcq_private.judge_corresponding(single, whole, at_most) k;
    -- out of a variable: a query that is still open would keep new partitions from being attached
    FOREACH b IN ARRAY COALESCE(found_arrays, '{}') LOOP
        SELECT l.held INTO blocked FROM rcq_private.live l WHERE l.job_id = b.job_id FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            later := later || ARRAY(SELECT l.job_id FROM rcq_private.live l WHERE l.job_id = b.job_id);
            CONTINUE;
        END IF;
        SELECT * INTO STRICT a FROM rcq_private.array x WHERE x.job_id = b.job_id;
        -- tasks that were made before; while somebody holds one of them, it is not known what becomes of all
        locked := ARRAY(SELECT l.job_id FROM rcq_private.live l WHERE l.array_id = b.job_id AND l.unmet > 0 FOR UPDATE OF l SKIP LOCKED);
        complete := b.all_ended AND (b.all_completed OR NOT b.wait_if_unmet);
        b.lost := CASE WHEN b.wait_if_unmet THEN '{}' ELSE b.lost + b.withdrawn END;
        failing := (a.waiting + a.held) * b.lost;
        IF rcq_private.range_size(failing) > GREATEST(at_most - pg_catalog.cardinality(ended), 0) THEN
            failing := rcq_private.first_positions(failing, GREATEST(at_most - pg_catalog.cardinality(ended), 0));
            complete := false;
            again := again || b.on_id;
        ELSIF judged >= at_most THEN
            complete := complete AND b.all_completed;
            again := again || b.on_id;
        END IF;
        IF EXISTS (SELECT FROM rcq_private.live l WHERE l.array_id = b.job_id AND l.unmet > 0 AND l.job_id <> ALL (locked)) THEN
            complete := false;
            later := later || b.job_id;
        END IF;
        -- when all is known, what is left waits for nothing more than any array does
        b.good := CASE WHEN complete THEN '{}' ELSE b.good END;
        IF (a.waiting + a.held) && (b.good + failing)
           AND NOT rcq_private.partitions_ready(rcq_private.range_size((a.waiting + a.held) * (b.good + failing))) THEN
            later := later || b.job_id; -- somebody else is making the partition, and may take long
            CONTINUE;
        END IF;
        made := ARRAY(SELECT t.job_id FROM rcq_private.make_tasks(ARRAY[b.job_id], ARRAY[a.waiting * b.good], blocked.held) t
                      UNION ALL SELECT t.job_id FROM rcq_private.make_tasks(ARRAY[b.job_id], ARRAY[a.held * b.good], true) t);
        doomed := ARRAY(SELECT t.job_id FROM rcq_private.make_tasks(ARRAY[b.job_id], ARRAY[failing], false) t);
        FOR blocked IN
            SELECT l.job_id, p.r <@ b.good AS good, p.r <@ b.lost AS lost FROM rcq_private.live l JOIN rcq_private.job t ON t.id = l.job_id,
                   LATERAL (SELECT rcq_private.array_positions(b.array_spec, t.array_index::text)::int4multirange AS r) p
             WHERE l.job_id = ANY (locked)
        LOOP
            IF blocked.lost THEN doomed := doomed || blocked.job_id; ELSIF blocked.good THEN made := made || blocked.job_id; END IF;
        END LOOP;
        CONTINUE WHEN NOT complete AND made = '{}' AND doomed = '{}';
        UPDATE rcq_private.array x SET waiting = x.waiting - b.good - failing, held = x.held - b.good - failing WHERE x.job_id = b.job_id;
        UPDATE rcq_private.live l
           SET tasks_waiting = rcq_private.range_size(a.waiting - b.good - failing), unmet = CASE WHEN complete THEN 0 ELSE l.unmet END,
               eligible_at = CASE WHEN complete THEN GREATEST(now_, b.begin_time) ELSE l.eligible_at END
         WHERE l.job_id = b.job_id;
        UPDATE rcq_private.live l SET unmet = 0, eligible_at = GREATEST(now_, b.begin_time) WHERE l.job_id = ANY (made);
        PERFORM rcq_private.end_unmet(doomed, ARRAY(SELECT b.label || ': the task of the same index did not complete' FROM unnest(doomed)));
        IF complete THEN
            DELETE FROM rcq_private.dependency d WHERE d.job_id = b.job_id;
        END IF;
        PERFORM rcq_private.touched(b.job_id);
        released := released || made || b.job_id;
        ended := ended || doomed;
    END LOOP;
END $$;

-- Settles what has become known; for the scheduler alone, and never waiting for a lock.
--   changed   jobs, arrays and tasks that have started or ended
--   now_      from when on the waiting of those that are released counts: not later than the scheduler's time of planning
--   fresh     jobs with unmet > 0 of which nothing is known yet
--   released  wait for nothing more, or have changed otherwise: to be read again
--   ended     have failed because of what they waited for, with all that followed from it
--   awaited   what fresh jobs still wait for
--   followed  arrays among these whose tasks are waited for one by one
--   later     jobs that somebody holds: to be asked for again as fresh
--   again     what has changed and was not followed to its end: to be asked for again as changed
CREATE FUNCTION rcq_private.settle_dependencies(changed bigint[], fresh bigint[], now_ timestamptz,
    OUT released bigint[], OUT ended bigint[], OUT awaited bigint[], OUT followed bigint[], OUT later bigint[], OUT again bigint[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_variable
DECLARE
    at_most CONSTANT integer := 2000; -- dependencies on what has changed, and tasks that follow others, at a time
    max_levels CONSTANT integer := 100;
    max_ended CONSTANT integer := 2000; -- about, so that a call stays short
    verdicts rcq_private.dependency_verdict[];
    locked bigint[];
    doomed bigint[];
    others bigint[];
    messages text[];
    freed bigint[];
    fewer bigint[];
    step record;
BEGIN
    released := '{}'; ended := '{}'; awaited := '{}'; followed := '{}'; later := '{}'; again := '{}';
    FOR level IN 1 .. max_levels LOOP
        verdicts := ARRAY(SELECT v FROM rcq_private.judge_dependencies(changed, fresh, at_most) v);
        IF pg_catalog.cardinality(verdicts) >= at_most THEN
            again := again || changed;
        END IF;
        awaited := awaited || ARRAY(SELECT DISTINCT v.on_id FROM unnest(verdicts) v WHERE v.verdict = 'open');
        followed := followed || ARRAY(SELECT DISTINCT v.on_id FROM unnest(verdicts) v WHERE v.verdict = 'open' AND v.kind = 'aftercorr');
        WITH wanted AS (
            SELECT DISTINCT v.job_id FROM unnest(verdicts) v WHERE v.verdict <> 'open'
        ), held AS MATERIALIZED (
            SELECT l.job_id FROM wanted w JOIN rcq_private.live l ON l.job_id = w.job_id ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED
        )
        SELECT COALESCE(pg_catalog.array_agg(h.job_id), '{}') INTO locked FROM held h;
        -- IN within FILTER and not a join, which would compare each with each
        SELECT COALESCE(pg_catalog.array_agg(v) FILTER (WHERE v.job_id IN (SELECT k.id FROM unnest(locked) k(id))), '{}'),
               COALESCE(pg_catalog.array_agg(DISTINCT v.job_id) FILTER (WHERE v.job_id NOT IN (SELECT k.id FROM unnest(locked) k(id))), '{}')
          INTO verdicts, others FROM unnest(verdicts) v WHERE v.verdict <> 'open';
        later := later || ARRAY(SELECT l.job_id FROM unnest(others) k(id) JOIN rcq_private.live l ON l.job_id = k.id);

        WITH moved AS (
            UPDATE rcq_private.dependency d SET on_id = s.before_id
              FROM rcq_private.singletons_before(ARRAY(SELECT v.job_id FROM unnest(verdicts) v WHERE v.verdict = 'look')) s
             WHERE d.job_id = s.job_id AND d.kind = 'singleton' AND s.before_id IS NOT NULL RETURNING d.on_id
        )
        SELECT awaited || COALESCE(pg_catalog.array_agg(m.on_id), '{}') INTO awaited FROM moved m;

        -- what can never be met: an array goes with the tasks that wait with it, or not yet
        SELECT COALESCE(pg_catalog.array_agg(x.job_id), '{}'), COALESCE(pg_catalog.array_agg(x.message), '{}') INTO doomed, messages
          FROM (SELECT DISTINCT ON (v.job_id) v.job_id,
                       pg_catalog.format('%s:%s: job %2$s %s', v.kind, rcq_private.job_label(v.on_id), CASE v.status WHEN 'failed' THEN 'failed' WHEN 'cancelled' THEN 'was cancelled'
                           WHEN 'completed' THEN 'completed' ELSE 'is not known any more' END) AS message
                  FROM unnest(verdicts) v WHERE v.verdict = 'never' ORDER BY v.job_id, v.on_id) x;
        IF doomed <> '{}' THEN
            WITH task AS MATERIALIZED (
                SELECT l.job_id, l.array_id FROM unnest(doomed) k(id) JOIN rcq_private.live l ON l.array_id = k.id
            ), held AS MATERIALIZED (
                SELECT l.job_id FROM task t JOIN rcq_private.live l ON l.job_id = t.job_id WHERE l.unmet > 0 ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED
            ), refused AS (
                SELECT DISTINCT t.array_id FROM task t WHERE NOT EXISTS (SELECT FROM held h WHERE h.job_id = t.job_id)
            ), going AS (
                SELECT k.id, k.message FROM unnest(doomed, messages) k(id, message) WHERE NOT EXISTS (SELECT FROM refused r WHERE r.array_id = k.id)
            )
            SELECT COALESCE(pg_catalog.array_agg(g.id), '{}') AS jobs, COALESCE(pg_catalog.array_agg(g.message), '{}') AS messages, ARRAY(SELECT r.array_id FROM refused r) AS refused INTO step
              FROM (SELECT g.id, g.message FROM going g UNION ALL SELECT h.job_id, g.message FROM going g JOIN task t ON t.array_id = g.id JOIN held h ON h.job_id = t.job_id) g;
            later := later || step.refused;
            doomed := step.jobs;
            PERFORM rcq_private.end_unmet(doomed, step.messages);
            doomed := doomed || rcq_private.end_chains(doomed, max_ended);
            ended := ended || doomed;
        END IF;

        WITH met AS (
            DELETE FROM rcq_private.dependency d USING unnest(verdicts) v
             WHERE d.job_id = v.job_id AND d.on_id = v.on_id AND d.kind = v.kind AND v.verdict IN ('met', 'look') RETURNING d.job_id
        ), many AS MATERIALIZED (
            SELECT m.job_id, pg_catalog.count(*)::integer AS count FROM met m GROUP BY m.job_id
        ), changed_rows AS (
            UPDATE rcq_private.live l
               SET unmet = l.unmet - m.count,
                   eligible_at = CASE WHEN l.unmet > m.count THEN l.eligible_at ELSE GREATEST(now_, (SELECT j.begin_time FROM rcq_private.job j WHERE j.id = l.job_id)) END
              FROM many m WHERE l.job_id = m.job_id RETURNING l.job_id, l.unmet, l.tasks_waiting
        )
        SELECT COALESCE(pg_catalog.array_agg(c.job_id) FILTER (WHERE c.unmet = 0), '{}'), COALESCE(pg_catalog.array_agg(c.job_id) FILTER (WHERE c.unmet > 0 AND c.tasks_waiting IS NOT NULL), '{}')
          INTO freed, fewer FROM changed_rows c;

        SELECT * INTO STRICT step FROM rcq_private.settle_corresponding(changed, fresh || fewer, now_, at_most);
        released := released || freed || step.released;
        later := later || step.later;
        again := again || step.again;
        ended := ended || step.ended;
        doomed := doomed || step.ended;
        freed := freed || step.released;
        -- tasks that waited with an array that waits no more; OFFSET 0, or all rows that wait are read first, and each is
        -- compared with each
        SELECT * INTO STRICT step FROM rcq_private.release_tasks(ARRAY(
            SELECT l.job_id FROM unnest(freed) k(id),
                   LATERAL (SELECT x.job_id FROM rcq_private.live x WHERE x.job_id = k.id AND x.unmet = 0 AND x.tasks_waiting IS NOT NULL OFFSET 0) b,
                   LATERAL (SELECT x.job_id FROM rcq_private.live x WHERE x.array_id = b.job_id AND x.unmet > 0 OFFSET 0) l
            UNION
            SELECT l.job_id FROM unnest(fresh) k(id),
                   LATERAL (SELECT x.job_id, x.array_id FROM rcq_private.live x WHERE x.job_id = k.id AND x.unmet > 0 AND x.array_id IS NOT NULL OFFSET 0) l,
                   LATERAL (SELECT FROM rcq_private.live x WHERE x.job_id = l.array_id AND x.unmet = 0 OFFSET 0) b));
        released := released || step.released;
        later := later || step.later;

        changed := doomed;
        fresh := '{}';
        EXIT WHEN changed = '{}' OR pg_catalog.cardinality(ended) >= max_ended;
    END LOOP;
    again := again || changed;
END $$;

CREATE VIEW rcq.dependencies WITH (security_invoker = true) AS
SELECT d.job_id, d.kind, NULLIF(d.on_id, 0) AS on_job,
       CASE WHEN l.claimed_at IS NOT NULL THEN 'running' WHEN l.placed_at IS NOT NULL THEN 'assigned' WHEN l.job_id IS NOT NULL THEN 'pending' ELSE o.status END AS on_status
  FROM rcq_private.dependency d JOIN rcq_private.live w ON w.job_id = d.job_id
  LEFT JOIN rcq_private.live l ON l.job_id = d.on_id LEFT JOIN rcq_private.outcome o ON o.job_id = d.on_id;
COMMENT ON VIEW rcq.dependencies IS 'What pending jobs that you may see still wait for, one row per dependency';
COMMENT ON COLUMN rcq.dependencies.on_status IS 'Status of on_job; NULL when you may not see that job';
