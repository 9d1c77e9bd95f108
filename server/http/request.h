/* request: one request of libh2o's as a struct call. It lives between two owners that may leave in
 * either order: libh2o, and the caller who owes an answer (T1). */
#pragma once

#include "http/state.h"

/* libh2o's handler: guards, fills the call, answers preflights, then calls on_call. */
int request_on_req(h2o_handler_t *handler, h2o_req_t *req);
/* libh2o is about to forget `req`; NULL is fine. */
void request_disposed(struct request *q);
/* Answers in the caller's place: 503, and the connection ends. */
void request_abandon(struct request *q);
/* Tells those who want to know that their client has left. */
void request_sweep(struct http *h);
/* The caller has let go; false when there is nobody to answer any more (and `q` may be gone). */
MUST_CHECK bool request_end(struct request *q);
/* Ends the call with {"detail": ...}; `detail` needs no escaping. */
void request_refuse(struct request *q, int status, const char *detail);
struct request *request_of(const struct call *c);
