"""The verbs of version 2 over REST: what a program without a WebSocket would want."""

import http.client
import threading
import time
import uuid

import pytest

from lib.api import parse_range
from lib.book import Book
from lib.channel import Channel

MIB = 1 << 20
ANSWER_MAX = 4 * MIB
CLIENT_MAX = 2 * MIB  # what a client gets of a run's text
NOBODY = str(uuid.uuid4())


def post(book, rest, *body):
    return book.api.ok("POST", book.path(rest), *body)


def status(book, method, rest, *body):
    return book.api.send(method, book.path(rest), *body).status


# --- running ---
def test_a_cell_is_run_and_the_answer_says_what_runs(book, tab):
    a, b = book.add("a = 1"), book.add("b = a")
    answer = book.api.run(book.id, a)
    assert answer["status"] == "ok"
    assert answer["plan"] == [
        {"cellId": a, "reason": "asked"},
        {"cellId": b, "reason": "descendant"},
    ]
    tab.wait_for("plan_ended")
    assert tab.mirror.cell(b)["status"] == "success"
    assert 0 < answer["seq"] <= tab.mirror.seq


def test_with_wait_the_answer_has_the_results(book):
    a, b = book.add("a = 6 * 7\nprint('x')"), book.add("a")
    answer = book.api.run(book.id, a, "?wait=1")
    assert answer["status"] == "success"
    assert [c["id"] for c in answer["cells"]] == [a, b]
    assert answer["cells"][0]["stdout"] == "x\n"
    assert answer["cells"][1]["outputs"][0]["data"] == "42"
    assert answer["cells"] == book.state()["cells"]
    assert answer["seq"] == book.api.snapshot(book.id)["seq"]


def test_without_wait_it_does_not_wait(book, tab):
    cell = book.add("import time\ntime.sleep(1)")
    started = time.monotonic()
    assert "plan" in book.api.run(book.id, cell, "?wait=0")
    assert time.monotonic() - started < 0.9
    tab.wait_for("plan_ended")


@pytest.mark.parametrize(
    "code, expected", [("1 / 0", "error"), ("import os\nos._exit(1)", "died")]
)
def test_with_wait_a_bad_end_is_told(book, code, expected):
    assert book.api.run(book.id, book.add(code), "?wait=1")["status"] == expected


def test_with_wait_an_interrupt_is_told_to_who_waits(book, tab):
    cell = book.add("print('in', flush=True)\nwhile True: pass")
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(book.api.run(book.id, cell, "?wait=1"))
    )
    thread.start()
    tab.wait_for("cell_stdout", cell)
    assert post(book, "interrupt") == {"status": "ok"}
    thread.join(10)
    assert [a["status"] for a in answers] == ["interrupted"]


def test_a_long_run_is_answered_before_a_load_balancer_gives_up(
    own_server, issuer, alice
):
    book = Book(own_server(issuer, RUN_WAIT_MS="300"), alice)
    cell = book.add("import time\ntime.sleep(1)\n42")
    answer = book.api.run(book.id, cell, "?wait=1")
    assert (answer["status"], answer["cells"]) == ("running", [])
    later = []
    while not any(e["type"] == "plan_ended" for e in later):
        time.sleep(0.05)
        later = book.api.events(book.id, answer["seq"])["events"]
    assert all(e["seq"] > answer["seq"] for e in later)
    assert [e["output"]["data"] for e in later if e["type"] == "cell_output"] == ["42"]


def test_all_or_what_is_stale_is_run(book, tab):
    a, b = book.add("a = 1"), book.add("b = 2")
    first = post(book, "run?wait=1")
    assert [c["id"] for c in first["cells"]] == [a, b]
    assert post(book, "run?wait=1", {"scope": "stale"})["cells"] == []
    book.edit(b, "b = 3")
    stale = post(book, "run?wait=1", {"scope": "stale"})
    assert [c["id"] for c in stale["cells"]] == [b]
    assert len(post(book, "run", {"scope": "all"})["plan"]) == 2
    assert len(post(book, "run?wait=1", {})["cells"]) == 2


def test_a_disabled_cell_cannot_be_run(book):
    cell = book.add("1")
    book.api.set(book.id, cell, disabled=True)
    assert status(book, "POST", f"cells/{cell}/run") == 409


@pytest.mark.parametrize("query", ["?wait=2", "?wait=yes", "?wait=", "?wait=1&wait=0"])
def test_a_query_of_nonsense_is_refused(book, query):
    cell = book.add("1")
    assert status(book, "POST", f"cells/{cell}/run{query}") == 422
    assert status(book, "POST", f"run{query}") == 422


def test_a_client_that_does_not_wait_for_its_answer_harms_nobody(book, tab):
    cell = book.add("import time\nprint('in', flush=True)\ntime.sleep(0.5)")
    connection = http.client.HTTPConnection(*book.server.address)
    headers = {"Authorization": f"Bearer {book.user.token}"}
    connection.request("POST", book.path(f"cells/{cell}/run?wait=1"), headers=headers)
    tab.wait_for("cell_stdout", cell)
    connection.close()
    tab.wait_for("plan_ended")
    assert book.api.run(book.id, cell, "?wait=1")["status"] == "success"


# --- interrupt, restart, input, kernel, variables ---
def test_a_restart_over_rest(book, tab):
    cell = book.add("x = 1")
    book.api.run(book.id, cell, "?wait=1")
    names = [v["name"] for v in book.api.ok("GET", book.path("variables"))["variables"]]
    assert names == ["x"]
    assert post(book, "restart") == {"status": "ok"}
    tab.command("ping")  # everything until now has come when its answer comes
    tab.wait_kernel("idle")
    assert book.api.ok("GET", book.path("variables"))["variables"] == []


def test_input_is_answered_over_rest(book, tab):
    cell = book.add("input('? ')")
    assert status(book, "POST", "input", {"value": "x"}) == 409
    waiting = tab.ask("run_cell", cellId=cell, wait=True)
    tab.wait(lambda e: e["type"] == "kernel_state" and e["input"])
    assert book.api.kernel(book.id)["input"] == {"prompt": "? ", "password": False}
    assert post(book, "input", {"value": "über"}) == {"status": "ok"}
    assert tab.answer(waiting)["cells"][0]["outputs"][0]["data"] == "über"


def test_without_a_kernel_there_are_no_variables(book):
    kernel = book.api.kernel(book.id)
    assert kernel["state"] in ("none", "starting", "idle")
    assert status(book, "GET", "variables") in (200, 503)


# --- cells ---
def test_cells_are_moved_over_rest(book, tab):
    a, b = book.add("1"), book.add("2")
    moved = book.api.move(book.id, b, None)
    assert (moved["status"], moved["index"]) == ("ok", 0)
    assert book.api.move(book.id, b, a)["index"] == 1
    assert book.api.move(book.id, b, "")["revision"] > moved["revision"]
    assert [c["id"] for c in book.state()["cells"]] == [b, a]
    assert status(book, "PUT", f"cells/{b}/position", {"after_cell_id": NOBODY}) == 404
    assert (
        status(book, "PUT", f"cells/{NOBODY}/position", {"after_cell_id": None}) == 400
    )
    assert status(book, "PUT", f"cells/{b}/position", {}) == 422


def test_settings_of_cells_over_rest(book, tab):
    cell = book.add("1")
    book.api.set(book.id, cell, name="first", type="sql", disabled=True)
    shown = book.cell(cell)
    assert (shown["name"], shown["type"], shown["disabled"]) == ("first", "sql", True)
    book.api.set(book.id, cell, name=None)
    assert book.cell(cell)["disabled"] is True
    assert book.cell(cell)["name"] is None
    for wrong in ({"type": "cobol"}, {"disabled": "yes"}, {"name": 5}):
        assert status(book, "PATCH", f"cells/{cell}", wrong) == 422
    assert status(book, "PATCH", f"cells/{NOBODY}", {"name": "x"}) == 400


def test_a_cell_is_created_with_its_code(book, tab):
    cell = book.add("x = 41")
    assert book.cell(cell)["writes"] == ["x"]
    tab.wait(lambda e: tab.mirror.cells.get(cell) and tab.mirror.cell(cell)["code"])


def test_an_edit_based_on_an_old_text_gets_the_current_one(book):
    cell, bystander = book.add("first"), book.add("other")
    base = book.edit(cell, "second")
    book.edit(bystander, "no conflict")
    revision = book.edit(cell, "third", base_revision=base)
    target = book.path(f"cells/{cell}")
    lost = book.api.send("PUT", target, {"code": "lost", "base_revision": base})
    assert lost.status == 409
    assert (lost.json()["code"], lost.json()["revision"]) == ("third", revision)
    book.edit(cell, "fourth", base_revision=revision)
    old = book.api.send("PUT", target, {"code": "x", "expected_revision": base})
    assert old.status == 409 and list(old.json()) == ["detail"]


# --- events ---
def test_events_come_in_pages(book, tab):
    for n in range(30):
        book.api.rename(book.id, f"name {n}")
    tab.reach(book.api.snapshot(book.id)["seq"])
    got, since = [], 0
    while True:
        page = book.api.events(book.id, since, limit=7)
        assert page["epoch"] == tab.mirror.epoch
        assert len(page["events"]) <= 7
        if not page["events"]:
            break
        got += page["events"]
        since = got[-1]["seq"]
    assert [e["seq"] for e in got] == list(range(1, page["seq"] + 1))
    assert got[-len(tab.numbered()) :] == tab.numbered()


def test_a_page_of_events_has_a_bounded_size(book, tab):
    cell = book.add("print('x' * 900_000)")
    for _ in range(4):
        tab.run_to_end(cell)
    page = book.api.send("GET", book.path("events?since=0"))
    if "events" in page.json():
        assert len(page.body) < 2 * MIB
    else:
        assert page.json()["snapshot"]


@pytest.mark.parametrize(
    "query",
    [
        "since=-1",
        "since=x",
        "since=1.5",
        "since=",
        "limit=0&since=1",
        "limit=1001&since=1",
        f"since={2**64}",
    ],
)
def test_a_place_of_nonsense_is_refused(book, query):
    assert status(book, "GET", f"events?{query}") == 422


def test_events_of_another_epoch_are_a_snapshot(book):
    assert "snapshot" in book.api.events(book.id, 0, epoch=NOBODY)
    assert "snapshot" in book.api.events(book.id, 10**9)


# --- whose ---
ROUTES = [
    ("POST", f"cells/{NOBODY}/run"),
    ("POST", "run"),
    ("POST", "interrupt"),
    ("POST", "restart"),
    ("POST", "input", {"value": "x"}),
    ("PUT", f"cells/{NOBODY}/position", {"after_cell_id": None}),
    ("PATCH", f"cells/{NOBODY}", {"name": "x"}),
    ("GET", f"cells/{NOBODY}/text"),
    ("GET", "events"),
    ("GET", "kernel"),
    ("GET", "variables"),
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: " ".join(route[:2])[:40])
def test_every_route_asks_who_and_whose(book, bob, route):
    method, rest, *body = route
    target = book.path(rest)
    assert book.server.api().send(method, target, *body).status == 401
    assert book.server.api(bob.token).send(method, target, *body).status == 403
    unknown = f"/api/notebooks/{NOBODY}/{rest}"
    assert book.api.send(method, unknown, *body).status == 404


@pytest.mark.parametrize("rest", ["run", "text"])
def test_an_unknown_cell_is_not_found(book, rest):
    method = "POST" if rest == "run" else "GET"
    assert status(book, method, f"cells/{NOBODY}/{rest}") == 400


# --- the text of a run ---
@pytest.fixture
def small(book):
    cell = book.add("print('0123456789' * 10)")
    book.api.run(book.id, cell, "?wait=1")
    return cell


def test_a_small_text_comes_whole(book, small):
    answer = book.api.text(book.id, small)
    assert (answer.status, answer.text) == (200, "0123456789" * 10 + "\n")
    assert book.api.text(book.id, book.add("1")).body == b""


@pytest.mark.parametrize(
    "span, first, last",
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=90-", 90, 100),
        ("bytes=-1", 100, 100),
        ("bytes=-500", 0, 100),
        ("bytes=95-5000", 95, 100),
        ("bytes=0-", 0, 100),
        ("bytes=100-100", 100, 100),
    ],
)
def test_a_range_of_a_text(book, small, span, first, last):
    answer = book.api.text(book.id, small, span)
    assert answer.status == 206
    assert parse_range(answer.headers["content-range"]) == (first, last, 101)
    assert answer.text == ("0123456789" * 10 + "\n")[first : last + 1]


@pytest.mark.parametrize(
    "span", ["bytes=101-", "bytes=101-200", "bytes=-0", f"bytes={2**63}-"]
)
def test_a_range_outside_of_the_text_is_416(book, small, span):
    answer = book.api.text(book.id, small, span)
    assert answer.status == 416
    assert answer.headers["content-range"] == "bytes */101"


@pytest.mark.parametrize(
    "span",
    ["bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5", "5"],
)
def test_a_range_of_another_form_is_ignored_or_refused(book, small, span):
    """RFC 9110 14.2 allows both."""
    answer = book.api.text(book.id, small, span)
    assert answer.status in (200, 416)
    assert answer.status == 416 or len(answer.body) == 101


def test_a_text_too_long_to_come_whole_comes_by_ranges(book):
    cell = book.add("import sys\nfor n in range(600_000):\n    print(f'{n:09d}')")
    answer = book.api.run(book.id, cell, "?wait=1")
    assert answer["cells"][0]["text"]["end"] == 6_000_000
    assert book.api.text(book.id, cell).status == 400
    beginning = book.api.text(book.id, cell, "bytes=0-")
    assert len(beginning.body) == ANSWER_MAX
    whole = book.api.whole_text(book.id, cell)
    assert whole == b"".join(b"%09d\n" % n for n in range(600_000))


def test_a_flood_is_kept_whole_and_little_of_it_is_sent(book, tab, tmp_path):
    """100 MB: the client gets at most 2 MB; every byte can be had, and is what the kernel wrote."""
    truth = tmp_path / "truth"
    cell = book.add(
        "import random, sys\n"
        f"file = open({str(truth)!r}, 'wb')\n"
        "dice = random.Random(5)\n"
        "size = 0\n"
        "while size < 100_000_000:\n"
        "    line = ('%d é€😀 ' % size) + 'x' * dice.randrange(3000) + '\\n'\n"
        "    file.write(line.encode()); sys.stdout.write(line); size += len(line.encode())\n"
        "file.close()"
    )
    assert tab.run_to_end(cell, 180)["status"] == "success"
    sent = sum(len(e["data"].encode()) for e in tab.numbered("cell_stdout"))
    assert 0 < sent <= CLIENT_MAX
    expected = truth.read_bytes()
    shown = tab.mirror.cell(cell)
    assert shown["text"]["end"] == len(expected)
    hidden = shown["text"]["hidden"]
    assert expected.startswith(shown["stdout"][: hidden["start"]])
    assert expected.endswith(shown["stdout"][hidden["start"] :])
    assert book.api.whole_text(book.id, cell) == expected


def test_the_text_of_a_new_run_takes_the_place_of_the_old_one(book):
    cell = book.add("print('x' * 3_000_000)")
    book.api.run(book.id, cell, "?wait=1")
    book.edit(cell, "print('new')")
    book.api.run(book.id, cell, "?wait=1")
    assert book.api.text(book.id, cell).body == b"new\n"


def test_text_survives_a_restart_of_the_server(own_server, issuer, alice):
    server = own_server(issuer)
    book = Book(server, alice)
    cell = book.add("for n in range(400_000):\n    print(f'{n:09d}')")
    book.api.run(book.id, cell, "?wait=1")
    before = book.api.whole_text(book.id, cell)
    server.stop()
    server.restart()
    book.api = server.api(alice.token)
    assert book.api.whole_text(book.id, cell) == before
    assert len(before) == 4_000_000
    assert isinstance(book.open(), Channel)
    book.close()
