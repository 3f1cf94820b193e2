import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness  # noqa: E402


@pytest.fixture(scope="session")
def soak():
    """Whether there is time for many rounds (make soak)."""
    return os.environ.get("RCQ_SOAK") == "1"


@pytest.fixture(scope="module")
def server():
    running = harness.Server(fsync="off")
    yield running
    log = running.log()
    running.remove()
    crash = harness.CRASH.search(log)
    assert not crash, f"the server log shows a crash: {log[max(0, crash.start() - 500):crash.end() + 500]}"


@pytest.fixture
def db(server, request):
    """A fresh database with the extension, named after the test; runs of an executor that is gone are given away after 3 s."""
    name = "c_" + re.sub(r"\W+", "_", request.node.name.lower())[5:45].strip("_")
    database = harness.Database(server, name, lease="2 s", lost_after="3 s", claim_timeout="2 s")
    yield database
    database.drop()
