"""Balances what submitters were told and what jobs wrote down themselves against what the database says of them."""
import collections
import typing

import harness
import workload

FINAL = ("completed", "failed", "cancelled")


class Finding(typing.NamedTuple):
    """Something that does not balance."""
    kind: str  # lost, doubled, misattributed, other
    text: str


class Limit(typing.NamedTuple):
    """What may be in use at a time: of(run) says how much of it a run takes."""
    what: str
    most: int
    of: typing.Callable


class Run(typing.NamedTuple):
    """An attempt that came to its end, as it wrote itself down."""
    job: dict
    host: str
    began: float
    ended: float


class Books:
    """The books of the jobs of one workload, which have all ended, or never will. limits: those of the cluster at all times."""

    def __init__(self, db, requests, entries, first_job, limits):
        self._db, self._entries, self._limits = db, entries, limits
        self._requests = {request.key: request for request in requests}
        self._by_external_id = {request.external_id: request for request in requests}
        self._rows = {row["id"]: row for row in db.sql(
            "SELECT id, status, reason, message, attempt, external_id::text, array_id, array_index, array_size, cpu_cores, memory_gb, gpu_count, user_name, group_name,"
            " concurrency_key, on_disconnect, exit_code FROM rcq.jobs WHERE id >= %s", first_job)}
        self._runs = {(row["job_id"], row["attempt"]): row for row in db.sql("SELECT * FROM rcq.runs WHERE job_id >= %s", first_job)}
        self._runs_of = collections.defaultdict(list)
        for run in self._runs.values():
            self._runs_of[run["job_id"]].append(run)
        self._first_job = first_job
        self.findings = []

    def _find(self, kind, text):
        self.findings.append(Finding(kind, text))

    def balance(self):
        """All that does not balance."""
        self._submissions()
        self._ends()
        self._attempts()
        self._logs()
        self._levels()
        self._tables()
        self._usage()
        self._views()
        return self.findings

    def _request_of(self, row):
        return self._by_external_id.get(self._whole(row)["external_id"])

    def _whole(self, row):
        """The array of a task, else the job itself."""
        return self._rows.get(row["array_id"], row)

    def _submissions(self):
        """Every committed submission is there once, every other one not at all; one that nobody knows of is there once or not."""
        stored = collections.Counter(row["external_id"] for row in self._rows.values() if row["array_id"] is None)
        for request in self._requests.values():
            count = stored.pop(request.external_id, 0)
            if request.state == workload.COMMITTED and count == 0:
                self._find("lost", f"{request.key} ({request.kind}) was committed, and is not there")
            elif request.state == workload.REFUSED and count > 0:
                self._find("other", f"{request.key} ({request.kind}) was refused, and is there")
            elif count > 1:
                self._find("doubled", f"{request.key} ({request.kind}) was submitted once, and is there {count} times")
        for external_id in stored:
            self._find("misattributed", f"nobody submitted the job with external_id {external_id}")

    def _ends(self):
        """Every job is in one final state, and in one that it can have."""
        for row in self._db.sql("SELECT id FROM rcq_private.job WHERE id >= %s", self._first_job):
            if row["id"] not in self._rows:
                self._find("lost", f"job {row['id']} is neither live nor ended")
        for row in self._rows.values():
            request = self._request_of(row)
            if row["status"] not in FINAL:
                self._find("lost", f"job {row['id']} has not ended: {row['status']}, {row['reason']}")
            elif request is not None and row["status"] not in self._possible(request):
                self._find("other", f"job {row['id']} ({request.kind}) is {row['status']}: {row['reason']}, {row['message']}")
            elif request is not None and request.cancel == "cancelled" and row["array_id"] is None and row["status"] != "cancelled":
                self._find("other", f"job {row['id']} was cancelled, and is {row['status']}")
        for table, more in (("outcome", "GROUP BY job_id HAVING count(*) > 1"), ("outcome JOIN rcq_private.live USING (job_id)", "")):
            for row in self._db.sql(f"SELECT job_id FROM rcq_private.{table} WHERE job_id >= %s {more}", self._first_job):
                self._find("doubled", f"job {row['job_id']} has ended twice, or both ended and not")
        sizes = self._db.sql("SELECT id, size, completed + failed + cancelled AS ended FROM rcq.arrays WHERE id >= %s", self._first_job)
        for row in sizes:
            if row["size"] != row["ended"]:
                self._find("lost", f"array {row['id']} has {row['size']} tasks, of which {row['ended']} are counted as ended")

    def _possible(self, request):
        possible = set(request.expected)
        if request.cancel:
            possible |= {"cancelled", "failed"}  # an array of which some tasks had run
        if request.kind == "after success" and any(self._status(key) in ("failed", "cancelled") for key in request.parents):
            possible = {"failed", "cancelled"} if request.cancel else {"failed"}
        return possible

    def _status(self, key):
        external_id = self._requests[key].external_id
        return next((row["status"] for row in self._rows.values() if row["external_id"] == external_id), None)

    def _attempts(self):
        """What jobs wrote down: by whom, how often, and which attempt counts."""
        words = collections.defaultdict(lambda: collections.defaultdict(list))
        for entry in self._entries:
            row, run = self._rows.get(entry.job), self._runs.get((entry.job, entry.attempt))
            request = self._requests.get(entry.key)
            if request is None:
                self._find("misattributed", f"an attempt wrote the unknown name {entry.key}")
                continue
            if request.state == workload.REFUSED:
                self._find("other", f"{entry.key} was refused, and ran")
            if row is None or self._request_of(row) is not request or (str(row["array_index"]) if row["array_id"] else "-") != entry.index:
                self._find("misattributed", f"job {entry.job} ran the script of {entry.key}, index {entry.index}")
                continue
            if run is None:
                self._find("misattributed", f"attempt {entry.attempt} of job {entry.job} ran on {entry.host}, and is no run of it")
            elif run["executor"] != entry.host:
                self._find("misattributed", f"attempt {entry.attempt} of job {entry.job} ran on {entry.host}, and is known as of {run['executor']}")
            elif run["reason"] == "not_started":
                self._find("other", f"attempt {entry.attempt} of job {entry.job} is said not to have been started, and wrote {entry.word}")
            if entry.word == "beside" and row["on_disconnect"] == "kill":
                self._find("doubled", f"two attempts of job {entry.job} lived at a time")
            words[entry.job][entry.word].append(entry.attempt)
        for job, row in self._rows.items():
            self._attempts_of(row, words[job])
        tokens = self._db.one("SELECT count(token) - count(DISTINCT token) FROM (SELECT token FROM rcq_private.run WHERE job_id >= %s"
                              " UNION ALL SELECT token FROM rcq_private.outcome WHERE job_id >= %s) t", self._first_job, self._first_job)
        if tokens:
            self._find("doubled", f"{tokens} tokens of runs were used twice")

    def _attempts_of(self, row, words):
        if repeated := [attempt for attempt, count in collections.Counter(words["begin"]).items() if count > 1]:
            self._find("doubled", f"attempts {repeated} of job {row['id']} began twice")
        for attempt in words["end"]:
            run = self._runs.get((row["id"], attempt), {})
            # what was given up, or told to end, may have come to its end before it heard of it
            if run.get("status") not in ("completed", "lost", "requeued", "preempted", "cancelled"):
                self._find("doubled", f"attempt {attempt} of job {row['id']} came to its end, and is {run.get('status')}: {run.get('reason')}")
        completed = [run["attempt"] for run in self._runs_of[row["id"]] if run["status"] == "completed"]
        if row["array_size"] is None and row["status"] == "completed" and (completed != [row["attempt"]] or row["attempt"] not in words["end"]):
            self._find("doubled" if len(completed) > 1 else "lost", f"job {row['id']} is completed by attempt {row['attempt']}; attempts {completed} are, {words['end']} wrote their end")
        if row["status"] == "failed" and row["reason"] == "exit_code" and row["attempt"] not in words["fail"]:
            self._find("other", f"job {row['id']} failed with exit code {row['exit_code']} in attempt {row['attempt']}, and {words['fail']} did")

    def _logs(self):
        """Of every completed job the log of its last attempt is whole: its first and last line, once, and nobody else's."""
        logs = self._db.sql("SELECT job_id, attempt, string_agg(data, ''::bytea ORDER BY seq) AS text FROM rcq_private.log WHERE job_id >= %s GROUP BY 1, 2", self._first_job)
        found = {(row["job_id"], row["attempt"]): bytes(row["text"]).decode() for row in logs}
        for row in self._rows.values():
            request = self._request_of(row)
            if row["status"] == "completed" and row["array_size"] is None and request is not None:
                written, expected = found.get((row["id"], row["attempt"]), ""), workload.log_of(row["id"])
                before, cut, after = written.partition("[rcq: ")
                if cut and "output were dropped" in after and expected.startswith(before):
                    continue  # and says so
                if written != expected:
                    self._find("misattributed" if written else "lost", f"the log of attempt {row['attempt']} of job {row['id']} is {written!r}, not {expected!r}")

    def _levels(self):
        """No limit was exceeded at any time, by the times that jobs wrote down. Attempts that were given up do not count: the
        host that they go on on has not heard of it yet."""
        began, runs = {}, []
        for entry in self._entries:
            attempt = (entry.job, entry.attempt)
            if entry.word == "begin":
                began[attempt] = entry.at
            elif entry.word in ("end", "fail") and attempt in began and entry.job in self._rows and self._runs.get(attempt, {}).get("status") != "lost":
                runs.append(Run(self._rows[entry.job], entry.host, began[attempt], entry.at))
        for limit in self._limits:
            most = harness.max_overlap([(run.began, run.ended, limit.of(run)) for run in runs])
            if most > limit.most:
                self._find("other", f"{limit.what}: {most} at a time, the limit is {limit.most}")

    def _tables(self):
        """Nothing is left of what has ended."""
        for table in ("live", "command", "dependency", "array_end"):
            if count := self._db.one(f"SELECT count(*) FROM rcq_private.{table}"):
                self._find("other", f"{count} rows are left in rcq_private.{table}")

    def _usage(self):
        """What people are charged is the sum over their runs that were neither lost nor not started."""
        charged = ("o.claimed_at IS NOT NULL AND o.executor_id IS NOT NULL AND COALESCE(o.reason, '') NOT IN ('executor_lost', 'not_started')")
        used = "date_part('epoch', o.ended_at - o.claimed_at)"
        rows = self._db.sql(
            f"WITH runs AS (SELECT j.user_id, j.group_id, COALESCE(o.granted_cores, j.cpu_cores) * {used} AS cores, COALESCE(o.granted_gpus, j.gpu_count) * {used} AS gpus"
            f" FROM rcq_private.outcome o JOIN rcq_private.job j ON j.id = o.job_id WHERE {charged}"
            f" UNION ALL SELECT j.user_id, j.group_id, COALESCE(o.granted_cores, j.cpu_cores) * {used}, COALESCE(o.granted_gpus, j.gpu_count) * {used}"
            f" FROM rcq_private.run o JOIN rcq_private.job j ON j.id = o.job_id WHERE {charged}),"
            " r AS (SELECT user_id, group_id, sum(cores) AS cores, sum(gpus) AS gpus FROM runs GROUP BY 1, 2),"
            " u AS (SELECT user_id, group_id, sum(core_seconds) AS cores, sum(gpu_seconds) AS gpus FROM rcq_private.usage GROUP BY 1, 2)"
            " SELECT user_id, group_id, r.cores AS ran, u.cores AS charged, r.gpus AS ran_gpu, u.gpus AS charged_gpu FROM r FULL JOIN u USING (user_id, group_id)"
            " WHERE abs(COALESCE(r.cores, 0) - COALESCE(u.cores, 0)) > 0.001 OR abs(COALESCE(r.gpus, 0) - COALESCE(u.gpus, 0)) > 0.001")
        for row in rows:
            self._find("other", f"user {row['user_id']} of group {row['group_id']} ran {row['ran']} core-seconds and {row['ran_gpu']} GPU-seconds, and is charged {row['charged']} and {row['charged_gpu']}")

    def _views(self):
        """The views say that nothing is in use, and what the tables say."""
        in_use = self._db.sql("SELECT name, runs, cpu_cores_used, memory_gb_used, gpu_count_used FROM rcq.executors WHERE runs <> 0 OR cpu_cores_used <> 0 OR memory_gb_used <> 0 OR gpu_count_used <> 0")
        in_use += self._db.sql("SELECT key, in_use FROM rcq.concurrency_limits WHERE in_use <> 0")
        in_use += self._db.sql("SELECT group_name, running_jobs, running_cores, pending_jobs FROM rcq.group_usage WHERE running_jobs <> 0 OR running_cores <> 0 OR pending_jobs <> 0")
        in_use += self._db.sql("SELECT id FROM rcq.queue")
        for row in in_use:
            self._find("other", f"a view shows something in use: {row}")
        try:
            harness.wait_for(lambda: self._db.sql("SELECT 1 FROM rcq.scheduler WHERE pending = 0 AND running = 0"), "the scheduler counts nothing", 10)
        except AssertionError:
            self._find("other", f"the scheduler still counts jobs: {self._db.sql('SELECT pending, running FROM rcq.scheduler')}")
        ended = self._db.sql("SELECT status, count(*) FROM rcq.jobs GROUP BY status EXCEPT SELECT status, count(*) FROM rcq_private.outcome GROUP BY status")
        if ended:
            self._find("other", f"rcq.jobs and the table of ends count differently: {ended}")
