#!/usr/bin/python3
"""Layers: which module may include which (ARCHITECTURE table), read off the #include lines.

Also: libh2o and wslay are seen only inside server/http/, SQLite only inside lib/store/, and a module's
private headers stay inside its folder.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAY_USE = {
    "base": set(),
    "clerk": {"base"},
    "notebook": {"base"},
    "kernel": {"base"},
    "store": {"base", "notebook"},
    "session": {"base", "notebook", "kernel", "store"},
    "server": {"base", "clerk", "notebook", "kernel", "store", "session"},
}
LIBRARIES = {
    "h2o": {"server/http"},
    "h2o.h": {"server/http"},
    "wslay": {"server/http"},
    "sqlite3.h": {"lib/store"},
    "curl": {"lib/clerk"},
    "mbedtls": {"lib/clerk", "lib/store", "server/http"},
    "uv.h": {"lib/clerk", "lib/kernel", "lib/store", "lib/session", "server"},
    "Python.h": {"lib/kernel/python"},
    "jansson.h": set(),
}
# Headers that the build makes.
GENERATED = {"version.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "lib" else parts[0]


def check_ours(path: Path, module: str, target: str) -> str | None:
    owner, _, rest = target.partition("/")
    if not rest and target in GENERATED:
        return None
    if not rest:  # a header of the same folder
        here = path.parent / target
        return (
            None
            if here.exists()
            else f'"{target}" is not beside the file; name its module'
        )
    if module == "server" and (ROOT / "server" / target).exists():
        if owner == "http" and rest != "http.h" and path.parent.name != "http":
            return f"{target} is private to server/http"
        return None
    if owner not in MAY_USE:
        return f"unknown module in {target}"
    if owner != module and owner not in MAY_USE[module]:
        return f"{module} may not use {owner}"
    if owner not in ("base", module) and rest != f"{owner}.h":
        return f"{target} is private to lib/{owner}"
    return None


def check_library(path: Path, target: str) -> str | None:
    for prefix, homes in LIBRARIES.items():
        if target == prefix or target.startswith(prefix + "/"):
            folder = path.parent.relative_to(ROOT).as_posix()
            if not any(
                folder == home or folder.startswith(home + "/") for home in homes
            ):
                return (
                    f"<{target}> belongs to {', '.join(sorted(homes)) or 'tests'} only"
                )
    return None


def problems(path: Path):
    module = module_of(path)
    text = path.read_text()
    for match in INCLUDE.finditer(text):
        kind, target = match.groups()
        wrong = (
            check_ours(path, module, target)
            if kind == '"'
            else check_library(path, target)
        )
        if wrong is not None:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(ROOT)}:{line}: {wrong}"


def main() -> int:
    files = sorted(p for d in ("lib", "server") for p in (ROOT / d).rglob("*.[ch]"))
    found = [problem for path in files for problem in problems(path)]
    print(
        "\n".join(found) if found else f"layers: {len(files)} files keep to the table"
    )
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
