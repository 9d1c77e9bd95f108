"""What stands at the cursor: signature, documentation, source."""
import inspect
import re

from IPython.utils.tokenutil import token_at_cursor

from . import completion, errors, look, preview

TEXT_MAX = 65_536
DOC_MAX = 16_384
BEFORE_MAX = (
    4000  # characters before the cursor that are looked at, from the start of a line
)
AFTER_MAX = 500
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
MAGIC = re.compile(r"\s*(%%?\w+)")
NOTHING = {
    "found": False,
    "name": "",
    "type": "",
    "signature": "",
    "docstring": "",
    "text": "",
}


def inspect_at(shell, request):
    """Of the payload of an inspect frame."""
    code, cursor = completion.position(request)
    name = name_at(code, cursor)
    value = value_of(shell, name) if name else look.MISSING
    if value is look.MISSING:
        return {**NOTHING, "name": name[: look.NAME_MAX]}
    detail = 1 if request.get("detail") == 1 else 0
    text = text_of(shell, name, value, detail)
    return {
        "found": True,
        "name": name[: look.NAME_MAX],
        "type": look.type_name(value),
        "signature": look.signature(value),
        "docstring": docstring(value)[:DOC_MAX],
        "text": errors.clip(text, TEXT_MAX) if len(text) > TEXT_MAX else text,
        **place(value),
    }


def name_at(code, cursor):
    line = code.rfind("\n", 0, cursor) + 1
    magic = MAGIC.match(code, line, line + AFTER_MAX)
    if magic and cursor <= magic.end():
        return magic[1]
    start = code.rfind("\n", 0, max(0, cursor - BEFORE_MAX)) + 1
    start = max(start, cursor - 2 * BEFORE_MAX)
    return token_at_cursor(code[start : cursor + AFTER_MAX], cursor - start)


def value_of(shell, name):
    if name.startswith("%"):
        magic = shell.find_magic(name.lstrip("%"))
        return look.MISSING if magic is None else magic
    value = look.find(shell.user_ns, name)
    if value is look.MISSING and "." in name:  # a property itself can be told about
        owner, _, last = name.rpartition(".")
        holder = look.find(shell.user_ns, owner)
        value = look.MISSING if holder is look.MISSING else look.static(holder, last)
    return value


def text_of(shell, name, value, detail):
    """IPython's inspector prints values, which runs their code: it is left to what has none."""
    if look.isinstance_of(value, (type, *look.FUNCTIONS, property, type(inspect))):
        shell.inspector.str_detail_level = (
            2  # never: a method prints what it is bound to
        )
        try:
            bundle = shell.object_inspect_mime(name, detail_level=detail)
            return ANSI.sub("", bundle["text/plain"])
        except (
            Exception
        ):  # it trips over odd values; then what we know ourselves is the text
            pass
    lines = [f"Type:      {look.type_name(value)}"]
    shown = preview.of(value)
    if shown:
        lines.append(f"Value:     {shown}")
    doc = docstring(value)
    if doc:
        lines.append(f"Docstring:\n{doc[:DOC_MAX]}")
    return "\n".join(lines)


def docstring(value):
    """Of the value when it is a class, function, property or module; of its class otherwise."""
    own = look.isinstance_of(value, (type, *look.FUNCTIONS, property, type(inspect)))
    doc = look.static(value if own else type(value), "__doc__")
    if type(doc) in look.C_VALUES:
        doc = look.c_value(doc, value if own else type(value))
    if type(doc) is not str:
        doc = getattr(value, "__doc__", None) if own else None
    return inspect.cleandoc(doc) if type(doc) is str else ""


def place(value):
    """Where a function or class of Python stands; a cell by its label."""
    function = (
        getattr(value, "__func__", value) if type(value) in look.FUNCTIONS else value
    )
    code = (
        getattr(function, "__code__", None) if type(function) is type(place) else None
    )
    if code is None:
        return {}
    return {"file": errors.shown_name(code.co_filename), "line": code.co_firstlineno}
