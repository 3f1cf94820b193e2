"""Ways to the server: a transaction pooler, TLS both ways, a password file, several hosts of which one is the primary."""
import contextlib
import os
import pathlib
import subprocess
import tempfile
import threading

import harness
import pytest
from harness import book, lines
from pooler import Pooler


class Remote(harness.Executor):
    """An executor that is told how to connect."""

    def __init__(self, database, name, dsn, *options, **environment):
        self.dsn, self.environment = dsn, environment
        super().__init__(database, f"{database.name}_{name}", ["--cpu-cores", "4", "--memory-gb", "8", "--gpus", "0", *options])
        database.executors.append(self)

    def start(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        kept["HOME"] = self.database.server.dir  # libpq looks there for certificates
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.database.server.executor_binary, "--dsn", f"{self.dsn} dbname={self.database.name} user={self.role}", "--state-dir", self.state_dir, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.database.server.dir, env={**kept, **self.environment}, **harness.run_as())

    def refused(self, text):
        """Waits until it was refused for this reason, and again after that: it goes on trying."""
        def refusals():
            return [line for line in self.log().replace('\\"', '"').splitlines() if "event=connect_failed" in line and text in line]
        harness.wait_for(lambda: len(refusals()) >= 2, f"the log says twice: {text}")
        assert self.process.poll() is None
        assert not self.database.sql("SELECT 1 FROM rcq.executors WHERE name = %s AND status IN ('idle', 'busy')", self.role)


class Connections:
    """Counts the connections of a role, all the time."""

    def __init__(self, db, role):
        self._count = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        self._db, self._role, self._over, self.most, self.looks = db, role, threading.Event(), 0, 0
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        with contextlib.closing(self._db.server.connect()) as connection, connection.cursor() as cursor:
            while not self._over.is_set():
                cursor.execute(self._count, (self._role,))
                self.most = max(self.most, cursor.fetchone()[0])
                self.looks += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def work(db, script="echo one; echo two >&2"):
    """A job from end to end, with its log."""
    job = db.submit(script)
    assert db.ended(job)["status"] == "completed"
    harness.wait_for(lambda: sorted(db.logs(job)) == ["one", "two"], "both lines are there")


def test_an_executor_has_one_connection_whatever_it_does(db):
    executor = db.executor("a", cores=4)
    with Connections(db, executor.role) as connections:
        loud = [db.submit("seq 20000") for _ in range(6)]
        endless = db.submit("sleep 60", priority=10)
        db.running(endless)
        db.sql("SELECT rcq.cancel(%s)", endless)
        for job in [*loud, endless]:
            db.ended(job)
        many = [db.submit("true") for _ in range(50)]
        for job in many:
            db.ended(job)
    assert connections.most == 1 and connections.looks > 100


@contextlib.contextmanager
def pooled(db):
    """An executor behind a pooler: both of them."""
    role = f"{db.name}_p"
    pooler = Pooler(db.server, role)
    try:
        executor = Remote(db, "p", f"host=127.0.0.1 port={pooler.port} sslmode=disable gssencmode=disable", "--no-listen")
        executor.wait_online()
        yield pooler, executor
    finally:
        pooler.stop()


@pytest.mark.parametrize("whose", ["DATABASE {db.name}", "ROLE {executor.role}", "ROLE {executor.role} IN DATABASE {db.name}"],
                         ids=["database", "role", "role in database"])
def test_an_executor_works_where_transactions_only_read_unless_told_otherwise(db, whose):
    executor = db.executor("a")
    db.sql(f"ALTER {whose.format(db=db, executor=executor)} SET default_transaction_read_only = on")
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", executor.role)
    job = db.submit("echo something to store")
    assert db.ended(job)["status"] == "completed"
    harness.wait_for(lambda: db.logs(job) == ["something to store"], "its output is there")


def test_through_a_transaction_pooler_jobs_run_and_their_logs_stream(db):
    with pooled(db) as (_, executor):
        work(db)
        job = db.submit("i=0; while [ $i -lt 40 ]; do echo $i; i=$((i + 1)); sleep 0.1; done")
        db.running(job)
        backends = set()
        seen = harness.wait_for(lambda: db.logs(job), "the first lines")
        assert db.job(job)["status"] == "running" and seen[0] == "0"
        while db.job(job)["status"] == "running":
            backends.update(row["pid"] for row in db.sql("SELECT pid FROM pg_stat_activity WHERE usename = %s", executor.role))
        assert db.job(job)["status"] == "completed" and db.logs(job) == [str(i) for i in range(40)]
        assert len(backends) > 1, "the pooler has changed connections beneath it"
        cancelled = db.submit("sleep 60")
        db.running(cancelled)
        db.sql("SELECT rcq.cancel(%s)", cancelled)
        assert db.ended(cancelled)["status"] == "cancelled"


def test_a_restart_of_the_pooler_loses_and_doubles_nothing(db):
    with pooled(db) as (pooler, _):
        starts, ends = book(db, "starts"), book(db, "ends")
        jobs = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; seq 1000; sleep 0.{i}; echo $RCQ_JOB_ID >> {ends}") for i in range(1, 9)]
        for already in (2, 5):
            harness.wait_for(lambda: len(lines(ends)) >= already, "some have ended")
            pooler.stop()
            pooler.start()
        for job in jobs:
            row = db.ended(job)
            assert (row["status"], row["attempt"]) == ("completed", 1)
            assert db.logs(job) == [str(i) for i in range(1, 1001)]
        assert sorted(lines(starts)) == sorted(lines(ends)) == sorted(str(job) for job in jobs)


class Authority:
    """A certificate authority of its own."""

    def __init__(self, directory, name):
        self._stem = os.path.join(directory, name)
        self.certificate = f"{self._stem}.crt"
        self._make(self._stem, name, "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def _make(stem, name, *options):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-keyout", f"{stem}.key", "-out", f"{stem}.crt", *options], check=True, capture_output=True)
        os.chmod(f"{stem}.key", 0o600)
        if os.geteuid() == 0:
            os.chown(f"{stem}.key", harness.run_as()["user"], harness.run_as()["group"])

    def issue(self, file, name, *options):
        """Key and certificate for a name: the paths of certificate and key."""
        stem = os.path.join(os.path.dirname(self._stem), file)
        self._make(stem, name, "-CA", self.certificate, "-CAkey", f"{self._stem}.key", *options)
        return f"{stem}.crt", f"{stem}.key"


def open_to_all(directory):
    """pytest's own directories are its user's alone; those above them are everybody's."""
    for path in (directory, *directory.parents):
        if path == pathlib.Path(tempfile.gettempdir()):
            break
        path.chmod(0o755)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificates")
    open_to_all(directory)
    return Authority(str(directory), "ours")


@contextlib.contextmanager
def own_server(**settings):
    running = harness.Server(fsync="off", **settings)
    try:
        yield running
        assert not harness.CRASH.search(running.log())
    finally:
        running.remove()


@pytest.fixture(scope="module")
def guarded(authority):
    """A server with TLS, whose certificate is for localhost."""
    certificate, key = authority.issue("server", "localhost", "-addext", "subjectAltName=DNS:localhost")
    with own_server(ssl="on", ssl_cert_file=certificate, ssl_key_file=key, ssl_ca_file=authority.certificate) as running:
        yield running


def admit(server, method):
    """Over TLS alone, and by this method; the tests themselves come in by the socket."""
    with open(os.path.join(server.data, "pg_hba.conf"), "w", encoding="utf-8") as rules:
        rules.write(f"local all postgres trust\nhostssl all all 127.0.0.1/32 {method}\nhostssl all all ::1/128 {method}\n")

    def loaded():
        with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_conf_load_time()")
            return cursor.fetchone()[0]
    before = loaded()
    with contextlib.closing(server.connect()) as connection:
        connection.cursor().execute("SELECT pg_reload_conf()")
    harness.wait_for(lambda: loaded() > before, "the rules are read")


@contextlib.contextmanager
def database(server, name, **settings):
    made = harness.Database(server, name, **{"lease": "2 s", "lost_after": "3 s", "claim_timeout": "2 s", **settings})
    try:
        yield made
    finally:
        made.drop()


def test_the_certificate_of_the_server_is_checked(guarded, authority, tmp_path):
    admit(guarded, "trust")
    with database(guarded, "t_server_certificate") as db:
        at = f"port={guarded.port} sslmode=verify-full"
        stranger = Authority(str(tmp_path), "stranger")
        open_to_all(tmp_path)
        Remote(db, "other_authority", f"host=localhost {at} sslrootcert={stranger.certificate}").refused("certificate verify failed")
        Remote(db, "other_name", f"host=127.0.0.1 {at} sslrootcert={authority.certificate}").refused('does not match host name "127.0.0.1"')
        Remote(db, "no_tls", f"host=localhost port={guarded.port} sslmode=disable").refused("no encryption")
        executor = Remote(db, "right", f"host=localhost {at} sslrootcert={authority.certificate}")
        executor.wait_online()
        assert db.one("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = %s", executor.role) is True
        work(db)


def test_an_executor_logs_in_by_its_certificate_and_by_no_other(guarded, authority):
    admit(guarded, "cert")
    with database(guarded, "t_client_certificate") as db:
        role = f"{db.name}_a"
        certificate, key = (os.path.join(guarded.dir, f"client.{kind}") for kind in ("crt", "key"))

        def take(pair):
            for path, target in zip(pair, (certificate, key)):
                os.rename(path, target)
        take(authority.issue("somebody", "somebody_else"))
        executor = Remote(db, "a", f"host=localhost port={guarded.port} sslmode=verify-full sslrootcert={authority.certificate} sslcert={certificate} sslkey={key}")
        executor.refused(f'certificate authentication failed for user "{role}"')
        assert 'provided user name' in guarded.log(), "the server says which name it was given"
        take(authority.issue("right", role))
        executor.wait_online()
        assert db.one("SELECT client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = %s", role) == f"/CN={role}"
        work(db)


def test_a_password_comes_from_a_file_and_is_asked_for_again_after_each_refusal(guarded, authority):
    admit(guarded, "scram-sha-256")
    with database(guarded, "t_password", lost_after="60 s") as db:
        passwords = os.path.join(guarded.dir, "passwords")

        def write(password):
            with open(passwords, "w", encoding="utf-8") as file:
                file.write(f"localhost:{guarded.port}:*:*:{password}\n")
            os.chmod(passwords, 0o600)
            if os.geteuid() == 0:
                os.chown(passwords, harness.run_as()["user"], harness.run_as()["group"])
        write("guess")
        executor = Remote(db, "a", f"host=localhost port={guarded.port} sslmode=verify-full sslrootcert={authority.certificate}", PGPASSFILE=passwords)
        executor.refused(f'password authentication failed for user "{executor.role}"')
        write("secret")
        executor.wait_online()
        work(db)
        job = db.submit("sleep 2; echo one; echo two")
        db.running(job)
        db.sql(f"ALTER ROLE {executor.role} PASSWORD 'changed'")
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", executor.role)
        harness.wait_for(lambda: executor.log().count("password authentication failed") > 2, "the old password is refused")
        write("changed")
        row = db.ended(job)
        assert (row["status"], row["attempt"]) == ("completed", 1)
