"""The live connection: signing in, both generations of clients, and everything that is wrong."""

import json
import socket as sockets
import time
import uuid

import pytest
import websocket

from lib.api import exchange
from lib.issuer import FORGER, ORIGIN
from lib.ws import ABNORMAL, Closed, Socket, Timeout, handshake

REFUSED = 1008  # RFC 6455 7.4.1: policy violation; clients take it as final
AUTHENTICATION_S = 10
QUIET_S = 0.2
NOT_FOUND = "Notebook not found"
DENIED = "Access denied: You don't have permission to access this notebook"


@pytest.fixture(scope="module")
def silent(shared_server, issuer):
    """Connected when the first test begins, and never signing in: the last test looks at the end."""
    token = issuer.token("user_silent")
    notebook = shared_server.api(token).create()
    return Socket.silent(shared_server, notebook), time.monotonic()


def expect_refusal(socket, message, reason):
    """An error event, then the close."""
    event = socket.next()
    assert event["type"] == "error", event
    if isinstance(message, str):
        assert event["message"] == message
    else:
        assert message(event["message"]), event
    assert socket.until_closed() == (REFUSED, reason)


def expect_silence(socket):
    with pytest.raises(Timeout):
        socket.next(QUIET_S)


def expect_alive(page, socket):
    """It still gets what happens."""
    cell = page.add()
    assert socket.wait_for("cell_created", cell)["index"] >= 0


# --- signing in by the first message ---
def test_the_first_message_signs_in(server, page, alice, silent):
    socket = Socket.silent(server, page.id)
    expect_silence(socket)
    socket.send({"type": "authenticate", "token": alice.token})
    assert socket.next() == {"type": "authenticated", "user_id": alice.id}
    expect_silence(socket)
    expect_alive(page, socket)
    socket.close()


@pytest.mark.parametrize("text", ["hello", "{", "", "{'type': 'authenticate'}", "\x00"])
def test_a_first_message_that_is_no_json_is_refused(server, page, text):
    socket = Socket.silent(server, page.id)
    socket.send_text(text)
    expect_refusal(
        socket,
        lambda m: m.startswith("Failed to receive authentication: "),
        "Invalid message format",
    )


@pytest.mark.parametrize(
    "message",
    [
        [],
        "authenticate",
        5,
        None,
        {},
        {"token": "x"},
        {"type": "run_cell", "cellId": "x"},
        {"type": "Authenticate", "token": "x"},
        {"type": ["authenticate"]},
    ],
)
def test_another_first_message_is_refused(server, page, message):
    socket = Socket.silent(server, page.id)
    socket.send_text(json.dumps(message))
    text = "Expected authentication message"
    expect_refusal(socket, text, text)


@pytest.mark.parametrize("more", [{}, {"token": ""}, {"token": None}])
def test_a_first_message_without_a_token_is_refused(server, page, more):
    socket = Socket.silent(server, page.id)
    socket.send_text(json.dumps({"type": "authenticate", **more}))
    expect_refusal(socket, "Missing authentication token", "Missing token")


def bad_tokens(issuer, user):
    return {
        "junk": "abc",
        "forged": issuer.token(user, key=FORGER),
        "expired": issuer.token(user, exp=int(time.time()) - 60),
        "another party": issuer.token(user, azp="https://evil.example"),
        "pending": issuer.token(user, sts="pending"),
        "long": "x" * 30_000,
    }


BAD_TOKENS = ["junk", "forged", "expired", "another party", "pending", "long"]


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_first_message_with_a_bad_token_is_refused(server, issuer, page, alice, kind):
    socket = Socket.silent(server, page.id)
    token = bad_tokens(issuer, alice.id)[kind]
    socket.send({"type": "authenticate", "token": token})
    expect_refusal(socket, "Invalid authentication token", "Invalid token")


def test_a_later_authenticate_is_ignored(page, alice):
    page.socket.send({"type": "authenticate", "token": alice.token})
    page.socket.send_text('{"type": "authenticate"}')
    expect_silence(page.socket)
    expect_alive(page, page.socket)


# --- signing in by the query ---
def test_a_token_in_the_query_signs_in_without_a_word(server, page, alice):
    socket = page.connect(Socket.by_query)
    expect_silence(socket)
    cell = page.add("print(1)")
    socket.run(cell)
    assert socket.wait_final(cell) == "success"
    socket.close()


def test_the_token_in_the_query_may_be_percent_encoded(server, page, alice):
    encoded = "".join(f"%{ord(c):02X}" for c in alice.token)
    socket = Socket.silent(server, page.id, query=f"?a=b&token={encoded}&c=%26")
    expect_alive(page, socket)
    socket.close()


@pytest.mark.parametrize("kind", [kind for kind in BAD_TOKENS if kind != "long"])
def test_a_bad_token_in_the_query_is_refused_for_good(
    server, issuer, page, alice, kind
):
    token = bad_tokens(issuer, alice.id)[kind]
    socket = Socket.by_query(server, page.id, token)
    assert socket.until_closed()[0] == REFUSED


def test_an_endless_query_is_refused(server, page):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Socket.by_query(server, page.id, "x" * 30_000)
    assert refused.value.status_code == 414


# --- signing in by the header ---
def test_a_token_in_the_header_signs_in(server, page):
    socket = page.connect(Socket.by_header)
    cell = page.add("print(1)")
    socket.run(cell)
    assert socket.wait_final(cell) == "success"
    socket.close()


def test_a_bad_token_in_the_header_is_refused(server, page):
    with pytest.raises(Closed) as refused:
        Socket.by_header(server, page.id, "abc")
    assert refused.value.code == REFUSED


# --- which notebook ---
WAYS = [Socket.by_message, Socket.by_query, Socket.by_header]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("notebook", [str(uuid.uuid4()), "nothing", "ünïcode"])
def test_an_unknown_notebook_is_refused(server, alice, how, notebook):
    socket = how(server, notebook, alice.token)
    expect_refusal(socket, NOT_FOUND, NOT_FOUND)


@pytest.mark.parametrize("how", WAYS)
def test_another_users_notebook_is_refused(server, page, bob, how):
    socket = how(server, page.id, bob.token)
    expect_refusal(socket, DENIED, "Access denied")


@pytest.mark.parametrize("alias", ["demo", "blank"])
def test_an_alias_opens_the_own_notebook(server, alice, api, alias):
    api.list()
    socket = Socket.by_message(server, alias, alice.token)
    cell = api.add_cell(f"{alias}-{alice.id}")
    assert socket.wait_for("cell_created", cell)
    socket.close()


# --- the handshake ---
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_of_another_origin_cannot_connect(server, page, alice, origin):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Socket.by_query(server, page.id, alice.token, origin=origin)
    assert refused.value.status_code == 403


def test_a_page_of_an_allowed_origin_can(server, page, alice):
    socket = Socket.by_message(server, page.id, alice.token, origin=ORIGIN)
    expect_alive(page, socket)
    socket.close()


HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@pytest.mark.parametrize(
    "changes, status",
    [
        ({"Sec-WebSocket-Version": "12"}, {426}),
        ({"Sec-WebSocket-Version": None}, {426}),
        ({"Sec-WebSocket-Key": None}, {400, 426}),
        ({"Sec-WebSocket-Key": "short"}, {400, 426}),
        ({"Upgrade": None}, {400, 426}),
        ({"Upgrade": "h2c"}, {400, 426}),
    ],
)
def test_a_handshake_of_another_kind_is_refused(server, page, alice, changes, status):
    headers = {**HANDSHAKE, "Authorization": f"Bearer {alice.token}", **changes}
    given = [(name, value) for name, value in headers.items() if value is not None]
    target = f"/api/ws/notebooks/{page.id}"
    answer = exchange(server.address, "GET", target, None, given)
    assert answer.status in status


# --- renewing ---
def test_a_newer_token_is_taken(page, issuer, alice):
    page.socket.send({"type": "refresh_auth", "token": issuer.token(alice.id)})
    assert page.socket.next() == {"type": "auth_refreshed"}
    expect_alive(page, page.socket)


@pytest.mark.parametrize("more", [{}, {"token": ""}, {"token": None}])
def test_renewing_without_a_token_is_an_error(page, more):
    page.socket.send_text(json.dumps({"type": "refresh_auth", **more}))
    message = "Missing token in refresh request"
    assert page.socket.next() == {"type": "error", "message": message}
    expect_alive(page, page.socket)


def test_renewing_with_another_users_token_is_an_error(page, bob, issuer, alice):
    wrong = [bob.token, "abc", issuer.token(alice.id, key=FORGER)]
    for token in wrong:
        page.socket.send({"type": "refresh_auth", "token": token})
        message = "Token refresh failed: user mismatch"
        assert page.socket.next() == {"type": "error", "message": message}
    expect_alive(page, page.socket)


# --- messages ---
@pytest.mark.parametrize(
    "message",
    [
        {"type": "dance"},
        {"type": ""},
        {"type": "run_cell", "cellId": str(uuid.uuid4())},
        {"type": "run_cell", "cellId": ""},
        {"type": "run_cell", "cellId": "../x"},
        {"type": "dance", "cellId": 5, "deep": [[[[{}]]]]},
    ],
)
def test_what_means_nothing_here_is_ignored(page, message):
    page.socket.send_text(json.dumps(message))
    expect_silence(page.socket)
    expect_alive(page, page.socket)


def test_a_cell_of_another_notebook_is_an_unknown_cell(page, api):
    (cell,) = api.get(api.create())["cells"]
    page.socket.run(cell["id"])
    expect_silence(page.socket)


@pytest.mark.parametrize(
    "text", ["hello", "{", "[]", "5", "null", "{}", '{"cellId": "x"}', '"run_cell"']
)
def test_a_message_without_a_type_ends_the_connection(page, text):
    other = page.connect()
    page.socket.send_text(text)
    code, _ = page.socket.until_closed(5)
    assert code != 1000
    expect_alive(page, other)
    other.close()


def test_odd_arguments_harm_nobody(page):
    other = page.connect()
    for arguments in ({}, {"cellId": None}, {"cellId": 5}, {"cellId": ["x"]}):
        odd = page.connect()
        odd.send_text(json.dumps({"type": "run_cell", **arguments}))
        with pytest.raises((Timeout, Closed)):
            odd.next(QUIET_S)
        odd.close()
    expect_alive(page, other)
    other.close()


# --- frames ---
def test_a_ping_is_answered(page):
    page.socket.connection.ping("are you there")
    opcode, frame = page.socket.connection.recv_data_frame(control_frame=True)
    assert opcode == websocket.ABNF.OPCODE_PONG
    assert frame.data == b"are you there"


def test_binary_messages_are_refused(page):
    page.socket.connection.send_binary(b'{"type": "dance"}')
    assert page.socket.until_closed(5)[0] == 1003


def test_an_oversized_message_is_refused(page):
    try:
        page.socket.send_text("x" * (32 * 1024 * 1024))
    except OSError:  # closed while we were still sending
        return
    assert page.socket.until_closed(5)[0] in (1009, ABNORMAL)


@pytest.mark.parametrize(
    "frame, code",
    [
        (b"\x81\x02hi", 1002),  # not masked
        (b"\xf1\x80\0\0\0\0", 1002),  # reserved bits
        (b"\x83\x80\0\0\0\0", 1002),  # an opcode that does not exist
        (b"\x80\x80\0\0\0\0", 1002),  # a continuation of nothing
        (b"\x81\x82\0\0\0\0\xff\xff", 1007),  # no UTF-8
        (b"\x88\x82\0\0\0\0\x03\xed", 1002),  # a close code that must not be sent
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", None),  # 2^64 bytes
    ],
)
def test_a_frame_that_breaks_the_protocol_ends_the_connection(page, frame, code):
    other = page.connect()
    page.socket.connection.sock.sendall(frame)
    ended = page.socket.until_closed(5)[0]
    assert ended in ((code, ABNORMAL) if code else (1002, 1009, ABNORMAL))
    expect_alive(page, other)
    other.close()


def test_a_message_may_come_in_pieces(page):
    cell = page.add("print('whole')")
    text = json.dumps({"type": "run_cell", "cellId": cell}).encode()
    create = websocket.ABNF.create_frame
    middle = len(text) // 2
    first = create(text[:middle], websocket.ABNF.OPCODE_TEXT, 0)
    second = create(text[middle:], websocket.ABNF.OPCODE_CONT, 1)
    raw = page.socket.connection
    for byte in first.format():
        raw.sock.sendall(bytes([byte]) if isinstance(byte, int) else byte)
    raw.ping("between")
    raw.sock.sendall(second.format())
    assert page.socket.wait_final(cell) == "success"


def test_a_polite_close_is_answered(page):
    page.socket.connection.send_close(4000, b"bye")
    assert page.socket.until_closed(5)[0] == 4000


def test_a_deleted_notebook_closes_its_connections(page):
    page.api.delete(page.id)
    page.socket.until_closed(5)


def test_many_connections_all_hear_the_same(page):
    others = [page.connect() for _ in range(20)]
    cell = page.add("print('for all')\n42")
    page.run(cell)
    heard = []
    for other in others:
        other.wait_final(cell)
        heard.append([e for e in other.events if e.get("cellId") == cell])
        other.close()
    assert all(events == heard[0] for events in heard)


def test_half_a_handshake_harms_nobody(server, page):
    with sockets.create_connection(server.address) as s:
        s.sendall(f"GET /api/ws/notebooks/{page.id} HTTP/1.1\r\nHost: a\r\n".encode())
    connection = handshake(server, page.id)
    connection.sock.close()
    expect_alive(page, page.socket)


# This one is last: it waits for what `silent` has begun with the first test.
def test_who_says_nothing_for_ten_seconds_is_refused(silent):
    socket, connected = silent
    left = connected + AUTHENTICATION_S - time.monotonic()
    event = socket.next(max(left, 0) + 3)
    assert time.monotonic() - connected > AUTHENTICATION_S - 0.5
    assert event == {"type": "error", "message": "Authentication timeout"}
    assert socket.until_closed(3) == (REFUSED, "Authentication timeout")
