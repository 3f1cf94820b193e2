"""pg_upgrade to the next version with everything in use: nothing is lost, nothing runs until rcq.adopt(), then all goes on.
RCQ_PG_CONFIGS names what to upgrade from and to: "15=/path/to/pg_config 17=/path/to/pg_config 18=...", rcq installed in each."""
import contextlib
import glob
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "upgrade")]
import harness  # noqa: E402
from harness import book, lines, wait_for  # noqa: E402
from test_upgrade import catalog  # noqa: E402

SERVERS = dict(entry.split("=", 1) for entry in os.environ["RCQ_PG_CONFIGS"].split())
VERSIONS = sorted(SERVERS, key=int)
STEPS = list(zip(VERSIONS, VERSIONS[1:]))
EARLIER = sorted(os.path.basename(path)[len("rcq--"):-len(".sql")] for path in glob.glob(os.path.join(HERE, "..", "upgrade", "rcq--*.sql")))
IDLES = "this database is a copy of another one, and its queue may be running there: SELECT rcq.adopt() to run it here"


def bindir(version):
    return subprocess.check_output([SERVERS[version], "--bindir"], text=True).strip()


class Old(harness.Server):
    """What is upgraded."""

    def __init__(self, version, monkeypatch):
        monkeypatch.setenv("RCQ_PG_CONFIG", SERVERS[version])
        self.executors = []  # of whatever database: to be ended with it
        super().__init__(fsync="off")

    def database(self, name, **settings):
        database = harness.Database(self, name, **settings)
        database.executors = self.executors
        return database


class New(harness.Server):
    """What it is upgraded to: takes the place of the old one, with its address."""

    def __init__(self, old, version):
        self.old, self.bin, self.dir, self.port = old, bindir(version), old.dir, old.port
        self.executor_binary = old.executor_binary
        self.log_path = os.path.join(self.dir, "upgraded.log")
        with open(self.log_path, "ab"):
            os.chmod(self.log_path, 0o666)
        checksums = ["--no-data-checksums"] if int(version) >= 18 else []  # as the old one has it
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", *checksums)
        shutil.copy(os.path.join(old.data, "postgresql.conf"), self.data)

    @property
    def data(self):
        return os.path.join(self.dir, "upgraded")

    def pg_upgrade(self, *options):
        self._run("pg_upgrade", "-b", self.old.bin, "-B", self.bin, "-d", self.old.data, "-D", self.data, "-U", "postgres",
                  "-p", str(self.old.port), "-P", str(self.old.port + 1000), "-s", self.dir, *options)


@pytest.fixture(params=STEPS, ids=lambda step: f"{step[0]}-to-{step[1]}")
def step(request):
    return request.param


@pytest.fixture
def old(step, monkeypatch):
    server = Old(step[0], monkeypatch)
    yield server
    for executor in server.executors:
        executor.burn()
    server.remove()


@contextlib.contextmanager
def new_server(old, version):
    server = New(old, version)
    yield server
    with contextlib.suppress(RuntimeError):
        server.stop("immediate")
    crash = harness.CRASH.search(server.log())
    assert not crash, f"the server log shows a crash: {server.log()[max(0, crash.start() - 500):crash.end() + 500]}"


@contextlib.contextmanager
def answering_only(server):
    """Runs it without rcq preloaded: what its tables say stands still."""
    server._run("pg_ctl", "-w", "-D", server.data, "-l", server.log_path, "-o", "-c shared_preload_libraries=", "start")
    yield
    server.stop()


def catalog_of(db):
    """What test/upgrade compares; views as they are once pg_dump has written them down, which names their inner columns."""
    db.sql("SELECT rcq_private.ensure_partitions(1)")  # as the first job does
    for view in db.sql("SELECT c.oid::regclass AS name, array_to_string(c.reloptions, ', ') AS options, pg_get_viewdef(c.oid) AS query FROM pg_class c "
                       "WHERE c.relkind = 'v' AND c.relnamespace = ANY ('{rcq,rcq_private,rcq_api,rcq_rest}'::regnamespace[])"):
        db.sql("CREATE OR REPLACE VIEW {name} {options} AS {query}".format(**{**view, "options": f"WITH ({view['options']})" if view["options"] else ""}))
    return catalog(db)


def contents(db):
    """Every row of every table of the extension, and where its sequences are."""
    tables = [row["name"] for row in db.sql("SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relkind = 'r'")]
    found = {table: sorted(row["row"] for row in db.sql(f"SELECT t::text AS row FROM {table} t")) for table in tables}
    found["sequences"] = sorted(map(str, db.sql("SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname LIKE 'rcq%'")))
    found["next job"] = db.one("SELECT last_value + 1 FROM rcq_private.job_id")
    return found


class Lab:
    """A database in use: history, definitions, and jobs in every state."""

    def __init__(self, server):
        self.db = db = server.database("lab", lease="5 s", lost_after="8 s", claim_timeout="5 s")
        db.sql("CREATE EXTENSION pgcrypto")
        db.sql("SELECT rcq.add_group('science'), rcq.add_group('physics', 100, 6, 'hard', '2 hours', true, parent => 'science'), rcq.set('password_cost', '4')")
        self.ann = db.user("ann", "physics", max_priority=7)
        db.sql("SELECT rcq.add_http_user('ben@example.org', 'correct horse', 'physics'), rcq.create_api_token('laptop'), rcq.set('fairshare_window_length', '10 days')")
        db.sql("SELECT rcq.set_consumable('licence', 5), rcq.set_concurrency_limit('db', 1), rcq.set_gpu_billing('a100', 10), rcq.reserve('2100-01-01', '2100-01-02'), rcq.register_type('ours', 'cat')")
        self.keeps, self.burns = db.executor("a", cores=2), db.executor("b", "--features", "burns", cores=1)
        self.completed, self.failed = db.submit("echo out; echo err >&2", user=self.ann), db.submit("exit 3", max_retries=1, user=self.ann)
        assert db.ended(self.completed)["status"] == "completed"
        assert (db.ended(self.failed)["status"], db.job(self.failed)["attempt"]) == ("failed", 2)
        self.cancelled, self.held = (db.submit("echo held", hold=True, user=self.ann) for _ in range(2))
        db.sql("SELECT rcq.cancel(%s)", self.cancelled)
        self.gate, self.starts = db.gate(), book(db, "starts")
        note = f"echo $RCQ_JOB_ID $RCQ_ATTEMPT >> {self.starts}"
        self.lost = db.submit(f"{note}; [ $RCQ_ATTEMPT = 2 ] || sleep 1000", user=self.ann, features=["burns"])
        db.running(self.lost)
        self.kept = db.submit(f"{note}; echo before; {self.gate.script}; echo after", user=self.ann, requeue=False)
        self.array = db.submit(f"{note}; {self.gate.script}", user=self.ann, **{'"array"': "1-3"})
        self.after = db.submit(f"{note}; echo after", user=self.ann, depends_on=f"afterok:{self.array}", idempotency_key="after")
        self.priority = db.submit(f"{note}; true", user=self.ann, priority=7)
        db.running(self.kept)
        wait_for(lambda: db.sql("SELECT 1 FROM rcq.jobs WHERE array_id = %s AND status = 'running'", self.array), "one task of the array runs")
        wait_for(lambda: len(lines(self.starts)) == 3, "three scripts run")
        db.sql("SELECT rcq.schedule('secondly', '* * * * * *', 'true', overlap => 'skip')")
        wait_for(lambda: db.one("SELECT count(*) FROM rcq.schedule_history"), "the schedule is due")
        wait_for(lambda: db.logs(self.kept) == ["before"], "what it wrote has arrived")

    def everything_goes_on(self, last):
        """After rcq.adopt(): what was asked for before and meanwhile ends as if nothing had happened."""
        db = self.db
        self.gate.open()
        db.sql("SELECT rcq.release(%s)", self.held)
        for job in (self.kept, self.lost, self.array, self.after, self.priority, self.held, last):
            assert db.ended(job, 60)["status"] == "completed", db.job(job)
        assert (db.job(self.kept)["attempt"], db.logs(self.kept)) == (1, ["before", "after"]), "taken over by its executor"
        assert [row["status"] for row in db.sql("SELECT status FROM rcq.runs WHERE job_id = %s ORDER BY attempt", self.lost)] == ["lost", "completed"]
        assert (db.logs(self.held), db.logs(self.after)) == (["held"], ["after"])
        entries = lines(self.starts)
        assert len(entries) == len(set(entries)), "an attempt ran twice"
        fired = db.one("SELECT count(*) FROM rcq.schedule_history")
        wait_for(lambda: db.one("SELECT count(*) FROM rcq.schedule_history") > fired, "the schedule is due again")
        assert (db.job(self.completed)["status"], db.logs(self.completed, stream="stderr")) == ("completed", ["err"])
        assert db.one("SELECT user_id = (SELECT id FROM rcq.users WHERE email = 'ben@example.org') FROM rcq_private.try_password('ben@example.org', 'correct horse')")
        assert db.submit("true", idempotency_key="after", user=self.ann) == self.after


@pytest.fixture
def served(old, step):
    """A database with the SQL of the version before, which the library serves until people update it."""
    extensions = os.path.join(subprocess.check_output([SERVERS[step[0]], "--sharedir"], text=True).strip(), "extension")
    script = shutil.copy(os.path.join(HERE, "..", "upgrade", f"rcq--{EARLIER[-1]}.sql"), extensions)
    database = old.database("served")
    database.sql("DROP EXTENSION rcq")
    database.sql(f"CREATE EXTENSION rcq VERSION '{EARLIER[-1]}'")
    yield database
    os.remove(script)


def state_of(db):
    (row,) = db.sql("SELECT state, placements, last_error FROM rcq.scheduler")
    return row


@pytest.mark.parametrize("options", [[], ["--link"]], ids=["copy", "link"])
def test_an_upgraded_cluster_waits_for_adopt_and_goes_on_with_everything(old, served, step, options):
    lab = Lab(old)
    db, waiting = lab.db, served.submit("echo served")
    with new_server(old, step[1]) as new:
        new.pg_upgrade(*options, "--check")  # while all this runs
        lab.keeps.kill()  # its run goes on
        lab.burns.burn()
        old.stop()
        with answering_only(old):
            before = {name: contents(database) for name, database in (("lab", db), ("served", served))}
        new.pg_upgrade(*options)

        db.server = served.server = new
        new.start()
        for database in (db, served):
            wait_for(lambda known=database: state_of(known)["state"] == "idle", "the scheduler has looked")
            assert state_of(database) == {"state": "idle", "placements": 0, "last_error": IDLES}
            assert contents(database) == before[database.name]
        assert new.log().count(f"rcq scheduler idles: {IDLES}") == 2

        for executor in (lab.keeps, lab.burns):
            executor.start()
            executor.wait_online()
        last = db.submit("echo submitted meanwhile", user=lab.ann)
        assert last == before["lab"]["next job"], "the sequence is where it was"
        db.let_it_plan()
        assert state_of(db) == {"state": "idle", "placements": 0, "last_error": IDLES}
        assert [db.job(job)["status"] for job in (lab.kept, lab.priority, last)] == ["running", "pending", "pending"]
        assert len(lines(lab.starts)) == 3, "nothing has begun"

        db.sql("SELECT rcq.adopt()")
        wait_for(lambda: state_of(db)["state"] == "running", "the scheduler works")
        lab.everything_goes_on(last)

        served.sql("SELECT rcq.adopt()")
        served.sql("ALTER EXTENSION rcq UPDATE")
        served.executor("c")
        assert served.ended(waiting)["status"] == "completed"
        assert served.logs(waiting) == ["served"]

        expected = set(catalog_of(harness.Database(new, "fresh")))
        for database in (db, served):
            found = set(catalog_of(database))
            assert (sorted(found - expected), sorted(expected - found)) == ([], [])


def test_what_the_old_cluster_runs_by_mistake_meanwhile_is_nobodys(old, step):
    db = old.database("lab", lease="5 s", lost_after="8 s")
    executor = db.executor("a", cores=1)
    assert db.ended(db.submit("true"))["status"] == "completed"
    with new_server(old, step[1]) as new:
        old.stop()
        new.pg_upgrade()
        old.start()
        strange = db.submit("echo strange; sleep 1000")
        db.running(strange)
        wait_for(executor.processes, "it runs")
        old.stop()

        db.server = new
        new.start()
        own = db.submit("echo own")
        assert own == strange, "the same number, for another job"
        wait_for(lambda: not executor.processes(), "its token is not known here")
        assert db.job(own)["status"] == "pending"
        db.sql("SELECT rcq.adopt()")
        assert (db.ended(own)["status"], db.job(own)["attempt"]) == ("completed", 1)
        assert db.logs(own) == ["own"]
