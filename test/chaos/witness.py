"""What jobs themselves write down of their attempts, and the processes of this machine."""
import collections
import contextlib
import os
import signal
import tempfile
import typing

import harness


class Entry(typing.NamedTuple):
    """One line of the book."""
    word: str     # begin, end (came to its end), fail (came to its end and exits with an error), beside (another attempt lives)
    job: int
    attempt: int
    at: float     # seconds since the machine was started: whoever sets a clock changes nothing here
    host: str     # the executor's role
    token: int    # of the run
    key: str      # what the submitter called it
    index: str    # of a task of an array, else -


def uptime():
    """Now, on the clock of the entries."""
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


class Witness:
    """Every attempt of a job appends a line when it begins and one when it comes to its end, to one file: a line is one
    write, so none is torn and their order is that of the events. The processes of a job hold a lock as long as one of them
    lives; an attempt that begins beside a living one says so."""

    def __init__(self, db):
        self._db, self.path = db, harness.book(db, "witness")
        self._locks = tempfile.mkdtemp(prefix="locks-", dir=db.server.dir)
        os.chmod(self._locks, 0o777)
        self.jobs = []

    def script(self, work, key="-"):
        return (f'note() {{ read now idle < /proc/uptime; echo "$1 $RCQ_JOB_ID $RCQ_ATTEMPT $now $RCQ_RUN_DIR {key} ${{RCQ_ARRAY_INDEX:--}}" >> {self.path}; }}\n'
                f"exec 9>> {self._locks}/$RCQ_JOB_ID; flock -n 9 || note beside; note begin; {work}; note end")

    def submit(self, work, **options):
        job = self._db.submit(self.script(work), **options)
        self.jobs.append(job)
        return job

    def book(self, after=0):
        """All entries from this line on."""
        found = []
        for line in harness.lines(self.path)[after:]:
            word, job, attempt, at, directory, key, index = line.split()
            host, run = directory.split("/runs/")
            found.append(Entry(word, int(job), int(attempt), float(at), host.rsplit("/", 1)[1], int(run.split("/")[0].rsplit("-", 1)[1]), key, index))
        return found

    def entries(self):
        """By job: [(word, attempt)] in the order in which they were written."""
        found = collections.defaultdict(list)
        for entry in self.book():
            found[entry.job].append((entry.word, entry.attempt))
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


def _all_children(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as list_:
                yield from map(int, list_.read().split())


def children(pid):
    """Those of an executor without its nursery, which is no part of any run: it alone is in no directory of a run."""
    return (child for child in _all_children(pid) if not harness.is_nursery(child))


def nursery(pid):
    """Of an executor."""
    return harness.wait_for(lambda: next(filter(harness.is_nursery, _all_children(pid)), None), "there is a nursery")


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


def kill(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGKILL)


def thaw(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def alive(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False
