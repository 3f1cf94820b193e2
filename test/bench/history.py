"""What time leaves behind: dead rows that a snapshot holds back, and finished jobs."""
import contextlib

from depth import Drained, in_turns
from measuring import ProtocolExecutor, database, submit_many

FINISHED_JOBS = (
    "INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue, kill_on_disconnect, script) "
    "SELECT nextval('rcq_private.job_id'), now() - interval '60 days', 1, 1, 1, 1024, 0, 5, 0, true, false, 'true' FROM generate_series(1, %s)")
THEIR_OUTCOMES = (
    "INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status) "
    "SELECT id, submitted_at + interval '1 hour', 1, 1, 5, 1, 'completed' FROM rcq_private.job WHERE submitted_at < now() - interval '50 days'")


def held_snapshot(bench):
    """The drain while an idle REPEATABLE READ transaction holds back vacuum: last part against first."""
    count, parts = (5000, 4) if bench.quick else (40000, 11)
    with database(bench.server, "held") as db:
        executor = ProtocolExecutor(db, "x", 4000)
        submit_many(db, count)
        executor.drain(count)
        with contextlib.closing(bench.server.connect(db.name)) as holder:
            holder.autocommit = False
            holder.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
            rates = []
            for _ in range(parts):
                submit_many(db, count)
                rates.append(executor.drain(count))
            holder.rollback()
    bench.report("held_snapshot", rates[-1] / rates[0], "ratio")
    bench.keep("held", "rcq", [(count * (i + 1), rate / rates[0]) for i, rate in enumerate(rates)])


def history(bench):
    """The drain behind finished jobs, beside a cluster with an empty history."""
    finished, count = (100000, 4000) if bench.quick else (10000000, 20000)
    with contextlib.ExitStack() as stack:
        empty, full = Drained(stack, bench.server, "empty", count), Drained(stack, bench.server, "history", count)
        for first in range(0, finished, 1000000):
            full.db.sql(FINISHED_JOBS, min(1000000, finished - first))
        full.db.sql(THEIR_OUTCOMES)
        full.db.sql("CHECKPOINT")
        in_turns(empty, full, rounds=2 if bench.quick else 3)
        bench.report("history_100k" if bench.quick else "history_10m", full.rate / empty.rate, "ratio")
