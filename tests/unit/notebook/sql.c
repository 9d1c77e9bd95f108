/* SQL cells: placeholders, tables, the name of the result. */
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/notebook/pages.h"

/* --- parts --- */

/* Written as: [text], <param>, <param in> behind IN, <param in()> behind IN (, {soft'} {soft"}
 * {softE} by literal. */
static const struct {
    const char *sql, *parts;
} part_cases[] = {
    {"", ""},
    {"select 1", "[select 1]"},
    {"{x}", "<x>"},
    {"select {x}", "[select ]<x>"},
    {"select {x} + {y};", "[select ]<x>[ + ]<y>[;]"},
    {"{x}{y}", "<x><y>"},
    {"select { x }, {\tx\n}", "[select ]<x>[, ]<x>"},
    {"{a.b}", "<a.b>"},
    {"{ a.b }", "<a.b>"},
    {"{_a1}", "<_a1>"},
    {"{\xC3\xA4pfel}", "<\xC3\xA4pfel>"},
    {"{x}::date", "<x>[::date]"},
    {"x->>{k}", "[x->>]<k>"},
    {"a[{i}]", "[a[]<i>[]]"},
    {"$1 {x}", "[$1 ]<x>"},
    {"limit {n}", "[limit ]<n>"},
    /* literal braces */
    {"{{", "[{]"},
    {"}}", "[}]"},
    {"a{{b}}c", "[a{][b}][c]"},
    {"{{x}}", "[{][x}]"},
    {"{{{x}}}", "[{]<x>[}]"},
    {"{x}}}", "<x>[}]"},
    {"{{{{", "[{][{]"},
    {"}", "[}]"},
    {"a } b", "[a } b]"},
    {"'{{'", "['{{']"},
    /* single quotes */
    {"'{x}'", "[']{x'}[']"},
    {"'a {x} b'", "['a ]{x'}[ b']"},
    {"'it''s {x}' {y}", "['it''s ]{x'}[' ]<y>"},
    {"''{x}''", "['']<x>['']"},
    {"'''{x}'", "[''']{x'}[']"},
    {"'{x}{y}'", "[']{x'}{y'}[']"},
    {"'{ x.a }'", "[']{x.a'}[']"},
    {"'{1,2}'::int[]", "['{1,2}'::int[]]"},
    {"'{\"a\": 1}'::jsonb", "['{\"a\": 1}'::jsonb]"},
    {"'{}' '{' '}'", "['{}' '{' '}']"},
    {"'{a b}'", "['{a b}']"},
    {"'{{x}}'", "['{]{x'}[}']"},
    {"'{x' {y}", "['{x' ]<y>"},
    {"'\\' {x}", "['\\' ]<x>"},
    {"'-- {x}' {y}", "['-- ]{x'}[' ]<y>"},
    {"'$$' {x} '$$'", "['$$' ]<x>[ '$$']"},
    {"'unterminated {x}", "['unterminated ]{x'}"},
    {"'unterminated", "['unterminated]"},
    {"'a''", "['a'']"},
    /* E'...' */
    {"E'it\\'s {x}' {y}", "[E'it\\'s ]{xE}[' ]<y>"},
    {"e'{x}'", "[e']{xE}[']"},
    {"E'\\\\' {x}", "[E'\\\\' ]<x>"},
    {"E'\\{x}'", "[E'\\{x}']"},
    {"E'a''{x}'", "[E'a'']{xE}[']"},
    {"E'\\", "[E'\\]"},
    {"E'", "[E']"},
    {"re'{x}\\' {y}", "[re']{x'}[\\' ]<y>"},
    {"E '\\' {x}", "[E '\\' ]<x>"},
    {"N'\\' {x}", "[N'\\' ]<x>"},
    /* double quotes */
    {"\"{x}\"", "[\"]{x\"}[\"]"},
    {"\"a\"\"{x}\" {y}", "[\"a\"\"]{x\"}[\" ]<y>"},
    {"\"'\" {x} \"'\"", "[\"'\" ]<x>[ \"'\"]"},
    {"E\"\\\" {x}", "[E\"\\\" ]<x>"},
    {"\"open {x}", "[\"open ]{x\"}"},
    /* dollar quotes */
    {"$${x}$$ {y}", "[$${x}$$ ]<y>"},
    {"$a${x}$a$ {y}", "[$a${x}$a$ ]<y>"},
    {"$a$ $b$ {x} $b$ $a$ {y}", "[$a$ $b$ {x} $b$ $a$ ]<y>"},
    {"$a$ $A$ {x}", "[$a$ $A$ {x}]"},
    {"$$ ' $$ {x}", "[$$ ' $$ ]<x>"},
    {"$1${x}", "[$1$]<x>"},
    {"a$b${x}", "[a$b$]<x>"},
    {"a$$ {x} $$", "[a$$ ]<x>[ $$]"},
    {"1$$ {x} $$ {y}", "[1$$ {x} $$ ]<y>"},
    {"$$ {x}", "[$$ {x}]"},
    {"$", "[$]"},
    {"$a", "[$a]"},
    {"$a {x}", "[$a ]<x>"},
    {"$$$$ {x}", "[$$$$ ]<x>"},
    {"$\xC3\xA4$ {x} $\xC3\xA4$", "[$\xC3\xA4$ {x} $\xC3\xA4$]"},
    /* comments */
    {"-- {x}\n{y}", "[-- {x}\n]<y>"},
    {"-- {x}\r{y}", "[-- {x}\r]<y>"},
    {"-- {bad one}\n1", "[-- {bad one}\n1]"},
    {"--", "[--]"},
    {"a - {x}", "[a - ]<x>"},
    {"a -{x}", "[a -]<x>"},
    {"/* {x} */ {y}", "[/* {x} */ ]<y>"},
    {"/* {a} /* {b} */ {c} */ {d}", "[/* {a} /* {b} */ {c} */ ]<d>"},
    {"/*/ {x} */ {y}", "[/*/ {x} */ ]<y>"},
    {"/* ' */ {x}", "[/* ' */ ]<x>"},
    {"/**/{x}", "[/**/]<x>"},
    {"/* {x}", "[/* {x}]"},
    {"/*", "[/*]"},
    {"/", "[/]"},
    {"a / {x}", "[a / ]<x>"},
    {"' /* ' {x} /* ' */", "[' /* ' ]<x>[ /* ' */]"},
    /* lists */
    {"id in {ids}", "[id in ]<ids in>"},
    {"id IN ({ids})", "[id IN (]<ids in()>[)]"},
    {"id not In ( {ids} )", "[id not In ( ]<ids in()>[ )]"},
    {"id in /* which */ {ids}", "[id in /* which */ ]<ids in>"},
    {"id in -- which\n({ids})", "[id in -- which\n(]<ids in()>[)]"},
    {"id in ({a}, {b})", "[id in (]<a in()>[, ]<b>[)]"},
    {"id in (({a}))", "[id in ((]<a>[))]"},
    {"begin {x}", "[begin ]<x>"},
    {"inner {x}", "[inner ]<x>"},
    {"\"in\" {x}", "[\"in\" ]<x>"},
    {"'in' {x}", "['in' ]<x>"},
    {"id in 1 {x}", "[id in 1 ]<x>"},
    {"id = any({ids})", "[id = any(]<ids>[)]"},
    {"in '{x}'", "[in ']{x'}[']"},
};

static const char *literal_of(const struct sql_part *p)
{
    if (p->escapes) {
        return "E";
    }
    return p->quote == '"' ? "\"" : "'";
}

static void write_placeholder(const struct sql_part *p, struct text *out)
{
    bool soft = p->kind == SQL_SOFT;
    CHECK(soft ? !p->in_list : p->quote == '\0' && !p->escapes);
    CHECK(p->in_list || !p->in_parens);
    text_addf(out, "%s%.*s", soft ? "{" : "<", SPAN_ARGS(p->name));
    text_addf(out, "%s%.*s", span_is_null(p->attribute) ? "" : ".", SPAN_ARGS(p->attribute));
    text_addf(out, "%s%s", p->in_list ? " in" : "", p->in_parens ? "()" : "");
    text_addf(out, "%s%s", soft ? literal_of(p) : "", soft ? "}" : ">");
}

static void write_part(const struct sql_part *p, struct text *out)
{
    if (p->kind == SQL_TEXT) {
        text_addf(out, "[%.*s]", SPAN_ARGS(p->text));
    } else {
        write_placeholder(p, out);
    }
}

static void check_parts(const char *sql, const char *expected)
{
    /* An exact copy on the heap: the sanitizer sees a read past its end. */
    struct span text = span_str(sql);
    CLEANUP(mem_free_ptr) char *copy = mem_alloc(text.n);
    for (size_t i = 0; i < text.n; i++) {
        copy[i] = text.p[i];
    }
    struct arena *a = arena_new();
    struct sql_scan s = sql_scan(a, span_of(copy, text.n));
    CHECK(span_is_null(s.error));
    struct text said = TEXT(4096);
    for (size_t i = 0; i < s.count; i++) {
        write_part(&s.parts[i], &said);
    }
    if (!span_eq(text_span(&said), span_str(expected))) {
        fprintf(stderr, "# got: %s\n", text_span(&said).p);
    }
    CHECK(span_eq(text_span(&said), span_str(expected)));
    text_free(&said);
    arena_free(a);
}

static void parts_are_as_written(void)
{
    for (size_t i = 0; i < sizeof part_cases / sizeof *part_cases; i++) {
        check_case(part_cases[i].sql);
        check_parts(part_cases[i].sql, part_cases[i].parts);
    }
}

/* --- refusals --- */
static const struct {
    const char *sql, *shown;
} refused_cases[] = {
    {"select {}", "{}"},
    {"select { }", "{ }"},
    {"select {1}", "{1}"},
    {"select {1x}", "{1x}"},
    {"select {a b}", "{a b}"},
    {"select {a+1}", "{a+1}"},
    {"select {a.}", "{a.}"},
    {"select {.a}", "{.a}"},
    {"select {a.b.c}", "{a.b.c}"},
    {"select {a . b}", "{a . b}"},
    {"select {a.1}", "{a.1}"},
    {"select {f(x)}", "{f(x)}"},
    {"select {x:>10}", "{x:>10}"},
    {"select {'x'}", "{'x'}"},
    {"select {x", "{x"},
    {"select {", "{"},
    {"select {x\n y} z", "{x"},
    {"select { {x} }", "{ {x}"},
    {"select {x-y} {good}", "{x-y}"},
    {"{good} /* {fine one} */ {b!}", "{b!}"},
    {"select {{{", "{"},
    {"select {0123456789012345678901234567890123456789012345678901234567890123456789}",
     "{01234567890123456789012345678901234567890123456789012345678"},
    {"select {-0123456789012345678901234567890123456789012345678901234567\xC3\xA4}",
     "{-0123456789012345678901234567890123456789012345678901234567"},
};

static void anything_else_in_braces_is_refused_with_what_it_is(void)
{
    for (size_t i = 0; i < sizeof refused_cases / sizeof *refused_cases; i++) {
        check_case(refused_cases[i].sql);
        struct arena *a = arena_new();
        struct sql_scan s = sql_scan(a, span_str(refused_cases[i].sql));
        struct span expected =
            arena_printf(a, "only {name} is allowed in SQL cells, got %s", refused_cases[i].shown);
        CHECK(span_eq(s.error, expected));
        CHECK(s.count == 0 && s.table_count == 0 && span_is_null(s.output_name));
        arena_free(a);
    }
}

/* --- tables --- */
static const struct {
    const char *sql, *tables;
} table_cases[] = {
    {"select 1", ""},
    {"select * from df", "df"},
    {"SELECT * FROM Df", "Df"},
    {"select * from df;", "df"},
    {"select * from df where x = 1", "df"},
    {"select * from\n  -- which\n  df /* this */ d", "df"},
    {"select * from df, other", "df other"},
    {"select * from a x, b as y, c", "a b c"},
    {"select * from a, a, b, a", "a b"},
    {"select * from a join b on a.x = b.x", "a b"},
    {"select * from a left join b using (x), c", "a b c"},
    {"select * from a natural join b cross join c", "a b c"},
    {"select * from a join b on f(a.x, b.y) = 1, c", "a b c"},
    {"select a, b, c from t", "t"},
    {"select a, b from t group by a, b order by a, b limit 1, 2", "t"},
    {"select x from t where x in (1, 2), y", "t"},
    {"select * from a union select * from b", "a b"},
    {"select * from a; select * from b", "a b"},
    {"select * from (select * from inner_t) x", "inner_t"},
    {"select * from (select * from a) x, b", "a b"},
    {"select * from (select a, b from t) x, u", "t u"},
    {"select * from (a join b on true), c", "a b c"},
    {"select * from (a, b), c", "a b c"},
    {"select * from ((select 1 from a) union (select 2 from b)) x", "a b"},
    {"select * from (values (1, 2), (3, 4)) v(x, y), t", "t"},
    {"select (select max(x) from u), y from t", "u t"},
    {"select * from t where exists (select 1 from u where u.x = t.x)", "t u"},
    {"select * from lateral (select 1 from t) x", "t"},
    {"select * from a, lateral f(a.x) g, b", "a b"},
    {"select * from only t", "t"},
    /* quoted */
    {"select * from \"df\"", "df"},
    {"select * from \"my table\", b", "my table|b"},
    {"select * from \"a\"\"b\"", "a\"b"},
    {"select * from \"\"", ""},
    {"select * from \"open", ""},
    {"select * from \"{x}\"", ""},
    {"select \"from\" x, y", ""},
    {"select * from t \"from\", u", "t u"},
    /* not tables: schemas, calls, parameters, literals */
    {"select * from s.t", ""},
    {"select * from s . t, u", "u"},
    {"select * from a.b.c, d", "d"},
    {"select * from \"s\".\"t\"", ""},
    {"select * from s.\"t\" join u on true", "u"},
    {"select * from range(10)", ""},
    {"select * from range (10), t", "t"},
    {"select * from {df}", ""},
    {"select * from {df}, t", "t"},
    {"select * from 't'", ""},
    {"select 'from t'", ""},
    {"-- from t\nselect 1", ""},
    {"select $$ from t $$", ""},
    {"select x.from from t", "t"},
    {"select extract(year from d) from t", "t"},
    {"select trim(both 'x' from c), substring(c from 2 for 3) from t", "t"},
    {"select extract(year from (select d from u))", "u"},
    {"select * from t where a is distinct from b", "t"},
    {"select * from t for update", "t"},
    {"select * from t for update of u", "t"},
    {"select * from t for no key update", "t"},
    /* writing */
    {"insert into t values (1, 2), (3, 4)", "t"},
    {"insert into t (a, b) select a, b from u", "t u"},
    {"insert into t(a) values (1)", "t"},
    {"insert or replace into t select 1", "t"},
    {"insert into t values (1) on conflict do update set a = 1", "t"},
    {"update t set a = 1, b = 2 where c", "t"},
    {"update t set a = u.a from u, v where t.x = u.x", "t u v"},
    {"update or replace t set a = 1", "t"},
    {"update only t set a = 1", "t"},
    {"delete from t where x", "t"},
    {"create table t (a int, b int)", "t"},
    {"create table if not exists t as select * from u", "t u"},
    {"create temp table t(a int)", "t"},
    {"drop table if exists t", "t"},
    {"alter table t add column c int", "t"},
    {"create function f() returns table (a int)", ""},
    {"table t", "t"},
    {"create table t (a int references u on update cascade)", "t"},
    /* WITH */
    {"with x as (select * from t) select * from x", "t"},
    {"with x as (select 1), y as (select * from x) select * from y, z", "z"},
    {"with recursive r(n) as (select 1 union select n + 1 from r) select * from r, t", "t"},
    {"with x as materialized (select * from t) select * from x", "t"},
    {"with x as not materialized (select * from t) select * from x", "t"},
    {"WITH X AS (select 1) select * from x", ""},
    {"with \"x\" as (select 1) select * from x, X, \"x\"", ""},
    {"with x (a, b) as (select 1, 2 from t), y as (select 3) select * from x, y", "t"},
    {"with x as (delete from t returning a) select * from x", "t"},
    {"with x as (select 1) insert into t select * from x", "t"},
    {"select * from (with x as (select 1 from t), y as (select 2) select * from x, y) z, u", "t u"},
    {"with x as (with y as (select * from t) select * from y) select * from x", "t"},
    {"with x as (select 1) select 2; select * from x", "x"},
    {"select * from f() with ordinality as g(a, b), t", "t"},
    {"select cast(x as timestamp with time zone), y from t", "t"},
    {"create table t (a int) with (fillfactor = 70)", "t"},
    {"select * from t order by x fetch first 1 row with ties", "t"},
    /* broken SQL is read as far as it makes sense */
    {"from", ""},
    {"select * from", ""},
    {"select * from ,", ""},
    {"select * from , t", "t"},
    {"select * from ))) , t", "t"},
    {"select * from ((((", ""},
    {"with", ""},
    {"with x", ""},
    {"with x as", ""},
    {"with x as (", ""},
    {"join t", "t"},
    {"a.(select x from t)", "t"},
};

static void write_tables(const struct sql_scan *s, char divider, struct text *out)
{
    for (size_t i = 0; i < s->table_count; i++) {
        if (i != 0) {
            text_add_char(out, divider);
        }
        text_add(out, s->tables[i]);
    }
}

static void tables_are_as_written(void)
{
    for (size_t i = 0; i < sizeof table_cases / sizeof *table_cases; i++) {
        const char *expected = table_cases[i].tables;
        check_case(table_cases[i].sql);
        struct arena *a = arena_new();
        struct sql_scan s = sql_scan(a, span_str(table_cases[i].sql));
        struct text said = TEXT(4096);
        write_tables(&s, strchr(expected, '|') == NULL ? ' ' : '|', &said);
        if (!span_eq(text_span(&said), span_str(expected))) {
            fprintf(stderr, "# got: %s\n", text_span(&said).p);
        }
        CHECK(span_is_null(s.error));
        CHECK(span_eq(text_span(&said), span_str(expected)));
        text_free(&said);
        arena_free(a);
    }
}

/* --- the result's name --- */
static const struct {
    const char *sql, *name; /* NULL: none */
} output_cases[] = {
    {"-- @out sales\nselect 1", "sales"},
    {"-- @out sales", "sales"},
    {"--@out sales\n", "sales"},
    {"  --  @out \t sales  \r\nselect 1", "sales"},
    {"-- @out \xC3\xA4pfel\n", "\xC3\xA4pfel"},
    {"-- @out _x1\n", "_x1"},
    {"select 1 -- @out x", NULL},
    {"\n-- @out x\n", NULL},
    {"select 1\n-- @out x", NULL},
    {"-- @out\nx", NULL},
    {"-- @out ", NULL},
    {"-- @outx\n", NULL},
    {"-- @out a b\n", NULL},
    {"-- @out 1a\n", NULL},
    {"-- @out a-b\n", NULL},
    {"-- @out {x}\n", NULL},
    {"-- out x\n", NULL},
    {"/* @out x */", NULL},
    {"- @out x", NULL},
    {"", NULL},
};

static void the_result_is_named_in_a_first_line_comment(void)
{
    for (size_t i = 0; i < sizeof output_cases / sizeof *output_cases; i++) {
        check_case(output_cases[i].sql);
        struct arena *a = arena_new();
        struct sql_scan s = sql_scan(a, span_str(output_cases[i].sql));
        CHECK(span_is_null(s.error));
        CHECK(span_is_null(s.output_name) == (output_cases[i].name == NULL));
        CHECK(span_eq(s.output_name, span_str(output_cases[i].name)));
        arena_free(a);
    }
}

/* --- reads --- */
static const struct {
    const char *sql, *connected, *embedded;
} read_cases[] = {
    {"select 1", "", ""},
    {"select {b}, {a}, {b} from t", "a b", "a b t"},
    {"select '{soft}', {hard.attribute} from t", "hard soft", "hard soft t"},
    {"select * from \"my table\", \"1x\", ok", "", "ok"},
    {"-- @out r\nselect * from r where x = {r}", "r", "r"},
    {"select {bad one} from t", "", ""},
};

static void reads_are_placeholders_and_on_the_embedded_database_tables(void)
{
    for (size_t i = 0; i < 2 * sizeof read_cases / sizeof *read_cases; i++) {
        bool embedded = i % 2 != 0;
        check_case(read_cases[i / 2].sql);
        struct arena *a = arena_new();
        struct sql_scan s = sql_scan(a, span_str(read_cases[i / 2].sql));
        struct names names = {0};
        names_add(&names, SPAN("old"));
        sql_reads(&s, embedded, &names);
        struct text said = TEXT(256);
        for (size_t k = 0; k < names.count; k++) {
            text_addf(&said, "%s%s", k == 0 ? "" : " ", names.items[k]);
        }
        const char *expected = embedded ? read_cases[i / 2].embedded : read_cases[i / 2].connected;
        CHECK(span_eq(text_span(&said), span_str(expected)));
        text_free(&said);
        names_free(&names);
        arena_free(a);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(parts_are_as_written),
        TEST(anything_else_in_braces_is_refused_with_what_it_is),
        TEST(tables_are_as_written),
        TEST(the_result_is_named_in_a_first_line_comment),
        TEST(reads_are_placeholders_and_on_the_embedded_database_tables),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
