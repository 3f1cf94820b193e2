#!/usr/bin/env python3
"""The shape of the tables as they were built, beside its nearest rivals: prints WAL per job by table and kind of record, then what
another fillfactor of `live` and each index of `outcome` and `job` cost. `RCQ_PG_CONFIG=... test/bench/shape/real.py [JOBS]`"""
import collections
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..")]
import harness  # noqa: E402
from measuring import SETTINGS, ProtocolExecutor, database, server_cpu, submit_many  # noqa: E402

BATCH, ROUNDS = 500, 3
RECORD = re.compile(r"rmgr: (\w+) +len \(rec/tot\): *(\d+)/ *(\d+),.*?desc: (\S+)(?:.*?rel (\d+)/(\d+)/(\d+))?")


def lifecycle(db, executor, jobs):
    """Submits and drains so many jobs; returns the WAL positions before and after, and the server's CPU seconds."""
    before, cpu = db.one("SELECT pg_current_wal_insert_lsn()::text"), server_cpu(db.server)
    submit_many(db, jobs)
    executor.drain(jobs, BATCH)
    return before, db.one("SELECT pg_current_wal_insert_lsn()::text"), server_cpu(db.server) - cpu


def wal_by_relation(db, begin, end, jobs):
    """Bytes per job of {(table, what)}; full-page images apart. Row locks are a kind of their own, for they can be done without."""
    names = {row["node"]: (row["of"], row["kind"]) for row in db.sql(
        "SELECT pg_relation_filenode(c.oid) AS node, coalesce(i.indrelid, c.oid)::regclass::text AS of, "
        "CASE WHEN i.indexrelid IS NULL THEN 'rows' ELSE 'index ' || c.relname END AS kind "
        "FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relkind IN ('r', 'i')")}
    db.sql("SELECT pg_switch_wal()")
    dump = subprocess.run([os.path.join(db.server.bin, "pg_waldump"), "-p", os.path.join(db.server.data, "pg_wal"), "-s", begin, "-e", end],
                          stdout=subprocess.PIPE, text=True, check=True, **harness.run_as()).stdout
    bytes_of = collections.Counter()
    for record in RECORD.finditer(dump):
        manager, length, total, description, _, _, node = record.groups()
        table, kind = names.get(int(node), ("others", manager)) if node else ("none", manager)
        if manager.startswith("Heap") and description.startswith("LOCK"):
            kind = "row locks"
        bytes_of[table.removeprefix("rcq_private."), kind] += int(length) / jobs
        bytes_of["none", "full-page images"] += (int(total) - int(length)) / jobs
    return bytes_of


def measure(server, name, jobs, change=None):
    """WAL bytes and CPU us per job, and HOT percentage of `live`, medians, after a change to the tables."""
    with database(server, name) as db:
        executor = ProtocolExecutor(db, "x", 4000)
        lifecycle(db, executor, BATCH)  # makes the first partition
        if change:
            db.sql(change)
        lifecycle(db, executor, jobs)
        wals, cpus = [], []
        for _ in range(ROUNDS):
            begin, end, cpu = lifecycle(db, executor, jobs)
            wals.append(sum(size for (_, kind), size in wal_by_relation(db, begin, end, jobs).items() if kind != "full-page images"))
            cpus.append(cpu * 1e6 / jobs)
        harness.wait_for(lambda: db.one("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'live'") > 0, "the statistics of live")
        hot = db.one("SELECT round(100.0 * n_tup_hot_upd / n_tup_upd, 1) FROM pg_stat_user_tables WHERE relname = 'live'")
        executor.connection.close()
    print(f"{name:32} {statistics.median(wals):7.0f} bytes {statistics.median(cpus):6.1f} us {hot:5} % HOT", flush=True)


def tables(server, jobs):
    """Prints where the WAL of a job goes."""
    with database(server, "tables") as db:
        executor = ProtocolExecutor(db, "x", 4000)
        lifecycle(db, executor, jobs)
        begin, end, _ = lifecycle(db, executor, jobs)
        for (table, kind), size in sorted(wal_by_relation(db, begin, end, jobs).items(), key=lambda item: -item[1]):
            if size >= 1:
                print(f"{table:20} {kind:40} {size:7.1f} bytes per job")
        executor.connection.close()


PARTIAL_INDEXES_AWAY = """DO $$ DECLARE i regclass; BEGIN
    FOR i IN SELECT indexrelid FROM pg_index WHERE indpred IS NOT NULL
                AND indrelid IN ('rcq_private.job_p0'::regclass, 'rcq_private.outcome_p0'::regclass) LOOP
        EXECUTE 'DROP INDEX ' || i;
    END LOOP;
END $$"""


def main():
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    server = harness.Server(**SETTINGS, wal_keep_size="4GB")
    try:
        tables(server, jobs)
        measure(server, "as_installed", jobs)
        for fillfactor in (25, 50, 100):
            measure(server, f"live_fillfactor_{fillfactor}", jobs, f"ALTER TABLE rcq_private.live SET (fillfactor = {fillfactor})")
        measure(server, "history_without_partial_indexes", jobs, PARTIAL_INDEXES_AWAY)
        measure(server, "live_without_index_by_user", jobs, "DROP INDEX rcq_private.live_user")
        measure(server, "as_installed_again", jobs)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
