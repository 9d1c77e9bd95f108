#include "http/codec.h"

#include <assert.h>

#include "base/mem.h"

static const unsigned allowed[] = {
    [CODEC_OPEN] = 1U << CODEC_CLOSING | 1U << CODEC_CLOSED | 1U << CODEC_FAILED,
    [CODEC_CLOSING] = 1U << CODEC_CLOSED | 1U << CODEC_FAILED,
    [CODEC_CLOSED] = 0,
    [CODEC_FAILED] = 0,
};

/* Out of OPEN no message is completed any more. */
static void move(struct codec *c, enum codec_state to)
{
    assert((allowed[c->state] >> to & 1U) != 0);
    c->state = to;
    text_free(&c->message);
    text_free(&c->owed);
    c->owes_pong = false;
}

/* --- sending --- */
void codec_send(struct codec *c, enum frame_opcode opcode, const struct span *parts, size_t n)
{
    if (c->state == CODEC_OPEN) {
        frame_add_parts(&c->out, opcode, parts, n);
    }
}

void codec_ping(struct codec *c)
{
    codec_send(c, FRAME_PING, NULL, 0);
}

void codec_close(struct codec *c, unsigned code, struct span reason)
{
    if (c->state == CODEC_OPEN) {
        frame_add_close(&c->out, code, reason);
        move(c, CODEC_CLOSING);
    }
}

/* RFC 6455, 5.5.3: of pings not answered yet, the latest is enough. So a flood of pings that nobody
 * takes the pongs of costs a few kilobytes, and a burst of them nothing else (T37). */
static void answer_ping(struct codec *c, struct span payload)
{
    if (c->pongs < CODEC_PONGS_MAX) {
        c->pongs++;
        frame_add(&c->out, FRAME_PONG, payload);
        return;
    }
    c->owes_pong = true;
    text_clear(&c->owed);
    text_add(&c->owed, payload);
}

void codec_take(struct codec *c, struct text *to)
{
    assert(to->n == 0);
    struct text empty = *to;
    *to = c->out;
    c->out = empty;
    c->pongs = 0;
    if (c->owes_pong) {
        c->owes_pong = false;
        answer_ping(c, text_span(&c->owed));
        text_free(&c->owed);
    }
}

void codec_drop(struct codec *c)
{
    assert(c->state == CODEC_OPEN);
    text_free(&c->out);
    c->pongs = 0;
}

/* --- failing (RFC 6455, 7.1.7) --- */
static void fail(struct codec *c, enum codec_close code, struct span reason)
{
    if (c->state == CODEC_OPEN) {
        frame_add_close(&c->out, (unsigned)code, reason);
    }
    move(c, CODEC_FAILED);
}

/* --- control frames --- */
/* RFC 6455, 7.4, and what was registered since: 1012, 1013, 1014. */
static bool is_close_code(unsigned code)
{
    bool reserved = code == 1004 || code == 1005 || code == 1006;
    return (code >= 1000 && code <= 1014 && !reserved) || (code >= 3000 && code <= 4999);
}

static void take_close(struct codec *c, struct span payload)
{
    unsigned code = 0;
    if (payload.n >= 2) {
        code = (unsigned)(unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
    }
    if (payload.n != 0 && !is_close_code(code)) {
        fail(c, CODEC_PROTOCOL, SPAN("Bad close code"));
    } else if (!span_is_utf8(span_sub(payload, 2, payload.n))) {
        fail(c, CODEC_BAD_TEXT, SPAN("Bad UTF-8"));
    } else {
        if (c->state == CODEC_OPEN) {
            frame_add(&c->out, FRAME_CLOSE, payload);
        }
        move(c, CODEC_CLOSED);
    }
}

static void end_control(struct codec *c, unsigned opcode)
{
    struct span payload = span_of(c->control, c->control_n);
    if (opcode == FRAME_CLOSE) {
        take_close(c, payload);
    } else if (opcode == FRAME_PING && c->state == CODEC_OPEN) {
        answer_ping(c, payload);
    }
}

/* --- messages --- */
static void forget_message(struct codec *c)
{
    text_free(&c->message);
    c->opcode = FRAME_CONTINUATION;
    c->fragments = 0;
    c->utf8 = (struct utf8){0};
}

static void end_data(struct codec *c, bool final)
{
    if (!final || c->state != CODEC_OPEN) {
        return;
    }
    if (c->opcode == FRAME_TEXT && !utf8_is_whole(&c->utf8)) {
        fail(c, CODEC_BAD_TEXT, SPAN("Bad UTF-8"));
        return;
    }
    struct text message = c->message;
    enum frame_opcode opcode = c->opcode;
    c->message = TEXT(c->options.message_max);
    forget_message(c);
    c->options.on_message(c->options.data, opcode, text_span(&message));
    text_free(&message);
}

static void take_data(struct codec *c, struct span piece)
{
    if (c->state != CODEC_OPEN) {
        return;
    }
    if (c->opcode == FRAME_TEXT && !utf8_add(&c->utf8, piece)) {
        fail(c, CODEC_BAD_TEXT, SPAN("Bad UTF-8"));
        return;
    }
    text_add(&c->message, piece);
}

/* A message begins, or goes on; limits are judged by what the header promises. */
static void begin_data(struct codec *c, enum frame_opcode opcode, uint64_t length)
{
    if (c->state != CODEC_OPEN) {
        return; /* thrown away */
    }
    if ((opcode == FRAME_CONTINUATION) == (c->opcode == FRAME_CONTINUATION)) {
        fail(c, CODEC_PROTOCOL, SPAN("Unexpected fragment"));
        return;
    }
    if (opcode != FRAME_CONTINUATION) {
        c->opcode = opcode;
    }
    c->fragments++;
    if (c->opcode == FRAME_BINARY && !c->options.takes_binary) {
        fail(c, CODEC_UNSUPPORTED, SPAN("Text messages only"));
    } else if (length > c->options.message_max - c->message.n) {
        fail(c, CODEC_TOO_BIG, SPAN("Message too big"));
    } else if (c->fragments > CODEC_FRAGMENTS_MAX) {
        fail(c, CODEC_POLICY, SPAN("Too many fragments"));
    }
}

/* --- frames --- */
static void begin_frame(struct codec *c, const struct wslay_frame_iocb *f)
{
    c->left = f->payload_length;
    c->control_n = 0;
    if (f->mask == 0 || f->rsv != 0) {
        fail(c, CODEC_PROTOCOL, f->mask == 0 ? SPAN("Unmasked frame") : SPAN("Reserved bit"));
        return;
    }
    switch (f->opcode) {
    case FRAME_CONTINUATION:
    case FRAME_TEXT:
    case FRAME_BINARY:
        begin_data(c, (enum frame_opcode)f->opcode, f->payload_length);
        return;
    case FRAME_CLOSE:
    case FRAME_PING:
    case FRAME_PONG:
        return; /* wslay has refused fragments and over 125 bytes */
    default:
        fail(c, CODEC_PROTOCOL, SPAN("Reserved opcode"));
        return;
    }
}

static void take_piece(struct codec *c, const struct wslay_frame_iocb *f)
{
    c->left -= f->data_length;
    if (!wslay_is_ctrl_frame(f->opcode)) {
        take_data(c, span_of((const char *)f->data, f->data_length));
        return;
    }
    assert(f->data_length <= sizeof c->control - c->control_n);
    memcpy(c->control + c->control_n, f->data, f->data_length);
    c->control_n += f->data_length;
}

static void end_frame(struct codec *c, const struct wslay_frame_iocb *f)
{
    if (wslay_is_ctrl_frame(f->opcode)) {
        end_control(c, f->opcode);
    } else {
        end_data(c, f->fin != 0);
    }
}

static bool is_reading(const struct codec *c)
{
    return c->state == CODEC_OPEN || c->state == CODEC_CLOSING;
}

/* wslay shows a frame for the first time when a byte of its payload is there, or has none. */
static void take_frame(struct codec *c, const struct wslay_frame_iocb *f)
{
    if (!c->in_frame) {
        begin_frame(c, f);
    }
    if (is_reading(c)) {
        take_piece(c, f);
        c->in_frame = c->left != 0;
    }
    if (is_reading(c) && !c->in_frame) {
        end_frame(c, f);
    }
}

/* -1 tells wslay that there is no more for now. */
static ssize_t on_wslay_recv(uint8_t *p, size_t n, int flags, void *data)
{
    struct codec *c = data;
    size_t taken = n < c->input.n ? n : c->input.n;
    if (taken == 0) {
        return -1;
    }
    memcpy(p, c->input.p, taken);
    c->input = span_sub(c->input, taken, c->input.n);
    return (ssize_t)taken;
}

void codec_feed(struct codec *c, struct span bytes)
{
    c->input = bytes;
    while (is_reading(c)) {
        struct wslay_frame_iocb f = {0};
        ssize_t n = wslay_frame_recv(c->wslay, &f);
        if (n >= 0) {
            take_frame(c, &f);
        } else if (n == WSLAY_ERR_WANT_READ) {
            break;
        } else {
            fail(c, CODEC_PROTOCOL, SPAN("Malformed frame"));
        }
    }
    c->input = SPAN_NULL;
}

/* --- its life --- */
void codec_init(struct codec *c, const struct codec_options *options)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = on_wslay_recv};
    *c = (struct codec){.options = *options};
    c->out = TEXT(SIZE_MAX / 2); /* who sends keeps count */
    c->owed = TEXT(FRAME_CONTROL_MAX);
    c->message = TEXT(options->message_max);
    int r = wslay_frame_context_init(&c->wslay, &callbacks, c);
    assert(r == 0); /* it can only lack memory */
}

void codec_free(struct codec *c)
{
    wslay_frame_context_free(c->wslay);
    text_free(&c->out);
    text_free(&c->owed);
    text_free(&c->message);
}
