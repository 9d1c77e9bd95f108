"""The walk over names against CPython itself: what the compiler makes of modules of its library."""
import ast
import dis
import inspect
import sys
import sysconfig
import types
from pathlib import Path

import pytest

from harness import KERNEL_DIR

sys.path.insert(0, str(KERNEL_DIR))
from notebook_kernel import names  # noqa: E402

LIBRARY = Path(sysconfig.get_path("stdlib"))
MODULES = sorted(
    [
        *LIBRARY.glob("*.py"),
        *(LIBRARY / "asyncio").glob("*.py"),
        *(LIBRARY / "json").glob("*.py"),
    ]
    + [*(LIBRARY / "importlib").glob("*.py"), *(LIBRARY / "email").glob("*.py")]
)
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


class Recorded(names.Names):
    """Every global name that is read, whether or not the module has bound it before."""

    def __init__(self):
        super().__init__()
        self.immediate, self.later = set(), set()

    def read_global(self, name, later):
        later = later or any(s.kind == names.Scope.FUNCTION for s in self.scopes)
        (self.later if later else self.immediate).add(name)
        super().read_global(name, later)


class Compiled:
    """What the bytecode of a module loads and stores."""

    def __init__(self, code):
        self.stored, self.immediate, self.later, self.in_classes = (
            set(),
            set(),
            set(),
            set(),
        )
        self.class_reads = set()
        self.look_into(code, "module", False)

    def look_into(self, code, kind, later):
        for i in dis.get_instructions(code):
            if isinstance(i.argval, types.CodeType):
                self.look_into(i.argval, *self.kind_of(i.argval, kind, later))
            elif i.opname in ("LOAD_GLOBAL", "DELETE_GLOBAL"):
                (self.later if later else self.immediate).add(i.argval)
            elif (
                i.opname == "STORE_GLOBAL"
                or i.opname == "STORE_NAME"
                and kind == "module"
            ):
                self.stored.add(i.argval)
            elif i.opname in ("LOAD_NAME", "DELETE_NAME") and kind == "module":
                self.immediate.add(i.argval)
            elif i.opname == "LOAD_NAME":
                self.class_reads.add((i.argval, later))
            elif i.opname == "STORE_NAME":
                self.in_classes.add(i.argval)

    @staticmethod
    def kind_of(code, kind, later):
        if code.co_name in COMPREHENSIONS:
            return "comprehension", later
        if not code.co_flags & inspect.CO_OPTIMIZED:
            return "class", later
        return "function", True


def handler_names(tree):
    return {
        n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name
    }


def deleted_names(tree):
    targets = [
        t for n in ast.walk(tree) if isinstance(n, ast.Delete) for t in n.targets
    ]
    return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_module_of_the_library(path):
    source = path.read_text("utf-8", "surrogateescape")
    tree = ast.parse(source)
    found = Recorded()
    found.visit_all(tree.body)
    expected = Compiled(compile(source, str(path), "exec", dont_inherit=True))
    uncertain = handler_names(tree) | deleted_names(tree)
    left_out = unreachable(tree)
    given = {
        "__annotations__",
        "__doc__",
        "__name__",
        "__module__",
        "__qualname__",
        "__debug__",
        "__class__",
    }

    assert found.writes - uncertain - given == expected.stored - uncertain - given

    # Functions: exact, but for class bodies in them, where a name may be the class's own.
    from_classes = {name for name, later in expected.class_reads if later}
    assert expected.later - given - uncertain <= found.later | left_out
    assert found.later - given - uncertain <= expected.later | from_classes | left_out

    # The module itself and its classes.
    from_classes = {name for name, later in expected.class_reads if not later}
    assert expected.immediate - given - uncertain <= found.immediate
    assert (
        found.immediate - given - uncertain
        <= expected.immediate | from_classes | left_out
    )
    assert from_classes - expected.in_classes - given - uncertain <= found.immediate


def unreachable(tree):
    """Names of code that the compiler leaves out (`if 0:`, `while False:`, after constants)."""
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.BoolOp)):
            test = node.test if not isinstance(node, ast.BoolOp) else node.values[0]
            if isinstance(test, ast.Constant) or getattr(test, "id", "") == "__debug__":
                left_out |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return left_out


def test_there_are_many_modules():
    assert len(MODULES) > 200
