/* request: the payload of an execute frame (schema/kernel.yaml, kinds 32 and 34). */
#include "session/internal.h"

void request_drop(const struct names *names, struct text *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    wire_names(&w, SPAN("names"), names);
    json_close_object(&w);
}

/* Every name that some cell writes, as the keys of a map. */
static struct map written_names(const struct notebook *n)
{
    struct map written = {0};
    for (size_t i = 0; i < n->cell_count; i++) {
        const struct names *names = &n->cells[i]->writes;
        for (size_t k = 0; k < names->count; k++) {
            (void)map_put(&written, span_str(names->items[k]), names->items[k]);
        }
    }
    return written;
}

static struct span part_kind(const struct map *written, const struct sql_part *p)
{
    if (p->kind == SQL_PARAM) {
        return SPAN("param");
    }
    /* A name in a literal that no cell defines is no placeholder: '{1,2}' and JSON stay as written.
     */
    return p->kind == SQL_SOFT && map_get(written, p->name) != NULL ? SPAN("soft") : SPAN("text");
}

static void put_part(struct json_writer *w, const struct map *written, const struct sql_part *p)
{
    json_open_object(w);
    json_member_string(w, SPAN("kind"), part_kind(written, p));
    json_member_string(w, SPAN("text"), p->text);
    json_member_string(w, SPAN("name"), span_is_null(p->name) ? SPAN("") : p->name);
    json_member_string(w, SPAN("attribute"), p->attribute);
    json_member_string(w, SPAN("quote"), p->quote == '\0' ? SPAN("") : span_of(&p->quote, 1));
    json_member_bool(w, SPAN("escapes"), p->escapes);
    json_member_bool(w, SPAN("in_list"), p->in_list);
    json_member_bool(w, SPAN("in_parens"), p->in_parens);
    json_close_object(w);
}

static void put_sql(struct json_writer *w, const struct notebook *n, const struct cell *c)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct sql_scan scan = sql_scan(a, span_str(c->code));
    CLEANUP(map_free) struct map written = written_names(n);
    json_put_name(w, SPAN("parts"));
    json_open_array(w);
    for (size_t i = 0; i < scan.count; i++) {
        put_part(w, &written, &scan.parts[i]);
    }
    json_close_array(w);
    json_put_name(w, SPAN("tables"));
    json_open_array(w);
    for (size_t i = 0; i < scan.table_count; i++) {
        json_put_string(w, scan.tables[i]);
    }
    json_close_array(w);
    json_member_string(w, SPAN("output_name"), scan.output_name);
    json_member_string(w, SPAN("connection"), span_str(n->connection));
}

void request_execute(struct session *s, const struct cell *c, size_t position, struct text *out)
{
    struct text label = TEXT(64);
    text_addf(&label, "Cell [%zu]", position + 1);
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), cell_type_name(c->type));
    json_member_string(&w, SPAN("label"), text_span(&label));
    json_member_string(&w, SPAN("code"), span_str(c->code));
    json_put_name(&w, SPAN("drop"));
    json_open_array(&w);
    json_close_array(&w);
    if (c->type == CELL_SQL) {
        put_sql(&w, s->notebook, c);
    }
    json_close_object(&w);
    text_free(&label);
}
