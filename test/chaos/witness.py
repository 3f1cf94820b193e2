"""What jobs themselves write down of their attempts, and the processes of this machine."""
import collections
import contextlib
import os
import signal
import tempfile

import harness


class Witness:
    """Every attempt of a job appends a line when it begins and one when it comes to its end. Its processes hold a lock as
    long as one of them lives; an attempt that begins beside a living one says so."""

    def __init__(self, db):
        self._db, self.path = db, harness.book(db, "witness")
        self._locks = tempfile.mkdtemp(prefix="locks-", dir=db.server.dir)
        os.chmod(self._locks, 0o777)
        self.jobs = []

    def submit(self, work, **options):
        note = lambda word: f"echo {word} $RCQ_JOB_ID $RCQ_ATTEMPT >> {self.path}"  # noqa: E731
        job = self._db.submit(f"exec 9>> {self._locks}/$RCQ_JOB_ID; flock -n 9 || {note('beside')}; {note('begin')}; {work}; {note('end')}", **options)
        self.jobs.append(job)
        return job

    def entries(self):
        """By job: [(word, attempt)] in the order in which they were written."""
        found = collections.defaultdict(list)
        for line in harness.lines(self.path):
            word, job, attempt = line.split()
            found[int(job)].append((word, int(attempt)))
        return found

    def begun(self, job, attempt):
        return ("begin", attempt) in self.entries()[job]

    def living(self, job):
        """Whether a process of any attempt of this job lives."""
        path = os.path.join(self._locks, str(job))
        if not os.path.exists(path):
            return False
        inode = os.stat(path).st_ino
        with open("/proc/locks", encoding="utf-8") as locks:
            return any(f":{inode} " in line for line in locks)

    def check(self, most_attempts=None, beside=False, timeout=40):
        """Waits for the end of all jobs. Each has completed; the attempt that the server recognises is the only one that came
        to its end, and none began twice; unless `beside`, no two lived at a time."""
        for job in self.jobs:
            row = self._db.ended(job, timeout)
            assert row["status"] == "completed", (row["status"], row["reason"], row["message"])
            assert most_attempts is None or row["attempt"] <= most_attempts, f"job {job} ran {row['attempt']} times: {self.entries()[job]}"
            entries = self.entries()[job]
            assert [attempt for word, attempt in entries if word == "end"] == [row["attempt"]], f"job {job} recognised as {row['attempt']}: {entries}"
            begins = [attempt for word, attempt in entries if word == "begin"]
            assert len(begins) == len(set(begins)), f"an attempt of job {job} began twice: {entries}"
            assert beside or not [entry for entry in entries if entry[0] == "beside"], f"two attempts of job {job} lived at a time: {entries}"
        assert self._db.one("SELECT count(*) FROM rcq.jobs WHERE status IN ('assigned', 'running')") == 0


def children(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as list_:
                yield from map(int, list_.read().split())


def tree(pid):
    """A process and all that descend from it, parents first."""
    yield pid
    for child in list(children(pid)):
        yield from tree(child)


def freeze(pids):
    stopped = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
    return stopped


def thaw(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def alive(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False
