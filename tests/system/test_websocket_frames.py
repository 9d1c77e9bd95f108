"""RFC 6455 frame by frame, over a raw socket: against the echo server that links our WebSocket code,
and, where the rules are the product's own, against the product."""

import os
import time
from dataclasses import dataclass, field

import pytest

from lib import raw
from lib.raw import (
    END,
    Echo,
    Heard,
    Raw,
    RESET,
    binary,
    close,
    frame,
    more,
    ping,
    pong,
    text,
)
from lib.server import OTHER_ORIGIN

CHARACTERS = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 😀".encode()
ECHO_MAX = 16 * 1024 * 1024  # of tests/echo.c
REAL_MAX = 1024 * 1024  # SOCKET_MESSAGE_MAX
FRAGMENTS_MAX = 16384
PINGS_ANSWERED = 64


@pytest.fixture(scope="module")
def echo():
    server = Echo(os.environ.get("WS_ECHO"))
    yield server
    server.stop()


def says(opcode, payload):
    return Heard(opcode, payload)


def says_text(payload):
    return says(raw.TEXT, payload)


def says_binary(payload):
    return says(raw.BINARY_FRAME, payload)


def says_pong(payload):
    return says(raw.PONG, payload)


@dataclass
class Fails:
    """A close frame with this code, any reason, then the end."""

    code: int


@dataclass
class Closes:
    """Exactly this close frame, then the end."""

    payload: bytes = b""


@dataclass
class Case:
    sentence: str
    sent: bytes
    heard: list = field(default_factory=list)


def expect_end(connection):
    assert connection.hear_end() == END


def expect(connection, wanted):
    if isinstance(wanted, Heard):
        assert connection.hear_frame() == wanted
        return
    got = connection.hear_frame()
    assert isinstance(got, Heard) and got.opcode == raw.CLOSE, f"{got}"
    if isinstance(wanted, Fails):
        assert got.code == wanted.code
        got.payload[2:].decode("utf-8")
    else:
        assert got.payload == wanted.payload
    expect_end(connection)


def expect_alive(connection):
    """Neither closed, nor with anything left unsaid or half understood."""
    connection.say(text(b"still there?"))
    expect(connection, says_text(b"still there?"))


def check(connection, case):
    for wanted in case.heard:
        expect(connection, wanted)
    if not case.heard or isinstance(case.heard[-1], Heard):
        expect_alive(connection)


def sentences(cases):
    return [pytest.param(case, id=case.sentence.replace(" ", "_")) for case in cases]


def both(payload):
    """A message of either kind, and what comes back."""
    return text(payload), [says_text(payload)]


# --- messages ---
def sized(n):
    return Case(f"a text of {n} bytes comes back", *both(b"*" * n))


MESSAGES = [
    *(sized(n) for n in (0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 1_000_000)),
    Case(
        "a binary message comes back binary",
        binary(b"\xfe\xff\x00"),
        [says_binary(b"\xfe\xff\x00")],
    ),
    Case("an empty binary message comes back", binary(), [says_binary(b"")]),
    Case(
        "a binary of 65536 bytes comes back",
        binary(b"\xfe" * 65536),
        [says_binary(b"\xfe" * 65536)],
    ),
    Case("characters of every length come back", *both(CHARACTERS)),
    Case("a NUL in a text is a character", *both(b"a\0b")),
    Case("the last code point is text", *both(b"\xf4\x8f\xbf\xbf")),
    Case("non-characters are text", *both(b"\xef\xbf\xbe\xef\xbf\xbf")),
    Case("a mask of zeros is a mask", text(b"abc", key=bytes(4)), [says_text(b"abc")]),
    Case(
        "many frames in one segment come back in order",
        b"".join(text(b"%d" % i) for i in range(1000)),
        [says_text(b"%d" % i) for i in range(1000)],
    ),
    Case(
        "text then binary",
        text(b"a") + binary(b"b"),
        [says_text(b"a"), says_binary(b"b")],
    ),
]

# --- fragments ---
FRAGMENTS = [
    Case(
        "two fragments are one message",
        text(b"a", fin=False) + more(b"b"),
        [says_text(b"ab")],
    ),
    Case(
        "fragments of binary are one binary message",
        binary(b"\xff", fin=False) + more(b"\xfe"),
        [says_binary(b"\xff\xfe")],
    ),
    Case(
        "empty fragments are an empty message",
        text(fin=False) + more(fin=False) + more(),
        [says_text(b"")],
    ),
    Case(
        "an empty last fragment ends a message",
        text(b"a", fin=False) + more(b"b", fin=False) + more(),
        [says_text(b"ab")],
    ),
    Case(
        "a message in fragments of one byte",
        text(b"x", fin=False) + more(b"x", fin=False) * 998 + more(b"x"),
        [says_text(b"x" * 1000)],
    ),
    Case(
        "a character may be cut between fragments",
        text(b"\xf0\x9f", fin=False) + more(b"\x98", fin=False) + more(b"\x80"),
        [says_text(b"\xf0\x9f\x98\x80")],
    ),
    Case(
        "a ping inside a message is answered before it",
        text(b"a", fin=False) + ping(b"p") + more(b"b"),
        [says_pong(b"p"), says_text(b"ab")],
    ),
    Case(
        "pings and pongs between all fragments",
        text(b"a", fin=False)
        + ping(b"1")
        + more(b"b", fin=False)
        + pong(b"x")
        + ping(b"2")
        + more(b"c"),
        [says_pong(b"1"), says_pong(b"2"), says_text(b"abc")],
    ),
    Case(
        "a close inside a message is a close",
        text(b"a", fin=False) + close(1000),
        [Closes(b"\x03\xe8")],
    ),
    Case(
        "16384 fragments are a message",
        text(fin=False) + more(fin=False) * (FRAGMENTS_MAX - 2) + more(b"!"),
        [says_text(b"!")],
    ),
    Case(
        "16385 fragments are too many",
        text(fin=False) + more(fin=False) * (FRAGMENTS_MAX - 1) + more(b"!"),
        [Fails(1008)],
    ),
    Case("a continuation of nothing", more(b"x"), [Fails(1002)]),
    Case("an unfinished continuation of nothing", more(b"x", fin=False), [Fails(1002)]),
    Case(
        "a continuation after the last fragment",
        text(b"a", fin=False) + more(b"b") + more(b"c"),
        [says_text(b"ab"), Fails(1002)],
    ),
    Case("a text inside a text", text(b"a", fin=False) + text(b"b"), [Fails(1002)]),
    Case(
        "a text begun inside a text",
        text(b"a", fin=False) + text(b"b", fin=False),
        [Fails(1002)],
    ),
    Case("a binary inside a text", text(b"a", fin=False) + binary(b"b"), [Fails(1002)]),
]

# --- control frames ---
PINGS = [
    *(
        Case(
            f"a ping of {n} bytes is answered in kind",
            ping(b"\xfe" * n),
            [says_pong(b"\xfe" * n)],
        )
        for n in (0, 1, 124, 125)
    ),
    Case(
        "ten pings in one segment have ten pongs",
        b"".join(ping(b"%d" % i) for i in range(10)),
        [says_pong(b"%d" % i) for i in range(10)],
    ),
    Case(
        "of a thousand pings in one segment the last is answered, and some before it",
        b"".join(ping(b"%d" % i) for i in range(1000)),
        [*(says_pong(b"%d" % i) for i in range(PINGS_ANSWERED)), says_pong(b"999")],
    ),
    Case("a pong nobody asked for is ignored", pong(b"x")),
    Case("an empty pong nobody asked for is ignored", pong()),
    Case("a ping of 126 bytes", ping(b"x" * 126), [Fails(1002)]),
    Case("a pong of 126 bytes", pong(b"x" * 126), [Fails(1002)]),
    Case(
        "a ping whose short length is told in 16 bits",
        ping(b"x", form=16),
        [Fails(1002)],
    ),
    Case("a ping in fragments", ping(b"x", fin=False) + more(b"y"), [Fails(1002)]),
]

# --- headers ---
HEADERS = [
    *(
        Case(f"reserved bits {rsv:03b} on a text", text(b"x", rsv=rsv), [Fails(1002)])
        for rsv in range(1, 8)
    ),
    Case("a reserved bit on a ping", ping(b"x", rsv=4), [Fails(1002)]),
    Case("a reserved bit on a close", close(1000, rsv=1), [Fails(1002)]),
    Case(
        "a reserved bit on a continuation",
        text(b"a", fin=False) + more(b"b", rsv=2),
        [Fails(1002)],
    ),
    *(
        Case(f"reserved opcode {opcode}", frame(opcode, b"x"), [Fails(1002)])
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    Case("a reserved opcode without payload", frame(3), [Fails(1002)]),
    Case(
        "a reserved opcode after a good message",
        text(b"a") + frame(5),
        [says_text(b"a"), Fails(1002)],
    ),
    Case("an unmasked text", text(b"abc", key=None), [Fails(1002)]),
    Case("an unmasked empty text", text(key=None), [Fails(1002)]),
    Case("an unmasked ping", ping(key=None), [Fails(1002)]),
    Case("an unmasked close", close(1000, key=None), [Fails(1002)]),
    Case("125 told in 16 bits", text(b"x" * 125, form=16), [Fails(1002)]),
    Case("0 told in 16 bits", text(form=16), [Fails(1002)]),
    Case("125 told in 64 bits", text(b"x" * 125, form=64), [Fails(1002)]),
    Case("65535 told in 64 bits", text(b"x" * 65535, form=64), [Fails(1002)]),
    Case("a length of 2^63", text(b"x", length=1 << 63, form=64), [Fails(1002)]),
    Case(
        "a length of 2^64-1", text(b"x", length=(1 << 64) - 1, form=64), [Fails(1002)]
    ),
    Case(
        "a length of 2^63-1 is too big",
        text(b"x", length=(1 << 63) - 1, form=64),
        [Fails(1009)],
    ),
    Case(
        "a length of 2^32 is too big",
        text(b"x", length=1 << 32, form=64),
        [Fails(1009)],
    ),
    Case(
        "one byte over the limit, as promised",
        text(b"x", length=ECHO_MAX + 1),
        [Fails(1009)],
    ),
    Case(
        "fragments over the limit together",
        text(b"x" * 1000, fin=False) + more(b"x", length=ECHO_MAX - 999),
        [Fails(1009)],
    ),
    Case("text that is HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", [Fails(1002)]),
]

# --- UTF-8 ---
BAD_TEXTS = {
    "a lone continuation": b"\x80",
    "a byte that never occurs": b"a\xff",
    "an overlong slash": b"\xc0\xaf",
    "an overlong NUL": b"\xc0\x80",
    "an overlong of three bytes": b"\xe0\x80\xaf",
    "an overlong of four bytes": b"\xf0\x80\x80\xaf",
    "a high surrogate": b"\xed\xa0\x80",
    "a low surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last code point": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "latin-1": b"J\xfcrgen",
    "bad UTF-8 in the middle": "κόσμε".encode() + b"\xed\xa0\x80edited",
}
UTF8 = [
    *(
        Case(f"{name} is no text", text(bad), [Fails(1007)])
        for name, bad in BAD_TEXTS.items()
    ),
    *(
        Case(
            f"{name} is no text in fragments either",
            text(b"a", fin=False)
            + b"".join(more(bad[i : i + 1], fin=False) for i in range(len(bad)))
            + more(),
            [Fails(1007)],
        )
        for name, bad in BAD_TEXTS.items()
    ),
    Case("a text that ends inside a character", text(b"ab\xe2\x82"), [Fails(1007)]),
    Case(
        "fragments that end inside a character",
        text(b"\xe2", fin=False) + more(b"\x82"),
        [Fails(1007)],
    ),
    Case(
        "bad UTF-8 in a fragment fails before the last",
        text(b"a\xff", fin=False),
        [Fails(1007)],
    ),
    Case(
        "bad UTF-8 in half a frame fails before the rest",
        text(b"a\xff", length=100),
        [Fails(1007)],
    ),
    Case(
        "half a surrogate fails before its last byte",
        text(b"\xed\xa0", length=3),
        [Fails(1007)],
    ),
    Case(
        "bad UTF-8 is fine in binary",
        binary(b"\xff\xc0\x80"),
        [says_binary(b"\xff\xc0\x80")],
    ),
    Case("bad UTF-8 is fine in a ping", ping(b"\xff"), [says_pong(b"\xff")]),
]

# --- closing ---
GOOD_CODES = (
    1000,
    1001,
    1002,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    1012,
    1013,
    1014,
    3000,
    3999,
    4000,
    4999,
)
BAD_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
LONGEST_REASON = b"r" * 123
CLOSING = [
    Case("a close without code is echoed", close(), [Closes()]),
    *(
        Case(f"close {code} is echoed", close(code), [Closes(code.to_bytes(2, "big"))])
        for code in GOOD_CODES
    ),
    *(
        Case(f"close {code} is a mistake", close(code), [Fails(1002)])
        for code in BAD_CODES
    ),
    Case("a close of one byte is a mistake", frame(raw.CLOSE, b"\x03"), [Fails(1002)]),
    Case(
        "a close with a reason is echoed",
        close(1000, "tschüß".encode()),
        [Closes(b"\x03\xe8" + "tschüß".encode())],
    ),
    Case(
        "a reason of 123 bytes is echoed",
        close(1000, LONGEST_REASON),
        [Closes(b"\x03\xe8" + LONGEST_REASON)],
    ),
    Case(
        "a reason of 124 bytes is too long",
        close(1000, LONGEST_REASON + b"r"),
        [Fails(1002)],
    ),
    Case("a reason that is not UTF-8", close(1000, b"\xff"), [Fails(1007)]),
    Case("a reason that ends inside a character", close(1000, b"\xc3"), [Fails(1007)]),
    Case("a close in fragments", close(1000, fin=False), [Fails(1002)]),
    Case(
        "a text after a close is ignored",
        close(1000) + text(b"late"),
        [Closes(b"\x03\xe8")],
    ),
    Case(
        "a ping after a close is ignored",
        close(1000) + ping(b"late"),
        [Closes(b"\x03\xe8")],
    ),
    Case("a second close is ignored", close(1000) + close(1001), [Closes(b"\x03\xe8")]),
    Case(
        "a broken frame after a close is ignored",
        close(1000) + text(b"x", key=None, rsv=7),
        [Closes(b"\x03\xe8")],
    ),
    Case(
        "messages before a close are answered",
        text(b"a") + close(),
        [says_text(b"a"), Closes()],
    ),
    Case(
        "messages before a mistake are answered",
        text(b"a") + text(key=None),
        [says_text(b"a"), Fails(1002)],
    ),
]

ALL = [*MESSAGES, *FRAGMENTS, *PINGS, *HEADERS, *UTF8, *CLOSING]


@pytest.mark.parametrize("case", sentences(ALL))
def test_frames_in_one_segment(echo, case):
    with echo.open() as connection:
        connection.say(case.sent)
        check(connection, case)


SHORT = [case for case in ALL if len(case.sent) <= 200]


@pytest.mark.parametrize("case", sentences(SHORT))
def test_frames_byte_by_byte(echo, case):
    with echo.open() as connection:
        connection.say_slowly(case.sent, pause_s=0)
        check(connection, case)


def test_frames_that_come_with_the_handshake_are_read(echo):
    with Raw(echo.address) as connection:
        connection.say(raw.handshake(), text(b"a"), ping(b"b"))
        assert connection.hear_answer().status == 101
        expect(connection, says_text(b"a"))
        expect(connection, says_pong(b"b"))


def test_a_message_of_exactly_the_limit_comes_back(echo):
    payload = b"x" * ECHO_MAX
    with echo.open() as connection:
        connection.say(text(payload))
        assert connection.hear_frame() == says_text(payload)
        half = ECHO_MAX // 2
        connection.say(text(payload[:half], fin=False), more(payload[half:]))
        assert connection.hear_frame() == says_text(payload)
        expect_alive(connection)


def test_a_message_in_odd_segments_comes_back(echo):
    payload = CHARACTERS * 3000
    with echo.open() as connection:
        connection.say_slowly(text(payload), step=4093, pause_s=0.001)
        assert connection.hear_frame() == says_text(payload)


def test_a_mistake_is_told_although_the_client_goes_on_sending(echo):
    with echo.open() as connection:
        connection.say(text(b"x", length=1 << 40))
        for _ in range(50):
            connection.say(b"x" * 100_000)
        expect(connection, Fails(1009))


def test_half_closing_the_connection_ends_it(echo):
    with echo.open() as connection:
        connection.half_close()
        expect_end(connection)


def test_half_closing_after_a_close_still_gets_the_echo(echo):
    with echo.open() as connection:
        connection.say(close(1001))
        connection.half_close()
        expect(connection, Closes(b"\x03\xe9"))


def test_a_reset_disturbs_nobody(echo):
    with echo.open() as other:
        for _ in range(20):
            connection = echo.open()
            connection.say(text(b"x" * 1_000_000))
            connection.reset()
        expect_alive(other)


def test_a_client_that_vanishes_inside_a_frame_disturbs_nobody(echo):
    with echo.open() as other:
        for n in range(1, 20):
            with echo.open() as connection:
                connection.say(text(b"abcdefghijklmnop")[:n])
        expect_alive(other)


# --- the handshake ---
def without(line):
    return raw.handshake().replace(line + b"\r\n", b"")


def instead(old, new):
    changed = raw.handshake().replace(old, new)
    assert changed != raw.handshake()
    return changed


ACCEPTED = {
    "Upgrade in another case": instead(b"Upgrade: websocket", b"uPGRADE: WebSocket"),
    "Connection in another case": instead(
        b"Connection: Upgrade", b"CONNECTION: uPgRaDe"
    ),
    "Connection is a list": instead(
        b"Connection: Upgrade", b"Connection: keep-alive, Upgrade"
    ),
    "blanks around the key": instead(raw.KEY, b" \t" + raw.KEY + b"  "),
    "a body of no length": raw.handshake(extra=b"Content-Length: 0\r\n"),
}
REFUSED = {
    "version 8": (raw.handshake(version=b"8"), 426),
    "version 0": (raw.handshake(version=b"0"), 426),
    "version 130": (raw.handshake(version=b"130"), 426),
    "version +13": (raw.handshake(version=b"+13"), 426),
    "no version": (without(b"Sec-WebSocket-Version: 13"), 426),
    "no Upgrade": (without(b"Upgrade: websocket"), 426),
    "another Upgrade": (instead(b"Upgrade: websocket", b"Upgrade: h2c"), 426),
    "no Connection": (without(b"Connection: Upgrade"), 426),
    "another Connection": (
        instead(b"Connection: Upgrade", b"Connection: keep-alive"),
        426,
    ),
    "HTTP/1.0": (instead(b"HTTP/1.1", b"HTTP/1.0"), 426),
    "no key": (without(b"Sec-WebSocket-Key: " + raw.KEY), 400),
    "an empty key": (instead(raw.KEY, b""), 400),
    "a key of 15 bytes": (instead(raw.KEY, b"MDEyMzQ1Njc4OTAxMjM0"), 400),
    "a key of 17 bytes": (instead(raw.KEY, b"MDEyMzQ1Njc4OTAxMjM0NTY="), 400),
    "a key that is not base64": (instead(raw.KEY, b"!" * 22 + b"=="), 400),
    "the key twice": (
        raw.handshake(extra=b"Sec-WebSocket-Key: " + raw.KEY + b"\r\n"),
        400,
    ),
    "a body": (raw.handshake(extra=b"Content-Length: 3\r\n") + b"abc", 400),
    "POST": (raw.handshake(method=b"POST", extra=b"Content-Length: 0\r\n"), 405),
    "PUT": (raw.handshake(method=b"PUT", extra=b"Content-Length: 0\r\n"), 405),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_handshake_is_accepted(echo, name):
    with Raw(echo.address) as connection:
        connection.say(ACCEPTED[name])
        answer = connection.hear_answer()
        assert answer.status == 101
        assert answer.header("sec-websocket-accept") == raw.ACCEPT
        assert answer.header("upgrade").lower() == "websocket"
        assert answer.header("connection").lower() == "upgrade"
        expect_alive(connection)


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_handshake_is_refused(echo, name):
    request, status = REFUSED[name]
    with Raw(echo.address) as connection:
        connection.say(request)
        answer = connection.hear_answer()
        assert answer.status == status
        assert answer.json()["detail"]
        if status == 426 and "version" in name:
            assert answer.header("sec-websocket-version") == "13"
        if status == 405:
            assert answer.header("allow") == "GET"


def test_no_extension_is_accepted(echo):
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    with Raw(echo.address) as connection:
        connection.say(raw.handshake(extra=offer))
        answer = connection.hear_answer()
        assert answer.status == 101
        assert answer.header("sec-websocket-extensions") is None
        connection.say(text(b"x", rsv=4))  # as if it had been
        expect(connection, Fails(1002))


def test_no_subprotocol_is_chosen(echo):
    with Raw(echo.address) as connection:
        connection.say(
            raw.handshake(extra=b"Sec-WebSocket-Protocol: chat, superchat\r\n")
        )
        answer = connection.hear_answer()
        assert answer.status == 101
        assert answer.header("sec-websocket-protocol") is None
        expect_alive(connection)


# --- the product ---
PATH = "/api/ws/notebooks/blank"
AUTHENTICATION_S = 0.8


@pytest.fixture
def dial(server):
    made = []

    def open_socket(extra=b""):
        made.append(Raw(server.address).open_socket(PATH, extra))
        return made[-1]

    yield open_socket
    for connection in made:
        connection.socket.close()


@pytest.mark.parametrize(
    "origin, status",
    [
        (OTHER_ORIGIN, 101),
        ("http://evil.example", 403),
        ("null", 403),
        (OTHER_ORIGIN + "/", 403),
    ],
)
def test_the_product_checks_the_origin(server, origin, status):
    with Raw(server.address) as connection:
        connection.say(
            raw.handshake(PATH, extra=b"Origin: " + origin.encode() + b"\r\n")
        )
        assert connection.hear_answer().status == status


@pytest.mark.parametrize("name", REFUSED)
def test_the_product_refuses_the_same_handshakes(server, name):
    request, status = REFUSED[name]
    with Raw(server.address) as connection:
        connection.say(request.replace(b" / HTTP", b" " + PATH.encode() + b" HTTP"))
        answer = connection.hear_answer()
        assert answer.status == status
        assert answer.json()["detail"]


PRODUCT = [
    Case("binary is refused", binary(b"x"), [Fails(1003)]),
    Case(
        "binary is refused at its first fragment",
        binary(b"x", fin=False),
        [Fails(1003)],
    ),
    Case("a message over the limit", text(b"x", length=REAL_MAX + 1), [Fails(1009)]),
    Case("an unmasked frame", text(b"x", key=None), [Fails(1002)]),
    Case("bad UTF-8", text(b"\xff"), [Fails(1007)]),
    Case("a close is echoed", close(4000, b"bye"), [Closes(b"\x0f\xa0bye")]),
    Case(
        "too many fragments",
        text(fin=False) + more(fin=False) * FRAGMENTS_MAX,
        [Fails(1008)],
    ),
]


@pytest.mark.parametrize("case", sentences(PRODUCT))
def test_the_product_keeps_the_same_rules(dial, case):
    connection = dial()
    connection.say(case.sent)
    check(connection, case)


def test_both_sides_may_close_at_once(dial):
    connection = dial()
    connection.say(text(b"no hello"), close(1000))
    assert connection.hear_frame().opcode == raw.TEXT
    assert connection.hear_frame().code == 1008
    expect_end(connection)


def test_the_product_answers_pings_before_anybody_has_signed_in(dial):
    connection = dial()
    connection.say(ping(b"hello"))
    expect(connection, says_pong(b"hello"))


def test_the_product_closes_who_does_not_sign_in(own_server, issuer):
    server = own_server(issuer, SOCKET_AUTH_MS=str(int(AUTHENTICATION_S * 1000)))
    start = time.monotonic()
    with Raw(server.address).open_socket(PATH) as connection:
        message = connection.hear_frame()
        assert message.opcode == raw.TEXT and b"timeout" in message.payload
        got = connection.hear_frame()
        assert got.code == 1008
        # The loop's clock stands still within a turn, so a timer may seem some milliseconds early.
        assert time.monotonic() - start >= AUTHENTICATION_S * 0.9
        connection.say(close(1008))
        assert connection.hear_end() in (END, RESET)
