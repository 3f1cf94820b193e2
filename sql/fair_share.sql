-- Fair share: the order of the queue is base priority times the group's share of its quota times waiting; usage comes
-- from runs. And what a hard quota does.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT rcq.add_group('frugal', quota_cpu_hours => 1000), rcq.add_group('spender', quota_cpu_hours => 1), rcq.add_group('free', priority => 6),
       rcq.add_group('unpaid', quota_cpu_hours => 0, priority => 10);
SELECT rcq.add_user('regress_ann', 'frugal'), rcq.add_user('regress_ben', 'spender'), rcq.add_user('regress_cat', 'free');
SELECT rcq.set('fairshare_cap', '4'), rcq.set('wait_boost_per_hour', '0');
SELECT t.node('regress_node_a');

-- nobody has used anything: the cap for who has a quota, 1 for who has none, the floor for a quota of 0
SET ROLE regress_ann; SELECT rcq.submit('of ann'), rcq.submit('of ann, urgent', priority => 9);
SET ROLE regress_ben; SELECT rcq.submit('of ben');
SET ROLE regress_cat; SELECT rcq.submit('of cat');
RESET ROLE;
SELECT rcq.set_user('regress_boss', group_name => 'unpaid');
SELECT rcq.submit('of the boss', priority => 10);
SELECT t.wait($$(SELECT count(*) = 5 FROM rcq.queue WHERE position IS NOT NULL)$$);
SELECT position, script, q.group_name, base_priority, fair_share, wait_boost, final_priority FROM rcq.queue q JOIN rcq.jobs USING (id) ORDER BY position;
SELECT group_name, billed_hours, planned_hours, quota_used_percent, fair_share, pending_jobs FROM rcq.group_usage ORDER BY group_id;

-- runs are taken in this order, one at a time, and what a placed run plans to use counts at once: the spender's quota is gone with its first hour
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 1);
SELECT job, script FROM t.take() JOIN (VALUES (1, 'of ann'), (2, 'of ann, urgent'), (3, 'of ben'), (4, 'of cat'), (5, 'of the boss')) j(job, script) USING (job);
SELECT * FROM t.sync(finished => t.ended(2));
SELECT job FROM t.take();
SELECT * FROM t.sync(finished => t.ended(1));
RESET ROLE;
-- a core second costs a hundred hours from now on, and ben's job runs until this shows
SELECT rcq.set('billing_cpu_hour', '360000');
SET ROLE regress_node_a;
SELECT job FROM t.take();
RESET ROLE;
SELECT t.wait($$(SELECT billed_hours > 25 FROM rcq.group_usage WHERE group_name = 'spender')$$);
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 0); -- nothing more from now on
SELECT * FROM t.sync(finished => t.ended(3));
SET ROLE regress_ben; SELECT rcq.submit('of ben', priority => 10);
SET ROLE regress_ann; SELECT rcq.submit('of ann', priority => 1);
RESET ROLE;
SELECT group_name, billed_hours > 25 AS spent, fair_share < 0.05 AS low, planned_hours FROM rcq.group_usage WHERE group_name = 'spender';
-- settled usage alone decides, and the queue and the usage view agree on the factor to the last digit shown
SELECT t.wait($$(SELECT count(*) = 4 FROM rcq.queue q JOIN rcq.group_usage u USING (group_name) WHERE q.position IS NOT NULL AND q.fair_share = u.fair_share)$$);
SELECT q.position, script, q.group_name, q.base_priority, q.fair_share = u.fair_share AS same_factor,
       abs(q.final_priority - q.base_priority * q.fair_share) < 0.001 * q.base_priority AS product
  FROM rcq.queue q JOIN rcq.group_usage u USING (group_name) JOIN rcq.jobs j USING (id) ORDER BY q.position;
SELECT u.group_name, u.fair_share = round(u.quota_cpu_hours::numeric / u.billed_hours, 3) AS is_quota_by_usage FROM rcq.group_usage u WHERE u.group_name = 'spender';

-- a larger quota, a higher group priority, or a cheaper hour count from the next cycle on
SELECT rcq.set_group('spender', quota_cpu_hours => 1000000, priority => 10);
SELECT t.wait($$(SELECT position = 1 AND fair_share = 4 AND base_priority = 20 FROM rcq.queue WHERE user_name = 'regress_ben')$$);
SELECT rcq.set_group('spender', quota_cpu_hours => 1, priority => 5);
SELECT t.wait($$(SELECT position = 3 AND fair_share < 1 FROM rcq.queue WHERE user_name = 'regress_ben')$$);
SELECT rcq.set('billing_cpu_hour', '1');
SELECT t.wait($$(SELECT position = 1 AND fair_share = 4 FROM rcq.queue WHERE user_name = 'regress_ben')$$);
SELECT rcq.set_group('spender', no_quota => true);
SELECT t.wait($$(SELECT fair_share = 1 FROM rcq.queue WHERE user_name = 'regress_ben')$$);
SELECT count(rcq.cancel(id)) FROM rcq.queue;

SET client_min_messages = warning; -- who changes groups is a user already

-- people of one group share its rank: who runs a lot steps back behind who does not
SELECT rcq.set_user('regress_ben', group_name => 'frugal');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 4);
SET ROLE regress_ann;
SELECT count(rcq.submit('many')) FROM generate_series(1, 6);
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(4);
SET ROLE regress_ben;
SELECT rcq.submit('one');
RESET ROLE;
SELECT t.wait($$(SELECT count(*) = 3 FROM rcq.queue WHERE position IS NOT NULL)$$);
SELECT position, user_name, fair_share FROM rcq.queue ORDER BY position;
SELECT rcq.set('user_fairness', 'off');
SELECT t.wait($$(SELECT position = 3 FROM rcq.queue WHERE user_name = 'regress_ben')$$);
SELECT position, user_name, fair_share FROM rcq.queue ORDER BY position;
SELECT rcq.set('user_fairness', NULL);
SELECT count(rcq.cancel(id)) FROM rcq.jobs WHERE status IN ('pending', 'assigned', 'running');
SET ROLE regress_node_a;
SELECT count(*) FROM t.token k, LATERAL t.sync(finished => t.ended(k.job, 'cancelled')) s WHERE s.body = 'ok';
RESET ROLE;

-- a hard quota: nothing is placed that could exceed it, shorter jobs pass, and other groups are not held up
SELECT rcq.add_group('strict', quota_cpu_hours => 3, quota_mode => 'hard', default_estimate => '90 minutes');
SELECT rcq.set_user('regress_cat', group_name => 'strict');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 5);
SET ROLE regress_cat;
SELECT rcq.submit('two hours', estimated_hours => 2, priority => 9) AS two \gset
SELECT rcq.submit('by default an hour and a half', priority => 9) AS dflt \gset
SELECT rcq.submit('two cores, half an hour', cpu_cores => 2, time_limit => '30 minutes', priority => 8) AS half \gset
SELECT rcq.submit('a minute', time_limit => '1 minute', priority => 7) AS minute \gset
SELECT t.wait(format($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = %s)$$, :half)), t.wait(format($$(SELECT reason = 'quota' FROM rcq.queue WHERE id = %s)$$, :dflt)),
       t.wait(format($$(SELECT reason = 'quota' FROM rcq.queue WHERE id = %s)$$, :minute));
SELECT script, status, reason FROM rcq.jobs WHERE id >= :two ORDER BY id;
-- soft from now on
RESET ROLE;
SELECT rcq.set_group('strict', quota_mode => 'soft');
SELECT t.wait(format($$(SELECT count(*) = 4 FROM rcq.jobs WHERE id >= %s AND status = 'assigned')$$, :two));
-- what runs is never ended by a quota, and is what it planned to use when it has ended
SELECT rcq.set_group('strict', quota_mode => 'hard');
SET ROLE regress_node_a;
SELECT count(*) FROM t.take(4);
RESET ROLE;
SELECT group_name, running_jobs, running_cores, planned_hours BETWEEN 4.4 AND 4.52 AS planned FROM rcq.group_usage WHERE group_name = 'strict';
SET ROLE regress_cat;
SELECT rcq.submit('waits for the others to end', estimated_hours => 0.5) AS waiting \gset
SELECT t.wait(format($$(SELECT reason = 'quota' FROM rcq.queue WHERE id = %s)$$, :waiting));
SET ROLE regress_node_a;
SELECT count(*) FROM t.token k, LATERAL t.sync(finished => t.ended(k.job)) s WHERE s.body = 'ok';
SELECT job = :waiting AS placed FROM t.take();
\i :end
