"""Chaos: for a while, many clients at once do everything wrong, and some do everything right.

Shown: those who do right are always answered, and rightly; in the end the server still answers, a sanitizer had
nothing to say, descriptors and memory are back where they were, and SIGTERM ends it with exit code 0.

    chaos.py [SECONDS [SEED]]
"""

import collections
import json
import os
import random
import secrets
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from lib import raw  # noqa: E402
from lib.issuer import Issuer, User  # noqa: E402
from lib.raw import (
    END,
    RESET,
    Heard,
    Raw,
    binary,
    close,
    more,
    ping,
    text,
)  # noqa: E402
from lib.server import Server  # noqa: E402

THREADS = 24
USERS = 3
WARM_UP = 0.25  # of the time: what is allocated once is allocated then
QUIET_S = 30  # for everything to be given back
MEMORY_KB = 32 * 1024
SOCKET = "/api/ws/notebooks/blank"


# --- what is sent ---
def request(headers=b"", target=b"/health", method=b"GET", body=b""):
    if body:
        headers += b"Content-Length: %d\r\n" % len(body)
    return (
        method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n" + body
    )


def some_request(dice):
    return dice.choice(
        [
            request(),
            request(b"Accept: */*\r\nX-A: b\r\n" * dice.randrange(1, 40)),
            request(target=b"/api/notebooks", method=b"POST", body=b"{}" * 50),
            request(target=b"/api/notebooks/x%41/cells?a=b", method=b"DELETE"),
            request(b"Transfer-Encoding: chunked\r\n", method=b"POST"),
            request(b"Origin: http://localhost:3000\r\n", method=b"OPTIONS"),
            raw.handshake(SOCKET),
        ]
    )


def some_frames(dice):
    data = bytes(dice.randrange(256) for _ in range(dice.randrange(60)))
    return b"".join(
        dice.choice(
            [
                text(b"x" * dice.randrange(70_000)),
                text(data),
                text(data, fin=False),
                more(data, fin=dice.random() < 0.5),
                binary(data),
                ping(data),
                close(dice.choice([1000, 1005, 4000])),
                text(data, key=None),
                text(data, rsv=dice.randrange(8)),
                text(b"x", length=dice.choice([126, 65536, 1 << 40, (1 << 64) - 1])),
                raw.frame(dice.randrange(16), data, fin=dice.random() < 0.5),
                data,
            ]
        )
        for _ in range(dice.randrange(1, 8))
    )


def mutated(dice, data):
    data = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data) + 1)
        how = dice.randrange(3)
        if how == 0 and at < len(data):
            data[at] = dice.randrange(256)
        elif how == 1:
            data[at:at] = bytes([dice.choice(b"\r\n\0 :%\xff")]) * dice.randrange(1, 4)
        else:
            del data[at : at + dice.randrange(1, 5)]
    return bytes(data)


def hang_up(dice, connection):
    """In one of the ways there are, with or without having listened."""
    how = dice.randrange(4)
    if how == 0:
        connection.reset()
        return
    try:
        if how == 1:
            connection.half_close()
        connection.socket.settimeout(dice.choice([0.01, 0.2]))
        while how <= 2 and connection.socket.recv(1 << 16):
            pass
    except OSError:  # the server was faster, or has nothing to say
        pass
    connection.socket.close()


# --- those who do wrong ---
def says_nothing(dice, world):
    hang_up(dice, world.dial())


def says_half_a_request(dice, world):
    data = some_request(dice)
    connection = world.dial()
    connection.say(data[: dice.randrange(len(data))])
    hang_up(dice, connection)


def says_it_in_pieces(dice, world):
    connection = world.dial()
    connection.say_slowly(mutated(dice, some_request(dice))[:300], dice.randrange(1, 9))
    hang_up(dice, connection)


def says_it_wrong(dice, world):
    connection = world.dial()
    connection.say(mutated(dice, some_request(dice)))
    hang_up(dice, connection)


def says_many_at_once(dice, world):
    connection = world.dial()
    parts = [some_request(dice) for _ in range(dice.randrange(2, 60))]
    parts[dice.randrange(len(parts))] = mutated(dice, parts[0])
    connection.say(*parts)
    hang_up(dice, connection)


def never_listens(dice, world):
    connection = world.dial(receive_buffer=4096)
    connection.say(request() * 2000)
    hang_up(dice, connection)


def sends_bad_frames(dice, world):
    connection = world.dial().open_socket(SOCKET)
    frames = some_frames(dice)
    connection.say(frames if dice.random() < 0.5 else mutated(dice, frames))
    hang_up(dice, connection)


def sends_frames_with_the_handshake(dice, world):
    connection = world.dial()
    connection.say(raw.handshake(SOCKET), some_frames(dice))
    hang_up(dice, connection)


def pings_without_end(dice, world):
    connection = world.dial(receive_buffer=4096).open_socket(SOCKET)
    connection.say(ping(b"p" * 125) * 5000)
    hang_up(dice, connection)


def leaves_signed_in(dice, world):
    """Signs in, asks for things, and is gone in the middle."""
    connection = world.sign_in(dice)
    connection.say(some_frames(dice))
    hang_up(dice, connection)


# --- those who do right ---
def asks(dice, world):
    with world.dial() as connection:
        names = [b"%d" % dice.randrange(10**9) for _ in range(dice.randrange(1, 20))]
        connection.say(*(request(b"X-Request-Id: " + name + b"\r\n") for name in names))
        for name in names:
            answer = connection.hear_answer()
            assert answer not in (END, RESET), f"no answer: {answer}"
            assert answer.status == 200 and answer.json(), answer
            assert answer.header("x-request-id") == name.decode(), answer


def asks_for_notebooks(dice, world):
    header = b"Authorization: Bearer " + world.token(dice) + b"\r\n"
    with world.dial() as connection:
        connection.say(request(header, target=b"/api/notebooks"))
        answer = connection.hear_answer()
        assert answer not in (END, RESET), f"no answer: {answer}"
        assert answer.status == 200 and answer.json()["notebooks"], answer


def talks(dice, world):
    with world.sign_in(dice) as connection:
        payload = b"%d" % dice.randrange(10**9)
        connection.say(ping(payload), close(1000, b"bye"))
        frames = []
        while not frames or frames[-1].opcode != raw.CLOSE:
            frames.append(connection.hear_frame())
            assert isinstance(frames[-1], Heard), f"{frames}"
        assert Heard(raw.PONG, payload) in frames, frames
        assert frames[-1].payload == b"\x03\xe8bye", frames
        assert connection.hear_end() == END


WRONG = [
    says_nothing,
    says_half_a_request,
    says_it_in_pieces,
    says_it_wrong,
    says_many_at_once,
    never_listens,
    sends_bad_frames,
    sends_frames_with_the_handshake,
    pings_without_end,
    leaves_signed_in,
]
RIGHT = [asks, asks_for_notebooks, talks]


class World:
    def __init__(self, server, users):
        self.server = server
        self.users = users
        self.counts = collections.Counter()
        self.failures = []
        self.lock = threading.Lock()

    def dial(self, **options):
        return Raw(self.server.address, **options)

    def token(self, dice):
        return dice.choice(self.users).token.encode()

    def sign_in(self, dice):
        connection = self.dial().open_socket(SOCKET)
        hello = {"type": "authenticate", "token": self.token(dice).decode()}
        connection.say(text(json.dumps(hello).encode()))
        first = connection.hear_frame()
        assert isinstance(first, Heard) and first.opcode == raw.TEXT, f"{first}"
        assert json.loads(first.payload)["type"] == "authenticated", first
        return connection

    def once(self, dice):
        do = dice.choice(RIGHT if dice.random() < 0.3 else WRONG)
        problem = None
        try:
            do(dice, self)
        except (AssertionError, OSError, ValueError) as e:
            problem = f"{do.__name__}: {e!r:.500}"
        with self.lock:
            self.counts[do.__name__] += 1
            if problem is not None:
                self.failures.append(problem)

    def run(self, seconds, seed):
        """Many at once; ends early when something went wrong or the server is gone."""
        end = time.monotonic() + seconds

        def work(number):
            dice = random.Random(f"{seed} {number}")
            while time.monotonic() < end and not self.failures:
                self.once(dice)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.failures, "\n".join(self.failures[:5])
        assert self.server.is_running(), "the server died"


# --- what it holds ---
def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def memory_kb(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def wait_for(what, wanted):
    """The least that `what` came to within QUIET_S; returns early once it is `wanted`."""
    least = what()
    deadline = time.monotonic() + QUIET_S
    while least > wanted and time.monotonic() < deadline:
        time.sleep(0.2)
        least = min(least, what())
    return least


def complaints(server):
    lines = server.tail(5000).splitlines()
    return "\n".join([x for x in lines if '"event":"request"' not in x][-60:])


def soak(server, users, seconds, seed):
    world = World(server, users)
    asks(random.Random(seed), world)
    fds = wait_for(lambda: descriptors(server), 0)
    world.run(seconds * WARM_UP, f"{seed} warm-up")
    warm_fds = wait_for(lambda: descriptors(server), fds)
    warm_kb = memory_kb(server)
    world.run(seconds * (1 - WARM_UP), seed)
    end_fds = wait_for(lambda: descriptors(server), warm_fds)
    end_kb = wait_for(lambda: memory_kb(server), warm_kb + MEMORY_KB)
    print(f"{sum(world.counts.values())} connections: {dict(world.counts)}")
    print(f"descriptors {fds} {warm_fds} {end_fds}; memory {warm_kb} {end_kb} KiB")
    assert end_fds <= warm_fds, "descriptors were not given back"
    assert end_kb <= warm_kb + MEMORY_KB, "memory was not given back"
    for do in RIGHT:
        do(random.Random(seed), world)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    seed = sys.argv[2] if len(sys.argv) > 2 else secrets.token_hex(4)
    print(f"chaos for {seconds:.0f} s, seed {seed}", flush=True)
    issuer = Issuer()
    users = [
        User(f"user_chaos{n}", issuer.token(f"user_chaos{n}")) for n in range(USERS)
    ]
    with tempfile.TemporaryDirectory() as directory:
        server = Server(directory, issuer, SESSION_IDLE_S="1").start()
        try:
            soak(server, users, seconds, seed)
            server.stop()
        except AssertionError as e:
            print(f"{e}\n{complaints(server)}")
            raise SystemExit(1)
        finally:
            if server.is_running():
                server.kill9()
            server.check_log()
            issuer.close()
    print("chaos: all good")


if __name__ == "__main__":
    main()
