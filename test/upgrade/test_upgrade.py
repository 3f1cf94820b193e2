"""ALTER EXTENSION rcq UPDATE turns what a version has installed into exactly what the current one installs, keeps every row, and leaves the
queue working, also while jobs come and go. rcq--X.Y.sql are the install scripts as they were."""
import os
import sys
import threading

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness  # noqa: E402
from conftest import VERSIONS  # noqa: E402


def database_of(server, version):
    database = harness.Database(server, "t_upgrade")
    database.sql("DROP EXTENSION rcq")
    database.sql(f"CREATE EXTENSION rcq VERSION '{version}'")
    yield database
    database.drop()


@pytest.fixture(params=VERSIONS)
def old(server, request):
    """A database that an earlier version was installed in."""
    yield from database_of(server, request.param)


@pytest.fixture
def served(server):
    """The same for the version before, which the library serves."""
    yield from database_of(server, VERSIONS[-1])


def update(database):
    database.sql("ALTER EXTENSION rcq UPDATE")
    assert database.one("SELECT extversion = default_version FROM pg_extension JOIN pg_available_extensions ON name = extname WHERE extname = 'rcq'")


def catalog(database):
    with open(os.path.join(HERE, "catalog.sql"), encoding="utf-8") as query:
        text = query.read().replace("%", "%%")
    with database.server.connect(database.name) as connection, connection.cursor() as cursor:
        cursor.execute(text, ())
        return [line for (line,) in cursor.fetchall()]


def rows(database, columns):
    """Every row of every table as it was in these columns, but for what an executor may report at any time."""
    return {table: sorted(row["row"] for row in database.sql(f"SELECT ROW({', '.join(names)})::text AS row FROM rcq_private.{table}")) for table, names in columns.items()}


def columns_of(database):
    found = {}
    for row in database.sql("SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
                            "WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relkind = 'r' AND a.attname <> ALL ('{cpu_seconds,peak_memory_mib}') ORDER BY a.attnum"):
        found.setdefault(row["relname"], []).append(f'"{row["attname"]}"')
    return found


def test_an_updated_database_is_like_a_fresh_one(old):
    fresh = harness.Database(old.server, "t_fresh")
    try:
        update(old)
        for database in (old, fresh):
            database.sql("SELECT rcq_private.ensure_partitions(1)")  # as the first job does; an update from 0.2 has one from the old tables
        expected, found = catalog(fresh), catalog(old)
        assert len(expected) > 300
        assert [line for line in found if line not in expected] == []
        assert [line for line in expected if line not in found] == []
    finally:
        fresh.drop()


def test_sql_that_is_too_old_for_the_library_is_refused(old):
    if old.one("SELECT extversion = %s FROM pg_extension WHERE extname = 'rcq'", VERSIONS[-1]):
        return  # the version before is served

    def said():
        """What people hear who look: an error where calls changed since, else that nobody schedules what they submit."""
        try:
            old.sql("SELECT * FROM rcq.queue")
            return old.one("SELECT last_error FROM rcq.scheduler WHERE state = 'idle'")
        except (harness.psycopg2.errors.FeatureNotSupported, ValueError) as error:
            return str(error)
    harness.wait_for(lambda: "ALTER EXTENSION rcq UPDATE" in said(), "the refusal")


def test_rows_survive_and_the_queue_goes_on(served):
    served.sql("CREATE ROLE t_ann LOGIN")
    try:
        served.sql("SELECT rcq.add_group('physics', 100, 6, 'hard', '2 hours', true)")
        served.sql("SELECT rcq.add_user('t_ann', 'physics', max_priority => 7, email => 'ann@example.org')")
        served.sql("SELECT rcq.set('fairshare_window_length', '10 days'), rcq.set('lease', '40 s')")
        executor = served.executor("a", cores=2)
        completed = served.submit("echo out; echo err >&2", cpu_cores=1)
        retried = served.submit("exit 3", max_retries=1)
        for job in (completed, retried):
            served.ended(job)
        cancelled = served.submit("true", hold=True)
        served.sql("SELECT rcq.cancel(%s)", cancelled)
        held = served.submit("echo held", hold=True)
        wide = served.submit("true", cpu_cores=64, features=None)
        gate = os.path.join(served.server.dir, "gate")
        running = served.submit(f"rcq-job progress 40; while ! [ -e {gate} ]; do sleep 0.1; done; echo through", cpu_cores=2)
        harness.wait_for(lambda: served.sql("SELECT 1 FROM rcq.jobs WHERE id = %s AND progress = 40", running), "it runs, and says how far it is")
        waiting = served.submit("echo waited")
        array = served.submit("true", hold=True, **{'"array"': "1-3"})
        after = served.submit("echo after", depends_on=f"afterok:{array}", idempotency_key="after")
        served.sql("SELECT rcq.resubmit(ARRAY[%s::bigint]), rcq.register_type('ours', 'cat'), rcq.schedule('secondly', '* * * * * *', 'true', overlap => 'skip')", retried)
        harness.wait_for(lambda: served.one("SELECT count(*) FROM rcq.schedule_history"), "the schedule is due")
        served.sql("SELECT rcq.pause_schedule('secondly')")
        served.sql("CREATE VIEW public.mine AS SELECT j.*, u.billed_hours FROM rcq.jobs j JOIN rcq.group_usage u USING (group_name)")

        served.sql("SELECT rcq.set_consumable('licence', 5), rcq.set_concurrency_limit('db', 1), rcq.set_gpu_billing('a100', 10), rcq.reserve('2100-01-01', '2100-01-02'), rcq.pause('move')")
        served.sql("SELECT rcq.create_api_token('laptop')")
        served.sql("INSERT INTO rcq_private.credential (user_id, password_hash) SELECT id, 'a hash' FROM rcq_private.users")
        served.sql("INSERT INTO rcq_private.login_failure (email, failures, failed_at) VALUES ('ben@example.org', 1, now())")

        columns = columns_of(served)
        before = rows(served, {table: names for table, names in columns.items() if table != "setting_definition"})
        assert {table for table, found in before.items() if not found} == {"array_end", "restored"}, "what the scheduler works off at once; every other table has a row"
        update(served)
        assert rows(served, {table: columns[table] for table in before}) == before
        (part,) = served.sql("SELECT * FROM rcq.history")
        assert (part["first_id"], part["last_id"], part["state"]) == (0, 999999, "open")

        assert served.sql("SELECT name, value, changed_by FROM rcq.settings WHERE changed_at IS NOT NULL ORDER BY name") == [
            {"name": "fairshare_window_length", "value": "10 days", "changed_by": "postgres"}, {"name": "lease", "value": "40 s", "changed_by": "postgres"}]
        assert served.sql("SELECT id, status FROM public.mine WHERE id <= %s ORDER BY id", after) == [{"id": job, "status": status} for job, status in (
            (completed, "completed"), (retried, "failed"), (cancelled, "cancelled"), (held, "pending"), (wide, "pending"), (running, "running"), (waiting, "pending"), (array, "pending"), (after, "pending"))]

        with open(gate, "w", encoding="utf-8"):
            pass
        served.sql("SELECT rcq.resume(), rcq.release(%s), rcq.release(%s)", held, array)
        later = served.submit("echo later")
        for job, line in ((running, "through"), (waiting, "waited"), (held, "held"), (after, "after"), (later, "later")):
            assert served.ended(job)["status"] == "completed"
            assert served.logs(job) == [line]
        assert executor.process.poll() is None
        assert served.one("SELECT count(*) FROM rcq_private.usage WHERE since < at") >= 4
        assert served.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]
        assert served.sql("SELECT shares, max_jobs, max_pending FROM rcq.users WHERE role_name = 't_ann'") == [{"shares": 1, "max_jobs": None, "max_pending": None}]
    finally:
        served.sql("DROP VIEW IF EXISTS public.mine")
        served.sql("DROP ROLE t_ann")


def test_the_library_serves_the_version_before_until_the_update(served):
    """People may take their time between the restart with the new library and ALTER EXTENSION UPDATE."""
    served.sql("CREATE ROLE t_ann LOGIN")
    try:
        served.sql("SELECT rcq.add_group('physics', 100, quota_mode => 'hard', default_estimate => '10 minutes'), rcq.add_user('t_ann', 'physics', max_priority => 7)")
        served.sql("SELECT rcq.set('lost_after', '3 s'), rcq.set('lease', '2 s'), rcq.set('fairshare_window_length', '20 days')")
        executor = served.executor("a", "--no-detect", "--features", "ssd", cores=2)
        assert served.sql("SELECT state, last_error FROM rcq.scheduler") == [{"state": "running", "last_error": None}]
        gate = served.gate()
        running = served.submit(gate.script, user="t_ann", cpu_cores=2, estimated_hours=1, time_limit="2 hours", features=["ssd"])
        served.running(running)
        urgent, calm = served.submit("echo $RCQ_CPU_CORES", user="t_ann", priority=7), served.submit("true", user="t_ann", priority=2)
        never, held = served.submit("true", cpu_cores=64, user="t_ann"), served.submit("true", hold=True, user="t_ann")
        over_quota = served.submit("true", estimated_hours=200, user="t_ann")
        many = [row["submit_many"] for row in served.sql("""SELECT rcq.submit_many('[{"script": "true"}, {"script": "exit 3", "max_retries": 1}]')""", user="t_ann")]

        for job, reason in ((urgent, "resources"), (calm, "resources"), (never, "never_fits"), (held, "held")):
            served.waiting(job, reason)
        queued = harness.wait_for(lambda: [row for row in served.sql("SELECT * FROM rcq.queue WHERE id = ANY (%s) AND position IS NOT NULL ORDER BY position", [urgent, calm], user="t_ann")][1:] and
                                  served.sql("SELECT id, user_name, group_name, base_priority FROM rcq.queue WHERE id = ANY (%s) ORDER BY position", [urgent, calm], user="t_ann"), "positions")
        assert queued == [{"id": urgent, "user_name": "t_ann", "group_name": "physics", "base_priority": 12}, {"id": calm, "user_name": "t_ann", "group_name": "physics", "base_priority": 7}]
        (usage,) = served.sql("SELECT running_jobs, running_cores, pending_jobs, planned_hours, fair_share FROM rcq.group_usage WHERE group_name = 'physics'")
        assert (usage["running_jobs"], usage["running_cores"], usage["pending_jobs"], usage["fair_share"]) == (1, 2, 7, 2)
        assert 1.9 < usage["planned_hours"] <= 2
        assert served.sql("SELECT status, runs, cpu_cores_used, features FROM rcq.executors") == [{"status": "busy", "runs": 1, "cpu_cores_used": 2, "features": ["ssd"]}]
        assert served.sql("SELECT job_id, status FROM rcq.runs") == [{"job_id": running, "status": "running"}]

        assert served.one("SELECT rcq.cancel(%s)", never, user="t_ann") == "cancelled"
        served.sql("SELECT rcq.set_priority(%s, 7), rcq.release(%s)", calm, held, user="t_ann")
        gate.open()
        for job in (running, urgent, calm, held, many[0]):
            assert served.ended(job)["status"] == "completed"
        assert served.logs(urgent) == ["1"]
        row = served.ended(many[1])
        assert (row["status"], row["attempt"], row["exit_code"]) == ("failed", 2, 3)
        served.waiting(over_quota, "quota")
        assert served.one("SELECT rcq.cancel(%s)", over_quota, user="t_ann") == "cancelled"
        killed = served.submit("sleep 60", user="t_ann")
        served.running(killed)
        assert served.one("SELECT rcq.cancel(%s)", killed, user="t_ann") == "cancelling"
        assert served.ended(killed)["status"] == "cancelled"

        lost = served.submit("test $RCQ_ATTEMPT = 2 || sleep 60", user="t_ann")
        served.running(lost)
        executor.kill()
        harness.wait_for(lambda: served.job(lost)["status"] == "pending", "the run is lost")
        limited = served.submit("true", time_limit="90 s", hold=True, user="t_ann")
        served.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")
        executor.start()
        assert served.ended(lost)["attempt"] == 2
        assert served.one("SELECT cpu_hours FROM rcq.group_usage WHERE group_name = 'physics'") < 1
        assert served.one("SELECT count(*) FROM rcq_private.command") == 0

        update(served)
        assert served.one("SELECT time_limit_s FROM rcq_private.live WHERE job_id = %s", limited) == 90
        served.sql("SELECT rcq.release(%s)", limited)
        assert served.ended(limited)["status"] == "completed"
    finally:
        served.sql("DROP OWNED BY t_ann")
        served.sql("DROP ROLE t_ann")


def dumped(database, columns):
    """What pg_dump keeps of the tables of the extension, in these columns."""
    tables = database.sql("SELECT c.relname, d.condition FROM pg_extension e, unnest(e.extconfig, e.extcondition) d(oid, condition) JOIN pg_class c USING (oid) WHERE e.extname = 'rcq' AND c.relkind = 'r'")
    return {t["relname"]: sorted(row["row"] for row in database.sql(f"SELECT ROW({', '.join(columns[t['relname']])})::text AS row FROM rcq_private.{t['relname']} {t['condition']}")) for t in tables}


def test_what_an_updated_database_defines_is_in_its_dump(old):
    update(old)
    old.executor("b")
    failed = old.submit("exit 3")
    assert old.ended(failed)["status"] == "failed"
    old.sql("SELECT rcq.schedule('secondly', '* * * * * *', 'true', overlap => 'skip')")
    harness.wait_for(lambda: old.one("SELECT count(*) FROM rcq.schedule_history"), "the schedule is due")
    old.sql("SELECT rcq.pause('move'), rcq.pause_schedule('secondly')")
    old.sql("CREATE ROLE t_ben")
    old.sql("SELECT rcq.add_group('science'), rcq.add_group('physics', parent => 'science', shares => 2, max_jobs => 3), rcq.create_executor_login('t_upgrade_a')")
    old.sql("SELECT rcq.set('lease', '40 s'), rcq.set_consumable('licence', 5), rcq.set_consumable('scratch', 9, 't_upgrade_a'), rcq.set_concurrency_limit('db', 1), rcq.set_gpu_billing('a100', 10)")
    old.sql("SELECT rcq.reserve('2100-01-01', '2100-01-02', 't_upgrade_a', 'physics', 'course'), rcq.reserve('2100-01-01', '2100-01-02')")
    old.sql("SELECT rcq.add_user('t_ben', 'physics', shares => 2, max_pending => 7)")
    old.sql("CREATE EXTENSION pgcrypto")
    old.sql("SELECT rcq.set('password_cost', '4'), rcq.add_http_user('ann@example.org', 'correct horse', 'physics'), rcq.create_api_token('laptop')")
    # the row of a parent may come after that of its child
    old.sql("SELECT rcq.add_group('top'), rcq.set_group('science', parent => 'top')")
    old.sql("SELECT rcq.register_type('ours', 'cat', '{\"type\": \"object\"}', '{\"cpu_cores\": 2}'), rcq.resubmit(ARRAY[%s::bigint])", failed)
    array = old.submit("true", hold=True, **{'"array"': "1-9:2%2"})
    after = old.submit("true", depends_on=f"afterok:{array}", idempotency_key="after")
    ended, pending = old.submit("true", hold=True), old.submit("true")
    old.sql("SELECT rcq.cancel(%s)", ended)
    harness.wait_for(lambda: old.one("SELECT count(*) FROM rcq_private.live WHERE placed_at IS NOT NULL") == 0, "nothing runs")

    columns = columns_of(old)
    before = dumped(old, columns)
    assert [table for table, found in before.items() if not found] == ["array_end"], "the scheduler adds up what is there at once; every other table has a row"
    server, dump = old.server, os.path.join(old.server.dir, "dump")
    server._run("pg_dump", "-h", server.dir, "-p", str(server.port), "-U", "postgres", "-Fc", "-f", dump, old.name)
    restored = harness.Database(server, "t_restored")
    try:
        restored.sql("DROP EXTENSION rcq")
        server._run("pg_restore", "-h", server.dir, "-p", str(server.port), "-U", "postgres", "-e", "-d", restored.name, dump)
        assert dumped(restored, columns) == before
        jobs = f"SELECT id, status, reason FROM rcq.jobs WHERE id IN ({array}, {after}, {ended}, {pending}) ORDER BY id"
        found = harness.wait_for(lambda: restored.sql(jobs)[3:] and restored.sql(jobs), "the restored jobs are found")
        assert found == [{"id": array, "status": "pending", "reason": "restored"}, {"id": after, "status": "pending", "reason": "restored"},
                         {"id": ended, "status": "cancelled", "reason": None}, {"id": pending, "status": "pending", "reason": "restored"}]
        assert restored.submit("true") == pending + 1
        assert restored.submit("true", idempotency_key="after") == after
        assert restored.one("SELECT rcq.reserve('2100-01-01', '2100-01-02')") == 3
        assert restored.one("SELECT rcq.schedule('another', '@daily', 'true')") == 2
        # passwords are in the dump, what signs tokens is not
        assert restored.one("SELECT user_id = (SELECT id FROM rcq.users WHERE email = 'ann@example.org') FROM rcq_private.try_password('ann@example.org', 'correct horse')")
        secrets = [database.sql("SELECT secret::text FROM rcq_private.jwt_secret") for database in (old, restored)]
        assert [len(found) for found in secrets] == [1, 1] and secrets[0] != secrets[1]
        restored.sql("SELECT rcq.create_api_token('another')")
        assert restored.one("SELECT max(id) FROM rcq.api_tokens") == 2
    finally:
        restored.drop()
        old.sql("DROP ROLE t_upgrade_a, t_ben")


def test_an_update_under_load_loses_no_job(served):
    served.executor("a", cores=4)
    with_jobs, stop, errors = [], threading.Event(), []

    def submit():
        connection = served.server.connect(served.name)
        with connection.cursor() as cursor:
            while not stop.is_set():
                try:
                    cursor.execute("SELECT rcq.submit('true')")
                    with_jobs.append(cursor.fetchone()[0])
                except harness.psycopg2.Error as error:
                    errors.append(str(error))
                stop.wait(0.01)  # no more than a busy machine can run
        connection.close()

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        harness.wait_for(lambda: served.one("SELECT count(*) FROM rcq_private.outcome") > 50, "jobs flow")
        update(served)
        done = served.one("SELECT count(*) FROM rcq_private.outcome")
        harness.wait_for(lambda: served.one("SELECT count(*) FROM rcq_private.outcome") > done + 50, "jobs flow again")
    finally:
        stop.set()
        thread.join()
    harness.wait_for(lambda: served.one("SELECT count(*) FROM rcq_private.live") == 0, "all jobs ended", timeout=60)
    assert served.one("SELECT count(*) FROM rcq_private.outcome WHERE job_id = ANY (%s) AND status = 'completed'", with_jobs) == len(with_jobs)
    assert len(errors) <= 1, "\n".join(errors)  # the call that crossed the locks of the update may have to be repeated
    assert served.one("SELECT count(*) FROM rcq_private.command") == 0
