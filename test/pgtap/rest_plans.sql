-- Lists and single jobs over HTTP, and pages of the queue, look at few rows, whoever asks, whatever they ask for, whether the statistics are there
-- or not: PostgreSQL itself counts the rows of tables and the entries of indexes that a call has looked at.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
DROP EXTENSION IF EXISTS rcq;
DROP SCHEMA IF EXISTS plans CASCADE;
DROP ROLE IF EXISTS regress_ann;
DROP ROLE IF EXISTS regress_ben;
CREATE EXTENSION rcq;
CREATE SCHEMA plans;
GRANT USAGE ON SCHEMA plans TO PUBLIC;
CREATE ROLE regress_ann;
CREATE ROLE regress_ben;
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben') \g /dev/null
SELECT rcq_private.ensure_partitions(1) \g /dev/null
ALTER TABLE rcq_private.live SET (autovacuum_enabled = off);
ALTER TABLE rcq_private.job_p0 SET (autovacuum_enabled = off);
ALTER TABLE rcq_private.outcome_p0 SET (autovacuum_enabled = off);

-- 60,000 jobs that have ended and 60,000 that wait; one in a thousand is that of ben
INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue, kill_on_disconnect, script)
SELECT i, now(), CASE WHEN i % 1000 = 0 THEN 3 ELSE 2 END, 1, 1, 1024, 0, 5, 0, true, false, 'true' FROM generate_series(1, 120000) i;
INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status)
SELECT i, now(), CASE WHEN i % 1000 = 0 THEN 3 ELSE 2 END, 1, 5, 1, CASE WHEN i % 300 = 0 THEN 'failed' WHEN i % 700 = 0 THEN 'cancelled' ELSE 'completed' END FROM generate_series(1, 60000) i;
INSERT INTO rcq_private.live (job_id, user_id, group_id, cpu_cores, memory_mib, gpu_count, max_retries, requeue, held, priority, eligible_at)
SELECT i, CASE WHEN i % 1000 = 0 THEN 3 ELSE 2 END, 1, 1, 1024, 0, 0, true, true, 5, now() FROM generate_series(60001, 120000) i;

-- What this transaction has looked at so far.
CREATE FUNCTION plans.looked_at() RETURNS numeric LANGUAGE sql SECURITY DEFINER AS $$
    SELECT sum(pg_stat_get_xact_tuples_returned(c.oid)) FROM pg_class c WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relkind IN ('r', 'i') $$;
CREATE FUNCTION plans.cost(who name, route text, query text) RETURNS TABLE (looked_at numeric, answer json) LANGUAGE plpgsql AS $$
DECLARE
    before_ numeric := plans.looked_at();
BEGIN
    PERFORM set_config('role', who, true);
    EXECUTE format('SELECT rcq_rest.%I($1)', route) INTO answer USING convert_to(query, 'UTF8');
    PERFORM set_config('role', session_user, true);
    looked_at := plans.looked_at() - before_;
    RETURN NEXT;
END $$;
-- Of a page of the view for people, which sorts all that its caller sees.
CREATE FUNCTION plans.page_cost(who name, OUT looked_at numeric, OUT ids text) LANGUAGE plpgsql AS $$
DECLARE
    before_ numeric := plans.looked_at();
BEGIN
    PERFORM set_config('role', who, true);
    EXECUTE 'SELECT string_agg(q.id::text, '' '') FROM (SELECT * FROM rcq.queue LIMIT 3) q' INTO ids;
    PERFORM set_config('role', session_user, true);
    looked_at := plans.looked_at() - before_;
END $$;
CREATE FUNCTION plans.check_all(situation text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    who name;
    query text;
    c record;
BEGIN
    FOREACH who IN ARRAY ARRAY[session_user, 'regress_ann', 'regress_ben']::name[] LOOP
        FOREACH query IN ARRAY ARRAY['', 'status=pending', 'status=running', 'status=completed', 'status=failed', 'status=cancelled', 'before=50000', 'status=completed&before=30000'] LOOP
            SELECT * INTO c FROM plans.cost(who, 'list_jobs', query);
            RETURN NEXT ok(c.looked_at < 4000 AND c.answer -> 'jobs' IS NOT NULL, format('%s: %s lists "%s" (%s rows and entries)', situation, who, query, c.looked_at));
        END LOOP;
    END LOOP;
    SELECT * INTO c FROM plans.cost('regress_ann', 'get_job', 'id=777');
    RETURN NEXT ok(c.looked_at < 20 AND c.answer ->> 'id' = '777', format('%s: one job that has ended (%s)', situation, c.looked_at));
    SELECT * INTO c FROM plans.cost('regress_ann', 'get_job', 'id=100001');
    RETURN NEXT ok(c.looked_at < 20 AND c.answer ->> 'status' = 'pending', format('%s: one job that waits (%s)', situation, c.looked_at));
    SELECT * INTO c FROM plans.page_cost('regress_ben');
    RETURN NEXT ok(c.looked_at < 500 AND c.ids = '61000 62000 63000', format('%s: a page of the queue (%s)', situation, c.looked_at));
END $$;

SELECT plan(2 * 27 + 5);
SELECT plans.check_all('never analysed');
ANALYZE rcq_private.live; ANALYZE rcq_private.job; ANALYZE rcq_private.outcome;
DISCARD PLANS;
SELECT plans.check_all('analysed');

-- and what they find is right
SELECT is((SELECT count(*) FROM plans.cost(session_user, 'list_jobs', 'status=pending') c, json_array_elements(c.answer -> 'jobs') j WHERE j ->> 'status' = 'pending'), 50::bigint, 'administrators see 50 pending jobs');
SELECT is((SELECT string_agg(j ->> 'id', ' ') FROM plans.cost('regress_ben', 'list_jobs', 'status=pending&limit=3') c, json_array_elements(c.answer -> 'jobs') j), '120000 119000 118000', 'the newest pending ones of ben');
SELECT is((SELECT string_agg(j ->> 'id', ' ') FROM plans.cost('regress_ben', 'list_jobs', 'status=completed&limit=3') c, json_array_elements(c.answer -> 'jobs') j), '59000 58000 55000', 'the newest completed ones of ben');
SELECT is((SELECT string_agg(j ->> 'id', ' ') FROM plans.cost('regress_ben', 'list_jobs', 'status=failed&limit=2&offset=1') c, json_array_elements(c.answer -> 'jobs') j), '57000 54000', 'failed ones of ben behind the first');
BEGIN;
SELECT count(*) FROM rcq_private.outcome WHERE attempt = 1 \g /dev/null
SELECT cmp_ok(plans.looked_at(), '>=', 60000::numeric, 'reading all of them would have been counted');
COMMIT;
SELECT * FROM finish();

DROP EXTENSION rcq CASCADE;
DROP SCHEMA plans CASCADE;
DROP ROLE regress_ann;
DROP ROLE regress_ben;
