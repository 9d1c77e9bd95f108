/* events: what happens to a cell, encoded once for all who watch. A message of version 1
 * (CONTRACT 3.3) is the beginning of that of version 2: `known` bytes of it. */
#include "session/internal.h"

/* A message that is being written. */
struct message {
    struct text out;
    struct json_writer w;
    struct event event;
};

static void begin(struct message *m, enum event_kind kind, struct span type, struct span cell_id)
{
    *m = (struct message){.out = TEXT(MESSAGE_MAX), .event = {.kind = kind, .cell_id = cell_id}};
    m->w = JSON_WRITER(&m->out);
    json_open_object(&m->w);
    json_member_string(&m->w, SPAN("type"), type);
    json_member_string(&m->w, SPAN("cellId"), cell_id);
}

static void begin_cell(struct message *m, enum event_kind kind, struct span type,
                       const struct cell *c)
{
    begin(m, kind, type, id_span(&c->id));
}

/* What was written so far is all that version 1 knows. */
static void end_known(struct message *m)
{
    m->event.known = m->out.n;
}

static void end(struct session *s, struct message *m)
{
    json_close_object(&m->w);
    m->event.json = text_span(&m->out);
    if (!m->out.overflowed) {
        batch_event(s, &m->event);
    }
    text_free(&m->out);
}

/* For version 1 alone. */
static void end_old(struct session *s, struct message *m)
{
    m->event.old_only = true;
    end(s, m);
}

/* --- status --- */
static void begin_status(struct message *m, struct span cell_id, enum cell_status status)
{
    begin(m, EVENT_STATUS, SPAN("cell_status"), cell_id);
    json_member_string(&m->w, SPAN("status"), cell_status_name(status));
    end_known(m);
}

void publish_status(struct session *s, const struct cell *c)
{
    struct message m;
    begin_status(&m, id_span(&c->id), c->status);
    m.event.begins_run = c->status == CELL_RUNNING;
    end(s, &m);
}

static void publish_old_status(struct session *s, const struct cell *c, enum cell_status status)
{
    struct message m;
    begin_status(&m, id_span(&c->id), status);
    end_old(s, &m);
}

/* --- text --- */
static size_t stdout_size(const struct cell *c)
{
    size_t size = 0;
    for (size_t i = 0; i < c->output_count; i++) {
        size += c->outputs[i].kind == OUTPUT_DISPLAY ? 0 : c->outputs[i].size;
    }
    return size;
}

static void begin_stdout(struct message *m, const struct cell *c, struct span text)
{
    begin_cell(m, EVENT_STDOUT, SPAN("cell_stdout"), c);
    json_member_string(&m->w, SPAN("data"), text);
    end_known(m);
    m->event.end = stdout_size(c);
}

void publish_stdout(struct session *s, const struct cell *c, enum output_kind kind,
                    struct span text)
{
    struct message m;
    begin_stdout(&m, c, text);
    json_member_string(&m.w, SPAN("stream"),
                       kind == OUTPUT_STDERR ? SPAN("stderr") : SPAN("stdout"));
    json_member_int(&m.w, SPAN("start"), (int64_t)(c->text_end - text.n));
    json_member_int(&m.w, SPAN("end"), (int64_t)c->text_end);
    end(s, &m);
}

void publish_notice(struct session *s, const struct cell *c, struct span text)
{
    struct message m;
    begin_stdout(&m, c, text);
    end_old(s, &m);
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
    struct message m;
    begin_stdout(&m, c, span_sub(text_span(&all), 0, until));
    json_close_object(&m.w);
    text_add(out, text_span(&m.out));
    bool fits = !m.out.overflowed && !out->overflowed;
    text_free(&m.out);
    text_free(&all);
    return fits;
}

void publish_hidden(struct session *s, const struct cell *c)
{
    struct message m;
    begin_cell(&m, EVENT_TEXT_HIDDEN, SPAN("cell_text_hidden"), c);
    json_member_int(&m.w, SPAN("start"), (int64_t)c->hidden_start);
    json_member_int(&m.w, SPAN("end"), (int64_t)c->hidden_end);
    end(s, &m);
}

/* --- errors and outputs --- */
void publish_error(struct session *s, const struct cell *c)
{
    struct message m;
    begin_cell(&m, EVENT_ERROR, SPAN("cell_error"), c);
    json_member_string(&m.w, SPAN("error"), span_str(c->error));
    end_known(&m);
    end(s, &m);
}

/* Its place among the cell's rich outputs. */
static int64_t index_of(const struct cell *c, size_t output)
{
    int64_t index = 0;
    for (size_t i = 0; i < output; i++) {
        index += c->outputs[i].kind == OUTPUT_DISPLAY;
    }
    return index;
}

static void begin_output(struct message *m, const struct cell *c, struct span output)
{
    begin_cell(m, EVENT_OUTPUT, SPAN("cell_output"), c);
    json_member_raw(&m->w, SPAN("output"), output);
    end_known(m);
}

void publish_output(struct session *s, const struct cell *c, struct span output)
{
    struct message m;
    begin_output(&m, c, output);
    json_member_int(&m.w, SPAN("index"), index_of(c, c->output_count - 1));
    end(s, &m);
}

/* --- version 1 changes nothing in place --- */
static void repaint(struct session *s, const struct cell *c)
{
    publish_old_status(s, c, CELL_RUNNING);
    struct text all = TEXT(MESSAGE_MAX);
    cell_stdout(c, &all);
    if (all.n > 0) {
        publish_notice(s, c, text_span(&all));
    }
    text_free(&all);
    for (size_t i = 0; i < c->output_count; i++) {
        if (c->outputs[i].kind == OUTPUT_DISPLAY) {
            struct message m;
            begin_output(&m, c, span_of(c->outputs[i].data, c->outputs[i].size));
            end_old(s, &m);
        }
    }
    if (c->status != CELL_RUNNING) {
        publish_old_status(s, c, c->status);
    }
}

static void publish_in_place(struct session *s, const struct cell *c, size_t output)
{
    struct message m;
    begin_cell(&m, EVENT_OUTPUT_UPDATED, SPAN("cell_output_updated"), c);
    json_member_int(&m.w, SPAN("index"), index_of(c, output));
    json_member_raw(&m.w, SPAN("output"),
                    span_of(c->outputs[output].data, c->outputs[output].size));
    end(s, &m);
}

void publish_output_updated(struct session *s, const struct cell *c, struct span display_id)
{
    for (size_t i = 0; i < c->output_count; i++) {
        if (c->outputs[i].kind == OUTPUT_DISPLAY &&
            span_eq(span_str(c->outputs[i].display_id), display_id)) {
            publish_in_place(s, c, i);
        }
    }
    repaint(s, c);
}

void publish_cleared(struct session *s, const struct cell *c)
{
    struct message m;
    begin_cell(&m, EVENT_CELL_CLEARED, SPAN("cell_cleared"), c);
    end(s, &m);
    repaint(s, c);
}

/* --- the page --- */
static void put_details(struct json_writer *w, const struct cell *c)
{
    json_put_name(w, SPAN("details"));
    json_open_object(w);
    json_member_string(w, SPAN("type"), cell_type_name(c->type));
    json_member_string(w, SPAN("name"), span_str(c->name));
    json_member_bool(w, SPAN("disabled"), c->disabled);
    json_member_bool(w, SPAN("stale"), c->stale);
    json_member_int(w, SPAN("revision"), c->revision);
    json_member_string(w, SPAN("error"), span_str(c->error != NULL ? c->error : c->flaw));
    json_close_object(w);
}

static void put_code(struct json_writer *w, const struct cell *c)
{
    json_member_string(w, SPAN("code"), span_str(c->code));
    wire_names(w, SPAN("reads"), &c->reads);
    wire_names(w, SPAN("writes"), &c->writes);
    json_member_string(w, SPAN("status"), cell_status_name(c->status));
}

void publish_updated(struct session *s, const struct cell *c)
{
    struct message m;
    begin_cell(&m, EVENT_CELL_UPDATED, SPAN("cell_updated"), c);
    json_put_name(&m.w, SPAN("cell"));
    json_open_object(&m.w);
    put_code(&m.w, c);
    json_member_string(&m.w, SPAN("error"), span_str(c->error));
    json_close_object(&m.w);
    end_known(&m);
    put_details(&m.w, c);
    end(s, &m);
}

void publish_created(struct session *s, size_t position)
{
    const struct cell *c = s->notebook->cells[position];
    struct message m;
    begin_cell(&m, EVENT_CELL_CREATED, SPAN("cell_created"), c);
    json_put_name(&m.w, SPAN("cell"));
    json_open_object(&m.w);
    json_member_string(&m.w, SPAN("id"), id_span(&c->id));
    json_member_string(&m.w, SPAN("type"), cell_type_name(c->type));
    put_code(&m.w, c);
    json_close_object(&m.w);
    json_member_int(&m.w, SPAN("index"), (int64_t)position);
    end_known(&m);
    put_details(&m.w, c);
    end(s, &m);
}

void publish_deleted(struct session *s, struct span cell_id)
{
    struct message m;
    begin(&m, EVENT_CELL_DELETED, SPAN("cell_deleted"), cell_id);
    end_known(&m);
    end(s, &m);
}

void publish_moved(struct session *s, size_t position)
{
    struct message m;
    begin_cell(&m, EVENT_CELL_MOVED, SPAN("cell_moved"), s->notebook->cells[position]);
    json_member_int(&m.w, SPAN("index"), (int64_t)position);
    end(s, &m);
}
