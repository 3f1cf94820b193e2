"""The command means the functions and operators of PostgreSQL, whatever others have put into schemas of the search_path:
test/sql/traps.sql lays traps; a role that is no superuser is refused when its statement means one of them."""
import os
import re
import subprocess
import time

import command
import harness
import pytest

TRAPS = os.path.join(harness.ROOT, "test", "sql", "traps.sql")


@pytest.fixture(scope="module")
def cluster(server):
    db = harness.Database(server, "client_traps")
    subprocess.run([os.path.join(server.bin, "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-f", TRAPS], check=True, stdout=subprocess.DEVNULL,
                   env={**command.environment(db), "LC_ALL": "C.UTF-8"})
    db.sql("CREATE ROLE boss LOGIN")
    db.sql("SELECT rcq.add_user('boss', is_admin => true)")
    db.sql("CREATE ROLE root LOGIN SUPERUSER")
    db.sql("SELECT rcq.add_user('root')")
    db.roles += ["boss", "root"]
    db.sql("ALTER ROLE boss SET search_path = over, above, pg_catalog, near")
    db.sql("ALTER ROLE root SET search_path = near")
    db.executor("host", cores=4, memory_gb=8)
    yield db
    db.drop()


def commands(db, rcq, user):
    """Runs every command; yields what it was and its answer."""
    def run(*arguments, **options):
        answer = rcq(*arguments, user=user, **options)
        return arguments, answer

    def submit(*arguments):
        what, answer = run("submit", *arguments)
        made.append((what, answer))
        return int(answer[1]) if answer[0] == 0 else 0

    made = []
    done = submit("-J", "done", "-t", "4h", "--", "sh", "-c", "echo fine")
    failed = submit("-a", "1-2", "--", "sh", "-c", "exit 3")
    running = submit("-J", "train", "--tag", "a", "--", "sleep", "600")
    held = submit("--hold", "-d", f"ok:{running}", "--begin", "now+2h", "--deadline", "now+2d", "--", "true")
    array = submit("--hold", "-a", "1-10%2", "--", "true")
    yield from made
    if not all((done, failed, running, held, array)):
        return
    db.ended(done)
    db.running(running)
    for job in (done, running, held, failed, f"{array}_2"):
        for name in ("show", "explain", "efficiency"):
            yield run(name, job)
            yield run(name, job, "--json")
    for name in ("queue", "history", "top", "efficiency"):
        yield run(name)
        yield run(name, "--json")
    yield run("queue", "--status", "pending", "--user", user, "--group", "default")
    yield run("queue", "--mine")
    yield run("history", "--name", "done", "--status", "completed", "--user", user)
    yield run("logs", done)
    yield run("logs", done, "--json")
    yield run("wait", done)
    yield run("wait", done, "--json")
    yield run("wait", held, "--timeout", "1s")
    yield run("update", held, "-c", "2", "-m", "2G", "-t", "5h", "--deadline", time.strftime("%Y-%m-%d", time.gmtime(time.time() + 4 * 86400)))
    yield run("priority", held, "3")
    yield run("hold", f"{array}_3")
    yield run("release", f"{array}_3")
    yield run("priority", "5", "--name", "*", "--tag", "a", "--status", "pending,running", "--user", user, "--submitted-after", "2020-01-01", "--yes")
    yield run("resubmit", done)
    yield run("resubmit", "--failed-tasks", failed)
    yield run("cancel", f"{array}_4")
    yield run("cancel", array, held, running)
    yield run("requeue", done)  # refused, by rcq


def subcommands(rcq):
    text = rcq("--help")[1]
    return set(re.findall(r"(?m)^  ([a-z]+) ", text[text.index("ubcommands"):].split("rcq COMMAND")[0]))


@pytest.mark.parametrize("user", ["boss", "root"])
def test_no_command_means_what_others_have_made(cluster, user):
    rcq, asked = command.of(cluster), set()
    for arguments, (code, out, err) in commands(cluster, rcq, user):
        asked.add(arguments[0])
        assert "permission denied" not in err and "does not exist" not in err and "older" not in err, (arguments, code, out, err)
        # what has not started has no efficiency, what has not ended is waited for no longer, what has ended cannot be requeued
        assert code == {"efficiency": 4, "wait": 124, "requeue": 1}.get(arguments[0]) or code == 0, (arguments, code, out, err)
    assert asked == subcommands(rcq)
    assert not cluster.one("SELECT is_called FROM near.caught")
