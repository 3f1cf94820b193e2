-- For programs that follow jobs: how some are, as cheap as that can be asked.

CREATE FUNCTION rcq.job_states(job_ids bigint[])
RETURNS TABLE (id bigint, status text, reason text, exit_code integer, signal integer, attempt integer, executor text,
               started_at timestamptz, ended_at timestamptz, progress integer, progress_message text, message text)
LANGUAGE c STABLE STRICT ROWS 10 AS 'MODULE_PATHNAME', 'rcq_job_states';
COMMENT ON FUNCTION rcq.job_states(bigint[]) IS
'How these jobs are, in this order, without those that there are not or that you may not see; columns as in rcq.jobs; the progress of an array is the percent of its tasks that have ended. Read by key: made to be asked again and again. Errors: RC005, RC010';
