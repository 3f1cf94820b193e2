"""How much one address, one user, one request may ask for, and that who is slow harms nobody else."""
import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import harness
import pytest
import stack


def headers_only(http, path, length, token=None):
    """What comes back to the announcement of a body, before any of it is sent."""
    said = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "") + "Connection: close\r\n\r\n"
    return http.raw(said.encode(), until=b'"}')


def test_logins_of_one_address_are_limited_and_others_are_not(http, user):
    source = stack.some_address()
    tried = [http.post("/api/auth/login", {"email": user.email, "password": stack.PASSWORD}, source=source) for _ in range(13)]
    statuses = [answer.status for answer in tried]
    assert statuses[:11] == [200] * 11 and 429 in statuses[11:], statuses
    (refused, *_) = [answer for answer in tried if answer.status == 429]
    assert refused.error and 1 <= int(refused.headers["retry-after"]) <= 60
    assert http.post("/api/auth/register", {}, source=source).status == 429
    assert http.get("/api/auth/me", user.token, source=source).status == 200, "who is logged in is not kept from work"
    assert http.post("/api/auth/login", {"email": user.email, "password": stack.PASSWORD}).status == 200


def test_who_fails_to_log_in_keeps_the_user_waiting_there_and_not_elsewhere(db, http, user):
    def login(password, source):
        return http.post("/api/auth/login", {"email": user.email, "password": password}, source=source).status

    guesser = stack.some_address()
    assert [login("a guess", guesser) for _ in range(6)] == [401] * 5 + [429]
    assert login(stack.PASSWORD, guesser) == 429
    assert login(stack.PASSWORD, stack.some_address()) == 200, "the user, from another place"
    # as many as must come from many places
    for _ in range(20):
        source = stack.some_address()
        assert [login("a guess", source) for _ in range(5)] == [401] * 5
    assert db.one("SELECT failures FROM rcq_private.login_failure WHERE email = %s", user.email) == 100
    assert login(stack.PASSWORD, stack.some_address()) == 429, "nobody is to guess on from everywhere"


def test_slow_requests_of_one_user_leave_room_for_those_of_others(db, user, other):
    db.set(parallel_requests_per_user="6")
    lock = db.server.connect(db.name)
    try:
        lock.autocommit = False
        lock.cursor().execute("LOCK TABLE rcq_private.groups IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(12) as pool:
            slow = [pool.submit(user.get, "/api/groups", timeout=60) for _ in range(12)]
            refused = harness.wait_for(lambda: [s for s in slow if s.done()][5:] and [s.result() for s in slow if s.done()], "six are refused")
            assert {answer.status for answer in refused} == {429} and refused[0].headers["retry-after"] == "1"
            assert user.get("/api/auth/me").status == 429
            assert other.get("/api/jobs").status == 200, "while the others wait"
            lock.rollback()
            assert [answer.status for answer in (s.result() for s in slow)].count(200) == 6
        assert user.get("/api/auth/me").status == 200
    finally:
        lock.close()
        db.set(parallel_requests_per_user="0")


def test_requests_of_one_address_are_limited_and_others_are_not(http, user):
    http.start(RCQ_HTTP_RATE="1r/s")
    try:
        source = stack.some_address()
        refused = harness.wait_for(lambda: next((a for a in (http.get("/health", source=source) for _ in range(100)) if a.status == 429), None), "the limit is reached", 60)
        assert refused.error and int(refused.headers["retry-after"]) >= 1
        assert user.get("/api/jobs").status == 200
    finally:
        http.start()
    harness.wait_for(lambda: http.get("/health", source=source).status == 200, "the former limit is in use")


def test_requests_of_one_user_are_limited_whatever_their_address(db, user, other):
    db.set(request_rate_per_user="60")
    try:
        statuses = []
        refused = harness.wait_for(lambda: next((a for a in (user.get("/api/auth/me") for _ in range(10)) if statuses.append(a.status) or a.status == 429), None), "the limit is reached")
        assert refused.error and 1 <= int(refused.headers["retry-after"]) <= 60
        assert statuses.count(200) >= 20
        assert user.get("/rest/jobs").status == 429
        assert other.get("/api/auth/me").status == 200
    finally:
        db.set(request_rate_per_user="0")
    harness.wait_for(lambda: user.get("/api/auth/me").status == 200, "no limit")


@pytest.mark.parametrize(("path", "most"), [("/api/auth/login", 16 << 10), ("/api/auth/register", 16 << 10), ("/api/jobs/1/hold", 1 << 20), ("/api/schedules", 1 << 20), ("/api/jobs", 16 << 20),
                                            ("/api/jobs/batch", 16 << 20), ("/rest/rpc/cancel", 2 << 10), ("/rest/rpc/submit", 4 << 20)])
def test_a_body_has_a_largest_size(http, user, path, most):
    answer = headers_only(http, path, most + 1, user.token)
    assert answer.startswith(b"HTTP/1.1 413 ") and b'{"error":' in answer
    body = b'{"x":"' + b"a" * (min(most, 2 << 20) - 8) + b'"}'
    assert user.post(path, body).status not in (413, 500, 502), "one that is as large as it may be"


def ones(count):
    return b"[1" + b",1" * (count - 1) + b"]"


def backends(db):
    """Of PostgREST: the most memory, in MiB, that each has taken."""
    most = {}
    for row in db.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'rcq_authenticator'"):
        with open(f"/proc/{row['pid']}/status", encoding="ascii") as status:
            (line,) = (line for line in status if line.startswith("VmHWM:"))
        most[row["pid"]] = int(line.split()[1]) >> 10
    return most


ROUTES = [("/api/jobs", b'{"type":"large_array_sum","payload":%s}'), ("/api/jobs/batch", b'{"jobs":[{"type":"large_array_sum","payload":{"numbers":%s}}]}'),
          ("/rest/rpc/submit_task", b'{"type":"large_array_sum","payload":%s}'), ("/rest/rpc/submit_many", b'{"jobs":%s}'), ("/rest/rpc/submit_graph", b'{"graph":%s}'),
          ("/rest/rpc/submit", b'{"env":%s}'), ("/rest/rpc/explain_submit", b'{"env":%s}')]


@pytest.mark.parametrize(("path", "body"), ROUTES)
def test_what_a_body_costs_the_database_is_bounded(db, user, path, body):
    user.get("/api/jobs")
    before = backends(db)
    answer = user.post(path, body % ones(7_000_000 if path.startswith("/api") else 2_000_000), timeout=60)
    assert answer.status == 400 and "the body has more than 500000 JSON values" in answer.text
    assert "error" in answer.json if path.startswith("/api") else answer.json["code"] == "RC001"
    after = backends(db)
    assert all(now < max(400, before.get(pid, 0) + 200) for pid, now in after.items()), f"{before} {after}"


def test_as_many_values_as_a_body_may_have_are_a_job(db, user):
    job = user.post("/api/jobs", b'{"type":"large_array_sum","hold":true,"payload":{"numbers":%s}}' % ones(499_990), timeout=60).json["job_id"]
    assert db.one("SELECT jsonb_array_length(payload -> 'numbers') FROM rcq.jobs WHERE id = %s", job) == 499_990
    graph = {"graph": [{"key": f"k{i}", "script": "true", "hold": True, "needs": [f"k{i - 1}"] if i else []} for i in range(10_000)]}
    assert len(user.post("/rest/rpc/submit_graph", graph, timeout=60, headers={"Prefer": "count=exact"}).json) == 1000, "as many rows as one answer has"
    text = user.post("/api/jobs", {"type": "reverse_string", "hold": True, "payload": {"text": "[{,:" * 1_000_000}}, timeout=60).json["job_id"]
    assert db.one("SELECT length(payload ->> 'text') FROM rcq.jobs WHERE id = %s", text) == 4_000_000


def test_a_large_body_without_a_good_token_is_refused_before_it_is_read(http, user):
    body = b'{"script":"' + b"a" * 600000 + b'"}'
    for path in ("/api/jobs", "/api/jobs/batch", "/api/schedules", "/rest/rpc/submit"):
        for token in (None, "garbage", user.token[:-4] + "AAAA"):
            for _ in range(5):
                answer = http.post(path, body, token)
                assert answer.status == 401 and answer.error
        announced = headers_only(http, path, len(body))
        assert announced.startswith(b"HTTP/1.1 401 "), "not a byte of it was sent"
    assert user.post("/api/jobs", b'{"x":"' + b"a" * 600000 + b'"}').status == 400


def test_a_body_in_chunks_is_as_good_as_any(http, user):
    said = b'{"email":"%s","password":"%s"}' % (user.email.encode(), stack.PASSWORD.encode())
    chunked = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(said), said)
    assert http.raw(chunked).startswith(b"HTTP/1.1 200 ")
    job = b'{"script":"true"}'
    chunked = (b"POST /api/jobs HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
               % (user.token.encode(), len(job), job))
    assert http.raw(chunked).startswith(b"HTTP/1.1 201 ")


def test_no_request_suffers_from_the_one_before_it_on_the_connection_to_postgrest(http, user):
    for _ in range(60):
        assert user.request("HEAD", "/rest/jobs").status == 200
        assert http.get("/health").status == 200
        assert http.post("/api/jobs", b"a" * 30000, "garbage").status == 401
        assert user.get("/api/auth/me").status == 200


def test_a_large_script_runs(executor, user):
    script = f"# {'x' * 900000}\necho $((6 * 7))"
    job = user.submit(script)
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}").json["status"] == "completed", "the job ended")
    assert user.get(f"/api/jobs/{job}/logs").text == "42\n"
    assert user.get(f"/api/jobs/{job}").json["script"] == script


def test_who_sends_slowly_takes_no_connection_to_the_database_and_is_cut_off(http, user):
    head = f"POST /api/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {user.token}\r\nContent-Length: 1000\r\n\r\n".encode()
    with contextlib.ExitStack() as wires:
        slow = [wires.enter_context(socket.create_connection(("127.0.0.1", http.port), timeout=30)) for _ in range(60)]
        for index, wire in enumerate(slow):
            wire.sendall(head + b'{"script"' if index % 2 else b"GET /health HT")
        begin = time.monotonic()
        for _ in range(10):
            assert user.get("/api/jobs").status == 200
        assert time.monotonic() - begin < 5
        for wire in slow:
            with contextlib.suppress(ConnectionResetError):
                assert b" 200 " not in wire.recv(4096)
        assert time.monotonic() - begin < 25


def test_a_request_that_takes_the_database_too_long_is_cancelled(db, user):
    db.set(http_statement_timeout="0.2 seconds")
    lock = db.server.connect(db.name)
    try:
        lock.autocommit = False
        lock.cursor().execute("LOCK TABLE rcq_private.groups IN ACCESS EXCLUSIVE MODE")
        begin = time.monotonic()
        answer = user.get("/api/groups")
        assert answer.status in (409, 503) and answer.error and time.monotonic() - begin < 5
    finally:
        lock.close()
        db.set(http_statement_timeout="10 seconds")
    assert user.get("/api/groups").status == 200
