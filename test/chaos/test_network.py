"""An executor whose network is cut: for a moment, and for longer than its runs are its own."""
import os
import time

import harness
import network
import pytest
from witness import Witness, alive, tree

LOST_AFTER = 10


@pytest.fixture(scope="module")
def cable():
    made = network.Cable()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def server(cable):
    running = harness.Server(fsync="off", listen_addresses=f"127.0.0.1,{cable.ours}")
    with open(os.path.join(running.data, "pg_hba.conf"), "a", encoding="utf-8") as rules:
        rules.write(f"host all all {cable.theirs}/32 trust\n")
    running.restart()
    yield running
    log = running.log()
    running.remove()
    assert not harness.CRASH.search(log)


@pytest.fixture
def distant(db, cable):
    db.set(lost_after=f"{LOST_AFTER} s", lease="3 s")
    executor = network.DistantExecutor(db, "far", cable)
    executor.wait_online()
    yield executor
    executor.kill()


def test_a_cut_shorter_than_lost_after_ends_nothing(db, cable, distant):
    db.set(claim_timeout="20 s")  # what is placed when the cut begins is claimed after it
    witness = Witness(db)
    gate = db.gate()
    for choice in ("continue", "kill"):
        witness.submit(gate.script, on_disconnect=choice)
    for i in range(12):
        witness.submit(f"seq 5000; sleep 0.{i}")
    harness.wait_for(lambda: all(witness.begun(job, 1) for job in witness.jobs[:2]), "the long ones have begun")
    cable.cut_for(3)
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.executors WHERE status = 'busy'"), "it is back")
    gate.open()
    witness.check(most_attempts=1)
    assert all(db.logs(job) == [str(i) for i in range(1, 5001)] for job in witness.jobs[2:])


def test_a_cut_longer_than_lost_after_leaves_one_attempt_that_counts_and_kills_the_other_on_return(db, cable, distant):
    witness = Witness(db)
    gate = db.gate()
    job = witness.submit(f"echo $RCQ_ATTEMPT; {gate.script}")
    harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
    cut_at = time.monotonic()
    cable.cut()
    near = db.executor("near", cores=1)
    harness.wait_for(lambda: witness.begun(job, 2), "it runs elsewhere", LOST_AFTER + 10)
    assert time.monotonic() - cut_at > LOST_AFTER - 3, "it was given away before its time"
    assert db.job(job)["executor"] == near.role
    processes = list(tree(distant.process.pid))[1:]
    assert processes, "the first attempt goes on without a network"
    cable.mend()
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.executors WHERE name = %s AND status = 'idle'", distant.role), "it is back", 60)
    harness.wait_for(lambda: not any(map(alive, processes)), "the first attempt is killed", 10)
    gate.open()
    witness.check(beside=True)
    assert db.job(job)["attempt"] == 2 and db.logs(job) == ["2"]


def test_on_disconnect_kill_is_obeyed_during_the_cut(db, cable, distant):
    witness = Witness(db)
    job = witness.submit("if [ $RCQ_ATTEMPT = 1 ]; then trap '' TERM; sleep 60 & sleep 60 & wait; wait; fi", on_disconnect="kill")
    harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
    began = time.monotonic()
    cable.cut()
    try:
        harness.wait_for(lambda: not witness.living(job), "its processes are ended without a network", LOST_AFTER + 1)
        assert time.monotonic() - began > LOST_AFTER / 2, "they were ended at once, not at the limit"
        assert db.job(job)["attempt"] == 1, "the run was given away while it lived"
        db.executor("near", cores=1)
        assert db.ended(job, LOST_AFTER + 10)["attempt"] == 2
    finally:
        cable.mend()
    witness.check()
