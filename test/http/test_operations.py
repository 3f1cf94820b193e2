"""What breaks is told in JSON, and comes back by itself or by `deploy/http.sh start`."""
import os
import re
import shutil
import signal
import stat
import subprocess
import time

import harness
import pytest
import stack
import tokens


def refuses(answer, *statuses):
    assert answer.status in statuses, answer
    assert isinstance(answer.json["message" if "message" in answer.json else "error"], str)
    for secret in ("PGRST", "hint", "postgresql", "rcq_authenticator", "127.0.0.1", "connection to server", "sock"):
        assert secret not in answer.text, answer
    return True


def test_a_killed_postgrest_is_told_of_and_started_again(http, user):
    http.kill("postgrest")
    harness.wait_for(lambda: http.get("/health").status == 503, "the service is not healthy")
    health = http.get("/health")
    assert refuses(health, 503) and health.json["status"] == "unhealthy"
    assert refuses(user.get("/api/jobs"), 502, 503) and refuses(user.get("/rest/jobs"), 502, 503)
    assert int(user.get("/api/jobs").headers["retry-after"]) >= 1
    http.start()
    assert user.get("/api/jobs").status == 200


def test_a_frozen_postgrest_does_not_freeze_who_asks_it_nothing(http, user):
    pid = http.pids("postgrest")
    os.kill(pid, signal.SIGSTOP)
    try:
        assert http.get("/nothing", timeout=3).status == 404
        assert user.request("PUT", "/api/jobs", timeout=3).status == 405
    finally:
        os.kill(pid, signal.SIGCONT)
    assert user.get("/api/jobs").status == 200


def test_a_killed_nginx_is_started_again_on_its_port(http, user):
    before = http.port
    http.kill("nginx")
    http.start()
    assert http.port == before and user.get("/api/jobs").status == 200


def test_starting_what_runs_changes_nothing_and_is_quick(http):
    before = http.pids("postgrest"), http.pids("nginx")
    http.start()
    assert (http.pids("postgrest"), http.pids("nginx")) == before
    assert "runs, pid" in http.run("status")


def test_the_service_comes_back_by_itself_when_the_server_does(http, db, user):
    pids = http.pids("postgrest"), http.pids("nginx")
    job = user.submit("sleep 300")
    db.server.stop("immediate")
    try:
        harness.wait_for(lambda: http.get("/health").status == 503, "the service is not healthy")
        assert refuses(user.get("/api/jobs"), 502, 503, 504) and refuses(user.get("/rest/jobs"), 502, 503, 504)
    finally:
        db.server.start()
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}").status == 200, "requests are answered again", 60)
    harness.wait_for(http.ready, "the service is healthy again", 60)
    assert (http.pids("postgrest"), http.pids("nginx")) == pids
    assert user.delete(f"/api/jobs/{job}").status == 200


def test_secrets_are_rotated_without_a_restart(http, db, user, admin):
    pid = http.pids("postgrest")
    script = user.post("/api/auth/tokens", {"name": "script", "scope": "submit"}).json["token"]
    assert admin.post("/api/admin/rotate-secret", {}).status == 200
    assert user.get("/api/auth/me").status == 401 and http.get("/api/auth/me", script).status == 401
    harness.wait_for(lambda: http.get("/api/auth/me", http.login(user.email)).status == 200, "tokens of the new secret are accepted", 10)
    assert http.get("/api/auth/me", tokens.forge(tokens.claims(user), b"0" * 32)).status == 401
    assert http.pids("postgrest") == pid


def test_a_secret_that_leaked_opens_nothing_once_it_is_rotated(http, db, user, admin):
    # PostgREST remembers tokens that it verified, also when the secret is another one by then: so they are sent in advance
    known = db.one("SELECT id FROM rcq_private.jwt_secret WHERE valid_until IS NULL")
    forged = [tokens.forge(tokens.claims(user, sv=known + ahead), tokens.secret(db)) for ahead in range(1, 5)]
    assert [http.get("/api/auth/me", token).status for token in forged] == [401] * len(forged)
    assert admin.post("/api/admin/rotate-secret", {}).status == 200
    harness.wait_for(lambda: http.get("/api/auth/me", http.login(user.email)).status == 200, "tokens of the new secret are accepted", 10)
    assert [http.get("/api/auth/me", token).status for token in forged] == [401] * len(forged)


def test_the_servers_log_shows_no_password_and_no_token_whatever_it_logs(db, http, user):
    for setting in ("log_statement = 'all'", "log_min_duration_statement = 0"):
        db.sql(f"ALTER DATABASE {db.name} SET {setting}")
    try:
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rcq_authenticator'")
        harness.wait_for(lambda: user.get("/api/auth/me").status == 200, "requests are answered again", 60)
        before = len(db.server.log())
        token = http.login(user.email)
        assert http.get("/api/auth/me", token).status == 200
        assert user.post("/api/auth/password", {"current_password": "not the one", "new_password": stack.PASSWORD}).status == 403
        logged = db.server.log()[before:]
        assert "rcq_rest" in logged
        for said in (stack.PASSWORD, "not the one", token, user.token):
            assert said not in logged and said.encode().hex() not in logged
    finally:
        for setting in ("log_statement", "log_min_duration_statement"):
            db.sql(f"ALTER DATABASE {db.name} RESET {setting}")
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rcq_authenticator'")
        harness.wait_for(http.ready, "the service is healthy again", 60)


def test_the_password_of_postgrest_is_in_one_file_that_nobody_else_reads(http, db):
    path = os.path.join(http.state, "http", "pgpass")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, encoding="utf-8") as file:
        password = file.read().strip().split(":")[-1]
    assert len(password) >= 32
    for folder, _, files in os.walk(http.state):
        for name in files:
            other = os.path.join(folder, name)
            if other != path and os.path.isfile(other):
                with open(other, encoding="utf-8", errors="replace") as file:
                    assert password not in file.read(), name
    for pid in (http.pids("postgrest"), http.pids("nginx")):
        with open(f"/proc/{pid}/environ", encoding="utf-8", errors="replace") as file:
            assert password not in file.read()
    # somebody set another one: the next start notices
    db.sql("SELECT rcq.set_http_password('something else')")
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rcq_authenticator'")
    http.start()
    harness.wait_for(http.ready, "the service is healthy again", 60)


def test_nothing_runs_as_root_and_only_the_loopback_address_is_listened_on(http):
    wanted = harness.run_as().get("user", os.geteuid())
    for name in ("postgrest", "nginx"):
        assert wanted != 0 and os.stat(f"/proc/{http.pids(name)}").st_uid == wanted
    with open("/proc/net/tcp", encoding="utf-8") as file:
        listening = {line.split()[1] for line in file if line.split()[3] == "0A"}
    assert [address for address in listening if address.endswith(f":{http.port:04X}")] == [f"0100007F:{http.port:04X}"]
    assert stat.S_IMODE(os.stat(os.path.join(http.state, "sock")).st_mode) == 0o700


def test_stopping_ends_both_and_starting_brings_them_back(http, user):
    pids = http.pids("postgrest"), http.pids("nginx")
    begin = time.monotonic()
    http.stop()
    assert time.monotonic() - begin < 15
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert "does not run" in http.run("stop")
    http.start()
    assert user.get("/api/jobs").status == 200


def test_a_bad_wish_is_refused_and_what_runs_goes_on(http):
    for environment, word in (({"RCQ_HTTP_CORS": '*'}, "RCQ_HTTP_CORS"), ({"RCQ_HTTP_RATE": "fast"}, "100r/s"), ({"RCQ_POSTGREST": "/no/such/program"}, "/no/such/program")):
        with pytest.raises(AssertionError, match=re.escape(word)):
            http.run("start", **environment)
    with pytest.raises(AssertionError, match="is taken"):
        http.run("start", "--port", str(http.server.port))
    http.start()
    assert http.get("/health").status == 200


def test_an_update_of_the_extension_is_noticed_without_a_restart(http, server):
    extensions = os.path.join(subprocess.check_output([os.path.join(server.bin, "pg_config"), "--sharedir"], text=True).strip(), "extension")
    former = shutil.copy(os.path.join(harness.ROOT, "test", "upgrade", "rcq--0.4.sql"), extensions)
    db = harness.Database(server, "updated")
    db.sql("CREATE EXTENSION pgcrypto")
    own = stack.Stack(server, db.name, "updated")
    try:
        own.start()
        harness.wait_for(own.ready, "the service is healthy")
        db.drop_extension()
        db.sql("CREATE EXTENSION rcq VERSION '0.4'")
        db.sql("NOTIFY pgrst, 'reload schema'")
        harness.wait_for(lambda: own.get("/health").status != 200, "the routes are gone")
        assert refuses(own.get("/health"), 401, 404, 500, 503)
        db.sql("ALTER EXTENSION rcq UPDATE")
        harness.wait_for(own.ready, "the routes are there again")
    finally:
        os.remove(former)
        own.stop()
        db.drop()
