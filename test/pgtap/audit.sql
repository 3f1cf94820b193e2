-- The audit log is added to by everybody's acts and by nobody's hand.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();
CREATE ROLE regress_ann; CREATE ROLE regress_admin; CREATE ROLE regress_owner SUPERUSER;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_admin', is_admin => true);

SELECT is_empty($$SELECT a.grantee::regrole, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
                   WHERE c.oid IN ('rcq_private.audit'::regclass, 'rcq_private.audit_id_seq'::regclass) AND a.grantee <> c.relowner AND NOT (c.relkind = 'r' AND a.privilege_type = 'SELECT' AND a.grantee::regrole::text IN ('rcq_user', 'rcq_admin'))$$,
    'nobody is granted more than to read it');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = 'rcq_private'::regnamespace AND a.grantee <> p.proowner
                   AND p.proname IN ('record_change', 'record_job_change', 'audit_row', 'read_metrics', 'metrics_text', 'count_submissions', 'count_ends', 'count_log_bytes')$$, 'nobody writes entries or counts by hand');
SELECT throws_ok(format('SET LOCAL ROLE %I; %s', r, c), CASE WHEN r = 'regress_owner' THEN 'RC005' ELSE '42501' END, NULL, r || ' cannot: ' || c)
  FROM unnest('{regress_ann,regress_admin,regress_owner}'::text[]) r, unnest(ARRAY['UPDATE rcq_private.audit SET actor = NULL', 'DELETE FROM rcq_private.audit', 'TRUNCATE rcq_private.audit']) c;
RESET ROLE;
SELECT is((SELECT tgenabled FROM pg_trigger WHERE tgname = 'append_only'), 'A', 'also in sessions in which triggers do not fire');

-- what is old may go, and that it went stays
INSERT INTO rcq_private.audit (at, actor, action, kind, object, via) SELECT clock_timestamp() - d * interval '1 day', 'of old', 'a.b', 'a', d::text, 'sql' FROM generate_series(28, 34) d;
SET ROLE regress_admin;
SELECT throws_ok(format('SELECT rcq.prune_audit(%L)', i), 'RC001', NULL, 'what happened lately cannot be pruned, nor what is older than anything: ' || COALESCE(i, 'NULL')) FROM unnest('{29 days 23 hours,0,-1 year,101 years,170000000 years,NULL}'::text[]) i;
SELECT is(rcq.prune_audit('33 days'), 2::bigint, 'an administrator prunes what is older');
SELECT is(rcq.prune_audit('30 days'), 3::bigint, 'up to 30 days');
SELECT is((SELECT string_agg(object, ' ' ORDER BY id) FROM rcq.audit WHERE actor = 'of old'), '28 29', 'the rest stays');
SELECT is((SELECT string_agg(actor || ' ' || (new ->> 'entries'), ', ' ORDER BY id) FROM rcq.audit WHERE action = 'audit.prune'), 'regress_admin 2, regress_admin 3', 'who did it, and how much it was, is recorded');
SET ROLE regress_ann;
SELECT throws_ok($$SELECT rcq.prune_audit('1 year')$$, '42501', NULL, 'nobody else may');
RESET ROLE;

-- every table that people define things in is watched, or it is said here why not
SELECT bag_eq($$SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audit')$$,
    ARRAY['job', 'live', 'outcome', 'run', 'log', 'command', 'usage', 'array', 'array_end', 'dependency', 'idempotency', 'resubmission', 'fire', 'progress', -- jobs, and what becomes of them
          'setting_definition', 'home', 'history_partition', 'restored', -- written by rcq itself; what people cause there is recorded by functions
          'login_failure', 'audit'], 'every other table is watched');
SELECT is_empty($$SELECT t.tgrelid::regclass, c.name FROM pg_trigger t, LATERAL (SELECT string_to_array(encode(t.tgargs, 'escape'), '\000') AS a) x, unnest(string_to_array(x.a[2], ',') || string_to_array(x.a[4], ',')) c(name)
                   WHERE t.tgname = 'audit' AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attname = c.name)$$, 'what is recorded are columns that there are');
SELECT is_empty($$SELECT t.tgrelid::regclass FROM pg_trigger t WHERE t.tgname = 'audit' AND encode(t.tgargs, 'escape') ~ 'hash|secret,|secret\\000$'$$, 'and none of them is a secret');

SET ROLE regress_admin;
SELECT rcq.set('lease', '40 s');
SELECT isnt_empty($$SELECT FROM rcq.audit WHERE actor = 'regress_admin' AND action = 'setting.change'$$, 'an administrator reads what was recorded');
SET ROLE regress_ann;
SELECT is_empty('SELECT FROM rcq.audit', 'somebody else reads nothing');
SELECT throws_ok('SELECT rcq.metrics()', '42501', NULL, 'nor what was counted');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
