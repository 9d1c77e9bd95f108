"""Rich output: one bundle per thing shown, JSON that every reader accepts, nothing above 8 MB."""
import base64
import struct

import pytest

PLOTLY = "application/vnd.plotly.v1+json"
VEGALITE = "application/vnd.vegalite.v4+json"
FRAME = "import pandas as pd, numpy as np, datetime, decimal, uuid\n"


def table_of(kernel, expression):
    return kernel.run(FRAME + expression).table


# --- tables ---


def test_a_frame_is_one_table(kernel):
    assert table_of(kernel, "pd.DataFrame({'a': [1, 2], 'b': ['x', None]})") == {
        "type": "table",
        "columns": ["a", "b"],
        "rows": [[1, "x"], [2, None]],
        "truncated": None,
    }


def test_a_series_is_a_table(kernel):
    assert table_of(kernel, "pd.Series([1.5, 2], name='s')")["columns"] == ["s"]
    assert table_of(kernel, "pd.Series([1, 2])")["rows"] == [[1], [2]]


def test_display_of_a_frame_is_a_table_too(kernel):
    outcome = kernel.run(FRAME + "display(pd.DataFrame({'a': [1]}))")
    assert set(outcome.one("display")["data"]) == {"application/json"}


def test_a_long_frame_shows_its_first_rows_and_says_so(kernel):
    table = table_of(kernel, "pd.DataFrame({'a': range(10**6)})")
    assert len(table["rows"]) == 1000 and table["rows"][-1] == [999]
    assert table["truncated"] == "(Showing first 1000 of 1000000 rows)"
    assert table["total"] == [10**6, 1]


def test_a_frame_of_exactly_the_limit_is_whole(kernel):
    table = table_of(kernel, "pd.DataFrame({'a': range(1000)})")
    assert len(table["rows"]) == 1000 and table["truncated"] is None


def test_a_wide_frame_shows_its_first_columns(kernel):
    table = table_of(kernel, "pd.DataFrame(np.zeros((2000, 3000)))")
    assert len(table["columns"]) == 200 and len(table["rows"]) == 500
    assert table["total"] == [2000, 3000]
    table = table_of(kernel, "pd.DataFrame(np.zeros((3, 300)))")
    assert table["truncated"] == "(Showing first 200 of 300 columns)"


@pytest.mark.parametrize(
    "values, shown",
    [
        (
            "[1.5, float('nan'), float('inf'), -float('inf')]",
            [1.5, None, "Infinity", "-Infinity"],
        ),
        (
            "[1, 2**53 - 1, 2**53, -2**60]",
            [1, 2**53 - 1, str(2**53), str(-(2**60))],
        ),
        ("np.array([2**64 - 1], dtype='uint64')", [str(2**64 - 1)]),
        ("np.array([2**5000, 1], dtype=object)", ["<int of 5001 bits>", 1]),
        ("[True, False]", [True, False]),
        ("pd.array([1, None], dtype='Int64')", [1, None]),
        ("pd.array([True, None], dtype='boolean')", [True, None]),
        ("pd.array(['a', None], dtype='string')", ["a", None]),
        ("pd.Categorical(['x', None])", ["x", None]),
        ("[pd.Timestamp('2024-01-02'), pd.NaT]", ["2024-01-02T00:00:00", None]),
        ("[pd.Timestamp('2024-01-02', tz='UTC')]", ["2024-01-02T00:00:00+00:00"]),
        ("[datetime.date(2024, 1, 2)]", ["2024-01-02"]),
        ("pd.to_timedelta(['1d', None])", ["1 days 00:00:00", None]),
        ("[decimal.Decimal('1.10'), decimal.Decimal('NaN')]", ["1.10", None]),
        ("[1j]", ["1j"]),
        ("pd.period_range('2024', periods=1, freq='M')", ["2024-01"]),
        ("pd.interval_range(0, 1)", ["(0, 1]"]),
        ("[uuid.UUID(int=1)]", ["00000000-0000-0000-0000-000000000001"]),
        ("[b'\\0\\xff', b'x' * 100]", ["\\x00ff", "\\x" + "78" * 64 + "…"]),
        ("[[1, [2, [3, [4]]]]]", ['[1, [2, [3, "[4]"]]]']),
        ("[{'a': {1: float('nan')}}]", ['{"a": {"1": null}}']),
        ("[{1: 'a', '1': 'b'}]", ['{"1": "b"}']),
        ("[set()]", ["[]"]),
        ("[list(range(100))]", [str(list(range(50)))]),
        ("[np.float32(1.5), np.int8(1)]", [1.5, 1]),
        ("pd.Series([np.array([1, 2]), np.zeros(1000)])", ["[1, 2]", str([0.0] * 50)]),
        ("['\\ud800', 'a\\0b', '\u20ac']", ["?", "a\0b", "\u20ac"]),
        ("['x' * 5000]", ["x" * 2000 + "…"]),
        ("pd.Series([1, 'a', None, 2.5, pd.NA])", [1, "a", None, 2.5, None]),
        ("pd.arrays.SparseArray([0, 1])", [0, 1]),
        ("[np.longdouble('inf')]", ["inf"]),
        ("[np.float16('nan')]", [None]),
        ("[pd.DataFrame({'x': [1]})]", ["   x\n0  1"]),
    ],
)
def test_values_of_a_table(kernel, values, shown):
    table = table_of(kernel, f"pd.DataFrame({{'a': {values}}})")
    assert [row[0] for row in table["rows"]] == shown


HOSTILE = """
class Evil:
    def __repr__(self): raise ValueError
    def __eq__(self, other): raise ValueError
    def __ne__(self, other): raise ValueError
    def __hash__(self): return 1
    def __bool__(self): raise ValueError
    def __len__(self): raise ValueError
    def __float__(self): raise ValueError
class Text(str):
    def __str__(self): raise ValueError
"""


def test_hostile_values_do_not_break_a_table(kernel):
    assert table_of(kernel, HOSTILE + "pd.DataFrame({'e': [Evil(), 1]})")["rows"] == [
        ["<unprintable>"],
        [1],
    ]
    table_of(kernel, HOSTILE + "pd.DataFrame({'e': [Text('a'), {Text('k'): Evil()}]})")


def test_names_of_columns_and_rows(kernel):
    table = table_of(
        kernel,
        "pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([('a', 'b'), ('a', 3)]),"
        " index=pd.MultiIndex.from_tuples([('k', 1)], names=['n', None]))",
    )
    assert table["columns"] == ["n", "level_1", "a / b", "a / 3"]
    assert table["rows"] == [["k", 1, 1, 2]]
    assert table_of(kernel, "pd.DataFrame([[1, 2]], columns=['x', 'x'])")[
        "columns"
    ] == ["x", "x"]
    assert table_of(kernel, "pd.DataFrame({1: [1], 'b': [2]})")["columns"] == ["1", "b"]
    assert table_of(kernel, "pd.DataFrame({'a': [1]}, index=['r'])")["columns"] == [
        "index",
        "a",
    ]
    assert table_of(kernel, "pd.DataFrame({'a': [1]}, index=pd.Index([7], name='id'))")[
        "rows"
    ] == [[7, 1]]


def test_empty_frames(kernel):
    assert table_of(kernel, "pd.DataFrame()")["rows"] == []
    assert table_of(kernel, "pd.DataFrame({'a': []})")["columns"] == ["a"]
    assert len(table_of(kernel, "pd.DataFrame(index=range(3))")["rows"]) == 3


def test_describe_and_groupby(kernel):
    table = table_of(
        kernel,
        "pd.DataFrame({'g': ['a', 'b', 'a'], 'v': [1, 2, 3]}).groupby('g').sum()",
    )
    assert table["columns"] == ["g", "v"] and table["rows"] == [["a", 4], ["b", 2]]


# --- figures ---


def png_size(data):
    return struct.unpack(">II", base64.b64decode(data)[16:24])


PLOT = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(4, 3)); ax.plot([1, 2])\n"


@pytest.mark.parametrize(
    "code, results, displays",
    [
        (PLOT, 1, 1),
        (PLOT + "None", 0, 1),
        (PLOT + "fig", 1, 0),
        (PLOT + "display(fig)", 0, 1),
        (PLOT + "plt.show()", 0, 1),
        (PLOT + "fig.show()", 0, 1),
        (PLOT + "plt.close()", 0, 0),
        (PLOT + "plt.figure(); plt.plot([1]); None", 0, 2),
        (PLOT + "display(fig); plt.figure(); plt.plot([1]); None", 0, 2),
        (PLOT + "display(fig); display(fig)", 0, 2),
        (PLOT + "plt.show(); fig", 1, 1),
    ],
)
def test_a_matplotlib_figure_is_one_png(kernel, code, results, displays):
    outcome = kernel.run(
        code if code != PLOT else "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
    )
    bundles = [
        f.payload["data"] for f in outcome.frames if f.kind in ("result", "display")
    ]
    images = [b for b in bundles if "image/png" in b]
    assert len(outcome.of("display")) == displays
    assert len(outcome.of("result")) == results
    assert len(images) == displays + (results if "fig" in code.split("\n")[-1] else 0)
    assert all(set(b) == {"image/png", "text/plain"} for b in images)
    assert (
        kernel.run("import matplotlib.pyplot as plt\nlen(plt.get_fignums())").result
        == "0"
    )


def test_a_png_is_tight_and_has_100_dots_per_inch(kernel):
    width, height = png_size(kernel.run(PLOT + "fig").data["image/png"])
    assert 320 < width <= 420 and 240 < height <= 320


def test_a_figure_of_an_earlier_cell_can_be_shown_again(kernel):
    kernel.run(PLOT)
    assert kernel.run("fig").kinds == ["result", "done"]


def test_a_figure_of_a_cell_that_fails_is_shown(kernel):
    assert kernel.run(PLOT + "1 / 0").kinds == ["display", "error", "done"]


def test_a_plotly_figure_is_its_json_and_nothing_richer(kernel):
    outcome = kernel.run(
        "import plotly.graph_objects as go, numpy as np\nfig = go.Figure(go.Bar(y=np.array([1, np.nan])))\nfig"
    )
    assert set(outcome.data) == {PLOTLY, "text/plain"}
    assert outcome.data[PLOTLY]["data"][0]["y"] == [1, None]
    shown = kernel.run("fig.show()").one("display")["data"]
    assert set(shown) <= {PLOTLY, "text/plain"} and shown[PLOTLY]["data"]


def test_an_altair_chart_is_its_specification(kernel):
    outcome = kernel.run(
        FRAME
        + "import altair as alt\nalt.Chart(pd.DataFrame({'a': [1.0, np.nan]})).mark_bar().encode(x='a')"
    )
    assert set(outcome.data) == {VEGALITE, "text/plain"}
    assert outcome.data[VEGALITE]["mark"] == "bar"
    assert outcome.error_text == ""


def test_a_chart_with_too_many_rows_is_an_error_of_the_cell(kernel):
    outcome = kernel.run(
        FRAME
        + "import altair as alt\nalt.Chart(pd.DataFrame({'a': range(6000)})).mark_bar()"
    )
    assert outcome.status == "error" and "5000" in outcome.error["evalue"]


# --- display ---


def test_rich_classes(kernel):
    outcome = kernel.run(
        "from IPython.display import HTML, Markdown, SVG, Latex, JSON\ndisplay(HTML('<b>a</b>'), Markdown('*a*'), Latex('$a$'))"
    )
    assert [set(f.payload["data"]) - {"text/plain"} for f in outcome.of("display")] == [
        {"text/html"},
        {"text/markdown"},
        {"text/latex"},
    ]


def test_a_class_that_describes_itself(kernel):
    outcome = kernel.run(
        "class A:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {'text/html': '<i>x</i>', 'image/png': b'\\x89PNG', 'application/x': {'n': float('nan')}}, {'application/x': {'k': 1}}\nA()"
    )
    assert outcome.data["text/html"] == "<i>x</i>"
    assert base64.b64decode(outcome.data["image/png"]) == b"\x89PNG"
    assert outcome.data["application/x"] == {"n": None}
    assert outcome.one("result")["metadata"] == {"application/x": {"k": 1}}


def test_a_display_with_an_id_is_updated(kernel):
    outcome = kernel.run(
        "h = display('a', display_id='d1')\nh.update('b')\nfrom IPython.display import update_display\nupdate_display('c', display_id='d1')"
    )
    shown = [
        (f.kind, f.payload["id"], f.payload["data"]["text/plain"])
        for f in outcome.frames[:-1]
    ]
    assert shown == [
        ("display", "d1", "'a'"),
        ("update", "d1", "'b'"),
        ("update", "d1", "'c'"),
    ]


def test_an_update_in_a_later_cell(kernel):
    kernel.run("h = display(1, display_id=True)")
    assert kernel.run("h.update(2)").one("update")["data"]["text/plain"] == "2"


def test_a_display_without_an_id_has_none(kernel):
    assert "id" not in kernel.run("display(1)").one("display")


def test_output_can_be_cleared(kernel):
    outcome = kernel.run(
        "from IPython.display import clear_output\nclear_output()\nclear_output(wait=True)"
    )
    assert [f.payload for f in outcome.of("clear")] == [{"wait": False}, {"wait": True}]


def test_a_progress_bar_is_text(kernel):
    assert (
        kernel.run("print('1%', end='\\r')\nprint('2%', end='\\r')").text == "1%\r2%\r"
    )


# --- what JSON cannot carry, and what is too large ---


@pytest.mark.parametrize(
    "value, shown",
    [
        ("{'a': float('nan'), 'b': float('inf')}", {"a": None, "b": "Infinity"}),
        ("{1: 'a', '1': 'b'}", {"1": "a", "1 (2)": "b"}),
        ("{None: 1, (1, 2): 2}", {"None": 1, "(1, 2)": 2}),
        ("{'k': '\\ud800'}", {"k": "?"}),
        ("{'\\ud800': 1, '\\ud801': 2}", {"?": 1, "? (2)": 2}),
        ("{'n': 10**400}", {"n": str(10**400)}),
        ("{'n': 10**9000}", {"n": "<int of 29898 bits>"}),
        ("{'n': 2**60}", {"n": 2**60}),
        ("{'s': {1}, 'o': object}", {"s": [1], "o": "<class 'object'>"}),
        ("[1, (2, 3)]", [1, [2, 3]]),
        ("np.arange(3)", [0, 1, 2]),
        ("{'x': np.float64(1.5), 'y': np.int64(2)}", {"x": 1.5, "y": 2}),
        ("'\\0\\u2028'", "\0\u2028"),
        ("1e308 * 10", "Infinity"),
        ("None", None),
    ],
)
def test_any_value_in_a_bundle_becomes_sound_json(kernel, value, shown):
    outcome = kernel.run(
        f"import numpy as np\ndisplay({{'application/x': {value}}}, raw=True)"
    )
    assert outcome.one("display")["data"] == {"application/x": shown}


def test_endless_and_deep_values_end_somewhere(kernel):
    deep = (
        "d = []\nfor _ in range(500): d = [d]\ndisplay({'application/x': d}, raw=True)"
    )
    loop = "l = []; l.append(l)\ndisplay({'application/x': l}, raw=True)"
    many = "display({'application/x': [0] * 1_000_000}, raw=True)"
    for code in (deep, loop, many):
        outcome = kernel.run(code)
        assert outcome.status == "ok"
        value, depth = outcome.one("display")["data"]["application/x"], 0
        while isinstance(value, list) and value and depth < 100:
            value, depth = value[0], depth + 1
        assert depth < 60
    assert len(outcome.one("display")["data"]["application/x"]) < 500_000


def test_strange_keys_of_bundle_and_metadata(kernel):
    outcome = kernel.run(
        "display({1: 'a', 'text/plain': 'b'}, metadata={2: {3: float('nan')}}, raw=True)"
    )
    payload = outcome.one("display")
    assert payload["data"] == {"1": "a", "text/plain": "b"}
    assert payload["metadata"] == {"2": {"3": None}}


def bundle_size(outcome, kind="result"):
    return sum(len(str(v)) for v in outcome.one(kind)["data"].values())


def test_a_huge_text_is_cut(kernel):
    outcome = kernel.run("'x' * 10**8")
    assert bundle_size(outcome) < 2_000_000
    assert outcome.result.endswith("bytes left out")


def test_a_huge_text_of_escapes_is_cut_between_them(kernel):
    for text in (
        "'\\0' * 10**7",
        "'a' + '\\0' * 10**7",
        "'\\\\' * 10**7",
        "'\u20ac' * 10**7",
        "'ab\u20ac' * 10**7",
    ):
        assert kernel.run(text).result.endswith("bytes left out")


def test_the_largest_part_of_a_bundle_goes_first(kernel):
    code = "display({'text/html': 'h' * 9_000_000, 'image/png': 'p' * 100, 'text/plain': 't'}, raw=True)"
    assert set(kernel.run(code).one("display")["data"]) == {"image/png", "text/plain"}
    alone = kernel.run("display({'text/html': 'h' * 9_000_000}, raw=True)").one(
        "display"
    )["data"]
    assert alone == {
        "text/plain": "<text/html of 9.0 MB left out: an output may have 8 MB>"
    }


def test_a_large_container_is_abbreviated(kernel):
    text = kernel.run("list(range(10**6))").result
    assert len(text) < 20_000 and text.endswith("...]")


def test_a_registered_formatter_is_honoured(kernel):
    kernel.run(
        "class P: pass\nget_ipython().display_formatter.formatters['text/plain'].for_type(P, lambda o, p, c: p.text('mine'))"
    )
    assert kernel.run("P()").result == "mine"


def test_a_small_bundle_shows_at_once_while_the_cell_goes_on(kernel):
    outcome = kernel.run("import time\ndisplay(1)\ntime.sleep(0.3)")
    assert outcome.frames[-1].at - outcome.frames[0].at > 0.2


def test_cells_of_a_table_are_scalars(kernel):
    code = "pd.DataFrame({'a': [[1], {'k': (1, {2})}, np.zeros((2, 2)), b'x', {1, 2}, 'x', 5]})"
    values = [row[0] for row in table_of(kernel, code)["rows"]]
    assert all(v is None or isinstance(v, (str, int, float)) for v in values)
    assert values[:3] == ["[1]", '{"k": [1, [2]]}', "[[0.0, 0.0], [0.0, 0.0]]"]
