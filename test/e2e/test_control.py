"""What people do with jobs after they have submitted them: cancel at a deadline, changed limits, many at once, and what
runs made of what they were granted."""
import contextlib
import datetime
import random
import threading
import time

import harness
import psycopg2
import pytest

STUBBORN = "trap '' TERM; echo started; while :; do sleep 0.1; done"


def started(db, script, **options):
    job = db.submit(script, **options)
    db.running(job)
    harness.wait_for(lambda: "started" in db.logs(job), "it has come so far")
    return job


def ending(db, job):
    """What rcq.explain says of the end that was asked for."""
    found = db.sql("SELECT data, message FROM rcq.explain(%s) WHERE reason = 'cancelling'", job)
    return found[0] if found else None


def when(text):
    return datetime.datetime.fromisoformat(text)


def test_a_job_that_ignores_the_signal_is_killed_at_the_end_of_the_grace_as_was_said(db):
    db.executor("a", "--kill-grace", "1.5")
    job = started(db, STUBBORN)
    assert db.one("SELECT rcq.cancel(%s)", job) == "cancelling"
    harness.wait_for(lambda: (ending(db, job) or {"data": {}})["data"].get("acknowledged"), "the executor says that it knows")
    said = ending(db, job)["data"]
    assert said["kill_grace_s"] == 1.5
    assert when(said["asked_at"]) <= when(said["told_at"]) <= when(said["acknowledged_at"]) < when(said["forced_by"])
    assert when(said["forced_by"]) <= when(said["acknowledged_at"]) + datetime.timedelta(seconds=1.5)
    row = db.ended(job)
    assert (row["status"], row["signal"]) == ("cancelled", 9)
    assert row["ended_at"] - when(said["asked_at"]) >= datetime.timedelta(seconds=1.4), "it had its grace"
    assert row["ended_at"] - when(said["forced_by"]) < datetime.timedelta(seconds=3), "and not much longer"
    assert db.one("SELECT count(*) FROM rcq_private.command") == 0


def test_the_executor_says_at_once_that_a_cancel_has_come(db):
    db.set(lease="5 min", lost_after="20 min")
    db.executor("a", "--kill-grace", "60", "--poll", "60")
    job = started(db, STUBBORN)
    db.sql("SELECT rcq.cancel(%s)", job)
    # nothing else makes it speak for a minute
    harness.wait_for(lambda: (ending(db, job) or {"data": {}})["data"].get("acknowledged"), "it is acknowledged")
    said = ending(db, job)["data"]
    assert when(said["acknowledged_at"]) - when(said["told_at"]) < datetime.timedelta(seconds=2)


def test_a_cancel_with_its_executor_away_says_when_the_run_is_given_up(db):
    executor = db.executor("a", "--kill-grace", "1")
    job = started(db, STUBBORN)
    executor.burn()
    db.sql("SELECT rcq.cancel(%s)", job)
    harness.wait_for(lambda: "given_up_at" in (ending(db, job) or {"data": {}})["data"], "the executor is missed")
    said = ending(db, job)
    assert not said["data"]["acknowledged"] and "forced_by" not in said["data"]
    assert "unless it comes back, the run is given up at" in said["message"]
    row = db.ended(job)
    assert row["status"] == "cancelled"
    assert abs(row["ended_at"] - when(said["data"]["given_up_at"])) < datetime.timedelta(seconds=3)


def test_a_job_runs_with_the_limits_that_it_was_given_while_it_waited(db):
    gate = db.gate()
    db.executor("a", cores=2, memory_gb=2)
    first = db.submit(gate.script, cpu_cores=2)
    job = db.submit("echo $RCQ_CPU_CORES; while :; do sleep 0.1; done", cpu_cores=64, memory_gb=64)
    db.running(first)
    db.waiting(job, "never_fits")
    db.sql("SELECT rcq.update_job(%s, cpu_cores => 1, memory_gb => 0.5, time_limit => '1 s')", job)
    db.waiting(job, "resources")
    gate.open()
    row = db.ended(job)
    assert (row["status"], row["reason"], row["cpu_cores"]) == ("failed", "timeout", 1)
    assert db.logs(job) == ["1"]


def test_changes_in_the_midst_of_placing_neither_break_a_placement_nor_overbook(db):
    """Jobs are changed in every direction as fast as it goes, while they are placed, taken back and run: each runs with
    exactly what its row says, and the host is never given away twice."""
    db.executor("a", cores=4, memory_gb=8)
    db.executor("b", cores=2, memory_gb=4)
    jobs = [db.submit("sleep 0.05; echo $RCQ_CPU_CORES $RCQ_MEMORY_MIB", cpu_cores=1 + k % 4, memory_gb=1) for k in range(120)]
    refused = []
    give_up = time.monotonic() + 60

    def change(seed):
        pick = random.Random(seed)
        connection = db.server.connect(db.name)
        with connection.cursor() as cursor:
            for _ in range(300):
                try:
                    cursor.execute("SELECT rcq.update_job(%s, cpu_cores => %s, memory_gb => %s, time_limit => '10 min')", (pick.choice(jobs), pick.randint(1, 4), pick.choice((0.5, 1, 2))))
                except psycopg2.Error as error:
                    assert error.pgcode in ("RC003", "RC004"), error
                    refused.append(error.pgcode)
        connection.close()

    changers = [threading.Thread(target=change, args=(seed,)) for seed in range(3)]
    for changer in changers:
        changer.start()
    for changer in changers:
        changer.join()
    for job in jobs:
        row = db.ended(job, 120)
        assert row["status"] == "completed", row
        assert db.logs(job) == [f"{row['cpu_cores']} {int(row['memory_gb'] * 1024)}"]
    assert refused.count("RC003") >= 60, "they were changed until many had started"
    runs = db.sql("SELECT e.executor, e.cpu_cores, e.started_at, e.ended_at FROM rcq.efficiency e")
    for host, cores in (("a", 4), ("b", 2)):
        mine = [run for run in runs if run["executor"] == f"{db.name}_{host}"]
        assert max(sum(other["cpu_cores"] for other in mine if other["started_at"] <= run["started_at"] < other["ended_at"]) for run in mine) <= cores


def test_many_are_changed_at_once_and_those_that_run_are_ended(db):
    db.executor("a", "--kill-grace", "1", cores=2)
    running = [started(db, "echo started; sleep 60", name="bulk") for _ in range(2)]
    waiting = [db.submit("true", name="bulk") for _ in range(50)]
    other = db.submit("true", name="other", cpu_cores=2)
    assert db.sql("SELECT * FROM rcq.change_jobs('cancel', name => 'bulk')") == [{"action": "cancel", "matched": 52, "changed": 0}]
    assert db.sql("SELECT * FROM rcq.change_jobs('hold', name => 'bulk', dry_run => false)") == [{"action": "hold", "matched": 52, "changed": 50}]
    assert db.sql("SELECT * FROM rcq.change_jobs('cancel', status => '{pending,running}', name => 'bul_', dry_run => false)") == [{"action": "cancel", "matched": 52, "changed": 52}]
    assert {db.ended(job)["status"] for job in running + waiting} == {"cancelled"}
    assert db.ended(other)["status"] == "completed"


def test_a_bulk_change_does_without_the_job_that_somebody_else_holds(db):
    jobs = [db.submit("true", name="bulk") for _ in range(5)]
    holder = db.server.connect(db.name)
    holder.autocommit = False
    with holder.cursor() as cursor:
        cursor.execute("SELECT rcq.set_priority(%s, 3)", (jobs[2],))
        assert db.sql("SELECT matched, changed FROM rcq.change_jobs('cancel', name => 'bulk', dry_run => false)") == [{"matched": 5, "changed": 4}]
    holder.close()
    assert [db.job(job)["status"] for job in jobs] == ["cancelled", "cancelled", "pending", "cancelled", "cancelled"]


def test_a_bulk_change_waits_once_however_many_arrays_somebody_holds_tasks_of(db):
    arrays = [db.submit("true", name="bulk", hold=True, **{'"array"': "1-3"}) for _ in range(3)]
    free = [db.submit("true", name="bulk", hold=True), db.submit("true", name="bulk", hold=True, **{'"array"': "1-3"})]
    tasks = [db.one("SELECT rcq.task(%s, 2)", array) for array in [*arrays, free[1]]]
    holder, changer = db.server.connect(db.name), db.server.connect(db.name)
    holder.autocommit = False
    with holder.cursor() as cursor:
        cursor.execute("SELECT rcq.set_priority(t, 3) FROM unnest(%s::bigint[]) t", (tasks[:3],))
    waits, over = set(), threading.Event()

    def watch():
        with contextlib.closing(db.server.connect(db.name)) as connection:
            with connection.cursor() as cursor:
                while not over.wait(0.02):
                    cursor.execute("SELECT waitstart FROM pg_locks WHERE pid = %s AND NOT granted AND waitstart IS NOT NULL", (changer.info.backend_pid,))
                    waits.update(cursor.fetchall())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with changer.cursor() as cursor:
        cursor.execute("SELECT matched, changed FROM rcq.change_jobs('set_priority', name => 'bulk', priority => 6, dry_run => false)")
        done = cursor.fetchone()
    over.set()
    watcher.join()
    holder.close()
    changer.close()
    assert done == (5, 2)
    assert len(waits) == 1, "once, for all of them together"
    assert [db.job(job)["priority"] for job in [*arrays, *free, *tasks]] == [5, 5, 5, 6, 6, 5, 5, 5, 6]


@pytest.mark.parametrize("cores", [1, 2])
def test_the_efficiency_of_a_busy_and_of_an_idle_job_is_told_apart(db, cores):
    db.executor("a", cores=2, memory_gb=4)
    busy = db.submit("end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do :; done", cpu_cores=cores, memory_gb=2)
    db.ended(busy)
    idle = db.submit("sleep 2", cpu_cores=cores, memory_gb=2)
    db.ended(idle)
    seen = {row["job_id"]: row for row in db.sql("SELECT job_id, cpu_efficiency::float8 AS cpu, memory_efficiency::float8 AS memory, cpu_cores, execution_time, queue_time, total_time FROM rcq.efficiency")}
    assert seen[busy]["cpu"] > 20 / cores and seen[busy]["cpu"] < 110 / cores
    assert seen[idle]["cpu"] < 10
    assert 0 <= seen[idle]["memory"] < 50
    assert seen[idle]["total_time"] == seen[idle]["queue_time"] + seen[idle]["execution_time"]
    mine = db.sql("SELECT jobs, runs, cpu_efficiency::float8 AS cpu FROM rcq.user_efficiency")
    assert len(mine) == 1 and (mine[0]["jobs"], mine[0]["runs"]) == (2, 2)
    assert seen[idle]["cpu"] < mine[0]["cpu"] < seen[busy]["cpu"]
