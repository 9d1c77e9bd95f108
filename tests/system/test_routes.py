"""What the router and the body decoder do, before any notebook is looked at."""

import http.client
import socket
import uuid
from urllib.parse import quote, urlsplit

import pytest

from lib.api import read_answer
from lib.contract import CONTRACT
from lib.issuer import ORIGIN
from lib.server import run_binary

NAME = "/api/notebooks/{notebook}/name"
DB = "/api/notebooks/{notebook}/db"
CELLS = "/api/notebooks/{notebook}/cells"
CELL = "/api/notebooks/{notebook}/cells/{cell}"
MIB = 1024 * 1024
CODE_MAX = 256 * 1024


@pytest.fixture
def place(api):
    """A notebook and its only cell, to be put into a path."""
    notebook = api.create()
    (cell,) = api.get(notebook)["cells"]
    return {"notebook": notebook, "cell": cell["id"]}


def raw_exchange(server, data):
    """Bytes as they are; the first answer, or None when the server just hung up."""
    with socket.create_connection(server.address, timeout=10) as s:
        s.sendall(data)
        response = http.client.HTTPResponse(s)
        try:
            response.begin()
            return read_answer(response)
        except (http.client.HTTPException, ConnectionError):
            return None


def test_the_printed_routes_are_those_of_the_schema():
    printed = run_binary("--print-routes")
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.splitlines() == CONTRACT.routes()


def test_every_reference_in_the_schema_leads_somewhere():
    def references(node):
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            if name == "$ref":
                yield value
            elif isinstance(value, (dict, list)):
                yield from references(value)

    for reference in references(CONTRACT.document):
        node = CONTRACT.document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_the_help_names_every_setting():
    printed = run_binary("--help")
    assert printed.returncode == 0
    for name in ("PORT", "HOST", "DATA_DIR", "ALLOWED_ORIGINS", "CLERK_JWKS_URL"):
        assert name in printed.stdout


@pytest.mark.parametrize(
    "environment, named",
    [
        ({"PORT": "many", "CLERK_JWKS_URL": "http://127.0.0.1:1/"}, "PORT"),
        ({"PORT": "70000", "CLERK_JWKS_URL": "http://127.0.0.1:1/"}, "PORT"),
        (
            {"CLERK_JWKS_TTL_S": "-1", "CLERK_JWKS_URL": "http://127.0.0.1:1/"},
            "CLERK_JWKS_TTL_S",
        ),
        ({"CLERK_JWKS_URL": "http://clerk.example/jwks.json"}, "CLERK_JWKS_URL"),
        ({"CLERK_JWT_KEY": "no key at all"}, "CLERK_JWT_KEY"),
        ({"CLERK_ISSUER": ""}, "CLERK_"),
    ],
)
def test_a_bad_setting_ends_the_start_and_is_named(tmp_path, environment, named):
    always = {"DATA_DIR": str(tmp_path / "data"), "CLERK_ISSUER": "http://127.0.0.1:1"}
    ended = run_binary(**{**always, **environment})
    assert ended.returncode not in (0, None)
    assert ended.returncode > 0, "a crash is not an answer"
    assert named in ended.stderr


def test_health_needs_no_token(server):
    assert server.api().ok("GET", "/health") == {"status": "ok"}


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/nothing", "/api/notebook", "/api/notebooks/a/b", "/health/x"],
)
def test_an_unknown_path_is_404(api, path):
    answer = api.send("GET", path)
    assert answer.status == 404
    assert answer.json() == {"detail": "Not Found"}


@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/health"),
        ("PUT", "/api/notebooks"),
        ("HEAD", "/api/notebooks/x/name"),
        ("HEAD", "/api/ws/notebooks/x"),
        ("PATCH", "/api/notebooks"),
        ("POST", "/api/notebooks/x"),
        ("GET", "/api/notebooks/x/name"),
        ("POST", "/api/notebooks/x/db"),
        ("GET", "/api/notebooks/x/cells"),
        ("POST", "/api/notebooks/x/cells/y"),
        ("BREW", "/api/notebooks"),
    ],
)
def test_a_wrong_method_is_405_and_the_right_ones_are_named(api, method, path):
    answer = api.send(method, path)
    assert answer.status == 405
    allowed = set(answer.headers["allow"].split(", "))
    assert allowed == takes(path) and method not in allowed


def takes(path):
    """Its methods by the schema; HEAD goes with GET, but for a WebSocket."""
    methods = CONTRACT.methods(path)
    if "GET" in methods and not path.startswith("/api/ws/"):
        return methods | {"HEAD"}
    return methods


@pytest.mark.parametrize("path", ["/health", "/api/notebooks", "/api/notebooks/demo"])
def test_head_is_get_without_the_body(server, api, path):
    get = api.send("GET", path)
    head = api.send("HEAD", path)
    assert (head.status, head.body) == (get.status, b"") == (200, b"")
    assert head.headers["content-length"] == str(len(get.body))
    assert head.headers["content-type"] == get.headers["content-type"]
    if path != "/health":
        assert server.api().send("HEAD", path).status == 401


def test_head_leaves_the_connection_in_step(server, alice):
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    headers = {"Authorization": f"Bearer {alice.token}"}
    for path in ("/api/notebooks", "/health", "/nothing", "/api/ws/notebooks/x"):
        connection.request("HEAD", path, headers=headers)
        answer = connection.getresponse()
        assert answer.read() == b"" and int(answer.headers["content-length"]) > 0
        connection.request("GET", "/health")
        assert read_answer(connection.getresponse()).json() == {"status": "ok"}
    connection.close()


@pytest.mark.parametrize(
    "path", ["/health", "/api/notebooks", "/api/notebooks/x", "/api/notebooks/x/name"]
)
def test_options_names_the_methods_of_a_known_path(server, path):
    answer = server.api().send("OPTIONS", path)
    assert (answer.status, answer.body) == (204, b"")
    assert set(answer.headers["allow"].split(", ")) == takes(path)
    with_origin = server.api(origin=ORIGIN).send("OPTIONS", path)  # no preflight yet
    assert with_origin.status == 204
    assert with_origin.headers["access-control-allow-origin"] == ORIGIN


def test_options_of_an_unknown_path_is_404_and_of_the_server_204(server):
    assert server.api().send("OPTIONS", "/api/nothing").status == 404
    answer = server.api().send("OPTIONS", "*")
    assert answer.status == 204
    assert {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    "path", ["/api/notebooks/", "/api/notebooks/x/", "/api/notebooks/x/cells/?a=1"]
)
def test_a_trailing_slash_is_redirected(api, path):
    answer = api.send("GET", path)
    assert answer.status == 307
    location = urlsplit(answer.headers["location"])
    wanted = urlsplit(path)
    assert location.path == wanted.path.rstrip("/")
    assert location.query == wanted.query
    assert location.netloc in ("", f"127.0.0.1:{api.address[1]}")


def test_a_double_slash_never_redirects_to_another_host(api):
    answer = api.send("GET", "//evil.example/")
    assert "evil.example" not in urlsplit(answer.headers.get("location", "")).netloc


@pytest.mark.parametrize(
    "path",
    [
        "/api/notebooks/a%2Fb",
        "/api/notebooks/a%00",
        "/api/notebooks/a%zz",
        "/api/notebooks/a%",
        "/api/notebooks/%ff",
        "/api/notebooks/..",
        "/api/notebooks/%2e%2e",
    ],
)
def test_a_malformed_path_reaches_no_notebook(api, path):
    assert api.send("GET", path).status in (400, 404)


def test_an_endless_path_is_414(api):
    answer = api.send("GET", "/api/notebooks/" + "x" * 20_000)
    assert answer.status == 414
    assert isinstance(answer.detail, str)


def test_an_escaped_path_is_the_same_path(api, place):
    escaped = "".join(f"%{ord(c):02x}" for c in place["notebook"])
    answer = api.send("GET", f"/api/notebooks/{escaped}")
    assert answer.status == 200
    assert answer.json()["id"] == place["notebook"]


# --- bodies ---
NOT_JSON = [b"", b"{", b'{"name": }', b'{"name": "a"} x', b'{"name": "\xff"}', b"NaN"]
NOT_JSON += [b"{'name': 'a'}", b'{"name": "a",}', b'\xef\xbb\xbf{"name": "a"}']
NOT_OBJECTS = [b"[]", b"5", b"null", b'"name"', b"true", b'[{"name": "a"}]']


@pytest.mark.parametrize("body", NOT_JSON)
def test_a_body_that_is_no_json_is_422(api, place, body):
    answer = api.send("PUT", NAME.format(**place), body)
    assert answer.status == 422
    (problem,) = answer.detail
    if body == b"":
        assert (problem["type"], problem["loc"]) == ("missing", ["body"])
        assert problem["msg"] == "Field required"
    else:
        assert problem["type"] == "json_invalid"
        assert problem["msg"].startswith("JSON decode error")


@pytest.mark.parametrize("body", NOT_OBJECTS)
def test_a_body_that_is_no_object_is_422(api, place, body):
    answer = api.send("PUT", NAME.format(**place), body)
    assert answer.status == 422
    assert answer.detail[0]["loc"] == ["body"]


@pytest.mark.parametrize(
    "method, path, field",
    [
        ("PUT", NAME, "name"),
        ("PUT", DB, "connection_string"),
        ("POST", CELLS, "type"),
        ("PUT", CELL, "code"),
    ],
)
def test_a_missing_field_is_422_and_named(api, place, method, path, field):
    for body in ({}, {"other": 1}, {field.upper(): "a"}):
        answer = api.send(method, path.format(**place), body)
        assert answer.status == 422
        (problem,) = answer.detail
        assert problem["type"] == "missing"
        assert problem["loc"] == ["body", field]
        assert problem["msg"] == "Field required"


@pytest.mark.parametrize(
    "method, path, field",
    [
        ("PUT", NAME, "name"),
        ("PUT", DB, "connection_string"),
        ("PUT", CELL, "code"),
    ],
)
@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}, ["a"]])
def test_a_field_of_another_type_is_422(api, place, method, path, field, value):
    answer = api.send(method, path.format(**place), {field: value})
    assert answer.status == 422
    (problem,) = answer.detail
    assert problem["type"] == "string_type"
    assert problem["loc"] == ["body", field]
    assert problem["msg"] == "Input should be a valid string"


@pytest.mark.parametrize("kind", ["markdown", "Python", "", None, 5, ["python"]])
def test_a_cell_of_an_unknown_type_is_422(api, place, kind):
    answer = api.send("POST", CELLS.format(**place), {"type": kind})
    assert answer.status == 422
    (problem,) = answer.detail
    assert problem["loc"] == ["body", "type"]
    if isinstance(kind, str):
        assert problem["msg"] == "Input should be 'python' or 'sql'"
    assert len(api.get(place["notebook"])["cells"]) == 1


@pytest.mark.parametrize("value", ["1", 1.5, True, [], 2**70])
def test_a_revision_that_is_no_integer_is_422(api, place, value):
    body = {"code": "x = 1", "expected_revision": value}
    answer = api.send("PUT", CELL.format(**place), body)
    assert answer.status == 422
    assert answer.detail[0]["loc"] == ["body", "expected_revision"]
    assert api.get(place["notebook"])["cells"][0]["code"] == ""


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": "\\ud800"}',
        b'{"code": "\\u0000"}',
        b'{"code": "a", "code": "b"}',
        b'{"code": "a", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"code": "a", "x": 1e999}',
    ],
)
def test_json_that_cannot_be_kept_is_refused(api, place, body):
    assert api.send("PUT", CELL.format(**place), body).status in (413, 422)
    assert api.get(place["notebook"])["cells"][0]["code"] == ""


def test_unknown_fields_are_ignored(api, place):
    body = {"name": "Sales", "colour": "red", "cells": [{}], "é": None}
    assert api.ok("PUT", NAME.format(**place), body)["name"] == "Sales"


def test_a_body_that_nobody_asked_for_is_ignored(api):
    for body in (b"{", b"[]", b'{"name": "x"}'):
        answer = api.send("POST", "/api/notebooks", body)
        assert answer.status == 200
        assert api.get(answer.json()["notebook_id"])["name"] is None


def test_code_up_to_the_limit_is_kept_and_over_it_is_413(api, place):
    at_the_limit = "#" * CODE_MAX
    api.ok("PUT", CELL.format(**place), {"code": at_the_limit})
    answer = api.send("PUT", CELL.format(**place), {"code": at_the_limit + "#"})
    assert answer.status == 413
    assert api.get(place["notebook"])["cells"][0]["code"] == at_the_limit


@pytest.mark.parametrize("path, field", [(NAME, "name"), (DB, "connection_string")])
def test_a_string_that_is_too_long_is_413(api, place, path, field):
    answer = api.send("PUT", path.format(**place), {field: "x" * 100_000})
    assert answer.status == 413
    notebook = api.get(place["notebook"])
    assert (notebook["name"], notebook["db_conn_string"]) == (None, None)


def test_a_huge_body_is_413_before_it_is_sent(server, alice, place):
    head = (
        f"PUT {NAME.format(**place)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {alice.token}\r\nContent-Length: {512 * MIB}\r\n\r\n"
    )
    answer = raw_exchange(server, head.encode())
    assert answer.status == 413
    assert isinstance(answer.detail, str)


@pytest.mark.parametrize(
    "head",
    [
        "GET /health HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /health HTTP/1.1\nHost: a\n\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "GET http://localhost/health HTTP/1.1\r\nHost: a\r\n\r\n",
        "nonsense\r\n\r\n",
    ],
)
def test_a_malformed_head_is_400(server, head):
    answer = raw_exchange(server, head.encode())
    assert answer is not None and answer.status == 400
    assert server.api().ok("GET", "/health") == {"status": "ok"}


def test_a_chunked_body_is_411(server, alice, place):
    request = (
        f"PUT {NAME.format(**place)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {alice.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
        '8\r\n{"name":\r\n4\r\n"a"}\r\n0\r\n\r\n'
    )
    answer = raw_exchange(server, request.encode())
    assert answer.status == 411
    assert isinstance(answer.detail, str)


# --- unknown ids, and what is looked at first ---
@pytest.mark.parametrize(
    "notebook", [str(uuid.uuid4()), "x", "ünïcode", "a'b", "demo2"]
)
def test_an_unknown_notebook_is_404_and_named(api, notebook):
    target = f"/api/notebooks/{quote(notebook)}"
    text = (
        f"Notebook '{notebook}' not found."
        " It may have been deleted or you don't have access to it."
    )
    requests = [
        ("GET", target, None),
        ("DELETE", target, None),
        ("PUT", f"{target}/name", {"name": "a"}),
        ("PUT", f"{target}/db", {"connection_string": "a"}),
        ("POST", f"{target}/cells", {"type": "python"}),
        ("PUT", f"{target}/cells/c", {"code": "a"}),
        ("DELETE", f"{target}/cells/c", None),
    ]
    for method, path, body in requests:
        answer = api.send(method, path, *([] if body is None else [body]))
        assert (answer.status, answer.detail) == (404, text), f"{method} {path}"


@pytest.mark.parametrize("cell", [str(uuid.uuid4()), "x", "0"])
def test_an_unknown_cell_is_400_and_named(api, place, cell):
    target = CELL.format(notebook=place["notebook"], cell=cell)
    for method, body in (("PUT", [{"code": "a"}]), ("DELETE", [])):
        answer = api.send(method, target, *body)
        assert (answer.status, answer.detail) == (400, f"Cell {cell} not found")


def test_a_cell_cannot_follow_an_unknown_one(api, place):
    body = {"type": "python", "after_cell_id": "nothing"}
    answer = api.send("POST", CELLS.format(**place), body)
    assert (answer.status, answer.detail) == (404, "Cell 'nothing' not found")


def test_the_token_is_looked_at_before_the_body_and_that_before_the_notebook(
    server, api, new_user
):
    nowhere = NAME.format(notebook="nowhere")
    assert server.api().send("PUT", nowhere, b"{").status == 401
    assert api.send("PUT", nowhere, b"{").status == 422
    assert api.send("PUT", nowhere, {"name": "a"}).status == 404
    theirs = server.api(new_user().token).create()
    target = CELL.format(notebook=theirs, cell="nothing")
    assert api.send("PUT", target, b"{").status == 422
    assert api.send("PUT", target, {"code": "a"}).status == 403
