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

/* Where two readers could disagree about lines: nowhere in a head that passed. True at its end. */
static bool check_line(struct span line, size_t *hosts)
{
    require(span_ends(line, SPAN("\r")));
    struct span text = span_sub(line, 0, line.n - 1);
    require(span_find(text, '\r') == text.n && span_find(text, '\0') == text.n);
    require(!span_starts(text, SPAN(" ")) && !span_starts(text, SPAN("\t")));
    *hosts += span_eq_nocase(span_sub(text, 0, 5), SPAN("host:")) ? 1 : 0;
    return text.n == 0;
}

static void check_lines(struct span input)
{
    struct span rest = input;
    size_t taken = 0;
    size_t hosts = 0;
    if (span_starts(rest, SPAN("\r\n"))) {
        rest = span_sub(rest, 2, rest.n);
        taken = 2;
    }
    bool ended = false;
    while (!ended) {
        struct span line = span_cut(&rest, '\n');
        taken += line.n + 1;
        ended = check_line(line, &hosts);
    }
    require(hosts <= 1 && taken <= HEAD_BYTES_MAX);
}

static void check_head(struct span input)
{
    struct head_verdict v = head_check(input);
    require((v.status == 0) == (v.detail == NULL));
    require(v.status == 0 || (v.status >= 400 && v.status < 500));
    if (v.status == 0) {
        require(span_has(input, SPAN("\r\n\r\n")));
        check_lines(input);
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
