/* state: what the files of this module share: the server, its connections and its requests. */
#pragma once

#include <netinet/in.h>

#include <h2o.h>

#include "base/list.h"
#include "http/cors.h"
#include "http/forwarded.h"
#include "http/http.h"

struct ws;

/* One server. Ends by http_close (drain.c): `handles` counts the uv handles in it. */
struct http {
    uv_loop_t *loop;
    uv_loop_t empty; /* for the end (drain.c) */
    struct http_options options;
    struct http_timing timing;
    struct cors_origins origins;
    struct arena *arena; /* what lives as long as the server */
    struct forwarded_trust trust;

    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;

    uv_poll_t listener;
    int listener_fd;    /* -1 once closed */
    uv_timer_t retry;   /* no descriptor was left: accepts again when it fires */
    uv_prepare_t flush; /* before the loop waits: WebSocket bytes and log lines leave */
    uv_idle_t awake;    /* runs while `dirty` is not empty, so that the loop does not wait (T35) */
    uv_timer_t timer;   /* the sweeper; faster while closing */
    unsigned handles;

    struct list conns;   /* every struct conn with a socket */
    struct list pending; /* every struct request that owes an answer */
    struct list sockets; /* every struct ws */
    struct list dirty;   /* those with something to write or to end */
    size_t conn_count;
    size_t conn_max;     /* T19 */
    bool accept_paused;  /* connections wait in the listener, which is not polled */
    bool accept_starved; /* for want of a descriptor, since the last one accepted */

    char id_prefix[17]; /* of request ids made here */
    uint64_t id_count;

    bool closing;
    bool torn_down;
    uint64_t deadline; /* uv_now of the end of patience while closing */
    http_closed_cb closed;
    void *data;
};

/* One TCP connection, from accept until libuv has closed its handle. Before an upgrade its socket
 * is libh2o's, after it the ws's; either closes it, and on_close tells us. */
struct conn {
    uv_tcp_t tcp; /* first: libuv hands it back to free */
    struct list link;
    struct http *http;
    h2o_socket_t *sock;      /* NULL once closed */
    struct request *request; /* being answered; NULL between requests */
    bool upgraded;
    size_t accounted; /* bytes written when the last request was logged */
    /* T18 */
    size_t unsent;        /* bytes that waited at the last sweep */
    uint64_t progress_at; /* when that number last changed */
    int64_t receiving;    /* identity (begin, in us) of the request being received; 0 for none */
    uint64_t receiving_since;
    char peer[INET6_ADDRSTRLEN];
};

/* One request that reached the handler, with the public call inside. Lives in its own arena. Freed
 * when both are true: the caller has ended the call, and libh2o has disposed of the request (which
 * it does after the last byte of the answer, so the answer may lie in the arena). */
struct request {
    struct call call;
    struct http *http;
    struct list pending;
    h2o_req_t *req;      /* NULL once libh2o has disposed of it: the answer is then dropped (T1) */
    h2o_buffer_t *input; /* the body's bytes, taken over when they must outlive `req` */
    bool origin_allowed;
    bool gone; /* the client, as far as the last sweep saw; on_gone is due */
    bool gone_told;
    bool ended;    /* answered or upgraded */
    bool answered; /* by us instead of the caller: the caller's answer is dropped */
};

static inline uint64_t state_now(const struct http *h)
{
    return uv_now(h->loop);
}
