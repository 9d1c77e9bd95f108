"""Which names a cell reads and writes: the rules of the design (REACTIVE.md B.1), one construct each."""
import random
import time

import pytest

from harness import Analyser

# code, names read, names written
CONSTRUCTS = [
    # order at the top of the cell
    ("x = 1\ny = x + a", "a", "x y"),
    ("x = x + 1", "x", "x"),
    ("x += 1", "x", "x"),
    ("print(x)\nx = 1", "x", "x"),
    ("x = 1\nx += 1", "", "x"),
    ("x = y = z", "z", "x y"),
    ("a, (b, *c) = d", "d", "a b c"),
    ("if c: x = 1\nprint(x)", "c", "x"),
    ("x = 5 if y else 6", "y", "x"),
    ("while n: n = m", "m n", "n"),
    ("[a, b][i] = v", "a b i v", ""),
    # attributes and items are reads
    ("o.a = v", "o v", ""),
    ("d[k] = v", "d k v", ""),
    ("d[k] += v", "d k v", ""),
    ("xs.append(1)", "xs", ""),
    ("df['a'] = df.b", "df", ""),
    # annotations
    ("x: T", "T", ""),
    ("x: T = 1", "T", "x"),
    ("o.a: T = v", "T o v", ""),
    ("from __future__ import annotations\ndef f(a: T): pass", "T", "annotations f"),
    ("def f():\n  x: T = 1", "", "f"),
    ("def f(x: x) -> y: pass", "x y", "f"),
    # functions
    ("def f(a, b=c): return a + z", "c z", "f"),
    ("def f(): return x\nx = 1", "", "f x"),
    ("def f():\n  print(x)\n  x = 1", "", "f"),
    ("def r(n): return r(n - 1)", "", "r"),
    ("@deco\ndef f(): pass", "deco", "f"),
    ("@f\ndef f(): pass", "f", "f"),
    ("def f(x=x): pass", "x", "f"),
    ("def f(*a, k=d, **kw): return a, k, kw", "d", "f"),
    ("async def f():\n  await g()\n  async for x in y: z", "g y z", "f"),
    ("def f():\n  def g(): return h + i\n  i = 1\n  return g", "h", "f"),
    ("def f():\n  x = 1\n  def g():\n    nonlocal x\n    x = 2", "", "f"),
    ("def f():\n  global g\n  g = 1", "", "f g"),
    ("def f():\n  global n\n  n += 1", "n", "f n"),
    ("n = 0\ndef f():\n  global n\n  n += 1", "", "f n"),
    ("def f():\n  global g\n  def g(): pass", "", "f g"),
    ("def f():\n  global g\n  def h(): return g", "g", "f"),
    ("def f():\n  import m\n  return m", "", "f"),
    (
        "def f():\n  for i in r: pass\n  with o as p: q = 1\n  return i, p, q",
        "o r",
        "f",
    ),
    ("def f():\n  try: pass\n  except E as e: e\n  return e", "E", "f"),
    ("def f():\n  del x", "", "f"),
    ("def f():\n  global x\n  del x", "x", "f"),
    ("def f(): yield from g", "g", "f"),
    ("def f():\n  [(w := i) for i in r]\n  return w", "r", "f"),
    ("f = lambda x: x + o", "o", "f"),
    ("f = lambda x=y: x", "y", "f"),
    ("f = lambda: (w := 1)", "", "f"),
    ("sorted(xs, key=lambda r: (r.a, k))", "k xs", ""),
    # classes
    ("class A(B, metaclass=M): pass", "B M", "A"),
    ("class A(A): pass", "A", "A"),
    ("class A:\n  me = A", "A", "A"),
    ("class A:\n  u = 1\n  v = u + w", "w", "A"),
    ("class A:\n  u = 1\n  def m(self): return u", "u", "A"),
    ("class A:\n  n = 3\n  xs = [n for _ in range(n)]", "n", "A"),
    ("class A:\n  xs = [y for y in zs]", "zs", "A"),
    ("class A:\n  def __m(self): return self.__n + __g\n  x = __m", "_A__g", "A"),
    ("class _A:\n  def m(self): return __x", "_A__x", "_A"),
    ("class A:\n  global g\n  g = 1", "", "A g"),
    ("class A:\n  def m(self): return super().m() + __class__.x", "", "A"),
    ("def f():\n  x = 1\n  class A:\n    y = x + z", "z", "f"),
    ("class A:\n  x: T = d\n  @dec\n  def m(self, a=x): pass", "T d dec", "A"),
    ("class A:\n  x = x", "x", "A"),
    # comprehensions
    ("[i * k for i in r]", "k r", ""),
    ("y = [x for _ in z]; x = 2", "x z", "x y"),
    ("{k: v for k, v in d.items() if k in allow}", "allow d", ""),
    ("[x for x in x]", "x", ""),
    ("[[j for j in i] for i in r]", "r", ""),
    ("[j for i in r for j in i]", "r", ""),
    ("g = (v for v in data if v > low)", "data low", "g"),
    ("[(last := v) for v in vs]", "vs", "last"),
    ("[[(deep := w) for w in v] for v in vs]", "vs", "deep"),
    ("(y := g) + y", "g", "y"),
    ("def f(a=(w := 1)): pass", "", "f w"),
    ("print(f'{(q := p)}')", "p", "q"),
    ("def f():\n  global g\n  [(g := i) for i in r]", "r", "f g"),
    # statements that bind
    ("for i in n: s = i", "n", "i s"),
    ("for x in x: pass", "x", "x"),
    ("for o.a in n: pass", "n o", ""),
    ("with open(f) as h: pass", "f", "h"),
    ("with a as b, b as c: pass", "a", "b c"),
    ("async with s as t: pass", "s", "t"),
    ("async for i in s: pass", "s", "i"),
    ("await fetch(url)", "fetch url", ""),
    ("[x async for x in s]", "s", ""),
    ("try: pass\nexcept E as e: print(e)", "E", ""),
    ("try: pass\nexcept E as e: print(e)\nprint(e)", "E e", ""),
    ("e = 1\ntry: pass\nexcept E as e: pass", "E", "e"),
    ("try: pass\nexcept E as e:\n  e = 1\n  x = e", "E", "x"),
    ("try:\n  a = 1\nexcept (E, F):\n  a = b\nelse: c\nfinally: d", "E F b c d", "a"),
    ("try: pass\nexcept* E as g: g", "E", ""),
    (
        "match p:\n  case {'a': aa, **rest}: pass\n  case [b, *c]: pass",
        "p",
        "aa b c rest",
    ),
    (
        "match p:\n  case K.x: pass\n  case P(x=q) | P(y=q) if g: pass\n  case _: pass",
        "K P g p",
        "q",
    ),
    ("match p:\n  case (1 | 2) as n: n", "p", "n"),
    ("import a.b.c as d, e.f\nfrom m import p as q, r", "", "d e q r"),
    ("from . import x", "", "x"),
    ("from m import *", "", ""),
    ("global z\nz = 1", "", "z"),
    ("assert a, b", "a b", ""),
    ("raise E from c", "E c", ""),
    # deleting
    ("x = 1; del x", "", ""),
    ("x = 1; del x; x", "x", ""),
    ("x = 1; del x; x = 2", "", "x"),
    ("x = 1\nif c: del x", "c", "x"),
    ("del zz", "zz", ""),
    ("del o.a, d[k]", "d k o", ""),
    # names
    ("_x = _y", "_y", "_x"),
    ("print(len(__name__), __file__)", "", ""),
    ("list = [max]", "", "list"),
    ("display(x); get_ipython()", "x", ""),
    ("\ufb01 = \u212b", "\u00c5", "fi"),
    ("caf\u00e9 = 1", "", "caf\u00e9"),
    ("'''text'''", "", ""),
    ("f'{name!r:>{width}} {x=}'", "name width x", ""),
    ("'{x}'.format(x=y)", "y", ""),
    ("exec('z = 1'); eval('q')", "", ""),
    ("x\u00a0=\u00a0y", "y", "x"),
    ("x = 1\r\ny = x\r\n", "", "x y"),
    ("  x = y", "y", "x"),
    ("", "", ""),
    ("# only a comment", "", ""),
    ("print(a, *b, **c)", "a b c", ""),
    ("a[b:c:d]", "a b c d", ""),
    ("a if b else c", "a b c", ""),
    ("not a and b or c < d", "a b c d", ""),
    # magics
    ("%time x = slow(y)", "slow y", "x"),
    ("%%time\nx = a + b", "a b", "x"),
    ("%timeit -n 10 f(z)", "f z", ""),
    ("%timeit t = f(z)", "f z", ""),
    ("%%timeit s = init()\ng(s)", "g init", ""),
    ("%%capture out\nprint(q)", "q", "out"),
    ("%prun -l 5 go(w)", "go w", ""),
    ("!echo {var} $other $$x {a.b} {{c}}", "a other var", ""),
    ("out = !ls {d}", "d", "out"),
    ("x = %pwd", "", "x"),
    ("%cd {folder}", "folder", ""),
    ("%%bash\necho $HOME {x}", "", ""),
    ("?len", "", ""),
    ("thing?", "thing", ""),
    ("%matplotlib inline\nplt.plot(q)", "plt q", ""),
    ("if c:\n    !echo {x}\n    y = 1", "c x", "y"),
]


@pytest.mark.parametrize("code, reads, writes", CONSTRUCTS)
def test_names(analyser, code, reads, writes):
    assert analyser.analyse(code) == {
        "reads": reads.split(),
        "writes": writes.split(),
        "error": None,
    }


def test_there_are_enough_constructs():
    assert len({code for code, _, _ in CONSTRUCTS}) == len(CONSTRUCTS) >= 80


ERRORS = [
    ("x = = 1", 1, "invalid syntax"),
    ("x = (\n", 1, "was never closed"),
    ("return 1", 1, "outside function"),
    ("yield 1", 1, "outside function"),
    ("x\nbreak", 2, "outside loop"),
    ("nonlocal x", 1, "nonlocal declaration not allowed at module level"),
    ("def f(a, a): pass", 1, "duplicate argument"),
    ("def f():\n  x = 1\n  global x", 3, "before global declaration"),
    ("def f(): await x", 1, "outside async function"),
    ("__debug__ = 1", 1, "cannot assign to __debug__"),
    ("[x for x in (y := z)]", 1, "cannot be used in a comprehension iterable"),
    ("a\0b", 1, "null bytes"),
    ("x = 'abc", 1, "unterminated string"),
    ("if x:\npass", 2, "expected an indented block"),
    ("\t1\n        2", 2, ""),
    ("x = 08", 1, "leading zeros"),
    ("print 1", 1, "Missing parentheses"),
    ("\ud800 = 1", None, ""),
    ("'" + "\ud800'", None, ""),
    ("(" * 300, 1, "too many nested parentheses"),
    ("!x\n%y\n" * 100, 1, "magic lines"),
]


@pytest.mark.parametrize("code, line, message", ERRORS)
def test_errors(analyser, code, line, message):
    answer = analyser.analyse(code)
    assert (answer["reads"], answer["writes"]) == ([], [])
    assert message in answer["error"]["message"]
    assert line is None or answer["error"]["line"] == line
    assert answer["error"]["text"].startswith(
        f"SyntaxError on line {answer['error']['line']}: "
    )


def test_the_text_of_an_error_has_the_line_and_a_caret(analyser):
    text = analyser.analyse("a = 1\nfor i in range(3) print(i)")["error"]["text"]
    assert text.split("\n")[1:] == ["for i in range(3) print(i)", " " * 18 + "^"]


PATHOLOGICAL = {
    "brackets": "[" * 100_000,
    "closed brackets": "[" * 150 + "]" * 150,
    "big integer": "1" * 250_000,
    "sum": "+".join(["a"] * 100_000),
    "not": "not " * 60_000 + "a",
    "attributes": "a" + ".b" * 100_000,
    "calls": "a" + "()" * 100_000,
    "names": "\n".join(f"n{i} = {i}" for i in range(15_000)),
    "semicolons": ";" * 250_000,
    "statements": "a;" * 120_000,
    "elif": "if a: pass\n" + "elif b: pass\n" * 15_000,
    "indentation": "\n".join(" " * i + "if a:" for i in range(99)) + " pass",
    "too much indentation": "\n".join(" " * i + "if a:" for i in range(500)) + " pass",
    "lambdas": "lambda: " * 30_000 + "a",
    "f-strings": 'f"{' * 3 + "a" + '}"' * 3,
    "walrus": "(" * 100 + "a" + " := 1)" * 100,
    "quotes": '"' * 200_001,
    "backslashes": "\\\n" * 100_000,
    "decorators": "@a\n" * 60_000 + "def f(): pass",
    "comprehensions": "[" * 80 + "a" + " for a in b]" * 80,
    "functions": "".join("  " * i + f"def f{i}():\n" for i in range(90))
    + "  " * 90
    + "a",
    "dict": "{" + "a: b," * 40_000 + "}",
    "exclamation": "!" * 100_000,
    "percent": "%" * 100_000,
    "questions": "?" * 100_000,
    "braces in a command": "!echo " + "{" * 50_000,
    "random": "".join(
        random.Random(1).choices(
            "()[]{}:=,.+-*/%!?'\"\\\n\t abcdefx=1 lambda", k=100_000
        )
    ),
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_hostile_text_is_answered_and_the_process_lives(launcher, analyser, name):
    started = time.monotonic()
    answer = analyser.analyse(PATHOLOGICAL[name], timeout=20)
    assert set(answer) == {"reads", "writes", "error"}
    assert time.monotonic() - started < 8
    assert analyser.analyse("x = y")["reads"] == ["y"]


def test_random_text_is_answered(analyser):
    generator = random.Random(7)
    words = "def class x y ( ) [ ] { } : = , . + ' \" \n \t ; % ! ? lambda for in if else await := * ** @ \\ f' # e1 0x".split(
        " "
    )
    for _ in range(500):
        answer = analyser.analyse(
            " ".join(generator.choices(words, k=generator.randint(1, 40)))
        )
        assert set(answer) == {"reads", "writes", "error"}


def test_a_text_that_is_too_long_is_refused(analyser):
    assert "256 KB" in analyser.analyse("#" * (256 * 1024 + 1))["error"]["message"]
    assert analyser.analyse("#" * (256 * 1024))["error"] is None


def test_a_long_cell_takes_a_moment_only(analyser):
    ten = (
        "import pandas as pd\ndf = pd.read_csv(path)\nx = df['a'].mean()\ndef f(v):\n    return v * x + offset\n"
        "r = [f(i) for i in range(n)]\nfor q in r:\n    print(q)\nresult = {k: v for k, v in zip(names, r)}\nresult\n"
    )
    started = time.monotonic()
    answer = analyser.analyse(ten * 100)
    assert time.monotonic() - started < 0.2
    assert answer["reads"] == ["n", "names", "offset", "path"]


def test_it_runs_nothing(analyser, tmp_path):
    for code in (
        f"open({str(tmp_path / 'a')!r}, 'w')",
        f"!touch {tmp_path / 'b'}",
        f"%cd {tmp_path}",
        "%%bash\nexit 1",
        "exit",
    ):
        analyser.analyse(code)
    assert list(tmp_path.iterdir()) == []


def test_it_has_limits_of_its_own(analyser):
    with open(f"/proc/{analyser.pid}/limits", encoding="ascii") as listed:
        limits = {line[:26].strip(): line[26:].split()[0] for line in listed}
    assert int(limits["Max address space"]) < 4 << 30
    assert limits["Max file size"] == "0"


def test_a_second_analyser_can_be_started_and_ends_with_its_socket(launcher):
    second = Analyser(launcher)
    assert second.analyse("a")["reads"] == ["a"]
    assert second.close()["status"] == 0
