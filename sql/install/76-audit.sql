-- The record of what people change. Definitions are recorded by triggers on the columns that people change, what is done
-- to jobs by the functions that do it. What the scheduler and executors write is not recorded, nor are submissions over
-- SQL: the job is the record of itself.

CREATE FUNCTION rcq_private.is_inside_function() RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_is_inside_function';
COMMENT ON FUNCTION rcq_private.is_inside_function() IS 'Whether a SECURITY DEFINER function is being executed, and not a statement of the session itself';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rcq_private.audit
    FOR EACH STATEMENT EXECUTE FUNCTION rcq_private.refuse_audit_change();
-- whatever session_replication_role is
ALTER TABLE rcq_private.audit ENABLE ALWAYS TRIGGER append_only;

-- What they record is in 76-audit-rows.sql.
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
