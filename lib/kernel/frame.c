#include "kernel/frame.h"

#include <assert.h>

#include "base/mem.h"

static uint64_t little_endian(const char *p, size_t n)
{
    uint64_t v = 0;
    while (n > 0) {
        v = v << 8 | (unsigned char)p[--n];
    }
    return v;
}

static void put_little_endian(char *p, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (char)(v & 0xFF);
        v >>= 8;
    }
}

void frame_header(unsigned kind, uint64_t run, size_t length, char out[FRAME_HEADER])
{
    assert(length <= FRAME_PAYLOAD_MAX && kind <= UINT8_MAX);
    memset(out, 0, FRAME_HEADER); /* flags and the reserved bytes are zero */
    put_little_endian(out, 4, length);
    put_little_endian(out + 4, 1, kind);
    put_little_endian(out + 8, 8, run);
}

static bool is_allowed(enum frame_source source, unsigned kind)
{
    if (source == FRAME_FROM_CTL) {
        return kind == FRAME_REPLY;
    }
    return kind >= FRAME_STDOUT && kind <= FRAME_READY;
}

static size_t payload_max(unsigned kind)
{
    return kind == FRAME_STDOUT || kind == FRAME_STDERR ? FRAME_STREAM_MAX : FRAME_PAYLOAD_MAX;
}

/* Words for what is wrong with a header, or NULL. */
static const char *judge(enum frame_source source, const char *header)
{
    unsigned kind = (unsigned char)header[4];
    if (!is_allowed(source, kind)) {
        return "a frame of unknown kind";
    }
    if (little_endian(header, 4) > payload_max(kind)) {
        return "a frame that is too long";
    }
    uint64_t known = source == FRAME_FROM_OUT ? FRAME_AFTER_RAW : 0;
    if ((little_endian(header + 5, 3) & ~known) != 0) {
        return "a frame with unknown flags";
    }
    return NULL;
}

enum frame_step frame_next(struct frame_reader *r, struct frame *out)
{
    if (r->problem != NULL) {
        return FRAME_BROKEN;
    }
    size_t left = r->n - r->taken;
    if (left < FRAME_HEADER) {
        return FRAME_MORE;
    }
    const char *header = r->buffer + r->taken;
    r->problem = judge(r->source, header);
    if (r->problem != NULL) {
        return FRAME_BROKEN;
    }
    size_t length = little_endian(header, 4);
    if (left - FRAME_HEADER < length) {
        return FRAME_MORE;
    }
    *out = (struct frame){
        .kind = (unsigned char)header[4],
        .after_raw = header[5] != 0,
        .run = little_endian(header + 8, 8),
        .payload = span_of(header + FRAME_HEADER, length),
    };
    r->taken += FRAME_HEADER + length;
    return FRAME_COMPLETE;
}

static void drop_taken(struct frame_reader *r)
{
    if (r->taken > 0) {
        r->n -= r->taken;
        memmove(r->buffer, r->buffer + r->taken, r->n);
        r->taken = 0;
    }
}

/* Grows with what has arrived, not with what a header promises: 16 bytes must not cost 16 MiB. */
char *frame_room(struct frame_reader *r, size_t *room)
{
    assert(r->problem == NULL);
    drop_taken(r);
    if (r->cap - r->n < FRAME_CHUNK) {
        size_t most = FRAME_HEADER + FRAME_PAYLOAD_MAX + FRAME_CHUNK;
        size_t cap = r->n * 2 > r->n + FRAME_CHUNK ? r->n * 2 : r->n + FRAME_CHUNK;
        r->cap = cap < most ? cap : most;
        r->buffer = mem_resize(r->buffer, r->cap);
    }
    assert(r->cap > r->n);
    *room = r->cap - r->n;
    return r->buffer + r->n;
}

void frame_filled(struct frame_reader *r, size_t n)
{
    assert(n <= r->cap - r->n);
    r->n += n;
}

void frame_rest(struct frame_reader *r)
{
    if (r->n == r->taken) {
        mem_free(r->buffer);
        *r = (struct frame_reader){.source = r->source, .problem = r->problem};
        return;
    }
    drop_taken(r);
    if (r->cap > 4 * (r->n + FRAME_CHUNK)) {
        r->cap = r->n + FRAME_CHUNK;
        r->buffer = mem_resize(r->buffer, r->cap);
    }
}

void frame_free(struct frame_reader *r)
{
    mem_free(r->buffer);
    r->buffer = NULL;
    r->n = r->cap = r->taken = 0;
}
