"""MIME bundles: what a value looks like, as frames.

A bundle is encoded type by type, so that its size is known and it can be made to fit: 8 MB. What is too
large is left out, richest first; text is cut.
"""
import base64
import sys

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.formatters import DisplayFormatter
from IPython.lib.pretty import _type_pprinters

from . import figures, plain, protocol, streams, tables

BUNDLE_MAX = 8 * 1024 * 1024
TEXT_CUT = (
    1024 * 1024
)  # characters of text/plain that is kept of a bundle that does not fit
METADATA_MAX = 64 * 1024
ITEMS_MAX = 1000  # of a container that is shown in full
ID_MAX = 200
TABLE = "application/json"
PLOTLY = "application/vnd.plotly.v1+json"
CONTAINERS = (list, tuple, dict, set, frozenset)


def send(kind, data, metadata=None, display_id=None):
    parts = fitted({text_of_type(mime): encoded(value) for mime, value in data.items()})
    if not parts:
        return
    body = [b'{"data":{', b",".join(plain.dump(m) + b":" + v for m, v in parts.items())]
    body += [b'},"metadata":', encoded_metadata(metadata)]
    if display_id is not None:
        body += [b',"id":', plain.dump(str(display_id)[:ID_MAX])]
    streams.emit(kind, b"".join(body + [b"}"]))


def text_of_type(mime):
    return plain.text_of(mime, 200)


def encoded(value):
    if isinstance(value, (bytes, bytearray)):
        value = base64.b64encode(value).decode()
    return plain.encode(value)


def encoded_metadata(metadata):
    body = plain.encode(metadata if isinstance(metadata, dict) else {})
    return body if len(body) <= METADATA_MAX else b"{}"


def fitted(parts):
    """The bundle without its largest parts, as far as needed."""
    total = sum(map(len, parts.values()))
    while total > BUNDLE_MAX:
        rich = [mime for mime in parts if mime != "text/plain"]
        if not rich:
            return {"text/plain": cut(parts["text/plain"])}
        largest = max(rich, key=lambda mime: len(parts[mime]))
        size = len(parts.pop(largest))
        total -= size
        if not parts:
            text = f"<{largest} of {size / 1e6:.1f} MB left out: an output may have {BUNDLE_MAX // 2**20} MB>"
            return {"text/plain": plain.dump(text)}
    return parts


def cut(encoded_text):
    """The beginning of a JSON string; an escape that is cut in two is dropped with it."""
    text = encoded_text[1:TEXT_CUT].decode("utf-8", "ignore")
    text = text[: text.rfind("\\")] if "\\" in text[-6:] else text
    note = f"… {len(encoded_text) - TEXT_CUT} bytes left out"
    return b'"' + text.encode() + plain.dump(note)[1:]


def own_bundle(value):
    """Of the kinds that this product shows in its own way; None for all others.

    Looked up by what is imported already: a value of a library cannot be there without it.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series)):
        return {TABLE: tables.from_frame(value)}
    plotly = sys.modules.get("plotly.basedatatypes")
    if plotly is not None and isinstance(value, plotly.BaseFigure):
        return {PLOTLY: figures.plotly_json(value), "text/plain": "Figure()"}
    return None


def result_text(value):
    """text/plain of a cell's value: str(), as the contract has it; None for large containers, which
    IPython abbreviates."""
    if isinstance(value, CONTAINERS) and len(value) > ITEMS_MAX:
        return None
    return str(value)


class Formatter(DisplayFormatter):
    """What display() and the value of a cell are turned into."""

    def format(self, obj, include=None, exclude=None):
        bundle = own_bundle(obj)
        if bundle is not None:
            return bundle, {}
        figures.shown(obj)
        return super().format(obj, include, exclude)


class Publisher(DisplayPublisher):
    """display(), display(display_id=...) with its updates, clear_output()."""

    def publish(
        self,
        data,
        metadata=None,
        source=None,
        *,
        transient=None,
        update=False,
        **_unused,
    ):
        display_id = (transient or {}).get("display_id")
        if update and display_id is None:
            raise ValueError("an update needs the id of the display")
        kind = protocol.UPDATE if update else protocol.DISPLAY
        send(kind, data, metadata, display_id)

    def clear_output(self, wait=False):
        streams.emit(protocol.CLEAR, plain.dump({"wait": bool(wait)}))


class Hook(DisplayHook):
    """The value of a cell's last expression. Keeps nothing: a cache would keep every value alive."""

    PLAIN = frozenset((int, float, bool, complex, str))

    def __call__(self, result=None):
        if result is None:
            return
        if type(result) in self.PLAIN:
            send(protocol.RESULT, {"text/plain": str(result)})
            return
        data, metadata = self.shell.display_formatter.format(result)
        if set(data) == {"text/plain"} and not self.has_own_text(result):
            data = {"text/plain": result_text(result) or data["text/plain"]}
        send(protocol.RESULT, data, metadata)

    def has_own_text(self, value):
        """Whether its class, or the user, has said how it looks as text."""
        kind = type(value)
        printers = self.shell.display_formatter.formatters["text/plain"].type_printers
        return hasattr(kind, "_repr_pretty_") or printers.get(
            kind
        ) is not _type_pprinters.get(kind)

    def flush(self):
        """Nothing is kept."""
