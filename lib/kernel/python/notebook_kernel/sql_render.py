"""A statement from its parts: `{name}` becomes a bound parameter, and inside quotes its text.

The parts come from the server's tokenizer (lib/notebook/sql), which decides what is a placeholder.
"""
import datetime
import decimal
import json
import uuid

from .errors import Plain

LISTS = (list, tuple, set, frozenset, range)
KEPT = (
    int,
    bool,
    float,
    str,
    bytes,
    decimal.Decimal,
    datetime.date,
    datetime.time,
    datetime.timedelta,
)


class Statement:
    def __init__(self, text, arguments):
        self.text = text
        self.arguments = arguments  # a list for %s, a dict for :p1


class Renderer:
    """`style` says how a driver writes parameters."""

    SQLITE, POSTGRES = "sqlite", "postgres"

    def __init__(self, namespace, style):
        self.namespace = namespace
        self.style = style
        self.arguments = []

    def render(self, parts):
        text = "".join(self.part(part) for part in parts)
        if self.style == self.POSTGRES:
            return Statement(text, self.arguments)
        return Statement(
            text, {f"p{i}": value for i, value in enumerate(self.arguments)}
        )

    def part(self, part):
        if part["kind"] == "text":
            return self.verbatim(part["text"])
        if part["kind"] == "soft":
            return self.verbatim(self.soft(part))
        return self.parameter(part)

    def verbatim(self, text):
        return text.replace("%", "%%") if self.style == self.POSTGRES else text

    def soft(self, part):
        """Inside quotes, where a parameter cannot stand. `'{1,2}'` and JSON stay as they are."""
        if part["name"] not in self.namespace:
            return part["text"]
        text = str(self.value(part))
        if part["escapes"]:  # E'...', where a backslash would take the quote with it
            text = text.replace("\\", "\\\\")
        return text.replace(part["quote"], part["quote"] * 2)

    def parameter(self, part):
        value = as_parameter(self.value(part), part["text"])
        if not part["in_list"]:
            return self.bind(value, part)
        items = value if isinstance(value, list) else [value]
        bound = ", ".join(self.bind(item, part) for item in items) or "NULL"
        return bound if part["in_parens"] else f"({bound})"

    def bind(self, value, part):
        if self.style == self.SQLITE:
            value = for_sqlite(value, part["text"])
        self.arguments.append(value)
        return "%s" if self.style == self.POSTGRES else f":p{len(self.arguments) - 1}"

    def value(self, part):
        name = part["name"]
        if name not in self.namespace:
            text = f"Variable error: Variable '{name}' not defined"
            raise Plain("NameError", f"name '{name}' is not defined", text)
        value = self.namespace[name]
        return (
            value
            if part.get("attribute") is None
            else getattr(value, part["attribute"])
        )


def as_parameter(value, placeholder):
    """A value as the drivers know it; numpy's and pandas' are unpacked first."""
    if value is None or type(value) in KEPT or type(value) is datetime.datetime:
        return value
    if (
        hasattr(value, "to_pydatetime")
        or hasattr(value, "to_pytimedelta")
        or is_missing(value)
    ):
        return of_pandas(value)
    if hasattr(value, "tolist") and not isinstance(value, (bytes, memoryview)):
        return as_parameter(value.tolist(), placeholder)
    if isinstance(value, LISTS):
        return [as_parameter(item, placeholder) for item in value]
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    for kind in KEPT:  # enums, subclasses of str and int
        if isinstance(value, kind):
            return kind(value) if kind in (int, float, str, bytes) else value
    message = (
        f"A {type(value).__name__} cannot be used as the SQL parameter {placeholder}"
    )
    raise Plain("TypeError", message, message)


def is_missing(value):
    """NaT and pandas.NA, without importing pandas."""
    return type(value).__name__ in ("NaTType", "NAType")


def of_pandas(value):
    if is_missing(value):
        return None
    if hasattr(value, "tolist"):  # an index of dates
        return [as_parameter(item, "") for item in value.tolist()]
    return (
        value.to_pydatetime()
        if hasattr(value, "to_pydatetime")
        else value.to_pytimedelta()
    )


def for_sqlite(value, placeholder):
    """SQLite knows numbers, text and bytes; dates are ISO text, as its own functions expect them."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        message = f"{placeholder} is a list: it can only stand after IN"
        raise Plain("TypeError", message, message)
    return value
