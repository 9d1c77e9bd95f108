"""SQL cells on a real PostgreSQL, started for these tests. Skipped where none is installed."""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from test_sql import FRAME, param, soft, text

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
pytestmark = pytest.mark.skipif(
    not BINARIES, reason="no PostgreSQL server is installed"
)
PASSWORD = "s3cret-word"


def as_postgres():
    """PostgreSQL does not run as root."""
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = Path("/tmp") / f"kernel-test-postgres-{os.getpid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    bin_dir, port = BINARIES[-1].parent, free_port()
    word = folder / "password"
    word.write_text(PASSWORD)
    run = {
        "preexec_fn": as_postgres,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.STDOUT,
        "cwd": "/",
    }
    initdb = [
        bin_dir / "initdb",
        "-D",
        folder / "data",
        "-U",
        "tester",
        "-A",
        "md5",
        "--pwfile",
        word,
    ]
    subprocess.run([*initdb, "--no-sync", "-E", "UTF8"], check=True, **run)
    process = subprocess.Popen(
        [
            bin_dir / "postgres",
            "-D",
            folder / "data",
            "-p",
            str(port),
            "-k",
            folder,
            "-c",
            "fsync=off",
        ],
        **run,
    )
    url = f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}/postgres"
    wait_for(url)
    yield url
    process.send_signal(signal.SIGINT)
    process.wait(20)
    shutil.rmtree(folder)


def wait_for(url):
    import psycopg2

    end = time.monotonic() + 30
    while True:
        try:
            connection = psycopg2.connect(url)
            break
        except psycopg2.OperationalError:
            assert time.monotonic() < end
            time.sleep(0.1)
    connection.autocommit = True
    connection.cursor().execute(
        "create table big as select i, i * 1.5 as x, 'row ' || i as name from generate_series(1, 1000000) i"
    )
    connection.close()


@pytest.fixture
def sql(kernel, server):
    def run(parts, **more):
        return kernel.sql(parts, connection=server, **more)

    return run


def test_a_query_is_a_table(sql):
    assert sql("select 1 as a, 'x' as b, '100%' as c").table["rows"] == [
        [1, "x", "100%"]
    ]


def test_a_million_rows_show_the_first_thousand_soon_and_flat(kernel, sql):
    sql("select 1")
    before = int(
        kernel.run(
            "import resource; resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
        ).result
    )
    started = time.monotonic()
    table = sql("select * from big").table
    assert time.monotonic() - started < 2
    assert len(table["rows"]) == 1000
    assert table["truncated"] in (
        "(Showing first 1000 of 1000000 rows)",
        "(Showing first 1000 rows)",
    )
    after = int(kernel.run("resource.getrusage(resource.RUSAGE_SELF).ru_maxrss").result)
    assert after - before < 20_000


def test_rows_that_take_long_to_count_are_not_counted(sql):
    table = sql("select i, pg_sleep(0.0005) from generate_series(1, 10000) i").table
    assert table["truncated"] == "(Showing first 1000 rows)"
    assert sql("select 2 as a").table["rows"] == [[2]]


def test_a_result_variable_holds_all_rows(kernel, sql):
    table = sql("select * from big where i <= 5000", output_name="df").table
    assert table["truncated"] == "(Showing first 1000 of 5000 rows)"
    assert (
        kernel.run("len(df), str(df.x.dtype), df.x.sum()").result
        == "(5000, 'float64', 18753750.0)"
    )


@pytest.mark.parametrize(
    "expression, shown",
    [
        ("2^60::int", 2**60 * 1.0),
        ("9007199254740993::bigint", "9007199254740993"),
        ("1.10::numeric", "1.10"),
        ("'NaN'::numeric", None),
        ("'NaN'::float", None),
        ("'Infinity'::float", "Infinity"),
        ("true", True),
        ("null", None),
        ("'2024-01-02'::date", "2024-01-02"),
        (
            "'2024-01-02 03:04:05+00'::timestamptz at time zone 'UTC'",
            "2024-01-02T03:04:05",
        ),
        (
            "'00000000-0000-0000-0000-000000000001'::uuid",
            "00000000-0000-0000-0000-000000000001",
        ),
        ("'{\"a\": [1, null]}'::jsonb", '{"a": [1, null]}'),
        ("'\\x00ff'::bytea", "\\x00ff"),
        ("interval '1 day 2 hours'", "1 day, 2:00:00"),
        ("array[1, 2]", "[1, 2]"),
        ("'{1,2}'::int[]", "[1, 2]"),
        ("10::money", "$10.00"),
    ],
)
def test_values(sql, expression, shown):
    assert sql(f"select {expression} as v").table["rows"] == [[shown]]


@pytest.mark.parametrize(
    "value, sql_type, shown",
    [
        ("5", "int", 5),
        ("1.5", "float", 1.5),
        ("'a'", "text", "a"),
        ('"\'; drop table big; --"', "text", "'; drop table big; --"),
        ("'back\\\\slash'", "text", "back\\slash"),
        ("None", "text", None),
        ("np.int64(7)", "int", 7),
        ("pd.Timestamp('2024-01-02')", "timestamp", "2024-01-02T00:00:00"),
        ("datetime.date(2024, 1, 2)", "date", "2024-01-02"),
        ("'1 hour'", "interval", "1:00:00"),
        ("[1, 2]", "int[]", "[1, 2]"),
        ("[]", "int[]", "[]"),
        ("{'a': 1}", "jsonb", '{"a": 1}'),
        ("True", "bool", True),
    ],
)
def test_parameters(kernel, sql, value, sql_type, shown):
    kernel.run(FRAME + f"x = {value}")
    outcome = sql([text("select "), param("x"), text(f"::{sql_type} as v, '%' as p")])
    assert outcome.table["rows"] == [[shown, "%"]]


def test_a_list_after_in(kernel, sql):
    kernel.run("ids = [1, 3]; none = []")
    query = "select i from big where i in "
    assert sql([text(query), param("ids", None, True)]).table["rows"] == [[1], [3]]
    assert sql([text(query + "("), param("ids", None, True, True), text(")")]).table[
        "rows"
    ] == [[1], [3]]
    assert (
        sql([text(query), param("none", None, True)]).text == "Query returned no rows"
    )


def test_text_inside_quotes(kernel, sql):
    kernel.run('x = "it\'s 5%"')
    parts = [
        text("select '"),
        soft("x"),
        text("' as a, '"),
        soft("unknown"),
        text("' as b"),
    ]
    assert sql(parts).table["rows"] == [["it's 5%", "{unknown}"]]


@pytest.mark.parametrize("escapes, prefix", [(False, ""), (True, "E")])
def test_no_text_breaks_out_of_its_quotes(kernel, sql, escapes, prefix):
    hostile = "\\' as a, pg_sleep(9) --"
    kernel.run(f"x = {hostile!r}")
    parts = [text(f"select {prefix}'"), soft("x", escapes=escapes), text("' as a")]
    assert sql(parts).table["rows"] == [[hostile]]


def test_statements_that_return_nothing(sql):
    assert (
        sql("create table if not exists made (a int)").text == "Query returned no rows"
    )
    assert sql("insert into made values (1), (2)").text == "Query returned no rows"
    assert sql("insert into made values (3) returning a").table["rows"] == [[3]]
    assert sql("select count(*) as n from made").table["rows"] == [[3]]
    assert sql(
        "with gone as (delete from made returning a) select count(*) as n from gone"
    ).table["rows"] == [[3]]
    assert sql("drop table made; select 1 as a").table["rows"] == [[1]]
    outcome = sql("select 5 as a into temp copied")
    assert outcome.text == "Query returned no rows", outcome.frames
    assert sql("show server_encoding").table["rows"] == [["UTF8"]]
    assert sql("").status == "error"


@pytest.mark.parametrize(
    "query, ename, message",
    [
        (
            "select * from missing",
            "UndefinedTable",
            'relation "missing" does not exist',
        ),
        ("selec 1", "SyntaxError", "syntax error"),
        ("select 1 / 0", "DivisionByZero", "division by zero"),
    ],
)
def test_errors_are_sentences_and_the_connection_lives(sql, query, ename, message):
    outcome = sql(query)
    assert outcome.error["ename"] == ename
    assert (
        outcome.error["traceback"].startswith(f"{ename}: ")
        and message in outcome.error["traceback"]
    )
    assert sql("select 1 as a").table["rows"] == [[1]]


@pytest.mark.parametrize(
    "query",
    [
        "select pg_sleep(100)",
        "do $$ begin perform pg_sleep(100); end $$",
        "select count(*) from big a, big b",
    ],
)
def test_a_query_is_interrupted_and_the_connection_lives(kernel, sql, server, query):
    sql("create temp table mine as select 7 as a")
    request = {
        "type": "sql",
        "parts": [text(query)],
        "tables": [],
        "output_name": None,
        "connection": server,
    }
    number = kernel.start(request)
    time.sleep(0.4)
    started = time.monotonic()
    kernel.interrupt()
    outcome = kernel.finish(number, 5)
    assert outcome.status == "interrupted" and time.monotonic() - started < 1
    assert sql("select a from mine").table["rows"] == [[7]]


def test_the_connection_string_is_never_shown(kernel, server):
    for broken in (
        server.replace(PASSWORD, "wrong-" + PASSWORD),
        server.replace("/postgres", "/nowhere"),
        server.replace("127.0.0.1", "127.0.0.2:1,127.0.0.3"),
        f"postgresql://tester:{PASSWORD}@host with spaces/",
        f"postgresql://tester:{PASSWORD}@[::1/x",
        f"host=127.0.0.1 port=1 password={PASSWORD} nonsense",
        f"postgresql://tester:{PASSWORD}@127.0.0.1:notaport/x",
    ):
        outcome = kernel.sql("select 1", connection=broken)
        assert outcome.status == "error"
        assert PASSWORD not in str(outcome.frames), broken


def test_other_spellings_of_the_url(kernel, server):
    for scheme in ("postgres://", "postgresql+asyncpg://", "postgresql+psycopg2://"):
        url = server.replace("postgresql://", scheme)
        assert kernel.sql("select 1 as a", connection=url).table["rows"] == [[1]]


def test_a_broken_connection_is_opened_again(sql):
    pid = sql("select pg_backend_pid() as p").table["rows"][0][0]
    assert sql(f"select pg_terminate_backend({pid})").status == "error"
    assert sql("select 1 as a").table["rows"] == [[1]]


def test_user_code_keeps_its_own_way_with_the_driver(kernel, sql, server):
    sql("select 1")
    kernel.run(
        f"import psycopg2, psycopg2.extensions as e\nc = psycopg2.connect({server!r})\nk = c.cursor(); k.execute('select 3')"
    )
    assert kernel.run("k.fetchone()[0], e.get_wait_callback()").result == "(3, None)"
