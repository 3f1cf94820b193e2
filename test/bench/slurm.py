"""A private Slurm cluster, as test/slurm makes it, beside which real processes are measured."""
import contextlib
import os
import shutil
import subprocess
import time

import harness

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
SCRIPT = os.path.join(harness.ROOT, "test", "slurm", "cluster.sh")
NODES, CPUS = 4, 64


class Cluster:
    def __init__(self, directory):
        self.dir = directory
        self.environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "SLURM_CONF": os.path.join(directory, "slurm.conf"), "CTPORT": "16917", "BASE": "17100"}

    def _run(self, *command):
        return subprocess.run(command, cwd=self.dir, env=self.environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, **harness.run_as()).stdout

    def up(self):
        with open(os.path.join(self.dir, "up.log"), "w", encoding="utf-8") as log:  # not a pipe: the daemons inherit it
            subprocess.run([SCRIPT, "up", self.dir, str(NODES), str(CPUS)], cwd=self.dir, env=self.environment, check=True,
                           stdout=log, stderr=log, **harness.run_as())
        self.array_rate(8)  # the first batch job after a start waits for seconds

    def array_rate(self, count):
        """Tasks per second of an array of /bin/true, from its submission until the queue is empty."""
        left = count
        start = time.monotonic()
        while left:  # Slurm's arrays have at most 1,000 tasks unless configured otherwise
            size = min(left, 1000)
            self._run("sbatch", "--parsable", f"--array=1-{size}", "--output=/dev/null", "--mem=1", "--wrap=/bin/true")
            left -= size
        harness.wait_for(lambda: not self._run("squeue", "-h").strip(), "Slurm's queue is empty", 300)
        return count / (time.monotonic() - start)

    def down(self):
        subprocess.run([SCRIPT, "down", self.dir], check=True, env=self.environment, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def cluster(bench):
    """With --slurm and where Slurm is, a running cluster; else None."""
    missing = [program for program in ("slurmctld", "slurmd", "sbatch", "munged") if shutil.which(program, path=PATH) is None]
    if not bench.slurm or missing:
        bench.skip("spawn_vs_slurm", f"{', '.join(missing)} missing: deploy/setup.sh soak" if bench.slurm else "asked for by --slurm")
        yield None
        return
    directory = os.path.join(bench.server.dir, "slurm")
    os.mkdir(directory)
    os.chmod(directory, 0o755)
    if os.geteuid() == 0:
        os.chown(directory, harness.run_as()["user"], harness.run_as()["group"])
    running = Cluster(directory)
    try:
        running.up()
        yield running
    finally:
        running.down()
