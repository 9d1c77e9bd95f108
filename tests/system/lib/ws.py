"""ws: a WebSocket client that checks every frame against the contract, in both directions."""

import json
import time
from urllib.parse import quote

import websocket

from .api import strict_json
from .contract import CONTRACT

# Registered after the library was written (IANA, "WebSocket Close Code Number Registry").
websocket._abnf.VALID_CLOSE_STATUS += (1012, 1013, 1014)

TIMEOUT_S = 30
ABNORMAL = 1006  # RFC 6455 7.4.1: the connection ended without a close frame


class Closed(Exception):
    """The connection has ended; `code` and `reason` are the server's."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


class Timeout(AssertionError):
    """Nothing came in time."""


def handshake(server, notebook, query="", headers=(), origin=None, sockopt=()):
    """Opens; raises websocket.WebSocketBadStatusException when it is refused."""
    url = f"ws://127.0.0.1:{server.port}/api/ws/notebooks/{quote(notebook, safe='')}"
    connection = websocket.WebSocket(sockopt=list(sockopt))
    options = {"origin": origin} if origin else {"suppress_origin": True}
    connection.connect(url + query, header=list(headers), timeout=TIMEOUT_S, **options)
    return connection


class Socket:
    """One connection. `events` is all that came, in order."""

    client_union, server_union = "ClientMessage", "ServerEvent"  # of the contract

    def __init__(self, connection):
        self.connection = connection
        self.events = []
        self.closed = None

    # --- the ways to sign in ---
    @classmethod
    def silent(cls, server, notebook, **options):
        """Connected, not signed in."""
        return cls(handshake(server, notebook, **options))

    @classmethod
    def by_message(cls, server, notebook, token, **options):
        socket = cls.silent(server, notebook, **options)
        socket.send({"type": "authenticate", "token": token})
        socket.wait_for("authenticated")
        return socket

    @classmethod
    def by_query(cls, server, notebook, token, **options):
        query = f"?token={quote(token, safe='')}"
        return cls(handshake(server, notebook, query, **options))

    @classmethod
    def by_header(cls, server, notebook, token, **options):
        headers = [f"Authorization: Bearer {token}"]
        socket = cls(handshake(server, notebook, headers=headers, **options))
        socket.wait_for("authenticated")
        return socket

    # --- sending ---
    def send(self, message):
        CONTRACT.check_message(message, self.client_union)
        self.send_text(json.dumps(message))

    def send_text(self, text):
        """Whatever it is."""
        self.connection.send(text)

    def run(self, cell):
        self.send({"type": "run_cell", "cellId": cell})

    # --- receiving ---
    def next(self, timeout=TIMEOUT_S):
        """The next event; raises Closed or Timeout."""
        if self.closed is not None:
            raise self.closed
        self.connection.settimeout(max(timeout, 0.001))
        try:
            opcode, data = self.connection.recv_data()
        except websocket.WebSocketTimeoutException:
            raise Timeout(f"nothing in {timeout:.1f} s; so far {self.summary()}")
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            return self._end(Closed(ABNORMAL))
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            code = int.from_bytes(data[:2], "big") if data else 1005
            return self._end(Closed(code, data[2:].decode("utf-8")))
        assert opcode == websocket.ABNF.OPCODE_TEXT, f"opcode {opcode}"
        event = strict_json(data.decode("utf-8"))
        CONTRACT.check_event(event, self.server_union)
        self.events.append(event)
        return event

    def _end(self, closed):
        self.closed = closed
        self.connection.shutdown()
        raise closed

    def wait(self, wanted, timeout=TIMEOUT_S):
        """The first event that `wanted` is true of; everything before it is in `events`."""
        deadline = time.monotonic() + timeout
        while True:
            event = self.next(deadline - time.monotonic())
            if wanted(event):
                return event

    def wait_for(self, kind, cell=None, timeout=TIMEOUT_S):
        return self.wait(
            lambda e: e["type"] == kind and cell in (None, e.get("cellId")), timeout
        )

    def wait_final(self, cell, timeout=TIMEOUT_S):
        """The status with which the cell's run has ended."""
        final = self.wait(lambda e: is_final(e) and e["cellId"] == cell, timeout)
        return final["status"]

    def until_closed(self, timeout=TIMEOUT_S):
        """Reads to the end; (code, reason)."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.next(deadline - time.monotonic())
        except Closed as closed:
            return closed.code, closed.reason

    def close(self):
        """Politely; fine when it is closed already."""
        if self.closed is None:
            self.connection.close(timeout=1)
            self.closed = Closed(1000)

    def drop(self):
        """As a client that loses its network."""
        self.closed = Closed(ABNORMAL)
        self.connection.shutdown()

    def summary(self):
        return [
            (e["type"], (e.get("cellId") or "")[:8], e.get("status", ""))
            for e in self.events
        ]


def is_final(event):
    return event["type"] == "cell_status" and event["status"] != "running"
