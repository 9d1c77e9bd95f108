/* events: the messages of the contract (CONTRACT 3.3), encoded once for all who watch. */
#include "session/internal.h"

static struct json_writer begin(struct text *out, struct span type, const struct cell *c)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), type);
    json_member_string(&w, SPAN("cellId"), id_span(&c->id));
    return w;
}

static void end(struct session *s, struct text *out, enum event_kind kind, struct span cell_id)
{
    if (!out->overflowed) {
        batch_event(s, &(struct event){.kind = kind, .cell_id = cell_id, .json = text_span(out)});
    }
    text_free(out);
}

void publish_status(struct session *s, const struct cell *c)
{
    struct text out = TEXT(1024);
    struct json_writer w = begin(&out, SPAN("cell_status"), c);
    json_member_string(&w, SPAN("status"), cell_status_name(c->status));
    json_close_object(&w);
    end(s, &out, EVENT_STATUS, id_span(&c->id));
}

static size_t stdout_size(const struct cell *c)
{
    size_t size = 0;
    for (size_t i = 0; i < c->output_count; i++) {
        size += c->outputs[i].kind == OUTPUT_DISPLAY ? 0 : c->outputs[i].size;
    }
    return size;
}

static void write_stdout(struct text *out, const struct cell *c, struct span text)
{
    struct json_writer w = begin(out, SPAN("cell_stdout"), c);
    json_member_string(&w, SPAN("data"), text);
    json_close_object(&w);
}

void publish_stdout(struct session *s, const struct cell *c, struct span text)
{
    struct text out = TEXT(MESSAGE_MAX);
    write_stdout(&out, c, text);
    batch_event(s, &(struct event){.kind = EVENT_STDOUT,
                                   .cell_id = id_span(&c->id),
                                   .json = text_span(&out),
                                   .end = stdout_size(c)});
    text_free(&out);
}

bool session_stdout_message(const struct session *s, struct span cell_id, size_t until,
                            struct text *out)
{
    const struct cell *c = session_cell(s, cell_id);
    if (c == NULL) {
        return false;
    }
    struct text all = TEXT(MESSAGE_MAX);
    cell_stdout(c, &all);
    write_stdout(out, c, span_sub(text_span(&all), 0, until));
    text_free(&all);
    return !out->overflowed;
}

void publish_error(struct session *s, const struct cell *c)
{
    struct text out = TEXT(MESSAGE_MAX);
    struct json_writer w = begin(&out, SPAN("cell_error"), c);
    json_member_string(&w, SPAN("error"), span_str(c->error));
    json_close_object(&w);
    end(s, &out, EVENT_ERROR, id_span(&c->id));
}

void publish_output(struct session *s, const struct cell *c, struct span output)
{
    struct text out = TEXT(MESSAGE_MAX);
    struct json_writer w = begin(&out, SPAN("cell_output"), c);
    json_member_raw(&w, SPAN("output"), output);
    json_close_object(&w);
    end(s, &out, EVENT_OUTPUT, id_span(&c->id));
}

void publish_updated(struct session *s, const struct cell *c)
{
    struct text out = TEXT(MESSAGE_MAX);
    struct json_writer w = begin(&out, SPAN("cell_updated"), c);
    json_put_name(&w, SPAN("cell"));
    json_open_object(&w);
    json_member_string(&w, SPAN("code"), span_str(c->code));
    wire_names(&w, SPAN("reads"), &c->reads);
    wire_names(&w, SPAN("writes"), &c->writes);
    json_member_string(&w, SPAN("status"), cell_status_name(c->status));
    json_member_string(&w, SPAN("error"), span_str(c->error));
    json_close_object(&w);
    json_close_object(&w);
    end(s, &out, EVENT_CELL_UPDATED, id_span(&c->id));
}

void publish_created(struct session *s, size_t position)
{
    const struct cell *c = s->notebook->cells[position];
    struct text out = TEXT(MESSAGE_MAX);
    struct json_writer w = begin(&out, SPAN("cell_created"), c);
    json_put_name(&w, SPAN("cell"));
    json_open_object(&w);
    json_member_string(&w, SPAN("id"), id_span(&c->id));
    json_member_string(&w, SPAN("type"), cell_type_name(c->type));
    json_member_string(&w, SPAN("code"), span_str(c->code));
    json_member_string(&w, SPAN("status"), cell_status_name(c->status));
    wire_names(&w, SPAN("reads"), &c->reads);
    wire_names(&w, SPAN("writes"), &c->writes);
    json_close_object(&w);
    json_member_int(&w, SPAN("index"), (int64_t)position);
    json_close_object(&w);
    end(s, &out, EVENT_CELL_CREATED, id_span(&c->id));
}

void publish_deleted(struct session *s, struct span cell_id)
{
    struct text out = TEXT(1024);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), SPAN("cell_deleted"));
    json_member_string(&w, SPAN("cellId"), cell_id);
    json_close_object(&w);
    end(s, &out, EVENT_CELL_DELETED, cell_id);
}

void publish_repaint(struct session *s, const struct cell *c)
{
    struct cell shown = {.id = c->id, .status = CELL_RUNNING};
    publish_status(s, &shown);
    struct text all = TEXT(MESSAGE_MAX);
    cell_stdout(c, &all);
    if (all.n > 0) {
        publish_stdout(s, c, text_span(&all));
    }
    text_free(&all);
    for (size_t i = 0; i < c->output_count; i++) {
        if (c->outputs[i].kind == OUTPUT_DISPLAY) {
            publish_output(s, c, span_of(c->outputs[i].data, c->outputs[i].size));
        }
    }
    if (c->status != CELL_RUNNING) {
        publish_status(s, c);
    }
}
