"""100,000 short jobs through one executor leave nothing behind."""
import glob
import json
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import harness  # noqa: E402

JOBS, FIRST, BATCH = 100_000, 20_000, 5_000


@pytest.fixture
def db():
    server = harness.Server(fsync="off", shared_buffers="256MB")
    yield harness.Database(server, "soak")
    log = server.log()
    server.remove()
    assert not harness.CRASH.search(log)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def children(pid):
    return [child for child in read(f"/proc/{pid}/task/{pid}/children").split() if not harness.is_nursery(child)]


def footprint(executor):
    """What a process holds when it has nothing to do."""
    pid = executor.process.pid
    harness.wait_for(lambda: not children(pid), "no child is left, dead or alive")
    return {"descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "watches": sum(read(path).count("inotify wd:") for path in glob.glob(f"/proc/{pid}/fdinfo/*")),
            "cgroups": len(glob.glob("/sys/fs/cgroup/**/*rcq*/*", recursive=True))}, \
        next(int(line.split()[1]) / 1024 for line in read(f"/proc/{pid}/status").splitlines() if line.startswith("VmRSS:"))


def test_a_hundred_thousand_jobs_leave_no_memory_descriptor_process_or_file_behind(db):
    executor = db.executor("a", "--keep-outputs", "0", cores=16, memory_gb=64)
    job = json.dumps({"script": "echo $RCQ_JOB_ID", "memory_gb": 0.01})
    seen = {}
    for ended in range(BATCH, JOBS + 1, BATCH):
        db.sql("SELECT count(*) FROM rcq.submit_many((SELECT jsonb_agg(%s::jsonb) FROM generate_series(1, %s)))", job, BATCH)
        harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.live") == 0, f"{ended} jobs have ended", 600)
        if ended in (FIRST, JOBS):
            seen[ended] = footprint(executor)
            print(f"after {ended} jobs: {seen[ended]}")
    counts = db.sql("SELECT status, count(*), max(attempt) AS attempts FROM rcq.jobs GROUP BY status")
    assert counts == [{"status": "completed", "count": JOBS, "attempts": 1}]
    (things, memory), (things_then, memory_then) = seen[JOBS], seen[FIRST]
    assert things == things_then
    # the logs of runs are kept for as long as outputs are, which here is not at all
    executor.signal(signal.SIGTERM)
    assert executor.wait_exit() == 0
    executor.start()
    for folder in ("runs", "kept"):
        harness.wait_for(lambda: not os.listdir(os.path.join(executor.state_dir, folder)), f"nothing is left of any run in {folder}", 300)
    assert memory < memory_then * 1.1 + 4, f"{memory_then:.0f} MiB after {FIRST} jobs, {memory:.0f} MiB after {JOBS}"
