\set ECHO none
-- What every regression test begins with: a clean database, an administrator of its own, and helpers in schema t.
--   t.wait(condition)        polls a condition, 20 s at most
--   t.errors(calls)          runs calls that fail; says SQLSTATE, message and hint of each
--   t.node(name)             makes the login of an executor and lets it act for us with SET ROLE
--   t.register, t.sync, ...  an executor: the protocol with its tokens kept in t.token, so that none is printed
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS rcq CASCADE;
DROP SCHEMA IF EXISTS t CASCADE;
DO $$
DECLARE
    r name;
BEGIN
    FOREACH r IN ARRAY ARRAY['regress_boss', 'regress_ann', 'regress_ben', 'regress_cat', 'regress_node_a', 'regress_node_b'] LOOP
        EXECUTE format('DROP ROLE IF EXISTS %I', r);
    END LOOP;
END $$;
CREATE ROLE regress_boss SUPERUSER;
CREATE ROLE regress_ann;
CREATE ROLE regress_ben;
CREATE ROLE regress_cat;
SET SESSION AUTHORIZATION regress_boss;

\ir wait.sql

CREATE FUNCTION t.errors(VARIADIC calls text[]) RETURNS TABLE (code text, message text, hint text) LANGUAGE plpgsql AS $$
DECLARE
    c text;
    lines text[];
BEGIN
    FOREACH c IN ARRAY calls LOOP
        BEGIN
            EXECUTE c;
            code := 'no error'; message := c; hint := NULL;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
        END;
        RETURN NEXT;
    END LOOP;
END $$;

-- The executors of a test: which process (incarnation) speaks now, what it has acknowledged, which tokens it was given.
CREATE TABLE t.process (name text PRIMARY KEY, executor integer, incarnation bigint, acked bigint);
CREATE TABLE t.token (executor text, job bigint, attempt integer, token bigint, PRIMARY KEY (executor, job, attempt));
GRANT ALL ON t.process, t.token TO PUBLIC;

CREATE FUNCTION t.node(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rcq.create_executor_login(name, 'a password of this test');
END $$;

CREATE FUNCTION t.register(incarnation bigint DEFAULT 1, cpu_cores integer DEFAULT 4, memory_gb integer DEFAULT 8, gpu_count integer DEFAULT 0,
                           features text[] DEFAULT '{}', protocol integer DEFAULT 1, gpu_type text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb := rcq.register_executor('host-of-' || current_user, jsonb_build_object('cpu_cores', cpu_cores, 'memory_mib', memory_gb * 1024,
                        'gpu_count', gpu_count, 'gpu_type', gpu_type), features, incarnation, protocol);
BEGIN
    INSERT INTO t.process AS p VALUES (current_user, (answer->>'executor')::integer, incarnation, 0)
    ON CONFLICT (name) DO UPDATE SET executor = EXCLUDED.executor, incarnation = EXCLUDED.incarnation, acked = 0;
    RETURN 'registered as ' || (answer->>'name');
END $$;

-- A sync of the current process (or of another incarnation), without the terms that answer a list. listed: ids of jobs whose latest tokens it says it holds.
-- What cannot be taken just now, because the scheduler is at that job, is reported again as an executor would.
CREATE FUNCTION t.sync(finished jsonb DEFAULT NULL, listed bigint[] DEFAULT NULL, max_new integer DEFAULT 0, usage jsonb DEFAULT NULL,
                       as_incarnation bigint DEFAULT NULL) RETURNS TABLE (kind text, job bigint, body text) LANGUAGE plpgsql AS $$
DECLARE
    me t.process;
    row_ record;
    tokens bigint[];
    again jsonb := '[]';
BEGIN
    SELECT * INTO STRICT me FROM t.process p WHERE p.name = current_user;
    IF listed IS NOT NULL THEN
        tokens := ARRAY(SELECT DISTINCT ON (k.job) k.token FROM t.token k WHERE k.executor = current_user AND k.job = ANY (listed) ORDER BY k.job, k.attempt DESC);
    END IF;
    FOR row_ IN SELECT * FROM rcq.executor_sync(me.executor, COALESCE(as_incarnation, me.incarnation), me.acked, tokens, finished, usage, max_new) LOOP
        IF row_.kind = 'ack' THEN
            UPDATE t.process p SET acked = row_.seq WHERE p.name = current_user;
            CONTINUE;
        ELSIF row_.kind = 'terms' THEN
            CONTINUE;
        ELSIF row_.kind = 'answer' AND row_.body->>'answer' = 'retry' THEN
            again := again || (SELECT jsonb_agg(f) FROM jsonb_array_elements(finished) f WHERE (f->>'token')::bigint = row_.token);
            CONTINUE;
        ELSIF row_.kind = 'start' THEN
            INSERT INTO t.token VALUES (current_user, row_.job_id, (row_.body->>'attempt')::integer, row_.token) ON CONFLICT DO NOTHING;
        END IF;
        kind := row_.kind;
        job := COALESCE(row_.job_id, (SELECT k.job FROM t.token k WHERE k.token = row_.token));
        body := CASE row_.kind WHEN 'answer' THEN row_.body->>'answer' WHEN 'start' THEN 'attempt ' || (row_.body->>'attempt') END;
        RETURN NEXT;
    END LOOP;
    IF again <> '[]' THEN
        PERFORM pg_sleep(0.02);
        RETURN QUERY SELECT * FROM t.sync(again, as_incarnation => as_incarnation);
    END IF;
END $$;

-- Syncs until so many runs were started.
CREATE FUNCTION t.take(wanted integer DEFAULT 1) RETURNS TABLE (job bigint, attempt text) LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '20 s';
    s record;
BEGIN
    LOOP
        FOR s IN SELECT * FROM t.sync(max_new => wanted) k WHERE k.kind = 'start' LOOP
            job := s.job; attempt := s.body; wanted := wanted - 1;
            RETURN NEXT;
        END LOOP;
        IF wanted = 0 THEN RETURN; END IF;
        IF clock_timestamp() > deadline THEN job := NULL; attempt := wanted || ' missing after 20 s'; RETURN NEXT; RETURN; END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;

-- What the acting executor is told of a run that it has claimed, as long as it does not acknowledge that.
CREATE FUNCTION t.body(job bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT s.body FROM t.process p, rcq.executor_sync(p.executor, p.incarnation, 0, NULL, NULL, NULL, 0) s
             WHERE p.name = current_user AND s.kind = 'start' AND s.job_id = job);
END $$;

-- The report of an ended run, as `finished` wants it; more: further fields.
CREATE FUNCTION t.ended(job bigint, how text DEFAULT 'exit_code', exit_code integer DEFAULT 0, more jsonb DEFAULT '{}', of_attempt integer DEFAULT NULL) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT jsonb_build_array(jsonb_build_object('job_id', job, 'end', how, 'exit_code', CASE WHEN how = 'exit_code' THEN exit_code END,
        'token', (SELECT k.token FROM t.token k WHERE k.executor = current_user AND k.job = ended.job AND (of_attempt IS NULL OR k.attempt = of_attempt)
                   ORDER BY k.attempt DESC LIMIT 1)) || more)
$$;

-- Output of a run, chunk by chunk.
CREATE FUNCTION t.log(job bigint, seq bigint, stream text, chunk bytea, of_attempt integer DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    me t.process;
    the_token bigint;
    stale bigint[];
BEGIN
    SELECT * INTO STRICT me FROM t.process p WHERE p.name = current_user;
    SELECT k.token INTO the_token FROM t.token k WHERE k.executor = current_user AND k.job = log.job AND (of_attempt IS NULL OR k.attempt = of_attempt)
     ORDER BY k.attempt DESC LIMIT 1;
    stale := rcq.executor_log(me.executor, me.incarnation, ARRAY[job], ARRAY[the_token], ARRAY[seq], ARRAY[stream], ARRAY[chunk]);
    RETURN CASE stale WHEN '{}' THEN 'taken' WHEN ARRAY[the_token] THEN 'stale' ELSE 'neither' END;
END $$;

RESET client_min_messages;
\set QUIET off
\set ECHO all
