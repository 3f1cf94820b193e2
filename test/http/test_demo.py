"""What `make demo` prints for pasting, pasted."""
import json
import os
import re
import shlex
import shutil
import stat
import subprocess

import pytest
import harness
from harness import ROOT


@pytest.fixture(scope="module")
def bash(db, http):
    db.sql("CREATE ROLE ada LOGIN")
    db.sql("SELECT rcq.add_user('ada', 'default')")

    def run(lines, **environment):
        owner = {"RCQ_RUN_USER": os.environ.get("RCQ_RUN_USER", "postgres")} if os.geteuid() == 0 else {}
        return subprocess.run(["bash", "-c", lines], env={**http.environment, **owner, "RCQ_STATE_DIR": http.state, **environment}, check=True, capture_output=True, text=True, timeout=60).stdout
    yield run
    db.roles.append("ada")


def values(text):
    """Of the JSON values one after the other in a text."""
    found, decoder, rest = [], json.JSONDecoder(), text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found


PREPARE = f"""set -euo pipefail
root={shlex.quote(ROOT)} state=$RCQ_STATE_DIR
sql() {{ psql -XAtq -v ON_ERROR_STOP=1 "$@"; }}
source "$state/env"
source "$root/deploy/demo/http.sh"
prepare_http
"""


def test_the_lines_that_the_demo_prints_do_what_they_say(executor, bash):
    printed = bash(PREPARE + "print_http_lines")
    assert len(printed.splitlines()) == 10
    job, jobs, queue, stats, output, health = values(bash(printed))
    assert job["name"] == "by-http" and job["cpu_cores"] == 1
    assert isinstance(jobs["jobs"], list) and isinstance(queue["queue"], list) and "error" not in stats
    assert output == 42 and health["status"] == "healthy"


def test_a_second_demo_keeps_the_password_and_the_token(http, bash):
    show = 'echo "$RCQ_DEMO_PASSWORD $RCQ_ADMIN_TOKEN"'
    first, second = bash(PREPARE + show), bash(PREPARE + show)
    assert first == second and len(first.split()) == 2
    assert bash(f"source {http.state}/env; {show}") == first
    path = os.path.join(http.state, "env")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, encoding="utf-8") as file:
        names = [line.split("=")[0] for line in file]
    assert len(names) == len(set(names)) == 7, "each once"


def test_the_token_of_the_demo_is_one_of_an_administrator(http, bash):
    token = bash(PREPARE + 'echo "$RCQ_ADMIN_TOKEN"').strip()
    assert http.get("/api/admin/stats", token).status == 200 and http.get("/api/admin/users", token).status == 200


DEMO = f"""set -euo pipefail
root={shlex.quote(ROOT)} state=$DEMO demo=$DEMO
source "$root/deploy/lib.sh"
source "$root/deploy/demo/jobs.sh"
sql() {{ psql -XAtq -v ON_ERROR_STOP=1 "$@"; }}
submit_jobs
watch_jobs
check_ends
"""


@pytest.fixture
def demo(server, tmp_path):
    """Runs jobs of a list as the demo does, on documents some times as long as ours are."""
    database = harness.Database(server, "demo")
    for user in ("ada", "barbara"):
        database.sql(f"CREATE ROLE {user}_of_demo LOGIN")
        database.sql("SELECT rcq.add_user(%s)", f"{user}_of_demo")
        database.roles.append(f"{user}_of_demo")
    for copy in range(3):
        shutil.copytree(os.path.join(ROOT, "docs"), tmp_path / "share" / "docs" / str(copy))
    for directory in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(directory, 0o755)
    os.symlink(os.path.join(ROOT, "deploy", "demo", "jobs"), tmp_path / "jobs")
    database.executor("host", "--workdir-allow", str(tmp_path / "share"), cores=2, memory_gb=2)

    def run(lines):
        (tmp_path / "jobs.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return subprocess.run(["bash", "-c", DEMO], env={**os.environ, "PGHOST": server.dir, "PGPORT": str(server.port), "PGDATABASE": "demo", "PGUSER": "postgres", "DEMO": str(tmp_path)},
                              check=False, capture_output=True, text=True, timeout=400)
    yield run
    database.drop()


def test_words_are_counted_within_the_memory_of_the_job_however_long_the_documents_are(demo):
    with open(os.path.join(ROOT, "deploy", "demo", "jobs.list"), encoding="utf-8") as file:
        lines = [line.strip().replace("barbara", "barbara_of_demo", 1) for line in file if " words.sh " in line]
    assert len(lines) == 2 and all(" completed " in line for line in lines), lines
    done = demo(lines)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert len(re.findall(r"word-counts\S* +\S+ +completed on \S*host", done.stdout)) == 2, done.stdout


def test_a_job_of_the_demo_that_ends_otherwise_than_expected_is_named(demo):
    done = demo(["ada_of_demo training.sh completed name => 'good'", "ada_of_demo training.sh failed/oom name => 'bad'",
                 "ada_of_demo training.sh pending/never_fits name => 'large', gpu_count => 8"])
    assert done.returncode == 1
    assert re.fullmatch(r"(\S+: )?job \d+ bad is completed/-, and failed/oom was expected\n", done.stderr), done.stderr
