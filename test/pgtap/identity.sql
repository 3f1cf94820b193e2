-- Who acts over HTTP: the user of a token that http_pre_request() accepted, and nobody by any other way; and what is kept
-- from everybody.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();
CREATE ROLE regress_ann; CREATE ROLE regress_admin;
SELECT rcq.set('password_cost', '4');
SELECT rcq.add_user('regress_ann', email => 'ann@example.org'), rcq.add_user('regress_admin', is_admin => true),
       rcq.add_http_user('ben@example.org', 'correct horse'), rcq.add_http_user('root@example.org', 'battery staple', is_admin => true);
SELECT rcq.set_password('regress_ann', 'correct horse');
CREATE FUNCTION pg_temp.id(name text) RETURNS integer LANGUAGE sql AS $$ SELECT id FROM rcq_private.users WHERE role_name = name OR email = name || '@example.org' $$;
-- the claims of a login, changed
CREATE FUNCTION pg_temp.claims(name text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT (rcq_private.login_claims(pg_temp.id(name)) || jsonb_build_object('sv', s.id) || more)::text FROM rcq_private.jwt_secret s WHERE s.valid_until IS NULL $$;
-- those of a token that PostgREST has verified
CREATE FUNCTION pg_temp.said(token text) RETURNS text LANGUAGE sql AS $$
    SELECT convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'UTF8') FROM (SELECT translate(split_part(token, '.', 2), '-_', '+/')) c(p) $$;
-- what a request with these claims comes to: runs a call, which sees its caller
CREATE FUNCTION pg_temp.request(claims text, call text DEFAULT 'SELECT NULL', as_role text DEFAULT 'rcq_user', path text DEFAULT '/rpc/me') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM set_config('role', as_role, true), set_config('request.jwt.claims', claims, true), set_config('request.path', path, true);
    PERFORM rcq.http_pre_request();
    EXECUTE call INTO result;
    PERFORM set_config('role', 'none', true);
    RETURN result;
END $$;

-- what nobody reads
SELECT ok(NOT has_table_privilege(r, t, 'SELECT') AND NOT has_any_column_privilege(r, t, 'SELECT'), r || ' cannot read ' || t)
  FROM unnest('{rcq_anon,rcq_user,rcq_admin,rcq_executor,rcq_authenticator,regress_admin}'::text[]) r, unnest('{rcq_private.credential,rcq_private.api_token,rcq_private.jwt_secret,rcq_private.login_failure}'::text[]) t;
SELECT is_empty($$SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.relname IN ('credential', 'api_token', 'jwt_secret', 'login_failure', 'api_token_id_seq', 'jwt_secret_id_seq') AND a.grantee <> c.relowner$$,
    'nobody is granted anything on credentials, tokens, secrets and failures');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = 'rcq_private'::regnamespace AND a.grantee <> p.proowner
                   AND p.proname IN ('random_bytes', 'sign_jwt', 'signed', 'claims', 'login_claims', 'bcrypt', 'try_password', 'store_password', 'reset_password', 'end_logins')$$, 'nor may anybody run what signs tokens and sets passwords');
SELECT ok(length(secret) = 32 AND valid_until IS NULL, 'there is a secret of 256 bits from the start') FROM rcq_private.jwt_secret;
SELECT isnt(rcq_private.random_bytes(32), rcq_private.random_bytes(32), 'random bytes differ');
SELECT is_empty($$SELECT 1 FROM pg_extension, unnest(extconfig) c WHERE extname = 'rcq' AND c::regclass::text ~ 'jwt_secret|login_failure'$$, 'secrets are never dumped');
SELECT ok(password_hash ~ '^\$2[ab]\$04\$' AND password_hash !~ 'correct', 'a password is stored as a bcrypt hash of the work factor that is set') FROM rcq_private.credential WHERE user_id = pg_temp.id('ben');

-- the role that PostgREST logs in as
SELECT rcq.set_http_password(NULL);
SELECT ok(NOT rolinherit AND NOT rolsuper AND NOT rolbypassrls AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolcanlogin, 'rcq_authenticator can do nothing by itself, and not log in without a password') FROM pg_roles WHERE rolname = 'rcq_authenticator';
SELECT bag_eq($$SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'rcq_authenticator'::regrole$$, '{rcq_anon,rcq_user,rcq_admin}'::text[], 'it can become these roles');
SELECT is((SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace IN ('rcq'::regnamespace, 'rcq_rest'::regnamespace, 'rcq_api'::regnamespace) AND EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 'rcq_authenticator'::regrole)),
    'http_pre_config', 'and call this function by itself');
SELECT throws_ok('SET LOCAL ROLE ' || r || '; SELECT rcq.http_pre_config()', '42501', NULL, r || ' is not told the secrets') FROM unnest('{rcq_anon,rcq_user,rcq_admin,rcq_executor,regress_admin}'::text[]) r;
SELECT lives_ok($$SELECT rcq.set_http_password('of PostgREST')$$, 'an administrator gives it a password');
SELECT ok(rolcanlogin, 'with which it can log in') FROM pg_roles WHERE rolname = 'rcq_authenticator';
SELECT lives_ok('SELECT rcq.set_http_password(NULL)', 'or takes it away');
SELECT is((SELECT string_agg(concat_ws(' ', a.action, a.object, a.old, a.new), ', ' ORDER BY a.id) FROM (SELECT * FROM rcq_private.audit WHERE kind = 'http_password' ORDER BY id DESC LIMIT 2) a),
    'http_password.set rcq_authenticator, http_password.remove rcq_authenticator', 'which is recorded, without the password');
SELECT ok(NOT rolcanlogin, 'and it cannot any more') FROM pg_roles WHERE rolname = 'rcq_authenticator';

SET SESSION AUTHORIZATION rcq_authenticator;
SELECT throws_ok('SELECT * FROM rcq.jobs', '42501', NULL, 'it sees nothing');
SELECT throws_ok('SELECT rcq.http_pre_request()', '42501', NULL, 'and is no request before it has become somebody');
SELECT throws_ok('SET ROLE regress_ann', '42501', NULL, 'which no other role can be');
SELECT rcq.http_pre_config();
SELECT is((SELECT string_agg(k ->> 'kty' || ' ' || (k ->> 'alg') || ' ' || length(k ->> 'k'), ', ') FROM json_array_elements(current_setting('pgrst.jwt_secret')::json -> 'keys') k), 'oct HS256 43', 'it is told the secret');
RESET SESSION AUTHORIZATION;

-- claims of people in plain SQL mean nothing
SELECT pg_temp.claims('root') AS forged \gset
SET SESSION AUTHORIZATION regress_ann;
SELECT set_config('request.jwt.claims', :'forged', true), set_config('request.path', '/rpc/me', true);
SELECT throws_ok('SELECT rcq.http_pre_request()', 'RC005', NULL, 'who is no PostgREST cannot make a request of a session');
SELECT throws_ok('SET LOCAL ROLE rcq_user; SELECT rcq.http_pre_request()', 'RC005', NULL, 'in no role');
SELECT lives_ok($$SELECT rcq.submit('of ann')$$, 'what she does is');
SELECT is((SELECT string_agg(user_name, ' ') FROM rcq.jobs), 'regress_ann', 'hers, whatever claims she makes up');
SELECT is((SELECT count(*) FROM rcq.users), 1::bigint, 'and she sees what she may');
SELECT throws_ok($$SET LOCAL ROLE rcq_admin; SELECT rcq.add_group('hers')$$, '42501', NULL, 'and becomes no administrator');
SELECT throws_ok($$SET LOCAL ROLE rcq_user; SELECT rcq.submit('x')$$, 'RC010', NULL, 'nor somebody else in the role of all');
RESET SESSION AUTHORIZATION;

-- what is a valid token
SELECT pg_temp.claims('ben') AS ben, pg_temp.claims('root') AS root, pg_temp.claims('regress_ann') AS ann, rcq.create_api_token('mine', 'read') AS of_me \gset
SET SESSION AUTHORIZATION rcq_authenticator;
SET LOCAL ROLE rcq_user;
SELECT throws_ok($$SELECT rcq.submit('x')$$, 'RC010', 'this request was not looked at by rcq.http_pre_request()', 'a request that was not looked at is nobody''s');
RESET ROLE;
SELECT is(pg_temp.request(:'ben', $$SELECT rcq.submit('of ben')$$), '2', 'a login acts');
SELECT is(pg_temp.request(:'ben', 'SELECT string_agg(user_name, $$ $$) FROM rcq.jobs'), 'ben@example.org', 'as its user, and sees what is theirs');
SELECT is(pg_temp.request(:'ann', 'SELECT string_agg(user_name, $$ $$) FROM rcq.jobs'), 'regress_ann', 'who may be a user of SQL, too');
SELECT is(pg_temp.request(:'root', 'SELECT count(*) FROM rcq.jobs', 'rcq_admin'), '2', 'administrators see all');
SELECT is(pg_temp.request(:'root', $$SELECT set_config('request.jwt.claims', '{}', true) || (SELECT count(*) FROM rcq.jobs)$$, 'rcq_admin'), '{}2', 'what is done to the claims afterwards changes nothing');
SELECT is(pg_temp.request('', 'SELECT 1', 'rcq_anon'), '1', 'without a token one is nobody');
SELECT throws_ok(format('SELECT pg_temp.request(%L, $$SELECT rcq.submit(%L)$$, %L)', '', 'x', 'rcq_anon'), '42501', NULL, 'who can do nothing');
SELECT throws_matching(format('SELECT pg_temp.request(%L)', c), m, 'refused: ' || m) FROM (VALUES
    ('', 'the token is not one that this queue made'), ('{}', 'the token is not one that this queue made'), ('[1]', 'the token is not one that this queue made'), ('{"role": "rcq_user"}', 'the token is not one that this queue made'),
    ((:'ben'::jsonb - 'tv')::text, 'the token is not one that this queue made'), ((:'ben'::jsonb || '{"user_id": "3"}')::text, 'the token is not one that this queue made'), ((:'ben'::jsonb || '{"user_id": 3.5}')::text, 'the token is not one that this queue made'),
    ((:'ben'::jsonb || '{"user_id": 1e300}')::text, 'the token is not one that this queue made'), ((:'ben'::jsonb || '{"user_id": null}')::text, 'the token is not one that this queue made'), ((:'ben'::jsonb || '{"tv": true}')::text, 'the token is not one that this queue made'),
    ((:'ben'::jsonb - 'exp')::text, 'the token does not say when it expires'), ((:'ben'::jsonb || '{"exp": "never"}')::text, 'the token does not say when it expires'), ((:'ben'::jsonb || '{"exp": 1000}')::text, 'the token has expired'),
    ((:'ben'::jsonb || '{"tv": 2}')::text, 'its user logged out or has a new password'), ((:'ben'::jsonb || '{"user_id": 99}')::text, 'the user of this token does not exist'), ((:'ben'::jsonb || '{"sv": 2}')::text, 'a secret that is not valid any more'),
    ((:'ben'::jsonb || '{"jti": "made up"}')::text, 'there is no such API token'), ((pg_temp.said(:'of_me')::jsonb || '{"user_id": 2}')::text, 'there is no such API token')) r(c, m);
SELECT throws_ok(format('SELECT pg_temp.request(%L)', ''), 'PGRST', '{"code": "RC010", "message": "the token is not one that this queue made", "details": null, "hint": "Log in again."}', 'a refusal has the form of which PostgREST makes an answer');
RESET SESSION AUTHORIZATION;

-- what tokens of programs are good for
SET ROLE regress_ann;
SELECT throws_ok(format('SELECT rcq.create_api_token(%s)', c), e, m, m) FROM (SELECT current_setting('server_version_num')::integer < 170000 AS old) v, LATERAL (VALUES
    ($$NULL$$, 'RC001', 'the name of an API token has 1 to 100 characters, none of them a control character'), ($$E'a\nb'$$, 'RC001', 'the name of an API token has 1 to 100 characters, none of them a control character'),
    ($$'a', 'write'$$, 'RC001', 'scope cannot be "write"'), ($$'a', NULL$$, 'RC001', 'scope cannot be "NULL"'), ($$'a', expires_in => '1 s'$$, 'RC001', 'expires_in is 00:00:01, allowed is 1 minute to 10 years'), ($$'a', expires_in => NULL$$, 'RC001', 'expires_in is NULL, allowed is 1 minute to 10 years'),
    ($$'a', expires_in => 'infinity'::timestamptz - now()$$, CASE WHEN old THEN '22008' ELSE 'RC001' END, CASE WHEN NOT old THEN 'expires_in is infinity, allowed is 1 minute to 10 years' END), -- no interval was infinite before 17
    ($$'a', 'admin'$$, 'RC005', 'only administrators can make a token of scope admin'), ($$'a', 'metrics'$$, 'RC005', 'only administrators can make a token of scope metrics')) r(c, e, m);
SELECT rcq.create_api_token('laptop') AS of_ann, rcq.create_api_token('short', 'read', '1 hour') AS reads \gset
SELECT bag_eq('SELECT user_name, name, scope, state, expires_at - created_at < interval $$2 hours$$ FROM rcq.api_tokens', $$VALUES ('regress_ann', 'laptop', 'submit', 'valid', false), ('regress_ann', 'short', 'read', 'valid', true)$$, 'people see their tokens');
RESET ROLE; SET ROLE regress_admin;
SELECT rcq.create_api_token('all', 'admin') AS administers, rcq.create_api_token('graphs', 'metrics') AS measures, rcq.create_api_token('mine', 'submit') AS submits \gset
SELECT is((SELECT count(*) FROM rcq.api_tokens), 6::bigint, 'administrators see those of all');
RESET ROLE;
SELECT is((SELECT count(*) FROM rcq_private.api_token WHERE jti_hash = sha256(convert_to(pg_temp.said(:'of_ann')::json ->> 'jti', 'UTF8'))), 1::bigint, 'what is stored of a token is a hash');
SELECT pg_temp.said(:'of_ann') AS of_ann, pg_temp.said(:'reads') AS reads, pg_temp.said(:'administers') AS administers, pg_temp.said(:'measures') AS measures, pg_temp.said(:'submits') AS submits \gset
SELECT is(:'administers'::json ->> 'role', 'rcq_admin', 'scope admin has the role of administrators');
SELECT is(:'submits'::json ->> 'role', 'rcq_user', 'no other one');
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT is(pg_temp.request(:'of_ann', $$SELECT rcq.submit('by a program')$$), '3', 'scope submit submits');
SELECT is(pg_temp.request(:'submits', 'SELECT count(*) FROM rcq.jobs'), '0', 'but has no rights of an administrator');
SELECT throws_ok(format('SELECT pg_temp.request(%L, %L, %L)', :'submits', $$SELECT rcq.add_group('g')$$, 'rcq_admin'), 'RC005', NULL, 'even in their role');
SELECT is(pg_temp.request(:'administers', 'SELECT count(*) FROM rcq.jobs', 'rcq_admin'), '3', 'scope admin has');
SELECT throws_ok(format('SELECT pg_temp.request(%L, %L)', :'reads', $$SELECT rcq.submit('x')$$), '25006', NULL, 'scope read changes nothing');
SELECT throws_ok(format('SELECT pg_temp.request(%L, %L)', :'reads', 'SET TRANSACTION READ WRITE'), '25001', NULL, 'and cannot be given more');
SELECT throws_ok(format('SELECT pg_temp.request(%L, %L)', :'of_ann', $$SELECT rcq.create_api_token('another')$$), 'RC005', 'a token of scope submit cannot make tokens', 'no token makes tokens');
SELECT is(pg_temp.request(:'administers', $$SELECT 1 + 0 * length(rcq.create_api_token('another'))$$, 'rcq_admin'), '1', 'but that of an administrator with all rights');
SELECT throws_ok(format('SELECT pg_temp.request(%L, path => %L)', :'measures', path), 'PGRST', '{"code": "RC005", "message": "a token of scope metrics may read the metrics and nothing else", "details": null, "hint": "Make one of scope read, submit or admin."}',
    'scope metrics is refused at ' || path) FROM unnest('{/rpc/me,/jobs,/,/rpc/metrics,/may_read_metrics,/rpc/x/rpc/may_read_metrics}'::text[]) path;
SELECT is(pg_temp.request(:'measures', 'SELECT 1', path => '/rpc/may_read_metrics'), '1', 'and admitted where it is asked about');
RESET SESSION AUTHORIZATION;

-- what ends tokens
SET ROLE regress_ann;
SELECT throws_ok(format('SELECT rcq.revoke_api_token(%L)', i), 'RC002', format('there is no API token %s of yours', COALESCE(i, 'NULL')), 'there is no such token of hers') FROM unnest('{1,4,999,NULL}'::text[]) i;
SELECT lives_ok($$SELECT rcq.revoke_api_token(id) FROM rcq.api_tokens WHERE name = 'laptop'$$, 'she revokes one');
RESET ROLE;
SELECT rcq.revoke_api_token(id) FROM rcq.api_tokens WHERE name = 'all';
UPDATE rcq_private.api_token SET expires_at = clock_timestamp() WHERE name = 'short';
SELECT bag_eq($$SELECT name, state FROM rcq.api_tokens WHERE state <> 'valid'$$, $$VALUES ('laptop', 'revoked'), ('all', 'revoked'), ('short', 'expired')$$, 'an administrator that of anybody');
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT throws_matching(format('SELECT pg_temp.request(%L)', c), m, m) FROM (VALUES (:'of_ann', 'the API token was revoked'), (:'administers', 'the API token was revoked'), (:'reads', 'the API token has expired')) r(c, m);
RESET SESSION AUTHORIZATION;

SELECT rcq.rotate_jwt_secret('1 hour');
SELECT is((SELECT string_agg(format('%s %s', id = 1, valid_until > clock_timestamp()), ', ' ORDER BY id) FROM rcq_private.jwt_secret), 't t, f ', 'the secret before stays for a while');
SELECT is(pg_temp.said(rcq_private.signed(:'ben'))::json ->> 'sv', id::text, 'the new one signs, also what was to be signed by the one before') FROM rcq_private.jwt_secret WHERE valid_until IS NULL;
SELECT ok(rcq_private.signed(pg_temp.claims('ben')::jsonb) = rcq_private.sign_jwt(pg_temp.claims('ben')::jsonb::text, secret), 'by what it is') FROM rcq_private.jwt_secret WHERE valid_until IS NULL;
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT is(pg_temp.request(:'ben', 'SELECT 1'), '1', 'what the old one signed is valid');
SELECT rcq.http_pre_config();
SELECT is((SELECT count(*) FROM json_array_elements(current_setting('pgrst.jwt_secret')::json -> 'keys') k), 2::bigint, 'and PostgREST is told both');
RESET SESSION AUTHORIZATION;
UPDATE rcq_private.jwt_secret SET valid_until = clock_timestamp() WHERE id = 1;
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT throws_matching(format('SELECT pg_temp.request(%L)', c), 'a secret that is not valid any more', 'no longer than that, also when PostgREST still knows it') FROM unnest(ARRAY[:'ben', (:'ben'::jsonb - 'sv')::text]) c;
RESET SESSION AUTHORIZATION;
SELECT rcq.rotate_jwt_secret();
SELECT is((SELECT string_agg(format('%s %s', id > 1, valid_until), ' ') FROM rcq_private.jwt_secret), 't ', 'a secret is gone at once when it is not kept');
SELECT throws_ok(format('SELECT rcq.rotate_jwt_secret(%L)', k), 'RC001', NULL, 'it is not kept for ' || COALESCE(k, 'NULL')) FROM unnest('{-1 s,2 years,NULL}'::text[]) k;

-- disabled
SELECT pg_temp.claims('regress_ann') AS ann, pg_temp.claims('ben') AS ben \gset
SET ROLE regress_ann; SELECT rcq.create_api_token('again') AS again \gset
SELECT rcq.schedule('nightly', '@daily', 'true') \g /dev/null
RESET ROLE;
SELECT lives_ok($$SELECT rcq.set_user('Ann@Example.org', disabled => 'left the lab')$$, 'a user is named by e-mail address, too');
SELECT is((SELECT disabled FROM rcq.users WHERE role_name = 'regress_ann'), 'left the lab', 'that she is disabled is seen');
SET ROLE regress_ann;
SELECT throws_ok('SELECT rcq.submit($$x$$)', 'RC005', 'your account is disabled: left the lab', 'she cannot act in SQL');
SELECT throws_ok('SELECT * FROM rcq.jobs', 'RC005', NULL, 'nor look');
RESET ROLE;
SELECT ok(rcq_private.fire(s, now(), now()), 'nor do her schedules') FROM rcq_private.schedule s;
SELECT results_eq($$SELECT outcome, message, job_id FROM rcq_private.fire$$, $$VALUES ('failed' COLLATE "C", 'RC005: the account of its owner is disabled: left the lab', NULL::bigint)$$, 'submit for her');
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT throws_matching(format('SELECT pg_temp.request(%L)', c), 'this account is disabled: left the lab', 'nor over HTTP') FROM unnest(ARRAY[:'ann', pg_temp.said(:'again')]) c;
RESET SESSION AUTHORIZATION;
SELECT rcq.set_user('regress_ann', enable => true);
SET ROLE regress_ann; SELECT lives_ok('SELECT rcq.submit($$x$$)', 'enabled, she can again');
RESET ROLE; SET SESSION AUTHORIZATION rcq_authenticator;
SELECT throws_matching(format('SELECT pg_temp.request(%L)', :'ann'), 'its user logged out', 'but must log in again');
SELECT throws_matching(format('SELECT pg_temp.request(%L)', pg_temp.said(:'again')), 'the API token was revoked', 'and make her tokens again');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SELECT rcq.set_user(%s)', c), e, m, m) FROM (VALUES ($$'postgres', disabled => 'why'$$, 'RC003', 'you cannot disable yourself'), ($$'regress_ann', disabled => ''$$, 'RC001', 'disabled is the reason, in 1 to 200 characters, none of them a control character'),
    ($$'regress_ann', disabled => E'a\r\nSet-Cookie: a'$$, 'RC001', 'disabled is the reason, in 1 to 200 characters, none of them a control character'), ($$'regress_ann', disabled => 'why', enable => true$$, 'RC001', 'disabled and enable exclude each other'),
    ($$'nobody@example.org'$$, 'RC002', 'there is no user "nobody@example.org"'), ($$'regress_ann', email => 'BEN@example.org'$$, 'RC006', 'there is a user "ben@example.org" already'), ($$'regress_ann', email => 'no address'$$, 'RC001', '"no address" is not an e-mail address')) r(c, e, m);

-- passwords
SELECT throws_ok('SELECT rcq.set_password($$regress_admin$$, $$correct horse$$)', 'RC003', 'this user has no e-mail address to log in with', 'a password needs an address to log in with');
SELECT lives_ok('SELECT rcq.set_user($$regress_admin$$, email => $$Chief@example.org$$), rcq.set_password($$chief@example.org$$, $$correct horse$$)', 'which an administrator gives');
SELECT is((SELECT string_agg(state, ' ') FROM rcq.api_tokens WHERE user_name = 'regress_admin' AND name <> 'all'), 'revoked revoked revoked', 'a new password revokes the tokens');
SELECT throws_ok(format('SELECT rcq.set_password(%L, %L)', 'ben@example.org', p), 'RC001', m, m) FROM (VALUES ('seven 7', 'the password is too short'), (NULL, 'the password is too short'), (repeat('é', 37), 'the password is too long'), (repeat('a', 73), 'the password is too long')) r(p, m);
SELECT lives_ok(format('SELECT rcq.set_password(%L, %L)', 'ben@example.org', p), 'a password of ' || octet_length(p) || ' bytes') FROM unnest(ARRAY['eight 8.', repeat('é', 36)]) p;
SELECT is((rcq_private.try_password('ben@example.org', p)).user_id, i, 'tried: ' || m) FROM (VALUES (repeat('é', 36), pg_temp.id('ben'), 'right'), (repeat('é', 35), NULL, 'wrong'), (repeat('é', 36) || 'a', NULL, 'right in the 72 bytes that bcrypt looks at'), ('', NULL, 'empty')) r(p, i, m);
SELECT is((rcq_private.try_password('nobody@example.org', 'correct horse')).user_id, NULL, 'tried: a stranger');
SET SESSION AUTHORIZATION rcq_authenticator;
SELECT throws_matching(format('SELECT pg_temp.request(%L)', :'ben'), 'its user logged out or has a new password', 'a new password ends logins');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SELECT rcq.add_http_user(%L, %L)', e, 'correct horse'), 'RC001', NULL, 'no address: ' || COALESCE(e, 'NULL')) FROM unnest(ARRAY['', 'ann', '@example.org', 'ann@', 'ann@example', 'a b@example.org', 'ann@exam ple.org', E'ann@example.org\n', 'ann@ex@ample.org', repeat('a', 65) || '@example.org', 'ann@' || repeat('a.', 130) || 'org', 'ännchen@example.org', NULL]) e;

-- administrators by SQL
SET ROLE regress_ann;
SELECT throws_ok(format('SELECT rcq.%s', c), '42501', NULL, 'people cannot call rcq.' || c) FROM unnest(ARRAY['set_password(''ben@example.org'', ''correct horse'')', 'add_http_user(''x@example.org'', ''correct horse'')', 'set_http_password(''correct horse'')', 'rotate_jwt_secret()', 'http_pre_config()']) c;
RESET ROLE; GRANT rcq_admin TO regress_ann; SET ROLE regress_ann;
SELECT throws_ok(format('SELECT rcq.%s', c), 'RC005', NULL, 'nor who is in rcq_admin but no administrator here') FROM unnest(ARRAY['set_password(''nobody'', ''correct horse'')', 'add_http_user(''x@example.org'', ''correct horse'')', 'set_http_password(''correct horse'')', 'rotate_jwt_secret()']) c;
RESET ROLE; SET ROLE regress_admin;
SELECT lives_ok(format('SELECT rcq.%s', c), 'an administrator can call rcq.' || c) FROM unnest(ARRAY['set_password(''ben@example.org'', ''correct horse'')', 'add_http_user(''x@example.org'', ''correct horse'')', 'set_http_password(NULL)', 'rotate_jwt_secret()', 'create_api_token(''a'', ''metrics'')']) c;
RESET ROLE;

-- vectors of RFC 4648, and a token that every description of JWT shows
SELECT is(rcq_private.base64url(b::bytea), t, 'base64url of ' || b) FROM (VALUES ('', ''), ('f', 'Zg'), ('fo', 'Zm8'), ('foo', 'Zm9v'), ('foob', 'Zm9vYg'), ('fooba', 'Zm9vYmE'), ('foobar', 'Zm9vYmFy'), ('\xfbfffe', '-__-')) r(b, t);
SELECT is(rcq_private.sign_jwt('{"sub":"1234567890","name":"John Doe","iat":1516239022}', 'your-256-bit-secret'),
    'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c', 'the signature of a well-known token');
SELECT is(split_part(rcq_private.sign_jwt(m, k), '.', 3), translate(rtrim(encode(hmac(convert_to(split_part(rcq_private.sign_jwt(m, k), '.', 1) || '.' || split_part(rcq_private.sign_jwt(m, k), '.', 2), 'UTF8'), k, 'sha256'), 'base64'), '='), '+/', '-_'),
    format('the signature as pgcrypto makes it: %s bytes by a key of %s', length(m), length(k))) FROM unnest(ARRAY[0, 1, 54, 1000]) l, repeat('m', l) m, unnest(ARRAY['\x00'::bytea, rcq_private.random_bytes(32), rcq_private.random_bytes(100)]) k;
SELECT throws_ok('SELECT rcq_private.random_bytes(0)', '22023', NULL, 'random bytes are counted');

SELECT * FROM finish();
ROLLBACK;
