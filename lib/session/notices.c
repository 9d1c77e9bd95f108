/* notices: messages of version 2 about more than one cell, and of what is true now. */
#include "session/internal.h"

static struct json_writer begin(struct text *out, struct span type)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), type);
    return w;
}

static void end(struct session *s, enum event_kind kind, struct json_writer *w)
{
    json_close_object(w);
    if (!w->out->overflowed) {
        batch_event(s, &(struct event){.kind = kind, .json = text_span(w->out)});
    }
    text_free(w->out);
}

/* --- of the notebook's history --- */
void publish_stale(struct session *s, const struct names *cell_ids)
{
    struct text out = TEXT(MESSAGE_MAX);
    struct json_writer w = begin(&out, SPAN("stale"));
    wire_names(&w, SPAN("cellIds"), cell_ids);
    end(s, EVENT_STALE, &w);
}

void publish_queued(struct session *s)
{
    struct text out = TEXT(MESSAGE_MAX);
    struct json_writer w = begin(&out, SPAN("queued"));
    wire_names(&w, SPAN("cellIds"), &s->run.wanted);
    end(s, EVENT_QUEUED, &w);
}

static void put_steps(const struct run *r, struct json_writer *w, struct span member)
{
    json_put_name(w, member);
    json_open_array(w);
    for (size_t i = 0; i < r->count; i++) {
        json_open_object(w);
        json_member_string(w, SPAN("cellId"), id_span(&r->steps[i].cell));
        json_member_string(w, SPAN("reason"), plan_reason_name(r->steps[i].reason));
        json_close_object(w);
    }
    json_close_array(w);
}

void put_plan(const struct run *r, struct json_writer *w)
{
    put_steps(r, w, SPAN("plan"));
}

void publish_plan(struct session *s, const size_t *disabled, size_t disabled_count)
{
    struct text out = TEXT(MESSAGE_MAX);
    struct json_writer w = begin(&out, SPAN("plan"));
    put_steps(&s->run, &w, SPAN("cells"));
    json_put_name(&w, SPAN("disabled"));
    json_open_array(&w);
    for (size_t i = 0; i < disabled_count; i++) {
        json_put_string(&w, id_span(&s->notebook->cells[disabled[i]]->id));
    }
    json_close_array(&w);
    end(s, EVENT_PLAN, &w);
}

void publish_plan_ended(struct session *s, struct span status)
{
    struct text out = TEXT(1024);
    struct json_writer w = begin(&out, SPAN("plan_ended"));
    json_member_string(&w, SPAN("status"), status);
    end(s, EVENT_PLAN_ENDED, &w);
}

void publish_renamed(struct session *s)
{
    struct text out = TEXT((size_t)6 * NOTEBOOK_NAME_MAX + 256);
    struct json_writer w = begin(&out, SPAN("notebook_renamed"));
    json_member_string(&w, SPAN("name"), span_str(s->notebook->name));
    end(s, EVENT_RENAMED, &w);
}

/* Not the string itself: it holds a password. */
void publish_db_changed(struct session *s)
{
    struct text out = TEXT(256);
    struct json_writer w = begin(&out, SPAN("db_changed"));
    json_member_bool(&w, SPAN("configured"), s->notebook->connection != NULL);
    end(s, EVENT_DB_CHANGED, &w);
}

/* --- of what is true now --- */
static struct span kernel_word(const struct session *s)
{
    if (s->kernel == NULL) {
        return s->kernel_cause == NULL ? SPAN("none") : SPAN("dead");
    }
    switch (kernel_state(s->kernel)) {
    case KERNEL_STARTING:
        return SPAN("starting");
    case KERNEL_IDLE:
        return SPAN("idle");
    case KERNEL_BUSY:
        return SPAN("busy");
    case KERNEL_GONE:
        break;
    }
    return SPAN("dead");
}

static void put_input(const struct session *s, struct json_writer *w)
{
    json_put_name(w, SPAN("input"));
    if (!s->asks_input) {
        json_put_null(w);
        return;
    }
    json_open_object(w);
    json_member_string(w, SPAN("prompt"), span_str(s->input_prompt));
    json_member_bool(w, SPAN("password"), s->input_hidden);
    json_close_object(w);
}

void session_kernel_message(const struct session *s, struct text *out)
{
    struct json_writer w = begin(out, SPAN("kernel_state"));
    json_member_string(&w, SPAN("state"), kernel_word(s));
    json_member_string(&w, SPAN("cause"),
                       s->kernel == NULL ? span_str(s->kernel_cause) : SPAN_NULL);
    json_member_string(&w, SPAN("cellId"), s->run.executing ? id_span(&s->run.current) : SPAN_NULL);
    put_input(s, &w);
    json_close_object(&w);
}

void session_presence_message(const struct session *s, struct text *out)
{
    struct json_writer w = begin(out, SPAN("presence"));
    json_put_name(&w, SPAN("connections"));
    json_open_array(&w);
    LIST_EACH (it, &s->watchers) {
        const struct watcher *watcher = LIST_ENTRY(it, struct watcher, link);
        if (watcher->user != NULL) {
            json_open_object(&w);
            json_member_string(&w, SPAN("id"), id_span(&watcher->connection));
            json_member_string(&w, SPAN("user_id"), span_str(watcher->user));
            json_member_int(&w, SPAN("since_ms"), watcher->since_ms);
            json_close_object(&w);
        }
    }
    json_close_array(&w);
    json_close_object(&w);
}
