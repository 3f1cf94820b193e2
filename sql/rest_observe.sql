-- What monitoring and auditors ask over HTTP: health, metrics, the audit log; and what is recorded of requests.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION pgcrypto;
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.set('password_cost', '4');
SELECT rcq.add_http_user('boss@example.org', 'a password', is_admin => true) AS boss, rcq.add_http_user('ann@example.org', 'a password') AS ann \gset
-- a request as PostgREST makes it: who (0 = nobody), with which claims; the answer with its status
CREATE FUNCTION t.request(user_id integer, route text, body text DEFAULT '', more jsonb DEFAULT '{"tv": 1}') RETURNS TABLE (status text, answer text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('response.status', '', true), set_config('request.path', '/rpc/' || route, true), set_config('request.method', 'POST', true),
            set_config('request.headers', '{"x-real-ip": "192.0.2.7", "x-request-id": "00112233445566778899aabbccddeeff"}', true),
            set_config('request.jwt.claims', CASE WHEN user_id > 0 THEN jsonb_build_object('role', current_user, 'user_id', user_id, 'exp', 4102444800) || more ELSE '{}' END::text, true);
    PERFORM rcq.http_pre_request();
    EXECUTE format('SELECT rcq_rest.%I(%L)::text', route, convert_to(body, 'UTF8')) INTO answer;
    status := COALESCE(NULLIF(current_setting('response.status', true), ''), '200');
    RETURN NEXT;
END $$;
CREATE FUNCTION t.found(boss integer, query text) RETURNS text LANGUAGE sql AS $$
    SELECT status || ' ' || CASE WHEN status = '200' THEN COALESCE((SELECT string_agg(e ->> 'action' || ' ' || (e ->> 'object'), ', ' ORDER BY n) FROM jsonb_array_elements(answer::jsonb -> 'audit') WITH ORDINALITY x(e, n)), 'none') ELSE answer END
      FROM t.request(boss, 'admin_audit', query) $$;
CREATE FUNCTION t.pages(boss integer, size integer) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[] = '{}';
    page jsonb;
    next text = '';
BEGIN
    LOOP
        SELECT answer::jsonb INTO page FROM t.request(boss, 'admin_audit', format('limit=%s', size) || next);
        ids := ids || ARRAY(SELECT (e ->> 'id')::bigint FROM jsonb_array_elements(page -> 'audit') WITH ORDINALITY x(e, n) ORDER BY n);
        next := '&before=' || (page ->> 'next_before');
        IF next IS NULL THEN RETURN ids; END IF;
    END LOOP;
END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION rcq_authenticator;

-- health: for everybody
SET ROLE rcq_anon;
SELECT status, answer::jsonb - 'scheduler' - 'rcq_version' AS answer, answer::jsonb -> 'scheduler' ->> 'state' AS scheduler, (answer::jsonb -> 'scheduler' ->> 'last_cycle_age_s')::float BETWEEN 0 AND 10 AS fresh
  FROM t.request(0, 'health');
SELECT * FROM t.request(0, 'health', 'verbose=1');
SELECT status, answer LIKE '%rcq_up 1%' AS up FROM t.request(0, 'metrics');
-- others not
SELECT * FROM t.errors($$SELECT * FROM t.request(0, 'may_read_metrics')$$);

-- who may read metrics: administrators, and tokens that are made for it
SET ROLE rcq_user;
SELECT * FROM t.request(:ann, 'may_read_metrics');
SET ROLE rcq_admin;
SELECT * FROM t.request(:boss, 'may_read_metrics');
BEGIN;
SELECT status FROM t.request(:boss, 'me');
SELECT rcq.create_api_token('prometheus', 'metrics') AS token \gset
COMMIT;
SET ROLE rcq_user;
SELECT convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'UTF8') AS claims FROM (SELECT translate(split_part(:'token', '.', 2), '-_', '+/')) c(p) \gset
SELECT * FROM t.request(:boss, 'may_read_metrics', '', :'claims');

-- what is done over HTTP is recorded with where it came from; a submission, too, once for all of its jobs
BEGIN;
SELECT status FROM t.request(:ann, 'me');
SELECT array_agg(s) AS ids FROM rcq.submit_many('[{"script": "a", "hold": true}, {"script": "b", "hold": true}]') s;
COMMIT;
BEGIN;
SELECT status FROM t.request(:ann, 'me');
SELECT rcq.cancel(1);
COMMIT;
SET ROLE rcq_admin;
SELECT status, (answer::jsonb #> '{audit,0}') - '{id,at}'::text[] AS entry, answer::jsonb #>> '{audit,0,at}' ~ '^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$' AS rfc3339, answer::jsonb -> 'next_before' AS next
  FROM t.request(:boss, 'admin_audit', 'kind=job');
-- somebody who is nobody yet
RESET ROLE;
SET ROLE rcq_anon;
SELECT status FROM t.request(0, 'register', '{"email": "new@example.org", "password": "a password", "group_id": 1}');
SET ROLE rcq_admin;
SELECT e ->> 'action' AS action, e ->> 'actor' AS actor, e ->> 'user_id' AS user_id, e ->> 'via' AS via, e #>> '{new,email}' AS email
  FROM t.request(:boss, 'admin_audit', 'limit=2'), jsonb_array_elements(answer::jsonb -> 'audit') e ORDER BY (e ->> 'id')::int;
-- each way of asking, and all together
SELECT q AS query, t.found(:boss, q) AS answer
  FROM string_to_table('action=job.submit user=ann@example.org user=ANN@example.org&kind=job&object=1 kind=token request_id=00112233445566778899aabbccddeeff&limit=2 request_id=none until=2020-01-01T00:00:00Z since=2020-01-01&action=job.cancel limit=0 limit=1001 limit=x before=999 since=yesterday2 user=nobody color=red', ' ') q;
-- page by page, each entry once
SELECT t.pages(:boss, 3) = (SELECT array_agg((e ->> 'id')::bigint ORDER BY n) FROM t.request(:boss, 'admin_audit') r, jsonb_array_elements(r.answer::jsonb -> 'audit') WITH ORDINALITY x(e, n)) AS same;
-- for administrators, with the rights to act as one
SET ROLE rcq_user;
SELECT * FROM t.request(:ann, 'admin_audit');
SET SESSION AUTHORIZATION regress_boss;

-- the requests were counted, when their transactions ended
SELECT split_part(l, ' ', 1) AS sample, split_part(l, ' ', 2)::bigint > 0 AS counted FROM string_to_table(rcq.metrics(), E'\n') l WHERE l LIKE 'http_requests_total{%health%' ORDER BY l;

-- a scheduler that is not there, or has nothing to place on
SELECT rcq.pause('move');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION rcq_authenticator;
SET ROLE rcq_anon;
SELECT status, answer::jsonb ->> 'status' AS is, answer::jsonb ->> 'message' AS message FROM t.request(0, 'health');
SET SESSION AUTHORIZATION regress_boss;
UPDATE rcq_private.home SET database_oid = 0;
SELECT rcq_private.definitions_changed();
SELECT t.wait($$(SELECT state = 'idle' FROM rcq.scheduler)$$);
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION rcq_authenticator;
SET ROLE rcq_anon;
SELECT status, answer::jsonb ->> 'status' AS is, answer::jsonb ->> 'message' AS message, answer::jsonb -> 'scheduler' ->> 'state' AS state FROM t.request(0, 'health');
SELECT status, substring(answer FROM 'rcq_up (\d)') AS up FROM t.request(0, 'metrics');
SET SESSION AUTHORIZATION regress_boss;
SELECT rcq.adopt();
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
DROP EXTENSION pgcrypto;
\i :end
