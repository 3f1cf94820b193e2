"""The server's processes: stopped, killed, restarted."""
import contextlib
import os
import time

import harness
from faults import fault
from witness import kill


def crash(server):
    """kill -9 of the postmaster; its children follow when they notice."""
    with open(os.path.join(server.data, "postmaster.pid"), encoding="utf-8") as pidfile:
        postmaster = int(pidfile.readline())
    kill([postmaster])
    harness.wait_for(lambda: not os.path.exists(f"/proc/{postmaster}"), "the postmaster is gone")
    # a new one refuses to start beside backends of the old one
    harness.wait_for(lambda: starts(server), "the server starts again", 60)


def starts(server):
    try:
        server.start()
    except RuntimeError:
        return False
    return True


@contextlib.contextmanager
def until_the_server_begins_anew(world):
    find = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    before = world.ask(find)
    yield
    harness.wait_for(lambda: world.ask(find) not in ([], before), "the server has begun anew", 60)


@fault("scheduler-terminated", "pg_terminate_backend of the scheduler", bound=2, usual=True)
def scheduler_terminated(world):
    old = world.scheduler()
    world.ask("SELECT pg_terminate_backend(%s)", old)
    harness.wait_for(lambda: world.scheduler() != old, "it is gone")
    yield
    assert world.scheduler() is not None


@fault("launcher-terminated", "pg_terminate_backend of the launcher, then of the scheduler", bound=4)
def launcher_terminated(world):
    world.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'rcq launcher'")
    old = world.scheduler()
    world.ask("SELECT pg_terminate_backend(%s)", old)
    harness.wait_for(lambda: world.scheduler() != old, "the scheduler is gone")
    yield


@fault("executors-terminated", "pg_terminate_backend of the sessions of all executors", bound=5)
def executors_terminated(world):
    world.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY(%s)", [executor.role for executor in world.hosts.values()])
    yield


@fault("everything-terminated", "pg_terminate_backend of all sessions, the scheduler and the launcher, again and again for 4 s", bound=5)
def everything_terminated(world):
    end = time.monotonic() + 4
    while time.monotonic() < end:
        world.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (datname = current_database() OR backend_type LIKE 'rcq%%')")
        time.sleep(0.05)
    yield


@fault("backend-killed", "kill -9 of a random session, as by the OOM killer: the server starts itself anew", bound=5, usual=True)
def backend_killed(world):
    victims = [row["pid"] for row in world.ask("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()")]
    with until_the_server_begins_anew(world):
        kill([world.random.choice(victims)])
    yield


@fault("scheduler-killed", "kill -9 of the scheduler, as by the OOM killer", bound=5)
def scheduler_killed(world):
    with until_the_server_begins_anew(world):
        kill([world.scheduler()])
    yield


@fault("server-killed", "kill -9 of the postmaster, and a start", bound=5)
def server_killed(world):
    crash(world.server)
    yield


@fault("server-restarted", "a fast restart of the server", bound=5, usual=True)
def server_restarted(world):
    world.server.restart("fast")
    yield


@fault("server-restarted-immediately", "an immediate restart of the server", bound=5)
def server_restarted_immediately(world):
    world.server.restart("immediate")
    yield
