"""Clients that are mute, slow, many or half gone: the others notice nothing, and when they are gone everything is as
before. And a server that is asked to stop. (Deadlines of single connections: tests/unit/server/http_limits.c.)"""

import os
import socket as sockets
import threading
import time
from pathlib import Path

import pytest

from lib.api import exchange
from lib.book import Book
from lib.channel import Channel
from lib.server import SANITIZER_BYTES
from lib.ws import Socket

MIB = 1 << 20
SMALL_BUFFERS = [(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 16 * 1024)]
PROMPT_S = 1.0  # for an answer that takes a millisecond, on a machine that is busy
HEAD_S = 10  # a request's head must be there by then


@pytest.fixture
def alone(own_server, issuer):
    """A server of the test's own: it counts its descriptors and its memory."""
    return own_server(issuer)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def resident_bytes(server):
    statm = Path(f"/proc/{server.process.pid}/statm").read_text()
    return int(statm.split()[1]) * os.sysconf("SC_PAGESIZE")


def cpu_s(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1]
    return sum(int(n) for n in fields.split()[11:13]) / os.sysconf("SC_CLK_TCK")


def wait_until(true, seconds, what):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def connect(server, data=b"", options=()):
    s = sockets.socket()
    for option in options:
        s.setsockopt(*option)
    s.settimeout(30)
    s.connect(server.address)
    s.sendall(data)
    return s


def head(method, path, user, more=""):
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {user.token}\r\n{more}\r\n"
    ).encode()


class Watch:
    """Looks, all the time, whether somebody who behaves is served as if nothing were."""

    def __init__(self, book):
        self.book, self.slowest, self.count, self.failure = book, 0.0, 0, None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        try:
            while not self.stopped.is_set():
                started = time.monotonic()
                self.book.api.get(self.book.id)
                self.slowest = max(self.slowest, time.monotonic() - started)
                self.count += 1
                time.sleep(0.01)
        except BaseException as failure:
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        assert self.failure is None, self.failure
        assert self.count > 0 and self.slowest < PROMPT_S, f"{self.slowest:.2f} s"


# --- many that misbehave ---
def test_slow_heads_disturb_nobody_and_end(alone, alice):
    book = Book(alone, alice)
    before = descriptors(alone)
    with Watch(book):
        slow = [connect(alone, b"GET /health HT") for _ in range(200)]
        started = time.monotonic()
        while time.monotonic() - started < HEAD_S - 2:
            for s in slow:
                s.sendall(b"T")
            time.sleep(1)
        wait_until(
            lambda: descriptors(alone) <= before + 1, HEAD_S, "slow clients were kept"
        )
    for s in slow:
        s.close()


def test_clients_that_do_not_read_answers_disturb_nobody(alone, alice):
    book = Book(alone, alice)
    cell = book.add("print('x' * 1_000_000)\n'y' * 1_000_000")
    book.api.run(book.id, cell, "?wait=1")
    book.api.get(book.id)
    before = descriptors(alone)
    request = head("GET", f"/api/notebooks/{book.id}", alice)
    with Watch(book):
        stalled = [connect(alone, request, SMALL_BUFFERS) for _ in range(20)]
        time.sleep(1)
    grown = resident_bytes(alone)
    for s in stalled:
        s.close()
    wait_until(lambda: descriptors(alone) <= before + 1, 5, "descriptors were kept")
    assert resident_bytes(alone) <= grown + MIB + SANITIZER_BYTES


def test_mute_clients_of_both_versions_disturb_nobody(alone, alice):
    book = Book(alone, alice)
    tab = book.open()
    cell = book.add("print('x' * 900_000)")
    tab.run_to_end(cell)
    before = descriptors(alone)
    mute = [
        how(alone, book.id, alice.token, sockopt=SMALL_BUFFERS)
        for how in [Channel.open] * 10 + [Socket.by_message] * 10
    ]
    with Watch(book):
        for _ in range(10):
            assert tab.run_to_end(cell)["status"] == "success"
    for client in mute:
        client.drop()
    wait_until(lambda: descriptors(alone) <= before + 1, 10, "descriptors were kept")
    book.check()
    tab.close()


def test_memory_returns_when_slow_clients_go(alone, alice):
    """As much again as the first time takes no more than the first time did."""
    book = Book(alone, alice)
    tab = book.open()
    cell = book.add("print('x' * 900_000)")

    def once():
        slow = [Socket.by_message(alone, book.id, alice.token) for _ in range(10)]
        for _ in range(5):
            tab.run_to_end(cell)
        for client in slow:
            client.drop()
        tab.command("ping")

    for _ in range(2):
        once()
    before = resident_bytes(alone)
    for _ in range(4):
        once()
    assert resident_bytes(alone) < before + 24 * MIB + SANITIZER_BYTES
    tab.close()


def test_a_half_closed_client_gets_its_answer(alone, alice):
    book = Book(alone, alice)
    s = connect(alone, head("GET", f"/api/notebooks/{book.id}", alice))
    s.shutdown(sockets.SHUT_WR)
    answer = b""
    while chunk := s.recv(65536):
        answer += chunk
    assert answer.startswith(b"HTTP/1.1 200") or answer == b""
    s.close()
    assert book.api.get(book.id)


def test_a_half_closed_websocket_is_closed(alone, alice):
    book = Book(alone, alice)
    other = book.open()
    before = descriptors(alone)
    tab = book.open()
    other.wait(lambda e: e["type"] == "presence" and len(e["connections"]) == 2)
    tab.connection.sock.shutdown(sockets.SHUT_WR)
    other.wait(lambda e: e["type"] == "presence" and len(e["connections"]) == 1)
    tab.until_closed()
    wait_until(lambda: descriptors(alone) <= before, 8, "its descriptor was kept")
    other.close()


def test_thousands_that_come_and_go_leave_nothing(alone, alice):
    book = Book(alone, alice)
    tab = book.open()

    def once():
        for n in range(300):
            s = connect(
                alone, head("GET", f"/api/ws/notebooks/{book.id}", alice)[: n * 2]
            )
            s.close()
        wait_until(lambda: descriptors(alone) <= before + 2, 5, "descriptors were kept")

    before = descriptors(alone)
    once()
    grown = resident_bytes(alone)
    for _ in range(4):
        once()
    assert resident_bytes(alone) < grown + 8 * MIB + SANITIZER_BYTES
    tab.command("ping")
    tab.close()


# --- no descriptors left ---
def test_without_descriptors_those_who_are_there_are_served(alone, alice):
    poor, book = alone, Book(alone, alice)
    tab = book.open()
    cell = book.add("1")
    assert tab.run_to_end(cell)["status"] == "success"
    before = descriptors(poor)
    poor.limit_files(before + 20)
    crowd = []
    for _ in range(200):
        s = sockets.socket()
        s.setblocking(False)
        s.connect_ex(poor.address)
        crowd.append(s)
    time.sleep(0.5)
    spent = cpu_s(poor)
    for _ in range(10):
        assert tab.run_to_end(cell)["status"] == "success"
        time.sleep(0.1)
    assert cpu_s(poor) - spent < 0.7, "it spins"
    for s in crowd:
        s.close()
    wait_until(lambda: descriptors(poor) <= before + 2, 15, "descriptors were kept")
    assert exchange(poor.address, "GET", "/health").status == 200
    tab.close()


# --- SIGTERM ---
STOP_S = 25


def answer_of(s):
    data = b""
    while chunk := s.recv(65536):
        data += chunk
    return data


def test_while_it_stops_health_says_so_and_requests_finish(alone, alice):
    book = Book(alone, alice)
    cell = book.add("print('in', flush=True)\nimport time\ntime.sleep(60)")
    tab = book.open()
    body = b'{"name": "renamed at the last moment"}'
    begun = head(
        "PUT",
        f"/api/notebooks/{book.id}/name",
        alice,
        f"Content-Length: {len(body)}\r\n",
    )
    rename = connect(alone, begun + body[:10])
    health = connect(alone, b"GET /health HTTP/1.1\r\nHost: loc")
    waits = connect(
        alone,
        head(
            "POST",
            f"/api/notebooks/{book.id}/cells/{cell}/run?wait=1",
            alice,
            "Content-Length: 0\r\n",
        ),
    )
    tab.wait_for("cell_stdout", cell)
    started = time.monotonic()
    alone.terminate()
    assert tab.until_closed()[0] == 1012
    health.sendall(b"alhost\r\n\r\n")
    said = answer_of(health)
    assert said.startswith(b"HTTP/1.1 503") and b'"detail"' in said, said
    with pytest.raises(OSError):
        connect(alone)
    rename.sendall(body[10:])
    assert answer_of(rename).startswith(b"HTTP/1.1 200")
    assert answer_of(waits).startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
    alone.wait_stopped()
    assert time.monotonic() - started < STOP_S
    alone.restart()
    notebook = alone.api(alice.token).get(book.id)
    assert notebook["name"] == "renamed at the last moment"
    assert notebook["cells"][0]["status"] == "error"


@pytest.mark.parametrize("how", [Channel.open, Socket.by_message])
def test_a_slow_socket_gets_what_is_queued_before_the_end(alone, alice, how):
    book = Book(alone, alice)
    tab = book.open()
    cell = book.add("print('x' * 600_000)")
    slow = how(alone, book.id, alice.token, sockopt=SMALL_BUFFERS)
    tab.run_to_end(cell)
    time.sleep(0.2)
    alone.terminate()
    assert slow.until_closed()[0] == 1012
    text = "".join(e["data"] for e in slow.events if e["type"] == "cell_stdout")
    assert text == "x" * 600_000 + "\n"
    alone.wait_stopped()
