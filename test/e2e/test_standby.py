"""A streaming standby answers and schedules nothing; promoted, it schedules at once, and executors that follow lose nothing."""
import harness
import psycopg2
import pytest
import standby
from harness import book, lines


@pytest.fixture
def pair():
    servers = standby.Pair(fsync="off")
    yield servers
    log = servers.log()
    servers.remove()
    assert not harness.CRASH.search(log)


@pytest.fixture
def db(pair):
    database = harness.Database(pair, "t_standby", lease="2 s", lost_after="3 s", claim_timeout="2 s")
    yield database
    for executor in database.executors:
        executor.burn()


def test_executors_follow_a_failover_and_every_job_runs_once(pair, db):
    starts, ends = book(db, "starts"), book(db, "ends")
    db.executor("a")
    gate = db.gate()
    long = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; {gate.script}; echo $RCQ_JOB_ID >> {ends}") for _ in range(2)]
    short = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; sleep 0.2; echo $RCQ_JOB_ID >> {ends}", priority=1) for _ in range(40)]
    for job in long:
        db.running(job)
    harness.wait_for(lambda: len(lines(ends)) >= 6, "some have ended")
    pair.fail_over()
    harness.wait_for(lambda: len(lines(ends)) == len(short), "the short ones go on", 40)
    gate.open()
    for job in long + short:
        row = db.ended(job, 40)
        assert (row["status"], row["attempt"]) == ("completed", 1)
    assert sorted(lines(starts)) == sorted(lines(ends)) == sorted(str(job) for job in long + short)


def test_a_standby_answers_and_schedules_nothing(pair, db):
    executor = db.executor("a", cores=1)
    ended = db.submit("echo one; echo two")
    db.ended(ended)
    gate = db.gate()
    running = db.submit(gate.script)
    db.running(running)
    waiting, array = db.submit("true"), db.one("SELECT rcq.submit('true', \"array\" => '1-3')")
    there = harness.Database.existing(pair.standby, db.name)
    harness.wait_for(lambda: there.sql("SELECT 1 FROM rcq.jobs WHERE id = %s", array), "the standby has it")
    assert there.one("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'rcq%%'") == 0
    # what the tables say is here as it is there
    assert {row["id"]: row["status"] for row in there.sql("SELECT id, status FROM rcq.jobs WHERE array_id IS NULL")} == {ended: "completed", running: "running", waiting: "pending", array: "pending"}
    assert there.logs(ended) == ["one", "two"]
    assert [row["id"] for row in there.sql("SELECT id, reason FROM rcq.queue WHERE reason IS NULL ORDER BY id")][:2] == [waiting, array]
    for view in there.sql("SELECT schemaname, viewname FROM pg_views WHERE schemaname IN ('rcq', 'rcq_api')"):
        there.sql('SELECT * FROM {schemaname}."{viewname}"'.format(**view))
    for call in (f"rcq.tasks({array})", f"rcq.explain({running})", f"rcq.explain({ended})", "rcq.explain_submit('true', cpu_cores => 1)", "rcq.jobs_tagged('x')"):
        there.sql(f"SELECT * FROM {call}")
    for answer in ("rest_get_job(jsonb_build_object('id', %s::bigint))", "jobs_answer(ARRAY[%s::bigint])"):
        assert '"status": "pending"' in there.one(f"SELECT rcq_private.{answer}::jsonb::text", waiting)
    # what the scheduler alone knows is said to be unknown
    assert there.one("SELECT state FROM rcq.scheduler").startswith("standby")
    found = there.sql("SELECT reason, message FROM rcq.explain(%s)", waiting)
    assert any(row["reason"] == "scheduler" and "standby" in row["message"] for row in found), found
    assert "\nrcq_up 0\n" in there.one("SELECT rcq.metrics()")
    health = there.one("SELECT rcq_private.rest_health('{}')")
    assert (health["status"], health["database"], health["message"]) == ("unhealthy", "in recovery", "the database is in recovery: nothing is scheduled here")
    # what writes is refused in PostgreSQL's words
    for call in ("submit('true')", "submit_many('[{\"script\": \"true\"}]')", f"cancel({waiting})", f"cancel({running})", f"hold({waiting})", f"set_priority({waiting}, 9)", f"requeue({running})",
                 "set('lease', '5 s')", "pause('x')", "adopt()", f"drain_executor('{executor.role}')", "prune_history('1 day')"):
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            there.sql(f"SELECT rcq.{call}")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        there.sql("SELECT rcq.register_executor('x', '{\"cpu_cores\": 1, \"memory_mib\": 1}', NULL, 1, 1)", user=executor.role)
    gate.open()
    db.ended(running)
    lone = db.submit("true")
    pair.fail_over()
    assert db.ended(lone, 40)["attempt"] == 1
    assert db.one("SELECT state FROM rcq.scheduler") == "running"
