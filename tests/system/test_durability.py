"""Nothing that was acknowledged is lost, and no client that leaves harms anything."""

import http.client
import socket
import threading
import time

import pytest

from lib.issuer import User
from lib.page import Page
from lib.server import Server, is_alive, run_binary
from lib.ws import Closed, Socket

GONE_S = 3  # a kernel must not outlive its server by more


@pytest.fixture
def restartable(own_server, issuer):
    return own_server(issuer)


def wait_until_gone(processes):
    deadline = time.monotonic() + GONE_S
    while any(is_alive(pid) for pid in processes):
        assert time.monotonic() < deadline, "a process outlived the server"
        time.sleep(0.05)


# --- a server that was killed in the middle of everything ---
class Crash:
    """What was there when the server was killed, and the server that came after it."""

    def __init__(self, server, user):
        self.server = server
        self.page = page = Page(server, user)
        self.sql, gone = page.add("SELECT 1", kind="sql"), page.add("z = 1")
        page.remove(gone)
        self.good = page.add("good = 6 * 7\nprint('kept')\ngood")
        self.below_good = page.add("good + 1")
        self.bad, self.below_bad = page.add("bad = 1 / 0"), page.add("below = bad")
        page.api.rename(page.id, "Kept")
        page.api.set_connection(page.id, "postgresql://kept.example")
        self.deleted = page.api.create()
        page.api.delete(self.deleted)
        page.run(self.good)
        page.run(self.bad)
        self.slow = page.add("import time\nprint('begun', flush=True)\ntime.sleep(60)")
        page.socket.run(self.slow)
        page.socket.wait_for("cell_stdout", self.slow)
        self.before, self.listed = page.get(), page.api.list()
        self.revision = page.edit(self.sql, "SELECT 2")
        self.processes = server.kernels()
        server.kill9()

    def revive(self):
        self.server.restart()
        self.page.api = self.server.api(self.page.user.token)
        self.after = self.page.get()

    def cells(self, notebook):
        """All cells but the two that were changed in the last moment."""
        late = (self.sql, self.slow)
        return [cell for cell in notebook["cells"] if cell["id"] not in late]

    def find(self, cell):
        return next(c for c in self.after["cells"] if c["id"] == cell)


@pytest.fixture(scope="module")
def crash(issuer, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("crash"), issuer).start()
    user = User("user_crash", issuer.token("user_crash"))
    crash = Crash(server, user)
    wait_until_gone(crash.processes)
    crash.revive()
    yield crash
    server.dispose()


def test_no_kernel_outlives_a_killed_server(crash):
    assert len(crash.processes) >= 2
    wait_until_gone(crash.processes)


def test_the_last_acknowledged_write_survives_a_kill(crash):
    assert crash.find(crash.sql)["code"] == "SELECT 2"


def test_all_acknowledged_writes_survive_a_kill(crash):
    assert crash.after["name"] == "Kept"
    assert crash.after["db_conn_string"] == "postgresql://kept.example"
    assert crash.cells(crash.after) == crash.cells(crash.before)
    order = [cell["id"] for cell in crash.before["cells"]]
    assert [cell["id"] for cell in crash.after["cells"]] == order


def test_the_list_survives_a_kill(crash):
    listed = crash.page.api.list()
    assert listed == crash.listed
    assert crash.deleted not in [notebook["id"] for notebook in listed]


def test_results_of_finished_cells_survive_a_kill(crash):
    good = crash.find(crash.good)
    assert (good["status"], good["stdout"]) == ("success", "kept\n")
    assert [output["data"] for output in good["outputs"]] == ["42"]
    assert crash.find(crash.bad)["status"] == "error"
    assert "ZeroDivisionError" in crash.find(crash.bad)["error"]
    assert crash.find(crash.below_bad)["status"] == "blocked"


def test_a_cell_that_was_running_does_not_seem_to_run(crash):
    assert crash.find(crash.slow)["status"] not in ("running", "success")


def test_after_a_kill_the_revision_goes_on(crash):
    page = crash.page
    assert (
        page.edit(crash.slow, "1 + 1", expected_revision=crash.revision)
        > crash.revision
    )


def test_after_a_kill_a_notebook_runs_from_its_roots(crash):
    page = crash.page
    page.socket = page.connect()
    run = page.run(crash.good)
    assert run.order == [crash.good, crash.below_good]
    assert run.plain(crash.below_good) == "43"
    page.close()


def test_writes_under_way_when_the_server_is_killed_are_there_if_acknowledged(
    restartable, alice
):
    api = restartable.api(alice.token)
    notebooks = [api.create() for _ in range(4)]
    acknowledged = {}

    def rename_on_and_on(notebook):
        for n in range(100_000):
            try:
                api.rename(notebook, f"name {n}")
            except (OSError, http.client.HTTPException):
                return
            acknowledged[notebook] = n

    for _ in range(3):
        acknowledged.clear()
        threads = [
            threading.Thread(target=rename_on_and_on, args=(notebook,))
            for notebook in notebooks
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        restartable.kill9()
        for thread in threads:
            thread.join()
        restartable.restart()
        api = restartable.api(alice.token)
        assert len(acknowledged) == len(notebooks)
        for notebook, n in acknowledged.items():
            # The next one may have been committed without its answer having arrived.
            assert api.get(notebook)["name"] in (f"name {n}", f"name {n + 1}")


# --- a server that is asked to stop ---
def test_the_server_stops_cleanly_while_cells_run(restartable, alice):
    page = Page(restartable, alice)
    cell = page.add("while True: pass")
    page.socket.run(cell)
    page.socket.wait_for("cell_status", cell, timeout=30)
    idle = page.connect(Socket.by_query)
    kernels = restartable.kernels()
    started = time.monotonic()
    restartable.terminate()
    for connection in (page.socket, idle):
        code, _ = connection.until_closed(5)
        assert code == 1012
    restartable.wait_stopped()
    assert time.monotonic() - started < 4
    wait_until_gone(kernels)


def test_a_second_sigterm_ends_the_server_at_once_and_loses_nothing(restartable, alice):
    api = restartable.api(alice.token)
    notebook = api.create()
    mute = Socket.by_message(restartable, notebook, alice.token)
    api.rename(notebook, "Kept")
    for _ in range(2):
        restartable.terminate()
        time.sleep(0.1)
    assert restartable.process.wait(2) == 1, "it was not waiting for the mute client"
    mute.drop()
    restartable.restart()
    assert restartable.api(alice.token).get(notebook)["name"] == "Kept"


def test_a_second_server_is_kept_off_the_same_data(server, issuer):
    second = run_binary(
        DATA_DIR=str(server.data_dir),
        PORT="0",
        CLERK_JWKS_URL=issuer.jwks_url,
        CLERK_ISSUER=issuer.url,
    )
    assert second.returncode > 0
    assert server.api().ok("GET", "/health") == {"status": "ok"}


# --- clients that leave ---
def head(user, notebook, length):
    return (
        f"PUT /api/notebooks/{notebook}/name HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {user.token}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def reset(s):
    """Close with a RST and not with a FIN."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    s.close()


@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_a_client_that_leaves_in_the_middle_of_a_request_harms_nothing(
    server, api, alice, leave
):
    notebook = api.create()
    body = b'{"name": "from the dead"}'
    whole = head(alice, notebook, len(body)) + body
    for cut in range(0, len(whole) + 1, 25):
        s = socket.create_connection(server.address)
        s.sendall(whole[:cut])
        leave(s)
    for _ in range(50):
        s = socket.create_connection(server.address)
        s.sendall(whole)
        leave(s)
    assert api.get(notebook)["name"] in (None, "from the dead")
    assert api.rename(notebook, "alive")["name"] == "alive"


def test_a_run_goes_on_when_its_client_leaves(page):
    cell = page.add("import time\nprint('begun', flush=True)\ntime.sleep(0.5)\n42")
    page.socket.run(cell)
    page.socket.wait_for("cell_stdout", cell)
    page.socket.drop()
    page.socket = page.connect()
    assert page.socket.wait_final(cell) == "success"
    after = page.cell(cell)
    assert (after["stdout"], after["outputs"][0]["data"]) == ("begun\n", "42")


def test_clients_that_come_and_go_during_a_run_harm_nothing(page):
    cell = page.add(
        "import time\nfor n in range(60):\n    print(n)\n    time.sleep(0.01)"
    )
    page.socket.run(cell)
    for n in range(20):
        other = page.connect((Socket.by_message, Socket.by_query)[n % 2])
        reset(other.connection.sock) if n % 3 == 0 else other.drop()
    assert page.socket.wait_final(cell) == "success"
    assert page.cell(cell)["stdout"].splitlines() == [str(n) for n in range(60)]


def test_a_client_that_does_not_read_stops_nobody(page, server, alice):
    lazy = Socket.by_message(server, page.id, alice.token)
    cell = page.add("for n in range(50_000):\n    print('z' * 100)")
    assert page.run(cell, timeout=60).status(cell) == "success"
    assert page.value("1 + 1") == "2"
    lazy.drop()


def test_a_notebook_deleted_during_a_run_is_gone(page):
    cell = page.add("import time\ntime.sleep(5)")
    page.socket.run(cell)
    page.socket.wait_for("cell_status", cell)
    page.api.delete(page.id)
    with pytest.raises(Closed):
        page.socket.wait_final(cell, timeout=4)
    assert page.api.send("GET", f"/api/notebooks/{page.id}").status == 404
    page.api.list()
