-- Every function of the library, called with NULL for every argument, as its declaration lets anybody who may call it: an
-- error or an answer, never the end of the server.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT t.node('regress_node_a');
CREATE TABLE t.told (function text, code text);
CREATE FUNCTION t.call(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE call;
    RAISE EXCEPTION 'undone';
EXCEPTION
    WHEN raise_exception THEN RETURN 'answered';
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
-- triggers refuse to be called as functions; STRICT ones are not reached
INSERT INTO t.told
SELECT p.oid::regprocedure, t.call(format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg('NULL::' || format_type(a, NULL), ', ') FROM unnest(p.proargtypes::oid[]) a)))
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
 WHERE l.lanname = 'c' AND e.extname = 'rcq' AND NOT p.proisstrict AND p.prorettype <> 'trigger'::regtype
 ORDER BY p.oid::regprocedure::text;
SELECT count(*) > 20 AS many FROM t.told;
-- arrays of NULL, too
TRUNCATE t.told;
INSERT INTO t.told
SELECT p.oid::regprocedure, t.call(format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg(CASE WHEN y.typcategory = 'A' THEN 'ARRAY[NULL, NULL]::' ELSE 'NULL::' END || format_type(a.type, NULL), ', ' ORDER BY a.n)
           FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a(type, n) JOIN pg_type y ON y.oid = a.type)))
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
 WHERE l.lanname = 'c' AND e.extname = 'rcq' AND NOT p.proisstrict AND p.prorettype <> 'trigger'::regtype
   AND EXISTS (SELECT FROM unnest(p.proargtypes::oid[]) a JOIN pg_type y ON y.oid = a WHERE y.typcategory = 'A')
 ORDER BY p.oid::regprocedure::text;
SELECT count(*) > 5 AS many FROM t.told;
SELECT rcq.submit('true', hold => true) > 0 AS goes_on;
\i :end
