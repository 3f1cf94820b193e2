"""What the library makes of a request is what the SQL functions of 0.5 made of it: the same rows, or the same refusal."""
import json
import random
import re

import psycopg2
import pytest

import harness

# values of each field: such as are accepted, and such as are not
FIELDS = {
    "script": (["true", "#!/bin/sh\nexit 0", "ü" * 200, "x" * 5000], ["", " \n\t", None, 5, {"a": 1}, "y" * 1048577]),
    "cpu_cores": ([1, 7, 100000, None], [0, -1, 100001, 1.5, "2", True, 3000000000, 1e300]),
    "memory_gb": ([1, 0.5, 2097151.999, 1e-3, 2.5e2, None], [0, -1, 2097152, 1e300, "1", [1], 10**400]),
    "gpu_count": ([0, 1, 10000], [-1, 10001, 0.5]),
    "estimated_hours": ([0.1, 5, None], [0, -2, 87601, "1"]),
    "time_limit": (["6 h", 90000, 86400.5, "1 mon 2 days 03:00:00", "P1D", None], ["soon", 0, "-1 h", "100 years", True, {"h": 1}]),
    "priority": ([1, 5, 10], [0, 11, 2.5]),
    "max_retries": ([0, 1000], [-1, 1001]),
    "name": (["n", "ü" * 100, None], ["", "n" * 201, "two\nlines", 7]),
    "workdir": (["/data", "/" + "d" * 4095], ["", "data", "/a/../b", "/" + "d" * 4096]),
    "env": ([{}, {"A": "1", "_b": "", "C": True, "D": 1.50}, None], [{"1A": "x"}, {"RCQ_X": "1"}, {"A": None}, {"A": {"B": "C"}}, ["A"], {"A": "x" * 131072}]),
    "features": ([[], ["avx2"], ["ssd", "avx2", "ssd"], None], [["tape"], "avx2", [None], ["AVX2"], ["avx2"] * 33, [1]]),
    "hold": ([True, False, None], ["maybe", 1]),
    "requeue": ([True, False], ["yes"]),
    "on_disconnect": (["continue", "kill", None], ["wait", ""]),
    "cpu_cores_min": ([1, None], [0, 100001]),
    "constraints": (["avx2&(ssd|!nvme)", "ssd | avx2|ssd", None], ["avx2&", "", "avx2 ssd", "tape", "("]),
    "consumables": ([{}, {"matlab": 2}, {"scratch": 100.0, "matlab": 1e0}, None], [{"matlab": 0}, {"matlab": 1.5}, {"matlab": "1"}, {"ansys": 1}, {"Matlab": 1}, [1]]),
    "exclusive": ([True, False], ["no"]),
    "preemptible": ([True, None], [0]),
    "concurrency_key": (["k", "Zenodo Übertragung"], ["", "k" * 201, "a\tb"]),
    "array": (["1-10", "1-100:3%5", "7,3,5", None], ["1-", "", "5-1", "1-10%0"]),
    "begin_time": (["2001-01-01 00:00+00", "2029-05-05T10:00:00Z", None], ["2100-01-01", "-infinity", "infinity", "when it is nice", 5]),
    "deadline": (["2030-01-01 00:00+00", None], ["2020-01-01", "infinity", "2500-01-01", "never"]),
    "project": (["genome", None], ["", "a\nb", "p" * 201]),
    "tags": ([[], ["b", "a", "b"], ["ü" * 100]], [[""], ["t" * 101], [None], ["t"] * 33, "t"]),
    "external_id": (["5f6a0c0e-0000-4000-8000-000000000001", None], ["no uuid", 5]),
    "on_dependency_failed": (["fail", "wait", None], ["maybe"]),
    "retry_on": ([["oom"], ["75", "signal", "7", "oom", "oom"], None], [[], ["bad luck"], ["256"], [None], "oom"]),
    "retry_delay": (["30 s", 5, "1:30", None], ["-1 s", "2 years", "soon"]),
    "retry_backoff": (["fixed", "exponential"], ["linear"]),
    "retry_max_delay": (["1 h"], ["2 years", -1]),
    "retry_jitter": ([0, 0.1, 1], [1.5, -0.1, 1e300]),
    "retry_memory_factor": ([1, 2.5, 100], [0.5, 1e300]),
    "idempotency_key": ([None], ["", "k" * 201, "a\nb"]),
    "cores": ([], [1]),
}
STORED = """
SELECT pg_catalog.row_to_json(j)::jsonb - 'id' - 'submitted_at' AS job,
       pg_catalog.row_to_json(l)::jsonb - 'job_id' - 'eligible_at' || pg_catalog.jsonb_build_object('later', l.eligible_at > j.submitted_at) AS live,
       (SELECT pg_catalog.row_to_json(a)::jsonb - 'job_id' FROM rcq_private.array a WHERE a.job_id = j.id) AS array
  FROM rcq_private.job j JOIN rcq_private.live l ON l.job_id = j.id WHERE j.id = ANY (%s) ORDER BY j.id"""


def random_job(dice, fault):
    """One that is accepted, or with one fault."""
    job = {"script": dice.choice(FIELDS["script"][0])}
    for field, (good, _) in FIELDS.items():
        if good and dice.random() < 0.25:
            job[field] = dice.choice(good)
    if job.get("estimated_hours") and "time_limit" not in job:
        job["time_limit"] = "6 h"
    if job.get("array"):
        job["hold"] = True  # or the scheduler makes rows of its tasks
    if fault:
        field = dice.choice(list(FIELDS))
        job[field] = dice.choice(FIELDS[field][1])
    return job


def submit(connection, jobs, single):
    """Rows that were stored, or what was said instead."""
    with connection.cursor() as cursor:
        try:
            if single:
                cursor.execute("SELECT rcq_private.enqueue(rcq_private.parse_requests(%s, true))", (json.dumps(jobs),))
            else:
                cursor.execute("SELECT rcq.submit_many(%s)", (json.dumps(jobs),))
            ids = [id_ for (id_,) in cursor.fetchall()]
            cursor.execute(STORED, (ids,))
            return cursor.fetchall()
        except psycopg2.Error as error:
            # since then the array that is malformed is named by its place, as all else is
            message = re.sub("^job [0-9]+ of the list: (?=array)", "", error.diag.message_primary)
            return error.pgcode, message, error.diag.message_hint


def differences(now, before):
    """Where the answers are not the same."""
    if isinstance(now, tuple) or isinstance(before, tuple) or len(now) != len(before):
        return [] if now == before else [now, before]
    rows = [pair for new, old in zip(now, before) for pair in zip(new, old)]
    return [(key, new.get(key), old.get(key)) for new, old in rows if new != old for key in {**(new or {}), **(old or {})} if new.get(key) != old.get(key)]


@pytest.fixture
def pair(server):  # noqa: F811
    """The same cluster under 0.5 and now."""
    databases = [harness.Database(server, "t_now"), harness.Database(server, "t_before")]
    databases[1].sql("DROP EXTENSION rcq")
    databases[1].sql("CREATE EXTENSION rcq VERSION '0.5'")
    for database in databases:
        database.sql("INSERT INTO rcq_private.executor (name, features) VALUES ('n', '{avx2,ssd,nvme}')")
        database.sql("INSERT INTO rcq_private.consumable VALUES (1, 'matlab', 4), (1, 'scratch', 100)")
    yield databases
    for database in databases:
        database.drop()


def test_the_library_makes_of_requests_what_sql_made_of_them(pair):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    connections = [database.server.connect(database.name) for database in pair]
    try:
        refused = 0
        for turn in range(600):
            jobs = [random_job(dice, turn % 2 == 0)] + [random_job(dice, False) for _ in range(dice.choice([0, 0, 1, 3]))]
            dice.shuffle(jobs)
            single = len(jobs) == 1 and dice.random() < 0.5
            answers = [submit(connection, jobs, single) for connection in connections]
            assert not differences(*answers), f"seed {seed}, turn {turn}: {json.dumps(jobs)[:2000]}"
            refused += isinstance(answers[0], tuple)
        assert 150 < refused < 450, f"seed {seed}: {refused} of 600 were refused"
    finally:
        for connection in connections:
            connection.close()
