-- The raw limit: what a table of 240-byte rows takes, claimed by key, with no index that mentions status. :batch jobs are
-- inserted, claimed and finished, each step one statement and one transaction.
SELECT nextval('raw_batch') * :batch::bigint AS first \gset
\set last :first + :batch - 1
INSERT INTO raw_job (id, payload) SELECT i, repeat('x', 180) FROM generate_series(:first::bigint, :last::bigint) i;
UPDATE raw_job SET status = 1, worker = 1 WHERE id BETWEEN :first::bigint AND :last::bigint;
UPDATE raw_job SET status = 2 WHERE id BETWEEN :first::bigint AND :last::bigint;
