"""SQL cells on the embedded SQLite, and how placeholders become parameters."""
import time

import pytest

FRAME = "import pandas as pd, numpy as np, datetime, decimal, enum, uuid\n"


def text(sql):
    return {"kind": "text", "text": sql}


def param(name, attribute=None, in_list=False, in_parens=False):
    source = "{" + name + (f".{attribute}" if attribute else "") + "}"
    return {
        "kind": "param", "text": source, "name": name, "attribute": attribute,
        "in_list": in_list, "in_parens": in_parens,
    }  # fmt: skip


def soft(name, quote="'", escapes=False):
    return {
        "kind": "soft",
        "text": "{" + name + "}",
        "name": name,
        "attribute": None,
        "quote": quote,
        "escapes": escapes,
    }


def test_a_query_is_a_table(kernel):
    assert kernel.sql("select 1 as a, 'x' as b union select 2, null").table == {
        "type": "table",
        "columns": ["a", "b"],
        "rows": [[1, "x"], [2, None]],
        "truncated": None,
    }


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 where 0",
        "create table t(a)",
        "-- nothing",
        "",
        " ; ",
        "select 1; create table u(a); -- end",
    ][:5],
)
def test_nothing_to_show_is_said(kernel, sql):
    outcome = kernel.sql(sql)
    assert (outcome.text, outcome.kinds[-1], outcome.status) == (
        "Query returned no rows",
        "done",
        "ok",
    )
    assert outcome.of("result") == []


def test_several_statements_show_the_last_table(kernel):
    outcome = kernel.sql(
        "create table t(a); insert into t values (1), (2); select sum(a) as s from t; drop table t;"
    )
    assert outcome.table["rows"] == [[3]]


def test_a_semicolon_in_a_literal_ends_nothing(kernel):
    assert kernel.sql("select ';' as a, 'x;y' as b -- c;\n").table["rows"] == [
        [";", "x;y"]
    ]


def test_tables_stay_between_cells(kernel):
    kernel.sql("create table t as select 7 as a")
    assert kernel.sql("select * from t").table["rows"] == [[7]]


def test_a_long_result_shows_its_first_rows(kernel):
    sql = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) select i from n"
    table = kernel.sql(sql).table
    assert len(table["rows"]) == 1000
    assert table["truncated"] == "(Showing first 1000 of 5000 rows)"
    outcome = kernel.sql(sql, output_name="all_rows")
    assert outcome.table["truncated"] == "(Showing first 1000 of 5000 rows)"
    assert (
        kernel.run("len(all_rows), type(all_rows).__name__").result
        == "(5000, 'DataFrame')"
    )


def test_a_result_without_rows_has_columns(kernel):
    outcome = kernel.sql("select 1 as a where 0", output_name="empty")
    assert outcome.text == "Query returned no rows"
    assert kernel.run("list(empty.columns), len(empty)").result == "(['a'], 0)"


# --- DataFrames as tables ---


def test_a_frame_is_a_table(kernel):
    kernel.run(
        FRAME
        + "df = pd.DataFrame({'a': [1, 2, 3], 'b': ['x', 'y', None], 'c': [1.5, np.nan, 2]})"
    )
    table = kernel.sql(
        "select a, b, c from df where c is not null", tables=["df"]
    ).table
    assert table["rows"] == [[1, "x", 1.5], [3, None, 2.0]]


@pytest.mark.parametrize(
    "change, total",
    [
        ("df = pd.DataFrame({'a': [10]})", 10),
        ("df.loc[0, 'a'] = 100", 102),
        ("df['a'] = df['a'] * 2", 6),
        ("pass", 3),
    ],
)
def test_a_frame_that_has_changed_is_read_again(kernel, change, total):
    kernel.run(FRAME + "df = pd.DataFrame({'a': [1, 2]})")
    assert kernel.sql("select sum(a) s from df", tables=["df"]).table["rows"] == [[3]]
    kernel.run(change)
    assert kernel.sql("select sum(a) s from df", tables=["df"]).table["rows"] == [
        [total]
    ]


def test_a_frame_that_is_gone_is_no_table_any_more(kernel):
    kernel.run(FRAME + "df = pd.DataFrame({'a': [1]})")
    kernel.sql("select * from df", tables=["df"])
    kernel.run("del df")
    assert (
        "no such table: df"
        in kernel.sql("select * from df", tables=["df"]).error["evalue"]
    )


def test_what_is_not_a_frame_is_no_table(kernel):
    kernel.run("x = 5")
    assert (
        kernel.sql("select * from x", tables=["x"]).error["evalue"]
        == "no such table: x"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "delete from df",
        "update df set a = 1",
        "insert into df values (1)",
        "drop table df",
        "alter table df add b",
    ],
)
def test_a_frame_cannot_be_changed_by_sql(kernel, sql):
    kernel.run(FRAME + "df = pd.DataFrame({'a': [1]})")
    assert (
        "can read it, but not change it"
        in kernel.sql(sql, tables=["df"]).error["evalue"]
    )
    assert kernel.sql("select a from df", tables=["df"]).table["rows"] == [[1]]


def test_a_table_of_the_same_name_can_be_made_from_a_frame(kernel):
    kernel.run(FRAME + "df = pd.DataFrame({'a': [1]})")
    assert (
        kernel.sql(
            "create table copy as select * from df; insert into copy values (2)",
            tables=["df"],
        ).status
        == "ok"
    )
    assert kernel.sql("select count(*) n from copy").table["rows"] == [[2]]


def test_all_kinds_of_columns_load(kernel):
    kernel.run(
        FRAME
        + "df = pd.DataFrame({'f': [1.5, np.nan], 'i': [2**62, 1], 'u': np.array([2**64 - 1, 1], dtype='uint64'),"
        "'b': [True, False], 't': [pd.Timestamp('2024-01-02 03:04:05'), pd.NaT], 'd': [datetime.date(2024, 1, 2), None],"
        "'c': pd.Categorical(['x', None]), 'n': pd.array([1, None], dtype='Int64'), 'o': [[1], {'k': 1}],"
        "'y': [b'a', b'b'], 'dec': [decimal.Decimal('1.5'), None], 'td': pd.to_timedelta(['1s', None]),"
        "'s': ['\\ud800', '\u20ac'], 'inf': [np.inf, 1], 'p': pd.period_range('2024', periods=2, freq='M'),"
        "'big': [2**70, object]})"
    )
    row = kernel.sql("select * from df", tables=["df"]).table["rows"][0]
    assert row[:6] == [
        1.5,
        str(2**62),
        str(2**64 - 1),
        1,
        "2024-01-02 03:04:05",
        "2024-01-02",
    ]
    assert row[6:14] == ["x", 1, "[1]", "\\x61", 1.5, 1.0, "?", "Infinity"]


def test_names_of_columns_that_sqlite_would_mix_up(kernel):
    kernel.run(
        FRAME + "df = pd.DataFrame([[1, 2, 3, 4]], columns=['a', 'A', 'a', 'x\"y'])"
    )
    assert kernel.sql("select * from df", tables=["df"]).table["columns"] == [
        "a",
        "A_2",
        "a_3",
        'x"y',
    ]


def test_labels_of_rows_are_columns_when_they_mean_something(kernel):
    kernel.run(
        FRAME
        + "df = pd.DataFrame({'g': ['a', 'a'], 'v': [1, 2]}).groupby('g').sum()\ne = pd.DataFrame(index=[5, 6])"
    )
    assert kernel.sql("select g, v from df", tables=["df"]).table["rows"] == [["a", 3]]
    assert kernel.sql("select * from e", tables=["e"]).table["rows"] == [[5], [6]]


def test_a_strange_name_of_a_table(kernel):
    kernel.run(FRAME + "globals()['od\"d'] = pd.DataFrame({'a': [1]})")
    assert kernel.sql('select * from "od""d"', tables=['od"d']).table["rows"] == [[1]]


def test_a_chain_of_cells(kernel):
    kernel.run(
        FRAME + "sales = pd.DataFrame({'item': ['a', 'b', 'a'], 'n': [1, 2, 3]})"
    )
    kernel.sql(
        "select item, sum(n) as n from sales group by item",
        tables=["sales"],
        output_name="totals",
    )
    kernel.sql("select max(n) as m from totals", tables=["totals"], output_name="top")
    assert kernel.run("top.m[0]").result == "4"


# --- placeholders ---


@pytest.mark.parametrize(
    "value, shown",
    [
        ("5", 5),
        ("1.5", 1.5),
        ("True", 1),
        ("None", None),
        ("'text'", "text"),
        ('"\'; drop table t; --"', "'; drop table t; --"),
        ("'100%'", "100%"),
        ("np.int64(7)", 7),
        ("np.float32(0.5)", 0.5),
        ("np.bool_(True)", 1),
        ("np.str_('a')", "a"),
        ("pd.NA", None),
        ("pd.NaT", None),
        ("pd.Timestamp('2024-01-02 03:04')", "2024-01-02 03:04:00"),
        ("datetime.date(2024, 1, 2)", "2024-01-02"),
        ("decimal.Decimal('1.25')", 1.25),
        ("uuid.UUID(int=0)", "00000000-0000-0000-0000-000000000000"),
        ("{'a': 1}", '{"a": 1}'),
        ("b'ab'", "\\x6162"),
        ("2**70", str(2**70)),
        ("'\\ud800'", "?"),
        ("enum.IntEnum('E', 'A').A", 1),
        ("datetime.timedelta(seconds=90)", 90.0),
        ("np.array(3)", 3),
    ],
)
def test_a_value_is_a_bound_parameter(kernel, value, shown):
    kernel.run(FRAME + f"x = {value}")
    assert kernel.sql([text("select "), param("x"), text(" as x, '%' as p")]).table[
        "rows"
    ] == [[shown, "%"]]


@pytest.mark.parametrize(
    "value, rows",
    [
        ("[1, 3]", [[1], [3]]),
        ("(1,)", [[1]]),
        ("{2}", [[2]]),
        ("[]", []),
        ("2", [[2]]),
        ("np.array([1, 2])", [[1], [2]]),
        ("range(9)", [[1], [2], [3]]),
        ("pd.Series([3])", [[3]]),
    ],
)
@pytest.mark.parametrize("in_parens", [True, False])
def test_a_list_after_in(kernel, value, rows, in_parens):
    kernel.run(FRAME + f"ids = {value}")
    parts = [
        text("select a from (select 1 a union select 2 union select 3) where a in "),
        param("ids", None, True, in_parens),
    ]
    if in_parens:
        parts = [text(parts[0]["text"] + "("), parts[1], text(")")]
    outcome = kernel.sql([*parts, text(" order by a")])
    assert (outcome.table["rows"] if rows else outcome.text) == (
        rows or "Query returned no rows"
    )


def test_an_attribute(kernel):
    kernel.run(FRAME + "day = datetime.date(2024, 5, 6)")
    assert kernel.sql([text("select "), param("day", "month"), text(" as m")]).table[
        "rows"
    ] == [[5]]


@pytest.mark.parametrize(
    "part, error, shown",
    [
        (
            param("nowhere"),
            "name 'nowhere' is not defined",
            "Variable error: Variable 'nowhere' not defined",
        ),
        (param("f"), "A function cannot be used as the SQL parameter {f}", None),
        (param("ids"), "{ids} is a list: it can only stand after IN", None),
        (param("day", "nothing"), "'int' object has no attribute 'nothing'", None),
    ],
)
def test_a_parameter_that_cannot_be(kernel, part, error, shown):
    kernel.run("def f(): pass\nids = [1]\nday = 1")
    outcome = kernel.sql([text("select "), part])
    assert outcome.status == "error" and outcome.error["evalue"] == error
    assert shown is None or outcome.error["traceback"] == shown


@pytest.mark.parametrize(
    "define, parts, shown",
    [
        ("x = 5", [text("select '"), soft("x"), text("%' as a")], "5%"),
        ('x = "it\'s"', [text("select '"), soft("x"), text("' as a")], "it's"),
        ("", [text("select '"), soft("x"), text("' as a")], "{x}"),
        (
            "x = 'back\\\\slash'",
            [text("select '"), soft("x"), text("' as a")],
            "back\\slash",
        ),
        ("x = 'a\"b'", [text('select 7 as "'), soft("x", '"'), text('"')], 7),
    ],
)
def test_inside_quotes_a_known_name_is_its_text(kernel, define, parts, shown):
    kernel.run(define)
    assert kernel.sql(parts).table["rows"] == [[shown]]


# --- errors and interrupts ---


@pytest.mark.parametrize(
    "sql, shown",
    [
        ("select * from missing", "OperationalError: no such table: missing"),
        ("selec 1", 'OperationalError: near "selec": syntax error'),
        (
            "select :other",
            "ProgrammingError: You did not supply a value for binding parameter :other.",
        ),
    ],
)
def test_errors_are_sentences(kernel, sql, shown):
    outcome = kernel.sql(sql)
    assert outcome.status == "error" and outcome.error["traceback"] == shown


def test_the_last_name_of_a_failed_query_is_not_defined(kernel):
    kernel.sql("select * from missing", output_name="r")
    assert kernel.run("r").error["ename"] == "NameError"


def test_a_long_query_is_interrupted_and_the_database_lives(kernel):
    kernel.sql("create table t as select 1 a")
    parts = [
        text(
            "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
        )
    ]
    number = kernel.start(
        {
            "type": "sql",
            "parts": parts,
            "tables": [],
            "output_name": None,
            "connection": None,
        }
    )
    time.sleep(0.3)
    kernel.interrupt()
    assert kernel.finish(number, 2).status == "interrupted"
    assert kernel.sql("select * from t").table["rows"] == [[1]]


def test_only_postgresql_connections(kernel):
    for connection in ("mysql://u:secret@h/db", "sqlite:///x", "nonsense"):
        outcome = kernel.sql("select 1", connection=connection)
        assert (
            outcome.error["evalue"]
            == "Only PostgreSQL connection strings are supported"
        )
