/* guard: who is asking? The Authorization header and nothing else; cookies are not looked at. */
#include "base/clock.h"
#include "request.h"

/* --- refusals: RFC 6750 section 3, with Clerk's word for the reason in error_description --- */
static void set_header(struct reply *reply, struct span name, struct span value)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (span_eq(reply->headers[i].name, name)) {
            reply->headers[i].value = value;
            return;
        }
    }
    reply_add_header(reply, name, value);
}

/* `error` is RFC 6750's, or NULL for who has shown nothing. `reason` is a literal. */
static struct reply refuse(struct request *r, const char *error, const char *reason,
                           struct span words)
{
    struct reply reply = reply_words(r, 401, words);
    struct span challenge = SPAN("Bearer realm=\"notebookd\"");
    if (error != NULL) {
        challenge = arena_printf(
            r->arena, "Bearer realm=\"notebookd\", error=\"%s\", error_description=\"%s\"", error,
            reason);
    }
    set_header(&reply, SPAN("www-authenticate"), challenge);
    set_header(&reply, SPAN("x-clerk-auth-reason"), span_str(reason));
    trail_refused(r, 401, span_str(reason));
    return reply;
}

static struct reply refuse_token(struct request *r, enum clerk_reason why)
{
    struct span words;
    if (why == CLERK_TOKEN_EXPIRED) {
        words = SPAN("Token has expired. Please sign in again.");
    } else if (why == CLERK_TOKEN_NO_SUBJECT) {
        words = SPAN("Invalid token: missing user ID (sub claim)");
    } else {
        words = arena_printf(r->arena, "Invalid token: %s", clerk_reason_text(why));
    }
    return refuse(r, "invalid_token", clerk_reason_name(why), words);
}

/* --- judging --- */
static bool parse_bearer(struct span header, struct span *token)
{
    struct span rest = header;
    struct span scheme = span_cut(&rest, ' ');
    *token = span_trim(rest);
    return span_eq_nocase(scheme, SPAN("bearer")) && token->n > 0 &&
           span_find(*token, ' ') == token->n;
}

struct clerk_answer guard_verify(struct app *app, struct arena *a, struct span token, bool again)
{
    struct clerk_answer answer = clerk_verify(app->clerk, a, token, again);
    if (answer.verdict == CLERK_PASS &&
        revoked_has(&app->people.revoked, &answer.who, clock_unix_ms())) {
        answer.verdict = CLERK_REFUSED;
        answer.reason = CLERK_SESSION_REVOKED;
    }
    return answer;
}

static enum guard_result judge(struct request *r, struct span token, struct reply *refusal)
{
    struct clerk_answer answer = guard_verify(r->app, r->arena, token, r->waited);
    switch (answer.verdict) {
    case CLERK_PASS:
        r->who = answer.who;
        return GUARD_PASS;
    case CLERK_WAIT:
        return GUARD_WAIT;
    case CLERK_REFUSED:
        r->who = answer.who; /* known only when the token was good, and revoked */
        *refusal = refuse_token(r, answer.reason);
        return GUARD_REFUSED;
    case CLERK_UNAVAILABLE:
        break;
    }
    *refusal = reply_detail(r, 503,
                            "Tokens cannot be checked now: the signing keys cannot be "
                            "fetched. Please try again in a moment.");
    return GUARD_REFUSED;
}

enum guard_result guard_check(struct request *r, struct reply *refusal)
{
    struct span token;
    if (span_is_null(r->call->authorization)) {
        *refusal = refuse(r, NULL, "session-token-missing",
                          SPAN("Missing authorization header. Please sign in."));
        return GUARD_REFUSED;
    }
    if (r->call->authorization_repeated) {
        *refusal = reply_detail(r, 400, "There is more than one Authorization header.");
        return GUARD_REFUSED;
    }
    if (!parse_bearer(r->call->authorization, &token)) {
        *refusal = refuse(r, "invalid_request", clerk_reason_name(CLERK_TOKEN_INVALID),
                          SPAN("Invalid authorization header format. Expected 'Bearer <token>'."));
        return GUARD_REFUSED;
    }
    return judge(r, token, refusal);
}

bool guard_origin_allowed(const struct app *app, struct span origin)
{
    for (size_t i = 0; i < app->origin_count; i++) {
        if (span_eq(app->origins[i], origin)) {
            return true;
        }
    }
    return false;
}
