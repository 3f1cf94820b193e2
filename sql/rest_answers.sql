-- How routes of the REST interface answer, whatever they do: what is read, what is refused with which status, what is
-- undone, what is told to whom. The route of this test does what it is asked for.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
CREATE TABLE t.written (what text);
CREATE FUNCTION rcq_rest.regress_body(bytea) RETURNS json LANGUAGE c AS 'rcq', 'rcq_answer_body';
CREATE FUNCTION rcq_rest.regress_query(bytea) RETURNS json LANGUAGE c AS 'rcq', 'rcq_answer_query';
CREATE FUNCTION rcq_rest.regress_text(bytea) RETURNS rcq_rest."text/plain" LANGUAGE c AS 'rcq', 'rcq_answer_text';
CREATE FUNCTION rcq_rest.regress_lost(bytea) RETURNS json LANGUAGE c AS 'rcq', 'rcq_answer_body';
CREATE FUNCTION rcq_private.rest_regress_body(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t.written VALUES (request ->> 'write');
    IF request ? 'status' THEN PERFORM rcq_private.set_status((request ->> 'status')::integer); END IF;
    IF request ? 'header' THEN PERFORM rcq_private.set_header('X-Regress', request ->> 'header'); END IF;
    IF request ? 'raise' THEN RAISE EXCEPTION USING ERRCODE = request ->> 'raise', MESSAGE = 'the message', HINT = COALESCE(request ->> 'hint', ''), DETAIL = 'table t.written'; END IF;
    IF request ? 'refuse' THEN RETURN rcq_private.refuse((request ->> 'refuse')::integer, 'refused "here"', (request ->> 'after')::integer); END IF;
    IF request ? 'run' THEN EXECUTE request ->> 'run'; END IF;
    IF request ? 'nothing' THEN RETURN NULL; END IF;
    RETURN request;
END $$;
CREATE FUNCTION rcq_private.rest_regress_query(request jsonb) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RETURN json_build_object('z', request, 'a', 1); END $$;
CREATE FUNCTION rcq_private.rest_regress_text(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF request ? 'raise' THEN RAISE EXCEPTION USING ERRCODE = request ->> 'raise', MESSAGE = 'the message'; END IF;
    RETURN 'text: ' || request::text;
END $$;
CREATE FUNCTION t.ask(VARIADIC bodies text[]) RETURNS TABLE (status text, body text, headers text) LANGUAGE plpgsql AS $$
DECLARE
    b text;
BEGIN
    FOREACH b IN ARRAY bodies LOOP
        body := rcq_rest.regress_body(convert_to(b, 'UTF8'));
        status := current_setting('response.status');
        headers := regexp_replace(current_setting('response.headers'), 'process \d+', 'process N');
        RETURN NEXT;
    END LOOP;
END $$;
CREATE FUNCTION t.query(VARIADIC queries text[]) RETURNS TABLE (status text, body text) LANGUAGE plpgsql AS $$
DECLARE
    q text;
BEGIN
    FOREACH q IN ARRAY queries LOOP
        body := rcq_rest.regress_query(convert_to(q, 'UTF8'));
        status := current_setting('response.status');
        RETURN NEXT;
    END LOOP;
END $$;

-- what succeeds: 200, or what the handler says; an answer says nothing of the one before
SELECT * FROM t.ask('{"write": "one"}', '{"status": 201, "header": "yes"}', '', '  ', '{}');
SELECT * FROM t.query('', 'b=2&a=two+words%21&&c=', 'a=%7B%22x%22:1%7D');
SELECT rcq_rest.regress_text('a=1');
SELECT count(*) FROM t.written;

-- bodies that are none
SELECT status, body FROM t.ask('{', '[]', '7', '"x"', 'null', '{"a": 1} x', '{"a": 1, "a": 2}', '{"a": {"b": [{"c": 1, "\u0063": 2}]}}', '{"a": "\u0000"}', '{"a": 1e400000}', '{"a": "\ud800"}');
SELECT rcq_rest.regress_body('{"a": "\377"}'), rcq_rest.regress_body('{"a": "x\000"}'), rcq_rest.regress_body('\000');
SELECT rcq_rest.regress_body(convert_to(repeat('[', 100000), 'UTF8')) AS deep, rcq_rest.regress_body(convert_to('{"a": ' || repeat('[', 6000) || repeat(']', 6000) || '}', 'UTF8')) ->> 'error' AS not_so_deep;
SELECT length(rcq_rest.regress_body(convert_to('{"a": ' || repeat('x', 100000), 'UTF8')) ->> 'error') AS of_a_long_one;
-- queries that are none
SELECT * FROM t.query('a', '=1', 'a=1&a=2', 'a=%', 'a=%4', 'a=%zz', 'a=%00', 'a=%ff', '%ff=1', 'a=1&%61=2');
SELECT rcq_rest.regress_query('a=\377');
SELECT rcq_rest.regress_body(NULL);

-- errors, each with its status; what the handler did is undone, what it said is not kept
TRUNCATE t.written;
SELECT * FROM t.ask('{"raise": "RC001", "write": "x"}', '{"raise": "RC001", "hint": "Do it otherwise.", "status": 201, "header": "gone"}', '{"raise": "RC002"}', '{"raise": "RC003"}', '{"raise": "RC004"}', '{"raise": "RC005"}',
    '{"raise": "RC006"}', '{"raise": "RC007"}', '{"raise": "RC010"}', '{"raise": "22003"}', '{"raise": "40001"}', '{"raise": "40P01"}', '{"raise": "55P03"}', '{"raise": "42501"}', '{"raise": "25006"}',
    '{"raise": "57014"}', '{"raise": "53100"}', '{"raise": "57P03"}');
SELECT status, regexp_replace(body, 'process \d+', 'process N') AS body, headers FROM t.ask('{"raise": "XX000"}', '{"raise": "23505"}', '{"raise": "PT418"}', '{"raise": "PGRST"}', '{"run": "SELECT * FROM nowhere"}', '{"nothing": 1}', '{"header": "a\r\nb"}');
SELECT count(*) FROM t.written;
-- a refusal that is returned keeps what was written
SELECT * FROM t.ask('{"refuse": 429, "after": 7, "write": "kept"}', '{"refuse": 401}');
SELECT * FROM t.written;
-- an error of a route of text is JSON, and says so
BEGIN;
SELECT rcq_rest.regress_text('raise=RC002');
SELECT current_setting('response.status'), current_setting('response.headers');
COMMIT;
-- a route without a handler
SELECT regexp_replace(rcq_rest.regress_lost('{}')::text, 'process \d+', 'process N');

-- the transaction goes on after all of them; a cancel is an answer, too
BEGIN;
SET LOCAL statement_timeout = '100ms';
SELECT rcq_rest.regress_body('{"run": "SELECT pg_sleep(60)"}');
SELECT current_setting('response.status');
SET LOCAL statement_timeout = 0;
SELECT count(*) FROM t.written;
COMMIT;
BEGIN READ ONLY;
SELECT rcq_rest.regress_body('{"write": "x"}'), current_setting('response.status', true);
COMMIT;

-- parameters in the path, and headers: of PostgREST's login alone
SELECT rcq_private.request_header('x-rcq-path');
GRANT EXECUTE ON FUNCTION rcq_rest.regress_query(bytea), rcq_rest.regress_body(bytea) TO rcq_anon;
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT INSERT ON t.written TO PUBLIC;
BEGIN;
SET LOCAL "request.headers" = '{"x-rcq-path": "id=7", "x-request-id": "0123456789abcdef0123456789abcdef", "x-other": ["list"]}';
SELECT rcq_rest.regress_query('a=1') AS not_of_the_authenticator;
SET LOCAL SESSION AUTHORIZATION rcq_authenticator;
SET LOCAL ROLE rcq_anon;
SELECT rcq_rest.regress_query('a=1');
SELECT rcq_rest.regress_query('id=8') AS repeated;
SELECT rcq_rest.regress_body('{"run": "SELECT rcq_private.caller_id()"}') ->> 'error' AS who_may_do_nothing;
SET LOCAL "request.headers" = '{"x-rcq-path": "id", "x-request-id": "a b"}';
SELECT rcq_rest.regress_query('') AS malformed;
SET LOCAL "request.headers" = '';
SELECT rcq_rest.regress_query('') AS none;
COMMIT;

-- the extension may be dropped and made again under a session
SET client_min_messages = warning;
DROP EXTENSION rcq CASCADE;
RESET client_min_messages;
CREATE EXTENSION rcq;
CREATE FUNCTION rcq_rest.regress_query(bytea) RETURNS json LANGUAGE c AS 'rcq', 'rcq_answer_query';
CREATE FUNCTION rcq_private.rest_regress_query(request jsonb) RETURNS text LANGUAGE sql AS $$ SELECT '"another"' $$;
SELECT rcq_rest.regress_query('');

-- helpers of handlers
SELECT rcq_private.rfc3339('2026-01-02 03:04:05.123456+01'), rcq_private.rfc3339('infinity'), rcq_private.rfc3339(NULL);
SELECT rcq_private.whole_field('{"n": "5", "m": 7}', 'n', 1, 9), rcq_private.whole_field('{"n": "5", "m": 7}', 'm', 1, 9), rcq_private.whole_field('{}', 'm', 1, 9, 3), rcq_private.whole_field('{"m": null}', 'm', 1, 9);
SELECT code, message, hint FROM t.errors($$SELECT rcq_private.whole_field('{"n": "10"}', 'n', 1, 9)$$, $$SELECT rcq_private.whole_field('{"n": 1.5}', 'n', 1, 9)$$, $$SELECT rcq_private.whole_field('{"n": [1]}', 'n', 1, 9)$$,
    $$SELECT rcq_private.whole_field('{"n": ""}', 'n', 1, 9)$$, $$SELECT rcq_private.whole_field('{"n": "99999999999999999999"}', 'n', 1, 9)$$,
    $$SELECT rcq_private.check_fields('{"a": 1, "b": 2}', 'a', 'c')$$, $$SELECT rcq_private.check_fields('{"a": 1}', VARIADIC '{}')$$, $$SELECT rcq_private.text_field('{"a": 1}', 'a')$$,
    $$SELECT rcq_private.job_field('{"id": "x"}')$$, $$SELECT rcq_private.job_field('{}')$$);
SELECT rcq_private.check_fields('{"a": 1}', 'a', 'b'), rcq_private.job_field('{"id": "42"}'), rcq_private.text_field('{"a": "x"}', 'a'), rcq_private.text_field('{}', 'a');
\i :end
