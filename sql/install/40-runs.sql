-- Jobs that end without a run. How runs end: src/pg/run_ends.hpp

-- Ends jobs of these that have not started by their deadline, which has passed; of an array the tasks that wait are
-- withdrawn. Rows that somebody holds are left for the next call. Returns the jobs that ended.
CREATE FUNCTION rcq_private.expire(jobs bigint[]) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    now_ timestamptz := pg_catalog.clock_timestamp();
    arrays bigint[];
    ended bigint[];
BEGIN
    SELECT pg_catalog.array_agg(d.job_id) FILTER (WHERE d.tasks_waiting IS NULL), pg_catalog.array_agg(d.job_id) FILTER (WHERE d.tasks_waiting IS NOT NULL)
      INTO ended, arrays
      FROM (SELECT l.job_id, l.tasks_waiting FROM unnest(jobs) k(job_id) JOIN rcq_private.live l ON l.job_id = k.job_id
             WHERE l.deadline <= now_ AND (l.claimed_at IS NULL OR l.tasks_waiting IS NOT NULL)
             ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED) d;
    IF ended IS NOT NULL THEN
        WITH gone AS (
            DELETE FROM rcq_private.live l USING unnest(ended) k(job_id) WHERE l.job_id = k.job_id
            RETURNING l.job_id, l.user_id, l.group_id, l.priority, l.attempt, l.executor_id, l.command_seq, l.array_id, l.unmet, rcq_private.touched(l.job_id)
        ), commands AS (
            DELETE FROM rcq_private.command c USING gone g WHERE c.executor_id = g.executor_id AND c.seq = g.command_seq
        ), dependencies AS (
            DELETE FROM rcq_private.dependency d USING gone g WHERE d.job_id = g.job_id AND g.unmet > 0
        ), tasks AS (
            INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled)
            SELECT g.array_id, 0, pg_catalog.count(*), 0 FROM gone g WHERE g.array_id IS NOT NULL GROUP BY g.array_id
        )
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status, reason, message)
        SELECT g.job_id, now_, g.user_id, g.group_id, g.priority, g.attempt, 'failed', 'deadline', 'its deadline passed while it waited' FROM gone g;
    END IF;
    IF arrays IS NOT NULL THEN
        WITH waiting AS MATERIALIZED (
            SELECT a.job_id, rcq_private.range_size(a.waiting + a.held) AS tasks
              FROM unnest(arrays) k(job_id) JOIN rcq_private.array a ON a.job_id = k.job_id WHERE a.waiting + a.held <> '{}'
        ), withdrawn AS (
            UPDATE rcq_private.array a SET withdrawn = a.withdrawn + a.waiting + a.held, waiting = '{}', held = '{}'
              FROM waiting w WHERE a.job_id = w.job_id
        ), counted AS (
            INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled) SELECT w.job_id, 0, 0, w.tasks FROM waiting w
        ), emptied AS (
            UPDATE rcq_private.live l SET tasks_waiting = 0 FROM waiting w WHERE l.job_id = w.job_id
        )
        SELECT pg_catalog.array_agg(rcq_private.touched(w.job_id)) INTO arrays FROM waiting w;
    END IF;
    RETURN COALESCE(ended, '{}');
END $$;
