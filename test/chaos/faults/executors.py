"""Executors that are killed, frozen and replaced."""
import os
import tempfile

import harness
from faults import fault
from witness import children, freeze, kill, nursery, thaw, tree
from world import LOST_AFTER

GIVEN_AWAY = LOST_AFTER + 5


def runs_of(world, executor):
    return [run for run in world.in_flight() if run[2] == executor.role]


@fault("executor-killed", "kill -9 of an executor, started again at once: its runs go on and are taken over", bound=5, usual=True)
def executor_killed(world):
    executor = world.busiest()
    executor.kill()
    executor.start()
    yield
    executor.wait_online()


@fault("executor-gone", "kill -9 of an executor that stays away: its runs are given away", bound=GIVEN_AWAY)
def executor_gone(world):
    executor = world.busiest()
    executor.kill()
    yield world.given_away(runs_of(world, executor))
    executor.start()
    executor.wait_online()


@fault("host-burned", "a host burns down, with all runs and their directories, and comes back empty", bound=GIVEN_AWAY, usual=True)
def host_burned(world):
    executor = world.busiest()
    executor.kill()
    lost = runs_of(world, executor)
    executor.burn()
    yield world.given_away(lost)
    executor.start()
    executor.wait_online()


@fault("host-replaced", "a host burns down and a new one of the same name takes its place at once", bound=5)
def host_replaced(world):
    executor = world.busiest()
    executor.burn()
    lost = runs_of(world, executor)
    executor.start()
    yield world.given_away(lost)
    executor.wait_online()


@fault("executor-doubled", "a second process of the same executor, with a directory of its own, replaces the first", bound=5)
def executor_doubled(world):
    executor = world.busiest()
    first = executor.process
    elsewhere = tempfile.mkdtemp(prefix="next-", dir=world.server.dir)
    os.chmod(elsewhere, 0o777)
    executor.state_dir = os.path.join(elsewhere, executor.role)
    executor.start()
    yield
    assert first.wait(30) == 3, "the first one has been replaced, and says so"
    executor.wait_online()


@fault("executor-frozen", "SIGSTOP of an executor for longer than the lease, its runs go on; then it is woken", bound=GIVEN_AWAY)
def executor_frozen(world):
    executor = world.busiest()
    stopped = freeze([executor.process.pid])
    lost = runs_of(world, executor)
    try:
        harness.wait_for(world.given_away(lost), "its runs are given away", 30)
    finally:
        thaw(stopped)
    yield lambda: world.ask("SELECT 1 FROM rcq.executors WHERE name = %s AND status IN ('idle', 'busy')", executor.role)


@fault("host-frozen", "a host stands still with all its processes for longer than the lease, and is woken", bound=GIVEN_AWAY)
def host_frozen(world):
    executor = world.busiest()
    stopped = freeze(tree(executor.process.pid))
    lost = runs_of(world, executor)
    try:
        harness.wait_for(world.given_away(lost), "its runs are given away", 30)
    finally:
        thaw(stopped)
    yield lambda: world.ask("SELECT 1 FROM rcq.executors WHERE name = %s AND status IN ('idle', 'busy')", executor.role)


@fault("supervisors-killed", "kill -9 of all supervisors of an executor at once", bound=5)
def supervisors_killed(world):
    executor = world.busiest()
    kill(children(executor.process.pid))
    yield


@fault("nursery-killed", "kill -9 of the process that supervisors are forked from", bound=5)
def nursery_killed(world):
    executor = world.busiest()
    kill([nursery(executor.process.pid)])
    yield
