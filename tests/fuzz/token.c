/* Fuzzes what clerk reads from strangers and from key servers: tokens, payloads and what they
 * allow, key sets, PEM, publishable keys. The first byte says which, so that one corpus serves all.
 * A payload is read as if its signature had been good: a fuzzer cannot sign. */
#include <stdlib.h>

#include "base/b64.h"
#include "clerk/jwt.h"
#include "clerk/pack.h"
#include "clerk/permissions.h"

/* A call and not a macro, so that many of them do not make a function complicated. */
static void must(bool held)
{
    if (!held) {
        abort();
    }
}

static const struct span list[] = {{"https://a", 9}, {"http://localhost:5173", 21}};
static const struct claims_rules rules = {
    .issuers = list, .issuer_count = 2, .parties = list, .party_count = 2, .skew_ms = 5000};

/* One well-formed key, "k", that signs nothing here: its modulus is 256 bytes of 0xBB. */
static struct keys *make_keys(void)
{
    char modulus[256];
    struct text document = TEXT(4096);
    struct keys *keys = NULL;
    const char *why = NULL;
    memset(modulus, 0xBB, sizeof modulus);
    text_add(&document, SPAN("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":\""));
    b64_encode_url(&document, span_of(modulus, sizeof modulus));
    text_add(&document, SPAN("\"}]}"));
    enum err e = keys_parse(&keys, text_span(&document), &why);
    must(e == OK);
    text_free(&document);
    return keys;
}

static void fuzz_token(struct arena *a, struct span input)
{
    static struct keys *keys; /* kept for the whole run */
    if (keys == NULL) {
        keys = make_keys();
    }
    struct jwt_judge judge = {.rules = &rules, .keys = keys, .now_ms = INT64_C(1700000000000)};
    struct claims claims;
    enum clerk_reason reason = jwt_verify(a, input, &judge, &claims);
    must(reason != CLERK_OK && clerk_reason_name(reason) != NULL);
}

/* What is listed is held, also by the copy (except where a feature calls itself "org:": there the
 * prefix cannot be told from the name, and it is not held); and nobody holds what is not asked or
 * is empty. */
static void check_access(struct arena *a, const struct clerk_identity *who)
{
    char *at = arena_alloc(a, pack_size(who));
    const char *end = at + pack_size(who);
    struct clerk_identity copy = pack_move(who, &at);
    must(at == end);
    struct clerk_permissions visit = clerk_permissions_of(who);
    struct span permission = SPAN_NULL;
    for (int i = 0; i < 100 && clerk_permission_next(&visit, a, &permission); i++) {
        struct clerk_condition wanted = {.permission = permission};
        must(who->organization.id.n > 0 && span_starts(permission, SPAN("org:")));
        bool ambiguous = span_starts(permission, SPAN("org:org:"));
        must(clerk_has(who, &wanted) == clerk_has(&copy, &wanted));
        must(ambiguous || clerk_has(who, &wanted));
    }
    struct clerk_condition role = {.role = who->organization.role};
    must(clerk_has(who, &role) == !span_is_null(who->organization.role));
    must(!clerk_has(who, &(struct clerk_condition){.permission = SPAN("")}));
    must(!clerk_has(who, &(struct clerk_condition){.feature = SPAN(""), .plan = SPAN("x")}));
    must(!clerk_has(who, &(struct clerk_condition){0}));
    struct clerk_reverification never = {CLERK_FIRST_FACTOR, 0};
    must(!clerk_has(who, &(struct clerk_condition){.reverification = &never}));
    (void)clerk_has(who, &(struct clerk_condition){.feature = who->plans, .plan = who->features});
}

static void fuzz_payload(struct arena *a, struct span input)
{
    static const struct json_limits limits = {.bytes = 16384, .depth = 16, .values = 2048};
    const struct json *root = NULL;
    struct json_error error;
    struct claims c;
    if (json_parse(a, input, &limits, &root, &error) != OK ||
        claims_read(a, root, &rules, INT64_C(1700000000000), &c) != CLERK_OK) {
        return;
    }
    must(c.who.user_id.n > 0 && c.who.user_id.n <= CLAIMS_ID_MAX);
    must(memchr(c.who.user_id.p, '\0', c.who.user_id.n) == NULL);
    check_access(a, &c.who);
    must(c.expires_ms > INT64_C(1699999995000) && c.expires_ms <= INT64_C(253402300799999));
}

static void fuzz_keys(struct span input, bool pem)
{
    struct keys *keys = NULL;
    const char *why = NULL;
    enum err e = pem ? keys_from_pem(&keys, input, &why) : keys_parse(&keys, input, &why);
    must((e == OK) == (keys != NULL));
    if (e == OK) {
        char signature[256] = {0};
        enum clerk_reason reason = keys_verify(keys, span_str(keys->items[0].kid), input,
                                               span_of(signature, sizeof signature));
        must(reason == CLERK_TOKEN_INVALID_SIGNATURE);
        must(keys_same(keys, keys));
    }
    keys_free(keys);
}

static void fuzz_host(struct arena *a, struct span input)
{
    struct span host = SPAN_NULL;
    if (clerk_publishable_host(a, input, &host) == OK) {
        must(host.n >= 3 && host.n <= 253 && strlen(host.p) == host.n);
        must(strcspn(host.p, "/:@?#%$ ") == host.n);
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
    switch (data[0] % 5) {
    case 0:
        fuzz_token(a, input);
        break;
    case 1:
        fuzz_payload(a, input);
        break;
    case 2:
        fuzz_keys(input, false);
        break;
    case 3:
        fuzz_keys(input, true);
        break;
    default:
        fuzz_host(a, input);
        break;
    }
    arena_free(a);
    return 0;
}
