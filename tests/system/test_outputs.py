"""What comes out of a cell: text while it is written, values of every kind, and rows of SQL."""

import base64
import time

import pytest

from lib.ws import Socket


# --- text, while it is written ---
LIVE = "import time\nfor n in range(4):\n    print(n)\n    time.sleep(0.25)"


def timed_stdout(socket, cell):
    """[(seconds after the start, text)], and the seconds until the end."""
    started = time.monotonic()
    chunks = []
    while True:
        event = socket.next()
        seconds = time.monotonic() - started
        if event["type"] == "cell_stdout":
            chunks.append((seconds, event["data"]))
        elif event.get("status") not in (None, "running"):
            return chunks, seconds


def test_text_arrives_while_the_cell_runs(page):
    cell = page.add(LIVE)
    page.socket.wait_for("cell_updated", cell)
    page.socket.run(cell)
    chunks, end = timed_stdout(page.socket, cell)
    assert "".join(text for _, text in chunks) == "0\n1\n2\n3\n"
    assert len(chunks) >= 3
    assert chunks[0][0] < end - 0.6
    assert page.cell(cell)["stdout"] == "0\n1\n2\n3\n"


def test_a_query_client_gets_the_whole_text_each_time(page):
    cell = page.add(LIVE)
    socket = page.connect(Socket.by_query)
    socket.run(cell)
    chunks, _ = timed_stdout(socket, cell)
    socket.close()
    texts = [text for _, text in chunks]
    assert len(texts) >= 3
    assert texts[-1] == "0\n1\n2\n3\n"
    for shorter, longer in zip(texts, texts[1:]):
        assert longer.startswith(shorter) and len(longer) > len(shorter)


def test_a_second_run_starts_with_an_empty_text(page):
    cell = page.add("print('once')")
    page.run(cell)
    page.run(cell)
    assert page.cell(cell)["stdout"] == "once\n"


def test_both_streams_are_text_of_the_cell_in_order(page):
    code = "import sys\nprint('a', flush=True)\nprint('b', file=sys.stderr, flush=True)"
    cell = page.add(code + "\nprint('c')")
    assert page.run(cell).stdout(cell) == "a\nb\nc\n"


def test_text_of_programs_and_of_c_is_text_of_the_cell(page):
    code = "import os, subprocess\nwritten = os.write(1, b'a\\n')\n"
    code += "done = subprocess.run(['echo', 'b'])\nprint('c')"
    cell = page.add(code)
    assert page.run(cell).stdout(cell) == "a\nb\nc\n"


def test_much_text_neither_kills_nor_stalls(page):
    cell = page.add("for n in range(200_000):\n    print('y' * 60)\nprint('end')")
    run = page.run(cell, timeout=60)
    assert run.status(cell) == "success"
    assert run.stdout(cell).startswith("y" * 60 + "\n")
    assert page.value("1 + 1") == "2"


# --- values ---
def test_the_last_expression_is_shown(page):
    cell = page.add("'a'\n6 * 7")
    output = page.run(cell).output(cell)
    assert output["mime_type"] == "text/plain"
    assert output["data"] == "42"
    assert page.cell(cell)["outputs"] == [output]


@pytest.mark.parametrize(
    "code", ["None", "x = 1", "42;", "import os", "", "# a comment"]
)
def test_nothing_is_shown(page, code):
    cell = page.add(code)
    run = page.run(cell)
    assert run.status(cell) == "success"
    assert (run.outputs(cell), run.stdout(cell)) == ([], "")


def test_a_figure_is_a_picture(page):
    code = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])\nfig"
    cell = page.add(code)
    output = page.run(cell).output(cell)
    assert output["mime_type"] == "image/png"
    picture = base64.b64decode(output["data"])
    assert picture.startswith(b"\x89PNG\r\n\x1a\n") and len(picture) > 1000


def test_a_data_frame_is_a_table(page):
    code = "import pandas as pd\npd.DataFrame({'n': [1, 2], 's': ['a', None], 'f': [0.5, float('nan')]})"
    cell = page.add(code)
    output = page.run(cell).output(cell)
    assert output["mime_type"] == "application/json"
    table = output["data"]
    assert table["columns"] == ["n", "s", "f"]
    assert table["rows"] == [[1, "a", 0.5], [2, None, None]]
    assert table["truncated"] is None


def test_a_long_data_frame_is_cut_and_says_so(page):
    cell = page.add("import pandas as pd\npd.DataFrame({'n': range(2500)})")
    table = page.run(cell).output(cell)["data"]
    assert table["rows"] == [[n] for n in range(1000)]
    assert table["truncated"] == "(Showing first 1000 of 2500 rows)"


def test_odd_values_of_a_data_frame_are_valid_json(page):
    values = "[float('inf'), 2**60, pd.Timestamp('2026-01-02'), pd.NaT, 'a\\x00b', '\\ud800', {1: 2}, b'x', 1j]"
    cell = page.add(
        f"import pandas as pd\npd.DataFrame({{'v': {values}}}, dtype=object)"
    )
    run = page.run(cell)
    assert run.status(cell) == "success"
    assert len(run.output(cell)["data"]["rows"]) == 9
    assert len(page.cell(cell)["outputs"]) == 1


def test_text_is_shown_as_it_is(page):
    cell = page.add("'it is ' + 'text'")
    assert page.run(cell).plain(cell) == "it is text"


def test_a_plotly_figure_is_its_json(page):
    cell = page.add("import plotly.express as px\npx.line(x=[1, 2], y=[3, 4])")
    output = page.run(cell).output(cell)
    assert output["mime_type"] == "application/vnd.plotly.v1+json"
    assert len(output["data"]["data"]) == 1


def test_an_altair_chart_is_its_specification(page):
    code = "import altair as alt, pandas as pd\n"
    code += "alt.Chart(pd.DataFrame({'a': [1], 'b': [2]})).mark_bar().encode(x='a:Q', y='b:Q')"
    cell = page.add(code)
    output = page.run(cell).output(cell)
    assert output["mime_type"] == "application/vnd.vegalite.v6+json"
    assert "encoding" in output["data"]


def test_several_things_can_be_shown(page):
    cell = page.add("display(1)\nprint('between')\ndisplay(2)\n3")
    run = page.run(cell)
    assert [o["data"] for o in run.outputs(cell)] == ["1", "2", "3"]
    kinds = [e["type"] for e in run.of(cell)]
    assert kinds.index("cell_stdout") == kinds.index("cell_output") + 1


@pytest.mark.parametrize(
    "code",
    [
        "print('a\\x00b')",
        "import os; os.write(1, b'\\xff\\xfe\\x00')",
        "class R:\n    def __repr__(self): return '\\ud800\\x00\\u2028'\nR()",
        "'\\ud800'",
        "float('nan')",
        "display({'application/json': {'a': float('nan')}}, raw=True)",
        "print('\\u2028\\U0001f40d')",
    ],
)
def test_odd_text_stays_valid_json(page, code):
    # Every frame and body is checked to be strict UTF-8 and strict JSON on the way.
    cell = page.add(code)
    run = page.run(cell)
    assert run.status(cell) in ("success", "error")
    assert page.cell(cell)["status"] == run.status(cell)
    assert page.value("1 + 1") == "2"


def test_a_repr_that_fails_is_an_error_and_not_the_end(page):
    cell = page.add(
        "class R:\n    def __repr__(self): raise ValueError('no words')\nR()"
    )
    run = page.run(cell)
    assert "no words" in (run.error(cell) or str(run.outputs(cell)))
    assert page.value("1 + 1") == "2"


def test_await_works_at_the_top(page):
    cell = page.add("import asyncio\nawait asyncio.sleep(0.01)\n7")
    assert page.run(cell).plain(cell) == "7"


# --- SQL ---
FRAME = "import pandas as pd\ndf = pd.DataFrame({'n': [1, 2, 3], 's': ['a', 'b', \"it's\"]})"


def test_sql_sees_data_frames_and_parameters(page):
    x, df = page.add("x = 1"), page.add(FRAME)
    query = page.add("SELECT n, s FROM df WHERE n > {x} ORDER BY n", kind="sql")
    assert page.cell(query)["reads"] == ["df", "x"]
    page.run(x)
    run = page.run(df)
    table = run.output(query)["data"]
    assert table["columns"] == ["n", "s"]
    assert table["rows"] == [[2, "b"], [3, "it's"]]
    assert table["truncated"] is None
    page.edit(x, "x = 2")
    run = page.run(x)
    assert run.order == [x, query]
    assert run.output(query)["data"]["rows"] == [[3, "it's"]]


def test_a_parameter_is_a_value_and_never_sql(page):
    value, df = page.add('v = "\'; DROP TABLE df; --"'), page.add(FRAME)
    query = page.add("SELECT {v} AS v, COUNT(*) AS n FROM df", kind="sql")
    page.run(value)
    run = page.run(df)
    assert run.output(query)["data"]["rows"] == [["'; DROP TABLE df; --", 3]]
    assert page.run(query).status(query) == "success"


@pytest.mark.parametrize(
    "code, words",
    [
        ("SELECT {nope}", "nope"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELEKT 1", "SELEKT"),
    ],
)
def test_a_wrong_query_is_an_error_of_the_cell(page, code, words):
    query = page.add(code, kind="sql")
    run = page.run(query)
    assert run.status(query) == "error"
    assert words in run.error(query)


def test_a_query_without_rows_says_so(page):
    query = page.add("SELECT 1 AS one WHERE 1 = 0", kind="sql")
    run = page.run(query)
    assert run.status(query) == "success"
    assert run.stdout(query).strip() == "Query returned no rows"


def test_a_long_result_is_cut_and_says_so(page):
    code = (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1500)"
    )
    query = page.add(f"{code} SELECT n FROM c", kind="sql")
    table = page.run(query).output(query)["data"]
    assert len(table["rows"]) == 1000
    assert table["truncated"] == "(Showing first 1000 of 1500 rows)"


def test_a_named_result_is_a_value_for_python(page):
    df = page.add(FRAME)
    query = page.add("-- @out big\nSELECT n FROM df WHERE n > 1", kind="sql")
    total = page.add("int(big['n'].sum())")
    assert page.cell(query)["writes"] == ["big"]
    run = page.run(df)
    assert run.order == [df, query, total]
    assert run.plain(total) == "5"
