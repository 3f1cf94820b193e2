-- Who people are over HTTP: registering, logging in and out, passwords, tokens of programs, limits.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
CREATE TABLE t.kept (name text PRIMARY KEY, token text NOT NULL);
GRANT ALL ON t.kept TO PUBLIC;
-- One request, as PostgREST makes it: the claims of a kept token, the role that they name. Its answer, without the token,
-- which is kept under a name (keep).
CREATE FUNCTION t.ask(route text, body text DEFAULT '', token text DEFAULT NULL, keep text DEFAULT NULL, OUT status text, OUT retry_after text, OUT answer text) LANGUAGE plpgsql AS $$
DECLARE
    part text;
    claims text := '{"role": "rcq_anon"}';
    answered jsonb;
    refused text;
BEGIN
    IF token IS NOT NULL THEN
        SELECT translate(split_part(k.token, '.', 2), '-_', '+/') INTO STRICT part FROM t.kept k WHERE k.name = ask.token;
        claims := convert_from(decode(rpad(part, (length(part) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
    END IF;
    PERFORM set_config('response.status', '', true), set_config('response.headers', '', true), set_config('request.path', '/rpc/' || route, true),
            set_config('request.jwt.claims', claims, true), set_config('request.headers', '{"x-request-id": "0123456789abcdef"}', true);
    BEGIN
        PERFORM set_config('role', claims::json ->> 'role', true);
        PERFORM rcq.http_pre_request();
        EXECUTE format('SELECT rcq_rest.%I(convert_to($1, ''UTF8''))', route) INTO answered USING body;
        PERFORM set_config('role', 'none', true);
        status := current_setting('response.status');
        SELECT h ->> 'Retry-After' INTO retry_after FROM json_array_elements(nullif(current_setting('response.headers'), '')::json) h WHERE h ->> 'Retry-After' IS NOT NULL;
    EXCEPTION WHEN SQLSTATE 'PGRST' THEN
        GET STACKED DIAGNOSTICS refused = PG_EXCEPTION_DETAIL;
        status := refused::json ->> 'status';
        retry_after := refused::json -> 'headers' ->> 'Retry-After';
        answered := refused::json -> 'headers' ->> 'X-Rcq-Answer';
    END;
    IF keep IS NOT NULL THEN
        INSERT INTO t.kept AS k VALUES (keep, answered ->> 'token') ON CONFLICT (name) DO UPDATE SET token = EXCLUDED.token;
    END IF;
    answer := CASE WHEN answered ? 'token' THEN jsonb_set(answered, '{token}', '"..."') ELSE answered END;
END $$;
CREATE FUNCTION t.login(email text, password text, keep text DEFAULT NULL, OUT status text, OUT retry_after text, OUT answer text) LANGUAGE sql AS
    $$SELECT * FROM t.ask('login', json_build_object('email', email, 'password', password)::text, keep => keep)$$;
SELECT rcq.set('password_cost', '4'), rcq.add_group('physics', open => true), rcq.add_group('chemistry'), rcq.add_user('regress_ann', 'physics');

-- without pgcrypto there are no passwords, also for an address that nobody has
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgcrypto;
RESET client_min_messages;
SELECT code, message, hint FROM t.errors($$SELECT rcq.add_http_user('root@example.org', 'battery staple', is_admin => true)$$, $$SELECT rcq.set_user('regress_ann', email => 'ann@example.org'), rcq.set_password('regress_ann', 'correct horse')$$);
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status, answer FROM t.login('nobody@example.org', 'correct horse');
SET SESSION AUTHORIZATION regress_boss;
-- it may be in any schema
CREATE SCHEMA "Crypto";
CREATE EXTENSION pgcrypto SCHEMA "Crypto";
SELECT rcq.add_http_user('root@example.org', 'battery staple', is_admin => true);

-- registering
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status, answer FROM t.ask('register', '{"email": "Ben@Example.org", "password": "correct horse", "group_id": 2}');
SELECT status, answer FROM t.ask('register', '{"email": "cat@example.org", "password": "correct horse"}');
SELECT r.* FROM unnest(ARRAY['{"email": "ben@example.org", "password": "another one"}', '{"email": "ben", "password": "correct horse"}', '{"email": "dan@example.org", "password": "seven 7"}', '{"email": "dan@example.org"}', '{"password": "correct horse"}', '{}',
    '{"email": "dan@example.org", "password": 12345678}', '{"email": ["dan@example.org"], "password": "correct horse"}', '{"email": "dan@example.org", "password": "correct horse", "group_id": 99}', '{"email": "dan@example.org", "password": "correct horse", "group_id": "x"}',
    '{"email": "dan@example.org", "password": "correct horse", "group_id": 3}', '{"email": "dan@example.org", "password": "correct horse", "is_admin": true}']) b, t.ask('register', b) r;
SET SESSION AUTHORIZATION regress_boss;
SELECT id, role_name, email, group_name, is_admin FROM rcq.users WHERE id > 1 ORDER BY id;

-- logging in: whoever has no such password hears the same
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status, answer FROM t.login('ben@example.org', 'correct horse', 'ben');
SELECT status, answer FROM t.login('BEN@example.org', 'correct horse', 'ben');
SELECT status, answer FROM t.login('root@example.org', 'battery staple', 'root');
SELECT r.* FROM (VALUES ('ben@example.org', 'wrong'), ('nobody@example.org', 'correct horse'), ('regress_ann', 'correct horse'), ('', ''), (E'ben@example.org\n', 'correct horse'), (''' OR true --', ''' OR true --')) v(e, p), t.login(e, p) r;
SELECT r.* FROM unnest(ARRAY['{"email": "ben@example.org"}', '{"password": "x"}', '{"email": 7, "password": "x"}', '{"email": "ben@example.org", "password": "correct horse", "otp": 1}', '{"email": "' || repeat('a', 250) || '@example.org", "password": "x"}']) b, t.ask('login', b) r;
SELECT status, answer::jsonb - 'created_at' AS answer FROM t.ask('me', token => 'ben');
SELECT status, answer::jsonb - 'created_at' AS answer FROM t.ask('me', token => 'root');
SELECT * FROM t.ask('me', 'id=1', token => 'root');
SET SESSION AUTHORIZATION regress_boss;
SELECT split_part(token, '.', 1) AS header, rcq_private.signed(convert_from(decode(rpad(c, (length(c) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb) = token AS signed,
       (SELECT string_agg(k, ' ' ORDER BY k) FROM json_object_keys(convert_from(decode(rpad(c, (length(c) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::json) k) AS claims
  FROM t.kept, translate(split_part(token, '.', 2), '-_', '+/') c ORDER BY name;

-- after too many failures people wait, longer each time; a success forgets them
SELECT rcq.set('login_failures', '3');
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT * FROM t.login('cat@example.org', 'wrong');
SELECT * FROM t.login('cat@example.org', 'wrong');
SELECT status FROM t.login('cat@example.org', 'correct horse');
SELECT * FROM t.login('cat@example.org', 'wrong');
SELECT * FROM t.login('cat@example.org', 'wrong');
SELECT * FROM t.login('cat@example.org', 'wrong');
SET SESSION AUTHORIZATION regress_boss;
SELECT email, failures, locked_until - failed_at AS locked FROM rcq_private.login_failure WHERE email ~ 'cat';
UPDATE rcq_private.login_failure SET locked_until = clock_timestamp() + interval '10 minutes' WHERE email ~ 'cat';
SET SESSION AUTHORIZATION rcq_authenticator;
-- now the right one must wait, too, and nothing is counted
SELECT status, retry_after::integer BETWEEN 500 AND 600 AS after_a_while, regexp_replace(answer, '\d+ s', 'N s') AS answer FROM t.login('cat@example.org', 'correct horse');
SELECT status FROM t.login('Cat@Example.org', 'wrong');
-- nobody else must
SELECT status FROM t.login('ben@example.org', 'correct horse');
SET SESSION AUTHORIZATION regress_boss;
CREATE FUNCTION t.fail_later(times integer) RETURNS TABLE (failures integer, locked interval) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. times LOOP
        UPDATE rcq_private.login_failure f SET locked_until = clock_timestamp() WHERE f.email = 'cat@example.org';
        PERFORM rcq_private.try_password('cat@example.org', 'wrong');
        RETURN QUERY SELECT f.failures, f.locked_until - f.failed_at FROM rcq_private.login_failure f WHERE f.email = 'cat@example.org';
    END LOOP;
END $$;
SELECT * FROM t.fail_later(11);
UPDATE rcq_private.login_failure SET locked_until = clock_timestamp() WHERE email ~ 'cat';
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status FROM t.login('cat@example.org', 'correct horse', 'cat');
SET SESSION AUTHORIZATION regress_boss;
SELECT count(*) FROM rcq_private.login_failure WHERE email ~ 'cat';
-- what was counted is forgotten after a day
INSERT INTO rcq_private.login_failure SELECT n || '@example.org', 1, clock_timestamp() - interval '25 hours' FROM generate_series(1, 9) n;
SELECT rcq_private.try_password('nobody@example.org', 'x');
SELECT email, failures FROM rcq_private.login_failure ORDER BY email;

-- a hash of another work factor is still a password, a new one has the new factor
SELECT rcq.set('password_cost', '5'), rcq.set('login_failures', NULL);
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status FROM t.login('cat@example.org', 'correct horse', 'cat');
SELECT status, answer FROM t.ask('change_password', '{"current_password": "correct horse", "new_password": "battery staple"}', 'cat', 'cat');
SET SESSION AUTHORIZATION regress_boss;
SELECT email, substr(password_hash, 5, 2) AS cost, token_version FROM rcq_private.credential c JOIN rcq_private.users u ON u.id = c.user_id ORDER BY email;
SELECT rcq.set('password_cost', '4');

-- a new password ends other logins; who does not know the old one is slowed down as at the login
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status, answer FROM t.login('ben@example.org', 'correct horse', 'ben_too');
SELECT r.* FROM unnest(ARRAY['{"current_password": "wrong", "new_password": "battery staple"}', '{"new_password": "battery staple"}', '{"current_password": "correct horse", "new_password": "short"}', '{"current_password": "correct horse"}',
    '{"current_password": "correct horse", "new_password": "battery staple", "email": "x@example.org"}']) b, t.ask('change_password', b, 'ben') r;
SELECT status FROM t.ask('me', token => 'ben_too');
SELECT status, answer FROM t.ask('change_password', '{"current_password": "correct horse", "new_password": "battery staple"}', 'ben', 'ben_new');
SELECT status, answer FROM t.ask('me', token => 'ben');
SELECT status, answer FROM t.ask('me', token => 'ben_too');
SELECT status FROM t.ask('me', token => 'ben_new');
SELECT status FROM t.login('ben@example.org', 'correct horse');
SELECT status FROM t.login('ben@example.org', 'battery staple', 'ben');

-- a new token for an old one, and the end of both
SELECT status, answer FROM t.ask('refresh', '', 'ben', 'ben_next');
SELECT status FROM t.ask('me', token => 'ben_next');
SELECT status, answer FROM t.ask('logout', '{}', 'ben');
SELECT n, r.* FROM unnest('{ben,ben_next,ben_new}'::text[]) n, t.ask('refresh', '', n) r;
SELECT status FROM t.login('ben@example.org', 'battery staple', 'ben');

-- tokens of programs
SELECT status, answer::jsonb - '{created_at,expires_at}'::text[] AS answer FROM t.ask('create_token', '{"name": "laptop"}', 'ben', 'laptop');
SELECT status, answer::jsonb - '{created_at,expires_at}'::text[] AS answer FROM t.ask('create_token', '{"name": "page", "scope": "read", "expires_in": "1 hour"}', 'ben', 'page');
SELECT r.* FROM unnest(ARRAY['{}', '{"name": ""}', '{"name": 1}', '{"name": "x", "scope": "write"}', '{"name": "x", "scope": "admin"}', '{"name": "x", "scope": "metrics"}', '{"name": "x", "expires_in": "soon"}', '{"name": "x", "expires_in": "1 s"}', '{"name": "x", "user_id": 1}']) b, t.ask('create_token', b, 'ben') r;
SELECT status, (answer::jsonb -> 'count')::text AS count, (SELECT string_agg(concat_ws(' ', x ->> 'name', x ->> 'scope', x ->> 'state', (x ->> 'expires_at') ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$'), ', ') FROM jsonb_array_elements(answer::jsonb -> 'tokens') x) AS tokens FROM t.ask('list_tokens', token => 'ben');
SELECT n, status, answer::jsonb ->> 'scope' AS scope FROM unnest('{laptop,page}'::text[]) n, t.ask('me', token => n) r;
-- cannot do what their user must be present for
SELECT route, status, answer FROM (VALUES ('refresh', ''), ('logout', ''), ('change_password', '{"current_password": "battery staple", "new_password": "correct horse"}'), ('create_token', '{"name": "x"}'), ('admin_rotate_secret', '')) v(route, body), t.ask(route, body, 'laptop') r;
SET SESSION AUTHORIZATION regress_boss;
BEGIN;
SET LOCAL SESSION AUTHORIZATION rcq_authenticator;
SELECT * FROM t.ask('revoke_token', '{"id": 1}', 'page');
COMMIT;
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT id, r.* FROM unnest('{99,1,1}'::text[]) id, t.ask('revoke_token', format('{"id": "%s"}', id), 'ben') r;
SELECT * FROM t.ask('revoke_token', '{"id": "x"}', 'ben');
SELECT * FROM t.ask('revoke_token', '{"id": "2"}', 'cat');
SELECT * FROM t.ask('me', token => 'laptop');
SELECT status FROM t.ask('logout', '', 'ben');
SELECT status FROM t.ask('me', token => 'page');

-- administrators
SELECT status FROM t.login('ben@example.org', 'battery staple', 'ben');
SELECT route, status, answer FROM unnest('{admin_reset_password,admin_rotate_secret}'::text[]) route, t.ask(route, '{"id": "1", "password": "correct horse"}', 'ben') r;
SELECT b, r.* FROM unnest(ARRAY['{"id": "99", "password": "correct horse"}', '{"password": "correct horse"}', '{"id": "2", "password": "correct horse"}', '{"id": "5", "password": "short"}', '{"id": "5", "password": "correct horse"}']) b, t.ask('admin_reset_password', b, 'root') r;
SELECT n, status, answer FROM unnest('{ben,page}'::text[]) n, t.ask('me', token => n) r;
SELECT status FROM t.login('ben@example.org', 'correct horse', 'ben');
SET SESSION AUTHORIZATION regress_boss;
SELECT rcq.set_user('ben@example.org', disabled => 'left the "lab"');
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status, answer FROM t.ask('me', token => 'ben');
SELECT status, answer FROM t.login('ben@example.org', 'correct horse');
SELECT status, answer FROM t.login('ben@example.org', 'wrong');
SELECT status, answer FROM t.ask('admin_rotate_secret', '{"keep": "an hour"}', 'root');
SELECT status, answer FROM t.ask('admin_rotate_secret', '{"keep": "1 hour"}', 'root');
SELECT status FROM t.ask('me', token => 'root');
SELECT status, answer FROM t.ask('admin_rotate_secret', '', 'root');
SELECT status, answer FROM t.ask('me', token => 'root');
SET SESSION AUTHORIZATION regress_boss;
-- what they change is signed
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status FROM t.login('root@example.org', 'battery staple', 'root');
BEGIN;
SELECT set_config('request.jwt.claims', convert_from(decode(rpad(c, (length(c) + 3) / 4 * 4, '='), 'base64'), 'UTF8'), true) IS NOT NULL AS claims FROM t.kept, translate(split_part(token, '.', 2), '-_', '+/') c WHERE name = 'root';
SELECT set_config('request.headers', '{"x-request-id": "0123456789abcdef"}', true);
SET LOCAL ROLE rcq_admin;
SELECT rcq.http_pre_request(), rcq.set('lease', '40 s'), rcq.pause('move');
SHOW application_name;
SHOW statement_timeout;
COMMIT;
SHOW application_name;
SHOW statement_timeout;
SET SESSION AUTHORIZATION regress_boss;
SELECT (SELECT changed_by FROM rcq.settings WHERE name = 'lease'), paused_by FROM rcq.scheduler;

-- limits
SELECT rcq.set('http_statement_timeout', '0.25 s'), rcq.set('request_rate_per_user', '1');
CREATE FUNCTION rcq_private.rest_regress_sleep(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN '{}'; END $$;
CREATE FUNCTION rcq_rest.regress_sleep(bytea) RETURNS json LANGUAGE c AS 'rcq', 'rcq_answer_body';
GRANT EXECUTE ON FUNCTION rcq_rest.regress_sleep(bytea) TO rcq_anon;
SET SESSION AUTHORIZATION rcq_authenticator;
-- for who has no token there is none, but a request takes no longer than allowed
BEGIN;
SET LOCAL ROLE rcq_anon;
SELECT rcq.http_pre_request();
SELECT rcq_rest.regress_sleep('');
COMMIT;
-- a burst of 20, then one in a minute
SELECT status, count(*) FROM generate_series(1, 20) i, t.ask('me', CASE WHEN i > 0 THEN '' END, 'root') r GROUP BY status;
SELECT status, retry_after::integer BETWEEN 1 AND 60 AS after_a_while, regexp_replace(answer, '\d+ s', 'N s') AS answer FROM t.ask('me', token => 'root');
SELECT status FROM t.login('cat@example.org', 'battery staple', 'cat');
SELECT status FROM t.ask('me', token => 'cat');
SET SESSION AUTHORIZATION regress_boss;
-- a higher limit is one for who exhausted the lower one, too
SELECT rcq.set('request_rate_per_user', NULL);
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT t.wait($$(SELECT status FROM t.ask('me', token => 'root')) = '200'$$);
SET SESSION AUTHORIZATION regress_boss;
SELECT rcq.set('request_rate_per_user', '0');
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT status, count(*) FROM generate_series(1, 1000) i, t.ask('me', CASE WHEN i > 0 THEN '' END, 'root') r GROUP BY status;
SET SESSION AUTHORIZATION regress_boss;
SET client_min_messages = warning;
DROP EXTENSION pgcrypto;
DROP SCHEMA "Crypto";
\i :end
