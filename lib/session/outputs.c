/* outputs: what the kernel sends, put into the cell it belongs to, on disk and before those who
 * watch. */
#include "base/clock.h"
#include "base/log.h"
#include "session/internal.h"

/* Which form of a value is shown: the richest first (KERNEL.md 2). Altair's type is passed on under
 * the name that front ends know (ARCHITECTURE 6.11). */
static const struct {
    struct span prefix, shown_as;
} forms[] = {
    {SPAN("application/vnd.plotly.v1+json"), SPAN("application/vnd.plotly.v1+json")},
    {SPAN("application/vnd.vegalite."), SPAN("application/vnd.vegalite.v6+json")},
    {SPAN("application/json"), SPAN("application/json")},
    {SPAN("image/png"), SPAN("image/png")},
    {SPAN("text/html"), SPAN("text/html")},
    {SPAN("image/svg+xml"), SPAN("image/svg+xml")},
    {SPAN("image/jpeg"), SPAN("image/jpeg")},
    {SPAN("image/gif"), SPAN("image/gif")},
    {SPAN("application/pdf"), SPAN("application/pdf")},
    {SPAN("text/markdown"), SPAN("text/markdown")},
    {SPAN("text/latex"), SPAN("text/latex")},
    {SPAN("text/plain"), SPAN("text/plain")},
};

static const struct json *find_form(const struct json *data, struct span prefix)
{
    for (size_t i = 0; i < data->count; i++) {
        if (span_starts(data->items[i].name, prefix)) {
            return &data->items[i];
        }
    }
    return NULL;
}

static const struct json *choose_form(const struct json *data, struct span *mime_type)
{
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        const struct json *form = find_form(data, forms[f].prefix);
        if (form != NULL) {
            *mime_type = forms[f].shown_as;
            return form;
        }
    }
    if (data->count == 0) {
        return NULL;
    }
    *mime_type = data->items[0].name;
    return &data->items[0];
}

/* The contract's Output of a bundle; false when the bundle is empty. */
static bool write_output(const struct json *body, struct text *out)
{
    struct span mime_type;
    const struct json *form = choose_form(json_get(body, SPAN("data")), &mime_type);
    if (form == NULL) {
        return false;
    }
    const struct json *metadata = json_get(body, SPAN("metadata"));
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("mime_type"), mime_type);
    json_member_raw(&w, SPAN("data"), form->raw);
    json_member_raw(&w, SPAN("metadata"), metadata == NULL ? SPAN("{}") : metadata->raw);
    json_close_object(&w);
    return !out->overflowed;
}

/* --- displays --- */
static void clear_cell(struct session *s, struct cell *c)
{
    stream_reset(s);
    cell_clear_outputs(c);
    store_clear_outputs(batch_write(s), id_span(&c->id));
    publish_cleared(s, c);
}

static bool has_room(struct session *s, struct cell *c, size_t more)
{
    size_t count = 0;
    size_t bytes = more;
    for (size_t i = 0; i < c->output_count; i++) {
        if (c->outputs[i].kind == OUTPUT_DISPLAY) {
            count++;
            bytes += c->outputs[i].size;
        }
    }
    if (count < DISPLAYS_MAX && bytes <= DISPLAY_BYTES_MAX) {
        return true;
    }
    stream_add(
        s, c, OUTPUT_STDERR,
        SPAN("[An output was left out: a cell shows at most 200 rich outputs or 32 MiB.]\n"));
    return false;
}

static void on_display(struct session *s, struct cell *c, const struct json *body)
{
    struct text out = TEXT(MESSAGE_MAX);
    if (write_output(body, &out) && has_room(s, c, out.n)) {
        struct span id = json_get_string(body, SPAN("id"));
        cell_add_display(c, text_span(&out), id);
        store_append_output(batch_write(s), id_span(&c->id), &c->outputs[c->output_count - 1]);
        publish_output(s, c, text_span(&out));
    }
    text_free(&out);
}

static void on_update(struct session *s, struct cell *c, const struct json *body)
{
    struct text out = TEXT(MESSAGE_MAX);
    struct span id = json_get_string(body, SPAN("id"));
    if (write_output(body, &out) && cell_update_display(c, id, text_span(&out))) {
        store_replace_outputs(batch_write(s), c);
        publish_output_updated(s, c, id);
    }
    text_free(&out);
}

static void on_clear(struct session *s, struct cell *c, const struct json *body)
{
    const struct json *wait = json_get(body, SPAN("wait"));
    if (wait != NULL && wait->boolean) {
        s->run.clear_pending = true;
        return;
    }
    clear_cell(s, c);
}

static void on_error(struct session *s, struct cell *c, const struct json *body)
{
    if (s->run.executing && span_eq(id_span(&s->run.current), id_span(&c->id))) {
        s->run.failed = true;
    }
    cell_set_error(c, json_get_string(body, SPAN("traceback")));
}

static bool can_answer(const struct session *s)
{
    LIST_EACH (it, &s->watchers) {
        if (LIST_ENTRY(it, struct watcher, link)->user != NULL) {
            return true;
        }
    }
    return false;
}

/* Who speaks version 1 only cannot answer, and the run must not wait for ever. */
static void on_input(struct session *s, struct cell *c, const struct json *body)
{
    const struct json *hidden = json_get(body, SPAN("password"));
    if (!can_answer(s)) {
        stream_add(s, c, OUTPUT_STDERR,
                   SPAN("input() cannot ask anybody here: the run was interrupted.\n"));
        kernel_interrupt(s->kernel);
        return;
    }
    s->asks_input = true;
    s->input_hidden = hidden != NULL && hidden->boolean;
    mem_replace(&s->input_prompt, json_get_string(body, SPAN("prompt")));
    batch_tell_kernel(s);
}

static void on_output(struct session *s, struct cell *c, const struct kernel_event *e)
{
    if (s->run.clear_pending && e->kind != KERNEL_EVENT_CLEAR) {
        clear_cell(s, c);
    }
    switch (e->kind) {
    case KERNEL_EVENT_STDOUT:
        stream_add(s, c, OUTPUT_STDOUT, e->text);
        break;
    case KERNEL_EVENT_STDERR:
        stream_add(s, c, OUTPUT_STDERR, e->text);
        break;
    case KERNEL_EVENT_DISPLAY:
    case KERNEL_EVENT_RESULT:
        on_display(s, c, e->body);
        break;
    case KERNEL_EVENT_UPDATE:
        on_update(s, c, e->body);
        break;
    case KERNEL_EVENT_CLEAR:
        on_clear(s, c, e->body);
        break;
    case KERNEL_EVENT_ERROR:
        on_error(s, c, e->body);
        break;
    case KERNEL_EVENT_INPUT:
        on_input(s, c, e->body);
        break;
    case KERNEL_EVENT_READY:
    case KERNEL_EVENT_DONE:
    case KERNEL_EVENT_GONE:
        break;
    }
}

static void on_gone(struct session *s, struct span why)
{
    log_event(LOG_INFO, "kernel_gone", LOG_STR("notebook", s->notebook->id), LOG_SPAN("why", why));
    session_stop_kernel(s);
    mem_replace(&s->kernel_cause, why);
    run_on_gone(s, why);
}

void on_kernel_event(void *session, const struct kernel_event *e)
{
    struct session *s = session;
    if (s->deleting || s->ended) {
        return;
    }
    switch ((int)e->kind) {
    case KERNEL_EVENT_READY:
        log_event(LOG_INFO, "kernel_ready", LOG_STR("notebook", s->notebook->id),
                  LOG_DOUBLE("ms", (double)(clock_mono_us() - s->kernel_asked_us) / 1e3));
        batch_tell_kernel(s);
        run_on_ready(s);
        return;
    case KERNEL_EVENT_DONE:
        if (s->run.executing && e->run == s->last_run) {
            run_on_done(s, e->status);
        }
        return;
    case KERNEL_EVENT_GONE:
        on_gone(s, e->text);
        return;
    default:
        break;
    }
    /* Output of a run that was superseded belongs nowhere any more. */
    struct cell *c = known_cell(s, e->run);
    if (c != NULL) {
        on_output(s, c, e);
    }
}
