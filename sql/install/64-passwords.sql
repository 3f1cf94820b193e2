-- Passwords of people who log in over HTTP. bcrypt comes from the extension pgcrypto, wherever it is.

-- RC003 when there is no pgcrypto.
CREATE FUNCTION rcq_private.pgcrypto_schema() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_name text;
BEGIN
    SELECT n.nspname INTO found_name FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pgcrypto';
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC003', 'passwords need the extension pgcrypto, which is not in this database', 'CREATE EXTENSION pgcrypto;');
    END IF;
    RETURN found_name;
END $$;

-- The hash of a password; with a hash of it, that hash.
CREATE FUNCTION rcq_private.bcrypt(password text, hash text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    home CONSTANT text := rcq_private.pgcrypto_schema();
    salt text := hash;
    result text;
BEGIN
    IF salt IS NULL THEN
        EXECUTE pg_catalog.format('SELECT %I.gen_salt(''bf''::pg_catalog.text, $1)', home) INTO salt USING rcq_private.setting_text('password_cost')::integer;
    END IF;
    EXECUTE pg_catalog.format('SELECT %I.crypt($1, $2)', home) INTO result USING password, salt;
    RETURN result;
END $$;

CREATE FUNCTION rcq_private.check_password(password text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF password IS NULL OR pg_catalog.length(password) < 8 THEN
        PERFORM rcq_private.fail('RC001', 'the password is too short', 'It needs at least 8 characters.');
    ELSIF pg_catalog.octet_length(password) > 72 THEN
        PERFORM rcq_private.fail('RC001', 'the password is too long', 'At most 72 bytes of it count.');
    END IF;
END $$;

-- The address as it is stored; RC001 when it is none.
CREATE FUNCTION rcq_private.checked_email(email text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF email IS NULL OR pg_catalog.length(email) > 254 OR email !~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]{1,64}@(localhost|[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+)$' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('"%s" is not an e-mail address', COALESCE(pg_catalog.left(email, 100), '')),
            'Write it as name@example.org, without accents or spaces.');
    END IF;
    RETURN pg_catalog.lower(email COLLATE "C");
END $$;

-- RC006 when this address is somebody else's, or the name of somebody else's SQL role: both name people, alone and together.
CREATE FUNCTION rcq_private.check_address_is_free(address text, user_id integer DEFAULT NULL) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM rcq_private.users u
                WHERE (u.email = address OR pg_catalog.lower(u.role_name) = address) AND u.id IS DISTINCT FROM check_address_is_free.user_id) THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('there is a user "%s" already', address), 'Log in, or ask an administrator for a new password.');
    END IF;
END $$;

-- The id of the user whom an administrator means by a role name or an e-mail address.
CREATE FUNCTION rcq_private.user_called(name text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT u.id INTO found_id FROM rcq_private.users u WHERE u.role_name = name OR u.email = pg_catalog.lower(name COLLATE "C") ORDER BY u.role_name = name DESC NULLS LAST LIMIT 1;
    IF NOT FOUND THEN
        PERFORM rcq_private.raise_unknown('user', name, (SELECT pg_catalog.string_agg(COALESCE(u.role_name, u.email), ', ' ORDER BY COALESCE(u.role_name, u.email)) FROM rcq_private.users u));
    END IF;
    RETURN found_id;
END $$;

-- Ends every login of a user, and with api_tokens whatever programs of theirs use.
CREATE FUNCTION rcq_private.end_logins(user_id integer, api_tokens boolean) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE rcq_private.credential c SET token_version = c.token_version + 1 WHERE c.user_id = end_logins.user_id;
    UPDATE rcq_private.api_token t SET revoked_at = pg_catalog.clock_timestamp() WHERE end_logins.api_tokens AND t.user_id = end_logins.user_id AND t.revoked_at IS NULL;
$$;

-- With one e-mail address, from wherever they came; of those from one place the key is the e-mail address, a space and that place.
CREATE FUNCTION rcq_private.forget_login_failures(email text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM rcq_private.login_failure f
     WHERE f.email = forget_login_failures.email OR f.email >= forget_login_failures.email || ' ' AND f.email < forget_login_failures.email || '!'
$$;

-- Gives a user a password, which ends every login of theirs.
CREATE FUNCTION rcq_private.store_password(user_id integer, password text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_password(password);
    INSERT INTO rcq_private.credential AS c (user_id, password_hash) VALUES (store_password.user_id, rcq_private.bcrypt(password))
    ON CONFLICT ON CONSTRAINT credential_pkey DO UPDATE
       SET password_hash = EXCLUDED.password_hash, token_version = c.token_version + 1, changed_at = pg_catalog.clock_timestamp();
    PERFORM rcq_private.forget_login_failures(u.email) FROM rcq_private.users u WHERE u.id = store_password.user_id;
END $$;

-- What an administrator does for whoever lost a password, or may have lost it to somebody else.
CREATE FUNCTION rcq_private.reset_password(user_id integer, password text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    IF (SELECT u.email IS NULL FROM rcq_private.users u WHERE u.id = reset_password.user_id) THEN
        PERFORM rcq_private.fail('RC003', 'this user has no e-mail address to log in with', 'Set one first: rcq.set_user(..., email => ''name@example.org'').');
    END IF;
    PERFORM rcq_private.store_password(user_id, password), rcq_private.end_logins(user_id, true);
END $$;

CREATE FUNCTION rcq.set_password(name text, password text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.require_admin();
    SELECT rcq_private.reset_password(rcq_private.user_called(set_password.name), set_password.password);
$$;
COMMENT ON FUNCTION rcq.set_password(text, text) IS
'Gives a user (named by SQL role or e-mail address) the password to log in with over HTTP: 8 characters to 72 bytes. Ends every login and revokes every API token of theirs. Needs the extension pgcrypto. Errors: RC001, RC002, RC003 (no e-mail address, or no pgcrypto), RC005';

-- A user who comes over HTTP alone.
CREATE FUNCTION rcq_private.new_http_user(email text, password text, group_id integer, is_admin boolean) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    address CONSTANT text := rcq_private.checked_email(email);
    new_id integer;
BEGIN
    PERFORM rcq_private.check_password(password), rcq_private.check_address_is_free(address);
    INSERT INTO rcq_private.users AS u (email, group_id, is_admin) VALUES (address, new_http_user.group_id, new_http_user.is_admin)
    ON CONFLICT DO NOTHING RETURNING u.id INTO new_id;
    IF new_id IS NULL THEN
        PERFORM rcq_private.fail('RC006', pg_catalog.format('there is a user "%s" already', address), 'Log in, or ask an administrator for a new password.');
    END IF;
    PERFORM rcq_private.store_password(new_id, password), rcq_private.definitions_changed();
    RETURN new_id;
END $$;

CREATE FUNCTION rcq.add_http_user(email text, password text, group_name text DEFAULT 'default', is_admin boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    RETURN rcq_private.new_http_user(email, password, rcq_private.group_id(group_name), COALESCE(is_admin, false));
END $$;
COMMENT ON FUNCTION rcq.add_http_user(text, text, text, boolean) IS
'Makes a user who logs in over HTTP with an e-mail address and a password (8 characters to 72 bytes), in one group, and returns the id. Limits and shares are given with rcq.set_user. Needs the extension pgcrypto. Errors: RC001, RC002, RC003 (no pgcrypto), RC005, RC006';

CREATE FUNCTION rcq_private.lock_login(email text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_lock_login';
COMMENT ON FUNCTION rcq_private.lock_login(text) IS 'Until the transaction ends, others wait here for the same address';

CREATE FUNCTION rcq_private.count_login_refusal() RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_count_login_refusal';
COMMENT ON FUNCTION rcq_private.count_login_refusal() IS 'Counts a login that was refused because of those that failed before it';

-- Where a request comes from: its address, of IPv6 the network of 64 bits, all of which one customer has; NULL when that is
-- not known.
CREATE FUNCTION rcq_private.request_source() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    address inet;
BEGIN
    address := rcq_private.request_header('x-real-ip');
    RETURN CASE WHEN pg_catalog.family(address) = 6 THEN pg_catalog.network(pg_catalog.set_masklen(address, 64))::text ELSE pg_catalog.host(address) END;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$;

-- One more failure under this key; from so many on that are allowed, further ones must wait.
CREATE FUNCTION rcq_private.count_login_failure(key text, allowed integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    longest_wait_s CONSTANT integer := 900;
    counted integer;
BEGIN
    INSERT INTO rcq_private.login_failure AS f (email, failures, failed_at) VALUES (key, 1, pg_catalog.clock_timestamp())
    ON CONFLICT ON CONSTRAINT login_failure_pkey DO UPDATE SET failures = f.failures + 1, failed_at = EXCLUDED.failed_at
    RETURNING f.failures INTO counted;
    IF counted >= allowed THEN
        UPDATE rcq_private.login_failure f
           SET locked_until = f.failed_at + pg_catalog.make_interval(secs => LEAST(longest_wait_s, 2 ^ LEAST(1 + counted - allowed, 30)))
         WHERE f.email = key;
    END IF;
END $$;

-- Whose address and password these are: user_id, NULL when they are nobody's; or how long to wait before the next try,
-- without a look at the password. What it counts must be committed. An unknown address costs the same work as a known one.
-- Who fails from one place must wait there: only so many failures that they must come from many places, twenty times as
-- many, keep the user waiting everywhere else.
CREATE FUNCTION rcq_private.try_password(email text, password text, OUT user_id integer, OUT wait_s integer) RETURNS record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    allowed CONSTANT integer := rcq_private.setting_text('login_failures')::integer;
    here CONSTANT text := email || COALESCE(' ' || rcq_private.request_source(), '');
    known record;
BEGIN
    BEGIN
        PERFORM rcq_private.lock_login(here);
    EXCEPTION WHEN lock_not_available THEN
        wait_s := 1;
    END;
    wait_s := COALESCE(wait_s, (SELECT pg_catalog.max(pg_catalog.ceil(pg_catalog.date_part('epoch', f.locked_until - pg_catalog.clock_timestamp()))) FROM rcq_private.login_failure f
                                 WHERE f.email IN (here, try_password.email) AND f.locked_until > pg_catalog.clock_timestamp()));
    IF wait_s IS NOT NULL THEN
        PERFORM rcq_private.count_login_refusal();
        RETURN;
    END IF;
    SELECT u.id, c.password_hash INTO known FROM rcq_private.users u JOIN rcq_private.credential c ON c.user_id = u.id WHERE u.email = try_password.email;
    -- bcrypt looks at 72 bytes
    IF (rcq_private.bcrypt(password, known.password_hash) = known.password_hash) AND pg_catalog.octet_length(password) <= 72 THEN
        user_id := known.id;
        DELETE FROM rcq_private.login_failure f WHERE f.email IN (here, try_password.email);
        RETURN;
    END IF;
    PERFORM rcq_private.count_login_failure(here, allowed);
    IF here <> email THEN
        PERFORM rcq_private.count_login_failure(email, 20 * allowed);
    END IF;
    DELETE FROM rcq_private.login_failure f
     WHERE f.email IN (SELECT o.email FROM rcq_private.login_failure o WHERE o.failed_at < pg_catalog.clock_timestamp() - interval '1 day' LIMIT 10 FOR UPDATE SKIP LOCKED);
END $$;
