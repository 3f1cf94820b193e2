-- How many jobs a person may have pending, and how many they may submit within a minute.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben');
CREATE FUNCTION t.many(n integer) RETURNS bigint LANGUAGE sql AS
    $$SELECT count(*) FROM rcq.submit_many((SELECT COALESCE(jsonb_agg('{"script": "true", "hold": true}'::jsonb), '[]') FROM generate_series(1, n)))$$;
GRANT USAGE ON SCHEMA t TO PUBLIC;
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '

-- pending jobs: as many as the limit says and no more, alone or in a list, which is all or nothing; others have their own
SELECT rcq.set('max_pending_per_user', '3');
SET ROLE regress_ann;
SELECT t.many(2);
SELECT * FROM t.errors('SELECT t.many(2)');
SELECT t.many(1);
SELECT * FROM t.errors('SELECT t.many(1)', 'SELECT t.many(4)', $$SELECT rcq.submit('true')$$);
SELECT t.many(0);
SET ROLE regress_ben;
SELECT t.many(3);
SELECT * FROM t.errors('SELECT t.many(1)');
-- what is placed, running or ended is not pending
RESET ROLE;
UPDATE rcq_private.live SET placed_at = now() WHERE job_id = 1;
SET ROLE regress_ann;
SELECT rcq.cancel(2);
SELECT * FROM t.errors('SELECT t.many(3)');
SELECT t.many(2);
SELECT * FROM t.errors('SELECT t.many(1)');
-- within a transaction one's own jobs count, and those of a savepoint that was rolled back do not
SELECT rcq.cancel(3);
BEGIN;
SAVEPOINT s;
SELECT t.many(1);
SELECT * FROM t.errors('SELECT t.many(1)');
ROLLBACK TO s;
SELECT t.many(1);
ROLLBACK;
RESET ROLE;
-- a limit of one's own comes before the setting; 0 is none
UPDATE rcq_private.users SET max_pending = CASE role_name WHEN 'regress_ann' THEN 2 ELSE 0 END WHERE role_name LIKE 'regress_%n';
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT t.many(1)');
SET ROLE regress_ben;
SELECT t.many(20);
RESET ROLE;
SELECT rcq.set('max_pending_per_user', NULL);
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT t.many(1)');
RESET ROLE;
UPDATE rcq_private.users SET max_pending = NULL;

-- jobs per minute: whatever became of them
SELECT rcq.set('submit_rate_per_user', '5');
UPDATE rcq_private.job SET submitted_at = submitted_at - interval '1 minute';
SET ROLE regress_ann;
SELECT t.many(3);
SELECT count(rcq.cancel(id)) FROM rcq.jobs WHERE status = 'pending' AND submitted_at > now() - interval '1 minute';
SELECT * FROM t.errors('SELECT t.many(3)', 'SELECT t.many(6)');
SELECT t.many(2);
SELECT * FROM t.errors('SELECT t.many(1)');
SET ROLE regress_ben;
SELECT t.many(5);
RESET ROLE;
UPDATE rcq_private.job SET submitted_at = submitted_at - interval '59 s' WHERE id = (SELECT max(id) FROM rcq_private.job WHERE user_id = 2);
SET ROLE regress_ann;
SELECT * FROM t.errors('SELECT t.many(1)');
RESET ROLE;
UPDATE rcq_private.job SET submitted_at = submitted_at - interval '1 minute' WHERE user_id = 2;
SET ROLE regress_ann;
SELECT t.many(5);
SELECT * FROM t.errors('SELECT t.many(1)');
RESET ROLE;
SELECT rcq.set('submit_rate_per_user', NULL);
SET ROLE regress_ann;
SELECT t.many(10);
RESET ROLE;
\i :end
