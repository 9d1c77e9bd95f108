"""page: a notebook under test. Builds it over REST, runs it over a WebSocket, and tells what happened."""

from .ws import Socket, is_final


class Run:
    """The events of one run, by cell."""

    def __init__(self, events):
        self.events = events

    def of(self, cell):
        return [e for e in self.events if e.get("cellId") == cell]

    def _some(self, cell, kind, field):
        return [e[field] for e in self.of(cell) if e["type"] == kind]

    @property
    def order(self):
        """The cells that ran or were found blocked, in order."""
        running = ("cell_status", "running")
        return [
            e["cellId"] for e in self.events if (e["type"], e.get("status")) == running
        ]

    def statuses(self, cell):
        return self._some(cell, "cell_status", "status")

    def status(self, cell):
        statuses = self.statuses(cell)
        return statuses[-1] if statuses else None

    def stdout(self, cell):
        return "".join(self._some(cell, "cell_stdout", "data"))

    def outputs(self, cell):
        return self._some(cell, "cell_output", "output")

    def output(self, cell):
        """The only one."""
        (output,) = self.outputs(cell)
        return output

    def plain(self, cell):
        output = self.output(cell)
        assert output["mime_type"] == "text/plain", output
        return output["data"]

    def error(self, cell):
        """The text of the only error, or None."""
        errors = self._some(cell, "cell_error", "error")
        assert len(errors) <= 1, errors
        return errors[0] if errors else None

    def check_order(self):
        """For each cell: running; what came out; the final status; after an error, its text."""
        for cell in dict.fromkeys(self.order):
            self._check_cell([e for e in self.of(cell) if e["type"] in RUN_EVENTS])

    @staticmethod
    def _check_cell(events):
        kinds = [e.get("status", e["type"]) for e in events]
        assert kinds[0] == "running", kinds
        if kinds[-1] == "cell_error":
            kinds.pop()
            assert kinds[-1] == "error", kinds
        else:
            assert kinds[-1] in ("success", "blocked"), kinds
        assert set(kinds[1:-1]) <= {"cell_stdout", "cell_output"}, kinds


RUN_EVENTS = ("cell_status", "cell_stdout", "cell_output", "cell_error")


class Page:
    """A notebook, a new one without cells unless it is named, and a connection to it that signed in
    by message."""

    def __init__(self, server, user, notebook=None):
        self.server = server
        self.user = user
        self.api = server.api(user.token)
        self.id = notebook or self._create()
        self.probes = set()
        self.socket = self.connect()

    def _create(self):
        notebook = self.api.create()
        (first,) = self.api.get(notebook)["cells"]
        self.api.remove(notebook, first["id"])
        return notebook

    def connect(self, how=Socket.by_message):
        return how(self.server, self.id, self.user.token)

    def close(self):
        self.socket.close()

    # --- editing ---
    def add(self, code="", kind="python", **more):
        cell = self.api.add_cell(self.id, kind, **more)
        if code:
            self.api.save(self.id, cell, code)
        return cell

    def edit(self, cell, code, **more):
        return self.api.save(self.id, cell, code, **more)

    def remove(self, cell):
        return self.api.remove(self.id, cell)

    # --- looking ---
    def get(self):
        return self.api.get(self.id)

    def cell(self, cell):
        return next(c for c in self.get()["cells"] if c["id"] == cell)

    # --- running ---
    def run(self, cell, timeout=40):
        """Runs a cell and what depends on it, and waits until all of it is over."""
        start = len(self.socket.events)
        self.socket.run(cell)
        self.socket.wait_final(cell, timeout)
        self.settle()
        run = Run(self.since(start))
        run.check_order()
        return run

    def settle(self):
        """Waits until nothing runs, without guessing a time: a cell below all others, which nothing
        depends on, runs last in a batch; and what is asked for meanwhile comes after it.
        """
        probe = self.api.add_cell(self.id)
        self.probes.add(probe)
        self.socket.run(probe)
        self.socket.wait(lambda e: is_final(e) and e["cellId"] == probe)
        self.api.remove(self.id, probe)
        self.socket.wait_for("cell_deleted", probe)

    def since(self, start):
        """The socket's events from a point on, without the probes'."""
        return [
            e for e in self.socket.events[start:] if e.get("cellId") not in self.probes
        ]

    def value(self, expression):
        """What the kernel has for an expression, as text."""
        cell = self.add(expression)
        try:
            return self.run(cell).plain(cell)
        finally:
            self.remove(cell)
