\set ECHO none
-- What every regression test ends with: nothing is left, and the scheduler has gone.
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS rcq CASCADE;
\pset tuples_only on
\pset format unaligned
\pset footer off
SELECT 'the scheduler did not leave within 20 s' WHERE t.wait($$NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database())$$) <> 'yes';
DROP SCHEMA t CASCADE;
DROP ROLE IF EXISTS regress_boss, regress_ann, regress_ben, regress_cat, regress_node_a, regress_node_b;
\set QUIET off
\set ECHO all
