"""Cells: creating, saving, deleting, and what those who watch hear of it."""

import threading

import pytest

from lib.page import Page
from lib.ws import Socket


def cell_ids(page):
    return [cell["id"] for cell in page.get()["cells"]]


def test_a_new_cell_is_the_last_one(page):
    first, second = page.add(), page.add(kind="sql")
    cells = page.get()["cells"]
    assert [cell["id"] for cell in cells] == [first, second]
    assert [cell["type"] for cell in cells] == ["python", "sql"]
    assert all(cell["code"] == "" and cell["status"] == "idle" for cell in cells)


@pytest.mark.parametrize("after", [None, ""])
def test_after_nothing_means_at_the_end(page, after):
    first = page.add()
    second = page.add(after_cell_id=after)
    assert cell_ids(page) == [first, second]


def test_a_cell_can_be_put_after_any_other(page):
    a, b = page.add(), page.add()
    after_a = page.add(after_cell_id=a)
    after_b = page.add(after_cell_id=b)
    between = page.add(after_cell_id=a)
    assert cell_ids(page) == [a, between, after_a, b, after_b]


def test_inserting_at_one_place_many_times_keeps_the_order(page):
    first, last = page.add(), page.add()
    inserted = [page.add(after_cell_id=first) for _ in range(70)]
    assert cell_ids(page) == [first, *reversed(inserted), last]


def test_saving_recomputes_the_names(page):
    cell = page.add("y = x + len(z)")
    assert page.cell(cell)["reads"] == ["x", "z"]
    assert page.cell(cell)["writes"] == ["y"]
    page.edit(cell, "import os.path as p, sys\ndef f(a): return a + g")
    assert page.cell(cell)["reads"] == ["g"]
    assert sorted(page.cell(cell)["writes"]) == ["f", "p", "sys"]
    page.edit(cell, "")
    assert (page.cell(cell)["reads"], page.cell(cell)["writes"]) == ([], [])


@pytest.mark.parametrize(
    "code", ["x = 'ünïcode 🐍'", "a\r\nb\n", "\t# \\ \" '", "#" * 50_000, "</script>"]
)
def test_code_is_kept_to_the_byte(page, code):
    cell = page.add()
    page.edit(cell, code)
    assert page.cell(cell)["code"] == code


def test_saving_makes_a_cell_idle_and_keeps_its_results(page):
    cell = page.add("print('kept')\n1 + 1")
    page.run(cell)
    page.edit(cell, "1 + 2")
    after = page.cell(cell)
    assert after["status"] == "idle"
    assert after["code"] == "1 + 2"


def test_a_deleted_cell_is_gone_and_so_are_its_names(page):
    x, y = page.add("x = 5"), page.add("y = x + 1\ny")
    assert page.run(x).plain(y) == "6"
    page.remove(x)
    assert cell_ids(page) == [y]
    assert page.cell(y)["status"] == "success", "nothing re-runs"
    assert "NameError" in page.run(y).error(y)


# --- revisions ---
def test_every_change_of_a_cell_has_a_higher_revision(page):
    cell, other = page.add(), page.add()
    revisions = [page.edit(cell, f"x = {n}") for n in range(3)]
    revisions.append(page.remove(other))
    revisions.append(page.edit(cell, "x = 9"))
    assert revisions == sorted(set(revisions))


def test_a_save_for_the_current_revision_passes(page):
    cell = page.add()
    revision = page.edit(cell, "x = 1")
    newer = page.edit(cell, "x = 2", expected_revision=revision)
    assert newer > revision
    assert page.cell(cell)["code"] == "x = 2"


@pytest.mark.parametrize("off_by", [-1, 1, 1000])
def test_a_save_for_another_revision_is_409_and_changes_nothing(page, off_by):
    cell = page.add()
    revision = page.edit(cell, "x = 1")
    expected = revision + off_by
    answer = page.api.send(
        "PUT",
        f"/api/notebooks/{page.id}/cells/{cell}",
        {"code": "x = 2", "expected_revision": expected},
    )
    assert answer.status == 409
    assert answer.detail == f"Revision conflict: expected {expected}, got {revision}"
    assert page.cell(cell)["code"] == "x = 1"
    assert page.edit(cell, "x = 3", expected_revision=revision) > revision


# --- what those who watch hear ---
@pytest.fixture(params=["message", "query", "header"])
def watcher(request, page):
    """Another connection to the same notebook, of every generation."""
    ways = {
        "message": Socket.by_message,
        "query": Socket.by_query,
        "header": Socket.by_header,
    }
    socket = page.connect(ways[request.param])
    yield socket
    socket.close()


def test_a_created_cell_is_announced_with_its_place(page, watcher):
    first = page.add()
    last = page.add(kind="sql", after_cell_id=first)
    middle = page.add(after_cell_id=first)
    for socket in (page.socket, watcher):
        events = [socket.wait_for("cell_created", c) for c in (first, last, middle)]
        assert [e["index"] for e in events] == [0, 1, 1]
        assert events[1]["cell"] == {
            "id": last,
            "type": "sql",
            "code": "",
            "status": "idle",
            "reads": [],
            "writes": [],
        }


def test_a_saved_cell_is_announced_with_its_names(page, watcher):
    cell = page.add()
    page.edit(cell, "y = x + 1")
    for socket in (page.socket, watcher):
        event = socket.wait_for("cell_updated", cell)
        assert event == {
            "type": "cell_updated",
            "cellId": cell,
            "cell": {
                "code": "y = x + 1",
                "reads": ["x"],
                "writes": ["y"],
                "status": "idle",
                "error": None,
            },
        }


def test_a_deleted_cell_is_announced(page, watcher):
    cell = page.add()
    page.remove(cell)
    for socket in (page.socket, watcher):
        event = socket.wait_for("cell_deleted", cell)
        assert event == {"type": "cell_deleted", "cellId": cell}


def test_what_is_refused_is_announced_to_nobody(page, watcher):
    cell = page.add()
    watcher.wait_for("cell_created", cell)
    target = f"/api/notebooks/{page.id}/cells/{cell}"
    wrong = {"code": "x = 2", "expected_revision": 10**6}
    assert page.api.send("PUT", target, wrong).status == 409
    assert page.api.send("PUT", target, {"code": 5}).status == 422
    assert page.api.send("DELETE", target + "0").status == 400
    page.edit(cell, "the_end = 1")
    assert watcher.next()["cell"]["code"] == "the_end = 1"


def test_renaming_and_connecting_are_announced_to_nobody(page, watcher):
    page.api.rename(page.id, "Sales")
    page.api.set_connection(page.id, "postgresql://db.example")
    cell = page.add()
    assert watcher.next()["cellId"] == cell


def test_a_notebook_of_another_page_hears_nothing(page, server, alice):
    other = Page(server, alice)
    page.add("x = 1")
    cell = other.add()
    assert other.socket.next()["cellId"] == cell
    other.close()


def test_cells_saved_at_the_same_time_are_all_saved(page):
    cells = [page.add() for _ in range(6)]

    def save_often(cell):
        for n in range(10):
            page.edit(cell, f"v = {n}  # {cell}")

    threads = [threading.Thread(target=save_often, args=(c,)) for c in cells]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [c["code"] for c in page.get()["cells"]] == [f"v = 9  # {c}" for c in cells]
