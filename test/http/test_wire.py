"""HTTP itself: bytes that are none, methods, sizes, headers of every answer, pages of other sites."""
import json
import re

import harness
import pytest


def answers(received):
    """(status, headers, body) of what came back over a socket."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", len(rest)))
        found.append((int(first.split()[1]), headers, rest[:length]))
        received = rest[length:]
    return found


@pytest.mark.parametrize(("sent", "statuses"), [
    (b"GARBAGE\r\n\r\n", {400}),
    (b"GET\r\n\r\n", {400}),
    (b"GET  HTTP/1.1\r\n\r\n", {400}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, {400}),
    (b"\x00" * 100, {400}),
    (b"get /health HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\nHost: a/../b\r\n\r\n", {400}),
    (b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n", {505}),
    (b"GET /health FTP/1.1\r\nHost: a\r\n\r\n", {400}),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405}),
    (b"GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400}),
    (b"GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400}),
    (b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400}),
    (b"GET /api/jobs\x01 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400}),
    (b"GET http://other.example/api/jobs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {401}),
    (b"CONNECT other.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", {400, 405}),
    (b"TRACE /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {405}),
    (b"BREW /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {405}),
    (b"POST /api/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", {400}),
    (b"POST /api/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", {400}),
    (b"POST /api/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    (b"POST /api/jobs HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", {400}),
    (b"POST /api/jobs HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: gzip\r\n\r\n", {501}),
    (b"POST /rest/rpc/cancel HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", {400, 411}),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {414}),
    (b"GET /api/jobs?" + b"a" * 2048 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {414}),
    (b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 9000 + b"\r\n\r\n", {431}),
    (b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(40)) + b"\r\n", {431}),
    (b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400, 404, 405}),
    (b"GET /api/jobs?\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400}),
    (b"GET /api/jobs\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {404}),
])
def test_what_is_not_proper_is_answered_with_an_error_in_json(http, sent, statuses):
    (answer, *more) = answers(http.raw(sent))
    status, headers, body = answer
    assert not more and status in statuses, answer
    assert headers["content-type"] == "application/json"
    assert isinstance(json.loads(body)["error"], str)


def test_a_header_cannot_be_folded_or_smuggled(http, user):
    attack = (b"POST /api/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + user.token.encode() + b"\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n"
              b"0\r\n\r\nGET /api/auth/me HTTP/1.1\r\nHost: a\r\nX-A: ")
    assert [status for status, _, _ in answers(http.raw(attack))] == [400]
    folded = b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n b: 2\r\nConnection: close\r\n\r\n"
    assert [status for status, _, _ in answers(http.raw(folded))] == [400]


def test_requests_one_after_the_other_on_a_connection_are_answered_in_order(http):
    good, bad = b"HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert re.findall(rb"HTTP/1.1 (\d+) ", http.raw((good + bad) * 10 + last)) == [b"200", b"404"] * 10 + [b"404"]


def test_every_path_knows_its_methods_and_names_them(http, user):
    with open(f"{harness.ROOT}/deploy/http/rcq/routes.conf", encoding="utf-8") as file:
        text = file.read()
    paths, functions = re.findall(r"^map [^{]*\{(.*?)^\}", text, re.S | re.M)[:2]
    routes = dict(reversed(pair) for pair in re.findall(r'^ +"?(?:~\^)?(/[^"\s]*?)\$?"? +(\w+);', paths, re.M))
    methods = {}
    for method, route, _ in re.findall(r'^ +"(\w+) (\w+)" +(\w+);', functions, re.M):
        methods.setdefault(route, set()).add(method)
    assert set(routes) == set(methods) and len(routes) > 40
    for route, path in routes.items():
        expected = methods[route] | ({"HEAD"} if "GET" in methods[route] else set())
        address = re.sub(r"\(\?<\w+>.*?\{1,128\}\)", "1", path)
        answer = user.request("OPTIONS", address)
        assert answer.status == 405 and answer.error, (route, answer)
        assert set(answer.headers["allow"].split(", ")) == expected, route
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - expected:
            assert user.request(method, address).status == 405, (method, address)


def test_a_path_that_is_not_there_is_404(http, user):
    for path in ("/", "/index.html", "/api", "/rest", "/api/", "/api/job", "/api/jobs/", "/api/jobs/1/", "/api/jobs/1/log", "/api/jobs/a%20b", "/api/jobs/a%2fb", "/api/jobs/" + "1" * 129,
                 "/API/jobs", "/favicon.ico", "/health/", "/x.gif", "/.git/config"):
        for who in (http, user):
            answer = who.get(path)
            assert answer.status == 404 and answer.error, path
            assert answer.headers["content-type"] == "application/json"


def test_head_says_what_get_says_without_the_body(user):
    for path in ("/health", "/api/jobs", "/metrics", "/rest/jobs", "/api/jobs/999999999"):
        get, head = user.get(path), user.request("HEAD", path)
        assert (head.status, head.headers["content-type"]) == (get.status, get.headers["content-type"])
        assert head.body == b""


def test_every_answer_has_the_headers_that_keep_browsers_careful(http, user):
    for answer in (http.get("/health"), http.get("/nothing"), http.get("/api/jobs"), user.get("/api/jobs"), user.get("/rest/"), http.get("/metrics"), user.request("PUT", "/api/jobs"),
                   user.post("/api/jobs", "{"), user.get("/rest/jobs?x=1")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["server"] == "nginx", "and no version of it"
        assert not {"content-profile", "x-rcq-answer", "access-control-allow-origin", "set-cookie", "x-powered-by"} & set(answer.headers)


def test_every_request_has_a_number_of_its_own_that_the_client_does_not_choose(http, user):
    numbers = [answer.headers["x-request-id"] for answer in (http.get("/health", headers={"X-Request-Id": "chosen"}), user.get("/api/jobs", headers={"X-Request-Id": "chosen"}), http.get("/no"))]
    assert all(re.fullmatch("[0-9a-f]{32}", number) for number in numbers) and len(set(numbers)) == 3


def test_the_access_log_is_json_and_has_no_secret(http, user):
    marker = "9182736450"
    answer = user.get(f"/api/jobs/{marker}?token={user.token}", headers={"Referer": user.token, "User-Agent": user.token, "Cookie": user.token})
    harness.wait_for(lambda: answer.headers["x-request-id"] in http.log("nginx-access"), "the request is in the log")
    (entry,) = [json.loads(line) for line in http.log("nginx-access").splitlines() if answer.headers["x-request-id"] in line]
    assert entry["uri"] == f"/api/jobs/{marker}" and entry["status"] == answer.status and entry["route"] == "job" and entry["method"] == "GET"
    assert user.token not in http.log("nginx-access")


def test_a_body_or_query_where_none_belongs_is_refused(user):
    assert user.post("/api/jobs?priority=9", {"script": "true"}).status == 400
    assert user.get("/api/auth/me?x=1").status == 400
    assert user.request("GET", "/api/auth/me", b"ignored").status == 200, "a GET has no body: nobody looks at it"


def test_pages_of_other_sites_may_call_only_if_they_are_named(http, user):
    origin = "https://portal.example.org"
    ask = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert http.request("OPTIONS", "/api/jobs", headers=ask).status == 405
    assert "access-control-allow-origin" not in user.get("/api/jobs", headers={"Origin": origin}).headers
    http.start(RCQ_HTTP_CORS=f"{origin} http://localhost:3000")
    try:
        harness.wait_for(lambda: http.request("OPTIONS", "/api/jobs", headers=ask).status == 204, "the new configuration is in use")
        allowed = http.request("OPTIONS", "/api/jobs", headers=ask)
        assert allowed.headers["access-control-allow-origin"] == origin and allowed.headers["vary"] == "Origin" and allowed.body == b""
        assert "Authorization" in allowed.headers["access-control-allow-headers"] and "PATCH" in allowed.headers["access-control-allow-methods"]
        for answer in (user.get("/api/jobs", headers={"Origin": origin}), http.get("/api/jobs", headers={"Origin": origin}), user.get("/rest/jobs", headers={"Origin": origin})):
            assert answer.headers["access-control-allow-origin"] == origin
            assert {"Retry-After", "X-Rcq-Next-After", "X-Rcq-Ended", "X-Rcq-Attempt"} <= set(answer.headers["access-control-expose-headers"].split(", "))
        for stranger in ("https://portal.example.org.evil.example", "https://evil.example", "null", "*", "http://portal.example.org"):
            assert http.request("OPTIONS", "/api/jobs", headers={**ask, "Origin": stranger}).status == 405
            assert "access-control-allow-origin" not in user.get("/api/jobs", headers={"Origin": stranger}).headers
        for answer in (allowed, user.get("/api/jobs", headers={"Origin": origin})):
            assert "access-control-allow-credentials" not in answer.headers
    finally:
        http.start()
    harness.wait_for(lambda: http.request("OPTIONS", "/api/jobs", headers=ask).status == 405, "the former configuration is in use")
