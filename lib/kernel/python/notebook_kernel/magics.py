"""Names in magics. IPython turns `%time f(x)` into a call with text; the text is looked into here."""
import ast
import re

RUNNERS = {"run_line_magic", "run_cell_magic"}
SHELLS = {"system", "getoutput"}
PYTHON = {"time", "prun", "memit"}  # their text runs in the notebook's namespace
OPTIONS = re.compile(r"^(\s*-\w+(\s*=?\s*\d+)?)+(\s+|$)")
# {expression} and $name, as IPython expands them in shell commands and lines of other magics
EXPANDED = re.compile(r"(?<!\{)\{([^{}!:]+)[^{}]*\}|(?<!\$)\$\{?([A-Za-z_]\w*)")


class Magic:
    def __init__(self):
        self.trees = []  # Python that runs in the namespace
        self.timed = None  # Python that runs in a function: an ast.FunctionDef
        self.reads = []
        self.writes = []


def of_call(node):
    """The Magic of a call that IPython's transformation has made, or None of any other call."""
    function = node.func
    if not isinstance(function, ast.Attribute) or function.attr not in RUNNERS | SHELLS:
        return None
    owner = function.value
    if (
        not isinstance(owner, ast.Call)
        or getattr(owner.func, "id", None) != "get_ipython"
    ):
        return None
    texts = [
        a.value
        for a in node.args
        if isinstance(a, ast.Constant) and isinstance(a.value, str)
    ]
    if len(texts) != len(node.args) or not texts:
        return None
    if function.attr in SHELLS:
        magic = Magic()
        magic.reads = expanded_names(texts[0])
        return magic
    return of_magic(texts[0], texts[1] if len(texts) > 1 else "", texts[2:])


def of_magic(name, line, body):
    """`body`: none for a line magic, one text for a cell magic."""
    magic = Magic()
    if name == "timeit":
        magic.timed = timed(line, body)
    elif name == "capture":
        words = [w for w in line.split() if not w.startswith("-")]
        magic.writes = [w for w in words[:1] if w.isidentifier()]
        add_python(magic, *body)
    elif name in PYTHON:
        add_python(magic, without_options(line), *body)
    elif name in ("pinfo", "pinfo2", "psource", "pdef", "pdoc"):
        magic.reads = names_of(line)
    else:
        magic.reads = expanded_names(line)
    return magic


def without_options(line):
    return OPTIONS.sub("", line, count=1)


def add_python(magic, *texts):
    magic.trees += [tree for tree in map(tree_of, texts) if tree is not None]


def timed(line, body):
    """`%timeit` binds nothing outside: its statements are the body of a function."""
    trees = [tree_of(text) for text in (without_options(line), *body)]
    statements = [s for tree in trees if tree is not None for s in tree.body] or [
        ast.Pass()
    ]
    nothing = ast.arguments(
        posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    return ast.FunctionDef(
        name="timed", args=nothing, body=statements, decorator_list=[], returns=None
    )


def tree_of(text):
    try:
        return compile(text, "<magic>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None


def expanded_names(text):
    found = []
    for expression, variable in EXPANDED.findall(text):
        found += names_of(expression) if expression else [variable]
    return found


def names_of(text):
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return []
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
