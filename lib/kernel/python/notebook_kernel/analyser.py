"""The analyser: a process that answers which names a cell reads and writes. It never runs user code."""
import os
import socket
import sys

from . import errors, names, plain, protocol, reader, source

RECURSION_MAX = 20_000  # the parser stops long before; Python frames need no C stack
CELL = "Cell"


def main(ctl_fd):
    """In the forked and confined process. Does not return."""
    sys.setrecursionlimit(RECURSION_MAX)
    ipython = reader.Reader()
    ipython.start()
    frames = protocol.FrameSocket(socket.socket(fileno=ctl_fd))
    try:
        while True:
            _, run, request = frames.read()
            frames.send(
                protocol.REPLY,
                run,
                analyse(str(request.get("code", "")), ipython.transform),
            )
    except (protocol.Closed, BrokenPipeError, ConnectionResetError):
        os._exit(0)


def analyse(code, transform):
    """The payload of the answer; every text has one."""
    try:
        found = find(code, transform)
        return {
            "reads": listed(found.reads),
            "writes": listed(found.writes),
            "error": None,
        }
    except SyntaxError as error:
        return failed(error.msg, error.lineno, errors.syntax_text(error))
    except (RecursionError, MemoryError):
        return failed(
            "the code is nested too deeply", None, "The cell is nested too deeply"
        )


def find(code, transform):
    name = errors.name_code(code, CELL)
    tree, text = source.parse(code, name, transform)
    errors.set_text(name, text)
    # Finds what the parser lets pass: return outside a function, duplicate arguments and the like.
    compile(tree, name, "exec", source.FLAGS, dont_inherit=True)
    return names.of_tree(tree)


def listed(found):
    return sorted(plain.unique(name, ()) for name in found)


def failed(message, line, text):
    error = {
        "message": plain.text_of(message),
        "line": line,
        "text": plain.text_of(text),
    }
    return {"reads": [], "writes": [], "error": error}
