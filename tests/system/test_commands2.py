"""Every message of version 2 and its answer: the good one, and all refusals."""

import copy
import json
import random
import time
import uuid

import pytest

from lib.channel import Refused
from lib.contract import CONTRACT

NOBODY = str(uuid.uuid4())
CODE_MAX = 256 * 1024


def refusal(tab, kind, **members):
    with pytest.raises(Refused) as refused:
        tab.command(kind, **members)
    return refused.value.message


def chain(book, *codes):
    return [book.add(code) for code in codes]


# --- ids ---
@pytest.mark.parametrize("number", [1, -5, 2**53, "a", "x" * 64, "ünï"])
def test_an_answer_has_the_id_of_its_message(tab, number):
    tab.command("ping", id=number)
    assert tab.events[-1]["id"] == number
    refusal(tab, "run_cell", id=f"{number}"[:60] + "!", cellId=NOBODY)


@pytest.mark.parametrize("number", ["", "x" * 65, 1.5, True, [], {}])
def test_another_id_is_refused(tab, number):
    tab.send_text(json.dumps({"type": "ping", "id": number}))
    refused = tab.wait_for("refused")
    assert (refused["type"], refused["code"], refused["id"]) == (
        "refused",
        "invalid",
        None,
    )


def test_without_an_id_there_is_an_answer_too(tab):
    assert tab.ask_anything({"type": "ping"})["id"] is None
    refused = tab.ask_anything({"type": "run_cell", "cellId": NOBODY})
    assert (refused["code"], refused["id"]) == ("not_found", None)


def test_ping_tells_the_time(tab):
    assert abs(tab.command("ping")["time_ms"] - time.time() * 1000) < 5000


def test_many_messages_at_once_are_each_answered_once(book, tab):
    (cell,) = chain(book, "1")
    asked = [
        tab.ask(kind, **members)
        for n in range(60)
        for kind, members in (
            ("ping", {}),
            ("update_cell", {"cellId": cell, "code": f"{n}"}),
            ("run_cell", {"cellId": cell}),
            ("delete_cell", {"cellId": NOBODY}),
        )
    ]
    for number in asked:
        try:
            tab.answer(number)
        except Refused as refused:
            assert refused.code == "not_found"
    assert set(tab.answers) >= set(asked)
    assert tab.mirror.cells[cell].state["code"] == "59"


def test_an_unknown_type_is_refused(tab):
    for kind in ("dance", "", "refresh_auth", "reply", "cell_status"):
        refused = tab.ask_anything({"type": kind, "id": 7})
        assert (refused["code"], refused["id"]) == ("unknown_type", 7)


WRONG = [
    ("run_cell", {}),
    ("run_cell", {"cellId": 5}),
    ("run_cell", {"cellId": None}),
    ("run_cell", {"cellId": NOBODY, "wait": 1}),
    ("run_all", {"wait": "yes"}),
    ("update_cell", {"cellId": NOBODY}),
    ("update_cell", {"cellId": NOBODY, "code": 5}),
    ("update_cell", {"cellId": NOBODY, "code": "", "base_revision": "1"}),
    ("create_cell", {}),
    ("create_cell", {"cell_type": "cobol"}),
    ("create_cell", {"cell_type": "python", "code": []}),
    ("create_cell", {"cell_type": "python", "after_cell_id": 5}),
    ("delete_cell", {}),
    ("move_cell", {"cellId": NOBODY, "after_cell_id": 5}),
    ("set_cell", {"cellId": NOBODY, "disabled": 1}),
    ("set_cell", {"cellId": NOBODY, "name": 5}),
    ("set_cell", {"cellId": NOBODY, "cell_type": "cobol"}),
    ("complete", {"cursor": 0}),
    ("complete", {"code": "a", "cursor": "0"}),
    ("inspect", {"code": "a"}),
    ("variables", {"follow": 1}),
    ("input_reply", {}),
    ("input_reply", {"value": 5}),
    ("authenticate", {}),
    ("authenticate", {"token": 5}),
]


@pytest.mark.parametrize("kind, members", WRONG)
def test_members_that_are_wrong_are_refused(book, tab, kind, members):
    with pytest.raises(AssertionError):
        CONTRACT.check_message({"type": kind, **members}, "ClientMessage2")
    refused = tab.ask_anything({"type": kind, "id": 1, **members})
    assert (refused["type"], refused["code"], refused["id"]) == (
        "refused",
        "invalid",
        1,
    )


@pytest.mark.parametrize(
    "kind, members",
    [
        ("run_cell", {"cellId": NOBODY}),
        ("run_cell", {"cellId": "", "wait": True}),
        ("update_cell", {"cellId": NOBODY, "code": ""}),
        ("create_cell", {"cell_type": "sql", "after_cell_id": NOBODY}),
        ("delete_cell", {"cellId": NOBODY}),
        ("move_cell", {"cellId": NOBODY, "after_cell_id": None}),
        ("set_cell", {"cellId": NOBODY, "disabled": True}),
    ],
)
def test_what_does_not_exist_is_not_found(tab, kind, members):
    assert refusal(tab, kind, **members)["code"] == "not_found"


# --- update_cell ---
def test_an_edit_is_told_with_its_revision(book, tab):
    (cell,) = chain(book, "x = 1")
    other = book.open()
    result = tab.command("update_cell", cellId=cell, code="y = x0 + 1")
    for channel in (tab, other):
        channel.reach(result["seq"])
        shown = channel.mirror.cell(cell)
        assert (shown["code"], shown["revision"]) == ("y = x0 + 1", result["revision"])
        assert (shown["reads"], shown["writes"]) == (["x0"], ["y"])


def test_an_edit_based_on_an_old_text_is_refused_with_the_current_one(book, tab):
    (cell, bystander) = chain(book, "first", "other")
    base = tab.command("update_cell", cellId=cell, code="second")["revision"]
    book.edit(bystander, "an edit of another cell is no conflict")
    third = tab.command("update_cell", cellId=cell, code="third", base_revision=base)
    refused = refusal(tab, "update_cell", cellId=cell, code="lost", base_revision=base)
    assert (refused["code"], refused["current"]) == ("conflict", "third")
    assert refused["revision"] >= third["revision"]
    assert tab.mirror.cell(cell)["code"] == "third"
    again = {"cellId": cell, "code": "fourth", "base_revision": refused["revision"]}
    tab.command("update_cell", **again)
    tab.command("update_cell", cellId=cell, code="any", base_revision=None)


@pytest.mark.parametrize("kind", ["update_cell", "create_cell"])
def test_code_has_limits(book, tab, kind):
    where = {"cellId": book.add()} if kind == "update_cell" else {"cell_type": "python"}
    tab.command(kind, **where, code="#" * CODE_MAX)
    refused = refusal(tab, kind, **where, code="#" * (CODE_MAX + 1))
    assert refused["code"] == "too_large"
    assert refusal(tab, kind, **where, code="a\0b")["code"] == "invalid"


# --- create, delete, move ---
def order(tab):
    return list(tab.mirror.cells)


def test_cells_are_created_where_they_are_wanted(book, tab):
    last = tab.command("create_cell", cell_type="python", code="x = 1")
    assert (last["index"], tab.mirror.cell(last["cellId"])["writes"]) == (0, ["x"])
    sql = tab.command("create_cell", cell_type="sql", after_cell_id=last["cellId"])
    assert sql["index"] == 1
    between = {"cell_type": "python", "after_cell_id": last["cellId"], "code": "2"}
    middle = tab.command("create_cell", **between)
    assert middle["index"] == 1
    end = tab.command("create_cell", cell_type="python", after_cell_id="")
    tab.reach(end["seq"])
    assert order(tab) == [c["cellId"] for c in (last, middle, sql, end)]
    assert tab.mirror.cell(sql["cellId"])["type"] == "sql"
    assert tab.mirror.cell(middle["cellId"])["code"] == "2"


def test_a_created_cell_with_code_can_run(tab):
    cell = tab.command("create_cell", cell_type="python", code="6 * 7")["cellId"]
    (shown,) = tab.run_to_end(cell)["cells"]
    assert shown["outputs"][0]["data"] == "42"


def test_cells_are_moved(book, tab):
    a, b, c = chain(book, "a = 1", "b = 2", "c = 3")
    for cell, after, index, expected in [
        (c, None, 0, [c, a, b]),
        (c, b, 2, [a, b, c]),
        (a, b, 1, [b, a, c]),
        (a, "", 0, [a, b, c]),
        (a, None, 0, [a, b, c]),
        (b, a, 1, [a, b, c]),
    ]:
        result = tab.command("move_cell", cellId=cell, after_cell_id=after)
        tab.reach(result["seq"])
        assert (result["index"], order(tab)) == (index, expected)
    unknown = {"cellId": a, "after_cell_id": NOBODY}
    assert refusal(tab, "move_cell", **unknown)["code"] == "not_found"
    tab.command("delete_cell", cellId=b)
    assert order(tab) == [a, c]
    book.check()


def test_a_cell_cannot_follow_itself(book, tab):
    (a, b) = chain(book, "1", "2")
    try:
        result = tab.command("move_cell", cellId=a, after_cell_id=a)
    except Refused as refused:
        assert refused.code in ("invalid", "not_found", "conflict")
    else:
        assert result["index"] == 0
    assert [c["id"] for c in book.state()["cells"]] == [a, b]


# --- set_cell ---
def test_a_cells_name_type_and_switch_are_set(book, tab):
    (cell,) = chain(book, "x")
    for change, name, value in [
        ({"name": "Überschrift"}, "name", "Überschrift"),
        ({"name": None}, "name", None),
        ({"cell_type": "sql"}, "type", "sql"),
        ({"cell_type": "python"}, "type", "python"),
        ({"disabled": True}, "disabled", True),
        ({"disabled": False}, "disabled", False),
    ]:
        tab.command("ping")
        before = tab.mirror.cell(cell)
        result = tab.command("set_cell", cellId=cell, **change)
        tab.reach(result["seq"])
        shown = tab.mirror.cell(cell)
        assert shown[name] == value
        assert shown["code"] == before["code"]
    long = "n" * 401
    assert refusal(tab, "set_cell", cellId=cell, name=long)["code"] == "too_large"


def test_a_change_of_type_changes_the_names(book, tab):
    cell = book.add("SELECT * FROM t WHERE x = {x}")
    result = tab.command("set_cell", cellId=cell, cell_type="sql")
    tab.reach(result["seq"])
    assert "x" in tab.mirror.cell(cell)["reads"]
    assert tab.mirror.cell(cell)["status"] in ("idle", "error")


def test_what_is_disabled_does_not_run_nor_does_what_needs_it(book, tab):
    a, b, c, d = chain(book, "a = 1", "b = a + 1", "c = b + 1", "d = a + 10")
    tab.command("set_cell", cellId=b, disabled=True)
    tab.run_to_end(a)
    (plan,) = tab.numbered("plan")
    assert [step["cellId"] for step in plan["cells"]] == [a, d]
    assert set(plan["disabled"]) == {b, c}
    assert refusal(tab, "run_cell", cellId=b)["code"] == "invalid"
    tab.command("run_all", wait=True)
    assert tab.mirror.cell(c)["status"] == "idle"
    tab.command("set_cell", cellId=b, disabled=False)
    assert tab.run_to_end(b)["status"] == "success"
    assert tab.mirror.cell(c)["status"] == "success"


# --- all of it at random ---
def test_whatever_two_tabs_do_both_know_the_same_in_the_end(book, tab):
    """Edits, moves, deletions and runs from both sides, mixed; fixture `book` compares at the end."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    other = book.open()
    for n in range(5):
        book.add(f"v{n} = {n}")
    for n in range(150):
        channel = dice.choice([tab, other])
        cells = order(channel)
        do_something(dice, channel, cells, n)
    for channel in (tab, other):
        channel.command("ping")
    tab.command("run_all", wait=True)
    third = book.open(copy.deepcopy(other.mirror))
    book.check()
    assert third.mirror.cells.keys() == tab.mirror.cells.keys()


def do_something(dice, channel, cells, n):
    if len(cells) < 3:
        channel.ask("create_cell", cell_type="python", code=f"v{n} = {n}")
        return
    cell, after = dice.choice(cells), dice.choice([None, *cells])
    used = f"v{dice.randrange(5)}"
    choices = [
        (
            "update_cell",
            {"cellId": cell, "code": f"print({used}, {n})\nv{n % 9} = {n}"},
        ),
        ("move_cell", {"cellId": cell, "after_cell_id": after}),
        ("set_cell", {"cellId": cell, "disabled": dice.random() < 0.2}),
        ("set_cell", {"cellId": cell, "name": f"name {n}"}),
        ("create_cell", {"cell_type": "python", "after_cell_id": after, "code": used}),
        ("delete_cell", {"cellId": cell}),
        ("run_cell", {"cellId": cell}),
        ("run_stale", {}),
        ("interrupt", {}),
    ]
    kind, members = dice.choices(choices, [5, 3, 1, 1, 3, 1, 5, 1, 1])[0]
    number = channel.ask(kind, **members)
    if dice.random() < 0.3:
        try:
            channel.answer(number)
        except Refused as refused:
            assert refused.code in ("not_found", "invalid", "unavailable"), refused
