"""Runs of preemptible jobs make way for jobs with a reservation, and run again later."""
import harness
import pytest

STUBBORN = "trap '' TERM; echo started; test $RCQ_ATTEMPT -gt 1 || while :; do sleep 0.1; done"
YIELDING = "trap 'echo asked; exit 9' TERM; echo started; if [ $RCQ_ATTEMPT = 1 ]; then sleep 60 & wait; fi"


def live(db, job):
    (row,) = db.sql("SELECT eligible_at, preempted, failures, losses FROM rcq_private.live WHERE job_id = %s", job)
    return row


def start(db, script, **options):
    """A running job that has set its traps."""
    job = db.submit(script, **options)
    harness.wait_for(lambda: db.logs(job) == ["started"], f"job {job} has begun")
    return job


def test_a_preempted_job_is_asked_to_stop_and_runs_again_after_the_other(db):
    db.executor("a", cores=4)
    victim = start(db, YIELDING, cpu_cores=2, preemptible=True)
    eligible_at = live(db, victim)["eligible_at"]
    gate = db.gate()
    wide = db.submit(gate.script, cpu_cores=4)
    db.running(wide)
    assert live(db, victim) == {"eligible_at": eligible_at, "preempted": 1, "failures": 0, "losses": 0}
    db.waiting(victim, "resources")
    (run,) = db.sql("SELECT * FROM rcq.runs WHERE job_id = %s", victim)
    assert (run["status"], run["reason"], run["attempt"], run["exit_code"]) == ("preempted", "preempted", 1, 9)
    assert db.logs(victim, attempt=1) == ["started", "asked"]
    assert run["ended_at"] <= db.job(wide)["started_at"]
    gate.open()
    row = db.ended(victim)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert row["started_at"] >= db.ended(wide)["ended_at"]
    assert db.one("SELECT count(*) FROM rcq_private.command") == 0
    assert db.one("SELECT sum(core_seconds) FROM rcq_private.usage") > 2 * (run["ended_at"] - run["started_at"]).total_seconds(), "what was used is charged"


def test_a_run_that_does_not_heed_is_killed_after_the_grace(db):
    db.executor("a", cores=2)
    victim = start(db, STUBBORN, cpu_cores=2, preemptible=True)
    wide = db.submit("true", cpu_cores=2)
    assert db.ended(wide)["status"] == "completed"
    row = db.ended(victim)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    (run,) = db.sql("SELECT * FROM rcq.runs WHERE job_id = %s AND attempt = 1", victim)
    assert (run["status"], run["signal"]) == ("preempted", 9)
    assert run["ended_at"] <= db.job(wide)["started_at"] <= db.job(wide)["ended_at"] <= row["started_at"]


@pytest.mark.alone
def test_only_as_many_runs_as_needed_are_stopped_those_that_lose_least(db):
    db.executor("a", cores=4)
    gate = db.gate()
    runs = []
    for _ in range(4):
        runs.append(start(db, f"echo started; {gate.script}", preemptible=True, memory_gb=0.1))
    wide = db.submit("true", cpu_cores=2)
    assert db.ended(wide)["status"] == "completed"
    gate.open()
    attempts = [db.ended(job)["attempt"] for job in runs]
    assert attempts == [1, 1, 2, 2], [tuple(run.values()) for run in db.sql("SELECT job_id, attempt, status, started_at::text, ended_at::text FROM rcq.runs ORDER BY ended_at")]


def test_a_job_is_not_preempted_for_ever(db):
    db.executor("a", cores=2)
    db.set(max_preemptions="1")
    gate = db.gate()
    victim = start(db, f"echo started; {gate.script}", cpu_cores=2, preemptible=True)
    assert db.ended(db.submit("true", cpu_cores=2))["status"] == "completed"
    db.running(victim)
    second = db.submit("true", cpu_cores=2)
    db.waiting(second, "resources")
    db.let_it_plan()
    assert db.job(victim)["status"] == "running"
    gate.open()
    row = db.ended(victim)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert db.ended(second)["started_at"] >= row["ended_at"]


def test_nothing_is_preempted_in_vain_or_for_a_preemptible_job_or_when_switched_off(db):
    db.executor("a", cores=4)
    gate, other = db.gate(), db.gate()
    victim = start(db, f"echo started; {gate.script}", cpu_cores=2, preemptible=True)
    firm = start(db, f"echo started; {other.script}", cpu_cores=1)
    in_vain = db.submit("true", cpu_cores=4)
    db.waiting(in_vain, "resources")
    db.let_it_plan()
    assert db.one("SELECT count(*) FROM rcq.jobs WHERE status = 'running' AND reason IS NULL") == 2
    db.sql("SELECT rcq.cancel(%s)", in_vain)

    soft = db.submit("true", cpu_cores=3, preemptible=True)
    db.waiting(soft, "resources")
    db.let_it_plan()
    assert db.job(victim)["reason"] is None
    db.sql("SELECT rcq.cancel(%s)", soft)

    db.set(preemption="off")
    wide = db.submit("true", cpu_cores=3)
    db.waiting(wide, "resources")
    db.let_it_plan()
    assert db.job(victim)["reason"] is None
    db.set(preempt_after="1 hour", preemption="on")
    db.let_it_plan()
    assert db.job(victim)["reason"] is None
    db.set(preempt_after=None)
    assert db.ended(wide)["status"] == "completed"
    gate.open()
    other.open()
    assert db.ended(victim)["attempt"] == 2
    assert db.ended(firm)["attempt"] == 1


def test_an_owner_who_cancels_a_job_that_is_being_preempted_has_it_cancelled(db):
    db.executor("a", "--kill-grace", "2", cores=2)
    victim = start(db, STUBBORN, cpu_cores=2, preemptible=True)
    wide = db.submit("true", cpu_cores=2)
    harness.wait_for(lambda: db.job(victim)["reason"] == "preempting", "it is asked to stop")
    assert db.one("SELECT rcq.cancel(%s)", victim) == "cancelling"
    row = db.ended(victim)
    assert (row["status"], row["attempt"]) == ("cancelled", 1)
    assert db.ended(wide)["status"] == "completed"
    assert db.one("SELECT count(*) FROM rcq_private.command") == 0
    assert db.sql("SELECT status FROM rcq.runs WHERE job_id = %s", victim) == [{"status": "cancelled"}]


def test_a_job_that_saves_its_state_when_asked_is_not_done_yet(db):
    db.executor("a", cores=2)
    victim = start(db, "trap 'echo saved; exit 0' TERM; echo started; if [ $RCQ_ATTEMPT = 1 ]; then sleep 60 & wait; fi", cpu_cores=2, preemptible=True)
    assert db.ended(db.submit("true", cpu_cores=2))["status"] == "completed"
    row = db.ended(victim)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert db.logs(victim, attempt=1) == ["started", "saved"]


def test_an_executor_lost_during_a_preemption_loses_nothing(db):
    executor = db.executor("a", "--kill-grace", "3", cores=2)
    victim = start(db, STUBBORN, cpu_cores=2, preemptible=True)
    eligible_at = live(db, victim)["eligible_at"]
    wide = db.submit("true", cpu_cores=2)
    harness.wait_for(lambda: db.job(victim)["reason"] == "preempting", "it is asked to stop")
    executor.burn()
    harness.wait_for(lambda: db.job(victim)["status"] == "pending", "its run is lost")
    assert live(db, victim) == {"eligible_at": eligible_at, "preempted": 0, "failures": 0, "losses": 1}
    executor.start()
    assert db.ended(wide)["status"] == "completed"
    row = db.ended(victim)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert row["started_at"] >= db.job(wide)["ended_at"]
    assert db.one("SELECT status FROM rcq.runs WHERE job_id = %s AND attempt = 1", victim) == "lost"
