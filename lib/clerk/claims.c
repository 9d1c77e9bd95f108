#include "clerk/claims.h"

#include "base/clock.h"
#include "clerk/organization.h"

static bool is_string(const struct json *v)
{
    return v != NULL && v->kind == JSON_STRING;
}

static bool is_one_of(struct span s, const struct span *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_eq(s, list[i])) {
            return true;
        }
    }
    return false;
}

bool claims_is_identifier(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7F) {
            return false;
        }
    }
    return s.n > 0 && s.n <= CLAIMS_ID_MAX;
}

static enum clerk_reason read_subject(const struct json *payload, struct span *out)
{
    const struct json *sub = json_get(payload, SPAN("sub"));
    if (sub == NULL || (is_string(sub) && sub->string.n == 0)) {
        return CLERK_TOKEN_NO_SUBJECT;
    }
    if (!is_string(sub) || !claims_is_identifier(sub->string)) {
        return CLERK_TOKEN_INVALID;
    }
    *out = sub->string;
    /* a machine's token (CLERK.md E) */
    return span_starts(*out, SPAN("mch_")) ? CLERK_TOKEN_TYPE_MISMATCH : CLERK_OK;
}

/* Optional: tokens made by a backend have none. */
static enum clerk_reason read_session(const struct json *payload, struct span *out)
{
    const struct json *sid = json_get(payload, SPAN("sid"));
    if (sid == NULL) {
        *out = SPAN_NULL;
        return CLERK_OK;
    }
    if (!is_string(sid) || !claims_is_identifier(sid->string)) {
        return CLERK_TOKEN_INVALID;
    }
    *out = sid->string;
    return CLERK_OK;
}

static enum clerk_reason check_issuer(const struct json *payload, const struct claims_rules *rules)
{
    const struct json *iss = json_get(payload, SPAN("iss"));
    bool good = rules->issuer_count == 0 ||
                (is_string(iss) && is_one_of(iss->string, rules->issuers, rules->issuer_count));
    return good ? CLERK_OK : CLERK_TOKEN_INVALID_ISSUER;
}

static enum clerk_reason read_party(const struct json *payload, const struct claims_rules *rules,
                                    struct span *out)
{
    const struct json *azp = json_get(payload, SPAN("azp"));
    if (azp == NULL) {
        *out = SPAN_NULL;
        return rules->azp_optional ? CLERK_OK : CLERK_TOKEN_INVALID_PARTIES;
    }
    if (!is_string(azp) || !is_one_of(azp->string, rules->parties, rules->party_count)) {
        return CLERK_TOKEN_INVALID_PARTIES;
    }
    *out = azp->string;
    return CLERK_OK;
}

/* A NumericDate (RFC 7519, section 2) may have a fraction. Beyond the year 9999 it is no date: the
 * original verifier lets such numbers overflow and pass (CLERK.md A1.8). */
static bool read_time(const struct json *v, int64_t *ms)
{
    if (v == NULL || v->kind != JSON_NUMBER ||
        !(v->number >= 0 && v->number <= (double)(CLOCK_MAX_MS / 1000))) {
        return false;
    }
    *ms = (int64_t)(v->number * 1000);
    return true;
}

static bool read_times(const struct json *payload, struct claims *out)
{
    const struct json *nbf = json_get(payload, SPAN("nbf"));
    const struct json *iat = json_get(payload, SPAN("iat"));
    return read_time(json_get(payload, SPAN("exp")), &out->expires_ms) &&
           (nbf == NULL || read_time(nbf, &out->not_before_ms)) &&
           (iat == NULL || read_time(iat, &out->issued_ms));
}

enum clerk_reason claims_check_times(const struct claims *c, int64_t skew_ms, int64_t now_ms)
{
    if (c->expires_ms <= now_ms - skew_ms) {
        return CLERK_TOKEN_EXPIRED;
    }
    if (c->not_before_ms > now_ms + skew_ms) {
        return CLERK_TOKEN_NOT_ACTIVE_YET;
    }
    return c->issued_ms > now_ms + skew_ms ? CLERK_TOKEN_IAT_IN_THE_FUTURE : CLERK_OK;
}

/* "pending": signed in, but a task such as choosing an organization is unfinished. */
static enum clerk_reason check_status(const struct json *payload)
{
    const struct json *sts = json_get(payload, SPAN("sts"));
    bool active = sts == NULL || (is_string(sts) && span_eq(sts->string, SPAN("active")));
    return active ? CLERK_OK : CLERK_SESSION_PENDING;
}

/* Who is impersonated must not look like somebody who is not: a malformed actor refuses the token.
 */
static enum clerk_reason read_actor(const struct json *payload, struct clerk_identity *who)
{
    const struct json *act = json_get(payload, SPAN("act"));
    if (act == NULL || act->kind == JSON_NULL) {
        return CLERK_OK;
    }
    const struct json *sub = json_get(act, SPAN("sub"));
    if (!is_string(sub) || !claims_is_identifier(sub->string)) {
        return CLERK_TOKEN_INVALID;
    }
    const struct json *type = json_get(act, SPAN("type"));
    if (type != NULL && (!is_string(type) || !claims_is_identifier(type->string))) {
        return CLERK_TOKEN_INVALID;
    }
    who->actor_id = sub->string;
    who->actor_type = type == NULL ? SPAN_NULL : type->string;
    return CLERK_OK;
}

static enum clerk_reason read_identity(const struct json *payload, const struct claims_rules *rules,
                                       struct clerk_identity *who)
{
    enum clerk_reason reason = read_subject(payload, &who->user_id);
    if (reason == CLERK_OK) {
        reason = read_session(payload, &who->session_id);
    }
    if (reason == CLERK_OK) {
        reason = check_issuer(payload, rules);
    }
    return reason == CLERK_OK ? read_party(payload, rules, &who->party) : reason;
}

enum clerk_reason claims_read(struct arena *a, const struct json *payload,
                              const struct claims_rules *rules, int64_t now_ms, struct claims *out)
{
    *out = (struct claims){0};
    enum clerk_reason reason = read_identity(payload, rules, &out->who);
    if (reason != CLERK_OK) {
        return reason;
    }
    if (!read_times(payload, out)) {
        return CLERK_TOKEN_INVALID;
    }
    out->who.issued_at_s = out->issued_ms / 1000;
    out->who.expires_at_s = out->expires_ms / 1000;
    reason = claims_check_times(out, rules->skew_ms, now_ms);
    if (reason == CLERK_OK) {
        reason = check_status(payload);
    }
    if (reason == CLERK_OK) {
        reason = read_actor(payload, &out->who);
    }
    if (reason == CLERK_OK) {
        organization_read(a, payload, &out->who);
    }
    return reason;
}
