"""A thousand sessions that look at the queue and at jobs, each every five seconds: how much slower jobs are dispatched meanwhile."""
import os
import signal
import statistics
import subprocess

import harness
from measuring import SETTINGS, ProtocolExecutor, database, submit_many

EVERY = 5.0  # seconds
LOOKS = {"job": "SELECT * FROM rcq.jobs WHERE id = :job;",
         "queue": "SELECT * FROM rcq.queue LIMIT 10;",
         "running": "SELECT * FROM rcq.jobs WHERE status = 'running' ORDER BY id DESC LIMIT 10;"}
LOOKS_PER_KIND = {"job": 3, "queue": 1, "running": 1}


class Pollers:
    """pgbench with so many sessions of an ordinary user."""

    def __init__(self, db, role, job, count):
        self.db, self.count = db, count
        files = []
        for name, look in LOOKS.items():
            path = os.path.join(db.server.dir, f"look-{name}.sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write(look + "\n")
            os.chmod(path, 0o644)
            files += ["-f", f"{path}@{LOOKS_PER_KIND[name]}"]
        self.command = [os.path.join(db.server.bin, "pgbench"), "-n", "-M", "prepared", "-h", db.server.dir, "-p", str(db.server.port), "-U", role,
                        "-c", str(count), "-j", "1", "-T", "3600", "-R", str(count / EVERY), "-D", f"job={job}", *files, db.name]
        self.role = role

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.db.server.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_for(lambda: self._connected() == self.count, f"{self.count} sessions that look", 120)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        harness.wait_for(lambda: self._connected() == 0, "the sessions are gone", 120)

    def _connected(self):
        assert self.process.poll() is None or self.process.returncode == -signal.SIGKILL, "pgbench failed"
        return self.db.one("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", self.role)


def pollers(bench):
    sessions, count, rounds = (100, 4000, 2) if bench.quick else (1000, 40000, 3)
    server = harness.Server(**{**SETTINGS, "max_connections": "1100"})
    try:
        with database(server, "polled") as db:
            looker = db.user("looker")
            job = db.one("SELECT rcq.submit('true', hold => true)", user=looker)
            looking = Pollers(db, looker, job, sessions)
            executor = ProtocolExecutor(db, "x", 4000)
            submit_many(db, count)
            executor.drain(count)
            ratios = []
            for _ in range(rounds):
                submit_many(db, count)
                alone = executor.drain(count)
                with looking:
                    submit_many(db, count)
                    ratios.append(executor.drain(count) / alone)
            executor.connection.close()
            bench.report("pollers_100" if bench.quick else "pollers_1000", statistics.median(ratios), "ratio")
    finally:
        server.remove()
