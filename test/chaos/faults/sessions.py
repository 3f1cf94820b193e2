"""Sessions that hold something, and do not let go."""
import contextlib
import time

import harness
import psycopg2
from faults import fault


def running_requests(world, how_many):
    """Submissions of which a run is under way."""
    def found():
        by_job = {request.job: request for request in world.load.requests if request.kind == "some seconds"}
        here = [by_job[job] for job, _, _ in world.in_flight() if job in by_job]
        return here if len(here) >= how_many else None
    return harness.wait_for(found, "enough jobs that take some seconds run", 60)[:how_many]


@fault("open-cancel", "two transactions that cancelled running jobs stay open for 4 s, then one commits and one does not", bound=2)
def open_cancel(world):
    held = []
    try:
        for request in running_requests(world, 2):
            connection = world.server.connect(world.db.name)
            connection.autocommit = False
            request.cancel = "asked"
            held.append(connection)
            with contextlib.suppress(psycopg2.Error):  # it has just ended
                connection.cursor().execute("SELECT rcq.cancel(%s)", (request.job,))
        end = time.monotonic() + 4
        while time.monotonic() < end:
            harness.wait_for(world.placed_since(), "everything else goes on", 10)
        held[0].commit()
        held[1].rollback()
    finally:
        for connection in held:
            connection.close()
    yield


@fault("locked-rows", "somebody holds the rows of all pending jobs, and of all runs but those of one executor, for 3 s", bound=5)
def locked_rows(world):
    with contextlib.closing(world.server.connect(world.db.name)) as connection:
        connection.autocommit = False
        # runs whose rows are held keep their executor's room when they have ended
        free = world.one("SELECT id FROM rcq_private.executor WHERE name = %s", min(world.hosts.values(), key=lambda executor: executor.role).role)
        connection.cursor().execute("SELECT FROM rcq_private.live WHERE executor_id IS DISTINCT FROM %s FOR UPDATE", [free])
        end = time.monotonic() + 3
        while time.monotonic() < end:
            harness.wait_for(world.placed_since(), "what comes later goes on", 10)
        connection.rollback()
    yield


@fault("held-snapshot", "a transaction keeps its snapshot for 5 s while tables are vacuumed", bound=2)
def held_snapshot(world):
    with contextlib.closing(world.server.connect(world.db.name)) as connection:
        connection.autocommit = False
        connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.cursor().execute("SELECT count(*) FROM rcq.jobs")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            world.ask("VACUUM rcq_private.live, rcq_private.command")
            harness.wait_for(world.placed_since(), "placing goes on", 10)
        connection.rollback()
    yield


@fault("full-notification-queue", "somebody who listens and does not read fills the notification queue by more than a quarter (2 GB), and goes", bound=60, long=True)
def full_notification_queue(world):
    with contextlib.closing(world.server.connect(world.db.name)) as stuck:
        stuck.autocommit = False
        stuck.cursor().execute("LISTEN nobody")
        stuck.commit()
        stuck.cursor().execute("SELECT 1")  # and stays in this transaction
        number = 0
        while world.one("SELECT pg_notification_queue_usage()") < 0.26:
            number += 1
            world.ask("SELECT count(pg_notify('nobody', rpad(%s || ' ' || i, 7990, '.'))) FROM generate_series(1, 10000) i", str(number))
        for _ in range(3):
            harness.wait_for(world.placed_since(), "placing goes on", 10)
    yield
