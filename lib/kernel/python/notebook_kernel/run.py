"""One run: the text of a cell becomes output frames, at most one error and one done."""
import ast
import __future__
import asyncio
import functools
import inspect
import operator
import re
import sys
import time

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

from . import _nbk, errors, plain, protocol, source, streams, variables

CANCEL_S = 1.0  # how long an interrupted coroutine may take to clean up
FUTURE_FLAGS = functools.reduce(
    operator.or_,
    (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names),
)


class Runner:
    """Main thread of a kernel."""

    def __init__(self, shell, kernel_streams, interrupts, run_sql, bindings):
        self.shell = shell
        self.streams = kernel_streams
        self.interrupts = interrupts
        self.run_sql = run_sql
        self.bindings = bindings
        self.stores = frozenset()  # names that the code of the run binds
        self.loop = asyncio.new_event_loop()

    def run(self, number, request):
        """Never raises. The order matters: output, error, done."""
        streams.begin(number)
        started = time.perf_counter()
        self.prepare()
        _, error = self.interrupts.guard(self.work, request)
        self.cancel_task()
        error = self.close_run(error)
        status = self.report(error)
        self.bindings.note(number, request.get("label") or "Cell", self.stores)
        elapsed = round((time.perf_counter() - started) * 1e3, 3)
        self.interrupts.finish()
        streams.emit(protocol.DONE, plain.dump({"status": status, "ms": elapsed}))
        _nbk.flush()

    def prepare(self):
        """Puts back what an earlier run may have replaced."""
        self.shell.failure = None
        self.stores = frozenset()
        self.streams.put_back()
        self.interrupts.restore()
        sys.displayhook = self.shell.displayhook
        if self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

    def work(self, request):
        self.drop(request.get("drop") or ())
        if request.get("type") == "sql":
            self.run_sql(request)
        else:
            self.run_python(request)

    def drop(self, names):
        for name in names:
            self.shell.user_ns.pop(name, None)

    # --- Python ---

    def run_python(self, request):
        code = request["code"]
        name = errors.name_code(code, request.get("label") or "Cell")
        tree, text = source.parse(code, name, self.shell.transform_cell)
        if text.count("\n") != code.count("\n"):  # else line numbers are the user's own
            errors.set_text(name, text)
        self.shell.events.trigger("pre_execute")
        self.shell.events.trigger(
            "pre_run_cell", ExecutionInfo(code, False, False, True, None)
        )
        body, last = split(tree, text)
        self.execute(body, last, name)

    def execute(self, body, last, name):
        """Both halves are compiled before anything runs: an error in the second runs nothing."""
        module = compile(body, name, "exec", source.FLAGS, dont_inherit=True)
        value = None
        if last is not None:
            flags = source.FLAGS | (module.co_flags & FUTURE_FLAGS)
            value = compile(last, name, "eval", flags, dont_inherit=True)
        self.stores = variables.stores(module)
        if body.body:
            self.evaluate(module)
        if value is not None:
            self.shell.displayhook(self.evaluate(value))

    def evaluate(self, code):
        """Sync code runs outside the loop, so that asyncio.run() works in it (design KERNEL.md 2)."""
        result = eval(code, self.shell.user_global_ns, self.shell.user_ns)
        if code.co_flags & inspect.CO_COROUTINE:
            self.task = self.loop.create_task(result)
            return self.loop.run_until_complete(self.task)
        return result

    task = None  # of the coroutine that the run waits for

    def cancel_task(self):
        """An interrupt may strike the loop and not the task: it must not go on behind our back."""
        task, self.task = self.task, None
        if (
            task is None
            or task.done()
            or self.loop.is_running()
            or self.loop.is_closed()
        ):
            return
        task.cancel()
        self.interrupts.guard(self.wait_for, task)

    def wait_for(self, task):
        self.loop.run_until_complete(asyncio.wait([task], timeout=CANCEL_S))

    # --- the end ---

    def close_run(self, error):
        """Figures that were not shown yet. A run that failed shows them too: they say how far it got."""
        _, problem = self.interrupts.guard(self.shell.events.trigger, "post_execute")
        result = ExecutionResult(None)
        result.error_in_exec = error
        self.interrupts.guard(self.shell.events.trigger, "post_run_cell", result)
        return error or self.shell.failure or problem

    def report(self, error):
        """Sends the error; the status of the run."""
        if error is None:
            return "ok"
        interrupted = isinstance(error, KeyboardInterrupt)
        body, problem = self.interrupts.guard(errors.describe, error)
        if body is None:
            interrupted = interrupted or isinstance(problem, KeyboardInterrupt)
            name = type(problem if interrupted else error).__name__
            body = errors.body(name, "", None, name)
        streams.emit(protocol.ERROR, plain.dump(body))
        return "interrupted" if interrupted else "error"


def split(tree, text):
    """(statements, last expression or None). A docstring is dropped: it would set __doc__."""
    statements, last = tree.body, None
    if (
        statements
        and isinstance(statements[-1], ast.Expr)
        and not hides_value(statements[-1], text)
    ):
        last = ast.Expression(statements.pop().value)
    if statements and is_text(statements[0]):
        del statements[0]
    return ast.Module(statements, tree.type_ignores), last


def is_text(statement):
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def hides_value(last, text):
    """A trailing `;` hides the value. What follows the last statement holds nothing but `;` and comments."""
    lines = re.split("\r\n|\r|\n", text)[last.end_lineno - 1 :]
    lines[0] = lines[0].encode()[last.end_col_offset :].decode()
    return any(";" in line.split("#")[0] for line in lines)
