\echo Use "ALTER EXTENSION rcq UPDATE TO '0.5'" to load this file. \quit

-- From 0.4 to what a fresh 0.5 has. `make` puts in the pieces that are named by --include, see expand.awk.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Everybody waits at the door: what calls read first is locked first, so that those under way can end. One that crosses
-- our locks all the same finds out before we do, and is refused in our stead; that is most often a sync, which its
-- executor repeats.
SET LOCAL deadlock_timeout TO '1min';
LOCK TABLE rcq_private.home, rcq_private.setting_definition, rcq_private.setting, rcq_private.users, rcq_private.executor, rcq_private.groups,
    rcq_private.job, rcq_private.live, rcq_private.outcome, rcq_private.run, rcq_private.command, rcq_private.log, rcq_private.usage;

--include 01-http-roles.sql of 0.5 32 71
ALTER TABLE rcq_private.users
    ADD COLUMN disabled text;
COMMENT ON COLUMN rcq_private.users.disabled IS 'Reason why the user may do nothing, neither in SQL nor over HTTP; NULL = not disabled';
DROP FUNCTION rcq.set_user(text, text, boolean, integer, numeric, integer, integer, integer, integer, boolean, text, boolean);
INSERT INTO rcq_private.setting_definition (name, type, default_value, minimum, maximum, choices, unit, description) VALUES
('http_statement_timeout', 'duration', '10 seconds', 0.1, 3600, NULL, NULL, 'A request over HTTP that takes the database longer is cancelled'),
('jwt_expiry', 'duration', '24 hours', 60, 31536000, NULL, NULL, 'How long a login over HTTP lasts'),
('login_failures', 'integer', '5', 1, 1000, NULL, 'failures', 'After so many failed logins with one e-mail address, further ones must wait: 2 s, then twice as long after each failure, at most 15 minutes'),
('password_cost', 'integer', '10', 4, 14, NULL, NULL, 'Work factor of bcrypt for passwords that are set from now on; each step doubles the time of a login'),
('request_rate_per_user', 'integer', '6000', 0, 10000000, NULL, 'requests per minute', 'Requests of one user over HTTP; what is faster is refused, after a burst of a tenth of it, at least 20; 0 = no limit');
UPDATE rcq_private.setting_definition d SET parsed = rcq_private.setting_value(d, d.default_value) WHERE d.parsed IS NULL;

-- lists of one's unfinished jobs, newest first
DROP INDEX rcq_private.live_user;
CREATE INDEX live_user ON rcq_private.live (user_id, job_id);
-- 21-history-partitions.sql says what partitions are indexed by: those that are there get what is new
--include 21-history-partitions.sql of 0.5 865 980
DO $$
DECLARE
    i record;
BEGIN
    FOR i IN SELECT pg_catalog.format('%s_p%s', h.parent, p.first_id) AS part, h.suffix, h.definition
               FROM rcq_private.history_partition p, rcq_private.history_indexes() h WHERE h.suffix OPERATOR(pg_catalog.=) ANY ('{all_failed,all_cancelled,user_failed,user_cancelled}') LOOP
        EXECUTE pg_catalog.format('CREATE INDEX %I ON rcq_private.%I %s', i.part || '_' || i.suffix, i.part, i.definition);
    END LOOP;
END $$;

DROP FUNCTION rcq_private.parse_requests(jsonb);

-- Types that a piece makes, with the functions that know them.
DROP FUNCTION rcq_private.parse_reports(jsonb);
DROP FUNCTION rcq_private.end_runs(integer, rcq_private.run_report[]);
DROP TYPE rcq_private.run_report;

--include 17-http-tables.sql of 0.5 629 674
--include 18-audit-tables.sql of 0.5 675 703
--include 20-library.sql of 0.5 704 864
--include 30-submit.sql of 0.5 1269 1725
--include 31-control.sql of 0.5 1726 1920
--include 32-arrays.sql of 0.5 1921 2265
--include 34-resubmit.sql of 0.5 2668 2812
--include 40-runs.sql of 0.5 3339 3542
--include 41-executor-functions.sql of 0.5 3543 3894
--include 50-views.sql of 0.5 3945 4243
--include 60-admin.sql of 0.5 5013 5355
--include 61-limits.sql of 0.5 5356 5511
--include 64-passwords.sql of 0.5 5512 5695
--include 64-tokens.sql of 0.5 5696 5834
--include 70-history.sql of 0.5 5835 6098
--include 75-metrics.sql of 0.5 6099 6128
--include 76-audit.sql of 0.5 6129 6252
--include 80-rest-answers.sql of 0.5 6253 6332
--include 81-rest-auth.sql of 0.5 6333 6523
--include 82-rest-jobs.sql of 0.5 6524 6801
--include 82-rest-submit.sql of 0.5 6802 6915
--include 83-rest-queue.sql of 0.5 6916 7060
--include 84-rest-admin.sql of 0.5 7061 7321
--include 84-rest-statistics.sql of 0.5 7322 7383
--include 85-rest-observe.sql of 0.5 7384 7516
--include 86-api-views.sql of 0.5 7517 7541
--include 87-api-functions.sql of 0.5 7542 7647

-- 90-grants.sql makes all of them but that of 35-typed-jobs.sql.
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT o.polname, c.relname FROM pg_catalog.pg_policy o JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) o.polrelid
              WHERE c.relnamespace OPERATOR(pg_catalog.=) 'rcq_private'::pg_catalog.regnamespace AND c.relname OPERATOR(pg_catalog.<>) 'task_type' LOOP
        EXECUTE pg_catalog.format('DROP POLICY %I ON rcq_private.%I', p.polname, p.relname);
    END LOOP;
END $$;
--include 90-grants.sql of 0.5 7648 7816
--include 95-postgrest.sql of 0.5 7817 7819
SELECT rcq_private.definitions_changed();
