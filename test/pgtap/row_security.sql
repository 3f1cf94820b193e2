-- Who sees what: everybody their own jobs, administrators all, others an error that says what to do; and no function in a
-- query is shown a row that its caller may not see.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();
CREATE ROLE regress_ann; CREATE ROLE regress_ben; CREATE ROLE regress_admin; CREATE ROLE regress_stranger; CREATE ROLE regress_nobody;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben'), rcq.add_user('regress_admin', is_admin => true);
GRANT rcq_user TO regress_stranger;
SELECT rcq.create_executor_login('regress_node_a');

-- each has a job in every state; the scheduler, which sees nothing of this transaction, is stood in for
SET ROLE regress_ann;
SELECT rcq.submit('pending of ann'), rcq.submit('running of ann'), rcq.submit('ended of ann');
SET ROLE regress_ben;
SELECT rcq.submit('pending of ben'), rcq.submit('running of ben'), rcq.submit('ended of ben');
SET ROLE regress_node_a;
SELECT rcq.register_executor('host', '{"cpu_cores": 8, "memory_mib": 65536}', NULL, 1, 1);
RESET ROLE;
UPDATE rcq_private.live SET executor_id = 1, token = job_id * 1000, command_seq = job_id, placed_at = clock_timestamp(), attempt = 1 WHERE job_id IN (2, 3, 5, 6);
INSERT INTO rcq_private.command SELECT 1, job_id, job_id, token, 'start' FROM rcq_private.live WHERE token IS NOT NULL;
SET ROLE regress_node_a;
SELECT count(*) FROM rcq.executor_sync(1, 1, 0, NULL, NULL, NULL, 9);
SELECT rcq.executor_log(1, 1, '{2,3,5,6}', '{2000,3000,5000,6000}', '{1,1,1,1}', '{stdout,stdout,stdout,stdout}', ARRAY['secret of ann', 'secret of ann', 'secret of ben', 'secret of ben']::bytea[]);
SELECT count(*) FROM rcq.executor_sync(1, 1, 9, NULL, '[{"job_id": 3, "token": 3000, "end": "exit_code", "exit_code": 0}, {"job_id": 6, "token": 6000, "end": "oom"}]', NULL, 0);
RESET ROLE;

SET ROLE regress_ann;
SELECT bag_eq('SELECT id, status FROM rcq.jobs', $$VALUES (1::bigint, 'pending'), (2, 'running'), (3, 'completed')$$, 'a user sees her own jobs in every state, and no others');
SELECT bag_eq('SELECT id FROM rcq.queue', 'VALUES (1::bigint)', 'and in the queue');
SELECT bag_eq('SELECT job_id FROM rcq.runs', 'VALUES (2::bigint), (3)', 'and in the runs');
SELECT is((SELECT string_agg(line, '') FROM rcq.logs(2)), 'secret of ann', 'and her own output');
SELECT throws_ok('SELECT * FROM rcq.logs(5)', 'RC002', NULL, 'the output of somebody else''s running job is not there');
SELECT throws_ok('SELECT rcq.logs_raw(6)', 'RC002', NULL, 'nor that of an ended one');
SELECT throws_ok('SELECT * FROM rcq.log_chunks(5, 0, 0)', 'RC002', NULL, 'nor is it when it is followed');
SELECT set_eq('SELECT id FROM rcq.job_states(ARRAY(SELECT generate_series(1, 10)::bigint))', 'SELECT id FROM rcq.jobs', 'whoever asks how many jobs are is told of their own');
SELECT is_empty('SELECT FROM rcq.jobs WHERE id > 3', 'asking for a number does not help');
SELECT is_empty($$SELECT FROM rcq.jobs WHERE user_name = 'regress_ben'$$, 'nor asking for a name');
SELECT bag_eq('SELECT role_name FROM rcq.users', $$VALUES ('regress_ann')$$, 'of the users she sees herself');
SELECT is((SELECT count(*) FROM rcq.groups), 1::bigint, 'groups are for everybody');
SELECT isnt_empty('SELECT * FROM rcq.group_usage', 'so is their usage, whole');
SELECT is((SELECT running_jobs + pending_jobs FROM rcq.group_usage), 4::numeric::bigint, 'which counts the jobs of all');
SELECT is((SELECT runs FROM rcq.executors), 2::bigint, 'and so are the executors, whole');
SELECT isnt_empty('SELECT * FROM rcq.settings', 'and the settings');
SELECT isnt_empty('SELECT * FROM rcq.scheduler', 'and the state of the scheduler');
SELECT throws_ok('SELECT rcq.cancel(4)', 'RC002', NULL, 'the job of somebody else cannot be cancelled');
SELECT throws_ok('SELECT rcq.cancel(6)', 'RC002', NULL, 'and an ended one is not told from one that never was');
SELECT is((SELECT string_agg(kind || ' ' || reason, ', ') FROM rcq.explain(2)), 'state running', 'her own running job is explained');
SELECT ok('scheduler' = ANY (ARRAY(SELECT reason FROM rcq.explain(1) WHERE kind = 'blocker')), 'and why her pending one waits: no scheduler sees this transaction');
SELECT throws_ok(format('SELECT rcq.explain(%s)', j), 'RC002', NULL, 'that of somebody else is not, whatever its status') FROM generate_series(4, 6) j;
SELECT is_empty($$SELECT FROM rcq.explain(1) e WHERE e::text ~ 'ben'$$, 'nor is anything told of others');
SELECT throws_ok('SELECT rcq_private.explain_pending(l) FROM rcq_private.live l', '42501', NULL, 'nor can the analysis be called past that rule');

-- a function that tells all it is shown, and looks cheap to the planner
SET ROLE regress_ann;
CREATE FUNCTION pg_temp.tell(anything text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF anything LIKE '%ben%' THEN RAISE EXCEPTION 'leaked: %', anything; END IF;
    RETURN true;
END $$;
SELECT lives_ok('SELECT FROM rcq.jobs WHERE pg_temp.tell(script)', 'a leaky function is shown no script of others');
SELECT lives_ok('SELECT FROM rcq.jobs WHERE pg_temp.tell(user_name) AND id > 0', 'nor their names');
SELECT lives_ok('SELECT FROM rcq.queue WHERE pg_temp.tell(user_name)', 'not in the queue');
SELECT lives_ok('SELECT FROM rcq.runs WHERE pg_temp.tell(message) OR pg_temp.tell(job_id::text)', 'not in the runs');
SELECT lives_ok('SELECT FROM rcq.users WHERE pg_temp.tell(role_name)', 'not among the users');
SELECT lives_ok($$SELECT FROM rcq.jobs j JOIN rcq.runs r ON r.job_id = j.id WHERE pg_temp.tell(j.script) AND 1 / CASE WHEN j.user_id = 3 THEN 0 ELSE 1 END = 1$$, 'nor is an error made by a row of others');
CREATE FUNCTION pg_temp.below(bigint, bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN IF $1 > 3 THEN RAISE EXCEPTION 'leaked: job %', $1; END IF; RETURN $1 < $2; END $$;
CREATE OPERATOR pg_temp.<<< (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = pg_temp.below);
SELECT lives_ok('SELECT FROM rcq.jobs WHERE id OPERATOR(pg_temp.<<<) 100', 'nor does an operator see them');
SELECT throws_ok('SELECT FROM rcq_private.job', '42501', NULL, 'the tables themselves are out of reach');
SELECT throws_ok('SELECT rcq_private.user_name(3)', '42501', NULL, 'and the helpers of the views');

-- what one has prepared or opened, somebody else in the same session executes as themselves
PREPARE seen AS SELECT count(*) FROM rcq.jobs;
PREPARE told(bigint) AS SELECT rcq.cancel($1);
SELECT is((SELECT count(*) FROM rcq.jobs), 3::bigint, 'three are hers');
EXECUTE seen;
RESET ROLE; SET ROLE regress_ben;
SELECT results_eq('seen', 'VALUES (3::bigint)', 'a prepared statement shows somebody else theirs');
SELECT is((SELECT string_agg(user_name, ' ') FROM (SELECT DISTINCT user_name FROM rcq.jobs) j), 'regress_ben', 'whoever prepared it');
SELECT throws_ok('EXECUTE told(1)', 'RC002', NULL, 'and cancels no job of who prepared it');
SELECT throws_ok(format('SELECT %s', c), '42501', NULL, 'no table is read past the views: ' || c) FROM unnest(ARRAY['* FROM rcq_private.job_p0', 'table_to_xml(c.oid, true, true, $x$$x$) FROM pg_class c WHERE c.relname = $x$job$x$',
    'nextval(c.oid) FROM pg_class c WHERE c.relname = $x$job_id$x$']) c;
SELECT is_empty($$SELECT FROM pg_stats WHERE schemaname = 'rcq_private' AND tablename ~ '^(job|live|outcome|run|log|users|audit)'$$, 'nor are statistics of what others have in them shown');
SELECT throws_ok($$SELECT set_config('rcq.caller', '1', false)$$, '42602', NULL, 'there is no parameter to say who one is');

-- who may read or write all data, but not past row security, sees and writes no more by that
RESET ROLE;
CREATE ROLE regress_reader; CREATE ROLE regress_writer;
GRANT pg_read_all_data TO regress_reader; GRANT pg_read_all_data, pg_write_all_data TO regress_writer;
SET ROLE regress_reader;
SELECT is_empty(format('SELECT FROM rcq_private.%I', relname), 'pg_read_all_data reads nothing of rcq_private.' || relname) FROM pg_class WHERE relnamespace = 'rcq_private'::regnamespace AND relkind IN ('r', 'p');
RESET ROLE; SET ROLE regress_writer;
SELECT throws_ok(format('WITH gone AS (DELETE FROM rcq_private.%I RETURNING 1), none AS (SELECT count(*) FROM gone) SELECT 1 / count FROM none', relname), NULL, NULL, 'pg_write_all_data deletes nothing of rcq_private.' || relname)
  FROM pg_class WHERE relnamespace = 'rcq_private'::regnamespace AND relkind IN ('r', 'p');
SELECT throws_ok($$INSERT INTO rcq_private.users (role_name, group_id, is_admin) VALUES ('regress_writer', 1, true)$$, '42501', NULL, 'nor makes itself an administrator');
SELECT throws_ok($$INSERT INTO rcq.inbox (script) VALUES ('true')$$, 'RC010', NULL, 'nor submits');

-- what PostgreSQL executes for the owner of something in the session of somebody else
RESET ROLE;
CREATE SCHEMA lair AUTHORIZATION regress_ann;
SET ROLE regress_ann;
CREATE MATERIALIZED VIEW lair.bait AS SELECT id FROM rcq.jobs WITH NO DATA;
RESET ROLE;
SELECT throws_ok('REFRESH MATERIALIZED VIEW lair.bait', 'RC005', NULL, 'an administrator who refreshes a view does not fill it with the jobs of all');
SET ROLE regress_ann;
CREATE FUNCTION lair.mint(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM rcq.create_api_token('stolen', 'admin'); RETURN $1; END $$;
CREATE TABLE lair.trap (i integer);
RESET ROLE;
INSERT INTO lair.trap VALUES (1);
SET ROLE regress_ann;
SELECT throws_ok('CREATE INDEX ON lair.trap (lair.mint(i))', 'RC005', NULL, 'nor is a token made while an index is built');
RESET ROLE; SET ROLE regress_ben;
SELECT bag_eq('SELECT id, status, reason FROM rcq.jobs WHERE status <> ''pending''', $$VALUES (5::bigint, 'running', NULL), (6, 'failed', 'oom')$$, 'another user sees his, in the same session');
RESET ROLE; SET ROLE regress_admin;
SELECT is((SELECT count(*) FROM rcq.jobs), 6::bigint, 'an administrator sees all jobs');
SELECT is((SELECT count(*) FROM rcq.runs), 4::bigint, 'and runs');
SELECT is((SELECT line FROM rcq.logs(5)), 'secret of ben', 'and output');
SELECT is((SELECT string_agg(reason, ' ' ORDER BY j) FROM generate_series(4, 6) j, rcq.explain(j) WHERE kind = 'state'), 'pending running failed', 'and may have every job explained');
SELECT is((SELECT count(*) FROM rcq.users), 4::bigint, 'and users');
RESET ROLE;
SELECT rcq.set_user('regress_admin', is_admin => false);
SET ROLE regress_admin;
SELECT is((SELECT count(*) FROM rcq.jobs), 0::bigint, 'who is no administrator any more sees his own alone, member of rcq_admin or not');

-- not a user of this database
RESET ROLE; SET ROLE regress_stranger;
SELECT throws_ok('SELECT * FROM rcq.jobs', 'RC010', 'role "regress_stranger" is not a user of rcq', 'a role that is no user is told so');
SELECT throws_ok($$SELECT rcq.submit('true')$$, 'RC010', NULL, 'also when it submits');
SELECT throws_ok($$SELECT rcq.explain_submit('true')$$, 'RC010', NULL, 'or tries to');
SELECT throws_ok('SELECT rcq.explain(1)', 'RC010', NULL, 'or asks about a job');
CREATE FUNCTION pg_temp.hint(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE h text;
BEGIN EXECUTE call; RETURN 'no error'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT; RETURN h; END $$;
SELECT matches(pg_temp.hint('SELECT rcq.cancel(1)'), 'rcq.add_user\(''regress_stranger''', 'and how to become one');
RESET ROLE; SET ROLE regress_nobody;
SELECT throws_ok('SELECT * FROM rcq.jobs', '42501', NULL, 'who has no part in rcq at all is kept out by PostgreSQL');

RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
