"""Faults, one after the other, in a cluster under load: nothing is lost, doubled or attributed to the wrong job, no limit is
exceeded, nothing is left over. rounds.py is the same as a command, which measures recovery, too. All faults with RCQ_SOAK=1."""
import contextlib
import os

import faults
import harness
import pytest
import rounds
import workload


@pytest.fixture(scope="module")
def worlds():
    """One for each kind of server that faults need, by what makes it."""
    with contextlib.ExitStack() as stack:
        made = {}

        def world(on):
            if on not in made:
                made[on] = stack.enter_context(rounds.new_world(1, on))
            return made[on]
        yield world


@pytest.mark.parametrize("name", [name for name, fault in faults.known().items() if fault.usual or (os.environ.get("RCQ_SOAK") == "1" and not fault.long)])
def test_after_a_fault_under_load_the_books_balance(worlds, name):
    fault = faults.known()[name]
    found = rounds.measure(worlds(fault.on), fault)
    assert not found.findings, "\n".join(f"{finding.kind}: {finding.text}" for finding in found.findings)
    assert found.in_flight > 0


def test_books_that_do_not_balance_say_so(worlds):
    world = worlds(harness.Server)
    with world.under_load():
        harness.wait_for(lambda: world.one("SELECT count(*) FROM rcq.jobs WHERE id >= %s AND status = 'completed'", world.first_job) >= 10, "some have ended", 60)
    assert world.settle() == []
    completed = "SELECT id, attempt, executor, name FROM rcq.jobs WHERE id >= %s AND status = 'completed' AND array_size IS NULL AND array_id IS NULL ORDER BY id"
    one, other, third = world.ask(completed, world.first_job)[:3]

    def wrong(kind, text):
        return [finding for finding in world.balance() if finding.kind == kind and text in finding.text]

    def written(word, job, key):
        with open(world.witness.path, "a", encoding="utf-8") as book:
            book.write(f"{word} {job['id']} {job['attempt']} 0 /x/{job['executor']}/runs/1-1/job {key} -\n")

    world.ask("UPDATE rcq_private.usage SET core_seconds = core_seconds + 1 WHERE ctid = (SELECT min(ctid) FROM rcq_private.usage)")
    assert wrong("other", "is charged")
    world.ask("DELETE FROM rcq_private.outcome WHERE job_id = %s", one["id"])
    assert wrong("lost", f"{one['name']} (") and wrong("lost", f"job {one['id']} is neither live nor ended")
    world.ask("UPDATE rcq_private.log SET data = 'x' WHERE job_id = %s", other["id"])
    assert wrong("misattributed", f"attempt {other['attempt']} of job {other['id']}")
    written("begin", other, other["name"])
    assert wrong("doubled", f"of job {other['id']} began twice")
    written("end", other, third["name"])
    assert wrong("misattributed", f"job {other['id']} ran the script of {third['name']}")
    next(request for request in world.load.requests if request.key == third["name"]).state = workload.REFUSED
    assert wrong("other", f"{third['name']} was refused, and ran")
