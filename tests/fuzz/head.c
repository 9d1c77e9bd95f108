/* What strangers send first: a request's head through the guard, and its first line as a path
 * through the decoder. Beyond not crashing: a head the guard lets pass ends where the guard says it
 * was safe to look, and decoded segments hold nothing that a later stage must not see. */
#include "http/head.h"

#include <stdlib.h>

#include "http/path.h"

#define SEGMENTS_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_head(struct span input)
{
    struct head_verdict v = head_check(input);
    require((v.status == 0) == (v.detail == NULL));
    require(v.status == 0 || (v.status >= 400 && v.status < 500));
    if (v.status == 0) {
        require(span_has(input, SPAN("\r\n\r\n")));
        require(span_find(input, '\n') <= HEAD_BYTES_MAX);
    }
}

static void check_segment(struct span s)
{
    require(span_is_utf8(s));
    require(span_find(s, '/') == s.n && span_find(s, '\0') == s.n);
    require(!span_eq(s, SPAN(".")) && !span_eq(s, SPAN("..")));
}

static void check_path(struct span input)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span segments[SEGMENTS_MAX];
    size_t count = 0;
    if (path_split(a, input, segments, SEGMENTS_MAX, &count) != OK) {
        return;
    }
    require(count <= SEGMENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        check_segment(segments[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of((const char *)data, size);
    check_head(input);
    check_path(span_sub(input, 0, span_find(input, '\n')));
    return 0;
}
