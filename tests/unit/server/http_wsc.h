/* http_wsc: a WebSocket client that sends exactly the frames it is told to, good or bad. */
#pragma once

#include "tests/unit/server/http_fixture.h"

#define WSC_HANDSHAKE                                                                              \
    "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
#define WSC_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" /* RFC 6455, 1.3 */
#define WSC_UPGRADE(path) SPAN("GET " path " HTTP/1.1\r\n" WSC_HANDSHAKE WSC_KEY "\r\n")

enum { TEXT_FRAME = 1, CLOSE_FRAME = 8, PING_FRAME = 9, PONG_FRAME = 10 };

struct wsc_frame {
    int opcode; /* -1: the connection ended */
    unsigned code;
    struct text payload; /* of a close: the reason */
};

int wsc_dial(const struct fixture *f);
/* `first` is the whole first byte: 0x80 | opcode for a final frame. */
void wsc_add(struct text *t, unsigned first, struct span payload);
void wsc_say(int fd, unsigned first, struct span payload);
void wsc_say_text(int fd, const char *words);
void wsc_say_close(int fd, unsigned code);
struct wsc_frame wsc_hear(int fd);
void wsc_expect(int fd, int opcode, const char *payload);
void wsc_expect_close(int fd, unsigned code);
/* An orderly end, and nothing before it. */
void wsc_expect_end(int fd);
/* What /counts says. */
void wsc_expect_counts(const struct fixture *f, const char *counts);
