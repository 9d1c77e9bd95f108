"""Python's scopes, as far as names of a cell need them: what a block binds, and private names of classes."""
import ast

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scope:
    """One block. Functions know all their names before they run; modules and classes learn them in the
    order of execution."""

    MODULE, CLASS, FUNCTION, COMPREHENSION = range(4)

    def __init__(self, kind, bound=()):
        self.kind = kind
        self.bound = set(bound)
        self.globals = set()
        self.nonlocals = set()


def mangled(name, class_name):
    """`__x` in class A is `_A__x` (Python reference, "Private name mangling")."""
    if (
        class_name is None
        or not name.startswith("__")
        or name.endswith("__")
        or "." in name
    ):
        return name
    stripped = class_name.lstrip("_")
    return f"_{stripped}{name}" if stripped else name


def arguments_of(function):
    a = function.args
    every = (
        a.posonlyargs
        + a.args
        + a.kwonlyargs
        + [x for x in (a.vararg, a.kwarg) if x is not None]
    )
    return every


def function_scope(function, mangle):
    """The scope of a def or lambda: everything that its body binds is local in all of it."""
    scope = Scope(Scope.FUNCTION, (mangle(a.arg) for a in arguments_of(function)))
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    for name in names_bound_in(body, scope):
        scope.bound.add(mangle(name))
    scope.globals = {mangle(n) for n in scope.globals}
    scope.nonlocals = {mangle(n) for n in scope.nonlocals}
    scope.bound -= scope.globals | scope.nonlocals
    return scope


def names_bound_in(body, scope):
    """Names that these statements bind, not looking into blocks of their own. Without recursion: text can
    nest deeply."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield from names_bound_by(node)
        if isinstance(node, ast.Global):
            scope.globals.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            scope.nonlocals.update(node.names)
        waiting.extend(parts_of_same_block(node))


def names_bound_by(node):
    if isinstance(node, ast.Name):
        return [node.id] if not isinstance(node.ctx, ast.Load) else []
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [name_of_alias(a, node) for a in node.names if a.name != "*"]
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return [node.name] if node.name else []
    if isinstance(node, ast.MatchMapping):
        return [node.rest] if node.rest else []
    return []


def name_of_alias(alias, node):
    """`import a.b` binds a; `from m import a` and `import a.b as c` bind what they say."""
    if alias.asname:
        return alias.asname
    return alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name


def parts_of_same_block(node):
    """Children that run in the block of `node` itself: of a nested def, its decorators and defaults."""
    if isinstance(node, FUNCTIONS):
        return evaluated_outside(node)
    if isinstance(node, ast.ClassDef):
        return node.decorator_list + node.bases + [k.value for k in node.keywords]
    if isinstance(node, COMPREHENSIONS):
        return walruses_of(node)
    return ast.iter_child_nodes(node)


def evaluated_outside(function):
    """What a def or lambda evaluates where it stands, in order."""
    parts = list(getattr(function, "decorator_list", ()))
    parts += function.args.defaults + [
        d for d in function.args.kw_defaults if d is not None
    ]
    if not isinstance(function, ast.Lambda):
        parts += [
            a.annotation for a in arguments_of(function) if a.annotation is not None
        ]
        parts += [function.returns] if function.returns is not None else []
    return parts


def walruses_of(comprehension):
    """`:=` in a comprehension binds outside it, its other targets do not."""
    found = []
    waiting = list(ast.iter_child_nodes(comprehension))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.NamedExpr):
            found.append(node)
        elif isinstance(node, FUNCTIONS):
            waiting.extend(evaluated_outside(node))
        elif not isinstance(node, ast.Name):
            waiting.extend(ast.iter_child_nodes(node))
    return found
