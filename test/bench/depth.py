"""The drain with many jobs pending behind, with many in front that fit nowhere, with many in front that wait for resources (of
which the first holds a reservation); each beside a cluster with 1,000 pending, in turns."""
import contextlib
import statistics
import time

import harness
from measuring import ProtocolExecutor, database, submit_many, submit_pending


class Drained:
    """A cluster with so many jobs pending around those that are drained."""

    def __init__(self, stack, server, name, count):
        # its executor is silent while the other's turn lasts
        self.db = stack.enter_context(database(server, name, lease="1 hour", lost_after="2 hours", claim_timeout="1 hour"))
        self.executor = ProtocolExecutor(self.db, "x", 4000)
        self.count, self.rates = count, []
        submit_many(self.db, count)
        self.executor.drain(count)

    def drain(self):
        submit_many(self.db, self.count, priority=5)
        self.rates.append(self.executor.drain(self.count))

    @property
    def rate(self):
        return statistics.median(self.rates)


def in_turns(*clusters, rounds=3):
    """Their drains, alternating; earlier ones are forgotten."""
    for cluster in clusters:
        cluster.rates = []
    for _ in range(rounds):
        for cluster in clusters:
            cluster.drain()


def reload_time(db):
    """From the end of a scheduler to the first cycle of the next one, which has read everything again."""
    before = db.sql("SELECT count(*) AS jobs, clock_timestamp() AS at FROM rcq_private.live")[0]
    begun = time.monotonic()
    db.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.scheduler WHERE last_cycle_at > %s AND started_at > %s AND pending + running = %s",
                                    before["at"], before["at"], before["jobs"]),
                     "the next scheduler to know all jobs", 120)
    return time.monotonic() - begun


def deeper(bench, shallow, full, depths, rounds, **fields):
    """Ever more jobs with these fields around those that are drained: reports those of depths that have a name, returns
    (pending, rate relative to shallow) of all."""
    points, pending = [], 0
    for depth_now, name in depths:
        submit_pending(full.db, depth_now - pending, **fields)
        pending = depth_now
        in_turns(shallow, full, rounds=rounds)
        points.append((depth_now, full.rate / shallow.rate))
        if name:
            bench.report(name, points[-1][1], "ratio")
    return points


def depth(bench):
    count, rounds = (4000, 2) if bench.quick else (20000, 3)
    with contextlib.ExitStack() as stack:
        shallow = Drained(stack, bench.server, "shallow", count)
        submit_pending(shallow.db, 1000, priority=1)

        behind = Drained(stack, bench.server, "behind", count)
        depths = [(100000, "depth_100k")] if bench.quick else [(10000, None), (100000, "depth_100k"), (1000000, "depth_1m")]
        points = deeper(bench, shallow, behind, depths, rounds, priority=1)
        bench.keep("depth", "pending behind", [(1000, 1.0), *points])
        if not bench.quick:
            bench.report("reload_1m", reload_time(behind.db), "s")

        blocked = Drained(stack, bench.server, "blocked", count)
        depths = [(100000, "blocked_100k")] if bench.quick else [(10000, None), (100000, "blocked_100k"), (1000000, "blocked_1m")]
        points = deeper(bench, shallow, blocked, depths, rounds, cpu_cores=4001, priority=10)
        bench.keep("depth", "blocked in front", points)

        if not bench.quick:
            waiting = Drained(stack, bench.server, "waiting", count)
            waiting.db.sql("SELECT rcq.submit('true', estimated_hours => 720, priority => 10)")
            waiting.executor.hold_one()
            deeper(bench, shallow, waiting, [(1000000, "waiting_1m")], rounds, cpu_cores=4000, priority=10)
