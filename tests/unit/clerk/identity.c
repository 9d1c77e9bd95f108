/* What a token says besides who asks: organization, actor, lists; and that remembering a token
 * forgets nothing of it. */
#include "clerk/cache.h"
#include "clerk/pack.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/claimed.h"
#include "tests/unit/clerk/judge.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void version_2_is_read(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_identity who = claimed(
        a,
        "{\"v\":2,\"o\":{\"id\":\"org_1\",\"slg\":\"acme\",\"rol\":\"admin\",\"per\":\"x,y\","
        "\"fpm\":\"3\"},\"fea\":\"o:a\",\"pla\":\"o:team\",\"fva\":[3,-1],\"org_id\":\"org_9\"}");
    CHECK(span_eq(who.organization.id, SPAN("org_1")));
    CHECK(span_eq(who.organization.slug, SPAN("acme")));
    CHECK(span_eq(who.organization.role, SPAN("org:admin")));
    CHECK(span_is_null(who.organization.permissions));
    CHECK(span_eq(who.features, SPAN("o:a")) && span_eq(who.plans, SPAN("o:team")));
    CHECK(who.has_factor_ages && who.factor_ages[0] == 3 && who.factor_ages[1] == -1);
}

static void version_1_is_read(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_identity who =
        claimed(a, "{\"org_id\":\"org_1\",\"org_slug\":\"acme\",\"org_role\":\"org:admin\","
                   "\"org_permissions\":[\"org:a:x\",\"org:a:y\"],\"o\":{\"id\":\"org_9\"}}");
    CHECK(span_eq(who.organization.id, SPAN("org_1")));
    CHECK(span_eq(who.organization.slug, SPAN("acme")));
    CHECK(span_eq(who.organization.role, SPAN("org:admin")));
    CHECK(span_eq(who.organization.permissions, SPAN("org:a:x,org:a:y")));
    CHECK(!who.has_factor_ages && span_is_null(who.features) && span_is_null(who.plans));
}

static void without_an_organization_all_of_it_is_null(void)
{
    static const char *const cases[] = {"{}", "{\"v\":2}",
                                        "{\"org_slug\":\"acme\",\"org_role\":\"org:admin\"}",
                                        "{\"v\":2,\"o\":{\"slg\":\"acme\",\"rol\":\"admin\"}}",
                                        "{\"v\":2,\"o\":{\"id\":\"a\\u0000b\",\"slg\":\"acme\"}}"};
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i]);
        struct clerk_identity who = claimed(a, cases[i]);
        CHECK(span_is_null(who.organization.id) && span_is_null(who.organization.slug));
        CHECK(span_is_null(who.organization.role));
    }
}

/* --- lists of permissions --- */

/* "org:a:x org:a:y " */
static const char *list_of(struct arena *a, const char *claims)
{
    struct clerk_identity who = claimed(a, claims);
    struct clerk_permissions list = clerk_permissions_of(&who);
    struct text out = TEXT(65536);
    struct span permission;
    while (clerk_permission_next(&list, a, &permission)) {
        text_add(&out, permission);
        text_add_char(&out, ' ');
    }
    const char *copy = arena_copy(a, text_span(&out)).p;
    text_free(&out);
    return copy;
}

static void permissions_can_be_listed(void)
{
    static const struct {
        const char *claims;
        const char *list;
    } cases[] = {
        {"{\"v\":2,\"o\":{\"id\":\"o1\",\"per\":\"x,y\",\"fpm\":\"3,1\"},\"fea\":\"o:a,u:b,ou:c\"}",
         "org:a:x org:a:y org:c:x "},
        {"{\"v\":2,\"o\":{\"id\":\"o1\",\"per\":\"x,y\",\"fpm\":\"0,2\"},\"fea\":\"o:a,o:b\"}",
         "org:b:y "},
        {"{\"v\":2,\"o\":{\"id\":\"o1\",\"per\":\"x\",\"fpm\":\"1\"},\"fea\":\"u:a\"}", ""},
        {"{\"org_id\":\"o1\",\"org_permissions\":[\"org:a:x\",\"a:y\"]}", "org:a:x org:a:y "},
        {"{\"org_permissions\":[\"org:a:x\"]}", ""},
        {"{}", ""},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].claims);
        CHECK(strcmp(list_of(a, cases[i].claims), cases[i].list) == 0);
    }
}

/* A feature with `keys` keys k0, k1 ..., and `number` as its number. */
static const char *wide(struct arena *a, size_t keys, const char *number)
{
    struct text out = TEXT(65536);
    text_add(&out, SPAN("{\"v\":2,\"fea\":\"o:f\",\"o\":{\"id\":\"o1\",\"per\":\"k0"));
    for (size_t i = 1; i < keys; i++) {
        text_addf(&out, ",k%zu", i);
    }
    text_addf(&out, "\",\"fpm\":\"%s\"}}", number);
    const char *claims = arena_copy(a, text_span(&out)).p;
    text_free(&out);
    return claims;
}

static void the_map_may_have_more_than_64_bits(void)
{
    static const struct {
        const char *number;
        const char *list;
    } cases[] = {
        {"18446744073709551615", NULL},                                        /* 2^64 - 1 */
        {"18446744073709551616", "org:f:k64 "},                                /* 2^64 */
        {"36893488147419103233", "org:f:k0 org:f:k65 "},                       /* 2^65 + 1 */
        {"1267650600228229401496703205376", "org:f:k100 "},                    /* 2^100 */
        {"633825300114114700748351602688", "org:f:k99 "},                      /* 2^99 */
        {"1606938044258990275541962092341162602522202993782792835301376", ""}, /* 2^200 */
        {"4294967296", "org:f:k32 "},
        {"4294967295000000000000000000000000000000000000x", ""},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].number);
        const char *list = list_of(a, wide(a, 128, cases[i].number));
        if (cases[i].list == NULL) {
            CHECK(span_ends(span_str(list), SPAN(" org:f:k62 org:f:k63 ")));
        } else {
            CHECK(strcmp(list, cases[i].list) == 0);
        }
    }
}

/* 2^4096 - 1 has 1234 digits; a number with more bits than that counts as none. */
static void the_map_has_4096_bits_at_most(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    char digits[1235 + 1];
    memset(digits, '9', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    CHECK(strcmp(list_of(a, wide(a, 3, digits)), "") == 0); /* 10^1235 - 1 */
    digits[1233] = '\0';                                    /* 10^1233 - 1: its low bits are ones */
    CHECK(strcmp(list_of(a, wide(a, 3, digits)), "org:f:k0 org:f:k1 org:f:k2 ") == 0);
}

/* --- actors --- */

static enum clerk_reason judge_actor(const char *act, struct clerk_identity *who, struct arena *a)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){"act", act});
    CLEANUP(mem_free_ptr) char *token = mint_sign(mint_key(MINT_GOOD), header, payload);
    struct keys *keys = judge_keys();
    struct jwt_judge how = {.rules = &judge_rules, .keys = keys, .now_ms = MINT_NOW_S * 1000};
    struct claims c;
    enum clerk_reason reason = jwt_verify(a, span_str(token), &how, &c);
    *who = c.who;
    keys_free(keys);
    return reason;
}

static void an_impersonator_is_named_or_the_token_refused(void)
{
    static const struct {
        const char *act;
        enum clerk_reason reason;
        const char *id, *type;
    } cases[] = {
        {NULL, CLERK_OK, NULL, NULL},
        {"null", CLERK_OK, NULL, NULL},
        {"{\"sub\":\"user_9\",\"iss\":\"https://dashboard.clerk.com\"}", CLERK_OK, "user_9", NULL},
        {"{\"sub\":\"user_9\",\"type\":\"agent\"}", CLERK_OK, "user_9", "agent"},
        {"{\"sub\":\"user_9\",\"act\":{\"sub\":\"user_8\"}}", CLERK_OK, "user_9", NULL},
        {"{}", CLERK_TOKEN_INVALID, NULL, NULL},
        {"{\"sub\":\"\"}", CLERK_TOKEN_INVALID, NULL, NULL},
        {"{\"sub\":7}", CLERK_TOKEN_INVALID, NULL, NULL},
        {"{\"sub\":null}", CLERK_TOKEN_INVALID, NULL, NULL},
        {"{\"sub\":\"a\\nb\"}", CLERK_TOKEN_INVALID, NULL, NULL},
        {"{\"sub\":\"user_9\",\"type\":1}", CLERK_TOKEN_INVALID, NULL, NULL},
        {"{\"iss\":\"https://dashboard.clerk.com\"}", CLERK_TOKEN_INVALID, NULL, NULL},
        {"\"user_9\"", CLERK_TOKEN_INVALID, NULL, NULL},
        {"[\"user_9\"]", CLERK_TOKEN_INVALID, NULL, NULL},
        {"false", CLERK_TOKEN_INVALID, NULL, NULL},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clerk_identity who;
        check_case(cases[i].act == NULL ? "absent" : cases[i].act);
        CHECK(judge_actor(cases[i].act, &who, a) == cases[i].reason);
        if (cases[i].reason == CLERK_OK) {
            CHECK(span_eq(who.actor_id, span_str(cases[i].id)));
            CHECK(span_eq(who.actor_type, span_str(cases[i].type)));
            CHECK(span_eq(who.user_id, SPAN("user_1")));
        }
    }
}

/* --- copies --- */

static struct clerk_identity full(void)
{
    return (struct clerk_identity){
        .user_id = SPAN("user"),
        .session_id = SPAN("session"),
        .party = SPAN("party"),
        .issued_at_s = 1,
        .expires_at_s = 2,
        .actor_id = SPAN("actor"),
        .actor_type = SPAN("type"),
        .features = SPAN("features"),
        .plans = SPAN("plans"),
        .has_factor_ages = true,
        .factor_ages = {3, 4},
        .organization = {.id = SPAN("id"),
                         .slug = SPAN("slug"),
                         .role = SPAN("role"),
                         .permissions = SPAN("permissions"),
                         .permission_keys = SPAN("keys"),
                         .permission_map = SPAN("map")},
    };
}

static bool is_full(const struct clerk_identity *who)
{
    const struct clerk_organization *o = &who->organization;
    return span_eq(who->user_id, SPAN("user")) && span_eq(who->session_id, SPAN("session")) &&
           span_eq(who->party, SPAN("party")) && who->issued_at_s == 1 && who->expires_at_s == 2 &&
           span_eq(who->actor_id, SPAN("actor")) && span_eq(who->actor_type, SPAN("type")) &&
           span_eq(who->features, SPAN("features")) && span_eq(who->plans, SPAN("plans")) &&
           who->has_factor_ages && who->factor_ages[0] == 3 && who->factor_ages[1] == 4 &&
           span_eq(o->id, SPAN("id")) && span_eq(o->slug, SPAN("slug")) &&
           span_eq(o->role, SPAN("role")) && span_eq(o->permissions, SPAN("permissions")) &&
           span_eq(o->permission_keys, SPAN("keys")) && span_eq(o->permission_map, SPAN("map"));
}

static void a_packed_identity_is_whole_and_stands_alone(void)
{
    struct clerk_identity who = full();
    size_t size = pack_size(&who);
    char *bytes = mem_alloc(size);
    char *end = bytes;
    struct clerk_identity copy = pack_move(&who, &end);
    CHECK(is_full(&copy) && end == bytes + size);
    CHECK(copy.organization.permission_map.p >= bytes && copy.user_id.p >= bytes);
    memset(bytes, 'x', size);
    CHECK(!is_full(&copy) && is_full(&who));
    mem_free(bytes);
}

static void what_is_null_stays_null(void)
{
    struct clerk_identity who = {.user_id = SPAN("user")};
    char bytes[4];
    char *end = bytes;
    struct clerk_identity copy = pack_move(&who, &end);
    CHECK(pack_size(&who) == 4 && end == bytes + 4 && span_eq(copy.user_id, SPAN("user")));
    CHECK(span_is_null(copy.actor_id) && span_is_null(copy.organization.id));
}

static void a_remembered_token_says_all_it_said(void)
{
    struct cache *cache = cache_new();
    struct claims claims = {.who = full(), .expires_ms = 5};
    cache_put(cache, SPAN("a.b.c"), &claims);
    claims.who = (struct clerk_identity){0};
    const struct claims *found = cache_find(cache, SPAN("a.b.c"));
    CHECK(found != NULL && is_full(&found->who) && found->expires_ms == 5);
    cache_free(cache);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(version_2_is_read),
        TEST(version_1_is_read),
        TEST(without_an_organization_all_of_it_is_null),
        TEST(permissions_can_be_listed),
        TEST(the_map_may_have_more_than_64_bits),
        TEST(the_map_has_4096_bits_at_most),
        TEST(an_impersonator_is_named_or_the_token_refused),
        TEST(a_packed_identity_is_whole_and_stands_alone),
        TEST(what_is_null_stays_null),
        TEST(a_remembered_token_says_all_it_said),
    };
    (void)mint_key(MINT_GOOD);
    return check_main(argc, argv, tests, COUNT(tests));
}
