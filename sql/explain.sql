-- rcq.explain and rcq.explain_submit: every reason at once, with numbers, and the nearest change that would help.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT rcq.add_group('physics'), rcq.add_group('chemistry', priority => 7);
SELECT rcq.add_user('regress_ann', 'physics', max_priority => 8), rcq.add_user('regress_ben', 'chemistry');
SELECT t.node('regress_node_a'), t.node('regress_node_b');
SELECT rcq.set('lease', '1 hour');
-- what is fixed of the findings: messages without times and what grows with waiting
CREATE FUNCTION t.fixed(message text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(message, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+', '<time>', 'g'), '(after |at most |\()(\d+[dhm]\d\d[hms]|\d+s)', '\1<duration>', 'g'),
                          '(priority |waiting |of which |used and )\d+\.\d+', '\1<number>', 'g') $$;
CREATE FUNCTION t.why(job bigint, kinds text[] DEFAULT '{blocker,change}') RETURNS TABLE (kind text, reason text, message text) LANGUAGE sql AS $$
    SELECT e.kind, e.reason, t.fixed(e.message) FROM rcq.explain(job) e WHERE e.kind = ANY (kinds) $$;
GRANT USAGE ON SCHEMA t TO PUBLIC;
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '

-- no executor has ever registered
SET ROLE regress_ann;
SELECT rcq.submit('job 1', cpu_cores => 2, estimated_hours => 2);
SELECT t.wait($$(SELECT reason = 'no_executor' FROM rcq.queue WHERE id = 1)$$);
SELECT * FROM t.why(1, '{blocker,rank,expect,change}');
SELECT e.data FROM rcq.explain(1) e WHERE e.kind = 'blocker';
RESET ROLE;

SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 4, memory_gb => 8);
RESET ROLE;
SET ROLE regress_node_b;
SELECT t.register(cpu_cores => 16, memory_gb => 64, gpu_count => 2, gpu_type => 'a100', features => '{avx512,ssd}');
RESET ROLE;
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 1)$$);

-- not pending: assigned, running, being cancelled, ended
SET ROLE regress_ann;
SELECT * FROM t.why(1, '{state,blocker,rank,expect,change}');
RESET ROLE;
SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE;
SET ROLE regress_ann;
SELECT * FROM t.why(1, '{state,blocker,rank,expect,change}');
SELECT rcq.cancel(1);
RESET ROLE;
SELECT t.wait($$EXISTS (SELECT FROM rcq_private.command WHERE kind = 'cancel')$$);
SET ROLE regress_ann;
SELECT * FROM t.why(1, '{state,blocker,rank,expect,change}');
RESET ROLE;
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled')) s WHERE s.kind <> 'ack';
RESET ROLE;
SELECT * FROM t.why(1, '{state,blocker,rank,expect,change}');
SELECT rcq.submit('job 2');
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT * FROM t.sync(finished => t.ended(2, exit_code => 3)) s WHERE s.kind = 'answer';
RESET ROLE;
SELECT * FROM t.why(2, '{state,blocker,rank,expect,change}');

-- capacity: what is needed, what is free where it is nearest, and with how much less it would start
SET ROLE regress_ben;
SELECT rcq.submit('job 3', cpu_cores => 12, memory_gb => 32, gpu_count => 1, features => '{avx512}', estimated_hours => 4);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 3)$$);
RESET ROLE;
SET ROLE regress_node_b;
SELECT * FROM t.take();
RESET ROLE;
SET ROLE regress_ann;
SELECT rcq.submit('job 4', cpu_cores => 8, memory_gb => 48, constraints => 'avx512&ssd', estimated_hours => 1);
SELECT t.wait($$(SELECT reason = 'resources' FROM rcq.queue WHERE id = 4)$$);
SELECT * FROM t.why(4, '{state,blocker,rank,change}');
SELECT e.data - '{formula,final_priority,wait_boost}'::text[] FROM rcq.explain(4) e WHERE e.kind IN ('blocker', 'change', 'rank');
SELECT t.wait($$EXISTS (SELECT FROM rcq.explain(4) e WHERE e.kind = 'expect' AND e.reason = 'exact' AND (e.data->>'in_s')::float BETWEEN 14000 AND 14400)$$);
-- who is before it: one's own jobs by number, of others how many there are
SELECT rcq.submit('job 5', cpu_cores => 8, memory_gb => 40, priority => 1);
RESET ROLE; SET ROLE regress_ben;
SELECT rcq.submit('job 6', cpu_cores => 8, memory_gb => 40, priority => 2);
SELECT t.wait($$EXISTS (SELECT FROM rcq.explain(6) e WHERE e.kind = 'rank' AND e.data->>'position' = '2')$$);
SELECT * FROM t.why(6, '{rank,change}') w WHERE w.reason IN ('quota', 'priority');
SELECT e.data->'ahead_by_group', jsonb_array_length(e.data->'ahead') FROM rcq.explain(6) e WHERE e.kind = 'rank';
RESET ROLE; SET ROLE regress_ann;
SELECT t.wait($$EXISTS (SELECT FROM rcq.explain(5) e WHERE e.kind = 'rank' AND e.data->>'position' = '3')$$);
SELECT e.data->'ahead_by_group', (SELECT jsonb_agg(a - 'final_priority') FROM jsonb_array_elements(e.data->'ahead') a) FROM rcq.explain(5) e WHERE e.kind = 'rank';
RESET ROLE;
SELECT e.data->'ahead_by_group', (SELECT jsonb_agg(a - 'final_priority') FROM jsonb_array_elements(e.data->'ahead') a) FROM rcq.explain(5) e WHERE e.kind = 'rank';

-- the job of somebody else, none at all, no user
SET ROLE regress_ben;
SELECT * FROM t.errors('SELECT rcq.explain(4)', 'SELECT rcq.explain(1)', 'SELECT rcq.explain(99)', 'SELECT rcq.explain(NULL)');
RESET ROLE;
SELECT count(*) > 3 FROM rcq.explain(4);

-- promised room: it fits, and would delay the first
SET ROLE regress_ben;
SELECT rcq.submit('job 7', cpu_cores => 2, memory_gb => 20, priority => 1, estimated_hours => 9);
SELECT t.wait($$(SELECT reason = 'reserved' FROM rcq.queue WHERE id = 7)$$);
SELECT w.kind, w.reason, w.message FROM t.why(7) w;
SELECT e.data->'fits', e.data->'promised_on', (e.data->>'planned_s')::float BETWEEN 14000 AND 14400 FROM rcq.explain(7) e WHERE e.reason IN ('reserved', 'shorter');
SELECT t.wait($$EXISTS (SELECT FROM rcq.queue WHERE id = 7 AND expected_start IS NOT NULL)$$);
SELECT e.reason, e.data->'approximate', (e.data->>'in_s')::float > 14000 FROM rcq.explain(7) e WHERE e.kind = 'expect';
RESET ROLE;
SELECT e.reason, e.data->'reserved_executor', regexp_replace(t.fixed(e.message), '.*runs keep to their plans. ', '') FROM rcq.explain(4) e WHERE e.kind = 'expect';

SELECT rcq.hold(7);

-- several at once: held, cluster and group paused, limits of person, group, key and cluster, hard quota, and no room
SELECT rcq.set_group('physics', quota_cpu_hours => 20, quota_mode => 'hard', max_jobs => 0, max_cores => 6), rcq.set_user('regress_ann', max_jobs => 0, max_gpus => 1),
       rcq.set_concurrency_limit('sweep', 0), rcq.set('max_concurrent_jobs', '1');
SELECT rcq.pause('moving house'), rcq.pause('report is due', group_name => 'physics');
SET ROLE regress_ann;
SELECT rcq.submit('job 8', cpu_cores => 7, gpu_count => 2, memory_gb => 8, hold => true, concurrency_key => 'sweep', estimated_hours => 10);
SELECT * FROM t.why(8, '{blocker,rank,expect,change}');
SELECT e.data - 'since' FROM rcq.explain(8) e WHERE e.kind IN ('blocker', 'change') AND e.reason NOT IN ('quota', 'shorter');
RESET ROLE;
SELECT rcq.resume(), rcq.resume('physics'), rcq.set_group('physics', no_limits => true, no_quota => true), rcq.set_user('regress_ann', no_limits => true), rcq.set_concurrency_limit('sweep', NULL),
       rcq.set('max_concurrent_jobs', NULL), rcq.release(8);
-- limits that settings make; one that some are under
SELECT rcq.set('max_jobs_per_user', '1'), rcq.set('max_jobs_per_group', '1'), rcq.set_group('chemistry', max_cores => 13);
SET ROLE regress_ben;
SELECT * FROM t.why(7) w WHERE w.reason IN ('limit', 'raise_limit', 'smaller');
RESET ROLE;
SELECT rcq.set('max_jobs_per_user', NULL), rcq.set('max_jobs_per_group', NULL), rcq.set_group('chemistry', no_limits => true);
-- a hard quota that is partly used up: by what runs is planned; when it frees, what would be within it
SELECT rcq.set_group('chemistry', quota_cpu_hours => 87, quota_mode => 'hard');
INSERT INTO rcq_private.usage (at, since, group_id, user_id, core_seconds, gb_seconds, gpu_seconds) SELECT now(), now(), 3, 3, 30.5 * 3600, 0, 0;
SELECT e.kind, e.reason, e.data->'quota', round((e.data->>'used')::numeric + (e.data->>'planned')::numeric, 1), e.data->'needed', (e.data->>'frees_at')::timestamptz BETWEEN now() + interval '29 days' AND now() + interval '30 days'
  FROM rcq.explain(7) e WHERE e.reason = 'quota' AND e.kind = 'blocker';
SELECT e.reason, t.fixed(e.message) FROM rcq.explain(7) e WHERE e.reason IN ('raise_quota', 'shorter');
SELECT rcq.set('fairshare_window', 'half_life');
SELECT (e.data->>'frees_at')::timestamptz BETWEEN now() + interval '14 days' AND now() + interval '16 days' FROM rcq.explain(7) e WHERE e.reason = 'quota' AND e.kind = 'blocker';
SELECT rcq.set('fairshare_window', 'month');
SELECT (e.data->>'frees_at')::timestamptz = date_trunc('month', now(), 'UTC') + interval '1 month' FROM rcq.explain(7) e WHERE e.reason = 'quota' AND e.kind = 'blocker';
SELECT rcq.set('fairshare_window', NULL), rcq.set_group('chemistry', no_quota => true, quota_mode => 'soft');
SELECT rcq.cancel(id) FROM unnest('{4,5,6,7,8}'::bigint[]) id;

-- countable resources: of the cluster, of executors
SELECT rcq.set_consumable('licence', 2), rcq.set_consumable('scratch', 1, 'regress_node_a');
SET ROLE regress_ben;
SELECT rcq.submit('job 9', consumables => '{"licence": 1}', memory_gb => 8, estimated_hours => 1);
SELECT t.wait($$(SELECT status = 'assigned' FROM rcq.jobs WHERE id = 9)$$);
RESET ROLE; SET ROLE regress_node_a;
SELECT * FROM t.take();
RESET ROLE; SET ROLE regress_ann;
SELECT rcq.submit('job 10', consumables => '{"licence": 2}'), rcq.submit('job 11', consumables => '{"licence": 3}'), rcq.submit('job 12', consumables => '{"scratch": 1}', memory_gb => 1), rcq.submit('job 13', consumables => '{"scratch": 2}');
SELECT t.wait($$(SELECT count("position") = 4 FROM rcq.queue)$$);
SELECT job, w.* FROM unnest('{10,11,12,13}'::bigint[]) job, LATERAL t.why(job) w;
SELECT e.data FROM rcq.explain(10) e WHERE e.kind = 'blocker';
-- what no executor has: too large, of no such kind, or only both; with what would do
SELECT rcq.submit('job 14', cpu_cores => 32, memory_gb => 100), rcq.submit('job 15', features => '{avx512,ssd}', constraints => '!avx512'), rcq.submit('job 16', constraints => '!ssd', gpu_count => 1, gpu_type => 'a100'),
       rcq.submit('job 17', cpu_cores => 32, features => '{ssd}', exclusive => true), rcq.submit('job 18', exclusive => true, constraints => 'ssd', cpu_cores => 3);
SELECT t.wait($$(SELECT array_agg(reason ORDER BY id) = '{never_fits,never_fits,never_fits,never_fits,resources}' FROM rcq.queue WHERE id BETWEEN 14 AND 18)$$);
SELECT job, w.* FROM unnest('{14,15,16,17,18}'::bigint[]) job, LATERAL t.why(job) w;
SELECT e.data FROM rcq.explain(16) e WHERE e.kind IN ('blocker', 'change');
-- a moldable job asks for what it can have
SELECT rcq.submit('job 19', cpu_cores => 32, cpu_cores_min => 8, constraints => 'ssd');
SELECT t.wait($$(SELECT reason = 'resources' FROM rcq.queue WHERE id = 19)$$);
SELECT w.* FROM t.why(19) w;
SELECT count(rcq.cancel(id)) FROM rcq.queue;
RESET ROLE;

-- maintenance, for the cluster and for another group; executors that are drained or have gone
SELECT rcq.reserve(now() + interval '3 hours', now() + interval '5 hours', reason => 'new firmware'), rcq.reserve(now() + interval '100 hours', now() + interval '200 hours', 'regress_node_b', 'physics');
SET ROLE regress_ben;
SELECT rcq.submit('job 20', estimated_hours => 8), rcq.submit('job 21', cpu_cores => 15, estimated_hours => 8);
SELECT t.wait($$(SELECT array_agg(reason ORDER BY id) = '{maintenance,resources}' FROM rcq.queue WHERE id IN (20, 21))$$);
SELECT job, w.kind, w.reason, w.message FROM unnest('{20,21}'::bigint[]) job, LATERAL t.why(job) w;
SELECT e.data - '{starts_at,ends_at}'::text[] || jsonb_build_object('planned_s', (e.data->>'planned_s')::float > 10000) FROM rcq.explain(20) e WHERE e.reason IN ('maintenance', 'shorter');
RESET ROLE;
SELECT rcq.cancel_reservation(1), rcq.cancel(20);
SELECT t.wait($$EXISTS (SELECT FROM rcq.explain(21) e WHERE e.kind = 'blocker' AND e.reason = 'resources')$$);
SELECT rcq.submit('job 22', cpu_cores => 3, estimated_hours => 150, features => '{ssd}');
SELECT t.wait($$(SELECT "position" = 2 FROM rcq.queue WHERE id = 22)$$);
SELECT w.message FROM t.why(22, '{blocker}') w;
SELECT rcq.drain_executor('regress_node_b', 'new disk');
SELECT t.wait($$(SELECT reason = 'drained' FROM rcq.queue WHERE id = 22)$$);
SELECT w.* FROM t.why(22) w;
SELECT e.data->'reasons' FROM rcq.explain(22) e WHERE e.kind = 'blocker';
SELECT rcq.resume_executor('regress_node_b'), rcq.cancel_reservation(2);
SET ROLE regress_node_b;
SELECT rcq.executor_sign_off((SELECT executor FROM t.process WHERE name = 'regress_node_b'), 1);
RESET ROLE;
SELECT t.wait($$(SELECT reason = 'no_executor' FROM rcq.queue WHERE id = 22)$$);
SELECT w.* FROM t.why(22) w;
SELECT e.data FROM rcq.explain(22) e WHERE e.kind = 'blocker';
-- not before a time; other policies
UPDATE rcq_private.live SET eligible_at = now() + interval '1 day' WHERE job_id = 22;
SELECT w.* FROM t.why(22, '{blocker}') w WHERE w.reason = 'begin_time';
SELECT rcq.cancel(22);
SELECT rcq.submit('job 23', cpu_cores => 16);
SELECT rcq.set('policy', 'multifactor'), rcq.set('weight_size', '1');
SELECT t.wait($$EXISTS (SELECT FROM rcq.explain(23) e WHERE e.kind = 'rank' AND (e.data->>'wait_boost')::float < 1)$$);
SELECT regexp_replace(w.message, '(age|share) [0-9.]+', '\1 <number>', 'g') FROM t.why(23, '{rank}') w;
SELECT rcq.set('policy', 'fifo');
SELECT t.wait($$EXISTS (SELECT FROM rcq.explain(23) e WHERE e.kind = 'rank' AND e.data->>'position' = '3')$$);
SELECT w.message FROM t.why(23, '{rank}') w;
SELECT rcq.set('policy', NULL), rcq.set('weight_size', NULL);
SELECT count(rcq.cancel(id)) FROM rcq.queue;

-- a dry run: the errors of a submission, and nothing stored
CREATE FUNCTION t.same(VARIADIC arguments text[]) RETURNS TABLE (call text, as_submit boolean, code text, message text) LANGUAGE sql AS $$
    SELECT a, (e.code, e.message, e.hint) IS NOT DISTINCT FROM (s.code, s.message, s.hint), e.code, e.message
      FROM unnest(arguments) a, t.errors('SELECT rcq.explain_submit(' || a || ')') e, t.errors('SELECT rcq.submit(' || a || ')') s $$;
CREATE FUNCTION t.try(kinds text[], VARIADIC arguments text[]) RETURNS TABLE (call text, kind text, reason text, message text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH call IN ARRAY arguments LOOP
        RETURN QUERY EXECUTE 'SELECT $1, e.kind, e.reason, t.fixed(e.message) FROM rcq.explain_submit(' || call || ') e WHERE e.kind = ANY ($2)' USING call, kinds;
    END LOOP;
END $$;
SET ROLE regress_ann;
SELECT * FROM t.same('NULL', $$'x', cpu_cores => 0$$, $$'x', memory_gb => 'NaN'$$, $$'x', priority => 9$$, $$'x', features => '{unknown}'$$, $$'x', constraints => 'a&&b'$$, $$'x', gpu_type => 'a100'$$,
    $$'x', gpu_count => 1, gpu_type => 'h100'$$, $$'x', consumables => '{"gold": 1}'$$, $$'x', time_limit => '1 h', estimated_hours => 2$$, $$'x', on_disconnect => 'cry'$$, $$'x', env => '[]'$$);
RESET ROLE;
SELECT t.wait($$(SELECT pending = 0 FROM rcq.scheduler)$$);
SET ROLE regress_node_b;
SELECT t.register(incarnation => 2, cpu_cores => 16, memory_gb => 64, gpu_count => 2, gpu_type => 'a100', features => '{avx512,ssd}');
RESET ROLE; SET ROLE regress_ann;
-- an empty queue: it fits at once, or when what runs has ended, or never
SELECT * FROM t.try('{state,blocker,rank,expect,change}', $$'x', cpu_cores => 4, memory_gb => 16, estimated_hours => 2$$, $$'x', memory_gb => 70$$, $$'x', hold => true, gpu_count => 2$$);
SELECT e.data - 'expected_start' FROM rcq.explain_submit('x') e WHERE e.kind IN ('state', 'expect');
SELECT count(*) AS stored FROM rcq.queue;
-- others before it; as late as those that ask for no less; a higher priority
SELECT count(rcq.submit('job ' || n, cpu_cores => 16, memory_gb => 60, estimated_hours => 1, priority => 6)) FROM generate_series(1, 3) n;
SELECT t.wait($$(SELECT count(expected_start) = 2 FROM rcq.queue)$$);
SELECT * FROM t.try('{blocker,rank,expect,change}', $$'x', cpu_cores => 16, memory_gb => 30, estimated_hours => 2$$, $$'x', cpu_cores => 16, memory_gb => 30, priority => 8$$);
SELECT (e.data->>'in_s')::float BETWEEN 7000 AND 7300 FROM rcq.explain_submit('x', cpu_cores => 16, memory_gb => 30, estimated_hours => 2) e WHERE e.kind = 'expect';
-- one like those that wait already: their factors and their pace
SELECT (e.data->>'in_s')::float BETWEEN 3500 AND 20000, e.reason FROM rcq.explain_submit('x', cpu_cores => 16, memory_gb => 60, estimated_hours => 1, priority => 6) e WHERE e.kind = 'expect';
SELECT count(rcq.cancel(id)) FROM rcq.jobs WHERE status IN ('pending', 'assigned');
RESET ROLE;
-- the share of the quota; what would be refused
SELECT rcq.set_group('physics', quota_cpu_hours => 0, quota_mode => 'soft'), rcq.set_user('regress_ann', max_pending => 1), rcq.set('submit_rate_per_user', '1');
SET ROLE regress_ann;
SELECT * FROM t.try('{rank}', $$'x'$$);
SELECT * FROM t.try('{blocker}', $$'x'$$);
RESET ROLE;
SELECT rcq.set('submit_rate_per_user', NULL);
SET ROLE regress_ann;
SELECT rcq.submit('job', hold => true) > 0;
SELECT * FROM t.try('{blocker}', $$'x'$$);
SELECT e.data FROM rcq.explain_submit('x') e WHERE e.reason = 'max_pending';
RESET ROLE;
\i :end
