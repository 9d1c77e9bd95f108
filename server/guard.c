/* guard: who is asking? The Authorization header and nothing else; cookies are not looked at. */
#include "request.h"

static bool parse_bearer(struct span header, struct span *token)
{
    struct span rest = header;
    struct span scheme = span_cut(&rest, ' ');
    *token = span_trim(rest);
    return span_eq_nocase(scheme, SPAN("bearer")) && token->n > 0 &&
           span_find(*token, ' ') == token->n;
}

static struct reply refuse_token(struct request *r, enum clerk_reason why)
{
    struct reply reply;
    if (why == CLERK_TOKEN_EXPIRED) {
        reply = reply_detail(r, 401, "Token has expired. Please sign in again.");
    } else if (why == CLERK_TOKEN_NO_SUBJECT) {
        reply = reply_detail(r, 401, "Invalid token: missing user ID (sub claim)");
    } else {
        reply = reply_detail(r, 401, "Invalid token: %s", clerk_reason_text(why));
    }
    reply_add_header(&reply, SPAN("x-clerk-auth-reason"), span_str(clerk_reason_name(why)));
    return reply;
}

enum guard_result guard_check(struct request *r, struct reply *refusal)
{
    struct span token;
    if (span_is_null(r->call->authorization)) {
        *refusal = reply_detail(r, 401, "Missing authorization header. Please sign in.");
        return GUARD_REFUSED;
    }
    if (r->call->authorization_repeated) {
        *refusal = reply_detail(r, 400, "There is more than one Authorization header.");
        return GUARD_REFUSED;
    }
    if (!parse_bearer(r->call->authorization, &token)) {
        *refusal =
            reply_detail(r, 401, "Invalid authorization header format. Expected 'Bearer <token>'.");
        return GUARD_REFUSED;
    }
    struct clerk_answer answer = clerk_verify(r->app->clerk, r->arena, token, r->waited);
    switch (answer.verdict) {
    case CLERK_PASS:
        r->who = answer.who;
        return GUARD_PASS;
    case CLERK_WAIT:
        return GUARD_WAIT;
    case CLERK_REFUSED:
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

bool guard_origin_allowed(const struct app *app, struct span origin)
{
    for (size_t i = 0; i < app->origin_count; i++) {
        if (span_eq(app->origins[i], origin)) {
            return true;
        }
    }
    return false;
}
