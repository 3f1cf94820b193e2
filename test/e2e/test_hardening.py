"""What other people's sessions, paused servers and hostile roles must not be able to do."""
import contextlib
import json
import os
import signal
import subprocess
import time

import harness
import psycopg2
import pytest


class Protocol:
    """An executor that speaks the protocol and runs nothing."""

    def __init__(self, db, name, cores):
        self.role = f"{db.name}_{name}"
        db.sql("SELECT rcq.create_executor_login(%s)", self.role)
        self.connection = db.server.connect(db.name, self.role)
        self.acked = 0
        self.id = self.query("SELECT rcq.register_executor('h', %s, '{}', 7, 1)", json.dumps({"cpu_cores": cores, "memory_mib": 65536}))[0][0]["executor"]

    def query(self, text, *parameters):
        with self.connection.cursor() as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall()

    def sync(self, finished=None, max_new=100):
        rows = self.query("SELECT kind, seq, job_id, token FROM rcq.executor_sync(%s, 7, %s, NULL, %s, NULL, %s)",
                          self.id, self.acked, json.dumps(finished) if finished else None, max_new)
        for kind, seq, _, _ in rows:
            if kind == "ack":
                self.acked = seq
        return {job: token for kind, _, job, token in rows if kind == "start"}


@contextlib.contextmanager
def protocol(db, name, cores):
    executor = Protocol(db, name, cores)
    try:
        yield executor
    finally:
        executor.connection.close()
        for grant in ("DROP OWNED BY", "DROP ROLE"):
            db.sql(f"{grant} {executor.role}")


@contextlib.contextmanager
def transaction(db):
    connection = db.server.connect(db.name)
    connection.autocommit = False
    try:
        yield connection.cursor()
    finally:
        connection.rollback()
        connection.close()


def test_a_row_held_by_an_open_transaction_keeps_no_capacity_from_others(db):
    held = db.submit("true")
    with transaction(db) as session:
        session.execute("SELECT rcq.set_priority(%s, 10)", (held,))
        db.executor("a", cores=1)
        other = db.submit("true", priority=1)
        assert db.ended(other)["status"] == "completed"
    assert db.ended(held)["status"] == "completed"


def test_a_placed_job_that_is_held_up_lets_the_next_ones_be_claimed(db):
    with protocol(db, "p", 4) as executor:
        jobs = [db.submit("true") for _ in range(3)]
        harness.wait_for(lambda: all(db.job(job)["status"] == "assigned" for job in jobs), "all are placed")
        with transaction(db) as session:
            session.execute("SELECT rcq.set_priority(%s, 6)", (jobs[0],))
            assert list(executor.sync(max_new=1)) == [jobs[1]]
            assert jobs[2] in executor.sync(max_new=1)
        assert jobs[0] in executor.sync(max_new=1)


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"a\x00b"], ids=["no lead byte", "overlong", "surrogate", "cut", "zero byte"])
def test_bytes_that_are_no_text_are_refused_and_cost_neither_session_nor_run(db, bad):
    with protocol(db, "p", 4) as executor:
        job = db.submit("true")
        token = harness.wait_for(executor.sync, "it is claimed")[job]
        reports = json.dumps([{"job_id": job, "token": token, "end": "exit_code", "exit_code": 1, "message": "MARK"}]).encode()
        raw = executor.connection.cursor()
        call = f"SELECT rcq.executor_sync({executor.id}, 7, {executor.acked}, NULL, ".encode()
        for arguments in (b"'" + reports.replace(b"MARK", bad) + b"', NULL, 0)", b"NULL, '[{\"" + bad + b"\": 1}]', 0)"):
            with pytest.raises((psycopg2.DataError, psycopg2.ProgrammingError, ValueError)):
                raw.execute(call + arguments)
        # the output of a job is bytes, and may be anything
        raw.execute("SELECT rcq.executor_log(%s, 7, %s, %s, '{1}', '{stdout}', %s)", (executor.id, [job], [token], [psycopg2.Binary(bad + b"\n")]))
        assert len(db.logs(job)) == 1
        executor.sync(finished=[{"job_id": job, "token": token, "end": "exit_code", "exit_code": 0}])
        assert db.ended(job)["status"] == "completed"


def test_jobs_of_many_shapes_keep_nobody_else_waiting(db):
    """Each of them is a lane of its own, which does not fit just now; a plan gets through few of them in its time, and begins with them again."""
    mallory, ann = db.user("mallory"), db.user("ann")
    db.sql("ALTER SYSTEM SET rcq.plan_budget = 1")
    try:
        db.sql("SELECT pg_reload_conf()")
        with protocol(db, "p", 4):
            first = db.submit("true", cpu_cores=3)
            harness.wait_for(lambda: db.job(first)["status"] == "assigned", "one core is left")
            db.sql("INSERT INTO rcq.inbox (script, cpu_cores, memory_gb, priority) SELECT 'true', 2, i / 1024.0, 10 FROM generate_series(1, 10000) i", user=mallory)
            harness.wait_for(lambda: db.one("SELECT pending FROM rcq.scheduler") >= 10000, "the scheduler knows of them", 60)
            last = db.one("SELECT rcq.submit('true', priority => 1)", user=ann)
            harness.wait_for(lambda: db.job(last)["status"] == "assigned", "it is placed", 60)
    finally:
        db.sql("ALTER SYSTEM RESET rcq.plan_budget")
        db.sql("SELECT pg_reload_conf()")


def test_a_cancel_that_crosses_the_end_of_its_run_leaves_no_command(db):
    with protocol(db, "p", 1000) as executor:
        for _ in range(10):
            jobs = [db.submit("true", memory_gb=0.01) for _ in range(30)]
            started = {}
            while len(started) < len(jobs):
                started.update(executor.sync())
            for job in jobs:
                db.sql("SELECT rcq.cancel(%s)", job)
            left = dict(started)
            while left:  # one by one, so that reports and the commands of the scheduler overlap
                job, token = left.popitem()
                executor.sync(finished=[{"job_id": job, "token": token, "end": "cancelled"}])
                if db.job(job)["status"] == "running":  # the row was locked by the scheduler: report again
                    left[job] = token
        assert db.one("SELECT count(*) FROM rcq_private.command") == 0


def test_a_run_that_fails_and_is_retried_within_a_moment_is_charged(db):
    db.sql("SELECT rcq.add_group('tiny', quota_cpu_hours => 0.000001)")
    db.sql("SELECT rcq.set_user('postgres', 'tiny')")
    with protocol(db, "p", 1) as executor:
        job = db.submit("false", max_retries=1, estimated_hours=0.0001)
        started = harness.wait_for(executor.sync, "it is claimed")
        db.sql("SELECT rcq.drain_executor(%s)", executor.role)
        executor.sync(finished=[{"job_id": job, "token": started[job], "end": "exit_code", "exit_code": 1}])
        harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.queue WHERE id = %s AND fair_share < 2", job), "the scheduler knows of the use")


def test_a_server_that_stood_still_expires_no_lease(db):
    db.executor("a")
    job = db.submit("sleep 12; echo survived", requeue=False)
    db.running(job)
    with open(os.path.join(db.server.data, "postmaster.pid"), encoding="utf-8") as pidfile:
        postmaster = int(pidfile.readline())
    children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True, check=True).stdout.split()
    processes = [postmaster, *map(int, children)]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(8)  # longer than lost_after, and than any cycle
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    row = db.ended(job, 30)
    assert (row["status"], row["attempt"]) == ("completed", 1)


def test_a_scheduler_comes_back_when_the_copying_of_its_database_is_terminated(db):
    other = db.server.connect(db.name)  # makes CREATE DATABASE wait
    copying = subprocess.Popen([os.path.join(db.server.bin, "psql"), "-h", db.server.dir, "-p", str(db.server.port), "-U", "postgres", "-d", "postgres",
                                "-c", f"CREATE DATABASE {db.name}_copy TEMPLATE {db.name}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    find = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE {db.name}_copy%%' AND pid <> pg_backend_pid()"
    admin = db.server.connect()
    cursor = admin.cursor()

    def scheduler():
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = %s", (db.name,))
        return cursor.fetchall()

    harness.wait_for(lambda: not scheduler(), "the scheduler was stopped")
    cursor.execute(find)
    copying.wait(20)
    harness.wait_for(scheduler, "the scheduler is back")
    admin.close()
    other.close()


def test_the_extension_in_template1_does_not_stand_in_the_way_of_new_databases(server):
    template = server.connect("template1")
    admin = server.connect()
    try:
        template.cursor().execute("CREATE EXTENSION rcq")
        template.close()
        admin.cursor().execute("CREATE DATABASE t_from_template1")
        admin.cursor().execute("DROP DATABASE t_from_template1")
    finally:
        template = server.connect("template1")
        template.cursor().execute("DROP EXTENSION IF EXISTS rcq CASCADE")
        template.close()
        admin.close()


def test_code_of_a_table_owner_cannot_act_as_who_analyzes_the_table(db):
    db.sql("CREATE ROLE e2e_mallory LOGIN")
    try:
        db.sql("SELECT rcq.add_user('e2e_mallory')")
        db.sql("CREATE SCHEMA lair AUTHORIZATION e2e_mallory")
        connection = db.server.connect(db.name, "e2e_mallory")
        connection.cursor().execute("""
            CREATE FUNCTION lair.submit(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM rcq.submit(''true'', hold => true); RETURN i; END';
            CREATE FUNCTION lair.evil(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lair.submit(i); END';
            CREATE TABLE lair.bait (i int);
            CREATE INDEX ON lair.bait (lair.evil(i));
            INSERT INTO lair.bait VALUES (1), (2)""")
        connection.close()
        with pytest.raises(psycopg2.Error) as refused:
            db.sql("ANALYZE lair.bait")
        assert refused.value.pgcode == "RC005"
        assert db.sql("SELECT DISTINCT user_name FROM rcq.jobs") == [{"user_name": "e2e_mallory"}]
    finally:
        db.sql("DROP OWNED BY e2e_mallory CASCADE")
        db.sql("DROP ROLE e2e_mallory")


def test_a_role_of_roles_cannot_be_made_a_user(db):
    for role in ("rcq_executor", "pg_monitor"):
        with pytest.raises(psycopg2.Error) as refused:
            db.sql("SELECT rcq.add_user(%s)", role)
        assert refused.value.pgcode == "RC001"


def test_long_messages_are_not_cut_inside_a_character(db):
    db.sql("CREATE TABLE caught (message text)")
    db.sql("""DO $do$ BEGIN
        PERFORM rcq.submit_many(jsonb_build_array(jsonb_build_object('script', 'true', 'time_limit', 'a' || repeat('é', 2000))));
    EXCEPTION WHEN OTHERS THEN INSERT INTO caught VALUES (SQLERRM); END $do$""")
    assert 100 < db.one("SELECT length(message) FROM caught") < 1024


def test_nulls_everywhere_crash_nothing(db):
    db.sql("SELECT rcq_private.check_request(NULL, 'x', 1, 1, 0, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, 'kill', NULL, NULL, NULL, NULL, NULL, 5, 100, NULL)")
    with pytest.raises(psycopg2.Error) as refused:
        db.sql(f"SELECT rcq_private.check_request({', '.join(['NULL'] * 22)})")
    assert refused.value.pgcode.startswith("RC")


def test_the_scheduler_works_whatever_role_the_database_sets(db):
    db.sql("CREATE ROLE e2e_nobody")
    try:
        db.executor("a")
        db.sql(f"ALTER DATABASE {db.name} SET role = 'e2e_nobody'")
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database()")
        assert db.ended(db.submit("true"))["status"] == "completed"
    finally:
        db.sql(f"ALTER DATABASE {db.name} RESET role")
        db.sql("DROP ROLE e2e_nobody")
