/* sockets: the WebSocket connections of one server, seen from the server: what it does to all of
 * them. */
#pragma once

#include "http/state.h"

/* Sends the 101, whose headers are set, and takes the connection over once it is written. */
struct ws *sockets_upgrade(struct http *h, h2o_req_t *req, const struct ws_options *options);
/* Once per turn of the loop: writes what is queued, ends what has ended. */
void sockets_flush(struct http *h);
/* Pings and deadlines. */
void sockets_sweep(struct http *h);
void sockets_close(struct http *h, unsigned code, struct span reason);
void sockets_cut(struct http *h);
