"""A cluster with people, limits and executors, for faults to be injected into."""
import contextlib
import random
import time

import books
import harness
import psycopg2
import workload
from witness import Witness

LOST_AFTER = 3.0

GROUPS = {"physics": {"max_jobs": 6}, "biology": {"max_cores": 5, "max_gpus": 1}}
USERS = {"ada": ("physics", {}), "ben": ("physics", {"max_jobs": 3}), "cleo": ("biology", {}), "dora": ("default", {"max_cores": 6})}
KEYS = {"licence": 2, "scanner": 3}
HOSTS = {"a": {"cores": 4, "memory_gb": 6, "gpus": 2}, "b": {"cores": 4, "memory_gb": 4, "gpus": 0}, "c": {"cores": 3, "memory_gb": 4, "gpus": 1}}
THROTTLES = {"1-4%2": 2, "0-8:2%3": 3}


class World:
    """A server, one database with rcq, and executors; a workload comes and goes (under_load)."""

    def __init__(self, seed, server, name="chaos", **settings):
        self.seed, self.server, self.random = seed, server, random.Random(seed)
        self.db = harness.Database(server, name, **{"lease": "2 s", "lost_after": f"{LOST_AFTER} s", "claim_timeout": "2 s", "max_losses": "1000", **settings})
        for group, limits in GROUPS.items():
            self.db.sql("SELECT rcq.add_group(%s" + "".join(f", {name} => %s" for name in limits) + ")", group, *limits.values())
        self.users = [self.db.user(user, group, **limits) for user, (group, limits) in USERS.items()]
        for key, most in KEYS.items():
            self.db.sql("SELECT rcq.set_concurrency_limit(%s, %s)", key, most)
        self.witness = Witness(self.db)
        self.hosts = {}
        for host, capacity in HOSTS.items():
            self.hosts[host] = self.db.executor(host, **capacity)
        self.load, self.through = None, None
        self._epoch = 0

    def remove(self):
        if self.load is not None:
            self.load.stop()
        self.db.drop()

    # -- questions that wait for the server

    def ask(self, query, *parameters, timeout=60):
        """Rows of a query that may be asked twice, from a server that may just be away."""
        end = time.monotonic() + timeout
        while True:
            try:
                return self.db.sql(query, *parameters)
            except psycopg2.Error as error:
                if not workload.lost(error) and error.pgcode not in ("53300", "57014"):
                    raise
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def one(self, query, *parameters):
        (row,) = self.ask(query, *parameters)
        (value,) = row.values()
        return value

    def connect(self, user):
        """A connection of somebody who submits, in autocommit; by way of a pooler while there is one (through)."""
        if self.through is None:
            return self.db.server.connect(self.db.name, user)
        connection = psycopg2.connect(host="127.0.0.1", port=self.through.port, dbname=self.db.name, user=user, sslmode="disable", gssencmode="disable")
        connection.autocommit = True
        return connection

    @contextlib.contextmanager
    def another_host(self, make):
        """One more executor for a time, which leaves as in a fire: what it runs then is given away."""
        executor = make()
        try:
            executor.wait_online()
            harness.wait_for(lambda: any(name == executor.role for _, _, name in self.in_flight()), "it has something to do", 60)
            yield executor
        finally:
            executor.burn()
            left = [run for run in self.in_flight() if run[2] == executor.role]
            harness.wait_for(self.given_away(left), "what it ran is given away", 30)

    def in_flight(self):
        """Runs that are placed or running: [(job, attempt, executor's name)]."""
        rows = self.ask("SELECT l.job_id, l.attempt, e.name FROM rcq_private.live l JOIN rcq_private.executor e ON e.id = l.executor_id WHERE l.placed_at IS NOT NULL")
        return [(row["job_id"], row["attempt"], row["name"]) for row in rows]

    def busiest(self):
        """The executor with the most runs."""
        return max(self.hosts.values(), key=lambda executor: sum(name == executor.role for _, _, name in self.in_flight()))

    def placed_since(self):
        """A condition: that something has been placed since now. By the numbers of commands, which no clock moves."""
        before = self.one("SELECT last_value AS seq FROM rcq_private.command_seq")
        return lambda: self.ask("SELECT 1 FROM rcq_private.live WHERE command_seq > %s AND placed_at IS NOT NULL LIMIT 1", before)

    def given_away(self, runs):
        """A condition: that none of these runs is recognised any more."""
        return lambda: not set(runs) & set(self.in_flight())

    def scheduler(self):
        """Its process, or None."""
        found = self.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database()")
        return found[0]["pid"] if found else None

    # -- load

    @contextlib.contextmanager
    def under_load(self, at_least=6):
        """People submit within; when it begins, at least so many runs are in flight."""
        self._epoch += 1
        self.first_job = self.one("SELECT COALESCE(max(id), 0) + 1 FROM rcq_private.job")
        self.first_entry = len(harness.lines(self.witness.path))
        self.sift = lambda entries: entries  # what a fault leaves to be balanced of the notes of jobs
        self.load = workload.Workload(f"{self._epoch}", self.connect, self.users, self.witness, list(KEYS), self.seed)
        try:
            harness.wait_for(lambda: len(self.in_flight()) >= at_least, "the load is there", 60)
            yield self.load
        finally:
            self.load.stop()

    def settle(self, timeout=90):
        """Waits until all that was submitted has ended and the books can be balanced; what has not ended by then is cancelled
        afterwards. Returns what does not balance."""
        with contextlib.suppress(AssertionError):
            harness.wait_for(lambda: not self.ask("SELECT 1 FROM rcq_private.live LIMIT 1") and not self.ask("SELECT 1 FROM rcq_private.array_end LIMIT 1"), "all jobs have ended", timeout)
        findings = self.balance()
        findings += [books.Finding("other", f"a submitter was told {text}") for text in sorted(set(self.load.surprises))]
        for row in self.ask("SELECT job_id FROM rcq_private.live"):
            with contextlib.suppress(psycopg2.Error):
                self.db.sql("SELECT rcq.cancel(%s)", row["job_id"])
        for name, executor in self.hosts.items():
            if executor.process.poll() is not None:
                findings.append(books.Finding("other", f"executor {name} has ended with {executor.process.returncode}: {executor.log()[-500:]}"))
        return findings + self.whole()

    def balance(self):
        """What does not balance of the last workload."""
        return books.Books(self.db, self.load.requests, self.sift(self.witness.book(self.first_entry)), self.first_job, self.limits()).balance()

    def limits(self):
        """What was never to be exceeded."""
        def of(measure, column, value):
            return lambda run: measure(run.job) if run.job[column] == value else 0

        measures = {"max_jobs": lambda job: 1, "max_cores": lambda job: job["cpu_cores"], "max_gpus": lambda job: job["gpu_count"]}
        found = []
        for group, limits in GROUPS.items():
            found += [books.Limit(f"{name} of group {group}", most, of(measures[name], "group_name", group)) for name, most in limits.items()]
        for user, (_, limits) in USERS.items():
            role = f"{self.db.name}_u_{user}"
            found += [books.Limit(f"{name} of user {user}", most, of(measures[name], "user_name", role)) for name, most in limits.items()]
        found += [books.Limit(f"key {key}", most, of(measures["max_jobs"], "concurrency_key", key)) for key, most in KEYS.items()]
        for host, capacity in HOSTS.items():
            for what, column in (("cores", "cpu_cores"), ("memory_gb", "memory_gb"), ("gpus", "gpu_count")):
                found.append(books.Limit(f"{what} of executor {host}", capacity[what], self._on_host(f"{self.db.name}_{host}", column)))
        found += [books.Limit(f"throttle of array {request.job}", THROTTLES[request.options["array"]], of(measures["max_jobs"], "array_id", request.job))
                  for request in self.load.requests if request.job is not None and request.options.get("array") in THROTTLES]
        return found

    @staticmethod
    def _on_host(role, column):
        return lambda run: float(run.job[column]) if run.host == role else 0

    def whole(self, timeout=30):
        """Whether the cluster can be filled to the last core, and no further: nothing was released twice or never."""
        cores = sum(capacity["cores"] for capacity in HOSTS.values())
        gate = self.db.gate()
        jobs = [self.db.submit(gate.script, memory_gb=0.01, priority=10) for _ in range(cores + 1)]
        count = "SELECT count(*) FROM rcq.jobs WHERE id = ANY(%s) AND status = ANY(%s)"
        found = []
        try:
            harness.wait_for(lambda: self.one(count, jobs, ["running"]) >= cores, "every core is in use", timeout)
            if self.one(count, jobs, ["running", "assigned"]) > cores:
                found.append(books.Finding("other", f"more than {cores} cores are in use"))
        except AssertionError:
            found.append(books.Finding("other", f"of {cores} cores only {self.one(count, jobs, ['running'])} can be used; executors: {self.ask('SELECT name, status, reason, runs FROM rcq.executors')}"))
        gate.open()
        try:
            harness.wait_for(lambda: self.one(count, jobs, ["completed"]) == len(jobs), "they end", timeout)
        except AssertionError:
            found.append(books.Finding("lost", f"jobs that were to fill the cluster do not end: {self.ask('SELECT id, status, reason FROM rcq.jobs WHERE id = ANY(%s)', jobs)}"))
        return found
