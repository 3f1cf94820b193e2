"""What may pass a job that has to wait: backfill, reservations, predicted starts."""
import datetime

import harness
import pytest


def hours(value):
    return datetime.timedelta(hours=value)


@pytest.fixture
def blocked(db):
    """Four cores, three of them in use for an hour by plan; a job that wants all four; one core is free."""
    db.executor("a", cores=4)
    db.gate_of_running = db.gate()
    running = db.submit(db.gate_of_running.script, cpu_cores=3, estimated_hours=1)
    db.free_at = db.running(running)["started_at"] + hours(1)
    db.wide = db.submit("true", cpu_cores=4, estimated_hours=0.1)
    db.waiting(db.wide, "resources")
    return db


def test_a_short_job_passes_a_wide_one_that_waits_and_a_long_one_does_not(blocked):
    db = blocked
    long = db.submit("true", estimated_hours=2)
    db.waiting(long, "reserved")
    row = db.waiting(db.wide, "resources")
    assert row["reserved_executor"] == db.executors[0].role
    assert abs(row["reserved_start"] - db.free_at) <= datetime.timedelta(seconds=2)
    assert db.sql("SELECT reserved_executor FROM rcq.queue WHERE id = %s", long) == [{"reserved_executor": None}]

    gate = db.gate()
    short = db.submit(gate.script, estimated_hours=0.5)
    db.running(short)
    assert db.job(db.wide)["status"] == db.job(long)["status"] == "pending"
    gate.open()
    db.ended(short)
    db.gate_of_running.open()
    assert db.ended(db.wide)["status"] == db.ended(long)["status"] == "completed"
    assert db.job(db.wide)["started_at"] < db.job(long)["started_at"]


def test_every_waiting_job_has_an_expected_start(blocked):
    db = blocked
    after = db.submit("true", estimated_hours=2)
    last = db.submit("true", cpu_cores=4, estimated_hours=1)
    held = db.submit("true", hold=True)

    def starts():
        rows = {row["id"]: row["expected_start"] for row in db.sql("SELECT id, expected_start FROM rcq.queue")}
        return rows if rows[db.wide] and rows[after] and rows[last] else None
    found = harness.wait_for(starts, "expected starts")
    for job, expected in ((db.wide, db.free_at), (after, db.free_at + hours(0.1)), (last, db.free_at + hours(2.1))):
        assert abs(found[job] - expected) <= datetime.timedelta(seconds=10)
    assert found[held] is None


def test_without_backfill_nobody_passes_until_it_is_switched_on(blocked):
    db = blocked
    db.set(backfill="none")
    gate = db.gate()
    short = db.submit(gate.script, estimated_hours=0.5)
    db.waiting(short, "priority")
    db.let_it_plan()
    assert db.job(short)["status"] == "pending"
    db.set(backfill="easy")
    db.running(short)
    gate.open()


def test_how_many_waiting_jobs_are_protected_is_a_setting(db):
    db.executor("left", "--features", "left")
    db.executor("right", "--features", "right")
    gate = db.gate()
    for side in ("left", "right"):
        db.running(db.submit(gate.script, cpu_cores=3, estimated_hours=1, features=[side]))
    db.set(backfill="conservative")
    first = db.submit("true", cpu_cores=4, estimated_hours=0.1, features=["left"])
    second = db.submit("true", cpu_cores=4, estimated_hours=0.1, features=["right"])
    passing = db.submit(gate.script, estimated_hours=2, features=["right"])
    db.waiting(passing, "reserved")
    left, right = (executor.role for executor in db.executors)
    harness.wait_for(lambda: {row["id"]: row["reserved_executor"] for row in db.sql("SELECT id, reserved_executor FROM rcq.queue WHERE reserved_start IS NOT NULL")} ==
                     {first: left, second: right, passing: right}, "all have a reservation")
    db.set(backfill="depth", backfill_depth="2")
    db.let_it_plan()
    assert db.job(passing)["status"] == "pending"
    db.set(backfill_depth="1")
    db.running(passing)
    assert db.job(second)["status"] == "pending"
    gate.open()


@pytest.mark.parametrize("order, first", [("rank", 0), ("shortest", 1)])
def test_holes_are_filled_by_rank_or_with_the_shortest_job(blocked, order, first):
    db = blocked
    db.set(backfill_order=order)
    db.sql("SELECT rcq.pause('until both wait')")
    gate = db.gate()
    jobs = [db.submit(gate.script, estimated_hours=estimate) for estimate in (0.8, 0.2)]
    db.sql("SELECT rcq.resume()")
    db.running(jobs[first])
    assert db.job(jobs[1 - first])["status"] == "pending"
    gate.open()


def test_plans_stretch_the_estimates_of_people_whose_jobs_take_longer(db):
    """By the median of what their jobs took; but no job is planned to outlive its time limit."""
    optimist = db.user("optimist")
    for name in ("stretched", "limited", "honest"):
        db.executor(name, "--features", name)
    for job in [db.submit("sleep 0.6", user=optimist, estimated_hours=0.2 / 3600) for _ in range(5)]:
        db.ended(job)
    gate = db.gate()
    started, after = {}, {}
    for name, options in (("stretched", {"user": optimist}), ("limited", {"user": optimist, "time_limit": "90 minutes"}), ("honest", {})):
        started[name] = db.running(db.submit(gate.script, cpu_cores=4, estimated_hours=1, features=[name], **options))["started_at"]
        after[name] = db.submit("true", cpu_cores=4, features=[name])

    def expected():
        """In hours from the start of what is in the way."""
        starts = {row["id"]: row["expected_start"] for row in db.sql("SELECT id, expected_start FROM rcq.queue WHERE NOT approximate")}
        return {name: (starts[job] - started[name]) / hours(1) for name, job in after.items()} if set(starts) >= set(after.values()) else None
    found = harness.wait_for(expected, "a forecast")
    assert 2.9 < found["stretched"] < 6, "about three times the estimate"
    assert found["limited"] == pytest.approx(1.5, abs=0.01)
    assert found["honest"] == pytest.approx(1, abs=0.01)
    gate.open()
