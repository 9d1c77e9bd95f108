"""api: a REST client that checks every answer against the contract."""

import http.client
import json
from dataclasses import dataclass, field
from urllib.parse import quote

from .contract import CONTRACT

NOTHING = object()
TIMEOUT_S = 30


def strict_json(text):
    """RFC 8259: no NaN, no Infinity, no member twice."""

    def no_constant(name):
        raise ValueError(f"{name} is not JSON")

    def no_duplicates(pairs):
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise ValueError(f"a member twice among {names}")
        return dict(pairs)

    return json.loads(text, parse_constant=no_constant, object_pairs_hook=no_duplicates)


@dataclass
class Request:
    method: str
    path: str
    body: bytes | None

    def json(self):
        return strict_json(self.body.decode())


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes
    header_list: list = field(default_factory=list)

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return strict_json(self.text)

    @property
    def detail(self):
        return self.json()["detail"]


def read_answer(response):
    headers = response.getheaders()
    by_name = {name.lower(): value for name, value in headers}
    return Answer(response.status, by_name, response.read(), headers)


def exchange(address, method, target, body=None, headers=()):
    """One request on a connection of its own; nothing is added to the headers but the length."""
    connection = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return read_answer(connection.getresponse())
    finally:
        connection.close()


def parse_range(value):
    """The three numbers of a Content-Range."""
    return tuple(
        int(n) for n in value.removeprefix("bytes ").replace("/", "-").split("-")
    )


class Api:
    """The server as one user sees it. `token` None signs nothing."""

    def __init__(self, server, token=None, origin=None):
        self.address = server.address
        self.token = token
        self.origin = origin

    def _headers(self, body, extra):
        headers = list(extra)
        if self.token is not None:
            headers.append(("Authorization", f"Bearer {self.token}"))
        if self.origin is not None:
            headers.append(("Origin", self.origin))
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        return headers

    def send(self, method, target, body=NOTHING, headers=()):
        """`body` is turned into JSON unless it is bytes. The answer is checked, whatever it is."""
        if body is NOTHING:
            raw = None
        else:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = exchange(
            self.address, method, target, raw, self._headers(raw, headers)
        )
        if method != "OPTIONS":
            request = Request(method, target.split("?", 1)[0], raw)
            CONTRACT.check_answer(request, answer)
        return answer

    def ok(self, method, target, body=NOTHING):
        answer = self.send(method, target, body)
        assert answer.status == 200, f"{answer.status}: {answer.text:.1000}"
        return answer.json()

    # --- the routes ---
    def list(self):
        return self.ok("GET", "/api/notebooks")["notebooks"]

    def create(self):
        return self.ok("POST", "/api/notebooks")["notebook_id"]

    def get(self, notebook):
        return self.ok("GET", f"/api/notebooks/{quote(notebook, safe='')}")

    def delete(self, notebook):
        return self.ok("DELETE", f"/api/notebooks/{notebook}")

    def rename(self, notebook, name):
        return self.ok("PUT", f"/api/notebooks/{notebook}/name", {"name": name})

    def set_connection(self, notebook, value):
        body = {"connection_string": value}
        return self.ok("PUT", f"/api/notebooks/{notebook}/db", body)

    def add_cell(self, notebook, kind="python", **more):
        body = {"type": kind, **more}
        return self.ok("POST", f"/api/notebooks/{notebook}/cells", body)["cell_id"]

    def save(self, notebook, cell, code, **more):
        body = {"code": code, **more}
        target = f"/api/notebooks/{notebook}/cells/{cell}"
        return self.ok("PUT", target, body)["revision"]

    def remove(self, notebook, cell):
        target = f"/api/notebooks/{notebook}/cells/{cell}"
        return self.ok("DELETE", target)["revision"]

    def move(self, notebook, cell, after):
        target = f"/api/notebooks/{notebook}/cells/{cell}/position"
        return self.ok("PUT", target, {"after_cell_id": after})

    def set(self, notebook, cell, **settings):
        target = f"/api/notebooks/{notebook}/cells/{cell}"
        return self.ok("PATCH", target, settings)["revision"]

    def run(self, notebook, cell, query=""):
        return self.ok("POST", f"/api/notebooks/{notebook}/cells/{cell}/run{query}")

    def snapshot(self, notebook):
        """Epoch, seq and state."""
        return self.ok("GET", f"/api/notebooks/{notebook}/events")

    def events(self, notebook, since, **query):
        more = "".join(f"&{name}={value}" for name, value in query.items())
        return self.ok("GET", f"/api/notebooks/{notebook}/events?since={since}{more}")

    def kernel(self, notebook):
        return self.ok("GET", f"/api/notebooks/{notebook}/kernel")

    def text(self, notebook, cell, span=None):
        """The answer; `span` is the value of a Range header."""
        target = f"/api/notebooks/{notebook}/cells/{cell}/text"
        return self.send("GET", target, headers=[("Range", span)] if span else ())

    def whole_text(self, notebook, cell):
        """Byte for byte, range by range."""
        whole, total = b"", None
        while total is None or len(whole) < total:
            answer = self.text(notebook, cell, f"bytes={len(whole)}-")
            if answer.headers.get("content-range") == "bytes */0":
                return b""
            assert answer.status == 206, f"{answer.status}: {answer.body[:300]}"
            first, last, total = parse_range(answer.headers["content-range"])
            assert (first, last + 1 - first) == (len(whole), len(answer.body))
            whole += answer.body
        return whole
