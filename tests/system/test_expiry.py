"""The end of a token in version 2: warned of, renewed by message or by REST, borne for a while, then closed. A cell
that runs is never stopped by it."""

import copy
import time

import pytest

from lib.book import Book
from lib.channel import Channel, Refused
from lib.issuer import FORGER, REMOVED
from lib.server import Server
from lib.ws import Socket

EXPIRED = 4401
GRACE_S = 2
LIFE_S = 3
LATE_S = 2.5  # the clock is looked at once a second, and tokens know whole seconds


@pytest.fixture(scope="module")
def strict(issuer, tmp_path_factory):
    """A server whose grace is short."""
    directory = tmp_path_factory.mktemp("strict")
    server = Server(directory, issuer, SOCKET_GRACE_S=str(GRACE_S)).start()
    yield server
    server.dispose()


@pytest.fixture
def mine(strict, alice):
    book = Book(strict, alice)
    yield book
    book.check()
    book.close()


@pytest.fixture
def mint(issuer, alice):
    """A token of Alice's that ends in so many seconds."""

    def make(seconds=LIFE_S, **claims):
        return issuer.token(alice.id, exp=int(time.time()) + seconds, **claims)

    return make


def open_with(book, token, **options):
    channel = Channel.open(book.server, book.id, token, **options)
    book.channels.append(channel)
    return channel


def end_of(channel):
    return channel.hello["expires_at_ms"] / 1000


def wait_for_end(channel):
    """Until it is said that the token has ended."""
    channel.wait(lambda e: e["type"] == "auth_expiring" and e["in_s"] == 0)
    assert -0.1 < time.time() - end_of(channel) < LATE_S


def refused_code(channel, kind, **members):
    with pytest.raises(Refused) as refused:
        channel.command(kind, **members)
    return refused.value.code


def test_the_end_is_announced_twice_and_comes_after_the_grace(mine, mint):
    tab = open_with(mine, mint(LIFE_S))
    warning = tab.wait_for("auth_expiring")
    assert 0 < warning["in_s"] <= LIFE_S
    wait_for_end(tab)
    code, _ = tab.until_closed()
    assert code == EXPIRED
    assert 0 <= time.time() - end_of(tab) - GRACE_S < LATE_S
    said = [e["in_s"] for e in tab.events if e["type"] == "auth_expiring"]
    assert len(said) == 2, said


def test_the_first_warning_comes_fifteen_seconds_before_the_end(mine, mint):
    tab = open_with(mine, mint(18))
    warning = tab.wait_for("auth_expiring")
    assert 13 <= warning["in_s"] <= 15
    assert 15 - LATE_S < end_of(tab) - time.time() <= 15.1


def test_a_long_token_is_not_warned_of(mine, mint):
    tab = open_with(mine, mint(3600))
    time.sleep(LATE_S)
    tab.command("ping")
    assert not any(e["type"] == "auth_expiring" for e in tab.events)


def test_a_newer_token_by_message_renews(mine, mint, alice):
    tab = open_with(mine, mint(LIFE_S))
    tab.wait_for("auth_expiring")
    longer = mint(600)
    result = tab.command("authenticate", token=longer)
    assert result["user_id"] == alice.id
    assert abs(result["expires_at_ms"] / 1000 - time.time() - 600) < 2
    time.sleep(LIFE_S + GRACE_S + LATE_S)
    tab.command("ping")
    assert tab.run_to_end(mine.add("1"))["status"] == "success"


def test_a_newer_token_without_an_id_is_answered_like_a_hello(mine, mint, alice):
    tab = open_with(mine, mint(LIFE_S))
    tab.send({"type": "authenticate", "token": mint(600)})
    renewed = tab.wait_for("authenticated")
    assert set(renewed) == {"type", "user_id", "expires_at_ms"}
    assert renewed["user_id"] == alice.id


def test_a_token_that_ended_can_still_be_renewed_in_the_grace(mine, mint):
    tab = open_with(mine, mint(2))
    wait_for_end(tab)
    assert refused_code(tab, "run_all") == "token_expired"
    tab.command("authenticate", token=mint(600))
    assert tab.run_to_end(mine.add("1"))["status"] == "success"


def test_another_session_of_the_same_user_may_renew(mine, mint):
    tab = open_with(mine, mint(LIFE_S))
    tab.command("authenticate", token=mint(600, sid="sess_another"))


def test_only_the_same_user_may_renew(mine, mint, bob, issuer, alice):
    tab = open_with(mine, mint(LIFE_S))
    expired = issuer.token(alice.id, exp=int(time.time()) - 60)
    for token in (bob.token, mint(600, key=FORGER), "abc", expired):
        assert refused_code(tab, "authenticate", token=token) == "invalid"
    assert tab.until_closed()[0] == EXPIRED


def test_a_token_that_ends_sooner_does_not_shorten_a_connection(mine, mint):
    tab = open_with(mine, mint(600))
    result = tab.command("authenticate", token=mint(1))
    time.sleep(1 + GRACE_S + LATE_S)
    assert result["expires_at_ms"] > 0
    tab.command("ping")
    tab.run_to_end(mine.add("1"))


def test_a_rest_request_of_the_same_session_renews(mine, mint):
    tab = open_with(mine, mint(LIFE_S))
    mine.server.api(mint(600)).get(mine.id)
    time.sleep(LIFE_S + GRACE_S + LATE_S)
    assert tab.run_to_end(mine.add("1"))["status"] == "success"


@pytest.mark.parametrize("claims", [{"sid": "sess_another"}, {"sid": REMOVED}])
def test_a_rest_request_of_another_session_does_not(mine, mint, claims):
    tab = open_with(mine, mint(LIFE_S))
    mine.server.api(mint(600, **claims)).get(mine.id)
    assert tab.until_closed()[0] == EXPIRED


def test_a_refused_rest_request_does_not_renew(mine, mint, issuer):
    tab = open_with(mine, mint(LIFE_S))
    forged = mine.server.api(mint(600, key=FORGER))
    assert forged.send("GET", f"/api/notebooks/{mine.id}").status == 401
    assert tab.until_closed()[0] == EXPIRED


COMMANDS = [
    ("run_cell", {"cellId": "x"}),
    ("run_all", {}),
    ("run_stale", {}),
    ("interrupt", {}),
    ("restart_kernel", {}),
    ("update_cell", {"cellId": "x", "code": ""}),
    ("create_cell", {"cell_type": "python"}),
    ("delete_cell", {"cellId": "x"}),
    ("move_cell", {"cellId": "x", "after_cell_id": None}),
    ("set_cell", {"cellId": "x"}),
    ("complete", {"code": "", "cursor": 0}),
    ("inspect", {"code": "", "cursor": 0}),
    ("variables", {}),
    ("input_reply", {"value": ""}),
]


def test_when_the_token_has_ended_commands_are_refused_and_events_still_come(
    mine, mint
):
    cell = mine.add("1")
    tab = open_with(mine, mint(2))
    wait_for_end(tab)
    for kind, members in COMMANDS:
        assert refused_code(tab, kind, **members) == "token_expired", kind
    tab.command("ping")
    mine.api.rename(mine.id, "still told")
    assert tab.wait_for("notebook_renamed")
    assert mine.cell(cell)["status"] == "idle"


def test_what_runs_goes_on_and_is_replayed_after_the_renewal(mine, mint):
    total = LIFE_S + GRACE_S + 3
    cell = mine.add(
        "import time\n"
        f"for n in range({total * 10}):\n    print(n, flush=True)\n    time.sleep(0.1)"
    )
    tab = open_with(mine, mint(LIFE_S))
    tab.command("run_cell", cellId=cell)
    assert tab.until_closed()[0] == EXPIRED
    assert tab.mirror.run is not None
    back = open_with(mine, mint(600), mirror=copy.deepcopy(tab.mirror))
    assert back.hello["resume"] == "events"
    back.wait_for("plan_ended")
    assert back.mirror.cell(cell)["status"] == "success"
    lines = "".join(f"{n}\n" for n in range(total * 10))
    assert back.mirror.cell(cell)["stdout"].decode() == lines


@pytest.mark.parametrize("how", [Channel.by_header, Channel.by_query])
def test_the_other_ways_to_sign_in_end_as_well(mine, mint, how):
    tab = how(mine.server, mine.id, mint(2))
    assert tab.until_closed()[0] == EXPIRED


def test_who_comes_with_a_token_that_has_ended_is_refused_for_good(mine, issuer, alice):
    token = issuer.token(alice.id, exp=int(time.time()) - 60)
    socket = Channel.silent(mine.server, mine.id)
    socket.say_hello(token)
    assert socket.next()["type"] == "error"
    assert socket.until_closed()[0] == 1008


def test_version_1_stays_beyond_the_end_of_its_token(mine, mint):
    old = Socket.by_message(mine.server, mine.id, mint(2))
    time.sleep(2 + GRACE_S + LATE_S)
    cell = mine.add("1")
    old.run(cell)
    assert old.wait_final(cell) == "success"
    old.close()


def test_the_other_tabs_do_not_notice(mine, mint):
    longer = mine.open()
    open_with(mine, mint(1)).until_closed()
    longer.wait(lambda e: e["type"] == "presence" and len(e["connections"]) == 1)
    longer.command("ping")
