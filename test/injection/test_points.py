"""Something fails at each point where the server writes (src/pg/points.hpp): by an error, by a C++ exception, by the end of the
process, by a crash that takes the server down. Work goes on, everything ends, nothing half-done remains.

test/injection/build.sh makes the library that has the points. RCQ_POINTS: only points that match this pattern."""
import contextlib
import glob
import os
import re
import signal
import subprocess
import time

import books
import harness
import psycopg2
import pytest
from witness import Witness

ARRAY = '"array"'  # a word of SQL
MODES = ("error", "exception", "exit", "abort")
# Points that are passed when something other than everyday work happens; by the beginning of their names.
SCENES = {"unplace": "silence", "lose": "silence", "history": "history", "launcher": "beginning", "worker": "beginning"}

MANY = ("place.", "claim.", "end.", "ends.o", "ends.u", "submit.", "cycle.", "sync.")  # passed often: not at the very first passage


def points():
    found = set()
    for path in glob.glob(os.path.join(harness.ROOT, "src", "pg", "*.cpp")):
        with open(path, encoding="utf-8") as source:
            found |= set(re.findall(r'RCQ_POINT\("([a-z._]+)"\)', source.read()))
    return sorted(point for point in found if re.search(os.environ.get("RCQ_POINTS", ""), point))


@pytest.fixture(scope="module")
def server():
    built = subprocess.run([os.path.join(harness.ROOT, "test", "injection", "build.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    before = os.environ["RCQ_PG_CONFIG"]
    os.environ["RCQ_PG_CONFIG"] = built
    running = harness.Server(fsync="off", log_min_error_statement="panic", wal_level="minimal", max_wal_senders="0")
    yield running
    log = running.log()
    running.remove()
    os.environ["RCQ_PG_CONFIG"] = before
    # signal 6 is what the mode `abort` does
    crash = harness.CRASH.search(re.sub(r"terminated by signal 6", "", log))
    assert not crash, f"the server log shows a crash: {log[max(0, crash.start() - 500):crash.end() + 500]}"


@pytest.fixture(scope="module")
def databases(server):
    """By name: one for what drops parts of the history, whose usage stays without the runs that it is of, and one for the rest."""
    made = {}

    def database(name):
        if name not in made:
            db = made[name] = harness.Database(server, name, lease="2 s", lost_after="60 s", claim_timeout="60 s", max_losses="100", history_partition_jobs="1000")
            db.sql("CREATE FUNCTION public.debug_point(text, text, integer) RETURNS void LANGUAGE c AS 'rcq', 'rcq_debug_point'")
            db.sql("CREATE FUNCTION public.debug_points_gone_off() RETURNS bigint LANGUAGE c AS 'rcq', 'rcq_debug_points_gone_off'")
            db.executor("a", cores=4)
        return made[name]

    yield database
    for db in made.values():
        db.drop()


class Faulty:
    """The database while a point is armed: whatever is asked for is asked again until it is answered, as a client would that lost its
    connection. Once the point has gone off it does so no more."""

    def __init__(self, db):
        self.db = db

    def again(self, ask, timeout=60):
        end = time.monotonic() + timeout
        while True:
            try:
                return ask()
            except psycopg2.Error as error:
                # what was done, but answered by an error, is not done twice
                if error.pgcode in ("RC002", "RC003", "RC006"):
                    return None
                if time.monotonic() > end or error.pgcode not in (None, "40003", "XX000", "57P01", "57P02", "57P03", "RC004"):
                    raise
                if self.db._connection is not None and not self.db._connection.closed:
                    with contextlib.suppress(psycopg2.Error):
                        self.db._connection.rollback()
                time.sleep(0.05)

    def sql(self, query, *parameters):
        return self.again(lambda: self.db.sql(query, *parameters))


class Client:
    """Submits under keys, so that a submission whose answer was lost can be made again; each key has one job."""

    def __init__(self, db, witness, label):
        self.faulty, self.witness, self.label, self.keys = Faulty(db), witness, label, 0

    def submit(self, work="true", **options):
        self.keys += 1
        key = f"{self.label}-{self.keys}"
        job = self.faulty.again(lambda: self.witness.submit(work, idempotency_key=key, **options))
        assert self.faulty.sql("SELECT count(*) AS n FROM rcq_private.job WHERE idempotency_key = %s", key)[0]["n"] == 1
        return job


def arm(db, point, mode, passage):
    db.sql("SELECT public.debug_point(%s, %s, %s)", point, mode, passage)


def state(db, job):
    rows = Faulty(db).sql("SELECT status, reason, message FROM rcq.jobs WHERE id = %s", job)
    return rows[0]["status"] if rows else None


def until(db, job, *wanted, timeout=90):
    harness.wait_for(lambda: state(db, job) in wanted, f"job {job} is one of {wanted}, {Faulty(db).sql('SELECT * FROM rcq.jobs WHERE id = %s', job)}", timeout)


def everyday(db, client):
    """Submissions of every kind, ends of every kind, and what people do to jobs meanwhile."""
    faulty, gate = client.faulty, db.gate()
    client.submit(gate.script, cpu_cores=1, name="cancelled while running")
    running = client.witness.jobs.pop()
    requeued = client.submit(f"[ $RCQ_ATTEMPT -gt 1 ] || {{ {gate.script}; }}", max_retries=2)
    first = client.submit("echo what is to be seen of it")
    client.submit("[ $RCQ_ATTEMPT -ge 2 ] || exit 3", max_retries=3)
    chained = client.submit(depends_on=f"afterok:{first}")
    array = client.submit(**{ARRAY: "1-5%3"})
    client.witness.jobs.remove(array)  # its tasks write down what they do, the array does not
    client.submit(depends_on=f"afterany:{array}:{chained}")
    late = client.submit(cpu_cores=1000, deadline=faulty.sql("SELECT now() + interval '1 second' AS at")[0]["at"])
    held = client.submit(hold=True)
    never = client.submit(hold=True)
    client.witness.jobs = [job for job in client.witness.jobs if job not in (late, never)]
    faulty.sql("INSERT INTO rcq.inbox (script, idempotency_key) SELECT 'true', %s || i FROM generate_series(1, 3) i", f"{client.label}-inbox")
    faulty.sql("SELECT rcq.schedule(%s, '@every 1s', 'true')", client.label)
    until(db, running, "running")
    until(db, requeued, "running")
    faulty.sql("SELECT rcq.cancel(%s)", running)
    faulty.sql("SELECT rcq.requeue(%s)", requeued)
    faulty.sql("SELECT rcq.cancel(%s)", never)
    faulty.sql("SELECT rcq.set_priority(%s, 7)", held)
    faulty.sql("SELECT rcq.release(%s)", held)
    faulty.sql("SELECT rcq.set_group('default', priority => 6)")
    until(db, running, "cancelled")
    until(db, requeued, "completed")  # it has been stopped, and not by the gate
    gate.open()
    # what may be stopped makes room for what wants it all; then the host is drained for a moment
    stopped = client.submit("[ $RCQ_ATTEMPT -ge 2 ] || sleep 600", preemptible=True, cpu_cores=4, time_limit="20 minutes", priority=1)
    until(db, stopped, "running")
    client.submit(cpu_cores=4, time_limit="1 minute", priority=10)
    until(db, stopped, "completed")
    drained = client.submit("[ $RCQ_ATTEMPT -ge 2 ] || sleep 600")
    until(db, drained, "running")
    faulty.sql("SELECT rcq.drain_executor(%s, 'test', 'requeue')", db.executors[0].role)
    until(db, drained, "pending", "assigned")
    faulty.sql("SELECT rcq.resume_executor(%s)", db.executors[0].role)
    harness.wait_for(lambda: faulty.sql("SELECT count(*) AS n FROM rcq.schedule_history")[0]["n"] > 0, "the schedule has fired", 60)
    faulty.sql("SELECT rcq.unschedule(%s)", client.label)
    until(db, late, "failed")
    until(db, never, "cancelled")


def silence(db, client):
    """An executor that claims a run, then another that claims nothing, are not heard of any more."""
    faulty, name = client.faulty, f"{db.name}_mute"
    faulty.sql("SELECT rcq.set('lost_after', '4 s'), rcq.set('claim_timeout', '1 s')")  # while nothing else runs
    if not faulty.sql("SELECT 1 FROM rcq.executors WHERE name = %s", name):
        faulty.sql("SELECT rcq.create_executor_login(%s)", name)
        db.roles.append(name)
    register = "SELECT e->>'executor' AS id FROM rcq.register_executor('mute', '{\"cpu_cores\": 2, \"memory_mib\": 4096}', '{mute}', %s, 1) e"
    speak = lambda query, *parameters: faulty.again(lambda: db.sql(query, *parameters, user=name))  # noqa: E731
    mute = int(speak(register, 1)[0]["id"])
    claimed = client.submit(constraints="mute", requeue=False)
    client.witness.jobs.remove(claimed)
    until(db, claimed, "assigned")
    harness.wait_for(lambda: speak("SELECT 1 FROM rcq.executor_sync(%s, 1, 0, NULL, NULL, NULL, 5) WHERE kind = 'start'", mute), "it claims", 60)
    unclaimed = client.submit(constraints="mute")
    client.witness.jobs.remove(unclaimed)
    until(db, unclaimed, "assigned")
    until(db, claimed, "failed")
    faulty.sql("SELECT rcq.set('lost_after', '60 s'), rcq.set('claim_timeout', '60 s')")
    faulty.sql("SELECT rcq.cancel(%s)", unclaimed)
    harness.wait_for(lambda: state(db, unclaimed) == "cancelled", "it is cancelled", 60)
    speak("SELECT rcq.executor_sign_off(%s, 1)", mute)


def history(db, client):
    """Parts of the history are made, closed and dropped."""
    faulty = client.faulty
    job = client.submit()
    until(db, job, "completed")
    last = faulty.sql("SELECT max(last_id) AS id FROM rcq_private.history_partition WHERE first_id <= %s", job)[0]["id"]
    client.witness.check()
    client.witness.jobs.clear()
    faulty.sql("SELECT setval('rcq_private.job_id', %s)", last + 10)
    after = client.submit()
    until(db, after, "completed")
    harness.wait_for(lambda: faulty.sql("SELECT count(*) AS n FROM rcq_private.live")[0]["n"] == 0, "nothing is live", 60)
    gone = lambda: not faulty.sql("SELECT 1 FROM rcq_private.history_partition WHERE last_id < %s", after)  # noqa: E731
    asked = lambda: faulty.sql("SELECT rcq.prune_history('0')") and gone()  # noqa: E731
    harness.wait_for(asked, "parts are dropped", 120)


def beginning(db, client):
    """The scheduler is ended, and begins again."""
    faulty = client.faulty
    before = faulty.sql("SELECT pid FROM rcq.scheduler")[0]["pid"]
    faulty.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler WHERE pid IS NOT NULL")
    harness.wait_for(lambda: faulty.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running' AND pid <> %s", before), "another one runs", 60)
    client.submit()


def crashes(log, begin):
    """What the server's log says of crashes from this byte on."""
    with open(log, "rb") as entries:
        entries.seek(begin)
        return [line for line in entries.read().decode(errors="replace").splitlines() if harness.CRASH.search(line)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("point", points())
def test_a_failure_leaves_nothing_half_done(databases, point, mode):
    scene = {"silence": silence, "history": history, "beginning": beginning}.get(SCENES.get(point.split(".")[0]), everyday)
    db = databases("with_history_dropped" if scene is history else "points")
    witness = Witness(db)
    log_at = os.path.getsize(db.server.log_path)
    gone_off = db.one("SELECT public.debug_points_gone_off()")
    arm(db, point, mode, 3 if point.startswith(MANY) else 1)
    scene(db, Client(db, witness, f"{point}-{mode}"))
    harness.wait_for(lambda: Faulty(db).sql("SELECT count(*) AS n FROM rcq_private.live")[0]["n"] == 0, "everything ends", 90)
    crashed = crashes(db.server.log_path, log_at)
    if mode == "abort":
        assert crashed, "the point was not passed"
        assert len(crashed) == 1 and f"terminated by signal {int(signal.SIGABRT)}" in crashed[0], crashed
    else:
        assert not crashed, crashed  # it would also have disarmed the point, and forgotten how often one has gone off
        assert db.one("SELECT public.debug_points_gone_off()") > gone_off, "the point was not passed"
    # nothing here is silent: an executor that waits for an answer until it gives up has missed the end of its connection
    assert not [line for executor in db.executors for line in executor.log().splitlines() if "no answer within" in line]
    witness.check(beside=scene is silence)
    books.at_rest(db)
    assert [line for line in books.audit(db) if scene is not history or "charged" not in line] == []
    assert db.sql("SELECT * FROM rcq_private.command") == []
    # all that there is can be had again
    db.ended(db.submit("true", cpu_cores=4, exclusive=True), 60)
