"""Ways to the server that fail: a cut cable, a pooler that goes and comes, too many who come at once."""
import contextlib
import os
import socket
import struct
import threading
import time

import harness
import network
from faults import fault
from pooler import Pooler
from world import LOST_AFTER


@contextlib.contextmanager
def distant(world):
    """An executor at the other end of a cable."""
    cable = network.Cable()
    try:
        rules = os.path.join(world.server.data, "pg_hba.conf")
        with open(rules, "a", encoding="utf-8") as file:
            file.write(f"host all all {cable.theirs}/32 trust\n")
        world.ask("SELECT pg_reload_conf()")
        with world.another_host(lambda: network.DistantExecutor(world.db, f"far{cable.namespace}", cable)) as executor:
            yield cable, executor
    finally:
        cable.remove()


@fault("network-cut", "the network between an executor and the server is cut, longer than its runs are its own, and mended", bound=15)
def network_cut(world):
    with distant(world) as (cable, executor):
        cable.cut()
        lost = [run for run in world.in_flight() if run[2] == executor.role]
        harness.wait_for(world.given_away(lost), "its runs are given away", 30)
        cable.mend()
        yield lambda: world.ask("SELECT 1 FROM rcq.executors WHERE name = %s AND status IN ('idle', 'busy')", executor.role)


@fault("network-cut-for-a-moment", "the network between an executor and the server is cut for a second", bound=5)
def network_cut_for_a_moment(world):
    with distant(world) as (cable, _):
        cable.cut_for(LOST_AFTER / 3)
        yield


@fault("pooler-restarted", "PgBouncer in transaction mode, between the server and everybody else, is killed and started again, three times", bound=5)
def pooler_restarted(world):
    role = f"{world.db.name}_pooled"
    pooler = Pooler(world.server, role, *world.users)
    try:
        with world.another_host(lambda: world.db.executor("pooled", "--no-listen", port=pooler.port, wait=False)) as executor:
            world.through = pooler
            world.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY(%s)", world.users)  # they come back through it
            for _ in range(3):
                pooler.stop()
                time.sleep(0.2)
                pooler.start()
                time.sleep(0.5)
            seen = world.one("SELECT max(last_seen) FROM rcq.executors WHERE name = %s", executor.role)
            yield lambda: world.one("SELECT max(last_seen) FROM rcq.executors WHERE name = %s", executor.role) != seen
            world.through = None
    finally:
        world.through = None
        pooler.stop()


def knock(server, database, how_often, all_answered, answers):
    """Connects so often, notes the first byte that each is answered, and keeps what it got until all have been answered."""
    startup = struct.pack("!i", 196608) + b"".join(word.encode() + b"\0" for word in ("user", "postgres", "database", database)) + b"\0"
    startup = struct.pack("!i", len(startup) + 4) + startup
    held = []
    for _ in range(how_often):
        door = socket.socket()
        door.settimeout(30)
        with contextlib.suppress(OSError):
            door.connect(("127.0.0.1", server.port))
            door.sendall(startup)
        held.append(door)
    for door in held:
        with contextlib.suppress(OSError):
            answers.append(door.recv(1))
    all_answered.wait(120)
    for door in held:
        door.close()


@fault("thousand-connections", "1,000 connections at once, to a server that takes 60", bound=5)
def thousand_connections(world):
    answers, people = [], 20
    all_answered = threading.Barrier(people)
    crowd = [threading.Thread(target=knock, args=(world.server, world.db.name, 1000 // people, all_answered, answers)) for _ in range(people)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert answers.count(b"E") >= 1000 - 60, f"of {len(answers)} only {answers.count(b'E')} were turned away"
    yield
