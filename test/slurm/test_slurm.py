"""Runs handed to a real Slurm cluster, and what happens to them when parts of it die."""
import os
import signal
import subprocess
import time

import harness
import pytest

once = 'echo "$RCQ_JOB_ID-$RCQ_ATTEMPT" >> {book};'


def starts(book, job):
    """The attempts of a job that were started, by what they wrote themselves."""
    return [line for line in harness.lines(book) if line.startswith(f"{job}-")]


def signalled(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def test_a_partition_is_one_executor_with_the_capacity_of_its_nodes(db, slurm):
    slurm()
    row = db.sql("SELECT * FROM rcq.executors")[0]
    assert (row["cpu_cores"], row["memory_gb"], row["gpu_count"]) == (8, 8, 0)


def test_a_run_in_slurm_has_logs_a_result_and_outputs(db, slurm, cluster):
    slurm()
    job = db.submit("echo out; echo err >&2; echo kept > $RCQ_OUTPUT_DIR/a.txt; echo $RCQ_CPU_CORES $(pwd -P) ${SLURM_JOB_ID-none}",
                    cpu_cores=2, memory_gb=0.5)
    row = db.ended(job, 60)
    assert (row["status"], row["exit_code"]) == ("completed", 0)
    lines = db.logs(job)
    assert lines[:2] == ["out", "err"]
    assert lines[2].startswith("2 " + cluster.shared)
    assert row["output"]["files"] == [{"name": "a.txt", "bytes": 5}]
    with open(os.path.join(row["output"]["dir"], "a.txt"), encoding="utf-8") as file:
        assert file.read() == "kept\n"


def test_a_job_that_fails_in_slurm_fails_with_its_exit_code(db, slurm):
    slurm()
    row = db.ended(db.submit("exit 7"), 60)
    assert (row["status"], row["reason"], row["exit_code"]) == ("failed", "exit_code", 7)


def test_log_lines_come_while_the_job_runs(db, slurm):
    slurm()
    gate = db.gate()
    job = db.submit(f"echo early; {gate.script}; echo late")
    harness.wait_for(lambda: db.logs(job) == ["early"], "the first line", 60)
    gate.open()
    db.ended(job, 60)
    assert db.logs(job) == ["early", "late"]


def test_a_cancel_gives_a_running_job_its_grace_time(db, slurm, cluster):
    slurm("slurm", "--kill-grace", "20")
    job = db.submit("trap 'echo ending; sleep 3; echo ended; exit 0' TERM; echo up; while :; do sleep 0.1; done")
    harness.wait_for(lambda: db.logs(job) == ["up"], "it is up", 60)
    db.sql("SELECT rcq.cancel(%s)", job)
    assert db.ended(job, 60)["status"] == "cancelled"
    assert [line for line in db.logs(job) if line != "Terminated"] == ["up", "ending", "ended"]
    harness.wait_for(lambda: cluster.states() == ["COMPLETED"], "Slurm has nothing left")


def test_a_cancel_before_slurm_starts_a_job_is_immediate_and_leaves_nothing_in_slurm(db, slurm, cluster):
    slurm()
    book = harness.book(db, "book")
    cluster.drain()
    job = db.submit(once.format(book=book))
    harness.wait_for(lambda: cluster.states() == ["PENDING"], "it waits in Slurm", 60)
    db.sql("SELECT rcq.cancel(%s)", job)
    assert db.ended(job, 60)["status"] == "cancelled"
    harness.wait_for(lambda: cluster.states() == ["CANCELLED"], "removed from Slurm", 60)
    assert starts(book, job) == []


def test_the_time_limit_is_the_supervisors(db, slurm):
    slurm()
    row = db.ended(db.submit("sleep 100", time_limit="1 s"), 60)
    assert (row["status"], row["reason"]) == ("failed", "timeout")
    assert "time limit of 1 s reached" in row["message"]


@pytest.mark.parametrize("cluster", [{"MAX_TIME": "1"}], indirect=True)
def test_the_limit_of_the_partition_is_a_timeout_too(db, slurm):
    slurm()
    row = db.ended(db.submit("sleep 1000"), 240)
    assert (row["status"], row["reason"]) == ("failed", "timeout")
    assert "TIMEOUT" in row["message"]


def test_what_no_node_can_run_is_a_spawn_error_with_slurms_reason(db, slurm, cluster):
    slurm()
    row = db.ended(db.submit("true", cpu_cores=6), 60)
    assert (row["status"], row["reason"]) == ("failed", "spawn_error")
    assert "Requested node configuration is not available" in row["message"]
    assert set(cluster.states()) <= {"FAILED"}


@pytest.mark.parametrize("cluster", [{"MAX_TIME": "1"}], indirect=True)
def test_what_slurm_takes_but_never_starts_is_a_spawn_error_and_removed_there(db, slurm, cluster):
    slurm()
    row = db.ended(db.submit("true", time_limit="1 h"), 60)
    assert (row["status"], row["reason"]) == ("failed", "spawn_error")
    assert "PartitionTimeLimit" in row["message"]
    harness.wait_for(lambda: cluster.states() == ["CANCELLED"], "removed from Slurm", 60)


def test_an_option_that_sbatch_refuses_is_a_spawn_error_with_its_message(db, slurm):
    slurm("slurm", "--slurm-option", "--qos=nosuch", "--slurm-option", "--licenses=nosuch:1")
    row = db.ended(db.submit("true"), 60)
    assert (row["status"], row["reason"]) == ("failed", "spawn_error")
    assert "sbatch: " in row["message"] and "icense" in row["message"]


def test_a_job_that_must_end_without_contact_is_refused(db, slurm):
    slurm()
    row = db.ended(db.submit("true", on_disconnect="kill"), 60)
    assert (row["status"], row["reason"]) == ("failed", "spawn_error")
    assert "on_disconnect" in row["message"]


def test_a_supervisor_that_is_missing_on_the_nodes_is_a_spawn_error(db, slurm, cluster):
    slurm()
    os.unlink(cluster.supervisor)
    row = db.ended(db.submit("true"), 60)
    assert (row["status"], row["reason"]) == ("failed", "spawn_error")
    assert "rcq-supervisor: not found" in row["message"]


@pytest.mark.parametrize("cluster", [{"SLURMD_TIMEOUT": "5"}], indirect=True)
def test_a_run_of_a_node_that_died_runs_again_elsewhere(db, slurm, cluster):
    slurm()
    book = harness.book(db, "book")
    gate = db.gate()
    job = db.submit(f"{once.format(book=book)} [ $RCQ_ATTEMPT = 2 ] || {gate.script}")
    harness.wait_for(lambda: starts(book, job), "it runs", 60)
    node = cluster.call("squeue", "--noheader", "--format=%N").strip()
    died = cluster.processes_of("slurmd", f"-N\0{node}\0") + cluster.processes_of("slurmstepd")
    died += cluster.supervisors() + cluster.processes_of(f"RCQ_JOB_ID={job}\0")
    signalled(died)
    row = db.ended(job, 240)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert starts(book, job) == [f"{job}-1", f"{job}-2"]


def test_a_slurmctld_that_dies_only_delays_what_runs(db, slurm, cluster):
    slurm()
    book = harness.book(db, "book")
    gate = db.gate()
    job = db.submit(f"{once.format(book=book)} {gate.script}; echo done", requeue=False)
    harness.wait_for(lambda: starts(book, job), "it runs", 60)
    cluster.kill_slurmctld()
    gate.open()
    row = db.ended(job, 60)  # by its directory, without Slurm
    assert (row["status"], db.logs(job)) == ("completed", ["done"])
    cluster.start_slurmctld()
    assert starts(book, job) == [f"{job}-1"]


def test_jobs_that_are_submitted_while_slurmctld_dies_run_and_no_attempt_begins_twice(db, slurm, cluster):
    slurm()
    book = harness.book(db, "book")
    jobs = [db.submit(f"{once.format(book=book)} sleep 0.3") for _ in range(24)]
    for _ in range(2):
        begun = len(harness.lines(book))
        harness.wait_for(lambda begun=begun: cluster.resume() or len(harness.lines(book)) > begun, "some have begun", 120)
        cluster.kill_slurmctld()
        cluster.start_slurmctld()
    for job in jobs:  # slurmctld drains nodes on which a job was running that it had forgotten
        harness.wait_for(lambda job=job: cluster.resume() or db.job(job)["status"] == "completed", f"job {job}", 240)
    lines = harness.lines(book)
    assert len(lines) == len(set(lines)), "an attempt began twice"
    assert {int(line.split("-")[0]) for line in lines} == set(jobs)


def test_a_killed_executor_leaves_its_runs_to_the_next_one(db, slurm, cluster):
    executor = slurm()
    book = harness.book(db, "book")
    gate, later = db.gate(), db.gate()
    ends_alone = db.submit(f"{once.format(book=book)} {gate.script}; echo alone")
    goes_on = db.submit(f"{once.format(book=book)} echo before; {later.script}; echo after")
    for job in (ends_alone, goes_on):
        harness.wait_for(lambda job=job: starts(book, job), "it runs", 60)
    cluster.drain()
    waits = db.submit(f"{once.format(book=book)} echo waited")
    harness.wait_for(lambda: "PENDING" in cluster.states(), "one waits in Slurm", 60)
    db.set(lost_after="300 s")
    executor.kill()
    gate.open()
    harness.wait_for(lambda: "COMPLETED" in cluster.states(), "one has ended meanwhile", 60)
    executor.start()
    executor.wait_online()
    assert db.ended(ends_alone, 60)["status"] == "completed"
    later.open()
    cluster.resume()
    for job in (goes_on, waits):
        assert db.ended(job, 60)["status"] == "completed"
    assert [db.logs(job) for job in (ends_alone, goes_on, waits)] == [["alone"], ["before", "after"], ["waited"]]
    assert sorted(harness.lines(book)) == sorted(f"{job}-1" for job in (ends_alone, goes_on, waits))
    assert len(cluster.jobs()) == 3, "nothing was submitted twice"


def test_an_executor_killed_between_sbatch_and_its_answer_finds_the_job_by_its_name(db, slurm, cluster):
    wrapped = os.path.join(cluster.dir, "bin")
    os.mkdir(wrapped)
    for program in ("squeue", "scancel", "sinfo"):
        os.symlink(f"/usr/bin/{program}", os.path.join(wrapped, program))
    with open(os.path.join(wrapped, "sbatch"), "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\n/usr/bin/sbatch "$@" > "$0.answer"\nexec sleep 1000\n')
    os.chmod(os.path.join(wrapped, "sbatch"), 0o755)
    if os.geteuid() == 0:
        os.chown(wrapped, harness.run_as()["user"], -1)
    executor = slurm("slurm", "--slurm-bin-dir", wrapped)
    book = harness.book(db, "book")
    gate = db.gate()
    db.set(lost_after="300 s")
    job = db.submit(f"{once.format(book=book)} {gate.script}; echo done")
    harness.wait_for(lambda: starts(book, job), "it runs, and sbatch has not answered", 60)
    executor.kill()
    executor.start()
    executor.wait_online()
    gate.open()
    assert db.ended(job, 60)["status"] == "completed"
    assert starts(book, job) == [f"{job}-1"]
    assert len(cluster.jobs()) == 1, "it was not submitted twice"


def test_a_number_that_slurm_issues_again_is_never_taken_for_ours(db, slurm, cluster):
    slurm()
    book = harness.book(db, "book")
    cluster.drain()
    kept = db.submit(f"{once.format(book=book)} echo ran")
    cancelled = db.submit(once.format(book=book))
    harness.wait_for(lambda: cluster.states() == ["PENDING", "PENDING"], "both wait in Slurm", 60)
    cluster.kill_slurmctld()
    cluster.call("slurmctld", "-c", "-f", cluster.environment["SLURM_CONF"])  # forgets all jobs
    harness.wait_for(cluster.reachable, "slurmctld answers", 60)
    script = os.path.join(cluster.dir, "foreign.sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nsleep 1000\n")
    foreign = {cluster.call("sbatch", "--parsable", "--hold", "--job-name=foreign", script).strip() for _ in range(2)}
    db.sql("SELECT rcq.cancel(%s)", cancelled)
    assert db.ended(cancelled, 60)["status"] == "cancelled"
    harness.wait_for(lambda: any(name.startswith("rcq-") for _, name, _ in cluster.jobs()), "the other one was submitted again", 60)
    cluster.resume()
    assert db.ended(kept, 60)["status"] == "completed"
    assert starts(book, kept) == [f"{kept}-1"]
    assert {number for number, name, state in cluster.jobs() if name == "foreign" and state == "PENDING"} == foreign == {"1", "2"}


def test_a_run_that_slurm_forgot_is_followed_to_its_end(db, slurm, cluster):
    slurm()
    book = harness.book(db, "book")
    gate = db.gate()
    job = db.submit(f"{once.format(book=book)} {gate.script}; echo done", requeue=False)
    harness.wait_for(lambda: starts(book, job), "it runs", 60)
    for daemon in cluster.processes_of("slurmd", "-N\0"):
        signalled([daemon])
    cluster.kill_slurmctld()
    cluster.call("slurmctld", "-c", "-f", cluster.environment["SLURM_CONF"])
    harness.wait_for(cluster.reachable, "slurmctld answers", 60)
    end = time.monotonic() + 8  # longer than it takes to call a silent one lost, were it not for the signs of life
    harness.wait_for(lambda: time.monotonic() > end or db.job(job)["status"] != "running", "a while", 60)
    gate.open()
    row = db.ended(job, 60)
    assert (row["status"], db.logs(job)) == ("completed", ["done"])


def test_check_prints_the_partition_and_names_what_is_missing(server, cluster):
    def check(*options):
        return subprocess.run([server.executor_binary, "--check", "--backend", "slurm", "--supervisor", cluster.supervisor,
                               "--state-dir", cluster.shared, "--dsn", "host=/nowhere", *options],
                              env=cluster.environment, capture_output=True, text=True, check=False, **harness.run_as())
    done = check()
    assert '"cpu_cores": 8' in done.stdout and '"partition": "main"' in done.stdout
    done = check("--slurm-partition", "nosuch")
    assert done.returncode == 1 and 'no partition "nosuch"' in done.stderr
    done = check("--slurm-bin-dir", "/nowhere")
    assert done.returncode == 1 and "/nowhere/sinfo" in done.stderr
    assert check("--cpu-cores", "3").stdout.count('"cpu_cores": 3') == 1
