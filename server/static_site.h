/* static_site: the table of static.h, shared by the file that fills it and the file that answers
 * from it. */
#pragma once

#include "base/map.h"
#include "base/mem.h"
#include "static.h"

/* In the order in which equals are preferred, the last first. */
enum static_coding { STATIC_PLAIN, STATIC_GZIP, STATIC_BR, STATIC_CODINGS };

struct static_form {
    struct span bytes; /* null: there is no such form */
    struct span etag;
};

struct static_file {
    struct static_form forms[STATIC_CODINGS];
    struct span type;
    struct span cache; /* cache-control */
    bool hidden;       /* is only another file's compressed form */
};

struct static_site {
    struct arena *arena; /* everything below */
    struct map files;    /* path -> struct static_file */
    const struct static_file *index;
    struct span policy; /* content-security-policy */
    size_t count;
};
