"""Notebooks: the list, creating, renaming, connecting, deleting."""

import threading

import pytest

from lib.page import Page

DEMO_MIME_TYPES = {
    "image/png",
    "application/json",
    "application/vnd.plotly.v1+json",
    "application/vnd.vegalite.v6+json",
}


def ids(notebooks):
    return [notebook["id"] for notebook in notebooks]


def test_a_new_user_has_a_blank_and_a_demo_notebook(api, alice):
    blank, demo = api.list()
    assert blank == {"id": f"blank-{alice.id}", "name": "Blank Notebook"}
    assert demo["id"] == f"demo-{alice.id}"
    (cell,) = api.get(blank["id"])["cells"]
    assert (cell["type"], cell["code"], cell["status"]) == ("python", "", "idle")


def test_the_demo_is_a_reactive_notebook(api, alice):
    api.list()
    demo = api.get("demo")
    assert demo["id"] == f"demo-{alice.id}"
    x, y = demo["cells"][:2]
    assert "x" in x["writes"] and "x" in y["reads"] and "y" in y["writes"]
    assert all(cell["status"] == "idle" for cell in demo["cells"])
    assert all(cell["outputs"] == [] for cell in demo["cells"])


def test_the_demo_shows_every_kind_of_output(server, api, alice):
    api.list()
    page = Page(server, alice, f"demo-{alice.id}")
    for cell in page.get()["cells"]:
        assert page.run(cell["id"], timeout=40).status(cell["id"]) == "success"
    page.close()
    cells = api.get("demo")["cells"]
    assert {cell["status"] for cell in cells} == {"success"}
    shown = {output["mime_type"] for cell in cells for output in cell["outputs"]}
    assert DEMO_MIME_TYPES <= shown


def test_asking_for_the_list_again_changes_nothing(api, alice):
    first = api.list()
    api.rename(f"demo-{alice.id}", "Mine now")
    (cell,) = api.get("blank")["cells"]
    api.save(f"blank-{alice.id}", cell["id"], "kept = 1")
    again = api.list()
    assert ids(again) == ids(first)
    assert again[1]["name"] == "Mine now"
    assert api.get("blank")["cells"][0]["code"] == "kept = 1"


def test_a_list_that_many_ask_for_at_once_has_one_demo(server, new_user):
    api = server.api(new_user().token)
    lists = []
    threads = [
        threading.Thread(target=lambda: lists.append(ids(api.list()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lists) == 8
    assert all(found == lists[0] and len(found) == 2 for found in lists)


def test_a_new_notebook_has_one_empty_cell_and_no_name(api):
    notebook = api.get(api.create())
    assert notebook["name"] is None
    assert notebook["db_conn_string"] is None
    (cell,) = notebook["cells"]
    assert cell == {
        "id": cell["id"],
        "type": "python",
        "code": "",
        "status": "idle",
        "stdout": "",
        "outputs": [],
        "error": None,
        "reads": [],
        "writes": [],
    }


def test_the_list_is_in_the_order_of_creation(api):
    first = ids(api.list())
    created = [api.create() for _ in range(4)]
    assert ids(api.list()) == first + created
    assert len(set(created)) == 4


def test_blank_and_demo_come_later_for_who_has_created_something_already(api, alice):
    created = api.create()
    assert ids(api.list()) == [created, f"blank-{alice.id}", f"demo-{alice.id}"]


def test_an_alias_works_before_the_first_list(api, alice):
    assert api.get("demo")["id"] == f"demo-{alice.id}"
    assert ids(api.list()) == [f"blank-{alice.id}", f"demo-{alice.id}"]


def test_a_notebook_without_a_name_is_listed_under_its_id(api):
    notebook = api.create()
    assert {"id": notebook, "name": notebook} in api.list()


@pytest.mark.parametrize(
    "given, stored",
    [
        ("Sales", "Sales"),
        ("  Sales 2026\t\n", "Sales 2026"),
        ("a  b", "a  b"),
        ("Ünïcödé 🐍 \u0001", "Ünïcödé 🐍 \u0001"),
        ("</script>\"'\\", "</script>\"'\\"),
        ("", None),
        ("  \t ", None),
    ],
)
def test_a_name_is_trimmed_and_a_blank_one_is_none(api, given, stored):
    notebook = api.create()
    api.rename(notebook, "before")
    assert api.rename(notebook, given) == {"status": "ok", "name": stored}
    assert api.get(notebook)["name"] == stored
    listed = {"id": notebook, "name": notebook if stored is None else stored}
    assert listed in api.list()


def test_a_connection_string_is_kept_as_given(api, server):
    notebook = api.create()
    value = " postgresql://ada:s3cr3t-pass@db.example/sales?sslmode=require "
    assert api.set_connection(notebook, value) == {"status": "ok"}
    assert api.get(notebook)["db_conn_string"] == value
    assert "s3cr3t-pass" not in server.log.read_text()


def test_a_deleted_notebook_is_gone(api):
    notebook = api.create()
    assert api.delete(notebook) == {"status": "ok"}
    assert notebook not in ids(api.list())
    assert api.send("GET", f"/api/notebooks/{notebook}").status == 404
    assert api.send("DELETE", f"/api/notebooks/{notebook}").status == 404


@pytest.mark.parametrize("kind", ["demo", "blank"])
def test_a_deleted_demo_comes_back_with_the_next_list(api, alice, kind):
    first = api.list()
    own = f"{kind}-{alice.id}"
    old_cells = {cell["id"] for cell in api.get(own)["cells"]}
    api.delete(own)
    assert api.send("GET", f"/api/notebooks/{own}").status == 404
    assert sorted(ids(api.list())) == sorted(ids(first))
    assert old_cells.isdisjoint(cell["id"] for cell in api.get(own)["cells"])


@pytest.mark.parametrize("alias", ["demo", "blank"])
def test_an_alias_is_for_reading_only(api, alice, alias):
    api.list()
    assert api.get(alias)["id"] == f"{alias}-{alice.id}"
    assert api.get(f"{alias}-{alice.id}") == api.get(alias)
    target = f"/api/notebooks/{alias}"
    assert api.send("DELETE", target).status == 404
    assert api.send("PUT", f"{target}/name", {"name": "a"}).status == 404
    assert api.send("POST", f"{target}/cells", {"type": "sql"}).status == 404
