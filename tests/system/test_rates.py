"""How much one user may ask for: requests, messages and runs, each refused with the time to wait, and no other user
notices."""

import time

import pytest

from lib.book import Book
from lib.channel import Refused
from lib.server import Server, run_binary

LIMITS = {
    "RATE_LIMITS": "on",
    "RATE_REQUESTS": "5",
    "RATE_REQUESTS_BURST": "40",
    "RATE_MESSAGES": "5",
    "RATE_MESSAGES_BURST": "20",
    "RATE_RUNS": "2",
    "RATE_RUNS_BURST": "6",
}


@pytest.fixture(scope="module")
def limited(issuer, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("limited"), issuer, **LIMITS).start()
    yield server
    server.dispose()


@pytest.fixture
def book(limited, alice):
    book = Book(limited, alice)
    yield book
    book.close()


def ask_often(api, count=80):
    return [api.send("GET", "/api/notebooks") for _ in range(count)]


def refused(answers):
    return [answer for answer in answers if answer.status == 429]


def test_requests_beyond_the_burst_are_refused_with_the_time_to_wait(limited, alice):
    api = limited.api(alice.token)
    answers = ask_often(api)
    assert {answer.status for answer in answers} == {200, 429}
    assert [answer.status for answer in answers[:40]] == [200] * 40
    late = refused(answers)[-1]
    assert "try again" in late.detail
    wait = int(late.headers["retry-after"])
    assert 1 <= wait <= 2
    time.sleep(wait)
    assert api.send("GET", "/api/notebooks").status == 200


def test_another_user_notices_nothing(limited, alice, bob):
    assert refused(ask_often(limited.api(alice.token)))
    assert not refused(ask_often(limited.api(bob.token), 10))


def test_who_is_nobody_takes_from_nobody(limited, alice):
    nobody = limited.api()
    assert {nobody.send("GET", "/api/notebooks").status for _ in range(60)} == {401}
    assert not refused(ask_often(limited.api(alice.token), 10))


def test_the_route_is_looked_at_before_the_rate_and_the_body_after_it(limited, alice):
    api = limited.api(alice.token)
    assert refused(ask_often(api))
    assert api.send("GET", "/api/nothing").status == 404
    assert api.send("PUT", "/api/notebooks/x/name", {"name": 5}).status == 429


def test_messages_beyond_the_burst_are_refused_by_their_id(book):
    tab = book.open()
    numbers = [tab.ask("ping") for _ in range(40)]
    refusals = []
    for number in numbers:
        try:
            tab.answer(number)
        except Refused as error:
            refusals.append(error)
    assert 10 <= len(refusals) < 40
    assert {error.code for error in refusals} == {"rate_limited"}
    wait = tab.answers[numbers[-1]]["retry_after_s"]
    assert 1 <= wait <= 2
    time.sleep(wait)
    tab.command("ping")


def test_runs_by_message_and_by_request_are_one_account(book):
    cell = book.add("1")
    tab = book.open()
    for _ in range(6):
        tab.command("run_cell", cellId=cell)
    with pytest.raises(Refused) as error:
        tab.command("run_all")
    assert error.value.code == "rate_limited"
    answer = book.api.send("POST", book.path(f"cells/{cell}/run"))
    assert answer.status == 429
    time.sleep(int(answer.headers["retry-after"]))
    assert book.api.send("POST", book.path(f"cells/{cell}/run")).status == 200


def test_version_1_is_told_in_its_own_words_and_stays(book):
    cell = book.add("1")
    socket = book.open_old()
    for _ in range(8):
        socket.run(cell)
    message = socket.wait_for("error")["message"]
    assert message.startswith("Too many messages.")
    time.sleep(1)
    seen = len(socket.events)
    socket.run(cell)
    socket.wait_final(cell)
    assert socket.closed is None and len(socket.events) > seen


def test_switched_off_nothing_is_refused(own_server, issuer, alice):
    server = own_server(issuer, **{**LIMITS, "RATE_LIMITS": "off"})
    assert not refused(ask_often(server.api(alice.token)))


def test_the_switch_is_on_or_off():
    answer = run_binary(RATE_LIMITS="maybe")
    assert answer.returncode == 2
    assert 'RATE_LIMITS is "maybe": it must be on or off.' in answer.stderr
