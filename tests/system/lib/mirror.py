"""mirror: what a client of version 2 knows of a notebook, from a snapshot and the events after it. Knows no
socket. Whatever happened, it must equal what the server says the notebook is (`difference`)."""

import re

from .contract import CONTRACT

# Stands in `stdout` where text is hidden; counted by no offset.
NOTICE = re.compile(rb"\n\[\.\.\. \d+ bytes of output left out \.\.\.\]\n")
SAME = ("id", "type", "code", "status", "outputs", "error") + (
    "reads",
    "writes",
    "name",
    "disabled",
    "stale",
    "revision",
)


class Text:
    """What one run of a cell has printed: its beginning, what is hidden, and what came after that."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.head, self.tail = bytearray(), bytearray()
        self.hidden = None  # (start, end)

    @property
    def end(self):
        if self.hidden is None:
            return len(self.head)
        return self.hidden[1] + len(self.tail)

    @property
    def shown(self):
        return bytes(self.head + self.tail)

    def add(self, event):
        data = event["data"].encode()
        assert event["start"] == self.end, f"{self.end} bytes, then {brief(event)}"
        assert event["end"] == event["start"] + len(data), brief(event)
        (self.head if self.hidden is None else self.tail).extend(data)

    def hide(self, start, end):
        """All that is hidden so far. In the end, its last bytes come after all: then it is less."""
        assert start == len(self.head), f"{start} is hidden, but {len(self.head)} known"
        assert not self.tail, "text was sent, and then something hidden"
        assert end >= start, f"{start} to {end}"
        self.hidden = (start, end) if end > start else None

    def load(self, state):
        self.clear()
        place, shown = state["text"], state["stdout"].encode()
        if place["hidden"] is None:
            self.head.extend(shown)
        else:
            start, end = place["hidden"]["start"], place["hidden"]["end"]
            self.hidden = (start, end)
            self.head.extend(shown[:start])
            rest = shown[start:]
            assert not rest or NOTICE.match(rest), f"{rest[:80]} where text is hidden"
            self.tail.extend(rest[len(rest) - (place["end"] - end) :])
        assert self.end == place["end"], f"{self.end} bytes, but {place}"

    def place(self):
        if self.hidden is None:
            return {"end": self.end, "hidden": None}
        start, end = self.hidden
        return {"end": self.end, "hidden": {"start": start, "end": end}}


class Cell:
    def __init__(self, state, text):
        self.state = {name: state[name] for name in SAME}
        self.text = text

    @classmethod
    def load(cls, state):
        text = Text()
        text.load(state)
        return cls(state, text)

    @classmethod
    def new(cls, event):
        state = {**event["cell"], **event["details"], "outputs": []}
        return cls(state, Text())

    def clear(self):
        self.state["outputs"] = []
        self.text.clear()


class Mirror:
    """`seq` and `epoch` are for the next hello. Every event is checked against those before it."""

    def __init__(self):
        self.epoch = self.seq = None
        self.name = self.configured = self.run = None
        self.cells = {}  # by id, in page order

    def load(self, epoch, seq, notebook, run):
        self.epoch, self.seq = epoch, seq
        self.name = notebook["name"]
        self.configured = notebook["db_conn_string"] is not None
        self.cells = {cell["id"]: Cell.load(cell) for cell in notebook["cells"]}
        self.run = run

    def apply(self, event):
        assert event["seq"] > self.seq, f"after {self.seq} came {brief(event)}"
        assert list(event)[-1] == "seq", f"seq is not last: {brief(event)}"
        self.seq = event["seq"]
        getattr(self, "_" + event["type"])(event)

    # --- one cell ---
    def _cell(self, event):
        return self.cells[event["cellId"]]

    def _cell_status(self, event):
        cell = self._cell(event)
        cell.state["status"] = event["status"]
        if event["status"] == "running":
            cell.clear()
            cell.state.update(error=None, stale=False)
        elif self.run is not None:
            self._step_ended(event["cellId"])

    def _cell_stdout(self, event):
        self._cell(event).text.add(event)

    def _cell_text_hidden(self, event):
        self._cell(event).text.hide(event["start"], event["end"])

    def _cell_output(self, event):
        outputs = self._cell(event).state["outputs"]
        assert event["index"] == len(outputs), brief(event)
        outputs.append(event["output"])

    def _cell_output_updated(self, event):
        self._cell(event).state["outputs"][event["index"]] = event["output"]

    def _cell_cleared(self, event):
        self._cell(event).clear()

    def _cell_error(self, event):
        cell = self._cell(event)
        assert cell.state["status"] == "error", brief(event)
        cell.state["error"] = event["error"]

    def _cell_updated(self, event):
        self._cell(event).state.update({**event["cell"], **event["details"]})

    # --- the page ---
    def _place(self, index, cell_id, cell):
        ordered = list(self.cells.items())
        assert index <= len(ordered), f"{index} of {len(ordered)}"
        ordered.insert(index, (cell_id, cell))
        self.cells = dict(ordered)

    def _cell_created(self, event):
        assert event["cellId"] not in self.cells, brief(event)
        assert event["cell"]["id"] == event["cellId"], brief(event)
        self._place(event["index"], event["cellId"], Cell.new(event))

    def _cell_deleted(self, event):
        del self.cells[event["cellId"]]

    def _cell_moved(self, event):
        cell = self.cells.pop(event["cellId"])
        self._place(event["index"], event["cellId"], cell)

    def _stale(self, event):
        for cell_id in event["cellIds"]:
            self.cells[cell_id].state["stale"] = True

    def _notebook_renamed(self, event):
        self.name = event["name"]

    def _db_changed(self, event):
        self.configured = event["configured"]

    # --- what runs ---
    def _queued(self, event):
        assert self.run is not None, "queued, but nothing runs"
        self.run["queued"] = sorted({*self.run["queued"], *event["cellIds"]})

    def _plan(self, event):
        assert self.run is None, "a plan before the end of the last one"
        self.run = {"plan": event["cells"], "done": 0, "queued": []}

    def _step_ended(self, cell_id):
        if any(step["cellId"] == cell_id for step in self.run["plan"]):
            self.run["done"] += 1

    def _plan_ended(self, event):
        assert self.run is not None, "the end of no plan"
        self.run = None

    # --- looking ---
    def cell(self, cell_id):
        """As the contract's CellState, but `stdout` is bytes and without the notice."""
        cell = self.cells[cell_id]
        return {**cell.state, "stdout": cell.text.shown, "text": cell.text.place()}

    def difference(self, notebook):
        """What of a NotebookState is otherwise here; empty when nothing is."""
        other = Mirror()
        other.load(self.epoch, self.seq, notebook, None)
        different = [
            (cell_id, name, *shorter(mine[name], theirs[name]))
            for cell_id in self.cells.keys() & other.cells.keys()
            for mine, theirs in [(self.cell(cell_id), other.cell(cell_id))]
            for name in mine
            if mine[name] != theirs[name]
        ]
        if list(self.cells) != list(other.cells):
            different.append(("cells", list(self.cells), list(other.cells)))
        for name in ("name", "configured"):
            if getattr(self, name) != getattr(other, name):
                different.append((name, getattr(self, name), getattr(other, name)))
        return different


def shorter(mine, theirs):
    """Two texts as their lengths and where they part."""
    if not isinstance(mine, bytes):
        return mine, theirs
    at = next((n for n, pair in enumerate(zip(mine, theirs)) if len(set(pair)) > 1), -1)
    around = slice(max(at - 30, 0), at + 30)
    return (len(mine), at, mine[around]), (len(theirs), at, theirs[around])


# Each numbered event has its method: one that is forgotten here would be found out by nobody else.
KINDS = CONTRACT.components["schemas"]["NumberedEvent"]["discriminator"]["mapping"]
assert all(hasattr(Mirror, "_" + kind) for kind in KINDS), KINDS


def brief(event):
    return f"{event!r:.300}"
