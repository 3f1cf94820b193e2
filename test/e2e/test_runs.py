"""One job after the other through a real executor: what runs, what it sees, how it ends."""
import os
import time

import harness
import psycopg2
import pytest


def test_a_submitted_script_runs_and_its_result_is_in_sql(db):
    db.executor("a")
    job = db.submit("echo out; echo err >&2; echo data > $RCQ_OUTPUT_DIR/result.txt", name="first")
    row = db.ended(job)
    assert (row["status"], row["exit_code"], row["reason"]) == ("completed", 0, None)
    assert row["submitted_at"] <= row["started_at"] <= row["ended_at"]
    assert sorted(db.logs(job)) == ["err", "out"]
    assert db.logs(job, stream="stderr") == ["err"]
    assert row["output"]["files"] == [{"name": "result.txt", "bytes": 5}]
    with open(os.path.join(row["output"]["dir"], "result.txt"), encoding="utf-8") as result:
        assert result.read() == "data\n"
    (run,) = db.sql("SELECT * FROM rcq.runs WHERE job_id = %s", job)
    assert (run["status"], run["attempt"], run["executor"]) == ("completed", 1, row["executor"])


def test_peak_memory_and_cpu_time_are_recorded(db):
    db.executor("a")
    job = db.submit("exec python3 -c \"x = bytearray(60 << 20); n = sum(range(20000000))\"")
    row = db.ended(job)
    assert row["status"] == "completed"
    assert 0.05 < row["peak_memory_gb"] < 0.2
    assert 0.1 < row["cpu_seconds"] < 30


def test_a_job_that_was_submitted_before_any_executor_waits_and_then_runs(db):
    job = db.submit("true")
    harness.wait_for(lambda: db.job(job)["reason"] == "no_executor", "the reason is no_executor")
    db.executor("a")
    assert db.ended(job)["status"] == "completed"


def test_exit_codes_and_signals_are_reported(db):
    db.executor("a")
    failing, killed = db.submit("exit 3"), db.submit("kill -USR1 $$")
    row = db.ended(failing)
    assert (row["status"], row["reason"], row["exit_code"]) == ("failed", "exit_code", 3)
    row = db.ended(killed)
    assert (row["status"], row["reason"], row["signal"]) == ("failed", "signal", 10)


def test_a_job_is_killed_at_its_time_limit_with_all_it_started(db):
    db.executor("a")
    marker = os.path.join(db.server.dir, "timeout-survivor")
    job = db.submit(f"(trap '' TERM; sleep 4; touch {marker}) & sleep 60", time_limit="0.5 s")
    row = db.ended(job)
    assert (row["status"], row["reason"]) == ("failed", "timeout")
    assert (row["ended_at"] - row["started_at"]).total_seconds() < 4
    time.sleep(max(0, 5 - (row["ended_at"] - row["started_at"]).total_seconds()))
    assert not os.path.exists(marker), "a process of the job outlived its time limit"


def test_a_running_job_is_cancelled_on_its_host(db):
    db.executor("a")
    job = db.submit("echo started; sleep 60")
    db.running(job)
    assert db.one("SELECT rcq.cancel(%s)", job) == "cancelling"
    row = db.ended(job)
    assert row["status"] == "cancelled"
    assert db.sql("SELECT runs, cpu_cores_used FROM rcq.executors") == [{"runs": 0, "cpu_cores_used": 0}]


def test_a_job_above_its_memory_is_ended_as_oom(db):
    db.executor("a")
    job = db.submit("exec python3 -c \"x = bytearray(300 << 20); import time; time.sleep(30)\"", memory_gb=0.1)
    row = db.ended(job)
    assert (row["status"], row["reason"]) == ("failed", "oom")
    assert row["peak_memory_gb"] > 0.1


def test_a_failing_job_is_retried_as_often_as_asked(db):
    db.executor("a")
    job = db.submit("echo attempt $RCQ_ATTEMPT; test $RCQ_ATTEMPT -eq 3", max_retries=5)
    assert db.ended(job)["status"] == "completed"
    runs = db.sql("SELECT attempt, status, exit_code FROM rcq.runs WHERE job_id = %s ORDER BY attempt", job)
    assert [(r["attempt"], r["status"], r["exit_code"]) for r in runs] == [(1, "failed", 1), (2, "failed", 1), (3, "completed", 0)]
    assert db.logs(job) == ["attempt 3"]
    assert db.logs(job, attempt=1) == ["attempt 1"]
    given_up = db.submit("exit 7", max_retries=1)
    row = db.ended(given_up)
    assert (row["status"], row["attempt"], row["exit_code"]) == ("failed", 2, 7)


def test_what_cannot_be_started_says_why(db):
    db.executor("a")
    no_interpreter, no_workdir = db.submit("#!/no/such/interpreter\n"), db.submit("true", workdir="/no/such/directory")
    row = db.ended(no_interpreter)
    assert (row["status"], row["reason"]) == ("failed", "spawn_error")
    row = db.ended(no_workdir)
    assert (row["status"], row["reason"]) == ("failed", "spawn_error")
    assert "/no/such/directory" in row["message"]


def test_a_job_sees_its_own_environment_and_no_credentials(db):
    work = os.path.join(db.server.dir, "work")
    os.makedirs(work, exist_ok=True)
    os.chmod(work, 0o777)
    db.executor("a", "--workdir-allow", work, gpus=2)
    job = db.submit("pwd; env", workdir=work, cpu_cores=2, gpu_count=1, env='{"LAB": "north wing"}', name="look")
    assert db.ended(job)["status"] == "completed"
    lines = db.logs(job)
    assert lines[0] == work
    assert "LAB=north wing" in lines and f"RCQ_JOB_ID={job}" in lines and "RCQ_CPU_CORES=2" in lines
    assert any(line in ("CUDA_VISIBLE_DEVICES=0", "CUDA_VISIBLE_DEVICES=1") for line in lines)
    assert not [line for line in lines if line.startswith("PG") or "secret" in line]


def test_gpus_are_granted_to_one_job_at_a_time(db):
    db.executor("a", cores=8, gpus=2)
    jobs = [db.submit("echo $CUDA_VISIBLE_DEVICES; sleep 0.3", gpu_count=1, memory_gb=0.1) for _ in range(6)]
    rows = [db.ended(job) for job in jobs]
    by_gpu = {}
    for job, row in zip(jobs, rows):
        by_gpu.setdefault(db.logs(job)[0], []).append((row["started_at"], row["ended_at"]))
    assert set(by_gpu) == {"0", "1"}
    for spans in by_gpu.values():
        spans.sort()
        for (_, end), (start, _) in zip(spans, spans[1:]):
            assert end <= start


def test_output_is_kept_byte_for_byte_and_shown_as_text(db):
    db.executor("a")
    job = db.submit("printf 'a\\0b\\377c\\n'; printf 'no newline at the end'")
    assert db.ended(job)["status"] == "completed"
    assert bytes(db.one("SELECT rcq.logs_raw(%s)", job)) == b"a\0b\xffc\nno newline at the end"
    assert db.logs(job) == ["a\ufffdb\ufffdc", "no newline at the end"]


def test_logs_are_followed_while_the_job_runs(db):
    db.executor("a")
    job = db.submit("i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); sleep 0.1; done")
    seen, after = [], 0
    db.running(job)
    live = False
    while len(seen) < 20:
        running = db.job(job)["status"] == "running"
        for row in db.sql("SELECT seq, line FROM rcq.logs(%s, after => %s)", job, after):
            seen.append(row["line"])
            after = row["seq"]
            live = live or running
        assert running or len(seen) == 20
    assert seen == [f"line {i}" for i in range(20)]
    assert live, "lines appeared only after the end"


def test_long_output_keeps_head_and_tail_and_says_what_is_missing(db):
    db.executor("a")
    job = db.submit("head -c 30000000 /dev/zero | tr '\\0' x | fold -w 99; echo the last line")
    assert db.ended(job, 60)["status"] == "completed"
    raw = bytes(db.one("SELECT rcq.logs_raw(%s)", job))
    assert 8 << 20 <= len(raw) < 18 << 20
    assert raw.startswith(b"x" * 99 + b"\n") and raw.endswith(b"the last line\n")


def test_a_job_larger_than_every_executor_waits_and_says_never_fits(db):
    db.executor("a", gpus=1)
    job, small = db.submit("true", gpu_count=4), db.submit("true")
    assert db.ended(small)["status"] == "completed"
    harness.wait_for(lambda: db.job(job)["reason"] == "never_fits", "the reason is never_fits")
    assert db.job(job)["status"] == "pending"


def test_commits_wake_the_scheduler_and_the_executor(db):
    # with their timers out of the way, only the wake-ups can carry a job through
    db.sql("ALTER SYSTEM SET rcq.scheduler_interval = '60 s'")
    db.sql("SELECT pg_reload_conf()")
    try:
        db.sql("SELECT rcq.set('lease', '60 s')")
        db.executor("a", "--poll", "60")
        for _ in range(20):
            assert db.ended(db.submit("true"))["status"] == "completed"
        running = db.submit("sleep 60")
        db.running(running)
        db.sql("SELECT rcq.cancel(%s)", running)
        assert db.ended(running)["status"] == "cancelled"
    finally:
        db.sql("ALTER SYSTEM RESET rcq.scheduler_interval")
        db.sql("SELECT pg_reload_conf()")


def test_two_executors_are_never_over_committed(db):
    db.executor("a", cores=3, memory_gb=3)
    db.executor("b", cores=2, memory_gb=4)
    shapes = [(1, 1), (2, 1), (1, 3), (3, 2), (2, 2)]
    jobs = [db.submit("sleep 0.2", cpu_cores=shapes[i % 5][0], memory_gb=shapes[i % 5][1]) for i in range(60)]
    over = "SELECT name FROM rcq.executors WHERE cpu_cores_used > cpu_cores OR memory_gb_used > memory_gb"
    while db.one("SELECT count(*) FROM rcq.jobs WHERE status IN ('pending', 'assigned', 'running')"):
        assert db.sql(over) == []
    assert all(db.job(job)["status"] == "completed" for job in jobs)
    # and over the whole history: sweep the starts and ends of each host
    for host, cores in ((f"{db.name}_a", 3), (f"{db.name}_b", 2)):
        events = []
        for row in db.sql("SELECT started_at, ended_at, cpu_cores FROM rcq.jobs WHERE executor = %s", host):
            events += [(row["started_at"], 1, row["cpu_cores"]), (row["ended_at"], 0, -row["cpu_cores"])]
        used = 0
        for _, _, change in sorted(events):
            used += change
            assert used <= cores


def test_usage_of_real_runs_moves_the_fair_share(db):
    db.executor("a", cores=1)
    db.sql("CREATE ROLE e2e_share LOGIN")
    try:
        db.sql("SELECT rcq.add_group('share', quota_cpu_hours => 0.0001)")
        db.sql("SELECT rcq.add_user('e2e_share', 'share')")
        before = db.one("SELECT fair_share FROM rcq.group_usage WHERE group_name = 'share'")
        job = db.one("SELECT rcq.submit('sleep 1', estimated_hours => 0.0001)", user="e2e_share")
        db.ended(job)
        usage = db.sql("SELECT * FROM rcq.group_usage WHERE group_name = 'share'")[0]
        assert before == 2 and usage["fair_share"] < 1
        assert 0.0002 < float(usage["cpu_hours"]) < 0.001
        db.sql("SELECT rcq.drain_executor(%s)", f"{db.name}_a")
        later = db.one("SELECT rcq.submit('true')", user="e2e_share")
        harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.queue WHERE id = %s AND fair_share < 1", later), "the scheduler ranks by it")
    finally:
        db.sql("SELECT rcq.cancel(id) FROM rcq.jobs WHERE status = 'pending'")
        db.sql("DROP OWNED BY e2e_share")
        db.sql("DROP ROLE e2e_share")


def test_people_see_and_cancel_only_their_own_jobs(db):
    for role in ("e2e_ada", "e2e_bob"):
        db.sql(f"CREATE ROLE {role} LOGIN")
        db.sql("SELECT rcq.add_user(%s)", role)
    try:
        job = db.one("SELECT rcq.submit('echo private')", user="e2e_ada")
        assert db.sql("SELECT id FROM rcq.jobs", user="e2e_bob") == []
        with pytest.raises(psycopg2.Error) as refused:
            db.sql("SELECT rcq.cancel(%s)", job, user="e2e_bob")
        assert refused.value.pgcode == "RC002"
        assert db.one("SELECT rcq.cancel(%s)", job, user="e2e_ada") == "cancelled"
    finally:
        for role in ("e2e_ada", "e2e_bob"):
            db.sql(f"DROP ROLE {role}")


def test_the_first_line_of_every_run_is_there_while_it_runs(db):
    db.executor("a", cores=60)
    gate = db.gate()
    jobs = [db.submit(f"echo before; {gate.script}", memory_gb=0.05) for _ in range(60)]
    harness.wait_for(lambda: all(db.logs(job) == ["before"] for job in jobs), "the first lines are there")
    gate.open()
    for job in jobs:
        db.ended(job)
