import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness  # noqa: E402

CLUSTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cluster.sh")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
MISSING = [program for program in ("slurmctld", "slurmd", "sbatch", "munged") if shutil.which(program, path=PATH) is None]


def pytest_collection_modifyitems(items):
    if MISSING:
        reason = f"Slurm is not there ({', '.join(MISSING)}): apt-get install slurmctld slurmd slurm-client munge"
        print(f"SKIP: {reason}")
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


class Cluster:
    """A private Slurm cluster of two nodes with four cores each, and the directory that they share with the executor."""

    def __init__(self, **settings):
        self.dir = tempfile.mkdtemp(prefix="rcq-slurm-", dir=os.environ.get("RCQ_TEST_TMP", "/tmp"))
        os.chmod(self.dir, 0o755)
        self.shared = os.path.join(self.dir, "shared")
        os.mkdir(self.shared)
        self.supervisor = os.path.join(self.dir, "rcq-supervisor")
        shutil.copy2(os.path.join(harness.ROOT, "build", "rcq-supervisor"), self.supervisor)
        self.script = shutil.copy2(CLUSTER, self.dir)
        for path in (self.supervisor, self.script):
            os.chmod(path, 0o755)
        if os.geteuid() == 0:
            for path in (self.dir, self.shared):
                os.chown(path, harness.run_as()["user"], harness.run_as()["group"])
        self.environment = {"PATH": PATH, "HOME": self.dir, "CTPORT": "16917", "BASE": "17100", **settings}
        self.call(self.script, "up", self.dir)
        self.environment["SLURM_CONF"] = os.path.join(self.dir, "slurm.conf")

    def call(self, *command, check=True):
        with open(os.path.join(self.dir, "commands.log"), "a+b") as log:  # not a pipe: daemons would keep it open
            begin = log.seek(0, os.SEEK_END)
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=self.environment,
                                  timeout=120, check=False, **harness.run_as())
            log.seek(begin)
            output = log.read().decode()
        assert not check or done.returncode == 0, f"{command}: {output}"
        return output

    def jobs(self, *options):
        """What squeue lists: (id, name, state) of each job, ended ones included."""
        lines = self.call("squeue", "--noheader", "--states=all", "--format=%i %j %T", *options).splitlines()
        return [tuple(line.split()) for line in lines]

    def states(self):
        return [state for _, _, state in self.jobs()]

    def drain(self):
        self.call("scontrol", "update", "nodename=n[1-2]", "state=drain", "reason=test")

    def resume(self):
        self.call("scontrol", "update", "nodename=n[1-2]", "state=resume", check=False)

    def kill_slurmctld(self):
        with open(os.path.join(self.dir, "slurmctld.pid"), encoding="utf-8") as file:
            os.kill(int(file.read()), 9)

    def start_slurmctld(self):
        self.call(self.script, "ctld", self.dir)
        harness.wait_for(lambda: "rcqtest" in self.call("scontrol", "ping", check=False) or self.reachable(), "slurmctld answers", 60)

    def reachable(self):
        return "error" not in self.call("squeue", "--noheader", check=False)

    def processes_of(self, *marks):
        """Pids of processes in whose command line or environment all of these occur."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                text = b""
                for name in ("cmdline", "environ"):
                    with open(f"/proc/{pid}/{name}", "rb") as file:
                        text += file.read()
            except OSError:
                continue
            if all(mark.encode() in text for mark in marks):
                found.append(int(pid))
        return found

    def supervisors(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe") == self.supervisor:
                    found.append(int(pid))
        return found

    def remove(self):
        self.call(self.script, "down", self.dir)
        if not os.environ.get("RCQ_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)


class SlurmExecutor(harness.Executor):
    """An rcq-executor that offers the partition main of a cluster."""

    def __init__(self, database, cluster, name, *options):
        self.cluster = cluster
        options = ["--backend", "slurm", "--slurm-partition", "main", "--supervisor", cluster.supervisor, *options]
        super().__init__(database, f"{database.name}_{name}", options)
        database.executors.append(self)
        self.wait_online()

    def start(self):
        self.state_dir = os.path.join(self.cluster.shared, self.role)
        os.environ["SLURM_CONF"] = self.cluster.environment["SLURM_CONF"]
        try:
            super().start()
        finally:
            del os.environ["SLURM_CONF"]


@pytest.fixture(scope="session")
def server():
    running = harness.Server(fsync="off")
    yield running
    log = running.log()
    running.remove()
    assert not harness.CRASH.search(log), log[-3000:]


@pytest.fixture
def db(server, request):
    name = "t_" + re.sub(r"\W+", "_", request.node.name.lower())[5:45].strip("_")
    database = harness.Database(server, name, lease="2 s", lost_after="3 s", claim_timeout="2 s")
    yield database
    database.drop()


@pytest.fixture
def cluster(request):
    running = Cluster(**getattr(request, "param", {}))
    yield running
    running.remove()


@pytest.fixture
def slurm(db, cluster):
    """Starts executors on the cluster."""
    return lambda name="slurm", *options: SlurmExecutor(db, cluster, name, *options)
