-- The routes by which people log in, and look after their passwords and tokens.

-- An API token cannot do what its user must be present for.
CREATE FUNCTION rcq_private.require_login() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF rcq_private.request_scope() IS DISTINCT FROM 'login' THEN
        PERFORM rcq_private.fail('RC005', 'this needs the token of a login', 'Log in with your e-mail address and password.');
    END IF;
END $$;

-- What a login hands out.
CREATE FUNCTION rcq_private.session_answer(message text, user_id integer) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object('message', session_answer.message, 'token', rcq_private.signed(rcq_private.login_claims(u.id)),
               'user', pg_catalog.jsonb_build_object('id', u.id, 'email', u.email, 'group_id', u.group_id, 'is_admin', u.is_admin))
      FROM rcq_private.users u WHERE u.id = session_answer.user_id
$$;

CREATE FUNCTION rcq_private.rest_register(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted integer;
    is_open boolean;
BEGIN
    PERFORM rcq_private.check_fields(request, 'email', 'password', 'group_id');
    wanted := rcq_private.whole_field(request, 'group_id', 1, 2147483647, 1);
    SELECT g.open INTO is_open FROM rcq_private.groups g WHERE g.id = wanted;
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('there is no group %s', wanted), 'Leave group_id out to join group 1.');
    ELSIF NOT is_open THEN
        PERFORM rcq_private.fail('RC005', pg_catalog.format('people cannot register themselves into group %s', wanted), 'An administrator can add you to it.');
    END IF;
    wanted := rcq_private.new_http_user(rcq_private.text_field(request, 'email'), rcq_private.text_field(request, 'password'), wanted, false);
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.jsonb_build_object('message', 'User registered successfully', 'user_id', wanted);
END $$;

CREATE FUNCTION rcq_private.rest_login(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    email text;
    password text;
    tried record;
    disabled text;
BEGIN
    PERFORM rcq_private.check_fields(request, 'email', 'password');
    email := rcq_private.text_field(request, 'email');
    password := rcq_private.text_field(request, 'password');
    IF email IS NULL OR password IS NULL OR pg_catalog.length(email) > 254 THEN
        PERFORM rcq_private.fail('RC001', 'a login needs an e-mail address and a password', 'Send {"email": "...", "password": "..."}.');
    END IF;
    tried := rcq_private.try_password(pg_catalog.lower(email COLLATE "C"), password);
    IF tried.wait_s IS NOT NULL THEN
        RETURN rcq_private.refuse(429, pg_catalog.format('too many failed logins; wait %s s', tried.wait_s), tried.wait_s);
    ELSIF tried.user_id IS NULL THEN
        RETURN rcq_private.refuse(401, 'wrong e-mail address or password');
    END IF;
    SELECT u.disabled INTO disabled FROM rcq_private.users u WHERE u.id = tried.user_id;
    IF disabled IS NOT NULL THEN
        PERFORM rcq_private.fail('RC005', 'your account is disabled: ' || disabled, 'Ask an administrator.');
    END IF;
    RETURN rcq_private.session_answer('Login successful', tried.user_id);
END $$;

CREATE FUNCTION rcq_private.rest_refresh(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request), rcq_private.require_login();
    RETURN rcq_private.session_answer('Token refreshed successfully', rcq_private.caller_id());
END $$;

CREATE FUNCTION rcq_private.rest_logout(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request), rcq_private.require_login(), rcq_private.end_logins(rcq_private.caller_id(), false);
    RETURN pg_catalog.jsonb_build_object('message', 'Logged out successfully');
END $$;

CREATE FUNCTION rcq_private.rest_change_password(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me CONSTANT integer := rcq_private.caller_id();
    password text;
    tried record;
BEGIN
    PERFORM rcq_private.check_fields(request, 'current_password', 'new_password'), rcq_private.require_login();
    password := rcq_private.text_field(request, 'new_password');
    PERFORM rcq_private.check_password(password);
    tried := rcq_private.try_password((SELECT u.email FROM rcq_private.users u WHERE u.id = me), COALESCE(rcq_private.text_field(request, 'current_password'), ''));
    IF tried.wait_s IS NOT NULL THEN
        RETURN rcq_private.refuse(429, pg_catalog.format('too many wrong passwords; wait %s s', tried.wait_s), tried.wait_s);
    ELSIF tried.user_id IS NULL THEN
        RETURN rcq_private.refuse(403, 'current_password is wrong');
    END IF;
    PERFORM rcq_private.store_password(me, password);
    RETURN rcq_private.session_answer('Password changed successfully', me);
END $$;

CREATE FUNCTION rcq_private.rest_me(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request);
    RETURN (SELECT pg_catalog.jsonb_build_object('id', u.id, 'email', u.email, 'role_name', u.role_name, 'group_id', u.group_id, 'group_name', rcq_private.group_name(u.group_id),
                       'is_admin', u.is_admin, 'scope', rcq_private.request_scope(), 'max_priority', u.max_priority, 'created_at', rcq_private.rfc3339(u.created_at))
              FROM rcq_private.users u WHERE u.id = rcq_private.caller_id());
END $$;

-- A token as its user is shown it.
CREATE FUNCTION rcq_private.token_object(token rcq.api_tokens) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object('id', token.id, 'name', token.name, 'scope', token.scope, 'state', token.state, 'created_at', rcq_private.rfc3339(token.created_at),
               'expires_at', rcq_private.rfc3339(token.expires_at), 'revoked_at', rcq_private.rfc3339(token.revoked_at))
$$;

CREATE FUNCTION rcq_private.rest_list_tokens(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request);
    RETURN (SELECT pg_catalog.jsonb_build_object('tokens', COALESCE(pg_catalog.jsonb_agg(rcq_private.token_object(t) ORDER BY t.id), '[]'), 'count', pg_catalog.count(*))
              FROM rcq.api_tokens t WHERE t.user_id = rcq_private.caller_id());
END $$;

CREATE FUNCTION rcq_private.rest_create_token(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token text;
BEGIN
    PERFORM rcq_private.check_fields(request, 'name', 'scope', 'expires_in');
    token := rcq.create_api_token(rcq_private.text_field(request, 'name'), COALESCE(rcq_private.text_field(request, 'scope'), 'submit'),
                                  COALESCE(rcq_private.interval_field(request, 'expires_in'), '90 days'));
    PERFORM rcq_private.set_status(201);
    RETURN (SELECT rcq_private.token_object(t) || pg_catalog.jsonb_build_object('message', 'Token created successfully; it is not shown again', 'token', token)
              FROM rcq.api_tokens t WHERE t.user_id = rcq_private.caller_id() ORDER BY t.id DESC LIMIT 1);
END $$;

CREATE FUNCTION rcq_private.rest_revoke_token(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id integer;
BEGIN
    PERFORM rcq_private.check_fields(request, 'id');
    id := rcq_private.whole_field(request, 'id', 1, 2147483647);
    PERFORM rcq.revoke_api_token(id);
    RETURN pg_catalog.jsonb_build_object('message', 'Token revoked successfully', 'token_id', id);
END $$;

CREATE FUNCTION rcq_private.rest_admin_reset_password(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_id integer;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'id', 'password');
    changed_id := rcq_private.whole_field(request, 'id', 1, 2147483647);
    IF changed_id IS NULL OR NOT EXISTS (SELECT FROM rcq_private.users u WHERE u.id = changed_id) THEN
        PERFORM rcq_private.fail('RC002', 'there is no such user');
    END IF;
    PERFORM rcq_private.reset_password(changed_id, rcq_private.text_field(request, 'password'));
    RETURN pg_catalog.jsonb_build_object('message', 'Password changed successfully', 'user_id', changed_id);
END $$;

CREATE FUNCTION rcq_private.rest_admin_rotate_secret(request jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'keep');
    PERFORM rcq.rotate_jwt_secret(COALESCE(rcq_private.interval_field(request, 'keep'), '0'));
    RETURN pg_catalog.jsonb_build_object('message', 'Secret rotated successfully');
END $$;

CREATE FUNCTION rcq_rest.register(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.register(bytea) IS 'POST /api/auth/register: makes a user. Body: email; password (8 characters to 72 bytes); group_id, of a group that is open (1 unless given). 201 with user_id; 400, 403 (the group is not open), 409 (the address is known)';
CREATE FUNCTION rcq_rest.login(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.login(bytea) IS 'POST /api/auth/login: a token for an e-mail address and a password. Body: email, password. 200 with token and user; 401, 403 (disabled), 429 with Retry-After after too many failures';
CREATE FUNCTION rcq_rest.refresh(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.refresh(bytea) IS 'POST /api/auth/refresh: a new token for that of a login which is still valid. 200 with token and user; 403 for API tokens';
CREATE FUNCTION rcq_rest.logout(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.logout(bytea) IS 'POST /api/auth/logout: ends every login of the user; API tokens stay valid. 200; 403 for API tokens';
CREATE FUNCTION rcq_rest.change_password(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.change_password(bytea) IS 'POST /api/auth/password: a new password, which ends every other login. Body: current_password, new_password (8 characters to 72 bytes). 200 with a new token; 400, 403 (current_password is wrong, or the token is an API token), 429';
CREATE FUNCTION rcq_rest.me(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.me(bytea) IS 'GET /api/auth/me: who the token belongs to, and what it is good for';
CREATE FUNCTION rcq_rest.list_tokens(bytea) RETURNS rcq_rest."application/json" LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.list_tokens(bytea) IS 'GET /api/auth/tokens: the API tokens that the user made';
CREATE FUNCTION rcq_rest.create_token(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.create_token(bytea) IS 'POST /api/auth/tokens: makes an API token, which is shown this once. Body: name; scope (read, submit, admin, metrics; submit unless given); expires_in (90 days unless given). 201; 400, 403 (more than the user, or the token used, may give), 429 (100 valid tokens)';
CREATE FUNCTION rcq_rest.revoke_token(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.revoke_token(bytea) IS 'DELETE /api/auth/tokens/{id}: makes an API token worthless. 200; 404';
CREATE FUNCTION rcq_rest.admin_reset_password(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_reset_password(bytea) IS 'POST /api/admin/users/{id}/password: gives a user a password, ends their logins and revokes their API tokens. Body: password. 200; 400, 403, 404, 409 (no e-mail address)';
CREATE FUNCTION rcq_rest.admin_rotate_secret(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.admin_rotate_secret(bytea) IS 'POST /api/admin/rotate-secret: a new secret that signs tokens. Body: keep, how long tokens signed before stay valid (0 unless given: everybody must log in again). 200; 400, 403';
