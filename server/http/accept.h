/* accept: the listening socket. Not libuv's own listener: at the end of the descriptors that one
 * closes the clients that wait, and spins when another thread takes the descriptor it keeps in
 * reserve. Here they wait in the listen queue, unpolled, until a connection has ended (the cap,
 * T19) or a moment has passed. */
#pragma once

#include "http/state.h"

/* Binds and listens, and settles h->conn_max; h->loop, h->options and the lists are set. Counts its
 * two handles. ERR_UNAVAILABLE, logged. */
MUST_CHECK enum err accept_open(struct http *h);
/* 0 once closed. */
unsigned accept_port(const struct http *h);
/* A descriptor has become free. */
void accept_resume(struct http *h);
/* No more connections; those that wait are reset by the system. h->retry stays to be closed. */
void accept_close(struct http *h, uv_close_cb closed);
