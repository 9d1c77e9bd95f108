#include "http/cors.h"

bool cors_allows(struct cors_origins allowed, struct span origin)
{
    if (span_is_null(origin)) {
        return false;
    }
    for (size_t i = 0; i < allowed.count; i++) {
        if (span_eq(allowed.list[i], origin)) {
            return true;
        }
    }
    return false;
}

static bool is_listed(struct span method)
{
    struct span rest = SPAN(CORS_METHODS);
    while (!span_is_null(rest)) {
        if (span_eq(span_trim(span_cut(&rest, ',')), method)) {
            return true;
        }
    }
    return false;
}

struct cors_verdict cors_preflight(bool origin_allowed, struct span requested_method)
{
    bool method_allowed = requested_method.n != 0 && is_listed(requested_method);
    if (origin_allowed) {
        return method_allowed ? (struct cors_verdict){200, SPAN("OK")}
                              : (struct cors_verdict){400, SPAN("Disallowed CORS method")};
    }
    return method_allowed ? (struct cors_verdict){400, SPAN("Disallowed CORS origin")}
                          : (struct cors_verdict){400, SPAN("Disallowed CORS origin, method")};
}
