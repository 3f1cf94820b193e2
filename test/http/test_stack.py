"""What must hold of nginx, PostgREST and the functions behind them together, whoever sends whatever."""
import contextlib
import re
import time

import harness
import psycopg2
import pytest
import stack
import tokens


@contextlib.contextmanager
def handler(db, route, body):
    """The handler of a route does something else for a while."""
    name = f"rcq_private.rest_{route}(jsonb)"
    before = db.one("SELECT pg_get_functiondef(%s::regprocedure)", name)
    result = db.one("SELECT prorettype::regtype::text FROM pg_proc WHERE oid = %s::regprocedure", name)
    db.sql(f"CREATE OR REPLACE FUNCTION rcq_private.rest_{route}(request jsonb) RETURNS {result} LANGUAGE plpgsql SECURITY INVOKER AS $f$ {body} $f$")
    try:
        yield
    finally:
        db.sql(before)


# --- 1: a client's text never ends a line of the header

SPLIT = "a\r\nX-Injected: yes\r\nSet-Cookie: s=1"


@pytest.mark.parametrize("ask", [
    lambda user: user.get("/api/jobs?status=a%0d%0aX-Injected:%20yes%0d%0aSet-Cookie:%20s=1"),
    lambda user: user.get("/api/jobs?a%0d%0aX-Injected:%20yes%0d%0a=1"),
    lambda user: user.get("/api/jobs/1%0d%0aX-Injected:%20yes"),
    lambda user: user.post("/api/jobs", {SPLIT: 1}),
    lambda user: user.post("/api/jobs", {"script": "true", "name": SPLIT, "priority": SPLIT}),
    lambda user: user.post("/api/auth/login", {"email": SPLIT, "password": SPLIT}),
    lambda user: user.http.get("/health", headers={"X-Request-Id": "a X-Injected: yes"}),
])
def test_text_of_a_client_never_becomes_a_header(user, ask):
    answer = ask(user)
    assert "x-injected" not in answer.headers and "set-cookie" not in answer.headers
    assert answer.status < 500


# --- 2: PostgREST 12 tries again for ever what ends with 40001 or 40P01

@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_conflict_of_transactions_is_answered_at_once_and_not_tried_again(db, user, code):
    db.sql("CREATE SEQUENCE public.tries")
    db.sql("GRANT USAGE ON SEQUENCE public.tries TO rcq_user")
    try:
        with handler(db, "logout", f"BEGIN PERFORM nextval('public.tries'); RAISE SQLSTATE '{code}'; END"):
            answer = user.post("/api/auth/logout", timeout=5)
        assert answer.status == 409 and answer.error
        assert db.one("SELECT last_value FROM public.tries") == 1
    finally:
        db.sql("DROP SEQUENCE public.tries")


# --- 3: looking for the function that a long unknown name may have meant takes PostgREST minutes

def test_long_unknown_names_take_no_time(http, user):
    begin = time.monotonic()
    assert user.post("/rest/rpc/cancel", {"a" * 1900: 1}).status in (400, 404)
    assert user.post("/rest/rpc/cancel", {"a" * 20000: 1}).status == 413
    assert user.post("/rest/rpc/" + "a" * 1900, {}).status == 404
    assert user.get("/rest/jobs?" + "a" * 1900 + "=1").status == 400
    assert user.get("/rest/jobs?" + "a" * 20000 + "=1").status in (400, 414)
    assert user.post("/api/jobs", {"a" * 500000: 1}).status == 400
    assert http.post("/api/auth/login", {"a" * 15000: 1}).status == 400
    assert time.monotonic() - begin < 5


def test_nobody_reaches_functions_or_views_but_those_that_are_meant(http, user, admin):
    for path in ("/rpc/login", "/rest/rpc/http_pre_config", "/rest/rpc/login", "/rest/rpc/health", "/rest/rpc/submit_job", "/api/rpc/login", "/rest/credential",
                 "/rest/rpc/", "/rest//rpc/login", "/rest/rpc/../rpc/login", "/_may_read_metrics", "/_error/400", "/_preflight", "/jobs"):
        for who in (user, admin):
            for method in ("GET", "POST"):
                answer = who.request(method, path, headers={"Accept-Profile": "rcq_rest", "Content-Profile": "rcq_rest"})
                assert answer.status in (404, 405), (method, path, answer)
    assert http.get("/rest/", headers={"Accept-Profile": "rcq_rest"}).status == 401
    described = user.get("/rest/", headers={"Accept-Profile": "rcq_rest"}).json["paths"]
    assert "/jobs" in described and "/rpc/login" not in described


def test_what_the_description_offers_is_what_can_be_reached(admin):
    with open(f"{harness.ROOT}/deploy/http/rcq/native.conf", encoding="utf-8") as file:
        lists = re.findall(r'"~\^/rest(/(?:rpc/)?)\(([a-z_|]+)\)\$"', file.read())
    reachable = {prefix + name for prefix, names in lists for name in names.split("|")}
    assert reachable == set(admin.get("/rest/").json["paths"]) - {"/"}
    for path in reachable:
        answer = admin.post(f"/rest{path}", {"nonsense": 1}) if "rpc" in path else admin.get(f"/rest{path}?limit=1")
        assert answer.status in ((400, 404) if "rpc" in path else (200, 206)) and "there is nothing here" not in answer.text, (path, answer)


# --- 4: forms

def test_a_body_is_json_whatever_type_is_said(user):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert user.post("/api/jobs", '{"script": "true"}', headers=form).status == 201
    for kind in ("application/x-www-form-urlencoded", "text/plain", "text/csv", "application/octet-stream", "multipart/form-data; boundary=x", "x"):
        answer = user.post("/api/jobs", b"script=true", headers={"Content-Type": kind})
        assert answer.status == 400 and answer.error
        answer = user.post("/api/jobs", b"a=\xff\xfe&\xc3\x28=1", headers={"Content-Type": kind})
        assert answer.status == 400 and answer.error
    job = user.submit("sleep 100")
    answer = user.post("/rest/rpc/cancel", b"a=\xff\xfe&b=2", headers=form)
    assert answer.status == 400 and answer.json
    assert user.delete(f"/api/jobs/{job}").status == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b'"a"', b"null", b'{"script": "a\\u0000b"}', b'{"script": 1}', b'{"script": "x", "script": }', b"\xff", b"\x00",
                                  b'{"script": "\xc3\x28"}', b"[" * 20000, b'{"a":' * 20000], ids=range(13))
def test_a_body_that_cannot_be_read_is_the_clients_fault(user, body):
    answer = user.post("/api/jobs", body)
    assert answer.status == 400 and answer.error


# --- 5: unknown and missing names

def test_unknown_and_missing_fields_are_named_in_a_400(user):
    answer = user.post("/api/jobs", {"script": "true", "colour": "blue"})
    assert answer.status == 400 and "colour" in answer.error
    answer = user.post("/api/jobs", {"cpu_cores": 1})
    assert answer.status == 400 and "script" in answer.error
    answer = user.get("/api/jobs?colour=blue")
    assert answer.status == 400 and "colour" in answer.error
    for query in ("limit=1&limit=2", "limit", "%zz=1", "limit=%zz", "=1"):
        assert user.get(f"/api/jobs?{query}").status == 400, query


# --- 6: reading is a transaction that may write where rcq itself must

def test_a_token_of_scope_read_reads_and_changes_nothing(user):
    token = user.post("/api/auth/tokens", {"name": "reader", "scope": "read"}).json["token"]
    job = user.submit("sleep 100")
    assert user.http.get(f"/api/jobs/{job}", token).status == 200
    assert user.http.get("/api/queue", token).status == 200
    for answer in (user.http.post("/api/jobs", {"script": "true"}, token), user.http.request("DELETE", f"/api/jobs/{job}", token=token)):
        assert answer.status == 403 and answer.error
    assert user.delete(f"/api/jobs/{job}").status == 200


# --- 7: what is refused is still counted

def test_failed_logins_are_counted_though_they_are_refused(db, http, user):
    source = stack.some_address()
    for _ in range(5):
        answer = http.post("/api/auth/login", {"email": user.email, "password": "wrong password"}, source=source)
        assert answer.status == 401 and answer.error
    answer = http.post("/api/auth/login", {"email": user.email, "password": "wrong password"}, source=source)
    assert answer.status == 429 and answer.error and int(answer.headers["retry-after"]) >= 1
    assert db.one("SELECT failures FROM rcq_private.login_failure WHERE email = %s", f"{user.email} {source}") == 5


# --- 8: settings of the last request are '' in the next one of a pooled connection

def test_requests_with_and_without_a_token_alternate_on_the_same_connections(http, user, admin):
    for _ in range(25):
        assert user.get("/api/auth/me").json["email"] == user.email
        assert http.get("/api/auth/me").status == 401
        assert http.get("/health").status == 200
        assert admin.get("/api/auth/me").json["email"] == admin.email


# --- 9: numbers

@pytest.mark.parametrize("query", ["limit=zz", "limit=-1", "limit=0.5", "limit=99999999999999999999", "limit=", "status=sleeping", "limit=1e3", "limit=%201"])
def test_a_number_that_is_none_is_the_clients_fault(user, query):
    answer = user.get(f"/api/jobs?{query}")
    assert answer.status == 400 and answer.error


# --- 10: nothing there

@pytest.mark.parametrize("accept", ["application/json", "application/vnd.pgrst.object+json", "*/*", "text/html", "image/png"])
def test_a_job_that_is_not_there_is_404_whatever_is_accepted(user, accept):
    for path in ("/api/jobs/999999999", "/api/jobs/abc", "/api/jobs/999999999999999999999", "/api/jobs/0", "/api/jobs/999999999/logs"):
        answer = user.get(path, headers={"Accept": accept})
        assert answer.status == 404 and answer.error, path


def test_a_job_of_somebody_else_is_as_one_that_does_not_exist(user, other):
    job = user.submit("sleep 100")
    for method, path in (("GET", ""), ("GET", "/logs"), ("GET", "/runs"), ("GET", "/explain"), ("DELETE", ""), ("PATCH", ""), ("POST", "/hold"), ("POST", "/requeue")):
        body = {"priority": 9} if method == "PATCH" else None
        answers = [other.request(method, f"/api/jobs/{number}{path}", body) for number in (job, 999999999)]
        assert [answer.status for answer in answers] == [404, 404], (method, path, answers)
        assert answers[0].error == answers[1].error.replace("999999999", str(job))
    assert user.delete(f"/api/jobs/{job}").status == 200


# --- 11: views

def test_views_are_read_and_never_written(user, admin):
    for who in (user, admin):
        for method in ("POST", "PATCH", "PUT", "DELETE"):
            answer = who.request(method, "/rest/jobs", {"script": "true"})
            assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"


# --- 12: text

@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/plain", "text/html;q=0.9", "application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"])
def test_text_is_text_whatever_is_accepted(db, executor, user, accept):
    job = user.submit("echo one; echo two")
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}").json["status"] == "completed", "the job ended")
    headers = {"Accept": accept} if accept else {}
    answer = user.get(f"/api/jobs/{job}/logs", headers=headers)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain")
    assert answer.text.splitlines() == ["one", "two"]
    assert user.http.get("/metrics", headers=headers).headers["content-type"].startswith("text/plain")


# --- 13: errors of the database

@pytest.mark.parametrize(("code", "status"), [("57014", 503), ("55P03", 409), ("P0002", 500), ("P0003", 500), ("P0004", 500), ("XX000", 500), ("22012", 400),
                                              ("42501", 403), ("23505", 500), ("54001", 500), ("42P01", 500), ("25006", 403), ("53300", 503), ("21000", 500)])
def test_an_error_of_the_database_has_a_status_and_tells_nothing_of_it(db, user, code, status):
    with handler(db, "me", f"BEGIN RAISE SQLSTATE '{code}' USING MESSAGE = 'relation \"rcq_private.users\"', DETAIL = 'SELECT secret', HINT = 'line 7'; END"):
        answer = user.get("/api/auth/me")
    assert answer.status == status and answer.error
    if code not in ("22012",):
        assert "rcq_private" not in answer.text and "line 7" not in answer.text
    assert "SELECT" not in answer.text
    if status == 500:
        assert answer.headers["x-request-id"] in answer.error, "the number by which an administrator finds it in the log"
        assert answer.headers["x-request-id"] in db.server.log()


# --- 15: claims in a session that is not PostgREST's

def test_claims_mean_nothing_to_who_connects_with_sql(db, user):
    job = user.submit("sleep 100")
    stranger = db.user("stranger")
    connection = db.server.connect(db.name, stranger)
    with contextlib.closing(connection), connection.cursor() as cursor:
        for role in ("rcq_user", stranger):
            cursor.execute("SELECT set_config('request.jwt.claims', %s, false), set_config('role', %s, false)", (f'{{"role": "rcq_admin", "user_id": {user.id}, "tv": 1, "exp": 9999999999}}', role))
            with contextlib.suppress(psycopg2.DatabaseError):
                cursor.execute("SELECT count(*) FROM rcq.jobs WHERE id = %s", (job,))
                assert cursor.fetchone() == (0,)
                assert role == stranger, "rcq_user is nobody"
    assert user.delete(f"/api/jobs/{job}").status == 200


# --- 17: a token that expired is no reason to refuse a login

def test_a_worthless_token_does_not_keep_anybody_from_logging_in(db, http, user):
    expired = tokens.forge(tokens.claims(user, exp=int(time.time()) - 10), tokens.secret(db))
    for token in (expired, "garbage", ""):
        answer = http.post("/api/auth/login", {"email": user.email, "password": "correct horse battery"}, token)
        assert answer.status == 200 and answer.json["token"]
        assert http.get("/health", token).status == 200
    assert http.get("/api/auth/me", expired).status == 401


# --- 16, and whatever else pretends to be a token

def test_a_token_that_is_not_genuine_is_refused(db, http, user, admin):
    secret = tokens.secret(db)
    genuine = tokens.forge(tokens.claims(user), secret)
    assert http.get("/api/auth/me", genuine).status == 200, "the claims as such are good"
    head, said, signature = genuine.split(".")
    worthless = {
        "no end": tokens.forge(tokens.claims(user, exp=None), secret),
        "end is no number": tokens.forge(tokens.claims(user, exp="never"), secret),
        "expired": tokens.forge(tokens.claims(user, exp=int(time.time()) - 60), secret),
        "no user": tokens.forge(tokens.claims(user, user_id=None), secret),
        "user is no number": tokens.forge(tokens.claims(user, user_id="1"), secret),
        "unknown user": tokens.forge(tokens.claims(user, user_id=99999), secret),
        "no version": tokens.forge(tokens.claims(user, tv=None), secret),
        "another version": tokens.forge(tokens.claims(user, tv=77), secret),
        "unknown jti": tokens.forge(tokens.claims(user, tv=None, jti="x", scope="admin"), secret),
        "unsigned": tokens.forge(tokens.claims(admin)),
        "other secret": tokens.forge(tokens.claims(admin), b"0123456789abcdef0123456789abcdef"),
        "empty secret": f"{head}.{said}.",
        "other algorithm": tokens.forge(tokens.claims(admin), secret, "HS512"),
        "two parts": f"{head}.{said}",
        "four parts": f"{genuine}.{signature}",
        "changed": f"{head}.{tokens.encode(b'{}')}.{signature}",
        "no JSON": "a.b.c",
        "garbage": "%00%ff",
        "long": "a" * 7000,
    }
    for name, token in worthless.items():
        for path in ("/api/auth/me", "/api/admin/stats", "/rest/jobs"):
            answer = http.get(path, token)
            assert answer.status == 401 and answer.error and answer.headers["www-authenticate"].startswith("Bearer"), (name, path, answer)


@pytest.mark.parametrize("role", [None, 7, "", "postgres", "rcq_authenticator", "rcq_executor", "nobody", ["rcq_admin"]])
def test_a_role_that_no_token_has_opens_nothing(db, http, user, role):
    token = tokens.forge(tokens.claims(user, role=role), tokens.secret(db))
    assert http.get("/api/auth/me", token).status in (400, 401, 403)
    assert http.get("/rest/jobs", token).status in (400, 401, 403)


def test_the_role_of_an_administrator_alone_makes_none(db, http, user):
    token = tokens.forge(tokens.claims(user, role="rcq_admin"), tokens.secret(db))
    for path in ("/api/admin/stats", "/api/admin/users", "/api/admin/settings"):
        assert http.get(path, token).status == 403


def test_authorization_of_another_kind_is_none(http):
    for value in ("Basic YTpi", "Bearer", "Bearer ", "bearer", "Token x", ",", "Bearer a b"):
        for path in ("/api/auth/me", "/rest/jobs", "/rest/"):
            answer = http.get(path, headers={"Authorization": value})
            assert answer.status == 401 and answer.error, (value, path)


def test_nobody_is_let_in_without_a_token(http):
    for method, path in (("GET", "/api/jobs"), ("POST", "/api/jobs"), ("GET", "/api/queue"), ("GET", "/api/admin/stats"), ("GET", "/api/auth/me"), ("POST", "/api/auth/refresh"),
                         ("DELETE", "/api/jobs/1"), ("GET", "/rest/"), ("GET", "/rest/jobs"), ("POST", "/rest/rpc/cancel")):
        answer = http.request(method, path)
        assert answer.status == 401 and "/api/auth/login" in answer.error and answer.headers["www-authenticate"].startswith("Bearer"), (method, path)
