"""The disk of an executor's host fills up."""
import os
import subprocess

import harness
import pytest
from witness import Witness


@pytest.fixture
def small(db):
    """A file system of 48 MiB for the state of the executor that is named a."""
    directory = os.path.join(db.server.dir, f"{db.name}_a")
    os.mkdir(directory)
    account = harness.run_as()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=48m,uid={account['user']},gid={account['group']},mode=0700", "tmpfs", directory], check=True)
    yield directory
    for executor in db.executors:
        executor.kill()
    subprocess.run(["umount", "--lazy", directory], check=True)


def status(db):
    return db.sql("SELECT status, reason FROM rcq.executors")[0]


def test_a_job_that_fills_the_disk_with_its_log_goes_on_and_its_host_takes_no_more(db, small):
    db.executor("a", "--min-free-gb", "0.01")
    witness = Witness(db)
    job = witness.submit("head -c 80000000 /dev/zero | tr '\\0' x | fold -w 99; echo the last line")
    row = db.ended(job, 60)
    assert (row["status"], row["exit_code"]) == ("completed", 0)
    witness.check(most_attempts=1)
    raw = bytes(db.one("SELECT rcq.logs_raw(%s)", job))
    assert raw.startswith(b"x" * 99 + b"\n") and len(raw) < 48 << 20
    assert any("bytes" in line for line in db.logs(job) if not line.startswith("x")), "a line says that output is missing"
    harness.wait_for(lambda: status(db)["status"] == "draining", "the host takes no more")
    assert "free" in status(db)["reason"]
    waiting = db.submit("true")
    assert db.job(waiting)["status"] == "pending"


def test_a_host_takes_jobs_again_when_its_disk_has_room_again(db, small):
    executor = db.executor("a", "--min-free-gb", "0.01", "--health-interval", "1")
    ballast = os.path.join(small, "ballast")
    job = db.submit("sleep 3; echo the end")
    db.running(job)
    with open(ballast, "wb") as file:
        file.write(bytes(44 << 20))
    harness.wait_for(lambda: status(db)["status"] == "draining", "the host takes no more")
    assert db.ended(job)["status"] == "completed" and db.logs(job) == ["the end"]
    later = db.submit("true")
    os.unlink(ballast)
    assert db.ended(later)["status"] == "completed"
    assert executor.process.poll() is None


def test_a_run_that_finds_no_room_at_all_waits_until_there_is_some(db, small):
    db.executor("a", "--min-free-gb", "0")
    with open(os.path.join(small, "ballast"), "wb") as file:
        while True:
            try:
                file.write(bytes(1 << 16))
                file.flush()
            except OSError:
                break
    job = db.submit("true", requeue=False)
    harness.wait_for(lambda: status(db)["status"] == "draining", "the host takes no more for a while")
    assert "No space left" in status(db)["reason"]
    harness.wait_for(lambda: db.job(job)["status"] == "pending", "its run is given back: the drain may be reported before the run's end")
    os.unlink(os.path.join(small, "ballast"))
    assert db.ended(job, 60)["status"] == "completed"
    assert len(db.sql("SELECT 1 FROM rcq.runs WHERE job_id = %s AND reason = 'not_started'", job)) <= 2
