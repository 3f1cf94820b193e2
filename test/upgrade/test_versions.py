"""The library beside SQL objects that are not of its version: it schedules or idles and says why, answers every call, and never crashes; and a
dump of the version before comes back under the current one."""
import harness
import psycopg2
import pytest
from conftest import VERSIONS

SAMPLES = {"bigint": "1", "integer": "1", "smallint": "1", "text": "'1'", "jsonb": "'{}'", "json": "'{}'", "boolean": "true", "text[]": "'{a}'", "bigint[]": "'{1}'",
           "integer[]": "'{1}'", "numeric": "1", "double precision": "1", "double precision[]": "'{1}'", "interval": "'1 s'", "timestamp with time zone": "'2030-01-01'", "bytea": "'a'", "bytea[]": "'{a}'",
           "oid": "1", "uuid": "'5f6a0c0e-0000-4000-8000-000000000001'"}
FUNCTIONS = """
    SELECT p.oid::regprocedure::text AS name, p.oid::regproc::text AS called, l.lanname AS language,
           ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, n) ORDER BY n) AS types
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
     WHERE p.pronamespace IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('rcq', 'rcq_private')) AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
     ORDER BY 1"""


def database_of(server, version):
    database = harness.Database(server, "t_version")
    database.sql("DROP EXTENSION rcq")
    database.sql(f"CREATE EXTENSION rcq VERSION '{version}'")
    return database


@pytest.mark.parametrize("version", [VERSIONS[0], *VERSIONS[-2:]])  # those between are none of their own kind
def test_every_function_of_an_earlier_version_answers(server, version):
    database = database_of(server, version)
    try:
        connection = server.connect(database.name)
        connection.autocommit = False
        answers = {}
        for function in database.sql(FUNCTIONS):
            for nulls in (False, True):
                arguments = ", ".join(f"{'NULL' if nulls else SAMPLES.get(kind, 'NULL')}::{kind}" for kind in function["types"])
                with connection.cursor() as cursor:
                    try:
                        cursor.execute(f"SET LOCAL statement_timeout = '20 s'; SELECT * FROM {function['called']}({arguments})")
                        answers[function["name"], nulls] = None
                    except psycopg2.Error as error:
                        answers[function["name"], nulls] = (error.pgcode, str(error))
                connection.rollback()
        connection.close()
        assert len(answers) > 100
        # an error that nobody has thought of has no code of its own; these two raise what they are told to, and read what the library wrote
        assert {call: answer for (call, nulls), answer in answers.items() if answer and (answer[0] is None or answer[0].startswith("XX"))
                and not call.startswith(("rcq_private.fail(", "rcq_private.metrics_text("))} == {}
        if version == VERSIONS[0]:  # those that the library does not serve and whose calls mean the same are only not scheduled for (test_upgrade.py)
            assert any("ALTER EXTENSION rcq UPDATE" in answer[1] for answer in answers.values() if answer), "some calls have changed since"
    finally:
        database.drop()


def test_sql_that_is_newer_than_the_library_is_not_served_until_the_library_is(server):
    database = harness.Database(server, "t_newer")
    try:
        executor = database.executor("a")
        version = database.one("SELECT extversion FROM pg_extension WHERE extname = 'rcq'")
        database.sql("UPDATE pg_extension SET extversion = '99.1' WHERE extname = 'rcq'")
        database.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")
        said = harness.wait_for(lambda: database.sql("SELECT last_error FROM rcq.scheduler WHERE state = 'idle'"), "it idles")
        assert "version 99.1" in said[0]["last_error"] and "library" in said[0]["last_error"]
        job = database.submit("true")
        database.sql("SELECT rcq_private.definitions_changed()")  # wakes it
        assert database.one("SELECT message FROM rcq.explain(%s) WHERE reason = 'scheduler'", job).startswith("The scheduler of this database places nothing now: idle")
        assert database.job(job)["status"] == "pending"
        assert server.log().count("rcq scheduler idles: the SQL objects of rcq have version 99.1") == 1
        database.sql("UPDATE pg_extension SET extversion = %s WHERE extname = 'rcq'", version)
        assert database.ended(job)["status"] == "completed"
        assert executor.process.poll() is None
    finally:
        database.drop()


def test_a_dump_of_the_version_before_is_restored_under_the_current_one(server):
    before = database_of(server, VERSIONS[-1])
    try:
        executor = before.executor("a")
        before.sql("SELECT rcq.add_group('lab', 100), rcq.set('lease', '40 s'), rcq.schedule('yearly', '0 0 1 1 *', 'true')")
        done, held = before.submit("echo done", idempotency_key="done"), before.submit("echo held", hold=True)
        assert before.ended(done)["status"] == "completed"
        executor.burn()
        path = f"{server.dir}/dump-of-before"
        connection = ("-h", server.dir, "-p", str(server.port), "-U", "postgres")
        server._run("pg_dump", *connection, "-Fc", "-f", path, before.name)
        restored = harness.Database(server, "t_after")
        try:
            restored.sql("DROP EXTENSION rcq")
            server._run("pg_restore", *connection, "-e", "-d", restored.name, path)
            assert restored.one("SELECT extversion = default_version FROM pg_extension JOIN pg_available_extensions ON name = extname WHERE extname = 'rcq'")
            harness.wait_for(lambda: restored.sql("SELECT 1 FROM rcq.jobs WHERE reason = 'restored'"), "restored jobs are found", 30)
            assert restored.logs(done) == ["done"]
            assert restored.submit("true", idempotency_key="done") == done
            assert restored.sql("SELECT value FROM rcq.settings WHERE name = 'lease'") == [{"value": "40 s"}]
            assert restored.one("SELECT rcq.resume_restored()") == 1
            restored.executor("b")
            assert restored.ended(held)["status"] == "completed"
        finally:
            restored.drop()
    finally:
        before.drop()
