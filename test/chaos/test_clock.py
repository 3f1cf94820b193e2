"""The time of day jumps by hours, on the executor's host and on the server's."""
import os
import signal

import harness
from clock import Clock
from witness import Witness


JUMPS = (5, -7, 0)  # hours


def through_the_jumps(db, jump):
    """Two jobs run all the time, one of them within a limit that a jump would exceed; others come and go."""
    witness = Witness(db)
    gate = db.gate()
    long = [witness.submit(gate.script, time_limit="1 h", on_disconnect="kill"), witness.submit(gate.script)]
    for job in long:
        harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
    for hours in JUMPS:
        jump(60 * hours)
        for job in [witness.submit("sleep 0.5") for _ in range(3)]:
            row = db.ended(job)
            seconds = (row["ended_at"] - row["started_at"]).total_seconds()
            assert 0.4 < seconds < 10, f"a run of half a second took {seconds} s"
        seen = db.one("SELECT last_seen FROM rcq.executors")
        harness.wait_for(lambda: db.one("SELECT last_seen FROM rcq.executors") != seen, "heartbeats go on")
        assert [db.job(job)["status"] for job in long] == ["running", "running"]
    gate.open()
    witness.check(most_attempts=1)
    for job in long:
        row = db.job(job)
        assert row["started_at"] < row["ended_at"] <= db.one("SELECT clock_timestamp()")


def test_the_clock_of_the_executors_host_may_be_set_by_hours_while_jobs_run(db):
    clock = Clock(db.server.dir)
    with clock.started():
        db.executor("a")
    through_the_jumps(db, clock.set)


def test_the_clock_of_the_server_may_be_set_by_hours_while_jobs_run(db):
    clock = Clock(db.server.dir)
    with clock.started():
        db.server.restart()
    db.executor("a")
    through_the_jumps(db, clock.set)
    db.server.restart()


def test_a_job_that_is_submitted_just_before_the_clock_is_set_back_does_not_wait(db):
    """Until the clock shows that time again, which is hours after."""
    clock = Clock(db.server.dir)
    with clock.started():
        db.server.restart()
    clock.set(300)
    db.executor("a")
    db.ended(db.submit("true"))
    scheduler = db.one("SELECT pid FROM rcq.scheduler")
    os.kill(scheduler, signal.SIGSTOP)  # it does not look at the clock
    try:
        job = db.submit("true")
        clock.set(0)
    finally:
        os.kill(scheduler, signal.SIGCONT)
    assert db.ended(job)["status"] == "completed"
    db.server.restart()


def test_an_executor_that_is_lost_just_before_the_clock_is_set_back_is_given_up_in_time(db):
    """By the time of day it was heard of in five hours."""
    clock = Clock(db.server.dir)
    with clock.started():
        db.server.restart()
    clock.set(300)
    lost = db.executor("a", cores=1)
    witness = Witness(db)
    gate = db.gate()
    job = witness.submit(gate.script)
    db.running(job)
    lost.burn()
    clock.set(0)
    db.executor("b", cores=1)
    harness.wait_for(lambda: witness.begun(job, 2), "it runs elsewhere")
    # a placement that nobody claims is taken back, although the scheduler's time stands still
    db.set(lost_after="60 s", lease="20 s", claim_timeout="1 s")
    gone = db.executor("c", cores=2)
    gone.signal(signal.SIGSTOP)
    unclaimed = db.submit("true", cpu_cores=2)
    harness.wait_for(lambda: db.job(unclaimed)["attempt"] >= 2, "it is placed anew")
    gate.open()
    gone.signal(signal.SIGCONT)
    db.ended(unclaimed)
    witness.check(beside=True)
    db.server.restart()


def test_what_a_clock_that_was_ahead_has_written_keeps_no_job_waiting(db):
    """As after a failover, or a restart, when the clock has been put right."""
    db.executor("a")
    own = db.submit("true", begin_time=db.one("SELECT (now() + interval '1 hour')::text"))
    plain, dependent, tasks = db.submit("true", hold=True), db.submit("true", hold=True, depends_on=f"afterok:{db.ended(db.submit('true'))['id']}"), db.submit("true", hold=True, **{'"array"': "1-3"})
    late, soon = (db.submit("exit 1", max_retries=1, retry_delay="2 hours") for _ in range(2))
    for job in (late, soon):
        harness.wait_for(lambda: db.one("SELECT failures FROM rcq_private.live WHERE job_id = %s", job) == 1, "it waits for its second run")
    db.sql("UPDATE rcq_private.run SET ended_at = ended_at + interval '5 hours' WHERE job_id = %s", soon)
    db.sql("UPDATE rcq_private.live SET eligible_at = eligible_at + interval '5 hours', held = false WHERE job_id <> %s", late)
    db.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")
    for job in (plain, dependent, tasks):
        assert db.ended(job, 30)["status"] == "completed"
    # a delay counts from the end of the run by the right clock, and what a user has asked for stays
    harness.wait_for(lambda: db.one("SELECT eligible_at < now() + interval '2 hours 1 minute' FROM rcq_private.live WHERE job_id = %s", soon), "its delay is right again")
    assert db.one("SELECT eligible_at > now() + interval '1 hour 50 minutes' FROM rcq_private.live WHERE job_id = %s", soon)
    harness.wait_for(lambda: db.one("SELECT eligible_at = j.begin_time FROM rcq_private.live JOIN rcq_private.job j ON j.id = job_id WHERE job_id = %s", own), "it begins when its owner said")
    assert db.job(late)["reason"] == "retry"
