"""Interrupts end what runs and nothing else; input() asks and is answered."""
import random
import threading
import time

import pytest

CODES = {
    "loop": "while True: pass",
    "sleep": "import time; time.sleep(100)",
    "print": "while True: print('x' * 100)",
    "regex": "import re; re.match('(a+)+$', 'a' * 40 + 'b')",
    "await": "import asyncio; await asyncio.sleep(100)",
    "async loop": "import asyncio\nawait asyncio.sleep(0)\nwhile True: pass",
    "gather": "import asyncio; await asyncio.gather(*[asyncio.sleep(100) for _ in range(5)])",
    "asyncio.run": "import asyncio; asyncio.run(asyncio.sleep(100))",
    "input": "input('?')",
    "lock": "import threading; l = threading.Lock(); l.acquire(); l.acquire()",
    "join": "import threading, time\nt = threading.Thread(target=time.sleep, args=(3,)); t.start(); t.join()",
    "queue": "import queue; queue.Queue().get()",
    "subprocess": "import subprocess; subprocess.run(['sleep', '100'])",
    "command": "!sleep 100",
    "captured command": "x = !sleep 100",
    "magic": "%time __import__('time').sleep(100)",
    "cell magic": "%%time\n__import__('time').sleep(100)",
    "pool": "import multiprocessing as m, time\nwith m.get_context('fork').Pool(2) as p: p.map(time.sleep, [100, 100])",
    "repr": "class A:\n    def __repr__(self):\n        while True: pass\nA()",
    "error text": "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
    "destructor": "class D:\n    def __del__(self):\n        while True: pass\nd = D()\ndel d\nwhile True: pass",
    "finally": "try:\n    while True: pass\nfinally:\n    print('cleaned')",
    "comparison": "class A:\n    def __eq__(self, o):\n        while True: pass\nA() == 1",
}


@pytest.mark.parametrize("name", CODES)
def test_an_interrupt_ends_it_soon_and_variables_stay(kernel, name):
    kernel.run("kept = 42")
    number = kernel.start_code(CODES[name])
    time.sleep(0.3)
    started = time.monotonic()
    kernel.interrupt()
    outcome = kernel.finish(number, timeout=5)
    assert time.monotonic() - started < 1
    assert outcome.status == "interrupted"
    assert outcome.error["ename"] == "KeyboardInterrupt"
    assert kernel.run("kept").result == "42"


def test_a_traceback_of_an_interrupt_says_where(kernel):
    number = kernel.start_code("import time\n\ntime.sleep(100)")
    time.sleep(0.2)
    kernel.interrupt()
    assert kernel.finish(number).error["line"] == 3


def test_an_interrupted_coroutine_cleans_up_and_does_not_go_on(kernel):
    number = kernel.start_code(
        "import asyncio\nlog = []\ntry:\n    await asyncio.sleep(100)\n    log.append('went on')\n"
        "finally:\n    log.append('cleaned')"
    )
    time.sleep(0.2)
    kernel.interrupt()
    assert kernel.finish(number).status == "interrupted"
    time.sleep(0.1)
    assert kernel.run("log").result == "['cleaned']"
    assert (
        kernel.run(
            "import asyncio\nlen(asyncio.all_tasks(asyncio.get_event_loop()))"
        ).result
        == "0"
    )


def test_a_caught_interrupt_does_not_end_the_run_and_the_next_one_does(kernel):
    number = kernel.start_code(
        "import time\ntry:\n    time.sleep(100)\nexcept KeyboardInterrupt:\n    print('caught')\ntime.sleep(100)"
    )
    time.sleep(0.2)
    kernel.interrupt()
    assert kernel.out.receive().payload == "caught\n"
    kernel.interrupt()
    assert kernel.finish(number).status == "interrupted"


def test_an_interrupt_right_after_the_start_is_not_lost(kernel):
    for _ in range(20):
        number = kernel.start_code("import time; time.sleep(5)")
        kernel.out.socket.setblocking(True)
        time.sleep(random.uniform(0.001, 0.004))
        kernel.interrupt()
        assert kernel.finish(number, timeout=2).status == "interrupted"


def test_interrupts_while_idle_do_nothing(kernel):
    for _ in range(100):
        kernel.interrupt()
    time.sleep(0.1)
    assert kernel.run("1").result == "1"


def test_an_interrupt_ends_a_background_task_that_holds_up_a_run(kernel):
    kernel.run(
        "import asyncio\nasync def hog():\n    await asyncio.sleep(0.05)\n    while True: pass\n"
        "t = asyncio.ensure_future(hog())\nawait asyncio.sleep(0)"
    )
    time.sleep(0.2)
    number = kernel.start_code("1 + 1")
    time.sleep(0.2)
    kernel.interrupt()
    kernel.finish(number, timeout=2)
    assert kernel.run("2 + 2").result == "4"


def test_an_interrupt_works_while_nobody_reads_the_output(kernel):
    number = kernel.start_code("while True: print('x' * 1000)")
    time.sleep(0.5)  # the buffers are full
    kernel.interrupt()
    outcome = kernel.finish(number, timeout=5)
    assert outcome.status == "interrupted"
    assert len(outcome.text) < 3_000_000


def rss_kb(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4


def test_a_kernel_whose_output_nobody_reads_does_not_grow(kernel):
    kernel.run("print('x')")
    before = rss_kb(kernel.pid)
    number = kernel.start_code("for _ in range(100000): print('x' * 1000)")
    time.sleep(1)
    assert rss_kb(kernel.pid) - before < 3000
    kernel.ctl.send(35, 5, {})
    assert kernel.ctl.receive(1).run == 5
    assert len(kernel.finish(number).text) == 100_100_000


def test_a_storm_of_interrupts_loses_no_run(kernel):
    codes = [
        "1 + 1",
        "x = [i for i in range(300)]",
        "print('y')",
        "import asyncio; await asyncio.sleep(0.001)",
        "1 / 0",
        "try:\n    1 / 0\nexcept Exception: pass",
        "display(1)",
        "x = = 1",
        "import pandas as pd; pd.DataFrame({'a': range(10)})",
        "import time; time.sleep(0.002)",
    ]
    stop = threading.Event()
    sent = [0]

    def storm():
        while not stop.is_set():
            kernel.interrupt()
            sent[0] += 1
            time.sleep(random.uniform(0.0005, 0.003))

    thread = threading.Thread(target=storm)
    thread.start()
    statuses = []
    try:
        for i in range(1000):
            outcome = kernel.run(codes[i % len(codes)], timeout=10)
            statuses.append(outcome.status)
            assert len(outcome.of("error")) == (0 if outcome.status == "ok" else 1)
            if outcome.status == "interrupted":
                assert outcome.error["ename"] == "KeyboardInterrupt"
    finally:
        stop.set()
        thread.join()
    assert sent[0] > 200
    assert statuses.count("interrupted") > 50
    assert kernel.run("40 + 2").result == "42"


# --- input ---


def ask(kernel, code, answer):
    number = kernel.start_code(code)
    frame = kernel.out.receive()
    assert (frame.kind, frame.run) == ("input_request", number)
    kernel.ctl.send(33, number, {"value": answer})
    return frame.payload, kernel.finish(number)


def test_input_asks_and_is_answered(kernel):
    request, outcome = ask(kernel, "name = input('Who? ')\nname.upper()", "ada")
    assert request == {"prompt": "Who? ", "password": False}
    assert outcome.result == "ADA"


def test_a_password_is_marked(kernel):
    request, outcome = ask(kernel, "import getpass\nlen(getpass.getpass())", "sesam")
    assert request["password"] is True
    assert outcome.result == "5"


def test_an_answer_nobody_asked_for_is_forgotten(kernel):
    kernel.ctl.send(33, 0, {"value": "stale"})
    assert kernel.run("1").result == "1"
    assert ask(kernel, "input()", "fresh")[1].result == "fresh"


def test_text_comes_before_the_question(kernel):
    number = kernel.start_code("print('first', end='')\ninput('then')")
    assert [kernel.out.receive().kind for _ in range(2)] == ["stdout", "input_request"]
    kernel.ctl.send(33, number, {"value": ""})
    assert kernel.finish(number).result == ""


def test_input_in_a_thread_is_an_error(kernel):
    outcome = kernel.run(
        "import threading\nt = threading.Thread(target=input)\nt.start(); t.join()"
    )
    assert "main thread only" in outcome.error_text


def test_reading_standard_input_finds_its_end(kernel):
    assert kernel.run("import sys\nsys.stdin.read()").result == ""


def test_two_questions_in_one_run_have_their_own_answers(kernel):
    number = kernel.start_code("a = input('a')\nb = input('b')\n(a, b)")
    for answer in ("one", "two"):
        assert kernel.out.receive().kind == "input_request"
        kernel.ctl.send(33, number, {"value": answer})
    assert kernel.finish(number).result == "('one', 'two')"


def test_an_answer_too_many_does_not_answer_the_next_question(kernel):
    number = kernel.start_code(
        "a = input('a')\nimport time; time.sleep(0.3)\nb = input('b')\n(a, b)"
    )
    assert kernel.out.receive().kind == "input_request"
    for answer in ("one", "extra", "extra"):
        kernel.ctl.send(33, number, {"value": answer})
    assert kernel.out.receive().kind == "input_request"
    kernel.ctl.send(33, number, {"value": "two"})
    assert kernel.finish(number).result == "('one', 'two')"


def test_an_answer_to_an_earlier_run_is_forgotten(kernel):
    first = kernel.start_code("input('a')")
    kernel.out.receive()
    kernel.interrupt()
    assert kernel.finish(first).status == "interrupted"
    second = kernel.start_code("input('b')")
    assert kernel.out.receive().kind == "input_request"
    kernel.ctl.send(33, first, {"value": "late"})
    kernel.ctl.send(33, second, {"value": "right"})
    assert kernel.finish(second).result == "right"


def test_a_question_of_a_background_task_is_answered(kernel):
    kernel.run(
        "import asyncio\nasync def later():\n    await asyncio.sleep(0.2)\n    print(input('later'))\n"
        "t = asyncio.ensure_future(later())"
    )
    number = kernel.start_code("await asyncio.sleep(1)")
    while kernel.out.receive().kind != "input_request":
        pass
    kernel.ctl.send(33, number, {"value": "heard"})
    assert "heard" in kernel.finish(number).text


HELD_UP = {
    "a C loop": "import numpy\nwhile True: numpy.random.rand(1000, 100).sum()",
    "two processes": "import subprocess\nsubprocess.run('sleep 100 | sleep 100', shell=True)",
    "a blocked write": "import os\nwhile True: os.write(1, b'x' * 65536)",
}


@pytest.mark.parametrize("name", HELD_UP)
def test_an_interrupt_ends_this_too(kernel, name):
    kernel.run("kept = 42")
    number = kernel.start_code(HELD_UP[name])
    time.sleep(0.3)
    kernel.interrupt()
    assert kernel.finish(number, timeout=5).status == "interrupted"
    assert kernel.run("kept").result == "42"
