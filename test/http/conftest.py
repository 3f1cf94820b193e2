import itertools
import os
import sys

import pytest

sys.path[:0] = [os.path.join(os.path.dirname(__file__), ".."), os.path.dirname(__file__)]
import harness  # noqa: E402
import stack  # noqa: E402

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    with harness.watched_server(fsync="off") as running:
        yield running


@pytest.fixture(scope="session")
def db(server):
    """The database that is served, for what a test arranges or looks at behind the back of HTTP."""
    admin = harness.Database(server, "web", lease="2 s", lost_after="3 s", claim_timeout="2 s")
    admin.sql("CREATE EXTENSION pgcrypto")
    # tests ask for more at the same time than people do
    admin.set(password_cost="4", parallel_requests_per_user="0")
    yield admin
    admin.drop()


@pytest.fixture(scope="session")
def executor(db):
    return db.executor("node1", cores=4, memory_gb=4)


@pytest.fixture(scope="session")
def http(server, db):
    service = stack.Stack(server, db.name)
    try:
        service.start()
        harness.wait_for(service.ready, "the service is healthy")
        yield service
    finally:
        service.stop()


class Person:
    def __init__(self, db, http, is_admin):
        self.email = f"{'admin' if is_admin else 'user'}{next(numbers)}@example.org"
        self.id = db.one("SELECT rcq.add_http_user(%s, %s, is_admin => %s)", self.email, stack.PASSWORD, is_admin)
        self.http = http
        self.token = http.login(self.email)

    def request(self, method, path, body=None, **options):
        return self.http.request(method, path, body, self.token, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def submit(self, script="true", **options):
        answer = self.post("/api/jobs", {"script": script, **options})
        assert answer.status == 201, answer
        return answer.json["job_id"]


@pytest.fixture
def user(db, http):
    return Person(db, http, False)


@pytest.fixture
def other(db, http):
    return Person(db, http, False)


@pytest.fixture
def admin(db, http):
    return Person(db, http, True)
