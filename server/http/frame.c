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

void frame_add_parts(struct text *out, enum frame_opcode opcode, const struct span *parts, size_t n)
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        length += parts[i].n;
    }
    char *p = text_reserve(out, FRAME_HEADER_MAX + length);
    if (p == NULL) {
        return;
    }
    out->n += write_header(p, opcode, length);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n != 0) {
            memcpy(out->p + out->n, parts[i].p, parts[i].n);
            out->n += parts[i].n;
        }
    }
    out->p[out->n] = '\0';
}

void frame_add(struct text *out, enum frame_opcode opcode, struct span payload)
{
    frame_add_parts(out, opcode, &payload, 1);
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
