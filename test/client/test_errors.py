"""Bad input and bad luck: a line that says what is wrong, a hint, the right exit code, and nothing else."""
import json
import os
import re
import signal
import subprocess

import command
import harness
import pytest
from command import good
from terminal import Terminal


def refused(answer, code, message, hint=""):
    got, out, err = answer
    assert (got, out) == (code, ""), answer
    lines = err.splitlines()
    assert lines[0].startswith("rcq: ") and message in lines[0], err
    assert len(lines) == (2 if hint else 1) or not hint, err
    assert hint in "".join(lines[1:]), err
    return err


@pytest.mark.parametrize("arguments, message, hint", [
    (["qeue"], "no command qeue", "queue"),
    (["queue", "--limt", "3"], "no option --limt", "--limit"),
    (["queue", "--limit", "many"], '--limit: "many" is no whole number from 0 to 100000000', ""),
    (["logs", "1", "--tail", "-3"], '--tail: "-3" is no whole number from 0 on', ""),
    (["logs", "1", "--attempt", "0"], '--attempt: "0" is no whole number from 1 to ', ""),
    (["queue", "--status", "done"], '--status: "done" is none of running, assigned, pending', ""),
    (["wait", "1", "--timeout", "5"], '"5" has no unit', "Write 5m"),
    (["sbatch", "job.sh"], "no command sbatch", "rcq submit"),
    (["status"], "no command status", "rcq queue"),
    (["help", "nosuch"], "no command nosuch", "rcq --help"),
    (["submit", "job.sh", "arg1"], '"arg1"', "rcq submit -- sh job.sh arg1"),
    (["submit", "-N2", "x.sh"], "no option -N2", "a job runs on one host"),
    (["submit", "-o", "out.txt", "x.sh"], "no option -o", "rcq logs"),
    (["submit", "--partition=bigmem", "x.sh"], "no option --partition", "--features"),
    (["queue", "extra"], '"extra"', "rcq queue --help"),
    (["queue", "--", "x"], "--", ""),
    (["submit", "--mem", "3"], "no option --mem", "--memory"),
    (["submit", "--cpus-per-task=3", "x.sh"], "no option --cpus-per-task", "--cpu-cores"),
    (["submit", "-m", "3x", "--", "true"], "3x", "32G"),
    (["submit", "-t", "soon", "--", "true"], "soon", ""),
    (["submit", "--env", "NAME", "--", "true"], "--env", ""),
    (["submit"], "no script", "rcq submit -- command"),
    (["submit", "nosuch.sh"], "nosuch.sh: No such file", ""),
    (["submit", "make"], "make: No such file", "rcq submit -- make"),
    (["submit", "/bin/ls"], "is a program", "rcq submit -- /bin/ls"),
    (["submit", "/dev/null"], "no script in it", ""),
    (["submit", "/tmp"], "/tmp: Is a directory", ""),
    (["show", "x"], '"x" is no job', "41_7"),
    (["show"], "no job is named", "rcq queue"),
    (["logs"], "no job is named", "rcq queue"),
    (["cancel"], "no job is named", "rcq queue"),
    (["priority", "42", "11"], '"11" is no priority', "1 to 10"),
    (["update", "42"], "nothing is given", "--time-limit 4h"),
    (["show", "1_1-2"], "several tasks", "41_7"),
    (["queue", "--color", "pink"], "pink", ""),
])
def test_wrong_use_is_told_before_anything_is_asked(arguments, message, hint):
    # there is no server at all
    answer = command.run(*arguments, env={"PATH": os.environ["PATH"], "PGHOST": "/nonexistent", "LC_ALL": "C.UTF-8"})
    refused(answer, 2, message, hint)


def test_without_a_command_the_help_is_shown_as_it_is_for_help():
    env = {"PATH": os.environ["PATH"]}
    text = command.good(command.run("--help", env=env))
    assert command.run(env=env) == (2, "", text)
    assert command.good(command.run("help", env=env)) == text
    assert command.good(command.run("help", "submit", env=env)) == command.good(command.run("submit", "--help", env=env))


def test_what_sbatch_has_and_there_is_not_here_is_answered_as_the_manual_does():
    with open(os.path.join(harness.ROOT, "docs", "reference", "directives.md"), encoding="utf-8") as page:
        rows = re.findall(r"^\| `(--[a-z-]+)[^`|]*` \| ([^|]+) \|$", page.read().split("without a counterpart")[1], re.M)
    assert len(rows) > 20
    for option, instead in rows:
        refused(command.run("submit", option + "=x", "x.sh", env={"PATH": os.environ["PATH"]}), 2, f"no option {option}", instead.replace("`", ""))


@pytest.mark.parametrize("script, told", [
    (b"#!/bin/sh\n\n#SBATCH --mem=100M\ntrue\n", "#SBATCH"), (b"#PBS -l nodes=1\ntrue\n", "#PBS"), (b"#!/bin/sh\n#$ -cwd\ntrue\n", "#$"),
    (b"#SBATCH --mem=1G\n#RCQ -m 1G\ntrue\n", ""), (b"true\n#SBATCH --mem=1G\n", ""), (b"# SBATCH is another queue\n#$HOME\ntrue\n", "")])
def test_options_of_another_queue_are_said_to_do_nothing(db, rcq, tmp_path, script, told):
    code, out, err = rcq("submit", "-", stdin=script)
    assert code == 0 and int(out) > 0
    assert err == (f"rcq: the script has {told} lines, which are not read here; what to write instead: docs/reference/directives.md#from-sbatch\n" if told else "")
    path = tmp_path / "train.sh"
    path.write_bytes(script)
    assert rcq("submit", path)[2] == err.replace("the script has", f"{path} has")


@pytest.mark.parametrize("script, message", [(b"echo \xff\n", "stdin: line 1 is not UTF-8"), (b"a\0b", "stdin: is a program"), (b" \n\n", "stdin: there is no script")])
def test_what_is_no_script_is_refused(script, message):
    refused(command.run("submit", "-", env={"PATH": os.environ["PATH"]}, stdin=script), 2, message)


def test_no_server_and_a_wrong_connection_string(db, rcq):
    refused(rcq("queue", PGPORT="1"), 3, "no connection to the database", "PGHOST and PGPORT")
    refused(rcq("-d", "host=127.0.0.1 port=1", "queue"), 3, "Connection refused", "PGHOST and PGPORT")
    refused(rcq("-d", "host=db port", "queue"), 2, "the connection string is wrong", "host=db1")
    refused(rcq("--service", "nix", "queue"), 3, 'definition of service "nix" not found', "pg_service.conf")


def test_unknown_databases_logins_and_users(db, rcq):
    refused(rcq("queue", PGDATABASE="nosuch"), 3, 'database "nosuch" does not exist', "PGDATABASE")
    refused(rcq("queue", user="nosuch"), 3, 'role "nosuch" does not exist', "PGUSER")
    refused(rcq("queue", PGDATABASE="postgres"), 1, "rcq", "CREATE EXTENSION rcq")
    role = f"{db.name}_stranger"
    db.sql(f"CREATE ROLE {role} LOGIN")
    db.roles.append(role)
    for arguments in (["queue"], ["submit", "--", "true"], ["show", "1"], ["history"]):
        refused(rcq(*arguments, user=role), 1, "", "rcq.add_user")


def test_passwords(db, rcq):
    role = f"{db.name}_ann"
    db.sql(f"CREATE ROLE {role} LOGIN PASSWORD 'right'")
    db.roles.append(role)
    db.sql("SELECT rcq.add_user(%s)", role)
    hba = os.path.join(db.server.data, "pg_hba.conf")
    with open(hba, encoding="utf-8") as file:
        before = file.read()
    try:
        with open(hba, "w", encoding="utf-8") as file:
            file.write(f"host all {role} 127.0.0.1/32 scram-sha-256\n{before}")
        db.sql("SELECT pg_reload_conf()")
        harness.wait_for(lambda: rcq("queue", user=role, PGHOST="127.0.0.1")[0] == 3, "passwords are asked for")
        refused(rcq("queue", user=role, PGHOST="127.0.0.1"), 3, "password", "~/.pgpass")
        refused(rcq("queue", user=role, PGHOST="127.0.0.1", PGPASSWORD="wrong"), 3, "password authentication failed", "PGPASSWORD")
        assert rcq("queue", user=role, PGHOST="127.0.0.1", PGPASSWORD="right")[0] == 0
    finally:
        with open(hba, "w", encoding="utf-8") as file:
            file.write(before)
        db.sql("SELECT pg_reload_conf()")


def test_the_database_is_found_by_every_way_of_libpq(db, rcq, tmp_path):
    words = {"PGHOST": "/nonexistent", "PGPORT": "1", "PGDATABASE": "nosuch"}
    dsn = f"host={db.server.dir} port={db.server.port} dbname={db.name} user=postgres"
    assert "0 running" in rcq.text("-d", dsn, "queue", **words)
    assert "0 running" in rcq.text("queue", "--dsn", f"postgresql://postgres@/{db.name}?host={db.server.dir}&port={db.server.port}", **words)
    assert "0 running" in rcq.text("-d", db.name, "queue", PGDATABASE="nosuch")
    services = tmp_path / "services"
    services.write_text(f"[cluster]\nhost={db.server.dir}\nport={db.server.port}\ndbname={db.name}\nuser=postgres\n", encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "PGSERVICEFILE": str(services)}
    assert "0 running" in command.good(command.run("queue", "--service", "cluster", env=env))
    assert "0 running" in command.good(command.run("queue", env={**env, "PGSERVICE": "cluster"}))


def test_what_the_server_refuses_is_told_in_its_words(db, rcq):
    refused(rcq("submit", "--workdir", "relative", "--", "true"), 1, "workdir")
    refused(rcq("submit", "-", stdin=b"#!/bin/sh\n#RCQ --memroy=3G\ntrue\n"), 1, "rcq: line 2 of the script: there is no option", "memory")
    refused(rcq("queue", "--group", "nosuch"), 4, 'no group "nosuch"')


def test_what_the_server_refuses_of_an_option_names_the_option(db, rcq):
    refused(rcq("submit", "-c", "0", "--", "true"), 1, "rcq: --cpu-cores is 0, allowed is 1")
    refused(rcq("submit", "--begin", "tomorrow+x", "--", "true"), 1, 'rcq: --begin: "tomorrow+x" is no time', "now+2h")


def test_what_the_server_advises_is_told_in_commands(db, rcq):
    refused(rcq("cancel", "999"), 4, "there is no job 999", "List your jobs with rcq queue and rcq history.")
    array = int(rcq.text("submit", "-a", "1-3", "--hold", "--", "true"))
    assert f"rcq release {array}" in rcq.text("explain", array) and "SELECT" not in rcq.text("explain", array)
    assert f"rcq release {array}_2" in rcq.text("explain", f"{array}_2")


def test_a_reader_that_goes_away_is_no_fault(db, rcq):
    db.sql("SELECT rcq.submit_many((SELECT jsonb_agg(jsonb_build_object('script', 'true', 'hold', true, 'name', repeat('x', 200))) FROM generate_series(1, 3000)))")
    line = f"{command.PROGRAM} queue --limit 0"
    for prefix in ("", "trap '' PIPE; "):  # as a shell starts it, and as those do that ignore the signal
        done = subprocess.run(["/bin/bash", "-c", f"{prefix}set -o pipefail; {line} | head -n 1"], env=command.environment(db), capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (141, b""), done
        assert done.stdout.count(b"\n") == 1
    done = subprocess.run(["/bin/sh", "-c", f"{line} >/dev/full"], env=command.environment(db), capture_output=True, check=False, timeout=60)
    assert done.returncode == 1 and b"cannot write the output: No space left on device" in done.stderr


class Waiting:
    """A request that waits in the server, for a lock."""

    def __init__(self, db):
        self.holder = db.server.connect(db.name)
        self.holder.autocommit = False
        self.holder.cursor().execute("LOCK TABLE rcq_private.outcome IN ACCESS EXCLUSIVE MODE")
        self.program = subprocess.Popen([command.PROGRAM, "-d", "application_name=waiting", "history"], env=command.environment(db), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.db = db
        harness.wait_for(lambda: self.active() == 1, "the request waits")

    def active(self):
        return self.db.one("SELECT count(*)::integer FROM pg_stat_activity WHERE application_name = 'waiting' AND wait_event_type = 'Lock'")

    def end(self):
        out, err = self.program.communicate(timeout=30)
        self.holder.rollback()
        self.holder.close()
        return self.program.returncode, out, err


def test_a_lost_connection_is_told(db):
    waiting = Waiting(db)
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'waiting'")
    refused(waiting.end(), 3, "", "look before you repeat it")


def test_ctrl_c_ends_the_request_in_the_server_too(db):
    waiting = Waiting(db)
    waiting.program.send_signal(signal.SIGINT)
    assert waiting.end() == (130, "", "")
    assert waiting.active() == 0


def test_ctrl_c_ends_a_connection_that_does_not_come_about(db):
    import socket
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        program = subprocess.Popen([command.PROGRAM, "-d", f"host=127.0.0.1 port={silent.getsockname()[1]}", "queue"], env=command.environment(db), stderr=subprocess.PIPE)
        accepted, _ = silent.accept()
        program.send_signal(signal.SIGINT)
        assert program.wait(timeout=10) in (130, -signal.SIGINT)
        program.stderr.close()
        accepted.close()


def test_nothing_in_a_name_moves_the_cursor(db, rcq):
    job = int(rcq.text("submit", "--hold", "--tag", "ok", "-J", "a\u202eb\u009b31mc", "--", "true"))
    for arguments in (["queue"], ["show", job]):
        text = rcq.text(*arguments)
        assert "a\\u202eb\\x9b31mc" in text and "\u202e" not in text
    assert rcq.json("queue")["jobs"][0]["name"] == "a\u202eb\u009b31mc"


def test_json_on_a_terminal_has_nothing_that_moves_its_cursor(db, rcq):
    db.executor("host", cores=1)
    name = "a\u202eb\u009b31m\u009d0;t\u009cc\u00a0\u00fc"
    job = int(rcq.text("submit", "-J", name, "--", "printf", name))
    db.ended(job)
    for arguments in (["show", job], ["history"], ["logs", job], ["explain", job]):
        with Terminal([command.PROGRAM, *map(str, arguments), "--json"], command.environment(db)) as terminal:
            assert terminal.wait_exit() == 0
            shown = terminal.text.replace("\r\n", "\n")
        assert not re.search("[\x7f-\x9f\u202e]", shown)
        elsewhere = good(rcq(*arguments, "--json"))
        assert json.loads(shown) == json.loads(elsewhere)
        if arguments[0] != "explain":
            assert name in elsewhere and "a\\u202eb\\u009b31m\\u009d0;t\\u009cc\u00a0\u00fc" in shown


def test_a_password_does_not_stay_in_the_arguments(db, rcq):
    job = int(rcq.text("submit", "--hold", "--", "true"))
    for dsn in (f"user=postgres password=topsecret dbname={db.name}", f"postgresql://postgres:topsecret@/{db.name}"):
        with subprocess.Popen([command.PROGRAM, "-d", dsn, "wait", str(job)], env=command.environment(db)) as program:
            try:
                harness.wait_for(lambda: db.one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rcq' AND datname = current_database()") > 0, "it is connected")
                with open(f"/proc/{program.pid}/cmdline", encoding="utf-8") as arguments:
                    text = arguments.read()
                assert "topsecret" not in text and "xxxxxxxxx" in text and "wait" in text
            finally:
                program.kill()
        harness.wait_for(lambda: db.one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rcq' AND datname = current_database()") == 0, "it is gone")
