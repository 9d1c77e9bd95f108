/* streams: what a run prints. The first megabyte is shown as it comes; what follows is hidden: it
 * is stored and can be fetched, but only counted before those who watch; and when the run ends, its
 * last bytes are shown again. */
#include "session/internal.h"

/* Those who watch are told how much is hidden each time it has grown by so much. */
#define HIDDEN_STEP ((size_t)1024 * 1024)
#define NOTICE_MAX 256

static bool is_current(const struct session *s, const struct cell *c)
{
    return s->run.active && span_eq(id_span(&s->run.current), id_span(&c->id));
}

void stream_reset(struct session *s)
{
    s->run.chunks = 0;
    s->run.clear_pending = false;
    text_clear(&s->run.tail);
}

static void show(struct session *s, struct cell *c, enum output_kind kind, struct span text)
{
    if (text.n == 0) {
        return;
    }
    cell_add_stream(c, kind, text);
    c->text_end += text.n;
    store_append_output(batch_write(s), id_span(&c->id),
                        &(struct output){.kind = kind, .data = (char *)text.p, .size = text.n});
    if (is_current(s, c)) {
        s->run.chunks++;
    } else {
        store_update_cell(batch_write(s), c); /* its run has ended: nothing else says how much */
    }
    publish_stdout(s, c, kind, text);
}

static void keep_tail(struct text *tail, struct span text)
{
    tail->max = STREAM_TAIL_MAX * 2;
    if (text.n >= STREAM_TAIL_MAX) {
        text_clear(tail);
        text = span_sub(text, text.n - STREAM_TAIL_MAX, STREAM_TAIL_MAX);
    } else if (tail->n + text.n > tail->max) {
        text_consume(tail, tail->n + text.n - STREAM_TAIL_MAX);
    }
    text_add(tail, text);
}

/* Beyond text_max it is counted, and nothing more. */
static void store_hidden(struct session *s, const struct cell *c, struct span text)
{
    size_t max = s->all->options.text_max;
    size_t room = c->text_end < max ? max - c->text_end : 0;
    if (room > 0) {
        store_append_text(batch_write(s), id_span(&c->id), c->text_end, span_sub(text, 0, room));
        batch_weigh(s, text.n);
    }
}

static void hide(struct session *s, struct cell *c, struct span text)
{
    if (text.n == 0) {
        return;
    }
    bool first = c->hidden_end == c->hidden_start;
    c->hidden_start = first ? c->text_end : c->hidden_start;
    store_hidden(s, c, text);
    size_t before = c->text_end / HIDDEN_STEP;
    c->text_end += text.n;
    c->hidden_end = c->text_end;
    if (is_current(s, c)) {
        keep_tail(&s->run.tail, text);
    } else {
        store_update_cell(batch_write(s), c);
    }
    throttle_text(s, text.n);
    if (first || c->text_end / HIDDEN_STEP != before) {
        publish_hidden(s, c);
    }
}

/* Once something is hidden all that follows is: later small chunks must not slip in before it. */
void stream_add(struct session *s, struct cell *c, enum output_kind kind, struct span text)
{
    bool open = c->hidden_end == c->hidden_start && c->text_end < STREAM_HEAD_MAX;
    size_t room = open ? STREAM_HEAD_MAX - c->text_end : 0;
    struct span shown = span_sub(text, 0, span_utf8_prefix(text, room));
    show(s, c, kind, shown);
    hide(s, c, span_sub(text, shown.n, text.n));
}

/* The tail may begin inside a UTF-8 sequence: skips its rest. */
static struct span whole_characters(struct span tail)
{
    while (tail.n > 0 && ((unsigned char)tail.p[0] & 0xC0U) == 0x80U) {
        tail = span_sub(tail, 1, tail.n);
    }
    return tail;
}

/* Stands among the outputs where something is hidden; no text of the run. */
static void show_notice(struct session *s, struct cell *c)
{
    struct text notice = TEXT(NOTICE_MAX);
    text_addf(&notice, "\n[... %zu bytes of output left out ...]\n",
              c->hidden_end - c->hidden_start);
    cell_add_stream(c, OUTPUT_STDOUT, text_span(&notice));
    publish_notice(s, c, text_span(&notice));
    text_free(&notice);
}

/* What was hidden last is shown after all: it is stored already. */
static void show_tail(struct session *s, struct cell *c, struct span tail)
{
    cell_add_stream(c, OUTPUT_STDOUT, tail);
    publish_stdout(s, c, OUTPUT_STDOUT, tail);
}

void outputs_close_stream(struct session *s, struct cell *c)
{
    struct text *kept = &s->run.tail;
    if (c->hidden_end == c->hidden_start || kept->n == 0) {
        return;
    }
    size_t n = kept->n < STREAM_TAIL_MAX ? kept->n : STREAM_TAIL_MAX;
    struct span tail = whole_characters(span_sub(text_span(kept), kept->n - n, n));
    c->hidden_end = c->text_end - tail.n;
    publish_hidden(s, c);
    if (c->hidden_end > c->hidden_start) {
        show_notice(s, c);
    }
    if (tail.n > 0) {
        show_tail(s, c, tail);
    }
    s->run.chunks += 2; /* the outputs are stored anew */
    text_free(kept);
}
