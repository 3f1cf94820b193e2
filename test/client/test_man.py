"""The manual page and the completion for bash, beside what the program says of itself, whichever commands it has."""
import os
import re
import subprocess
import sys

import pytest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "man")]
import harness  # noqa: E402
import make  # noqa: E402

BUILD = os.path.join(harness.ROOT, "build")
RCQ = os.path.join(BUILD, "rcq")
COMPLETION = os.path.join(harness.ROOT, "deploy", "completion", "rcq.bash")


def run_help(*command):
    return subprocess.run([RCQ, *command, "--help"], check=True, capture_output=True, text=True).stdout


def commands():
    return re.findall(r"^  ([a-z]+) ", run_help().split("Subcommands:")[1], re.M)


def options(*command):
    """Every name of every option, as the help has them; read another way than deploy/man/make.py and the completion do."""
    return {name for line in run_help(*command).split("Examples:")[0].splitlines() if line.startswith("  -") for name in line.split()[0].split(",")}


def complete(*words, **environment):
    script = f'source {COMPLETION}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rcq; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script, "bash", *words], check=True, capture_output=True, text=True, cwd=harness.ROOT,
                          env={"PATH": f"{BUILD}:{os.environ['PATH']}", "HOME": "/nonexistent", **environment})
    assert done.stderr == ""
    return [word for word in done.stdout.split("\n") if word]


@pytest.fixture(scope="module")
def page():
    """As it is read: without marks, words as they are."""
    with open(os.path.join(BUILD, "rcq.1"), encoding="utf-8") as manual:
        assert manual.read() == make.page(RCQ), "build/rcq.1 is older than build/rcq: make"
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=200n", os.path.join(BUILD, "rcq.1")], check=True, capture_output=True, text=True,
                          env={**os.environ, "GROFF_NO_SGR": "1"})
    assert done.stderr == ""
    return re.sub(r".\x08", "", done.stdout).replace("‐", "-").replace("−", "-")


def part(page, title):
    return re.search(rf"^{title}\n(.*?)(?=^\S|\Z)", page, re.M | re.S)[1]


def test_the_page_has_every_command_and_every_option_and_what_is_said_of_them(page):
    assert set(re.findall(r"^ {7}([a-z]+)\b", part(page, "COMMANDS"), re.M)) >= set(commands())
    for title, command in [("OPTIONS", ()), *((f"RCQ {command.upper()}", (command,)) for command in commands())]:
        shown = part(page, title)
        assert set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", shown)) >= options(*command) - ({"-h", "--help"} if command else set()), title
        told = re.sub(r"\s+", " ", shown)
        for line in run_help(*command).split("Examples:")[0].splitlines():
            if said := re.match(r"  -\S+(?: \S+)?  +(\S.*)$", line):
                assert command and "--help" in line or re.sub(r"\s+", " ", said[1]) in told, (title, line)


def test_the_page_has_the_exit_codes_and_the_examples(page):
    assert "130  interrupted" in page and "124  wait: not ended within --timeout" in page
    for command in commands():
        examples = [line.strip() for line in run_help(command).split("Examples:")[1].splitlines() if line.startswith("  ")]
        assert examples and all(example in part(page, f"RCQ {command.upper()}") for example in examples), command


def test_a_page_of_a_program_that_says_strange_things_is_still_one(tmp_path):
    program = tmp_path / "rcq"
    program.write_text("#!/bin/sh\ncase $* in *--version*) echo rcq 1;; *) printf 'Does .things\\n"
                       "Usage: rcq [OPTIONS]\\n\\nOptions:\\n  -x,--ex \\\\N                     .a\\n                                \\047b\\n\\nSubcommands:\\n\\n.Z\\n';; esac\n")
    program.chmod(0o755)
    text = make.page(str(program))
    assert r"\fB\-x\fR, \fB\-\-ex\fR \fI\eN\fR" in text and "\n\\&.a 'b\n" in text and "\n\\&.Z\n" in text


def test_commands_and_options_are_completed():
    assert complete("rcq", "") == commands()
    assert complete("rcq", "wa") == ["wait"]
    assert set(complete("rcq", "-")) == options()
    for command in commands():
        assert set(complete("rcq", command, "-")) == options(command) | options(), command
    assert complete("rcq", "--json", "-d", "elsewhere", "ex") == ["explain"]
    assert complete("rcq", "nothing", "--js") == ["--json"]


def test_values_are_completed():
    assert complete("rcq", "--color", "") == ["auto", "always", "never"]
    assert complete("rcq", "queue", "--color", "=", "al") == ["always"] and len(complete("rcq", "queue", "--color", "=")) == 3
    choices = 0
    for command in commands():
        for names, words in re.findall(r"^  (-\S+) [^ {\n]*\{([^}]+)\}", run_help(command), re.M):
            assert complete("rcq", command, names.split(",")[-1], "") == words.split(","), (command, names)
            choices += 1
    assert choices > 0
    assert complete("rcq", "submit", "deploy/compl") == ["deploy/completion"]
    assert complete("rcq", "submit", "--workdir", "deploy/compl") == ["deploy/completion"]
    assert complete("rcq", "submit", "--cpu-cores", "") == []


def test_jobs_are_completed_and_without_a_server_nothing_is_said():
    assert complete("rcq", "cancel", "", PGHOST="/nonexistent") == []
    with harness.watched_server(fsync="off") as server:
        db = harness.Database(server, "jobs")
        db.executor("a")
        ended = db.submit("true")
        db.ended(ended)
        held = [db.submit("true", hold=True) for _ in range(12)]
        here = {"PGHOST": server.dir, "PGPORT": str(server.port), "PGUSER": "postgres"}
        assert sorted(map(int, complete("rcq", "cancel", "", PGDATABASE="jobs", **here))) == held
        assert set(complete("rcq", "-d", "jobs", "show", "1", **here)) == {str(job) for job in [ended, *held] if str(job).startswith("1")}
        assert complete("rcq", "resubmit", "", PGDATABASE="jobs", **here) == [str(ended)]
        db.drop()


def test_make_install_and_cmake_install_put_both_where_they_are_found(tmp_path):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", str(tmp_path / "usr")], check=True, capture_output=True)
    with open(COMPLETION, encoding="utf-8") as completion:
        assert (tmp_path / "usr/share/bash-completion/completions/rcq").read_text() == completion.read()
    assert "RCQ" in (tmp_path / "usr/share/man/man1/rcq.1").read_text() and (tmp_path / "usr/share/rcq/rcq.psql").exists()
    plan = subprocess.run(["make", "-n", "-C", harness.ROOT, "install", f"DESTDIR={tmp_path}"], check=True, capture_output=True, text=True).stdout
    assert "/usr/local/share/man/man1'" in plan and "/usr/local/share/bash-completion/completions/rcq'" in plan and "rcq.psql" in plan
