/* documents: what a notebook is, as JSON. */
#include "session/internal.h"

void session_drop_document(struct session *s)
{
    s->document_valid = false;
    if (s->document.cap > DOCUMENT_KEPT) {
        text_free(&s->document);
    }
}

struct span session_document(struct session *s)
{
    if (!s->document_valid) {
        struct json_writer w = JSON_WRITER(&s->document);
        text_clear(&s->document);
        wire_notebook(&w, s->notebook);
        s->document_valid = true;
    }
    return s->document.overflowed ? SPAN_NULL : text_span(&s->document);
}

void session_run_state(const struct session *s, struct json_writer *w)
{
    const struct run *r = &s->run;
    if (!r->active) {
        json_put_null(w);
        return;
    }
    json_open_object(w);
    put_plan(r, w);
    json_member_int(w, SPAN("done"), (int64_t)(r->next == 0 ? 0 : r->next - 1));
    wire_names(w, SPAN("queued"), &r->wanted);
    json_close_object(w);
}

static void write_state(struct session *s, struct text *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_put_name(&w, SPAN("notebook"));
    wire_notebook_state(&w, s->notebook);
    json_put_name(&w, SPAN("run"));
    session_run_state(s, &w);
    json_close_object(&w);
}

/* Made now, sent when all of it is on disk: the number that goes with it is the one of now. */
void session_snapshot(struct session *s, enum session_form form, session_done_cb done, void *data)
{
    struct session_result r = {.revision = s->notebook->revision, .seq = s->notebook->seq};
    struct text state = TEXT(DOCUMENT_MAX);
    if (form == SESSION_CONTRACT) {
        r.document = session_document(s);
    } else {
        write_state(s, &state);
        r.document = state.overflowed ? SPAN_NULL : text_span(&state);
    }
    batch_answer(s, done, data, span_is_null(r.document) ? ERR_TOO_LARGE : OK, &r);
    text_free(&state);
}
