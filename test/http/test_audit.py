"""What is recorded of requests, and who is told."""
import re

import stack


def entries(admin, query=""):
    answer = admin.get(f"/api/admin/audit?{query}")
    assert answer.status == 200, answer
    assert answer.json["count"] == len(answer.json["audit"])
    return answer.json["audit"]


def test_a_submission_and_a_cancellation_are_recorded_with_their_requests(user, admin):
    source = stack.some_address()
    answer = user.post("/api/jobs", {"script": "true"}, source=source)
    job = answer.json["job_id"]
    assert user.request("DELETE", f"/api/jobs/{job}").status in (200, 409)
    entry = next(e for e in entries(admin, f"user={user.id}") if e["action"] == "job.submit")
    assert (entry["object"], entry["kind"], entry["actor"], entry["user_id"], entry["via"], entry["address"]) == (str(job), "job", user.email, user.id, "http", source)
    assert re.fullmatch("[0-9a-f]{32}", entry["request_id"])
    assert entries(admin, f"request_id={entry['request_id']}") == [entry]


def test_one_entry_stands_for_a_batch(user, admin):
    jobs = user.post("/api/jobs/batch", {"jobs": [{"script": "true", "hold": True}] * 3}).json["job_ids"]
    (entry,) = [e for e in entries(admin, f"user={user.id}") if e["action"] == "job.submit"]
    assert entry["object"] == f"{jobs[0]}-{jobs[-1]}"


def test_a_submission_that_is_repeated_with_its_key_is_recorded_once(user, admin):
    (job,) = {user.post("/api/jobs", {"script": "true", "hold": True}, headers={"Idempotency-Key": "once"}).json["job_id"] for _ in range(2)}
    both = user.post("/api/jobs/batch", {"jobs": [{"script": "true", "hold": True, "idempotency_key": "once"}, {"script": "true", "hold": True}]}).json["job_ids"]
    assert both[0] == job
    assert [e["object"] for e in entries(admin, f"user={user.id}") if e["action"] == "job.submit"] == [str(both[1]), str(job)]


def test_what_is_refused_is_not_recorded(user, admin):
    assert user.post("/api/jobs", {"script": "true", "cpu_cores": -1}).status == 400
    assert user.post("/api/admin/pause", {"reason": "no"}).status == 403
    assert entries(admin, f"user={user.id}") == []


def test_a_setting_that_is_changed_over_http_is_recorded_with_both_values(admin, db):
    db.set(default_estimate="2 hours")
    assert admin.request("PUT", "/api/admin/settings/default_estimate", {"value": "3 hours"}).status == 200
    entry = entries(admin, "action=setting.change&object=default_estimate&limit=1")[0]
    assert (entry["old"], entry["new"], entry["actor"], entry["via"]) == ({"value": "2 hours"}, {"value": "3 hours"}, admin.email, "http")


def test_a_registration_and_a_password_are_recorded_without_the_password(http, admin, user):
    email = f"new{user.id}@example.org"
    assert http.post("/api/auth/register", {"email": email, "password": "a secret of mine"}).status == 201
    (added,) = entries(admin, f"kind=user&limit=1")
    assert (added["action"], added["new"]["email"], added["user_id"], added["via"]) == ("user.add", email, None, "http")
    assert user.post("/api/auth/password", {"current_password": stack.PASSWORD, "new_password": "another secret"}).status == 200
    assert [e["object"] for e in entries(admin, f"action=password.change&user={user.id}")] == [str(user.id)]
    assert "secret" not in admin.get("/api/admin/audit?limit=1000&kind=password").text.replace("jwt_secret", "")


def test_pages_follow_one_another(user, admin):
    for _ in range(7):
        user.submit(hold=True)
    whole, seen, before = entries(admin, f"user={user.id}"), [], ""
    while True:
        page = admin.get(f"/api/admin/audit?user={user.id}&limit=3{before}").json
        seen += page["audit"]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert seen == whole and len(seen) == 7


def test_the_audit_log_is_for_administrators(user, http):
    assert user.get("/api/admin/audit").status == 403
    assert http.get("/api/admin/audit").status == 401
