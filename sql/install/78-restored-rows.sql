-- CREATE EXTENSION makes group 1 and user 1, and so does a restore before it comes to the rows of the dump. Those then take
-- the place of what was just made: a group that has a quota keeps it, an administrator the address to log in with.

CREATE FUNCTION rcq_private.take_restored_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'groups' THEN
        UPDATE rcq_private.groups g
           SET name = NEW.name, priority = NEW.priority, quota_cpu_hours = NEW.quota_cpu_hours, quota_mode = NEW.quota_mode, default_estimate = NEW.default_estimate,
               open = NEW.open, created_at = NEW.created_at, parent_id = NEW.parent_id, shares = NEW.shares, max_jobs = NEW.max_jobs, max_cores = NEW.max_cores,
               max_gpus = NEW.max_gpus, paused = NEW.paused
         WHERE g.id = NEW.id;
    ELSE
        -- whoever restores administers the queue, unless the role that did is here, too
        UPDATE rcq_private.users u
           SET role_name = CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = NEW.role_name) THEN NEW.role_name ELSE u.role_name END,
               email = NEW.email, group_id = NEW.group_id, is_admin = NEW.is_admin, max_priority = NEW.max_priority, created_at = NEW.created_at, shares = NEW.shares,
               max_jobs = NEW.max_jobs, max_cores = NEW.max_cores, max_gpus = NEW.max_gpus, max_pending = NEW.max_pending, unix_user = NEW.unix_user,
               disabled = NEW.disabled
         WHERE u.id = NEW.id;
    END IF;
    IF FOUND THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER restored BEFORE INSERT ON rcq_private.groups FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION rcq_private.take_restored_row();
CREATE TRIGGER restored BEFORE INSERT ON rcq_private.users FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION rcq_private.take_restored_row();
