import pytest

from harness import Analyser, Kernel, Launcher


@pytest.fixture(scope="session")
def launcher():
    started = Launcher()
    started.wait_ready()
    yield started
    started.close()


@pytest.fixture
def kernel(launcher, tmp_path):
    forked = Kernel(launcher, tmp_path).wait_ready()
    yield forked
    forked.close()


@pytest.fixture(scope="session")
def analyser(launcher):
    started = Analyser(launcher)
    yield started
    started.close()
