"""What burns down, is cut off or restarted: nothing is lost, nothing runs twice to its end."""
import signal
import time

import harness
import proxy
import pytest
from harness import book, lines


def test_jobs_of_a_killed_executor_run_again_elsewhere(db):
    doomed = db.executor("a", cores=2)
    starts = book(db, "starts")
    jobs = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; if [ $RCQ_ATTEMPT = 1 ]; then sleep 60; fi") for _ in range(2)]
    for job in jobs:
        db.running(job)
    db.executor("b", cores=2)
    doomed.burn()
    killed_at = time.monotonic()
    for job in jobs:
        row = db.ended(job, 30)
        assert (row["status"], row["attempt"], row["executor"]) == ("completed", 2, f"{db.name}_b")
    assert time.monotonic() - killed_at < 3 + 5, "lost_after is 3 s"
    lost = db.sql("SELECT * FROM rcq.runs WHERE status = 'lost' ORDER BY job_id")
    assert [run["job_id"] for run in lost] == jobs
    assert sorted(lines(starts)) == sorted(str(job) for job in jobs * 2)
    assert db.one("SELECT cpu_hours FROM rcq.group_usage WHERE group_name = 'default'") < 0.001, "lost runs are not charged"
    offline = db.sql("SELECT status FROM rcq.executors WHERE name = %s", doomed.role)
    assert offline == [{"status": "offline"}]


def test_a_killed_executor_that_comes_back_loses_its_runs_at_once_and_leaves_no_process(db):
    executor = db.executor("a")
    alive = book(db, "alive")
    job = db.submit(f"if [ $RCQ_ATTEMPT = 1 ]; then while :; do echo 1 >> {alive}; sleep 0.05; done; fi")
    db.running(job)
    harness.wait_for(lambda: lines(alive), "the job writes")
    executor.burn()
    executor.start()
    assert db.ended(job)["attempt"] == 2
    count = len(lines(alive))
    time.sleep(0.5)
    assert len(lines(alive)) == count, "the first attempt still runs"


def test_a_job_that_must_not_be_requeued_fails_when_its_executor_is_lost(db):
    executor = db.executor("a")
    job = db.submit("sleep 60", requeue=False)
    db.running(job)
    executor.burn()
    row = db.ended(job)
    assert (row["status"], row["reason"], row["attempt"]) == ("failed", "executor_lost", 1)


def test_a_frozen_executor_learns_that_its_runs_were_given_away(db):
    frozen = db.executor("a", cores=1)
    ends = book(db, "ends")
    job = db.submit(f"sleep 6; echo $RCQ_ATTEMPT >> {ends}")
    db.running(job)
    frozen.signal(signal.SIGSTOP)
    db.executor("b", cores=1)
    harness.wait_for(lambda: db.job(job)["attempt"] == 2 and db.job(job)["status"] == "running", "the job runs again")
    frozen.signal(signal.SIGCONT)
    row = db.ended(job, 30)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert lines(ends) == ["2"], "the stale run came to its end"


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_restart_while_jobs_run_loses_and_doubles_nothing(db, mode):
    db.executor("a", cores=4)
    starts, ends = book(db, "starts"), book(db, "ends")
    jobs = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; sleep {1 + i % 3}; echo $RCQ_JOB_ID >> {ends}") for i in range(8)]
    db.running(jobs[0])
    db.server.restart(mode)
    for job in jobs:
        row = db.ended(job, 40)
        assert (row["status"], row["attempt"]) == ("completed", 1)
    assert sorted(lines(starts)) == sorted(lines(ends)) == sorted(str(job) for job in jobs)


def test_downtime_of_the_server_expires_no_lease(db):
    db.executor("a")
    job = db.submit("sleep 6")
    db.running(job)
    db.server.stop()
    time.sleep(4)  # longer than lost_after
    db.server.start()
    row = db.ended(job, 30)
    assert (row["status"], row["attempt"]) == ("completed", 1)


def test_an_answer_lost_between_commit_and_reply_loses_and_doubles_nothing(db):
    for setting in ("claim_timeout", "lost_after"):  # reconnecting takes its time, and is not the matter here
        db.sql("SELECT rcq.set(%s, '60 s')", setting)
    between = proxy.CuttingProxy(db.server.port)
    db.executor("a", cores=2, port=between.port)
    starts = book(db, "starts")
    jobs = []
    for round_ in range(6):
        if round_ % 2 == 0:  # the sync that claims
            between.arm(b"executor_sync")
        batch = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; sleep 0.5") for _ in range(2)]
        if round_ % 2 == 1:  # the sync that reports
            for job in batch:
                db.running(job)
            between.arm(b"exit_code")
        harness.wait_for(lambda: between.cuts == round_ + 1, "the connection was cut")
        for job in batch:
            row = db.ended(job, 40)
            assert (row["status"], row["attempt"]) == ("completed", 1)
        jobs += batch
    assert sorted(lines(starts)) == sorted(str(job) for job in jobs)
    between.close()


def test_terminated_backends_of_an_executor_and_of_the_scheduler_are_survived(db):
    db.executor("a", cores=4)
    starts = book(db, "starts")
    jobs = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; sleep 0.3") for _ in range(30)]
    for _ in range(5):
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE (usename LIKE %s OR backend_type = 'rcq scheduler') AND datname = current_database()", f"{db.name}%")
        time.sleep(0.3)
    for job in jobs:
        row = db.ended(job, 40)
        assert (row["status"], row["attempt"]) == ("completed", 1)
    assert sorted(lines(starts)) == sorted(str(job) for job in jobs)


def test_sigterm_drains_the_executor(db):
    executor = db.executor("a")
    job = db.submit("sleep 1; echo finished")
    db.running(job)
    executor.signal(signal.SIGTERM)
    harness.wait_for(lambda: db.one("SELECT status FROM rcq.executors") == "draining", "it drains")
    later = db.submit("true")
    assert executor.wait_exit() == 0
    assert db.job(job)["status"] == "completed" and db.logs(job) == ["finished"]
    assert db.job(later)["status"] == "pending"
    assert db.one("SELECT status FROM rcq.executors") == "offline"
    executor.start()
    assert db.ended(later)["status"] == "completed"


def test_a_second_process_of_one_executor_replaces_the_first(db):
    first = db.executor("a")
    job = db.submit("if [ $RCQ_ATTEMPT = 1 ]; then sleep 60; fi")
    db.running(job)
    second = harness.Executor.__new__(harness.Executor)
    second.__dict__.update(first.__dict__)
    second.state_dir = first.state_dir + "-second"
    second.start()
    db.executors.append(second)
    assert first.wait_exit() == 3
    row = db.ended(job)
    assert (row["status"], row["attempt"]) == ("completed", 2)


def test_an_open_cancel_holds_up_nobody_else(db):
    db.executor("a", cores=2)
    held = db.submit("true", hold=True)
    open_ = db.server.connect(db.name)
    open_.autocommit = False
    open_.cursor().execute("SELECT rcq.cancel(%s)", (held,))
    jobs = [db.submit("true") for _ in range(10)]
    for job in jobs:
        assert db.ended(job)["status"] == "completed"
    open_.rollback()
    open_.close()
    db.sql("SELECT rcq.release(%s)", held)
    assert db.ended(held)["status"] == "completed"


def test_dropping_the_extension_stops_the_executor_and_the_scheduler(db):
    executor = db.executor("a")
    db.drop_extension("CASCADE")
    harness.wait_for(lambda: not db.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database()"), "the scheduler is gone")
    assert executor.process.poll() is None, "an executor waits for its database to come back"


def test_an_executor_registers_with_a_queue_that_takes_the_place_of_its_own(db):
    executor = db.executor("a")
    old = db.submit("sleep 60")
    db.running(old)
    left = executor.processes()
    db.drop_extension("CASCADE; CREATE EXTENSION rcq; SELECT rcq.create_executor_login('%s')" % executor.role)
    assert db.ended(db.submit("true"))["status"] == "completed"
    assert executor.process.poll() is None, "it did not take the new queue for another process of its name"
    harness.wait_for(lambda: not set(left) & set(executor.processes()), "the run of the queue that is gone is ended")
