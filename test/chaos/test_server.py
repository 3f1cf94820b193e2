"""The server goes away under load and comes back; for less than lost_after each time."""
import os
import signal

import harness
import pytest
from witness import Witness


def crash(server):
    """kill -9 of the postmaster; its children follow when they notice."""
    with open(os.path.join(server.data, "postmaster.pid"), encoding="utf-8") as pidfile:
        postmaster = int(pidfile.readline())
    os.kill(postmaster, signal.SIGKILL)
    harness.wait_for(lambda: not os.path.exists(f"/proc/{postmaster}"), "the postmaster is gone")
    # a new one refuses to start beside backends of the old one
    harness.wait_for(lambda: starts(server), "the server starts again")


def starts(server):
    try:
        server.start()
    except RuntimeError:
        return False
    return True


WAYS = {"fast": lambda server: server.restart("fast"), "immediate": lambda server: server.restart("immediate"), "crash": crash}


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_goes_and_comes_back_under_load_loses_and_doubles_nothing(db, way, soak):
    db.set(lost_after="30 s")
    db.executor("a", cores=6)
    witness = Witness(db)
    gate = db.gate()
    witness.submit(gate.script, on_disconnect="kill")
    for _ in range(10 if soak else 2):
        for i in range(20):
            witness.submit(f"seq 500; sleep 0.{i % 10}", priority=3)
        harness.wait_for(lambda: len(witness.entries()) > len(witness.jobs) - 15, "it is in the middle of them")
        WAYS[way](db.server)
    gate.open()
    witness.check(most_attempts=1)
    expected = [str(i) for i in range(1, 501)]
    assert all(db.logs(job) == expected for job in witness.jobs[1:])
