/* static: the built web app, from memory. Read once, at start, into a table from path to bytes, so
 * that no request ever names a file (T15): what is not in the table does not exist. Each file has
 * its compressed forms, its ETag and its headers ready. Loop thread only after static_open; knows
 * nothing of notebooks or tokens. */
#pragma once

#include "base/text.h"
#include "http/http.h"

struct static_site;

struct static_options {
    const char *dir;
    size_t bytes_max;     /* of all files together, as they lie on the disk; memory may be twice */
    size_t files_max;     /* folders do not count */
    struct span frontend; /* "https://host" of Clerk's Frontend API, for the CSP; null: none */
};

/* Reads regular files, also in folders; names that begin with a dot, symbolic links and anything
 * else are left out. FILE.gz and FILE.br beside FILE become its compressed forms. ERR_UNAVAILABLE
 * for a folder that cannot be read, ERR_NOT_FOUND without index.html, ERR_LIMIT over a limit,
 * ERR_INVALID for a frontend that is no origin: with a sentence in *why. */
MUST_CHECK enum err static_open(struct static_site **out, const struct static_options *options,
                                struct text *why);
void static_close(struct static_site *s); /* NULL is fine */
size_t static_count(const struct static_site *s);

/* What decides an answer; header values are null when absent. */
struct static_query {
    struct span method;
    struct span path; /* decoded, without the first slash; "" is index.html */
    struct span accept, accept_encoding, if_none_match;
};

/* False when the path is none of ours: not in the table, and no page of the app, which is any path
 * outside /api, /health and /assets without a dot in its last part, asked for by GET or HEAD by
 * somebody who names text/html. The reply's spans live as long as the site. */
bool static_find(const struct static_site *s, const struct static_query *query, struct reply *out);
/* The same for a call; false without a site (NULL). */
bool static_serve(const struct static_site *s, const struct call *c, struct reply *out);
