"""HTTP/1.1 byte by byte against the product (RFC 9112, HTTP.md T14, T17-T23): what it answers, whether it
reads on, and that a second request hidden in a first is never answered.

Every body of an error is JSON with `detail`, but for what libh2o cannot parse at all: that gets libh2o's own
plain 400, and the cases below say so (`plain`).
"""

import time
from dataclasses import dataclass

import pytest

from lib.raw import END, RESET, Raw

URI_MAX = 16 * 1024
HEAD_MAX = 64 * 1024
HEADERS_MAX = 100
BODY_MAX = 16 * 1024 * 1024
HOST = b"Host: a\r\n"


def request(
    headers=b"", target=b"/health", version=b"HTTP/1.1", host=HOST, method=b"GET"
):
    line = method + b" " + target + b" " + version + b"\r\n"
    return line + host + headers + b"\r\n"


SECOND = request(target=b"/smuggled")


@dataclass
class Case:
    sentence: str
    sent: bytes
    status: int
    keeps: bool = False
    plain: bool = False


def post(headers, body=b"hello"):
    return request(headers, method=b"POST", target=b"/api/notebooks") + body


def coded(value):
    return post(b"Transfer-Encoding:" + value + b"\r\n", b"0\r\n\r\n")


def sized(value):
    return post(b"Content-Length:" + value + b"\r\n")


def query_of(n):
    """A target of `n` bytes."""
    return b"/health?" + b"q" * (n - len(b"/health?"))


def head_of(n):
    """A head of `n` bytes."""
    filler = b"".join(b"X-%d: " % i + b"v" * 8000 + b"\r\n" for i in range(7))
    rest = n - len(request(filler)) - len(b"X-Last: \r\n")
    return request(filler + b"X-Last: " + b"v" * rest + b"\r\n")


def headers_of(n):
    """A head of `n` headers, Host included."""
    return request(b"".join(b"X-%d: v\r\n" % i for i in range(n - 1)))


LINES = [
    Case("a plain request", request(), 200, keeps=True),
    Case("a method in lower case", request(method=b"get"), 405, keeps=True),
    Case("a method nobody knows", request(method=b"BREW"), 405, keeps=True),
    Case("a method of odd characters", request(method=b"M-$.!|~"), 405, keeps=True),
    Case("a method with a colon", request(method=b"GE:T"), 400),
    Case("a method with a NUL", request(method=b"GE\0T"), 400, plain=True),
    Case("TRACE", request(method=b"TRACE"), 405, keeps=True),
    Case(
        "CONNECT to an authority",
        request(method=b"CONNECT", target=b"a:443"),
        400,
        keeps=True,
    ),
    Case("GET of an asterisk", request(target=b"*"), 400, keeps=True),
    Case(
        "OPTIONS of an asterisk",
        request(method=b"OPTIONS", target=b"*"),
        204,
        keeps=True,
    ),
    Case("the absolute form", request(target=b"http://a/health"), 400, keeps=True),
    Case(
        "the absolute form of https",
        request(target=b"https://a/health"),
        400,
        keeps=True,
    ),
    Case("a target without a slash", request(target=b"health"), 400, keeps=True),
    Case("no target", b"GET HTTP/1.1\r\n" + HOST + b"\r\n", 400, plain=True),
    Case("no version", b"GET /health\r\n" + HOST + b"\r\n", 400, plain=True),
    Case("two spaces", request(target=b" /health"), 400, plain=True),
    Case("a space behind the version", request(version=b"HTTP/1.1 "), 400, plain=True),
    Case("a space in the target", request(target=b"/hea lth"), 400, plain=True),
    Case(
        "a tab for a space",
        b"GET\t/health HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
        plain=True,
    ),
    Case("high bytes in the target", request(target=b"/caf\xc3\xa9"), 400),
    Case("a DEL in the target", request(target=b"/\x7f"), 400, plain=True),
    Case("a control in the target", request(target=b"/\x01"), 400, plain=True),
    Case(
        "a fragment in the target is part of a name",
        request(target=b"/health#x"),
        404,
        keeps=True,
    ),
    Case("version 1.0", request(version=b"HTTP/1.0"), 200),
    Case("version 1.0 without host", request(version=b"HTTP/1.0", host=b""), 200),
    Case(
        "version 1.0 that keeps alive",
        request(b"Connection: keep-alive\r\n", version=b"HTTP/1.0"),
        200,
        keeps=True,
    ),
    Case("version 1.2", request(version=b"HTTP/1.2"), 400),
    Case("version 1.9", request(version=b"HTTP/1.9"), 400),
    Case("version 1.10", request(version=b"HTTP/1.10"), 400, plain=True),
    Case("version 2.0", request(version=b"HTTP/2.0"), 400, plain=True),
    Case("version 0.9", request(version=b"HTTP/0.9"), 400, plain=True),
    Case("version in lower case", request(version=b"http/1.1"), 400, plain=True),
    Case("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, plain=True),
    Case(
        "a TLS hello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        400,
        plain=True,
    ),
    Case("one empty line before", b"\r\n" + request(), 200, keeps=True),
    Case("two empty lines before", b"\r\n\r\n" + request(), 400, plain=True),
    Case("close is kept", request(b"Connection: close\r\n"), 200),
    Case("close in another case", request(b"CONNECTION: Close\r\n"), 200),
    Case("HEAD", request(method=b"HEAD"), 200, keeps=True),
]

TARGETS = [
    Case("an escaped NUL", request(target=b"/api/notebooks/a%00b"), 400, keeps=True),
    Case("an escaped slash", request(target=b"/api/notebooks/a%2Fb"), 400, keeps=True),
    Case(
        "an escaped slash in lower case",
        request(target=b"/api/notebooks/a%2fb"),
        400,
        keeps=True,
    ),
    Case("dot dot", request(target=b"/api/../health"), 400, keeps=True),
    Case("dot", request(target=b"/./health"), 400, keeps=True),
    Case("escaped dots", request(target=b"/api/%2e%2E/health"), 400, keeps=True),
    Case("half escaped dots", request(target=b"/api/.%2e/health"), 400, keeps=True),
    Case("an escape of nothing", request(target=b"/health%"), 400, keeps=True),
    Case("an escape of one digit", request(target=b"/health%4"), 400, keeps=True),
    Case("an escape of no digits", request(target=b"/health%zz"), 400, keeps=True),
    Case("escaped bytes that are no UTF-8", request(target=b"/%ff"), 400, keeps=True),
    Case("an escaped surrogate", request(target=b"/%ed%a0%80"), 400, keeps=True),
    Case("escaped letters are letters", request(target=b"/%68ealth"), 200, keeps=True),
    Case("an escape is decoded once", request(target=b"/%2568ealth"), 404, keeps=True),
    Case("two slashes", request(target=b"//health"), 404, keeps=True),
    Case(
        "a slash at the end is redirected", request(target=b"/health/"), 307, keeps=True
    ),
    Case("a backslash", request(target=b"/\\health"), 404, keeps=True),
    Case("an empty query", request(target=b"/health?"), 200, keeps=True),
    Case(
        "a query of nonsense",
        request(target=b"/health?%zz&&=%00?/../"),
        200,
        keeps=True,
    ),
    Case("a path too deep for any route", request(target=b"/a" * 100), 404, keeps=True),
    Case("the longest target", request(target=query_of(URI_MAX)), 200, keeps=True),
    Case("a target one byte too long", request(target=query_of(URI_MAX + 1)), 414),
]

HEADERS = [
    Case("no host", request(host=b""), 400),
    Case("two hosts", request(HOST), 400),
    Case("two hosts that differ in case", request(b"HOST: b\r\n"), 400),
    Case("two hosts in 1.0", request(HOST, version=b"HTTP/1.0"), 400),
    Case("an empty host", request(host=b"Host:\r\n"), 200, keeps=True),
    Case("a bare LF after the request line", request().replace(b"\r\n", b"\n", 1), 400),
    Case("a bare LF after a header", request(b"X-A: a\n"), 400),
    Case("a bare LF for the empty line", request()[:-2] + b"\n", 400),
    Case("bare LF everywhere", request().replace(b"\r\n", b"\n"), 400),
    Case("a bare CR in a value", request(b"X-A: a\rb\r\n"), 400, plain=True),
    Case("a NUL in a value", request(b"X-A: a\0b\r\n"), 400, plain=True),
    Case("a DEL in a value", request(b"X-A: a\x7fb\r\n"), 400, plain=True),
    Case("a vertical tab in a value", request(b"X-A: a\x0bb\r\n"), 400, plain=True),
    Case("a tab in a value", request(b"X-A: a\tb\r\n"), 200, keeps=True),
    Case(
        "high bytes in a value",
        request(b"X-A: J\xfcrgen \xff\x80\r\n"),
        200,
        keeps=True,
    ),
    Case("an empty value", request(b"X-A:\r\n"), 200, keeps=True),
    Case("a folded header", request(b"X-A: a\r\n b\r\n"), 400),
    Case("a header folded with a tab", request(b"X-A: a\r\n\tb\r\n"), 400),
    Case("a folded first header", request(host=b" " + HOST), 400, plain=True),
    Case("a space before the colon", request(b"X-A : a\r\n"), 400, plain=True),
    Case("a space in a name", request(b"X A: a\r\n"), 400, plain=True),
    Case("a high byte in a name", request(b"X-\xc3: a\r\n"), 400, plain=True),
    Case("no name", request(b": a\r\n"), 400, plain=True),
    Case("no colon", request(b"X-A\r\n"), 400, plain=True),
    Case("as many headers as there may be", headers_of(HEADERS_MAX), 200, keeps=True),
    Case("one header more", headers_of(HEADERS_MAX + 1), 400, plain=True),
    Case("very many small headers", headers_of(5000), 400, plain=True),
    Case("the largest head", head_of(HEAD_MAX), 200, keeps=True),
    Case("a head one byte too large", head_of(HEAD_MAX + 1), 431),
    Case(
        "two authorizations",
        request(b"Authorization: Bearer a\r\n" * 2, target=b"/api/notebooks"),
        400,
        keeps=True,
    ),
    Case(
        "an h2c upgrade is not taken",
        request(
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        ),
        200,
    ),
    Case(
        "an upgrade to a WebSocket where there is none",
        request(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        200,
    ),
]

LENGTHS = [
    Case("a length and a body", sized(b" 5"), 401, keeps=True),
    Case("a length without a blank before", sized(b"5"), 401, keeps=True),
    Case("a length with leading zeros", sized(b" 0005"), 401, keeps=True),
    Case(
        "a body of a GET is read",
        request(b"Content-Length: 5\r\n") + b"hello",
        200,
        keeps=True,
    ),
    Case(
        "no length is no body",
        request(method=b"POST", target=b"/api/notebooks"),
        401,
        keeps=True,
    ),
    Case("the same length twice", post(b"Content-Length: 5\r\n" * 2), 400),
    Case("two lengths", post(b"Content-Length: 5\r\nContent-Length: 6\r\n"), 400),
    Case(
        "two lengths, one in another case",
        post(b"Content-Length: 5\r\ncontent-length: 0\r\n"),
        400,
    ),
    Case("a list of lengths", sized(b" 5, 5"), 400),
    Case("a negative length", sized(b" -5"), 400),
    Case("a signed length", sized(b" +5"), 400),
    Case("a hexadecimal length", sized(b" 0x5"), 400),
    Case("an empty length", sized(b""), 400),
    Case("a blank length", sized(b"  "), 400),
    Case("a length in two parts", sized(b" 5 0"), 400),
    Case("a length with a word", sized(b" 5 bytes"), 400),
    Case("a length beyond 64 bits", sized(b" 99999999999999999999999"), 400),
    Case("a length of 2^64", sized(b" 18446744073709551616"), 400),
    Case("a length of 2^64-1", sized(b" 18446744073709551615"), 400),
    Case("a length of 2^63", sized(b" 9223372036854775808"), 413),
    Case("a length over the server's limit", sized(b" %d" % (BODY_MAX + 1)), 413),
]

CODINGS = [
    Case("chunked", coded(b" chunked"), 411),
    Case("chunked in another case", coded(b" CHUNKED"), 411),
    Case("identity", coded(b" identity"), 411),
    Case("gzip", coded(b" gzip"), 411),
    Case("gzip, chunked", coded(b" gzip, chunked"), 411),
    Case("chunked, chunked", coded(b" chunked, chunked"), 411),
    Case("chunked with a blank behind", coded(b" chunked "), 411),
    Case("chunked after a tab", coded(b"\tchunked"), 411),
    Case("xchunked", coded(b" xchunked"), 411),
    Case("an empty coding", coded(b""), 411),
    Case(
        "chunked on a GET",
        request(b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        411,
    ),
    Case(
        "a length, then a coding",
        post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        400,
    ),
    Case(
        "a coding, then a length",
        post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
        400,
    ),
    Case(
        "two codings",
        post(
            b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
            b"0\r\n\r\n",
        ),
        400,
    ),
    Case(
        "a coding in 1.0",
        request(b"Transfer-Encoding: chunked\r\n", version=b"HTTP/1.0", method=b"POST")
        + b"0\r\n\r\n",
        400,
    ),
    Case(
        "a coding before a space and a colon",
        post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
        400,
        plain=True,
    ),
    Case(
        "a coding folded away",
        post(b"Content-Length: 5\r\nX-A: a\r\n Transfer-Encoding: chunked\r\n"),
        400,
    ),
]

ALL = [*LINES, *TARGETS, *HEADERS, *LENGTHS, *CODINGS]


def check_answer(case, answer, headless):
    assert answer not in (END, RESET), "no answer"
    assert answer.status == case.status, answer
    if case.plain:
        assert answer.body == b"Bad Request" and not answer.keeps
        return
    assert answer.header("x-request-id")
    assert answer.keeps == case.keeps
    if answer.status >= 400 and not headless:
        assert answer.header("content-type") == "application/json"
        detail = answer.json()["detail"]
        assert isinstance(detail, str) and detail


def expect_end(connection):
    """Nothing more is said: what lay behind a refused request is not a request."""
    assert connection.hear_end() in (END, RESET)
    assert connection.buffer == b""


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c.sentence.replace(" ", "_")) for c in ALL]
)
def test_one_request(server, case):
    headless = case.sent.startswith(b"HEAD")
    with Raw(server.address) as connection:
        connection.say(case.sent, b"" if case.keeps else SECOND)
        check_answer(case, connection.hear_answer(headless), headless)
        if not case.keeps:
            expect_end(connection)
            return
        connection.say(request(b"Connection: close\r\n"))
        assert connection.hear_answer().status == 200
        expect_end(connection)


SMALL = [c for c in ALL if len(c.sent) <= 200]


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c.sentence.replace(" ", "_")) for c in SMALL]
)
def test_one_request_byte_by_byte(server, case):
    headless = case.sent.startswith(b"HEAD")
    with Raw(server.address) as connection:
        connection.say_slowly(case.sent, pause_s=0)
        answer = connection.hear_answer(headless)
        if case.plain and answer in (END, RESET):
            return  # in pieces libh2o may hang up without a word
        check_answer(case, answer, headless)


def test_pipelined_requests_are_answered_in_order(server):
    targets = [b"/health", b"/api/notebooks", b"/nothing", b"/health"] * 20
    with Raw(server.address) as connection:
        connection.say(
            b"".join(
                request(b"X-Request-Id: n%d\r\n" % i, target=target)
                for i, target in enumerate(targets)
            )
        )
        for i, target in enumerate(targets):
            answer = connection.hear_answer()
            wanted = {b"/health": 200, b"/api/notebooks": 401, b"/nothing": 404}[target]
            assert (answer.status, answer.header("x-request-id")) == (wanted, f"n{i}")


def test_pipelining_stops_at_the_first_refusal(server):
    with Raw(server.address) as connection:
        connection.say(request(), request(host=b""), request(), request())
        assert connection.hear_answer().status == 200
        assert connection.hear_answer().status == 400
        expect_end(connection)


def test_a_body_is_not_a_request(server):
    hidden = SECOND * 3
    length = b"Content-Length: %d\r\n" % len(hidden)
    with Raw(server.address) as connection:
        connection.say(post(length, hidden), request(b"X-Request-Id: last\r\n"))
        assert connection.hear_answer().status == 401
        assert connection.hear_answer().header("x-request-id") == "last"


def test_garbage_behind_a_request_is_refused_by_itself(server):
    with Raw(server.address) as connection:
        connection.say(request(), b"\0\0\0garbage\r\n\r\n", request())
        assert connection.hear_answer().status == 200
        assert connection.hear_answer().status == 400
        expect_end(connection)


def test_what_follows_a_close_is_not_answered(server):
    with Raw(server.address) as connection:
        connection.say(request(b"Connection: close\r\n"), SECOND)
        assert connection.hear_answer().status == 200
        expect_end(connection)


def test_a_slow_head_and_a_slow_body_are_read(server):
    with Raw(server.address) as connection:
        connection.say_slowly(sized(b" 5"), pause_s=0.005)
        assert connection.hear_answer().status == 401


def test_many_requests_share_a_connection(server):
    with Raw(server.address) as connection:
        for _ in range(300):
            connection.say(request())
            assert connection.hear_answer().status == 200


def test_a_half_closed_client_still_gets_its_answers(server):
    with Raw(server.address) as connection:
        connection.say(request(), request(target=b"/nothing"))
        connection.half_close()
        assert connection.hear_answer().status == 200
        assert connection.hear_answer().status == 404
        expect_end(connection)


@pytest.mark.parametrize("n", [1, 10, 30, 60])
def test_a_client_that_leaves_inside_a_request_disturbs_nobody(server, n):
    for _ in range(10):
        with Raw(server.address) as connection:
            connection.say(sized(b" 5")[:n])
        connection = Raw(server.address)
        connection.say(sized(b" 5")[:n])
        connection.reset()
    with Raw(server.address) as connection:
        connection.say(request())
        assert connection.hear_answer().status == 200


# --- Expect ---
def raw_lines(connection, until):
    while until not in connection.buffer:
        assert connection._receive(), connection.buffer
    return connection.buffer


def test_who_expects_100_gets_it_before_the_body(server):
    with Raw(server.address) as connection:
        head = b"Content-Length: 5\r\nExpect: 100-continue\r\n"
        connection.say(post(head, b""))
        assert raw_lines(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.say(b"hello")
        assert connection.hear_answer().status == 401


def test_who_expects_100_for_too_much_gets_413_at_once(server):
    with Raw(server.address) as connection:
        head = b"Content-Length: %d\r\nExpect: 100-continue\r\n" % (BODY_MAX + 1)
        connection.say(post(head, b""))
        answer = connection.hear_answer()
        assert answer.status == 413 and answer.json()["detail"]
        expect_end(connection)


def test_another_expectation_fails(server):
    with Raw(server.address) as connection:
        connection.say(post(b"Content-Length: 5\r\nExpect: a miracle\r\n"))
        answer = connection.hear_answer()
        assert answer.status == 417 and answer.json()["detail"]


# --- bodies ---
def test_a_body_over_its_route_s_limit_is_413(server, alice):
    body = b'{"name":"' + b"x" * 1_000_000 + b'"}'
    headers = (
        b"Authorization: Bearer %s\r\n" % alice.token.encode()
        + b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    )
    head = request(headers, method=b"PUT", target=b"/api/notebooks/blank/name")
    with Raw(server.address) as connection:
        connection.say(head, body, request())
        answer = connection.hear_answer()
        assert answer.status == 413 and answer.json()["detail"]
        assert answer.keeps
        assert connection.hear_answer().status == 200


def test_a_client_that_stops_reading_disturbs_nobody(server):
    with Raw(server.address, receive_buffer=4096) as mute:
        mute.say(request() * 1000)
        start = time.monotonic()
        with Raw(server.address) as connection:
            connection.say(request())
            assert connection.hear_answer().status == 200
        assert time.monotonic() - start < 1
        for _ in range(1000):
            assert mute.hear_answer().status == 200
