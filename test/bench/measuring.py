"""What the parts of the benchmark share: the cluster's settings, CPU to the nanosecond, pgbench, an executor that runs nothing."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness  # noqa: E402
from protocol import Session  # noqa: E402

SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "fsync": "on", "synchronous_commit": "on",
            "max_worker_processes": "32", "max_connections": "150"}


def on_cpu(pid):
    """CPU seconds of one process, by the scheduler's own count; its clock ticks would be too coarse."""
    with open(f"/proc/{pid}/schedstat", encoding="utf-8") as stat:
        return int(stat.read().split()[0]) / 1e9


def of_children(pid):
    """CPU seconds of all children of a process that have ended and were waited for."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def postmaster(server):
    with open(os.path.join(server.data, "postmaster.pid"), encoding="utf-8") as pidfile:
        return int(pidfile.readline())


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as pids:
        return list(map(int, pids.read().split()))


def server_cpu(server):
    """CPU seconds of all processes that the server has or had."""
    top = postmaster(server)
    total = of_children(top)
    for pid in [top, *children(top)]:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += on_cpu(pid)
    return total


def machine_cpu():
    """CPU seconds of everything on this machine."""
    with open("/proc/stat", encoding="utf-8") as stat:
        fields = list(map(int, stat.readline().split()[1:]))
    return (sum(fields[:3]) + sum(fields[5:7])) / os.sysconf("SC_CLK_TCK")


def own_cpu():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def wal_position(db):
    return int(db.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))


def pgbench(server, database, script, clients=1, seconds=5, **variables):
    """Transactions per second of a pgbench script."""
    path = os.path.join(server.dir, "script.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    os.chmod(path, 0o644)
    defines = [f"-D{name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        [os.path.join(server.bin, "pgbench"), "-n", "-M", "prepared", "-h", server.dir, "-p", str(server.port), "-U", "postgres",
         "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", path, *defines, database],
        capture_output=True, text=True, check=True, cwd=server.dir)
    return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))


class ProtocolExecutor(Session):
    """An executor that takes jobs in batches and does nothing else."""

    def __init__(self, db, name, cores, memory_mib=1 << 30):
        role = f"{db.name}_{name}"
        db.sql("SELECT rcq.create_executor_login(%s)", role)
        super().__init__(db, role, cores, memory_mib)

    def hold_one(self):
        """Claims one run and never reports it."""
        while not self.finished:
            self.sync(1)
        self.finished = []

    def drain(self, count, batch=500):
        """Jobs per second until `count` jobs are finished."""
        start, done = time.monotonic(), 0
        while done < count:
            step = self.sync(batch)
            done += step
            if step == 0 and not self.finished:
                assert time.monotonic() - start < 600, f"{done} of {count} jobs within ten minutes"
                time.sleep(0.0005)
        return count / (time.monotonic() - start)


def submit_many(db, count, **fields):
    """Jobs per second of one call of rcq.submit_many."""
    job = json.dumps({"script": "true", "memory_gb": 0.01, **fields})
    start = time.monotonic()
    db.sql("SELECT count(*) FROM rcq.submit_many((SELECT jsonb_agg(%s::jsonb) FROM generate_series(1, %s)))", job, count)
    return count / (time.monotonic() - start)


def submit_pending(db, count, **fields):
    """So many jobs, in calls of 100,000."""
    for first in range(0, count, 100000):
        submit_many(db, min(100000, count - first), **fields)


def built(server, program):
    """A program of the build, where everybody can reach it."""
    return shutil.copy(os.path.join(harness.ROOT, "build", program), server.dir)


@contextlib.contextmanager
def database(server, name, **settings):
    db = harness.Database(server, name, **settings)
    try:
        yield db
    finally:
        db.drop()
