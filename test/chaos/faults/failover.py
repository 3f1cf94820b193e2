"""The primary is lost and its standby promoted; the standby is lost; the network between them."""
import contextlib
import time

import harness
import psycopg2
from faults import fault
from pairs import asynchronous, synchronous
from witness import uptime
from workload import COMMITTED, UNKNOWN

FOLLOWED = 10  # seconds after which every executor has found the new primary, on a slow machine


@fault("failover", "the primary is lost, its synchronous standby is promoted, executors follow; then a new standby", bound=3, usual=True, on=synchronous)
def failover(world):
    world.server.fail_over()
    yield
    world.server.rejoin()


@fault("failover-back", "failover, the former primary rewound to a standby, and failover back to it", bound=3, on=synchronous)
def failover_back(world):
    world.server.fail_over()
    harness.wait_for(world.placed_since(), "something is placed", 60)
    world.server.rejoin(rewind=True)
    world.server.fail_over()
    yield
    world.server.rejoin(rewind=True)


@fault("switchover", "the primary is stopped in order, its synchronous standby is promoted", bound=3, on=synchronous)
def switchover(world):
    world.server.primary.stop("fast")
    world.server.swap()
    yield
    world.server.rejoin(rewind=True)


def waits_for_standby(world):
    return world.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")


@fault("standby-asked", "people read all views of the standby for 3 s", bound=3, on=synchronous)
def standby_asked(world):
    there = harness.Database.existing(world.server.standby, world.db.name)
    views = there.sql("SELECT viewname FROM pg_views WHERE schemaname = 'rcq'")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for view in views:
            with contextlib.suppress(psycopg2.errors.SerializationFailure):  # a conflict with what is replayed, in so many words
                there.sql('SELECT * FROM rcq."{viewname}"'.format(**view))
        assert there.sql("SELECT * FROM rcq.explain((SELECT max(id) FROM rcq.jobs))") and there.one("SELECT rcq.metrics()")
    yield


@fault("standby-killed", "the synchronous standby is lost, commits wait for it; it comes back after 4 s", bound=5, on=synchronous)
def standby_killed(world):
    world.server.standby.kill()
    harness.wait_for(lambda: waits_for_standby(world), "commits wait")
    time.sleep(4)
    world.server.standby.start()
    yield


@fault("standby-cut", "the network between primary and synchronous standby is cut for 5 s", bound=8, on=synchronous)
def standby_cut(world):
    world.server.cable.cut()
    harness.wait_for(lambda: waits_for_standby(world), "commits wait")
    time.sleep(5)
    world.server.cable.mend()
    yield


@fault("standby-cut-then-failover", "the network to the synchronous standby is cut, commits wait, the primary is lost: none of them had been answered", bound=3, on=synchronous)
def standby_cut_then_failover(world):
    world.server.cable.cut()
    harness.wait_for(lambda: waits_for_standby(world), "commits wait")
    time.sleep(1)
    world.server.primary.kill()
    world.server.cable.mend()
    world.server.swap()
    yield
    world.server.rejoin()


@fault("failover-asynchronous", "replication falls behind for 2 s, the primary is lost: so is the tail that the standby has not received, and its runs are killed",
       bound=3, on=asynchronous)
def failover_asynchronous(world):
    requests = world.load.requests
    received = {request.key for request in requests if request.state == COMMITTED}
    cancels = {request.key: request.cancel for request in requests}
    world.server.hold_back()
    time.sleep(2)  # of work that the standby never hears of
    world.server.primary.kill()
    time.sleep(0.2)  # everybody knows what they were told
    tail = [request for request in world.load.requests if request.state == COMMITTED and request.key not in received]
    assert tail, "nothing was committed that the standby did not receive"
    for request in tail:
        request.state, request.job = UNKNOWN, None
    for request in world.load.requests:
        if request.cancel != cancels.get(request.key):
            request.cancel = "asked"
    lost_at = uptime()
    world.sift = lambda entries: without_lost_tail(world, entries, lost_at)
    world.server.swap()
    yield
    world.server.rejoin()


def without_lost_tail(world, entries, lost_at):
    """Leaves out what runs wrote down that only the lost server knew of. They must be killed when their executors first speak to
    the new one."""
    known = {row["token"] for row in world.ask("SELECT token FROM rcq_private.live WHERE token IS NOT NULL UNION ALL SELECT token FROM rcq_private.run"
                                               " UNION ALL SELECT token FROM rcq_private.outcome WHERE token IS NOT NULL")}
    tail = {entry.token for entry in entries if entry.word == "begin" and entry.token not in known and entry.at <= lost_at + FOLLOWED}
    late = [entry for entry in entries if entry.token in tail and entry.at > lost_at + FOLLOWED]
    assert not late, f"runs of the lost tail go on: {late}"
    # another attempt of their jobs may begin elsewhere before their executors know
    jobs = {entry.job for entry in entries if entry.token in tail}
    return [entry for entry in entries if entry.token not in tail and not (entry.word == "beside" and entry.job in jobs and entry.at <= lost_at + FOLLOWED)]
