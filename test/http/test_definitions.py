"""What a session of PostgREST keeps in memory of users, tokens and settings counts no longer than it is true: every change
counts at the very next request, whichever session serves it."""
from concurrent.futures import ThreadPoolExecutor

import pytest
import stack


@pytest.fixture
def at_once(http):
    """Asks often enough, and at the same time, that every session of the pool has its turn; all answers."""
    with ThreadPoolExecutor(12) as pool:
        yield lambda token, path="/api/auth/me": list(pool.map(lambda _: http.get(path, token), range(60)))


def statuses(answers):
    return {answer.status for answer in answers}


def test_who_is_disabled_is_refused_by_every_session(db, user, at_once):
    assert statuses(at_once(user.token)) == {200}
    db.sql("UPDATE rcq_private.users SET disabled = 'left' WHERE id = %s", user.id)
    refused = at_once(user.token)
    assert statuses(refused) == {401} and all("left" in answer.error for answer in refused)
    db.sql("UPDATE rcq_private.users SET disabled = NULL WHERE id = %s", user.id)
    assert statuses(at_once(user.token)) == {200}


def test_who_administers_no_more_sees_as_much(db, admin, at_once):
    assert statuses(at_once(admin.token, "/api/admin/settings")) == {200}
    db.sql("UPDATE rcq_private.users SET is_admin = false WHERE id = %s", admin.id)
    assert statuses(at_once(admin.token, "/api/admin/settings")) == {403}


def test_tokens_end_for_every_session(user, other, at_once):
    made = user.post("/api/auth/tokens", {"name": "program", "scope": "read"}).json
    assert statuses(at_once(made["token"])) == {200}
    (listed,) = user.get("/api/auth/tokens").json["tokens"]
    assert user.delete(f"/api/auth/tokens/{listed['id']}").status == 200
    assert statuses(at_once(made["token"])) == {401}
    assert statuses(at_once(user.token)) == {200}
    assert user.post("/api/auth/logout").status == 200
    assert statuses(at_once(user.token)) == {401}
    assert statuses(at_once(other.token)) == {200}


def test_a_session_serves_one_user_after_the_other(user, other, at_once):
    for person in (user, other, user):
        assert {answer.json["email"] for answer in at_once(person.token)} == {person.email}


def test_a_restored_row_counts_however_it_came(db, user, at_once):
    """As pg_restore writes rows, and replication: with triggers that are not always fired left out."""
    assert statuses(at_once(user.token)) == {200}
    db.sql("SET session_replication_role = replica; UPDATE rcq_private.credential SET token_version = token_version + 1 WHERE user_id = %s; RESET session_replication_role", user.id)
    assert statuses(at_once(user.token)) == {401}
    assert user.http.login(user.email, stack.PASSWORD)
