/* frame: the server's half of the WebSocket frame format (RFC 6455, 5.2): whole, unmasked frames.
 * Pure. */
#pragma once

#include "base/text.h"

enum frame_opcode { FRAME_TEXT = 0x1, FRAME_CLOSE = 0x8, FRAME_PING = 0x9 };

enum {
    FRAME_HEADER_MAX = 10,
    FRAME_REASON_MAX = 123 /* a control frame carries 125 bytes; two of a close are its code */
};

/* Appends one final frame, or nothing (and out->overflowed). */
void frame_add(struct text *out, enum frame_opcode opcode, struct span payload);
/* A reason longer than FRAME_REASON_MAX is cut between characters. */
void frame_add_close(struct text *out, unsigned code, struct span reason);
