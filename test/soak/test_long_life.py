"""A queue that has been in use for years: what is over costs those who come now nothing, is found at once, and is dropped beside the work.
RCQ_SOAK_LONG: 10,000,000 finished jobs instead of 200,000."""
import contextlib
import statistics
import threading
import time

from conftest import LONG

import harness
from measuring import ProtocolExecutor, database, server_cpu, submit_many

FINISHED = 10_000_000 if LONG else 200_000
PART = FINISHED // 10
DRAINED, LEAST_ROUNDS, MOST_ROUNDS = 10_000, 5, 15

# People, names and ends as they come: three quarters of the jobs are one person's, every 5,000th is ann's; one in twenty failed, one in
# fifty was cancelled, one in ten ran twice and one in ten printed something.
JOBS = """
    INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue, kill_on_disconnect,
                                 estimate, name, project, script)
    SELECT i, now() - interval '90 days' + make_interval(secs => i * 0.5), CASE WHEN i %% 5000 = 0 THEN %(ann)s WHEN i %% 4 = 0 THEN %(ben)s ELSE 1 END, 1, 1 + i %% 4, 1024, 0, 5, 0, true, false,
           '1 hour', CASE WHEN i %% 5 = 0 THEN 'step-' || i %% 1000 END, CASE WHEN i %% 10 = 0 THEN 'genome' END, 'python3 analyse.py --sample ' || i
      FROM generate_series(%(first)s::bigint, %(last)s) i"""
OUTCOMES = """
    INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, executor_id, exit_code, placed_at, claimed_at, token, peak_memory_mib, cpu_seconds, status, reason)
    SELECT j.id, j.submitted_at + interval '1 hour', j.user_id, 1, 5, 1 + (j.id %% 10 = 0)::integer, CASE WHEN j.id %% 50 <> 7 THEN 1 END, CASE WHEN j.id %% 20 = 3 THEN 1 ELSE 0 END,
           j.submitted_at + interval '1 minute', j.submitted_at + interval '61 s', j.id, 100, 55.5,
           CASE WHEN j.id %% 50 = 7 THEN 'cancelled' WHEN j.id %% 20 = 3 THEN 'failed' ELSE 'completed' END, CASE WHEN j.id %% 50 <> 7 AND j.id %% 20 = 3 THEN 'exit_code' END
      FROM rcq_private.job j WHERE j.id BETWEEN %(first)s AND %(last)s"""
RUNS = """
    INSERT INTO rcq_private.run (job_id, attempt, user_id, executor_id, ended_at, placed_at, claimed_at, token, exit_code, reason)
    SELECT j.id, 1, j.user_id, 1, j.submitted_at + interval '30 minutes', j.submitted_at, j.submitted_at + interval '1 s', j.id, 1, 'exit_code'
      FROM rcq_private.job j WHERE j.id BETWEEN %(first)s AND %(last)s AND j.id %% 10 = 0"""
LOGS = """
    INSERT INTO rcq_private.log (job_id, attempt, seq, user_id, lines, at, stream, data)
    SELECT j.id, 1, 0, j.user_id, 1, j.submitted_at, 'stdout', 'sample done' FROM rcq_private.job j WHERE j.id BETWEEN %(first)s AND %(last)s AND j.id %% 10 = 5"""
# and as many small ones of all kinds, as the reports of 500 runs each leave
USAGE = """
    INSERT INTO rcq_private.usage (at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds, since)
    SELECT now() - interval '90 days' + make_interval(secs => i * 0.5), 1, 1, 500, 500, 0, now() - interval '91 days' + make_interval(secs => i * 0.5)
      FROM generate_series(%(first)s::bigint, %(last)s, 500) i"""


class Cluster:
    """A queue with one executor that does nothing but claim and report; what its drains cost."""

    def __init__(self, stack, server, name, finished=0):
        self.db = stack.enter_context(database(server, name, lease="1 hour", lost_after="2 hours", claim_timeout="1 hour",
                                               history_partition_jobs=str(PART)))
        self.executor = ProtocolExecutor(self.db, "x", 4000)
        self.rates, self.costs = [], []
        self.ann, ben = self.db.user("ann"), self.db.user("ben")
        if finished:
            ids = {"ann": self._id(self.ann), "ben": self._id(ben)}
            self.db.sql("SELECT rcq_private.ensure_partitions(%s)", finished + PART)
            for first in range(1, finished + 1, 1_000_000):
                for query in (JOBS, OUTCOMES, RUNS, LOGS, USAGE):
                    self._fill(query, {"first": first, "last": min(first + 999_999, finished), **ids})
            self.db.sql("SELECT setval('rcq_private.job_id', %s)", finished)
            self.db.sql("ANALYZE rcq_private.job, rcq_private.outcome")  # as autovacuum does in time
            self.db.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")  # the next one begins with all of it
            harness.wait_for(lambda: self.db.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running' AND last_cycle_at IS NOT NULL"), "the next scheduler", 60)
            self.db.sql("CHECKPOINT")

    def _id(self, role):
        return self.db.one("SELECT id FROM rcq.users WHERE role_name = %s", role)

    def _fill(self, query, values):
        with contextlib.closing(self.db.server.connect(self.db.name)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)

    def drain(self):
        submit_many(self.db, DRAINED)
        cpu = server_cpu(self.db.server)
        self.rates.append(self.executor.drain(DRAINED))
        self.costs.append((server_cpu(self.db.server) - cpu) / DRAINED * 1e6)

    def looked_at(self, query, *parameters, user="postgres"):
        """Rows and index entries that a query looks at, and what it answers."""
        seen = "SELECT sum(pg_stat_get_xact_tuples_returned(c.oid)) FROM pg_class c WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relkind IN ('r', 'i')"
        with contextlib.closing(self.db.server.connect(self.db.name)) as connection, connection.cursor() as cursor:
            connection.autocommit = False
            cursor.execute(f'SET SESSION AUTHORIZATION "{user}"')
            cursor.execute(query, parameters)
            answer = cursor.fetchall()
            cursor.execute("RESET SESSION AUTHORIZATION")
            cursor.execute(seen)
            return int(cursor.fetchone()[0]), answer


def test_ten_million_finished_jobs_cost_nobody_anything(server):
    with contextlib.ExitStack() as stack:
        empty, full = Cluster(stack, server, "new"), Cluster(stack, server, "old", FINISHED)
        assert len(full.db.sql("SELECT * FROM rcq.history")) >= 10
        dispatch(empty, full)
        views(full)
        prune(full)


def dispatch(empty, full):
    """Drains in turns, until their medians have settled: what one costs the server, and how fast it is."""
    for cluster in (empty, full):
        cluster.drain()
        cluster.rates.clear()
        cluster.costs.clear()
    for rounds in range(1, MOST_ROUNDS + 1):
        for cluster in (empty, full) if rounds % 2 else (full, empty):
            cluster.drain()
        rate = statistics.median(full.rates) / statistics.median(empty.rates)
        cost = statistics.median(full.costs) / statistics.median(empty.costs)
        if rounds >= LEAST_ROUNDS and rate >= 0.95 and cost <= 1.05:
            break
    print(f"\nbehind {FINISHED} finished jobs: {statistics.median(full.rates):.0f} jobs/s and {statistics.median(full.costs):.0f} us of CPU per job, "
          f"{rate:.3f} and {cost:.3f} times what it is behind none ({rounds} rounds)", flush=True)
    assert rate >= 0.95 and cost <= 1.05


def views(full):
    """What people look at is found by key, whatever is behind it: rows and index entries are counted, not seconds."""
    some = FINISHED // 2 // 5000 * 5000  # one of ann's, in the middle
    few = max(500_000, FINISHED // 20)  # where the planner may find it cheaper to read an index, a small part as a whole, or rows of jobs that ended just now
    looks = {
        "one job": ("postgres", 40, 1, "SELECT * FROM rcq.jobs WHERE id = %s", some),
        "one job of one's own": (full.ann, 40, 1, "SELECT * FROM rcq.jobs WHERE id = %s", some),
        "all jobs of one's own": (full.ann, few, FINISHED // 5000, "SELECT id, status, script FROM rcq.jobs",),
        "one's own that failed": (full.ann, few, 0, "SELECT id, reason FROM rcq.jobs WHERE status = 'failed'",),
        "a page of history": ("postgres", few, 100, "SELECT id, status, name FROM rcq.jobs WHERE id BETWEEN %s AND %s ORDER BY id DESC", some, some + 99),
        "a list of jobs": ("postgres", few, 3, "SELECT id, status FROM rcq.jobs WHERE id = ANY (%s)", [some, some + 1, 2]),
        "what runs": ("postgres", few, 0, "SELECT * FROM rcq.jobs WHERE status = 'running'",),
        "the queue": ("postgres", few, 0, "SELECT * FROM rcq.queue LIMIT 20",),
        "runs of a job": ("postgres", 60, 2, "SELECT * FROM rcq.runs WHERE job_id = %s", some),
        "why a job is where it is": ("postgres", 100, 1, "SELECT * FROM rcq.explain(%s)", some),
        "output of a job": (full.ann, 60, 0, "SELECT * FROM rcq.logs(%s)", some),
        "the parts of history": ("postgres", 60 * len(full.db.sql("SELECT * FROM rcq.history")), None, "SELECT * FROM rcq.history",),
    }
    for what, (user, most, rows, query, *parameters) in looks.items():
        begun = time.monotonic()
        looked_at, answer = full.looked_at(query, *parameters, user=user)
        print(f"{what}: {looked_at} rows and entries, {1000 * (time.monotonic() - begun):.0f} ms", flush=True)
        assert rows is None or len(answer) == rows, what
        assert looked_at <= most, what


@contextlib.contextmanager
def work(cluster):
    """Somebody who submits, and the executor that claims and ends: how long their calls took, in seconds."""
    stop, errors, took = threading.Event(), [], {"submit": [], "sync": []}

    def timed(name, call):
        begun = time.monotonic()
        result = call()
        took[name].append(time.monotonic() - begun)
        return result

    def submit():
        with contextlib.closing(cluster.db.server.connect(cluster.db.name)) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                timed("submit", lambda: cursor.execute("SELECT rcq.submit('true', memory_gb => 0.01)"))
                stop.wait(0.005)

    def execute():
        while not stop.is_set():
            timed("sync", lambda: cluster.executor.sync(100))
            stop.wait(0.002)

    def guarded(call):
        try:
            call()
        except Exception as error:  # pylint: disable=broad-exception-caught
            errors.append(repr(error))

    threads = [threading.Thread(target=guarded, args=(call,)) for call in (submit, execute)]
    for thread in threads:
        thread.start()
    try:
        yield took, errors
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def prune(full):
    """History goes part by part while jobs come and go, and a reader who holds a part keeps that part and nobody."""
    db = full.db
    first_ids = "SELECT min(first_id) FROM rcq.history"
    db.sql("SELECT rcq_private.close_history()")
    harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq.history WHERE state = 'closed'") >= 9, "what is over is closed", 60)
    with work(full) as (took, errors):
        with contextlib.closing(db.server.connect(db.name)) as reader, reader.cursor() as cursor:
            reader.autocommit = False
            cursor.execute("SELECT * FROM rcq.jobs WHERE id = 2")
            assert len(cursor.fetchall()) == 1
            db.set(history_retention="1 s")
            harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.history WHERE first_id = 0 AND prune_waiting_since IS NOT NULL") or errors, "dropping waits for the reader", 60)
            calls = len(took["submit"])
            harness.wait_for(lambda: len(took["submit"]) > calls + 500 or errors, "jobs come all the same", 60)
            assert db.one(first_ids) == 0
            reader.rollback()
        harness.wait_for(lambda: db.one(first_ids) >= 8 * PART or errors, "the parts whose time is over are dropped", 600)
    assert errors == []
    for name, seconds in took.items():
        seconds.sort()
        print(f"{name}: {len(seconds)} calls while parts were dropped, half within {1000 * seconds[len(seconds) // 2]:.1f} ms, "
              f"99 % within {1000 * seconds[len(seconds) * 99 // 100]:.1f} ms, all within {1000 * seconds[-1]:.0f} ms", flush=True)
        assert seconds[-1] < 5, f"a {name} was blocked"
    full.executor.drain(db.one("SELECT count(*) FROM rcq_private.live"))
    assert db.one("SELECT count(*) FROM rcq.jobs WHERE id < %s", 8 * PART) == 0
    assert db.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]
