"""A real server, real executors, and clients, for the end-to-end tests and the benchmarks. Everything runs unprivileged in a directory of
its own; as root the harness drops to RCQ_RUN_USER (default postgres)."""
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2
import psycopg2.errors
import psycopg2.extras

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
CRASH = re.compile(r"terminated by signal|PANIC:|TRAP:|stack smashing|AddressSanitizer|runtime error:")


def run_as():
    """Keyword arguments for subprocess that make the child unprivileged."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(os.environ.get("RCQ_RUN_USER", "postgres"))
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def wait_for(condition, what, timeout=20.0):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.01)


def max_overlap(intervals):
    """How many of these intervals (begin, end, weight) overlap at most, by weight; one that ends when another begins does not."""
    steps = sorted([(end, 0, -weight) for _, end, weight in intervals] + [(begin, 1, weight) for begin, _, weight in intervals])
    most = now = 0
    for _, _, change in steps:
        now += change
        most = max(most, now)
    return most


def book(db, name):
    """A file that jobs of this database append to, a line at a time."""
    path = os.path.join(db.server.dir, f"{db.name}-{name}")
    with open(path, "w", encoding="utf-8"):
        pass
    os.chmod(path, 0o666)
    return path


def lines(path):
    with open(path, encoding="utf-8") as entries:
        return entries.read().splitlines()


class Gate:
    """A file that jobs wait for."""

    def __init__(self, server):
        self.path = os.path.join(server.dir, f"gate-{os.urandom(6).hex()}")
        self.script = f"until [ -e {self.path} ]; do sleep 0.05; done"

    def open(self):
        with open(self.path, "w", encoding="utf-8"):
            pass


class Server:
    """A PostgreSQL cluster with rcq preloaded."""

    prefix = ()  # of its commands, where they are not just run unprivileged

    def __init__(self, **settings):
        config = os.environ.get("RCQ_PG_CONFIG", "pg_config")
        self.bin = subprocess.check_output([config, "--bindir"], text=True).strip()
        self.dir = tempfile.mkdtemp(prefix="rcq-e2e-", dir=os.environ.get("RCQ_TEST_TMP", "/tmp"))
        os.chmod(self.dir, 0o755)
        self.log_path = os.path.join(self.dir, "server.log")
        self.port = self._free_port()
        if os.geteuid() == 0:
            os.chown(self.dir, run_as()["user"], run_as()["group"])
        # executors and jobs must be able to reach the binary, wherever the checkout lies
        self.executor_binary = os.path.join(self.dir, "rcq-executor")
        built = os.environ.get("RCQ_EXECUTOR", os.path.join(ROOT, "build", "rcq-executor"))
        for program in ("rcq-executor", "rcq-supervisor", "rcq-job"):
            copy = os.path.join(self.dir, program)
            shutil.copy2(os.path.join(os.path.dirname(built), program), copy)
            os.chmod(copy, 0o755)
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(
                f"shared_preload_libraries = 'rcq'\nlisten_addresses = '127.0.0.1'\nport = {self.port}\n"
                f"unix_socket_directories = '{self.dir}'\nmax_worker_processes = 16\nmax_connections = 60\n"
                "log_min_messages = info\nlog_line_prefix = '%m [%p] '\n")
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.start()

    @property
    def data(self):
        return os.path.join(self.dir, "data")

    @property
    def address(self):
        """Where executors find it, in words of a connection string."""
        return f"host={self.dir} port={self.port}"

    @staticmethod
    def _free_port():
        # harnesses that start at the same time, and workers of one pytest, look in different places
        first = os.getpid() + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
        for port in [25500 + (first + step) % 400 for step in range(400)]:
            with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
                probe.bind(("127.0.0.1", port))
                return port
        raise RuntimeError("no free port")

    def _run(self, program, *arguments):
        # not a pipe: the server inherits it and would keep it open
        with open(os.path.join(self.dir, "commands.log"), "a+b") as output:
            done = subprocess.run([*self.prefix, os.path.join(self.bin, program), *arguments], stdout=output, stderr=output, cwd=self.dir,
                                  check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}, **({} if self.prefix else run_as()))
            if done.returncode != 0:
                output.seek(0)
                raise RuntimeError(f"{program} failed: {output.read().decode()[-2000:]}\n{self.log()[-2000:]}")

    def start(self):
        self._run("pg_ctl", "-w", "-D", self.data, "-l", self.log_path, "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-w", "-D", self.data, "-m", mode, "stop")

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def kill(self):
        """Its machine loses its power: all of its processes are gone at once."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as pidfile:
            postmaster = int(pidfile.readline())
        os.kill(postmaster, signal.SIGSTOP)  # so that it starts nothing, and nobody hears of the end of another
        with open(f"/proc/{postmaster}/task/{postmaster}/children", encoding="utf-8") as children:
            processes = [*map(int, children.read().split()), postmaster]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processes), "the server is gone")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def remove(self):
        with contextlib.suppress(RuntimeError):
            self.stop("immediate")
        if not os.environ.get("RCQ_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self, database="postgres", user="postgres"):
        connection = psycopg2.connect(host=self.dir, port=self.port, dbname=database, user=user)
        connection.autocommit = True
        return connection


@contextlib.contextmanager
def watched_server(**settings):
    """A server whose log must not show a crash when it is no longer needed."""
    running = Server(**settings)
    try:
        yield running
    finally:  # also when a test fails that has it to itself
        log = running.log()
        running.remove()
    crash = CRASH.search(log)
    assert not crash, f"the server log shows a crash: {log[max(0, crash.start() - 500):crash.end() + 500]}"


@contextlib.contextmanager
def database_of_test(server, test):
    """A fresh database with the extension, named after the test; runs of an executor that is gone are given away after 3 s."""
    name = "t_" + re.sub(r"\W+", "_", test.lower())[5:45].strip("_")
    database = Database(server, name, lease="2 s", lost_after="3 s", claim_timeout="2 s")
    yield database
    database.drop()


class Database:
    """One database with the extension, and short-hands for what people do in it."""

    def __init__(self, server, name, **settings):
        self.server, self.name = server, name
        admin = server.connect()
        admin.cursor().execute(f"CREATE DATABASE {name}")
        admin.close()
        self._connection = None
        self.sql("CREATE EXTENSION rcq")
        for setting, value in settings.items():
            self.sql("SELECT rcq.set(%s, %s)", setting, value)
        self.executors, self.roles = [], []

    @classmethod
    def existing(cls, server, name):
        """A database that has the extension already."""
        database = cls.__new__(cls)
        database.server, database.name = server, name
        database._connection, database.executors, database.roles = None, [], []
        return database

    def sql(self, query, *parameters, user="postgres"):
        """Rows of a query as dictionaries; reconnects after a server restart."""
        if user != "postgres":
            with contextlib.closing(self.server.connect(self.name, user)) as connection:
                return self._query(connection, query, parameters)
        for attempt in (1, 2):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self.server.connect(self.name)
                return self._query(self._connection, query, parameters)
            except psycopg2.Error as error:
                if error.pgcode is not None and not error.pgcode.startswith("57P"):
                    raise  # the server's answer, not a lost connection
                self._connection = None
                if attempt == 2:
                    raise
        return None

    def drop_extension(self, cascade=""):
        """As long as executors call, the drop may be the one to be refused of two transactions that wait for each other: it is
        repeated, as whoever drops it would."""
        while True:
            try:
                return self.sql(f"DROP EXTENSION rcq {cascade}")
            except psycopg2.errors.DeadlockDetected:
                continue

    @staticmethod
    def _query(connection, query, parameters):
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(query, parameters or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def one(self, query, *parameters, user="postgres"):
        """The only value of the only row."""
        (row,) = self.sql(query, *parameters, user=user)
        (value,) = row.values()
        return value

    def submit(self, script, user="postgres", **options):
        names = "".join(f", {name} => %s" for name in options)
        return self.one(f"SELECT rcq.submit(%s{names})", script, *options.values(), user=user)

    def set(self, **settings):
        for name, value in settings.items():
            self.sql("SELECT rcq.set(%s, %s)", name, value)

    def user(self, name, group="default", **options):
        """A login of its own that is a user; returns the role."""
        role = f"{self.name}_u_{name}"
        names = "".join(f", {option} => %s" for option in options)
        self.sql(f'CREATE ROLE "{role}" LOGIN')
        self.roles.append(role)
        self.sql(f"SELECT rcq.add_user(%s, %s{names})", role, group, *options.values())
        return role

    def gate(self):
        return Gate(self.server)

    def job(self, job_id):
        (row,) = self.sql("SELECT * FROM rcq.jobs WHERE id = %s", job_id)
        return row

    def ended(self, job_id, timeout=20.0):
        """Waits for the end of a job and returns its row."""
        wait_for(lambda: self.job(job_id)["status"] in ("completed", "failed", "cancelled"), f"job {job_id} ended", timeout)
        return self.job(job_id)

    def running(self, job_id, timeout=20.0):
        wait_for(lambda: self.job(job_id)["status"] == "running", f"job {job_id} running", timeout)
        return self.job(job_id)

    def waiting(self, job_id, reason, timeout=20.0):
        """Waits until a pending job waits for this reason; returns its row of the queue."""
        def row():
            found = self.sql("SELECT * FROM rcq.queue WHERE id = %s", job_id)
            return found and found[0]["reason"] == reason and found[0]
        try:
            return wait_for(row, f"job {job_id} waits for {reason}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.sql('SELECT status, reason FROM rcq.jobs WHERE id = %s', job_id)}") from None

    def let_it_plan(self):
        """Lets the scheduler decide again, by what is committed now."""
        cycles = self.one("SELECT cycles FROM rcq.scheduler")
        self.sql("SELECT rcq_private.definitions_changed()")
        wait_for(lambda: self.one("SELECT cycles FROM rcq.scheduler") >= cycles + 2, "two more cycles")

    def logs(self, job_id, **options):
        names = "".join(f", {name} => %s" for name in options)
        return [row["line"] for row in self.sql(f"SELECT line FROM rcq.logs(%s{names})", job_id, *options.values())]

    def executor(self, name, *options, cores=4, memory_gb=8, gpus=0, port=None, wait=True, as_root=False):
        role = f"{self.name}_{name}"
        executor = Executor(self, role, ["--cpu-cores", str(cores), "--memory-gb", str(memory_gb), "--gpus", str(gpus), *options], port, as_root)
        self.executors.append(executor)
        if wait:
            executor.wait_online()
        return executor

    def drop(self):
        for executor in self.executors:
            executor.burn()
        if self._connection is not None:
            self._connection.close()
        admin = self.server.connect()
        cursor = admin.cursor()
        cursor.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        for role in [executor.role for executor in self.executors] + self.roles:
            cursor.execute(f'DROP ROLE IF EXISTS "{role}"')
        admin.close()


def is_nursery(pid):
    """Whether this is the process that an executor's supervisors are forked from."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/cmdline", "rb") as arguments:
            return arguments.read().endswith(b"\0--nursery\0") and os.readlink(f"/proc/{pid}/cwd") == "/"
    return False


class Executor:
    """An rcq-executor process."""

    def __init__(self, database, role, options, port=None, as_root=False):
        grace = [] if "--kill-grace" in options else ["--kill-grace", "1"]
        config = [] if "--config" in options else ["--config", "/dev/null"]  # not what this host may have in /etc
        self.database, self.role, self.options, self.port = database, role, [*grace, *config, *options], port
        self.as_root = as_root
        if not database.sql("SELECT 1 FROM rcq.executors WHERE name = %s", role):
            database.sql("SELECT rcq.create_executor_login(%s, 'secret')", role)
        self.state_dir = os.path.join(database.server.dir, role)
        self.log_path = self.state_dir + ".log"
        self.process = None
        self.start()

    def start(self):
        server = self.database.server
        dsn = f"{server.address} dbname={self.database.name} user={self.role}"
        if self.port:
            dsn = f"host=127.0.0.1 port={self.port} dbname={self.database.name} user={self.role} sslmode=disable gssencmode=disable"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [server.executor_binary, "--dsn", dsn, "--state-dir", self.state_dir, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=server.dir, env=environment, **({} if self.as_root else run_as()))

    def wait_online(self):
        def online():
            if self.process.poll() is not None:
                raise AssertionError(f"executor ended with {self.process.returncode}: {self.log()[-2000:]}")
            return self.database.sql("SELECT 1 FROM rcq.executors WHERE name = %s AND status IN ('idle', 'busy')", self.role)
        wait_for(online, f"executor {self.role} online")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9 of the executor's process alone: its supervisors and jobs go on"""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def processes(self):
        """Supervisors and jobs of this executor, whether it lives or not."""
        runs = os.path.join(self.state_dir, "runs") + "/"
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    named = any(value.startswith(f"RCQ_RUN_DIR={runs}".encode()) for value in environ.read().split(b"\0"))
                if named or os.readlink(f"/proc/{pid}/cwd").startswith(runs):
                    found.append(int(pid))
        return found

    def burn(self):
        """The host burns down: executor, supervisors and jobs are gone at once, and so are the directories of its runs."""
        self.kill()
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(os.path.join(self.state_dir, "runs"), ignore_errors=True)

    def wait_exit(self, timeout=20):
        return self.process.wait(timeout)
