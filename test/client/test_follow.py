"""rcq logs: the bytes as they were written, on a terminal and elsewhere, as they come, and a million lines of them."""
import json
import os
import signal
import subprocess
import time

import command
import pytest
from terminal import Terminal


def logs(db, *arguments, user="postgres", timeout=60):
    return subprocess.run([command.PROGRAM, "logs", *map(str, arguments)], env=command.environment(db, user), capture_output=True, check=False,
                          timeout=timeout, stdin=subprocess.DEVNULL)


def follow(db, *arguments, **options):
    return subprocess.Popen([command.PROGRAM, "logs", "-f", *map(str, arguments)], env=command.environment(db),
                            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})


def on_terminal(db, *arguments, **options):
    return Terminal([command.PROGRAM, "logs", *map(str, arguments)], command.environment(db), **options)


def ended(db, script, **options):
    job = db.submit(script, **options)
    db.ended(job, 60)
    return job


BYTES = r"printf 'a\000b\377\376\r\n\303\274 \033[31mred\033[0m \033]0;title\007 \033[2J\bx\303'"
WRITTEN = b"a\0b\xff\xfe\r\n\xc3\xbc \x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\bx\xc3"


def test_bytes_are_as_the_job_wrote_them(db):
    db.executor("a")
    job = ended(db, BYTES)
    done = logs(db, job)
    assert (done.returncode, done.stdout, done.stderr) == (0, WRITTEN, b"")


def test_a_terminal_gets_colours_and_text_and_nothing_that_moves_its_cursor(db):
    db.executor("a")
    job = ended(db, BYTES)
    with on_terminal(db, job) as terminal:
        assert terminal.wait_exit() == 0
        assert terminal.text == "a\\x00b\\xff\\xfe\r\nü \x1b[31mred\x1b[0m \\x1b]0;title\\x07 \\x1b[2J\\x08x\\xc3\x1b[0m"
    with on_terminal(db, job, "--color", "never") as terminal:
        assert terminal.wait_exit() == 0
        assert "\x1b" not in terminal.text and "ü red \\x1b]0" in terminal.text


def test_each_stream_alone_and_the_last_lines(db):
    db.executor("a")
    job = ended(db, "for i in 1 2 3; do echo out $i; sleep 0.2; echo error $i >&2; sleep 0.2; done")
    assert logs(db, job).stdout.decode() == "".join(f"out {i}\nerror {i}\n" for i in (1, 2, 3))
    assert logs(db, job, "--stdout").stdout == b"out 1\nout 2\nout 3\n"
    assert logs(db, job, "--stderr").stdout == b"error 1\nerror 2\nerror 3\n"
    assert logs(db, job, "--tail", 3).stdout == b"error 2\nout 3\nerror 3\n"
    assert logs(db, job, "--tail", 1, "--stdout").stdout == b"out 3\n"
    assert logs(db, job, "--tail", 0).stdout == b""
    assert logs(db, job, "--tail", 99).stdout == logs(db, job).stdout
    both = logs(db, job, "--stdout", "--stderr")
    assert both.returncode == 2 and both.stderr.startswith(b"rcq: ")


def test_attempts_are_read_one_by_one_and_followed_one_after_the_other(db):
    db.executor("a")
    job = ended(db, "echo attempt $RCQ_ATTEMPT; exit 1", max_retries=2)
    assert logs(db, job).stdout == b"attempt 3\n"
    assert [logs(db, job, "--attempt", attempt).stdout for attempt in (1, 2, 3, 4)] == [b"attempt 1\n", b"attempt 2\n", b"attempt 3\n", b""]
    done = logs(db, job, "-f", "--attempt", 1)
    assert (done.returncode, done.stdout) == (0, b"attempt 1\n")
    gate = db.gate()
    job = db.submit(f"echo attempt $RCQ_ATTEMPT; if [ $RCQ_ATTEMPT = 1 ]; then {gate.script}; exit 1; fi", max_retries=1)
    db.running(job)
    process = follow(db, job)
    assert process.stdout.readline() == b"attempt 1\n"
    gate.open()
    out, error = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"attempt 2\n")
    assert error.decode() == f"rcq: job {job}, attempt 2:\n"


def test_json_is_one_document_or_while_following_one_on_each_line(db):
    db.executor("a")
    job = ended(db, r"echo 'a \"quoted\" line'; printf '\377\n'; printf last")
    lines = ["a \\\"quoted\\\" line", "\ufffd", "last"]
    expected = [{"attempt": 1, "seq": number, "stream": "stdout", "line": line} for number, line in enumerate(lines, 1)]
    assert json.loads(logs(db, job, "--json").stdout) == expected
    assert [json.loads(line) for line in logs(db, job, "--json", "-f").stdout.splitlines()] == expected
    assert json.loads(logs(db, ended(db, "true"), "--json").stdout) == []


def test_a_line_is_shown_within_a_second_of_its_writing(db):
    db.executor("a")
    job = db.submit("for i in 1 2 3 4 5; do date +%s.%N; sleep 0.7; done")
    process = follow(db, job)
    late = []
    for _ in range(5):
        written = float(process.stdout.readline())
        late.append(time.time() - written)
    assert process.wait(30) == 0
    assert sorted(late)[2] < 1 + 0.2 * os.getloadavg()[0] and min(late) < 1, f"shown so long after they were written: {late}"


def test_following_waits_for_the_start_and_ends_with_the_job(db):
    job = db.submit("echo begun; exit 4")
    process = follow(db, job)
    while "(no_executor)" not in (line := process.stderr.readline().decode()):
        assert line == f"rcq: job {job} is pending (priority)\n", "until the scheduler has looked at it"
    db.executor("a")
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"begun\n")


def test_a_job_that_has_written_nothing_yet_is_said_to(db):
    job = db.submit("true")
    done = logs(db, job)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", f"rcq: job {job} has written nothing yet: it is pending\n")


def test_why_there_is_nothing_is_said(db):
    db.executor("a")
    job = ended(db, "true", workdir="/no/such/place")
    done = logs(db, job)
    assert (done.returncode, done.stdout) == (0, b"") and done.stderr.startswith(f"rcq: job {job} has written nothing: it failed (spawn_error)".encode()), done
    job = ended(db, "echo a")
    done = logs(db, job, "--attempt", 7)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", f"rcq: job {job} has had 1 attempt\n")
    array = db.submit("echo a", **{'"array"': "3-5"})
    done = logs(db, array)
    assert (done.returncode, done.stderr.decode()) == (2, f"rcq: job {array} is an array: its tasks write\nhint: rcq logs {array}_3\n")
    done = subprocess.run([command.PROGRAM, "efficiency", str(array)], env=command.environment(db), capture_output=True, check=False, timeout=60)
    assert done.returncode == 4 and f"job {array} is an array: rcq efficiency {array}_INDEX".encode() in done.stderr


@pytest.mark.parametrize("asked", [["999"], ["999", "-f"], ["999", "--tail", "3"]])
def test_a_job_that_is_not_there_or_of_somebody_else_is_exit_code_4(db, asked):
    done = logs(db, *asked)
    assert done.returncode == 4 and b"there is no job 999" in done.stderr
    job, ann = db.submit("true"), db.user("ann")
    done = logs(db, job, *asked[1:], user=ann)
    assert done.returncode == 4 and f"there is no job {job}".encode() in done.stderr


def test_ctrl_c_ends_following_and_not_the_job_and_says_so(db):
    db.executor("a")
    job = db.submit("printf '\\033[31mred\\n'; sleep 60")
    with on_terminal(db, job, "-f") as terminal:
        terminal.wait_for("red")
        terminal.press("\x03")
        assert terminal.wait_exit() == 130
        assert terminal.text.endswith(f"\x1b[0mrcq: no longer following; job {job} goes on\r\n")
    assert db.job(job)["status"] == "running"


def test_a_closed_terminal_ends_following(db):
    db.executor("a")
    job = db.submit("echo begun; sleep 60")
    with on_terminal(db, job, "-f") as terminal:
        terminal.wait_for("begun")
        terminal.close_window()
        assert terminal.wait_exit() == -signal.SIGHUP


def test_a_reader_that_goes_away_ends_it_at_once_and_silently(db):
    db.executor("a")
    job = ended(db, "seq 100000")
    done = subprocess.run(["bash", "-c", f"{command.PROGRAM} logs {job} | head -1; echo ${{PIPESTATUS[0]}}"], env=command.environment(db), capture_output=True,
                          text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n141\n", "")
    job = db.submit("echo begun; sleep 600")
    process = follow(db, job)
    assert process.stdout.readline() == b"begun\n"
    process.stdout.close()  # while nothing is written
    assert process.wait(20) in (141, -signal.SIGPIPE)
    assert process.stderr.read() == b""


def test_output_that_cannot_be_written_is_said(db):
    db.executor("a")
    job = ended(db, "seq 100000")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([command.PROGRAM, "logs", str(job)], env=command.environment(db), stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "rcq: cannot write the output: No space left on device\n")


def test_a_restart_of_the_server_is_followed_through(db):
    gate = db.gate()
    db.executor("a")
    job = db.submit(f"echo before; {gate.script}; echo after")
    process = follow(db, job)
    assert process.stdout.readline() == b"before\n"
    db.server.restart()
    gate.open()
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"after\n")
    assert b"This probably means" not in error
    assert b"connecting again" in error and b"connected again after" in error


def test_a_million_lines_are_shown_soon_and_in_little_memory(db):
    """As many as are kept of a run (8 MiB of its beginning and of its end): each of them once, in order."""
    db.executor("a")
    job = ended(db, "seq 1000000")
    process = subprocess.Popen([command.PROGRAM, "logs", str(job)], env=command.environment(db), stdout=subprocess.PIPE)
    began, out, peak_kb = time.monotonic(), b"", 0
    with process.stdout:
        while chunk := process.stdout.read1(1 << 16):
            out += chunk
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                peak_kb = max([peak_kb, *(int(line.split()[1]) for line in status if line.startswith("VmHWM"))])
    assert process.wait(60) == 0
    assert out == b"".join(b"%d\n" % number for number in range(1, 1000001))
    assert 0 < peak_kb < 32 * 1024, f"{peak_kb} kB"
    assert time.monotonic() - began < 3 + 2 * os.getloadavg()[0]
    assert logs(db, job, "--tail", 2).stdout == b"999999\n1000000\n"
    with on_terminal(db, job) as terminal:
        assert terminal.wait_exit(120) == 0
        assert terminal.text.endswith("\r\n999999\r\n1000000\r\n") and terminal.text.count("\n") == 1000000
