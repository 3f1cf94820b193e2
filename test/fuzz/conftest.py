import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import harness  # noqa: E402


@pytest.fixture(scope="session")
def server():
    with harness.watched_server(fsync="off", log_min_error_statement="panic") as running:
        yield running
