#include "credentials.h"

static int hex(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    int value = at == NULL ? -1 : (int)(at - digits);
    return value > 15 ? value - 6 : value;
}

/* Bad escapes stay as they are: what comes out is no token then, and is refused as one. */
static struct span percent_decode(struct arena *a, struct span raw)
{
    char *out = arena_alloc(a, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        bool escape = raw.p[i] == '%' && i + 2 < raw.n;
        int high = escape ? hex(raw.p[i + 1]) : -1;
        int low = escape ? hex(raw.p[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[n++] = raw.p[i];
        }
    }
    return span_of(out, n);
}

/* The value of `token` in the query; null without one. */
static struct span query_token(struct arena *a, struct span query)
{
    struct span rest = query;
    while (!span_is_null(rest)) {
        struct span pair = span_cut(&rest, '&');
        if (span_starts(pair, SPAN("token="))) {
            return percent_decode(a, span_sub(pair, 6, pair.n));
        }
    }
    return SPAN_NULL;
}

struct span credentials_early(struct request *r, struct arena *a, bool *from_query)
{
    struct span scheme = r->call->authorization;
    struct span rest = scheme;
    scheme = span_cut(&rest, ' ');
    if (!r->call->authorization_repeated && span_eq_nocase(scheme, SPAN("bearer"))) {
        return arena_copy(a, span_trim(rest));
    }
    struct span token = query_token(a, r->call->query);
    *from_query = !span_is_null(token);
    return token;
}
