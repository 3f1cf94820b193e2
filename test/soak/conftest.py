"""What the soak tests share: servers that keep what they must keep in memory, and parts of the benchmarks."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "bench")]
import harness  # noqa: E402

LONG = bool(os.environ.get("RCQ_SOAK_LONG"))


@pytest.fixture
def server():
    with harness.watched_server(fsync="off", shared_buffers="512MB", max_wal_size="4GB") as running:
        yield running
