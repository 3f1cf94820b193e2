#!/usr/bin/python3
"""Makes cron_cases.tsv: what an independent implementation of cron says, for cron_test.cpp to agree with.

    cron_cases.py > cron_cases.tsv

Run with Debian 12's python3-croniter 1.3.5-3 and tzdata. croniter is asked for local times, which zoneinfo then turns
into instants: of zones it has a wrong idea in this version (@yearly in Europe/Berlin at one o'clock). Times are seconds since 1970-01-01 UTC. Lines:

    zone  name  offset from UTC at first  time of a change:offset from then on ...
    case  expression  zone  after  the next five times

Left out is where our rules are others on purpose, and cron_test.cpp has cases of its own: times near a change of the
clocks, and two restricted days of which one begins with *.
"""
import bisect
import datetime
import random
import zoneinfo

import croniter

FIRST = datetime.datetime(2023, 1, 1, tzinfo=datetime.timezone.utc)
LAST = datetime.datetime(2036, 1, 1, tzinfo=datetime.timezone.utc)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia",
         "America/Sao_Paulo"]
NEAR = 5 * 3600  # seconds before and after a change of the clocks


def changes(zone):
    """Offsets as [(time, offset)], the first at FIRST."""
    at = int(FIRST.timestamp())
    found = []
    while at < LAST.timestamp():
        offset = int(datetime.datetime.fromtimestamp(at, zone).utcoffset().total_seconds())
        if not found or found[-1][1] != offset:
            found.append((at, offset))
        at += 900
    return found


def field(rng, first, last, names=None):
    """A random restricted field."""
    def value():
        return rng.randint(first, last)
    kind = rng.randrange(6)
    if kind == 0:
        return "*/" + str(rng.randint(2, max(2, (last - first) // 2)))
    if kind == 1:
        a, b = sorted((value(), value()))
        return f"{a}-{b}"
    if kind == 2:
        a, b = sorted((value(), value()))
        return f"{a}-{b}/{rng.randint(1, 4)}" if a < b else str(a)
    if kind == 3:
        return ",".join(str(v) for v in sorted({value() for _ in range(rng.randint(2, 4))}))
    if kind == 4 and names:
        return rng.choice(names)
    return str(value())


def expression(rng):
    def maybe(chance, *args):
        return field(rng, *args) if rng.random() < chance else "*"
    parts = [maybe(0.9, 0, 59), maybe(0.7, 0, 23), maybe(0.35, 1, 28), maybe(0.25, 1, 12, ["jan", "Jun", "DEC"]),
             maybe(0.35, 0, 6, ["mon", "Sun", "FRI"])]
    return " ".join(parts)


def main():
    rng = random.Random(20000101)
    written = {}
    print("# made by cron_cases.py with croniter 1.3.5")
    for name in ZONES:
        written[name] = changes(zoneinfo.ZoneInfo(name))
        first, *rest = written[name]
        print("zone", name, first[1], *(f"{t}:{o}" for t, o in rest), sep="\t")
    fixed = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "* * * * *", "*/5 * * * *",
             "0 0 29 2 *", "0 0 31 * *", "59 23 31 12 *", "30 6 * * 1-5", "0 12 13 * FRI", "0 0 1 1 *", "0 9-17/2 * * MON-FRI", "15 10 1,15 * *",
             "0 0 * * 7", "5,10,15 3 28-31 2,4 *", "0 8 * * mon,wed,fri"]
    cases = 0
    for i in range(520):
        text = fixed[i] if i < len(fixed) else expression(rng)
        parts = text.split()
        if len(parts) == 5 and parts[2] != "*" and parts[4] != "*" and "*" in parts[2][0] + parts[4][0]:
            continue
        name = rng.choice(ZONES)
        zone = zoneinfo.ZoneInfo(name)
        after = int(FIRST.timestamp()) + 86400 * 30 + rng.randrange(5 * 365 * 86400)
        walk = croniter.croniter(text, datetime.datetime.fromtimestamp(after, zone).replace(tzinfo=None))
        try:
            times = [int(walk.get_next(datetime.datetime).replace(tzinfo=zone).timestamp()) for _ in range(5)]
        except croniter.CroniterBadDateError:
            continue
        if times[-1] > LAST.timestamp():
            continue
        moments = [t for t, _ in written[name][1:]]
        def near(t):
            k = bisect.bisect(moments, t)
            return any(abs(t - m) < NEAR for m in moments[max(0, k - 1):k + 1])
        if any(near(t) for t in [after, *times]):
            continue
        print("case", text, name, after, *times, sep="\t")
        cases += 1
    assert cases > 300, cases


main()
