"""What `make demo` prints for pasting, pasted."""
import json
import os
import shlex
import stat
import subprocess

import pytest
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
