/* err: the one closed list of outcomes. A fallible call returns `enum err` and nothing else means
 * failure. Expected outcomes (not found, conflict) are values; broken machinery logs once, where it
 * breaks, and returns ERR_INTERNAL. */
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))

enum err {
    OK = 0,
    ERR_INVALID,      /* the input is malformed or out of bounds */
    ERR_UNAUTHORIZED, /* no identity, or one that is refused */
    ERR_FORBIDDEN,    /* somebody else's */
    ERR_NOT_FOUND,
    ERR_CONFLICT,    /* the thing has changed meanwhile, or exists already */
    ERR_TOO_LARGE,   /* over a size limit */
    ERR_LIMIT,       /* over a count or rate limit */
    ERR_UNAVAILABLE, /* try again later: draining, queue full, no keys */
    ERR_CANCELED,    /* the owner of the work closed first */
    ERR_DISK_FULL,
    ERR_INTERNAL, /* already logged */
};

/* A short stable name for logs ("not_found"). Never NULL. */
const char *err_name(enum err e);
