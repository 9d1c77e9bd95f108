/* input: what a request says, from libh2o's form into a struct call. */
#pragma once

#include "http/state.h"

/* Fills the call; q->req, q->http and the arena are set. */
void input_fill(struct request *q);
/* The value of a header, its lines joined by ", " (RFC 9110, 5.3), in `a`; null without one.
 * At most a head's worth: what does not fit is left out. */
struct span input_joined(const h2o_req_t *req, struct span name, struct arena *a);
/* Who asks, behind the proxies that are trusted; in `a`. */
struct span input_client(const struct http *h, const h2o_req_t *req, struct arena *a);
/* The client used https, as far as a trusted proxy says so. */
bool input_is_https(const struct http *h, const h2o_req_t *req);
