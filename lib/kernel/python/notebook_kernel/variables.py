"""The names that the user's code has bound, and by which run."""
import dis
import time

from . import look, preview

VARIABLES_MAX = 1000
SECONDS_MAX = 0.5
LABELS_MAX = 2000
STORE_NAME = dis.opmap["STORE_NAME"]
EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]


class Bindings:
    """Which run has bound a name. Main thread; `list` in any thread."""

    def __init__(self, shell):
        self.shell = shell
        self.seen = {}  # name -> id of its value, after the latest run
        self.runs = {}  # name -> (run, label)

    def note(self, run, label, stores):
        """After a run. `stores`: names that its code binds at its top level; others are known by their
        changed values."""
        namespace = dict(self.shell.user_ns)
        by = (run, label)
        for name, value in namespace.items():
            if self.seen.get(name) != id(value) or name in stores:
                self.runs[name] = by
        self.seen = {name: id(value) for name, value in namespace.items()}
        if len(self.runs) > len(namespace):
            self.runs = {n: by for n, by in self.runs.items() if n in namespace}

    def list(self):
        """The answer to a variables frame."""
        end = time.monotonic() + SECONDS_MAX
        found = [name for name in list(self.shell.user_ns) if self.is_user(name)]
        listed = []
        for name in sorted(found)[:VARIABLES_MAX]:
            value = self.shell.user_ns.get(name, look.MISSING)
            if time.monotonic() > end:
                break
            if value is not look.MISSING:  # else deleted meanwhile
                listed.append(self.describe(name, value))
        whole = len(found) <= VARIABLES_MAX and time.monotonic() <= end
        return {"variables": listed, "truncated": not whole}

    def is_user(self, name):
        if type(name) is not str or name.startswith("_") or not name:
            return False
        hidden = self.shell.user_ns_hidden
        return name not in hidden or hidden[name] is not self.shell.user_ns.get(name)

    def describe(self, name, value):
        out = {
            "name": name[: look.NAME_MAX],
            "type": look.type_name(value),
            "size": preview.size(value),
            "preview": preview.of(value),
        }
        shape = preview.shape(value)
        if shape is not None:
            out["shape"] = shape
        run = self.runs.get(name)
        if run is not None:
            out["run"], out["cell"] = run
        return out


def stores(code):
    """Names that a module's code binds at its top level."""
    found = set()
    operations, names = code.co_code, code.co_names
    at = operations.find(STORE_NAME)
    while at >= 0:
        if at % 2 == 0:
            found.add(names[argument(operations, at)])
        at = operations.find(STORE_NAME, at + 1)
    return found


def argument(operations, at):
    value, shift = operations[at + 1], 8
    while at >= 2 and operations[at - 2] == EXTENDED_ARG:
        at -= 2
        value |= operations[at + 1] << shift
        shift += 8
    return value
