-- What nobody but superusers can call refuses what cannot be, instead of taking the server down.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
CREATE EXTENSION rcq;
SELECT no_plan();

SELECT throws_ok(format($$SELECT rcq_private.enqueue_for((SELECT u FROM rcq_private.users u LIMIT 1), rcq_private.parse_requests('[{"script": "true"}]'), NULL, ARRAY[%s]::rcq_private.edge[])$$, edge), '22023', NULL, 'no edge ' || edge)
  FROM unnest(ARRAY['(2, 1, ''afterok'')', '(1, 0, ''afterok'')', '(1, -2147483648, ''afterok'')', '(NULL, NULL, ''afterok'')', '(1, 1, NULL)']) edge;
SELECT throws_ok($$SELECT rcq_private.enqueue_for(NULL, rcq_private.parse_requests('[{"script": "true"}]'))$$, '22004', NULL, 'somebody submits');
SELECT throws_ok('SELECT rcq_private.new_job_ids(2147483647)', '54000', NULL, 'ids are drawn in numbers that there is memory for');
SELECT throws_ok('SELECT rcq_private.draw_job_ids(NULL, -1)', '54000', NULL, 'and not fewer than none');
-- ids far ahead take few and wide parts of the history, not more than there are locks for
SELECT lives_ok('SELECT rcq_private.add_partitions(rcq_private.partitioned_to() + 10000000000)', 'ids may be far ahead');
SELECT cmp_ok((SELECT count(*) FROM rcq_private.history_partition), '<=', 55::bigint, 'and have few parts of the history');
SELECT lives_ok('SELECT rcq_private.add_partitions(9223372036854775806)', 'as far as there are ids');
SELECT throws_ok($$SELECT rcq_private.check_payload('{"status": 1}', '{}', 100)$$, '22023', NULL, 'a payload is not checked by what is no schema');
SELECT throws_ok($$SELECT rcq_private.find_cycle(1, '{1}', '{2}')$$, '22023', NULL, 'an edge is between two nodes');
SELECT throws_ok($$SELECT rcq_private.find_cycle(1, '{NULL}', '{1}')$$, '22004', NULL, 'none of which is NULL');
SELECT throws_ok($$SELECT rcq_private.find_cycle(2147483647, '{23}', '{5}')$$, '54000', NULL, 'nodes are of a number that there is memory for');
SELECT throws_ok($$SELECT rcq_private.metrics_text('', '{}', '{}', '{job}', '{much}')$$, '22P02', NULL, 'the size of a table is a number');
-- a stored constraint that is malformed, beside features: no executor will do, and the scheduler goes on
SELECT lives_ok($$SELECT rcq_private.pending_state(1, 1, 1, 5, 1, 1024, 0, '{a,b}', false, now(), NULL, NULL, 'a &', NULL, false, false, NULL, NULL, NULL, 0, 0)$$, 'a malformed constraint beside features is no error');

SELECT * FROM finish();
ROLLBACK;
