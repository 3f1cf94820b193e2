"""What a job cannot do: use more than it was granted, keep others from their share, see what is not its own."""
import os
import pwd
import re
import resource
import shutil
import stat

import harness
import pytest

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run jobs as other users")


def status_of(job_pid, field):
    with open(f"/proc/{job_pid}/status", encoding="utf-8") as status:
        return re.search(rf"^{field}:\s*(.*)$", status.read(), re.M).group(1)


def test_the_containment_is_told_once(db):
    executor = db.executor("a")
    (line,) = [line for line in executor.log().splitlines() if "event=containment" in line]
    assert re.search(r"cgroup=\S+ memory=(cgroup|watched) cpu=(cgroup|shared) processes=(cgroup|rlimit)", line)


def test_required_cgroups_that_cannot_be_had_are_refused_with_a_reason(db):
    executor = db.executor("a", "--cgroup", "/no/such/cgroup", wait=False)
    assert executor.wait_exit() == 1
    assert "--cgroup /no/such/cgroup: cannot make /no/such/cgroup/executor: No such file or directory" in executor.log()


def test_memory_of_all_processes_of_a_job_counts(db):
    db.executor("a")
    eat = "python3 -c 'x = bytearray(70 << 20); import time; time.sleep(30)'"
    job = db.submit(f"{eat} & {eat} & setsid {eat} & wait", memory_gb=0.15)
    row = db.ended(job, 30)
    assert (row["status"], row["reason"]) == ("failed", "oom")


def test_runs_are_bound_to_cores_of_their_own(db):
    cores = sorted(os.sched_getaffinity(0))
    assert len(cores) >= 2, "this test needs two cores"
    db.executor("a", cores=len(cores))
    gate = db.gate()
    script = f"python3 -c 'import os; print(sorted(os.sched_getaffinity(0)))'; {gate.script}"
    jobs = [db.submit(script, memory_gb=0.1) for _ in range(2)]
    harness.wait_for(lambda: all(db.logs(job) for job in jobs), "both have told")
    gate.open()
    seen = [eval(db.logs(job)[0]) for job in jobs]  # pylint: disable=eval-used
    assert all(len(own) == 1 for own in seen) and seen[0] != seen[1]
    assert db.ended(jobs[1])["status"] == "completed"


def test_nobody_is_bound_when_more_cores_are_offered_than_there_are(db):
    db.executor("a", cores=len(os.sched_getaffinity(0)) + 1)
    job = db.submit("python3 -c 'import os; print(len(os.sched_getaffinity(0)))'")
    db.ended(job)
    assert db.logs(job) == [str(len(os.sched_getaffinity(0)))]


def test_a_job_has_no_open_files_but_its_own(db):
    db.executor("a")
    job = db.submit("#!/usr/bin/python3\nimport os\nprint(sorted(int(fd) for fd in os.listdir('/proc/self/fd')))\nprint(os.readlink('/proc/self/fd/0'))")
    db.ended(job)
    listed, stdin = db.logs(job)
    assert listed == "[0, 1, 2, 3]", "3 is the directory that lists them"
    assert stdin == "/dev/null"


def test_limits_of_a_process_are_set(db):
    db.executor("a", "--max-open-files", "99", "--max-core-gb", "0")
    job = db.submit("ulimit -n; ulimit -c")
    db.ended(job)
    assert db.logs(job) == ["99", "0"]


def test_a_directory_that_grows_too_large_ends_its_run(db):
    db.executor("a", "--run-quota-gb", "0.01")
    job = db.submit("while :; do head -c 1000000 /dev/zero >> $RCQ_RUN_DIR/big; sleep 0.02; done")
    row = db.ended(job, 30)
    assert (row["status"], row["reason"]) == ("failed", "disk_quota")


def test_a_failed_prolog_drains_the_host_until_an_administrator_resumes_it(db):
    flag = os.path.join(db.server.dir, f"{db.name}-fit")
    prolog = os.path.join(db.server.dir, f"{db.name}-prolog")
    with open(prolog, "w", encoding="utf-8") as program:
        program.write(f"#!/bin/sh\ntest -e {flag} || {{ echo no scratch disk; exit 1; }}\n")
    os.chmod(prolog, 0o755)
    executor = db.executor("a", "--prolog", prolog)
    job = db.submit("echo ran")
    harness.wait_for(lambda: db.one("SELECT status FROM rcq.executors") == "draining", "it drains")
    assert "prolog" in db.one("SELECT reason FROM rcq.executors")
    with open(flag, "w", encoding="utf-8"):
        pass
    db.sql("SELECT rcq.resume_executor(%s)", executor.role)
    assert db.ended(job)["status"] == "completed"
    assert db.logs(job) == ["ran"]


@as_root
class TestUsers:
    """An executor that was started as root."""

    @pytest.fixture
    def executor(self, db):
        secret = os.path.join(db.server.dir, f"{db.name}-pgpass")
        with open(secret, "w", encoding="utf-8") as passwords:
            passwords.write("*:*:*:*:secret\n")
        os.chmod(secret, 0o600)
        os.chmod(db.server.dir, 0o755)  # on the way to the state directory
        return db.executor("a", "--allow-users", "nobody,daemon", "--default-user", "nobody", as_root=True)

    def test_a_job_runs_as_its_user_in_a_directory_of_its_own(self, db, executor):
        alice = db.user("alice", unix_user="daemon")
        job = db.one("SELECT rcq.submit('id -un; echo $HOME $USER $LOGNAME; pwd; umask; echo 5 > $RCQ_RESULT; echo x > $RCQ_OUTPUT_DIR/f')", user=alice)
        row = db.ended(job)
        assert row["status"] == "completed", row["message"]
        who, names, where, mask = db.logs(job)
        home = pwd.getpwnam("daemon").pw_dir
        assert (who, names, mask) == ("daemon", f"{home} daemon daemon", "0022")
        assert os.path.dirname(os.path.dirname(where)) == os.path.join(executor.state_dir, "runs")
        assert row["result"] == 5 and [file["name"] for file in row["output"]["files"]] == ["f"]

    def test_people_without_a_unix_user_run_as_the_default_one(self, db, executor):
        job = db.submit("id -un")
        assert db.ended(job)["status"] == "completed"
        assert db.logs(job) == ["nobody"]
        assert executor.process.poll() is None

    @pytest.mark.parametrize("user, why", [("root", "superuser"), ("bin", "not allowed"), ("no-such-user", "does not exist")])
    def test_who_is_not_allowed_is_refused(self, db, executor, user, why):
        role = db.user("mallory", unix_user=user) if user != "root" else db.user("mallory")
        if user == "root":
            db.sql("ALTER TABLE rcq_private.users DROP CONSTRAINT IF EXISTS users_unix_user_check")
            db.sql("UPDATE rcq_private.users SET unix_user = 'root' WHERE role_name = %s", role)
        job = db.one("SELECT rcq.submit('id')", user=role)
        row = db.ended(job)
        assert (row["status"], row["reason"]) == ("failed", "spawn_error")
        assert why in row["message"]
        assert executor.process.poll() is None

    def test_a_job_sees_neither_credentials_nor_the_files_of_others(self, db, executor):
        bob = db.user("bob", unix_user="daemon")
        gate = db.gate()
        private = db.one("SELECT rcq.submit(%s)", f"echo secret > private; chmod 644 private; pwd; {gate.script}", user=bob)
        harness.wait_for(lambda: db.logs(private), "bob's job runs")
        (where,) = db.logs(private)
        run = os.path.dirname(where)
        secret = os.path.join(db.server.dir, f"{db.name}-pgpass")
        looks = [f"cat {where}/private", f"ls {where}", f"ls {run}", f"cat {run}/launch", f"cat {run}/log", f"cat {secret}",
                 f"ls {executor.state_dir}/runs", f"cat /proc/{executor.process.pid}/environ", f"cat /proc/{executor.process.pid}/maps",
                 f"kill -0 {executor.process.pid}", f"echo x > {run}/end"]
        job = db.submit("\n".join(f"if ( {look} ) >/dev/null 2>&1; then echo 'could: {look}'; fi" for look in looks) + "\necho looked")
        assert db.ended(job)["status"] == "completed"
        assert db.logs(job) == ["looked"]
        assert stat.S_IMODE(os.stat(where).st_mode) == 0o700
        gate.open()
        assert db.ended(private)["status"] == "completed"

    def test_links_lead_nobody_to_what_only_root_may_read(self, db, executor):
        secret = os.path.join(db.server.dir, f"{db.name}-pgpass")
        result = db.submit(f"ln -s {secret} $RCQ_RESULT")
        outputs = db.submit(f"rmdir $RCQ_OUTPUT_DIR; ln -s {db.server.dir} $RCQ_OUTPUT_DIR; ln -s {secret} link")
        row = db.ended(result)
        assert (row["status"], row["reason"]) == ("failed", "bad_result")
        row = db.ended(outputs)
        assert row["status"] == "completed" and row["output"] is None
        harness.wait_for(lambda: not executor.processes(), "all is over")
        assert os.path.exists(secret) and os.path.exists(os.path.join(db.server.dir, "data"))

    def test_a_job_of_another_user_says_how_far_it_is_and_nothing_that_is_not_its_own(self, db, executor):
        secret = os.path.join(db.server.dir, f"{db.name}-secret")
        with open(secret, "w", encoding="utf-8") as text:
            text.write("66 secret\n")
        os.chmod(secret, 0o600)
        alice = db.user("alice", unix_user="daemon")
        gate, last = db.gate(), db.gate()
        job = db.one("SELECT rcq.submit(%s)", f"rcq-job progress 30 mine; {gate.script}; rm $RCQ_PROGRESS; ln -s {secret} $RCQ_PROGRESS; {last.script}", user=alice)
        other = db.submit(f"{gate.script}; rcq-job progress 1; {last.script}")

        def said(which):
            row = db.job(which)
            return row["progress"], row["progress_message"]
        harness.wait_for(lambda: said(job) == (30, "mine"), "it says how far it is")
        gate.open()
        harness.wait_for(lambda: said(other) == (1, None), "the other says how far it is")
        assert said(job) == (30, "mine")
        last.open()
        assert db.ended(job)["status"] == db.ended(other)["status"] == "completed"

    def test_a_run_of_another_user_is_taken_over(self, db, executor):
        db.set(lost_after="60 s", lease="20 s")
        alice = db.user("alice", unix_user="daemon")
        gate = db.gate()
        job = db.one("SELECT rcq.submit(%s, requeue => false)", f"id -un; {gate.script}; echo 3 > $RCQ_RESULT", user=alice)
        harness.wait_for(lambda: db.logs(job), "it runs")
        executor.kill()
        executor.start()
        executor.wait_online()
        gate.open()
        row = db.ended(job)
        assert (row["status"], row["attempt"], row["result"], db.logs(job)) == ("completed", 1, 3, ["daemon"])

    def test_root_without_allowed_users_is_refused(self, db):
        executor = db.executor("b", as_root=True, wait=False)
        assert executor.wait_exit() == 1
        assert "--allow-users" in executor.log()


def test_a_host_that_cannot_start_runs_leaves_them_to_others(db):
    copy = os.path.join(db.server.dir, db.name + "-supervisor")
    shutil.copy(os.path.join(os.path.dirname(db.server.executor_binary), "rcq-supervisor"), copy)
    os.chmod(copy, 0o755)
    broken = db.executor("a", "--supervisor", copy)
    os.remove(copy)
    jobs = [db.submit("echo $RCQ_EXECUTOR", requeue=False) for _ in range(3)]
    harness.wait_for(lambda: "event=host_fault" in broken.log(), "it drains")
    other = db.executor("b")
    for job in jobs:
        row = db.ended(job, 30)
        assert (row["status"], row["executor"]) == ("completed", other.role)
    assert db.one("SELECT count(*) FROM rcq.runs WHERE status = 'failed'") == 0
    assert "cannot start the supervisor" in broken.log()


def test_jobs_get_as_many_open_files_as_the_executor_was_given(db):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    try:
        executor = db.executor("a")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with open(f"/proc/{executor.process.pid}/limits", encoding="utf-8") as limits:
        own = re.search(r"Max open files +(\d+)", limits.read()).group(1)
    assert own == str(min(hard, 1 << 20)), "its own are raised"
    job = db.submit("ulimit -Sn; ulimit -Hn")
    db.ended(job)
    assert db.logs(job) == ["1000", str(hard)]
