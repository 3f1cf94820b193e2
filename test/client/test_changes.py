"""What is done to jobs from the command line: one by one, by filter, and what programs are told of it."""
import json

import harness
import pytest


def test_a_script_a_command_and_stdin_become_jobs(db, rcq, tmp_path):
    db.executor("a")
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/sh\n#RCQ --memory=2G --project=thesis\necho from a file\n", encoding="utf-8")
    of_file = int(rcq.text("submit", "-c", "2", script))
    of_stdin = int(rcq.text("submit", "-J", "piped", "-", stdin=b"echo from stdin\n"))
    of_command = int(rcq.text("submit", "--", "printf", "%s|", "a b", "it's", "$HOME"))
    assert [db.ended(job)["status"] for job in (of_file, of_stdin, of_command)] == ["completed"] * 3
    assert [db.logs(job) for job in (of_file, of_stdin, of_command)] == [["from a file"], ["from stdin"], ["a b|it's|$HOME|"]]
    row = db.job(of_file)
    assert (row["name"], row["cpu_cores"], row["memory_gb"], row["project"]) == ("job.sh", 2, 2, "thesis")
    assert db.job(of_command)["name"] == "printf"


def test_options_win_over_directives_and_a_directive_over_the_name_of_the_file(db, rcq, tmp_path):
    script = tmp_path / "job.sh"
    script.write_text("#RCQ --name=said -c 4 --hold\ntrue\n", encoding="utf-8")
    row = db.job(int(rcq.text("submit", "-c", "3", script)))
    assert (row["name"], row["cpu_cores"], row["reason"]) == ("said", 3, "held")
    assert db.job(int(rcq.text("submit", "--name", "given", script)))["name"] == "given"


def test_every_option_of_a_submission_is_one_of_the_command(db, rcq):
    db.executor("a", "--features", "avx512,nvme,ssd", "--gpu-type", "a100", gpus=1)
    held = int(rcq.text("submit", "--hold", "--", "true"))
    db.sql("SELECT rcq.set_consumable('matlab', 5)")
    job = int(rcq.text(
        "submit", "-c", "2", "--cpu-cores-min", "1", "-m", "1.5G", "-g", "1", "--gpu-type", "a100", "-t", "1:30:00", "--estimate", "1h", "-p", "7", "-J", "all",
        "--workdir", "/tmp", "--env", "A=1", "--env", "B=x=y", "--features", "avx512,nvme", "--constraints", "ssd", "--begin", "now+1h", "--deadline", "now+9h",
        "-d", f"ok:{held}", "--max-retries", "2", "--retry-on", "oom", "--exclusive", "--preemptible", "--no-requeue", "--on-disconnect", "kill",
        "--concurrency-key", "k", "--consumable", "matlab=2", "--project", "p", "--tag", "x", "--tag", "y",
        "--external-id", "6f1c1f5e-56a8-4a57-a4b5-3f4d5f0b0c11", "--idempotency-key", "once", "--", "true"))
    row = db.job(job)
    assert {key: row[key] for key in ("cpu_cores", "cpu_cores_min", "gpu_count", "gpu_type", "priority", "name", "workdir", "env", "features", "constraints", "max_retries",
                                      "exclusive", "preemptible", "requeue", "on_disconnect", "concurrency_key", "consumables", "project", "tags", "idempotency_key")} == {
        "cpu_cores": 2, "cpu_cores_min": 1, "gpu_count": 1, "gpu_type": "a100", "priority": 7, "name": "all", "workdir": "/tmp", "env": {"A": "1", "B": "x=y"},
        "features": ["avx512", "nvme"], "constraints": "ssd", "max_retries": 2, "exclusive": True, "preemptible": True, "requeue": False, "on_disconnect": "kill",
        "concurrency_key": "k", "consumables": {"matlab": 2}, "project": "p", "tags": ["x", "y"], "idempotency_key": "once"}
    assert float(row["memory_gb"]) == 1.5 and row["time_limit"].total_seconds() == 5400 and row["depends_on"] == f"afterok:{held}"


def test_json_of_a_submission_is_its_id(db, rcq):
    job = rcq.json("submit", "--hold", "--", "true")
    assert job == {"id": db.one("SELECT max(id) FROM rcq.jobs")}


def test_jobs_are_held_released_ranked_updated_and_cancelled_by_name(db, rcq):
    job = int(rcq.text("submit", "--", "true"))
    array = int(rcq.text("submit", "-a", "1-5", "--", "true"))
    assert rcq.text("hold", job, array) == f"{job} held\n{array} held\n"
    assert rcq.text("release", job, f"{array}_2-3") == f"{job} released\n{array}_2-3 released\n"
    assert rcq.text("priority", job, f"{array}_2", "8") == f"{job} has priority 8\n{array}_2 has priority 8\n"
    assert db.job(job)["priority"] == 8
    assert rcq.text("update", job, "-c", "3", "-t", "4h", "--memory", "512M") == f"{job} updated\n"
    row = db.job(job)
    assert (row["cpu_cores"], float(row["memory_gb"]), row["time_limit"].total_seconds()) == (3, 0.5, 4 * 3600)
    rcq.text("update", job, "--time-limit", "none")
    assert db.job(job)["time_limit"] is None
    assert rcq.text("cancel", f"{array}_4-5", job) == f"{array}_4-5 cancelled\n{job} cancelled\n"
    assert db.one("SELECT cancelled FROM rcq.arrays WHERE id = %s", array) == 2


def test_a_running_job_is_told_to_end_and_is_run_again_when_asked(db, rcq):
    db.executor("a")
    gate = db.gate()
    job = int(rcq.text("submit", "-", stdin=gate.script.encode()))
    db.running(job)
    assert rcq.text("requeue", job).startswith(f"{job} ")
    harness.wait_for(lambda: db.job(job)["attempt"] == 2 and db.job(job)["status"] == "running", "the job runs again")
    assert rcq.text("cancel", job) == f"{job} cancelling\n"
    assert db.ended(job)["status"] == "cancelled"
    new = rcq.json("resubmit", job)
    assert new == [{"job": str(job), "answer": "submitted", "new_id": db.one("SELECT max(id) FROM rcq.jobs")}]
    gate.open()
    db.ended(new[0]["new_id"])


def test_failed_tasks_are_submitted_anew(db, rcq):
    db.executor("a")
    array = int(rcq.text("submit", "-a", "1-4", "-", stdin=b'[ "$RCQ_ARRAY_INDEX" -lt 3 ]'))
    db.ended(array)
    answer = rcq.text("resubmit", "--failed-tasks", array)
    new = int(answer.split()[-1])
    assert answer == f"{array} submitted as {new}\n"
    assert db.one("SELECT indices FROM rcq.arrays WHERE id = %s", new).replace(" ", "") in ("3-4", "3,4")


def test_a_filter_counts_first_and_changes_when_told_to(db, rcq):
    ids = [int(rcq.text("submit", "-J", f"sweep-{i}", "--project", "thesis", "--", "true")) for i in range(3)]
    other = int(rcq.text("submit", "-J", "sweeper_", "--", "true"))
    assert rcq.text("cancel", "--name", "sweep-*") == "3 would be changed: --yes does it\n"
    assert rcq.json("hold", "--project", "thesis", "--status", "pending") == {"action": "hold", "matched": 3, "changed": 0}
    assert rcq.text("priority", "--name", "sweep-?", "9", "--yes") == "3 matched, 3 changed\n"
    assert [db.job(job)["priority"] for job in [*ids, other]] == [9, 9, 9, 5]
    assert rcq.text("cancel", ids[0], ids[1], "--name", "*", "--yes") == "2 matched, 2 changed\n"
    assert [db.job(job)["status"] for job in [*ids, other]] == ["cancelled", "cancelled", "pending", "pending"]
    assert rcq.json("cancel", "--status", "pending,assigned", "--yes")["changed"] == 2


def test_a_refusal_of_one_job_does_not_keep_the_others(db, rcq):
    job = int(rcq.text("submit", "--", "true"))
    rcq.text("cancel", job)
    other = int(rcq.text("submit", "--", "true"))
    code, out, err = rcq("cancel", job, 4711, other)
    assert (code, out) == (1, f"{other} cancelled\n")
    assert f"rcq: job {job} has already ended: cancelled\n" in err and "rcq: there is no job 4711 of yours\n" in err
    code, out, _ = rcq("cancel", 4711, job, "--json")
    assert code == 4
    assert [sorted(answer) for answer in json.loads(out)] == [["error", "job"], ["error", "job"]]


def test_jobs_of_others_are_neither_seen_nor_changed(db, rcq):
    ann = db.user("ann")
    job = int(rcq.text("submit", "--", "true"))
    for arguments in (["show", job], ["explain", job], ["cancel", job], ["hold", job], ["priority", job, "3"], ["update", job, "-c", "2"], ["requeue", job], ["resubmit", job],
                      ["efficiency", job]):
        code, out, err = rcq(*arguments, user=ann)
        assert (code, out) == (4, ""), (arguments, code, out, err)
        assert "rcq: " in err
    assert db.job(job)["status"] == "pending"


@pytest.mark.parametrize("value", ["2-5:2", "1"])
def test_tasks_are_named_by_their_indices(db, rcq, value):
    array = int(rcq.text("submit", "-a", "1-6", "--hold", "--", "true"))
    rcq.text("cancel", f"{array}_{value}")
    gone = [row["index"] for row in db.sql("SELECT index FROM rcq.tasks(%s) WHERE status = 'cancelled'", array)]
    assert gone == {"2-5:2": [2, 4], "1": [1]}[value]
