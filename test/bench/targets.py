"""What each figure must reach, and what it should reach then. A limit is a number, or the name of a figure of the same run
(times a factor)."""
from typing import NamedTuple


class Target(NamedTuple):
    name: str
    must: float | str | None
    must_text: str
    then: float | str | None
    then_text: str
    less_is_better: bool = False
    then_factor: float = 1.0

    def met(self, value, limit):
        return value <= limit if self.less_is_better else value >= limit


TARGETS = (
    Target("submit_1conn", "submit_1conn_pgboss", "pg-boss", "submit_1conn_pgq", "PgQ"),
    Target("submit_4conn", "submit_4conn_pgboss", "pg-boss", "submit_4conn_pgq", "PgQ"),
    Target("bulk_submit", "bulk_submit_river", "River's insert", None, "pgmq"),
    Target("drain_500", "drain_500_pgboss", "pg-boss", "drain_500_analyzed_graphile", "graphile-worker after ANALYZE"),
    Target("drain_vs_raw", 0.5, "0.5", 0.8, "0.8"),
    Target("latency_p50", "latency_p50_graphile", "graphile-worker", "latency_floor_p50", "1.5 x the raw floor", True, 1.5),
    Target("latency_p99", "latency_p99_graphile", "graphile-worker", "latency_floor_p99", "1.5 x the raw floor", True, 1.5),
    Target("held_snapshot", 0.95, "0.95", 1.0, "1.0"),
    Target("depth_1m", 0.9, "0.9", 1.0, "1.0"),
    Target("blocked_100k", 0.9, "0.9", 1.0, "1.0"),
    Target("history_10m", 0.95, "0.95", 1.0, "1.0"),
    Target("wal_per_job", 1500, "under 1,500", 900, "under 900", True),
    Target("cpu_per_10k", 0.4, "under 0.4", 0.2, "under 0.2", True),
    Target("pollers_1000", 0.95, "0.95", 0.99, "0.99"),
    Target("spawn_vs_raw", 0.5, "0.5", 0.8, "0.8"),
    Target("spawn_vs_slurm", 5, "5", 10, "10"),
    Target("idle_cpu", 1, "under 1", 0.2, "under 0.2", True),
    Target("plan_1m", 10, "under 10", 1, "under 1", True),
)
BY_NAME = {target.name: target for target in TARGETS}


def limit(values, of, factor=1.0):
    """The number that a limit stands for, or None when it was not measured."""
    if isinstance(of, str):
        of = values.get(of)
    return None if of is None else of * factor


def ratio(values, name):
    """The value as a share of what it must be; None without a target, or when that was not measured."""
    if name not in BY_NAME:
        return None
    must = limit(values, BY_NAME[name].must)
    return None if not must else values[name] / must
