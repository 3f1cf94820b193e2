"""Array jobs through real executors: every task runs once, no more at a time than the throttle says, whatever is done to them."""
import contextlib
import os
import signal
import threading
import time

import harness
import psycopg2
import pytest
from harness import book, lines

ARRAY = '"array"'  # a word of SQL: as the name of an argument it stands in quotes


@pytest.fixture
def mortal():
    """A database on a server of its own, which a test may kill."""
    server = harness.Server(fsync="off")
    database = harness.Database(server, "mortal", lease="2 s", lost_after="10 s", claim_timeout="2 s")
    yield database
    for executor in database.executors:
        executor.burn()
    server.remove()


def indices(path):
    return sorted(int(line) for line in lines(path))


def counts(db, array):
    """How many tasks are in which state, without the states that none is in."""
    (row,) = db.sql("SELECT waiting, held, pending, assigned, running, completed, failed, cancelled FROM rcq.arrays WHERE id = %s", array)
    return {state: number for state, number in row.items() if number}


def states(db, array, tasks=None):
    """Indices by status."""
    found = {}
    for row in db.sql("SELECT index, status FROM rcq.tasks(%s, %s)", array, tasks):
        found.setdefault(row["status"], []).append(row["index"])
    return found


def nothing_is_left(db):
    tables = ("live", "command", "array_end", "dependency")
    assert {table: db.one(f"SELECT count(*) FROM rcq_private.{table}") for table in tables} == dict.fromkeys(tables, 0)
    assert db.sql("SELECT id FROM rcq.arrays WHERE completed + failed + cancelled <> size") == []


def most_at_once(path):
    """Tasks that were running at once, by a book of their starts (+) and ends (-)."""
    most = now = 0
    for line in lines(path):
        now += 1 if line == "+" else -1
        most = max(most, now)
    return most


def test_every_task_runs_exactly_once_and_knows_its_place(db):
    for name in "ab":
        db.executor(name, cores=4)
    starts = book(db, "starts")
    array = db.submit(f"echo $RCQ_ARRAY_INDEX $RCQ_ARRAY_ID $RCQ_ARRAY_SIZE $RCQ_JOB_ID >> {starts}", memory_gb=0.1, **{ARRAY: "0-598:2"})
    row = db.ended(array, 120)
    assert (row["status"], row["reason"], row["message"]) == ("completed", None, None)
    assert counts(db, array) == {"completed": 300}
    entries = sorted([int(word) for word in line.split()] for line in lines(starts))
    tasks = db.sql("SELECT index, job_id, status, attempt, executor FROM rcq.tasks(%s)", array)
    assert entries == [[task["index"], array, 300, task["job_id"]] for task in tasks]
    assert [task["index"] for task in tasks] == list(range(0, 599, 2))
    assert {(task["status"], task["attempt"]) for task in tasks} == {("completed", 1)}
    assert len({task["executor"] for task in tasks}) == 2
    nothing_is_left(db)


def test_the_throttle_is_kept_also_when_tasks_are_retried(db):
    db.executor("a", cores=8)
    db.executor("b", cores=8)
    at_work, starts = book(db, "at-work"), book(db, "starts")
    script = (f"echo + >> {at_work}; echo $RCQ_ARRAY_INDEX >> {starts}; sleep 0.05; echo - >> {at_work}; "
              "[ $((RCQ_ARRAY_INDEX % 2)) = 0 ] || [ $RCQ_ATTEMPT = 3 ]")
    array = db.submit(script, memory_gb=0.1, max_retries=2, retry_delay="50 ms", **{ARRAY: "1-40%3"})
    assert db.ended(array, 60)["status"] == "completed"
    assert most_at_once(at_work) == 3
    runs = db.sql("SELECT r.started_at, r.ended_at FROM rcq.runs r JOIN rcq.jobs j ON j.id = r.job_id WHERE j.array_id = %s", array)
    assert len(runs) == 20 + 20 * 3
    assert harness.max_overlap([(run["started_at"], run["ended_at"], 1) for run in runs]) == 3
    assert indices(starts) == sorted([*range(2, 41, 2), *[index for index in range(1, 41, 2) for _ in range(3)]])
    nothing_is_left(db)


def test_a_throttle_that_is_raised_lets_more_tasks_start_at_once(db):
    db.executor("a", cores=8)
    gate = db.gate()
    array = db.submit(gate.script, memory_gb=0.1, **{ARRAY: "1-20%2"})
    harness.wait_for(lambda: counts(db, array).get("running") == 2, "two run")
    db.sql("SELECT rcq.set_array_throttle(%s, 5)", array)
    harness.wait_for(lambda: counts(db, array).get("running") == 5, "five run")
    db.sql("SELECT rcq.set_array_throttle(%s, NULL)", array)
    harness.wait_for(lambda: counts(db, array).get("running") == 8, "as many run as fit")
    gate.open()
    assert db.ended(array)["status"] == "completed"


def test_what_waits_for_the_throttle_or_is_on_hold_is_in_the_queue(db):
    db.executor("a", cores=8)
    gate = db.gate()
    array = db.submit(gate.script, memory_gb=0.1, **{ARRAY: "1-20%3"})
    harness.wait_for(lambda: counts(db, array).get("running") == 3, "three run")
    harness.wait_for(lambda: db.job(array)["status"] == "running", "it has started")
    db.sql("SELECT rcq.hold(%s, '16-20')", array)
    db.let_it_plan()

    def queued():
        return [(row["reason"], row["tasks_waiting"], row["tasks_held"]) for row in db.sql("SELECT reason, tasks_waiting, tasks_held FROM rcq.queue WHERE id = %s", array)]

    assert queued() == [("array_throttle", 12, 5)]
    assert db.sql("SELECT status, reason, tasks_waiting AS w, tasks_held AS h FROM rcq.queue_page() WHERE id = %s", array) == [{"status": "pending", "reason": "array_throttle", "w": 12, "h": 5}]
    assert {(row["reason"], row["status"]) for row in db.sql("SELECT reason, status FROM rcq.tasks(%s, '4-20')", array)} == {("array_throttle", "pending"), ("held", "pending")}
    assert db.sql("SELECT running, assigned, pending FROM rcq.queue_counts()") == [{"running": 3, "assigned": 0, "pending": 17}]
    assert db.sql("SELECT running_jobs, pending_jobs FROM rcq.group_usage") == [{"running_jobs": 3, "pending_jobs": 17}]
    assert db.sql("SELECT matched, changed FROM rcq.change_jobs('cancel', reason => 'array_throttle', dry_run => false)") == [{"matched": 1, "changed": 1}]
    harness.wait_for(lambda: queued() == [("held", 0, 5)], "what is left is on hold")
    assert db.sql("SELECT matched, changed FROM rcq.change_jobs('cancel', status => '{pending}', dry_run => false)") == [{"matched": 1, "changed": 1}]
    assert queued() == []
    gate.open()
    assert db.ended(array)["message"] == "3 of 20 tasks completed, 0 failed, 17 cancelled"
    nothing_is_left(db)


def test_a_range_is_cancelled_while_tasks_of_it_run(db):
    db.executor("a", cores=4)
    starts, gate = book(db, "starts"), db.gate()
    array = db.submit(f"echo $RCQ_ARRAY_INDEX >> {starts}; {gate.script}", memory_gb=0.1, **{ARRAY: "1-120"})
    harness.wait_for(lambda: indices(starts) == [1, 2, 3, 4], "four run")
    assert db.one("SELECT rcq.cancel(%s, '3-100')", array) == "cancelling"
    harness.wait_for(lambda: states(db, array)["running"] == [1, 2, 101, 102], "the places of those that ran are taken")
    gate.open()
    row = db.ended(array, 40)
    assert (row["status"], row["message"]) == ("cancelled", "22 of 120 tasks completed, 0 failed, 98 cancelled")
    assert counts(db, array) == {"completed": 22, "cancelled": 98}
    assert states(db, array) == {"completed": [1, 2, *range(101, 121)], "cancelled": list(range(3, 101))}
    assert indices(starts) == [1, 2, 3, 4, *range(101, 121)]
    nothing_is_left(db)


def test_held_tasks_start_when_they_are_released_and_not_before(db):
    db.executor("a", cores=4)
    starts = book(db, "starts")
    array = db.submit(f"echo $RCQ_ARRAY_INDEX >> {starts}", hold=True, memory_gb=0.1, **{ARRAY: "1-12"})
    db.sql("SELECT rcq.hold(%s, '5-8')", array)
    db.sql("SELECT rcq.release(%s, '5')", array)
    harness.wait_for(lambda: indices(starts) == [5], "the one that was released alone has run")
    db.let_it_plan()
    assert indices(starts) == [5] and counts(db, array)["completed"] == 1
    db.sql("SELECT rcq.release(%s, '1-4,9-12')", array)
    harness.wait_for(lambda: counts(db, array) == {"completed": 9, "held": 3}, "all but three have run")
    assert db.job(array)["status"] == "running"
    assert states(db, array)["pending"] == [6, 7, 8]
    db.sql("SELECT rcq.release(%s)", array)
    assert db.ended(array)["status"] == "completed"
    assert indices(starts) == list(range(1, 13))
    nothing_is_left(db)


def test_nothing_more_of_an_array_on_hold_starts_and_what_runs_goes_on(db):
    db.executor("a", cores=2)
    starts, gate = book(db, "starts"), db.gate()
    script = f"echo $RCQ_ARRAY_INDEX >> {starts}; {gate.script}; [ $RCQ_ARRAY_INDEX != 1 ] || [ $RCQ_ATTEMPT = 2 ]"
    array = db.submit(script, memory_gb=0.1, max_retries=1, **{ARRAY: "1-30"})
    harness.wait_for(lambda: counts(db, array).get("running") == 2, "two run")
    db.sql("SELECT rcq.hold(%s)", array)
    named = db.one("SELECT rcq.task(%s, 20)", array)
    gate.open()
    harness.wait_for(lambda: counts(db, array).get("running") is None, "they have ended")
    db.let_it_plan()
    assert indices(starts) == [1, 2], "a task started although its array is on hold"
    assert [(row["status"], row["reason"]) for row in (db.job(named), *db.sql("SELECT * FROM rcq.tasks(%s, '1-2')", array))] == [
        ("pending", "held"), ("pending", "held"), ("completed", None)]
    db.sql("SELECT rcq.release(%s)", array)
    assert db.ended(array)["status"] == "completed"
    assert indices(starts) == [1, *range(1, 31)]
    nothing_is_left(db)


def test_the_tasks_that_failed_are_submitted_anew_and_no_others(db):
    db.executor("a", cores=4)
    starts, mended = book(db, "starts"), os.path.join(db.server.dir, f"{db.name}-mended")
    array = db.submit(f"echo $RCQ_ARRAY_INDEX >> {starts}; [ -e {mended} ] || [ $((RCQ_ARRAY_INDEX % 7)) != 0 ]", memory_gb=0.1, **{ARRAY: "1-50%6"})
    row = db.ended(array, 40)
    assert (row["status"], row["reason"], row["message"]) == ("failed", "tasks_failed", "43 of 50 tasks completed, 7 failed, 0 cancelled")
    bad = list(range(7, 50, 7))
    assert states(db, array)["failed"] == bad
    assert db.one("SELECT array_agg(array_index ORDER BY array_index) FROM rcq.dead_jobs WHERE id <> %s", array) == bad
    with open(mended, "w", encoding="utf-8"), open(starts, "w", encoding="utf-8"):
        pass
    again = db.one("SELECT rcq.resubmit_failed_tasks(%s)", array)
    assert db.ended(again)["status"] == "completed"
    assert indices(starts) == bad and states(db, again) == {"completed": bad}
    assert db.sql("SELECT id FROM rcq.dead_jobs") == []
    nothing_is_left(db)


def test_arrays_follow_arrays_as_a_whole_and_task_by_task(db):
    db.executor("a", cores=4)
    gate = db.gate()
    first = db.submit(f"[ $RCQ_ARRAY_INDEX != 3 ] || {{ {gate.script}; false; }}", memory_gb=0.1, **{ARRAY: "1-6"})
    paired = db.submit("true", memory_gb=0.1, depends_on=f"aftercorr:{first}", **{ARRAY: "1-6"})
    after_all = db.submit("true", memory_gb=0.1, depends_on=f"afterany:{first}", **{ARRAY: "1-10%2"})
    after_that = db.submit("true", memory_gb=0.1, depends_on=f"afterok:{after_all}", **{ARRAY: "1-10"})
    never = db.submit("true", memory_gb=0.1, depends_on=f"afterok:{paired}", **{ARRAY: "1-10"})
    harness.wait_for(lambda: counts(db, paired).get("completed") == 5, "five tasks have followed theirs")
    assert counts(db, after_all) == counts(db, after_that) == counts(db, never) == {"waiting": 10}
    gate.open()
    rows = {array: db.ended(array) for array in (first, paired, after_all, after_that, never)}
    assert [(row["status"], row["reason"]) for row in rows.values()] == [
        ("failed", "tasks_failed"), ("failed", "tasks_failed"), ("completed", None), ("completed", None), ("failed", "dependency_failed")]
    assert states(db, paired) == {"completed": [1, 2, 4, 5, 6], "failed": [3]}
    starts = {array: [row["started_at"] for row in db.sql("SELECT started_at FROM rcq.tasks(%s)", array)] for array in (after_all, after_that)}
    assert min(starts[after_all]) >= rows[first]["ended_at"] and min(starts[after_that]) >= max(starts[after_all])
    assert counts(db, never) == {"cancelled": 10}
    nothing_is_left(db)


def test_a_million_tasks_are_one_row_of_which_some_run_and_the_rest_is_cancelled(db):
    db.executor("a", cores=4)
    starts = book(db, "starts")
    begun = time.monotonic()
    array = db.submit(f"echo $RCQ_ARRAY_INDEX >> {starts}", hold=True, memory_gb=0.1, **{ARRAY: "1-1000000"})
    assert time.monotonic() - begun < 1
    assert db.one("SELECT count(*) FROM rcq.jobs") == db.one("SELECT count(*) FROM rcq_private.live") == 1
    db.sql("SELECT rcq.release(%s)", array)
    harness.wait_for(lambda: counts(db, array).get("completed", 0) >= 40, "some have run")
    assert db.one("SELECT count(*) FROM rcq_private.live") < 30, "so many rows as may be placed soon"
    db.sql("SELECT rcq.cancel(%s)", array)
    row = db.ended(array)
    assert row["status"] == "cancelled"
    found = counts(db, array)
    assert set(found) == {"completed", "cancelled"} and sum(found.values()) == 1000000
    assert states(db, array, "1-2000")["completed"] == db.sql("SELECT array_agg(array_index ORDER BY array_index) AS done FROM rcq.jobs WHERE array_id = %s AND status = 'completed'", array)[0]["done"]
    ran = indices(starts)
    assert len(set(ran)) == len(ran) and len(ran) >= found["completed"] >= 40
    nothing_is_left(db)


def test_tasks_of_a_lost_executor_run_again_within_the_throttle(db):
    doomed = db.executor("a", cores=4)
    starts, at_work = book(db, "starts"), book(db, "at-work")
    script = f"echo $RCQ_ARRAY_INDEX >> {starts}; [ $RCQ_ATTEMPT != 1 ] || [ $RCQ_ARRAY_INDEX -gt 4 ] || sleep 60; echo + >> {at_work}; sleep 0.05; echo - >> {at_work}"
    array = db.submit(script, memory_gb=0.1, **{ARRAY: "1-24%4"})
    harness.wait_for(lambda: indices(starts) == [1, 2, 3, 4], "the first four run")
    db.executor("b", cores=8)
    doomed.burn()
    assert db.ended(array, 40)["status"] == "completed"
    assert counts(db, array) == {"completed": 24}
    assert indices(starts) == sorted([*range(1, 25), 1, 2, 3, 4])
    assert db.one("SELECT count(*) FROM rcq.runs WHERE status = 'lost'") == 4
    assert most_at_once(at_work) <= 4
    nothing_is_left(db)


def until_up(condition, what, timeout=60):
    """Waits through a restart of the server."""
    def asked():
        with contextlib.suppress(psycopg2.OperationalError):
            return condition()
        return False
    return harness.wait_for(asked, what, timeout)


def kill_scheduler(db):
    os.kill(db.one("SELECT pid FROM rcq.scheduler"), signal.SIGKILL)


def kill_server(db):
    """kill -9 of all its processes"""
    with open(os.path.join(db.server.data, "postmaster.pid"), encoding="utf-8") as file:
        postmaster = int(file.readline())
    with open(f"/proc/{postmaster}/task/{postmaster}/children", encoding="utf-8") as file:
        children = [int(pid) for pid in file.read().split()]
    for pid in (postmaster, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    harness.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), "all are gone")
    os.unlink(os.path.join(db.server.data, "postmaster.pid"))
    db.server.start()


@pytest.mark.parametrize("kill", [kill_scheduler, kill_server])
def test_an_array_goes_on_after_a_kill_in_the_middle_of_it(mortal, kill):
    db = mortal
    for name in "ab":
        db.executor(name, cores=4)
    starts = book(db, "starts")
    array = db.submit(f"echo $RCQ_ARRAY_INDEX >> {starts}; sleep 0.1; [ $((RCQ_ARRAY_INDEX % 10)) != 0 ]", memory_gb=0.1, **{ARRAY: "1-120%5"})
    follower = db.submit("true", memory_gb=0.1, depends_on=f"aftercorr:{array}", **{ARRAY: "1-120"})
    for share in (20, 60):
        until_up(lambda n=share: len(lines(starts)) >= n, f"{share} have started")
        kill(db)
    until_up(lambda: db.job(follower)["status"] == "failed", "both arrays have ended")
    assert (db.job(array)["status"], db.job(array)["reason"]) == ("failed", "tasks_failed")
    bad = list(range(10, 121, 10))
    good = [index for index in range(1, 121) if index not in bad]
    for which in (array, follower):
        assert counts(db, which) == {"completed": 108, "failed": 12}
        assert states(db, which) == {"completed": good, "failed": bad}
    assert {row["attempt"] for row in db.sql("SELECT attempt FROM rcq.tasks(%s)", array)} == {1}
    assert indices(starts) == list(range(1, 121)), "every task was started exactly once"
    runs = db.sql("SELECT r.started_at, r.ended_at FROM rcq.runs r JOIN rcq.jobs j ON j.id = r.job_id WHERE j.array_id = %s", array)
    assert len(runs) == 120 and harness.max_overlap([(run["started_at"], run["ended_at"], 1) for run in runs]) <= 5
    nothing_is_left(db)


def test_a_task_that_is_cancelled_while_it_is_about_to_get_its_row_gets_none(db):
    """The cancellation is committed after it was begun to choose tasks, and before that has the lock of the array."""
    array = db.submit("true", **{ARRAY: "1-10"})
    harness.wait_for(lambda: counts(db, array) == {"waiting": 9, "pending": 1}, "one task stands for all")
    with contextlib.closing(db.server.connect(db.name)) as chooser, chooser.cursor() as cursor:
        # ids of no jobs, so that it takes a while to find the array
        cursor.execute("CREATE TEMP TABLE asked AS SELECT array_agg(-g) || %s::bigint AS arrays, array_agg(9) || 9 AS counts FROM generate_series(1, 3000000) g", (array,))
        chosen = []

        def choose():
            cursor.execute("SELECT count(m) FROM asked, rcq_private.materialise(arrays, counts) m")
            chosen.append(cursor.fetchone()[0])
        choosing = threading.Thread(target=choose)
        choosing.start()
        time.sleep(0.3)
        db.sql("SELECT rcq.cancel(%s, '2-5')", array)
        assert not chosen, "it was chosen before the cancellation: nothing was tested"
        choosing.join()
    assert chosen == [5]
    assert states(db, array) == {"pending": [1, *range(6, 11)], "cancelled": [2, 3, 4, 5]}


def test_tasks_are_shown_to_who_may_see_them_with_what_their_array_says(db):
    ann, ben = db.user("ann"), db.user("ben")
    db.executor("a", cores=2)
    array = db.submit("echo $RCQ_ARRAY_INDEX", user=ann, env='{"A": "1"}', **{ARRAY: "1-2"})
    assert db.ended(array)["status"] == "completed"
    seen = "SELECT array_index, script, env FROM rcq.jobs WHERE array_id = %s ORDER BY array_index"
    assert [tuple(row.values()) for row in db.sql(seen, array, user=ann)] == [(index, "echo $RCQ_ARRAY_INDEX", {"A": "1"}) for index in (1, 2)]
    assert db.sql(seen, array, user=ben) == []
    assert db.sql(seen, array) == db.sql(seen, array, user=ann)
