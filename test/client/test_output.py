"""What each subcommand prints, for people and for programs, of a small cluster in which something of everything happens."""
import json
import re

import command
import harness
import pytest
from terminal import Terminal


@pytest.fixture(scope="module")
def cluster(server):
    """Jobs in every state, in an order that is always the same."""
    db = harness.Database(server, "client_output", lease="2 s", lost_after="1 hour")
    db.sql("SELECT rcq.add_group('bio', 100)")
    db.sql("CREATE ROLE ada LOGIN")
    db.sql("SELECT rcq.add_user('ada', 'bio')")
    db.roles.append("ada")
    db.executor("host", cores=4, memory_gb=8)
    rcq = command.of(db)
    gate = db.gate()
    db.ids = {}
    db.ids["done"] = int(rcq.text("submit", "-J", "done", "--", "sh", "-c", "echo fine", user="ada"))
    db.ended(db.ids["done"])
    db.ids["failed"] = int(rcq.text("submit", "-J", "broken", "--", "sh", "-c", "exit 3"))
    db.ended(db.ids["failed"])
    db.ids["running"] = int(rcq.text("submit", "-c", "2", "-m", "2G", "-t", "4h", "-J", "train", "--project", "thesis", "--tag", "gpu", "--tag", "long", "-", user="ada",
                                     stdin=gate.script.encode()))
    db.running(db.ids["running"])
    db.ids["array"] = int(rcq.text("submit", "-a", "1-10%2", "-J", "sweep", "-", stdin=gate.script.encode(), user="ada"))
    harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq.jobs WHERE array_id = %s AND status = 'running'", db.ids["array"]) == 2, "two tasks run")
    rcq.text("hold", f"{db.ids['array']}_9-10", user="ada")
    db.ids["large"] = int(rcq.text("submit", "-c", "64", "-J", "large", "--", "true"))
    db.waiting(db.ids["large"], "never_fits")
    db.ids["held"] = int(rcq.text("submit", "--hold", "-d", f"ok:{db.ids['running']}", "-J", "later", "--", "true"))
    db.ids["cancelled"] = int(rcq.text("submit", "--hold", "-J", "mistake", "--", "true"))
    rcq.text("cancel", db.ids["cancelled"])
    db.let_it_plan()
    yield db
    gate.open()
    db.drop()


@pytest.fixture
def rcq(cluster):
    return command.of(cluster)


@pytest.mark.parametrize("name, arguments", [
    ("queue", ["queue"]),
    ("queue-of-one-status", ["queue", "--status", "pending"]),
    ("queue-of-a-user", ["queue", "--user", "ada"]),
    ("queue-of-a-group", ["queue", "--group", "default"]),
    ("queue-first", ["queue", "--limit", "2"]),
    ("history", ["history"]),
    ("history-failed", ["history", "--status", "failed,cancelled"]),
    ("history-by-name", ["history", "--name", "done"]),
    ("show-running", ["show", "{running}"]),
    ("show-failed", ["show", "{failed}"]),
    ("show-array", ["show", "{array}"]),
    ("show-task", ["show", "{array}_1"]),
    ("show-two", ["show", "{done}", "{held}"]),
    ("explain", ["explain", "{large}"]),
    ("efficiency", ["efficiency", "{done}"]),
])
def test_people_read(rcq, cluster, name, arguments):
    arguments = [word.format(**cluster.ids) for word in arguments]
    command.expect(f"{name}.txt", command.masked(rcq.text(*arguments)))


@pytest.mark.parametrize("name, arguments", [
    ("queue", ["queue"]),
    ("history", ["history"]),
    ("show", ["show", "{failed}"]),
    ("show-array", ["show", "{array}"]),
    ("explain", ["explain", "{large}"]),
    ("efficiency", ["efficiency", "{done}"]),
    ("efficiency-of-users", ["efficiency"]),
])
def test_programs_read(rcq, cluster, name, arguments):
    document = rcq.json(*[word.format(**cluster.ids) for word in arguments])
    command.expect(f"{name}.json", json.dumps(command.shape(document), indent=1, ensure_ascii=False) + "\n")


def test_every_subcommand_has_help_with_examples(rcq):
    text = rcq.text("--help")
    names = [line.split()[0] for line in text.split("Subcommands:\n")[1].split("\n\n")[0].splitlines() if not line.startswith(" " * 20)]
    assert {"submit", "queue", "show", "explain", "cancel", "hold", "release", "priority", "update", "requeue", "resubmit", "history", "efficiency"} <= set(names)
    for name in names:
        text = rcq.text(name, "--help")
        assert f"Usage: rcq {name}" in text and "Examples:\n  rcq " in text, text
        assert max(len(line) for line in text.splitlines()) <= 130, text


def test_what_is_shown_of_the_queue_is_what_the_views_say(rcq, cluster):
    jobs = rcq.json("queue")["jobs"]
    for job in jobs:
        if job["tasks_waiting"] is None:
            row = cluster.job(job["id"])
            assert (row["status"], row["reason"], row["user_name"], row["name"]) == (job["status"], job["reason"], job["user_name"], job["name"])
    pending = [job["id"] for job in jobs if job["status"] == "pending" and job["tasks_waiting"] is None]
    assert pending == [row["id"] for row in cluster.sql("SELECT id FROM rcq.queue") if row["id"] in pending]
    assert {row["id"] for row in cluster.sql("SELECT id FROM rcq.queue")} <= {job["id"] for job in jobs}


def test_a_user_sees_nothing_of_others(rcq, cluster):
    assert {job["user_name"] for job in rcq.json("queue", user="ada")["jobs"]} == {"ada"}
    assert {job["user_name"] for job in rcq.json("history", user="ada")} == {"ada"}
    assert rcq.json("queue", user="ada")["counts"] == {"running": 3, "assigned": 0, "pending": 8}
    code, out, err = rcq("show", cluster.ids["failed"], user="ada")
    assert (code, out) == (4, "") and "there is no job" in err
    code, out, err = rcq("queue", "--user", "postgres", user="ada")
    assert code == 1 and "only administrators" in err


def test_mine_is_what_an_administrator_submitted(rcq):
    assert {job["user_name"] for job in rcq.json("queue", "--mine")["jobs"]} == {"postgres"}


def test_the_script_comes_back_as_it_was_submitted(rcq, cluster):
    script = "#!/bin/sh\n#RCQ --hold\nprintf 'ü\\n'\n\n"
    job = rcq.text("submit", "-", stdin=script.encode()).strip()
    assert rcq.text("show", job, "--script") == script
    rcq.text("cancel", job)


def test_lines_are_no_longer_than_the_terminal_is_wide(rcq):
    for columns in (40, 60, 79):
        lines = rcq.text("queue", COLUMNS=str(columns)).splitlines()
        assert max(len(line) for line in lines[:-1]) <= columns, lines


def test_a_narrow_terminal_keeps_the_reason_and_leaves_out_what_is_empty(rcq, cluster):
    lines = rcq.text("queue", COLUMNS="80").splitlines()
    assert any("pending (never_fits)" in line for line in lines) and max(map(len, lines[:-1])) <= 80, lines
    lines = rcq.text("history", COLUMNS="80").splitlines()
    assert any("failed (exit_code)" in line for line in lines) and max(map(len, lines)) <= 80, lines
    held = rcq.text("queue", "--status", "pending", "--group", "default", COLUMNS="70").splitlines()
    assert "ON / START" not in held[0] and "ON / START" in rcq.text("queue", "--status", "pending", "--group", "default").splitlines()[0]


def test_findings_are_broken_on_a_terminal_and_nowhere_else(rcq, cluster):
    large = str(cluster.ids["large"])
    with Terminal([command.PROGRAM, "explain", large, "--color", "never"], command.environment(cluster), columns=80) as terminal:
        assert terminal.wait_exit() == 0
        lines = terminal.text.replace("\r\n", "\n").splitlines()
    column = lines[0].index("FINDING")
    assert max(map(len, lines)) <= 80 and all(line[:column].strip() == "" or line[column - 1] == " " for line in lines)
    whole = rcq.text("explain", large, COLUMNS="80")
    assert [line[column:] for line in whole.splitlines()][1].split(" (")[0] == " ".join(line[column:] for line in lines[1:]).split(" (")[0]
    assert len(whole.splitlines()) == 6 < len(lines)


def test_history_is_in_the_order_in_which_jobs_ended(server):
    db = harness.Database(server, "client_order")
    db.executor("host")
    rcq, gate = command.of(db), db.gate()
    first = db.submit(gate.script)
    db.running(first)
    second = db.submit("true")
    db.ended(second)
    gate.open()
    db.ended(first)
    assert [job["id"] for job in rcq.json("history")] == [first, second]
    db.drop()


def test_a_run_that_is_to_run_again_is_not_said_to_be_cancelled(server):
    db = harness.Database(server, "client_requeue")
    db.executor("host")
    rcq = command.of(db)
    job = db.submit("echo a >$RCQ_OUTPUT_DIR/notes.txt; sleep 60")
    db.running(job)
    rcq.text("requeue", job)
    harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq.runs WHERE job_id = %s", job) == 2, "the second run")
    assert "cancelled" not in rcq.text("show", job)
    db.drop()


def test_files_that_a_job_left_are_shown_for_people(server):
    db = harness.Database(server, "client_files")
    db.executor("host")
    rcq = command.of(db)
    job = db.submit("head -c 5000 /dev/zero >$RCQ_OUTPUT_DIR/model.bin")
    db.ended(job)
    text = rcq.text("show", job)
    assert re.search(r"^output +model\.bin \(4\.9 kB\) in /", text, re.M) and re.search(r"^CPU time +\d\.\ds$", text, re.M), text
    db.drop()


def test_colours_are_for_those_who_want_them(rcq):
    assert "\x1b" not in rcq.text("queue")
    assert "\x1b[32mrunning" in rcq.text("queue", "--color", "always")


def test_explain_says_times_and_durations_as_show_does(cluster, rcq):
    job = cluster.ids["running"]
    for zone in ("Europe/Berlin", "Asia/Kolkata", ":America/New_York"):
        started = re.search(r"(?m)^started +(.*)$", rcq.text("show", job, TZ=zone))[1]
        assert f"since {started} " in rcq.text("explain", job, TZ=zone)
    assert re.search(r"(?m)^time limit +4h00m$", rcq.text("show", job))
    # a zone that the server does not know: as the session has it
    assert " UTC" in rcq.text("explain", job, TZ="Nowhere/Atall")
    # JSON is that of the server's session everywhere
    assert rcq.json("explain", job, TZ="Europe/Berlin") == rcq.json("explain", job)
    assert cluster.one("SHOW TimeZone") in {"Etc/UTC", "UTC", "GMT"}
