"""rcq top: on a terminal, which it leaves as it found it, and once without one."""
import json
import re
import signal
import subprocess

import command
import harness
import pytest
from terminal import Terminal

LEFT = "\x1b[0m\x1b[?25h\x1b[?1049l"


def top(db, *arguments, user="postgres"):
    return subprocess.run([command.PROGRAM, "top", *arguments], env=command.environment(db, user), capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL)


def on_terminal(db, *arguments, **options):
    return Terminal([command.PROGRAM, "top", *arguments], command.environment(db), **options)


def left_as_it_was(terminal):
    assert terminal.text.count("\x1b[?1049h") == terminal.text.count("\x1b[?1049l") > 0
    assert terminal.text.rstrip("\r\n").endswith(LEFT) or LEFT in terminal.text
    assert terminal.modes_now() == terminal.modes


def busy(db):
    """One that runs, one that waits, a host that drains."""
    executor, drained = db.executor("a", cores=2, gpus=1), db.executor("b", cores=1)
    db.sql("SELECT rcq.drain_executor(%s, 'disk is replaced')", drained.role)
    running = db.submit("rcq-job progress 30 'epoch 3'; sleep 60", name="train", cpu_cores=2, gpu_count=1)
    db.running(running)
    waiting = db.submit("sleep 60", name="next", cpu_cores=2, **{'"array"': "1-5"})
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.queue WHERE reason = 'resources'"), "something waits for room")
    harness.wait_for(lambda: db.one("SELECT progress FROM rcq.jobs WHERE id = %s", running) == 30, "progress")
    return executor, drained, running, waiting


def test_without_a_terminal_it_is_shown_once(db):
    executor, drained, running, waiting = busy(db)
    done = top(db)
    assert (done.returncode, done.stderr) == (0, "") and "\x1b" not in done.stdout
    parts = [part.splitlines() for part in done.stdout.split("\n\n")]
    assert parts[0][0].startswith("1 of 2 hosts, 2 of 2 cores, 1 of 8 GB, 1 of 1 GPUs; 1 running, ")
    assert re.fullmatch(rf"{drained.role} +draining +0 +disk is replaced", parts[1][1])
    assert re.fullmatch(r"default +1 +2 +\d+ +0\.0 +- +1\.000", parts[2][1])
    assert re.fullmatch(rf" *{running} +postgres +train +{executor.role} +2 +1 +1 +\d+s +\S+ +30 +epoch 3", parts[3][1])
    assert re.search(rf"^ *{waiting}(_1)? +postgres +next +2 +1 +0 .*resources$", "\n".join(parts[4]), re.M)


def test_json_is_one_document(db):
    _, drained, running, waiting = busy(db)
    done = top(db, "--json")
    now = json.loads(done.stdout)
    assert (now["cluster"]["cpu_cores"], now["cluster"]["cpu_cores_used"], now["cluster"]["executors_online"]) == (2, 2, 1)
    assert [row["name"] for row in now["executors"]] == [drained.role]
    assert [(row["id"], row["progress"], row["gpu_count"]) for row in now["running"]] == [(running, 30, 1)]
    assert {row["array_id"] or row["id"] for row in now["pending"]} == {waiting}
    assert now["groups"][0]["group_name"] == "default" and now["groups"][0]["running_cores"] == 2


def test_users_see_their_own_jobs(db):
    busy(db)
    ann = db.user("ann")
    mine = db.submit("true", user=ann, hold=True)
    now = json.loads(top(db, "--json", user=ann).stdout)
    assert now["running"] == [] and [row["id"] for row in now["pending"]] == [mine]


def test_a_terminal_is_filled_and_kept_up_to_date_until_q(db):
    executor, *_ = busy(db)
    with on_terminal(db, "--interval", "1s", columns=70, rows=18) as terminal:
        terminal.wait_for("train")
        frames = terminal.text.count("\x1b[H")
        db.sql("SELECT rcq.pause('a flood')")
        terminal.wait_for("paused: a flood")
        assert terminal.text.count("\x1b[H") > frames
        frame = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.text.split("\x1b[H")[-1]).replace("\r", "").split("\n")
        assert len(frame) <= 18 and all(len(line) <= 70 for line in frame), frame
        terminal.press("q")
        assert terminal.wait_exit() == 0
        left_as_it_was(terminal)
    assert executor.process.poll() is None


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGQUIT, -signal.SIGQUIT)])
def test_signals_end_it_and_leave_the_terminal_as_it_was(db, number, code):
    with on_terminal(db) as terminal:
        terminal.wait_for("PENDING")
        terminal.process.send_signal(number)
        assert terminal.wait_exit() == code
        left_as_it_was(terminal)


def test_ctrl_c_ends_it_and_a_closed_terminal_too(db):
    with on_terminal(db) as terminal:
        terminal.wait_for("PENDING")
        terminal.press("\x03")
        assert terminal.wait_exit() == 0
        left_as_it_was(terminal)
    with on_terminal(db) as terminal:
        terminal.wait_for("PENDING")
        terminal.close_window()
        assert terminal.wait_exit() in (1, -signal.SIGHUP)


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(db):
    with on_terminal(db, "--interval", "1s") as terminal:
        terminal.wait_for("PENDING")
        terminal.press("\x1a")
        terminal.wait_for(re.escape(LEFT))
        harness.wait_for(lambda: "\nState:\tT" in open(f"/proc/{terminal.process.pid}/status", encoding="utf-8").read(), "it is stopped")
        assert terminal.modes_now() == terminal.modes
        terminal.forget()
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for(r"\x1b\[\?1049h.*PENDING")
        terminal.press("q")
        assert terminal.wait_exit() == 0
        assert terminal.modes_now() == terminal.modes


def test_another_size_of_the_window_is_followed_at_once(db):
    busy(db)
    with on_terminal(db, "--interval", "1h", columns=100, rows=30) as terminal:
        terminal.wait_for("train")
        terminal.forget()
        terminal.resize(40, 10)
        terminal.wait_for(r"\x1b\[J")
        frame = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.text.split("\x1b[H")[-1]).replace("\r", "").split("\n")
        assert len(frame) <= 10 and all(len(line) <= 40 for line in frame), frame


def test_a_restart_of_the_server_is_waited_through_and_its_end_told(db):
    with on_terminal(db, "--interval", "1s") as terminal:
        terminal.wait_for("PENDING")
        terminal.forget()
        db.server.stop()
        try:
            terminal.wait_for("connecting again")
        finally:
            db.server.start()
        terminal.wait_for(r"connected again.*PENDING")
    with on_terminal(db, "--interval", "1s", "--reconnect", "1s") as terminal:
        terminal.wait_for("PENDING")
        db.server.stop()
        try:
            assert terminal.wait_exit() == 3
        finally:
            db.server.start()
        left_as_it_was(terminal)
        assert "rcq: no connection to the database" in terminal.text.split("\x1b[?1049l")[-1]


def test_no_server_is_said_on_the_page_that_was_there(db):
    environment = {**command.environment(db), "PGPORT": "1"}
    with Terminal([command.PROGRAM, "top"], environment) as terminal:
        assert terminal.wait_exit() == 3
        assert "\x1b[?1049h" not in terminal.text and "rcq: no connection to the database" in terminal.text
