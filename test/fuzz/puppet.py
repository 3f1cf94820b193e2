"""An executor without a host: it takes what it is offered and reports ends at random, by the rules of the protocol."""
import json
import random
import threading

import psycopg2

ENDS = [{"end": "exit_code", "exit_code": 0}] * 6 + [{"end": "exit_code", "exit_code": 3}, {"end": "signal", "signal": 9}, {"end": "oom"}, {"end": "timeout"}, {"end": "not_started"}, {"end": "disk_quota"},
                                                     {"end": "exit_code", "exit_code": 0, "result": {"sum": 6}}]


class Puppet(threading.Thread):
    """Speaks for one executor until stop(); `failure` says what ended it before."""

    def __init__(self, db, name, cores=8, seed=1, secrets=("", "", "")):
        super().__init__(daemon=True)
        self.role = f"{db.name}_{name}"
        if not db.sql("SELECT 1 FROM rcq.executors WHERE name = %s", self.role):
            db.sql("SELECT rcq.create_executor_login(%s)", self.role)
            db.roles.append(self.role)
        self._dice, self._secrets = random.Random(seed), secrets  # what its jobs print, leave as result, and end with
        self._connection = db.server.connect(db.name, self.role)
        self._connection.set_client_encoding("UTF8")
        self._cursor = self._connection.cursor()
        self._incarnation = self._dice.getrandbits(62) + 1
        self._over, self.failure = threading.Event(), None
        self._held, self._ended, self._private, self._acked = {}, {}, set(), 0
        self.taken = 0
        capacity = {"cpu_cores": cores, "memory_mib": 65536, "gpu_count": 2, "gpu_type": "a100", "info": {"os": "none"}}
        self._executor = self._call("SELECT rcq.register_executor('puppet', %s, '{a,b}', %s, 1)", json.dumps(capacity), self._incarnation)[0][0]["executor"]

    def _call(self, query, *arguments):
        self._cursor.execute(query, arguments)
        return self._cursor.fetchall()

    def run(self):
        try:
            listing = True
            while not self._over.wait(0.02):
                try:
                    self._sync(listing)
                    listing = self._dice.random() < 0.02
                except psycopg2.OperationalError as error:
                    if self._connection.closed or not (error.pgcode or "").startswith("53"):
                        raise
                    listing = True  # somebody took all the memory there is for a while: it asks again, as an executor does
            self._cursor.execute("SELECT rcq.executor_sign_off(%s, %s)", (self._executor, self._incarnation))
            self._connection.close()
        except psycopg2.Error as error:
            self.failure = error

    def _sync(self, listing):
        for token, job in list(self._held.items()):
            if token not in self._ended and self._dice.random() < 0.3:
                self._log(job, token)
                self._ended[token] = {"job_id": job, "token": token, **self._dice.choice(ENDS), "ended_ago_s": 0.01, "cpu_seconds": 0.5, "peak_memory_mib": 10}
                if job in self._private:
                    self._ended[token] |= {"result": {"said": self._secrets[1]}, "message": self._secrets[2]}
        rows = self._call("SELECT kind, seq, job_id, token, body FROM rcq.executor_sync(%s, %s, %s, %s::bigint[], %s, NULL, 20)", self._executor, self._incarnation, self._acked,
                          list(self._held) if listing else None, json.dumps(list(self._ended.values())) if self._ended else None)
        for kind, seq, job, token, body in rows:
            if kind == "answer" and body["answer"] != "retry" or kind == "kill":
                self._held.pop(token, None)
                self._ended.pop(token, None)
            elif kind == "start" and token not in self._held:
                self._held[token] = job
                if body["user"].endswith("_other"):
                    self._private.add(job)
                self.taken += 1
            elif kind == "cancel" and token in self._held:
                self._ended[token] = {"job_id": job, "token": token, "end": "cancelled"}
            elif kind == "ack":
                self._acked = seq

    def _log(self, job, token):
        self._call("SELECT rcq.executor_log(%s, %s, %s, %s, '{1}', '{stdout}', %s::bytea[])", self._executor, self._incarnation, [job], [token], ["\\x" + ((self._secrets[0].encode() if job in self._private else b"") + b"output of %d\n\xff\x00\n" % job).hex()])

    def stop(self):
        """Whether nothing had ended it before."""
        self._over.set()
        self.join(60)
        if self.is_alive():
            self.failure = self.failure or psycopg2.OperationalError("it waits for the answer to a statement")
        return self.failure is None
