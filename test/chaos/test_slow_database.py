"""Jobs that write more than the way to the database takes."""
import threading

import harness
import slow_proxy
from witness import Witness


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def test_a_job_never_waits_for_a_slow_database_and_the_executor_holds_nothing_back_in_memory(db):
    db.set(lost_after="60 s", lease="30 s")
    way = slow_proxy.SlowProxy(db.server.port, 300_000)
    executor = db.executor("a", port=way.port)
    harness.wait_for(lambda: db.ended(db.submit("true"))["status"] == "completed", "it works")
    before = rss_mib(executor.process.pid)
    witness = Witness(db)
    count = 1_000_000  # 6.9 MB: the database keeps all of it
    jobs = [witness.submit(f"seq {count}") for _ in range(2)]
    for job in jobs:
        harness.wait_for(lambda: ("end", 1) in witness.entries()[job], "the job comes to its end")
    assert db.one("SELECT count(*) FROM rcq.jobs WHERE id = ANY(%s) AND status = 'running'", jobs) == 2, "their logs are still on the way"
    most = 0
    way.rate = 20_000_000
    while any(db.job(job)["status"] == "running" for job in jobs):
        most = max(most, rss_mib(executor.process.pid))
    witness.check(most_attempts=1)
    assert most - before < 24, f"{before} MiB before, {most} MiB with two logs of 7 MB on the way"
    expected = "".join(f"{i}\n" for i in range(1, count + 1)).encode()
    for job in jobs:
        assert bytes(db.one("SELECT rcq.logs_raw(%s)", job)) == expected
    way.close()


def test_connections_that_end_amid_log_batches_lose_and_double_no_line(db, soak):
    db.set(lost_after="60 s", lease="30 s")
    way = slow_proxy.SlowProxy(db.server.port, 2_000_000)
    executor = db.executor("a", port=way.port)
    witness = Witness(db)
    count = 300_000
    over = threading.Event()
    ended = []

    def end_connections():
        connection = db.server.connect()
        with connection.cursor() as cursor:
            while not over.wait(1):
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND query LIKE '%%executor_log%%'", (executor.role,))
                ended.extend(cursor.fetchall())
        connection.close()
    killer = threading.Thread(target=end_connections)
    killer.start()
    try:
        for _ in range(10 if soak else 2):
            jobs = [witness.submit(f"seq {count}; seq {count} >&2") for _ in range(2)]
            for job in jobs:
                db.ended(job, 120)
    finally:
        over.set()
        killer.join()
    assert len(ended) >= 3, "connections were ended in the middle of it"
    witness.check(most_attempts=1)
    expected = "".join(f"{i}\n" for i in range(1, count + 1)).encode()
    for job in witness.jobs:
        for stream in ("stdout", "stderr"):
            assert bytes(db.one("SELECT rcq.logs_raw(%s, stream => %s)", job, stream)) == expected
