"""Which names a cell reads from elsewhere and which it writes (design REACTIVE.md B.1).

One walk in the order of execution. At the top of the cell a name is read from elsewhere when it is read
before the cell binds it. Inside functions, which run later, it is so when the cell binds it nowhere.
"""
import ast
import builtins

from . import magics
from .scopes import Scope, evaluated_outside, function_scope, mangled, name_of_alias

# Given by Python or by the shell; never by another cell.
GIVEN = frozenset(dir(builtins)) | {
    "__annotations__", "__builtins__", "__class__", "__file__", "__module__", "__path__", "__qualname__",
    "display", "exit", "get_ipython", "quit",
}  # fmt: skip


class Names:
    """`reads` and `writes` are complete after `finish`."""

    def __init__(self):
        self.module = Scope(Scope.MODULE)
        self.scopes = [self.module]
        self.classes = []  # names of the classes around
        self.handled = []  # names of `except ... as` around
        self.conditional = 0  # depth of blocks that may not run
        self.augmenting = False  # the target of `n += 1` is being bound
        self.reads = set()
        self.deferred = set()  # read in functions
        self.writes = set()
        self.given_in_functions = (
            set()
        )  # `global n; n = 1`, but not `n += 1`, which needs one first

    def finish(self):
        self.reads |= self.deferred - self.module.bound - self.given_in_functions
        self.reads -= GIVEN
        self.writes.discard("__doc__")
        return self

    # --- reading and binding ---

    def mangle(self, name):
        return mangled(name, self.classes[-1] if self.classes else None)

    def read(self, name):
        name = self.mangle(name)
        later = False
        for depth, scope in enumerate(reversed(self.scopes)):
            if scope.kind == Scope.MODULE or name in scope.globals:
                self.read_global(name, later or scope.kind == Scope.FUNCTION)
                return
            hidden = (
                scope.kind == Scope.CLASS and depth > 0
            )  # methods do not see class variables
            if not hidden and (name in scope.bound or name in scope.nonlocals):
                return
            later = later or scope.kind == Scope.FUNCTION

    def read_global(self, name, later):
        if name in self.handled:
            return
        if later or any(s.kind == Scope.FUNCTION for s in self.scopes):
            self.deferred.add(name)
        elif name not in self.module.bound:
            self.reads.add(name)

    def bind(self, name, scope=None):
        name = self.mangle(name)
        scope = scope or self.scopes[-1]
        if scope.kind == Scope.MODULE or name in scope.globals:
            self.bind_global(name, scope)
        else:
            scope.bound.add(name)

    def bind_global(self, name, scope):
        if name in self.handled:
            return
        own = (
            self.given_in_functions
            if scope.kind == Scope.FUNCTION
            else self.module.bound
        )
        if not self.augmenting:
            own.add(name)
        self.writes.add(name)

    def unbind(self, name):
        """`del` of an own name makes it local to the cell, unless it may not run; else it is a read."""
        name = self.mangle(name)
        scope = self.scopes[-1]
        if scope.kind == Scope.FUNCTION and name not in scope.globals:
            self.read(name)
        elif scope.kind == Scope.CLASS and name not in scope.globals:
            scope.bound.discard(name)
        elif scope.kind == Scope.FUNCTION or name not in self.module.bound:
            self.read_global(name, scope.kind == Scope.FUNCTION)
        elif self.conditional == 0:
            self.module.bound.discard(name)
            self.writes.discard(name)

    # --- walking ---

    def visit_all(self, nodes):
        for node in nodes:
            self.visit(node)

    def visit(self, node):
        if node is None:
            return
        method = getattr(self, "visit_" + type(node).__name__, None)
        if method is not None:
            method(node)
        else:
            self.visit_all(ast.iter_child_nodes(node))

    def visit_maybe(self, nodes):
        """A block that may not run. What it binds counts as bound, what it deletes does not as deleted."""
        self.conditional += 1
        self.visit_all(nodes)
        self.conditional -= 1

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self.read(node.id)
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id)
        else:
            self.unbind(node.id)

    def visit_Assign(self, node):
        self.visit(node.value)
        self.visit_all(node.targets)

    def visit_AugAssign(self, node):
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
        self.visit(node.value)
        self.augmenting = self.scopes[-1].kind == Scope.FUNCTION
        self.visit(node.target)
        self.augmenting = False

    def visit_AnnAssign(self, node):
        """`x: int` binds nothing at the top. In a function the annotation is not evaluated."""
        self.visit(node.value)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)
        if self.scopes[-1].kind != Scope.FUNCTION:
            self.visit(node.annotation)

    def visit_NamedExpr(self, node):
        self.visit(node.value)
        outer = [s for s in self.scopes if s.kind != Scope.COMPREHENSION]
        self.bind(node.target.id, outer[-1])

    def visit_Dict(self, node):
        for key, value in zip(node.keys, node.values):
            self.visit(key)
            self.visit(value)

    def visit_If(self, node):
        self.visit(node.test)
        self.visit_maybe(node.body + node.orelse)

    visit_While = visit_If

    def visit_For(self, node):
        self.visit(node.iter)
        self.visit(node.target)
        self.visit_maybe(node.body + node.orelse)

    visit_AsyncFor = visit_For

    def visit_withitem(self, node):
        self.visit(node.context_expr)
        self.visit(node.optional_vars)

    def visit_Try(self, node):
        self.visit_maybe(node.body + node.handlers + node.orelse)
        self.visit_all(node.finalbody)

    visit_TryStar = visit_Try

    def visit_ExceptHandler(self, node):
        """`e` of `except E as e` is gone after the handler: it is no name of the notebook in there."""
        self.visit(node.type)
        private = node.name is not None and self.scopes[-1].kind == Scope.MODULE
        if private:
            self.handled.append(node.name)
        elif node.name is not None:
            self.bind(node.name)
        self.visit_all(node.body)
        if private:
            self.handled.pop()

    def visit_Match(self, node):
        self.visit(node.subject)
        self.visit_maybe(node.cases)

    def visit_MatchAs(self, node):
        self.visit(node.pattern)
        if node.name is not None:
            self.bind(node.name)

    def visit_MatchStar(self, node):
        if node.name is not None:
            self.bind(node.name)

    def visit_MatchMapping(self, node):
        self.visit_all(node.keys)
        self.visit_all(node.patterns)
        if node.rest is not None:
            self.bind(node.rest)

    def visit_Import(self, node):
        for alias in node.names:
            if alias.name != "*":
                self.bind(name_of_alias(alias, node))

    visit_ImportFrom = visit_Import

    def visit_Global(self, node):
        """In a class; functions know theirs beforehand, and at the top it says nothing new."""
        if self.scopes[-1].kind == Scope.CLASS:
            self.scopes[-1].globals.update(self.mangle(n) for n in node.names)

    def visit_Nonlocal(self, node):
        if self.scopes[-1].kind == Scope.CLASS:
            self.scopes[-1].nonlocals.update(self.mangle(n) for n in node.names)

    # --- blocks of their own ---

    def visit_FunctionDef(self, node):
        self.visit_all(evaluated_outside(node))
        self.bind(node.name)
        self.visit_body(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        self.visit_all(evaluated_outside(node))
        self.visit_body(node, [node.body])

    def visit_body(self, function, body):
        self.scopes.append(function_scope(function, self.mangle))
        self.visit_all(body)
        self.scopes.pop()

    def visit_ClassDef(self, node):
        self.visit_all(
            node.decorator_list + node.bases + [k.value for k in node.keywords]
        )
        self.classes.append(node.name)
        self.scopes.append(Scope(Scope.CLASS))
        self.visit_all(node.body)
        self.scopes.pop()
        self.classes.pop()
        self.bind(node.name)

    def visit_comprehension_of(self, node, elements):
        """The first iterable is evaluated outside."""
        first = node.generators[0]
        self.visit(first.iter)
        self.scopes.append(Scope(Scope.COMPREHENSION))
        for generator in node.generators:
            if generator is not first:
                self.visit(generator.iter)
            self.visit(generator.target)
            self.visit_all(generator.ifs)
        self.visit_all(elements)
        self.scopes.pop()

    def visit_ListComp(self, node):
        self.visit_comprehension_of(node, [node.elt])

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node):
        self.visit_comprehension_of(node, [node.key, node.value])

    # --- magics ---

    def visit_Call(self, node):
        """Transformed magics are calls of the shell with text that may hold Python of its own."""
        magic = magics.of_call(node)
        if magic is None:
            self.visit_all(ast.iter_child_nodes(node))
            return
        for tree in magic.trees:
            self.visit_all(tree.body)
        if magic.timed is not None:  # runs in a function of its own
            self.visit_body(magic.timed, magic.timed.body)
        for name in magic.reads:
            self.read(name)
        for name in magic.writes:
            self.bind(name)


def of_tree(tree):
    names = Names()
    names.visit_all(tree.body)
    return names.finish()
