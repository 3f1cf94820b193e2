"""What earlier versions installed, beside what the current one does, while these tests run."""
import glob
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness  # noqa: E402

VERSIONS = sorted(os.path.basename(path)[len("rcq--"):-len(".sql")] for path in glob.glob(os.path.join(HERE, "rcq--*.sql")))


def check(log):
    crash = harness.CRASH.search(log)
    assert not crash, f"the server log shows a crash: {log[max(0, crash.start() - 500):crash.end() + 500]}"


@pytest.fixture(scope="session")
def frozen():
    """The install scripts of earlier versions, where CREATE EXTENSION finds them."""
    config = os.environ.get("RCQ_PG_CONFIG", "pg_config")
    extensions = os.path.join(subprocess.check_output([config, "--sharedir"], text=True).strip(), "extension")
    copies = [shutil.copy(os.path.join(HERE, f"rcq--{version}.sql"), extensions) for version in VERSIONS]
    yield
    for path in copies:
        os.remove(path)


@pytest.fixture(scope="session")
def server(frozen):
    running = harness.Server(fsync="off", log_min_error_statement="panic")
    yield running
    log = running.log()
    running.remove()
    check(log)
