"""Where the time of a job goes: CPU and WAL of each stage of its life, taken from outside. While a stage runs nothing else does:
CPU is that of the process that does its work (/proc/PID/schedstat), WAL what the cluster has written meanwhile."""
import statistics

import harness
from measuring import ProtocolExecutor, database, of_children, on_cpu, submit_many, wal_position

BATCH = 500
# of a plot, in the order of a job's life; docs/explanation/where-time-goes.md says what each is
STAGES = ("submit", "load", "place", "claim", "end", "settle")


class Costs:
    """Microseconds and bytes per job of one stage, round by round."""

    def __init__(self):
        self.cpu, self.wal = {}, {}

    def add(self, stage, count, cpu, wal):
        self.cpu.setdefault(stage, []).append(cpu * 1e6 / count)
        self.wal.setdefault(stage, []).append(wal / count)


class Meter:
    """CPU of the scheduler and of two sessions, and WAL, between two looks."""

    def __init__(self, db, executor):
        self.db = db
        self.pids = {"scheduler": db.one("SELECT pid FROM rcq.scheduler"), "client": db.one("SELECT pg_backend_pid()"),
                     "executor": executor.connection.info.backend_pid}
        self.step()

    def step(self):
        """What each has used since the last look."""
        now = {name: on_cpu(pid) for name, pid in self.pids.items()}
        now["wal"] = wal_position(self.db)
        used = {name: value - getattr(self, "last", now)[name] for name, value in now.items()}
        self.last = now
        return used


def settled(db, pending, running):
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.scheduler WHERE pending = %s AND running = %s", pending, running),
                     f"the scheduler knows of {pending} pending and {running} running jobs", 60)


def one_round(db, executor, meter, costs, count):
    # nothing is placed yet
    db.sql("SELECT rcq.pause('one stage at a time')")
    meter.step()
    submit_many(db, count)
    used = meter.step()
    costs.add("submit", count, used["client"], used["wal"])
    loaded = used["scheduler"]
    settled(db, count, 0)
    used = meter.step()
    costs.add("load", count, loaded + used["scheduler"], used["wal"])

    db.sql("SELECT rcq.resume()")
    settled(db, 0, count)
    used = meter.step()
    costs.add("place", count, used["scheduler"], used["wal"])

    claimed = []
    while len(claimed) < count:
        executor.sync(BATCH)
        claimed += executor.finished
        executor.finished = []
    used = meter.step()
    costs.add("claim", count, used["executor"], used["wal"])

    for first in range(0, count, BATCH):
        executor.finished = claimed[first:first + BATCH]
        executor.sync(0)
    used = meter.step()
    costs.add("end", count, used["executor"], used["wal"])
    ending = used["scheduler"]
    settled(db, 0, 0)
    used = meter.step()
    costs.add("settle", count, ending + used["scheduler"], used["wal"])


def single_submissions(db, meter, costs, count):
    """One transaction each, as people submit; the scheduler may take many of them at a time."""
    db.sql("SELECT rcq.pause('one stage at a time')")
    meter.step()
    for _ in range(count):
        db.sql("SELECT rcq.submit('true')")
    settled(db, count, 0)
    used = meter.step()
    costs.add("submit_single", count, used["client"], used["wal"])
    costs.add("load_single", count, used["scheduler"], 0)


def starts(bench, count):
    """What a run costs its host: the executor's process, supervisor, shell and /bin/true."""
    with database(bench.server, "starts") as db:
        executor = db.executor("x", cores=64, memory_gb=64)
        pid = executor.process.pid
        before = on_cpu(pid), of_children(pid)
        submit_many(db, count, script="/bin/true")
        harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.live") == 0, "all jobs ended", 120)
        bench.report("stage_start_cpu_executor", (on_cpu(pid) - before[0]) * 1e6 / count, "us")
        bench.report("stage_start_cpu_processes", (of_children(pid) - before[1]) * 1e6 / count, "us")


def notify_cost(db, count):
    """CPU of one transaction that notifies, in us: a cycle of the scheduler sends one per executor."""
    with db.server.connect(db.name) as connection:
        cursor, pid = connection.cursor(), connection.info.backend_pid
        before = on_cpu(pid)
        for _ in range(count):
            cursor.execute("NOTIFY cost")
        return (on_cpu(pid) - before) * 1e6 / count


def stages(bench):
    count, rounds = (5000, 2) if bench.quick else (20000, 3)
    costs, warm = Costs(), Costs()
    with database(bench.server, "stages") as db:
        executor = ProtocolExecutor(db, "x", 4 * count)
        meter = Meter(db, executor)
        one_round(db, executor, meter, warm, count)
        for _ in range(rounds):
            one_round(db, executor, meter, costs, count)
        single_submissions(db, meter, costs, count // 20)
        bench.report("stage_notify_cpu", notify_cost(db, 300), "us")
        executor.connection.close()
    for stage, each in costs.cpu.items():
        bench.report(f"stage_{stage}_cpu", statistics.median(each), "us")
    for stage, each in costs.wal.items():
        bench.report(f"stage_{stage}_wal", statistics.median(each), "bytes")
    starts(bench, 200 if bench.quick else 1000)
    bench.keep("stages", "CPU, us", [(stage, statistics.median(costs.cpu[stage])) for stage in STAGES])
    bench.keep("stages", "WAL, bytes", [(stage, statistics.median(costs.wal[stage])) for stage in STAGES])
