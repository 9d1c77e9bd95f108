"""Completion, inspection and the list of variables, also while a cell runs; none runs user code."""
import time

import pytest

BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: pass"
# PyDLL keeps the interpreter while its C function runs.
HELD = "import ctypes; ctypes.PyDLL(None).usleep(int({} * 1e6)) and None"
# Whatever is looked up on it by a question would be written down.
TRAP = """
calls = []
class Trap:
    plain = 1
    def __init__(self): self.own = 2
    def method(self, a, b=3): pass
    @property
    def prop(self): calls.append('prop'); return Trap()
    def __getattr__(self, name): calls.append('getattr ' + name); raise AttributeError(name)
    def __repr__(self): calls.append('repr'); return 'shown'
    def __str__(self): calls.append('str'); return 'shown'
    def __len__(self): calls.append('len'); return 7
    def __eq__(self, other): calls.append('eq'); return False
    def __bool__(self): calls.append('bool'); return True
    def __iter__(self): calls.append('iter'); return iter(())
    def __sizeof__(self): calls.append('sizeof'); return 1
    def __call__(self): calls.append('call')
    def __getitem__(self, key): calls.append('getitem')
    def keys(self): calls.append('keys'); return ['k']
    __hash__ = None
trap = Trap()
trap.inner = Trap()
"""


# --- complete ---


@pytest.mark.parametrize(
    "code, text, kind",
    [
        ("imp", "import", "keyword"),
        ("alph", "alpha", "instance"),
        ("pri", "print", "function"),
        ("ValueErr", "ValueError", "class"),
        ("os.pa", "path", "module"),
        ("os.path.joi", "join", "function"),
        ("x = os.path.joi", "join", "function"),
        ("alpha.upp", "upper", "function"),
        ("Shape.ar", "area", "property"),
        ("shape.ar", "area", "property"),
        ("shape.wid", "width", "instance"),
        ("f(alp", "alpha=", "param"),
        ("table['fir", "first", "key"),
        ("%timei", "%timeit", "magic"),
        ("%%ba", "%%bash", "magic"),
        ("open('dat", "data.csv", "path"),
        ("import js", "json", "module"),
        ("import os.pa", "os.path", None),
        ("from collections import Ord", "OrderedDict", "module"),
        ("from email import mim", "mime", "module"),
        ("for i in ra", "range", "class"),
        ("frame.col", "columns", None),
        ("frame.columns.toli", "tolist", "function"),
        ("frame['pri", "price", "key"),
        ("words.str.upp", "upper", "function"),
    ],
)
def test_a_completion_is_found(kernel, code, text, kind):
    kernel.run(
        "import os, pandas\nopen('data.csv', 'w').close()\nalpha = 'a'\n"
        "def f(alpha, beta=1): pass\ntable = {'first': 1}\n"
        "class Shape:\n    def __init__(self): self.width = 1\n"
        "    @property\n    def area(self): return 1\nshape = Shape()\n"
        "frame = pandas.DataFrame({'price': [1]})\nwords = pandas.Series(['a'])"
    )
    found = kernel.completions(code)
    if code == "import os.pa":
        assert found == {}  # os is no package; nothing was imported to find that out
        return
    assert text in found
    assert kind in (None, found[text])


@pytest.mark.parametrize(
    "code",
    [
        "",
        "a.",
        ")",
        "1.",
        "'",
        "\\",
        "....",
        "a[",
        "((",
        "import ",
        "from ",
        "%",
        "!",
        "é.",
        "\0",
        "x." * 2000,
        "from . import ",
        "(" * 3000 + "x",
        "\ud800",
    ],
)
def test_odd_text_has_an_answer(kernel, code):
    answer = kernel.complete(code)
    assert isinstance(answer["matches"], list)
    assert kernel.run("1").result == "1"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"code": 1, "cursor": "x"},
        {"code": "pri", "cursor": 99},
        {"code": "pri", "cursor": -5},
        {"code": None},
    ],
)
@pytest.mark.parametrize("what", ["complete", "inspect", "variables"])
def test_a_malformed_question_has_an_answer(kernel, what, request_):
    assert "error" not in kernel.ask(what, **request_)


def test_the_cursor_counts_code_points_and_the_ends_name_what_is_replaced(kernel):
    kernel.run("größe = {'a': 1}")
    code = "x = '😀'; größe.ke; y\nz"
    cursor = code.index(";", 8)
    answer = kernel.complete(code, cursor)
    assert [m["text"] for m in answer["matches"]] == ["keys"]
    assert code[answer["start"] : answer["end"]] == "ke"


def test_a_function_has_its_signature(kernel):
    kernel.run(
        "def area(width, height=2, *rest, unit='m', big=[0] * 10**6, **more): pass"
    )
    (found,) = kernel.complete("are")["matches"]
    assert found["signature"] == "(width, height=2, *rest, unit='m', big=…, **more)"


def test_at_most_200_completions(kernel):
    kernel.run("for i in range(5000): globals()[f'name_{i}'] = i")
    assert len(kernel.complete("name_")["matches"]) == 200


def test_jedi_is_not_asked(kernel):
    kernel.run("import pandas\ndf = pandas.DataFrame({'a': [1]})")
    started = time.monotonic()
    assert "head" in kernel.completions("df.he")
    assert time.monotonic() - started < 0.5


# --- none of it runs user code ---


@pytest.mark.parametrize(
    "code",
    [
        "trap.",
        "trap.pr",
        "trap.prop.",
        "trap.prop.pl",
        "trap.inner.",
        "trap.inner.prop.x",
        "trap[",
        "trap['",
        "trap(",
        "trap.prop(",
        "trap.prop['k",
        "f(trap.prop(a",
        "trap.nothing.",
        "Trap.prop.",
        "trap.method(",
        "tra",
    ],
)
def test_completion_runs_nothing_of_the_users(kernel, code):
    kernel.run(TRAP)
    kernel.complete(code)
    assert kernel.run("[c for c in calls if c != 'getattr __all__']").result in (
        "[]",
        "['keys']",
    )


@pytest.mark.parametrize("detail", [0, 1])
@pytest.mark.parametrize(
    "code",
    [
        "trap",
        "trap.prop",
        "trap.inner",
        "trap.inner.prop",
        "trap.prop.own",
        "Trap",
        "trap.method",
        "trap()",
        "Trap.prop",
        "trap.nothing",
    ],
)
def test_inspection_runs_nothing_of_the_users(kernel, code, detail):
    kernel.run(TRAP)
    kernel.inspect(code, detail=detail)
    assert kernel.run("calls").result == "[]"


def test_listing_runs_nothing_of_the_users(kernel):
    kernel.run(TRAP)
    assert "trap" in kernel.variables()
    assert kernel.run("calls").result == "[]"


# --- inspect ---


def test_a_function_is_inspected(kernel):
    kernel.run(
        "def area(width, height=2):\n    '''The area of it.'''\n    return width * height",
        label="Cell [7]",
    )
    found = kernel.inspect("x = area(3, 4)", 6)
    assert found["found"] and found["name"] == "area" and found["type"] == "function"
    assert found["signature"] == "(width, height=2)"
    assert found["docstring"] == "The area of it."
    assert "The area of it." in found["text"] and "\x1b" not in found["text"]
    assert (found["file"], found["line"]) == ("Cell [7]", 1)
    assert "return width * height" in kernel.inspect("area", detail=1)["text"]


def test_inside_the_parentheses_the_function_is_meant(kernel):
    kernel.run("def area(width): pass")
    assert kernel.inspect("area(", 5)["name"] == "area"


@pytest.mark.parametrize(
    "code, kind, words",
    [
        ("print", "builtin_function_or_method", "Prints the values"),
        ("int", "type", "Convert a number"),
        ("text", "str", "'some words'"),
        ("numbers", "list", "3 items"),
        ("frame", "DataFrame", "2 rows x 1 column"),
        ("%timeit", "method", "Time execution"),
    ],
)
def test_what_is_known_is_told(kernel, code, kind, words):
    kernel.run(
        "import pandas\ntext = 'some words'\nnumbers = [1, 2, 3]\nframe = pandas.DataFrame({'a': [1, 2]})"
    )
    found = kernel.inspect(code)
    assert found["found"] and found["type"] == kind
    assert words in found["text"]


def test_what_is_unknown_is_not_found(kernel):
    assert kernel.inspect("nobody_knows") == {
        "found": False,
        "name": "nobody_knows",
        "type": "",
        "signature": "",
        "docstring": "",
        "text": "",
    }


def test_a_huge_docstring_is_cut(kernel):
    kernel.run("def f(): pass\nf.__doc__ = 'x' * 10**7")
    found = kernel.inspect("f", detail=1)
    assert len(found["docstring"]) <= 20_000 and len(found["text"]) <= 70_000


# --- variables ---


@pytest.mark.parametrize(
    "code, kind, preview, shape",
    [
        ("5", "int", "5", None),
        ("2**100000", "int", "int of 100001 bits", None),
        ("2.5", "float", "2.5", None),
        ("True", "bool", "True", None),
        ("None", "NoneType", "None", None),
        ("'word'", "str", "'word'", None),
        ("[1, 2]", "list", "2 items", None),
        ("{'a': 1}", "dict", "1 item", None),
        ("(1,) * 10**6", "tuple", "1000000 items", None),
        (
            "pandas.DataFrame({'a': [1] * 1461, 'b': 2})",
            "DataFrame",
            "1461 rows x 2 columns",
            [1461, 2],
        ),
        ("pandas.Series([1.5, 2])", "Series", "2 values, float64", [2]),
        ("numpy.zeros((3, 4))", "ndarray", "float64 3 x 4", [3, 4]),
        ("numpy.float64(1.5)", "float64", "1.5", None),
        ("datetime.date(2024, 1, 2)", "date", "datetime.date(2024, 1, 2)", None),
        ("lambda a, b=1: a", "function", "<lambda>(a, b=1)", None),
        ("type('T', (), {})", "type", "class T", None),
        ("numpy", "module", "module numpy", None),
        ("object()", "object", "object object", None),
    ],
)
def test_a_variable_is_described(kernel, code, kind, preview, shape):
    kernel.run(f"import pandas, numpy, datetime\nvalue = {code}", label="Cell [4]")
    value = kernel.variables()["value"]
    assert (value["type"], value["preview"], value.get("shape")) == (
        kind,
        preview,
        shape,
    )
    assert value["size"] > 0
    assert (value["run"], value["cell"]) == (kernel.number, "Cell [4]")


def test_sizes_are_of_the_data(kernel):
    kernel.run(
        "import pandas, numpy\na = numpy.zeros(10**6)\nf = pandas.DataFrame({'x': a})"
    )
    found = kernel.variables()
    assert 8_000_000 <= found["a"]["size"] < 8_100_000
    assert 8_000_000 <= found["f"]["size"] < 8_100_000


def test_a_long_text_is_cut(kernel):
    kernel.run("t = 'é' * 10**7\nb = b'x' * 10**7")
    found = kernel.variables()
    assert len(found["t"]["preview"]) <= 200 and len(found["b"]["preview"]) <= 200


def test_only_the_users_names_are_listed(kernel):
    assert kernel.variables() == {}
    kernel.run("a = 1\n_b = 2\n__c = 3")
    assert list(kernel.variables()) == ["a"]


def test_each_name_knows_the_run_that_bound_it(kernel):
    kernel.run("a = 1\nb = [1]\nc = None\nd = 5", label="Cell [1]")
    kernel.run(
        "b.append(2)\nc = None\ndef f():\n    global e\n    e = object()\nf()",
        label="Cell [2]",
    )
    kernel.run("del d\nfor i in range(3): pass", label="Cell [3]")
    found = {name: v["cell"] for name, v in kernel.variables().items()}
    assert found == {
        "a": "Cell [1]",
        "b": "Cell [1]",
        "c": "Cell [2]",
        "e": "Cell [2]",
        "f": "Cell [2]",
        "i": "Cell [3]",
    }


def test_a_cell_with_more_than_256_names_knows_them_all(kernel):
    kernel.run("\n".join(f"n{i} = None" for i in range(700)), label="Cell [1]")
    kernel.run("n300 = None\nn699 = None", label="Cell [2]")
    found = kernel.variables()
    assert [n for n, v in found.items() if v["cell"] == "Cell [2]"] == ["n300", "n699"]


def test_a_failed_run_has_bound_what_it_got_to(kernel):
    kernel.run("a = 1\n1 / 0\nb = 2", label="Cell [1]")
    assert list(kernel.variables()) == ["a"]


def test_at_most_1000_variables(kernel):
    kernel.run("for i in range(3000): globals()[f'v{i:04}'] = i")
    answer = kernel.ask("variables")
    assert len(answer["variables"]) == 1000 and answer["truncated"] is True


def test_hostile_values_have_a_line(kernel):
    kernel.run(
        "class M(type):\n    def __getattribute__(cls, name): raise RuntimeError(name)\n"
        "class A(metaclass=M): pass\na = A()\n"
        "class D(dict):\n    def __len__(self): raise SystemExit\nd = D(a=1)\n"
        "class L(list):\n    @property\n    def __class__(self): raise KeyboardInterrupt\nl = L()\n"
        "import pandas\nclass F(pandas.DataFrame):\n    @property\n    def shape(self): raise ValueError\nf = F({'a': [1]})\n"
        "globals()['\\ud800'] = 1\nglobals()[''] = 2\nglobals()['n' * 10**6] = 3"
    )
    found = kernel.variables()
    assert {"a", "d", "l", "f"} <= set(found)
    assert found["d"]["preview"] == "1 item"
    assert all(len(name) <= 200 for name in found)


# --- while something runs ---


@pytest.mark.parametrize(
    "what, request_",
    [
        ("complete", {"code": "pri", "cursor": 3}),
        ("inspect", {"code": "print", "cursor": 3}),
        ("variables", {}),
    ],
)
def test_a_question_is_answered_while_python_code_runs(kernel, what, request_):
    number = kernel.start_code(BUSY.format(2) + "\nprint('undisturbed')")
    time.sleep(0.1)
    times = []
    for _ in range(10):
        started = time.monotonic()
        kernel.ask(what, timeout=1, **request_)
        times.append(time.monotonic() - started)
    assert sorted(times)[5] < 0.15
    outcome = kernel.finish(number)
    assert outcome.text == "undisturbed\n" and outcome.status == "ok"


def test_a_question_waits_while_c_code_holds_the_interpreter(kernel):
    number = kernel.start_code(HELD.format(0.6))
    time.sleep(0.1)
    kernel.send_question("variables")
    with pytest.raises(TimeoutError):
        kernel.ctl.receive(0.1)
    assert kernel.finish(number).status == "ok"


def test_questions_that_pile_up_do_not_hold_up_the_latest(kernel):
    number = kernel.start_code(HELD.format(2.5))
    time.sleep(0.1)
    old = [kernel.send_question("variables") for _ in range(100)]
    assert kernel.finish(number).status == "ok"
    fresh = kernel.send_question("variables")
    answered = []
    while not answered or answered[-1] != fresh:
        answered.append(kernel.ctl.receive(2).run)
    assert len(answered) <= 70 and set(answered) <= {*old, fresh}


def test_a_question_that_hangs_is_given_up(kernel):
    kernel.run(
        "import time\nclass A:\n    def __dir__(self):\n        while True: time.sleep(0.01)\na = A()"
    )
    kernel.send_question("complete", code="a.", cursor=2)
    time.sleep(2.2)
    assert "a" in {v["name"] for v in kernel.ask("variables", timeout=3)["variables"]}


def test_questions_do_not_disturb_a_flood_or_an_interrupt(kernel):
    number = kernel.start_code("while True: print('x' * 100)")
    time.sleep(0.2)
    assert kernel.completions("pri")
    kernel.interrupt()
    assert kernel.finish(number).status == "interrupted"


def test_a_question_prints_nothing(kernel):
    kernel.run(
        "class A:\n    def __dir__(self):\n        raise RuntimeError('loud')\na = A()"
    )
    assert kernel.completions("a.") == {}
    outcome = kernel.run("1")
    assert outcome.kinds == ["result", "done"]
