-- Settings: every type with its range, what is refused, back to the default; who changed what.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT name, value, unit, type, allowed FROM rcq.settings ORDER BY name;
SELECT count(*) FROM rcq.settings WHERE description IS NULL OR value <> default_value OR changed_at IS NOT NULL;

-- each type takes its values
SELECT rcq.set('fairshare_cap', '10'), rcq.set('max_concurrent_jobs', '100'), rcq.set('user_fairness', 'off'), rcq.set('lease', '90 s'), rcq.set('guard_scope', 'job'),
       rcq.set('claim_timeout', '15');
SELECT name, value, default_value, changed_by, changed_at IS NOT NULL AS dated FROM rcq.settings WHERE value <> default_value ORDER BY name;
SELECT name, parsed FROM rcq_private.setting ORDER BY name;
-- the ends of a range are in it; other spellings of a boolean
SELECT rcq.set('fairshare_cap', '1'), rcq.set('fairshare_cap', '1000'), rcq.set('lease', '1 s'), rcq.set('lease', '1 day'), rcq.set('max_wait', '0'),
       rcq.set('user_fairness', 'yes'), rcq.set('user_fairness', '0');
SELECT name, value FROM rcq.settings WHERE name IN ('fairshare_cap', 'lease', 'max_wait', 'user_fairness') ORDER BY name;

-- what is refused changes nothing
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
SELECT * FROM t.errors(
    $$SELECT rcq.set('fairshare_cap', '0.99')$$,
    $$SELECT rcq.set('fairshare_cap', '1000.1')$$,
    $$SELECT rcq.set('fairshare_cap', 'NaN')$$,
    $$SELECT rcq.set('fairshare_cap', 'Infinity')$$,
    $$SELECT rcq.set('fairshare_cap', 'much')$$,
    $$SELECT rcq.set('fairshare_cap', '')$$,
    $$SELECT rcq.set('max_concurrent_jobs', '-1')$$,
    $$SELECT rcq.set('max_concurrent_jobs', '1.5')$$,
    $$SELECT rcq.set('max_concurrent_jobs', '99999999999999999999')$$,
    $$SELECT rcq.set('user_fairness', 'maybe')$$,
    $$SELECT rcq.set('lease', '0')$$,
    $$SELECT rcq.set('lease', '-30 seconds')$$,
    $$SELECT rcq.set('lease', '25 hours')$$,
    $$SELECT rcq.set('lease', 'soon')$$,
    $$SELECT rcq.set('guard_scope', 'user')$$,
    $$SELECT rcq.set('guard_scope', 'GROUP')$$,
    $$SELECT rcq.set('no_such_setting', '1')$$,
    $$SELECT rcq.set(NULL, '1')$$);
\pset format aligned
\pset tuples_only off
SELECT name, value FROM rcq.settings WHERE value <> default_value ORDER BY name;

-- NULL is the way back, also for what was never changed
SELECT name, rcq.set(name, NULL) FROM (SELECT name FROM rcq.settings WHERE value <> default_value OR name = 'billing_cpu_hour' ORDER BY name) changed;
SELECT count(*) FROM rcq.settings WHERE value <> default_value OR changed_at IS NOT NULL;

-- people see them, administrators alone change them
SELECT rcq.add_user('regress_ann');
SET ROLE regress_ann;
SELECT count(*) > 10 AS readable FROM rcq.settings;
SELECT * FROM t.errors($$SELECT rcq.set('lease', '1 s')$$);
RESET ROLE;
-- being a member of rcq_admin is not enough: this database must know its administrators
GRANT rcq_admin TO regress_ann;
SET ROLE regress_ann;
SELECT * FROM t.errors($$SELECT rcq.set('lease', '1 s')$$);
RESET ROLE;
SET client_min_messages = warning; -- a member already
SELECT rcq.set_user('regress_ann', is_admin => true);
RESET client_min_messages;
SET ROLE regress_ann;
SELECT rcq.set('lease', '1 min');
RESET ROLE;
SELECT value, changed_by FROM rcq.settings WHERE name = 'lease';

-- the scheduler goes by them from its next cycle on: with one run allowed in the whole cluster the second job waits
SELECT rcq.set('max_concurrent_jobs', '1');
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register();
RESET ROLE;
SELECT rcq.submit('job 1', priority => 6), rcq.submit('job 2');
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 1)$$), t.wait($$(SELECT reason = 'limit' FROM rcq.queue WHERE id = 2)$$);
SELECT rcq.set('max_concurrent_jobs', NULL);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 2)$$);
\i :end
