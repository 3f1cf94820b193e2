"""A host of its own for an executor: a network namespace whose cable can be cut without either end noticing."""
import itertools
import os
import shutil
import subprocess
import time

import harness


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Cable:
    """Two addresses, ours and that of the namespace. While it is cut, frames go to nobody, both ways, without an error."""

    _cables = itertools.count()  # of this process

    def __init__(self):
        cable = next(self._cables)
        self.namespace = f"rcq{os.getpid()}n{cable}"
        self._ends = (f"rcq{os.getpid()}a{cable}", f"rcq{os.getpid()}b{cable}")
        number = (os.getpid() + 4099 * cable) % 16384
        network = f"10.{200 + number // 4096}.{number // 16 % 256}."
        self.ours, self.theirs = (f"{network}{number % 16 * 16 + i}" for i in (1, 2))
        ip("netns", "add", self.namespace)
        ip("link", "add", self._ends[0], "type", "veth", "peer", "name", self._ends[1], "netns", self.namespace)
        for where, end, address in (([], self._ends[0], self.ours), (["-n", self.namespace], self._ends[1], self.theirs)):
            ip(*where, "addr", "add", f"{address}/28", "dev", end)
            ip(*where, "link", "set", end, "up")

    @property
    def prefix(self):
        """What begins a command that is to run there, unprivileged."""
        account = harness.run_as()
        return (shutil.which("nsenter"), f"--net=/run/netns/{self.namespace}", "setpriv", f"--reuid={account['user']}", f"--regid={account['group']}", "--clear-groups")

    def _neighbours(self, *action):
        ip("neigh", action[0], self.theirs, *action[1:], "dev", self._ends[0])
        ip("-n", self.namespace, "neigh", action[0], self.ours, *action[1:], "dev", self._ends[1])

    def cut(self):
        self._neighbours("replace", "lladdr", "02:00:00:00:00:01", "nud", "permanent")

    def mend(self):
        self._neighbours("del")

    def cut_for(self, seconds):
        self.cut()
        time.sleep(seconds)
        self.mend()

    def remove(self):
        ip("netns", "del", self.namespace)
        subprocess.run(["ip", "link", "del", self._ends[0]], check=False, capture_output=True)


class DistantExecutor(harness.Executor):
    """An executor at the other end of a cable."""

    def __init__(self, database, name, cable, *options):
        self._cable = cable
        super().__init__(database, f"{database.name}_{name}", ["--cpu-cores", "4", "--memory-gb", "8", "--gpus", "0", *options])
        database.executors.append(self)

    def start(self):
        server = self.database.server
        dsn = f"host={self._cable.ours} port={server.port} dbname={self.database.name} user={self.role} sslmode=disable gssencmode=disable"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self._cable.prefix, server.executor_binary, "--dsn", dsn, "--state-dir", self.state_dir, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=server.dir, env=kept)
