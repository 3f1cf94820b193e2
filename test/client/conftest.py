import os
import sys

import pytest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import command  # noqa: E402
import harness  # noqa: E402


@pytest.fixture(scope="module")
def server():
    with harness.watched_server(fsync="off") as running:
        yield running


@pytest.fixture
def db(server, request):
    with harness.database_of_test(server, request.node.name) as database:
        yield database


@pytest.fixture
def rcq(db):
    """Runs the command on the database of the test."""
    return command.of(db)
