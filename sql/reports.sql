-- Reports of ended runs: of jobs in several parts of the history at once, larger than anything an executor sends, and
-- with values that fit nowhere.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT t.register(cpu_cores => 8, memory_gb => 8);
RESET ROLE;

-- jobs of three parts of the history run at once
SELECT rcq.set('history_partition_jobs', '1000');
SELECT rcq.submit('job 1', max_retries => 1, cpu_cores => 1), rcq.submit('job 2', cpu_cores => 1);
SELECT setval('rcq_private.job_id', 20000);
SELECT rcq.submit('of a later part', max_retries => 1, cpu_cores => 1);
SELECT setval('rcq_private.job_id', 40000);
SELECT rcq.submit('of the newest part', cpu_cores => 1);
SET ROLE regress_node_a;
SELECT * FROM t.take(4) ORDER BY job;
-- they end in one call, two of them to be run again
SELECT t.ended(1, exit_code => 3) || t.ended(2) || t.ended(20001, exit_code => 4) || t.ended(40001, exit_code => 5) AS ends \gset
SELECT * FROM t.sync(finished => :'ends') ORDER BY job;
SELECT * FROM t.take(2) ORDER BY job;
SELECT * FROM t.sync(finished => t.ended(1) || t.ended(20001, 'oom')) ORDER BY job;
-- each end is told once, and found again wherever it lies
SELECT * FROM t.sync(finished => :'ends') ORDER BY job;
SELECT * FROM t.sync(finished => jsonb_set(jsonb_set(:'ends', '{0,token}', '4711'), '{3,token}', '4711')) ORDER BY job;
RESET ROLE;
SELECT o.tableoid = format('rcq_private.outcome_p%s', h.first_id)::regclass AS in_its_part, o.job_id, o.attempt, o.status, o.reason, o.exit_code
  FROM rcq_private.outcome o JOIN rcq.history h ON o.job_id BETWEEN h.first_id AND h.last_id ORDER BY o.job_id;
SELECT r.tableoid = format('rcq_private.run_p%s', h.first_id)::regclass AS in_its_part, r.job_id, r.attempt, r.reason, r.exit_code
  FROM rcq_private.run r JOIN rcq.history h ON r.job_id BETWEEN h.first_id AND h.last_id ORDER BY r.job_id, r.attempt;

-- values that fit nowhere: the whole call is refused, and the run goes on
SELECT rcq.submit('job 40002', cpu_cores => 1);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT code, left(message, 80) AS message FROM t.errors($$SELECT t.sync(finished => t.ended(40002, more => '{"job_id": 1e30}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"token": 9223372036854775808}'))$$,
    $$SELECT t.sync(finished => t.ended(40002, more => '{"exit_code": "one"}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"exit_code": 2147483648}'))$$,
    $$SELECT t.sync(finished => t.ended(40002, more => '{"signal": 1.5}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"signal": {}}'))$$,
    $$SELECT t.sync(finished => t.ended(40002, more => '{"cpu_seconds": 1e300}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"ended_ago_s": true}'))$$,
    $$SELECT t.sync(finished => t.ended(40002, more => '{"ended_ago_s": 1e400}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"peak_memory_mib": []}'))$$,
    $$SELECT t.sync(finished => t.ended(40002, more => '{"output_dir": "d", "files": {}}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"output_dir": "d", "files": "f"}'))$$,
    $$SELECT t.sync(finished => t.ended(40002, more => '{"output_dir": "d", "files": [1]}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"output_dir": "d", "files": [{"bytes": "many"}]}'))$$,
    $$SELECT t.sync(finished => t.ended(40002) || '[[]]')$$, $$SELECT t.sync(finished => t.ended(40002) || '[{"job_id": 40002}]')$$, $$SELECT t.sync(finished => '1')$$, $$SELECT t.sync(finished => 'null')$$,
    $$SELECT t.sync(usage => '[{"job_id": 40002, "token": 1, "cpu_seconds": 1e39}]')$$, $$SELECT t.sync(usage => '"x"')$$);
-- what is no text of the database comes no farther than the type
SELECT code FROM t.errors($$SELECT t.sync(finished => t.ended(40002, more => '{"message": "\ud800"}'))$$, $$SELECT t.sync(finished => t.ended(40002, more => '{"message": "\u0000"}'))$$);
-- a key in double counts as its last value, a number may be a text, and what is unknown or null does not count
SELECT * FROM t.sync(usage => '[{"job_id": 40002, "token": 1}, {"cpu_seconds": 5}, {"job_id": null, "token": 5, "no": [{}]}]');
RESET ROLE;
SELECT status FROM rcq.jobs WHERE id = 40002;

-- larger than anything an executor sends: 3 MB of message, 10,000 files
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(40002, more => jsonb_build_object('exit_code', '1', 'message', repeat('€', 1000000), 'output_dir', repeat('ü', 100000), 'signal', NULL, 'ended_ago_s', 'NaN',
    'files', (SELECT jsonb_agg(jsonb_build_object('name', repeat('ñ', 2000), 'bytes', CASE WHEN k > 1 THEN 9223372036854775807 END)) FROM generate_series(1, 10000) k))));
RESET ROLE;
SELECT status, exit_code, message = repeat('€', 1000) AS message_is_cut, ended_at = started_at AS ended_at_once FROM rcq.jobs WHERE id = 40002;
SELECT output->>'dir' = repeat('ü', 4096) AS directory_is_cut, jsonb_array_length(output->'files') AS files, output->'files'->0->>'name' = repeat('ñ', 1000) AS name_is_cut,
       output->'files'->0->>'bytes' AS bytes_of_the_first, output->'files'->1->>'bytes' AS bytes_of_the_next FROM rcq_private.outcome WHERE job_id = 40002;
-- and thousands of reports in one call, each answered once; what runs ends among them
SELECT rcq.submit('job 40003', cpu_cores => 1);
SET ROLE regress_node_a;
SELECT * FROM t.take();
SELECT body, count(*), count(DISTINCT job) FROM t.sync(finished => (SELECT jsonb_agg(jsonb_build_object('job_id', k, 'token', k, 'end', 'oom')) FROM generate_series(50000, 54999) k) || t.ended(40003)
    || (SELECT jsonb_agg(jsonb_build_object('job_id', k, 'token', k, 'end', 'oom')) FROM generate_series(54999, 50000, -1) k)) WHERE kind = 'answer' GROUP BY body ORDER BY body;
RESET ROLE;
SELECT status, exit_code FROM rcq.jobs WHERE id = 40003;

-- no run is left, and no command
SELECT (SELECT count(*) FROM rcq_private.live) AS live, (SELECT count(*) FROM rcq_private.command) AS commands;
\i :end
