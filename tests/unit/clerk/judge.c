#include "tests/unit/clerk/judge.h"

#include "tests/unit/check.h"

static const struct span issuers[] = {{"https://clerk.example.com", 25}, {"https://b.example", 17}};
static const struct span parties[] = {{"http://localhost:5173", 21}, {"https://app.example", 19}};
const struct claims_rules judge_rules = {
    .issuers = issuers, .issuer_count = 2, .parties = parties, .party_count = 2, .skew_ms = 5000};

struct keys *judge_keys(void)
{
    CLEANUP(mem_free_ptr) char *document = mint_jwks(mint_key(MINT_GOOD), "ins_1");
    struct keys *keys = NULL;
    const char *why = NULL;
    CHECK(keys_parse(&keys, span_str(document), &why) == OK);
    return keys;
}

enum clerk_reason judge_by(const struct claims_rules *by, struct span token)
{
    struct arena *a = arena_new();
    struct keys *keys = judge_keys();
    struct jwt_judge judge = {.rules = by, .keys = keys, .now_ms = MINT_NOW_S * 1000};
    struct claims claims;
    enum clerk_reason reason = jwt_verify(a, token, &judge, &claims);
    keys_free(keys);
    arena_free(a);
    return reason;
}

enum clerk_reason judge_token(const char *token)
{
    return judge_by(&judge_rules, span_str(token));
}

enum clerk_reason judge_signed(const char *header, const char *payload)
{
    CLEANUP(mem_free_ptr) char *token = mint_sign(mint_key(MINT_GOOD), header, payload);
    return judge_token(token);
}

char *judge_good_token(void)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){0});
    return mint_sign(mint_key(MINT_GOOD), header, payload);
}
