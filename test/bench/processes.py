"""Real processes through one rcq-executor: how long until a script runs, how many runs a second, and what idleness costs."""
import os
import statistics
import subprocess
import tempfile
import time

import harness
import slurm
from measuring import built, database, on_cpu, server_cpu, submit_many, wal_position


def run_loop(server, count):
    """Runs per second of a loop that makes directories, supervisors, shells and /bin/true, and nothing else."""
    with tempfile.TemporaryDirectory(dir=server.dir) as directory:
        os.chmod(directory, 0o777)
        done = subprocess.run([built(server, "run_loop_bench"), directory, os.path.join(server.dir, "rcq-supervisor"), str(count), "64"],
                              stdout=subprocess.PIPE, text=True, check=True, **harness.run_as())
    return float(done.stdout)


def spawn_loop(count):
    """Runs per second of a bare posix_spawn of /bin/true, one after the other."""
    start = time.monotonic()
    for _ in range(count):
        os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)
    return count / (time.monotonic() - start)


def start_times(bench, db, count):
    """One job after the other on an idle system: from the return of submit to what the script does first."""
    stamps = harness.book(db, "stamps")
    waits = []
    for _ in range(count):
        job = db.submit(f"date +%s%N >> {stamps}")
        committed = time.time_ns()
        db.ended(job)
        waits.append((int(harness.lines(stamps)[-1]) - committed) / 1e6)
    waits.sort()
    bench.report("start_p50", waits[len(waits) // 2], "ms")
    bench.report("start_p99", waits[int(len(waits) * 0.99)], "ms")


def claim_to_start(bench, db, count):
    """From the claim, as the database dates it, to the first instruction of a job that is one program."""
    stamp = built(bench.server, "stamp_bench")
    jobs = []
    for _ in range(count):
        jobs.append(db.submit(f"#!{stamp}"))
        db.ended(jobs[-1])
    delays = sorted((int(db.logs(job)[0]) / 1e9 - float(db.one("SELECT extract(epoch FROM started_at) FROM rcq.runs WHERE job_id = %s", job))) * 1000
                    for job in jobs)
    bench.report("claim_to_start_p50", delays[len(delays) // 2], "ms")


def spawn_rates(bench, db, count):
    """Jobs that are /bin/true, beside the bare loops; with --slurm beside an array of a private Slurm cluster."""
    rates, ratios, loops, times = [], [], [], []
    with slurm.cluster(bench) as cluster:
        for _ in range(1 if bench.quick else 3):
            raw, loop = spawn_loop(count), run_loop(bench.server, count)
            submit_many(db, count, script="/bin/true")
            start = time.monotonic()
            harness.wait_for(lambda: db.one("SELECT count(*) FROM rcq_private.live") == 0, "all jobs ended", 120)
            rates.append(count / (time.monotonic() - start))
            ratios.append(rates[-1] / raw)
            loops.append(rates[-1] / loop)
            if cluster:
                times.append(rates[-1] / cluster.array_rate(count))
    bench.report("spawn_rate", statistics.median(rates), "jobs/s")
    bench.report("spawn_vs_raw", statistics.median(ratios), "ratio")
    bench.report("spawn_vs_loop", statistics.median(loops), "ratio")
    if times:
        bench.report("spawn_vs_slurm", statistics.median(times), "ratio")


def idle(bench, db, executor, seconds):
    """Server and one executor with nothing to do."""
    time.sleep(2)
    def cpu():
        return server_cpu(bench.server) + on_cpu(executor.process.pid)
    before, wal = cpu(), wal_position(db)
    time.sleep(seconds)
    bench.report("idle_cpu", 100 * (cpu() - before) / seconds, "% of a core")
    bench.report("idle_wal", (wal_position(db) - wal) / seconds, "bytes/s")


def processes(bench):
    with database(bench.server, "spawn") as db:
        executor = db.executor("x", cores=64, memory_gb=64)
        start_times(bench, db, 30 if bench.quick else 300)
        claim_to_start(bench, db, 20 if bench.quick else 300)
        spawn_rates(bench, db, 300 if bench.quick else 2000)
        idle(bench, db, executor, 3 if bench.quick else 60)
