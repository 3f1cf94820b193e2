-- The end of runs: one statement for any number of them, used by reports of executors and by the scheduler for lost runs.

-- How a run ended, as reported; end_ is one of the protocol's words or 'executor_lost'.
CREATE TYPE rcq_private.run_report AS (
    job_id bigint, token bigint, end_ text, exit_code integer, signal integer, cpu_seconds real, peak_memory_mib integer,
    ended_at timestamptz, message text, output jsonb, result jsonb);

-- Seconds from the end of a failed run to the job's next one, by its retry policy (rcq_private.job.retry; NULL = at once
-- after every failure) and the failures before this one. NULL: such an end is not followed by another run.
CREATE FUNCTION rcq_private.retry_delay(policy jsonb, end_ text, exit_code integer, failures integer) RETURNS double precision
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    delay double precision := COALESCE((policy ->> 'delay_s')::double precision, 0);
BEGIN
    IF (policy ? 'on' OR policy ? 'exit_codes') AND NOT (COALESCE(policy -> 'on' ? end_, false)
            OR end_ = 'exit_code' AND COALESCE(policy -> 'exit_codes' @> pg_catalog.to_jsonb(retry_delay.exit_code), false)) THEN
        RETURN NULL;
    END IF;
    IF policy ->> 'backoff' = 'exponential' THEN
        delay := delay * pg_catalog.power(2::double precision, LEAST(failures, 60));
    END IF;
    delay := LEAST(delay, (policy ->> 'max_delay_s')::double precision, 31536000);
    RETURN delay * (1 + COALESCE((policy ->> 'jitter')::double precision, 0) * (2 * pg_catalog.random() - 1));
END $$;

-- Answers each report: ok, already, stale, retry. The rows it changes are locked in ascending job id; a row that
-- somebody else holds is skipped and answered retry. A run that was to be preempted, or that somebody asked to be run
-- again, and that did not succeed in the meantime, goes back to the queue, charged, and as if it had never failed; one
-- that its executor lost is lost all the same. One that its executor could not even start goes back to the queue as a lost one
-- does, whatever `requeue` says; neither is charged. A run that was killed at its job's deadline fails the job. After any other
-- failure the job is run again as often as max_retries and as its retry policy say, which is read for such runs alone.
CREATE FUNCTION rcq_private.end_runs(executor_id integer, reports rcq_private.run_report[])
RETURNS TABLE (job_id bigint, token bigint, answer text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    max_losses integer := rcq_private.setting_text('max_losses')::integer;
    now_ timestamptz := pg_catalog.clock_timestamp();
    done_ids bigint[];
    done_tokens bigint[];
    told_ids bigint[];
    first_seq bigint;
    counted integer;
BEGIN
    WITH reported AS (
        SELECT DISTINCT ON (r.token) r.* FROM unnest(reports) r ORDER BY r.token
    ), held AS MATERIALIZED (
        SELECT l.job_id, l.user_id, l.group_id, l.priority, l.attempt, l.executor_id, l.token, l.command_seq, l.placed_at,
               l.claimed_at, l.granted_cores, l.granted_memory_mib, l.granted_gpus, COALESCE(l.granted_cores, l.cpu_cores) AS cores,
               COALESCE(l.granted_memory_mib, l.memory_mib) / 1024.0 AS gb, COALESCE(l.granted_gpus, l.gpu_count) AS gpus,
               l.cancel_requested_at IS NOT NULL AS cancelling,
               COALESCE(l.cancel_requested_at, l.preempt_requested_at, l.requeue_requested_at) IS NOT NULL AS told,
               (l.requeue OR r.end_ = 'not_started') AND l.losses < max_losses AS may_be_lost, l.failures < l.max_retries AS may_fail, l.failures, l.array_id,
               CASE WHEN l.cancel_requested_at IS NOT NULL OR r.end_ = 'executor_lost' OR r.end_ = 'exit_code' AND r.exit_code = 0 THEN r.end_
                    WHEN l.requeue_requested_at IS NOT NULL THEN 'requeued'
                    WHEN l.preempt_requested_at IS NOT NULL THEN 'preempted'
                    -- a run that its executor ended unasked (a drain that ran out of time) was lost, not cancelled
                    WHEN r.end_ = 'cancelled' THEN 'executor_lost'
                    WHEN r.end_ = 'timeout' AND LEAST(r.ended_at, now_) >= l.deadline THEN 'deadline'
                    ELSE r.end_ END AS end_,
               r.exit_code, r.signal, COALESCE(r.cpu_seconds, l.cpu_seconds) AS cpu_seconds,
               COALESCE(r.peak_memory_mib, l.peak_memory_mib) AS peak_memory_mib, r.message, r.output, r.result,
               GREATEST(LEAST(r.ended_at, now_), l.claimed_at) AS ended_at
          FROM reported r
          JOIN rcq_private.live l ON l.job_id = r.job_id AND l.token = r.token AND l.executor_id = end_runs.executor_id
         WHERE l.claimed_at IS NOT NULL
         ORDER BY l.job_id FOR UPDATE OF l SKIP LOCKED
    ), ended AS MATERIALIZED (
        SELECT h.*, CASE WHEN h.end_ = 'exit_code' AND h.exit_code = 0 THEN 'completed'
                         WHEN h.cancelling THEN 'cancelled'
                         WHEN h.end_ IN ('preempted', 'requeued') THEN 'pending'
                         WHEN h.end_ IN ('executor_lost', 'not_started') AND h.may_be_lost THEN 'pending'
                         WHEN h.delay_s IS NOT NULL THEN 'pending'
                         ELSE 'failed' END AS status,
               pg_catalog.date_part('epoch', h.ended_at - h.claimed_at) AS ran_s
          FROM (SELECT k.*, CASE WHEN k.may_fail AND NOT k.cancelling AND k.end_ NOT IN ('executor_lost', 'not_started', 'preempted', 'requeued', 'deadline')
                                  AND NOT (k.end_ = 'exit_code' AND k.exit_code = 0)
                                 THEN rcq_private.retry_delay((SELECT j.retry FROM rcq_private.job j WHERE j.id = k.job_id), k.end_, k.exit_code, k.failures) END AS delay_s
                  FROM held k) h
    ), outcomes AS (
        INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, executor_id, exit_code, placed_at,
                                         claimed_at, token, peak_memory_mib, cpu_seconds, signal, status, reason, message, output,
                                         granted_cores, granted_memory_mib, granted_gpus, result)
        SELECT e.job_id, e.ended_at, e.user_id, e.group_id, e.priority, e.attempt, e.executor_id, e.exit_code, e.placed_at,
               e.claimed_at, e.token, e.peak_memory_mib, e.cpu_seconds, e.signal, e.status,
               CASE WHEN e.status = 'failed' OR e.end_ IN ('executor_lost', 'not_started') THEN e.end_ END,
               CASE WHEN e.end_ = 'deadline' THEN 'killed at its deadline' ELSE e.message END, e.output,
               e.granted_cores, e.granted_memory_mib, e.granted_gpus, CASE WHEN e.status = 'completed' THEN e.result END
          FROM ended e WHERE e.status <> 'pending'
    ), removed AS (
        DELETE FROM rcq_private.live l USING ended e WHERE l.job_id = e.job_id AND e.status <> 'pending'
    ), superseded AS (
        INSERT INTO rcq_private.run (job_id, attempt, user_id, executor_id, ended_at, placed_at, claimed_at, token, exit_code,
                                     peak_memory_mib, cpu_seconds, signal, reason, message, output,
                                     granted_cores, granted_memory_mib, granted_gpus)
        SELECT e.job_id, e.attempt, e.user_id, e.executor_id, e.ended_at, e.placed_at, e.claimed_at, e.token, e.exit_code,
               e.peak_memory_mib, e.cpu_seconds, e.signal, e.end_, e.message, e.output,
               e.granted_cores, e.granted_memory_mib, e.granted_gpus
          FROM ended e WHERE e.status = 'pending'
    ), requeued AS (
        UPDATE rcq_private.live l
           SET executor_id = NULL, token = NULL, command_seq = NULL, placed_at = NULL, claimed_at = NULL, claimed_by = NULL,
               cpu_seconds = NULL, peak_memory_mib = NULL, granted_cores = NULL, granted_memory_mib = NULL, granted_gpus = NULL,
               preempt_requested_at = NULL, requeue_requested_at = NULL, log_full = false,
               -- of an array that was put on hold while the task ran
               held = l.held OR COALESCE((SELECT a.held FROM rcq_private.live a WHERE a.job_id = l.array_id), false),
               failures = l.failures + CASE WHEN e.delay_s IS NULL THEN 0 ELSE 1 END,
               losses = l.losses + CASE WHEN e.end_ IN ('executor_lost', 'not_started') THEN 1 ELSE 0 END,
               preempted = l.preempted + CASE WHEN e.end_ = 'preempted' THEN 1 ELSE 0 END,
               eligible_at = CASE WHEN e.delay_s IS NULL THEN l.eligible_at ELSE now_ + pg_catalog.make_interval(secs => e.delay_s) END,
               memory_mib = CASE WHEN e.memory_factor > 1 THEN LEAST(pg_catalog.ceil(l.memory_mib * e.memory_factor), 2147483647)::integer ELSE l.memory_mib END,
               memory_raised = l.memory_raised OR COALESCE(e.memory_factor > 1, false)
          FROM (SELECT x.*, CASE WHEN x.end_ = 'oom' THEN (SELECT (j.retry ->> 'memory_factor')::double precision FROM rcq_private.job j WHERE j.id = x.job_id) END AS memory_factor
                  FROM ended x WHERE x.status = 'pending') e
         WHERE l.job_id = e.job_id
    ), tasks AS (
        INSERT INTO rcq_private.array_end (array_id, completed, failed, cancelled)
        SELECT e.array_id, pg_catalog.count(*) FILTER (WHERE e.status = 'completed'), pg_catalog.count(*) FILTER (WHERE e.status = 'failed'),
               pg_catalog.count(*) FILTER (WHERE e.status = 'cancelled')
          FROM ended e WHERE e.array_id IS NOT NULL AND e.status <> 'pending' GROUP BY e.array_id
    ), commands AS (
        DELETE FROM rcq_private.command c USING ended e WHERE c.executor_id = e.executor_id AND c.seq = e.command_seq
    ), charged AS (
        -- short runs share a row, which blurs their times by less than anybody can tell in a window of days
        INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds, gpu_type)
        SELECT pg_catalog.min(e.claimed_at), pg_catalog.max(e.ended_at), e.group_id, e.user_id, pg_catalog.sum(e.cores * e.ran_s),
               pg_catalog.sum(e.gb * e.ran_s), pg_catalog.sum(e.gpus * e.ran_s),
               (SELECT x.gpu_type FROM rcq_private.executor x WHERE x.id = end_runs.executor_id)
          FROM ended e WHERE e.end_ NOT IN ('executor_lost', 'not_started') GROUP BY e.group_id, e.user_id, CASE WHEN e.ran_s >= 600 THEN e.job_id END
    )
    SELECT pg_catalog.array_agg(rcq_private.touched(e.job_id)), pg_catalog.array_agg(e.token),
           pg_catalog.array_agg(e.job_id) FILTER (WHERE e.told), pg_catalog.min(e.command_seq) FILTER (WHERE e.told),
           rcq_private.count_ends(pg_catalog.array_agg(e.status), pg_catalog.array_agg(e.end_), pg_catalog.array_agg(e.ran_s))
      INTO done_ids, done_tokens, told_ids, first_seq, counted FROM ended e;
    IF told_ids IS NOT NULL THEN
        -- what told the executor to end them; in a statement of its own, which sees a command that was sent just before
        -- the rows were locked above
        DELETE FROM rcq_private.command c
         WHERE c.executor_id = end_runs.executor_id AND c.seq > first_seq AND c.kind = 'cancel' AND c.job_id = ANY (told_ids);
    END IF;
    RETURN QUERY SELECT d.job_id, d.token, 'ok' FROM unnest(done_ids, done_tokens) d(job_id, token);
    IF pg_catalog.cardinality(done_ids) = pg_catalog.cardinality(reports) THEN RETURN; END IF;

    -- What found no live run: reported before, or replaced, or locked by somebody.
    RETURN QUERY
    SELECT r.job_id, r.token,
           CASE WHEN EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = r.job_id AND l.token = r.token
                              AND l.executor_id = end_runs.executor_id AND l.claimed_at IS NOT NULL) THEN 'retry'
                WHEN EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = r.job_id AND o.token = r.token AND o.executor_id = end_runs.executor_id AND o.reason IS DISTINCT FROM 'executor_lost')
                  OR EXISTS (SELECT FROM rcq_private.run u WHERE u.job_id = r.job_id AND u.token = r.token AND u.executor_id = end_runs.executor_id AND u.reason <> 'executor_lost') THEN 'already'
                ELSE 'stale' END
      FROM unnest(reports) r
     WHERE r.token <> ALL (COALESCE(done_tokens, '{}'));
END $$;

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
