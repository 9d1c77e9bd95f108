/* The contract's JSON of cells and notebooks (CONTRACT.md 2.2). */
#include "notebook/notebook.h"

/* How many outputs are streams, their bytes, and the last of them. */
static size_t streams_of(const struct cell *c, size_t *bytes, struct span *last)
{
    size_t streams = 0;
    for (size_t i = 0; i < c->output_count; i++) {
        if (c->outputs[i].kind != OUTPUT_DISPLAY) {
            *last = span_of(c->outputs[i].data, c->outputs[i].size);
            *bytes += last->n;
            streams++;
        }
    }
    return streams;
}

/* Most cells have one stream or none, which needs no merging. */
static void put_stdout(struct json_writer *w, const struct cell *c)
{
    size_t bytes = 0;
    struct span shown = SPAN("");
    size_t streams = streams_of(c, &bytes, &shown);
    struct text merged = TEXT(bytes);
    if (streams > 1) {
        cell_stdout(c, &merged);
        shown = text_span(&merged);
    }
    json_member_string(w, SPAN("stdout"), shown);
    text_free(&merged);
}

static void put_outputs(struct json_writer *w, const struct cell *c)
{
    json_put_name(w, SPAN("outputs"));
    json_open_array(w);
    for (size_t i = 0; i < c->output_count; i++) {
        if (c->outputs[i].kind == OUTPUT_DISPLAY) {
            json_put_raw(w, span_of(c->outputs[i].data, c->outputs[i].size));
        }
    }
    json_close_array(w);
}

void wire_names(struct json_writer *w, struct span member, const struct names *names)
{
    json_put_name(w, member);
    json_open_array(w);
    for (size_t i = 0; i < names->count; i++) {
        json_put_string(w, span_str(names->items[i]));
    }
    json_close_array(w);
}

/* What both versions of the protocol have. */
static void put_cell(struct json_writer *w, const struct cell *c)
{
    json_member_string(w, SPAN("id"), id_span(&c->id));
    json_member_string(w, SPAN("type"), cell_type_name(c->type));
    json_member_string(w, SPAN("code"), span_str(c->code));
    json_member_string(w, SPAN("status"), cell_status_name(c->status));
    put_stdout(w, c);
    put_outputs(w, c);
    json_member_string(w, SPAN("error"), span_str(c->error != NULL ? c->error : c->flaw));
    wire_names(w, SPAN("reads"), &c->reads);
    wire_names(w, SPAN("writes"), &c->writes);
}

void wire_cell(struct json_writer *w, const struct cell *c)
{
    json_open_object(w);
    put_cell(w, c);
    json_close_object(w);
}

static void put_range(struct json_writer *w, size_t start, size_t end)
{
    if (start == end) {
        json_put_null(w);
        return;
    }
    json_open_object(w);
    json_member_int(w, SPAN("start"), (int64_t)start);
    json_member_int(w, SPAN("end"), (int64_t)end);
    json_close_object(w);
}

static void put_text(struct json_writer *w, const struct cell *c)
{
    json_put_name(w, SPAN("text"));
    json_open_object(w);
    json_member_int(w, SPAN("end"), (int64_t)c->text_end);
    json_put_name(w, SPAN("hidden"));
    put_range(w, c->hidden_start, c->hidden_end);
    json_close_object(w);
}

void wire_cell_state(struct json_writer *w, const struct cell *c)
{
    json_open_object(w);
    put_cell(w, c);
    json_member_string(w, SPAN("name"), span_str(c->name));
    json_member_bool(w, SPAN("disabled"), c->disabled);
    json_member_bool(w, SPAN("stale"), c->stale);
    json_member_int(w, SPAN("revision"), c->revision);
    put_text(w, c);
    json_close_object(w);
}

static void put_notebook(struct json_writer *w, const struct notebook *n)
{
    json_member_string(w, SPAN("id"), span_str(n->id));
    json_member_string(w, SPAN("name"), span_str(n->name));
    json_member_string(w, SPAN("db_conn_string"), span_str(n->connection));
}

static void put_cells(struct json_writer *w, const struct notebook *n,
                      void (*put)(struct json_writer *w, const struct cell *c))
{
    json_put_name(w, SPAN("cells"));
    json_open_array(w);
    for (size_t i = 0; i < n->cell_count; i++) {
        put(w, n->cells[i]);
    }
    json_close_array(w);
}

void wire_notebook(struct json_writer *w, const struct notebook *n)
{
    json_open_object(w);
    put_notebook(w, n);
    put_cells(w, n, wire_cell);
    json_close_object(w);
}

void wire_notebook_state(struct json_writer *w, const struct notebook *n)
{
    json_open_object(w);
    put_notebook(w, n);
    json_member_int(w, SPAN("revision"), n->revision);
    put_cells(w, n, wire_cell_state);
    json_close_object(w);
}
