"""Who am I, can anybody sign in, and what is written down of who did what."""

import json
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lib import hooks
from lib.hooks import SECRET, Sender
from lib.issuer import FORGER, REMOVED
from lib.ws import Socket

ME, HEALTH = "/api/auth/me", "/api/auth/health"
NO_PROFILE = ("email", "first_name", "last_name", "username", "image_url")


def me(server, token):
    return server.api(token).ok("GET", ME)


# --- me ---
def test_a_user_nobody_told_of_has_an_id_and_a_session(server, issuer, alice):
    exp = int(time.time()) + 500
    told = me(server, issuer.token(alice.id, exp=exp, sid="sess_me"))
    assert told["user"] == {"id": alice.id, **dict.fromkeys(NO_PROFILE)}
    assert told["organization"] is None
    assert told["memberships"] == []
    assert told["session"] == {
        "id": "sess_me",
        "expires_at_ms": exp * 1000,
        "impersonator": None,
    }


def test_a_session_may_have_no_id_and_somebody_else_acting(server, issuer, alice):
    token = issuer.token(alice.id, sid=REMOVED, act={"sub": "user_support"})
    session = me(server, token)["session"]
    assert (session["id"], session["impersonator"]) == (None, "user_support")


ORGANIZATIONS = {
    "of version 2": (
        {
            "o": {"id": "org_a", "slg": "a", "rol": "admin", "per": "c,r", "fpm": "3"},
            "fea": "o:docs",
        },
        {
            "id": "org_a",
            "slug": "a",
            "role": "org:admin",
            "permissions": ["org:docs:c", "org:docs:r"],
        },
    ),
    "of version 2 with no more than an id": (
        {"o": {"id": "org_a"}},
        {"id": "org_a", "slug": None, "role": None, "permissions": []},
    ),
    "of version 2 with an old claim beside it": ({"org_id": "org_old"}, None),
    "of version 1": (
        {
            "v": REMOVED,
            "org_id": "org_a",
            "org_role": "org:admin",
            "org_slug": "a",
            "org_permissions": ["org:docs:c"],
        },
        {
            "id": "org_a",
            "slug": "a",
            "role": "org:admin",
            "permissions": ["org:docs:c"],
        },
    ),
}


@pytest.mark.parametrize("kind", ORGANIZATIONS)
def test_the_organization_is_the_tokens(server, issuer, alice, kind):
    claims, expected = ORGANIZATIONS[kind]
    assert me(server, issuer.token(alice.id, **claims))["organization"] == expected


def test_me_wants_a_token_and_says_why_not(server, issuer, alice):
    answers = {
        "session-token-missing": server.api().send("GET", ME),
        "token-invalid-signature": server.api(issuer.token(alice.id, key=FORGER)).send(
            "GET", ME
        ),
        "token-expired": server.api(issuer.token(alice.id, exp=1)).send("GET", ME),
        "token-invalid": server.api("nonsense").send("GET", ME),
    }
    for reason, answer in answers.items():
        assert answer.status == 401
        assert answer.headers["x-clerk-auth-reason"] == reason
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith('Bearer realm="notebookd"')
        described = f'error_description="{reason}"' in challenge
        assert described == (reason != "session-token-missing")


# --- health ---
def test_health_tells_of_keys(own_server, own_issuer, new_user):
    own_issuer.mode = "down"
    server = own_server(own_issuer, CLERK_JWKS_COOLDOWN_S="1")
    answer = server.api().send("GET", HEALTH)
    assert answer.status == 503
    assert answer.json() == {
        "status": "no_keys",
        "issuer": own_issuer.url,
        "keys": 0,
        "clock_offset_ms": None,
    }
    own_issuer.mode = "normal"
    deadline = time.monotonic() + 8
    while answer.status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        answer = server.api().send("GET", HEALTH)
    told = answer.json()
    assert (told["status"], told["keys"]) == ("ok", 1)
    assert abs(told["clock_offset_ms"]) <= 2000


# --- the Backend API ---
class Backend:
    """Clerk's Backend API, as much of it as is asked."""

    def __init__(self):
        self.asked = []
        self.users = {}
        self.delay_s = 0
        self.status = 200
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                backend.asked.append((self.path, self.headers.get("Authorization")))
                time.sleep(backend.delay_s)
                user = backend.users.get(self.path.rsplit("/", 1)[1])
                status = backend.status if user else 404
                body = json.dumps(user if status == 200 else {"errors": []}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def backend():
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def asking(own_server, issuer, backend):
    return own_server(
        issuer,
        CLERK_SECRET_KEY="sk_test_of_nobody",
        CLERK_API_URL=backend.url,
        CLERK_WEBHOOK_SIGNING_SECRET=SECRET,
    )


def test_a_profile_is_asked_for_once(asking, backend, alice):
    backend.users[alice.id] = hooks.user(alice.id, email="asked@example.com")
    backend.delay_s = 0.3
    told = []
    threads = [
        threading.Thread(target=lambda: told.append(me(asking, alice.token)["user"]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [user["email"] for user in told] == ["asked@example.com"] * 8
    assert me(asking, alice.token)["user"]["first_name"] == "Ada"
    assert backend.asked == [(f"/v1/users/{alice.id}", "Bearer sk_test_of_nobody")]
    asking.stop()
    asking.restart()
    assert me(asking, alice.token)["user"]["email"] == "asked@example.com"
    assert len(backend.asked) == 1
    assert "sk_test_of_nobody" not in asking.log.read_text()


@pytest.mark.parametrize("status", [200, 429, 500])  # 200: there is no such user
def test_a_profile_that_cannot_be_had_is_not_asked_for_again(
    asking, backend, alice, status
):
    if status != 200:
        backend.users[alice.id] = hooks.user(alice.id)
        backend.status = status
    for _ in range(5):
        assert me(asking, alice.token)["user"] == {
            "id": alice.id,
            **dict.fromkeys(NO_PROFILE),
        }
    assert len(backend.asked) == 1


def test_who_was_told_of_by_webhook_is_not_asked_for(asking, backend, alice):
    Sender(asking).tell("user.created", hooks.user(alice.id))
    assert me(asking, alice.token)["user"]["email"] == "ada@example.com"
    assert backend.asked == []


def test_a_user_who_turns_out_to_be_banned_is_shut_out(asking, backend, alice):
    backend.users[alice.id] = hooks.user(alice.id, banned=True)
    asking.api(alice.token).send("GET", ME)
    assert asking.api(alice.token).send("GET", ME).status == 401


def test_a_server_that_stops_does_not_wait_for_the_backend(asking, backend, alice):
    backend.users[alice.id] = hooks.user(alice.id)
    backend.delay_s = 3
    thread = threading.Thread(target=lambda: asking.api(alice.token).send("GET", ME))
    thread.start()
    time.sleep(0.5)
    asking.stop()
    thread.join()


# --- the trail ---
def rows(server, what="*", where="1"):
    """What is on disk; the server has stopped."""
    connection = sqlite3.connect(server.data_dir / "notebookd.sqlite")
    try:
        return connection.execute(
            f"SELECT {what} FROM audit WHERE {where} ORDER BY n"
        ).fetchall()
    finally:
        connection.close()


def test_what_is_done_is_written_down_with_who_did_it(own_server, issuer, alice):
    server = own_server(issuer)
    token = issuer.token(alice.id, sid="sess_t", act={"sub": "user_support"})
    api = server.api(token)
    notebook = api.create()
    path = f"/api/notebooks/{notebook}"
    cell = api.get(notebook)["cells"][0]["id"]
    api.ok("PUT", f"{path}/name", {"name": "Sales"})
    api.ok("PUT", f"{path}/cells/{cell}", {"code": "secret_of_mine = 1"})
    socket = Socket.by_message(server, notebook, token)
    socket.send({"type": "run_cell", "cellId": cell})
    socket.wait_for("cell_status")
    socket.close()
    api.ok("DELETE", path)
    api.ok("GET", "/api/notebooks")
    server.stop()
    done = rows(server, "action, object", "result = 'ok'")
    pattern = "/api/notebooks/{notebook_id}"
    assert done == [
        ("POST /api/notebooks", notebook),
        (f"PUT {pattern}/name", notebook),
        (f"PUT {pattern}/cells/{{cell_id}}", f"{notebook}/{cell}"),
        ("message run_cell", f"{notebook}/{cell}"),
        (f"DELETE {pattern}", notebook),
    ]
    who = "user_id, session_id, impersonator_id, address"
    everybody = set(rows(server, who))
    assert everybody == {(alice.id, "sess_t", "user_support", "127.0.0.1")}
    requests = [request for (request,) in rows(server, "request_id")]
    assert all(requests) and len(set(requests)) == len(requests)
    assert "secret_of_mine" not in str(rows(server))


def test_what_fails_leaves_no_row_of_something_done(own_server, issuer, alice, bob):
    server = own_server(issuer)
    api = server.api(alice.token)
    path = f"/api/notebooks/{api.create()}"
    assert api.send("PUT", f"{path}/cells/none", {"code": "1"}).status >= 400
    assert server.api(bob.token).send("DELETE", path).status == 403
    assert server.api().send("DELETE", path).status == 401
    server.stop()
    assert len(rows(server, where="result = 'ok'")) == 1
    refused = rows(server, "user_id, action, result", "result <> 'ok'")
    action = "DELETE /api/notebooks/{notebook_id}"
    assert refused == [
        (bob.id, action, "403"),
        (None, action, "401 session-token-missing"),
    ]


def test_refusals_do_not_fill_the_disk(own_server, issuer, alice):
    server = own_server(issuer)
    for _ in range(100):
        assert server.api("nonsense").send("GET", ME).status == 401
    server.api(alice.token).create()
    server.stop()
    refused = rows(server, "times", "result LIKE '401%' OR result = 'refused'")
    assert 21 <= len(refused) <= 42
    assert sum(times for (times,) in refused) == 100
    assert len(rows(server, where="result = 'ok'")) == 1


def test_a_trail_that_was_tampered_with_is_noticed(own_server, issuer, alice):
    server = own_server(issuer)
    api = server.api(alice.token)
    for _ in range(4):
        api.create()
    server.stop()
    server.restart()
    server.stop()
    assert '"audit_chain"' in server.log.read_text()
    assert "audit_chain_broken" not in server.log.read_text()
    with sqlite3.connect(server.data_dir / "notebookd.sqlite") as connection:
        connection.execute("UPDATE audit SET user_id = 'user_x' WHERE n = 3")
    connection.close()
    server.restart()
    server.stop()
    broken = [
        json.loads(line)
        for line in server.log.read_text().splitlines()
        if '"audit_chain_broken"' in line
    ]
    assert [line["row"] for line in broken] == [3]


def test_webhooks_that_have_an_effect_are_written_down(own_server, issuer, alice):
    server = own_server(issuer, CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
    sender = Sender(server)
    sender.tell("user.created", hooks.user(alice.id), message="msg_a")
    sender.tell("user.created", hooks.user(alice.id), message="msg_a")
    sender.tell("user.updated", hooks.user(alice.id, 5))
    sender.tell("email.created", {})
    server.stop()
    assert rows(server, "action, object, result") == [
        ("webhook user.created", alice.id, "ok")
    ]
