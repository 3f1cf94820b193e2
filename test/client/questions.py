#!/usr/bin/python3
"""A small cluster on one of its worse days, of which deploy/psql/rcq.psql is asked; test_questions.py checks the answers.
   test/client/questions.py    writes what is answered into docs/howto/questions-of-an-administrator.md
RCQ_PG_CONFIG names the PostgreSQL that rcq is installed in."""
import csv
import io
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness  # noqa: E402

PSQL_FILE = os.path.join(harness.ROOT, "deploy", "psql", "rcq.psql")
PAGE = os.path.join(harness.ROOT, "docs", "howto", "questions-of-an-administrator.md")


class Day:
    """What is so is named by attributes, so that a test can say what is right: `job` has the ids by what they are."""

    def __init__(self, server):
        self.server = server
        self.db = harness.Database(server, "cluster", lease="2 s", lost_after="1 hour")
        self.job, self.hosts = {}, {}
        self._people()
        self._host_that_dies()
        self._hosts()
        self._ended()
        self._running()
        self._waiting()
        self.db.sql("CREATE ROLE admin LOGIN")
        self.db.sql("SELECT rcq.add_user('admin', is_admin => true)")
        self._settle()

    def _people(self):
        self.db.sql("SELECT rcq.add_group('genomics', 200)")
        self.db.sql("SELECT rcq.add_group('physics', 100)")
        self.db.sql("SELECT rcq.add_group('students', 10, max_jobs => 1)")
        for user, group in (("ann", "genomics"), ("bob", "physics"), ("cem", "physics"), ("dora", "students")):
            self.db.sql(f"CREATE ROLE {user} LOGIN")
            self.db.sql("SELECT rcq.add_user(%s, %s)", user, group)
        self.db.roles += ["ann", "bob", "cem", "dora", "admin"]

    def host(self, name, cores, memory_gb, gpus=0, *options):
        arguments = ["--hostname", name, "--no-detect", "--cpu-cores", str(cores), "--memory-gb", str(memory_gb), "--gpus", str(gpus), *options]
        self.hosts[name] = harness.Executor(self.db, name, arguments)
        self.db.executors.append(self.hosts[name])
        self.hosts[name].wait_online()

    def submit(self, what, user, script="sleep 3600", **options):
        self.job[what] = self.db.submit(script, user=user, name=what, **options)

    def _host_that_dies(self):
        self.host("node3", 4, 8)
        self.submit("alignment", "ann", cpu_cores=2, memory_gb=4)
        self.db.running(self.job["alignment"])
        self.hosts["node3"].burn()

    def _hosts(self):
        def offline():
            return self.db.one("SELECT status = 'offline' FROM rcq.executors WHERE name = 'node3'")
        harness.wait_for(offline, "node3 is offline")
        self.host("node1", 4, 8, 0, "--features", "old")
        self.host("node2", 4, 8, 2, "--features", "new")
        self.host("node4", 4, 8)
        self.db.sql("SELECT rcq.drain_executor('node4', 'disk is replaced')")

    def _ended(self):
        for number in range(3):
            self.submit(f"convert {number}", "bob", "echo 'convert: no such file' >&2; exit 2", memory_gb=0.1, features=["old"])
        self.submit("stack", "cem", "kill -SEGV $$", memory_gb=0.1, features=["old"])
        self.submit("no directory", "cem", "true", workdir="/no/such/place", features=["old"])
        self.submit("greedy", "ann", "sleep 2", cpu_cores=4, memory_gb=4, features=["new"])
        self.submit("busy", "cem", "end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do :; done", memory_gb=0.1, features=["old"])
        for job in [self.job[f"convert {number}"] for number in range(3)] + [self.job[what] for what in ("stack", "no directory", "greedy", "busy")]:
            self.db.ended(job)

    def _running(self):
        self.submit("train", "bob", cpu_cores=2, memory_gb=4, gpu_count=2, time_limit="12 hours")
        self.submit("assemble", "ann", cpu_cores=4, memory_gb=6, estimated_hours=0.0005)
        self.submit("exercise", "dora", memory_gb=1)
        for what in ("train", "assemble", "exercise"):
            self.db.running(self.job[what])

        def past_its_estimate():
            return self.db.one("SELECT clock_timestamp() > started_at + estimate + interval '1 second' FROM rcq.jobs WHERE id = %s", self.job["assemble"])
        harness.wait_for(past_its_estimate, "a job that runs longer than it said")

    def _waiting(self):
        self.submit("report", "ann", depends_on=f"afterok:{self.job['assemble']}")
        self.submit("archive", "ann", depends_on=f"afterany:{self.job['assemble']}")
        self.submit("huge", "cem", cpu_cores=64)
        self.submit("wide", "cem", cpu_cores=4)
        self.submit("exercise 2", "dora", memory_gb=1)
        self.submit("later", "bob", hold=True)
        self.job["sweep"] = self.db.submit("sleep 3600", user="bob", name="sweep", cpu_cores=3, memory_gb=2, **{'"array"': "1-10"})
        self.db.sql("SELECT rcq.set_consumable('matlab', 2)")
        self.db.sql("SELECT rcq.set_concurrency_limit('upload', 5)")
        self.db.sql("SELECT rcq.reserve(now() + interval '8 hours', now() + interval '10 hours', executor => 'node2', reason => 'new kernel')")
        self.db.sql("SELECT rcq.schedule('nightly', '0 3 * * *', 'true', timezone => 'UTC')", user="cem")
        self.db.sql("SELECT rcq.pause_schedule('nightly')", user="cem")

    def _settle(self):
        """Waits until the scheduler has said of everything why it waits."""
        for what, reason in (("huge", "never_fits"), ("wide", "resources"), ("exercise 2", "limit"), ("later", "held"), ("report", "dependency")):
            self.db.waiting(self.job[what], reason)
        def predicted():
            return self.db.one("SELECT expected_start IS NOT NULL FROM rcq.queue WHERE id = %s", self.job["wide"])
        harness.wait_for(predicted, "a forecast")

        def measured():
            return self.db.one("SELECT bool_and(cpu_seconds IS NOT NULL) FROM rcq.jobs WHERE id = ANY (%s)", [self.job["train"], self.job["assemble"]])
        harness.wait_for(measured, "CPU time of what runs", 60)

    def psql(self, *arguments, user="admin", text=None):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        done = subprocess.run([os.path.join(self.server.bin, "psql"), "-X", "-h", self.server.dir, "-p", str(self.server.port), "-U", user, "-d", self.db.name,
                               "-v", "ON_ERROR_STOP=1", *arguments], input=text, capture_output=True, text=True, check=False, timeout=60,
                              env={**environment, "PGTZ": "UTC", "LC_ALL": "C.UTF-8"})
        assert (done.returncode, done.stderr) == (0, ""), f"psql ended with {done.returncode}: {done.stderr}{done.stdout}"
        return done.stdout

    def ask(self, typed, user="admin"):
        """Rows of what is answered to what somebody types, as dictionaries of texts."""
        return list(csv.DictReader(io.StringIO(self.psql("-q", "--csv", "-f", PSQL_FILE, "-f", "-", user=user, text=typed + "\n"))))

    def shown(self, typed):
        return self.psql("-q", "-f", PSQL_FILE, "-f", "-", text=typed + "\n").rstrip("\n")


def sections():
    """What the page has for each question: (what is typed, what is answered)."""
    with open(PAGE, encoding="utf-8") as page:
        return re.findall(r"^### `(:\w+)`\n.*?^```\n\w+=> (.*?)\n(.*?)^```$", page.read(), re.M | re.S)


def write(day):
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()

    def answer(match):
        return f"{match[1]}{match[2]}\n{day.shown(match[2])}\n```"
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(re.sub(r"(^### `:\w+`\n(?:(?!^### ).)*?^```\n\w+=> )([^\n]*)\n.*?^```$", answer, text, flags=re.M | re.S))


if __name__ == "__main__":
    with harness.watched_server(fsync="off") as running:
        today = Day(running)
        time.sleep(90)  # so that what is shown looks like a day
        write(today)
