"""Servers with a standby at the other end of a cable, for faults of failover."""
import contextlib

import network
import standby


class ChaosPair(standby.Pair):
    """As standby.Pair, with a cable of its own."""

    def __init__(self, synchronous, **settings):
        with contextlib.ExitStack() as undo:
            cable = network.Cable()
            undo.callback(cable.remove)
            super().__init__(synchronous, cable, wal_sender_timeout="2s", wal_receiver_timeout="2s", **settings)
            undo.pop_all()

    def remove(self):
        super().remove()
        self.cable.remove()


def synchronous(**settings):
    return ChaosPair(True, **settings)


def asynchronous(**settings):
    return ChaosPair(False, **settings)
