"""Running in version 2: plans and why, stale marks, waiting, interrupts, input(), and questions to the kernel."""

import json
import time

import pytest

from lib.channel import Refused

SLEEP = "import time\nprint('begun', flush=True)\ntime.sleep(30)"
QUICK_S = 5  # far less than SLEEP


def refusal(tab, kind, **members):
    with pytest.raises(Refused) as refused:
        tab.command(kind, **members)
    return refused.value.message


def chain(book, *codes):
    return [book.add(code) for code in codes]


def order(tab):
    return list(tab.mirror.cells)


# --- running: plans, reasons, stale marks ---
def test_a_plan_says_what_runs_and_why(book, tab):
    a, b, c = chain(book, "a = 1", "b = a + 1", "c = b + 1")
    result = tab.command("run_cell", cellId=b)
    expected = [
        {"cellId": a, "reason": "ancestor"},
        {"cellId": b, "reason": "asked"},
        {"cellId": c, "reason": "descendant"},
    ]
    assert result["plan"] == expected
    plan = tab.numbered("plan")[0]
    assert (plan["cells"], plan["disabled"]) == (expected, [])
    assert tab.wait_for("plan_ended")["status"] == "finished"
    ran = [e["cellId"] for e in tab.numbered("cell_status") if e["status"] == "running"]
    assert ran == [a, b, c]


def test_run_all_runs_all_in_their_order(book, tab):
    b, a, c = chain(book, "b = a + 1", "a = 1", "print(a, b)")
    result = tab.command("run_all", wait=True)
    assert result["status"] == "success"
    assert [cell["id"] for cell in result["cells"]] == [a, b, c]
    assert {cell["status"] for cell in result["cells"]} == {"success"}
    assert {s["reason"] for s in tab.numbered("plan")[0]["cells"]} == {"asked"}
    assert result["cells"] == [
        {**tab.mirror.cell(c["id"]), "stdout": c["stdout"]} for c in result["cells"]
    ]


def stale(tab):
    return [cell for cell in order(tab) if tab.mirror.cell(cell)["stale"]]


def test_an_edit_makes_stale_what_depends_on_it_and_run_stale_runs_that(book, tab):
    a, b, c, other = chain(book, "a = 1", "b = a + 1", "print(b)", "other = 1")
    tab.command("run_all", wait=True)
    assert stale(tab) == []
    result = tab.command("update_cell", cellId=a, code="a = 10")
    tab.reach(result["seq"])
    assert stale(tab) == [a, b, c]
    tab.run_to_end(other)
    assert stale(tab) == [a, b, c]
    answer = tab.command("run_stale", wait=True)
    assert [cell["id"] for cell in answer["cells"]] == [a, b, c]
    assert tab.mirror.cell(c)["stdout"] == b"11\n"
    assert stale(tab) == []


def test_stale_is_left_only_by_what_really_ran(book, tab):
    a, b = chain(book, "a = 1", "b = a + 1")
    tab.command("run_all", wait=True)
    tab.command("restart_kernel")
    result = tab.command("ping")
    assert result and stale(tab) == [a, b]
    assert [step["reason"] for step in tab.command("run_cell", cellId=b)["plan"]] == [
        "ancestor",
        "asked",
    ]
    tab.wait_for("plan_ended")
    assert stale(tab) == []


def test_with_nothing_stale_run_stale_runs_nothing(book, tab):
    chain(book, "1")
    tab.command("run_all", wait=True)
    answer = tab.command("run_stale", wait=True)
    assert (answer["status"], answer["cells"]) == ("success", [])


def test_what_is_asked_for_meanwhile_is_queued_and_runs_next(book, tab):
    slow, one, two = chain(book, "import time\ntime.sleep(0.6)", "1", "2")
    tab.ask("run_cell", cellId=slow)
    tab.wait_for("plan")
    tab.command("run_cell", cellId=one)
    tab.command("run_cell", cellId=two)
    assert set(tab.numbered("queued")[-1]["cellIds"]) <= {one, two}
    assert tab.mirror.run["queued"] == sorted([one, two])
    fresh = book.open()
    assert fresh.mirror.run == tab.mirror.run
    tab.wait_for("plan_ended")
    plan = tab.wait_for("plan")
    assert {s["cellId"] for s in plan["cells"]} == {one, two}
    tab.wait_for("plan_ended")


# --- wait ---
def test_a_run_with_wait_tells_how_it_goes_and_how_it_ended(book, tab):
    a, b, c = chain(book, "a = 1", "print('b', a)\nb = a", "c = b\nc")
    number = tab.ask("run_cell", cellId=a, wait=True)
    result = tab.answer(number)
    progress = [e for e in tab.events if e["type"] == "progress"]
    assert {e["id"] for e in progress} == {number}
    assert [e["done"] for e in progress] == sorted({e["done"] for e in progress})
    assert {e["total"] for e in progress} == {3}
    assert (result["status"], [x["id"] for x in result["cells"]]) == (
        "success",
        [a, b, c],
    )
    assert result["cells"][1]["stdout"] == "b 1\n"
    tab.reach(result["seq"])
    assert tab.mirror.cell(c)["status"] == "success"


@pytest.mark.parametrize(
    "code, status, below",
    [
        ("a = 1", "success", "success"),
        ("a = 1 / 0", "error", "blocked"),
        ("a =", "error", "blocked"),
    ],
)
def test_a_run_with_wait_ends_as_its_cells_do(book, tab, code, status, below):
    a, b = chain(book, code, "b = a")
    if code == "a =":
        tab.command("update_cell", cellId=b, code="b = 1")
        below = "idle"
    result = tab.run_to_end(a)
    assert result["status"] == status
    assert tab.mirror.cell(b)["status"] == below


def test_a_run_that_waits_in_the_queue_is_answered_with_its_own_plan(book, tab):
    slow, quick = chain(book, "import time\ntime.sleep(0.5)", "'quick'")
    first = tab.ask("run_cell", cellId=slow, wait=True)
    second = tab.ask("run_cell", cellId=quick, wait=True)
    assert [c["id"] for c in tab.answer(first)["cells"]] == [slow]
    assert [c["id"] for c in tab.answer(second)["cells"]] == [quick]


# --- interrupt, restart ---
ENDLESS = [
    "while True: pass",
    "import time\ntime.sleep(60)",
    "import subprocess\nsubprocess.run(['sleep', '60'])",
]


@pytest.mark.parametrize("code", ENDLESS)
def test_an_interrupt_ends_what_runs_and_keeps_what_is_known(book, tab, code):
    known, endless = chain(book, "known = 42", f"print('in', flush=True)\n{code}")
    below = book.add("known")
    tab.run_to_end(known)
    waiting = tab.ask("run_cell", cellId=endless, wait=True)
    tab.wait_for("cell_stdout", endless)
    started = time.monotonic()
    assert tab.command("interrupt") == {}
    assert tab.answer(waiting)["status"] == "interrupted"
    assert time.monotonic() - started < QUICK_S
    assert tab.numbered("plan_ended")[-1]["status"] == "interrupted"
    shown = tab.mirror.cell(endless)
    assert shown["status"] == "error" and "KeyboardInterrupt" in shown["error"]
    assert tab.run_to_end(below)["status"] == "success"
    assert len(tab.numbered("plan")[-1]["cells"]) == 1, "the kernel was lost"


def test_an_interrupt_takes_back_what_has_not_begun(book, tab):
    slow, below, other = chain(book, f"{SLEEP}\nx = 1", "x", "other = 1")
    waiting = tab.ask("run_cell", cellId=slow, wait=True)
    tab.wait_for("cell_stdout", slow)
    tab.command("run_cell", cellId=other)
    tab.command("interrupt")
    tab.answer(waiting)
    tab.command("ping")
    assert tab.mirror.run is None
    running = [
        e["cellId"] for e in tab.numbered("cell_status") if e["status"] == "running"
    ]
    assert other not in running
    assert tab.mirror.cell(below)["status"] in ("idle", "blocked")


def test_an_interrupt_of_nothing_is_fine(tab):
    assert tab.command("interrupt") == {}
    assert tab.command("interrupt") == {}


def test_a_restart_forgets_names_and_keeps_what_is_shown(book, tab):
    define, use = chain(book, "x = 5\nprint(x)", "'x' in globals()")
    tab.command("update_cell", cellId=use, code="print('y' in dir())")
    tab.run_to_end(define)
    assert tab.command("restart_kernel") == {}
    tab.command("ping")
    tab.wait_kernel("idle")
    assert tab.mirror.cell(define)["stdout"] == b"5\n"
    assert tab.mirror.cell(define)["stale"] is True
    assert tab.command("variables")["variables"] == []


def test_a_restart_ends_what_runs(book, tab):
    (slow,) = chain(book, SLEEP)
    waiting = tab.ask("run_cell", cellId=slow, wait=True)
    tab.wait_for("cell_stdout", slow)
    tab.command("restart_kernel")
    assert tab.answer(waiting)["status"] in ("died", "interrupted")
    assert tab.mirror.cell(slow)["status"] == "error"
    assert "restarted" in tab.mirror.cell(slow)["error"]
    tab.command("update_cell", cellId=slow, code="'again'")
    assert tab.run_to_end(slow)["status"] == "success"


# --- input() ---
def wait_for_question(tab, prompt):
    return tab.wait(
        lambda e: e["type"] == "kernel_state"
        and e["input"] is not None
        and e["input"]["prompt"] == prompt
    )


def test_input_asks_and_is_answered(book, tab):
    cell = book.add(
        "import getpass\nname = input('Who? ')\nsecret = getpass.getpass('Key: ')\nname, secret"
    )
    other = book.open()
    waiting = tab.ask("run_cell", cellId=cell, wait=True)
    asked = wait_for_question(tab, "Who? ")
    assert asked["input"] == {"prompt": "Who? ", "password": False}
    assert (asked["cellId"], asked["state"]) == (cell, "busy")
    assert wait_for_question(other, "Who? ")["input"] == asked["input"]
    assert book.open().kernel["input"] == asked["input"]
    assert other.command("input_reply", value="Zoë") == {}
    assert wait_for_question(tab, "Key: ")["input"]["password"] is True
    tab.command("input_reply", value="s3cret")
    assert tab.answer(waiting)["status"] == "success"
    assert tab.mirror.cell(cell)["outputs"][0]["data"] == "('Zoë', 's3cret')"
    assert refusal(tab, "input_reply", value="x")["code"] == "conflict"


def test_input_that_nobody_answers_can_be_interrupted(book, tab):
    cell = book.add("input()")
    waiting = tab.ask("run_cell", cellId=cell, wait=True)
    wait_for_question(tab, "")
    tab.command("interrupt")
    assert tab.answer(waiting)["status"] == "interrupted"
    assert tab.kernel["input"] is None


# --- questions ---
def test_completion_inspection_and_variables_while_nothing_runs(book, tab):
    cell = book.add(
        "answer = 42\nnumbers = [1, 2, 3]\ndef area(width):\n    'Of a square.'\n    return width * width"
    )
    tab.run_to_end(cell)
    check_questions(tab)
    names = {v["name"]: v for v in tab.command("variables")["variables"]}
    assert {"answer", "numbers", "area"} <= set(names)
    assert (names["answer"]["type"], names["answer"]["preview"]) == ("int", "42")
    assert not any(name.startswith("_") for name in names)
    assert names["answer"]["cellId"] == cell


def check_questions(tab):
    done = tab.command("complete", code="é = ans", cursor=7)
    assert "answer" in [match["text"] for match in done["matches"]]
    assert (done["start"], done["end"]) == (4, 7)
    found = tab.command("inspect", code="area(3)", cursor=3, detail=0)
    assert found["found"] is True
    assert "Of a square." in json.dumps(found)
    assert tab.command("inspect", code="nothing_such", cursor=5)["found"] is False


def test_questions_are_answered_while_a_cell_computes(book, tab):
    define = book.add(
        "answer = 42\ndef area(width):\n    'Of a square.'\n    return width"
    )
    busy = book.add("print('in', flush=True)\nn = 0\nwhile True: n += 1")
    tab.run_to_end(define)
    tab.ask("run_cell", cellId=busy)
    tab.wait_for("cell_stdout", busy)
    started = time.monotonic()
    check_questions(tab)
    assert "answer" in [v["name"] for v in tab.command("variables")["variables"]]
    assert time.monotonic() - started < QUICK_S
    assert tab.kernel["state"] == "busy"
    tab.command("interrupt")
    tab.wait_for("plan_ended")


def test_questions_to_an_interpreter_that_is_held_are_refused_soon(book, tab):
    hold = book.add("print('in', flush=True)\nsum(range(10**12))")
    tab.ask("run_cell", cellId=hold)
    tab.wait_for("cell_stdout", hold)
    time.sleep(0.1)
    started = time.monotonic()
    try:
        tab.command("complete", code="a", cursor=1)
    except Refused as refused:
        assert refused.code == "unavailable"
    assert time.monotonic() - started < QUICK_S
    tab.command("restart_kernel")
    tab.rest()


def test_who_follows_the_variables_gets_them_after_every_plan(book, tab):
    (cell,) = chain(book, "x = 1")
    other = book.open()
    tab.wait_kernel("idle")
    tab.command("variables", follow=True)
    tab.run_to_end(cell)
    told = tab.wait_for("variables")
    assert [v["name"] for v in told["variables"]] == ["x"]
    tab.command("variables", follow=False)
    seen = len(tab.events)
    tab.run_to_end(cell)
    tab.nothing(0.5)
    assert not any(e["type"] == "variables" for e in tab.events[seen:])
    other.reach(tab.mirror.seq)
    assert not any(e["type"] == "variables" for e in other.events)
