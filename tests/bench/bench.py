"""What scripts/bench measures: the server's CPU per request beside a bare libh2o handler, the round trip of
`1+1` over a WebSocket, how long a kernel takes from fork to ready, what an idle WebSocket costs, how fast a message goes
out to many, and what one notebook's flood of text costs another."""

import http.client
import multiprocessing
import json
import os
import re
import resource
import socket as sockets
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
from lib.book import Book  # noqa: E402
from lib.issuer import User  # noqa: E402
from lib.server import Server, free_port  # noqa: E402
import websocket  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SECONDS = 3
ROUND_TRIPS = 500
KERNELS = 60
SOCKETS, SOCKETS_PER_NOTEBOOK = 10_000, 100
FLOOD_BYTES = 100_000_000
GETS = 2000


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


# --- idle sockets ---
HANDSHAKE = (
    "GET /api/ws/notebooks/{notebook}?v=2 HTTP/1.1\r\nHost: localhost\r\n"
    "Authorization: Bearer {token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def resident_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def drain(crowd):
    """Reads what has come, until nothing has for a moment."""
    quiet = 0
    while quiet < 3:
        quiet += 1
        for s in crowd:
            try:
                while s.recv(1 << 20):
                    quiet = 0
            except BlockingIOError:
                pass
        time.sleep(0.02)


def open_many(server, notebook, token, count):
    """All at once, so that those who are there are told of the others once and not one by one."""
    hello = HANDSHAKE.format(notebook=notebook, token=token).encode()
    crowd = []
    for _ in range(count):
        s = sockets.create_connection(server.address)
        s.sendall(hello)
        s.setblocking(False)
        crowd.append(s)
    drain(crowd)
    return crowd


def bench_idle_sockets(server, token):
    notebooks = [
        call(base_of(server), token, "POST", "/notebooks")["notebook_id"]
        for _ in range(SOCKETS // SOCKETS_PER_NOTEBOOK)
    ]
    first = [open_many(server, notebook, token, 1) for notebook in notebooks]
    time.sleep(3)  # the notebooks are open, their kernels started
    before = resident_kib(server.process.pid)
    crowd = []
    for notebook in notebooks:
        crowd += open_many(server, notebook, token, SOCKETS_PER_NOTEBOOK - 1)
    grown = resident_kib(server.process.pid) - before
    for s in crowd + sum(first, []):
        s.close()
    print(
        f"{len(crowd):,} idle WebSockets of version 2: {grown / len(crowd):.1f} KiB of server memory each (goal <= 16)"
    )


# --- broadcast ---
def bench_broadcast():
    output = subprocess.check_output([ROOT / "build/tests/ws-broadcast"], text=True)
    rate, per_cpu = map(float, output.split()[-2:])
    print(
        f"200-byte events to 50 WebSockets in bursts: {rate / 1e6:.2f} M deliveries/s (goal >= 1), "
        f"{per_cpu / 1e6:.2f} M per second of the server's CPU"
    )


# --- flood ---
def get_times(book, stop, times):
    """Milliseconds of requests over one kept connection, until `stop` is set; at least GETS of them."""
    connection = http.client.HTTPConnection(*book.server.address)
    headers = {"Authorization": f"Bearer {book.user.token}"}
    taken = []
    while len(taken) < GETS or not stop.is_set():
        start = time.perf_counter()
        connection.request("GET", f"/api/notebooks/{book.id}", headers=headers)
        connection.getresponse().read()
        taken.append((time.perf_counter() - start) * 1e3)
    connection.close()
    times.put(taken)


def while_getting(book, act):
    """Does `act`; the times of requests meanwhile. They are made by a process of its own: threads of one Python
    wait for one another, which is not the server's doing."""
    fork = multiprocessing.get_context("fork")
    stop, times = fork.Event(), fork.SimpleQueue()
    process = fork.Process(target=get_times, args=(book, stop, times))
    process.start()
    act()
    stop.set()
    taken = times.get()
    process.join()
    return taken


def bench_flood(server, user):
    quiet, loud = Book(server, user), Book(server, user)
    tab = loud.open()
    warm, flood = loud.add("1"), loud.add(
        f"line = 'z' * 99 + '\\n'\nfor n in range({FLOOD_BYTES} // 100):\n    print(line, end='')"
    )
    tab.run_to_end(warm)
    idle = while_getting(quiet, lambda: time.sleep(1))
    start = time.perf_counter()
    flooded = while_getting(quiet, lambda: tab.run_to_end(flood, 300))
    seconds = time.perf_counter() - start
    sent = sum(len(e["data"]) for e in tab.numbered("cell_stdout"))
    tab.close()
    print(
        f"GET of another notebook: p99 {percentile(idle, 99):.2f} ms idle, {percentile(flooded, 99):.2f} ms while "
        f"100 MB are printed in {seconds:.1f} s ({percentile(flooded, 99) / percentile(idle, 99):.1f}x, goal <= 2x); "
        f"p50 {percentile(idle, 50):.2f} and {percentile(flooded, 50):.2f} ms; "
        f"the client got {sent / 1e6:.2f} MB (goal <= 2)"
    )


def main():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.environ.setdefault("NOTEBOOKD", str(ROOT / "build/notebookd"))
    issuer = Issuer()
    token = issuer.token("user_bench", exp=int(time.time()) + 3600)
    with_server(issuer, lambda server: bench_most(server, token))
    # On a server of its own: memory that was freed before would be used again.
    with_server(issuer, lambda server: bench_idle_sockets(server, token))
    bench_broadcast()
    issuer.close()


def bench_most(server, token):
    bench_kernels(server, token)
    bench_round_trip(server, token)
    bench_get(server, token)
    bench_flood(server, User("user_bench", token))


def with_server(issuer, measure):
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory), issuer, NOTEBOOKS_MAX="10000").start()
        try:
            wait_until_warm(server)
            measure(server)
        finally:
            server.dispose()


if __name__ == "__main__":
    main()
