"""Thousands of requests that nobody would send. RCQ_FUZZ_REQUESTS and RCQ_FUZZ_SEED say how many and which ones."""
import json
import os
import random
import re
import time

import harness

REQUESTS = int(os.environ.get("RCQ_FUZZ_REQUESTS", "400"))
SEED = int(os.environ.get("RCQ_FUZZ_SEED", "1"))

TEXTS = ["", " ", "0", "-1", "1", "7", "9999999999999999999999", "1e309", "NaN", "null", "true", "'", '"', "\\", "%", "%00", "%ff", "%zz", "..", "/", ";--", "$(x)", "{{x}}", "\u0000", "\ud7ff", "\U0001f600",
         "a" * 300, "a" * 1500, "e\u0301", "\r\nX-Injected: yes", "1;2", "eq.1", "in.(1,2)", "not.is.null", "*", "id,name", "rcq_private.users", "2026-02-30T25:61:61Z", "5 parsecs", "[1", "{", "(1,2)"]
NAMES = ["id", "script", "cpu_cores", "memory_gb", "gpu_count", "priority", "status", "limit", "offset", "after", "attempt", "stream", "name", "tags", "email", "password", "group_id", "jobs", "value", "cron", "job",
         "reason", "select", "order", "and", "or", "columns", "on_conflict", "hold", "time_limit", "depends_on", "array", "features", "type", "payload", "scope", "expires_in", "__proto__"]
METHODS = ["GET", "POST", "DELETE", "PATCH", "PUT", "HEAD", "OPTIONS"]
HEADERS = ["Accept", "Prefer", "Range", "Range-Unit", "Accept-Profile", "Content-Profile", "Content-Type", "X-Rcq-Path", "X-Real-IP", "X-Request-Id", "If-Match", "If-None-Match", "If-Modified-Since", "Expect",
           "Accept-Encoding", "Accept-Language", "Cookie", "Origin", "X-HTTP-Method-Override", "Content-Encoding", "X-Accel-Redirect", "X-Forwarded-For", "Upgrade", "TE"]
VALUES = ["application/json", "text/plain", "text/csv", "application/vnd.pgrst.object+json", "application/vnd.pgrst.plan+json", "application/geo+json", "*/*", "x", "rcq_rest", "rcq_private", "public", "0-0", "5-1",
          "bytes=0-5", "count=exact", "return=representation", "tx=rollback", "params=single-object", "resolution=merge-duplicates", "handling=strict, timezone=Nowhere", "id=1", "id=1&id=2", "%zz", "100-continue", "gzip",
          "https://evil.example", "*", "DELETE", "/rpc/login", "websocket", "\x7f", "a" * 900]


def paths():
    with open(f"{harness.ROOT}/deploy/http/rcq/routes.conf", encoding="utf-8") as file:
        return [re.sub(r"\(\?<\w+>.*?\{1,128\}\)", "{}", path) for path in re.findall(r'^ +"?(?:~\^)?(/[^"\s]*?)\$?"? +\w+;', file.read(), re.M)]


class Dice:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, depth=0):
        kind = self.random.randrange(8 if depth < 3 else 6)
        if kind < 3:
            return self.random.choice(TEXTS)
        if kind == 3:
            return self.random.choice([0, -1, 1, 2 ** 31, 2 ** 63, -2 ** 63, 1.5, 1e300, 10 ** 40])
        if kind == 4:
            return self.random.choice([None, True, False])
        if kind == 5:
            return {}
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.name(): self.value(depth + 1) for _ in range(self.random.randrange(4))}

    def name(self):
        return self.random.choice(NAMES if self.random.random() < 0.8 else TEXTS)

    def quoted(self, text):
        if self.random.random() < 0.7:
            return "".join(chr(byte) if byte < 128 and chr(byte).isalnum() else f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))
        return re.sub(r"[^\x21-\x7e]", "", text)

    def body(self, genuine):
        dice = self.random.random()
        if dice < 0.15:
            return None
        if dice < 0.75:
            said = {self.name(): self.value() for _ in range(self.random.randrange(5))}
            return json.dumps({**genuine, **said} if self.random.random() < 0.5 else said).encode()
        if dice < 0.85:
            return json.dumps(self.value()).encode()
        data = bytearray(json.dumps(genuine).encode())
        for _ in range(self.random.randrange(1, 4)):
            data[self.random.randrange(len(data)):self.random.randrange(len(data))] = self.random.randbytes(self.random.randrange(4))
            data = data or bytearray(b"{")
        return bytes(data)

    def request(self, known):
        method = self.random.choice(METHODS[:2] if self.random.random() < 0.6 else METHODS)
        path = self.random.choice(known).replace("{}", self.quoted(self.random.choice(["1", "2", "3", *TEXTS])))
        if self.random.random() < 0.5:
            path += "?" + "&".join(self.quoted(self.name()) + "=" + self.quoted(self.random.choice(TEXTS)) for _ in range(self.random.randrange(1, 4)))
        headers = {self.random.choice(HEADERS): self.random.choice(VALUES) for _ in range(self.random.randrange(3) if self.random.random() < 0.5 else 0)}
        return method, path[:1900], headers


def test_no_request_breaks_anything(db, http, user, admin, executor):
    known = paths() + ["/rest/", "/rest/jobs", "/rest/queue", "/rest/runs", "/rest/rpc/submit", "/rest/rpc/cancel", "/rest/{}", "/{}", "/api/{}"]
    # what ends the session of who asks is asked elsewhere
    known = [path for path in known if path not in ("/api/auth/logout", "/api/auth/password", "/api/admin/rotate-secret", "/api/admin/users/{}", "/api/admin/users/{}/password", "/api/admin/pause", "/api/admin/settings/{}")]
    slowest = 0
    for number in range(REQUESTS):
        dice = Dice(f"{SEED}-{number}")
        method, path, headers = dice.request(known)
        body = None if method in ("GET", "HEAD", "OPTIONS") else dice.body({"script": "true", "hold": True})
        token = dice.random.choice([None, user.token, user.token, admin.token])
        begin = time.monotonic()
        answer = http.request(method, path, body, token, headers)
        slowest = max(slowest, time.monotonic() - begin)
        what = f"request {number} of seed {SEED}: {method} {path} {headers} {body!r} -> {answer}"
        assert answer.status < 500, what
        assert time.monotonic() - begin < 3, what
        assert "x-injected" not in answer.headers, what
        if answer.status >= 400 and method != "HEAD":
            said = answer.json
            assert isinstance(said, dict) and isinstance(said.get("error", said.get("message")), str), what
            assert not path.startswith("/api") or list(said) == ["error"], what
            for secret in ("rcq_private", "PGRST", "PL/pgSQL", "SELECT ", "schema cache"):
                assert path.startswith("/rest") or secret not in said["error"].replace("rcq_private.users", ""), what
    assert user.get("/api/auth/me").status == 200 and admin.get("/api/admin/stats").status == 200 and http.get("/health").status == 200
    assert db.one("SELECT state FROM rcq.scheduler") is not None
