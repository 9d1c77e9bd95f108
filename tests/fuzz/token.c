/* Fuzzes what clerk reads from strangers and from key servers: tokens, payloads, key sets, PEM,
 * publishable keys. The first byte says which, so that one corpus serves all. A payload is read as
 * if its signature had been good: a fuzzer cannot sign. */
#include <assert.h>

#include "base/b64.h"
#include "clerk/jwt.h"

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
    assert(e == OK);
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
    assert(reason != CLERK_OK && clerk_reason_name(reason) != NULL);
}

static void fuzz_payload(struct arena *a, struct span input)
{
    static const struct json_limits limits = {.bytes = 16384, .depth = 16, .values = 2048};
    const struct json *root = NULL;
    struct json_error error;
    struct claims c;
    if (json_parse(a, input, &limits, &root, &error) != OK ||
        claims_read(root, &rules, INT64_C(1700000000000), &c) != CLERK_OK) {
        return;
    }
    assert(c.who.user_id.n > 0 && c.who.user_id.n <= CLAIMS_ID_MAX);
    assert(memchr(c.who.user_id.p, '\0', c.who.user_id.n) == NULL);
    assert(c.expires_ms > INT64_C(1699999995000) && c.expires_ms <= INT64_C(253402300799999));
}

static void fuzz_keys(struct span input, bool pem)
{
    struct keys *keys = NULL;
    const char *why = NULL;
    enum err e = pem ? keys_from_pem(&keys, input, &why) : keys_parse(&keys, input, &why);
    assert((e == OK) == (keys != NULL));
    if (e == OK) {
        char signature[256] = {0};
        enum clerk_reason reason = keys_verify(keys, span_str(keys->items[0].kid), input,
                                               span_of(signature, sizeof signature));
        assert(reason == CLERK_TOKEN_INVALID_SIGNATURE);
        assert(keys_same(keys, keys));
    }
    keys_free(keys);
}

static void fuzz_host(struct arena *a, struct span input)
{
    struct span host = SPAN_NULL;
    if (clerk_publishable_host(a, input, &host) == OK) {
        assert(host.n >= 3 && host.n <= 253 && strlen(host.p) == host.n);
        assert(strcspn(host.p, "/:@?#%$ ") == host.n);
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
