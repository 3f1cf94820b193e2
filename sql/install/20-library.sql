-- Functions of the library that the SQL below is built on.

CREATE FUNCTION rcq_private.outer_role() RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_outer_role';
COMMENT ON FUNCTION rcq_private.outer_role() IS 'The role that acts: SET ROLE or the login role, also inside SECURITY DEFINER functions';

CREATE FUNCTION rcq_private.caller_id() RETURNS integer
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_caller_id';
COMMENT ON FUNCTION rcq_private.caller_id() IS 'The id of the user who acts; error RC010 when the role is no user of rcq';

CREATE FUNCTION rcq_private.caller_is_admin() RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_caller_is_admin';
COMMENT ON FUNCTION rcq_private.caller_is_admin() IS 'Whether the user who acts administers this database''s queue';

CREATE FUNCTION rcq_private.first_visible_user() RETURNS integer
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_first_visible_user';
COMMENT ON FUNCTION rcq_private.first_visible_user() IS 'With last_visible_user(): a range of user ids outside of which the caller sees nothing, for those who sort or count what row security leaves; raises nothing';

CREATE FUNCTION rcq_private.last_visible_user() RETURNS integer
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_last_visible_user';
COMMENT ON FUNCTION rcq_private.last_visible_user() IS 'See first_visible_user()';

CREATE FUNCTION rcq_private.setting_text(name text) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_setting_text';
COMMENT ON FUNCTION rcq_private.setting_text(text) IS 'The value in force, parsed; NULL when there is no such setting';

CREATE FUNCTION rcq_private.touched(job_id bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_touched';
COMMENT ON FUNCTION rcq_private.touched(bigint) IS 'Tells the scheduler at commit that this job changed, and wakes it; returns its argument';

CREATE FUNCTION rcq_private.definitions_changed() RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_definitions_changed';
COMMENT ON FUNCTION rcq_private.definitions_changed() IS 'Tells the scheduler at commit to read settings, groups and executors again';

CREATE FUNCTION rcq_private.activate() RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_activate';
COMMENT ON FUNCTION rcq_private.activate() IS 'Asks the launcher at commit to start this database''s scheduler';

CREATE FUNCTION rcq_private.heartbeat(executor_id integer) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_heartbeat';
COMMENT ON FUNCTION rcq_private.heartbeat(integer) IS 'Records in shared memory that this executor was heard of';

CREATE FUNCTION rcq_private.executor_seen(executor_id integer) RETURNS timestamptz
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_executor_seen';
COMMENT ON FUNCTION rcq_private.executor_seen(integer) IS 'Last heartbeat since the server started, or NULL';

CREATE FUNCTION rcq_private.acknowledged(executor_id integer, seq bigint) RETURNS timestamptz
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_acknowledged';
COMMENT ON FUNCTION rcq_private.acknowledged(integer, bigint) IS 'When an executor said that it has this command of its stream, at the latest; NULL = it has not, or not since the server started';

CREATE FUNCTION rcq_private.check_request(
    ordinal bigint, script text, cpu_cores integer, memory_gb double precision, gpu_count integer,
    estimated_hours double precision, time_limit_s double precision, priority integer, max_retries integer, name text,
    workdir text, env jsonb, features text[], on_disconnect text, cpu_cores_min integer, gpu_type text, constraints text,
    consumables jsonb, concurrency_key text,
    own_max_priority integer, max_script_bytes integer, max_time_limit_s double precision) RETURNS integer
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_check_request';
COMMENT ON FUNCTION rcq_private.check_request(bigint, text, integer, double precision, integer, double precision,
    double precision, integer, integer, text, text, jsonb, text[], text, integer, text, text, jsonb, text, integer, integer,
    double precision)
    IS 'Raises RC001 or RC005 for the first fault of a request (ordinal names it in a bulk); returns its memory in MiB';

CREATE FUNCTION rcq_private.feature_list(features text[]) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_feature_list';
COMMENT ON FUNCTION rcq_private.feature_list(text[]) IS 'The features sorted and without duplicates; NULL when there are none';

CREATE FUNCTION rcq_private.constraint_text("constraint" text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_constraint_text';
COMMENT ON FUNCTION rcq_private.constraint_text(text) IS 'A constraint as it is stored: canonical; NULL when malformed';

CREATE FUNCTION rcq_private.constraint_wants("constraint" text) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_constraint_wants';
COMMENT ON FUNCTION rcq_private.constraint_wants(text) IS 'Features that a constraint mentions without negating them; NULL when malformed';

CREATE FUNCTION rcq_private.constraint_accepts("constraint" text, features text[]) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_constraint_accepts';
COMMENT ON FUNCTION rcq_private.constraint_accepts(text, text[]) IS 'Whether an executor with these features meets the constraint (NULL: every one does); NULL when malformed';

CREATE FUNCTION rcq_private.array_spec(spec text, OUT canonical text, OUT size integer, OUT throttle integer)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_array_spec';
COMMENT ON FUNCTION rcq_private.array_spec(text) IS 'The indices of an array (1-100:2%50) in canonical form, how many they are, and the throttle; RC001 when malformed';

CREATE FUNCTION rcq_private.array_index(canonical text, "position" integer) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_array_index';
COMMENT ON FUNCTION rcq_private.array_index(text, integer) IS 'Index of the task at a position; position 0 is the least index';

CREATE FUNCTION rcq_private.array_positions(canonical text, selection text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_array_positions';
COMMENT ON FUNCTION rcq_private.array_positions(text, text) IS 'Positions of the tasks whose index is in a selection (7 or 1-10,20), as text of an int4multirange; RC001 when malformed, RC002 when there is none';

CREATE FUNCTION rcq_private.lock_submissions(user_id integer) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_lock_submissions';
COMMENT ON FUNCTION rcq_private.lock_submissions(integer) IS 'Until the transaction ends, others wait here for the same user';

CREATE FUNCTION rcq_private.try_lock_submissions(user_id integer) RETURNS boolean
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_try_lock_submissions';
COMMENT ON FUNCTION rcq_private.try_lock_submissions(integer) IS 'As lock_submissions(), but false at once when somebody else holds the lock';

CREATE FUNCTION rcq_private.count_pending(user_id integer, at_most bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_count_pending';
COMMENT ON FUNCTION rcq_private.count_pending(integer, bigint) IS 'Pending jobs of a user at this moment, in every isolation level';

CREATE FUNCTION rcq_private.count_submitted(user_id integer, since timestamptz, at_most bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_count_submitted';
COMMENT ON FUNCTION rcq_private.count_submitted(integer, timestamptz, bigint) IS 'Jobs that a user submitted after a time, at this moment, in every isolation level';

CREATE FUNCTION rcq_private.lock_output(executor_id integer, alone boolean) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_lock_output';
COMMENT ON FUNCTION rcq_private.lock_output(integer, boolean) IS 'Until the transaction ends, nobody is alone with the output of this executor''s runs, or everybody else waits';

CREATE FUNCTION rcq_private.log_lines(data bytea) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_log_lines';
COMMENT ON FUNCTION rcq_private.log_lines(bytea) IS 'Lines of a log chunk; bytes that are no text become U+FFFD';

CREATE FUNCTION rcq_private.pending_state(
    job_id bigint, group_id integer, user_id integer, priority integer, cpu_cores integer, memory_mib integer,
    gpu_count integer, features text[], held boolean, eligible_at timestamptz, cpu_cores_min integer, gpu_type text,
    constraints text, consumables jsonb, exclusive boolean, preemptible boolean, concurrency_key text,
    array_id bigint, array_throttle integer, unmet integer, failures integer,
    OUT "position" integer, OUT base_priority integer, OUT fair_share double precision, OUT wait_boost double precision,
    OUT final_priority double precision, OUT reason text, OUT expected_start timestamptz, OUT approximate boolean,
    OUT forecast_at timestamptz, OUT reserved_executor integer, OUT reserved_start timestamptz)
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_pending_state';
COMMENT ON FUNCTION rcq_private.pending_state(bigint, integer, integer, integer, integer, integer, integer, text[], boolean, timestamptz,
    integer, text, text, jsonb, boolean, boolean, text, bigint, integer, integer, integer)
    IS 'What the scheduler last published about a pending job: rank (first 1,000), factors, reason, expected start (approximate behind the first predict_depth jobs) and when that was computed, reservation';

CREATE FUNCTION rcq_private.scheduler_state(
    OUT pid integer, OUT state text, OUT started_at timestamptz, OUT last_cycle_at timestamptz, OUT cycles bigint,
    OUT placements bigint, OUT pending bigint, OUT running bigint, OUT last_error text)
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_scheduler_state';
COMMENT ON FUNCTION rcq_private.scheduler_state() IS 'State of this database''s scheduler worker';

CREATE FUNCTION rcq_private.count_submissions(jobs bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_count_submissions';
COMMENT ON FUNCTION rcq_private.count_submissions(bigint) IS 'Counts so many submitted jobs for rcq.metrics() when the transaction commits; returns its argument';

CREATE FUNCTION rcq_private.count_log_bytes(bytes bigint) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_count_log_bytes';
COMMENT ON FUNCTION rcq_private.count_log_bytes(bigint) IS 'The same of so much output of jobs; returns its argument';

CREATE FUNCTION rcq_private.role_password(role text, password text) RETURNS text
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_role_password';
COMMENT ON FUNCTION rcq_private.role_password(text, text) IS 'What PostgreSQL stores of a password of a role, for statements that set it: their text may be logged, counted by its words, or stand in the context of an error';

CREATE FUNCTION rcq_private.fail(code text, message text, hint text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_fail';
COMMENT ON FUNCTION rcq_private.fail(text, text, text) IS 'Raises an error that is complete in itself, without the SQL context that would hide it';

-- Functions in SQL that do not pin their search_path, so that the planner can put them in where they are called, have a
-- body that is parsed here, once: as text it would mean what the caller's search_path makes of it.

-- Numbers of any size as double precision, so that the check that follows can name the allowed range.
CREATE FUNCTION rcq_private.as_float(value numeric) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value BETWEEN -1e15 AND 1e15 THEN value::double precision
            WHEN value < 0 THEN '-Infinity'::double precision
            WHEN value IS NOT NULL THEN 'Infinity'::double precision END;

-- RC004 for whatever tells that somebody else holds the row.
CREATE FUNCTION rcq_private.raise_busy(job bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.fail('RC004', pg_catalog.format('job %s is being changed by somebody else', job),
            'Try again in a moment; an open transaction may hold it (see pg_stat_activity).');
END $$;

CREATE FUNCTION rcq_private.require_admin() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT rcq_private.caller_is_admin() THEN
        PERFORM rcq_private.fail('RC005', 'only administrators of this queue may do this',
            'An administrator can make you one: SELECT rcq.set_user(''<role>'', is_admin => true).');
    END IF;
END $$;
