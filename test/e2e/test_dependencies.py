"""Jobs that wait for other jobs, run by real executors: order, clean-up, cascades, one at a time, a server that dies on the way."""
import json

import harness
from harness import book, lines


def graph(db, jobs):
    """Submits a graph; returns the ids by key."""
    return {row["key"]: row["job_id"] for row in db.sql("SELECT * FROM rcq.submit_graph(%s)", json.dumps(jobs))}


def all_ended(db, ids, timeout=30.0):
    harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.live WHERE job_id = ANY (%s)", list(ids)) == 0, "all jobs ended", timeout)
    return {row["id"]: row for row in db.sql("SELECT * FROM rcq.jobs WHERE id = ANY (%s)", list(ids))}


def test_a_chain_runs_in_its_order(db):
    db.executor("x", cores=4)
    written = book(db, "written")
    last = None
    ids = []
    for step in range(8):
        options = {"depends_on": f"afterok:{last}"} if last else {}
        last = db.submit(f"sleep 0.0{8 - step}; echo {step} >> {written}", **options)
        ids.append(last)
    rows = all_ended(db, ids)
    assert lines(written) == [str(step) for step in range(8)]
    assert {row["status"] for row in rows.values()} == {"completed"}
    for before, after in zip(ids, ids[1:]):
        assert rows[after]["started_at"] >= rows[before]["ended_at"]


def test_a_diamond_joins_after_both_of_its_sides(db):
    db.executor("x", cores=4)
    gate = db.gate()
    ids = graph(db, [
        {"key": "top", "script": "true"},
        {"key": "left", "script": gate.script, "needs": ["top"]},
        {"key": "right", "script": "true", "needs": ["top"]},
        {"key": "bottom", "script": "true", "needs": ["left", "right"]},
    ])
    db.ended(ids["right"])
    db.running(ids["left"])
    assert db.sql("SELECT kind, on_job FROM rcq.dependencies WHERE job_id = %s", ids["bottom"]) == [{"kind": "afterok", "on_job": ids["left"]}]
    gate.open()
    rows = all_ended(db, ids.values())
    assert rows[ids["bottom"]]["started_at"] >= rows[ids["left"]]["ended_at"] >= rows[ids["right"]]["ended_at"]


def test_a_clean_up_job_runs_when_the_job_before_it_fails_and_what_needed_that_one_fails_too(db):
    db.executor("x", cores=4)
    ids = graph(db, [
        {"key": "work", "script": "exit 3"},
        {"key": "publish", "script": "true", "needs": ["work"]},
        {"key": "announce", "script": "true", "needs": ["publish"]},
        {"key": "clean-up", "script": "true", "needs": {"afternotok": ["work"]}},
        {"key": "report", "script": "true", "needs": {"afterany": ["announce", "clean-up"]}},
    ])
    rows = all_ended(db, ids.values())
    assert [(rows[ids[key]]["status"], rows[ids[key]]["reason"]) for key in ("work", "publish", "announce", "clean-up", "report")] == [
        ("failed", "exit_code"), ("failed", "dependency_failed"), ("failed", "dependency_failed"), ("completed", None), ("completed", None)]
    assert rows[ids["announce"]]["message"] == f"afterok:{ids['publish']}: job {ids['publish']} failed"


def test_a_retry_is_no_end(db):
    db.executor("x", cores=2)
    first = db.submit("[ $RCQ_ATTEMPT = 2 ]", max_retries=1)
    second = db.submit("true", depends_on=f"afterok:{first}")
    rows = all_ended(db, [first, second])
    assert rows[first]["attempt"] == 2
    assert rows[second]["status"] == "completed"
    assert rows[second]["started_at"] >= rows[first]["ended_at"]


def test_singletons_run_one_at_a_time_in_the_order_of_their_submission(db):
    db.executor("x", cores=4)
    ids = [db.submit("sleep 0.1", name="nightly", depends_on="singleton") for _ in range(5)]
    rows = all_ended(db, ids)
    for before, after in zip(ids, ids[1:]):
        assert rows[after]["started_at"] >= rows[before]["ended_at"]


def test_tasks_follow_the_tasks_of_the_same_index(db):
    db.executor("x", cores=4)
    gate = db.gate()
    first = db.submit(f"case $RCQ_ARRAY_INDEX in 1) exit 1;; 2) {gate.script};; esac", **{'"array"': "1-4"})
    second = db.submit("true", depends_on=f"aftercorr:{first}", **{'"array"': "1-4"})

    def states():
        return [(row["index"], row["status"]) for row in db.sql("SELECT index, status FROM rcq.tasks(%s)", second)]
    harness.wait_for(lambda: states() == [(1, "failed"), (2, "pending"), (3, "completed"), (4, "completed")], "all but task 2")
    gate.open()
    row = db.ended(second)
    assert (row["status"], row["reason"], row["message"]) == ("failed", "tasks_failed", "3 of 4 tasks completed, 1 failed, 0 cancelled")


def test_a_singleton_waits_for_one_of_a_larger_id_that_was_let_go_before_it_was_committed(db):
    db.executor("x", cores=4)
    db.ended(db.submit("true"))
    gate = db.gate()
    session = db.server.connect(db.name)
    session.autocommit = False
    with session.cursor() as cursor:
        cursor.execute("SELECT rcq.submit('true', name => 'nightly', depends_on => 'singleton')")
        early = cursor.fetchone()[0]
        late = db.submit(gate.script, name="nightly", depends_on="singleton")
        assert late > early
        db.running(late)
        session.commit()
    session.close()
    harness.wait_for(lambda: db.one("SELECT on_job FROM rcq.dependencies WHERE job_id = %s", early) == late, "the early one waits for the late one")
    last = db.submit("true", name="nightly", depends_on="singleton")
    gate.open()
    rows = all_ended(db, [early, late, last])
    assert rows[last]["started_at"] >= rows[early]["ended_at"] >= rows[early]["started_at"] >= rows[late]["ended_at"]


def test_thousands_of_tasks_follow_theirs_through_several_parts_of_the_history(db):
    db.set(history_partition_jobs="1000")
    first = db.submit("true", **{'"array"': "0-5999", "hold": True})
    # tasks 0 to 2499 complete, 2500 to 5499 are withdrawn, the rest goes on waiting
    db.sql("""WITH task AS MATERIALIZED (
                  SELECT l.* FROM rcq_private.live l WHERE l.job_id IN (SELECT rcq_private.materialise_tasks(%s, '{[0,2500)}')))
              SELECT count(*) FROM task""", first)
    db.sql("""WITH gone AS (DELETE FROM rcq_private.live WHERE array_id = %s RETURNING *),
                   counted AS (INSERT INTO rcq_private.array_end SELECT array_id, count(*), 0, 0 FROM gone GROUP BY 1)
              INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status)
              SELECT rcq_private.touched(job_id), clock_timestamp(), user_id, group_id, priority, 1, 'completed' FROM gone""", first)
    second = db.submit("true", **{'"array"': "0-5999", "depends_on": f"aftercorr:{first}"})
    waiting = db.submit("true", **{'"array"': "0-5999", "depends_on": f"aftercorr:{first}", "on_dependency_failed": "wait"})

    def tasks(job):
        return tuple(db.sql("SELECT count(*) FILTER (WHERE l.unmet = 0) AS let_go, count(*) FILTER (WHERE o.status = 'failed') AS failed FROM rcq_private.job j "
                            "LEFT JOIN rcq_private.live l ON l.job_id = j.id LEFT JOIN rcq_private.outcome o ON o.job_id = j.id WHERE j.array_id = %s", job)[0].values())
    harness.wait_for(lambda: (tasks(second), tasks(waiting)) == ((2500, 0), (2500, 0)), "those whose predecessors completed are let go")
    db.sql("SELECT rcq.cancel(%s, '2500-5499')", first)
    # one that ends makes the rest known
    db.sql("SELECT rcq.cancel(%s)", first)
    harness.wait_for(lambda: (tasks(second), tasks(waiting)) == ((2500, 3500), (2500, 0)), "those that lost their predecessors have failed")
    assert db.one("SELECT last_error FROM rcq.scheduler") is None


def test_a_graph_goes_on_after_the_server_was_killed_in_the_middle_of_it(server, db):
    db.executor("x", cores=4)
    starts = book(db, "starts")
    jobs = [{"key": f"{level}.{i}", "script": f"echo {level}.{i} >> {starts}; sleep 0.2",
             **({"needs": [f"{level - 1}.{(i + k) % 4}" for k in range(2)]} if level else {})} for level in range(6) for i in range(4)]
    ids = graph(db, jobs)
    harness.wait_for(lambda: len(lines(starts)) >= 10, "the graph is half done")
    server.stop("immediate")
    server.start()
    rows = all_ended(db, ids.values(), 60)
    assert {row["status"] for row in rows.values()} == {"completed"}
    for job in jobs:
        for need in job.get("needs", ()):
            assert rows[ids[job["key"]]]["started_at"] >= rows[ids[need]]["ended_at"], (job["key"], need)
    assert db.one("SELECT count(*) FROM rcq_private.dependency") == 0
