"""server: the real binary, started and stopped."""

import os
import re
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

from .api import Api, exchange
from .issuer import ORIGIN

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("NOTEBOOKD", ROOT / "build" / "notebookd"))

START_S = 20
STOP_S = 25
TAIL_LINES = 60
SANITIZER = re.compile(
    r"(Address|Leak|Thread|Memory|Undefined\w*)Sanitizer|runtime error:"
)
PASSED_ON = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")

OTHER_ORIGIN = "http://localhost:3000"
# The sanitizer keeps what was freed (its quarantine, 16 MiB) and gives less back to the system.
SANITIZER_BYTES = 48 << 20 if "ASAN_OPTIONS" in os.environ else 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def descendants(pid):
    """All processes below `pid`, as /proc has them now."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:  # the thread has ended meanwhile
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


class Server:
    """One data directory and, between start and stop, one process that serves it."""

    started = []  # all that a failing test may want to see the log of

    def __init__(self, directory, issuer, **environment):
        self.directory = Path(directory)
        self.data_dir = self.directory / "data"
        self.log = self.directory / "notebookd.log"
        self.issuer = issuer
        self.environment = environment
        self.process = None
        self.port = None
        self._log_checked = 0

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def _environment(self):
        passed_on = {n: os.environ[n] for n in PASSED_ON if n in os.environ}
        own = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATA_DIR": str(self.data_dir),
            "ALLOWED_ORIGINS": f"{ORIGIN},{OTHER_ORIGIN}",
            "CLERK_AUTHORIZED_PARTIES": ORIGIN,
            "RATE_LIMITS": "off",
        }
        if self.issuer is not None:
            own["CLERK_JWKS_URL"] = self.issuer.jwks_url
            own["CLERK_ISSUER"] = self.issuer.url
        return {**passed_on, **own, **self.environment}

    def start(self):
        self.port = free_port()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [BINARY],
                env=self._environment(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self not in Server.started:
            Server.started.append(self)
        try:
            self._wait_until_healthy()
        except AssertionError:
            self.kill9()
            raise
        return self

    def _wait_until_healthy(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            code = self.process.poll()
            assert code is None, f"the server ended with {code}\n{self.tail()}"
            try:
                if exchange(self.address, "GET", "/health").status == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"no answer from /health in {START_S} s\n{self.tail()}")

    def limit_files(self, count):
        """From now on the server itself may have so many descriptors; its children keep their limit."""
        limits = (count, count)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, limits)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """A clean end: SIGTERM, exit code 0, and nothing from a sanitizer in the log."""
        self.terminate()
        self.wait_stopped()

    def wait_stopped(self):
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"still there {STOP_S} s after SIGTERM\n{self.tail()}")
        assert code == 0, f"ended with {code} after SIGTERM\n{self.tail()}"
        self.check_log()

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self):
        """After kill9 or stop: the same data, a new process."""
        assert not self.is_running()
        return self.start()

    def dispose(self):
        """For the end of a test: stops what runs, or checks that it died for a reason."""
        try:
            if self.is_running():
                self.stop()
            self.check_log()
            code = self.process.returncode
            assert code in (0, -signal.SIGKILL), f"died: {code}\n{self.tail()}"
        finally:
            Server.started[:] = [s for s in Server.started if s is not self]

    def check_log(self):
        """Nothing from a sanitizer in what was written since the last look."""
        with self.log.open(errors="replace") as log:
            log.seek(self._log_checked)
            new = log.read()
            self._log_checked = log.tell()
        assert SANITIZER.search(new) is None, f"a sanitizer complained\n{new[-20_000:]}"

    def tail(self, lines=TAIL_LINES):
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kernels(self):
        """Everything below the server: launcher, analyser, kernels."""
        return descendants(self.process.pid)

    def api(self, token=None, **options):
        return Api(self, token, **options)


def run_binary(*arguments, **environment):
    """The binary as a command: `--help`, `--print-routes`, or a start that must fail."""
    passed_on = {n: os.environ[n] for n in PASSED_ON if n in os.environ}
    return subprocess.run(
        [BINARY, *arguments],
        env={**passed_on, **environment},
        capture_output=True,
        text=True,
        timeout=START_S,
    )
