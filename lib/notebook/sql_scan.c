/* SQL cells: parts for rendering, and names for the graph. */
#include "notebook/sql_tables.h"

struct scanner {
    struct arena *arena;
    struct sql_scan *out;
    size_t cap;
    const char *text_from;                              /* where the next SQL_TEXT begins */
    enum { ELSEWHERE, AFTER_IN, AFTER_IN_PAREN } place; /* of the next token */
};

static struct sql_part *add_part(struct scanner *s, enum sql_part_kind kind, struct span text)
{
    if (s->out->count == s->cap) {
        s->cap = s->cap == 0 ? 8 : s->cap * 2;
        struct sql_part *parts = arena_alloc_array(s->arena, s->cap, sizeof *parts);
        if (s->out->count != 0) {
            memcpy(parts, s->out->parts, s->out->count * sizeof *parts);
        }
        s->out->parts = parts;
    }
    struct sql_part *p = &s->out->parts[s->out->count++];
    *p = (struct sql_part){.kind = kind, .text = text};
    return p;
}

/* Text up to `end` becomes a part; the next one begins at `next`. */
static void cut_text(struct scanner *s, const char *end, const char *next)
{
    if (end != s->text_from) {
        (void)add_part(s, SQL_TEXT, span_of(s->text_from, (size_t)(end - s->text_from)));
    }
    s->text_from = next;
}

static struct sql_part *add_placeholder(struct scanner *s, enum sql_part_kind kind,
                                        const struct sql_token *t)
{
    cut_text(s, t->text.p, t->text.p + t->text.n);
    struct sql_part *p = add_part(s, kind, t->text);
    p->name = t->name;
    p->attribute = t->attribute;
    return p;
}

/* True when the literal holds placeholders. In E'...' the byte behind a backslash is no brace. */
static bool take_literal(struct scanner *s, const struct sql_token *literal)
{
    bool found = false;
    struct span text = literal->text;
    for (size_t i = 0; i < text.n; i++) {
        if (literal->escapes && text.p[i] == '\\') {
            i++;
            continue;
        }
        struct sql_token t = {.kind = SQL_TOKEN_END};
        if (text.p[i] == '{') {
            t = sql_token_placeholder(text, i);
        }
        if (t.kind != SQL_TOKEN_END) {
            struct sql_part *p = add_placeholder(s, SQL_SOFT, &t);
            p->quote = literal->kind == SQL_TOKEN_QUOTED ? '"' : '\'';
            p->escapes = literal->escapes;
            i += t.text.n - 1;
            found = true;
        }
    }
    return found;
}

static void take_param(struct scanner *s, const struct sql_token *t)
{
    struct sql_part *p = add_placeholder(s, SQL_PARAM, t);
    p->in_list = s->place != ELSEWHERE;
    p->in_parens = s->place == AFTER_IN_PAREN;
}

static void move(struct scanner *s, const struct sql_token *t)
{
    if (t->kind == SQL_TOKEN_WORD && span_eq_nocase(t->text, SPAN("in"))) {
        s->place = AFTER_IN;
    } else if (s->place == AFTER_IN && span_eq(t->text, SPAN("("))) {
        s->place = AFTER_IN_PAREN;
    } else {
        s->place = ELSEWHERE;
    }
}

/* Makes the parts of one token, blanks left out, and passes it on. */
static void take(struct scanner *s, struct sql_tables *tables, struct sql_token t)
{
    if (t.kind == SQL_TOKEN_PLACEHOLDER) {
        take_param(s, &t);
    } else if (t.kind == SQL_TOKEN_DOUBLED) {
        cut_text(s, t.text.p + 1, t.text.p + 2);
    } else if (t.kind == SQL_TOKEN_STRING || t.kind == SQL_TOKEN_QUOTED) {
        bool dynamic = take_literal(s, &t);
        t.kind = dynamic ? SQL_TOKEN_STRING : t.kind; /* "{x}" is no name we know */
    }
    move(s, &t);
    sql_tables_take(tables, &t);
}

/* The NAME of `-- @out NAME`, when the first line is exactly that. */
static struct span output_name(struct span code)
{
    struct span line = span_trim(span_sub(code, 0, span_find(code, '\n')));
    if (!span_starts(line, SPAN("--"))) {
        return SPAN_NULL;
    }
    struct span words = span_trim(span_sub(line, 2, line.n));
    if (!span_starts(words, SPAN("@out"))) {
        return SPAN_NULL;
    }
    struct span rest = span_sub(words, 4, words.n);
    struct span name = span_trim(rest);
    return name.n < rest.n && sql_token_is_name(name) ? name : SPAN_NULL;
}

static struct sql_scan refused(struct arena *a, struct span braces)
{
    return (struct sql_scan){
        .error =
            arena_printf(a, "only {name} is allowed in SQL cells, got %.*s", SPAN_ARGS(braces))};
}

static struct sql_scan scan_with(struct arena *a, struct span code, struct sql_tables *tables)
{
    struct sql_scan out = {0};
    struct scanner s = {.arena = a, .out = &out, .text_from = code.p};
    struct sql_lexer lexer = {.code = code};
    for (;;) {
        struct sql_token t = sql_token_next(&lexer);
        if (t.kind == SQL_TOKEN_END) {
            break;
        }
        if (t.kind == SQL_TOKEN_BAD_BRACE) {
            return refused(a, t.text);
        }
        if (t.kind != SQL_TOKEN_BLANK) {
            take(&s, tables, t);
        }
    }
    cut_text(&s, code.p + code.n, NULL);
    sql_tables_end(tables, &out.tables, &out.table_count);
    out.output_name = output_name(code);
    return out;
}

struct sql_scan sql_scan(struct arena *a, struct span code)
{
    struct sql_tables *tables = sql_tables_new(a);
    struct sql_scan out = scan_with(a, span_is_null(code) ? SPAN("") : code, tables);
    sql_tables_free(tables);
    return out;
}

void sql_reads(const struct sql_scan *s, bool embedded, struct names *out)
{
    CLEANUP(mem_free_ptr)
    struct span *names = mem_alloc_array(s->count + s->table_count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->parts[i].kind != SQL_TEXT) {
            names[count++] = s->parts[i].name;
        }
    }
    for (size_t i = 0; embedded && i < s->table_count; i++) {
        if (sql_token_is_name(s->tables[i])) {
            names[count++] = s->tables[i];
        }
    }
    names_set(out, names, count);
}
