-- Jobs by COPY and INSERT: rows that go into rcq.inbox become jobs, all of a statement or none.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT rcq.add_user('regress_ann');
CREATE FUNCTION t.stored(pattern text) RETURNS TABLE (jobs bigint, scripts bigint, span bigint) LANGUAGE sql SECURITY DEFINER AS
    $$SELECT count(*), count(DISTINCT script), max(id) - min(id) + 1 FROM rcq_private.job WHERE script LIKE pattern$$;
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC;
SET ROLE regress_ann;

-- some columns, all others have the defaults of rcq.submit
COPY rcq.inbox (script, cpu_cores, name, hold) FROM STDIN;
echo a	1	first	t
echo b	2	\N	t
echo c	\N	third	\N
\.
SELECT id, script, cpu_cores, memory_gb, name, priority FROM rcq.jobs ORDER BY id;
COPY rcq.inbox (type, payload, tags, begin_time) FROM STDIN (FORMAT csv);
add_numbers,"{""numbers"": [1, 2]}","{b,a}",2001-01-01 00:00+00
\.
SELECT type, payload, script, tags FROM rcq.jobs WHERE type IS NOT NULL;
INSERT INTO rcq.inbox (script, memory_gb, "array", max_retries, retry_on, hold) VALUES ('x', 0.5, '1-3%2', 2, '{oom,7}', true);
SELECT memory_gb, array_spec, array_size, retry FROM rcq.jobs WHERE array_spec IS NOT NULL;
-- many, in slices
INSERT INTO rcq.inbox (script, hold) SELECT 'many ' || i, true FROM generate_series(1, 2500) i;
SELECT * FROM t.stored('many%');
INSERT INTO rcq.inbox (script) SELECT 'none' WHERE false;
-- it has no rows, and nobody can read, change or empty it
RESET ROLE;
SELECT count(*) FROM rcq.inbox;
SET ROLE regress_ann;
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT * FROM t.errors('SELECT FROM rcq.inbox', 'DELETE FROM rcq.inbox', $$UPDATE rcq.inbox SET script = 'x'$$, 'TRUNCATE rcq.inbox', $$INSERT INTO rcq.inbox (script) VALUES ('x') RETURNING script$$);
SET ROLE regress_ben;
SELECT * FROM t.errors($$INSERT INTO rcq.inbox (script) VALUES ('x')$$);
RESET ROLE;
GRANT rcq_user TO regress_ben;
SET ROLE regress_ben;
SELECT * FROM t.errors($$INSERT INTO rcq.inbox (script) VALUES ('x')$$);
SET ROLE regress_ann;

-- what is wrong names its row, if there is more than one, and nothing is stored
SELECT * FROM t.errors(
    $$INSERT INTO rcq.inbox (script) VALUES ('')$$,
    $$INSERT INTO rcq.inbox (script) VALUES ('x'), ('')$$,
    $$INSERT INTO rcq.inbox (script) SELECT CASE i WHEN 2345 THEN '' ELSE 'x' END FROM generate_series(1, 3000) i$$,
    $$INSERT INTO rcq.inbox (script, priority) SELECT 'x', CASE i WHEN 1001 THEN 11 END FROM generate_series(1, 1001) i$$,
    $$INSERT INTO rcq.inbox (script, deadline) SELECT 'x', CASE i WHEN 1003 THEN timestamptz '2020-01-01 00:00+00' END FROM generate_series(1, 1004) i$$,
    $$INSERT INTO rcq.inbox (type, payload) SELECT 'add_numbers', CASE i WHEN 1502 THEN '{}' ELSE '{"numbers": []}'::jsonb END FROM generate_series(1, 1600) i$$,
    $$INSERT INTO rcq.inbox (script, depends_on) SELECT 'x', CASE i WHEN 1001 THEN 'afterok:999999' END FROM generate_series(1, 1001) i$$,
    $$INSERT INTO rcq.inbox (script, depends_on) SELECT 'x', CASE i WHEN 1001 THEN 'after' END FROM generate_series(1, 1100) i$$,
    $$INSERT INTO rcq.inbox (script, cpu_cores) VALUES ('x', 'two')$$);
COPY rcq.inbox (script, cpu_cores) FROM STDIN;
x	1
x	0
x	1
\.
SELECT jobs FROM t.stored('%');
\pset format aligned
\pset tuples_only off

-- transactions and savepoints
BEGIN;
INSERT INTO rcq.inbox (script) VALUES ('rolled back');
SAVEPOINT s;
INSERT INTO rcq.inbox (script) VALUES ('rolled back, too');
ROLLBACK TO s;
INSERT INTO rcq.inbox (script) VALUES ('');
ROLLBACK TO s;
INSERT INTO rcq.inbox (script) VALUES ('after the savepoint');
SELECT script FROM rcq.jobs WHERE script LIKE '%savepoint' OR script LIKE 'rolled%' ORDER BY id;
ROLLBACK;
SELECT count(*) FROM rcq.jobs WHERE script LIKE '%savepoint' OR script LIKE 'rolled%';

-- statements within statements: a function that submits in three ways, called for rows; and one that fails half-way
CREATE FUNCTION pg_temp.submits(i integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rcq.inbox (script, hold) SELECT 'inner ' || i, true FROM generate_series(1, 2);
    BEGIN
        INSERT INTO rcq.inbox (script) VALUES ('lost'), (pg_temp.submits_badly());
    EXCEPTION WHEN SQLSTATE 'RC001' THEN NULL;
    END;
    PERFORM rcq.submit('alone ' || i, hold => true);
    RETURN 'outer ' || i;
END $$;
CREATE FUNCTION pg_temp.submits_badly() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rcq.inbox (script) VALUES ('lost, too'), ('');
    RETURN 'x';
END $$;
INSERT INTO rcq.inbox (script, hold) SELECT pg_temp.submits(i), true FROM generate_series(1, 2) i;
SELECT script FROM rcq.jobs WHERE script ~ '^(inner|outer|alone|lost)' ORDER BY id;
WITH a AS (INSERT INTO rcq.inbox (script, hold) VALUES ('cte 1', true)), b AS (INSERT INTO rcq.inbox (script, hold) VALUES ('cte 2', true), ('cte 3', true)) SELECT;
SELECT script FROM rcq.jobs WHERE script LIKE 'cte%' ORDER BY 1;
-- from triggers of a table of one's own
CREATE TEMP TABLE mine (n integer);
CREATE FUNCTION pg_temp.passes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rcq.inbox (script, hold) VALUES (TG_WHEN || ' ' || NEW.n, true);
    RETURN NEW;
END $$;
CREATE TRIGGER b BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION pg_temp.passes_on();
CREATE CONSTRAINT TRIGGER d AFTER INSERT ON mine DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.passes_on();
INSERT INTO mine VALUES (1), (2);
SELECT script FROM rcq.jobs WHERE script ~ '^(BEFORE|AFTER)' ORDER BY id;

-- keys, also in different slices; limits count every row
INSERT INTO rcq.inbox (script, hold, idempotency_key) SELECT 'key', true, 'k' || i % 1200 FROM generate_series(0, 2399) i;
SELECT jobs, scripts FROM t.stored('key');
RESET ROLE;
SELECT rcq.set_user('regress_ann', max_pending => (SELECT count(*)::integer + 1500 FROM rcq_private.live l WHERE l.placed_at IS NULL AND l.user_id = 2));
SET ROLE regress_ann;
INSERT INTO rcq.inbox (script, hold) SELECT 'limit', true FROM generate_series(1, 1501);
INSERT INTO rcq.inbox (script, hold) SELECT 'limit', true FROM generate_series(1, 1500);
SELECT jobs FROM t.stored('limit');
RESET ROLE;
DROP TABLE mine;
DROP FUNCTION pg_temp.submits(integer), pg_temp.submits_badly(), pg_temp.passes_on();
\i :end
