"""Any Python value as JSON that the server accepts.

The server refuses NaN, lone surrogates, names that occur twice in an object, numbers beyond a double,
and more than 64 levels or 500,000 values in one frame. User code makes all of these.
"""
import json
import math

from . import _nbk

DEPTH_MAX = 56  # of one value; the frame around it adds a few
VALUES_MAX = 400_000
INT_DIGITS_MAX = 300
TEXT_MAX = 2000  # of what stands for a value that JSON does not know
EXACT_INT = 2**53 - 1


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Refused(ValueError):
    """JSON, but not for the server."""


def encode(value):
    """JSON as bytes. Fast for what is plain already; everything else is made plain."""
    try:
        return check(dump(value))
    except (ValueError, TypeError, RecursionError, OverflowError):
        return dump(plain(value, DEPTH_MAX, [VALUES_MAX]))


def dump(value):
    """Of a value that is known to be plain."""
    return _encoder.encode(value).encode("utf-8", "replace")


def check(encoded):
    if encoded[:1] in b'"tfn' or encoded == b"{}":
        return encoded
    depth, values = _nbk.measure_json(encoded)
    if depth > DEPTH_MAX or values > VALUES_MAX:
        raise Refused("too deep or too many values")
    _checker.decode(encoded.decode())
    return encoded


def check_names(pairs):
    if len(dict(pairs)) != len(pairs):
        raise Refused("a name occurs twice")


def check_int(digits):
    if len(digits) > INT_DIGITS_MAX:
        raise Refused("beyond a double")


_checker = json.JSONDecoder(object_pairs_hook=check_names, parse_int=check_int)


def plain(value, depth, budget):
    """A copy of None, bool, numbers, str, list and dict only; the rest as text."""
    budget[0] -= 1
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) is int:
        return value if value.bit_length() < 900 else integer(value)
    if type(value) is float:
        return number(value)
    if depth > 0 and budget[0] > 0:
        if isinstance(value, dict):
            return plain_dict(value, depth, budget)
        if isinstance(value, (list, tuple, set, frozenset)):
            return plain_list(value, depth, budget)
    return scalar(value)


def plain_dict(value, depth, budget):
    out = {}
    for key, item in value.items():
        if budget[0] <= 0:
            break
        out[unique(text_of(key), out)] = plain(item, depth - 1, budget)
    return out


def unique(name, taken):
    name = name.encode("utf-8", "replace").decode()
    candidate, n = name, 2
    while candidate in taken:
        candidate, n = f"{name} ({n})", n + 1
    return candidate


def plain_list(value, depth, budget):
    out = []
    for item in value:
        if budget[0] <= 0:
            break
        out.append(plain(item, depth - 1, budget))
    return out


def scalar(value):
    """numpy and pandas scalars and arrays as what they hold, everything else as text."""
    if hasattr(value, "tolist"):
        try:
            held = value.tolist()
        except Exception:
            held = value
        if held is not value and isinstance(held, (bool, int, float, str, list)):
            return plain(held, 8, [10_000])
    return text_of(value)


def integer(value):
    """An int that a double cannot hold exactly. str() refuses above 4,300 digits."""
    if value.bit_length() > 4000:
        return f"<int of {value.bit_length()} bits>"
    return str(value)


def number(value):
    if math.isfinite(value):
        return value
    if value != value:
        return None
    return "Infinity" if value > 0 else "-Infinity"


def text_of(value, maximum=TEXT_MAX):
    """str(value) of a value that may have a hostile __str__, cut."""
    try:
        text = str(value)
    except Exception:
        return "<unprintable>"
    return text if len(text) <= maximum else text[:maximum] + "…"
