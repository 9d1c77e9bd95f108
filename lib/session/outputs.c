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

/* --- streams: the first megabyte of a run and its last bytes --- */
static void add_stream(struct session *s, struct cell *c, enum output_kind kind, struct span text)
{
    if (text.n == 0) {
        return;
    }
    cell_add_stream(c, kind, text);
    store_append_output(batch_write(s), id_span(&c->id),
                        &(struct output){.kind = kind, .data = (char *)text.p, .size = text.n});
    publish_stdout(s, c, text);
}

static void keep_tail(struct run *r, struct span text)
{
    r->dropped += text.n;
    r->tail.max = STREAM_TAIL_MAX * 2;
    if (text.n >= STREAM_TAIL_MAX) {
        text_clear(&r->tail);
        text = span_sub(text, text.n - STREAM_TAIL_MAX, STREAM_TAIL_MAX);
    } else if (r->tail.n + text.n > r->tail.max) {
        text_consume(&r->tail, r->tail.n + text.n - STREAM_TAIL_MAX);
    }
    text_add(&r->tail, text);
}

static void on_stream(struct session *s, struct cell *c, enum output_kind kind, struct span text)
{
    struct run *r = &s->run;
    size_t room = r->streamed < STREAM_HEAD_MAX ? STREAM_HEAD_MAX - r->streamed : 0;
    struct span kept = span_sub(text, 0, span_utf8_prefix(text, room));
    if (r->dropped > 0) {
        kept.n = 0; /* the head is closed: later small chunks must not slip in before the notice */
    }
    r->streamed += kept.n;
    add_stream(s, c, kind, kept);
    if (kept.n < text.n) {
        keep_tail(r, span_sub(text, kept.n, text.n));
    }
}

/* The tail may begin inside a UTF-8 sequence: skips its rest. */
static struct span whole_characters(struct span tail)
{
    while (tail.n > 0 && ((unsigned char)tail.p[0] & 0xC0U) == 0x80U) {
        tail = span_sub(tail, 1, tail.n);
    }
    return tail;
}

void outputs_close_stream(struct session *s, struct cell *c)
{
    struct run *r = &s->run;
    if (r->dropped == 0) {
        return;
    }
    size_t kept = r->tail.n < STREAM_TAIL_MAX ? r->tail.n : STREAM_TAIL_MAX;
    struct span tail = whole_characters(span_sub(text_span(&r->tail), r->tail.n - kept, kept));
    struct text notice = TEXT(STREAM_TAIL_MAX + 256);
    text_addf(&notice, "\n[... %zu bytes of output left out ...]\n", r->dropped - tail.n);
    text_add(&notice, tail);
    add_stream(s, c, OUTPUT_STDOUT, text_span(&notice));
    text_free(&notice);
    text_free(&r->tail);
    r->dropped = 0;
}

/* --- displays --- */
static void clear_cell(struct session *s, struct cell *c)
{
    s->run.clear_pending = false;
    s->run.streamed = s->run.dropped = 0;
    cell_clear_outputs(c);
    store_clear_outputs(batch_write(s), id_span(&c->id));
    publish_repaint(s, c);
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
    on_stream(s, c, OUTPUT_STDERR,
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
    if (write_output(body, &out) &&
        cell_update_display(c, json_get_string(body, SPAN("id")), text_span(&out))) {
        store_replace_outputs(batch_write(s), c);
        publish_repaint(s, c);
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

/* Nobody can answer in this version of the protocol, so the run must not wait for ever. */
static void on_input(struct session *s, struct cell *c)
{
    on_stream(s, c, OUTPUT_STDERR,
              SPAN("input() cannot ask anybody here: the run was interrupted.\n"));
    kernel_interrupt(s->kernel);
}

static void on_output(struct session *s, struct cell *c, const struct kernel_event *e)
{
    if (s->run.clear_pending && e->kind != KERNEL_EVENT_CLEAR) {
        clear_cell(s, c);
    }
    switch (e->kind) {
    case KERNEL_EVENT_STDOUT:
        on_stream(s, c, OUTPUT_STDOUT, e->text);
        break;
    case KERNEL_EVENT_STDERR:
        on_stream(s, c, OUTPUT_STDERR, e->text);
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
        on_input(s, c);
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
    struct cell *c = run_cell_of(s, e->run);
    if (c != NULL) {
        on_output(s, c, e);
    }
}
