/* conn: the registry of connections: accept with a cap (T19), TCP_NODELAY (T24), and the deadlines
 * libh2o does not have (T18). A connection is never freed from here: its socket is shut down, and
 * libh2o or the ws finds that out by itself. */
#pragma once

#include "http/state.h"

/* Binds and listens; h->loop, h->options and the lists are set. ERR_UNAVAILABLE, logged. */
MUST_CHECK enum err conn_listen(struct http *h);
/* NULL for a socket that is not one of ours. */
struct conn *conn_of(const h2o_req_t *req);
/* The peer's numeric address; empty when it is gone already. */
struct span conn_peer(struct conn *c);
/* Bytes of it that libuv still holds. */
size_t conn_unsent(const struct conn *c);
/* Ends whatever the connection is doing. */
void conn_cut(const struct conn *c);
/* Cuts those that broke a deadline. */
void conn_sweep(struct http *h);
/* Closes those that wait for a request that has not begun (T25). */
void conn_close_idle(struct http *h);
void conn_cut_all(struct http *h);
