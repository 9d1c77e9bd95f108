/* Fuzzes what a hostile kernel may write: the frame reader and the checks of messages and analyses.
 * The first byte says which socket it is and in what pieces the rest arrives; the frames must be
 * the same as when all of it arrives at once. */
#include <assert.h>

#include "kernel/message.h"

/* What was read, boiled down. */
struct outcome {
    size_t frames;
    uint64_t hash;
    const char *problem;
};

static void stir(struct outcome *o, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        o->hash = (o->hash ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    }
}

static void check_event(const struct kernel_event *e)
{
    bool is_stream = e->kind == KERNEL_EVENT_STDOUT || e->kind == KERNEL_EVENT_STDERR;
    assert(is_stream == (e->body == NULL));
    assert(span_is_utf8(e->text));
    assert(is_stream || e->body->kind == JSON_OBJECT);
    assert(e->kind != KERNEL_EVENT_DONE || e->ms >= 0);
    assert(e->kind != KERNEL_EVENT_RESULT || json_get(e->body, SPAN("data"))->kind == JSON_OBJECT);
}

static void check_analysis(const struct analysis *a)
{
    for (size_t i = 1; i < a->read_count; i++) {
        assert(span_cmp(a->reads[i - 1], a->reads[i]) < 0);
    }
    for (size_t i = 0; i < a->write_count; i++) {
        assert(a->writes[i].n > 0 && span_is_utf8(a->writes[i]));
    }
}

static void take(const struct frame *f, enum frame_source source)
{
    struct arena *arena = arena_new();
    struct text repaired = TEXT(3 * FRAME_STREAM_MAX);
    struct message_space space = {.arena = arena, .repaired = &repaired};
    const char *problem = NULL;
    enum err e;
    if (source == FRAME_FROM_CTL) {
        struct analysis a;
        e = message_check_analysis(f->payload, arena, &a, &problem);
        if (e == OK) {
            check_analysis(&a);
        }
    } else {
        struct kernel_event event;
        e = message_check(f, &space, &event, &problem);
        if (e == OK) {
            check_event(&event);
        }
    }
    assert((e == ERR_INVALID) == (problem != NULL));
    text_free(&repaired);
    arena_free(arena);
}

/* One piece; false once the protocol is broken. */
static bool read_piece(struct frame_reader *r, struct span piece, struct outcome *o)
{
    size_t room = 0;
    char *p = frame_room(r, &room);
    assert(room >= FRAME_CHUNK && piece.n <= room);
    memcpy(p, piece.p, piece.n);
    frame_filled(r, piece.n);
    struct frame f;
    enum frame_step step;
    while ((step = frame_next(r, &f)) == FRAME_COMPLETE) {
        o->frames++;
        stir(o, f.payload);
        stir(o, span_of((const char *)&f.run, sizeof f.run));
        take(&f, r->source);
    }
    o->problem = r->problem;
    return step == FRAME_MORE;
}

static struct outcome read_all(struct span bytes, enum frame_source source, size_t most)
{
    struct frame_reader r = {.source = source};
    struct outcome o = {0};
    bool more = true;
    for (size_t at = 0; at < bytes.n && more; at += most) {
        more = read_piece(&r, span_sub(bytes, at, most), &o);
        if (at % 3 == 0) {
            frame_rest(&r);
        }
    }
    frame_free(&r);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > FRAME_CHUNK) {
        return 0;
    }
    enum frame_source source = (data[0] & 1) == 0 ? FRAME_FROM_OUT : FRAME_FROM_CTL;
    struct span bytes = span_of((const char *)data + 1, size - 1);
    struct outcome whole = read_all(bytes, source, FRAME_CHUNK);
    struct outcome pieces = read_all(bytes, source, (data[0] >> 1) + 1U);
    assert(whole.frames == pieces.frames && whole.hash == pieces.hash);
    assert(whole.problem == pieces.problem);
    return 0;
}
