"""The plots of docs/performance.md, from the series that the parts have kept."""
import os

import svg

NAMES = {"rcq": "rcq", "graphile": "graphile-worker", "pgboss": "pg-boss", "pgq": "PgQ"}


def named(series):
    return {NAMES.get(name, name): points for name, points in series.items()}


PLOTS = {
    "depth": lambda series: svg.lines("Drain with many jobs pending", named(series), "jobs pending besides", "rate, relative to 1,000 pending", log_x=True),
    "latency": lambda series: svg.lines("From submission to the consumer, idle system", named(series), "ms", "share of jobs", log_x=True),
    "held": lambda series: svg.lines("Drain under a held snapshot", named(series), "jobs drained", "rate, relative to the first part"),
    "stages": lambda series: svg.bars("Cost of a job, stage by stage", series),
}


def write(series, directory):
    """One file per plot of which there is something to show."""
    for name, draw in PLOTS.items():
        if name in series:
            with open(os.path.join(directory, f"{name}.svg"), "w", encoding="utf-8") as file:
                file.write(draw(series[name]))
