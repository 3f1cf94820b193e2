"""The host under the executor: its health, its disk, its GPUs, its configuration, and what an administrator sees of them."""
import json
import os
import pwd
import signal
import subprocess

import pytest

from harness import run_as, wait_for


class Files:
    """Files of one host that the executor's user can read and run."""

    def __init__(self, server, name):
        self.path = os.path.join(server.dir, f"host-{name}")
        os.mkdir(self.path)
        os.chmod(self.path, 0o755)
        self._own(self.path)

    @staticmethod
    def _own(path):
        if os.geteuid() == 0:
            os.chown(path, run_as()["user"], run_as()["group"])

    def write(self, name, text, mode=0o644):
        """Replaces the file in one step: somebody may be reading it."""
        path = os.path.join(self.path, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path + ".new", mode)
        self._own(path + ".new")
        os.rename(path + ".new", path)
        return path

    def program(self, name, text):
        return self.write(name, f"#!/bin/sh\n{text}\n", 0o755)


@pytest.fixture
def files(db):
    return Files(db.server, db.name)


def executor_row(db, executor):
    """Its row, once it has registered."""
    (row,) = wait_for(lambda: db.sql("SELECT * FROM rcq.executors WHERE name = %s AND registered_at IS NOT NULL", executor.role), "registered")
    return row


def wait_drained(db, executor, reason):
    def row():
        found = executor_row(db, executor)
        return found["status"] == "draining" and reason in (found["reason"] or "") and found
    return wait_for(row, f"{executor.role} drains because {reason!r}; it is {executor_row(db, executor)}")


def wait_fit(db, executor):
    wait_for(lambda: executor_row(db, executor)["status"] in ("idle", "busy"), f"{executor.role} takes runs")


def status(executor):
    """What rcq-executor --status says: the exit code and the file."""
    done = subprocess.run([executor.database.server.executor_binary, "--config", "/dev/null", "--state-dir", executor.state_dir, "--status"],
                          capture_output=True, text=True, check=False)
    text = done.stdout[:done.stdout.rfind("}") + 1]
    return done.returncode, json.loads(text) if text else None


def test_a_failed_health_check_drains_the_host_until_it_succeeds(db, files):
    bad = os.path.join(files.path, "bad")
    check = files.program("check", f"if [ -e {bad} ]; then echo disk sda is failing; exit 3; fi")
    executor = db.executor("a", "--health-check", check, "--health-interval", "0.1")
    assert db.ended(db.submit("true"))["status"] == "completed"
    files.write("bad", "")
    wait_drained(db, executor, "health check failed: exit code 3: disk sda is failing")
    job = db.submit("true")
    wait_for(lambda: status(executor)[1]["drain_reason"], "the status file says why")
    assert "disk sda" in status(executor)[1]["drain_reason"]
    db.let_it_plan()
    assert db.job(job)["status"] == "pending"
    os.unlink(bad)
    assert db.ended(job)["status"] == "completed"
    assert executor_row(db, executor)["reason"] is None


def test_a_running_job_goes_on_while_the_host_is_unfit(db, files):
    check = files.program("check", f"[ ! -e {files.path}/bad ]")
    executor = db.executor("a", "--health-check", check, "--health-interval", "0.1")
    gate = db.gate()
    job = db.submit(gate.script)
    db.running(job)
    files.write("bad", "")
    wait_drained(db, executor, "health check failed")
    gate.open()
    assert db.ended(job)["status"] == "completed"


def test_a_host_with_too_little_room_takes_nothing(db):
    executor = db.executor("a", "--min-free-gb", "1e8", wait=False)
    wait_drained(db, executor, "GB free in " + executor.state_dir)
    job = db.submit("true")
    db.let_it_plan()
    assert db.job(job)["status"] == "pending"
    executor.kill()
    executor.options[executor.options.index("1e8")] = "0"
    executor.start()
    assert db.ended(job)["status"] == "completed"


GPUS = ["GPU-5f1c", "GPU-77aa", "GPU-90be"]


def fake_gpus(files, ids, fault=None):
    files.write("gpus", "".join(f"{i}, {uuid}, NVIDIA A100-SXM4-80GB, {'[Unknown Error]' if uuid == fault else 81920}\n"
                                for i, uuid in enumerate(ids)))
    return files.program("nvidia-smi", f"exec cat {files.path}/gpus")


def test_gpus_are_found_and_granted_by_uuid_to_one_job_at_a_time(db, files):
    executor = db.executor("a", "--gpu-query", fake_gpus(files, GPUS), gpus="auto")
    row = executor_row(db, executor)
    assert row["gpu_count"] == 3 and row["gpu_type"] == "a100" and "gpu:a100" in row["features"]
    assert [gpu["id"] for gpu in row["info"]["gpus"]] == GPUS
    assert row["info"]["gpus"][0]["memory_mib"] == 81920
    gate = db.gate()
    jobs = [db.submit(f"echo $CUDA_VISIBLE_DEVICES; {gate.script}", gpu_count=count, gpu_type="a100") for count in (2, 1)]
    for job in jobs:
        db.running(job)
        wait_for(lambda job=job: db.logs(job), f"job {job} says what it has")
    later = db.submit("echo $CUDA_VISIBLE_DEVICES", gpu_count=3)
    given = [db.logs(job)[0].split(",") for job in jobs]
    assert sorted(given[0] + given[1]) == GPUS and len(given[0]) == 2
    wait_for(lambda: status(executor)[1]["free_gpus"] == 0, "the status file counts GPUs")
    gate.open()
    assert db.ended(later)["status"] == "completed"
    assert db.logs(later) == [",".join(GPUS)]


def test_a_gpu_that_fails_drains_the_host_and_is_named(db, files):
    executor = db.executor("a", "--gpu-query", fake_gpus(files, GPUS), "--health-interval", "0.1", gpus="auto")
    fake_gpus(files, GPUS, fault="GPU-77aa")
    wait_drained(db, executor, "GPU GPU-77aa: [Unknown Error]")
    fake_gpus(files, GPUS[:2])
    wait_drained(db, executor, "GPU GPU-90be: is gone")
    fake_gpus(files, GPUS)
    wait_fit(db, executor)


def test_a_failed_prolog_drains_the_host_until_an_administrator_resumes_it(db, files):
    prolog = files.program("prolog", f"if [ -e {files.path}/bad ]; then echo no scratch; exit 1; fi")
    executor = db.executor("a", "--prolog", prolog)
    assert db.ended(db.submit("true"))["status"] == "completed"
    files.write("bad", "")
    job = db.submit("true", max_retries=0)
    wait_drained(db, executor, "prolog")
    os.unlink(os.path.join(files.path, "bad"))
    other = db.submit("true")
    db.let_it_plan()
    assert db.job(other)["status"] == "pending"
    db.sql("SELECT rcq.resume_executor(%s)", executor.role)
    assert db.ended(other)["status"] == "completed"
    assert db.ended(job)["status"] in ("failed", "completed")


def test_a_configuration_file_is_read_and_the_command_line_wins(db, files):
    configuration = files.write("executor.conf", 'features = ["from-file", "ib"]\ncpu-cores = 3\nno-detect = true\nhostname = "named-by-file"\n')
    executor = db.executor("a", "--config", configuration, "--hostname", "named-by-hand")
    row = executor_row(db, executor)
    assert row["features"] == ["from-file", "ib"] and row["hostname"] == "named-by-hand" and row["cpu_cores"] == 4


def test_features_and_facts_of_the_host_are_found_out(db):
    row = executor_row(db, db.executor("a", "--hostname", "node-a"))
    kinds = {feature.split(":")[0] for feature in row["features"]}
    assert {"arch", "kernel", "os"} <= kinds and "host:node-a" in row["features"]
    assert row["info"]["arch"] == os.uname().machine and row["info"]["kernel"] == os.uname().release
    assert db.ended(db.submit("true", features=["arch:" + os.uname().machine]))["status"] == "completed"


def test_the_status_file_tells_connected_from_cut_off_and_from_gone(db):
    executor = db.executor("a", cores=1)
    wait_for(lambda: status(executor)[0] == 0, "connected")
    report = status(executor)[1]
    assert report["name"] == executor.role and report["free_cpu_cores"] == 1 and report["pid"] == executor.process.pid
    db.server.stop("immediate")
    wait_for(lambda: status(executor)[0] == 5, "cut off")
    db.server.start()
    wait_for(lambda: status(executor)[0] == 0, "connected again")
    executor.kill()
    code, report = status(executor)
    assert code == 6 and report["name"] == executor.role, "what it was doing last"
    executor.start()
    wait_for(lambda: status(executor)[0] == 0, "a new process")
    executor.signal(signal.SIGTERM)
    assert executor.wait_exit() == 0
    assert status(executor) == (6, None)


def test_sighup_changes_nothing(db):
    executor = db.executor("a")
    gate = db.gate()
    job = db.submit(gate.script)
    db.running(job)
    executor.signal(signal.SIGHUP)
    gate.open()
    assert db.ended(job)["status"] == "completed"
    assert executor.process.poll() is None


def check(db, role, *options, **changes):
    words = {"host": db.server.dir, "port": db.server.port, "dbname": db.name, "user": role, **changes}
    return subprocess.run([db.server.executor_binary, "--config", "/dev/null", "--check", "--hostname", "n1", "--state-dir",
                           os.path.join(db.server.dir, "checked"), "--dsn", " ".join(f"{k}={v}" for k, v in words.items()), *options],
                          capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], "HOME": db.server.dir}, **run_as())


def test_check_says_what_would_keep_this_host_from_working(db, files):
    role = f"{db.name}_a"
    db.sql("SELECT rcq.create_executor_login(%s, 'secret')", role)
    fine = check(db, role)
    assert fine.returncode == 0, fine.stderr
    assert json.loads(fine.stdout)["capacity"]["info"]["hostname"] == "n1" and f'login "{role}"' in fine.stderr
    assert not os.path.exists(os.path.join(db.server.dir, "checked"))
    assert not executor_registered(db, role), "it only looked"

    wrong = check(db, role, "--prolog", "/no/such/prolog", "--epilog", files.write("epilog", "", 0o644), "--supervisor", "/no/supervisor")
    assert wrong.returncode == 1
    for word in ("--prolog: /no/such/prolog", "--epilog: ", "cannot be executed", "--supervisor: /no/supervisor"):
        assert word in wrong.stderr

    stranger = check(db, "postgres")
    assert stranger.returncode == 2 and "is no executor" in stranger.stderr
    elsewhere = check(db, role, dbname="postgres")
    assert elsewhere.returncode == 2 and "the extension is not there" in elsewhere.stderr
    away = check(db, role, port=1)
    assert away.returncode == 5 and "no connection to the database" in away.stderr
    unhealthy = check(db, role, "--health-check", files.program("check", "echo no; exit 1"))
    assert unhealthy.returncode == 0 and "health check fails, the executor would drain: exit code 1: no" in unhealthy.stderr


def executor_registered(db, role):
    return db.one("SELECT registered_at IS NOT NULL FROM rcq.executors WHERE name = %s", role)


def test_as_root_it_wants_to_know_who_jobs_may_run_as(db):
    if os.geteuid() != 0:
        pytest.skip("not root")
    done = subprocess.run([db.server.executor_binary, "--config", "/dev/null", "--state-dir", os.path.join(db.server.dir, "root")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "--allow-users" in done.stderr
    done = subprocess.run([db.server.executor_binary, "--config", "/dev/null", "--state-dir", os.path.join(db.server.dir, "root"),
                           "--allow-users", f"{pwd.getpwnam('nobody').pw_name},no-such-user"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and 'there is no unix user "no-such-user"' in done.stderr
