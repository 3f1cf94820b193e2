"""kill -9 of executors and supervisors, and executors that are replaced. Under load: faults/executors.py"""
import os
import signal
import tempfile

import harness
from witness import Witness, alive, children, tree


def test_jobs_go_on_while_their_executor_is_dead_and_are_known_to_the_next(db):
    executor = db.executor("a")
    db.set(lost_after="60 s")
    witness = Witness(db)
    gate = db.gate()
    jobs = [witness.submit(f"echo before; {gate.script}; echo after") for _ in range(3)]
    for job in jobs:
        harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
    executor.kill()
    gate.open()
    harness.wait_for(lambda: all(("end", 1) in witness.entries()[job] for job in jobs), "they end without an executor")
    executor.start()
    witness.check(most_attempts=1)
    assert all(db.logs(job) == ["before", "after"] for job in jobs)


def test_a_run_whose_supervisor_is_killed_is_ended_altogether_and_runs_again(db):
    executor = db.executor("a")
    witness = Witness(db)
    job = witness.submit("if [ $RCQ_ATTEMPT = 1 ]; then setsid sleep 60 & sleep 60; fi")
    harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
    (supervisor,) = children(executor.process.pid)
    processes = [pid for pid in tree(supervisor) if pid != supervisor]
    os.kill(supervisor, signal.SIGKILL)
    row = db.ended(job)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    harness.wait_for(lambda: not any(map(alive, processes)), "nothing of the first attempt is left")
    witness.check()


def test_after_executor_and_supervisors_are_killed_together_no_two_attempts_live(db, soak):
    executor = db.executor("a")
    witness = Witness(db)
    for _ in range(10 if soak else 3):
        jobs = [witness.submit("if [ $RCQ_ATTEMPT = 1 ]; then sleep 60 & wait; fi") for _ in range(3)]
        for job in jobs:
            harness.wait_for(lambda: witness.begun(job, 1), "it has begun")
        supervisors = list(children(executor.process.pid))
        assert len(supervisors) == len(jobs)
        executor.process.kill()
        for pid in supervisors:
            os.kill(pid, signal.SIGKILL)
        executor.process.wait()
        executor.start()
        for job in jobs:
            assert db.ended(job)["attempt"] == 2
    witness.check()


def test_when_another_process_takes_an_executors_place_no_two_attempts_of_a_job_live_that_forbids_it(db):
    db.set(lost_after="8 s")
    executor = db.executor("a", cores=2)
    witness = Witness(db)
    work = "if [ $RCQ_ATTEMPT = 1 ]; then trap '' TERM; sleep 60 & wait; wait; fi"
    strict = witness.submit(work, on_disconnect="kill")
    harness.wait_for(lambda: witness.begun(strict, 1), "it has begun")
    first = executor.process
    elsewhere = tempfile.mkdtemp(prefix="elsewhere-", dir=db.server.dir)
    os.chmod(elsewhere, 0o777)
    executor.state_dir = os.path.join(elsewhere, executor.role)  # of the first one's runs it knows nothing
    executor.start()
    db.waiting(strict, "retry")
    (why,) = db.sql("SELECT message FROM rcq.explain(%s) WHERE reason = 'retry'", strict)
    assert why["message"].startswith("Its last run was lost, and may go on where it was until ")
    assert db.ended(strict)["attempt"] == 2
    assert first.wait(30) == 3, "the first one has been replaced, and says so"
    witness.check()
