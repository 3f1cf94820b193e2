"""deploy/psql/rcq.psql, asked on a cluster with a dead host, one that drains, and jobs in every state: whether the answers are
right, and whether the page about them shows what there is."""
import os
import re
import subprocess
import sys

import pytest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import harness  # noqa: E402
import questions  # noqa: E402


@pytest.fixture(scope="module")
def day():
    with harness.watched_server(fsync="off") as server:
        yield questions.Day(server)


def by(rows, *columns):
    """What is said of each, by the first column."""
    return {row[columns[0]]: tuple(row[column] for column in columns[1:]) if len(columns) > 2 else row[columns[1]] for row in rows}


def ids(day, *names):
    return {str(day.job[name]) for name in names}


def test_health_says_what_is_not_well(day):
    health = by(day.ask(":health"), "what", "well", "detail")
    assert {what: well for what, (well, _) in health.items()} == {
        "scheduler": "yes", "pauses": "yes", "hosts": "NO", "room": "yes", "queue": "NO", "failures": "NO", "history": "yes", "transactions": "yes"}
    assert health["hosts"][1] == "2 online, 1 draining, 1 offline: node3, node4"
    assert health["room"][1] == "7 of 8 cores, 11 of 16 GB, 2 of 2 GPUs in use"
    assert "1 of them cannot start as things are" in health["queue"][1]
    assert health["failures"][1] == "5 jobs failed within the last hour, 1 of them through their host"
    day.db.sql("SELECT rcq.pause('a flood')")
    assert by(day.ask(":health"), "what", "well", "detail")["pauses"] == ("NO", "the cluster: a flood")
    day.db.sql("SELECT rcq.resume()")
    harness.wait_for(lambda: day.db.sql("SELECT 1 FROM rcq.queue WHERE name = 'wide' AND reason = 'resources' AND expected_start IS NOT NULL"), "the queue is published as before")


def test_pending_counts_what_waits_by_reason(day):
    assert by(day.ask(":pending"), "reason", "jobs", "cores", "oldest", "what_helps") == {
        "resources": ("11", "34", str(day.job["wide"]), "time, or more hosts"), "dependency": ("2", "2", str(day.job["report"]), ":blocked_by"),
        "held": ("1", "1", str(day.job["later"]), "rcq.release"), "limit": ("1", "1", str(day.job["exercise 2"]), ":limits"),
        "never_fits": ("1", "64", str(day.job["huge"]), ":why")}


def test_every_reason_of_the_manual_has_a_help_of_its_own():
    with open(questions.PSQL_FILE, encoding="utf-8") as file:
        named = set(re.findall(r"WHEN '(\w+)' THEN", file.read()))
    with open(os.path.join(harness.ROOT, "docs", "howto", "why-is-my-job-pending.md"), encoding="utf-8") as page:
        known = set(re.findall(r"^\| `(\w+)` \|", page.read(), re.M)) - {"state", "blocker", "rank", "expect", "change", "scheduler"}
    assert known - named == set()


def test_the_queue_is_in_order_with_expected_starts(day):
    rows = day.ask(":queue")
    assert [row["name"] for row in rows][:2] == ["huge", "wide"] and {row["name"] for row in rows} >= {"report", "archive", "later", "sweep"}
    assert by(rows, "name", "expected_start")["wide"] and not by(rows, "name", "expected_start")["huge"]


def test_why_explains_the_first_of_the_queue_or_the_one_that_was_named(day):
    assert by(day.ask(":why"), "kind", "reason")["blocker"] == "never_fits"
    assert by(day.ask(rf"\set job {day.job['exercise 2']} \\ :why"), "kind", "reason")["blocker"] == "limit"


def test_why_of_an_empty_queue_says_that_nothing_waits(day):
    empty = harness.Database(day.server, "empty")
    done = subprocess.run([os.path.join(day.server.bin, "psql"), "-XAtq", "-h", day.server.dir, "-p", str(day.server.port), "-U", "postgres", "-d", "empty", "-v", "ON_ERROR_STOP=1"],
                          input=f"\\i {questions.PSQL_FILE}\n:why\n", capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "state||nothing waits\n"
    empty.drop()


def test_blocked_by_names_the_job_that_others_wait_for(day):
    (row,) = day.ask(":blocked_by")
    assert (row["on_job"], row["status"], row["executor"], row["jobs_waiting"], row["until"]) == (str(day.job["assemble"]), "running", "node1", "2", "afterany, afterok")


def test_usage_says_who_has_what(day):
    assert by(day.ask(":usage"), "user_name", "runs", "cores", "percent_of_cores", "gb", "gpus", "pending", "cores_wanted") == {
        "ann": ("2", "6", "37.5", "10", "0", "2", "2"), "bob": ("1", "2", "12.5", "4", "2", "11", "31"), "cem": ("0", "0", "0.0", "0", "0", "2", "68"),
        "dora": ("1", "1", "6.3", "1", "0", "1", "1")}


def test_shares_are_those_of_the_groups(day):
    shares = by(day.ask(":shares"), "group_name", "quota", "running_jobs", "pending_jobs")
    assert shares == {"genomics": ("200", "2", "2"), "physics": ("100", "1", "13"), "students": ("10", "1", "1"), "default": ("", "0", "0")}


def test_limits_are_those_that_are_reached(day):
    assert day.ask(":limits") == [{"kind": "group", "of_what": "students", "bound": "max_jobs", "in_use": "1", "most": "1", "state": "reached"}]


def test_hosts_have_what_is_free_of_them_the_troubled_first(day):
    rows = day.ask(":hosts")
    assert [row["name"] for row in rows][:2] == ["node3", "node4"]
    assert by(rows, "name", "status", "runs", "free_cores", "free_gb", "free_gpus") == {
        "node1": ("busy", "1", "0", "2", "0"), "node2": ("busy", "2", "1", "3", "0"), "node3": ("offline", "1", "2", "4", "0"), "node4": ("draining", "0", "4", "8", "0")}


def test_sick_names_each_ailment(day):
    said = [(row["host"], row["ailment"]) for row in day.ask(":sick")]
    assert [host for host, _ in said] == ["node3", "node4", "node1", "node1"]
    assert re.fullmatch(r"silent for \d\d:\d\d:\d\d; runs there: 1", said[0][1])
    assert said[1][1] == "drains: disk is replaced"
    assert [ailment for _, ailment in said[2:]] == ["1 of its 6 runs could not be started", "5 of its 6 runs failed, of the others' 0 %"]
    assert [row["host"] for row in day.ask(r"\set since '0 s' \\ :sick")] == ["node3", "node4"]


def test_maintenance_counts_what_may_run_into_it(day):
    day.db.sql("SELECT rcq.drain_executor('node1', 'a new rack', at => now() + interval '3 days')")
    assert by(day.ask(":maintenance"), "host", "reason", "may_run_into_it") == {"node2": ("new kernel", "2"), "node1": ("drain (finish): a new rack", "1")}
    day.db.sql("SELECT rcq.resume_executor('node1')")


def test_top_has_the_largest_first(day):
    assert [(row["name"], row["cores"], row["gpus"]) for row in day.ask(":top")] == [
        ("train", "2", "2"), ("assemble", "4", "0"), ("alignment", "2", "0"), ("exercise", "1", "0")]


def test_slow_is_what_runs_longer_than_planned(day):
    (row,) = day.ask(":slow")
    assert (row["id"], row["planned"]) == (str(day.job["assemble"]), "00:00:01.8") and float(row["times_planned"]) > 1


def test_stuck_is_what_needs_somebody(day):
    assert by(day.ask(":stuck"), "id", "status", "what") == {
        str(day.job["alignment"]): ("running", "its host node3 is offline"), str(day.job["huge"]): ("pending", "never_fits")}
    idle = by(day.ask(r"\set idle_after '1 s' \\ :stuck"), "id", "what")
    assert set(idle) == ids(day, "alignment", "huge", "train", "assemble", "exercise")
    assert re.fullmatch(r"took 0\.\d s of CPU on 2 cores", idle[str(day.job["train"])])


def test_failures_are_grouped_by_how(day):
    latest = day.db.one("SELECT id FROM rcq.jobs WHERE name LIKE 'convert %%' AND status = 'failed' ORDER BY ended_at DESC LIMIT 1")
    assert by(day.ask(":failures"), "reason", "exit_code", "signal", "jobs", "users", "hosts", "latest_job") == {
        "exit_code": ("2", "", "3", "1", "node1", str(latest)),
        "signal": ("", "11", "1", "1", "node1", str(day.job["stack"])), "spawn_error": ("", "", "1", "1", "node1", str(day.job["no directory"]))}
    assert day.ask(r"\set since '0 s' \\ :failures") == []


def test_inefficient_has_those_who_waste_most_first(day):
    rows = day.ask(":inefficient")
    assert rows[0]["user_name"] == "ann" and float(rows[0]["cpu_percent"]) < 20
    # how much of a core a busy run gets is the machine's business; what is said of it is ours
    (cem,) = day.db.sql("""
        SELECT sum(r.cpu_seconds) AS used, sum(j.cpu_cores * extract(epoch FROM r.ended_at - r.started_at)) AS granted, max(r.cpu_seconds) AS busiest
          FROM rcq.runs r JOIN rcq.jobs j ON j.id = r.job_id WHERE j.user_name = 'cem' AND r.ended_at IS NOT NULL AND r.cpu_seconds IS NOT NULL""")
    assert cem["busiest"] > 0
    assert float(by(rows, "user_name", "cpu_percent")["cem"]) == pytest.approx(100 * float(cem["used"]) / float(cem["granted"]), abs=0.1)


def test_schedules_are_those_that_did_not_do_what_they_should(day):
    (row,) = day.ask(":schedules")
    assert (row["name"], row["user_name"], row["state"]) == ("nightly", "cem", "paused")


def test_changes_are_the_latest_first(day):
    day.db.sql("SELECT rcq.cancel(%s)", day.db.submit("true", user="cem", hold=True))
    rows = day.ask(":changes")
    assert (rows[0]["actor"], rows[0]["action"]) == ("postgres", "job.cancel") and len(rows) == 20


def test_users_are_told_of_what_is_theirs(day):
    assert {row["user_name"] for row in day.ask(":usage", user="bob")} == {"bob"}
    assert day.ask(":failures", user="ann") == [] and day.ask(":changes", user="ann") == []
    for name in questions_of_the_file():
        day.ask(f":{name}", user="dora")


def questions_of_the_file():
    with open(questions.PSQL_FILE, encoding="utf-8") as file:
        return re.findall(r"^\$rcq\$ AS (\w+),?$", file.read(), re.M)


def test_the_list_of_questions_and_the_page_have_exactly_those_of_the_file(day):
    listed = [row["question"] for row in day.ask(":questions")]
    assert len(listed) == len(set(listed)) and set(listed) == {f":{name}" for name in questions_of_the_file()}
    assert [name for name, _, _ in questions.sections()] == listed


def test_the_page_shows_answers_as_they_are_today(day):
    """The same columns, and none that is empty."""
    for name, typed, answer in questions.sections():
        title = answer.splitlines()[0]
        shown = day.shown(typed).splitlines()[0]
        assert [word.strip() for word in title.split("|")] == [word.strip() for word in shown.split("|")], name
        assert "(0 rows)" not in answer, name


def test_nothing_is_said_when_the_file_is_read_quietly_and_one_line_otherwise(day):
    assert day.psql("-q", "-f", questions.PSQL_FILE) == ""
    assert day.psql("-f", questions.PSQL_FILE) == "Type :questions to see what can be asked.\n"
