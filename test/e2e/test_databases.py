"""Databases are renamed, moved, copied, closed and dropped while jobs are there, and several queues live in one server, even when it has no
room for all of them."""
import contextlib
import os
import signal

import harness
import psycopg2
import pytest
from harness import book, lines


def admin(server, *commands):
    """Runs commands in the database postgres, each in a transaction of its own."""
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        for command in commands:
            cursor.execute(command)


def let_go(db):
    """Ends our own connection, which would stand in the way."""
    db._connection.close()
    db._connection = None


def hand_over(executor):
    """Ends the executor's process; what runs goes on."""
    executor.signal(signal.SIGUSR1)
    assert executor.wait_exit() == 0


def test_runs_survive_the_renaming_and_the_move_of_their_database(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a", cores=2)
    gate, starts = db.gate(), book(db, "starts")
    running = db.submit(f"echo $RCQ_JOB_ID >> {starts}; {gate.script}; echo through", requeue=False)
    db.running(running)
    # as any other session, an executor that is connected keeps a database from being renamed; the scheduler is back after the attempt
    let_go(db)
    with pytest.raises(psycopg2.errors.ObjectInUse):
        admin(db.server, f"ALTER DATABASE {db.name} RENAME TO {db.name}_new")
    beside = db.submit(f"echo $RCQ_JOB_ID >> {starts}")
    assert db.ended(beside)["status"] == "completed"

    waiting = [db.submit(f"echo $RCQ_JOB_ID >> {starts}", cpu_cores=2) for _ in range(3)]
    hand_over(executor)
    let_go(db)
    space = os.path.join(db.server.dir, f"{db.name}-space")
    os.mkdir(space)
    if os.geteuid() == 0:
        os.chown(space, harness.run_as()["user"], harness.run_as()["group"])
    admin(db.server, f"ALTER DATABASE {db.name} RENAME TO {db.name}_new", f"CREATE TABLESPACE {db.name} LOCATION '{space}'", f"ALTER DATABASE {db.name}_new SET TABLESPACE {db.name}")
    db.name += "_new"
    executor.start()
    executor.wait_online()
    assert db.job(running)["status"] == "running"
    gate.open()
    assert (db.ended(running)["status"], db.job(running)["attempt"], db.logs(running)) == ("completed", 1, ["through"])
    for job in waiting:
        assert (db.ended(job)["status"], db.job(job)["attempt"]) == ("completed", 1)
    assert sorted(lines(starts)) == sorted(str(job) for job in [running, beside, *waiting])


def test_a_copy_of_a_database_leaves_the_runs_of_the_original_alone(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a", cores=1)
    gate, starts = db.gate(), book(db, "starts")
    once = db.submit(f"echo once >> {starts}; {gate.script}", requeue=False)
    db.running(once)
    waiting = db.submit(f"echo $RCQ_JOB_ID >> {starts}")
    hand_over(executor)
    let_go(db)
    admin(db.server, f"CREATE DATABASE {db.name}_copy TEMPLATE {db.name}")
    executor.start()
    executor.wait_online()
    copy = harness.Database.existing(db.server, f"{db.name}_copy")
    try:
        copy.sql("SELECT rcq_private.activate()")  # or the launcher looks within a minute
        harness.wait_for(lambda: copy.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'idle'"), "the copy idles")
        assert "rcq.adopt()" in copy.one("SELECT last_error FROM rcq.scheduler")
        later = copy.submit("true")
        assert later > waiting
        gate.open()
        for job in (once, waiting):
            assert (db.ended(job)["status"], db.job(job)["attempt"]) == ("completed", 1)
        assert [copy.job(job)["status"] for job in (once, waiting, later)] == ["running", "pending", "pending"], "nothing moves in the copy"
        # from here on it is a queue of its own: what it believed to run is lost, and its executor runs the rest
        copy.sql("SELECT rcq.set('lost_after', '2 s'), rcq.set('lease', '1 s'), rcq.adopt()")
        assert (copy.ended(once, 60)["status"], copy.job(once)["reason"]) == ("failed", "executor_lost")
        copy.executor("b", cores=1)
        for job in (waiting, later):
            assert copy.ended(job)["status"] == "completed"
        assert sorted(lines(starts)) == sorted(["once", str(waiting), str(waiting)])
    finally:
        copy.drop()


def test_a_database_that_takes_no_connections_goes_on_with_those_it_has(db):
    executor = db.executor("a")
    gate = db.gate()
    running = db.submit(gate.script, requeue=False)
    db.running(running)
    admin(db.server, f"ALTER DATABASE {db.name} ALLOW_CONNECTIONS false")
    try:
        gate.open()
        assert db.ended(running)["status"] == "completed"
        later = db.submit("true", hold=True)
        # a scheduler that ends is not sought where nobody may connect
        refused = db.server.log().count("is not currently accepting connections")
        db.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")
        harness.wait_for(lambda: not db.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database()"), "it is gone")
        assert db.one("SELECT state LIKE 'no scheduler%%' OR state = 'failed' FROM rcq.scheduler")
    finally:
        admin(db.server, f"ALTER DATABASE {db.name} ALLOW_CONNECTIONS true")
    # the launcher looks every minute, and when it begins
    admin(db.server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'rcq launcher'")
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running'"), "a scheduler is back")
    db.sql("SELECT rcq.release(%s)", later)
    assert db.ended(later)["status"] == "completed"
    assert executor.process.poll() is None
    assert db.server.log().count("is not currently accepting connections") <= refused + 1


def test_five_queues_in_one_server_do_not_disturb_each_other():
    with harness.watched_server(fsync="off") as server:
        queues = [harness.Database(server, f"q{i}", lease="2 s", lost_after="3 s", claim_timeout="2 s") for i in range(5)]
        books = [book(db, "starts") for db in queues]
        for db in queues:
            db.executor("a", cores=2)
        for db, starts in zip(queues, books):
            db.sql("SELECT count(*) FROM rcq.submit_many((SELECT jsonb_agg(jsonb_build_object('script', %s::text, 'requeue', false)) FROM generate_series(1, 10)))",
                   f"echo {db.name} $RCQ_JOB_ID >> {starts}; sleep 0.1")
        queues[0].drop()
        # the scheduler of one fails at every placement, that of another is terminated again and again
        broken, ended, *others = queues[1:]
        broken.sql("""CREATE FUNCTION fail(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1; END $$;
                      CREATE INDEX fail ON rcq_private.command (fail(executor_id));
                      CREATE OR REPLACE FUNCTION fail(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'no placement'; END $$""")
        for _ in range(3):
            ended.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")
            harness.wait_for(lambda: ended.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running' AND last_cycle_at IS NOT NULL"), "a scheduler is back", 40)

        def all_ended(db):
            return db.one("SELECT count(*) FROM rcq_private.live") == 0
        for db in [ended, *others]:
            harness.wait_for(lambda db=db: all_ended(db), f"the jobs of {db.name} end", 60)
        broken.sql("DROP INDEX rcq_private.fail")
        harness.wait_for(lambda: all_ended(broken), "and those of the broken one, once it is mended", 60)
        for db, starts in zip(queues[1:], books[1:]):
            assert db.sql("SELECT status, count(*) FROM rcq.jobs GROUP BY status") == [{"status": "completed", "count": 10}]
            assert sorted(lines(starts)) == sorted(f"{db.name} {job}" for job in range(1, 11))
        for db in queues[1:]:
            db.drop()
        harness.wait_for(lambda: "rcq scheduler" not in str(harness.Database.existing(server, "postgres").sql("SELECT backend_type FROM pg_stat_activity")), "no scheduler is left")


def test_queues_that_there_is_no_worker_for_are_told_and_served_when_there_is_room():
    # the launcher, PostgreSQL's own for subscriptions, and two schedulers
    with harness.watched_server(fsync="off", max_worker_processes=4, max_parallel_workers=0) as server:
        queues = [harness.Database(server, f"q{i}") for i in range(3)]
        jobs = [db.submit("true", hold=True) for db in queues]
        harness.wait_for(lambda: "no free background worker for a scheduler" in server.log(), "the log says so", 30)
        served = [db for db in queues if db.one("SELECT state FROM rcq.scheduler") == "running"]
        (unserved,) = [db for db in queues if db not in served]
        assert unserved.sql("SELECT state, last_error FROM rcq.scheduler") == [
            {"state": "failed", "last_error": "there is no free background worker for it: raise max_worker_processes"}]
        assert "scheduler" in str(unserved.sql("SELECT * FROM rcq.explain(%s)", jobs[queues.index(unserved)]))
        served[0].drop()
        harness.wait_for(lambda: unserved.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running' AND last_error IS NULL"), "it is served", 30)
        assert server.log().count("no free background worker for a scheduler") == 1
        for db in (unserved, served[1]):
            db.drop()


def test_more_queues_than_slots_are_told_and_served_when_there_is_room():
    with harness.watched_server(fsync="off", **{"rcq.max_databases": 2}) as server:
        queues = [harness.Database(server, f"q{i}") for i in range(2)]
        for db in queues:
            harness.wait_for(lambda db=db: db.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running'"), "a scheduler", 30)
        third = harness.Database(server, "q2")
        job = third.submit("true", hold=True)  # is taken all the same
        assert third.one("SELECT state FROM rcq.scheduler").startswith("no scheduler")
        harness.wait_for(lambda: "Raise rcq.max_databases, which is 2" in server.log(), "the log says so", 30)
        assert third.sql("SELECT status FROM rcq.jobs WHERE id = %s", job) == [{"status": "pending"}]
        queues[0].drop()
        harness.wait_for(lambda: third.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running'"), "it is served", 30)
        assert server.log().count("Raise rcq.max_databases") == 1
        for db in (third, queues[1]):
            db.drop()
