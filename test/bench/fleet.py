"""A thousand executors that run nothing, in one process: what their heartbeats cost the server."""
import contextlib
import heapq
import selectors
import statistics
import time

import harness
from measuring import SETTINGS, children, database, postmaster, server_cpu, submit_many
from protocol import Session


def cpu_while(server, action):
    """CPU seconds of the server during an action."""
    before = server_cpu(server)
    action()
    return server_cpu(server) - before


def memory_per_backend(server):
    """MiB of anonymous memory per process that a connection has, shared pages by their share."""
    sizes = []
    for pid in children(postmaster(server)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
            sizes.append(next(int(line.split()[1]) for line in rollup if line.startswith("Pss_Anon:")) / 1024)
    return statistics.median(sizes)


class Member(Session):
    """One executor: listens, syncs, and finishes at once what it is given."""

    def __init__(self, db, role, interval):
        super().__init__(db, role, 4, 1 << 14)
        part = self.terms["lease_seconds"] / 3
        self.list_every, self.listed_at = part - min(interval, part / 2), 0
        self.cursor.execute(f'LISTEN "{self.terms["channel"]}"')

    def beat(self, now):
        """Returns how many reports were accepted and whether there is something to report."""
        listing = None
        if now - self.listed_at >= self.list_every:
            listing, self.listed_at = [run["token"] for run in self.finished], now
        done = self.sync(10000, listing)
        self.connection.notifies.clear()
        return done, bool(self.finished)


class Fleet:
    """Members whose heartbeats are spread evenly over the interval."""

    def __init__(self, db, count, interval=5.0):
        self.interval = interval
        db.sql("SELECT rcq.create_executor_login(%s || i) FROM generate_series(1, %s) i", f"{db.name}_", count)
        self.members = [Member(db, f"{db.name}_{i + 1}", interval) for i in range(count)]
        self._selector = selectors.DefaultSelector()
        for member in self.members:
            self._selector.register(member.connection, selectors.EVENT_READ, member)
        now = time.monotonic()
        self._due = [(now + interval * i / count, i) for i in range(count)]
        self._next = [due for due, _ in self._due]
        heapq.heapify(self._due)

    def _sync(self, i, now):
        done, more = self.members[i].beat(now)
        self._next[i] = now if more else now + self.interval
        heapq.heappush(self._due, (self._next[i], i))
        return done

    def run(self, seconds=None, jobs=None):
        """Beats for so long, or until so many jobs are finished. Fails when this process itself cannot keep up."""
        index = {id(member): i for i, member in enumerate(self.members)}
        end, done, longest_late = time.monotonic() + (seconds or 600), 0, 0.0
        while (jobs is None or done < jobs) and (now := time.monotonic()) < end:
            due, i = self._due[0]
            if due <= now:
                heapq.heappop(self._due)
                if due == self._next[i]:  # else it has synced since, for a notification
                    longest_late = max(longest_late, now - due)
                    done += self._sync(i, now)
                continue
            for key, _ in self._selector.select(min(due, end) - now):
                key.data.connection.poll()
                if key.data.connection.notifies:
                    done += self._sync(index[id(key.data)], now)
        assert jobs is not None or longest_late < self.interval / 2, f"the load itself is late by {longest_late:.1f} s: the machine is too busy for this figure"
        assert jobs is None or done == jobs, f"{done} of {jobs} jobs within {seconds or 600} s"

    def close(self):
        self._selector.close()
        for member in self.members:
            member.connection.close()


def heartbeats(bench):
    """What 1,000 executors cost a server that can take them: when nothing happens, beyond what it uses without them; and when jobs run."""
    seconds, jobs = (10, 4000) if bench.quick else (60, 20000)
    server = harness.Server(**{**SETTINGS, "max_connections": "1100"})
    try:
        with database(server, "fleet") as db:
            time.sleep(2)
            idle = cpu_while(server, lambda: time.sleep(seconds)) / seconds
            members = Fleet(db, 1000)
            members.run(members.interval)
            beating = cpu_while(server, lambda: members.run(seconds)) / seconds
            bench.report("heartbeat_1000_cpu", 100 * (beating - idle), "% of a core")
            for _ in range(2):  # the first time every backend makes its plans
                submit_many(db, jobs)
                used = cpu_while(server, lambda: members.run(jobs=jobs))
            bench.report("fleet_cpu_per_10k", used * 10000 / jobs, "s")
            bench.report("fleet_backend_memory", memory_per_backend(server), "MiB")
            members.close()
    finally:
        server.remove()
