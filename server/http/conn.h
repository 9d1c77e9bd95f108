/* conn: the registry of connections: TCP_NODELAY (T24), and the deadlines libh2o does not have
 * (T18). A connection is never freed from here: its socket is shut down, and
 * libh2o or the ws finds that out by itself. */
#pragma once

#include "http/state.h"

/* Takes over an accepted socket. */
void conn_start(struct http *h, int fd);
/* NULL for a socket that is not one of ours. */
struct conn *conn_of(const h2o_req_t *req);
/* The peer's numeric address; empty when it is gone already. */
struct span conn_peer(const struct conn *c);
/* Bytes of it that libuv still holds. */
size_t conn_unsent(const struct conn *c);
/* All that was written so far belongs to requests that are in the log. */
void conn_account(struct conn *c);
/* The client has hung up, or has closed its sending half. */
bool conn_is_gone(const struct conn *c);
/* Ends whatever the connection is doing. */
void conn_cut(const struct conn *c);
/* Cuts those that broke a deadline. */
void conn_sweep(struct http *h);
/* Closes those that wait for a request that has not begun (T25). */
void conn_close_idle(struct http *h);
void conn_cut_all(struct http *h);
