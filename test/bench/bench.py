"""Benchmarks of rcq: prints `name value unit ratio` lines, then which targets are reached; writes the same and plots as files.
Every ratio is taken within this run. See docs/performance.md."""
import argparse
import os
import platform
import signal
import subprocess
import sys
import time
import traceback

import measuring
import plots
from depth import depth
from figures import Figures
from fleet import heartbeats
from history import held_snapshot, history
from hot_path import hot_path
from peers import against_peers
from plans import plans
from pollers import pollers
from processes import processes
from stages import stages
from web import http
from workloads import arrays, graphs

import harness

# and whether the quick run has it
PARTS = {"plans": (plans, True), "hot_path": (hot_path, True), "against_peers": (against_peers, True), "stages": (stages, True),
         "depth": (depth, True), "held_snapshot": (held_snapshot, True), "processes": (processes, True), "history": (history, True),
         "pollers": (pollers, True), "graphs": (graphs, False), "arrays": (arrays, False), "heartbeats": (heartbeats, False), "http": (http, False)}
QUICK_NAMES = {"depth_1m": "depth_100k", "history_10m": "history_100k", "pollers_1000": "pollers_100"}


class Bench:
    """What a part is given: the server, how thorough to be, and where figures go."""

    def __init__(self, arguments):
        self.quick, self.slurm = arguments.quick, arguments.slurm
        self.peers = os.environ.get("RCQ_BENCH_PEERS")  # a directory of npm packages
        self.figures = Figures()
        self.report, self.skip, self.keep = self.figures.report, self.figures.skip, self.figures.keep
        self.server = None

    def describe(self):
        def first_line(*command):
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=harness.ROOT)
            return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "unknown"
        changed = first_line("git", "status", "--porcelain", "--untracked-files=no") != "unknown"
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
        fact = self.figures.fact
        fact(f"{time.strftime('%F %R %Z')}, commit {first_line('git', 'rev-parse', '--short', 'HEAD')}{' with changes' if changed else ''}, "
             f"{'quick' if self.quick else 'full'} run")
        fact(f"{os.cpu_count()} x {model}, {memory} GB, Linux {platform.release()}, load {os.getloadavg()[0]:.2f} at the start")
        fact(f"{first_line(os.path.join(self.server.bin, 'postgres'), '--version')}; "
             + ", ".join(f"{name} = {value}" for name, value in measuring.SETTINGS.items()) + "; not analysed but by autovacuum, or where the name says so")
        fact("client and server on this machine; medians of at least "
             + ("1 or 2" if self.quick else "3") + " rounds, those compared in turns within this run; ratio = value / what it must be")

    def run(self, name, part):
        """A part that fails is told, and does not keep the others from being measured."""
        start, cpu = time.monotonic(), self._foreign_cpu()
        try:
            part(self)
            failed = False
        except Exception:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            self.skip(name, "failed, see above")
            failed = True
        self.figures.print_waiting()
        seconds = time.monotonic() - start
        others = max(0.0, self._foreign_cpu() - cpu) / seconds
        self.figures.fact(f"part {name}: {seconds:.1f} s" + (f", others used {others:.2f} cores" if name not in ("processes", "pollers", "heartbeats", "http") else ""))
        return not failed

    def _foreign_cpu(self):
        """CPU seconds of what is neither this process, nor its children that ended, nor the server."""
        return measuring.machine_cpu() - measuring.own_cpu() - measuring.server_cpu(self.server)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller numbers, under a minute")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone; can be given again")
    parser.add_argument("--slurm", action="store_true", help="also beside a private Slurm cluster")
    parser.add_argument("--output", default=os.path.join(harness.ROOT, ".rcq", "bench"), help="directory of figures.md, figures.json and plots (%(default)s)")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of finally, so that no server is left
    bench.server = harness.Server(**measuring.SETTINGS)
    begin, fine = time.monotonic(), True
    try:
        bench.describe()
        for name, (part, in_quick) in PARTS.items():
            if name in arguments.only if arguments.only else in_quick or not bench.quick:
                fine = bench.run(name, part) and fine
        if bench.quick:
            for name, quick_name in QUICK_NAMES.items():
                bench.figures.skipped.setdefault(name, f"see {quick_name}")
        bench.figures.fact(f"{time.monotonic() - begin:.0f} s in all")
        bench.figures.write(arguments.output)
        plots.write(bench.figures.series, arguments.output)
        print("\n" + bench.figures.table() + f"\n\nThe same, and the plots, in {arguments.output}")
    finally:
        bench.server.remove()
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
