-- Tokens: of logins (claim tv) and of programs (claim jti), and the secrets that sign them.

CREATE FUNCTION rcq.http_pre_request() RETURNS void
LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'rcq_http_pre_request';
COMMENT ON FUNCTION rcq.http_pre_request() IS
'For PostgREST (db-pre-request): checks the token of a request and how many its user sends, limits its time, and makes it the caller of this transaction. A refusal has SQLSTATE PGRST, of which PostgREST makes a 401, 403 or 429. Error: RC005 for anybody but PostgREST';

CREATE FUNCTION rcq_private.request_scope() RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_request_scope';
COMMENT ON FUNCTION rcq_private.request_scope() IS 'What the token of this request is good for: login, read, submit, admin, metrics; NULL outside HTTP and without a token';

CREATE FUNCTION rcq_private.sign_jwt(claims text, secret bytea) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_sign_jwt';
COMMENT ON FUNCTION rcq_private.sign_jwt(text, bytea) IS 'A JSON Web Token with these claims, signed by HS256';

CREATE FUNCTION rcq_private.base64url(data bytea) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_base64url';
COMMENT ON FUNCTION rcq_private.base64url(bytea) IS 'RFC 4648, section 5, without padding';

-- What tokens of this user say, from now for so many seconds.
CREATE FUNCTION rcq_private.claims(user_id integer, seconds double precision, admin boolean) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object('role', CASE WHEN u.is_admin AND claims.admin THEN 'rcq_admin' ELSE 'rcq_user' END, 'user_id', u.id, 'group_id', u.group_id,
               'iat', n.now_, 'exp', n.now_ + claims.seconds::bigint)
      FROM rcq_private.users u, (SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::bigint) n(now_) WHERE u.id = claims.user_id
$$;

-- The token that says so; the claim sv names the secret that signs it.
CREATE FUNCTION rcq_private.signed(claims jsonb) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.sign_jwt((signed.claims || pg_catalog.jsonb_build_object('sv', s.id))::text, s.secret) FROM rcq_private.jwt_secret s WHERE s.valid_until IS NULL
$$;

CREATE FUNCTION rcq_private.login_claims(user_id integer) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.claims(c.user_id, rcq_private.setting_text('jwt_expiry')::double precision, true) || pg_catalog.jsonb_build_object('tv', c.token_version)
      FROM rcq_private.credential c WHERE c.user_id = login_claims.user_id
$$;

CREATE FUNCTION rcq.create_api_token(name text, scope text DEFAULT 'submit', expires_in interval DEFAULT '90 days') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := 100;
    me CONSTANT integer := rcq_private.caller_id();
    seconds CONSTANT double precision := pg_catalog.date_part('epoch', expires_in);
    jti CONSTANT text := rcq_private.base64url(rcq_private.random_bytes(24));
BEGIN
    IF rcq_private.request_scope() NOT IN ('login', 'admin') THEN
        PERFORM rcq_private.fail('RC005', pg_catalog.format('a token of scope %s cannot make tokens', rcq_private.request_scope()), 'Log in first.');
    ELSIF name IS NULL OR name !~ '^[^[:cntrl:]]{1,100}$' THEN
        PERFORM rcq_private.fail('RC001', 'the name of an API token has 1 to 100 characters, none of them a control character');
    ELSIF scope IS NULL OR scope NOT IN ('read', 'submit', 'admin', 'metrics') THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('scope cannot be "%s"', COALESCE(pg_catalog.left(scope, 100), 'NULL')),
            'read: look at everything you may see; submit: all that you may do but to administer; admin: that, too; metrics: /metrics alone.');
    ELSIF seconds IS NULL OR seconds NOT BETWEEN 60 AND 315360000 THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('expires_in is %s, allowed is 1 minute to 10 years', COALESCE(expires_in::text, 'NULL')));
    ELSIF scope IN ('admin', 'metrics') AND NOT rcq_private.caller_is_admin() THEN
        PERFORM rcq_private.fail('RC005', pg_catalog.format('only administrators can make a token of scope %s', scope), 'Make one of scope read or submit.');
    END IF;
    PERFORM FROM rcq_private.users u WHERE u.id = me FOR NO KEY UPDATE;
    IF (SELECT pg_catalog.count(*) >= most FROM rcq_private.api_token t WHERE t.user_id = me AND t.revoked_at IS NULL AND t.expires_at > pg_catalog.clock_timestamp()) THEN
        PERFORM rcq_private.fail('RC007', pg_catalog.format('you have %s valid API tokens', most), 'Revoke one: rcq.revoke_api_token.');
    END IF;
    INSERT INTO rcq_private.api_token AS t (user_id, name, scope, jti_hash, expires_at)
    VALUES (me, create_api_token.name, create_api_token.scope, pg_catalog.sha256(pg_catalog.convert_to(jti, 'UTF8')), pg_catalog.clock_timestamp() + expires_in);
    RETURN rcq_private.signed(rcq_private.claims(me, seconds, scope = 'admin') || pg_catalog.jsonb_build_object('jti', jti, 'scope', scope));
END $$;
COMMENT ON FUNCTION rcq.create_api_token(text, text, interval) IS
'Makes a token with which a program acts for you over HTTP, and returns it: it is not stored and cannot be shown again. scope: read (look at everything you may see), submit (all that you may do but to administer), admin (that, too), metrics (/metrics alone); the last two are for administrators. expires_in: 1 minute to 10 years. Errors: RC001, RC005, RC007 (100 valid tokens), RC010';

CREATE FUNCTION rcq.revoke_api_token(id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me CONSTANT integer := rcq_private.caller_id();
BEGIN
    UPDATE rcq_private.api_token t SET revoked_at = COALESCE(t.revoked_at, pg_catalog.clock_timestamp())
     WHERE t.id = revoke_api_token.id AND (t.user_id = me OR rcq_private.caller_is_admin());
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no API token %s of yours', COALESCE(id::text, 'NULL')));
    END IF;
END $$;
COMMENT ON FUNCTION rcq.revoke_api_token(integer) IS 'Makes an API token of yours (administrators: of anybody) worthless from now on. Errors: RC002, RC010';

CREATE FUNCTION rcq_private.visible_api_tokens() RETURNS TABLE (id integer, user_id integer, name text, scope text, created_at timestamptz, expires_at timestamptz, revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.id, t.user_id, t.name, t.scope, t.created_at, t.expires_at, t.revoked_at FROM rcq_private.api_token t
     WHERE t.user_id = (SELECT rcq_private.caller_id()) OR (SELECT rcq_private.caller_is_admin())
$$;

CREATE VIEW rcq.api_tokens WITH (security_invoker = true) AS
SELECT t.id, rcq_private.user_name(t.user_id) AS user_name, t.name, t.scope,
       CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at <= pg_catalog.clock_timestamp() THEN 'expired' ELSE 'valid' END AS state,
       t.created_at, t.expires_at, t.revoked_at, t.user_id
  FROM rcq_private.visible_api_tokens() t;
COMMENT ON VIEW rcq.api_tokens IS 'Tokens that people made for their programs; everyone sees their own, administrators all. The tokens themselves are not stored';

CREATE FUNCTION rcq.rotate_jwt_secret(keep interval DEFAULT '0') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    IF keep IS NULL OR NOT keep BETWEEN interval '0' AND interval '1 year' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('keep is %s, allowed is 0 to 1 year', COALESCE(keep::text, 'NULL')));
    END IF;
    LOCK TABLE rcq_private.jwt_secret IN SHARE ROW EXCLUSIVE MODE;
    UPDATE rcq_private.jwt_secret s SET valid_until = LEAST(s.valid_until, pg_catalog.clock_timestamp() + keep);
    DELETE FROM rcq_private.jwt_secret s WHERE s.valid_until <= pg_catalog.clock_timestamp();
    -- PostgREST goes on to accept what it verified with a secret that it has no more: whoever knows that one must not know
    -- in advance what tokens will call the next
    INSERT INTO rcq_private.jwt_secret (id)
    SELECT 2 + pg_catalog.get_byte(r, 0) % 127 * 16777216 + pg_catalog.get_byte(r, 1) * 65536 + pg_catalog.get_byte(r, 2) * 256 + pg_catalog.get_byte(r, 3) FROM rcq_private.random_bytes(4) r;
    PERFORM pg_catalog.pg_notify('pgrst', 'reload config');
END $$;
COMMENT ON FUNCTION rcq.rotate_jwt_secret(interval) IS
'Makes a new secret that signs tokens from now on, and tells PostgREST, which needs no restart. Tokens that were signed before are refused after keep (0 to 1 year; 0 = at once: everybody must log in again, and make API tokens anew). Errors: RC001, RC005';

CREATE FUNCTION rcq.http_pre_config() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.set_config('pgrst.jwt_secret', pg_catalog.json_build_object('keys', pg_catalog.json_agg(
               pg_catalog.json_build_object('kty', 'oct', 'alg', 'HS256', 'kid', s.id::text, 'k', rcq_private.base64url(s.secret)) ORDER BY s.valid_until DESC NULLS FIRST))::text, true)
      FROM rcq_private.jwt_secret s WHERE s.valid_until IS NULL OR s.valid_until > pg_catalog.clock_timestamp()
$$;
COMMENT ON FUNCTION rcq.http_pre_config() IS
'For PostgREST (db-pre-config, which needs db-config = true): hands it the secrets by which it verifies tokens. Errors: none';

CREATE FUNCTION rcq.set_http_password(password text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    IF password IS NULL THEN
        ALTER ROLE rcq_authenticator NOLOGIN PASSWORD NULL;
    ELSIF pg_catalog.length(password) < 8 THEN
        PERFORM rcq_private.fail('RC001', 'the password is too short', 'It needs at least 8 characters.');
    ELSE
        EXECUTE pg_catalog.format('ALTER ROLE rcq_authenticator LOGIN PASSWORD %L', rcq_private.role_password('rcq_authenticator', password));
    END IF;
    PERFORM rcq_private.record_change(CASE WHEN password IS NULL THEN 'http_password.remove' ELSE 'http_password.set' END, 'http_password', 'rcq_authenticator');
END $$;
COMMENT ON FUNCTION rcq.set_http_password(text) IS
'Lets PostgREST log in as rcq_authenticator with this password (at least 8 characters; the role is shared by all databases of the server); NULL = nobody can. Errors: RC001, RC005';
