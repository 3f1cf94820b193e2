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
    small.sql("""CREATE FUNCTION fail(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'no placement'; END $$;
                 CREATE INDEX fail ON rcq_private.command (fail(executor_id))""")
    job = small.submit("true")
    harness.wait_for(lambda: "no placement" in (small.one("SELECT last_error FROM rcq.scheduler") or ""), "scheduling fails")
    assert small.one("SELECT rcq.prune_history('0')") == 1
    harness.wait_for(lambda: 0 not in parts(small), "the old part is dropped")
    assert "no placement" in small.one("SELECT last_error FROM rcq.scheduler")
    small.sql("DROP INDEX rcq_private.fail")
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


def test_a_held_snapshot_does_not_have_the_scheduler_walk_through_what_is_gone(db):
    """Entries of rows that are gone, but might still be seen, stay in the index: each step of the walk through what is live passes a few
    thousand of them, however many there are, and what lies behind them is found nevertheless."""
    gone, most = 20_000, 5_100
    with transaction(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM rcq_private.live"):
        fill(db, gone)
        job = db.submit("true", hold=True)
        harness.wait_for(lambda: db.one("SELECT pending FROM rcq.scheduler") == 1, "the scheduler knows what is left")
        looked_at = "SELECT idx_scan AS scans, idx_tup_read AS entries FROM pg_stat_user_indexes WHERE indexrelname = 'live_pkey'"

        def after_ten_scans(before):
            def walked():
                (now,) = db.sql(looked_at)
                return now["scans"] - before["scans"] >= 10 and now
            return harness.wait_for(walked, "the scheduler walks through what is live")

        begun = after_ten_scans(db.sql(looked_at)[0])  # until then it may count what it did before
        now = after_ten_scans(begun)
        assert 0 < now["entries"] - begun["entries"] <= most * (now["scans"] - begun["scans"])
        db.sql("SET session_replication_role = replica; UPDATE rcq_private.live SET held = false WHERE job_id = %s", job)  # nobody tells the scheduler
        db.executor("node1")
        assert db.ended(job)["status"] == "completed"


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


def kept(database):
    """Every row that a dump takes along, by table."""
    tables = database.sql("""SELECT c.relname, COALESCE(d.condition, '') AS condition FROM pg_extension e, unnest(e.extconfig, e.extcondition) d(oid, condition) JOIN pg_class c USING (oid)
                              WHERE e.extname = 'rcq' AND c.relkind = 'r'
                             UNION ALL SELECT t, '' FROM unnest('{job,outcome,run,log}'::text[]) t""")
    return {table["relname"]: sorted(row["row"] for row in database.sql(f"SELECT t::text AS row FROM rcq_private.{table['relname']} t {table['condition']}")) for table in tables}


@pytest.fixture(params=["plain", "custom", "parallel", "in two steps"])
def restored(small, request):
    """A database with jobs in every state, and one that it was restored to, with an executor that is ready."""
    ann = small.user("ann", email="ann@example.org")
    small.sql("SELECT rcq.add_group('lab'), rcq.set_group('default', quota_cpu_hours => 5000, parent => 'lab'), rcq.set_user('postgres', email => 'root@example.org', max_jobs => 900)")
    bob = small.user("bob", "lab", email="bob@example.org")  # what names rows of other tables, for a restore that loads them in any order
    small.sql("CREATE EXTENSION pgcrypto; SELECT rcq.set_password('bob@example.org', 'a good password'), rcq.reserve('2100-01-01', '2100-01-02', group_name => 'lab')")
    small.sql("SELECT rcq.create_api_token('laptop')", user=bob)
    small.sql("SELECT rcq.set_consumable('licence', 5), rcq.set_concurrency_limit('db', 1), rcq.reserve('2100-01-01', '2100-01-02'), rcq.register_type('ours', 'cat'), rcq.schedule('yearly', '0 0 1 1 *', 'true')")
    fill(small, 2400)
    first = small.executor("a", cores=1)
    gate = small.gate()
    completed = small.submit("echo completed", tags=["blue"])
    retried = small.submit("exit 3", max_retries=1, user=ann)
    small.ended(completed)
    small.ended(retried)
    small.sql("SELECT rcq.schedule('often', '@every 1s', 'exit 1', overlap => 'skip')", user=bob)
    harness.wait_for(lambda: small.sql("SELECT 1 FROM rcq_private.fire"), "a schedule has a history")
    small.sql("SELECT rcq.pause_schedule('often')", user=bob)
    harness.wait_for(lambda: small.one("SELECT count(*) FROM rcq_private.live") == 0, "what it submitted has ended")
    running = small.submit(gate.script)
    small.running(running)
    pending = [small.submit(f"echo {word}", name=word, idempotency_key=word) for word in ("one", "two")]
    array = small.submit("echo $RCQ_ARRAY_INDEX", **{'"array"': "1-3"})
    small.submit("echo after", depends_on=f"afterok:{array}", user="postgres", name="after")
    harness.wait_for(lambda: small.sql("SELECT 1 FROM rcq.jobs WHERE array_id = %s", array), "its first task has a row")
    small.sql("SELECT rcq_private.definitions_changed()")  # has the scheduler look at once
    harness.wait_for(lambda: part_count(small) == 13, "10,000 ids have parts")
    before = kept(small)
    path = dump(small, *([] if request.param == "plain" else ["-Fc"]))
    first.burn()

    admin = small.server.connect()
    admin.cursor().execute("CREATE DATABASE t_restored")
    admin.close()
    connection = ("-h", small.server.dir, "-p", str(small.server.port), "-U", "postgres", "-d", "t_restored")
    if request.param == "plain":
        small.server._run("psql", *connection, "-1", "-v", "ON_ERROR_STOP=1", "-f", path)
    elif request.param == "in two steps":
        small.server._run("pg_restore", *connection, "-e", "--schema-only", path)
        small.server._run("pg_restore", *connection, "-e", "--data-only", path)
    else:
        small.server._run("pg_restore", *connection, "-e", *(["-j", "4"] if request.param == "parallel" else []), path)
    database = harness.Database.existing(small.server, "t_restored")
    after = kept(database)
    assert {table: set(rows) ^ set(after[table]) for table, rows in before.items() if after[table] != rows} == {}, "something is missing"
    database.executor("b", cores=1)
    yield database, completed, running, pending, array
    database.drop()


def test_a_restored_database_starts_nothing_until_it_is_told_to(restored, small):
    database, completed, running, pending, array = restored
    after = database.one("SELECT id FROM rcq.jobs WHERE name = 'after'")
    unfinished = [running, *pending, array, after]
    harness.wait_for(lambda: database.sql("SELECT id FROM rcq.jobs WHERE reason = 'restored'"), "restored jobs are found", timeout=30)
    database.let_it_plan()
    assert database.sql("SELECT id, status FROM rcq.jobs WHERE status NOT IN ('cancelled', 'failed') AND array_id IS NULL ORDER BY id") == sorted(
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
    assert database.one("SELECT rcq.resume_restored(%s)", [pending[0], array, after]) == 3 + tasks
    assert database.ended(pending[0])["status"] == "completed"
    assert database.logs(pending[0]) == ["one"]
    for job in (array, after):
        assert database.ended(job)["status"] == "completed"
    for job in (running, pending[1]):
        assert (database.job(job)["status"], database.job(job)["message"]) == ("cancelled", "not resumed after a restore")
    database.sql("SELECT rcq.prune_history('0')")
    harness.wait_for(lambda: 0 not in parts(database), "a part of the dump is dropped as any other")
    assert database.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]


def refused(database, query, *parameters, user="postgres"):
    """The code and the message of an error."""
    with pytest.raises(harness.psycopg2.Error) as error:
        database.sql(query, *parameters, user=user)
    return error.value.pgcode, error.value.diag.message_primary


@pytest.mark.parametrize("restored", ["custom"], indirect=True)
def test_a_restored_job_is_explained_cancelled_and_waited_for(restored, small):
    database, completed, running, (one, two), array = restored
    harness.wait_for(lambda: database.sql("SELECT id FROM rcq.jobs WHERE reason = 'restored'"), "restored jobs are found", timeout=30)
    found = database.sql("SELECT kind, reason, message FROM rcq.explain(%s)", one)
    assert [(row["kind"], row["reason"]) for row in found] == [("state", "pending"), ("blocker", "restored"), ("change", "resume_restored"), ("change", "cancel")]
    assert None not in [row["message"] for row in found]
    for call in ("hold(%s)", "release(%s)", "set_priority(%s, 7)", "requeue(%s)", "cancel(%s, '1')"):
        assert refused(database, f"SELECT rcq.{call}", one)[0] == "RC003"
    assert refused(database, "SELECT rcq.set_array_throttle(%s, 1)", array)[0] == "RC003"
    assert refused(database, "SELECT rcq.cancel(%s, '2')", array)[0] == "RC003"
    assert refused(database, "SELECT rcq.task(%s, 3)", array) == ("RC003", f"array job {array} comes from a dump and is not queued")
    assert refused(database, "SELECT rcq.cancel(%s)", two, user=small.roles[0])[0] == "RC002", "another user's"
    assert "restored" in [row["reason"] for row in database.sql("SELECT reason FROM rcq.tasks(%s)", array)]

    # what depends on them waits, and neither runs nor fails
    followers = [database.submit("echo followed", depends_on=f"{kind}:{on}") for kind, on in (("afterok", one), ("afterany", one), ("afternotok", two), ("afterany", array))]
    corresponding = database.submit("true", depends_on=f"aftercorr:{array}", **{'"array"': "1-3"})
    database.let_it_plan()
    assert {database.job(job)["reason"] for job in [*followers, corresponding]} == {"dependency"}

    assert database.one("SELECT rcq.cancel(%s)", two) == "cancelled"
    assert (database.job(two)["status"], database.job(two)["message"]) == ("cancelled", None)
    assert refused(database, "SELECT rcq.cancel(%s)", two)[0] == "RC003"
    assert database.ended(followers[2])["status"] == "completed"
    assert database.one("SELECT rcq.cancel(%s)", array) == "cancelled"
    assert database.sql("SELECT status, count(*) FROM rcq.tasks(%s) GROUP BY status", array) == [{"status": "cancelled", "count": 3}]
    assert database.ended(followers[3])["status"] == "completed"
    assert database.ended(corresponding)["status"] == "failed"
    database.sql("SELECT rcq.resume_restored(%s)", [one])
    for job in followers[:2]:
        assert database.ended(job)["status"] == "completed"
    assert database.job(database.one("SELECT id FROM rcq.jobs WHERE name = 'after'"))["status"] == "cancelled"
    assert database.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]


def test_a_whole_cluster_comes_back_from_pg_dumpall(small):
    ann = small.user("ann")
    executor = small.executor("a", cores=2)
    done, waiting = small.submit("echo done", user=ann), small.submit("echo waited", user=ann, cpu_cores=64)
    assert small.ended(done)["status"] == "completed"
    small.waiting(waiting, "never_fits")
    small.sql("SELECT rcq_private.definitions_changed()")  # has the scheduler look at once
    harness.wait_for(lambda: part_count(small) == 11, "10,000 ids have parts", 60)
    executor.burn()
    path = os.path.join(small.server.dir, "everything")
    small.server._run("pg_dumpall", "-h", small.server.dir, "-p", str(small.server.port), "-U", "postgres", "-f", path)
    before = kept(small)
    with harness.watched_server(fsync="off") as server:
        server._run("psql", "-h", server.dir, "-p", str(server.port), "-U", "postgres", "-d", "postgres", "-f", path)
        with open(os.path.join(server.dir, "commands.log"), encoding="utf-8") as output:
            assert [line for line in output if "ERROR:" in line and 'role "postgres" already exists' not in line] == []
        database = harness.Database.existing(server, small.name)
        assert kept(database) == before
        harness.wait_for(lambda: database.sql("SELECT 1 FROM rcq.jobs WHERE reason = 'restored'", user=ann), "ann sees her job", timeout=30)
        assert database.logs(done) == ["done"]
        assert database.one("SELECT rcq.resume_restored()") == 1
        database.executor("a", cores=64, memory_gb=64)  # its login came along
        assert database.ended(waiting)["status"] == "completed"
        database.drop()
