"""Running cells: output as it happens, errors as people read them, asyncio, threads, magics."""
import pytest


def test_the_value_of_the_last_expression_is_the_result(kernel):
    outcome = kernel.run("x = 20\nx + 1")
    assert outcome.kinds == ["result", "done"]
    assert (outcome.result, outcome.status) == ("21", "ok")
    assert outcome.one("done")["ms"] >= 0
    assert all(f.run == outcome.number for f in outcome.frames)


@pytest.mark.parametrize(
    "code, text",
    [
        ("'abc'", "abc"),
        ("''", ""),
        ("1.5", "1.5"),
        ("True", "True"),
        ("[1, 'a']", "[1, 'a']"),
        ("list(range(100))", str(list(range(100)))),
        ("import datetime; datetime.date(2024, 1, 2)", "2024-01-02"),
        ("object.__name__", "object"),
        ("class A:\n    def __repr__(self): return 'I am A'\nA()", "I am A"),
        ("1 +\\\n 1", "2"),
        ("1 # ; not the end", "1"),
        ("'a;'", "a;"),
        ("'a' \\\n 'b'", "ab"),
        ("1\n# a comment;\n\n", "1"),
        ("x = '''a;\nb'''; x", "a;\nb"),
        ("1\u00a0+ 1", "2"),
        ("'a\u00a0b'", "a\u00a0b"),
        ("1 + 1\r\n2 + 2\r\n", "4"),
        ("  1 + 1", "2"),
    ],
)
def test_results_as_text(kernel, code, text):
    assert kernel.run(code).data == {"text/plain": text}


@pytest.mark.parametrize(
    "code",
    [
        "None",
        "1;",
        "1; ",
        "1 ; # why",
        "x = 1",
        "",
        "   \n",
        "# only",
        "def f(): pass",
        "'a'; # 'b'",
        "1;\n# c",
    ],
)
def test_what_has_no_result(kernel, code):
    outcome = kernel.run(code)
    assert outcome.kinds == ["done"]
    assert outcome.status == "ok"


def test_a_docstring_does_not_become_the_modules(kernel):
    kernel.run("'''about'''\nx = 1")
    assert kernel.run("'__doc__' in globals() and __doc__").result in ("False", "None")


def test_output_arrives_while_the_cell_runs(kernel):
    outcome = kernel.run(
        "import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.2)"
    )
    times = [f.at for f in outcome.of("stdout")]
    assert [f.payload for f in outcome.of("stdout")] == ["0\n", "1\n", "2\n"]
    assert 0.1 < times[1] - times[0] < 1 and 0.1 < times[2] - times[1] < 1


def test_text_without_a_line_end_arrives_soon(kernel):
    outcome = kernel.run("import time\nprint('a', end='')\ntime.sleep(0.3)")
    first, done = outcome.frames
    assert first.payload == "a"
    assert done.at - first.at > 0.2


def test_streams_are_apart_and_in_order(kernel):
    outcome = kernel.run(
        "import sys\nfor i in range(3):\n    print(i)\n    print(i, file=sys.stderr)"
    )
    assert [(f.kind, f.payload) for f in outcome.frames[:-1]] == [
        (kind, f"{i}\n") for i in range(3) for kind in ("stdout", "stderr")
    ]


def test_a_flood_of_lines_is_gathered_and_complete(kernel):
    outcome = kernel.run("for i in range(100000): print(i)")
    assert outcome.text == "".join(f"{i}\n" for i in range(100000))
    assert len(outcome.of("stdout")) < 200


def test_characters_are_never_cut_in_two(kernel):
    outcome = kernel.run(
        "print('a' + '\u20ac' * 200000)"
    )  # the harness decodes each frame strictly
    assert outcome.text == "a" + "\u20ac" * 200000 + "\n"


def test_strange_text_is_repaired(kernel):
    assert kernel.run(
        r"print('\ud800', '\0', b'\xff'.decode('utf-8', 'surrogateescape'))"
    ).text == ("\\ud800 \0 \\udcff\n")


def test_what_bypasses_python_goes_to_the_pipes(kernel):
    outcome = kernel.run(
        "import os, subprocess\nos.write(1, b'a')\nsubprocess.run(['echo', 'b'])\nos.write(2, b'c');"
    )
    assert outcome.text == ""
    assert kernel.raw("stdout") == "ab\n"
    assert kernel.raw("stderr") == "c"


@pytest.mark.parametrize(
    "raw",
    [
        "sys.stdout.flush(); os.write(1, b'raw')",
        "subprocess.run(['echo', 'raw'])",
        "os.system('echo raw')",
        "ctypes.CDLL(None).puts(b'raw'); ctypes.CDLL(None).fflush(None)",
    ],
)
def test_frames_after_text_in_the_pipes_say_so(kernel, raw):
    code = f"import ctypes, os, subprocess, sys\nprint('a')\n{raw}\nprint('b')\nNone"
    outcome = kernel.run(code)
    marked = [(f.payload, f.after_raw) for f in outcome.of("stdout")]
    assert marked == [("a\n", False), ("b\n", True)]
    assert kernel.raw("stdout").startswith("raw")
    assert not any(f.after_raw for f in kernel.run("print('c')").frames)


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.stdout = None",
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import sys; del sys.stdout",
        "import asyncio; asyncio.get_event_loop().close()",
        "import asyncio; asyncio.set_event_loop(None)",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);",
        "import sys; sys.displayhook = None",
        "import builtins; builtins.print = print",
        "import os; os.environ.clear()",
        "import sys; sys.path.clear()",
        "import gc; gc.collect();",
        "import warnings; warnings.simplefilter('error')",
        "import logging; logging.disable()",
        "import asyncio, threading; threading.excepthook = None",
        "import sys; sys.modules.pop('__main__');",
        "get_ipython().reset()",
        "import locale, decimal; decimal.getcontext().prec = 1",
        "class M(type):\n    def __eq__(s, o): 1/0\n    __hash__ = None\nclass X(metaclass=M): pass",
    ],
)
def test_a_cell_cannot_spoil_the_next(kernel, code):
    kernel.run(code)
    outcome = kernel.run("import asyncio\nprint('fine')\nawait asyncio.sleep(0)\n1 + 1")
    assert (outcome.text, outcome.result, outcome.status) == ("fine\n", "2", "ok")


# --- errors ---


def test_an_error_is_one_frame_between_output_and_done(kernel):
    outcome = kernel.run("print('a')\n1 / 0\nprint('b')")
    assert outcome.kinds == ["stdout", "error", "done"]
    assert outcome.status == "error"
    assert outcome.error == {
        "ename": "ZeroDivisionError",
        "evalue": "division by zero",
        "line": 2,
        "traceback": "Traceback (most recent call last):\n"
        '  File "Cell [1]", line 2, in <module>\n'
        "    1 / 0\n    ~~^~~\nZeroDivisionError: division by zero",
    }


def test_a_traceback_names_every_cell_by_its_label_and_old_text(kernel):
    kernel.run("def f(x):\n    return 1 / x", label="Cell [3]")
    outcome = kernel.run("\nf(0)", label="Cell [4]")
    assert outcome.error["line"] == 2
    text = outcome.error["traceback"]
    assert '"Cell [4]", line 2, in <module>\n    f(0)' in text
    assert '"Cell [3]", line 2, in f\n    return 1 / x' in text
    kernel.run("g = f\ndef f(x):\n    return 'something else'", label="Cell [3]")
    assert "return 1 / x" in kernel.run("g(0)", label="Cell [4]").error["traceback"]


def test_a_traceback_shows_frames_of_its_reader_only(kernel, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import json\n\ndef load(text):\n    return json.loads(text)\n"
    )
    text = kernel.run("import mine\nmine.load('{')").error["traceback"]
    assert "mine.load('{')" in text and "return json.loads(text)" in text
    assert (
        "/usr" not in text and "IPython" not in text and "notebook_kernel" not in text
    )
    assert text.endswith("(char 1)")


@pytest.mark.parametrize(
    "code, text",
    [
        ("x = = 1", "SyntaxError on line 1: invalid syntax\nx = = 1\n    ^"),
        ("a = 1\nb = (", "SyntaxError on line 2: '(' was never closed\nb = (\n    ^"),
        ("return 1", "SyntaxError on line 1: 'return' outside function\nreturn 1\n^"),
        ("x = 1\n  y = 2", "SyntaxError on line 2: unexpected indent\n  y = 2\n ^"),
        (
            "def f(a, a): pass",
            "SyntaxError on line 1: duplicate argument 'a' in function definition",
        ),
        ("x\0y", "SyntaxError on line 1: source code cannot contain null bytes"),
        ("break", "SyntaxError on line 1: 'break' outside loop\nbreak\n^"),
    ],
)
def test_a_syntax_error_reads_as_the_contract_says_in_run_and_analysis(
    kernel, analyser, code, text
):
    outcome = kernel.run(code)
    assert outcome.status == "error"
    assert outcome.error["traceback"].startswith(text)
    analysed = analyser.analyse(code)
    assert analysed["error"]["text"] == outcome.error["traceback"]
    assert analysed["error"]["line"] == outcome.error["line"]
    assert (analysed["reads"], analysed["writes"]) == ([], [])


def test_nothing_runs_of_a_cell_with_a_syntax_error(kernel):
    assert kernel.run("x = 1\nprint(x)\nreturn x").kinds == ["error", "done"]


def test_a_syntax_error_at_run_time_is_an_ordinary_error(kernel):
    text = kernel.run("eval('1 +')").error["traceback"]
    assert text.startswith("Traceback") and "SyntaxError" in text


@pytest.mark.parametrize(
    "code, ename, text",
    [
        ("raise ValueError('a') from KeyError('b')", "ValueError", "direct cause"),
        ("try:\n    1 / 0\nfinally:\n    x", "NameError", "During handling"),
        (
            "raise ExceptionGroup('g', [ValueError(1), KeyError(2)])",
            "ExceptionGroup",
            "KeyError: 2",
        ),
        ("def f(): f()\nf()", "RecursionError", "maximum recursion depth"),
        ("import sys; sys.exit(3)", "SystemExit", "SystemExit: 3"),
        ("exit()", "SystemExit", "SystemExit"),
        ("raise SystemExit", "SystemExit", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
        (
            "class E(Exception):\n    def __str__(self): 1 / 0\nraise E",
            "E",
            "E: <exception str() failed>",
        ),
        ("raise Exception('x' * 10**7)", "Exception", "characters left out"),
        ("%nonsense", "UsageError", "Line magic function `%nonsense` not found"),
        (
            "import asyncio\nawait asyncio.sleep(0)\n1 / 0",
            "ZeroDivisionError",
            '"Cell [1]", line 3',
        ),
        (
            "class A:\n    def __repr__(self): 1 / 0\nA()",
            "ZeroDivisionError",
            "line 2, in __repr__",
        ),
        ("raise Exception('\\ud800')", "Exception", "?"),
        (
            "class A(type):\n    pass\nraise type('X', (Exception,), {'__module__': 3})",
            "X",
            "X",
        ),
        ("%%time\n1 / 0", "ZeroDivisionError", "ZeroDivisionError: division by zero"),
        (
            "import asyncio\nraise asyncio.CancelledError",
            "CancelledError",
            "CancelledError",
        ),
        ("raise GeneratorExit", "GeneratorExit", "GeneratorExit"),
        ("int('x' * 5000)", "ValueError", "invalid literal"),
        ("10 ** 5000", "ValueError", "4300"),
        ("from nowhere import x", "ModuleNotFoundError", "No module named 'nowhere'"),
    ],
)
def test_errors_of_all_kinds(kernel, code, ename, text):
    outcome = kernel.run(code)
    assert outcome.error["ename"] == ename
    assert text in outcome.error["traceback"]
    assert len(outcome.error["traceback"]) < 210_000
    assert outcome.status == (
        "interrupted" if ename == "KeyboardInterrupt" else "error"
    )
    assert kernel.run("1").result == "1"


def test_a_warning_names_its_cell(kernel):
    assert kernel.run(
        "import warnings\nwarnings.warn('old')", label="Cell [7]"
    ).error_text == ("Cell [7]:2: UserWarning: old\n")


# --- names ---


def test_dropped_names_are_gone_before_the_run(kernel):
    kernel.run("a = b = 1")
    assert (
        kernel.run("'a' in globals(), 'b' in globals()", drop=["a", "missing"]).result
        == "(False, True)"
    )


def test_names_can_be_dropped_between_runs(kernel):
    kernel.run("class D:\n    def __del__(self): print('freed')\nd = D()")
    kernel.ctl.send(34, 0, {"names": ["d"]})
    assert kernel.run("'d' in globals()").result == "False"


def test_values_are_not_kept_behind_the_users_back(kernel):
    kernel.run(
        "import weakref, gc\nclass A: pass\ndef make():\n    a = A()\n    return weakref.ref(a), a"
    )
    assert kernel.run("r, a = make()\na").of("result") != []
    assert kernel.run("del a\ngc.collect()\nr()").kinds == ["done"]


# --- asyncio and threads ---


def test_await_and_asyncio_run_both_work(kernel):
    assert (
        kernel.run(
            "import asyncio\nasync def f(): await asyncio.sleep(0.01); return 5\nawait f()"
        ).result
        == "5"
    )
    assert kernel.run("asyncio.run(f())").result == "5"
    assert kernel.run("await f() + 1").result == "6"
    assert (
        kernel.run(
            "[x async for x in g()]"
            if False
            else "async with asyncio.Lock() as l: pass"
        ).status
        == "ok"
    )


def test_a_task_that_prints_later_belongs_to_its_own_cell(kernel):
    first = kernel.run(
        "import asyncio\nasync def later():\n    await asyncio.sleep(0.1)\n    print('late')\n"
        "task = asyncio.ensure_future(later())\nawait asyncio.sleep(0)"
    )
    frame = kernel.out.receive()  # while nothing runs
    assert (frame.kind, frame.run, frame.payload) == ("stdout", first.number, "late\n")
    assert kernel.run("task.done()").result == "True"


def test_a_task_goes_on_while_idle_and_a_run_still_starts_at_once(kernel):
    kernel.run(
        "import asyncio\nn = 0\nasync def tick():\n    global n\n    while True:\n"
        "        n += 1\n        await asyncio.sleep(0.001)\nt = asyncio.ensure_future(tick())\nawait asyncio.sleep(0)"
    )
    before = int(kernel.run("n").result)
    import time

    time.sleep(0.2)
    started = time.monotonic()
    assert int(kernel.run("n").result) > before + 20
    assert time.monotonic() - started < 0.5


def test_a_thread_that_prints_later_belongs_to_its_own_cell(kernel):
    first = kernel.run(
        "import threading, time\ndef work():\n    time.sleep(0.2)\n    print('late')\nthreading.Thread(target=work).start()"
    )
    second = kernel.run("import time; time.sleep(0.4); print('now')")
    assert [(f.run, f.payload) for f in second.of("stdout")] == [
        (first.number, "late\n"),
        (second.number, "now\n"),
    ]


def test_many_threads_print_whole_writes(kernel):
    outcome = kernel.run(
        "import threading, sys\n"
        "def work(n):\n    for i in range(2000): sys.stdout.write(f'{n}:{i}\\n')\n"
        "ts = [threading.Thread(target=work, args=(n,)) for n in range(8)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts];"
    )
    lines = outcome.text.split("\n")[:-1]
    assert len(lines) == 16000 and len(set(lines)) == 16000


def test_an_error_in_a_thread_is_told_on_stderr(kernel):
    outcome = kernel.run(
        "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='worker')\nt.start(); t.join()"
    )
    assert outcome.status == "ok"
    assert outcome.error_text.startswith("Exception in thread worker:\nTraceback")
    assert "/usr" not in outcome.error_text


def test_processes_of_user_code_work(kernel):
    outcome = kernel.run(
        "import multiprocessing as m\ndef sq(x): return x * x\nwith m.get_context('fork').Pool(2) as p: r = p.map(sq, range(5))\nr"
    )
    assert outcome.result == "[0, 1, 4, 9, 16]"


def test_a_fork_prints_through_the_pipe_and_leaves_the_frames_alone(kernel):
    outcome = kernel.run(
        "import os, sys\nprint('parent')\npid = os.fork()\nif pid == 0:\n"
        "    print('child'); display(1); sys.stderr.write('oops')\n    sys.stderr.flush(); os._exit(0)\nos.waitpid(pid, 0);"
    )
    assert outcome.text == "parent\n"
    assert outcome.of("display") == []
    assert kernel.raw("stdout") == "child\n"
    assert kernel.raw("stderr") == "oops"


def test_a_fork_cannot_ask_for_input(kernel):
    kernel.run(
        "import os\npid = os.fork()\nif pid == 0:\n    try:\n        input()\n    except EOFError:\n        os._exit(9)\n"
        "    os._exit(1)\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
    ).result == "9"


# --- magics ---


@pytest.mark.parametrize(
    "code, text",
    [
        ("%time x = 5\nx", "5"),
        ("y = 2\n%timeit -n1 -r1 y\ny", "2"),
        ("x = !echo a b\nx[0]", "a b"),
        ("%%capture out\nprint('z')\n", None),
        ("%pwd", "cwd"),
        ("a = %pwd\na", "cwd"),
        ("%config InlineBackend.figure_format = 'png'", None),
        ("%matplotlib inline", None),
    ],
)
def test_magics(kernel, code, text):
    outcome = kernel.run(code)
    assert outcome.status == "ok", outcome.error
    if text is not None:
        assert outcome.result == (kernel.cwd if text == "cwd" else text)


def test_commands_print_and_set_their_exit_code(kernel):
    kernel.run("x = 'hey'")
    assert kernel.run("!echo {x} $x; exit 3").status == "ok"
    assert kernel.raw("stdout") == "hey hey\n"
    assert kernel.run("_exit_code").result == "3"


def test_a_bash_cell(kernel):
    assert kernel.run("%%bash\necho from bash").text == "from bash\n"


def test_too_many_magic_lines_are_an_error_not_a_hang(kernel, analyser):
    code = "%time 1\n" * 400
    assert "magic lines" in kernel.run(code, timeout=5).error["evalue"]
    assert "magic lines" in analyser.analyse(code, timeout=5)["error"]["message"]


def test_an_unhandled_frame_is_answered_and_ping_works_while_a_cell_runs(kernel):
    number = kernel.start_code(
        "t = __import__('time').time()\nwhile __import__('time').time() < t + 0.3: pass"
    )
    kernel.ctl.send(35, 77, {})
    assert kernel.ctl.receive(0.25)[:3] == (48, 77, {})
    kernel.ctl.send(99, 78, {})
    assert "error" in kernel.ctl.receive().payload
    assert kernel.finish(number).status == "ok"


def test_a_malformed_payload_is_answered(kernel):
    kernel.ctl.send(34, 5, [1])
    assert "malformed" in kernel.ctl.receive().payload["error"]
    assert kernel.run("1").result == "1"


def test_an_error_below_a_cell_magic_shows_its_line(kernel):
    text = kernel.run("%%capture\nx = 1\n1 / 0").error["traceback"]
    assert text.endswith("ZeroDivisionError: division by zero") and "1 / 0" in text
    assert "/usr" not in text
