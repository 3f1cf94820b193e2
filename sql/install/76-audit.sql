-- The record of what people change. Definitions are recorded by triggers on the columns that people change, what is done
-- to jobs by the functions that do it. What the scheduler and executors write is not recorded, nor are submissions over
-- SQL: the job is the record of itself.

CREATE FUNCTION rcq_private.is_inside_function() RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_is_inside_function';
COMMENT ON FUNCTION rcq_private.is_inside_function() IS 'Whether a SECURITY DEFINER function is being executed, and not a statement of the session itself';

CREATE FUNCTION rcq_private.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.fail('RC005', 'the audit log cannot be changed: ' || TG_OP || ' is refused for everybody',
        'It is only added to. What is too old for you, leave out when you read it.');
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rcq_private.audit
    FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.refuse_audit_change();
-- whatever session_replication_role is
ALTER TABLE rcq_private.audit ENABLE ALWAYS TRIGGER append_only;

-- A value as it is recorded: a long one by its begin.
CREATE FUNCTION rcq_private.audit_value(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN pg_catalog.length(value::text) <= 2000 THEN value ELSE pg_catalog.to_jsonb(pg_catalog.left(value #>> '{}', 2000) || '...') END
$$;

-- Adds to the record that whoever acts did this.
CREATE FUNCTION rcq_private.record_change(action text, kind text, object text, old jsonb DEFAULT NULL, new jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    over_http CONSTANT boolean := session_user = 'rcq_authenticator';
    acting_id integer;
BEGIN
    BEGIN
        acting_id := rcq_private.caller_id();
    EXCEPTION WHEN SQLSTATE 'RC010' THEN -- a role that is no user
    END;
    INSERT INTO rcq_private.audit (user_id, actor, action, kind, object, old, new, via, address, request_id)
    VALUES (acting_id,
            COALESCE(CASE WHEN over_http THEN (SELECT u.email FROM rcq_private.users u WHERE u.id = acting_id) END, rcq_private.outer_role()),
            action, kind, COALESCE(object, ''), old, new, CASE WHEN over_http THEN 'http' ELSE 'sql' END,
            CASE WHEN over_http THEN pg_catalog.left(rcq_private.request_header('x-real-ip'), 100) ELSE pg_catalog.host(pg_catalog.inet_client_addr()) END,
            CASE WHEN over_http THEN pg_catalog.left(rcq_private.request_header('x-request-id'), 100) END);
END $$;

-- Ids as text: 7,10-20.
CREATE FUNCTION rcq_private.id_ranges(ids bigint[]) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.left(pg_catalog.string_agg(pg_catalog.concat_ws('-', pg_catalog.lower(r), NULLIF(pg_catalog.upper(r) - 1, pg_catalog.lower(r))), ',' ORDER BY r), 2000)
      FROM (SELECT pg_catalog.range_agg(pg_catalog.int8range(i, i, '[]')) AS all_ids FROM unnest(ids) i) m, unnest(m.all_ids) r
$$;

-- Arguments: kind; columns that name the object; words for INSERT, UPDATE and DELETE; columns that are recorded, none =
-- that there was a change and no more. A row that a session inserts by itself, and not through a function, comes from a
-- dump and has been recorded where that was taken.
CREATE FUNCTION rcq_private.audit_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET IntervalStyle = 'postgres' AS $$
DECLARE
    named CONSTANT text[] := pg_catalog.string_to_array(TG_ARGV[1], ',');
    words CONSTANT text[] := pg_catalog.string_to_array(TG_ARGV[2], ',');
    recorded CONSTANT text[] := pg_catalog.string_to_array(TG_ARGV[3], ',');
    -- the environment of jobs may hold secrets
    before CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN pg_catalog.to_jsonb(OLD) #- '{request,env}' END;
    after CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN pg_catalog.to_jsonb(NEW) #- '{request,env}' END;
    old_values jsonb;
    new_values jsonb;
BEGIN
    IF TG_OP = 'INSERT' AND NOT rcq_private.is_inside_function()
       OR EXISTS (SELECT FROM rcq_private.executor e WHERE e.name = rcq_private.outer_role()) THEN
        RETURN NULL;
    END IF;
    SELECT pg_catalog.jsonb_object_agg(c, rcq_private.audit_value(before -> c)) FILTER (WHERE before IS NOT NULL),
           pg_catalog.jsonb_object_agg(c, rcq_private.audit_value(after -> c)) FILTER (WHERE after IS NOT NULL)
      INTO old_values, new_values
      FROM unnest(recorded) c WHERE COALESCE(before -> c, 'null') IS DISTINCT FROM COALESCE(after -> c, 'null');
    IF TG_OP = 'UPDATE' AND recorded <> '{}' AND new_values IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM rcq_private.record_change(
        TG_ARGV[0] || '.' || words[CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'UPDATE' THEN 2 ELSE 3 END], TG_ARGV[0],
        (SELECT pg_catalog.string_agg(COALESCE(after, before) ->> n, '/' ORDER BY place) FROM unnest(named) WITH ORDINALITY k(n, place)),
        old_values, new_values);
    RETURN NULL;
END $$;

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.groups FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('group', 'name', 'add,change,remove', 'id,name,priority,quota_cpu_hours,quota_mode,default_estimate,open,parent_id,shares,max_jobs,max_cores,max_gpus,paused');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.users FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('user', 'id', 'add,change,remove', 'role_name,email,group_id,is_admin,max_priority,shares,max_jobs,max_cores,max_gpus,max_pending,unix_user,disabled');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.setting FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('setting', 'name', 'change,change,change', 'value');
-- the rest of its columns are written by the executor's process
CREATE TRIGGER audit AFTER INSERT OR UPDATE OF drained, drain_at, drain_requeues OR DELETE ON rcq_private.executor FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('executor', 'name', 'add,change,remove', 'drained,drain_at,drain_requeues,leaving');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.consumable FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('consumable', 'name', 'add,change,remove', 'executor_id,total');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.concurrency_limit FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('concurrency_limit', 'key', 'add,change,remove', 'max_jobs');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.gpu_billing FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('gpu_billing', 'gpu_type', 'add,change,remove', 'per_hour');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.reservation FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('reservation', 'id', 'add,change,remove', 'executor_id,group_id,starts_at,ends_at,reason');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.paused FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('cluster', '', 'pause,pause,resume', 'reason');
-- next_at, open_from and error are written when it is due
CREATE TRIGGER audit AFTER INSERT OR UPDATE OF cron, timezone, request, missed, overlap, paused_since OR DELETE ON rcq_private.schedule FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('schedule', 'user_id,name', 'add,change,remove', 'cron,timezone,request,missed,overlap,paused_since');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON rcq_private.task_type FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('type', 'name', 'add,change,remove', 'command,payload_schema,defaults,limits,description');
-- of what is secret, that it was changed
CREATE TRIGGER audit AFTER INSERT OR UPDATE OF password_hash OR DELETE ON rcq_private.credential FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('password', 'user_id', 'set,change,remove', '');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OF revoked_at OR DELETE ON rcq_private.api_token FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('token', 'id', 'create,revoke,remove', 'user_id,name,scope,expires_at,revoked_at');
-- secrets that have come to their end are removed when another one is made
CREATE TRIGGER audit AFTER INSERT ON rcq_private.jwt_secret FOR EACH ROW
    EXECUTE FUNCTION rcq_private.audit_row('jwt_secret', 'id', 'rotate,,', '');

CREATE VIEW rcq.audit WITH (security_invoker = true) AS
SELECT a.id, a.at, a.user_id, a.actor, a.action, a.kind, a.object, a.old, a.new, a.via, a.address, a.request_id FROM rcq_private.audit a;
COMMENT ON VIEW rcq.audit IS 'What people changed, for administrators; others see nothing';
COMMENT ON COLUMN rcq.audit.action IS 'kind.verb: group.change, job.cancel, setting.change ...';
COMMENT ON COLUMN rcq.audit.object IS 'Name or id; of several jobs their ids as 7,10-20; of a schedule user id and name, 3/nightly';
COMMENT ON COLUMN rcq.audit.old IS 'Values before, of what was changed; NULL = it was not there';
COMMENT ON COLUMN rcq.audit.new IS 'Values after, of what was changed; NULL = it is no more';
