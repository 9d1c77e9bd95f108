"""The two commands of a first day: scripts/dev starts everything, scripts/demo shows it."""

import os
import signal
import subprocess
import time

from lib.server import ROOT, free_port

START_S = 120


def wait_for(process, words):
    """Reads until a line holds `words`; returns what was read."""
    read = []
    deadline = time.monotonic() + START_S
    for line in process.stdout:
        read.append(line)
        if words in line:
            return "".join(read)
        assert time.monotonic() < deadline, "".join(read)
    raise AssertionError("scripts/dev ended:\n" + "".join(read))


def test_the_demo_shows_the_reactive_run_and_an_analysis(tmp_path):
    clerk_port = free_port()
    environment = {
        **os.environ,
        "PORT": str(free_port()),
        "CLERK_PORT": str(clerk_port),
        "CLERK_ISSUER": f"http://localhost:{clerk_port}/__clerk",
        "DATA_DIR": str(tmp_path / "data"),
    }
    with open(tmp_path / "dev.log", "w") as log:
        dev = subprocess.Popen(
            [ROOT / "scripts/dev"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        assert "scripts/token" in wait_for(dev, "scripts/demo")
        demo = subprocess.run(
            [ROOT / "scripts/demo", f"http://localhost:{environment['PORT']}"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        os.killpg(dev.pid, signal.SIGTERM)
        dev.wait(30)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "x is 42, so y is 47" in demo.stdout
    orders = [
        line.split(": ")[1] for line in demo.stdout.splitlines() if "ran, in" in line
    ]
    assert orders[0] == orders[1] == "[1, 2, 3, 4, 5, 6]"
    assert orders[2] == "[4, 5, 6]"
    assert orders[4].startswith("[2, 3, 4, 5, 6]")
