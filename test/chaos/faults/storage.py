"""Disks that are full: of the server's WAL, of its log, of an executor's host."""
import contextlib
import os
import re
import subprocess

import harness
import psycopg2
from disk import Disk
from faults import fault


@contextlib.contextmanager
def wal_on(world, megabytes):
    """The server's WAL on a small disk of its own, and its log in a file of its own: it shows no crash but for want of room."""
    server, path = world.server, world.server.log_path
    own, elsewhere = os.path.join(server.data, "pg_wal"), os.path.join(server.dir, "wal-disk")
    server.stop()
    disk = Disk(elsewhere, megabytes)
    move(own, elsewhere)
    os.rmdir(own)
    os.symlink(elsewhere, own)
    server.log_path = os.path.join(server.dir, "wal-full.log")
    server.start()
    try:
        yield disk
    finally:
        server.stop()
        os.unlink(own)
        account = harness.run_as()
        os.mkdir(own, 0o700)
        os.chown(own, account["user"], account["group"])
        move(elsewhere, own)
        disk.remove()
        log, server.log_path = server.log(), path
        server.start()
    log = re.sub(r".*PANIC: .*No space left on device.*|.*terminated by signal 6: Aborted.*", "", log)
    assert not harness.CRASH.search(log), log[-2000:]


def move(source, target):
    # of another file system, with their owners
    subprocess.run(["mv", "-t", target, *(os.path.join(source, name) for name in os.listdir(source) if name != "ballast")], check=True)


def is_down(server):
    try:
        server.connect().close()
        return False
    except psycopg2.OperationalError:
        return not os.path.exists(os.path.join(server.data, "postmaster.pid"))


@fault("wal-full", "the disk of the server's WAL is full: it ends, and is started when there is room", bound=5)
def wal_full(world):
    with wal_on(world, 256) as disk:
        harness.wait_for(world.placed_since(), "work goes on", 30)
        disk.fill()

        def down():
            with contextlib.suppress(psycopg2.Error), contextlib.closing(world.server.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT pg_switch_wal()")  # what is left of this file is filled at once
            return is_down(world.server)
        harness.wait_for(down, "the server has ended", 60)
        disk.empty()
        world.server.start()
        yield


@fault("server-log-full", "the disk of the server's log is full", bound=5)
def server_log_full(world):
    server = world.server
    disk, path = Disk(os.path.join(server.dir, "log-disk"), 1), server.log_path
    server.log_path = os.path.join(disk.directory, "server.log")
    server.restart()
    disk.fill()
    world.ask("SELECT pg_reload_conf()")  # says so in the log
    harness.wait_for(world.placed_since(), "work goes on", 30)
    yield
    server.log_path = path
    server.restart()
    disk.remove()


@fault("host-disk-full", "the disk of an executor's host is full, with runs on it; then there is room again", bound=30)
def host_disk_full(world):
    name = "small"
    disk = Disk(os.path.join(world.server.dir, f"{world.db.name}_{name}"), 32)
    executor = world.db.executor(name, "--min-free-gb", "0", "--health-interval", "1", cores=4, memory_gb=4)
    try:
        harness.wait_for(lambda: any(run[2] == executor.role for run in world.in_flight()), "it has runs")
        disk.fill()
        harness.wait_for(lambda: world.ask("SELECT 1 FROM rcq.executors WHERE name = %s AND status = 'draining'", executor.role), "it takes no more", 60)
        disk.empty()
        yield lambda: world.ask("SELECT 1 FROM rcq_private.live l JOIN rcq_private.executor e ON e.id = l.executor_id WHERE e.name = %s AND l.claimed_at IS NOT NULL", executor.role)
    finally:
        executor.process.terminate()
        executor.wait_exit(60)
        world.db.executors.remove(executor)
        disk.remove()
