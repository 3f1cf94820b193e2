"""Every route of /api: status codes and names of fields that clients rely on."""
import re
import time

import harness
import pytest
import stack
import tokens

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
JOB_FIELDS = {"id", "user_id", "group_id", "script", "cpu_cores", "memory_gb", "gpu_count", "status", "priority", "submitted_at", "started_at", "completed_at", "worker_id"}


def ended(user, job):
    """The job as it is once it ended."""
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}").json["status"] in ("completed", "failed", "cancelled"), f"job {job} ended")
    return user.get(f"/api/jobs/{job}").json


# --- health

def test_health_says_healthy_to_anybody(http):
    answer = http.get("/health")
    assert answer.status == 200
    assert answer.json["status"] == "healthy" and isinstance(answer.json["message"], str) and re.fullmatch(r"[0-9.]+\w*", answer.json["version"])


# --- register and login

def test_people_register_log_in_and_are_who_they_say(http):
    email = f"new{time.time_ns()}@example.org"
    answer = http.post("/api/auth/register", {"email": email, "password": stack.PASSWORD, "group_id": 1})
    assert answer.status == 201
    number = answer.json["user_id"]
    assert answer.json == {"message": "User registered successfully", "user_id": number}
    answer = http.post("/api/auth/login", {"email": email, "password": stack.PASSWORD})
    assert answer.status == 200 and set(answer.json) == {"message", "token", "user"}
    assert answer.json["message"] == "Login successful"
    assert answer.json["user"] == {"id": number, "email": email, "group_id": 1, "is_admin": False}
    said = tokens.decode(answer.json["token"])
    assert said["role"] == "rcq_user" and said["user_id"] == number and said["group_id"] == 1
    assert 23 * 3600 < said["exp"] - time.time() < 25 * 3600
    me = http.get("/api/auth/me", answer.json["token"]).json
    assert me["id"] == number and me["email"] == email
    again = http.post("/api/auth/register", {"email": email, "password": stack.PASSWORD, "group_id": 1})
    assert again.status == 409 and again.error


@pytest.mark.parametrize("change", [{"email": "nobody"}, {"email": ""}, {"email": None}, {"email": 7}, {"email": "a b@example.org"}, {"email": "a@" + "b" * 300 + ".org"}, {"password": "short"},
                                    {"password": None}, {"password": 12345678}, {"password": "x" * 73}, {"group_id": 99999}, {"group_id": "physics"}, {"group_id": -1}, {"role": "admin"}])
def test_a_bad_registration_is_refused(http, change):
    answer = http.post("/api/auth/register", {"email": "fine@example.org", "password": stack.PASSWORD, "group_id": 1, **change})
    assert answer.status == 400 and answer.error


def test_nobody_registers_into_a_group_that_is_not_open(db, http):
    group = db.one("SELECT rcq.add_group('closed')")
    answer = http.post("/api/auth/register", {"email": "in@example.org", "password": stack.PASSWORD, "group_id": group})
    assert answer.status == 403 and answer.error


def test_a_wrong_user_and_a_wrong_password_are_told_the_same(http, user):
    wrong_password = http.post("/api/auth/login", {"email": user.email, "password": "not this one"})
    wrong_user = http.post("/api/auth/login", {"email": "nobody-of-this-name@example.org", "password": "not this one"})
    assert wrong_password.status == wrong_user.status == 401
    assert wrong_password.body == wrong_user.body and wrong_password.error


def test_a_login_is_refreshed_and_ended(http, user):
    fresh = user.post("/api/auth/refresh")
    assert fresh.status == 200 and http.get("/api/auth/me", fresh.json["token"]).status == 200
    assert http.post("/api/auth/logout", token=fresh.json["token"]).status == 200
    assert http.get("/api/auth/me", fresh.json["token"]).status == 401
    assert user.get("/api/auth/me").status == 401, "and every other login"


def test_a_password_is_changed(http, user):
    assert user.post("/api/auth/password", {"current_password": "wrong one", "new_password": "another password"}).status == 403
    assert user.post("/api/auth/password", {"current_password": stack.PASSWORD, "new_password": "short"}).status == 400
    answer = user.post("/api/auth/password", {"current_password": stack.PASSWORD, "new_password": "another password"})
    assert answer.status == 200 and http.get("/api/auth/me", answer.json["token"]).status == 200
    assert user.get("/api/auth/me").status == 401
    assert http.post("/api/auth/login", {"email": user.email, "password": stack.PASSWORD}).status == 401
    assert http.login(user.email, "another password")


def test_tokens_of_programs_are_made_listed_and_revoked(http, user, other):
    made = user.post("/api/auth/tokens", {"name": "nightly", "scope": "submit"})
    assert made.status == 201 and made.json["token"]
    token, number = made.json["token"], made.json["id"]
    assert http.post("/api/jobs", {"script": "true"}, token).status == 201
    (listed,) = [entry for entry in user.get("/api/auth/tokens").json["tokens"] if entry["id"] == number]
    assert listed["name"] == "nightly" and listed["scope"] == "submit" and "token" not in listed
    assert other.delete(f"/api/auth/tokens/{number}").status == 404
    assert user.delete(f"/api/auth/tokens/{number}").status == 200
    answer = http.get("/api/jobs", token)
    assert answer.status == 401 and "revoked" in answer.error
    assert user.post("/api/auth/tokens", {"name": "x", "scope": "admin"}).status == 403
    assert user.post("/api/auth/tokens", {"name": "x", "scope": "all"}).status == 400
    answer = user.post("/api/auth/tokens", {"name": "x", "expires_in": "long"})
    assert answer.status == 400 and "expires_in" in answer.error


# --- jobs

def test_a_job_is_submitted_runs_on_an_executor_and_its_output_comes_back(db, executor, user):
    gate = db.gate()
    answer = user.post("/api/jobs", {"script": f"echo begin; {gate.script}; echo end", "cpu_cores": 2, "memory_gb": 1, "gpu_count": 0, "estimated_hours": 0.5, "priority": 7})
    assert answer.status == 201
    job = answer.json["job_id"]
    assert answer.json == {"message": "Job submitted successfully", "job_id": job, "status": "pending"}
    # new output alone, by the number of the last line
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}/logs").text == "begin\n", "the first line")
    seen = user.get(f"/api/jobs/{job}")
    assert seen.status == 200 and JOB_FIELDS <= set(seen.json)
    shown = seen.json
    assert (shown["status"], shown["cpu_cores"], shown["memory_gb"], shown["gpu_count"], shown["priority"], shown["user_id"]) == ("running", 2, 1, 0, 7, user.id)
    assert RFC3339.fullmatch(shown["submitted_at"]) and RFC3339.fullmatch(shown["started_at"]) and shown["completed_at"] is None
    assert shown["worker_id"] == db.one("SELECT id FROM rcq.executors WHERE name = %s", executor.role)
    assert job in [each["id"] for each in user.get("/api/jobs?status=running&limit=10").json["jobs"]]
    gate.open()
    shown = ended(user, job)
    assert shown["status"] == "completed" and RFC3339.fullmatch(shown["completed_at"])
    assert user.get(f"/api/jobs/{job}/logs?after=1").text == "end\n"
    assert user.get(f"/api/jobs/{job}/logs?after=2").text == ""
    assert user.get(f"/api/jobs/{job}/logs?limit=1").text == "begin\n"
    runs = user.get(f"/api/jobs/{job}/runs")
    assert runs.status == 200 and len(runs.json["runs"]) == 1
    assert user.get(f"/api/jobs/{job}/explain").status == 200


def test_a_job_that_says_how_far_it_is_is_seen_doing_so(db, executor, user, other):
    gate = db.gate()
    job = user.submit(f'rcq-job progress 40 "epoch 4, für 日本"; rcq-job result "[1, 2.50]"; {gate.script}')

    def said():
        shown = user.get(f"/api/jobs/{job}").json
        return shown["progress"], shown["progress_message"]
    assert said() in ((None, None), (40, "epoch 4, für 日本"))
    harness.wait_for(lambda: said() == (40, "epoch 4, für 日本"), "it says how far it is")
    states = user.post("/rest/rpc/job_states", {"job_ids": [job]})
    assert states.status == 200 and [(state["id"], state["status"], state["progress"]) for state in states.json] == [(job, "running", 40)]
    assert other.post("/rest/rpc/job_states", {"job_ids": [job]}).json == []
    gate.open()
    shown = ended(user, job)
    assert (shown["progress"], shown["progress_message"], shown["result"]) == (None, None, [1, 2.5])


def test_only_the_script_is_needed(user):
    job = user.submit("sleep 100")
    shown = user.get(f"/api/jobs/{job}").json
    assert (shown["cpu_cores"], shown["memory_gb"], shown["gpu_count"], shown["priority"]) == (1, 1, 0, 5)
    assert user.delete(f"/api/jobs/{job}").status == 200


@pytest.mark.parametrize(("field", "value"), [("cpu_cores", 0), ("cpu_cores", -1), ("cpu_cores", "many"), ("cpu_cores", 1.5), ("memory_gb", -1), ("memory_gb", "x"), ("gpu_count", -1),
                                              ("priority", 0), ("priority", 11), ("estimated_hours", -1), ("script", ""), ("script", None), ("script", 5), ("tags", "x")])
def test_a_bad_value_is_named_with_its_limit(user, field, value):
    answer = user.post("/api/jobs", {"script": "true", field: value})
    assert answer.status == 400 and field in answer.error


def test_further_options_of_submit_have_their_sql_names(user):
    answer = user.post("/api/jobs", {"script": "sleep 100", "name": "trial", "tags": ["a", "b"], "max_retries": 2, "hold": True, "time_limit": "1h"})
    assert answer.status == 201, answer
    shown = user.get(f"/api/jobs/{answer.json['job_id']}").json
    assert shown["name"] == "trial" and shown["status"] == "pending"


def test_a_job_submitted_again_with_the_same_key_is_one_job(user):
    first, second = (user.post("/api/jobs", {"script": "true", "hold": True}, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert first.json["job_id"] == second.json["job_id"] and user.get("/api/jobs").json["count"] == 1


def test_jobs_are_listed_newest_first_by_status_and_in_pages(user):
    made = [user.submit("true", hold=True) for _ in range(5)]
    answer = user.get("/api/jobs")
    assert answer.status == 200 and answer.json["count"] == 5
    assert [job["id"] for job in answer.json["jobs"]] == made[::-1] and JOB_FIELDS <= set(answer.json["jobs"][0])
    assert [job["id"] for job in user.get("/api/jobs?limit=2").json["jobs"]] == made[:2:-1]
    assert [job["id"] for job in user.get("/api/jobs?limit=2&offset=2").json["jobs"]] == made[2:0:-1]
    assert user.get("/api/jobs?status=running").json == {"jobs": [], "count": 0}
    assert user.get("/api/jobs?status=pending&limit=10").json["count"] == 5
    for status in ("pending", "running", "completed", "failed", "cancelled"):
        assert user.get(f"/api/jobs?status={status}").status == 200


def test_a_job_is_cancelled_once(user):
    job = user.submit("true", hold=True)
    answer = user.delete(f"/api/jobs/{job}")
    assert answer.status == 200 and answer.json["message"] == "Job cancelled successfully" and answer.json["job_id"] == job
    assert user.get(f"/api/jobs/{job}").json["status"] == "cancelled"
    answer = user.delete(f"/api/jobs/{job}")
    assert answer.status == 409 and answer.error


def test_a_waiting_job_is_held_released_and_changed(user):
    job = user.submit("true", hold=True)
    assert user.request("PATCH", f"/api/jobs/{job}", {"priority": 2}).status == 200
    assert user.get(f"/api/jobs/{job}").json["priority"] == 2
    assert user.request("PATCH", f"/api/jobs/{job}", {"priority": 70}).status == 400
    assert user.post(f"/api/jobs/{job}/release").status == 200
    assert user.delete(f"/api/jobs/{job}").status in (200, 409)


def test_an_ended_job_is_submitted_again(executor, user):
    job = user.submit("exit 3")
    assert ended(user, job)["status"] == "failed"
    answer = user.post(f"/api/jobs/{job}/resubmit")
    assert answer.status == 201 and answer.json["job_id"] != job
    assert ended(user, answer.json["job_id"])["status"] == "failed"


def test_a_running_job_is_put_back(db, executor, user):
    gate = db.gate()
    job = user.submit(gate.script)
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}").json["status"] == "running", "the job runs")
    assert user.post(f"/api/jobs/{job}/requeue").status == 200
    harness.wait_for(lambda: len(user.get(f"/api/jobs/{job}/runs").json["runs"]) == 2, "it runs once more")
    gate.open()
    assert ended(user, job)["status"] == "completed"


def test_output_is_followed_through_all_attempts(executor, user):
    job = user.submit('echo "$RCQ_ATTEMPT" begin; echo "$RCQ_ATTEMPT" end; exit 3', max_retries=2)
    attempt, after, seen = 1, 0, []

    def read_on():
        nonlocal attempt, after
        answer = user.get(f"/api/jobs/{job}/logs?attempt={attempt}&after={after}")
        after = int(answer.headers["x-rcq-next-after"])
        seen.extend(answer.text.splitlines())
        if not answer.text and int(answer.headers["x-rcq-attempt"]) > attempt:
            attempt, after = attempt + 1, 0
        elif not answer.text:
            return answer.headers["x-rcq-ended"] == "true"
        return False
    harness.wait_for(read_on, "the last line")
    assert seen == [f"{n} {word}" for n in (1, 2, 3) for word in ("begin", "end")]


def test_lines_that_come_in_pieces_stay_whole(db, executor, user):
    gate = db.gate()
    job = user.submit(f"printf begin; {gate.script}; echo ' end'; printf '%0100000d' 0")
    harness.wait_for(lambda: user.get(f"/api/jobs/{job}/logs").text == "begin", "the first piece")
    gate.open()
    ended(user, job)
    assert user.get(f"/api/jobs/{job}/logs").text == "begin end\n" + "0" * 100000


def test_a_task_of_an_array_is_a_job_with_the_script_of_the_array(executor, user):
    script = "echo task $RCQ_ARRAY_INDEX"
    array = user.submit(script, array="1-2")
    assert ended(user, array)["array_size"] == 2
    tasks = {job["array_index"]: job for job in user.get("/api/jobs").json["jobs"] if job["array_id"] == array}
    assert set(tasks) == {1, 2}
    for index, task in tasks.items():
        assert task["script"] == script and user.get(f"/api/jobs/{task['id']}").json["script"] == script
        assert user.get(f"/api/jobs/{task['id']}/logs").text == f"task {index}\n"


def test_output_of_a_job_that_has_not_started_is_empty(user):
    answer = user.get(f"/api/jobs/{user.submit(hold=True)}/logs")
    assert (answer.status, answer.text) == (200, "")
    assert [answer.headers[f"x-rcq-{name}"] for name in ("next-after", "ended", "attempt")] == ["0", "false", "0"]


def test_many_jobs_are_submitted_together_or_not_at_all(user):
    answer = user.post("/api/jobs/batch", {"jobs": [{"script": "true", "hold": True}] * 50})
    assert answer.status == 201 and len(answer.json["job_ids"]) == 50
    assert user.post("/api/jobs/batch", {"jobs": [{"script": "true"}, {"script": "true", "cpu_cores": 0}]}).status == 400
    assert user.get("/api/jobs?limit=100").json["count"] == 50


def test_the_queue_shows_ones_own_jobs_whole_and_others_without_who_and_what(user, other):
    mine = user.submit("true", cpu_cores=4000, name="mine")
    theirs = other.submit("echo their secret", cpu_cores=4000, name="their-secret")
    harness.wait_for(lambda: {mine} <= {entry.get("id") for entry in user.get("/api/queue").json["queue"]}, "the job is in the queue")
    answer = user.get("/api/queue")
    assert answer.status == 200 and "secret" not in answer.text and other.email not in answer.text
    (entry,) = [entry for entry in answer.json["queue"] if entry.get("id") == mine]
    assert {"position", "reason"} <= set(entry)
    for person, job in ((user, mine), (other, theirs)):
        assert person.delete(f"/api/jobs/{job}").status == 200


def test_groups_and_executors_are_shown(db, executor, user):
    assert "default" in [group["name"] for group in user.get("/api/groups").json["groups"]]
    assert executor.role in [each["name"] for each in user.get("/api/executors").json["executors"]]


def test_schedules_are_made_paused_resumed_and_deleted(user, other):
    made = user.post("/api/schedules", {"name": "nightly", "cron": "0 3 * * *", "script": "true", "options": {"cpu_cores": 2}})
    assert made.status == 201, made
    assert user.post("/api/schedules", {"name": "never", "cron": "61 * * * *", "script": "true"}).status == 400
    assert "nightly" in [each["name"] for each in user.get("/api/schedules").json["schedules"]]
    assert user.post("/api/schedules/nightly/pause").status == 200
    assert user.post("/api/schedules/nightly/resume").status == 200
    assert other.delete("/api/schedules/nightly").status == 404
    assert user.delete("/api/schedules/nightly").status == 200
    assert user.delete("/api/schedules/nightly").status == 404


# --- administrators

ADMIN_ROUTES = [("GET", "stats"), ("GET", "executors"), ("POST", "executors/x/drain"), ("POST", "executors/x/resume"), ("GET", "groups"), ("POST", "groups"), ("PATCH", "groups/1"), ("GET", "users"),
                ("POST", "users"), ("PATCH", "users/1"), ("POST", "users/1/password"), ("GET", "usage"), ("GET", "settings"), ("PUT", "settings/lease"), ("GET", "schedules"), ("POST", "pause"),
                ("POST", "resume"), ("GET", "audit"), ("POST", "rotate-secret")]


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_what_administrators_do_is_for_them_alone(http, user, admin, method, path):
    answer = user.request(method, f"/api/admin/{path}")
    assert answer.status == 403 and answer.error
    assert http.request(method, f"/api/admin/{path}").status == 401
    submitting = admin.post("/api/auth/tokens", {"name": f"{method} {path}", "scope": "submit"}).json["token"]
    assert http.request(method, f"/api/admin/{path}", token=submitting).status == 403, "nor for a token of theirs that is not made for it"


@pytest.mark.parametrize("path", [path for method, path in ADMIN_ROUTES if method == "GET"])
def test_administrators_see_the_whole_system(executor, admin, path):
    answer = admin.get(f"/api/admin/{path}")
    assert answer.status == 200 and isinstance(answer.json, dict)


def test_administrators_keep_executors_groups_users_and_settings(db, http, executor, admin):
    assert admin.post(f"/api/admin/executors/{executor.role}/drain", {"reason": "new disk"}).status == 200
    assert admin.post(f"/api/admin/executors/{executor.role}/resume").status == 200
    assert admin.post("/api/admin/executors/nobody/drain", {"reason": "x"}).status == 404
    group = admin.post("/api/admin/groups", {"name": "astronomy", "quota_cpu_hours": 100})
    assert group.status == 201
    number = db.one("SELECT id FROM rcq.groups WHERE name = 'astronomy'")
    assert admin.request("PATCH", f"/api/admin/groups/{number}", {"quota_cpu_hours": 200}).status == 200
    assert db.one("SELECT quota_cpu_hours FROM rcq.groups WHERE name = 'astronomy'") == 200
    made = admin.post("/api/admin/users", {"email": "kepler@example.org", "password": stack.PASSWORD, "group_name": "astronomy"})
    assert made.status == 201, made
    kepler = db.one("SELECT id FROM rcq.users WHERE email = 'kepler@example.org'")
    token = http.login("kepler@example.org")
    assert admin.post(f"/api/admin/users/{kepler}/password", {"password": "a new password"}).status == 200
    assert http.get("/api/auth/me", token).status == 401 and http.login("kepler@example.org", "a new password")
    assert admin.request("PATCH", f"/api/admin/users/{kepler}", {"disabled": "left"}).status == 200
    assert http.post("/api/auth/login", {"email": "kepler@example.org", "password": "a new password"}).status == 403
    assert admin.request("PUT", "/api/admin/settings/history_days_nothing", {"value": "1"}).status in (400, 404)
    assert admin.request("PUT", "/api/admin/settings/login_failures", {"value": 6}).status == 200
    assert db.one("SELECT value FROM rcq.settings WHERE name = 'login_failures'") == "6"
    assert admin.request("PUT", "/api/admin/settings/login_failures", {"value": None}).status == 200
    assert db.one("SELECT value FROM rcq.settings WHERE name = 'login_failures'") == "5"


def test_administrators_pause_everything_and_go_on(db, executor, user, admin):
    assert admin.post("/api/admin/pause", {}).status == 200
    try:
        job = user.submit("true")
        db.waiting(job, "paused")
    finally:
        assert admin.post("/api/admin/resume", {}).status == 200
    assert ended(user, job)["status"] == "completed"


def test_what_administrators_did_is_in_the_audit(user, admin):
    assert admin.request("PUT", "/api/admin/settings/login_failures", {"value": 7}).status == 200
    assert admin.request("PUT", "/api/admin/settings/login_failures", {"value": None}).status == 200
    assert "login_failures" in admin.get("/api/admin/audit").text


def test_figures_are_for_this_host_and_for_who_may_read_them(http, user, admin):
    answer = http.get("/metrics")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain") and "rcq_" in answer.text


def test_options_in_the_script_count_and_what_the_body_says_wins(user):
    script = "#!/bin/sh\n#RCQ --cpu-cores=3 --memory=2G --name='from the script' --hold\ntrue\n"
    job = user.post("/api/jobs", {"script": script, "cpu_cores": 2}).json["job_id"]
    shown = user.get(f"/api/jobs/{job}").json
    assert (shown["cpu_cores"], shown["memory_gb"], shown["name"], shown["script"]) == (2, 2, "from the script", script)
    assert user.delete(f"/api/jobs/{job}").status == 200
    refused = user.post("/api/jobs", {"script": "#RCQ -c 1\n#RCQ --cpu-core=8\ntrue"})
    assert refused.status == 400 and refused.error == 'line 2 of the script: there is no option "--cpu-core". Did you mean --cpu-cores?'
    batch = user.post("/api/jobs/batch", {"jobs": [{"script": "true"}, {"script": "#RCQ -m lots\ntrue"}]})
    assert batch.status == 400 and batch.error.startswith('job 2 of the list: line 1 of the script: --memory: "lots"')
    beyond = user.post("/api/jobs", {"script": "#RCQ --priority=11\ntrue"})
    assert beyond.status == 400 and beyond.error.startswith("line 1 of the script: priority is 11")
