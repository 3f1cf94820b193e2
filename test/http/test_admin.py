"""What administrators do over HTTP, and that nobody else can."""
import harness
import psycopg2
import pytest
import stack

ROUTES = [("GET", "/api/admin/stats"), ("GET", "/api/admin/executors"), ("POST", "/api/admin/executors/node1/drain"), ("POST", "/api/admin/executors/node1/resume"),
          ("GET", "/api/admin/groups"), ("POST", "/api/admin/groups"), ("PATCH", "/api/admin/groups/1"), ("GET", "/api/admin/users"), ("POST", "/api/admin/users"),
          ("PATCH", "/api/admin/users/1"), ("POST", "/api/admin/users/1/password"), ("GET", "/api/admin/usage"), ("GET", "/api/admin/settings"),
          ("PUT", "/api/admin/settings/lease"), ("GET", "/api/admin/schedules"), ("POST", "/api/admin/pause"), ("POST", "/api/admin/resume"),
          ("GET", "/api/admin/audit"), ("POST", "/api/admin/rotate-secret")]


@pytest.mark.parametrize("method, path", ROUTES)
def test_what_is_for_administrators_is_refused_to_everybody_else(http, user, method, path):
    answer = user.request(method, path, None if method == "GET" else {})
    assert (answer.status, "administrator" in answer.error) == (403, True)
    assert http.request(method, path, None if method == "GET" else {}).status == 401


def row(answer, listed, /, **wanted):
    return one(answer.json[listed], **wanted)


def one(rows, /, **wanted):
    (found,) = [each for each in rows if all(each[key] == value for key, value in wanted.items())]
    return found


def test_a_group_is_added_changed_and_stripped_of_its_limits(admin):
    answer = admin.post("/api/admin/groups", {"name": "physics", "quota_cpu_hours": 100, "max_jobs": 3, "max_cores": 9})
    assert answer.status == 201
    group = answer.json["group_id"]
    assert admin.post("/api/admin/groups", {"name": "physics"}).status == 409
    assert "priority" in admin.post("/api/admin/groups", {"name": "chemistry", "priority": 11}).error
    assert "colour" in admin.post("/api/admin/groups", {"name": "chemistry", "colour": "red"}).error
    assert admin.request("PATCH", f"/api/admin/groups/{group}", {"max_jobs": None, "quota_cpu_hours": None, "priority": 7}).status == 200
    changed = row(admin.get("/api/admin/groups"), "groups", id=group)
    assert (changed["max_jobs"], changed["max_cores"], changed["quota_cpu_hours"], changed["priority"]) == (None, 9, None, 7)
    assert admin.request("PATCH", "/api/admin/groups/999999", {"priority": 3}).status == 404
    assert row(admin.get("/api/admin/usage"), "groups", group_id=group)["running_jobs"] == 0


def test_the_only_limit_of_a_group_and_of_a_user_is_taken_away(user, admin):
    group = admin.post("/api/admin/groups", {"name": "limited", "max_jobs": 3}).json["group_id"]
    assert admin.request("PATCH", f"/api/admin/groups/{group}", {"max_jobs": None}).status == 200
    assert row(admin.get("/api/admin/groups"), "groups", id=group)["max_jobs"] is None
    refused = admin.request("PATCH", f"/api/admin/groups/{group}", {"max_pending": None})
    assert refused.status == 400 and "max_pending" in refused.error
    assert admin.request("PATCH", f"/api/admin/users/{user.id}", {"max_jobs": 3}).status == 200
    assert admin.request("PATCH", f"/api/admin/users/{user.id}", {"max_jobs": None}).status == 200
    assert row(admin.get("/api/admin/users"), "users", id=user.id)["max_jobs"] is None


def test_a_user_without_password_and_role_is_refused_with_what_is_missing(admin):
    for body in ({"email": "nobody@example.org"}, {}):
        answer = admin.post("/api/admin/users", body)
        assert answer.status == 400 and "password" in answer.error and "role_name" in answer.error, answer


def test_a_user_is_added_limited_disabled_and_enabled(http, admin):
    answer = admin.post("/api/admin/users", {"email": "Limited@example.org", "password": "12345678"})
    assert answer.status == 201
    person = answer.json["user_id"]
    token = http.login("limited@example.org", "12345678")
    assert admin.request("PATCH", f"/api/admin/users/{person}", {"max_pending": 1, "max_priority": 6}).status == 200
    assert "priority" in http.post("/api/jobs", {"script": "true", "priority": 7}, token).error
    assert http.post("/api/jobs", {"script": "true", "hold": True}, token).status == 201
    assert http.post("/api/jobs", {"script": "true", "hold": True}, token).status == 429
    assert admin.request("PATCH", f"/api/admin/users/{person}", {"disabled": "has left"}).status == 200
    assert http.get("/api/jobs", token).status == 401
    refused = http.post("/api/auth/login", {"email": "limited@example.org", "password": "12345678"})
    assert (refused.status, "has left" in refused.error) == (403, True)
    assert admin.request("PATCH", f"/api/admin/users/{person}", {"disabled": None, "max_pending": None}).status == 200
    token = http.login("limited@example.org", "12345678")
    assert http.post("/api/jobs", {"script": "true", "hold": True}, token).status == 201
    assert row(admin.get("/api/admin/users"), "users", id=person)["max_priority"] == 6
    assert admin.request("PATCH", f"/api/admin/users/{person}", {"group_id": 999999}).status == 400
    group = admin.post("/api/admin/groups", {"name": "biology"}).json["group_id"]
    assert admin.request("PATCH", f"/api/admin/users/{person}", {"group_id": group}).status == 200
    assert row(admin.get("/api/admin/users"), "users", id=person)["group_name"] == "biology"
    assert admin.request("PATCH", "/api/admin/users/999999", {"max_priority": 3}).status == 404


def test_nobody_registers_under_the_name_of_somebody_else(db, http, admin):
    db.sql('CREATE ROLE "eve@example.org"')
    eve = db.one("SELECT rcq.add_user('eve@example.org')")
    registration = {"email": "Eve@example.org", "password": stack.PASSWORD}
    assert "eve@example.org" in http.post("/api/auth/register", registration).error
    assert admin.request("PATCH", f"/api/admin/users/{admin.id}", {"email": "eve@example.org"}).status == 409
    # the other way round: a role that is called as somebody who is here already
    db.sql(f'CREATE ROLE "{admin.email}"')
    with pytest.raises(psycopg2.Error) as refused:
        db.sql("SELECT rcq.add_user(%s)", admin.email)
    assert refused.value.pgcode == "RC006"
    # of one's own both may be the same
    assert admin.request("PATCH", f"/api/admin/users/{eve}", {"email": "eve@example.org"}).status == 200
    assert db.one("SELECT email FROM rcq_private.users WHERE id = %s", eve) == "eve@example.org"


def test_an_executor_is_drained_with_a_reason_and_resumed(admin, executor, db):
    assert admin.post(f"/api/admin/executors/{executor.role}/drain", {"reason": "new memory"}).json == {
        "message": "Executor drained successfully", "name": executor.role, "requeued": 0, "running_on": 0}
    drained = row(admin.get("/api/admin/executors"), "executors", name=executor.role)
    assert (drained["status"], drained["reason"]) == ("draining", "new memory")
    waiting = admin.submit()
    db.waiting(waiting, "drained")
    assert admin.post(f"/api/admin/executors/{executor.role}/resume").status == 200
    assert db.ended(waiting)["status"] == "completed"
    assert admin.post("/api/admin/executors/nowhere/drain").status == 404
    assert "mode" in admin.post(f"/api/admin/executors/{executor.role}/drain", {"mode": "sideways"}).error


def test_a_setting_is_changed_and_put_back(admin):
    for value, kept in (("3 days", "3 days"), (3600, "3600"), (None, "72 hours")):
        assert admin.request("PUT", "/api/admin/settings/max_wait", {"value": value}).json["value"] == kept
    assert admin.request("PUT", "/api/admin/settings/max_wait", {"value": "soon"}).status == 400
    assert admin.request("PUT", "/api/admin/settings/max_wait", {}).status == 400
    assert admin.request("PUT", "/api/admin/settings/no_such", {"value": 1}).status == 404
    assert row(admin.get("/api/admin/settings"), "settings", name="max_wait")["default_value"] == "72 hours"


def test_the_queue_is_paused_for_a_reason_and_resumed(admin, executor, db):
    assert admin.post("/api/admin/pause", {"reason": "air conditioning"}).status == 200
    waiting = admin.submit()
    db.waiting(waiting, "paused")
    assert admin.get("/api/admin/stats").json["scheduler"]["paused"] == "air conditioning"
    assert admin.post("/api/admin/resume").status == 200
    assert db.ended(waiting)["status"] == "completed"


def test_statistics_tell_what_runs_what_waits_and_what_is_used(admin, executor, db):
    before = admin.get("/api/admin/stats").json
    gate = db.gate()
    running, held = admin.submit(gate.script, cpu_cores=2), admin.submit(hold=True)
    db.running(running)

    def counted():
        stats = admin.get("/api/admin/stats").json
        return stats["jobs"]["running"] == 1 and stats["jobs"]["held"] == before["jobs"]["held"] + 1 and stats
    stats = harness.wait_for(counted, "both jobs are counted")
    assert one(stats["groups"], group_id=1)["running"] == 1
    assert stats["utilisation"]["cpu_cores_used"] == 2 and stats["utilisation"]["cpu_cores"] >= 4
    gate.open()
    db.ended(running)
    harness.wait_for(lambda: admin.get("/api/admin/stats").json["jobs"]["completed"] > before["jobs"]["completed"], "its end is counted")
    after = admin.get("/api/admin/stats").json
    assert after["throughput"]["ended_last_hour"] > before["throughput"]["ended_last_hour"]
    assert after["waits_last_hour"][0]["started"] >= 1
    assert admin.delete(f"/api/jobs/{held}").status == 200


def test_a_schedule_belongs_to_whoever_made_it(admin, user, other):
    answer = user.post("/api/schedules", {"name": "nightly", "cron": "@daily", "script": "true"})
    assert answer.status == 201
    assert user.post("/api/schedules", {"name": "broken", "cron": "every day", "script": "true"}).status == 400
    assert [each["name"] for each in user.get("/api/schedules").json["schedules"]] == ["nightly"]
    assert other.get("/api/schedules").json == {"schedules": [], "count": 0}
    assert other.post("/api/schedules/nightly/pause").status == 404
    assert user.post("/api/schedules/nightly/pause").status == 200
    assert row(admin.get("/api/admin/schedules"), "schedules", id=answer.json["schedule_id"])["state"] == "paused"
    assert admin.post("/api/schedules/nightly/resume", {"user": user.email}).status == 200
    assert user.get("/api/schedules").json["schedules"][0]["state"] == "active"
    assert user.delete("/api/schedules/nightly").status == 200
    assert user.get("/api/schedules").json["count"] == 0


def test_everybody_sees_hosts_and_the_shares_of_groups(user, executor):
    assert row(user.get("/api/executors"), "executors", name=executor.role)["cpu_cores"] == 4
    assert row(user.get("/api/groups"), "groups", id=1)["fair_share"] > 0
