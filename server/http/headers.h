/* headers: what every answer carries, libh2o's own errors included (T8, T9): request id, security
 * headers, CORS; those errors' bodies as JSON; and the access log, one line per request that got a
 * status. Not covered, because libh2o calls nobody: the 101, and its raw 400 for what it cannot
 * parse at all (conn.c logs that one). */
#pragma once

#include "http/state.h"

enum { HEADERS_ID_LENGTH = 29 }; /* of an id made here: prefix, dash, count */

/* Registers the filter and the logger. */
void headers_register(h2o_pathconf_t *path);
/* Appends a response header; both spans live as long as the request. One whose value could end the
 * line is dropped. libh2o keeps the pointer `name` until the head is written. */
void headers_add(h2o_req_t *req, const struct span *name, struct span value);
/* Writes an id unique to this server and process life into `p`, HEADERS_ID_LENGTH bytes. Not a
 * UUID: this happens once per request, and needs no system call. */
struct span headers_new_id(struct http *h, char *p);
