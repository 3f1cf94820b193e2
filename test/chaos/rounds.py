#!/usr/bin/python3
"""Injects faults, one after the other, into one cluster under load; balances the books after each and prints a table.

    test/chaos/rounds.py [--list] [--fault NAME ...] [--rounds N] [--seed N] [--output FILE]

RCQ_PG_CONFIG names the PostgreSQL that rcq is installed in. Ends with 1 when anything was lost, doubled or attributed to the
wrong job, a limit was exceeded, something was left over, or a recovery took longer than its bound."""
import argparse
import collections
import contextlib
import dataclasses
import os
import platform
import random
import re
import subprocess
import sys
import time
import traceback

sys.path[:0] = [os.path.dirname(__file__), os.path.join(os.path.dirname(__file__), "..")]
import faults  # noqa: E402
import harness  # noqa: E402
from books import Finding  # noqa: E402
from world import World  # noqa: E402


@dataclasses.dataclass
class Measured:
    """What one injection of a fault has shown."""
    fault: faults.Fault
    in_flight: int
    recovery: float
    jobs: int
    findings: list

    def count(self, kind):
        return sum(finding.kind == kind for finding in self.findings)

    @property
    def late(self):
        return self.recovery > self.fault.bound


@contextlib.contextmanager
def new_world(seed, on=harness.Server, **settings):
    """A world of its own, in whose server's log nothing may crash but what was killed."""
    server = on(**{"fsync": "off", "listen_addresses": "*", **settings})
    world = None
    try:
        world = World(seed, server)
        yield world
    finally:
        if world is not None:
            world.remove()
        log = re.sub(r".*terminated by signal 9: Killed.*", "", server.log())
        server.remove()
    crash = harness.CRASH.search(log)
    assert not crash, f"the server log shows a crash: {log[max(0, crash.start() - 500):crash.end() + 500]}"


def inject(world, fault):
    """Seconds until it had recovered, and what was to be found fault with."""
    steps = fault.inject(world)
    recovery = float("inf")
    try:
        recovered = next(steps) or world.placed_since()
        over = time.monotonic()
        harness.wait_for(recovered, f"recovery from {fault.name}", 60)
        recovery = time.monotonic() - over
        for _ in steps:
            raise AssertionError("it yields twice")
    except Exception as error:  # noqa: BLE001: whatever it is, the books are balanced and the others are run
        traceback.print_exc()
        steps.close()
        return recovery, [Finding("other", f"{type(error).__name__}: {error}")]
    return recovery, []


def measure(world, fault):
    """Injects one fault under load, and balances the books."""
    with world.under_load() as load:
        in_flight = len(world.in_flight())
        recovery, findings = inject(world, fault)
        time.sleep(0.5)  # of load after it
    return Measured(fault, in_flight, recovery, len(load.requests), findings + world.settle())


def run(world, chosen, report=print):
    """Measures each of these faults."""
    measured = []
    for fault in chosen:
        began = time.monotonic()
        found = measure(world, fault)
        measured.append(found)
        report(f"{fault.name}: {found.in_flight} in flight, {found.jobs} submissions, recovered after {found.recovery:.2f} s, "
               f"{len(found.findings)} findings, {time.monotonic() - began:.0f} s")
        for finding in found.findings[:20]:
            report(f"    {finding.kind}: {finding.text}")
    return measured


def table(measured):
    """Of Markdown, a line per fault."""
    by_fault = collections.defaultdict(list)
    for found in measured:
        by_fault[found.fault.name].append(found)
    lines = ["| fault | injected | in flight | lost | doubled | misattributed | other | worst recovery | bound |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for found in by_fault.values():
        fault = found[0].fault
        counts = " | ".join(str(sum(one.count(kind) for one in found)) for kind in ("lost", "doubled", "misattributed", "other"))
        lines.append(f"| {fault.sentence} (`{fault.name}`) | {len(found)} | {sum(one.in_flight for one in found)} | {counts} | {max(one.recovery for one in found):.2f} s | {fault.bound:g} s |")
    return "\n".join(lines) + "\n"


def heading(arguments):
    commit = subprocess.run(["git", "-C", harness.ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout.strip()
    config = os.environ.get("RCQ_PG_CONFIG", "pg_config")
    version = subprocess.check_output([config, "--version"], text=True).strip()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (f"Commit {commit or 'unknown'}, {version}, {os.cpu_count()} cores, Linux {platform.release()}; seed {arguments.seed}, "
            f"{arguments.rounds} round(s); load of the machine at the end {load}.\n\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="name all faults")
    parser.add_argument("--fault", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), metavar="N")
    parser.add_argument("--output", metavar="FILE", help="write the table there, too")
    arguments = parser.parse_args()
    known = faults.known()
    if arguments.list:
        for fault in known.values():
            print(f"{fault.name:32} {fault.sentence}")
        return 0
    if unknown := [name for name in arguments.fault or [] if name not in known]:
        parser.error(f"no fault is named {', '.join(unknown)}: see --list")
    chosen = [known[name] for name in arguments.fault or known]
    print(f"seed {arguments.seed}", flush=True)
    measured = []
    try:
        for on in dict.fromkeys(fault.on for fault in chosen):
            with new_world(arguments.seed, on) as world:
                for number in range(arguments.rounds):
                    these = [fault for fault in chosen if arguments.fault or not fault.long or (arguments.rounds > 1 and number == 0)]
                    measured += run(world, [fault for fault in these if fault.on is on], lambda line: print(line, flush=True))
    finally:  # also when a server's log shows a crash
        text = heading(arguments) + table(measured)
        print("\n" + text)
        if arguments.output:
            with open(arguments.output, "w", encoding="utf-8") as file:
                file.write(text)
    return int(any(one.findings or one.late for one in measured))


if __name__ == "__main__":
    sys.exit(main())
