/* head: the strict second look at a request's head (T23). libh2o's parser is lax exactly where
 * proxies in front of us may read differently (two lengths, folded lines, bare LF, two Hosts), so
 * every head is scanned once more, as raw bytes, before anybody acts on it. Control characters
 * other than NUL and CR in values are left to libh2o, which refuses them. Pure: bytes in, verdict
 * out. */
#pragma once

#include "base/span.h"

enum {
    HEAD_URI_MAX = 16 * 1024,  /* bytes of the request target (T21) */
    HEAD_BYTES_MAX = 64 * 1024 /* bytes of the whole head (T21) */
};

struct head_verdict {
    int status;         /* 0: acceptable; else the status to refuse it with */
    const char *detail; /* static words for the client; NULL when acceptable */
};

/* `input` begins with a head that libh2o has parsed already (names may be lower-cased in place);
 * what follows the empty line is not looked at. After a refusal the connection must be closed: what
 * follows cannot be trusted to be a request. */
struct head_verdict head_check(struct span input);
