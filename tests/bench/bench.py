"""What scripts/bench measures: the server's CPU per request beside a bare libh2o handler, the round trip of
`1+1` over a WebSocket, and how long a kernel takes from fork to ready."""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))

from lib.issuer import Issuer  # noqa: E402
from lib.server import Server, free_port  # noqa: E402
import websocket  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SECONDS = 3
ROUND_TRIPS = 500
KERNELS = 60


def cpu_seconds(pid):
    """CPU time of all threads, in seconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def load(pid, url, token, connections=32):
    """CPU microseconds per request of process `pid` under wrk, and wrk's requests per second."""
    before = cpu_seconds(pid)
    output = subprocess.check_output(
        ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
        + ["-H", f"Authorization: Bearer {token}", url],
        text=True,
    )
    used = cpu_seconds(pid) - before
    if "Non-2xx" in output:
        sys.exit(f"bench: {url} answers errors:\n{output}")
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    return used / requests * 1e6, rate


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


def base_of(server):
    return f"http://127.0.0.1:{server.port}"


def call(base, token, method, path, body=None):
    request = urllib.request.Request(
        f"{base}/api{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def bench_get(server, token):
    notebook = call(base_of(server), token, "POST", "/notebooks")["notebook_id"]
    url = f"{base_of(server)}/api/notebooks/{notebook}"
    port = free_port()
    bare = subprocess.Popen([ROOT / "build/tests/bare-h2o", str(port)])
    time.sleep(0.3)
    ratios, ours_us, bare_us, rates = [], [], [], []
    try:
        for _ in range(ROUNDS):
            b, _ = load(bare.pid, f"http://127.0.0.1:{port}/", token)
            o, rate = load(server.process.pid, url, token)
            ratios.append(o / b)
            ours_us.append(o)
            bare_us.append(b)
            rates.append(rate)
    finally:
        bare.kill()
        bare.wait()
    print(
        f"authenticated GET of a notebook: {statistics.median(ours_us):.1f} us CPU/request, bare libh2o "
        f"{statistics.median(bare_us):.1f}; ratio {statistics.median(ratios):.2f} (goal <= 1.5), "
        f"best {max(rates):,.0f} requests/s"
    )


def connect(server, notebook, token):
    socket = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/api/ws/notebooks/{notebook}",
        timeout=30,
        suppress_origin=True,
    )
    socket.send(json.dumps({"type": "authenticate", "token": token}))
    assert json.loads(socket.recv())["type"] == "authenticated"
    return socket


def run_cell(socket, cell):
    """Seconds until the final status."""
    start = time.perf_counter()
    socket.send(json.dumps({"type": "run_cell", "cellId": cell}))
    while True:
        event = json.loads(socket.recv())
        if event["type"] == "cell_status" and event["status"] != "running":
            assert event["status"] == "success", event
            return time.perf_counter() - start


def bench_round_trip(server, token):
    notebook = call(base_of(server), token, "POST", "/notebooks")["notebook_id"]
    cell = call(base_of(server), token, "GET", f"/notebooks/{notebook}")["cells"][0][
        "id"
    ]
    call(
        base_of(server),
        token,
        "PUT",
        f"/notebooks/{notebook}/cells/{cell}",
        {"code": "1+1"},
    )
    socket = connect(server, notebook, token)
    for _ in range(50):
        run_cell(socket, cell)
    times = [run_cell(socket, cell) * 1e3 for _ in range(ROUND_TRIPS)]
    socket.close()
    print(
        f"warm 1+1 over WebSocket, committed to disk: p50 {percentile(times, 50):.2f} ms (goal <= 1.5), "
        f"p99 {percentile(times, 99):.2f} ms"
    )


def wait_until_warm(server):
    while "launcher is warm" not in Path(server.log).read_text(errors="replace"):
        time.sleep(0.1)


def bench_kernels(server, token):
    """From the server's own log: kernel_ready names the milliseconds since it was asked for."""
    wait_until_warm(server)
    for _ in range(KERNELS):
        notebook = call(base_of(server), token, "POST", "/notebooks")["notebook_id"]
        connect(server, notebook, token).close()
        time.sleep(0.05)
    time.sleep(0.5)
    times = [
        json.loads(line)["ms"]
        for line in Path(server.log).read_text(errors="replace").splitlines()
        if '"kernel_ready"' in line
    ]
    print(
        f"kernel ready from a fork: p50 {percentile(times, 50):.1f} ms (goal <= 15), "
        f"p99 {percentile(times, 99):.1f} ms over {len(times)}"
    )


def main():
    os.environ.setdefault("NOTEBOOKD", str(ROOT / "build/notebookd"))
    issuer = Issuer()
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory), issuer, NOTEBOOKS_MAX="10000").start()
        try:
            token = issuer.token("user_bench", exp=int(time.time()) + 3600)
            bench_kernels(server, token)
            bench_round_trip(server, token)
            bench_get(server, token)
        finally:
            server.dispose()
            issuer.close()


if __name__ == "__main__":
    main()
