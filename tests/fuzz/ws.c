/* What strangers send after the handshake: frames through wslay and the codec. The first byte says
 * what the application does, and in what pieces the rest arrives. Beyond not crashing: what is
 * delivered is within the limits and valid, what is sent is well formed and ends with at most one
 * close frame, and neither depends on the pieces. */
#include <stdlib.h>

#include "base/mem.h"
#include "http/codec.h"

enum { MESSAGE_MAX = 512, INPUT_MAX = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* One conversation; `heard` and `said` are all that went through it. */
struct talk {
    struct codec codec;
    struct text said;
    size_t messages;
    uint64_t heard; /* hash */
};

static void stir(struct talk *t, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        t->heard = (t->heard ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    }
}

/* An echo that closes at "c" and pings at "p". */
static void on_message(void *data, enum frame_opcode opcode, struct span message)
{
    struct talk *t = data;
    require(t->codec.state == CODEC_OPEN && message.n <= MESSAGE_MAX);
    require(opcode == FRAME_TEXT ? span_is_utf8(message)
                                 : opcode == FRAME_BINARY && t->codec.options.takes_binary);
    t->messages++;
    stir(t, message);
    struct span parts[] = {span_sub(message, 0, message.n / 2),
                           span_sub(message, message.n / 2, message.n)};
    codec_send(&t->codec, opcode, parts, 2);
    if (span_starts(message, SPAN("c"))) {
        codec_close(&t->codec, 4000, opcode == FRAME_TEXT ? message : SPAN_NULL);
    } else if (span_starts(message, SPAN("p"))) {
        codec_ping(&t->codec);
    }
}

/* --- what was said --- */
static uint64_t take_number(struct span *rest, size_t width)
{
    require(rest->n >= width);
    uint64_t n = 0;
    for (size_t i = 0; i < width; i++) {
        n = n << 8 | (unsigned char)rest->p[i];
    }
    *rest = span_sub(*rest, width, rest->n);
    return n;
}

static void check_close(struct span payload)
{
    require(payload.n != 1 && (payload.n == 0 || span_is_utf8(span_sub(payload, 2, payload.n))));
}

/* Cuts one frame off; its opcode. */
static unsigned take_frame(struct span *rest)
{
    unsigned first = (unsigned)take_number(rest, 1);
    uint64_t n = take_number(rest, 1);
    unsigned opcode = first & 0xFU;
    require((first & 0xF0U) == 0x80); /* final, nothing reserved */
    require(opcode == 1 || opcode == 2 || (opcode >= 8 && opcode <= 10));
    require(n < 128 && (opcode < 8 || n <= FRAME_CONTROL_MAX)); /* not masked */
    if (n == 126) {
        n = take_number(rest, 2);
        require(n >= 126);
    } else if (n == 127) {
        n = take_number(rest, 8);
        require(n > UINT16_MAX);
    }
    require(n <= rest->n);
    if (opcode == FRAME_CLOSE) {
        check_close(span_sub(*rest, 0, n));
    }
    *rest = span_sub(*rest, n, rest->n);
    return opcode;
}

static void check_said(const struct talk *t)
{
    struct span rest = text_span(&t->said);
    bool closed = false;
    while (rest.n != 0) {
        closed = take_frame(&rest) == FRAME_CLOSE;
        require(!closed || rest.n == 0);
    }
    require(closed == (t->codec.state != CODEC_OPEN));
}

/* --- a whole conversation --- */
static void check_limits(const struct codec *c)
{
    require(c->message.n <= MESSAGE_MAX && c->pongs <= CODEC_PONGS_MAX);
    require(c->fragments <= CODEC_FRAGMENTS_MAX + 1 && c->owed.n <= FRAME_CONTROL_MAX);
    require(c->state == CODEC_OPEN || (c->message.n == 0 && !c->owes_pong));
}

static void take(struct talk *t)
{
    struct text taken = TEXT(SIZE_MAX / 2);
    codec_take(&t->codec, &taken);
    text_add(&t->said, text_span(&taken));
    text_free(&taken);
}

/* `taking`: as if a fast network took everything after each piece. */
static void run(struct talk *t, struct span bytes, bool binary, size_t step, bool taking)
{
    *t = (struct talk){.said = TEXT(SIZE_MAX / 2)};
    codec_init(&t->codec, &(struct codec_options){.on_message = on_message,
                                                  .data = t,
                                                  .message_max = MESSAGE_MAX,
                                                  .takes_binary = binary});
    for (size_t i = 0; i < bytes.n; i += step) {
        codec_feed(&t->codec, span_sub(bytes, i, step));
        check_limits(&t->codec);
        if (taking) {
            take(t);
        }
    }
    take(t);
    take(t); /* a pong that was owed */
    check_said(t);
}

static void end(struct talk *t)
{
    codec_free(&t->codec);
    text_free(&t->said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX) {
        return 0;
    }
    struct span bytes = span_of((const char *)data + 1, size - 1);
    bool binary = (data[0] & 1) != 0;
    size_t step = (data[0] >> 1) + 1U;
    struct talk whole;
    struct talk pieces;
    struct talk taken;
    run(&whole, bytes, binary, INPUT_MAX, false);
    run(&pieces, bytes, binary, step, false);
    run(&taken, bytes, binary, step, true);
    require(whole.codec.state == pieces.codec.state && whole.codec.state == taken.codec.state);
    require(whole.messages == pieces.messages && whole.messages == taken.messages);
    require(whole.heard == pieces.heard && whole.heard == taken.heard);
    require(span_eq(text_span(&whole.said), text_span(&pieces.said)));
    end(&whole);
    end(&pieces);
    end(&taken);
    return 0;
}
