import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness  # noqa: E402


@pytest.fixture(scope="session")
def server():
    with harness.watched_server(fsync="off") as running:
        yield running


@pytest.fixture
def db(server, request):
    with harness.database_of_test(server, request.node.name) as database:
        yield database
