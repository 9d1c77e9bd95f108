#include "base/span.h"

#include "base/utf8.h"

static int fold(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (fold(a.p[i]) != fold(b.p[i])) {
            return false;
        }
    }
    return true;
}

int span_cmp(struct span a, struct span b)
{
    size_t shorter = a.n < b.n ? a.n : b.n;
    int order = shorter == 0 ? 0 : memcmp(a.p, b.p, shorter);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool span_starts(struct span s, struct span prefix)
{
    return s.n >= prefix.n && span_eq(span_of(s.p, prefix.n), prefix);
}

bool span_ends(struct span s, struct span suffix)
{
    return s.n >= suffix.n && span_eq(span_sub(s, s.n - suffix.n, suffix.n), suffix);
}

bool span_has(struct span s, struct span needle)
{
    if (needle.n == 0) {
        return true;
    }
    return s.n >= needle.n && memmem(s.p, s.n, needle.p, needle.n) != NULL;
}

size_t span_find(struct span s, char c)
{
    const char *found = s.n == 0 ? NULL : memchr(s.p, c, s.n);
    return found == NULL ? s.n : (size_t)(found - s.p);
}

struct span span_sub(struct span s, size_t from, size_t n)
{
    if (s.p == NULL) {
        return SPAN_NULL;
    }
    if (from > s.n) {
        from = s.n;
    }
    return span_of(s.p + from, n < s.n - from ? n : s.n - from);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.n > 0 && is_blank(s.p[s.n - 1])) {
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

struct span span_cut(struct span *rest, char separator)
{
    struct span all = *rest;
    size_t at = span_find(all, separator);
    *rest = at == all.n ? SPAN_NULL : span_sub(all, at + 1, all.n);
    return span_sub(all, 0, at);
}

/* Most text is ASCII: eight bytes at a time. */
static size_t ascii_run(struct span s, size_t from)
{
    uint64_t eight;
    while (s.n - from >= sizeof eight) {
        memcpy(&eight, s.p + from, sizeof eight);
        if ((eight & 0x8080808080808080U) != 0) {
            break;
        }
        from += sizeof eight;
    }
    return from;
}

bool span_is_utf8(struct span s)
{
    for (size_t i = ascii_run(s, 0); i < s.n; i = ascii_run(s, i)) {
        size_t n = utf8_length(s.p + i, s.n - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

size_t span_utf8_prefix(struct span s, size_t max)
{
    if (s.n <= max) {
        return s.n;
    }
    size_t lead = max;
    for (int i = 0; i < 3 && lead > 0 && utf8_is_tail((unsigned char)s.p[lead]); i++) {
        lead--;
    }
    size_t n = utf8_length(s.p + lead, s.n - lead);
    return lead + n > max ? lead : max;
}

bool span_to_int(struct span s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */
    for (size_t i = negative; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.p[i] - '0', &value)) {
            return false;
        }
    }
    if (s.n == (size_t)negative || (!negative && value == INT64_MIN)) {
        return false;
    }
    *out = negative ? value : -value;
    return true;
}
