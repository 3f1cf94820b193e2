"""The extension goes away under jobs that run, and comes back."""
import contextlib
import os

import harness
import psycopg2
from faults import fault


@fault("extension-dropped", "DROP EXTENSION CASCADE in a database with runs under way, and CREATE EXTENSION: what was there is gone by decision", bound=10)
def extension_dropped(world):
    other = harness.Database(world.server, f"dropped_{os.urandom(3).hex()}", lease="2 s", lost_after="3 s", claim_timeout="2 s")
    try:
        executor = other.executor("a", cores=8)
        old = [other.submit(f"sleep {seconds}") for seconds in (1, 60, 60, 60)]
        for job in old:
            other.running(job, 60)
        other.drop_extension("CASCADE")
        harness.wait_for(lambda: not other.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'rcq scheduler' AND datname = current_database()"), "its scheduler is gone", 60)
        assert executor.process.poll() is None, "the executor waits for its database to come back"
        with contextlib.suppress(psycopg2.Error):
            other.submit("true")
            raise AssertionError("a database without the extension took a job")
        left = executor.processes()
        assert left, "runs go on for as long as nobody says otherwise"
        # in one transaction: an executor that meets a queue in which it is none ends
        other.sql("CREATE EXTENSION rcq; SELECT rcq.create_executor_login(%s)", executor.role)
        job = other.submit("true")

        def recovered():
            return other.job(job)["status"] == "completed" and not set(left) & set(executor.processes())
        yield recovered
        assert other.one("SELECT count(*) FROM rcq.jobs") == 1 and other.one("SELECT count(*) FROM rcq_private.live") == 0
        assert other.one("SELECT count(*) FROM rcq.runs") == 1, "nothing of what ran before is said of a job that came later"
    finally:
        other.drop()
