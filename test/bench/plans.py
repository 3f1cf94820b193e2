"""The scheduling core alone, without a database: build/plan_bench."""
import os
import subprocess

import harness


def plans(bench):
    for option in ("--quick",) if bench.quick else ("", "--1m-10k", "--10m-10k"):
        done = subprocess.run([os.path.join(harness.ROOT, "build", "plan_bench"), option], stdout=subprocess.PIPE, text=True, check=True)
        for line in done.stdout.splitlines():
            name, value, unit = line.split(" ", 2)
            bench.report(name, float(value), unit)
