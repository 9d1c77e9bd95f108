"""The route of the original's assistant: it checks as the contract has it, and says that there is none."""

import json

import pytest

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def test_the_assistant_that_is_not_there_says_so_in_one_event(api):
    answer = api.send("POST", f"/api/chat/{api.create()}", HELLO)
    assert answer.status == 200
    lines = answer.body.decode().split("\n\n")
    assert len(lines) == 2 and lines[1] == "" and lines[0].startswith("data: ")
    event = json.loads(lines[0].removeprefix("data: "))
    assert event["event"] == "error" and "no assistant" in event["data"]["error"]


def test_a_chat_about_an_unknown_notebook_is_not_found(api):
    answer = api.send("POST", "/api/chat/unknown", HELLO)
    assert (answer.status, answer.json()) == (404, {"detail": "Notebook not found"})


def test_aliases_are_not_for_the_chat(api):
    api.list()
    assert api.send("POST", "/api/chat/demo", HELLO).status == 404


def test_a_chat_about_another_users_notebook_is_refused(api, server, bob):
    place = api.create()
    answer = server.api(bob.token).send("POST", f"/api/chat/{place}", HELLO)
    assert (answer.status, answer.json()) == (403, {"detail": "Unauthorized"})


@pytest.mark.parametrize(
    "body",
    [{}, {"messages": None}, {"messages": "Hello"}, {"messages": [{"role": "user"}]}],
)
def test_a_chat_without_messages_is_refused(api, body):
    assert api.send("POST", f"/api/chat/{api.create()}", body).status == 422
