/* http: requests, replies and WebSockets. The only place that sees libh2o and wslay; everything
 * above it sees a `struct call`, answers it with one `struct reply`, or turns it into a `struct
 * ws`. Loop thread only. Knows nothing of notebooks, tokens or routes: only bytes, sizes and
 * deadlines. The traps of libh2o 2.2.5 that this module closes are named T1..T42 where they are
 * closed. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/span.h"

struct app; /* the caller's own; never looked into */
struct http;
struct ws;

#define CALL_SEGMENTS_MAX 12

/* One request. Everything in it lives in `arena` (or in the request) until the call is answered or
 * upgraded; both happen exactly once, now or later, from the loop thread. A client that leaves in
 * between changes nothing for the caller: the answer is then dropped (T1). */
struct call {
    struct app *app; /* http_options.app */
    struct arena *arena;
    struct span method;        /* as sent: "GET" */
    struct span path;          /* raw, without the query; begins with '/' */
    struct span query;         /* raw, after '?'; null without one */
    struct span body;          /* whole; empty without one */
    struct span authorization; /* trimmed value; null without the header */
    bool authorization_repeated;
    struct span origin;       /* trimmed value; null without the header */
    struct span content_type; /* trimmed value; null without the header */
    struct span peer;         /* numeric address of the other end of the connection */
    struct span client;       /* the same, or who is behind a trusted proxy: the one who asks */
    bool is_https;            /* between the client and a trusted proxy */
    struct span
        request_id;      /* the caller's X-Request-Id when well formed, else a new one; sent back */
    uint64_t started_us; /* clock_mono_us */
    bool wants_upgrade;  /* an `Upgrade: websocket` request */
    /* For answers that take long; the caller sets it or leaves it NULL. Called at most once, from
     * the loop, when http_call_is_gone has been seen to become true before the answer (T2); looked
     * at every sweep_ms. The answer is still owed. */
    void (*on_gone)(struct call *c);
    void *data; /* the caller's own */
    /* The path's segments, strictly percent-decoded (T14): a path with %00, %2F, a bad escape, bad
     * UTF-8, "." or ".." never reaches the caller (400). "/" has none; a trailing slash gives a
     * last, empty one. */
    struct span segments[CALL_SEGMENTS_MAX];
    size_t segment_count;
};

struct reply_header {
    struct span name; /* lower case */
    struct span value;
};

/* What to send. Spans must live as long as the call's arena (or for ever). A header that every
 * answer carries (headers.h) is left out when the reply brings its own. */
struct reply {
    int status;
    struct span type; /* content type; null means application/json */
    struct span body;
    struct reply_header headers[10];
    size_t header_count;
    bool later; /* http_answer will be called later; the rest is meaningless */
};

/* Called once per complete, well-formed request. Ends in exactly one http_answer or http_upgrade.
 */
typedef void (*http_call_cb)(struct call *c);
typedef void (*http_closed_cb)(void *data);

/* How long a client may take. All in milliseconds. */
struct http_timing {
    unsigned head_ms;  /* from the first byte of a request to the end of its head (T18) */
    unsigned body_ms;  /* from the first byte of a request to the end of its body */
    unsigned stall_ms; /* a client that takes none of the bytes waiting for it */
    unsigned ping_ms;  /* between two pings to a WebSocket; two unanswered ones close it (T38) */
    unsigned close_ms; /* for the other side's half of a WebSocket's close */
    unsigned sweep_ms; /* how often all of these are looked at: each may run over by as much */
};
/* 10 s, 60 s, 30 s, 25 s, 5 s; looked at twice a second. */
extern const struct http_timing http_timing_default;

struct http_options {
    const char *host;
    unsigned port; /* 0 lets the system choose: http_port tells */
    struct app *app;
    http_call_cb on_call;
    size_t body_max; /* bytes; over it 413 (T20) */
    /* Over it accept pauses (T19). Never more than three quarters of the process's descriptors:
     * the rest of the server needs some too. */
    size_t connections_max;
    unsigned keep_alive_ms;     /* T17 */
    const struct span *origins; /* allowed CORS origins, exact; borrowed for ever */
    size_t origin_count;
    /* Whose X-Forwarded-For and -Proto are believed: addresses, networks ("10.0.0.0/8") or the
     * word "private" (loopback, RFC 1918, fc00::/7); borrowed during http_open. */
    const struct span *proxies;
    size_t proxy_count;
    const struct http_timing *timing; /* copied; NULL for http_timing_default */
};

/* ERR_UNAVAILABLE when the address cannot be had, ERR_INVALID when `proxies` holds something else
 * (logged with the reason). For the whole process, it also ignores SIGPIPE (T26) and tells
 * malloc to keep freed memory (T29). */
MUST_CHECK enum err http_open(struct http **out, uv_loop_t *loop,
                              const struct http_options *options);
unsigned http_port(const struct http *h);
/* Stops accepting, closes idle connections, lets pending calls finish, closes WebSockets with 1012
 * after their queued bytes; what is left after `deadline_ms` is cut. Then everything of libh2o is
 * torn down (T25, T27) and `closed` is called, from the loop. `h` is gone then. */
void http_close(struct http *h, unsigned deadline_ms, http_closed_cb closed, void *data);

/* Sends the reply and ends the call: `c` and its arena are gone when this returns. CORS headers,
 * the request id, security headers, Content-Length and the access-log line are added here. */
void http_answer(struct call *c, struct reply r);
/* The client has hung up, so that nobody will read the answer; also when it has only closed its
 * sending half, which looks the same (T2). One system call. */
bool http_call_is_gone(const struct call *c);
/* A request header's value, trimmed; `name` in lower case; the first of several; the null span
 * without it. Host, Content-Length, Expect and Upgrade are never found (T10). */
struct span http_header(const struct call *c, struct span name);
/* A strong entity tag of these bytes (RFC 9110, 8.8.3), in `a`: 34 bytes with its quotation marks.
 */
struct span http_etag(struct arena *a, struct span bytes);

/* --- WebSockets (RFC 6455) --- */
struct ws_handler {
    /* A whole text message, valid UTF-8, NOT NUL-terminated; valid during the call. May call
     * ws_send and ws_close. */
    void (*on_message)(void *data, struct span text);
    /* The same for a binary message. NULL: the first one closes the socket with 1003. */
    void (*on_binary)(void *data, struct span bytes);
    /* Once each time ws_queued falls from above `low_water` to at or below it: who has stopped
     * sending may go on. Called from the flush at the end of a turn of the loop, never from inside
     * a call into `ws`; never after ws_close. May be NULL. */
    void (*on_drained)(void *data);
    /* The socket is gone, for whatever reason; called exactly once, never from inside a call into
     * `ws` made by the caller. The ws must not be used any more. */
    void (*on_closed)(void *data);
};

struct ws_options {
    const struct ws_handler *handler;
    void *data;
    size_t message_max; /* bytes of a received message; over it 1009 (T31) */
    /* T37. Waiting bytes that forbid another message: that message is refused, and the socket
     * closed with 1013. One message always fits, however large, so up to a message more may wait.
     * The same close comes when the waiting bytes have not become fewer for timing.stall_ms. */
    size_t queue_max;
    size_t low_water; /* of on_drained; 0: never */
};

/* Ends the call. NULL when the handshake is not acceptable (method, version 426, key, draining
 * 503): the call has then been answered. The caller has checked Origin. on_closed will be called
 * once for a non-NULL result. */
struct ws *http_upgrade(struct call *c, const struct ws_options *options);
/* Queues a text message (the caller's UTF-8 is not checked); bytes leave once per loop turn, in
 * order (T35). After ws_close, or on a dying socket, it is dropped. */
void ws_send(struct ws *w, struct span text);
/* One text message made of `n` parts, copied once, straight into the queue. A part may end inside a
 * character. */
void ws_send_parts(struct ws *w, const struct span *parts, size_t n);
void ws_send_binary(struct ws *w, struct span bytes);
/* Closes with `code` and a reason of at most 123 bytes of UTF-8, after what is queued was written
 * (T33); 5 s later the connection is cut. Further calls are ignored. */
void ws_close(struct ws *w, unsigned code, struct span reason);
/* Bytes not yet handed to the system. */
size_t ws_queued(const struct ws *w);
