"""Version 2 of the live connection: hello, resume, what is true now, and who is slow. At the end of every test each
client's mirror is compared with the server's state (fixture `book`)."""

import copy
import json
import os
import signal
import socket as sockets
import time
import uuid

import pytest

from lib.book import Book
from lib.channel import Channel
from lib.mirror import Mirror
from lib.server import SANITIZER_BYTES
from lib.ws import Socket

REFUSED = 1008
PROTOCOL_DATA = 1007  # RFC 6455 7.4.1
MIB = 1 << 20
WAYS = [Channel.open, Channel.by_header, Channel.by_query]


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def kinds(events):
    return [e["type"] for e in events]


# --- hello ---
@pytest.mark.parametrize("how", WAYS)
def test_a_hello_is_greeted_and_gets_a_snapshot(book, alice, how):
    cell = book.add("x = 1")
    tab = book.open(how=how)
    greeting = tab.hello
    assert (greeting["user_id"], greeting["heartbeat_s"]) == (alice.id, 25)
    assert greeting["resume"] == "snapshot"
    left_ms = greeting["expires_at_ms"] - time.time() * 1000
    assert 3_500_000 < left_ms <= 3_600_000
    assert kinds(tab.events)[:3] == ["authenticated", "kernel_state", "presence"]
    assert kinds(tab.events)[-1] == "snapshot"
    assert (tab.mirror.epoch, tab.mirror.seq) == (greeting["epoch"], greeting["seq"])
    assert tab.mirror.cell(cell)["code"] == "x = 1"


def test_the_rest_method_shows_what_a_snapshot_shows(book):
    book.add("x = 1")
    tab = book.open()
    shown = book.api.snapshot(book.id)
    snapshot = tab.events[-1]
    assert shown["snapshot"]["notebook"] == snapshot["notebook"]
    assert (shown["epoch"], shown["seq"]) == (snapshot["epoch"], snapshot["seq"])


@pytest.mark.parametrize("how", WAYS)
def test_who_knows_everything_gets_nothing(book, tab, how):
    again = book.open(copy.deepcopy(tab.mirror), how)
    assert again.hello["resume"] == "events"
    again.nothing()


@pytest.mark.parametrize("how", WAYS)
def test_who_comes_back_gets_exactly_what_was_missed(book, tab, how):
    cell = book.add("print('one')\n1")
    before = copy.deepcopy(tab.mirror)
    tab.run_to_end(cell)
    book.api.rename(book.id, "Later")
    tab.reach(book.api.snapshot(book.id)["seq"])
    missed = [e for e in tab.numbered() if before.seq < e["seq"]]
    again = book.open(before, how)
    assert again.hello["resume"] == "events"
    again.reach(tab.mirror.seq)
    assert again.numbered() == missed
    assert missed[-1]["type"] == "notebook_renamed"


def test_after_a_resume_comes_what_happens_next(book, tab):
    mirror = copy.deepcopy(tab.mirror)
    tab.drop()
    cell = book.add("1")
    again = book.open(mirror)
    again.run_to_end(cell)
    assert again.mirror.cell(cell)["status"] == "success"


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"since": None},
        {"since": 0, "epoch": str(uuid.uuid4())},
        {"since": 10**6},
        {"since": 2**53 - 1},
    ],
)
def test_who_knows_another_past_gets_a_snapshot(book, tab, place):
    book.add("1")
    with_epoch = {"epoch": tab.mirror.epoch, **place} if place else place
    again = book.open(more=with_epoch)
    assert again.hello["resume"] == "snapshot"


def test_a_since_of_zero_gets_all_there_ever_was(book, tab):
    cell = book.add("1")
    book.api.rename(book.id, "Named")
    page = book.api.events(book.id, 0, epoch=tab.mirror.epoch)
    assert page["oldest"] == 1
    assert [e["seq"] for e in page["events"]] == list(range(1, page["seq"] + 1))
    assert page["events"][-1] == {
        "type": "notebook_renamed",
        "name": "Named",
        "seq": page["seq"],
    }
    assert any(e.get("cellId") == cell for e in page["events"])


def test_when_too_much_was_missed_there_is_a_snapshot(own_server, issuer, alice):
    server = own_server(issuer, EVENTS_MAX="100")
    book = Book(server, alice)
    tab = book.open()
    mirror = copy.deepcopy(tab.mirror)
    for n in range(110):
        book.api.rename(book.id, f"name {n}")
    tab.reach(mirror.seq + 110)
    gone = book.open(mirror)
    assert gone.hello["resume"] == "snapshot"
    assert gone.mirror.name == "name 109"
    kept = book.api.events(book.id, tab.mirror.seq - 20)
    assert len(kept["events"]) == 20
    assert "snapshot" in book.api.events(book.id, 1)
    book.check()
    book.close()


@pytest.mark.parametrize(
    "hello",
    [
        {"since": -1},
        {"since": "5"},
        {"since": 1.5},
        {"since": []},
        {"epoch": 5},
        {"since": 2**64},
    ],
)
def test_a_hello_of_nonsense_is_refused_or_gets_a_snapshot(book, alice, hello):
    socket = Channel.silent(book.server, book.id)
    message = {"type": "authenticate", "token": alice.token, "v": 2, **hello}
    socket.send_text(json.dumps(message))
    first = socket.next()
    if first["type"] == "error":
        assert socket.until_closed()[0] == REFUSED
    else:
        assert (first["type"], first["resume"]) == ("authenticated", "snapshot")
        socket.close()


@pytest.mark.parametrize("version", [1, None])
def test_who_does_not_say_two_is_spoken_to_as_ever(book, alice, version):
    socket = Socket.silent(book.server, book.id)
    message = {"type": "authenticate", "token": alice.token, "v": version}
    socket.send_text(json.dumps(message))
    assert socket.next() == {"type": "authenticated", "user_id": alice.id}
    socket.close()


@pytest.mark.parametrize("version", [0, -2, "2", 2.5, True, [2]])
def test_a_version_of_nonsense_is_refused(book, alice, version):
    socket = Socket.silent(book.server, book.id)
    message = {"type": "authenticate", "token": alice.token, "v": version}
    socket.send_text(json.dumps(message))
    assert socket.next()["type"] == "error"
    assert socket.until_closed()[0] == REFUSED


def test_a_client_from_the_future_is_told_the_version_it_gets(book, alice):
    socket = Channel.silent(book.server, book.id)
    message = {"type": "authenticate", "token": alice.token, "v": 3}
    socket.send_text(json.dumps(message))
    assert socket.next()["v"] == 2
    socket.close()


def test_events_that_come_during_a_hello_are_neither_lost_nor_doubled(book, tab):
    cell = book.add("for n in range(300):\n    print(n, flush=True)")
    tab.ask("run_cell", cellId=cell)
    tab.wait_for("cell_stdout", cell)
    for n in range(12):
        fresh = book.open()
        resumed = book.open(copy.deepcopy(tab.mirror))
        if n % 2 == 0:
            fresh.drop()
            resumed.drop()
    tab.wait_for("plan_ended")
    expected = "".join(f"{n}\n" for n in range(300)).encode()
    book.check()
    for channel in book.channels:
        if channel.closed is None:
            assert channel.mirror.cell(cell)["stdout"] == expected


# --- who is there ---
def test_tabs_know_of_each_other(book, tab, alice):
    mine = tab.hello["connection"]
    assert [c["id"] for c in tab.present["connections"]] == [mine]
    other = book.open()
    both = {mine, other.hello["connection"]}
    tab.wait_for("presence")
    for channel in (tab, other):
        assert {c["id"] for c in channel.present["connections"]} == both
        assert {c["user_id"] for c in channel.present["connections"]} == {alice.id}
    other.close()
    tab.wait(lambda e: e["type"] == "presence" and len(e["connections"]) == 1)


def test_a_client_that_is_cut_off_is_gone_for_the_others(book, tab):
    other = book.open()
    tab.wait(lambda e: e["type"] == "presence" and len(e["connections"]) == 2)
    other.drop()
    tab.wait(lambda e: e["type"] == "presence" and len(e["connections"]) == 1)


# --- the kernel ---
def test_the_kernels_state_is_told_and_asked(book, tab):
    cell = book.add("import time\ntime.sleep(0.3)")
    tab.ask("run_cell", cellId=cell)
    busy = tab.wait_kernel("busy")
    assert (busy["cellId"], busy["input"], busy["cause"]) == (cell, None, None)
    asked = book.api.kernel(book.id)
    assert asked == {name: busy[name] for name in asked}
    tab.wait_kernel("idle")
    assert tab.kernel["cellId"] is None
    assert book.api.kernel(book.id)["state"] == "idle"
    assert book.open().kernel["state"] == "idle"


DEATHS = [
    "import os\nos._exit(3)",
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "import ctypes\nctypes.string_at(0)",
]


@pytest.mark.parametrize("death", DEATHS)
def test_a_kernel_that_dies_is_dead_for_a_reason_and_another_can_be_had(
    book, tab, death
):
    cell = book.add(f"print('before', flush=True)\n{death}")
    below = book.add("y = 1")
    answer = tab.run_to_end(cell)
    assert answer["status"] == "died"
    dead = tab.wait_kernel("dead")
    assert dead["cause"]
    shown = tab.mirror.cell(cell)
    assert (shown["status"], shown["stdout"]) == ("error", b"before\n")
    assert shown["error"]
    assert [e["status"] for e in tab.numbered("plan_ended")] == ["died"]
    asked = book.api.kernel(book.id)
    assert asked == {name: dead[name] for name in asked}
    assert tab.command("restart_kernel") == {}
    tab.wait_kernel("idle")
    assert tab.run_to_end(below)["status"] == "success"


def test_a_dead_kernel_comes_back_by_itself_with_the_next_run(book, tab):
    (death, good) = (book.add("import os\nos._exit(3)"), book.add("6 * 7"))
    tab.run_to_end(death)
    tab.wait_kernel("dead")
    assert tab.run_to_end(good)["status"] == "success"
    assert tab.mirror.cell(good)["outputs"][0]["data"] == "42"


def test_a_kernel_killed_from_outside_while_idle_is_seen(book, tab):
    cell = book.add("import os\nprint(os.getpid())")
    tab.run_to_end(cell)
    os.kill(int(tab.mirror.cell(cell)["stdout"]), signal.SIGKILL)
    assert tab.wait_kernel("dead")["cause"]


# --- the notebook ---
def test_what_happens_to_the_notebook_is_told(book, tab):
    book.api.rename(book.id, "  Named ")
    assert tab.wait_for("notebook_renamed")["name"] == "Named"
    book.api.rename(book.id, "")
    assert tab.wait_for("notebook_renamed")["name"] is None
    book.api.set_connection(book.id, "postgresql://u:secret@db.example/x")
    assert tab.wait_for("db_changed")["configured"] is True
    book.api.set_connection(book.id, "")
    assert tab.wait_for("db_changed")["configured"] is False
    assert "secret" not in json.dumps(tab.events)


def test_a_deleted_notebook_says_so_and_closes(book, tab):
    book.api.delete(book.id)
    assert tab.wait_for("notebook_deleted") == {"type": "notebook_deleted"}
    assert tab.until_closed()[0] == REFUSED


@pytest.mark.parametrize("how", WAYS)
def test_anothers_notebook_is_refused_as_ever(book, bob, how):
    socket = Channel.silent(book.server, book.id)
    socket.say_hello(bob.token)
    assert socket.next()["type"] == "error"
    assert socket.until_closed()[0] == REFUSED


# --- clients of version 1 beside those of version 2 ---
def test_old_clients_get_only_what_they_know(book, tab):
    """Their socket checks every frame against the schema of version 1, which is closed."""
    old = [book.open_old(how) for how in (Socket.by_message, Socket.by_query)]
    cell = book.add("print('x')")
    tab.command("set_cell", cellId=cell, name="first")
    shown = "h = display('one', display_id=True)\nh.update('two')\nclear_output()\n3"
    code = f"from IPython.display import display, clear_output\n{shown}"
    tab.command("update_cell", cellId=cell, code=code)
    tab.command("move_cell", cellId=cell, after_cell_id=None)
    tab.run_to_end(cell)
    book.api.rename(book.id, "Named")
    last = book.add("last = 1")
    for socket in old:
        socket.wait_for("cell_created", last)
        assert not any("seq" in event for event in socket.events)
        assert [e["status"] for e in socket.events if e["type"] == "cell_status"][
            -1:
        ] == ["success"]
        socket.close()


# --- outputs that change in place ---
def test_displays_that_are_updated_and_cleared_come_as_events(book, tab):
    cell = book.add(
        "from IPython.display import display, clear_output\n"
        "print('gone')\ndisplay('gone')\nclear_output()\n"
        "h = display('one', display_id=True)\ndisplay('between')\nh.update('two')\n"
        "print('kept')"
    )
    tab.run_to_end(cell)
    (update,) = tab.numbered("cell_output_updated")
    assert (update["index"], update["output"]["data"]) == (0, "'two'")
    assert len(tab.numbered("cell_cleared")) == 1
    shown = tab.mirror.cell(cell)
    assert [o["data"] for o in shown["outputs"]] == ["'two'", "'between'"]
    assert shown["stdout"] == b"kept\n"


def test_clearing_may_wait_for_what_comes_next(book, tab):
    cell = book.add(
        "from IPython.display import clear_output\n"
        "for n in range(50):\n    print(n)\n    clear_output(wait=True)\nprint('end')"
    )
    tab.run_to_end(cell)
    assert tab.mirror.cell(cell)["stdout"] == b"end\n"


def test_both_streams_keep_their_order_and_their_places(book, tab):
    cell = book.add(
        "import sys\n"
        "for n in range(40):\n"
        "    print('ü' * n, flush=True)\n"
        "    print('€', file=sys.stderr, flush=True)"
    )
    tab.run_to_end(cell)
    streams = {e["stream"] for e in tab.numbered("cell_stdout")}
    assert streams == {"stdout", "stderr"}
    expected = "".join("ü" * n + "\n€\n" for n in range(40))
    assert tab.mirror.cell(cell)["stdout"].decode() == expected


# --- who is slow ---
SMALL_BUFFERS = [(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 16 * 1024)]


def test_a_slow_reader_loses_nothing_and_costs_little(book, tab):
    """It does not read while a cell prints 50 MB, and other cells run again and again."""
    flood = book.add("for n in range(500):\n    print('z' * 100_000)")
    again = book.add("import random\nprint('y' * 20_000)\nrandom.random()")
    slow = book.open(sockopt=SMALL_BUFFERS)
    tab.run_to_end(again)
    before = resident_bytes(book.server.process.pid)
    tab.run_to_end(flood, 120)
    for _ in range(150):
        tab.run_to_end(again)
    grown = resident_bytes(book.server.process.pid) - before
    assert grown < 48 * MIB + SANITIZER_BYTES, f"{grown / MIB:.0f} MiB more"
    slow.reach(tab.mirror.seq)
    assert slow.mirror.cell(again) == tab.mirror.cell(again)
    assert slow.mirror.cell(flood) == tab.mirror.cell(flood)
    assert len(slow.numbered()) < len(tab.numbered()), "nothing superseded was left out"


def test_a_slow_reader_that_is_live_again_hears_what_happens(book, tab):
    again = book.add("print('y' * 200_000)")
    slow = book.open(sockopt=SMALL_BUFFERS)
    for _ in range(60):
        tab.run_to_end(again)
    slow.reach(tab.mirror.seq)
    cell = book.add("1")
    assert slow.wait_for("cell_created", cell, timeout=5)


def test_a_client_that_never_reads_again_harms_nobody(book, tab):
    mute = book.open(sockopt=SMALL_BUFFERS)
    again = book.add("print('y' * 500_000)")
    for _ in range(20):
        assert tab.run_to_end(again)["status"] == "success"
    mirror = copy.deepcopy(mute.mirror)
    mute.drop()
    back = book.open(mirror)
    back.reach(tab.mirror.seq)
    assert back.mirror.cell(again) == tab.mirror.cell(again)


# --- what is no message ---
@pytest.mark.parametrize(
    "text", ["hello", "{", "[]", "5", "{}", '{"id": 1}', '{"type": 5}']
)
def test_what_is_no_message_is_refused_and_ten_of_it_end_the_connection(
    book, tab, text
):
    for n in range(1, 11):
        tab.send_text(text)
        if n < 10:
            refused = tab.wait_for("refused")
            assert refused["code"] == "invalid"
    assert tab.until_closed()[0] == PROTOCOL_DATA


def test_mirrors_find_a_missing_event(book, tab):
    """The check of all these tests is one that can fail."""
    cell = book.add("print('x')")
    mirror = copy.deepcopy(tab.mirror)
    tab.run_to_end(cell)
    events = [e for e in tab.numbered() if e["seq"] > mirror.seq]
    for left_out in events:
        partial = copy.deepcopy(mirror)
        try:
            for event in events:
                if event is not left_out:
                    partial.apply(event)
            differs = bool(partial.difference(book.state())) or partial.run is not None
        except (AssertionError, KeyError):
            differs = True
        assert differs or left_out["type"] in ("plan", "queued"), left_out
    assert isinstance(partial, Mirror)
