"""Sessions that are over and users who may not come in: their tokens are refused at once, their sockets closed with
4403, and nobody else's."""

import time

import pytest

from lib import hooks
from lib.channel import Channel, Refused
from lib.hooks import SECRET, Sender
from lib.server import Server
from lib.ws import Closed, Socket

ME = "/api/auth/me"
SIGNED_OUT = 4403
AT_ONCE_S = 1


@pytest.fixture(scope="module")
def hooked(issuer, tmp_path_factory):
    directory = tmp_path_factory.mktemp("revoking")
    server = Server(directory, issuer, CLERK_WEBHOOK_SIGNING_SECRET=SECRET).start()
    yield server
    server.dispose()


@pytest.fixture
def sender(hooked):
    return Sender(hooked)


def token_of(issuer, user, session):
    return issuer.token(user.id, sid=session)


def status(server, token):
    return server.api(token).send("GET", ME).status


def is_refused(server, token):
    answer = server.api(token).send("GET", ME)
    if answer.status != 401:
        return False
    assert answer.headers["x-clerk-auth-reason"] == "session-revoked"
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer realm=")
    assert 'error="invalid_token"' in challenge
    assert 'error_description="session-revoked"' in challenge
    return True


def wait_closed(socket):
    """How long it took; whatever is still told before is read."""
    started = time.monotonic()
    with pytest.raises(Closed) as closed:
        while True:
            socket.next(5)
    assert closed.value.code == SIGNED_OUT
    return time.monotonic() - started


def end(sender, kind, user, session):
    return sender.tell(kind, hooks.session(session, user.id, kind.split(".")[1]))


@pytest.mark.parametrize(
    "kind", ["session.ended", "session.removed", "session.revoked"]
)
@pytest.mark.parametrize("open_socket", [Socket.by_message, Channel.open])
def test_an_ended_session_is_shut_out_at_once(
    hooked, sender, issuer, new_user, kind, open_socket
):
    user = new_user()
    mine, other = "sess_a" + user.id, "sess_b" + user.id
    one, two = token_of(issuer, user, mine), token_of(issuer, user, other)
    notebook = hooked.api(one).create()
    socket = open_socket(hooked, notebook, one)
    stays = open_socket(hooked, notebook, two)
    assert end(sender, kind, user, mine) == "done"
    assert wait_closed(socket) < AT_ONCE_S
    assert is_refused(hooked, one)
    assert is_refused(hooked, token_of(issuer, user, mine)), "a new token of it"
    assert status(hooked, two) == 200
    hooked.api(two).ok("PUT", f"/api/notebooks/{notebook}/name", {"name": "x"})
    assert stays.closed is None
    if open_socket == Socket.by_message:
        stays.send({"type": "refresh_auth", "token": two})
        stays.wait_for("auth_refreshed")
    stays.close()


def test_a_revoked_token_opens_no_socket(hooked, sender, issuer, new_user):
    user = new_user()
    token = token_of(issuer, user, "sess_" + user.id)
    notebook = hooked.api(token).create()
    end(sender, "session.revoked", user, "sess_" + user.id)
    for how in (Socket.by_message, Socket.by_header):
        with pytest.raises(Closed) as closed:
            how(hooked, notebook, token)
        assert closed.value.code == 1008


def test_an_open_socket_cannot_be_renewed_with_a_revoked_token(
    hooked, sender, issuer, new_user
):
    user = new_user()
    good = token_of(issuer, user, "sess_1" + user.id)
    bad = token_of(issuer, user, "sess_2" + user.id)
    socket = Channel.open(hooked, hooked.api(good).create(), good)
    end(sender, "session.ended", user, "sess_2" + user.id)
    with pytest.raises(Refused) as refused:
        socket.command("authenticate", token=bad)
    assert refused.value.code == "invalid"
    socket.command("authenticate", token=good)
    socket.close()


def test_a_ban_shuts_out_all_sessions_until_it_is_lifted(
    hooked, sender, issuer, new_user, bob
):
    user = new_user()
    tokens = [token_of(issuer, user, f"sess_{n}{user.id}") for n in range(3)]
    notebook = hooked.api(tokens[0]).create()
    sockets = [Socket.by_message(hooked, notebook, token) for token in tokens]
    theirs = Socket.by_message(hooked, hooked.api(bob.token).create(), bob.token)
    at = int(time.time() * 1000)
    assert sender.tell("user.updated", hooks.user(user.id, at, banned=True)) == "done"
    for socket in sockets:
        assert wait_closed(socket) < AT_ONCE_S
    assert all(is_refused(hooked, token) for token in tokens)
    assert is_refused(hooked, issuer.token(user.id)), "one without a known session"
    assert status(hooked, bob.token) == 200
    theirs.send({"type": "refresh_auth", "token": bob.token})
    theirs.wait_for("auth_refreshed")
    theirs.close()
    old = hooks.user(user.id, at - 1, banned=False)
    assert sender.tell("user.updated", old) == "ignored"
    assert is_refused(hooked, tokens[0])
    lifted = hooks.user(user.id, at + 1, banned=False)
    assert sender.tell("user.updated", lifted) == "done"
    assert [status(hooked, token) for token in tokens] == [200] * 3


def test_a_locked_user_is_shut_out_until_unlocked(hooked, sender, alice):
    at = int(time.time() * 1000)
    sender.tell("user.updated", hooks.user(alice.id, at, locked=True))
    assert is_refused(hooked, alice.token)
    sender.tell("user.updated", hooks.user(alice.id, at + 1, locked=False))
    assert status(hooked, alice.token) == 200


def test_a_deleted_user_is_shut_out(hooked, sender, alice):
    socket = Socket.by_message(hooked, hooked.api(alice.token).create(), alice.token)
    sender.tell("user.deleted", {"id": alice.id, "deleted": True})
    assert wait_closed(socket) < AT_ONCE_S
    assert is_refused(hooked, alice.token)


def test_who_is_shut_out_stays_so_after_kill_9(own_server, issuer, new_user):
    server = own_server(issuer, CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
    sender = Sender(server)
    banned, ended, deleted, free = (new_user() for _ in range(4))
    at = int(time.time() * 1000)
    sender.tell("user.updated", hooks.user(banned.id, at, banned=True))
    end(sender, "session.ended", ended, "sess_" + ended.id.removeprefix("user_"))
    sender.tell("user.deleted", {"id": deleted.id, "deleted": True})
    server.kill9()
    server.restart()
    assert all(is_refused(server, u.token) for u in (banned, ended, deleted))
    assert status(server, free.token) == 200
    assert status(server, issuer.token(ended.id, sid="sess_other")) == 200
