/* open: a clerk's beginning and end. */
#include <assert.h>

#include "base/log.h"
#include "clerk/inside.h"

#define AUTHORIZATION_MAX 4096 /* bytes */
#define API_URL "https://api.clerk.com"
#define API_TIMEOUT_MS 5000

static enum err refuse(struct text *why, const char *what, const char *problem)
{
    text_addf(why, "%s: %s", what, problem);
    return ERR_INVALID;
}

static bool is_header_value(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        if (s[i] < 0x20 || s[i] > 0x7E) {
            return false;
        }
    }
    return n <= AUTHORIZATION_MAX;
}

static enum err check_options(const struct clerk_options *o, struct text *why)
{
    const char *problem = NULL;
    if (o->secret_key != NULL && (o->secret_key[0] == '\0' || !is_header_value(o->secret_key))) {
        return refuse(why, "secret key", "it has characters that no key has");
    }
    if (o->secret_key != NULL && o->api_url != NULL &&
        outbound_check_url(o->api_url, &problem) != OK) {
        return refuse(why, "Backend API's URL", problem);
    }
    if ((o->jwks_url == NULL) == (o->pem == NULL)) {
        return refuse(why, "keys", "either a key set's URL or a public key is needed");
    }
    if (o->jwks_url == NULL) {
        return OK;
    }
    if (outbound_check_url(o->jwks_url, &problem) != OK) {
        return refuse(why, "key set's URL", problem);
    }
    if (o->jwks_authorization != NULL && !is_header_value(o->jwks_authorization)) {
        return refuse(why, "secret key", "it has characters that no key has");
    }
    if (o->issuer_count == 0) {
        return refuse(why, "issuer", "none is known for the key set");
    }
    return OK;
}

static struct span *copy_spans(struct arena *a, const struct span *list, size_t count)
{
    struct span *copy = arena_alloc_array(a, count, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = arena_copy(a, list[i]);
    }
    return copy;
}

static void set_rules(struct clerk *c, const struct clerk_options *o)
{
    c->rules = (struct claims_rules){
        .issuers = copy_spans(c->own, o->issuers, o->issuer_count),
        .issuer_count = o->issuer_count,
        .parties = copy_spans(c->own, o->parties, o->party_count),
        .party_count = o->party_count,
        .azp_optional = o->azp_optional,
        .skew_ms = (int64_t)o->skew_s * 1000,
    };
    if (o->issuer_count == 0) {
        log_event(LOG_WARN, "clerk_rules", LOG_STR("issuers", "none: iss is not checked"));
    }
    if (o->party_count == 0) {
        log_event(LOG_WARN, "clerk_rules", LOG_STR("parties", "none: a token with azp is refused"));
    }
}

/* NULL without a PEM. */
static enum err read_pem(struct keys **out, const char *pem, struct text *why)
{
    const char *problem = NULL;
    *out = NULL;
    if (pem != NULL && keys_from_pem(out, span_str(pem), &problem) != OK) {
        return refuse(why, "public key", problem);
    }
    return OK;
}

static struct keyring *open_remote(const struct clerk *c, uv_loop_t *loop,
                                   const struct clerk_options *o)
{
    struct keyring_options options = {
        .url = o->jwks_url,
        .authorization = o->jwks_authorization,
        .timeout_ms = o->timeout_ms,
        .policy = {.ttl_ms = (int64_t)o->ttl_s * 1000,
                   .stale_ms = (int64_t)o->stale_s * 1000,
                   .cooldown_ms = (int64_t)o->cooldown_s * 1000},
    };
    return keyring_open(loop, c->outbound, &options);
}

static struct api *open_api(const struct clerk *c, const struct clerk_options *o)
{
    struct api_options options = {
        .url = o->api_url == NULL ? API_URL : o->api_url,
        .secret_key = o->secret_key,
        .timeout_ms = o->api_timeout_ms == 0 ? API_TIMEOUT_MS : o->api_timeout_ms,
    };
    return api_new(c->outbound, &options);
}

/* What may fail comes first: what holds handles could not be freed here. */
static enum err open_parts(struct clerk *c, uv_loop_t *loop, const struct clerk_options *o,
                           struct text *why)
{
    struct keys *keys = NULL;
    enum err e = read_pem(&keys, o->pem, why);
    if (e == OK && (keys == NULL || o->secret_key != NULL)) {
        e = outbound_open(&c->outbound, loop);
    }
    if (e != OK) {
        keys_free(keys);
        return e;
    }
    c->keyring = keys != NULL ? keyring_open_fixed(loop, keys) : open_remote(c, loop, o);
    c->api = o->secret_key != NULL ? open_api(c, o) : NULL;
    return OK;
}

static void clerk_free(struct clerk *c)
{
    api_free(c->api);
    cache_free(c->cache);
    arena_free(c->own);
    mem_free(c);
}

enum err clerk_open(struct clerk **out, uv_loop_t *loop, const struct clerk_options *options,
                    struct text *why)
{
    enum err e = check_options(options, why);
    if (e != OK) {
        return e;
    }
    struct clerk *c = mem_alloc(sizeof *c);
    c->own = arena_new();
    c->cache = cache_new();
    e = open_parts(c, loop, options, why);
    if (e != OK) {
        clerk_free(c);
        return e;
    }
    set_rules(c, options);
    *out = c;
    return OK;
}

static void on_keyring_closed(void *data)
{
    struct clerk *c = data;
    clerk_closed_cb closed = c->closed;
    void *closed_data = c->closed_data;
    clerk_free(c);
    closed(closed_data);
}

/* The keyring outlives the outbound thread, which may still call back into it; and until all is
 * over tokens are judged. */
static void on_outbound_closed(void *data)
{
    struct clerk *c = data;
    keyring_close(c->keyring, on_keyring_closed, c);
}

void clerk_close(struct clerk *c, clerk_closed_cb closed, void *data)
{
    assert(c->closed == NULL && closed != NULL);
    c->closed = closed;
    c->closed_data = data;
    keyring_stop(c->keyring);
    if (c->outbound == NULL) {
        on_outbound_closed(c);
    } else {
        outbound_close(c->outbound, on_outbound_closed, c);
    }
}
