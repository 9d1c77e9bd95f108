/* identity: from the CLERK_* settings to where keys come from and which issuers count. */
#include "identity.h"

#define LIST_MAX 64
#define JWKS_PATH "/.well-known/jwks.json"

static size_t split(struct arena *a, struct span list, const struct span **out)
{
    struct span *items = arena_alloc_array(a, LIST_MAX, sizeof *items);
    struct span rest = list;
    size_t n = 0;
    while (n < LIST_MAX && config_next(&rest, &items[n])) {
        items[n] = arena_copy(a, items[n]);
        n++;
    }
    *out = items;
    return n;
}

enum err identity_frontend(struct arena *a, const struct config *c, struct span *base,
                           struct text *why)
{
    struct span host = span_trim(c->clerk_frontend_api);
    *base = SPAN_NULL;
    if (c->clerk_publishable_key.n > 0 &&
        clerk_publishable_host(a, span_trim(c->clerk_publishable_key), &host) != OK) {
        text_add(
            why,
            SPAN("CLERK_PUBLISHABLE_KEY is not a publishable key (pk_test_... or pk_live_...)."));
        return ERR_INVALID;
    }
    if (host.n == 0) {
        return OK;
    }
    bool whole = span_starts(host, SPAN("https://"));
    *base = arena_printf(a, "%s%.*s", whole ? "" : "https://", SPAN_ARGS(host));
    return OK;
}

static void set_source(struct arena *a, const struct config *c, struct span base,
                       struct clerk_options *o)
{
    if (c->clerk_jwt_key.n > 0) {
        o->pem = c->clerk_jwt_key.p;
    } else if (c->clerk_jwks_url.n > 0) {
        o->jwks_url = c->clerk_jwks_url.p;
    } else if (!span_is_null(base)) {
        o->jwks_url = arena_printf(a, "%.*s" JWKS_PATH, SPAN_ARGS(base)).p;
    } else if (c->clerk_secret_key.n > 0) {
        o->jwks_url = arena_printf(a, "%.*s/v1/jwks", SPAN_ARGS(c->clerk_api_url)).p;
        o->jwks_authorization = arena_printf(a, "Bearer %.*s", SPAN_ARGS(c->clerk_secret_key)).p;
    }
}

static void set_issuers(struct arena *a, const struct config *c, struct span base,
                        struct clerk_options *o)
{
    struct span issuers = c->clerk_issuer;
    struct span url = c->clerk_jwks_url;
    if (issuers.n == 0) {
        issuers = base;
    }
    if (issuers.n == 0 && span_ends(url, SPAN(JWKS_PATH))) {
        issuers = span_sub(url, 0, url.n - (sizeof JWKS_PATH - 1));
    }
    o->issuer_count = split(a, issuers, &o->issuers);
}

enum err identity_options(struct arena *a, const struct config *c, struct clerk_options *o,
                          struct text *why)
{
    struct span base;
    enum err e = identity_frontend(a, c, &base, why);
    if (e != OK) {
        return e;
    }
    set_source(a, c, base, o);
    if (o->pem == NULL && o->jwks_url == NULL) {
        text_add(
            why,
            SPAN("There is no way to get Clerk's signing keys. Set one of CLERK_PUBLISHABLE_KEY, "
                 "CLERK_FRONTEND_API, CLERK_JWKS_URL, CLERK_JWT_KEY or CLERK_SECRET_KEY "
                 "(scripts/dev needs none of them: it brings its own offline Clerk)."));
        return ERR_INVALID;
    }
    set_issuers(a, c, base, o);
    struct span parties = c->clerk_authorized_parties;
    o->party_count = split(a, parties.n > 0 ? parties : c->allowed_origins, &o->parties);
    o->secret_key = c->clerk_secret_key.n > 0 ? c->clerk_secret_key.p : NULL;
    o->api_url = c->clerk_api_url.p;
    o->azp_optional = c->clerk_azp_optional != 0;
    o->skew_s = (unsigned)c->clerk_skew_s;
    o->ttl_s = (unsigned)c->clerk_jwks_ttl_s;
    o->cooldown_s = (unsigned)c->clerk_jwks_cooldown_s;
    o->stale_s = (unsigned)c->clerk_jwks_stale_s;
    o->timeout_ms = (unsigned)c->clerk_jwks_timeout_ms;
    return OK;
}
