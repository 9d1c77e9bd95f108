#include "tests/unit/server/http_wsc.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"

int wsc_dial(const struct fixture *f)
{
    int fd = client_dial(f);
    client_say(fd, WSC_UPGRADE("/ws"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    return fd;
}

/* `first` is the whole first byte. Masked with a fixed key. */
void wsc_add(struct text *t, unsigned first, struct span payload)
{
    static const char key[4] = {0x12, 0x34, 0x56, 0x78};
    text_add_char(t, (char)first);
    if (payload.n < 126) {
        text_add_char(t, (char)(0x80U | payload.n));
    } else {
        text_add_char(t, (char)(0x80U | (payload.n < 65536 ? 126 : 127)));
        for (int shift = payload.n < 65536 ? 8 : 56; shift >= 0; shift -= 8) {
            text_add_char(t, (char)(payload.n >> shift));
        }
    }
    text_add(t, span_of(key, 4));
    for (size_t i = 0; i < payload.n; i++) {
        text_add_char(t, (char)(payload.p[i] ^ key[i % 4]));
    }
}

void wsc_say(int fd, unsigned first, struct span payload)
{
    struct text t = TEXT(4194304);
    wsc_add(&t, first, payload);
    client_say(fd, text_span(&t));
    text_free(&t);
}

void wsc_say_text(int fd, const char *words)
{
    wsc_say(fd, 0x80 | TEXT_FRAME, span_str(words));
}

void wsc_say_close(int fd, unsigned code)
{
    char payload[2] = {(char)(code >> 8), (char)code};
    wsc_say(fd, 0x80 | CLOSE_FRAME, span_of(payload, 2));
}

static size_t read_length(int fd, const unsigned char *head)
{
    unsigned char more[8];
    size_t width = head[1] == 126 ? 2 : 8;
    if (head[1] < 126) {
        return head[1];
    }
    CHECK(client_read(fd, (char *)more, width));
    size_t n = 0;
    for (size_t i = 0; i < width; i++) {
        n = n << 8 | more[i];
    }
    return n;
}

struct wsc_frame wsc_hear(int fd)
{
    struct wsc_frame f = {.opcode = -1, .payload = TEXT(67108864)};
    unsigned char head[2];
    if (!client_read(fd, (char *)head, 2)) {
        return f;
    }
    CHECK((head[0] & 0x70) == 0 && (head[1] & 0x80) == 0); /* no RSV, no mask */
    size_t n = read_length(fd, head);
    char *p = text_reserve(&f.payload, n);
    CHECK(p != NULL && client_read(fd, p, n));
    f.payload.n = n;
    f.opcode = head[0] & 0x0F;
    if (f.opcode == CLOSE_FRAME && n >= 2) {
        f.code = (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
        text_consume(&f.payload, 2);
    }
    return f;
}

void wsc_expect(int fd, int opcode, const char *payload)
{
    struct wsc_frame f = wsc_hear(fd);
    CHECK(f.opcode == opcode);
    CHECK(span_eq(text_span(&f.payload), span_str(payload)));
    text_free(&f.payload);
}

void wsc_expect_close(int fd, unsigned code)
{
    struct wsc_frame f = wsc_hear(fd);
    CHECK(f.opcode == CLOSE_FRAME && f.code == code);
    text_free(&f.payload);
}

/* An orderly end, and nothing before it. */
void wsc_expect_end(int fd)
{
    char c = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK(poll(&p, 1, 2000) == 1 && recv(fd, &c, 1, 0) == 0);
}

void wsc_expect_counts(const struct fixture *f, const char *counts)
{
    int fd = client_dial(f);
    client_say(fd, SPAN("GET /counts HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(answer_is(&a, counts));
    answer_free(&a);
    close(fd);
}
