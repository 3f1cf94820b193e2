"""What happens after a failure, through real executors: retries by policy, requeue, deadlines, submitting anew."""
import time

import harness


def failures(db, job):
    """Attempts that failed, with how each ended."""
    return [(run["attempt"], run["reason"], run["exit_code"]) for run in
            db.sql("SELECT * FROM rcq.runs WHERE job_id = %s AND status IN ('failed', 'lost') ORDER BY attempt", job)]


def delay(db, job):
    """Seconds between the end of the last attempt and the time from which the next one may start."""
    return db.one("SELECT date_part('epoch', l.eligible_at - (SELECT max(r.ended_at) FROM rcq_private.run r WHERE r.job_id = l.job_id)) "
                  "FROM rcq_private.live l WHERE l.job_id = %s", job)


def wait_for_attempts(db, job, attempts):
    harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.run WHERE job_id = %s", job) == attempts, f"{attempts} attempts of job {job} have failed")


def test_only_the_exit_codes_on_the_list_are_followed_by_another_attempt(db):
    db.executor("a")
    job = db.submit("if [ $RCQ_ATTEMPT -lt 3 ]; then exit 75; else exit 2; fi", max_retries=9, retry_on=["75", "oom"])
    row = db.ended(job)
    assert (row["status"], row["reason"], row["exit_code"], row["attempt"]) == ("failed", "exit_code", 2, 3)
    other = db.submit("kill -KILL $$", max_retries=9, retry_on=["75", "oom"])
    row = db.ended(other)
    assert (row["status"], row["reason"], row["attempt"]) == ("failed", "signal", 1)


def test_each_delay_is_twice_the_one_before_up_to_the_greatest(db):
    db.executor("a")
    job = db.submit("exit 1", max_retries=3, retry_delay="0.5 s", retry_backoff="exponential", retry_max_delay="1.5 s")
    for attempts, expected in ((1, 0.5), (2, 1.0), (3, 1.5)):
        wait_for_attempts(db, job, attempts)
        assert expected - 0.1 < delay(db, job) < expected + 0.5
    assert db.ended(job)["attempt"] == 4
    starts = [run["started_at"] for run in db.sql("SELECT started_at FROM rcq.runs WHERE job_id = %s ORDER BY attempt", job)]
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(starts, starts[1:])]
    assert [gap >= least for gap, least in zip(gaps, (0.5, 1.0, 1.5))] == [True] * 3, gaps


def test_a_job_that_ran_out_of_memory_succeeds_with_twice_as_much(db):
    db.executor("a")
    job = db.submit("exec python3 -c \"x = bytearray(150 << 20); import time; time.sleep(1)\"", memory_gb=0.125, max_retries=1, retry_memory_factor=2)
    row = db.ended(job)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert float(row["memory_gb"]) == 0.125, "what was asked for is not changed"
    assert float(row["granted_memory_gb"]) == 0.25
    assert failures(db, job) == [(1, "oom", None)]


def test_the_logs_of_each_attempt_are_kept_apart(db):
    db.executor("a")
    job = db.submit("echo this is attempt $RCQ_ATTEMPT; exit 1", max_retries=2)
    assert db.ended(job)["status"] == "failed"
    for attempt in (1, 2, 3):
        assert db.logs(job, attempt=attempt) == [f"this is attempt {attempt}"]


def test_a_requeued_job_is_ended_and_run_again_without_counting_as_a_failure(db):
    db.executor("a")
    gate = db.gate()
    job = db.submit(f"echo attempt $RCQ_ATTEMPT; if [ $RCQ_ATTEMPT = 1 ]; then sleep 60; fi; {gate.script}", requeue=False)
    harness.wait_for(lambda: db.logs(job) == ["attempt 1"], "the first attempt has begun")
    submitted = db.one("SELECT eligible_at FROM rcq_private.live WHERE job_id = %s", job)
    assert db.one("SELECT rcq.requeue(%s)", job) == "requeueing"
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq_private.live WHERE job_id = %s AND attempt = 2 AND claimed_at IS NOT NULL", job), "the second attempt runs")
    (live,) = db.sql("SELECT failures, losses, preempted, eligible_at FROM rcq_private.live WHERE job_id = %s", job)
    assert live == {"failures": 0, "losses": 0, "preempted": 0, "eligible_at": submitted}
    gate.open()
    row = db.ended(job)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert db.sql("SELECT reason FROM rcq_private.run WHERE job_id = %s", job) == [{"reason": "requeued"}]
    assert db.logs(job, attempt=1) == ["attempt 1"]


def test_a_deadline_ends_a_running_job_and_is_not_retried(db):
    db.executor("a")
    began = time.monotonic()
    job = db.submit("sleep 60", max_retries=5, deadline=db.one("SELECT clock_timestamp() + interval '2 s'"))
    row = db.ended(job)
    assert (row["status"], row["reason"], row["attempt"]) == ("failed", "deadline", 1)
    assert row["ended_at"] >= db.one("SELECT deadline FROM rcq_private.job WHERE id = %s", job)
    assert time.monotonic() - began < 8


def test_a_job_that_has_not_started_by_its_deadline_fails(db):
    db.executor("a", cores=1)
    gate = db.gate()
    running = db.submit(gate.script)
    db.running(running)
    job = db.submit("true", deadline=db.one("SELECT clock_timestamp() + interval '1 s'"))
    row = db.ended(job)
    assert (row["status"], row["reason"], row["started_at"]) == ("failed", "deadline", None)
    assert (row["ended_at"] - db.one("SELECT deadline FROM rcq_private.job WHERE id = %s", job)).total_seconds() < 2
    gate.open()
    assert db.ended(running)["status"] == "completed"


def test_failed_jobs_are_submitted_anew_in_bulk_once_their_cause_is_mended(db):
    db.executor("a")
    gate = db.gate()
    user = db.user("ann")
    script = f"test -e {gate.path}"
    jobs = [db.submit(script, user=user, name=f"night {n}") for n in range(5)]
    good = db.submit("true", user=user)
    assert [db.ended(job)["status"] for job in [*jobs, good]] == ["failed"] * 5 + ["completed"]
    assert sorted(row["id"] for row in db.sql("SELECT id FROM rcq.dead_jobs", user=user)) == jobs
    gate.open()
    assert db.one("SELECT rcq.resubmit_failed()", user=user) == 5
    assert db.one("SELECT rcq.resubmit_failed()", user=user) == 0
    anew = [row["id"] for row in db.sql("SELECT id FROM rcq.jobs WHERE id > %s ORDER BY id", good)]
    assert [db.ended(job)["status"] for job in anew] == ["completed"] * 5
    assert db.sql("SELECT id FROM rcq.dead_jobs", user=user) == []
    assert sorted(row["name"] for row in db.sql("SELECT name FROM rcq.jobs WHERE id > %s", good)) == [f"night {n}" for n in range(5)]
