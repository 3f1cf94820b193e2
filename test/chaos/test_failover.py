"""What becomes of jobs when the server is lost and a standby takes its place that does not have everything, or another clock."""
import os

import harness
import pytest
import standby
from clock import Clock
from witness import Witness


@pytest.fixture
def pair():
    servers = standby.Pair(synchronous=False, fsync="off")
    yield servers
    log = servers.log()
    servers.remove()
    assert not harness.CRASH.search(log)


@pytest.fixture
def db(pair):
    database = harness.Database(pair, "t_failover", lease="2 s", lost_after="3 s", claim_timeout="2 s")
    yield database
    database.drop()


def test_what_a_failover_loses_is_never_taken_for_something_else(pair, db):
    """Without synchronous replication the last commits are lost. Their job numbers are given out again: to jobs whose logs,
    files and ends must be their own."""
    executor = db.executor("a", cores=48, memory_gb=64)
    ends = harness.book(db, "ends")
    kept = db.submit("echo kept")
    db.ended(kept)
    pair.hold_back()
    gate = db.gate()
    short = [db.submit("echo old") for _ in range(10)]
    old = [db.submit(f"echo old $RCQ_JOB_ID; echo old > $RCQ_OUTPUT_DIR/which; {gate.script}; echo $RCQ_JOB_ID >> {ends}") for _ in range(36)]
    for job in short:
        db.ended(job)
    for job in old:
        db.running(job)
    assert executor.processes()
    pair.fail_over()
    new = [db.submit("echo new $RCQ_JOB_ID; echo new > $RCQ_OUTPUT_DIR/which") for _ in range(90)]
    again = set(new) & set(old)
    assert again, "no number was given out again: nothing is shown"
    for job in new:
        row = db.ended(job, 40)
        assert (row["status"], row["attempt"]) == ("completed", 1)
        assert db.logs(job) == [f"new {job}"]
        with open(os.path.join(row["output"]["dir"], "which"), encoding="utf-8") as file:
            assert file.read() == "new\n"
    harness.wait_for(lambda: not executor.processes(), "the runs that nobody knows of are killed")
    gate.open()
    assert harness.lines(ends) == []
    assert db.logs(kept) == ["kept"] and db.one("SELECT count(*) FROM rcq.jobs") == 1 + len(new)
    harness.wait_for(lambda: not db.sql("SELECT 1 FROM rcq.executors WHERE status <> 'idle'"), "it is idle")


def test_a_run_goes_on_and_its_log_has_no_hole_where_a_failover_lost_some_of_it(pair, db):
    """What the lost server had answered of its output is sent again."""
    db.executor("a")
    count = f"i=0; until [ -e {db.server.dir}/enough ]; do i=$((i + 1)); echo $i; sleep 0.02; done"
    jobs = [db.submit(count) for _ in range(2)]
    gate = db.gate()
    over = db.submit(f"echo $RCQ_ATTEMPT; {gate.script}")
    db.running(over)
    for job in jobs:
        harness.wait_for(lambda: len(db.logs(job)) > 20, "it writes")
    pair.hold_back()
    stored = {job: len(db.logs(job)) for job in jobs}
    gate.open()
    assert db.ended(over)["attempt"] == 1
    for job in jobs:
        harness.wait_for(lambda: len(db.logs(job)) > stored[job] + 50, "some of it only the primary has")
    pair.fail_over()
    # whose end was lost runs again: its executor has forgotten it
    row = db.ended(over)
    assert (row["status"], row["attempt"], db.logs(over)) == ("completed", 2, ["2"])
    for job in jobs:
        stored[job] = len(db.logs(job))
        harness.wait_for(lambda: len(db.logs(job)) > stored[job] + 50, "it goes on")
    with open(f"{db.server.dir}/enough", "w", encoding="utf-8"):
        pass
    for job in jobs:
        row = db.ended(job)
        assert (row["status"], row["attempt"]) == ("completed", 1)
        lines = db.logs(job)
        assert lines == [str(i + 1) for i in range(len(lines))]


def test_a_promoted_standby_whose_clock_is_behind_lets_nothing_wait(pair, db):
    """What its predecessor called now has come, whatever the clock says; and what follows is counted on."""
    clock = Clock(db.server.dir)
    clock.set(-30)
    with clock.started():
        pair.standby.restart()
    db.executor("a", cores=2)
    witness = Witness(db)
    gate = db.gate()
    long = witness.submit(gate.script, cpu_cores=2)
    harness.wait_for(lambda: witness.begun(long, 1), "it has begun")
    waiting = [witness.submit("true") for _ in range(4)]
    harness.wait_for(lambda: pair.standby.follows("async"), "the standby follows")
    pair.fail_over()
    assert db.one("SELECT clock_timestamp() < submitted_at - interval '20 min' FROM rcq.jobs WHERE id = %s", waiting[0])
    waiting += [witness.submit("true") for _ in range(4)]
    gate.open()
    witness.check(most_attempts=1)
    retried = db.submit("exit 1", max_retries=1)
    assert db.ended(retried)["attempt"] == 2
    later = db.submit("true", begin_time=db.one("SELECT clock_timestamp() + interval '1 hour'"))
    assert db.waiting(later, "begin_time")
    assert not db.sql("SELECT 1 FROM rcq_private.usage WHERE core_seconds < 0 OR at < since")
    clock.set(0)
    after = db.submit("true")
    assert db.ended(after)["status"] == "completed"
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.executors WHERE status = 'idle'"), "the executor is there")
