/* sql_scan on any bytes: nothing is read or pointed to outside the code, the parts in a row are the
 * code (but for doubled braces, which stand once), and a refusal leaves nothing else behind. */
#include <stdlib.h>

#include "notebook/notebook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_inside(struct span inner, struct span outer)
{
    return inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n;
}

/* The second brace of {{ or }}, left out behind a part that ends with the first. */
static bool is_left_out(struct span code, size_t at)
{
    return at > 0 && at < code.n && (code.p[at] == '{' || code.p[at] == '}') &&
           code.p[at - 1] == code.p[at];
}

static void check_placeholder(const struct sql_part *p)
{
    require(p->text.p[0] == '{' && p->text.p[p->text.n - 1] == '}');
    require(p->name.n != 0 && is_inside(p->name, p->text));
    require(span_is_null(p->attribute) ||
            (p->attribute.n != 0 && is_inside(p->attribute, p->text)));
    require(p->kind == SQL_SOFT ? p->quote == '\'' || p->quote == '"' : p->quote == '\0');
    require(p->kind == SQL_PARAM || !p->in_list);
    require(p->in_list || !p->in_parens);
    require(!p->escapes || p->quote == '\'');
}

static void check_parts(const struct sql_scan *s, struct span code)
{
    size_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct sql_part *p = &s->parts[i];
        require(p->text.n != 0 && is_inside(p->text, code));
        size_t from = (size_t)(p->text.p - code.p);
        require(from == at || (from == at + 1 && is_left_out(code, at)));
        if (p->kind != SQL_TEXT) {
            check_placeholder(p);
        }
        at = from + p->text.n;
    }
    require(at == code.n || (at + 1 == code.n && is_left_out(code, at)));
}

static void check_tables(const struct sql_scan *s, struct span code)
{
    for (size_t i = 0; i < s->table_count; i++) {
        struct span t = s->tables[i];
        require(t.n != 0 && (is_inside(t, code) || span_has(t, SPAN("\""))));
    }
    require(span_is_null(s->output_name) || is_inside(s->output_name, code));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > NOTEBOOK_CODE_MAX) {
        return 0;
    }
    struct span code = span_of((const char *)data, size);
    struct arena *a = arena_new();
    struct sql_scan s = sql_scan(a, code);
    if (span_is_null(s.error)) {
        check_parts(&s, code);
        check_tables(&s, code);
    } else {
        require(s.count == 0 && s.table_count == 0 && span_is_null(s.output_name));
        require(!span_is_utf8(code) || span_is_utf8(s.error));
    }
    struct names reads = {0};
    sql_reads(&s, true, &reads);
    require(reads.count <= s.count + s.table_count);
    names_free(&reads);
    arena_free(a);
    return 0;
}
