"""Who is next: the policies, the usage windows, and what of it survives a restart."""
import harness
import pytest


@pytest.fixture
def four(db):
    """Four groups in two halves of a tree, a member each, with a quota and a past of their own; one core, and a pause."""
    db.executor("a", cores=1)
    db.sql("SELECT rcq.add_group('left'), rcq.add_group('right')")
    past = {}
    for name, parent, quota, hours in (("a", "left", 50, 200), ("b", "right", 30, 60), ("c", "left", None, 0), ("d", "right", 200, 100)):
        db.sql("SELECT rcq.add_group(%s, %s, parent => %s)", name, quota, parent)
        past[db.user(name, name)] = hours
    use(db, past)
    db.people = list(past)
    db.jobs = submit_paused(db)
    return db


def submit_paused(db):
    """A job of each, in the order of their names, while nothing is placed."""
    db.sql("SELECT rcq.pause('until all wait')")
    jobs = {user[-1]: db.submit("true", user=user) for user in db.people}
    for job in jobs.values():
        db.waiting(job, "paused")
    return jobs


def use(db, hours):
    """Lets users have used so many core-hours, in runs of two hours that ended within the last days; the scheduler learns of it as after
    a restart."""
    for user, used in hours.items():
        db.sql("INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds) "
               "SELECT t - interval '2 hours', t, u.group_id, u.id, %s * 3600 / 10.0, 0, 0 FROM rcq_private.users u, generate_series(1, 10) i, LATERAL (SELECT now() - i * interval '5 hours') x(t) "
               "WHERE u.role_name = %s AND %s > 0", used, user, used)
    restart_scheduler(db)


def restart_scheduler(db):
    old = db.one("SELECT started_at FROM rcq.scheduler WHERE pg_terminate_backend(pid)")
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.scheduler WHERE started_at > %s AND state = 'running'", old), "a new scheduler has done its first cycle")


def queue(db, column):
    """A column of the queue by the last letter of the user, once the scheduler has published it for all."""
    def rows():
        found = {row["user_name"][-1]: row[column] for row in db.sql(f"SELECT user_name, {column} FROM rcq.queue")}
        return found if None not in found.values() else None
    return harness.wait_for(rows, f"{column} of all that wait")


def test_each_policy_has_its_own_order(four):
    db, jobs = four, four.jobs
    for policy, order, expected in (
            ("quota", "dcba", {"a": 0.25, "b": 0.5, "c": 1, "d": 2}),
            # a sixth of the shares each: left, right and default have a third; half of what the neighbour used counts
            ("multifactor", "cbda", {"a": 2 ** -(6 * 200 / 360), "b": 2 ** -(6 * 110 / 360), "c": 2 ** -(6 * 100 / 360), "d": 2 ** -(6 * 130 / 360)}),
            # behind the only user of default, who has used nothing
            ("fairtree", "bdca", {"b": 0.8, "d": 0.6, "c": 0.4, "a": 0.2}),
            ("fifo", "abcd", dict.fromkeys("abcd", 1))):
        db.set(policy=policy)
        db.let_it_plan()
        harness.wait_for(lambda: "".join(row["user_name"][-1] for row in db.sql("SELECT user_name FROM rcq.queue ORDER BY position")) == order, f"positions {order}")
        assert {user: float(value) for user, value in queue(db, "fair_share").items()} == pytest.approx(expected, abs=0.002), policy
        db.sql("SELECT rcq.resume()")
        rows = {user: db.ended(job) for user, job in jobs.items()}
        assert "".join(sorted(rows, key=lambda user: rows[user]["started_at"])) == order
        jobs = submit_paused(db)


def test_shares_move_a_group_and_a_user_within_a_tree(four):
    db = four
    db.set(policy="fairtree")
    harness.wait_for(lambda: queue(db, "position") == {"b": 1, "d": 2, "c": 3, "a": 4}, "the right half first")
    db.sql("SELECT rcq.set_group('left', shares => 3)")
    harness.wait_for(lambda: queue(db, "position") == {"c": 1, "a": 2, "b": 3, "d": 4}, "the left half first, which has used less of its share")
    db.sql("SELECT rcq.set_group('d', shares => 3)")
    harness.wait_for(lambda: queue(db, "position") == {"c": 1, "a": 2, "d": 3, "b": 4}, "d before b")


def usage(db):
    return {row["group_name"]: row for row in db.sql("SELECT * FROM rcq.group_usage WHERE group_name = ANY ('{a,b,c,d}')")}


def test_the_view_of_usage_agrees_with_the_scheduler(db):
    """In every window, with use that lies across its begin, and with runs that are still planned to go on."""
    db.executor("a", cores=8)
    gate = db.gate()
    people = []
    for name in "abcd":
        db.sql("SELECT rcq.add_group(%s, 100)", name)
        people.append(db.user(name, name))
    for user, cores, estimate in zip(people, (1, 2, 3), (100, 45, 20)):
        db.running(db.submit(gate.script, user=user, cpu_cores=cores, estimated_hours=estimate))
    month = "date_trunc('month', now(), 'UTC')"
    for user, since, until, cores in ((people[0], f"{month} - interval '20 hours'", f"least(now(), {month} + interval '30 hours')", 2), (people[1], "now() - interval '10 hours'", "now()", 3),
                                      (people[2], "now() - interval '9 days'", "now() - interval '8 days'", 4), (people[3], "now() - interval '60 days'", "now() - interval '6 hours'", 1)):
        db.sql("INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds) "
               f"SELECT {since}, {until}, group_id, id, {cores} * date_part('epoch', ({until}) - ({since})), 0, 0 FROM rcq_private.users WHERE role_name = %s", user)
    restart_scheduler(db)
    for user in people:
        db.submit("true", user=user, cpu_cores=8, estimated_hours=0.1)
    db.set(fairshare_cap="1000")

    def agree():
        by_scheduler, by_view = queue(db, "fair_share"), usage(db)
        return all(abs(float(by_scheduler[name]) / float(by_view[name]["fair_share"]) - 1) < 0.01 for name in "abcd") and by_scheduler

    def agreement():
        try:
            return {name: float(factor) for name, factor in harness.wait_for(agree, "agreement", timeout=5).items()}
        except AssertionError:
            return pytest.fail(f"{window}: scheduler: {queue(db, 'fair_share')}\nview: {({name: row['fair_share'] for name, row in usage(db).items()})}")
    seen = []
    for window in ("rolling", "month", "half_life"):
        db.set(fairshare_window=window, count_planned_usage="on")
        with_planned = agreement()
        db.set(count_planned_usage="off")
        harness.wait_for(lambda: agree() and all(float(queue(db, "fair_share")[name]) > with_planned[name] * 1.05 for name in "abc"), f"{window}: agreement without what is planned")
        seen.append(with_planned)
    assert all(abs(one["d"] / other["d"] - 1) > 0.1 for one, other in zip(seen, seen[1:])), "the windows differ"
    gate.open()


def test_usage_is_the_same_after_a_restart_of_the_server(four):
    db = four
    db.sql("INSERT INTO rcq_private.usage (since, at, group_id, user_id, core_seconds, gb_seconds, gpu_seconds) "
           "SELECT now() - interval '40 days', now() - interval '5 days', group_id, id, 35 * 86400, 0, 0 FROM rcq_private.users WHERE role_name = %s", db.people[2])
    db.sql("SELECT rcq.set_group('c', 700), rcq.resume()")
    for job in db.jobs.values():
        db.ended(job)
    gate = db.gate()
    running = db.submit(gate.script, user=db.people[3], estimated_hours=40)
    db.running(running)
    short = [db.submit("true", user=user) for user in db.people]
    restart_scheduler(db)
    before = queue(db, "fair_share"), {name: (row["fair_share"], row["planned_hours"]) for name, row in usage(db).items()}
    db.server.restart()
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.scheduler WHERE state = 'running' AND last_cycle_at > started_at"), "the scheduler runs")
    harness.wait_for(lambda: {row["fair_share"] for row in db.sql("SELECT fair_share FROM rcq.queue")} != {None}, "factors")
    after = queue(db, "fair_share"), {name: (row["fair_share"], row["planned_hours"]) for name, row in usage(db).items()}
    for old, new in zip(before, after):
        for name in "abcd":
            for x, y in zip(*((value if isinstance(value, tuple) else (value,)) for value in (old[name], new[name]))):
                assert abs(float(x) - float(y)) <= 0.011, f"{name}: {before} {after}"
    assert db.job(running)["status"] == "running"
    gate.open()
    for job in [running, *short]:
        row = db.ended(job)
        assert (row["status"], row["attempt"]) == ("completed", 1)


def test_a_scheduler_that_is_killed_in_a_burst_loses_nothing_and_keeps_limits(db):
    db.executor("a", cores=32, memory_gb=32)
    db.sql("SELECT rcq.add_group('lab', max_jobs => 4)")
    user = db.user("ann", "lab")
    jobs = [row["submit_many"] for row in db.sql("SELECT rcq.submit_many((SELECT jsonb_agg('{\"script\": \"sleep 0.02\", \"memory_gb\": 0.01}'::jsonb) FROM generate_series(1, 250)))", user=user)]
    most = 0
    for share in (20, 120):
        def enough():
            nonlocal most
            (row,) = db.sql("SELECT count(*) FILTER (WHERE placed_at IS NOT NULL) AS placed, count(*) AS live FROM rcq_private.live")
            most = max(most, row["placed"])
            return len(jobs) - row["live"] >= share
        harness.wait_for(enough, f"{share} have ended")
        db.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")

    def done():
        nonlocal most
        most = max(most, db.one("SELECT count(*) FROM rcq_private.live WHERE placed_at IS NOT NULL"))
        return db.one("SELECT count(*) FROM rcq.jobs WHERE status = 'completed' AND attempt = 1") == len(jobs)
    harness.wait_for(done, "all have completed, each in one attempt", timeout=40)
    assert most == 4
    runs = db.sql("SELECT started_at, ended_at FROM rcq.runs")
    assert len(runs) == len(jobs)
    assert harness.max_overlap([(run["started_at"], run["ended_at"], 1) for run in runs]) <= 4
    assert db.one("SELECT sum(core_seconds) FROM rcq_private.usage") == pytest.approx(sum((run["ended_at"] - run["started_at"]).total_seconds() for run in runs), rel=1e-4)


def test_what_no_callback_announced_is_found(db):
    """A row that changes behind the scheduler's back, as after a crash between commit and notice."""
    db.executor("a")
    held = db.submit("true", hold=True)
    waiting = db.submit("true", cpu_cores=64)
    db.waiting(waiting, "never_fits")
    db.sql("UPDATE rcq_private.live SET held = false WHERE job_id = %s", held)
    assert db.ended(held)["status"] == "completed"
    db.sql("WITH copied AS (INSERT INTO rcq_private.job SELECT (jsonb_populate_record(j, jsonb_build_object('id', j.id + 1000, 'cpu_cores', 1))).* FROM rcq_private.job j WHERE j.id = %s RETURNING id) "
           "INSERT INTO rcq_private.live SELECT (jsonb_populate_record(l, jsonb_build_object('job_id', l.job_id + 1000, 'cpu_cores', 1))).* FROM rcq_private.live l WHERE l.job_id = %s", waiting, waiting)
    assert db.ended(waiting + 1000)["status"] == "completed"
