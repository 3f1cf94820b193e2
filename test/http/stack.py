"""PostgREST and nginx in front of a database of the harness, started by the very script that `make demo` uses, and a client of them."""
import contextlib
import http.client
import json
import os
import random
import shlex
import signal
import socket
import subprocess

import harness

SCRIPT = os.path.join(harness.ROOT, "deploy", "http.sh")
PASSWORD = "correct horse battery"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        assert self.headers["content-type"].startswith(("application/json", "application/openapi+json", "application/vnd.pgrst")), (self.headers, self.text[:300])
        return json.loads(self.body)

    @property
    def error(self):
        """The text of an error, which has this shape and no other."""
        assert self.status >= 400, (self.status, self.text[:300])
        assert list(self.json) == ["error"] and isinstance(self.json["error"], str), self.text[:300]
        return self.json["error"]

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Stack:
    """HTTP for one database."""

    def __init__(self, server, database, name="http"):
        self.server, self.database = server, database
        self.state = os.path.join(server.dir, name)
        os.makedirs(self.state, exist_ok=True)
        with open(os.path.join(self.state, "env"), "w", encoding="utf-8") as env:
            for name, value in {"PGHOST": server.dir, "PGPORT": server.port, "PGDATABASE": database, "PGUSER": "postgres"}.items():
                env.write(f"export {name}={shlex.quote(str(value))}\n")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.environment["PATH"] = f"{server.bin}:{self.environment['PATH']}"
        self.environment["RCQ_POSTGREST"] = self.run("postgrest", in_checkout=True).splitlines()[-1]
        self.port = None

    def run(self, command, *options, in_checkout=False, **environment):
        where = [] if in_checkout else ["--dir", self.state]
        owner = {} if in_checkout or os.geteuid() != 0 else {"RCQ_RUN_USER": os.environ.get("RCQ_RUN_USER", "postgres")}
        done = subprocess.run([SCRIPT, command, *where, *options], env={**self.environment, **owner, **environment}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self, **environment):
        # harnesses that start at the same time look in different places
        options = [] if self.port else ["--port", str(free_port())]
        self.run("start", *options, **environment)
        self.port = int(self.run("url").rsplit(":", 1)[1])

    def stop(self):
        self.run("stop")

    def pids(self, name):
        """Of PostgREST, or of nginx' master."""
        with open(os.path.join(self.state, "http", f"{name}.pid"), encoding="utf-8") as file:
            return int(file.read())

    def kill(self, name):
        os.kill(self.pids(name), signal.SIGKILL)

    def log(self, name):
        with open(os.path.join(self.state, "log", f"{name}.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def request(self, method, path, body=None, token=None, headers=None, source=None, timeout=15):
        """Limits go by address: a request comes from an address of its own unless one is named."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout, source_address=(source or some_address(), 0))
        with contextlib.closing(connection):
            sent = dict(headers or {})
            if token is not None:
                sent["Authorization"] = f"Bearer {token}"
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def get(self, path, token=None, **options):
        return self.request("GET", path, token=token, **options)

    def post(self, path, body=None, token=None, **options):
        return self.request("POST", path, body, token, **options)

    def raw(self, data, timeout=15, until=None):
        """Sends bytes as they are; everything that comes back until the other side closes, or until it ends like this."""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.port), timeout=timeout, source_address=(some_address(), 0))) as wire:
            wire.sendall(data)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while not (until and received.endswith(until)) and (chunk := wire.recv(65536)):
                    received += chunk
            return received

    def login(self, email, password=PASSWORD):
        answer = self.post("/api/auth/login", {"email": email, "password": password})
        assert answer.status == 200, answer
        return answer.json["token"]

    def ready(self):
        return self.get("/health").status == 200


def some_address():
    return f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"


def free_port():
    while True:
        port = random.randrange(18100, 24000)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
