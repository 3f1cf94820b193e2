"""Limits and countable resources are exact: never exceeded, fully used, and given back exactly once."""
import json
import threading

import harness
import psycopg2
import pytest

RUNNING = """SELECT j.user_name, j.group_name, j.concurrency_key AS key, j.cpu_cores, j.gpu_count, r.started_at, r.ended_at
               FROM rcq.runs r JOIN rcq.jobs j ON j.id = r.job_id WHERE r.started_at IS NOT NULL"""


def many(db, count, script="true", user="postgres", **options):
    """Submits that many alike jobs at once."""
    options.setdefault("memory_gb", 0.001)
    return [row["submit_many"] for row in db.sql("SELECT rcq.submit_many(%s)", json.dumps([{"script": script, **options}] * count), user=user)]


def cancel_or_ended(db, job):
    """Cancels a job, if it has not ended since one looked."""
    try:
        db.sql("SELECT rcq.cancel(%s)", job)
    except psycopg2.DatabaseError as refused:
        assert "has already ended" in str(refused)


class Sampler:
    """Watches what is placed or running until all has ended, in one snapshot after the other; and afterwards what ran at once. Keeps
    the most that was seen of each thing."""

    def __init__(self, db, **measures):
        """measures: an expression over rcq_private.live l, summed up over what is placed."""
        self.db, self.most = db, dict.fromkeys(measures, 0)
        self.query = "SELECT " + ", ".join(f"COALESCE(sum({what}), 0)::int AS {name}" for name, what in measures.items()) + " FROM rcq_private.live l WHERE l.placed_at IS NOT NULL"

    def sample(self):
        (row,) = self.db.sql(self.query)
        self.most = {name: max(most, row[name]) for name, most in self.most.items()}
        return row

    def until_all_ended(self, timeout=60):
        def done():
            self.sample()
            return self.db.one("SELECT count(*) FROM rcq_private.live") == 0
        harness.wait_for(done, "all jobs ended", timeout)
        return self.most


def of_user(db, role):
    return f"(l.user_id = {db.one('SELECT id FROM rcq.users WHERE role_name = %s', role)})::int"


def of_group(db, name):
    return f"(l.group_id = {db.one('SELECT id FROM rcq.groups WHERE name = %s', name)})::int"


def test_no_limit_is_exceeded_by_hundreds_of_quick_jobs(db):
    db.executor("a", cores=64, memory_gb=64, gpus=8)
    for name, limits in (("jobs", {"max_jobs": 3}), ("cores", {"max_cores": 5}), ("gpus", {"max_gpus": 2}), ("rest", {}), ("free", {"max_jobs": 1000})):
        db.sql("SELECT rcq.add_group(%s, max_jobs => %s, max_cores => %s, max_gpus => %s)", name, *(limits.get(key) for key in ("max_jobs", "max_cores", "max_gpus")))
    db.set(max_jobs_per_group="6", max_jobs_per_user="4", max_concurrent_jobs="14")
    db.sql("SELECT rcq.set_concurrency_limit('database', 2)")
    limited, unlimited = db.user("limited", "jobs", max_jobs=2), db.user("unlimited", "jobs", max_jobs=1000)
    wide, gpu = db.user("wide", "cores", max_jobs=1000), db.user("gpu", "gpus")
    one, two, key = db.user("one", "rest"), db.user("two", "rest"), db.user("key", "free", max_jobs=1000)

    db.sql("SELECT rcq.pause('until all are there')")
    jobs = []
    for user in (limited, unlimited, one, two):
        jobs += many(db, 60, user=user)
    for cores in (1, 2, 3):
        jobs += many(db, 20, user=wide, cpu_cores=cores)
    jobs += many(db, 50, user=gpu, gpu_count=1)
    jobs += many(db, 50, user=key, concurrency_key="database")
    db.sql("SELECT rcq.resume()")

    limits = {limited: (of_user(db, limited), 2), "jobs": (of_group(db, "jobs"), 3), "cores": (of_group(db, "cores") + " * l.cpu_cores", 5), "gpus": (of_group(db, "gpus") + " * l.gpu_count", 2),
              one: (of_user(db, one), 4), two: (of_user(db, two), 4), "rest": (of_group(db, "rest"), 6), "database": ("(l.concurrency_key IS NOT NULL)::int", 2), "everything": ("1", 14)}
    most = Sampler(db, **{name: what for name, (what, _) in limits.items()}).until_all_ended()
    assert [f"{name}: {most[name]} > {limit}" for name, (_, limit) in limits.items() if most[name] > limit] == []
    assert [f"{name}: {most[name]}" for name, (_, limit) in limits.items() if most[name] < limit - 1] == [], "limits are made use of"

    rows = db.sql(RUNNING)
    assert len(rows) == len(jobs)
    assert db.one("SELECT count(*) FROM rcq.jobs WHERE status = 'completed' AND attempt = 1") == len(jobs)
    for name, belongs, weight, limit in ((limited, "user_name", None, 2), ("jobs", "group_name", None, 3), ("cores", "group_name", "cpu_cores", 5), ("gpus", "group_name", "gpu_count", 2),
                                         ("rest", "group_name", None, 6), (one, "user_name", None, 4), ("database", "key", None, 2)):
        assert harness.max_overlap([(row["started_at"], row["ended_at"], row[weight] if weight else 1) for row in rows if row[belongs] == name]) <= limit, name
    assert harness.max_overlap([(row["started_at"], row["ended_at"], 1) for row in rows]) <= 14


def running(db, jobs):
    return db.one("SELECT count(*) FROM rcq.jobs WHERE id = ANY (%s) AND status = 'running'", jobs)


def assert_exactly(db, count, **options):
    """That many of more jobs run at once, and no more: nothing that ended is still counted, and nothing that runs is not."""
    gate = db.gate()
    jobs = many(db, count + 3, gate.script, **options)
    harness.wait_for(lambda: running(db, jobs) == count, f"{count} run")
    db.let_it_plan()
    assert running(db, jobs) == count
    gate.open()
    for job in jobs:
        assert db.ended(job)["status"] == "completed"


def test_limits_change_while_jobs_run(db):
    db.executor("a", cores=16, memory_gb=16)
    db.sql("SELECT rcq.add_group('lab', max_jobs => 2)")
    user = db.user("ann", "lab")
    gate = db.gate()
    jobs = many(db, 12, gate.script, user=user, concurrency_key="k")
    harness.wait_for(lambda: running(db, jobs) == 2, "two run")
    db.waiting(jobs[-1], "limit")
    for statement, count in (("SELECT rcq.set_group('lab', max_jobs => 4)", 4), ("SELECT rcq.set_concurrency_limit('k', 5), rcq.set_group('lab', no_limits => true)", 5),
                             (f"SELECT rcq.set_user('{user}', max_cores => 6), rcq.set_concurrency_limit('k', NULL)", 6), ("SELECT rcq.set('max_concurrent_jobs', '7'), rcq.set_user('" + user + "', no_limits => true)", 7)):
        db.sql(statement)
        harness.wait_for(lambda: running(db, jobs) == count, statement)
        db.let_it_plan()
        assert running(db, jobs) == count
    db.sql("SELECT rcq.set_group('lab', max_jobs => 1)")
    db.let_it_plan()
    assert running(db, jobs) == 7, "what runs goes on"
    for job in [row["id"] for row in db.sql("SELECT id FROM rcq.jobs WHERE status = 'running' ORDER BY id LIMIT 6")]:
        db.sql("SELECT rcq.cancel(%s)", job)
    harness.wait_for(lambda: running(db, jobs) == 1, "only one is left")
    db.let_it_plan()
    assert running(db, jobs) == 1, "nobody follows before the group is below its limit"
    gate.open()
    assert Sampler(db, lab="1").until_all_ended() == {"lab": 1}


def test_a_limit_holds_over_the_loss_of_an_executor_and_is_given_back_once(db):
    first = db.executor("a", cores=16)
    db.sql("SELECT rcq.add_group('lab', max_jobs => 4)")
    db.sql("SELECT rcq.set_concurrency_limit('k', 3), rcq.set_consumable('licence', 3)")
    user = db.user("ann", "lab")
    options = {"user": user, "concurrency_key": "k", "consumables": {"licence": 1}}
    sampler = Sampler(db, lab="1")
    jobs = many(db, 8, "test $RCQ_ATTEMPT -gt 1 || sleep 60", **options)
    harness.wait_for(lambda: running(db, jobs) == 3, "three run")
    db.executor("b", cores=16)
    first.burn()

    def lost():
        sampler.sample()
        return db.one("SELECT count(*) FROM rcq.runs WHERE status = 'lost'") == 3
    harness.wait_for(lost, "the runs are lost")
    for _ in range(8):  # the next ones run for long, too
        for row in db.sql("SELECT id FROM rcq.jobs WHERE status = 'running' AND attempt = 1"):
            cancel_or_ended(db, row["id"])
        sampler.sample()
    rest = "SELECT id FROM rcq.jobs WHERE status IN ('running', 'pending') AND attempt < 2 AND id > %s"
    harness.wait_for(lambda: not [cancel_or_ended(db, row["id"]) for row in db.sql(rest, jobs[2])], "the rest is cancelled")
    assert sampler.until_all_ended()["lab"] == 3
    assert db.sql("SELECT in_use FROM rcq.concurrency_limits UNION ALL SELECT in_use FROM rcq.consumables") == [{"in_use": 0}, {"in_use": 0}]
    assert_exactly(db, 3, **options)
    db.sql("SELECT rcq.set_concurrency_limit('k', NULL), rcq.set_consumable('licence', 100)")
    assert_exactly(db, 4, **options)


def test_a_limit_is_given_back_once_by_cancelled_and_failed_jobs(db):
    db.executor("a", cores=16)
    user = db.user("ann", max_jobs=3)
    gate = db.gate()
    jobs = many(db, 6, gate.script, user=user)
    harness.wait_for(lambda: running(db, jobs) == 3, "three run")
    for job in jobs:
        db.sql("SELECT rcq.cancel(%s)", job)
    for job in jobs:
        assert db.ended(job)["status"] == "cancelled"
    sampler = Sampler(db, ann="1")
    many(db, 20, "exit 1", user=user, max_retries=1)
    assert sampler.until_all_ended()["ann"] == 3
    held = many(db, 3, "true", user=user, hold=True)
    assert_exactly(db, 3, user=user)
    for job in held:
        db.sql("SELECT rcq.release(%s)", job)
        assert db.ended(job)["status"] == "completed"


def test_licences_of_the_cluster_are_never_over_committed(db):
    db.executor("a", cores=16, memory_gb=16)
    db.executor("b", cores=16, memory_gb=16)
    db.sql("SELECT rcq.set_consumable('licence', 5)")
    sampler = Sampler(db, licences="(l.consumables ->> 'licence')::int")
    jobs = []
    for amount in (1, 2, 3):
        jobs += many(db, 40, consumables={"licence": amount})
    assert sampler.until_all_ended()["licences"] == 5
    assert db.one("SELECT count(*) FROM rcq.jobs WHERE status = 'completed'") == len(jobs)

    gate = db.gate()
    holders = many(db, 2, gate.script, consumables={"licence": 2})
    harness.wait_for(lambda: running(db, holders) == 2, "both run")
    waits, passes = db.submit("true", consumables='{"licence": 2}', estimated_hours=1), db.submit("true", consumables=None)
    db.waiting(waits, "resources")
    assert db.ended(passes)["status"] == "completed"
    assert db.sql("SELECT name, executor, total, in_use FROM rcq.consumables") == [{"name": "licence", "executor": None, "total": 5, "in_use": 4}]
    db.sql("SELECT rcq.set_consumable('licence', 2)")
    db.let_it_plan()
    assert running(db, holders) == 2 and db.job(waits)["status"] == "pending"
    never = db.submit("true", consumables='{"licence": 3}')
    db.waiting(never, "never_fits")
    db.sql("SELECT rcq.set_consumable('licence', 6)")
    assert db.ended(waits)["status"] == "completed"
    gate.open()
    assert db.ended(never)["status"] == "completed"


def test_what_an_executor_has_of_its_own_is_never_over_committed(db):
    a, b = db.executor("a", cores=16, memory_gb=16), db.executor("b", cores=16, memory_gb=16)
    db.sql("SELECT rcq.set_consumable('scratch', 2, %s), rcq.set_consumable('scratch', 1, %s)", a.role, b.role)
    sampler = Sampler(db, **{name: f"(l.executor_id = {db.one('SELECT id FROM rcq.executors WHERE name = %s', e.role)})::int * (l.consumables ->> 'scratch')::int" for name, e in (("a", a), ("b", b))})
    many(db, 60, consumables={"scratch": 1})
    assert sampler.until_all_ended() == {"a": 2, "b": 1}
    both = many(db, 5, consumables={"scratch": 2})
    sampler.until_all_ended()
    assert {db.job(job)["executor"] for job in both} == {a.role}, "only one has two"
    gate = db.gate()
    holders = many(db, 3, gate.script, consumables={"scratch": 1})
    harness.wait_for(lambda: running(db, holders) == 3, "all run")
    waits = db.submit("true", consumables='{"scratch": 1}')
    db.waiting(waits, "resources")
    assert db.sql("SELECT executor, total, in_use FROM rcq.consumables ORDER BY executor") == [{"executor": a.role, "total": 2, "in_use": 2}, {"executor": b.role, "total": 1, "in_use": 1}]
    gate.open()
    assert db.ended(waits)["status"] == "completed"


@pytest.mark.parametrize("limit", ["max_pending_per_user", "submit_rate_per_user"])
def test_two_clients_of_a_user_together_do_not_exceed_what_may_be_submitted(db, limit):
    user = db.user("ann")
    db.set(**{limit: "20"})
    accepted, refused, unexpected = [], [], []

    def submit():
        connection = db.server.connect(db.name, user)
        with connection.cursor() as cursor:
            for i in range(20):
                try:
                    cursor.execute("SELECT rcq.submit('true')" if i % 4 else "SELECT rcq.submit_many('[{\"script\": \"true\"}, {\"script\": \"true\"}]')")
                    accepted.extend(cursor.fetchall())
                except psycopg2.Error as error:
                    (refused if error.pgcode == "RC007" else unexpected).append(str(error))
        connection.close()
    threads = [threading.Thread(target=submit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unexpected == []
    assert len(accepted) == db.one("SELECT count(*) FROM rcq.jobs") == 20
    assert refused
