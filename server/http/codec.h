/* codec: the server's side of one WebSocket conversation (RFC 6455) without a socket: bytes in,
 * messages out; messages in, bytes out. wslay parses and unmasks frames; messages, control frames
 * and the ways to end are ours, so that every one of them has a limit and a definite close code.
 * Knows neither sockets nor time. At most one close frame is ever written, and nothing behind it.
 */
#pragma once

#include <wslay/wslay.h>

#include "http/frame.h"
#include "http/utf8.h"

enum {
    CODEC_FRAGMENTS_MAX = 16384, /* frames of one message; over it 1008 */
    CODEC_PONGS_MAX = 64,        /* waiting in `out`; of further pings only the last is answered */
};

enum codec_close {
    CODEC_GOING_AWAY = 1001,
    CODEC_PROTOCOL = 1002,
    CODEC_UNSUPPORTED = 1003,
    CODEC_BAD_TEXT = 1007,
    CODEC_POLICY = 1008,
    CODEC_TOO_BIG = 1009,
    CODEC_TRY_LATER = 1013,
};

/* OPEN -> CLOSING -> CLOSED, OPEN -> CLOSED, and OPEN or CLOSING -> FAILED. A close frame of ours
 * is in `out` (or was) in all but OPEN. */
enum codec_state {
    CODEC_OPEN,
    CODEC_CLOSING, /* codec_close: control frames are still read, messages thrown away */
    CODEC_CLOSED,  /* theirs has come too: input is ignored */
    CODEC_FAILED,  /* they broke a rule: input is ignored (7.1.7) */
};

struct codec_options {
    /* A whole message, text in valid UTF-8. Only in OPEN; may send and close, not free. */
    void (*on_message)(void *data, enum frame_opcode opcode, struct span message);
    void *data;
    size_t message_max; /* bytes of one received; over it 1009 */
    bool takes_binary;  /* else 1003 */
};

struct codec {
    struct codec_options options;
    enum codec_state state;
    struct text out; /* whole frames to be written; codec_take empties it */
    unsigned pongs;  /* of them in `out` */
    bool owes_pong;
    struct text owed; /* its payload */
    /* Receiving. */
    wslay_frame_context_ptr wslay;
    struct span input;        /* of codec_feed: not yet taken by wslay */
    bool in_frame;            /* its header has been judged */
    uint64_t left;            /* of its payload */
    enum frame_opcode opcode; /* of the message in progress; FRAME_CONTINUATION without one */
    unsigned fragments;       /* of it */
    struct utf8 utf8;         /* of its text so far */
    struct text message;      /* its bytes so far: as many as came, whatever the header promised */
    size_t control_n;
    char control[FRAME_CONTROL_MAX];
};

void codec_init(struct codec *c, const struct codec_options *options);
void codec_free(struct codec *c);
/* Takes all of it. May call on_message many times. */
void codec_feed(struct codec *c, struct span bytes);
/* One message. Dropped unless OPEN, as the calls below. */
void codec_send(struct codec *c, enum frame_opcode opcode, const struct span *parts, size_t n);
void codec_ping(struct codec *c);
/* To CLOSING; the frame goes behind what was sent. */
void codec_close(struct codec *c, unsigned code, struct span reason);
/* Moves `out` to `to`, which must be empty. */
void codec_take(struct codec *c, struct text *to);
/* Throws away what was not taken: whole frames. Only in OPEN. */
void codec_drop(struct codec *c);
