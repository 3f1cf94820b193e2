"""Clocks that are set, and a standby whose clock is behind."""
import contextlib

import harness
from clock import Clock
from faults import fault
from pairs import synchronous

JUMPS = (300, -420, -1, 0)  # minutes


@contextlib.contextmanager
def jumping(world, clock):
    """Sets the clock again and again, with work in between."""
    for minutes in JUMPS:
        clock.set(minutes)
        harness.wait_for(world.placed_since(), f"something is placed after the clock was set by {minutes} minutes", 30)
    yield


@fault("clock-of-host", "the clock of an executor's host is set by hours, forwards and back", bound=5)
def clock_of_host(world):
    executor, clock = world.busiest(), Clock(world.server.dir)
    executor.kill()
    with clock.started():
        executor.start()
    executor.wait_online()
    with jumping(world, clock):
        yield
    executor.kill()
    executor.start()
    executor.wait_online()


@fault("clock-of-server", "the clock of the server is set by hours, forwards and back", bound=5)
def clock_of_server(world):
    clock = Clock(world.server.dir)
    with clock.started():
        world.server.restart()
    with jumping(world, clock):
        yield
    world.server.restart()  # the next scheduler knows nothing of a clock that was ahead


@fault("clock-behind", "failover to a synchronous standby whose clock is 10 minutes behind; then that clock is put right", bound=3, on=synchronous)
def clock_behind(world):
    clock = Clock(world.server.dir)
    clock.set(-10)
    with clock.started():
        world.server.standby.restart()
    harness.wait_for(lambda: world.server.standby.follows("sync"), "the standby follows")
    world.server.fail_over()
    yield
    harness.wait_for(world.placed_since(), "work goes on", 30)
    clock.set(0)
    harness.wait_for(world.placed_since(), "work goes on with the right time", 30)
    world.server.rejoin()
    world.server.fail_over()
    world.server.rejoin()
