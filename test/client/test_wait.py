"""rcq wait: on a terminal and without one, its exit codes, and everything that may come between."""
import json
import os
import signal
import subprocess
import time

import command
import harness
import pytest
from terminal import Terminal


def wait(db, *arguments, user="postgres", timeout=60, **environment):
    return subprocess.run([command.PROGRAM, "wait", *map(str, arguments)], env=command.environment(db, user, **environment), capture_output=True,
                          text=True, check=False, timeout=timeout, stdin=subprocess.DEVNULL)


def on_terminal(db, *arguments, **options):
    return Terminal([command.PROGRAM, "wait", *map(str, arguments)], command.environment(db), **options)


def test_the_exit_code_is_that_of_the_job_and_nothing_is_said_without_a_terminal(db):
    db.executor("a")
    jobs = [db.submit(script) for script in ("true", "exit 7", "kill -TERM $$", "sleep 60")]
    db.running(jobs[3])
    db.sql("SELECT rcq.cancel(%s)", jobs[3])
    answers = [wait(db, job) for job in jobs]
    assert [done.returncode for done in answers] == [0, 7, 128 + 15, 5]
    assert [done.stdout + done.stderr for done in answers] == [""] * 4


def test_of_several_jobs_the_first_bad_one_in_their_order_decides(db):
    db.executor("a")
    good, seven, three = db.submit("true"), db.submit("sleep 1; exit 7"), db.submit("exit 3")
    assert wait(db, good, seven, three).returncode == 7
    assert wait(db, three, seven, good).returncode == 3
    assert wait(db, good, good).returncode == 0


def test_a_job_that_nobody_knows_or_that_belongs_to_somebody_else_is_exit_code_4(db):
    job, ann = db.submit("true"), db.user("ann")
    for user, asked in (("postgres", [999]), (ann, [job]), ("postgres", [job, 999])):
        done = wait(db, *asked, user=user)
        assert (done.returncode, done.stdout) == (4, ""), done.stderr
        assert f"there is no job {asked[-1]}" in done.stderr and "hint: " in done.stderr


@pytest.mark.parametrize("asked", [["x"], ["0"], ["-1"], [], ["1", "--timeout", "soon"], ["1", "--reconnect", "-3"], ["1", "--timout", "3"]])
def test_what_is_no_job_or_no_duration_is_wrong_use(db, asked):
    done = wait(db, *asked)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rcq: ") and "Traceback" not in done.stderr


def test_the_end_is_seen_within_100_ms(db):
    executor = db.executor("a")
    late = []
    for _ in range(5):
        gate = db.gate()
        job = db.submit(gate.script)
        db.running(job)
        process = subprocess.Popen([command.PROGRAM, "wait", str(job)], env=command.environment(db))
        time.sleep(0.3)
        gate.open()
        ended = harness.wait_for(lambda: db.sql("SELECT extract(epoch FROM ended_at)::float8 AS at FROM rcq.jobs WHERE id = %s AND ended_at IS NOT NULL", job), "the end")
        assert process.wait(20) == 0
        late.append(time.time() - ended[0]["at"])
    assert executor.process.poll() is None
    assert sorted(late)[2] < 0.1 + 0.1 * os.getloadavg()[0], f"ended so long after the end: {late}"


def test_a_timeout_ends_the_waiting_and_not_the_job(db):
    db.executor("a")
    job = db.submit("sleep 60")
    began = time.monotonic()
    done = wait(db, job, "--timeout", "1s")
    assert (done.returncode, done.stdout) == (124, "") and 0.9 < time.monotonic() - began < 10
    assert f"not ended within 1s; job {job} goes on" in done.stderr
    assert db.job(job)["status"] == "running"


def test_verbose_tells_each_change_and_json_the_end(db):
    gate = db.gate()
    job = db.submit(gate.script + "; exit 3")
    process = subprocess.Popen([command.PROGRAM, "wait", str(job), "--verbose", "--json"], env=command.environment(db), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith(f"rcq: job {job} pending")
    executor = db.executor("a")
    db.running(job)
    while "running" not in (line := process.stderr.readline()):
        assert line.startswith(f"rcq: job {job} "), line
    assert line == f"rcq: job {job} running on {executor.role}\n"
    gate.open()
    out, error = process.communicate(timeout=20)
    assert error.startswith(f"rcq: job {job} failed with exit code 3 after ")
    assert process.returncode == 3
    (row,) = json.loads(out)
    assert (row["id"], row["status"], row["exit_code"], row["attempt"]) == (job, "failed", 3, 1)


def test_a_terminal_shows_one_line_with_a_bar_that_becomes_how_it_ended(db):
    gate = db.gate()
    job = db.submit(f"rcq-job progress 40 'epoch 4'; {gate.script}; exit 2", name="train")
    with on_terminal(db, job, columns=140) as terminal:
        terminal.wait_for(rf"job {job} pending")
        executor = db.executor("a")
        terminal.wait_for(rf"job {job} running on {executor.role}.*\[#{{8}}-{{12}}\]  40 % \d+s, epoch 4")
        assert "\n" not in terminal.text
        gate.open()
        assert terminal.wait_exit() == 2
        assert terminal.lines()[0].startswith(f"job {job} failed with exit code 2 after ") and terminal.lines()[1:] == [""]


def test_pending_says_why_and_when_it_is_expected_to_start(db):
    db.executor("a", cores=1)
    first = db.submit("sleep 60", estimated_hours=2)
    db.running(first)
    job = db.submit("true", cpu_cores=1)
    db.waiting(job, "resources")
    harness.wait_for(lambda: db.one("SELECT expected_start IS NOT NULL FROM rcq.queue WHERE id = %s", job), "a forecast")
    with on_terminal(db, job) as terminal:
        terminal.wait_for(rf"job {job} pending \(resources\).* expected to start in 1h5\dm, waited \d+s")


def test_several_jobs_share_one_line(db):
    gate = db.gate()
    db.executor("a")
    jobs = [db.submit("true"), db.submit("exit 9"), db.submit(gate.script)]
    with on_terminal(db, *jobs) as terminal:
        terminal.wait_for(r"2 of 3 jobs ended.*\[#{13}-{7}\]  66 % 1 not well, 1 running, 0 waiting")
        gate.open()
        assert terminal.wait_exit() == 9
        assert [line.split(" after ")[0] for line in terminal.lines()] == [
            f"job {jobs[0]} completed", f"job {jobs[1]} failed with exit code 9", f"job {jobs[2]} completed", ""]


def test_ctrl_c_ends_the_waiting_and_not_the_job_and_says_so(db):
    db.executor("a")
    job = db.submit("sleep 60")
    db.running(job)
    with on_terminal(db, job) as terminal:
        terminal.wait_for("running")
        terminal.press("\x03")
        assert terminal.wait_exit() == 130
        assert f"rcq: no longer waiting; job {job} goes on (rcq cancel would end it)" in terminal.text
        assert terminal.modes_now() == terminal.modes
    process = subprocess.Popen([command.PROGRAM, "wait", str(job)], env=command.environment(db), stderr=subprocess.PIPE, text=True)
    harness.wait_for(lambda: db.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'rcq'"), "it has connected")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert "goes on" in process.communicate(timeout=20)[1] and process.returncode == 130
    assert db.job(job)["status"] == "running"


def test_a_closed_terminal_ends_it_and_not_the_job(db):
    db.executor("a")
    job = db.submit("sleep 60")
    with on_terminal(db, job) as terminal:
        terminal.wait_for("running")
        terminal.close_window()
        assert terminal.wait_exit() == -signal.SIGHUP
    assert db.job(job)["status"] == "running"


def test_another_size_of_the_window_is_followed(db):
    db.executor("a")
    job = db.submit(f"rcq-job progress 40 '{'long ' * 20}'; sleep 60")
    with on_terminal(db, job, columns=140) as terminal:
        terminal.wait_for(r"40 % \d+s, long")
        for columns in (70, 30, 10, 200):
            terminal.forget()
            terminal.resize(columns)
            terminal.wait_for(r"\r[^\r]*\x1b\[K")
            shown = terminal.lines()[0]
            assert len(shown) < columns, shown


def test_a_restart_of_the_server_is_waited_through(db):
    gate = db.gate()
    db.executor("a")
    job = db.submit(f"{gate.script}; exit 6")
    db.running(job)
    process = subprocess.Popen([command.PROGRAM, "wait", str(job)], env=command.environment(db), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    harness.wait_for(lambda: db.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'rcq'"), "it has connected")
    time.sleep(0.2)
    db.server.restart()
    gate.open()
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (6, "")
    lost, back = error.splitlines()
    assert lost.startswith("rcq: the connection to the database was lost: ") and lost.endswith("; connecting again, for 1m00s at most")
    assert back.startswith("rcq: connected again after ")


def test_a_server_that_does_not_come_back_in_time_is_exit_code_3(db):
    job = db.submit("true")
    process = subprocess.Popen([command.PROGRAM, "wait", str(job), "--reconnect", "1s"], env=command.environment(db), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    harness.wait_for(lambda: db.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'rcq'"), "it has connected")
    time.sleep(0.2)
    db.server.stop()
    try:
        out, error = process.communicate(timeout=30)
    finally:
        db.server.start()
    assert (process.returncode, out) == (3, "")
    assert "no connection to the database" in error.splitlines()[-1]


def test_ctrl_c_while_the_server_is_away_says_so_too(db):
    job = db.submit("true")
    with on_terminal(db, job) as terminal:
        terminal.wait_for("pending")
        db.server.stop()
        try:
            terminal.wait_for("connecting again")
            terminal.press("\x03")
            assert terminal.wait_exit() == 130
        finally:
            db.server.start()
        assert f"no longer waiting; job {job} goes on" in terminal.text


def test_an_array_is_waited_for_like_a_job(db):
    db.executor("a")
    job = db.submit("test $RCQ_ARRAY_INDEX != 2", **{'"array"': "1-3"})
    assert wait(db, job).returncode == 5
    with on_terminal(db, job) as terminal:
        assert terminal.wait_exit() == 5
        assert f"job {job} failed (tasks_failed)" in terminal.lines()[0]
