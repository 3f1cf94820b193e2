"""HTTP in front of a streaming standby: pages are read there, and everything else is refused in words."""
import harness
import pytest
import stack
import standby

PAGES = ["/api/auth/me", "/api/auth/tokens", "/api/jobs", "/api/jobs/{job}", "/api/jobs/{job}/logs", "/api/jobs/{job}/runs", "/api/jobs/{job}/explain", "/api/jobs/{waiting}",
         "/api/jobs/{waiting}/explain", "/api/queue", "/api/groups", "/api/executors", "/api/schedules", "/api/admin/stats", "/api/admin/executors", "/api/admin/groups",
         "/api/admin/users", "/api/admin/usage", "/api/admin/settings", "/api/admin/schedules", "/api/admin/audit", "/metrics"]


@pytest.fixture(scope="module")
def pair():
    servers = standby.Pair(fsync="off")
    yield servers
    log = servers.log()
    servers.remove()
    assert not harness.CRASH.search(log)


def test_a_standby_shows_what_it_has_and_says_that_it_takes_nothing(pair):
    db = harness.Database(pair, "web", lease="2 s", lost_after="3 s", claim_timeout="2 s")
    db.sql("CREATE EXTENSION pgcrypto")
    executor = db.executor("node1", cores=1)
    db.sql("SELECT rcq.add_http_user('admin@example.org', %s, is_admin => true)", stack.PASSWORD)
    first, second = (stack.Stack(server, db.name, name) for server, name in ((pair.primary, "http-primary"), (pair.standby, "http-standby")))
    try:
        first.start()
        harness.wait_for(first.ready, "the primary is healthy")
        token = first.login("admin@example.org")
        job = first.post("/api/jobs", {"script": "echo one"}, token).json["job_id"]
        db.ended(job)
        executor.kill()
        waiting = first.post("/api/jobs", {"script": "true", "cpu_cores": 2}, token).json["job_id"]
        second.start()
        health = second.get("/health")
        assert (health.status, health.json["database"], health.json["status"]) == (503, "in recovery", "unhealthy")
        assert "recovery" in health.json["message"]
        for page in PAGES:
            answer = second.get(page.format(job=job, waiting=waiting), token)
            assert answer.status == 200, (page, answer)
        shown = second.get(f"/api/jobs/{job}", token).json
        assert (shown["status"], shown["exit_code"]) == ("completed", 0)
        assert second.get(f"/api/jobs/{waiting}", token).json["status"] == "pending"
        changes = [("POST", "/api/jobs", {"script": "true"}), ("DELETE", f"/api/jobs/{waiting}", None),
                   ("POST", "/api/auth/login", {"email": "admin@example.org", "password": stack.PASSWORD})]
        for method, path, body in changes:
            answer = second.request(method, path, body, token if "login" not in path else None)
            assert answer.status == 400 and "standby" in answer.error, (path, answer)
    finally:
        first.stop()
        second.stop()
    db.drop()
