"""Jobs that come in other shapes: graphs, arrays, jobs whose time has not come."""
import json
import statistics
import time

import harness
from measuring import ProtocolExecutor, database, submit_many, submit_pending


def graphs(bench):
    """A graph of jobs in 100 levels, each of which needs three jobs of the level before: submission, and until all have ended."""
    levels, width = (20, 50) if bench.quick else (100, 100)
    size = "1k" if bench.quick else "10k"
    with database(bench.server, "dag") as db:
        executor = ProtocolExecutor(db, "x", 4000)
        graph = json.dumps([{"key": f"{level}.{i}", "script": "true", "memory_gb": 0.01,
                             **({"needs": [f"{level - 1}.{(i * 7 + k) % width}" for k in range(3)]} if level else {})}
                            for level in range(levels) for i in range(width)])
        start = time.monotonic()
        db.sql("SELECT count(*) FROM rcq.submit_graph(%s)", graph)
        bench.report(f"dag_submit_{size}", time.monotonic() - start, "s")
        executor.drain(levels * width)
        bench.report(f"dag_{size}", time.monotonic() - start, "s")
        # and one that fails from its first job on
        chain = json.dumps([{"key": str(i), "script": "true", "hold": i == 0, **({"needs": [str(i - 1)]} if i else {})} for i in range(levels * width)])
        first = db.one("SELECT min(job_id) FROM rcq.submit_graph(%s)", chain)
        start = time.monotonic()
        db.sql("SELECT rcq.cancel(%s)", first)
        harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.live") == 0, "the whole chain failed", 120)
        bench.report(f"dag_chain_fails_{size}", time.monotonic() - start, "s")


def arrays(bench):
    """Submission of a million tasks, and their drain against that of as many jobs of their own; a drain beside a million jobs whose
    time has not come."""
    count, delayed, rounds = (4000, 20000, 2) if bench.quick else (50000, 1000000, 3)
    times, tasks, jobs, beside = [], [], [], []
    with database(bench.server, "arrays") as db:
        executor = ProtocolExecutor(db, "x", 4000)
        for _ in range(3):
            start = time.monotonic()
            job = db.one("SELECT rcq.submit('true', \"array\" => '1-1000000', hold => true)")
            times.append((time.monotonic() - start) * 1000)
            db.sql("SELECT rcq.cancel(%s)", job)
        bench.report("array_submit_1m", statistics.median(times), "ms")
        for _ in range(rounds):
            submit_many(db, count)
            jobs.append(executor.drain(count))
            db.sql("SELECT rcq.submit('true', memory_gb => 0.01, \"array\" => %s)", f"1-{count}")
            tasks.append(executor.drain(count))
        bench.report("array_vs_jobs", statistics.median(tasks) / statistics.median(jobs), "ratio")
        submit_pending(db, delayed, begin_time="2035-01-01T00:00:00Z")
        for _ in range(rounds):
            submit_many(db, count)
            beside.append(executor.drain(count))
        bench.report("delayed_20k" if bench.quick else "delayed_1m", statistics.median(beside) / statistics.median(jobs), "ratio")
        executor.connection.close()
