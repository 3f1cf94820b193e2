-- What people change is recorded, what the scheduler and executors write is not; nobody changes the record.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
CREATE VIEW t.seen AS
SELECT id, actor, action, object, old, new, via, user_id IS NOT NULL AS is_user, address IS NULL AS no_address, request_id FROM rcq.audit;
-- what was recorded since it was last looked at
CREATE TABLE t.looked (id bigint);
INSERT INTO t.looked VALUES (0);
CREATE FUNCTION t.news() RETURNS TABLE (actor text, action text, object text, old jsonb, new jsonb) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.actor, s.action, s.object, s.old, s.new FROM t.seen s WHERE s.id > (SELECT l.id FROM t.looked l) ORDER BY s.id;
    UPDATE t.looked SET id = COALESCE((SELECT max(a.id) FROM rcq.audit a), 0);
END $$;

-- installing is not recorded
SELECT * FROM t.news();

-- groups, users, settings
SELECT rcq.add_group('physics', 100, open => true);
SELECT rcq.set_group('physics', quota_cpu_hours => 200, priority => 7);
SELECT rcq.set_group('physics', priority => 7);
SELECT rcq.add_user('regress_ann', 'physics', email => 'ann@example.org'), rcq.add_user('regress_ben', is_admin => true);
SELECT rcq.set_user('regress_ann', max_jobs => 5);
SELECT rcq.set('lease', '40 s'), rcq.set('lease', '50 s'), rcq.set('lease', NULL);
SELECT * FROM t.news();
SELECT DISTINCT via, is_user, no_address, request_id FROM t.seen;

-- what is rolled back was not done, and is not recorded
BEGIN;
SELECT rcq.set('lease', '40 s');
ROLLBACK;
SELECT * FROM t.errors($$SELECT rcq.set_group('physics', priority => 11)$$);
SELECT * FROM t.news();

-- executors: what administrators do, not what their processes write
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register();
SELECT * FROM t.sync(listed => '{}');
SELECT rcq.executor_drain(1, 1, 'update'), rcq.executor_drain(1, 1, NULL), rcq.executor_drain(1, 1, 'disk', true);
RESET ROLE;
SET ROLE regress_ben;
SELECT rcq.resume_executor('regress_node_a'), rcq.drain_executor('regress_node_a', 'fan'), rcq.resume_executor('regress_node_a');
RESET ROLE;
SELECT * FROM t.news();

-- what else limits placements, and pauses
SELECT rcq.set_consumable('licence', 5), rcq.set_consumable('licence', 6), rcq.set_consumable('licence', NULL);
SELECT rcq.set_concurrency_limit('db', 2), rcq.set_gpu_billing('a100', 10), rcq.reserve('2100-01-01 UTC', '2100-01-02 UTC', reason => 'course');
SELECT rcq.cancel_reservation(1), rcq.pause('move'), rcq.resume(), rcq.pause('owes', 'physics'), rcq.resume('physics');
SELECT * FROM t.news();

-- types and schedules, without the environment of jobs; a schedule that is due writes nothing
SELECT rcq.register_type('sum', 'cat', defaults => '{"cpu_cores": 2}'), rcq.drop_type('sum');
SELECT rcq.schedule('secondly', '* * * * * *', 'true', options => '{"env": {"KEY": "secret"}, "hold": true}', overlap => 'skip');
SELECT t.wait($$EXISTS (SELECT FROM rcq.schedule_history WHERE outcome = 'submitted') AND EXISTS (SELECT FROM rcq.schedule_history WHERE outcome = 'skipped_overlap')$$);
SELECT rcq.pause_schedule('secondly'), rcq.resume_schedule('secondly'), rcq.unschedule('secondly');
SELECT actor, action, object, old - 'paused_since' AS old, new - 'paused_since' AS new FROM t.news();
SELECT count(*) FROM t.seen WHERE old::text LIKE '%secret%' OR new::text LIKE '%secret%';
-- what is long is cut
SELECT rcq.register_type('long', repeat('x', 10000));
SELECT action, object, length(new ->> 'command') FROM t.news();

-- jobs: one entry for each call; submissions over SQL are their own record
SELECT rcq.cancel(id) IS NOT NULL FROM rcq.jobs WHERE status = 'pending';
DELETE FROM t.looked;
INSERT INTO t.looked SELECT max(id) FROM rcq.audit;
SET ROLE regress_ann;
SELECT rcq.submit('job', hold => true) AS id \gset
SELECT rcq.release(:id), rcq.hold(:id), rcq.set_priority(:id, 7), rcq.cancel(:id);
SELECT new_job_id = :id + 1 FROM rcq.resubmit(ARRAY[:id::bigint]);
SELECT rcq.submit('array', hold => true, "array" => '1-9') AS array_id \gset
SELECT rcq.set_array_throttle(:array_id, 3), rcq.release(:array_id, '2-3'), rcq.cancel(:array_id, '1');
SELECT * FROM t.errors(format('SELECT rcq.cancel(%s)', :id));
RESET ROLE;
SELECT actor, action, object::bigint - :id AS object, old, CASE WHEN action = 'job.resubmit' THEN to_jsonb((new ->> 'jobs')::bigint - :id) ELSE new END AS new FROM t.news();
-- a placement that is taken back; what concerns the whole queue
SET ROLE regress_node_a;
SELECT * FROM t.sync();
RESET ROLE;
SELECT rcq.cancel(:array_id) AS cancelled, rcq.submit('repeated') AS id \gset
SELECT t.wait(format($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = %s)$$, :id));
SELECT rcq.requeue(:id), rcq.cancel(:id) IS NOT NULL AS cancelled;
SELECT rcq.prune_history('9 years'), rcq.adopt(), rcq.resume_restored();
SELECT action, kind, CASE WHEN kind = 'job' THEN new ELSE new - 'older_than_s' END AS new, object IN ('', :'id', :'array_id', current_database()) AS named FROM rcq.audit WHERE id > (SELECT id FROM t.looked) ORDER BY id;

-- what a superuser changes by hand is recorded, too; what is put in by hand comes from a dump
UPDATE rcq_private.groups SET priority = 9 WHERE name = 'physics';
INSERT INTO rcq_private.concurrency_limit (key, max_jobs) VALUES ('restored', 1);
DELETE FROM rcq_private.concurrency_limit WHERE key = 'restored';
SELECT * FROM t.errors('DELETE FROM rcq_private.groups', 'DELETE FROM rcq_private.users WHERE false', 'TRUNCATE rcq_private.executor');
SELECT action, object, old -> 'priority' AS old, new -> 'priority' AS new FROM rcq.audit ORDER BY id DESC LIMIT 2;

-- nobody changes the record, and only administrators read it
SELECT * FROM t.errors('UPDATE rcq_private.audit SET actor = ''nobody''', 'DELETE FROM rcq_private.audit', 'TRUNCATE rcq_private.audit',
    'DELETE FROM rcq_private.audit WHERE false');
SET session_replication_role = replica;
SELECT * FROM t.errors('DELETE FROM rcq_private.audit');
RESET session_replication_role;
SET ROLE regress_ann;
SELECT count(*) FROM rcq.audit;
SET ROLE regress_ben;
SELECT count(*) > 30 FROM rcq.audit;
SELECT * FROM t.errors('INSERT INTO rcq_private.audit (actor, action, kind, object, via) VALUES (''me'', ''a'', ''b'', ''c'', ''sql'')',
    'SELECT rcq_private.record_change(''a'', ''b'', ''c'')');
RESET ROLE;

-- passwords and secrets: that they were changed, not what they are
CREATE EXTENSION pgcrypto;
SELECT rcq.set('password_cost', '4');
SELECT rcq.add_http_user('cat@example.org', 'first secret of cat') AS id \gset
SELECT rcq.set_password('cat@example.org', 'other secret of cat'), rcq.rotate_jwt_secret();
SET ROLE regress_ben;
SELECT rcq.create_api_token('prometheus', 'metrics') IS NOT NULL AS made;
SELECT rcq.revoke_api_token(1);
RESET ROLE;
SELECT actor, action, object = :'id' AS is_cat, old - 'revoked_at' AS old, new - 'revoked_at' - 'expires_at' AS new FROM rcq.audit
 WHERE kind IN ('password', 'token', 'jwt_secret') ORDER BY id;
SELECT count(*) FROM rcq.audit a WHERE a::text ~ 'secret of|\$2[aby]\$';
DROP EXTENSION pgcrypto;
\i :end
