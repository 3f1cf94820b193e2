-- Jobs by COPY and INSERT: a view that has no rows, and takes them in.

CREATE VIEW rcq.inbox WITH (security_invoker = true) AS
SELECT NULL::text AS script, NULL::integer AS cpu_cores, NULL::double precision AS memory_gb, NULL::integer AS gpu_count,
       NULL::double precision AS estimated_hours, NULL::interval AS time_limit, NULL::integer AS priority, NULL::integer AS max_retries,
       NULL::text AS name, NULL::text AS workdir, NULL::jsonb AS env, NULL::text[] AS features, NULL::boolean AS hold,
       NULL::boolean AS requeue, NULL::text AS on_disconnect, NULL::integer AS cpu_cores_min, NULL::text AS gpu_type,
       NULL::text AS constraints, NULL::jsonb AS consumables, NULL::boolean AS exclusive, NULL::boolean AS preemptible,
       NULL::text AS concurrency_key, NULL::text AS "array", NULL::text AS depends_on, NULL::timestamptz AS begin_time,
       NULL::timestamptz AS deadline, NULL::text AS idempotency_key, NULL::text AS project, NULL::text[] AS tags,
       NULL::uuid AS external_id, NULL::text AS on_dependency_failed, NULL::text[] AS retry_on, NULL::interval AS retry_delay,
       NULL::text AS retry_backoff, NULL::interval AS retry_max_delay, NULL::double precision AS retry_jitter,
       NULL::double precision AS retry_memory_factor, NULL::text AS type, NULL::jsonb AS payload
 WHERE false;
COMMENT ON VIEW rcq.inbox IS 'Has no rows: each one that is inserted or copied into it (COPY rcq.inbox (script, cpu_cores) FROM STDIN) submits a job, all of a statement or none. Columns are the arguments of rcq.submit, or type and payload as those of rcq.submit_task; NULL means what an #RCQ line of the script says, else the default. Errors are those of rcq.submit_many and name the number of the row';

CREATE FUNCTION rcq_private.inbox() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'rcq_inbox';
COMMENT ON FUNCTION rcq_private.inbox() IS 'Submits what is inserted into rcq.inbox: begins before the statement, gathers rows, ends after it';

CREATE TRIGGER begin_intake BEFORE INSERT ON rcq.inbox FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.inbox();
CREATE TRIGGER gather INSTEAD OF INSERT ON rcq.inbox FOR EACH ROW EXECUTE FUNCTION rcq_private.inbox();
CREATE TRIGGER end_intake AFTER INSERT ON rcq.inbox FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.inbox();

GRANT INSERT ON rcq.inbox TO rcq_user, rcq_admin;
