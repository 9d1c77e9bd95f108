"""The launcher: forks, reports, signals, and leaves nothing behind."""
import os
import signal
import socket
import time

import pytest

from harness import LIMITS, Analyser, Kernel, Launcher, exists, wait_gone


def test_it_says_when_it_is_warm(launcher):
    assert launcher.ready["python"].startswith("3.")
    assert launcher.ready["ms"] > 0


def test_spawns_sent_before_it_is_warm_are_served(tmp_path):
    launcher = Launcher()
    kernel = Kernel(launcher, tmp_path)
    kernel.wait_ready()
    assert kernel.run("6 * 7").result == "42"
    kernel.close()
    launcher.close()


def test_the_analyser_answers_long_before_the_libraries_are_imported(tmp_path):
    started = time.monotonic()
    launcher = Launcher()
    kernel = Kernel(launcher, tmp_path)  # waits, and does not hold it up
    analyser = Analyser(launcher)
    assert analyser.analyse("y = x + 1") == {
        "reads": ["x"],
        "writes": ["y"],
        "error": None,
    }
    elapsed = time.monotonic() - started
    assert analyser.analyse("%time z = f(y)")["reads"] == ["f", "y"]
    assert launcher.ready is None
    launcher.wait_ready()
    assert elapsed < 0.5 and time.monotonic() - started > 2 * elapsed
    kernel.wait_ready()
    assert kernel.run("6 * 7").result == "42"
    kernel.close()
    assert analyser.analyse("len = 1")["writes"] == ["len"]
    analyser.close()
    launcher.close()


def test_a_server_that_goes_while_libraries_are_imported_leaves_nothing(tmp_path):
    launcher = Launcher()
    analyser = Analyser(launcher)
    launcher.close()
    assert wait_gone([analyser.pid, launcher.process.pid], 5) == []


def test_ready_is_the_first_frame_and_names_the_process(kernel):
    assert kernel.ready.run == 0
    assert kernel.ready.payload["pid"] == kernel.pid


@pytest.mark.parametrize(
    "code, status",
    [
        ("import os; os._exit(3)", lambda s: os.WEXITSTATUS(s) == 3),
        (
            "import ctypes; ctypes.string_at(0)",
            lambda s: os.WTERMSIG(s) == signal.SIGSEGV,
        ),
        ("import os; os.abort()", lambda s: os.WTERMSIG(s) == signal.SIGABRT),
        (
            "import os; os.kill(os.getpid(), 9)",
            lambda s: os.WTERMSIG(s) == signal.SIGKILL,
        ),
        (
            "import os; os.kill(os.getpid(), 15)",
            lambda s: os.WTERMSIG(s) == signal.SIGTERM,
        ),
        (
            "import os; os.execv('/bin/false', ['false'])",
            lambda s: os.WEXITSTATUS(s) == 1,
        ),
    ],
)
def test_a_death_is_reported_and_what_was_printed_before_it_is_kept(
    kernel, code, status
):
    started = time.monotonic()
    number = kernel.start_code(
        "print('before', end='')\nimport time; time.sleep(0.02)\n" + code
    )
    exited = kernel.exited(timeout=5)
    assert time.monotonic() - started < 1
    assert exited["pid"] == kernel.pid
    assert status(exited["status"])
    assert exited["peak_kb"] > 10_000
    frame = kernel.out.receive()
    assert (frame.kind, frame.run, frame.payload) == ("stdout", number, "before")
    with pytest.raises(EOFError):
        kernel.out.receive()


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "import ctypes; ctypes.string_at(0)",
        "import os; os.abort()",
    ],
)
def test_even_what_was_printed_at_the_last_moment_is_kept(kernel, code):
    kernel.start_code(f"print('a'); print('b', end='')\n{code}")
    kernel.exited(timeout=5)
    text = ""
    with pytest.raises(EOFError):
        while True:
            text += kernel.out.receive().payload
    assert text == "a\nb"


def test_a_stack_overflow_in_c_keeps_the_output(kernel):
    kernel.start_code(
        "print('deep', end='')\nimport ctypes\n"
        "f = ctypes.CFUNCTYPE(None)(lambda: f())\n"
        "import sys; sys.setrecursionlimit(10**9)\nf()"
    )
    assert os.WTERMSIG(kernel.exited(timeout=20)["status"]) == signal.SIGSEGV
    assert kernel.out.receive().payload == "deep"


def test_a_signal_goes_only_to_its_own_processes(launcher, kernel):
    launcher.signal(os.getpid(), signal.SIGUSR1, group=False)  # would end this process
    launcher.signal(1, signal.SIGKILL)
    launcher.signal(launcher.process.pid, signal.SIGKILL, group=False)
    assert kernel.run("1").result == "1"


def test_a_signal_for_a_process_that_is_gone_does_nothing(launcher, kernel):
    launcher.signal(kernel.pid, signal.SIGKILL)
    kernel.exited()
    launcher.signal(kernel.pid, signal.SIGKILL)
    assert launcher.process.poll() is None


@pytest.mark.parametrize(
    "message",
    [
        b"{",
        b"[]",
        b"null",
        b'{"op": "dance"}',
        b'{"op": "signal", "pid": "x", "signal": 9, "group": true}',
        b'{"op": "spawn"}',
        b"\xff\xfe",
    ],
)
def test_a_message_it_cannot_read_is_ignored(launcher, kernel, message):
    launcher.socket.send(message)
    assert kernel.run("2").result == "2"


def test_a_spawn_without_its_descriptors_fails(launcher):
    number = launcher.spawn({"kind": "kernel", "cwd": "/", "limits": LIMITS}, [])
    assert "descriptors" in launcher.event(number, ("failed",))["error"]
    number = launcher.spawn({"kind": "toaster"}, [])
    assert "toaster" in launcher.event(number, ("failed",))["error"]


def test_a_kernel_without_its_folder_exits_at_once(launcher, tmp_path):
    kernel = Kernel(launcher, tmp_path / "missing")
    assert os.WEXITSTATUS(kernel.exited()["status"]) == 71
    assert "missing" in kernel.raw("stderr")


def test_no_descriptors_leak_in_the_launcher(launcher, tmp_path):
    folder = f"/proc/{launcher.process.pid}/fd"
    before = len(os.listdir(folder))
    for _ in range(5):
        Kernel(launcher, tmp_path).wait_ready().close()
    launcher.socket.send(b"{")
    number = launcher.spawn({"kind": "kernel", "cwd": "/", "limits": LIMITS}, [0, 1])
    launcher.event(number, ("failed",))
    Kernel(launcher, tmp_path).wait_ready().close()
    assert len(os.listdir(folder)) == before


def test_a_kernel_holds_only_its_own_descriptors(kernel):
    kernel.run(
        "import os\nlinks = lambda: {int(f): os.readlink(f'/proc/self/fd/{f}') for f in fds}"
    )
    found = kernel.run(
        "fds = [f for f in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{f}')]\nlinks()"
    )
    fds = eval(found.result)
    assert fds.keys() & {0, 1, 2, 100, 101} == {0, 1, 2, 100, 101}
    others = {fd: name for fd, name in fds.items() if fd not in (0, 1, 2, 100, 101)}
    assert all(
        n.startswith(("/dev/null", "anon_inode:[eventpoll]", "socket:"))
        for n in others.values()
    )
    assert len(others) <= 5  # /dev/null as stdin, and the event loop's own


def test_a_kernel_lives_in_its_folder_with_its_limits(kernel):
    code = """
    import os, resource, tempfile
    r = resource.getrlimit
    [os.getcwd(), os.environ['HOME'], tempfile.gettempdir(), r(resource.RLIMIT_DATA)[1],
     r(resource.RLIMIT_NOFILE)[1], r(resource.RLIMIT_FSIZE)[1], r(resource.RLIMIT_CORE)[1],
     os.getsid(0) == os.getpid(), open('/proc/self/oom_score_adj').read().strip(),
     [l.split()[1] for l in open('/proc/self/status') if l.startswith('NoNewPrivs')][0]]
    """
    cwd = kernel.cwd
    expected = [
        cwd,
        cwd,
        cwd,
        LIMITS["data_bytes"],
        512,
        LIMITS["file_bytes"],
        0,
        True,
        "1000",
        "1",
    ]
    assert eval(kernel.run(code).result) == expected


def test_a_kernels_environment_is_scrubbed(kernel):
    names = set(eval(kernel.run("import os; sorted(os.environ)").result))
    allowed = {
        "PATH",
        "LANG",
        "LC_CTYPE",
        "HOME",
        "TMPDIR",
        "PWD",
        "MPLBACKEND",
        "PLOTLY_RENDERER",
    }
    assert names <= allowed | {
        "OPENBLAS_NUM_THREADS",
        "KMP_DUPLICATE_LIB_OK",
        "KMP_INIT_AT_FORK",
    }


def test_a_module_of_the_notebooks_folder_can_be_imported(kernel, tmp_path):
    (tmp_path / "helper.py").write_text("def half(x):\n    return x / 2\n")
    assert kernel.run("import helper\nhelper.half(3)").result == "1.5"


def test_writing_a_file_beyond_the_limit_is_an_error_of_the_cell(launcher, tmp_path):
    kernel = Kernel(launcher, tmp_path, {"file_bytes": 1000}).wait_ready()
    outcome = kernel.run("with open('f', 'w') as f: f.write('x' * 5000)")
    assert outcome.error["ename"] == "OSError"
    kernel.close()


def test_too_much_memory_at_once_is_an_error_of_the_cell(launcher, tmp_path):
    kernel = Kernel(launcher, tmp_path, {"data_bytes": 512 << 20}).wait_ready()
    assert kernel.run("b = bytearray(2 << 30)").error["ename"] == "MemoryError"
    assert kernel.run("1").result == "1"
    kernel.close()


def test_random_numbers_differ_between_kernels(launcher, tmp_path):
    code = "import random, numpy\n[random.random(), numpy.random.rand()]"
    results = set()
    for _ in range(2):
        kernel = Kernel(launcher, tmp_path).wait_ready()
        results.update(eval(kernel.run(code).result))
        kernel.close()
    assert len(results) == 4


def daemon(seconds):
    """Code of a cell that leaves a daemon in a session of its own; its pid is printed."""
    return f"""
    import os, time, sys
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(w, str(os.getpid()).encode())
            time.sleep({seconds})
        os._exit(0)
    os.wait()
    int(os.read(r, 20))
    """


def test_nothing_of_a_kernel_outlives_it(launcher, tmp_path):
    kernel = Kernel(launcher, tmp_path).wait_ready()
    pids = [
        int(
            kernel.run(
                "import subprocess\nsubprocess.Popen(['sleep', '100']).pid"
            ).result
        )
    ]
    pids.append(int(kernel.run(daemon(100)).result))
    assert all(exists(pid) for pid in pids)
    kernel.close()
    assert wait_gone(pids, 1) == []


def test_a_daemon_that_keeps_forking_away_ends_with_its_kernel(launcher, tmp_path):
    kernel = Kernel(launcher, tmp_path).wait_ready()
    kernel.run(
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            while True:
                if os.fork() != 0:
                    os._exit(0)
                open('alive', 'a').write('.')
                time.sleep(0.002)
        """
    )
    alive = tmp_path / "alive"
    deadline = time.monotonic() + 10
    while not (alive.exists() and alive.stat().st_size > 3):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kernel.close()
    time.sleep(1)
    size = alive.stat().st_size  # it grows while anybody is left
    time.sleep(0.5)
    assert alive.stat().st_size == size


def below(pid):
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as listed:
            children += map(int, listed.read().split())
    return children + [p for child in children for p in below(child)]


@pytest.mark.parametrize("how", ["close", "close while busy", "kill"])
def test_when_the_server_or_the_launcher_goes_everything_goes(tmp_path, how):
    launcher = Launcher()
    launcher.wait_ready()
    kernels = [Kernel(launcher, tmp_path).wait_ready() for _ in range(3)]
    Analyser(launcher)
    kernels[0].start_code("import time\nwhile True: pass")
    pids = below(launcher.process.pid)
    if how != "kill":
        pids.append(
            int(
                kernels[1]
                .run("import subprocess\nsubprocess.Popen(['sleep', '100']).pid")
                .result
            )
        )
        pids.append(int(kernels[1].run(daemon(100)).result))
    if how == "close while busy":
        kernels[2].start_code("while True: print('x' * 1000)")
    assert len(pids) >= 4
    if how == "kill":
        launcher.process.kill()
    launcher.close()
    assert wait_gone([*pids, launcher.process.pid], 2) == []


def test_a_kernel_ends_when_its_control_socket_is_closed(launcher, tmp_path):
    kernel = Kernel(launcher, tmp_path).wait_ready()
    kernel.ctl.socket.shutdown(socket.SHUT_RDWR)
    assert kernel.exited(2)["status"] == 0


def test_a_kernel_ends_when_nobody_reads_it_any_more(launcher, tmp_path):
    kernel = Kernel(launcher, tmp_path).wait_ready()
    kernel.out.socket.close()
    kernel.start_code("while True: print('x')")
    assert os.WEXITSTATUS(kernel.exited(5)["status"]) == 70


def test_a_hundred_kernels_start_answer_and_end(launcher, tmp_path):
    started = time.monotonic()
    kernels = [Kernel(launcher, tmp_path) for _ in range(100)]
    for kernel in kernels:
        kernel.wait_ready()
    for kernel in kernels:
        kernel.start_code("1 + 1")
    for kernel in kernels:
        assert kernel.finish(1).result == "2"
    for kernel in kernels:
        kernel.close()
    assert time.monotonic() - started < 20
