"""Submits for as long as it is told, as several people at once, whatever becomes of their connections; and knows of every
submission whether it was committed."""
import contextlib
import dataclasses
import json
import random
import threading
import uuid

import psycopg2

COMMITTED, REFUSED, UNKNOWN = "committed", "refused", "unknown"

# What a submitter may be told while the server, the session or a setting of it is at fault. Anything else is a fault of ours.
EXPECTED_ERRORS = {"57P01", "57P02", "57P03", "57P05", "53300", "53100", "25006", "25P02", "25P03", "57014", "RC004"}


@dataclasses.dataclass
class Request:
    """One job that somebody asked for."""
    key: str
    kind: str
    user: str
    options: dict
    state: str = UNKNOWN
    job: int | None = None
    cancel: str | None = None       # what rcq.cancel answered; "asked" when its answer was lost
    parents: tuple = ()             # keys of the jobs it depends on
    cores: int = 1
    expected: frozenset = frozenset({"completed"})
    work: str = ":"

    @property
    def external_id(self):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.key))


def lost(error):
    """Whether nobody can say what became of the transaction: the connection went away, or was on its way out."""
    return error.pgcode is None or error.pgcode.startswith(("57P", "08"))


def script_of(request, witness):
    return witness.script(f"echo $RCQ_JOB_ID begins; {request.work}; echo $RCQ_JOB_ID ends", request.key)


def log_of(job):
    """What a job that completes has written in its last attempt."""
    return f"{job} begins\n{job} ends\n"


class Person:
    """One user with a connection of their own, in a thread of their own."""

    def __init__(self, workload, user, seed):
        self.load, self.user, self._random = workload, user, random.Random(f"{seed} {user}")
        self._connection = None
        self._number = 0
        self.requests = []
        self._thread = threading.Thread(target=self._live, name=user)
        self._thread.start()

    def join(self):
        self._thread.join()

    def _live(self):
        while not self.load.over.is_set():
            try:
                if self._waiting() < self.load.depth:
                    self._random.choices([act for _, act in ACTIONS], [weight for weight, _ in ACTIONS])[0](self)
                pause = self._random.uniform(0, 2 * self.load.pause)
            except psycopg2.Error as error:
                if not lost(error) and error.pgcode not in self.load.expected:
                    self.load.surprises.append(f"{error.pgcode} {str(error).splitlines()[0]}")
                self.drop()
                pause = 0.1
            self.load.over.wait(pause)
        self.drop()

    def drop(self):
        if self._connection is not None:
            with contextlib.suppress(psycopg2.Error):
                self._connection.close()
        self._connection = None

    def ask(self, query, *parameters):
        """Rows of one statement. A connection that is lost is made again by the next call, not by this one."""
        if self._connection is None or self._connection.closed:
            self._connection = self.load.connect(self.user)
        with self._connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def _waiting(self):
        return self.ask("SELECT count(*) FROM rcq.jobs WHERE status IN ('pending', 'assigned') AND user_id = (SELECT id FROM rcq.users WHERE role_name = current_user)")[0][0]

    def chance(self, probability):
        return self._random.random() < probability

    def pick(self, *values):
        return self._random.choice(values)

    def request(self, kind, **fields):
        """A request that is not sent yet."""
        self._number += 1
        options = {"priority": self._random.randint(1, 10), "memory_gb": self.pick(0.05, 0.1, 0.5), **fields.pop("options", {})}
        return Request(f"{self.load.name}-{self.user}-{self._number}", kind, self.user, options, **fields)

    def sending(self, *requests):
        """Notes what becomes of requests that are sent inside."""
        self.requests.extend(requests)
        return _Sending(requests)

    def submit(self, request):
        options = {**self.load.options_of(request), "script": script_of(request, self.load.witness)}
        names = ", ".join(f'"{name}" => %s' for name in options)
        ((request.job,),) = self.ask(f"SELECT rcq.submit({names})", *options.values())

    def one_of_mine(self):
        known = [request for request in self.requests[-30:] if request.job is not None and request.state == COMMITTED]
        return self._random.choice(known) if known else None


class _Sending:
    def __init__(self, requests):
        self._requests = requests

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            state = COMMITTED
        elif isinstance(error, psycopg2.Error) and not lost(error):
            state = REFUSED
        else:
            state = UNKNOWN
        for request in self._requests:
            request.state = state


def plain(person):
    wish = person.request("plain", work=f"sleep {person.pick('0', '0.1', '0.3', '0.6')}", cores=person.pick(1, 1, 1, 2))
    with person.sending(wish):
        person.submit(wish)


def some_seconds(person):
    choice = person.pick("continue", "kill")
    wish = person.request("some seconds", work=f"sleep {person.pick(2, 3, 4)}", options={"on_disconnect": choice, "estimated_hours": 0.002})
    with person.sending(wish):
        person.submit(wish)


def bulk(person):
    wishes = [person.request("bulk", work="sleep 0.1") for _ in range(person.pick(3, 6, 10))]
    jobs = [{**person.load.options_of(wish), "script": script_of(wish, person.load.witness)} for wish in wishes]
    with person.sending(*wishes):
        for wish, (job,) in zip(wishes, person.ask("SELECT * FROM rcq.submit_many(%s::jsonb)", json.dumps(jobs)), strict=True):
            wish.job = job


def array(person):
    wish = person.request("array", work="sleep 0.2", options={"array": person.pick("1-4%2", "0-8:2%3", "1-3")})
    with person.sending(wish):
        person.submit(wish)


def chain(person):
    """In one transaction: a job, one that wants its success, one that only wants its end."""
    fails = person.chance(0.3)
    first = person.request("first of a chain", **(_failing if fails else {"work": "sleep 0.2"}))
    second = person.request("after success", work=":", parents=(first.key,))
    third = person.request("after any end", work=":", parents=(first.key, second.key))
    with person.sending(first, second, third):
        person.ask("BEGIN")
        person.submit(first)
        second.options["depends_on"] = f"afterok:{first.job}"
        person.submit(second)
        third.options["depends_on"] = f"afterany:{first.job}:{second.job}"
        person.submit(third)
        person.ask("COMMIT")


_failing = {"work": "note fail; exit 7", "expected": frozenset({"failed"})}


def retried(person):
    wish = person.request("retried", work='test "$RCQ_ATTEMPT" -gt 1 || { note fail; exit 7; }', options={"max_retries": 2})
    with person.sending(wish):
        person.submit(wish)


def failing(person):
    wish = person.request("failing", options={"max_retries": person.pick(0, 1)}, **_failing)
    with person.sending(wish):
        person.submit(wish)


def timed_out(person):
    wish = person.request("timed out", work="sleep 60", options={"time_limit": "1 second"}, expected=frozenset({"failed"}))
    with person.sending(wish):
        person.submit(wish)


def keyed(person):
    wish = person.request("keyed", work="sleep 0.3", options={"concurrency_key": person.pick(*person.load.keys)})
    with person.sending(wish):
        person.submit(wish)


def on_gpu(person):
    wish = person.request("gpu", work="sleep 0.2", options={"gpu_count": 1, "memory_gb": person.pick(1, 2)})
    with person.sending(wish):
        person.submit(wish)


def asked_again(person):
    """Until there is an answer, with the same idempotency key."""
    wish = person.request("idempotent", work="sleep 0.1")
    wish.options["idempotency_key"] = wish.key
    person.requests.append(wish)
    while wish.state == UNKNOWN:
        try:
            person.submit(wish)
            wish.state = COMMITTED
        except psycopg2.Error as error:
            if not lost(error):
                raise  # and an earlier one may have been committed
            person.drop()
            if person.load.over.wait(0.05):
                return


def rolled_back(person):
    wish = person.request("rolled back", work=":")
    person.requests.append(wish)
    wish.state = REFUSED
    person.ask("BEGIN")
    person.submit(wish)
    person.ask("ROLLBACK")


def refused(person):
    """Above what this person may ask for."""
    wish = person.request("refused", work=":", options={"cpu_cores": -1})
    wish.state = REFUSED
    person.requests.append(wish)
    try:
        person.submit(wish)
    except psycopg2.Error as error:
        if error.pgcode != "RC001":
            raise


def cancel(person):
    wish = person.one_of_mine()
    if wish is None:
        return
    wish.cancel = wish.cancel or "asked"
    try:
        ((wish.cancel,),) = person.ask("SELECT rcq.cancel(%s)", wish.job)
    except psycopg2.Error as error:
        if error.pgcode != "RC003":  # it has ended
            raise


def requeue(person):
    wish = person.one_of_mine()
    if wish is None:
        return
    try:
        person.ask("SELECT rcq.requeue(%s)", wish.job)
    except psycopg2.Error as error:
        if error.pgcode != "RC003":
            raise


ACTIONS = [(40, plain), (6, some_seconds), (6, bulk), (5, array), (6, chain), (5, retried), (4, failing), (2, timed_out), (8, keyed), (8, on_gpu),
           (6, asked_again), (4, rolled_back), (2, refused), (6, cancel), (3, requeue)]


class Workload:
    """Runs from its making until stop(). name: of its keys; connect(user): a connection in autocommit; users: who submits;
    keys: concurrency keys to use; pause: mean time between what one person does; depth: waiting jobs of one person at which
    they wait themselves."""

    def __init__(self, name, connect, users, witness, keys, seed, pause=0.15, depth=15):
        self.name, self.connect, self.witness, self.keys, self.pause, self.depth = name, connect, witness, keys, pause, depth
        self.over = threading.Event()
        self.surprises = []   # errors that nobody should have seen
        self.expected = set(EXPECTED_ERRORS)
        self.people = [Person(self, user, f"{seed} {name}") for user in users]

    def expect(self, *codes):
        """These errors are no surprise from now on."""
        self.expected.update(codes)

    @staticmethod
    def options_of(request):
        return {"external_id": request.external_id, "name": request.key, "cpu_cores": request.cores, **request.options}

    def stop(self):
        self.over.set()
        for person in self.people:
            person.join()

    @property
    def requests(self):
        return [request for person in self.people for request in list(person.requests)]
