"""book: a notebook under test whose clients speak version 2. When it is closed, what each of them was told must be
what the server says it is."""

from .channel import Channel
from .ws import Socket


class Book:
    """A new notebook without cells."""

    def __init__(self, server, user):
        self.server = server
        self.user = user
        self.api = server.api(user.token)
        self.id = self.api.create()
        (first,) = self.api.get(self.id)["cells"]
        self.api.remove(self.id, first["id"])
        self.channels = []

    def open(self, mirror=None, how=Channel.open, **options):
        channel = how(self.server, self.id, self.user.token, mirror, **options)
        self.channels.append(channel)
        return channel

    def open_old(self, how=Socket.by_message):
        """A client of version 1."""
        return how(self.server, self.id, self.user.token)

    def path(self, rest):
        return f"/api/notebooks/{self.id}/{rest}"

    def add(self, code="", kind="python", **more):
        more = {"code": code, **more} if code else more
        return self.api.add_cell(self.id, kind, **more)

    def edit(self, cell, code, **more):
        return self.api.save(self.id, cell, code, **more)

    def state(self):
        """As the server has it."""
        return self.api.snapshot(self.id)["snapshot"]["notebook"]

    def cell(self, cell):
        return next(c for c in self.state()["cells"] if c["id"] == cell)

    def check(self):
        for channel in self.channels:
            if channel.closed is None:
                channel.check_mirror(self.api, self.id)

    def close(self):
        for channel in self.channels:
            channel.close()
