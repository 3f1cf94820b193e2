-- Databases and extensions come and go, sessions are hostile, workers are killed: the scheduler is where the extension
-- is, and nowhere else.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set wait :dir /test/sql/wait.sql
\set end :dir /test/sql/end.sql
\i :begin
\set QUIET on
\set scheduler '(SELECT pid FROM pg_stat_activity WHERE backend_type = ''rcq scheduler'' AND datname = current_database())'

-- rolled back: nothing comes
BEGIN;
CREATE EXTENSION rcq;
SELECT state FROM rcq.scheduler;
ROLLBACK;
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database();
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register();
RESET ROLE;
SELECT rcq.submit('job 1');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs)$$);

-- DROP EXTENSION ends it, and rolled back does not; CREATE EXTENSION begins afresh
SELECT :scheduler AS pid \gset before_
BEGIN;
DROP EXTENSION rcq;
ROLLBACK;
SELECT rcq.cancel(1), rcq.submit('job 2');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 2)$$), :scheduler = :before_pid AS same_process;
DROP EXTENSION rcq;
SELECT t.wait($$NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database())$$);
CREATE EXTENSION rcq;
SELECT rcq.submit('the first of another queue');
SELECT t.wait($$(SELECT reason = 'no_executor' AND position = 1 FROM rcq.queue WHERE id = 1)$$);
-- in one transaction, faster than the scheduler looks: it must not go on with what it knew of the old queue
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register();
RESET ROLE;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 1)$$);
BEGIN;
DROP EXTENSION rcq;
CREATE EXTENSION rcq;
COMMIT;
SELECT rcq.submit('the first of a third queue');
SELECT t.wait($$(SELECT reason = 'no_executor' AND position = 1 FROM rcq.queue WHERE id = 1)$$);
-- and when it has come to wait for the old extension
BEGIN;
DROP EXTENSION rcq;
SELECT t.wait($$EXISTS (SELECT FROM pg_locks WHERE pid = (SELECT pid FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database()) AND NOT granted)$$);
CREATE EXTENSION rcq;
COMMIT;
SELECT rcq.submit('the first of a fourth queue');
SELECT t.wait($$(SELECT reason = 'no_executor' AND position = 1 FROM rcq.queue WHERE id = 1)$$);
DROP EXTENSION rcq;
SELECT t.wait($$NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database())$$);
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);

-- what writes to the queue cannot be prepared: the scheduler would not learn of it
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(incarnation => 1);
RESET ROLE;
SELECT rcq.submit('held', hold => true), rcq.submit('runs');
SET ROLE regress_node_a;
SELECT job FROM t.take();
RESET ROLE;
\set VERBOSITY sqlstate
BEGIN; SELECT rcq.submit('never'); PREPARE TRANSACTION 'regress_1';
BEGIN; SELECT rcq.cancel(1); PREPARE TRANSACTION 'regress_2';
BEGIN; SELECT rcq.release(1); PREPARE TRANSACTION 'regress_3';
BEGIN; SELECT rcq.set_priority(1, 1); PREPARE TRANSACTION 'regress_4';
BEGIN; SELECT rcq.set('lease', '1 min'); PREPARE TRANSACTION 'regress_5';
BEGIN; SELECT rcq.add_group('g'); PREPARE TRANSACTION 'regress_6';
BEGIN; SELECT rcq.add_user('regress_ann'); PREPARE TRANSACTION 'regress_7';
BEGIN; SET ROLE regress_node_a; SELECT t.register(); PREPARE TRANSACTION 'regress_8';
BEGIN; SET ROLE regress_node_a; SELECT * FROM t.sync(finished => t.ended(2)); PREPARE TRANSACTION 'regress_9';
\set VERBOSITY default
SELECT gid FROM pg_prepared_xacts WHERE database = current_database();
SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = current_database() \gexec
RESET ROLE;
SELECT id, script, status, reason FROM rcq.jobs ORDER BY id;

-- an aborted subtransaction takes its jobs with it, and the others are placed
BEGIN;
SELECT rcq.submit('kept');
SAVEPOINT s;
SELECT rcq.submit('given up');
ROLLBACK TO s;
SELECT rcq.submit('kept, too');
COMMIT;
SELECT t.wait($$(SELECT count(*) = 2 FROM rcq.jobs WHERE status = 'assigned')$$);
SELECT script, status FROM rcq.jobs WHERE script LIKE 'kept%' OR script = 'given up' ORDER BY id;

-- terminated, it comes back, and knows everything
SELECT :scheduler AS pid \gset before_
SELECT pg_terminate_backend(:before_pid);
SELECT rcq.submit('after the termination');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE script = 'after the termination')$$), :scheduler <> :before_pid AS another_process;
-- and where every session of the database begins in a bad way, it is not impressed
CREATE SCHEMA evil;
CREATE FUNCTION evil.unnest(bigint[], integer[], bigint[]) RETURNS SETOF record LANGUAGE sql AS 'SELECT 1/0';
CREATE FUNCTION evil.nextval(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1/0';
CREATE FUNCTION evil.eq(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean';
CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.eq);
ALTER DATABASE contrib_regression SET search_path = evil, pg_catalog, public;
ALTER DATABASE contrib_regression SET default_transaction_read_only = on;
ALTER DATABASE contrib_regression SET default_transaction_isolation = 'serializable';
ALTER DATABASE contrib_regression SET default_transaction_deferrable = on;
ALTER DATABASE contrib_regression SET statement_timeout = '1ms';
ALTER DATABASE contrib_regression SET lock_timeout = '1ms';
ALTER DATABASE contrib_regression SET idle_in_transaction_session_timeout = '1ms';
ALTER DATABASE contrib_regression SET jit = on;
ALTER DATABASE contrib_regression SET jit_above_cost = 0;
ALTER DATABASE contrib_regression SET row_security = off;
ALTER DATABASE contrib_regression SET enable_indexscan = off;
ALTER DATABASE contrib_regression SET enable_nestloop = off;
ALTER DATABASE contrib_regression SET plan_cache_mode = 'force_custom_plan';
ALTER DATABASE contrib_regression SET datestyle = 'German';
ALTER DATABASE contrib_regression SET intervalstyle = 'sql_standard';
ALTER DATABASE contrib_regression SET timezone = 'Pacific/Chatham';
ALTER DATABASE contrib_regression SET standard_conforming_strings = off;
ALTER DATABASE contrib_regression SET client_encoding = 'LATIN1';
ALTER DATABASE contrib_regression SET session_replication_role = 'replica';
SELECT :scheduler AS pid \gset before_
SELECT pg_terminate_backend(:before_pid);
SELECT t.wait($$(SELECT pid IS NOT NULL AND state = 'running' FROM rcq.scheduler)$$);
SET ROLE regress_node_a;
SELECT job FROM t.take(3) ORDER BY job;
SELECT * FROM t.sync(finished => t.ended(2));
RESET ROLE;
SELECT rcq.set('claim_timeout', '20 s');
SELECT rcq.submit('under bad settings');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE script = 'under bad settings')$$), :scheduler <> :before_pid AS another_process;
SELECT state, last_error FROM rcq.scheduler;
-- not even when every session begins as somebody without rights
ALTER DATABASE contrib_regression SET role = regress_ann;
SELECT :scheduler AS pid \gset before_
SELECT pg_terminate_backend(:before_pid);
SELECT rcq.cancel(id) FROM rcq.jobs WHERE script = 'under bad settings';
SELECT rcq.submit('as somebody else');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE script = 'as somebody else')$$), :scheduler <> :before_pid AS another_process;
ALTER DATABASE contrib_regression RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA evil CASCADE;
RESET client_min_messages;

-- a database that is used as a template: its scheduler steps aside, and is back
RESET SESSION AUTHORIZATION;
CREATE DATABASE regress_rcq_origin TEMPLATE template0;
\connect regress_rcq_origin
\set ECHO none
\i :wait
\set ECHO all
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.create_executor_login('regress_node_a');
SELECT rcq.submit('in the origin');
SET ROLE regress_node_a;
SELECT rcq.register_executor('origin', '{"cpu_cores": 1, "memory_mib": 1024}', NULL, 1, 1) IS NOT NULL AS registered;
RESET ROLE;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs)$$);
SELECT rcq.hold(1);
\connect contrib_regression
SELECT clock_timestamp() AS at \gset began_
CREATE DATABASE regress_rcq_copy TEMPLATE regress_rcq_origin;
CREATE DATABASE regress_rcq_copy_2 TEMPLATE regress_rcq_origin;
-- one that fails leaves it running as well
\set VERBOSITY sqlstate
CREATE DATABASE regress_rcq_copy TEMPLATE regress_rcq_origin;
\set VERBOSITY default
SELECT clock_timestamp() - :'began_at' < interval '4 s' AS quick;
\connect regress_rcq_origin
SELECT rcq.release(1);
SET ROLE regress_node_a;
SELECT rcq.register_executor('origin', '{"cpu_cores": 1, "memory_mib": 1024}', NULL, 1, 1) IS NOT NULL AS registered;
RESET ROLE;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs)$$);
-- the copy idles, also after the launcher, terminated, has come back and looked at every database
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'rcq launcher';
\connect regress_rcq_copy
SELECT t.wait($$(SELECT state = 'idle' FROM rcq.scheduler)$$);
SELECT rcq.release(1);
SELECT state, placements, last_error FROM rcq.scheduler;
SELECT status FROM rcq.jobs;
-- it is run here from now on
SELECT rcq.adopt();
SET ROLE regress_node_a;
SELECT rcq.register_executor('copy', '{"cpu_cores": 1, "memory_mib": 1024}', NULL, 1, 1) IS NOT NULL AS registered;
RESET ROLE;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs)$$);
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT state, placements, last_error FROM rcq.scheduler;

-- renamed, it goes on under the new name
\connect contrib_regression
SELECT clock_timestamp() AS at \gset began_
ALTER DATABASE regress_rcq_copy RENAME TO regress_rcq_renamed;
SELECT clock_timestamp() - :'began_at' < interval '4 s' AS quick;
\connect regress_rcq_renamed
SELECT rcq.cancel(1), rcq.submit('after the renaming');
SET ROLE regress_node_a;
SELECT rcq.register_executor('copy', '{"cpu_cores": 1, "memory_mib": 1024}', NULL, 1, 1) IS NOT NULL AS registered;
RESET ROLE;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 2)$$);

-- adopted at once, before anybody has looked at it, a copy need not wait for the next look
\connect contrib_regression
CREATE DATABASE regress_rcq_copy_3 TEMPLATE regress_rcq_origin;
\connect regress_rcq_copy_3
SELECT rcq.adopt();
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);

-- who may not drop a database does not stop its scheduler by trying; who may, need not wait for it
SELECT pid FROM rcq.scheduler \gset before_
\connect contrib_regression
SET ROLE regress_ann;
\set VERBOSITY sqlstate
DROP DATABASE regress_rcq_copy_3;
ALTER DATABASE regress_rcq_copy_3 RENAME TO regress_rcq_mine;
\set VERBOSITY default
RESET ROLE;
SELECT pid = :before_pid AS same_process FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = 'regress_rcq_copy_3';
SELECT clock_timestamp() AS at \gset began_
DROP DATABASE regress_rcq_copy_3;
DROP DATABASE regress_rcq_copy_2 WITH (FORCE);
DROP DATABASE regress_rcq_renamed WITH (FORCE);
DROP DATABASE regress_rcq_origin;
SELECT clock_timestamp() - :'began_at' < interval '4 s' AS quick;
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname LIKE 'regress_rcq_%';
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
\i :end
