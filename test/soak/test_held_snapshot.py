"""Somebody leaves a transaction open for as long as this takes: nothing that it may still see is vacuumed, and the queue goes on as if it
were not there. RCQ_SOAK_LONG: 30 minutes instead of 3."""
import contextlib
import json
import statistics
import threading
import time

from conftest import LONG

import harness
from measuring import ProtocolExecutor, server_cpu, wal_position

SECONDS = 1800 if LONG else 180
OFFERED, EVERY = 800, 0.05  # jobs per second, and how often some of them are submitted
PARTS = 10
SIZES = """
    SELECT pg_stat_get_dead_tuples('rcq_private.live'::regclass) + pg_stat_get_dead_tuples('rcq_private.command'::regclass) AS dead,
           pg_table_size('rcq_private.live') AS live, pg_indexes_size('rcq_private.live') AS live_indexes,
           pg_table_size('rcq_private.command') AS command, pg_indexes_size('rcq_private.command') AS command_indexes,
           (SELECT sum(pg_total_relation_size(i.inhrelid)) FROM pg_inherits i
             WHERE i.inhparent IN ('rcq_private.job'::regclass, 'rcq_private.outcome'::regclass))::bigint AS history"""
LOOKED_AT = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname IN ('live', 'command')"  # entries, also of what is gone


class Flow:
    """Jobs that come and are worked off, by a clock, until it is stopped; counts of both."""

    def __init__(self, db):
        self.db, self.stop = db, threading.Event()
        self.submitted = self.done = self.deepest = 0
        self.errors = []
        self.threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._submit, self._execute)]

    def _guarded(self, work):
        try:
            work()
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.errors.append(repr(error))

    def _submit(self):
        jobs = json.dumps([{"script": "true", "memory_gb": 0.01}] * int(OFFERED * EVERY))
        with contextlib.closing(self.db.server.connect(self.db.name)) as connection, connection.cursor() as cursor:
            due = time.monotonic()
            while not self.stop.is_set():
                cursor.execute("SELECT count(*) FROM rcq.submit_many(%s)", (jobs,))
                self.submitted += int(OFFERED * EVERY)
                self.deepest = max(self.deepest, self.submitted - self.done)
                due = max(due + EVERY, time.monotonic() - 10 * EVERY)  # a machine that was away need not catch up with all
                self.stop.wait(max(0.0, due - time.monotonic()))

    def _execute(self):
        executor = ProtocolExecutor(self.db, "x", 4000)
        while not self.stop.is_set() or self.done < self.submitted:
            step = executor.sync(500)
            self.done += step
            if step == 0 and not executor.finished:
                time.sleep(0.002)
        executor.connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)


def test_a_session_that_holds_a_snapshot_slows_nothing_down(server):
    db = harness.Database(server, "held")
    parts = []
    with Flow(db) as flow:
        harness.wait_for(lambda: flow.done > 5 * OFFERED or flow.errors, "jobs flow", 60)
        with contextlib.closing(server.connect(db.name)) as holder, holder.cursor() as cursor:
            holder.autocommit = False
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM rcq_private.outcome")
            seen = cursor.fetchall()
            for part in range(PARTS):
                flow.deepest = 0
                done, cpu, wal, entries, begun = flow.done, server_cpu(server), wal_position(db), db.one(LOOKED_AT), time.monotonic()
                flow.stop.wait(begun + SECONDS / PARTS - time.monotonic())
                jobs, seconds = flow.done - done, time.monotonic() - begun
                assert not flow.errors, flow.errors
                (sizes,) = db.sql(SIZES)
                parts.append({"rate": jobs / seconds, "deepest": flow.deepest, "cpu": (server_cpu(server) - cpu) / jobs * 1e6,
                              "wal": (wal_position(db) - wal) / jobs, "entries": (db.one(LOOKED_AT) - entries) / jobs, **sizes})
                print(f"\npart {part + 1}: {parts[-1]['rate']:.0f} jobs/s, at most {flow.deepest} waiting or running, {parts[-1]['cpu']:.0f} us of CPU and "
                      f"{parts[-1]['wal']:.0f} bytes of WAL and {parts[-1]['entries']:.0f} entries of indexes per job; {sizes['dead']} dead rows; "
                      + ", ".join(f"{name} {sizes[name] / 2**20:.0f} MiB" for name in sizes if name != "dead"), end="", flush=True)
            cursor.execute("SELECT count(*) FROM rcq_private.outcome")
            assert cursor.fetchall() == seen, "the snapshot was held all the time"
            holder.rollback()
    assert not flow.errors, flow.errors
    assert flow.done == flow.submitted == db.one("SELECT count(*) FROM rcq_private.outcome WHERE status = 'completed' AND attempt = 1")
    assert db.one("SELECT count(*) FROM rcq_private.live") == db.one("SELECT count(*) FROM rcq_private.command") == 0
    assert max(part["deepest"] for part in parts) < 1000
    assert parts[-1]["rate"] >= 0.95 * parts[0]["rate"]
    assert max(part["entries"] for part in parts) <= 50  # what is there is found without walking through what is gone
    # what a job costs does not grow with what cannot be vacuumed; two parts each, for a checkpoint or vacuum is in one or the other
    assert statistics.mean(part["wal"] for part in parts[-2:]) <= 1.3 * statistics.mean(part["wal"] for part in parts[:2])
