#include "clerk/jwt.h"

#include "base/b64.h"
#include "base/json.h"

/* The largest modulus that keys.h lets in. */
#define SIGNATURE_MAX (KEYS_BITS_MAX / 8)

/* Generous for a token of 16 KiB; custom claims may nest, but not without end. */
static const struct json_limits limits = {.bytes = CLERK_TOKEN_MAX, .depth = 16, .values = 2048};

struct parts {
    struct span header;    /* decoded */
    struct span payload;   /* decoded, not yet read */
    struct span signature; /* decoded */
    struct span message;   /* what is signed: the first two parts as they came (RFC 7515, 5.2) */
};

static bool decode(struct arena *a, struct span part, struct span *out)
{
    size_t cap = part.n / 4 * 3 + 3;
    uint8_t *bytes = arena_alloc(a, cap);
    size_t n = 0;
    if (part.n == 0 || b64_decode_url(part, bytes, cap, &n) != OK) {
        return false;
    }
    *out = span_of((const char *)bytes, n);
    return true;
}

/* Exactly three parts, none empty, each canonical base64url. */
static bool split(struct arena *a, struct span token, struct parts *out)
{
    struct span rest = token;
    struct span header = span_cut(&rest, '.');
    struct span payload = span_cut(&rest, '.');
    if (span_is_null(rest) || span_find(rest, '.') != rest.n) {
        return false;
    }
    out->message = span_sub(token, 0, header.n + 1 + payload.n);
    return decode(a, header, &out->header) && decode(a, payload, &out->payload) &&
           decode(a, rest, &out->signature) && out->signature.n <= SIGNATURE_MAX;
}

static const struct json *read_object(struct arena *a, struct span text)
{
    const struct json *root = NULL;
    struct json_error error;
    if (json_parse(a, text, &limits, &root, &error) != OK || root->kind != JSON_OBJECT) {
        return NULL;
    }
    return root;
}

/* An API key, a machine's or an OAuth token that is no JWT. Off, whoever it belongs to
 * (ARCHITECTURE.md 6.7). */
static bool is_machine_token(struct span token)
{
    static const struct span prefixes[] = {{"ak_", 3}, {"mt_", 3}, {"m2m_", 4}, {"oat_", 4}};
    bool found = false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        found = found || span_starts(token, prefixes[i]);
    }
    return found && span_find(token, '.') == token.n;
}

static bool is_string(const struct json *v)
{
    return v != NULL && v->kind == JSON_STRING;
}

/* `typ` tells an OAuth access token (RFC 9068), `cat` a machine's or a template's token from a
 * session's (CLERK.md A1.10). */
static enum clerk_reason check_kind(const struct json *header)
{
    const struct json *typ = json_get(header, SPAN("typ"));
    if (is_string(typ) && (span_eq_nocase(typ->string, SPAN("at+jwt")) ||
                           span_eq_nocase(typ->string, SPAN("application/at+jwt")))) {
        return CLERK_TOKEN_TYPE_MISMATCH;
    }
    if (typ != NULL && (!is_string(typ) || !span_eq(typ->string, SPAN("JWT")))) {
        return CLERK_TOKEN_INVALID;
    }
    const struct json *cat = json_get(header, SPAN("cat"));
    if (cat == NULL) {
        return CLERK_OK;
    }
    if (!is_string(cat)) {
        return CLERK_TOKEN_INVALID;
    }
    bool session = span_eq(cat->string, SPAN("cl_B7d4PD111AAA")) ||
                   span_eq(cat->string, SPAN("cl_I7d4PD111III"));
    return session ? CLERK_OK : CLERK_TOKEN_TYPE_MISMATCH;
}

/* Unknown names are ignored, as are jwk, jku and x5u: a token never brings its own key. `crit`
 * names extensions that must be understood (RFC 7515, 4.1.11), and we understand none. */
static enum clerk_reason check_header(const struct json *header, struct span *kid)
{
    const struct json *alg = json_get(header, SPAN("alg"));
    if (!is_string(alg) || !span_eq(alg->string, SPAN("RS256"))) {
        return CLERK_TOKEN_INVALID_ALGORITHM;
    }
    const struct json *id = json_get(header, SPAN("kid"));
    if (json_get(header, SPAN("crit")) != NULL || (id != NULL && !is_string(id))) {
        return CLERK_TOKEN_INVALID;
    }
    *kid = id == NULL ? SPAN_NULL : id->string;
    return check_kind(header);
}

enum clerk_reason jwt_verify(struct arena *a, struct span token, const struct jwt_judge *judge,
                             struct claims *out)
{
    struct parts parts;
    if (token.n > CLERK_TOKEN_MAX || !split(a, token, &parts)) {
        return is_machine_token(token) ? CLERK_TOKEN_TYPE_MISMATCH : CLERK_TOKEN_INVALID;
    }
    const struct json *header = read_object(a, parts.header);
    if (header == NULL) {
        return CLERK_TOKEN_INVALID;
    }
    struct span kid = SPAN_NULL;
    enum clerk_reason reason = check_header(header, &kid);
    if (reason != CLERK_OK) {
        return reason;
    }
    if (judge->keys == NULL) {
        return CLERK_NO_KEYS;
    }
    reason = keys_verify(judge->keys, kid, parts.message, parts.signature);
    if (reason != CLERK_OK) {
        return reason;
    }
    const struct json *payload = read_object(a, parts.payload);
    if (payload == NULL) {
        return CLERK_TOKEN_INVALID;
    }
    return claims_read(a, payload, judge->rules, judge->now_ms, out);
}
