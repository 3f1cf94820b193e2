"""An executor that dies, is replaced or hands over: its runs go on under their supervisors, and the next one takes them over."""
import os
import resource
import signal
import time

import harness
import pytest
from harness import book, lines


def descendants_of_jobs(executor):
    """Processes whose environment names a run of this executor."""
    runs = os.path.join(executor.state_dir, "runs") + "/"
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                if f"RCQ_RUN_DIR={runs}".encode() in environ.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def stat_of(pid):
    """State and parent of a process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            state, parent = stat.read().rsplit(")", 1)[1].split()[:2]
            return state, int(parent)
    except OSError:
        return "", 0


def supervisors(executor):
    """Pids of the supervisors, from the status files of the runs."""
    runs = os.path.join(executor.state_dir, "runs")
    found = {}
    for name in os.listdir(runs):
        try:
            with open(os.path.join(runs, name, "status"), "rb") as status:
                record = status.read()
        except OSError:
            continue
        found[int(name.split("-")[0])] = int.from_bytes(record[4:8], "little")
    return found


def test_runs_of_a_killed_executor_go_on_and_are_taken_over(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a", cores=8)
    starts, gate = book(db, "starts"), db.gate()
    running = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; echo before; {gate.script}; echo after; exit {i}", requeue=False) for i in range(3)]
    ending = [db.submit(f"echo $RCQ_JOB_ID >> {starts}; for i in 1 2 3; do echo line $i; sleep 0.1; done; echo data > $RCQ_OUTPUT_DIR/x; echo 7 > $RCQ_RESULT", requeue=False)
              for _ in range(3)]
    harness.wait_for(lambda: len(lines(starts)) == 6, "all have begun")
    harness.wait_for(lambda: all(db.logs(job) == ["before"] for job in running), "the first lines are there")
    executor.kill()
    harness.wait_for(lambda: len(descendants_of_jobs(executor)) <= 2 * len(running), "the short ones end without an executor")
    executor.start()
    gate.open()
    for code, job in enumerate(running):
        row = db.ended(job)
        assert (row["attempt"], row["exit_code"]) == (1, code)
        assert db.logs(job) == ["before", "after"]
    for job in ending:
        row = db.ended(job)
        assert (row["status"], row["attempt"], row["result"]) == ("completed", 1, 7)
        assert [file["name"] for file in row["output"]["files"]] == ["x"]
        assert db.logs(job) == ["line 1", "line 2", "line 3"]
    assert sorted(lines(starts)) == sorted(str(job) for job in running + ending), "something ran twice"


def test_logs_are_complete_however_often_the_executor_is_killed(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a", cores=4)
    script = "i=0; while [ $i -lt 3000 ]; do echo out $i; [ $((i % 7)) != 0 ] || echo err $i >&2; i=$((i+1)); [ $((i % 100)) != 0 ] || sleep 0.1; done"
    jobs = [db.submit(script, requeue=False) for _ in range(3)]
    harness.wait_for(lambda: len(descendants_of_jobs(executor)) >= 3, "all have begun")
    for _ in range(3):
        seen = db.one("SELECT COALESCE(sum(lines), 0) FROM rcq_private.log")
        harness.wait_for(lambda before=seen: db.one("SELECT COALESCE(sum(lines), 0) FROM rcq_private.log") > before
                         or all(db.job(job)["status"] == "completed" for job in jobs), "more lines come")
        executor.kill()
        executor.start()
        executor.wait_online()
    for job in jobs:
        assert db.ended(job, 60)["status"] == "completed"
        assert db.logs(job, stream="stdout") == [f"out {i}" for i in range(3000)]
        assert db.logs(job, stream="stderr") == [f"err {i}" for i in range(0, 3000, 7)]


def test_a_claimed_run_that_was_never_started_is_lost_and_runs_again(db):
    executor = db.executor("a", cores=4)
    starts = book(db, "starts")
    jobs = [db.submit(f"echo $RCQ_JOB_ID $RCQ_ATTEMPT >> {starts}; sleep 0.2") for _ in range(40)]
    harness.wait_for(lambda: lines(starts), "the first one runs")
    executor.kill()
    executor.start()
    for job in jobs:
        assert db.ended(job, 60)["status"] == "completed"
    entries = lines(starts)
    assert len(entries) == len(set(entries)), "an attempt ran twice"
    assert {int(entry.split()[0]) for entry in entries} == set(jobs)


def test_what_ended_while_no_executor_lived_is_dated_rightly(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    job = db.submit("sleep 0.3; date +%s.%N", requeue=False)
    harness.wait_for(lambda: descendants_of_jobs(executor), "it runs")
    executor.kill()
    harness.wait_for(lambda: not descendants_of_jobs(executor), "it ends")
    time.sleep(2)  # the time that must not count
    executor.start()
    row = db.ended(job)
    assert abs(row["ended_at"].timestamp() - float(db.logs(job)[0])) < 1


def test_an_executor_hands_over_to_its_successor(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    gate = db.gate()
    job = db.submit(f"echo one; {gate.script}; echo two", requeue=False)
    harness.wait_for(lambda: descendants_of_jobs(executor), "it runs")
    executor.signal(signal.SIGUSR1)
    assert executor.wait_exit() == 0
    assert descendants_of_jobs(executor), "the run goes on"
    executor.start()
    executor.wait_online()
    assert db.job(job)["status"] == "running"
    gate.open()
    row = db.ended(job)
    assert (row["status"], row["attempt"], db.logs(job)) == ("completed", 1, ["one", "two"])


def test_a_taken_over_run_keeps_its_gpus(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a", gpus=2)
    gate = db.gate()
    first = db.submit(f"echo $CUDA_VISIBLE_DEVICES; {gate.script}", gpu_count=1, requeue=False)
    harness.wait_for(lambda: descendants_of_jobs(executor), "it runs")
    executor.kill()
    executor.start()
    executor.wait_online()
    second = db.submit("echo $CUDA_VISIBLE_DEVICES", gpu_count=1)
    assert db.ended(second)["status"] == "completed"
    gate.open()
    assert db.ended(first)["status"] == "completed"
    assert sorted(db.logs(first) + db.logs(second)) == ["0", "1"]


def test_more_runs_are_taken_over_than_there_are_descriptors(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a", cores=40)
    starts, gate = book(db, "starts"), db.gate()
    jobs = [db.submit(f"echo >> {starts}; {gate.script}", requeue=False, memory_gb=0.01) for _ in range(40)]
    harness.wait_for(lambda: len(lines(starts)) == 40, "all run")
    executor.kill()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        executor.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    executor.wait_online()
    assert len(os.listdir(f"/proc/{executor.process.pid}/fd")) < 40
    for job in jobs[::2]:
        db.sql("SELECT rcq.cancel(%s)", job)
    for job in jobs[::2]:
        assert db.ended(job)["status"] == "cancelled"
    gate.open()
    for job in jobs[1::2]:
        assert db.ended(job)["status"] == "completed"


def test_a_taken_over_run_is_cancelled_with_all_it_started(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    job = db.submit("(setsid sleep 1000 &); sleep 1000")
    db.running(job)
    harness.wait_for(lambda: len(descendants_of_jobs(executor)) >= 3, "it has started all")
    executor.kill()
    executor.start()
    executor.wait_online()
    db.sql("SELECT rcq.cancel(%s)", job)
    assert db.ended(job)["status"] == "cancelled"
    assert not descendants_of_jobs(executor)


@pytest.mark.parametrize("executor_lives", [True, False])
def test_a_killed_supervisor_takes_its_run_along(db, executor_lives):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    starts = book(db, "starts")
    job = db.submit(f"echo $RCQ_ATTEMPT >> {starts}; if [ $RCQ_ATTEMPT = 1 ]; then (setsid sleep 1000 &); sleep 1000; fi")
    harness.wait_for(lambda: supervisors(executor).get(job, 0) > 0 and len(descendants_of_jobs(executor)) >= 3, "it runs")
    first = descendants_of_jobs(executor)
    if not executor_lives:
        executor.kill()
    os.kill(supervisors(executor)[job], signal.SIGKILL)
    if not executor_lives:
        executor.start()
    row = db.ended(job)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert not set(first) & set(descendants_of_jobs(executor)), "something of the first attempt lives"
    (lost, _) = db.sql("SELECT status FROM rcq.runs WHERE job_id = %s ORDER BY attempt", job)
    assert lost["status"] == "lost"
    assert lines(starts) == ["1", "2"]


def test_runs_that_were_given_away_meanwhile_are_killed_at_once(db):
    away = db.executor("a", cores=1)
    gate = db.gate()
    job = db.submit(f"if [ $RCQ_ATTEMPT = 1 ]; then sleep 1000; fi; {gate.script}")
    harness.wait_for(lambda: descendants_of_jobs(away), "it runs")
    away.kill()
    db.executor("b", cores=1)
    harness.wait_for(lambda: db.job(job)["attempt"] == 2 and db.job(job)["status"] == "running", "it runs elsewhere", 30)
    assert descendants_of_jobs(away), "nobody has told the first attempt"
    away.start()
    harness.wait_for(lambda: not descendants_of_jobs(away), "the first attempt is killed")
    gate.open()
    row = db.ended(job)
    assert (row["status"], row["attempt"], row["executor"]) == ("completed", 2, f"{db.name}_b")


def test_a_replaced_executor_kills_its_runs(db):
    first = db.executor("a")
    job = db.submit("if [ $RCQ_ATTEMPT = 1 ]; then sleep 1000; fi")
    harness.wait_for(lambda: descendants_of_jobs(first), "it runs")
    second = harness.Executor.__new__(harness.Executor)
    second.__dict__.update(first.__dict__)
    second.state_dir = first.state_dir + "-second"
    second.start()
    db.executors.append(second)
    assert first.wait_exit() == 3
    assert not descendants_of_jobs(first)
    row = db.ended(job)
    assert (row["status"], row["attempt"]) == ("completed", 2)


def test_a_run_that_must_not_go_on_without_contact_ends_without_an_executor_too(db):
    executor = db.executor("a")
    kill, go_on = db.submit("sleep 1000", on_disconnect="kill"), db.submit("sleep 1000")
    db.running(kill)
    db.running(go_on)
    harness.wait_for(lambda: len(descendants_of_jobs(executor)) >= 4, "both run")
    executor.kill()
    harness.wait_for(lambda: 0 < len(descendants_of_jobs(executor)) <= 2, "one of the two ends")


def test_a_daemon_of_a_job_ends_with_the_job(db):
    executor = db.executor("a")
    job = db.submit("(setsid sh -c 'sleep 1000 & sleep 1000' >/dev/null 2>&1 &); sleep 0.3; echo done")
    row = db.ended(job)
    assert (row["status"], db.logs(job)) == ("completed", ["done"])
    assert not descendants_of_jobs(executor)


def test_a_job_that_stops_its_supervisor_is_ended_nevertheless(db):
    executor = db.executor("a")
    # SIGTERM alone does not end it, and whenever its supervisor is woken it is stopped again
    job = db.submit("trap '' TERM; while :; do kill -STOP $PPID; done", requeue=False)
    harness.wait_for(lambda: any(stat_of(stat_of(pid)[1])[0] == "T" for pid in descendants_of_jobs(executor)), "it has stopped its supervisor")
    db.sql("SELECT rcq.cancel(%s)", job)
    assert db.ended(job, 30)["status"] == "cancelled"
    assert not executor.processes()


def test_a_taken_over_run_whose_supervisor_told_nothing_is_cancelled(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    job = db.submit("sleep 1000")
    harness.wait_for(lambda: supervisors(executor).get(job, 0) > 0 and len(descendants_of_jobs(executor)) >= 2, "it runs")
    pid = supervisors(executor)[job]
    os.kill(pid, signal.SIGSTOP)  # or it would write its status again
    (name,) = os.listdir(os.path.join(executor.state_dir, "runs"))
    os.remove(os.path.join(executor.state_dir, "runs", name, "status"))
    executor.kill()
    executor.start()
    executor.wait_online()
    db.sql("SELECT rcq.cancel(%s)", job)
    assert db.ended(job, 30)["status"] == "cancelled"
    assert not executor.processes()


def test_a_run_whose_launch_cannot_be_read_is_ended_by_the_next_executor(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    job = db.submit("if [ $RCQ_ATTEMPT = 1 ]; then sleep 1000; fi")
    harness.wait_for(lambda: supervisors(executor).get(job, 0) > 0 and len(descendants_of_jobs(executor)) >= 2, "it runs")
    executor.kill()
    (name,) = os.listdir(os.path.join(executor.state_dir, "runs"))
    with open(os.path.join(executor.state_dir, "runs", name, "launch"), "w", encoding="utf-8") as launch:
        launch.write("nonsense")
    executor.start()
    row = db.ended(job, 30)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert not executor.processes()


def test_what_is_told_of_outputs_and_log_leads_there_before_and_after_a_restart(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    job = db.submit("echo data > $RCQ_OUTPUT_DIR/x; yes 0123456789 | head -c 20000000", requeue=False)
    row = db.ended(job, 60)
    (marker,) = [line for line in db.logs(job) if line.startswith("[rcq: ")]
    log = marker.rstrip("]").split("full log: ")[1].split(":", 1)[1]
    output = os.path.join(row["output"]["dir"], "x")
    executor.kill()
    executor.start()
    executor.wait_online()
    assert os.path.getsize(log) == 20000000
    assert lines(output) == ["data"]
    assert os.listdir(os.path.join(executor.state_dir, "runs")) == []
