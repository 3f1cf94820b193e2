"""Benchmarks of rcq: prints `name value unit` lines. Every ratio is taken within this run. See docs/performance.md."""
import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import fleet  # noqa: E402
import harness  # noqa: E402
import web  # noqa: E402
from protocol import Session  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "fsync": "on", "synchronous_commit": "on"}


def report(name, value, unit):
    print(f"{name} {value:.4g} {unit}", flush=True)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def server_cpu(server):
    """CPU seconds of all living processes of the server, and of those that ended and were waited for."""
    with open(os.path.join(server.data, "postmaster.pid"), encoding="utf-8") as pidfile:
        postmaster = int(pidfile.readline())
    children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True, check=False).stdout.split()
    total = 0.0
    for pid in [postmaster, *map(int, children)]:
        with contextlib.suppress(FileNotFoundError):
            total += cpu_seconds(pid)
    with open(f"/proc/{postmaster}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return total + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def pgbench(server, database, script, clients=1, seconds=5, **variables):
    """Transactions per second of a pgbench script."""
    path = os.path.join(server.dir, "script.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    os.chmod(path, 0o644)
    defines = [f"-D{name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        [os.path.join(server.bin, "pgbench"), "-n", "-M", "prepared", "-h", server.dir, "-p", str(server.port), "-U", "postgres",
         "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", path, *defines, database],
        capture_output=True, text=True, check=True, cwd=server.dir)
    return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))


class ProtocolExecutor(Session):
    """An executor that takes jobs in batches and does nothing else."""

    def __init__(self, db, name, cores, memory_mib=1 << 30):
        role = f"{db.name}_{name}"
        db.sql("SELECT rcq.create_executor_login(%s)", role)
        super().__init__(db, role, cores, memory_mib)

    def hold_one(self):
        """Claims one run and never reports it."""
        while not self.finished:
            self.sync(1)
        self.finished = []

    def drain(self, count, batch=500):
        """Jobs per second until `count` jobs are finished."""
        start, done = time.monotonic(), 0
        while done < count:
            step = self.sync(batch)
            done += step
            if step == 0 and not self.finished:
                time.sleep(0.0005)
        return count / (time.monotonic() - start)


def submit_many(db, count, **fields):
    job = json.dumps({"script": "true", "memory_gb": 0.01, **fields})
    start = time.monotonic()
    db.sql("SELECT count(*) FROM rcq.submit_many((SELECT jsonb_agg(%s::jsonb) FROM generate_series(1, %s)))", job, count)
    return count / (time.monotonic() - start)


def bare_insert(db, count):
    """Rows per second of INSERT ... SELECT of what the last `count` jobs have in their tables, into tables just like these."""
    with db.server.connect(db.name) as connection, connection.cursor() as cursor:
        for table, key in (("job", "id"), ("live", "job_id")):
            cursor.execute(f"CREATE TEMP TABLE last_{table} AS SELECT * FROM rcq_private.{table} ORDER BY {key} DESC LIMIT {count}")
            cursor.execute(f"DROP TABLE IF EXISTS bare_{table}")
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE rcq_private.{'job_p0' if table == 'job' else table} INCLUDING ALL)")
        connection.commit()
        start = time.monotonic()
        for table in ("job", "live"):
            cursor.execute(f"INSERT INTO bare_{table} SELECT * FROM last_{table}")
        connection.commit()
        rate = count / (time.monotonic() - start)
        cursor.execute("DROP TABLE bare_job, bare_live")
    return rate


def hot_path(server, quick):
    db = harness.Database(server, "hot")
    submit = "SELECT rcq.submit('true', hold => true);"
    seconds = 3 if quick else 8
    report("submit_1conn", pgbench(server, db.name, submit, 1, seconds), "jobs/s")
    report("submit_4conn", pgbench(server, db.name, submit, 4, seconds), "jobs/s")
    db.drop()

    db = harness.Database(server, "drain")
    db.sql("CREATE TABLE raw_job (id bigint PRIMARY KEY, status smallint DEFAULT 0, worker int, at timestamptz DEFAULT now(), payload text) WITH (fillfactor = 50)")
    db.sql("CREATE SEQUENCE raw_batch")
    with open(os.path.join(HERE, "raw.sql"), encoding="utf-8") as file:
        raw_script = file.read()
    executor = ProtocolExecutor(db, "x", 4000)
    bulk, bulk_ratios, drains, raws, ratios, wals, cpus = [], [], [], [], [], [], []
    count = 10000 if quick else 50000
    for _ in range(3):
        size = 100000 if not quick else 20000
        bulk.append(submit_many(db, size, hold=True))
        bulk_ratios.append(bulk[-1] / bare_insert(db, size))
        db.sql("DELETE FROM rcq_private.live")
        db.sql("CHECKPOINT")
        before = db.one("SELECT pg_current_wal_lsn()")
        submit_many(db, count)
        submitted_cpu = server_cpu(server)
        drains.append(executor.drain(count))
        wals.append(float(db.one("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", before)) / count)
        cpus.append((server_cpu(server) - submitted_cpu) * 10000 / count)
        raws.append(500 * pgbench(server, db.name, raw_script, 1, 2 if quick else 5, batch=500))
        ratios.append(drains[-1] / raws[-1])
    report("bulk_submit", statistics.median(bulk), "jobs/s")
    report("bulk_vs_insert", statistics.median(bulk_ratios), "ratio")
    report("drain_500", statistics.median(drains), "jobs/s")
    report("raw_500", statistics.median(raws), "jobs/s")
    report("drain_vs_raw", statistics.median(ratios), "ratio")
    report("wal_per_job", statistics.median(wals), "bytes")
    report("cpu_per_10k", statistics.median(cpus), "s")
    executor.connection.close()
    db.drop()


def reload_time(db):
    """From the end of a scheduler to the first cycle of the next one, which has read everything again."""
    before = db.sql("SELECT count(*) AS jobs, clock_timestamp() AS at FROM rcq_private.live")[0]
    begun = time.monotonic()
    db.sql("SELECT pg_terminate_backend(pid) FROM rcq.scheduler")
    harness.wait_for(lambda: db.sql("SELECT 1 FROM rcq.scheduler WHERE last_cycle_at > %s AND started_at > %s AND pending + running = %s",
                                    before["at"], before["at"], before["jobs"]),
                     "the next scheduler to know all jobs", 120)
    return time.monotonic() - begun


def depth(server, quick):
    """The same drain with many jobs pending behind; with many in front that fit no executor; and with many in front that
    wait for resources, of which the first holds a reservation."""
    deep = 100000 if quick else 1000000
    count = 5000 if quick else 20000
    db = harness.Database(server, "depth")
    executor = ProtocolExecutor(db, "x", 4000)
    shallow, behind, blocked = [], [], []
    submit_many(db, count)
    executor.drain(count)
    for _ in range(3):
        submit_many(db, count)
        shallow.append(executor.drain(count))
    for _ in range(deep // 100000):
        submit_many(db, 100000, cpu_cores=4001, priority=10)
    for _ in range(3):
        submit_many(db, count)
        blocked.append(executor.drain(count))
    report("blocked_100k" if quick else "blocked_1m", statistics.median(blocked) / statistics.median(shallow), "ratio")
    db.drop()
    db = harness.Database(server, "waiting")
    executor = ProtocolExecutor(db, "x", 4000)
    waiting = []
    db.sql("SELECT rcq.submit('true', estimated_hours => 720, priority => 10)")
    executor.hold_one()
    for _ in range(deep // 100000):
        submit_many(db, 100000, cpu_cores=4000, priority=10)
    for _ in range(3):
        submit_many(db, count)
        waiting.append(executor.drain(count))
    report("waiting_100k" if quick else "waiting_1m", statistics.median(waiting) / statistics.median(shallow), "ratio")
    db.drop()
    db = harness.Database(server, "behind")
    executor = ProtocolExecutor(db, "x", 4000)
    for _ in range(deep // 100000):
        submit_many(db, 100000, priority=1)
    for _ in range(3):
        submit_many(db, count, priority=10)
        behind.append(executor.drain(count))
    report("depth_100k" if quick else "depth_1m", statistics.median(behind) / statistics.median(shallow), "ratio")
    report("reload_100k" if quick else "reload_1m", reload_time(db), "s")
    db.drop()


def held_snapshot(server, quick):
    """The drain while an idle REPEATABLE READ transaction holds back vacuum: last part against first."""
    count, parts = (5000, 4) if quick else (40000, 11)
    db = harness.Database(server, "held")
    executor = ProtocolExecutor(db, "x", 4000)
    submit_many(db, count)
    executor.drain(count)
    holder = server.connect(db.name)
    holder.autocommit = False
    holder.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
    rates = []
    for _ in range(parts):
        submit_many(db, count)
        rates.append(executor.drain(count))
    report("held_snapshot", rates[-1] / rates[0], "ratio")
    holder.rollback()
    holder.close()
    db.drop()


def history(server, quick):
    """The drain behind finished jobs, against an empty history."""
    finished = 200000 if quick else 10000000
    count = 5000 if quick else 20000
    db = harness.Database(server, "history")
    executor = ProtocolExecutor(db, "x", 4000)
    submit_many(db, count)
    executor.drain(count)
    rates = {"empty": [], "full": []}
    for kind in ("empty", "full"):
        for _ in range(3):
            submit_many(db, count)
            rates[kind].append(executor.drain(count))
        if kind == "empty":
            db.sql("INSERT INTO rcq_private.job (id, submitted_at, user_id, group_id, cpu_cores, memory_mib, gpu_count, priority, max_retries, requeue, kill_on_disconnect, script) "
                   "SELECT nextval('rcq_private.job_id'), now() - interval '60 days', 1, 1, 1, 1024, 0, 5, 0, true, false, 'true' FROM generate_series(1, %s)", finished)
            db.sql("INSERT INTO rcq_private.outcome (job_id, ended_at, user_id, group_id, priority, attempt, status) "
                   "SELECT id, submitted_at + interval '1 hour', 1, 1, 5, 1, 'completed' FROM rcq_private.job WHERE submitted_at < now() - interval '50 days'")
            db.sql("CHECKPOINT")
    report("history_200k" if quick else "history_10m", statistics.median(rates["full"]) / statistics.median(rates["empty"]), "ratio")
    db.drop()


def built(server, program):
    """A program of the build, where everybody can reach it."""
    return shutil.copy(os.path.join(harness.ROOT, "build", program), server.dir)


def run_loop(server, count):
    """Runs per second of a loop that makes directories, supervisors, shells and /bin/true, and nothing else."""
    with tempfile.TemporaryDirectory(dir=server.dir) as directory:
        os.chmod(directory, 0o777)
        done = subprocess.run([built(server, "run_loop_bench"), directory, os.path.join(server.dir, "rcq-supervisor"), str(count), "64"],
                              stdout=subprocess.PIPE, text=True, check=True, **harness.run_as())
    return float(done.stdout)


def real_processes(server, quick):
    db = harness.Database(server, "spawn")
    executor = db.executor("x", cores=64, memory_gb=64)
    stamps = os.path.join(server.dir, "stamps")
    with open(stamps, "w", encoding="utf-8"):
        pass
    os.chmod(stamps, 0o666)
    waits = []
    for _ in range(50 if quick else 300):
        job = db.submit(f"date +%s%N >> {stamps}")
        committed = time.time_ns()
        db.ended(job)
        with open(stamps, encoding="utf-8") as file:
            waits.append((int(file.read().split()[-1]) - committed) / 1e6)
    waits.sort()
    report("latency_p50", waits[len(waits) // 2], "ms")
    report("latency_p99", waits[int(len(waits) * 0.99)], "ms")

    stamp = built(server, "stamp_bench")
    jobs = []
    for _ in range(50 if quick else 300):
        jobs.append(db.submit(f"#!{stamp}"))
        db.ended(jobs[-1])
    delays = sorted((int(db.logs(job)[0]) / 1e9 - float(db.one("SELECT extract(epoch FROM started_at) FROM rcq.runs WHERE job_id = %s", job))) * 1000
                    for job in jobs)
    report("claim_to_start_p50", delays[len(delays) // 2], "ms")

    count = 1000
    ratios, loops, rates = [], [], []
    for _ in range(3):
        start = time.monotonic()
        for _ in range(count):
            os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)
        raw = count / (time.monotonic() - start)
        loop = run_loop(server, count)
        submit_many(db, count, script="/bin/true")
        start = time.monotonic()
        harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.live") == 0, "all jobs ended", 120)
        rates.append(count / (time.monotonic() - start))
        ratios.append(rates[-1] / raw)
        loops.append(rates[-1] / loop)
    report("spawn_rate", statistics.median(rates), "jobs/s")
    report("spawn_vs_raw", statistics.median(ratios), "ratio")
    report("spawn_vs_loop", statistics.median(loops), "ratio")

    time.sleep(2)
    seconds = 10 if quick else 60
    cpu, lsn = server_cpu(server) + cpu_seconds(executor.process.pid), db.one("SELECT pg_current_wal_lsn()")
    time.sleep(seconds)
    used = server_cpu(server) + cpu_seconds(executor.process.pid) - cpu
    report("idle_cpu", 100 * used / seconds, "% of a core")
    report("idle_wal", float(db.one("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", lsn)) / seconds, "bytes/s")
    db.drop()


def dag_10k(server, quick):
    """A graph of jobs in 100 levels, each of which needs three jobs of the level before: submission, and until all have ended."""
    levels, width = (20, 50) if quick else (100, 100)
    db = harness.Database(server, "dag")
    executor = ProtocolExecutor(db, "x", 4000)
    graph = json.dumps([{"key": f"{level}.{i}", "script": "true", "memory_gb": 0.01,
                         **({"needs": [f"{level - 1}.{(i * 7 + k) % width}" for k in range(3)]} if level else {})}
                        for level in range(levels) for i in range(width)])
    start = time.monotonic()
    db.sql("SELECT count(*) FROM rcq.submit_graph(%s)", graph)
    report("dag_submit_1k" if quick else "dag_submit_10k", time.monotonic() - start, "s")
    executor.drain(levels * width)
    report("dag_1k" if quick else "dag_10k", time.monotonic() - start, "s")
    # and one that fails from its first job on
    chain = json.dumps([{"key": str(i), "script": "true", "hold": i == 0, **({"needs": [str(i - 1)]} if i else {})} for i in range(levels * width)])
    first = db.one("SELECT min(job_id) FROM rcq.submit_graph(%s)", chain)
    start = time.monotonic()
    db.sql("SELECT rcq.cancel(%s)", first)
    harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.live") == 0, "the whole chain failed", 120)
    report("dag_chain_fails_1k" if quick else "dag_chain_fails_10k", time.monotonic() - start, "s")
    db.drop()


def arrays(server, quick):
    """Submission of a million tasks, and their drain against that of as many jobs of their own; a drain beside a million jobs whose
    time has not come."""
    db = harness.Database(server, "arrays")
    executor = ProtocolExecutor(db, "x", 4000)
    count, delayed = (10000, 100000) if quick else (50000, 1000000)
    times, tasks, jobs, beside = [], [], [], []
    for _ in range(5):
        start = time.monotonic()
        job = db.one("SELECT rcq.submit('true', \"array\" => '1-1000000', hold => true)")
        times.append((time.monotonic() - start) * 1000)
        db.sql("SELECT rcq.cancel(%s)", job)
    report("array_submit_1m", statistics.median(times), "ms")
    for _ in range(3):
        submit_many(db, count)
        jobs.append(executor.drain(count))
        db.sql("SELECT rcq.submit('true', memory_gb => 0.01, \"array\" => %s)", f"1-{count}")
        tasks.append(executor.drain(count))
    report("array_drain", statistics.median(tasks), "jobs/s")
    report("array_vs_jobs", statistics.median(tasks) / statistics.median(jobs), "ratio")
    for _ in range(delayed // 100000):
        submit_many(db, 100000, begin_time="2035-01-01T00:00:00Z")
    for _ in range(3):
        submit_many(db, count)
        beside.append(executor.drain(count))
    report("delayed_100k" if quick else "delayed_1m", statistics.median(beside) / statistics.median(jobs), "ratio")
    executor.connection.close()
    db.drop()


def heartbeats(_, quick):
    """What 1,000 executors cost a server that can take them: when nothing happens, beyond what it uses without them; and when jobs run."""
    seconds, jobs = (15, 8000) if quick else (60, 20000)
    server = harness.Server(**SETTINGS, max_connections="1100")
    try:
        db = harness.Database(server, "fleet")
        time.sleep(2)
        idle = fleet.cpu_while(server, lambda: time.sleep(seconds)) / seconds
        members = fleet.Fleet(db, 1000)
        members.run(members.interval)
        beating = fleet.cpu_while(server, lambda: members.run(seconds)) / seconds
        report("heartbeat_1000_cpu", 100 * (beating - idle), "% of a core")
        for _ in range(2):  # the first time every backend makes its plans
            submit_many(db, jobs)
            used = fleet.cpu_while(server, lambda: members.run(jobs=jobs))
        report("fleet_cpu_per_10k", used * 10000 / jobs, "s")
        members.close()
    finally:
        server.remove()


def http(server, quick):
    """Through nginx and PostgREST; and what the server does for a page of many jobs."""
    web.http_rates(server, quick, report)
    web.list_of_a_million(server, quick, report, pgbench)


def pollers_1000(server, quick):
    web.pollers(server, quick, report, lambda db: ProtocolExecutor(db, "x", 4000), submit_many)


PARTS = (hot_path, depth, held_snapshot, history, real_processes, dag_10k, arrays, heartbeats, http, pollers_1000)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller numbers, under a minute")
    parser.add_argument("--only", choices=[part.__name__ for part in PARTS])
    arguments = parser.parse_args()
    server = harness.Server(**SETTINGS)
    try:
        for part in PARTS:
            if arguments.only in (None, part.__name__):
                part(server, arguments.quick)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
