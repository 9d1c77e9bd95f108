#include "credentials.h"

struct span credentials_early(struct request *r, struct arena *a, bool *from_query)
{
    struct span rest = r->call->authorization;
    struct span scheme = span_cut(&rest, ' ');
    if (!r->call->authorization_repeated && span_eq_nocase(scheme, SPAN("bearer"))) {
        return arena_copy(a, span_trim(rest));
    }
    struct span raw = query_find(r->call->query, SPAN("token"));
    struct span token = raw;
    *from_query = !span_is_null(raw);
    /* What cannot be decoded is no token, and is refused as one. */
    return *from_query && query_decode(a, raw, &token) != OK ? arena_copy(a, raw) : token;
}
