"""History is dropped part by part beside the work that goes on, and comes back from a dump with nothing started."""
import contextlib
import datetime
import os
import threading

import harness
import pytest


def fill(database, jobs):
    """Ends so many jobs without running them."""
    database.sql("SELECT rcq.submit_many((SELECT jsonb_agg(jsonb_build_object('script', 'filler', 'hold', true)) FROM generate_series(1, %s)))", jobs)
    database.sql("SELECT rcq.cancel(id) FROM rcq.jobs WHERE status = 'pending' AND script = 'filler'")


def parts(database):
    return [row["first_id"] for row in database.sql("SELECT first_id FROM rcq.history ORDER BY first_id")]


def part_count(database):
    return len(parts(database))


def part(database, first_id):
    (row,) = database.sql("SELECT * FROM rcq.history WHERE first_id = %s", first_id)
    return row


@contextlib.contextmanager
def transaction(database, query):
    """A transaction that has done this and stays open."""
    connection = database.server.connect(database.name)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute(query)
        yield cursor
    connection.rollback()
    connection.close()


@contextlib.contextmanager
def traffic(database):
    """Two people who submit jobs; the ids of what they submitted, the durations of the calls, and what failed."""
    stop, ids, took, errors = threading.Event(), [], [], []

    def submit():
        connection = database.server.connect(database.name)
        with connection.cursor() as cursor:
            while not stop.is_set():
                begun = datetime.datetime.now()
                try:
                    cursor.execute("SELECT rcq.submit('true')")
                    ids.append(cursor.fetchone()[0])
                except harness.psycopg2.Error as error:
                    errors.append(str(error))
                took.append((datetime.datetime.now() - begun).total_seconds())
                stop.wait(0.02)
        connection.close()

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield ids, took, errors
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def small(db):
    db.set(history_partition_jobs="1000")
    return db


def test_old_parts_are_dropped_while_jobs_come_and_go(small):
    small.executor("a", cores=4)
    fill(small, 2500)
    with traffic(small) as (ids, took, errors):
        harness.wait_for(lambda: len(ids) > 20, "jobs flow")
        small.set(history_retention="1 s")
        harness.wait_for(lambda: parts(small)[0] >= 2000, "the old parts are gone")
        done = len(ids)
        harness.wait_for(lambda: len(ids) > done + 20, "jobs flow on")
    assert errors == []
    assert max(took) < 2
    harness.wait_for(lambda: small.one("SELECT count(*) FROM rcq_private.live") == 0, "all jobs ended", timeout=60)
    assert small.one("SELECT count(*) FROM rcq.jobs WHERE id = ANY (%s) AND status = 'completed'", ids) == len(ids)
    assert small.one("SELECT count(*) FROM rcq.jobs WHERE id < 2000") == 0
    assert small.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]


def test_an_open_transaction_that_reads_history_delays_its_end_and_nobody_else(small):
    small.executor("a", cores=4)
    fill(small, 1500)
    with transaction(small, "SELECT count(*) FROM rcq.jobs"):
        assert small.one("SELECT rcq.prune_history('0')") == 1
        harness.wait_for(lambda: part(small, 0)["prune_waiting_since"], "dropping waits")
        for _ in range(3):
            job = small.submit("echo done")
            assert small.ended(job, timeout=10)["status"] == "completed"
        assert part(small, 0)["state"] == "closed"
    harness.wait_for(lambda: 0 not in parts(small), "it is dropped", timeout=40)
    assert small.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]
    assert small.server.log().count("dropping a partition, to be tried again") == 1


@pytest.mark.alone
def test_old_parts_are_dropped_while_scheduling_fails(small):
    small.executor("a", cores=4)
    fill(small, 1500)
    small.sql("""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no placement'; END $$;
                 CREATE TRIGGER fail BEFORE UPDATE ON rcq_private.live FOR EACH ROW WHEN (NEW.executor_id IS NOT NULL) EXECUTE FUNCTION fail()""")
    job = small.submit("true")
    harness.wait_for(lambda: "no placement" in (small.one("SELECT last_error FROM rcq.scheduler") or ""), "scheduling fails")
    assert small.one("SELECT rcq.prune_history('0')") == 1
    harness.wait_for(lambda: 0 not in parts(small), "the old part is dropped")
    assert "no placement" in small.one("SELECT last_error FROM rcq.scheduler")
    small.sql("DROP TRIGGER fail ON rcq_private.live")
    assert small.ended(job)["status"] == "completed"


def test_small_parts_are_made_long_before_they_are_needed(small):
    small.submit("true", hold=True)
    harness.wait_for(lambda: part_count(small) == 11, "10,000 ids have parts")
    small.sql("SELECT setval('rcq_private.job_id', 2000), rcq_private.definitions_changed()")  # has the scheduler look at once
    harness.wait_for(lambda: part_count(small) == 13, "as many again")


def test_a_held_snapshot_delays_nothing(small):
    fill(small, 1500)
    with transaction(small, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class") as cursor:
        assert small.one("SELECT rcq.prune_history('0')") == 1
        harness.wait_for(lambda: 0 not in parts(small), "it is dropped")
        cursor.execute("SELECT count(*) FROM pg_class")


def test_a_job_that_is_committed_late_keeps_its_part(small):
    small.executor("a", cores=4)
    fill(small, 900)
    with transaction(small, "SELECT rcq.submit('echo late')") as cursor:
        late = cursor.fetchone()[0]
        fill(small, 600)
        assert small.one("SELECT rcq.prune_history('0')") == 1  # nobody sees the job yet
        harness.wait_for(lambda: part(small, 0)["prune_waiting_since"], "dropping waits")
        cursor.connection.commit()
        assert small.ended(late)["status"] == "completed"
    small.set(history_retention="1 s")
    harness.wait_for(lambda: 0 not in parts(small), "it is dropped when that job has ended", timeout=40)


def test_scheduling_goes_on_while_somebody_holds_the_next_part(small):
    small.executor("a", cores=4)
    array = small.submit("true", **{'"array"': "1-3"})
    harness.wait_for(lambda: small.job(array)["status"] == "completed", "the first array is through")
    array = small.submit("true", hold=True, **{'"array"': "1-200"})
    beside = [small.submit("echo beside", hold=True) for _ in range(3)]
    first, last = small.gate(), small.gate()
    leader = small.submit(f"if [ $RCQ_ARRAY_INDEX = 3 ]; then {last.script}; else {first.script}; fi", **{'"array"': "1-3"})
    follower = small.submit("true", depends_on=f"aftercorr:{leader}", **{'"array"': "1-3"})
    harness.wait_for(lambda: small.one("SELECT running FROM rcq.arrays WHERE id = %s", leader) == 3, "the tasks that are followed run")
    small.sql("SELECT rcq.schedule('tick', '0 0 1 1 *', 'true')")
    with transaction(small, "SELECT rcq_private.add_partitions((SELECT max(last_id) + 1 FROM rcq_private.history_partition))") as cursor:
        small.sql("SELECT setval('rcq_private.job_id', (SELECT max(last_id) FROM rcq_private.history_partition))")
        small.sql("SELECT rcq.release(%s)", array)
        first.open()
        harness.wait_for(lambda: small.one("SELECT completed FROM rcq.arrays WHERE id = %s", leader) == 2, "two of them have ended")
        small.sql("UPDATE rcq_private.schedule SET next_at = now()")
        small.sql("SELECT rcq_private.definitions_changed()")
        for job in beside:
            small.sql("SELECT rcq.release(%s)", job)
            assert small.ended(job, timeout=10)["status"] == "completed"
        assert small.one("SELECT count(*) FROM rcq.jobs WHERE array_id IN (%s, %s)", array, follower) == 0
        assert small.one("SELECT count(*) FROM rcq.jobs WHERE schedule_id IS NOT NULL") == 0
        cursor.connection.rollback()
    last.open()
    for waiting in (array, follower):
        harness.wait_for(lambda: small.job(waiting)["status"] == "completed", "the array is through", timeout=60)
    harness.wait_for(lambda: small.one("SELECT count(*) FROM rcq.jobs WHERE schedule_id IS NOT NULL") > 0, "the schedule has fired")
    assert small.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]
    assert "another transaction that stored" not in small.server.log()


def dump(database, *options):
    path = os.path.join(database.server.dir, "dump")
    database.server._run("pg_dump", "-h", database.server.dir, "-p", str(database.server.port), "-U", "postgres", "-f", path, *options, database.name)
    return path


@pytest.fixture(params=["plain", "custom", "parallel"])
def restored(small, request):
    """A database with jobs in every state, and one that it was restored to, with an executor that is ready."""
    fill(small, 2400)
    first = small.executor("a", cores=1)
    gate = small.gate()
    completed = small.submit("echo completed", tags=["blue"])
    small.ended(completed)
    running = small.submit(gate.script)
    small.running(running)
    pending = [small.submit(f"echo {word}", name=word) for word in ("one", "two")]
    array = small.submit("echo $RCQ_ARRAY_INDEX", **{'"array"': "1-3"})
    harness.wait_for(lambda: small.sql("SELECT 1 FROM rcq.jobs WHERE array_id = %s", array), "its first task has a row")
    small.sql("SELECT rcq_private.definitions_changed()")  # has the scheduler look at once
    harness.wait_for(lambda: part_count(small) == 13, "10,000 ids have parts")
    path = dump(small, *([] if request.param == "plain" else ["-Fc"]))
    first.burn()

    admin = small.server.connect()
    admin.cursor().execute("CREATE DATABASE t_restored")
    admin.close()
    connection = ("-h", small.server.dir, "-p", str(small.server.port), "-U", "postgres", "-d", "t_restored")
    if request.param == "plain":
        small.server._run("psql", *connection, "-1", "-v", "ON_ERROR_STOP=1", "-f", path)
    else:
        small.server._run("pg_restore", *connection, "-e", *(["-j", "4"] if request.param == "parallel" else []), path)
    database = harness.Database.existing(small.server, "t_restored")
    database.executor("b", cores=1)
    yield database, completed, running, pending, array
    database.drop()


def test_a_restored_database_starts_nothing_until_it_is_told_to(restored, small):
    database, completed, running, pending, array = restored
    unfinished = [running, *pending, array]
    harness.wait_for(lambda: database.sql("SELECT id FROM rcq.jobs WHERE reason = 'restored'"), "restored jobs are found", timeout=30)
    database.let_it_plan()
    assert database.sql("SELECT id, status FROM rcq.jobs WHERE status <> 'cancelled' AND array_id IS NULL ORDER BY id") == sorted(
        [{"id": completed, "status": "completed"}, *({"id": job, "status": "pending"} for job in unfinished)], key=lambda row: row["id"])
    assert database.one("SELECT count(*) FROM rcq_private.live") == 0
    assert database.logs(completed) == ["completed"]
    assert database.one("SELECT count(*) FROM rcq.jobs") == small.one("SELECT count(*) FROM rcq.jobs")
    catalog = ("SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds, c.relrowsecurity AND c.relforcerowsecurity AS secured, "
               "ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid ORDER BY 1) AS indexes, obj_description(c.oid) AS comment "
               "FROM pg_class c WHERE c.relispartition ORDER BY c.relname")
    assert database.sql(catalog) == small.sql(catalog)

    later = database.submit("echo later")
    assert later > max(unfinished)
    assert database.ended(later)["status"] == "completed"
    tasks = database.one("SELECT count(*) FROM rcq.jobs WHERE array_id = %s", array)  # that have rows of their own already
    assert database.one("SELECT rcq.resume_restored(%s)", [pending[0], array]) == 2 + tasks
    assert database.ended(pending[0])["status"] == "completed"
    assert database.logs(pending[0]) == ["one"]
    assert database.ended(array)["status"] == "completed"
    for job in (running, pending[1]):
        assert (database.job(job)["status"], database.job(job)["message"]) == ("cancelled", "not resumed after a restore")
    database.sql("SELECT rcq.prune_history('0')")
    harness.wait_for(lambda: 0 not in parts(database), "a part of the dump is dropped as any other")
    assert database.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]
