#include "http/frame.h"

/* Big-endian, shortest form. Returns the header's length. */
static size_t write_header(char *p, enum frame_opcode opcode, size_t n)
{
    p[0] = (char)(0x80U | (unsigned)opcode);
    if (n < 126) {
        p[1] = (char)n;
        return 2;
    }
    size_t width = n <= UINT16_MAX ? 2 : 8;
    p[1] = width == 2 ? 126 : 127;
    for (size_t i = 0; i < width; i++) {
        p[2 + i] = (char)(unsigned char)((uint64_t)n >> (8 * (width - 1 - i)));
    }
    return 2 + width;
}

void frame_add(struct text *out, enum frame_opcode opcode, struct span payload)
{
    char *p = text_reserve(out, FRAME_HEADER_MAX + payload.n);
    if (p == NULL) {
        return;
    }
    size_t header = write_header(p, opcode, payload.n);
    if (payload.n != 0) {
        memcpy(p + header, payload.p, payload.n);
    }
    out->n += header + payload.n;
    out->p[out->n] = '\0';
}

void frame_add_close(struct text *out, unsigned code, struct span reason)
{
    char payload[2 + FRAME_REASON_MAX] = {(char)(unsigned char)(code >> 8),
                                          (char)(unsigned char)code};
    size_t n = span_utf8_prefix(reason, FRAME_REASON_MAX);
    if (n != 0) {
        memcpy(payload + 2, reason.p, n);
    }
    frame_add(out, FRAME_CLOSE, span_of(payload, 2 + n));
}
