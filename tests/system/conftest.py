"""Fixtures: one issuer and one server for all tests that need none of their own, new users for every test
so that none sees another's notebooks."""

import secrets
import pytest

from lib.book import Book
from lib.issuer import Issuer, User
from lib.page import Page
from lib.server import BINARY, Server


def pytest_configure():
    if not BINARY.exists():
        pytest.exit(f"{BINARY} does not exist; scripts/build makes it", returncode=1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the servers had to say."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in Server.started:
            report.sections.append((f"log of {server.log}", server.tail()))


@pytest.fixture(scope="session")
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.close()


@pytest.fixture(scope="session")
def shared_server(issuer, tmp_path_factory):
    # Notebooks of past tests are closed soon: their kernels need memory.
    directory = tmp_path_factory.mktemp("server")
    server = Server(directory, issuer, SESSION_IDLE_S="3").start()
    yield server
    server.dispose()


@pytest.fixture
def server(shared_server):
    """Must outlive the test; if it does not, that test fails and the next one gets a new process."""
    if not shared_server.is_running():
        shared_server.start()
    yield shared_server
    shared_server.check_log()
    assert shared_server.is_running(), f"the server died\n{shared_server.tail()}"


@pytest.fixture
def own_server(tmp_path):
    """Makes a server of the test's own: own_server(issuer, NAME="value")."""
    made = []

    def start(issuer, **environment):
        directory = tmp_path / f"server-{len(made)}"
        directory.mkdir()
        made.append(Server(directory, issuer, **environment))
        return made[-1].start()

    yield start
    for server in made:
        server.dispose()


@pytest.fixture
def own_issuer():
    """One that the test may break."""
    issuer = Issuer()
    yield issuer
    issuer.close()


@pytest.fixture
def new_user(issuer):
    def make(issuer=issuer):
        user = "user_" + secrets.token_hex(14)[:27]
        return User(user, issuer.token(user))

    return make


@pytest.fixture
def alice(new_user):
    return new_user()


@pytest.fixture
def bob(new_user):
    return new_user()


@pytest.fixture
def api(server, alice):
    """The server as Alice sees it."""
    return server.api(alice.token)


@pytest.fixture
def page(server, alice):
    """A notebook of Alice's, open."""
    page = Page(server, alice)
    yield page
    page.close()


@pytest.fixture
def book(server, alice):
    """A notebook of Alice's for clients of version 2."""
    book = Book(server, alice)
    yield book
    book.check()
    book.close()


@pytest.fixture
def tab(book):
    """One of them."""
    return book.open()
