"""What ends of runs make of jobs, as the library of today decides it and as SQL of 0.5 did: the same random runs, reported to both, leave the
same rows behind."""
import json
import os
import random
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness  # noqa: E402
from conftest import check  # noqa: E402

JOBS = 150
ENDS = ["exit_code", "exit_code", "exit_code", "signal", "timeout", "oom", "disk_quota", "spawn_error", "not_started", "cancelled", "bad_result"]
POLICIES = [None, None, {"delay_s": 60}, {"on": ["oom"], "memory_factor": 1.5}, {"on": ["oom", "timeout"], "delay_s": 3600, "backoff": "exponential"},
            {"exit_codes": [7], "delay_s": 600}, {"on": ["signal"], "exit_codes": [9]}, {"delay_s": 7200, "backoff": "exponential", "max_delay_s": 9000},
            {"memory_factor": 3000000}, {"on": ["exit_code"], "memory_factor": 1}]


@pytest.fixture(scope="module")
def server(frozen):
    running = harness.Server(fsync="off")
    yield running
    log = running.log()
    running.remove()
    check(log)


def some_run(dice, job):
    """A row of rcq_private.live, as SQL expressions."""
    ago = lambda least, most: f"clock_timestamp() - interval '{dice.randint(least, most)} s'"  # noqa: E731
    maybe = lambda chance, value: value if dice.random() < chance else "NULL"  # noqa: E731
    return {"requeue": dice.choice(["true", "false"]), "max_retries": dice.randint(0, 3), "failures": dice.randint(0, 3), "losses": dice.choice([0, 0, 1, 2, 9]),
            "preempted": dice.randint(0, 2), "attempt": dice.randint(1, 4), "executor_id": dice.choice([1, 1, 1, 1, 2]), "token": 1000 + job, "command_seq": job,
            "placed_at": ago(100000, 110000), "claimed_at": maybe(0.9, ago(1, 90) + " * 100"), "claimed_by": 1, "cpu_cores": dice.randint(1, 8),
            "memory_mib": dice.randint(1, 9000), "gpu_count": dice.randint(0, 2), "priority": dice.randint(1, 10), "group_id": dice.choice([1, 2]),
            "cancel_requested_at": maybe(0.15, ago(1, 9)), "preempt_requested_at": maybe(0.15, ago(1, 9)), "requeue_requested_at": maybe(0.15, ago(1, 9)),
            "deadline": maybe(0.3, ago(-9000, 9000)), "granted_cores": maybe(0.3, 3), "granted_memory_mib": maybe(0.3, 77), "granted_gpus": maybe(0.3, 1),
            "cpu_seconds": maybe(0.5, 1.5), "peak_memory_mib": maybe(0.5, 11), "log_full": dice.choice(["true", "false"]),
            "array_id": maybe(0.3, dice.randint(1, 5)), "held": dice.choice(["true", "false"])}


def some_report(dice, job):
    end = dice.choice(ENDS)
    report = {"job_id": job, "token": 1000 + job if dice.random() < 0.95 else 1, "end": end, "ended_ago_s": dice.choice([0, 60, 600, 100000])}
    if end == "exit_code":
        report["exit_code"] = dice.choice([0, 0, 7, 9])
    for name, value in {"signal": 9, "cpu_seconds": 2.25, "peak_memory_mib": 123, "message": "m" * dice.randint(0, 1200), "output_dir": "/d/" + "x" * dice.randint(0, 5000),
                        "files": [{"name": "ä\n\"", "bytes": 3}] * dice.choice([0, 1, 101]), "result": {"n": [1.10, None]}}.items():
        if dice.random() < 0.4:
            report[name] = value
    return report


class Side:
    """A database in which nothing is done but what the test does: its scheduler idles."""

    def __init__(self, server, name, version):
        self.db = harness.Database(server, name)
        if version:
            self.db.sql("DROP EXTENSION rcq")
            self.db.sql(f"CREATE EXTENSION rcq VERSION '{version}'")
        self.role = f"{name}_node"
        self.db.sql("SELECT rcq.create_executor_login(%s), rcq.create_executor_login(%s), rcq.add_group('other')", self.role, self.role + "_2")
        self.db.roles += [self.role, self.role + "_2"]
        self.db.sql("SELECT rcq.register_executor('h', '{\"cpu_cores\": 0, \"memory_mib\": 0, \"gpu_type\": \"a100\"}', NULL, 1, 1)", user=self.role)
        self.db.sql("SELECT rcq.submit('true') FROM generate_series(1, %s)", JOBS)
        self.db.sql("UPDATE rcq_private.home SET database_oid = 0")
        self.db.sql("SELECT rcq_private.definitions_changed()")
        harness.wait_for(lambda: self.db.one("SELECT state = 'idle' FROM rcq.scheduler"), "the scheduler idles")

    def place(self, job, run, policy):
        self.db.sql("UPDATE rcq_private.live SET " + ", ".join(f"{name} = {value}" for name, value in run.items()) + " WHERE job_id = %s", job)
        self.db.sql("UPDATE rcq_private.job SET retry = %s WHERE id = %s", policy and json.dumps(policy), job)
        self.db.sql(f"INSERT INTO rcq_private.command VALUES ({run['executor_id']}, {job}, {job}, {1000 + job}, 'start')")
        if run["cancel_requested_at"] != "NULL":
            self.db.sql(f"INSERT INTO rcq_private.command VALUES ({run['executor_id']}, {10000 + job}, {job}, {1000 + job}, 'cancel')")

    def sync(self, listed, finished):
        rows = self.db.sql("SELECT kind, job_id, token, body FROM rcq.executor_sync(1, 1, 100000, %s, %s, NULL, 0) WHERE kind <> 'terms'",
                           listed, finished and json.dumps(finished), user=self.role)
        return sorted((tuple(row.values()) for row in rows), key=str)

    def rows(self):
        """Everything, with times in units that a slow machine does not tell apart."""
        run = """executor_id, exit_code, token, peak_memory_mib, cpu_seconds, signal, message, output, granted_cores, granted_memory_mib, granted_gpus,
                 round(extract(epoch FROM ended_at - claimed_at) / 50) AS ran"""
        return {
            "live": self.db.sql("""SELECT job_id, user_id, group_id, memory_mib, held, failures, losses, attempt, executor_id, token, command_seq, claimed_by,
                peak_memory_mib, cpu_seconds, granted_cores, preempted, memory_raised, log_full, placed_at IS NULL AS waits, claimed_at IS NULL AS unclaimed, preempt_requested_at IS NULL AS p, requeue_requested_at IS NULL AS r,
                round(extract(epoch FROM eligible_at - clock_timestamp()) / 300) AS eligible FROM rcq_private.live ORDER BY job_id"""),
            "outcome": self.db.sql(f"SELECT job_id, user_id, group_id, priority, attempt, status, reason, result, {run} FROM rcq_private.outcome ORDER BY job_id"),
            "run": self.db.sql(f"SELECT job_id, attempt, user_id, reason, {run} FROM rcq_private.run ORDER BY job_id"),
            "command": self.db.sql("SELECT executor_id, seq, job_id, token, kind FROM rcq_private.command ORDER BY executor_id, seq"),
            "array_end": self.db.sql("SELECT array_id, sum(completed) AS c, sum(failed) AS f, sum(cancelled) AS x FROM rcq_private.array_end GROUP BY 1 ORDER BY 1"),
            "usage": self.db.sql("""SELECT group_id, user_id, gpu_type, count(*) AS n, round(sum(core_seconds) / 3000) AS c, round(sum(gb_seconds)::numeric / 20000) AS m,
                round(sum(gpu_seconds) / 2000) AS g FROM rcq_private.usage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""),
        }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_runs_end_as_they_did_in_sql(server, seed):
    dice = random.Random(seed)
    sides = [Side(server, "t_today", None), Side(server, "t_before", "0.5")]
    try:
        for job in range(1, JOBS + 1):
            run, policy = some_run(dice, job), dice.choice(POLICIES)
            for side in sides:
                side.place(job, run, policy)
        reports = [some_report(dice, job) for job in range(1, JOBS + 6) if dice.random() < 0.8]
        dice.shuffle(reports)
        assert sides[0].sync(None, reports) == sides[1].sync(None, reports)
        today, before = (side.rows() for side in sides)
        for table, rows in today.items():
            assert rows and rows == before[table], table
        # once more, and what is left is given up
        assert sides[0].sync([], reports) == sides[1].sync([], reports)
        today, before = (side.rows() for side in sides)
        for table, rows in today.items():
            assert rows == before[table], table
    finally:
        for side in sides:
            side.db.drop()
