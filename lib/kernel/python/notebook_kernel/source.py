"""The text of a cell as a syntax tree, magics included. The analyser and the kernel share this file, so
that what is analysed is what runs.

Python first: IPython's transformation costs 1.9 ms per 100 lines and is tried only on what is not
Python. It is worse than quadratic in the number of magic lines, which is why that is limited.
"""
import ast
import re

BYTES_MAX = 256 * 1024
MAGIC_LINES_MAX = 50
NO_BREAK_SPACE = "\u00a0"
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
MAGIC_LINE = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]", re.MULTILINE)
ESCAPES = re.compile(r"^\s*[%!?,;/]+|\?\s*$|=\s*[%!]", re.MULTILINE)
WORK_MAX = 2_000_000  # characters times escapes: each makes IPython look at the whole text again


def parse(code, name, transform):
    """(tree, text that it was parsed from). `transform` is the shell's. Raises SyntaxError only."""
    refuse(code, name)
    try:
        return first_reading(code, name, transform)
    except (RecursionError, MemoryError):
        raise syntax_error("the code is nested too deeply", name, 1) from None
    except (ValueError, OverflowError) as error:  # lone surrogates, huge literals
        raise syntax_error(str(error), name, 1) from None


def first_reading(code, name, transform):
    try:
        return tree_of(code, name), code
    except SyntaxError as error:
        problem = error
    for other in alternatives(code, name, transform):
        try:
            return tree_of(other, name), other
        except SyntaxError as error:
            problem = error
    raise problem


def refuse(code, name):
    """What must not reach the parser."""
    if len(code.encode("utf-8", "replace")) > BYTES_MAX:
        raise syntax_error(f"the cell is longer than {BYTES_MAX // 1024} KB", name, 1)
    if "\0" in code:
        line = code.count("\n", 0, code.index("\0")) + 1
        raise syntax_error("source code cannot contain null bytes", name, line)


def syntax_error(message, name, line):
    return SyntaxError(message, (name, line, None, None))


def tree_of(code, name):
    return compile(code, name, "exec", FLAGS | ast.PyCF_ONLY_AST, dont_inherit=True)


def alternatives(code, name, transform):
    """Other readings of text that is not Python, each only if it differs."""
    if NO_BREAK_SPACE in code:
        code = code.replace(NO_BREAK_SPACE, " ")
        yield code
    if len(MAGIC_LINE.findall(code)) > MAGIC_LINES_MAX:
        raise syntax_error(
            f"more than {MAGIC_LINES_MAX} magic lines in one cell", name, 1
        )
    escapes = sum(len(found.strip()) for found in ESCAPES.findall(code))
    if escapes > 2 * MAGIC_LINES_MAX or len(code) * escapes > WORK_MAX:
        return
    try:
        transformed = transform(code)
    except Exception:  # the transformer trips over some texts; they are not magics then
        return
    if transformed.rstrip("\n") != code.rstrip("\n"):
        yield transformed
