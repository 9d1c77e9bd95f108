"""Two users: neither sees, changes, runs or hears the other's notebook, nor learns more than that."""

import pytest

from lib.page import Page
from lib.ws import Closed, Socket

SECRET = "the_secret_of_alice"


def attempts(notebook, cell="x"):
    """(method, path, body, the word for what is denied)"""
    target = f"/api/notebooks/{notebook}"
    return [
        ("GET", target, None, "access"),
        ("PUT", f"{target}/name", {"name": "mine"}, "rename"),
        ("PUT", f"{target}/db", {"connection_string": "mine"}, "modify"),
        ("DELETE", target, None, "delete"),
        ("POST", f"{target}/cells", {"type": "python"}, "modify"),
        ("PUT", f"{target}/cells/{cell}", {"code": "mine"}, "modify"),
        ("DELETE", f"{target}/cells/{cell}", None, "modify"),
    ]


def denied(api, method, path, body, what, notebook):
    answer = api.send(method, path, *([] if body is None else [body]))
    text = f"Access denied: You don't have permission to {what} notebook '{notebook}'"
    assert (answer.status, answer.detail) == (403, text), f"{method} {path}"
    return answer


@pytest.fixture
def theirs(server, bob):
    """The server as Bob sees it, who is not the owner of `page`."""
    api = server.api(bob.token)
    api.list()
    return api


def test_every_route_denies_another_users_notebook(page, theirs):
    cell = page.add(f"{SECRET} = 1")
    before = page.get()
    for attempt in attempts(page.id, cell):
        denied(theirs, *attempt, page.id)
    assert page.get() == before


@pytest.mark.parametrize("how", [Socket.by_message, Socket.by_query])
def test_another_users_notebook_cannot_be_heard(page, server, bob, how):
    socket = how(server, page.id, bob.token)
    socket.connection.settimeout(5)
    page.add(f"{SECRET} = 1")
    with pytest.raises(Closed) as closed:
        while True:
            socket.next()
    assert (closed.value.code, closed.value.reason) == (1008, "Access denied")
    assert SECRET not in str(socket.events)


def test_nobody_runs_what_is_not_theirs(page, server, bob):
    cell = page.add("x = 1")
    own = Page(server, bob)
    own.socket.run(cell)
    own.settle()
    own.close()
    assert page.cell(cell)["status"] == "idle"


def test_a_list_holds_the_own_notebooks_only(page, theirs, alice):
    page.api.rename(page.id, SECRET)
    listed = theirs.list()
    assert page.id not in [notebook["id"] for notebook in listed]
    assert alice.id not in str(listed) and SECRET not in str(listed)


@pytest.mark.parametrize("kind", ["demo", "blank"])
def test_an_id_that_names_its_owner_tells_nothing_about_existence(
    server, theirs, new_user, kind
):
    there, absent = new_user(), new_user()
    server.api(there.token).list()
    answers = []
    for user in (there, absent):
        notebook = f"{kind}-{user.id}"
        for attempt in attempts(notebook):
            answer = denied(theirs, *attempt, notebook)
            names = {name for name, _ in answer.header_list}
            answers.append((notebook, names))
    first, second = answers[: len(answers) // 2], answers[len(answers) // 2 :]
    assert [names for _, names in first] == [names for _, names in second]


@pytest.mark.parametrize("kind", ["demo", "blank"])
def test_nor_does_the_live_connection(server, bob, new_user, kind):
    there, absent = new_user(), new_user()
    server.api(there.token).list()
    for user in (there, absent):
        socket = Socket.by_message(server, f"{kind}-{user.id}", bob.token)
        assert socket.next()["message"].startswith("Access denied: ")
        assert socket.until_closed() == (1008, "Access denied")


def test_the_own_demo_that_does_not_exist_yet_is_just_unknown(server, new_user):
    user = new_user()
    answer = server.api(user.token).send("GET", f"/api/notebooks/demo-{user.id}x")
    assert answer.status in (403, 404)


def test_a_user_whose_id_begins_like_anothers_is_another(server, issuer, new_user):
    user = new_user()
    server.api(user.token).list()
    longer = server.api(issuer.token(user.id + "2"))
    longer.list()
    assert longer.send("GET", f"/api/notebooks/demo-{user.id}").status == 403
    shorter = server.api(issuer.token(user.id[:-1]))
    assert shorter.send("GET", f"/api/notebooks/demo-{user.id}").status == 403


def test_a_cell_is_found_in_its_own_notebook_only(page, theirs):
    cell = page.add(f"{SECRET} = 1")
    own = theirs.create()
    target = f"/api/notebooks/{own}/cells/{cell}"
    assert theirs.send("PUT", target, {"code": "mine"}).status == 400
    assert theirs.send("DELETE", target).status == 400
    follow = {"type": "python", "after_cell_id": cell}
    assert theirs.send("POST", f"/api/notebooks/{own}/cells", follow).status == 404
    assert page.cell(cell)["code"] == f"{SECRET} = 1"


def test_kernels_share_no_variables(page, server, alice, bob):
    cell = page.add(f"{SECRET} = 1")
    page.run(cell)
    for user in (alice, bob):
        other = Page(server, user)
        looks = other.add(f"print('{SECRET}' in globals())")
        assert other.run(looks).stdout(looks) == "False\n"
        other.close()


def test_a_kernel_sees_none_of_the_servers_settings(page):
    looks = page.add(
        "import os\nprint([n for n in os.environ if 'CLERK' in n or 'DATA' in n])"
    )
    assert page.run(looks).stdout(looks) == "[]\n"


def test_one_users_busy_kernel_does_not_delay_another(page, server, bob):
    busy = page.add("import time\ntime.sleep(1.5)")
    page.socket.run(busy)
    page.socket.wait_for("cell_status", busy)
    other = Page(server, bob)
    assert other.value("1 + 1") == "2"
    other.close()
    assert page.cell(busy)["status"] == "running"
    page.socket.wait_final(busy)


def test_what_runs_is_seen_by_its_owner_only(page, server, bob):
    other = Page(server, bob)
    page.run(page.add(f"print('{SECRET}')"))
    own = other.add()
    other.socket.wait_for("cell_created", own)
    assert SECRET not in str(other.socket.events)
    other.close()
