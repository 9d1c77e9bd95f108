/* peer: jansson behind a small front, because its names and those of base/json.h collide. */
#pragma once

#include "base/span.h"

enum peer_kind {
    PEER_REFUSED,
    PEER_NULL,
    PEER_BOOL,
    PEER_INT,
    PEER_REAL,
    PEER_STRING,
    PEER_ARRAY,
    PEER_OBJECT
};

struct peer {
    enum peer_kind kind;
    bool boolean;
    int64_t integer;
    double real;
    struct span string;
    size_t count;
    void *value; /* jansson's own; the root's is freed by peer_free */
};

struct peer_refusal {
    bool overflow;    /* an integer or a double out of range */
    bool nul_in_name; /* jansson's own limitation */
    char text[160];
};

/* Strict: no duplicate names, but any value at the top and U+0000 in strings. */
struct peer peer_parse(struct span document, struct peer_refusal *refusal);
struct peer peer_item(const struct peer *array, size_t i);
/* PEER_REFUSED when there is none. */
struct peer peer_member(const struct peer *object, struct span name);
void peer_free(struct peer *root);
