"""The time of day jumps by hours, on the executor's host and on the server's."""
import contextlib
import glob
import os

import harness
from witness import Witness

(LIBRARY,) = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


class Clock:
    """The time of day of the processes that are started with its environment; CLOCK_MONOTONIC and CLOCK_BOOTTIME stay true,
    as they do when somebody sets a clock."""

    def __init__(self, directory):
        self.path = os.path.join(directory, f"clock-{os.urandom(4).hex()}")
        self.set(0)
        self.environment = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, hours):
        """All at once: a half written file is never read."""
        with open(f"{self.path}.new", "w", encoding="utf-8") as file:
            file.write(f"{hours * 3600:+d}\n")
        os.chmod(f"{self.path}.new", 0o644)
        os.rename(f"{self.path}.new", self.path)

    @contextlib.contextmanager
    def started(self):
        """What is started within lives by this clock."""
        before = dict(os.environ)
        os.environ.update(self.environment)
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


def test_a_server_may_come_back_with_its_clock_set_by_hours_while_jobs_run(db):
    clock = Clock(db.server.dir)

    def jump(hours):
        db.server.stop()
        clock.set(hours)
        with clock.started():
            db.server.start()
    db.executor("a")
    through_the_jumps(db, jump)
    db.server.restart()
