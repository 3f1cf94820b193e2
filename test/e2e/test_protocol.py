"""What executor and server say to each other besides runs: terms, contact, drains, handing over, stopping, and servers that are older."""
import contextlib
import os
import signal
import struct
import time

import psycopg2
import pytest
from harness import book, lines, wait_for


def contact(executor):
    """When the last sync that succeeded was sent and lost_after, in ms; None when there is no such file."""
    try:
        with open(os.path.join(executor.state_dir, "contact"), "rb") as file:
            return struct.unpack("<qq", file.read())
    except (OSError, struct.error):
        return None


def boottime_ms():
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


def row(db, executor):
    (found,) = db.sql("SELECT * FROM rcq.executors WHERE name = %s", executor.role)
    return found


def drained(db, executor, reason):
    wait_for(lambda: row(db, executor)["status"] == "draining" and reason in (row(db, executor)["reason"] or ""),
             f"it drains because {reason!r}; it is {row(db, executor)}")


def reconnect(db, executor):
    """Cuts the executor off and waits until it is back."""
    count = executor.log().count("event=registered")
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", executor.role)
    wait_for(lambda: executor.log().count("event=registered") > count, "it registers again")


def program(db, name, text):
    """A program that the executor can run and a test can replace in one step."""
    path = os.path.join(db.server.dir, f"{db.name}-{name}")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
    return path


# --- terms and contact

def test_contact_says_when_the_server_may_start_runs_elsewhere_and_follows_changed_terms(db):
    executor = db.executor("a")
    wait_for(lambda: contact(executor), "the contact file")
    at, lost_after = contact(executor)
    assert lost_after == 3000, "whole, without the grace"
    assert 0 <= boottime_ms() - at < 3000
    db.set(lost_after="90 s", lease="20 s")
    wait_for(lambda: contact(executor)[1] == 90000, "the new lost_after, without a new registration")
    assert executor.log().count("event=registered") == 1
    wait_for(lambda: contact(executor)[0] > at, "it is written again")


def test_a_contact_file_that_cannot_be_written_is_written_later_and_complained_of_once(db):
    executor = db.executor("a")
    path = os.path.join(executor.state_dir, "contact")
    wait_for(lambda: contact(executor), "the contact file")
    os.unlink(path)
    os.mkdir(path)
    for _ in range(3):
        assert db.ended(db.submit("true"))["status"] == "completed"
    os.rmdir(path)
    wait_for(lambda: contact(executor), "the contact file again")
    assert executor.log().count("event=contact_file_failed") == 1


def test_a_kill_grace_that_leaves_no_time_is_complained_of_once(db):
    executor = db.executor("a", "--kill-grace", "2")
    reconnect(db, executor)
    assert executor.log().count("event=kill_grace_too_long") == 1
    assert "event=kill_grace_too_long" not in db.executor("b", "--kill-grace", "1").log()


# --- drains

def test_a_failed_epilog_drains_until_it_is_resumed_also_over_restarts_and_never_comes_back(db):
    epilog = program(db, "epilog", "exit 1")
    executor = db.executor("a", "--epilog", epilog)
    db.ended(db.submit("true"))
    drained(db, executor, "epilog")
    program(db, "epilog", "exit 0")
    executor.kill()
    executor.start()
    wait_for(lambda: executor.log().count("event=registered") == 2, "the next process is there")
    drained(db, executor, "epilog")
    db.sql("SELECT rcq.resume_executor(%s)", executor.role)
    assert db.ended(db.submit("true"))["status"] == "completed"
    reconnect(db, executor)
    executor.kill()
    executor.start()
    executor.wait_online()
    assert db.ended(db.submit("true"))["status"] == "completed"
    assert row(db, executor)["reason"] is None


def test_a_failed_epilog_does_not_come_back_with_the_condition_of_the_host_that_follows_it(db):
    health, epilog = program(db, "health", "exit 0"), program(db, "epilog", "exit 1")
    executor = db.executor("a", "--epilog", epilog, "--health-check", health, "--health-interval", "0.1")
    db.ended(db.submit("true"))
    drained(db, executor, "epilog")
    program(db, "epilog", "exit 0")
    db.sql("SELECT rcq.resume_executor(%s)", executor.role)
    program(db, "health", "exit 1")
    drained(db, executor, "health check failed")
    program(db, "health", "exit 0")
    wait_for(lambda: row(db, executor)["status"] == "idle", "it is fit again")
    assert db.ended(db.submit("true"))["status"] == "completed"


def test_a_resume_does_not_end_the_drain_of_a_host_that_is_still_unfit(db):
    executor = db.executor("a", "--min-free-gb", "1e8", wait=False)
    drained(db, executor, "GB free in")
    job = db.submit("true")
    for _ in range(2):
        db.sql("SELECT rcq.resume_executor(%s)", executor.role)
        assert row(db, executor)["status"] != "draining"
        drained(db, executor, "GB free in")
    wait_for(lambda: db.job(job)["status"] == "pending" and db.job(job)["executor"] is None, "the job waits")


# --- handing over

def test_what_was_claimed_begins_before_an_executor_hands_over(db):
    db.set(lost_after="60 s", lease="20 s", claim_timeout="60 s")
    executor = db.executor("a", cores=120)
    starts, gate = book(db, "starts"), db.gate()
    jobs = db.one("SELECT array_agg(rcq.submit(%s, requeue => false)) FROM generate_series(1, 120)", f"echo $RCQ_JOB_ID >> {starts}; {gate.script}")
    wait_for(lambda: "event=run_started" in executor.log(), "the first one begins")
    executor.signal(signal.SIGUSR1)
    assert executor.wait_exit() == 0
    executor.start()
    gate.open()
    for job in jobs:
        ended = db.ended(job, 60)
        assert (ended["status"], ended["attempt"]) == ("completed", 1)
    assert sorted(lines(starts)) == sorted(str(job) for job in jobs)


def test_an_answer_that_is_under_way_is_taken_before_an_executor_hands_over(db):
    db.set(lost_after="60 s", lease="20 s", claim_timeout="60 s")
    executor = db.executor("a")
    blocker = db.server.connect(db.name)
    blocker.autocommit = False
    try:
        db.sql("SELECT rcq.pause('a moment')")
        gate = db.gate()
        job = db.submit(gate.script, requeue=False)
        part = db.one("SELECT tableoid::regclass::text FROM rcq_private.job WHERE id = %s", job)
        blocker.cursor().execute(f"LOCK TABLE {part} IN ACCESS EXCLUSIVE MODE")  # where the sync that claims reads the script
        db.sql("SELECT rcq.resume()")
        wait_for(lambda: db.sql("SELECT 1 FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'", executor.role), "it is being claimed")
        executor.signal(signal.SIGUSR1)
        wait_for(lambda: "event=hand_over" in executor.log(), "it is told to hand over")
        blocker.rollback()
        assert executor.wait_exit() == 0
        assert "event=run_started" in executor.log()
        executor.start()
        gate.open()
        ended = db.ended(job)
        assert (ended["status"], ended["attempt"]) == ("completed", 1)
    finally:
        blocker.close()


def test_an_executor_that_is_cut_off_hands_over_at_once(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    gate = db.gate()
    job = db.submit(gate.script, requeue=False)
    db.running(job)
    db.server.stop("immediate")
    began = time.monotonic()
    executor.signal(signal.SIGUSR1)
    assert executor.wait_exit() == 0 and time.monotonic() - began < 5
    db.server.start()
    executor.start()
    gate.open()
    assert db.ended(job)["status"] == "completed"


# --- the end

def test_a_replaced_executor_ends_only_after_its_runs(db):
    executor = db.executor("a")
    job = db.submit("trap '' TERM; sleep 1000 & wait; sleep 1000")
    db.running(job)
    wait_for(lambda: len(executor.processes()) >= 2, "supervisor and job live")
    supervisors = [pid for pid in executor.processes() if os.readlink(f"/proc/{pid}/exe").endswith("rcq-supervisor")]
    for pid in supervisors:
        os.kill(pid, signal.SIGSTOP)
    db.sql("UPDATE rcq_private.executor SET incarnation = 1 WHERE name = %s", executor.role)
    wait_for(lambda: "sqlstate=RC021" in executor.log(), "it learns that it was replaced")
    began = time.monotonic()
    while executor.process.poll() is None and time.monotonic() - began < 8:
        time.sleep(0.05)
    assert executor.process.poll() is None or not executor.processes(), "it is gone and its runs are not"
    for pid in supervisors:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert executor.wait_exit() == 3
    assert not executor.processes(), "a run goes on although its executor is gone"


@pytest.mark.parametrize("stops, with_run, code", [(1, False, 0), (2, False, 0), (2, True, 4), (3, True, 4)])
def test_a_stop_ends_also_without_a_database(db, stops, with_run, code):
    executor = db.executor("a")
    if with_run:
        job = db.submit("trap '' TERM; while :; do sleep 0.1; done")
        db.running(job)
    db.server.stop("immediate")
    try:
        wait_for(lambda: "event=connection_lost" in executor.log(), "it is cut off")
        for count in range(1, stops + 1):
            if executor.process.poll() is None:
                executor.signal(signal.SIGTERM)
                if with_run and count < 3:
                    word = {1: "event=drain ", 2: "event=cancel_runs"}[count]
                    wait_for(lambda word=word: word in executor.log(), f"stop {count} is heard")
        assert executor.wait_exit(30) == code
        assert not executor.processes()
    finally:
        db.server.start()


def test_an_end_that_could_not_be_reported_is_reported_by_the_next_executor(db):
    db.set(lost_after="60 s", lease="20 s")
    executor = db.executor("a")
    starts, gate = book(db, "starts"), db.gate()
    ends, stays = db.submit(f"echo $RCQ_ATTEMPT >> {starts}; {gate.script}; echo done"), db.submit("trap '' TERM; while :; do sleep 0.1; done", requeue=False)
    db.running(ends)
    db.running(stays)
    wait_for(lambda: lines(starts), "it has begun")
    db.server.stop("immediate")
    gate.open()
    wait_for(lambda: "event=run_ended" in executor.log(), "it ends while there is no database")
    for word in ("event=drain ", "event=cancel_runs", None):
        executor.signal(signal.SIGTERM)
        if word:
            wait_for(lambda word=word: word in executor.log(), word)
    assert executor.wait_exit() == 4
    db.server.start()
    executor.start()
    row_ = db.ended(ends)
    assert (row_["status"], row_["attempt"], db.logs(ends)) == ("completed", 1, ["done"])
    assert lines(starts) == ["1"]


# --- servers of before 0.4

@pytest.fixture
def old(db):
    """A server as 0.3 was, as far as executors see it."""
    db.sql("ALTER EXTENSION rcq DROP FUNCTION rcq.executor_log_position(integer, bigint, bigint[], bigint[])")
    db.sql("DROP FUNCTION rcq.executor_log_position(integer, bigint, bigint[], bigint[])")
    db.sql("ALTER EXTENSION rcq DROP FUNCTION rcq.executor_drain(integer, bigint, text, boolean)")
    db.sql("DROP FUNCTION rcq.executor_drain(integer, bigint, text, boolean)")
    db.sql("""CREATE FUNCTION rcq.executor_drain(executor integer, incarnation bigint, reason text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            UPDATE rcq_private.executor e SET leaving = COALESCE(reason, 'drained by its process') WHERE e.id = executor;
            PERFORM rcq_private.definitions_changed();
        END $$""")
    arguments = "executor integer, incarnation bigint, acked_seq bigint, live_tokens bigint[], finished jsonb, usage jsonb, max_new integer"
    db.sql(f"ALTER EXTENSION rcq DROP FUNCTION rcq.executor_sync({arguments})")
    db.sql(f"ALTER FUNCTION rcq.executor_sync({arguments}) RENAME TO sync_of_today")
    db.sql(f"""CREATE FUNCTION rcq.executor_sync({arguments})
        RETURNS TABLE (kind text, seq bigint, job_id bigint, token bigint, body jsonb) LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            IF EXISTS (SELECT FROM jsonb_array_elements(finished) f WHERE f->>'end' IN ('disk_quota', 'not_started')) THEN
                PERFORM rcq_private.fail('RC023', '1 of the reports lack job_id, token or a known end');
            END IF;
            RETURN QUERY SELECT * FROM rcq.sync_of_today(executor, incarnation, acked_seq, live_tokens, finished, usage, max_new);
        END $$""")
    return db


def test_runs_are_taken_over_also_with_an_old_server(old):
    old.set(lost_after="60 s", lease="20 s")
    executor = old.executor("a")
    gate = old.gate()
    job = old.submit(f"echo before; {gate.script}; echo after", requeue=False)
    wait_for(lambda: old.logs(job) == ["before"], "its first line is there")
    executor.kill()
    executor.start()
    executor.wait_online()
    gate.open()
    row_ = old.ended(job)
    assert (row_["status"], row_["attempt"]) == ("completed", 1)
    assert executor.log().count("event=log_position_unknown") == 1
    assert old.logs(job) == ["before"], "nothing is stored twice"


def test_an_old_server_is_told_of_drains_but_never_that_one_is_over(old):
    health, epilog = program(old, "health", "exit 0"), program(old, "epilog", "exit 1")
    executor = old.executor("a", "--epilog", epilog, "--health-check", health, "--health-interval", "0.1")
    old.ended(old.submit("true"))
    drained(old, executor, "epilog")
    program(old, "health", "exit 1")
    drained(old, executor, "health check failed")
    program(old, "health", "exit 0")
    wait_for(lambda: "event=drain_stays" in executor.log(), "it says that the drain stays")
    assert "drained by its process" not in row(old, executor)["reason"]
    assert executor.log().count("event=connection_lost") == 0


def test_an_end_that_an_old_server_does_not_know_is_told_in_its_words(old):
    old.executor("a", "--run-quota-gb", "0.01")
    job = old.submit("head -c 30000000 /dev/zero > big; sleep 1000")
    row_ = old.ended(job)
    assert (row_["status"], row_["reason"]) == ("failed", "spawn_error")
    assert "quota" in row_["message"]
