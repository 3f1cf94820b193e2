"""Hosts that stand still for longer than their runs are theirs."""
import harness
from witness import Witness, alive, children, freeze, thaw, tree


def test_a_host_that_stood_still_finds_its_runs_given_away_and_ends_them(db):
    frozen = db.executor("a", cores=1)
    witness = Witness(db)
    gate = db.gate()
    job = witness.submit(f"echo $RCQ_ATTEMPT; {gate.script}")
    harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
    processes = freeze(tree(frozen.process.pid))
    db.executor("b", cores=1)
    harness.wait_for(lambda: witness.begun(job, 2), "the second attempt has begun")
    thaw(processes)
    harness.wait_for(lambda: not any(map(alive, processes[1:])), "the first attempt is killed", 10)
    assert db.job(job)["status"] == "running" and db.job(job)["attempt"] == 2
    gate.open()
    witness.check(beside=True)
    assert db.logs(job) == ["2"]


def test_a_report_of_a_run_that_was_given_away_changes_nothing(db):
    frozen = db.executor("a", cores=1)
    witness = Witness(db)
    gate = db.gate()
    job = db.submit(f"echo $RCQ_ATTEMPT >> {witness.path}.order; if [ $RCQ_ATTEMPT = 2 ]; then {gate.script}; fi; sleep 1; exit $RCQ_ATTEMPT")
    db.running(job)
    freeze([frozen.process.pid])  # its supervisor and its job are not: the run comes to its end
    db.executor("b", cores=1)
    harness.wait_for(lambda: db.job(job)["attempt"] == 2 and db.job(job)["status"] == "running", "the second attempt runs")
    (run,) = db.sql("SELECT status, reason, exit_code FROM rcq.runs WHERE job_id = %s AND attempt = 1", job)
    assert run == {"status": "lost", "reason": "executor_lost", "exit_code": None}
    harness.wait_for(lambda: not list(children(frozen.process.pid)) or not any(map(alive, children(frozen.process.pid))), "the first attempt has ended")
    thaw([frozen.process.pid])
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.executors WHERE name = %s AND status = 'idle'", frozen.role), "the old executor is back")
    assert (db.job(job)["status"], db.job(job)["attempt"]) == ("running", 2)
    gate.open()
    row = db.ended(job)
    assert (row["status"], row["exit_code"], row["attempt"]) == ("failed", 2, 2)
    assert db.sql("SELECT status, reason, exit_code FROM rcq.runs WHERE job_id = %s AND attempt = 1", job) == [run]


def test_with_on_disconnect_kill_a_frozen_executor_has_no_job_alive_when_the_next_attempt_begins(db, soak):
    for round_ in range(3 if soak else 1):
        frozen = db.executor(f"a{round_}", cores=1)
        witness = Witness(db) if round_ == 0 else witness
        job = witness.submit("if [ $RCQ_ATTEMPT = 1 ]; then trap '' TERM; sleep 60 & sleep 60 & wait; wait; fi", on_disconnect="kill")
        harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
        freeze([frozen.process.pid])
        other = db.executor(f"b{round_}", cores=1)
        row = db.ended(job)
        assert (row["status"], row["attempt"], row["executor"]) == ("completed", 2, other.role)
        frozen.kill()
        other.kill()
    witness.check()
