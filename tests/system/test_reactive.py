"""Running cells: what runs, in which order, what is blocked, and kernels that end."""

import time

import pytest

from lib.page import Run


# --- what runs ---
def test_a_cell_runs_with_all_that_depends_on_it(page):
    x, y, other = page.add("x = 5"), page.add("y = x + 5\ny"), page.add("other = 1")
    first = page.run(x)
    assert first.order == [x, y]
    assert first.plain(y) == "10"
    page.edit(x, "x = 37")
    second = page.run(x)
    assert second.order == [x, y]
    assert second.plain(y) == "42"
    assert page.cell(other)["status"] == "idle"


def test_only_what_is_below_runs(page):
    x, y, z = page.add("x = 1"), page.add("y = x + 1"), page.add("z = y + 1\nz")
    page.run(x)
    run = page.run(y)
    assert run.order == [y, z]
    assert run.plain(z) == "3"


def test_the_order_is_that_of_the_names_and_not_of_the_page(page):
    d = page.add("d = b + c\nd")
    c, b = page.add("c = a * 3"), page.add("b = a * 2")
    a = page.add("a = 1")
    run = page.run(a)
    assert run.order == [a, c, b, d]
    assert run.plain(d) == "5"


def test_ties_are_broken_by_the_place_on_the_page(page):
    a, p, q, below_p = (
        page.add("a = 1"),
        page.add("p = a"),
        page.add("q = a"),
        page.add("r = p"),
    )
    assert page.run(a).order == [a, p, q, below_p]
    early = page.add("early = q", after_cell_id=a)
    assert page.run(a).order == [a, p, q, early, below_p]


def test_a_diamond_runs_each_cell_once(page):
    a = page.add("a = 1")
    left, right = page.add("left = a + 1"), page.add("right = a + 2")
    end = page.add("left * right")
    run = page.run(a)
    assert run.order == [a, left, right, end]
    assert run.plain(end) == "6"


def test_a_long_chain_runs_to_its_end(page):
    cells = [page.add("v0 = 0")]
    cells += [page.add(f"v{n} = v{n - 1} + 1") for n in range(1, 60)]
    last = page.add("v59")
    run = page.run(cells[0], timeout=60)
    assert run.order == [*cells, last]
    assert run.plain(last) == "59"


def test_many_requests_at_once_all_end(page):
    x = page.add("x = 0")
    cells = [page.add(f"v{n} = x + {n}") for n in range(10)]
    start = len(page.socket.events)
    for cell in [x, *cells, x]:
        page.socket.run(cell)
    page.settle()
    run = Run(page.since(start))
    for cell in [x, *cells]:
        assert set(run.statuses(cell)[::2]) == {"running"}
        assert set(run.statuses(cell)[1::2]) == {"success"}


def test_a_run_takes_the_newest_code(page):
    slow, cell = page.add("import time; time.sleep(0.4)"), page.add("print('old')")
    start = len(page.socket.events)
    page.socket.run(slow)
    page.socket.run(cell)
    page.edit(cell, "print('new')")
    page.socket.wait_final(cell)
    page.settle()
    assert Run(page.since(start)).stdout(cell) == "new\n"


# --- what does not run ---
def test_a_failure_blocks_all_that_depends_on_it_and_nothing_else(page):
    x, y, z = page.add("x = 1 / 0"), page.add("y = x"), page.add("z = y")
    free = page.add("free = 1\nfree")
    page.run(free)
    run = page.run(x)
    assert run.order == [x, y, z]
    assert [run.status(c) for c in (x, y, z)] == ["error", "blocked", "blocked"]
    assert "ZeroDivisionError: division by zero" in run.error(x)
    assert page.cell(free)["status"] == "success"
    assert [page.cell(c)["status"] for c in (x, y, z)] == [
        "error",
        "blocked",
        "blocked",
    ]


def test_what_is_blocked_loses_its_old_results(page):
    x, y = page.add("x = 1"), page.add("print('seen')\nx")
    page.run(x)
    page.edit(x, "x = 1 / 0")
    run = page.run(x)
    assert run.statuses(y) == ["running", "blocked"]
    after = page.cell(y)
    assert (after["status"], after["stdout"], after["outputs"]) == ("blocked", "", [])


def test_what_was_blocked_runs_when_the_cause_is_gone(page):
    x, y = page.add("x = nonsense"), page.add("y = x + 1\ny")
    run = page.run(x)
    assert "NameError: name 'nonsense' is not defined" in run.error(x)
    page.edit(x, "x = 1")
    run = page.run(x)
    assert [run.status(c) for c in (x, y)] == ["success", "success"]
    assert run.plain(y) == "2"
    assert page.cell(x)["error"] is None


def test_a_cell_below_a_failed_one_is_blocked_when_it_is_asked_for(page):
    x, y = page.add("x = 1 / 0"), page.add("y = x")
    page.run(x)
    run = page.run(y)
    assert run.order == [y]
    assert run.status(y) == "blocked"


def test_a_failure_in_the_middle_keeps_what_was_above_it(page):
    a, b, c = page.add("a = 1"), page.add("b = a / 0"), page.add("c = b")
    side = page.add("side = a + 1\nside")
    run = page.run(a)
    statuses = [run.status(cell) for cell in (a, b, c, side)]
    assert statuses == ["success", "error", "blocked", "success"]
    assert run.plain(side) == "2"


@pytest.mark.parametrize(
    "code",
    ["x = (", "def f(:\n  pass", "x = 1 +", "return 5", "f'{'", "x = 'a"],
)
def test_a_syntax_error_is_an_error_of_the_cell(page, code):
    cell, free = page.add(code), page.add("free = 1")
    run = page.run(cell)
    assert run.status(cell) == "error"
    assert "Error" in run.error(cell)
    assert "line" in run.error(cell)
    assert page.run(free).status(free) == "success"


def test_an_error_shows_the_users_code_and_not_the_servers(page):
    helper = page.add("def half(n):\n    return n / 0")
    cell = page.add("result = half(2)")
    run = page.run(helper)
    error = run.error(cell)
    assert "ZeroDivisionError" in error and "half(2)" in error
    for inner in (
        "IPython",
        "site-packages",
        "dist-packages",
        "worker",
        str(page.server.data_dir),
    ):
        assert inner not in error


def test_what_was_printed_before_an_error_is_kept(page):
    cell = page.add("print('before')\n1 / 0")
    assert page.run(cell).stdout(cell) == "before\n"
    after = page.cell(cell)
    assert after["stdout"] == "before\n"
    assert "ZeroDivisionError" in after["error"]


# --- circles ---
def circle(page):
    a = page.add("a = b + 1")
    b = page.add()
    return a, b


def test_a_circle_is_found_when_it_is_saved(page):
    a, b = circle(page)
    page.edit(b, "b = a + 1")
    event = page.socket.wait(lambda e: e["type"] == "cell_updated" and e["cellId"] == b)
    words = "Circular dependency detected: "
    found = event["cell"]
    assert found["status"] == "error"
    assert found["error"].startswith(words)
    path = found["error"].removeprefix(words).split(" -> ")
    assert sorted(path) == sorted([a, b])
    assert page.cell(b)["status"] == "error"
    assert page.cell(b)["error"] == found["error"]


def test_a_circle_does_not_run_and_can_be_broken(page):
    a, b = circle(page)
    page.edit(b, "b = a + 1")
    run = page.run(b)
    assert run.status(b) == "error"
    assert "ircular" in run.error(b) or "ycle" in run.error(b)
    page.edit(b, "b = 1")
    run = page.run(b)
    assert [run.status(cell) for cell in (b, a)] == ["success", "success"]
    assert page.value("a") == "2"


def test_a_cell_that_reads_its_own_name_is_no_circle(page):
    x = page.add("x = 1")
    run = page.run(x)
    cell = page.add("n = 0\nn = n + 1\nn")
    run = page.run(cell)
    assert run.plain(cell) == "1"


# --- kernels that end ---
def test_a_kernel_that_dies_is_reported_and_the_next_run_works(page):
    x = page.add("x = 1")
    page.run(x)
    cell = page.add("import os\nprint('before', flush=True)\nos._exit(3)")
    below = page.add("y = os.name")
    run = page.run(cell)
    assert run.status(cell) == "error"
    assert "3" in run.error(cell)
    assert run.stdout(cell) == "before\n"
    assert run.status(below) == "blocked"
    assert page.run(x).status(x) == "success"
    assert page.value("x") == "1"


def test_a_crash_is_reported_too(page):
    cell = page.add("import ctypes\nctypes.string_at(0)")
    run = page.run(cell)
    assert run.status(cell) == "error"
    assert "SIGSEGV" in run.error(cell) or "11" in run.error(cell)
    assert page.value("1 + 1") == "2"


def test_a_dead_kernel_has_no_variables(page):
    x = page.add("x = 1")
    page.run(x)
    cell = page.add("import os\nos._exit(0)")
    assert page.run(cell).status(cell) == "error"
    reader = page.add("print(globals().get('x'))")
    assert page.run(reader).stdout(reader) == "None\n"


@pytest.mark.parametrize(
    "code", ["import sys\nsys.exit()", "exit()", "raise SystemExit(2)"]
)
def test_leaving_is_an_error_of_the_cell_and_the_kernel_stays(page, code):
    kept = page.add("kept = 7")
    page.run(kept)
    cell = page.add(code)
    assert page.run(cell).status(cell) == "error"
    assert page.value("kept") == "7"


def test_a_server_with_a_busy_kernel_answers_at_once(page):
    busy = page.add(
        "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass"
    )
    page.socket.run(busy)
    page.socket.wait_for("cell_status", busy)
    for _ in range(5):
        started = time.monotonic()
        page.server.api().ok("GET", "/health")
        assert time.monotonic() - started < 0.3
    page.socket.wait_final(busy)
