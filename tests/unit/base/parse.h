/* parse: what the JSON tests share. The source is copied to the heap, exactly as long as it is, so
 * that AddressSanitizer sees a reader that looks past its end. */
#pragma once

#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/check.h"

#define PARSE_LIMITS ((struct json_limits){.bytes = 1U << 24, .depth = 100, .values = 1U << 20})

struct parse {
    struct arena *arena;
    char *source;
    const struct json *root; /* NULL when refused */
    enum err e;
    struct json_error error;
};

static inline struct parse parse_within(struct span source, struct json_limits limits)
{
    struct parse p = {.arena = arena_new(), .source = malloc(source.n == 0 ? 1 : source.n)};
    CHECK(p.source != NULL);
    if (source.n != 0) {
        memcpy(p.source, source.p, source.n);
    }
    p.e = json_parse(p.arena, span_of(p.source, source.n), &limits, &p.root, &p.error);
    CHECK((p.e == OK) == (p.root != NULL) && (p.e == OK) == (p.error.what == NULL));
    CHECK(p.error.at <= source.n);
    return p;
}

static inline struct parse parse_text(struct span source)
{
    return parse_within(source, PARSE_LIMITS);
}

static inline void parse_free(struct parse *p)
{
    arena_free(p->arena);
    free(p->source);
}
