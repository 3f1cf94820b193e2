"""The time of day jumps by hours, on the executor's host and on the server's."""
import contextlib
import os
import struct
import subprocess

import harness
from witness import Witness


class Clock:
    """The time of day of the processes that are started with its environment."""

    def __init__(self, directory):
        self._path, library = (os.path.join(directory, f"clock-{os.urandom(4).hex()}{suffix}") for suffix in ("", ".so"))
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, os.path.join(os.path.dirname(__file__), "clock_shim.c")], check=True)
        with open(self._path, "wb") as file:
            file.write(struct.pack("q", 0))
        os.chmod(self._path, 0o644)
        os.chmod(library, 0o755)
        self._environment = {"LD_PRELOAD": library, "RCQ_TEST_CLOCK": self._path}

    def set(self, hours):
        with open(self._path, "r+b") as file:
            file.write(struct.pack("q", hours * 3600))

    @contextlib.contextmanager
    def started(self):
        """What is started within lives by this clock."""
        before = dict(os.environ)
        os.environ.update(self._environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


JUMPS = (5, -7, 0)


def through_the_jumps(db, jump):
    """Two jobs run all the time, one of them within a limit that a jump would exceed; others come and go."""
    witness = Witness(db)
    gate = db.gate()
    long = [witness.submit(gate.script, time_limit="1 h", on_disconnect="kill"), witness.submit(gate.script)]
    for job in long:
        harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
    for hours in JUMPS:
        jump(hours)
        for job in [witness.submit("sleep 0.5") for _ in range(3)]:
            row = db.ended(job)
            seconds = (row["ended_at"] - row["started_at"]).total_seconds()
            assert 0.4 < seconds < 10, f"a run of half a second took {seconds} s"
        seen = db.one("SELECT last_seen FROM rcq.executors")
        harness.wait_for(lambda: db.one("SELECT last_seen FROM rcq.executors") != seen, "heartbeats go on")
        assert [db.job(job)["status"] for job in long] == ["running", "running"]
    gate.open()
    witness.check(most_attempts=1)
    for job in long:
        row = db.job(job)
        assert row["started_at"] < row["ended_at"] <= db.one("SELECT clock_timestamp()")


def test_the_clock_of_the_executors_host_may_be_set_by_hours_while_jobs_run(db):
    clock = Clock(db.server.dir)
    with clock.started():
        db.executor("a")
    through_the_jumps(db, clock.set)


def test_the_clock_of_the_server_may_be_set_by_hours_while_jobs_run(db):
    clock = Clock(db.server.dir)
    with clock.started():
        db.server.restart()
    db.executor("a")
    through_the_jumps(db, clock.set)
    db.server.restart()
