-- Failed jobs that nobody has submitted anew. What is one's own is found by index; the second branch, of an administrator
-- who sees everybody's, is not entered by others.
CREATE VIEW rcq.dead_jobs WITH (security_invoker = true) AS
SELECT j.id, j.name, rcq_private.user_name(j.user_id) AS user_name, o.reason, o.exit_code, o.signal, o.message, o.attempt AS attempts,
       o.ended_at, rcq_private.executor_name(o.executor_id) AS executor, j.project, j.array_id, j.array_index, j.user_id
  FROM (SELECT own.* FROM rcq_private.outcome own WHERE own.status = 'failed' AND own.user_id = (SELECT rcq_private.caller_id())
        UNION ALL
        SELECT other.* FROM rcq_private.outcome other
         WHERE other.status = 'failed' AND (SELECT rcq_private.caller_is_admin()) AND other.user_id <> (SELECT rcq_private.caller_id())) o
  JOIN rcq_private.job j ON j.id = o.job_id
 WHERE NOT EXISTS (SELECT FROM rcq_private.resubmission r WHERE r.job_id = COALESCE(j.array_id, j.id));
COMMENT ON VIEW rcq.dead_jobs IS 'Failed jobs, and failed tasks of arrays, that were not submitted anew: what to look at, and what rcq.resubmit_failed would submit';
COMMENT ON COLUMN rcq.dead_jobs.attempts IS 'Placements, with those that came to nothing';
