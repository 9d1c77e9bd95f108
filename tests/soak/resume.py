"""Resume: a client that is cut off again and again, and a server that is killed, lose nothing and tell nothing twice.

In every round a cell prints lines of random lengths, and writes the same bytes to a file, which is the truth. Its client
is cut at random points (RST, FIN, in the middle of a frame or of the hello) and comes back with `since` and `epoch`. In some
rounds the server is killed (SIGKILL) at a random point and started again on the same data. Shown in every round:
- the client's mirror finds no gap and no duplicate: it checks the number of each event and the place of each byte;
- a round that ended: what was received is what the kernel wrote, and so is what can be fetched;
- a round that was killed: what the client had received is a prefix of what the server has, which is a prefix of what
  the kernel wrote, and the interrupted cell says that it was;
- in the end, what the client knows is what the server says.

    resume.py [ROUNDS [SEED]]
"""

import random
import socket as sockets
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from lib.book import Book  # noqa: E402
from lib.channel import Channel  # noqa: E402
from lib.issuer import Issuer, User  # noqa: E402
from lib.server import Server  # noqa: E402
from lib.ws import Closed, handshake  # noqa: E402

KILLED_IN = 4  # one round in so many
LARGE_IN = 8
ROUND_S = 60
WAYS = [Channel.open, Channel.by_header, Channel.by_query]

# Text with characters of one to four bytes; the descriptor is written to in the middle of them. A cell prints or writes
# to the descriptor, not both: between the two ways there is no exact order.
CELL = """
import os, random, sys, time
dice = random.Random({seed})
truth = open({truth!r}, 'wb')
def line(n):
    text = ''.join(dice.choice('aé€😀') for _ in range(dice.randrange(40)))
    return f'{{n}} ' + text * dice.choice([0, 1, 1, 1, 20]) + dice.choice(['\\n', '\\n', ''])
def by_stream(stream, data):
    stream.write(data.decode())
    if stream is sys.stderr or dice.random() < 0.5:
        stream.flush()
def by_descriptor(data):
    middle = dice.randrange(len(data))
    os.write(1, data[:middle])
    os.write(1, data[middle:])
for n in range({lines}):
    data = line(n).encode() * {times}
    truth.write(data)
    truth.flush()
    if {raw}:
        by_descriptor(data)
    elif dice.randrange(8) == 0:
        sys.stdout.flush()
        by_stream(sys.stderr, data)
    else:
        by_stream(sys.stdout, data)
    if dice.random() < {pause}:
        time.sleep(dice.random() * 0.02)
sys.stdout.flush()
truth.close()
"""


# --- ways to be cut off ---
def with_reset(channel):
    channel.connection.sock.setsockopt(
        sockets.SOL_SOCKET, sockets.SO_LINGER, b"\1\0\0\0\0\0\0\0"
    )
    channel.connection.sock.close()


def with_end(channel):
    channel.connection.sock.close()


def in_a_frame(channel):
    channel.connection.sock.sendall(b'\x81\xfe\x01\x00\0\0\0\0{"type"')
    channel.connection.sock.close()


def with_half_an_end(channel):
    channel.connection.sock.shutdown(sockets.SHUT_WR)
    channel.connection.sock.close()


CUTS = [with_reset, with_end, in_a_frame, with_half_an_end]


def same_beginning(written, kept):
    """Each byte that is kept was written, in this order."""
    for at, (mine, theirs) in enumerate(zip(written, kept)):
        around = slice(max(at - 40, 0), at + 40)
        assert mine == theirs, f"at {at}: {written[around]} was kept as {kept[around]}"
    assert len(kept) <= len(written), f"{len(kept) - len(written)} bytes too many"


class Soak:
    def __init__(self, server, user, seed):
        self.server, self.user = server, user
        self.dice = random.Random(seed)
        self.book = Book(server, user)
        self.cells = [self.book.add() for _ in range(3)]
        self.channel = self.book.open()
        self.counts = {"cuts": 0, "kills": 0, "bytes": 0, "events": 0, "large": 0}

    # --- connections ---
    def cut(self):
        self.counts["cuts"] += 1
        self.dice.choice(CUTS)(self.channel)
        self.channel.closed = Closed(1006)

    def come_back(self):
        """What was missed comes as events: so little is never forgotten."""
        if self.dice.random() < 0.2:
            self.cut_in_the_hello()
        mirror = self.channel.mirror
        since = mirror.seq
        how = self.dice.choice(WAYS)
        self.channel = how(self.server, self.book.id, self.user.token, mirror)
        hello = self.channel.hello
        assert hello["resume"] == "events", f"since {since}: {hello}"

    def cut_in_the_hello(self):
        mirror = self.channel.mirror
        self.channel = Channel(handshake(self.server, self.book.id), mirror)
        self.channel.say_hello(self.user.token, since=mirror.seq, epoch=mirror.epoch)
        for _ in range(self.dice.randrange(6)):
            try:
                self.channel.next(0.05)
            except (AssertionError, Closed):  # nothing more came in time
                break
        self.cut()

    # --- one round ---
    def round(self, number, directory):
        dice = self.dice
        truth = directory / f"truth-{number}"
        large = number % LARGE_IN == LARGE_IN - 1
        self.counts["large"] += large
        cell = dice.choice(self.cells)
        code = CELL.format(
            seed=dice.randrange(10**9),
            truth=str(truth),
            lines=dice.randrange(20, 400),
            times=60 if large else 1,
            raw=dice.randrange(4) == 0,
            pause=dice.choice([0, 0.02, 0.3]),
        )
        self.book.edit(cell, code)
        self.channel.ask("run_cell", cellId=cell)
        if dice.randrange(KILLED_IN) == 0:
            self.be_killed(cell, truth)
        else:
            self.be_cut_until_it_ends(cell, truth)
        self.channel.check_mirror(self.book.api, self.book.id)
        truth.unlink(missing_ok=True)

    def read_some(self):
        """True when the plan has ended."""
        for _ in range(self.dice.choice([1, 3, 10, 40, 200])):
            event = self.channel.next(ROUND_S)
            self.counts["events"] += 1
            if event["type"] == "plan_ended":
                return True
        return False

    def be_cut_until_it_ends(self, cell, truth):
        # The run itself may not have been asked for yet when the first cut comes.
        self.channel.wait_for("plan", timeout=ROUND_S)
        while self.channel.mirror.run is not None and not self.read_some():
            self.cut()
            if self.dice.random() < 0.3:
                time.sleep(self.dice.random() * 0.1)
            self.come_back()
        written = truth.read_bytes()
        shown = self.channel.mirror.cell(cell)
        assert shown["status"] == "success", shown["error"]
        self.counts["bytes"] += len(written)
        assert shown["text"]["end"] == len(written)
        hidden = shown["text"]["hidden"] or {"start": len(written), "end": len(written)}
        visible = written[: hidden["start"]] + written[hidden["end"] :]
        same_beginning(visible, shown["stdout"])
        assert len(visible) == len(shown["stdout"])
        assert self.book.api.whole_text(self.book.id, cell) == written

    def be_killed(self, cell, truth):
        self.counts["kills"] += 1
        self.channel.wait_for("plan", timeout=ROUND_S)
        ended = self.read_some()
        time.sleep(self.dice.random() * 0.05)
        self.server.kill9()
        received = self.rest_of(cell)
        self.server.restart()
        self.book.api = self.server.api(self.user.token)
        self.come_back()
        state = self.channel.check_mirror(self.book.api, self.book.id)
        (shown,) = [
            c for c in state["snapshot"]["notebook"]["cells"] if c["id"] == cell
        ]
        text = self.book.api.whole_text(self.book.id, cell)
        assert text.startswith(received), "something received was not kept"
        assert len(text) == shown["text"]["end"]
        same_beginning(truth.read_bytes() if truth.exists() else b"", text)
        assert shown["status"] in (("success",) if ended else ("success", "error"))
        assert shown["status"] == "success" or shown["error"], shown
        self.counts["bytes"] += len(text)

    def rest_of(self, cell):
        """What had arrived when the server died: its beginning, when some of it is hidden."""
        try:
            while True:
                self.channel.next(5)
        except Closed:
            pass
        return bytes(self.channel.mirror.cells[cell].text.head)


def main(rounds, seed):
    """Runs them and returns the counts; the first thing that is wrong is an AssertionError."""
    issuer = Issuer()
    user = User("user_resume", issuer.token("user_resume"))
    with tempfile.TemporaryDirectory() as directory:
        server = Server(directory, issuer).start()
        try:
            soak = Soak(server, user, seed)
            for number in range(rounds):
                soak.round(number, Path(directory))
            soak.channel.close()
            return soak.counts
        except BaseException:
            print(f"resume: seed {seed}\n{server.tail()}")
            raise
        finally:
            server.dispose()
            issuer.close()


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**9)
    print(f"resume: {wanted} rounds, seed {chosen}", flush=True)
    print(f"resume: {main(wanted, chosen)}")
