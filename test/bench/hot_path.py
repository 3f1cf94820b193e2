"""One client and one executor, without any peer: what a job costs the server, and how near the drain comes to bare statements."""
import contextlib
import os
import statistics
import time

from measuring import ProtocolExecutor, database, pgbench, server_cpu, submit_many, wal_position

RAW_TABLE = ("CREATE TABLE raw_job (id bigint PRIMARY KEY, status smallint DEFAULT 0, worker int, at timestamptz DEFAULT now(), payload text) "
             "WITH (fillfactor = 50)")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "raw.sql"), encoding="utf-8") as script:
    RAW_SCRIPT = script.read()


class Raw:
    """The raw limit: a plain table, claimed by key."""

    def __init__(self, db):
        self.db = db
        db.sql(RAW_TABLE)
        db.sql("CREATE SEQUENCE raw_batch")

    def rate(self, seconds):
        """Jobs per second: insert, claim and finish in batches of 500, one client."""
        return 500 * pgbench(self.db.server, self.db.name, RAW_SCRIPT, 1, seconds, batch=500)


def bare_insert(db, count):
    """Rows per second of INSERT ... SELECT of what the last `count` jobs have in their tables, into tables just like these."""
    with contextlib.closing(db.server.connect(db.name)) as connection, connection.cursor() as cursor:
        for table, key in (("job", "id"), ("live", "job_id")):
            cursor.execute(f"CREATE TEMP TABLE last_{table} AS SELECT * FROM rcq_private.{table} ORDER BY {key} DESC LIMIT {count}")
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE rcq_private.{'job_p0' if table == 'job' else table} INCLUDING ALL)")
        start = time.monotonic()
        cursor.execute("BEGIN; INSERT INTO bare_job SELECT * FROM last_job; INSERT INTO bare_live SELECT * FROM last_live; COMMIT")
        return count / (time.monotonic() - start)


def bulk_vs_insert(server):
    """rcq.submit_many as a share of the rate at which the same rows are merely stored."""
    size = 100000
    with database(server, "bulk") as db:
        return submit_many(db, size, hold=True) / bare_insert(db, size)


def hot_path(bench):
    count, rounds = (10000, 2) if bench.quick else (50000, 3)
    drains, raws, wals, cpus = [], [], [], []
    with database(bench.server, "drain") as db:
        raw = Raw(db)
        executor = ProtocolExecutor(db, "x", 4000)
        submit_many(db, count)
        executor.drain(count)
        for _ in range(rounds):
            db.sql("CHECKPOINT")
            wal = wal_position(db)
            submit_many(db, count)
            cpu = server_cpu(bench.server)
            drains.append(executor.drain(count))
            wals.append((wal_position(db) - wal) / count)
            cpus.append((server_cpu(bench.server) - cpu) * 10000 / count)
            raws.append(raw.rate(1 if bench.quick else 5))
        executor.connection.close()
    bench.report("drain_one_client", statistics.median(drains), "jobs/s")
    bench.report("raw_one_client", statistics.median(raws), "jobs/s")
    bench.report("wal_per_job", statistics.median(wals), "bytes")
    bench.report("cpu_per_10k", statistics.median(cpus), "s")
    if not bench.quick:
        bench.report("bulk_vs_insert", statistics.median(bulk_vs_insert(bench.server) for _ in range(3)), "ratio")
