"""What must add up in the tables of a queue at any commit: each line of audit() is a contradiction.

Nothing is asked of the scheduler but its tables, so that it may be gone; what it counts in memory is compared by at_rest()."""
import harness

# Each returns rows that should not be there; the text says what they are.
QUERIES = {
    "jobs with a live row and an outcome": "SELECT l.job_id FROM rcq_private.live l JOIN rcq_private.outcome o ON o.job_id = l.job_id",
    "jobs that are neither live nor ended": """
        SELECT j.id FROM rcq_private.job j WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = j.id) AND NOT EXISTS (SELECT FROM rcq_private.outcome o WHERE o.job_id = j.id)
           AND NOT EXISTS (SELECT FROM rcq_private.restored r WHERE r.job_id = j.id)""",
    "live rows without a job": "SELECT l.job_id FROM rcq_private.live l WHERE NOT EXISTS (SELECT FROM rcq_private.job j WHERE j.id = l.job_id)",
    "outcomes without a job": "SELECT o.job_id FROM rcq_private.outcome o WHERE NOT EXISTS (SELECT FROM rcq_private.job j WHERE j.id = o.job_id)",
    "jobs with two outcomes": "SELECT job_id FROM rcq_private.outcome GROUP BY job_id HAVING count(*) > 1",
    "jobs with two rows": "SELECT id FROM rcq_private.job GROUP BY id HAVING count(*) > 1",
    "attempts recorded twice": """
        SELECT job_id, attempt FROM (SELECT job_id, attempt FROM rcq_private.run UNION ALL SELECT job_id, attempt FROM rcq_private.outcome WHERE token IS NOT NULL) r GROUP BY job_id, attempt HAVING count(*) > 1""",
    "tokens recorded for two runs": """
        SELECT token FROM (SELECT token FROM rcq_private.run UNION ALL SELECT token FROM rcq_private.outcome WHERE token IS NOT NULL UNION ALL SELECT token FROM rcq_private.live WHERE token IS NOT NULL) r
         GROUP BY token HAVING count(*) > 1""",
    "placements in part": """
        SELECT job_id FROM rcq_private.live WHERE tasks_waiting IS NULL AND NOT (num_nulls(executor_id, token, command_seq, placed_at) IN (0, 4))
            OR tasks_waiting IS NULL AND claimed_at IS NOT NULL AND placed_at IS NULL OR held AND placed_at IS NOT NULL AND claimed_at IS NULL AND tasks_waiting IS NULL""",
    "placed runs without their command": """
        SELECT l.job_id FROM rcq_private.live l WHERE l.token IS NOT NULL
           AND NOT EXISTS (SELECT FROM rcq_private.command c WHERE c.executor_id = l.executor_id AND c.seq = l.command_seq AND c.job_id = l.job_id AND c.token = l.token AND c.kind = 'start')""",
    "commands of no run": "SELECT c.job_id, c.kind FROM rcq_private.command c WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = c.job_id AND l.token = c.token AND l.executor_id = c.executor_id)",
    "grants on what is not placed": "SELECT job_id FROM rcq_private.live WHERE placed_at IS NULL AND num_nonnulls(granted_cores, granted_memory_mib, granted_gpus) > 0",
    "executors with more than they have": """
        SELECT e.name FROM rcq_private.executor e, LATERAL (SELECT sum(COALESCE(l.granted_cores, l.cpu_cores)) AS cores, sum(COALESCE(l.granted_memory_mib, l.memory_mib)) AS memory, sum(COALESCE(l.granted_gpus, l.gpu_count)) AS gpus
          FROM rcq_private.live l WHERE l.executor_id = e.id) u WHERE e.hostname IS DISTINCT FROM 'fuzzed' AND (u.cores > e.cpu_cores OR u.memory > e.memory_mib OR u.gpus > e.gpu_count)""",
    "keys with more than their limit": """
        SELECT c.key FROM rcq_private.concurrency_limit c WHERE c.max_jobs > 0 AND rcq_private.concurrency_use(c.key) > c.max_jobs""",
    "arrays that have lost tasks": """
        SELECT a.job_id FROM rcq_private.array a JOIN rcq_private.live l ON l.job_id = a.job_id
         WHERE a.size <> rcq_private.range_size(a.waiting) + rcq_private.range_size(a.held) + rcq_private.range_size(a.withdrawn) + (SELECT count(*) FROM rcq_private.job t WHERE t.array_id = a.job_id)
            OR a.waiting && a.held OR a.waiting && a.withdrawn OR a.held && a.withdrawn OR l.tasks_waiting <> rcq_private.range_size(a.waiting)""",
    "arrays that count their tasks wrongly": """
        SELECT a.job_id FROM rcq_private.array a,
               LATERAL (SELECT COALESCE(sum(e.completed), 0) AS completed, COALESCE(sum(e.failed), 0) AS failed, COALESCE(sum(e.cancelled), 0) AS cancelled FROM rcq_private.array_end e WHERE e.array_id = a.job_id) e,
               LATERAL (SELECT count(*) FILTER (WHERE o.status = 'completed') AS completed, count(*) FILTER (WHERE o.status = 'failed') AS failed, count(*) FILTER (WHERE o.status = 'cancelled') AS cancelled
                          FROM rcq_private.job t JOIN rcq_private.outcome o ON o.job_id = t.id WHERE t.array_id = a.job_id) t
         WHERE a.completed + e.completed <> t.completed OR a.failed + a.cancelled + e.failed + e.cancelled <> t.failed + t.cancelled + rcq_private.range_size(a.withdrawn)""",
    "tasks of an array that has ended": "SELECT l.job_id FROM rcq_private.live l WHERE l.array_id IS NOT NULL AND NOT EXISTS (SELECT FROM rcq_private.live a WHERE a.job_id = l.array_id)",
    "jobs that count their dependencies wrongly": """
        SELECT l.job_id FROM rcq_private.live l WHERE l.array_id IS NULL AND l.unmet <> (SELECT count(*) FROM rcq_private.dependency d WHERE d.job_id = l.job_id)""",
    "dependencies of no job": "SELECT d.job_id FROM rcq_private.dependency d WHERE NOT EXISTS (SELECT FROM rcq_private.live l WHERE l.job_id = d.job_id)",
    "groups and users charged with other than their runs used": """
        WITH used AS (
            SELECT r.user_id, j.group_id, r.claimed_at, r.ended_at, COALESCE(r.granted_cores, j.cpu_cores) AS cores FROM rcq_private.run r JOIN rcq_private.job j ON j.id = r.job_id
             WHERE r.reason NOT IN ('executor_lost', 'not_started')
            UNION ALL
            SELECT o.user_id, o.group_id, o.claimed_at, o.ended_at, COALESCE(o.granted_cores, j.cpu_cores) FROM rcq_private.outcome o JOIN rcq_private.job j ON j.id = o.job_id
             WHERE o.token IS NOT NULL AND o.claimed_at IS NOT NULL AND o.reason IS DISTINCT FROM 'executor_lost' AND o.reason IS DISTINCT FROM 'not_started'),
        recounted AS (SELECT user_id, group_id, sum(cores * extract(epoch FROM ended_at - claimed_at)) AS core_s FROM used GROUP BY user_id, group_id),
        charged AS (SELECT user_id, group_id, sum(core_seconds) AS core_s FROM rcq_private.usage GROUP BY user_id, group_id)
        SELECT user_id, group_id, r.core_s, c.core_s FROM recounted r FULL JOIN charged c USING (user_id, group_id)
         WHERE abs(COALESCE(r.core_s, 0) - COALESCE(c.core_s, 0)) > 1e-3 + 1e-9 * abs(COALESCE(r.core_s, 0))""",
    "idempotency keys of no job": "SELECT i.key FROM rcq_private.idempotency i WHERE NOT EXISTS (SELECT FROM rcq_private.job j WHERE j.id = i.job_id)",
}


def audit(db):
    """Contradictions as texts, all seen by one snapshot."""
    union = " UNION ALL ".join(f"SELECT {number} AS number, to_jsonb(r)::text AS row FROM ({query}) r" for number, query in enumerate(QUERIES.values()))
    texts = list(QUERIES)
    return [f"{texts[row['number']]}: {row['row']}" for row in db.sql(f"SELECT * FROM ({union}) u LIMIT 50")]


def at_rest(db, timeout=60):
    """Waits until what the scheduler has in memory is what the tables say: pending and placed jobs, per group."""
    query = """SELECT s.state, s.last_error, s.pending, s.running,
                      (SELECT count(*) FROM rcq_private.live l WHERE l.tasks_waiting IS NULL AND l.placed_at IS NULL AND l.unmet = 0) AS pending_rows,
                      (SELECT count(*) FROM rcq_private.live l WHERE l.tasks_waiting IS NULL AND l.placed_at IS NOT NULL) AS placed_rows FROM rcq.scheduler s"""
    seen = []

    def agree():
        seen[:] = db.sql(query)
        return seen and seen[0]["state"] == "running" and (seen[0]["pending"], seen[0]["running"]) == (seen[0]["pending_rows"], seen[0]["placed_rows"])

    try:
        harness.wait_for(agree, "the scheduler knows what the tables say", timeout)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None
