-- Schedules: what is refused, when they are due, what becomes of due times, and who sees and changes what. Due times lie
-- in the years from 2040 on and are served here, by rcq_private.fire_due(), as the scheduler would then.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
CREATE EXTENSION rcq;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben', max_priority => 6);
-- puts the next due time of a schedule behind a time
CREATE FUNCTION t.begin_at(schedule text, at timestamptz) RETURNS timestamptz LANGUAGE sql AS $$
    UPDATE rcq_private.schedule s SET anchor = at, next_at = rcq_private.cron_next(s.cron, s.timezone, at, at) WHERE s.name = schedule RETURNING s.next_at $$;
CREATE FUNCTION t.history(schedule text) RETURNS TABLE (due_at timestamptz, at timestamptz, outcome text, job boolean, message text) LANGUAGE sql AS $$
    SELECT h.due_at, h.at, h.outcome, h.job_id IS NOT NULL, regexp_replace(h.message, '\d+', 'N') FROM rcq.schedule_history h WHERE h.schedule_name = schedule ORDER BY h.due_at, h.at $$;

-- trying expressions out
SELECT rcq.cron_preview('30 6 * * MON-FRI', count => 3, after => '2024-01-05 12:00Z');
SELECT rcq.cron_preview('30 2 * * *', 'Europe/Berlin', 3, '2024-03-29 12:00Z'); -- 02:30 is skipped on March 31
SELECT rcq.cron_preview('30 2 * * *', 'Europe/Berlin', 2, '2024-10-26 12:00Z'); -- and comes twice on October 27
SELECT rcq.cron_preview('0 */2 * * *', 'Europe/Berlin', 2, '2024-03-30 23:30Z');
SELECT rcq.cron_preview('15 2 * * *', 'Australia/Lord_Howe', 2, '2024-10-05 00:00Z');
SELECT rcq.cron_preview('@every 36h', 'europe/berlin', 2, '2024-03-30 12:00:07Z');
SELECT rcq.cron_preview('0 0 * * *', 'Etc/GMT+3', 1, '2024-01-01 00:00Z');
SELECT count(*), bool_and(p > now()) AS later FROM rcq.cron_preview('* * * * * *') p;
SELECT count(*) FROM rcq.cron_preview('* * * * *', after => 'infinity');
SELECT * FROM t.errors($$SELECT rcq.cron_preview('61 * * * *')$$, $$SELECT rcq.cron_preview('* * * *')$$, $$SELECT rcq.cron_preview('0 0 30 2 *')$$, $$SELECT rcq.cron_preview('@every 0s')$$,
    $$SELECT rcq.cron_preview('@reboot')$$, $$SELECT rcq.cron_preview('')$$, $$SELECT rcq.cron_preview(repeat('ä', 2000))$$, $$SELECT rcq.cron_preview(NULL)$$,
    $$SELECT rcq.cron_preview('* * * * *', NULL)$$, $$SELECT rcq.cron_preview('* * * * *', 'Europe/Berlyn')$$, $$SELECT rcq.cron_preview('* * * * *', 'UTC+3')$$,
    $$SELECT rcq.cron_preview('* * * * *', 'Etc/GMT+99')$$, $$SELECT rcq.cron_preview('* * * * *', '')$$, $$SELECT rcq.cron_preview('* * * * *', count => 0)$$,
    $$SELECT rcq.cron_preview('* * * * *', count => 1001)$$, $$SELECT rcq.cron_preview('* * * * *', count => NULL)$$);

-- what is refused when a schedule is defined; nothing of it is stored
SET ROLE regress_ben;
SELECT * FROM t.errors($$SELECT rcq.schedule('a b', '@daily', 'true')$$, $$SELECT rcq.schedule(NULL, '@daily', 'true')$$, $$SELECT rcq.schedule('s', '60 * * * *', 'true')$$,
    $$SELECT rcq.schedule('s', NULL, 'true')$$, $$SELECT rcq.schedule('s', '@daily', 'true', 'Moon')$$, $$SELECT rcq.schedule('s', '@daily', 'true', missed => 'some')$$,
    $$SELECT rcq.schedule('s', '@daily', 'true', missed => NULL)$$, $$SELECT rcq.schedule('s', '@daily', 'true', overlap => 'queue')$$,
    $$SELECT rcq.schedule('s', '@daily')$$, $$SELECT rcq.schedule('s', '@daily', ' ')$$, $$SELECT rcq.schedule('s', '@daily', 'true', options => '[]')$$,
    $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"script": "false"}')$$, $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"cpus": 1}')$$,
    $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"cpu_cores": "1"}')$$, $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"cpu_cores": 0}')$$,
    $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"time_limit": "soon"}')$$, $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"features": ["moon"]}')$$,
    $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"depends_on": "afterok:1"}')$$, $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"idempotency_key": "k"}')$$,
    $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"begin_time": "2040-01-01"}')$$, $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"deadline": "2040-01-01"}')$$,
    $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"priority": 7}')$$, $$SELECT rcq.schedule('s', '@daily', 'true', options => '{"tags": [""]}')$$);
RESET ROLE;
SELECT (SELECT count(*) FROM rcq.schedules) AS schedules, (SELECT count(*) FROM rcq.jobs) AS jobs;
-- a full queue of one's own is no reason against a definition
SELECT rcq.set_user('regress_ann', max_pending => 1);
SET ROLE regress_ann;
SELECT rcq.submit('the only one', hold => true) > 0 AS submitted;
SELECT rcq.schedule('full', '@yearly', 'true') AS id;

-- a definition, and its change: id, history and pause stay
SELECT rcq.schedule('report', '30 6 * * MON-FRI', 'make report', 'Europe/Berlin', options => '{"cpu_cores": 4, "name": "report", "time_limit": "2h"}') AS id;
SELECT name, user_name, cron, timezone, missed, overlap, state, next_fire = (SELECT min(f) FROM rcq.next_fires('report') f) AS next, last_fire, last_job, last_outcome, error, options, id
  FROM rcq.schedules ORDER BY id;
SELECT to_char(f AT TIME ZONE 'Europe/Berlin', 'HH24:MI:SS') AS local, count(*), bool_and(extract(isodow FROM f) < 6) AS weekdays FROM rcq.next_fires('report', 500) f GROUP BY 1;
SELECT rcq.pause_schedule('report'), rcq.pause_schedule('report');
SELECT rcq.schedule('report', '@every 10m', 'make report', 'Europe/Berlin', 'all', 'skip', '{"cpu_cores": 8}') AS id;
SELECT name, cron, missed, overlap, state, next_fire, options FROM rcq.schedules WHERE name = 'report';
SELECT rcq.resume_schedule('report'), rcq.resume_schedule('report');
SELECT state, next_fire BETWEEN now() + interval '9 min 50 s' AND now() + interval '10 min 5 s' AS in_ten_minutes FROM rcq.schedules WHERE name = 'report';
-- who repeats a definition does not begin the period anew
RESET ROLE;
UPDATE rcq_private.schedule SET anchor = date_trunc('second', now()) - interval '5 min' WHERE name = 'report';
SET ROLE regress_ann;
SELECT rcq.schedule('report', '@every 10m', 'make report') AS id;
SELECT next_fire BETWEEN now() + interval '4 min' AND now() + interval '5 min' AS in_five_minutes FROM rcq.schedules WHERE name = 'report';
SELECT rcq.unschedule('report');

-- whose schedules: names are each user's own; administrators say whose they mean
SELECT rcq.schedule('nightly', '@daily', 'ann''s') AS id;
SET ROLE regress_ben;
SELECT rcq.schedule('nightly', '@daily', 'ben''s') AS id;
SELECT name, user_name, options FROM rcq.schedules;
SELECT count(*) FROM rcq.schedule_history;
SELECT * FROM t.errors($$SELECT rcq.unschedule('full')$$, $$SELECT rcq.unschedule('nightly', 'regress_ann')$$, $$SELECT rcq.pause_schedule('nightly', 'regress_ann')$$, $$SELECT rcq.resume_schedule('full')$$,
    $$SELECT rcq.next_fires('full')$$, $$SELECT rcq.next_fires('nightly', 1, 'regress_ann')$$, $$SELECT rcq.unschedule(NULL)$$, $$SELECT rcq.next_fires('nightly', 0)$$);
SELECT rcq.pause_schedule('nightly', 'regress_ben');
RESET ROLE;
SELECT * FROM t.errors($$SELECT rcq.pause_schedule('nightly')$$, $$SELECT rcq.pause_schedule('nightly', 'nobody')$$);
SELECT rcq.pause_schedule('nightly', 'regress_ann'), rcq.resume_schedule('nightly', user_name => 'regress_ben'), count(*) FROM rcq.next_fires('nightly', 3, 'regress_ann');
SELECT name, user_name, state FROM rcq.schedules ORDER BY id;
SELECT rcq.unschedule('nightly', 'regress_ann'), rcq.unschedule('nightly', 'regress_ben'), rcq.unschedule('full', 'regress_ann');
SET ROLE regress_cat;
SELECT * FROM t.errors($$SELECT rcq.schedule('s', '@daily', 'true')$$, $$SELECT * FROM rcq.schedules$$, $$SELECT rcq_private.fire_due(now())$$);
RESET ROLE;
SELECT rcq.set_user('regress_ann', no_limits => true), rcq.cancel(id) FROM rcq.jobs;

-- the first job: as its owner, with the options, known by its schedule
SET ROLE regress_ann;
SELECT rcq.schedule('daily', '0 2 * * *', 'backup', 'Europe/Berlin', options => '{"cpu_cores": 2, "priority": 7, "name": "backup"}') > 0 AS defined;
RESET ROLE;
SELECT t.begin_at('daily', '2040-01-01 12:00Z');
SELECT rcq_private.fire_due('2040-01-02 00:59:59Z'); -- not yet
SELECT count(*) FROM rcq.schedule_history;
SELECT rcq_private.fire_due('2040-01-02 01:00:10Z');
SELECT j.script, j.cpu_cores, j.priority, j.name, j.user_name, j.status FROM rcq.jobs j JOIN rcq.schedule_history h ON h.job_id = j.id;
SET ROLE regress_ann;
SELECT h.schedule_name, h.due_at, h.at, h.outcome, h.message, h.user_name FROM rcq.schedule_history h;
SELECT s.next_fire, s.last_fire, s.last_outcome, s.error, s.last_job = j.id AS last_job FROM rcq.schedules s, rcq.jobs j WHERE j.status = 'pending';
SET ROLE regress_ben;
SELECT count(*) FROM rcq.schedule_history;
RESET ROLE;
-- served once, however often asked
SELECT rcq_private.fire_due('2040-01-02 01:00:10Z');
SELECT count(*) FROM rcq.jobs WHERE status = 'pending';
-- the clocks go forward on 2040-03-25: 02:00 is skipped, and back on 2040-10-28: 03:00 becomes 02:00
SELECT t.begin_at('daily', '2040-03-24 12:00Z'), rcq_private.fire_due('2040-03-25 01:00:05Z');
SELECT t.begin_at('daily', '2040-10-27 12:00Z'), rcq_private.fire_due('2040-10-28 00:00:05Z');
SELECT rcq_private.fire_due('2040-10-28 01:00:05Z');
SELECT * FROM t.history('daily');
SELECT rcq.unschedule('daily', 'regress_ann');
SELECT count(*) AS jobs_that_go_on FROM rcq.jobs WHERE status = 'pending';
SELECT rcq.cancel(id) FROM rcq.jobs WHERE status = 'pending';

-- times missed by more than a minute: skip, once, all; those of the last minute are always served
SELECT rcq.schedule('skip', '*/20 * * * * *', 'skip', missed => 'skip') > 0, rcq.schedule('once', '*/20 * * * * *', 'once') > 0, rcq.schedule('all', '*/20 * * * * *', 'all', missed => 'all') > 0;
SELECT t.begin_at('skip', '2041-01-01 00:00Z'), t.begin_at('once', '2041-01-01 00:00Z'), t.begin_at('all', '2041-01-01 00:00Z');
SELECT rcq_private.fire_due('2041-01-01 00:02:50Z');
SELECT * FROM t.history('skip');
SELECT * FROM t.history('once');
SELECT count(*), min(due_at), max(due_at), count(DISTINCT due_at) AS times FROM rcq.schedule_history WHERE schedule_name = 'all' AND outcome = 'submitted';
-- half a year at once: no more than a thousand jobs a call, and the history is bounded
SELECT t.begin_at('skip', '2041-01-01 00:00Z'), t.begin_at('once', '2041-01-01 00:00Z'), t.begin_at('all', '2041-01-01 00:00Z');
SELECT rcq_private.fire_due('2041-07-01 00:00:00Z');
SELECT name, next_fire FROM rcq.schedules ORDER BY name;
SELECT rcq_private.fire_due('2041-07-01 00:00:00Z');
SELECT name, next_fire FROM rcq.schedules ORDER BY name;
SELECT schedule_name, count(*), min(due_at), max(due_at) FROM rcq.schedule_history GROUP BY 1 ORDER BY 1;
SELECT rcq.unschedule('skip'), rcq.unschedule('once'), rcq.unschedule('all');

-- while an earlier job has not ended: allow, skip, replace
SELECT rcq.schedule('allow', '@every 1h', 'allow') > 0, rcq.schedule('skip', '@every 1h', 'skip', overlap => 'skip') > 0, rcq.schedule('replace', '@every 1h', 'replace', overlap => 'replace') > 0;
SELECT t.begin_at('allow', '2042-01-01 00:00Z'), t.begin_at('skip', '2042-01-01 00:00Z'), t.begin_at('replace', '2042-01-01 00:00Z');
SELECT rcq_private.fire_due('2042-01-01 01:00Z'), rcq_private.fire_due('2042-01-01 02:00Z');
SELECT * FROM t.history('allow');
SELECT * FROM t.history('skip');
SELECT * FROM t.history('replace');
SELECT script, status, count(*) FROM rcq.jobs WHERE script IN ('allow', 'skip', 'replace') GROUP BY 1, 2 ORDER BY 1, 2;
-- once it has ended, skip goes on
SELECT rcq.cancel(id) FROM rcq.jobs WHERE script = 'skip' AND status = 'pending';
SELECT rcq.pause_schedule('allow'), rcq_private.fire_due('2042-01-01 03:00Z');
SELECT * FROM t.history('skip');
SELECT outcome, count(*) FROM t.history('replace') GROUP BY 1 ORDER BY 1;
SELECT rcq.unschedule('allow'), rcq.unschedule('skip'), rcq.unschedule('replace');
-- an array job is one job: all its tasks are replaced
SELECT rcq.schedule('tasks', '@every 1h', 'task', overlap => 'replace', options => '{"array": "1-3"}') > 0 AS defined;
SELECT t.begin_at('tasks', '2042-02-01 00:00Z'), rcq_private.fire_due('2042-02-01 01:00Z');
SELECT t.wait($$rcq_private.fire_due('2042-02-01 02:00Z') = '2042-02-01 03:00Z'$$);
SELECT h.due_at, h.outcome, a.size, a.cancelled, a.waiting + a.pending AS waiting FROM rcq.schedule_history h JOIN rcq.arrays a ON a.id = h.job_id ORDER BY 1;
SELECT rcq.unschedule('tasks');

-- what cannot be submitted is recorded, and keeps neither the others nor later times of the same schedule
CREATE ROLE regress_node_a;
SELECT rcq.add_user('regress_node_a');
SET ROLE regress_node_a;
SELECT rcq.schedule('orphan', '@every 1h', 'orphan') > 0 AS defined;
SET ROLE regress_ann;
SELECT rcq.schedule('lowered', '@every 1h', 'lowered', options => '{"priority": 9}') > 0, rcq.schedule('fine', '@every 1h', 'fine') > 0, rcq.schedule('too_many', '@every 1h', 'too_many') > 0;
RESET ROLE;
SELECT rcq.schedule('other', '@every 1h', 'other') > 0 AS defined;
REVOKE rcq_user FROM regress_node_a;
DROP ROLE regress_node_a;
SELECT rcq.set_user('regress_ann', max_priority => 8, max_pending => 1);
SELECT t.begin_at(s, '2043-01-01 00:00Z') FROM unnest('{orphan,lowered,fine,too_many,other}'::text[]) s;
SELECT rcq_private.fire_due('2043-01-01 01:00Z');
SELECT name, last_outcome, error, next_fire FROM rcq.schedules ORDER BY id;
SELECT rcq.set_user('regress_ann', max_priority => 10, no_limits => true);
SELECT rcq_private.fire_due('2043-01-01 02:00Z');
SELECT name, last_outcome, error, next_fire FROM rcq.schedules ORDER BY id;
SELECT schedule_name, due_at, outcome, job_id IS NOT NULL AS job, message FROM rcq.schedule_history ORDER BY due_at, schedule_name;
-- a zone that the server does not know any more
UPDATE rcq_private.schedule SET timezone = 'Nowhere/Gone' WHERE name = 'fine';
SELECT rcq_private.fire_due('2043-01-01 03:00Z');
SELECT name, error, next_fire FROM rcq.schedules WHERE name IN ('fine', 'other') ORDER BY name;
SELECT count(*) FROM rcq.jobs WHERE script = 'other';

-- the scheduler itself serves what is due
SELECT rcq.unschedule(name, user_name) FROM rcq.schedules WHERE user_name <> 'regress_node_a';
SELECT rcq.unschedule('orphan', 'regress_node_a');
SELECT rcq.schedule('quick', '@every 1s', 'quick', overlap => 'skip') > 0 AS defined;
SELECT t.wait($$(SELECT last_outcome = 'skipped_overlap' FROM rcq.schedules WHERE name = 'quick')$$);
SELECT count(*) FROM rcq.jobs WHERE script = 'quick';
\i :end
