"""Faults to be injected into a world under load.

A module of this package registers its faults:

    @fault("name", "what happens", bound=2)
    def name(world):
        ...            # the fault, from its begin to its end
        yield          # over: recovery is measured from here, until something is placed
        ...            # puts right what the fault has left behind

What is yielded may be a condition, a function without arguments: recovery is then measured until it is true. bound: seconds
that recovery may take on a machine that has nothing else to do. `usual` faults are part of every `make check`; `long` ones
take minutes and are injected once only, when there are several rounds, or when they are asked for by name. on: what makes the
server of the world that the fault needs, called with its settings."""
import dataclasses
import importlib
import pkgutil
import typing

import harness


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    sentence: str
    bound: float
    usual: bool
    long: bool
    on: typing.Callable
    inject: typing.Callable


FAULTS = {}


def fault(name, sentence, bound=5.0, usual=False, long=False, on=harness.Server):
    def register(inject):
        assert name not in FAULTS, f"there are two faults named {name}"
        FAULTS[name] = Fault(name, sentence, bound, usual, long, on, inject)
        return inject
    return register


def known():
    """All faults by name, in the order of their modules."""
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
    return FAULTS
