/* Fuzzes what clerk reads from Clerk, or from who pretends to be Clerk: the headers and signatures
 * of webhooks, their bodies, and the answers of the Backend API. The first byte says which. A body
 * is read as if its signature had been good. */
#include "clerk/webhook.h"

#include <assert.h>

#include "clerk/answers.h"
#include "clerk/claims.h"

static const struct clerk_webhook_headers headers = {
    .id = {"msg_1", 5}, .timestamp = {"1700000000", 10}, .signature = {"v1,AAAA", 7}};

static void check_id(struct span id)
{
    assert(claims_is_identifier(id) && id.n <= CLAIMS_ID_MAX);
    assert(memchr(id.p, '\0', id.n) == NULL);
}

static void fuzz_body(struct arena *a, struct span input)
{
    struct clerk_webhook d = {.svix = headers, .body = input};
    struct clerk_event e;
    if (clerk_event_read(a, &d, &e) != OK) {
        return;
    }
    assert(e.order_ms >= 0 && e.sent_ms > 0 && e.type.n > 0);
    if (e.kind == CLERK_EVENT_OTHER) {
        return;
    }
    check_id(e.user.id); /* every record begins with its id */
    if (e.kind >= CLERK_EVENT_SESSION_CREATED && e.kind <= CLERK_EVENT_SESSION_REVOKED) {
        check_id(e.session.user_id);
    } else if (e.kind == CLERK_EVENT_MEMBERSHIP_CREATED) {
        check_id(e.membership.user_id);
        check_id(e.membership.organization.id);
    }
}

/* Three lines of headers, then the body. Nobody can sign with a secret that he does not know. */
static void fuzz_signature(struct span input)
{
    static const struct span secrets[] = {{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 38},
                                          {"not a secret", 12}};
    static const struct clerk_webhook_rules rules = {
        .secrets = secrets, .secret_count = 2, .tolerance_s = 300};
    struct span rest = input;
    struct clerk_webhook d = {0};
    d.standard.id = span_cut(&rest, '\n');
    d.standard.timestamp = span_cut(&rest, '\n');
    d.standard.signature = span_cut(&rest, '\n');
    d.body = rest;
    assert(clerk_webhook_verify(&d, &rules, 1700000000) != CLERK_WEBHOOK_OK);
    if (clerk_webhook_secret_is_valid(input)) {
        assert(input.n >= 22);
    }
}

static void fuzz_answer(struct arena *a, struct span input)
{
    static const long statuses[] = {200, 201, 404, 429, 500};
    if (input.n < 1) {
        return;
    }
    unsigned choice = (unsigned char)input.p[0];
    struct span body = span_sub(input, 1, input.n);
    enum answers_kind kind = (enum answers_kind)(choice % 3);
    struct clerk_backend_answer out = answers_read(a, kind, statuses[choice / 3 % 5], body);
    if (out.err != OK) {
        assert(out.user == NULL && out.session == NULL && out.membership_count == 0);
    } else if (out.user != NULL) {
        check_id(out.user->id);
    } else if (out.session != NULL) {
        check_id(out.session->id);
    }
    for (size_t i = 0; i < out.membership_count; i++) {
        check_id(out.memberships[i].organization.id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct arena *a = arena_new();
    struct span input = span_of((const char *)data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        fuzz_body(a, input);
        break;
    case 1:
        fuzz_signature(input);
        break;
    default:
        fuzz_answer(a, input);
        break;
    }
    arena_free(a);
    return 0;
}
