-- What administrators do with groups, users, executors and settings.

-- Raises RC002 with the names there are.
CREATE FUNCTION rcq_private.raise_unknown(kind text, wanted text, known text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no %s "%s"', kind, COALESCE(pg_catalog.left(wanted, 100), 'NULL')),
            pg_catalog.format('There are: %s.', COALESCE(pg_catalog.left(known, 1000), 'none')));
END $$;

CREATE FUNCTION rcq_private.group_id(group_name text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT g.id INTO found_id FROM rcq_private.groups g WHERE g.name = group_name;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('group', group_name, (SELECT pg_catalog.string_agg(g.name, ', ' ORDER BY g.name) FROM rcq_private.groups g));
    END IF;
    RETURN found_id;
END $$;

CREATE FUNCTION rcq_private.check_name(kind text, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name IS NULL OR name !~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('"%s" cannot be the name of %s', COALESCE(pg_catalog.left(name, 100), 'NULL'), kind),
            '1 to 63 letters, digits, "_", "." and "-", beginning with a letter, a digit or "_".');
    END IF;
END $$;

CREATE FUNCTION rcq_private.check_group(quota_cpu_hours numeric, quota_mode text, priority integer, default_estimate interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text := CASE
        WHEN NOT (quota_cpu_hours >= 0 AND quota_cpu_hours <= 1e12) THEN 'quota_cpu_hours is outside 0 to 10^12 (billed CPU-hours per usage window; NULL = none)'
        WHEN quota_mode NOT IN ('soft', 'hard') THEN 'quota_mode is neither soft nor hard'
        WHEN priority NOT BETWEEN 1 AND 10 THEN 'priority is outside 1 to 10'
        WHEN NOT (default_estimate > interval '0' AND default_estimate <= interval '10 years') THEN 'default_estimate is outside 0 to 10 years' END;
BEGIN
    IF wrong IS NOT NULL THEN
        PERFORM rcq_private.fail('RC001', wrong);
    END IF;
END $$;

-- The share of a group or user and what limits it; max_pending is of users alone.
CREATE FUNCTION rcq_private.check_share(shares numeric, max_jobs integer, max_cores integer, max_gpus integer, max_pending integer DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    negative text;
BEGIN
    IF NOT (shares >= 0 AND shares <= 1e9) THEN
        PERFORM rcq_private.fail('RC001', 'shares is outside 0 to 10^9');
    END IF;
    SELECT l.name INTO negative FROM (VALUES ('max_jobs', max_jobs), ('max_cores', max_cores), ('max_gpus', max_gpus), ('max_pending', max_pending)) l(name, value) WHERE l.value < 0;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('%s is negative', negative), 'A limit is removed with no_limits => true.');
    END IF;
END $$;

-- The id of the group that is to be the parent of another; RC001 when that one would become a part of itself. Until the
-- end of the transaction nobody else makes one a parent.
CREATE FUNCTION rcq_private.parent_id(child integer, parent text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted integer := rcq_private.group_id(parent);
BEGIN
    LOCK TABLE rcq_private.groups IN SHARE ROW EXCLUSIVE MODE;
    IF child IN (WITH RECURSIVE up(id) AS (SELECT wanted UNION SELECT g.parent_id FROM rcq_private.groups g JOIN up ON up.id = g.id) SELECT up.id FROM up) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('group "%s" cannot be the parent: it is the group itself or a part of it', parent),
            'Take the parent out of this group first: rcq.set_group(..., no_parent => true).');
    END IF;
    RETURN wanted;
END $$;

CREATE FUNCTION rcq_private.check_unix_user(unix_user text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF unix_user !~ '^[a-z_][a-z0-9_-]{0,31}$' OR unix_user = 'root' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('unix_user cannot be "%s"', pg_catalog.left(unix_user, 100)),
            'The name of an account on the executors, other than root: 1 to 32 lower-case letters, digits, "_" and "-", beginning with a letter or "_".');
    END IF;
END $$;

CREATE FUNCTION rcq.add_group(name text, quota_cpu_hours numeric DEFAULT NULL, priority integer DEFAULT 5, quota_mode text DEFAULT 'soft',
                              default_estimate interval DEFAULT NULL, open boolean DEFAULT false, parent text DEFAULT NULL, shares numeric DEFAULT 1,
                              max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL, max_gpus integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id integer;
    new_parent integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_name('a group', name),
            rcq_private.check_group(quota_cpu_hours, quota_mode, priority, default_estimate),
            rcq_private.check_share(shares, max_jobs, max_cores, max_gpus);
    IF parent IS NOT NULL THEN new_parent := rcq_private.group_id(parent); END IF;
    INSERT INTO rcq_private.groups AS g (name, quota_cpu_hours, priority, quota_mode, default_estimate, open, parent_id, shares, max_jobs, max_cores, max_gpus)
    VALUES (add_group.name, add_group.quota_cpu_hours, COALESCE(add_group.priority, 5), COALESCE(add_group.quota_mode, 'soft'),
            add_group.default_estimate, COALESCE(add_group.open, false), new_parent, COALESCE(add_group.shares, 1),
            add_group.max_jobs, add_group.max_cores, add_group.max_gpus)
    ON CONFLICT DO NOTHING RETURNING g.id INTO new_id;
    IF new_id IS NULL THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('there is a group "%s" already', name),
            'Change it with rcq.set_group.');
    END IF;
    PERFORM rcq_private.definitions_changed();
    RETURN new_id;
END $$;
COMMENT ON FUNCTION rcq.add_group(text, numeric, integer, text, interval, boolean, text, numeric, integer, integer, integer) IS
'Makes a research group and returns its id. quota_cpu_hours: billed CPU-hours per usage window, NULL = none; priority 1-10; quota_mode: soft (over quota ranks lower) or hard (over quota waits); default_estimate: planned duration of jobs that state none; open: people may register into it; parent: the group it is part of, NULL = top; shares: its part of the parent''s share, relative to its neighbours (policies multifactor, fairtree); max_jobs, max_cores, max_gpus: most of it placed and running at once, NULL = no limit of its own, 0 = none. Errors: RC001, RC002, RC005, RC006';

CREATE FUNCTION rcq.set_group(name text, quota_cpu_hours numeric DEFAULT NULL, priority integer DEFAULT NULL, quota_mode text DEFAULT NULL,
                              default_estimate interval DEFAULT NULL, open boolean DEFAULT NULL, no_quota boolean DEFAULT false, parent text DEFAULT NULL,
                              shares numeric DEFAULT NULL, max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL, max_gpus integer DEFAULT NULL,
                              no_parent boolean DEFAULT false, no_limits boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_id integer;
    new_parent integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_group(quota_cpu_hours, quota_mode, priority, default_estimate),
            rcq_private.check_share(shares, max_jobs, max_cores, max_gpus);
    changed_id := rcq_private.group_id(name);
    IF parent IS NOT NULL THEN new_parent := rcq_private.parent_id(changed_id, parent); END IF;
    UPDATE rcq_private.groups g
       SET quota_cpu_hours = CASE WHEN no_quota THEN NULL ELSE COALESCE(set_group.quota_cpu_hours, g.quota_cpu_hours) END,
           priority = COALESCE(set_group.priority, g.priority), quota_mode = COALESCE(set_group.quota_mode, g.quota_mode),
           default_estimate = COALESCE(set_group.default_estimate, g.default_estimate), open = COALESCE(set_group.open, g.open),
           parent_id = COALESCE(new_parent, CASE WHEN NOT no_parent THEN g.parent_id END),
           shares = COALESCE(set_group.shares, g.shares), max_jobs = COALESCE(set_group.max_jobs, CASE WHEN NOT no_limits THEN g.max_jobs END),
           max_cores = COALESCE(set_group.max_cores, CASE WHEN NOT no_limits THEN g.max_cores END),
           max_gpus = COALESCE(set_group.max_gpus, CASE WHEN NOT no_limits THEN g.max_gpus END)
     WHERE g.id = changed_id;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_group(text, numeric, integer, text, interval, boolean, boolean, text, numeric, integer, integer, integer, boolean, boolean) IS
'Changes what is given of a group, effective at the next cycle. no_quota => true removes its quota, no_parent => true takes it to the top, no_limits => true removes those of max_jobs, max_cores and max_gpus that are not given. Errors: RC001 (also for a group that would be part of itself), RC002, RC005';

CREATE FUNCTION rcq.add_user(role_name text, group_name text DEFAULT 'default', is_admin boolean DEFAULT false, max_priority integer DEFAULT 10,
                             email text DEFAULT NULL, shares numeric DEFAULT 1, max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL,
                             max_gpus integer DEFAULT NULL, max_pending integer DEFAULT NULL, unix_user text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    address text;
    new_id integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_share(shares, max_jobs, max_cores, max_gpus, max_pending), rcq_private.check_unix_user(unix_user);
    IF role_name IS NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = role_name) THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no SQL role "%s"', COALESCE(role_name, 'NULL')),
            pg_catalog.format('Make it first: CREATE ROLE %I LOGIN.', COALESCE(role_name, 'name')));
    END IF;
    IF role_name ~ '^(rcq_|pg_)' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('role "%s" cannot be a user: everybody in it would be', role_name),
            'Make a login role for each person.');
    END IF;
    IF EXISTS (SELECT FROM rcq_private.executor e WHERE e.name = role_name) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('role "%s" cannot be a user: it is the login of an executor', role_name),
            'Its host would read what people submit. Make a login role for each person.');
    END IF;
    IF max_priority NOT BETWEEN 1 AND 10 THEN
        PERFORM rcq_private.fail('RC001', 'max_priority is outside 1 to 10');
    END IF;
    IF email IS NOT NULL THEN address := rcq_private.checked_email(email); END IF;
    -- role names and addresses both name people: no address may be what a role of somebody else is called
    INSERT INTO rcq_private.users AS u (role_name, email, group_id, is_admin, max_priority, shares, max_jobs, max_cores, max_gpus, max_pending, unix_user)
    SELECT add_user.role_name, address, rcq_private.group_id(group_name), COALESCE(add_user.is_admin, false), COALESCE(add_user.max_priority, 10),
            COALESCE(add_user.shares, 1), add_user.max_jobs, add_user.max_cores, add_user.max_gpus, add_user.max_pending, add_user.unix_user
     WHERE NOT EXISTS (SELECT FROM rcq_private.users o WHERE o.email = pg_catalog.lower(add_user.role_name COLLATE "C") OR pg_catalog.lower(o.role_name) = address)
    ON CONFLICT DO NOTHING RETURNING u.id INTO new_id;
    IF new_id IS NULL THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('role "%s" or its e-mail address is a user already', role_name),
            'Change it with rcq.set_user.');
    END IF;
    PERFORM rcq_private.grant_roles(role_name, is_admin), rcq_private.definitions_changed();
    RETURN new_id;
END $$;
COMMENT ON FUNCTION rcq.add_user(text, text, boolean, integer, text, numeric, integer, integer, integer, integer, text) IS
'Makes a SQL role a user of rcq, in one group, and grants it rcq_user (rcq_admin to administrators). max_priority: the highest job priority they may ask for; shares: their part of the group''s share, relative to its other members (policies multifactor, fairtree); max_jobs, max_cores, max_gpus: most of theirs placed and running at once, 0 = none, max_pending: most waiting, 0 = no limit; NULL = as the settings say; unix_user: the account that their jobs run as where an executor runs as root, NULL = its default. Errors: RC001, RC002, RC005, RC006';

CREATE FUNCTION rcq_private.grant_roles(role_name text, is_admin boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE pg_catalog.format('GRANT rcq_user TO %I', role_name);
    IF is_admin THEN
        EXECUTE pg_catalog.format('GRANT rcq_admin TO %I', role_name);
    END IF;
END $$;

CREATE FUNCTION rcq.set_user(name text, group_name text DEFAULT NULL, is_admin boolean DEFAULT NULL, max_priority integer DEFAULT NULL,
                             shares numeric DEFAULT NULL, max_jobs integer DEFAULT NULL, max_cores integer DEFAULT NULL, max_gpus integer DEFAULT NULL,
                             max_pending integer DEFAULT NULL, no_limits boolean DEFAULT false, unix_user text DEFAULT NULL, no_unix_user boolean DEFAULT false,
                             email text DEFAULT NULL, disabled text DEFAULT NULL, enable boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_id integer;
    new_group integer;
    address text;
    role_name text;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_share(shares, max_jobs, max_cores, max_gpus, max_pending), rcq_private.check_unix_user(unix_user);
    changed_id := rcq_private.user_called(name);
    IF max_priority NOT BETWEEN 1 AND 10 THEN
        PERFORM rcq_private.fail('RC001', 'max_priority is outside 1 to 10');
    ELSIF disabled !~ '^[^[:cntrl:]]{1,200}$' THEN
        PERFORM rcq_private.fail('RC001', 'disabled is the reason, in 1 to 200 characters, none of them a control character');
    ELSIF disabled IS NOT NULL AND enable THEN
        PERFORM rcq_private.fail('RC001', 'disabled and enable exclude each other');
    ELSIF disabled IS NOT NULL AND changed_id = rcq_private.caller_id() THEN
        PERFORM rcq_private.fail('RC003', 'you cannot disable yourself', 'Another administrator can.');
    END IF;
    IF group_name IS NOT NULL THEN new_group := rcq_private.group_id(group_name); END IF;
    IF email IS NOT NULL THEN
        address := rcq_private.checked_email(email);
        PERFORM rcq_private.check_address_is_free(address, changed_id);
    END IF;
    UPDATE rcq_private.users u SET group_id = COALESCE(new_group, u.group_id), is_admin = COALESCE(set_user.is_admin, u.is_admin),
           max_priority = COALESCE(set_user.max_priority, u.max_priority), shares = COALESCE(set_user.shares, u.shares),
           max_jobs = COALESCE(set_user.max_jobs, CASE WHEN NOT no_limits THEN u.max_jobs END),
           max_cores = COALESCE(set_user.max_cores, CASE WHEN NOT no_limits THEN u.max_cores END),
           max_gpus = COALESCE(set_user.max_gpus, CASE WHEN NOT no_limits THEN u.max_gpus END),
           max_pending = COALESCE(set_user.max_pending, CASE WHEN NOT no_limits THEN u.max_pending END),
           unix_user = COALESCE(set_user.unix_user, CASE WHEN NOT no_unix_user THEN u.unix_user END),
           email = COALESCE(address, u.email), disabled = COALESCE(set_user.disabled, CASE WHEN NOT enable THEN u.disabled END)
     WHERE u.id = changed_id RETURNING u.role_name INTO role_name;
    IF disabled IS NOT NULL THEN
        PERFORM rcq_private.end_logins(changed_id, true);
    END IF;
    IF role_name IS NOT NULL THEN
        PERFORM rcq_private.grant_roles(role_name, is_admin);
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set_user(text, text, boolean, integer, numeric, integer, integer, integer, integer, boolean, text, boolean, text, text, boolean) IS
'Changes what is given of a user, who is named by SQL role or e-mail address; jobs already submitted stay with the group they were submitted for. no_limits => true removes those of max_jobs, max_cores, max_gpus and max_pending that are not given; no_unix_user => true removes the account, what starts from now on runs as the executor''s default; email: the address to log in with over HTTP; disabled: the reason why the user may do nothing from now on, neither in SQL nor over HTTP, which also revokes their API tokens (their jobs go on, their schedules submit no more); enable => true takes that back. Errors: RC001, RC002, RC003 (disabling yourself), RC005, RC006 (an e-mail address of somebody else)';

CREATE FUNCTION rcq.create_executor_login(name text, password text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    secret text := COALESCE(password, pg_catalog.replace(pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text, '-', ''));
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_name('an executor', name);
    IF EXISTS (SELECT FROM rcq_private.executor e WHERE e.name = create_executor_login.name) THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('there is an executor "%s" already', name),
            pg_catalog.format('Give its login a new password with ALTER ROLE %I PASSWORD ..., or choose another name.', name));
    END IF;
    IF EXISTS (SELECT FROM rcq_private.users u WHERE u.role_name = name) THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('role "%s" is a user, and cannot be an executor', name), 'Choose another name.');
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = name) THEN
        -- roles are cluster-wide: a login that another database's queue made for this executor may serve here too
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles e ON e.oid = m.roleid AND e.rolname = 'rcq_executor'
                         JOIN pg_catalog.pg_roles r ON r.oid = m.member WHERE r.rolname = name) THEN
            PERFORM rcq_private.fail('RC006', pg_catalog.format('role "%s" exists and is no executor login', name),
            'Choose another name.');
        END IF;
        secret := NULL;
    ELSE
        EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS CONNECTION LIMIT 4 PASSWORD %L IN ROLE rcq_executor', name,
            rcq_private.role_password(name, secret));
    END IF;
    INSERT INTO rcq_private.executor (name) VALUES (create_executor_login.name);
    PERFORM rcq_private.definitions_changed();
    RETURN secret;
END $$;
COMMENT ON FUNCTION rcq.create_executor_login(text, text) IS
'Makes the login role of an executor and returns its password (a random one unless given; NULL when the role existed as an executor login). Errors: RC001, RC005, RC006';

-- Drains an executor from this time on (NULL = now), or (reason NULL) ends every drain of it, also one that its process
-- asked for. A drain replaces the one before it.
CREATE FUNCTION rcq_private.set_drained(name text, reason text, at timestamptz DEFAULT NULL, requeues boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    changed_id integer;
BEGIN
    PERFORM rcq_private.require_admin();
    UPDATE rcq_private.executor e
       SET drained = reason, drain_at = at, drain_requeues = requeues, leaving = CASE WHEN reason IS NOT NULL THEN e.leaving END
     WHERE e.name = set_drained.name RETURNING e.id INTO changed_id;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('executor', name, (SELECT pg_catalog.string_agg(e.name, ', ' ORDER BY e.name) FROM rcq_private.executor e));
    END IF;
    PERFORM rcq_private.definitions_changed();
    RETURN changed_id;
END $$;

CREATE FUNCTION rcq.drain_executor(name text, reason text DEFAULT 'drained by an administrator', mode text DEFAULT 'finish', at timestamptz DEFAULT NULL,
                                   OUT requeued bigint, OUT running_on bigint) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    planned CONSTANT timestamptz := CASE WHEN at > pg_catalog.clock_timestamp() THEN at END;
    drained_id integer;
BEGIN
    PERFORM rcq_private.require_admin();
    IF mode IS NULL OR mode NOT IN ('finish', 'requeue') THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('mode cannot be "%s"', COALESCE(pg_catalog.left(mode, 100), 'NULL')),
            'finish: what runs there goes on; requeue: it is sent back to the queue.');
    ELSIF NOT pg_catalog.isfinite(at) THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('at cannot be %s', at), 'Leave it out to drain the executor now.');
    ELSIF planned IS NOT NULL AND EXISTS (SELECT FROM rcq_private.executor e WHERE e.name = drain_executor.name AND COALESCE(e.drain_at <= pg_catalog.clock_timestamp(), e.drained IS NOT NULL)) THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('executor "%s" is being drained already', name), 'Drain it without a time, or end the drain first: rcq.resume_executor.');
    END IF;
    drained_id := rcq_private.set_drained(name, COALESCE(reason, 'drained by an administrator'), planned, mode = 'requeue');
    SELECT pg_catalog.count(*) FILTER (WHERE mode = 'requeue' AND l.requeue), pg_catalog.count(*) FILTER (WHERE mode = 'finish' OR NOT l.requeue) INTO requeued, running_on
      FROM rcq_private.command c JOIN rcq_private.live l ON l.job_id = c.job_id AND l.token = c.token
     WHERE c.executor_id = drained_id AND c.kind = 'start' AND l.claimed_at IS NOT NULL AND l.cancel_requested_at IS NULL;
END $$;
COMMENT ON FUNCTION rcq.drain_executor(text, text, text, timestamptz) IS
'Places nothing more on an executor. mode finish: what runs there goes on (others call this cordon); requeue: it is sent back to the queue, as by rcq.requeue, but for jobs with requeue => false, which go on. at: from this time on, until which only jobs are placed there that are planned to end before it; NULL = now. Returns how many of the runs there are (with at: would now be) requeued, and how many run on; those that are being cancelled do not count. A later call replaces an earlier one. Errors: RC001, RC002, RC003 (at in the future, but drained already), RC005';

CREATE FUNCTION rcq.resume_executor(name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT rcq_private.set_drained(name, NULL) $$;
COMMENT ON FUNCTION rcq.resume_executor(text) IS 'Ends the drains of an executor: that of an administrator, begun or planned, and one that its process asked for. What was already told to end is requeued all the same. Errors: RC002, RC005';

CREATE FUNCTION rcq.set(name text, value text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    def rcq_private.setting_definition;
BEGIN
    PERFORM rcq_private.require_admin();
    SELECT * INTO def FROM rcq_private.setting_definition d WHERE d.name = "set".name;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('setting', name, (SELECT pg_catalog.string_agg(d.name, ', ' ORDER BY d.name) FROM rcq_private.setting_definition d));
    END IF;
    IF value IS NULL THEN
        DELETE FROM rcq_private.setting s WHERE s.name = "set".name;
    ELSE
        INSERT INTO rcq_private.setting AS s (name, value, parsed, changed_by)
        VALUES ("set".name, "set".value, rcq_private.setting_value(def, "set".value), rcq_private.user_name(rcq_private.caller_id()))
        ON CONFLICT ON CONSTRAINT setting_pkey DO UPDATE
           SET value = EXCLUDED.value, parsed = EXCLUDED.parsed, changed_by = EXCLUDED.changed_by, changed_at = pg_catalog.clock_timestamp();
    END IF;
    PERFORM rcq_private.definitions_changed();
END $$;
COMMENT ON FUNCTION rcq.set(text, text) IS
'Changes a setting (see rcq.settings), effective at the next cycle; NULL = back to the default. Errors: RC001 (naming what is allowed), RC002, RC005';

CREATE FUNCTION rcq.adopt() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    UPDATE rcq_private.home h SET system_identifier = c.system_identifier, database_oid = d.oid
      FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database();
    PERFORM rcq_private.activate(), rcq_private.record_change('database.adopt', 'database', pg_catalog.current_database()::text);
END $$;
COMMENT ON FUNCTION rcq.adopt() IS
'Lets the scheduler work in a database that is a copy of another (CREATE DATABASE ... TEMPLATE, pg_upgrade): its queue is run here from now on. Error: RC005';
