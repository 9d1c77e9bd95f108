"""What could stand at the cursor. IPython's own completer, with everything that would run user code taken
out of it: names are looked up, never evaluated (look.py), and nothing is imported."""
import functools
import importlib.machinery
import keyword
import pkgutil
import re
import sys

from IPython.core.completer import IPCompleter, provisionalcompleter
from IPython.utils.dir2 import dir2

from . import look

MATCHES_MAX = 200
TEXT_MAX = 500
LINE_MAX = 5000  # characters before the cursor that are looked at
DOTTED = re.compile(r"((?!\d)\w+(?:\.(?!\d)\w+)*)\.(\w*)$")
KEYS = re.compile(r"((?!\d)\w+(?:\.(?!\d)\w+)*)\[[^\[\]]*$")
CALLED = re.compile(r"((?!\d)\w+(?:\.(?!\d)\w+)*)\s*$")
STRING = re.compile(r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*\"""")
KEYED = {
    "builtins",
    "collections",
    "numpy",
    "pandas",
}  # packages whose types tell their keys
IMPORT = re.compile(r"\s*import\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*([\w.]*)$")
FROM = re.compile(r"\s*from\s+([\w.]*)$")
FROM_IMPORT = re.compile(r"\s*from\s+([\w.]+)\s+import\s+\(?(?:[\w\s]+,)*\s*(\w*)$")
KEYWORDS = {*keyword.kwlist, "match", "case"}
WORDS = {"magic_matches": "magic", "file_matches": "path", "dict_key_matches": "key"}


class Completer(IPCompleter):
    def __init__(self, shell):
        super().__init__(
            shell=shell,
            namespace=shell.user_ns,
            global_namespace=shell.user_global_ns,
            parent=shell,
            use_jedi=False,
        )

    @property
    def matchers(self):
        return [guarded(matcher) for matcher in self.wanted()]

    def wanted(self):
        if is_import(self.text_until_cursor):
            return [self.import_matches]
        found = [self.dict_key_matches, self.python_matches, self.magic_matches]
        if self.text_until_cursor.lstrip()[:1] in ("%", "!") or self.in_string():
            found.append(self.file_matches)
        return [*found, self.python_func_kw_matches]

    def in_string(self):
        return any(self.text_until_cursor.count(quote) % 2 for quote in "'\"")

    def dispatch_custom_completer(self, _text):
        """Completers that user code may have registered are user code."""

    def attr_matches(self, text):
        found = DOTTED.search(text)
        if not found or found.start() != 0:
            return []
        value = look.find(self.namespace, found[1])
        if value is look.MISSING:
            return []
        start = found[2]
        names = [n for n in dir2(value) if isinstance(n, str) and n.startswith(start)]
        return [f"{found[1]}.{name}" for name in names]

    def dict_key_matches(self, text):
        found = KEYS.search(self.text_until_cursor)
        value = look.find(self.namespace, found[1]) if found else look.MISSING
        if (
            value is look.MISSING
            or type(value).__module__.partition(".")[0] not in KEYED
        ):
            return []
        return super().dict_key_matches(text)

    def python_func_kw_matches(self, text):
        name = "" if "." in text else called(self.text_until_cursor)
        names = look.parameter_names(look.find(self.namespace, name)) if name else []
        return [f"{name}=" for name in names if name.startswith(text)]

    def import_matches(self, text):
        line = self.text_until_cursor
        if found := FROM_IMPORT.match(line):
            names = [*submodules(found[1]), *public_names(found[1])]
            start = found[2]
        else:
            start = (IMPORT.match(line) or FROM.match(line))[1]
            package, dot, _ = start.rpartition(".")
            names = [package + dot + name for name in submodules(package)]
        return [name for name in names if name.startswith(start)]


def called(line):
    """The dotted name before the last parenthesis that is open at the end of the line."""
    line, depth = STRING.sub("", line), 0
    for at in range(len(line) - 1, -1, -1):
        depth += (line[at] == ")") - (line[at] == "(")
        if depth < 0:
            found = CALLED.search(line[:at])
            return found[1] if found else ""
    return ""


def guarded(matcher):
    """A matcher that fails has found nothing. IPython would print a traceback into the cell."""

    @functools.wraps(matcher)
    def wrapper(text):
        try:
            return matcher(text)
        except Exception:
            return []

    return wrapper


# --- modules, which are never imported here ---


def is_import(line):
    return any(pattern.match(line) for pattern in (IMPORT, FROM, FROM_IMPORT))


def submodules(package):
    if not package:
        return root_modules()
    module = sys.modules.get(package)
    path = getattr(module, "__path__", None) or path_of(package)
    return [m.name for m in pkgutil.iter_modules(path)] if path else []


def path_of(package):
    path = None
    for part in package.split("."):
        spec = importlib.machinery.PathFinder.find_spec(part, path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return list(path) if path else None


def root_modules():
    names = {m.name for m in pkgutil.iter_modules()} | set(sys.builtin_module_names)
    return sorted(name for name in names if not name.startswith("_"))


def public_names(package):
    module = sys.modules.get(package)
    return [n for n in vars(module) if not n.startswith("_")] if module else []


# --- the answer ---


def complete(completer, request):
    """Of the payload of a complete frame. Only the cursor's own line matters."""
    code, cursor = position(request)
    start = max(code.rfind("\n", 0, cursor) + 1, cursor - LINE_MAX)
    line = code[start:cursor]
    with provisionalcompleter():
        found = list(completer.completions(line, len(line)))[:MATCHES_MAX]
    if not found:
        return {"matches": [], "start": cursor, "end": cursor}
    # One pair of ends for all: what the shortest leave out, the others have in common.
    first = min(c.start for c in found)
    texts = [line[first : c.start] + c.text for c in found]
    owner = common_owner(line[first:], texts)
    matches = [match(completer, c, text, owner) for c, text in zip(found, texts)]
    return {"matches": matches, "start": start + first + owner, "end": cursor}


def common_owner(written, texts):
    """Length of `a.b.` that was written and that all begin with: only what follows it is replaced."""
    owner = written[: written.rfind(".") + 1]
    return len(owner) if all(text.startswith(owner) for text in texts) else 0


def match(completer, completion, text, owner):
    origin = completion._origin.rsplit(".", 1)[-1]
    word, value = WORDS.get(origin), look.MISSING
    if word is None and text.endswith("="):
        word = "param"
    elif word is None and origin == "import_matches":
        word = "module"
    elif word is None:
        word, value = described(completer, text)
    out = {"text": text[owner : owner + TEXT_MAX], "type": word}
    if value is not look.MISSING and (signature := look.signature(value)):
        out["signature"] = signature
    return out


def described(completer, text):
    """(word, value) of a name or a dotted name."""
    owner, dot, name = text.rpartition(".")
    if not dot:
        if text in KEYWORDS and text not in completer.namespace:
            return "keyword", look.MISSING
        value = look.find(completer.namespace, text)
        return look.kind_of(value), value
    holder = look.find(completer.namespace, owner) if owner else look.MISSING
    written = look.MISSING if holder is look.MISSING else look.static(holder, name)
    return look.kind_of(written), written


def position(request):
    """(code, cursor), the cursor inside the code."""
    code, cursor = request.get("code"), request.get("cursor")
    code = code if isinstance(code, str) else ""
    cursor = cursor if type(cursor) is int else len(code)
    return code, min(max(cursor, 0), len(code))
