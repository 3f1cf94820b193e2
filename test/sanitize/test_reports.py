"""What of the sanitizers' reports counts."""
import pathlib
import subprocess
import sys

import pytest

READER = pathlib.Path(__file__).with_name("reports.py")
KILLED = "==41==Unable to get registers from thread 41.\n"
UNSEEN = "==42==LeakSanitizer has encountered a fatal error.\n==42==HINT: LeakSanitizer does not work under ptrace (strace, gdb, etc)\n"
TRACER = "Tracer caught signal 11: addr=0x28f0 pc=0x7f0919 sp=0x7f0908\n" + UNSEEN
LEAKS = "==43==ERROR: LeakSanitizer: detected memory leaks\n\nDirect leak of 4 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in malloc\n    #1 0x2 in {}\n\nSUMMARY: 4 byte(s) leaked\n"
OVERFLOW = "==44==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n    #0 0x2 in nobody\n"
SHIFT = "src/pg/values.hpp:1:1: runtime error: shift exponent 40 is too large\n    #0 0x1 in f\n"


@pytest.mark.parametrize(("name", "text", "counts"), [
    ("asan.41", KILLED + KILLED, False),
    ("server.41", KILLED, False),
    ("asan.42", UNSEEN, True),
    ("server.42", UNSEEN, True),
    ("asan.42", TRACER, True),
    ("server.42", TRACER, False),
    ("server.42", TRACER + OVERFLOW, True),
    ("asan.43", LEAKS.format("nobody"), True),
    ("asan.43", KILLED + LEAKS.format("nobody"), True),
    ("server.43", LEAKS.format("save_ps_display_args"), False),
    ("server.43", LEAKS.format("f src/pg/worker.cpp:1"), True),
    ("server.43", KILLED + LEAKS.format("f src/pg/worker.cpp:1"), True),
    ("server.44", OVERFLOW, True),
    ("server.44", KILLED + OVERFLOW, True),
    ("server.44", OVERFLOW + LEAKS.format("nobody"), True),
    ("ubsan.45", SHIFT, True),
    ("server.46", "", False),
])
def test_what_counts(tmp_path, name, text, counts):
    (tmp_path / name).write_text(text)
    done = subprocess.run([sys.executable, READER, tmp_path], check=False, stdout=subprocess.PIPE, text=True)
    assert done.returncode == int(counts), done.stdout
    assert done.stdout.endswith(f"{int(counts)} reports that count, of 1 files\n")


def test_when_next_to_nobody_could_be_looked_into_that_counts(tmp_path):
    for process in range(4):
        (tmp_path / f"server.{process}").write_text(TRACER)
    done = subprocess.run([sys.executable, READER, tmp_path], check=False, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "4 processes could not be looked into" in done.stdout
