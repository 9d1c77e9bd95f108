"""channel: a WebSocket client of version 2. It checks every frame against the contract, keeps a mirror of the
notebook, and pairs commands with their answers."""

import itertools
import json
import time
from urllib.parse import quote

from .contract import CONTRACT
from .mirror import KINDS, Mirror
from .ws import TIMEOUT_S, Socket, Timeout, handshake

SETTLE_S = 60


class Refused(Exception):
    """A command was refused."""

    def __init__(self, message):
        super().__init__(f"{message['code']}: {message['message']}")
        self.code = message["code"]
        self.message = message


class Channel(Socket):
    """One connection. `mirror` may be that of an earlier one, which is then gone on with."""

    client_union, server_union = "ClientMessage2", "ServerEvent2"

    def __init__(self, connection, mirror=None):
        super().__init__(connection)
        self.mirror = mirror or Mirror()
        self.hello = None
        self.asked, self.answers = {}, {}
        self.ids = itertools.count(1)

    # --- signing in ---
    @classmethod
    def open(cls, server, notebook, token, mirror=None, more=(), **options):
        """By message. With a mirror: from where that is."""
        channel = cls(handshake(server, notebook, **options), mirror)
        channel.say_hello(token, **channel.place(), **dict(more))
        return channel.begin()

    @classmethod
    def by_header(cls, server, notebook, token, mirror=None, **options):
        headers = [f"Authorization: Bearer {token}"]
        query = cls.query(mirror)
        return cls(
            handshake(server, notebook, query, headers, **options), mirror
        ).begin()

    @classmethod
    def by_query(cls, server, notebook, token, mirror=None, **options):
        query = f"{cls.query(mirror)}&token={quote(token, safe='')}"
        return cls(handshake(server, notebook, query, **options), mirror).begin()

    @staticmethod
    def query(mirror):
        if mirror is None:
            return "?v=2"
        return f"?v=2&since={mirror.seq}&epoch={mirror.epoch}"

    def place(self):
        if self.mirror.seq is None:
            return {}
        return {"since": self.mirror.seq, "epoch": self.mirror.epoch}

    def say_hello(self, token, **more):
        self.send({"type": "authenticate", "token": token, "v": 2, **more})

    def begin(self):
        """The greeting, in its order."""
        self.hello = self.expect("authenticated")
        self.kernel = self.expect("kernel_state")
        self.present = self.expect("presence")
        if self.hello["resume"] == "snapshot":
            self.wait(lambda e: e["type"] not in ("kernel_state", "presence"))
            assert self.events[-1]["type"] == "snapshot", self.summary()
        return self

    def expect(self, kind):
        event = self.next()
        assert event["type"] == kind, f"{event!r:.300} where {kind} should have come"
        return event

    # --- receiving ---
    def next(self, timeout=TIMEOUT_S):
        event = super().next(timeout)
        kind = event["type"]
        if kind in KINDS:
            self.mirror.apply(event)
        elif kind == "snapshot":
            self._load(event)
        elif kind == "kernel_state":
            self.kernel = event
        elif kind == "presence":
            self.present = event
        elif kind in ("reply", "refused"):
            self._answered(event)
        return event

    def _load(self, event):
        here = (self.mirror.epoch, self.mirror.seq)
        assert here[0] != event["epoch"] or event["seq"] >= here[1], (
            here,
            event["seq"],
        )
        self.mirror.load(event["epoch"], event["seq"], event["notebook"], event["run"])

    def _answered(self, event):
        number = event["id"]
        if number is None:
            return
        assert number in self.asked, f"an answer to nothing: {event!r:.300}"
        assert number not in self.answers, f"a second answer: {event!r:.300}"
        if event["type"] == "reply" and self.asked[number] is not None:
            CONTRACT.check_result(self.asked[number], event["result"])
        self.answers[number] = event

    # --- commands ---
    def ask(self, kind, **members):
        """Sends, and does not wait; the message's id."""
        number = members.pop("id", None) or next(self.ids)
        self.asked[number] = kind
        self.send({"type": kind, **members, "id": number})
        return number

    def ask_anything(self, message):
        """Whatever it is; the answer."""
        number = message.get("id")
        self.answers.pop(number, None)
        self.asked[number] = None
        self.send_text(json.dumps(message))
        return self.wait(lambda e: e["type"] in ("reply", "refused"))

    def answer(self, number, timeout=TIMEOUT_S):
        """The result; raises Refused."""
        deadline = time.monotonic() + timeout
        while number not in self.answers:
            self.next(deadline - time.monotonic())
        message = self.answers[number]
        if message["type"] == "refused":
            raise Refused(message)
        return message["result"]

    def command(self, kind, timeout=TIMEOUT_S, **members):
        return self.answer(self.ask(kind, **members), timeout)

    def run_to_end(self, cell, timeout=TIMEOUT_S):
        """What a run with `wait` is answered with."""
        return self.command("run_cell", timeout, cellId=cell, wait=True)

    # --- waiting ---
    def reach(self, seq, timeout=TIMEOUT_S):
        """Until everything up to the event has come."""
        deadline = time.monotonic() + timeout
        while self.mirror.seq < seq:
            self.next(deadline - time.monotonic())

    def numbered(self, kind=None):
        return [e for e in self.events if e["type"] in ([kind] if kind else KINDS)]

    def wait_kernel(self, state, timeout=TIMEOUT_S):
        deadline = time.monotonic() + timeout
        while self.kernel["state"] != state:
            self.next(deadline - time.monotonic())
        return self.kernel

    def rest(self, timeout=TIMEOUT_S):
        """Until nothing runs any more."""
        deadline = time.monotonic() + timeout
        while self.mirror.run is not None:
            self.next(deadline - time.monotonic())

    def nothing(self, seconds=0.2):
        """Nothing but what is true now: a kernel may just have started, another tab have closed."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                event = self.next(deadline - time.monotonic())
                if event["type"] not in ("kernel_state", "presence"):
                    break
        except Timeout:
            return
        raise AssertionError(f"something came: {event!r:.300}")

    def check_mirror(self, api, notebook, timeout=SETTLE_S):
        """Once nothing happens any more, what the events have told is what the server says it is."""
        deadline = time.monotonic() + timeout
        while True:
            state = api.snapshot(notebook)
            self.reach(state["seq"], deadline - time.monotonic())
            if self.mirror.seq == state["seq"]:
                break
            assert time.monotonic() < deadline, "it never rests"
        assert state["epoch"] == self.mirror.epoch
        difference = self.mirror.difference(state["snapshot"]["notebook"])
        assert not difference, f"{difference!r:.3000}"
        return state
