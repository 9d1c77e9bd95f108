/* frame: the server's half of the WebSocket frame format (RFC 6455, 5.2): whole, unmasked frames.
 * Pure. */
#pragma once

#include "base/text.h"

enum frame_opcode {
    FRAME_CONTINUATION = 0x0,
    FRAME_TEXT = 0x1,
    FRAME_BINARY = 0x2,
    FRAME_CLOSE = 0x8,
    FRAME_PING = 0x9,
    FRAME_PONG = 0xA
};

enum {
    FRAME_HEADER_MAX = 10,
    FRAME_CONTROL_MAX = 125, /* bytes that a control frame carries (5.5) */
    FRAME_REASON_MAX = 123   /* two of a close's are its code */
};

/* Appends one final frame, or nothing (and out->overflowed). */
void frame_add(struct text *out, enum frame_opcode opcode, struct span payload);
/* The same with a payload that lies in `n` parts. */
void frame_add_parts(struct text *out, enum frame_opcode opcode, const struct span *parts,
                     size_t n);
/* A reason longer than FRAME_REASON_MAX is cut between characters. */
void frame_add_close(struct text *out, unsigned code, struct span reason);
